/*
 * What workers say about activities: take one, heartbeat, complete, fail, confirm a cancel; by
 * token or, for completion from elsewhere, by workflow and activity id. Each finds the activity and
 * changes it, in one commit with all that is said about the run's activities at that time
 * (joint.c): a fan-out of hundreds of activities does not queue for a commit each.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "wire/errordetail.h"

/* Who is meant: by token, or by ids. */
struct target {
    const char *workflow_id;
    const char *run_id;      /* NULL: the current run */
    struct sk_uuid run_uuid; /* by token */
    const EN(TaskToken) *token;
    const char *activity_id; /* by ids */
};

static sk_err gone(struct sk_ctx *ctx)
{
    return sk_fail_not_found(
        ctx, "invalid activityID or activity already timed out or invoking workflow is completed");
}

static sk_err target_from_token(struct sk_engine *e, struct sk_ctx *ctx,
                                const struct sk_namespace *ns, ProtobufCBinaryData bytes,
                                struct target *ret)
{
    const EN(TaskToken) *token;
    sk_err err = task_token_open(e, ctx, ns, bytes, SK_TASK_ACTIVITY, &token);
    if (err != SK_OK)
        return err;
    *ret = (struct target){.workflow_id = token->workflow_id, .token = token};
    memcpy(ret->run_uuid.b, token->run_id.data, SK_UUID_SIZE);
    return SK_OK;
}

static sk_err find(struct exec *x, struct sk_ctx *ctx, const struct target *target,
                   EN(Activity) **ret_a, struct item **ret_item)
{
    if (!exec_running(x))
        return exec_over(ctx);
    EN(Activity) *a;
    if (target->token) {
        a = exec_activity(x, target->token->scheduled_id, ret_item);
        if (!a || a->started_ns == 0 || a->attempt != target->token->attempt ||
            a->stamp != target->token->stamp)
            return gone(ctx);
    } else {
        a = exec_activity_by_name(x, target->activity_id, ret_item);
        if (!a)
            return sk_fail_not_found(ctx,
                                     "cannot find pending activity with ActivityID %s, check "
                                     "workflow execution history for more details",
                                     target->activity_id);
    }
    *ret_a = a;
    return SK_OK;
}

/* What a heartbeat's answer tells the worker. */
struct heartbeat_flags {
    bool cancel_requested, paused, reset;
};

/* One change to one activity. */
struct act {
    struct target target;
    void (*change)(struct txn *t, EN(Activity) *a, struct item *item, const struct act *act);
    sk_err (*check)(struct sk_ctx *ctx, const EN(Activity) *a); /* may be NULL */
    const void *body;
    const FAILURE *failure;
    const COMMON(Payloads) *payloads; /* result, details, heartbeat */
    const char *identity;
    int cause;
    struct heartbeat_flags *ret_flags;
};

static sk_err decide_act(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                         const struct change *change)
{
    const struct act *act = change->request;
    EN(Activity) *a;
    struct item *item;
    sk_err err = find(x, ctx, &act->target, &a, &item);
    if (err == SK_OK && act->check)
        err = act->check(ctx, a);
    if (err != SK_OK)
        return err;
    if (act->ret_flags)
        *act->ret_flags = (struct heartbeat_flags){a->cancel_requested, a->paused, a->reset};
    act->change(joint_txn(j), a, item, act);
    return SK_OK;
}

static sk_err run_act(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                      const struct act *act)
{
    const struct change change = {.workflow_id = act->target.workflow_id,
                                  .run_id = act->target.run_id,
                                  .run_uuid = act->target.token ? &act->target.run_uuid : NULL,
                                  .decide = decide_act,
                                  .request = act};
    return run_change(e, ctx, ns, &change);
}

static sk_err act_by_token(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                           ProtobufCBinaryData token, struct act *act)
{
    sk_err err = target_from_token(e, ctx, ns, token, &act->target);
    return err == SK_OK ? run_act(e, ctx, ns, act) : err;
}

static sk_err act_by_id(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const char *workflow_id, const char *run_id, const char *activity_id,
                        struct act *act)
{
    act->target =
        (struct target){.workflow_id = workflow_id, .run_id = run_id, .activity_id = activity_id};
    return run_act(e, ctx, ns, act);
}

/* ---- heartbeat ---- */

static void keep_heartbeat(struct txn *t, EN(Activity) *a, struct item *item,
                           const COMMON(Payloads) *details)
{
    a->heartbeat = EXEC_DUP(t->x, details);
    a->heartbeat_at_ms = txn_now_ms(t);
    item_touch(item);
}

