/*
 * Which events a run's history holds, in which order: what SDKs replay. And what a workflow costs
 * in row operations, since that is what makes it fast.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define BEGIN "WORKFLOW_EXECUTION_STARTED WORKFLOW_TASK_SCHEDULED WORKFLOW_TASK_STARTED"
#define TASK "WORKFLOW_TASK_SCHEDULED WORKFLOW_TASK_STARTED WORKFLOW_TASK_COMPLETED"
#define ACTIVITY "ACTIVITY_TASK_STARTED ACTIVITY_TASK_COMPLETED"

static void one_activity(struct world *w)
{
    start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), schedule_activity(w, "charge"), NULL);
    complete_activity(w, poll_activity_task(w, QUEUE));
    complete_task(w, poll_workflow_task(w, QUEUE), complete_workflow(w), NULL);
    assert_string_equal(history_of(w, WORKFLOW),
                        BEGIN " WORKFLOW_TASK_COMPLETED ACTIVITY_TASK_SCHEDULED " ACTIVITY " " TASK
                              " WORKFLOW_EXECUTION_COMPLETED");
    assert_int_equal(status_of(w, WORKFLOW), STATUS(COMPLETED));
}

/* The budget of docs/architecture.md. */
static void one_activity_costs(struct world *w)
{
    struct sk_store_stats before, after;
    sk_store_stats(w->store, &before);
    one_activity(w);
    sk_store_stats(w->store, &after);
    assert_int_equal(after.commits - before.commits, 5);
    assert_in_range(after.row_ops - before.row_ops, 1, 22);
    assert_int_equal(after.reads - before.reads, 0);
}

/* A signal that comes while a task is started waits, and the close has to look at it first. */
static void signal_while_started(struct world *w)
{
    start_workflow(w);
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
    signal_workflow(w, "approve");
    CMDMSG(Command) *close[] = {complete_workflow(w)};
    WS(RespondWorkflowTaskCompletedResponse) *ignored;
    assert_int_equal(try_complete_task(w, task, NULL, 1, close, &ignored), SK_INVALID_ARGUMENT);
    assert_string_equal(w->ctx.err.message, "UnhandledCommand");
    sk_ctx_clear(&w->ctx);
    complete_task(w, poll_workflow_task(w, QUEUE), complete_workflow(w), NULL);
    assert_string_equal(history_of(w, WORKFLOW),
                        BEGIN " WORKFLOW_TASK_FAILED WORKFLOW_EXECUTION_SIGNALED " TASK
                              " WORKFLOW_EXECUTION_COMPLETED");
}

/* Signals that come while a commit is under way are taken in one. */
enum { BURST = 50 };
static int signalled;

static void signal_once(void *arg)
{
    signal_workflow(arg, "more");
    signalled++;
}

static void signals_together(struct world *w)
{
    struct sk_store_stats before, after;
    start_workflow(w);
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
    sk_store_stats(w->store, &before);
    signalled = 0;
    for (int i = 0; i < BURST; i++)
        sk_fiber_spawn(signal_once, w);
    while (signalled < BURST)
        sk_fiber_sleep(10);
    sk_store_stats(w->store, &after);
    assert_in_range(after.commits - before.commits, 1, 3);
    complete_task(w, task, NULL);
    const char *history = history_of(w, WORKFLOW);
    int n = 0;
    for (const char *at = history; (at = strstr(at, "EXECUTION_SIGNALED")); at++)
        n++;
    assert_int_equal(n, BURST);
}

/* What is cancelled before anybody took it is over at once, but after all that commands made. */
static void cancel_before_start(struct world *w)
{
    start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), schedule_activity(w, "a"),
                  start_timer(w, "t", 1000), NULL);
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
    complete_task(w, task, cancel_activity(w, 5), start_timer(w, "u", 500000), NULL);
    const char *history = history_of(w, WORKFLOW);
    assert_non_null(strstr(history, "ACTIVITY_TASK_CANCEL_REQUESTED TIMER_STARTED "
                                    "ACTIVITY_TASK_CANCELED WORKFLOW_TASK_SCHEDULED"));
}

/* Attempts before the last leave no trace in the history. */
static void retries(struct world *w)
{
    start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), schedule_activity(w, "charge"), NULL);
    int64_t begin = sk_now_mono_ms();
    fail_activity(w, poll_activity_task(w, QUEUE));
    fail_activity(w, poll_activity_task(w, QUEUE));
    WS(PollActivityTaskQueueResponse) *third = poll_activity_task(w, QUEUE);
    assert_int_equal(third->attempt, 3);
    assert_in_range(sk_now_mono_ms() - begin, 3000, 3500); // backoffs of 1 and 2 s
    complete_activity(w, third);
    complete_task(w, poll_workflow_task(w, QUEUE), complete_workflow(w), NULL);
    assert_non_null(strstr(history_of(w, WORKFLOW), "ACTIVITY_TASK_SCHEDULED " ACTIVITY " " TASK));
}

