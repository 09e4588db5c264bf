/*
 * Time: which moment a run waits for, and what happens then. One deadline a run, the earliest of
 * all it has, is a column of its row (indexed); it is found again when it comes. In memory a loop
 * holds the deadlines of the next while: those of runs it touched, and those that a scan of the
 * store brought in; each is a timer that enters the run and looks what is due.
 *
 * A deadline in memory may be early (the run moved on) but never late by more than a scan: firing
 * early finds nothing due and arms itself again.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "base/log.h"

#define WINDOW_MS 30000     /* how far ahead the scan looks */
#define SCAN_EVERY_MS 10000 /* and how often */
#define SCAN_LIMIT 10000
#define RETRY_MS 1000 /* after a failed commit */

static int64_t sooner(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t wft_due_ms(const struct exec *x, bool memory_too)
{
    const EN(WorkflowTask) *wft = x->s->wft;
    if (!wft)
        return 0;
    if (wft->started_ns != 0)
        return wft->started_ns / MS_NS + wft->timeout_ms;
    if (memory_too && x->start.set)
        return x->start.started_ns / MS_NS + wft->timeout_ms;
    return wft->schedule_to_start_due_ms;
}

static int64_t due_ms(const struct exec *x, bool memory_too)
{
    const EN(ExecutionState) *s = x->s;
    if (!exec_running(x))
        return s->retain_until_ms;
    int64_t due = wft_due_ms(x, memory_too);
    due = sooner(due, s->first_task_due_ms);
    due = sooner(due, s->run_expires_ms);
    due = sooner(due, s->execution_expires_ms);
    const struct items *activities = &x->items[SK_PART_ACTIVITY];
    for (size_t i = 0; i < activities->n; i++)
        due = sooner(due, activity_due_ms((const EN(Activity) *)activities->v[i].record));
    const struct items *timers = &x->items[SK_PART_TIMER];
    for (size_t i = 0; i < timers->n; i++)
        due = sooner(due, ((const EN(Timer) *)timers->v[i].record)->due_ms);
    return due;
}

int64_t wake_due_ms(const struct exec *x, int64_t now_ms)
{
    (void)now_ms;
    return due_ms(x, false);
}

/* ---- firing ---- */

/* The timer that is due first, if its moment has come. */
static const EN(Timer) *first_due(const struct items *timers, int64_t now)
{
    const EN(Timer) *first = NULL;
    for (size_t i = 0; i < timers->n; i++) {
        const EN(Timer) *timer = (const EN(Timer) *)timers->v[i].record;
        if (timer->due_ms <= now &&
            (!first || timer->due_ms < first->due_ms ||
             (timer->due_ms == first->due_ms && timer->started_id < first->started_id)))
            first = timer;
    }
    return first;
}

/* In the order of their moments: after a time without a server many may be due at once. */
static void fire_timers(struct txn *t)
{
    struct exec *x = t->x;
    int64_t now = txn_now_ms(t);
    const EN(Timer) *timer;
    while ((timer = first_due(&x->items[SK_PART_TIMER], now)) != NULL) {
        HIST(HistoryEvent) *event = txn_event(t, EVENT(TIMER_FIRED));
        event->timer_fired_event_attributes->timer_id =
            sk_arena_strdup(t->ctx->arena, timer->timer_id);
        event->timer_fired_event_attributes->started_event_id = timer->started_id;
        txn_add(t, event); // removes it from the array
        wft_schedule_if_idle(t);
    }
}

static void fire_activities(struct txn *t)
{
    struct items *items = &t->x->items[SK_PART_ACTIVITY];
    for (size_t i = 0; i < items->n;) {
        int64_t id = items->v[i].id;
        activity_check(t, (EN(Activity) *)items->v[i].record, &items->v[i]);
        if (i < items->n && items->v[i].id == id)
            i++;
    }
}

static void fire_workflow_task(struct txn *t)
{
    const EN(WorkflowTask) *wft = t->x->s->wft;
    int64_t now = txn_now_ms(t);
    if (!wft)
        return;
    if (wft->started_ns != 0) {
        if (wft->started_ns / MS_NS + wft->timeout_ms <= now)
            wft_time_out(t, TIMEOUT(START_TO_CLOSE));
    } else if (wft->schedule_to_start_due_ms && wft->schedule_to_start_due_ms <= now) {
        wft_time_out(t, TIMEOUT(SCHEDULE_TO_START));
    }
}

/* All that is due, in the order that a history reader expects: the run's own end first. */
static void fire_due(struct txn *t)
{
    EN(ExecutionState) *s = t->x->s;
    int64_t now = txn_now_ms(t);
    if (s->execution_expires_ms && s->execution_expires_ms <= now) {
        close_timed_out(t, true);
        return;
    }
    if (s->run_expires_ms && s->run_expires_ms <= now) {
        close_timed_out(t, false);
        return;
    }
    if (s->first_task_due_ms && s->first_task_due_ms <= now)
        start_first_task(t, true);
    fire_workflow_task(t);
    fire_timers(t);
    fire_activities(t);
}

static sk_err fire_run(struct sk_shard *shard, struct sk_ctx *ctx, struct flow *flow,
                       struct sk_uuid run_id)
{
    struct exec *x;
    sk_err err = flow_run_uuid(flow, ctx, run_id, &x);
    if (err == SK_NOT_FOUND)
        return SK_OK;
    if (err != SK_OK)
        return err;
    int64_t now = sk_now_wall_ms();
    int64_t due = due_ms(x, true);
    if (due == 0 || due > now) {
        wake_arm(x); // it moved on
        return SK_OK;
    }
    const struct sk_namespace *ns = sk_namespaces_by_id(shard->engine->namespaces, flow->ns);
    if (!ns)
        return SK_OK; // the namespace is being deleted, its runs with it
    if (!exec_running(x))
        return close_delete(ctx, x, NULL);
    struct txn t;
    txn_init(&t, ctx, ns, x);
    fire_due(&t);
    shard->stats.timers_fired++;
    return txn_commit(&t);
}

static void arm(struct sk_shard *shard, const struct sk_run_key *run, int64_t due);

static void run_wake(void *arg)
{
    struct wake *w = arg;
    struct sk_shard *shard = w->shard;
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_ctx ctx = {.arena = arena};
    struct sk_uuid run_id = w->run_id;
    char *id = sk_arena_strndup(arena, w->workflow_id.p, w->workflow_id.n);
    struct flow *flow = flow_enter(shard, w->ns, id);
    /* It is ours alone now; whatever the run arms meanwhile is a new one. */
    sk_map_remove(shard->wakes, (struct sk_str){(const char *)run_id.b, SK_UUID_SIZE});
    sk_err err = shard->engine->closing ? SK_OK : fire_run(shard, &ctx, flow, run_id);
    if (err != SK_OK) {
        SK_LOG(WARN, "engine", "a timer could not be written, trying again",
               SK_KV("workflow_id", id),
               SK_KV("error", ctx.err.message ? ctx.err.message : sk_err_name(err)));
        struct sk_run_key key = {w->ns, w->workflow_id, run_id};
        if (err != SK_DATA_LOSS) // of that the next scan reminds
            arm(shard, &key, sk_now_wall_ms() + RETRY_MS);
    }
    flow_leave(flow);
    sk_mem_free(w);
    sk_arena_free(arena);
}

static void on_wake(struct sk_timer *timer)
{
    struct wake *w = SK_CONTAINER(timer, struct wake, timer);
    w->firing = true;
    shard_spawn(w->shard, run_wake, w);
}

/* ---- arming ---- */

static struct sk_str wake_key(const struct sk_uuid *run_id)
{
    return (struct sk_str){(const char *)run_id->b, SK_UUID_SIZE};
}

static void arm(struct sk_shard *shard, const struct sk_run_key *run, int64_t due)
{
    struct wake *w = sk_map_get(shard->wakes, wake_key(&run->run_id));
    if (w && w->firing)
        return; // it will look by itself
    if (!w) {
        w = sk_mem_zalloc(sizeof *w + run->workflow_id.n);
        char *id = (char *)(w + 1);
        memcpy(id, run->workflow_id.p, run->workflow_id.n);
        w->shard = shard;
        w->ns = run->ns;
        w->workflow_id = (struct sk_str){id, run->workflow_id.n};
        w->run_id = run->run_id;
        sk_timer_init(&w->timer, on_wake);
        sk_map_put(shard->wakes, wake_key(&run->run_id), w);
    }
    w->due_ms = due;
    sk_timer_start(&w->timer, sk_now_mono_ms() + (due - sk_now_wall_ms()));
}

static void disarm(struct sk_shard *shard, const struct sk_uuid *run_id)
{
    struct wake *w = sk_map_get(shard->wakes, wake_key(run_id));
    if (!w || w->firing)
        return;
    sk_map_remove(shard->wakes, wake_key(run_id));
    sk_timer_stop(&w->timer);
    sk_mem_free(w);
}

void wake_arm(struct exec *x)
{
    struct sk_shard *shard = x->flow->shard;
    int64_t due = due_ms(x, true);
    struct sk_run_key key = exec_key(x);
    bool soon = due <= shard->scanned_to_ms || due <= sk_now_wall_ms() + WINDOW_MS;
    if (due != 0 && (soon || x->start.set)) // a start that only memory knows no scan will bring in
        arm(shard, &key, due);
    else
        disarm(shard, &x->run_id);
}

void wake_forget(struct exec *x)
{
    disarm(x->flow->shard, &x->run_id);
}

/* ---- scanning ---- */

static sk_err scan(struct sk_shard *shard, struct sk_ctx *ctx)
{
    struct sk_wake_row *rows;
    size_t count;
    int64_t until = sk_now_wall_ms() + WINDOW_MS;
    sk_err err =
        sk_store_wakes_read(shard->engine->store, ctx, (uint32_t)shard->engine->shard_count,
                            (uint32_t)shard->index, until, SCAN_LIMIT, &rows, &count);
    if (err != SK_OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        /* One that is armed already is set again: the wall clock may have been put forward. It is
         * for another moment than its row says when a task was started in memory alone. */
        const struct wake *w = sk_map_get(shard->wakes, wake_key(&rows[i].run.run_id));
        bool sooner_here = w && w->due_ms < rows[i].wake_ms;
        arm(shard, &rows[i].run, sooner_here ? w->due_ms : rows[i].wake_ms);
    }
    shard->scanned_to_ms = count < SCAN_LIMIT ? until : rows[count - 1].wake_ms;
    return SK_OK;
}

static void run_scan(void *arg)
{
    struct sk_shard *shard = arg;
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_ctx ctx = {.arena = arena};
    if (!shard->engine->closing && scan(shard, &ctx) != SK_OK)
        SK_LOG(WARN, "engine", "timers could not be read from the store",
               SK_KV("error", ctx.err.message));
    sk_arena_free(arena);
    shard->scanning = false;
    if (!shard->engine->closing) {
        bool behind = shard->scanned_to_ms < sk_now_wall_ms() + WINDOW_MS / 2;
        sk_timer_start(&shard->scan_timer, sk_now_mono_ms() + (behind ? 1000 : SCAN_EVERY_MS));
    }
}

static void on_scan(struct sk_timer *timer)
{
    struct sk_shard *shard = SK_CONTAINER(timer, struct sk_shard, scan_timer);
    shard->scanning = true;
    shard_spawn(shard, run_scan, shard);
}

sk_err wake_boot(struct sk_shard *shard, struct sk_ctx *ctx)
{
    sk_timer_init(&shard->scan_timer, on_scan);
    sk_err err = scan(shard, ctx);
    if (err == SK_OK)
        sk_timer_start(&shard->scan_timer, sk_now_mono_ms() + SCAN_EVERY_MS);
    return err;
}

void wake_close(struct sk_shard *shard)
{
    sk_timer_stop(&shard->scan_timer);
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    while (sk_map_next(shard->wakes, &cursor, &key, &value)) {
        struct wake *w = value;
        if (w->firing)
            continue; // its fiber frees it
        sk_timer_stop(&w->timer);
        sk_map_remove(shard->wakes, key);
        sk_mem_free(w);
    }
}
