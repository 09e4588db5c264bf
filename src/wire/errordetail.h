/*
 * Errors with a typed detail (temporal.api.errordetails.v1), as SDKs read them from the status:
 * each function is sk_fail plus the detail message and returns the code, so that
 * `return sk_fail_not_found(ctx, "...")` reads well. The first failure of a context wins, as with
 * sk_fail. Any thread; everything is allocated in ctx->arena.
 */
#ifndef SK_WIRE_ERRORDETAIL_H
#define SK_WIRE_ERRORDETAIL_H

#include <protobuf-c/protobuf-c.h>
#include "base/ctx.h"

enum sk_exhausted_cause { /* numbers are temporal.api.enums.v1.ResourceExhaustedCause */
                          SK_EXHAUSTED_RPS_LIMIT = 1,
                          SK_EXHAUSTED_CONCURRENT_LIMIT = 2,
                          SK_EXHAUSTED_SYSTEM_OVERLOADED = 3,
                          SK_EXHAUSTED_PERSISTENCE_LIMIT = 4,
                          SK_EXHAUSTED_BUSY_WORKFLOW = 5,
                          SK_EXHAUSTED_APS_LIMIT = 6,
                          SK_EXHAUSTED_PERSISTENCE_STORAGE_LIMIT = 7,
                          SK_EXHAUSTED_WORKER_DEPLOYMENT_LIMITS = 10,
};
enum sk_exhausted_scope { /* ResourceExhaustedScope */
                          SK_SCOPE_NAMESPACE = 1,
                          SK_SCOPE_SYSTEM = 2,
};

/* NOT_FOUND + NotFoundFailure: a run, activity, task or token that is not there. */
sk_err sk_fail_not_found(struct sk_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#define sk_fail_not_found(...) SK_FAILS_WITH(SK_NOT_FOUND, (sk_fail_not_found)(__VA_ARGS__))
/* NOT_FOUND + NamespaceNotFoundFailure: "Namespace NAME is not found." Workers treat it as fatal.
 */
sk_err sk_fail_namespace_not_found(struct sk_ctx *ctx, const char *name);
/* ALREADY_EXISTS + NamespaceAlreadyExistsFailure: "Namespace already exists." */
sk_err sk_fail_namespace_already_exists(struct sk_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* FAILED_PRECONDITION + NamespaceInvalidStateFailure. state is enums.v1.NamespaceState;
 * allowed_mask has bit (1 << state) for each state that would have been right. */
sk_err sk_fail_namespace_invalid_state(struct sk_ctx *ctx, const char *name, int state,
                                       unsigned allowed_mask);
/* ALREADY_EXISTS + WorkflowExecutionAlreadyStartedFailure */
sk_err sk_fail_workflow_already_started(struct sk_ctx *ctx, const char *message,
                                        const char *start_request_id, const char *run_id,
                                        const char *first_execution_run_id);
/* ALREADY_EXISTS + CancellationAlreadyRequestedFailure */
sk_err sk_fail_cancellation_already_requested(struct sk_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* RESOURCE_EXHAUSTED + ResourceExhaustedFailure */
sk_err sk_fail_resource_exhausted(struct sk_ctx *ctx, enum sk_exhausted_cause cause,
                                  enum sk_exhausted_scope scope, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* INVALID_ARGUMENT + QueryFailedFailure. failure: a temporal.api.failure.v1.Failure or NULL. */
sk_err sk_fail_query_failed(struct sk_ctx *ctx, const char *message,
                            const ProtobufCMessage *failure);
/* FAILED_PRECONDITION + WorkflowNotReadyFailure */
sk_err sk_fail_workflow_not_ready(struct sk_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* PERMISSION_DENIED + PermissionDeniedFailure{reason} */
sk_err sk_fail_permission_denied(struct sk_ctx *ctx, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* FAILED_PRECONDITION + ClientVersionNotSupportedFailure */
sk_err sk_fail_client_version(struct sk_ctx *ctx, const char *client_version,
                              const char *client_name, const char *supported_versions);
/* FAILED_PRECONDITION + ServerVersionNotSupportedFailure */
sk_err sk_fail_server_version(struct sk_ctx *ctx, const char *server_version,
                              const char *client_supported_server_versions);
/* OUT_OF_RANGE + NewerBuildExistsFailure */
sk_err sk_fail_newer_build(struct sk_ctx *ctx, const char *default_build_id);
/* `code` + MultiOperationExecutionFailure: one status an operation. An operation whose code is
 * SK_OK was aborted because another one failed (ABORTED + MultiOperationExecutionAborted). */
sk_err sk_fail_multi_operation(struct sk_ctx *ctx, sk_err code, const char *message,
                               const struct sk_errinfo *operations, size_t operation_count);

#endif
