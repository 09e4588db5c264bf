/*
 * What the runtime and the modules of base cost by themselves, in nanoseconds an operation, on one
 * loop and between two. Run by hand:
 *
 *   ninja -C build bench/rt-bench && build/bench/rt-bench
 *
 * Wall time on a machine that does nothing else; the least of three runs.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/map.h"
#include "base/metric.h"
#include "rt/rt.h"
#include "rt/stream.h"

enum { MANY = 1000000, CROSS = 20000, RUNS = 3 };

static int done; // of loop 0

static void finish(void *arg)
{
    (void)arg;
    done++;
}

static void await(int count)
{
    while (done < count)
        sk_fiber_yield();
}

/* ---- one loop ---- */

static int fiber_spawn(void)
{
    for (int i = 0; i < MANY; i += 100) {
        for (int k = 0; k < 100; k++)
            sk_fiber_spawn(finish, NULL);
        await(i + 100);
    }
    return MANY;
}

static void yield_often(void *arg)
{
    for (int i = 0; i < MANY / 2; i++)
        sk_fiber_yield();
    finish(arg);
}

static int fiber_yield(void)
{
    sk_fiber_spawn(yield_often, NULL);
    yield_often(NULL);
    await(2);
    return MANY;
}

static int post_to_itself(void)
{
    for (int i = 0; i < MANY; i += 100) {
        for (int k = 0; k < 100; k++)
            sk_rt_post(sk_rt_current(), 0, finish, NULL);
        await(i + 100);
    }
    return MANY;
}

static int timer_start(void)
{
    static struct sk_timer timers[1000];
    int64_t now = sk_now_mono_ms();

    for (unsigned i = 0; i < MANY; i++)
        sk_timer_start(&timers[i % 1000], now + 100000 + i * 7919 % 5000);
    for (int i = 0; i < 1000; i++)
        sk_timer_stop(&timers[i]);
    return MANY;
}

/* ---- base ---- */

static int arena_of_ten(void)
{
    for (int i = 0; i < MANY; i++) {
        struct sk_arena *arena = sk_arena_new(0);
        for (int k = 0; k < 10; k++)
            sk_arena_alloc(arena, 64);
        sk_arena_free(arena);
    }
    return MANY;
}

static int map_put_and_get(void)
{
    struct sk_map *map = sk_map_new();

    for (int i = 0; i < MANY; i++) {
        int key = i % 100000;
        struct sk_str bytes = {(const char *)&key, sizeof(key)};
        sk_map_put(map, bytes, map);
        SK_ASSERT(sk_map_get(map, bytes));
    }
    sk_map_free(map);
    return MANY;
}

static int metric_add(void)
{
    for (int i = 0; i < MANY; i++)
        sk_metric_add(sk_metric_series(SK_METRIC_PERSISTENCE_REQUESTS, "commit"), 1);
    return MANY;
}

/* ---- between threads ---- */

static void nothing(void *arg)
{
    (void)arg;
}

static void call_often(void *arg)
{
    for (int i = 0; i < CROSS; i++)
        sk_rt_call(1, nothing, NULL);
    finish(arg);
}

static int call_of_one_fiber(void)
{
    call_often(NULL);
    return CROSS;
}

static int call_of_50_fibers(void)
{
    for (int i = 0; i < 50; i++)
        sk_fiber_spawn(call_often, NULL);
    while (done < 50)
        sk_fiber_sleep(1);
    return 50 * CROSS;
}

struct waited_job {
    struct sk_job job;
    struct sk_fiber *fiber;
    atomic_bool done;
};

static struct sk_worker *worker;

static void run_jobs(void *owner, struct sk_job **jobs, int count)
{
    (void)owner;
    for (int i = 0; i < count; i++) {
        struct waited_job *job = SK_CONTAINER(jobs[i], struct waited_job, job);
        struct sk_fiber *fiber = job->fiber;
        atomic_store(&job->done, true);
        sk_fiber_wake_from_anywhere(fiber);
    }
}

