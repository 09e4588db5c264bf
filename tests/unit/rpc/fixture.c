#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/assert.h"
#include "base/buf.h"

static const ProtobufCMessageDescriptor *const payload_type =
    &temporal__api__common__v1__payload__descriptor;

static void set_data(struct sk_ctx *ctx, void *response, const void *bytes, size_t n)
{
    Payload *out = response;
    out->data.data = sk_arena_memdup(ctx->arena, bytes, n);
    out->data.len = n;
}

static sk_err on_echo(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    struct fixture *fx = sk_call_owner(call);
    const Payload *in = request;
    fx->handled++;
    ctx->ns_name = "echoed";
    const char *header = sk_call_header(call, "client-name");
    snprintf(fx->last_header, sizeof fx->last_header, "%s", header ? header : "");
    set_data(ctx, response, in->data.data, in->data.len);
    return SK_OK;
}

static sk_err on_fail(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    (void)call;
    (void)response;
    const Payload *in = request;
    sk_err err = sk_fail(ctx, SK_NOT_FOUND, "nothing at \"%.*s\" 100%% \xc3\xbc\n",
                         (int)in->data.len, (const char *)in->data.data);
    if (in->data.len > 0)
        sk_fail_detail(ctx, "temporal.api.errordetails.v1.NotFoundFailure", "\x0a\x01x", 3);
    return err;
}

static sk_err on_who(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    (void)call;
    (void)request;
    if (ctx->principal)
        set_data(ctx, response, ctx->principal, strlen(ctx->principal));
    return SK_OK;
}

static void on_gone(void *arg)
{
    struct fixture *fx = arg;
    fx->gone++;
}

static sk_err on_poll(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    struct fixture *fx = sk_call_owner(call);
    const Payload *in = request;
    (void)response;
    fx->handled++;
    ctx->ns_name = "polled";
    sk_call_park(call, on_gone, fx);
    fx->parked[fx->parked_count++] = call;
    sk_waitq_wake_all(&fx->parked_more);
    if (in->data.len == 5 && memcmp(in->data.data, "sleep", 5) == 0)
        sk_fiber_sleep(50); // slow to return after it parked
    return SK_PARKED;
}

/* Returns a while after its caller has gone. */
static sk_err on_outlive(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                         void *response)
{
    struct fixture *fx = sk_call_owner(call);
    (void)request;
    fx->started++;
    WAIT_UNTIL(!sk_call_alive(call));
    sk_fiber_sleep(50);
    fx->handled++;
    set_data(ctx, response, "late", 4);
    return SK_OK;
}

/* Sends its request's data until it is told to stop by a wake, then "end". */
static sk_err on_stream(struct sk_call *call, struct sk_ctx *ctx, const void *request)
{
    struct fixture *fx = sk_call_owner(call);
    const Payload *in = request;
    fx->handled++;
    if (in->data.len == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "nothing to send");
    fx->parked[fx->parked_count++] = call;
    sk_waitq_wake_all(&fx->parked_more);
    while (sk_call_send(call, &in->base) && sk_call_wait(call, 0))
        if (sk_call_behind(call) == 7) {
            Payload end = TEMPORAL__API__COMMON__V1__PAYLOAD__INIT;
            set_data(ctx, &end, "end", 3);
            (void)!sk_call_send(call, &end.base);
            return SK_OK;
        }
    fx->gone++;
    return SK_OK;
}

static sk_err resumed(struct sk_call *call, struct sk_ctx *ctx, void *arg, void *response)
{
    (void)call;
    (void)arg;
    set_data(ctx, response, "resumed", 7);
    return SK_OK;
}

void fixture_resume_all(struct fixture *fx)
{
    int count = fx->parked_count;
    fx->parked_count = 0;
    for (int i = 0; i < count; i++)
        sk_call_resume(fx->parked[i], resumed, NULL);
}

void fixture_wait_parked(struct fixture *fx, int count)
{
    while (fx->parked_count < count)
        assert_true(sk_waitq_wait(&fx->parked_more, sk_now_mono_ms() + PATIENCE_MS));
}

static void on_observe(void *owner, const struct sk_method *method, const char *ns_name, sk_err err,
                       int64_t latency_us)
{
    struct fixture *fx = owner;
    assert_non_null(method);
    assert_true(latency_us >= 0);
    fx->observed++;
    fx->last_observed = err;
    fx->last_ns_name = ns_name;
}

