/*
 * Requests that come while a commit of their run is under way: how few commits they take, what
 * becomes of them when that commit is refused, and what others see meanwhile. Commits are counted
 * in the store, held up and refused by the test; nothing here depends on time.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "rt/rt.h"

enum { MANY = 60, PAGE = 1000 };

/* ---- many requests at once ---- */

/* One request, made by a fiber of its own. */
struct request {
    struct world *w;
    sk_err (*make)(struct request *r);
    struct sk_ctx ctx;
    int number;
    const WS(PollActivityTaskQueueResponse) *task;
    int size;          /* of the payload of a signal or heartbeat */
    const char *run;   /* run id of a signal; NULL: the current one */
    bool started;      /* signal with start: by this one */
    int64_t described; /* what describe was told */
    sk_err err;
};
static struct request *arrived[PAGE]; /* in the order in which they were made */
static int arrived_count, answered_count;

static void run_request(void *arg)
{
    struct request *r = arg;
    arrived[arrived_count++] = r;
    r->ctx = (struct sk_ctx){.arena = r->w->ctx.arena};
    r->err = r->make(r);
    answered_count++;
}

static void send(struct request *r, int n)
{
    arrived_count = answered_count = 0;
    for (int i = 0; i < n; i++)
        sk_fiber_spawn(run_request, &r[i]);
}

static void await(int n)
{
    while (answered_count < n)
        sk_fiber_sleep(1);
}

/* Commits that they took. */
static uint64_t send_all(struct request *r, int n)
{
    struct sk_store_stats before, after;
    sk_store_stats(r->w->store, &before);
    send(r, n);
    await(n);
    sk_store_stats(r->w->store, &after);
    return after.commits - before.commits;
}

