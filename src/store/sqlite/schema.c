/*
 * The schema: one function a format, applied in order by migrate.c. A released function is never
 * changed; a new format is a new function at the end.
 *
 * Keys are compact and local. A run id is a version 7 UUID (16 bytes, time first), so what is
 * keyed by it grows at the right edge of its tree whatever the workflow ids look like; tables
 * that are read by their key alone are WITHOUT ROWID, so a row costs one tree and not two. Not so
 * `execution`: its row is rewritten by each commit, and a tree that is also an index holds only
 * 1,002 bytes of a row in place; larger states would allocate and free overflow pages each time
 * (115 us a workflow against 91 with states of 1,500 bytes).
 *
 * Visibility is `vis`, one row a run, in list order by its indexes: each ends in (sort_close,
 * sort_start, run_id), where sort_close is 0 for an open run and INT64_MAX - close time for a
 * closed one and sort_start is minus the start time, so that ascending order is the list's order
 * and a keyset cursor is one row comparison.
 *
 * An index costs each run that is in it, so those that few runs need are partial: children by
 * their parent, and by their root (a run that is its own root is found by its workflow id).
 *
 * Typed search attributes are in `vis_attr`, a wide row of preallocated columns, each with a
 * partial index ending in the same sort key. It is a table of its own because of the price: with
 * the 72 columns and their indexes in `vis` a run cost 99 us of writer CPU against 37 us without,
 * even though all were NULL (every index is opened and its condition evaluated for each
 * statement); so only runs that have such attributes pay. Keyword lists and the tokens of text
 * share `vis_list`: membership, read in list order too, which a full-text index cannot do.
 */
#include "store/sqlite/sqlite_internal.h"

#include <stdio.h>

#include "base/assert.h"

