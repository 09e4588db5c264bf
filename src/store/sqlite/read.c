/*
 * Point reads: executions, history, tasks, wakes, outbox, inbox, small records. Each is a job on
 * a reader's thread: bind, step, copy rows into the caller's arena (the caller's fiber sleeps
 * meanwhile, so the arena is the reader's for that long).
 *
 * Rows are gathered in growing arrays in the arena. When the arena has a limit and it is reached
 * the read fails with RESOURCE_EXHAUSTED.
 */
#include "store/sqlite/sqlite_internal.h"

#include "base/assert.h"

/* ---- shared pieces ---- */

struct rows { /* a growing array in an arena */
    void *p;
    size_t count, capacity, size;
};

static void *rows_add(struct rows *rows, struct sk_arena *arena, bool *reterr_full)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : 8;
        void *grown = sk_arena_alloc_try(arena, capacity * rows->size);
        if (!grown) {
            *reterr_full = true;
            return NULL;
        }
        if (rows->count)
            memcpy(grown, rows->p, rows->count * rows->size);
        rows->p = grown;
        rows->capacity = capacity;
    }
    void *row = (char *)rows->p + rows->count++ * rows->size;
    memset(row, 0, rows->size);
    return row;
}

/* End of a scan: rc of the last step. Sets the job's error unless all went well. */
static void scan_end(struct sq_store *store, struct sq_job *job, sqlite3_stmt *s, int rc, bool full)
{
    if (full)
        sq_error_set(&job->error, SK_RESOURCE_EXHAUSTED,
                     "the answer is larger than the request's memory limit");
    else if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        sq_job_fail(store, job, sqlite3_db_handle(s), rc);
    sqlite3_reset(s);
}

static sk_err read_call(struct sk_store *head, struct sk_ctx *ctx,
                        void (*read)(struct sq_store *, struct sq_conn *, struct sq_job *),
                        void *arg)
{
    struct sq_job job = {.ctx = ctx, .read = read, .arg = arg};
    return sq_read((struct sq_store *)head, &job);
}

/* ---- executions ---- */

struct exec_get {
    const struct sk_run_key *run;
    struct sk_exec_row *ret;
};

static void read_parts(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct exec_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_PARTS_GET];
    struct rows rows = {.size = sizeof(struct sk_part_row)};
    bool full = false;
    int rc;
    sq_bind_uuid(s, 1, &get->run->run_id);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && !full) {
        struct sk_part_row *part = rows_add(&rows, job->ctx->arena, &full);
        if (!part)
            break;
        part->kind = (enum sk_part_kind)sqlite3_column_int(s, 0);
        part->id = sqlite3_column_int64(s, 1);
        part->body = sq_column_str(s, 2, job->ctx->arena, &full);
    }
    scan_end(store, job, s, rc, full);
    get->ret->parts = rows.p;
    get->ret->part_count = rows.count;
}

static void exec_get_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct exec_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_EXEC_GET];
    bool full = false;
    sq_bind_uuid(s, 1, &get->run->run_id);
    sqlite3_bind_int64(s, 2, get->run->ns);
    sq_bind_str(s, 3, get->run->workflow_id);
    int rc = sqlite3_step(s);
    *get->ret = (struct sk_exec_row){.run = *get->run};
    if (rc == SQLITE_ROW) {
        get->ret->version = sqlite3_column_int64(s, 0);
        get->ret->wake_ms = sqlite3_column_int64(s, 1);
        get->ret->state = sq_column_str(s, 2, job->ctx->arena, &full);
    } else if (rc == SQLITE_DONE) {
        sq_error_set(&job->error, SK_NOT_FOUND, "no such run of workflow " SK_STR_FMT,
                     SK_STR_ARG(get->run->workflow_id));
    }
    scan_end(store, job, s, rc, full);
    if (job->error.err == SK_OK)
        read_parts(store, conn, job);
}

