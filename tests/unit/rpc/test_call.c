/* Calls between our client and our server: answers, errors, sizes, compression, deadlines. */
#include "fixture.h"
#include "rpc/rpc_internal.h"

#include <grpc/health/v1/health.pb-c.h>
#include <stdio.h>
#include <string.h>
#include "base/buf.h"
#include "rpc/rpc_internal.h"
#include "rt/fiber.h"

static const struct sk_rpc_client_options plain = {.client_name = "test-client",
                                                   .client_version = "1.2.3"};
static const struct sk_rpc_client_options gzip = {.gzip = true};

#define CTX(name) struct sk_ctx name = {.arena = sk_arena_new(0)}
#define CTX_END(name) sk_arena_free((name).arena)

static void echo(struct fixture *fx)
{
    CTX(ctx);
    struct sk_str answer;
    assert_int_equal(fixture_call(fx, &ctx, "Echo", SK_STR("hello"), 0, &answer), SK_OK);
    assert_true(sk_str_eq(answer, SK_STR("hello")));
    assert_int_equal(fx->handled, 1);
    assert_string_equal(fx->last_header, "test-client");
    assert_int_equal(fx->observed, 1);
    assert_int_equal(fx->last_observed, SK_OK);
    assert_string_equal(fx->last_ns_name, "echoed");
    assert_int_equal(fixture_call(fx, &ctx, "Echo", SK_STR(""), PATIENCE_MS, &answer), SK_OK);
    assert_int_equal(answer.n, 0);
    CTX_END(ctx);
}

static void test_echo(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, echo);
    fixture_run(2, NULL, &plain, echo);
}

static void errors(struct fixture *fx)
{
    CTX(ctx);
    assert_int_equal(fixture_call(fx, &ctx, "Fail", SK_STR("x"), 0, NULL), SK_NOT_FOUND);
    assert_string_equal(ctx.err.message, "nothing at \"x\" 100% \xc3\xbc\n");
    assert_string_equal(ctx.err.detail_type, "temporal.api.errordetails.v1.NotFoundFailure");
    assert_int_equal(ctx.err.detail_size, 3);
    assert_memory_equal(ctx.err.detail, "\x0a\x01x", 3);
    sk_ctx_clear(&ctx);
    assert_int_equal(fixture_call(fx, &ctx, "Fail", SK_STR(""), 0, NULL), SK_NOT_FOUND);
    assert_null(ctx.err.detail_type);
    sk_ctx_clear(&ctx);
    assert_int_equal(fixture_call(fx, &ctx, "Nope", SK_STR(""), 0, NULL), SK_UNIMPLEMENTED);
    assert_string_equal(ctx.err.message, "unknown method Nope for service test.Echo");
    sk_ctx_clear(&ctx);
    assert_int_equal(fixture_call(fx, &ctx, "Echo", SK_STR("forbidden"), 0, NULL),
                     SK_PERMISSION_DENIED);
    assert_int_equal(fx->refused, 1);
    assert_int_equal(fx->last_observed, SK_PERMISSION_DENIED);
    CTX_END(ctx);
}

static void test_errors(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, errors);
}

/* Compressible for half of it. */
static struct sk_str sample(struct sk_ctx *ctx, size_t n)
{
    char *bytes = sk_arena_alloc(ctx->arena, n + 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i % 2 ? 'a' : (i * 2654435761u) >> 13);
    return (struct sk_str){bytes, n};
}

static void sizes(struct fixture *fx)
{
    static const size_t list[] = {1,     20,    1000,   1024,    1100,   16384,
                                  65530, 65536, 100000, 1 << 20, 4000000};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        CTX(ctx);
        struct sk_str sent = sample(&ctx, list[i]), answer;
        assert_int_equal(fixture_call(fx, &ctx, "Echo", sent, 0, &answer), SK_OK);
        assert_true(sk_str_eq(sent, answer));
        CTX_END(ctx);
    }
    CTX(ctx);
    struct sk_str big = sample(&ctx, (4 << 20) + 100);
    memset((char *)(uintptr_t)big.p, 'z', big.n);
    assert_int_equal(fixture_call(fx, &ctx, "Echo", big, 0, NULL), SK_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(ctx.err.message, "grpc: received message larger than max ("));
    assert_non_null(strstr(ctx.err.message, " vs. 4194304)"));
    sk_ctx_clear(&ctx);
    struct sk_str answer; // and the connection goes on
    assert_int_equal(fixture_call(fx, &ctx, "Echo", SK_STR("on"), 0, &answer), SK_OK);
    CTX_END(ctx);
}

static void test_sizes(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, sizes);
}

static void test_sizes_gzip(void **state)
{
    (void)state;
    fixture_run(1, NULL, &gzip, sizes);
}

