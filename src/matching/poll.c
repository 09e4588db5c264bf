/*
 * The life of a poll.
 *
 *          home loop                                owner's loop
 *   sk_matching_poll ------- arrive ------->  parked, or matched at once
 *   sk_matching_cancel ----- cancel ------->  if parked: ended empty
 *   on_end  <--------------- end -----------  task, deadline, drain, cancel
 *   (held)  <--------------- ack -----------  the cancel was seen
 *
 * The record is the caller's and is gone after on_end, so nothing may still be under way to it
 * then: when a cancel crossed an end, on_end is held until the cancel came back (`end` arrives
 * before `ack`, since a mailbox keeps order). When home and owner are the same loop there is
 * nothing to cross and a cancel acts at once. on_end is always posted, so that it never runs inside
 * sk_matching_poll or inside the engine's sk_matching_add.
 *
 * Home's fields: cancelled, ended. Owner's: node, timer, queue_ref, state. end and task travel
 * with the message. A parked poll costs its record and an entry in the loop's timer heap.
 */
#include "matching/matching_internal.h"

enum { STATE_NEW, STATE_PARKED, STATE_ENDED };

static bool crosses(const struct sk_poll *poll)
{
    return poll->owner_loop != poll->home_loop;
}

/* ---- home ---- */

static void on_ended(void *arg)
{
    struct sk_poll *poll = arg;
    poll->ended = true;
    if (poll->cancelled && crosses(poll))
        return; // on_acknowledged follows
    poll->on_end(poll, poll->end, poll->task);
}

static void on_acknowledged(void *arg)
{
    struct sk_poll *poll = arg;
    SK_ASSERT(poll->ended);
    poll->on_end(poll, poll->end, poll->task);
}

/* ---- owner ---- */

static void send_end(struct sk_poll *poll, enum sk_poll_end end, struct sk_task *task)
{
    poll->state = STATE_ENDED;
    poll->queue_ref = NULL;
    poll->end = end;
    poll->task = task;
    sk_rt_post(poll->matching->rt, poll->home_loop, on_ended, poll);
}

void sk_mpoll_finish(struct sk_mq *q, struct sk_poll *poll, enum sk_poll_end end,
                     struct sk_task *task)
{
    SK_ASSERT(poll->state == STATE_PARKED && poll->queue_ref == q && q->poll_count > 0);
    sk_list_remove(&poll->node);
    sk_timer_stop(&poll->timer);
    q->poll_count--;
    q->used_ms = q->last_poll_ms = sk_now_mono_ms();
    SK_STAT_SUB(q->loop->parked, 1);
    if (end == SK_POLL_EMPTY)
        SK_STAT_ADD(q->loop->empty_polls, 1);
    send_end(poll, end, task);
}

static void on_deadline(struct sk_timer *timer)
{
    struct sk_poll *poll = SK_CONTAINER(timer, struct sk_poll, timer);
    sk_mpoll_finish(poll->queue_ref, poll, SK_POLL_EMPTY, NULL);
}

static void park(struct sk_mq *q, struct sk_poll *poll)
{
    poll->state = STATE_PARKED;
    poll->queue_ref = q;
    sk_list_push_back(&q->polls, &poll->node);
    q->poll_count++;
    SK_STAT_ADD(q->loop->parked, 1);
    sk_mq_dispatch(q);
    if (!q->poll_count)
        return; // it was the last in line and got a task: home may have freed it by now
    if (poll->deadline_mono_ms <= sk_now_mono_ms())
        sk_mpoll_finish(q, poll, SK_POLL_EMPTY, NULL);
    else
        sk_timer_start(&poll->timer, poll->deadline_mono_ms);
}

static void on_arrive(void *arg)
{
    struct sk_poll *poll = arg;
    struct sk_mloop *loop = sk_mloop_here(poll->matching);
    SK_STAT_ADD(loop->polls, 1);
    if (loop->draining || sk_mdeparted_has(&loop->departed, poll->queue.ns, poll->worker_key)) {
        SK_STAT_ADD(loop->empty_polls, 1);
        send_end(poll, SK_POLL_EMPTY, NULL);
        return;
    }
    struct sk_mq *q = sk_mq_get(loop, &poll->queue);
    if (poll->sticky)
        sk_mq_call_sticky(q);
    q->used_ms = q->last_poll_ms = sk_now_mono_ms();
    if (poll->rate_limit >= 0 && q->key.kind == SK_TASK_ACTIVITY)
        sk_mlimit_set(&q->limit, poll->rate_limit, q->used_ms);
    sk_mq_saw_poller(q, poll);
    park(q, poll);
}

static void end_if_parked(struct sk_poll *poll)
{
    if (poll->state == STATE_PARKED)
        sk_mpoll_finish(poll->queue_ref, poll, SK_POLL_EMPTY, NULL);
}

static void on_cancel(void *arg)
{
    struct sk_poll *poll = arg;
    end_if_parked(poll);
    SK_ASSERT(poll->state == STATE_ENDED);
    sk_rt_post(poll->matching->rt, poll->home_loop, on_acknowledged, poll);
}

void sk_mq_end_polls(struct sk_mq *q, const char *worker_key)
{
    SK_LIST_EACH (at, &q->polls) {
        struct sk_poll *poll = SK_CONTAINER(at, struct sk_poll, node);
        if (!worker_key || (poll->worker_key && !strcmp(worker_key, poll->worker_key)))
            sk_mpoll_finish(q, poll, SK_POLL_EMPTY, NULL);
    }
}

/* ---- callers ---- */

void sk_matching_poll(struct sk_matching *m, struct sk_poll *poll)
{
    SK_ASSERT(poll->home_loop == sk_rt_loop_index() && poll->on_end);
    poll->matching = m;
    poll->owner_loop = sk_mq_owner(m, &poll->queue);
    poll->state = STATE_NEW;
    poll->cancelled = poll->ended = false;
    poll->task = NULL;
    poll->queue_ref = NULL;
    sk_list_init(&poll->node);
    sk_timer_init(&poll->timer, on_deadline);
    if (crosses(poll))
        sk_rt_post(m->rt, poll->owner_loop, on_arrive, poll);
    else
        on_arrive(poll);
}

void sk_matching_cancel(struct sk_matching *m, struct sk_poll *poll)
{
    SK_ASSERT(poll->matching == m && poll->home_loop == sk_rt_loop_index());
    if (poll->cancelled)
        return;
    poll->cancelled = true;
    if (!crosses(poll))
        end_if_parked(poll);
    else if (!poll->ended)
        sk_rt_post(m->rt, poll->owner_loop, on_cancel, poll);
}
