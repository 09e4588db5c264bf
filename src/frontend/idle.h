/* Only the .c files and tests of src/frontend may include this. Why nothing runs on a task queue.
 */
#ifndef SK_FRONTEND_IDLE_H
#define SK_FRONTEND_IDLE_H

#include "matching/matching.h"
#include "skald/api/v1/task_queue.pb-c.h"

/* From what matching says about one type of a queue and about its other type. */
Skald__Api__V1__IdleReason sk_idle_reason(const struct sk_queue_info *info,
                                          const struct sk_queue_info *other, int64_t now_ms);
/* A sentence with names and numbers; "" when nothing is wrong. In the arena. */
const char *sk_idle_explain(struct sk_arena *arena, Skald__Api__V1__IdleReason reason,
                            const char *queue, enum sk_task_kind kind,
                            const struct sk_queue_info *info, const struct sk_queue_info *other,
                            int64_t now_ms);
/* Of all names, those that `name` may have been meant to be, nearest first; at most max. */
size_t sk_idle_similar(const char *name, const struct sk_queue_key *all, size_t count, size_t max,
                       const char **ret);

#endif
