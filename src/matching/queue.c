/*
 * A queue: where tasks and polls meet.
 *
 * Either polls wait or tasks wait, except that tasks wait beside polls while the rate limit has no
 * token or a backlog is being read. sk_mq_dispatch is called after anything changed and brings the
 * two together: queries first, then the head in its order. Polls are served longest waiting first
 * (FIFO), so that work spreads over workers and an unlucky poll does not expire beside a busy one.
 *
 * A task that is announced while a poll waits, nothing is in the head and nothing is unread on
 * disk goes straight to the poll (sync match); else it is kept in order (backlog.c).
 *
 * Life: a queue is made by the first poll, task or question, and freed by the sweep when it is
 * empty in memory and on disk and was not used for idle_unload_ms. A queue with an unread backlog
 * stays known (its row in the map is what remembers the backlog) but gives its tasks back to the
 * disk. The sweep's timer runs only while there are queues.
 *
 * Thread: the owner's loop. Nothing here waits.
 */
#include "figures/rings.h"
#include "matching/matching_internal.h"

#define SWEEPS_AN_IDLE_TIME 4

static struct sk_str map_key(struct sk_mloop *loop, const struct sk_queue_key *key)
{
    uint32_t head[2] = {key->ns, (uint32_t)key->kind};
    sk_buf_clear(&loop->key);
    sk_buf_append(&loop->key, head, sizeof head);
    sk_buf_append(&loop->key, key->name.p, key->name.n);
    return sk_buf_view(&loop->key);
}

static void on_wake(struct sk_timer *timer)
{
    sk_mq_dispatch(SK_CONTAINER(timer, struct sk_mq, wake));
}

static struct sk_mq *queue_new(struct sk_mloop *loop, const struct sk_queue_key *key)
{
    struct sk_mq *q = sk_mem_zalloc(sizeof *q + key->name.n + 1);
    memcpy(q->name, key->name.p, key->name.n);
    q->loop = loop;
    q->key = *key;
    q->key.name.p = q->name;
    q->used_ms = sk_now_mono_ms();
    q->last_poll_ms = INT64_MIN;
    q->cursor = SK_PLACE_LAST; // rows from before were found by sk_matching_open
    q->missed = SK_PLACE_LAST;
    sk_list_init(&q->polls);
    sk_list_init(&q->queries);
    sk_list_init(&q->pending);
    sk_list_init(&q->poller_order);
    sk_waitq_init(&q->query_waiters);
    sk_mhead_init(&q->head);
    sk_mlimit_init(&q->limit);
    sk_timer_init(&q->wake, on_wake);
    sk_timer_init(&q->lapse, sk_mq_on_lapse);
    return q;
}

struct sk_mq *sk_mq_find(struct sk_mloop *loop, const struct sk_queue_key *key)
{
    SK_DASSERT(sk_mq_owner(loop->matching, key) == loop->index);
    return sk_map_get(loop->queues, map_key(loop, key));
}

struct sk_mq *sk_mq_get(struct sk_mloop *loop, const struct sk_queue_key *key)
{
    struct sk_mq *q = sk_mq_find(loop, key);
    if (!q) {
        q = queue_new(loop, key);
        sk_list_push_back(&loop->all, &q->node);
        sk_map_put(loop->queues, map_key(loop, &q->key), q);
        if (!sk_timer_running(&loop->sweep))
            sk_timer_start(&loop->sweep,
                           q->used_ms + loop->matching->o.idle_unload_ms / SWEEPS_AN_IDLE_TIME);
    }
    return q;
}

void sk_mq_free(struct sk_mq *q)
{
    SK_ASSERT(!q->poll_count && !q->reading && !q->query_waiting);
    struct sk_mtask *t;
    SK_STAT_SUB(q->loop->head_tasks, q->head.count);
    while ((t = sk_mhead_pop(&q->head)))
        sk_mtask_free(t);
    SK_ASSERT(sk_list_empty(&q->pending));
    sk_mq_expire_queries(q, true);
    sk_mq_expire_pollers(q, true);
    if (q->fair)
        sk_fair_detach(q->fair);
    sk_timer_stop(&q->wake);
    sk_timer_stop(&q->lapse);
    sk_list_remove(&q->node);
    sk_map_remove(q->loop->queues, map_key(q->loop, &q->key));
    sk_mem_free(q);
}

/* ---- matching ---- */

/* For the figures. A sticky queue is a worker's: its tasks count as those of the queue that it
 * stands for. */
