/* Only namespaces.c and its tests may include this. A namespace's record, in memory and as bytes.
 */
#ifndef SK_STORE_NAMESPACE_RECORD_H
#define SK_STORE_NAMESPACE_RECORD_H

#include "store/namespaces.h"

/* The public record and what only the store needs. Immutable once published. */
struct sk_namespace_entry {
    struct sk_namespace ns;               /* first, so that a namespace is its entry */
    struct sk_namespace_entry *next_kept; /* all ever made, for closing */
    struct sk_arena *arena;               /* owned: everything the record points at */
    struct sk_search_attribute *retired;
    size_t retired_count;
};

static inline const struct sk_namespace_entry *sk_namespace_entry_of(const struct sk_namespace *ns)
{
    return (const struct sk_namespace_entry *)(const void *)ns;
}

/* A deep copy in memory of its own (entry->arena), with the predefined attributes. */
struct sk_namespace_entry *sk_namespace_entry_dup(const struct sk_namespace *from);
/* Slots for the attributes that have none; remembers those that old (or NULL) had and entry has
 * not. */
sk_err sk_namespace_assign_slots(struct sk_ctx *ctx, const struct sk_namespace_entry *old,
                                 struct sk_namespace_entry *entry) SK_MUST_USE;
struct sk_str sk_namespace_pack(struct sk_arena *arena, const struct sk_namespace_entry *entry);
sk_err sk_namespace_unpack(struct sk_ctx *ctx, const struct sk_meta_row *row,
                           struct sk_namespace_entry **ret) SK_MUST_USE;

#endif
