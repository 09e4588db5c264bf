/*
 * The store in memory: the model of the contract. One worker carries out every call in order, so
 * the content needs no locks; in a simulated runtime the worker runs on the loop after a random
 * virtual delay, which makes commits and reads overtake other work as they do in life.
 *
 * The content (struct sk_memory_data) outlives the store when somebody else owns it: closing a
 * store and opening another on the same content is a crash and a restart. Each open ends the
 * leases of the one before.
 */
#include "store/memory/memory.h"

#include "base/assert.h"
#include "store/job.h"
#include "store/memory/memory_internal.h"

#define EPOCH_SHIFT 32

struct sm_store {
    struct sk_store head;
    struct sk_rt *rt;
    struct sk_worker *worker;
    struct sk_memory_data *data;
    bool owns_data;
};

struct sm_job {
    struct sk_store_job call;
    sk_err err;
    struct sk_ctx *ctx;
    const struct sk_txn *txn; /* one of these three */
    const struct sk_meta_row *meta;
    struct sm_read *read;
    sk_err (*read_fn)(struct sm_read *);
    sk_err (*meta_fn)(struct sk_memory_data *, struct sk_ctx *, const struct sk_meta_row *);
};

/* ---- the worker ---- */

static sk_err commit(struct sm_store *store, struct sm_job *job)
{
    sk_err err = sm_commit(store->data, job->ctx, job->txn);
    if (err == SK_OK) {
        atomic_fetch_add(&store->head.commits, 1);
        atomic_fetch_add(&store->head.row_ops, job->txn->op_count);
    }
    return err;
}

static void worker_run(void *owner, struct sk_job **jobs, int count)
{
    struct sm_store *store = owner;
    for (int i = 0; i < count; i++) {
        struct sm_job *job = SK_CONTAINER(SK_STORE_JOB(jobs[i]), struct sm_job, call);
        if (job->txn)
            job->err = commit(store, job);
        else if (job->meta)
            job->err = job->meta_fn(store->data, job->ctx, job->meta);
        else
            job->err = job->read_fn(job->read);
    }
    atomic_fetch_add(&store->head.groups, 1);
    sk_store_jobs_finish(store->rt, jobs, count);
}

static sk_err call(struct sk_store *head, struct sm_job *job)
{
    struct sm_store *store = (struct sm_store *)head;
    sk_store_job_call(store->worker, &job->call);
    return job->err;
}

static sk_err read_call(struct sk_store *head, struct sk_ctx *ctx, sk_err (*fn)(struct sm_read *),
                        struct sm_read *read)
{
    struct sm_store *store = (struct sm_store *)head;
    read->data = store->data;
    read->ctx = ctx;
    atomic_fetch_add(&store->head.reads, 1);
    return call(head, &(struct sm_job){.ctx = ctx, .read = read, .read_fn = fn});
}

/* ---- the contract ---- */

static sk_err m_commit(struct sk_store *s, struct sk_ctx *ctx, const struct sk_txn *txn)
{
    return call(s, &(struct sm_job){.ctx = ctx, .txn = txn});
}

static sk_err m_meta_put(struct sk_store *s, struct sk_ctx *ctx, const struct sk_meta_row *row)
{
    return call(s, &(struct sm_job){.ctx = ctx, .meta = row, .meta_fn = sm_meta_put});
}

static sk_err m_meta_delete(struct sk_store *s, struct sk_ctx *ctx, const struct sk_meta_row *row)
{
    return call(s, &(struct sm_job){.ctx = ctx, .meta = row, .meta_fn = sm_meta_delete});
}

static sk_err m_exec_get(struct sk_store *s, struct sk_ctx *ctx, const struct sk_run_key *run,
                         struct sk_exec_row *ret)
{
    return read_call(s, ctx, sm_exec_get, &(struct sm_read){.run = run, .ret = ret});
}

