/* Fibers: order, waking, recycling, stacks, timers; each on a real loop and a simulated one. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static char trace[256];
static size_t trace_length;

static void note(char c)
{
    CHECK(trace_length < sizeof(trace) - 1);
    trace[trace_length++] = c;
    trace[trace_length] = '\0';
}

static void reset(void)
{
    trace_length = 0;
    trace[0] = '\0';
}

static void run_both(void (*fn)(void *))
{
    reset();
    run_on_loops(1, fn, NULL);
    reset();
    run_simulated(1, 1, fn, NULL);
}

static void note_twice(void *arg)
{
    note(*(const char *)arg);
    sk_fiber_yield();
    note(*(const char *)arg);
}

static void note_posted(void *arg)
{
    CHECK(!sk_fiber_current());
    note(*(const char *)arg);
}

static void order_main(void *arg)
{
    (void)arg;
    sk_fiber_spawn(note_twice, (char *)"a");
    sk_rt_post(sk_rt_current(), 0, note_posted, (char *)"p");
    sk_fiber_spawn(note_twice, (char *)"b");
    note('m'); // neither spawning nor posting runs anything
    sk_fiber_yield();
    note('n');
    sk_fiber_yield();
    CHECK(strcmp(trace, "mapbnab") == 0);
}

static void everything_runs_in_order(void **state)
{
    (void)state;
    run_both(order_main);
}

static struct sk_fiber *waiting;

static void wait_thrice(void *arg)
{
    (void)arg;
    waiting = sk_fiber_current();
    for (int i = 0; i < 3; i++) {
        sk_fiber_suspend();
        note('w');
    }
    waiting = NULL;
}

static void wake_main(void *arg)
{
    (void)arg;
    sk_fiber_spawn(wait_thrice, NULL);
    sk_fiber_yield();
    CHECK(waiting && strcmp(trace, "") == 0);
    sk_fiber_wake(waiting); // ends the first suspend
    sk_fiber_wake(waiting); // comes before the second, and counts
    sk_fiber_yield();
    sk_fiber_yield();
    CHECK(strcmp(trace, "ww") == 0);
    sk_fiber_wake_from_anywhere(waiting);
    sk_fiber_yield();
    CHECK(strcmp(trace, "www") == 0 && !waiting);
}

static void wakes_before_a_suspend_count(void **state)
{
    (void)state;
    run_both(wake_main);
}

static void sleep_main(void *arg)
{
    (void)arg;
    struct sk_fiber *self = sk_fiber_current();
    int64_t before = sk_now_mono_ms();

    sk_fiber_wake(self); // meant for a suspend: a sleep neither ends early nor swallows it
    sk_fiber_sleep(20);
    CHECK(sk_now_mono_ms() - before >= 20);
    sk_fiber_suspend();
    sk_fiber_sleep(0);
    sk_fiber_sleep(-5);
}

static void sleeping_swallows_no_wake(void **state)
{
    (void)state;
    run_both(sleep_main);
}

static int running, most_running, finished;

static void be_one_of_many(void *arg)
{
    char used[8000]; // some stack

    (void)arg;
    running++;
    most_running = running > most_running ? running : most_running;
    memset(used, running & 0x7F, sizeof(used));
    sk_fiber_yield();
    CHECK(used[17] == used[7999]);
    running--;
    finished++;
}

static void many_main(void *arg)
{
    (void)arg;
    running = most_running = finished = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 400; i++)
            sk_fiber_spawn(be_one_of_many, NULL);
        while (finished < (round + 1) * 400)
            sk_fiber_yield();
    }
    CHECK(running == 0 && most_running == 400);
}

static void many_fibers_recycle_stacks(void **state)
{
    (void)state;
    run_both(many_main);
}

static void format_main(void *arg)
{
    (void)arg;
    char text[64]; // printf of doubles is a deep user of the stack and of alignment
    snprintf(text, sizeof(text), "%.3f %Lg", 1.5, 2.5L);
    CHECK(strcmp(text, "1.500 2.5") == 0);
}

static void a_stack_is_aligned(void **state)
{
    (void)state;
    run_both(format_main);
}

/* ---- timers ---- */

struct note_timer {
    struct sk_timer timer;
    char c;
    int again;
};

static void on_note_timer(struct sk_timer *timer)
{
    struct note_timer *self = SK_CONTAINER(timer, struct note_timer, timer);

    CHECK(!sk_timer_running(timer) && !sk_fiber_current());
    note(self->c);
    if (self->again-- > 0)
        sk_timer_start(timer, sk_now_mono_ms()); // due at once, but in a later turn
}

