/*
 * The writer: takes all transitions that wait and commits them as one group.
 *
 *   BEGIN IMMEDIATE · each transition · counters · COMMIT (one fsync) · wake all fibers
 *
 * First pass: no savepoints (each would copy every page it touches) but for the odd transition.
 * apply.c checks a transition's conditions before its first write, so a refused one leaves no
 * trace. When anything else goes wrong in the middle, the whole group is rolled back and replayed
 * carefully, each transition in a savepoint of its own: the bad one fails alone.
 *
 * Failure of COMMIT. SQLITE_FULL: a frame of the log could not be written, hence not the commit
 * mark: nothing happened, all get UNAVAILABLE. An I/O error, fsync's above all: the mark may or
 * may not be on disk, all get COMMIT_UNKNOWN, and the connection is closed and opened again; the
 * fsync is not repeated, since the kernel may have dropped the pages and report success. In the
 * log the next group's frames overwrite the failed ones, so their pages are dirty again and its
 * fsync means what it says. (Until then a crash could bring the failed group to life: that is the
 * "unknown".) While opening fails, commits get UNAVAILABLE and each group tries once more.
 *
 * INV-1: a fiber is woken only after COMMIT returned.
 * Thread: the writer's; it alone touches store->write.
 */
#include "store/sqlite/sqlite_internal.h"

#include "base/assert.h"

/* All jobs of the group that have no error yet get this one. */
static void fail_group(struct sk_job **jobs, int count, const struct sq_error *error)
{
    for (int i = 0; i < count; i++)
        if (SQ_JOB(jobs[i])->error.err == SK_OK)
            sq_error_set(&SQ_JOB(jobs[i])->error, error->err, "%s", error->message);
}

static bool ensure_open(struct sq_store *store, struct sk_job **jobs, int count)
{
    if (store->write.db)
        return true;
    struct sq_error error = {0};
    struct sq_conn_options o = {
        .path = store->path, .pragmas = (const char *const *)store->pragmas, .kind = SQ_CONN_WRITE};
    bool ok = sq_conn_open(&store->write, &o, &error) && sq_conn_prepare(&store->write, &o, &error);
    if (ok) {
        sq_checkpoint_watch(store);
    } else {
        sq_conn_close(&store->write);
        fail_group(jobs, count, &error);
    }
    sq_error_clear(&error);
    return ok;
}

/* One transition in a savepoint: what fails is undone alone. */
static int apply_careful(struct sq_store *store, struct sq_job *job)
{
    sqlite3_stmt **stmts = store->write.stmts;
    struct sq_vis_delta deltas[SQ_DELTAS_MAX];
    size_t delta_count = store->delta_count;
    for (size_t i = 0; i < delta_count; i++)
        deltas[i] = store->deltas[i];
    int rc = sq_run(stmts[SQ_SAVE]);
    if (rc != SQLITE_OK)
        return rc;
    if (job->txn)
        sq_apply_txn(store, job, true);
    else
        job->write(store, job);
    if (job->error.err != SK_OK) {
        if (sqlite3_get_autocommit(store->write.db))
            return SQLITE_ABORT; // SQLite rolled everything back by itself
        rc = sq_run(stmts[SQ_SAVE_ROLLBACK]);
        store->delta_count = delta_count;
        for (size_t i = 0; i < delta_count; i++)
            store->deltas[i] = deltas[i];
    }
    int released = sq_run(stmts[SQ_SAVE_RELEASE]);
    return rc == SQLITE_OK ? released : rc;
}

static int apply_fast(struct sq_store *store, struct sq_job *job)
{
    if (!job->txn) {
        job->write(store, job);
        return job->error.err == SK_OK || job->error.err == SK_CONDITION ||
                       job->error.err == SK_NOT_FOUND
                   ? SQLITE_OK
                   : SQLITE_ABORT;
    }
    enum sq_apply outcome = sq_apply_txn(store, job, false);
    if (outcome == SQ_NOT_PLAIN)
        return apply_careful(store, job);
    return outcome == SQ_BROKEN ? SQLITE_ABORT : SQLITE_OK;
}

