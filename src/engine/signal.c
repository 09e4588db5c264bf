/*
 * What comes to a run from outside: signals, cancel requests, termination, deletion. Requests are
 * remembered by id in the run, so that a client's retry changes nothing.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "base/assert.h"
#include "wire/errordetail.h"

#define REQUEST_IDS_MAX 64

bool request_seen(struct txn *t, const char *request_id, int event_type, int64_t event_id)
{
    struct exec *x = t->x;
    EN(ExecutionState) *s = x->s;
    if (!sk_text_set(request_id))
        return false;
    for (size_t i = 0; i < s->n_request_ids; i++)
        if (s->request_ids[i]->event_type == event_type &&
            strcmp(s->request_ids[i]->id, request_id) == 0)
            return true;
    size_t keep = s->n_request_ids < REQUEST_IDS_MAX ? s->n_request_ids : REQUEST_IDS_MAX - 1;
    EN(RequestId) **grown = SK_NEW_N(x->arena, EN(RequestId) *, keep + 1);
    if (keep)
        memcpy(grown, s->request_ids + (s->n_request_ids - keep), keep * sizeof *grown);
    /* The start's own id stays: a retried start must find it. */
    if (keep && keep < s->n_request_ids)
        grown[0] = s->request_ids[0];
    EN(RequestId) *id = EN_NEW(x->arena, RequestId, request_id);
    id->id = exec_str(x, request_id);
    id->event_type = event_type;
    id->event_id = event_id;
    id->at_ms = txn_now_ms(t);
    grown[keep] = id;
    s->request_ids = grown;
    s->n_request_ids = keep + 1;
    return false;
}

void signal_add(struct txn *t, const char *name, const COMMON(Payloads) *input,
                const COMMON(Header) *header, const char *identity, const char *request_id,
                const COMMON(WorkflowExecution) *external, size_t n_links, COMMON(Link) **links)
{
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_EXECUTION_SIGNALED));
    HIST(WorkflowExecutionSignaledEventAttributes) *a =
        event->workflow_execution_signaled_event_attributes;
    a->signal_name = sk_arena_strdup(t->ctx->arena, name);
    a->input = (COMMON(Payloads) *)(uintptr_t)input;
    a->header = (COMMON(Header) *)(uintptr_t)header;
    a->identity = sk_arena_strdup(t->ctx->arena, identity ? identity : "");
    a->request_id = sk_arena_strdup(t->ctx->arena, request_id ? request_id : "");
    a->external_workflow_execution = (COMMON(WorkflowExecution) *)(uintptr_t)external;
    event->n_links = n_links;
    event->links = links;
    txn_add(t, event);
}

void cancel_add(struct txn *t, ProtobufCBinaryData cause, const char *identity,
                const char *request_id, int64_t external_initiated_id,
                const COMMON(WorkflowExecution) *external)
{
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_EXECUTION_CANCEL_REQUESTED));
    HIST(WorkflowExecutionCancelRequestedEventAttributes) *a =
        event->workflow_execution_cancel_requested_event_attributes;
    a->cause = cause;
    a->identity = sk_arena_strdup(t->ctx->arena, identity ? identity : "");
    a->external_initiated_event_id = external_initiated_id;
    a->external_workflow_execution = (COMMON(WorkflowExecution) *)(uintptr_t)external;
    txn_add(t, event);
    t->x->s->cancel_request_id = exec_str(t->x, request_id);
}

static sk_err already_completed(struct sk_ctx *ctx)
{
    return sk_fail_not_found(ctx, "workflow execution already completed");
}

/* ---- signal ---- */

/*
 * A workflow that is sent many signals at once takes all that wait for its lock in one transition:
 * whoever gets the lock first decides them in the order they came, and one commit answers all. Each
 * waits on its own stack, so that nothing it lent (payloads, identity) goes before it is answered.
 */
struct waiting_signal {
    struct sk_list node;
    const WS(SignalWorkflowExecutionRequest) *request;
    struct sk_ctx *ctx;
    bool added; /* its event is part of the transition */
    bool done;
    sk_err err;
};

#define TOGETHER_MAX 64 /* signals of one transition */

static sk_err may_signal(struct sk_ctx *ctx, const struct exec *x)
{
    if (!exec_running(x))
        return already_completed(ctx);
    if (x->s->close_attempted && wft_started(x))
        return sk_fail_resource_exhausted(
            ctx, SK_EXHAUSTED_BUSY_WORKFLOW, SK_SCOPE_NAMESPACE,
            "workflow operation can not be applied because workflow is closing");
    return SK_OK;
}

