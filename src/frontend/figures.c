/*
 * Figures over time, who is busiest, and what fails: src/figures as messages.
 *
 * Thread: the request's fiber on any loop. Failure: INVALID_ARGUMENT for a kind or a window that
 * makes no sense, NOT_FOUND for the namespace. A queue or type without figures is no error: it has
 * no points.
 */
#include "frontend/frontend_internal.h"

#include <inttypes.h>
#include <math.h>
#include "figures/figures.h"
#include "skald/api/v1/failure.pb-c.h"
#include "skald/api/v1/figures.pb-c.h"
#include "wire/text.h"

#define KIND(name) SKALD__API__V1__FIGURE_KIND__FIGURE_KIND_##name
#define WINDOW_DEFAULT_MS (60 * SK_RINGS_MINUTE_MS)
#define WINDOW_MAX_MS (24 * 60 * SK_RINGS_MINUTE_MS)
#define BUSIEST_DEFAULT 20
#define GROUPS_DEFAULT 50
#define PAGE_MAX 1000

static_assert((int)KIND(SERVER) == (int)SK_FIGURE_SERVER &&
                  (int)KIND(WORKFLOW_QUEUE) == (int)SK_FIGURE_WORKFLOW_QUEUE &&
                  (int)KIND(ACTIVITY_QUEUE) == (int)SK_FIGURE_ACTIVITY_QUEUE &&
                  (int)KIND(WORKFLOW_TYPE) == (int)SK_FIGURE_WORKFLOW_TYPE &&
                  (int)KIND(ACTIVITY_TYPE) == (int)SK_FIGURE_ACTIVITY_TYPE,
              "the rings use the API's numbers");

static int64_t ms_of(const Google__Protobuf__Timestamp *t)
{
    int64_t ms;
    if (!t || t->seconds < 0)
        return 0;
    if (__builtin_mul_overflow(t->seconds, 1000, &ms))
        return INT64_MAX;
    return ms + t->nanos / 1000000;
}

static int64_t page_size(int32_t asked, int32_t usual)
{
    return asked <= 0 ? usual : asked < PAGE_MAX ? asked : PAGE_MAX;
}

/* ---- points ---- */

/* Which subject is meant; ns NULL for the server's own. */
static sk_err subject_of(struct sk_frontend *frontend, struct sk_ctx *ctx, int kind,
                         const char *ns_name, const char *name, const struct sk_namespace **ret)
{
    *ret = NULL;
    if (kind == (int)KIND(SERVER))
        return SK_OK;
    if (kind < (int)KIND(SERVER) || kind > (int)KIND(ACTIVITY_TYPE))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "kind is %d, wants one of SERVER, WORKFLOW_QUEUE, ACTIVITY_QUEUE, "
                       "WORKFLOW_TYPE, ACTIVITY_TYPE",
                       kind);
    sk_err err = sk_frontend_namespace(frontend, ctx, ns_name, ret);
    return err == SK_OK ? sk_frontend_check_id_set(frontend, ctx, "Name", name) : err;
}

static void fill_points(struct sk_ctx *ctx, const struct sk_ring_points *points,
                        SKAPI(GetFiguresResponse) * to)
{
    to->data_since = sk_frontend_timestamp(ctx, points->since_ms);
    to->step = sk_frontend_duration(ctx, points->step_ms);
    if (points->count)
        to->first = sk_frontend_timestamp(ctx, points->first_ms);
    to->series = SK_NEW_N(ctx->arena, SKAPI(FigureSeries) *, points->series_count);
    for (size_t i = 0; i < points->series_count; i++) {
        SKAPI(FigureSeries) *series = SK_NEW(ctx->arena, SKAPI(FigureSeries));
        skald__api__v1__figure_series__init(series);
        series->name = sk_wire_text(points->series[i].name);
        series->unit = sk_wire_text(points->series[i].unit);
        series->values = points->series[i].values;
        series->n_values = points->count;
        to->series[to->n_series++] = series;
    }
}