static void rollback(struct sq_store *store)
{
    store->delta_count = 0;
    if (store->write.db && !sqlite3_get_autocommit(store->write.db))
        sq_run(store->write.stmts[SQ_ROLLBACK]);
}

/* COMMIT failed with rc: say so to all, and open anew where the outcome is unknown. */
static void commit_failed(struct sq_store *store, struct sk_job **jobs, int count, int rc)
{
    struct sq_error error = {0};
    sq_error_sqlite(&error, store->write.db, rc, store->path, true);
    int base = rc & 0xff;
    bool nothing = base == SQLITE_FULL || base == SQLITE_BUSY || base == SQLITE_LOCKED ||
                   base == SQLITE_READONLY;
    if (!nothing && error.err != SK_DATA_LOSS)
        error.err = SK_COMMIT_UNKNOWN;
    fail_group(jobs, count, &error);
    sq_error_clear(&error);
    rollback(store);
    if (!nothing)
        sq_conn_close(&store->write);
}

static void clear_errors(struct sk_job **jobs, int count)
{
    for (int i = 0; i < count; i++)
        sq_error_clear(&SQ_JOB(jobs[i])->error);
}

/* false: a transition broke in the fast pass; nothing is written and it must be done carefully. */
static bool group_try(struct sq_store *store, struct sk_job **jobs, int count, bool careful)
{
    struct sq_error error = {0};
    store->delta_count = 0;
    int rc = sq_run(store->write.stmts[SQ_BEGIN_WRITE]);
    if (rc != SQLITE_OK) {
        sq_error_sqlite(&error, store->write.db, rc, store->path, true);
        fail_group(jobs, count, &error);
        sq_error_clear(&error);
        if ((rc & 0xff) == SQLITE_IOERR)
            sq_conn_close(&store->write);
        return true;
    }
    for (int i = 0; rc == SQLITE_OK && i < count; i++)
        rc = careful ? apply_careful(store, SQ_JOB(jobs[i])) : apply_fast(store, SQ_JOB(jobs[i]));
    if (rc == SQLITE_OK)
        rc = sq_vis_flush(store);
    if (rc != SQLITE_OK && !careful) {
        rollback(store);
        clear_errors(jobs, count);
        return false;
    }
    if (rc != SQLITE_OK) { // nothing of the group is in the file
        sq_error_sqlite(&error, store->write.db, rc, store->path, true);
        if (rc == SQLITE_ABORT) // an error of one that took all with it: the others may come again
            sq_error_set(&error, SK_UNAVAILABLE, "%s: the group was rolled back", store->path);
        rollback(store);
        fail_group(jobs, count, &error);
        sq_error_clear(&error);
        return true;
    }
    rc = sq_run(store->write.stmts[SQ_COMMIT]);
    if (rc != SQLITE_OK)
        commit_failed(store, jobs, count, rc);
    return true;
}

static void run_group(struct sq_store *store, struct sk_job **jobs, int count)
{
    if (ensure_open(store, jobs, count)) {
        sq_checkpoint_finish(store);
        if (!group_try(store, jobs, count, false))
            group_try(store, jobs, count, true);
        atomic_fetch_add_explicit(&store->head.groups, 1, memory_order_relaxed);
    }
    sk_store_jobs_finish(store->rt, jobs, count);
    if (store->write.db)
        sq_checkpoint_consider(store);
}

void sq_writer_run(void *owner, struct sk_job **jobs, int count)
{
    struct sq_store *store = owner;
    for (int first = 0, end; first < count; first = end) {
        end = first;
        while (end < count && !SQ_JOB(jobs[end])->alone)
            end++;
        if (end > first) {
            run_group(store, jobs + first, end - first);
        } else {
            struct sq_job *job = SQ_JOB(jobs[end++]);
            job->alone(store, job);
            sk_store_jobs_finish(store->rt, jobs + first, 1);
        }
    }
}
