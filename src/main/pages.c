/*
 * The HTTP side: /metrics for Prometheus, /healthz (the process runs) and /readyz (it serves); all
 * else is src/web's. The Host header was checked by net/http1. Runs in a fiber on the connection's
 * loop; answers live in the request's arena.
 *
 * /healthz does not look at the store: a store that is away for a while is no reason to kill the
 * process that waits for it.
 */
#include <string.h>
#include "main/server.h"
#include "web/web.h"

#define PAGE_HEADERS                                                                     \
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"            \
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: " \
    "no-store\r\n"

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

static const struct {
    const char *path;
    void (*serve)(struct sk_server *server, const struct sk_http_request *request,
                  struct sk_http_response *response);
} pages[] = {
    {"/healthz", serve_health},
    {"/metrics", serve_metrics},
    {"/readyz", serve_ready},
};

/* false: the path is none of ours. */
static bool serve(struct sk_server *server, const struct sk_http_request *request,
                  struct sk_http_response *response)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (!sk_str_eq(request->path, sk_str_of(pages[i].path)))
            continue;
        if (sk_str_eq(request->method, SK_STR("GET")) || sk_str_eq(request->method, SK_STR("HEAD")))
            pages[i].serve(server, request, response);
        else
            plain(response, 405, "only GET and HEAD are served here\n");
        return true;
    }
    return false;
}

void sk_pages_handle(void *owner, const struct sk_http_request *request,
                     struct sk_http_response *response)
{
    struct sk_server *server = owner;
    if (!serve(server, request, response))
        sk_web_handle(server->web, request, response);
}

void sk_pages_handle_metrics(void *owner, const struct sk_http_request *request,
                             struct sk_http_response *response)
{
    if (!serve(owner, request, response))
        plain(response, 404, "only /metrics and probes are served here\n");
}
