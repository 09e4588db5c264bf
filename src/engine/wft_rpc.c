/*
 * What workers say about workflow tasks: take one, complete it, fail it. Completing is the heart of
 * the engine: Completed, the commands, what was buffered, the next task, all in one transition; a
 * bad command drops all of that and fails the task instead.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "wire/errordetail.h"

/* ---- a poll takes one ---- */

struct take {
    const struct sk_task *task;
    const WS(PollWorkflowTaskQueueRequest) *poll;
};

/* Events came since the attempt after a failure was scheduled: it becomes an ordinary task, with
 * events of its own, in a commit. */
static sk_err make_ordinary(struct sk_ctx *ctx, const struct sk_namespace *ns, struct exec *x)
{
    struct txn t;
    txn_init(&t, ctx, ns, x);
    wft_drop_row(&t);
    x->s->wft = NULL;
    wft_schedule(&t, 1, 0, true); // should the answer fail, another poll has to find it
    return txn_commit(&t);
}

static bool wanted(const struct exec *x, const struct sk_task_row *row)
{
    const EN(WorkflowTask) *wft = x->s->wft;
    return exec_running(x) && wft && wft->scheduled_id == row->scheduled_id &&
           wft->attempt == row->attempt && wft->stamp == row->stamp && !wft_started(x);
}

static sk_err take_task(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const void *request, void *response)
{
    const struct take *take = request;
    struct exec *x;
    sk_err err = flow_run_uuid(flow, ctx, take->task->row.run.run_id, &x);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        return SK_STALE;
    }
    if (err != SK_OK)
        return err;
    if (!wanted(x, &take->task->row))
        return SK_STALE;
    bool sticky = take->task->sticky && sk_text_set(x->s->sticky_queue) &&
                  sk_str_eq(take->task->row.queue.name, sk_str_of(x->s->sticky_queue));
    if (x->s->wft->attempt > 1 && x->s->wft->scheduled_id != x->s->next_event_id) {
        err = make_ordinary(ctx, ns, x);
        if (err != SK_OK)
            return err;
        if (!wft_pending(x)) // its history outgrew the limit: the run is over
            return SK_STALE;
    }
    wft_start_in_memory(x, sk_now_wall_ns(), take->poll->identity);
    err = wft_respond(x, ctx, sticky, response);
    if (err != SK_OK)
        x->start.set = false; // the caller gives the task back
    return err;
}

sk_err sk_engine_wft_start(struct sk_engine *engine, struct sk_ctx *ctx,
                           const struct sk_namespace *ns, const struct sk_task *task,
                           const WS(PollWorkflowTaskQueueRequest) *poll,
                           WS(PollWorkflowTaskQueueResponse) *response)
{
    if (task->query)
        return query_respond(engine, ctx, ns, task, response);
    struct take take = {task, poll};
    return flow_call(engine, ctx, ns, task_workflow_id(ctx, task), take_task, &take, response);
}

/* ---- the task that an answer is about ---- */

/* The server restarted since the start was given out; the token says what it was. */
static void start_from_token(struct exec *x, const EN(TaskToken) *token)
{
    struct started *start = &x->start;
    sk_mem_free(start->identity);
    *start = (struct started){
        .set = true,
        .stamp = token->stamp,
        .started_id = token->started_id,
        .started_ns = token->started_ns,
        .history_size = token->history_size,
        .suggest = token->suggest_continue_as_new,
        .identity = sk_mem_strdup(token->identity),
    };
    memcpy(start->request_id, token->request_id,
           strnlen(token->request_id, sizeof start->request_id - 1));
    for (size_t i = 0; i < token->n_suggest_reasons && i < REASONS_MAX; i++)
        start->reasons[start->reason_count++] = token->suggest_reasons[i];
}

static sk_err find_started(struct flow *flow, struct sk_ctx *ctx, const EN(TaskToken) *token,
                           struct exec **ret)
{
    struct sk_uuid id;
    struct exec *x;
    memcpy(id.b, token->run_id.data, SK_UUID_SIZE);
    sk_err err = flow_run_uuid(flow, ctx, id, &x);
    if (err != SK_OK)
        return err;
    if (!exec_running(x))
        return exec_over(ctx);
    const EN(WorkflowTask) *wft = x->s->wft;
    bool same = wft && wft->scheduled_id == token->scheduled_id && wft->attempt == token->attempt &&
                wft->stamp == token->stamp;
    if (same && x->start.set)
        same = x->start.started_ns == token->started_ns;
    else if (same && wft->started_ns != 0)
        same = wft->started_ns == token->started_ns;
    else if (same) {
        int64_t assumed = wft->attempt == 1 ? token->started_id : token->started_id - 1;
        same = x->s->next_event_id == assumed;
        if (same)
            start_from_token(x, token);
    }
    if (!same)
        return sk_fail_not_found(ctx, "Workflow task not found.");
    *ret = x;
    return SK_OK;
}

