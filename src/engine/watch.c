/*
 * Watches: parked waits for a run to change (long polls of histories). The waiting side lives on
 * the caller's loop (struct sk_watch), the armed side on the loop that owns the run (struct
 * watcher); they share the watcher by reference count and each touches only its own fields, so
 * that a change and an unwatch may cross on the way.
 */
#include <stdatomic.h>
#include <string.h>
#include "engine/engine_internal.h"

struct watcher {
    struct sk_list node; /* owner: in flow->watches while armed */
    struct sk_engine *e;
    atomic_int refs;
    bool fired;             /* owner */
    struct sk_watch *watch; /* home: NULL once on_change ran */
    int home_loop;
    sk_ns_id ns;
    struct sk_uuid run_id;
    int64_t after_event_id;
    bool close_only;
    char workflow_id[]; /* NUL-terminated */
};

static void watcher_unref(struct watcher *w)
{
    if (atomic_fetch_sub(&w->refs, 1) == 1)
        sk_mem_free(w);
}

static void on_home(void *arg)
{
    struct watcher *w = arg;
    struct sk_watch *watch = w->watch;
    w->watch = NULL;
    watcher_unref(w);
    watch->on_change(watch);
}

/* On the owner's loop. The reference that was made for firing goes with the message. */
static void fire(struct watcher *w)
{
    if (w->fired)
        return;
    w->fired = true;
    sk_list_remove(&w->node);
    sk_rt_post(sk_rt_current(), w->home_loop, on_home, w);
}

static bool holds(const struct watcher *w, const struct exec *x)
{
    if (memcmp(&x->run_id, &w->run_id, sizeof x->run_id) != 0)
        return false;
    if (!exec_running(x))
        return true;
    return !w->close_only && x->s->next_event_id - 1 > w->after_event_id;
}

void flow_notify(struct flow *flow)
{
    SK_LIST_EACH (node, &flow->watches) {
        struct watcher *w = SK_CONTAINER(node, struct watcher, node);
        for (struct exec *x = flow->runs; x; x = x->next)
            if (x->version > 0 && holds(w, x)) {
                fire(w);
                break;
            }
    }
}

static void arm(void *arg)
{
    struct watcher *w = arg;
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_ctx ctx = {.arena = arena};
    struct flow *flow = flow_enter(w->e->shards[sk_rt_loop_index()], w->ns, w->workflow_id);
    struct exec *x = NULL;
    if (w->e->draining || flow_run_uuid(flow, &ctx, w->run_id, &x) != SK_OK || holds(w, x))
        fire(w);
    else if (!w->fired)
        sk_list_push_back(&flow->watches, &w->node);
    flow_leave(flow);
    watcher_unref(w);
    sk_arena_free(arena);
}

static void disarm(void *arg)
{
    struct watcher *w = arg;
    /* Behind the arming fiber in the flow's queue, so that it cannot arm afterwards. */
    struct flow *flow = flow_enter(w->e->shards[sk_rt_loop_index()], w->ns, w->workflow_id);
    fire(w);
    flow_leave(flow);
    watcher_unref(w);
}

static void spawn_arm(void *arg)
{
    struct watcher *w = arg;
    shard_spawn(w->e->shards[sk_rt_loop_index()], arm, w);
}

static void spawn_disarm(void *arg)
{
    struct watcher *w = arg;
    shard_spawn(w->e->shards[sk_rt_loop_index()], disarm, w);
}

static int owner_loop(const struct watcher *w)
{
    return shard_of(w->e, w->ns, w->workflow_id)->index;
}

void sk_engine_watch(struct sk_engine *engine, struct sk_watch *watch)
{
    size_t n = watch->run.workflow_id.n;
    struct watcher *w = sk_mem_zalloc(sizeof *w + n + 1);
    sk_list_init(&w->node);
    w->e = engine;
    w->watch = watch;
    w->home_loop = watch->home_loop;
    w->ns = watch->run.ns;
    w->run_id = watch->run.run_id;
    w->after_event_id = watch->after_event_id;
    w->close_only = watch->close_only;
    memcpy(w->workflow_id, watch->run.workflow_id.p, n);
    atomic_init(&w->refs, 2); // one for arming, one for firing
    watch->watcher = w;
    sk_rt_post(sk_rt_current(), owner_loop(w), spawn_arm, w);
}

void sk_engine_unwatch(struct sk_engine *engine, struct sk_watch *watch)
{
    (void)engine;
    struct watcher *w = watch->watcher;
    atomic_fetch_add(&w->refs, 1);
    sk_rt_post(sk_rt_current(), owner_loop(w), spawn_disarm, w);
}

static void drain_shard(void *arg)
{
    struct sk_shard *shard = arg;
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    while (sk_map_next(shard->flows, &cursor, &key, &value)) {
        struct flow *flow = value;
        SK_LIST_EACH (node, &flow->watches)
            fire(SK_CONTAINER(node, struct watcher, node));
    }
}

void sk_engine_drain(struct sk_engine *engine)
{
    engine->draining = true; // read by arm on every loop: set before the loops are told
    for (int i = 0; i < engine->shard_count; i++)
        sk_rt_call(i, drain_shard, engine->shards[i]);
}
