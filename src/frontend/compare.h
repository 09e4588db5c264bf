/* Only the .c files and tests of src/frontend may include this. What a run did, as steps, and two
 * runs side by side. */
#ifndef SK_FRONTEND_COMPARE_H
#define SK_FRONTEND_COMPARE_H

#include "base/ctx.h"
#include "base/map.h"
#include "skald/api/v1/comparison.pb-c.h"
#include "temporal/api/history/v1/message.pb-c.h"

#define SK_COMPARE_STEPS_MAX 10000

struct sk_compare_step {
    const char *kind;           /* "activity" ...; static */
    const char *name, *outcome; /* outcome static */
    int64_t first_event_id, last_event_id;
    int64_t start_ns, end_ns; /* end 0: pending */
    int32_t attempt;
    uint64_t input, result, failure; /* hashes; 0: none */
    const char *detail;
    size_t twin; /* of the other run; SIZE_MAX: none */
};

struct sk_compare_run { /* all in the arena, but by_event */
    struct sk_arena *arena;
    struct sk_compare_step *steps;
    size_t count, capacity;
    struct sk_imap *by_event; /* first event id -> index + 1 */
    int64_t events;
    const char *workflow_type;
    bool truncated;
};
void sk_compare_run_init(struct sk_compare_run *run, struct sk_arena *arena);
void sk_compare_run_fini(struct sk_compare_run *run);
/* In the order of the history. */
void sk_compare_event(struct sk_compare_run *run,
                      const Temporal__Api__History__V1__HistoryEvent *event);
/* Pairs the steps and fills steps, first_difference and truncated. */
void sk_compare_runs(struct sk_compare_run *left, struct sk_compare_run *right,
                     Skald__Api__V1__CompareRunsResponse *ret);

#endif
