/*
 * A connection: opening, pragmas, prepared statements, binding, and the translation of SQLite's
 * results into errors that say what happened and what to do.
 *
 * A connection belongs to one thread at a time and is opened without SQLite's mutexes. WAL with
 * synchronous=FULL: a returned COMMIT is on disk. Automatic checkpoints are off; checkpoint.c
 * makes them. No mmap: a truncated file would be a SIGBUS, and its pages would count as ours.
 */
#include "store/sqlite/sqlite_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/assert.h"

#define BUSY_TIMEOUT_MS 5000

void sq_error_set(struct sq_error *error, sk_err err, const char *fmt, ...)
{
    va_list args;
    sq_error_clear(error);
    va_start(args, fmt);
    error->message = sqlite3_vmprintf(fmt, args);
    va_end(args);
    error->err = err;
}

void sq_error_clear(struct sq_error *error)
{
    sqlite3_free(error->message);
    *error = (struct sq_error){SK_OK, NULL};
}

static void set_io_error(struct sq_error *error, sqlite3 *db, const char *path, bool writing)
{
    int code = db ? sqlite3_system_errno(db) : 0;
    sq_error_set(error, SK_UNAVAILABLE,
                 "I/O error while %s %s (%s%s%s): check the disk and the system's log",
                 writing ? "writing" : "reading", path, db ? sqlite3_errmsg(db) : "no connection",
                 code ? ", " : "", code ? strerror(code) : "");
}

void sq_error_sqlite(struct sq_error *error, sqlite3 *db, int rc, const char *path, bool writing)
{
    const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_FULL:
        sq_error_set(error, SK_UNAVAILABLE,
                     "no space left for %s: nothing was written; free space on its disk (or raise "
                     "its quota) and the server carries on",
                     path);
        break;
    case SQLITE_READONLY:
        sq_error_set(error, SK_UNAVAILABLE,
                     "%s is read-only: nothing was written; make the file and its folder writable "
                     "for the server's user, or remount the disk",
                     path);
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        sq_error_set(error, SK_UNAVAILABLE,
                     "%s is locked by another process: end whatever else has it open (a backup "
                     "tool, the sqlite3 shell) and try again",
                     path);
        break;
    case SQLITE_CORRUPT:
        sq_error_set(error, SK_DATA_LOSS,
                     "%s is damaged (%s): stop the server, keep a copy of the file and its -wal, "
                     "then restore a backup or try the sqlite3 shell's .recover",
                     path, text);
        break;
    case SQLITE_NOTADB:
        sq_error_set(error, SK_DATA_LOSS,
                     "%s is not a SQLite database, or its first page is damaged: restore a backup, "
                     "or name another file",
                     path);
        break;
    case SQLITE_CANTOPEN:
        sq_error_set(error, SK_UNAVAILABLE,
                     "cannot open %s (%s): check that the folder exists and is writable for the "
                     "server's user",
                     path,
                     db && sqlite3_system_errno(db) ? strerror(sqlite3_system_errno(db)) : text);
        break;
    case SQLITE_IOERR:
        set_io_error(error, db, path, writing);
        break;
    default:
        sq_error_set(error, SK_INTERNAL, "SQLite error %d on %s: %s", rc, path, text);
        break;
    }
}

/* ---- opening ---- */

static int exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int set_pragmas(sqlite3 *db, const struct sq_conn_options *o)
{
    static const char *const cache[] = {
        [SQ_CONN_WRITE] = "PRAGMA cache_size=-16384",
        [SQ_CONN_READ] = "PRAGMA cache_size=-2048",
        [SQ_CONN_CHECKPOINT] = "PRAGMA cache_size=-64",
    };
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    int rc = exec(db, "PRAGMA page_size=4096");
    if (rc == SQLITE_OK)
        rc = exec(db, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                      "PRAGMA journal_size_limit=67108864;" // a log that grew shrinks again
                      "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA mmap_size=0");
    if (rc == SQLITE_OK)
        rc = exec(db, cache[o->kind]);
    for (const char *const *p = o->pragmas; rc == SQLITE_OK && p && *p; p++) {
        char *sql = sqlite3_mprintf("PRAGMA %s", *p);
        rc = sql ? exec(db, sql) : SQLITE_NOMEM;
        sqlite3_free(sql);
    }
    if (rc == SQLITE_OK && o->kind == SQ_CONN_READ)
        rc = exec(db, "PRAGMA query_only=ON");
    return rc;
}

bool sq_conn_open(struct sq_conn *conn, const struct sq_conn_options *o, struct sq_error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    *conn = (struct sq_conn){0};
    int rc = sqlite3_open_v2(o->path, &conn->db, flags, NULL);
    if (rc == SQLITE_OK && sqlite3_db_readonly(conn->db, "main") == 1)
        rc = SQLITE_READONLY;
    if (rc == SQLITE_OK)
        rc = set_pragmas(conn->db, o);
    if (rc == SQLITE_OK)
        return true;
    sq_error_sqlite(error, conn->db, rc, o->path, o->kind == SQ_CONN_WRITE);
    sq_conn_close(conn);
    return false;
}