static void note(struct sk_mq *q, const struct sk_mtask *t, int number)
{
    const struct sk_task_row *row = &t->task.row;
    struct sk_rings *rings = q->loop->matching->o.rings;
    bool workflow = q->key.kind == SK_TASK_WORKFLOW;
    int64_t us = -1;
    if (number == SK_QUEUE_DISPATCHED) {
        int64_t waited_ms = sk_now_wall_ms() - row->created_ms;
        us = waited_ms > 0 ? waited_ms * 1000 : 0;
        sk_rings_note_time(rings, SK_SERVER_SCHEDULE_TO_START, us);
    }
    sk_rings_note(rings, workflow ? SK_FIGURE_WORKFLOW_QUEUE : SK_FIGURE_ACTIVITY_QUEUE, q->key.ns,
                  q->sticky && row->fallback_queue.n ? row->fallback_queue : q->key.name, number,
                  us);
}

static void hand_out(struct sk_mq *q, struct sk_mtask *t, bool sync)
{
    struct sk_poll *poll = SK_CONTAINER(q->polls.next, struct sk_poll, node);
    if (!t->task.query) {
        sk_mrate_count(&q->dispatched[sk_mhead_level(t->task.row.priority)], sk_now_mono_ms());
        note(q, t, SK_QUEUE_DISPATCHED);
    }
    if (t->task.row.pass > 0) {
        if (!q->fair)
            q->fair = sk_fair_attach(q->loop, &q->key);
        sk_fair_handed_out(q->fair, &t->task.row);
    }
    if (sync)
        SK_STAT_ADD(q->loop->sync_matches, 1);
    else
        SK_STAT_ADD(q->loop->backlog_matches, 1);
    sk_mpoll_finish(q, poll, SK_POLL_TASK, &t->task);
}

void sk_mq_wake_at(struct sk_mq *q, int64_t due_ms)
{
    if (due_ms != INT64_MAX && (!sk_timer_running(&q->wake) || due_ms < q->wake.node.key))
        sk_timer_start(&q->wake, due_ms);
}

void sk_mq_dispatch(struct sk_mq *q)
{
    struct sk_mtask *t;
    while (q->poll_count && (t = sk_mq_take_query(q)))
        hand_out(q, t, true);
    while (q->poll_count && q->head.count) {
        if (!sk_mlimit_take(&q->limit, sk_now_mono_ms())) {
            sk_mrate_count(&q->limited, sk_now_mono_ms());
            sk_mq_wake_at(q, sk_mlimit_due(&q->limit, sk_now_mono_ms()));
            break;
        }
        t = sk_mhead_pop(&q->head);
        SK_STAT_SUB(q->loop->head_tasks, 1);
        hand_out(q, t, false);
    }
    sk_mq_read_if_wanted(q);
}

static bool all_clear(const struct sk_mq *q)
{
    return q->poll_count && !q->head.count && !q->reading && q->cursor.priority == INT32_MAX;
}

void sk_mq_offer_task(struct sk_mq *q, struct sk_mtask *t)
{
    q->used_ms = sk_now_mono_ms();
    sk_mq_saw_task(q, t);
    if (t->task.row.seq > q->seq_seen)
        q->seq_seen = t->task.row.seq;
    if (t->fresh) {
        sk_mrate_count(&q->added[sk_mhead_level(t->task.row.priority)], q->used_ms);
        note(q, t, SK_QUEUE_ADDED);
    }
    if (all_clear(q) && sk_mlimit_take(&q->limit, q->used_ms)) {
        bool sync = t->fresh;
        t->fresh = false;
        hand_out(q, t, sync);
        return;
    }
    t->fresh = false;
    sk_mq_keep(q, t);
    sk_mq_dispatch(q);
    if (q->sticky)
        sk_mq_arm_lapse(q);
}

/* ---- idleness ---- */

static void sweep_queue(struct sk_mq *q, int64_t now_ms)
{
    sk_mq_expire_queries(q, false);
    sk_mq_expire_pollers(q, false);
    bool busy = q->poll_count || q->reading || q->query_waiting || !sk_list_empty(&q->queries);
    if (busy || now_ms - q->used_ms < q->loop->matching->o.idle_unload_ms)
        return;
    sk_mq_spill_all(q);
    if (!q->head.count && q->cursor.priority == INT32_MAX)
        sk_mq_free(q);
}

void sk_mloop_on_sweep(struct sk_timer *timer)
{
    struct sk_mloop *loop = SK_CONTAINER(timer, struct sk_mloop, sweep);
    int64_t now_ms = sk_now_mono_ms();
    SK_LIST_EACH (at, &loop->all)
        sweep_queue(SK_CONTAINER(at, struct sk_mq, node), now_ms);
    sk_fair_sweep(loop, now_ms - loop->matching->o.idle_unload_ms);
    if (!sk_list_empty(&loop->all))
        sk_timer_start(timer, now_ms + loop->matching->o.idle_unload_ms / SWEEPS_AN_IDLE_TIME);
}
