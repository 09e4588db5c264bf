/* Only the sources and unit tests of matching may include this. */
/*
 * What the files of matching share: a loop's slice (struct sk_mloop), a queue (struct sk_mq) and a
 * task in memory (struct sk_mtask). Everything below runs on the loop that owns the queue.
 */
#ifndef SK_MATCHING_INTERNAL_H
#define SK_MATCHING_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/assert.h"
#include "base/buf.h"
#include "base/ctx.h"
#include "base/map.h"
#include "matching/matching.h"
#include "rt/rt.h"
#include "store/store.h"

#define SK_MQ_PRIORITIES SK_QUEUE_LEVELS
#define SK_FAIR_KEYS_MAX 10000 /* fairness keys with a backlog, a priority of a queue */
#define SK_MQ_POLLERS_MAX 1000 /* identities remembered a queue */
#define SK_MQ_RATE_BUCKET_MS 5000
#define SK_MQ_RATE_BUCKETS 7 /* six full ones and the current one: 30 s and a bit */

#define SK_PLACE_FIRST ((struct sk_task_place){INT32_MIN, INT64_MIN, INT64_MIN})
#define SK_PLACE_LAST ((struct sk_task_place){INT32_MAX, INT64_MAX, INT64_MAX})

static inline bool sk_place_before(struct sk_task_place a, struct sk_task_place b)
{
    if (a.priority != b.priority)
        return a.priority < b.priority;
    return a.pass != b.pass ? a.pass < b.pass : a.seq < b.seq;
}

static inline struct sk_task_place sk_place_of(const struct sk_task_row *row)
{
    return (struct sk_task_place){row->priority, row->pass, row->seq};
}

static inline struct sk_task_place sk_place_min(struct sk_task_place a, struct sk_task_place b)
{
    return sk_place_before(b, a) ? b : a;
}

struct sk_moffer;

/* A task in memory. One allocation with its strings. */
struct sk_mtask {
    struct sk_task task; /* first: callers hold a pointer to it */
    struct sk_matching *matching;
    bool fresh;  /* announced just now: counts as added, may be matched at once */
    bool pinned; /* its row lies under another queue (a dead sticky one): never spilled */
    int64_t deadline_mono_ms; /* queries: when its asker gives up */
    struct sk_moffer *offer;  /* queries: the asker while it waits to be taken, else NULL */
    char text[];
};

static inline struct sk_mtask *sk_mtask_of(struct sk_task *task)
{
    return SK_CONTAINER(task, struct sk_mtask, task);
}
static inline struct sk_mtask *sk_mtask_at(struct sk_list *node)
{
    return SK_CONTAINER(node, struct sk_mtask, task.node);
}
static inline struct sk_task_place sk_mtask_place(const struct sk_mtask *t)
{
    return sk_place_of(&t->task.row);
}

/* How often something happened lately (describe.c). */
struct sk_mrate {
    int64_t bucket; /* number of the newest bucket: time / SK_MQ_RATE_BUCKET_MS */
    uint32_t counts[SK_MQ_RATE_BUCKETS];
};

/* Tokens for dispatch (rate.c). */
struct sk_mlimit {
    double per_second; /* < 0: no limit */
    double tokens;
    int64_t at_ms;
};

/* Ready tasks in order (head.c). */
struct sk_mhead {
    struct sk_list level[SK_MQ_PRIORITIES];
    size_t count;  /* all */
    size_t pinned; /* of them */
};

struct sk_mq {
    struct sk_mloop *loop;
    struct sk_list node;     /* loop->all */
    struct sk_queue_key key; /* name: this struct's own */
    int64_t used_ms;         /* mono: last poll, add, describe */

    struct sk_list polls; /* struct sk_poll, longest waiting first */
    size_t poll_count;
    int64_t last_poll_ms; /* mono; INT64_MIN: never, or its worker said good-bye */

    struct sk_mhead head;
    struct sk_fair *fair;   /* fair.c; NULL while no task with a pass was handed out */
    struct sk_list queries; /* struct sk_mtask */
    struct sk_waitq query_waiters;
    size_t query_waiting; /* fibers in query.c */