/* ---- completed ---- */

struct completion {
    const EN(TaskToken) *token;
    const WS(RespondWorkflowTaskCompletedRequest) *request;
};

#define BUILD_IDS_MAX 20 /* newest ones a run shows */

static void add_build_id(struct exec *x, const char *text)
{
    EN(ExecutionState) *s = x->s;
    size_t keep = s->n_build_ids < BUILD_IDS_MAX ? s->n_build_ids : BUILD_IDS_MAX - 1;
    char **grown = SK_NEW_N(x->arena, char *, keep + 1);
    if (keep)
        memcpy(grown, s->build_ids + (s->n_build_ids - keep), keep * sizeof *grown);
    grown[keep] = exec_str(x, text);
    s->build_ids = grown;
    s->n_build_ids = keep + 1;
}

/* Lists find a run by the builds that worked on it. */
static void note_build(struct txn *t, const WS(RespondWorkflowTaskCompletedRequest) *r)
{
    const char *build = r->worker_version_stamp ? r->worker_version_stamp->build_id : NULL;
    EN(ExecutionState) *s = t->x->s;
    if (!sk_text_set(build))
        return;
    const char *value = sk_arena_printf(t->ctx->arena, "unversioned:%s", build);
    for (size_t i = 0; i < s->n_build_ids; i++)
        if (strcmp(s->build_ids[i], value) == 0)
            return;
    if (s->n_build_ids == 0)
        add_build_id(t->x, "unversioned");
    add_build_id(t->x, value);
    t->visible = true;
}

static void add_completed(struct txn *t, const WS(RespondWorkflowTaskCompletedRequest) *r)
{
    wft_write_transient(t);
    const EN(WorkflowTask) *wft = t->x->s->wft;
    wft_drop_row(t);
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_TASK_COMPLETED));
    HIST(WorkflowTaskCompletedEventAttributes) *a = event->workflow_task_completed_event_attributes;
    a->scheduled_event_id = wft->scheduled_id;
    a->started_event_id = wft->started_id;
    a->identity = r->identity;
    a->binary_checksum = r->binary_checksum;
    a->worker_version = r->worker_version_stamp;
    a->sdk_metadata = r->sdk_metadata;
    a->metering_metadata = r->metering_metadata;
    a->versioning_behavior = r->versioning_behavior;
    txn_add(t, event);
    t->completed_id = event->event_id;
    wft_note_success(t);
    note_build(t, r);
}

static void set_stickiness(struct exec *x, const WS(RespondWorkflowTaskCompletedRequest) *r)
{
    stickiness_clear(x);
    if (r->sticky_attributes && r->sticky_attributes->worker_task_queue &&
        sk_text_set(r->sticky_attributes->worker_task_queue->name)) {
        x->s->sticky_queue = exec_str(x, r->sticky_attributes->worker_task_queue->name);
        x->s->sticky_timeout_ms = sk_dur_ms(r->sticky_attributes->schedule_to_start_timeout);
    }
}

/* The answer was refused: what it decided is dropped, the task fails. */
static sk_err refuse(struct sk_ctx *ctx, const struct sk_namespace *ns, struct flow *flow,
                     struct sk_uuid run_id, const struct verdict *v, const char *identity)
{
    struct exec *x;
    const char *text = verdict_text(ctx->arena, v);
    sk_err err = flow_run_uuid(flow, ctx, run_id, &x);
    if (err != SK_OK)
        return err;
    bool unhandled = v->cause == (int)CAUSE(UNHANDLED_COMMAND);
    if (x->s->wft->attempt > 1 && !unhandled && !v->terminate)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s", text); // it will time out
    struct txn t;
    txn_init(&t, ctx, ns, x);
    x->s->close_attempted |= unhandled;
    FAILURE *failure = sk_failure_new(ctx->arena, text, "");
    failure->failure_info_case =
        TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_SERVER_FAILURE_INFO;
    failure->server_failure_info =
        MSG_NEW(ctx->arena, Temporal__Api__Failure__V1__ServerFailureInfo,
                temporal__api__failure__v1__server_failure_info);
    if (v->terminate) {
        wft_fail_for_good(&t, v->cause, failure, identity);
        close_terminated(&t, sk_bin(ctx->arena, text), NULL, SYSTEM_IDENTITY);
    } else {
        wft_fail(&t, v->cause, failure, identity);
    }
    err = txn_commit(&t);
    return err == SK_OK ? sk_fail(ctx, SK_INVALID_ARGUMENT, "%s", text) : err;
}

