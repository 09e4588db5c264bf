/*
 * HTTP/1.1 server for the UI's port: pages, metrics, probes, the JSON API and push. A handler runs
 * in a fiber on its connection's loop, and answers whole (it fills the response) or in pieces
 * (sk_http_stream_start). It may wait as long as it likes: what the peer sends meanwhile is kept,
 * and that the peer has gone is told to whoever watches.
 */
#ifndef SK_NET_HTTP1_H
#define SK_NET_HTTP1_H

#include <stdbool.h>
#include <stdint.h>
#include "base/ctx.h"
#include "base/str.h"

struct sk_http_server;
struct sk_http_request {
    struct sk_str method, path, query; /* path without the query, percent-decoded */
    struct sk_str raw_path;            /* as it came: "%2F" is part of a name, "/" is not */
    struct sk_str host;                /* header Host without the port */
    struct sk_str authority;           /* header Host as it came */
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
/* The next field after *cursor (0 at first); false at the end. Borrowed as the request is. */
bool sk_http_next_header(const struct sk_http_request *request, size_t *cursor,
                         struct sk_str *ret_name, struct sk_str *ret_value);
/* "%41" as "A"; false when text is not percent-encoded UTF-8 or holds U+0000. */
bool sk_http_percent_decode(struct sk_arena *arena, struct sk_str text, struct sk_str *ret);

/* ---- while a handler runs ---- */
/* Tell fn(arg), on this loop, once when the peer has gone or the server closes: within this call if
 * that is so already. One watcher a request; fn NULL: none any more, as after the handler's end. */
void sk_http_watch(const struct sk_http_request *request, void (*fn)(void *arg), void *arg);
bool sk_http_gone(const struct sk_http_request *request); /* it has, or does */

/* An answer in pieces. Of the response, status, content type and extra headers are sent, at once.
 * What the handler's own response says is then of no matter; the body ends when it returns. */
void sk_http_stream_start(const struct sk_http_request *request,
                          const struct sk_http_response *response);
/* Sends a piece, at once, and lets other fibers run. Waits when the peer is behind by
 * SK_HTTP_STREAM_BEHIND bytes, until it has taken all, at most write_ms. false: the peer has gone,
 * is too slow, all peers together are too far behind, or the server closes: return from the
 * handler. */
#define SK_HTTP_STREAM_BEHIND ((size_t)64 * 1024)
bool sk_http_stream_write(const struct sk_http_request *request, struct sk_str piece) SK_MUST_USE;
/* Bytes that were written and that the peer has not taken: where a piece may be left out. */
size_t sk_http_stream_pending(const struct sk_http_request *request);

typedef void (*sk_http_handler)(void *owner, const struct sk_http_request *request,
                                struct sk_http_response *response);
struct sk_http_options {
    const char *ip;
    int port;
    size_t body_max;  /* default 4 MiB */
    int64_t write_ms; /* how long a peer may be behind with an answer; default 60 s */
    /* Host names that are answered besides loopback and the bound address; NULL-ended or NULL */
    const char *const *public_hosts;
    sk_http_handler handler;
    void *owner;
};
sk_err sk_http_listen(const struct sk_http_options *options, struct sk_http_server **ret,
                      int *reterr_errno) SK_MUST_USE;
/* Bytes of answers that peers have not taken, of all servers of the process; any thread. */
size_t sk_http_unsent(void);
int sk_http_port(const struct sk_http_server *server);
/* Takes no more requests, tells watchers, and waits, from a fiber, until handlers have ended or the
 * time is up. */
void sk_http_drain(struct sk_http_server *server, int64_t timeout_ms);
/* Frees, from a fiber, once connections have closed or after 2 s; those with a handler that still
 * runs live until it returns. */
void sk_http_close(struct sk_http_server *server);

#endif
