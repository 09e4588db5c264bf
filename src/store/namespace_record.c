/*
 * A namespace's record: its copy in memory, its bytes in the store, and the slots of its search
 * attributes.
 *
 * Predefined attributes have fixed slots (predefined.h), custom ones get the lowest free above
 * those. A removed attribute's slot is remembered with its name: rows may still hold values there,
 * so it is only given back to the same name and type.
 *
 * INV-2  no two attributes of a namespace, present or removed, share a type and slot.
 *
 * Thread: any; no state. Failure: a record of a newer format is refused with both numbers.
 */
#include "store/namespace_record.h"

#include "skald/store/v1/namespace.pb-c.h"
#include "store/predefined.h"
#include "wire/text.h"
#include "wire/wire.h"

#define RECORD_FORMAT 1

typedef Skald__Store__V1__NamespaceRecord record_pb;
typedef Skald__Store__V1__NamespaceRecord__DataEntry data_pb;
typedef Skald__Store__V1__SearchAttribute attribute_pb;

/* ---- slots ---- */

static const int slots_of_type[] = {
    0,
    SK_SA_SLOTS_TEXT,
    SK_SA_SLOTS_KEYWORD,
    SK_SA_SLOTS_INT,
    SK_SA_SLOTS_DOUBLE,
    SK_SA_SLOTS_BOOL,
    SK_SA_SLOTS_DATETIME,
    SK_SA_SLOTS_KEYWORD_LIST,
};

static int first_custom_slot(enum sk_sa_type type)
{
    bool many = type == SK_SA_KEYWORD || type == SK_SA_KEYWORD_LIST;
    return 1 + (many ? SK_SA_SYSTEM_SLOTS : SK_SA_SYSTEM_SLOTS_FEW);
}

int sk_search_attribute_max(enum sk_sa_type type)
{
    if ((int)type < 1 || (int)type > 7)
        return 0;
    return slots_of_type[type] - first_custom_slot(type) + 1;
}

static bool slot_used(const struct sk_search_attribute *list, size_t count, enum sk_sa_type type,
                      int slot)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].type == type && list[i].slot == slot)
            return true;
    return false;
}

static int slot_before_removal(const struct sk_namespace_entry *old,
                               const struct sk_search_attribute *a)
{
    for (size_t i = 0; old && i < old->retired_count; i++)
        if (old->retired[i].type == a->type && strcmp(old->retired[i].name, a->name) == 0)
            return old->retired[i].slot;
    return 0;
}

static sk_err assign_slot(struct sk_ctx *ctx, const struct sk_namespace_entry *old,
                          const struct sk_namespace_entry *entry, struct sk_search_attribute *a)
{
    a->slot = slot_before_removal(old, a);
    int last = (int)a->type >= 1 && (int)a->type <= 7 ? slots_of_type[a->type] : 0;
    for (int slot = first_custom_slot(a->type); !a->slot && slot <= last; slot++)
        if (!slot_used(entry->ns.attributes, entry->ns.attribute_count, a->type, slot) &&
            !(old && slot_used(old->ns.attributes, old->ns.attribute_count, a->type, slot)) &&
            !(old && slot_used(old->retired, old->retired_count, a->type, slot)))
            a->slot = slot;
    if (a->slot)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT,
                   "Unable to create search attributes: cannot have more than %d search attribute "
                   "of type %s.",
                   sk_search_attribute_max(a->type), sk_predefined_type_name(a->type));
}

/* What the old record had, or had had, and the new one has not. */
static void retire_slots(const struct sk_namespace_entry *old, struct sk_namespace_entry *entry)
{
    size_t max = old->ns.attribute_count + old->retired_count;
    entry->retired = SK_NEW_N(entry->arena, struct sk_search_attribute, max + 1);
    for (size_t i = 0; i < max; i++) {
        const struct sk_search_attribute *a =
            i < old->retired_count ? &old->retired[i] : &old->ns.attributes[i - old->retired_count];
        if (a->system ||
            slot_used(entry->ns.attributes, entry->ns.attribute_count, a->type, a->slot))
            continue;
        struct sk_search_attribute *kept = &entry->retired[entry->retired_count++];
        *kept = *a;
        kept->name = sk_arena_strdup(entry->arena, a->name);
    }
}

