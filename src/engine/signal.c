/*
 * What comes to a run from outside: signals, cancel requests, termination, deletion. Requests are
 * remembered by id in the run, so that a client's retry changes nothing. The newest are in the
 * run's record, which is written anew by each commit; ids of older signals go to parts of their
 * own, many at a time, so that a run remembers all its signals at a 32nd of a row each.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "wire/errordetail.h"

#define REQUEST_IDS_MAX 64  /* in the record */
#define SIGNAL_IDS_APART 32 /* that leave it together */

static bool signal_seen_earlier(const struct exec *x, const char *request_id)
{
    const struct items *parts = &x->items[SK_PART_REQUEST_ID];
    for (size_t i = parts->n; i-- > 0;) {
        const EN(SignalIds) *part = (const EN(SignalIds) *)parts->v[i].record;
        for (size_t k = 0; k < part->n_ids; k++)
            if (strcmp(part->ids[k], request_id) == 0)
                return true;
    }
    return false;
}

bool request_seen(const struct exec *x, const char *request_id, int event_type)
{
    if (!sk_text_set(request_id))
        return false;
    for (size_t i = 0; i < x->s->n_request_ids; i++)
        if (x->s->request_ids[i]->event_type == event_type &&
            strcmp(x->s->request_ids[i]->id, request_id) == 0)
            return true;
    return event_type == (int)EVENT(WORKFLOW_EXECUTION_SIGNALED) &&
           signal_seen_earlier(x, request_id);
}

/* Make room in the record: the oldest signals' ids become a part. */
static void set_signals_apart(struct exec *x)
{
    EN(ExecutionState) *s = x->s;
    EN(SignalIds) *part = EN_NEW(x->arena, SignalIds, signal_ids);
    part->ids = SK_NEW_N(x->arena, char *, SIGNAL_IDS_APART);
    size_t kept = 0;
    for (size_t i = 0; i < s->n_request_ids; i++) {
        EN(RequestId) *id = s->request_ids[i];
        bool leaves = part->n_ids < SIGNAL_IDS_APART &&
                      id->event_type == (int)EVENT(WORKFLOW_EXECUTION_SIGNALED);
        if (leaves)
            part->ids[part->n_ids++] = id->id;
        else
            s->request_ids[kept++] = id;
    }
    s->n_request_ids = kept;
    if (part->n_ids)
        items_add(x, SK_PART_REQUEST_ID, (int64_t)x->items[SK_PART_REQUEST_ID].n + 1, part);
}

void request_remember(struct txn *t, const char *request_id, int event_type, int64_t event_id)
{
    struct exec *x = t->x;
    EN(ExecutionState) *s = x->s;
    if (!sk_text_set(request_id) || request_seen(x, request_id, event_type))
        return;
    if (s->n_request_ids == REQUEST_IDS_MAX)
        set_signals_apart(x);
    if (s->n_request_ids == REQUEST_IDS_MAX) // no signals: the oldest goes, but for the start's own
        memmove(s->request_ids + 1, s->request_ids + 2,
                (--s->n_request_ids - 1) * sizeof *s->request_ids);
    EN(RequestId) **grown = SK_NEW_N(x->arena, EN(RequestId) *, s->n_request_ids + 1);
    if (s->n_request_ids)
        memcpy(grown, s->request_ids, s->n_request_ids * sizeof *grown);
    EN(RequestId) *id = EN_NEW(x->arena, RequestId, request_id);
    id->id = exec_str(x, request_id);
    id->event_type = event_type;
    id->event_id = event_id;
    id->at_ms = txn_now_ms(t);
    grown[s->n_request_ids++] = id;
    s->request_ids = grown;
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

/* ---- signal ---- */

bool signals_full(const struct exec *x)
{
    int64_t limit = exec_engine(x)->limits->signals_per_run;
    return limit > 0 && x->s->signal_count >= limit;
}

/* It answered with its end, which a signal had overtaken; others must let it end now. */
bool signals_closing(const struct exec *x)
{
    return x->s->close_attempted && wft_started(x);
}

sk_err signal_check(struct sk_ctx *ctx, const struct exec *x)
{
    if (signals_closing(x))
        return sk_fail_resource_exhausted(
            ctx, SK_EXHAUSTED_BUSY_WORKFLOW, SK_SCOPE_NAMESPACE,
            "workflow operation can not be applied because workflow is closing");
    if (signals_full(x))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "exceeded workflow execution limit for signal events");
    return SK_OK;
}

