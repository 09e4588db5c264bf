/*
 * The end of a run: the seven close events and what each brings along in the same commit: rows of
 * waiting tasks go, the parent is told, children are dealt with, a successor starts (continue as
 * new, retry, cron), the retention clock starts. The run's own record stays until retention.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "engine/cron.h"
#include "visibility/search_attributes.h"
#include "wire/wire.h"

/* Outbox ids of a run that are not made from an initiated event. */
enum { OUTBOX_CHILD_CLOSED = -1, OUTBOX_PARENT_CLOSED = -2 };

/* A started workflow task cannot complete any more: fail it, so that what is buffered gets its
 * place before the close event. */
static void force_close_task(struct txn *t)
{
    struct exec *x = t->x;
    EN(WorkflowTask) *wft = x->s->wft;
    wft_drop_row(t);
    if (wft && wft->started_ns != 0 && wft->attempt == 1) {
        HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_TASK_FAILED));
        HIST(WorkflowTaskFailedEventAttributes) *a = event->workflow_task_failed_event_attributes;
        a->scheduled_event_id = wft->scheduled_id;
        a->started_event_id = wft->started_id;
        a->cause = CAUSE(FORCE_CLOSE_COMMAND);
        a->identity = (char *)(uintptr_t)SYSTEM_IDENTITY;
        txn_add(t, event);
    }
    x->s->wft = NULL;
    txn_flush_buffered(t);
}

static void drop_activity_rows(struct txn *t)
{
    struct items *items = &t->x->items[SK_PART_ACTIVITY];
    for (size_t i = 0; i < items->n; i++)
        activity_drop_task(t, (EN(Activity) *)items->v[i].record);
}

static void tell_parent(struct txn *t, const HIST(HistoryEvent) *event)
{
    const EN(ExecutionState) *s = t->x->s;
    if (!s->has_parent || sk_text_set(s->new_run_id))
        return;
    EN(Outbox) *out = EN_NEW(t->ctx->arena, Outbox, outbox);
    EN(ChildClosed) *m = EN_NEW(t->ctx->arena, ChildClosed, child_closed);
    m->parent_workflow_id = s->parent_workflow_id;
    m->parent_run_id = s->parent_run_id;
    m->initiated_id = s->parent_initiated_id;
    m->first_run_id = s->first_run_id;
    struct sk_str bytes = sk_wire_pack(t->ctx->arena, &event->base);
    m->close_event = (ProtobufCBinaryData){bytes.n, (uint8_t *)(uintptr_t)bytes.p};
    out->message_case = SKALD__ENGINE__V1__OUTBOX__MESSAGE_CHILD_CLOSED;
    out->child_closed = m;
    txn_send(t, OUTBOX_CHILD_CLOSED, out);
}

/* The children that the close concerns, by any end of this run: a successor has children of its own
 * only. Copied before the close event removes them. */
static EN(Outbox) *children_message(struct txn *t)
{
    struct items *items = &t->x->items[SK_PART_CHILD];
    EN(ParentClosed) *m = EN_NEW(t->ctx->arena, ParentClosed, parent_closed);
    m->children = SK_NEW_N(t->ctx->arena, EN(Child) *, items->n + 1);
    for (size_t i = 0; i < items->n; i++) {
        EN(Child) *child = (EN(Child) *)items->v[i].record;
        if (sk_text_set(child->run_id) && child->parent_close_policy != CLOSE_POLICY(ABANDON))
            m->children[m->n_children++] = sk_msg_dup(t->ctx->arena, child);
    }
    if (m->n_children == 0)
        return NULL;
    EN(Outbox) *out = EN_NEW(t->ctx->arena, Outbox, outbox);
    out->message_case = SKALD__ENGINE__V1__OUTBOX__MESSAGE_PARENT_CLOSED;
    out->parent_closed = m;
    return out;
}

void close_run(struct txn *t, HIST(HistoryEvent) *event)
{
    struct exec *x = t->x;
    force_close_task(t);
    drop_activity_rows(t);
    EN(Outbox) *children = children_message(t);
    txn_add(t, event);
    if (children)
        txn_send(t, OUTBOX_PARENT_CLOSED, children);
    tell_parent(t, event);
    stickiness_clear(x);
    x->s->first_task_due_ms = 0;
    x->s->retain_until_ms = txn_now_ms(t) + t->ns->retention_ms;
    t->visible = true;
    t->closed = true;
}

