/*
 * Time: timers and the clocks of a loop.
 *
 * A loop reads the clocks once at the beginning of a turn, so that all that happens in one turn
 * happens at one instant; sk_now_mono_us alone reads afresh, for measuring. In a simulated runtime
 * the turn's reading is the virtual clock, and there is no other. Off the loops (a worker's
 * thread) the clocks are read directly.
 *
 * Timers are a heap by due time, in milliseconds; equal ones run in the order they were started.
 */
#include "rt/rt_internal.h"

#include <time.h>

#include "base/assert.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* ---- clocks ---- */

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void sk_loop_read_clocks(struct sk_loop *loop)
{
    const struct sk_rt *rt = loop->rt;

    if (rt->simulated) {
        loop->mono_ns = rt->sim_mono_ns;
        loop->wall_ns = rt->sim_mono_ns + rt->sim_wall_offset_ns;
        return;
    }
    loop->mono_ns = clock_ns(CLOCK_MONOTONIC);
    loop->wall_ns = clock_ns(CLOCK_REALTIME);
}

int64_t sk_coarse_ms(void)
{
    return clock_ns(CLOCK_MONOTONIC_COARSE) / NS_PER_MS;
}

int64_t sk_now_mono_ms(void)
{
    return (sk_loop_here ? sk_loop_here->mono_ns : clock_ns(CLOCK_MONOTONIC)) / NS_PER_MS;
}

int64_t sk_now_mono_us(void)
{
    struct sk_loop *loop = sk_loop_here;
    return (loop && loop->rt->simulated ? loop->mono_ns : clock_ns(CLOCK_MONOTONIC)) / 1000;
}

int64_t sk_now_wall_ms(void)
{
    return (sk_loop_here ? sk_loop_here->wall_ns : clock_ns(CLOCK_REALTIME)) / NS_PER_MS;
}

int64_t sk_now_wall_ns(void)
{
    struct sk_loop *loop = sk_loop_here;

    if (!loop)
        return clock_ns(CLOCK_REALTIME);
    if (loop->wall_ns > loop->last_wall_ns)
        loop->last_wall_ns = loop->wall_ns;
    else
        loop->last_wall_ns++;
    return loop->last_wall_ns;
}

struct sk_random *sk_rt_random(void)
{
    SK_ASSERT(sk_loop_here);
    return sk_loop_here->random;
}

/* ---- timers ---- */

void sk_timer_init(struct sk_timer *timer, void (*fn)(struct sk_timer *))
{
    *timer = (struct sk_timer){.fn = fn};
}

void sk_timer_start(struct sk_timer *timer, int64_t due_mono_ms)
{
    SK_ASSERT(sk_loop_here);
    sk_heap_remove(&sk_loop_here->timers, &timer->node);
    sk_heap_push(&sk_loop_here->timers, &timer->node, due_mono_ms);
}

void sk_timer_stop(struct sk_timer *timer)
{
    if (!sk_timer_running(timer))
        return;
    SK_ASSERT(sk_loop_here);
    sk_heap_remove(&sk_loop_here->timers, &timer->node);
}

bool sk_timer_running(const struct sk_timer *timer)
{
    return timer->node.index != 0;
}

int64_t sk_loop_next_due(const struct sk_loop *loop)
{
    const struct sk_heap_node *first = sk_heap_peek(&loop->timers);
    return first ? first->key : INT64_MAX;
}

void sk_loop_run_timers(struct sk_loop *loop)
{
    uint64_t end = loop->timers.next_order; // what is started meanwhile has its turn next time
    struct sk_heap_node *node;

    while ((node = sk_heap_peek(&loop->timers)) && node->key <= loop->mono_ns / NS_PER_MS &&
           node->order < end) {
        struct sk_timer *timer = SK_CONTAINER(node, struct sk_timer, node);
        sk_heap_pop(&loop->timers);
        loop->running = (uintptr_t)timer->fn;
        timer->fn(timer);
    }
}
