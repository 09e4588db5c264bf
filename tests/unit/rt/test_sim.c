/* The simulated runtime: one seed is one trace, seeds differ, the clock jumps, runs end. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static struct sk_buf trace;

static void note(const char *what, int64_t number)
{
    sk_buf_printf(&trace, "%d:%lld:%s:%lld:%u\n", sk_rt_loop_index(), (long long)sk_now_mono_us(),
                  what, (long long)number, (unsigned)sk_random_below(sk_rt_random(), 1000));
}

static void on_job(void *owner, struct sk_job **jobs, int count)
{
    (void)owner;
    (void)jobs;
    note("batch", count);
}

static void remote_part(void *arg)
{
    note("called", *(int *)arg);
    sk_fiber_sleep((int64_t)sk_random_below(sk_rt_random(), 20));
    note("returns", *(int *)arg);
}

static void posted_part(void *arg)
{
    note("posted", (int64_t)(intptr_t)arg);
}

static void one_client(void *arg)
{
    struct sk_worker *worker = arg;
    struct sk_job jobs[20];

    for (int i = 0; i < 20; i++) {
        int loop = (int)sk_random_below(sk_rt_random(), 3);
        sk_rt_post(sk_rt_current(), (loop + 1) % 3, posted_part, (void *)(intptr_t)i);
        sk_rt_call(loop, remote_part, &i);
        sk_worker_submit(worker, &jobs[i]);
        note("step", i);
    }
    sk_fiber_sleep(10); // the jobs are on this stack
}

static void spawn_client(void *arg)
{
    sk_fiber_spawn(one_client, arg);
}

static void sim_main(void *arg)
{
    struct sk_worker **worker = arg;

    *worker = sk_worker_new(sk_rt_current(), "sim", on_job, NULL, 4);
    for (int i = 0; i < 3; i++)
        sk_rt_call(i, spawn_client, *worker);
}

/* The trace of a seed; the caller's. */
static struct sk_buf trace_of(uint64_t seed)
{
    struct sk_worker *worker = NULL;

    trace = SK_BUF_INIT;
    run_simulated(3, seed, sim_main, &worker); // ends by itself
    sk_worker_free(worker);
    return trace;
}

static void one_seed_is_one_trace(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct sk_buf first = trace_of(seed), second = trace_of(seed), other = trace_of(seed + 100);
        assert_true(first.n > 1000);
        assert_int_equal(first.n, second.n);
        assert_memory_equal(first.p, second.p, first.n);
        assert_true(other.n != first.n || memcmp(other.p, first.p, first.n) != 0);
        sk_buf_fini(&first);
        sk_buf_fini(&second);
        sk_buf_fini(&other);
    }
}

static void year_main(void *arg)
{
    int64_t mono = sk_now_mono_ms(), wall = sk_now_wall_ms();
    int64_t year = INT64_C(365) * 24 * 3600 * 1000;

    CHECK(sk_rt_simulated() && wall == 1700000000000 && mono > 0);
    sk_fiber_sleep(year);
    CHECK(sk_now_mono_ms() == mono + year && sk_now_wall_ms() == wall + year);
    sk_sim_jump_wall(sk_rt_current(), -5000);
    int64_t ns = sk_now_wall_ns();
    sk_fiber_sleep(1);
    CHECK(sk_now_wall_ms() == wall + year - 4999 && sk_now_mono_ms() == mono + year + 1);
    CHECK(sk_now_wall_ns() > ns);
    *(bool *)arg = true;
}

static void a_year_passes_at_once(void **state)
{
    (void)state;
    bool done = false;
    run_simulated(2, 9, year_main, &done);
    assert_true(done);
}

static void spin_main(void *arg)
{
    int64_t deadline = sk_now_mono_ms() + 5;

    while (sk_now_mono_ms() < deadline)
        sk_fiber_yield();
    *(bool *)arg = true;
}

static void time_passes_for_one_that_never_waits(void **state)
{
    (void)state;
    bool done = false;
    run_simulated(1, 9, spin_main, &done);
    assert_true(done);
}

static void stop_main(void *arg)
{
    (void)arg;
    sk_rt_stop(sk_rt_current());
    sk_fiber_sleep(1);
    CHECK(false);
}

static void count_main(void *arg)
{
    ++*(int *)arg;
    sk_fiber_suspend(); // for ever: nothing is left to do, and the run ends
}

static void it_stops_and_runs_again(void **state)
{
    (void)state;
    struct sk_rt_options options = {.loop_count = 2, .simulated = true, .seed = 1};
    struct sk_rt *rt = sk_rt_new(&options);
    int count = 0;

    sk_rt_run(rt, count_main, &count);
    sk_rt_run(rt, count_main, &count);
    assert_int_equal(count, 2);
    sk_rt_run(rt, stop_main, NULL);
    sk_rt_free(rt);
    assert_null(sk_rt_current());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_is_one_trace),
        cmocka_unit_test(a_year_passes_at_once),
        cmocka_unit_test(time_passes_for_one_that_never_waits),
        cmocka_unit_test(it_stops_and_runs_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
