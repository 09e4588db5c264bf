/*
 * StartWorkflowExecution and SignalWithStartWorkflowExecution: the checks, the defaults that a
 * request leaves open (request id, id policies, retry policy), and the call of the engine.
 *
 * A request is const; what is filled in goes into a shallow copy. The two requests share most
 * fields but no type, so the shared checks take what they need as a struct of pointers.
 *
 * Thread: the request's fiber on any loop. Failure: INVALID_ARGUMENT with Temporal's texts, then
 * whatever the engine answers.
 */
#include "frontend/frontend_internal.h"

#include "engine/cron.h"
#include "wire/text.h"

#define REUSE(name) \
    TEMPORAL__API__ENUMS__V1__WORKFLOW_ID_REUSE_POLICY__WORKFLOW_ID_REUSE_POLICY_##name
#define CONFLICT(name) \
    TEMPORAL__API__ENUMS__V1__WORKFLOW_ID_CONFLICT_POLICY__WORKFLOW_ID_CONFLICT_POLICY_##name

typedef Temporal__Api__Enums__V1__WorkflowIdReusePolicy reuse_policy;
typedef Temporal__Api__Enums__V1__WorkflowIdConflictPolicy conflict_policy;

/* What both requests have. */
struct start {
    const struct sk_namespace *ns;
    const char *cron_schedule;
    const Google__Protobuf__Duration *execution_timeout, *run_timeout, *task_timeout, *start_delay;
    const API_TASKQUEUE(TaskQueue) * task_queue;
    const API_COMMON(Payloads) * input;
    const API_COMMON(Memo) * memo;
    const API_COMMON(SearchAttributes) * search_attributes;
    const API_COMMON(Priority) * priority;
    const Temporal__Api__Sdk__V1__UserMetadata *user_metadata;
    API_COMMON(Link) *const *links;
    size_t link_count;
};

static sk_err open_for_starts(struct sk_ctx *ctx, const struct sk_namespace *ns)
{
    if (ns->state == SK_NS_REGISTERED)
        return SK_OK;
    return sk_fail_namespace_invalid_state(ctx, ns->name, (int)ns->state, 1U << SK_NS_REGISTERED);
}

static sk_err check_times(struct sk_ctx *ctx, const struct start *s)
{
    if (!sk_blank(s->cron_schedule) && s->start_delay)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "CronSchedule and WorkflowStartDelay may not be used together.");
    sk_err err = sk_frontend_check_duration(
        ctx, "An invalid WorkflowStartDelaySeconds is set on request.", s->start_delay);
    if (err == SK_OK)
        err = sk_cron_validate(ctx, s->cron_schedule);
    if (err == SK_OK)
        err = sk_frontend_check_duration(
            ctx, "An invalid WorkflowExecutionTimeoutSeconds is set on request.",
            s->execution_timeout);
    if (err == SK_OK)
        err = sk_frontend_check_duration(
            ctx, "An invalid WorkflowRunTimeoutSeconds is set on request.", s->run_timeout);
    if (err == SK_OK)
        err = sk_frontend_check_duration(
            ctx, "An invalid WorkflowTaskTimeoutSeconds is set on request.", s->task_timeout);
    return err;
}

static sk_err check_contents(struct sk_frontend *frontend, struct sk_ctx *ctx,
                             const struct start *s)
{
    sk_err err = sk_frontend_check_search_attributes(frontend, ctx, s->ns, s->search_attributes);
    if (err == SK_OK)
        err = sk_frontend_check_priority(ctx, s->priority);
    if (err == SK_OK)
        err = sk_frontend_check_links(ctx, s->links, s->link_count);
    if (err == SK_OK)
        err = sk_frontend_check_blob(frontend, ctx, "input", s->input ? &s->input->base : NULL);
    if (err == SK_OK)
        err = sk_frontend_check_memo(frontend, ctx, s->memo);
    if (err == SK_OK)
        err = sk_frontend_check_user_metadata(frontend, ctx, s->user_metadata);
    return err;
}

