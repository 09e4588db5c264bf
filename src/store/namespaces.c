/*
 * The namespaces: every request reads one, almost none writes one.
 *
 * Owns one immutable snapshot (three sorted arrays of pointers to immutable records) behind an
 * atomic pointer. Readers of any loop load it and search; they never wait and never yield while
 * they hold it. A writer writes the store, makes a new snapshot and swaps it in; the old arrays are
 * freed when every loop has turned once since (sk_rt_call to each), the records never, since
 * requests under way hold them. So a lookup costs a binary search and no lock.
 *
 * In the store a namespace is a meta row of kind "namespace" keyed by its name, so that two
 * registrations of one name collide there. Deleting writes a row of kind "namespace-deleted" keyed
 * by uuid and then removes the name's row: the name is free at once, and the record stays until the
 * runs are gone. A crash between the two leaves both; loading then finishes the second step.
 * Numbers come from a counter row and are never used again.
 *
 * Slots of search attributes: predefined attributes have fixed ones (predefined.h), custom ones get
 * the lowest free above those. A removed attribute's slot is remembered with its name: rows may
 * still hold values there, so it is only given back to the same name and type.
 *
 * INV-1  at most one record that is not deleted has a given name (the store's key).
 * INV-2  no two attributes of a namespace, present or removed, share a type and slot.
 *
 * Thread: lookups any loop; the rest from fibers of any loop. Failure: the store's; a snapshot is
 * only swapped after the store has the record.
 */
#include "store/namespaces.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "rt/rt.h"
#include "skald/store/v1/namespace.pb-c.h"
#include "store/predefined.h"
#include "wire/text.h"
#include "wire/wire.h"

#define RECORD_FORMAT 1
#define ID_TRIES_MAX 100
#define KIND SK_STR("namespace")
#define KIND_DELETED SK_STR("namespace-deleted")
#define KIND_IDS SK_STR("namespace-ids")
#define KEY_IDS SK_STR("next")

typedef Skald__Store__V1__NamespaceRecord record_pb;
typedef Skald__Store__V1__NamespaceRecord__DataEntry data_pb;
typedef Skald__Store__V1__SearchAttribute attribute_pb;

/* The public record and what only this file needs. Immutable once published. */
struct entry {
    struct sk_namespace ns; /* first, so that a namespace is its entry */
    struct entry *next_kept; /* all ever made, for closing */
    struct sk_arena *arena;  /* owned: everything the record points at */
    struct sk_search_attribute *retired;
    size_t retired_count;
};

struct snapshot {
    size_t count;           /* not deleted */
    struct entry **by_name; /* owned arrays, `count` each */
    struct entry **by_id;
    struct entry **by_uuid;
    size_t deleted_count;
    struct entry **deleted;
};

struct sk_namespaces {
    struct sk_store *store; /* borrowed */
    _Atomic(struct snapshot *) snapshot;
    _Atomic(struct entry *) kept;
};

static const struct entry *entry_of(const struct sk_namespace *ns)
{
    return (const struct entry *)(const void *)ns;
}

/* ---- snapshots ---- */

static int compare_name(const void *a, const void *b)
{
    return strcmp((*(struct entry *const *)a)->ns.name, (*(struct entry *const *)b)->ns.name);
}

static int compare_id(const void *a, const void *b)
{
    sk_ns_id x = (*(struct entry *const *)a)->ns.id, y = (*(struct entry *const *)b)->ns.id;
    return x < y ? -1 : x > y;
}

static int compare_uuid(const void *a, const void *b)
{
    return strcmp((*(struct entry *const *)a)->ns.uuid, (*(struct entry *const *)b)->ns.uuid);
}

