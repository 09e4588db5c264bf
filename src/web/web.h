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
    const char *version;             /* Skald's own */
    const char *client_version;      /* what handlers are told when a client does not say */
    const char *base_path;           /* where a proxy shows the UI: "/" or "/x/y/" */
    bool headless;                   /* no pages */
    bool read_only;                  /* nothing that changes anything is called */
    const char *codec_endpoint;      /* an http(s) URL that the UI may talk to, or NULL */
    const char *const *cors_origins; /* "https://host:port", NULL-ended or NULL: no others */
    const char *grpc_ip;             /* what the UI says to connect workers to */
    int grpc_port;
};

struct sk_web *sk_web_new(const struct sk_web_options *options);
void sk_web_free(struct sk_web *web); /* NULL is fine */

/* Answers requests for the API and the UI; anything else gets a 404. In the request's fiber. */
void sk_web_handle(struct sk_web *web, const struct sk_http_request *given,
                   struct sk_http_response *response);

/* Before metrics are shown: what they count by the day begins anew at midnight, UTC. Any thread. */
void sk_web_refresh_metrics(void);

/* "https://host:port" of an http(s) URL, in the arena; NULL when it is none. */
const char *sk_web_origin_of(struct sk_arena *arena, const char *url);
/* Whether a path may be a base path: "/", or "/x/y/" of letters, digits and -._~ */
bool sk_web_base_path_valid(const char *path);
/* Whether this binary carries the UI's files; built without Node and network it does not. */
bool sk_web_has_ui(void);

#endif
