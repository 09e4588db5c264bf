/*
 * What push asks of the rest of the server: the topics that are not lists of workflows, and the
 * method Stream, which over gRPC only greets. The stream itself is src/live's, and src/web sends
 * it.
 *
 * Thread: the callbacks run in fibers on loop 0, the method in its call's fiber. Failure: as the
 * methods that they stand for.
 */
#include "frontend/frontend_internal.h"

#include "base/buf.h"
#include "live/live.h"
#include "wire/text.h"

static sk_err on_run(void *owner, struct sk_ctx *ctx, const struct sk_namespace *ns,
                     const API_COMMON(WorkflowExecution) * execution, SKAPI(RunEvent) * ret)
{
    struct sk_frontend *frontend = owner;
    WS(DescribeWorkflowExecutionRequest) request;
    temporal__api__workflowservice__v1__describe_workflow_execution_request__init(&request);
    API_COMMON(WorkflowExecution) copy = *execution;
    sk_err err = sk_frontend_check_execution(frontend, ctx, &copy);
    if (err != SK_OK)
        return err;
    request.namespace_ = sk_wire_text(ns->name);
    request.execution = &copy;
    ret->describe = SK_NEW(ctx->arena, WS(DescribeWorkflowExecutionResponse));
    temporal__api__workflowservice__v1__describe_workflow_execution_response__init(ret->describe);
    return sk_engine_describe(frontend->o.engine, ctx, ns, &request, ret->describe);
}

static sk_err on_task_queues(void *owner, struct sk_ctx *ctx, const struct sk_namespace *ns,
                             SKAPI(ListTaskQueuesResponse) * ret)
{
    SKAPI(ListTaskQueuesRequest) request;
    skald__api__v1__list_task_queues_request__init(&request);
    return sk_frontend_fill_task_queues(owner, ctx, ns, &request, ret);
}

static sk_err on_figures(void *owner, struct sk_ctx *ctx, const SKAPI(FiguresTopic) * topic,
                         int64_t since_ms, SKAPI(GetFiguresResponse) * ret, int64_t *ret_last_ms)
{
    return sk_frontend_fill_figures(owner, ctx, topic, since_ms, ret, ret_last_ms);
}

struct sk_live *sk_frontend_live_new(struct sk_frontend *frontend)
{
    struct sk_live_options options = {
        .store = frontend->o.store,
        .namespaces = frontend->o.namespaces,
        .version = frontend->o.version,
        .run = on_run,
        .task_queues = on_task_queues,
        .figures = on_figures,
        .owner = frontend,
    };
    return sk_live_new(&options);
}

static void on_gone(void *arg)
{
    sk_live_gone(arg);
}

/* Pulls lines and sends them in turn: while the client is behind, nothing is pulled, and src/live
 * keeps nothing for it. */
sk_err sk_frontend_stream(struct sk_call *call, struct sk_ctx *ctx, const void *request)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    struct sk_live_stream *stream;
    struct sk_buf lines = SK_BUF_INIT;
    sk_err err = sk_live_open(frontend->live, ctx, request, &stream);
    if (err != SK_OK)
        return err;
    sk_call_on_gone(call, on_gone, stream);
    for (bool more = true; more;) {
        sk_buf_clear(&lines);
        more = sk_live_next(stream, &lines);
        if (lines.n && !sk_call_send_json(call, sk_buf_view(&lines)))
            break;
    }
    sk_call_on_gone(call, NULL, NULL);
    sk_live_close(stream);
    sk_buf_fini(&lines);
    return SK_OK;
}
