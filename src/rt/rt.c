/*
 * The runtime as a whole: making the loops, starting their threads, stopping them.
 *
 * Loop 0 runs on the thread that calls sk_rt_run, the others on threads of their own, with all
 * signals blocked, so that signals reach loop 0. A runtime may be run again after it stopped.
 * Freeing it drops what still waits: fibers in the middle, timers, open streams; nobody is told.
 */
#include "rt/rt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "rt/rt_internal.h"

#define NS_PER_MS INT64_C(1000000)

enum { SIM_START_MS = 1000 }; // not 0, which means "no deadline"

static struct sk_random *loop_random(const struct sk_rt_options *options, int index)
{
    if (!options->simulated)
        return sk_random_new_system();
    return sk_random_new_seeded(options->seed * 1000003 + (uint64_t)index + 1);
}

struct sk_rt *sk_rt_new(const struct sk_rt_options *options)
{
    struct sk_rt *rt = sk_mem_zalloc(sizeof(*rt));

    SK_ASSERT(options->loop_count >= 1);
    rt->simulated = options->simulated;
    rt->loop_count = options->loop_count;
    rt->loops = sk_mem_zalloc((size_t)rt->loop_count * sizeof(struct sk_loop));
    if (rt->simulated) {
        rt->random = sk_random_new_seeded(options->seed);
        rt->sim_mono_ns = SIM_START_MS * NS_PER_MS;
        rt->sim_wall_offset_ns = options->start_wall_ms * NS_PER_MS - rt->sim_mono_ns;
    } else {
        signal(SIGPIPE, SIG_IGN); // a peer that went away is an error of the write
    }
    for (int i = 0; i < rt->loop_count; i++)
        sk_loop_init(&rt->loops[i], rt, i, loop_random(options, i));
    if (rt->simulated)
        sk_loop_here = &rt->loops[0]; // one thread: what comes before the run belongs to loop 0
    return rt;
}

void sk_rt_free(struct sk_rt *rt)
{
    if (!rt)
        return;
    for (int i = 0; i < rt->loop_count; i++)
        sk_loop_fini(&rt->loops[i]);
    sk_random_free(rt->random);
    sk_mem_free(rt->loops);
    sk_mem_free(rt);
}

pthread_t sk_thread_start(void *(*main_fn)(void *), void *arg)
{
    sigset_t all, before;
    pthread_t thread;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, main_fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        SK_PANIC("cannot start a thread: %s", strerror(error));
    return thread;
}

static void *loop_thread(void *arg)
{
    struct sk_loop *loop = arg;
    char name[16];

    snprintf(name, sizeof(name), "loop-%d", loop->index);
    pthread_setname_np(pthread_self(), name);
    sk_loop_run(loop);
    return NULL;
}

void sk_rt_run(struct sk_rt *rt, void (*main_fn)(void *), void *arg)
{
    struct sk_loop *first = &rt->loops[0];

    if (main_fn)
        sk_loop_push(first, &sk_fiber_make(first, main_fn, arg)->ready);
    if (rt->simulated) {
        sk_sim_run(rt);
    } else {
        for (int i = 1; i < rt->loop_count; i++)
            rt->loops[i].thread = sk_thread_start(loop_thread, &rt->loops[i]);
        sk_loop_run(first);
        for (int i = 1; i < rt->loop_count; i++)
            pthread_join(rt->loops[i].thread, NULL);
    }
    atomic_store(&rt->stop, false);
}

void sk_rt_stop(struct sk_rt *rt)
{
    atomic_store(&rt->stop, true);
    if (rt->simulated)
        return;
    for (int i = 0; i < rt->loop_count; i++)
        sk_loop_wake(&rt->loops[i]);
}

int sk_rt_loop_count(const struct sk_rt *rt)
{
    return rt->loop_count;
}

struct sk_rt *sk_rt_current(void)
{
    return sk_loop_here ? sk_loop_here->rt : NULL;
}

int sk_rt_loop_index(void)
{
    return sk_loop_here ? sk_loop_here->index : -1;
}

bool sk_rt_simulated(void)
{
    return sk_loop_here && sk_loop_here->rt->simulated;
}

uint64_t sk_rt_wakeups(const struct sk_rt *rt)
{
    return atomic_load_explicit(&rt->wakeups, memory_order_relaxed);
}

uint64_t sk_rt_stalls(const struct sk_rt *rt)
{
    uint64_t sum = 0;

    for (int i = 0; i < rt->loop_count; i++)
        sum += atomic_load_explicit(&rt->loops[i].stalls, memory_order_relaxed);
    return sum;
}