sk_err sq_exec_get(struct sk_store *head, struct sk_ctx *ctx, const struct sk_run_key *run,
                   struct sk_exec_row *ret)
{
    struct sk_exec_row row;
    struct exec_get get = {run, &row};
    sk_err err = read_call(head, ctx, exec_get_job, &get);
    if (err == SK_OK) {
        row.run.workflow_id.p = sk_arena_memdup(ctx->arena, run->workflow_id.p, run->workflow_id.n);
        *ret = row;
    }
    return err;
}

struct id_get { /* by workflow id: the pointer, or all runs */
    sk_ns_id ns;
    struct sk_str workflow_id;
    struct sk_uuid current;
    struct rows runs;
};

static void current_get_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct id_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_CURRENT_GET];
    sqlite3_bind_int64(s, 1, get->ns);
    sq_bind_str(s, 2, get->workflow_id);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        get->current = sq_column_uuid(s, 0);
    else if (rc == SQLITE_DONE)
        sq_error_set(&job->error, SK_NOT_FOUND, "no run of workflow " SK_STR_FMT,
                     SK_STR_ARG(get->workflow_id));
    scan_end(store, job, s, rc, false);
}

sk_err sq_current_get(struct sk_store *head, struct sk_ctx *ctx, sk_ns_id ns,
                      struct sk_str workflow_id, struct sk_uuid *ret)
{
    struct id_get get = {.ns = ns, .workflow_id = workflow_id};
    sk_err err = read_call(head, ctx, current_get_job, &get);
    if (err == SK_OK)
        *ret = get.current;
    return err;
}

static void runs_read_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct id_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_RUNS_GET];
    bool full = false;
    int rc;
    sqlite3_bind_int64(s, 1, get->ns);
    sq_bind_str(s, 2, get->workflow_id);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        struct sk_uuid *id = rows_add(&get->runs, job->ctx->arena, &full);
        if (!id)
            break;
        *id = sq_column_uuid(s, 0);
    }
    scan_end(store, job, s, rc, full);
}

sk_err sq_runs_read(struct sk_store *head, struct sk_ctx *ctx, sk_ns_id ns,
                    struct sk_str workflow_id, struct sk_uuid **ret, size_t *ret_count)
{
    struct id_get get = {
        .ns = ns, .workflow_id = workflow_id, .runs = {.size = sizeof(struct sk_uuid)}};
    sk_err err = read_call(head, ctx, runs_read_job, &get);
    if (err == SK_OK) {
        *ret = get.runs.p;
        *ret_count = get.runs.count;
    }
    return err;
}

/* ---- history ---- */

struct history_get {
    const struct sk_run_key *run;
    int64_t from, to;
    size_t max_bytes;
    bool reverse;
    struct rows batches;
};

static void history_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct history_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[get->reverse ? SQ_HISTORY_GET_REVERSE : SQ_HISTORY_GET];
    size_t bytes = 0;
    bool full = false;
    int rc;
    sq_bind_uuid(s, 1, &get->run->run_id);
    sqlite3_bind_int64(s, 2, get->from);
    sqlite3_bind_int64(s, 3, get->to);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && !full) {
        bytes += (size_t)sqlite3_column_bytes(s, 2);
        if (get->batches.count && bytes > get->max_bytes)
            break;
        struct sk_history_batch *batch = rows_add(&get->batches, job->ctx->arena, &full);
        if (!batch)
            break;
        batch->first_event_id = sqlite3_column_int64(s, 0);
        batch->last_event_id = sqlite3_column_int64(s, 1);
        batch->events = sq_column_str(s, 2, job->ctx->arena, &full);
    }
    scan_end(store, job, s, rc, full);
}

sk_err sq_history_read(struct sk_store *head, struct sk_ctx *ctx, const struct sk_run_key *run,
                       int64_t from, int64_t to, size_t max_bytes, bool reverse,
                       struct sk_history_batch **ret, size_t *ret_count)
{
    struct history_get get = {.run = run,
                              .from = from,
                              .to = to,
                              .max_bytes = max_bytes,
                              .reverse = reverse,
                              .batches = {.size = sizeof(struct sk_history_batch)}};
    sk_err err = read_call(head, ctx, history_job, &get);
    if (err == SK_OK) {
        *ret = get.batches.p;
        *ret_count = get.batches.count;
    }
    return err;
}