    /* backlog.c. INV-1: every row of this queue at or before `cursor` is in memory, handed out or
     * gone. What comes after it is read when there is room; SK_PLACE_LAST = nothing is left. */
    struct sk_task_place cursor;
    bool reading;
    struct sk_task_place
        missed; /* first row announced or spilled during a read that memory did not take */
    struct sk_list pending; /* tasks announced during a read, beyond the cursor */
    size_t pending_count;
    int64_t read_again_ms; /* after a failed read: not before */

    struct sk_mlimit limit;
    struct sk_timer wake;  /* a token or a second read is due */
    bool sticky, plain;    /* what was said of it (sticky.c, INV-2) */
    struct sk_timer lapse; /* sticky with tasks and no polls: when it counts as dead */

    struct sk_map *pollers;      /* identity -> struct sk_mpoller; NULL while none */
    struct sk_list poller_order; /* least recent first */
    struct sk_mrate added[SK_MQ_PRIORITIES], dispatched[SK_MQ_PRIORITIES];
    struct sk_mrate limited;
    int64_t seq_seen; /* highest */
    char name[];
};

/* One loop's slice. */
#define DEPARTED_MAX 256

/* departed.c: who said good-bye lately. Zeroed memory is an empty ring. */
struct sk_mdeparted {
    struct sk_mdeparture {
        sk_ns_id ns;
        char *worker_key;
        int64_t until_ms;
    } ring[DEPARTED_MAX];
    unsigned next;
    int64_t until_ms; /* of the newest */
};

struct sk_mloop {
    struct sk_matching *matching;
    int index;
    struct sk_map *queues;
    struct sk_list all;
    struct sk_buf key;         /* scratch */
    pthread_mutex_t fair_lock; /* guards fairs and fair_key: any loop places tasks */
    struct sk_map *fairs;      /* a queue's key -> struct sk_fair */
    struct sk_buf fair_key;    /* scratch */
    struct sk_mdeparted departed;
    struct sk_timer sweep; /* unloads idle queues; runs while there are queues */
    bool draining;
    int readers; /* fibers reading backlogs */
    struct sk_waitq readers_done;
    /* written by the loop, read by any */
    _Atomic uint64_t sync_matches, backlog_matches, polls, empty_polls;
    _Atomic size_t parked, head_tasks, fair_keys;
};

struct sk_matching {
    struct sk_matching_options o;
    struct sk_rt *rt;
    int loop_count;
    _Atomic int64_t seq;
    atomic_bool closing;
    struct sk_mloop loops[];
};

#define SK_STAT_ADD(field, n) atomic_fetch_add_explicit(&(field), (n), memory_order_relaxed)
#define SK_STAT_SUB(field, n) atomic_fetch_sub_explicit(&(field), (n), memory_order_relaxed)

/* ---- matching.c ---- */
int sk_mq_owner(const struct sk_matching *m, const struct sk_queue_key *key);
struct sk_mloop *sk_mloop_here(struct sk_matching *m);
void sk_matching_saw_seq(struct sk_matching *m, int64_t seq);

/* ---- queue.c ---- */
struct sk_mq *sk_mq_find(struct sk_mloop *loop,
                         const struct sk_queue_key *key); /* NULL: not loaded */
struct sk_mq *sk_mq_get(struct sk_mloop *loop, const struct sk_queue_key *key); /* loads */
void sk_mq_free(struct sk_mq *q);
/* Bring polls and tasks together as far as they go; then see to reads and timers. */
void sk_mq_dispatch(struct sk_mq *q);
/* Fire dispatch again at due_ms or earlier. */
void sk_mq_wake_at(struct sk_mq *q, int64_t due_ms);
/* Take a task that belongs to this queue: match it, keep it, or leave it to the disk. Moved. */
void sk_mq_offer_task(struct sk_mq *q, struct sk_mtask *t);
void sk_mloop_on_sweep(struct sk_timer *timer);

/* ---- fair.c ---- */
struct sk_fair;
/* For the queue's life; the queue's loop. */
struct sk_fair *sk_fair_attach(struct sk_mloop *loop, const struct sk_queue_key *key);
void sk_fair_detach(struct sk_fair *fair);
void sk_fair_handed_out(struct sk_fair *fair, const struct sk_task_row *row);
/* Forget queues that never came. */
void sk_fair_sweep(struct sk_mloop *loop, int64_t unused_since_ms);
/* Found in the store after a start: any row; the first of a priority. Any loop. */
void sk_fair_saw_row(struct sk_matching *m, const struct sk_task_row *row);
void sk_fair_saw_first(struct sk_matching *m, const struct sk_task_row *row);

