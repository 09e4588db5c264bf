/*
 * Matching: brings tasks and pollers together. Owns the task queues: their parked polls, a bounded
 * head of ready tasks in memory, the cursor into the backlog on disk, sticky queues' liveness,
 * rate limits, poller history. A queue lives on one loop: hash(ns, kind, name).
 *
 * Rows are the transitions' business: the engine's commit writes and deletes them; matching only
 * reads. Each committed row is announced once with sk_matching_add; matching keeps it in the head
 * or, when the head is full, lowers its disk cursor so that a later range read finds it. A task
 * may be dispatched twice (after a reload, a restart); the engine's start decides and answers
 * SK_STALE for the second.
 *
 * All functions may be called on any loop unless said otherwise.
 */
#ifndef SK_MATCHING_MATCHING_H
#define SK_MATCHING_MATCHING_H

#include "base/list.h"
#include "rt/rt.h"
#include "store/store.h"

struct sk_matching;
struct sk_rings;
struct sk_matching_options {
    struct sk_store *store;
    struct sk_rings *rings;    /* fed with what comes and goes; may be NULL */
    size_t head_max;           /* tasks in memory a queue, default 1000 */
    int64_t sticky_alive_ms;   /* default 10,000 */
    int64_t poller_history_ms; /* default 300,000 */
    int64_t idle_unload_ms;    /* default 300,000 */
    int64_t no_poller_ms;      /* a queue not polled for so long has no worker, default 20,000 */
    bool ignore_fairness;      /* new tasks count as if none had a fairness key */
};

struct sk_matching *sk_matching_new(const struct sk_matching_options *options);
/* Loads the names of all queues with ready rows; from a fiber at boot. */
sk_err sk_matching_open(struct sk_matching *m, struct sk_ctx *ctx) SK_MUST_USE;
void sk_matching_free(struct sk_matching *m);

/* The next sequence number for a task row: unique, growing, also across restarts (derived from
 * wall time at open and the highest seq read). */
int64_t sk_matching_seq(struct sk_matching *m);

/* The pass of a task that will wait in row->queue: its place within its priority, by fairness_key
 * and fairness_weight (out of 0.001..1000: the nearest; not > 0: 1). Counts as one task of the key.
 * A task that is not placed has pass 0 and goes first. */
int64_t sk_matching_place(struct sk_matching *m, const struct sk_task_row *row);
/* The row will go without having been handed out: its key gets its share back. Pass 0: no effect.
 */
void sk_matching_unplace(struct sk_matching *m, const struct sk_task_row *row);

/* A task in a worker's way. Owned by whoever was handed it; ends with exactly one of
 * sk_matching_return (undelivered: back to the front of its queue) or sk_matching_done. */
struct sk_task {
    struct sk_list node;
    struct sk_task_row row; /* strings owned by the task */
    void *query;            /* a direct query (no row in the store), else NULL */
    bool from_backlog;      /* read from disk rather than announced */
    bool sticky; /* dispatched on its sticky queue (row.fallback_queue is set and was not used) */
};

/* After the commit that wrote the row. Copies. A task on a sticky queue without a poll in
 * sticky_alive_ms goes to row->fallback_queue. */
void sk_matching_add(struct sk_matching *m, const struct sk_task_row *row);
void sk_matching_return(struct sk_matching *m, struct sk_task *task);
void sk_matching_done(struct sk_matching *m, struct sk_task *task);

/* ---- polls ---- */
enum sk_poll_end { SK_POLL_TASK, SK_POLL_EMPTY /* time is up, drained, cancelled */ };
struct sk_poll {
    /* filled by the caller; strings are borrowed until on_end */
    struct sk_queue_key queue;
    const char *identity;
    const char *worker_key;            /* worker_instance_key or NULL */
    const char *build_id, *deployment; /* worker version, may be NULL */
    double rate_limit;                 /* max_tasks_per_second; < 0 = not given */
    bool sticky;                       /* queue.name is a sticky queue */
    int64_t deadline_mono_ms;
    int home_loop; /* where on_end runs */
    /* Runs exactly once, as a plain callback on home_loop, never inside sk_matching_poll. */
    void (*on_end)(struct sk_poll *poll, enum sk_poll_end end, struct sk_task *task);
    /* matching's own (poll.c) */
    struct sk_list node;
    struct sk_timer timer;
    void *queue_ref;
    int state;
    int owner_loop;
    bool cancelled, ended; /* the home loop's */
    enum sk_poll_end end;
    struct sk_task *task;
    struct sk_matching *matching;
};
/* On home_loop. */
void sk_matching_poll(struct sk_matching *m, struct sk_poll *poll);
/* On home_loop: end it soon. on_end still runs exactly once, perhaps with a task (a race): then
 * the caller gives it back with sk_matching_return. */
