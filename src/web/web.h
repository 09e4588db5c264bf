/*
 * All of HTTP above net/http1: the JSON API, its description, the pages of the UI, and what keeps
 * other web pages away from them. Metrics and probes are src/main's.
 *
 * Made once when gRPC listens; const from then on. Requests are handled on any loop, in the fiber
 * that net/http1 gave them.
 */
#ifndef SK_WEB_WEB_H
#define SK_WEB_WEB_H

#include <stdbool.h>
#include "net/http1.h"
#include "rpc/rpc.h"

struct sk_web;

struct sk_web_options { /* everything borrowed until sk_web_free */
    struct sk_rpc_server *rpc;
    const char *client_version;      /* what handlers are told when a client does not say */
    bool read_only;                  /* nothing that changes anything is called */
    const char *const *cors_origins; /* "https://host:port", NULL-ended or NULL: no others */
};

struct sk_web *sk_web_new(const struct sk_web_options *options);
void sk_web_free(struct sk_web *web); /* NULL is fine */

/* Answers requests for the API and the UI; anything else gets a 404. In the request's fiber. */
void sk_web_handle(struct sk_web *web, const struct sk_http_request *request,
                   struct sk_http_response *response);

#endif
