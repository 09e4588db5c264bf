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

/* Host and port of "https://host:port"; n 0: it is not such a thing, "null" for one. */
static struct sk_str authority_of(struct sk_str origin)
{
    static const struct sk_str schemes[] = {SK_STR("http://"), SK_STR("https://")};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (sk_str_starts(origin, schemes[i]))
            return (struct sk_str){origin.p + schemes[i].n, origin.n - schemes[i].n};
    return (struct sk_str){NULL, 0};
}

bool web_origin_configured(const struct sk_web *web, struct sk_str origin)
{
    for (const char *const *it = web->options.cors_origins; it && *it; it++)
        if (origin.n > 0 && sk_str_ieq(origin, sk_str_of(*it)))
            return true;
    return false;
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
    bool configured = web_origin_configured(web, origin);
    if (origin.n > 0 && !configured && !is_ours(request, origin))
        return sk_fail(request->ctx, SK_PERMISSION_DENIED,
                       "requests from the origin %.*s are not taken; see --ui-cors-origin",
                       (int)(origin.n < 200 ? origin.n : 200), origin.p);
    if (site.n > 0 && !configured && !sk_str_eq(site, SK_STR("same-origin")) &&
        !sk_str_eq(site, SK_STR("none")))
        return sk_fail(request->ctx, SK_PERMISSION_DENIED,
                       "requests from other sites are not taken; see --ui-cors-origin");
    if ((media.n > 0 || request->body.n > 0) && !is_json(media))
        return sk_fail(request->ctx, SK_INVALID_ARGUMENT,
                       "Content-Type must be application/json, not \"%.*s\"",
                       (int)(media.n < 100 ? media.n : 100), media.p ? media.p : "");
    return SK_OK;
}