void sk_matching_cancel(struct sk_matching *m, struct sk_poll *poll);

/* ---- direct queries: tasks without a row ---- */
/* Offer `query` to a poller of queue until deadline. SK_OK: some poll took it (its task->query is
 * `query`); FAILED_PRECONDITION "no poller seen for task queue recently, worker may be down" when
 * nobody polled within no_poller_ms; DEADLINE_EXCEEDED. Waits; from a fiber. */
sk_err sk_matching_offer_query(struct sk_matching *m, struct sk_ctx *ctx,
                               const struct sk_queue_key *queue, const struct sk_run_key *run,
                               void *query, int64_t deadline_mono_ms) SK_MUST_USE;

/* Whether a sticky queue was polled within sticky_alive_ms. From a fiber. */
bool sk_matching_sticky_alive(struct sk_matching *m, const struct sk_queue_key *queue);
/* A worker said that it stops (ShutdownWorker): its sticky queue is dead at once, waiting tasks
 * move to their fallback queues, and polls with that worker_key end empty: those parked, and for
 * 30 s those that come. */
void sk_matching_worker_gone(struct sk_matching *m, sk_ns_id ns, const char *sticky_queue,
                             const char *worker_key);

/* ---- for DescribeTaskQueue; from a fiber, results in ctx->arena ---- */
struct sk_poller_info {
    const char *identity, *build_id, *deployment;
    int64_t last_access_ms;
    double rate_limit; /* < 0 = not given */
};
struct sk_queue_level { /* one priority's share */
    int32_t priority;
    int64_t backlog_count, backlog_age_ms;
    double add_rate, dispatch_rate;
};
#define SK_QUEUE_LEVELS 5
struct sk_queue_info {
    struct sk_poller_info *pollers;
    size_t poller_count;
    int64_t backlog_count;          /* approximate: head + disk */
    int64_t backlog_age_ms;         /* of the oldest */
    double add_rate, dispatch_rate; /* tasks/s over the last 30 s */
    int64_t read_level, ack_level;
    double rate_limit;    /* effective, < 0 = none */
    bool rate_limiting;   /* it held tasks back in the last 30 s */
    size_t waiting_polls; /* parked now */
    int64_t last_poll_ms; /* wall; when a poll last came or ended; 0: none since it is known */
    struct sk_queue_level levels[SK_QUEUE_LEVELS]; /* priorities 1..5; they add up to the totals */
};
sk_err sk_matching_describe(struct sk_matching *m, struct sk_ctx *ctx,
                            const struct sk_queue_key *queue,
                            struct sk_queue_info *ret) SK_MUST_USE;

/* The normal queues that have tasks waiting, at most max of them; keys in ctx->arena. From a fiber.
 */
size_t sk_matching_waiting(struct sk_matching *m, struct sk_ctx *ctx, size_t max,
                           struct sk_queue_key **ret);

/* The normal queues of a namespace that are known (used in the last idle_unload_ms, or with tasks
 * waiting), at most max of them and in no order; keys in ctx->arena. From a fiber. */
size_t sk_matching_queues(struct sk_matching *m, struct sk_ctx *ctx, sk_ns_id ns, size_t max,
                          struct sk_queue_key **ret, bool *ret_truncated);

/* End all polls empty and refuse new ones (they end empty at once). From a fiber. */
void sk_matching_drain(struct sk_matching *m);
/* Totals for metrics. */
struct sk_matching_stats {
    uint64_t sync_matches, backlog_matches, polls, empty_polls;
    size_t parked, head_tasks, fairness_keys;
};
void sk_matching_stats(struct sk_matching *m, struct sk_matching_stats *ret);

#endif
