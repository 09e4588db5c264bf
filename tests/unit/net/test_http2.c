/* Sessions: time limits, stalls, pings, the end. Limits are set short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../patience.h"
#include "base/metric.h"
#include "net/http2.h"
#include "raw.h"

struct fixture {
    struct sk_rt *rt;
    struct sk_listener *listener;
    struct sk_h2 *server; /* of the latest connection, NULL once closed */
    struct sk_h2_limits limits;
    void (*body)(struct fixture *fx);
    int requests, closed_streams, opened, closed, idle;
    uint32_t last_error;
    size_t answer; /* bytes of the answer; 0: none is sent */
    char bytes[300000];
};

static const struct sk_h2_header head[] = {{SK_STR(":status"), SK_STR("200")}};
static const struct sk_h2_header tail[] = {{SK_STR("grpc-status"), SK_STR("0")}};

static void on_headers(void *owner, struct sk_h2_stream *stream, const struct sk_h2_header *fields,
                       size_t count, bool trailers)
{
    struct fixture *fx = owner;
    (void)fields;
    assert_true(count > 0);
    if (!trailers)
        fx->requests++;
    (void)stream;
}

static void on_body(void *owner, struct sk_h2_stream *stream)
{
    struct fixture *fx = owner;
    if (stream->ended && fx->answer > 0)
        sk_h2_respond(stream, head, 1, (struct sk_str){fx->bytes, fx->answer}, tail, 1);
    sk_h2_drop_body(stream);
}

static void on_stream_close(void *owner, struct sk_h2_stream *stream, uint32_t error)
{
    struct fixture *fx = owner;
    (void)stream;
    fx->closed_streams++;
    fx->last_error = error;
}

static void on_idle(void *owner)
{
    struct fixture *fx = owner;
    fx->idle++;
}

static void on_close(void *owner)
{
    struct fixture *fx = owner;
    fx->closed++;
    if (fx->closed == fx->opened)
        fx->server = NULL;
}

static const struct sk_h2_events events = {.on_headers = on_headers,
                                           .on_body = on_body,
                                           .on_stream_close = on_stream_close,
                                           .on_idle = on_idle,
                                           .on_close = on_close};

static void on_accept(void *owner, struct sk_stream *stream)
{
    struct fixture *fx = owner;
    fx->opened++;
    fx->server = sk_h2_new_server(stream, NULL, &fx->limits, &events, fx);
}

static void fixture_main(void *arg)
{
    struct fixture *fx = arg;
    int error = 0;
    assert_int_equal(sk_listen("127.0.0.1", 0, on_accept, fx, &fx->listener, &error), SK_OK);
    fx->body(fx);
    if (fx->server)
        sk_h2_close(fx->server);
    WAIT_UNTIL(fx->closed == fx->opened);
    sk_listener_close(fx->listener);
    sk_fiber_sleep(10);
    sk_rt_stop(fx->rt);
}

static void run(void (*body)(struct fixture *fx), void (*set)(struct sk_h2_limits *limits))
{
    static struct fixture fx;
    fx = (struct fixture){.body = body, .limits = sk_h2_limits_default};
    set(&fx.limits);
    fx.rt = sk_rt_new(&(struct sk_rt_options){.loop_count = 1});
    sk_rt_run(fx.rt, fixture_main, &fx);
    sk_rt_free(fx.rt);
}

static struct raw *open_client(struct fixture *fx)
{
    return raw_connect(sk_listener_port(fx->listener));
}

static void usual(struct sk_h2_limits *limits)
{
    (void)limits;
}

/* Where a peer must do something within a short limit, a machine that stands still may keep it
 * from that: it tries again. */
enum { TRIES = 50 };

/* ---- the preface ---- */

static void set_preface(struct sk_h2_limits *limits)
{
    limits->preface_ms = 100;
}

static void late_preface(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    int64_t begin_ms = sk_now_mono_ms();
    assert_int_equal(raw_wait_end(raw), 0);
    assert_true(sk_now_mono_ms() - begin_ms >= 90);
    raw_close(raw);
}

/* A greeted connection outlives a later one that says nothing. */
static bool outlives(struct fixture *fx)
{
    struct raw *greeted = open_client(fx);
    raw_preface(greeted);
    struct raw *silent = open_client(fx);
    assert_int_equal(raw_wait_end(silent), 0);
    bool alive = !greeted->ended;
    raw_close(silent);
    raw_close(greeted);
    return alive;
}

