/*
 * Checkpoints: moving the log (PATH-wal) into the file, off the commit path.
 *
 * When the log is long the checkpointer copies it with a connection of its own (PASSIVE: it waits
 * for nobody and nobody waits for it). Groups committed meanwhile stay behind in the log, so it
 * would never be empty and never start over; therefore, once most of it is copied, the writer
 * copies the small rest between two groups, and its next write starts the log from the beginning.
 *
 * The log starts over only in a moment without a reader in it. Lists that overlap without end leave
 * no such moment, so while the log is long they take turns.
 *
 * A failed checkpoint loses nothing: SQLite counts pages as moved only after the file's fsync
 * succeeded, and the next one writes them again.
 *
 * Threads: sq_checkpoint_run is the checkpointer's, the rest the writer's.
 */
#include "store/sqlite/sqlite_internal.h"

#include "base/log.h"

/* Pages of 4 KiB. Long enough that a page changed often is copied once, short enough that the
 * file is found quickly after a crash and the index of the log stays small. */
#define WAL_PAGES_START 4096
#define WAL_PAGES_LONG (2 * WAL_PAGES_START) /* readers kept it from starting over */
#define TURNS_MS 1000                        /* after a commit; without one it does not grow */

static void note(struct sq_store *store, int rc, const char *who)
{
    (void)store;
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        SK_LOG(DEBUG, "store", "checkpoint failed, it will be tried again", SK_KV("by", who),
               SK_KV("error", sqlite3_errstr(rc)));
}

void sq_checkpoint_run(void *owner, struct sk_job **jobs, int count)
{
    struct sq_store *store = owner;
    (void)jobs;
    (void)count;
    int rc = sqlite3_wal_checkpoint_v2(store->checkpoint.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                       NULL);
    note(store, rc, "checkpointer");
    if (rc == SQLITE_OK)
        atomic_store(&store->checkpoint_finish, true);
    atomic_store(&store->checkpoint_running, false);
}

static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct sq_store *store = arg;
    (void)db;
    (void)name;
    store->wal_pages = pages;
    return SQLITE_OK;
}

void sq_checkpoint_watch(struct sq_store *store)
{
    sqlite3_wal_hook(store->write.db, on_commit, store);
}

void sq_checkpoint_consider(struct sq_store *store)
{
    bool is_long = store->wal_pages >= WAL_PAGES_LONG;
    atomic_store(&store->turns_until_ms, is_long ? sq_clock_ms() + TURNS_MS : 0);
    if (store->wal_pages < WAL_PAGES_START || atomic_load(&store->checkpoint_finish) ||
        atomic_exchange(&store->checkpoint_running, true))
        return;
    sk_worker_submit(store->checkpointer, &store->checkpoint_job);
}

void sq_checkpoint_finish(struct sq_store *store)
{
    if (!atomic_exchange(&store->checkpoint_finish, false))
        return;
    int rc =
        sqlite3_wal_checkpoint_v2(store->write.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    note(store, rc, "writer");
}
