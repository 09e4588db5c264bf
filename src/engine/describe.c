/* DescribeWorkflowExecution: a run as it stands, from its record alone. */
#include "engine/engine_internal.h"

#include "visibility/search_attributes.h"

#define WF(name) Temporal__Api__Workflow__V1__##name
#define WF_NEW(arena, Type, snake) MSG_NEW(arena, WF(Type), temporal__api__workflow__v1__##snake)

/* With the older form of the same, as Temporal has it. */
static WF(WorkflowExecutionVersioningInfo) *versioning_of(const EN(ExecutionState) *s,
                                                          struct sk_arena *arena)
{
    WF(WorkflowExecutionVersioningInfo) *info =
        WF_NEW(arena, WorkflowExecutionVersioningInfo, workflow_execution_versioning_info);
    info->versioning_override = sk_msg_dup(arena, s->versioning_override);
    info->versioning_override->behavior =
        TEMPORAL__API__ENUMS__V1__VERSIONING_BEHAVIOR__VERSIONING_BEHAVIOR_AUTO_UPGRADE;
    return info;
}

static WF(WorkflowExecutionInfo) *info_of(const struct exec *x, struct sk_arena *arena,
                                          const struct sk_namespace *ns, const char *workflow_id)
{
    const EN(ExecutionState) *s = x->s;
    WF(WorkflowExecutionInfo) *info = WF_NEW(arena, WorkflowExecutionInfo, workflow_execution_info);
    info->execution = sk_execution_msg(arena, workflow_id, x->run_text);
    info->type = sk_type_msg(arena, s->workflow_type);
    info->start_time = sk_ts(arena, s->start_ns);
    info->execution_time = sk_ts(arena, s->execution_ns);
    info->status = (Temporal__Api__Enums__V1__WorkflowExecutionStatus)s->status;
    info->history_length = s->next_event_id - 1 + (x->start.set && s->wft->attempt == 1);
    info->history_size_bytes = s->history_size;
    info->state_transition_count = s->state_transitions;
    info->task_queue = sk_arena_strdup(arena, s->task_queue);
    /* SDKs read both without asking whether they are there. */
    info->memo = s->memo ? sk_msg_dup(arena, s->memo) : COMMON_NEW(arena, Memo, memo);
    info->search_attributes =
        sk_sa_present(arena, ns, sk_msg_dup(arena, visible_attributes(x, arena)));
    if (!info->search_attributes)
        info->search_attributes = COMMON_NEW(arena, SearchAttributes, search_attributes);
    if (s->versioning_override)
        info->versioning_info = versioning_of(s, arena);
    info->first_run_id = sk_arena_strdup(arena, s->first_run_id);
    info->root_execution = sk_execution_msg(arena, s->root_workflow_id, s->root_run_id);
    info->priority = sk_msg_dup(arena, s->priority);
    if (s->has_parent) {
        info->parent_namespace_id = sk_arena_strdup(arena, s->parent_namespace_id);
        info->parent_execution = sk_execution_msg(arena, s->parent_workflow_id, s->parent_run_id);
    }
    if (!exec_running(x)) {
        info->close_time = sk_ts(arena, s->close_ns);
        info->execution_duration = sk_dur(arena, (s->close_ns - s->execution_ns) / MS_NS);
    }
    return info;
}

static WF(WorkflowExecutionConfig) *config_of(const struct exec *x, struct sk_arena *arena)
{
    const EN(ExecutionState) *s = x->s;
    WF(WorkflowExecutionConfig) *config =
        WF_NEW(arena, WorkflowExecutionConfig, workflow_execution_config);
    config->task_queue = sk_queue_msg(arena, s->task_queue, NULL);
    if (s->execution_timeout_ms)
        config->workflow_execution_timeout = sk_dur(arena, s->execution_timeout_ms);
    if (s->run_timeout_ms)
        config->workflow_run_timeout = sk_dur(arena, s->run_timeout_ms);
    config->default_workflow_task_timeout = sk_dur(arena, s->task_timeout_ms);
    config->user_metadata = sk_msg_dup(arena, s->user_metadata);
    return config;
}

