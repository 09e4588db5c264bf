/*
 * What workers say about activities, each by token and by id: heartbeat, completed, failed,
 * canceled.
 *
 * A payload that is too large is not the caller's error to retry: the activity fails at once, not
 * retryably, with a failure of the server that says so, and the call succeeds. A failure that is
 * too large is replaced by one of the server's with the original, shortened, as its cause.
 *
 * Thread: the request's fiber on any loop. Failure: INVALID_ARGUMENT with Temporal's texts, then
 * whatever the engine answers.
 */
#include "frontend/frontend_internal.h"

#include "frontend/failures.h"

#define RESULT_TOO_LARGE "Complete result exceeds size limit."
#define FAILURE_TOO_LARGE "Failure exceeds size limit."
#define CANCEL_TOO_LARGE "Cancel details exceed size limit."
#define HEARTBEAT_TOO_LARGE "Heartbeat details exceed size limit."
#define APPLICATION TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO

typedef API_COMMON(Payloads) payloads_pb;

/* ---- checks ---- */

static sk_err by_token(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *name,
                       ProtobufCBinaryData token, const char *identity,
                       const struct sk_namespace **ret)
{
    sk_err err = sk_frontend_check_task(frontend, ctx, name, token, ret);
    return err == SK_OK ? sk_frontend_check_id(frontend, ctx, "Identity", identity) : err;
}

/* The ids of an activity of a run. */
struct target {
    const char *namespace_, *workflow_id, *run_id, *activity_id, *identity;
};
#define TARGET(r)                                                                      \
    ((struct target){(r)->namespace_, (r)->workflow_id, (r)->run_id, (r)->activity_id, \
                     (r)->identity})

static sk_err by_id(struct sk_frontend *frontend, struct sk_ctx *ctx, struct target t,
                    const struct sk_namespace **ret)
{
    sk_err err = sk_frontend_namespace(frontend, ctx, t.namespace_, ret);
    if (err == SK_OK)
        err = sk_frontend_check_id_set(frontend, ctx, "ActivityId", t.activity_id);
    if (err == SK_OK)
        err = sk_frontend_check_id_set(frontend, ctx, "WorkflowId", t.workflow_id);
    struct sk_uuid run;
    if (err == SK_OK && !sk_blank(t.run_id) && sk_uuid_parse(t.run_id, &run) != 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "RunId is not valid UUID.");
    return err == SK_OK ? sk_frontend_check_id(frontend, ctx, "Identity", t.identity) : err;
}

static bool too_large(struct sk_frontend *frontend, const ProtobufCMessage *blob)
{
    return blob && sk_wire_size(blob) > (size_t)frontend->o.limits->blob_size_error;
}

static const ProtobufCMessage *base_of(const payloads_pb *payloads)
{
    return payloads ? &payloads->base : NULL;
}

/* ---- failing instead ---- */

static sk_err fail_by_token(struct sk_frontend *frontend, struct sk_ctx *ctx,
                            const struct sk_namespace *ns, ProtobufCBinaryData token,
                            const char *namespace_, const char *identity, const char *message)
{
    WS(RespondActivityTaskFailedRequest) request;
    WS(RespondActivityTaskFailedResponse) response;
    temporal__api__workflowservice__v1__respond_activity_task_failed_request__init(&request);
    temporal__api__workflowservice__v1__respond_activity_task_failed_response__init(&response);
    request.task_token = token;
    request.namespace_ = sk_arena_strdup(ctx->arena, namespace_);
    request.identity = sk_arena_strdup(ctx->arena, identity);
    request.failure = sk_failure_of_server(ctx->arena, message);
    return sk_engine_activity_failed(frontend->o.engine, ctx, ns, &request, &response);
}

static sk_err fail_by_id(struct sk_frontend *frontend, struct sk_ctx *ctx,
                         const struct sk_namespace *ns, struct target t, const char *message)
{
    WS(RespondActivityTaskFailedByIdRequest) request;
    WS(RespondActivityTaskFailedByIdResponse) response;
    temporal__api__workflowservice__v1__respond_activity_task_failed_by_id_request__init(&request);
    temporal__api__workflowservice__v1__respond_activity_task_failed_by_id_response__init(
        &response);
    request.namespace_ = sk_arena_strdup(ctx->arena, t.namespace_);
    request.workflow_id = sk_arena_strdup(ctx->arena, t.workflow_id);
    request.run_id = sk_arena_strdup(ctx->arena, t.run_id);
    request.activity_id = sk_arena_strdup(ctx->arena, t.activity_id);
    request.identity = sk_arena_strdup(ctx->arena, t.identity);
    request.failure = sk_failure_of_server(ctx->arena, message);
    return sk_engine_activity_failed_by_id(frontend->o.engine, ctx, ns, &request, &response);
}

