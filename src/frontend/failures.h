/* Only the .c files of src/frontend may include this. Failures that the server makes or shortens.
 */
#ifndef SK_FRONTEND_FAILURES_H
#define SK_FRONTEND_FAILURES_H

#include "base/arena.h"
#include "temporal/api/failure/v1/message.pb-c.h"

typedef Temporal__Api__Failure__V1__Failure sk_failure_pb;

/* A non-retryable failure of the server with that message. */
sk_failure_pb *sk_failure_of_server(struct sk_arena *arena, const char *message);
/* What fits into max_bytes, most important first: kind, source, message, stack trace, cause. */
sk_failure_pb *sk_failure_truncate(struct sk_arena *arena, const sk_failure_pb *failure,
                                   size_t max_bytes);

#endif
