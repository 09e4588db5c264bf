/*
 * Lists and counts. A list reads page_size + 1 rows after the cursor (vis_list.c), one by a field
 * first the runs that have a value, then those without; a count counts, or groups; a plain count
 * (no filter, or one on ExecutionStatus alone) is answered from the counters that each commit
 * keeps.
 *
 * Budget: a progress handler ends a statement that runs past its deadline, and the error names
 * the term that no index served. The time spent waiting for a reader counts too.
 *
 * Thread: a reader of lists.
 */
#include "store/sqlite/sqlite_internal.h"

#define PROGRESS_OPS 4000 /* instructions of SQLite's machine between looks at the clock */
#define GROUPS_MAX 10000  /* groups in one answer */

struct vis_call {
    const struct sk_vis_query *query;
    struct sk_vis_page page;
    size_t room; /* of the page */
    struct sk_vis_counts counts;
    struct sq_plan plan;
};

static int on_progress(void *arg)
{
    return sq_clock_ms() > *(const int64_t *)arg;
}

static void out_of_time(struct sq_job *job, const struct vis_call *call)
{
    char buffer[32];
    const struct sk_vis_node *term = sq_plan_unserved(&call->plan);
    const struct sk_vis_order *order = &call->query->order;
    if (order->by_field && !call->plan.ordered)
        sq_error_set(&job->error, SK_DEADLINE_EXCEEDED,
                     "the list did not finish within %lld ms: too many runs match to put them in "
                     "order by %s, which has no index here; add a condition that selects fewer",
                     (long long)job->budget_ms, sk_vis_field_name(&order->field, buffer));
    else if (term)
        sq_error_set(&job->error, SK_DEADLINE_EXCEEDED,
                     "the query did not finish within %lld ms: its condition on %s is not served "
                     "by an index here; add one that selects fewer runs (WorkflowId, WorkflowType, "
                     "ExecutionStatus, CloseTime or a search attribute with =)",
                     (long long)job->budget_ms, sk_vis_field_name(&term->field, buffer));
    else
        sq_error_set(&job->error, SK_DEADLINE_EXCEEDED,
                     "the query did not finish within %lld ms: too many runs match",
                     (long long)job->budget_ms);
}

static void vis_fail(struct sq_store *store, struct sq_job *job, const struct vis_call *call,
                     sqlite3 *db, int rc)
{
    if ((rc & 0xff) == SQLITE_INTERRUPT)
        out_of_time(job, call);
    else
        sq_job_fail(store, job, db, rc);
}

/* ---- list ---- */

/* Onto the page, up to its end. */
static void read_page(struct sq_store *store, struct sq_job *job, struct vis_call *call,
                      sqlite3_stmt *s)
{
    struct sk_vis_page *page = &call->page;
    bool full = false;
    int rc = SQLITE_DONE;
    if (!page->rows)
        page->rows = sk_arena_alloc_try(job->ctx->arena, (call->room + 1) * sizeof(*page->rows));
    full = !page->rows;
    while (!full && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        if (page->count == call->room) {
            page->more = true;
            return;
        }
        sq_list_row(s, call->query, &page->rows[page->count++], job->ctx->arena, &full);
    }
    if (full)
        sq_error_set(&job->error, SK_RESOURCE_EXHAUSTED,
                     "a page of %zu runs is larger than the request's memory limit: ask for a "
                     "smaller page",
                     call->room);
    else if (rc != SQLITE_DONE)
        vis_fail(store, job, call, sqlite3_db_handle(s), rc);
}

static void write_list(const struct vis_call *call, struct sq_sql *sql)
{
    sq_list_write(&call->plan, call->room - call->page.count + 1, sql);
}

/* ---- count ---- */

/* Only conditions on ExecutionStatus. */
static bool status_only(const struct sk_vis_node *node)
{
    if (!node)
        return true;
    if (node->op < SK_VIS_AND)
        return node->field.column == SK_VIS_STATUS;
    return status_only(node->left) && (node->op == SK_VIS_NOT || status_only(node->right));
}

