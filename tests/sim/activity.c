/*
 * The model activity worker: starts, heartbeats, completes, fails, answers cancellation, vanishes,
 * answers twice. Each completion carries a result of its own, which the checker counts.
 */
#include "sim.h"

#include <stdio.h>

static bool heartbeat(struct sk_arena *arena, const WS(PollActivityTaskQueueResponse) *task,
                      bool *ret_cancel)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(RecordActivityTaskHeartbeatRequest) *r =
        MSG_NEW(arena, WS(RecordActivityTaskHeartbeatRequest),
                temporal__api__workflowservice__v1__record_activity_task_heartbeat_request);
    WS(RecordActivityTaskHeartbeatResponse) *response =
        MSG_NEW(arena, WS(RecordActivityTaskHeartbeatResponse),
                temporal__api__workflowservice__v1__record_activity_task_heartbeat_response);
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->task_token = task->task_token;
    r->details = sim_payloads(arena, "half way");
    r->identity = sk_arena_strdup(arena, "activity worker");
    if (!sim_enter())
        return true;
    sk_err err = sk_engine_activity_heartbeat(sim->engine, &ctx, sim->ns, r, response);
    sim_leave();
    if (!err)
        *ret_cancel = response->cancel_requested;
    return err != SK_NOT_FOUND;
}

static sk_err complete_once(struct sk_arena *arena, const WS(PollActivityTaskQueueResponse) *task,
                            const char *result)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(RespondActivityTaskCompletedRequest) *r =
        MSG_NEW(arena, WS(RespondActivityTaskCompletedRequest),
                temporal__api__workflowservice__v1__respond_activity_task_completed_request);
    WS(RespondActivityTaskCompletedResponse) *response =
        MSG_NEW(arena, WS(RespondActivityTaskCompletedResponse),
                temporal__api__workflowservice__v1__respond_activity_task_completed_response);
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->task_token = task->task_token;
    r->result = sim_payloads(arena, result);
    r->identity = sk_arena_strdup(arena, "activity worker");
    if (!sim_enter())
        return SK_UNAVAILABLE;
    sk_err err = sk_engine_activity_completed(sim->engine, &ctx, sim->ns, r, response);
    sim_leave();
    return err;
}

static sk_err complete_by_id(struct sk_arena *arena, const WS(PollActivityTaskQueueResponse) *task,
                             const char *result)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(RespondActivityTaskCompletedByIdRequest) *r =
        MSG_NEW(arena, WS(RespondActivityTaskCompletedByIdRequest),
                temporal__api__workflowservice__v1__respond_activity_task_completed_by_id_request);
    WS(RespondActivityTaskCompletedByIdResponse) *response =
        MSG_NEW(arena, WS(RespondActivityTaskCompletedByIdResponse),
                temporal__api__workflowservice__v1__respond_activity_task_completed_by_id_response);
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->workflow_id = task->workflow_execution->workflow_id;
    r->run_id = task->workflow_execution->run_id;
    r->activity_id = task->activity_id;
    r->result = sim_payloads(arena, result);
    r->identity = sk_arena_strdup(arena, "activity worker");
    if (!sim_enter())
        return SK_UNAVAILABLE;
    sk_err err = sk_engine_activity_completed_by_id(sim->engine, &ctx, sim->ns, r, response);
    sim_leave();
    return err;
}

static void complete(struct sk_arena *arena, const WS(PollActivityTaskQueueResponse) *task)
{
    char *result = sim_name(arena, "result");
    sk_err err = SK_UNAVAILABLE;
    bool by_id = sim_chance(15);
    for (int i = 0; i < 3 && (err == SK_UNAVAILABLE || err == SK_COMMIT_UNKNOWN); i++)
        err = by_id ? complete_by_id(arena, task, result) : complete_once(arena, task, result);
    if (err)
        return;
    sim_deed_of(result)->acknowledged = true;
    sim->acknowledged++;
    if (sim_chance(10)) {
        err = complete_once(arena, task, sim_name(arena, "twice"));
        SIM_CHECK(err, "attempt %d of %s in %s completed twice", task->attempt, task->activity_id,
                  task->workflow_execution->run_id);
    }
}

