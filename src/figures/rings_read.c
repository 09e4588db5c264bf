/*
 * Reading the rings: points as series, and who was busiest. On loop 0, without waiting, so between
 * two steps (rings.c, INV-1).
 *
 * Percentiles over a window of several steps cannot be had from the steps' percentiles; the busiest
 * list shows the median of the steps that observed something, which is close where the load is even
 * and is called what it is in the API.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "figures/rings_internal.h"

static const struct {
    const char *name, *unit;
} server_series[] = {
    [SK_SERVER_REQUESTS] = {"requests", "1"},
    [SK_SERVER_ERRORS] = {"errors", "1"},
    [SK_SERVER_WORKFLOWS_STARTED] = {"workflows_started", "1"},
    [SK_SERVER_WORKFLOWS_COMPLETED] = {"workflows_completed", "1"},
    [SK_SERVER_WORKFLOWS_FAILED] = {"workflows_failed", "1"},
    [SK_SERVER_WORKFLOWS_TIMED_OUT] = {"workflows_timed_out", "1"},
    [SK_SERVER_WORKFLOWS_CANCELED] = {"workflows_canceled", "1"},
    [SK_SERVER_WORKFLOWS_TERMINATED] = {"workflows_terminated", "1"},
    [SK_SERVER_WORKFLOWS_CONTINUED] = {"workflows_continued", "1"},
    [SK_SERVER_ACTIVITIES_COMPLETED] = {"activities_completed", "1"},
    [SK_SERVER_ACTIVITIES_FAILED] = {"activities_failed", "1"},
    [SK_SERVER_ACTIVITY_RETRIES] = {"activity_retries", "1"},
    [SK_SERVER_WORKFLOW_TASKS_FAILED] = {"workflow_tasks_failed", "1"},
    [SK_SERVER_COMMITS] = {"commits", "1"},
    [SK_SERVER_CPU_MS] = {"cpu", "cores"},
    [SK_SERVER_BACKLOG] = {"backlog", "1"},
    [SK_SERVER_MEMORY_KIB] = {"memory", "bytes"},
};
static const char *const server_times[SK_SERVER_TIMES][FIG_PERCENTILES] = {
    {"request_p50", "request_p95", "request_p99"},
    {"schedule_to_start_p50", "schedule_to_start_p95", "schedule_to_start_p99"},
};
static const char *const subject_series[][SK_FIGURE_NUMBERS + FIG_PERCENTILES] = {
    [SK_FIGURE_WORKFLOW_QUEUE] = {"added", "dispatched", "backlog", "schedule_to_start_p50",
                                  "schedule_to_start_p95", "schedule_to_start_p99"},
    [SK_FIGURE_ACTIVITY_QUEUE] = {"added", "dispatched", "backlog", "schedule_to_start_p50",
                                  "schedule_to_start_p95", "schedule_to_start_p99"},
    [SK_FIGURE_WORKFLOW_TYPE] = {"started", "completed", "failed", "duration_p50", "duration_p95",
                                 "duration_p99"},
    [SK_FIGURE_ACTIVITY_TYPE] = {"completed", "failed", "retries", "duration_p50", "duration_p95",
                                 "duration_p99"},
};

static double seconds_of(uint16_t code)
{
    return code ? fig_bucket_us(code - 1U) / 1e6 : (double)NAN;
}

struct reading {
    struct sk_rings *rings;
    struct sk_ctx *ctx;
    enum sk_figure_kind kind;
    uint32_t ns;
    struct sk_str name;
    bool minutes;
    int64_t since_ms;
    struct sk_ring_points *ret;
};

/* ---- points ---- */

static double *add_series(struct reading *q, const char *name, const char *unit)
{
    struct sk_ring_series *s = &q->ret->series[q->ret->series_count++];
    *s = (struct sk_ring_series){name, unit, SK_NEW_N(q->ctx->arena, double, q->ret->count)};
    return s->values;
}

