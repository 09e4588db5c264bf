/* Starts, signals and the other calls on runs: what is refused with which words, what is filled in
 * before the engine sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "fixture.h"

typedef WS(StartWorkflowExecutionRequest) start_pb;

#define REUSE(name) \
    TEMPORAL__API__ENUMS__V1__WORKFLOW_ID_REUSE_POLICY__WORKFLOW_ID_REUSE_POLICY_##name
#define CONFLICT(name) \
    TEMPORAL__API__ENUMS__V1__WORKFLOW_ID_CONFLICT_POLICY__WORKFLOW_ID_CONFLICT_POLICY_##name

static Temporal__Api__Common__V1__WorkflowType type;
static Temporal__Api__Taskqueue__V1__TaskQueue queue;

static start_pb good_start(void)
{
    REQUEST(r, StartWorkflowExecutionRequest, start_workflow_execution_request);
    temporal__api__common__v1__workflow_type__init(&type);
    temporal__api__taskqueue__v1__task_queue__init(&queue);
    type.name = TEXT("T");
    queue.name = TEXT("q");
    r.workflow_id = TEXT("w");
    r.workflow_type = &type;
    r.task_queue = &queue;
    return r;
}

static sk_err start(const start_pb *r)
{
    return call('w', "StartWorkflowExecution", r, RESPONSE(start_workflow_execution_response),
                NULL);
}

/* The start is refused with that text and never reaches the engine. */
static void refused(const start_pb *r, const char *text)
{
    sk_err err = start(r);
    CHECK(err == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, text);
    CHECK(!last.name);
}

static void check_start_defaults(void)
{
    start_pb r = good_start();
    API_COMMON(RetryPolicy) policy;
    temporal__api__common__v1__retry_policy__init(&policy);
    r.retry_policy = &policy;
    CHECK(start(&r) == SK_OK);
    CHECK_STR(last.name, "start");
    const start_pb *seen = engine_request(r.base.descriptor);
    CHECK(strlen(seen->request_id) == 36);
    CHECK(seen->workflow_id_reuse_policy == REUSE(ALLOW_DUPLICATE));
    CHECK(seen->workflow_id_conflict_policy == CONFLICT(FAIL));
    CHECK(seen->retry_policy->initial_interval->seconds == 1);
    CHECK(seen->retry_policy->maximum_interval->seconds == 100);
    CHECK(seen->retry_policy->backoff_coefficient == 2.0);
    r.workflow_id_reuse_policy = REUSE(TERMINATE_IF_RUNNING);
    r.request_id = TEXT("mine");
    CHECK(start(&r) == SK_OK);
    seen = engine_request(r.base.descriptor);
    CHECK(seen->workflow_id_reuse_policy == REUSE(ALLOW_DUPLICATE));
    CHECK(seen->workflow_id_conflict_policy == CONFLICT(TERMINATE_EXISTING));
    CHECK_STR(seen->request_id, "mine");
    last.answer = SK_UNAVAILABLE;
    CHECK(start(&r) == SK_UNAVAILABLE);
    CHECK_STR(fx.ctx.err.message, "the engine says no");
}

static void check_start_names(void)
{
    start_pb r = good_start();
    r.namespace_ = TEXT("");
    refused(&r, "Namespace is empty.");
    r.namespace_ = TEXT("nope");
    CHECK(start(&r) == SK_NOT_FOUND);
    CHECK_STR(fx.ctx.err.message, "Namespace nope is not found.");
    CHECK_STR(fx.ctx.err.detail_type, "temporal.api.errordetails.v1.NamespaceNotFoundFailure");
    r.namespace_ = long_text(1001);
    refused(&r, "Namespace length exceeds limit. (1001 bytes, at most 1000)");
    r = good_start();
    r.workflow_id = TEXT("");
    refused(&r, "WorkflowId is not set on request.");
    r.workflow_id = long_text(1001);
    refused(&r, "WorkflowId length exceeds limit. (1001 bytes, at most 1000)");
    r.workflow_id = long_text(1000);
    CHECK(start(&r) == SK_OK);
    r.workflow_type = NULL;
    refused(&r, "WorkflowType is not set on request.");
    r = good_start();
    type.name = long_text(1001);
    refused(&r, "WorkflowType length exceeds limit. (1001 bytes, at most 1000)");
    r = good_start();
    r.task_queue = NULL;
    refused(&r, "taskQueue is not set");
    r = good_start();
    queue.name = TEXT("");
    refused(&r, "missing task queue name");
    queue.name = TEXT("/_sys/q/1");
    refused(&r, "task queue name cannot start with reserved prefix /_sys/");
    queue.name = long_text(1001);
    refused(&r, "taskQueue length exceeds limit (1001 bytes, at most 1000)");
    r = good_start();
    r.request_id = long_text(1001);
    refused(&r, "RequestId length exceeds limit. (1001 bytes, at most 1000)");
    r = good_start();
    r.identity = long_text(1001);
    refused(&r, "Identity length exceeds limit. (1001 bytes, at most 1000)");
}