/* ---- successors ---- */

static char *own_run_text(struct txn *t)
{
    return sk_arena_strdup(t->ctx->arena, t->x->run_text);
}

/* What every successor has in common with its predecessor. */
static void carry_over(struct txn *t, HIST(WorkflowExecutionStartedEventAttributes) *a)
{
    const EN(ExecutionState) *s = t->x->s;
    struct sk_arena *arena = t->ctx->arena;
    a->continued_execution_run_id = own_run_text(t);
    a->first_execution_run_id = sk_arena_strdup(arena, s->first_run_id);
    if (s->execution_expires_ms)
        a->workflow_execution_expiration_time = sk_ts(arena, s->execution_expires_ms * MS_NS);
    if (s->execution_timeout_ms)
        a->workflow_execution_timeout = sk_dur(arena, s->execution_timeout_ms);
    if (s->has_parent) {
        a->parent_workflow_namespace = sk_arena_strdup(arena, s->parent_namespace);
        a->parent_workflow_namespace_id = sk_arena_strdup(arena, s->parent_namespace_id);
        a->parent_workflow_execution =
            sk_execution_msg(arena, s->parent_workflow_id, s->parent_run_id);
        a->parent_initiated_event_id = s->parent_initiated_id;
        a->root_workflow_execution = sk_execution_msg(arena, s->root_workflow_id, s->root_run_id);
    }
}

/* Prepare the successor; its run id is known at once, so that the close event can name it. User
 * metadata describes the run that a client started, and does not go on. */
static void add_successor(struct txn *t, HIST(WorkflowExecutionStartedEventAttributes) *a,
                          const char *request_id)
{
    struct start_args args = {
        .attributes = a,
        .request_id = request_id,
        .now_ns = t->now_ns,
    };
    t->successor = SK_NEW(t->ctx->arena, struct txn);
    start_run(t->successor, t->ctx, t->ns, t->x->flow, &args);
    t->successor->point_current = true;
    t->successor->expected_current = t->x->run_id;
    t->successor->any_current = false;
}

/* The run's own Started attributes, from its history. */
static HIST(WorkflowExecutionStartedEventAttributes) *started_attributes(struct txn *t)
{
    HIST(HistoryEvent) *event;
    if (history_event(t->x, t->ctx, 1, &event) != SK_OK) {
        t->failed = true;
        return NULL;
    }
    return event->workflow_execution_started_event_attributes;
}

/*
 * Retry first, then cron. Returns the successor's run id, or "" when the chain ends here; sets the
 * retry state for the close event.
 */
static const char *follow_up(struct txn *t, const FAILURE *failure, const COMMON(Payloads) *result,
                             bool timed_out, int *ret_state)
{
    const EN(ExecutionState) *s = t->x->s;
    int64_t now_ms = txn_now_ms(t);
    int64_t backoff = -1;
    int initiator = INITIATOR(RETRY);
    *ret_state = RETRY_STATE(RETRY_POLICY_NOT_SET);
    if (failure || timed_out)
        backoff = retry_backoff_ms(s->retry_policy, s->attempt, now_ms, s->execution_expires_ms,
                                   failure, ret_state);
    if (backoff < 0 && sk_text_set(s->cron_schedule)) {
        initiator = INITIATOR(CRON_SCHEDULE);
        int64_t at = sk_cron_next_run_ms(s->cron_schedule, s->execution_ns / MS_NS, now_ms);
        if (at > 0 && (s->execution_expires_ms == 0 || at <= s->execution_expires_ms))
            backoff = at - now_ms;
    }
    if (backoff < 0)
        return "";
    HIST(WorkflowExecutionStartedEventAttributes) *a = started_attributes(t);
    if (!a)
        return "";
    carry_over(t, a);
    a->attempt = initiator == (int)INITIATOR(RETRY) ? s->attempt + 1 : 1;
    a->initiator = (Temporal__Api__Enums__V1__ContinueAsNewInitiator)initiator;
    a->continued_failure = (FAILURE *)(uintptr_t)failure;
    if (result)
        a->last_completion_result = (COMMON(Payloads) *)(uintptr_t)result;
    a->first_workflow_task_backoff = sk_dur(t->ctx->arena, backoff);
    a->eager_execution_accepted = false;
    a->versioning_override = NULL; // like its user metadata, of the run that was asked for
    a->identity = sk_arena_strdup(t->ctx->arena, ""); // nobody's who asked for this run
    add_successor(t, a, txn_uuid(t));
    return t->successor->x->run_text;
}