static void timer_main(void *arg)
{
    (void)arg;
    int64_t now = sk_now_mono_ms();
    struct note_timer timers[5];

    for (int i = 0; i < 5; i++) {
        timers[i] = (struct note_timer){.c = (char)('a' + i)};
        sk_timer_init(&timers[i].timer, on_note_timer);
    }
    sk_timer_stop(&timers[0].timer); // not running: no effect
    sk_timer_start(&timers[0].timer, now + 20);
    sk_timer_start(&timers[1].timer, now + 10);
    sk_timer_start(&timers[2].timer, now + 10);
    sk_timer_start(&timers[3].timer, now + 5);
    sk_timer_start(&timers[3].timer, now + 30); // re-armed
    sk_timer_start(&timers[4].timer, now - 5);
    sk_timer_stop(&timers[4].timer);
    timers[1].again = 2;
    while (trace_length < 6)
        sk_fiber_sleep(30);
    if (sk_rt_simulated())
        CHECK(strcmp(trace, "bcbbad") == 0);
    // On a machine that stands still for a while the second and third b may come after a and d.
    CHECK(strncmp(trace, "bc", 2) == 0 && strchr(trace, 'a') < strchr(trace, 'd'));
}

static void timers_run_in_order_of_due_time(void **state)
{
    (void)state;
    run_both(timer_main);
}

static void short_sleeps(void *arg)
{
    for (int i = 0; i < 100; i++)
        sk_fiber_sleep(i % 3);
    finished++;
    (void)arg;
}

static void short_sleeps_main(void *arg)
{
    (void)arg;
    finished = 0;
    for (int i = 0; i < 8; i++)
        sk_fiber_spawn(short_sleeps, NULL);
    for (int i = 0; i < 100; i++) {
        int64_t until = sk_now_mono_us() + i * 20;
        while (sk_now_mono_us() < until) {
            // so that timers become due at every moment of a turn
        }
        sk_fiber_sleep(1);
    }
    while (finished < 8)
        sk_fiber_sleep(1);
}

static void an_alarm_is_never_missed(void **state)
{
    (void)state;
    run_on_loops(1, short_sleeps_main, NULL); // a missed one would hang here
}

static void clock_main(void *arg)
{
    (void)arg;
    int64_t ns = sk_now_wall_ns(), us = sk_now_mono_us();

    for (int i = 0; i < 1000; i++) {
        int64_t next = sk_now_wall_ns();
        CHECK(next > ns);
        ns = next;
    }
    CHECK(sk_now_wall_ms() > 1600000000000);
    CHECK(sk_now_mono_us() >= us && sk_now_mono_us() / 1000 >= sk_now_mono_ms());
    CHECK(sk_random_u64(sk_rt_random()) != sk_random_u64(sk_rt_random()));
    CHECK(sk_rt_loop_index() == 0 && sk_rt_loop_count(sk_rt_current()) == 1);
}

static void clocks(void **state)
{
    (void)state;
    assert_int_equal(sk_rt_loop_index(), -1);
    assert_null(sk_rt_current());
    assert_null(sk_fiber_current());
    assert_true(sk_now_wall_ms() > 1600000000000);
    run_both(clock_main);
}

/* Deeper than a fiber's stack. */
static int recurse(int depth)
{
    volatile char page[4096];
    page[0] = (char)depth;
    return depth == 0 ? page[0] : recurse(depth - 1) + 1;
}

static void outside_fn(void *arg)
{
    int *sum = arg;
    CHECK(!sk_fiber_current());
    *sum += recurse(200) + 1;
}

static void outside_main(void *arg)
{
    int sum = 0;
    (void)arg;
    struct sk_fiber *me = sk_fiber_current();
    sk_fiber_outside(outside_fn, &sum);
    CHECK(sk_fiber_current() == me && sum == 201);
    sk_fiber_outside(outside_fn, &sum);
    sk_fiber_yield();
    CHECK(sk_fiber_current() == me && sum == 402);
}

static void a_fiber_borrows_its_loops_stack(void **state)
{
    (void)state;
    run_both(outside_main);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_runs_in_order),
        cmocka_unit_test(wakes_before_a_suspend_count),
        cmocka_unit_test(sleeping_swallows_no_wake),
        cmocka_unit_test(many_fibers_recycle_stacks),
        cmocka_unit_test(a_stack_is_aligned),
        cmocka_unit_test(timers_run_in_order_of_due_time),
        cmocka_unit_test(an_alarm_is_never_missed),
        cmocka_unit_test(clocks),
        cmocka_unit_test(a_fiber_borrows_its_loops_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
