/* For src/engine/command*.c only: what the handlers of commands share. */
#ifndef SK_ENGINE_COMMAND_INTERNAL_H
#define SK_ENGINE_COMMAND_INTERNAL_H

#include "engine/engine_internal.h"

struct runner {
    struct txn *t;
    const WS(RespondWorkflowTaskCompletedRequest) *request;
    struct command_results *ret;
    const CMDMSG(Command) *command;
    bool unseen; /* something was buffered before the commands ran: a close must wait */
};

/* Say why the task fails; always false. */
bool command_verdict(struct runner *r, int cause, const char *text);
bool command_fits(struct runner *r, const void *message, int64_t limit, int cause,
                  const char *text);
const struct sk_limits *command_limits(const struct runner *r);
bool command_too_long(const struct runner *r, const char *id);
HIST(HistoryEvent) *command_event(struct runner *r, int type);
/* What is wrong with a task queue's name; NULL: nothing, or there is none. */
const char *command_queue_fault(struct runner *r,
                                const Temporal__Api__Taskqueue__V1__TaskQueue *queue);
bool command_bad_duration(const API_DURATION *d);
bool command_check_policy(struct runner *r, const COMMON(RetryPolicy) *p, int cause);
bool command_check_attributes(struct runner *r, const COMMON(SearchAttributes) *attributes);
#define VERDICT(r, cause, ...) \
    command_verdict((r), CAUSE(cause), sk_arena_printf((r)->t->ctx->arena, __VA_ARGS__))

/* command_activity.c */
bool command_schedule_activity(struct runner *r);
bool command_cancel_activity(struct runner *r);

/* command_external.c: children, cancels and signals to other workflows */
bool command_start_child(struct runner *r);
bool command_cancel_external(struct runner *r);
bool command_signal_external(struct runner *r);

#endif
