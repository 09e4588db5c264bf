/*
 * The JSON API from a request's bytes on: routes, query, JSON, and the answer. The methods are the
 * server's, their handlers answer with what they were asked, as far as the types allow, or fail.
 * The first byte is the size of the pieces.
 */
#include "net/http1_internal.h"

#include "frontend/frontend.h"
#include "rpc/rpc_internal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/stub_conn.h"
#include "web/web.h"
#include "wire/wire.h"

struct input {
    struct sk_rt *rt;
    const uint8_t *bytes;
    size_t size;
};

static struct sk_web *web; // made at the first input, const from then on

/* The request's bytes, read as an answer; what does not fit stays unknown. */
static sk_err answer(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    struct sk_str bytes = sk_wire_pack(ctx->arena, request);
    ProtobufCMessage *read;
    sk_err err = sk_wire_decode(ctx, sk_call_method(call)->response, bytes, &read);
    if (!err)
        memcpy(response, read, read->descriptor->sizeof_message);
    return err;
}

static sk_err stream(struct sk_call *call, struct sk_ctx *ctx, const void *request)
{
    for (int i = 0; i < 3; i++)
        if (!sk_call_send(call, request))
            break;
    return SK_OK;
}

static void make_web(void)
{
    struct sk_frontend_options frontend_options = {.version = "fuzz"};
    struct sk_frontend *frontend = sk_frontend_new(&frontend_options);
    size_t count;
    const struct sk_method *from = sk_frontend_methods(frontend, &count);
    struct sk_method *methods = sk_mem_alloc(count * sizeof *methods);
    for (size_t i = 0; i < count; i++) {
        methods[i] = from[i];
        if (from[i].stream)
            methods[i].stream = stream;
        else
            methods[i].handler = answer;
    }
    struct sk_rpc_server_options options = {.ip = "127.0.0.1"};
    static const char *const origins[] = {"https://a", NULL};
    struct sk_web_options web_options = {
        .rpc = rpc_server_new(&options, methods, count),
        .version = "fuzz",
        .client_version = "1",
        .base_path = "/x/",
        .cors_origins = origins,
        .grpc_ip = "0.0.0.0",
    };
    web = sk_web_new(&web_options);
    sk_mem_free(methods);
}

static void on_request(void *owner, const struct sk_http_request *request,
                       struct sk_http_response *response)
{
    (void)owner;
    sk_web_handle(web, request, response);
    SK_ASSERT(response->status >= 200 || response->status == 0); // 0: it streamed
}

static void drive(void *arg)
{
    struct input *input = arg;
    struct sk_http_options options = {
        .ip = "127.0.0.1", .body_max = 10000, .handler = on_request};
    struct sk_http_server *server = http_server_new(&options);
    size_t step = input->bytes[0] ? input->bytes[0] : 70000;
    if (!web)
        make_web();
    http_accept(server, NULL);
    for (size_t at = 1; at < input->size; at += step) {
        stub_feed(input->bytes + at, input->size - at < step ? input->size - at : step);
        sk_fiber_yield();
    }
    sk_fiber_sleep(1);
    stub_end();
    sk_fiber_sleep(1);
    sk_http_close(server);
    sk_fiber_sleep(1);
    sk_rt_stop(input->rt);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    struct sk_rt_options options = {.loop_count = 1, .simulated = true, .start_wall_ms = 1};
    struct input input = {sk_rt_new(&options), bytes, size};
    sk_rt_run(input.rt, drive, &input);
    sk_rt_free(input.rt);
    return 0;
}