/* ---- heartbeat ---- */

sk_err sk_frontend_record_activity_task_heartbeat(struct sk_call *call, struct sk_ctx *ctx,
                                                  const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RecordActivityTaskHeartbeatRequest) *r = request;
    WS(RecordActivityTaskHeartbeatResponse) *reply = response;
    const struct sk_namespace *ns;
    sk_err err = by_token(frontend, ctx, r->namespace_, r->task_token, r->identity, &ns);
    if (err != SK_OK)
        return err;
    if (!too_large(frontend, base_of(r->details)))
        return sk_engine_activity_heartbeat(frontend->o.engine, ctx, ns, r, response);
    reply->cancel_requested = true;
    return fail_by_token(frontend, ctx, ns, r->task_token, r->namespace_, r->identity,
                         HEARTBEAT_TOO_LARGE);
}

sk_err sk_frontend_record_activity_task_heartbeat_by_id(struct sk_call *call, struct sk_ctx *ctx,
                                                        const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RecordActivityTaskHeartbeatByIdRequest) *r = request;
    WS(RecordActivityTaskHeartbeatByIdResponse) *reply = response;
    const struct sk_namespace *ns;
    sk_err err = by_id(frontend, ctx, TARGET(r), &ns);
    if (err != SK_OK)
        return err;
    if (!too_large(frontend, base_of(r->details)))
        return sk_engine_activity_heartbeat_by_id(frontend->o.engine, ctx, ns, r, response);
    reply->cancel_requested = true;
    return fail_by_id(frontend, ctx, ns, TARGET(r), HEARTBEAT_TOO_LARGE);
}

/* ---- completed ---- */

sk_err sk_frontend_respond_activity_task_completed(struct sk_call *call, struct sk_ctx *ctx,
                                                   const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RespondActivityTaskCompletedRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = by_token(frontend, ctx, r->namespace_, r->task_token, r->identity, &ns);
    if (err != SK_OK)
        return err;
    sk_frontend_answered(frontend, ctx, ns, r->identity, NULL);
    if (!too_large(frontend, base_of(r->result)))
        return sk_engine_activity_completed(frontend->o.engine, ctx, ns, r, response);
    return fail_by_token(frontend, ctx, ns, r->task_token, r->namespace_, r->identity,
                         RESULT_TOO_LARGE);
}

sk_err sk_frontend_respond_activity_task_completed_by_id(struct sk_call *call, struct sk_ctx *ctx,
                                                         const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RespondActivityTaskCompletedByIdRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = by_id(frontend, ctx, TARGET(r), &ns);
    if (err != SK_OK)
        return err;
    if (!too_large(frontend, base_of(r->result)))
        return sk_engine_activity_completed_by_id(frontend->o.engine, ctx, ns, r, response);
    return fail_by_id(frontend, ctx, ns, TARGET(r), RESULT_TOO_LARGE);
}

/* ---- failed ---- */

static sk_err check_failure(struct sk_ctx *ctx, const sk_failure_pb *failure)
{
    if (failure && failure->failure_info_case != APPLICATION)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Failure must have ApplicationFailureInfo.");
    for (const sk_failure_pb *f = failure; f; f = f->cause) {
        const Google__Protobuf__Duration *delay =
            f->failure_info_case == APPLICATION ? f->application_failure_info->next_retry_delay
                                                : NULL;
        sk_err err =
            sk_frontend_check_duration(ctx, "NextRetryDelay is not a valid duration.", delay);
        if (err != SK_OK)
            return err;
    }
    return SK_OK;
}

/* What had to be changed in a report of failure, for the reply. */
struct trimmed {
    sk_failure_pb *failures[2];
    size_t count;
};

