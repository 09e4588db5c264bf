/* What does not fit into memory is found again: none is lost, order holds. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct sk_queue_key q(void)
{
    return queue_key(SK_TASK_WORKFLOW, "q");
}

static void body_larger_than_the_head(void)
{
    struct sk_matching *m = matching_new(16);
    for (int i = 1; i <= 500; i++)
        add(m, row_of(q(), i % 3 + 1, i, NULL));
    CHECK(stats_of(m).head_tasks <= 16);
    int32_t priority = 1;
    int64_t last = 0;
    for (int i = 0; i < 500; i++) {
        int64_t seq = poll_one(m, q(), 1000);
        CHECK(seq);
        int32_t p = (int32_t)(seq % 3) + 1;
        CHECK(p > priority || (p == priority && seq > last));
        priority = p;
        last = seq;
        CHECK(stats_of(m).head_tasks <= 16);
    }
    CHECK_EQ(poll_one(m, q(), 100), 0);
    sk_matching_free(m);
}

/* ---- tasks come, go and are given back in disorder, reads fail and dawdle ---- */

#define TASKS 1500
#define WORKERS 6
static struct {
    struct sk_matching *m;
    int adding, working, finished, handed_out;
    bool done[TASKS];
    int64_t begin_ms;
} busy;

static int below(int n)
{
    return (int)sk_random_below(sk_rt_random(), (uint64_t)n);
}

static void adder(void *arg)
{
    for (int i = (int)(intptr_t)arg; i < TASKS; i += 4) {
        struct sk_task_row row = row_of(q(), 1 + below(5), sk_matching_seq(busy.m), NULL);
        row.scheduled_id = i;
        if (below(3) == 0)
            sk_fiber_sleep(below(20)); // its commit takes long, later ones overtake it
        rows_put(&test_store, &row);
        if (below(3) == 0)
            sk_fiber_sleep(below(3));
        sk_matching_add(busy.m, &row);
        if (below(40) == 0)
            sk_fiber_sleep(below(200));
    }
    busy.adding--;
}

static void take(struct sk_task *task)
{
    busy.handed_out++;
    if (below(10) == 0) {
        sk_matching_return(busy.m, task);
        return;
    }
    if (rows_delete(&test_store, &task->row)) { // else: the second time, stale
        CHECK(!busy.done[task->row.scheduled_id]);
        busy.done[task->row.scheduled_id] = true;
        busy.finished++;
    }
    sk_matching_done(busy.m, task);
}

static void worker(void *arg)
{
    (void)arg;
    while (busy.finished < TASKS) {
        struct test_poll p = {.poll = {.rate_limit = -1}};
        poll_start(busy.m, &p, q(), 30 + below(100));
        if (below(10) == 0)
            sk_matching_cancel(busy.m, &p.poll);
        struct sk_task *task = poll_wait(&p);
        if (task)
            take(task);
        if (below(20) == 0)
            sk_fiber_sleep(below(100));
        CHECK(sk_now_mono_ms() - busy.begin_ms < 600000); // lost tasks would never end
    }
    busy.working--;
}

static void body_concurrent(void)
{
    test_store.delay_ms = 8;
    test_store.fail_reads = 5;
    memset(&busy, 0, sizeof busy);
    busy.m = matching_new(20);
    busy.begin_ms = sk_now_mono_ms();
    busy.adding = 4;
    busy.working = WORKERS;
    for (int i = 0; i < 4; i++)
        sk_fiber_spawn(adder, (void *)(intptr_t)i);
    for (int i = 0; i < WORKERS; i++)
        sk_fiber_spawn(worker, NULL);
    while (busy.adding || busy.working)
        sk_fiber_sleep(10);
    CHECK_EQ(test_store.count, 0);
    CHECK(busy.handed_out < 2 * TASKS); // twins are few
    sk_matching_free(busy.m);
}

/* ---- restart ---- */

static void open_it(struct sk_matching *m)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    CHECK_EQ(sk_matching_open(m, &ctx), SK_OK);
    sk_arena_free(ctx.arena);
}

