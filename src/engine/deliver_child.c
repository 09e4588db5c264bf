/*
 * Deliveries between parents and children: start a child in two phases, tell the parent how it
 * ended, deal with the children of a run that closed. How a message is carried: deliver.c.
 */
#include "engine/deliver_internal.h"

#include <string.h>
#include "engine/cron.h"

/* ---- start a child ---- */

static HIST(WorkflowExecutionStartedEventAttributes) *child_attributes(struct attempt *a)
{
    struct sk_arena *arena = a->ctx->arena;
    const HIST(StartChildWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->start_child_workflow_execution_initiated_event_attributes;
    HIST(WorkflowExecutionStartedEventAttributes) *s =
        MSG_NEW(arena, HIST(WorkflowExecutionStartedEventAttributes),
                temporal__api__history__v1__workflow_execution_started_event_attributes);
    s->workflow_type = i->workflow_type;
    s->task_queue = i->task_queue;
    s->input = i->input;
    s->header = i->header;
    s->workflow_execution_timeout = i->workflow_execution_timeout;
    s->workflow_run_timeout = i->workflow_run_timeout;
    s->workflow_task_timeout = i->workflow_task_timeout;
    s->retry_policy = i->retry_policy;
    s->cron_schedule = i->cron_schedule;
    s->memo = i->memo;
    s->search_attributes = i->search_attributes;
    s->priority = i->priority;
    s->attempt = 1;
    s->parent_workflow_namespace = i->namespace_;
    s->parent_workflow_namespace_id = i->namespace_id;
    s->parent_workflow_execution = (COMMON(WorkflowExecution) *)(uintptr_t)deliver_source(a);
    s->parent_initiated_event_id = a->initiated->event_id;
    int64_t now_ms = sk_now_wall_ms();
    int64_t backoff = 0;
    if (sk_text_set(i->cron_schedule)) {
        s->initiator = INITIATOR(CRON_SCHEDULE);
        backoff = sk_cron_next_ms(i->cron_schedule, now_ms) - now_ms;
    }
    s->first_workflow_task_backoff = sk_dur(arena, backoff > 0 ? backoff : 0);
    int64_t execution_ms = sk_dur_ms(i->workflow_execution_timeout);
    if (execution_ms > 0)
        s->workflow_execution_expiration_time =
            sk_ts(arena, (now_ms + execution_ms + (backoff > 0 ? backoff : 0)) * MS_NS);
    return s;
}

struct child_start {
    struct attempt *a;
    const char *root_workflow_id, *root_run_id;
};

static sk_err create_child(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                           const void *request, void *response)
{
    (void)response;
    const struct child_start *c = request;
    struct attempt *a = c->a;
    const HIST(StartChildWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->start_child_workflow_execution_initiated_event_attributes;
    bool found;
    sk_err err = deliver_inbox_find(a, i->workflow_id, &found);
    if (err != SK_OK || found)
        return err;
    char *request_id = sk_arena_printf(ctx->arena, "%s:%lld", deliver_source_run(a),
                                       (long long)a->initiated->event_id);
    struct start_policies policies = {request_id, (int)i->workflow_id_reuse_policy, CONFLICT(FAIL),
                                      true};
    struct exec *current;
    bool terminate;
    err = start_resolve(ctx, flow, &policies, &current, &terminate);
    if (err == SK_STALE) {
        a->reply.ok = true;
        a->reply.run_id = sk_arena_strdup(ctx->arena, current->run_text);
        return SK_OK;
    }
    if (err == SK_ALREADY_EXISTS) {
        sk_ctx_clear(ctx);
        a->reply.cause = CHILD_CAUSE(WORKFLOW_ALREADY_EXISTS);
        return SK_OK;
    }
    if (err != SK_OK)
        return err;
    struct start_args args = {
        .attributes = child_attributes(a), .request_id = request_id, .hold_first_task = true};
    args.attributes->root_workflow_execution =
        sk_execution_msg(ctx->arena, c->root_workflow_id, c->root_run_id);
    args.user_metadata = a->initiated->user_metadata;
    struct txn t;
    start_run(&t, ctx, ns, flow, &args);
    a->reply.ok = true;
    a->reply.run_id = sk_arena_strdup(ctx->arena, t.x->run_text);
    if (current)
        a->reply.replaced_run_id = sk_arena_strdup(ctx->arena, current->run_text);
    deliver_inbox_put(a, &t, i->workflow_id);
    err = start_commit(&t, current, terminate);
    return err == SK_CONDITION ? SK_UNAVAILABLE : err; // the pointer moved under us: come again
}

static void record_child(struct attempt *a, struct txn *t)
{
    const HIST(StartChildWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->start_child_workflow_execution_initiated_event_attributes;
    const EN(Child) *child = exec_child(t->x, a->initiated->event_id, NULL);
    if (!child || sk_text_set(child->run_id))
        return;
    if (!a->reply.ok) {
        HIST(HistoryEvent) *event = txn_event(t, EVENT(START_CHILD_WORKFLOW_EXECUTION_FAILED));
        HIST(StartChildWorkflowExecutionFailedEventAttributes) *f =
            event->start_child_workflow_execution_failed_event_attributes;
        f->namespace_ = i->namespace_;
        f->namespace_id = i->namespace_id;
        f->workflow_id = i->workflow_id;
        f->workflow_type = i->workflow_type;
        f->cause = (Temporal__Api__Enums__V1__StartChildWorkflowExecutionFailedCause)a->reply.cause;
        f->control = i->control;
        f->initiated_event_id = a->initiated->event_id;
        txn_add(t, event);
        return;
    }
    HIST(HistoryEvent) *event = txn_event(t, EVENT(CHILD_WORKFLOW_EXECUTION_STARTED));
    HIST(ChildWorkflowExecutionStartedEventAttributes) *s =
        event->child_workflow_execution_started_event_attributes;
    s->namespace_ = i->namespace_;
    s->namespace_id = i->namespace_id;
    s->initiated_event_id = a->initiated->event_id;
    s->workflow_execution = sk_execution_msg(a->ctx->arena, i->workflow_id, a->reply.run_id);
    s->workflow_type = i->workflow_type;
    s->header = i->header;
    txn_add(t, event);
    EN(Outbox) *out = EN_NEW(a->ctx->arena, Outbox, outbox);
    out->message_case = SKALD__ENGINE__V1__OUTBOX__MESSAGE_FIRST_TASK;
    out->first_task = EN_NEW(a->ctx->arena, FirstTask, first_task);
    out->first_task->workflow_id = i->workflow_id;
    out->first_task->run_id = a->reply.run_id;
    txn_send(t, a->d->id + 1, out);
}

/* Who is current once this child is gone: the run before it, if both are still there. */
static sk_err find_heir(struct flow *flow, struct sk_ctx *ctx, const EN(Reply) *reply,
                        const struct exec *child, struct exec **ret)
{
    struct exec *current;
    *ret = NULL;
    if (!sk_text_set(reply->replaced_run_id))
        return SK_OK;
    sk_err err = flow_current(flow, ctx, &current);
    if (err == SK_OK && current == child)
        err = flow_run(flow, ctx, reply->replaced_run_id, ret);
    if (err != SK_NOT_FOUND)
        return err;
    sk_ctx_clear(ctx);
    return SK_OK;
}

/* The parent closed before it recorded the child: the child never was. */
static sk_err drop_child(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                         const void *request, void *response)
{
    (void)ns;
    (void)response;
    const EN(Reply) *reply = request;
    struct exec *x, *heir;
    sk_err err = flow_run(flow, ctx, reply->run_id, &x);
    if (err == SK_OK && x->s->first_task_pending) {
        err = find_heir(flow, ctx, reply, x, &heir);
        return err == SK_OK ? close_delete(ctx, x, heir) : err;
    }
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        err = SK_OK;
    }
    return err;
}

/* The root of the source's tree; false when the source is closed or gone. */
static sk_err source_root(struct attempt *a, struct child_start *c, bool *ret_open)
{
    struct flow *flow = flow_enter(a->d->shard, a->d->ns_id, a->d->source_id);
    struct exec *x;
    sk_err err = flow_run_uuid(flow, a->ctx, a->d->source_run, &x);
    *ret_open = err == SK_OK && exec_running(x);
    if (*ret_open) {
        c->root_workflow_id = sk_arena_strdup(a->ctx->arena, x->s->root_workflow_id);
        c->root_run_id = sk_arena_strdup(a->ctx->arena, x->s->root_run_id);
    } else if (err == SK_NOT_FOUND) {
        sk_ctx_clear(a->ctx);
        err = SK_OK;
    }
    flow_leave(flow);
    return err;
}

sk_err deliver_start_child(struct attempt *a)
{
    struct child_start c = {.a = a};
    bool open, settled;
    sk_err err = deliver_decode(a->ctx, a->out->start_child->initiated, &a->initiated);
    if (err != SK_OK)
        return err;
    const char *target =
        a->initiated->start_child_workflow_execution_initiated_event_attributes->workflow_id;
    err = deliver_settled(a, SK_PART_CHILD, target, &settled);
    if (err != SK_OK || settled)
        return err;
    err = source_root(a, &c, &open);
    if (err != SK_OK)
        return err;
    if (open) {
        err = flow_call(deliver_engine(a), a->ctx, a->ns, target, create_child, &c, NULL);
        if (err == SK_OK)
            err = deliver_record(a, record_child, &open);
    } else { // closed before it was asked; an earlier attempt may have created it
        bool found;
        err = deliver_inbox_find(a, target, &found);
    }
    if (err == SK_OK && !open) {
        if (a->reply.ok)
            err = flow_call(deliver_engine(a), a->ctx, a->ns, target, drop_child, &a->reply, NULL);
        if (err == SK_OK)
            err = deliver_forget(a);
    }
    if (err == SK_OK)
        deliver_inbox_clear(a, target);
    return err;
}

static sk_err decide_first_task(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                                const struct change *change)
{
    (void)ctx;
    (void)change;
    if (!exec_running(x) || !x->s->first_task_pending)
        return SK_OK;
    struct txn *t = joint_txn(j);
    if (x->s->first_task_backoff_ms > 0) {
        x->s->first_task_pending = false;
        x->s->first_task_due_ms = x->s->execution_ns / MS_NS;
    } else {
        start_first_task(t, true);
    }
    return SK_OK;
}

sk_err deliver_first_task(struct attempt *a)
{
    const struct change change = {.workflow_id = a->out->first_task->workflow_id,
                                  .run_id = a->out->first_task->run_id,
                                  .decide = decide_first_task};
    sk_err err = deliver_change(a, &change);
    return err == SK_OK ? deliver_forget(a) : err;
}

/* ---- a child's close ---- */

/* The parent's event for how the child ended. */
static HIST(HistoryEvent) *child_close_event(struct attempt *a, struct txn *t,
                                             const EN(Child) *child,
                                             const HIST(HistoryEvent) *closed)
{
    const EN(ChildClosed) *m = a->out->child_closed;
    HIST(HistoryEvent) *event;
#define COMMON_FIELDS(member)                                                                      \
    event->member->namespace_ = sk_arena_strdup(a->ctx->arena, child->namespace_);                 \
    event->member->workflow_execution = (COMMON(WorkflowExecution) *)(uintptr_t)deliver_source(a); \
    event->member->workflow_type = sk_type_msg(a->ctx->arena, child->workflow_type);               \
    event->member->namespace_id = sk_arena_strdup(a->ctx->arena, a->ns->uuid);                     \
    event->member->initiated_event_id = m->initiated_id;                                           \
    event->member->started_event_id = child->started_event_id > 0 ? child->started_event_id : 0
    switch ((int)closed->event_type) {
    case EVENT(WORKFLOW_EXECUTION_COMPLETED):
        event = txn_event(t, EVENT(CHILD_WORKFLOW_EXECUTION_COMPLETED));
        COMMON_FIELDS(child_workflow_execution_completed_event_attributes);
        event->child_workflow_execution_completed_event_attributes->result =
            closed->workflow_execution_completed_event_attributes->result;
        return event;
    case EVENT(WORKFLOW_EXECUTION_FAILED):
        event = txn_event(t, EVENT(CHILD_WORKFLOW_EXECUTION_FAILED));
        COMMON_FIELDS(child_workflow_execution_failed_event_attributes);
        event->child_workflow_execution_failed_event_attributes->failure =
            closed->workflow_execution_failed_event_attributes->failure;
        event->child_workflow_execution_failed_event_attributes->retry_state =
            closed->workflow_execution_failed_event_attributes->retry_state;
        return event;
    case EVENT(WORKFLOW_EXECUTION_CANCELED):
        event = txn_event(t, EVENT(CHILD_WORKFLOW_EXECUTION_CANCELED));
        COMMON_FIELDS(child_workflow_execution_canceled_event_attributes);
        event->child_workflow_execution_canceled_event_attributes->details =
            closed->workflow_execution_canceled_event_attributes->details;
        return event;
    case EVENT(WORKFLOW_EXECUTION_TIMED_OUT):
        event = txn_event(t, EVENT(CHILD_WORKFLOW_EXECUTION_TIMED_OUT));
        COMMON_FIELDS(child_workflow_execution_timed_out_event_attributes);
        event->child_workflow_execution_timed_out_event_attributes->retry_state =
            closed->workflow_execution_timed_out_event_attributes->retry_state;
        return event;
    default:
        event = txn_event(t, EVENT(CHILD_WORKFLOW_EXECUTION_TERMINATED));
        COMMON_FIELDS(child_workflow_execution_terminated_event_attributes);
        return event;
    }
#undef COMMON_FIELDS
}

static sk_err decide_child_closed(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                                  const struct change *change)
{
    struct attempt *a = change->response;
    const EN(ChildClosed) *m = a->out->child_closed;
    const EN(Child) *child = exec_child(x, m->initiated_id, NULL);
    if (!exec_running(x) || !child || strcmp(child->workflow_id, a->d->source_id) != 0)
        return SK_OK;
    if (!sk_text_set(child->run_id))
        return SK_UNAVAILABLE; // it has not recorded the start yet: come again
    const HIST(HistoryEvent) *closed;
    sk_err err = deliver_decode(ctx, m->close_event, &closed);
    if (err != SK_OK)
        return err;
    struct txn *t = joint_txn(j);
    txn_add(t, child_close_event(a, t, child, closed));
    wft_schedule_if_idle(t);
    return SK_OK;
}

sk_err deliver_child_closed(struct attempt *a)
{
    const struct change change = {.workflow_id = a->out->child_closed->parent_workflow_id,
                                  .run_id = a->out->child_closed->parent_run_id,
                                  .decide = decide_child_closed,
                                  .response = a};
    sk_err err = deliver_change(a, &change);
    return err == SK_OK ? deliver_forget(a) : err;
}

/* ---- a parent's close ---- */

struct orphan {
    struct attempt *a;
    const EN(Child) *child;
};

static sk_err decide_orphan(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                            const struct change *change)
{
    const struct orphan *o = change->request;
    bool terminate = o->child->parent_close_policy == (int)CLOSE_POLICY(TERMINATE);
    if (!exec_running(x) || strcmp(x->s->first_run_id, o->child->run_id) != 0 ||
        (!terminate && x->s->cancel_requested))
        return SK_OK;
    struct txn *t = joint_txn(j);
    ProtobufCBinaryData reason = sk_bin(ctx->arena, "by parent close policy");
    if (terminate) {
        close_terminated(t, reason, NULL, SYSTEM_IDENTITY);
    } else {
        cancel_add(t, reason, SYSTEM_IDENTITY, "", 0, deliver_source(o->a));
        wft_schedule_if_idle(t);
    }
    return SK_OK;
}

sk_err deliver_parent_closed(struct attempt *a)
{
    const EN(ParentClosed) *m = a->out->parent_closed;
    for (size_t i = 0; i < m->n_children; i++) {
        const struct orphan o = {a, m->children[i]};
        const struct change change = {
            .workflow_id = o.child->workflow_id, .decide = decide_orphan, .request = &o};
        sk_err err = deliver_change(a, &change);
        if (err != SK_OK)
            return err;
    }
    return deliver_forget(a);
}
