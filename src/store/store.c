/*
 * The store's front: one function a call, passed to the store's own table, and what every store
 * shares: the slot of a workflow id and the counters.
 */
#include "store/store.h"

#include "base/assert.h"
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
    return store->ops->commit(store, ctx, txn);
}

sk_err sk_store_exec_get(struct sk_store *store, struct sk_ctx *ctx, const struct sk_run_key *run,
                         struct sk_exec_row *ret)
{
    return store->ops->exec_get(store, ctx, run, ret);
}

sk_err sk_store_current_get(struct sk_store *store, struct sk_ctx *ctx, sk_ns_id ns,
                            struct sk_str workflow_id, struct sk_uuid *ret)
{
    return store->ops->current_get(store, ctx, ns, workflow_id, ret);
}

sk_err sk_store_history_read(struct sk_store *store, struct sk_ctx *ctx,
                             const struct sk_run_key *run, int64_t from, int64_t to,
                             size_t max_bytes, bool reverse, struct sk_history_batch **ret,
                             size_t *ret_count)
{
    return store->ops->history_read(store, ctx, run, from, to, max_bytes, reverse, ret, ret_count);
}

sk_err sk_store_tasks_read(struct sk_store *store, struct sk_ctx *ctx,
                           const struct sk_queue_key *queue, int32_t after_priority,
                           int64_t after_seq, size_t limit, struct sk_task_row **ret,
                           size_t *ret_count)
{
    return store->ops->tasks_read(store, ctx, queue, after_priority, after_seq, limit, ret,
                                  ret_count);
}

sk_err sk_store_queues_read(struct sk_store *store, struct sk_ctx *ctx, struct sk_queue_key **ret,
                            size_t *ret_count)
{
    return store->ops->queues_read(store, ctx, ret, ret_count);
}

sk_err sk_store_task_count(struct sk_store *store, struct sk_ctx *ctx,
                           const struct sk_queue_key *queue, int64_t *ret_count,
                           int64_t *ret_oldest_ms)
{
    return store->ops->task_count(store, ctx, queue, ret_count, ret_oldest_ms);
}

sk_err sk_store_wakes_read(struct sk_store *store, struct sk_ctx *ctx, uint32_t slot_modulo,
                           uint32_t slot_rest, int64_t until_ms, size_t limit,
                           struct sk_wake_row **ret, size_t *ret_count)
{
    SK_ASSERT(slot_modulo > 0);
    return store->ops->wakes_read(store, ctx, slot_modulo, slot_rest, until_ms, limit, ret,
                                  ret_count);
}

sk_err sk_store_outbox_read(struct sk_store *store, struct sk_ctx *ctx, uint32_t slot_modulo,
                            uint32_t slot_rest, size_t limit, struct sk_outbox_row **ret,
                            size_t *ret_count)
{
    SK_ASSERT(slot_modulo > 0);
    return store->ops->outbox_read(store, ctx, slot_modulo, slot_rest, limit, ret, ret_count);
}

sk_err sk_store_inbox_get(struct sk_store *store, struct sk_ctx *ctx, struct sk_inbox_row *row)
{
    return store->ops->inbox_get(store, ctx, row);
}

sk_err sk_store_runs_read(struct sk_store *store, struct sk_ctx *ctx, sk_ns_id ns,
                          struct sk_str workflow_id, struct sk_uuid **ret, size_t *ret_count)
{
    return store->ops->runs_read(store, ctx, ns, workflow_id, ret, ret_count);
}

sk_err sk_store_vis_list(struct sk_store *store, struct sk_ctx *ctx,
                         const struct sk_vis_query *query, struct sk_vis_page *ret)
{
    sk_err err = sk_vis_query_check(ctx, query);
    return err != SK_OK ? err : store->ops->vis_list(store, ctx, query, ret);
}

sk_err sk_store_vis_count(struct sk_store *store, struct sk_ctx *ctx,
                          const struct sk_vis_query *query, struct sk_vis_counts *ret)
{
    sk_err err = sk_vis_query_check(ctx, query);
    return err != SK_OK ? err : store->ops->vis_count(store, ctx, query, ret);
}

sk_err sk_store_meta_get(struct sk_store *store, struct sk_ctx *ctx, struct sk_str kind,
                         struct sk_str key, struct sk_meta_row *ret)
{
    return store->ops->meta_get(store, ctx, kind, key, ret);
}

sk_err sk_store_meta_list(struct sk_store *store, struct sk_ctx *ctx, struct sk_str kind,
                          struct sk_meta_row **ret, size_t *ret_count)
{
    return store->ops->meta_list(store, ctx, kind, ret, ret_count);
}

sk_err sk_store_meta_put(struct sk_store *store, struct sk_ctx *ctx, const struct sk_meta_row *row)
{
    return store->ops->meta_put(store, ctx, row);
}

sk_err sk_store_meta_delete(struct sk_store *store, struct sk_ctx *ctx, const struct sk_meta_row *row)
{
    return store->ops->meta_delete(store, ctx, row);
}

sk_err sk_store_lease(struct sk_store *store, struct sk_ctx *ctx, uint32_t slot, int64_t *ret_epoch)
{
    SK_ASSERT(slot < SK_SLOT_COUNT);
    return store->ops->lease(store, ctx, slot, ret_epoch);
}

void sk_store_stats(const struct sk_store *store, struct sk_store_stats *ret)
{
    struct sk_store *s = (struct sk_store *)(uintptr_t)store; // atomics are read from non-const
    ret->commits = atomic_load_explicit(&s->commits, memory_order_relaxed);
    ret->groups = atomic_load_explicit(&s->groups, memory_order_relaxed);
    ret->row_ops = atomic_load_explicit(&s->row_ops, memory_order_relaxed);
    ret->reads = atomic_load_explicit(&s->reads, memory_order_relaxed);
}
