/*
 * Matching as a whole: the slices, start-up, shutdown, sequence numbers and totals.
 *
 * Every loop owns a slice (struct sk_mloop): the queues whose hash falls to it, with their tasks
 * and parked polls. Nobody else touches a slice; other loops post. What is shared is the options,
 * the counter for sequence numbers and the totals, which are atomics.
 *
 * Sequence numbers must grow over restarts, even when the wall clock was set back: a meta record
 * holds where the last life began, and a new one begins at the wall clock (in 2^-20 ms) or 2^40
 * beyond the last beginning, whichever is later. So one small write at boot and none after.
 *
 * Start-up: queues with rows become known with an unread backlog, read when the first poll comes;
 * their first rows are looked at (reopen.c). Sticky queues are the exception: their workers are
 * gone or will start fresh polls, so their rows go to their normal queues right away (sticky.c).
 */
#include "matching/matching_internal.h"

#include <stdlib.h>

#define SEQ_LIFE ((int64_t)1 << 40)
#define SEQ_MS ((int64_t)1 << 20)

int sk_mq_owner(const struct sk_matching *m, const struct sk_queue_key *key)
{
    if (m->loop_count == 1)
        return 0;
    uint64_t seed = ((uint64_t)key->ns << 8) | (uint64_t)key->kind;
    return (int)(sk_hash(key->name.p, key->name.n, seed) % (uint64_t)m->loop_count);
}

struct sk_mloop *sk_mloop_here(struct sk_matching *m)
{
    int index = sk_rt_loop_index();
    SK_ASSERT(index >= 0 && index < m->loop_count);
    return &m->loops[index];
}

static void init_loop(struct sk_matching *m, int index)
{
    struct sk_mloop *loop = &m->loops[index];
    loop->matching = m;
    loop->index = index;
    loop->queues = sk_map_new();
    sk_list_init(&loop->all);
    sk_timer_init(&loop->sweep, sk_mloop_on_sweep);
    sk_waitq_init(&loop->readers_done);
    pthread_mutex_init(&loop->fair_lock, NULL);
    loop->fairs = sk_map_new();
}

struct sk_matching *sk_matching_new(const struct sk_matching_options *options)
{
    struct sk_rt *rt = sk_rt_current();
    SK_ASSERT(rt && options->store);
    int count = sk_rt_loop_count(rt);
    struct sk_matching *m = sk_mem_zalloc(sizeof *m + (size_t)count * sizeof m->loops[0]);
    m->o = *options;
    m->o.head_max = options->head_max ? options->head_max : 1000;
    m->o.sticky_alive_ms = options->sticky_alive_ms ? options->sticky_alive_ms : 10000;
    m->o.poller_history_ms = options->poller_history_ms ? options->poller_history_ms : 300000;
    m->o.idle_unload_ms = options->idle_unload_ms ? options->idle_unload_ms : 300000;
    m->o.no_poller_ms = options->no_poller_ms ? options->no_poller_ms : 20000;
    m->rt = rt;
    m->loop_count = count;
    atomic_store(&m->seq, sk_now_wall_ms() * SEQ_MS);
    for (int i = 0; i < count; i++)
        init_loop(m, i);
    return m;
}

/* ---- sequence numbers ---- */

int64_t sk_matching_seq(struct sk_matching *m)
{
    return atomic_fetch_add_explicit(&m->seq, 1, memory_order_relaxed) + 1;
}

void sk_matching_saw_seq(struct sk_matching *m, int64_t seq)
{
    int64_t have = atomic_load_explicit(&m->seq, memory_order_relaxed);
    while (have < seq && !atomic_compare_exchange_weak_explicit(
                             &m->seq, &have, seq, memory_order_relaxed, memory_order_relaxed))
        ;
}

static sk_err begin_seq(struct sk_matching *m, struct sk_ctx *ctx)
{
    struct sk_meta_row row = {0};
    sk_err err = sk_store_meta_get(m->o.store, ctx, SK_STR("matching"), SK_STR("seq"), &row);
    if (err && err != SK_NOT_FOUND)
        return err;
    sk_ctx_clear(ctx);
    int64_t begin = sk_now_wall_ms() * SEQ_MS;
    int64_t version = 1;
    if (!err) {
        int64_t last = strtoll(sk_arena_strndup(ctx->arena, row.value.p, row.value.n), NULL, 10);
        begin = begin > last + SEQ_LIFE ? begin : last + SEQ_LIFE;
        version = row.version + 1;
    }
    row = (struct sk_meta_row){
        .kind = SK_STR("matching"),
        .key = SK_STR("seq"),
        .value = sk_str_of(sk_arena_printf(ctx->arena, "%lld", (long long)begin)),
        .version = version,
    };
    sk_matching_saw_seq(m, begin);
    return sk_store_meta_put(m->o.store, ctx, &row);
}