struct statement {
    const char *text;
    bool write, read; /* which kinds of connection use it */
};
static const struct statement statements[SQ_STMT_COUNT] = {
#define SK_SQL(name, text) {text, true, true},
#define SK_SQL_W(name, text) {text, true, false},
#define SK_SQL_R(name, text) {text, false, true},
#include "store/sqlite/statements.def"
#undef SK_SQL
};

static int prepare(sqlite3 *db, const char *text, sqlite3_stmt **ret)
{
    return sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
}

/* The one statement whose text is made from the table of columns. */
static int prepare_attr_put(struct sq_conn *conn)
{
    struct sk_buf sql = SK_BUF_INIT;
    char name[SQ_NAME_SIZE];
    sk_buf_str(&sql, "INSERT OR REPLACE INTO vis_attr (id, ns, sort_close, sort_start, run_id");
    for (int i = 0; i < SQ_ATTR_COUNT; i++) {
        sq_attr_name(i, name);
        sk_buf_printf(&sql, ", %s", name);
    }
    sk_buf_str(&sql, ") VALUES (?");
    for (int i = 0; i < SQ_ATTR_COUNT + 4; i++)
        sk_buf_str(&sql, ", ?");
    sk_buf_append(&sql, ")", 2);
    int rc = prepare(conn->db, sql.p, &conn->attr_put);
    sk_buf_fini(&sql);
    return rc;
}

bool sq_conn_prepare(struct sq_conn *conn, const struct sq_conn_options *o, struct sq_error *error)
{
    int rc = SQLITE_OK;
    for (int i = 0; rc == SQLITE_OK && i < SQ_STMT_COUNT; i++) {
        const struct statement *s = &statements[i];
        if ((o->kind == SQ_CONN_WRITE && s->write) || (o->kind == SQ_CONN_READ && s->read))
            rc = prepare(conn->db, s->text, &conn->stmts[i]);
    }
    if (rc == SQLITE_OK && o->kind == SQ_CONN_WRITE)
        rc = prepare_attr_put(conn);
    if (rc != SQLITE_OK)
        sq_error_sqlite(error, conn->db, rc, o->path, false);
    return rc == SQLITE_OK;
}

void sq_conn_close(struct sq_conn *conn)
{
    for (int i = 0; i < SQ_STMT_COUNT; i++)
        sqlite3_finalize(conn->stmts[i]);
    sqlite3_finalize(conn->attr_put);
    sqlite3_close_v2(conn->db);
    *conn = (struct sq_conn){0};
}

/* ---- binding and stepping ---- */

void sq_bind_str(sqlite3_stmt *stmt, int index, struct sk_str s)
{
    sqlite3_bind_text64(stmt, index, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

void sq_bind_str_null(sqlite3_stmt *stmt, int index, struct sk_str s)
{
    if (s.n == 0)
        sqlite3_bind_null(stmt, index);
    else
        sq_bind_str(stmt, index, s);
}

void sq_bind_blob(sqlite3_stmt *stmt, int index, struct sk_str s)
{
    sqlite3_bind_blob64(stmt, index, s.p ? s.p : "", s.n, SQLITE_STATIC);
}

void sq_bind_blob_null(sqlite3_stmt *stmt, int index, struct sk_str s)
{
    if (s.n == 0)
        sqlite3_bind_null(stmt, index);
    else
        sq_bind_blob(stmt, index, s);
}

void sq_bind_uuid(sqlite3_stmt *stmt, int index, const struct sk_uuid *id)
{
    sqlite3_bind_blob(stmt, index, id->b, SK_UUID_SIZE, SQLITE_STATIC);
}

int sq_run(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    while (rc == SQLITE_ROW)
        rc = sqlite3_step(stmt);
    int reset = sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : reset ? reset : rc;
}

struct sk_str sq_column_str(sqlite3_stmt *stmt, int column, struct sk_arena *arena,
                            bool *reterr_full)
{
    const void *p = sqlite3_column_blob(stmt, column); // bytes of TEXT too, no conversion
    size_t n = (size_t)sqlite3_column_bytes(stmt, column);
    if (!p || n == 0)
        return (struct sk_str){"", 0};
    char *copy = sk_arena_alloc_try(arena, n);
    if (!copy) {
        *reterr_full = true;
        return (struct sk_str){"", 0};
    }
    memcpy(copy, p, n);
    return (struct sk_str){copy, n};
}

struct sk_uuid sq_column_uuid(sqlite3_stmt *stmt, int column)
{
    struct sk_uuid id = {{0}};
    const void *p = sqlite3_column_blob(stmt, column);
    if (p && sqlite3_column_bytes(stmt, column) == SK_UUID_SIZE)
        memcpy(id.b, p, SK_UUID_SIZE);
    return id;
}
