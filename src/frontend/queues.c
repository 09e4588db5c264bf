/*
 * Skald's own view of task queues and workers: every queue that is known, one queue in depth with
 * the reason why nothing runs on it, and who polls what.
 *
 * Matching knows the queues used in the last minutes and those with tasks, the figures those that
 * were busy within a day, and the workers. All live in memory and begin with the server, which
 * data_since says.
 *
 * Thread: the request's fiber on any loop; every loop is asked in turn. Failure: INVALID_ARGUMENT
 * for a bad page token or a name that is too long, NOT_FOUND for the namespace, the store's when
 * the part of a backlog on disk cannot be counted.
 */
#include "frontend/frontend_internal.h"

#include <stdlib.h>
#include "figures/figures.h"
#include "figures/workers.h"
#include "frontend/idle.h"
#include "skald/api/v1/task_queue.pb-c.h"
#include "skald/api/v1/worker.pb-c.h"
#include "wire/text.h"

#define QUEUES_MAX 10000
#define PAGE_MAX 1000
#define SIMILAR_MAX 5
#define ALIVE_MS 60000
#define DAY_MS 86400000
#define REASON(name) SKALD__API__V1__IDLE_REASON__IDLE_REASON_##name
#define TYPE(name) TEMPORAL__API__ENUMS__V1__TASK_QUEUE_TYPE__TASK_QUEUE_TYPE_##name

/* ---- shared ---- */

static int type_of(int kind)
{
    return kind == SK_TASK_WORKFLOW ? (int)TYPE(WORKFLOW) : (int)TYPE(ACTIVITY);
}

static Google__Protobuf__Timestamp *since(struct sk_frontend *frontend, struct sk_ctx *ctx)
{
    return sk_frontend_timestamp(ctx, sk_workers_since_ms(frontend->o.figures->workers));
}

static size_t page_size(int32_t asked)
{
    return asked > 0 && asked < PAGE_MAX ? (size_t)asked : PAGE_MAX;
}

/* Lists are in memory and in order: a page's token is the key of its last entry. */
static bool after_token(ProtobufCBinaryData token, struct sk_str key)
{
    return token.len == 0 ||
           sk_str_cmp(key, (struct sk_str){(const char *)token.data, token.len}) > 0;
}

static ProtobufCBinaryData token_of(struct sk_ctx *ctx, struct sk_str key)
{
    return (ProtobufCBinaryData){key.n, sk_arena_memdup(ctx->arena, key.p, key.n)};
}

/* ---- queues ---- */

/* Name, then workflow before activity. */
static struct sk_str queue_token(struct sk_ctx *ctx, const struct sk_queue_key *key)
{
    char *p = sk_arena_alloc(ctx->arena, key->name.n + 2);
    memcpy(p, key->name.p, key->name.n);
    p[key->name.n] = '\0'; // before any other byte, so that a prefix sorts first
    p[key->name.n + 1] = (char)('0' + (int)key->kind);
    return (struct sk_str){p, key->name.n + 2};
}

static int by_name(const void *a, const void *b)
{
    const struct sk_queue_key *x = a, *y = b;
    int order = sk_str_cmp(x->name, y->name);
    return order ? order : (int)x->kind - (int)y->kind;
}

static struct sk_queue_key other_type(const struct sk_queue_key *key)
{
    struct sk_queue_key other = *key;
    other.kind = key->kind == SK_TASK_WORKFLOW ? SK_TASK_ACTIVITY : SK_TASK_WORKFLOW;
    return other;
}

static Google__Protobuf__DoubleValue *rate_of(struct sk_ctx *ctx, double rate)
{
    if (rate < 0)
        return NULL;
    Google__Protobuf__DoubleValue *value = SK_NEW(ctx->arena, Google__Protobuf__DoubleValue);
    google__protobuf__double_value__init(value);
    value->value = rate;
    return value;
}

/* Whether the figures, which know a day, have seen the queue; matching's memory is minutes long. */
static bool was_busy(struct sk_frontend *frontend, struct sk_ctx *ctx,
                     const struct sk_queue_key *key)
{
    struct sk_ring_points points;
    enum sk_figure_kind kind =
        key->kind == SK_TASK_WORKFLOW ? SK_FIGURE_WORKFLOW_QUEUE : SK_FIGURE_ACTIVITY_QUEUE;
    sk_rings_read(frontend->o.figures->rings, ctx, kind, key->ns, key->name, true, 0, &points);
    for (size_t i = 0; points.series_count && i < points.count; i++)
        if (points.series[SK_QUEUE_ADDED].values[i] > 0 ||
            points.series[SK_QUEUE_DISPATCHED].values[i] > 0)
            return true;
    return false;
}

