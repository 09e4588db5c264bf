/* Children: what their parent hears of them, and what is left of one that never was. */
#include "fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_its_end),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_dropped_over_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
