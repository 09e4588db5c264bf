/*
 * A transition on the tables: operations in order, each change noted, and undone in reverse when
 * a condition does not hold.
 */
#include "store/memory/memory_internal.h"

#include "base/assert.h"

struct change {
    enum sm_table_kind table;
    struct sk_str key;    /* in the commit's arena */
    struct sm_entry *old; /* what was there */
};
struct commit {
    struct sk_memory_data *data;
    struct sk_ctx *ctx;
    const struct sk_txn *txn;
    struct sk_arena *scratch;
    struct change *changes;
    size_t count, capacity;
};

static void change(struct commit *c, enum sm_table_kind table, const struct sk_buf *key,
                   const struct sk_buf *value)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 32;
        c->changes = sk_mem_realloc(c->changes, c->capacity * sizeof(*c->changes));
    }
    struct sk_str view = value ? sk_buf_view(value) : (struct sk_str){0};
    struct sk_str k = {sk_arena_memdup(c->scratch, key->p, key->n), key->n};
    struct sm_entry *old = sm_table_swap(&c->data->tables[table], k, value ? &view : NULL);
    c->changes[c->count++] = (struct change){table, k, old};
}

static void end(struct commit *c, bool keep)
{
    while (c->count > 0) {
        struct change *ch = &c->changes[--c->count];
        if (keep)
            sk_mem_free(ch->old);
        else
            sm_table_restore(&c->data->tables[ch->table], ch->key, ch->old);
    }
    sk_mem_free(c->changes);
    sk_arena_free(c->scratch);
}

static const struct sm_entry *get(struct commit *c, enum sm_table_kind table,
                                  const struct sk_buf *key)
{
    return sm_table_get(&c->data->tables[table], sk_buf_view(key));
}

/* Remove all entries whose key starts with prefix. */
static void remove_prefix(struct commit *c, enum sm_table_kind table, const struct sk_buf *prefix)
{
    const struct sm_table *t = &c->data->tables[table];
    for (;;) {
        size_t at = sm_table_seek(t, sk_buf_view(prefix));
        if (at == t->count || !sk_str_starts(t->entries[at]->key, sk_buf_view(prefix)))
            return;
        struct sk_buf key = SK_BUF_INIT;
        sk_buf_append(&key, t->entries[at]->key.p, t->entries[at]->key.n);
        change(c, table, &key, NULL);
        sk_buf_fini(&key);
    }
}

static sk_err refuse(struct commit *c, const struct sk_run_key *run, const char *what, int64_t n)
{
    char id[SK_UUID_TEXT];
    sk_uuid_format(run->run_id, id);
    return sk_fail(c->ctx, SK_CONDITION, "run %s of workflow " SK_STR_FMT " %s %lld", id,
                   SK_STR_ARG(run->workflow_id), what, (long long)n);
}

/* ---- operations: key and value are scratch buffers, cleared before each ---- */

static void key_run(struct sk_buf *key, const struct sk_run_key *run)
{
    sm_key_int(key, run->ns);
    sm_key_str(key, run->workflow_id);
}

static sk_err exec_put(struct commit *c, const struct sk_op *op, struct sk_buf *key,
                       struct sk_buf *value)
{
    sm_key_uuid(key, &op->run.run_id);
    const struct sm_entry *old = get(c, SM_EXEC, key);
    int64_t version = 0;
    if (old) {
        struct sk_str in = old->value;
        version = sm_take_int(&in);
    }
    if (version != op->exec.version - 1)
        return refuse(c, &op->run, "is not at version", op->exec.version - 1);
    sm_put_int(value, op->exec.version);
    sm_put_int(value, op->run.ns);
    sm_put_str(value, op->run.workflow_id);
    sm_put_int(value, c->txn->slot);
    sm_put_int(value, op->exec.wake_ms);
    sm_put_str(value, op->exec.state);
    change(c, SM_EXEC, key, value);
    sk_buf_clear(key);
    sk_buf_clear(value);
    key_run(key, &op->run);
    sm_key_uuid(key, &op->run.run_id);
    change(c, SM_RUNS, key, value);
    return SK_OK;
}

static sk_err exec_delete(struct commit *c, const struct sk_op *op, struct sk_buf *key)
{
    sm_key_uuid(key, &op->run.run_id);
    change(c, SM_EXEC, key, NULL);
    remove_prefix(c, SM_PART, key);
    sk_buf_clear(key);
    key_run(key, &op->run);
    sm_key_uuid(key, &op->run.run_id);
    change(c, SM_RUNS, key, NULL);
    return SK_OK;
}

