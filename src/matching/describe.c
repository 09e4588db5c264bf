/*
 * What people may ask about a queue: who polled it lately, how long its backlog is, how fast tasks
 * come and go.
 *
 * Pollers are kept by identity, newest value each, for poller_history_ms and at most
 * SK_MQ_POLLERS_MAX a queue; the least recent go first. Rates are counts in buckets of five
 * seconds. The count of a backlog that lies on disk is the store's, and approximate: workflow
 * tasks that are started but not finished still have their rows. By priority, what is beyond memory
 * is put to the level where the unread part begins.
 *
 * Thread: the owner's loop; sk_matching_describe comes over by sk_rt_call.
 */
#include "matching/matching_internal.h"

#define DEFAULT_PRIORITY 3

struct sk_mpoller {
    struct sk_list node;    /* q->poller_order */
    int64_t last_access_ms; /* wall */
    int64_t seen_mono_ms;
    double rate_limit;
    char *build_id, *deployment; /* owned, may be NULL */
    size_t identity_size;
    char identity[];
};

/* ---- pollers ---- */

static void set_text(char **have, const char *text)
{
    if (text && !*text)
        text = NULL;
    if (text && *have && !strcmp(*have, text))
        return;
    sk_mem_free(*have);
    *have = text ? sk_mem_strdup(text) : NULL;
}

static void forget(struct sk_mq *q, struct sk_mpoller *p)
{
    sk_map_remove(q->pollers, (struct sk_str){p->identity, p->identity_size});
    sk_list_remove(&p->node);
    sk_mem_free(p->build_id);
    sk_mem_free(p->deployment);
    sk_mem_free(p);
}

static struct sk_mpoller *poller_new(struct sk_mq *q, struct sk_str identity)
{
    if (!q->pollers)
        q->pollers = sk_map_new();
    if (sk_map_count(q->pollers) >= SK_MQ_POLLERS_MAX)
        forget(q, SK_CONTAINER(q->poller_order.next, struct sk_mpoller, node));
    struct sk_mpoller *p = sk_mem_zalloc(sizeof *p + identity.n + 1);
    memcpy(p->identity, identity.p, identity.n);
    p->identity_size = identity.n;
    sk_list_init(&p->node);
    sk_map_put(q->pollers, identity, p);
    return p;
}

void sk_mq_saw_poller(struct sk_mq *q, const struct sk_poll *poll)
{
    struct sk_str identity = sk_str_of(poll->identity);
    if (!identity.n)
        return;
    struct sk_mpoller *p = q->pollers ? sk_map_get(q->pollers, identity) : NULL;
    if (!p)
        p = poller_new(q, identity);
    p->last_access_ms = sk_now_wall_ms();
    p->seen_mono_ms = sk_now_mono_ms();
    p->rate_limit = poll->rate_limit;
    set_text(&p->build_id, poll->build_id);
    set_text(&p->deployment, poll->deployment);
    sk_list_remove(&p->node);
    sk_list_push_back(&q->poller_order, &p->node);
}

void sk_mq_expire_pollers(struct sk_mq *q, bool all)
{
    int64_t oldest_ms = sk_now_mono_ms() - q->loop->matching->o.poller_history_ms;
    SK_LIST_EACH (at, &q->poller_order) {
        struct sk_mpoller *p = SK_CONTAINER(at, struct sk_mpoller, node);
        if (!all && p->seen_mono_ms >= oldest_ms)
            break;
        forget(q, p);
    }
    if (all) {
        sk_map_free(q->pollers);
        q->pollers = NULL;
    }
}

/* ---- rates ---- */

static void advance(struct sk_mrate *rate, int64_t bucket)
{
    if (bucket - rate->bucket >= SK_MQ_RATE_BUCKETS)
        memset(rate->counts, 0, sizeof rate->counts);
    else
        for (int64_t b = rate->bucket + 1; b <= bucket; b++)
            rate->counts[b % SK_MQ_RATE_BUCKETS] = 0;
    rate->bucket = bucket;
}

void sk_mrate_count(struct sk_mrate *rate, int64_t now_ms)
{
    int64_t bucket = now_ms / SK_MQ_RATE_BUCKET_MS;
    if (bucket != rate->bucket)
        advance(rate, bucket);
    rate->counts[bucket % SK_MQ_RATE_BUCKETS]++;
}

double sk_mrate_per_second(const struct sk_mrate *rate, int64_t now_ms)
{
    struct sk_mrate r = *rate;
    advance(&r, now_ms / SK_MQ_RATE_BUCKET_MS);
    uint64_t sum = 0;
    for (int i = 0; i < SK_MQ_RATE_BUCKETS; i++)
        sum += r.counts[i];
    int64_t span_ms =
        (SK_MQ_RATE_BUCKETS - 1) * SK_MQ_RATE_BUCKET_MS + now_ms % SK_MQ_RATE_BUCKET_MS;
    return (double)sum * 1000 / (double)span_ms;
}

/* ---- the answer ---- */

struct question {
    struct sk_matching *matching;
    struct sk_ctx *ctx;
    const struct sk_queue_key *key;
    struct sk_queue_info *ret;
    bool on_disk; /* ask the store for the count */
    int level;    /* where what is on disk begins */
};

