/* Reads of the contract on the tables. Results are copied into the caller's arena. */
#include "store/memory/memory_internal.h"

#include <stdlib.h>

#include "base/assert.h"

static const struct sm_table *table(const struct sm_read *r, enum sm_table_kind kind)
{
    return &r->data->tables[kind];
}

static struct sk_str dup(const struct sm_read *r, struct sk_str s)
{
    return (struct sk_str){s.n ? sk_arena_memdup(r->ctx->arena, s.p, s.n) : "", s.n};
}

/* The entries whose key starts with prefix: [*ret_first, end). */
static size_t range(const struct sm_table *t, const struct sk_buf *prefix, size_t *ret_first)
{
    size_t end = sm_table_seek(t, sk_buf_view(prefix));
    *ret_first = end;
    while (end < t->count && sk_str_starts(t->entries[end]->key, sk_buf_view(prefix)))
        end++;
    return end;
}

/* ---- executions ---- */

struct exec {
    int64_t version;
    struct sk_run_key run; /* without run_id */
    uint32_t slot;
    int64_t wake_ms;
    struct sk_str state;
};

static struct exec take_exec(struct sk_str in)
{
    struct exec e = {.version = sm_take_int(&in)};
    e.run.ns = (sk_ns_id)sm_take_int(&in);
    e.run.workflow_id = sm_take_str(&in);
    e.slot = (uint32_t)sm_take_int(&in);
    e.wake_ms = sm_take_int(&in);
    e.state = sm_take_str(&in);
    return e;
}

static void read_parts(struct sm_read *r, const struct sk_buf *prefix, struct sk_exec_row *row)
{
    const struct sm_table *parts = table(r, SM_PART);
    size_t first, end = range(parts, prefix, &first);
    row->part_count = end - first;
    row->parts = SK_NEW_N(r->ctx->arena, struct sk_part_row, row->part_count + 1);
    for (size_t i = first; i < end; i++) {
        struct sk_part_row *part = &row->parts[i - first];
        struct sk_str key = parts->entries[i]->key, value = parts->entries[i]->value;
        sm_key_take_uuid(&key);
        part->kind = (enum sk_part_kind)sm_key_take_int(&key);
        part->id = sm_key_take_int(&key);
        part->body = dup(r, sm_take_str(&value));
    }
}

sk_err sm_exec_get(struct sm_read *r)
{
    struct sk_exec_row *row = r->ret;
    struct sk_buf key = SK_BUF_INIT;
    sk_err err = SK_OK;
    sm_key_uuid(&key, &r->run->run_id);
    const struct sm_entry *entry = sm_table_get(table(r, SM_EXEC), sk_buf_view(&key));
    struct exec e = entry ? take_exec(entry->value) : (struct exec){0};
    if (!entry || e.run.ns != r->run->ns || !sk_str_eq(e.run.workflow_id, r->run->workflow_id)) {
        err = sk_fail(r->ctx, SK_NOT_FOUND, "no such run of workflow " SK_STR_FMT,
                      SK_STR_ARG(r->run->workflow_id));
    } else {
        *row = (struct sk_exec_row){
            .run = *r->run, .version = e.version, .wake_ms = e.wake_ms, .state = dup(r, e.state)};
        row->run.workflow_id = dup(r, e.run.workflow_id);
        read_parts(r, &key, row);
    }
    sk_buf_fini(&key);
    return err;
}

sk_err sm_current_get(struct sm_read *r)
{
    struct sk_buf key = SK_BUF_INIT;
    sk_err err = SK_OK;
    sm_key_int(&key, r->ns);
    sm_key_str(&key, r->a);
    const struct sm_entry *entry = sm_table_get(table(r, SM_CURRENT), sk_buf_view(&key));
    if (entry)
        memcpy(r->ret, entry->value.p, SK_UUID_SIZE);
    else
        err = sk_fail(r->ctx, SK_NOT_FOUND, "no run of workflow " SK_STR_FMT, SK_STR_ARG(r->a));
    sk_buf_fini(&key);
    return err;
}

