/* Keys share a priority by weight, whatever lies in memory or on disk, before and after a restart.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define HEAD 16

static struct sk_queue_key q(void)
{
    return queue_key(SK_TASK_ACTIVITY, "q");
}

/* ---- keys are single letters; '-' is the empty one ---- */

static struct sk_task_row row_for(struct sk_matching *m, char key, float weight, int32_t priority)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    struct sk_task_row row = row_of(q(), priority, sk_matching_seq(m), NULL);
    if (key != '-')
        row.fairness_key = (struct sk_str){strchr(letters, key), 1};
    row.fairness_weight = weight;
    row.pass = sk_matching_place(m, &row);
    return row;
}

static void put(struct sk_matching *m, char key, float weight, int count)
{
    for (int i = 0; i < count; i++)
        add(m, row_for(m, key, weight, 3));
}

static struct {
    int64_t last_seq[128];
    int out_of_order; /* within a key */
    int32_t priority;
} seen;

/* The key of the next task, which is done with; 0: none. */
static char next(struct sk_matching *m)
{
    struct test_poll p = {.poll = {.rate_limit = -1}};
    poll_start(m, &p, q(), 1000);
    struct sk_task *task = poll_wait(&p);
    if (!task)
        return 0;
    char key = task->row.fairness_key.n ? task->row.fairness_key.p[0] : '-';
    if (task->row.seq < seen.last_seq[(int)key])
        seen.out_of_order++;
    seen.last_seq[(int)key] = task->row.seq;
    seen.priority = task->row.priority;
    CHECK(rows_delete(&test_store, &task->row));
    sk_matching_done(m, task);
    CHECK(stats_of(m).head_tasks <= HEAD);
    return key;
}

/* Take `count` tasks; how many were this key's. */
static int share(struct sk_matching *m, char key, int count)
{
    int found = 0;
    for (int i = 0; i < count; i++) {
        char got = next(m);
        CHECK(got);
        found += got == key;
    }
    return found;
}

static struct sk_matching *open_new(void)
{
    struct sk_matching *m = matching_new(HEAD);
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    CHECK_EQ(sk_matching_open(m, &ctx), SK_OK);
    sk_arena_free(ctx.arena);
    return m;
}

static struct sk_matching *begin(void)
{
    memset(&seen, 0, sizeof seen);
    return open_new();
}

static void end(struct sk_matching *m)
{
    while (next(m))
        ;
    CHECK_EQ(test_store.count, 0);
    row_for(m, '-', 1, 3); // who asks next finds those that were served and forgets them
    CHECK(stats_of(m).fairness_keys <= 5);
    sk_matching_free(m);
}

/* ---- */

static void body_few_after_a_flood(void)
{
    struct sk_matching *m = begin();
    put(m, 'a', 1, 2000);
    CHECK_EQ(share(m, 'a', 10), 10);
    put(m, 'b', 1, 3);
    put(m, 'c', 0, 2); // no weight is weight 1
    CHECK_EQ(share(m, 'a', 8), 3);
    CHECK_EQ(share(m, 'a', 500), 500);
    put(m, 'b', 1, 1);
    CHECK(share(m, 'b', 2) == 1);
    CHECK_EQ(seen.out_of_order, 0);
    end(m);
}

/* Who gives no key is one more among the keys. */
static void body_the_empty_key_is_a_key(void)
{
    struct sk_matching *m = begin();
    put(m, '-', 0, 500);
    CHECK_EQ(share(m, '-', 10), 10);
    put(m, 'b', 1, 100);
    int mine = share(m, '-', 100);
    CHECK(mine >= 49 && mine <= 51);
    CHECK_EQ(seen.out_of_order, 0);
    end(m);
}

static void body_by_weight(void)
{
    struct sk_matching *m = begin();
    put(m, 'a', 1, 600);
    put(m, 'b', 3, 600);
    put(m, 'c', 0.5f, 600);
    for (int i = 0; i < 4; i++) { // the third page as well as the first
        int b = share(m, 'b', 90), a = 0;
        CHECK(b >= 58 && b <= 62);
        for (int k = 0; k < 90; k++)
            a += next(m) == 'a';
        CHECK(a >= 18 && a <= 22);
    }
    CHECK_EQ(seen.out_of_order, 0);
    end(m);
}

/* Weights out of range, and what is no number, do not upset anybody. */
static void body_strange_weights(void)
{
    struct sk_matching *m = begin();
    put(m, 'a', 1, 50);
    put(m, 'b', 1e30f, 50);
    put(m, 'c', -1, 50);
    put(m, 'd', 0.0f / (float)seen.out_of_order, 50);
    put(m, 'e', 1e-30f, 2);
    CHECK(share(m, 'b', 60) == 50); // weight 1000 goes through at once
    CHECK(share(m, 'e', 100) <= 1);
    end(m);
}