static void list_pollers(struct sk_mq *q, struct sk_arena *arena, struct sk_queue_info *ret)
{
    sk_mq_expire_pollers(q, false);
    size_t count = q->pollers ? sk_map_count(q->pollers) : 0;
    ret->pollers = SK_NEW_N(arena, struct sk_poller_info, count);
    for (struct sk_list *at = q->poller_order.prev; at != &q->poller_order; at = at->prev) {
        const struct sk_mpoller *p = SK_CONTAINER(at, struct sk_mpoller, node);
        ret->pollers[ret->poller_count++] = (struct sk_poller_info){
            .identity = sk_arena_strdup(arena, p->identity),
            .build_id = sk_arena_strdup(arena, p->build_id),
            .deployment = sk_arena_strdup(arena, p->deployment),
            .last_access_ms = p->last_access_ms,
            .rate_limit = p->rate_limit,
        };
    }
}

static int64_t age_of(int64_t created_ms)
{
    int64_t age_ms = sk_now_wall_ms() - created_ms;
    return age_ms > 0 ? age_ms : 0;
}

/* One priority: its tasks in memory and its rates. Returns the lowest seq, INT64_MAX when none. */
static int64_t measure_level(const struct sk_mq *q, int i, int64_t now_ms,
                             struct sk_queue_level *ret)
{
    int64_t first_seq = INT64_MAX, oldest_ms = INT64_MAX;
    *ret = (struct sk_queue_level){
        .priority = i + 1,
        .add_rate = sk_mrate_per_second(&q->added[i], now_ms),
        .dispatch_rate = sk_mrate_per_second(&q->dispatched[i], now_ms),
    };
    for (struct sk_list *at = q->head.level[i].next; at != &q->head.level[i]; at = at->next) {
        const struct sk_task_row *row = &sk_mtask_at(at)->task.row;
        oldest_ms = row->created_ms < oldest_ms ? row->created_ms : oldest_ms;
        first_seq = row->seq < first_seq ? row->seq : first_seq;
        ret->backlog_count++;
    }
    if (ret->backlog_count)
        ret->backlog_age_ms = age_of(oldest_ms);
    return first_seq;
}

static void measure(const struct sk_mq *q, struct sk_queue_info *ret)
{
    int64_t now_ms = sk_now_mono_ms(), first_seq = INT64_MAX;
    for (int i = 0; i < SK_MQ_PRIORITIES; i++) {
        struct sk_queue_level *level = &ret->levels[i];
        int64_t seq = measure_level(q, i, now_ms, level);
        first_seq = seq < first_seq ? seq : first_seq;
        ret->backlog_count += level->backlog_count;
        if (level->backlog_age_ms > ret->backlog_age_ms)
            ret->backlog_age_ms = level->backlog_age_ms;
        ret->add_rate += level->add_rate;
        ret->dispatch_rate += level->dispatch_rate;
    }
    ret->read_level = q->cursor.priority == INT32_MAX ? q->seq_seen : q->cursor.seq;
    if (ret->read_level < 0)
        ret->read_level = 0; // nothing read yet
    ret->ack_level = q->head.count ? first_seq - 1 : ret->read_level;
    ret->rate_limit = q->limit.per_second;
    ret->rate_limiting = sk_mrate_per_second(&q->limited, now_ms) > 0;
}

static void on_question(void *arg)
{
    struct question *question = arg;
    struct sk_queue_info *ret = question->ret;
    struct sk_mq *q = sk_mq_find(sk_mloop_here(question->matching), question->key);
    *ret = (struct sk_queue_info){.rate_limit = -1};
    if (!q)
        return;
    list_pollers(q, question->ctx->arena, ret);
    measure(q, ret);
    ret->waiting_polls = q->poll_count;
    if (q->last_poll_ms != INT64_MIN)
        ret->last_poll_ms = sk_now_wall_ms() - (sk_now_mono_ms() - q->last_poll_ms);
    question->level = q->cursor.priority == INT32_MIN ? sk_mhead_level(DEFAULT_PRIORITY)
                                                      : sk_mhead_level(q->cursor.priority);
    question->on_disk = q->cursor.priority != INT32_MAX;
}

sk_err sk_matching_describe(struct sk_matching *m, struct sk_ctx *ctx,
                            const struct sk_queue_key *queue, struct sk_queue_info *ret)
{
    struct question question = {.matching = m, .ctx = ctx, .key = queue, .ret = ret};
    sk_rt_call(sk_mq_owner(m, queue), on_question, &question);
    if (!question.on_disk)
        return SK_OK;
    int64_t count, oldest_ms;
    sk_err err = sk_store_task_count(m->o.store, ctx, queue, &count, &oldest_ms);
    if (err)
        return err;
    if (count > ret->backlog_count) {
        ret->levels[question.level].backlog_count += count - ret->backlog_count;
        ret->backlog_count = count;
    }
    int64_t age_ms = count ? age_of(oldest_ms) : 0;
    if (age_ms > ret->backlog_age_ms)
        ret->backlog_age_ms = ret->levels[question.level].backlog_age_ms = age_ms;
    return SK_OK;
}
