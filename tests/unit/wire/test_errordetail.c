/* Typed error details: code, text, type and bytes of each; the first failure stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "temporal/api/errordetails/v1/message.pb-c.h"
#include "temporal/api/failure/v1/message.pb-c.h"
#include "wire/errordetail.h"
#include "wire/wire.h"

#define DETAIL(name) Temporal__Api__Errordetails__V1__##name

static struct sk_ctx ctx;

static int setup(void **state)
{
    (void)state;
    ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sk_arena_free(ctx.arena);
    return 0;
}

/* Checks the error that was just made, clears it and decodes the detail. */
static const void *detail(sk_err got, sk_err code, const char *message, const char *type)
{
    ProtobufCMessage *decoded;
    char name[100] = "temporal.api.errordetails.v1.";
    memcpy(name + strlen(name), type, strlen(type) + 1);
    assert_int_equal(got, code);
    assert_int_equal(ctx.err.code, code);
    assert_string_equal(ctx.err.message, message);
    assert_string_equal(ctx.err.detail_type, name);
    struct sk_str bytes = {ctx.err.detail, ctx.err.detail_size};
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_wire_decode(&ctx, sk_wire_type(name), bytes, &decoded), SK_OK);
    return decoded;
}

static void each_kind(void **state)
{
    (void)state;
    detail(sk_fail_not_found(&ctx, "no %s", "run"), SK_NOT_FOUND, "no run", "NotFoundFailure");
    const DETAIL(NamespaceNotFoundFailure) *ns =
        detail(sk_fail_namespace_not_found(&ctx, "x"), SK_NOT_FOUND, "Namespace x is not found.",
               "NamespaceNotFoundFailure");
    assert_string_equal(ns->namespace_, "x");
    detail(sk_fail_namespace_already_exists(&ctx, "there"), SK_ALREADY_EXISTS, "there",
           "NamespaceAlreadyExistsFailure");
    const DETAIL(NamespaceInvalidStateFailure) *state_failure =
        detail(sk_fail_namespace_invalid_state(&ctx, "x", 2, 1U << 1 | 1U << 3),
               SK_FAILED_PRECONDITION,
               "Namespace has invalid state: Deprecated. Must be Registered or Deleted.",
               "NamespaceInvalidStateFailure");
    assert_int_equal(state_failure->n_allowed_states, 2);
    assert_int_equal(state_failure->state, 2);
    const DETAIL(WorkflowExecutionAlreadyStartedFailure) *started =
        detail(sk_fail_workflow_already_started(&ctx, "Workflow execution is already running.",
                                                "request", "run", NULL),
               SK_ALREADY_EXISTS, "Workflow execution is already running.",
               "WorkflowExecutionAlreadyStartedFailure");
    assert_string_equal(started->start_request_id, "request");
    assert_string_equal(started->run_id, "run");
    assert_string_equal(started->first_execution_run_id, "");
    detail(sk_fail_cancellation_already_requested(&ctx, "twice"), SK_ALREADY_EXISTS, "twice",
           "CancellationAlreadyRequestedFailure");
    const DETAIL(ResourceExhaustedFailure) *exhausted =
        detail(sk_fail_resource_exhausted(&ctx, SK_EXHAUSTED_BUSY_WORKFLOW, SK_SCOPE_NAMESPACE,
                                          "busy %d", 5),
               SK_RESOURCE_EXHAUSTED, "busy 5", "ResourceExhaustedFailure");
    assert_int_equal(exhausted->cause, 5);
    assert_int_equal(exhausted->scope, 1);
    detail(sk_fail_workflow_not_ready(&ctx, "not yet"), SK_FAILED_PRECONDITION, "not yet",
           "WorkflowNotReadyFailure");
    const DETAIL(PermissionDeniedFailure) *denied =
        detail(sk_fail_permission_denied(&ctx, "why", "no"), SK_PERMISSION_DENIED, "no",
               "PermissionDeniedFailure");
    assert_string_equal(denied->reason, "why");
    const DETAIL(ClientVersionNotSupportedFailure) *client =
        detail(sk_fail_client_version(&ctx, "9.0.0", "temporal-go", "<2.0.0"),
               SK_FAILED_PRECONDITION,
               "Client version 9.0.0 is not supported. Client must be temporal-go version <2.0.0.",
               "ClientVersionNotSupportedFailure");
    assert_string_equal(client->supported_versions, "<2.0.0");
    detail(sk_fail_server_version(&ctx, "1.0.0", ">2.0.0"), SK_FAILED_PRECONDITION,
           "Server version 1.0.0 is not supported by client: it wants >2.0.0.",
           "ServerVersionNotSupportedFailure");
    detail(sk_fail_newer_build(&ctx, "b2"), SK_OUT_OF_RANGE,
           "Task given to a disfavored worker. Default build id is now b2.",
           "NewerBuildExistsFailure");
}

static void a_query_carries_its_failure(void **state)
{
    (void)state;
    Temporal__Api__Failure__V1__Failure failure;
    temporal__api__failure__v1__failure__init(&failure);
    failure.source = (char *)(uintptr_t) "there";
    const DETAIL(QueryFailedFailure) *d =
        detail(sk_fail_query_failed(&ctx, "query failed", &failure.base), SK_INVALID_ARGUMENT,
               "query failed", "QueryFailedFailure");
    assert_string_equal(d->failure->source, "there");
    d = detail(sk_fail_query_failed(&ctx, "query failed", NULL), SK_INVALID_ARGUMENT,
               "query failed", "QueryFailedFailure");
    assert_null(d->failure);
}

static void operations_fail_together(void **state)
{
    (void)state;
    struct sk_errinfo operations[2] = {
        {.code = SK_OK},
        {.code = SK_NOT_FOUND,
         .message = "gone",
         .detail_type = "temporal.api.errordetails.v1.NotFoundFailure",
         .detail = "\x0a\x01x",
         .detail_size = 3},
    };
    const DETAIL(MultiOperationExecutionFailure) *d =
        detail(sk_fail_multi_operation(&ctx, SK_NOT_FOUND, "Update failed", operations, 2),
               SK_NOT_FOUND, "Update failed", "MultiOperationExecutionFailure");
    assert_int_equal(d->n_statuses, 2);
    assert_int_equal(d->statuses[0]->code, 10);
    assert_string_equal(
        d->statuses[0]->details[0]->type_url,
        "type.googleapis.com/temporal.api.failure.v1.MultiOperationExecutionAborted");
    assert_int_equal(d->statuses[1]->code, 5);
    assert_string_equal(d->statuses[1]->message, "gone");
    assert_memory_equal(d->statuses[1]->details[0]->value.data, "\x0a\x01x", 3);
}

static void the_first_failure_stands(void **state)
{
    (void)state;
    assert_int_equal(sk_fail(&ctx, SK_UNAVAILABLE, "first"), SK_UNAVAILABLE);
    assert_int_equal(sk_fail_not_found(&ctx, "second"), SK_UNAVAILABLE);
    assert_string_equal(ctx.err.message, "first");
    assert_null(ctx.err.detail_type);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind),
        TEST(a_query_carries_its_failure),
        TEST(operations_fail_together),
        TEST(the_first_failure_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
