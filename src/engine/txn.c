/*
 * A transition: what one request, timer or delivery does to one run, from the first event to the
 * commit. Decisions emit events through txn_add, which gives them ids and applies them to the
 * run's memory at once, so that a later command of the same batch sees the effect of an earlier
 * one. Nothing is shown to anybody before txn_commit returned; if the commit is refused, or the
 * decision is abandoned, the run's memory is forgotten and read again from the store.
 *
 * INV-T1 events of a transition are contiguous and follow the durable ones.
 * INV-T2 while a workflow task is started, and while its commands run, events that no command makes
 *        are buffered: applied, kept as bytes in the record without an id, and given their ids by
 *        txn_flush_buffered. SDKs rely on it: what follows Completed is what the commands made.
 * INV-T3 a transition that follows a start known only to memory writes that start first.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "base/assert.h"
#include "base/log.h"
#include "wire/wire.h"

void txn_init(struct txn *t, struct sk_ctx *ctx, const struct sk_namespace *ns, struct exec *x)
{
    memset(t, 0, sizeof *t);
    t->shard = x->flow->shard;
    t->e = t->shard->engine;
    t->ctx = ctx;
    t->ns = ns;
    t->x = x;
    t->now_ns = sk_now_wall_ns();
    t->batch = SK_BUF_INIT;
    if (x->start.set)
        wft_materialize(t);
}

int64_t txn_now_ms(const struct txn *t)
{
    return t->now_ns / MS_NS;
}

char *txn_uuid(struct txn *t)
{
    char text[SK_UUID_TEXT];
    uuid_fresh(txn_now_ms(t), text);
    return sk_arena_strdup(t->ctx->arena, text);
}

/* The array with room for one more: itself, or a copy twice as large. */
static void *with_room(struct txn *t, void *items, size_t n, size_t *capacity, size_t item_size)
{
    if (n < *capacity)
        return items;
    *capacity = n ? n * 2 : 8;
    void *larger = sk_arena_alloc(t->ctx->arena, *capacity * item_size);
    if (n)
        memcpy(larger, items, n * item_size);
    return larger;
}

struct sk_op *txn_op(struct txn *t, enum sk_op_kind kind)
{
    t->ops = with_room(t, t->ops, t->op_count, &t->op_capacity, sizeof *t->ops);
    struct sk_op *op = &t->ops[t->op_count++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    if (kind != SK_OP_TASK_PUT && kind != SK_OP_TASK_DELETE && kind != SK_OP_VIS_PUT &&
        kind != SK_OP_OUTBOX_PUT && kind != SK_OP_OUTBOX_DELETE && kind != SK_OP_INBOX_PUT &&
        kind != SK_OP_INBOX_DELETE)
        op->run = exec_key(t->x);
    return op;
}

void txn_announce(struct txn *t, const struct sk_task_row *row)
{
    t->adds = with_room(t, t->adds, t->add_count, &t->add_capacity, sizeof *t->adds);
    t->adds[t->add_count++] = *row;
}

void txn_send(struct txn *t, int64_t id, EN(Outbox) *body)
{
    t->out = with_room(t, t->out, t->out_count, &t->out_capacity, sizeof *t->out);
    t->out[t->out_count++] = (struct outgoing){id, body};
}

/* ---- events ---- */

HIST(HistoryEvent) *txn_event(struct txn *t, int type)
{
    return sk_event_new(t->ctx->arena, type, t->now_ns);
}

/* Does it wait while a workflow task is started? Not the run's own begin and end, workflow task
 * events, and what commands make. */
static bool is_buffered_type(int type)
{
    switch (type) {
    case EVENT(WORKFLOW_EXECUTION_SIGNALED):
    case EVENT(WORKFLOW_EXECUTION_CANCEL_REQUESTED):
    case EVENT(WORKFLOW_EXECUTION_OPTIONS_UPDATED):
    case EVENT(TIMER_FIRED):
    case EVENT(ACTIVITY_TASK_STARTED):
    case EVENT(ACTIVITY_TASK_COMPLETED):
    case EVENT(ACTIVITY_TASK_FAILED):
    case EVENT(ACTIVITY_TASK_TIMED_OUT):
    case EVENT(ACTIVITY_TASK_CANCELED):
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_FAILED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_STARTED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_COMPLETED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_FAILED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_CANCELED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_TIMED_OUT):
    case EVENT(CHILD_WORKFLOW_EXECUTION_TERMINATED):
    case EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED):
    case EVENT(EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED):
    case EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED):
    case EVENT(EXTERNAL_WORKFLOW_EXECUTION_SIGNALED):
        return true;
    default:
        return false;
    }
}

