/*
 * Who polls what.
 *
 * A worker is everything that calls under one identity in one namespace. Its calls may come over
 * several connections, thus on several loops: each loop keeps a record of its own for it (struct
 * worker), and a list adds them up. So nothing is locked, and a poll costs two look-ups.
 *
 * INV-1 a loop keeps at most SK_WORKERS_MAX / loops records; the one that was silent longest goes,
 *       and never one whose poll waits: if all wait, a newcomer is not noted (`dropped` says so).
 * INV-2 polls that began and ended are the same number, so `waiting` returns to 0: both are noted
 *       on the loop of the call, and a record with a waiting poll is never forgotten.
 *
 * What a worker has in hand is what it took less what it answered and what timed out, summed over
 * the loops (a task is answered on another connection than it came by, so a single loop's number
 * may be negative). An activity that is completed by another process under another identity stays
 * in hand here; that is rare and stands in the API's comment.
 *
 * Memory: a record is about 700 bytes and 100 a queue; 4,000 of them with four queues 4.4 MB.
 * Thread: the calling loop; sk_workers_list goes round by sk_rt_call. Failure: none.
 */
#include "figures/workers.h"

#include <stdlib.h>
#include "base/assert.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "rt/rt.h"

#define TEXT_BYTES_MAX \
    255 /* of what a worker says about itself; identities are checked elsewhere */

struct queue {
    char *name; /* owned */
    size_t name_size;
    int kind;
    bool sticky;
    int64_t last_poll_ms;
    int waiting;
    int64_t taken;
};

enum text { INSTANCE_KEY, BUILD_ID, DEPLOYMENT, SDK_NAME, SDK_VERSION, PEER, TEXTS };

struct worker {
    struct sk_list node; /* part->order */
    uint32_t ns;
    char *text[TEXTS]; /* owned, may be NULL */
    int64_t first_seen_ms, last_poll_ms;
    int waiting;
    int64_t taken, answered, failed, lost;
    struct queue queues[SK_WORKER_QUEUES_MAX];
    size_t queue_count;
    int64_t error_ms;
    char *error_message, *error_type; /* owned, may be NULL */
    int64_t heartbeat_ms;
    char *heartbeat; /* owned, may be NULL */
    size_t heartbeat_size;
    size_t identity_size;
    char identity[];
};

struct part {               /* of one loop */
    struct sk_map *workers; /* ns + identity -> struct worker */
    struct sk_list order;   /* silent longest first */
    struct sk_buf key;      /* scratch */
    bool dropped;
};

struct sk_workers {
    int loop_count;
    size_t each_max; /* records a loop */
    int64_t since_ms;
    struct part parts[];
};

struct sk_workers *sk_workers_new(int loop_count)
{
    struct sk_workers *w = sk_mem_zalloc(sizeof *w + (size_t)loop_count * sizeof(struct part));
    w->loop_count = loop_count;
    w->each_max = SK_WORKERS_MAX / (size_t)loop_count;
    w->since_ms = sk_now_wall_ms();
    for (int i = 0; i < loop_count; i++) {
        w->parts[i].workers = sk_map_new();
        sk_list_init(&w->parts[i].order);
    }
    return w;
}

/* ---- records ---- */

static struct sk_str key_of(struct part *part, uint32_t ns, struct sk_str identity)
{
    sk_buf_clear(&part->key);
    sk_buf_append(&part->key, &ns, sizeof ns);
    sk_buf_append(&part->key, identity.p, identity.n);
    return sk_buf_view(&part->key);
}

static void forget(struct part *part, struct worker *w)
{
    sk_map_remove(part->workers,
                  key_of(part, w->ns, (struct sk_str){w->identity, w->identity_size}));
    sk_list_remove(&w->node);
    for (size_t i = 0; i < w->queue_count; i++)
        sk_mem_free(w->queues[i].name);
    for (int i = 0; i < TEXTS; i++)
        sk_mem_free(w->text[i]);
    sk_mem_free(w->error_message);
    sk_mem_free(w->error_type);
    sk_mem_free(w->heartbeat);
    sk_mem_free(w);
}

