/*
 * The store's contract. One commit a transition: sk_store_commit writes a list of row operations
 * of one workflow id (all its runs, the pointer, tasks, visibility, outbox and inbox rows)
 * atomically and durably, or nothing. Reads wait too. All functions suspend the calling fiber and
 * never block the loop; results live in ctx->arena.
 *
 * Errors of a commit: SK_CONDITION (a precondition did not hold, nothing written), SK_UNAVAILABLE
 * (nothing written: full disk, read-only file, locked; ctx->err says which and what to do),
 * SK_COMMIT_UNKNOWN (may be written: reload what you hold), SK_DATA_LOSS (corrupt file).
 * Errors of a read: SK_NOT_FOUND, SK_UNAVAILABLE, SK_DATA_LOSS.
 *
 * Times are milliseconds since 1970 unless the name says otherwise. Strings and bytes handed in
 * are borrowed until the call returns.
 */
#ifndef SK_STORE_STORE_H
#define SK_STORE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/ctx.h"
#include "base/random.h"
#include "base/str.h"

#define SK_SLOT_COUNT 4096

typedef uint32_t sk_ns_id; /* a namespace's number: small, never reused */

/* A run. The slot is a pure function of (ns, workflow_id): sk_slot_of. */
struct sk_run_key {
    sk_ns_id ns;
    struct sk_str workflow_id;
    struct sk_uuid run_id;
};
uint32_t sk_slot_of(sk_ns_id ns, struct sk_str workflow_id);

enum sk_task_kind {
    SK_TASK_WORKFLOW = 1,
    SK_TASK_ACTIVITY = 2,
    SK_TASK_NEXUS = 3, /* polled for, but nothing makes one yet: in no row */
};

struct sk_queue_key {
    sk_ns_id ns;
    enum sk_task_kind kind;
    struct sk_str name;
};

/* A task that is ready for a worker: its row exists from when it may be dispatched until it was
 * started (activities) or finished (workflow tasks), each by a transition's commit. */
struct sk_task_row {
    struct sk_queue_key queue;
    int32_t priority; /* 1..5, default 3; lower goes first */
    int64_t pass;     /* order within a priority, so that fairness keys share it; 0 goes first */
    int64_t seq;      /* unique in the store; order within a pass */
    struct sk_run_key run;
    int64_t scheduled_id; /* event id of the Scheduled event */
    int32_t attempt;
    int64_t stamp; /* changes when the task is re-made; start checks it */
    int64_t created_ms;
    int64_t expires_ms; /* schedule-to-start deadline, 0 = none */
    struct sk_str fairness_key;
    float fairness_weight;
    struct sk_str fallback_queue; /* sticky: the normal queue; else empty */
    struct sk_str version;        /* pinned version; later */
};

/* A place in a queue's order. */
struct sk_task_place {
    int32_t priority;
    int64_t pass, seq;
};
/* What sk_store_tasks_read reads. */
struct sk_task_range {
    const struct sk_queue_key *queue;
    struct sk_task_place after; /* the first row is the next one after this place */
    bool reverse;               /* from there to the front: the next one before it */
    size_t limit;
};

/* Types of search attributes; the numbers are temporal.api.enums.v1.IndexedValueType. */
enum sk_sa_type {
    SK_SA_TEXT = 1,
    SK_SA_KEYWORD = 2,
    SK_SA_INT = 3,
    SK_SA_DOUBLE = 4,
    SK_SA_BOOL = 5,
    SK_SA_DATETIME = 6,
    SK_SA_KEYWORD_LIST = 7,
};
#define SK_SA_SLOTS_KEYWORD 24 /* preallocated columns a type */
#define SK_SA_SLOTS_INT 12
#define SK_SA_SLOTS_DOUBLE 12
#define SK_SA_SLOTS_BOOL 12
#define SK_SA_SLOTS_DATETIME 12
#define SK_SA_SLOTS_TEXT 12
#define SK_SA_SLOTS_KEYWORD_LIST 16
/* One typed value of a run, by the slot its namespace assigned to the name. */
struct sk_sa_value {
    enum sk_sa_type type;
    int slot;  /* 1.. */
    int64_t i; /* INT, BOOL (0/1), DATETIME (ns since 1970) */
    double d;
    struct sk_str s;           /* KEYWORD, TEXT */
    const struct sk_str *list; /* KEYWORD_LIST */
    size_t list_count;
};