static sk_err check_policies(struct sk_ctx *ctx, reuse_policy reuse, conflict_policy conflict)
{
    if (conflict != CONFLICT(UNSPECIFIED) && reuse == REUSE(TERMINATE_IF_RUNNING))
        return sk_fail(
            ctx, SK_INVALID_ARGUMENT,
            "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING "
            "cannot be used together with a WorkflowIDConflictPolicy");
    if (conflict == CONFLICT(TERMINATE_EXISTING) && reuse == REUSE(REJECT_DUPLICATE))
        return sk_fail(
            ctx, SK_INVALID_ARGUMENT,
            "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE cannot be "
            "used together with WorkflowIdConflictPolicy "
            "WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING");
    if ((int)reuse < 0 || (int)reuse > (int)REUSE(TERMINATE_IF_RUNNING))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Invalid WorkflowIDReusePolicy: %d is unknown",
                       (int)reuse);
    if ((int)conflict < 0 || (int)conflict > (int)CONFLICT(TERMINATE_EXISTING))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Invalid WorkflowIDConflictPolicy: %d is unknown",
                       (int)conflict);
    return SK_OK;
}

static void default_policies(reuse_policy *reuse, conflict_policy *conflict,
                             conflict_policy fallback)
{
    if (*conflict == CONFLICT(UNSPECIFIED) && *reuse == REUSE(TERMINATE_IF_RUNNING)) {
        *conflict = CONFLICT(TERMINATE_EXISTING); // the old way to say it
        *reuse = REUSE(ALLOW_DUPLICATE);
    }
    if (*conflict == CONFLICT(UNSPECIFIED))
        *conflict = fallback;
    if (*reuse == REUSE(UNSPECIFIED))
        *reuse = REUSE(ALLOW_DUPLICATE);
}

/* ---- start ---- */

static sk_err check_callbacks(struct sk_ctx *ctx, const WS(StartWorkflowExecutionRequest) *r)
{
    if (r->on_conflict_options && r->on_conflict_options->attach_completion_callbacks &&
        !r->on_conflict_options->attach_request_id)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "attaching request ID is required for attaching completion callbacks");
    if (r->n_completion_callbacks > 0) // nobody would ever be called
        return sk_fail(ctx, SK_UNIMPLEMENTED,
                       "completion_callbacks are not implemented by this server yet (%zu given)",
                       r->n_completion_callbacks);
    return SK_OK;
}

static sk_err check_start_names(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                const WS(StartWorkflowExecutionRequest) *r)
{
    sk_err err = sk_frontend_check_id_set(frontend, ctx, "WorkflowId", r->workflow_id);
    if (err == SK_OK)
        err = sk_frontend_check_id_set(frontend, ctx, "WorkflowType",
                                       r->workflow_type ? r->workflow_type->name : NULL);
    if (err == SK_OK)
        err = sk_frontend_check_task_queue(frontend, ctx, r->task_queue);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "RequestId", r->request_id);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r->identity);
    return err;
}

/* Checks *r, a copy, and fills in what it leaves open. */
static sk_err prepare_start(struct sk_frontend *frontend, struct sk_ctx *ctx,
                            const struct sk_namespace *ns, WS(StartWorkflowExecutionRequest) *r)
{
    const struct start s = {
        .ns = ns,
        .cron_schedule = r->cron_schedule,
        .execution_timeout = r->workflow_execution_timeout,
        .run_timeout = r->workflow_run_timeout,
        .task_timeout = r->workflow_task_timeout,
        .start_delay = r->workflow_start_delay,
        .input = r->input,
        .memo = r->memo,
        .search_attributes = r->search_attributes,
        .priority = r->priority,
        .user_metadata = r->user_metadata,
        .links = r->links,
        .link_count = r->n_links,
    };
    sk_err err = open_for_starts(ctx, ns);
    if (err == SK_OK)
        err = check_start_names(frontend, ctx, r);
    if (err == SK_OK)
        err = sk_frontend_retry_policy(ctx, r->retry_policy, &r->retry_policy);
    if (err == SK_OK)
        err = check_times(ctx, &s);
    if (err == SK_OK)
        err = check_policies(ctx, r->workflow_id_reuse_policy, r->workflow_id_conflict_policy);
    if (err == SK_OK)
        err = check_callbacks(ctx, r);
    if (err == SK_OK)
        err = check_contents(frontend, ctx, &s);
    if (err == SK_OK)
        err = sk_frontend_versioning(ctx, r->task_queue->name, &r->versioning_override);
    if (err != SK_OK)
        return err;
    default_policies(&r->workflow_id_reuse_policy, &r->workflow_id_conflict_policy, CONFLICT(FAIL));
    if (sk_blank(r->request_id))
        r->request_id = sk_frontend_uuid(ctx);
    return SK_OK;
}

