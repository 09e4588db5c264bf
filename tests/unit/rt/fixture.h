/* Runs one function as the main fiber of a runtime, then stops it. Checks inside fibers and on
 * other threads abort the program (CHECK), since cmocka's own would jump off the stack. */
#ifndef SK_TEST_RT_FIXTURE_H
#define SK_TEST_RT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "rt/rt.h"

#define CHECK(cond) SK_ASSERT(cond)

struct main_fiber {
    struct sk_rt *rt;
    void (*fn)(void *);
    void *arg;
};

static inline void run_main_fiber(void *arg)
{
    struct main_fiber *main_fiber = arg;

    main_fiber->fn(main_fiber->arg);
    sk_rt_stop(main_fiber->rt);
}

static inline void run_on_loops(int loop_count, void (*fn)(void *), void *arg)
{
    struct sk_rt_options options = {.loop_count = loop_count};
    struct sk_rt *rt = sk_rt_new(&options);
    struct main_fiber main_fiber = {rt, fn, arg};

    sk_rt_run(rt, run_main_fiber, &main_fiber);
    sk_rt_free(rt);
}

static inline void run_simulated(int loop_count, uint64_t seed, void (*fn)(void *), void *arg)
{
    struct sk_rt_options options = {
        .loop_count = loop_count,
        .simulated = true,
        .seed = seed,
        .start_wall_ms = 1700000000000,
    };
    struct sk_rt *rt = sk_rt_new(&options);

    sk_rt_run(rt, fn, arg);
    sk_rt_free(rt);
}

#endif
