/* Decoding: what honest bytes become, and that hostile ones are refused by name, in bounded space.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "temporal/api/failure/v1/message.pb-c.h"
#include "temporal/api/history/v1/message.pb-c.h"
#include "temporal/api/workflowservice/v1/request_response.pb-c.h"
#include "wire/wire.h"

#define START(name) temporal__api__workflowservice__v1__start_workflow_execution_request__##name
#define FAILURE(name) temporal__api__failure__v1__failure__##name
typedef Temporal__Api__Workflowservice__V1__StartWorkflowExecutionRequest start_request;
typedef Temporal__Api__Failure__V1__Failure failure;

static struct sk_ctx *ctx_new(void)
{
    struct sk_ctx *ctx = sk_mem_zalloc(sizeof(*ctx));
    ctx->arena = sk_arena_new(0);
    return ctx;
}

static void ctx_free(struct sk_ctx *ctx)
{
    sk_arena_free(ctx->arena);
    sk_mem_free(ctx);
}

static void put_varint(struct sk_buf *buf, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        sk_buf_append(buf, &(uint8_t){(uint8_t)(v | 0x80)}, 1);
    sk_buf_append(buf, &(uint8_t){(uint8_t)v}, 1);
}

static void put_field(struct sk_buf *buf, unsigned id, const void *bytes, size_t n)
{
    put_varint(buf, id << 3 | 2);
    put_varint(buf, n);
    sk_buf_append(buf, bytes, n);
}

/* Decode must fail with code and this text in the message. */
static void refused(const ProtobufCMessageDescriptor *type, struct sk_str bytes, const char *text)
{
    struct sk_ctx *ctx = ctx_new();
    ProtobufCMessage *message = NULL;
    assert_int_equal(sk_wire_decode(ctx, type, bytes, &message), SK_INVALID_ARGUMENT);
    assert_null(message);
    if (!strstr(ctx->err.message, text))
        fail_msg("got: %s\nwant: %s", ctx->err.message, text);
    ctx_free(ctx);
}

static void decodes_what_protobuf_c_packs(void **state)
{
    struct sk_ctx *ctx = ctx_new();
    start_request request;
    START(init)(&request);
    request.namespace_ = (char *)"default";
    request.workflow_id = (char *)"order-1";
    request.request_eager_execution = true;
    Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
    timeout.seconds = -5;
    timeout.nanos = 7;
    request.workflow_run_timeout = &timeout;
    Temporal__Api__Common__V1__Payload payloads[5], *list[5];
    for (int i = 0; i < 5; i++) {
        temporal__api__common__v1__payload__init(&payloads[i]);
        payloads[i].data = (ProtobufCBinaryData){3, (uint8_t *)"a\0b"};
        list[i] = &payloads[i];
    }
    Temporal__Api__Common__V1__Payloads input = TEMPORAL__API__COMMON__V1__PAYLOADS__INIT;
    input.n_payloads = 5;
    input.payloads = list;
    request.input = &input;

    struct sk_str bytes = sk_wire_pack(ctx->arena, &request.base);
    ProtobufCMessage *message = NULL;
    assert_int_equal(sk_wire_decode(ctx, &START(descriptor), bytes, &message), SK_OK);
    const start_request *got = (const start_request *)message;
    assert_string_equal(got->namespace_, "default");
    assert_string_equal(got->workflow_id, "order-1");
    assert_string_equal(got->identity, "");
    assert_true(got->request_eager_execution);
    assert_int_equal(got->workflow_run_timeout->seconds, -5);
    assert_int_equal(got->workflow_run_timeout->nanos, 7);
    assert_int_equal(got->input->n_payloads, 5);
    assert_int_equal(got->input->payloads[4]->data.len, 3);
    assert_null(got->memo);

    struct sk_str again = sk_wire_pack(ctx->arena, message);
    assert_true(sk_str_eq(bytes, again));
    ctx_free(ctx);
}

static void last_value_wins_and_messages_merge(void **state)
{
    struct sk_ctx *ctx = ctx_new();
    struct sk_buf buf = SK_BUF_INIT;
    put_field(&buf, 2, "one", 3);
    put_field(&buf, 2, "two", 3);
    put_field(&buf, 3, "\x0a\x01n", 3); // workflow_type.name, twice the same message
    put_field(&buf, 3, "", 0);
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_decode(ctx, &START(descriptor), sk_buf_view(&buf), &message), SK_OK);
    const start_request *got = (const start_request *)message;
    assert_string_equal(got->workflow_id, "two");
    assert_string_equal(got->workflow_type->name, "n");
    sk_buf_fini(&buf);
    ctx_free(ctx);
}

