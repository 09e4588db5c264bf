/*
 * Fairness: the number by which tasks of different keys share a priority.
 *
 * A task's fairness key says whose it is, the weight how large that one's share shall be. Each
 * task that will wait in a queue gets a *pass* before its row is written, and a priority is
 * dispatched in order of (pass, seq). This is start-time fair queueing:
 *
 *     pass = max(the queue's level, the key's next pass)
 *     the key's next pass = pass + STRIDE / weight
 *
 * where the level is the highest pass handed out so far. A key with a million tasks waiting has
 * passes far ahead; one that comes later begins at the level, so its first task is next, and from
 * then on the two take turns by weight. The number is in the row's key, so a backlog on disk is
 * read in this order and memory holds no more of it than before (backlog.c).
 *
 * The empty key is a key like any other; a queue that knows no other is first come, first served,
 * and pays one addition a task. With matching.enableFairness off every task counts as the empty
 * key's. Not placed at all, and so pass 0, which goes first, are tasks that no other competes with:
 * on sticky queues, and those that a worker gets without waiting.
 *
 * INV-1: a level never falls and lies at or after each pass handed out.
 * INV-2: a key's next pass lies after each pass it was given, unless it was evicted (below) or some
 *        of its tasks were taken back (sk_matching_unplace: an activity cancelled before its
 *        start, a workflow terminated), which gives it their share back.
 * INV-3: what is remembered of a key is forgotten when the level passes it: it would begin at the
 *        level anyway. So only keys with a backlog cost memory, SK_FAIR_KEYS_MAX of them a
 *        priority; beyond, the one with the lowest next pass is evicted and begins at the level.
 *
 * After a restart levels and keys come back from the rows (reopen.c).
 *
 * Thread: any. The engine decides on the run's loop, and the row needs its number before anybody
 * else can be asked, so this is what loops share under a lock besides the sequence counter: one
 * lock a slice, held for some tens of nanoseconds. The level is an atomic that the queue's loop
 * raises. A struct sk_fair is made by whoever comes first and freed by its queue's loop, together
 * with the queue, or by the sweep when no queue ever came to it.
 *
 * Rejected: counters a loop instead of a lock (a key whose tasks all come from one run would get
 * 1/loops of its share); ranges by key on disk and turns at dispatch (a cursor a key, of which
 * there may be millions).
 */
#include "matching/matching_internal.h"

#include "base/heap.h"

#define STRIDE 100000.0 /* a task of weight 1; the weights' range divides it to 1% */
#define WEIGHT_MIN 0.001
#define WEIGHT_MAX 1000.0
#define PASS_FIRST 1              /* 0: not placed */
#define PASS_LAST (INT64_MAX / 2) /* from here on: first come, first served */

struct fair_key {
    struct sk_heap_node node; /* key: its next pass */
    size_t size;
    char text[];
};

struct lane { /* a priority */
    struct sk_mloop *loop;
    _Atomic int64_t level;
    int64_t plain; /* next pass of the empty key */
    struct sk_heap heap;
    struct sk_map *keys; /* text -> struct fair_key; NULL until the first */
};

struct sk_fair {
    struct sk_mloop *loop;
    bool attached;
    int64_t used_ms;
    struct sk_queue_key key;
    struct lane lanes[SK_MQ_PRIORITIES];
    char name[];
};

static int64_t stride_of(float weight)
{
    double w = weight > 0 ? (double)weight : 1;
    w = w < WEIGHT_MIN ? WEIGHT_MIN : w > WEIGHT_MAX ? WEIGHT_MAX : w;
    return (int64_t)(STRIDE / w);
}

