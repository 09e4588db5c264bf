/*
 * `skald health`: is a server there, and does it serve? By gRPC's health service, or by the /readyz
 * page: the latter needs no certificate, so that a container's health check works either way. Also
 * `skald version`.
 */
#include <stdio.h>
#include <string.h>
#include "cli/client.h"
#include "cli/command.h"
#include "grpc/health/v1/health.pb-c.h"
#include "rt/rt.h"
#include "rt/stream.h"

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define ANSWER_MAX 64 /* bytes of an HTTP answer that are looked at */

static int not_serving(struct sk_ctx *ctx, const char *address)
{
    (void)!sk_fail(ctx, SK_UNAVAILABLE, "%s is not serving", address);
    return SK_EXIT_FAILED;
}

static int ask_grpc(struct sk_ctx *ctx, const struct sk_options *options)
{
    struct sk_rpc_client *client;
    ProtobufCMessage *reply;
    Grpc__Health__V1__HealthCheckRequest request;
    grpc__health__v1__health_check_request__init(&request);
    if (sk_cli_connect(ctx, options, false, &client))
        return SK_EXIT_FAILED;
    sk_err err = sk_rpc_call(client, ctx, "grpc.health.v1.Health", "Check", &request.base,
                             &grpc__health__v1__health_check_response__descriptor,
                             sk_options_number(options, SK_OPT_TIMEOUT), &reply);
    sk_rpc_client_close(client);
    if (err)
        return SK_EXIT_FAILED;
    const Grpc__Health__V1__HealthCheckResponse *answer = (const void *)reply;
    if (answer->status != SERVING)
        return not_serving(ctx, sk_options_text(options, SK_OPT_ADDRESS));
    printf("serving\n");
    return SK_EXIT_OK;
}

/* ---- by HTTP ---- */

struct page {
    char answer[ANSWER_MAX];
    size_t n;
    bool ended, closed;
    struct sk_waitq changed;
};

static void on_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct page *page = owner;
    if (err)
        page->ended = true;
    if (n > sizeof(page->answer) - page->n)
        n = sizeof(page->answer) - page->n;
    memcpy(page->answer + page->n, bytes, n);
    page->n += n;
    sk_waitq_wake_all(&page->changed);
}

static void on_drained(void *owner) {}

static void on_close(void *owner)
{
    struct page *page = owner;
    page->ended = page->closed = true;
    sk_waitq_wake_all(&page->changed);
}

/* Enough to tell: "HTTP/1.1 200". */
static bool fetch(struct page *page, struct sk_stream *stream, const char *host, int64_t timeout_ms)
{
    static const struct sk_stream_events events = {on_read, on_drained, on_close};
    const struct sk_str parts[] = {SK_STR("GET /readyz HTTP/1.1\r\nConnection: close\r\nHost: "),
                                   sk_str_of(host), SK_STR("\r\n\r\n")};
    int64_t deadline = sk_now_mono_ms() + timeout_ms;
    sk_waitq_init(&page->changed);
    sk_stream_open(stream, &events, page);
    sk_stream_read_start(stream);
    sk_stream_write(stream, parts, 3);
    while (!page->ended && page->n < 12)
        if (!sk_waitq_wait(&page->changed, deadline))
            break;
    sk_stream_close(stream);
    while (!page->closed)
        sk_waitq_wait(&page->changed, 0);
    return page->n >= 12 && memcmp(page->answer, "HTTP/1.1 200", 12) == 0;
}

static int ask_http(struct sk_ctx *ctx, const struct sk_options *options)
{
    const char *address = sk_options_text(options, SK_OPT_HEALTH_HTTP), *host;
    struct page page = {.n = 0};
    struct sk_stream *stream;
    int port, error = 0;
    if (sk_cli_address(ctx, "http", address, &host, &port))
        return SK_EXIT_USAGE;
    if (sk_connect(host, port, &stream, &error)) {
        (void)!sk_fail(ctx, SK_UNAVAILABLE, "no connection to %s: %s", address, strerror(error));
        return SK_EXIT_FAILED;
    }
    if (!fetch(&page, stream, address, sk_options_number(options, SK_OPT_TIMEOUT)))
        return not_serving(ctx, address);
    printf("serving\n");
    return SK_EXIT_OK;
}

int sk_cmd_health(struct sk_ctx *ctx, struct sk_options *options)
{
    bool http = *sk_options_text(options, SK_OPT_HEALTH_HTTP) != '\0';
    return sk_cli_run(ctx, options, http ? ask_http : ask_grpc);
}

int sk_cmd_version(struct sk_ctx *ctx, struct sk_options *options)
{
    printf("skald %s\n", SK_VERSION);
    return SK_EXIT_OK;
}