/* ---- the close events ---- */

void close_completed(struct txn *t, const COMMON(Payloads) *result,
                     Temporal__Api__Sdk__V1__UserMetadata *metadata)
{
    int state;
    const char *next = follow_up(t, NULL, result, false, &state);
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_EXECUTION_COMPLETED));
    HIST(WorkflowExecutionCompletedEventAttributes) *a =
        event->workflow_execution_completed_event_attributes;
    a->result = (COMMON(Payloads) *)(uintptr_t)result;
    a->workflow_task_completed_event_id = t->completed_id;
    a->new_execution_run_id = sk_arena_strdup(t->ctx->arena, next);
    event->user_metadata = metadata;
    close_run(t, event);
}

void close_failed(struct txn *t, const FAILURE *failure,
                  Temporal__Api__Sdk__V1__UserMetadata *metadata)
{
    int state;
    const char *next = follow_up(t, failure, NULL, false, &state);
    count_run_failed(t, failure);
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_EXECUTION_FAILED));
    HIST(WorkflowExecutionFailedEventAttributes) *a =
        event->workflow_execution_failed_event_attributes;
    a->failure = (FAILURE *)(uintptr_t)failure;
    a->retry_state = (Temporal__Api__Enums__V1__RetryState)state;
    a->workflow_task_completed_event_id = t->completed_id;
    a->new_execution_run_id = sk_arena_strdup(t->ctx->arena, next);
    event->user_metadata = metadata;
    close_run(t, event);
}

void close_canceled(struct txn *t, const COMMON(Payloads) *details,
                    Temporal__Api__Sdk__V1__UserMetadata *metadata)
{
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_EXECUTION_CANCELED));
    HIST(WorkflowExecutionCanceledEventAttributes) *a =
        event->workflow_execution_canceled_event_attributes;
    a->details = (COMMON(Payloads) *)(uintptr_t)details;
    a->workflow_task_completed_event_id = t->completed_id;
    event->user_metadata = metadata;
    close_run(t, event);
}

void close_terminated(struct txn *t, ProtobufCBinaryData reason, const COMMON(Payloads) *details,
                      const char *identity)
{
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_EXECUTION_TERMINATED));
    HIST(WorkflowExecutionTerminatedEventAttributes) *a =
        event->workflow_execution_terminated_event_attributes;
    a->reason = reason;
    a->details = (COMMON(Payloads) *)(uintptr_t)details;
    a->identity = sk_arena_strdup(t->ctx->arena, identity ? identity : "");
    close_run(t, event);
}

FAILURE *close_timeout_failure(struct sk_arena *arena)
{
    return sk_failure_timeout(arena, "workflow timeout", TIMEOUT(START_TO_CLOSE));
}

void close_timed_out(struct txn *t, bool execution)
{
    int state = RETRY_STATE(TIMEOUT);
    const char *next = "";
    if (!execution)
        next = follow_up(t, close_timeout_failure(t->ctx->arena), NULL, true, &state);
    count_run_failed(t, NULL);
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_EXECUTION_TIMED_OUT));
    HIST(WorkflowExecutionTimedOutEventAttributes) *a =
        event->workflow_execution_timed_out_event_attributes;
    a->retry_state = (Temporal__Api__Enums__V1__RetryState)state;
    a->new_execution_run_id = sk_arena_strdup(t->ctx->arena, next);
    close_run(t, event);
}

/* ---- continue as new ---- */

/* A run that lived shorter than the minimal interval waits for the rest of it. */
static int64_t continue_backoff_ms(const struct txn *t, int64_t asked_ms)
{
    int64_t lived = txn_now_ms(t) - t->x->s->start_ns / MS_NS;
    int64_t rest = t->e->limits->id_reuse_min_ms - lived;
    return rest > asked_ms ? rest : asked_ms;
}

