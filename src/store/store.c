/*
 * The store's front: one function a call, passed to the store's own table, and what every store
 * shares: the slot of a workflow id, and counting and timing of the calls.
 */
#include "store/store.h"

#include <pthread.h>
#include "base/assert.h"
#include "base/metric.h"
#include "rt/rt.h"
#include "store/vis_query.h"

/* FNV-1a with a finishing mix. Slots are written into files, so this never changes and depends
 * on nothing that might. */
uint32_t sk_slot_of(sk_ns_id ns, struct sk_str workflow_id)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (int i = 0; i < 4; i++)
        h = (h ^ (ns >> (8 * i) & 0xff)) * 0x100000001b3u;
    for (size_t i = 0; i < workflow_id.n; i++)
        h = (h ^ (unsigned char)workflow_id.p[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    return (uint32_t)(h % SK_SLOT_COUNT);
}

/* ---- how often, how long, and what failed ---- */

#define OPERATIONS(X)               \
    X(VIS_LIST, "vis_list")         \
    X(VIS_COUNT, "vis_count")       \
    X(COMMIT, "commit")             \
    X(EXEC_GET, "exec_get")         \
    X(CURRENT_GET, "current_get")   \
    X(HISTORY_READ, "history_read") \
    X(TASKS_READ, "tasks_read")     \
    X(QUEUES_READ, "queues_read")   \
    X(TASK_COUNT, "task_count")     \
    X(WAKES_READ, "wakes_read")     \
    X(OUTBOX_READ, "outbox_read")   \
    X(INBOX_GET, "inbox_get")       \
    X(RUNS_READ, "runs_read")       \
    X(META_GET, "meta_get")         \
    X(META_LIST, "meta_list")       \
    X(META_PUT, "meta_put")         \
    X(META_DELETE, "meta_delete")   \
    X(LEASE, "lease")

enum operation {
#define X(id, name) id,
    OPERATIONS(X)
#undef X
        OPERATION_COUNT
};

static const char *const operation_names[] = {
#define X(id, name) name,
    OPERATIONS(X)
#undef X
};

static struct {
    struct sk_series requests, errors, latency;
} series[OPERATION_COUNT];
static pthread_once_t series_once = PTHREAD_ONCE_INIT;

static void find_series(void)
{
    for (int i = 0; i < OPERATION_COUNT; i++) {
        series[i].requests = sk_metric_series(SK_METRIC_PERSISTENCE_REQUESTS, operation_names[i]);
        series[i].errors = sk_metric_series(SK_METRIC_PERSISTENCE_ERRORS, operation_names[i]);
        series[i].latency = sk_metric_series(SK_METRIC_PERSISTENCE_LATENCY, operation_names[i]);
    }
}

/* Answers "no such thing" and "not as expected" are answers; only what the store could not do is an
 * error here. */
static sk_err measured(enum operation operation, int64_t begin_us, sk_err err)
{
    pthread_once(&series_once, find_series);
    sk_metric_add(series[operation].requests, 1);
    sk_metric_observe(series[operation].latency, sk_now_mono_us() - begin_us);
    if (err == SK_UNAVAILABLE || err == SK_COMMIT_UNKNOWN || err == SK_DATA_LOSS ||
        err == SK_INTERNAL)
        sk_metric_add(series[operation].errors, 1);
    return err;
}

/* ---- the calls ---- */

void sk_store_close(struct sk_store *store)
{
    if (store)
        store->ops->close(store);
}

const char *sk_store_name(const struct sk_store *store)
{
    return store->ops->name;
}

sk_err sk_store_commit(struct sk_store *store, struct sk_ctx *ctx, const struct sk_txn *txn)
{
    SK_ASSERT(txn->slot < SK_SLOT_COUNT);
    int64_t begin = sk_now_mono_us();
    sk_err err = measured(COMMIT, begin, store->ops->commit(store, ctx, txn));
    const struct sk_store_observer *observer = atomic_load(&store->observer);
    if (observer && (err == SK_OK || err == SK_COMMIT_UNKNOWN))
        observer->on_commit(observer->owner, txn, err);
    return err;
}

void sk_store_observe(struct sk_store *store, const struct sk_store_observer *observer)
{
    atomic_store(&store->observer, observer);
}

sk_err sk_store_exec_get(struct sk_store *store, struct sk_ctx *ctx, const struct sk_run_key *run,
                         struct sk_exec_row *ret)
{
    int64_t begin = sk_now_mono_us();
    return measured(EXEC_GET, begin, store->ops->exec_get(store, ctx, run, ret));
}

sk_err sk_store_current_get(struct sk_store *store, struct sk_ctx *ctx, sk_ns_id ns,
                            struct sk_str workflow_id, struct sk_uuid *ret)
{
    int64_t begin = sk_now_mono_us();
    return measured(CURRENT_GET, begin, store->ops->current_get(store, ctx, ns, workflow_id, ret));
}

sk_err sk_store_history_read(struct sk_store *store, struct sk_ctx *ctx,
                             const struct sk_run_key *run, int64_t from, int64_t to,
                             size_t max_bytes, bool reverse, struct sk_history_batch **ret,
                             size_t *ret_count)
{
    int64_t begin = sk_now_mono_us();
    return measured(HISTORY_READ, begin,
                    store->ops->history_read(store, ctx, run, from, to, max_bytes, reverse, ret,
                                             ret_count));
}

sk_err sk_store_tasks_read(struct sk_store *store, struct sk_ctx *ctx,
                           const struct sk_task_range *range, struct sk_task_row **ret,
                           size_t *ret_count)
{
    int64_t begin = sk_now_mono_us();
    return measured(TASKS_READ, begin, store->ops->tasks_read(store, ctx, range, ret, ret_count));
}

sk_err sk_store_queues_read(struct sk_store *store, struct sk_ctx *ctx, struct sk_queue_key **ret,
                            size_t *ret_count)
{
    int64_t begin = sk_now_mono_us();
    return measured(QUEUES_READ, begin, store->ops->queues_read(store, ctx, ret, ret_count));
}

sk_err sk_store_task_count(struct sk_store *store, struct sk_ctx *ctx,
                           const struct sk_queue_key *queue, int64_t *ret_count,
                           int64_t *ret_oldest_ms)
{
    int64_t begin = sk_now_mono_us();
    return measured(TASK_COUNT, begin,
                    store->ops->task_count(store, ctx, queue, ret_count, ret_oldest_ms));
}

sk_err sk_store_wakes_read(struct sk_store *store, struct sk_ctx *ctx, uint32_t slot_modulo,
                           uint32_t slot_rest, int64_t until_ms, size_t limit,
                           struct sk_wake_row **ret, size_t *ret_count)
{
    SK_ASSERT(slot_modulo > 0);
    int64_t begin = sk_now_mono_us();
    return measured(WAKES_READ, begin,
                    store->ops->wakes_read(store, ctx, slot_modulo, slot_rest, until_ms, limit, ret,
                                           ret_count));
}

sk_err sk_store_outbox_read(struct sk_store *store, struct sk_ctx *ctx, uint32_t slot_modulo,
                            uint32_t slot_rest, size_t limit, struct sk_outbox_row **ret,
                            size_t *ret_count)
{
    SK_ASSERT(slot_modulo > 0);
    int64_t begin = sk_now_mono_us();
    return measured(OUTBOX_READ, begin,
                    store->ops->outbox_read(store, ctx, slot_modulo, slot_rest, limit, ret,
                                            ret_count));
}

sk_err sk_store_inbox_get(struct sk_store *store, struct sk_ctx *ctx, struct sk_inbox_row *row)
{
    int64_t begin = sk_now_mono_us();
    return measured(INBOX_GET, begin, store->ops->inbox_get(store, ctx, row));
}

sk_err sk_store_runs_read(struct sk_store *store, struct sk_ctx *ctx, sk_ns_id ns,
                          struct sk_str workflow_id, struct sk_uuid **ret, size_t *ret_count)
{
    int64_t begin = sk_now_mono_us();
    return measured(RUNS_READ, begin,
                    store->ops->runs_read(store, ctx, ns, workflow_id, ret, ret_count));
}

sk_err sk_store_vis_list(struct sk_store *store, struct sk_ctx *ctx,
                         const struct sk_vis_query *query, struct sk_vis_page *ret)
{
    int64_t begin = sk_now_mono_us();
    sk_err err = sk_vis_query_check(ctx, query);
    if (err)
        return err;
    return measured(VIS_LIST, begin, store->ops->vis_list(store, ctx, query, ret));
}

sk_err sk_store_vis_count(struct sk_store *store, struct sk_ctx *ctx,
                          const struct sk_vis_query *query, struct sk_vis_counts *ret)
{
    int64_t begin = sk_now_mono_us();
    sk_err err = sk_vis_query_check(ctx, query);
    if (err)
        return err;
    return measured(VIS_COUNT, begin, store->ops->vis_count(store, ctx, query, ret));
}

sk_err sk_store_meta_get(struct sk_store *store, struct sk_ctx *ctx, struct sk_str kind,
                         struct sk_str key, struct sk_meta_row *ret)
{
    int64_t begin = sk_now_mono_us();
    return measured(META_GET, begin, store->ops->meta_get(store, ctx, kind, key, ret));
}

sk_err sk_store_meta_list(struct sk_store *store, struct sk_ctx *ctx, struct sk_str kind,
                          struct sk_meta_row **ret, size_t *ret_count)
{
    int64_t begin = sk_now_mono_us();
    return measured(META_LIST, begin, store->ops->meta_list(store, ctx, kind, ret, ret_count));
}

sk_err sk_store_meta_put(struct sk_store *store, struct sk_ctx *ctx, const struct sk_meta_row *row)
{
    int64_t begin = sk_now_mono_us();
    return measured(META_PUT, begin, store->ops->meta_put(store, ctx, row));
}

sk_err sk_store_meta_delete(struct sk_store *store, struct sk_ctx *ctx,
                            const struct sk_meta_row *row)
{
    int64_t begin = sk_now_mono_us();
    return measured(META_DELETE, begin, store->ops->meta_delete(store, ctx, row));
}

sk_err sk_store_lease(struct sk_store *store, struct sk_ctx *ctx, uint32_t slot, int64_t *ret_epoch)
{
    SK_ASSERT(slot < SK_SLOT_COUNT);
    int64_t begin = sk_now_mono_us();
    return measured(LEASE, begin, store->ops->lease(store, ctx, slot, ret_epoch));
}

void sk_store_stats(const struct sk_store *store, struct sk_store_stats *ret)
{
    struct sk_store *s = (struct sk_store *)(uintptr_t)store; // atomics are read from non-const
    ret->commits = atomic_load_explicit(&s->commits, memory_order_relaxed);
    ret->groups = atomic_load_explicit(&s->groups, memory_order_relaxed);
    ret->row_ops = atomic_load_explicit(&s->row_ops, memory_order_relaxed);
    ret->reads = atomic_load_explicit(&s->reads, memory_order_relaxed);
}
