/*
 * What keeps other web pages from using this server through a visitor's browser.
 *
 * A page of another origin can have a browser send requests here: simple ones without asking
 * (forms, images, fetch without CORS), others after a preflight. It must not change anything:
 *
 *   - whoever is asked for by a name that is not ours gets nothing (net/http1: DNS rebinding);
 *   - what changes things takes JSON only, which no form can send;
 *   - and, where the browser says whence it comes (Origin, Sec-Fetch-Site), only from this origin
 *     or a configured one. Programs that are no browsers send neither and are let through.
 *
 * Reading is kept from others by the browser itself, as long as no CORS header says otherwise, and
 * by Cross-Origin-Resource-Policy for what can be embedded without CORS. CORS headers go to the
 * configured origins only.
 *
 * Pure functions of request and options; any thread.
 */
#include "web/web_internal.h"

#define API_HEADERS                                                  \
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n" \
    "Cross-Origin-Resource-Policy: same-origin\r\n"

/* Host and port of "https://host:port"; n 0: it is not such a thing, "null" for one. */
static struct sk_str authority_of(struct sk_str origin)
{
    static const struct sk_str schemes[] = {SK_STR("http://"), SK_STR("https://")};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (sk_str_starts(origin, schemes[i]))
            return (struct sk_str){origin.p + schemes[i].n, origin.n - schemes[i].n};
    return (struct sk_str){NULL, 0};
}

/* The configured origin that a request comes from, or NULL. */
static const char *configured(const struct sk_web *web, struct sk_str origin)
{
    for (const char *const *it = web->options.cors_origins; it && *it && origin.n > 0; it++)
        if (sk_str_ieq(origin, sk_str_of(*it)))
            return *it;
    return NULL;
}

/* Behind a proxy that ends TLS the page's scheme is not ours, so host and port are compared. */
static bool is_ours(const struct sk_http_request *request, struct sk_str origin)
{
    struct sk_str authority = authority_of(origin);
    return authority.n > 0 && sk_str_ieq(authority, request->authority);
}

static bool is_json(struct sk_str media)
{
    const struct sk_str json = SK_STR("application/json");
    if (media.n < json.n || !sk_str_ieq((struct sk_str){media.p, json.n}, json))
        return false;
    return media.n == json.n || strchr("+; ", media.p[json.n]);
}

sk_err web_check_change(const struct sk_web *web, const struct sk_http_request *request)
{
    struct sk_str origin = sk_http_header(request, "origin");
    struct sk_str site = sk_http_header(request, "sec-fetch-site");
    struct sk_str media = sk_http_header(request, "content-type");
    bool known = configured(web, origin) != NULL;
    if (origin.n > 0 && !known && !is_ours(request, origin))
        return sk_fail(request->ctx, SK_PERMISSION_DENIED,
                       "requests from the origin %.*s are not taken; see --ui-cors-origin",
                       (int)(origin.n < 200 ? origin.n : 200), origin.p);
    if (site.n > 0 && !known && !sk_str_eq(site, SK_STR("same-origin")) &&
        !sk_str_eq(site, SK_STR("none")))
        return sk_fail(request->ctx, SK_PERMISSION_DENIED,
                       "requests from other sites are not taken; see --ui-cors-origin");
    if ((media.n > 0 || request->body.n > 0) && !is_json(media))
        return sk_fail(request->ctx, SK_INVALID_ARGUMENT,
                       "Content-Type must be application/json, not \"%.*s\"",
                       (int)(media.n < 100 ? media.n : 100), media.p ? media.p : "");
    if (sk_http_header(request, "content-encoding").n > 0)
        return sk_fail(request->ctx, SK_INVALID_ARGUMENT,
                       "Content-Encoding: bodies are taken plain");
    return SK_OK;
}

const char *web_api_headers(const struct sk_web *web, const struct sk_http_request *request)
{
    if (!web->options.cors_origins || !*web->options.cors_origins)
        return API_HEADERS "Vary: Accept, Accept-Encoding\r\n";
    const char *origin = configured(web, sk_http_header(request, "origin"));
    if (!origin)
        return API_HEADERS "Vary: Accept, Accept-Encoding, Origin\r\n";
    return sk_arena_printf(request->ctx->arena,
                           API_HEADERS "Vary: Accept, Accept-Encoding, Origin\r\n"
                                       "Access-Control-Allow-Origin: %s\r\n",
                           origin);
}

bool web_preflight(const struct sk_web *web, const struct sk_http_request *request,
                   struct sk_http_response *response)
{
    struct sk_str asked = sk_http_header(request, "access-control-request-method");
    if (!sk_str_eq(request->method, SK_STR("OPTIONS")) || asked.n == 0)
        return false;
    *response = (struct sk_http_response){.status = 204};
    response->extra_headers = web_api_headers(web, request);
    if (configured(web, sk_http_header(request, "origin")))
        response->extra_headers = sk_arena_printf(
            request->ctx->arena,
            "%sAccess-Control-Allow-Methods: GET, PUT, POST, DELETE, PATCH\r\n"
            "Access-Control-Allow-Headers: Authorization, Client-Name, Client-Version, "
            "Content-Type, Grpc-Timeout, X-Request-Id\r\nAccess-Control-Max-Age: 600\r\n",
            response->extra_headers);
    return true;
}

const char *sk_web_origin_of(struct sk_arena *arena, const char *url)
{
    struct sk_str host = authority_of(sk_str_of(url));
    size_t n = 0;
    if (!host.p)
        return NULL;
    while (n < host.n && !strchr("/?#", host.p[n])) {
        char c = host.p[n++];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !strchr("-.:[]_", c))
            return NULL;
    }
    return n > 0 ? sk_arena_strndup(arena, url, (size_t)(host.p - url) + n) : NULL;
}