static void heartbeat(struct world *w, const WS(PollActivityTaskQueueResponse) *task)
{
    WS(RecordActivityTaskHeartbeatRequest) *r =
        MSG_NEW(w->ctx.arena, WS(RecordActivityTaskHeartbeatRequest),
                temporal__api__workflowservice__v1__record_activity_task_heartbeat_request);
    WS(RecordActivityTaskHeartbeatResponse) *response =
        MSG_NEW(w->ctx.arena, WS(RecordActivityTaskHeartbeatResponse),
                temporal__api__workflowservice__v1__record_activity_task_heartbeat_response);
    r->task_token = task->task_token;
    r->details = COMMON_NEW(w->ctx.arena, Payloads, payloads);
    r->details->n_payloads = 1;
    r->details->payloads = SK_NEW(w->ctx.arena, COMMON(Payload) *);
    r->details->payloads[0] = COMMON_NEW(w->ctx.arena, Payload, payload);
    assert_int_equal(sk_engine_activity_heartbeat(w->engine, &w->ctx, w->ns, r, response), SK_OK);
}

static const FAILURE *timeout_of(struct world *w)
{
    const HIST(History) *history = events_of(w, WORKFLOW);
    for (size_t i = 0; i < history->n_events; i++)
        if (history->events[i]->event_type == EVENT(ACTIVITY_TASK_TIMED_OUT))
            return history->events[i]->activity_task_timed_out_event_attributes->failure;
    fail_msg("no activity has timed out");
    return NULL;
}

/* A silent attempt, then no other in time: the end has the last details, its cause has not. */
static void details_of_a_timeout(struct world *w)
{
    start_workflow(w);
    CMDMSG(Command) *schedule = schedule_activity(w, "charge");
    CMDMSG(ScheduleActivityTaskCommandAttributes) *a =
        schedule->schedule_activity_task_command_attributes;
    a->heartbeat_timeout = sk_dur(w->ctx.arena, 1000);
    a->schedule_to_close_timeout = sk_dur(w->ctx.arena, 5000);
    complete_task(w, poll_workflow_task(w, QUEUE), schedule, NULL);
    heartbeat(w, poll_activity_task(w, QUEUE));
    poll_workflow_task(w, QUEUE);
    const FAILURE *failure = timeout_of(w);
    assert_int_equal(failure->timeout_failure_info->timeout_type, TIMEOUT(SCHEDULE_TO_CLOSE));
    assert_non_null(failure->timeout_failure_info->last_heartbeat_details);
    assert_non_null(failure->cause);
    assert_int_equal(failure->cause->timeout_failure_info->timeout_type, TIMEOUT(HEARTBEAT));
    assert_null(failure->cause->timeout_failure_info->last_heartbeat_details);
}

/* The next attempt would be due at the very deadline: there is none. */
static void no_attempt_at_the_deadline(struct world *w)
{
    start_workflow(w);
    CMDMSG(Command) *schedule = schedule_activity(w, "charge");
    CMDMSG(ScheduleActivityTaskCommandAttributes) *a =
        schedule->schedule_activity_task_command_attributes;
    a->start_to_close_timeout = sk_dur(w->ctx.arena, 1000);
    a->schedule_to_close_timeout = sk_dur(w->ctx.arena, 2000); // and a backoff of 1 s
    a->request_eager_execution = true;                         // it starts in the same moment
    complete_task(w, poll_workflow_task(w, QUEUE), schedule, NULL);
    poll_workflow_task(w, QUEUE);
    const FAILURE *failure = timeout_of(w);
    assert_int_equal(failure->timeout_failure_info->timeout_type, TIMEOUT(SCHEDULE_TO_CLOSE));
    assert_null(failure->cause);
}

/* A worker that took a workflow task and went silent: it times out, a transient attempt follows. */
static void task_times_out(struct world *w)
{
    start_workflow(w);
    poll_workflow_task(w, QUEUE);
    WS(PollWorkflowTaskQueueResponse) *second = poll_workflow_task(w, QUEUE);
    assert_int_equal(second->attempt, 2);
    assert_int_equal(second->history->n_events, 6); // two of them made up for the worker
    complete_task(w, second, complete_workflow(w), NULL);
    assert_string_equal(history_of(w, WORKFLOW),
                        BEGIN " WORKFLOW_TASK_TIMED_OUT " TASK " WORKFLOW_EXECUTION_COMPLETED");
}