static bool from_counters(const struct sk_vis_query *q)
{
    return !q->all_divisions && status_only(q->filter) &&
           (!q->group || q->group_by.column == SK_VIS_STATUS);
}

static void write_count(const struct vis_call *call, struct sq_sql *sql)
{
    const struct sk_vis_query *q = call->query;
    bool counters = from_counters(q);
    struct sq_plan plan = call->plan;
    sk_buf_str(&sql->text, "SELECT ");
    if (q->group) {
        sq_sql_field(sql, &q->group_by);
        sk_buf_str(&sql->text, ",");
    }
    sk_buf_str(&sql->text, counters ? "sum(v.n)" : "count(*)");
    plan.needs_attr = sql->uses_attr;
    if (counters) {
        sk_buf_str(&sql->text, " FROM vis_count v WHERE v.division='' AND v.n<>0 AND v.ns=");
        sq_sql_int(sql, q->ns);
        if (q->filter) {
            sk_buf_str(&sql->text, " AND ");
            sq_sql_node(sql, q->filter);
        }
    } else {
        sq_plan_write(&plan, sql);
    }
    if (q->group)
        sk_buf_printf(&sql->text, " GROUP BY 1 ORDER BY 1 LIMIT %d", GROUPS_MAX + 1);
}

static void fill_group(sqlite3_stmt *s, struct sk_vis_count *group, struct sk_arena *arena,
                       bool *full)
{
    int type = sqlite3_column_type(s, 0);
    *group =
        (struct sk_vis_count){.null = type == SQLITE_NULL, .count = sqlite3_column_int64(s, 1)};
    if (type == SQLITE_INTEGER)
        group->value = (struct sk_vis_literal){.type = SK_LIT_INT, .i = sqlite3_column_int64(s, 0)};
    else if (type == SQLITE_FLOAT)
        group->value =
            (struct sk_vis_literal){.type = SK_LIT_DOUBLE, .d = sqlite3_column_double(s, 0)};
    else
        group->value =
            (struct sk_vis_literal){.type = SK_LIT_STRING, .s = sq_column_str(s, 0, arena, full)};
}

static void read_groups(struct sq_store *store, struct sq_job *job, struct vis_call *call,
                        sqlite3_stmt *s)
{
    struct sk_vis_counts *counts = &call->counts;
    size_t capacity = 0;
    bool full = false;
    int rc = SQLITE_DONE;
    while (!full && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        if (counts->group_count == capacity) {
            size_t grown = capacity ? capacity * 2 : 16;
            struct sk_vis_count *p = sk_arena_alloc_try(job->ctx->arena, grown * sizeof(*p));
            if (!p || capacity >= GROUPS_MAX) {
                full = true;
                break;
            }
            if (capacity)
                memcpy(p, counts->groups, capacity * sizeof(*p));
            counts->groups = p;
            capacity = grown;
        }
        struct sk_vis_count *group = &counts->groups[counts->group_count++];
        fill_group(s, group, job->ctx->arena, &full);
        counts->total += group->count;
    }
    if (full)
        sq_error_set(&job->error, SK_RESOURCE_EXHAUSTED, "the count has more than %d groups",
                     GROUPS_MAX);
    else if (rc != SQLITE_DONE)
        vis_fail(store, job, call, sqlite3_db_handle(s), rc);
}

static void read_total(struct sq_store *store, struct sq_job *job, struct vis_call *call,
                       sqlite3_stmt *s)
{
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        call->counts.total = sqlite3_column_int64(s, 0);
    else
        vis_fail(store, job, call, sqlite3_db_handle(s), rc);
}

/* ---- calls ---- */

typedef void (*write_fn)(const struct vis_call *, struct sq_sql *);
typedef void (*rows_fn)(struct sq_store *, struct sq_job *, struct vis_call *, sqlite3_stmt *);

