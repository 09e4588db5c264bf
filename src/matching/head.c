/*
 * The head: a queue's ready tasks in memory, in order of (priority, pass, seq).
 *
 * One list a priority level; within it the lowest pass is in front. With one fairness key a new
 * task belongs at or near the end of its level, a returned one at or near its front; with many, a
 * new one of a key that has few belongs near the front. An insertion looks from both ends and
 * seldom walks far. A tree was not worth its rebalancing for a thousand entries.
 *
 * INV-1: within a level (pass, seq) grows strictly; no place is in twice.
 * Priorities outside 1..5 share the nearest level but keep their own order in it.
 */
#include "matching/matching_internal.h"

void sk_mhead_init(struct sk_mhead *head)
{
    for (size_t i = 0; i < SK_MQ_PRIORITIES; i++)
        sk_list_init(&head->level[i]);
    head->count = head->pinned = 0;
}

int sk_mhead_level(int32_t priority)
{
    return priority < 1                  ? 0
           : priority > SK_MQ_PRIORITIES ? SK_MQ_PRIORITIES - 1
                                         : (int)priority - 1;
}

static int compare(struct sk_list *node, struct sk_task_place place)
{
    struct sk_task_place have = sk_mtask_place(sk_mtask_at(node));
    return sk_place_before(have, place) ? -1 : sk_place_before(place, have);
}

/* The node after which t belongs (or the list's own head); NULL when its place is taken. */
static struct sk_list *place_of(struct sk_list *level, struct sk_task_place place)
{
    struct sk_list *front = level;    // it and those in front of it lie before the place
    struct sk_list *at = level->prev; // those behind it lie after the place
    while (at != front && compare(at, place) > 0) {
        int next = compare(front->next, place);
        if (next >= 0)
            return next ? front : NULL;
        front = front->next;
        at = at->prev;
    }
    return at == front || compare(at, place) < 0 ? at : NULL;
}

bool sk_mhead_insert(struct sk_mhead *head, struct sk_mtask *t)
{
    struct sk_list *at =
        place_of(&head->level[sk_mhead_level(t->task.row.priority)], sk_mtask_place(t));
    if (!at)
        return false;
    sk_list_push_front(at, &t->task.node);
    head->count++;
    head->pinned += t->pinned;
    return true;
}

void sk_mhead_remove(struct sk_mhead *head, struct sk_mtask *t)
{
    SK_ASSERT(head->count > 0);
    sk_list_remove(&t->task.node);
    head->count--;
    head->pinned -= t->pinned;
}

struct sk_mtask *sk_mhead_first(const struct sk_mhead *head)
{
    for (size_t i = 0; head->count && i < SK_MQ_PRIORITIES; i++)
        if (!sk_list_empty(&head->level[i]))
            return sk_mtask_at(head->level[i].next);
    return NULL;
}

struct sk_mtask *sk_mhead_pop(struct sk_mhead *head)
{
    struct sk_mtask *t = sk_mhead_first(head);
    if (t)
        sk_mhead_remove(head, t);
    return t;
}

struct sk_mtask *sk_mhead_last_unpinned(const struct sk_mhead *head)
{
    for (size_t i = SK_MQ_PRIORITIES; i-- > 0;) {
        const struct sk_list *level = &head->level[i];
        for (struct sk_list *at = level->prev; at != level; at = at->prev)
            if (!sk_mtask_at(at)->pinned)
                return sk_mtask_at(at);
    }
    return NULL;
}