static void oneof_keeps_the_last_member_only(void **state)
{
    struct sk_ctx *ctx = ctx_new();
    struct sk_buf buf = SK_BUF_INIT;
    put_field(&buf, 5, "\x0a\x01t", 3); // application_failure_info.type
    put_field(&buf, 6, "", 0);          // timeout_failure_info
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_decode(ctx, &FAILURE(descriptor), sk_buf_view(&buf), &message), SK_OK);
    const failure *got = (const failure *)message;
    assert_int_equal(got->failure_info_case, 6);
    assert_ptr_equal(got->timeout_failure_info->base.descriptor,
                     &temporal__api__failure__v1__timeout_failure_info__descriptor);
    sk_buf_fini(&buf);
    ctx_free(ctx);
}

static void unknown_fields_survive_a_repack(void **state)
{
    struct sk_ctx *ctx = ctx_new();
    struct sk_buf buf = SK_BUF_INIT;
    put_field(&buf, 2, "id", 2);
    put_field(&buf, 5000, "later", 5);
    put_varint(&buf, 5001 << 3);
    put_varint(&buf, 77);
    put_varint(&buf, 5002 << 3 | 5);
    sk_buf_append(&buf, "abcd", 4);
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_decode(ctx, &START(descriptor), sk_buf_view(&buf), &message), SK_OK);
    assert_int_equal(message->n_unknown_fields, 3);
    assert_true(sk_str_eq(sk_wire_pack(ctx->arena, message), sk_buf_view(&buf)));
    sk_buf_fini(&buf);
    ctx_free(ctx);
}

static void packed_and_single_numbers_are_one_list(void **state)
{
    // google.protobuf.FileDescriptorProto.public_dependency (10), repeated int32, proto2: unpacked
    const ProtobufCMessageDescriptor *type = sk_wire_type("google.protobuf.FileDescriptorProto");
    assert_non_null(type);
    struct sk_ctx *ctx = ctx_new();
    struct sk_buf buf = SK_BUF_INIT;
    put_varint(&buf, 10 << 3);
    put_varint(&buf, 1);
    put_field(&buf, 10, "\x02\x03\xac\x02", 4);
    put_varint(&buf, 10 << 3);
    put_varint(&buf, 5);
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_decode(ctx, type, sk_buf_view(&buf), &message), SK_OK);
    const Google__Protobuf__FileDescriptorProto *file = (const void *)message;
    assert_int_equal(file->n_public_dependency, 5);
    const int32_t want[] = {1, 2, 3, 300, 5};
    assert_memory_equal(file->public_dependency, want, sizeof(want));
    sk_buf_fini(&buf);
    ctx_free(ctx);
}

static void fixed_size_numbers(void **state)
{
    struct sk_ctx *ctx = ctx_new();
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_decode(ctx, &google__protobuf__double_value__descriptor,
                                    SK_STR("\x09\0\0\0\0\0\0\xf8\x3f"), &message),
                     SK_OK);
    assert_true(((Google__Protobuf__DoubleValue *)message)->value == 1.5);
    assert_int_equal(sk_wire_decode(ctx, &google__protobuf__float_value__descriptor,
                                    SK_STR("\x0d\0\0\x20\x40"), &message),
                     SK_OK);
    assert_true(((Google__Protobuf__FloatValue *)message)->value == 2.5f);
    refused(&google__protobuf__float_value__descriptor, SK_STR("\x0d\0\0\x20"), "value: is not");
    refused(&google__protobuf__double_value__descriptor, SK_STR("\x09\0\0\0\0\0\0\xf8"),
            "value: is not");
    ctx_free(ctx);
}

static struct sk_str nested_failure(struct sk_ctx *ctx, int depth)
{
    struct sk_str inner = {"", 0};
    for (int i = 1; i < depth; i++) {
        struct sk_buf buf = SK_BUF_INIT;
        put_field(&buf, 4, inner.p, inner.n);
        inner = (struct sk_str){sk_arena_memdup(ctx->arena, buf.p, buf.n), buf.n};
        sk_buf_fini(&buf);
    }
    return inner;
}

static void nesting_is_limited(void **state)
{
    struct sk_ctx *ctx = ctx_new();
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_decode(ctx, &FAILURE(descriptor), nested_failure(ctx, 95), &message),
                     SK_OK);
    refused(&FAILURE(descriptor), nested_failure(ctx, 96), "messages nest deeper than 95");
    refused(&FAILURE(descriptor), nested_failure(ctx, 10000), "cause.cause: messages nest deeper");
    ctx_free(ctx);
}