/* Decide one: an event, nothing (it is known already), or a refusal. */
static void take_signal(struct txn *t, struct waiting_signal *w)
{
    const WS(SignalWorkflowExecutionRequest) *r = w->request;
    w->done = true;
    if (t->x->s->signal_count >= t->e->limits->signals_per_run) {
        w->err = sk_fail(w->ctx, SK_INVALID_ARGUMENT,
                         "exceeded workflow execution limit for signal events");
        return;
    }
    if (request_seen(t, r->request_id, EVENT(WORKFLOW_EXECUTION_SIGNALED), 0))
        return;
    w->added = true;
    signal_add(t, r->signal_name, r->input, r->header, r->identity, r->request_id, NULL, r->n_links,
               r->links);
}

/* All that wait for the same run, the oldest first. */
static size_t gather(struct flow *flow, const char *run_id, struct waiting_signal **ret)
{
    size_t n = 0;
    SK_LIST_EACH (node, &flow->signals) {
        struct waiting_signal *w = SK_CONTAINER(node, struct waiting_signal, node);
        if (n == TOGETHER_MAX || strcmp(w->request->workflow_execution->run_id, run_id) != 0)
            continue;
        sk_list_remove(&w->node);
        ret[n++] = w;
    }
    return n;
}

/* A duplicate is answered like the first of its kind: it is as durable as that. */
static void answer_together(struct waiting_signal **all, size_t n, struct waiting_signal *first,
                            sk_err err)
{
    const char *why = first->ctx->err.message;
    for (size_t i = 0; i < n; i++) {
        if (all[i]->err != SK_OK)
            continue; // refused by itself
        all[i]->err = err;
        if (err != SK_OK && all[i] != first)
            sk_fail(all[i]->ctx, err, "%s", why ? why : sk_err_meaning(err));
    }
}

static sk_err signal_together(struct sk_shard *shard, const struct sk_namespace *ns,
                              struct flow *flow, struct waiting_signal *first)
{
    struct exec *x;
    const char *run_id = first->request->workflow_execution->run_id;
    sk_err err = flow_run(flow, first->ctx, run_id, &x);
    if (err == SK_OK)
        err = may_signal(first->ctx, x);
    if (err != SK_OK)
        return err; // the others will hear the same when they come to it
    struct waiting_signal *all[TOGETHER_MAX];
    size_t n = gather(flow, run_id, all), added = 0;
    struct txn t;
    txn_init(&t, shard, first->ctx, ns, x);
    for (size_t i = 0; i < n; i++) {
        take_signal(&t, all[i]);
        added += all[i]->added;
    }
    if (added == 0) {
        txn_abandon(&t);
        return first->err;
    }
    wft_schedule_if_idle(&t);
    answer_together(all, n, first, txn_commit(&t));
    return first->err;
}

static sk_err do_signal(struct sk_shard *shard, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const void *request, void *response)
{
    (void)response;
    struct waiting_signal w = {.request = request, .ctx = ctx};
    struct flow *flow = flow_hold(shard, ns->id, w.request->workflow_execution->workflow_id);
    sk_list_push_back(&flow->signals, &w.node);
    flow_lock(flow);
    if (!w.done) {
        w.err = signal_together(shard, ns, flow, &w);
        sk_list_remove(&w.node); // still there if it never came to be gathered
    }
    flow_leave(flow);
    return w.err;
}

sk_err sk_engine_signal(struct sk_engine *engine, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const WS(SignalWorkflowExecutionRequest) *request,
                        WS(SignalWorkflowExecutionResponse) *response)
{
    return shard_call(engine, ctx, ns, request->workflow_execution->workflow_id, do_signal, request,
                      response);
}

/* ---- cancel ---- */

static sk_err cancel_locked(struct sk_shard *shard, struct sk_ctx *ctx,
                            const struct sk_namespace *ns, struct flow *flow,
                            const WS(RequestCancelWorkflowExecutionRequest) *r)
{
    struct exec *x;
    sk_err err = flow_run(flow, ctx, r->workflow_execution->run_id, &x);
    if (err != SK_OK)
        return err;
    if (sk_text_set(r->first_execution_run_id) &&
        strcmp(r->first_execution_run_id, x->s->first_run_id) != 0)
        return sk_fail_not_found(ctx, "workflow execution not found");
    if (!exec_running(x) || x->s->cancel_requested)
        return SK_OK; // the wish is granted already, or too late
    struct txn t;
    txn_init(&t, shard, ctx, ns, x);
    cancel_add(&t, r->reason, r->identity, r->request_id, 0, NULL);
    wft_schedule_if_idle(&t);
    return txn_commit(&t);
}

