/*
 * One transition as row operations.
 *
 * Conditions (EXEC_PUT's version, CURRENT_PUT's expectation, INBOX_PUT's absence) are settled
 * before the first write wherever they can be, so that a refused transition needs no savepoint:
 * all conditional operations but the first are checked by reading, then the first is executed (it
 * writes nothing when it fails), then the rest. That order is sound because operations on
 * different rows commute and there is one writer; a transition that touches the same conditional
 * row twice is not "plain" and is done in a savepoint and in its own order.
 *
 * Thread: the writer's.
 */
#include "store/sqlite/sqlite_internal.h"

#include "base/assert.h"

#define CONDITIONS_MAX 16 /* more in one transition: the careful way */

struct apply {
    struct sq_store *store;
    struct sq_job *job;
    sqlite3_stmt **stmts;
    uint32_t slot;
};

/* Outcome of one operation: SQLITE_OK, an error, or REFUSED with job->error set. */
#define REFUSED (-1)

static int refuse_run(struct apply *a, const struct sk_run_key *run, const char *what,
                      int64_t value)
{
    char id[SK_UUID_TEXT];
    sk_uuid_format(run->run_id, id);
    sq_error_set(&a->job->error, SK_CONDITION, "run %s of workflow " SK_STR_FMT " %s %lld", id,
                 SK_STR_ARG(run->workflow_id), what, (long long)value);
    return REFUSED;
}

/* ---- conditional operations ---- */

static int exec_put(struct apply *a, const struct sk_op *op)
{
    bool insert = op->exec.version == 1;
    sqlite3_stmt *s = a->stmts[insert ? SQ_EXEC_INSERT : SQ_EXEC_UPDATE];
    sq_bind_uuid(s, 1, &op->run.run_id);
    if (insert) {
        sqlite3_bind_int64(s, 2, op->run.ns);
        sq_bind_str(s, 3, op->run.workflow_id);
        sqlite3_bind_int64(s, 4, a->slot);
        sqlite3_bind_int64(s, 5, op->exec.version);
        sqlite3_bind_int64(s, 6, op->exec.wake_ms);
        sq_bind_blob(s, 7, op->exec.state);
    } else {
        sqlite3_bind_int64(s, 2, op->exec.version);
        sqlite3_bind_int64(s, 3, op->exec.wake_ms);
        sq_bind_blob(s, 4, op->exec.state);
    }
    int rc = sq_run(s);
    if ((rc & 0xff) == SQLITE_CONSTRAINT ||
        (rc == SQLITE_OK && sqlite3_changes(a->store->write.db) == 0))
        return refuse_run(a, &op->run, "is not at version", op->exec.version - 1);
    return rc;
}

static bool uuid_is_zero(const struct sk_uuid *id)
{
    static const struct sk_uuid zero;
    return memcmp(id, &zero, sizeof(zero)) == 0;
}

static int current_put(struct apply *a, const struct sk_op *op)
{
    bool absent = !op->current.any && uuid_is_zero(&op->current.expected);
    sqlite3_stmt *s = a->stmts[op->current.any ? SQ_CURRENT_REPLACE
                               : absent        ? SQ_CURRENT_INSERT
                                               : SQ_CURRENT_UPDATE];
    sqlite3_bind_int64(s, 1, op->run.ns);
    sq_bind_str(s, 2, op->run.workflow_id);
    sq_bind_uuid(s, 3, &op->run.run_id);
    if (!op->current.any && !absent)
        sq_bind_uuid(s, 4, &op->current.expected);
    int rc = sq_run(s);
    if ((rc & 0xff) == SQLITE_CONSTRAINT ||
        (rc == SQLITE_OK && sqlite3_changes(a->store->write.db) == 0))
        return refuse_run(a, &op->run, "cannot become current: the pointer is not as expected", 0);
    return rc;
}

static int inbox_put(struct apply *a, const struct sk_op *op)
{
    sqlite3_stmt *s = a->stmts[SQ_INBOX_INSERT];
    sqlite3_bind_int64(s, 1, op->inbox.ns);
    sq_bind_str(s, 2, op->inbox.workflow_id);
    sq_bind_uuid(s, 3, &op->inbox.source_run);
    sqlite3_bind_int64(s, 4, op->inbox.id);
    sq_bind_blob(s, 5, op->inbox.reply);
    int rc = sq_run(s);
    if ((rc & 0xff) != SQLITE_CONSTRAINT)
        return rc;
    sq_error_set(&a->job->error, SK_CONDITION, "message %lld was received before",
                 (long long)op->inbox.id);
    return REFUSED;
}