/* ---- tasks ---- */

struct tasks_get {
    const struct sk_queue_key *queue;
    const struct sk_task_range *range;
    struct rows rows;
    int64_t count, oldest_ms;
};

static void bind_queue(sqlite3_stmt *s, const struct sk_queue_key *queue)
{
    sqlite3_bind_int64(s, 1, queue->ns);
    sqlite3_bind_int64(s, 2, queue->kind);
    sq_bind_str(s, 3, queue->name);
}

static void fill_task(sqlite3_stmt *s, struct sk_task_row *t, struct sk_arena *arena, bool *full)
{
    t->priority = sqlite3_column_int(s, 0);
    t->pass = sqlite3_column_int64(s, 1);
    t->seq = sqlite3_column_int64(s, 2);
    t->run.ns = sqlite3_column_type(s, 3) == SQLITE_NULL ? t->queue.ns
                                                         : (sk_ns_id)sqlite3_column_int64(s, 3);
    t->run.workflow_id = sq_column_str(s, 4, arena, full);
    t->run.run_id = sq_column_uuid(s, 5);
    t->scheduled_id = sqlite3_column_int64(s, 6);
    t->attempt = sqlite3_column_int(s, 7);
    t->stamp = sqlite3_column_int64(s, 8);
    t->created_ms = sqlite3_column_int64(s, 9);
    t->expires_ms = sqlite3_column_int64(s, 10);
    t->fairness_key = sq_column_str(s, 11, arena, full);
    t->fairness_weight = (float)sqlite3_column_double(s, 12);
    t->fallback_queue = sq_column_str(s, 13, arena, full);
    t->version = sq_column_str(s, 14, arena, full);
}

static void tasks_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct tasks_get *get = job->arg;
    const struct sk_task_range *range = get->range;
    sqlite3_stmt *s = conn->stmts[range->reverse ? SQ_TASKS_GET_REVERSE : SQ_TASKS_GET];
    struct sk_queue_key queue = *range->queue;
    bool full = false;
    int rc;
    bind_queue(s, range->queue);
    sqlite3_bind_int64(s, 4, range->after.priority);
    sqlite3_bind_int64(s, 5, range->after.pass);
    sqlite3_bind_int64(s, 6, range->after.seq);
    sqlite3_bind_int64(s, 7, (int64_t)range->limit);
    queue.name.p = sk_arena_memdup(job->ctx->arena, queue.name.p ? queue.name.p : "", queue.name.n);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && !full) {
        struct sk_task_row *t = rows_add(&get->rows, job->ctx->arena, &full);
        if (!t)
            break;
        t->queue = queue;
        fill_task(s, t, job->ctx->arena, &full);
    }
    scan_end(store, job, s, rc, full);
}

sk_err sq_tasks_read(struct sk_store *head, struct sk_ctx *ctx, const struct sk_task_range *range,
                     struct sk_task_row **ret, size_t *ret_count)
{
    struct tasks_get get = {.range = range, .rows = {.size = sizeof(struct sk_task_row)}};
    sk_err err = read_call(head, ctx, tasks_job, &get);
    if (err == SK_OK) {
        *ret = get.rows.p;
        *ret_count = get.rows.count;
    }
    return err;
}

/* From queue to queue by seeking past the one just found, not by reading all tasks. */
static void queues_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct tasks_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_QUEUE_NEXT];
    struct sk_queue_key last = {.name = SK_STR("")};
    bool full = false;
    for (;;) {
        bind_queue(s, &last);
        int rc = sqlite3_step(s);
        struct sk_queue_key *q =
            rc == SQLITE_ROW ? rows_add(&get->rows, job->ctx->arena, &full) : NULL;
        if (q) {
            q->ns = (sk_ns_id)sqlite3_column_int64(s, 0);
            q->kind = (enum sk_task_kind)sqlite3_column_int(s, 1);
            q->name = sq_column_str(s, 2, job->ctx->arena, &full);
            last = *q;
        }
        scan_end(store, job, s, rc, full);
        if (!q || job->error.err != SK_OK)
            return;
    }
}

