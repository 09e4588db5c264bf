/*
 * The routes of the JSON API, read from the google.api.http annotations of the embedded
 * descriptors. Made once, then const; any thread may look.
 */
#ifndef SK_WEB_ROUTES_H
#define SK_WEB_ROUTES_H

#include "base/arena.h"
#include "rpc/rpc.h"

#define SK_WEB_VARIABLES_MAX 8

enum sk_web_verb {
    SK_WEB_GET,
    SK_WEB_PUT,
    SK_WEB_POST,
    SK_WEB_DELETE,
    SK_WEB_PATCH,
    SK_WEB_VERB_COUNT,
};
const char *sk_web_verb_name(enum sk_web_verb verb);

enum sk_web_route_kind {
    SK_WEB_ANNOTATED, /* one of the API's own */
    SK_WEB_RPC,       /* POST /api/v1/rpc/<Method>: Skald's own */
    SK_WEB_LEFT_OUT,  /* such a one, without an annotation, that only workers call: refused */
};

struct sk_web_route {
    const struct sk_method *method;
    enum sk_web_route_kind kind;
    enum sk_web_verb verb;
    const char *pattern; /* "/api/v1/namespaces/{namespace}/workflows" */
    const char *body;    /* "*": all of the request; a field's name; "": none */
    bool annotated;      /* the method has a route of its own */
    const char
        *comment; /* what the .proto says of the method; "" where the descriptors have none */
    /* fields that the path sets, dotted, in the order of the pattern */
    const char *variables[SK_WEB_VARIABLES_MAX];
    int variable_count;
    const struct sk_web_route *next; /* in the order of the descriptors */
};

struct sk_web_routes;
/* Of all methods that the server has. Aborts when an annotation is not understood: the descriptors
 * are part of this binary. */
struct sk_web_routes *sk_web_routes_new(const struct sk_rpc_server *rpc);
void sk_web_routes_free(struct sk_web_routes *routes);
const struct sk_web_route *sk_web_routes_first(const struct sk_web_routes *routes);

struct sk_web_match {
    const struct sk_web_route *route;           /* NULL: none */
    struct sk_str values[SK_WEB_VARIABLES_MAX]; /* decoded, in the arena */
    unsigned allowed; /* bits of verbs that the path has; 0: no such path */
};
/* raw_path is percent-encoded: "%2F" belongs to a segment, "/" parts two. */
void sk_web_routes_match(const struct sk_web_routes *routes, struct sk_arena *arena,
                         enum sk_web_verb verb, struct sk_str raw_path, struct sk_web_match *ret);

#endif
