/*
 * Requests by id: what a client sends again because it heard nothing happens once, however much
 * happened in between, and also after a restart. And requests that name the first run of a chain.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { SIGNALS = 1000 };

static void send_signal(struct world *w, int number)
{
    WS(SignalWorkflowExecutionRequest) *r =
        MSG_NEW(w->ctx.arena, WS(SignalWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__signal_workflow_execution_request);
    WS(SignalWorkflowExecutionResponse) *response =
        MSG_NEW(w->ctx.arena, WS(SignalWorkflowExecutionResponse),
                temporal__api__workflowservice__v1__signal_workflow_execution_response);
    r->workflow_execution = sk_execution_msg(w->ctx.arena, WORKFLOW, "");
    r->signal_name = sk_arena_strdup(w->ctx.arena, "s");
    r->request_id = sk_arena_printf(w->ctx.arena, "request-%d", number);
    assert_int_equal(sk_engine_signal(w->engine, &w->ctx, w->ns, r, response), SK_OK);
}

static int64_t history_length(struct world *w)
{
    WS(DescribeWorkflowExecutionRequest) *r =
        MSG_NEW(w->ctx.arena, WS(DescribeWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__describe_workflow_execution_request);
    WS(DescribeWorkflowExecutionResponse) *response =
        MSG_NEW(w->ctx.arena, WS(DescribeWorkflowExecutionResponse),
                temporal__api__workflowservice__v1__describe_workflow_execution_response);
    r->execution = sk_execution_msg(w->ctx.arena, WORKFLOW, "");
    assert_int_equal(sk_engine_describe(w->engine, &w->ctx, w->ns, r, response), SK_OK);
    return response->workflow_execution_info->history_length;
}

static void signals_again(struct world *w)
{
    start_workflow(w); // two events
    for (int i = 0; i < SIGNALS; i++)
        send_signal(w, i);
    assert_int_equal(history_length(w), 2 + SIGNALS);
    for (int i = 0; i < SIGNALS; i++)
        send_signal(w, i);
    assert_int_equal(history_length(w), 2 + SIGNALS);
    restart(w);
    for (int i = 0; i < SIGNALS; i++)
        send_signal(w, i);
    assert_int_equal(history_length(w), 2 + SIGNALS);
    send_signal(w, SIGNALS);
    assert_int_equal(history_length(w), 2 + SIGNALS + 1);
}

static void test_signals_that_come_again_are_known(void **state)
{
    (void)state;
    in_world(signals_again);
}

/* What that costs: a row for every 32 signals, and no growing record. */
static void signals_cost(struct world *w)
{
    struct sk_store_stats before, after;
    start_workflow(w);
    for (int i = 0; i < 100; i++)
        send_signal(w, i);
    sk_store_stats(w->store, &before);
    for (int i = 100; i < 100 + SIGNALS; i++)
        send_signal(w, i);
    sk_store_stats(w->store, &after);
    assert_in_range(after.row_ops - before.row_ops, 2 * SIGNALS, 2 * SIGNALS + SIGNALS / 32 + 1);
}

static void test_what_remembering_signals_costs(void **state)
{
    (void)state;
    in_world(signals_cost);
}

/* ---- a run that wants to end ---- */