/* Clients compress as SDKs do, a request of a few bytes too; the server only what gains by it. */
static void test_frames(void **state)
{
    (void)state;
    static const struct {
        size_t size, gzip_from;
        bool gzipped;
    } cases[] = {
        {0, 0, true},
        {5, 0, true},
        {5000, 0, true},
        {5, RPC_GZIP_MIN, false},
        {5000, RPC_GZIP_MIN, true},
        {5000, RPC_GZIP_NEVER, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CTX(ctx);
        Grpc__Health__V1__HealthCheckRequest message = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
        message.service = sk_arena_zalloc(ctx.arena, cases[i].size + 1);
        memset(message.service, 'x', cases[i].size);
        bool gzipped = !cases[i].gzipped;
        struct sk_str frame = rpc_frame(ctx.arena, &message.base, cases[i].gzip_from, &gzipped);
        assert_int_equal(gzipped, cases[i].gzipped);
        assert_int_equal(frame.p[0], gzipped);
        struct sk_str read;
        assert_int_equal(rpc_unframe(&ctx, frame, gzipped, 1 << 20, &read), SK_OK);
        assert_int_equal(read.n, protobuf_c_message_get_packed_size(&message.base));
        CTX_END(ctx);
    }
}

static void deadlines(struct fixture *fx)
{
    CTX(ctx);
    struct sk_str answer;
    assert_int_equal(fixture_call(fx, &ctx, "Outlive", SK_STR(""), 30, &answer),
                     SK_DEADLINE_EXCEEDED);
    sk_ctx_clear(&ctx);
    WAIT_UNTIL(fx->observed == 1); // the handler ends all the same, its answer goes nowhere
    assert_int_equal(fx->handled, 1);
    assert_int_equal(fx->last_observed, SK_CANCELLED);
    assert_int_equal(fixture_call(fx, &ctx, "Poll", SK_STR(""), 1999, &answer),
                     SK_FAILED_PRECONDITION);
    assert_string_equal(ctx.err.message, "Context timeout is too short.");
    CTX_END(ctx);
}

static void test_deadlines(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, deadlines);
}

struct many {
    struct fixture *fx;
    int done, started;
    struct sk_waitq all;
};

static void one_of_many(void *arg)
{
    struct many *many = arg;
    CTX(ctx);
    char text[32];
    struct sk_str answer, sent = {text, 0};
    for (int i = 0; i < 20; i++) {
        sent.n = (size_t)snprintf(text, sizeof text, "%d", many->started++);
        assert_int_equal(fixture_call(many->fx, &ctx, "Echo", sent, PATIENCE_MS, &answer), SK_OK);
        assert_true(sk_str_eq(sent, answer));
    }
    CTX_END(ctx);
    many->done++;
    sk_waitq_wake_all(&many->all);
}

static void concurrent(struct fixture *fx)
{
    struct many many = {.fx = fx};
    sk_waitq_init(&many.all);
    for (int i = 0; i < 500; i++)
        sk_fiber_spawn(one_of_many, &many);
    while (many.done < 500)
        assert_true(sk_waitq_wait(&many.all, sk_now_mono_ms() + PATIENCE_MS));
    assert_int_equal(fx->handled, 10000);
}

static void test_concurrent(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, concurrent);
}

static int64_t check(struct fixture *fx, const char *service)
{
    CTX(ctx);
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    request.service = (char *)(uintptr_t)service;
    sk_err err =
        sk_rpc_call(fx->client, &ctx, "grpc.health.v1.Health", "Check", &request.base,
                    &grpc__health__v1__health_check_response__descriptor, PATIENCE_MS, &answer);
    int64_t status =
        err ? -(int64_t)err
            : (int64_t)((Grpc__Health__V1__HealthCheckResponse *)(void *)answer)->status;
    CTX_END(ctx);
    return status;
}

static void health(struct fixture *fx)
{
    assert_int_equal(check(fx, ""), 1);
    assert_int_equal(check(fx, ECHO), 1);
    assert_int_equal(check(fx, "test.None"), -SK_NOT_FOUND);
}

static void test_health(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, health);
}

/* ---- bounds ---- */

static void never(void *arg)
{
    (void)arg;
}

/* As many stacks as all limits together allow, and some for everybody else: a system with the usual
 * limit of mappings has them. One that could not be mapped would end the process. */
static void the_system_has_stacks_for_all_that_may_run(void **state)
{
    (void)state;
    enum { COUNT = 2 * RPC_RUNNING_MAX + RPC_LOCAL_MAX + 2000 };
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    long max = 0;
    if (file && fscanf(file, "%ld", &max) != 1)
        max = 0;
    if (file)
        fclose(file);
#ifdef __SANITIZE_THREAD__
    max = 0; // it keeps far more than a stack for each
#endif
    if (max < 65530)
        skip();
    struct sk_context *all = sk_mem_zalloc(COUNT * sizeof *all);
    for (size_t i = 0; i < COUNT; i++)
        sk_context_init(&all[i], never, NULL);
    for (size_t i = 0; i < COUNT; i++)
        sk_context_fini(&all[i]);
    sk_mem_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_sizes_gzip),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_concurrent),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(the_system_has_stacks_for_all_that_may_run),
    };
    return cmocka_run_group_tests_name("rpc call", tests, NULL, NULL);
}