/* Which steps or minutes: from *ret_first, q->ret->count of them. known: the step since when. */
static void choose(struct reading *q, int64_t known, int64_t *ret_first)
{
    const struct sk_rings *r = q->rings;
    int64_t steps = q->minutes ? FIG_STEPS_A_MINUTE : 1, ring = q->minutes ? FIG_COARSE : FIG_FINE;
    int64_t step_ms = steps * SK_RINGS_STEP_MS;
    int64_t first = known / steps, end = r->next / steps;
    int64_t after = q->since_ms > r->base_wall_ms ? (q->since_ms - r->base_wall_ms) / step_ms : 0;
    if (first < end - ring)
        first = end - ring;
    if (first < after)
        first = after;
    q->ret->count = end > first ? (size_t)(end - first) : 0;
    q->ret->step_ms = step_ms;
    q->ret->first_ms = r->base_wall_ms + first * step_ms;
    q->ret->since_ms = r->base_wall_ms + known * SK_RINGS_STEP_MS;
    *ret_first = first;
}

static double server_value(const struct reading *q, int figure, uint32_t n)
{
    if (figure == SK_SERVER_CPU_MS)
        return (double)n / (double)q->ret->step_ms;
    return figure == SK_SERVER_MEMORY_KIB ? (double)n * 1024 : (double)n;
}

static void read_server(struct reading *q)
{
    const struct sk_rings *r = q->rings;
    const struct fig_server_point *ring = q->minutes ? r->coarse : r->fine;
    int64_t size = q->minutes ? FIG_COARSE : FIG_FINE, first;
    choose(q, r->first, &first);
    for (int i = 0; i < SK_SERVER_FIGURES; i++) {
        double *values = add_series(q, server_series[i].name, server_series[i].unit);
        for (size_t k = 0; k < q->ret->count; k++)
            values[k] = server_value(q, i, ring[(first + (int64_t)k) % size].n[i]);
    }
    for (int i = 0; i < SK_SERVER_TIMES; i++)
        for (int p = 0; p < FIG_PERCENTILES; p++) {
            double *values = add_series(q, server_times[i][p], "s");
            for (size_t k = 0; k < q->ret->count; k++)
                values[k] = seconds_of(ring[(first + (int64_t)k) % size].p[i][p]);
        }
}

static void read_subject(struct reading *q)
{
    struct sk_buf key = SK_BUF_INIT;
    fig_key(&key, q->kind, q->ns, q->name);
    struct fig_subject *s = sk_map_get(q->rings->subjects, sk_buf_view(&key));
    sk_buf_fini(&key);
    int64_t first;
    choose(q, s ? s->since : q->rings->next, &first);
    if (!s)
        return;
    struct fig_point *const *chunks = q->minutes ? s->coarse : s->fine;
    size_t size = q->minutes ? FIG_COARSE : FIG_FINE;
    for (int i = 0; i < SK_FIGURE_NUMBERS; i++) {
        double *values = add_series(q, subject_series[q->kind][i], "1");
        for (size_t k = 0; k < q->ret->count; k++) {
            const struct fig_point *p = fig_point_at(chunks, size, first + (int64_t)k);
            values[k] = p ? p->n[i] : 0;
        }
    }
    for (int i = 0; i < FIG_PERCENTILES; i++) {
        double *values = add_series(q, subject_series[q->kind][SK_FIGURE_NUMBERS + i], "s");
        for (size_t k = 0; k < q->ret->count; k++) {
            const struct fig_point *p = fig_point_at(chunks, size, first + (int64_t)k);
            values[k] = p ? seconds_of(p->p[i]) : (double)NAN;
        }
    }
}

static void read_here(void *arg)
{
    struct reading *q = arg;
    if (q->kind == SK_FIGURE_SERVER)
        read_server(q);
    else
        read_subject(q);
}

void sk_rings_read(struct sk_rings *rings, struct sk_ctx *ctx, enum sk_figure_kind kind,
                   uint32_t ns, struct sk_str name, bool minutes, int64_t since_ms,
                   struct sk_ring_points *ret)
{
    struct reading q = {rings, ctx, kind, ns, name, minutes, since_ms, ret};
    *ret = (struct sk_ring_points){0};
    sk_rt_call(0, read_here, &q);
}

