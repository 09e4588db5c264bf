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
 * runs are gone. A crash between the two leaves both; loading then finishes the second step, as
 * does another try when the store failed between them. Numbers come from a counter row and are
 * never used again.
 *
 * INV-1  at most one record that is not deleted has a given name (the store's key).
 * INV-2  no two attributes of a namespace, present or removed, share a type and slot
 *        (namespace_record.c).
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
#include "store/namespace_record.h"
#include "wire/errordetail.h"
#include "wire/wire.h"

#define ID_TRIES_MAX 100
#define KIND SK_STR("namespace")
#define KIND_DELETED SK_STR("namespace-deleted")
#define KIND_IDS SK_STR("namespace-ids")
#define KEY_IDS SK_STR("next")

struct snapshot {
    size_t count;                        /* not deleted */
    struct sk_namespace_entry **by_name; /* owned arrays, `count` each */
    struct sk_namespace_entry **by_id;
    struct sk_namespace_entry **by_uuid;
    size_t deleted_count;
    struct sk_namespace_entry **deleted;
};

struct sk_namespaces {
    struct sk_store *store; /* borrowed */
    _Atomic(struct snapshot *) snapshot;
    _Atomic(struct sk_namespace_entry *) kept;
};

/* ---- snapshots ---- */

static int compare_name(const void *a, const void *b)
{
    return strcmp((*(struct sk_namespace_entry *const *)a)->ns.name,
                  (*(struct sk_namespace_entry *const *)b)->ns.name);
}

static int compare_id(const void *a, const void *b)
{
    sk_ns_id x = (*(struct sk_namespace_entry *const *)a)->ns.id,
             y = (*(struct sk_namespace_entry *const *)b)->ns.id;
    return x < y ? -1 : x > y;
}

static int compare_uuid(const void *a, const void *b)
{
    return strcmp((*(struct sk_namespace_entry *const *)a)->ns.uuid,
                  (*(struct sk_namespace_entry *const *)b)->ns.uuid);
}

static struct snapshot *snapshot_new(struct sk_namespace_entry **all, size_t n)
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
static struct snapshot *snapshot_with(const struct snapshot *old, sk_ns_id id,
                                      struct sk_namespace_entry *entry)
{
    size_t n = 0;
    struct sk_namespace_entry **all =
        sk_mem_alloc((old->count + old->deleted_count + 1) * sizeof *all);
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

static void publish(struct sk_namespaces *n, sk_ns_id id, struct sk_namespace_entry *entry)
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

static void keep(struct sk_namespaces *n, struct sk_namespace_entry *entry)
{
    entry->next_kept = atomic_load(&n->kept);
    while (!atomic_compare_exchange_weak(&n->kept, &entry->next_kept, entry))
        ;
}

/* ---- lookups ---- */

static const struct sk_namespace *search(const struct sk_namespace_entry *key,
                                         struct sk_namespace_entry *const *array, size_t count,
                                         int (*compare)(const void *, const void *))
{
    struct sk_namespace_entry *const *found = bsearch(&key, array, count, sizeof *array, compare);
    return found ? &(*found)->ns : NULL;
}

const struct sk_namespace *sk_namespaces_by_name(struct sk_namespaces *n, const char *name)
{
    const struct snapshot *s = atomic_load(&n->snapshot);
    struct sk_namespace_entry key = {.ns.name = name};
    return name ? search(&key, s->by_name, s->count, compare_name) : NULL;
}

const struct sk_namespace *sk_namespaces_by_id(struct sk_namespaces *n, sk_ns_id id)
{
    const struct snapshot *s = atomic_load(&n->snapshot);
    struct sk_namespace_entry key = {.ns.id = id};
    return search(&key, s->by_id, s->count, compare_id);
}

const struct sk_namespace *sk_namespaces_by_uuid(struct sk_namespaces *n, const char *uuid)
{
    const struct snapshot *s = atomic_load(&n->snapshot);
    struct sk_namespace_entry key = {.ns.uuid = uuid};
    return uuid ? search(&key, s->by_uuid, s->count, compare_uuid) : NULL;
}

static size_t copy_list(struct sk_arena *arena, struct sk_namespace_entry *const *from,
                        size_t count, const struct sk_namespace ***ret)
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

/* ---- opening ---- */

static bool has_id(struct sk_namespace_entry *const *list, size_t count, sk_ns_id id)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->ns.id == id)
            return true;
    return false;
}

/* Reads all rows of a kind behind `count` entries of *all. A row whose namespace is already there
 * is the rest of an interrupted deletion: it goes. */
static sk_err load(struct sk_namespaces *n, struct sk_ctx *ctx, struct sk_str kind,
                   struct sk_namespace_entry ***all, size_t *count)
{
    struct sk_meta_row *rows;
    size_t row_count, before = *count;
    sk_err err = sk_store_meta_list(n->store, ctx, kind, &rows, &row_count);
    if (err != SK_OK)
        return err;
    *all = sk_mem_realloc(*all, (before + row_count + 1) * sizeof **all);
    for (size_t i = 0; i < row_count; i++) {
        struct sk_namespace_entry *entry;
        err = sk_namespace_unpack(ctx, &rows[i], &entry);
        if (err != SK_OK)
            return err;
        keep(n, entry);
        if (!has_id(*all, before, entry->ns.id)) {
            (*all)[(*count)++] = entry;
            continue;
        }
        err = sk_store_meta_delete(n->store, ctx, &rows[i]);
        if (err != SK_OK)
            return err;
    }
    return SK_OK;
}