static bool is_heartbeat(const WS(RespondWorkflowTaskCompletedRequest) *r)
{
    return r->force_create_new_workflow_task && r->n_commands == 0 && r->n_messages == 0;
}

/* A worker may keep a task alive for local activities only so long. */
static sk_err heartbeat_over(struct sk_ctx *ctx, const struct sk_namespace *ns, struct exec *x)
{
    struct txn t;
    txn_init(&t, ctx, ns, x);
    stickiness_clear(x);
    wft_time_out(&t, TIMEOUT(START_TO_CLOSE));
    sk_err err = txn_commit(&t);
    return err == SK_OK ? sk_fail_not_found(ctx, "workflow task heartbeat timeout") : err;
}

/* Start the eager activities in the same transition. */
static void start_eager(struct txn *t, struct command_results *results, const char *identity)
{
    for (size_t i = 0; i < results->eager_count; i++) {
        struct item *item;
        EN(Activity) *a = exec_activity(t->x, results->eager[i], &item);
        if (!a || !exec_running(t->x)) {
            results->eager[i] = 0;
            continue;
        }
        activity_mark_started(t, a, item, identity);
    }
}

static sk_err hand_out_eager(struct exec *x, struct sk_ctx *ctx, const struct sk_namespace *ns,
                             const struct command_results *results,
                             WS(RespondWorkflowTaskCompletedResponse) *response)
{
    if (results->eager_count == 0)
        return SK_OK;
    response->activity_tasks =
        SK_NEW_N(ctx->arena, WS(PollActivityTaskQueueResponse) *, results->eager_count);
    for (size_t i = 0; i < results->eager_count; i++) {
        const EN(Activity) *a =
            results->eager[i] ? exec_activity(x, results->eager[i], NULL) : NULL;
        if (!a)
            continue;
        HIST(HistoryEvent) *event;
        sk_err err = history_event(x, ctx, a->scheduled_id, &event);
        if (err != SK_OK)
            return err;
        WS(PollActivityTaskQueueResponse) *task =
            MSG_NEW(ctx->arena, WS(PollActivityTaskQueueResponse),
                    temporal__api__workflowservice__v1__poll_activity_task_queue_response);
        activity_respond(x, ctx, ns, a, event->activity_task_scheduled_event_attributes, task);
        response->activity_tasks[response->n_activity_tasks++] = task;
    }
    return SK_OK;
}

/* After the commands: is there something the worker has to see? */
static bool schedule_next(struct txn *t, const struct command_results *results,
                          const WS(RespondWorkflowTaskCompletedRequest) *r, int64_t original_ns)
{
    struct exec *x = t->x;
    if (!exec_running(x))
        return false;
    bool needed = r->force_create_new_workflow_task || results->new_task || x->s->n_buffered > 0;
    if (needed && !x->s->wft)
        wft_schedule(t, 1, is_heartbeat(r) ? original_ns : 0, !r->return_new_workflow_task);
    return needed && r->return_new_workflow_task;
}

static sk_err answer(struct exec *x, struct sk_ctx *ctx, const struct sk_namespace *ns,
                     const struct command_results *results, bool inline_task,
                     const WS(RespondWorkflowTaskCompletedRequest) *r,
                     WS(RespondWorkflowTaskCompletedResponse) *response)
{
    sk_err err = hand_out_eager(x, ctx, ns, results, response);
    if (!inline_task || !x->s->wft || wft_started(x))
        return err;
    if (err != SK_OK) {
        wft_offer_again(x);
        return err;
    }
    wft_start_in_memory(x, sk_now_wall_ns(), r->identity);
    response->workflow_task =
        MSG_NEW(ctx->arena, WS(PollWorkflowTaskQueueResponse),
                temporal__api__workflowservice__v1__poll_workflow_task_queue_response);
    err = wft_respond(x, ctx, sk_text_set(x->s->sticky_queue), response->workflow_task);
    if (err != SK_OK)
        wft_offer_again(x);
    return err;
}

