/* What a Failure message says, for people: which of its nested causes is the real one, what kind of
 * failure it is, its text. Any thread; results are borrowed from the message or static, but for a
 * kind that is put together, which lives in the arena. */
#ifndef SK_WIRE_FAILURE_H
#define SK_WIRE_FAILURE_H

#include "base/arena.h"
#include "temporal/api/failure/v1/message.pb-c.h"

/* The failure below what only wraps it (ActivityFailure, ChildWorkflowFailure ...). NULL stays. */
const Temporal__Api__Failure__V1__Failure *sk_failure_root(
    const Temporal__Api__Failure__V1__Failure *failure);
/* "ValueError" (an application's own type), "ApplicationError", "TimeoutError: StartToClose" ...;
 * "" for NULL. */
const char *sk_failure_kind(struct sk_arena *arena,
                            const Temporal__Api__Failure__V1__Failure *failure);
struct sk_str sk_failure_text(const Temporal__Api__Failure__V1__Failure *failure);

#endif