static void check_start_times(void)
{
    start_pb r = good_start();
    r.workflow_run_timeout = duration_of(-1);
    refused(&r, "An invalid WorkflowRunTimeoutSeconds is set on request. cause: negative duration");
    r = good_start();
    r.workflow_execution_timeout = duration_of(5);
    r.workflow_execution_timeout->nanos = -1;
    refused(&r, "An invalid WorkflowExecutionTimeoutSeconds is set on request. cause: duration has "
                "seconds and nanos with different signs");
    r = good_start();
    r.workflow_task_timeout = duration_of(-5);
    refused(&r,
            "An invalid WorkflowTaskTimeoutSeconds is set on request. cause: negative duration");
    r = good_start();
    r.workflow_start_delay = duration_of(-5);
    refused(&r, "An invalid WorkflowStartDelaySeconds is set on request. cause: negative duration");
    r.workflow_start_delay = duration_of(5);
    r.cron_schedule = TEXT("* * * * *");
    refused(&r, "CronSchedule and WorkflowStartDelay may not be used together.");
    r = good_start();
    r.cron_schedule = TEXT("* * * *");
    refused(&r, "invalid CronSchedule. (expected 5 fields (minute hour day month weekday), found "
                "4)");
}

static void check_retry_policies(void)
{
    start_pb r = good_start();
    API_COMMON(RetryPolicy) policy;
    temporal__api__common__v1__retry_policy__init(&policy);
    r.retry_policy = &policy;
    policy.backoff_coefficient = 0.5;
    refused(&r, "BackoffCoefficient cannot be less than 1 on retry policy.");
    policy.backoff_coefficient = (double)NAN;
    refused(&r, "BackoffCoefficient cannot be less than 1 on retry policy.");
    policy.backoff_coefficient = 1.0;
    policy.initial_interval = duration_of(-1);
    refused(&r, "invalid InitialInterval set on retry policy: negative duration");
    policy.initial_interval = duration_of(10);
    policy.maximum_interval = duration_of(5);
    refused(&r, "MaximumInterval cannot be less than InitialInterval on retry policy.");
    policy.maximum_interval = NULL;
    policy.maximum_attempts = -1;
    refused(&r, "MaximumAttempts cannot be negative on retry policy.");
    policy.maximum_attempts = 0;
    char *types[] = {TEXT("Mine"), TEXT("TemporalTimeout:Never")};
    policy.non_retryable_error_types = types;
    policy.n_non_retryable_error_types = 2;
    refused(&r, "Invalid timeout type value: Never.");
    types[1] = TEXT("TemporalTimeout:Heartbeat");
    CHECK(start(&r) == SK_OK);
    policy.maximum_attempts = 1; // no retries: the rest is not looked at
    policy.backoff_coefficient = 0.5;
    CHECK(start(&r) == SK_OK);
}

