/*
 * What workers say about workflow tasks and themselves: completed, failed, a query answered, the
 * worker stops.
 *
 * Thread: the request's fiber on any loop. Failure: INVALID_ARGUMENT with Temporal's texts, then
 * whatever the engine answers.
 */
#include "frontend/frontend_internal.h"

#include "figures/figures.h"
#include "figures/workers.h"
#include "frontend/failures.h"
#include "wire/failure.h"
#include "wire/text.h"

#define FAILURE_TOO_LARGE "Failure exceeds size limit."
#define BUILD_ID_BYTES_MAX 255
#define STICKY TEMPORAL__API__ENUMS__V1__TASK_QUEUE_KIND__TASK_QUEUE_KIND_STICKY
#define VERSIONED TEMPORAL__API__ENUMS__V1__WORKER_VERSIONING_MODE__WORKER_VERSIONING_MODE_VERSIONED
#define QUERY_FAILED TEMPORAL__API__ENUMS__V1__QUERY_RESULT_TYPE__QUERY_RESULT_TYPE_FAILED

typedef Temporal__Api__Deployment__V1__WorkerDeploymentOptions deployment_pb;

/* ---- what is remembered of a worker ---- */

void sk_frontend_answered(struct sk_frontend *frontend, struct sk_ctx *ctx,
                          const struct sk_namespace *ns, const char *identity,
                          const Temporal__Api__Failure__V1__Failure *failure)
{
    const Temporal__Api__Failure__V1__Failure *root = sk_failure_root(failure);
    struct sk_worker_failure said = {.message = sk_failure_text(root),
                                     .type = sk_failure_kind(ctx->arena, root)};
    sk_workers_answered(frontend->o.figures->workers, ns->id, identity, failure ? &said : NULL);
}

/* ---- workflow tasks ---- */

static sk_err check_deployment(struct sk_ctx *ctx, const deployment_pb *options)
{
    if (!options)
        return SK_OK;
    if (strlen(options->build_id) > BUILD_ID_BYTES_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Build ID exceeds configured limit.workerBuildIdSize, use a shorter build "
                       "ID. (%zu bytes, at most %d)",
                       strlen(options->build_id), BUILD_ID_BYTES_MAX);
    if (options->worker_versioning_mode == VERSIONED &&
        (sk_blank(options->deployment_name) || sk_blank(options->build_id)))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Deployment name and build id must be set together.");
    return SK_OK;
}

static sk_err check_sticky(struct sk_frontend *frontend, struct sk_ctx *ctx,
                           const WS(RespondWorkflowTaskCompletedRequest) *r)
{
    if (!r->sticky_attributes || !r->sticky_attributes->worker_task_queue)
        return SK_OK;
    const API_TASKQUEUE(TaskQueue) *queue = r->sticky_attributes->worker_task_queue;
    if (queue->kind == STICKY && sk_blank(queue->normal_name) && r->deployment_options)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "NormalName must be set on sticky queue when UseVersioning is true or "
                       "DeploymentOptions are set.");
    sk_err err = sk_frontend_check_id(frontend, ctx, "taskQueue", queue->name);
    if (err == SK_OK)
        err =
            sk_frontend_check_duration(ctx, "An invalid ScheduleToStartTimeout is set on request.",
                                       r->sticky_attributes->schedule_to_start_timeout);
    return err;
}

sk_err sk_frontend_respond_workflow_task_completed(struct sk_call *call, struct sk_ctx *ctx,
                                                   const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RespondWorkflowTaskCompletedRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_check_task(frontend, ctx, r->namespace_, r->task_token, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r->identity);
    if (err == SK_OK)
        err = check_deployment(ctx, r->deployment_options);
    if (err == SK_OK)
        err = check_sticky(frontend, ctx, r);
    if (err == SK_OK && r->intermediate_page)
        return sk_fail(ctx, SK_UNIMPLEMENTED,
                       "completions of a workflow task in pages are not implemented by this "
                       "server yet");
    if (err != SK_OK)
        return err;
    sk_frontend_answered(frontend, ctx, ns, r->identity, NULL);
    err = sk_engine_wft_completed(frontend->o.engine, ctx, ns, r, response);
    if (err == SK_OK) {
        const WS(RespondWorkflowTaskCompletedResponse) *reply = response;
        sk_workers_took(frontend->o.figures->workers, ns->id, r->identity,
                        (reply->workflow_task != NULL) + (int)reply->n_activity_tasks);
    }
    return err;
}

