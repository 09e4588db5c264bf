/*
 * CompareRuns: reads both histories page by page and hands them to compare.c. A page's memory goes
 * before the next one is read, so that a long history costs its steps only.
 *
 * Thread: the request's fiber on any loop. Failure: NOT_FOUND for a run, whatever reading a history
 * answers.
 */
#include "frontend/frontend_internal.h"

#include "frontend/compare.h"
#include "visibility/visibility.h"
#include "wire/text.h"

#define EVENTS_MAX 60000 /* of one run; histories end at 51,200 */

typedef API_COMMON(WorkflowExecution) execution_pb;
typedef WS(GetWorkflowExecutionHistoryResponse) page_pb;

/* One page; *token is the next one's, in run's arena. */
static sk_err read_page(struct sk_frontend *frontend, struct sk_ctx *page,
                        const struct sk_namespace *ns, const execution_pb *execution,
                        ProtobufCBinaryData *token, struct sk_compare_run *run)
{
    WS(GetWorkflowExecutionHistoryRequest) request;
    page_pb response;
    struct sk_watch watch;
    ProtobufCMessage *whole; // events are spliced in as bytes
    bool wait;
    temporal__api__workflowservice__v1__get_workflow_execution_history_request__init(&request);
    temporal__api__workflowservice__v1__get_workflow_execution_history_response__init(&response);
    execution_pb copy = *execution;
    request.namespace_ = sk_wire_text(ns->name);
    request.execution = &copy;
    request.next_page_token = *token;
    sk_err err =
        sk_engine_history(frontend->o.engine, page, ns, &request, &response, &watch, &wait);
    if (err == SK_OK)
        err = sk_wire_decode_own(page, response.base.descriptor,
                                 sk_wire_pack(page->arena, &response.base), &whole);
    if (err != SK_OK)
        return err;
    const page_pb *read = (const page_pb *)whole;
    for (size_t i = 0; read->history && i < read->history->n_events; i++)
        sk_compare_event(run, read->history->events[i]);
    *token = (ProtobufCBinaryData){0};
    if (read->next_page_token.len)
        *token = (ProtobufCBinaryData){read->next_page_token.len,
                                       sk_arena_memdup(run->arena, read->next_page_token.data,
                                                       read->next_page_token.len)};
    return SK_OK;
}

static sk_err read_run(struct sk_frontend *frontend, struct sk_ctx *ctx,
                       const struct sk_namespace *ns, const execution_pb *execution,
                       struct sk_compare_run *run)
{
    ProtobufCBinaryData token = {0};
    sk_err err = SK_OK;
    do {
        struct sk_ctx page = {.arena = sk_arena_new(0), .deadline_mono_ms = ctx->deadline_mono_ms};
        err = read_page(frontend, &page, ns, execution, &token, run);
        if (err != SK_OK)
            (void)sk_fail(ctx, err, "%s", page.err.message ? page.err.message : "");
        sk_arena_free(page.arena);
    } while (err == SK_OK && token.len && !run->truncated && run->events < EVENTS_MAX);
    run->truncated |= err == SK_OK && token.len > 0;
    return err;
}

/* The run that is meant, with its id. */
static sk_err name_run(struct sk_frontend *frontend, struct sk_ctx *ctx,
                       const struct sk_namespace *ns, execution_pb *execution,
                       SKAPI(RunSummary) * *ret)
{
    WS(DescribeWorkflowExecutionRequest) request;
    WS(DescribeWorkflowExecutionResponse) response;
    temporal__api__workflowservice__v1__describe_workflow_execution_request__init(&request);
    temporal__api__workflowservice__v1__describe_workflow_execution_response__init(&response);
    sk_err err = sk_frontend_check_execution(frontend, ctx, execution);
    request.namespace_ = sk_wire_text(ns->name);
    request.execution = execution;
    if (err == SK_OK)
        err = sk_engine_describe(frontend->o.engine, ctx, ns, &request, &response);
    if (err != SK_OK)
        return err;
    const Temporal__Api__Workflow__V1__WorkflowExecutionInfo *info =
        response.workflow_execution_info;
    *ret = SK_NEW(ctx->arena, SKAPI(RunSummary));
    skald__api__v1__run_summary__init(*ret);
    (*ret)->execution = info->execution;
    (*ret)->start_time = info->start_time;
    (*ret)->duration = info->execution_duration;
    (*ret)->status = sk_wire_text(sk_vis_status_name((int64_t)info->status));
    return SK_OK;
}

static void summarise(SKAPI(RunSummary) * to, const struct sk_compare_run *run)
{
    to->workflow_type = sk_wire_text(run->workflow_type);
    to->history_length = run->events;
}

sk_err sk_frontend_compare_runs(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(CompareRunsRequest) *r = request;
    SKAPI(CompareRunsResponse) *to = response;
    const struct sk_namespace *ns;
    struct sk_compare_run left, right;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = name_run(frontend, ctx, ns, r->left, &to->left);
    if (err == SK_OK)
        err = name_run(frontend, ctx, ns, r->right, &to->right);
    if (err != SK_OK)
        return err;
    sk_compare_run_init(&left, ctx->arena);
    sk_compare_run_init(&right, ctx->arena);
    err = read_run(frontend, ctx, ns, to->left->execution, &left);
    if (err == SK_OK)
        err = read_run(frontend, ctx, ns, to->right->execution, &right);
    if (err == SK_OK) {
        sk_compare_runs(&left, &right, to);
        summarise(to->left, &left);
        summarise(to->right, &right);
    }
    sk_compare_run_fini(&left);
    sk_compare_run_fini(&right);
    return err;
}
