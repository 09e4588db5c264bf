/*
 * Between workflow ids: children, external signals and cancels, a child's close, a parent's close.
 *
 * A transition that concerns another workflow id writes a message into its outbox, in its own
 * commit. A background fiber then carries it to the target (which takes it in a commit of its own,
 * with an inbox row that holds the answer where taking it twice would show), brings the answer back
 * into the source in a third commit that removes the outbox row, and clears the inbox row last.
 * At boot every row found in the outbox is carried again; each step can be repeated.
 *
 * A delivery holds one flow's lock at a time. A child starts in two phases: it is created without a
 * first task, then the parent records it, and only then does its first task come.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "base/assert.h"
#include "base/log.h"
#include "engine/cron.h"
#include "wire/errordetail.h"
#include "wire/wire.h"

#define RETRY_FIRST_MS 50
#define RETRY_MAX_MS 10000
#define BOOT_LIMIT 1000000

struct delivery {
    struct sk_shard *shard; /* of the source */
    sk_ns_id ns_id;
    char *source_id; /* the source's workflow id */
    struct sk_uuid source_run;
    int64_t id;
    struct sk_str body; /* owned */
    bool again;         /* it may have been carried before */
};

/* One attempt: the delivery with what it needs decoded. */
struct attempt {
    struct delivery *d;
    struct sk_ctx *ctx;
    const struct sk_namespace *ns;
    const EN(Outbox) *out;
    const HIST(HistoryEvent) *initiated; /* of child start, signal, cancel */
    EN(Reply) reply;
    bool inbox; /* the target holds an inbox row for this message */
};

static struct sk_engine *engine_of(const struct attempt *a)
{
    return a->d->shard->engine;
}

static char *source_run_text(const struct attempt *a)
{
    char text[SK_UUID_TEXT];
    sk_uuid_format(a->d->source_run, text);
    return sk_arena_strdup(a->ctx->arena, text);
}

static const COMMON(WorkflowExecution) *source_execution(const struct attempt *a)
{
    return sk_execution_msg(a->ctx->arena, a->d->source_id, source_run_text(a));
}

static sk_err decode_event(struct sk_ctx *ctx, ProtobufCBinaryData bytes,
                           const HIST(HistoryEvent) **ret)
{
    ProtobufCMessage *m;
    struct sk_str s = {(const char *)bytes.data, bytes.len};
    sk_err err = sk_wire_decode_own(ctx, &temporal__api__history__v1__history_event__descriptor, s,
                                    &m);
    if (err == SK_OK)
        *ret = (const HIST(HistoryEvent) *)m;
    return err;
}

/* ---- the target's inbox ---- */

static void inbox_key(const struct attempt *a, const char *target, struct sk_inbox_row *ret)
{
    *ret = (struct sk_inbox_row){.ns = a->d->ns_id, .workflow_id = sk_str_of(target),
                                 .source_run = a->d->source_run, .id = a->d->id};
}

/* Did the target take it before? Then its answer is in a->reply. */
static sk_err inbox_find(struct attempt *a, const char *target, bool *ret_found)
{
    struct sk_inbox_row row;
    *ret_found = false;
    if (!a->d->again)
        return SK_OK;
    inbox_key(a, target, &row);
    sk_err err = sk_store_inbox_get(engine_of(a)->store, a->ctx, &row);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(a->ctx);
        return SK_OK;
    }
    if (err != SK_OK)
        return err;
    ProtobufCMessage *m;
    err = sk_wire_decode_own(a->ctx, &skald__engine__v1__reply__descriptor, row.reply, &m);
    if (err != SK_OK)
        return err;
    a->reply = *(EN(Reply) *)m;
    a->inbox = true;
    *ret_found = true;
    return SK_OK;
}

static void inbox_put(struct attempt *a, struct txn *t, const char *target)
{
    struct sk_op *op = txn_op(t, SK_OP_INBOX_PUT);
    inbox_key(a, target, &op->inbox);
    op->inbox.reply = sk_wire_pack(a->ctx->arena, &a->reply.base);
    a->inbox = true;
}

struct inbox_clear {
    struct attempt *a;
    const char *target;
};

