/*
 * Flows: workflow ids in memory. A flow is the unit of locking and caching: all runs of a workflow
 * id share one lock, so a fiber that continues a run as new, or starts one over another, never
 * needs two. Flows live on the loop that owns their slot.
 *
 * INV-F1 a flow with refs > 0 is in no list and is never evicted.
 * INV-F2 a run whose workflow task start is only in memory is never evicted (exec.start.set).
 * INV-F3 runs are loaded and forgotten only under the flow's lock.
 *
 * Memory: a byte budget a loop; idle flows leave, least recently used first.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "base/assert.h"
#include "base/log.h"
#include "wire/errordetail.h"

bool uuid_is_zero(struct sk_uuid id)
{
    static const struct sk_uuid zero;
    return memcmp(&id, &zero, sizeof id) == 0;
}

void uuid_fresh(int64_t now_ms, char ret[SK_UUID_TEXT])
{
    sk_uuid_format(sk_uuid_new(sk_rt_random(), now_ms), ret);
}

const char *task_workflow_id(struct sk_ctx *ctx, const struct sk_task *task)
{
    return sk_arena_strndup(ctx->arena, task->row.run.workflow_id.p, task->row.run.workflow_id.n);
}

struct sk_shard *shard_of(struct sk_engine *e, sk_ns_id ns, const char *workflow_id)
{
    uint32_t slot = sk_slot_of(ns, sk_str_of(workflow_id));
    return e->shards[slot % (uint32_t)e->shard_count];
}

/* ---- hopping to the owner ---- */

struct hop {
    struct sk_shard *shard;
    struct sk_ctx *ctx;
    const struct sk_namespace *ns;
    shard_fn fn;
    const void *request;
    void *response;
    sk_err err;
};

static void run_hop(void *arg)
{
    struct hop *hop = arg;
    hop->err = hop->fn(hop->shard, hop->ctx, hop->ns, hop->request, hop->response);
}

sk_err shard_call(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                  const char *workflow_id, shard_fn fn, const void *request, void *response)
{
    struct sk_shard *shard = shard_of(e, ns->id, workflow_id);
    struct hop hop = {shard, ctx, ns, fn, request, response, SK_OK};
    sk_rt_call(shard->index, run_hop, &hop);
    return hop.err;
}

struct flow_hop {
    const char *workflow_id;
    flow_fn fn;
    const void *request;
};

static sk_err run_flow_hop(struct sk_shard *shard, struct sk_ctx *ctx,
                           const struct sk_namespace *ns, const void *request, void *response)
{
    const struct flow_hop *hop = request;
    struct flow *flow = flow_enter(shard, ns->id, hop->workflow_id);
    sk_err err = hop->fn(flow, ctx, ns, hop->request, response);
    flow_leave(flow);
    return err;
}

sk_err flow_call(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                 const char *workflow_id, flow_fn fn, const void *request, void *response)
{
    const struct flow_hop hop = {workflow_id, fn, request};
    return shard_call(e, ctx, ns, workflow_id, run_flow_hop, &hop, response);
}

/* ---- background work ---- */

/* Fibers at a time: eighty thousand children that start, or timers that fire, at once must not want
 * as many stacks. What waits holds nothing that those at work could wait for. */
#define BACKGROUND_MAX 512

struct background {
    struct sk_list node; /* in shard->background until its turn */
    void (*fn)(void *);
    void *arg;
};

/* Does what waits, in order, until nothing does. */
static void run_background(void *arg)
{
    struct sk_shard *shard = arg;
    struct sk_list *node;
    while ((node = sk_list_pop_front(&shard->background))) {
        struct background *b = SK_CONTAINER(node, struct background, node);
        b->fn(b->arg);
        sk_mem_free(b);
        shard->busy--;
    }
    shard->background_fibers--;
    if (shard->busy == 0)
        sk_waitq_wake_all(&shard->quiet);
}

void shard_spawn(struct sk_shard *shard, void (*fn)(void *), void *arg)
{
    struct background *b = sk_mem_alloc(sizeof *b);
    *b = (struct background){.fn = fn, .arg = arg};
    sk_list_push_back(&shard->background, &b->node);
    shard->busy++;
    if (shard->background_fibers == BACKGROUND_MAX)
        return;
    shard->background_fibers++;
    sk_fiber_spawn(run_background, shard);
}

/* ---- the cache ---- */

/* Namespace and workflow id, as the map's key. Ids are short unless a setting allows long ones. */
struct flow_key {
    struct sk_str bytes;
    char small[256];
};

static void flow_key_init(struct flow_key *key, sk_ns_id ns, struct sk_str workflow_id)
{
    size_t n = sizeof ns + workflow_id.n;
    char *p = n <= sizeof key->small ? key->small : sk_mem_alloc(n);
    memcpy(p, &ns, sizeof ns);
    memcpy(p + sizeof ns, workflow_id.p, workflow_id.n);
    key->bytes = (struct sk_str){p, n};
}

