/*
 * Which queues have tasks that wait, for metrics: each loop is asked in turn and lists its loaded
 * queues that hold tasks in memory or know of some on disk. Sticky queues are left out: their tasks
 * move to the normal queue within seconds.
 */
#include "matching/matching_internal.h"

struct waiting {
    struct sk_matching *matching;
    struct sk_ctx *ctx;
    size_t max, count;
    struct sk_queue_key *keys;
};

static bool has_tasks(const struct sk_mq *q)
{
    return q->head.count > 0 || sk_place_before(q->cursor, SK_PLACE_LAST);
}

static void list_loop(void *arg)
{
    struct waiting *w = arg;
    struct sk_mloop *loop = sk_mloop_here(w->matching);
    SK_LIST_EACH (at, &loop->all) {
        const struct sk_mq *q = SK_CONTAINER(at, struct sk_mq, node);
        if (w->count == w->max)
            return;
        if (q->sticky || !has_tasks(q))
            continue;
        const char *name = sk_arena_strndup(w->ctx->arena, q->key.name.p, q->key.name.n);
        w->keys[w->count] = q->key;
        w->keys[w->count++].name = sk_str_of(name);
    }
}

size_t sk_matching_waiting(struct sk_matching *m, struct sk_ctx *ctx, size_t max,
                           struct sk_queue_key **ret)
{
    struct waiting w = {.matching = m, .ctx = ctx, .max = max};
    w.keys = SK_NEW_N(ctx->arena, struct sk_queue_key, max);
    for (int i = 0; i < m->loop_count; i++)
        sk_rt_call(i, list_loop, &w);
    *ret = w.keys;
    return w.count;
}
