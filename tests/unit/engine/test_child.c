/* Children: what their parent hears of them, and what is left of one that never was. */
#include "fixture.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "rt/rt.h"

#define CHILD "wrap-1"

static void to_its_end(struct world *w)
{
    start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), start_child(w, CHILD), NULL);
    /* The parent's Started comes first, then the child's first task. */
    for (int i = 0; i < 2; i++) {
        WS(PollWorkflowTaskQueueResponse) *task = poll_workflow_task(w, QUEUE);
        if (strcmp(task->workflow_execution->workflow_id, WORKFLOW) == 0)
            complete_task(w, task, NULL);
        else
            complete_task(w, task, complete_workflow(w), NULL);
    }
    complete_task(w, poll_workflow_task(w, QUEUE), complete_workflow(w), NULL);
    const char *history = history_of(w, WORKFLOW);
    assert_non_null(strstr(history, "START_CHILD_WORKFLOW_EXECUTION_INITIATED "
                                    "CHILD_WORKFLOW_EXECUTION_STARTED"));
    assert_non_null(strstr(history, "CHILD_WORKFLOW_EXECUTION_COMPLETED"));
    assert_int_equal(status_of(w, CHILD), STATUS(COMPLETED));
}

/* A parent that closes while its child is being created: no child is left. */
static void start_and_drop(struct world *w)
{
    start_workflow(w);
    gate_hold(w, CHILD, 1);
    complete_task(w, poll_workflow_task(w, QUEUE), start_child(w, CHILD), NULL);
    while (gate_commits() == 0)
        sk_fiber_sleep(1);
    terminate_workflow(w, WORKFLOW); // it has not recorded the child
    gate_release();
    gate_lift(w);
    sk_fiber_sleep(1000); // virtual: the delivery comes to its end
}

static void dropped(struct world *w)
{
    start_and_drop(w);
    assert_null(run_of(w, CHILD));
}

/* One that ran under the child's id before is the current one again. */
static void dropped_over_another(struct world *w)
{
    start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), start_child(w, CHILD), NULL);
    while (!run_of(w, CHILD))
        sk_fiber_sleep(1);
    terminate_workflow(w, CHILD);
    const char *first = run_of(w, CHILD);
    terminate_workflow(w, WORKFLOW);
    sk_fiber_sleep(60000); // ids may be used again
    start_and_drop(w);
    assert_non_null(run_of(w, CHILD));
    assert_string_equal(run_of(w, CHILD), first);
    restart(w);
    assert_string_equal(run_of(w, CHILD), first);
}

#define WORLD_TEST(name)                  \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        in_world(name);                   \
    }
WORLD_TEST(to_its_end)
WORLD_TEST(dropped)
WORLD_TEST(dropped_over_another)

/* ---- many at once ---- */

enum { MANY = 1500, AT_A_TIME_MAX = 512 };

static void many_children(struct world *w)
{
    static CMDMSG(Command) *commands[MANY];
    WS(RespondWorkflowTaskCompletedResponse) *response;
    start_workflow(w);
    for (int i = 0; i < MANY; i++)
        commands[i] = start_child(w, sk_arena_printf(w->ctx.arena, "child-%d", i));
    assert_int_equal(
        try_complete_task(w, poll_workflow_task(w, QUEUE), NULL, MANY, commands, &response), SK_OK);
    gate_hold(w, NULL, INT_MAX); // before any of the messages is on its way
    sk_fiber_sleep(1000);
    assert_in_range(gate_commits(), 1, AT_A_TIME_MAX);
    gate_release();
    sk_fiber_sleep(60000);
    gate_lift(w);
    for (int i = 0; i < MANY; i += 100)
        assert_non_null(run_of(w, sk_arena_printf(w->ctx.arena, "child-%d", i)));
    assert_non_null(run_of(w, sk_arena_printf(w->ctx.arena, "child-%d", MANY - 1)));
}

static void test_many_children_start_some_at_a_time(void **state)
{
    (void)state;
    in_world(many_children);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_children_start_some_at_a_time),
        cmocka_unit_test(test_to_its_end),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_dropped_over_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