static void preface_in_time(struct fixture *fx)
{
    int tries = 1;
    while (!outlives(fx))
        assert_true(tries++ < TRIES);
}

/* ---- stalls ---- */

static void set_stall(struct sk_h2_limits *limits)
{
    limits->stall_ms = 200;
}

static void zero_window(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    raw_send(raw, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    raw_frame(raw, SETTINGS, 0, 0, "\0\4\0\0\0\0", 6); // INITIAL_WINDOW_SIZE 0
    fx->answer = 1000;
    raw_call(raw, 1, "/a", "x", 1);
    struct raw_frame frame;
    assert_true(raw_wait(raw, RST_STREAM, &frame));
    assert_int_equal(frame.payload[3], SK_H2_CANCEL);
    assert_int_equal(fx->closed_streams, 1);
    assert_false(raw->ended); // the connection is not to blame
    assert_int_equal(sk_metric_read(sk_metric_series(SK_METRIC_NET_REFUSALS, "slow reader")), 1);
    raw_close(raw);
}

/* A window opened a few bytes at a time, from stall to stall; false: one took too long. */
static bool opens(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    raw_send(raw, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    raw_frame(raw, SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
    fx->answer = 1000;
    raw_call(raw, 1, "/a", "x", 1);
    size_t got = 0;
    struct raw_frame frame = {0};
    while (got < 1000 && frame.type != RST_STREAM) {
        raw_frame(raw, WINDOW_UPDATE, 0, 1, "\0\0\0\x64", 4);
        do
            assert_true(raw_next(raw, &frame));
        while (frame.type != DATA && frame.type != RST_STREAM);
        got += frame.type == DATA ? frame.size : 0;
        raw_frame(raw, WINDOW_UPDATE, 0, 0, "\0\0\0\x64", 4);
    }
    if (got == 1000) {
        assert_true(raw_wait(raw, HEADERS, &frame)); // trailers
        assert_true(frame.flags & END_STREAM);
    }
    raw_close(raw);
    return got == 1000;
}

static void opened_window(struct fixture *fx)
{
    int tries = 1;
    while (!opens(fx))
        assert_true(tries++ < TRIES);
}

static void deaf_peer(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    raw_preface(raw);
    raw_frame(raw, WINDOW_UPDATE, 0, 0, "\x7f\0\0\0", 4);
    WAIT_UNTIL(fx->opened == 1);
    sk_stream_read_stop(raw->stream);
    fx->answer = 60000;
    for (uint32_t i = 0; i < 400 && fx->server; i++) { // 24 MB, more than sockets hold
        raw_call(raw, 2 * i + 1, "/a", "x", 1);
        sk_fiber_yield();
    }
    WAIT_UNTIL(!fx->server);
    sk_stream_read_start(raw->stream);
    raw_close(raw);
}

static void set_request(struct sk_h2_limits *limits)
{
    limits->request_ms = 100;
}

static void endless_request(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    struct sk_buf block = SK_BUF_INIT;
    struct raw_frame frame;
    raw_preface(raw);
    raw_call(raw, 1, "/a", "x", 1); // whole, and may wait for its answer
    raw_call_fields(&block, "/a");
    raw_frame(raw, HEADERS, END_HEADERS, 3, block.p, block.n);
    raw_frame(raw, DATA, 0, 3, "x", 1);
    assert_true(raw_wait(raw, RST_STREAM, &frame));
    assert_int_equal(frame.stream, 3);
    assert_int_equal(fx->closed_streams, 1);
    sk_buf_fini(&block);
    raw_close(raw);
}

/* ---- pings and idling ---- */

static void set_ping(struct sk_h2_limits *limits)
{
    limits->ping_ms = 100;
    limits->ping_timeout_ms = 100;
}

/* A ping is answered, and the next one comes; false: the answer came too late. */
static bool answers_ping(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    struct raw_frame frame;
    raw_preface(raw);
    raw_call(raw, 1, "/a", "x", 1); // stays open: no answer
    assert_true(raw_wait(raw, PING, &frame));
    raw_frame(raw, PING, ACK, 0, frame.payload, 8);
    bool another = raw_wait(raw, PING, &frame);
    if (another) // which is not answered
        assert_true(raw_wait_end(raw) >= 0);
    assert_true(raw->ended);
    raw_close(raw);
    return another;
}

static void ping(struct fixture *fx)
{
    int tries = 1;
    while (!answers_ping(fx))
        assert_true(tries++ < TRIES);
}

/* What it sends before it falls silent is no answer. */
static void ping_crossed(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    struct raw_frame frame;
    raw_preface(raw);
    raw_call(raw, 1, "/a", "x", 1);
    assert_true(raw_wait(raw, PING, &frame));
    sk_fiber_sleep(2); // so that it comes later by the clock's milliseconds
    raw_frame(raw, WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
    assert_true(raw_wait_end(raw) >= 0);
    raw_close(raw);
}

/* A connection without streams outlives a later one with a stream, neither of which answers. */
static void no_ping_without_streams(struct fixture *fx)
{
    struct raw *idle = open_client(fx), *busy;
    raw_preface(idle);
    WAIT_UNTIL(fx->opened == 1);
    busy = open_client(fx);
    raw_preface(busy);
    raw_call(busy, 1, "/a", "x", 1);
    assert_true(raw_wait_end(busy) >= 0);
    assert_false(idle->ended);
    raw_close(busy);
    raw_close(idle);
}

static void set_idle(struct sk_h2_limits *limits)
{
    limits->idle_ms = 100;
}

static void idle_ends(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    raw_preface(raw);
    assert_int_equal(raw_wait_end(raw), 0);
    raw_close(raw);
}

/* ---- draining ---- */

static void two_steps(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    struct raw_frame frame;
    raw_preface(raw);
    raw_call(raw, 1, "/a", "x", 1); // no answer yet
    while (fx->requests < 1)
        sk_fiber_sleep(1);
    sk_h2_drain(fx->server);
    assert_true(raw_wait(raw, GOAWAY, &frame));
    assert_int_equal(frame.payload[0], 0x7f); // forbids nothing yet
    raw_call(raw, 3, "/a", "x", 1);           // on its way when the GOAWAY came
    assert_true(raw_wait(raw, PING, &frame));
    raw_frame(raw, PING, ACK, 0, frame.payload, 8);
    assert_true(raw_wait(raw, GOAWAY, &frame));
    assert_int_equal(frame.payload[3], 3);
    assert_int_equal(fx->requests, 2);
    raw_frame(raw, RST_STREAM, 0, 1, "\0\0\0\x8", 4);
    raw_frame(raw, RST_STREAM, 0, 3, "\0\0\0\x8", 4);
    assert_int_equal(raw_wait_end(raw), 0);
    assert_int_equal(fx->closed_streams, 2);
    raw_close(raw);
}

/* ---- bodies and trailers ---- */

static void big_answer(struct fixture *fx)
{
    struct raw *raw = open_client(fx);
    struct raw_frame frame;
    raw_preface(raw);
    raw_frame(raw, WINDOW_UPDATE, 0, 0, "\0\x10\0\0", 4);
    fx->answer = sizeof fx->bytes;
    raw_call(raw, 1, "/a", "x", 1);
    size_t got = 0;
    while (got < sizeof fx->bytes) {
        assert_true(raw_wait(raw, DATA, &frame));
        assert_true(frame.size <= 16384);
        got += frame.size;
        if (got >= 65535)
            raw_frame(raw, WINDOW_UPDATE, 0, 1, "\0\0\x40\0", 4);
    }
    assert_int_equal(got, sizeof fx->bytes);
    assert_true(raw_wait(raw, HEADERS, &frame));
    while (fx->closed_streams == 0)
        sk_fiber_sleep(1);
    assert_int_equal(fx->last_error, 0);
    assert_int_equal(fx->idle, 1);
    raw_close(raw);
}

#define TEST(name, set)                   \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run(name, set);                   \
    }
TEST(late_preface, set_preface)
TEST(preface_in_time, set_preface)
TEST(zero_window, set_stall)
TEST(opened_window, set_stall)
TEST(deaf_peer, set_stall)
TEST(endless_request, set_request)
TEST(ping, set_ping)
TEST(ping_crossed, set_ping)
TEST(no_ping_without_streams, set_ping)
TEST(idle_ends, set_idle)
TEST(two_steps, usual)
TEST(big_answer, usual)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_preface),
        cmocka_unit_test(test_preface_in_time),
        cmocka_unit_test(test_zero_window),
        cmocka_unit_test(test_opened_window),
        cmocka_unit_test(test_deaf_peer),
        cmocka_unit_test(test_endless_request),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_ping_crossed),
        cmocka_unit_test(test_no_ping_without_streams),
        cmocka_unit_test(test_idle_ends),
        cmocka_unit_test(test_two_steps),
        cmocka_unit_test(test_big_answer),
    };
    return cmocka_run_group_tests_name("net http2", tests, NULL, NULL);
}
