/*
 * Runs in memory.
 *
 * A run's state *is* its stored record: a protobuf-c message (skald.engine.v1.ExecutionState) in
 * the run's own arena, changed in place and packed as it stands at each commit, so that there is no
 * second model to keep in step. Pending items (activities, timers, children, external requests)
 * live beside it in small arrays; the first few of a kind are packed into the record, later ones
 * are rows of their own ("apart"), so that a heartbeat on one of 2,000 activities rewrites one row.
 * Whether an item is apart is decided once, when it is made.
 *
 * The arena only grows; when it holds much more than the record needs, exec_compact rebuilds it.
 * Guarded by the flow's lock, on the loop that owns the flow.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "base/assert.h"
#include "wire/errordetail.h"
#include "wire/wire.h"

#define COMPACT_SLACK 32768
#define INLINE_KINDS 6 /* those that the record itself has room for */

static const ProtobufCMessageDescriptor *item_type(enum sk_part_kind kind)
{
    switch (kind) {
    case SK_PART_ACTIVITY:
        return &skald__engine__v1__activity__descriptor;
    case SK_PART_TIMER:
        return &skald__engine__v1__timer__descriptor;
    case SK_PART_CHILD:
        return &skald__engine__v1__child__descriptor;
    case SK_PART_CANCEL:
    case SK_PART_SIGNAL:
        return &skald__engine__v1__external_request__descriptor;
    case SK_PART_REQUEST_ID:
        return &skald__engine__v1__signal_ids__descriptor;
    case SK_PART_BUFFERED:
    case SK_PART_COMPONENT:
        break;
    }
    return NULL;
}

static int64_t item_id(enum sk_part_kind kind, const ProtobufCMessage *record)
{
    switch (kind) {
    case SK_PART_ACTIVITY:
        return ((const EN(Activity) *)record)->scheduled_id;
    case SK_PART_TIMER:
        return ((const EN(Timer) *)record)->started_id;
    case SK_PART_CHILD:
        return ((const EN(Child) *)record)->initiated_id;
    case SK_PART_CANCEL:
    case SK_PART_SIGNAL:
        return ((const EN(ExternalRequest) *)record)->initiated_id;
    case SK_PART_BUFFERED:
    case SK_PART_REQUEST_ID:
    case SK_PART_COMPONENT:
        break;
    }
    SK_PANIC("item kind %d", (int)kind);
}

struct exec *exec_new(struct flow *flow, struct sk_uuid run_id)
{
    struct exec *x = sk_mem_zalloc(sizeof *x);
    x->flow = flow;
    x->run_id = run_id;
    sk_uuid_format(run_id, x->run_text);
    x->arena = sk_arena_new(0);
    x->s = EN_NEW(x->arena, ExecutionState, execution_state);
    x->s->format = 1;
    x->s->next_event_id = 1;
    sk_list_init(&x->queries);
    return x;
}

void exec_free(struct exec *x)
{
    if (!x)
        return;
    for (int kind = 0; kind < ITEM_KINDS; kind++)
        sk_mem_free(x->items[kind].v);
    for (size_t i = 0; i < x->tail_count; i++)
        sk_mem_free((void *)(uintptr_t)x->tail[i].events.p);
    sk_mem_free(x->tail);
    exec_keep_at_hand(x, NULL);
    sk_mem_free(x->dead);
    sk_mem_free(x->start.identity);
    sk_arena_free(x->arena);
    sk_mem_free(x);
}

struct sk_run_key exec_key(const struct exec *x)
{
    return (struct sk_run_key){x->flow->ns, x->flow->workflow_id, x->run_id};
}

bool exec_running(const struct exec *x)
{
    return x->s->status == (int)STATUS(RUNNING) || x->s->status == (int)STATUS(PAUSED);
}

sk_err(exec_over)(struct sk_ctx *ctx)
{
    return sk_fail_not_found(ctx, "workflow execution already completed");
}

char *exec_str(struct exec *x, const char *text)
{
    return text && text[0] ? sk_arena_strdup(x->arena, text)
                           : (char *)(uintptr_t)protobuf_c_empty_string;
}

/* ---- items ---- */

static struct item *items_push(struct items *items)
{
    if (items->n == items->capacity) {
        items->capacity = items->capacity ? items->capacity * 2 : 4;
        items->v = sk_mem_realloc(items->v, items->capacity * sizeof *items->v);
    }
    struct item *item = &items->v[items->n++];
    memset(item, 0, sizeof *item);
    return item;
}

struct item *items_add(struct exec *x, enum sk_part_kind kind, int64_t id, void *record)
{
    struct items *items = &x->items[kind];
    struct item *item = items_push(items);
    item->record = record;
    item->id = id;
    item->apart = kind >= INLINE_KINDS || items->inline_count >= ITEMS_INLINE;
    item->dirty = true;
    if (!item->apart)
        items->inline_count++;
    return item;
}