static sk_err m_current_get(struct sk_store *s, struct sk_ctx *ctx, sk_ns_id ns,
                            struct sk_str workflow_id, struct sk_uuid *ret)
{
    return read_call(s, ctx, sm_current_get,
                     &(struct sm_read){.ns = ns, .a = workflow_id, .ret = ret});
}

static sk_err m_runs_read(struct sk_store *s, struct sk_ctx *ctx, sk_ns_id ns,
                          struct sk_str workflow_id, struct sk_uuid **ret, size_t *ret_count)
{
    return read_call(
        s, ctx, sm_runs_read,
        &(struct sm_read){.ns = ns, .a = workflow_id, .ret = ret, .ret_count = ret_count});
}

static sk_err m_history_read(struct sk_store *s, struct sk_ctx *ctx, const struct sk_run_key *run,
                             int64_t from, int64_t to, size_t max_bytes, bool reverse,
                             struct sk_history_batch **ret, size_t *ret_count)
{
    return read_call(s, ctx, sm_history_read,
                     &(struct sm_read){.run = run,
                                       .from = from,
                                       .to = to,
                                       .limit = max_bytes,
                                       .reverse = reverse,
                                       .ret = ret,
                                       .ret_count = ret_count});
}

static sk_err m_tasks_read(struct sk_store *s, struct sk_ctx *ctx,
                           const struct sk_task_range *range, struct sk_task_row **ret,
                           size_t *ret_count)
{
    return read_call(s, ctx, sm_tasks_read,
                     &(struct sm_read){.tasks = range, .ret = ret, .ret_count = ret_count});
}

static sk_err m_queues_read(struct sk_store *s, struct sk_ctx *ctx, struct sk_queue_key **ret,
                            size_t *ret_count)
{
    return read_call(s, ctx, sm_queues_read, &(struct sm_read){.ret = ret, .ret_count = ret_count});
}

static sk_err m_task_count(struct sk_store *s, struct sk_ctx *ctx, const struct sk_queue_key *queue,
                           int64_t *ret_count, int64_t *ret_oldest_ms)
{
    return read_call(
        s, ctx, sm_task_count,
        &(struct sm_read){.queue = queue, .ret_int = ret_count, .ret_int2 = ret_oldest_ms});
}

static sk_err m_wakes_read(struct sk_store *s, struct sk_ctx *ctx, uint32_t modulo, uint32_t rest,
                           int64_t until_ms, size_t limit, struct sk_wake_row **ret,
                           size_t *ret_count)
{
    return read_call(s, ctx, sm_wakes_read,
                     &(struct sm_read){.modulo = modulo,
                                       .rest = rest,
                                       .to = until_ms,
                                       .limit = limit,
                                       .ret = ret,
                                       .ret_count = ret_count});
}

static sk_err m_outbox_read(struct sk_store *s, struct sk_ctx *ctx, uint32_t modulo, uint32_t rest,
                            size_t limit, struct sk_outbox_row **ret, size_t *ret_count)
{
    return read_call(
        s, ctx, sm_outbox_read,
        &(struct sm_read){
            .modulo = modulo, .rest = rest, .limit = limit, .ret = ret, .ret_count = ret_count});
}

static sk_err m_inbox_get(struct sk_store *s, struct sk_ctx *ctx, struct sk_inbox_row *row)
{
    return read_call(s, ctx, sm_inbox_get, &(struct sm_read){.ret = row});
}

static sk_err m_meta_get(struct sk_store *s, struct sk_ctx *ctx, struct sk_str kind,
                         struct sk_str key, struct sk_meta_row *ret)
{
    return read_call(s, ctx, sm_meta_get, &(struct sm_read){.a = kind, .b = key, .ret = ret});
}

static sk_err m_meta_list(struct sk_store *s, struct sk_ctx *ctx, struct sk_str kind,
                          struct sk_meta_row **ret, size_t *ret_count)
{
    return read_call(s, ctx, sm_meta_list,
                     &(struct sm_read){.a = kind, .ret = ret, .ret_count = ret_count});
}