static WF(PendingActivityInfo__PauseInfo) *pause_of(const EN(Activity) *a, struct sk_arena *arena)
{
    WF(PendingActivityInfo__PauseInfo) *info =
        WF_NEW(arena, PendingActivityInfo__PauseInfo, pending_activity_info__pause_info);
    info->pause_time = sk_ts(arena, a->paused_ms * MS_NS);
    info->paused_by_case =
        TEMPORAL__API__WORKFLOW__V1__PENDING_ACTIVITY_INFO__PAUSE_INFO__PAUSED_BY_MANUAL;
    info->manual = WF_NEW(arena, PendingActivityInfo__PauseInfo__Manual,
                          pending_activity_info__pause_info__manual);
    info->manual->identity = sk_arena_strdup(arena, a->paused_identity);
    info->manual->reason = sk_arena_strdup(arena, a->paused_reason);
    return info;
}

static WF(PendingActivityInfo) *activity_of(const EN(Activity) *a, struct sk_arena *arena)
{
    enum { SCHEDULED = 1, STARTED = 2, CANCEL_REQUESTED = 3, PAUSED = 4, PAUSE_REQUESTED = 5 };
    WF(PendingActivityInfo) *info = WF_NEW(arena, PendingActivityInfo, pending_activity_info);
    info->activity_id = sk_arena_strdup(arena, a->activity_id);
    info->activity_type = COMMON_NEW(arena, ActivityType, activity_type);
    info->activity_type->name = sk_arena_strdup(arena, a->type);
    int state = a->cancel_requested ? CANCEL_REQUESTED : a->started_ns ? STARTED : SCHEDULED;
    if (a->paused && state != CANCEL_REQUESTED)
        state = a->started_ns ? PAUSE_REQUESTED : PAUSED;
    info->state = (Temporal__Api__Enums__V1__PendingActivityState)state;
    info->heartbeat_details = sk_msg_dup(arena, a->heartbeat);
    info->last_heartbeat_time = sk_ts(arena, a->heartbeat_at_ms * MS_NS);
    info->last_started_time = sk_ts(arena, a->started_ns);
    info->attempt = a->attempt;
    info->maximum_attempts = a->retry_policy ? a->retry_policy->maximum_attempts : 0;
    if (state == SCHEDULED)
        info->scheduled_time =
            sk_ts(arena, a->retry_due_ms ? a->retry_due_ms * MS_NS : a->scheduled_ns);
    info->expiration_time = sk_ts(arena, a->expires_ms * MS_NS);
    info->last_failure = sk_msg_dup(arena, a->last_failure);
    info->last_worker_identity =
        sk_arena_strdup(arena, sk_text_set(a->identity) ? a->identity : a->last_identity);
    info->last_attempt_complete_time = sk_ts(arena, a->last_attempt_complete_ms * MS_NS);
    if (a->retry_due_ms) {
        info->current_retry_interval = sk_dur(arena, a->retry_interval_ms);
        info->next_attempt_schedule_time = sk_ts(arena, a->retry_due_ms * MS_NS);
    }
    info->priority = sk_msg_dup(arena, a->priority);
    info->paused = a->paused;
    if (a->paused)
        info->pause_info = pause_of(a, arena);
    Temporal__Api__Activity__V1__ActivityOptions *options =
        MSG_NEW(arena, Temporal__Api__Activity__V1__ActivityOptions,
                temporal__api__activity__v1__activity_options);
    options->task_queue = sk_queue_msg(arena, a->task_queue, NULL);
    options->schedule_to_close_timeout = sk_dur(arena, a->schedule_to_close_ms);
    options->schedule_to_start_timeout = sk_dur(arena, a->schedule_to_start_ms);
    options->start_to_close_timeout = sk_dur(arena, a->start_to_close_ms);
    options->heartbeat_timeout = sk_dur(arena, a->heartbeat_ms);
    options->retry_policy = sk_msg_dup(arena, a->retry_policy);
    info->activity_options = options;
    return info;
}

static void add_pending(const struct exec *x, struct sk_arena *arena,
                        WS(DescribeWorkflowExecutionResponse) *response)
{
    const struct items *activities = &x->items[SK_PART_ACTIVITY];
    const struct items *children = &x->items[SK_PART_CHILD];
    response->pending_activities = SK_NEW_N(arena, WF(PendingActivityInfo) *, activities->n + 1);
    for (size_t i = 0; i < activities->n; i++)
        response->pending_activities[response->n_pending_activities++] =
            activity_of((const EN(Activity) *)activities->v[i].record, arena);
    response->pending_children = SK_NEW_N(arena, WF(PendingChildExecutionInfo) *, children->n + 1);
    for (size_t i = 0; i < children->n; i++) {
        const EN(Child) *child = (const EN(Child) *)children->v[i].record;
        WF(PendingChildExecutionInfo) *info =
            WF_NEW(arena, PendingChildExecutionInfo, pending_child_execution_info);
        info->workflow_id = sk_arena_strdup(arena, child->workflow_id);
        info->run_id = sk_arena_strdup(arena, child->run_id);
        info->workflow_type_name = sk_arena_strdup(arena, child->workflow_type);
        info->initiated_id = child->initiated_id;
        info->parent_close_policy =
            (Temporal__Api__Enums__V1__ParentClosePolicy)child->parent_close_policy;
        response->pending_children[response->n_pending_children++] = info;
    }
}

