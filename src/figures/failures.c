/*
 * The index of failure groups.
 *
 * A group's fingerprint is a hash of namespace, source, types, kind of error and folded message,
 * with a fixed seed, so that its id is the same on every loop and stays while the server runs. Each
 * loop keeps the groups that were met there, and a list adds up those of the same id.
 *
 * INV-1 a loop keeps at most SK_FAILURE_GROUPS groups; the one that was not seen for longest goes.
 * INV-2 count >= retrying, and samples are the latest, newest first.
 *
 * Memory: a group is 500 bytes and its texts (types, at most 1,300 bytes of messages, five workflow
 * ids); 1,000 of them some 2 MB a loop. Hashes may collide: two groups are then shown as one, once
 * in 10^13 groups.
 *
 * Thread: the calling loop; sk_failures_list goes round by sk_rt_call. Failure: none.
 */
#include "figures/failures.h"

#include <stdlib.h>
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "rt/rt.h"

#define SEED 0x736b6661696c7572ULL
#define TEXT_BYTES_MAX 500 /* of a type's or queue's name in a group */

enum text { WORKFLOW_TYPE, ACTIVITY_TYPE, ERROR_TYPE, TASK_QUEUE, FOLDED, MESSAGE, TEXTS };

struct sample {
    char *workflow_id; /* owned, NULL: none */
    char run_id[40];
    int64_t at_ms;
    int32_t attempt;
};

struct group {
    struct sk_list node; /* part->order */
    uint64_t id;
    uint32_t ns;
    enum sk_failure_source source;
    char *text[TEXTS]; /* owned */
    int64_t count, retrying, first_ms, last_ms;
    struct sample samples[SK_FAILURE_SAMPLES]; /* newest first */
};

struct part {               /* of one loop */
    struct sk_imap *groups; /* id -> struct group */
    struct sk_list order;   /* seen longest ago first */
    bool dropped;
};

struct sk_failures {
    int loop_count;
    int64_t since_ms;
    struct part parts[];
};

struct sk_failures *sk_failures_new(int loop_count)
{
    struct sk_failures *f = sk_mem_zalloc(sizeof *f + (size_t)loop_count * sizeof(struct part));
    f->loop_count = loop_count;
    f->since_ms = sk_now_wall_ms();
    for (int i = 0; i < loop_count; i++) {
        f->parts[i].groups = sk_imap_new();
        sk_list_init(&f->parts[i].order);
    }
    return f;
}

static void forget(struct part *part, struct group *g)
{
    sk_imap_remove(part->groups, (int64_t)g->id);
    sk_list_remove(&g->node);
    for (int i = 0; i < TEXTS; i++)
        sk_mem_free(g->text[i]);
    for (int i = 0; i < SK_FAILURE_SAMPLES; i++)
        sk_mem_free(g->samples[i].workflow_id);
    sk_mem_free(g);
}

void sk_failures_free(struct sk_failures *f)
{
    for (int i = 0; f && i < f->loop_count; i++) {
        SK_LIST_EACH (node, &f->parts[i].order)
            forget(&f->parts[i], SK_CONTAINER(node, struct group, node));
        sk_imap_free(f->parts[i].groups);
    }
    sk_mem_free(f);
}

/* ---- noting ---- */

static uint64_t mix(uint64_t h, struct sk_str s)
{
    return sk_hash(s.p, s.n, h * 31 + s.n);
}

static uint64_t fingerprint(const struct sk_failure_note *note, struct sk_str folded)
{
    uint64_t h = SEED + note->ns * UINT64_C(4) + (uint64_t)note->source;
    h = mix(h, sk_str_of(note->workflow_type));
    h = mix(h, sk_str_of(note->activity_type));
    h = mix(h, sk_str_of(note->error_type));
    return mix(h, folded);
}