sk_err sm_runs_read(struct sm_read *r)
{
    struct sk_buf prefix = SK_BUF_INIT;
    const struct sm_table *runs = table(r, SM_RUNS);
    sm_key_int(&prefix, r->ns);
    sm_key_str(&prefix, r->a);
    size_t first, end = range(runs, &prefix, &first);
    struct sk_uuid *ids = SK_NEW_N(r->ctx->arena, struct sk_uuid, end - first + 1);
    for (size_t i = first; i < end; i++) {
        struct sk_str key = runs->entries[i]->key;
        memcpy(ids[end - 1 - i].b, key.p + key.n - SK_UUID_SIZE, SK_UUID_SIZE); // newest first
    }
    *(struct sk_uuid **)r->ret = ids;
    *r->ret_count = end - first;
    sk_buf_fini(&prefix);
    return SK_OK;
}

/* ---- history ---- */

sk_err sm_history_read(struct sm_read *r)
{
    struct sk_buf prefix = SK_BUF_INIT;
    const struct sm_table *history = table(r, SM_HISTORY);
    sm_key_uuid(&prefix, &r->run->run_id);
    size_t first, end = range(history, &prefix, &first), n = 0, bytes = 0;
    struct sk_history_batch *batches =
        SK_NEW_N(r->ctx->arena, struct sk_history_batch, end - first + 1);
    for (size_t k = 0; k < end - first; k++) {
        const struct sm_entry *e = history->entries[r->reverse ? end - 1 - k : first + k];
        struct sk_str key = e->key, value = e->value;
        sm_key_take_uuid(&key);
        struct sk_history_batch batch = {.first_event_id = sm_key_take_int(&key)};
        batch.last_event_id = sm_take_int(&value);
        batch.events = sm_take_str(&value);
        if (batch.first_event_id > r->to || batch.last_event_id < r->from)
            continue;
        bytes += batch.events.n;
        if (n > 0 && bytes > r->limit)
            break;
        batch.events = dup(r, batch.events);
        batches[n++] = batch;
    }
    *(struct sk_history_batch **)r->ret = batches;
    *r->ret_count = n;
    sk_buf_fini(&prefix);
    return SK_OK;
}

/* ---- tasks ---- */

static void take_queue(struct sm_read *r, struct sk_str *key, struct sk_queue_key *ret)
{
    ret->ns = (sk_ns_id)sm_key_take_int(key);
    ret->kind = (enum sk_task_kind)sm_key_take_int(key);
    ret->name = sm_key_take_str(key, r->ctx->arena);
}

static void key_queue(struct sk_buf *key, const struct sk_queue_key *queue)
{
    sm_key_int(key, queue->ns);
    sm_key_int(key, queue->kind);
    sm_key_str(key, queue->name);
}

static void fill_task(struct sm_read *r, const struct sm_entry *e, struct sk_task_row *t)
{
    struct sk_str key = e->key;
    sm_take_task(e->value, t);
    take_queue(r, &key, &t->queue);
    t->priority = (int32_t)sm_key_take_int(&key);
    t->pass = sm_key_take_int(&key);
    t->seq = sm_key_take_int(&key);
    t->run.workflow_id = dup(r, t->run.workflow_id);
    t->fairness_key = dup(r, t->fairness_key);
    t->fallback_queue = dup(r, t->fallback_queue);
    t->version = dup(r, t->version);
}

/* -1, 0 or 1: where a row lies, seen from a place. */
static int compare_place(struct sk_str key, size_t prefix, const struct sk_task_place *place)
{
    key.p += prefix;
    key.n -= prefix;
    const int64_t wanted[] = {place->priority, place->pass, place->seq};
    for (size_t i = 0; i < 3; i++) {
        int64_t have = sm_key_take_int(&key);
        if (have != wanted[i])
            return have < wanted[i] ? -1 : 1;
    }
    return 0;
}

