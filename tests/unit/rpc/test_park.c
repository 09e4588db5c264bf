/* Parked calls: resumed, cancelled, timed out, lost; the graceful end. */
#include "fixture.h"

#include <string.h>
#include "rpc/rpc_internal.h"

static const struct sk_rpc_client_options plain = {.client_name = "test-client"};

#define CTX(name) struct sk_ctx name = {.arena = sk_arena_new(0)}
#define CTX_END(name) sk_arena_free((name).arena)

struct poll {
    struct fixture *fx;
    struct sk_str data;
    int64_t timeout_ms;
    sk_err err;
    bool done;
    char answer[16];
};

static void poll_fiber(void *arg)
{
    struct poll *poll = arg;
    CTX(ctx);
    struct sk_str answer = {NULL, 0};
    poll->err = fixture_call(poll->fx, &ctx, "Poll", poll->data, poll->timeout_ms, &answer);
    if (!poll->err)
        memcpy(poll->answer, answer.p, answer.n < 15 ? answer.n : 15);
    CTX_END(ctx);
    poll->done = true;
}

static void wait_done(struct poll *polls, int count)
{
    for (int i = 0; i < count; i++)
        while (!polls[i].done)
            sk_fiber_sleep(1);
}

static void resume(struct fixture *fx)
{
    struct poll polls[3] = {{.fx = fx, .data = SK_STR("")},
                            {.fx = fx, .data = SK_STR("sleep")},
                            {.fx = fx, .timeout_ms = PATIENCE_MS}};
    for (int i = 0; i < 3; i++)
        sk_fiber_spawn(poll_fiber, &polls[i]);
    fixture_wait_parked(fx, 3); // the second handler has not returned yet
    fixture_resume_all(fx);
    wait_done(polls, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(polls[i].err, SK_OK);
        assert_string_equal(polls[i].answer, "resumed");
    }
    assert_int_equal(fx->gone, 0);
}

static void test_resume(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, resume);
}

static int inside, most_inside;
static struct sk_waitq doors;
static bool open;

static sk_err linger(struct sk_call *call, struct sk_ctx *ctx, void *arg, void *response)
{
    (void)call;
    (void)arg;
    Payload *out = response;
    inside++;
    if (inside > most_inside)
        most_inside = inside;
    while (!open)
        sk_waitq_wait(&doors, 0);
    inside--;
    out->data.data = sk_arena_memdup(ctx->arena, "late", 4);
    out->data.len = 4;
    return SK_OK;
}

/* More than may run at once are resumed together: none is refused, each has its turn. */
static void resume_by_turns(struct fixture *fx)
{
    enum { COUNT = 10, MAX = 2 };
    struct poll polls[COUNT];
    sk_waitq_init(&doors);
    for (int i = 0; i < COUNT; i++) {
        polls[i] = (struct poll){.fx = fx, .data = SK_STR("")};
        sk_fiber_spawn(poll_fiber, &polls[i]);
    }
    fixture_wait_parked(fx, COUNT);
    fx->server->running_max = MAX;
    for (int i = 0; i < COUNT; i++)
        sk_call_resume(fx->parked[i], linger, NULL);
    WAIT_UNTIL(inside >= 2 * MAX);
    open = true;
    sk_waitq_wake_all(&doors);
    wait_done(polls, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_string_equal(polls[i].answer, "late");
    assert_int_equal(most_inside, 2 * MAX);
}

static void test_resume_by_turns(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, resume_by_turns);
}

static void expire(struct fixture *fx)
{
    struct poll polls[2] = {{.fx = fx, .timeout_ms = 2000},
                            {.fx = fx, .timeout_ms = 2000, .data = SK_STR("sleep")}};
    for (int i = 0; i < 2; i++)
        sk_fiber_spawn(poll_fiber, &polls[i]);
    wait_done(polls, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(polls[i].err, SK_DEADLINE_EXCEEDED);
    WAIT_UNTIL(fx->gone == 2);
}

static void test_expire(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, expire);
}

