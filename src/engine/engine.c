/*
 * The engine's opening and closing, its limits, its totals.
 *
 * Opening takes the slots' leases, brings back what the store says is under way (deadlines, outbox
 * messages) and only then lets requests in. Closing stops timers and deliveries; a commit under way
 * finishes first, since its fiber holds the shard busy.
 */
#include "engine/engine_internal.h"

#include <string.h>

#define MIB (1024LL * 1024)
#define CACHE_DEFAULT (32 * MIB)

void sk_limits_default(struct sk_limits *ret)
{
    *ret = (struct sk_limits){
        .blob_size_error = 2 * MIB,
        .blob_size_warn = 512 * 1024,
        .memo_size_error = 2 * MIB,
        .history_size_error = 50 * MIB,
        .history_size_suggest = 4 * MIB,
        .history_count_error = 51200,
        .history_count_suggest = 4096,
        .id_length_max = 1000,
        .pending_activities = 2000,
        .pending_children = 2000,
        .pending_signals = 2000,
        .pending_cancels = 2000,
        .signals_per_run = 10000,
        .buffered_events = 100,
        .buffered_bytes = 2 * MIB,
        .long_poll_ms = 20000,
        .task_long_poll_ms = 60000,
        .wft_timeout_default_ms = 10000,
        .wft_timeout_max_ms = 120000,
        .wft_heartbeat_ms = 30 * 60000,
        .id_reuse_min_ms = 1000,
        .retention_min_ms = 3600000,
        .search_attribute_keys = 100,
        .search_attribute_value = 2 * 1024,
        .search_attribute_total = 40 * 1024,
        .user_metadata_summary = 400,
        .user_metadata_details = 20000,
        .history_page_max = 256,
        .list_page_max = 1000,
        .query_no_poller_ms = 20000,
        .eager_activities = true,
        .eager_start = true,
        .fairness = true,
    };
}

static struct sk_shard *shard_new(struct sk_engine *e, int index, size_t cache_bytes)
{
    struct sk_shard *shard = sk_mem_zalloc(sizeof *shard);
    shard->engine = e;
    shard->index = index;
    shard->flows = sk_map_new();
    shard->wakes = sk_map_new();
    shard->aside = sk_map_new();
    shard->queries = sk_imap_new();
    shard->bytes_max = cache_bytes / (size_t)e->shard_count;
    sk_list_init(&shard->idle);
    sk_list_init(&shard->deliveries);
    sk_list_init(&shard->background);
    sk_waitq_init(&shard->quiet);
    return shard;
}

struct boot {
    struct sk_shard *shard;
    struct sk_ctx *ctx;
    sk_err err;
};

static sk_err lease_slots(struct sk_shard *shard, struct sk_ctx *ctx)
{
    struct sk_engine *e = shard->engine;
    sk_err err = SK_OK;
    for (uint32_t slot = (uint32_t)shard->index; slot < SK_SLOT_COUNT && err == SK_OK;
         slot += (uint32_t)e->shard_count)
        err = sk_store_lease(e->store, ctx, slot, &e->epochs[slot]);
    return err;
}

static void boot_shard(void *arg)
{
    struct boot *boot = arg;
    struct sk_shard *shard = boot->shard;
    boot->err = lease_slots(shard, boot->ctx);
    if (boot->err == SK_OK)
        boot->err = wake_boot(shard, boot->ctx);
    if (boot->err == SK_OK)
        boot->err = deliver_boot(shard, boot->ctx);
}

sk_err sk_engine_open(struct sk_ctx *ctx, const struct sk_engine_options *options,
                      struct sk_engine **ret)
{
    struct sk_engine *e = sk_mem_zalloc(sizeof *e);
    e->store = options->store;
    e->matching = options->matching;
    e->namespaces = options->namespaces;
    e->figures = options->figures;
    e->limits = options->limits;
    e->shard_count = sk_rt_loop_count(sk_rt_current());
    e->shards = sk_mem_zalloc((size_t)e->shard_count * sizeof *e->shards);
    size_t cache = options->cache_bytes ? options->cache_bytes : CACHE_DEFAULT;
    for (int i = 0; i < e->shard_count; i++)
        e->shards[i] = shard_new(e, i, cache);
    sk_err err = token_key_load(e, ctx);
    for (int i = 0; i < e->shard_count && err == SK_OK; i++) {
        struct boot boot = {e->shards[i], ctx, SK_OK};
        sk_rt_call(i, boot_shard, &boot);
        err = boot.err;
    }
    if (err != SK_OK) {
        sk_engine_close(e);
        return err;
    }
    *ret = e;
    return SK_OK;
}

struct quiet {
    struct sk_shard *shard;
    bool was_busy;
};

static void quiet_shard(void *arg)
{
    struct quiet *quiet = arg;
    struct sk_shard *shard = quiet->shard;
    wake_close(shard);
    quiet->was_busy |= shard->busy > 0;
    while (shard->busy > 0)
        sk_waitq_wait(&shard->quiet, 0);
    wake_close(shard); // all fibers are gone and will arm no more
    deliver_close(shard);
}

/* Fibers of one shard work in the flows of others and may leave them new ones, so all must be quiet
 * in one pass before any memory goes. */
static void quiet_all(struct sk_engine *e)
{
    bool was_busy = true;
    while (was_busy) {
        was_busy = false;
        for (int i = 0; i < e->shard_count; i++) {
            struct quiet quiet = {e->shards[i], false};
            sk_rt_call(i, quiet_shard, &quiet);
            was_busy |= quiet.was_busy;
        }
    }
}

static void close_shard(void *arg)
{
    struct sk_shard *shard = arg;
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    while (sk_map_next(shard->flows, &cursor, &key, &value)) {
        struct flow *flow = value;
        while (flow->runs) {
            struct exec *x = flow->runs;
            flow->runs = x->next;
            exec_free(x);
        }
        sk_mem_free((void *)(uintptr_t)flow->workflow_id.p);
        sk_mem_free(flow);
    }
    sk_map_free(shard->flows);
    sk_map_free(shard->wakes);
    for (cursor = 0; sk_map_next(shard->aside, &cursor, &key, &value);)
        sk_mem_free(value);
    sk_map_free(shard->aside);
    sk_imap_free(shard->queries);
    sk_mem_free(shard);
}

void sk_engine_close(struct sk_engine *engine)
{
    engine->closing = true;
    quiet_all(engine);
    for (int i = 0; i < engine->shard_count; i++)
        sk_rt_call(i, close_shard, engine->shards[i]);
    sk_mem_free(engine->shards);
    sk_mem_free(engine);
}

struct collect {
    struct sk_shard *shard;
    struct sk_engine_stats *total;
};

static void collect_stats(void *arg)
{
    struct collect *c = arg;
    const struct sk_engine_stats *s = &c->shard->stats;
    c->total->transitions += s->transitions;
    c->total->quarantined += s->quarantined;
    c->total->timers_fired += s->timers_fired;
    c->total->cache_hits += s->cache_hits;
    c->total->cache_misses += s->cache_misses;
    c->total->cached_runs += sk_map_count(c->shard->flows);
    c->total->cached_bytes += c->shard->bytes;
}

void sk_engine_stats(struct sk_engine *engine, struct sk_engine_stats *ret)
{
    memset(ret, 0, sizeof *ret);
    for (int i = 0; i < engine->shard_count; i++) {
        struct collect c = {engine->shards[i], ret};
        sk_rt_call(i, collect_stats, &c);
    }
}
