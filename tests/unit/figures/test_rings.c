/* Figures over time: what is noted comes out at its step and its minute, rings turn, the busiest
 * stay, percentiles are near the truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figures/histogram.h"
#include "figures/rings.h"
#include "fixture.h"

static struct sk_rings *rings;
static uint64_t commits, cpu_ms;
static int64_t backlog;

static void on_server(void *owner, uint64_t *ret_commits, uint64_t *ret_cpu_ms, uint64_t *ret_bytes)
{
    *ret_commits = commits;
    *ret_cpu_ms = cpu_ms;
    *ret_bytes = 12 << 20;
}

static int64_t on_backlog(void *owner, struct sk_ctx *c, enum sk_figure_kind kind, uint32_t ns,
                          struct sk_str name)
{
    return sk_str_eq(name, SK_STR("q")) ? backlog : 0;
}

static const struct sk_rings_source source = {on_server, on_backlog, NULL};

static void start(void)
{
    commits = cpu_ms = 0;
    backlog = 0;
    rings = sk_rings_new(2);
    sk_rings_start(rings, &source);
}

static void stop(void)
{
    sk_rings_stop(rings);
    sk_rings_free(rings);
}

static struct sk_ring_points read(enum sk_figure_kind kind, const char *name, bool minutes,
                                  int64_t since_ms)
{
    struct sk_ring_points points;
    sk_rings_read(rings, &ctx, kind, 1, sk_str_of(name), minutes, since_ms, &points);
    return points;
}

static const double *series(const struct sk_ring_points *points, const char *name)
{
    for (size_t i = 0; i < points->series_count; i++)
        if (strcmp(points->series[i].name, name) == 0)
            return points->series[i].values;
    sk_panic(__FILE__, __LINE__, "no series %s", name);
}

static void note(const char *name, enum sk_figure_kind kind, int number, int64_t us)
{
    sk_rings_note(rings, kind, 1, sk_str_of(name), number, us);
}

static void on_other_loop(void *arg)
{
    note("q", SK_FIGURE_ACTIVITY_QUEUE, SK_QUEUE_ADDED, -1);
    sk_rings_note_server(rings, SK_SERVER_REQUESTS);
}

static void body_points(void)
{
    start();
    note("q", SK_FIGURE_ACTIVITY_QUEUE, SK_QUEUE_ADDED, -1);
    note("q", SK_FIGURE_ACTIVITY_QUEUE, SK_QUEUE_DISPATCHED, 5000);
    sk_rt_call(1, on_other_loop, NULL);
    sk_rings_note_server(rings, SK_SERVER_REQUESTS);
    sk_rings_note_time(rings, SK_SERVER_REQUEST_TIME, 1000);
    commits = 7;
    cpu_ms = 5000;
    backlog = 42;
    CHECK(read(SK_FIGURE_SERVER, "", false, 0).count == 0); // whole steps only
    sk_fiber_sleep(SK_RINGS_STEP_MS);
    backlog = 0;
    sk_fiber_sleep(SK_RINGS_STEP_MS);
    struct sk_ring_points p = read(SK_FIGURE_ACTIVITY_QUEUE, "q", false, 0);
    CHECK(p.count == 2 && p.step_ms == SK_RINGS_STEP_MS);
    CHECK(p.first_ms == START_WALL_MS - 3000); // the step it began in
    CHECK(series(&p, "added")[0] == 2 && series(&p, "added")[1] == 0);
    CHECK(series(&p, "dispatched")[0] == 1);
    CHECK(series(&p, "backlog")[0] == 42 && series(&p, "backlog")[1] == 0);
    CHECK(fabs(series(&p, "schedule_to_start_p50")[0] - 0.005) < 0.0004);
    CHECK(isnan(series(&p, "schedule_to_start_p50")[1]));
    p = read(SK_FIGURE_SERVER, "", false, 0);
    CHECK(p.count == 2);
    CHECK(series(&p, "requests")[0] == 2 && series(&p, "commits")[0] == 7);
    CHECK(series(&p, "cpu")[0] == 0.5 && series(&p, "cpu")[1] == 0);
    CHECK(series(&p, "memory")[1] == 12 << 20);
    CHECK(series(&p, "backlog")[0] == 42);
    CHECK(fabs(series(&p, "request_p99")[0] - 0.001) < 0.0001);
    // only what is new
    p = read(SK_FIGURE_SERVER, "", false, p.first_ms + SK_RINGS_STEP_MS);
    CHECK(p.count == 1);
    CHECK(read(SK_FIGURE_ACTIVITY_QUEUE, "unknown", false, 0).count == 0);
    CHECK(read(SK_FIGURE_WORKFLOW_QUEUE, "q", false, 0).count == 0); // the other type
    stop();
}

static void body_minutes(void)
{
    start();
    sk_fiber_sleep(27000 + 22000); // 22 s into the second minute
    for (int i = 0; i < 6; i++) {
        note("T", SK_FIGURE_WORKFLOW_TYPE, SK_TYPE_STARTED, -1);
        note("T", SK_FIGURE_WORKFLOW_TYPE, SK_TYPE_COMPLETED, 1000000 * (i + 1));
        sk_fiber_sleep(SK_RINGS_STEP_MS);
    }
    sk_fiber_sleep(SK_RINGS_MINUTE_MS);
    struct sk_ring_points p = read(SK_FIGURE_WORKFLOW_TYPE, "T", true, 0);
    CHECK(p.step_ms == SK_RINGS_MINUTE_MS && p.first_ms % SK_RINGS_MINUTE_MS == 0);
    double started = 0;
    for (size_t i = 0; i < p.count; i++)
        started += series(&p, "started")[i];
    CHECK(started == 6);
    CHECK(series(&p, "duration_p99")[0] > 3.5 && series(&p, "duration_p99")[0] < 4.5); // 4 of 6
    stop();
}

/* Rings turn: an hour of steps, a day of minutes, and what was there a round before is gone. */
static void body_rounds(void)
{
    start();
    note("T", SK_FIGURE_WORKFLOW_TYPE, SK_TYPE_STARTED, -1);
    sk_fiber_sleep(SK_RINGS_STEP_MS);
    struct sk_ring_points p = read(SK_FIGURE_WORKFLOW_TYPE, "T", false, 0);
    CHECK(series(&p, "started")[0] == 1);
    sk_fiber_sleep(3600 * 1000);
    p = read(SK_FIGURE_WORKFLOW_TYPE, "T", false, 0);
    CHECK(p.count == 360);
    for (size_t i = 0; i < p.count; i++)
        CHECK(series(&p, "started")[i] == 0);
    p = read(SK_FIGURE_WORKFLOW_TYPE, "T", true, 0);
    CHECK(series(&p, "started")[0] == 1); // minutes know more
    note("T", SK_FIGURE_WORKFLOW_TYPE, SK_TYPE_STARTED, -1);
    sk_fiber_sleep(25 * 3600 * 1000);
    p = read(SK_FIGURE_WORKFLOW_TYPE, "T", true, 0);
    CHECK(p.count == 1440);
    for (size_t i = 0; i < p.count; i++)
        CHECK(series(&p, "started")[i] == 0);
    p = read(SK_FIGURE_SERVER, "", true, 0);
    CHECK(p.count == 1440);
    stop();
}

