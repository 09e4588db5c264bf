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
#include "engine/deliver_internal.h"

#include <string.h>
#include "base/log.h"
#include "wire/wire.h"

#define RETRY_FIRST_MS 50
#define RETRY_MAX_MS 10000
#define BOOT_LIMIT 1000000

struct sk_engine *deliver_engine(const struct attempt *a)
{
    return a->d->shard->engine;
}

char *deliver_source_run(const struct attempt *a)
{
    char text[SK_UUID_TEXT];
    sk_uuid_format(a->d->source_run, text);
    return sk_arena_strdup(a->ctx->arena, text);
}

const COMMON(WorkflowExecution) *deliver_source(const struct attempt *a)
{
    return sk_execution_msg(a->ctx->arena, a->d->source_id, deliver_source_run(a));
}

sk_err deliver_decode(struct sk_ctx *ctx, ProtobufCBinaryData bytes, const HIST(HistoryEvent) **ret)
{
    ProtobufCMessage *m;
    struct sk_str s = {(const char *)bytes.data, bytes.len};
    sk_err err =
        sk_wire_decode_own(ctx, &temporal__api__history__v1__history_event__descriptor, s, &m);
    if (err == SK_OK)
        *ret = (const HIST(HistoryEvent) *)m;
    return err;
}

sk_err deliver_change(struct attempt *a, const struct change *change)
{
    sk_err err = run_change(deliver_engine(a), a->ctx, a->ns, change);
    if (err != SK_NOT_FOUND)
        return err;
    sk_ctx_clear(a->ctx);
    return SK_OK;
}

/* ---- the target's inbox ---- */

static void inbox_key(const struct attempt *a, const char *target, struct sk_inbox_row *ret)
{
    *ret = (struct sk_inbox_row){.ns = a->d->ns_id,
                                 .workflow_id = sk_str_of(target),
                                 .source_run = a->d->source_run,
                                 .id = a->d->id};
}

