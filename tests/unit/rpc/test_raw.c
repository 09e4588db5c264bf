/* What clients should never send: broken frames, floods, bombs, half-open connections. */
#include "fixture.h"

#include <grpc/reflection/v1/reflection.pb-c.h>
#include <libdeflate.h>
#include <stdlib.h>
#include "../net/raw.h"

#define ECHO_PATH "/test.Echo/Echo"
enum { PROTOCOL_ERROR = 1, FLOW_CONTROL_ERROR = 3, FRAME_SIZE_ERROR = 6, ENHANCE_YOUR_CALM = 11 };

/* One message: the payload "hi". */
static const char hello[] = {0, 0, 0, 0, 4, 0x12, 2, 'h', 'i'};

static void still_serves(struct fixture *fx)
{
    struct raw *raw = raw_connect(fx->port);
    raw_preface(raw);
    raw_call(raw, 1, ECHO_PATH, hello, sizeof hello);
    assert_int_equal(raw_status(raw, 1), 0);
    raw_close(raw);
}

static struct raw *greet(struct fixture *fx)
{
    struct raw *raw = raw_connect(fx->port);
    raw_preface(raw);
    return raw;
}

static void ends_with(struct fixture *fx, struct raw *raw, int code)
{
    assert_int_equal(raw_wait_end(raw), code);
    raw_close(raw);
    still_serves(fx);
}

