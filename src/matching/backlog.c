/*
 * The border between memory and disk.
 *
 * Every task has a row before it is announced, so memory may forget any of them. `cursor` divides
 * a queue's order: INV-1, every row at or before it is in memory, handed out or gone; what lies
 * beyond is read in pages when the head runs low and somebody polls. So:
 *
 *   a task beyond the cursor  -> left to the disk, the next page brings it
 *   a task before it          -> into the head; if that is full, its last one is spilled:
 * forgotten, and the cursor drawn back to just before it
 *
 * A row that was committed late (its pass and seq are lower than others') is announced after its
 * commit, so it is either before the cursor and kept, or beyond and read: none is skipped.
 *
 * While a page is being read the snapshot it sees is not known. Tasks announced meanwhile wait in
 * `pending` and are merged when it arrives (twins fall out in the head); when that is full, or
 * something is spilled, `missed` holds the first such place and the cursor is drawn back to it.
 *
 * Tasks of a dead sticky queue that came here by fall-back are pinned: their rows lie under
 * another queue, so no page of this one would bring them again. Their number is bounded by the
 * sticky schedule-to-start timeout, after which the engine makes new ones.
 *
 * A row can be read again after its task was handed out (the cursor was drawn back past it, or its
 * workflow task is started but not finished); the engine answers SK_STALE for the second.
 *
 * Thread: the owner's loop; a page is read in a fiber, one a queue. A failed read is tried again.
 */
#include "matching/matching_internal.h"

#include "base/log.h"

#define READ_AGAIN_MS 200
#define DEMAND_MS 10000 /* a queue polled this lately keeps its head filled */

static struct sk_task_place just_before(struct sk_task_place pos)
{
    SK_ASSERT(pos.seq > INT64_MIN);
    return (struct sk_task_place){pos.priority, pos.pass, pos.seq - 1};
}

static size_t spillable(const struct sk_mq *q)
{
    return q->head.count - q->head.pinned;
}

static void insert(struct sk_mq *q, struct sk_mtask *t)
{
    if (sk_mhead_insert(&q->head, t))
        SK_STAT_ADD(q->loop->head_tasks, 1);
    else
        sk_mtask_free(t);
}

/* Note that memory does not hold the row at pos. */
static void leave_to_disk(struct sk_mq *q, struct sk_task_place pos)
{
    if (q->reading)
        q->missed = sk_place_min(q->missed, pos);
    else
        q->cursor = sk_place_min(q->cursor, just_before(pos));
}

static void spill(struct sk_mq *q)
{
    struct sk_mtask *t = sk_mhead_last_unpinned(&q->head);
    leave_to_disk(q, sk_mtask_place(t));
    sk_mhead_remove(&q->head, t);
    SK_STAT_SUB(q->loop->head_tasks, 1);
    sk_mtask_free(t);
}

void sk_mq_spill_all(struct sk_mq *q)
{
    while (spillable(q))
        spill(q);
}

static void keep_beyond(struct sk_mq *q, struct sk_mtask *t)
{
    if (q->reading && q->pending_count < q->loop->matching->o.head_max) {
        sk_list_push_back(&q->pending, &t->task.node);
        q->pending_count++;
        return;
    }
    leave_to_disk(q, sk_mtask_place(t));
    sk_mtask_free(t);
}

void sk_mq_keep(struct sk_mq *q, struct sk_mtask *t)
{
    if (!t->pinned && sk_place_before(q->cursor, sk_mtask_place(t))) {
        keep_beyond(q, t);
        return;
    }
    insert(q, t);
    while (spillable(q) > q->loop->matching->o.head_max)
        spill(q);
}

/* ---- reading ---- */

static void take_row(struct sk_mq *q, const struct sk_task_row *row)
{
    struct sk_matching *m = q->loop->matching;
    struct sk_mtask *t = sk_mtask_new(m, row);
    t->task.from_backlog = true;
    if (row->seq > q->seq_seen)
        q->seq_seen = row->seq;
    sk_matching_saw_seq(m, row->seq);
    sk_mq_saw_task(q, t);
    if (t->task.sticky && !sk_mq_alive(q))
        sk_mq_forward(t);
    else
        insert(q, t);
}

/* The page ended at `end`; merge what happened meanwhile. */
static void finish_read(struct sk_mq *q, struct sk_task_place end)
{
    q->reading = false;
    q->cursor = end;
    if (q->missed.priority != INT32_MAX)
        leave_to_disk(q, q->missed);
    q->missed = SK_PLACE_LAST;
    struct sk_list *node;
    while ((node = sk_list_pop_front(&q->pending)))
        sk_mq_keep(q, sk_mtask_at(node));
    q->pending_count = 0;
    while (spillable(q) > q->loop->matching->o.head_max)
        spill(q);
}

static void read_page(struct sk_mq *q)
{
    struct sk_matching *m = q->loop->matching;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    size_t have = spillable(q);
    size_t limit = have < m->o.head_max ? m->o.head_max - have : 1;
    struct sk_task_place end = q->cursor;
    struct sk_task_row *rows;
    size_t count;
    struct sk_task_range range = {.queue = &q->key, .after = end, .limit = limit};
    sk_err err = sk_store_tasks_read(m->o.store, &ctx, &range, &rows, &count);
    if (err) {
        SK_LOG(WARN, "matching", "reading a task queue's backlog failed, will be tried again",
               SK_KV("task_queue", q->name), SK_KV("error", ctx.err.message));
        q->read_again_ms = sk_now_mono_ms() + READ_AGAIN_MS;
    } else {
        for (size_t i = 0; i < count; i++)
            take_row(q, &rows[i]);
        end = count < limit ? SK_PLACE_LAST : sk_place_of(&rows[count - 1]);
    }
    finish_read(q, end);
    sk_arena_free(ctx.arena);
}

static void read_fiber(void *arg)
{
    struct sk_mq *q = arg;
    struct sk_mloop *loop = q->loop;
    read_page(q);
    sk_mq_dispatch(q);
    if (q->sticky)
        sk_mq_arm_lapse(q);
    loop->readers--;
    sk_waitq_wake_all(&loop->readers_done);
}

static bool read_wanted(const struct sk_mq *q, int64_t now_ms)
{
    const struct sk_mloop *loop = q->loop;
    if (q->reading || q->cursor.priority == INT32_MAX || loop->draining)
        return false;
    if (q->sticky && !sk_mq_alive(q))
        return true; // to move them on
    bool demand =
        q->poll_count || (q->last_poll_ms != INT64_MIN && now_ms - q->last_poll_ms < DEMAND_MS);
    return demand && spillable(q) <= loop->matching->o.head_max / 4;
}

void sk_mq_read_if_wanted(struct sk_mq *q)
{
    if (q->cursor.priority == INT32_MAX)
        return;
    int64_t now_ms = sk_now_mono_ms();
    if (!read_wanted(q, now_ms))
        return;
    if (now_ms < q->read_again_ms) {
        sk_mq_wake_at(q, q->read_again_ms);
        return;
    }
    q->reading = true;
    q->loop->readers++;
    sk_fiber_spawn(read_fiber, q);
}