static sk_err on_authorise(void *owner, struct sk_call *call, struct sk_ctx *ctx,
                           const void *request)
{
    struct fixture *fx = owner;
    const Payload *in = request;
    if (strcmp(sk_call_method(call)->service, ECHO) != 0 || in->data.len != 9 ||
        memcmp(in->data.data, "forbidden", 9) != 0)
        return SK_OK;
    fx->refused++;
    return sk_fail(ctx, SK_PERMISSION_DENIED, "Request unauthorized.");
}

struct run {
    struct fixture *fx;
    struct sk_rt *rt;
    const struct sk_rpc_server_options *options;
    const struct sk_rpc_client_options *client;
    void (*body)(struct fixture *fx);
};

static void run_main(void *arg)
{
    struct run *run = arg;
    struct fixture *fx = run->fx;
    const struct sk_method methods[] = {
        {ECHO, "Echo", payload_type, payload_type, on_echo, 0, fx},
        {ECHO, "Fail", payload_type, payload_type, on_fail, 0, fx},
        {ECHO, "Outlive", payload_type, payload_type, on_outlive, 0, fx},
        {ECHO, "Who", payload_type, payload_type, on_who, 0, fx},
        {ECHO, "Poll", payload_type, payload_type, on_poll, SK_METHOD_LONG_POLL, fx},
        {ECHO, "Stream", payload_type, payload_type, NULL, 0, fx, on_stream},
    };
    struct sk_rpc_server_options options =
        run->options ? *run->options : (struct sk_rpc_server_options){0};
    options.ip = "127.0.0.1";
    options.authorise = on_authorise;
    options.observe = on_observe;
    options.owner = fx;
    int error = 0;
    sk_waitq_init(&fx->parked_more);
    assert_int_equal(sk_rpc_listen(&options, methods, sizeof methods / sizeof *methods, &fx->server,
                                   &error),
                     SK_OK);
    fx->port = sk_rpc_port(fx->server);
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    if (run->client) {
        struct sk_rpc_client_options client = *run->client;
        client.port = fx->port;
        if (!client.host)
            client.host = "127.0.0.1";
        sk_err err = sk_rpc_connect(&ctx, &client, &fx->client);
        if (err)
            print_error("connect: %s\n", ctx.err.message);
        assert_int_equal(err, SK_OK);
    }
    run->body(fx);
    sk_rpc_client_close(fx->client);
    if (fx->server) {
        sk_rpc_drain(fx->server, 2000);
        size_t connections = 1, calls = 1;
        WAIT_UNTIL((sk_rpc_counts(fx->server, &connections, &calls), connections + calls == 0));
        sk_rpc_server_free(fx->server);
    }
    sk_arena_free(ctx.arena);
    sk_rt_stop(run->rt);
}

void fixture_run(int loop_count, const struct sk_rpc_server_options *options,
                 const struct sk_rpc_client_options *client, void (*body)(struct fixture *fx))
{
    struct sk_rt_options rt_options = {.loop_count = loop_count};
    struct run run = {
        .rt = sk_rt_new(&rt_options), .options = options, .client = client, .body = body};
    run.fx = sk_mem_zalloc(sizeof *run.fx);
    sk_rt_run(run.rt, run_main, &run);
    sk_rt_free(run.rt);
    sk_mem_free(run.fx);
}

sk_err fixture_call(struct fixture *fx, struct sk_ctx *ctx, const char *method, struct sk_str data,
                    int64_t timeout_ms, struct sk_str *ret)
{
    Payload request = TEMPORAL__API__COMMON__V1__PAYLOAD__INIT;
    ProtobufCMessage *answer = NULL;
    request.data.data = (uint8_t *)(uintptr_t)data.p;
    request.data.len = data.n;
    sk_err err = sk_rpc_call(fx->client, ctx, ECHO, method, &request.base, payload_type, timeout_ms,
                             &answer);
    if (err)
        return err;
    const Payload *payload = (const void *)answer;
    if (ret)
        *ret = (struct sk_str){(const char *)payload->data.data, payload->data.len};
    return SK_OK;
}
