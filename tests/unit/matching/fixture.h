/*
 * What matching's tests share: a store that holds nothing but task rows, a runtime to run a test's
 * fiber on, and polls that remember how they ended. Inside fibers cmocka's asserts would jump
 * across stacks, so CHECK aborts instead.
 */
#ifndef SK_TEST_MATCHING_FIXTURE_H
#define SK_TEST_MATCHING_FIXTURE_H

#include "matching/matching.h"
#include "matching/matching_internal.h"
#include <pthread.h>

#define CHECK(cond) ((cond) ? (void)0 : sk_panic(__FILE__, __LINE__, "check failed: %s", #cond))
#define CHECK_EQ(a, b)                                                                      \
    do {                                                                                    \
        long long a_ = (long long)(a), b_ = (long long)(b);                                 \
        if (a_ != b_)                                                                       \
            sk_panic(__FILE__, __LINE__, "check failed: %s is %lld, not %lld", #a, a_, b_); \
    } while (0)

/* Rows sorted by (ns, kind, name, priority, seq). */
struct rows_store {
    struct sk_store store;
    pthread_mutex_t lock; /* loops are threads in one of the tests */
    struct sk_task_row *rows;
    size_t count, capacity;
    int64_t meta_value, meta_version;
    int fail_reads;   /* so many reads fail */
    int64_t delay_ms; /* a read takes a random time up to this */
    int reads;
};
void rows_store_init(struct rows_store *store);
void rows_store_fini(struct rows_store *store);
void rows_put(struct rows_store *store, const struct sk_task_row *row);
bool rows_delete(struct rows_store *store,
                 const struct sk_task_row *row); /* false: was not there */

extern struct rows_store test_store; /* fresh for each run */

/* Run fn as the first fiber on a new runtime. */
void run_simulated(int loops, uint64_t seed, void (*fn)(void));
void run_threads(int loops, void (*fn)(void));

struct sk_matching *matching_new(size_t head_max);

struct sk_queue_key queue_key(enum sk_task_kind kind, const char *name);
/* A row on a queue with the workflow id "w"; fallback may be NULL. */
struct sk_task_row row_of(struct sk_queue_key queue, int32_t priority, int64_t seq,
                          const char *fallback);
/* Write it and announce it. */
void add(struct sk_matching *m, struct sk_task_row row);

struct test_poll {
    struct sk_poll poll;
    bool over;
    enum sk_poll_end ended;
    struct sk_task *got;
    void (*then)(struct test_poll *);
};
/* timeout_ms from now */
void poll_start(struct sk_matching *m, struct test_poll *p, struct sk_queue_key queue,
                int64_t timeout_ms);
/* Wait for its end; the task or NULL. */
struct sk_task *poll_wait(struct test_poll *p);
/* Both; deletes the task's row, gives the seq (0: empty). */
int64_t poll_one(struct sk_matching *m, struct sk_queue_key queue, int64_t timeout_ms);
struct sk_matching_stats stats_of(struct sk_matching *m);

#endif
