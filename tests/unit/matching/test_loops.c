/* Real loop threads: adders, pollers and cancels on each, queues on all; for the thread sanitizer.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

#define LOOPS 3
#define TASKS_A_LOOP 2000
#define POLLERS_A_LOOP 8

static struct sk_matching *m;
static atomic_int finished, gone;

static struct sk_queue_key some_queue(char *name)
{
    name[0] = 'q';
    name[1] = (char)('0' + (char)sk_random_below(sk_rt_random(), 5));
    name[2] = 0;
    return queue_key(SK_TASK_WORKFLOW, name);
}

static void adder(void *arg)
{
    (void)arg;
    for (int i = 0; i < TASKS_A_LOOP; i++) {
        char name[3];
        add(m, row_of(some_queue(name), 3, sk_matching_seq(m), i % 7 ? NULL : "q0"));
        if (i % 50 == 0)
            sk_fiber_sleep(1);
    }
    atomic_fetch_add(&gone, 1);
}

struct poller {
    struct test_poll p;
    struct sk_fiber *fiber;
};

static void on_over(struct test_poll *p)
{
    sk_fiber_wake(SK_CONTAINER(p, struct poller, p)->fiber);
}

static void poller(void *arg)
{
    (void)arg;
    struct poller *own = sk_mem_zalloc(sizeof *own);
    own->fiber = sk_fiber_current();
    own->p.then = on_over;
    own->p.poll.rate_limit = -1;
    own->p.poll.identity = "someone";
    while (atomic_load(&finished) < LOOPS * TASKS_A_LOOP) {
        char name[3];
        poll_start(m, &own->p, some_queue(name), 20);
        if (sk_random_below(sk_rt_random(), 10) == 0)
            sk_matching_cancel(m, &own->p.poll);
        while (!own->p.over)
            sk_fiber_suspend();
        struct sk_task *task = own->p.got;
        if (task && sk_random_below(sk_rt_random(), 10) == 0) {
            sk_matching_return(m, task);
        } else if (task) {
            if (rows_delete(&test_store, &task->row))
                atomic_fetch_add(&finished, 1);
            sk_matching_done(m, task);
        }
    }
    sk_mem_free(own);
    atomic_fetch_add(&gone, 1);
}

static void on_loop(void *arg)
{
    (void)arg;
    sk_fiber_spawn(adder, NULL);
    for (int i = 0; i < POLLERS_A_LOOP; i++)
        sk_fiber_spawn(poller, NULL);
}

static void body(void)
{
    m = matching_new(50);
    for (int i = 0; i < LOOPS; i++)
        sk_rt_post(sk_rt_current(), i, on_loop, NULL);
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    while (atomic_load(&gone) < LOOPS * (POLLERS_A_LOOP + 1)) {
        sk_fiber_sleep(5);
        char name[3];
        struct sk_queue_key key = some_queue(name);
        struct sk_queue_info info;
        CHECK_EQ(sk_matching_describe(m, &ctx, &key, &info), SK_OK);
        (void)sk_matching_sticky_alive(m, &key);
        (void)stats_of(m);
    }
    sk_arena_free(ctx.arena);
    CHECK_EQ(test_store.count, 0);
    sk_matching_free(m);
}

static void test_threads(void **state)
{
    (void)state;
    run_threads(LOOPS, body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