/* ---- records ---- */

static const char *dup_or_empty(struct sk_arena *arena, const char *s)
{
    return sk_arena_strdup(arena, s ? s : "");
}

static void copy_attributes(struct sk_namespace_entry *entry,
                            const struct sk_search_attribute *from, size_t count)
{
    size_t n;
    const struct sk_search_attribute *system = sk_predefined_attributes(&n);
    struct sk_search_attribute *to =
        SK_NEW_N(entry->arena, struct sk_search_attribute, n + count + 1);
    memcpy(to, system, n * sizeof *to);
    for (size_t i = 0; i < count; i++) {
        if (from[i].system)
            continue;
        to[n] = from[i];
        to[n].settable = true;
        to[n].name = sk_arena_strdup(entry->arena, from[i].name);
        n++;
    }
    entry->ns.attributes = to;
    entry->ns.attribute_count = n;
}

static struct sk_namespace_entry *entry_new(void)
{
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_namespace_entry *entry = SK_NEW(arena, struct sk_namespace_entry);
    entry->arena = arena;
    return entry;
}

/* A deep copy, in memory of its own. */
struct sk_namespace_entry *sk_namespace_entry_dup(const struct sk_namespace *from)
{
    struct sk_namespace_entry *entry = entry_new();
    struct sk_arena *arena = entry->arena;
    entry->ns = *from;
    entry->ns.uuid = dup_or_empty(arena, from->uuid);
    entry->ns.name = dup_or_empty(arena, from->name);
    entry->ns.description = dup_or_empty(arena, from->description);
    entry->ns.owner_email = dup_or_empty(arena, from->owner_email);
    entry->ns.history_archival_uri = dup_or_empty(arena, from->history_archival_uri);
    entry->ns.visibility_archival_uri = dup_or_empty(arena, from->visibility_archival_uri);
    entry->ns.data = sk_arena_zalloc(arena, (from->data_count + 1) * sizeof *entry->ns.data);
    for (size_t i = 0; i < from->data_count; i++) {
        entry->ns.data[i].key = dup_or_empty(arena, from->data[i].key);
        entry->ns.data[i].value = dup_or_empty(arena, from->data[i].value);
    }
    copy_attributes(entry, from->attributes, from->attribute_count);
    return entry;
}

static attribute_pb **pack_attributes(struct sk_arena *arena,
                                      const struct sk_search_attribute *list, size_t count,
                                      size_t *ret_count)
{
    attribute_pb **out = SK_NEW_N(arena, attribute_pb *, count + 1);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].system)
            continue;
        attribute_pb *a = sk_arena_alloc(arena, sizeof *a);
        skald__store__v1__search_attribute__init(a);
        a->name = sk_wire_text(list[i].name);
        a->type = (int32_t)list[i].type;
        a->slot = list[i].slot;
        out[(*ret_count)++] = a;
    }
    return out;
}

struct sk_str sk_namespace_pack(struct sk_arena *arena, const struct sk_namespace_entry *entry)
{
    const struct sk_namespace *ns = &entry->ns;
    record_pb pb;
    skald__store__v1__namespace_record__init(&pb);
    pb.format = RECORD_FORMAT;
    pb.id = ns->id;
    pb.uuid = sk_wire_text(ns->uuid);
    pb.name = sk_wire_text(ns->name);
    pb.state = (int32_t)ns->state;
    pb.description = sk_wire_text(ns->description);
    pb.owner_email = sk_wire_text(ns->owner_email);
    pb.retention_ms = ns->retention_ms;
    pb.created_ms = ns->created_ms;
    pb.history_archival_state = ns->history_archival_state;
    pb.visibility_archival_state = ns->visibility_archival_state;
    pb.history_archival_uri = sk_wire_text(ns->history_archival_uri);
    pb.visibility_archival_uri = sk_wire_text(ns->visibility_archival_uri);
    pb.data = SK_NEW_N(arena, data_pb *, ns->data_count + 1);
    for (size_t i = 0; i < ns->data_count; i++) {
        data_pb *d = pb.data[pb.n_data++] = sk_arena_alloc(arena, sizeof *d);
        skald__store__v1__namespace_record__data_entry__init(d);
        d->key = sk_wire_text(ns->data[i].key);
        d->value = sk_wire_text(ns->data[i].value);
    }
    pb.attributes = pack_attributes(arena, ns->attributes, ns->attribute_count, &pb.n_attributes);
    pb.retired = pack_attributes(arena, entry->retired, entry->retired_count, &pb.n_retired);
    return sk_wire_pack(arena, &pb.base);
}

