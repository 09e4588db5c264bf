/* Mutex and waitq: order, hand-over, deadlines, and the race of a wake with a deadline. */
#include "fixture.h"

#include <string.h>

static struct sk_mutex mutex;
static struct sk_waitq queue;
static int order[64], order_count, timeouts;

static void reset(void)
{
    sk_mutex_init(&mutex);
    sk_waitq_init(&queue);
    order_count = timeouts = 0;
}

static void run_both(void (*fn)(void *))
{
    reset();
    run_on_loops(1, fn, NULL);
    reset();
    run_simulated(1, 1, fn, NULL);
}

static void lock_and_note(void *arg)
{
    sk_mutex_lock(&mutex);
    CHECK(mutex.holder == sk_fiber_current());
    order[order_count++] = *(const int *)arg;
    sk_fiber_sleep(1); // the others come and wait
    sk_fiber_yield();
    sk_mutex_unlock(&mutex);
}

static void mutex_main(void *arg)
{
    static const int ids[20] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
                                10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

    (void)arg;
    sk_mutex_lock(&mutex);
    for (int i = 0; i < 20; i++)
        sk_fiber_spawn(lock_and_note, (void *)(uintptr_t)&ids[i]);
    CHECK(sk_list_empty(&mutex.waiters));
    sk_fiber_yield();
    CHECK(!sk_list_empty(&mutex.waiters));
    sk_mutex_unlock(&mutex);
    CHECK(mutex.holder && mutex.holder != sk_fiber_current()); // handed over at once
    sk_mutex_lock(&mutex);                                     // so this one comes last
    CHECK(order_count == 20 && sk_list_empty(&mutex.waiters));
    for (int i = 0; i < 20; i++)
        CHECK(order[i] == i);
    sk_mutex_unlock(&mutex);
    CHECK(!mutex.holder);
}

static void a_mutex_is_taken_in_order(void **state)
{
    (void)state;
    run_both(mutex_main);
}

static void wait_for_ever(void *arg)
{
    CHECK(sk_waitq_wait(&queue, 0));
    order[order_count++] = *(const int *)arg;
}

static void wait_10_ms(void *arg)
{
    if (!sk_waitq_wait(&queue, sk_now_mono_ms() + 10))
        timeouts++;
    order[order_count++] = *(const int *)arg;
}

static void waitq_main(void *arg)
{
    static const int ids[3] = {0, 1, 2};

    (void)arg;
    sk_waitq_wake_one(&queue); // nobody: not kept
    for (int i = 0; i < 3; i++)
        sk_fiber_spawn(i == 1 ? wait_10_ms : wait_for_ever, (void *)(uintptr_t)&ids[i]);
    sk_fiber_yield();
    sk_waitq_wake_one(&queue);
    sk_fiber_yield();
    if (sk_rt_simulated()) // a machine may stand still for 10 ms
        CHECK(order_count == 1 && order[0] == 0);
    sk_fiber_sleep(30);
    CHECK(order_count == 2 && order[0] + order[1] == 1 && timeouts == 1);
    sk_waitq_wake_all(&queue);
    sk_fiber_yield();
    CHECK(order_count == 3 && order[2] == 2 && sk_list_empty(&queue.waiters));
    CHECK(!sk_waitq_wait(&queue, sk_now_mono_ms())); // passed already
    CHECK(!sk_waitq_wait(&queue, 1));
}

static void a_waitq_wakes_in_order_and_times_out(void **state)
{
    (void)state;
    run_both(waitq_main);
}

static void race_main(void *arg)
{
    static const int ids[10] = {0};

    (void)arg;
    for (int round = 0; round < 50; round++) {
        order_count = timeouts = 0;
        for (int i = 0; i < 10; i++)
            sk_fiber_spawn(wait_10_ms, (void *)(uintptr_t)&ids[i]);
        sk_fiber_sleep(10); // ends in the very turn of the deadlines
        sk_waitq_wake_all(&queue);
        while (order_count < 10)
            sk_fiber_yield();
        CHECK(sk_list_empty(&queue.waiters));
    }
}

static void a_wake_and_a_deadline_in_one_turn(void **state)
{
    (void)state;
    run_both(race_main);
}

static void wake_waiter(void *arg)
{
    sk_fiber_wake(arg);
}

static void stray_main(void *arg)
{
    (void)arg;
    int64_t before = sk_now_mono_ms();

    sk_rt_post(sk_rt_current(), 0, wake_waiter, sk_fiber_current());
    CHECK(!sk_waitq_wait(&queue, before + 10));
    CHECK(sk_now_mono_ms() >= before + 10);
    sk_fiber_suspend(); // the wake was kept for this
}

static void a_stray_wake_does_not_end_a_wait(void **state)
{
    (void)state;
    run_both(stray_main);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutex_is_taken_in_order),
        cmocka_unit_test(a_waitq_wakes_in_order_and_times_out),
        cmocka_unit_test(a_wake_and_a_deadline_in_one_turn),
        cmocka_unit_test(a_stray_wake_does_not_end_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