static void buffer_event(struct txn *t, const HIST(HistoryEvent) *event)
{
    struct exec *x = t->x;
    EN(ExecutionState) *s = x->s;
    if (s->n_buffered == x->buffered_capacity) {
        x->buffered_capacity = x->buffered_capacity ? x->buffered_capacity * 2 : 4;
        ProtobufCBinaryData *grown = SK_NEW_N(x->arena, ProtobufCBinaryData, x->buffered_capacity);
        if (s->n_buffered)
            memcpy(grown, s->buffered, s->n_buffered * sizeof *grown);
        s->buffered = grown;
    }
    struct sk_str bytes = sk_wire_pack(x->arena, &event->base);
    s->buffered[s->n_buffered++] = (ProtobufCBinaryData){bytes.n, (uint8_t *)(uintptr_t)bytes.p};
    s->buffered_bytes += (int64_t)bytes.n;
}

static void append_event(struct txn *t, HIST(HistoryEvent) *event, bool apply)
{
    EN(ExecutionState) *s = t->x->s;
    event->event_id = s->next_event_id++;
    event->task_id = event->event_id;
    count_note(t, (int)event->event_type);
    if (t->batch_first == 0)
        t->batch_first = event->event_id;
    s->history_size += (int64_t)sk_wire_history_append(&t->batch, &event->base);
    if (apply)
        exec_apply(t->x, event);
}

void txn_add(struct txn *t, HIST(HistoryEvent) *event)
{
    if ((wft_started(t->x) || t->holding) && is_buffered_type((int)event->event_type)) {
        buffer_event(t, event);
        exec_apply(t->x, event);
    } else {
        append_event(t, event, true);
    }
}

/* ---- flushing ---- */

/* The scheduled or initiated event that a final event of an activity or child belongs to, and
 * where it keeps its started event id; 0 for other events. */
static int64_t final_of(HIST(HistoryEvent) *event, int64_t **ret_started)
{
    switch ((int)event->event_type) {
#define FINAL(TYPE, member, of)                          \
    case EVENT(TYPE):                                    \
        *ret_started = &event->member->started_event_id; \
        return event->member->of
        FINAL(ACTIVITY_TASK_COMPLETED, activity_task_completed_event_attributes,
              scheduled_event_id);
        FINAL(ACTIVITY_TASK_FAILED, activity_task_failed_event_attributes, scheduled_event_id);
        FINAL(ACTIVITY_TASK_TIMED_OUT, activity_task_timed_out_event_attributes,
              scheduled_event_id);
        FINAL(ACTIVITY_TASK_CANCELED, activity_task_canceled_event_attributes, scheduled_event_id);
        FINAL(CHILD_WORKFLOW_EXECUTION_COMPLETED,
              child_workflow_execution_completed_event_attributes, initiated_event_id);
        FINAL(CHILD_WORKFLOW_EXECUTION_FAILED, child_workflow_execution_failed_event_attributes,
              initiated_event_id);
        FINAL(CHILD_WORKFLOW_EXECUTION_CANCELED, child_workflow_execution_canceled_event_attributes,
              initiated_event_id);
        FINAL(CHILD_WORKFLOW_EXECUTION_TIMED_OUT,
              child_workflow_execution_timed_out_event_attributes, initiated_event_id);
        FINAL(CHILD_WORKFLOW_EXECUTION_TERMINATED,
              child_workflow_execution_terminated_event_attributes, initiated_event_id);
#undef FINAL
    default:
        return 0;
    }
}