void sk_workers_free(struct sk_workers *workers)
{
    for (int i = 0; workers && i < workers->loop_count; i++) {
        struct part *part = &workers->parts[i];
        SK_LIST_EACH (node, &part->order)
            forget(part, SK_CONTAINER(node, struct worker, node));
        sk_map_free(part->workers);
        sk_buf_fini(&part->key);
    }
    sk_mem_free(workers);
}

/* Room for one more, INV-1. */
static bool make_room(struct sk_workers *workers, struct part *part)
{
    if (sk_map_count(part->workers) < workers->each_max)
        return true;
    part->dropped = true;
    SK_LIST_EACH (node, &part->order) {
        struct worker *w = SK_CONTAINER(node, struct worker, node);
        if (w->waiting == 0) {
            forget(part, w);
            return true;
        }
    }
    return false;
}

/* The record on this loop, made if need be; NULL: no room, or no identity to keep it under. */
static struct worker *record(struct sk_workers *workers, uint32_t ns, const char *identity)
{
    if (!workers || !identity || !*identity)
        return NULL;
    struct sk_str name = sk_str_of(identity);
    struct part *part = &workers->parts[sk_rt_loop_index()];
    struct worker *w = sk_map_get(part->workers, key_of(part, ns, name));
    if (w) {
        sk_list_remove(&w->node);
        sk_list_push_back(&part->order, &w->node);
        return w;
    }
    if (!make_room(workers, part))
        return NULL;
    w = sk_mem_zalloc(sizeof *w + name.n + 1);
    memcpy(w->identity, name.p, name.n);
    w->identity_size = name.n;
    w->ns = ns;
    w->first_seen_ms = sk_now_wall_ms();
    sk_list_init(&w->node);
    sk_list_push_back(&part->order, &w->node);
    sk_map_put(part->workers, key_of(part, ns, name), w);
    return w;
}

static void set_text(char **have, const char *text, size_t max)
{
    if (!text || !*text)
        return; // what was said before still holds
    size_t n = strlen(text);
    n = n < max ? n : max;
    if (*have && strlen(*have) == n && memcmp(*have, text, n) == 0)
        return;
    sk_mem_free(*have);
    *have = sk_mem_strndup(text, n);
}

static void replace_text(char **have, const char *text)
{
    sk_mem_free(*have);
    *have = NULL;
    set_text(have, text, TEXT_BYTES_MAX);
}

/* The queue in the record; the place of the one polled longest ago when all are taken. */
static struct queue *queue_of(struct worker *w, const struct sk_worker_poll *poll)
{
    struct queue *oldest = NULL;
    for (size_t i = 0; i < w->queue_count; i++) {
        struct queue *q = &w->queues[i];
        if (q->kind == poll->kind && q->name_size == poll->queue.n &&
            memcmp(q->name, poll->queue.p, q->name_size) == 0)
            return q;
        if (q->waiting == 0 && (!oldest || q->last_poll_ms < oldest->last_poll_ms))
            oldest = q;
    }
    if (w->queue_count < SK_WORKER_QUEUES_MAX)
        oldest = &w->queues[w->queue_count++];
    else if (!oldest)
        return NULL;
    sk_mem_free(oldest->name);
    *oldest = (struct queue){.name = sk_mem_strndup(poll->queue.p, poll->queue.n),
                             .name_size = poll->queue.n,
                             .kind = poll->kind,
                             .sticky = poll->sticky};
    return oldest;
}

/* ---- notes ---- */

void sk_workers_poll_began(struct sk_workers *workers, const struct sk_worker_poll *poll)
{
    struct worker *w = record(workers, poll->ns, poll->identity);
    if (!w)
        return;
    const char *said[TEXTS] = {poll->instance_key, poll->build_id,    poll->deployment,
                               poll->sdk_name,     poll->sdk_version, poll->peer};
    for (int i = 0; i < TEXTS; i++)
        set_text(&w->text[i], said[i], TEXT_BYTES_MAX);
    w->last_poll_ms = sk_now_wall_ms();
    w->waiting++;
    struct queue *q = queue_of(w, poll);
    if (q) {
        q->last_poll_ms = w->last_poll_ms;
        q->waiting++;
    }
}