static void change_heartbeat(struct txn *t, EN(Activity) *a, struct item *item,
                             const struct act *act)
{
    keep_heartbeat(t, a, item, act->payloads);
}

static sk_err check_started(struct sk_ctx *ctx, const EN(Activity) *a)
{
    return a->started_ns != 0 ? SK_OK : gone(ctx);
}

sk_err sk_engine_activity_heartbeat(struct sk_engine *engine, struct sk_ctx *ctx,
                                    const struct sk_namespace *ns,
                                    const WS(RecordActivityTaskHeartbeatRequest) *request,
                                    WS(RecordActivityTaskHeartbeatResponse) *response)
{
    struct heartbeat_flags flags = {0};
    struct act act = {
        .change = change_heartbeat, .payloads = request->details, .ret_flags = &flags};
    sk_err err = act_by_token(engine, ctx, ns, request->task_token, &act);
    response->cancel_requested = flags.cancel_requested;
    response->activity_paused = flags.paused;
    response->activity_reset = flags.reset;
    return err;
}

sk_err sk_engine_activity_heartbeat_by_id(struct sk_engine *engine, struct sk_ctx *ctx,
                                          const struct sk_namespace *ns,
                                          const WS(RecordActivityTaskHeartbeatByIdRequest) *request,
                                          WS(RecordActivityTaskHeartbeatByIdResponse) *response)
{
    struct heartbeat_flags flags = {0};
    struct act act = {.change = change_heartbeat,
                      .check = check_started,
                      .payloads = request->details,
                      .ret_flags = &flags};
    sk_err err = act_by_id(engine, ctx, ns, request->workflow_id, request->run_id,
                           request->activity_id, &act);
    response->cancel_requested = flags.cancel_requested;
    response->activity_paused = flags.paused;
    response->activity_reset = flags.reset;
    return err;
}

/* ---- complete ---- */

static void change_complete(struct txn *t, EN(Activity) *a, struct item *item,
                            const struct act *act)
{
    if (a->started_ns == 0) { // completed from elsewhere before a worker took it: as if one had
        a->retry_due_ms = 0;
        activity_mark_started(t, a, item, act->identity);
    }
    activity_complete(t, a, act->payloads, act->identity);
}

sk_err sk_engine_activity_completed(struct sk_engine *engine, struct sk_ctx *ctx,
                                    const struct sk_namespace *ns,
                                    const WS(RespondActivityTaskCompletedRequest) *request,
                                    WS(RespondActivityTaskCompletedResponse) *response)
{
    (void)response;
    struct act act = {
        .change = change_complete, .payloads = request->result, .identity = request->identity};
    return act_by_token(engine, ctx, ns, request->task_token, &act);
}

sk_err sk_engine_activity_completed_by_id(
    struct sk_engine *engine, struct sk_ctx *ctx, const struct sk_namespace *ns,
    const WS(RespondActivityTaskCompletedByIdRequest) *request,
    WS(RespondActivityTaskCompletedByIdResponse) *response)
{
    (void)response;
    struct act act = {
        .change = change_complete, .payloads = request->result, .identity = request->identity};
    return act_by_id(engine, ctx, ns, request->workflow_id, request->run_id, request->activity_id,
                     &act);
}

/* ---- fail ---- */

static void change_fail(struct txn *t, EN(Activity) *a, struct item *item, const struct act *act)
{
    if (act->payloads)
        keep_heartbeat(t, a, item, act->payloads);
    activity_fail(t, a, item, act->failure, act->identity, act->cause);
}

sk_err sk_engine_activity_failed(struct sk_engine *engine, struct sk_ctx *ctx,
                                 const struct sk_namespace *ns,
                                 const WS(RespondActivityTaskFailedRequest) *request,
                                 WS(RespondActivityTaskFailedResponse) *response)
{
    (void)response;
    struct act act = {.change = change_fail,
                      .check = check_started,
                      .failure = request->failure,
                      .payloads = request->last_heartbeat_details,
                      .identity = request->identity,
                      .cause = (int)request->cause};
    return act_by_token(engine, ctx, ns, request->task_token, &act);
}

sk_err sk_engine_activity_failed_by_id(struct sk_engine *engine, struct sk_ctx *ctx,
                                       const struct sk_namespace *ns,
                                       const WS(RespondActivityTaskFailedByIdRequest) *request,
                                       WS(RespondActivityTaskFailedByIdResponse) *response)
{
    (void)response;
    struct act act = {.change = change_fail,
                      .check = check_started,
                      .failure = request->failure,
                      .payloads = request->last_heartbeat_details,
                      .identity = request->identity,
                      .cause = (int)request->cause};
    return act_by_id(engine, ctx, ns, request->workflow_id, request->run_id, request->activity_id,
                     &act);
}

