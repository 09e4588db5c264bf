/*
 * The namespaces, cached: records of the meta kind "namespace" on top of the store's contract,
 * read by every request, written rarely. Each loop sees the newest record; a record handed out
 * stays valid for ever (old ones are few and are kept).
 */
#ifndef SK_STORE_NAMESPACES_H
#define SK_STORE_NAMESPACES_H

#include "store/store.h"

struct sk_search_attribute {
    const char *name; /* as users write it */
    enum sk_sa_type type;
    int slot;      /* column, 1.. */
    bool system;   /* predefined, e.g. TemporalChangeVersion; not listed as custom */
    bool settable; /* users may set it: all custom ones, some predefined ones */
};
#define SK_SA_SYSTEM_SLOTS                                                \
    8 /* the first slots of each type are kept for predefined attributes; \
         only keyword and keyword list need as many, others use two */

enum sk_ns_state { SK_NS_REGISTERED = 1, SK_NS_DEPRECATED = 2, SK_NS_DELETED = 3 };

struct sk_namespace {
    sk_ns_id id;
    const char *uuid; /* what the API calls id */
    const char *name;
    enum sk_ns_state state;
    const char *description, *owner_email;
    struct {
        const char *key, *value;
    } * data;
    size_t data_count;
    int64_t retention_ms;
    int64_t created_ms;
    int history_archival_state, visibility_archival_state; /* enums.v1.ArchivalState */
    const char *history_archival_uri, *visibility_archival_uri;
    struct sk_search_attribute *attributes; /* system ones first */
    size_t attribute_count;
    int64_t version; /* of the record */
};

struct sk_namespaces;
/* Loads all; from a fiber at boot. */
sk_err sk_namespaces_open(struct sk_ctx *ctx, struct sk_store *store,
                          struct sk_namespaces **ret) SK_MUST_USE;
void sk_namespaces_close(struct sk_namespaces *namespaces);
/* NULL: unknown (deleted ones are unknown too). Any loop. */
const struct sk_namespace *sk_namespaces_by_name(struct sk_namespaces *n, const char *name);
const struct sk_namespace *sk_namespaces_by_id(struct sk_namespaces *n, sk_ns_id id);
const struct sk_namespace *sk_namespaces_by_uuid(struct sk_namespaces *n, const char *uuid);
/* All that are not deleted, ordered by name, in the arena. */
size_t sk_namespaces_list(struct sk_namespaces *n, struct sk_arena *arena,
                          const struct sk_namespace ***ret);
/* Write a new or changed record (id 0: assigns id, uuid, created_ms, system attributes, version 1).
 * ALREADY_EXISTS / ABORTED (changed meanwhile). Waits; on return every loop sees it.
 * Custom attributes with slot 0 get one: the one they had before they were removed, else a fresh
 * one, never one that rows of another attribute may still use; INVALID_ARGUMENT when a type has
 * none left. A state of SK_NS_DELETED frees the name at once (see sk_namespaces_deleted). */
sk_err sk_namespaces_put(struct sk_namespaces *n, struct sk_ctx *ctx,
                         const struct sk_namespace *record,
                         const struct sk_namespace **ret) SK_MUST_USE;
/* Deleted ones whose runs may still be in the store, in the arena; and forget one for good, once
 * nothing of it is left. */
size_t sk_namespaces_deleted(struct sk_namespaces *n, struct sk_arena *arena,
                             const struct sk_namespace ***ret);
sk_err sk_namespaces_forget(struct sk_namespaces *n, struct sk_ctx *ctx,
                            const struct sk_namespace *ns) SK_MUST_USE;
/* Custom attributes of a type that a namespace may have. */
int sk_search_attribute_max(enum sk_sa_type type);
const struct sk_search_attribute *sk_namespace_attribute(const struct sk_namespace *ns,
                                                         struct sk_str name);

#endif