static int64_t begin_of(const HIST(HistoryEvent) *event)
{
    if ((int)event->event_type == (int)EVENT(ACTIVITY_TASK_STARTED))
        return event->activity_task_started_event_attributes->scheduled_event_id;
    if ((int)event->event_type == (int)EVENT(CHILD_WORKFLOW_EXECUTION_STARTED))
        return event->child_workflow_execution_started_event_attributes->initiated_event_id;
    return 0;
}

/* A Started event got its id: whoever still waits for its final event must know it. */
static void note_started_id(struct exec *x, const HIST(HistoryEvent) *event)
{
    struct item *item;
    if ((int)event->event_type == (int)EVENT(CHILD_WORKFLOW_EXECUTION_STARTED)) {
        EN(Child) *child = exec_child(x, begin_of(event), &item);
        if (child) {
            child->started_event_id = event->event_id;
            item_touch(item);
        }
    }
}

/* A request id that was buffered with its event now has an event id. */
static void note_request_id(struct exec *x, const HIST(HistoryEvent) *event)
{
    const char *id;
    if ((int)event->event_type == (int)EVENT(WORKFLOW_EXECUTION_SIGNALED))
        id = event->workflow_execution_signaled_event_attributes->request_id;
    else if ((int)event->event_type == (int)EVENT(WORKFLOW_EXECUTION_OPTIONS_UPDATED))
        id = event->workflow_execution_options_updated_event_attributes->attached_request_id;
    else
        return;
    for (size_t i = 0; i < x->s->n_request_ids; i++)
        if (sk_text_set(id) && strcmp(x->s->request_ids[i]->id, id) == 0)
            x->s->request_ids[i]->event_id = event->event_id;
}

static HIST(HistoryEvent) *buffered_event(struct txn *t, size_t i)
{
    struct sk_ctx scratch = {.arena = t->ctx->arena};
    ProtobufCBinaryData packed = t->x->s->buffered[i];
    struct sk_str bytes = {(const char *)packed.data, packed.len};
    ProtobufCMessage *m;
    sk_err err = sk_wire_decode_own(
        &scratch, &temporal__api__history__v1__history_event__descriptor, bytes, &m);
    SK_ASSERT(err == SK_OK); // packed by buffer_event; the record as a whole did parse
    return (HIST(HistoryEvent) *)m;
}

bool txn_buffers_end(struct txn *t, int64_t scheduled_id)
{
    for (size_t i = 0; i < t->x->s->n_buffered; i++) {
        HIST(HistoryEvent) *event = buffered_event(t, i);
        int type = (int)event->event_type;
        int64_t *started;
        if ((type == (int)EVENT(ACTIVITY_TASK_COMPLETED) ||
             type == (int)EVENT(ACTIVITY_TASK_FAILED) ||
             type == (int)EVENT(ACTIVITY_TASK_TIMED_OUT) ||
             type == (int)EVENT(ACTIVITY_TASK_CANCELED)) &&
            final_of(event, &started) == scheduled_id)
            return true;
    }
    return false;
}

/*
 * Give the buffered events their ids, in order of arrival but for the final events of activities
 * and children, which go last: their Started events may sit behind them.
 */
void txn_flush_buffered(struct txn *t)
{
    struct exec *x = t->x;
    EN(ExecutionState) *s = x->s;
    size_t n = s->n_buffered;
    if (n == 0)
        return;
    HIST(HistoryEvent) **events = SK_NEW_N(t->ctx->arena, HIST(HistoryEvent) *, n);
    for (size_t i = 0; i < n; i++)
        events[i] = buffered_event(t, i);
    s->n_buffered = 0;
    s->buffered = NULL;
    s->buffered_bytes = 0;
    x->buffered_capacity = 0;
    int64_t *started;
    for (size_t i = 0; i < n; i++) {
        if (final_of(events[i], &started))
            continue;
        append_event(t, events[i], false);
        note_started_id(x, events[i]);
        note_request_id(x, events[i]);
    }
    for (size_t i = 0; i < n; i++) {
        int64_t of = final_of(events[i], &started);
        if (!of)
            continue;
        for (size_t j = 0; j < n; j++)
            if (begin_of(events[j]) == of)
                *started = events[j]->event_id;
        append_event(t, events[i], false);
    }
}

