/*
 * HTTP/1.1 server for the UI's port: pages, metrics, probes and (later) the JSON API and push.
 * Handlers run in a fiber on the connection's loop.
 */
#ifndef SK_NET_HTTP1_H
#define SK_NET_HTTP1_H

#include <stdbool.h>
#include "base/ctx.h"
#include "base/str.h"

struct sk_http_server;
struct sk_http_request {
    struct sk_str method, path, query; /* path without the query, percent-decoded */
    struct sk_str host;                /* header Host without the port */
    struct sk_str body;
    const char *peer;
    struct sk_ctx *ctx; /* arena of the request */
    void *headers;      /* opaque: sk_http_header */
};
struct sk_http_response {
    int status;
    const char *content_type;
    struct sk_str body;        /* in the request's arena or static */
    const char *extra_headers; /* "Name: value\r\n" lines or NULL */
};
struct sk_str sk_http_header(const struct sk_http_request *request, const char *name);

typedef void (*sk_http_handler)(void *owner, const struct sk_http_request *request,
                                struct sk_http_response *response);
struct sk_http_options {
    const char *ip;
    int port;
    size_t body_max; /* default 4 MiB */
    /* Host names that are answered besides loopback and the bound address; NULL-ended or NULL */
    const char *const *public_hosts;
    sk_http_handler handler;
    void *owner;
};
sk_err sk_http_listen(const struct sk_http_options *options, struct sk_http_server **ret,
                      int *reterr_errno) SK_MUST_USE;
int sk_http_port(const struct sk_http_server *server);
void sk_http_close(struct sk_http_server *server);

#endif