static sk_err signal_with_start(struct world *w)
{
    WS(SignalWithStartWorkflowExecutionRequest) *r =
        MSG_NEW(w->ctx.arena, WS(SignalWithStartWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__signal_with_start_workflow_execution_request);
    WS(SignalWithStartWorkflowExecutionResponse) *response =
        MSG_NEW(w->ctx.arena, WS(SignalWithStartWorkflowExecutionResponse),
                temporal__api__workflowservice__v1__signal_with_start_workflow_execution_response);
    r->workflow_id = sk_arena_strdup(w->ctx.arena, WORKFLOW);
    r->workflow_type = sk_type_msg(w->ctx.arena, "Order");
    r->task_queue = sk_queue_msg(w->ctx.arena, QUEUE, NULL);
    r->signal_name = sk_arena_strdup(w->ctx.arena, "s");
    r->request_id = sk_arena_strdup(w->ctx.arena, "another");
    sk_ctx_clear(&w->ctx);
    return sk_engine_signal_with_start(w->engine, &w->ctx, w->ns, r, response);
}

static void ends_though_signalled(struct world *w)
{
    WS(RespondWorkflowTaskCompletedResponse) *response;
    start_workflow(w);
    WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
    signal_workflow(w, "overtakes its end");
    CMDMSG(Command) *end = complete_workflow(w);
    assert_int_equal(try_complete_task(w, task, NULL, 1, &end, &response), SK_INVALID_ARGUMENT);
    task = poll_workflow_task(w, QUEUE);
    assert_int_equal(signal_with_start(w), SK_RESOURCE_EXHAUSTED);
    assert_string_equal(w->ctx.err.message,
                        "workflow operation can not be applied because workflow is closing");
    sk_ctx_clear(&w->ctx);
    complete_task(w, task, complete_workflow(w), NULL);
    assert_int_equal(signal_with_start(w), SK_OK); // a new run
}

static void test_a_run_that_wants_to_end_takes_no_signal_with_start(void **state)
{
    (void)state;
    in_world(ends_though_signalled);
}

/* ---- a request that names the first run of its chain means the chain's current run ---- */

static sk_err cancel_chain(struct world *w, const char *run_id, const char *first_run_id)
{
    WS(RequestCancelWorkflowExecutionRequest) *r =
        MSG_NEW(w->ctx.arena, WS(RequestCancelWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__request_cancel_workflow_execution_request);
    WS(RequestCancelWorkflowExecutionResponse) *response =
        MSG_NEW(w->ctx.arena, WS(RequestCancelWorkflowExecutionResponse),
                temporal__api__workflowservice__v1__request_cancel_workflow_execution_response);
    r->workflow_execution = sk_execution_msg(w->ctx.arena, WORKFLOW, run_id);
    r->first_execution_run_id = sk_arena_strdup(w->ctx.arena, first_run_id);
    sk_ctx_clear(&w->ctx);
    return sk_engine_request_cancel(w->engine, &w->ctx, w->ns, r, response);
}

static sk_err terminate_chain(struct world *w, const char *run_id, const char *first_run_id)
{
    WS(TerminateWorkflowExecutionRequest) *r =
        MSG_NEW(w->ctx.arena, WS(TerminateWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__terminate_workflow_execution_request);
    WS(TerminateWorkflowExecutionResponse) *response =
        MSG_NEW(w->ctx.arena, WS(TerminateWorkflowExecutionResponse),
                temporal__api__workflowservice__v1__terminate_workflow_execution_response);
    r->workflow_execution = sk_execution_msg(w->ctx.arena, WORKFLOW, run_id);
    r->first_execution_run_id = sk_arena_strdup(w->ctx.arena, first_run_id);
    sk_ctx_clear(&w->ctx);
    return sk_engine_terminate(w->engine, &w->ctx, w->ns, r, response);
}

static void reaches_the_chain(struct world *w)
{
    const char *first = start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), continue_as_new(w), NULL);
    const char *second = run_of(w, WORKFLOW);
    assert_string_not_equal(first, second);

    assert_int_equal(cancel_chain(w, first, ""), SK_OK); // over: nothing to do
    assert_null(strstr(history_of(w, WORKFLOW), "CANCEL_REQUESTED"));
    assert_int_equal(cancel_chain(w, first, first), SK_OK);
    assert_non_null(strstr(history_of(w, WORKFLOW), "CANCEL_REQUESTED"));

    assert_int_equal(terminate_chain(w, first, ""), SK_NOT_FOUND);
    assert_int_equal(terminate_chain(w, second, second), SK_NOT_FOUND); // not the chain's first
    assert_int_equal(status_of(w, WORKFLOW), STATUS(RUNNING));
    assert_int_equal(terminate_chain(w, first, first), SK_OK);
    assert_int_equal(status_of(w, WORKFLOW), STATUS(TERMINATED));
}

static void test_a_request_by_the_first_run_reaches_the_chains_current_run(void **state)
{
    (void)state;
    in_world(reaches_the_chain);
}

static void no_limit(struct world *w)
{
    w->limits.signals_per_run = 0;
    start_workflow(w);
    signal_workflow(w, "s");
}

static void test_no_limit_of_signals_is_no_limit(void **state)
{
    (void)state;
    in_world(no_limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_that_come_again_are_known),
        cmocka_unit_test(test_what_remembering_signals_costs),
        cmocka_unit_test(test_a_run_that_wants_to_end_takes_no_signal_with_start),
        cmocka_unit_test(test_a_request_by_the_first_run_reaches_the_chains_current_run),
        cmocka_unit_test(test_no_limit_of_signals_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
