/*
 * Deliveries of signals and cancel requests to another workflow: ask the target, which takes them
 * with whatever else waits for it (joint.c), and record in the source what came of it. How a
 * message is carried: deliver.c.
 */
#include "engine/deliver_internal.h"

#include <string.h>

/* ---- signal another ---- */

static bool is_child_of_source(const struct attempt *a, const struct exec *x)
{
    return x->s->has_parent && strcmp(x->s->parent_workflow_id, a->d->source_id) == 0 &&
           strcmp(x->s->parent_run_id, deliver_source_run(a)) == 0;
}

/* The reply says no, until the target said yes: it may not be there. */
static sk_err ask_target(struct attempt *a, const COMMON(WorkflowExecution) *target,
                         decide_fn decide)
{
    const struct change change = {.workflow_id = target->workflow_id,
                                  .run_id = target->run_id,
                                  .decide = decide,
                                  .response = a};
    return deliver_change(a, &change);
}

static bool is_source(const struct attempt *a, const struct exec *x)
{
    return memcmp(&x->run_id, &a->d->source_run, sizeof x->run_id) == 0;
}

static sk_err decide_signal(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                            const struct change *change)
{
    (void)ctx;
    struct attempt *a = change->response;
    const HIST(SignalExternalWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->signal_external_workflow_execution_initiated_event_attributes;
    if (is_source(a, x) || !exec_running(x) ||
        (i->child_workflow_only && !is_child_of_source(a, x)))
        return SK_OK;
    if (signals_closing(x))
        return SK_UNAVAILABLE; // come again
    if (signals_full(x)) {
        a->reply.cause = SIGNAL_CAUSE(SIGNAL_COUNT_LIMIT_EXCEEDED);
        return SK_OK;
    }
    struct txn *t = joint_txn(j);
    signal_add(t, i->signal_name, i->input, i->header, SYSTEM_IDENTITY, a->out->signal->request_id,
               deliver_source(a), 0, NULL);
    wft_schedule_if_idle(t);
    a->reply.ok = true;
    a->reply.cause = 0;
    deliver_inbox_put(a, t, i->workflow_execution->workflow_id);
    return SK_OK;
}

static sk_err take_signal(struct attempt *a)
{
    const COMMON(WorkflowExecution) *target =
        a->initiated->signal_external_workflow_execution_initiated_event_attributes
            ->workflow_execution;
    bool found;
    sk_err err = deliver_inbox_find(a, target->workflow_id, &found);
    if (err != SK_OK || found)
        return err;
    a->reply.ok = false;
    a->reply.cause = SIGNAL_CAUSE(EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
    return ask_target(a, target, decide_signal);
}

static void record_signal(struct attempt *a, struct txn *t)
{
    const HIST(SignalExternalWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->signal_external_workflow_execution_initiated_event_attributes;
    if (!items_find(t->x, SK_PART_SIGNAL, a->initiated->event_id))
        return;
    if (a->reply.ok) {
        HIST(HistoryEvent) *event = txn_event(t, EVENT(EXTERNAL_WORKFLOW_EXECUTION_SIGNALED));
        HIST(ExternalWorkflowExecutionSignaledEventAttributes) *s =
            event->external_workflow_execution_signaled_event_attributes;
        s->initiated_event_id = a->initiated->event_id;
        s->namespace_ = i->namespace_;
        s->namespace_id = i->namespace_id;
        s->workflow_execution = i->workflow_execution;
        s->control = i->control;
        txn_add(t, event);
        return;
    }
    HIST(HistoryEvent) *event = txn_event(t, EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED));
    HIST(SignalExternalWorkflowExecutionFailedEventAttributes) *f =
        event->signal_external_workflow_execution_failed_event_attributes;
    f->cause = (Temporal__Api__Enums__V1__SignalExternalWorkflowExecutionFailedCause)a->reply.cause;
    f->namespace_ = i->namespace_;
    f->namespace_id = i->namespace_id;
    f->workflow_execution = i->workflow_execution;
    f->initiated_event_id = a->initiated->event_id;
    f->control = i->control;
    txn_add(t, event);
}

static sk_err finish(struct attempt *a, void (*record)(struct attempt *, struct txn *),
                     const char *target)
{
    bool open;
    sk_err err = deliver_record(a, record, &open);
    if (err == SK_OK && !open)
        err = deliver_forget(a);
    if (err == SK_OK)
        deliver_inbox_clear(a, target);
    return err;
}

sk_err deliver_signal(struct attempt *a)
{
    sk_err err = deliver_decode(a->ctx, a->out->signal->initiated, &a->initiated);
    if (err != SK_OK)
        return err;
    const char *target = a->initiated->signal_external_workflow_execution_initiated_event_attributes
                             ->workflow_execution->workflow_id;
    bool settled;
    err = deliver_settled(a, SK_PART_SIGNAL, target, &settled);
    if (err != SK_OK || settled)
        return err;
    err = take_signal(a);
    return err == SK_OK ? finish(a, record_signal, target) : err;
}

/* ---- cancel another ---- */

static sk_err decide_cancel(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                            const struct change *change)
{
    (void)ctx;
    struct attempt *a = change->response;
    const HIST(RequestCancelExternalWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->request_cancel_external_workflow_execution_initiated_event_attributes;
    if (is_source(a, x) || (i->child_workflow_only && !is_child_of_source(a, x)))
        return SK_OK;
    a->reply.ok = true;
    a->reply.cause = 0;
    if (!exec_running(x) || x->s->cancel_requested)
        return SK_OK;
    struct txn *t = joint_txn(j);
    cancel_add(t, i->reason, SYSTEM_IDENTITY, a->out->cancel->request_id, a->initiated->event_id,
               deliver_source(a));
    wft_schedule_if_idle(t);
    return SK_OK;
}

static void record_cancel(struct attempt *a, struct txn *t)
{
    const HIST(RequestCancelExternalWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->request_cancel_external_workflow_execution_initiated_event_attributes;
    if (!items_find(t->x, SK_PART_CANCEL, a->initiated->event_id))
        return;
    if (a->reply.ok) {
        HIST(HistoryEvent) *event =
            txn_event(t, EVENT(EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED));
        HIST(ExternalWorkflowExecutionCancelRequestedEventAttributes) *c =
            event->external_workflow_execution_cancel_requested_event_attributes;
        c->initiated_event_id = a->initiated->event_id;
        c->namespace_ = i->namespace_;
        c->namespace_id = i->namespace_id;
        c->workflow_execution = i->workflow_execution;
        txn_add(t, event);
        return;
    }
    HIST(HistoryEvent) *event =
        txn_event(t, EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED));
    HIST(RequestCancelExternalWorkflowExecutionFailedEventAttributes) *f =
        event->request_cancel_external_workflow_execution_failed_event_attributes;
    f->cause = (Temporal__Api__Enums__V1__CancelExternalWorkflowExecutionFailedCause)a->reply.cause;
    f->namespace_ = i->namespace_;
    f->namespace_id = i->namespace_id;
    f->workflow_execution = i->workflow_execution;
    f->initiated_event_id = a->initiated->event_id;
    f->control = i->control;
    txn_add(t, event);
}

sk_err deliver_cancel(struct attempt *a)
{
    sk_err err = deliver_decode(a->ctx, a->out->cancel->initiated, &a->initiated);
    if (err != SK_OK)
        return err;
    const COMMON(WorkflowExecution) *target =
        a->initiated->request_cancel_external_workflow_execution_initiated_event_attributes
            ->workflow_execution;
    bool settled;
    err = deliver_settled(a, SK_PART_CANCEL, target->workflow_id, &settled);
    if (err != SK_OK || settled)
        return err;
    a->reply.ok = false;
    a->reply.cause = CANCEL_CAUSE(EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
    err = ask_target(a, target, decide_cancel);
    return err == SK_OK ? finish(a, record_cancel, target->workflow_id) : err;
}