static sk_err m_vis_list(struct sk_store *s, struct sk_ctx *ctx, const struct sk_vis_query *query,
                         struct sk_vis_page *ret)
{
    return read_call(s, ctx, sm_list, &(struct sm_read){.query = query, .ret = ret});
}

static sk_err m_vis_count(struct sk_store *s, struct sk_ctx *ctx, const struct sk_vis_query *query,
                          struct sk_vis_counts *ret)
{
    return read_call(s, ctx, sm_count, &(struct sm_read){.query = query, .ret = ret});
}

static sk_err m_lease(struct sk_store *s, struct sk_ctx *ctx, uint32_t slot, int64_t *ret_epoch)
{
    struct sk_memory_data *data = ((struct sm_store *)s)->data;
    (void)ctx;
    int64_t first = (data->generation << EPOCH_SHIFT) + 1;
    int64_t held = atomic_load(&data->leases[slot]), next;
    do {
        next = held >= first ? held + 1 : first;
    } while (!atomic_compare_exchange_weak(&data->leases[slot], &held, next));
    *ret_epoch = next;
    return SK_OK;
}

/* ---- opening and closing ---- */

static void m_close(struct sk_store *s)
{
    struct sm_store *store = (struct sm_store *)s;
    sk_worker_free(store->worker);
    if (store->owns_data)
        sk_memory_data_free(store->data);
    sk_mem_free(store);
}

static const struct sk_store_ops ops = {
    .name = "memory",
    .close = m_close,
    .commit = m_commit,
    .exec_get = m_exec_get,
    .current_get = m_current_get,
    .history_read = m_history_read,
    .tasks_read = m_tasks_read,
    .queues_read = m_queues_read,
    .task_count = m_task_count,
    .wakes_read = m_wakes_read,
    .outbox_read = m_outbox_read,
    .inbox_get = m_inbox_get,
    .runs_read = m_runs_read,
    .vis_list = m_vis_list,
    .vis_count = m_vis_count,
    .meta_get = m_meta_get,
    .meta_list = m_meta_list,
    .meta_put = m_meta_put,
    .meta_delete = m_meta_delete,
    .lease = m_lease,
};

struct sk_memory_data *sk_memory_data_new(void)
{
    return sk_mem_zalloc(sizeof(struct sk_memory_data));
}

void sk_memory_data_free(struct sk_memory_data *data)
{
    if (!data)
        return;
    for (int i = 0; i < SM_TABLES; i++)
        sm_table_fini(&data->tables[i]);
    sk_mem_free(data);
}

size_t sk_memory_data_rows(const struct sk_memory_data *data)
{
    size_t rows = 0;
    for (int i = 0; i < SM_TABLES; i++)
        rows += data->tables[i].count;
    return rows;
}

sk_err sk_memory_store_open_on(struct sk_ctx *ctx, struct sk_memory_data *data,
                               struct sk_store **ret)
{
    (void)ctx;
    struct sm_store *store = sk_mem_zalloc(sizeof(*store));
    store->head.ops = &ops;
    store->rt = sk_rt_current();
    store->data = data;
    data->generation++;
    for (uint32_t slot = 0; slot < SK_SLOT_COUNT; slot++)
        atomic_store(&data->leases[slot], 0);
    store->worker = sk_worker_new(store->rt, "store-memory", worker_run, store, 256);
    *ret = &store->head;
    return SK_OK;
}

sk_err sk_memory_store_open(struct sk_ctx *ctx, struct sk_store **ret)
{
    struct sk_memory_data *data = sk_memory_data_new();
    sk_err err = sk_memory_store_open_on(ctx, data, ret);
    SK_ASSERT(err == SK_OK);
    ((struct sm_store *)*ret)->owns_data = true;
    return err;
}