void sk_workers_poll_ended(struct sk_workers *workers, const struct sk_worker_poll *poll, int tasks)
{
    struct worker *w = record(workers, poll->ns, poll->identity);
    if (!w)
        return;
    w->last_poll_ms = sk_now_wall_ms();
    w->waiting -= w->waiting > 0; // 0: it was not noted when it began (INV-1)
    w->taken += tasks;
    struct queue *q = queue_of(w, poll);
    if (q) {
        q->last_poll_ms = w->last_poll_ms;
        q->waiting -= q->waiting > 0;
        q->taken += tasks;
    }
}

void sk_workers_took(struct sk_workers *workers, uint32_t ns, const char *identity, int tasks)
{
    struct worker *w = tasks > 0 ? record(workers, ns, identity) : NULL;
    if (w)
        w->taken += tasks;
}

void sk_workers_answered(struct sk_workers *workers, uint32_t ns, const char *identity,
                         const struct sk_worker_failure *failure)
{
    struct worker *w = record(workers, ns, identity);
    if (!w)
        return;
    w->answered++;
    if (!failure)
        return;
    size_t n = failure->message.n;
    n = n < SK_WORKER_ERROR_BYTES ? n : SK_WORKER_ERROR_BYTES;
    while (n && n < failure->message.n && ((unsigned char)failure->message.p[n] & 0xC0) == 0x80)
        n--; // not inside a character
    w->failed++;
    w->error_ms = sk_now_wall_ms();
    sk_mem_free(w->error_message);
    w->error_message = sk_mem_strndup(n ? failure->message.p : "", n);
    replace_text(&w->error_type, failure->type);
}

void sk_workers_heartbeat(struct sk_workers *workers, uint32_t ns, const char *identity,
                          struct sk_str heartbeat)
{
    struct worker *w =
        heartbeat.n <= SK_WORKER_HEARTBEAT_BYTES ? record(workers, ns, identity) : NULL;
    if (!w)
        return;
    sk_mem_free(w->heartbeat);
    w->heartbeat = sk_mem_alloc(heartbeat.n + 1);
    if (heartbeat.n)
        memcpy(w->heartbeat, heartbeat.p, heartbeat.n);
    w->heartbeat_size = heartbeat.n;
    w->heartbeat_ms = sk_now_wall_ms();
}

void sk_workers_lost(struct sk_workers *workers, uint32_t ns, const char *identity)
{
    struct worker *w = record(workers, ns, identity);
    if (w)
        w->lost++;
}

/* ---- the list ---- */

struct question {
    struct sk_workers *workers;
    struct sk_ctx *ctx;
    uint32_t ns;
    struct sk_map *found; /* identity -> struct sk_worker */
    bool truncated;
};

static const char *copy(struct sk_arena *arena, const char *text)
{
    return text ? sk_arena_strdup(arena, text) : "";
}

static void add_queue(struct sk_worker *to, const struct queue *q, struct sk_arena *arena)
{
    struct sk_worker_queue *at = NULL;
    for (size_t i = 0; i < to->queue_count && !at; i++)
        if (to->queues[i].kind == q->kind &&
            sk_str_eq(to->queues[i].name, (struct sk_str){q->name, q->name_size}))
            at = &to->queues[i];
    if (!at) {
        if (to->queue_count == SK_WORKER_QUEUES_MAX)
            return;
        at = &to->queues[to->queue_count++];
        *at = (struct sk_worker_queue){.name = {sk_arena_strndup(arena, q->name, q->name_size),
                                                q->name_size},
                                       .kind = q->kind,
                                       .sticky = q->sticky};
    }
    at->waiting += q->waiting;
    at->taken += q->taken;
    if (q->last_poll_ms > at->last_poll_ms)
        at->last_poll_ms = q->last_poll_ms;
}

static void add_texts(struct sk_worker *to, const struct worker *w, struct sk_arena *arena)
{
    const char **at[TEXTS] = {&to->instance_key, &to->build_id,    &to->deployment,
                              &to->sdk_name,     &to->sdk_version, &to->peer};
    bool newer = w->last_poll_ms >= to->last_poll_ms;
    for (int i = 0; i < TEXTS; i++)
        if (w->text[i] && (newer || !**at[i]))
            *at[i] = copy(arena, w->text[i]);
    if (w->error_ms > to->error_ms) {
        to->error_ms = w->error_ms;
        to->error_message = copy(arena, w->error_message);
        to->error_type = copy(arena, w->error_type);
    }
}

