/*
 * Bringing a file to this binary's format. The format is PRAGMA user_version, and the table
 * `format` says which binary made each step. An older file is copied beside itself first
 * (VACUUM INTO, durable before the first change); a newer one is refused, naming both versions.
 * All steps and the new version are one transaction: a crash leaves the old file or the new one.
 * Runs once, while the store opens, before any other connection.
 */
#include "store/sqlite/sqlite_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

static bool query_int(sqlite3 *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    if (ok)
        *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return ok;
}

static bool fail_sqlite(sqlite3 *db, const struct sq_migrate_options *o, struct sq_error *error)
{
    sq_error_sqlite(error, db, sqlite3_errcode(db), o->path, true);
    return false;
}

/* Who wrote the newest format, for the refusal. */
static char *writer_name(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    char *name = NULL;
    if (sqlite3_prepare_v2(db, "SELECT binary_version FROM format ORDER BY version DESC LIMIT 1",
                           -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        name = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return name;
}

static bool check_owner(sqlite3 *db, const struct sq_migrate_options *o, int64_t *ret_format,
                        struct sq_error *error)
{
    int64_t application, tables;
    if (!query_int(db, "PRAGMA application_id", &application) ||
        !query_int(db, "SELECT count(*) FROM sqlite_schema", &tables) ||
        !query_int(db, "PRAGMA user_version", ret_format))
        return fail_sqlite(db, o, error);
    if (application != SQ_APPLICATION_ID && tables > 0) {
        sq_error_set(error, SK_FAILED_PRECONDITION,
                     "%s is a SQLite database of another program (application_id %lld): nothing "
                     "was changed; name another file",
                     o->path, (long long)application);
        return false;
    }
    if (*ret_format < 0) {
        sq_error_set(error, SK_DATA_LOSS,
                     "%s is damaged (store format %lld): stop the server, keep a copy of the file "
                     "and its -wal, then restore a backup",
                     o->path, (long long)*ret_format);
        return false;
    }
    if (*ret_format > o->count) {
        char *name = writer_name(db);
        sq_error_set(error, SK_FAILED_PRECONDITION,
                     "%s has store format %lld, written by Skald %s; this binary (Skald %s) reads "
                     "up to format %d: use the newer binary, or the copy that it kept beside the "
                     "file",
                     o->path, (long long)*ret_format, name ? name : "(unknown)", o->binary_version,
                     o->count);
        sqlite3_free(name);
        return false;
    }
    return true;
}

static bool sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

/* The name of a file is safe only with its folder. */
static bool sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder =
        slash ? sqlite3_mprintf("%.*s", (int)(slash - path) + 1, path) : sqlite3_mprintf(".");
    SK_ASSERT(folder);
    bool ok = sync_file(folder);
    sqlite3_free(folder);
    return ok;
}

/* A copy named after the format it holds; an interrupted earlier copy is replaced. */
static bool keep_copy(sqlite3 *db, const struct sq_migrate_options *o, int64_t format,
                      struct sq_error *error)
{
    char *copy = sqlite3_mprintf("%s.format-%lld", o->path, (long long)format);
    char *partial = sqlite3_mprintf("%s.partial", copy);
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", partial);
    SK_ASSERT(copy && partial && sql);
    unlink(partial);
    bool ok = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    if (!ok) {
        sq_error_set(error, SK_UNAVAILABLE,
                     "%s needs an upgrade, but the copy %s that is kept first could not be "
                     "written: %s; nothing was changed",
                     o->path, copy, sqlite3_errmsg(db));
    } else if (!sync_file(partial) || rename(partial, copy) != 0 || !sync_folder_of(copy)) {
        sq_error_set(error, SK_UNAVAILABLE,
                     "%s needs an upgrade, but the copy %s that is kept first could not be "
                     "finished; nothing was changed",
                     o->path, copy);
        ok = false;
    }
    if (!ok)
        unlink(partial); // the disk may be full of it
    sqlite3_free(sql);
    sqlite3_free(partial);
    sqlite3_free(copy);
    return ok;
}

static bool note_format(sqlite3 *db, const struct sq_migrate_options *o, int format)
{
    char *sql =
        sqlite3_mprintf("INSERT INTO format VALUES (%d, %Q, %lld);"
                        "PRAGMA user_version = %d; PRAGMA application_id = %d",
                        format, o->binary_version, (long long)o->now_ms, format, SQ_APPLICATION_ID);
    SK_ASSERT(sql);
    bool ok = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    return ok;
}

bool sq_migrate(sqlite3 *db, const struct sq_migrate_options *o, struct sq_error *error)
{
    int64_t format;
    if (!check_owner(db, o, &format, error))
        return false;
    // Only now: the file remembers it, and what is refused above is somebody else's.
    if (sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(db, o, error);
    if (format == o->count)
        return true;
    if (format > 0 && !keep_copy(db, o, format, error))
        return false;
    bool ok = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    for (int i = (int)format; ok && i < o->count; i++)
        ok = o->migrations[i].apply(db) && note_format(db, o, o->migrations[i].format);
    ok = ok && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!ok) {
        fail_sqlite(db, o, error);
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return ok;
}
