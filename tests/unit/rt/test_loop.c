/* Between loops: calls and posts under load, wakes from foreign threads, stopping, workers. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOPS = 3, FIBERS = 20, CALLS = 200 };

/* ---- calls ---- */

static int served[LOOPS]; // each belongs to its loop
static atomic_int fibers_left;

static void serve(void *arg)
{
    int *loop = arg;

    CHECK(sk_rt_loop_index() == *loop && sk_fiber_current());
    served[*loop]++;
    if (served[*loop] % 7 == 0)
        sk_fiber_yield(); // a call may wait
    CHECK(sk_rt_loop_index() == *loop);
    *loop = -1;
}

static void call_all(void *arg)
{
    int home = sk_rt_loop_index();

    (void)arg;
    for (int i = 0; i < CALLS; i++) {
        int target = (home + i) % LOOPS, loop = target;
        sk_rt_call(target, serve, &loop);
        CHECK(loop == -1 && sk_rt_loop_index() == home);
    }
    atomic_fetch_sub(&fibers_left, 1);
}

static void spawn_callers(void *arg)
{
    (void)arg;
    for (int i = 0; i < FIBERS; i++)
        sk_fiber_spawn(call_all, NULL);
}

static void calls_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < LOOPS; i++)
        served[i] = 0;
    atomic_store(&fibers_left, LOOPS * FIBERS);
    for (int i = 0; i < LOOPS; i++)
        sk_rt_call(i, spawn_callers, NULL);
    while (atomic_load(&fibers_left) > 0)
        sk_fiber_sleep(1);
}

static void calls_from_all_loops_to_all_loops(void **state)
{
    (void)state;
    run_on_loops(LOOPS, calls_main, NULL);
    assert_int_equal(served[0] + served[1] + served[2], LOOPS * FIBERS * CALLS);
    run_simulated(LOOPS, 4, calls_main, NULL);
    assert_int_equal(served[0] + served[1] + served[2], LOOPS * FIBERS * CALLS);
}

/* ---- posts ---- */

enum { POSTS = 20000 };
static intptr_t last_seen[4];
static atomic_int posts_left;

static void on_posted(void *arg)
{
    intptr_t number = (intptr_t)arg;
    intptr_t sender = number % 4;

    CHECK(sk_rt_loop_index() == 1 && !sk_fiber_current());
    CHECK(number > last_seen[sender]); // in order of each sender
    last_seen[sender] = number;
    atomic_fetch_sub(&posts_left, 1);
}

struct poster {
    struct sk_rt *rt;
    intptr_t sender;
};

static void *post_many(void *arg)
{
    struct poster *poster = arg;

    for (intptr_t i = 1; i <= POSTS; i++)
        sk_rt_post(poster->rt, 1, on_posted, (void *)(i * 4 + poster->sender));
    return NULL;
}

static void post_from_loop_1(void *arg)
{
    post_many(arg);
}

static void posts_main(void *arg)
{
    struct poster posters[4];
    pthread_t threads[2];

    (void)arg;
    atomic_store(&posts_left, 4 * POSTS);
    for (intptr_t i = 0; i < 4; i++)
        posters[i] = (struct poster){sk_rt_current(), i};
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, post_many, &posters[i]);
    sk_rt_call(1, post_from_loop_1, &posters[2]); // to itself
    post_many(&posters[3]);                       // from another loop
    while (atomic_load(&posts_left) > 0)
        sk_fiber_sleep(1);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void posts_keep_each_senders_order(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        last_seen[i] = 0;
    run_on_loops(2, posts_main, NULL);
    for (intptr_t i = 0; i < 4; i++)
        assert_int_equal(last_seen[i], POSTS * 4 + i);
}

/* ---- wakes from foreign threads ---- */

struct ping {
    struct sk_fiber *fiber;
    atomic_int value;
    atomic_bool stop;
};

static void *wake_on_and_on(void *arg)
{
    struct ping *ping = arg;

    while (!atomic_load(&ping->stop)) {
        atomic_fetch_add(&ping->value, 1);
        sk_fiber_wake_from_anywhere(ping->fiber);
    }
    return NULL;
}

static void ping_main(void *arg)
{
    struct ping ping = {.fiber = sk_fiber_current()};
    pthread_t threads[2];
    int seen = 0;

    (void)arg;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, wake_on_and_on, &ping);
    for (int i = 0; i < 2000; i++) {
        while (atomic_load(&ping.value) == seen)
            sk_fiber_suspend(); // a lost wake would hang here
        seen = atomic_load(&ping.value);
    }
    atomic_store(&ping.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void wakes_from_foreign_threads_are_not_lost(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        run_on_loops(2, ping_main, NULL);
}

static void ping_and_end(void *arg)
{
    ping_main(NULL);
    atomic_fetch_sub((atomic_int *)arg, 1); // and ends, perhaps before the last wake arrives
}

static void end_soon(void *arg)
{
    atomic_int *left = arg;
    sk_fiber_sleep(1);
    atomic_fetch_sub(left, 1);
}

static void late_main(void *arg)
{
    atomic_int left = 51;

    (void)arg;
    sk_fiber_spawn(ping_and_end, &left);
    for (int i = 0; i < 50; i++)
        sk_fiber_spawn(end_soon, &left);
    while (atomic_load(&left) > 0)
        sk_fiber_sleep(1);
}

static void a_late_wake_harms_nobody(void **state)
{
    (void)state;
    run_on_loops(1, late_main, NULL);
}

/* ---- stopping ---- */

static void *stop_soon(void *arg)
{
    usleep(2000);
    sk_rt_stop(arg);
    return NULL;
}

static void wait_for_ever(void *arg)
{
    (void)arg;
    sk_fiber_suspend();
    CHECK(false);
}

static void a_foreign_thread_stops_sleeping_loops(void **state)
{
    (void)state;
    struct sk_rt_options options = {.loop_count = LOOPS};
    struct sk_rt *rt = sk_rt_new(&options);

    for (int i = 0; i < 3; i++) { // it can run again
        pthread_t thread;
        pthread_create(&thread, NULL, stop_soon, rt);
        sk_rt_run(rt, wait_for_ever, NULL);
        pthread_join(thread, NULL);
    }
    assert_int_equal(sk_rt_loop_index(), -1);
    sk_rt_free(rt);
    sk_rt_free(NULL);
}

static void hold_up_main(void *arg)
{
    uint64_t before = sk_rt_stalls(sk_rt_current());

    (void)arg;
    usleep(40000); // what a loop must never do
    sk_fiber_sleep(1);
    CHECK(sk_rt_stalls(sk_rt_current()) > before);
}

static void the_watchdog_counts(void **state)
{
    (void)state;
    run_on_loops(1, hold_up_main, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_from_all_loops_to_all_loops),
        cmocka_unit_test(posts_keep_each_senders_order),
        cmocka_unit_test(wakes_from_foreign_threads_are_not_lost),
        cmocka_unit_test(a_late_wake_harms_nobody),
        cmocka_unit_test(a_foreign_thread_stops_sleeping_loops),
        cmocka_unit_test(the_watchdog_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
