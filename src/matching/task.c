/*
 * Tasks: made from a row, sent to the queue that shall dispatch them, handed out, given back.
 *
 * A task is one allocation and belongs to exactly one place: a message under way, a queue's head,
 * or whoever was handed it. `sticky` says on which of its two queues it is dispatched: on its own
 * (row.queue) or on row.fallback_queue; it turns false for good once the sticky queue was dead.
 *
 * Thread: any; a task that crosses loops is posted.
 */
#include "matching/matching_internal.h"

static struct sk_str put(char **at, struct sk_str s)
{
    char *p = *at;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    *at += s.n + 1;
    return (struct sk_str){p, s.n};
}

struct sk_mtask *sk_mtask_new(struct sk_matching *m, const struct sk_task_row *row)
{
    size_t text = row->queue.name.n + row->run.workflow_id.n + row->fairness_key.n +
                  row->fallback_queue.n + row->version.n + 5;
    struct sk_mtask *t = sk_mem_alloc(sizeof *t + text);
    *t = (struct sk_mtask){.matching = m};
    struct sk_task_row *to = &t->task.row;
    char *at = t->text;
    *to = *row;
    to->queue.name = put(&at, row->queue.name);
    to->run.workflow_id = put(&at, row->run.workflow_id);
    to->fairness_key = put(&at, row->fairness_key);
    to->fallback_queue = put(&at, row->fallback_queue);
    to->version = put(&at, row->version);
    t->task.sticky = row->fallback_queue.n > 0;
    sk_list_init(&t->task.node);
    return t;
}

void sk_mtask_free(struct sk_mtask *t)
{
    sk_mem_free(t);
}

static struct sk_queue_key target_of(const struct sk_mtask *t)
{
    struct sk_queue_key key = t->task.row.queue;
    if (t->task.row.fallback_queue.n && !t->task.sticky)
        key.name = t->task.row.fallback_queue;
    return key;
}

static void arrive(struct sk_mtask *t, struct sk_mloop *loop, const struct sk_queue_key *key)
{
    struct sk_mq *q;
    if (!t->task.sticky) {
        sk_mq_offer_task(sk_mq_get(loop, key), t);
        return;
    }
    q = sk_mq_find(loop, key);
    if (!q || !sk_mq_alive(q)) {
        sk_mq_forward(t);
        return;
    }
    sk_mq_call_sticky(q);
    sk_mq_offer_task(q, t);
}

static void on_arrive(void *arg)
{
    struct sk_mtask *t = arg;
    struct sk_queue_key key = target_of(t);
    struct sk_mloop *loop = sk_mloop_here(t->matching);
    if (atomic_load_explicit(&t->matching->closing, memory_order_relaxed))
        sk_mtask_free(t);
    else if (t->task.query)
        sk_mq_return_query(sk_mq_get(loop, &key), t);
    else
        arrive(t, loop, &key);
}

void sk_mtask_route(struct sk_mtask *t)
{
    struct sk_queue_key key = target_of(t);
    int owner = sk_mq_owner(t->matching, &key);
    if (owner == sk_rt_loop_index())
        on_arrive(t);
    else
        sk_rt_post(t->matching->rt, owner, on_arrive, t);
}

void sk_matching_add(struct sk_matching *m, const struct sk_task_row *row)
{
    struct sk_mtask *t = sk_mtask_new(m, row);
    t->fresh = true;
    sk_mtask_route(t);
}

void sk_matching_return(struct sk_matching *m, struct sk_task *task)
{
    struct sk_mtask *t = sk_mtask_of(task);
    SK_ASSERT(t->matching == m);
    sk_mtask_route(t);
}

void sk_matching_done(struct sk_matching *m, struct sk_task *task)
{
    struct sk_mtask *t = sk_mtask_of(task);
    SK_ASSERT(t->matching == m);
    sk_mtask_free(t);
}
