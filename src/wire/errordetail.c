/*
 * Errors with a typed detail. An SDK decides by the detail's type, not by the text: whether a
 * worker stops, a client retries, an exception of a certain class is raised.
 *
 * Each function formats the message, sets the error, and packs the detail into the context's
 * arena. When an earlier failure stands, sk_fail returns its code and sk_fail_detail leaves it
 * alone; here the detail is then not packed either.
 *
 * Thread: any. Failure: none of its own; memory is the arena's.
 */
#include "wire/errordetail.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "temporal/api/enums/v1/failed_cause.pb-c.h"
#include "temporal/api/errordetails/v1/message.pb-c.h"
#include "wire/text.h"
#include "wire/wire.h"

#define DETAIL(name) Temporal__Api__Errordetails__V1__##name
#define CAUSE(name) \
    TEMPORAL__API__ENUMS__V1__RESOURCE_EXHAUSTED_CAUSE__RESOURCE_EXHAUSTED_CAUSE_##name
#define SCOPE(name) \
    TEMPORAL__API__ENUMS__V1__RESOURCE_EXHAUSTED_SCOPE__RESOURCE_EXHAUSTED_SCOPE_##name

static_assert((int)SK_EXHAUSTED_RPS_LIMIT == (int)CAUSE(RPS_LIMIT), "API number");
static_assert((int)SK_EXHAUSTED_CONCURRENT_LIMIT == (int)CAUSE(CONCURRENT_LIMIT), "API number");
static_assert((int)SK_EXHAUSTED_SYSTEM_OVERLOADED == (int)CAUSE(SYSTEM_OVERLOADED), "API number");
static_assert((int)SK_EXHAUSTED_PERSISTENCE_LIMIT == (int)CAUSE(PERSISTENCE_LIMIT), "API number");
static_assert((int)SK_EXHAUSTED_BUSY_WORKFLOW == (int)CAUSE(BUSY_WORKFLOW), "API number");
static_assert((int)SK_EXHAUSTED_APS_LIMIT == (int)CAUSE(APS_LIMIT), "API number");
static_assert((int)SK_EXHAUSTED_PERSISTENCE_STORAGE_LIMIT == (int)CAUSE(PERSISTENCE_STORAGE_LIMIT),
              "API number");
static_assert((int)SK_EXHAUSTED_WORKER_DEPLOYMENT_LIMITS == (int)CAUSE(WORKER_DEPLOYMENT_LIMITS),
              "API number");
static_assert((int)SK_SCOPE_NAMESPACE == (int)SCOPE(NAMESPACE), "API number");
static_assert((int)SK_SCOPE_SYSTEM == (int)SCOPE(SYSTEM), "API number");

static sk_err fail_with(struct sk_ctx *ctx, sk_err code, const char *message,
                        const ProtobufCMessage *detail)
{
    if (ctx->err.code != SK_OK)
        return ctx->err.code;
    sk_err err = sk_fail(ctx, code, "%s", message);
    struct sk_str packed = sk_wire_pack(ctx->arena, detail);
    sk_fail_detail(ctx, detail->descriptor->name, packed.p, packed.n);
    return err;
}

