/*
 * Commands about other workflows: each writes its Initiated event and puts a message into the
 * outbox; deliver.c carries it.
 */
#include "engine/command_internal.h"

#include <string.h>
#include "engine/cron.h"
#include "visibility/search_attributes.h"
#include "wire/wire.h"

static bool own_namespace(const struct runner *r, const char *name)
{
    return !sk_text_set(name) || strcmp(name, r->t->ns->name) == 0;
}

static ProtobufCBinaryData event_bytes(struct runner *r, const HIST(HistoryEvent) *event)
{
    struct sk_str bytes = sk_wire_pack(r->t->ctx->arena, &event->base);
    return (ProtobufCBinaryData){bytes.n, (uint8_t *)(uintptr_t)bytes.p};
}

static bool check_child(struct runner *r,
                        const CMDMSG(StartChildWorkflowExecutionCommandAttributes) *c)
{
    const int cause = CAUSE(BAD_START_CHILD_EXECUTION_ATTRIBUTES);
    if (!own_namespace(r, c->namespace_))
        return VERDICT(r, BAD_START_CHILD_EXECUTION_ATTRIBUTES,
                       "cross namespace commands are not allowed (to %s)", c->namespace_);
    if (!sk_text_set(c->workflow_id))
        return command_verdict(
            r, cause,
            "Required field WorkflowId is not set on StartChildWorkflowExecutionCommand.");
    if (!c->workflow_type || !sk_text_set(c->workflow_type->name))
        return VERDICT(r, BAD_START_CHILD_EXECUTION_ATTRIBUTES,
                       "Required field WorkflowType is not set on "
                       "StartChildWorkflowExecutionCommand. WorkflowId=%s",
                       c->workflow_id);
    if (command_too_long(r, c->workflow_id) || command_too_long(r, c->workflow_type->name))
        return VERDICT(r, BAD_START_CHILD_EXECUTION_ATTRIBUTES,
                       "WorkflowId or WorkflowType on StartChildWorkflowExecutionCommand exceeds "
                       "length limit. Length=%zu Limit=%lld",
                       strlen(c->workflow_id), (long long)command_limits(r)->id_length_max);
    const char *fault = command_queue_fault(r, c->task_queue);
    if (fault)
        return VERDICT(r, BAD_START_CHILD_EXECUTION_ATTRIBUTES,
                       "invalid TaskQueue on StartChildWorkflowExecutionCommand: %s. WorkflowId=%s",
                       fault, c->workflow_id);
    if (command_bad_duration(c->workflow_execution_timeout) ||
        command_bad_duration(c->workflow_run_timeout) ||
        command_bad_duration(c->workflow_task_timeout))
        return VERDICT(r, BAD_START_CHILD_EXECUTION_ATTRIBUTES,
                       "a timeout on StartChildWorkflowExecutionCommand is negative. WorkflowId=%s",
                       c->workflow_id);
    fault = sk_priority_fault(r->t->ctx->arena, c->priority);
    if (fault)
        return command_verdict(r, cause, fault);
    struct sk_ctx scratch = {.arena = r->t->ctx->arena};
    if (sk_cron_validate(&scratch, c->cron_schedule) != SK_OK)
        return command_verdict(r, cause, scratch.err.message);
    return command_check_policy(r, c->retry_policy, cause) &&
           command_check_attributes(r, c->search_attributes) &&
           command_fits(
               r, c->input, command_limits(r)->blob_size_error, cause,
               "StartChildWorkflowExecutionCommandAttributes. Input exceeds size limit.") &&
           command_fits(r, c->memo, command_limits(r)->memo_size_error, cause,
                        "StartChildWorkflowExecutionCommandAttributes.Memo exceeds size limit.");
}

static HIST(HistoryEvent) *child_initiated(
    struct runner *r, const CMDMSG(StartChildWorkflowExecutionCommandAttributes) *c)
{
    struct sk_arena *arena = r->t->ctx->arena;
    const EN(ExecutionState) *s = r->t->x->s;
    HIST(HistoryEvent) *event = command_event(r, EVENT(START_CHILD_WORKFLOW_EXECUTION_INITIATED));
    HIST(StartChildWorkflowExecutionInitiatedEventAttributes) *a =
        event->start_child_workflow_execution_initiated_event_attributes;
    bool own_queue = c->task_queue && sk_text_set(c->task_queue->name);
    int64_t execution_ms = sk_dur_ms(c->workflow_execution_timeout);
    int64_t run_ms = start_run_timeout_ms(sk_dur_ms(c->workflow_run_timeout), execution_ms);
    a->namespace_ = sk_arena_strdup(arena, r->t->ns->name);
    a->namespace_id = sk_arena_strdup(arena, r->t->ns->uuid);
    a->workflow_id = c->workflow_id;
    a->workflow_type = c->workflow_type;
    a->task_queue = sk_queue_msg(arena, own_queue ? c->task_queue->name : s->task_queue, NULL);
    a->input = c->input;
    a->workflow_execution_timeout = sk_dur_capped(arena, c->workflow_execution_timeout);
    a->workflow_run_timeout = sk_dur(arena, run_ms);
    a->workflow_task_timeout =
        sk_dur(arena, start_task_timeout_ms(command_limits(r), sk_dur_ms(c->workflow_task_timeout),
                                            run_ms));
    a->parent_close_policy =
        c->parent_close_policy ? c->parent_close_policy : CLOSE_POLICY(TERMINATE);
    a->control = c->control;
    a->workflow_task_completed_event_id = r->t->completed_id;
    a->workflow_id_reuse_policy =
        c->workflow_id_reuse_policy ? c->workflow_id_reuse_policy : REUSE(ALLOW_DUPLICATE);
    a->retry_policy = c->retry_policy ? retry_full_policy(arena, c->retry_policy) : NULL;
    a->cron_schedule = c->cron_schedule;
    a->header = c->header;
    a->memo = c->memo;
    a->search_attributes = sk_sa_present(arena, r->t->ns, c->search_attributes);
    a->inherit_build_id = c->inherit_build_id;
    a->priority = priority_inherit(arena, c->priority, s->priority);
    a->versioning_override = c->versioning_override;
    return event;
}