sk_err sk_frontend_get_figures(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                               void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(GetFiguresRequest) *r = request;
    const struct sk_namespace *ns;
    struct sk_ring_points points;
    sk_err err = subject_of(frontend, ctx, (int)r->kind, r->namespace_, r->name, &ns);
    if (err != SK_OK)
        return err;
    bool minutes = r->resolution == SKALD__API__V1__FIGURE_RESOLUTION__FIGURE_RESOLUTION_MINUTE;
    sk_rings_read(frontend->o.figures->rings, ctx, (enum sk_figure_kind)r->kind, ns ? ns->id : 0,
                  sk_str_of(r->name), minutes, ms_of(r->since), &points);
    fill_points(ctx, &points, response);
    return SK_OK;
}

sk_err sk_frontend_fill_figures(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                const SKAPI(FiguresTopic) * topic, int64_t since_ms,
                                SKAPI(GetFiguresResponse) * response, int64_t *ret_last_ms)
{
    const struct sk_namespace *ns;
    struct sk_ring_points points;
    sk_err err = subject_of(frontend, ctx, (int)topic->kind, topic->namespace_, topic->name, &ns);
    if (err != SK_OK)
        return err;
    sk_rings_read(frontend->o.figures->rings, ctx, (enum sk_figure_kind)topic->kind,
                  ns ? ns->id : 0, sk_str_of(topic->name), false, since_ms, &points);
    fill_points(ctx, &points, response);
    *ret_last_ms = points.first_ms + (int64_t)points.count * points.step_ms;
    return SK_OK;
}

/* ---- the busiest ---- */

static SKAPI(BusyEntry) * entry_of(struct sk_frontend *frontend, struct sk_ctx *ctx, int kind,
                                   const struct sk_ring_sum *sum)
{
    const struct sk_namespace *ns = sk_namespaces_by_id(frontend->o.namespaces, sum->ns);
    if (!ns) // deleted meanwhile
        return NULL;
    SKAPI(BusyEntry) *entry = SK_NEW(ctx->arena, SKAPI(BusyEntry));
    skald__api__v1__busy_entry__init(entry);
    entry->kind = (SKAPI(FigureKind))kind;
    entry->namespace_ = sk_wire_text(ns->name);
    entry->name = sk_wire_text(sum->name.p);
    entry->added_or_started = sum->numbers[0];
    entry->dispatched_or_completed = sum->numbers[1];
    if (kind == (int)KIND(WORKFLOW_QUEUE) || kind == (int)KIND(ACTIVITY_QUEUE)) {
        entry->backlog = sum->numbers[SK_QUEUE_BACKLOG];
        entry->backlog_change = sum->backlog_change;
    } else {
        entry->failed_or_retries = sum->numbers[2];
    }
    if (!isnan(sum->p50_us)) {
        entry->p50 = sk_frontend_duration(ctx, (int64_t)(sum->p50_us / 1000));
        entry->p95 = sk_frontend_duration(ctx, (int64_t)(sum->p95_us / 1000));
    }
    entry->data_since = sk_frontend_timestamp(ctx, sum->since_ms);
    return entry;
}

sk_err sk_frontend_list_busiest(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(ListBusiestRequest) *r = request;
    SKAPI(ListBusiestResponse) *to = response;
    const struct sk_namespace *ns = NULL;
    struct sk_ring_sum *sums;
    int64_t window_ms = r->window ? sk_frontend_duration_ms(r->window) : WINDOW_DEFAULT_MS;
    if ((int)r->kind <= (int)KIND(SERVER) || (int)r->kind > (int)KIND(ACTIVITY_TYPE))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "kind is %d, wants one of WORKFLOW_QUEUE, ACTIVITY_QUEUE, WORKFLOW_TYPE, "
                       "ACTIVITY_TYPE",
                       (int)r->kind);
    if (window_ms <= 0 || window_ms > WINDOW_MAX_MS)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "window is %" PRId64 " s, wants 1 s to a day",
                       window_ms / 1000);
    sk_err err =
        sk_blank(r->namespace_) ? SK_OK : sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err != SK_OK)
        return err;
    size_t max = (size_t)page_size(r->page_size, BUSIEST_DEFAULT);
    size_t count = sk_rings_busiest(frontend->o.figures->rings, ctx, (enum sk_figure_kind)r->kind,
                                    ns ? ns->id : 0, window_ms, max, &sums);
    to->entries = SK_NEW_N(ctx->arena, SKAPI(BusyEntry) *, count);
    for (size_t i = 0; i < count; i++) {
        SKAPI(BusyEntry) *entry = entry_of(frontend, ctx, (int)r->kind, &sums[i]);
        if (entry)
            to->entries[to->n_entries++] = entry;
    }
    to->data_since = sk_frontend_timestamp(ctx, sk_rings_since_ms(frontend->o.figures->rings));
    return SK_OK;
}