/* ---- commit ---- */

static void part_ops(struct txn *t)
{
    struct exec *x = t->x;
    for (size_t i = 0; i < x->dead_count; i++) {
        struct sk_op *op = txn_op(t, SK_OP_PART_DELETE);
        op->part.kind = x->dead[i].kind;
        op->part.id = x->dead[i].id;
    }
    x->dead_count = 0;
    for (int kind = SK_PART_ACTIVITY; kind < ITEM_KINDS; kind++)
        for (size_t i = 0; i < x->items[kind].n; i++) {
            struct item *item = &x->items[kind].v[i];
            if (!item->apart || !item->dirty)
                continue;
            struct sk_op *op = txn_op(t, SK_OP_PART_PUT);
            op->part.kind = (enum sk_part_kind)kind;
            op->part.id = item->id;
            op->part.body = sk_wire_pack(t->ctx->arena, item->record);
            item->dirty = false;
        }
}

static void outbox_ops(struct txn *t)
{
    for (size_t i = 0; i < t->out_count; i++) {
        struct sk_op *op = txn_op(t, SK_OP_OUTBOX_PUT);
        op->outbox.source = exec_key(t->x);
        op->outbox.id = t->out[i].id;
        op->outbox.body = sk_wire_pack(t->ctx->arena, &t->out[i].body->base);
    }
}

/* All rows of one run's transition. */
static void collect(struct txn *t)
{
    struct exec *x = t->x;
    x->s->state_transitions++;
    if (t->batch_first) {
        struct sk_op *op = txn_op(t, SK_OP_HISTORY_APPEND);
        op->history.first_event_id = t->batch_first;
        op->history.last_event_id = x->s->next_event_id - 1;
        op->history.events = sk_buf_view(&t->batch);
    }
    if (t->point_current) {
        struct sk_op *op = txn_op(t, SK_OP_CURRENT_PUT);
        op->current.expected = t->expected_current;
        op->current.any = t->any_current;
    }
    part_ops(t);
    outbox_ops(t);
    if (t->visible)
        visible_op(t);
    struct sk_op *op = txn_op(t, SK_OP_EXEC_PUT);
    op->exec.version = x->version + 1;
    op->exec.wake_ms = wake_due_ms(x, txn_now_ms(t));
    op->exec.state = exec_pack(x, t->ctx->arena);
    x->wake_ms = op->exec.wake_ms;
}

static void after_commit(struct txn *t)
{
    struct exec *x = t->x;
    x->version++;
    if (t->wrote_start) {
        sk_mem_free(x->start.identity);
        x->start = (struct started){0};
    }
    if (t->batch_first)
        exec_tail_add(x, t->batch_first, x->s->next_event_id - 1, sk_buf_view(&t->batch));
    if (t->point_current) {
        x->flow->current = x->run_id;
        x->flow->current_known = true;
    }
    wake_arm(x);
    for (size_t i = 0; i < t->add_count; i++)
        sk_matching_add(t->e->matching, &t->adds[i]);
    for (size_t i = 0; i < t->out_count; i++) {
        struct sk_run_key key = exec_key(x);
        deliver_start(t->shard, &key, t->out[i].id,
                      sk_wire_pack(t->ctx->arena, &t->out[i].body->base));
    }
    t->shard->stats.transitions++;
    count_commit(t);
    if (t->answers)
        queries_answer(x, t->answers);
    queries_unblock(x);
    exec_compact(x);
}

/* It may be written. A task that matching hears of without a row is refused at its start; messages
 * go out when their rows are seen. */
static void outcome_unknown(struct txn *t)
{
    // All rows, also those whose task the caller meant to start itself: it gets an error now.
    for (size_t i = 0; i < t->op_count; i++)
        if (t->ops[i].kind == SK_OP_TASK_PUT)
            sk_matching_add(t->e->matching, &t->ops[i].task);
    struct sk_run_key key = exec_key(t->x);
    deliver_recheck(t->shard, &key, t->out, t->out_count);
}

