/*
 * A gRPC server's connection from its bytes on: HTTP/2 frames, headers, messages. The first byte
 * says in how large pieces the rest arrives; bytes after that follow a good preface.
 */
#include "rpc/rpc_internal.h"

#include <temporal/api/common/v1/message.pb-c.h>
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/stub_conn.h"

struct input {
    struct sk_rt *rt;
    const uint8_t *bytes;
    size_t size;
};

static struct sk_call *parked[64];
static int parked_count;

static sk_err on_echo(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    const Temporal__Api__Common__V1__Payload *in = request;
    if (in->data.len > 3)
        return sk_fail(ctx, SK_NOT_FOUND, "%.*s", (int)in->data.len, (char *)in->data.data);
    ((Temporal__Api__Common__V1__Payload *)response)->data = in->data;
    if (in->data.len == 3)
        sk_fiber_yield();
    return sk_call_header(call, "client-name") ? SK_OK : SK_OK;
}

static void on_gone(void *arg)
{
    *(struct sk_call **)arg = NULL;
}

static sk_err on_poll(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    (void)request;
    (void)response;
    if (parked_count == 64)
        return sk_fail(ctx, SK_RESOURCE_EXHAUSTED, "enough");
    parked[parked_count] = call;
    sk_call_park(call, on_gone, &parked[parked_count++]);
    return SK_PARKED;
}

static sk_err resumed(struct sk_call *call, struct sk_ctx *ctx, void *arg, void *response)
{
    (void)call;
    (void)ctx;
    (void)arg;
    (void)response;
    return SK_OK;
}

static void drive(void *arg)
{
    static const ProtobufCMessageDescriptor *const type =
        &temporal__api__common__v1__payload__descriptor;
    struct input *input = arg;
    const struct sk_method methods[] = {{"t.T", "E", type, type, on_echo, 0, NULL},
                                        {"t.T", "P", type, type, on_poll, SK_METHOD_LONG_POLL,
                                         NULL}};
    struct sk_rpc_server_options options = {.message_max = 1 << 16};
    struct sk_rpc_server *server = rpc_server_new(&options, methods, 2);
    size_t step = input->bytes[0] ? input->bytes[0] : 70000;
    size_t calls = 1, connections = 1;
    parked_count = 0;
    rpc_accept(server, NULL);
    stub_feed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
    for (size_t at = 1; at < input->size; at += step) {
        stub_feed(input->bytes + at, input->size - at < step ? input->size - at : step);
        sk_fiber_yield();
    }
    sk_fiber_yield();
    for (int i = 0; i < parked_count; i += 2)
        if (parked[i])
            sk_call_resume(parked[i], resumed, NULL);
    sk_fiber_sleep(2500); // the clock is virtual
    stub_end();
    for (int i = 0; i < 10 && calls > 0; i++) {
        sk_fiber_yield();
        sk_rpc_counts(server, &connections, &calls);
    }
    SK_ASSERT(calls == 0 && connections == 0);
    sk_rpc_server_free(server);
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
