/*
 * The begin of a run, from a client, a parent, or its own predecessor: Started, then the first
 * workflow task in the same transition, or a backoff before it (start delay, cron, retry). Also the
 * rules of what may start under a workflow id that is or was in use.
 *
 * A start under a fresh id costs no read: the commit expects that no pointer exists; only when that
 * fails is the current run looked up.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "engine/cron.h"
#include "visibility/search_attributes.h"
#include "wire/errordetail.h"

int64_t start_run_timeout_ms(int64_t run_ms, int64_t execution_ms)
{
    if (execution_ms > 0 && (run_ms == 0 || run_ms > execution_ms))
        return execution_ms;
    return run_ms;
}

int64_t start_task_timeout_ms(const struct sk_limits *limits, int64_t asked, int64_t run_ms)
{
    int64_t ms = asked > 0 ? asked : limits->wft_timeout_default_ms;
    if (ms > limits->wft_timeout_max_ms)
        ms = limits->wft_timeout_max_ms;
    return run_ms > 0 && ms > run_ms ? run_ms : ms;
}

void start_first_task(struct txn *t, bool announce)
{
    EN(ExecutionState) *s = t->x->s;
    s->first_task_due_ms = 0;
    s->first_task_pending = false;
    if (exec_running(t->x) && !s->wft)
        wft_schedule(t, 1, 0, announce);
}

static void remember_start(struct txn *t, const struct start_args *args)
{
    struct exec *x = t->x;
    x->s->start_request_id = exec_str(x, args->request_id);
    if (!sk_text_set(x->s->root_workflow_id)) {
        x->s->root_workflow_id =
            sk_arena_strndup(x->arena, x->flow->workflow_id.p, x->flow->workflow_id.n);
        x->s->root_run_id = exec_str(x, x->run_text);
    }
    request_remember(t, args->request_id, EVENT(WORKFLOW_EXECUTION_STARTED), 1);
}

void start_run(struct txn *t, struct sk_ctx *ctx, const struct sk_namespace *ns, struct flow *flow,
               const struct start_args *args)
{
    int64_t now_ns = args->now_ns ? args->now_ns : sk_now_wall_ns();
    struct exec *x = exec_new(flow, sk_uuid_new(sk_rt_random(), now_ns / MS_NS));
    txn_init(t, ctx, ns, x);
    t->now_ns = now_ns;
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_EXECUTION_STARTED));
    HIST(WorkflowExecutionStartedEventAttributes) *a = args->attributes;
    if (a->retry_policy) // a run without one is not retried
        a->retry_policy = retry_full_policy(ctx->arena, a->retry_policy);
    a->workflow_task_timeout =
        sk_dur(ctx->arena, start_task_timeout_ms(t->e->limits, sk_dur_ms(a->workflow_task_timeout),
                                                 sk_dur_ms(a->workflow_run_timeout)));
    a->original_execution_run_id = sk_arena_strdup(ctx->arena, x->run_text);
    if (!sk_text_set(a->first_execution_run_id))
        a->first_execution_run_id = a->original_execution_run_id;
    a->workflow_id = sk_arena_strndup(ctx->arena, flow->workflow_id.p, flow->workflow_id.n);
    event->workflow_execution_started_event_attributes = a;
    event->user_metadata = args->user_metadata;
    event->n_links = args->n_links;
    event->links = args->links;
    txn_add(t, event);
    remember_start(t, args);
    t->visible = true;
    t->point_current = true;
    int64_t backoff = x->s->first_task_backoff_ms;
    if (args->hold_first_task)
        x->s->first_task_pending = true;
    else if (backoff > 0)
        x->s->first_task_due_ms = txn_now_ms(t) + backoff;
    else
        start_first_task(t, !args->inline_task);
}

/* ---- may it start? ---- */

static sk_err already_started(struct sk_ctx *ctx, const struct exec *x, const char *format)
{
    char *id = sk_arena_strndup(ctx->arena, x->flow->workflow_id.p, x->flow->workflow_id.n);
    char *text =
        sk_arena_printf(ctx->arena, "%s. WorkflowId: %s, RunId: %s.", format, id, x->run_text);
    return sk_fail_workflow_already_started(ctx, text, x->s->start_request_id, x->run_text,
                                            x->s->first_run_id);
}