sk_err sk_namespaces_open(struct sk_ctx *ctx, struct sk_store *store, struct sk_namespaces **ret)
{
    struct sk_namespaces *n = sk_mem_zalloc(sizeof *n);
    struct sk_namespace_entry **all = NULL;
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
    for (struct sk_namespace_entry *entry = atomic_load(&n->kept), *next; entry; entry = next) {
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

static struct sk_meta_row row_of(struct sk_ctx *ctx, const struct sk_namespace_entry *entry)
{
    bool deleted = entry->ns.state == SK_NS_DELETED;
    return (struct sk_meta_row){.kind = deleted ? KIND_DELETED : KIND,
                                .key = sk_str_of(deleted ? entry->ns.uuid : entry->ns.name),
                                .value = sk_namespace_pack(ctx->arena, entry),
                                .version = entry->ns.version};
}

static sk_err fill_new(struct sk_namespaces *n, struct sk_ctx *ctx,
                       struct sk_namespace_entry *entry)
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

static sk_err already_exists(struct sk_ctx *ctx)
{
    sk_ctx_clear(ctx);
    return sk_fail_namespace_already_exists(ctx, "Namespace already exists.");
}

static sk_err changed_meanwhile(struct sk_ctx *ctx, const char *name)
{
    sk_ctx_clear(ctx);
    return sk_fail(ctx, SK_ABORTED, "namespace %s was changed meanwhile", name);
}

static sk_err write_row(struct sk_namespaces *n, struct sk_ctx *ctx,
                        const struct sk_namespace_entry *old,
                        const struct sk_namespace_entry *entry)
{
    struct sk_meta_row row = row_of(ctx, entry);
    sk_err err = sk_store_meta_put(n->store, ctx, &row);
    if (err == SK_CONDITION)
        return old ? changed_meanwhile(ctx, entry->ns.name) : already_exists(ctx);
    return err;
}

/* Both steps may be tried again: the first finds its row if only the second had failed, and the
 * second finds the name's row whoever changed it meanwhile. While the number is known here, that
 * row is its own: another could take the name only after this one was published as deleted. */
static sk_err write_deletion(struct sk_namespaces *n, struct sk_ctx *ctx,
                             const struct sk_namespace_entry *entry)
{
    struct sk_meta_row row = row_of(ctx, entry);
    row.version = 1; // the first of its key
    sk_err err = sk_store_meta_put(n->store, ctx, &row);
    for (int i = 0; i < ID_TRIES_MAX && (err == SK_OK || err == SK_CONDITION); i++) {
        const struct sk_namespace *now = sk_namespaces_by_id(n, entry->ns.id);
        if (!now)
            break;
        sk_ctx_clear(ctx);
        struct sk_meta_row name_row = {
            .kind = KIND, .key = sk_str_of(now->name), .version = now->version};
        err = sk_store_meta_delete(n->store, ctx, &name_row);
        if (err != SK_CONDITION)
            return err;
    }
    return err == SK_OK || err == SK_CONDITION ? changed_meanwhile(ctx, entry->ns.name) : err;
}

sk_err sk_namespaces_put(struct sk_namespaces *n, struct sk_ctx *ctx,
                         const struct sk_namespace *record, const struct sk_namespace **ret)
{
    const struct sk_namespace *now = record->id ? sk_namespaces_by_id(n, record->id) : NULL;
    if (record->id && (!now || now->version != record->version))
        return changed_meanwhile(ctx, record->name);
    if (!record->id && sk_namespaces_by_name(n, record->name))
        return already_exists(ctx);
    const struct sk_namespace_entry *old = now ? sk_namespace_entry_of(now) : NULL;
    struct sk_namespace_entry *entry = sk_namespace_entry_dup(record);
    entry->ns.version = record->version + 1;
    sk_err err = old ? SK_OK : fill_new(n, ctx, entry);
    if (err == SK_OK)
        err = sk_namespace_assign_slots(ctx, old, entry);
    if (err == SK_OK && old && entry->ns.state == SK_NS_DELETED)
        err = write_deletion(n, ctx, entry);
    else if (err == SK_OK)
        err = write_row(n, ctx, old, entry);
    if (err != SK_OK) {
        sk_arena_free(entry->arena);
        return err;
    }
    keep(n, entry);
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
    struct sk_meta_row row = {
        .kind = KIND_DELETED, .key = sk_str_of(ns->uuid), .version = ns->version};
    sk_ns_id id = ns->id;
    sk_err err = sk_store_meta_delete(n->store, ctx, &row);
    if (err == SK_OK)
        publish(n, id, NULL);
    return err;
}