struct item *items_find(struct exec *x, enum sk_part_kind kind, int64_t id)
{
    struct items *items = &x->items[kind];
    for (size_t i = 0; i < items->n; i++)
        if (items->v[i].id == id)
            return &items->v[i];
    return NULL;
}

void items_remove(struct exec *x, enum sk_part_kind kind, int64_t id)
{
    struct items *items = &x->items[kind];
    struct item *item = items_find(x, kind, id);
    if (!item)
        return;
    if (item->apart) {
        if (x->dead_count == x->dead_capacity) {
            x->dead_capacity = x->dead_capacity ? x->dead_capacity * 2 : 4;
            x->dead = sk_mem_realloc(x->dead, x->dead_capacity * sizeof *x->dead);
        }
        x->dead[x->dead_count].kind = kind;
        x->dead[x->dead_count++].id = id;
    } else {
        items->inline_count--;
    }
    size_t at = (size_t)(item - items->v); // order is kept: it is the order of the events
    memmove(item, item + 1, (items->n - at - 1) * sizeof *item);
    items->n--;
}

void item_touch(struct item *item)
{
    item->dirty = true;
}

EN(Activity) *exec_activity(struct exec *x, int64_t scheduled_id, struct item **ret_item)
{
    struct item *item = items_find(x, SK_PART_ACTIVITY, scheduled_id);
    if (ret_item)
        *ret_item = item;
    return item ? (EN(Activity) *)item->record : NULL;
}

EN(Activity) *exec_activity_by_name(struct exec *x, const char *activity_id, struct item **ret_item)
{
    struct items *items = &x->items[SK_PART_ACTIVITY];
    for (size_t i = 0; i < items->n; i++) {
        EN(Activity) *a = (EN(Activity) *)items->v[i].record;
        if (strcmp(a->activity_id, activity_id) == 0) {
            if (ret_item)
                *ret_item = &items->v[i];
            return a;
        }
    }
    return NULL;
}

EN(Timer) *exec_timer_by_name(struct exec *x, const char *timer_id)
{
    struct items *items = &x->items[SK_PART_TIMER];
    for (size_t i = 0; i < items->n; i++) {
        EN(Timer) *timer = (EN(Timer) *)items->v[i].record;
        if (strcmp(timer->timer_id, timer_id) == 0)
            return timer;
    }
    return NULL;
}

EN(Child) *exec_child(struct exec *x, int64_t initiated_id, struct item **ret_item)
{
    struct item *item = items_find(x, SK_PART_CHILD, initiated_id);
    if (ret_item)
        *ret_item = item;
    return item ? (EN(Child) *)item->record : NULL;
}

/* ---- record <-> memory ---- */

/* Where the record keeps the inline items of a kind. */
static void inline_fields(EN(ExecutionState) *s, enum sk_part_kind kind, size_t **ret_n,
                          ProtobufCMessage ****ret_v)
{
    switch (kind) {
    case SK_PART_ACTIVITY:
        *ret_n = &s->n_activities;
        *ret_v = (void *)&s->activities;
        return;
    case SK_PART_TIMER:
        *ret_n = &s->n_timers;
        *ret_v = (void *)&s->timers;
        return;
    case SK_PART_CHILD:
        *ret_n = &s->n_children;
        *ret_v = (void *)&s->children;
        return;
    case SK_PART_CANCEL:
        *ret_n = &s->n_cancels;
        *ret_v = (void *)&s->cancels;
        return;
    case SK_PART_SIGNAL:
        *ret_n = &s->n_signals;
        *ret_v = (void *)&s->signals;
        return;
    case SK_PART_BUFFERED:
    case SK_PART_REQUEST_ID:
    case SK_PART_COMPONENT:
        break;
    }
    SK_PANIC("item kind %d", (int)kind);
}

struct sk_str exec_pack(struct exec *x, struct sk_arena *arena)
{
    for (int kind = SK_PART_ACTIVITY; kind < INLINE_KINDS; kind++) {
        struct items *items = &x->items[kind];
        size_t *n;
        ProtobufCMessage ***v;
        inline_fields(x->s, (enum sk_part_kind)kind, &n, &v);
        *v = items->inline_count ? SK_NEW_N(arena, ProtobufCMessage *, items->inline_count) : NULL;
        *n = 0;
        for (size_t i = 0; i < items->n; i++)
            if (!items->v[i].apart) {
                SK_ASSERT(*n < items->inline_count);
                (*v)[(*n)++] = items->v[i].record;
            }
    }
    struct sk_str packed = sk_wire_pack(arena, &x->s->base);
    for (int kind = SK_PART_ACTIVITY; kind < INLINE_KINDS; kind++) {
        size_t *n;
        ProtobufCMessage ***v;
        inline_fields(x->s, (enum sk_part_kind)kind, &n, &v);
        *n = 0;
        *v = NULL;
    }
    return packed;
}

