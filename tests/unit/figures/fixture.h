/* Bodies run in a fiber on loop 0 of two, on virtual time; cmocka's asserts would jump off its
 * stack: CHECK aborts instead. */
#ifndef TEST_FIGURES_FIXTURE_H
#define TEST_FIGURES_FIXTURE_H

#include "base/assert.h"
#include "base/ctx.h"
#include "rt/rt.h"

#define CHECK(cond) ((cond) ? (void)0 : sk_panic(__FILE__, __LINE__, "check failed: %s", #cond))
#define START_WALL_MS 1700000013000 /* 33 s past a minute */

static struct sk_ctx ctx;

struct run {
    void (*body)(void);
    struct sk_rt *rt;
};

static void on_fiber(void *arg)
{
    struct run *run = arg;
    ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    run->body();
    sk_arena_free(ctx.arena);
    sk_rt_stop(run->rt);
}

static void run_body(void (*body)(void))
{
    struct sk_rt *rt = sk_rt_new(&(struct sk_rt_options){
        .loop_count = 2, .simulated = true, .seed = 1, .start_wall_ms = START_WALL_MS});
    struct run run = {body, rt};
    sk_rt_run(rt, on_fiber, &run);
    sk_rt_free(rt);
}

#endif