/* clang-format off */
static const char format_1[] =
    "CREATE TABLE format (version INTEGER PRIMARY KEY, binary_version TEXT NOT NULL,"
    "  applied_ms INTEGER NOT NULL);"
    "CREATE TABLE server (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO server VALUES ('generation', 0);"

    "CREATE TABLE execution (run_id BLOB NOT NULL UNIQUE, ns INTEGER NOT NULL,"
    "  workflow_id TEXT NOT NULL, slot INTEGER NOT NULL, version INTEGER NOT NULL,"
    "  wake_ms INTEGER NOT NULL, state BLOB NOT NULL);"
    "CREATE INDEX execution_id ON execution (ns, workflow_id, run_id);"
    "CREATE INDEX execution_wake ON execution (wake_ms, slot) WHERE wake_ms > 0;"
    "CREATE TABLE part (run_id BLOB NOT NULL, kind INTEGER NOT NULL, id INTEGER NOT NULL,"
    "  body BLOB NOT NULL, PRIMARY KEY (run_id, kind, id)) WITHOUT ROWID;"
    "CREATE TABLE current (ns INTEGER NOT NULL, workflow_id TEXT NOT NULL, run_id BLOB NOT NULL,"
    "  PRIMARY KEY (ns, workflow_id)) WITHOUT ROWID;"
    "CREATE TABLE history (run_id BLOB NOT NULL, first_event_id INTEGER NOT NULL,"
    "  last_event_id INTEGER NOT NULL, events BLOB NOT NULL,"
    "  PRIMARY KEY (run_id, first_event_id)) WITHOUT ROWID;"

    "CREATE TABLE task (ns INTEGER NOT NULL, kind INTEGER NOT NULL, queue TEXT NOT NULL,"
    "  priority INTEGER NOT NULL, seq INTEGER NOT NULL, run_ns INTEGER, workflow_id TEXT NOT NULL,"
    "  run_id BLOB NOT NULL, scheduled_id INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    "  stamp INTEGER NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
    "  fairness_key TEXT, fairness_weight REAL NOT NULL, fallback_queue TEXT, version TEXT,"
    "  PRIMARY KEY (ns, kind, queue, priority, seq)) WITHOUT ROWID;"

    "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, source_run BLOB NOT NULL, id INTEGER NOT NULL,"
    "  slot INTEGER NOT NULL, ns INTEGER NOT NULL, workflow_id TEXT NOT NULL, body BLOB NOT NULL,"
    "  UNIQUE (source_run, id));"
    "CREATE TABLE inbox (ns INTEGER NOT NULL, workflow_id TEXT NOT NULL, source_run BLOB NOT NULL,"
    "  id INTEGER NOT NULL, reply BLOB NOT NULL,"
    "  PRIMARY KEY (ns, workflow_id, source_run, id)) WITHOUT ROWID;"

    "CREATE TABLE meta (kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,"
    "  value BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;"

    "CREATE TABLE vis (id INTEGER PRIMARY KEY, ns INTEGER NOT NULL, sort_close INTEGER NOT NULL,"
    "  sort_start INTEGER NOT NULL, run_id BLOB NOT NULL, workflow_id TEXT NOT NULL,"
    "  type TEXT NOT NULL, task_queue TEXT NOT NULL, division TEXT, status INTEGER NOT NULL,"
    "  attributes INTEGER NOT NULL, execution_ns INTEGER NOT NULL,"
    "  history_length INTEGER NOT NULL, history_size INTEGER NOT NULL,"
    "  state_transitions INTEGER NOT NULL, parent_workflow_id TEXT, parent_run_id TEXT,"
    "  root_workflow_id TEXT, root_run_id TEXT, memo BLOB, search_attributes BLOB);"
    "CREATE UNIQUE INDEX vis_run ON vis (run_id);"
    "CREATE INDEX vis_sort ON vis (ns, sort_close, sort_start, run_id) WHERE division IS NULL;"
    "CREATE INDEX vis_workflow ON vis (ns, workflow_id, sort_close, sort_start, run_id)"
    "  WHERE division IS NULL;"
    "CREATE INDEX vis_type ON vis (ns, type, sort_close, sort_start, run_id)"
    "  WHERE division IS NULL;"
    "CREATE INDEX vis_status ON vis (ns, status, sort_close, sort_start, run_id)"
    "  WHERE division IS NULL;"
    "CREATE INDEX vis_parent ON vis (ns, parent_workflow_id, sort_close, sort_start, run_id)"
    "  WHERE parent_workflow_id IS NOT NULL AND division IS NULL;"
    "CREATE INDEX vis_root ON vis (ns, root_workflow_id, sort_close, sort_start, run_id)"
    "  WHERE root_workflow_id <> workflow_id AND division IS NULL;"
    "CREATE INDEX vis_division ON vis (ns, division, sort_close, sort_start, run_id)"
    "  WHERE division IS NOT NULL;"
    "CREATE TABLE vis_list (id INTEGER NOT NULL, slot INTEGER NOT NULL, value TEXT NOT NULL,"
    "  ns INTEGER NOT NULL, sort_close INTEGER NOT NULL, sort_start INTEGER NOT NULL,"
    "  run_id BLOB NOT NULL, PRIMARY KEY (id, slot, value)) WITHOUT ROWID;"
    "CREATE INDEX vis_list_value ON vis_list (ns, slot, value, sort_close, sort_start, run_id);"
    "CREATE TABLE vis_count (ns INTEGER NOT NULL, division TEXT NOT NULL, status INTEGER NOT NULL,"
    "  n INTEGER NOT NULL, PRIMARY KEY (ns, division, status)) WITHOUT ROWID;";

/* The key of a task is its place in the order that tasks are read in. Those that wait go first. */
static const char format_2[] =
    "ALTER TABLE task RENAME TO task_1;"
    "CREATE TABLE task (ns INTEGER NOT NULL, kind INTEGER NOT NULL, queue TEXT NOT NULL,"
    "  priority INTEGER NOT NULL, pass INTEGER NOT NULL, seq INTEGER NOT NULL, run_ns INTEGER,"
    "  workflow_id TEXT NOT NULL, run_id BLOB NOT NULL, scheduled_id INTEGER NOT NULL,"
    "  attempt INTEGER NOT NULL, stamp INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL, fairness_key TEXT, fairness_weight REAL NOT NULL,"
    "  fallback_queue TEXT, version TEXT,"
    "  PRIMARY KEY (ns, kind, queue, priority, pass, seq)) WITHOUT ROWID;"
    "INSERT INTO task SELECT ns, kind, queue, priority, 0, seq, run_ns, workflow_id, run_id,"
    "  scheduled_id, attempt, stamp, created_ms, expires_ms, fairness_key, fairness_weight,"
    "  fallback_queue, version FROM task_1;"
    "DROP TABLE task_1;";
