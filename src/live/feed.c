/*
 * From commits to loop 0. The store tells of each commit in the fiber that made it, on any loop;
 * what subscribers might want to know is copied into a note and kept for LIVE_FEED_MS, so that a
 * busy server wakes loop 0 forty times a second, not for every commit. Nobody subscribed: two
 * atomic reads a commit, and nothing is copied. A feed sends its next notes when the last ones were
 * worked off, so that a loop 0 that falls behind finds fewer trips and not more; what a feed cannot
 * hold meanwhile is left out by INV-2.
 *
 * INV-1 notes of one workflow id arrive in the order of its commits: all are made on the loop that
 *       owns it, and a feed keeps order.
 * INV-2 nothing is lost in silence: a feed that is full (LIVE_FEED_MAX notes, LIVE_FEED_BYTES_MAX
 *       of rows) or a commit whose outcome is unknown becomes LIVE_UNKNOWN, after which every list
 *       asks the store again.
 *
 * A subscription raises its flag (rows_wanted, runs_wanted) before it asks the store for the first
 * time. So a commit that the answer does not show became durable after that, saw the flag, and
 * comes as a note.
 *
 * Thread: live_feed_commit on the committing loop; delivery is a fiber on loop 0, which yields.
 */
#include "live/live_internal.h"

#define LOOKS_MAX 1000 /* notes times topics between two yields: a millisecond */

static void deliver(struct sk_live *live, struct live_note *first)
{
    size_t looks = 0;
    while (first) {
        struct live_note *note = first;
        first = note->next;
        looks += live->topic_count;
        if (looks > LOOKS_MAX) {
            sk_fiber_yield();
            looks = 0;
        }
        SK_LIST_EACH (node, &live->topics) {
            struct live_topic *topic = SK_CONTAINER(node, struct live_topic, node);
            live_topic_note(topic, note, live->scratch);
        }
        sk_arena_clear(live->scratch);
        if (note->row)
            live_row_unref(note->row);
        sk_mem_free(note);
    }
}

struct trip {
    struct sk_live *live;
    struct live_feed *feed;
    struct live_note *first;
};

static void work_off(void *arg)
{
    struct trip *trip = arg;
    deliver(trip->live, trip->first);
    atomic_store(&trip->feed->away, false);
    atomic_fetch_sub(&trip->live->trips, 1);
    sk_mem_free(trip);
}

static void on_arrival(void *arg)
{
    sk_fiber_spawn(work_off, arg);
}

/* The feed's notes go on their way; from a callback or fiber of its own loop. */
static void depart(struct live_feed *feed)
{
    struct trip *trip = sk_mem_alloc(sizeof *trip);
    *trip = (struct trip){feed->live, feed, feed->first};
    feed->first = NULL;
    feed->last = &feed->first;
    feed->count = feed->bytes = 0;
    feed->overflow = false;
    atomic_store(&feed->away, true);
    atomic_fetch_add(&feed->live->trips, 1);
    sk_rt_post(feed->live->rt, 0, on_arrival, trip);
}

static void on_departure(struct sk_timer *timer)
{
    struct live_feed *feed = SK_CONTAINER(timer, struct live_feed, timer);
    if (atomic_load(&feed->away))
        sk_timer_start(timer, sk_now_mono_ms() + LIVE_FEED_MS);
    else
        depart(feed);
}

static struct live_note *add(struct live_feed *feed, sk_ns_id ns)
{
    struct live_note *note = sk_mem_zalloc(sizeof *note);
    note->ns = ns;
    *feed->last = note;
    feed->last = &note->next;
    feed->count++;
    if (!sk_timer_running(&feed->timer))
        sk_timer_start(&feed->timer, sk_now_mono_ms() + LIVE_FEED_MS);
    return note;
}

static void add_unknown(struct live_feed *feed, sk_ns_id ns)
{
    if (!feed->overflow)
        add(feed, ns)->kind = LIVE_UNKNOWN;
    feed->overflow = true; // one is enough for a trip
}

static void add_rows(struct live_feed *feed, const struct sk_txn *txn)
{
    for (size_t i = 0; i < txn->op_count; i++) {
        const struct sk_op *op = &txn->ops[i];
        if (op->kind == SK_OP_VIS_PUT) {
            struct live_note *note = add(feed, op->vis.run.ns);
            note->kind = LIVE_ROW;
            note->row = live_row_new(&op->vis);
            feed->bytes += note->row->bytes;
        } else if (op->kind == SK_OP_VIS_DELETE) {
            struct live_note *note = add(feed, op->run.ns);
            note->kind = LIVE_DELETED;
            note->run_id = op->run.run_id;
        }
    }
}

/* One note a run that the commit touches. */
static void add_touched(struct live_feed *feed, const struct sk_txn *txn)
{
    int64_t last_event_id = 0;
    for (size_t i = 0; i < txn->op_count; i++) {
        const struct sk_op *op = &txn->ops[i];
        if (op->kind == SK_OP_HISTORY_APPEND)
            last_event_id = op->history.last_event_id;
        if (op->kind != SK_OP_EXEC_PUT && op->kind != SK_OP_EXEC_DELETE)
            continue;
        struct live_note *note = add(feed, op->run.ns);
        note->kind = LIVE_TOUCHED;
        note->run_id = op->run.run_id;
        note->last_event_id = last_event_id;
        note->deleted = op->kind == SK_OP_EXEC_DELETE;
        last_event_id = 0;
    }
}

void live_feed_commit(void *owner, const struct sk_txn *txn, sk_err err)
{
    struct sk_live *live = owner;
    bool rows = atomic_load(&live->rows_wanted) > 0;
    bool runs = atomic_load(&live->runs_wanted[txn->slot]) > 0;
    int loop = sk_rt_loop_index();
    if ((!rows && !runs) || loop < 0)
        return;
    struct live_feed *feed = &live->feeds[loop];
    if (err != SK_OK || feed->count >= LIVE_FEED_MAX || feed->bytes >= LIVE_FEED_BYTES_MAX) {
        add_unknown(feed, 0);
        return;
    }
    if (rows)
        add_rows(feed, txn);
    if (runs)
        add_touched(feed, txn);
}

/* ---- life ---- */

void live_feed_init(struct sk_live *live)
{
    live->feed_count = sk_rt_loop_count(live->rt);
    live->feeds = sk_mem_zalloc((size_t)live->feed_count * sizeof *live->feeds);
    for (int i = 0; i < live->feed_count; i++) {
        live->feeds[i].live = live;
        live->feeds[i].last = &live->feeds[i].first;
        sk_timer_init(&live->feeds[i].timer, on_departure);
    }
}

static void stop_feed(void *arg)
{
    struct sk_live *live = arg;
    struct live_feed *feed = &live->feeds[sk_rt_loop_index()];
    if (sk_timer_running(&feed->timer)) {
        sk_timer_stop(&feed->timer);
        depart(feed);
    }
}

/* No commit comes any more; what is under way arrives first. From a fiber on loop 0. */
void live_feed_fini(struct sk_live *live)
{
    for (int i = 0; i < live->feed_count; i++)
        sk_rt_call(i, stop_feed, live);
    while (atomic_load(&live->trips))
        sk_fiber_yield();
    sk_mem_free(live->feeds);
}