static const char *format(struct sk_ctx *ctx, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
static const char *format(struct sk_ctx *ctx, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return fmt;
    char *out = sk_arena_alloc(ctx->arena, (size_t)n + 1);
    vsnprintf(out, (size_t)n + 1, fmt, args);
    return out;
}

/* Format fmt with the variable arguments after `last` into `message`. */
#define FORMAT(message, ctx, fmt)               \
    do {                                        \
        va_list args;                           \
        va_start(args, fmt);                    \
        (message) = format((ctx), (fmt), args); \
        va_end(args);                           \
    } while (0)

sk_err(sk_fail_not_found)(struct sk_ctx *ctx, const char *fmt, ...)
{
    const char *message;
    FORMAT(message, ctx, fmt);
    DETAIL(NotFoundFailure) detail = TEMPORAL__API__ERRORDETAILS__V1__NOT_FOUND_FAILURE__INIT;
    return fail_with(ctx, SK_NOT_FOUND, message, &detail.base);
}

sk_err sk_fail_namespace_not_found(struct sk_ctx *ctx, const char *name)
{
    DETAIL(NamespaceNotFoundFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__NAMESPACE_NOT_FOUND_FAILURE__INIT;
    detail.namespace_ = sk_wire_text(name);
    const char *message =
        sk_arena_printf(ctx->arena, "Namespace %s is not found.", sk_wire_text(name));
    return fail_with(ctx, SK_NOT_FOUND, message, &detail.base);
}

sk_err sk_fail_namespace_already_exists(struct sk_ctx *ctx, const char *fmt, ...)
{
    const char *message;
    FORMAT(message, ctx, fmt);
    DETAIL(NamespaceAlreadyExistsFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__NAMESPACE_ALREADY_EXISTS_FAILURE__INIT;
    return fail_with(ctx, SK_ALREADY_EXISTS, message, &detail.base);
}

static const char *state_name(int state)
{
    static const char *const names[] = {"Unspecified", "Registered", "Deprecated", "Deleted"};
    return state >= 0 && state < 4 ? names[state] : "Unknown";
}

sk_err sk_fail_namespace_invalid_state(struct sk_ctx *ctx, const char *name, int state,
                                       unsigned allowed_mask)
{
    DETAIL(NamespaceInvalidStateFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__NAMESPACE_INVALID_STATE_FAILURE__INIT;
    Temporal__Api__Enums__V1__NamespaceState allowed[4];
    char list[64];
    size_t used = 0;
    for (int i = 0; i < 4; i++) {
        if (!(allowed_mask & 1U << i))
            continue;
        allowed[detail.n_allowed_states] = (Temporal__Api__Enums__V1__NamespaceState)i;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                 detail.n_allowed_states ? " or " : "", state_name(i));
        detail.n_allowed_states++;
    }
    detail.namespace_ = sk_wire_text(name);
    detail.state = (Temporal__Api__Enums__V1__NamespaceState)state;
    detail.allowed_states = allowed;
    const char *message =
        sk_arena_printf(ctx->arena, "Namespace has invalid state: %s. Must be %s.",
                        state_name(state), detail.n_allowed_states ? list : "none");
    return fail_with(ctx, SK_FAILED_PRECONDITION, message, &detail.base);
}

sk_err sk_fail_workflow_already_started(struct sk_ctx *ctx, const char *message,
                                        const char *start_request_id, const char *run_id,
                                        const char *first_execution_run_id)
{
    DETAIL(WorkflowExecutionAlreadyStartedFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__WORKFLOW_EXECUTION_ALREADY_STARTED_FAILURE__INIT;
    detail.start_request_id = sk_wire_text(start_request_id);
    detail.run_id = sk_wire_text(run_id);
    detail.first_execution_run_id = sk_wire_text(first_execution_run_id);
    return fail_with(ctx, SK_ALREADY_EXISTS, message, &detail.base);
}

sk_err sk_fail_cancellation_already_requested(struct sk_ctx *ctx, const char *fmt, ...)
{
    const char *message;
    FORMAT(message, ctx, fmt);
    DETAIL(CancellationAlreadyRequestedFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__CANCELLATION_ALREADY_REQUESTED_FAILURE__INIT;
    return fail_with(ctx, SK_ALREADY_EXISTS, message, &detail.base);
}

sk_err sk_fail_resource_exhausted(struct sk_ctx *ctx, enum sk_exhausted_cause cause,
                                  enum sk_exhausted_scope scope, const char *fmt, ...)
{
    const char *message;
    FORMAT(message, ctx, fmt);
    DETAIL(ResourceExhaustedFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__RESOURCE_EXHAUSTED_FAILURE__INIT;
    detail.cause = (Temporal__Api__Enums__V1__ResourceExhaustedCause)cause;
    detail.scope = (Temporal__Api__Enums__V1__ResourceExhaustedScope)scope;
    return fail_with(ctx, SK_RESOURCE_EXHAUSTED, message, &detail.base);
}

sk_err sk_fail_query_failed(struct sk_ctx *ctx, const char *message,
                            const ProtobufCMessage *failure)
{
    DETAIL(QueryFailedFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__QUERY_FAILED_FAILURE__INIT;
    if (failure)
        sk_wire_splice(ctx->arena, &detail.base, 1, sk_wire_pack(ctx->arena, failure));
    return fail_with(ctx, SK_INVALID_ARGUMENT, message, &detail.base);
}

sk_err sk_fail_workflow_not_ready(struct sk_ctx *ctx, const char *fmt, ...)
{
    const char *message;
    FORMAT(message, ctx, fmt);
    DETAIL(WorkflowNotReadyFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__WORKFLOW_NOT_READY_FAILURE__INIT;
    return fail_with(ctx, SK_FAILED_PRECONDITION, message, &detail.base);
}

sk_err sk_fail_permission_denied(struct sk_ctx *ctx, const char *reason, const char *fmt, ...)
{
    const char *message;
    FORMAT(message, ctx, fmt);
    DETAIL(PermissionDeniedFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__PERMISSION_DENIED_FAILURE__INIT;
    detail.reason = sk_wire_text(reason);
    return fail_with(ctx, SK_PERMISSION_DENIED, message, &detail.base);
}

sk_err sk_fail_client_version(struct sk_ctx *ctx, const char *client_version,
                              const char *client_name, const char *supported_versions)
{
    DETAIL(ClientVersionNotSupportedFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__CLIENT_VERSION_NOT_SUPPORTED_FAILURE__INIT;
    detail.client_version = sk_wire_text(client_version);
    detail.client_name = sk_wire_text(client_name);
    detail.supported_versions = sk_wire_text(supported_versions);
    const char *message = sk_arena_printf(
        ctx->arena, "Client version %s is not supported. Client must be %s version %s.",
        sk_wire_text(client_version), sk_wire_text(client_name), sk_wire_text(supported_versions));
    return fail_with(ctx, SK_FAILED_PRECONDITION, message, &detail.base);
}

sk_err sk_fail_server_version(struct sk_ctx *ctx, const char *server_version,
                              const char *client_supported_server_versions)
{
    DETAIL(ServerVersionNotSupportedFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__SERVER_VERSION_NOT_SUPPORTED_FAILURE__INIT;
    detail.server_version = sk_wire_text(server_version);
    detail.client_supported_server_versions = sk_wire_text(client_supported_server_versions);
    const char *message =
        sk_arena_printf(ctx->arena, "Server version %s is not supported by client: it wants %s.",
                        sk_wire_text(server_version),
                        sk_wire_text(client_supported_server_versions));
    return fail_with(ctx, SK_FAILED_PRECONDITION, message, &detail.base);
}

sk_err sk_fail_newer_build(struct sk_ctx *ctx, const char *default_build_id)
{
    DETAIL(NewerBuildExistsFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__NEWER_BUILD_EXISTS_FAILURE__INIT;
    detail.default_build_id = sk_wire_text(default_build_id);
    const char *message =
        sk_arena_printf(ctx->arena,
                        "Task given to a disfavored worker. Default build id is now %s.",
                        sk_wire_text(default_build_id));
    return fail_with(ctx, SK_OUT_OF_RANGE, message, &detail.base);
}

/* ---- several operations at once ---- */

typedef DETAIL(MultiOperationExecutionFailure__OperationStatus) status_pb;

static Google__Protobuf__Any *any_of(struct sk_ctx *ctx, const char *type, const void *bytes,
                                     size_t size)
{
    Google__Protobuf__Any *any = sk_arena_alloc(ctx->arena, sizeof *any);
    google__protobuf__any__init(any);
    any->type_url = sk_arena_printf(ctx->arena, "type.googleapis.com/%s", type);
    any->value.data = sk_arena_memdup(ctx->arena, bytes, size);
    any->value.len = size;
    return any;
}

static status_pb *operation_status(struct sk_ctx *ctx, const struct sk_errinfo *info)
{
    status_pb *status = sk_arena_alloc(ctx->arena, sizeof *status);
    temporal__api__errordetails__v1__multi_operation_execution_failure__operation_status__init(
        status);
    Google__Protobuf__Any **details = SK_NEW(ctx->arena, Google__Protobuf__Any *);
    status->details = details;
    if (info->code == SK_OK) {
        status->code = sk_err_grpc(SK_ABORTED);
        status->message = sk_wire_text("Operation was aborted.");
        details[0] = any_of(ctx, "temporal.api.failure.v1.MultiOperationExecutionAborted", "", 0);
        status->n_details = 1;
        return status;
    }
    status->code = sk_err_grpc(info->code);
    status->message = sk_wire_text(info->message);
    if (info->detail_type) {
        details[0] = any_of(ctx, info->detail_type, info->detail, info->detail_size);
        status->n_details = 1;
    }
    return status;
}

sk_err sk_fail_multi_operation(struct sk_ctx *ctx, sk_err code, const char *message,
                               const struct sk_errinfo *operations, size_t operation_count)
{
    DETAIL(MultiOperationExecutionFailure)
    detail = TEMPORAL__API__ERRORDETAILS__V1__MULTI_OPERATION_EXECUTION_FAILURE__INIT;
    detail.statuses = SK_NEW_N(ctx->arena, status_pb *, operation_count + 1);
    for (size_t i = 0; i < operation_count; i++)
        detail.statuses[i] = operation_status(ctx, &operations[i]);
    detail.n_statuses = operation_count;
    return fail_with(ctx, code, message, &detail.base);
}