static WF(PendingWorkflowTaskInfo) *task_of(const struct exec *x, struct sk_arena *arena)
{
    enum { SCHEDULED = 1, STARTED = 2 };
    const EN(WorkflowTask) *wft = x->s->wft;
    if (!wft)
        return NULL;
    WF(PendingWorkflowTaskInfo) *info =
        WF_NEW(arena, PendingWorkflowTaskInfo, pending_workflow_task_info);
    int64_t started = x->start.set ? x->start.started_ns : wft->started_ns;
    info->state =
        (Temporal__Api__Enums__V1__PendingWorkflowTaskState)(started ? STARTED : SCHEDULED);
    info->scheduled_time = sk_ts(arena, wft->scheduled_ns);
    info->original_scheduled_time = sk_ts(arena, wft->original_scheduled_ns);
    info->started_time = sk_ts(arena, started);
    info->attempt = wft->attempt;
    return info;
}

static WF(WorkflowExecutionExtendedInfo) *extended_of(const struct exec *x, struct sk_arena *arena)
{
    const EN(ExecutionState) *s = x->s;
    WF(WorkflowExecutionExtendedInfo) *info =
        WF_NEW(arena, WorkflowExecutionExtendedInfo, workflow_execution_extended_info);
    info->execution_expiration_time = sk_ts(arena, s->execution_expires_ms * MS_NS);
    info->run_expiration_time = sk_ts(arena, s->run_expires_ms * MS_NS);
    info->cancel_requested = s->cancel_requested;
    info->original_start_time = sk_ts(arena, s->start_ns);
    info->request_id_infos = SK_NEW_N(
        arena, WF(WorkflowExecutionExtendedInfo__RequestIdInfosEntry) *, s->n_request_ids + 1);
    for (size_t i = 0; i < s->n_request_ids; i++) {
        const EN(RequestId) *id = s->request_ids[i];
        if (id->event_type == (int)EVENT(WORKFLOW_EXECUTION_SIGNALED))
            continue;
        WF(WorkflowExecutionExtendedInfo__RequestIdInfosEntry) *entry =
            WF_NEW(arena, WorkflowExecutionExtendedInfo__RequestIdInfosEntry,
                   workflow_execution_extended_info__request_id_infos_entry);
        entry->key = sk_arena_strdup(arena, id->id);
        entry->value = WF_NEW(arena, RequestIdInfo, request_id_info);
        entry->value->event_type = (Temporal__Api__Enums__V1__EventType)id->event_type;
        entry->value->event_id = id->event_id;
        entry->value->buffered = id->event_id == 0;
        info->request_id_infos[info->n_request_id_infos++] = entry;
    }
    return info;
}

static sk_err describe(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                       const void *request, void *out)
{
    const WS(DescribeWorkflowExecutionRequest) *r = request;
    WS(DescribeWorkflowExecutionResponse) *response = out;
    struct exec *x;
    sk_err err = flow_run(flow, ctx, r->execution->run_id, &x);
    if (err != SK_OK)
        return err;
    response->workflow_execution_info = info_of(x, ctx->arena, ns, r->execution->workflow_id);
    response->execution_config = config_of(x, ctx->arena);
    response->pending_workflow_task = task_of(x, ctx->arena);
    response->workflow_extended_info = extended_of(x, ctx->arena);
    add_pending(x, ctx->arena, response);
    return SK_OK;
}

sk_err sk_engine_describe(struct sk_engine *engine, struct sk_ctx *ctx,
                          const struct sk_namespace *ns,
                          const WS(DescribeWorkflowExecutionRequest) *request,
                          WS(DescribeWorkflowExecutionResponse) *response)
{
    return flow_call(engine, ctx, ns, request->execution->workflow_id, describe, request, response);
}
