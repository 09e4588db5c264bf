/*
 * Model clients: start, signal, signal with start, cancel, terminate, query, describe, on a few
 * workflow ids, with retries under the same request id when the outcome is unknown. What was
 * acknowledged is noted for the checks.
 */
#include "sim.h"

#include <stdio.h>

static char *some_id(struct sk_arena *arena)
{
    return sk_arena_printf(arena, "wf-%d", (int)sim_below(SIM_IDS));
}

static bool unknown(sk_err err)
{
    return err == SK_UNAVAILABLE || err == SK_COMMIT_UNKNOWN || err == SK_ABORTED ||
           err == SK_DEADLINE_EXCEEDED;
}

/* Errors that a client may see in a healthy simulation. */
static void check_err(const char *what, sk_err err, const struct sk_ctx *ctx)
{
    SIM_CHECK(err != SK_INTERNAL && err != SK_DATA_LOSS && err != SK_UNKNOWN &&
                  err != SK_CONDITION && err != SK_PARKED && err != SK_STALE &&
                  err != SK_UNIMPLEMENTED,
              "%s: %s %s", what, sk_err_name(err), err ? ctx->err.message : "");
    if (err)
        sim_say("  %s: %s %s", what, sk_err_name(err), ctx->err.message);
}

/* Make the call; again while its outcome is unknown. */
#define CALL(arena, what, method, Method, method_snake, request, ret_err, ret_response)            \
    do {                                                                                           \
        (ret_err) = SK_UNAVAILABLE;                                                                \
        for (int try_ = 0; try_ < 4 && unknown(ret_err); try_++) {                                 \
            struct sk_ctx ctx_ = {.arena = (arena), .deadline_mono_ms = sk_now_mono_ms() + 10000}; \
            (ret_response) =                                                                       \
                MSG_NEW((arena), WS(Method##Response),                                             \
                        temporal__api__workflowservice__v1__##method_snake##_response);            \
            if (!sim_enter()) {                                                                    \
                sk_fiber_sleep(100);                                                               \
                continue;                                                                          \
            }                                                                                      \
            sim->requests++;                                                                       \
            (ret_err) =                                                                            \
                sk_engine_##method(sim->engine, &ctx_, sim->ns, (request), (ret_response));        \
            check_err((what), (ret_err), &ctx_);                                                   \
            sim_leave();                                                                           \
            if (sim_chance(30))                                                                    \
                break;                                                                             \
        }                                                                                          \
    } while (0)

static void start(struct sk_arena *arena)
{
    WS(StartWorkflowExecutionRequest) *r =
        MSG_NEW(arena, WS(StartWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__start_workflow_execution_request);
    WS(StartWorkflowExecutionResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->workflow_id = some_id(arena);
    r->workflow_type = sk_type_msg(arena, "flow");
    r->task_queue = sk_queue_msg(arena, SIM_QUEUE, NULL);
    r->input = sim_payloads(arena, "in");
    r->request_id = sim_name(arena, "request");
    r->identity = sk_arena_strdup(arena, "client");
    r->workflow_task_timeout = sk_dur(arena, sim_span(1000, 10000));
    r->request_eager_execution = sim_chance(20);
    r->priority = sim_priority(arena);
    if (sim_chance(30))
        r->workflow_run_timeout = sk_dur(arena, sim_span(2000, 90000));
    if (sim_chance(20))
        r->workflow_execution_timeout = sk_dur(arena, sim_span(5000, 200000));
    if (sim_chance(15))
        r->workflow_start_delay = sk_dur(arena, sim_span(100, 5000));
    else if (sim_chance(10))
        r->cron_schedule = sk_arena_strdup(arena, sim->quiet ? "@every 40m" : "@every 10s");
    if (sim_chance(20)) {
        r->retry_policy = COMMON_NEW(arena, RetryPolicy, retry_policy);
        r->retry_policy->initial_interval = sk_dur(arena, sim_span(500, 500));
        r->retry_policy->backoff_coefficient = 2;
        r->retry_policy->maximum_attempts = (int32_t)sim_between(2, 4);
    }
    r->workflow_id_reuse_policy = REUSE(ALLOW_DUPLICATE);
    if (sim_chance(30))
        r->workflow_id_reuse_policy =
            (Temporal__Api__Enums__V1__WorkflowIdReusePolicy)sim_between(1, 3);
    if (sim_chance(40))
        r->workflow_id_conflict_policy =
            (Temporal__Api__Enums__V1__WorkflowIdConflictPolicy)sim_between(1, 3);
    int life = sim->lives;
    CALL(arena, "start", start, StartWorkflowExecution, start_workflow_execution, r, err, response);
    if (err)
        return;
    sim->acknowledged++;
    const struct sim_run *run = sim_run_find(response->run_id);
    SIM_CHECK(run && run->last_event_id >= 1 && !strcmp(run->workflow_id, r->workflow_id),
              "acknowledged start of %s as %s is not in the store", r->workflow_id,
              response->run_id);
    response = sim_receive(arena, response);
    if (response->eager_workflow_task) {
        sim_due_held(response->eager_workflow_task, life);
        sim_task_do(arena, response->eager_workflow_task, NULL);
    }
}

static void signal(struct sk_arena *arena)
{
    WS(SignalWorkflowExecutionRequest) *r =
        MSG_NEW(arena, WS(SignalWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__signal_workflow_execution_request);
    WS(SignalWorkflowExecutionResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->workflow_execution = sk_execution_msg(arena, some_id(arena), "");
    r->signal_name = sim_name(arena, "signal");
    r->input = sim_payloads(arena, "in");
    r->request_id = sim_name(arena, "request");
    r->identity = sk_arena_strdup(arena, "client");
    CALL(arena, "signal", signal, SignalWorkflowExecution, signal_workflow_execution, r, err,
         response);
    (void)response;
    struct sim_deed *deed = sim_deed_of(r->signal_name);
    if (!err) {
        deed->acknowledged = true;
        sim->acknowledged++;
    }
}

static void signal_with_start(struct sk_arena *arena)
{
    WS(SignalWithStartWorkflowExecutionRequest) *r =
        MSG_NEW(arena, WS(SignalWithStartWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__signal_with_start_workflow_execution_request);
    WS(SignalWithStartWorkflowExecutionResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->workflow_id = some_id(arena);
    r->workflow_type = sk_type_msg(arena, "flow");
    r->task_queue = sk_queue_msg(arena, SIM_QUEUE, NULL);
    r->signal_name = sim_name(arena, "signal");
    r->signal_input = sim_payloads(arena, "in");
    r->request_id = sim_name(arena, "request");
    r->identity = sk_arena_strdup(arena, "client");
    r->workflow_id_reuse_policy = REUSE(ALLOW_DUPLICATE);
    CALL(arena, "signal with start", signal_with_start, SignalWithStartWorkflowExecution,
         signal_with_start_workflow_execution, r, err, response);
    struct sim_deed *deed = sim_deed_of(r->signal_name);
    if (!err) {
        deed->acknowledged = true;
        sim->acknowledged++;
        SIM_CHECK(sim_run_find(response->run_id), "acknowledged run %s is not in the store",
                  response->run_id);
    }
}

static void cancel(struct sk_arena *arena)
{
    WS(RequestCancelWorkflowExecutionRequest) *r =
        MSG_NEW(arena, WS(RequestCancelWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__request_cancel_workflow_execution_request);
    WS(RequestCancelWorkflowExecutionResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->workflow_execution = sk_execution_msg(arena, some_id(arena), "");
    r->request_id = sim_name(arena, "request");
    r->identity = sk_arena_strdup(arena, "client");
    CALL(arena, "cancel", request_cancel, RequestCancelWorkflowExecution,
         request_cancel_workflow_execution, r, err, response);
    (void)err;
    (void)response;
}

void sim_terminate(const char *workflow_id, const char *run_id)
{
    struct sk_arena *arena = sk_arena_new(0);
    WS(TerminateWorkflowExecutionRequest) *r =
        MSG_NEW(arena, WS(TerminateWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__terminate_workflow_execution_request);
    WS(TerminateWorkflowExecutionResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->workflow_execution = sk_execution_msg(arena, workflow_id, run_id);
    r->identity = sk_arena_strdup(arena, "client");
    CALL(arena, "terminate", terminate, TerminateWorkflowExecution, terminate_workflow_execution, r,
         err, response);
    (void)response;
    if (!err && sk_text_set(run_id)) {
        const struct sim_run *run = sim_run_find(run_id);
        SIM_CHECK(run && !sim_run_open(run), "terminated %s is still open", run_id);
        sim->acknowledged++;
    }
    sk_arena_free(arena);
}

static void delete (struct sk_arena *arena)
{
    WS(DeleteWorkflowExecutionRequest) *r =
        MSG_NEW(arena, WS(DeleteWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__delete_workflow_execution_request);
    WS(DeleteWorkflowExecutionResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->workflow_execution = sk_execution_msg(arena, some_id(arena), "");
    CALL(arena, "delete", delete_run, DeleteWorkflowExecution, delete_workflow_execution, r, err,
         response);
    (void)err;
    (void)response;
}

static void reset_sticky(struct sk_arena *arena)
{
    WS(ResetStickyTaskQueueRequest) *r =
        MSG_NEW(arena, WS(ResetStickyTaskQueueRequest),
                temporal__api__workflowservice__v1__reset_sticky_task_queue_request);
    WS(ResetStickyTaskQueueResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->execution = sk_execution_msg(arena, some_id(arena), "");
    CALL(arena, "reset sticky", reset_sticky, ResetStickyTaskQueue, reset_sticky_task_queue, r, err,
         response);
    (void)err;
    (void)response;
}

static void query(struct sk_arena *arena)
{
    WS(QueryWorkflowRequest) *r =
        MSG_NEW(arena, WS(QueryWorkflowRequest),
                temporal__api__workflowservice__v1__query_workflow_request);
    WS(QueryWorkflowResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->execution = sk_execution_msg(arena, some_id(arena), "");
    r->query = MSG_NEW(arena, Temporal__Api__Query__V1__WorkflowQuery,
                       temporal__api__query__v1__workflow_query);
    r->query->query_type = sk_arena_strdup(arena, "who");
    CALL(arena, "query", query, QueryWorkflow, query_workflow, r, err, response);
    if (err)
        return;
    response = sim_receive(arena, response);
    SIM_CHECK(response->query_rejected ||
                  !strcmp(sim_text(arena, response->query_result), r->execution->workflow_id),
              "a query to %s was answered by %s", r->execution->workflow_id,
              sim_text(arena, response->query_result));
}

static void pause_activities(struct sk_arena *arena)
{
    WS(PauseActivityRequest) *r =
        MSG_NEW(arena, WS(PauseActivityRequest),
                temporal__api__workflowservice__v1__pause_activity_request);
    WS(PauseActivityResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->execution = sk_execution_msg(arena, some_id(arena), "");
    r->activity_case = TEMPORAL__API__WORKFLOWSERVICE__V1__PAUSE_ACTIVITY_REQUEST__ACTIVITY_TYPE;
    r->type = sk_arena_strdup(arena, "act");
    CALL(arena, "pause", activity_pause, PauseActivity, pause_activity, r, err, response);
    (void)err;
    (void)response;
}

static void unpause_activities(struct sk_arena *arena)
{
    WS(UnpauseActivityRequest) *r =
        MSG_NEW(arena, WS(UnpauseActivityRequest),
                temporal__api__workflowservice__v1__unpause_activity_request);
    WS(UnpauseActivityResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->execution = sk_execution_msg(arena, some_id(arena), "");
    r->activity_case = TEMPORAL__API__WORKFLOWSERVICE__V1__UNPAUSE_ACTIVITY_REQUEST__ACTIVITY_TYPE;
    r->type = sk_arena_strdup(arena, "act");
    r->reset_attempts = sim_chance(50);
    CALL(arena, "unpause", activity_unpause, UnpauseActivity, unpause_activity, r, err, response);
    (void)err;
    (void)response;
}

static void reset_activities(struct sk_arena *arena)
{
    WS(ResetActivityRequest) *r =
        MSG_NEW(arena, WS(ResetActivityRequest),
                temporal__api__workflowservice__v1__reset_activity_request);
    WS(ResetActivityResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->execution = sk_execution_msg(arena, some_id(arena), "");
    r->activity_case = TEMPORAL__API__WORKFLOWSERVICE__V1__RESET_ACTIVITY_REQUEST__ACTIVITY_TYPE;
    r->type = sk_arena_strdup(arena, "act");
    r->keep_paused = sim_chance(50);
    r->reset_heartbeat = sim_chance(50);
    CALL(arena, "reset", activity_reset, ResetActivity, reset_activity, r, err, response);
    (void)err;
    (void)response;
}

/* The newest page: ids count down from the newest event. */
static void read_backwards(struct sk_arena *arena)
{
    WS(GetWorkflowExecutionHistoryReverseRequest) *r =
        MSG_NEW(arena, WS(GetWorkflowExecutionHistoryReverseRequest),
                temporal__api__workflowservice__v1__get_workflow_execution_history_reverse_request);
    WS(GetWorkflowExecutionHistoryReverseResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->execution = sk_execution_msg(arena, some_id(arena), "");
    r->maximum_page_size = (int32_t)sim_between(1, 20);
    CALL(arena, "history backwards", history_reverse, GetWorkflowExecutionHistoryReverse,
         get_workflow_execution_history_reverse, r, err, response);
    if (err)
        return;
    response = sim_receive(arena, response);
    const HIST(History) *h = response->history;
    SIM_CHECK(h && h->n_events, "a history backwards is empty");
    for (size_t i = 1; i < h->n_events; i++)
        SIM_CHECK(h->events[i]->event_id == h->events[i - 1]->event_id - 1,
                  "backwards, %lld follows %lld", (long long)h->events[i]->event_id,
                  (long long)h->events[i - 1]->event_id);
}

static void describe(struct sk_arena *arena)
{
    WS(DescribeWorkflowExecutionRequest) *r =
        MSG_NEW(arena, WS(DescribeWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__describe_workflow_execution_request);
    WS(DescribeWorkflowExecutionResponse) *response = NULL;
    sk_err err;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->execution = sk_execution_msg(arena, some_id(arena), "");
    CALL(arena, "describe", describe, DescribeWorkflowExecution, describe_workflow_execution, r,
         err, response);
    if (err)
        return;
    response = sim_receive(arena, response);
    const struct sim_run *run = sim_run_find(response->workflow_execution_info->execution->run_id);
    SIM_CHECK(run, "described run %s is not in the store",
              response->workflow_execution_info->execution->run_id);
}

void sim_client(void *arg)
{
    uint64_t requests = sim_between(8, 25);
    (void)arg;
    while (requests-- && !sim->finishing) {
        struct sk_arena *arena = sk_arena_new(0);
        uint64_t draw = sim_below(sim->quiet ? 81 : 100); // nobody operates or deletes then
        sk_fiber_sleep((int64_t)sim_below(sim_chance(20) ? 10000 : (uint64_t)sim->haste_ms));
        if (sim->quiet && sim_chance(50))
            sim_lull();
        if (draw < 35)
            start(arena);
        else if (draw < 60)
            signal(arena);
        else if (draw < 70)
            signal_with_start(arena);
        else if (draw < 76)
            cancel(arena);
        else if (draw < 81)
            sim_terminate(some_id(arena), "");
        else if (draw < 83)
            delete (arena);
        else if (draw < 85)
            reset_sticky(arena);
        else if (draw < 91)
            query(arena);
        else if (draw < 93)
            pause_activities(arena);
        else if (draw < 95)
            unpause_activities(arena);
        else if (draw < 96)
            reset_activities(arena);
        else if (draw < 98)
            read_backwards(arena);
        else
            describe(arena);
        sk_arena_free(arena);
    }
    sim->clients--;
    sim->fibers--;
}
