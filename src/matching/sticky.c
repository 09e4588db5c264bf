/*
 * Sticky queues: one a worker process, where it gets the workflow tasks of the runs it has cached.
 *
 * INV-1: a task stays on a sticky queue only while its worker is alive: a poll is parked, or one
 * was there within sticky_alive_ms. Else it moves to its normal queue (row.fallback_queue), where
 * any worker may take it; its row stays where it is and the engine's start decides.
 *
 * INV-2: a queue that counts as sticky holds nothing but tasks with a fallback. Clients say what is
 * sticky (a poll's kind, the queue of a completed task, a good-bye), and may say it of a queue that
 * is not; the first task of its own tells, and from then on it is a plain queue for good.
 *
 * It moves at once when it is announced, returned or read from disk and the queue is dead; and by
 * the lapse timer, which runs while a sticky queue holds tasks, when the worker dies with tasks
 * waiting. A worker that says good-bye (ShutdownWorker) makes its queue dead without waiting.
 *
 * Thread: the owner's loop; callers come over by sk_rt_call.
 */
#include "matching/matching_internal.h"

bool sk_mq_alive(const struct sk_mq *q)
{
    if (q->poll_count)
        return true;
    return q->last_poll_ms != INT64_MIN &&
           sk_now_mono_ms() - q->last_poll_ms < q->loop->matching->o.sticky_alive_ms;
}

void sk_mq_call_sticky(struct sk_mq *q)
{
    q->sticky = !q->plain;
}

void sk_mq_saw_task(struct sk_mq *q, const struct sk_mtask *t)
{
    q->plain |= !t->task.sticky;
    q->sticky &= !q->plain;
}

void sk_mq_forward(struct sk_mtask *t)
{
    SK_ASSERT(t->task.row.fallback_queue.n);
    t->task.sticky = false;
    t->pinned = true;
    sk_mtask_route(t);
}

static void move_on(struct sk_mq *q)
{
    struct sk_mtask *t;
    while ((t = sk_mhead_pop(&q->head))) {
        SK_STAT_SUB(q->loop->head_tasks, 1);
        sk_mq_forward(t);
    }
    sk_mq_read_if_wanted(q);
}

/* When the worker counts as dead if nothing happens. */
static int64_t lapse_ms(const struct sk_mq *q)
{
    return q->last_poll_ms + q->loop->matching->o.sticky_alive_ms;
}

void sk_mq_arm_lapse(struct sk_mq *q)
{
    if (!q->head.count && q->cursor.priority == INT32_MAX)
        return;
    if (!sk_mq_alive(q))
        move_on(q);
    else if (!sk_timer_running(&q->lapse))
        sk_timer_start(&q->lapse, q->poll_count
                                      ? sk_now_mono_ms() + q->loop->matching->o.sticky_alive_ms
                                      : lapse_ms(q));
}

void sk_mq_on_lapse(struct sk_timer *timer)
{
    sk_mq_arm_lapse(SK_CONTAINER(timer, struct sk_mq, lapse));
}

/* ---- questions and good-byes from any loop ---- */

struct ask {
    struct sk_matching *matching;
    struct sk_queue_key key;
    bool alive;
};

static void on_ask(void *arg)
{
    struct ask *ask = arg;
    const struct sk_mq *q = sk_mq_find(sk_mloop_here(ask->matching), &ask->key);
    ask->alive = q && sk_mq_alive(q);
}

bool sk_matching_sticky_alive(struct sk_matching *m, const struct sk_queue_key *queue)
{
    struct ask ask = {.matching = m, .key = *queue};
    sk_rt_call(sk_mq_owner(m, queue), on_ask, &ask);
    return ask.alive;
}

struct good_bye {
    struct sk_matching *matching;
    sk_ns_id ns;
    int left; /* loops to visit, the next is left - 1 */
    char *sticky_queue, *worker_key;
};

static void say_on_loop(const struct good_bye *bye)
{
    struct sk_mloop *loop = sk_mloop_here(bye->matching);
    if (bye->worker_key) {
        sk_mdeparted_add(&loop->departed, bye->ns, bye->worker_key);
        SK_LIST_EACH (at, &loop->all) {
            struct sk_mq *q = SK_CONTAINER(at, struct sk_mq, node);
            if (q->key.ns == bye->ns && q->poll_count)
                sk_mq_end_polls(q, bye->worker_key);
        }
    }
    struct sk_queue_key key = {bye->ns, SK_TASK_WORKFLOW, sk_str_of(bye->sticky_queue)};
    if (!key.name.n || sk_mq_owner(bye->matching, &key) != loop->index)
        return;
    struct sk_mq *q = sk_mq_find(loop, &key);
    if (q)
        sk_mq_call_sticky(q);
    if (q && q->sticky) {
        sk_mq_end_polls(q, NULL);
        q->last_poll_ms = INT64_MIN;
        move_on(q);
    }
}

static void on_good_bye(void *arg)
{
    struct good_bye *bye = arg;
    say_on_loop(bye);
    if (--bye->left) {
        sk_rt_post(bye->matching->rt, bye->left - 1, on_good_bye, bye);
        return;
    }
    sk_mem_free(bye->sticky_queue);
    sk_mem_free(bye->worker_key);
    sk_mem_free(bye);
}

void sk_matching_worker_gone(struct sk_matching *m, sk_ns_id ns, const char *sticky_queue,
                             const char *worker_key)
{
    struct good_bye *bye = sk_mem_alloc(sizeof *bye);
    *bye = (struct good_bye){
        .matching = m,
        .ns = ns,
        .left = m->loop_count,
        .sticky_queue = sticky_queue && *sticky_queue ? sk_mem_strdup(sticky_queue) : NULL,
        .worker_key = worker_key && *worker_key ? sk_mem_strdup(worker_key) : NULL,
    };
    sk_rt_post(m->rt, bye->left - 1, on_good_bye, bye);
}
