/* proto3 JSON both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "google/rpc/status.pb-c.h"
#include "wire/json.h"

#define START "temporal.api.workflowservice.v1.StartWorkflowExecutionRequest"
#define FAILURE "temporal.api.failure.v1.Failure"

/* text, parsed as type and printed again, is want. */
static void becomes(const char *type, const char *text, const char *want)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_buf out = SK_BUF_INIT;
    ProtobufCMessage *message;
    if (sk_wire_json_parse(&ctx, sk_wire_type(type), sk_str_of(text), &message) != SK_OK)
        fail_msg("%s: %s", text, ctx.err.message);
    // through the wire, so that the structs are as decoding makes them
    struct sk_str bytes = sk_wire_pack(ctx.arena, message);
    assert_int_equal(sk_wire_decode(&ctx, sk_wire_type(type), bytes, &message), SK_OK);
    sk_wire_json_print(&out, message, 0);
    sk_buf_append(&out, "", 1);
    assert_string_equal(out.p, want);
    sk_buf_fini(&out);
    sk_arena_free(ctx.arena);
}

static void same(const char *type, const char *text)
{
    becomes(type, text, text);
}

static void refused(const char *type, const char *text, const char *why)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_json_parse(&ctx, sk_wire_type(type), sk_str_of(text), &message),
                     SK_INVALID_ARGUMENT);
    if (!strstr(ctx.err.message, why))
        fail_msg("got: %s\nwant: %s", ctx.err.message, why);
    sk_arena_free(ctx.arena);
}

static void requests_go_both_ways(void **state)
{
    same(START, "{}");
    same(START, "{\"namespace\":\"default\",\"workflowId\":\"a \\\"b\\\" \\\\ \\n\\u0001\","
                "\"workflowType\":{\"name\":\"T\"},\"taskQueue\":{\"name\":\"q\","
                "\"kind\":\"TASK_QUEUE_KIND_NORMAL\"},\"input\":{\"payloads\":[{\"metadata\":"
                "{\"encoding\":\"anNvbi9wbGFpbg==\"},\"data\":\"MQ==\"},{}]},"
                "\"workflowRunTimeout\":\"1.500s\",\"requestEagerExecution\":true}");
    becomes(START, "{\"workflow_id\": \"x\", \"task_queue\": null, \"cronSchedule\": \"\"}",
            "{\"workflowId\":\"x\"}");
}

static void enums_have_full_short_and_numeric_names(void **state)
{
    const char *want = "{\"workflowIdReusePolicy\":\"WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE\"}";
    same(START, want);
    becomes(START, "{\"workflowIdReusePolicy\": \"RejectDuplicate\"}", want);
    becomes(START, "{\"workflowIdReusePolicy\": 3}", want);
    same(START, "{\"workflowIdReusePolicy\":99}");
    refused(START, "{\"workflowIdReusePolicy\": \"Never\"}",
            "workflow_id_reuse_policy: 'Never' is no WorkflowIdReusePolicy");
}

static void times_and_durations(void **state)
{
    const char *type = "google.protobuf.Timestamp";
    same(type, "\"2024-02-29T23:59:59Z\"");
    same(type, "\"1969-12-31T23:59:59.999999999Z\"");
    same(type, "\"0001-01-01T00:00:00Z\"");
    same(type, "\"9999-12-31T23:59:59.123Z\"");
    becomes(type, "\"2024-01-01T01:30:00.100000+01:30\"", "\"2024-01-01T00:00:00.100Z\"");
    refused(type, "\"2023-02-29T00:00:00Z\"", "must be a time");
    refused(type, "\"2023-02-28\"", "must be a time");
    refused(type, "5", "must be a time");
    type = "google.protobuf.Duration";
    same(type, "\"-1.000000001s\"");
    same(type, "\"0s\"");
    becomes(type, "\"0.5s\"", "\"0.500s\"");
    refused(type, "\"5\"", "must be a duration");
    refused(type, "\"5m\"", "must be a duration");
    refused(type, "\"99999999999999999999s\"", "must be a duration");
}

static void whole_numbers(void **state)
{
    const char *type = "temporal.api.history.v1.HistoryEvent";
    same(type, "{\"eventId\":\"9223372036854775807\",\"taskId\":\"-9223372036854775808\"}");
    becomes(type, "{\"eventId\": 5, \"version\": 6.0}", "{\"eventId\":\"5\",\"version\":\"6\"}");
    refused(type, "{\"eventId\": \"9223372036854775808\"}", "event_id: must be a whole number");
    refused(type, "{\"eventId\": 1.5}", "event_id: must be a whole number");
    refused(type, "{\"eventId\": \"\"}", "event_id: must be a whole number");
}