/* ---- unconditional ones ---- */

static int run_uuid(sqlite3_stmt *s, const struct sk_uuid *id)
{
    sq_bind_uuid(s, 1, id);
    return sq_run(s);
}

static int exec_delete(struct apply *a, const struct sk_op *op)
{
    int rc = run_uuid(a->stmts[SQ_EXEC_DELETE], &op->run.run_id);
    return rc != SQLITE_OK ? rc : run_uuid(a->stmts[SQ_PARTS_DELETE], &op->run.run_id);
}

static int part(struct apply *a, const struct sk_op *op)
{
    bool put = op->kind == SK_OP_PART_PUT;
    sqlite3_stmt *s = a->stmts[put ? SQ_PART_PUT : SQ_PART_DELETE];
    sq_bind_uuid(s, 1, &op->run.run_id);
    sqlite3_bind_int64(s, 2, op->part.kind);
    sqlite3_bind_int64(s, 3, op->part.id);
    if (put)
        sq_bind_blob(s, 4, op->part.body);
    return sq_run(s);
}

static int history_append(struct apply *a, const struct sk_op *op)
{
    sqlite3_stmt *s = a->stmts[SQ_HISTORY_INSERT];
    sq_bind_uuid(s, 1, &op->run.run_id);
    sqlite3_bind_int64(s, 2, op->history.first_event_id);
    sqlite3_bind_int64(s, 3, op->history.last_event_id);
    sq_bind_blob(s, 4, op->history.events);
    int rc = sq_run(s);
    if ((rc & 0xff) == SQLITE_CONSTRAINT)
        return refuse_run(a, &op->run, "has a history batch already at event",
                          op->history.first_event_id);
    return rc;
}

static int current_delete(struct apply *a, const struct sk_op *op)
{
    sqlite3_stmt *s = a->stmts[SQ_CURRENT_DELETE];
    sqlite3_bind_int64(s, 1, op->run.ns);
    sq_bind_str(s, 2, op->run.workflow_id);
    sq_bind_uuid(s, 3, &op->run.run_id);
    return sq_run(s);
}

static void bind_task_key(sqlite3_stmt *s, const struct sk_task_row *t)
{
    sqlite3_bind_int64(s, 1, t->queue.ns);
    sqlite3_bind_int64(s, 2, t->queue.kind);
    sq_bind_str(s, 3, t->queue.name);
    sqlite3_bind_int64(s, 4, t->priority);
    sqlite3_bind_int64(s, 5, t->pass);
    sqlite3_bind_int64(s, 6, t->seq);
}

static int task_put(struct apply *a, const struct sk_task_row *t)
{
    sqlite3_stmt *s = a->stmts[SQ_TASK_PUT];
    bind_task_key(s, t);
    if (t->run.ns == t->queue.ns)
        sqlite3_bind_null(s, 7);
    else
        sqlite3_bind_int64(s, 7, t->run.ns);
    sq_bind_str(s, 8, t->run.workflow_id);
    sq_bind_uuid(s, 9, &t->run.run_id);
    sqlite3_bind_int64(s, 10, t->scheduled_id);
    sqlite3_bind_int64(s, 11, t->attempt);
    sqlite3_bind_int64(s, 12, t->stamp);
    sqlite3_bind_int64(s, 13, t->created_ms);
    sqlite3_bind_int64(s, 14, t->expires_ms);
    sq_bind_str_null(s, 15, t->fairness_key);
    sqlite3_bind_double(s, 16, (double)t->fairness_weight);
    sq_bind_str_null(s, 17, t->fallback_queue);
    sq_bind_str_null(s, 18, t->version);
    return sq_run(s);
}

static int task_delete(struct apply *a, const struct sk_task_row *t)
{
    sqlite3_stmt *s = a->stmts[SQ_TASK_DELETE];
    bind_task_key(s, t);
    return sq_run(s);
}

static int outbox_put(struct apply *a, const struct sk_outbox_row *row)
{
    sqlite3_stmt *s = a->stmts[SQ_OUTBOX_PUT];
    sq_bind_uuid(s, 1, &row->source.run_id);
    sqlite3_bind_int64(s, 2, row->id);
    sqlite3_bind_int64(s, 3, a->slot);
    sqlite3_bind_int64(s, 4, row->source.ns);
    sq_bind_str(s, 5, row->source.workflow_id);
    sq_bind_blob(s, 6, row->body);
    return sq_run(s);
}

static int outbox_delete(struct apply *a, const struct sk_outbox_row *row)
{
    sqlite3_stmt *s = a->stmts[SQ_OUTBOX_DELETE];
    sq_bind_uuid(s, 1, &row->source.run_id);
    sqlite3_bind_int64(s, 2, row->id);
    return sq_run(s);
}