static sk_err complete(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                       const void *request, void *response)
{
    const struct completion *c = request;
    const WS(RespondWorkflowTaskCompletedRequest) *r = c->request;
    struct exec *x;
    sk_err err = find_started(flow, ctx, c->token, &x);
    if (err != SK_OK)
        return err;
    struct sk_uuid run_id = x->run_id;
    int64_t original_ns = x->s->wft->original_scheduled_ns;
    if (is_heartbeat(r) &&
        sk_now_wall_ms() > original_ns / MS_NS + flow->shard->engine->limits->wft_heartbeat_ms)
        return heartbeat_over(ctx, ns, x);
    struct txn t;
    struct command_results results;
    txn_init(&t, ctx, ns, x);
    add_completed(&t, r);
    set_stickiness(x, r);
    err = commands_run(&t, r, &results);
    if (err != SK_OK) {
        txn_abandon(&t);
        return err;
    }
    if (results.verdict.cause) {
        txn_abandon(&t);
        return refuse(ctx, ns, flow, run_id, &results.verdict, r->identity);
    }
    start_eager(&t, &results, r->identity);
    x->s->close_attempted = false;
    bool inline_task = schedule_next(&t, &results, r, original_ns);
    t.answers = r;
    err = txn_commit(&t);
    if (err != SK_OK)
        return err;
    return answer(x, ctx, ns, &results, inline_task, r, response);
}

sk_err sk_engine_wft_completed(struct sk_engine *engine, struct sk_ctx *ctx,
                               const struct sk_namespace *ns,
                               const WS(RespondWorkflowTaskCompletedRequest) *request,
                               WS(RespondWorkflowTaskCompletedResponse) *response)
{
    struct completion c = {NULL, request};
    sk_err err = task_token_open(engine, ctx, ns, request->task_token, SK_TASK_WORKFLOW, &c.token);
    if (err != SK_OK)
        return err;
    return flow_call(engine, ctx, ns, c.token->workflow_id, complete, &c, response);
}

/* ---- failed ---- */

struct failed {
    const EN(TaskToken) *token;
    const WS(RespondWorkflowTaskFailedRequest) *request;
};

static sk_err fail(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                   const void *request, void *response)
{
    (void)response;
    const struct failed *f = request;
    struct exec *x;
    sk_err err = find_started(flow, ctx, f->token, &x);
    if (err != SK_OK)
        return err;
    struct txn t;
    txn_init(&t, ctx, ns, x);
    /* An answer that no message can hold would be no smaller the next time. */
    if (f->request->cause == CAUSE(GRPC_MESSAGE_TOO_LARGE))
        close_terminated(&t, sk_bin(ctx->arena, "GrpcMessageTooLarge"), NULL, SYSTEM_IDENTITY);
    else
        wft_fail(&t, (int)f->request->cause, f->request->failure, f->request->identity);
    return txn_commit(&t);
}

sk_err sk_engine_wft_failed(struct sk_engine *engine, struct sk_ctx *ctx,
                            const struct sk_namespace *ns,
                            const WS(RespondWorkflowTaskFailedRequest) *request,
                            WS(RespondWorkflowTaskFailedResponse) *response)
{
    (void)response;
    struct failed f = {NULL, request};
    sk_err err = task_token_open(engine, ctx, ns, request->task_token, SK_TASK_WORKFLOW, &f.token);
    if (err != SK_OK)
        return err;
    return flow_call(engine, ctx, ns, f.token->workflow_id, fail, &f, NULL);
}

/* ---- ResetStickyTaskQueue ---- */

static sk_err decide_reset_sticky(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                                  const struct change *change)
{
    (void)change;
    if (!exec_running(x))
        return exec_over(ctx);
    (void)joint_txn(j);
    stickiness_clear(x);
    return SK_OK;
}

sk_err sk_engine_reset_sticky(struct sk_engine *engine, struct sk_ctx *ctx,
                              const struct sk_namespace *ns,
                              const WS(ResetStickyTaskQueueRequest) *request,
                              WS(ResetStickyTaskQueueResponse) *response)
{
    (void)response;
    return run_change_of(engine, ctx, ns, request->execution, decide_reset_sticky, request);
}
