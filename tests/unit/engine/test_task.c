/*
 * The workflow task where time, limits and strange clients meet it: tasks that time out late, runs
 * that outgrow their limits at a poll, page tokens that come back to another method.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "rt/rt.h"

#define NEW(w, Type, snake) \
    MSG_NEW((w)->ctx.arena, WS(Type), temporal__api__workflowservice__v1__##snake)

static WS(StartWorkflowExecutionRequest) *start_request(struct world *w)
{
    WS(StartWorkflowExecutionRequest) *r =
        NEW(w, StartWorkflowExecutionRequest, start_workflow_execution_request);
    r->workflow_id = sk_arena_strdup(w->ctx.arena, WORKFLOW);
    r->workflow_type = sk_type_msg(w->ctx.arena, "Order");
    r->task_queue = sk_queue_msg(w->ctx.arena, QUEUE, NULL);
    r->request_id = sk_arena_strdup(w->ctx.arena, "start");
    return r;
}

static void start_with_timeout(struct world *w, int64_t task_timeout_ms)
{
    WS(StartWorkflowExecutionRequest) *r = start_request(w);
    r->workflow_task_timeout = sk_dur(w->ctx.arena, task_timeout_ms);
    assert_int_equal(
        sk_engine_start(w->engine, &w->ctx, w->ns, r,
                        NEW(w, StartWorkflowExecutionResponse, start_workflow_execution_response)),
        SK_OK);
}

static void fail_task_with(struct world *w, const WS(PollWorkflowTaskQueueResponse) *task,
                           int cause)
{
    WS(RespondWorkflowTaskFailedRequest) *r =
        NEW(w, RespondWorkflowTaskFailedRequest, respond_workflow_task_failed_request);
    r->task_token = task->task_token;
    r->cause = (Temporal__Api__Enums__V1__WorkflowTaskFailedCause)cause;
    r->identity = sk_arena_strdup(w->ctx.arena, "worker");
    assert_int_equal(sk_engine_wft_failed(w->engine, &w->ctx, w->ns, r,
                                          NEW(w, RespondWorkflowTaskFailedResponse,
                                              respond_workflow_task_failed_response)),
                     SK_OK);
}

static void fail_task(struct world *w, const WS(PollWorkflowTaskQueueResponse) *task)
{
    fail_task_with(w, task, 0);
}

/* A worker whose answer was refused as too large says so; the same would come of every attempt. */
static void answer_too_large(struct world *w)
{
    start_workflow(w);
    fail_task_with(w, poll_workflow_task(w, QUEUE), CAUSE(GRPC_MESSAGE_TOO_LARGE));
    assert_int_equal(status_of(w, WORKFLOW), STATUS(TERMINATED));
    assert_string_equal(history_of(w, WORKFLOW),
                        "WORKFLOW_EXECUTION_STARTED WORKFLOW_TASK_SCHEDULED WORKFLOW_TASK_STARTED "
                        "WORKFLOW_TASK_FAILED WORKFLOW_EXECUTION_TERMINATED");
    const HIST(History) *history = events_of(w, WORKFLOW);
    assert_int_equal(history->events[3]->workflow_task_failed_event_attributes->cause,
                     CAUSE(FORCE_CLOSE_COMMAND));
    assert_string_equal(
        history->events[4]->workflow_execution_terminated_event_attributes->identity,
        "history-service");
}

static void test_a_task_whose_answer_is_too_large_ends_the_workflow(void **state)
{
    (void)state;
    in_world(answer_too_large);
}

/* ---- a query that waits for the first task goes to the worker that has the run by then ---- */

static WS(PollWorkflowTaskQueueResponse) *at_sticky;

static void ask(void *arg)
{
    struct world *w = arg;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    WS(QueryWorkflowRequest) *r = NEW(w, QueryWorkflowRequest, query_workflow_request);
    r->execution = sk_execution_msg(w->ctx.arena, WORKFLOW, "");
    r->query = MSG_NEW(w->ctx.arena, Temporal__Api__Query__V1__WorkflowQuery,
                       temporal__api__query__v1__workflow_query);
    r->query->query_type = sk_arena_strdup(w->ctx.arena, "state");
    sk_err err = sk_engine_query(w->engine, &ctx, w->ns, r,
                                 NEW(w, QueryWorkflowResponse, query_workflow_response));
    assert_int_not_equal(err, SK_OK); // nobody answers
    sk_arena_free(ctx.arena);
}

