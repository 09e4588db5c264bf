/*
 * A gRPC client's connection from its bytes on: what a server, or whoever plays one, may answer.
 * The first byte is the size of the pieces.
 */
#include "rpc/rpc_internal.h"

#include <temporal/api/common/v1/message.pb-c.h>
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/stub_conn.h"

enum { CALLS = 3 };

struct input {
    struct sk_rt *rt;
    const uint8_t *bytes;
    size_t size;
    struct sk_rpc_client *client;
    int ended;
};

/* In place of src/rt/connect.c: the stub needs no stream. */
sk_err sk_connect(const char *host, int port, struct sk_stream **ret, int *reterr_errno)
{
    (void)host;
    (void)port;
    (void)reterr_errno;
    *ret = NULL;
    return SK_OK;
}

static void call(void *arg)
{
    struct input *input = arg;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    Temporal__Api__Common__V1__Payload request = TEMPORAL__API__COMMON__V1__PAYLOAD__INIT;
    ProtobufCMessage *answer = NULL;
    sk_err err = sk_rpc_call(input->client, &ctx, "t.T", "E", &request.base,
                             &temporal__api__common__v1__payload__descriptor, 500, &answer);
    if (err)
        SK_ASSERT(ctx.err.code == err && ctx.err.message);
    else
        SK_ASSERT(answer->descriptor == &temporal__api__common__v1__payload__descriptor);
    sk_arena_free(ctx.arena);
    input->ended++;
}

static void drive(void *arg)
{
    struct input *input = arg;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_rpc_client_options options = {.host = "127.0.0.1", .gzip = input->size % 2 == 0};
    size_t step = input->bytes[0] ? input->bytes[0] : 70000;
    SK_ASSERT(sk_rpc_connect(&ctx, &options, &input->client) == SK_OK);
    for (int i = 0; i < CALLS; i++)
        sk_fiber_spawn(call, input);
    sk_fiber_yield();
    stub_feed("\0\0\0\4\0\0\0\0\0", 9);
    sk_fiber_yield();
    for (size_t at = 1; at < input->size; at += step) {
        stub_feed(input->bytes + at, input->size - at < step ? input->size - at : step);
        sk_fiber_yield();
    }
    if (input->size % 3 == 0)
        stub_end(); // the server goes
    sk_fiber_sleep(1000); // what was not answered has timed out
    SK_ASSERT(input->ended == CALLS);
    sk_rpc_client_close(input->client);
    while (stub_conn)
        sk_fiber_yield();
    sk_arena_free(ctx.arena);
    sk_rt_stop(input->rt);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    struct sk_rt_options options = {.loop_count = 1, .simulated = true, .start_wall_ms = 1};
    struct input input = {.rt = sk_rt_new(&options), .bytes = bytes, .size = size};
    sk_rt_run(input.rt, drive, &input);
    sk_rt_free(input.rt);
    return 0;
}