static void check_policies(void)
{
    start_pb r = good_start();
    r.workflow_id_reuse_policy = REUSE(TERMINATE_IF_RUNNING);
    r.workflow_id_conflict_policy = CONFLICT(USE_EXISTING);
    refused(&r,
            "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING cannot "
            "be used together with a WorkflowIDConflictPolicy");
    r.workflow_id_reuse_policy = REUSE(REJECT_DUPLICATE);
    r.workflow_id_conflict_policy = CONFLICT(TERMINATE_EXISTING);
    refused(&r,
            "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE cannot be "
            "used together with WorkflowIdConflictPolicy "
            "WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING");
    r = good_start();
    r.workflow_id_reuse_policy = (Temporal__Api__Enums__V1__WorkflowIdReusePolicy)77;
    refused(&r, "Invalid WorkflowIDReusePolicy: 77 is unknown");
    r = good_start();
    Temporal__Api__Workflow__V1__OnConflictOptions options;
    temporal__api__workflow__v1__on_conflict_options__init(&options);
    options.attach_completion_callbacks = true;
    r.on_conflict_options = &options;
    refused(&r, "attaching request ID is required for attaching completion callbacks");
}

static void check_sizes(void)
{
    start_pb r = good_start();
    r.input = payloads_of(20000);
    refused(&r, "Blob data size exceeds limit. (input has 20008 bytes, at most 10000)");
    r = good_start();
    API_COMMON(Memo) memo;
    API_COMMON(Memo__FieldsEntry) field, *fields[] = {&field};
    temporal__api__common__v1__memo__init(&memo);
    temporal__api__common__v1__memo__fields_entry__init(&field);
    field.key = TEXT("k");
    field.value = payloads_of(6000)->payloads[0];
    memo.fields = fields;
    memo.n_fields = 1;
    r.memo = &memo;
    CHECK(start(&r) == SK_INVALID_ARGUMENT);
    CHECK(strncmp(fx.ctx.err.message, "Memo size exceeds limit. (", 26) == 0);
    r = good_start();
    Temporal__Api__Sdk__V1__UserMetadata metadata;
    temporal__api__sdk__v1__user_metadata__init(&metadata);
    metadata.summary = payloads_of(500)->payloads[0];
    r.user_metadata = &metadata;
    refused(&r, "User metadata summary size exceeds limit. (503 bytes, at most 400)");
    r = good_start();
    API_COMMON(Priority) priority;
    temporal__api__common__v1__priority__init(&priority);
    priority.priority_key = -1;
    r.priority = &priority;
    refused(&r, "priority key can't be negative");
    r = good_start();
    API_COMMON(SearchAttributes) attributes;
    API_COMMON(SearchAttributes__IndexedFieldsEntry) entry, *entries[] = {&entry};
    temporal__api__common__v1__search_attributes__init(&attributes);
    temporal__api__common__v1__search_attributes__indexed_fields_entry__init(&entry);
    entry.key = TEXT("Nope");
    attributes.indexed_fields = entries;
    attributes.n_indexed_fields = 1;
    r.search_attributes = &attributes;
    refused(&r, "Namespace default has no mapping defined for search attribute Nope");
}

static void check_deprecated_namespace(void)
{
    REQUEST(deprecate, DeprecateNamespaceRequest, deprecate_namespace_request);
    CHECK(call('w', "DeprecateNamespace", &deprecate, RESPONSE(deprecate_namespace_response),
               NULL) == SK_OK);
    start_pb r = good_start();
    CHECK(start(&r) == SK_FAILED_PRECONDITION);
    CHECK_STR(fx.ctx.err.message, "Namespace has invalid state: Deprecated. Must be Registered.");
    CHECK_STR(fx.ctx.err.detail_type, "temporal.api.errordetails.v1.NamespaceInvalidStateFailure");
}

static void check_signal_with_start(void)
{
    const start_pb s = good_start();
    REQUEST(r, SignalWithStartWorkflowExecutionRequest,
            signal_with_start_workflow_execution_request);
    const ProtobufCMessageDescriptor *reply =
        RESPONSE(signal_with_start_workflow_execution_response);
    const char *method = "SignalWithStartWorkflowExecution";
    r.workflow_id = s.workflow_id;
    r.workflow_type = s.workflow_type;
    r.task_queue = s.task_queue;
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "SignalName is not set on request.");
    r.signal_name = long_text(1001);
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "SignalName length exceeds limit. (1001 bytes, at most 1000)");
    r.signal_name = TEXT("s");
    CHECK(call('w', method, &r, reply, NULL) == SK_OK);
    const WS(SignalWithStartWorkflowExecutionRequest) *seen = engine_request(r.base.descriptor);
    CHECK(seen->workflow_id_conflict_policy == CONFLICT(USE_EXISTING));
    CHECK(strlen(seen->request_id) == 36);
    r.workflow_id_conflict_policy = CONFLICT(FAIL);
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    r.workflow_id_conflict_policy = CONFLICT(UNSPECIFIED);
    r.signal_input = payloads_of(20000);
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message,
              "Blob data size exceeds limit. (signal_input has 20008 bytes, at most 10000)");
}

