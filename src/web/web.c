/*
 * What is served over HTTP, and in which order it is looked for: the JSON API's routes, then pages.
 * Thread: any loop; struct sk_web is const once made.
 */
#include "web/web_internal.h"

struct sk_web *sk_web_new(const struct sk_web_options *options)
{
    struct sk_web *web = sk_mem_zalloc(sizeof *web);
    web->options = *options;
    web->routes = sk_web_routes_new(options->rpc);
    return web;
}

void sk_web_free(struct sk_web *web)
{
    if (!web)
        return;
    sk_web_routes_free(web->routes);
    sk_mem_free(web);
}

void sk_web_handle(struct sk_web *web, const struct sk_http_request *request,
                   struct sk_http_response *response)
{
    if (web_api_handle(web, request, response))
        return;
    (void)sk_fail(request->ctx, SK_NOT_FOUND, "nothing is served at this path");
    web_api_error(request, response, 0);
}
