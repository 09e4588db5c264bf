/* proto3 JSON both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
    if (sk_wire_json_parse(&ctx, sk_wire_type(type), sk_str_of(text), 0, &message) != SK_OK)
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
    assert_int_equal(sk_wire_json_parse(&ctx, sk_wire_type(type), sk_str_of(text), 0, &message),
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
    refused(START, "{\"links\":{\"a\":{}}}", "links[0]: must be a list");
    refused(START, "{\"memo\":{\"fields\":[{\"key\":\"a\"}]}}",
            "memo.fields[0]: must be an object");
    refused(START, "{\"@other\":1}", "has no member '@other'");
    refused(START, "", "no JSON");
    refused(START, "[]", "must be an object");
    refused(START, "{\"namespace\":\"\xff\"}", "no JSON");
}

/* A second filling would write past the room of the first. */
static void no_field_is_filled_twice(void **state)
{
    refused(START, "{\"workflowId\":\"a\",\"workflow_id\":\"b\"}", "workflow_id: is there twice");
    refused(START, "{\"completionCallbacks\":[{}],\"completion_callbacks\":[{},{}]}",
            "completion_callbacks[0]: is there twice");
    struct sk_buf text = SK_BUF_INIT;
    sk_buf_str(&text, "{\"searchAttributes\":{\"indexed_fields\":{\"k\":{}");
    for (int i = 0; i < 2000; i++)
        sk_buf_printf(&text, ",\"k%d\":{}", i);
    sk_buf_str(&text, "},\"indexedFields\":{\"a\":{}}}}");
    sk_buf_append(&text, "", 1);
    refused(START, text.p, "search_attributes.indexed_fields[0]: is there twice");
    sk_buf_fini(&text);
}

static void nesting_is_limited(void **state)
{
    struct sk_buf text = SK_BUF_INIT;
    for (int i = 0; i < 94; i++)
        sk_buf_str(&text, "{\"cause\":");
    sk_buf_str(&text, "{}");
    for (int i = 0; i < 94; i++)
        sk_buf_str(&text, "}");
    sk_buf_append(&text, "", 1);
    same(FAILURE, text.p);
    sk_buf_clear(&text);
    for (int i = 0; i < 100000; i++)
        sk_buf_str(&text, "[");
    sk_buf_append(&text, "", 1);
    refused(FAILURE, text.p, "nests deeper than 95");
    sk_buf_fini(&text);
}

static void pretty_prints_one_member_a_line(void **state)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_buf out = SK_BUF_INIT;
    ProtobufCMessage *message;
    const ProtobufCMessageDescriptor *type = sk_wire_type("temporal.api.common.v1.Payloads");
    assert_int_equal(sk_wire_json_parse(&ctx, type, SK_STR("{\"payloads\":[{\"data\":\"MQ==\"}]}"),
                                        0, &message),
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

#define PAYLOADS "temporal.api.common.v1.Payloads"
#define MEMO "temporal.api.common.v1.Memo"

/* The same in the short forms of payloads, and back. */
static void becomes_short(const char *type, const char *text, const char *want, unsigned more)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_buf out = SK_BUF_INIT;
    ProtobufCMessage *message, *again;
    unsigned flags = SK_WIRE_JSON_SHORTHAND | more;
    if (sk_wire_json_parse(&ctx, sk_wire_type(type), sk_str_of(text), flags, &message) != SK_OK)
        fail_msg("%s: %s", text, ctx.err.message);
    sk_wire_json_print(&out, message, flags);
    assert_int_equal(sk_wire_json_parse(&ctx, sk_wire_type(type), sk_buf_view(&out), flags, &again),
                     SK_OK);
    struct sk_str packed = sk_wire_pack(ctx.arena, message);
    if (!more) // spaces are no part of the value
        assert_true(sk_str_eq(packed, sk_wire_pack(ctx.arena, again)));
    sk_buf_append(&out, "", 1);
    assert_string_equal(out.p, want);
    sk_buf_fini(&out);
    sk_arena_free(ctx.arena);
}

static void payloads_have_short_forms(void **state)
{
    const char *values = "[1,\"two\",{\"a\":[null,true,0.1,-5e+30]},null,9007199254740993,[],{}]";
    becomes_short(PAYLOADS, values, values, 0);
    becomes_short(PAYLOADS, "null", "[]", 0);
    becomes_short(MEMO, "{\"fields\":{\"k\":{\"_protoMessageType\":\"a.B\",\"x\":1}}}",
                  "{\"fields\":{\"k\":{\"_protoMessageType\":\"a.B\",\"x\":1}}}", 0);
    becomes_short(MEMO, "{\"fields\":{\"k\":{\"_protoMessageType\":\"a.B\"}}}",
                  "{\"fields\":{\"k\":{\"_protoMessageType\":\"a.B\"}}}", 0);
    becomes_short(PAYLOADS, "[{\"a\":[],\"b\":[1,{}]}]",
                  "[\n  {\n    \"a\": [],\n    \"b\": [\n      1,\n      {}\n    ]\n  }\n]",
                  SK_WIRE_JSON_PRETTY);
}