static void check_calls_on_runs(void)
{
    API_COMMON(WorkflowExecution) run;
    temporal__api__common__v1__workflow_execution__init(&run);
    REQUEST(signal, SignalWorkflowExecutionRequest, signal_workflow_execution_request);
    const ProtobufCMessageDescriptor *signal_reply = RESPONSE(signal_workflow_execution_response);
    CHECK(call('w', "SignalWorkflowExecution", &signal, signal_reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Execution is not set on request.");
    signal.workflow_execution = &run;
    CHECK(call('w', "SignalWorkflowExecution", &signal, signal_reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "WorkflowId is not set on request.");
    run.workflow_id = TEXT("w");
    run.run_id = TEXT("not-a-uuid");
    CHECK(call('w', "SignalWorkflowExecution", &signal, signal_reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Invalid RunId.");
    run.run_id = TEXT("0190f5e0-0000-7000-8000-000000000001");
    CHECK(call('w', "SignalWorkflowExecution", &signal, signal_reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "SignalName is not set on request.");
    signal.signal_name = TEXT("s");
    CHECK(call('w', "SignalWorkflowExecution", &signal, signal_reply, NULL) == SK_OK);
    CHECK_STR(last.name, "signal");

    REQUEST(terminate, TerminateWorkflowExecutionRequest, terminate_workflow_execution_request);
    terminate.workflow_execution = &run;
    CHECK(call('w', "TerminateWorkflowExecution", &terminate,
               RESPONSE(terminate_workflow_execution_response), NULL) == SK_OK);
    const WS(TerminateWorkflowExecutionRequest) *seen = engine_request(terminate.base.descriptor);
    CHECK(seen->reason.len == 31 &&
          memcmp(seen->reason.data, "terminated by user via frontend", 31) == 0);
    CHECK_STR(seen->identity, "frontend-service");

    REQUEST(query, QueryWorkflowRequest, query_workflow_request);
    Temporal__Api__Query__V1__WorkflowQuery q;
    temporal__api__query__v1__workflow_query__init(&q);
    query.execution = &run;
    CHECK(call('w', "QueryWorkflow", &query, RESPONSE(query_workflow_response), NULL) ==
          SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "WorkflowQuery is not set on request.");
    query.query = &q;
    CHECK(call('w', "QueryWorkflow", &query, RESPONSE(query_workflow_response), NULL) ==
          SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "QueryType is not set on request.");
    q.query_type = TEXT("t");
    last.answer = SK_DEADLINE_EXCEEDED;
    CHECK(call('w', "QueryWorkflow", &query, RESPONSE(query_workflow_response), NULL) ==
          SK_DEADLINE_EXCEEDED);
    CHECK_STR(fx.ctx.err.message, "query timed out before a worker could process it");
    last.answer = SK_OK;

    REQUEST(reverse, GetWorkflowExecutionHistoryReverseRequest,
            get_workflow_execution_history_reverse_request);
    reverse.execution = &run;
    reverse.maximum_page_size = 100000;
    CHECK(call('w', "GetWorkflowExecutionHistoryReverse", &reverse,
               RESPONSE(get_workflow_execution_history_reverse_response), NULL) == SK_OK);
    const WS(GetWorkflowExecutionHistoryReverseRequest) *page =
        engine_request(reverse.base.descriptor);
    CHECK(page->maximum_page_size == 256);
    REQUEST(cancel, RequestCancelWorkflowExecutionRequest,
            request_cancel_workflow_execution_request);
    cancel.workflow_execution = &run;
    cancel.first_execution_run_id = TEXT("x");
    CHECK(call('w', "RequestCancelWorkflowExecution", &cancel,
               RESPONSE(request_cancel_workflow_execution_response), NULL) == SK_INVALID_ARGUMENT);
    REQUEST(reset, ResetWorkflowExecutionRequest, reset_workflow_execution_request);
    CHECK(call('w', "ResetWorkflowExecution", &reset, RESPONSE(reset_workflow_execution_response),
               NULL) == SK_UNIMPLEMENTED);
    CHECK_STR(fx.ctx.err.message, "ResetWorkflowExecution is not implemented by this server yet");
}

/* There are no deployments to pin a run to; to upgrade by itself is accepted, in today's form. */
static void check_versioning(void)
{
    typedef Temporal__Api__Workflow__V1__VersioningOverride override_pb;
    static Temporal__Api__Workflow__V1__VersioningOverride__PinnedOverride pinned;
    static Temporal__Api__Deployment__V1__WorkerDeploymentVersion version;
    override_pb o;
    start_pb r = good_start();
    temporal__api__workflow__v1__versioning_override__init(&o);
    temporal__api__workflow__v1__versioning_override__pinned_override__init(&pinned);
    temporal__api__deployment__v1__worker_deployment_version__init(&version);
    r.versioning_override = &o;
    refused(&r, "override behavior is required");
    o.behavior = TEMPORAL__API__ENUMS__V1__VERSIONING_BEHAVIOR__VERSIONING_BEHAVIOR_PINNED;
    refused(&r, "must provide deployment (deprecated) or pinned version if behavior is 'PINNED'");
    o.pinned_version = TEXT("orders");
    refused(&r, "invalid version string \"orders\", expected format is "
                "\"<deployment_name>.<build_id>\"");
    o.pinned_version = TEXT("orders.7");
    CHECK(start(&r) == SK_FAILED_PRECONDITION);
    CHECK_STR(fx.ctx.err.message,
              "Pinned version 'orders:7' is not present in task queue 'q' of type 'Workflow'");
    o.behavior = TEMPORAL__API__ENUMS__V1__VERSIONING_BEHAVIOR__VERSIONING_BEHAVIOR_AUTO_UPGRADE;
    refused(&r, "only provide pinned version if behavior is 'PINNED'");
    o.pinned_version = TEXT("");
    CHECK(start(&r) == SK_OK);
    const start_pb *seen = engine_request(r.base.descriptor);
    CHECK(seen->versioning_override->auto_upgrade && seen->versioning_override->behavior == 0);
    last.name = NULL;
    o.override_case = TEMPORAL__API__WORKFLOW__V1__VERSIONING_OVERRIDE__OVERRIDE_PINNED;
    o.pinned = &pinned;
    refused(&r, "must provide version if override is pinned.");
    pinned.version = &version;
    refused(&r, "must specify pinned override behavior if override is pinned.");
    pinned.behavior = 1;
    version.deployment_name = TEXT("orders");
    version.build_id = TEXT("8");
    CHECK(start(&r) == SK_FAILED_PRECONDITION);
    CHECK_STR(fx.ctx.err.message,
              "Pinned version 'orders:8' is not present in task queue 'q' of type 'Workflow'");
}

#define TEST(name)                  \
    static void name(void **state)  \
    {                               \
        (void)state;                \
        run_frontend(check_##name); \
    }
TEST(start_defaults)
TEST(start_names)
TEST(start_times)
TEST(retry_policies)
TEST(policies)
TEST(versioning)
TEST(sizes)
TEST(deprecated_namespace)
TEST(signal_with_start)
TEST(calls_on_runs)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_defaults),
        cmocka_unit_test(start_names),
        cmocka_unit_test(start_times),
        cmocka_unit_test(retry_policies),
        cmocka_unit_test(policies),
        cmocka_unit_test(versioning),
        cmocka_unit_test(sizes),
        cmocka_unit_test(deprecated_namespace),
        cmocka_unit_test(signal_with_start),
        cmocka_unit_test(calls_on_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