static void unpack_attributes(struct sk_arena *arena, attribute_pb *const *from, size_t count,
                              struct sk_search_attribute **ret)
{
    *ret = SK_NEW_N(arena, struct sk_search_attribute, count + 1);
    for (size_t i = 0; i < count; i++)
        (*ret)[i] = (struct sk_search_attribute){.name = sk_arena_strdup(arena, from[i]->name),
                                                 .type = (enum sk_sa_type)from[i]->type,
                                                 .slot = from[i]->slot,
                                                 .settable = true};
}

sk_err sk_namespace_unpack(struct sk_ctx *ctx, const struct sk_meta_row *row,
                           struct sk_namespace_entry **ret)
{
    ProtobufCMessage *message;
    sk_err err = sk_wire_decode_own(ctx, &skald__store__v1__namespace_record__descriptor,
                                    row->value, &message);
    if (err != SK_OK)
        return err;
    const record_pb *pb = (const record_pb *)message;
    if (pb->format > RECORD_FORMAT)
        return sk_fail(ctx, SK_FAILED_PRECONDITION,
                       "the record of namespace %s has format %u; this version reads up to %d: use "
                       "the newer version that wrote it",
                       pb->name, pb->format, RECORD_FORMAT);
    struct sk_namespace ns = {
        .id = pb->id,
        .uuid = pb->uuid,
        .name = pb->name,
        .state = (enum sk_ns_state)pb->state,
        .description = pb->description,
        .owner_email = pb->owner_email,
        .retention_ms = pb->retention_ms,
        .created_ms = pb->created_ms,
        .history_archival_state = pb->history_archival_state,
        .visibility_archival_state = pb->visibility_archival_state,
        .history_archival_uri = pb->history_archival_uri,
        .visibility_archival_uri = pb->visibility_archival_uri,
        .version = row->version,
    };
    ns.data = sk_arena_zalloc(ctx->arena, (pb->n_data + 1) * sizeof *ns.data);
    for (size_t i = 0; i < pb->n_data; i++) {
        ns.data[i].key = pb->data[i]->key;
        ns.data[i].value = pb->data[i]->value;
    }
    ns.data_count = pb->n_data;
    unpack_attributes(ctx->arena, pb->attributes, pb->n_attributes, &ns.attributes);
    ns.attribute_count = pb->n_attributes;
    struct sk_namespace_entry *entry = sk_namespace_entry_dup(&ns);
    unpack_attributes(entry->arena, pb->retired, pb->n_retired, &entry->retired);
    entry->retired_count = pb->n_retired;
    *ret = entry;
    return SK_OK;
}

sk_err sk_namespace_assign_slots(struct sk_ctx *ctx, const struct sk_namespace_entry *old,
                                 struct sk_namespace_entry *entry)
{
    for (size_t i = 0; i < entry->ns.attribute_count; i++) {
        struct sk_search_attribute *a = &entry->ns.attributes[i];
        if (a->system || a->slot)
            continue;
        sk_err err = assign_slot(ctx, old, entry, a);
        if (err != SK_OK)
            return err;
    }
    if (old)
        retire_slots(old, entry);
    return SK_OK;
}