static void flow_key_fini(struct flow_key *key)
{
    if (key->bytes.p != key->small)
        sk_mem_free((void *)(uintptr_t)key->bytes.p);
}

static void flow_free(struct flow *flow)
{
    while (flow->runs) {
        struct exec *x = flow->runs;
        flow->runs = x->next;
        exec_free(x);
    }
    flow->shard->bytes -= flow->bytes;
    sk_mem_free((void *)(uintptr_t)flow->workflow_id.p);
    sk_mem_free(flow);
}

static bool flow_evictable(const struct flow *flow)
{
    if (!sk_list_empty(&flow->watches))
        return false;
    for (const struct exec *x = flow->runs; x; x = x->next)
        if (x->start.set || !sk_list_empty(&x->queries))
            return false;
    return true;
}

static void evict(struct sk_shard *shard)
{
    SK_LIST_EACH (node, &shard->idle) {
        if (shard->bytes <= shard->bytes_max)
            return;
        struct flow *flow = SK_CONTAINER(node, struct flow, lru);
        if (!flow_evictable(flow))
            continue;
        struct flow_key key;
        flow_key_init(&key, flow->ns, flow->workflow_id);
        sk_list_remove(&flow->lru);
        sk_map_remove(shard->flows, key.bytes);
        flow_key_fini(&key);
        flow_free(flow);
    }
}

static struct flow *flow_new(struct sk_shard *shard, sk_ns_id ns, struct sk_str workflow_id)
{
    struct flow *flow = sk_mem_zalloc(sizeof *flow);
    flow->shard = shard;
    flow->ns = ns;
    flow->workflow_id =
        (struct sk_str){sk_mem_strndup(workflow_id.p, workflow_id.n), workflow_id.n};
    flow->slot = sk_slot_of(ns, workflow_id);
    sk_list_init(&flow->lru);
    sk_list_init(&flow->watches);
    sk_list_init(&flow->members);
    sk_mutex_init(&flow->lock);
    flow->bytes = sizeof *flow + workflow_id.n;
    shard->bytes += flow->bytes;
    return flow;
}

struct flow *flow_hold(struct sk_shard *shard, sk_ns_id ns, const char *workflow_id)
{
    struct flow_key key;
    SK_ASSERT(sk_rt_loop_index() == shard->index);
    struct sk_str id = sk_str_of(workflow_id);
    flow_key_init(&key, ns, id);
    struct flow *flow = sk_map_get(shard->flows, key.bytes);
    if (!flow) {
        flow = flow_new(shard, ns, id);
        sk_map_put(shard->flows, key.bytes, flow);
    }
    flow_key_fini(&key);
    if (flow->refs++ == 0)
        sk_list_remove(&flow->lru);
    return flow;
}

void flow_lock(struct flow *flow)
{
    sk_mutex_lock(&flow->lock);
}

struct flow *flow_enter(struct sk_shard *shard, sk_ns_id ns, const char *workflow_id)
{
    struct flow *flow = flow_hold(shard, ns, workflow_id);
    flow_lock(flow);
    return flow;
}

void flow_recount(struct flow *flow)
{
    size_t bytes = sizeof *flow + flow->workflow_id.n;
    for (const struct exec *x = flow->runs; x; x = x->next)
        bytes += exec_bytes(x);
    flow->shard->bytes += bytes - flow->bytes;
    flow->bytes = bytes;
}

void flow_unlock(struct flow *flow)
{
    for (struct exec *x = flow->runs; x; x = x->next)
        exec_keep_at_hand(x, NULL);
    flow_recount(flow);
    sk_mutex_unlock(&flow->lock);
}

void flow_release(struct flow *flow)
{
    struct sk_shard *shard = flow->shard;
    if (--flow->refs == 0) {
        sk_list_push_back(&shard->idle, &flow->lru);
        if (shard->bytes > shard->bytes_max)
            evict(shard);
    }
}

void flow_leave(struct flow *flow)
{
    flow_unlock(flow);
    flow_release(flow);
}

void flow_attach(struct flow *flow, struct exec *x)
{
    x->next = flow->runs;
    flow->runs = x;
}

static struct exec *flow_find(struct flow *flow, struct sk_uuid id)
{
    for (struct exec *x = flow->runs; x; x = x->next)
        if (memcmp(&x->run_id, &id, sizeof id) == 0)
            return x;
    return NULL;
}

static void flow_detach(struct flow *flow, struct exec *x)
{
    struct exec **at = &flow->runs;
    while (*at && *at != x)
        at = &(*at)->next;
    if (*at)
        *at = x->next;
}

/*
 * The memory of x and the store disagree, or may. Its decided state goes; what was never meant to
 * be stored (a started workflow task, queries that wait) moves to a shell that reload fills.
 */
void flow_forget(struct flow *flow, struct exec *x)
{
    flow_detach(flow, x);
    flow->current_known = false;
    if (!x->start.set && sk_list_empty(&x->queries)) {
        exec_free(x);
        return;
    }
    struct exec *shell = exec_new(flow, x->run_id);
    shell->start = x->start;
    x->start = (struct started){0};
    while (!sk_list_empty(&x->queries))
        sk_list_push_back(&shell->queries, sk_list_pop_front(&x->queries));
    shell->version = -1; // a shell: flow_run_uuid loads it
    flow_attach(flow, shell);
    exec_free(x);
}

