/*
 * approximate_backlog_count and approximate_backlog_age_seconds: what waits in each task queue.
 *
 * Matching keeps no gauges, so a scrape asks it: which queues have tasks waiting, and how many and
 * how old. A queue that was shown and has none now is set to 0 and forgotten. At most QUEUES_MAX
 * queues are shown, so that a scrape's cost is bounded. On loop 0 only, one scrape at a time: a
 * gauge's value must always come from the same thread.
 */
#include <stdio.h>
#include <string.h>
#include "base/map.h"
#include "base/metric.h"
#include "main/server.h"
#include "matching/matching.h"
#include "store/namespaces.h"

#define QUEUES_MAX 500

struct shown {
    struct sk_series count, age;
    uint64_t scrape; /* the last one that saw it */
};

struct sk_backlogs {
    struct sk_matching *matching;
    struct sk_namespaces *namespaces;
    struct sk_mutex lock;
    struct sk_map *queues; /* "namespace/kind/queue" -> struct shown, owned */
    uint64_t scrape;
};

struct sk_backlogs *sk_backlogs_new(struct sk_matching *matching, struct sk_namespaces *namespaces)
{
    struct sk_backlogs *b = sk_mem_zalloc(sizeof(*b));
    b->matching = matching;
    b->namespaces = namespaces;
    sk_mutex_init(&b->lock);
    b->queues = sk_map_new();
    return b;
}

void sk_backlogs_free(struct sk_backlogs *b)
{
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    if (!b)
        return;
    while (sk_map_next(b->queues, &cursor, &key, &value))
        sk_mem_free(value);
    sk_map_free(b->queues);
    sk_mem_free(b);
}

static struct shown *show(struct sk_backlogs *b, struct sk_ctx *ctx, const struct sk_queue_key *key)
{
    const struct sk_namespace *ns = sk_namespaces_by_id(b->namespaces, key->ns);
    const char *kind = key->kind == SK_TASK_WORKFLOW ? "Workflow" : "Activity";
    const char *queue = sk_arena_strndup(ctx->arena, key->name.p, key->name.n);
    if (!ns) // deleted meanwhile
        return NULL;
    const char *id = sk_arena_printf(ctx->arena, "%s/%s/%s", ns->name, kind, queue);
    struct shown *shown = sk_map_get(b->queues, sk_str_of(id));
    if (!shown) {
        shown = sk_mem_zalloc(sizeof(*shown));
        shown->count = sk_metric_series(SK_METRIC_APPROXIMATE_BACKLOG_COUNT, ns->name, queue, kind);
        shown->age =
            sk_metric_series(SK_METRIC_APPROXIMATE_BACKLOG_AGE_SECONDS, ns->name, queue, kind);
        sk_map_put(b->queues, sk_str_of(id), shown);
    }
    return shown;
}

static void copy_queue(struct sk_backlogs *b, struct sk_ctx *ctx, const struct sk_queue_key *key)
{
    struct sk_queue_info info = {0};
    if (sk_matching_describe(b->matching, ctx, key, &info)) {
        sk_ctx_clear(ctx); // the store cannot say now; the old value stays
        return;
    }
    struct shown *shown = show(b, ctx, key);
    if (!shown)
        return;
    shown->scrape = b->scrape;
    sk_metric_set(shown->count, info.backlog_count);
    sk_metric_set(shown->age, info.backlog_age_ms / 1000);
}

static void forget_the_rest(struct sk_backlogs *b)
{
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    while (sk_map_next(b->queues, &cursor, &key, &value)) {
        struct shown *shown = value;
        if (shown->scrape == b->scrape)
            continue;
        sk_metric_set(shown->count, 0);
        sk_metric_set(shown->age, 0);
        sk_map_remove(b->queues, key);
        sk_mem_free(shown);
    }
}

void sk_backlogs_copy(struct sk_backlogs *b, struct sk_ctx *ctx)
{
    struct sk_queue_key *keys;
    sk_mutex_lock(&b->lock);
    b->scrape++;
    size_t count = sk_matching_waiting(b->matching, ctx, QUEUES_MAX, &keys);
    for (size_t i = 0; i < count; i++)
        copy_queue(b, ctx, &keys[i]);
    forget_the_rest(b);
    sk_mutex_unlock(&b->lock);
}