struct sk_vis_row {
    struct sk_run_key run;
    struct sk_str type, task_queue, division; /* division empty: an ordinary run */
    int32_t status;                           /* WorkflowExecutionStatus */
    int64_t start_ns, execution_ns, close_ns; /* close 0 while open; duration = close - execution */
    int64_t history_length, history_size, state_transitions;
    struct sk_str parent_workflow_id, parent_run_id, root_workflow_id, root_run_id;
    struct sk_str memo;               /* serialized Memo */
    struct sk_str search_attributes;  /* serialized SearchAttributes as the API returns them */
    const struct sk_sa_value *values; /* the same, typed, for filters */
    size_t value_count;
};

/* A message from one workflow id to another, sent until the target has taken it. */
struct sk_outbox_row {
    struct sk_run_key source;
    int64_t id;         /* unique within the source run (initiated event id or a negative kind) */
    struct sk_str body; /* engine's record */
};
struct sk_inbox_row {
    sk_ns_id ns;               /* of the target */
    struct sk_str workflow_id; /* of the target */
    struct sk_uuid source_run;
    int64_t id;
    struct sk_str reply; /* engine's record of the answer */
};

enum sk_op_kind {
    SK_OP_EXEC_PUT,    /* run, exec */
    SK_OP_EXEC_DELETE, /* run: the row and all its parts */
    SK_OP_PART_PUT,    /* run, part: a piece of large state */
    SK_OP_PART_DELETE,
    SK_OP_HISTORY_APPEND, /* run, history; CONDITION when a batch begins there already */
    SK_OP_HISTORY_DELETE, /* run: all batches */
    SK_OP_CURRENT_PUT,    /* run: pointer (ns, workflow_id) -> run_id, with expectation */
    SK_OP_CURRENT_DELETE, /* run: only while it still points at run_id */
    SK_OP_TASK_PUT,       /* task */
    SK_OP_TASK_DELETE,    /* task: queue, priority, pass, seq; absent is fine */
    SK_OP_VIS_PUT,        /* vis */
    SK_OP_VIS_DELETE,     /* run */
    SK_OP_OUTBOX_PUT,     /* outbox */
    SK_OP_OUTBOX_DELETE,  /* outbox: source, id */
    SK_OP_INBOX_PUT,      /* inbox; CONDITION when the key exists */
    SK_OP_INBOX_DELETE,
};

enum sk_part_kind {
    SK_PART_ACTIVITY = 1,
    SK_PART_TIMER = 2,
    SK_PART_CHILD = 3,
    SK_PART_CANCEL = 4,
    SK_PART_SIGNAL = 5,
    SK_PART_BUFFERED = 6,
    SK_PART_REQUEST_ID = 7,
    SK_PART_COMPONENT = 8
};

struct sk_op {
    enum sk_op_kind kind;
    union {
        struct sk_task_row task;
        struct sk_vis_row vis;
        struct sk_outbox_row outbox;
        struct sk_inbox_row inbox;
        struct {
            struct sk_run_key run;
            union {
                struct {
                    int64_t version;     /* the new one; 1 = insert, else the row must hold
                                            version - 1 (CONDITION otherwise) */
                    int64_t wake_ms;     /* earliest moment the run wants attention, 0 = none */
                    struct sk_str state; /* engine's record */
                } exec;
                struct {
                    enum sk_part_kind kind;
                    int64_t id;
                    struct sk_str body;
                } part;
                struct {
                    int64_t first_event_id, last_event_id;
                    struct sk_str events; /* serialized History */
                } history;
                struct {
                    /* what the pointer must be before: all zero = absent; any = no check */
                    struct sk_uuid expected;
                    bool any;
                } current;
            };
        };
    };
};

struct sk_txn {
    uint32_t slot;
    int64_t epoch; /* of the slot's lease */
    const struct sk_op *ops;
    size_t op_count;
};

struct sk_exec_row {
    struct sk_run_key run;
    int64_t version;
    int64_t wake_ms;
    struct sk_str state;
    struct sk_part_row {
        enum sk_part_kind kind;
        int64_t id;
        struct sk_str body;
    } * parts;
    size_t part_count;
};

struct sk_history_batch {
    int64_t first_event_id, last_event_id;
    struct sk_str events;
};

struct sk_wake_row {
    struct sk_run_key run;
    int64_t wake_ms;
};

struct sk_meta_row {
    struct sk_str kind, key, value;
    int64_t version;
};

struct sk_store;
struct sk_vis_query; /* store/vis_query.h */
struct sk_vis_page;
struct sk_vis_count;
struct sk_vis_counts;