static void body_boot(void)
{
    for (int i = 1; i <= 60; i++) {
        struct sk_task_row row = row_of(q(), 3, i, NULL);
        rows_put(&test_store, &row);
        row = row_of(queue_key(SK_TASK_WORKFLOW, "sticky"), 3, 1000 + i, "q");
        rows_put(&test_store, &row);
        row = row_of(queue_key(SK_TASK_ACTIVITY, "q"), 3, 2000 + i, NULL);
        rows_put(&test_store, &row);
    }
    struct sk_matching *m = matching_new(16);
    open_it(m);
    add(m, row_of(q(), 3, 5000, NULL));
    sk_fiber_sleep(50);
    bool seen[61] = {0}, sticky_seen[61] = {0};
    int64_t last = 0;
    for (int i = 0; i < 121; i++) {
        int64_t seq = poll_one(m, q(), 1000);
        CHECK(seq);
        if (seq > 1000 && seq < 5000) {
            CHECK(!sticky_seen[seq - 1000]);
            sticky_seen[seq - 1000] = true;
            continue;
        }
        CHECK(seq > last);
        last = seq;
        CHECK(seq == 5000 || !seen[seq]);
        seen[seq == 5000 ? 0 : seq] = true;
    }
    for (int i = 1; i <= 60; i++)
        CHECK_EQ(poll_one(m, queue_key(SK_TASK_ACTIVITY, "q"), 1000), 2000 + i);
    CHECK_EQ(poll_one(m, q(), 50), 0);
    CHECK_EQ(poll_one(m, queue_key(SK_TASK_WORKFLOW, "sticky"), 50), 0);
    CHECK_EQ(test_store.count, 0);
    sk_matching_free(m);
}

/* More is announced during a read than memory takes: the read's end must not pass over it. */
static void body_flood_during_a_read(void)
{
    for (int i = 1; i <= 2; i++) {
        struct sk_task_row row = row_of(q(), 3, i, NULL);
        rows_put(&test_store, &row);
    }
    struct sk_matching *m = matching_new(4);
    open_it(m);
    test_store.delay_ms = 50;
    struct test_poll p = {.poll = {.rate_limit = -1}};
    poll_start(m, &p, q(), 10000); // begins a read
    sk_fiber_sleep(30);
    for (int i = 0; i < 20; i++)
        add(m, row_of(q(), i % 5 + 1, 100 + i, NULL));
    struct sk_task *task = poll_wait(&p);
    CHECK(task);
    sk_matching_return(m, task);
    bool seen[120] = {0};
    for (int i = 0; i < 22; i++) {
        int64_t seq = poll_one(m, q(), 5000);
        CHECK(seq > 0 && seq < 120);
        i -= seen[seq]; // twice does no harm
        seen[seq] = true;
    }
    CHECK_EQ(test_store.count, 0);
    sk_matching_free(m);
}

static void body_sequence(void)
{
    int64_t last = 0;
    for (int life = 0; life < 5; life++) {
        struct sk_matching *m = matching_new(0);
        open_it(m);
        for (int i = 0; i < 10; i++) {
            int64_t seq = sk_matching_seq(m);
            CHECK(seq > last);
            last = seq;
        }
        sk_matching_free(m);
        sk_sim_jump_wall(sk_rt_current(), -86400000);
    }
}

/* ---- idleness ---- */

static size_t queues_known(struct sk_matching *m)
{
    size_t count = 0;
    for (int i = 0; i < m->loop_count; i++)
        count += sk_map_count(m->loops[i].queues);
    return count;
}

static void body_unloads(void)
{
    struct sk_matching *m = matching_new(16);
    for (int i = 1; i <= 40; i++)
        add(m, row_of(q(), 3, i, NULL));
    CHECK_EQ(poll_one(m, queue_key(SK_TASK_ACTIVITY, "idle"), 10), 0);
    sk_fiber_sleep(10);
    CHECK_EQ(queues_known(m), 2);
    sk_fiber_sleep(1200000);
    CHECK_EQ(queues_known(m), 1); // its backlog must not be forgotten
    CHECK_EQ(stats_of(m).head_tasks, 0);
    for (int i = 1; i <= 40; i++)
        CHECK_EQ(poll_one(m, q(), 1000), i);
    sk_fiber_sleep(1200000);
    CHECK_EQ(queues_known(m), 0);
    sk_matching_free(m);
}

#define BOTH(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run_simulated(1, 1, body_##name); \
        run_simulated(3, 2, body_##name); \
    }
BOTH(larger_than_the_head)
BOTH(boot)
BOTH(sequence)
BOTH(unloads)

static void test_flood_during_a_read(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        run_simulated(1 + (int)(seed % 3), seed, body_flood_during_a_read);
}

static void test_concurrent(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        run_simulated(1 + (int)(seed % 3), seed, body_concurrent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_larger_than_the_head),
        cmocka_unit_test(test_concurrent),
        cmocka_unit_test(test_boot),
        cmocka_unit_test(test_flood_during_a_read),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_unloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
