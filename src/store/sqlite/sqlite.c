/*
 * The SQLite store: opening, closing, and the way a fiber's call travels to a thread and back.
 *
 * Threads: one writer (group commit, writer.c), readers with connections of their own, one
 * checkpointer. Lists and counts have readers to themselves, so that a slow filter never delays a
 * point read, and these take from one queue, so that it delays no quick list while one is free. A
 * call is a struct sq_job on the suspended fiber's stack: the worker fills it, and finished jobs go
 * home with one message a loop and group (store/job.h).
 *
 * One process at a time: PATH.lock is held with flock for as long as the store is open. A lock on
 * the database file itself would not do: SQLite's own locks are the process's and would be
 * dropped by closing any descriptor of that file.
 *
 * Leases. The file holds a generation, raised durably by each open, and an epoch is
 * generation << 32 | count. So epochs only grow, across processes too, and taking a slot costs
 * no write: within one process the writer compares with `leases`.
 */
#include "store/sqlite/sqlite_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

#define READERS_DEFAULT 1
#define READERS_MAX 64
#define EPOCH_SHIFT 32

int64_t sq_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- a call's way ---- */

sk_err sq_call(struct sk_worker *worker, struct sq_job *job)
{
    if (job->ctx->deadline_mono_ms && job->budget_ms) {
        int64_t left = job->ctx->deadline_mono_ms - sk_now_mono_ms();
        if (left < job->budget_ms)
            job->budget_ms = left > 1 ? left : 1;
    }
    if (job->budget_ms)
        job->deadline_ms = sq_clock_ms() + job->budget_ms;
    sk_store_job_call(worker, &job->call);
    sk_err err = job->error.err;
    if (err != SK_OK)
        err = sk_fail(job->ctx, err, "%s", job->error.message ? job->error.message : "");
    sq_error_clear(&job->error);
    return err;
}

void sq_job_fail(struct sq_store *store, struct sq_job *job, sqlite3 *db, int rc)
{
    sq_error_sqlite(&job->error, db, rc, store->path, false);
}

/* ---- readers ---- */

static void reader_run(void *owner, struct sk_job **jobs, int count)
{
    struct sq_reader *reader = owner;
    struct sq_conn *conn = &reader->conn;
    // One snapshot for all: it begins after each of them was submitted.
    int rc = sq_run(conn->stmts[SQ_BEGIN_READ]);
    for (int i = 0; i < count; i++) {
        struct sq_job *job = SQ_JOB(jobs[i]);
        if (rc == SQLITE_OK)
            job->read(reader->store, conn, job);
        else
            sq_job_fail(reader->store, job, conn->db, rc);
    }
    if (rc == SQLITE_OK && sq_run(conn->stmts[SQ_COMMIT]) != SQLITE_OK &&
        !sqlite3_get_autocommit(conn->db))
        sq_run(conn->stmts[SQ_ROLLBACK]);
    sk_store_jobs_finish(reader->store->rt, jobs, count);
}

/* Between two turns no list has the log open, which lets it start over (checkpoint.c). */
static void list_run(void *owner, struct sk_job **jobs, int count)
{
    struct sq_store *store = ((struct sq_reader *)owner)->store;
    bool in_turn = sq_clock_ms() < atomic_load(&store->turns_until_ms);
    if (in_turn)
        pthread_mutex_lock(&store->turns);
    reader_run(owner, jobs, count);
    if (in_turn)
        pthread_mutex_unlock(&store->turns);
}

sk_err sq_read(struct sq_store *store, struct sq_job *job)
{
    unsigned i = atomic_fetch_add_explicit(&store->next_reader, 1, memory_order_relaxed) %
                 (unsigned)store->point_count;
    atomic_fetch_add_explicit(&store->head.reads, 1, memory_order_relaxed);
    return sq_call(store->readers[i].worker, job);
}

sk_err sq_read_list(struct sq_store *store, struct sq_job *job)
{
    atomic_fetch_add_explicit(&store->head.reads, 1, memory_order_relaxed);
    return sq_call(store->lists, job);
}

/* ---- commits and leases ---- */