/* Each store implements this table; callers use the functions below. */
struct sk_store_ops {
    const char *name; /* "sqlite", "memory" */
    void (*close)(struct sk_store *);
    sk_err (*commit)(struct sk_store *, struct sk_ctx *, const struct sk_txn *);
    sk_err (*exec_get)(struct sk_store *, struct sk_ctx *, const struct sk_run_key *,
                       struct sk_exec_row *);
    sk_err (*current_get)(struct sk_store *, struct sk_ctx *, sk_ns_id, struct sk_str,
                          struct sk_uuid *);
    sk_err (*history_read)(struct sk_store *, struct sk_ctx *, const struct sk_run_key *,
                           int64_t from, int64_t to, size_t max_bytes, bool reverse,
                           struct sk_history_batch **, size_t *);
    sk_err (*tasks_read)(struct sk_store *, struct sk_ctx *, const struct sk_task_range *,
                         struct sk_task_row **, size_t *);
    sk_err (*queues_read)(struct sk_store *, struct sk_ctx *, struct sk_queue_key **, size_t *);
    sk_err (*task_count)(struct sk_store *, struct sk_ctx *, const struct sk_queue_key *,
                         int64_t *ret_count, int64_t *ret_oldest_ms);
    sk_err (*wakes_read)(struct sk_store *, struct sk_ctx *, uint32_t slot_modulo,
                         uint32_t slot_rest, int64_t until_ms, size_t limit, struct sk_wake_row **,
                         size_t *);
    sk_err (*outbox_read)(struct sk_store *, struct sk_ctx *, uint32_t slot_modulo,
                          uint32_t slot_rest, size_t limit, struct sk_outbox_row **, size_t *);
    sk_err (*inbox_get)(struct sk_store *, struct sk_ctx *, struct sk_inbox_row *);
    sk_err (*runs_read)(struct sk_store *, struct sk_ctx *, sk_ns_id, struct sk_str workflow_id,
                        struct sk_uuid **, size_t *);
    sk_err (*vis_list)(struct sk_store *, struct sk_ctx *, const struct sk_vis_query *,
                       struct sk_vis_page *);
    sk_err (*vis_count)(struct sk_store *, struct sk_ctx *, const struct sk_vis_query *,
                        struct sk_vis_counts *);
    sk_err (*meta_get)(struct sk_store *, struct sk_ctx *, struct sk_str kind, struct sk_str key,
                       struct sk_meta_row *);
    sk_err (*meta_list)(struct sk_store *, struct sk_ctx *, struct sk_str kind,
                        struct sk_meta_row **, size_t *);
    sk_err (*meta_put)(struct sk_store *, struct sk_ctx *, const struct sk_meta_row *);
    sk_err (*meta_delete)(struct sk_store *, struct sk_ctx *, const struct sk_meta_row *);
    sk_err (*lease)(struct sk_store *, struct sk_ctx *, uint32_t slot, int64_t *ret_epoch);
};

/* Told of commits that went through (SK_OK) or may have (SK_COMMIT_UNKNOWN), in the committing
 * fiber, before the commit returns to its caller. Must not wait. */
struct sk_store_observer {
    void (*on_commit)(void *owner, const struct sk_txn *txn, sk_err err);
    void *owner;
};

struct sk_store { /* the head of every store's own struct */
    const struct sk_store_ops *ops;
    _Atomic(const struct sk_store_observer *) observer;
    atomic_ullong commits, groups, row_ops, reads; /* what sk_store_stats tells */
};

/* Opening. Both wait and run on a fiber. */
struct sk_sqlite_options {
    const char *path; /* ":memory:" not accepted: use the memory store or a temporary file */
    int readers;      /* threads for point reads, default 1; lists have their own */
    const char *const *pragmas; /* extra "name=value", NULL-ended, or NULL */
    const char *binary_version; /* written beside the schema version, named when refused */
};
sk_err sk_sqlite_open(struct sk_ctx *ctx, const struct sk_sqlite_options *options,
                      struct sk_store **ret) SK_MUST_USE;
sk_err sk_memory_store_open(struct sk_ctx *ctx, struct sk_store **ret) SK_MUST_USE;

/* Borrowed until another one, or NULL, is set and every commit that was under way has returned. */
void sk_store_observe(struct sk_store *store, const struct sk_store_observer *observer);
void sk_store_close(struct sk_store *store);
const char *sk_store_name(const struct sk_store *store);
sk_err sk_store_commit(struct sk_store *store, struct sk_ctx *ctx,
                       const struct sk_txn *txn) SK_MUST_USE;
/* The row with all its parts. */
sk_err sk_store_exec_get(struct sk_store *store, struct sk_ctx *ctx, const struct sk_run_key *run,
                         struct sk_exec_row *ret) SK_MUST_USE;
