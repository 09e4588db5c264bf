/*
 * The checks that many methods share. Texts begin as Temporal's do, since people and tests know
 * them; where Temporal's text leaves out the limit and the value, they follow in parentheses.
 *
 * Thread: any loop, from the request's fiber; nothing waits. Failure: INVALID_ARGUMENT, except for
 * unknown namespaces (NOT_FOUND).
 */
#include "frontend/frontend_internal.h"

#include "engine/api.h"
#include "rt/rt.h"
#include "visibility/search_attributes.h"
#include "wire/text.h"

#define YEARS_100_S (INT64_C(100) * 365 * 24 * 3600)
#define LINKS_MAX 10
#define LINK_BYTES_MAX 4000
#define RESERVED_QUEUE_PREFIX "/_sys/"
#define INTERNAL_QUEUE "temporal-sys-per-ns-tq"
#define RETRY_INITIAL_S 1
#define RETRY_COEFFICIENT 2.0
#define RETRY_MAXIMUM_FACTOR 100
#define TIMEOUT_TYPE_PREFIX "TemporalTimeout:"

/* ---- namespaces and ids ---- */

sk_err sk_frontend_namespace(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *name,
                             const struct sk_namespace **ret)
{
    if (sk_blank(name))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Namespace is empty.");
    sk_err err = sk_frontend_check_id(frontend, ctx, "Namespace", name);
    if (err != SK_OK)
        return err;
    *ret = sk_namespaces_by_name(frontend->o.namespaces, name);
    if (!*ret)
        return sk_fail_namespace_not_found(ctx, name);
    ctx->ns_name = (*ret)->name;
    return sk_frontend_take_call(frontend, ctx, *ret);
}

sk_err sk_frontend_check_id(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *what,
                            const char *value)
{
    size_t n = value ? strlen(value) : 0;
    if (n <= (size_t)frontend->o.limits->id_length_max)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s length exceeds limit. (%zu bytes, at most %lld)",
                   what, n, (long long)frontend->o.limits->id_length_max);
}

sk_err sk_frontend_check_id_set(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *what,
                                const char *value)
{
    if (sk_blank(value))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s is not set on request.", what);
    return sk_frontend_check_id(frontend, ctx, what, value);
}

sk_err sk_frontend_check_run_id(struct sk_ctx *ctx, const char *run_id)
{
    struct sk_uuid id;
    if (sk_blank(run_id) || sk_uuid_parse(run_id, &id) == 0)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "Invalid RunId.");
}

sk_err sk_frontend_check_execution(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                   const API_COMMON(WorkflowExecution) * execution)
{
    if (!execution)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Execution is not set on request.");
    sk_err err = sk_frontend_check_id_set(frontend, ctx, "WorkflowId", execution->workflow_id);
    return err == SK_OK ? sk_frontend_check_run_id(ctx, execution->run_id) : err;
}

sk_err sk_frontend_check_task(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *name,
                              ProtobufCBinaryData token, const struct sk_namespace **ret)
{
    sk_err err = SK_OK;
    if (!sk_blank(name) || token.len > 0)
        err = sk_frontend_namespace(frontend, ctx, name, ret);
    if (err == SK_OK && token.len == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Task token not set on request.");
    return err;
}

char *sk_frontend_uuid(struct sk_ctx *ctx)
{
    char *text = sk_arena_alloc(ctx->arena, SK_UUID_TEXT);
    sk_uuid_format(sk_uuid_new(sk_rt_random(), sk_now_wall_ms()), text);
    return text;
}

/* ---- task queues ---- */

static sk_err check_queue_name(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *name,
                               bool user_defined)
{
    size_t n = strlen(name);
    if (n > (size_t)frontend->o.limits->id_length_max)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "taskQueue length exceeds limit (%zu bytes, at most %lld)", n,
                       (long long)frontend->o.limits->id_length_max);
    if (user_defined && sk_str_starts(sk_str_of(name), SK_STR(RESERVED_QUEUE_PREFIX)))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "task queue name cannot start with reserved prefix %s",
                       RESERVED_QUEUE_PREFIX);
    if (user_defined && strcmp(name, INTERNAL_QUEUE) == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "cannot use internal per-namespace task queue:%s",
                       name);
    return SK_OK;
}

sk_err sk_frontend_check_task_queue(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                    const API_TASKQUEUE(TaskQueue) * queue)
{
    if (!queue)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "taskQueue is not set");
    if (sk_blank(queue->name))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "missing task queue name");
    sk_err err = check_queue_name(frontend, ctx, queue->name, true);
    if (err == SK_OK && !sk_blank(queue->normal_name))
        err = check_queue_name(frontend, ctx, queue->normal_name, false);
    return err;
}