/* ---- what fails ---- */

static SKAPI(FailureGroup) * group_of(struct sk_ctx *ctx, const struct sk_failure_group *from)
{
    SKAPI(FailureGroup) *group = SK_NEW(ctx->arena, SKAPI(FailureGroup));
    skald__api__v1__failure_group__init(group);
    group->id = sk_arena_printf(ctx->arena, "%016" PRIx64, from->id);
    group->source = (SKAPI(FailureSource))from->source;
    group->workflow_type = sk_wire_text(from->workflow_type);
    group->activity_type = sk_wire_text(from->activity_type);
    group->error_type = sk_wire_text(from->error_type);
    group->task_queue = sk_wire_text(from->task_queue);
    group->message = sk_wire_text(from->folded);
    group->sample_message = sk_wire_text(from->message);
    group->count = from->count;
    group->retrying = from->retrying;
    group->first_seen = sk_frontend_timestamp(ctx, from->first_ms);
    group->last_seen = sk_frontend_timestamp(ctx, from->last_ms);
    group->samples = SK_NEW_N(ctx->arena, SKAPI(FailureSample) *, from->sample_count);
    for (size_t i = 0; i < from->sample_count; i++) {
        SKAPI(FailureSample) *sample = SK_NEW(ctx->arena, SKAPI(FailureSample));
        skald__api__v1__failure_sample__init(sample);
        sample->execution = SK_NEW(ctx->arena, API_COMMON(WorkflowExecution));
        temporal__api__common__v1__workflow_execution__init(sample->execution);
        sample->execution->workflow_id = sk_wire_text(from->samples[i].workflow_id);
        sample->execution->run_id = sk_wire_text(from->samples[i].run_id);
        sample->time = sk_frontend_timestamp(ctx, from->samples[i].at_ms);
        sample->attempt = from->samples[i].attempt;
        group->samples[group->n_samples++] = sample;
    }
    return group;
}

static bool wanted(const SKAPI(ListFailureGroupsRequest) * r, const struct sk_failure_group *g)
{
    return (!r->source || (int)r->source == (int)g->source) &&
           (sk_blank(r->workflow_type) || strcmp(r->workflow_type, g->workflow_type) == 0) &&
           (sk_blank(r->activity_type) || strcmp(r->activity_type, g->activity_type) == 0) &&
           g->last_ms > ms_of(r->since);
}

sk_err sk_frontend_list_failure_groups(struct sk_call *call, struct sk_ctx *ctx,
                                       const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(ListFailureGroupsRequest) *r = request;
    SKAPI(ListFailureGroupsResponse) *to = response;
    const struct sk_namespace *ns;
    struct sk_failure_list list;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err != SK_OK)
        return err;
    sk_failures_list(frontend->o.figures->failures, ctx, ns->id, &list);
    size_t max = (size_t)page_size(r->page_size, GROUPS_DEFAULT);
    to->groups = SK_NEW_N(ctx->arena, SKAPI(FailureGroup) *, max);
    for (size_t i = 0; i < list.count && to->n_groups < max; i++)
        if (wanted(r, &list.groups[i]))
            to->groups[to->n_groups++] = group_of(ctx, &list.groups[i]);
    to->truncated = list.truncated;
    to->data_since =
        sk_frontend_timestamp(ctx, sk_failures_since_ms(frontend->o.figures->failures));
    return SK_OK;
}