/* After a decode: the record's inline items go to the arrays. */
static void take_inline(struct exec *x)
{
    for (int kind = SK_PART_ACTIVITY; kind < INLINE_KINDS; kind++) {
        size_t *n;
        ProtobufCMessage ***v;
        inline_fields(x->s, (enum sk_part_kind)kind, &n, &v);
        for (size_t i = 0; i < *n; i++) {
            struct item *item = items_push(&x->items[kind]);
            item->record = (*v)[i];
            item->id = item_id((enum sk_part_kind)kind, item->record);
            x->items[kind].inline_count++;
        }
        *n = 0;
        *v = NULL;
    }
    x->buffered_capacity = x->s->n_buffered;
}

sk_err exec_from_row(struct sk_ctx *ctx, struct flow *flow, const struct sk_exec_row *row,
                     struct exec **ret)
{
    struct exec *x = exec_new(flow, row->run.run_id);
    struct sk_ctx own = {.arena = x->arena};
    ProtobufCMessage *m;
    sk_err err =
        sk_wire_decode_own(&own, &skald__engine__v1__execution_state__descriptor, row->state, &m);
    if (err != SK_OK)
        goto damaged;
    x->s = (EN(ExecutionState) *)m;
    take_inline(x);
    for (size_t i = 0; i < row->part_count; i++) {
        const struct sk_part_row *part = &row->parts[i];
        const ProtobufCMessageDescriptor *type = item_type(part->kind);
        if (!type)
            continue; // a kind that a later version writes
        err = sk_wire_decode_own(&own, type, part->body, &m);
        if (err != SK_OK)
            goto damaged;
        struct item *item = items_push(&x->items[part->kind]);
        *item = (struct item){.record = m, .id = part->id, .apart = true};
    }
    x->version = row->version;
    x->wake_ms = row->wake_ms;
    x->compact_size = sk_arena_used(x->arena);
    *ret = x;
    return SK_OK;
damaged:
    err = sk_fail(ctx, SK_DATA_LOSS, "the stored state of run %s does not parse", x->run_text);
    exec_free(x);
    return err;
}

void exec_compact(struct exec *x)
{
    if (sk_arena_used(x->arena) < 2 * x->compact_size + COMPACT_SLACK)
        return;
    struct sk_arena *old = x->arena;
    x->arena = sk_arena_new(0);
    x->s = sk_msg_dup(x->arena, x->s);
    x->buffered_capacity = x->s->n_buffered;
    for (int kind = SK_PART_ACTIVITY; kind < ITEM_KINDS; kind++)
        for (size_t i = 0; i < x->items[kind].n; i++)
            x->items[kind].v[i].record = sk_msg_dup(x->arena, x->items[kind].v[i].record);
    x->compact_size = sk_arena_used(x->arena); // with the items that are apart
    sk_arena_free(old);
}

/* ---- newest history ---- */

void exec_tail_add(struct exec *x, int64_t first, int64_t last, struct sk_str events)
{
    if (events.n > TAIL_BYTES) { // too big to keep: what is older is useless without it
        for (size_t i = 0; i < x->tail_count; i++)
            sk_mem_free((void *)(uintptr_t)x->tail[i].events.p);
        x->tail_count = 0;
        x->tail_bytes = 0;
        return;
    }
    while (x->tail_count > 0 && x->tail_bytes + events.n > TAIL_BYTES) {
        x->tail_bytes -= x->tail[0].events.n;
        sk_mem_free((void *)(uintptr_t)x->tail[0].events.p);
        memmove(x->tail, x->tail + 1, --x->tail_count * sizeof *x->tail);
    }
    if (x->tail_count == x->tail_capacity) {
        x->tail_capacity = x->tail_capacity ? x->tail_capacity * 2 : 4;
        x->tail = sk_mem_realloc(x->tail, x->tail_capacity * sizeof *x->tail);
    }
    char *copy = sk_mem_alloc(events.n);
    memcpy(copy, events.p, events.n);
    x->tail[x->tail_count++] = (struct tail_batch){first, last, {copy, events.n}};
    x->tail_bytes += events.n;
}

void exec_keep_at_hand(struct exec *x, const struct sk_history_batch *batch)
{
    sk_mem_free((void *)(uintptr_t)x->at_hand.events.p);
    x->at_hand = (struct tail_batch){0};
    if (!batch)
        return;
    char *copy = sk_mem_alloc(batch->events.n);
    memcpy(copy, batch->events.p, batch->events.n);
    x->at_hand =
        (struct tail_batch){batch->first_event_id, batch->last_event_id, {copy, batch->events.n}};
}

size_t exec_bytes(const struct exec *x)
{
    return sizeof *x + sk_arena_held(x->arena) + x->tail_bytes;
}