static int inbox_delete(struct apply *a, const struct sk_inbox_row *row)
{
    sqlite3_stmt *s = a->stmts[SQ_INBOX_DELETE];
    sqlite3_bind_int64(s, 1, row->ns);
    sq_bind_str(s, 2, row->workflow_id);
    sq_bind_uuid(s, 3, &row->source_run);
    sqlite3_bind_int64(s, 4, row->id);
    return sq_run(s);
}

static int apply_op(struct apply *a, const struct sk_op *op)
{
    switch (op->kind) {
    case SK_OP_EXEC_PUT:
        return exec_put(a, op);
    case SK_OP_EXEC_DELETE:
        return exec_delete(a, op);
    case SK_OP_PART_PUT:
    case SK_OP_PART_DELETE:
        return part(a, op);
    case SK_OP_HISTORY_APPEND:
        return history_append(a, op);
    case SK_OP_HISTORY_DELETE:
        return run_uuid(a->stmts[SQ_HISTORY_DELETE], &op->run.run_id);
    case SK_OP_CURRENT_PUT:
        return current_put(a, op);
    case SK_OP_CURRENT_DELETE:
        return current_delete(a, op);
    case SK_OP_TASK_PUT:
        return task_put(a, &op->task);
    case SK_OP_TASK_DELETE:
        return task_delete(a, &op->task);
    case SK_OP_VIS_PUT:
        return sq_vis_put(a->store, &op->vis);
    case SK_OP_VIS_DELETE:
        return sq_vis_delete(a->store, &op->run.run_id);
    case SK_OP_OUTBOX_PUT:
        return outbox_put(a, &op->outbox);
    case SK_OP_OUTBOX_DELETE:
        return outbox_delete(a, &op->outbox);
    case SK_OP_INBOX_PUT:
        return inbox_put(a, op);
    case SK_OP_INBOX_DELETE:
        return inbox_delete(a, &op->inbox);
    }
    SK_PANIC("unknown row operation %d", (int)op->kind);
}

/* ---- conditions by reading ---- */

/* One row and its first column's comparison, through a statement that is reset. */
static int check_exec(struct apply *a, const struct sk_op *op)
{
    sqlite3_stmt *s = a->stmts[SQ_EXEC_VERSION];
    sq_bind_uuid(s, 1, &op->run.run_id);
    int rc = sqlite3_step(s);
    int64_t held = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return rc;
    return held == op->exec.version - 1
               ? SQLITE_OK
               : refuse_run(a, &op->run, "is not at version", op->exec.version - 1);
}

static int check_current(struct apply *a, const struct sk_op *op)
{
    if (op->current.any)
        return SQLITE_OK;
    sqlite3_stmt *s = a->stmts[SQ_CURRENT_GET];
    sqlite3_bind_int64(s, 1, op->run.ns);
    sq_bind_str(s, 2, op->run.workflow_id);
    int rc = sqlite3_step(s);
    struct sk_uuid held = {{0}};
    if (rc == SQLITE_ROW)
        held = sq_column_uuid(s, 0);
    sqlite3_reset(s);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return rc;
    return memcmp(&held, &op->current.expected, sizeof(held)) == 0
               ? SQLITE_OK
               : refuse_run(a, &op->run, "cannot become current: the pointer is not as expected",
                            0);
}

static int check_inbox(struct apply *a, const struct sk_op *op)
{
    sqlite3_stmt *s = a->stmts[SQ_INBOX_GET];
    sqlite3_bind_int64(s, 1, op->inbox.ns);
    sq_bind_str(s, 2, op->inbox.workflow_id);
    sq_bind_uuid(s, 3, &op->inbox.source_run);
    sqlite3_bind_int64(s, 4, op->inbox.id);
    int rc = sqlite3_step(s);
    sqlite3_reset(s);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    sq_error_set(&a->job->error, SK_CONDITION, "message %lld was received before",
                 (long long)op->inbox.id);
    return REFUSED;
}

static int check(struct apply *a, const struct sk_op *op)
{
    return op->kind == SK_OP_EXEC_PUT      ? check_exec(a, op)
           : op->kind == SK_OP_CURRENT_PUT ? check_current(a, op)
                                           : check_inbox(a, op);
}

/* ---- the plan of a transition ---- */

struct plan {
    size_t conditions[CONDITIONS_MAX]; /* indices of conditional operations */
    size_t count;
    bool plain; /* no conditional row is touched twice */
};