static sk_err sq_commit(struct sk_store *head, struct sk_ctx *ctx, const struct sk_txn *txn)
{
    struct sq_store *store = (struct sq_store *)head;
    SK_ASSERT(txn->slot < SK_SLOT_COUNT);
    struct sq_job job = {.ctx = ctx, .txn = txn};
    return sq_call(store->writer, &job);
}

static sk_err sq_lease(struct sk_store *head, struct sk_ctx *ctx, uint32_t slot, int64_t *ret_epoch)
{
    struct sq_store *store = (struct sq_store *)head;
    (void)ctx;
    SK_ASSERT(slot < SK_SLOT_COUNT);
    int64_t held = atomic_load(&store->leases[slot]), next;
    do {
        int64_t first = (store->generation << EPOCH_SHIFT) + 1;
        next = held >= first ? held + 1 : first;
    } while (!atomic_compare_exchange_weak(&store->leases[slot], &held, next));
    *ret_epoch = next;
    return SK_OK;
}

/* ---- small records ---- */

static void meta_put_job(struct sq_store *store, struct sq_job *job)
{
    const struct sk_meta_row *row = job->arg;
    bool insert = row->version == 1;
    sqlite3_stmt *stmt = store->write.stmts[insert ? SQ_META_INSERT : SQ_META_UPDATE];
    sq_bind_str(stmt, 1, row->kind);
    sq_bind_str(stmt, 2, row->key);
    sqlite3_bind_int64(stmt, 3, row->version);
    sq_bind_blob(stmt, 4, row->value);
    int rc = sq_run(stmt);
    if ((rc & 0xff) == SQLITE_CONSTRAINT ||
        (rc == SQLITE_OK && sqlite3_changes(store->write.db) == 0))
        sq_error_set(&job->error, SK_CONDITION,
                     "record " SK_STR_FMT "/" SK_STR_FMT " does not hold version %lld",
                     SK_STR_ARG(row->kind), SK_STR_ARG(row->key), (long long)row->version - 1);
    else if (rc != SQLITE_OK)
        sq_error_sqlite(&job->error, store->write.db, rc, store->path, true);
}

static void meta_delete_job(struct sq_store *store, struct sq_job *job)
{
    const struct sk_meta_row *row = job->arg;
    sqlite3_stmt *stmt = store->write.stmts[SQ_META_DELETE];
    sq_bind_str(stmt, 1, row->kind);
    sq_bind_str(stmt, 2, row->key);
    sqlite3_bind_int64(stmt, 3, row->version);
    int rc = sq_run(stmt);
    if (rc == SQLITE_OK && sqlite3_changes(store->write.db) == 0)
        sq_error_set(&job->error, row->version ? SK_CONDITION : SK_NOT_FOUND,
                     "no record " SK_STR_FMT "/" SK_STR_FMT " of that version",
                     SK_STR_ARG(row->kind), SK_STR_ARG(row->key));
    else if (rc != SQLITE_OK)
        sq_error_sqlite(&job->error, store->write.db, rc, store->path, true);
}

static sk_err meta_write(struct sk_store *head, struct sk_ctx *ctx, const struct sk_meta_row *row,
                         void (*write)(struct sq_store *, struct sq_job *))
{
    struct sq_store *store = (struct sq_store *)head;
    struct sq_job job = {.ctx = ctx, .write = write, .arg = (void *)(uintptr_t)row};
    return sq_call(store->writer, &job);
}

static sk_err sq_meta_put(struct sk_store *head, struct sk_ctx *ctx, const struct sk_meta_row *row)
{
    return meta_write(head, ctx, row, meta_put_job);
}

static sk_err sq_meta_delete(struct sk_store *head, struct sk_ctx *ctx,
                             const struct sk_meta_row *row)
{
    return meta_write(head, ctx, row, meta_delete_job);
}

/* ---- opening and closing ---- */

/* The file exists from here on, for its owner alone, and is known by its real name: a second way
 * to it (a link) must meet the same lock. */
