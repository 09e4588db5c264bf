/*
 * The store under the engine: the memory store, made to dawdle and to fail.
 *
 * A commit may be refused, may be done though its outcome is reported unknown, or not be done and
 * reported unknown; reads fail now and then. What is committed is shown to the checker in the same
 * moment. After sim_store_kill (the crash) nothing reaches the memory store any more, so a zombie
 * of the old life cannot change it; what was on its way at that moment may or may not have arrived.
 */
#include "sim.h"

struct sim_store {
    struct sk_store store;
    struct sk_store *base;
    bool dead;
};

static struct sim_store *of(struct sk_store *store)
{
    return SK_CONTAINER(store, struct sim_store, store);
}

static sk_err down(struct sk_ctx *ctx)
{
    return sk_fail(ctx, SK_UNAVAILABLE, "the simulated process has crashed");
}

static void dawdle(void)
{
    uint64_t draw = sim_below(100);
    if (draw < 40)
        sk_fiber_yield();
    else if (draw < 98 || !sim->faults)
        sk_fiber_sleep((int64_t)sim_below(4));
    else
        sk_fiber_sleep((int64_t)sim_below(300));
}

/* Before a read: OK to go on. */
static sk_err before_read(struct sim_store *s, struct sk_ctx *ctx)
{
    dawdle();
    if (s->dead)
        return down(ctx);
    if (sim->faults && sim_below(500) == 0)
        return sk_fail(ctx, SK_UNAVAILABLE, "a simulated read failed");
    return SK_OK;
}

static sk_err do_commit(struct sk_store *store, struct sk_ctx *ctx, const struct sk_txn *txn)
{
    struct sim_store *s = of(store);
    uint64_t draw = sim_below(1000);
    dawdle();
    if (s->dead)
        return down(ctx);
    if (sim->faults && draw < sim->harshness) {
        sim->refused++;
        return sk_fail(ctx, SK_UNAVAILABLE, "a simulated commit was refused");
    }
    if (sim->faults && draw < sim->harshness * 3 / 2) {
        sim->unknown++;
        return sk_fail(ctx, SK_COMMIT_UNKNOWN, "a simulated commit was lost");
    }
    sk_err err = sk_store_commit(s->base, ctx, txn);
    if (err)
        return err;
    sim->commits++;
    sim_check_commit(txn);
    dawdle();
    if (s->dead || (sim->faults && draw < sim->harshness * 2)) {
        sim->unknown++;
        return sk_fail(ctx, SK_COMMIT_UNKNOWN, "a simulated commit's answer was lost");
    }
    return SK_OK;
}

#define READ(name, params, args)                 \
    static sk_err do_##name params               \
    {                                            \
        struct sim_store *s = of(store);         \
        sk_err err = before_read(s, ctx);        \
        return err ? err : sk_store_##name args; \
    }
READ(exec_get,
     (struct sk_store * store, struct sk_ctx *ctx, const struct sk_run_key *run,
      struct sk_exec_row *ret),
     (s->base, ctx, run, ret))
READ(current_get,
     (struct sk_store * store, struct sk_ctx *ctx, sk_ns_id ns, struct sk_str id,
      struct sk_uuid *ret),
     (s->base, ctx, ns, id, ret))
READ(history_read,
     (struct sk_store * store, struct sk_ctx *ctx, const struct sk_run_key *run, int64_t from,
      int64_t to, size_t max_bytes, bool reverse, struct sk_history_batch **ret, size_t *count),
     (s->base, ctx, run, from, to, max_bytes, reverse, ret, count))
READ(tasks_read,
     (struct sk_store * store, struct sk_ctx *ctx, const struct sk_task_range *range,
      struct sk_task_row **ret, size_t *count),
     (s->base, ctx, range, ret, count))
READ(queues_read,
     (struct sk_store * store, struct sk_ctx *ctx, struct sk_queue_key **ret, size_t *count),
     (s->base, ctx, ret, count))
READ(task_count,
     (struct sk_store * store, struct sk_ctx *ctx, const struct sk_queue_key *queue, int64_t *count,
      int64_t *oldest_ms),
     (s->base, ctx, queue, count, oldest_ms))
READ(wakes_read,
     (struct sk_store * store, struct sk_ctx *ctx, uint32_t modulo, uint32_t rest, int64_t until_ms,
      size_t limit, struct sk_wake_row **ret, size_t *count),
     (s->base, ctx, modulo, rest, until_ms, limit, ret, count))
READ(outbox_read,
     (struct sk_store * store, struct sk_ctx *ctx, uint32_t modulo, uint32_t rest, size_t limit,
      struct sk_outbox_row **ret, size_t *count),
     (s->base, ctx, modulo, rest, limit, ret, count))
READ(inbox_get, (struct sk_store * store, struct sk_ctx *ctx, struct sk_inbox_row *row),
     (s->base, ctx, row))
READ(runs_read,
     (struct sk_store * store, struct sk_ctx *ctx, sk_ns_id ns, struct sk_str id,
      struct sk_uuid **ret, size_t *count),
     (s->base, ctx, ns, id, ret, count))
READ(vis_list,
     (struct sk_store * store, struct sk_ctx *ctx, const struct sk_vis_query *query,
      struct sk_vis_page *ret),
     (s->base, ctx, query, ret))
READ(vis_count,
     (struct sk_store * store, struct sk_ctx *ctx, const struct sk_vis_query *query,
      struct sk_vis_counts *ret),
     (s->base, ctx, query, ret))
READ(meta_get,
     (struct sk_store * store, struct sk_ctx *ctx, struct sk_str kind, struct sk_str key,
      struct sk_meta_row *ret),
     (s->base, ctx, kind, key, ret))
READ(meta_list,
     (struct sk_store * store, struct sk_ctx *ctx, struct sk_str kind, struct sk_meta_row **ret,
      size_t *count),
     (s->base, ctx, kind, ret, count))
READ(meta_put, (struct sk_store * store, struct sk_ctx *ctx, const struct sk_meta_row *row),
     (s->base, ctx, row))
READ(meta_delete, (struct sk_store * store, struct sk_ctx *ctx, const struct sk_meta_row *row),
     (s->base, ctx, row))
READ(lease, (struct sk_store * store, struct sk_ctx *ctx, uint32_t slot, int64_t *ret_epoch),
     (s->base, ctx, slot, ret_epoch))

static void do_close(struct sk_store *store)
{
    (void)store;
}

static const struct sk_store_ops sim_ops = {
    .name = "simulated",
    .close = do_close,
    .commit = do_commit,
    .exec_get = do_exec_get,
    .current_get = do_current_get,
    .history_read = do_history_read,
    .tasks_read = do_tasks_read,
    .queues_read = do_queues_read,
    .task_count = do_task_count,
    .wakes_read = do_wakes_read,
    .outbox_read = do_outbox_read,
    .inbox_get = do_inbox_get,
    .runs_read = do_runs_read,
    .vis_list = do_vis_list,
    .vis_count = do_vis_count,
    .meta_get = do_meta_get,
    .meta_list = do_meta_list,
    .meta_put = do_meta_put,
    .meta_delete = do_meta_delete,
    .lease = do_lease,
};

struct sk_store *sim_store_new(struct sk_store *base)
{
    struct sim_store *s = sk_mem_zalloc(sizeof *s);
    s->store.ops = &sim_ops;
    s->base = base;
    return &s->store;
}

void sim_store_kill(struct sk_store *store)
{
    of(store)->dead = true;
}

void sim_store_free(struct sk_store *store)
{
    sk_mem_free(of(store));
}