static sk_err decide_signal(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                            const struct change *change)
{
    const WS(SignalWorkflowExecutionRequest) *r = change->request;
    if (!exec_running(x))
        return exec_over(ctx);
    sk_err err = signal_check(ctx, x);
    if (err != SK_OK)
        return err;
    if (request_seen(x, r->request_id, EVENT(WORKFLOW_EXECUTION_SIGNALED)))
        return SK_OK;
    struct txn *t = joint_txn(j);
    request_remember(t, r->request_id, EVENT(WORKFLOW_EXECUTION_SIGNALED), 0);
    signal_add(t, r->signal_name, r->input, r->header, r->identity, r->request_id, NULL, r->n_links,
               r->links);
    wft_schedule_if_idle(t);
    return SK_OK;
}

sk_err sk_engine_signal(struct sk_engine *engine, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const WS(SignalWorkflowExecutionRequest) *request,
                        WS(SignalWorkflowExecutionResponse) *response)
{
    (void)response;
    return run_change_of(engine, ctx, ns, request->workflow_execution, decide_signal, request);
}

/* ---- cancel ---- */

/* A request may name the first run of the chain that it means: its target then is the chain's
 * current run, whatever run it names besides. */
static const COMMON(WorkflowExecution) *chain_target(struct sk_ctx *ctx,
                                                     const COMMON(WorkflowExecution) *named,
                                                     const char *first_run_id)
{
    return sk_text_set(first_run_id) ? sk_execution_msg(ctx->arena, named->workflow_id, "") : named;
}

static sk_err check_chain(struct sk_ctx *ctx, const struct exec *x, const char *first_run_id)
{
    if (sk_text_set(first_run_id) && strcmp(first_run_id, x->s->first_run_id) != 0)
        return sk_fail_not_found(ctx, "workflow execution not found");
    return SK_OK;
}

static sk_err decide_cancel(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                            const struct change *change)
{
    const WS(RequestCancelWorkflowExecutionRequest) *r = change->request;
    if (!exec_running(x))
        return SK_OK; // too late, which is fine
    sk_err err = check_chain(ctx, x, r->first_execution_run_id);
    if (err != SK_OK || x->s->cancel_requested)
        return err; // or the wish is granted already
    struct txn *t = joint_txn(j);
    cancel_add(t, r->reason, r->identity, r->request_id, 0, NULL);
    wft_schedule_if_idle(t);
    return SK_OK;
}

sk_err sk_engine_request_cancel(struct sk_engine *engine, struct sk_ctx *ctx,
                                const struct sk_namespace *ns,
                                const WS(RequestCancelWorkflowExecutionRequest) *request,
                                WS(RequestCancelWorkflowExecutionResponse) *response)
{
    (void)response;
    const COMMON(WorkflowExecution) *target =
        chain_target(ctx, request->workflow_execution, request->first_execution_run_id);
    return run_change_of(engine, ctx, ns, target, decide_cancel, request);
}

/* ---- terminate ---- */

static sk_err decide_terminate(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                               const struct change *change)
{
    const WS(TerminateWorkflowExecutionRequest) *r = change->request;
    if (!exec_running(x))
        return exec_over(ctx);
    sk_err err = check_chain(ctx, x, r->first_execution_run_id);
    if (err == SK_OK)
        close_terminated(joint_txn(j), r->reason, r->details, r->identity);
    return err;
}

sk_err sk_engine_terminate(struct sk_engine *engine, struct sk_ctx *ctx,
                           const struct sk_namespace *ns,
                           const WS(TerminateWorkflowExecutionRequest) *request,
                           WS(TerminateWorkflowExecutionResponse) *response)
{
    (void)response;
    const COMMON(WorkflowExecution) *target =
        chain_target(ctx, request->workflow_execution, request->first_execution_run_id);
    return run_change_of(engine, ctx, ns, target, decide_terminate, request);
}

/* ---- delete ---- */

static sk_err delete_run(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                         const void *request, void *response)
{
    (void)response;
    const WS(DeleteWorkflowExecutionRequest) *r = request;
    struct exec *x;
    sk_err err = flow_run(flow, ctx, r->workflow_execution->run_id, &x);
    if (err != SK_OK)
        return err;
    struct sk_uuid id = x->run_id;
    if (exec_running(x)) {
        struct txn t;
        txn_init(&t, ctx, ns, x);
        close_terminated(&t, sk_bin(ctx->arena, "Delete workflow execution"), NULL,
                         SYSTEM_IDENTITY);
        err = txn_commit(&t);
        if (err == SK_OK)
            err = flow_run_uuid(flow, ctx, id, &x);
    }
    return err == SK_OK ? close_delete(ctx, x, NULL) : err;
}

sk_err sk_engine_delete_run(struct sk_engine *engine, struct sk_ctx *ctx,
                            const struct sk_namespace *ns,
                            const WS(DeleteWorkflowExecutionRequest) *request,
                            WS(DeleteWorkflowExecutionResponse) *response)
{
    return flow_call(engine, ctx, ns, request->workflow_execution->workflow_id, delete_run, request,
                     response);
}