#define NEW(r, Type, snake) \
    MSG_NEW((r)->w->ctx.arena, WS(Type), temporal__api__workflowservice__v1__##snake)

static COMMON(Payloads) *payloads_of(struct request *r)
{
    struct sk_arena *arena = r->w->ctx.arena;
    if (r->size == 0)
        return NULL;
    COMMON(Payloads) *payloads = COMMON_NEW(arena, Payloads, payloads);
    payloads->n_payloads = 1;
    payloads->payloads = SK_NEW(arena, COMMON(Payload) *);
    payloads->payloads[0] = COMMON_NEW(arena, Payload, payload);
    payloads->payloads[0]->data =
        (ProtobufCBinaryData){(size_t)r->size, sk_arena_zalloc(arena, (size_t)r->size)};
    return payloads;
}

static sk_err make_signal(struct request *r)
{
    struct sk_arena *arena = r->w->ctx.arena;
    WS(SignalWorkflowExecutionRequest) *s =
        NEW(r, SignalWorkflowExecutionRequest, signal_workflow_execution_request);
    s->workflow_execution = sk_execution_msg(arena, WORKFLOW, r->run ? r->run : "");
    s->signal_name = sk_arena_printf(arena, "signal-%d", r->number);
    s->request_id = s->signal_name;
    s->input = payloads_of(r);
    return sk_engine_signal(r->w->engine, &r->ctx, r->w->ns, s,
                            NEW(r, SignalWorkflowExecutionResponse,
                                signal_workflow_execution_response));
}

static sk_err make_signal_with_start(struct request *r)
{
    struct sk_arena *arena = r->w->ctx.arena;
    WS(SignalWithStartWorkflowExecutionRequest) *s = NEW(
        r, SignalWithStartWorkflowExecutionRequest, signal_with_start_workflow_execution_request);
    WS(SignalWithStartWorkflowExecutionResponse) *response = NEW(
        r, SignalWithStartWorkflowExecutionResponse, signal_with_start_workflow_execution_response);
    s->workflow_id = sk_arena_strdup(arena, WORKFLOW);
    s->workflow_type = sk_type_msg(arena, "Order");
    s->task_queue = sk_queue_msg(arena, QUEUE, NULL);
    s->signal_name = s->request_id = sk_arena_printf(arena, "signal-%d", r->number);
    sk_err err = sk_engine_signal_with_start(r->w->engine, &r->ctx, r->w->ns, s, response);
    r->run = response->run_id;
    r->started = response->started;
    return err;
}

static sk_err make_poll(struct request *r)
{
    r->task = poll_activity_task(r->w, QUEUE);
    return SK_OK;
}

static sk_err make_heartbeat(struct request *r)
{
    WS(RecordActivityTaskHeartbeatRequest) *h =
        NEW(r, RecordActivityTaskHeartbeatRequest, record_activity_task_heartbeat_request);
    h->task_token = r->task->task_token;
    h->details = payloads_of(r);
    return sk_engine_activity_heartbeat(r->w->engine, &r->ctx, r->w->ns, h,
                                        NEW(r, RecordActivityTaskHeartbeatResponse,
                                            record_activity_task_heartbeat_response));
}

static sk_err make_completion(struct request *r)
{
    WS(RespondActivityTaskCompletedRequest) *c =
        NEW(r, RespondActivityTaskCompletedRequest, respond_activity_task_completed_request);
    c->task_token = r->task->task_token;
    return sk_engine_activity_completed(r->w->engine, &r->ctx, r->w->ns, c,
                                        NEW(r, RespondActivityTaskCompletedResponse,
                                            respond_activity_task_completed_response));
}

static sk_err make_describe(struct request *r)
{
    WS(DescribeWorkflowExecutionRequest) *d =
        NEW(r, DescribeWorkflowExecutionRequest, describe_workflow_execution_request);
    WS(DescribeWorkflowExecutionResponse) *response =
        NEW(r, DescribeWorkflowExecutionResponse, describe_workflow_execution_response);
    d->execution = sk_execution_msg(r->w->ctx.arena, WORKFLOW, "");
    sk_err err = sk_engine_describe(r->w->engine, &r->ctx, r->w->ns, d, response);
    if (err == SK_OK)
        r->described = response->workflow_execution_info->history_length;
    return err;
}

static void fill(struct world *w, struct request *r, int n, sk_err (*make)(struct request *))
{
    for (int i = 0; i < n; i++) {
        r[i].w = w;
        r[i].number = i;
        r[i].make = make;
    }
}

/* A workflow with n activities that wait in their queue. */
static void fan_out(struct world *w, int n)
{
    CMDMSG(Command) *commands[MANY];
    WS(RespondWorkflowTaskCompletedResponse) *ignored;
    start_workflow(w);
    for (int i = 0; i < n; i++)
        commands[i] = schedule_activity(w, sk_arena_printf(w->ctx.arena, "activity-%d", i));
    assert_int_equal(try_complete_task(w, poll_workflow_task(w, QUEUE), NULL, (size_t)n, commands,
                                       &ignored),
                     SK_OK);
}

static int count_events(struct world *w, int type)
{
    const HIST(History) *history = events_of(w, WORKFLOW);
    int n = 0;
    for (size_t i = 0; i < history->n_events; i++)
        n += (int)history->events[i]->event_type == type;
    return n;
}

/* ---- tests ---- */

static void few_commits(struct world *w)
{
    static struct request r[2 * MANY];
    memset(r, 0, sizeof r);
    fan_out(w, MANY);
    fill(w, r, MANY, make_poll);
    assert_in_range(send_all(r, MANY), 1, 4);
    fill(w, r, MANY, make_heartbeat);
    assert_in_range(send_all(r, MANY), 1, 3);
    fill(w, r, MANY, make_completion);
    fill(w, r + MANY, MANY, make_signal);
    assert_in_range(send_all(r, 2 * MANY), 2, 5);
    for (int i = 0; i < 2 * MANY; i++)
        assert_int_equal(r[i].err, SK_OK);
    assert_int_equal(count_events(w, EVENT(ACTIVITY_TASK_COMPLETED)), MANY);
    assert_int_equal(count_events(w, EVENT(WORKFLOW_EXECUTION_SIGNALED)), MANY);
}

/* The history tells them in the order in which they came. */
static void in_order(struct world *w)
{
    static struct request r[2 * MANY];
    memset(r, 0, sizeof r);
    fan_out(w, MANY);
    fill(w, r, MANY, make_poll);
    send_all(r, MANY);
    fill(w, r, MANY, make_completion);
    fill(w, r + MANY, MANY, make_signal);
    send_all(r, 2 * MANY);
    const HIST(History) *history = events_of(w, WORKFLOW);
    int next = 0;
    for (size_t i = 0; i < history->n_events; i++) {
        const HIST(HistoryEvent) *e = history->events[i];
        if ((int)e->event_type == (int)EVENT(ACTIVITY_TASK_COMPLETED)) {
            const struct request *due = arrived[next++];
            int64_t of = e->activity_task_completed_event_attributes->scheduled_event_id;
            assert_ptr_equal(due->make, make_completion);
            assert_string_equal(
                history->events[of - 1]->activity_task_scheduled_event_attributes->activity_id,
                due->task->activity_id);
        } else if ((int)e->event_type == (int)EVENT(WORKFLOW_EXECUTION_SIGNALED)) {
            const struct request *due = arrived[next++];
            assert_ptr_equal(due->make, make_signal);
            assert_string_equal(e->workflow_execution_signaled_event_attributes->signal_name,
                                sk_arena_printf(w->ctx.arena, "signal-%d", due->number));
        }
    }
    assert_int_equal(next, 2 * MANY);
}

/* One commit is under way, and passes; the next takes all that came meanwhile, and is refused. */
static void refused_together(struct world *w)
{
    enum { EACH = 10, TWICE = 2 * EACH, ALL = 3 * EACH };
    static struct request r[ALL];
    memset(r, 0, sizeof r);
    fan_out(w, EACH);
    fill(w, r, EACH, make_poll);
    send_all(r, EACH);
    gate_hold(w, NULL, 1);
    fill(w, r, EACH, make_completion);
    fill(w, r + EACH, EACH, make_completion); // each twice: one of them has to be told no
    for (int i = 0; i < EACH; i++)
        r[EACH + i].task = r[i].task;
    fill(w, r + TWICE, EACH, make_signal);
    send(r, ALL);
    while (arrived_count < ALL)
        sk_fiber_yield();
    gate_release();
    await(ALL);
    assert_int_equal(gate_commits(), 2);
    for (int i = 0; i < ALL; i++) {
        /* All but the first rest on the refused one: also the no to those that came twice. */
        assert_int_equal(arrived[i]->err, i == 0 ? SK_OK : SK_UNAVAILABLE);
        if (i > 0)
            assert_string_equal(arrived[i]->ctx.err.message, "the test refuses commits");
    }
    const struct request *first = arrived[0];
    gate_lift(w);
    send_all(r, ALL); // they try again
    int taken = 0, gone = 0;
    for (int i = 0; i < TWICE; i++) {
        taken += r[i].err == SK_OK;
        gone += r[i].err == SK_NOT_FOUND;
    }
    int before = first->make == make_completion; // done by the commit that passed
    assert_int_equal(taken, EACH - before);
    assert_int_equal(gone, EACH + before);
    for (int i = TWICE; i < ALL; i++)
        assert_int_equal(r[i].err, SK_OK);
    assert_int_equal(count_events(w, EVENT(ACTIVITY_TASK_COMPLETED)), EACH);
    assert_int_equal(count_events(w, EVENT(WORKFLOW_EXECUTION_SIGNALED)), EACH);
}

/* Who reads between two commits sees the first and nothing of the second, which is never made. */
static void readers_see_what_is_durable(struct world *w)
{
    static struct request r[MANY];
    memset(r, 0, sizeof r);
    start_workflow(w); // Started, TaskScheduled
    gate_hold(w, NULL, 1);
    fill(w, r, MANY, make_signal);
    for (int i = 5; i < MANY; i += 5)
        r[i].make = make_describe;
    send(r, MANY);
    while (arrived_count < MANY)
        sk_fiber_yield();
    gate_release();
    await(MANY);
    assert_int_equal(gate_commits(), 2);
    int signals = 0, seen = 0;
    for (int i = 0; i < MANY; i++)
        if (r[i].make == make_signal) {
            signals += r[i].err == SK_OK;
        } else {
            seen++;
            assert_int_equal(r[i].err, SK_OK);
            assert_in_range(r[i].described, 2, 3);
        }
    assert_int_equal(signals, 1);
    assert_int_equal(seen, (MANY - 1) / 5);
    gate_lift(w);
    assert_int_equal(count_events(w, EVENT(WORKFLOW_EXECUTION_SIGNALED)), 1);
}

/* Requests that name a run of their own are answered on their own, wherever they stand in line. */
static void another_run(struct world *w)
{
    static struct request r[MANY];
    memset(r, 0, sizeof r);
    char *run_id = start_workflow(w);
    fill(w, r, MANY, make_signal);
    for (int i = 0; i < MANY; i++)
        r[i].run = i % 3 == 0 ? "5f9b7a02-6c0e-4d6c-9d53-0f3d0c9b8a11" : i % 3 == 1 ? run_id : NULL;
    assert_in_range(send_all(r, MANY), 1, 4);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(r[i].err, i % 3 == 0 ? SK_NOT_FOUND : SK_OK);
    assert_int_equal(count_events(w, EVENT(WORKFLOW_EXECUTION_SIGNALED)), 2 * MANY / 3);
}

/* One of them starts the run, and all signal it; again, when it runs already. */
static void signals_with_start(struct world *w)
{
    static struct request r[MANY];
    memset(r, 0, sizeof r);
    fill(w, r, MANY, make_signal_with_start);
    assert_in_range(send_all(r, MANY), 2, 5);
    int started = 0;
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(r[i].err, SK_OK);
        assert_string_equal(r[i].run, r[0].run);
        started += r[i].started;
    }
    assert_int_equal(started, 1);
    assert_int_equal(send_all(r, MANY), 0); // they are known
    for (int i = 0; i < MANY; i++)
        r[i].number += MANY;
    assert_in_range(send_all(r, MANY), 1, 3);
    assert_int_equal(count_events(w, EVENT(WORKFLOW_EXECUTION_SIGNALED)), 2 * MANY);
}