static sk_err do_cancel(struct sk_shard *shard, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const void *request, void *response)
{
    (void)response;
    const WS(RequestCancelWorkflowExecutionRequest) *r = request;
    struct flow *flow = flow_enter(shard, ns->id, r->workflow_execution->workflow_id);
    sk_err err = cancel_locked(shard, ctx, ns, flow, r);
    flow_leave(flow);
    return err;
}

sk_err sk_engine_request_cancel(struct sk_engine *engine, struct sk_ctx *ctx,
                                const struct sk_namespace *ns,
                                const WS(RequestCancelWorkflowExecutionRequest) *request,
                                WS(RequestCancelWorkflowExecutionResponse) *response)
{
    return shard_call(engine, ctx, ns, request->workflow_execution->workflow_id, do_cancel, request,
                      response);
}

/* ---- terminate ---- */

static sk_err terminate_locked(struct sk_shard *shard, struct sk_ctx *ctx,
                               const struct sk_namespace *ns, struct flow *flow,
                               const WS(TerminateWorkflowExecutionRequest) *r)
{
    struct exec *x;
    sk_err err = flow_run(flow, ctx, r->workflow_execution->run_id, &x);
    if (err != SK_OK)
        return err;
    if (sk_text_set(r->first_execution_run_id) &&
        strcmp(r->first_execution_run_id, x->s->first_run_id) != 0)
        return sk_fail_not_found(ctx, "workflow execution not found");
    if (!exec_running(x))
        return already_completed(ctx);
    struct txn t;
    txn_init(&t, shard, ctx, ns, x);
    close_terminated(&t, r->reason, r->details, r->identity);
    return txn_commit(&t);
}

static sk_err do_terminate(struct sk_shard *shard, struct sk_ctx *ctx,
                           const struct sk_namespace *ns, const void *request, void *response)
{
    (void)response;
    const WS(TerminateWorkflowExecutionRequest) *r = request;
    struct flow *flow = flow_enter(shard, ns->id, r->workflow_execution->workflow_id);
    sk_err err = terminate_locked(shard, ctx, ns, flow, r);
    flow_leave(flow);
    return err;
}

sk_err sk_engine_terminate(struct sk_engine *engine, struct sk_ctx *ctx,
                           const struct sk_namespace *ns,
                           const WS(TerminateWorkflowExecutionRequest) *request,
                           WS(TerminateWorkflowExecutionResponse) *response)
{
    return shard_call(engine, ctx, ns, request->workflow_execution->workflow_id, do_terminate,
                      request, response);
}

/* ---- delete ---- */

static sk_err delete_locked(struct sk_shard *shard, struct sk_ctx *ctx,
                            const struct sk_namespace *ns, struct flow *flow,
                            const WS(DeleteWorkflowExecutionRequest) *r)
{
    struct exec *x;
    sk_err err = flow_run(flow, ctx, r->workflow_execution->run_id, &x);
    if (err != SK_OK)
        return err;
    struct sk_uuid id = x->run_id;
    if (exec_running(x)) {
        struct txn t;
        txn_init(&t, shard, ctx, ns, x);
        close_terminated(&t, sk_bin(ctx->arena, "Delete workflow execution"), NULL,
                         SYSTEM_IDENTITY);
        err = txn_commit(&t);
        if (err != SK_OK)
            return err;
        err = flow_run_uuid(flow, ctx, id, &x);
        if (err != SK_OK)
            return err;
    }
    return close_delete(shard, ctx, x);
}

static sk_err do_delete(struct sk_shard *shard, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const void *request, void *response)
{
    (void)response;
    const WS(DeleteWorkflowExecutionRequest) *r = request;
    struct flow *flow = flow_enter(shard, ns->id, r->workflow_execution->workflow_id);
    sk_err err = delete_locked(shard, ctx, ns, flow, r);
    flow_leave(flow);
    return err;
}

sk_err sk_engine_delete_run(struct sk_engine *engine, struct sk_ctx *ctx,
                            const struct sk_namespace *ns,
                            const WS(DeleteWorkflowExecutionRequest) *request,
                            WS(DeleteWorkflowExecutionResponse) *response)
{
    return shard_call(engine, ctx, ns, request->workflow_execution->workflow_id, do_delete, request,
                      response);
}