sk_err sk_frontend_respond_workflow_task_failed(struct sk_call *call, struct sk_ctx *ctx,
                                                const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(RespondWorkflowTaskFailedRequest) r = *(const WS(RespondWorkflowTaskFailedRequest) *)request;
    const struct sk_limits *limits = frontend->o.limits;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_check_task(frontend, ctx, r.namespace_, r.task_token, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r.identity);
    if (err == SK_OK)
        err = check_deployment(ctx, r.deployment_options);
    if (err != SK_OK)
        return err;
    if (r.failure && sk_wire_size(&r.failure->base) > (size_t)limits->blob_size_error) {
        sk_failure_pb *server = sk_failure_of_server(ctx->arena, FAILURE_TOO_LARGE);
        server->cause = sk_failure_truncate(ctx->arena, r.failure, (size_t)limits->blob_size_warn);
        r.failure = server;
    }
    sk_frontend_answered(frontend, ctx, ns, r.identity, r.failure);
    return sk_engine_wft_failed(frontend->o.engine, ctx, ns, &r, response);
}

/* ---- queries ---- */

sk_err sk_frontend_respond_query_task_completed(struct sk_call *call, struct sk_ctx *ctx,
                                                const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(RespondQueryTaskCompletedRequest) r = *(const WS(RespondQueryTaskCompletedRequest) *)request;
    size_t max = (size_t)frontend->o.limits->blob_size_error;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_check_task(frontend, ctx, r.namespace_, r.task_token, &ns);
    if (err != SK_OK)
        return err;
    size_t size = r.query_result ? sk_wire_size(&r.query_result->base) : 0;
    if (size > max) { // the asker is told; the worker has done its part
        r.completed_type = QUERY_FAILED;
        r.query_result = NULL;
        r.failure = NULL;
        r.error_message = sk_arena_printf(
            ctx->arena, "Blob data size exceeds limit. (query_result has %zu bytes, at most %zu)",
            size, max);
    }
    return sk_engine_query_completed(frontend->o.engine, ctx, ns, &r, response);
}

/* ---- the worker itself ---- */

sk_err sk_frontend_shutdown_worker(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                   void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(ShutdownWorkerRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "StickyTaskQueue", r->sticky_task_queue);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "WorkerInstanceKey", r->worker_instance_key);
    if (err == SK_OK)
        sk_matching_worker_gone(frontend->o.matching, ns->id, r->sticky_task_queue,
                                frontend->o.limits->polls_end_on_shutdown ? r->worker_instance_key
                                                                          : NULL);
    return err;
}

/* What workers say about themselves, kept for ListActiveWorkers. Several workers of one process
 * come in one call; one identity's latest word counts. */
sk_err sk_frontend_record_worker_heartbeat(struct sk_call *call, struct sk_ctx *ctx,
                                           const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RecordWorkerHeartbeatRequest) *r = request;
    const struct sk_namespace *ns;
    (void)response;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r->identity);
    for (size_t i = 0; i < r->n_worker_heartbeat && err == SK_OK; i++) {
        const char *identity = r->worker_heartbeat[i]->worker_identity;
        err = sk_frontend_check_id(frontend, ctx, "WorkerIdentity", identity);
        if (err == SK_OK)
            sk_workers_heartbeat(frontend->o.figures->workers, ns->id,
                                 sk_blank(identity) ? r->identity : identity,
                                 sk_wire_pack(ctx->arena, &r->worker_heartbeat[i]->base));
    }
    return err;
}