static void submit_often(void *arg)
{
    for (int i = 0; i < CROSS; i++) {
        struct waited_job job = {.fiber = sk_fiber_current()};
        sk_worker_submit(worker, &job.job);
        while (!atomic_load(&job.done))
            sk_fiber_suspend();
    }
    finish(arg);
}

static int job_of_50_fibers(void)
{
    worker = sk_worker_new(sk_rt_current(), "bench", run_jobs, NULL, 64);
    for (int i = 0; i < 50; i++)
        sk_fiber_spawn(submit_often, NULL);
    while (done < 50)
        sk_fiber_sleep(1);
    sk_worker_free(worker);
    return 50 * CROSS;
}

/* ---- sockets: a round trip over loopback ---- */

struct pinger {
    struct sk_stream *stream;
    int left;
};

static void echo_on_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    if (err != SK_OK)
        sk_stream_close(owner);
    else
        sk_stream_write(owner, &(struct sk_str){bytes, n}, 1);
}

static void on_close(void *owner)
{
    (void)owner;
}

static void on_accept(void *owner, struct sk_stream *stream)
{
    static const struct sk_stream_events events = {.on_read = echo_on_read, .on_close = on_close};

    (void)owner;
    sk_stream_open(stream, &events, stream);
    sk_stream_read_start(stream);
}

static void ping_on_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct pinger *pinger = owner;

    SK_ASSERT(err == SK_OK);
    if (--pinger->left > 0)
        sk_stream_write(pinger->stream, &(struct sk_str){bytes, n}, 1);
    else
        finish(NULL);
}

static int echo_on_20_connections(void)
{
    static const struct sk_stream_events events = {.on_read = ping_on_read, .on_close = on_close};
    struct pinger pingers[20];
    struct sk_listener *listener;
    int error = 0;

    SK_ASSERT(sk_listen("127.0.0.1", 0, on_accept, NULL, &listener, &error) == SK_OK);
    for (int i = 0; i < 20; i++) {
        int port = sk_listener_port(listener);
        pingers[i].left = CROSS / 10;
        SK_ASSERT(sk_connect("127.0.0.1", port, &pingers[i].stream, &error) == SK_OK);
        sk_stream_open(pingers[i].stream, &events, &pingers[i]);
        sk_stream_read_start(pingers[i].stream);
        sk_stream_write(pingers[i].stream, &SK_STR("0123456789"), 1);
    }
    while (done < 20)
        sk_fiber_sleep(1);
    for (int i = 0; i < 20; i++)
        sk_stream_close(pingers[i].stream);
    sk_fiber_sleep(1); // the callbacks of the last streams
    sk_listener_close(listener);
    return 20 * (CROSS / 10);
}

#define BENCH(fn) \
    {             \
#fn, fn   \
    }

static const struct {
    const char *name;
    int (*fn)(void); // operations done
} benches[] = {
    BENCH(fiber_spawn),
    BENCH(fiber_yield),
    BENCH(post_to_itself),
    BENCH(timer_start),
    BENCH(arena_of_ten),
    BENCH(map_put_and_get),
    BENCH(metric_add),
    BENCH(call_of_one_fiber),
    BENCH(call_of_50_fibers),
    BENCH(job_of_50_fibers),
    BENCH(echo_on_20_connections),
};

static void bench_main(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
        double best = 0;
        for (int run = 0; run < RUNS; run++) {
            done = 0;
            int64_t begin = sk_now_mono_us();
            int count = benches[i].fn();
            double ns = (double)(sk_now_mono_us() - begin) * 1000 / count;
            best = run == 0 || ns < best ? ns : best;
        }
        printf("%-24s %9.1f ns\n", benches[i].name, best);
    }
    sk_rt_stop(sk_rt_current());
}

int main(void)
{
    struct sk_rt *rt = sk_rt_new(&(struct sk_rt_options){.loop_count = 2});

    sk_rt_run(rt, bench_main, NULL);
    sk_rt_free(rt);
    return 0;
}
