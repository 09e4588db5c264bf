/*
 * An operator's hand on pending activities: pause, resume, begin anew; one by id, or all of a type.
 *
 * A paused activity starts no further attempt; one that runs is told at its next heartbeat and its
 * result still counts. A reset of a running activity takes effect when the attempt fails; of a
 * waiting one at once.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "wire/errordetail.h"

/* Which activities are meant, and what is to be done with each. */
struct control {
    const COMMON(WorkflowExecution) *execution;
    const char *id, *type; /* NULL: not asked by it */
    bool all;
    void (*change)(struct txn *t, EN(Activity) *a, const struct control *c);
    const char *identity, *reason;
    bool reset_attempts, reset_heartbeat, keep_paused;
    int64_t jitter_ms;
};

static bool meant(const struct control *c, const EN(Activity) *a)
{
    return c->all || (c->id && strcmp(c->id, a->activity_id) == 0) ||
           (c->type && strcmp(c->type, a->type) == 0);
}

static sk_err decide_control(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                             const struct change *change)
{
    const struct control *c = change->request;
    struct items *items = &x->items[SK_PART_ACTIVITY];
    size_t changed = 0;
    if (!exec_running(x))
        return exec_over(ctx);
    for (size_t i = 0; i < items->n; i++) {
        EN(Activity) *a = (EN(Activity) *)items->v[i].record;
        if (!meant(c, a))
            continue;
        c->change(joint_txn(j), a, c);
        item_touch(&items->v[i]);
        changed++;
    }
    if (changed == 0)
        return sk_fail_not_found(ctx,
                                 "Can't find pending activity with such ID. Invalid activityID "
                                 "or activity already completed");
    return SK_OK;
}

/* An activity that waits gets its next attempt now, or within the jitter. */
static void dispatch_soon(struct txn *t, EN(Activity) *a, int64_t jitter_ms)
{
    activity_drop_task(t, a);
    a->scheduled_ns = t->now_ns;
    if (jitter_ms > 0) {
        int64_t wait = (int64_t)sk_random_below(sk_rt_random(), (uint64_t)jitter_ms);
        a->retry_due_ms = txn_now_ms(t) + wait + 1;
        return;
    }
    a->retry_due_ms = 0;
    activity_dispatch(t, a, true);
}

static void change_pause(struct txn *t, EN(Activity) *a, const struct control *c)
{
    if (a->paused)
        return;
    a->paused = true;
    a->paused_ms = txn_now_ms(t);
    a->paused_identity = exec_str(t->x, c->identity);
    a->paused_reason = exec_str(t->x, c->reason);
    if (a->started_ns == 0) {
        activity_drop_task(t, a);
        a->stamp = ++t->x->s->stamp_next; // a worker that has the task in hand comes too late
    }
}

static void change_unpause(struct txn *t, EN(Activity) *a, const struct control *c)
{
    if (!a->paused)
        return;
    a->paused = false;
    if (c->reset_heartbeat) {
        a->heartbeat = NULL;
        a->heartbeat_at_ms = 0;
    }
    if (a->started_ns != 0)
        return;
    if (c->reset_attempts)
        a->attempt = 1;
    dispatch_soon(t, a, c->jitter_ms);
}

static void change_reset(struct txn *t, EN(Activity) *a, const struct control *c)
{
    if (a->started_ns != 0) { // it stays paused, if it is
        a->reset = true;
        a->reset_heartbeat = c->reset_heartbeat;
        return;
    }
    if (!c->keep_paused)
        a->paused = false;
    a->attempt = 1;
    if (c->reset_heartbeat)
        a->heartbeat = NULL;
    if (!a->paused)
        dispatch_soon(t, a, c->jitter_ms);
}

static sk_err no_activity_named(struct sk_ctx *ctx)
{
    return sk_fail(ctx, SK_INVALID_ARGUMENT,
                   "Either Activity.Id or Activity.Type should be set on request.");
}

sk_err sk_engine_activity_pause(struct sk_engine *engine, struct sk_ctx *ctx,
                                const struct sk_namespace *ns,
                                const WS(PauseActivityRequest) *request,
                                WS(PauseActivityResponse) *response)
{
    (void)response;
    struct control c = {.execution = request->execution,
                        .change = change_pause,
                        .identity = request->identity,
                        .reason = request->reason};
    switch (request->activity_case) {
    case TEMPORAL__API__WORKFLOWSERVICE__V1__PAUSE_ACTIVITY_REQUEST__ACTIVITY_ID:
        c.id = request->id;
        break;
    case TEMPORAL__API__WORKFLOWSERVICE__V1__PAUSE_ACTIVITY_REQUEST__ACTIVITY_TYPE:
        c.type = request->type;
        break;
    default:
        return no_activity_named(ctx);
    }
    return run_change_of(engine, ctx, ns, c.execution, decide_control, &c);
}

sk_err sk_engine_activity_unpause(struct sk_engine *engine, struct sk_ctx *ctx,
                                  const struct sk_namespace *ns,
                                  const WS(UnpauseActivityRequest) *request,
                                  WS(UnpauseActivityResponse) *response)
{
    (void)response;
    struct control c = {.execution = request->execution,
                        .change = change_unpause,
                        .reset_attempts = request->reset_attempts,
                        .reset_heartbeat = request->reset_heartbeat,
                        .jitter_ms = sk_dur_ms(request->jitter)};
    switch (request->activity_case) {
    case TEMPORAL__API__WORKFLOWSERVICE__V1__UNPAUSE_ACTIVITY_REQUEST__ACTIVITY_ID:
        c.id = request->id;
        break;
    case TEMPORAL__API__WORKFLOWSERVICE__V1__UNPAUSE_ACTIVITY_REQUEST__ACTIVITY_TYPE:
        c.type = request->type;
        break;
    case TEMPORAL__API__WORKFLOWSERVICE__V1__UNPAUSE_ACTIVITY_REQUEST__ACTIVITY_UNPAUSE_ALL:
        c.all = request->unpause_all;
        break;
    default:
        return no_activity_named(ctx);
    }
    return run_change_of(engine, ctx, ns, c.execution, decide_control, &c);
}

sk_err sk_engine_activity_reset(struct sk_engine *engine, struct sk_ctx *ctx,
                                const struct sk_namespace *ns,
                                const WS(ResetActivityRequest) *request,
                                WS(ResetActivityResponse) *response)
{
    (void)response;
    struct control c = {.execution = request->execution,
                        .change = change_reset,
                        .reset_heartbeat = request->reset_heartbeat,
                        .keep_paused = request->keep_paused,
                        .jitter_ms = sk_dur_ms(request->jitter)};
    switch (request->activity_case) {
    case TEMPORAL__API__WORKFLOWSERVICE__V1__RESET_ACTIVITY_REQUEST__ACTIVITY_ID:
        c.id = request->id;
        break;
    case TEMPORAL__API__WORKFLOWSERVICE__V1__RESET_ACTIVITY_REQUEST__ACTIVITY_TYPE:
        c.type = request->type;
        break;
    case TEMPORAL__API__WORKFLOWSERVICE__V1__RESET_ACTIVITY_REQUEST__ACTIVITY_MATCH_ALL:
        c.all = request->match_all;
        break;
    default:
        return no_activity_named(ctx);
    }
    return run_change_of(engine, ctx, ns, c.execution, decide_control, &c);
}
