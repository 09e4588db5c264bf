/*
 * The normal queues that are known: polled or used in the last minutes, or with tasks waiting. Each
 * loop is asked in turn. Sticky queues are left out, they belong to a worker each;
 * so are those of Nexus tasks, of which there are none.
 *
 * Thread: a fiber of any loop; each loop lists its own. Failure: none; past `max` the rest is left
 * out, and the answer says so.
 */
#include "matching/matching_internal.h"

struct listing {
    struct sk_matching *matching;
    struct sk_ctx *ctx;
    sk_ns_id ns;
    size_t max, count;
    struct sk_queue_key *keys;
    bool truncated;
};

static size_t loaded(const struct sk_mloop *loop)
{
    return sk_map_count(loop->queues);
}

static void list_loop(void *arg)
{
    struct listing *l = arg;
    struct sk_mloop *loop = sk_mloop_here(l->matching);
    size_t room = loaded(loop) < l->max - l->count ? loaded(loop) : l->max - l->count;
    struct sk_queue_key *grown = SK_NEW_N(l->ctx->arena, struct sk_queue_key, l->count + room);
    if (l->count)
        memcpy(grown, l->keys, l->count * sizeof *grown);
    l->keys = grown;
    SK_LIST_EACH (at, &loop->all) {
        const struct sk_mq *q = SK_CONTAINER(at, struct sk_mq, node);
        if (q->sticky || q->key.ns != l->ns || q->key.kind == SK_TASK_NEXUS)
            continue;
        if (l->count == l->max) {
            l->truncated = true;
            return;
        }
        l->keys[l->count] = q->key;
        l->keys[l->count++].name =
            sk_str_of(sk_arena_strndup(l->ctx->arena, q->key.name.p, q->key.name.n));
    }
}

size_t sk_matching_queues(struct sk_matching *m, struct sk_ctx *ctx, sk_ns_id ns, size_t max,
                          struct sk_queue_key **ret, bool *ret_truncated)
{
    struct listing l = {.matching = m, .ctx = ctx, .ns = ns, .max = max};
    for (int i = 0; i < m->loop_count; i++)
        sk_rt_call(i, list_loop, &l);
    *ret = l.keys;
    *ret_truncated = l.truncated;
    return l.count;
}