/* Ids of outbox rows: unique in the run, by what they are about. */
static int64_t outbox_id(int64_t initiated_id)
{
    return initiated_id * 8;
}

bool command_start_child(struct runner *r)
{
    const CMDMSG(StartChildWorkflowExecutionCommandAttributes) *c =
        r->command->start_child_workflow_execution_command_attributes;
    struct txn *t = r->t;
    if (!check_child(r, c))
        return false;
    if ((int64_t)t->x->items[SK_PART_CHILD].n >= command_limits(r)->pending_children)
        return VERDICT(r, PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED,
                       "the number of pending child workflow executions, %zu, has reached the "
                       "per-workflow limit of %lld",
                       t->x->items[SK_PART_CHILD].n,
                       (long long)command_limits(r)->pending_children);
    HIST(HistoryEvent) *event = child_initiated(r, c);
    txn_add(t, event);
    EN(Outbox) *out = EN_NEW(t->ctx->arena, Outbox, outbox);
    out->message_case = SKALD__ENGINE__V1__OUTBOX__MESSAGE_START_CHILD;
    out->start_child = EN_NEW(t->ctx->arena, StartChild, start_child);
    out->start_child->initiated_id = event->event_id;
    out->start_child->initiated = event_bytes(r, event);
    struct item *item;
    EN(Child) *child = exec_child(t->x, event->event_id, &item);
    child->request_id = exec_str(t->x, txn_uuid(r->t));
    txn_send(t, outbox_id(event->event_id), out);
    return true;
}

/* Does this workflow task start a child of that id? */
static bool starts_child(const struct txn *t, const char *workflow_id)
{
    for (size_t i = 0; i < t->out_count; i++) {
        const EN(Outbox) *out = t->out[i].body;
        if (out->message_case != SKALD__ENGINE__V1__OUTBOX__MESSAGE_START_CHILD)
            continue;
        const EN(Child) *child = exec_child(t->x, out->start_child->initiated_id, NULL);
        if (child && strcmp(child->workflow_id, workflow_id) == 0)
            return true;
    }
    return false;
}

static bool check_cancel(struct runner *r,
                         const CMDMSG(RequestCancelExternalWorkflowExecutionCommandAttributes) *c)
{
    const int cause = CAUSE(BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES);
    struct sk_uuid ignored;
    if (!own_namespace(r, c->namespace_))
        return command_verdict(r, cause, "cross namespace commands are not allowed");
    if (!sk_text_set(c->workflow_id) || command_too_long(r, c->workflow_id))
        return command_verdict(r, cause,
                               "WorkflowId is not set or too long on "
                               "RequestCancelExternalWorkflowExecutionCommand.");
    if (sk_text_set(c->run_id) && sk_uuid_parse(c->run_id, &ignored) != 0)
        return VERDICT(r, BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "Invalid RunId set on RequestCancelExternalWorkflowExecutionCommand. "
                       "WorkflowId=%s RunId=%s",
                       c->workflow_id, c->run_id);
    if (starts_child(r->t, c->workflow_id))
        return VERDICT(r, BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "Start and RequestCancel for child workflow is not allowed in same workflow "
                       "task. WorkflowId=%s RunId=%s Namespace=%s",
                       c->workflow_id, c->run_id, c->namespace_);
    size_t pending = r->t->x->items[SK_PART_CANCEL].n;
    if ((int64_t)pending >= command_limits(r)->pending_cancels)
        return VERDICT(r, PENDING_REQUEST_CANCEL_LIMIT_EXCEEDED,
                       "the number of pending requests to cancel external workflows, %zu, has "
                       "reached the per-workflow limit of %lld",
                       pending, (long long)command_limits(r)->pending_cancels);
    return true;
}