static void other_payloads_stay_long(void **state)
{
    // one of another encoding makes the whole list long; what looks long is long
    const char *binary = "{\"metadata\":{\"encoding\":\"YmluYXJ5L3BsYWlu\"},\"data\":\"AA==\"}";
    char text[400];
    snprintf(text, sizeof text, "{\"payloads\":[%s]}", binary);
    becomes_short(PAYLOADS, text, text, 0);
    snprintf(text, sizeof text, "[%s]", binary);
    char want[400];
    snprintf(want, sizeof want, "{\"payloads\":[%s]}", binary);
    becomes_short(PAYLOADS, text, want, 0);
    // json/plain, but no JSON, or more metadata than the encoding, or a null
    same(MEMO, "{}");
    for (int i = 0; i < 4; i++) {
        static const char *const odd[] = {
            "{\"metadata\":{\"encoding\":\"anNvbi9wbGFpbg==\"},\"data\":\"ew==\"}",
            "{\"metadata\":{\"encoding\":\"anNvbi9wbGFpbg==\",\"type\":\"SW50\"},"
            "\"data\":\"MQ==\"}",
            "{\"metadata\":{\"encoding\":\"anNvbi9wbGFpbg==\"},\"data\":\"bnVsbA==\"}",
            "{\"metadata\":{\"encoding\":\"anNvbi9wbGFpbg==\"}}",
        };
        snprintf(text, sizeof text, "{\"fields\":{\"k\":%s}}", odd[i]);
        becomes_short(MEMO, text, text, 0);
    }
    // a value that is shaped like a payload, but is none
    const char *value = "[{\"metadata\":{\"encoding\":\"x\"},\"data\":\"y\"}]";
    becomes_short(PAYLOADS, value, value, 0);
}

static void small_elements_do_not_take_much_memory(void **state)
{
    struct sk_buf text = SK_BUF_INIT;
    sk_buf_str(&text, "[");
    for (int i = 0; i < 200000; i++)
        sk_buf_str(&text, "1,");
    sk_buf_str(&text, "1]");
    for (unsigned flags = 0; flags <= SK_WIRE_JSON_SHORTHAND; flags += SK_WIRE_JSON_SHORTHAND) {
        struct sk_ctx ctx = {.arena = sk_arena_new(0)};
        ProtobufCMessage *message;
        struct sk_buf whole = SK_BUF_INIT;
        for (size_t i = 0; !flags && i < text.n; i++) // {} instead of 1
            if (text.p[i] == '1')
                sk_buf_str(&whole, "{}");
            else
                sk_buf_append(&whole, text.p + i, 1);
        if (!flags) {
            struct sk_buf list = whole;
            whole = SK_BUF_INIT;
            sk_buf_str(&whole, "{\"payloads\":");
            sk_buf_append(&whole, list.p, list.n);
            sk_buf_str(&whole, "}");
            sk_buf_fini(&list);
        }
        assert_int_equal(sk_wire_json_parse(&ctx, sk_wire_type(PAYLOADS),
                                            sk_buf_view(flags ? &text : &whole), flags, &message),
                         SK_INVALID_ARGUMENT);
        assert_non_null(strstr(ctx.err.message, "too much memory"));
        sk_buf_fini(&whole);
        sk_arena_free(ctx.arena);
    }
    sk_buf_fini(&text);
}

/* jansson's tree of it would take a hundred times the text. */
static void a_tree_has_a_bound(void **state)
{
    struct sk_buf text = SK_BUF_INIT;
    sk_buf_str(&text, "{\"links\":[{}");
    for (int i = 0; i < 400000; i++)
        sk_buf_str(&text, ",{}");
    sk_buf_str(&text, "]}");
    sk_buf_append(&text, "", 1);
    refused(START, text.p, "the JSON takes too much memory");
    refused(START, "{", "no JSON"); // and nothing of it stays
    sk_buf_fini(&text);
}

