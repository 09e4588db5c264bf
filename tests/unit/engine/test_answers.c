/*
 * What answers and events carry, field by field as Temporal has it: links of starts, what a run
 * that follows another inherits, whose queue an activity is on, what a versioning override leaves
 * behind.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define NEW(w, Type, snake) \
    MSG_NEW((w)->ctx.arena, WS(Type), temporal__api__workflowservice__v1__##snake)
#define REF(x) TEMPORAL__API__COMMON__V1__LINK__WORKFLOW_EVENT__REFERENCE_##x

/* ---- starts ---- */

static WS(StartWorkflowExecutionRequest) *start_request(struct world *w, const char *request_id)
{
    WS(StartWorkflowExecutionRequest) *r =
        NEW(w, StartWorkflowExecutionRequest, start_workflow_execution_request);
    r->workflow_id = sk_arena_strdup(w->ctx.arena, WORKFLOW);
    r->workflow_type = sk_type_msg(w->ctx.arena, "Order");
    r->task_queue = sk_queue_msg(w->ctx.arena, QUEUE, NULL);
    r->request_id = sk_arena_strdup(w->ctx.arena, request_id);
    r->workflow_id_conflict_policy = CONFLICT(USE_EXISTING);
    return r;
}

static WS(StartWorkflowExecutionResponse) *start(struct world *w,
                                                 const WS(StartWorkflowExecutionRequest) *r)
{
    WS(StartWorkflowExecutionResponse) *response =
        NEW(w, StartWorkflowExecutionResponse, start_workflow_execution_response);
    assert_int_equal(sk_engine_start(w->engine, &w->ctx, w->ns, r, response), SK_OK);
    const COMMON(Link__WorkflowEvent) *event = response->link->workflow_event;
    assert_string_equal(event->namespace_, w->ns->name);
    assert_string_equal(event->workflow_id, WORKFLOW);
    assert_string_equal(event->run_id, response->run_id);
    return response;
}

static void names_the_start(const WS(StartWorkflowExecutionResponse) *response)
{
    const COMMON(Link__WorkflowEvent) *event = response->link->workflow_event;
    assert_int_equal(event->reference_case, REF(EVENT_REF));
    assert_int_equal(event->event_ref->event_id, 1);
    assert_int_equal(event->event_ref->event_type, EVENT(WORKFLOW_EXECUTION_STARTED));
}

static void names_the_request(const WS(StartWorkflowExecutionResponse) *response, const char *id)
{
    const COMMON(Link__WorkflowEvent) *event = response->link->workflow_event;
    assert_int_equal(event->reference_case, REF(REQUEST_ID_REF));
    assert_string_equal(event->request_id_ref->request_id, id);
    assert_int_equal(event->request_id_ref->event_type, EVENT(WORKFLOW_EXECUTION_OPTIONS_UPDATED));
}

static void links_of_starts(struct world *w)
{
    WS(StartWorkflowExecutionRequest) *r = start_request(w, "one");
    names_the_start(start(w, r));
    names_the_start(start(w, r)); // the same request again
    r = start_request(w, "two");
    names_the_start(start(w, r)); // uses what runs, and leaves no trace in it
    r->on_conflict_options = MSG_NEW(w->ctx.arena, Temporal__Api__Workflow__V1__OnConflictOptions,
                                     temporal__api__workflow__v1__on_conflict_options);
    r->on_conflict_options->attach_request_id = true;
    names_the_request(start(w, r), "two");
    names_the_request(start(w, r), "two"); // known by now
    r = start_request(w, "three");
    r->workflow_id_conflict_policy = CONFLICT(TERMINATE_EXISTING);
    names_the_start(start(w, r));
}

/* A client that asks again is not told that it started a run: it was told before. */
static void asked_again(struct world *w)
{
    WS(SignalWithStartWorkflowExecutionRequest) *r = NEW(
        w, SignalWithStartWorkflowExecutionRequest, signal_with_start_workflow_execution_request);
    r->workflow_id = sk_arena_strdup(w->ctx.arena, WORKFLOW);
    r->workflow_type = sk_type_msg(w->ctx.arena, "Order");
    r->task_queue = sk_queue_msg(w->ctx.arena, QUEUE, NULL);
    r->signal_name = sk_arena_strdup(w->ctx.arena, "s");
    r->request_id = sk_arena_strdup(w->ctx.arena, "one");
    for (int i = 0; i < 2; i++) {
        WS(SignalWithStartWorkflowExecutionResponse) *response =
            NEW(w, SignalWithStartWorkflowExecutionResponse,
                signal_with_start_workflow_execution_response);
        assert_int_equal(sk_engine_signal_with_start(w->engine, &w->ctx, w->ns, r, response),
                         SK_OK);
        assert_string_equal(response->run_id, run_of(w, WORKFLOW));
        assert_int_equal(response->started, i == 0);
    }
}