bool command_cancel_external(struct runner *r)
{
    const CMDMSG(RequestCancelExternalWorkflowExecutionCommandAttributes) *c =
        r->command->request_cancel_external_workflow_execution_command_attributes;
    struct txn *t = r->t;
    if (!check_cancel(r, c))
        return false;
    HIST(HistoryEvent) *event =
        command_event(r, EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED));
    HIST(RequestCancelExternalWorkflowExecutionInitiatedEventAttributes) *a =
        event->request_cancel_external_workflow_execution_initiated_event_attributes;
    a->workflow_task_completed_event_id = t->completed_id;
    a->namespace_ = sk_arena_strdup(t->ctx->arena, t->ns->name);
    a->namespace_id = sk_arena_strdup(t->ctx->arena, t->ns->uuid);
    a->workflow_execution = sk_execution_msg(t->ctx->arena, c->workflow_id, c->run_id);
    a->control = c->control;
    a->child_workflow_only = c->child_workflow_only;
    a->reason = c->reason;
    txn_add(t, event);
    EN(Outbox) *out = EN_NEW(t->ctx->arena, Outbox, outbox);
    out->message_case = SKALD__ENGINE__V1__OUTBOX__MESSAGE_CANCEL;
    out->cancel = EN_NEW(t->ctx->arena, Cancel, cancel);
    out->cancel->initiated_id = event->event_id;
    out->cancel->initiated = event_bytes(r, event);
    out->cancel->request_id = txn_uuid(r->t);
    txn_send(t, outbox_id(event->event_id), out);
    return true;
}

static bool check_signal(struct runner *r,
                         const CMDMSG(SignalExternalWorkflowExecutionCommandAttributes) *c)
{
    const int cause = CAUSE(BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES);
    struct sk_uuid ignored;
    if (!c->execution)
        return command_verdict(r, cause,
                               "Execution is not set on SignalExternalWorkflowExecutionCommand.");
    if (!own_namespace(r, c->namespace_))
        return command_verdict(r, cause, "cross namespace commands are not allowed");
    if (!sk_text_set(c->execution->workflow_id) || command_too_long(r, c->execution->workflow_id))
        return VERDICT(r, BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "WorkflowId is not set on SignalExternalWorkflowExecutionCommand. "
                       "Namespace=%s RunId=%s SignalName=%s",
                       c->namespace_, c->execution->run_id, c->signal_name);
    if (sk_text_set(c->execution->run_id) && sk_uuid_parse(c->execution->run_id, &ignored) != 0)
        return VERDICT(r, BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "Invalid RunId set on SignalExternalWorkflowExecutionCommand. "
                       "WorkflowId=%s Namespace=%s RunId=%s SignalName=%s",
                       c->execution->workflow_id, c->namespace_, c->execution->run_id,
                       c->signal_name);
    if (!sk_text_set(c->signal_name) || command_too_long(r, c->signal_name))
        return VERDICT(r, BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "SignalName is not set on SignalExternalWorkflowExecutionCommand. "
                       "WorkflowId=%s Namespace=%s RunId=%s",
                       c->execution->workflow_id, c->namespace_, c->execution->run_id);
    if ((int64_t)r->t->x->items[SK_PART_SIGNAL].n >= command_limits(r)->pending_signals)
        return VERDICT(r, PENDING_SIGNALS_LIMIT_EXCEEDED,
                       "the number of pending signals to external workflows, %zu, has reached the "
                       "per-workflow limit of %lld",
                       r->t->x->items[SK_PART_SIGNAL].n,
                       (long long)command_limits(r)->pending_signals);
    return command_fits(
        r, c->input, command_limits(r)->blob_size_error, cause,
        "SignalExternalWorkflowExecutionCommandAttributes.Input exceeds size limit.");
}

bool command_signal_external(struct runner *r)
{
    const CMDMSG(SignalExternalWorkflowExecutionCommandAttributes) *c =
        r->command->signal_external_workflow_execution_command_attributes;
    struct txn *t = r->t;
    if (!check_signal(r, c))
        return false;
    HIST(HistoryEvent) *event =
        command_event(r, EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED));
    HIST(SignalExternalWorkflowExecutionInitiatedEventAttributes) *a =
        event->signal_external_workflow_execution_initiated_event_attributes;
    a->workflow_task_completed_event_id = t->completed_id;
    a->namespace_ = sk_arena_strdup(t->ctx->arena, t->ns->name);
    a->namespace_id = sk_arena_strdup(t->ctx->arena, t->ns->uuid);
    a->workflow_execution = c->execution;
    a->signal_name = c->signal_name;
    a->input = c->input;
    a->control = c->control;
    a->child_workflow_only = c->child_workflow_only;
    a->header = c->header;
    txn_add(t, event);
    EN(Outbox) *out = EN_NEW(t->ctx->arena, Outbox, outbox);
    out->message_case = SKALD__ENGINE__V1__OUTBOX__MESSAGE_SIGNAL;
    out->signal = EN_NEW(t->ctx->arena, Signal, signal);
    out->signal->initiated_id = event->event_id;
    out->signal->initiated = event_bytes(r, event);
    out->signal->request_id = txn_uuid(r->t);
    txn_send(t, outbox_id(event->event_id), out);
    return true;
}