static struct snapshot *snapshot_new(struct entry **all, size_t n)
{
    struct snapshot *s = sk_mem_zalloc(sizeof *s);
    s->by_name = sk_mem_alloc((n + 1) * sizeof *all);
    s->by_id = sk_mem_alloc((n + 1) * sizeof *all);
    s->by_uuid = sk_mem_alloc((n + 1) * sizeof *all);
    s->deleted = sk_mem_alloc((n + 1) * sizeof *all);
    for (size_t i = 0; i < n; i++) {
        if (all[i]->ns.state == SK_NS_DELETED) {
            s->deleted[s->deleted_count++] = all[i];
            continue;
        }
        s->by_name[s->count] = s->by_id[s->count] = s->by_uuid[s->count] = all[i];
        s->count++;
    }
    qsort(s->by_name, s->count, sizeof *all, compare_name);
    qsort(s->by_id, s->count, sizeof *all, compare_id);
    qsort(s->by_uuid, s->count, sizeof *all, compare_uuid);
    return s;
}

static void snapshot_free(struct snapshot *s)
{
    if (!s)
        return;
    sk_mem_free(s->by_name);
    sk_mem_free(s->by_id);
    sk_mem_free(s->by_uuid);
    sk_mem_free(s->deleted);
    sk_mem_free(s);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Every loop has turned: nobody searches the old arrays any more. */
static void wait_for_readers(void)
{
    struct sk_rt *rt = sk_rt_current();
    for (int i = 0; rt && i < sk_rt_loop_count(rt); i++)
        if (i != sk_rt_loop_index())
            sk_rt_call(i, nothing, NULL);
}

/* All of the old snapshot but the record with that id, plus entry when not NULL. */
static struct snapshot *snapshot_with(const struct snapshot *old, sk_ns_id id, struct entry *entry)
{
    size_t n = 0;
    struct entry **all = sk_mem_alloc((old->count + old->deleted_count + 1) * sizeof *all);
    for (size_t i = 0; i < old->count; i++)
        if (old->by_name[i]->ns.id != id)
            all[n++] = old->by_name[i];
    for (size_t i = 0; i < old->deleted_count; i++)
        if (old->deleted[i]->ns.id != id)
            all[n++] = old->deleted[i];
    if (entry)
        all[n++] = entry;
    struct snapshot *s = snapshot_new(all, n);
    sk_mem_free(all);
    return s;
}

static void publish(struct sk_namespaces *n, sk_ns_id id, struct entry *entry)
{
    struct snapshot *old = atomic_load(&n->snapshot), *new;
    for (;;) {
        // only a swap frees arrays, and only after all loops turned, this one included: old is safe
        new = snapshot_with(old, id, entry);
        if (atomic_compare_exchange_strong(&n->snapshot, &old, new))
            break;
        snapshot_free(new);
    }
    wait_for_readers();
    snapshot_free(old);
}

static void keep(struct sk_namespaces *n, struct entry *entry)
{
    entry->next_kept = atomic_load(&n->kept);
    while (!atomic_compare_exchange_weak(&n->kept, &entry->next_kept, entry))
        ;
}

/* ---- lookups ---- */

static const struct sk_namespace *search(const struct entry *key, struct entry *const *array,
                                         size_t count, int (*compare)(const void *, const void *))
{
    struct entry *const *found = bsearch(&key, array, count, sizeof *array, compare);
    return found ? &(*found)->ns : NULL;
}

const struct sk_namespace *sk_namespaces_by_name(struct sk_namespaces *n, const char *name)
{
    const struct snapshot *s = atomic_load(&n->snapshot);
    struct entry key = {.ns.name = name};
    return name ? search(&key, s->by_name, s->count, compare_name) : NULL;
}

const struct sk_namespace *sk_namespaces_by_id(struct sk_namespaces *n, sk_ns_id id)
{
    const struct snapshot *s = atomic_load(&n->snapshot);
    struct entry key = {.ns.id = id};
    return search(&key, s->by_id, s->count, compare_id);
}

const struct sk_namespace *sk_namespaces_by_uuid(struct sk_namespaces *n, const char *uuid)
{
    const struct snapshot *s = atomic_load(&n->snapshot);
    struct entry key = {.ns.uuid = uuid};
    return uuid ? search(&key, s->by_uuid, s->count, compare_uuid) : NULL;
}

static size_t copy_list(struct sk_arena *arena, struct entry *const *from, size_t count,
                        const struct sk_namespace ***ret)
{
    *ret = SK_NEW_N(arena, const struct sk_namespace *, count + 1);
    for (size_t i = 0; i < count; i++)
        (*ret)[i] = &from[i]->ns;
    return count;
}

size_t sk_namespaces_list(struct sk_namespaces *n, struct sk_arena *arena,
                          const struct sk_namespace ***ret)
{
    const struct snapshot *s = atomic_load(&n->snapshot);
    return copy_list(arena, s->by_name, s->count, ret);
}

size_t sk_namespaces_deleted(struct sk_namespaces *n, struct sk_arena *arena,
                             const struct sk_namespace ***ret)
{
    const struct snapshot *s = atomic_load(&n->snapshot);
    return copy_list(arena, s->deleted, s->deleted_count, ret);
}

const struct sk_search_attribute *sk_namespace_attribute(const struct sk_namespace *ns,
                                                         struct sk_str name)
{
    for (size_t i = 0; i < ns->attribute_count; i++)
        if (sk_str_eq(name, sk_str_of(ns->attributes[i].name)))
            return &ns->attributes[i];
    return NULL;
}

/* ---- slots ---- */

static const int slots_of_type[] = {
    0, SK_SA_SLOTS_TEXT, SK_SA_SLOTS_KEYWORD,  SK_SA_SLOTS_INT,
    SK_SA_SLOTS_DOUBLE, SK_SA_SLOTS_BOOL, SK_SA_SLOTS_DATETIME, SK_SA_SLOTS_KEYWORD_LIST,
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

static int slot_before_removal(const struct entry *old, const struct sk_search_attribute *a)
{
    for (size_t i = 0; old && i < old->retired_count; i++)
        if (old->retired[i].type == a->type && strcmp(old->retired[i].name, a->name) == 0)
            return old->retired[i].slot;
    return 0;
}

static sk_err assign_slot(struct sk_ctx *ctx, const struct entry *old, const struct entry *entry,
                          struct sk_search_attribute *a)
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
static void retire_slots(const struct entry *old, struct entry *entry)
{
    size_t max = old->ns.attribute_count + old->retired_count;
    entry->retired = SK_NEW_N(entry->arena, struct sk_search_attribute, max + 1);
    for (size_t i = 0; i < max; i++) {
        const struct sk_search_attribute *a = i < old->retired_count
                                                  ? &old->retired[i]
                                                  : &old->ns.attributes[i - old->retired_count];
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

static void copy_attributes(struct entry *entry, const struct sk_search_attribute *from,
                            size_t count)
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

static struct entry *entry_new(void)
{
    struct sk_arena *arena = sk_arena_new(0);
    struct entry *entry = SK_NEW(arena, struct entry);
    entry->arena = arena;
    return entry;
}

/* A deep copy, in memory of its own. */
static struct entry *entry_dup(const struct sk_namespace *from)
{
    struct entry *entry = entry_new();
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

static struct sk_str pack(struct sk_arena *arena, const struct entry *entry)
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

static sk_err unpack(struct sk_ctx *ctx, const struct sk_meta_row *row, struct entry **ret)
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
    struct entry *entry = entry_dup(&ns);
    unpack_attributes(entry->arena, pb->retired, pb->n_retired, &entry->retired);
    entry->retired_count = pb->n_retired;
    *ret = entry;
    return SK_OK;
}

/* ---- opening ---- */

static bool has_id(struct entry *const *list, size_t count, sk_ns_id id)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->ns.id == id)
            return true;
    return false;
}

/* Reads all rows of a kind behind `count` entries of *all. A row whose namespace is already there
 * is the rest of an interrupted deletion: it goes. */
static sk_err load(struct sk_namespaces *n, struct sk_ctx *ctx, struct sk_str kind,
                   struct entry ***all, size_t *count)
{
    struct sk_meta_row *rows;
    size_t row_count, before = *count;
    sk_err err = sk_store_meta_list(n->store, ctx, kind, &rows, &row_count);
    if (err != SK_OK)
        return err;
    *all = sk_mem_realloc(*all, (before + row_count + 1) * sizeof **all);
    for (size_t i = 0; i < row_count; i++) {
        struct entry *entry;
        err = unpack(ctx, &rows[i], &entry);
        if (err != SK_OK)
            return err;
        keep(n, entry);
        if (!has_id(*all, before, entry->ns.id)) {
            (*all)[(*count)++] = entry;
            continue;
        }
        rows[i].version++;
        err = sk_store_meta_delete(n->store, ctx, &rows[i]);
        if (err != SK_OK)
            return err;
    }
    return SK_OK;
}

sk_err sk_namespaces_open(struct sk_ctx *ctx, struct sk_store *store, struct sk_namespaces **ret)
{
    struct sk_namespaces *n = sk_mem_zalloc(sizeof *n);
    struct entry **all = NULL;
    size_t count = 0;
    n->store = store;
    sk_err err = load(n, ctx, KIND_DELETED, &all, &count);
    if (err == SK_OK)
        err = load(n, ctx, KIND, &all, &count);
    if (err == SK_OK)
        atomic_store(&n->snapshot, snapshot_new(all, count));
    sk_mem_free(all);
    if (err != SK_OK) {
        sk_namespaces_close(n);
        return err;
    }
    *ret = n;
    return SK_OK;
}

void sk_namespaces_close(struct sk_namespaces *n)
{
    if (!n)
        return;
    snapshot_free(atomic_load(&n->snapshot));
    for (struct entry *entry = atomic_load(&n->kept), *next; entry; entry = next) {
        next = entry->next_kept;
        sk_arena_free(entry->arena);
    }
    sk_mem_free(n);
}

/* ---- writing ---- */

static sk_err next_id(struct sk_namespaces *n, struct sk_ctx *ctx, sk_ns_id *ret)
{
    for (int i = 0; i < ID_TRIES_MAX; i++) {
        struct sk_meta_row row = {.kind = KIND_IDS, .key = KEY_IDS};
        Skald__Store__V1__NamespaceIds ids;
        skald__store__v1__namespace_ids__init(&ids);
        sk_err err = sk_store_meta_get(n->store, ctx, KIND_IDS, KEY_IDS, &row);
        if (err == SK_OK) {
            ProtobufCMessage *message;
            err = sk_wire_decode_own(ctx, &skald__store__v1__namespace_ids__descriptor, row.value,
                                     &message);
            if (err != SK_OK)
                return err;
            ids.next_id = ((Skald__Store__V1__NamespaceIds *)message)->next_id;
        } else if (err == SK_NOT_FOUND) {
            sk_ctx_clear(ctx);
            row.version = 0;
            ids.next_id = 1;
        } else {
            return err;
        }
        sk_ns_id id = ids.next_id++;
        struct sk_meta_row put = {KIND_IDS, KEY_IDS, sk_wire_pack(ctx->arena, &ids.base),
                                  row.version + 1};
        err = sk_store_meta_put(n->store, ctx, &put);
        if (err == SK_OK) {
            *ret = id;
            return SK_OK;
        }
        if (err != SK_CONDITION)
            return err;
        sk_ctx_clear(ctx);
    }
    return sk_fail(ctx, SK_UNAVAILABLE, "too many namespaces are being registered at once");
}

static struct sk_meta_row row_of(struct sk_ctx *ctx, const struct entry *entry)
{
    bool deleted = entry->ns.state == SK_NS_DELETED;
    return (struct sk_meta_row){.kind = deleted ? KIND_DELETED : KIND,
                                .key = sk_str_of(deleted ? entry->ns.uuid : entry->ns.name),
                                .value = pack(ctx->arena, entry),
                                .version = entry->ns.version};
}

static sk_err fill_new(struct sk_namespaces *n, struct sk_ctx *ctx, struct entry *entry)
{
    char text[SK_UUID_TEXT];
    sk_err err = next_id(n, ctx, &entry->ns.id);
    if (err != SK_OK)
        return err;
    entry->ns.created_ms = sk_now_wall_ms();
    if (!*entry->ns.uuid) {
        sk_uuid_format(sk_uuid_new(sk_rt_random(), entry->ns.created_ms), text);
        entry->ns.uuid = sk_arena_strdup(entry->arena, text);
    }
    if (!entry->ns.state)
        entry->ns.state = SK_NS_REGISTERED;
    entry->ns.version = 1;
    return SK_OK;
}

static sk_err fill_slots(struct sk_ctx *ctx, const struct entry *old, struct entry *entry)
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

static sk_err write_row(struct sk_namespaces *n, struct sk_ctx *ctx, const struct entry *old,
                        const struct entry *entry)
{
    struct sk_meta_row row = row_of(ctx, entry);
    bool deleting = old && entry->ns.state == SK_NS_DELETED && old->ns.state != SK_NS_DELETED;
    if (deleting)
        row.version = 1; // the first of its key
    sk_err err = sk_store_meta_put(n->store, ctx, &row);
    if (err == SK_CONDITION && !old)
        return sk_ctx_clear(ctx),
               sk_fail(ctx, SK_ALREADY_EXISTS, "Namespace already exists.");
    if (err == SK_CONDITION)
        return sk_ctx_clear(ctx),
               sk_fail(ctx, SK_ABORTED, "namespace %s was changed meanwhile", entry->ns.name);
    if (err != SK_OK || !deleting)
        return err;
    struct sk_meta_row name_row = {.kind = KIND, .key = sk_str_of(old->ns.name),
                                   .version = old->ns.version + 1};
    return sk_store_meta_delete(n->store, ctx, &name_row);
}

sk_err sk_namespaces_put(struct sk_namespaces *n, struct sk_ctx *ctx,
                         const struct sk_namespace *record, const struct sk_namespace **ret)
{
    const struct sk_namespace *now = record->id ? sk_namespaces_by_id(n, record->id) : NULL;
    if (record->id && (!now || now->version != record->version))
        return sk_fail(ctx, SK_ABORTED, "namespace %s was changed meanwhile", record->name);
    if (!record->id && sk_namespaces_by_name(n, record->name))
        return sk_fail(ctx, SK_ALREADY_EXISTS, "Namespace already exists.");
    const struct entry *old = now ? entry_of(now) : NULL;
    struct entry *entry = entry_dup(record);
    keep(n, entry);
    entry->ns.version = record->version + 1;
    sk_err err = old ? SK_OK : fill_new(n, ctx, entry);
    if (err == SK_OK)
        err = fill_slots(ctx, old, entry);
    if (err == SK_OK)
        err = write_row(n, ctx, old, entry);
    if (err != SK_OK)
        return err;
    if (entry->ns.state == SK_NS_DELETED)
        entry->ns.version = 1;
    publish(n, entry->ns.id, entry);
    if (ret)
        *ret = &entry->ns;
    return SK_OK;
}

sk_err sk_namespaces_forget(struct sk_namespaces *n, struct sk_ctx *ctx,
                            const struct sk_namespace *ns)
{
    SK_ASSERT(ns->state == SK_NS_DELETED);
    struct sk_meta_row row = {.kind = KIND_DELETED, .key = sk_str_of(ns->uuid),
                              .version = ns->version + 1};
    sk_ns_id id = ns->id;
    sk_err err = sk_store_meta_delete(n->store, ctx, &row);
    if (err == SK_OK)
        publish(n, id, NULL);
    return err;
}
