/*
 * Mutex and waitq: fibers of one loop waiting for each other, in the order they came. Since a
 * loop runs one thing at a time nothing here needs an atomic; what can happen between two lines is
 * known: something else runs only while a fiber is parked.
 *
 * A waiter lives on the stack of the fiber that waits. INV-1: it is in the list exactly until it
 * is chosen (unlock, wake) or its time is up, whichever comes first, and the fiber is unparked
 * exactly once. Unlocking hands the mutex over: nobody who comes later gets it first.
 */
#include "rt/rt.h"

#include "base/assert.h"
#include "rt/rt_internal.h"

struct waiter {
    struct sk_list node;
    struct sk_fiber *fiber;
    struct sk_timer timer; // waitq with a deadline
    bool timed_out;
};

static struct sk_fiber *release_first(struct sk_list *waiters)
{
    struct sk_list *node = sk_list_pop_front(waiters);
    if (!node)
        return NULL;
    struct waiter *waiter = SK_CONTAINER(node, struct waiter, node);
    sk_timer_stop(&waiter->timer);
    sk_fiber_unpark(waiter->fiber);
    return waiter->fiber;
}

/* ---- mutex ---- */

void sk_mutex_init(struct sk_mutex *mutex)
{
    mutex->holder = NULL;
    sk_list_init(&mutex->waiters);
}

void sk_mutex_lock(struct sk_mutex *mutex)
{
    struct waiter waiter = {.fiber = sk_fiber_current()};

    SK_ASSERT(waiter.fiber && mutex->holder != waiter.fiber);
    if (!mutex->holder) {
        mutex->holder = waiter.fiber;
        return;
    }
    sk_list_push_back(&mutex->waiters, &waiter.node);
    sk_fiber_park(); // whoever unlocks makes this fiber the holder
}

void sk_mutex_unlock(struct sk_mutex *mutex)
{
    SK_ASSERT(mutex->holder);
    mutex->holder = release_first(&mutex->waiters);
}

/* ---- waitq ---- */

void sk_waitq_init(struct sk_waitq *queue)
{
    sk_list_init(&queue->waiters);
}

static void on_timeout(struct sk_timer *timer)
{
    struct waiter *waiter = SK_CONTAINER(timer, struct waiter, timer);

    sk_list_remove(&waiter->node);
    waiter->timed_out = true;
    sk_fiber_unpark(waiter->fiber);
}

bool sk_waitq_wait(struct sk_waitq *queue, int64_t deadline_mono_ms)
{
    struct waiter waiter = {.fiber = sk_fiber_current()};

    SK_ASSERT(waiter.fiber);
    if (deadline_mono_ms != 0 && deadline_mono_ms <= sk_now_mono_ms())
        return false;
    sk_timer_init(&waiter.timer, on_timeout);
    if (deadline_mono_ms != 0)
        sk_timer_start(&waiter.timer, deadline_mono_ms);
    sk_list_push_back(&queue->waiters, &waiter.node);
    sk_fiber_park();
    return !waiter.timed_out;
}

void sk_waitq_wake_one(struct sk_waitq *queue)
{
    release_first(&queue->waiters);
}

void sk_waitq_wake_all(struct sk_waitq *queue)
{
    // Those that are woken run later, so none of them can be back in the list already.
    while (release_first(&queue->waiters)) {
    }
}