static void body_priorities_dominate(void)
{
    struct sk_matching *m = begin();
    put(m, 'b', 1, 40);
    for (int i = 0; i < 200; i++) {
        add(m, row_for(m, 'a', 0.001f, 1));
        add(m, row_for(m, 'b', 1000, 4));
    }
    for (int i = 0; i < 200; i++) {
        CHECK_EQ(next(m), 'a');
        CHECK_EQ(seen.priority, 1);
    }
    for (int i = 0; i < 40; i++)
        CHECK(next(m) == 'b' && seen.priority == 3);
    for (int i = 0; i < 200; i++)
        CHECK(next(m) == 'b' && seen.priority == 4);
    end(m);
}

static void body_switched_off(void)
{
    memset(&seen, 0, sizeof seen);
    struct sk_matching *m = sk_matching_new(&(struct sk_matching_options){
        .store = &test_store.store, .head_max = HEAD, .ignore_fairness = true});
    put(m, 'a', 1, 100);
    put(m, 'b', 1000, 100);
    CHECK_EQ(share(m, 'a', 100), 100);
    CHECK_EQ(share(m, 'b', 100), 100);
    end(m);
}

/* ---- restart ---- */

static void body_restart(void)
{
    struct sk_matching *m = begin();
    put(m, 'a', 1, 3000);
    put(m, 'b', 1, 300);
    put(m, '-', 1, 300);
    CHECK(share(m, 'a', 90) >= 29);
    sk_matching_free(m);
    m = open_new();
    put(m, 'c', 1, 20);
    put(m, 'a', 1, 50);
    int c = share(m, 'c', 40); // a new key neither waits behind old backlogs nor overtakes them
    CHECK(c >= 9 && c <= 11);
    CHECK_EQ(c + share(m, 'c', 48), 20);
    sk_fiber_sleep(1000); // every row is read by now
    put(m, 'a', 1, 50);
    put(m, 'b', 1, 50);
    put(m, '-', 1, 50);
    for (int i = 0; i < 3; i++) { // none of them is served twice, for its old and its new tasks
        int b = share(m, 'b', 120);
        CHECK(b >= 38 && b <= 42);
    }
    CHECK_EQ(seen.out_of_order, 0); // nor did new tasks overtake old ones
    end(m);
}

/* A queue of one key is first come, first served, also when it restarts with a long backlog. */
static void body_restart_without_keys(void)
{
    struct sk_matching *m = begin();
    put(m, '-', 0, 1000);
    share(m, '-', 10);
    sk_matching_free(m);
    m = open_new();
    int reads = test_store.reads;
    put(m, '-', 0, 300);
    CHECK_EQ(share(m, '-', 1290), 1290);
    CHECK_EQ(seen.out_of_order, 0);
    CHECK(reads <= 8); // and no more is read at the start than its ends
    end(m);
}

/* Tasks from before fairness have no pass: they go first, in their order. */
static void body_rows_without_a_pass(void)
{
    struct sk_matching *m = matching_new(HEAD);
    for (int i = 1; i <= 300; i++) {
        struct sk_task_row row = row_of(q(), 3, i, NULL);
        rows_put(&test_store, &row);
    }
    sk_matching_free(m);
    m = begin();
    put(m, 'a', 1, 20);
    CHECK_EQ(share(m, '-', 300), 300);
    CHECK_EQ(seen.out_of_order, 0);
    CHECK_EQ(share(m, 'a', 20), 20);
    end(m);
}

/* ---- what is remembered ---- */

/* A key whose tasks were taken away does not pay for them. */
static void body_taken_back(void)
{
    struct sk_matching *m = begin();
    static struct sk_task_row rows[500];
    put(m, 'b', 1, 1000);
    for (int i = 0; i < 500; i++) {
        rows[i] = row_for(m, 'a', 1, 3);
        rows_put(&test_store, &rows[i]);
    }
    CHECK_EQ(stats_of(m).fairness_keys, 2);
    for (int i = 0; i < 500; i++) {
        CHECK(rows_delete(&test_store, &rows[i]));
        sk_matching_unplace(m, &rows[i]);
    }
    put(m, 'a', 1, 10);
    int a = share(m, 'a', 30);
    CHECK(a == 10);
    end(m);
}

