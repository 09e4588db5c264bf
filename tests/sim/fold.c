/*
 * The stored state against the fold of the history (design.md section 5, rule 2), with the engine's
 * own apply: what was stored after a long chain of decisions, reloads and rollbacks must be what
 * the events alone give.
 *
 * Compared are the event-derived fields, by packing both sides with all others cleared. Left out:
 * the workflow task (a transient one has no events; check.c looks at the others), the history's
 * size, and states with buffered events, which are ahead of the history.
 */
#include "sim.h"

#include "engine/engine_internal.h"
#include "wire/wire.h"

#define STATE_SIDE 60 /* from this field on: side records */
#define ACTIVITY_SIDE 30

static size_t scalar_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    }
    return 0;
}

/* Set a field to what an empty message has there. */
static void clear_field(ProtobufCMessage *m, const ProtobufCMessage *empty,
                        const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        memset((char *)m + field->quantifier_offset, 0, sizeof(size_t));
    else
        memcpy((char *)m + field->offset, (const char *)empty + field->offset, scalar_size(field));
}

/* A copy of m without its side fields, packed. */
static struct sk_str derived(struct sk_arena *arena, const ProtobufCMessage *m, unsigned side_from,
                             const unsigned *also)
{
    ProtobufCMessage *copy = sk_arena_memdup(arena, m, m->descriptor->sizeof_message);
    const ProtobufCMessage *empty = sk_msg_new(arena, m->descriptor);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
        bool clear = field->id >= side_from;
        for (const unsigned *a = also; !clear && a && *a; a++)
            clear = field->id == *a;
        if (clear)
            clear_field(copy, empty, field);
    }
    return sk_wire_pack(arena, copy);
}

/* The name of the first field that differs. */
static const char *difference(const ProtobufCMessage *a, const ProtobufCMessage *b,
                              struct sk_arena *arena, unsigned side_from)
{
    for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &a->descriptor->fields[i];
        unsigned others[200], n = 0;
        for (unsigned k = 0; k < a->descriptor->n_fields && n + 1 < 200; k++)
            if (k != i)
                others[n++] = a->descriptor->fields[k].id;
        others[n] = 0;
        if (field->id < side_from &&
            !sk_str_eq(derived(arena, a, side_from, others), derived(arena, b, side_from, others)))
            return field->name;
    }
    return "nothing";
}

static void compare(const struct sim_run *run, struct sk_arena *arena,
                    const ProtobufCMessage *stored, const ProtobufCMessage *folded,
                    unsigned side_from, const unsigned *also)
{
    if (sk_str_eq(derived(arena, stored, side_from, also), derived(arena, folded, side_from, also)))
        return;
    SIM_CHECK(false, "%s after event %lld: %s, field %s: the state is not the fold of the history",
              run->run_id, (long long)run->last_event_id, stored->descriptor->name,
              difference(stored, folded, arena, side_from));
}

/* Request ids under which an item's message travels: drawn, not told by its event. */
static const unsigned side_fields[SIM_ITEM_KINDS][2] = {
    [SK_PART_CHILD] = {8}, [SK_PART_CANCEL] = {5}, [SK_PART_SIGNAL] = {5}};

static void compare_items(const struct sim_run *run, struct sk_arena *arena,
                          const struct exec *stored, struct exec *folded, enum sk_part_kind kind)
{
    const struct items *items = &stored->items[kind];
    SIM_CHECK(items->n == folded->items[kind].n,
              "%s: %zu items of kind %d are stored, the fold has %zu", run->run_id, items->n, kind,
              folded->items[kind].n);
    for (size_t i = 0; i < items->n; i++) {
        const struct item *other = items_find(folded, kind, items->v[i].id);
        SIM_CHECK(other, "%s: item %lld of kind %d is not in the fold", run->run_id,
                  (long long)items->v[i].id, kind);
        compare(run, arena, items->v[i].record, other->record,
                kind == SK_PART_ACTIVITY ? ACTIVITY_SIDE : 1000, side_fields[kind]);
    }
}

static struct exec *fold(const struct sim_run *run, struct sk_arena *arena)
{
    struct sk_ctx ctx = {.arena = arena};
    struct exec *x = exec_new(NULL, run->uuid);
    ProtobufCMessage *message;
    sk_err err = sk_wire_decode(&ctx, &temporal__api__history__v1__history__descriptor,
                                sk_buf_view(&run->history), &message);
    SIM_CHECK(!err, "the history of %s does not parse", run->run_id);
    const HIST(History) *history = (const HIST(History) *)message;
    for (size_t i = 0; i < history->n_events; i++) {
        x->s->next_event_id = history->events[i]->event_id + 1;
        exec_apply(x, history->events[i]);
    }
    if (!sk_text_set(x->s->root_workflow_id)) { // without one a run is its own root
        x->s->root_workflow_id = exec_str(x, run->workflow_id);
        x->s->root_run_id = exec_str(x, run->run_id);
    }
    return x;
}

void sim_check_fold(const struct sim_run *run, struct sk_str state)
{
    static const unsigned also[] = {45, 46, 47, 48, 49, 50, 51, 0}; // size, workflow task, items
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_ctx ctx = {.arena = arena};
    struct sk_part_row *parts = SK_NEW_N(arena, struct sk_part_row, 1000);
    struct sk_exec_row row = {.run = {.run_id = run->uuid}, .state = state, .parts = parts};
    for (int kind = 1; kind < SIM_ITEM_KINDS; kind++) {
        size_t cursor = 0;
        int64_t id;
        void *body;
        while (row.part_count < 1000 && sk_imap_next(run->parts[kind], &cursor, &id, &body))
            parts[row.part_count++] =
                (struct sk_part_row){(enum sk_part_kind)kind, id, sk_buf_view(body)};
    }
    struct exec *stored;
    sk_err err = exec_from_row(&ctx, NULL, &row, &stored);
    SIM_CHECK(!err, "the state of %s does not parse", run->run_id);
    if (!stored->s->n_buffered) {
        struct exec *folded = fold(run, arena);
        compare(run, arena, &stored->s->base, &folded->s->base, STATE_SIDE, also);
        if (sim_run_open(run))
            for (int kind = 1; kind < SIM_ITEM_KINDS; kind++)
                compare_items(run, arena, stored, folded, (enum sk_part_kind)kind);
        exec_free(folded);
    }
    exec_free(stored);
    sk_arena_free(arena);
}
