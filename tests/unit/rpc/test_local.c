/* Local calls: the handlers, hooks and parking of gRPC's, from a fiber of this process; streams. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include "base/buf.h"
#include "rpc/rpc_internal.h"

static const struct sk_rpc_client_options plain = {.client_name = "test-client"};

struct local {
    struct fixture *fx;
    const char *method, *data;
    int64_t timeout_ms;
    bool gone_at_once;
    sk_err err;
    bool done;
    char answer[16], why[100];
    void (*on_gone)(void *arg);
    void *gone_arg;
    // a stream's
    char sent[64];
    size_t behind;
    bool refuse;
};

static void watch(void *owner, void (*fn)(void *arg), void *arg)
{
    struct local *local = owner;
    local->on_gone = fn;
    local->gone_arg = arg;
    if (fn && local->gone_at_once)
        fn(arg);
}

static bool send(void *owner, const ProtobufCMessage *message)
{
    struct local *local = owner;
    const Payload *payload = (const void *)message;
    size_t n = strlen(local->sent);
    snprintf(local->sent + n, sizeof local->sent - n, "%.*s;", (int)payload->data.len,
             (const char *)payload->data.data);
    return !local->refuse;
}

static size_t behind(void *owner)
{
    const struct local *local = owner;
    return local->behind;
}

static void local_fiber(void *arg)
{
    struct local *local = arg;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    const struct sk_rpc_field fields[] = {{SK_STR("client-name"), SK_STR("web")},
                                          {SK_STR("x-unknown"), SK_STR("y")}};
    struct sk_rpc_local options = {
        .fields = fields,
        .field_count = 2,
        .peer = "here",
        .principal = "somebody",
        .timeout_ms = local->timeout_ms,
        .watch = watch,
        .send = send,
        .behind = behind,
        .owner = local,
    };
    const struct sk_method *method = sk_rpc_method(local->fx->server, ECHO, local->method);
    Payload request = TEMPORAL__API__COMMON__V1__PAYLOAD__INIT;
    request.data.data = (uint8_t *)(uintptr_t)local->data;
    request.data.len = local->data ? strlen(local->data) : 0;
    ProtobufCMessage *answer = NULL;
    local->err =
        sk_rpc_local_call(local->fx->server, &ctx, &options, method, &request.base, &answer);
    const Payload *payload = (const void *)answer;
    if (!local->err && payload)
        snprintf(local->answer, sizeof local->answer, "%.*s", (int)payload->data.len,
                 (const char *)payload->data.data);
    if (local->err)
        snprintf(local->why, sizeof local->why, "%s", ctx.err.message);
    assert_null(local->on_gone); // nobody is told any more
    sk_arena_free(ctx.arena);
    local->done = true;
}

static void start(struct fixture *fx, struct local *local, const char *method, const char *data)
{
    local->fx = fx;
    local->method = method;
    local->data = data;
    sk_fiber_spawn(local_fiber, local);
}

static void finish(struct local *local)
{
    WAIT_UNTIL(local->done);
}

static struct local call(struct fixture *fx, const char *method, const char *data)
{
    struct local local = {0};
    start(fx, &local, method, data);
    finish(&local);
    return local;
}

static void handlers(struct fixture *fx)
{
    struct local local = call(fx, "Echo", "hi");
    assert_int_equal(local.err, SK_OK);
    assert_string_equal(local.answer, "hi");
    assert_string_equal(fx->last_header, "web");
    assert_int_equal(fx->observed, 1);
    assert_string_equal(fx->last_ns_name, "echoed");
    assert_string_equal(call(fx, "Who", "").answer, "somebody");
    local = call(fx, "Fail", "x");
    assert_int_equal(local.err, SK_NOT_FOUND);
    assert_non_null(strstr(local.why, "nothing at"));
    assert_int_equal(fx->last_observed, SK_NOT_FOUND);
    assert_null(fx->last_ns_name);
    int handled = fx->handled;
    assert_int_equal(call(fx, "Echo", "forbidden").err, SK_PERMISSION_DENIED);
    assert_int_equal(fx->refused, 1);
    assert_int_equal(fx->handled, handled);
    assert_null(sk_rpc_method(fx->server, ECHO, "Nothing"));
    assert_null(
        sk_rpc_method(fx->server, "grpc.reflection.v1.ServerReflection", "ServerReflectionInfo"));
}

static void handlers_and_hooks_are_the_same(void **state)
{
    (void)state;
    fixture_run(1, NULL, NULL, handlers);
}

static void park(struct fixture *fx)
{
    struct local locals[3] = {{.timeout_ms = PATIENCE_MS}, {.timeout_ms = 0}, {.timeout_ms = 2000}};
    start(fx, &locals[0], "Poll", "");
    start(fx, &locals[1], "Poll", "sleep"); // resumed before its handler returned
    fixture_wait_parked(fx, 2);
    size_t connections, calls;
    sk_rpc_counts(fx->server, &connections, &calls);
    assert_int_equal(calls, 2);
    fixture_resume_all(fx);
    for (int i = 0; i < 2; i++) {
        finish(&locals[i]);
        assert_int_equal(locals[i].err, SK_OK);
        assert_string_equal(locals[i].answer, "resumed");
    }
    assert_int_equal(fx->gone, 0);
    start(fx, &locals[2], "Poll", "");
    finish(&locals[2]);
    assert_int_equal(locals[2].err, SK_DEADLINE_EXCEEDED);
    assert_int_equal(fx->gone, 1);
    struct local hasty = {.timeout_ms = 1999};
    start(fx, &hasty, "Poll", "");
    finish(&hasty);
    assert_int_equal(hasty.err, SK_FAILED_PRECONDITION);
    sk_rpc_counts(fx->server, &connections, &calls);
    assert_int_equal(calls, 0);
}

static void parked_calls_are_resumed_or_time_out(void **state)
{
    (void)state;
    fixture_run(1, NULL, NULL, park);
}

static void leave(struct fixture *fx)
{
    struct local parked = {0}, early = {.gone_at_once = true}, both = {0};
    start(fx, &parked, "Poll", "");
    fixture_wait_parked(fx, 1);
    parked.on_gone(parked.gone_arg);
    finish(&parked);
    assert_int_equal(parked.err, SK_CANCELLED);
    assert_int_equal(fx->gone, 1);
    assert_int_equal(fx->last_observed, SK_CANCELLED);
    start(fx, &early, "Poll", "");
    finish(&early);
    assert_int_equal(early.err, SK_CANCELLED);
    assert_int_equal(fx->gone, 2);
    // who was resumed runs, though it went in the same turn
    fx->parked_count = 0;
    start(fx, &both, "Poll", "");
    fixture_wait_parked(fx, 1);
    both.on_gone(both.gone_arg);
    fixture_resume_all(fx);
    finish(&both);
    assert_int_equal(both.err, SK_OK);
    assert_string_equal(both.answer, "resumed");
    assert_int_equal(fx->gone, 2);
}

static void who_leaves_is_let_go(void **state)
{
    (void)state;
    fixture_run(1, NULL, NULL, leave);
}

static void wait_sent(struct local *local, const char *text)
{
    WAIT_UNTIL(strcmp(local->sent, text) == 0);
}

static void streams(struct fixture *fx)
{
    struct local ends = {0}, leaves = {0}, slow = {.refuse = true};
    assert_int_equal(call(fx, "Stream", "").err, SK_INVALID_ARGUMENT);
    start(fx, &ends, "Stream", "a");
    start(fx, &leaves, "Stream", "b");
    fixture_wait_parked(fx, 2);
    wait_sent(&leaves, "b;");
    sk_call_wake(fx->parked[1]);
    wait_sent(&leaves, "b;b;");
    assert_string_equal(ends.sent, "a;");
    ends.behind = 7; // the fixture's sign to end
    sk_call_wake(fx->parked[0]);
    finish(&ends);
    assert_string_equal(ends.sent, "a;end;");
    assert_int_equal(ends.err, SK_OK);
    leaves.on_gone(leaves.gone_arg);
    finish(&leaves);
    start(fx, &slow, "Stream", "c"); // cannot be sent to
    finish(&slow);
    assert_int_equal(fx->gone, 2);
    // over gRPC there are none
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_str answer;
    assert_int_equal(fixture_call(fx, &ctx, "Stream", SK_STR("x"), 0, &answer), SK_UNIMPLEMENTED);
    assert_non_null(strstr(ctx.err.message, "HTTP only"));
    sk_arena_free(ctx.arena);
}

static void streams_go_on_until_told(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, streams);
}

static struct local stream_at_end, poll_at_end;

static void end(struct fixture *fx)
{
    stream_at_end = poll_at_end = (struct local){0};
    start(fx, &stream_at_end, "Stream", "a");
    start(fx, &poll_at_end, "Poll", "");
    fixture_wait_parked(fx, 2);
    sk_rpc_drain(fx->server, 200);
    finish(&stream_at_end);
    finish(&poll_at_end);
    assert_int_equal(poll_at_end.err, SK_CANCELLED); // nobody resumed it in time
    assert_int_equal(call(fx, "Echo", "x").err, SK_UNAVAILABLE);
}

static void the_end_of_the_server_ends_them(void **state)
{
    (void)state;
    fixture_run(1, NULL, NULL, end);
}

/* ---- the clock ---- */

