/*
 * Fibers: functions with a stack of their own that wait without blocking their loop's thread.
 *
 *            spawn                    resume                 fn returns
 *   IDLE ------------> READY -----------------> RUNNING ------------------> IDLE
 *                        ^                       |    |
 *                        |  wake      suspend    |    |  park
 *                        +----------- SUSPENDED <+    +> PARKED ---- unpark --> READY
 *
 * A loop switches from its thread's stack to a fiber and back, never from fiber to fiber, so that
 * all scheduling happens in one place. A fiber lives on one loop for ever.
 *
 * INV-1: a fiber is in the loop's queue exactly when it is READY.
 * INV-2: a wake that finds the fiber not SUSPENDED is kept (wake_pending) and ends the next
 *        suspend at once; so a fiber that checks its condition in a loop misses nothing.
 * INV-3: PARKED is for waits of rt itself (sleep, mutex, waitq, call); only what was waited for
 *        ends it, and a wake of the first kind does not.
 *
 * Stacks are pooled: a fiber whose function returned waits on its own stack for the next one, so
 * spawning is two switches and a few stores. Past a bound of idle stacks they are unmapped, but a
 * struct sk_fiber is only freed with the loop: a late wake finds a fiber that ignores it, not
 * freed memory.
 */
#include "rt/rt_internal.h"

#include "base/assert.h"
#include "base/buf.h"

enum { IDLE_STACKS_MAX = 128 }; // of a loop; touched stacks cost 4 to 64 KB each

static struct sk_fiber *fiber_of_ready(struct sk_item *item)
{
    return SK_CONTAINER(item, struct sk_fiber, ready);
}

static void switch_out(struct sk_fiber *fiber)
{
    sk_context_switch(&fiber->context, &fiber->loop->context);
}

/* All a fiber ever does: run what it was made for, end, be made for something else. */
static void fiber_main(void *arg)
{
    struct sk_fiber *fiber = arg;

    for (;;) {
        fiber->fn(fiber->arg);
        fiber->ended = true;
        switch_out(fiber);
    }
}

static void on_remote_wake(struct sk_item *item);

static struct sk_fiber *fiber_new(struct sk_loop *loop)
{
    struct sk_fiber *fiber = sk_mem_zalloc(sizeof(*fiber));

    fiber->loop = loop;
    fiber->ready.run = sk_fiber_resume;
    fiber->remote.run = on_remote_wake;
    sk_list_push_back(&loop->fibers, &fiber->all);
    return fiber;
}

struct sk_fiber *sk_fiber_make(struct sk_loop *loop, void (*fn)(void *), void *arg)
{
    struct sk_fiber *fiber = loop->idle;

    if (fiber) {
        loop->idle = fiber->next_idle;
        loop->idle_count--;
    } else {
        fiber = loop->bare;
        if (fiber)
            loop->bare = fiber->next_idle;
        else
            fiber = fiber_new(loop);
        sk_context_init(&fiber->context, fiber_main, fiber);
    }
    fiber->fn = fn;
    fiber->arg = arg;
    fiber->wake_pending = false;
    fiber->ended = false;
    fiber->state = SK_FIBER_READY;
    return fiber;
}

/* The fiber's function has returned, and nothing about it is on its way any more. */
static void fiber_retire(struct sk_fiber *fiber)
{
    struct sk_loop *loop = fiber->loop;

    fiber->state = SK_FIBER_IDLE;
    if (loop->idle_count < IDLE_STACKS_MAX) {
        fiber->next_idle = loop->idle;
        loop->idle = fiber;
        loop->idle_count++;
        return;
    }
    sk_context_fini(&fiber->context);
    fiber->next_idle = loop->bare;
    loop->bare = fiber;
}

void sk_fibers_fini(struct sk_loop *loop)
{
    struct sk_list *node;

    while ((node = sk_list_pop_front(&loop->fibers))) {
        struct sk_fiber *fiber = SK_CONTAINER(node, struct sk_fiber, all);
        sk_context_fini(&fiber->context);
        sk_mem_free(fiber);
    }
}