static sk_err part(struct commit *c, const struct sk_op *op, struct sk_buf *key,
                   struct sk_buf *value)
{
    sm_key_uuid(key, &op->run.run_id);
    sm_key_int(key, op->part.kind);
    sm_key_int(key, op->part.id);
    if (op->kind == SK_OP_PART_PUT)
        sm_put_str(value, op->part.body);
    change(c, SM_PART, key, op->kind == SK_OP_PART_PUT ? value : NULL);
    return SK_OK;
}

static sk_err history_append(struct commit *c, const struct sk_op *op, struct sk_buf *key,
                             struct sk_buf *value)
{
    sm_key_uuid(key, &op->run.run_id);
    sm_key_int(key, op->history.first_event_id);
    if (get(c, SM_HISTORY, key))
        return refuse(c, &op->run, "has a history batch already at event",
                      op->history.first_event_id);
    sm_put_int(value, op->history.last_event_id);
    sm_put_str(value, op->history.events);
    change(c, SM_HISTORY, key, value);
    return SK_OK;
}

static sk_err history_delete(struct commit *c, const struct sk_op *op, struct sk_buf *key)
{
    sm_key_uuid(key, &op->run.run_id);
    remove_prefix(c, SM_HISTORY, key);
    return SK_OK;
}

static struct sk_uuid current(struct commit *c, const struct sk_buf *key)
{
    const struct sm_entry *e = get(c, SM_CURRENT, key);
    struct sk_uuid id = {{0}};
    if (e)
        memcpy(id.b, e->value.p, SK_UUID_SIZE);
    return id;
}

static sk_err current_op(struct commit *c, const struct sk_op *op, struct sk_buf *key,
                         struct sk_buf *value)
{
    key_run(key, &op->run);
    struct sk_uuid held = current(c, key);
    if (op->kind == SK_OP_CURRENT_DELETE) {
        if (memcmp(&held, &op->run.run_id, sizeof(held)) == 0)
            change(c, SM_CURRENT, key, NULL);
        return SK_OK;
    }
    if (!op->current.any && memcmp(&held, &op->current.expected, sizeof(held)) != 0)
        return refuse(c, &op->run, "cannot become current: the pointer is not as expected", 0);
    sm_put_uuid(value, &op->run.run_id);
    change(c, SM_CURRENT, key, value);
    return SK_OK;
}

static sk_err task(struct commit *c, const struct sk_op *op, struct sk_buf *key,
                   struct sk_buf *value)
{
    const struct sk_task_row *t = &op->task;
    bool put = op->kind == SK_OP_TASK_PUT;
    sm_key_int(key, t->queue.ns);
    sm_key_int(key, t->queue.kind);
    sm_key_str(key, t->queue.name);
    sm_key_int(key, t->priority);
    sm_key_int(key, t->pass);
    sm_key_int(key, t->seq);
    if (put)
        sm_put_task(value, t);
    change(c, SM_TASK, key, put ? value : NULL);
    return SK_OK;
}

static sk_err vis(struct commit *c, const struct sk_op *op, struct sk_buf *key,
                  struct sk_buf *value)
{
    bool put = op->kind == SK_OP_VIS_PUT;
    sm_key_uuid(key, put ? &op->vis.run.run_id : &op->run.run_id);
    if (put)
        sm_put_vis(value, &op->vis);
    change(c, SM_VIS, key, put ? value : NULL);
    return SK_OK;
}

static sk_err outbox(struct commit *c, const struct sk_op *op, struct sk_buf *key,
                     struct sk_buf *value)
{
    const struct sk_outbox_row *row = &op->outbox;
    sm_key_uuid(key, &row->source.run_id);
    sm_key_int(key, row->id);
    if (op->kind == SK_OP_OUTBOX_DELETE) {
        change(c, SM_OUTBOX, key, NULL);
        return SK_OK;
    }
    const struct sm_entry *old = get(c, SM_OUTBOX, key);
    struct sk_str in = old ? old->value : (struct sk_str){0};
    sm_put_int(value, old ? sm_take_int(&in) : ++c->data->outbox_sequence);
    sm_put_int(value, c->txn->slot);
    sm_put_int(value, row->source.ns);
    sm_put_str(value, row->source.workflow_id);
    sm_put_str(value, row->body);
    change(c, SM_OUTBOX, key, value);
    return SK_OK;
}

static sk_err inbox(struct commit *c, const struct sk_op *op, struct sk_buf *key,
                    struct sk_buf *value)
{
    const struct sk_inbox_row *row = &op->inbox;
    bool put = op->kind == SK_OP_INBOX_PUT;
    sm_key_int(key, row->ns);
    sm_key_str(key, row->workflow_id);
    sm_key_uuid(key, &row->source_run);
    sm_key_int(key, row->id);
    if (put && get(c, SM_INBOX, key))
        return sk_fail(c->ctx, SK_CONDITION, "message %lld was received before",
                       (long long)row->id);
    if (put)
        sm_put_str(value, row->reply);
    change(c, SM_INBOX, key, put ? value : NULL);
    return SK_OK;
}