static int64_t observed_us;

static void keep_latency(void *owner, const struct sk_method *method, const char *ns_name,
                         sk_err err, int64_t latency_us)
{
    (void)owner;
    (void)method;
    (void)ns_name;
    assert_int_equal(err, SK_OK);
    observed_us = latency_us;
}

static sk_err sleep_while_the_clock_jumps(struct sk_call *call, struct sk_ctx *ctx,
                                          const void *request, void *response)
{
    (void)ctx;
    (void)request;
    (void)response;
    sk_sim_jump_wall(sk_rt_current(), *(const int64_t *)sk_call_owner(call));
    sk_fiber_sleep(5);
    return SK_OK;
}

static void clock_main(void *arg)
{
    const struct sk_method method = {.service = ECHO,
                                     .name = "Sleep",
                                     .request = &temporal__api__common__v1__payload__descriptor,
                                     .response = &temporal__api__common__v1__payload__descriptor,
                                     .handler = sleep_while_the_clock_jumps,
                                     .owner = arg};
    const struct sk_rpc_server_options options = {.observe = keep_latency};
    const struct sk_rpc_local local = {.peer = "here"};
    struct sk_rpc_server *server = rpc_server_new(&options, &method, 1);
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    Payload request = TEMPORAL__API__COMMON__V1__PAYLOAD__INIT;
    ProtobufCMessage *answer = NULL;
    assert_int_equal(sk_rpc_local_call(server, &ctx, &local, sk_rpc_method(server, ECHO, "Sleep"),
                                       &request.base, &answer),
                     SK_OK);
    sk_arena_free(ctx.arena);
    sk_rpc_server_free(server);
}

static void latencies_do_not_follow_the_wall_clock(void **state)
{
    (void)state;
    for (int64_t jump_ms = -3600000; jump_ms <= 3600000; jump_ms += 3600000) {
        struct sk_rt *rt = sk_rt_new(&(struct sk_rt_options){
            .loop_count = 1, .simulated = true, .seed = 1, .start_wall_ms = 1700000000000});
        observed_us = -1;
        sk_rt_run(rt, clock_main, &jump_ms);
        sk_rt_free(rt);
        assert_in_range(observed_us, 4000, 6000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latencies_do_not_follow_the_wall_clock),
        cmocka_unit_test(handlers_and_hooks_are_the_same),
        cmocka_unit_test(parked_calls_are_resumed_or_time_out),
        cmocka_unit_test(who_leaves_is_let_go),
        cmocka_unit_test(streams_go_on_until_told),
        cmocka_unit_test(the_end_of_the_server_ends_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
