/*
 * The HTTP side: a plain page at / until the UI lands, /metrics for Prometheus, /healthz (the
 * process runs) and /readyz (it serves). The Host header was checked by net/http1. Runs in a fiber
 * on the connection's loop; answers live in the request's arena.
 *
 * /healthz does not look at the store: a store that is away for a while is no reason to kill the
 * process that waits for it.
 */
#include <string.h>
#include "frontend/frontend.h"
#include "main/server.h"
#include "web/web.h"

#define PAGE_HEADERS                                                                           \
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors " \
    "'none'\r\n"                                                                               \
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: "       \
    "no-store\r\n"

struct page {
    const char *path;
    bool ui; /* not served when --headless */
    void (*serve)(struct sk_server *server, const struct sk_http_request *request,
                  struct sk_http_response *response);
};

static void plain(struct sk_http_response *response, int status, const char *text)
{
    response->status = status;
    response->content_type = "text/plain; charset=utf-8";
    response->extra_headers = PAGE_HEADERS;
    response->body = sk_str_of(text);
}

static void serve_health(struct sk_server *server, const struct sk_http_request *request,
                         struct sk_http_response *response)
{
    plain(response, 200, "ok\n");
}

static void serve_ready(struct sk_server *server, const struct sk_http_request *request,
                        struct sk_http_response *response)
{
    bool ready = atomic_load(&server->ready);
    plain(response, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

static void serve_metrics(struct sk_server *server, const struct sk_http_request *request,
                          struct sk_http_response *response)
{
    struct sk_buf text = SK_BUF_INIT;
    if (!atomic_load(&server->ready)) { // parts may not be there yet, or not any more
        plain(response, 503, "not ready\n");
        return;
    }
    sk_server_metrics_write(server, request->ctx, &text);
    plain(response, 200, "");
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    response->body = (struct sk_str){sk_arena_memdup(request->ctx->arena, text.p, text.n), text.n};
    sk_buf_fini(&text);
}

static const char home_page[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Skald</title>\n"
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em;"
    "color-scheme:light dark}code{font-size:.95em}</style>\n"
    "<h1>Skald is running</h1>\n"
    "<p>Version " SK_VERSION
    ". It speaks Temporal's API, as of Temporal " SK_TEMPORAL_SERVER_VERSION
    ": point any Temporal SDK, the <code>temporal</code> command line or Temporal's web UI at its "
    "gRPC port.</p>\n"
    "<p>Try <code>skald demo</code>, then <code>temporal workflow list</code>.</p>\n"
    "<ul><li><a href=\"metrics\">metrics</a> for Prometheus</li><li><a "
    "href=\"healthz\">healthz</a>: the process runs</li>"
    "<li><a href=\"readyz\">readyz</a>: it serves</li></ul>\n"
    "<p>A web UI of its own is to come. Not affiliated with Temporal Technologies.</p>\n</html>\n";

static void serve_home(struct sk_server *server, const struct sk_http_request *request,
                       struct sk_http_response *response)
{
    plain(response, 200, home_page);
    response->content_type = "text/html; charset=utf-8";
}

static const struct page pages[] = {
    {"/", true, serve_home},
    {"/healthz", false, serve_health},
    {"/metrics", false, serve_metrics},
    {"/namespaces", true, serve_home}, // where SDKs and people look for the web UI
    {"/readyz", false, serve_ready},
};

void sk_pages_handle(void *owner, const struct sk_http_request *request,
                     struct sk_http_response *response)
{
    struct sk_server *server = owner;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (!sk_str_eq(request->path, sk_str_of(pages[i].path)) ||
            (pages[i].ui && server->config->headless))
            continue;
        if (!sk_str_eq(request->method, SK_STR("GET")) &&
            !sk_str_eq(request->method, SK_STR("HEAD")))
            plain(response, 405, "only GET and HEAD are served here\n");
        else
            pages[i].serve(server, request, response);
        return;
    }
    sk_web_handle(server->web, request, response);
}