static void text_is_checked(void **state)
{
    struct sk_buf buf = SK_BUF_INIT;
    put_field(&buf, 2, "a\xff", 2);
    refused(&START(descriptor), sk_buf_view(&buf), "workflow_id: is not valid UTF-8");
    sk_buf_clear(&buf);
    put_field(&buf, 2, "eight by\0tes", 12);
    refused(&START(descriptor), sk_buf_view(&buf), "workflow_id: holds the character U+0000");
    sk_buf_clear(&buf);
    put_field(&buf, 1, "not \xc0\x80", 6); // Failure.message: bytes in C, still text
    refused(&FAILURE(descriptor), sk_buf_view(&buf), "message: is not valid UTF-8");

    struct sk_ctx *ctx = ctx_new();
    ProtobufCMessage *message;
    sk_buf_clear(&buf);
    put_field(&buf, 1, "a\0b", 3);
    assert_int_equal(sk_wire_decode(ctx, &FAILURE(descriptor), sk_buf_view(&buf), &message), SK_OK);
    assert_int_equal(((failure *)message)->message.len, 3);
    sk_buf_fini(&buf);
    ctx_free(ctx);
}

static void paths_name_the_element(void **state)
{
    // input.payloads[1].metadata[0].key
    struct sk_buf entry = SK_BUF_INIT, payload = SK_BUF_INIT, payloads = SK_BUF_INIT,
                  request = SK_BUF_INIT;
    put_field(&entry, 1, "\xff", 1);
    put_field(&payload, 1, entry.p, entry.n);
    put_field(&payloads, 1, "", 0);
    put_field(&payloads, 1, payload.p, payload.n);
    put_field(&request, 5, payloads.p, payloads.n);
    refused(&START(descriptor), sk_buf_view(&request), "input.payloads[1].metadata[0].key: ");
    sk_buf_fini(&entry);
    sk_buf_fini(&payload);
    sk_buf_fini(&payloads);
    sk_buf_fini(&request);
}