sk_err sk_store_current_get(struct sk_store *store, struct sk_ctx *ctx, sk_ns_id ns,
                            struct sk_str workflow_id, struct sk_uuid *ret) SK_MUST_USE;
/* Batches that touch from..to (inclusive), in order (reverse: newest first), stopping before
 * max_bytes would be passed (but at least one batch). No batch: SK_OK and count 0. */
sk_err sk_store_history_read(struct sk_store *store, struct sk_ctx *ctx,
                             const struct sk_run_key *run, int64_t from, int64_t to,
                             size_t max_bytes, bool reverse, struct sk_history_batch **ret,
                             size_t *ret_count) SK_MUST_USE;
/* Ready tasks of a queue from a place on, in order of (priority, pass, seq) or the reverse. */
sk_err sk_store_tasks_read(struct sk_store *store, struct sk_ctx *ctx,
                           const struct sk_task_range *range, struct sk_task_row **ret,
                           size_t *ret_count) SK_MUST_USE;
/* Every queue that has a ready task, for start-up. */
sk_err sk_store_queues_read(struct sk_store *store, struct sk_ctx *ctx, struct sk_queue_key **ret,
                            size_t *ret_count) SK_MUST_USE;
/* How many tasks are ready, and when the oldest was made. A store may stop at a million. */
sk_err sk_store_task_count(struct sk_store *store, struct sk_ctx *ctx,
                           const struct sk_queue_key *queue, int64_t *ret_count,
                           int64_t *ret_oldest_ms) SK_MUST_USE;
/* Runs whose slot % slot_modulo == slot_rest and whose wake_ms is set and <= until_ms, soonest
 * first. */
sk_err sk_store_wakes_read(struct sk_store *store, struct sk_ctx *ctx, uint32_t slot_modulo,
                           uint32_t slot_rest, int64_t until_ms, size_t limit,
                           struct sk_wake_row **ret, size_t *ret_count) SK_MUST_USE;
/* Outbox rows of those slots, oldest first; for start-up and for what was missed. */
sk_err sk_store_outbox_read(struct sk_store *store, struct sk_ctx *ctx, uint32_t slot_modulo,
                            uint32_t slot_rest, size_t limit, struct sk_outbox_row **ret,
                            size_t *ret_count) SK_MUST_USE;
/* row: key in, reply out. */
sk_err sk_store_inbox_get(struct sk_store *store, struct sk_ctx *ctx,
                          struct sk_inbox_row *row) SK_MUST_USE;
/* All runs of a workflow id, newest first. */
sk_err sk_store_runs_read(struct sk_store *store, struct sk_ctx *ctx, sk_ns_id ns,
                          struct sk_str workflow_id, struct sk_uuid **ret,
                          size_t *ret_count) SK_MUST_USE;
sk_err sk_store_vis_list(struct sk_store *store, struct sk_ctx *ctx,
                         const struct sk_vis_query *query, struct sk_vis_page *ret) SK_MUST_USE;
sk_err sk_store_vis_count(struct sk_store *store, struct sk_ctx *ctx,
                          const struct sk_vis_query *query, struct sk_vis_counts *ret) SK_MUST_USE;
/* Small records of the whole server (namespaces, keys): kind + key -> value, versioned. */
sk_err sk_store_meta_get(struct sk_store *store, struct sk_ctx *ctx, struct sk_str kind,
                         struct sk_str key, struct sk_meta_row *ret) SK_MUST_USE;
sk_err sk_store_meta_list(struct sk_store *store, struct sk_ctx *ctx, struct sk_str kind,
                          struct sk_meta_row **ret, size_t *ret_count) SK_MUST_USE;
/* row->version: the new one; 1 = insert, else the row must hold version - 1; else CONDITION. */
sk_err sk_store_meta_put(struct sk_store *store, struct sk_ctx *ctx,
                         const struct sk_meta_row *row) SK_MUST_USE;
/* row->version: what the row must hold (CONDITION); 0 = any (NOT_FOUND when absent). */
sk_err sk_store_meta_delete(struct sk_store *store, struct sk_ctx *ctx,
                            const struct sk_meta_row *row) SK_MUST_USE;
/* Take the slot: from now on only commits with the returned epoch go through; others get
 * CONDITION, as do commits to a slot that nobody took since the opening. Costs no write. */
sk_err sk_store_lease(struct sk_store *store, struct sk_ctx *ctx, uint32_t slot,
                      int64_t *ret_epoch) SK_MUST_USE;

/* Row operations and commits since start, for metrics and the test that counts them. */
struct sk_store_stats {
    uint64_t commits, groups, row_ops, reads;
};
void sk_store_stats(const struct sk_store *store, struct sk_store_stats *ret);

#endif
