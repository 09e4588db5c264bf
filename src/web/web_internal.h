/* For src/web/ only. */
#ifndef SK_WEB_INTERNAL_H
#define SK_WEB_INTERNAL_H

#include "base/buf.h"
#include "base/ctx.h"
#include "web/routes.h"
#include "web/web.h"

struct sk_web {
    struct sk_web_options options;
    struct sk_web_routes *routes;
};

/* ---- api.c ---- */
/* Answers when the path is one of the JSON API's; false: it is none. */
bool web_api_handle(struct sk_web *web, const struct sk_http_request *request,
                    struct sk_http_response *response);
/* {"code", "message", "details"} of ctx->err, with the HTTP status that goes with it. */
void web_api_error(const struct sk_http_request *request, struct sk_http_response *response,
                   unsigned flags);

/* ---- security.c ---- */
/* Whether a request that may change something may be served: PERMISSION_DENIED, INVALID_ARGUMENT.
 */
sk_err web_check_change(const struct sk_web *web,
                        const struct sk_http_request *request) SK_MUST_USE;
/* Whether other pages of this origin may use the API. */
bool web_origin_configured(const struct sk_web *web, struct sk_str origin);

/* ---- query.c ---- */
struct web_pair {
    struct sk_str name, value; /* decoded, in the arena */
};
/* The next of a query's pairs, "+" being a space. false at the end, or with ctx->err set when one
 * is not percent-encoded UTF-8. */
bool web_query_next(struct sk_ctx *ctx, struct sk_str *query, struct web_pair *ret);
/* Whether the query has a flag or parameter of this name. */
bool web_query_has(struct sk_str query, struct sk_str name);

#endif