static void malformed_bytes_are_refused(void **state)
{
    static const struct {
        struct sk_str bytes;
        const char *text;
    } rows[] = {
        {{"\x12", 1}, "workflow_id: the bytes end inside"},
        {{"\x12\x05"
          "ab",
          4},
         "workflow_id: the bytes end inside"},
        {{"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, "workflow_id: the bytes end inside"},
        {{"\x10\x01", 2}, "workflow_id: has wire type 0, must be 2"},
        {{"\x00\x01", 2}, "tag is malformed"},
        {{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, "tag is malformed"},
        {{"\x80", 1}, "tag is malformed"},
        {{"\x13\x14", 2}, "workflow_id: has wire type 3"},
        {{"\xc3\xb8\x02", 3}, "unknown field 5000 is malformed"},
        {{"\xc5\xb8\x02"
          "abc",
          6},
         "unknown field 5000 is malformed"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        refused(&START(descriptor), rows[i].bytes, rows[i].text);
}

static void tiny_elements_cannot_blow_up_memory(void **state)
{
    const ProtobufCMessageDescriptor *type = sk_wire_type("temporal.api.history.v1.History");
    struct sk_buf buf = SK_BUF_INIT;
    for (int i = 0; i < 1000000; i++)
        sk_buf_append(&buf, "\x0a\x00", 2);
    refused(type, sk_buf_view(&buf), "bytes of memory");
    sk_buf_fini(&buf);
}

/* A part of a message that was within its bounds as a whole, thanks to another part. */
static void own_records_may_be_all_tiny_elements(void **state)
{
    enum { TINY = 300000, OTHER = 2000000 };
    struct sk_buf tiny = SK_BUF_INIT, request = SK_BUF_INIT;
    for (int i = 0; i < TINY; i++)
        put_field(&tiny, 1, "", 0); // payloads
    char *other = sk_mem_zalloc(OTHER);
    memset(other, 'x', OTHER);
    enum { DETAILS = 2, RESOURCE_ID = 5 };
    put_field(&request, DETAILS, tiny.p, tiny.n);
    put_field(&request, RESOURCE_ID, other, OTHER);
    struct sk_ctx *ctx = ctx_new();
    ProtobufCMessage *m;
    assert_int_equal(
        sk_wire_decode(
            ctx,
            &temporal__api__workflowservice__v1__record_activity_task_heartbeat_request__descriptor,
            sk_buf_view(&request), &m),
        SK_OK);
    const Temporal__Api__Workflowservice__V1__RecordActivityTaskHeartbeatRequest *r = (void *)m;
    struct sk_str part = sk_wire_pack(ctx->arena, &r->details->base);
    refused(&temporal__api__common__v1__payloads__descriptor, part, "bytes of memory");
    assert_int_equal(
        sk_wire_decode_own(ctx, &temporal__api__common__v1__payloads__descriptor, part, &m), SK_OK);
    assert_int_equal(((const Temporal__Api__Common__V1__Payloads *)m)->n_payloads, TINY);
    sk_mem_free(other);
    sk_buf_fini(&tiny);
    sk_buf_fini(&request);
    ctx_free(ctx);
}

static void every_prefix_and_every_flipped_byte_is_survived(void **state)
{
    struct sk_ctx *ctx = ctx_new();
    struct sk_buf buf = SK_BUF_INIT;
    put_field(&buf, 1, "default", 7);
    put_field(&buf, 3,
              "\x0a\x05"
              "hello",
              7);
    put_field(&buf, 5,
              "\x0a\x10\x0a\x09\x0a\x03"
              "abc"
              "\x12\x02"
              "xy"
              "\x12\x03"
              "123",
              18);
    for (size_t n = 0; n <= buf.n; n++) {
        char *exact = sk_mem_alloc(n + 1); // so that a sanitizer sees a read past the end
        memcpy(exact, buf.p, n);
        for (size_t flip = 0; flip < n * 8; flip++) {
            exact[flip / 8] = (char)(exact[flip / 8] ^ (1 << flip % 8));
            ProtobufCMessage *message;
            sk_ctx_clear(ctx);
            if (sk_wire_decode(ctx, &START(descriptor), (struct sk_str){exact, n}, &message) ==
                SK_OK)
                sk_wire_pack(ctx->arena, message);
            exact[flip / 8] = (char)(exact[flip / 8] ^ (1 << flip % 8));
        }
        sk_arena_clear(ctx->arena);
        sk_mem_free(exact);
    }
    sk_buf_fini(&buf);
    ctx_free(ctx);
}

static void own_records_report_data_loss(void **state)
{
    struct sk_ctx *ctx = ctx_new();
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_decode_own(ctx, &START(descriptor),
                                        SK_STR("\x12\x05"
                                               "ab"),
                                        &message),
                     SK_DATA_LOSS);
    ctx_free(ctx);
}

static void splice_adds_a_field_that_reads_back(void **state)
{
    struct sk_ctx *ctx = ctx_new();
    struct sk_buf history = SK_BUF_INIT;
    Temporal__Api__History__V1__HistoryEvent event =
        TEMPORAL__API__HISTORY__V1__HISTORY_EVENT__INIT;
    for (int i = 1; i <= 3; i++) {
        event.event_id = i;
        sk_wire_history_append(&history, &event.base);
    }
    Temporal__Api__Workflowservice__V1__GetWorkflowExecutionHistoryResponse response =
        TEMPORAL__API__WORKFLOWSERVICE__V1__GET_WORKFLOW_EXECUTION_HISTORY_RESPONSE__INIT;
    sk_wire_splice(ctx->arena, &response.base, 1, sk_buf_view(&history));
    struct sk_str bytes = sk_wire_pack(ctx->arena, &response.base);
    ProtobufCMessage *message;
    assert_int_equal(sk_wire_decode(ctx, response.base.descriptor, bytes, &message), SK_OK);
    const Temporal__Api__Workflowservice__V1__GetWorkflowExecutionHistoryResponse *got =
        (const void *)message;
    assert_int_equal(got->history->n_events, 3);
    assert_int_equal(got->history->events[2]->event_id, 3);
    sk_buf_fini(&history);
    ctx_free(ctx);
}

static void types_are_found_by_name(void **state)
{
    assert_ptr_equal(sk_wire_type("temporal.api.failure.v1.Failure"), &FAILURE(descriptor));
    assert_null(sk_wire_type("temporal.api.failure.v1.Failur"));
    assert_null(sk_wire_type(""));
    assert_true(sk_wire_descriptors().n > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_what_protobuf_c_packs),
        cmocka_unit_test(last_value_wins_and_messages_merge),
        cmocka_unit_test(oneof_keeps_the_last_member_only),
        cmocka_unit_test(unknown_fields_survive_a_repack),
        cmocka_unit_test(packed_and_single_numbers_are_one_list),
        cmocka_unit_test(fixed_size_numbers),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(text_is_checked),
        cmocka_unit_test(paths_name_the_element),
        cmocka_unit_test(malformed_bytes_are_refused),
        cmocka_unit_test(tiny_elements_cannot_blow_up_memory),
        cmocka_unit_test(own_records_may_be_all_tiny_elements),
        cmocka_unit_test(every_prefix_and_every_flipped_byte_is_survived),
        cmocka_unit_test(own_records_report_data_loss),
        cmocka_unit_test(splice_adds_a_field_that_reads_back),
        cmocka_unit_test(types_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
