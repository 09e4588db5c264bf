/*
 * The store in memory, as the simulator uses it: content that outlives a store, so that an engine
 * can "crash" and open again on what was committed, and faults at commits.
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

enum sk_memory_fault {
    SK_MEMORY_NO_FAULT,
    SK_MEMORY_REFUSE,       /* nothing is written: UNAVAILABLE */
    SK_MEMORY_UNKNOWN_DONE, /* written, reported as COMMIT_UNKNOWN */
    SK_MEMORY_UNKNOWN_LOST, /* not written, reported as COMMIT_UNKNOWN */
};
struct sk_memory_hooks {
    /* Asked as each commit is about to be made, on the store's worker (in a simulated runtime: on
     * the loop). May be NULL. */
    enum sk_memory_fault (*on_commit)(void *arg, const struct sk_txn *txn);
    void *arg;
};

/* Open on existing content. Commits of an earlier store that are still under way are refused from
 * now on (their leases are over). hooks: copied, may be NULL. */
sk_err sk_memory_store_open_on(struct sk_ctx *ctx, struct sk_memory_data *data,
                               const struct sk_memory_hooks *hooks,
                               struct sk_store **ret) SK_MUST_USE;

#endif