static sk_err too_soon(struct sk_ctx *ctx, const struct exec *x, const char *what)
{
    int64_t since = (sk_now_wall_ns() - x->s->start_ns) / MS_NS;
    const struct sk_limits *limits = exec_engine(x)->limits;
    if (!limits->id_reuse_checked || limits->id_reuse_min_ms == 0 ||
        since > limits->id_reuse_min_ms)
        return SK_OK;
    return sk_fail_resource_exhausted(
        ctx, SK_EXHAUSTED_BUSY_WORKFLOW, SK_SCOPE_NAMESPACE,
        "Too many %s for workflow %.*s. Time since last start: %lld ms", what,
        SK_STR_ARG(x->flow->workflow_id), (long long)since);
}

static sk_err resolve_running(struct sk_ctx *ctx, const struct exec *x,
                              const struct start_policies *p, bool *ret_terminate)
{
    int conflict = p->conflict;
    if (p->reuse == (int)REUSE(TERMINATE_IF_RUNNING))
        conflict = CONFLICT(TERMINATE_EXISTING);
    if (conflict == (int)CONFLICT(USE_EXISTING))
        return SK_STALE;
    if (conflict != (int)CONFLICT(TERMINATE_EXISTING))
        return already_started(ctx, x, "Workflow execution is already running");
    sk_err err = p->child ? SK_OK : too_soon(ctx, x, "restarts");
    *ret_terminate = err == SK_OK;
    return err;
}

static sk_err resolve_closed(struct sk_ctx *ctx, const struct exec *x,
                             const struct start_policies *p)
{
    char *id = sk_arena_strndup(ctx->arena, x->flow->workflow_id.p, x->flow->workflow_id.n);
    const char *text = NULL;
    bool done_well = x->s->status == (int)STATUS(COMPLETED);
    if (p->reuse == (int)REUSE(REJECT_DUPLICATE))
        text = sk_arena_printf(ctx->arena,
                               "Workflow execution already finished. WorkflowId: %s, RunId: %s. "
                               "Workflow Id reuse policy: reject duplicate workflow Id.",
                               id, x->run_text);
    else if (p->reuse == (int)REUSE(ALLOW_DUPLICATE_FAILED_ONLY) && done_well)
        text = sk_arena_printf(ctx->arena,
                               "Workflow execution already finished successfully. WorkflowId: %s, "
                               "RunId: %s. Workflow Id reuse policy: allow duplicate workflow Id "
                               "if last run failed.",
                               id, x->run_text);
    if (text)
        return sk_fail_workflow_already_started(ctx, text, x->s->start_request_id, x->run_text,
                                                x->s->first_run_id);
    return p->child ? SK_OK : too_soon(ctx, x, "starts");
}

static bool took_request(const struct exec *x, const char *request_id)
{
    return request_seen(x, request_id, EVENT(WORKFLOW_EXECUTION_STARTED)) ||
           request_seen(x, request_id, EVENT(WORKFLOW_EXECUTION_OPTIONS_UPDATED));
}

sk_err start_resolve(struct sk_ctx *ctx, struct flow *flow, const struct start_policies *p,
                     struct exec **ret_current, bool *ret_terminate)
{
    *ret_current = NULL;
    *ret_terminate = false;
    struct exec *x;
    sk_err err = flow_current(flow, ctx, &x);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        return SK_OK;
    }
    if (err != SK_OK)
        return err;
    *ret_current = x;
    if (took_request(x, p->request_id))
        return SK_STALE;
    if (exec_running(x))
        return resolve_running(ctx, x, p, ret_terminate);
    return resolve_closed(ctx, x, p);
}

sk_err start_commit(struct txn *t, struct exec *current, bool terminate)
{
    t->any_current = false;
    if (current)
        t->expected_current = current->run_id;
    if (!terminate) {
        flow_attach(t->x->flow, t->x);
        return txn_commit(t);
    }
    struct txn end;
    txn_init(&end, t->ctx, t->ns, current);
    end.successor = t;
    // The reason says it all; there are no details.
    close_terminated(&end, sk_bin(t->ctx->arena, "TerminateIfRunning WorkflowIdReusePolicy"), NULL,
                     SYSTEM_IDENTITY);
    return txn_commit(&end);
}

/* ---- StartWorkflowExecution ---- */