static void own_forms(void **state)
{
    same("google.protobuf.FieldMask", "\"workflowExecutionTimeout,a.bC\"");
    same("google.protobuf.Struct",
         "{\"a\":[1,\"x\",null,true,{\"b\":-2.5}],\"c\":0.1,\"d\":1e+300}");
    same("google.protobuf.DoubleValue", "\"Infinity\"");
    same("google.protobuf.StringValue", "\"s\"");
    same("google.rpc.Status",
         "{\"code\":5,\"details\":[{\"@type\":\"type.googleapis.com/"
         "temporal.api.errordetails.v1.NotFoundFailure\",\"currentCluster\":\"a\"},"
         "{\"@type\":\"type.googleapis.com/google.protobuf.Duration\",\"value\":\"1s\"}]}");
    refused("google.rpc.Status", "{\"details\":[{\"@type\":\"x/y.Z\"}]}", "details[0]: @type");
}

static void free_text_is_text(void **state)
{
    same(FAILURE, "{\"message\":\"a\\u0000b\",\"stackTrace\":\"\xc3\xa9\","
                  "\"encodedAttributes\":{\"data\":\"/w==\"}}");
    refused(FAILURE, "{\"source\":\"a\\u0000b\"}", "source: holds the character U+0000");
}

static void oneofs_take_one_member(void **state)
{
    same(FAILURE, "{\"timeoutFailureInfo\":{}}");
    refused(FAILURE, "{\"timeoutFailureInfo\":{}, \"serverFailureInfo\":{}}", "excludes another");
}

static void mistakes_name_the_place(void **state)
{
    refused(START, "{\"input\":{\"payloads\":[{},{\"data\":\"!\"}]}}",
            "input.payloads[1].data: is not base64");
    refused(START, "{\"input\":{\"payloads\":[{\"metadata\":{\"k\":1}}]}}",
            "input.payloads[0].metadata[0].value: must be a string");
    refused(START, "{\"nmespace\":\"x\"}", "has no member 'nmespace'");
    refused(START, "{\"namespace\":\"x\",}", "line 1");
    refused(START, "", "no JSON");
    refused(START, "[]", "must be an object");
    refused(START, "{\"namespace\":\"\xff\"}", "no JSON");
}

static void nesting_is_limited(void **state)
{
    struct sk_buf text = SK_BUF_INIT;
    for (int i = 0; i < 99; i++)
        sk_buf_str(&text, "{\"cause\":");
    sk_buf_str(&text, "{}");
    for (int i = 0; i < 99; i++)
        sk_buf_str(&text, "}");
    sk_buf_append(&text, "", 1);
    same(FAILURE, text.p);
    sk_buf_clear(&text);
    for (int i = 0; i < 100000; i++)
        sk_buf_str(&text, "[");
    sk_buf_append(&text, "", 1);
    refused(FAILURE, text.p, "nests deeper than 100");
    sk_buf_fini(&text);
}

static void pretty_prints_one_member_a_line(void **state)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_buf out = SK_BUF_INIT;
    ProtobufCMessage *message;
    const ProtobufCMessageDescriptor *type = sk_wire_type("temporal.api.common.v1.Payloads");
    assert_int_equal(sk_wire_json_parse(&ctx, type, SK_STR("{\"payloads\":[{\"data\":\"MQ==\"}]}"),
                                        &message),
                     SK_OK);
    sk_wire_json_print(&out, message, SK_WIRE_JSON_PRETTY);
    sk_buf_append(&out, "", 1);
    assert_string_equal(out.p,
                        "{\n  \"payloads\": [\n    {\n      \"data\": \"MQ==\"\n    }\n  ]\n}");
    sk_buf_fini(&out);
    sk_arena_free(ctx.arena);
}

static void base64_reads_what_it_writes(void **state)
{
    struct sk_arena *arena = sk_arena_new(0);
    char bytes[64];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 37 + 200);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        struct sk_buf text = SK_BUF_INIT;
        struct sk_str back;
        sk_wire_base64_append(&text, (struct sk_str){bytes, n});
        assert_true(sk_wire_base64_read(arena, sk_buf_view(&text), &back));
        assert_true(sk_str_eq(back, (struct sk_str){bytes, n}));
        sk_buf_fini(&text);
    }
    struct sk_str back;
    assert_true(sk_wire_base64_read(arena, SK_STR("_-8"), &back));
    assert_int_equal(back.n, 2);
    assert_false(sk_wire_base64_read(arena, SK_STR("A"), &back));
    assert_false(sk_wire_base64_read(arena, SK_STR("AA=A"), &back));
    assert_false(sk_wire_base64_read(arena, SK_STR("A==="), &back));
    sk_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_go_both_ways),
        cmocka_unit_test(enums_have_full_short_and_numeric_names),
        cmocka_unit_test(times_and_durations),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(own_forms),
        cmocka_unit_test(free_text_is_text),
        cmocka_unit_test(oneofs_take_one_member),
        cmocka_unit_test(mistakes_name_the_place),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(pretty_prints_one_member_a_line),
        cmocka_unit_test(base64_reads_what_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
