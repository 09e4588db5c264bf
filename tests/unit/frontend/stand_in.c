/* An engine that only remembers what it was called with. */
#include "fixture.h"

static sk_err remember(struct sk_ctx *ctx, const char *name, const struct sk_namespace *ns,
                       const void *request)
{
    last.name = name;
    last.ns = ns->id;
    last.count++;
    last.request = sk_wire_pack(fx.ctx.arena, request);
    return last.answer == SK_OK ? SK_OK : sk_fail(ctx, last.answer, "the engine says no");
}

#define STAND_IN(name, Method)                                                                  \
    sk_err sk_engine_##name(struct sk_engine *engine, struct sk_ctx *ctx,                       \
                            const struct sk_namespace *ns, const WS(Method##Request) * request, \
                            WS(Method##Response) * response)                                    \
    {                                                                                           \
        return remember(ctx, #name, ns, request);                                               \
    }
STAND_IN(start, StartWorkflowExecution)
STAND_IN(signal_with_start, SignalWithStartWorkflowExecution)
STAND_IN(signal, SignalWorkflowExecution)
STAND_IN(request_cancel, RequestCancelWorkflowExecution)
STAND_IN(terminate, TerminateWorkflowExecution)
STAND_IN(delete_run, DeleteWorkflowExecution)
STAND_IN(describe, DescribeWorkflowExecution)
STAND_IN(history_reverse, GetWorkflowExecutionHistoryReverse)
STAND_IN(query, QueryWorkflow)
STAND_IN(query_completed, RespondQueryTaskCompleted)
STAND_IN(reset_sticky, ResetStickyTaskQueue)
STAND_IN(wft_completed, RespondWorkflowTaskCompleted)
STAND_IN(wft_failed, RespondWorkflowTaskFailed)
STAND_IN(activity_heartbeat, RecordActivityTaskHeartbeat)
STAND_IN(activity_heartbeat_by_id, RecordActivityTaskHeartbeatById)
STAND_IN(activity_completed, RespondActivityTaskCompleted)
STAND_IN(activity_completed_by_id, RespondActivityTaskCompletedById)
STAND_IN(activity_failed, RespondActivityTaskFailed)
STAND_IN(activity_failed_by_id, RespondActivityTaskFailedById)
STAND_IN(activity_canceled, RespondActivityTaskCanceled)
STAND_IN(activity_canceled_by_id, RespondActivityTaskCanceledById)
STAND_IN(activity_pause, PauseActivity)
STAND_IN(activity_unpause, UnpauseActivity)
STAND_IN(activity_reset, ResetActivity)

sk_err sk_engine_wft_start(struct sk_engine *engine, struct sk_ctx *ctx,
                           const struct sk_namespace *ns, const struct sk_task *task,
                           const WS(PollWorkflowTaskQueueRequest) * poll,
                           WS(PollWorkflowTaskQueueResponse) * response)
{
    return remember(ctx, "wft_start", ns, poll);
}

sk_err sk_engine_activity_start(struct sk_engine *engine, struct sk_ctx *ctx,
                                const struct sk_namespace *ns, const struct sk_task *task,
                                const WS(PollActivityTaskQueueRequest) * poll,
                                WS(PollActivityTaskQueueResponse) * response)
{
    return remember(ctx, "activity_start", ns, poll);
}

sk_err sk_engine_activity_unstart(struct sk_engine *engine, struct sk_ctx *ctx,
                                  const struct sk_namespace *ns, const struct sk_task *task)
{
    return SK_OK;
}

sk_err sk_engine_history(struct sk_engine *engine, struct sk_ctx *ctx,
                         const struct sk_namespace *ns,
                         const WS(GetWorkflowExecutionHistoryRequest) * request,
                         WS(GetWorkflowExecutionHistoryResponse) * response,
                         struct sk_watch *ret_watch, bool *ret_wait)
{
    *ret_wait = false;
    return remember(ctx, "history", ns, request);
}

void sk_engine_watch(struct sk_engine *engine, struct sk_watch *watch) {}
void sk_engine_unwatch(struct sk_engine *engine, struct sk_watch *watch) {}

struct sk_engine *fixture_engine_open(struct sk_matching *matching)
{
    return NULL;
}

void fixture_engine_close(struct sk_engine *engine) {}