static sk_err do_clear_inbox(struct sk_shard *shard, struct sk_ctx *ctx,
                             const struct sk_namespace *ns, const void *request, void *response)
{
    (void)ns;
    (void)response;
    const struct inbox_clear *c = request;
    struct sk_op op = {.kind = SK_OP_INBOX_DELETE};
    inbox_key(c->a, c->target, &op.inbox);
    uint32_t slot = sk_slot_of(c->a->d->ns_id, sk_str_of(c->target));
    struct sk_txn txn = {slot, shard->engine->epochs[slot], &op, 1};
    return sk_store_commit(shard->engine->store, ctx, &txn);
}

static void inbox_clear(struct attempt *a, const char *target)
{
    struct inbox_clear c = {a, target};
    if (a->inbox &&
        shard_call(engine_of(a), a->ctx, a->ns, target, do_clear_inbox, &c, NULL) != SK_OK)
        sk_ctx_clear(a->ctx); // a stray row costs a few bytes until the source is gone
}

/* ---- back at the source ---- */

static sk_err drop_outbox_row(struct attempt *a)
{
    struct sk_op op = {.kind = SK_OP_OUTBOX_DELETE};
    op.outbox.source = (struct sk_run_key){a->d->ns_id, sk_str_of(a->d->source_id),
                                           a->d->source_run};
    op.outbox.id = a->d->id;
    uint32_t slot = sk_slot_of(a->d->ns_id, sk_str_of(a->d->source_id));
    struct sk_txn txn = {slot, engine_of(a)->epochs[slot], &op, 1};
    return sk_store_commit(engine_of(a)->store, a->ctx, &txn);
}

/* Record the answer in the source with `record`; if the source is closed or gone, only forget the
 * message. *ret_open tells which. */
static sk_err record_at_source(struct attempt *a, void (*record)(struct attempt *, struct txn *),
                               bool *ret_open)
{
    struct flow *flow = flow_enter(a->d->shard, a->d->ns_id, a->d->source_id);
    struct exec *x = NULL;
    sk_err err = flow_run_uuid(flow, a->ctx, a->d->source_run, &x);
    *ret_open = err == SK_OK && exec_running(x);
    if (*ret_open) {
        struct txn t;
        txn_init(&t, a->d->shard, a->ctx, a->ns, x);
        record(a, &t);
        struct sk_op *op = txn_op(&t, SK_OP_OUTBOX_DELETE);
        op->outbox.source = exec_key(x);
        op->outbox.id = a->d->id;
        wft_schedule_if_idle(&t);
        err = txn_commit(&t);
    } else if (err == SK_NOT_FOUND || err == SK_OK) {
        sk_ctx_clear(a->ctx);
        err = SK_OK;
    }
    flow_leave(flow);
    return err;
}

/* ---- start a child ---- */