sk_err sq_queues_read(struct sk_store *head, struct sk_ctx *ctx, struct sk_queue_key **ret,
                      size_t *ret_count)
{
    struct tasks_get get = {.rows = {.size = sizeof(struct sk_queue_key)}};
    sk_err err = read_call(head, ctx, queues_job, &get);
    if (err == SK_OK) {
        *ret = get.rows.p;
        *ret_count = get.rows.count;
    }
    return err;
}

static void task_count_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct tasks_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_TASK_COUNT];
    bind_queue(s, get->queue);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        get->count = sqlite3_column_int64(s, 0);
        get->oldest_ms = sqlite3_column_int64(s, 1);
    }
    scan_end(store, job, s, rc, false);
}

sk_err sq_task_count(struct sk_store *head, struct sk_ctx *ctx, const struct sk_queue_key *queue,
                     int64_t *ret_count, int64_t *ret_oldest_ms)
{
    struct tasks_get get = {.queue = queue};
    // With the lists: a long backlog is a long count.
    struct sq_job job = {.ctx = ctx, .read = task_count_job, .arg = &get};
    sk_err err = sq_read_list((struct sq_store *)head, &job);
    if (err == SK_OK) {
        *ret_count = get.count;
        *ret_oldest_ms = get.oldest_ms;
    }
    return err;
}

/* ---- what a slot must do ---- */

struct slot_get {
    uint32_t modulo, rest;
    int64_t until_ms;
    size_t limit;
    struct rows rows;
};

static void fill_run(sqlite3_stmt *s, struct sk_run_key *run, struct sk_arena *arena, bool *full)
{
    run->ns = (sk_ns_id)sqlite3_column_int64(s, 0);
    run->workflow_id = sq_column_str(s, 1, arena, full);
    run->run_id = sq_column_uuid(s, 2);
}

static void wakes_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct slot_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_WAKES_GET];
    bool full = false;
    int rc;
    sqlite3_bind_int64(s, 1, get->until_ms);
    sqlite3_bind_int64(s, 2, get->modulo);
    sqlite3_bind_int64(s, 3, get->rest);
    sqlite3_bind_int64(s, 4, (int64_t)get->limit);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && !full) {
        struct sk_wake_row *row = rows_add(&get->rows, job->ctx->arena, &full);
        if (!row)
            break;
        fill_run(s, &row->run, job->ctx->arena, &full);
        row->wake_ms = sqlite3_column_int64(s, 3);
    }
    scan_end(store, job, s, rc, full);
}

sk_err sq_wakes_read(struct sk_store *head, struct sk_ctx *ctx, uint32_t modulo, uint32_t rest,
                     int64_t until_ms, size_t limit, struct sk_wake_row **ret, size_t *ret_count)
{
    struct slot_get get = {.modulo = modulo,
                           .rest = rest,
                           .until_ms = until_ms,
                           .limit = limit,
                           .rows = {.size = sizeof(struct sk_wake_row)}};
    SK_ASSERT(modulo > 0);
    sk_err err = read_call(head, ctx, wakes_job, &get);
    if (err == SK_OK) {
        *ret = get.rows.p;
        *ret_count = get.rows.count;
    }
    return err;
}

static void outbox_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct slot_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_OUTBOX_GET];
    bool full = false;
    int rc;
    sqlite3_bind_int64(s, 1, get->modulo);
    sqlite3_bind_int64(s, 2, get->rest);
    sqlite3_bind_int64(s, 3, (int64_t)get->limit);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && !full) {
        struct sk_outbox_row *row = rows_add(&get->rows, job->ctx->arena, &full);
        if (!row)
            break;
        fill_run(s, &row->source, job->ctx->arena, &full);
        row->id = sqlite3_column_int64(s, 3);
        row->body = sq_column_str(s, 4, job->ctx->arena, &full);
    }
    scan_end(store, job, s, rc, full);
}