/* ---- durations and retry policies ---- */

static const char *duration_fault(const Google__Protobuf__Duration *d)
{
    if (!d)
        return NULL;
    if ((d->seconds > 0 && d->nanos < 0) || (d->seconds < 0 && d->nanos > 0))
        return "duration has seconds and nanos with different signs";
    return d->seconds < 0 || d->nanos < 0 ? "negative duration" : NULL;
}

sk_err sk_frontend_check_duration(struct sk_ctx *ctx, const char *text,
                                  const Google__Protobuf__Duration *duration)
{
    const char *fault = duration_fault(duration);
    if (!fault)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s cause: %s", text, fault);
}

int64_t sk_frontend_duration_ms(const Google__Protobuf__Duration *duration)
{
    if (!duration)
        return 0;
    if (duration->seconds >= YEARS_100_S)
        return YEARS_100_S * 1000;
    return duration->seconds * 1000 + ((int64_t)duration->nanos + 999999) / 1000000;
}

Google__Protobuf__Timestamp *sk_frontend_timestamp(struct sk_ctx *ctx, int64_t wall_ms)
{
    Google__Protobuf__Timestamp *t = SK_NEW(ctx->arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(t);
    t->seconds = wall_ms / 1000;
    t->nanos = (int32_t)(wall_ms % 1000) * 1000000;
    return t;
}

Google__Protobuf__Duration *sk_frontend_duration(struct sk_ctx *ctx, int64_t ms)
{
    Google__Protobuf__Duration *d = sk_arena_alloc(ctx->arena, sizeof *d);
    google__protobuf__duration__init(d);
    d->seconds = ms / 1000;
    d->nanos = (int32_t)(ms % 1000 * 1000000);
    return d;
}

/* "TemporalTimeout:StartToClose" must name a timeout. */
static sk_err check_error_type(struct sk_ctx *ctx, const char *type)
{
    static const char *const known[] = {"StartToClose",
                                        "ScheduleToStart",
                                        "ScheduleToClose",
                                        "Heartbeat",
                                        "TIMEOUT_TYPE_START_TO_CLOSE",
                                        "TIMEOUT_TYPE_SCHEDULE_TO_START",
                                        "TIMEOUT_TYPE_SCHEDULE_TO_CLOSE",
                                        "TIMEOUT_TYPE_HEARTBEAT"};
    struct sk_str prefix = SK_STR(TIMEOUT_TYPE_PREFIX);
    if (!sk_str_starts(sk_str_of(type), prefix))
        return SK_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type + prefix.n, known[i]) == 0)
            return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "Invalid timeout type value: %s.", type + prefix.n);
}

static sk_err check_retry_policy(struct sk_ctx *ctx, const API_COMMON(RetryPolicy) * policy)
{
    const char *fault;
    if (policy->maximum_attempts == 1) // no retry: the rest does not matter
        return SK_OK;
    if ((fault = duration_fault(policy->initial_interval)))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "invalid InitialInterval set on retry policy: %s",
                       fault);
    if (!(policy->backoff_coefficient >= 1.0)) // NaN too
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "BackoffCoefficient cannot be less than 1 on retry policy.");
    if ((fault = duration_fault(policy->maximum_interval)))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "invalid MaximumInterval set on retry policy: %s",
                       fault);
    int64_t maximum = sk_frontend_duration_ms(policy->maximum_interval);
    if (maximum > 0 && maximum < sk_frontend_duration_ms(policy->initial_interval))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "MaximumInterval cannot be less than InitialInterval on retry policy.");
    if (policy->maximum_attempts < 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "MaximumAttempts cannot be negative on retry policy.");
    sk_err err = SK_OK;
    for (size_t i = 0; i < policy->n_non_retryable_error_types && err == SK_OK; i++)
        err = check_error_type(ctx, policy->non_retryable_error_types[i]);
    return err;
}