/* Commits that they take when they all wait for the first. */
static int commits_behind_one(struct world *w, struct request *r, int n)
{
    gate_hold(w, NULL, n);
    send(r, n);
    while (arrived_count < n)
        sk_fiber_yield();
    gate_release();
    await(n);
    gate_lift(w);
    for (int i = 0; i < n; i++)
        assert_int_equal(r[i].err, SK_OK);
    return gate_commits();
}

/* A commit is not made larger than some 1 MiB: what is over waits for the next. */
static void large_ones_apart(struct world *w)
{
    enum { N = 10, SIZE = 180 * 1024 };
    static struct request r[N];
    memset(r, 0, sizeof r);
    fan_out(w, N);
    fill(w, r, N, make_poll);
    send_all(r, N);
    fill(w, r, N, make_signal);
    assert_int_equal(commits_behind_one(w, r, N), 2);
    for (int i = 0; i < N; i++) {
        r[i].number += N;
        r[i].size = SIZE;
    }
    assert_in_range(commits_behind_one(w, r, N), 3, 5);
    fill(w, r, N, make_heartbeat);
    assert_in_range(commits_behind_one(w, r, N), 3, 5);
    assert_int_equal(count_events(w, EVENT(WORKFLOW_EXECUTION_SIGNALED)), 2 * N);
}

#define WORLD_TEST(name)                  \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        in_world(name);                   \
    }
WORLD_TEST(few_commits)
WORLD_TEST(in_order)
WORLD_TEST(refused_together)
WORLD_TEST(readers_see_what_is_durable)
WORLD_TEST(another_run)
WORLD_TEST(signals_with_start)
WORLD_TEST(large_ones_apart)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_commits),
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_refused_together),
        cmocka_unit_test(test_readers_see_what_is_durable),
        cmocka_unit_test(test_signals_with_start),
        cmocka_unit_test(test_another_run),
        cmocka_unit_test(test_large_ones_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