static bool find_file(struct sq_store *store, struct sq_error *error)
{
    // Never open and close a file that is there: that would drop SQLite's locks, were it in use.
    int fd = open(store->path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    char *real = fd >= 0 || errno == EEXIST ? realpath(store->path, NULL) : NULL;
    if (!real)
        sq_error_set(error, SK_UNAVAILABLE,
                     "cannot open %s (%s): the folder must exist and be writable for the server's "
                     "user",
                     store->path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (!real)
        return false;
    sk_mem_free(store->path);
    store->path = sk_mem_strdup(real);
    free(real);
    struct sk_buf lock = SK_BUF_INIT;
    sk_buf_printf(&lock, "%s.lock", store->path);
    store->lock_path = sk_mem_strndup(lock.p, lock.n);
    sk_buf_fini(&lock);
    return true;
}

static bool take_lock(struct sq_store *store, struct sq_error *error)
{
    store->lock_fd = open(store->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0) {
        sq_error_set(error, SK_UNAVAILABLE,
                     "cannot create %s (%s): the folder must exist and be writable for the "
                     "server's user",
                     store->lock_path, strerror(errno));
        return false;
    }
    char pid[24] = "";
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(store->lock_fd, pid, sizeof(pid) - 1, 0);
        pid[n > 0 ? n : 0] = '\0';
        sq_error_set(error, SK_UNAVAILABLE,
                     "%s is in use by another process%s%s: end it first, or name another file",
                     store->path, *pid ? ", pid " : "", pid);
        return false;
    }
    int n = snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    if (ftruncate(store->lock_fd, 0) != 0 || pwrite(store->lock_fd, pid, (size_t)n, 0) != n)
        return true; // the pid is only for people
    return true;
}

static bool raise_generation(struct sq_store *store, struct sq_error *error)
{
    static const char sql[] = "UPDATE server SET value = value + 1 WHERE name = 'generation'"
                              " RETURNING value";
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->write.db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        store->generation = sqlite3_column_int64(stmt, 0);
        rc = sqlite3_step(stmt);
    }
    if (rc != SQLITE_DONE || store->generation <= 0)
        sq_error_sqlite(error, store->write.db, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc,
                        store->path, true);
    sqlite3_finalize(stmt);
    return error->err == SK_OK;
}

static bool open_conn(struct sq_store *store, struct sq_conn *conn, enum sq_conn_kind kind,
                      struct sq_error *error)
{
    struct sq_conn_options o = {
        .path = store->path, .pragmas = (const char *const *)store->pragmas, .kind = kind};
    return sq_conn_open(conn, &o, error) && sq_conn_prepare(conn, &o, error);
}

/* On the writer's thread: everything that touches the disk. arg: the time, for `format`. */
static void open_job(struct sq_store *store, struct sq_job *job)
{
    struct sq_error *error = &job->error;
    if (!find_file(store, error) || !take_lock(store, error))
        return;
    struct sq_conn_options o = {
        .path = store->path, .pragmas = (const char *const *)store->pragmas, .kind = SQ_CONN_WRITE};
    struct sq_migrate_options m = {.path = store->path,
                                   .binary_version = store->binary_version,
                                   .migrations = sq_migrations,
                                   .count = SQ_FORMAT,
                                   .now_ms = *(int64_t *)job->arg};
    if (!sq_conn_open(&store->write, &o, error) || !sq_migrate(store->write.db, &m, error) ||
        !sq_conn_prepare(&store->write, &o, error) || !raise_generation(store, error))
        return;
    sq_checkpoint_watch(store);
    for (int i = 0; i < store->reader_count; i++)
        if (!open_conn(store, &store->readers[i].conn, SQ_CONN_READ, error))
            return;
    open_conn(store, &store->checkpoint, SQ_CONN_CHECKPOINT, error);
}

static struct sq_store *store_new(const struct sk_sqlite_options *o)
{
    struct sq_store *store = sk_mem_zalloc(sizeof(*store));
    store->head.ops = &sq_ops;
    store->rt = sk_rt_current();
    store->lock_fd = -1;
    store->path = sk_mem_strdup(o->path);
    store->binary_version = sk_mem_strdup(o->binary_version ? o->binary_version : "(unknown)");
    size_t n = 0;
    while (o->pragmas && o->pragmas[n])
        n++;
    store->pragmas = sk_mem_zalloc((n + 1) * sizeof(*store->pragmas));
    for (size_t i = 0; i < n; i++)
        store->pragmas[i] = sk_mem_strdup(o->pragmas[i]);
    int readers = o->readers > 0 ? o->readers : READERS_DEFAULT;
    store->point_count = readers < READERS_MAX ? readers : READERS_MAX;
    store->reader_count = store->point_count + SQ_LIST_READERS;
    pthread_mutex_init(&store->turns, NULL);
    store->readers = sk_mem_zalloc((size_t)store->reader_count * sizeof(*store->readers));
    return store;
}