/* ---- what goes on to the next run ---- */

static const Temporal__Api__Workflow__V1__VersioningOverride *override_of(struct world *w)
{
    WS(DescribeWorkflowExecutionRequest) *r =
        NEW(w, DescribeWorkflowExecutionRequest, describe_workflow_execution_request);
    WS(DescribeWorkflowExecutionResponse) *response =
        NEW(w, DescribeWorkflowExecutionResponse, describe_workflow_execution_response);
    r->execution = sk_execution_msg(w->ctx.arena, WORKFLOW, "");
    assert_int_equal(sk_engine_describe(w->engine, &w->ctx, w->ns, r, response), SK_OK);
    const Temporal__Api__Workflow__V1__WorkflowExecutionInfo *info =
        response->workflow_execution_info;
    assert_int_equal(info->versioning_info != NULL, info->search_attributes->n_indexed_fields == 1);
    if (!info->versioning_info)
        return NULL;
    const COMMON(SearchAttributes__IndexedFieldsEntry) *attribute =
        info->search_attributes->indexed_fields[0];
    assert_string_equal(attribute->key, "TemporalWorkflowVersioningBehavior");
    assert_memory_equal(attribute->value->data.data, "\"AutoUpgrade\"", 13);
    return info->versioning_info->versioning_override;
}

/* The run has the override and the metadata that its start gave it, and its successor neither. */
static void check_inheritance(struct world *w)
{
    WS(StartWorkflowExecutionRequest) *r = start_request(w, "one");
    r->user_metadata = MSG_NEW(w->ctx.arena, Temporal__Api__Sdk__V1__UserMetadata,
                               temporal__api__sdk__v1__user_metadata);
    r->user_metadata->summary = COMMON_NEW(w->ctx.arena, Payload, payload);
    r->versioning_override = MSG_NEW(w->ctx.arena, Temporal__Api__Workflow__V1__VersioningOverride,
                                     temporal__api__workflow__v1__versioning_override);
    r->versioning_override->override_case =
        TEMPORAL__API__WORKFLOW__V1__VERSIONING_OVERRIDE__OVERRIDE_AUTO_UPGRADE;
    r->versioning_override->auto_upgrade = true;
    r->cron_schedule = sk_arena_strdup(w->ctx.arena, "@every 10s");
    start(w, r);
    for (int run = 0; run < 3; run++) {
        const HIST(HistoryEvent) *first = events_of(w, WORKFLOW)->events[0];
        const HIST(WorkflowExecutionStartedEventAttributes) *a =
            first->workflow_execution_started_event_attributes;
        assert_int_equal(first->user_metadata != NULL, run == 0);
        assert_int_equal(a->versioning_override && a->versioning_override->auto_upgrade, run == 0);
        const Temporal__Api__Workflow__V1__VersioningOverride *o = override_of(w);
        assert_int_equal(o && o->auto_upgrade, run == 0);
        complete_task(w, poll_workflow_task(w, QUEUE),
                      run == 1 ? continue_as_new(w) : complete_workflow(w), NULL);
    }
}

/* ---- activities ---- */

static void needs_a_queue(struct world *w)
{
    start_workflow(w);
    const char *texts[] = {"BadScheduleActivityAttributes: taskQueue is not set",
                           "BadScheduleActivityAttributes: missing task queue name"};
    WS(RespondWorkflowTaskCompletedResponse) *ignored;
    for (int i = 0; i < 2; i++) {
        CMDMSG(Command) *c = schedule_activity(w, "charge");
        c->schedule_activity_task_command_attributes->task_queue =
            i ? sk_queue_msg(w->ctx.arena, "", NULL) : NULL;
        WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
        assert_int_equal(try_complete_task(w, task, NULL, 1, &c, &ignored), SK_INVALID_ARGUMENT);
        assert_string_equal(w->ctx.err.message, texts[i]);
        sk_ctx_clear(&w->ctx);
    }
    assert_string_equal(history_of(w, WORKFLOW),
                        "WORKFLOW_EXECUTION_STARTED WORKFLOW_TASK_SCHEDULED WORKFLOW_TASK_STARTED "
                        "WORKFLOW_TASK_FAILED");
}

#define WORLD_TEST(name)                  \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        in_world(name);                   \
    }
WORLD_TEST(links_of_starts)
WORLD_TEST(asked_again)
WORLD_TEST(check_inheritance)
WORLD_TEST(needs_a_queue)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_of_starts),
        cmocka_unit_test(test_asked_again),
        cmocka_unit_test(test_check_inheritance),
        cmocka_unit_test(test_needs_a_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