static HIST(WorkflowExecutionStartedEventAttributes) *attributes_of(
    struct sk_ctx *ctx, const struct sk_namespace *ns, const WS(StartWorkflowExecutionRequest) *r)
{
    struct sk_arena *arena = ctx->arena;
    HIST(WorkflowExecutionStartedEventAttributes) *a =
        MSG_NEW(arena, HIST(WorkflowExecutionStartedEventAttributes),
                temporal__api__history__v1__workflow_execution_started_event_attributes);
    int64_t execution_ms = sk_dur_ms(r->workflow_execution_timeout);
    int64_t run_ms = start_run_timeout_ms(sk_dur_ms(r->workflow_run_timeout), execution_ms);
    a->workflow_type = r->workflow_type;
    a->task_queue = sk_queue_msg(arena, r->task_queue->name, NULL);
    a->input = r->input;
    a->header = r->header;
    a->workflow_execution_timeout = sk_dur_capped(arena, r->workflow_execution_timeout);
    a->workflow_run_timeout = run_ms > 0 ? sk_dur(arena, run_ms) : r->workflow_run_timeout;
    a->workflow_task_timeout = r->workflow_task_timeout; // start_run completes it and the policy
    a->identity = r->identity;
    a->retry_policy = r->retry_policy;
    a->attempt = 1;
    a->cron_schedule = r->cron_schedule;
    a->memo = r->memo && r->memo->n_fields ? r->memo : NULL;
    a->search_attributes = sk_sa_present(arena, ns, r->search_attributes); // SDKs read the types
    a->priority = r->priority;
    a->versioning_override = r->versioning_override;
    a->continued_failure = r->continued_failure;
    a->last_completion_result = r->last_completion_result;
    int64_t now_ms = sk_now_wall_ms();
    int64_t backoff = sk_dur_ms(r->workflow_start_delay);
    if (sk_text_set(r->cron_schedule)) {
        a->initiator = INITIATOR(CRON_SCHEDULE);
        backoff = sk_cron_next_ms(r->cron_schedule, now_ms) - now_ms;
    }
    a->first_workflow_task_backoff = sk_dur(arena, backoff > 0 ? backoff : 0);
    if (execution_ms > 0)
        a->workflow_execution_expiration_time =
            sk_ts(arena, (now_ms + execution_ms + (backoff > 0 ? backoff : 0)) * MS_NS);
    return a;
}

static void name_run(struct sk_ctx *ctx, const struct sk_namespace *ns, const struct exec *x,
                     bool started, WS(StartWorkflowExecutionResponse) *response)
{
    response->link = link_to_start(ctx->arena, ns, x);
    response->run_id = sk_arena_strdup(ctx->arena, x->run_text);
    response->first_execution_run_id = sk_arena_strdup(ctx->arena, x->s->first_run_id);
    response->started = started;
    response->status = (Temporal__Api__Enums__V1__WorkflowExecutionStatus)x->s->status;
}

/* USE_EXISTING with on_conflict_options: the run remembers the request, in its history. */
static sk_err attach(struct sk_ctx *ctx, const struct sk_namespace *ns, struct exec *x,
                     const WS(StartWorkflowExecutionRequest) *r)
{
    struct txn t;
    txn_init(&t, ctx, ns, x);
    HIST(HistoryEvent) *event = txn_event(&t, EVENT(WORKFLOW_EXECUTION_OPTIONS_UPDATED));
    HIST(WorkflowExecutionOptionsUpdatedEventAttributes) *a =
        event->workflow_execution_options_updated_event_attributes;
    if (r->on_conflict_options->attach_request_id)
        a->attached_request_id = r->request_id;
    if (r->on_conflict_options->attach_completion_callbacks) {
        a->n_attached_completion_callbacks = r->n_completion_callbacks;
        a->attached_completion_callbacks = r->completion_callbacks;
    }
    if (r->on_conflict_options->attach_links) {
        event->n_links = r->n_links;
        event->links = r->links;
    }
    txn_add(&t, event);
    request_remember(&t, a->attached_request_id, EVENT(WORKFLOW_EXECUTION_OPTIONS_UPDATED),
                     event->event_id);
    return txn_commit(&t);
}

static sk_err use_existing(struct sk_ctx *ctx, const struct sk_namespace *ns, struct exec *x,
                           const WS(StartWorkflowExecutionRequest) *r,
                           WS(StartWorkflowExecutionResponse) *response)
{
    bool ours = took_request(x, r->request_id);
    bool started = ours && strcmp(x->s->start_request_id, r->request_id) == 0;
    name_run(ctx, ns, x, started, response);
    const Temporal__Api__Workflow__V1__OnConflictOptions *options = r->on_conflict_options;
    bool wants = options && (options->attach_request_id || options->attach_completion_callbacks ||
                             options->attach_links);
    if (ours ? !started : options && options->attach_request_id)
        response->link = link_to_request(ctx->arena, ns, x, r->request_id,
                                         EVENT(WORKFLOW_EXECUTION_OPTIONS_UPDATED));
    return !ours && wants ? attach(ctx, ns, x, r) : SK_OK;
}