static bool same_run(const struct sk_run_key *a, const struct sk_run_key *b)
{
    return memcmp(&a->run_id, &b->run_id, sizeof(a->run_id)) == 0;
}

static bool same_inbox(const struct sk_inbox_row *a, const struct sk_inbox_row *b)
{
    return a->ns == b->ns && a->id == b->id && sk_str_eq(a->workflow_id, b->workflow_id) &&
           memcmp(&a->source_run, &b->source_run, sizeof(a->source_run)) == 0;
}

/* Does `other` write the row that `op` is conditional on? */
static bool touches(const struct sk_op *op, const struct sk_op *other)
{
    switch (op->kind) {
    case SK_OP_EXEC_PUT:
        return (other->kind == SK_OP_EXEC_PUT || other->kind == SK_OP_EXEC_DELETE) &&
               same_run(&op->run, &other->run);
    case SK_OP_CURRENT_PUT:
        return (other->kind == SK_OP_CURRENT_PUT || other->kind == SK_OP_CURRENT_DELETE) &&
               op->run.ns == other->run.ns &&
               sk_str_eq(op->run.workflow_id, other->run.workflow_id);
    default:
        return (other->kind == SK_OP_INBOX_PUT || other->kind == SK_OP_INBOX_DELETE) &&
               same_inbox(&op->inbox, &other->inbox);
    }
}

static bool is_conditional(const struct sk_op *op)
{
    return op->kind == SK_OP_EXEC_PUT || op->kind == SK_OP_CURRENT_PUT ||
           op->kind == SK_OP_INBOX_PUT;
}

static struct plan plan_txn(const struct sk_txn *txn)
{
    struct plan plan = {.plain = true};
    for (size_t i = 0; i < txn->op_count && plan.plain; i++) {
        if (!is_conditional(&txn->ops[i]))
            continue;
        if (plan.count == CONDITIONS_MAX) {
            plan.plain = false;
            break;
        }
        plan.conditions[plan.count++] = i;
        for (size_t j = 0; j < txn->op_count; j++)
            if (j != i && touches(&txn->ops[i], &txn->ops[j]))
                plan.plain = false;
    }
    return plan;
}

/* Conditions first; SQLITE_OK, REFUSED with nothing written, or an error. */
static int settle(struct apply *a, const struct sk_op *ops, const struct plan *plan)
{
    for (size_t i = 1; i < plan->count; i++) {
        int rc = check(a, &ops[plan->conditions[i]]);
        if (rc != SQLITE_OK)
            return rc;
    }
    return plan->count ? apply_op(a, &ops[plan->conditions[0]]) : SQLITE_OK;
}

static enum sq_apply finish(struct apply *a, int rc, bool clean)
{
    if (rc == SQLITE_OK) {
        atomic_fetch_add_explicit(&a->store->head.commits, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&a->store->head.row_ops, a->job->txn->op_count,
                                  memory_order_relaxed);
        return SQ_APPLIED;
    }
    if (rc != REFUSED)
        sq_error_sqlite(&a->job->error, a->store->write.db, rc, a->store->path, true);
    return rc == REFUSED && clean ? SQ_REFUSED : SQ_BROKEN;
}

static bool lease_holds(struct apply *a, const struct sk_txn *txn)
{
    int64_t held = atomic_load_explicit(&a->store->leases[txn->slot], memory_order_acquire);
    if (held == txn->epoch && held != 0)
        return true;
    sq_error_set(&a->job->error, SK_CONDITION,
                 "the lease of slot %u has epoch %lld, the transition was made under %lld",
                 txn->slot, (long long)held, (long long)txn->epoch);
    return false;
}

enum sq_apply sq_apply_txn(struct sq_store *store, struct sq_job *job, bool careful)
{
    const struct sk_txn *txn = job->txn;
    struct apply a = {store, job, store->write.stmts, txn->slot};
    if (!lease_holds(&a, txn))
        return SQ_REFUSED;
    size_t skip = SIZE_MAX;
    if (!careful) {
        struct plan plan = plan_txn(txn);
        if (!plan.plain)
            return SQ_NOT_PLAIN;
        int rc = settle(&a, txn->ops, &plan);
        if (rc != SQLITE_OK)
            return finish(&a, rc, true);
        skip = plan.count ? plan.conditions[0] : SIZE_MAX;
    }
    for (size_t i = 0; i < txn->op_count; i++) {
        int rc = i == skip ? SQLITE_OK : apply_op(&a, &txn->ops[i]);
        if (rc != SQLITE_OK)
            return finish(&a, rc, false);
    }
    return finish(&a, SQLITE_OK, true);
}
