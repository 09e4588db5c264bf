#include "fixture.h"

#include <stdlib.h>
#include "base/log.h"

struct rows_store test_store;

static int row_cmp(const struct sk_task_row *a, const struct sk_task_row *b)
{
    if (a->queue.ns != b->queue.ns)
        return a->queue.ns < b->queue.ns ? -1 : 1;
    if (a->queue.kind != b->queue.kind)
        return a->queue.kind < b->queue.kind ? -1 : 1;
    int names = sk_str_cmp(a->queue.name, b->queue.name);
    if (names)
        return names;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (a->pass != b->pass)
        return a->pass < b->pass ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static bool same_queue(const struct sk_queue_key *a, const struct sk_queue_key *b)
{
    return a->ns == b->ns && a->kind == b->kind && sk_str_eq(a->name, b->name);
}

/* The first row not before `row`. */
static size_t lower_bound(const struct rows_store *s, const struct sk_task_row *row)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (row_cmp(&s->rows[mid], row) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct sk_str own(struct sk_str s)
{
    return s.n ? (struct sk_str){sk_mem_strndup(s.p, s.n), s.n} : (struct sk_str){0};
}

static void disown(struct sk_str s)
{
    sk_mem_free((void *)(uintptr_t)s.p);
}

static void row_fini(struct sk_task_row *row)
{
    disown(row->queue.name);
    disown(row->run.workflow_id);
    disown(row->fallback_queue);
    disown(row->fairness_key);
}

void rows_put(struct rows_store *s, const struct sk_task_row *row)
{
    pthread_mutex_lock(&s->lock);
    size_t at = lower_bound(s, row);
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->rows = sk_mem_realloc(s->rows, s->capacity * sizeof *s->rows);
    }
    memmove(&s->rows[at + 1], &s->rows[at], (s->count - at) * sizeof *s->rows);
    s->rows[at] = *row;
    s->rows[at].queue.name = own(row->queue.name);
    s->rows[at].run.workflow_id = own(row->run.workflow_id);
    s->rows[at].fallback_queue = own(row->fallback_queue);
    s->rows[at].fairness_key = own(row->fairness_key);
    s->count++;
    pthread_mutex_unlock(&s->lock);
}

bool rows_delete(struct rows_store *s, const struct sk_task_row *row)
{
    pthread_mutex_lock(&s->lock);
    size_t at = lower_bound(s, row);
    bool found = at < s->count && !row_cmp(&s->rows[at], row);
    if (found) {
        row_fini(&s->rows[at]);
        memmove(&s->rows[at], &s->rows[at + 1], (s->count - at - 1) * sizeof *s->rows);
        s->count--;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

static struct sk_task_row copy_row(struct sk_arena *arena, const struct sk_task_row *row)
{
    struct sk_task_row to = *row;
    to.queue.name.p = sk_arena_strndup(arena, row->queue.name.p, row->queue.name.n);
    to.run.workflow_id.p = sk_arena_strndup(arena, row->run.workflow_id.p, row->run.workflow_id.n);
    if (row->fairness_key.n)
        to.fairness_key.p = sk_arena_strndup(arena, row->fairness_key.p, row->fairness_key.n);
    if (row->fallback_queue.n)
        to.fallback_queue.p = sk_arena_strndup(arena, row->fallback_queue.p, row->fallback_queue.n);
    return to;
}

static void dawdle(const struct rows_store *s)
{
    if (s->delay_ms)
        sk_fiber_sleep((int64_t)sk_random_below(sk_rt_random(), (uint64_t)s->delay_ms + 1));
}

static sk_err tasks_read(struct sk_store *store, struct sk_ctx *ctx,
                         const struct sk_task_range *range, struct sk_task_row **ret,
                         size_t *ret_count)
{
    struct rows_store *s = SK_CONTAINER(store, struct rows_store, store);
    dawdle(s); // the snapshot lies somewhere between call and return
    pthread_mutex_lock(&s->lock);
    s->reads++;
    bool fails = s->fail_reads > 0 && s->fail_reads--;
    struct sk_task_row from = {.queue = *range->queue,
                               .priority = range->after.priority,
                               .pass = range->after.pass,
                               .seq = range->after.seq};
    size_t at = lower_bound(s, &from), n = 0;
    if (!range->reverse && at < s->count && !row_cmp(&s->rows[at], &from))
        at++;
    *ret = SK_NEW_N(ctx->arena, struct sk_task_row, range->limit);
    for (; n < range->limit && (range->reverse ? at > 0 : at < s->count); n++) {
        const struct sk_task_row *row = &s->rows[range->reverse ? --at : at++];
        if (!same_queue(&row->queue, range->queue))
            break;
        (*ret)[n] = copy_row(ctx->arena, row);
    }
    *ret_count = n;
    pthread_mutex_unlock(&s->lock);
    dawdle(s);
    return fails ? sk_fail(ctx, SK_UNAVAILABLE, "the test says so") : SK_OK;
}

static sk_err queues_read(struct sk_store *store, struct sk_ctx *ctx, struct sk_queue_key **ret,
                          size_t *ret_count)
{
    struct rows_store *s = SK_CONTAINER(store, struct rows_store, store);
    *ret = SK_NEW_N(ctx->arena, struct sk_queue_key, s->count);
    *ret_count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (!i || !same_queue(&s->rows[i].queue, &s->rows[i - 1].queue))
            (*ret)[(*ret_count)++] = copy_row(ctx->arena, &s->rows[i]).queue;
    return SK_OK;
}

static sk_err task_count(struct sk_store *store, struct sk_ctx *ctx,
                         const struct sk_queue_key *queue, int64_t *ret_count,
                         int64_t *ret_oldest_ms)
{
    struct rows_store *s = SK_CONTAINER(store, struct rows_store, store);
    (void)ctx;
    *ret_count = *ret_oldest_ms = 0;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count; i++)
        if (same_queue(&s->rows[i].queue, queue) && !(*ret_count)++)
            *ret_oldest_ms = s->rows[i].created_ms;
    pthread_mutex_unlock(&s->lock);
    return SK_OK;
}

static sk_err meta_get(struct sk_store *store, struct sk_ctx *ctx, struct sk_str kind,
                       struct sk_str key, struct sk_meta_row *ret)
{
    struct rows_store *s = SK_CONTAINER(store, struct rows_store, store);
    if (!s->meta_version)
        return sk_fail(ctx, SK_NOT_FOUND, "no such record");
    char *text = sk_arena_printf(ctx->arena, "%lld", (long long)s->meta_value);
    *ret = (struct sk_meta_row){kind, key, sk_str_of(text), s->meta_version};
    return SK_OK;
}

static sk_err meta_put(struct sk_store *store, struct sk_ctx *ctx, const struct sk_meta_row *row)
{
    struct rows_store *s = SK_CONTAINER(store, struct rows_store, store);
    if (row->version != s->meta_version + 1)
        return sk_fail(ctx, SK_CONDITION, "changed meanwhile");
    s->meta_version = row->version;
    s->meta_value = strtoll(sk_arena_strndup(ctx->arena, row->value.p, row->value.n), NULL, 10);
    return SK_OK;
}

static const struct sk_store_ops rows_ops = {
    .name = "rows",
    .tasks_read = tasks_read,
    .queues_read = queues_read,
    .task_count = task_count,
    .meta_get = meta_get,
    .meta_put = meta_put,
};

void rows_store_init(struct rows_store *s)
{
    *s = (struct rows_store){.store = {&rows_ops}, .lock = PTHREAD_MUTEX_INITIALIZER};
}

void rows_store_fini(struct rows_store *s)
{
    for (size_t i = 0; i < s->count; i++)
        row_fini(&s->rows[i]);
    sk_mem_free(s->rows);
}

/* ---- running ---- */

static void run_body(void *arg)
{
    void (*fn)(void) = *(void (**)(void))arg;
    fn();
    sk_rt_stop(sk_rt_current());
}

static void run(const struct sk_rt_options *options, void (*fn)(void))
{
    sk_log_threshold = SK_LOG_ERROR;
    rows_store_init(&test_store);
    struct sk_rt *rt = sk_rt_new(options);
    sk_rt_run(rt, run_body, &fn);
    sk_rt_free(rt);
    rows_store_fini(&test_store);
}

void run_simulated(int loops, uint64_t seed, void (*fn)(void))
{
    run(&(struct sk_rt_options){.loop_count = loops,
                                .simulated = true,
                                .seed = seed,
                                .start_wall_ms = INT64_C(1700000000000)},
        fn);
}

void run_threads(int loops, void (*fn)(void))
{
    run(&(struct sk_rt_options){.loop_count = loops}, fn);
}

struct sk_matching *matching_new(size_t head_max)
{
    return sk_matching_new(
        &(struct sk_matching_options){.store = &test_store.store, .head_max = head_max});
}

/* ---- rows and polls ---- */

struct sk_queue_key queue_key(enum sk_task_kind kind, const char *name)
{
    return (struct sk_queue_key){1, kind, sk_str_of(name)};
}

struct sk_task_row row_of(struct sk_queue_key queue, int32_t priority, int64_t seq,
                          const char *fallback)
{
    return (struct sk_task_row){
        .queue = queue,
        .priority = priority,
        .seq = seq,
        .run = {.ns = queue.ns, .workflow_id = SK_STR("w")},
        .created_ms = sk_now_wall_ms(),
        .fallback_queue = sk_str_of(fallback),
    };
}

void add(struct sk_matching *m, struct sk_task_row row)
{
    rows_put(&test_store, &row);
    sk_matching_add(m, &row);
}

static void on_end(struct sk_poll *poll, enum sk_poll_end end, struct sk_task *task)
{
    struct test_poll *p = SK_CONTAINER(poll, struct test_poll, poll);
    CHECK(!p->over);
    CHECK(!sk_fiber_current());
    CHECK(sk_rt_loop_index() == poll->home_loop);
    CHECK((end == SK_POLL_TASK) == (task != NULL));
    p->over = true;
    p->ended = end;
    p->got = task;
    if (p->then)
        p->then(p);
}

void poll_start(struct sk_matching *m, struct test_poll *p, struct sk_queue_key queue,
                int64_t timeout_ms)
{
    p->over = false;
    p->got = NULL;
    p->poll.queue = queue;
    p->poll.home_loop = sk_rt_loop_index();
    p->poll.deadline_mono_ms = sk_now_mono_ms() + timeout_ms;
    p->poll.on_end = on_end;
    sk_matching_poll(m, &p->poll);
    CHECK(!p->over);
}

struct sk_task *poll_wait(struct test_poll *p)
{
    while (!p->over)
        sk_fiber_sleep(1);
    return p->got;
}

int64_t poll_one(struct sk_matching *m, struct sk_queue_key queue, int64_t timeout_ms)
{
    struct test_poll p = {.poll = {.rate_limit = -1}};
    poll_start(m, &p, queue, timeout_ms);
    struct sk_task *task = poll_wait(&p);
    if (!task)
        return 0;
    int64_t seq = task->row.seq;
    rows_delete(&test_store, &task->row);
    sk_matching_done(m, task);
    return seq;
}

struct sk_matching_stats stats_of(struct sk_matching *m)
{
    struct sk_matching_stats stats;
    sk_matching_stats(m, &stats);
    return stats;
}