/* ---- start-up ---- */

struct found {
    struct sk_matching *matching;
    const struct sk_queue_key *key;
    bool sticky;
};

static void on_found(void *arg)
{
    struct found *f = arg;
    struct sk_mq *q = sk_mq_get(sk_mloop_here(f->matching), f->key);
    q->cursor = SK_PLACE_FIRST;
    q->sticky = f->sticky;
    sk_mq_read_if_wanted(q);
}

static sk_err open_queue(struct sk_matching *m, struct sk_ctx *ctx, const struct sk_queue_key *key)
{
    struct found f = {.matching = m, .key = key};
    sk_err err = sk_mq_reopen(m, ctx, key, &f.sticky);
    if (err)
        return err;
    sk_rt_call(sk_mq_owner(m, key), on_found, &f);
    return SK_OK;
}

sk_err sk_matching_open(struct sk_matching *m, struct sk_ctx *ctx)
{
    struct sk_queue_key *keys;
    size_t count;
    sk_err err = begin_seq(m, ctx);
    if (!err)
        err = sk_store_queues_read(m->o.store, ctx, &keys, &count);
    for (size_t i = 0; !err && i < count; i++)
        err = open_queue(m, ctx, &keys[i]);
    return err;
}

/* ---- the end ---- */

static void drain_loop(void *arg)
{
    struct sk_mloop *loop = sk_mloop_here(arg);
    loop->draining = true;
    SK_LIST_EACH (at, &loop->all) {
        struct sk_mq *q = SK_CONTAINER(at, struct sk_mq, node);
        sk_mq_end_polls(q, NULL);
        sk_mq_expire_queries(q, true);
    }
}

void sk_matching_drain(struct sk_matching *m)
{
    for (int i = 0; i < m->loop_count; i++)
        sk_rt_call(i, drain_loop, m);
}

static void close_loop(void *arg)
{
    struct sk_mloop *loop = sk_mloop_here(arg);
    while (loop->readers)
        sk_waitq_wait(&loop->readers_done, 0);
    sk_timer_stop(&loop->sweep);
    while (!sk_list_empty(&loop->all)) {
        struct sk_mq *q = SK_CONTAINER(loop->all.next, struct sk_mq, node);
        while (q->query_waiting) // they saw the drain and leave
            sk_fiber_yield();
        sk_mq_free(q);
    }
}

void sk_matching_free(struct sk_matching *m)
{
    if (!m)
        return;
    atomic_store(&m->closing, true);
    if (sk_fiber_current()) {
        sk_matching_drain(m);
        for (int i = 0; i < m->loop_count; i++)
            sk_rt_call(i, close_loop, m);
    }
    for (int i = 0; i < m->loop_count; i++) {
        struct sk_mloop *loop = &m->loops[i];
        SK_ASSERT(sk_list_empty(&loop->all));
        sk_fair_sweep(loop, INT64_MAX);
        sk_mdeparted_fini(&loop->departed);
        sk_map_free(loop->queues);
        sk_map_free(loop->fairs);
        pthread_mutex_destroy(&loop->fair_lock);
        sk_buf_fini(&loop->key);
        sk_buf_fini(&loop->fair_key);
    }
    sk_mem_free(m);
}

void sk_matching_stats(struct sk_matching *m, struct sk_matching_stats *ret)
{
    *ret = (struct sk_matching_stats){0};
    for (int i = 0; i < m->loop_count; i++) {
        struct sk_mloop *loop = &m->loops[i];
        ret->sync_matches += atomic_load_explicit(&loop->sync_matches, memory_order_relaxed);
        ret->backlog_matches += atomic_load_explicit(&loop->backlog_matches, memory_order_relaxed);
        ret->polls += atomic_load_explicit(&loop->polls, memory_order_relaxed);
        ret->empty_polls += atomic_load_explicit(&loop->empty_polls, memory_order_relaxed);
        ret->parked += atomic_load_explicit(&loop->parked, memory_order_relaxed);
        ret->head_tasks += atomic_load_explicit(&loop->head_tasks, memory_order_relaxed);
        ret->fairness_keys += atomic_load_explicit(&loop->fair_keys, memory_order_relaxed);
    }
}
