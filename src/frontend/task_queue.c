/*
 * DescribeTaskQueue and ListTaskQueuePartitions.
 *
 * A queue of Skald is one partition on one node, so the partition list has one entry a kind, its
 * root, whose name is the queue's own. Reported limits are Temporal's: without one from a worker
 * the system's 100,000 a second stands for "none".
 */
#include "frontend/frontend_internal.h"

#include <string.h>

#define SYSTEM_RATE 100000.0
#define KIND(name) TEMPORAL__API__ENUMS__V1__TASK_QUEUE_KIND__TASK_QUEUE_KIND_##name
#define TYPE(name) TEMPORAL__API__ENUMS__V1__TASK_QUEUE_TYPE__TASK_QUEUE_TYPE_##name
#define ENHANCED \
    TEMPORAL__API__ENUMS__V1__DESCRIBE_TASK_QUEUE_MODE__DESCRIBE_TASK_QUEUE_MODE_ENHANCED

typedef Temporal__Api__Enums__V1__TaskQueueType queue_type;

/* ---- figures to messages ---- */

static Google__Protobuf__Timestamp *timestamp_of(struct sk_arena *arena, int64_t wall_ms)
{
    Google__Protobuf__Timestamp *t = SK_NEW(arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(t);
    t->seconds = wall_ms / 1000;
    t->nanos = (int32_t)(wall_ms % 1000) * 1000000;
    return t;
}

static Google__Protobuf__Duration *duration_of(struct sk_arena *arena, int64_t ms)
{
    Google__Protobuf__Duration *d = SK_NEW(arena, Google__Protobuf__Duration);
    google__protobuf__duration__init(d);
    d->seconds = ms / 1000;
    d->nanos = (int32_t)(ms % 1000) * 1000000;
    return d;
}

static void add_version(struct sk_arena *arena, const struct sk_poller_info *p,
                        API_TASKQUEUE(PollerInfo) * to)
{
    typedef Temporal__Api__Deployment__V1__WorkerDeploymentOptions deployment;
    if (p->build_id) {
        to->worker_version_capabilities = SK_NEW(arena, API_COMMON(WorkerVersionCapabilities));
        temporal__api__common__v1__worker_version_capabilities__init(
            to->worker_version_capabilities);
        to->worker_version_capabilities->build_id = sk_arena_strdup(arena, p->build_id);
    }
    if (p->deployment) {
        to->deployment_options = SK_NEW(arena, deployment);
        temporal__api__deployment__v1__worker_deployment_options__init(to->deployment_options);
        to->deployment_options->deployment_name = sk_arena_strdup(arena, p->deployment);
        if (p->build_id)
            to->deployment_options->build_id = sk_arena_strdup(arena, p->build_id);
    }
}

static API_TASKQUEUE(PollerInfo) *
    *pollers_of(struct sk_arena *arena, const struct sk_queue_info *info)
{
    API_TASKQUEUE(PollerInfo) **list =
        SK_NEW_N(arena, API_TASKQUEUE(PollerInfo) *, info->poller_count);
    for (size_t i = 0; i < info->poller_count; i++) {
        const struct sk_poller_info *p = &info->pollers[i];
        list[i] = SK_NEW(arena, API_TASKQUEUE(PollerInfo));
        temporal__api__taskqueue__v1__poller_info__init(list[i]);
        list[i]->last_access_time = timestamp_of(arena, p->last_access_ms);
        list[i]->identity = sk_arena_strdup(arena, p->identity);
        list[i]->rate_per_second = p->rate_limit < 0 ? SYSTEM_RATE : p->rate_limit;
        add_version(arena, p, list[i]);
    }
    return list;
}

static API_TASKQUEUE(TaskQueueStats) *
    stats_of(struct sk_arena *arena, const struct sk_queue_level *level, bool rate_limiting)
{
    API_TASKQUEUE(TaskQueueStats) *s = SK_NEW(arena, API_TASKQUEUE(TaskQueueStats));
    temporal__api__taskqueue__v1__task_queue_stats__init(s);
    s->approximate_backlog_count = level->backlog_count;
    s->approximate_backlog_age = duration_of(arena, level->backlog_age_ms);
    s->tasks_add_rate = (float)level->add_rate;
    s->tasks_dispatch_rate = (float)level->dispatch_rate;
    s->rate_limiting_active = rate_limiting;
    return s;
}

static API_TASKQUEUE(TaskQueueStats) *
    totals_of(struct sk_arena *arena, const struct sk_queue_info *info)
{
    struct sk_queue_level all = {
        .backlog_count = info->backlog_count,
        .backlog_age_ms = info->backlog_age_ms,
        .add_rate = info->add_rate,
        .dispatch_rate = info->dispatch_rate,
    };
    return stats_of(arena, &all, info->rate_limiting);
}

/* ---- the plain answer: one kind of one queue ---- */

static bool level_used(const struct sk_queue_level *level)
{
    bool is_default = level->priority == (SK_QUEUE_LEVELS + 1) / 2;
    return is_default || level->backlog_count || level->add_rate > 0 || level->dispatch_rate > 0;
}

static void fill_stats(struct sk_arena *arena, const struct sk_queue_info *info,
                       WS(DescribeTaskQueueResponse) *to)
{
    typedef WS(DescribeTaskQueueResponse__StatsByPriorityKeyEntry) entry;
    to->stats = totals_of(arena, info);
    to->stats_by_priority_key = SK_NEW_N(arena, entry *, SK_QUEUE_LEVELS);
    for (size_t i = 0; i < SK_QUEUE_LEVELS; i++) {
        if (!level_used(&info->levels[i]))
            continue;
        entry *e = SK_NEW(arena, entry);
        temporal__api__workflowservice__v1__describe_task_queue_response__stats_by_priority_key_entry__init(
            e);
        e->key = info->levels[i].priority;
        e->value = stats_of(arena, &info->levels[i], info->rate_limiting);
        to->stats_by_priority_key[to->n_stats_by_priority_key++] = e;
    }
}

static void fill_status(struct sk_arena *arena, const struct sk_queue_info *info,
                        WS(DescribeTaskQueueResponse) *to)
{
    to->task_queue_status = SK_NEW(arena, API_TASKQUEUE(TaskQueueStatus));
    temporal__api__taskqueue__v1__task_queue_status__init(to->task_queue_status);
    to->task_queue_status->backlog_count_hint = info->backlog_count;
    to->task_queue_status->read_level = info->read_level;
    to->task_queue_status->ack_level = info->ack_level;
    to->task_queue_status->rate_per_second = info->rate_limit < 0 ? SYSTEM_RATE : info->rate_limit;
    to->task_queue_status->task_id_block = SK_NEW(arena, API_TASKQUEUE(TaskIdBlock));
    temporal__api__taskqueue__v1__task_id_block__init(to->task_queue_status->task_id_block);
}

static void fill_rate(struct sk_arena *arena, const struct sk_queue_info *info,
                      WS(DescribeTaskQueueResponse) *to)
{
    typedef WS(DescribeTaskQueueResponse__EffectiveRateLimit) effective;
    bool worker = info->rate_limit >= 0 && info->rate_limit < SYSTEM_RATE;
    to->effective_rate_limit = SK_NEW(arena, effective);
    temporal__api__workflowservice__v1__describe_task_queue_response__effective_rate_limit__init(
        to->effective_rate_limit);
    to->effective_rate_limit->requests_per_second =
        (float)(worker ? info->rate_limit : SYSTEM_RATE);
    to->effective_rate_limit->rate_limit_source =
        worker ? TEMPORAL__API__ENUMS__V1__RATE_LIMIT_SOURCE__RATE_LIMIT_SOURCE_WORKER
               : TEMPORAL__API__ENUMS__V1__RATE_LIMIT_SOURCE__RATE_LIMIT_SOURCE_SYSTEM;
}

static sk_err ask(struct sk_frontend *frontend, struct sk_ctx *ctx, const struct sk_namespace *ns,
                  const char *name, queue_type type, struct sk_queue_info *ret)
{
    struct sk_queue_key key = {
        .ns = ns->id,
        .kind = type == TYPE(ACTIVITY) ? SK_TASK_ACTIVITY
                : type == TYPE(NEXUS)  ? SK_TASK_NEXUS
                                       : SK_TASK_WORKFLOW,
        .name = sk_str_of(name),
    };
    return sk_matching_describe(frontend->o.matching, ctx, &key, ret);
}

static sk_err describe_plain(struct sk_frontend *frontend, struct sk_ctx *ctx,
                             const struct sk_namespace *ns, const WS(DescribeTaskQueueRequest) *r,
                             WS(DescribeTaskQueueResponse) *response)
{
    struct sk_queue_info info;
    if (r->report_stats && r->task_queue->kind == KIND(STICKY))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "DescribeTaskQueue stats are only supported for the root partition");
    sk_err err = ask(frontend, ctx, ns, r->task_queue->name, r->task_queue_type, &info);
    if (err)
        return err;
    response->n_pollers = info.poller_count;
    response->pollers = pollers_of(ctx->arena, &info);
    if (r->include_task_queue_status)
        fill_status(ctx->arena, &info, response);
    if (r->report_stats)
        fill_stats(ctx->arena, &info, response);
    fill_rate(ctx->arena, &info, response);
    return SK_OK;
}