/* On the writer's thread, when there is a fiber to wait: the last connection to close moves the
 * log into the file, which takes a while. */
static void close_job(struct sq_store *store, struct sq_job *job)
{
    (void)job;
    sk_worker_free(store->checkpointer);
    store->checkpointer = NULL;
    for (int i = 0; i < store->reader_count; i++)
        sq_conn_close(&store->readers[i].conn);
    sq_conn_close(&store->checkpoint);
    sq_conn_close(&store->write);
}

static void store_free(struct sq_store *store)
{
    struct sk_ctx ctx = {0};
    struct sq_job job = {.ctx = &ctx, .alone = close_job};
    if (sk_fiber_current())
        (void)sq_call(store->writer, &job); // cannot fail
    else
        close_job(store, &job);
    sk_worker_free(store->writer);
    for (int i = 0; i < store->reader_count; i++)
        sk_worker_free(store->readers[i].worker);
    sk_worker_free(store->lists);
    pthread_mutex_destroy(&store->turns);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    for (char **p = store->pragmas; *p; p++)
        sk_mem_free(*p);
    sk_mem_free(store->pragmas);
    sk_mem_free(store->readers);
    sk_mem_free(store->binary_version);
    sk_mem_free(store->lock_path);
    sk_mem_free(store->path);
    sk_mem_free(store);
}

static void sq_close(struct sk_store *head)
{
    store_free((struct sq_store *)head);
}

/* Before SQLite's first use in the process: no global memory statistics, which cost a mutex for
 * each allocation. Has no effect, and need not, when SQLite is running already. */
static void configure_library(void)
{
    static atomic_flag done = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&done))
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void start_readers(struct sq_store *store)
{
    void *lists[SQ_LIST_READERS];
    for (int i = 0; i < store->reader_count; i++) {
        struct sq_reader *reader = &store->readers[i];
        reader->store = store;
        if (i < store->point_count)
            reader->worker = sk_worker_new(store->rt, "store-read", reader_run, reader, 32);
        else
            lists[i - store->point_count] = reader;
    }
    store->lists = sk_worker_new_team(store->rt, "store-list", list_run, lists, SQ_LIST_READERS, 1);
}

sk_err sk_sqlite_open(struct sk_ctx *ctx, const struct sk_sqlite_options *options,
                      struct sk_store **ret)
{
    if (!options->path || !*options->path || strcmp(options->path, ":memory:") == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "the SQLite store needs the path of a file, not \"%s\"",
                       options->path ? options->path : "");
    configure_library();
    struct sq_store *store = store_new(options);
    store->writer = sk_worker_new(store->rt, "store-write", sq_writer_run, store, SQ_BATCH_MAX);
    int64_t now_ms = sk_now_wall_ms();
    struct sq_job job = {.ctx = ctx, .alone = open_job, .arg = &now_ms};
    sk_err err = sq_call(store->writer, &job);
    if (err != SK_OK) {
        store_free(store);
        return err;
    }
    start_readers(store);
    store->checkpointer = sk_worker_new(store->rt, "store-check", sq_checkpoint_run, store, 1);
    *ret = &store->head;
    return SK_OK;
}

const struct sk_store_ops sq_ops = {
    .name = "sqlite",
    .close = sq_close,
    .commit = sq_commit,
    .exec_get = sq_exec_get,
    .current_get = sq_current_get,
    .history_read = sq_history_read,
    .tasks_read = sq_tasks_read,
    .queues_read = sq_queues_read,
    .task_count = sq_task_count,
    .wakes_read = sq_wakes_read,
    .outbox_read = sq_outbox_read,
    .inbox_get = sq_inbox_get,
    .runs_read = sq_runs_read,
    .vis_list = sq_vis_list,
    .vis_count = sq_vis_count,
    .meta_get = sq_meta_get,
    .meta_list = sq_meta_list,
    .meta_put = sq_meta_put,
    .meta_delete = sq_meta_delete,
    .lease = sq_lease,
};
