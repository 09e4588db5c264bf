/* Typed details: the code, the text, and the detail as an SDK would read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "temporal/api/failure/v1/message.pb-c.h"
#include "wire/errordetail.h"
#include "wire/json.h"

static struct sk_ctx ctx;

static int setup(void **state)
{
    ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    return 0;
}

static int teardown(void **state)
{
    sk_arena_free(ctx.arena);
    return 0;
}

/* The error just set has this code, message, and detail (short type name, JSON). */
static void is(sk_err returned, sk_err code, const char *message, const char *type,
               const char *json)
{
    struct sk_buf text = SK_BUF_INIT, name = SK_BUF_INIT;
    ProtobufCMessage *detail;
    assert_int_equal(returned, code);
    assert_int_equal(ctx.err.code, code);
    assert_string_equal(ctx.err.message, message);
    sk_buf_printf(&name, "temporal.api.errordetails.v1.%s", type);
    sk_buf_append(&name, "", 1);
    assert_string_equal(ctx.err.detail_type, name.p);
    struct sk_str bytes = {ctx.err.detail, ctx.err.detail_size};
    assert_int_equal(sk_wire_decode(&ctx, sk_wire_type(name.p), bytes, &detail), SK_OK);
    sk_wire_json_print(&text, detail, 0);
    sk_buf_append(&text, "", 1);
    assert_string_equal(text.p, json);
    sk_buf_fini(&text);
    sk_buf_fini(&name);
    sk_ctx_clear(&ctx);
}

static void each_failure_carries_its_detail(void **state)
{
    is(sk_fail_not_found(&ctx, "no %s", "run"), SK_NOT_FOUND, "no run", "NotFoundFailure", "{}");
    is(sk_fail_namespace_not_found(&ctx, "ns"), SK_NOT_FOUND, "Namespace ns is not found.",
       "NamespaceNotFoundFailure", "{\"namespace\":\"ns\"}");
    is(sk_fail_namespace_already_exists(&ctx, "there"), SK_ALREADY_EXISTS, "there",
       "NamespaceAlreadyExistsFailure", "{}");
    is(sk_fail_namespace_invalid_state(&ctx, "ns", 3, 1u << 1 | 1u << 2), SK_FAILED_PRECONDITION,
       "Namespace has invalid state: Deleted. Must be Registered or Deprecated.",
       "NamespaceInvalidStateFailure",
       "{\"namespace\":\"ns\",\"state\":\"NAMESPACE_STATE_DELETED\",\"allowedStates\":["
       "\"NAMESPACE_STATE_REGISTERED\",\"NAMESPACE_STATE_DEPRECATED\"]}");
    is(sk_fail_workflow_already_started(&ctx, "running", "q", "r", NULL), SK_ALREADY_EXISTS,
       "running", "WorkflowExecutionAlreadyStartedFailure",
       "{\"startRequestId\":\"q\",\"runId\":\"r\"}");
    is(sk_fail_cancellation_already_requested(&ctx, "again"), SK_ALREADY_EXISTS, "again",
       "CancellationAlreadyRequestedFailure", "{}");
    is(sk_fail_resource_exhausted(&ctx, SK_EXHAUSTED_BUSY_WORKFLOW, SK_SCOPE_NAMESPACE, "%d", 5),
       SK_RESOURCE_EXHAUSTED, "5", "ResourceExhaustedFailure",
       "{\"cause\":\"RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW\","
       "\"scope\":\"RESOURCE_EXHAUSTED_SCOPE_NAMESPACE\"}");
    is(sk_fail_workflow_not_ready(&ctx, "wait"), SK_FAILED_PRECONDITION, "wait",
       "WorkflowNotReadyFailure", "{}");
    is(sk_fail_permission_denied(&ctx, "why", "no"), SK_PERMISSION_DENIED, "no",
       "PermissionDeniedFailure", "{\"reason\":\"why\"}");
    is(sk_fail_newer_build(&ctx, "b2"), SK_OUT_OF_RANGE,
       "Task given to a disfavored worker. Default build id is now b2.", "NewerBuildExistsFailure",
       "{\"defaultBuildId\":\"b2\"}");
}

static void versions_are_told(void **state)
{
    is(sk_fail_client_version(&ctx, "1.0", "temporal-go", ">=2"), SK_FAILED_PRECONDITION,
       "Client version 1.0 is not supported. Client must be temporal-go version >=2.",
       "ClientVersionNotSupportedFailure",
       "{\"clientVersion\":\"1.0\",\"clientName\":\"temporal-go\",\"supportedVersions\":\">=2\"}");
    is(sk_fail_server_version(&ctx, "0.1", ">=9"), SK_FAILED_PRECONDITION,
       "Server version 0.1 is not supported by client: it wants >=9.",
       "ServerVersionNotSupportedFailure",
       "{\"serverVersion\":\"0.1\",\"clientSupportedServerVersions\":\">=9\"}");
}

static void a_failed_query_carries_its_failure(void **state)
{
    Temporal__Api__Failure__V1__Failure failure = TEMPORAL__API__FAILURE__V1__FAILURE__INIT;
    failure.message = (ProtobufCBinaryData){1, (uint8_t *)"m"};
    is(sk_fail_query_failed(&ctx, "q", &failure.base), SK_INVALID_ARGUMENT, "q",
       "QueryFailedFailure", "{\"failure\":{\"message\":\"m\"}}");
    is(sk_fail_query_failed(&ctx, "q", NULL), SK_INVALID_ARGUMENT, "q", "QueryFailedFailure", "{}");
}

static void several_operations_have_a_status_each(void **state)
{
    const struct sk_errinfo operations[] = {
        {.code = SK_OK},
        {.code = SK_NOT_FOUND,
         .message = "gone",
         .detail_type = "temporal.api.errordetails.v1.NotFoundFailure",
         .detail = "",
         .detail_size = 0},
    };
    is(sk_fail_multi_operation(&ctx, SK_NOT_FOUND, "both", operations, 2), SK_NOT_FOUND, "both",
       "MultiOperationExecutionFailure",
       "{\"statuses\":[{\"code\":10,\"message\":\"Operation was aborted.\",\"details\":[{\"@type\":"
       "\"type.googleapis.com/temporal.api.failure.v1.MultiOperationExecutionAborted\"}]},"
       "{\"code\":5,\"message\":\"gone\",\"details\":[{\"@type\":"
       "\"type.googleapis.com/temporal.api.errordetails.v1.NotFoundFailure\"}]}]}");
}

static void the_first_failure_wins(void **state)
{
    assert_int_equal(sk_fail(&ctx, SK_UNAVAILABLE, "first"), SK_UNAVAILABLE);
    assert_int_equal(sk_fail_not_found(&ctx, "second"), SK_UNAVAILABLE);
    assert_string_equal(ctx.err.message, "first");
    assert_null(ctx.err.detail_type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_failure_carries_its_detail, setup, teardown),
        cmocka_unit_test_setup_teardown(versions_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_query_carries_its_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(several_operations_have_a_status_each, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_failure_wins, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
