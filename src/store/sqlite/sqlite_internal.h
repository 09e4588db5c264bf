/* Only for src/store/sqlite and its tests. The SQLite store's parts; see README.md. */
#ifndef SK_STORE_SQLITE_INTERNAL_H
#define SK_STORE_SQLITE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include "base/buf.h"
#include "rt/rt.h"
#include "store/job.h"
#include "store/vis_query.h"

/* ---- fixed statements ---- */
enum sq_stmt {
#define SK_SQL(name, text) SQ_##name,
#include "store/sqlite/statements.def"
#undef SK_SQL
    SQ_STMT_COUNT
};

/* ---- one connection, used by one thread at a time ---- */
enum sq_conn_kind { SQ_CONN_WRITE, SQ_CONN_READ, SQ_CONN_CHECKPOINT };
struct sq_conn {
    sqlite3 *db; /* NULL: not open */
    sqlite3_stmt *stmts[SQ_STMT_COUNT];
    sqlite3_stmt *attr_put; /* writer: the wide row of typed search attributes */
};

/* An error before it reaches the caller's context. The message is malloc'ed by sqlite3. */
struct sq_error {
    sk_err err;
    char *message;
};
void sq_error_set(struct sq_error *error, sk_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void sq_error_clear(struct sq_error *error);
/* From the connection's last result: which error it is and what to do about it. */
void sq_error_sqlite(struct sq_error *error, sqlite3 *db, int rc, const char *path, bool writing);

struct sq_conn_options {
    const char *path;
    const char *const *pragmas;
    enum sq_conn_kind kind;
};
/* Opens and sets pragmas; statements only once the schema stands (sq_conn_prepare). */
bool sq_conn_open(struct sq_conn *conn, const struct sq_conn_options *options,
                  struct sq_error *error);
bool sq_conn_prepare(struct sq_conn *conn, const struct sq_conn_options *options,
                     struct sq_error *error);
void sq_conn_close(struct sq_conn *conn);

/* ---- binding and stepping ---- */
void sq_bind_str(sqlite3_stmt *stmt, int index, struct sk_str s);       /* TEXT, static */
void sq_bind_str_null(sqlite3_stmt *stmt, int index, struct sk_str s);  /* empty: NULL */
void sq_bind_blob(sqlite3_stmt *stmt, int index, struct sk_str s);      /* static */
void sq_bind_blob_null(sqlite3_stmt *stmt, int index, struct sk_str s); /* empty: NULL */
void sq_bind_uuid(sqlite3_stmt *stmt, int index, const struct sk_uuid *id);
int sq_run(sqlite3_stmt *stmt); /* step to the end and reset: SQLITE_OK or the error */
/* Copies of a column in the arena; on a full arena *reterr_full is set and they are empty. */
struct sk_str sq_column_str(sqlite3_stmt *stmt, int column, struct sk_arena *arena,
                            bool *reterr_full);
struct sk_uuid sq_column_uuid(sqlite3_stmt *stmt, int column);

/* ---- the schema ---- */
#define SQ_FORMAT 2 /* the format this binary writes */
#define SQ_APPLICATION_ID 0x536b616c
struct sq_migration {
    int format;                 /* the format it leads to */
    bool (*apply)(sqlite3 *db); /* inside a transaction; false: sqlite3_errmsg says why */
};
extern const struct sq_migration sq_migrations[SQ_FORMAT];
struct sq_migrate_options {
    const char *path;
    const char *binary_version;
    const struct sq_migration *migrations; /* [count]: formats 1..count */
    int count;
    int64_t now_ms;
};
/* Brings the file to format `count`, keeping a copy of an older one beside it first. */
bool sq_migrate(sqlite3 *db, const struct sq_migrate_options *options, struct sq_error *error);

/* The typed columns of vis_attr, in order: their names ("keyword01") and number. */
#define SQ_ATTR_COUNT                                                                \
    (SK_SA_SLOTS_KEYWORD + SK_SA_SLOTS_INT + SK_SA_SLOTS_DOUBLE + SK_SA_SLOTS_BOOL + \
     SK_SA_SLOTS_DATETIME)
#define SQ_NAME_SIZE 24
/* 0-based column of a typed value, -1 when it has none (lists, text, slot out of range). */
int sq_attr_column(enum sk_sa_type type, int slot);
void sq_attr_name(int column, char ret[static SQ_NAME_SIZE]);
/* vis_list.slot of a keyword list or text; -1 else. */
int sq_list_slot(enum sk_sa_type type, int slot);

/* ---- the store ---- */
/* A slow list leaves the others one; more would take the loops' cores. */
#define SQ_LIST_READERS 2
struct sq_reader {
    struct sq_store *store;
    struct sq_conn conn;
    struct sk_worker *worker; /* NULL: one of the team that serves lists */
};

struct sq_vis_delta { /* a change to one counter of ordinary runs, gathered over a group */
    sk_ns_id ns;
    int32_t status;
    int64_t n;
};
#define SQ_DELTAS_MAX 64

#define SQ_BATCH_MAX 1024 /* transitions a group */

struct sq_store {
    struct sk_store head;
    struct sk_rt *rt;
    char *path, *lock_path, *binary_version;
    char **pragmas; /* owned, NULL-ended */
    int lock_fd;
    struct sk_worker *writer, *lists, *checkpointer;
    struct sq_reader *readers; /* for points, then SQ_LIST_READERS for lists and counts */
    int point_count, reader_count;
    atomic_uint next_reader;
    pthread_mutex_t turns; /* of lists, while the log is long */
    /* leases: epochs of this process lie above those of any before it */
    int64_t generation;
    _Atomic int64_t leases[SK_SLOT_COUNT];
    /* the writer thread's */
    struct sq_conn write;
    struct sq_vis_delta deltas[SQ_DELTAS_MAX];
    size_t delta_count;
    int wal_pages;
    /* checkpoints: set by the writer, cleared by the checkpointer, and the other way round */
    struct sq_conn checkpoint;
    struct sk_job checkpoint_job;
    atomic_bool checkpoint_running, checkpoint_finish;
    _Atomic int64_t turns_until_ms; /* on sq_clock_ms: the log is long, lists take turns */
};

/* ---- jobs: a fiber's call, run on a worker thread ---- */
struct sq_job {
    struct sk_store_job call;
    struct sk_ctx *ctx;
    struct sq_error error;
    int64_t budget_ms;   /* lists and counts: the time they may take */
    int64_t deadline_ms; /* the same on sq_clock_ms, from submission */
    /* what to do: a commit, a write of a small record, something of the writer's that is no
     * transaction (opening, closing), or a read */
    const struct sk_txn *txn;
    void (*write)(struct sq_store *, struct sq_job *); /* must leave no trace when it fails */
    void (*alone)(struct sq_store *, struct sq_job *);
    void (*read)(struct sq_store *, struct sq_conn *, struct sq_job *);
    void *arg;
};
#define SQ_JOB(ptr) SK_CONTAINER(SK_STORE_JOB(ptr), struct sq_job, call)
/* Submit and suspend until done; sets ctx->err on failure. */
sk_err sq_call(struct sk_worker *worker, struct sq_job *job);
sk_err sq_read(struct sq_store *store, struct sq_job *job); /* on a point reader */
sk_err sq_read_list(struct sq_store *store, struct sq_job *job);
/* A row set could not be read: set the job's error from the connection. */
void sq_job_fail(struct sq_store *store, struct sq_job *job, sqlite3 *db, int rc);

/* writer.c */
void sq_writer_run(void *owner, struct sk_job **jobs, int count);
/* apply.c: one transition. */
enum sq_apply {
    SQ_APPLIED,
    SQ_REFUSED,   /* job->error says why; nothing was written */
    SQ_NOT_PLAIN, /* nothing was done: it needs a savepoint, come again with careful */
    SQ_BROKEN,    /* job->error says why; rows may be half written: roll back */
};
enum sq_apply sq_apply_txn(struct sq_store *store, struct sq_job *job, bool careful);
/* vis_write.c */
int sq_vis_put(struct sq_store *store, const struct sk_vis_row *row);
int sq_vis_delete(struct sq_store *store, const struct sk_uuid *run);
int sq_vis_flush(struct sq_store *store); /* counters, before COMMIT */
/* checkpoint.c */
void sq_checkpoint_run(void *owner, struct sk_job **jobs, int count);
void sq_checkpoint_consider(struct sq_store *store); /* writer, after a group */
void sq_checkpoint_finish(struct sq_store *store);   /* writer, before a group */
void sq_checkpoint_watch(struct sq_store *store);    /* on a new writer connection */
/* read.c, vis_read.c: the functions of the ops table */
extern const struct sk_store_ops sq_ops;
sk_err sq_exec_get(struct sk_store *, struct sk_ctx *, const struct sk_run_key *,
                   struct sk_exec_row *);
sk_err sq_current_get(struct sk_store *, struct sk_ctx *, sk_ns_id, struct sk_str,
                      struct sk_uuid *);
sk_err sq_history_read(struct sk_store *, struct sk_ctx *, const struct sk_run_key *, int64_t from,
                       int64_t to, size_t max_bytes, bool reverse, struct sk_history_batch **,
                       size_t *);
sk_err sq_tasks_read(struct sk_store *, struct sk_ctx *, const struct sk_task_range *,
                     struct sk_task_row **, size_t *);
sk_err sq_queues_read(struct sk_store *, struct sk_ctx *, struct sk_queue_key **, size_t *);
sk_err sq_task_count(struct sk_store *, struct sk_ctx *, const struct sk_queue_key *, int64_t *,
                     int64_t *);
sk_err sq_wakes_read(struct sk_store *, struct sk_ctx *, uint32_t modulo, uint32_t rest,
                     int64_t until_ms, size_t limit, struct sk_wake_row **, size_t *);
sk_err sq_outbox_read(struct sk_store *, struct sk_ctx *, uint32_t modulo, uint32_t rest,
                      size_t limit, struct sk_outbox_row **, size_t *);
sk_err sq_inbox_get(struct sk_store *, struct sk_ctx *, struct sk_inbox_row *);
sk_err sq_runs_read(struct sk_store *, struct sk_ctx *, sk_ns_id, struct sk_str, struct sk_uuid **,
                    size_t *);
sk_err sq_meta_get(struct sk_store *, struct sk_ctx *, struct sk_str kind, struct sk_str key,
                   struct sk_meta_row *);
sk_err sq_meta_list(struct sk_store *, struct sk_ctx *, struct sk_str kind, struct sk_meta_row **,
                    size_t *);
sk_err sq_vis_list(struct sk_store *, struct sk_ctx *, const struct sk_vis_query *,
                   struct sk_vis_page *);
sk_err sq_vis_count(struct sk_store *, struct sk_ctx *, const struct sk_vis_query *,
                    struct sk_vis_counts *);

/* ---- a filter as SQL (vis_sql.c) ---- */
struct sq_bind {
    enum { SQ_BIND_INT, SQ_BIND_DOUBLE, SQ_BIND_TEXT, SQ_BIND_BLOB } type;
    int64_t i;
    double d;
    struct sk_str s;
};
struct sq_sql {
    struct sk_arena *arena; /* for bound values */
    struct sk_buf text;     /* owned: sq_sql_fini */
    struct sq_bind *binds;
    size_t bind_count, bind_capacity;
    bool uses_attr; /* a condition reads vis_attr as a */
};
void sq_sql_init(struct sq_sql *sql, struct sk_arena *arena);
void sq_sql_fini(struct sq_sql *sql);
void sq_sql_int(struct sq_sql *sql, int64_t i);        /* ? bound to i */
void sq_sql_text(struct sq_sql *sql, struct sk_str s); /* ? bound to text */
void sq_sql_uuid(struct sq_sql *sql, const struct sk_uuid *id);
/* The expression of a field over v and a; NULL where the run has no value. Not lists or text. */
void sq_sql_field(struct sq_sql *sql, const struct sk_vis_field *field);
void sq_sql_literal(struct sq_sql *sql, const struct sk_vis_literal *v);
/* A parenthesised condition over v and a, three-valued. */
void sq_sql_node(struct sq_sql *sql, const struct sk_vis_node *node);
/* A leaf over the plain column `column`, as an index wants to see it. */
void sq_sql_leaf(struct sq_sql *sql, const struct sk_vis_node *leaf, const char *column);
/* Prepares and binds. */
int sq_sql_prepare(sqlite3 *db, const struct sq_sql *sql, sqlite3_stmt **ret);
/* A text that is a run id as the API writes them. */
bool sq_sql_run_id(struct sk_str text, struct sk_uuid *ret);

/* ---- which index a query is read by (vis_plan.c) ---- */
#define SQ_PLAN_PROBE_MAX 2000
#define SQ_PLAN_SORT_MAX 20000 /* index entries that it is cheaper to sort */

struct sq_plan {
    const struct sk_vis_query *query;
    const struct sk_vis_node *leaf; /* the term that the index serves, NULL: the order */
    const struct sk_vis_node *key;  /* the same as the index sees it (a text's one token) */
    const char *table, *alias;      /* "vis", "v" · "vis_attr", "a" · "vis_list", "l" */
    char index[SQ_NAME_SIZE + 8];
    char column[SQ_NAME_SIZE + 8]; /* of the alias: "a.keyword03" */
    bool by_root;                  /* RootWorkflowId: two indexes, see vis_plan.c */
    int list_slot;                 /* vis_list */
    bool ordered;                  /* the index gives the order */
    bool division_null;            /* the index holds ordinary runs only */
    bool needs_attr;               /* what is selected reads vis_attr as a */
    int rank;                      /* lower: likely more selective */
};
/* Chooses; may count a few index entries. SQLITE_OK or an error. */
int sq_plan_choose(struct sq_conn *conn, struct sk_arena *arena, const struct sk_vis_query *query,
                   struct sq_plan *ret);
/* FROM ... WHERE ..., with the whole filter, into sql. */
void sq_plan_write(const struct sq_plan *plan, struct sq_sql *sql);
/* A term of the filter that the plan's index does not serve, or NULL. */
const struct sk_vis_node *sq_plan_unserved(const struct sq_plan *plan);

/* ---- lists (vis_list.c) ---- */

/* Columns of vis as v, as sq_list_row reads them. */
#define SQ_ROW_COLUMNS                                                                            \
    "v.workflow_id,v.run_id,v.type,v.task_queue,v.division,v.status,v.sort_start,v.execution_ns," \
    "v.sort_close,v.history_length,v.history_size,v.state_transitions,v.parent_workflow_id,"      \
    "v.parent_run_id,v.root_workflow_id,v.root_run_id,v.memo,v.search_attributes"
/* At most `rows` rows of the plan's query after its cursor, in its order, as SQL. For an order by a
 * field: only rows that have a value, which stands behind SQ_ROW_COLUMNS. */
void sq_list_write(const struct sq_plan *plan, size_t rows, struct sq_sql *sql);
void sq_list_row(sqlite3_stmt *s, const struct sk_vis_query *query, struct sk_vis_row *row,
                 struct sk_arena *arena, bool *reterr_full);

/* The real clock of worker threads, for budgets: loops' time does not reach them. */
int64_t sq_clock_ms(void);

#endif