/* All queues of the namespace in order: matching's and those that only the figures still know. */
static size_t known_queues(struct sk_frontend *frontend, struct sk_ctx *ctx, sk_ns_id ns,
                           struct sk_queue_key **ret, bool *ret_truncated)
{
    static const enum sk_figure_kind kinds[] = {SK_FIGURE_WORKFLOW_QUEUE, SK_FIGURE_ACTIVITY_QUEUE};
    struct sk_queue_key *keys, *all;
    struct sk_ring_sum *sums[2];
    size_t counts[2], n = 0;
    size_t count =
        sk_matching_queues(frontend->o.matching, ctx, ns, QUEUES_MAX, &keys, ret_truncated);
    for (int i = 0; i < 2; i++)
        counts[i] = sk_rings_busiest(frontend->o.figures->rings, ctx, kinds[i], ns, DAY_MS,
                                     SK_RINGS_SUBJECTS, &sums[i]);
    all = SK_NEW_N(ctx->arena, struct sk_queue_key, count + counts[0] + counts[1] + 1);
    if (count)
        memcpy(all, keys, count * sizeof *all);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < counts[i]; k++)
            all[count++] = (struct sk_queue_key){ns, i == 0 ? SK_TASK_WORKFLOW : SK_TASK_ACTIVITY,
                                                 sums[i][k].name};
    qsort(all, count, sizeof *all, by_name);
    for (size_t i = 0; i < count; i++)
        if (n == 0 || by_name(&all[n - 1], &all[i]) != 0)
            all[n++] = all[i];
    *ret = all;
    return n;
}

static SKAPI(TaskQueueInfo) *
    info_of(struct sk_frontend *frontend, struct sk_ctx *ctx, const struct sk_queue_key *key,
            const struct sk_queue_info *info, const struct sk_queue_info *other)
{
    SKAPI(TaskQueueInfo) *to = SK_NEW(ctx->arena, SKAPI(TaskQueueInfo));
    skald__api__v1__task_queue_info__init(to);
    to->name = sk_arena_strndup(ctx->arena, key->name.p, key->name.n);
    to->type = (Temporal__Api__Enums__V1__TaskQueueType)type_of((int)key->kind);
    to->poller_count = (int32_t)info->poller_count;
    to->waiting_polls = (int32_t)info->waiting_polls;
    if (info->last_poll_ms)
        to->last_poll_time = sk_frontend_timestamp(ctx, info->last_poll_ms);
    to->backlog_count = info->backlog_count;
    if (info->backlog_count)
        to->backlog_age = sk_frontend_duration(ctx, info->backlog_age_ms);
    to->add_rate = info->add_rate;
    to->dispatch_rate = info->dispatch_rate;
    to->rate_limit = rate_of(ctx, info->rate_limit);
    to->rate_limited = info->rate_limiting;
    to->idle_reason = sk_idle_reason(info, other, sk_now_wall_ms());
    struct sk_queue_key twin = other_type(key);
    if (to->idle_reason == REASON(NEVER_USED) &&
        (was_busy(frontend, ctx, key) || was_busy(frontend, ctx, &twin)))
        to->idle_reason = REASON(NO_POLLERS);
    return to;
}

static bool contains(struct sk_str name, const char *part)
{
    struct sk_str want = sk_str_of(part);
    for (size_t i = 0; i + want.n <= name.n; i++)
        if (sk_str_ieq((struct sk_str){name.p + i, want.n}, want))
            return true;
    return false;
}

sk_err sk_frontend_fill_task_queues(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                    const struct sk_namespace *ns,
                                    const SKAPI(ListTaskQueuesRequest) * r,
                                    SKAPI(ListTaskQueuesResponse) * to)
{
    struct sk_queue_key *keys;
    bool truncated;
    size_t count = known_queues(frontend, ctx, ns->id, &keys, &truncated);
    size_t max = page_size(r->page_size);
    to->task_queues = SK_NEW_N(ctx->arena, SKAPI(TaskQueueInfo) *, max);
    to->truncated = truncated;
    to->data_since = since(frontend, ctx);
    struct sk_str last = {0};
    for (size_t i = 0; i < count; i++) {
        struct sk_str token = queue_token(ctx, &keys[i]);
        if (!contains(keys[i].name, r->name_contains) || !after_token(r->next_page_token, token))
            continue;
        if (to->n_task_queues == max) { // one more is there
            to->next_page_token = token_of(ctx, last);
            break;
        }
        last = token;
        struct sk_queue_key twin = other_type(&keys[i]);
        struct sk_queue_info info, other;
        sk_err err = sk_matching_describe(frontend->o.matching, ctx, &keys[i], &info);
        if (err == SK_OK)
            err = sk_matching_describe(frontend->o.matching, ctx, &twin, &other);
        if (err != SK_OK)
            return err;
        to->task_queues[to->n_task_queues++] = info_of(frontend, ctx, &keys[i], &info, &other);
    }
    return SK_OK;
}