static void add_heartbeat(struct sk_worker *to, const struct worker *w, struct sk_arena *arena)
{
    if (w->heartbeat_ms <= to->heartbeat_ms)
        return;
    to->heartbeat_ms = w->heartbeat_ms;
    to->heartbeat =
        (struct sk_str){sk_arena_memdup(arena, w->heartbeat, w->heartbeat_size), w->heartbeat_size};
}

static struct sk_worker *found_of(struct question *q, const struct worker *w)
{
    struct sk_str identity = {w->identity, w->identity_size};
    struct sk_worker *to = sk_map_get(q->found, identity);
    if (to)
        return to;
    to = SK_NEW(q->ctx->arena, struct sk_worker);
    *to = (struct sk_worker){.identity = sk_arena_strdup(q->ctx->arena, w->identity),
                             .instance_key = "",
                             .build_id = "",
                             .deployment = "",
                             .sdk_name = "",
                             .sdk_version = "",
                             .peer = "",
                             .first_seen_ms = w->first_seen_ms,
                             .queues = SK_NEW_N(q->ctx->arena, struct sk_worker_queue,
                                                SK_WORKER_QUEUES_MAX),
                             .error_message = "",
                             .error_type = ""};
    sk_map_put(q->found, identity, to);
    return to;
}

static void ask_loop(void *arg)
{
    struct question *question = arg;
    struct part *part = &question->workers->parts[sk_rt_loop_index()];
    question->truncated |= part->dropped;
    SK_LIST_EACH (node, &part->order) {
        const struct worker *w = SK_CONTAINER(node, struct worker, node);
        if (w->ns != question->ns)
            continue;
        struct sk_worker *to = found_of(question, w);
        add_texts(to, w, question->ctx->arena);
        add_heartbeat(to, w, question->ctx->arena);
        for (size_t i = 0; i < w->queue_count; i++)
            add_queue(to, &w->queues[i], question->ctx->arena);
        to->waiting += w->waiting;
        to->taken += w->taken;
        to->answered += w->answered;
        to->failed += w->failed;
        to->lost += w->lost;
        to->first_seen_ms =
            w->first_seen_ms < to->first_seen_ms ? w->first_seen_ms : to->first_seen_ms;
        to->last_poll_ms = w->last_poll_ms > to->last_poll_ms ? w->last_poll_ms : to->last_poll_ms;
    }
}

static int by_identity(const void *a, const void *b)
{
    return strcmp(((const struct sk_worker *)a)->identity, ((const struct sk_worker *)b)->identity);
}

static int latest_first(const void *a, const void *b)
{
    int64_t x = ((const struct sk_worker_queue *)a)->last_poll_ms;
    int64_t y = ((const struct sk_worker_queue *)b)->last_poll_ms;
    return (x < y) - (x > y);
}

void sk_workers_list(struct sk_workers *workers, struct sk_ctx *ctx, uint32_t ns,
                     struct sk_worker_list *ret)
{
    struct question q = {.workers = workers, .ctx = ctx, .ns = ns};
    *ret = (struct sk_worker_list){0};
    if (!workers)
        return;
    q.found = sk_map_new();
    for (int i = 0; i < workers->loop_count; i++)
        sk_rt_call(i, ask_loop, &q);
    ret->workers = SK_NEW_N(ctx->arena, struct sk_worker, sk_map_count(q.found));
    ret->truncated = q.truncated;
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    while (sk_map_next(q.found, &cursor, &key, &value)) {
        const struct sk_worker *w = value;
        if (w->last_poll_ms == 0)
            continue; // it never polled: a client that completes activities of others
        qsort(w->queues, w->queue_count, sizeof *w->queues, latest_first);
        ret->workers[ret->count++] = *w;
    }
    qsort(ret->workers, ret->count, sizeof *ret->workers, by_identity);
    sk_map_free(q.found);
}

int64_t sk_workers_since_ms(const struct sk_workers *workers)
{
    return workers->since_ms;
}