/* ---- the enhanced answer: by version, of which there is the unversioned one, and kind ---- */

static sk_err describe_type(struct sk_frontend *frontend, struct sk_ctx *ctx,
                            const struct sk_namespace *ns, const WS(DescribeTaskQueueRequest) *r,
                            queue_type type, API_TASKQUEUE(TaskQueueVersionInfo) * version)
{
    typedef API_TASKQUEUE(TaskQueueVersionInfo__TypesInfoEntry) entry;
    struct sk_queue_info info;
    sk_err err = ask(frontend, ctx, ns, r->task_queue->name, type, &info);
    if (err)
        return err;
    entry *e = SK_NEW(ctx->arena, entry);
    temporal__api__taskqueue__v1__task_queue_version_info__types_info_entry__init(e);
    e->key = (int32_t)type;
    e->value = SK_NEW(ctx->arena, API_TASKQUEUE(TaskQueueTypeInfo));
    temporal__api__taskqueue__v1__task_queue_type_info__init(e->value);
    if (r->report_pollers) {
        e->value->n_pollers = info.poller_count;
        e->value->pollers = pollers_of(ctx->arena, &info);
    }
    if (r->report_stats)
        e->value->stats = totals_of(ctx->arena, &info);
    version->types_info[version->n_types_info++] = e;
    return SK_OK;
}

