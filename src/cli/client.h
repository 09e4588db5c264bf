/*
 * What demo, bench and health share: a connection to any server that speaks Temporal's API, calls
 * by name, and builders for the messages they send. Everything of one client belongs to one loop
 * and runs in fibers; messages are built in an arena and borrow what they are given.
 */
#ifndef SK_CLI_CLIENT_H
#define SK_CLI_CLIENT_H

#include "cli/options.h"
#include "rpc/rpc.h"
#include "temporal/api/workflowservice/v1/request_response.pb-c.h"

/* Short names for the API's messages. */
#define API_WS(name) Temporal__Api__Workflowservice__V1__##name
#define API_COMMON(name) Temporal__Api__Common__V1__##name
#define API_TASKQUEUE(name) Temporal__Api__Taskqueue__V1__##name
#define API_COMMAND(name) Temporal__Api__Command__V1__##name
#define API_HISTORY(name) Temporal__Api__History__V1__##name
#define API_FAILURE(name) Temporal__Api__Failure__V1__##name
/* A zeroed message in the arena: API_NEW(arena, Temporal__..., temporal__..._) */
#define API_NEW(arena, type, prefix)                 \
    ({                                               \
        type *api_new_message = SK_NEW(arena, type); \
        prefix##_init(api_new_message);              \
        api_new_message;                             \
    })

/* The calls these commands make: id, method of WorkflowService, prefix of its response's C names.
 */
#define SK_CLI_CALLS(X)                                                                           \
    X(START, "StartWorkflowExecution", start_workflow_execution_response)                         \
    X(POLL_WORKFLOW, "PollWorkflowTaskQueue", poll_workflow_task_queue_response)                  \
    X(RESPOND_WORKFLOW, "RespondWorkflowTaskCompleted", respond_workflow_task_completed_response) \
    X(POLL_ACTIVITY, "PollActivityTaskQueue", poll_activity_task_queue_response)                  \
    X(RESPOND_ACTIVITY, "RespondActivityTaskCompleted", respond_activity_task_completed_response) \
    X(FAIL_ACTIVITY, "RespondActivityTaskFailed", respond_activity_task_failed_response)          \
    X(SIGNAL, "SignalWorkflowExecution", signal_workflow_execution_response)                      \
    X(CANCEL, "RequestCancelWorkflowExecution", request_cancel_workflow_execution_response)       \
    X(DESCRIBE, "DescribeWorkflowExecution", describe_workflow_execution_response)                \
    X(HISTORY, "GetWorkflowExecutionHistory", get_workflow_execution_history_response)            \
    X(SYSTEM_INFO, "GetSystemInfo", get_system_info_response)

enum sk_cli_call {
#define X(id, name, response) SK_CLI_##id,
    SK_CLI_CALLS(X)
#undef X
        SK_CLI_CALL_COUNT
};
const char *sk_cli_call_name(enum sk_cli_call call);

/* "host:port", "[::1]:7233", "host" (port 7233), as given to flag. host lives in the arena. */
sk_err sk_cli_address(struct sk_ctx *ctx, const char *flag, const char *text, const char **ret_host,
                      int *ret_port) SK_MUST_USE;
/* Connect to --address with --tls...; waits. */
sk_err sk_cli_connect(struct sk_ctx *ctx, const struct sk_options *options, bool gzip,
                      struct sk_rpc_client **ret) SK_MUST_USE;
/* One call of WorkflowService; *ret is the response's message, in ctx->arena. */
sk_err sk_cli_call(struct sk_rpc_client *client, struct sk_ctx *ctx, enum sk_cli_call call,
                   const ProtobufCMessage *request, int64_t timeout_ms,
                   ProtobufCMessage **ret) SK_MUST_USE;

/* Run fn in a fiber of a runtime of its own and return what it returns; main thread. */
int sk_cli_run(struct sk_ctx *ctx, const struct sk_options *options,
               int (*fn)(struct sk_ctx *ctx, const struct sk_options *options));

/* "skald-demo@host:pid", in the arena. */
char *sk_cli_identity(struct sk_arena *arena, const char *what);
/* A fresh uuid as text, in the arena. */
char *sk_cli_uuid(struct sk_arena *arena);

/* ---- builders ---- */
API_TASKQUEUE(TaskQueue) *
    sk_cli_queue(struct sk_arena *arena, const char *name, const char *normal_name);
API_COMMON(Payloads) *
    sk_cli_payloads(struct sk_arena *arena, const char *encoding, const void *data, size_t n);
API_COMMON(WorkflowExecution) *
    sk_cli_execution(struct sk_arena *arena, const char *workflow_id, const char *run_id);
Google__Protobuf__Duration *sk_cli_duration(struct sk_arena *arena, int64_t ms);
API_FAILURE(Failure) *
    sk_cli_failure(struct sk_arena *arena, const char *message, const char *type, bool retryable);
API_COMMAND(Command) * sk_cli_command_new(struct sk_arena *arena,
                                          Temporal__Api__Enums__V1__CommandType type,
                                          API_COMMAND(Command__AttributesCase) attributes);
API_COMMAND(Command) * sk_cli_command_activity(struct sk_arena *arena, const char *id,
                                               const char *type, const char *queue,
                                               API_COMMON(Payloads) * input);
API_COMMAND(Command) * sk_cli_command_timer(struct sk_arena *arena, const char *id, int64_t ms);
API_COMMAND(Command) *
    sk_cli_command_complete(struct sk_arena *arena, API_COMMON(Payloads) * result);
/* The first payload's bytes, or an empty string. */
struct sk_str sk_cli_payload_bytes(const API_COMMON(Payloads) * payloads);

/* Microseconds on the monotonic clock: for measuring from outside, never for the server's work. */
int64_t sk_cli_now_us(void);

#endif
