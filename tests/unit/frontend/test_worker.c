/* What workers report: tokens and ids checked, payloads that are too large turned into failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fixture.h"

#define TOKEN ((ProtobufCBinaryData){5, (uint8_t *)TEXT("token")})
static bool is(ProtobufCBinaryData bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

typedef Temporal__Api__Failure__V1__Failure failure_pb;

#define APPLICATION TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO
#define SERVER TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_SERVER_FAILURE_INFO

/* The engine was told that the activity failed, with that message. */
static void check_failed(const char *name, const failure_pb *failure, const char *message)
{
    CHECK_STR(last.name, name);
    CHECK(failure->failure_info_case == SERVER && failure->server_failure_info->non_retryable);
    CHECK(failure->message.len == strlen(message) &&
          memcmp(failure->message.data, message, strlen(message)) == 0);
}

static const failure_pb *failed_by_token(void)
{
    const WS(RespondActivityTaskFailedRequest) *r = engine_request(
        &temporal__api__workflowservice__v1__respond_activity_task_failed_request__descriptor);
    CHECK(is(r->task_token, "token"));
    return r->failure;
}

static const failure_pb *failed_by_id(void)
{
    const WS(RespondActivityTaskFailedByIdRequest) *r = engine_request(
        &temporal__api__workflowservice__v1__respond_activity_task_failed_by_id_request__descriptor);
    CHECK_STR(r->activity_id, "a");
    return r->failure;
}