static void poll_sticky(void *arg)
{
    at_sticky = try_poll_workflow_task(arg, "sticky-1");
}

static void query_before_the_first_answer(struct world *w)
{
    start_workflow(w);
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
    at_sticky = NULL;
    sk_fiber_spawn(ask, w);
    sk_fiber_spawn(poll_sticky, w);
    sk_fiber_sleep(10);
    CMDMSG(Command) *timer[] = {start_timer(w, "t", 3600000)};
    WS(RespondWorkflowTaskCompletedResponse) *ignored;
    assert_int_equal(try_complete_task(w, task, "sticky-1", 1, timer, &ignored), SK_OK);
    sk_fiber_sleep(400000); // virtual: all have come to their ends
    assert_non_null(at_sticky);
    assert_non_null(at_sticky->query);
}

static void test_a_query_that_waited_goes_to_the_sticky_worker(void **state)
{
    (void)state;
    in_world(query_before_the_first_answer);
}

/* ---- tasks that time out ---- */

static void times_out_late(struct world *w)
{
    start_with_timeout(w, 100000);
    poll_workflow_task(w, QUEUE); // and is never heard of again
    sk_fiber_sleep(99000);
    assert_string_equal(history_of(w, WORKFLOW),
                        "WORKFLOW_EXECUTION_STARTED WORKFLOW_TASK_SCHEDULED WORKFLOW_TASK_STARTED");
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
    assert_int_equal(task->attempt, 2);
    complete_task(w, task, complete_workflow(w), NULL);
}

static void test_a_task_of_a_worker_that_died_times_out_however_long_its_timeout(void **state)
{
    (void)state;
    in_world(times_out_late);
}

static void times_out_at_a_late_attempt(struct world *w)
{
    start_with_timeout(w, 10000);
    for (int attempt = 1; attempt < 9; attempt++)
        fail_task(w, poll_workflow_task(w, QUEUE));
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE); // 10 s and 160 s more
    assert_int_equal(task->attempt, 9);
    task = poll_workflow_task(w, QUEUE);
    assert_int_equal(task->attempt, 10);
    complete_task(w, task, complete_workflow(w), NULL);
}

static void test_a_late_attempt_times_out(void **state)
{
    (void)state;
    in_world(times_out_at_a_late_attempt);
}

/* A machine that slept: what is due by the wall clock comes, though a deadline that only memory
 * knows (of a task in somebody's hands) lies before it and runs by the other clock. */
static void clock_put_forward(struct world *w)
{
    start_with_timeout(w, 120000);
    complete_task(w, poll_workflow_task(w, QUEUE), start_timer(w, "t", 500000), NULL);
    signal_workflow(w, "go on");
    poll_workflow_task(w, QUEUE); // and is never heard of again
    sk_sim_jump_wall(sk_rt_current(), 3600000);
    sk_fiber_sleep(12000);
    assert_non_null(strstr(history_of(w, WORKFLOW), " TIMER_FIRED"));
}

static void test_a_clock_put_forward_brings_what_is_due(void **state)
{
    (void)state;
    in_world(clock_put_forward);
}

/* ---- limits ---- */

static void outgrows_at_poll(struct world *w)
{
    start_workflow(w);
    fail_task(w, poll_workflow_task(w, QUEUE)); // 1 to 4; the next attempt has no events yet
    signal_workflow(w, "more");                 // 5; so it will have its own, after all
    w->limits.history_count_error = 5;
    assert_null(try_poll_workflow_task(w, QUEUE));
    assert_int_equal(status_of(w, WORKFLOW), STATUS(TERMINATED));
}

static void test_a_run_that_outgrows_its_limit_at_a_poll_ends(void **state)
{
    (void)state;
    in_world(outgrows_at_poll);
}