sk_err sk_frontend_list_task_queues(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                    void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(ListTaskQueuesRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "NameContains", r->name_contains);
    return err == SK_OK ? sk_frontend_fill_task_queues(frontend, ctx, ns, r, response) : err;
}

/* ---- one queue ---- */

static void add_pollers(struct sk_ctx *ctx, const struct sk_queue_info *info,
                        SKAPI(TaskQueueDetail) * to)
{
    to->pollers = SK_NEW_N(ctx->arena, SKAPI(QueuePoller) *, info->poller_count);
    for (size_t i = 0; i < info->poller_count; i++) {
        const struct sk_poller_info *p = &info->pollers[i];
        SKAPI(QueuePoller) *poller = SK_NEW(ctx->arena, SKAPI(QueuePoller));
        skald__api__v1__queue_poller__init(poller);
        poller->identity = sk_wire_text(p->identity);
        poller->build_id = sk_wire_text(p->build_id);
        poller->deployment_name = sk_wire_text(p->deployment);
        poller->last_poll_time = sk_frontend_timestamp(ctx, p->last_access_ms);
        poller->rate_limit = rate_of(ctx, p->rate_limit);
        to->pollers[to->n_pollers++] = poller;
    }
}

static void add_levels(struct sk_ctx *ctx, const struct sk_queue_info *info,
                       SKAPI(TaskQueueDetail) * to)
{
    to->levels = SK_NEW_N(ctx->arena, SKAPI(PriorityLevel) *, SK_QUEUE_LEVELS);
    for (int i = 0; i < SK_QUEUE_LEVELS; i++) {
        const struct sk_queue_level *from = &info->levels[i];
        if (!from->backlog_count && from->add_rate <= 0 && from->dispatch_rate <= 0)
            continue;
        SKAPI(PriorityLevel) *level = SK_NEW(ctx->arena, SKAPI(PriorityLevel));
        skald__api__v1__priority_level__init(level);
        level->priority = from->priority;
        level->backlog_count = from->backlog_count;
        if (from->backlog_count)
            level->backlog_age = sk_frontend_duration(ctx, from->backlog_age_ms);
        level->add_rate = from->add_rate;
        level->dispatch_rate = from->dispatch_rate;
        to->levels[to->n_levels++] = level;
    }
}

/* What the name may have been meant to be. */
static void add_similar(struct sk_frontend *frontend, struct sk_ctx *ctx,
                        const struct sk_queue_key *key, SKAPI(TaskQueueDetail) * to)
{
    struct sk_queue_key *keys;
    bool truncated;
    const char *names[SIMILAR_MAX];
    size_t count = known_queues(frontend, ctx, key->ns, &keys, &truncated);
    size_t n = sk_idle_similar(to->info->name, keys, count, SIMILAR_MAX, names);
    to->similar_names = SK_NEW_N(ctx->arena, char *, n);
    for (size_t i = 0; i < n; i++)
        to->similar_names[to->n_similar_names++] = sk_wire_text(names[i]);
}

static SKAPI(TaskQueueDetail) *
    detail_of(struct sk_frontend *frontend, struct sk_ctx *ctx, const struct sk_queue_key *key,
              const struct sk_queue_info *info, const struct sk_queue_info *other)
{
    SKAPI(TaskQueueDetail) *to = SK_NEW(ctx->arena, SKAPI(TaskQueueDetail));
    skald__api__v1__task_queue_detail__init(to);
    to->info = info_of(frontend, ctx, key, info, other);
    add_pollers(ctx, info, to);
    add_levels(ctx, info, to);
    to->explanation =
        sk_wire_text(sk_idle_explain(ctx->arena, to->info->idle_reason, to->info->name, key->kind,
                                     info, other, sk_now_wall_ms()));
    if (to->info->idle_reason == REASON(NEVER_USED) || to->info->idle_reason == REASON(NO_POLLERS))
        add_similar(frontend, ctx, key, to);
    return to;
}

sk_err sk_frontend_get_task_queue(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                  void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(GetTaskQueueRequest) *r = request;
    SKAPI(GetTaskQueueResponse) *to = response;
    const struct sk_namespace *ns;
    struct sk_queue_info info, other;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id_set(frontend, ctx, "TaskQueue", r->task_queue);
    if (err != SK_OK)
        return err;
    struct sk_queue_key key = {ns->id, SK_TASK_WORKFLOW, sk_str_of(r->task_queue)};
    struct sk_queue_key twin = other_type(&key);
    err = sk_matching_describe(frontend->o.matching, ctx, &key, &info);
    if (err == SK_OK)
        err = sk_matching_describe(frontend->o.matching, ctx, &twin, &other);
    if (err != SK_OK)
        return err;
    to->workflow = detail_of(frontend, ctx, &key, &info, &other);
    to->activity = detail_of(frontend, ctx, &twin, &other, &info);
    to->data_since = since(frontend, ctx);
    return SK_OK;
}