sk_err sq_outbox_read(struct sk_store *head, struct sk_ctx *ctx, uint32_t modulo, uint32_t rest,
                      size_t limit, struct sk_outbox_row **ret, size_t *ret_count)
{
    struct slot_get get = {.modulo = modulo,
                           .rest = rest,
                           .limit = limit,
                           .rows = {.size = sizeof(struct sk_outbox_row)}};
    SK_ASSERT(modulo > 0);
    sk_err err = read_call(head, ctx, outbox_job, &get);
    if (err == SK_OK) {
        *ret = get.rows.p;
        *ret_count = get.rows.count;
    }
    return err;
}

static void inbox_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct sk_inbox_row *row = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_INBOX_GET];
    bool full = false;
    sqlite3_bind_int64(s, 1, row->ns);
    sq_bind_str(s, 2, row->workflow_id);
    sq_bind_uuid(s, 3, &row->source_run);
    sqlite3_bind_int64(s, 4, row->id);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        row->reply = sq_column_str(s, 0, job->ctx->arena, &full);
    else if (rc == SQLITE_DONE)
        sq_error_set(&job->error, SK_NOT_FOUND, "message %lld was not received",
                     (long long)row->id);
    scan_end(store, job, s, rc, full);
}

sk_err sq_inbox_get(struct sk_store *head, struct sk_ctx *ctx, struct sk_inbox_row *row)
{
    return read_call(head, ctx, inbox_job, row);
}

/* ---- small records ---- */

struct meta_get {
    struct sk_str kind, key;
    struct sk_meta_row row;
    struct rows rows;
};

static void meta_get_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct meta_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_META_GET];
    bool full = false;
    sq_bind_str(s, 1, get->kind);
    sq_bind_str(s, 2, get->key);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        get->row.version = sqlite3_column_int64(s, 0);
        get->row.value = sq_column_str(s, 1, job->ctx->arena, &full);
    } else if (rc == SQLITE_DONE) {
        sq_error_set(&job->error, SK_NOT_FOUND, "no record " SK_STR_FMT "/" SK_STR_FMT,
                     SK_STR_ARG(get->kind), SK_STR_ARG(get->key));
    }
    scan_end(store, job, s, rc, full);
}

static struct sk_str dup(struct sk_ctx *ctx, struct sk_str s)
{
    return (struct sk_str){sk_arena_memdup(ctx->arena, s.p ? s.p : "", s.n), s.n};
}

sk_err sq_meta_get(struct sk_store *head, struct sk_ctx *ctx, struct sk_str kind, struct sk_str key,
                   struct sk_meta_row *ret)
{
    struct meta_get get = {.kind = kind, .key = key};
    sk_err err = read_call(head, ctx, meta_get_job, &get);
    if (err == SK_OK) {
        *ret = get.row;
        ret->kind = dup(ctx, kind);
        ret->key = dup(ctx, key);
    }
    return err;
}

static void meta_list_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct meta_get *get = job->arg;
    sqlite3_stmt *s = conn->stmts[SQ_META_LIST];
    struct sk_str kind = dup(job->ctx, get->kind);
    bool full = false;
    int rc;
    sq_bind_str(s, 1, get->kind);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && !full) {
        struct sk_meta_row *row = rows_add(&get->rows, job->ctx->arena, &full);
        if (!row)
            break;
        row->kind = kind;
        row->key = sq_column_str(s, 0, job->ctx->arena, &full);
        row->version = sqlite3_column_int64(s, 1);
        row->value = sq_column_str(s, 2, job->ctx->arena, &full);
    }
    scan_end(store, job, s, rc, full);
}

sk_err sq_meta_list(struct sk_store *head, struct sk_ctx *ctx, struct sk_str kind,
                    struct sk_meta_row **ret, size_t *ret_count)
{
    struct meta_get get = {.kind = kind, .rows = {.size = sizeof(struct sk_meta_row)}};
    sk_err err = read_call(head, ctx, meta_list_job, &get);
    if (err == SK_OK) {
        *ret = get.rows.p;
        *ret_count = get.rows.count;
    }
    return err;
}