static void outgrows_at_start(struct world *w)
{
    w->limits.history_count_error = 1;
    WS(StartWorkflowExecutionRequest) *r = start_request(w);
    WS(StartWorkflowExecutionResponse) *response =
        NEW(w, StartWorkflowExecutionResponse, start_workflow_execution_response);
    r->request_eager_execution = true;
    assert_int_equal(sk_engine_start(w->engine, &w->ctx, w->ns, r, response), SK_OK);
    assert_null(response->eager_workflow_task);
    assert_int_equal(status_of(w, WORKFLOW), STATUS(TERMINATED));
}

static void test_a_run_that_outgrows_its_limit_at_an_eager_start_ends(void **state)
{
    (void)state;
    in_world(outgrows_at_start);
}

/* ---- what readers could not read ---- */

static void hundred_centuries(struct world *w)
{
    WS(StartWorkflowExecutionRequest) *r = start_request(w);
    r->workflow_execution_timeout = sk_dur(w->ctx.arena, 0);
    r->workflow_execution_timeout->seconds = INT64_MAX;
    assert_int_equal(
        sk_engine_start(w->engine, &w->ctx, w->ns, r,
                        NEW(w, StartWorkflowExecutionResponse, start_workflow_execution_response)),
        SK_OK);
    CMDMSG(Command) *timer = start_timer(w, "t", 1);
    timer->start_timer_command_attributes->start_to_fire_timeout->nanos = INT32_MAX;
    complete_task(w, poll_workflow_task(w, QUEUE), timer, NULL);
    const HIST(History) *history = events_of(w, WORKFLOW);
    const API_DURATION *execution =
        history->events[0]->workflow_execution_started_event_attributes->workflow_execution_timeout;
    const API_DURATION *fire =
        history->events[4]->timer_started_event_attributes->start_to_fire_timeout;
    assert_int_equal(execution->seconds, INT64_C(100) * 365 * 86400);
    assert_int_equal(fire->seconds, 2);
    assert_int_equal(fire->nanos, 148000000); // what is above a second, rounded up to milliseconds
}

static void test_durations_in_histories_are_valid_and_at_most_a_century(void **state)
{
    (void)state;
    in_world(hundred_centuries);
}

/* ---- activities that nobody has started ---- */

static void ended_by_id(struct world *w)
{
    start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), schedule_activity(w, "a"), NULL);
    WS(RespondActivityTaskFailedByIdRequest) *fail =
        NEW(w, RespondActivityTaskFailedByIdRequest, respond_activity_task_failed_by_id_request);
    fail->workflow_id = sk_arena_strdup(w->ctx.arena, WORKFLOW);
    fail->activity_id = sk_arena_strdup(w->ctx.arena, "a");
    sk_err err = sk_engine_activity_failed_by_id(w->engine, &w->ctx, w->ns, fail,
                                                 NEW(w, RespondActivityTaskFailedByIdResponse,
                                                     respond_activity_task_failed_by_id_response));
    assert_int_equal(err, SK_NOT_FOUND);
    sk_ctx_clear(&w->ctx);
    WS(PollActivityTaskQueueResponse) *task = poll_activity_task(w, QUEUE);
    assert_int_equal(task->attempt, 1);
    complete_activity(w, task);
}

static void test_an_activity_that_nobody_has_started_cannot_fail(void **state)
{
    (void)state;
    in_world(ended_by_id);
}

/* ---- children ---- */

static void child_of_a_short_run(struct world *w)
{
    WS(StartWorkflowExecutionRequest) *r = start_request(w);
    r->workflow_run_timeout = sk_dur(w->ctx.arena, 2000); // and with it the parent's tasks
    assert_int_equal(
        sk_engine_start(w->engine, &w->ctx, w->ns, r,
                        NEW(w, StartWorkflowExecutionResponse, start_workflow_execution_response)),
        SK_OK);
    complete_task(w, poll_workflow_task(w, QUEUE), start_child(w, "child"), NULL);
    const HIST(History) *history = events_of(w, WORKFLOW);
    const HIST(StartChildWorkflowExecutionInitiatedEventAttributes) *a =
        history->events[4]->start_child_workflow_execution_initiated_event_attributes;
    assert_int_equal(a->workflow_task_timeout->seconds, 10);
    assert_int_equal(a->workflow_run_timeout->seconds, 0);
}