static int64_t level_of(const struct lane *lane)
{
    return atomic_load_explicit(&lane->level, memory_order_relaxed);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void raise_level(struct lane *lane, int64_t pass)
{
    int64_t have = level_of(lane);
    while (have < pass &&
           !atomic_compare_exchange_weak_explicit(&lane->level, &have, pass, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

/* ---- keys ---- */

static void forget(struct lane *lane, struct fair_key *k)
{
    sk_heap_remove(&lane->heap, &k->node);
    sk_map_remove(lane->keys, (struct sk_str){k->text, k->size});
    SK_STAT_SUB(lane->loop->fair_keys, 1);
    sk_mem_free(k);
}

static struct fair_key *first_key(const struct lane *lane)
{
    struct sk_heap_node *node = sk_heap_peek(&lane->heap);
    return node ? SK_CONTAINER(node, struct fair_key, node) : NULL;
}

static void forget_passed(struct lane *lane)
{
    struct fair_key *k;
    int64_t level = level_of(lane);
    while ((k = first_key(lane)) && k->node.key <= level)
        forget(lane, k);
}

static struct fair_key *find_key(const struct lane *lane, struct sk_str text)
{
    return lane->keys ? sk_map_get(lane->keys, text) : NULL;
}

/* Its next pass; what was passed counts for nothing. */
static int64_t next_of(const struct lane *lane, struct sk_str text)
{
    const struct fair_key *k = text.n ? find_key(lane, text) : NULL;
    return later(level_of(lane), !text.n ? lane->plain : k ? k->node.key : 0);
}

static void set_next(struct lane *lane, struct sk_str text, int64_t next)
{
    if (!text.n) {
        lane->plain = next;
        return;
    }
    struct fair_key *k = find_key(lane, text);
    if (!k) {
        if (!lane->keys)
            lane->keys = sk_map_new();
        if (sk_map_count(lane->keys) >= SK_FAIR_KEYS_MAX)
            forget(lane, first_key(lane));
        k = sk_mem_zalloc(sizeof *k + text.n);
        memcpy(k->text, text.p, text.n);
        k->size = text.n;
        sk_map_put(lane->keys, text, k);
        SK_STAT_ADD(lane->loop->fair_keys, 1);
    }
    sk_heap_remove(&lane->heap, &k->node);
    sk_heap_push(&lane->heap, &k->node, next);
}

/* ---- queues; all under the slice's lock ---- */

static struct sk_str map_key(struct sk_mloop *loop, const struct sk_queue_key *key)
{
    uint32_t head[2] = {key->ns, (uint32_t)key->kind};
    sk_buf_clear(&loop->fair_key);
    sk_buf_append(&loop->fair_key, head, sizeof head);
    sk_buf_append(&loop->fair_key, key->name.p, key->name.n);
    return sk_buf_view(&loop->fair_key);
}

static struct sk_fair *fair_get(struct sk_mloop *loop, const struct sk_queue_key *key)
{
    struct sk_fair *f = sk_map_get(loop->fairs, map_key(loop, key));
    if (f)
        return f;
    f = sk_mem_zalloc(sizeof *f + key->name.n + 1);
    memcpy(f->name, key->name.p, key->name.n);
    f->loop = loop;
    f->key = *key;
    f->key.name.p = f->name;
    for (size_t i = 0; i < SK_MQ_PRIORITIES; i++) {
        f->lanes[i].loop = loop;
        atomic_init(&f->lanes[i].level, PASS_FIRST);
        sk_heap_init(&f->lanes[i].heap);
    }
    sk_map_put(loop->fairs, map_key(loop, key), f);
    return f;
}

static void fair_free(struct sk_fair *f)
{
    for (size_t i = 0; i < SK_MQ_PRIORITIES; i++) {
        struct lane *lane = &f->lanes[i];
        struct fair_key *k;
        while ((k = first_key(lane)))
            forget(lane, k);
        sk_heap_fini(&lane->heap);
        sk_map_free(lane->keys);
    }
    sk_map_remove(f->loop->fairs, map_key(f->loop, &f->key));
    sk_mem_free(f);
}

struct sk_fair *sk_fair_attach(struct sk_mloop *loop, const struct sk_queue_key *key)
{
    pthread_mutex_lock(&loop->fair_lock);
    struct sk_fair *f = fair_get(loop, key);
    f->attached = true;
    pthread_mutex_unlock(&loop->fair_lock);
    return f;
}

void sk_fair_detach(struct sk_fair *f)
{
    struct sk_mloop *loop = f->loop;
    pthread_mutex_lock(&loop->fair_lock);
    fair_free(f);
    pthread_mutex_unlock(&loop->fair_lock);
}

void sk_fair_sweep(struct sk_mloop *loop, int64_t unused_since_ms)
{
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    pthread_mutex_lock(&loop->fair_lock);
    while (sk_map_next(loop->fairs, &cursor, &key, &value)) {
        struct sk_fair *f = value;
        if (!f->attached && f->used_ms <= unused_since_ms)
            fair_free(f);
    }
    pthread_mutex_unlock(&loop->fair_lock);
}

void sk_fair_handed_out(struct sk_fair *f, const struct sk_task_row *row)
{
    raise_level(&f->lanes[sk_mhead_level(row->priority)], row->pass);
}

/* ---- tasks ---- */

static struct lane *lock_lane(struct sk_matching *m, const struct sk_task_row *row)
{
    struct sk_mloop *loop = &m->loops[sk_mq_owner(m, &row->queue)];
    pthread_mutex_lock(&loop->fair_lock);
    struct sk_fair *f = fair_get(loop, &row->queue);
    f->used_ms = sk_now_mono_ms();
    struct lane *lane = &f->lanes[sk_mhead_level(row->priority)];
    forget_passed(lane);
    return lane;
}

static void unlock_lane(struct sk_matching *m, const struct sk_task_row *row)
{
    pthread_mutex_unlock(&m->loops[sk_mq_owner(m, &row->queue)].fair_lock);
}

static struct sk_str key_of(const struct sk_matching *m, const struct sk_task_row *row)
{
    return m->o.ignore_fairness ? (struct sk_str){0} : row->fairness_key;
}

static int64_t stride_for(const struct sk_matching *m, const struct sk_task_row *row)
{
    return stride_of(m->o.ignore_fairness ? 1 : row->fairness_weight);
}

int64_t sk_matching_place(struct sk_matching *m, const struct sk_task_row *row)
{
    struct lane *lane = lock_lane(m, row);
    struct sk_str key = key_of(m, row);
    int64_t pass = next_of(lane, key);
    if (pass > PASS_LAST)
        pass = PASS_LAST;
    set_next(lane, key, pass + stride_for(m, row));
    unlock_lane(m, row);
    return pass;
}

void sk_matching_unplace(struct sk_matching *m, const struct sk_task_row *row)
{
    if (row->pass < PASS_FIRST)
        return;
    struct lane *lane = lock_lane(m, row);
    struct sk_str key = key_of(m, row);
    int64_t next = next_of(lane, key);
    if (next > level_of(lane))
        set_next(lane, key, later(level_of(lane), next - stride_for(m, row)));
    unlock_lane(m, row);
}

void sk_fair_saw_row(struct sk_matching *m, const struct sk_task_row *row)
{
    if (row->pass < PASS_FIRST)
        return;
    struct lane *lane = lock_lane(m, row);
    struct sk_str key = key_of(m, row);
    int64_t next = row->pass + stride_for(m, row);
    if (next > next_of(lane, key))
        set_next(lane, key, next);
    unlock_lane(m, row);
}

void sk_fair_saw_first(struct sk_matching *m, const struct sk_task_row *row)
{
    raise_level(lock_lane(m, row), row->pass);
    unlock_lane(m, row);
}
