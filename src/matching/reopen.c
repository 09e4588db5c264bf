/*
 * What a start reads of a queue's backlog.
 *
 * Sticky queues are told by their first row. For the others fairness goes on where it was
 * (fair.c): the level is the first row's pass, a key's next pass follows its last row. A backlog of
 * one page is read whole. Of a longer one, the two ends of each priority: its last rows tell where
 * the keys with the longest backlogs go on, the only key of most queues among them. If a task with
 * a key is seen, a fiber reads all rows, once, from the end; a key that it did not come to yet
 * begins at the level, so until then its new tasks may overtake its old ones.
 *
 * Thread: the fiber that opens matching; the other runs on the same loop and ends when that
 * drains.
 */
#include "matching/matching_internal.h"

#include "base/log.h"

#define PAGE 100 /* while the server does not answer yet */
#define PAGE_ALL 1000

struct reopen {
    struct sk_matching *matching;
    struct sk_ctx *ctx;
    struct sk_queue_key key;
    bool keyed;
    char name[];
};

static sk_err read_rows(struct reopen *r, struct sk_task_range *range, struct sk_task_row **rows,
                        size_t *count)
{
    range->queue = &r->key;
    sk_err err = sk_store_tasks_read(r->matching->o.store, r->ctx, range, rows, count);
    if (err)
        return err;
    for (size_t i = 0; i < *count; i++) {
        sk_fair_saw_row(r->matching, &(*rows)[i]);
        r->keyed |= (*rows)[i].fairness_key.n > 0;
    }
    return SK_OK;
}

/* One page at this end of each priority. */
static sk_err read_ends(struct reopen *r, bool reverse)
{
    struct sk_task_range range = {
        .after = reverse ? SK_PLACE_LAST : SK_PLACE_FIRST, .reverse = reverse, .limit = PAGE};
    for (;;) {
        struct sk_task_row *rows;
        size_t count;
        sk_err err = read_rows(r, &range, &rows, &count);
        if (err || !count)
            return err;
        if (!reverse)
            sk_fair_saw_first(r->matching, rows);
        range.after = reverse ? SK_PLACE_FIRST : SK_PLACE_LAST;
        range.after.priority = rows[0].priority;
    }
}

static void read_all(struct reopen *r)
{
    struct sk_task_range range = {.after = SK_PLACE_LAST, .reverse = true, .limit = PAGE_ALL};
    size_t count = PAGE_ALL;
    while (count == PAGE_ALL && !sk_mloop_here(r->matching)->draining) {
        struct sk_ctx ctx = {.arena = sk_arena_new(0)};
        struct sk_task_row *rows;
        r->ctx = &ctx;
        if (read_rows(r, &range, &rows, &count)) {
            SK_LOG(WARN, "matching", "reading where fairness keys go on failed, they begin anew",
                   SK_KV("task_queue", r->name), SK_KV("error", ctx.err.message));
            count = 0;
        }
        if (count)
            range.after = sk_place_of(&rows[count - 1]);
        sk_arena_free(ctx.arena);
    }
}

static void read_all_fiber(void *arg)
{
    struct reopen *r = arg;
    struct sk_mloop *loop = sk_mloop_here(r->matching);
    read_all(r);
    sk_mem_free(r);
    loop->readers--;
    sk_waitq_wake_all(&loop->readers_done);
}

static void read_all_later(struct reopen *r)
{
    size_t n = r->key.name.n;
    struct reopen *copy = sk_mem_alloc(sizeof *copy + n + 1);
    *copy = *r;
    memcpy(copy->name, r->key.name.p, n);
    copy->name[n] = 0;
    copy->key.name.p = copy->name;
    sk_mloop_here(r->matching)->readers++;
    sk_fiber_spawn(read_all_fiber, copy);
}

static sk_err look(struct reopen *r, bool *ret_sticky)
{
    struct sk_task_range range = {.after = SK_PLACE_FIRST, .limit = PAGE};
    struct sk_task_row *rows;
    size_t count;
    range.queue = &r->key;
    sk_err err = sk_store_tasks_read(r->matching->o.store, r->ctx, &range, &rows, &count);
    if (err)
        return err;
    *ret_sticky = count && rows[0].fallback_queue.n;
    if (*ret_sticky || !count)
        return SK_OK;
    err = read_ends(r, false);
    if (!err && count == PAGE)
        err = read_ends(r, true);
    if (!err && count == PAGE && r->keyed)
        read_all_later(r);
    return err;
}

sk_err sk_mq_reopen(struct sk_matching *m, struct sk_ctx *ctx, const struct sk_queue_key *key,
                    bool *ret_sticky)
{
    struct sk_ctx own = {.arena = sk_arena_new(0)}; // a page a queue, and there may be many
    struct reopen r = {.matching = m, .ctx = &own, .key = *key};
    sk_err err = look(&r, ret_sticky);
    if (err)
        sk_fail(ctx, err, "%s", own.err.message);
    sk_arena_free(own.arena);
    return err;
}