static sk_err eager_task(struct exec *x, struct sk_ctx *ctx, const char *identity,
                         WS(StartWorkflowExecutionResponse) *response)
{
    wft_start_in_memory(x, sk_now_wall_ns(), identity);
    response->eager_workflow_task =
        MSG_NEW(ctx->arena, WS(PollWorkflowTaskQueueResponse),
                temporal__api__workflowservice__v1__poll_workflow_task_queue_response);
    sk_err err = wft_respond(x, ctx, false, response->eager_workflow_task);
    if (err != SK_OK)
        wft_offer_again(x);
    return err;
}

static sk_err start_once(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                         const WS(StartWorkflowExecutionRequest) *r,
                         WS(StartWorkflowExecutionResponse) *response)
{
    struct start_policies policies = {r->request_id, (int)r->workflow_id_reuse_policy,
                                      (int)r->workflow_id_conflict_policy, false};
    struct exec *current = NULL;
    bool terminate = false;
    sk_err err = SK_OK;
    if (flow->current_known) {
        err = start_resolve(ctx, flow, &policies, &current, &terminate);
        if (err == SK_STALE && current)
            return use_existing(ctx, ns, current, r, response);
        if (err != SK_OK)
            return err;
    }
    struct start_args args = {
        .attributes = attributes_of(ctx, ns, r),
        .user_metadata = r->user_metadata,
        .n_links = r->n_links,
        .links = r->links,
        .request_id = r->request_id,
    };
    bool eager = r->request_eager_execution && flow->shard->engine->limits->eager_start &&
                 sk_dur_ms(args.attributes->first_workflow_task_backoff) == 0;
    args.inline_task = eager;
    args.attributes->eager_execution_accepted = eager;
    struct txn t;
    start_run(&t, ctx, ns, flow, &args);
    struct exec *x = t.x;
    err = start_commit(&t, current, terminate);
    if (err != SK_OK)
        return err;
    name_run(ctx, ns, x, true, response);
    /* No task: the run outgrew its limits at once. */
    return eager && wft_pending(x) ? eager_task(x, ctx, r->identity, response) : SK_OK;
}

static sk_err start(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                    const void *request, void *response)
{
    sk_err err = start_once(flow, ctx, ns, request, response);
    if (err != SK_CONDITION || flow->current_known)
        return err;
    /* The id is in use: now look, and decide again. */
    sk_ctx_clear(ctx);
    struct exec *current;
    err = flow_current(flow, ctx, &current);
    if (err != SK_OK && err != SK_NOT_FOUND)
        return err;
    sk_ctx_clear(ctx);
    return start_once(flow, ctx, ns, request, response);
}

sk_err sk_engine_start(struct sk_engine *engine, struct sk_ctx *ctx, const struct sk_namespace *ns,
                       const WS(StartWorkflowExecutionRequest) *request,
                       WS(StartWorkflowExecutionResponse) *response)
{
    return flow_call(engine, ctx, ns, request->workflow_id, start, request, response);
}

/* ---- SignalWithStartWorkflowExecution ---- */