/* ---- reopen.c ---- */
/* Look at a queue that has rows; waits. */
sk_err sk_mq_reopen(struct sk_matching *m, struct sk_ctx *ctx, const struct sk_queue_key *key,
                    bool *ret_sticky);

/* ---- task.c ---- */
struct sk_mtask *sk_mtask_new(struct sk_matching *m, const struct sk_task_row *row);
void sk_mtask_free(struct sk_mtask *t);
/* Send the task to the loop of the queue that it shall be dispatched on. Moved. */
void sk_mtask_route(struct sk_mtask *t);

/* ---- head.c ---- */
/* Index of a priority's level: 0 .. SK_MQ_PRIORITIES - 1. */
int sk_mhead_level(int32_t priority);
void sk_mhead_init(struct sk_mhead *head);
/* false: a task of that place is in already (the caller keeps t) */
bool sk_mhead_insert(struct sk_mhead *head, struct sk_mtask *t);
struct sk_mtask *sk_mhead_pop(struct sk_mhead *head); /* the first; NULL when empty */
struct sk_mtask *sk_mhead_first(const struct sk_mhead *head);
struct sk_mtask *sk_mhead_last_unpinned(const struct sk_mhead *head);
void sk_mhead_remove(struct sk_mhead *head, struct sk_mtask *t);

/* ---- backlog.c ---- */
void sk_mq_keep(struct sk_mq *q, struct sk_mtask *t); /* in memory or on disk. Moved. */
void sk_mq_spill_all(struct sk_mq *q); /* idle: leave all but pinned ones to the disk */
void sk_mq_read_if_wanted(struct sk_mq *q);

/* ---- poll.c ---- */
void sk_mpoll_finish(struct sk_mq *q, struct sk_poll *poll, enum sk_poll_end end,
                     struct sk_task *task);
void sk_mq_end_polls(struct sk_mq *q, const char *worker_key); /* NULL: all */

/* ---- departed.c ---- */
void sk_mdeparted_add(struct sk_mdeparted *d, sk_ns_id ns, const char *worker_key);
bool sk_mdeparted_has(const struct sk_mdeparted *d, sk_ns_id ns, const char *worker_key);
void sk_mdeparted_fini(struct sk_mdeparted *d);

/* ---- rate.c ---- */
void sk_mlimit_init(struct sk_mlimit *limit);
void sk_mlimit_set(struct sk_mlimit *limit, double per_second, int64_t now_ms);
bool sk_mlimit_take(struct sk_mlimit *limit, int64_t now_ms);
/* When the next token is due; INT64_MAX: never (limit 0). */
int64_t sk_mlimit_due(const struct sk_mlimit *limit, int64_t now_ms);

/* ---- sticky.c ---- */
bool sk_mq_alive(const struct sk_mq *q);
void sk_mq_call_sticky(struct sk_mq *q);
void sk_mq_saw_task(struct sk_mq *q, const struct sk_mtask *t);
/* After a task was kept on a sticky queue: see that it moves on if nobody polls. */
void sk_mq_arm_lapse(struct sk_mq *q);
void sk_mq_on_lapse(struct sk_timer *timer);
void sk_mq_forward(struct sk_mtask *t); /* to its fallback queue. Moved. */

/* ---- query.c ---- */
/* The next query to hand out, NULL when none. The asker is told. Moved. */
struct sk_mtask *sk_mq_take_query(struct sk_mq *q);
void sk_mq_return_query(struct sk_mq *q, struct sk_mtask *t); /* moved */
void sk_mq_expire_queries(struct sk_mq *q, bool all);

/* ---- describe.c ---- */
void sk_mq_saw_poller(struct sk_mq *q, const struct sk_poll *poll);
void sk_mq_expire_pollers(struct sk_mq *q, bool all);
void sk_mrate_count(struct sk_mrate *rate, int64_t now_ms);
double sk_mrate_per_second(const struct sk_mrate *rate, int64_t now_ms);

#endif