static HIST(WorkflowExecutionStartedEventAttributes) *continued_attributes(
    struct txn *t, const CMDMSG(ContinueAsNewWorkflowExecutionCommandAttributes) *c)
{
    const EN(ExecutionState) *s = t->x->s;
    struct sk_arena *arena = t->ctx->arena;
    HIST(WorkflowExecutionStartedEventAttributes) *a =
        MSG_NEW(arena, HIST(WorkflowExecutionStartedEventAttributes),
                temporal__api__history__v1__workflow_execution_started_event_attributes);
    carry_over(t, a);
    bool same_type = !c->workflow_type || !sk_text_set(c->workflow_type->name);
    bool same_queue = !c->task_queue || !sk_text_set(c->task_queue->name);
    a->workflow_type = sk_type_msg(arena, same_type ? s->workflow_type : c->workflow_type->name);
    a->task_queue = sk_queue_msg(arena, same_queue ? s->task_queue : c->task_queue->name, NULL);
    a->input = c->input;
    a->header = c->header;
    int64_t run_ms = sk_dur_ms(c->workflow_run_timeout);
    int64_t task_ms = sk_dur_ms(c->workflow_task_timeout);
    run_ms = start_run_timeout_ms(run_ms ? run_ms : s->run_timeout_ms, s->execution_timeout_ms);
    if (run_ms)
        a->workflow_run_timeout = sk_dur(arena, run_ms);
    a->workflow_task_timeout = sk_dur(arena, task_ms ? task_ms : s->task_timeout_ms);
    a->retry_policy = c->retry_policy;
    a->cron_schedule = sk_arena_strdup(arena, c->cron_schedule);
    a->memo = c->memo;
    a->search_attributes = sk_sa_present(arena, t->ns, c->search_attributes);
    a->last_completion_result = c->last_completion_result;
    a->continued_failure = c->failure;
    a->initiator = c->initiator ? c->initiator : INITIATOR(WORKFLOW);
    a->attempt = 1;
    a->priority = sk_msg_dup(arena, s->priority);
    int64_t backoff = continue_backoff_ms(t, sk_dur_ms(c->backoff_start_interval));
    a->first_workflow_task_backoff = sk_dur(arena, backoff > 0 ? backoff : 0);
    return a;
}

void close_continued(struct txn *t,
                     const CMDMSG(ContinueAsNewWorkflowExecutionCommandAttributes) *c,
                     Temporal__Api__Sdk__V1__UserMetadata *metadata)
{
    struct sk_arena *arena = t->ctx->arena;
    HIST(WorkflowExecutionStartedEventAttributes) *started = continued_attributes(t, c);
    add_successor(t, started, txn_uuid(t));
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW));
    HIST(WorkflowExecutionContinuedAsNewEventAttributes) *a =
        event->workflow_execution_continued_as_new_event_attributes;
    a->new_execution_run_id = sk_arena_strdup(arena, t->successor->x->run_text);
    a->workflow_type = started->workflow_type;
    a->task_queue = started->task_queue;
    a->input = c->input;
    a->workflow_run_timeout = started->workflow_run_timeout;
    a->workflow_task_timeout = started->workflow_task_timeout;
    a->workflow_task_completed_event_id = t->completed_id;
    a->backoff_start_interval = started->first_workflow_task_backoff;
    a->initiator = started->initiator;
    a->last_completion_result = c->last_completion_result;
    a->header = c->header;
    a->memo = c->memo;
    a->search_attributes = started->search_attributes;
    event->user_metadata = metadata;
    close_run(t, event);
}

/* ---- the end of the record ---- */

sk_err close_delete(struct sk_ctx *ctx, struct exec *x, const struct exec *heir)
{
    struct flow *flow = x->flow;
    struct sk_engine *e = flow->shard->engine;
    struct sk_run_key key = exec_key(x);
    struct sk_op ops[4];
    memset(ops, 0, sizeof ops);
    ops[0].kind = SK_OP_EXEC_DELETE;
    ops[1].kind = SK_OP_HISTORY_DELETE;
    ops[2].kind = SK_OP_CURRENT_DELETE;
    ops[3].kind = SK_OP_VIS_DELETE;
    for (int i = 0; i < 4; i++)
        ops[i].run = key;
    if (heir) {
        ops[2].kind = SK_OP_CURRENT_PUT;
        ops[2].run = exec_key(heir);
        ops[2].current.expected = x->run_id;
    }
    struct sk_txn txn = {flow->slot, e->epochs[flow->slot], ops, 4};
    wake_forget(x);
    sk_err err = sk_store_commit(e->store, ctx, &txn);
    x->start.set = false;
    flow_forget(flow, x); // also when the outcome is unknown: the next use asks the store
    return err;
}
