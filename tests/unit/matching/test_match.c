/* Tasks and polls meet: at once, in order, fairly, and each poll ends exactly once. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct sk_queue_key q(void)
{
    return queue_key(SK_TASK_WORKFLOW, "q");
}

static void body_sync_match(void)
{
    struct sk_matching *m = matching_new(0);
    struct test_poll p = {.poll = {.rate_limit = -1}};
    poll_start(m, &p, q(), 1000);
    sk_fiber_sleep(5);
    struct sk_task_row row = row_of(q(), 3, 7, NULL);
    row.scheduled_id = 5;
    row.attempt = 2;
    row.stamp = 11;
    add(m, row);
    struct sk_task *task = poll_wait(&p);
    CHECK(task && task->row.seq == 7 && task->row.scheduled_id == 5 && task->row.attempt == 2);
    CHECK(task->row.stamp == 11 && sk_str_eq(task->row.queue.name, SK_STR("q")));
    CHECK(sk_str_eq(task->row.run.workflow_id, SK_STR("w")) && !task->query && !task->sticky);
    CHECK_EQ(stats_of(m).sync_matches, 1);
    sk_matching_done(m, task);
    sk_matching_free(m);
}

static void body_add_before_poll(void)
{
    struct sk_matching *m = matching_new(0);
    add(m, row_of(q(), 3, 7, NULL));
    sk_fiber_sleep(1);
    CHECK_EQ(stats_of(m).head_tasks, 1);
    CHECK_EQ(poll_one(m, q(), 1000), 7);
    CHECK_EQ(stats_of(m).head_tasks, 0);
    sk_matching_free(m);
}

static void body_order(void)
{
    static const struct {
        int32_t priority;
        int64_t seq;
    } in[] = {
        {3, 10}, {5, 11}, {1, 12}, {3, 9}, {2, 20}, {1, 13}, {3, 15}, {4, 8}, {2, 19},
    };
    static const int64_t out[] = {12, 13, 19, 20, 9, 10, 15, 8, 11};
    struct sk_matching *m = matching_new(0);
    for (size_t i = 0; i < 9; i++)
        add(m, row_of(q(), in[i].priority, in[i].seq, NULL));
    for (size_t i = 0; i < 9; i++)
        CHECK_EQ(poll_one(m, q(), 1000), out[i]);
    sk_matching_free(m);
}

static void body_polls_are_served_in_order(void)
{
    struct sk_matching *m = matching_new(0);
    struct test_poll p[3] = {0};
    for (int i = 0; i < 3; i++) {
        p[i].poll.rate_limit = -1;
        poll_start(m, &p[i], q(), 1000);
        sk_fiber_sleep(1);
    }
    for (int i = 0; i < 3; i++) {
        add(m, row_of(q(), 3, i + 1, NULL));
        struct sk_task *task = poll_wait(&p[i]);
        CHECK_EQ(task->row.seq, i + 1);
        sk_matching_done(m, task);
    }
    sk_matching_free(m);
}

static void body_deadline(void)
{
    struct sk_matching *m = matching_new(0);
    int64_t begin_ms = sk_now_mono_ms();
    CHECK_EQ(poll_one(m, q(), 500), 0);
    int64_t took_ms = sk_now_mono_ms() - begin_ms;
    CHECK(took_ms >= 500 && took_ms < 520);
    CHECK_EQ(poll_one(m, q(), 0), 0);
    CHECK_EQ(poll_one(m, q(), -1000), 0);
    CHECK_EQ(stats_of(m).empty_polls, 3);
    CHECK_EQ(stats_of(m).parked, 0);
    sk_matching_free(m);
}

static void body_cancel(void)
{
    struct sk_matching *m = matching_new(0);
    for (int i = 0; i < 8; i++) { // some queues lie on other loops
        char name[8] = {'c', (char)('0' + i)};
        struct test_poll p = {.poll = {.rate_limit = -1}};
        poll_start(m, &p, queue_key(SK_TASK_WORKFLOW, name), 100000);
        if (i & 1)
            sk_fiber_sleep(3);
        sk_matching_cancel(m, &p.poll);
        sk_matching_cancel(m, &p.poll);
        CHECK(!poll_wait(&p));
    }
    CHECK_EQ(stats_of(m).parked, 0);
    sk_matching_free(m);
}

static void body_cancel_races_a_task(void)
{
    struct sk_matching *m = matching_new(0);
    int with_task = 0;
    for (int i = 1; i <= 400; i++) {
        char name[8] = {'r', (char)('0' + i % 8)};
        struct sk_queue_key key = queue_key(SK_TASK_WORKFLOW, name);
        struct test_poll p = {.poll = {.rate_limit = -1}};
        poll_start(m, &p, key, 100000);
        if (i & 1)
            sk_fiber_yield();
        add(m, row_of(key, 3, i, NULL));
        if (i & 2)
            sk_fiber_yield();
        sk_matching_cancel(m, &p.poll);
        struct sk_task *task = poll_wait(&p);
        if (task) {
            with_task++;
            sk_matching_return(m, task);
        }
        CHECK_EQ(poll_one(m, key, 1000), i); // not lost either way
    }
    CHECK(with_task > 0);
    sk_matching_free(m);
}

static void body_returned_goes_first(void)
{
    struct sk_matching *m = matching_new(0);
    for (int i = 1; i <= 3; i++)
        add(m, row_of(q(), 3, i, NULL));
    struct test_poll p = {.poll = {.rate_limit = -1}};
    poll_start(m, &p, q(), 1000);
    sk_matching_return(m, poll_wait(&p));
    for (int i = 1; i <= 3; i++)
        CHECK_EQ(poll_one(m, q(), 1000), i);
    sk_matching_free(m);
}

#define MANY 10000
static struct test_poll many[MANY];

static void body_many_polls(void)
{
    struct sk_matching *m = matching_new(0);
    for (int i = 0; i < MANY; i++) {
        many[i] = (struct test_poll){.poll = {.rate_limit = -1}};
        poll_start(m, &many[i], q(), 60000);
    }
    sk_fiber_sleep(100);
    CHECK_EQ(stats_of(m).parked, MANY);
    for (int i = 0; i < MANY / 2; i++)
        add(m, row_of(q(), 3, i + 1, NULL));
    sk_fiber_sleep(100);
    CHECK_EQ(stats_of(m).parked, MANY / 2);
    sk_fiber_sleep(61000);
    for (int i = 0; i < MANY; i++) {
        CHECK(many[i].over && (many[i].got != NULL) == (i < MANY / 2));
        if (many[i].got)
            sk_matching_done(m, many[i].got);
    }
    sk_matching_free(m);
}

static void body_drain(void)
{
    struct sk_matching *m = matching_new(0);
    static const char *const names[] = {"d0", "d1", "d2", "d3"};
    struct test_poll p[4] = {0};
    for (int i = 0; i < 4; i++) {
        p[i].poll.rate_limit = -1;
        poll_start(m, &p[i], queue_key(SK_TASK_ACTIVITY, names[i]), 60000);
    }
    sk_fiber_sleep(10);
    sk_matching_drain(m);
    for (int i = 0; i < 4; i++)
        CHECK(!poll_wait(&p[i]));
    int64_t begin_ms = sk_now_mono_ms();
    CHECK_EQ(poll_one(m, q(), 60000), 0);
    CHECK(sk_now_mono_ms() - begin_ms < 100);
    sk_matching_free(m);
}

#define BOTH(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run_simulated(1, 1, body_##name); \
        run_simulated(3, 2, body_##name); \
    }
BOTH(sync_match)
BOTH(add_before_poll)
BOTH(order)
BOTH(polls_are_served_in_order)
BOTH(deadline)
BOTH(cancel)
BOTH(cancel_races_a_task)
BOTH(returned_goes_first)
BOTH(many_polls)
BOTH(drain)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync_match),
        cmocka_unit_test(test_add_before_poll),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_polls_are_served_in_order),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_races_a_task),
        cmocka_unit_test(test_returned_goes_first),
        cmocka_unit_test(test_many_polls),
        cmocka_unit_test(test_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