/* clang-format on */

/* The typed columns of format 1, in order. */
static const struct {
    const char *name, *affinity;
    enum sk_sa_type type;
    int slots;
} attr_types[] = {
    {"keyword", "TEXT", SK_SA_KEYWORD, SK_SA_SLOTS_KEYWORD},
    {"int", "INTEGER", SK_SA_INT, SK_SA_SLOTS_INT},
    {"double", "REAL", SK_SA_DOUBLE, SK_SA_SLOTS_DOUBLE},
    {"bool", "INTEGER", SK_SA_BOOL, SK_SA_SLOTS_BOOL},
    {"datetime", "INTEGER", SK_SA_DATETIME, SK_SA_SLOTS_DATETIME},
};
#define ATTR_TYPES (sizeof(attr_types) / sizeof(attr_types[0]))

static bool create_attr(sqlite3 *db)
{
    struct sk_buf sql = SK_BUF_INIT;
    char name[SQ_NAME_SIZE];
    sk_buf_str(&sql, "CREATE TABLE vis_attr (id INTEGER PRIMARY KEY, ns INTEGER NOT NULL,"
                     " sort_close INTEGER NOT NULL, sort_start INTEGER NOT NULL,"
                     " run_id BLOB NOT NULL");
    int column = 0;
    for (size_t t = 0; t < ATTR_TYPES; t++)
        for (int i = 0; i < attr_types[t].slots; i++) {
            sq_attr_name(column++, name);
            sk_buf_printf(&sql, ", %s %s", name, attr_types[t].affinity);
        }
    SK_ASSERT(column == SQ_ATTR_COUNT);
    sk_buf_str(&sql, ");");
    for (int i = 0; i < SQ_ATTR_COUNT; i++) {
        sq_attr_name(i, name);
        sk_buf_printf(&sql,
                      "CREATE INDEX vis_%s ON vis_attr (ns, %s, sort_close, sort_start, run_id)"
                      " WHERE %s IS NOT NULL;",
                      name, name, name);
    }
    sk_buf_append(&sql, "", 1);
    bool ok = sqlite3_exec(db, sql.p, NULL, NULL, NULL) == SQLITE_OK;
    sk_buf_fini(&sql);
    return ok;
}

static bool apply_1(sqlite3 *db)
{
    return sqlite3_exec(db, format_1, NULL, NULL, NULL) == SQLITE_OK && create_attr(db);
}

static bool apply_2(sqlite3 *db)
{
    return sqlite3_exec(db, format_2, NULL, NULL, NULL) == SQLITE_OK;
}

const struct sq_migration sq_migrations[SQ_FORMAT] = {{1, apply_1}, {2, apply_2}};

int sq_attr_column(enum sk_sa_type type, int slot)
{
    int first = 0;
    for (size_t t = 0; t < ATTR_TYPES; t++) {
        if (attr_types[t].type == type)
            return slot >= 1 && slot <= attr_types[t].slots ? first + slot - 1 : -1;
        first += attr_types[t].slots;
    }
    return -1;
}

void sq_attr_name(int column, char ret[static SQ_NAME_SIZE])
{
    size_t t = 0;
    while (column >= attr_types[t].slots)
        column -= attr_types[t++].slots;
    snprintf(ret, SQ_NAME_SIZE, "%s%02d", attr_types[t].name, column + 1);
}

/* Keyword lists are numbered as they are; text comes after 100. */
int sq_list_slot(enum sk_sa_type type, int slot)
{
    if (type == SK_SA_KEYWORD_LIST && slot >= 1 && slot <= SK_SA_SLOTS_KEYWORD_LIST)
        return slot;
    if (type == SK_SA_TEXT && slot >= 1 && slot <= SK_SA_SLOTS_TEXT)
        return 100 + slot;
    return -1;
}
