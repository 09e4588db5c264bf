/*
 * Direct queries: tasks without a row, handed to a poll before anything else.
 *
 * The asker's fiber comes to the owner's loop (sk_rt_call), puts its task into the queue's list and
 * waits to hear that a poll took it. Nobody taking it is told apart as Temporal does: one second
 * before the deadline, when no poll was seen within no_poller_ms, the answer says that the worker
 * may be down; else the wait goes on to the deadline.
 *
 * A query that was taken and given back (its poller's client was gone) returns to the front with
 * nobody waiting here: its asker waits in the engine for the answer. It is dropped at its deadline,
 * by the next take or the sweep.
 *
 * Thread: the owner's loop.
 */
#include "matching/matching_internal.h"

#define NO_POLLER_MARGIN_MS 1000

struct sk_moffer {
    struct sk_matching *matching;
    struct sk_ctx *ctx;
    const struct sk_queue_key *key;
    const struct sk_run_key *run;
    void *query;
    int64_t deadline_mono_ms;
    bool taken;
    sk_err err;
};

struct sk_mtask *sk_mq_take_query(struct sk_mq *q)
{
    struct sk_list *node;
    while ((node = sk_list_pop_front(&q->queries))) {
        struct sk_mtask *t = sk_mtask_at(node);
        if (t->offer) {
            t->offer->taken = true;
            t->offer = NULL;
            sk_waitq_wake_all(&q->query_waiters);
            return t;
        }
        if (t->deadline_mono_ms > sk_now_mono_ms())
            return t;
        sk_mtask_free(t);
    }
    return NULL;
}

void sk_mq_return_query(struct sk_mq *q, struct sk_mtask *t)
{
    sk_list_push_front(&q->queries, &t->task.node);
    sk_mq_dispatch(q);
}

/* all: also those whose asker waits here; it notices that the loop drains. */
void sk_mq_expire_queries(struct sk_mq *q, bool all)
{
    SK_LIST_EACH (node, &q->queries) {
        struct sk_mtask *t = sk_mtask_at(node);
        if (!t->offer && (all || t->deadline_mono_ms <= sk_now_mono_ms())) {
            sk_list_remove(node);
            sk_mtask_free(t);
        }
    }
    if (all)
        sk_waitq_wake_all(&q->query_waiters);
}

static bool polled_lately(const struct sk_mq *q)
{
    if (q->poll_count)
        return true;
    return q->last_poll_ms != INT64_MIN &&
           sk_now_mono_ms() - q->last_poll_ms <= q->loop->matching->o.no_poller_ms;
}

/* Until taken; an error says why not. */
static sk_err wait_taken(struct sk_mq *q, struct sk_moffer *offer)
{
    bool margin = true;
    while (!offer->taken) {
        if (q->loop->draining)
            return sk_fail(offer->ctx, SK_UNAVAILABLE, "the server is shutting down");
        int64_t until_ms = offer->deadline_mono_ms - (margin ? NO_POLLER_MARGIN_MS : 0);
        if (sk_now_mono_ms() < until_ms) {
            sk_waitq_wait(&q->query_waiters, until_ms);
            continue;
        }
        if (!margin)
            return sk_fail(offer->ctx, SK_DEADLINE_EXCEEDED, "context deadline exceeded");
        margin = false;
        if (!polled_lately(q))
            return sk_fail(offer->ctx, SK_FAILED_PRECONDITION,
                           "no poller seen for task queue recently, worker may be down");
    }
    return SK_OK;
}

static void on_offer(void *arg)
{
    struct sk_moffer *offer = arg;
    struct sk_mloop *loop = sk_mloop_here(offer->matching);
    struct sk_mq *q = sk_mq_get(loop, offer->key);
    struct sk_task_row row = {.queue = *offer->key, .run = *offer->run};
    struct sk_mtask *t = sk_mtask_new(offer->matching, &row);
    t->task.query = offer->query;
    t->deadline_mono_ms = offer->deadline_mono_ms;
    t->offer = offer;
    q->used_ms = sk_now_mono_ms();
    q->query_waiting++;
    sk_list_push_back(&q->queries, &t->task.node);
    sk_mq_dispatch(q);
    offer->err = wait_taken(q, offer);
    if (offer->err) {
        sk_list_remove(&t->task.node);
        sk_mtask_free(t);
    }
    q->query_waiting--;
}

sk_err sk_matching_offer_query(struct sk_matching *m, struct sk_ctx *ctx,
                               const struct sk_queue_key *queue, const struct sk_run_key *run,
                               void *query, int64_t deadline_mono_ms)
{
    SK_ASSERT(query);
    struct sk_moffer offer = {
        .matching = m,
        .ctx = ctx,
        .key = queue,
        .run = run,
        .query = query,
        .deadline_mono_ms = deadline_mono_ms,
    };
    sk_rt_call(sk_mq_owner(m, queue), on_offer, &offer);
    return offer.err;
}
