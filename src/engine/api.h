/*
 * Short names for Temporal's generated messages and enumerators, and small helpers to make and
 * read them. For src/engine only. Messages made here live in the arena they are made in.
 */
#ifndef SK_ENGINE_API_H
#define SK_ENGINE_API_H

#include <protobuf-c/protobuf-c.h>
#include "base/arena.h"
#include "base/random.h"
#include "skald/engine/v1/state.pb-c.h"
#include "temporal/api/command/v1/message.pb-c.h"
#include "temporal/api/failure/v1/message.pb-c.h"
#include "temporal/api/history/v1/message.pb-c.h"
#include "temporal/api/workflowservice/v1/request_response.pb-c.h"

#define EN(name) Skald__Engine__V1__##name
#define HIST(name) Temporal__Api__History__V1__##name
#define COMMON(name) Temporal__Api__Common__V1__##name
#define CMDMSG(name) Temporal__Api__Command__V1__##name
#define FAILURE Temporal__Api__Failure__V1__Failure
#define API_DURATION Google__Protobuf__Duration
#define API_TIMESTAMP Google__Protobuf__Timestamp

#define EVENT(x) TEMPORAL__API__ENUMS__V1__EVENT_TYPE__EVENT_TYPE_##x
#define COMMAND(x) TEMPORAL__API__ENUMS__V1__COMMAND_TYPE__COMMAND_TYPE_##x
#define STATUS(x) TEMPORAL__API__ENUMS__V1__WORKFLOW_EXECUTION_STATUS__WORKFLOW_EXECUTION_STATUS_##x
#define CAUSE(x) \
    TEMPORAL__API__ENUMS__V1__WORKFLOW_TASK_FAILED_CAUSE__WORKFLOW_TASK_FAILED_CAUSE_##x
#define RETRY_STATE(x) TEMPORAL__API__ENUMS__V1__RETRY_STATE__RETRY_STATE_##x
#define TIMEOUT(x) TEMPORAL__API__ENUMS__V1__TIMEOUT_TYPE__TIMEOUT_TYPE_##x
#define REUSE(x) TEMPORAL__API__ENUMS__V1__WORKFLOW_ID_REUSE_POLICY__WORKFLOW_ID_REUSE_POLICY_##x
#define CONFLICT(x) \
    TEMPORAL__API__ENUMS__V1__WORKFLOW_ID_CONFLICT_POLICY__WORKFLOW_ID_CONFLICT_POLICY_##x
#define CLOSE_POLICY(x) TEMPORAL__API__ENUMS__V1__PARENT_CLOSE_POLICY__PARENT_CLOSE_POLICY_##x
#define INITIATOR(x) \
    TEMPORAL__API__ENUMS__V1__CONTINUE_AS_NEW_INITIATOR__CONTINUE_AS_NEW_INITIATOR_##x
#define CHILD_CAUSE(x) \
    TEMPORAL__API__ENUMS__V1__START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE__START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_##x
#define SIGNAL_CAUSE(x) \
    TEMPORAL__API__ENUMS__V1__SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE__SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_##x
#define CANCEL_CAUSE(x) \
    TEMPORAL__API__ENUMS__V1__CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE__CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_##x
#define QUEUE_KIND(x) TEMPORAL__API__ENUMS__V1__TASK_QUEUE_KIND__TASK_QUEUE_KIND_##x

/* An initialised message of any type. */
void *sk_msg_new(struct sk_arena *arena, const ProtobufCMessageDescriptor *type);
/* A deep copy (also of unknown fields); NULL gives NULL. */
void *sk_msg_dup(struct sk_arena *arena, const void *message);
#define MSG_NEW(arena, Type, snake) ((Type *)sk_msg_new((arena), &snake##__descriptor))
#define COMMON_NEW(arena, Type, snake) \
    MSG_NEW(arena, COMMON(Type), temporal__api__common__v1__##snake)
#define EN_NEW(arena, Type, snake) MSG_NEW(arena, EN(Type), skald__engine__v1__##snake)

/* Why such a priority is refused; NULL: it is fine. */
const char *sk_priority_fault(struct sk_arena *arena, const COMMON(Priority) *priority);

API_DURATION *sk_dur(struct sk_arena *arena, int64_t ms);
int64_t sk_dur_ms(const API_DURATION *duration); /* NULL: 0; clamped to 100 years */
/* What a peer sent, if it is a valid duration of at most a century; else a century. For histories:
 * readers refuse others. */
API_DURATION *sk_dur_capped(struct sk_arena *arena, const API_DURATION *duration);
API_TIMESTAMP *sk_ts(struct sk_arena *arena, int64_t ns); /* ns 0: NULL */
int64_t sk_ts_ns(const API_TIMESTAMP *timestamp);
COMMON(WorkflowExecution) *sk_execution_msg(struct sk_arena *arena, const char *workflow_id,
                                            const char *run_id);
COMMON(WorkflowType) *sk_type_msg(struct sk_arena *arena, const char *name);
/* A task queue message; normal_name NULL: a normal queue, else a sticky one. */
Temporal__Api__Taskqueue__V1__TaskQueue *sk_queue_msg(struct sk_arena *arena, const char *name,
                                                      const char *normal_name);
ProtobufCBinaryData sk_bin(struct sk_arena *arena, const char *text);
FAILURE *sk_failure_new(struct sk_arena *arena, const char *message, const char *source);
FAILURE *sk_failure_timeout(struct sk_arena *arena, const char *message, int timeout_type);

/* A history event with its attributes message made and set. The union member is read through its
 * own name. */
HIST(HistoryEvent) *sk_event_new(struct sk_arena *arena, int type, int64_t now_ns);
/* The attributes message of an event, whatever its type. */
ProtobufCMessage *sk_event_attributes(const HIST(HistoryEvent) *event);
const char *sk_event_name(int type);

static inline bool sk_text_set(const char *text)
{
    return text && text[0];
}

#endif
