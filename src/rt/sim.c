/*
 * The simulated runtime: all loops in one thread, on a virtual clock, from a seed.
 *
 * A step: of the loops that have something to do (an item, a mailbox, a due timer) one is drawn by
 * the seed and does one thing: all due timers, or one item. Order within a loop is as on a real
 * one; order between loops is what the seed makes it. When no loop has anything to do, the clock
 * jumps to the first timer of all; without one the run is over.
 *
 * Each step also takes one virtual microsecond, so that work which never waits (a fiber that
 * yields until a deadline) sees time pass.
 *
 * Nothing here or above may depend on addresses, real time or hash seeds (base/map.h keeps
 * insertion order for that reason); then one seed is one trace.
 */
#include "base/assert.h"
#include "rt/rt_internal.h"

#define NS_PER_MS INT64_C(1000000)
enum { STEP_NS = 1000 };

static bool timer_due(const struct sk_rt *rt, const struct sk_loop *loop)
{
    return sk_loop_next_due(loop) <= rt->sim_mono_ns / NS_PER_MS;
}

static bool has_work(const struct sk_rt *rt, const struct sk_loop *loop)
{
    return loop->ready.first || atomic_load_explicit(&loop->mailbox, memory_order_relaxed) ||
           timer_due(rt, loop);
}

/* One of the loops with something to do; NULL when there is none. */
static struct sk_loop *draw_loop(struct sk_rt *rt)
{
    struct sk_loop *drawn = NULL;
    uint64_t count = 0;

    for (int i = 0; i < rt->loop_count; i++) {
        if (!has_work(rt, &rt->loops[i]))
            continue;
        count++;
        if (count == 1 || sk_random_below(rt->random, count) == 0)
            drawn = &rt->loops[i];
    }
    return drawn;
}

/* To the first timer of all; false without one. */
static bool jump_clock(struct sk_rt *rt)
{
    int64_t due = INT64_MAX;

    for (int i = 0; i < rt->loop_count; i++) {
        int64_t next = sk_loop_next_due(&rt->loops[i]);
        due = next < due ? next : due;
    }
    if (due == INT64_MAX)
        return false;
    rt->sim_mono_ns = due * NS_PER_MS;
    return true;
}

static void step(struct sk_rt *rt, struct sk_loop *loop)
{
    sk_loop_here = loop;
    rt->sim_mono_ns += STEP_NS;
    sk_loop_read_clocks(loop);
    sk_loop_collect(loop);
    if (timer_due(rt, loop))
        sk_loop_run_timers(loop);
    else
        sk_loop_run_item(loop);
}

void sk_sim_run(struct sk_rt *rt)
{
    struct sk_loop *before = sk_loop_here;

    SK_ASSERT(before && before->rt == rt); // on the thread that made it, and not from a fiber
    for (int i = 0; i < rt->loop_count; i++)
        sk_context_init_thread(&rt->loops[i].context);
    while (!atomic_load_explicit(&rt->stop, memory_order_relaxed)) {
        struct sk_loop *loop = draw_loop(rt);
        if (loop)
            step(rt, loop);
        else if (!jump_clock(rt))
            break;
    }
    sk_loop_here = before;
}

void sk_sim_jump_wall(struct sk_rt *rt, int64_t delta_ms)
{
    SK_ASSERT(rt->simulated);
    rt->sim_wall_offset_ns += delta_ms * NS_PER_MS;
}