/* At most max bytes, whole characters; NUL ends it for good. */
static char *copy(struct sk_str s, size_t max)
{
    size_t n = s.n < max ? s.n : max;
    while (n && n < s.n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    char *text = sk_mem_strndup(n ? s.p : "", n);
    return text;
}

static struct group *group_new(struct part *part, const struct sk_failure_note *note, uint64_t id,
                               struct sk_str folded)
{
    if (sk_imap_count(part->groups) >= SK_FAILURE_GROUPS) {
        part->dropped = true;
        forget(part, SK_CONTAINER(part->order.next, struct group, node));
    }
    struct group *g = sk_mem_zalloc(sizeof *g);
    g->id = id;
    g->ns = note->ns;
    g->source = note->source;
    g->text[WORKFLOW_TYPE] = copy(sk_str_of(note->workflow_type), TEXT_BYTES_MAX);
    g->text[ACTIVITY_TYPE] = copy(sk_str_of(note->activity_type), TEXT_BYTES_MAX);
    g->text[ERROR_TYPE] = copy(sk_str_of(note->error_type), TEXT_BYTES_MAX);
    g->text[FOLDED] = copy(folded, SK_FAILURE_FOLDED_BYTES);
    g->first_ms = sk_now_wall_ms();
    sk_list_init(&g->node);
    sk_imap_put(part->groups, (int64_t)id, g);
    return g;
}

static void replace(char **text, struct sk_str with, size_t max)
{
    if (*text && sk_str_eq(sk_str_of(*text), with))
        return;
    sk_mem_free(*text);
    *text = copy(with, max);
}

/* To the front; one run stands there once, however often it fails. */
static void add_sample(struct group *g, const struct sk_failure_note *note)
{
    const char *run_id = note->run_id ? note->run_id : "";
    int at = 0;
    while (at < SK_FAILURE_SAMPLES - 1 && strcmp(g->samples[at].run_id, run_id) != 0)
        at++;
    struct sample sample = g->samples[at];
    memmove(&g->samples[1], &g->samples[0], (size_t)at * sizeof sample);
    if (!sample.workflow_id || strcmp(sample.run_id, run_id) != 0) {
        size_t n = strlen(run_id);
        n = n < sizeof sample.run_id ? n : sizeof sample.run_id - 1;
        memcpy(sample.run_id, run_id, n);
        sample.run_id[n] = '\0';
        sk_mem_free(sample.workflow_id);
        sample.workflow_id = copy(note->workflow_id, SIZE_MAX);
    }
    sample.at_ms = g->last_ms;
    sample.attempt = note->attempt;
    g->samples[0] = sample;
}

void sk_failures_note(struct sk_failures *f, const struct sk_failure_note *note)
{
    if (!f)
        return;
    char text[SK_FAILURE_FOLDED_BYTES];
    struct sk_str folded = {text, sk_failure_fold(note->message, text, sizeof text)};
    struct part *part = &f->parts[sk_rt_loop_index()];
    uint64_t id = fingerprint(note, folded);
    struct group *g = sk_imap_get(part->groups, (int64_t)id);
    if (!g)
        g = group_new(part, note, id, folded);
    sk_list_remove(&g->node);
    sk_list_push_back(&part->order, &g->node);
    g->count++;
    g->retrying += note->retrying;
    g->last_ms = sk_now_wall_ms();
    replace(&g->text[MESSAGE], note->message, SK_FAILURE_MESSAGE_BYTES);
    replace(&g->text[TASK_QUEUE], sk_str_of(note->task_queue), TEXT_BYTES_MAX);
    add_sample(g, note);
}

/* ---- the list ---- */

struct question {
    struct sk_failures *failures;
    struct sk_ctx *ctx;
    uint32_t ns;
    struct sk_imap *found; /* id -> struct sk_failure_group */
    bool truncated;
};

static const char *dup(struct sk_arena *arena, const char *s)
{
    return sk_arena_strdup(arena, s ? s : "");
}

static void add_samples(struct sk_failure_group *to, const struct group *g, struct sk_arena *arena)
{
    for (int i = 0; i < SK_FAILURE_SAMPLES; i++) {
        const struct sample *from = &g->samples[i];
        if (!from->workflow_id)
            break;
        size_t at = to->sample_count; // insert in order; what falls off the end is older
        while (at && to->samples[at - 1].at_ms < from->at_ms)
            at--;
        if (at == SK_FAILURE_SAMPLES)
            continue;
        size_t last =
            to->sample_count < SK_FAILURE_SAMPLES ? to->sample_count : SK_FAILURE_SAMPLES - 1;
        for (size_t k = last; k > at; k--)
            to->samples[k] = to->samples[k - 1];
        to->samples[at] = (struct sk_failure_sample){
            dup(arena, from->workflow_id), dup(arena, from->run_id), from->at_ms, from->attempt};
        to->sample_count = last + 1;
    }
}

static void add_group(struct question *q, const struct group *g)
{
    struct sk_arena *arena = q->ctx->arena;
    struct sk_failure_group *to = sk_imap_get(q->found, (int64_t)g->id);
    if (!to) {
        to = SK_NEW(arena, struct sk_failure_group);
        to->id = g->id;
        to->source = g->source;
        to->workflow_type = dup(arena, g->text[WORKFLOW_TYPE]);
        to->activity_type = dup(arena, g->text[ACTIVITY_TYPE]);
        to->error_type = dup(arena, g->text[ERROR_TYPE]);
        to->folded = dup(arena, g->text[FOLDED]);
        to->first_ms = g->first_ms;
        sk_imap_put(q->found, (int64_t)g->id, to);
    }
    to->count += g->count;
    to->retrying += g->retrying;
    to->first_ms = g->first_ms < to->first_ms ? g->first_ms : to->first_ms;
    if (g->last_ms > to->last_ms) {
        to->last_ms = g->last_ms;
        to->message = dup(arena, g->text[MESSAGE]);
        to->task_queue = dup(arena, g->text[TASK_QUEUE]);
    }
    add_samples(to, g, arena);
}

static void ask_loop(void *arg)
{
    struct question *q = arg;
    struct part *part = &q->failures->parts[sk_rt_loop_index()];
    q->truncated |= part->dropped;
    SK_LIST_EACH (node, &part->order) {
        const struct group *g = SK_CONTAINER(node, struct group, node);
        if (g->ns == q->ns)
            add_group(q, g);
    }
}

static int latest_first(const void *a, const void *b)
{
    const struct sk_failure_group *x = a, *y = b;
    if (x->last_ms != y->last_ms)
        return x->last_ms < y->last_ms ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id;
}

void sk_failures_list(struct sk_failures *f, struct sk_ctx *ctx, uint32_t ns,
                      struct sk_failure_list *ret)
{
    struct question q = {.failures = f, .ctx = ctx, .ns = ns};
    *ret = (struct sk_failure_list){0};
    q.found = sk_imap_new();
    for (int i = 0; i < f->loop_count; i++)
        sk_rt_call(i, ask_loop, &q);
    ret->groups = SK_NEW_N(ctx->arena, struct sk_failure_group, sk_imap_count(q.found));
    ret->truncated = q.truncated;
    size_t cursor = 0;
    int64_t key;
    void *value;
    while (sk_imap_next(q.found, &cursor, &key, &value))
        ret->groups[ret->count++] = *(const struct sk_failure_group *)value;
    if (ret->count)
        qsort(ret->groups, ret->count, sizeof *ret->groups, latest_first);
    if (ret->count > SK_FAILURE_GROUPS) {
        ret->count = SK_FAILURE_GROUPS;
        ret->truncated = true;
    }
    sk_imap_free(q.found);
}

int64_t sk_failures_since_ms(const struct sk_failures *f)
{
    return f->since_ms;
}
