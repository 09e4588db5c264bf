/* Two runs side by side: steps from events, pairs by kind, name and order, what differs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "frontend/compare.h"

#define EVENT(name) TEMPORAL__API__ENUMS__V1__EVENT_TYPE__EVENT_TYPE_##name
#define MATCH(name) SKALD__API__V1__STEP_MATCH__STEP_MATCH_##name
#define HIST(name) Temporal__Api__History__V1__##name
#define SET(event, snake, CASE, Type)                                                    \
    (event)->attributes_case =                                                           \
        TEMPORAL__API__HISTORY__V1__HISTORY_EVENT__ATTRIBUTES_##CASE##_EVENT_ATTRIBUTES; \
    HIST(Type##EventAttributes) *a = (event)->snake##_event_attributes =                 \
        SK_NEW(arena, HIST(Type##EventAttributes));                                      \
    temporal__api__history__v1__##snake##_event_attributes__init(a)
#define TEXT(s) ((char *)(uintptr_t)(s))

static struct sk_arena *arena;

static HIST(HistoryEvent) *event_of(struct sk_compare_run *run, int type)
{
    HIST(HistoryEvent) *e = SK_NEW(arena, HIST(HistoryEvent));
    temporal__api__history__v1__history_event__init(e);
    e->event_id = run->events + 1;
    e->event_type = (Temporal__Api__Enums__V1__EventType)type;
    e->event_time = SK_NEW(arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(e->event_time);
    e->event_time->seconds = 1000 + e->event_id;
    return e;
}

static Temporal__Api__Common__V1__Payloads *payloads(const char *text)
{
    Temporal__Api__Common__V1__Payloads *p = SK_NEW(arena, Temporal__Api__Common__V1__Payloads);
    Temporal__Api__Common__V1__Payload *one = SK_NEW(arena, Temporal__Api__Common__V1__Payload);
    temporal__api__common__v1__payloads__init(p);
    temporal__api__common__v1__payload__init(one);
    one->data = (ProtobufCBinaryData){strlen(text), (uint8_t *)TEXT(text)};
    p->payloads = SK_NEW(arena, Temporal__Api__Common__V1__Payload *);
    p->payloads[0] = one;
    p->n_payloads = 1;
    return p;
}

static void starts(struct sk_compare_run *run, const char *input)
{
    HIST(HistoryEvent) *e = event_of(run, EVENT(WORKFLOW_EXECUTION_STARTED));
    SET(e, workflow_execution_started, WORKFLOW_EXECUTION_STARTED, WorkflowExecutionStarted);
    a->workflow_type = SK_NEW(arena, Temporal__Api__Common__V1__WorkflowType);
    temporal__api__common__v1__workflow_type__init(a->workflow_type);
    a->workflow_type->name = TEXT("Order");
    a->input = payloads(input);
    sk_compare_event(run, e);
}

static void completes(struct sk_compare_run *run, const char *result)
{
    HIST(HistoryEvent) *e = event_of(run, EVENT(WORKFLOW_EXECUTION_COMPLETED));
    SET(e, workflow_execution_completed, WORKFLOW_EXECUTION_COMPLETED, WorkflowExecutionCompleted);
    a->result = payloads(result);
    sk_compare_event(run, e);
}

static int64_t schedules(struct sk_compare_run *run, const char *type)
{
    HIST(HistoryEvent) *e = event_of(run, EVENT(ACTIVITY_TASK_SCHEDULED));
    SET(e, activity_task_scheduled, ACTIVITY_TASK_SCHEDULED, ActivityTaskScheduled);
    a->activity_type = SK_NEW(arena, Temporal__Api__Common__V1__ActivityType);
    temporal__api__common__v1__activity_type__init(a->activity_type);
    a->activity_type->name = TEXT(type);
    sk_compare_event(run, e);
    return e->event_id;
}

static void activity_starts(struct sk_compare_run *run, int64_t scheduled, int attempt)
{
    HIST(HistoryEvent) *e = event_of(run, EVENT(ACTIVITY_TASK_STARTED));
    SET(e, activity_task_started, ACTIVITY_TASK_STARTED, ActivityTaskStarted);
    a->scheduled_event_id = scheduled;
    a->attempt = attempt;
    sk_compare_event(run, e);
}

static void activity_completes(struct sk_compare_run *run, int64_t scheduled)
{
    HIST(HistoryEvent) *e = event_of(run, EVENT(ACTIVITY_TASK_COMPLETED));
    SET(e, activity_task_completed, ACTIVITY_TASK_COMPLETED, ActivityTaskCompleted);
    a->scheduled_event_id = scheduled;
    sk_compare_event(run, e);
}

static void activity_fails(struct sk_compare_run *run, int64_t scheduled, const char *message)
{
    HIST(HistoryEvent) *e = event_of(run, EVENT(ACTIVITY_TASK_FAILED));
    SET(e, activity_task_failed, ACTIVITY_TASK_FAILED, ActivityTaskFailed);
    a->scheduled_event_id = scheduled;
    a->failure = SK_NEW(arena, Temporal__Api__Failure__V1__Failure);
    temporal__api__failure__v1__failure__init(a->failure);
    a->failure->message = (ProtobufCBinaryData){strlen(message), (uint8_t *)TEXT(message)};
    sk_compare_event(run, e);
}

static void workflow_task(struct sk_compare_run *run)
{
    sk_compare_event(run, event_of(run, EVENT(WORKFLOW_TASK_SCHEDULED)));
    sk_compare_event(run, event_of(run, EVENT(WORKFLOW_TASK_STARTED)));
}

static void compare(struct sk_compare_run *l, struct sk_compare_run *r,
                    Skald__Api__V1__CompareRunsResponse *ret)
{
    skald__api__v1__compare_runs_response__init(ret);
    sk_compare_runs(l, r, ret);
    sk_compare_run_fini(l);
    sk_compare_run_fini(r);
}

static void test_the_same(void **state)
{
    struct sk_compare_run l, r;
    Skald__Api__V1__CompareRunsResponse c;
    arena = sk_arena_new(0);
    sk_compare_run_init(&l, arena);
    sk_compare_run_init(&r, arena);
    starts(&l, "in");
    int64_t a = schedules(&l, "A"), b = schedules(&l, "B");
    activity_completes(&l, a);
    activity_completes(&l, b);
    completes(&l, "out");
    starts(&r, "in");
    workflow_task(&r); // other event ids, and the other order of ends
    a = schedules(&r, "A");
    b = schedules(&r, "B");
    activity_completes(&r, b);
    activity_completes(&r, a);
    completes(&r, "out");
    compare(&l, &r, &c);
    assert_int_equal(c.first_difference, -1);
    assert_int_equal(c.n_steps, 3);
    for (size_t i = 0; i < c.n_steps; i++)
        assert_int_equal(c.steps[i]->match, MATCH(SAME));
    assert_string_equal(c.steps[0]->kind, "workflow");
    assert_string_equal(c.steps[0]->name, "Order");
    assert_string_equal(c.steps[0]->left->outcome, "Completed");
    assert_int_equal(c.steps[1]->left->first_event_id, 2);
    assert_int_equal(c.steps[1]->right->first_event_id, 4);
    assert_int_equal(c.steps[1]->right->last_event_id, 7);
    assert_int_equal(c.steps[1]->right->duration->seconds, 3);
    sk_arena_free(arena);
}

static void test_differences(void **state)
{
    struct sk_compare_run l, r;
    Skald__Api__V1__CompareRunsResponse c;
    arena = sk_arena_new(0);
    sk_compare_run_init(&l, arena);
    sk_compare_run_init(&r, arena);
    starts(&l, "in");
    int64_t a = schedules(&l, "A");
    activity_starts(&l, a, 1);
    activity_completes(&l, a);
    a = schedules(&l, "Left");
    a = schedules(&l, "C");
    completes(&l, "out");
    starts(&r, "in");
    a = schedules(&r, "A");
    activity_starts(&r, a, 3);
    activity_fails(&r, a, "no");
    a = schedules(&r, "Right");
    a = schedules(&r, "C");
    a = schedules(&r, "C"); // once more
    compare(&l, &r, &c);
    static const struct {
        const char *name;
        int match;
    } expected[] = {{"Order", MATCH(DIFFERENT)}, {"A", MATCH(DIFFERENT)},
                    {"Left", MATCH(LEFT_ONLY)},  {"Right", MATCH(RIGHT_ONLY)},
                    {"C", MATCH(SAME)},          {"C", MATCH(RIGHT_ONLY)}};
    assert_int_equal(c.n_steps, 6);
    assert_int_equal(c.first_difference, 0);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(c.steps[i]->name, expected[i].name);
        assert_int_equal(c.steps[i]->match, expected[i].match);
    }
    assert_int_equal(c.steps[0]->n_differences, 2); // the right one runs still, without a result
    assert_string_equal(c.steps[0]->differences[0], "outcome");
    assert_string_equal(c.steps[0]->differences[1], "result");
    assert_string_equal(c.steps[0]->right->outcome, "Pending");
    assert_null(c.steps[0]->right->duration);
    assert_int_equal(c.steps[1]->n_differences, 3);
    assert_string_equal(c.steps[1]->differences[1], "failure");
    assert_string_equal(c.steps[1]->right->detail, "no");
    assert_int_equal(c.steps[1]->right->attempt, 3);
    assert_null(c.steps[2]->right);
    sk_arena_free(arena);
}

static void test_bounds(void **state)
{
    struct sk_compare_run l, r;
    Skald__Api__V1__CompareRunsResponse c;
    arena = sk_arena_new(0);
    sk_compare_run_init(&l, arena);
    sk_compare_run_init(&r, arena);
    for (int i = 0; i < SK_COMPARE_STEPS_MAX + 5; i++)
        schedules(&l, "A");
    activity_completes(&r, 77); // of something that is not there
    compare(&l, &r, &c);
    assert_true(c.truncated);
    assert_int_equal(c.n_steps, SK_COMPARE_STEPS_MAX);
    sk_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
