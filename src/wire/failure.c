/*
 * Reading a Failure. Its causes nest (activity failure > application failure > ...); what people
 * want to see is the first that is not a mere wrapper. The decoder bounds the nesting.
 *
 * Thread: any; no state.
 */
#include "wire/failure.h"

#define INFO(kind) TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_##kind

typedef Temporal__Api__Failure__V1__Failure failure_pb;

const failure_pb *sk_failure_root(const failure_pb *failure)
{
    while (failure && failure->cause &&
           (failure->failure_info_case == INFO(ACTIVITY_FAILURE_INFO) ||
            failure->failure_info_case == INFO(CHILD_WORKFLOW_EXECUTION_FAILURE_INFO) ||
            failure->failure_info_case == INFO(NEXUS_OPERATION_EXECUTION_FAILURE_INFO)))
        failure = failure->cause;
    return failure;
}

static const char *timeout_name(int type)
{
    static const char *const names[] = {"TimeoutError", "TimeoutError: StartToClose",
                                        "TimeoutError: ScheduleToStart",
                                        "TimeoutError: ScheduleToClose", "TimeoutError: Heartbeat"};
    return type > 0 && type < (int)(sizeof(names) / sizeof(names[0])) ? names[type] : names[0];
}

const char *sk_failure_kind(struct sk_arena *arena, const failure_pb *failure)
{
    if (!failure)
        return "";
    switch (failure->failure_info_case) {
    case INFO(APPLICATION_FAILURE_INFO):
        return *failure->application_failure_info->type
                   ? sk_arena_strdup(arena, failure->application_failure_info->type)
                   : "ApplicationError";
    case INFO(TIMEOUT_FAILURE_INFO):
        return timeout_name((int)failure->timeout_failure_info->timeout_type);
    case INFO(CANCELED_FAILURE_INFO):
        return "CanceledError";
    case INFO(TERMINATED_FAILURE_INFO):
        return "TerminatedError";
    case INFO(SERVER_FAILURE_INFO):
        return "ServerError";
    case INFO(ACTIVITY_FAILURE_INFO):
        return "ActivityError";
    case INFO(CHILD_WORKFLOW_EXECUTION_FAILURE_INFO):
        return "ChildWorkflowError";
    default:
        return "Error";
    }
}

struct sk_str sk_failure_text(const failure_pb *failure)
{
    if (!failure)
        return (struct sk_str){"", 0};
    return (struct sk_str){(const char *)failure->message.data, failure->message.len};
}