static void bad_preface(struct fixture *fx)
{
    struct raw *raw = raw_connect(fx->port);
    raw_send(raw, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    assert_true(raw_wait_end(raw) >= 0);
    raw_close(raw);
    raw = raw_connect(fx->port); // closed without a word
    raw_close(raw);
    raw = raw_connect(fx->port); // in the middle of the preface
    raw_send(raw, "PRI * HT", 8);
    raw_close(raw);
    still_serves(fx);
}

static void byte_by_byte(struct fixture *fx)
{
    struct sk_buf block = SK_BUF_INIT, out = SK_BUF_INIT;
    raw_call_fields(&block, ECHO_PATH);
    sk_buf_append(&out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    sk_buf_append(&out, "\0\0\0\4\0\0\0\0\0", 9);
    sk_buf_append(&out, (char[]){0, 0, (char)block.n, HEADERS, END_HEADERS, 0, 0, 0, 1}, 9);
    sk_buf_append(&out, block.p, block.n);
    sk_buf_append(&out, (char[]){0, 0, sizeof hello, DATA, END_STREAM, 0, 0, 0, 1}, 9);
    sk_buf_append(&out, hello, sizeof hello);
    struct raw *raw = raw_connect(fx->port);
    for (size_t i = 0; i < out.n; i++) {
        raw_send(raw, out.p + i, 1);
        sk_fiber_yield();
        if (i % 8 == 0)
            sk_fiber_sleep(1); // or the kernel joins them again
    }
    assert_int_equal(raw_status(raw, 1), 0);
    raw_close(raw);
    sk_buf_fini(&block);
    sk_buf_fini(&out);
}

/* What it cannot find is repeated, cut before a character: it stands in a field that is text. */
static void reflection_of_long_names(struct fixture *fx)
{
    Grpc__Reflection__V1__ServerReflectionRequest request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    char name[1201] = "";
    uint8_t framed[1300];
    for (size_t i = 0; i < 1200; i += 3)
        memcpy(name + i, "\xe2\x82\xac", 3);
    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    request.file_by_filename = name;
    size_t n = grpc__reflection__v1__server_reflection_request__pack(&request, framed + 5);
    memcpy(framed, (uint8_t[]){0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n}, 5);
    struct raw *raw = greet(fx);
    struct raw_frame frame;
    raw_call(raw, 1, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", framed, n + 5);
    assert_true(raw_wait(raw, DATA, &frame));
    Grpc__Reflection__V1__ServerReflectionResponse *response =
        grpc__reflection__v1__server_reflection_response__unpack(NULL, frame.size - 5,
                                                                 frame.payload + 5);
    assert_non_null(response);
    const char *message = response->error_response->error_message;
    assert_true(strlen(message) > 1000 && sk_utf8_valid(message, strlen(message)));
    grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
    raw_close(raw);
}

static void broken_frames(struct fixture *fx)
{
    static const char zeros[20000];
    struct raw *raw = greet(fx);
    raw_frame(raw, DATA, 0, 1, zeros, 16385);
    ends_with(fx, raw, FRAME_SIZE_ERROR);
    raw = greet(fx);
    raw_frame(raw, DATA, 0, 0, "x", 1);
    ends_with(fx, raw, PROTOCOL_ERROR);
    raw = greet(fx);
    raw_call(raw, 2, ECHO_PATH, hello, sizeof hello);
    ends_with(fx, raw, PROTOCOL_ERROR);
    raw = greet(fx);
    raw_frame(raw, SETTINGS, 0, 0, "12345", 5);
    ends_with(fx, raw, FRAME_SIZE_ERROR);
    raw = greet(fx);
    raw_frame(raw, WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4);
    ends_with(fx, raw, FLOW_CONTROL_ERROR);
    raw = greet(fx);
    raw_frame(raw, HEADERS, END_HEADERS, 1, "\xff\xff\xff\xff\xff\xff\xff", 7); // no HPACK
    assert_true(raw_wait_end(raw) > 0);
    raw_close(raw);
    raw = greet(fx);
    raw_frame(raw, HEADERS, 0, 1, "\x82", 1); // then something that is no CONTINUATION
    raw_frame(raw, PING, 0, 0, "12345678", 8);
    ends_with(fx, raw, PROTOCOL_ERROR);
}

static void malformed_then_good(struct fixture *fx)
{
    struct raw *raw = raw_connect(fx->port);
    struct sk_buf block = SK_BUF_INIT;
    raw_call_fields(&block, ECHO_PATH);
    raw_field(&block, "Upper-Case", "x");
    raw_preface(raw);
    raw_frame(raw, HEADERS, END_HEADERS, 1, block.p, block.n);
    raw_call(raw, 3, ECHO_PATH, hello, sizeof hello);
    assert_int_equal(raw_status(raw, 3), 0);
    sk_buf_fini(&block);
    raw_close(raw);
}

/* ---- floods ---- */

/* Three times what a bucket holds, and sent in one piece: a machine may stand still, and buckets
 * refill with time. */
static void flood(struct fixture *fx, uint8_t type, uint8_t flags, uint32_t stream,
                  const char *payload, size_t n, int count)
{
    struct sk_buf out = SK_BUF_INIT;
    struct raw *raw = greet(fx);
    if (stream > 0) {
        struct sk_buf block = SK_BUF_INIT;
        raw_call_fields(&block, ECHO_PATH);
        raw_frame(raw, HEADERS, END_HEADERS, stream, block.p, block.n);
        sk_buf_fini(&block);
    }
    for (int i = 0; i < count; i++)
        raw_put(&out, type, flags, stream, payload, n);
    raw_send(raw, out.p, out.n);
    int code = raw_wait_end(raw);
    assert_int_equal(code, ENHANCE_YOUR_CALM);
    raw_close(raw);
    sk_buf_fini(&out);
}

static void floods(struct fixture *fx)
{
    flood(fx, PING, 0, 0, "12345678", 8, 3000);
    flood(fx, SETTINGS, 0, 0, NULL, 0, 300);
    flood(fx, DATA, 0, 1, NULL, 0, 300);
    flood(fx, PRIORITY, 0, 1, "\0\0\0\3\1", 5, 3000);
    flood(fx, WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4, 30000);
    still_serves(fx);
}

static void rapid_reset(struct fixture *fx)
{
    struct raw *raw = greet(fx);
    struct sk_buf block = SK_BUF_INIT, out = SK_BUF_INIT;
    raw_call_fields(&block, "/test.Echo/Poll");
    for (uint32_t i = 0; i < 60000; i++) {
        raw_put(&out, HEADERS, END_HEADERS, 2 * i + 1, block.p, block.n);
        raw_put(&out, RST_STREAM, 0, 2 * i + 1, "\0\0\0\x8", 4);
    }
    raw_send(raw, out.p, out.n);
    sk_buf_fini(&out);
    ends_with(fx, raw, ENHANCE_YOUR_CALM);
    assert_true(fx->handled <= 1);
    sk_buf_fini(&block);
}

/* A worker's shutdown: all its polls cancelled at once, and the connection goes on. */
static void cancel_many(struct fixture *fx)
{
    enum { MANY = 10000 };
    struct raw *raw = greet(fx);
    struct sk_buf block = SK_BUF_INIT, out = SK_BUF_INIT;
    raw_call_fields(&block, "/test.Echo/Poll");
    for (uint32_t i = 0; i < MANY; i++) {
        raw_put(&out, HEADERS, END_HEADERS, 2 * i + 1, block.p, block.n);
        raw_put(&out, DATA, END_STREAM, 2 * i + 1, "\0\0\0\0\0", 5);
    }
    raw_send(raw, out.p, out.n);
    fixture_wait_parked(fx, MANY);
    sk_buf_clear(&out);
    for (uint32_t i = 0; i < MANY; i++)
        raw_put(&out, RST_STREAM, 0, 2 * i + 1, "\0\0\0\x8", 4);
    raw_send(raw, out.p, out.n);
    sk_buf_fini(&out);
    raw_call(raw, 2 * MANY + 1, ECHO_PATH, hello, sizeof hello);
    assert_int_equal(raw_status(raw, 2 * MANY + 1), 0);
    assert_int_equal(fx->gone, MANY);
    assert_int_equal(fx->last_observed, SK_OK);
    sk_buf_fini(&block);
    raw_close(raw);
}

static void continuations(struct fixture *fx)
{
    struct raw *raw = greet(fx);
    raw_frame(raw, HEADERS, 0, 1, "\x83", 1);
    for (int i = 0; i < 100 && !raw->ended; i++)
        raw_frame(raw, CONTINUATION, 0, 1, NULL, 0);
    assert_true(raw_wait_end(raw) >= 0);
    raw_close(raw);
    still_serves(fx);
}

/* ---- headers ---- */

static void header_bombs(struct fixture *fx)
{
    struct sk_buf block = SK_BUF_INIT;
    char name[32], value[9001];
    struct raw *raw = greet(fx);
    raw_call_fields(&block, ECHO_PATH);
    for (int i = 0; i < 95; i++) {
        snprintf(name, sizeof name, "x-%d", i);
        raw_field(&block, name, "v");
    }
    raw_frame(raw, HEADERS, END_HEADERS, 1, block.p, block.n);
    assert_int_equal(raw_status(raw, 1), 8);
    assert_non_null(strstr(raw_value(raw, "grpc-message"), "101 fields vs. 100"));

    sk_buf_clear(&block);
    raw_call_fields(&block, ECHO_PATH);
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    raw_field(&block, "x-a", value);
    raw_frame(raw, HEADERS, 0, 3, block.p, block.n);
    sk_buf_clear(&block);
    raw_field(&block, "x-b", value);
    raw_frame(raw, CONTINUATION, END_HEADERS, 3, block.p, block.n);
    assert_int_equal(raw_status(raw, 3), 8);
    assert_non_null(strstr(raw_value(raw, "grpc-message"), "bytes vs. 16384"));
    raw_call(raw, 5, ECHO_PATH, hello, sizeof hello); // the connection goes on
    assert_int_equal(raw_status(raw, 5), 0);
    raw_close(raw);

    // one field in HPACK's table, then a thousand references of a byte each
    raw = greet(fx);
    sk_buf_clear(&block);
    value[3000] = '\0';
    raw_call_fields(&block, ECHO_PATH);
    size_t at = block.n;
    raw_field(&block, "x-a", value);
    block.p[at] = 0x40; // indexed
    for (int i = 0; i < 1000; i++)
        sk_buf_append(&block, "\xbe", 1);
    raw_frame(raw, HEADERS, END_HEADERS | END_STREAM, 1, block.p, block.n);
    ends_with(fx, raw, ENHANCE_YOUR_CALM);
    sk_buf_fini(&block);
}

static void wrong_headers(struct fixture *fx)
{
    struct raw *raw = greet(fx);
    struct sk_buf block = SK_BUF_INIT;
    raw_field(&block, ":method", "GET");
    raw_field(&block, ":scheme", "http");
    raw_field(&block, ":path", ECHO_PATH);
    raw_field(&block, ":authority", "test");
    struct raw_frame frame;
    raw_frame(raw, HEADERS, END_HEADERS | END_STREAM, 1, block.p, block.n);
    assert_true(raw_wait(raw, HEADERS, &frame));
    assert_string_equal(raw_value(raw, ":status"), "405");
    sk_buf_clear(&block);
    raw_field(&block, ":method", "POST");
    raw_field(&block, ":scheme", "http");
    raw_field(&block, ":path", ECHO_PATH);
    raw_field(&block, ":authority", "test");
    raw_field(&block, "content-type", "application/json");
    raw_frame(raw, HEADERS, END_HEADERS | END_STREAM, 3, block.p, block.n);
    assert_true(raw_wait(raw, HEADERS, &frame));
    assert_string_equal(raw_value(raw, ":status"), "415");
    assert_true(raw_wait(raw, DATA, &frame));
    assert_true(frame.flags & END_STREAM);
    assert_memory_equal(frame.payload, "This port speaks gRPC", 21);
    static const struct {
        const char *name, *value, *says;
        int status;
    } cases[] = {
        {"grpc-timeout", "10", "malformed%20grpc-timeout", 13},
        {"grpc-timeout", "123456789S", "malformed", 13},
        {"grpc-encoding", "snappy", "grpc-encoding", 12},
    };
    for (uint32_t i = 0; i < 3; i++) {
        sk_buf_clear(&block);
        raw_call_fields(&block, ECHO_PATH);
        raw_field(&block, cases[i].name, cases[i].value);
        raw_frame(raw, HEADERS, END_HEADERS | END_STREAM, 5 + 2 * i, block.p, block.n);
        assert_int_equal(raw_status(raw, 5 + 2 * i), cases[i].status);
    }
    raw_call(raw, 21, "nonsense", hello, sizeof hello);
    assert_int_equal(raw_status(raw, 21), -1); // no path in HTTP's sense: reset
    raw_call(raw, 23, "/nonsense", hello, sizeof hello);
    assert_int_equal(raw_status(raw, 23), 12);
    sk_buf_fini(&block);
    raw_close(raw);
}

/* ---- messages ---- */

static int send_message(struct raw *raw, uint32_t stream, const char *encoding, const void *body,
                        size_t n)
{
    struct sk_buf block = SK_BUF_INIT;
    raw_call_fields(&block, ECHO_PATH);
    if (encoding)
        raw_field(&block, "grpc-encoding", encoding);
    raw_frame(raw, HEADERS, END_HEADERS, stream, block.p, block.n);
    for (; n > 16384; n -= 16384, body = (const char *)body + 16384)
        raw_frame(raw, DATA, 0, stream, body, 16384);
    raw_frame(raw, DATA, END_STREAM, stream, body, n);
    sk_buf_fini(&block);
    return raw_status(raw, stream);
}

static size_t gzip_frame(char *out, size_t room, const void *in, size_t n)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(9);
    size_t size = libdeflate_gzip_compress(compressor, in, n, out + 5, room - 5);
    libdeflate_free_compressor(compressor);
    assert_true(size > 0);
    out[0] = 1;
    out[1] = (char)(size >> 24);
    out[2] = (char)(size >> 16);
    out[3] = (char)(size >> 8);
    out[4] = (char)size;
    return size + 5;
}

static void broken_messages(struct fixture *fx)
{
    struct raw *raw = greet(fx);
    assert_int_equal(send_message(raw, 1, NULL, "", 0), 13);
    assert_int_equal(send_message(raw, 3, NULL, "\0\0\0", 3), 13);
    assert_int_equal(send_message(raw, 5, NULL, hello, sizeof hello - 1), 13);
    assert_int_equal(send_message(raw, 7, NULL, "\2\0\0\0\0", 5), 13);
    assert_int_equal(send_message(raw, 9, NULL, "\1\0\0\0\0", 5), 13);
    assert_int_equal(send_message(raw, 11, "gzip", "\1\0\0\0\0", 5), 13);
    assert_int_equal(send_message(raw, 13, NULL, "\0\0\0\0\0\0\0\0\0\0", 10), 13);
    assert_int_equal(send_message(raw, 15, NULL, "\0\0\0\0\1\x12", 6), 3);
    assert_int_equal(send_message(raw, 17, NULL, "\0\xff\xff\xff\xff", 5), 8);
    assert_string_equal(raw_value(raw, "grpc-message"),
                        "grpc: received message larger than max (4294967295 vs. 4194304)");
    raw_close(raw);
    still_serves(fx);
}

static void bombs(struct fixture *fx)
{
    size_t n = 100 << 20, room = 1 << 20;
    char *zeros = sk_mem_zalloc(n), *out = sk_mem_alloc(room);
    struct raw *raw = greet(fx);
    size_t size = gzip_frame(out, room, zeros, n);
    assert_int_equal(send_message(raw, 1, "gzip", out, size), 8);
    assert_non_null(strstr(raw_value(raw, "grpc-message"), "(104857600 vs. 4194304)"));
    memset(out + size - 4, 0, 4); // a lie about the size
    assert_int_equal(send_message(raw, 3, "gzip", out, size), 13);
    size = gzip_frame(out, room, hello + 5, 4);
    assert_int_equal(send_message(raw, 5, "gzip", out, size), 0);
    out[size - 8] ^= 1; // checksum
    assert_int_equal(send_message(raw, 7, "gzip", out, size), 13);
    out[size - 8] ^= 1;
    out[4] = (char)(out[4] - 3); // cut off
    assert_int_equal(send_message(raw, 9, "gzip", out, size - 3), 13);
    raw_close(raw);
    sk_mem_free(zeros);
    sk_mem_free(out);
}

static void half_open(struct fixture *fx)
{
    for (int i = 0; i < 20; i++) { // headers and a part of the body, then nothing
        struct raw *raw = greet(fx);
        struct sk_buf block = SK_BUF_INIT;
        raw_call_fields(&block, i % 2 ? ECHO_PATH : "/test.Echo/Poll");
        for (uint32_t j = 0; j < 5; j++) {
            raw_frame(raw, HEADERS, END_HEADERS, 2 * j + 1, block.p, block.n);
            raw_frame(raw, DATA, i % 3 == 0 ? END_STREAM : 0, 2 * j + 1, hello,
                      i % 3 == 0 ? sizeof hello : 7);
        }
        sk_fiber_sleep(2);
        sk_buf_fini(&block);
        raw_close(raw);
    }
    still_serves(fx);
}

/* Found by fuzzing: more bytes than announced, and no end. */
static void regress_more_than_announced(struct fixture *fx)
{
    struct raw *raw = greet(fx);
    struct sk_buf block = SK_BUF_INIT;
    raw_call_fields(&block, ECHO_PATH);
    raw_frame(raw, HEADERS, END_HEADERS, 1, block.p, block.n);
    raw_frame(raw, DATA, 0, 1, "\0\0\0\0\0more", 9);
    raw_frame(raw, DATA, END_STREAM, 1, "x", 1);
    assert_int_equal(raw_status(raw, 1), 13);
    sk_buf_fini(&block);
    raw_close(raw);
}

/* A client that announces 4 MiB on many streams: what does not fit the budgets is refused. */
static void announced(struct fixture *fx)
{
    struct raw *raw = greet(fx);
    struct sk_buf block = SK_BUF_INIT;
    static const char four_mib[] = {0, 0, 0x40, 0, 0};
    raw_call_fields(&block, ECHO_PATH);
    for (uint32_t i = 0; i < 20; i++) {
        raw_frame(raw, HEADERS, END_HEADERS, 2 * i + 1, block.p, block.n);
        raw_frame(raw, DATA, 0, 2 * i + 1, four_mib, sizeof four_mib);
    }
    assert_int_equal(raw_status(raw, 31), 8); // 64 MiB a connection: the 16th is one too many
    assert_non_null(strstr(raw_value(raw, "grpc-message"), "4194309 bytes"));
    sk_buf_fini(&block);
    raw_close(raw);
}

#define TEST(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        fixture_run(1, NULL, NULL, name); \
    }
TEST(bad_preface)
TEST(byte_by_byte)
TEST(reflection_of_long_names)
TEST(broken_frames)
TEST(malformed_then_good)
TEST(floods)
TEST(rapid_reset)
TEST(cancel_many)
TEST(continuations)
TEST(header_bombs)
TEST(wrong_headers)
TEST(broken_messages)
TEST(bombs)
TEST(half_open)
TEST(announced)
TEST(regress_more_than_announced)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_preface),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_reflection_of_long_names),
        cmocka_unit_test(test_broken_frames),
        cmocka_unit_test(test_malformed_then_good),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_rapid_reset),
        cmocka_unit_test(test_cancel_many),
        cmocka_unit_test(test_continuations),
        cmocka_unit_test(test_header_bombs),
        cmocka_unit_test(test_wrong_headers),
        cmocka_unit_test(test_broken_messages),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_half_open),
        cmocka_unit_test(test_announced),
        cmocka_unit_test(test_regress_more_than_announced),
    };
    return cmocka_run_group_tests_name("rpc raw", tests, NULL, NULL);
}