static void body_busiest(void)
{
    char name[16];
    struct sk_ring_sum *sums;
    start();
    for (int i = 1; i <= 5; i++) {
        snprintf(name, sizeof name, "T%d", i);
        for (int k = 0; k < i; k++)
            note(name, SK_FIGURE_WORKFLOW_TYPE, SK_TYPE_COMPLETED, 2000);
    }
    note("q", SK_FIGURE_WORKFLOW_QUEUE, SK_QUEUE_ADDED, -1);
    backlog = 3;
    sk_fiber_sleep(SK_RINGS_STEP_MS);
    backlog = 10;
    sk_fiber_sleep(SK_RINGS_STEP_MS);
    size_t n = sk_rings_busiest(rings, &ctx, SK_FIGURE_WORKFLOW_TYPE, 1, 3600000, 3, &sums);
    CHECK(n == 3 && sk_str_eq(sums[0].name, SK_STR("T5")) && sums[0].numbers[1] == 5);
    CHECK(sk_str_eq(sums[2].name, SK_STR("T3")));
    CHECK(fabs(sums[0].p50_us - 2000) < 150);
    n = sk_rings_busiest(rings, &ctx, SK_FIGURE_WORKFLOW_QUEUE, 0, 3600000, 3, &sums);
    CHECK(n == 1 && sums[0].numbers[SK_QUEUE_BACKLOG] == 10 && sums[0].backlog_change == 7);
    CHECK(sk_rings_busiest(rings, &ctx, SK_FIGURE_WORKFLOW_TYPE, 2, 3600000, 3, &sums) == 0);
    stop();
}