static void body_many_keys(void)
{
    struct sk_matching *m = begin();
    char name[16];
    put(m, 'a', 1, 200);
    for (int i = 0; i < SK_FAIR_KEYS_MAX + 500; i++) {
        struct sk_task_row row = row_of(q(), 3, sk_matching_seq(m), NULL);
        snprintf(name, sizeof name, "%d", i);
        row.fairness_key = sk_str_of(name);
        row.pass = sk_matching_place(m, &row);
    }
    CHECK_EQ(stats_of(m).fairness_keys, SK_FAIR_KEYS_MAX);
    put(m, 'a', 1, 100); // the one with a backlog was kept
    CHECK_EQ(share(m, 'a', 300), 300);
    CHECK_EQ(seen.out_of_order, 0);
    end(m);
}

/* What was placed for a queue that never came is forgotten with time. */
static void body_abandoned(void)
{
    struct sk_matching *m = begin();
    struct sk_task_row row = row_of(queue_key(SK_TASK_ACTIVITY, "never"), 3, 7, NULL);
    row.fairness_key = SK_STR("k");
    CHECK(sk_matching_place(m, &row) > 0);
    size_t queues = 0;
    for (int i = 0; i < m->loop_count; i++)
        queues += sk_map_count(m->loops[i].fairs);
    CHECK_EQ(queues, 1);
    for (int i = 0; i < 20; i++) // some queue on each loop keeps the sweeps going
        for (int k = 0; k < 8; k++) {
            char name[2] = {(char)('a' + k), 0};
            CHECK_EQ(poll_one(m, queue_key(SK_TASK_WORKFLOW, name), 10000), 0);
        }
    queues = 0;
    for (int i = 0; i < m->loop_count; i++)
        queues += sk_map_count(m->loops[i].fairs);
    CHECK_EQ(queues, 0);
    sk_matching_free(m);
}

/* ---- pages, late commits, dawdling reads: shares hold about, none is lost ---- */

static struct {
    struct sk_matching *m;
    int adding;
} busy;

static int below(int n)
{
    return (int)sk_random_below(sk_rt_random(), (uint64_t)n);
}

static void adder(void *arg)
{
    char key = (char)(intptr_t)arg;
    for (int i = 0; i < 400; i++) {
        struct sk_task_row row = row_for(busy.m, key, key == 'b' ? 4 : 1, 3);
        if (below(3) == 0)
            sk_fiber_sleep(below(20));
        rows_put(&test_store, &row);
        sk_matching_add(busy.m, &row);
    }
    busy.adding--;
}

static void body_concurrent(void)
{
    test_store.delay_ms = 8;
    busy.m = begin();
    busy.adding = 3;
    for (int i = 0; i < 3; i++)
        sk_fiber_spawn(adder, (void *)(intptr_t)("abc"[i]));
    while (busy.adding)
        sk_fiber_sleep(10);
    int b = share(busy.m, 'b', 300);
    CHECK(b >= 180 && b <= 220); // 4 of 6
    CHECK_EQ(share(busy.m, 'x', 900), 0);
    end(busy.m);
}

/* ---- real threads place into the same queue ---- */

static atomic_int putting;

static void putter(void *arg)
{
    for (int i = 0; i < 300; i++) {
        add(busy.m, row_for(busy.m, (char)(intptr_t)arg, 1, 3));
        if (i % 10 == 0)
            sk_fiber_yield();
    }
    atomic_fetch_sub(&putting, 1);
}

static void on_loop(void *arg)
{
    sk_fiber_spawn(putter, arg);
}

static void body_threads(void)
{
    busy.m = begin();
    atomic_store(&putting, 3);
    for (int i = 0; i < 3; i++)
        sk_rt_post(sk_rt_current(), i, on_loop, (void *)(intptr_t)("abc"[i]));
    for (int i = 0; i < 900; i++)
        CHECK(poll_one(busy.m, q(), 10000));
    while (atomic_load(&putting))
        sk_fiber_sleep(1);
    end(busy.m);
}

#define BOTH(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run_simulated(1, 1, body_##name); \
        run_simulated(3, 2, body_##name); \
    }
BOTH(few_after_a_flood)
BOTH(the_empty_key_is_a_key)
BOTH(by_weight)
BOTH(strange_weights)
BOTH(priorities_dominate)
BOTH(switched_off)
BOTH(restart)
BOTH(restart_without_keys)
BOTH(rows_without_a_pass)
BOTH(taken_back)
BOTH(many_keys)
BOTH(abandoned)

static void test_concurrent(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        run_simulated(1 + (int)(seed % 3), seed, body_concurrent);
}

static void test_threads(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        run_threads(3, body_threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_after_a_flood),
        cmocka_unit_test(test_the_empty_key_is_a_key),
        cmocka_unit_test(test_by_weight),
        cmocka_unit_test(test_strange_weights),
        cmocka_unit_test(test_priorities_dominate),
        cmocka_unit_test(test_switched_off),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_without_keys),
        cmocka_unit_test(test_rows_without_a_pass),
        cmocka_unit_test(test_taken_back),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_concurrent),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