static void lose_connection(struct fixture *fx)
{
    struct poll polls[2] = {{.fx = fx}, {.fx = fx, .data = SK_STR("sleep")}};
    for (int i = 0; i < 2; i++)
        sk_fiber_spawn(poll_fiber, &polls[i]);
    fixture_wait_parked(fx, 2);
    sk_rpc_client_close(fx->client);
    wait_done(polls, 2);
    fx->client = NULL;
    for (int i = 0; i < 2; i++)
        assert_int_equal(polls[i].err, SK_UNAVAILABLE);
    WAIT_UNTIL(fx->gone == 2);
    assert_int_equal(fx->last_observed, SK_CANCELLED);
    assert_string_equal(fx->last_ns_name, "polled"); // known beyond the run that found it
}

static void test_lose_connection(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, lose_connection);
}

/* ---- drain ---- */

static void drain_fiber(void *arg)
{
    struct poll *poll = arg; // for its done
    sk_rpc_drain(poll->fx->server, PATIENCE_MS);
    poll->done = true;
}

static void drain(struct fixture *fx)
{
    struct poll poll = {.fx = fx}, end = {.fx = fx};
    sk_fiber_spawn(poll_fiber, &poll);
    fixture_wait_parked(fx, 1);
    sk_fiber_spawn(drain_fiber, &end);
    WAIT_UNTIL(!sk_rpc_client_alive(fx->client)); // GOAWAY comes
    assert_false(end.done);                       // a call is still parked
    fixture_resume_all(fx);
    wait_done(&poll, 1);
    assert_int_equal(poll.err, SK_OK);
    wait_done(&end, 1);
    size_t connections = 1, calls = 1;
    sk_rpc_counts(fx->server, &connections, &calls);
    assert_int_equal(connections, 0);
}

static void test_drain(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, drain);
}

static void drain_in_time(struct fixture *fx)
{
    struct poll poll = {.fx = fx};
    sk_fiber_spawn(poll_fiber, &poll);
    fixture_wait_parked(fx, 1);
    int64_t begin_ms = sk_now_mono_ms();
    sk_rpc_drain(fx->server, 300); // nobody resumes the poll
    assert_true(sk_now_mono_ms() - begin_ms >= 300);
    assert_int_equal(fx->gone, 1);
    wait_done(&poll, 1);
    assert_int_equal(poll.err, SK_UNAVAILABLE);
}

static void test_drain_in_time(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, drain_in_time);
}

static void outlive_fiber(void *arg)
{
    struct poll *poll = arg;
    CTX(ctx);
    poll->err = fixture_call(poll->fx, &ctx, "Outlive", SK_STR(""), 0, NULL);
    CTX_END(ctx);
    poll->done = true;
}

/* A handler that outlives its time is waited for a little longer, without its client. */
static void drain_with_handler(struct fixture *fx)
{
    struct poll call = {.fx = fx};
    size_t connections = 1, calls = 1;
    sk_fiber_spawn(outlive_fiber, &call);
    WAIT_UNTIL(fx->started == 1);
    sk_rpc_drain(fx->server, 100);
    assert_int_equal(fx->handled, 1);
    sk_rpc_counts(fx->server, &connections, &calls);
    assert_int_equal(calls, 0);
    wait_done(&call, 1);
    assert_int_equal(call.err, SK_UNAVAILABLE);
}

static void test_drain_with_handler(void **state)
{
    (void)state;
    fixture_run(1, NULL, &plain, drain_with_handler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume),          cmocka_unit_test(test_expire),
        cmocka_unit_test(test_lose_connection), cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_in_time),   cmocka_unit_test(test_drain_with_handler),
        cmocka_unit_test(test_resume_by_turns),
    };
    return cmocka_run_group_tests_name("rpc park", tests, NULL, NULL);
}