/* Did the target take it before? Then its answer is in a->reply. */
sk_err deliver_inbox_find(struct attempt *a, const char *target, bool *ret_found)
{
    struct sk_inbox_row row;
    *ret_found = false;
    if (!a->d->again)
        return SK_OK;
    inbox_key(a, target, &row);
    sk_err err = sk_store_inbox_get(deliver_engine(a)->store, a->ctx, &row);
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

void deliver_inbox_put(struct attempt *a, struct txn *t, const char *target)
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

void deliver_inbox_clear(struct attempt *a, const char *target)
{
    struct inbox_clear c = {a, target};
    if (a->inbox &&
        shard_call(deliver_engine(a), a->ctx, a->ns, target, do_clear_inbox, &c, NULL) != SK_OK)
        sk_ctx_clear(a->ctx); // a stray row costs a few bytes until the source is gone
}

/* ---- back at the source ---- */

sk_err deliver_forget(struct attempt *a)
{
    struct sk_op op = {.kind = SK_OP_OUTBOX_DELETE};
    op.outbox.source =
        (struct sk_run_key){a->d->ns_id, sk_str_of(a->d->source_id), a->d->source_run};
    op.outbox.id = a->d->id;
    uint32_t slot = sk_slot_of(a->d->ns_id, sk_str_of(a->d->source_id));
    struct sk_txn txn = {slot, deliver_engine(a)->epochs[slot], &op, 1};
    return sk_store_commit(deliver_engine(a)->store, a->ctx, &txn);
}

struct record {
    struct attempt *a;
    void (*record)(struct attempt *, struct txn *);
    bool open;
};

static sk_err decide_record(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                            const struct change *change)
{
    (void)ctx;
    struct record *r = change->response;
    r->open = exec_running(x);
    if (!r->open)
        return SK_OK;
    struct txn *t = joint_txn(j);
    r->record(r->a, t);
    struct sk_op *op = txn_op(t, SK_OP_OUTBOX_DELETE);
    op->outbox.source = exec_key(x);
    op->outbox.id = r->a->d->id;
    wft_schedule_if_idle(t);
    return SK_OK;
}

/* Record the answer in the source with `record`; if the source is closed or gone, only forget the
 * message. *ret_open tells which. */
sk_err deliver_record(struct attempt *a, void (*record)(struct attempt *, struct txn *),
                      bool *ret_open)
{
    struct record r = {a, record, false};
    const struct change change = {.workflow_id = a->d->source_id,
                                  .run_uuid = &a->d->source_run,
                                  .decide = decide_record,
                                  .response = &r};
    sk_err err = deliver_change(a, &change);
    *ret_open = r.open;
    return err;
}

/* The commit that recorded the answer may have been of unknown outcome. Asking the target once more
 * might give another answer, of which the source would never hear. */
sk_err deliver_settled(struct attempt *a, enum sk_part_kind kind, const char *target,
                       bool *ret_settled)
{
    *ret_settled = false;
    if (!a->d->again)
        return SK_OK;
    struct flow *flow = flow_enter(a->d->shard, a->d->ns_id, a->d->source_id);
    struct exec *x;
    sk_err err = flow_run_uuid(flow, a->ctx, a->d->source_run, &x);
    if (err == SK_OK) {
        const struct item *item = items_find(x, kind, a->initiated->event_id);
        *ret_settled = !item || (kind == SK_PART_CHILD &&
                                 sk_text_set(((const EN(Child) *)item->record)->run_id));
    }
    flow_leave(flow);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(a->ctx);
        return SK_OK;
    }
    if (err != SK_OK || !*ret_settled)
        return err;
    err = deliver_forget(a);
    a->inbox = true; // perhaps
    if (err == SK_OK)
        deliver_inbox_clear(a, target);
    return err;
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
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_START_CHILD:
        return deliver_start_child(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_SIGNAL:
        return deliver_signal(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_CANCEL:
        return deliver_cancel(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_CHILD_CLOSED:
        return deliver_child_closed(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_PARENT_CLOSED:
        return deliver_parent_closed(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE_FIRST_TASK:
        return deliver_first_task(a);
    case SKALD__ENGINE__V1__OUTBOX__MESSAGE__NOT_SET:
    case _SKALD__ENGINE__V1__OUTBOX__MESSAGE__CASE_IS_INT_SIZE:
        break;
    }
    return sk_fail(a->ctx, SK_DATA_LOSS, "an outbox row of an unknown kind");
}

static void delivery_free(struct delivery *d)
{
    sk_list_remove(&d->node);
    sk_mem_free(d->source_id);
    sk_mem_free((void *)(uintptr_t)d->body.p);
    sk_mem_free(d);
}

static void run_delivery(void *arg)
{
    struct delivery *d = arg;
    struct sk_engine *e = d->shard->engine;
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_ctx ctx = {.arena = arena};
    struct attempt a = {.d = d,
                        .ctx = &ctx,
                        .ns = sk_namespaces_by_id(e->namespaces, d->ns_id),
                        .reply = SKALD__ENGINE__V1__REPLY__INIT};
    sk_err err = a.ns && !e->closing ? deliver_once(&a) : SK_OK;
    if (err != SK_OK && d->pause_ms >= 1000)
        SK_LOG(WARN, "engine", "a message to another workflow is not delivered yet",
               SK_KV("workflow_id", d->source_id), SK_KI("id", d->id),
               SK_KV("error", ctx.err.message ? ctx.err.message : sk_err_name(err)));
    sk_arena_free(arena);
    if (err == SK_OK || err == SK_DATA_LOSS || e->closing) {
        delivery_free(d);
        return;
    }
    d->again = true;
    sk_timer_start(&d->timer, sk_now_mono_ms() + d->pause_ms);
    d->pause_ms = d->pause_ms * 2 < RETRY_MAX_MS ? d->pause_ms * 2 : RETRY_MAX_MS;
}

static void on_paused(struct sk_timer *timer)
{
    struct delivery *d = SK_CONTAINER(timer, struct delivery, timer);
    shard_spawn(d->shard, run_delivery, d);
}

void deliver_close(struct sk_shard *shard)
{
    SK_LIST_EACH (node, &shard->deliveries) {
        struct delivery *d = SK_CONTAINER(node, struct delivery, node);
        sk_timer_stop(&d->timer);
        delivery_free(d);
    }
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
    d->pause_ms = RETRY_FIRST_MS;
    sk_timer_init(&d->timer, on_paused);
    sk_list_push_back(&shard->deliveries, &d->node);
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
    /* The transition may have been made again meanwhile: then its message is on the way. */
    SK_LIST_EACH (node, &r->shard->deliveries) {
        const struct delivery *d = SK_CONTAINER(node, struct delivery, node);
        if (d->id == row->id && memcmp(&d->source_run, &r->run_id, sizeof r->run_id) == 0)
            return false;
    }
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
    if (err == SK_NOT_FOUND) { // deleted meanwhile, but what it had to say is not
        sk_ctx_clear(ctx);
        err = SK_OK;
    }
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
    sk_err err =
        sk_store_outbox_read(shard->engine->store, ctx, (uint32_t)shard->engine->shard_count,
                             (uint32_t)shard->index, BOOT_LIMIT, &rows, &count);
    for (size_t i = 0; err == SK_OK && i < count; i++)
        spawn_delivery(shard, &rows[i].source, rows[i].id, rows[i].body, true);
    return err;
}
