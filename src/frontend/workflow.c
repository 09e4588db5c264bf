/*
 * What clients do to a run that exists: signal, cancel, terminate, delete, describe, query, reset
 * its sticky queue, read its history backwards.
 *
 * Thread: the request's fiber on any loop. Failure: INVALID_ARGUMENT with Temporal's texts,
 * NOT_FOUND for the namespace, then whatever the engine answers.
 */
#include "frontend/frontend_internal.h"

#include "wire/text.h"

#define TERMINATE_REASON "terminated by user via frontend"
#define TERMINATE_IDENTITY "frontend-service"
#define REJECT_NONE TEMPORAL__API__ENUMS__V1__QUERY_REJECT_CONDITION__QUERY_REJECT_CONDITION_NONE
#define REJECT_UNSPECIFIED \
    TEMPORAL__API__ENUMS__V1__QUERY_REJECT_CONDITION__QUERY_REJECT_CONDITION_UNSPECIFIED

static ProtobufCBinaryData bytes_of(const char *s)
{
    return (ProtobufCBinaryData){strlen(s), (uint8_t *)sk_wire_text(s)};
}

/* The execution of a request, then its namespace: in Temporal's order. */
static sk_err check_target(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *name,
                           const API_COMMON(WorkflowExecution) * execution,
                           const struct sk_namespace **ret)
{
    sk_err err = sk_frontend_namespace(frontend, ctx, name, ret);
    return err == SK_OK ? sk_frontend_check_execution(frontend, ctx, execution) : err;
}

sk_err sk_frontend_signal_workflow_execution(struct sk_call *call, struct sk_ctx *ctx,
                                             const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(SignalWorkflowExecutionRequest) r = *(const WS(SignalWorkflowExecutionRequest) *)request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r.namespace_, r.workflow_execution, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id_set(frontend, ctx, "SignalName", r.signal_name);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "RequestId", r.request_id);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r.identity);
    if (err == SK_OK)
        err = sk_frontend_check_links(ctx, r.links, r.n_links);
    if (err == SK_OK)
        err = sk_frontend_check_blob(frontend, ctx, "input", r.input ? &r.input->base : NULL);
    return err == SK_OK ? sk_engine_signal(frontend->o.engine, ctx, ns, &r, response) : err;
}

sk_err sk_frontend_request_cancel_workflow_execution(struct sk_call *call, struct sk_ctx *ctx,
                                                     const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RequestCancelWorkflowExecutionRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r->namespace_, r->workflow_execution, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "RequestId", r->request_id);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r->identity);
    if (err == SK_OK)
        err = sk_frontend_check_run_id(ctx, r->first_execution_run_id);
    if (err == SK_OK)
        err = sk_frontend_check_links(ctx, r->links, r->n_links);
    return err == SK_OK ? sk_engine_request_cancel(frontend->o.engine, ctx, ns, r, response) : err;
}

sk_err sk_frontend_terminate_workflow_execution(struct sk_call *call, struct sk_ctx *ctx,
                                                const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(TerminateWorkflowExecutionRequest)
    r = *(const WS(TerminateWorkflowExecutionRequest) *)request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r.namespace_, r.workflow_execution, &ns);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r.identity);
    if (err == SK_OK)
        err = sk_frontend_check_run_id(ctx, r.first_execution_run_id);
    if (err == SK_OK)
        err = sk_frontend_check_links(ctx, r.links, r.n_links);
    if (err == SK_OK)
        err = sk_frontend_check_blob(frontend, ctx, "details", r.details ? &r.details->base : NULL);
    if (err != SK_OK)
        return err;
    if (r.reason.len == 0)
        r.reason = bytes_of(TERMINATE_REASON);
    if (sk_blank(r.identity))
        r.identity = sk_wire_text(TERMINATE_IDENTITY);
    return sk_engine_terminate(frontend->o.engine, ctx, ns, &r, response);
}

sk_err sk_frontend_delete_workflow_execution(struct sk_call *call, struct sk_ctx *ctx,
                                             const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(DeleteWorkflowExecutionRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r->namespace_, r->workflow_execution, &ns);
    return err == SK_OK ? sk_engine_delete_run(frontend->o.engine, ctx, ns, r, response) : err;
}

sk_err sk_frontend_describe_workflow_execution(struct sk_call *call, struct sk_ctx *ctx,
                                               const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(DescribeWorkflowExecutionRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r->namespace_, r->execution, &ns);
    return err == SK_OK ? sk_engine_describe(frontend->o.engine, ctx, ns, r, response) : err;
}

sk_err sk_frontend_query_workflow(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                  void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(QueryWorkflowRequest) r = *(const WS(QueryWorkflowRequest) *)request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r.namespace_, r.execution, &ns);
    if (err == SK_OK && !r.query)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "WorkflowQuery is not set on request.");
    if (err == SK_OK)
        err = sk_frontend_check_id_set(frontend, ctx, "QueryType", r.query->query_type);
    if (err == SK_OK)
        err = sk_frontend_check_blob(frontend, ctx, "query_args",
                                     r.query->query_args ? &r.query->query_args->base : NULL);
    if (err != SK_OK)
        return err;
    if (r.query_reject_condition == REJECT_UNSPECIFIED)
        r.query_reject_condition = REJECT_NONE;
    err = sk_engine_query(frontend->o.engine, ctx, ns, &r, response);
    if (err != SK_DEADLINE_EXCEEDED)
        return err;
    sk_ctx_clear(ctx);
    return sk_fail(ctx, SK_DEADLINE_EXCEEDED, "query timed out before a worker could process it");
}

sk_err sk_frontend_reset_sticky_task_queue(struct sk_call *call, struct sk_ctx *ctx,
                                           const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(ResetStickyTaskQueueRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r->namespace_, r->execution, &ns);
    return err == SK_OK ? sk_engine_reset_sticky(frontend->o.engine, ctx, ns, r, response) : err;
}

sk_err sk_frontend_pause_activity(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                  void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(PauseActivityRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r->namespace_, r->execution, &ns);
    return err == SK_OK ? sk_engine_activity_pause(frontend->o.engine, ctx, ns, r, response) : err;
}

sk_err sk_frontend_unpause_activity(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                    void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(UnpauseActivityRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r->namespace_, r->execution, &ns);
    return err == SK_OK ? sk_engine_activity_unpause(frontend->o.engine, ctx, ns, r, response)
                        : err;
}

sk_err sk_frontend_reset_activity(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                  void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(ResetActivityRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r->namespace_, r->execution, &ns);
    return err == SK_OK ? sk_engine_activity_reset(frontend->o.engine, ctx, ns, r, response) : err;
}

sk_err sk_frontend_get_workflow_execution_history_reverse(struct sk_call *call, struct sk_ctx *ctx,
                                                          const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(GetWorkflowExecutionHistoryReverseRequest)
    r = *(const WS(GetWorkflowExecutionHistoryReverseRequest) *)request;
    int64_t max = frontend->o.limits->history_page_max;
    const struct sk_namespace *ns;
    sk_err err = check_target(frontend, ctx, r.namespace_, r.execution, &ns);
    if (err != SK_OK)
        return err;
    if (r.maximum_page_size <= 0 || r.maximum_page_size > max)
        r.maximum_page_size = (int32_t)max;
    return sk_engine_history_reverse(frontend->o.engine, ctx, ns, &r, response);
}