/* ---- loading ---- */

#define ASIDE_MAX 10000 /* reasons kept a loop; more are refused as they are met */

static struct sk_str aside_key(const struct sk_uuid *run_id)
{
    return (struct sk_str){(const char *)run_id->b, SK_UUID_SIZE};
}

sk_err flow_set_aside(struct flow *flow, struct sk_ctx *ctx, struct sk_uuid run_id)
{
    struct sk_shard *shard = flow->shard;
    if (sk_map_get(shard->aside, aside_key(&run_id)) || sk_map_count(shard->aside) >= ASIDE_MAX)
        return SK_DATA_LOSS;
    char run_text[SK_UUID_TEXT];
    const char *why = ctx->err.message ? ctx->err.message : "damaged";
    sk_uuid_format(run_id, run_text);
    sk_map_put(shard->aside, aside_key(&run_id), sk_mem_strdup(why));
    shard->stats.quarantined++;
    char *id = sk_arena_strndup(ctx->arena, flow->workflow_id.p, flow->workflow_id.n);
    SK_LOG(ERROR, "engine", "a damaged run is set aside; all others go on",
           SK_KV("workflow_id", id), SK_KV("run_id", run_text), SK_KV("error", why));
    return SK_DATA_LOSS;
}

static sk_err load(struct flow *flow, struct sk_ctx *ctx, struct sk_uuid id, struct exec **ret)
{
    struct sk_engine *e = flow->shard->engine;
    struct sk_exec_row row;
    struct sk_run_key key = {flow->ns, flow->workflow_id, id};
    flow->shard->stats.cache_misses++;
    sk_err err = sk_store_exec_get(e->store, ctx, &key, &row);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        return sk_fail_not_found(ctx, "workflow execution not found for workflow ID \"%.*s\"",
                                 SK_STR_ARG(flow->workflow_id));
    }
    if (err == SK_OK)
        err = exec_from_row(ctx, flow, &row, ret);
    return err == SK_DATA_LOSS ? flow_set_aside(flow, ctx, id) : err;
}

sk_err flow_run_uuid(struct flow *flow, struct sk_ctx *ctx, struct sk_uuid id, struct exec **ret)
{
    struct exec *x = flow_find(flow, id);
    if (x && x->version >= 0) {
        flow->shard->stats.cache_hits++;
        *ret = x;
        return SK_OK;
    }
    const char *why = sk_map_get(flow->shard->aside, aside_key(&id));
    if (why)
        return sk_fail(ctx, SK_DATA_LOSS, "this run is damaged and set aside: %s", why);
    struct exec *loaded = NULL;
    sk_err err = load(flow, ctx, id, &loaded);
    if (err != SK_OK)
        return err;
    if (x) { // a shell: carry over what lives in memory alone
        loaded->start = x->start;
        x->start = (struct started){0};
        while (!sk_list_empty(&x->queries))
            sk_list_push_back(&loaded->queries, sk_list_pop_front(&x->queries));
        flow_detach(flow, x);
        exec_free(x);
    }
    flow_attach(flow, loaded);
    if (loaded->start.set &&
        !(loaded->s->wft && loaded->s->wft->started_ns == 0 &&
          loaded->s->wft->stamp == loaded->start.stamp && exec_running(loaded)))
        loaded->start.set = false; // the commit that failed had in truth written it
    wake_arm(loaded);
    *ret = loaded;
    return SK_OK;
}

sk_err flow_current(struct flow *flow, struct sk_ctx *ctx, struct exec **ret)
{
    if (!flow->current_known) {
        struct sk_uuid id = {{0}};
        sk_err err =
            sk_store_current_get(flow->shard->engine->store, ctx, flow->ns, flow->workflow_id, &id);
        if (err == SK_NOT_FOUND)
            sk_ctx_clear(ctx);
        else if (err != SK_OK)
            return err;
        flow->current = id;
        flow->current_known = true;
    }
    if (uuid_is_zero(flow->current))
        return sk_fail_not_found(ctx, "workflow not found for ID: %.*s",
                                 SK_STR_ARG(flow->workflow_id));
    return flow_run_uuid(flow, ctx, flow->current, ret);
}

sk_err flow_run(struct flow *flow, struct sk_ctx *ctx, const char *run_id, struct exec **ret)
{
    struct sk_uuid id;
    if (!sk_text_set(run_id))
        return flow_current(flow, ctx, ret);
    if (sk_uuid_parse(run_id, &id) != 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Invalid RunId.");
    sk_err err = flow_run_uuid(flow, ctx, id, ret);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        return sk_fail_not_found(
            ctx, "workflow execution not found for workflow ID \"%.*s\" and run ID \"%s\"",
            SK_STR_ARG(flow->workflow_id), run_id);
    }
    return err;
}