sk_err sk_frontend_retry_policy(struct sk_ctx *ctx, API_COMMON(RetryPolicy) * policy,
                                API_COMMON(RetryPolicy) * *ret)
{
    *ret = NULL;
    if (!policy)
        return SK_OK;
    API_COMMON(RetryPolicy) *copy = sk_arena_memdup(ctx->arena, policy, sizeof *policy);
    if (sk_frontend_duration_ms(copy->initial_interval) == 0 &&
        !duration_fault(copy->initial_interval))
        copy->initial_interval = sk_frontend_duration(ctx, RETRY_INITIAL_S * 1000);
    int64_t initial_ms = sk_frontend_duration_ms(copy->initial_interval);
    if (sk_frontend_duration_ms(copy->maximum_interval) == 0 &&
        !duration_fault(copy->maximum_interval))
        copy->maximum_interval = sk_frontend_duration(ctx, initial_ms * RETRY_MAXIMUM_FACTOR);
    if (copy->backoff_coefficient == 0.0)
        copy->backoff_coefficient = RETRY_COEFFICIENT;
    sk_err err = check_retry_policy(ctx, copy);
    if (err == SK_OK)
        *ret = copy;
    return err;
}

/* ---- sizes ---- */

sk_err sk_frontend_check_blob(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *what,
                              const ProtobufCMessage *blob)
{
    size_t size = blob ? sk_wire_size(blob) : 0;
    if (size <= (size_t)frontend->o.limits->blob_size_error)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT,
                   "Blob data size exceeds limit. (%s has %zu bytes, at most %lld)", what, size,
                   (long long)frontend->o.limits->blob_size_error);
}

sk_err sk_frontend_check_memo(struct sk_frontend *frontend, struct sk_ctx *ctx,
                              const API_COMMON(Memo) * memo)
{
    size_t size = memo ? sk_wire_size(&memo->base) : 0;
    if (size <= (size_t)frontend->o.limits->memo_size_error)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "Memo size exceeds limit. (%zu bytes, at most %lld)",
                   size, (long long)frontend->o.limits->memo_size_error);
}

static sk_err check_metadata_part(struct sk_ctx *ctx, const char *what,
                                  const API_COMMON(Payload) * payload, int64_t max)
{
    size_t size = payload ? sk_wire_size(&payload->base) : 0;
    if (size <= (size_t)max)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT,
                   "User metadata %s size exceeds limit. (%zu bytes, at most %lld)", what, size,
                   (long long)max);
}

sk_err sk_frontend_check_user_metadata(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                       const Temporal__Api__Sdk__V1__UserMetadata *metadata)
{
    const struct sk_limits *limits = frontend->o.limits;
    if (!metadata)
        return SK_OK;
    sk_err err =
        check_metadata_part(ctx, "summary", metadata->summary, limits->user_metadata_summary);
    if (err == SK_OK)
        err = check_metadata_part(ctx, "details", metadata->details, limits->user_metadata_details);
    return err;
}

sk_err sk_frontend_check_links(struct sk_ctx *ctx, API_COMMON(Link) *const *links, size_t count)
{
    if (count > LINKS_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "cannot attach more than %d links per request, got %zu", LINKS_MAX, count);
    for (size_t i = 0; i < count; i++) {
        size_t size = sk_wire_size(&links[i]->base);
        if (size > LINK_BYTES_MAX)
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "link exceeds allowed size of %d, got %zu",
                           LINK_BYTES_MAX, size);
        const API_COMMON(Link) *link = links[i];
        if (link->variant_case == TEMPORAL__API__COMMON__V1__LINK__VARIANT__NOT_SET)
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "unsupported link variant (links[%zu])", i);
        if (link->variant_case != TEMPORAL__API__COMMON__V1__LINK__VARIANT_WORKFLOW_EVENT)
            continue;
        const char *missing = sk_blank(link->workflow_event->namespace_)    ? "namespace"
                              : sk_blank(link->workflow_event->workflow_id) ? "workflow ID"
                              : sk_blank(link->workflow_event->run_id)      ? "run ID"
                                                                            : NULL;
        if (missing)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "workflow event link must not have an empty %s field", missing);
    }
    return SK_OK;
}

sk_err sk_frontend_check_priority(struct sk_ctx *ctx, const API_COMMON(Priority) * priority)
{
    const char *fault = sk_priority_fault(ctx->arena, priority);
    return fault ? sk_fail(ctx, SK_INVALID_ARGUMENT, "%s", fault) : SK_OK;
}

void sk_frontend_sa_limits(struct sk_frontend *frontend, struct sk_sa_limits *ret)
{
    const struct sk_limits *limits = frontend->o.limits;
    *ret = (struct sk_sa_limits){limits->search_attribute_keys, limits->search_attribute_value,
                                 limits->search_attribute_total};
}

sk_err sk_frontend_check_search_attributes(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                           const struct sk_namespace *ns,
                                           const API_COMMON(SearchAttributes) * attributes)
{
    struct sk_sa_limits limits;
    sk_frontend_sa_limits(frontend, &limits);
    return sk_sa_validate(ctx, ns, attributes, &limits);
}