sk_err sk_frontend_start_workflow_execution(struct sk_call *call, struct sk_ctx *ctx,
                                            const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(StartWorkflowExecutionRequest) copy = *(const WS(StartWorkflowExecutionRequest) *)request;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, copy.namespace_, &ns);
    if (err == SK_OK)
        err = prepare_start(frontend, ctx, ns, &copy);
    return err == SK_OK ? sk_engine_start(frontend->o.engine, ctx, ns, &copy, response) : err;
}

/* ---- signal with start ---- */

static sk_err check_signal_names(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                 const WS(SignalWithStartWorkflowExecutionRequest) *r)
{
    sk_err err = sk_frontend_check_id_set(frontend, ctx, "WorkflowId", r->workflow_id);
    if (err == SK_OK)
        err = sk_frontend_check_id_set(frontend, ctx, "SignalName", r->signal_name);
    if (err == SK_OK)
        err = sk_frontend_check_id_set(frontend, ctx, "WorkflowType",
                                       r->workflow_type ? r->workflow_type->name : NULL);
    if (err == SK_OK)
        err = sk_frontend_check_task_queue(frontend, ctx, r->task_queue);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "RequestId", r->request_id);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r->identity);
    return err;
}

static sk_err prepare_signal_with_start(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                        const struct sk_namespace *ns,
                                        WS(SignalWithStartWorkflowExecutionRequest) *r)
{
    const struct start s = {
        .ns = ns,
        .cron_schedule = r->cron_schedule,
        .execution_timeout = r->workflow_execution_timeout,
        .run_timeout = r->workflow_run_timeout,
        .task_timeout = r->workflow_task_timeout,
        .start_delay = r->workflow_start_delay,
        .input = r->input,
        .memo = r->memo,
        .search_attributes = r->search_attributes,
        .priority = r->priority,
        .user_metadata = r->user_metadata,
        .links = r->links,
        .link_count = r->n_links,
    };
    sk_err err = open_for_starts(ctx, ns);
    if (err == SK_OK)
        err = check_signal_names(frontend, ctx, r);
    if (err == SK_OK)
        err = check_times(ctx, &s);
    if (err == SK_OK)
        err = sk_frontend_retry_policy(ctx, r->retry_policy, &r->retry_policy);
    if (err == SK_OK)
        err = check_policies(ctx, r->workflow_id_reuse_policy, r->workflow_id_conflict_policy);
    if (err == SK_OK && r->workflow_id_conflict_policy == CONFLICT(FAIL))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Invalid WorkflowIDConflictPolicy: WORKFLOW_ID_CONFLICT_POLICY_FAIL is not "
                       "supported for this operation.");
    if (err == SK_OK)
        err = check_contents(frontend, ctx, &s);
    if (err == SK_OK)
        err = sk_frontend_check_blob(frontend, ctx, "signal_input",
                                     r->signal_input ? &r->signal_input->base : NULL);
    if (err == SK_OK)
        err = sk_frontend_versioning(ctx, r->task_queue->name, &r->versioning_override);
    if (err != SK_OK)
        return err;
    default_policies(&r->workflow_id_reuse_policy, &r->workflow_id_conflict_policy,
                     CONFLICT(USE_EXISTING));
    if (sk_blank(r->request_id))
        r->request_id = sk_frontend_uuid(ctx);
    return SK_OK;
}

sk_err sk_frontend_signal_with_start_workflow_execution(struct sk_call *call, struct sk_ctx *ctx,
                                                        const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(SignalWithStartWorkflowExecutionRequest)
    copy = *(const WS(SignalWithStartWorkflowExecutionRequest) *)request;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, copy.namespace_, &ns);
    if (err == SK_OK)
        err = prepare_signal_with_start(frontend, ctx, ns, &copy);
    if (err != SK_OK)
        return err;
    return sk_engine_signal_with_start(frontend->o.engine, ctx, ns, &copy, response);
}