/* The start of an attempt that only the record knows is written as the worker was shown it. */
static void transient_start_is_whole(struct world *w)
{
    w->limits.history_count_suggest = 3;
    start_workflow(w);
    poll_workflow_task(w, QUEUE);
    WS(PollWorkflowTaskQueueResponse) *second = poll_workflow_task(w, QUEUE);
    const HIST(HistoryEvent) *shown = second->history->events[second->history->n_events - 1];
    signal_workflow(w, "approve"); // its commit makes the start durable
    complete_task(w, second, NULL);
    const HIST(HistoryEvent) *written = events_of(w, WORKFLOW)->events[shown->event_id - 1];
    const HIST(WorkflowTaskStartedEventAttributes) *a =
        shown->workflow_task_started_event_attributes;
    const HIST(WorkflowTaskStartedEventAttributes) *b =
        written->workflow_task_started_event_attributes;
    assert_int_equal((int)written->event_type, EVENT(WORKFLOW_TASK_STARTED));
    assert_string_equal(a->request_id, b->request_id);
    assert_true(a->suggest_continue_as_new && b->suggest_continue_as_new);
    assert_int_equal(a->n_suggest_continue_as_new_reasons, 1);
    assert_int_equal(b->n_suggest_continue_as_new_reasons, 1);
}

/* A worker may answer after a restart that forgot what it was given. */
static void answer_after_restart(struct world *w)
{
    start_workflow(w);
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
    restart(w);
    complete_task(w, task, schedule_activity(w, "charge"), NULL);
    restart(w);
    complete_activity(w, poll_activity_task(w, QUEUE));
    restart(w);
    complete_task(w, poll_workflow_task(w, QUEUE), complete_workflow(w), NULL);
    assert_int_equal(status_of(w, WORKFLOW), STATUS(COMPLETED));
}

/* ... but not if something was written since: then the task is another one. */
static void stale_answer_after_restart(struct world *w)
{
    start_workflow(w);
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
    restart(w);
    signal_workflow(w, "approve");
    CMDMSG(Command) *close[] = {complete_workflow(w)};
    WS(RespondWorkflowTaskCompletedResponse) *ignored;
    assert_int_equal(try_complete_task(w, task, NULL, 1, close, &ignored), SK_NOT_FOUND);
    sk_ctx_clear(&w->ctx);
    complete_task(w, poll_workflow_task(w, QUEUE), complete_workflow(w), NULL);
    assert_int_equal(status_of(w, WORKFLOW), STATUS(COMPLETED));
}

static void sticky_falls_back(struct world *w)
{
    start_workflow(w);
    CMDMSG(Command) *timer[] = {start_timer(w, "t", 60000)};
    WS(RespondWorkflowTaskCompletedResponse) *ignored;
    sk_err err = try_complete_task(w, poll_workflow_task(w, QUEUE), "sticky-1", 1, timer, &ignored);
    assert_int_equal(err, SK_OK);
    /* Nobody polls the sticky queue when the timer fires: the normal one gets all of the history.
     */
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
    assert_int_equal(task->history->events[0]->event_id, 1);
    complete_task(w, task, complete_workflow(w), NULL);
    assert_int_equal(status_of(w, WORKFLOW), STATUS(COMPLETED));
}

#define WORLD_TEST(name)                  \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        in_world(name);                   \
    }
WORLD_TEST(one_activity)
WORLD_TEST(one_activity_costs)
WORLD_TEST(signal_while_started)
WORLD_TEST(signals_together)
WORLD_TEST(cancel_before_start)
WORLD_TEST(retries)
WORLD_TEST(details_of_a_timeout)
WORLD_TEST(no_attempt_at_the_deadline)
WORLD_TEST(task_times_out)
WORLD_TEST(transient_start_is_whole)
WORLD_TEST(answer_after_restart)
WORLD_TEST(stale_answer_after_restart)
WORLD_TEST(sticky_falls_back)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_activity),
        cmocka_unit_test(test_one_activity_costs),
        cmocka_unit_test(test_signal_while_started),
        cmocka_unit_test(test_signals_together),
        cmocka_unit_test(test_cancel_before_start),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_details_of_a_timeout),
        cmocka_unit_test(test_no_attempt_at_the_deadline),
        cmocka_unit_test(test_task_times_out),
        cmocka_unit_test(test_transient_start_is_whole),
        cmocka_unit_test(test_answer_after_restart),
        cmocka_unit_test(test_stale_answer_after_restart),
        cmocka_unit_test(test_sticky_falls_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