/* A thousand subjects: a newcomer that does more takes the place of one that does least. */
static void body_bounds(void)
{
    char name[16];
    struct sk_ring_sum *sums;
    start();
    for (int i = 0; i < SK_RINGS_SUBJECTS; i++) {
        snprintf(name, sizeof name, "T%d", i);
        note(name, SK_FIGURE_WORKFLOW_TYPE, SK_TYPE_STARTED, -1);
        note(name, SK_FIGURE_WORKFLOW_TYPE, SK_TYPE_STARTED, -1);
    }
    sk_fiber_sleep(SK_RINGS_STEP_MS);
    note("quiet", SK_FIGURE_WORKFLOW_TYPE, SK_TYPE_STARTED, -1);
    for (int i = 0; i < 9; i++)
        note("loud", SK_FIGURE_WORKFLOW_TYPE, SK_TYPE_STARTED, -1);
    sk_fiber_sleep(SK_RINGS_STEP_MS);
    CHECK(read(SK_FIGURE_WORKFLOW_TYPE, "quiet", false, 0).count == 0);
    CHECK(read(SK_FIGURE_WORKFLOW_TYPE, "loud", false, 0).count == 1);
    CHECK(sk_rings_busiest(rings, &ctx, SK_FIGURE_WORKFLOW_TYPE, 0, 3600000, 5000, &sums) ==
          SK_RINGS_SUBJECTS);
    stop();
}

static void test_points(void **state)
{
    run_body(body_points);
}

static void test_minutes(void **state)
{
    run_body(body_minutes);
}

static void test_rounds(void **state)
{
    run_body(body_rounds);
}

static void test_busiest(void **state)
{
    run_body(body_busiest);
}

static void test_bounds(void **state)
{
    run_body(body_bounds);
}

static void test_histogram(void **state)
{
    unsigned last = 0;
    for (int64_t v = 0; v < INT64_C(1) << 46; v = v + 1 + v / 50) {
        unsigned bucket = fig_bucket_of(v);
        assert_true(bucket >= last && bucket < FIG_BUCKETS);
        last = bucket;
        assert_true(fabs(fig_bucket_us(bucket) - (double)v) <= 0.5 + (double)v * 0.0625);
    }
    assert_int_equal(fig_bucket_of(INT64_MAX), FIG_BUCKETS - 1);
    assert_int_equal(fig_bucket_of(-5), 0);
    struct fig_histogram h = {{0}, 0};
    assert_int_equal(fig_percentile(&h, 50), 0);
    for (int i = 1; i <= 1000; i++)
        fig_observe(&h, i);
    for (unsigned percent = 1; percent <= 99; percent++)
        assert_true(fabs(fig_bucket_us(fig_percentile(&h, percent) - 1U) - percent * 10.0) <
                    1 + percent * 0.7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram), cmocka_unit_test(test_points),
        cmocka_unit_test(test_minutes),   cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_busiest),   cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
