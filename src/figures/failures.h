/*
 * Failure groups: what fails, grouped by where it fails, the kind of error and what its messages
 * have in common. The latest SK_FAILURE_GROUPS of the server, in memory.
 *
 * Noted on the calling loop, merged when somebody asks. A NULL index notes nothing.
 */
#ifndef SK_FIGURES_FAILURES_H
#define SK_FIGURES_FAILURES_H

#include <stdbool.h>
#include <stdint.h>
#include "base/ctx.h"

#define SK_FAILURE_GROUPS 1000
#define SK_FAILURE_SAMPLES 5
#define SK_FAILURE_MESSAGE_BYTES 1000 /* of a sample message that are kept */
#define SK_FAILURE_FOLDED_BYTES 300   /* of what messages have in common */

/* The numbers are skald.api.v1.FailureSource. */
enum sk_failure_source {
    SK_FAILURE_OF_ACTIVITY = 1,
    SK_FAILURE_OF_WORKFLOW_TASK = 2,
    SK_FAILURE_OF_WORKFLOW = 3,
};

struct sk_failures;
struct sk_failures *sk_failures_new(int loop_count);
void sk_failures_free(struct sk_failures *failures); /* NULL is fine */

struct sk_failure_note { /* strings are borrowed; NULL is "" */
    uint32_t ns;
    enum sk_failure_source source;
    const char *workflow_type, *activity_type, *error_type, *task_queue;
    struct sk_str message, workflow_id;
    const char *run_id;
    int32_t attempt;
    bool retrying; /* it is tried again */
};
void sk_failures_note(struct sk_failures *failures, const struct sk_failure_note *note);

/* ---- reading; from a fiber, results in ctx->arena ---- */
struct sk_failure_sample {
    const char *workflow_id, *run_id;
    int64_t at_ms;
    int32_t attempt;
};
struct sk_failure_group {
    uint64_t id;
    enum sk_failure_source source;
    const char *workflow_type, *activity_type, *error_type, *task_queue;
    const char *folded, *message;
    int64_t count, retrying, first_ms, last_ms;
    struct sk_failure_sample samples[SK_FAILURE_SAMPLES]; /* newest first */
    size_t sample_count;
};
struct sk_failure_list {
    struct sk_failure_group *groups; /* last seen first */
    size_t count;
    bool truncated; /* older ones were forgotten */
};
void sk_failures_list(struct sk_failures *failures, struct sk_ctx *ctx, uint32_t ns,
                      struct sk_failure_list *ret);
int64_t sk_failures_since_ms(const struct sk_failures *failures);

/* What messages of one kind have in common: numbers, uuids, hex and quoted texts are folded, white
 * space is one blank. At most max bytes, whole characters; returns how many. */
size_t sk_failure_fold(struct sk_str message, char *ret, size_t max);

#endif