/* The start half, as a start request. */
static WS(StartWorkflowExecutionRequest) *start_half(
    struct sk_arena *arena, const WS(SignalWithStartWorkflowExecutionRequest) *r)
{
    WS(StartWorkflowExecutionRequest) *s =
        MSG_NEW(arena, WS(StartWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__start_workflow_execution_request);
    s->namespace_ = r->namespace_;
    s->workflow_id = r->workflow_id;
    s->workflow_type = r->workflow_type;
    s->task_queue = r->task_queue;
    s->input = r->input;
    s->workflow_execution_timeout = r->workflow_execution_timeout;
    s->workflow_run_timeout = r->workflow_run_timeout;
    s->workflow_task_timeout = r->workflow_task_timeout;
    s->identity = r->identity;
    s->request_id = r->request_id;
    s->workflow_id_reuse_policy = r->workflow_id_reuse_policy;
    s->workflow_id_conflict_policy = r->workflow_id_conflict_policy;
    s->retry_policy = r->retry_policy;
    s->cron_schedule = r->cron_schedule;
    s->memo = r->memo;
    s->search_attributes = r->search_attributes;
    s->header = r->header;
    s->workflow_start_delay = r->workflow_start_delay;
    s->user_metadata = r->user_metadata;
    s->n_links = r->n_links;
    s->links = r->links;
    s->versioning_override = r->versioning_override;
    s->priority = r->priority;
    return s;
}

static void add_signal(struct txn *t, const WS(SignalWithStartWorkflowExecutionRequest) *r)
{
    request_remember(t, r->request_id, EVENT(WORKFLOW_EXECUTION_SIGNALED), 0);
    signal_add(t, r->signal_name, r->signal_input, r->header, r->identity, r->request_id, NULL,
               r->n_links, r->links);
}

static int conflict_of(const WS(SignalWithStartWorkflowExecutionRequest) *r)
{
    int conflict = (int)r->workflow_id_conflict_policy;
    return conflict == (int)CONFLICT(UNSPECIFIED) ? CONFLICT(USE_EXISTING) : conflict;
}

/* The run is there: it gets the signal, unless it took this request before. STALE: it is over. */
static sk_err decide_signal_running(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                                    const struct change *change)
{
    const WS(SignalWithStartWorkflowExecutionRequest) *r = change->request;
    WS(SignalWithStartWorkflowExecutionResponse) *response = change->response;
    response->run_id = sk_arena_strdup(ctx->arena, x->run_text);
    response->first_execution_run_id = sk_arena_strdup(ctx->arena, x->s->first_run_id);
    if (!exec_running(x))
        return took_request(x, r->request_id) ? SK_OK : SK_STALE;
    if (strcmp(x->s->start_request_id, r->request_id) == 0 ||
        request_seen(x, r->request_id, EVENT(WORKFLOW_EXECUTION_SIGNALED)))
        return SK_OK;
    sk_err err = signal_check(ctx, x);
    if (err != SK_OK)
        return err;
    struct txn *t = joint_txn(j);
    add_signal(t, r);
    wft_schedule_if_idle(t);
    return SK_OK;
}

/* STALE: a run is there that the signal should go to. */
static sk_err signal_with_start(struct flow *flow, struct sk_ctx *ctx,
                                const struct sk_namespace *ns, const void *request, void *out)
{
    const WS(SignalWithStartWorkflowExecutionRequest) *r = request;
    WS(SignalWithStartWorkflowExecutionResponse) *response = out;
    struct exec *current = NULL;
    bool terminate = false;
    struct start_policies policies = {r->request_id, (int)r->workflow_id_reuse_policy,
                                      conflict_of(r), false};
    sk_err err = start_resolve(ctx, flow, &policies, &current, &terminate);
    if (err != SK_OK)
        return err;
    const WS(StartWorkflowExecutionRequest) *half = start_half(ctx->arena, r);
    struct start_args args = {
        .attributes = attributes_of(ctx, ns, half),
        .user_metadata = r->user_metadata,
        .n_links = r->n_links,
        .links = r->links,
        .request_id = r->request_id,
        .hold_first_task = true, // Started, Signaled, then the task
    };
    struct txn t;
    start_run(&t, ctx, ns, flow, &args);
    struct exec *x = t.x;
    add_signal(&t, r);
    x->s->first_task_pending = false;
    if (x->s->first_task_backoff_ms > 0)
        x->s->first_task_due_ms = txn_now_ms(&t) + x->s->first_task_backoff_ms;
    else
        start_first_task(&t, true);
    response->run_id = sk_arena_strdup(ctx->arena, x->run_text);
    response->first_execution_run_id = response->run_id;
    response->started = true;
    return start_commit(&t, current, terminate);
}

sk_err sk_engine_signal_with_start(struct sk_engine *engine, struct sk_ctx *ctx,
                                   const struct sk_namespace *ns,
                                   const WS(SignalWithStartWorkflowExecutionRequest) *request,
                                   WS(SignalWithStartWorkflowExecutionResponse) *response)
{
    const struct change signal = {.workflow_id = request->workflow_id,
                                  .decide = decide_signal_running,
                                  .request = request,
                                  .response = response};
    bool running = conflict_of(request) == (int)CONFLICT(USE_EXISTING) &&
                   (int)request->workflow_id_reuse_policy != (int)REUSE(TERMINATE_IF_RUNNING);
    for (;;) { // as a rule once; a run may begin or end between the two
        if (running) {
            sk_err err = run_change(engine, ctx, ns, &signal);
            if (err != SK_STALE && err != SK_NOT_FOUND)
                return err;
            sk_ctx_clear(ctx);
        }
        sk_err err =
            flow_call(engine, ctx, ns, request->workflow_id, signal_with_start, request, response);
        if (err != SK_STALE)
            return err;
        running = true;
    }
}