static void test_a_childs_tasks_have_the_servers_timeout_not_the_parents(void **state)
{
    (void)state;
    in_world(child_of_a_short_run);
}

/* ---- priorities ---- */

static CMDMSG(Command) *of_priority(struct world *w, const char *id, int32_t key)
{
    CMDMSG(Command) *c = schedule_activity(w, id);
    COMMON(Priority) *priority = COMMON_NEW(w->ctx.arena, Priority, priority);
    priority->priority_key = key;
    c->schedule_activity_task_command_attributes->priority = priority;
    return c;
}

static void far_priorities(struct world *w)
{
    start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), of_priority(w, "first", INT32_MAX),
                  of_priority(w, "second", 7), of_priority(w, "third", 5),
                  of_priority(w, "before", 4), NULL);
    const char *const order[] = {"before", "first", "second", "third"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        assert_string_equal(poll_activity_task(w, QUEUE)->activity_id, order[i]);
}

static void test_priorities_beyond_the_last_are_the_last(void **state)
{
    (void)state;
    in_world(far_priorities);
}

/* ---- page tokens ---- */

static void other_methods_token(struct world *w)
{
    start_workflow(w);
    WS(GetWorkflowExecutionHistoryRequest) *forward =
        NEW(w, GetWorkflowExecutionHistoryRequest, get_workflow_execution_history_request);
    WS(GetWorkflowExecutionHistoryResponse) *page =
        NEW(w, GetWorkflowExecutionHistoryResponse, get_workflow_execution_history_response);
    struct sk_watch watch;
    bool wait;
    forward->execution = sk_execution_msg(w->ctx.arena, WORKFLOW, "");
    forward->wait_new_event = true;
    assert_int_equal(sk_engine_history(w->engine, &w->ctx, w->ns, forward, page, &watch, &wait),
                     SK_OK);
    assert_true(page->next_page_token.len > 0);
    WS(GetWorkflowExecutionHistoryReverseRequest) *back =
        NEW(w, GetWorkflowExecutionHistoryReverseRequest,
            get_workflow_execution_history_reverse_request);
    back->execution = forward->execution;
    back->next_page_token = page->next_page_token;
    back->maximum_page_size = 1;
    sk_err err = sk_engine_history_reverse(w->engine, &w->ctx, w->ns, back,
                                           NEW(w, GetWorkflowExecutionHistoryReverseResponse,
                                               get_workflow_execution_history_reverse_response));
    assert_int_equal(err, SK_INVALID_ARGUMENT);
    assert_string_equal(w->ctx.err.message, "Invalid NextPageToken.");
    sk_ctx_clear(&w->ctx);
    complete_task(w, poll_workflow_task(w, QUEUE), complete_workflow(w), NULL);
}

static void test_a_page_token_of_another_method_is_refused(void **state)
{
    (void)state;
    in_world(other_methods_token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_query_that_waited_goes_to_the_sticky_worker),
        cmocka_unit_test(test_a_task_whose_answer_is_too_large_ends_the_workflow),
        cmocka_unit_test(test_a_task_of_a_worker_that_died_times_out_however_long_its_timeout),
        cmocka_unit_test(test_a_late_attempt_times_out),
        cmocka_unit_test(test_a_clock_put_forward_brings_what_is_due),
        cmocka_unit_test(test_durations_in_histories_are_valid_and_at_most_a_century),
        cmocka_unit_test(test_an_activity_that_nobody_has_started_cannot_fail),
        cmocka_unit_test(test_a_childs_tasks_have_the_servers_timeout_not_the_parents),
        cmocka_unit_test(test_priorities_beyond_the_last_are_the_last),
        cmocka_unit_test(test_a_page_token_of_another_method_is_refused),
        cmocka_unit_test(test_a_run_that_outgrows_its_limit_at_a_poll_ends),
        cmocka_unit_test(test_a_run_that_outgrows_its_limit_at_an_eager_start_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
