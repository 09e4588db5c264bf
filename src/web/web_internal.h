/* For src/web/ only. */
#ifndef SK_WEB_INTERNAL_H
#define SK_WEB_INTERNAL_H

#include "base/buf.h"
#include "base/ctx.h"
#include "web/routes.h"
#include "web/web.h"

struct web_openapi; /* openapi.c */
struct web_page;    /* pages.c */

struct sk_web {
    struct sk_web_options options;
    struct sk_web_routes *routes;
    struct web_page *page;
    struct web_openapi *openapi;
};

/* ---- web.c ---- */
bool web_reads(const struct sk_http_request *request); /* GET or HEAD */

/* ---- api.c ---- */
/* Answers when the path is one of the JSON API's; false: it is none. */
bool web_api_handle(struct sk_web *web, const struct sk_http_request *request,
                    struct sk_http_response *response);
/* {"code", "message", "details"} of the request's ctx->err, with the HTTP status that goes with
 * it. flags: of enum sk_wire_json_flags, the form that was asked for. */
void web_api_error(const struct sk_web *web, const struct sk_http_request *request,
                   struct sk_http_response *response, unsigned flags);
/* JSON, compressed when that is wanted and worth it. text is copied. */
void web_api_answer(const struct sk_web *web, const struct sk_http_request *request,
                    struct sk_http_response *response, int status, struct sk_str text);

/* ---- openapi.c: the description of the JSON API ---- */
struct web_openapi *web_openapi_new(void);
void web_openapi_free(struct web_openapi *openapi);
void web_openapi_serve(struct sk_web *web, const struct sk_http_request *request,
                       struct sk_http_response *response);

/* ---- pages.c: the UI's files ---- */
struct web_page *web_page_new(const struct sk_web_options *options);
void web_page_free(struct web_page *page);
/* path: below the base path, no slash before, decoded. GET and HEAD. */
void web_pages_handle(struct sk_web *web, const struct sk_http_request *request, struct sk_str path,
                      struct sk_http_response *response);

/* ---- security.c ---- */
/* Whether a request that may change something may be served: PERMISSION_DENIED, INVALID_ARGUMENT.
 */
sk_err web_check_change(const struct sk_web *web,
                        const struct sk_http_request *request) SK_MUST_USE;
/* The headers of every answer of the API, in the arena or static; "name: value\r\n" lines. */
const char *web_api_headers(const struct sk_web *web, const struct sk_http_request *request);
/* A browser asks whether another origin's page may call: answers. false: it is no such question. */
bool web_preflight(const struct sk_web *web, const struct sk_http_request *request,
                   struct sk_http_response *response);

/* ---- usage.c ---- */
/* A call has ended: if it was an action of the UI's, count it. message NULL: it could not be read.
 */
void web_note_action(const struct sk_http_request *request, const struct sk_method *method,
                     const ProtobufCMessage *message, sk_err err);

/* Somebody of this name did something. */
void web_note_operator(const char *identity);

/* ---- accept.c: what a client takes ---- */
/* Whether a list such as "gzip;q=0.5, br" has the item, with a weight that is not 0. */
bool web_accepts(struct sk_str list, struct sk_str item);
bool web_accepts_gzip(const struct sk_http_request *request);
/* Whether a browser asks for a page: text/html stands in Accept by name. */
bool web_wants_page(const struct sk_http_request *request);

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