static sk_err apply(struct commit *c, const struct sk_op *op, struct sk_buf *key,
                    struct sk_buf *value)
{
    switch (op->kind) {
    case SK_OP_EXEC_PUT:
        return exec_put(c, op, key, value);
    case SK_OP_EXEC_DELETE:
        return exec_delete(c, op, key);
    case SK_OP_PART_PUT:
    case SK_OP_PART_DELETE:
        return part(c, op, key, value);
    case SK_OP_HISTORY_APPEND:
        return history_append(c, op, key, value);
    case SK_OP_HISTORY_DELETE:
        return history_delete(c, op, key);
    case SK_OP_CURRENT_PUT:
    case SK_OP_CURRENT_DELETE:
        return current_op(c, op, key, value);
    case SK_OP_TASK_PUT:
    case SK_OP_TASK_DELETE:
        return task(c, op, key, value);
    case SK_OP_VIS_PUT:
    case SK_OP_VIS_DELETE:
        return vis(c, op, key, value);
    case SK_OP_OUTBOX_PUT:
    case SK_OP_OUTBOX_DELETE:
        return outbox(c, op, key, value);
    case SK_OP_INBOX_PUT:
    case SK_OP_INBOX_DELETE:
        return inbox(c, op, key, value);
    }
    SK_PANIC("unknown row operation %d", (int)op->kind);
}

sk_err sm_commit(struct sk_memory_data *data, struct sk_ctx *ctx, const struct sk_txn *txn)
{
    int64_t held = atomic_load(&data->leases[txn->slot]);
    if (held != txn->epoch || held == 0)
        return sk_fail(ctx, SK_CONDITION,
                       "the lease of slot %u has epoch %lld, the transition was made under %lld",
                       txn->slot, (long long)held, (long long)txn->epoch);
    struct commit c = {.data = data, .ctx = ctx, .txn = txn, .scratch = sk_arena_new(0)};
    struct sk_buf key = SK_BUF_INIT, value = SK_BUF_INIT;
    sk_err err = SK_OK;
    for (size_t i = 0; i < txn->op_count && err == SK_OK; i++) {
        sk_buf_clear(&key);
        sk_buf_clear(&value);
        err = apply(&c, &txn->ops[i], &key, &value);
    }
    end(&c, err == SK_OK);
    sk_buf_fini(&key);
    sk_buf_fini(&value);
    return err;
}

/* ---- small records ---- */

static int64_t meta_version(struct sk_memory_data *data, struct sk_str key)
{
    const struct sm_entry *e = sm_table_get(&data->tables[SM_META], key);
    struct sk_str in = e ? e->value : (struct sk_str){0};
    return e ? sm_take_int(&in) : 0;
}

static void meta_key(struct sk_buf *key, const struct sk_meta_row *row)
{
    sm_key_str(key, row->kind);
    sm_key_str(key, row->key);
}

sk_err sm_meta_put(struct sk_memory_data *data, struct sk_ctx *ctx, const struct sk_meta_row *row)
{
    struct sk_buf key = SK_BUF_INIT, value = SK_BUF_INIT;
    sk_err err = SK_OK;
    meta_key(&key, row);
    if (meta_version(data, sk_buf_view(&key)) != row->version - 1) {
        err = sk_fail(ctx, SK_CONDITION,
                      "record " SK_STR_FMT "/" SK_STR_FMT " does not hold version %lld",
                      SK_STR_ARG(row->kind), SK_STR_ARG(row->key), (long long)row->version - 1);
    } else {
        sm_put_int(&value, row->version);
        sm_put_str(&value, row->value);
        struct sk_str view = sk_buf_view(&value);
        sk_mem_free(sm_table_swap(&data->tables[SM_META], sk_buf_view(&key), &view));
    }
    sk_buf_fini(&key);
    sk_buf_fini(&value);
    return err;
}

sk_err sm_meta_delete(struct sk_memory_data *data, struct sk_ctx *ctx,
                      const struct sk_meta_row *row)
{
    struct sk_buf key = SK_BUF_INIT;
    sk_err err = SK_OK;
    meta_key(&key, row);
    int64_t held = meta_version(data, sk_buf_view(&key));
    if (held == 0 || (row->version && held != row->version))
        err = sk_fail(ctx, row->version ? SK_CONDITION : SK_NOT_FOUND,
                      "no record " SK_STR_FMT "/" SK_STR_FMT " of that version",
                      SK_STR_ARG(row->kind), SK_STR_ARG(row->key));
    else
        sk_mem_free(sm_table_swap(&data->tables[SM_META], sk_buf_view(&key), NULL));
    sk_buf_fini(&key);
    return err;
}
