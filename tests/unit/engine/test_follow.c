/*
 * What a client that waits for a workflow's result is shown of a run that another one follows: the
 * close event if it says that it follows the next run, else a continue-as-new, which all follow.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "wire/wire.h"

#define FOLLOWS "encoded,follows-next-run-id"
#define DAY_MS INT64_C(86400000)

static void start_cron(struct world *w)
{
    WS(StartWorkflowExecutionRequest) *r =
        MSG_NEW(w->ctx.arena, WS(StartWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__start_workflow_execution_request);
    WS(StartWorkflowExecutionResponse) *response =
        MSG_NEW(w->ctx.arena, WS(StartWorkflowExecutionResponse),
                temporal__api__workflowservice__v1__start_workflow_execution_response);
    r->workflow_id = sk_arena_strdup(w->ctx.arena, WORKFLOW);
    r->workflow_type = sk_type_msg(w->ctx.arena, "Order");
    r->task_queue = sk_queue_msg(w->ctx.arena, QUEUE, NULL);
    r->request_id = sk_arena_strdup(w->ctx.arena, "start");
    r->cron_schedule = sk_arena_strdup(w->ctx.arena, "@every 1s");
    r->workflow_run_timeout = sk_dur(w->ctx.arena, 10 * DAY_MS);
    assert_int_equal(sk_engine_start(w->engine, &w->ctx, w->ns, r, response), SK_OK);
}

/* The close event of a run as a client with these features sees it. */
static const HIST(HistoryEvent) *close_event(struct world *w, const char *run_id,
                                             const char *features)
{
    WS(GetWorkflowExecutionHistoryRequest) *r =
        MSG_NEW(w->ctx.arena, WS(GetWorkflowExecutionHistoryRequest),
                temporal__api__workflowservice__v1__get_workflow_execution_history_request);
    WS(GetWorkflowExecutionHistoryResponse) *response =
        MSG_NEW(w->ctx.arena, WS(GetWorkflowExecutionHistoryResponse),
                temporal__api__workflowservice__v1__get_workflow_execution_history_response);
    struct sk_watch watch;
    bool wait;
    r->execution = sk_execution_msg(w->ctx.arena, WORKFLOW, run_id);
    r->history_event_filter_type =
        TEMPORAL__API__ENUMS__V1__HISTORY_EVENT_FILTER_TYPE__HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT;
    w->ctx.client_features = features;
    assert_int_equal(sk_engine_history(w->engine, &w->ctx, w->ns, r, response, &watch, &wait),
                     SK_OK);
    w->ctx.client_features = NULL;
    ProtobufCMessage *m;
    struct sk_str bytes = sk_wire_pack(w->ctx.arena, &response->base);
    assert_int_equal(sk_wire_decode(&w->ctx, response->base.descriptor, bytes, &m), SK_OK);
    const HIST(History) *history = ((WS(GetWorkflowExecutionHistoryResponse) *)m)->history;
    assert_non_null(history);
    assert_int_equal(history->n_events, 1);
    return history->events[0];
}

/* It ended with `type`, and who does not follow is sent to the current run by other means. */
static void expect_followed(struct world *w, const char *run_id, int type)
{
    const char *next = run_of(w, WORKFLOW);
    assert_string_not_equal(next, run_id);
    const HIST(HistoryEvent) *true_end = close_event(w, run_id, FOLLOWS);
    assert_int_equal(true_end->event_type, type);
    const char *others[] = {NULL, "", "follows-next-run-id-not", "encoded"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const HIST(HistoryEvent) *shown = close_event(w, run_id, others[i]);
        assert_int_equal(shown->event_type, EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW));
        assert_int_equal(shown->event_id, true_end->event_id);
        const HIST(WorkflowExecutionContinuedAsNewEventAttributes) *a =
            shown->workflow_execution_continued_as_new_event_attributes;
        assert_string_equal(a->new_execution_run_id, next);
        assert_true((a->failure != NULL) == (type != EVENT(WORKFLOW_EXECUTION_COMPLETED)));
    }
}

static void ends_with(struct world *w, CMDMSG(Command) *end, int type)
{
    start_cron(w);
    const char *run_id = run_of(w, WORKFLOW);
    complete_task(w, poll_workflow_task(w, QUEUE), end, NULL);
    expect_followed(w, run_id, type);
}

static void completed(struct world *w)
{
    ends_with(w, complete_workflow(w), EVENT(WORKFLOW_EXECUTION_COMPLETED));
}

static void failed(struct world *w)
{
    ends_with(w, fail_workflow(w), EVENT(WORKFLOW_EXECUTION_FAILED));
}

static void timed_out(struct world *w)
{
    start_cron(w);
    const char *run_id = run_of(w, WORKFLOW);
    for (int day = 0; day < 20 && strcmp(run_of(w, WORKFLOW), run_id) == 0; day++)
        sk_fiber_sleep(DAY_MS);
    assert_int_equal(close_event(w, run_id, FOLLOWS)->event_type,
                     EVENT(WORKFLOW_EXECUTION_TIMED_OUT));
    const HIST(HistoryEvent) *shown = close_event(w, run_id, NULL);
    assert_int_equal(shown->event_type, EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW));
}

/* An end that nothing follows is shown as it is. */
static void last(struct world *w)
{
    char *run_id = start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), fail_workflow(w), NULL);
    assert_int_equal(close_event(w, run_id, NULL)->event_type, EVENT(WORKFLOW_EXECUTION_FAILED));
}

#define WORLD_TEST(name)                  \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        in_world(name);                   \
    }
WORLD_TEST(completed)
WORLD_TEST(failed)
WORLD_TEST(timed_out)
WORLD_TEST(last)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_completed),
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_timed_out),
        cmocka_unit_test(test_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