static HIST(WorkflowExecutionStartedEventAttributes) *
child_attributes(struct attempt *a, const EN(StartChild) *m)
{
    (void)m;
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
    s->identity = (char *)(uintptr_t)SYSTEM_IDENTITY;
    s->parent_workflow_namespace = i->namespace_;
    s->parent_workflow_namespace_id = i->namespace_id;
    s->parent_workflow_execution = (COMMON(WorkflowExecution) *)(uintptr_t)source_execution(a);
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

static sk_err create_child(struct sk_shard *shard, struct sk_ctx *ctx,
                           const struct sk_namespace *ns, struct flow *flow,
                           const struct child_start *c)
{
    struct attempt *a = c->a;
    const HIST(StartChildWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->start_child_workflow_execution_initiated_event_attributes;
    bool found;
    sk_err err = inbox_find(a, i->workflow_id, &found);
    if (err != SK_OK || found)
        return err;
    char *request_id = sk_arena_printf(ctx->arena, "%s:%lld", source_run_text(a),
                                       (long long)a->initiated->event_id);
    struct start_policies policies = {request_id, (int)i->workflow_id_reuse_policy,
                                      CONFLICT(FAIL), true};
    struct exec *current;
    bool terminate;
    err = start_resolve(shard, ctx, flow, &policies, &current, &terminate);
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
    struct start_args args = {.attributes = child_attributes(a, a->out->start_child),
                              .request_id = request_id,
                              .hold_first_task = true};
    args.attributes->root_workflow_execution =
        sk_execution_msg(ctx->arena, c->root_workflow_id, c->root_run_id);
    args.user_metadata = a->initiated->user_metadata;
    struct txn t;
    start_run(&t, shard, ctx, ns, flow, &args);
    a->reply.ok = true;
    a->reply.run_id = sk_arena_strdup(ctx->arena, t.x->run_text);
    inbox_put(a, &t, i->workflow_id);
    return start_commit(shard, ctx, ns, flow, &t, current, terminate);
}

static sk_err do_create_child(struct sk_shard *shard, struct sk_ctx *ctx,
                              const struct sk_namespace *ns, const void *request, void *response)
{
    (void)response;
    const struct child_start *c = request;
    const char *id = c->a->initiated->start_child_workflow_execution_initiated_event_attributes
                         ->workflow_id;
    struct flow *flow = flow_enter(shard, ns->id, id);
    sk_err err = create_child(shard, ctx, ns, flow, c);
    if (err == SK_CONDITION)
        err = SK_UNAVAILABLE; // the pointer moved under us: come again
    flow_leave(flow);
    return err;
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
        f->workflow_task_completed_event_id = i->workflow_task_completed_event_id;
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

/* The parent closed before it recorded the child: the child never was. */
static sk_err do_drop_child(struct sk_shard *shard, struct sk_ctx *ctx,
                            const struct sk_namespace *ns, const void *request, void *response)
{
    (void)response;
    const struct attempt *a = request;
    const char *id =
        a->initiated->start_child_workflow_execution_initiated_event_attributes->workflow_id;
    struct flow *flow = flow_enter(shard, ns->id, id);
    struct exec *x;
    sk_err err = flow_run(flow, ctx, a->reply.run_id, &x);
    if (err == SK_OK && x->s->first_task_pending)
        err = close_delete(shard, ctx, x);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        err = SK_OK;
    }
    flow_leave(flow);
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

static sk_err deliver_start_child(struct attempt *a)
{
    struct child_start c = {.a = a};
    bool open;
    sk_err err = decode_event(a->ctx, a->out->start_child->initiated, &a->initiated);
    if (err == SK_OK)
        err = source_root(a, &c, &open);
    if (err != SK_OK)
        return err;
    const char *target =
        a->initiated->start_child_workflow_execution_initiated_event_attributes->workflow_id;
    if (open) {
        err = shard_call(engine_of(a), a->ctx, a->ns, target, do_create_child, &c, NULL);
        if (err == SK_OK)
            err = record_at_source(a, record_child, &open);
    } else { // closed before it was asked; an earlier attempt may have created it
        bool found;
        err = inbox_find(a, target, &found);
    }
    if (err == SK_OK && !open) {
        if (a->reply.ok)
            err = shard_call(engine_of(a), a->ctx, a->ns, target, do_drop_child, a, NULL);
        if (err == SK_OK)
            err = drop_outbox_row(a);
    }
    if (err == SK_OK)
        inbox_clear(a, target);
    return err;
}

static sk_err do_first_task(struct sk_shard *shard, struct sk_ctx *ctx,
                            const struct sk_namespace *ns, const void *request, void *response)
{
    (void)response;
    const EN(FirstTask) *m = request;
    struct flow *flow = flow_enter(shard, ns->id, m->workflow_id);
    struct exec *x;
    sk_err err = flow_run(flow, ctx, m->run_id, &x);
    if (err == SK_OK && exec_running(x) && x->s->first_task_pending) {
        struct txn t;
        txn_init(&t, shard, ctx, ns, x);
        if (x->s->first_task_backoff_ms > 0) {
            x->s->first_task_pending = false;
            x->s->first_task_due_ms = x->s->execution_ns / MS_NS;
        } else {
            start_first_task(&t, true);
        }
        err = txn_commit(&t);
    }
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        err = SK_OK;
    }
    flow_leave(flow);
    return err;
}

/* ---- signal another ---- */

static bool is_child_of_source(const struct attempt *a, const struct exec *x)
{
    return x->s->has_parent && strcmp(x->s->parent_workflow_id, a->d->source_id) == 0 &&
           strcmp(x->s->parent_run_id, source_run_text(a)) == 0;
}

static sk_err take_signal(struct sk_shard *shard, struct sk_ctx *ctx, const struct sk_namespace *ns,
                          struct flow *flow, struct attempt *a)
{
    const HIST(SignalExternalWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->signal_external_workflow_execution_initiated_event_attributes;
    const char *target = i->workflow_execution->workflow_id;
    bool found;
    sk_err err = inbox_find(a, target, &found);
    if (err != SK_OK || found)
        return err;
    struct exec *x = NULL;
    err = flow_run(flow, ctx, i->workflow_execution->run_id, &x);
    if (err != SK_OK && err != SK_NOT_FOUND)
        return err;
    sk_ctx_clear(ctx);
    bool self = x && memcmp(&x->run_id, &a->d->source_run, sizeof x->run_id) == 0;
    a->reply.ok = false;
    a->reply.cause = SIGNAL_CAUSE(EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
    if (!x || self || !exec_running(x) || (i->child_workflow_only && !is_child_of_source(a, x)))
        return SK_OK;
    if (x->s->signal_count >= shard->engine->limits->signals_per_run) {
        a->reply.cause = SIGNAL_CAUSE(SIGNAL_COUNT_LIMIT_EXCEEDED);
        return SK_OK;
    }
    struct txn t;
    txn_init(&t, shard, ctx, ns, x);
    signal_add(&t, i->signal_name, i->input, i->header, SYSTEM_IDENTITY,
               a->out->signal->request_id, source_execution(a), 0, NULL);
    wft_schedule_if_idle(&t);
    a->reply.ok = true;
    a->reply.cause = 0;
    inbox_put(a, &t, target);
    return txn_commit(&t);
}

static sk_err do_take_signal(struct sk_shard *shard, struct sk_ctx *ctx,
                             const struct sk_namespace *ns, const void *request, void *response)
{
    (void)request;
    struct attempt *a = response;
    const HIST(SignalExternalWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->signal_external_workflow_execution_initiated_event_attributes;
    struct flow *flow = flow_enter(shard, ns->id, i->workflow_execution->workflow_id);
    sk_err err = take_signal(shard, ctx, ns, flow, a);
    flow_leave(flow);
    return err;
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
    f->workflow_task_completed_event_id = i->workflow_task_completed_event_id;
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
    sk_err err = record_at_source(a, record, &open);
    if (err == SK_OK && !open)
        err = drop_outbox_row(a);
    if (err == SK_OK)
        inbox_clear(a, target);
    return err;
}

static sk_err deliver_signal(struct attempt *a)
{
    sk_err err = decode_event(a->ctx, a->out->signal->initiated, &a->initiated);
    if (err != SK_OK)
        return err;
    const char *target =
        a->initiated->signal_external_workflow_execution_initiated_event_attributes
            ->workflow_execution->workflow_id;
    err = shard_call(engine_of(a), a->ctx, a->ns, target, do_take_signal, NULL, a);
    return err == SK_OK ? finish(a, record_signal, target) : err;
}

/* ---- cancel another ---- */

static sk_err take_cancel(struct sk_shard *shard, struct sk_ctx *ctx, const struct sk_namespace *ns,
                          struct flow *flow, struct attempt *a)
{
    const HIST(RequestCancelExternalWorkflowExecutionInitiatedEventAttributes) *i =
        a->initiated->request_cancel_external_workflow_execution_initiated_event_attributes;
    struct exec *x = NULL;
    sk_err err = flow_run(flow, ctx, i->workflow_execution->run_id, &x);
    if (err != SK_OK && err != SK_NOT_FOUND)
        return err;
    sk_ctx_clear(ctx);
    a->reply.ok = false;
    a->reply.cause = CANCEL_CAUSE(EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
    if (!x || memcmp(&x->run_id, &a->d->source_run, sizeof x->run_id) == 0 ||
        (i->child_workflow_only && !is_child_of_source(a, x)))
        return SK_OK;
    a->reply.ok = true;
    a->reply.cause = 0;
    if (!exec_running(x) || x->s->cancel_requested)
        return SK_OK;
    struct txn t;
    txn_init(&t, shard, ctx, ns, x);
    cancel_add(&t, i->reason, SYSTEM_IDENTITY, a->out->cancel->request_id, a->initiated->event_id,
               source_execution(a));
    wft_schedule_if_idle(&t);
    return txn_commit(&t);
}

static sk_err do_take_cancel(struct sk_shard *shard, struct sk_ctx *ctx,
                             const struct sk_namespace *ns, const void *request, void *response)
{
    (void)request;
    struct attempt *a = response;
    const char *id =
        a->initiated->request_cancel_external_workflow_execution_initiated_event_attributes
            ->workflow_execution->workflow_id;
    struct flow *flow = flow_enter(shard, ns->id, id);
    sk_err err = take_cancel(shard, ctx, ns, flow, a);
    flow_leave(flow);
    return err;
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
    f->workflow_task_completed_event_id = i->workflow_task_completed_event_id;
    f->namespace_ = i->namespace_;
    f->namespace_id = i->namespace_id;
    f->workflow_execution = i->workflow_execution;
    f->initiated_event_id = a->initiated->event_id;
    f->control = i->control;
    txn_add(t, event);
}

static sk_err deliver_cancel(struct attempt *a)
{
    sk_err err = decode_event(a->ctx, a->out->cancel->initiated, &a->initiated);
    if (err != SK_OK)
        return err;
    const char *target =
        a->initiated->request_cancel_external_workflow_execution_initiated_event_attributes
            ->workflow_execution->workflow_id;
    err = shard_call(engine_of(a), a->ctx, a->ns, target, do_take_cancel, NULL, a);
    return err == SK_OK ? finish(a, record_cancel, target) : err;
}

/* ---- a child's close ---- */

/* The parent's event for how the child ended. */
static HIST(HistoryEvent) *child_close_event(struct attempt *a, struct txn *t, const EN(Child) *child,
                                             const HIST(HistoryEvent) *closed)
{
    const EN(ChildClosed) *m = a->out->child_closed;
    HIST(HistoryEvent) *event;
#define COMMON_FIELDS(member)                                                                      \
    event->member->namespace_ = sk_arena_strdup(a->ctx->arena, child->namespace_);                 \
    event->member->workflow_execution = (COMMON(WorkflowExecution) *)(uintptr_t)source_execution(a); \
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

static sk_err do_child_closed(struct sk_shard *shard, struct sk_ctx *ctx,
                              const struct sk_namespace *ns, const void *request, void *response)
{
    (void)request;
    struct attempt *a = response;
    const EN(ChildClosed) *m = a->out->child_closed;
    struct flow *flow = flow_enter(shard, ns->id, m->parent_workflow_id);
    struct exec *x;
    sk_err err = flow_run(flow, ctx, m->parent_run_id, &x);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        err = SK_OK;
    } else if (err == SK_OK && exec_running(x)) {
        const EN(Child) *child = exec_child(x, m->initiated_id, NULL);
        if (child && strcmp(child->workflow_id, a->d->source_id) == 0) {
            if (!sk_text_set(child->run_id)) {
                err = SK_UNAVAILABLE; // it has not recorded the start yet: come again
            } else {
                struct txn t;
                const HIST(HistoryEvent) *closed;
                txn_init(&t, shard, ctx, ns, x);
                err = decode_event(ctx, m->close_event, &closed);
                if (err == SK_OK) {
                    txn_add(&t, child_close_event(a, &t, child, closed));
                    wft_schedule_if_idle(&t);
                    err = txn_commit(&t);
                } else {
                    txn_abandon(&t);
                }
            }
        }
    }
    flow_leave(flow);
    return err;
}

static sk_err deliver_child_closed(struct attempt *a)
{
    sk_err err = shard_call(engine_of(a), a->ctx, a->ns, a->out->child_closed->parent_workflow_id,
                            do_child_closed, NULL, a);
    return err == SK_OK ? drop_outbox_row(a) : err;
}

/* ---- a parent's close ---- */

struct orphan {
    struct attempt *a;
    const EN(Child) *child;
};

static sk_err do_orphan(struct sk_shard *shard, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const void *request, void *response)
{
    (void)response;
    const struct orphan *o = request;
    struct flow *flow = flow_enter(shard, ns->id, o->child->workflow_id);
    struct exec *x;
    sk_err err = flow_current(flow, ctx, &x);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        err = SK_OK;
    } else if (err == SK_OK && exec_running(x) &&
               strcmp(x->s->first_run_id, o->child->run_id) == 0) {
        bool terminate = o->child->parent_close_policy == (int)CLOSE_POLICY(TERMINATE);
        if (terminate || !x->s->cancel_requested) {
            struct txn t;
            txn_init(&t, shard, ctx, ns, x);
            if (terminate) {
                close_terminated(&t, sk_bin(ctx->arena, "by parent close policy"), NULL,
                                 SYSTEM_IDENTITY);
            } else {
                cancel_add(&t, sk_bin(ctx->arena, "by parent close policy"), SYSTEM_IDENTITY, "",
                           0, source_execution(o->a));
                wft_schedule_if_idle(&t);
            }
            err = txn_commit(&t);
        }
    }
    flow_leave(flow);
    return err;
}

static sk_err deliver_parent_closed(struct attempt *a)
{
    const EN(ParentClosed) *m = a->out->parent_closed;
    for (size_t i = 0; i < m->n_children; i++) {
        struct orphan o = {a, m->children[i]};
        sk_err err = shard_call(engine_of(a), a->ctx, a->ns, o.child->workflow_id, do_orphan, &o,
                                NULL);
        if (err != SK_OK)
            return err;
    }
    return drop_outbox_row(a);
}

/* ---- carrying ---- */

static sk_err deliver_once(struct attempt *a)
{
    ProtobufCMessage *m;
    sk_err err = sk_wire_decode_own(a->ctx, &skald__engine__v1__outbox__descriptor, a->d->body, &m);
    if (err != SK_OK)
        return err;
    a->out = (const EN(Outbox) *)m;
    switch (a->out->message_case) {
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_START_CHILD: return deliver_start_child(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_SIGNAL: return deliver_signal(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_CANCEL: return deliver_cancel(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_CHILD_CLOSED: return deliver_child_closed(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_PARENT_CLOSED: return deliver_parent_closed(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_FIRST_TASK:
        err = shard_call(engine_of(a), a->ctx, a->ns, a->out->first_task->workflow_id,
                         do_first_task, a->out->first_task, NULL);
        return err == SK_OK ? drop_outbox_row(a) : err;
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_DROP_CHILD:
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE__NOT_SET:
    case _SKALD__ENGINE__V1__OUTBOX__MESSAGE__CASE_IS_INT_SIZE: break;
    }
    return sk_fail(a->ctx, SK_DATA_LOSS, "an outbox row of an unknown kind");
}

static void delivery_free(struct delivery *d)
{
    sk_mem_free(d->source_id);
    sk_mem_free((void *)(uintptr_t)d->body.p);
    sk_mem_free(d);
}

static void run_delivery(void *arg)
{
    struct delivery *d = arg;
    int64_t pause = RETRY_FIRST_MS;
    struct sk_engine *e = d->shard->engine;
    for (;;) {
        struct sk_arena *arena = sk_arena_new(0);
        struct sk_ctx ctx = {.arena = arena};
        struct attempt a = {.d = d, .ctx = &ctx, .ns = sk_namespaces_by_id(e->namespaces, d->ns_id),
                            .reply = SKALD__ENGINE__V1__REPLY__INIT};
        sk_err err = a.ns && !e->closing ? deliver_once(&a) : SK_OK;
        if (err != SK_OK && pause >= 1000)
            SK_LOG(WARN, "engine", "a message to another workflow is not delivered yet",
                   SK_KV("workflow_id", d->source_id), SK_KI("id", d->id),
                   SK_KV("error", ctx.err.message ? ctx.err.message : sk_err_name(err)));
        sk_arena_free(arena);
        if (err == SK_OK || err == SK_DATA_LOSS || e->closing)
            break;
        d->again = true;
        sk_fiber_sleep(pause);
        pause = pause * 2 < RETRY_MAX_MS ? pause * 2 : RETRY_MAX_MS;
    }
    delivery_free(d);
}

static void spawn_delivery(struct sk_shard *shard, const struct sk_run_key *source, int64_t id,
                           struct sk_str body, bool again)
{
    struct delivery *d = sk_mem_zalloc(sizeof *d);
    char *copy = sk_mem_alloc(body.n + 1);
    memcpy(copy, body.p, body.n);
    d->shard = shard;
    d->ns_id = source->ns;
    d->source_id = sk_mem_strndup(source->workflow_id.p, source->workflow_id.n);
    d->source_run = source->run_id;
    d->id = id;
    d->body = (struct sk_str){copy, body.n};
    d->again = again;
    shard_spawn(shard, run_delivery, d);
}

void deliver_start(struct sk_shard *shard, const struct sk_run_key *source, int64_t id,
                   struct sk_str body)
{
    spawn_delivery(shard, source, id, body, false);
}

struct recheck {
    struct sk_shard *shard;
    sk_ns_id ns;
    char *workflow_id; /* owned */
    struct sk_uuid run_id;
    int64_t *ids; /* owned: of the outbox rows in question */
    size_t id_count;
};

static bool in_question(const struct recheck *r, const struct sk_outbox_row *row)
{
    if (memcmp(&row->source.run_id, &r->run_id, sizeof r->run_id) != 0)
        return false;
    for (size_t i = 0; i < r->id_count; i++)
        if (r->ids[i] == row->id)
            return true;
    return false;
}

/* Carry what the outbox does hold, and let the run's watchers see what was written. */
static sk_err recheck_once(const struct recheck *r, struct sk_ctx *ctx)
{
    struct sk_outbox_row *rows;
    size_t count = 0;
    struct exec *x;
    uint32_t slot = sk_slot_of(r->ns, sk_str_of(r->workflow_id));
    struct flow *flow = flow_enter(r->shard, r->ns, r->workflow_id);
    sk_err err = flow_run_uuid(flow, ctx, r->run_id, &x);
    if (err == SK_OK)
        flow_notify(flow);
    if (err == SK_OK && r->id_count > 0)
        err = sk_store_outbox_read(r->shard->engine->store, ctx, SK_SLOT_COUNT, slot, BOOT_LIMIT,
                                   &rows, &count);
    for (size_t i = 0; err == SK_OK && i < count; i++)
        if (in_question(r, &rows[i]))
            spawn_delivery(r->shard, &rows[i].source, rows[i].id, rows[i].body, true);
    flow_leave(flow);
    return err;
}

static void run_recheck(void *arg)
{
    struct recheck *r = arg;
    sk_err err = SK_UNAVAILABLE;
    while (err == SK_UNAVAILABLE && !r->shard->engine->closing) {
        struct sk_arena *arena = sk_arena_new(0);
        struct sk_ctx ctx = {.arena = arena};
        err = recheck_once(r, &ctx);
        sk_arena_free(arena);
        if (err == SK_UNAVAILABLE)
            sk_fiber_sleep(1000);
    }
    sk_mem_free(r->ids);
    sk_mem_free(r->workflow_id);
    sk_mem_free(r);
}

void deliver_recheck(struct sk_shard *shard, const struct sk_run_key *source,
                     const struct outgoing *out, size_t out_count)
{
    struct recheck *r = sk_mem_zalloc(sizeof *r);
    r->shard = shard;
    r->ns = source->ns;
    r->workflow_id = sk_mem_strndup(source->workflow_id.p, source->workflow_id.n);
    r->run_id = source->run_id;
    r->ids = sk_mem_alloc((out_count + 1) * sizeof *r->ids);
    r->id_count = out_count;
    for (size_t i = 0; i < out_count; i++)
        r->ids[i] = out[i].id;
    shard_spawn(shard, run_recheck, r);
}

sk_err deliver_boot(struct sk_shard *shard, struct sk_ctx *ctx)
{
    struct sk_outbox_row *rows;
    size_t count;
    sk_err err = sk_store_outbox_read(shard->engine->store, ctx,
                                      (uint32_t)shard->engine->shard_count,
                                      (uint32_t)shard->index, BOOT_LIMIT, &rows, &count);
    for (size_t i = 0; err == SK_OK && i < count; i++)
        spawn_delivery(shard, &rows[i].source, rows[i].id, rows[i].body, true);
    return err;
}