static void trim(struct sk_frontend *frontend, struct sk_ctx *ctx, sk_failure_pb **failure,
                 payloads_pb **heartbeat, struct trimmed *ret)
{
    if (too_large(frontend, base_of(*heartbeat))) {
        ret->failures[ret->count++] = sk_failure_of_server(ctx->arena, HEARTBEAT_TOO_LARGE);
        *heartbeat = NULL;
    }
    if (too_large(frontend, *failure ? &(*failure)->base : NULL)) {
        sk_failure_pb *server = sk_failure_of_server(ctx->arena, FAILURE_TOO_LARGE);
        server->cause =
            sk_failure_truncate(ctx->arena, *failure, (size_t)frontend->o.limits->blob_size_warn);
        ret->failures[ret->count++] = server;
        *failure = server;
    }
}

static void report(struct sk_ctx *ctx, const struct trimmed *trimmed, size_t *ret_count,
                   sk_failure_pb ***ret)
{
    if (!trimmed->count)
        return;
    *ret = sk_arena_memdup(ctx->arena, trimmed->failures, sizeof trimmed->failures);
    *ret_count = trimmed->count;
}

sk_err sk_frontend_respond_activity_task_failed(struct sk_call *call, struct sk_ctx *ctx,
                                                const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(RespondActivityTaskFailedRequest) r = *(const WS(RespondActivityTaskFailedRequest) *)request;
    WS(RespondActivityTaskFailedResponse) *reply = response;
    struct trimmed trimmed = {{NULL, NULL}, 0};
    const struct sk_namespace *ns;
    sk_err err = by_token(frontend, ctx, r.namespace_, r.task_token, r.identity, &ns);
    if (err == SK_OK)
        err = check_failure(ctx, r.failure);
    if (err != SK_OK)
        return err;
    sk_frontend_answered(frontend, ctx, ns, r.identity, r.failure);
    trim(frontend, ctx, &r.failure, &r.last_heartbeat_details, &trimmed);
    err = sk_engine_activity_failed(frontend->o.engine, ctx, ns, &r, response);
    if (err == SK_OK)
        report(ctx, &trimmed, &reply->n_failures, &reply->failures);
    return err;
}

sk_err sk_frontend_respond_activity_task_failed_by_id(struct sk_call *call, struct sk_ctx *ctx,
                                                      const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(RespondActivityTaskFailedByIdRequest)
    r = *(const WS(RespondActivityTaskFailedByIdRequest) *)request;
    WS(RespondActivityTaskFailedByIdResponse) *reply = response;
    struct trimmed trimmed = {{NULL, NULL}, 0};
    const struct sk_namespace *ns;
    sk_err err = by_id(frontend, ctx, TARGET(&r), &ns);
    if (err == SK_OK)
        err = check_failure(ctx, r.failure);
    if (err != SK_OK)
        return err;
    trim(frontend, ctx, &r.failure, &r.last_heartbeat_details, &trimmed);
    err = sk_engine_activity_failed_by_id(frontend->o.engine, ctx, ns, &r, response);
    if (err == SK_OK)
        report(ctx, &trimmed, &reply->n_failures, &reply->failures);
    return err;
}

/* ---- canceled ---- */

sk_err sk_frontend_respond_activity_task_canceled(struct sk_call *call, struct sk_ctx *ctx,
                                                  const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RespondActivityTaskCanceledRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = by_token(frontend, ctx, r->namespace_, r->task_token, r->identity, &ns);
    if (err != SK_OK)
        return err;
    sk_frontend_answered(frontend, ctx, ns, r->identity, NULL);
    if (!too_large(frontend, base_of(r->details)))
        return sk_engine_activity_canceled(frontend->o.engine, ctx, ns, r, response);
    return fail_by_token(frontend, ctx, ns, r->task_token, r->namespace_, r->identity,
                         CANCEL_TOO_LARGE);
}

sk_err sk_frontend_respond_activity_task_canceled_by_id(struct sk_call *call, struct sk_ctx *ctx,
                                                        const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RespondActivityTaskCanceledByIdRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = by_id(frontend, ctx, TARGET(r), &ns);
    if (err != SK_OK)
        return err;
    if (!too_large(frontend, base_of(r->details)))
        return sk_engine_activity_canceled_by_id(frontend->o.engine, ctx, ns, r, response);
    return fail_by_id(frontend, ctx, ns, TARGET(r), CANCEL_TOO_LARGE);
}