static void check_activity_tokens(void)
{
    REQUEST(done, RespondActivityTaskCompletedRequest, respond_activity_task_completed_request);
    const ProtobufCMessageDescriptor *reply = RESPONSE(respond_activity_task_completed_response);
    const char *method = "RespondActivityTaskCompleted";
    CHECK(call('w', method, &done, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Task token not set on request.");
    done.task_token = TOKEN;
    done.identity = long_text(1001);
    CHECK(call('w', method, &done, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Identity length exceeds limit. (1001 bytes, at most 1000)");
    done.identity = TEXT("me");
    CHECK(call('w', method, &done, reply, NULL) == SK_OK);
    CHECK_STR(last.name, "activity_completed");
    done.result = payloads_of(20000);
    CHECK(call('w', method, &done, reply, NULL) == SK_OK);
    check_failed("activity_failed", failed_by_token(), "Complete result exceeds size limit.");

    REQUEST(beat, RecordActivityTaskHeartbeatRequest, record_activity_task_heartbeat_request);
    WS(RecordActivityTaskHeartbeatResponse) *beaten;
    beat.task_token = TOKEN;
    beat.details = payloads_of(20000);
    CHECK(call('w', "RecordActivityTaskHeartbeat", &beat,
               RESPONSE(record_activity_task_heartbeat_response), &beaten) == SK_OK);
    CHECK(beaten->cancel_requested);
    check_failed("activity_failed", failed_by_token(), "Heartbeat details exceed size limit.");

    REQUEST(cancel, RespondActivityTaskCanceledRequest, respond_activity_task_canceled_request);
    cancel.task_token = TOKEN;
    cancel.details = payloads_of(20000);
    CHECK(call('w', "RespondActivityTaskCanceled", &cancel,
               RESPONSE(respond_activity_task_canceled_response), NULL) == SK_OK);
    check_failed("activity_failed", failed_by_token(), "Cancel details exceed size limit.");
}

static void check_activity_failures(void)
{
    REQUEST(r, RespondActivityTaskFailedRequest, respond_activity_task_failed_request);
    const ProtobufCMessageDescriptor *reply = RESPONSE(respond_activity_task_failed_response);
    WS(RespondActivityTaskFailedResponse) *answer;
    failure_pb failure, cause;
    Temporal__Api__Failure__V1__ApplicationFailureInfo info;
    temporal__api__failure__v1__failure__init(&failure);
    temporal__api__failure__v1__failure__init(&cause);
    temporal__api__failure__v1__application_failure_info__init(&info);
    r.task_token = TOKEN;
    r.failure = &failure;
    CHECK(call('w', "RespondActivityTaskFailed", &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Failure must have ApplicationFailureInfo.");
    failure.failure_info_case = APPLICATION;
    failure.application_failure_info = &info;
    info.next_retry_delay = duration_of(-1);
    CHECK(call('w', "RespondActivityTaskFailed", &r, reply, NULL) == SK_INVALID_ARGUMENT);
    info.next_retry_delay = NULL;
    CHECK(call('w', "RespondActivityTaskFailed", &r, reply, &answer) == SK_OK);
    CHECK(answer->n_failures == 0);
    // a failure that is too large is shortened, within bounds and with its cause
    info.type = TEXT("T");
    info.non_retryable = true;
    failure.message = (ProtobufCBinaryData){7, (uint8_t *)TEXT("message")};
    failure.stack_trace = (ProtobufCBinaryData){20000, (uint8_t *)long_text(20000)};
    failure.cause = &cause;
    r.last_heartbeat_details = payloads_of(20000);
    CHECK(call('w', "RespondActivityTaskFailed", &r, reply, &answer) == SK_OK);
    CHECK(answer->n_failures == 2);
    const failure_pb *seen = failed_by_token();
    check_failed("activity_failed", seen, "Failure exceeds size limit.");
    CHECK(is(seen->cause->message, "message"));
    CHECK(seen->cause->application_failure_info->non_retryable);
    CHECK_STR(seen->cause->application_failure_info->type, "T");
    CHECK(sk_wire_size(&seen->base) < 1200);
}

static void check_activity_ids(void)
{
    REQUEST(r, RespondActivityTaskCompletedByIdRequest,
            respond_activity_task_completed_by_id_request);
    const ProtobufCMessageDescriptor *reply =
        RESPONSE(respond_activity_task_completed_by_id_response);
    const char *method = "RespondActivityTaskCompletedById";
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "ActivityId is not set on request.");
    r.activity_id = TEXT("a");
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "WorkflowId is not set on request.");
    r.workflow_id = TEXT("w");
    r.run_id = TEXT("x");
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "RunId is not valid UUID.");
    r.run_id = TEXT("");
    CHECK(call('w', method, &r, reply, NULL) == SK_OK);
    CHECK_STR(last.name, "activity_completed_by_id");
    r.result = payloads_of(20000);
    CHECK(call('w', method, &r, reply, NULL) == SK_OK);
    check_failed("activity_failed_by_id", failed_by_id(), "Complete result exceeds size limit.");

    REQUEST(beat, RecordActivityTaskHeartbeatByIdRequest,
            record_activity_task_heartbeat_by_id_request);
    beat.activity_id = TEXT("a");
    beat.workflow_id = TEXT("w");
    beat.details = payloads_of(20000);
    CHECK(call('w', "RecordActivityTaskHeartbeatById", &beat,
               RESPONSE(record_activity_task_heartbeat_by_id_response), NULL) == SK_OK);
    check_failed("activity_failed_by_id", failed_by_id(), "Heartbeat details exceed size limit.");

    REQUEST(cancel, RespondActivityTaskCanceledByIdRequest,
            respond_activity_task_canceled_by_id_request);
    cancel.activity_id = TEXT("a");
    cancel.workflow_id = TEXT("w");
    CHECK(call('w', "RespondActivityTaskCanceledById", &cancel,
               RESPONSE(respond_activity_task_canceled_by_id_response), NULL) == SK_OK);
    CHECK_STR(last.name, "activity_canceled_by_id");
    cancel.details = payloads_of(20000);
    CHECK(call('w', "RespondActivityTaskCanceledById", &cancel,
               RESPONSE(respond_activity_task_canceled_by_id_response), NULL) == SK_OK);
    check_failed("activity_failed_by_id", failed_by_id(), "Cancel details exceed size limit.");

    REQUEST(fail, RespondActivityTaskFailedByIdRequest, respond_activity_task_failed_by_id_request);
    fail.activity_id = TEXT("a");
    fail.workflow_id = TEXT("w");
    CHECK(call('w', "RespondActivityTaskFailedById", &fail,
               RESPONSE(respond_activity_task_failed_by_id_response), NULL) == SK_OK);
    CHECK_STR(last.name, "activity_failed_by_id");
}

static void check_workflow_tasks(void)
{
    REQUEST(r, RespondWorkflowTaskCompletedRequest, respond_workflow_task_completed_request);
    const ProtobufCMessageDescriptor *reply = RESPONSE(respond_workflow_task_completed_response);
    const char *method = "RespondWorkflowTaskCompleted";
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Task token not set on request.");
    r.task_token = TOKEN;
    Temporal__Api__Deployment__V1__WorkerDeploymentOptions options;
    temporal__api__deployment__v1__worker_deployment_options__init(&options);
    options.build_id = long_text(256);
    r.deployment_options = &options;
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK(strstr(fx.ctx.err.message, "Build ID exceeds configured limit.workerBuildIdSize"));
    options.build_id = TEXT("b");
    options.worker_versioning_mode =
        TEMPORAL__API__ENUMS__V1__WORKER_VERSIONING_MODE__WORKER_VERSIONING_MODE_VERSIONED;
    CHECK(call('w', method, &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Deployment name and build id must be set together.");
    r.deployment_options = NULL;
    CHECK(call('w', method, &r, reply, NULL) == SK_OK);
    CHECK_STR(last.name, "wft_completed");

    REQUEST(f, RespondWorkflowTaskFailedRequest, respond_workflow_task_failed_request);
    failure_pb failure;
    temporal__api__failure__v1__failure__init(&failure);
    failure.message = (ProtobufCBinaryData){20000, (uint8_t *)long_text(20000)};
    f.task_token = TOKEN;
    f.failure = &failure;
    CHECK(call('w', "RespondWorkflowTaskFailed", &f,
               RESPONSE(respond_workflow_task_failed_response), NULL) == SK_OK);
    const WS(RespondWorkflowTaskFailedRequest) *seen = engine_request(f.base.descriptor);
    check_failed("wft_failed", seen->failure, "Failure exceeds size limit.");
    CHECK(seen->failure->cause->message.len == 1000);
}

static void check_queries_and_shutdown(void)
{
    REQUEST(r, RespondQueryTaskCompletedRequest, respond_query_task_completed_request);
    r.task_token = TOKEN;
    r.completed_type = TEMPORAL__API__ENUMS__V1__QUERY_RESULT_TYPE__QUERY_RESULT_TYPE_ANSWERED;
    r.query_result = payloads_of(20000);
    CHECK(call('w', "RespondQueryTaskCompleted", &r,
               RESPONSE(respond_query_task_completed_response), NULL) == SK_OK);
    const WS(RespondQueryTaskCompletedRequest) *seen = engine_request(r.base.descriptor);
    CHECK(seen->completed_type ==
          TEMPORAL__API__ENUMS__V1__QUERY_RESULT_TYPE__QUERY_RESULT_TYPE_FAILED);
    CHECK(!seen->query_result);
    CHECK(strstr(seen->error_message, "Blob data size exceeds limit."));
    REQUEST(stop, ShutdownWorkerRequest, shutdown_worker_request);
    stop.sticky_task_queue = TEXT("sticky");
    CHECK(call('w', "ShutdownWorker", &stop, RESPONSE(shutdown_worker_response), NULL) == SK_OK);
    stop.namespace_ = TEXT("nope");
    CHECK(call('w', "ShutdownWorker", &stop, RESPONSE(shutdown_worker_response), NULL) ==
          SK_NOT_FOUND);
}

#define TEST(name)                  \
    static void name(void **state)  \
    {                               \
        (void)state;                \
        run_frontend(check_##name); \
    }
TEST(activity_tokens)
TEST(activity_failures)
TEST(activity_ids)
TEST(workflow_tasks)
TEST(queries_and_shutdown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activity_tokens),      cmocka_unit_test(activity_failures),
        cmocka_unit_test(activity_ids),         cmocka_unit_test(workflow_tasks),
        cmocka_unit_test(queries_and_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