static void spliced_fields_are_printed(void **state)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_buf out = SK_BUF_INIT;
    ProtobufCMessage *info, *memo;
    const ProtobufCMessageDescriptor *type =
        sk_wire_type("temporal.api.workflow.v1.WorkflowExecutionInfo");
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(type, "memo");
    assert_int_equal(sk_wire_json_parse(&ctx, type, SK_STR("{\"taskQueue\":\"q\"}"), 0, &info),
                     SK_OK);
    assert_int_equal(sk_wire_json_parse(&ctx, sk_wire_type(MEMO),
                                        SK_STR("{\"fields\":{\"a\":{\"data\":\"MQ==\"}}}"), 0,
                                        &memo),
                     SK_OK);
    sk_wire_splice(ctx.arena, info, field->id, sk_wire_pack(ctx.arena, memo));
    sk_wire_json_print(&out, info, 0);
    sk_buf_append(&out, "", 1);
    assert_string_equal(out.p,
                        "{\"memo\":{\"fields\":{\"a\":{\"data\":\"MQ==\"}}},\"taskQueue\":\"q\"}");
    sk_buf_fini(&out);
    sk_arena_free(ctx.arena);
}

/* Set path to text in an empty message; it prints as want, or fails with a message that has want.
 */
static void set(const char *type, const char *path, const char *text, sk_err err, const char *want)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_buf out = SK_BUF_INIT;
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_json_parse(&ctx, sk_wire_type(type), SK_STR("{}"), 0, &message),
                     SK_OK);
    assert_int_equal(sk_wire_json_set(&ctx, message, sk_str_of(path), sk_str_of(text)), err);
    if (!err)
        sk_wire_json_print(&out, message, 0);
    else
        sk_buf_str(&out, ctx.err.message);
    sk_buf_append(&out, "", 1);
    if (err ? !strstr(out.p, want) : strcmp(out.p, want) != 0)
        fail_msg("%s=%s: %s", path, text, out.p);
    sk_buf_fini(&out);
    sk_arena_free(ctx.arena);
}

#define HISTORY "temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryRequest"
#define OPEN "temporal.api.workflowservice.v1.ListOpenWorkflowExecutionsRequest"

static void fields_are_set_from_text(void **state)
{
    const char *run = "{\"execution\":{\"runId\":\"r\"}}";
    set(HISTORY, "execution.runId", "r", SK_OK, run);
    set(HISTORY, "execution.run_id", "r", SK_OK, run);
    set(HISTORY, "waitNewEvent", "true", SK_OK, "{\"waitNewEvent\":true}");
    set(HISTORY, "maximum_page_size", "7", SK_OK, "{\"maximumPageSize\":7}");
    set(HISTORY, "nextPageToken", "AQI", SK_OK, "{\"nextPageToken\":\"AQI=\"}");
    for (int i = 0; i < 2; i++)
        set(HISTORY, "historyEventFilterType", i ? "2" : "HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT",
            SK_OK, "{\"historyEventFilterType\":\"HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT\"}");
    set(OPEN, "startTimeFilter.earliestTime", "2024-01-02T03:04:05Z", SK_OK,
        "{\"startTimeFilter\":{\"earliestTime\":\"2024-01-02T03:04:05Z\"}}");
    set(OPEN, "typeFilter.name", "T", SK_OK, "{\"typeFilter\":{\"name\":\"T\"}}");
    set(START, "workflowRunTimeout", "5s", SK_OK, "{\"workflowRunTimeout\":\"5s\"}");
    set("temporal.api.workflowservice.v1.DescribeTaskQueueRequest", "versions.buildIds", "b", SK_OK,
        "{\"versions\":{\"buildIds\":[\"b\"]}}");
    set(HISTORY, "waitNewEvent", "yes", SK_INVALID_ARGUMENT, "wait_new_event: must be true or");
    set(HISTORY, "execution.x", "r", SK_INVALID_ARGUMENT, "execution: WorkflowExecution has no");
    set(HISTORY, "execution", "r", SK_INVALID_ARGUMENT, "execution: is a message");
    set(HISTORY, "namespace.x", "r", SK_INVALID_ARGUMENT, "namespace: has no fields");
    set(HISTORY, "", "r", SK_INVALID_ARGUMENT, "empty");
    set(HISTORY, "execution.", "r", SK_INVALID_ARGUMENT, "empty");
    set(HISTORY, "namespace", "\xff", SK_INVALID_ARGUMENT, "UTF-8");
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
        cmocka_unit_test(no_field_is_filled_twice),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(pretty_prints_one_member_a_line),
        cmocka_unit_test(payloads_have_short_forms),
        cmocka_unit_test(other_payloads_stay_long),
        cmocka_unit_test(small_elements_do_not_take_much_memory),
        cmocka_unit_test(a_tree_has_a_bound),
        cmocka_unit_test(spliced_fields_are_printed),
        cmocka_unit_test(fields_are_set_from_text),
        cmocka_unit_test(base64_reads_what_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
