/*
 * What is served over HTTP, and in which order it is looked for:
 *
 *   1. the JSON API under /api/, at the root and below the base path;
 *   2. Temporal's bare routes (/namespaces/..., /cluster), unless a browser asks for a page: those
 *      of the UI look the same;
 *   3. the UI: files, and index.html for whatever a browser shows in its address bar.
 *
 * Thread: any loop; struct sk_web is const once made.
 */
#include "web/web_internal.h"

#include "base/assert.h"
#include "wire/json.h"

struct sk_web *sk_web_new(const struct sk_web_options *options)
{
    struct sk_web *web = sk_mem_zalloc(sizeof *web);
    web->options = *options;
    if (!web->options.base_path)
        web->options.base_path = "/";
    SK_ASSERT(sk_web_base_path_valid(web->options.base_path));
    web->routes = sk_web_routes_new(options->rpc);
    web->page = web_page_new(options);
    web->openapi = web_openapi_new();
    return web;
}

void sk_web_free(struct sk_web *web)
{
    if (!web)
        return;
    sk_web_routes_free(web->routes);
    web_page_free(web->page);
    web_openapi_free(web->openapi);
    sk_mem_free(web);
}

bool sk_web_base_path_valid(const char *path)
{
    size_t n = strlen(path);
    if (n == 0 || path[0] != '/' || path[n - 1] != '/' || strstr(path, "//") ||
        strstr(path, "/./") || strstr(path, "/../"))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = path[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !strchr("/-._~", c))
            return false;
    }
    return true;
}

bool web_reads(const struct sk_http_request *request)
{
    return sk_str_eq(request->method, SK_STR("GET")) || sk_str_eq(request->method, SK_STR("HEAD"));
}

/* A path below the base path becomes one below "/"; false: it is not below it. */
static bool below_base(const struct sk_web *web, struct sk_http_request *request)
{
    struct sk_str base = sk_str_of(web->options.base_path);
    if (!sk_str_starts(request->raw_path, base) || !sk_str_starts(request->path, base))
        return false;
    request->raw_path.p += base.n - 1;
    request->raw_path.n -= base.n - 1;
    request->path.p += base.n - 1;
    request->path.n -= base.n - 1;
    return true;
}

/* Whoever asks for the root, or forgot the slash, is sent to the UI. */
static bool redirect_to_base(const struct sk_web *web, const struct sk_http_request *request,
                             struct sk_http_response *response)
{
    struct sk_str bare = sk_str_of(web->options.base_path);
    bare.n--;
    if (bare.n == 0 || web->options.headless ||
        !(sk_str_eq(request->path, SK_STR("/")) || sk_str_eq(request->path, bare)))
        return false;
    *response = (struct sk_http_response){
        .status = 307,
        .content_type = "text/plain; charset=utf-8",
        .extra_headers =
            sk_arena_printf(request->ctx->arena, "Location: %s\r\nCache-Control: no-store\r\n",
                            web->options.base_path),
        .body = SK_STR("the UI is elsewhere\n"),
    };
    return true;
}

static bool is_openapi(const struct sk_http_request *request)
{
    return web_reads(request) && sk_str_eq(request->raw_path, SK_STR("/api/v1/openapi.json"));
}

void sk_web_handle(struct sk_web *web, const struct sk_http_request *given,
                   struct sk_http_response *response)
{
    struct sk_http_request request = *given;
    bool below = below_base(web, &request);
    bool is_api = sk_str_starts(request.raw_path, SK_STR("/api/"));
    bool page = below && !is_api && !web->options.headless && web_reads(&request) &&
                web_wants_page(&request);
    if (is_api && is_openapi(&request)) {
        web_openapi_serve(web, &request, response);
        return;
    }
    if (!page &&
        (web_preflight(web, &request, response) || web_api_handle(web, &request, response)))
        return;
    if (redirect_to_base(web, given, response))
        return;
    if (is_api || !below) {
        (void)sk_fail(request.ctx, SK_NOT_FOUND, "nothing is served at this path");
        web_api_error(web, &request, response, SK_WIRE_JSON_SHORTHAND);
        return;
    }
    web_pages_handle(web, &request, (struct sk_str){request.path.p + 1, request.path.n - 1},
                     response);
}