/* ---- confirm a cancel ---- */

static sk_err check_cancel(struct sk_ctx *ctx, const EN(Activity) *a)
{
    if (a->started_ns == 0)
        return gone(ctx);
    if (a->cancel_requested)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT,
                   "unable to mark activity as canceled without activity "
                   "being request canceled first");
}

static void change_cancel(struct txn *t, EN(Activity) *a, struct item *item, const struct act *act)
{
    (void)item;
    activity_cancel(t, a, act->payloads, act->identity);
    wft_schedule_if_idle(t);
}

sk_err sk_engine_activity_canceled(struct sk_engine *engine, struct sk_ctx *ctx,
                                   const struct sk_namespace *ns,
                                   const WS(RespondActivityTaskCanceledRequest) *request,
                                   WS(RespondActivityTaskCanceledResponse) *response)
{
    (void)response;
    struct act act = {.change = change_cancel,
                      .check = check_cancel,
                      .payloads = request->details,
                      .identity = request->identity};
    return act_by_token(engine, ctx, ns, request->task_token, &act);
}

sk_err sk_engine_activity_canceled_by_id(struct sk_engine *engine, struct sk_ctx *ctx,
                                         const struct sk_namespace *ns,
                                         const WS(RespondActivityTaskCanceledByIdRequest) *request,
                                         WS(RespondActivityTaskCanceledByIdResponse) *response)
{
    (void)response;
    struct act act = {.change = change_cancel,
                      .check = check_cancel,
                      .payloads = request->details,
                      .identity = request->identity};
    return act_by_id(engine, ctx, ns, request->workflow_id, request->run_id, request->activity_id,
                     &act);
}

/* ---- a poll takes one ---- */

struct take {
    const struct sk_task *task;
    const WS(PollActivityTaskQueueRequest) *poll;
};

static sk_err decide_take(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                          const struct change *change)
{
    const struct take *take = change->request;
    const struct sk_task_row *row = &take->task->row;
    struct item *item;
    EN(Activity) *a = exec_activity(x, row->scheduled_id, &item);
    if (!exec_running(x) || !a || a->started_ns != 0 || a->retry_due_ms != 0 ||
        a->attempt != row->attempt || a->stamp != row->stamp)
        return SK_STALE;
    HIST(HistoryEvent) *scheduled;
    sk_err err = history_event(x, ctx, a->scheduled_id, &scheduled);
    if (err != SK_OK)
        return err;
    struct txn *t = joint_txn(j);
    activity_mark_started(t, a, item, take->poll->identity);
    activity_respond(x, ctx, t->ns, a, scheduled->activity_task_scheduled_event_attributes,
                     change->response);
    return SK_OK;
}

sk_err sk_engine_activity_start(struct sk_engine *engine, struct sk_ctx *ctx,
                                const struct sk_namespace *ns, const struct sk_task *task,
                                const WS(PollActivityTaskQueueRequest) *poll,
                                WS(PollActivityTaskQueueResponse) *response)
{
    const struct take take = {task, poll};
    const struct change change = {.workflow_id = task_workflow_id(ctx, task),
                                  .run_uuid = &task->row.run.run_id,
                                  .decide = decide_take,
                                  .request = &take,
                                  .response = response};
    sk_err err = run_change(engine, ctx, ns, &change);
    if (err != SK_NOT_FOUND)
        return err;
    sk_ctx_clear(ctx); // the run is gone
    return SK_STALE;
}

static sk_err decide_unstart(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                             const struct change *change)
{
    (void)ctx;
    const struct sk_task_row *row = change->request;
    struct item *item;
    EN(Activity) *a = exec_activity(x, row->scheduled_id, &item);
    if (!exec_running(x) || !a || a->started_ns == 0 || a->attempt != row->attempt ||
        a->stamp != row->stamp)
        return SK_OK; // it went on all the same
    struct txn *t = joint_txn(j);
    a->started_ns = 0;
    if (!a->paused) // else when it is resumed
        activity_dispatch(t, a, true);
    item_touch(item);
    return SK_OK;
}

sk_err sk_engine_activity_unstart(struct sk_engine *engine, struct sk_ctx *ctx,
                                  const struct sk_namespace *ns, const struct sk_task *task)
{
    const struct change change = {.workflow_id = task_workflow_id(ctx, task),
                                  .run_uuid = &task->row.run.run_id,
                                  .decide = decide_unstart,
                                  .request = &task->row};
    return run_change(engine, ctx, ns, &change);
}