static void run(struct sq_store *store, struct sq_conn *conn, struct sq_job *job, write_fn write,
                rows_fn rows)
{
    struct vis_call *call = job->arg;
    struct sk_arena *arena = sk_arena_new(0);
    struct sq_sql sql;
    sqlite3_stmt *stmt = NULL;
    sq_sql_init(&sql, arena);
    sqlite3_progress_handler(conn->db, PROGRESS_OPS, on_progress, &job->deadline_ms);
    int rc = sq_plan_choose(conn, arena, call->query, &call->plan);
    if (rc == SQLITE_OK) {
        write(call, &sql);
        rc = sq_sql_prepare(conn->db, &sql, &stmt);
    }
    if (rc == SQLITE_OK)
        rows(store, job, call, stmt);
    else
        vis_fail(store, job, call, conn->db, rc);
    sqlite3_finalize(stmt);
    sqlite3_progress_handler(conn->db, 0, NULL, NULL);
    sq_sql_fini(&sql);
    sk_arena_free(arena);
}

/* One of the two halves of a list by a field: runs with a value, runs without. */
static void run_half(struct sq_store *store, struct sq_conn *conn, struct sq_job *job,
                     const struct sk_vis_query *asked, enum sk_vis_op op)
{
    struct vis_call *call = job->arg;
    struct sk_vis_query half = *asked;
    struct sk_vis_node term = {.op = op}, both = {.op = SK_VIS_AND, .left = asked->filter};
    if (sk_vis_order_missing(&asked->order, &term.field)) {
        both.right = &term;
        half.filter = asked->filter ? &both : &term;
    }
    if (op == SK_VIS_NULL) {
        half.order = (struct sk_vis_order){.by_field = false};
        half.has_cursor = asked->has_cursor && asked->after.missing;
    }
    call->query = &half;
    run(store, conn, job, write_list, read_page);
    call->query = asked;
    call->plan = (struct sq_plan){0}; // it points into this frame
}

/* Both halves see one snapshot, the reader's: no run is in both or in neither. */
static void run_by_field(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct vis_call *call = job->arg;
    const struct sk_vis_query *asked = call->query;
    struct sk_vis_field missing;
    if (!asked->has_cursor || !asked->after.missing)
        run_half(store, conn, job, asked, SK_VIS_NOT_NULL);
    if (job->error.err == SK_OK && !call->page.more &&
        sk_vis_order_missing(&asked->order, &missing))
        run_half(store, conn, job, asked, SK_VIS_NULL);
}

static void list_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct vis_call *call = job->arg;
    call->room = call->query->page_size;
    if (call->query->order.by_field)
        run_by_field(store, conn, job);
    else
        run(store, conn, job, write_list, read_page);
}

static void count_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    const struct vis_call *call = job->arg;
    run(store, conn, job, write_count, call->query->group ? read_groups : read_total);
}

static sk_err vis_call(struct sk_store *head, struct sk_ctx *ctx, struct vis_call *call,
                       void (*read)(struct sq_store *, struct sq_conn *, struct sq_job *))
{
    struct sq_job job = {.ctx = ctx, .read = read, .arg = call};
    job.budget_ms = call->query->budget_ms > 0 ? call->query->budget_ms : SK_VIS_BUDGET_MS;
    return sq_read_list((struct sq_store *)head, &job);
}

sk_err sq_vis_list(struct sk_store *head, struct sk_ctx *ctx, const struct sk_vis_query *query,
                   struct sk_vis_page *ret)
{
    struct vis_call call = {.query = query};
    sk_err err = vis_call(head, ctx, &call, list_job);
    if (err == SK_OK)
        *ret = call.page;
    return err;
}

sk_err sq_vis_count(struct sk_store *head, struct sk_ctx *ctx, const struct sk_vis_query *query,
                    struct sk_vis_counts *ret)
{
    struct sk_vis_query unordered = *query;
    struct vis_call call = {.query = &unordered};
    unordered.order = (struct sk_vis_order){.by_field = false};
    sk_err err = vis_call(head, ctx, &call, count_job);
    if (err == SK_OK)
        *ret = call.counts;
    return err;
}