/* ---- workers ---- */

static bool polls(const struct sk_worker *worker, const char *queue)
{
    for (size_t i = 0; i < worker->queue_count; i++)
        if (sk_str_eq(worker->queues[i].name, sk_str_of(queue)))
            return true;
    return sk_blank(queue);
}

static void add_queues(struct sk_ctx *ctx, const struct sk_worker *w, SKAPI(ActiveWorker) * to)
{
    to->queues = SK_NEW_N(ctx->arena, SKAPI(WorkerQueue) *, w->queue_count);
    for (size_t i = 0; i < w->queue_count; i++) {
        const struct sk_worker_queue *from = &w->queues[i];
        SKAPI(WorkerQueue) *queue = SK_NEW(ctx->arena, SKAPI(WorkerQueue));
        skald__api__v1__worker_queue__init(queue);
        queue->name = sk_wire_text(from->name.p);
        queue->type = (Temporal__Api__Enums__V1__TaskQueueType)type_of(from->kind);
        queue->sticky = from->sticky;
        queue->last_poll_time = sk_frontend_timestamp(ctx, from->last_poll_ms);
        queue->waiting_polls = from->waiting;
        queue->tasks_taken = from->taken;
        to->queues[to->n_queues++] = queue;
    }
}

static SKAPI(ActiveWorker) * worker_of(struct sk_ctx *ctx, const struct sk_worker *w)
{
    SKAPI(ActiveWorker) *to = SK_NEW(ctx->arena, SKAPI(ActiveWorker));
    skald__api__v1__active_worker__init(to);
    to->identity = sk_wire_text(w->identity);
    to->sdk_name = sk_wire_text(w->sdk_name);
    to->sdk_version = sk_wire_text(w->sdk_version);
    to->build_id = sk_wire_text(w->build_id);
    to->deployment_name = sk_wire_text(w->deployment);
    to->peer = sk_wire_text(w->peer);
    to->worker_instance_key = sk_wire_text(w->instance_key);
    to->first_seen_time = sk_frontend_timestamp(ctx, w->first_seen_ms);
    to->last_poll_time = sk_frontend_timestamp(ctx, w->last_poll_ms);
    add_queues(ctx, w, to);
    to->waiting_polls = w->waiting;
    int64_t in_hand = w->taken - w->answered - w->lost;
    to->tasks_in_hand = in_hand > 0 ? in_hand : 0;
    to->tasks_taken = w->taken;
    to->tasks_failed = w->failed;
    to->alive = w->waiting > 0 || sk_now_wall_ms() - w->last_poll_ms <= ALIVE_MS;
    ProtobufCMessage *heartbeat;
    if (w->heartbeat_ms &&
        sk_wire_decode_own(ctx, &temporal__api__worker__v1__worker_heartbeat__descriptor,
                           w->heartbeat, &heartbeat) == SK_OK)
        to->heartbeat = (Temporal__Api__Worker__V1__WorkerHeartbeat *)heartbeat;
    if (w->error_ms) {
        to->last_error = SK_NEW(ctx->arena, SKAPI(WorkerError));
        skald__api__v1__worker_error__init(to->last_error);
        to->last_error->time = sk_frontend_timestamp(ctx, w->error_ms);
        to->last_error->message = sk_wire_text(w->error_message);
        to->last_error->type = sk_wire_text(w->error_type);
    }
    return to;
}

sk_err sk_frontend_list_active_workers(struct sk_call *call, struct sk_ctx *ctx,
                                       const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(ListActiveWorkersRequest) *r = request;
    SKAPI(ListActiveWorkersResponse) *to = response;
    const struct sk_namespace *ns;
    struct sk_worker_list list;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "TaskQueue", r->task_queue);
    if (err != SK_OK)
        return err;
    sk_workers_list(frontend->o.figures->workers, ctx, ns->id, &list);
    size_t max = page_size(r->page_size);
    to->workers = SK_NEW_N(ctx->arena, SKAPI(ActiveWorker) *, max);
    to->truncated = list.truncated;
    to->data_since = since(frontend, ctx);
    for (size_t i = 0; i < list.count; i++) {
        const struct sk_worker *w = &list.workers[i];
        if (!polls(w, r->task_queue) || !after_token(r->next_page_token, sk_str_of(w->identity)))
            continue;
        if (to->n_workers == max) {
            to->next_page_token = token_of(ctx, sk_str_of(to->workers[max - 1]->identity));
            break;
        }
        to->workers[to->n_workers++] = worker_of(ctx, w);
    }
    return SK_OK;
}