static void dispose(struct txn *t)
{
    sk_buf_fini(&t->batch);
    if (t->successor)
        sk_buf_fini(&t->successor->batch);
}

void txn_abandon(struct txn *t)
{
    struct flow *flow = t->x->flow;
    t->x->start.set |= t->wrote_start; // not written after all
    if (t->successor) {
        exec_free(t->successor->x); // never attached to the flow before its commit
        t->successor->x = NULL;
    }
    dispose(t);
    flow_forget(flow, t->x);
    t->x = NULL;
}

/* A run that grew past what the server keeps ends; a task whose buffer is full fails, so that what
 * waits gets its place. */
static void enforce_limits(struct txn *t)
{
    struct exec *x = t->x;
    const struct sk_limits *limits = t->e->limits;
    const char *reason = NULL;
    if (!exec_running(x))
        return;
    if (x->s->next_event_id - 1 > limits->history_count_error)
        reason = "Workflow history count exceeds limit.";
    else if (x->s->history_size > limits->history_size_error)
        reason = "Workflow history size exceeds limit.";
    if (reason)
        close_terminated(t, sk_bin(t->ctx->arena, reason), NULL, SYSTEM_IDENTITY);
    else if (x->s->wft && ((int64_t)x->s->n_buffered > limits->buffered_events ||
                           x->s->buffered_bytes > limits->buffered_bytes))
        wft_fail(t, CAUSE(FORCE_CLOSE_COMMAND), NULL, SYSTEM_IDENTITY);
}

/* INV-T1, checked by other code than that which numbered the events. */
static bool batch_whole(struct txn *t)
{
    int64_t first, last;
    if (t->batch_first == 0)
        return true;
    struct sk_ctx scratch = {.arena = t->ctx->arena};
    if (sk_wire_history_range(&scratch, sk_buf_view(&t->batch), &first, &last) == SK_OK &&
        first == t->batch_first && last == t->x->s->next_event_id - 1)
        return true;
    sk_ctx_clear(t->ctx);
    sk_fail(t->ctx, SK_DATA_LOSS, "events of a transition are not %lld to %lld",
            (long long)t->batch_first, (long long)t->x->s->next_event_id - 1);
    return false;
}

sk_err txn_commit(struct txn *t)
{
    struct flow *flow = t->x->flow;
    enforce_limits(t);
    if (t->failed) {
        txn_abandon(t);
        return sk_fail(t->ctx, SK_INTERNAL, "the transition could not be decided");
    }
    collect(t);
    if (!batch_whole(t) || (t->successor && !batch_whole(t->successor))) {
        sk_err broken = flow_set_aside(flow, t->ctx, t->x->run_id);
        txn_abandon(t);
        return broken;
    }
    struct txn *next = t->successor;
    size_t count = t->op_count;
    struct sk_op *ops = t->ops;
    if (next) {
        collect(next);
        ops = SK_NEW_N(t->ctx->arena, struct sk_op, count + next->op_count);
        memcpy(ops, t->ops, count * sizeof *ops);
        memcpy(ops + count, next->ops, next->op_count * sizeof *ops);
        count += next->op_count;
    }
    struct sk_txn txn = {flow->slot, t->e->epochs[flow->slot], ops, count};
    sk_err err = sk_store_commit(t->e->store, t->ctx, &txn);
    if (err != SK_OK) {
        if (err == SK_COMMIT_UNKNOWN) {
            SK_LOG(WARN, "engine", "commit outcome unknown, reloading the run",
                   SK_KV("run_id", t->x->run_text));
            outcome_unknown(t);
            if (next)
                outcome_unknown(next);
        }
        txn_abandon(t);
        return err;
    }
    if (next)
        flow_attach(flow, next->x);
    after_commit(t);
    if (next)
        after_commit(next);
    flow_notify(flow);
    dispose(t);
    return SK_OK;
}