static void fail(struct sk_arena *arena, const WS(PollActivityTaskQueueResponse) *task)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(RespondActivityTaskFailedRequest) *r =
        MSG_NEW(arena, WS(RespondActivityTaskFailedRequest),
                temporal__api__workflowservice__v1__respond_activity_task_failed_request);
    WS(RespondActivityTaskFailedResponse) *response =
        MSG_NEW(arena, WS(RespondActivityTaskFailedResponse),
                temporal__api__workflowservice__v1__respond_activity_task_failed_response);
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->task_token = task->task_token;
    r->failure = sk_failure_new(arena, "it failed", "Sim");
    r->failure->failure_info_case =
        TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO;
    r->failure->application_failure_info =
        MSG_NEW(arena, Temporal__Api__Failure__V1__ApplicationFailureInfo,
                temporal__api__failure__v1__application_failure_info);
    r->failure->application_failure_info->type = sk_arena_strdup(arena, "Error");
    r->failure->application_failure_info->non_retryable = sim_chance(20);
    r->identity = sk_arena_strdup(arena, "activity worker");
    if (!sim_enter())
        return;
    sk_err err = sk_engine_activity_failed(sim->engine, &ctx, sim->ns, r, response);
    (void)err;
    sim_leave();
}

static void cancel(struct sk_arena *arena, const WS(PollActivityTaskQueueResponse) *task)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(RespondActivityTaskCanceledRequest) *r =
        MSG_NEW(arena, WS(RespondActivityTaskCanceledRequest),
                temporal__api__workflowservice__v1__respond_activity_task_canceled_request);
    WS(RespondActivityTaskCanceledResponse) *response =
        MSG_NEW(arena, WS(RespondActivityTaskCanceledResponse),
                temporal__api__workflowservice__v1__respond_activity_task_canceled_response);
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->task_token = task->task_token;
    r->identity = sk_arena_strdup(arena, "activity worker");
    if (!sim_enter())
        return;
    sk_err err = sk_engine_activity_canceled(sim->engine, &ctx, sim->ns, r, response);
    (void)err;
    sim_leave();
}

void sim_activity_do(struct sk_arena *arena, const WS(PollActivityTaskQueueResponse) *task)
{
    bool cancel_requested = false;
    if (!sim->finishing && sim_chance(sim->quiet ? 30 : 6))
        return; // the worker dies
    uint64_t beats = sim->finishing ? 0 : sim_below(4);
    for (uint64_t i = 0; i < beats; i++) {
        sk_fiber_sleep((int64_t)sim_below(800));
        if (!heartbeat(arena, task, &cancel_requested))
            return;
    }
    if (sim->quiet && !sim->finishing && sim_chance(30)) {
        sim_lull(); // it stalls
        if (sim_chance(50))
            return;
    }
    if (cancel_requested && sim_chance(70))
        cancel(arena, task);
    else if (!sim->finishing && sim_chance(25))
        fail(arena, task);
    else
        complete(arena, task);
}

static const WS(PollActivityTaskQueueResponse) *start(struct sk_arena *arena, struct sk_task *task,
                                                      const char *identity)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(PollActivityTaskQueueRequest) *poll =
        MSG_NEW(arena, WS(PollActivityTaskQueueRequest),
                temporal__api__workflowservice__v1__poll_activity_task_queue_request);
    WS(PollActivityTaskQueueResponse) *response =
        MSG_NEW(arena, WS(PollActivityTaskQueueResponse),
                temporal__api__workflowservice__v1__poll_activity_task_queue_response);
    poll->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    poll->task_queue = sk_queue_msg(arena, SIM_QUEUE, NULL);
    poll->identity = sk_arena_strdup(arena, identity);
    sk_err err = sk_engine_activity_start(sim->engine, &ctx, sim->ns, task, poll, response);
    if (err && err != SK_STALE) {
        sk_matching_return(sim->matching, task);
        return NULL;
    }
    bool gone = !err && sim_wild() && sim_chance(3);
    if (gone) { // the poller died before a byte of the answer was written
        sk_ctx_clear(&ctx);
        err = sk_engine_activity_unstart(sim->engine, &ctx, sim->ns, task);
    }
    sk_matching_done(sim->matching, task);
    return err || gone ? NULL : sim_receive(arena, response);
}

void sim_activity_worker(void *arg)
{
    char identity[30];
    snprintf(identity, sizeof identity, "activity-worker-%d", (int)(intptr_t)arg);
    while (!sim->over) {
        struct sk_arena *arena = sk_arena_new(0);
        const WS(PollActivityTaskQueueResponse) *task = NULL;
        if (sim_enter()) {
            struct sk_task *got = sim_poll(SK_TASK_ACTIVITY, SIM_QUEUE, false, identity);
            if (got)
                task = start(arena, got, identity);
            sim_leave();
        } else {
            sk_fiber_sleep(SIM_DOWN_PAUSE_MS);
        }
        if (task)
            sim_activity_do(arena, task);
        sk_arena_free(arena);
        if (sim->quiet && !sim->finishing && sim_chance(30))
            sim_lull(); // nobody is there
    }
    sim->fibers--;
}
