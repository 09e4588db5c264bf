/*
 * Apply: what an event does to a run's state. The only code that changes the event-derived part
 * (fields 1-59 of ExecutionState and the fold's view of the items), both when a decision emits an
 * event and when a history is folded again. It never looks at the clock, the store or the request.
 *
 * An event that is buffered (it arrived while a workflow task was started) is applied at once with
 * event id 0 and gets its id when it is flushed; nothing here may depend on the id of an event
 * that can be buffered, except through apply_flushed_id.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "visibility/search_attributes.h"

static int64_t event_ns(const HIST(HistoryEvent) *event)
{
    return sk_ts_ns(event->event_time);
}

static void apply_parent(struct exec *x, const HIST(WorkflowExecutionStartedEventAttributes) *a)
{
    EN(ExecutionState) *s = x->s;
    if (!a->parent_workflow_execution)
        return;
    s->has_parent = true;
    s->parent_namespace = exec_str(x, a->parent_workflow_namespace);
    s->parent_namespace_id = exec_str(x, a->parent_workflow_namespace_id);
    s->parent_workflow_id = exec_str(x, a->parent_workflow_execution->workflow_id);
    s->parent_run_id = exec_str(x, a->parent_workflow_execution->run_id);
    s->parent_initiated_id = a->parent_initiated_event_id;
}

static void apply_started(struct exec *x, const HIST(HistoryEvent) *event)
{
    const HIST(WorkflowExecutionStartedEventAttributes) *a =
        event->workflow_execution_started_event_attributes;
    EN(ExecutionState) *s = x->s;
    s->status = STATUS(RUNNING);
    s->workflow_type = exec_str(x, a->workflow_type ? a->workflow_type->name : "");
    s->task_queue = exec_str(x, a->task_queue ? a->task_queue->name : "");
    s->execution_timeout_ms = sk_dur_ms(a->workflow_execution_timeout);
    s->run_timeout_ms = sk_dur_ms(a->workflow_run_timeout);
    s->task_timeout_ms = sk_dur_ms(a->workflow_task_timeout);
    s->original_run_id = exec_str(x, a->original_execution_run_id);
    s->first_run_id = exec_str(x, a->first_execution_run_id);
    s->continued_run_id = exec_str(x, a->continued_execution_run_id);
    s->initiator = (int32_t)a->initiator;
    s->attempt = a->attempt;
    s->retry_policy = EXEC_DUP(x, a->retry_policy);
    s->cron_schedule = exec_str(x, a->cron_schedule);
    s->start_identity = exec_str(x, a->identity);
    s->memo = EXEC_DUP(x, a->memo);
    s->search_attributes = EXEC_DUP(x, a->search_attributes);
    s->priority = EXEC_DUP(x, a->priority);
    s->user_metadata = EXEC_DUP(x, event->user_metadata);
    s->versioning_override = EXEC_DUP(x, a->versioning_override);
    s->start_ns = event_ns(event);
    s->first_task_backoff_ms = sk_dur_ms(a->first_workflow_task_backoff);
    s->execution_ns = s->start_ns + s->first_task_backoff_ms * MS_NS;
    if (s->run_timeout_ms > 0)
        s->run_expires_ms = s->execution_ns / MS_NS + s->run_timeout_ms;
    s->execution_expires_ms = sk_ts_ns(a->workflow_execution_expiration_time) / MS_NS;
    if (a->root_workflow_execution) {
        s->root_workflow_id = exec_str(x, a->root_workflow_execution->workflow_id);
        s->root_run_id = exec_str(x, a->root_workflow_execution->run_id);
    }
    apply_parent(x, a);
}

static void apply_closed(struct exec *x, const HIST(HistoryEvent) *event, int status,
                         const char *new_run_id)
{
    x->s->status = status;
    x->s->close_ns = event_ns(event);
    x->s->close_event_id = event->event_id;
    x->s->new_run_id = exec_str(x, new_run_id);
    x->s->wft = NULL;
}

static void apply_wft_scheduled(struct exec *x, const HIST(HistoryEvent) *event)
{
    const HIST(WorkflowTaskScheduledEventAttributes) *a =
        event->workflow_task_scheduled_event_attributes;
    EN(WorkflowTask) *wft = x->s->wft;
    if (!wft)
        wft = x->s->wft = EN_NEW(x->arena, WorkflowTask, workflow_task);
    wft->scheduled_id = event->event_id;
    wft->attempt = a->attempt;
    wft->timeout_ms = sk_dur_ms(a->start_to_close_timeout);
    if (wft->scheduled_ns == 0)
        wft->scheduled_ns = event_ns(event);
    if (wft->original_scheduled_ns == 0)
        wft->original_scheduled_ns = wft->scheduled_ns;
}

static void apply_wft_started(struct exec *x, const HIST(HistoryEvent) *event)
{
    const HIST(WorkflowTaskStartedEventAttributes) *a =
        event->workflow_task_started_event_attributes;
    EN(WorkflowTask) *wft = x->s->wft;
    if (!wft)
        return;
    wft->started_id = event->event_id;
    wft->started_ns = event_ns(event);
    wft->request_id = exec_str(x, a->request_id);
    wft->identity = exec_str(x, a->identity);
    wft->history_size = a->history_size_bytes;
    wft->suggest_continue_as_new = a->suggest_continue_as_new;
}

static void apply_wft_completed(struct exec *x, const HIST(HistoryEvent) *event)
{
    const HIST(WorkflowTaskCompletedEventAttributes) *a =
        event->workflow_task_completed_event_attributes;
    x->s->last_started_id = a->started_event_id;
    x->s->last_completed_id = event->event_id;
    x->s->wft = NULL;
}

static void apply_activity_scheduled(struct exec *x, const HIST(HistoryEvent) *event)
{
    const HIST(ActivityTaskScheduledEventAttributes) *a =
        event->activity_task_scheduled_event_attributes;
    EN(Activity) *activity = EN_NEW(x->arena, Activity, activity);
    activity->scheduled_id = event->event_id;
    activity->activity_id = exec_str(x, a->activity_id);
    activity->type = exec_str(x, a->activity_type ? a->activity_type->name : "");
    activity->task_queue = exec_str(x, a->task_queue ? a->task_queue->name : "");
    activity->schedule_to_close_ms = sk_dur_ms(a->schedule_to_close_timeout);
    activity->schedule_to_start_ms = sk_dur_ms(a->schedule_to_start_timeout);
    activity->start_to_close_ms = sk_dur_ms(a->start_to_close_timeout);
    activity->heartbeat_ms = sk_dur_ms(a->heartbeat_timeout);
    activity->retry_policy = EXEC_DUP(x, a->retry_policy);
    activity->priority = EXEC_DUP(x, a->priority);
    activity->wft_completed_id = a->workflow_task_completed_event_id;
    activity->first_scheduled_ns = activity->scheduled_ns = event_ns(event);
    activity->attempt = 1;
    if (activity->schedule_to_close_ms > 0)
        activity->expires_ms =
            activity->first_scheduled_ns / MS_NS + activity->schedule_to_close_ms;
    items_add(x, SK_PART_ACTIVITY, event->event_id, activity);
}

static void apply_activity_cancel_requested(struct exec *x, const HIST(HistoryEvent) *event)
{
    struct item *item;
    EN(Activity) *a = exec_activity(
        x, event->activity_task_cancel_requested_event_attributes->scheduled_event_id, &item);
    if (!a)
        return;
    a->cancel_requested = true;
    a->cancel_requested_id = event->event_id;
    item_touch(item);
}

static void apply_timer_started(struct exec *x, const HIST(HistoryEvent) *event)
{
    const HIST(TimerStartedEventAttributes) *a = event->timer_started_event_attributes;
    EN(Timer) *timer = EN_NEW(x->arena, Timer, timer);
    timer->timer_id = exec_str(x, a->timer_id);
    timer->started_id = event->event_id;
    timer->due_ms = (event_ns(event) + MS_NS - 1) / MS_NS + sk_dur_ms(a->start_to_fire_timeout);
    items_add(x, SK_PART_TIMER, event->event_id, timer);
}

static void apply_child_initiated(struct exec *x, const HIST(HistoryEvent) *event)
{
    const HIST(StartChildWorkflowExecutionInitiatedEventAttributes) *a =
        event->start_child_workflow_execution_initiated_event_attributes;
    EN(Child) *child = EN_NEW(x->arena, Child, child);
    child->initiated_id = event->event_id;
    child->namespace_ = exec_str(x, a->namespace_);
    child->workflow_id = exec_str(x, a->workflow_id);
    child->workflow_type = exec_str(x, a->workflow_type ? a->workflow_type->name : "");
    child->parent_close_policy = (int32_t)a->parent_close_policy;
    items_add(x, SK_PART_CHILD, event->event_id, child);
}

static void apply_child_started(struct exec *x, const HIST(HistoryEvent) *event)
{
    const HIST(ChildWorkflowExecutionStartedEventAttributes) *a =
        event->child_workflow_execution_started_event_attributes;
    struct item *item;
    EN(Child) *child = exec_child(x, a->initiated_event_id, &item);
    if (!child)
        return;
    child->run_id = exec_str(x, a->workflow_execution->run_id);
    child->started_event_id = event->event_id ? event->event_id : -1; // -1: buffered
    item_touch(item);
}

static void apply_external(struct exec *x, enum sk_part_kind kind, int64_t id,
                           const char *namespace_, const COMMON(WorkflowExecution) *target,
                           bool child_only)
{
    EN(ExternalRequest) *request = EN_NEW(x->arena, ExternalRequest, external_request);
    request->initiated_id = id;
    request->namespace_ = exec_str(x, namespace_);
    request->workflow_id = exec_str(x, target->workflow_id);
    request->run_id = exec_str(x, target->run_id);
    request->child_only = child_only;
    items_add(x, kind, id, request);
}

static void apply_upsert_memo(struct exec *x, const COMMON(Memo) *upsert)
{
    if (!upsert)
        return;
    COMMON(Memo) *merged = COMMON_NEW(x->arena, Memo, memo);
    COMMON(Memo) *old = x->s->memo;
    size_t n_old = old ? old->n_fields : 0;
    merged->fields = (void *)SK_NEW_N(x->arena, void *, n_old + upsert->n_fields);
    for (size_t i = 0; i < n_old; i++) {
        bool replaced = false;
        for (size_t j = 0; j < upsert->n_fields; j++)
            replaced |= strcmp(old->fields[i]->key, upsert->fields[j]->key) == 0;
        if (!replaced)
            merged->fields[merged->n_fields++] = old->fields[i];
    }
    for (size_t j = 0; j < upsert->n_fields; j++)
        if (!sk_sa_payload_is_null(upsert->fields[j]->value))
            merged->fields[merged->n_fields++] = EXEC_DUP(x, upsert->fields[j]);
    x->s->memo = merged;
}

static void apply_workflow_task(struct exec *x, const HIST(HistoryEvent) *event)
{
    switch ((int)event->event_type) {
    case EVENT(WORKFLOW_TASK_SCHEDULED):
        apply_wft_scheduled(x, event);
        break;
    case EVENT(WORKFLOW_TASK_STARTED):
        apply_wft_started(x, event);
        break;
    case EVENT(WORKFLOW_TASK_COMPLETED):
        apply_wft_completed(x, event);
        break;
    default:
        x->s->wft = NULL;
        break; // failed, timed out
    }
}

static void apply_item_event(struct exec *x, const HIST(HistoryEvent) *event)
{
    switch ((int)event->event_type) {
    case EVENT(ACTIVITY_TASK_SCHEDULED):
        apply_activity_scheduled(x, event);
        break;
    case EVENT(ACTIVITY_TASK_STARTED): {
        struct item *item;
        EN(Activity) *a = exec_activity(
            x, event->activity_task_started_event_attributes->scheduled_event_id, &item);
        if (a) {
            a->started_event_id = event->event_id;
            item_touch(item);
        }
        break;
    }
    case EVENT(ACTIVITY_TASK_CANCEL_REQUESTED):
        apply_activity_cancel_requested(x, event);
        break;
    case EVENT(ACTIVITY_TASK_COMPLETED):
        items_remove(x, SK_PART_ACTIVITY,
                     event->activity_task_completed_event_attributes->scheduled_event_id);
        break;
    case EVENT(ACTIVITY_TASK_FAILED):
        items_remove(x, SK_PART_ACTIVITY,
                     event->activity_task_failed_event_attributes->scheduled_event_id);
        break;
    case EVENT(ACTIVITY_TASK_TIMED_OUT):
        items_remove(x, SK_PART_ACTIVITY,
                     event->activity_task_timed_out_event_attributes->scheduled_event_id);
        break;
    case EVENT(ACTIVITY_TASK_CANCELED):
        items_remove(x, SK_PART_ACTIVITY,
                     event->activity_task_canceled_event_attributes->scheduled_event_id);
        break;
    case EVENT(TIMER_STARTED):
        apply_timer_started(x, event);
        break;
    case EVENT(TIMER_FIRED):
        items_remove(x, SK_PART_TIMER, event->timer_fired_event_attributes->started_event_id);
        break;
    case EVENT(TIMER_CANCELED):
        items_remove(x, SK_PART_TIMER, event->timer_canceled_event_attributes->started_event_id);
        break;
    default:
        break;
    }
}

static void apply_child_event(struct exec *x, const HIST(HistoryEvent) *event)
{
    int64_t initiated;
    switch ((int)event->event_type) {
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_INITIATED):
        apply_child_initiated(x, event);
        return;
    case EVENT(CHILD_WORKFLOW_EXECUTION_STARTED):
        apply_child_started(x, event);
        return;
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_FAILED):
        initiated =
            event->start_child_workflow_execution_failed_event_attributes->initiated_event_id;
        break;
    case EVENT(CHILD_WORKFLOW_EXECUTION_COMPLETED):
        initiated = event->child_workflow_execution_completed_event_attributes->initiated_event_id;
        break;
    case EVENT(CHILD_WORKFLOW_EXECUTION_FAILED):
        initiated = event->child_workflow_execution_failed_event_attributes->initiated_event_id;
        break;
    case EVENT(CHILD_WORKFLOW_EXECUTION_CANCELED):
        initiated = event->child_workflow_execution_canceled_event_attributes->initiated_event_id;
        break;
    case EVENT(CHILD_WORKFLOW_EXECUTION_TIMED_OUT):
        initiated = event->child_workflow_execution_timed_out_event_attributes->initiated_event_id;
        break;
    case EVENT(CHILD_WORKFLOW_EXECUTION_TERMINATED):
        initiated = event->child_workflow_execution_terminated_event_attributes->initiated_event_id;
        break;
    default:
        return;
    }
    items_remove(x, SK_PART_CHILD, initiated);
}

static void apply_external_event(struct exec *x, const HIST(HistoryEvent) *event)
{
    switch ((int)event->event_type) {
    case EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED): {
        const HIST(RequestCancelExternalWorkflowExecutionInitiatedEventAttributes) *a =
            event->request_cancel_external_workflow_execution_initiated_event_attributes;
        apply_external(x, SK_PART_CANCEL, event->event_id, a->namespace_, a->workflow_execution,
                       a->child_workflow_only);
        break;
    }
    case EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED):
        items_remove(x, SK_PART_CANCEL,
                     event->request_cancel_external_workflow_execution_failed_event_attributes
                         ->initiated_event_id);
        break;
    case EVENT(EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED):
        items_remove(x, SK_PART_CANCEL,
                     event->external_workflow_execution_cancel_requested_event_attributes
                         ->initiated_event_id);
        break;
    case EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED): {
        const HIST(SignalExternalWorkflowExecutionInitiatedEventAttributes) *a =
            event->signal_external_workflow_execution_initiated_event_attributes;
        apply_external(x, SK_PART_SIGNAL, event->event_id, a->namespace_, a->workflow_execution,
                       a->child_workflow_only);
        break;
    }
    case EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED):
        items_remove(
            x, SK_PART_SIGNAL,
            event->signal_external_workflow_execution_failed_event_attributes->initiated_event_id);
        break;
    case EVENT(EXTERNAL_WORKFLOW_EXECUTION_SIGNALED):
        items_remove(
            x, SK_PART_SIGNAL,
            event->external_workflow_execution_signaled_event_attributes->initiated_event_id);
        break;
    default:
        break;
    }
}

static void apply_run_event(struct exec *x, const HIST(HistoryEvent) *event)
{
    switch ((int)event->event_type) {
    case EVENT(WORKFLOW_EXECUTION_STARTED):
        apply_started(x, event);
        break;
    case EVENT(WORKFLOW_EXECUTION_COMPLETED):
        apply_closed(x, event, STATUS(COMPLETED),
                     event->workflow_execution_completed_event_attributes->new_execution_run_id);
        break;
    case EVENT(WORKFLOW_EXECUTION_FAILED):
        apply_closed(x, event, STATUS(FAILED),
                     event->workflow_execution_failed_event_attributes->new_execution_run_id);
        break;
    case EVENT(WORKFLOW_EXECUTION_TIMED_OUT):
        apply_closed(x, event, STATUS(TIMED_OUT),
                     event->workflow_execution_timed_out_event_attributes->new_execution_run_id);
        break;
    case EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW):
        apply_closed(
            x, event, STATUS(CONTINUED_AS_NEW),
            event->workflow_execution_continued_as_new_event_attributes->new_execution_run_id);
        break;
    case EVENT(WORKFLOW_EXECUTION_CANCELED):
        apply_closed(x, event, STATUS(CANCELED), "");
        break;
    case EVENT(WORKFLOW_EXECUTION_TERMINATED):
        apply_closed(x, event, STATUS(TERMINATED), "");
        break;
    case EVENT(WORKFLOW_EXECUTION_SIGNALED):
        x->s->signal_count++;
        break;
    case EVENT(WORKFLOW_EXECUTION_CANCEL_REQUESTED):
        x->s->cancel_requested = true;
        break;
    case EVENT(UPSERT_WORKFLOW_SEARCH_ATTRIBUTES):
        x->s->search_attributes = sk_sa_merge(
            x->arena, x->s->search_attributes,
            EXEC_DUP(x,
                     event->upsert_workflow_search_attributes_event_attributes->search_attributes));
        break;
    case EVENT(WORKFLOW_PROPERTIES_MODIFIED):
        apply_upsert_memo(x, event->workflow_properties_modified_event_attributes->upserted_memo);
        break;
    default:
        break;
    }
}

void exec_apply(struct exec *x, const HIST(HistoryEvent) *event)
{
    switch ((int)event->event_type) {
    case EVENT(WORKFLOW_TASK_SCHEDULED):
    case EVENT(WORKFLOW_TASK_STARTED):
    case EVENT(WORKFLOW_TASK_COMPLETED):
    case EVENT(WORKFLOW_TASK_FAILED):
    case EVENT(WORKFLOW_TASK_TIMED_OUT):
        apply_workflow_task(x, event);
        break;
    case EVENT(ACTIVITY_TASK_SCHEDULED):
    case EVENT(ACTIVITY_TASK_STARTED):
    case EVENT(ACTIVITY_TASK_COMPLETED):
    case EVENT(ACTIVITY_TASK_FAILED):
    case EVENT(ACTIVITY_TASK_TIMED_OUT):
    case EVENT(ACTIVITY_TASK_CANCEL_REQUESTED):
    case EVENT(ACTIVITY_TASK_CANCELED):
    case EVENT(TIMER_STARTED):
    case EVENT(TIMER_FIRED):
    case EVENT(TIMER_CANCELED):
        apply_item_event(x, event);
        break;
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_INITIATED):
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_FAILED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_STARTED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_COMPLETED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_FAILED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_CANCELED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_TIMED_OUT):
    case EVENT(CHILD_WORKFLOW_EXECUTION_TERMINATED):
        apply_child_event(x, event);
        break;
    case EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED):
    case EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED):
    case EVENT(EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED):
    case EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED):
    case EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED):
    case EVENT(EXTERNAL_WORKFLOW_EXECUTION_SIGNALED):
        apply_external_event(x, event);
        break;
    default:
        apply_run_event(x, event);
        break;
    }
}