void sk_fiber_resume(struct sk_item *ready)
{
    struct sk_fiber *fiber = fiber_of_ready(ready);
    struct sk_loop *loop = fiber->loop;

    SK_ASSERT(fiber->state == SK_FIBER_READY && !loop->current);
    fiber->state = SK_FIBER_RUNNING;
    loop->current = fiber;
    loop->running = (uintptr_t)fiber->fn;
    sk_context_switch(&loop->context, &fiber->context);
    while (loop->outside) { // it stopped to have this run here
        void (*fn)(void *) = loop->outside;
        loop->outside = NULL;
        loop->current = NULL;
        fn(fiber->outside_arg);
        loop->current = fiber;
        sk_context_switch(&loop->context, &fiber->context);
    }
    loop->current = NULL;
    // One with a wake still in the mailbox is retired when that arrives.
    if (fiber->ended && !atomic_load_explicit(&fiber->remote_sent, memory_order_acquire))
        fiber_retire(fiber);
}

void sk_fiber_spawn(void (*fn)(void *), void *arg)
{
    struct sk_loop *loop = sk_loop_here;

    SK_ASSERT(loop);
    sk_loop_push(loop, &sk_fiber_make(loop, fn, arg)->ready);
}

struct sk_fiber *sk_fiber_current(void)
{
    return sk_loop_here ? sk_loop_here->current : NULL;
}

static struct sk_fiber *current_checked(void)
{
    struct sk_fiber *fiber = sk_fiber_current();
    if (!fiber)
        SK_PANIC("a plain callback cannot wait; only a fiber can");
    return fiber;
}

static void make_ready(struct sk_fiber *fiber)
{
    fiber->state = SK_FIBER_READY;
    sk_loop_push(fiber->loop, &fiber->ready);
}

void sk_fiber_suspend(void)
{
    struct sk_fiber *fiber = current_checked();

    if (!fiber->wake_pending) {
        fiber->state = SK_FIBER_SUSPENDED;
        switch_out(fiber);
        return;
    }
    fiber->wake_pending = false;
}

void sk_fiber_wake(struct sk_fiber *fiber)
{
    SK_ASSERT(fiber->loop == sk_loop_here);
    if (fiber->state == SK_FIBER_SUSPENDED)
        make_ready(fiber);
    else
        fiber->wake_pending = true;
}

static void on_remote_wake(struct sk_item *item)
{
    struct sk_fiber *fiber = SK_CONTAINER(item, struct sk_fiber, remote);

    // An exchange and no store: a sender that found it set must have its writes seen, too.
    atomic_exchange_explicit(&fiber->remote_sent, false, memory_order_acq_rel);
    if (fiber->ended && fiber->state != SK_FIBER_IDLE)
        fiber_retire(fiber);
    else
        sk_fiber_wake(fiber);
}

void sk_fiber_wake_from_anywhere(struct sk_fiber *fiber)
{
    if (fiber->loop == sk_loop_here)
        sk_fiber_wake(fiber);
    else if (!atomic_exchange_explicit(&fiber->remote_sent, true, memory_order_acq_rel))
        sk_loop_send(fiber->loop, &fiber->remote);
}

void sk_fiber_park(void)
{
    struct sk_fiber *fiber = current_checked();

    fiber->state = SK_FIBER_PARKED;
    switch_out(fiber);
}

void sk_fiber_unpark(struct sk_fiber *fiber)
{
    SK_ASSERT(fiber->loop == sk_loop_here && fiber->state == SK_FIBER_PARKED);
    make_ready(fiber);
}

void sk_fiber_yield(void)
{
    struct sk_fiber *fiber = current_checked();

    make_ready(fiber);
    switch_out(fiber);
}

void sk_fiber_outside(void (*fn)(void *), void *arg)
{
    struct sk_fiber *fiber = sk_fiber_current();

    if (!fiber) {
        fn(arg);
        return;
    }
    fiber->outside_arg = arg;
    fiber->loop->outside = fn;
    switch_out(fiber);
}

struct sleeper {
    struct sk_timer timer;
    struct sk_fiber *fiber;
};

static void on_slept(struct sk_timer *timer)
{
    sk_fiber_unpark(SK_CONTAINER(timer, struct sleeper, timer)->fiber);
}

void sk_fiber_sleep(int64_t ms)
{
    struct sleeper sleeper = {.fiber = current_checked()};

    sk_timer_init(&sleeper.timer, on_slept);
    sk_timer_start(&sleeper.timer, sk_now_mono_ms() + (ms > 0 ? ms : 0));
    sk_fiber_park();
}