static bool unversioned_wanted(const API_TASKQUEUE(TaskQueueVersionSelection) * versions)
{
    if (!versions || versions->unversioned || versions->all_active)
        return true;
    for (size_t i = 0; i < versions->n_build_ids; i++)
        if (!*versions->build_ids[i])
            return true;
    return false;
}

static sk_err describe_enhanced(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                const struct sk_namespace *ns,
                                const WS(DescribeTaskQueueRequest) *r,
                                WS(DescribeTaskQueueResponse) *response)
{
    typedef WS(DescribeTaskQueueResponse__VersionsInfoEntry) entry;
    static queue_type both[] = {TYPE(WORKFLOW), TYPE(ACTIVITY)};
    const queue_type *types = r->n_task_queue_types ? r->task_queue_types : both;
    size_t count = r->n_task_queue_types ? r->n_task_queue_types : 2;
    if (r->task_queue->kind == KIND(STICKY))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Enhanced DescribeTaskQueue is not valid for a sticky queue, use "
                       "api_mode=UNSPECIFIED or a normal queue.");
    if (!unversioned_wanted(r->versions))
        return SK_OK;
    entry *e = SK_NEW(ctx->arena, entry);
    temporal__api__workflowservice__v1__describe_task_queue_response__versions_info_entry__init(e);
    e->value = SK_NEW(ctx->arena, API_TASKQUEUE(TaskQueueVersionInfo));
    temporal__api__taskqueue__v1__task_queue_version_info__init(e->value);
    e->value->types_info =
        SK_NEW_N(ctx->arena, API_TASKQUEUE(TaskQueueVersionInfo__TypesInfoEntry) *, count);
    for (size_t i = 0; i < count; i++) {
        sk_err err = describe_type(frontend, ctx, ns, r, types[i], e->value);
        if (err)
            return err;
    }
    if (r->report_task_reachability)
        e->value->task_reachability =
            TEMPORAL__API__ENUMS__V1__BUILD_ID_TASK_REACHABILITY__BUILD_ID_TASK_REACHABILITY_REACHABLE;
    response->versions_info = SK_NEW_N(ctx->arena, entry *, 1);
    response->versions_info[response->n_versions_info++] = e;
    return SK_OK;
}

sk_err sk_frontend_describe_task_queue(struct sk_call *call, struct sk_ctx *ctx,
                                       const void *request, void *response)
{
    const WS(DescribeTaskQueueRequest) *r = request;
    struct sk_frontend *frontend = sk_frontend_of(call);
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (!err)
        err = sk_frontend_check_task_queue(frontend, ctx, r->task_queue);
    if (err)
        return err;
    return r->api_mode == ENHANCED ? describe_enhanced(frontend, ctx, ns, r, response)
                                   : describe_plain(frontend, ctx, ns, r, response);
}

/* ---- partitions ---- */

static API_TASKQUEUE(TaskQueuePartitionMetadata) *
    *root_partition(struct sk_arena *arena, const char *queue)
{
    API_TASKQUEUE(TaskQueuePartitionMetadata) **list =
        SK_NEW_N(arena, API_TASKQUEUE(TaskQueuePartitionMetadata) *, 1);
    list[0] = SK_NEW(arena, API_TASKQUEUE(TaskQueuePartitionMetadata));
    temporal__api__taskqueue__v1__task_queue_partition_metadata__init(list[0]);
    list[0]->key = sk_arena_strdup(arena, queue);
    list[0]->owner_host_name = sk_arena_strdup(arena, "localhost");
    return list;
}

sk_err sk_frontend_list_task_queue_partitions(struct sk_call *call, struct sk_ctx *ctx,
                                              const void *request, void *response)
{
    const WS(ListTaskQueuePartitionsRequest) *r = request;
    WS(ListTaskQueuePartitionsResponse) *to = response;
    struct sk_frontend *frontend = sk_frontend_of(call);
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (!err)
        err = sk_frontend_check_task_queue(frontend, ctx, r->task_queue);
    if (err)
        return err;
    to->n_activity_task_queue_partitions = to->n_workflow_task_queue_partitions = 1;
    to->activity_task_queue_partitions = root_partition(ctx->arena, r->task_queue->name);
    to->workflow_task_queue_partitions = root_partition(ctx->arena, r->task_queue->name);
    return SK_OK;
}