/* ---- the busiest ---- */

struct ranking {
    struct sk_rings *rings;
    struct sk_ctx *ctx;
    enum sk_figure_kind kind;
    uint32_t ns;
    int64_t window_ms;
    struct sk_ring_sum *sums;
    size_t count;
};

static int by_code(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static double median(uint16_t *codes, size_t n)
{
    qsort(codes, n, sizeof *codes, by_code);
    return n ? fig_bucket_us(codes[n / 2] - 1U) : (double)NAN;
}

static void sum_up(const struct ranking *q, struct fig_subject *s, struct sk_ring_sum *ret)
{
    bool minutes = q->window_ms > (int64_t)FIG_FINE * SK_RINGS_STEP_MS;
    int64_t steps = minutes ? FIG_STEPS_A_MINUTE : 1, ring = minutes ? FIG_COARSE : FIG_FINE;
    struct fig_point *const *chunks = minutes ? s->coarse : s->fine;
    int64_t end = q->rings->next / steps, first = end - q->window_ms / (steps * SK_RINGS_STEP_MS);
    uint16_t p50[FIG_COARSE], p95[FIG_COARSE];
    size_t observed = 0;
    int64_t before = 0, now = 0;
    if (first < end - ring)
        first = end - ring;
    if (first < s->since / steps)
        first = s->since / steps;
    for (int64_t i = first; i < end; i++) {
        const struct fig_point *p = fig_point_at(chunks, (size_t)ring, i);
        now = p ? p->n[SK_QUEUE_BACKLOG] : 0;
        before = i == first ? now : before;
        for (int k = 0; p && k < SK_FIGURE_NUMBERS; k++)
            ret->numbers[k] += p->n[k];
        if (p && p->p[0]) {
            p50[observed] = p->p[0];
            p95[observed++] = p->p[1];
        }
    }
    if (fig_is_queue(s->kind)) {
        ret->numbers[SK_QUEUE_BACKLOG] = now;
        ret->backlog_change = now - before;
    }
    ret->p50_us = median(p50, observed);
    ret->p95_us = median(p95, observed);
}

static int64_t weight(const struct sk_ring_sum *s)
{
    return s->numbers[0] + s->numbers[1] + s->numbers[2];
}

static int busiest_first(const void *a, const void *b)
{
    const struct sk_ring_sum *x = a, *y = b;
    int64_t wx = weight(x), wy = weight(y);
    return wx != wy ? (wx < wy ? 1 : -1) : sk_str_cmp(x->name, y->name);
}

static void rank_here(void *arg)
{
    struct ranking *q = arg;
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    q->sums = SK_NEW_N(q->ctx->arena, struct sk_ring_sum, sk_map_count(q->rings->subjects));
    while (sk_map_next(q->rings->subjects, &cursor, &key, &value)) {
        struct fig_subject *s = value;
        if (s->kind != q->kind || (q->ns && s->ns != q->ns))
            continue;
        struct sk_str name = fig_name_of(s);
        struct sk_ring_sum *sum = &q->sums[q->count];
        *sum = (struct sk_ring_sum){
            .ns = s->ns, .since_ms = q->rings->base_wall_ms + s->since * SK_RINGS_STEP_MS};
        sum_up(q, s, sum);
        if (weight(sum) == 0)
            continue;
        sum->name = (struct sk_str){sk_arena_strndup(q->ctx->arena, name.p, name.n), name.n};
        q->count++;
    }
}

size_t sk_rings_busiest(struct sk_rings *rings, struct sk_ctx *ctx, enum sk_figure_kind kind,
                        uint32_t ns, int64_t window_ms, size_t max, struct sk_ring_sum **ret)
{
    struct ranking q = {.rings = rings, .ctx = ctx, .kind = kind, .ns = ns, .window_ms = window_ms};
    sk_rt_call(0, rank_here, &q);
    if (q.count)
        qsort(q.sums, q.count, sizeof *q.sums, busiest_first);
    *ret = q.sums;
    return q.count < max ? q.count : max;
}