sk_err sm_tasks_read(struct sm_read *r)
{
    struct sk_buf prefix = SK_BUF_INIT;
    const struct sm_table *tasks = table(r, SM_TASK);
    const struct sk_task_range *o = r->tasks;
    key_queue(&prefix, o->queue);
    size_t first, end = range(tasks, &prefix, &first), n = 0;
    while (!o->reverse && first < end &&
           compare_place(tasks->entries[first]->key, prefix.n, &o->after) <= 0)
        first++;
    while (o->reverse && first < end &&
           compare_place(tasks->entries[end - 1]->key, prefix.n, &o->after) >= 0)
        end--;
    size_t count = end - first < o->limit ? end - first : o->limit;
    struct sk_task_row *rows = SK_NEW_N(r->ctx->arena, struct sk_task_row, count + 1);
    for (; n < count; n++)
        fill_task(r, tasks->entries[o->reverse ? end - 1 - n : first + n], &rows[n]);
    *(struct sk_task_row **)r->ret = rows;
    *r->ret_count = n;
    sk_buf_fini(&prefix);
    return SK_OK;
}

static bool same_queue(const struct sk_queue_key *a, const struct sk_queue_key *b)
{
    return a->ns == b->ns && a->kind == b->kind && sk_str_eq(a->name, b->name);
}

sk_err sm_queues_read(struct sm_read *r)
{
    const struct sm_table *tasks = table(r, SM_TASK);
    struct sk_queue_key *queues = SK_NEW_N(r->ctx->arena, struct sk_queue_key, tasks->count + 1);
    size_t n = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        struct sk_str key = tasks->entries[i]->key;
        take_queue(r, &key, &queues[n]);
        if (n == 0 || !same_queue(&queues[n - 1], &queues[n]))
            n++;
    }
    *(struct sk_queue_key **)r->ret = queues;
    *r->ret_count = n;
    return SK_OK;
}

sk_err sm_task_count(struct sm_read *r)
{
    struct sk_buf prefix = SK_BUF_INIT;
    const struct sm_table *tasks = table(r, SM_TASK);
    key_queue(&prefix, r->queue);
    size_t first, end = range(tasks, &prefix, &first);
    int64_t oldest = 0;
    for (size_t i = first; i < end; i++) {
        struct sk_task_row t;
        sm_take_task(tasks->entries[i]->value, &t);
        if (i == first || t.created_ms < oldest)
            oldest = t.created_ms;
    }
    *r->ret_int = (int64_t)(end - first);
    *r->ret_int2 = oldest;
    sk_buf_fini(&prefix);
    return SK_OK;
}

/* ---- what a slot must do ---- */

static int compare_wakes(const void *pa, const void *pb)
{
    const struct sk_wake_row *a = pa, *b = pb;
    if (a->wake_ms != b->wake_ms)
        return a->wake_ms < b->wake_ms ? -1 : 1;
    return memcmp(&a->run.run_id, &b->run.run_id, sizeof(a->run.run_id));
}

sk_err sm_wakes_read(struct sm_read *r)
{
    const struct sm_table *execs = table(r, SM_EXEC);
    struct sk_wake_row *rows = sk_mem_alloc((execs->count + 1) * sizeof(*rows));
    size_t n = 0;
    for (size_t i = 0; i < execs->count; i++) {
        struct exec e = take_exec(execs->entries[i]->value);
        if (e.slot % r->modulo != r->rest || e.wake_ms <= 0 || e.wake_ms > r->to)
            continue;
        memcpy(e.run.run_id.b, execs->entries[i]->key.p, SK_UUID_SIZE);
        rows[n++] = (struct sk_wake_row){e.run, e.wake_ms};
    }
    qsort(rows, n, sizeof(*rows), compare_wakes);
    n = n < r->limit ? n : r->limit;
    struct sk_wake_row *ret = SK_NEW_N(r->ctx->arena, struct sk_wake_row, n + 1);
    for (size_t i = 0; i < n; i++) {
        ret[i] = rows[i];
        ret[i].run.workflow_id = dup(r, rows[i].run.workflow_id);
    }
    sk_mem_free(rows);
    *(struct sk_wake_row **)r->ret = ret;
    *r->ret_count = n;
    return SK_OK;
}

struct queued {
    int64_t sequence;
    struct sk_outbox_row row;
};

static int compare_queued(const void *a, const void *b)
{
    int64_t x = ((const struct queued *)a)->sequence, y = ((const struct queued *)b)->sequence;
    return x < y ? -1 : x > y;
}

