/*
 * The store in memory on content that outlives it: closing a store and opening another on the same
 * content is a crash and a restart.
 */
#ifndef SK_STORE_MEMORY_H
#define SK_STORE_MEMORY_H

#include "store/store.h"

/* The content. Whoever makes it frees it, after all stores on it were closed. */
struct sk_memory_data;
struct sk_memory_data *sk_memory_data_new(void);
void sk_memory_data_free(struct sk_memory_data *data); /* NULL is fine */
/* Rows of all kinds: the same after a crash as before. */
size_t sk_memory_data_rows(const struct sk_memory_data *data);

/* Open on existing content. Commits of an earlier store that are still under way are refused from
 * now on (their leases are over). */
sk_err sk_memory_store_open_on(struct sk_ctx *ctx, struct sk_memory_data *data,
                               struct sk_store **ret) SK_MUST_USE;

#endif