sk_err sm_outbox_read(struct sm_read *r)
{
    const struct sm_table *outbox = table(r, SM_OUTBOX);
    struct queued *rows = sk_mem_alloc((outbox->count + 1) * sizeof(*rows));
    size_t n = 0;
    for (size_t i = 0; i < outbox->count; i++) {
        struct sk_str key = outbox->entries[i]->key, in = outbox->entries[i]->value;
        struct queued q = {.sequence = sm_take_int(&in)};
        uint32_t slot = (uint32_t)sm_take_int(&in);
        q.row.source.run_id = sm_key_take_uuid(&key);
        q.row.id = sm_key_take_int(&key);
        q.row.source.ns = (sk_ns_id)sm_take_int(&in);
        q.row.source.workflow_id = sm_take_str(&in);
        q.row.body = sm_take_str(&in);
        if (slot % r->modulo == r->rest)
            rows[n++] = q;
    }
    qsort(rows, n, sizeof(*rows), compare_queued);
    n = n < r->limit ? n : r->limit;
    struct sk_outbox_row *ret = SK_NEW_N(r->ctx->arena, struct sk_outbox_row, n + 1);
    for (size_t i = 0; i < n; i++) {
        ret[i] = rows[i].row;
        ret[i].source.workflow_id = dup(r, ret[i].source.workflow_id);
        ret[i].body = dup(r, ret[i].body);
    }
    sk_mem_free(rows);
    *(struct sk_outbox_row **)r->ret = ret;
    *r->ret_count = n;
    return SK_OK;
}

sk_err sm_inbox_get(struct sm_read *r)
{
    struct sk_inbox_row *row = r->ret;
    struct sk_buf key = SK_BUF_INIT;
    sm_key_int(&key, row->ns);
    sm_key_str(&key, row->workflow_id);
    sm_key_uuid(&key, &row->source_run);
    sm_key_int(&key, row->id);
    const struct sm_entry *e = sm_table_get(table(r, SM_INBOX), sk_buf_view(&key));
    sk_buf_fini(&key);
    if (!e)
        return sk_fail(r->ctx, SK_NOT_FOUND, "message %lld was not received", (long long)row->id);
    struct sk_str in = e->value;
    row->reply = dup(r, sm_take_str(&in));
    return SK_OK;
}

/* ---- small records ---- */

static void fill_meta(struct sm_read *r, const struct sm_entry *e, struct sk_meta_row *row)
{
    struct sk_str key = e->key, in = e->value;
    row->kind = sm_key_take_str(&key, r->ctx->arena);
    row->key = sm_key_take_str(&key, r->ctx->arena);
    row->version = sm_take_int(&in);
    row->value = dup(r, sm_take_str(&in));
}

sk_err sm_meta_get(struct sm_read *r)
{
    struct sk_buf key = SK_BUF_INIT;
    sm_key_str(&key, r->a);
    sm_key_str(&key, r->b);
    const struct sm_entry *e = sm_table_get(table(r, SM_META), sk_buf_view(&key));
    sk_buf_fini(&key);
    if (!e)
        return sk_fail(r->ctx, SK_NOT_FOUND, "no record " SK_STR_FMT "/" SK_STR_FMT,
                       SK_STR_ARG(r->a), SK_STR_ARG(r->b));
    fill_meta(r, e, r->ret);
    return SK_OK;
}

sk_err sm_meta_list(struct sm_read *r)
{
    struct sk_buf prefix = SK_BUF_INIT;
    const struct sm_table *meta = table(r, SM_META);
    sm_key_str(&prefix, r->a);
    size_t first, end = range(meta, &prefix, &first);
    struct sk_meta_row *rows = SK_NEW_N(r->ctx->arena, struct sk_meta_row, end - first + 1);
    for (size_t i = first; i < end; i++)
        fill_meta(r, meta->entries[i], &rows[i - first]);
    *(struct sk_meta_row **)r->ret = rows;
    *r->ret_count = end - first;
    sk_buf_fini(&prefix);
    return SK_OK;
}

/* ---- visibility ---- */

sk_err sm_list(struct sm_read *r)
{
    sm_vis_list(table(r, SM_VIS), r->query, r->ctx->arena, r->ret);
    return SK_OK;
}

sk_err sm_count(struct sm_read *r)
{
    sm_vis_count(table(r, SM_VIS), r->query, r->ctx->arena, r->ret);
    return SK_OK;
}
