/* The HTTP/1.1 server: requests, limits, hosts, what comes in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/http1.h"
#include "rt/rt.h"
#include "rt/stream.h"

#define BIG ((size_t)16 << 20) // more than the kernel's buffers take

struct client {
    struct sk_stream *stream;
    struct sk_buf in;
    struct sk_waitq news;
    bool ended, closed;
};

struct fixture {
    struct sk_rt *rt;
    struct sk_http_server *server;
    atomic_int handled; // handlers run on either loop
    int64_t sleep_ms, write_ms;
    atomic_int watching, told, sent;
    void (*body)(struct fixture *fx);
};

static void on_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct client *client = owner;
    if (err)
        client->ended = true;
    else
        sk_buf_append(&client->in, bytes, n);
    sk_waitq_wake_all(&client->news);
}

static void on_close(void *owner)
{
    struct client *client = owner;
    client->closed = true;
    sk_waitq_wake_all(&client->news);
}

static const struct sk_stream_events events = {.on_read = on_read, .on_close = on_close};

static void client_open(struct fixture *fx, struct client *client)
{
    int error = 0;
    *client = (struct client){0};
    sk_waitq_init(&client->news);
    assert_int_equal(sk_connect("127.0.0.1", sk_http_port(fx->server), &client->stream, &error),
                     SK_OK);
    sk_stream_open(client->stream, &events, client);
    sk_stream_read_start(client->stream);
}

static void client_send(struct client *client, const char *text)
{
    struct sk_str part = sk_str_of(text);
    sk_stream_write(client->stream, &part, 1);
}

/* Wait until what came has text; false after the end or 10 s. */
static bool client_expects(struct client *client, const char *text)
{
    for (;;) {
        sk_buf_append(&client->in, "", 1);
        client->in.n--;
        if (strstr(client->in.p, text))
            return true;
        if (client->ended || !sk_waitq_wait(&client->news, sk_now_mono_ms() + 10000)) {
            print_error("no \"%s\" in: %s\n", text, client->in.p);
            return false;
        }
    }
}

static void client_close(struct client *client)
{
    sk_stream_close(client->stream);
    while (!client->closed)
        sk_waitq_wait(&client->news, 0);
    sk_buf_fini(&client->in);
}

/* ---- handlers that stream and watch ---- */

static void on_gone(void *arg)
{
    struct sk_waitq *news = arg;
    sk_waitq_wake_all(news);
}

/* Waits until its peer has gone. */
static void on_watch(struct fixture *fx, const struct sk_http_request *request)
{
    struct sk_waitq news;
    sk_waitq_init(&news);
    sk_http_watch(request, on_gone, &news);
    fx->watching++;
    if (!sk_http_gone(request))
        assert_true(sk_waitq_wait(&news, sk_now_mono_ms() + 10000));
    assert_true(sk_http_gone(request));
    fx->told++;
}

/* "/stream": three pieces; "/flood": as many as are taken. */
static void on_stream(struct fixture *fx, const struct sk_http_request *request, bool flood)
{
    static char big[40000];
    struct sk_http_response head = {
        .status = 200, .content_type = "text/x", .extra_headers = "X-Extra: 2\r\n"};
    sk_http_stream_start(request, &head);
    if (!flood) {
        fx->sent += sk_http_stream_write(request, SK_STR("one"));
        fx->sent += sk_http_stream_write(request, SK_STR(""));                 // no end
        fx->sent += sk_http_stream_write(request, SK_STR("sixteen bytes...")); // 10 in hex
        return;
    }
    memset(big, 'x', sizeof big);
    while (sk_http_stream_write(request, (struct sk_str){big, sizeof big}))
        fx->sent++;
    fx->told++;
}

static void on_request(void *owner, const struct sk_http_request *request,
                       struct sk_http_response *response)
{
    struct fixture *fx = owner;
    if (sk_str_eq(request->path, SK_STR("/watch")))
        on_watch(fx, request);
    if (sk_str_eq(request->path, SK_STR("/stream")) || sk_str_eq(request->path, SK_STR("/flood")))
        on_stream(fx, request, sk_str_eq(request->path, SK_STR("/flood")));
    struct sk_str agent = sk_http_header(request, "User-Agent");
    fx->handled++;
    if (fx->sleep_ms > 0)
        sk_fiber_sleep(fx->sleep_ms);
    response->status = 200;
    response->content_type = "text/plain";
    response->extra_headers = "X-Extra: 1\r\n";
    if (sk_str_eq(request->path, SK_STR("/big"))) {
        char *body = sk_arena_alloc(request->ctx->arena, BIG);
        memset(body, 'b', BIG);
        response->body = (struct sk_str){body, BIG};
        return;
    }
    if (sk_str_starts(request->path, SK_STR("/raw"))) {
        response->body = request->raw_path;
        return;
    }
    response->body = sk_str_of(sk_arena_printf(
        request->ctx->arena,
        "[" SK_STR_FMT "|" SK_STR_FMT "|" SK_STR_FMT "|" SK_STR_FMT "|%zu|" SK_STR_FMT "]",
        SK_STR_ARG(request->method), SK_STR_ARG(request->path), SK_STR_ARG(request->query),
        SK_STR_ARG(request->host), request->body.n, SK_STR_ARG(agent)));
}

static const char *const hosts[] = {"skald.example", NULL};

static void fixture_main(void *arg)
{
    struct fixture *fx = arg;
    struct sk_http_options options = {.ip = "127.0.0.1",
                                      .body_max = 1000,
                                      .write_ms = fx->write_ms,
                                      .public_hosts = hosts,
                                      .handler = on_request,
                                      .owner = fx};
    int error = 0;
    assert_int_equal(sk_http_listen(&options, &fx->server, &error), SK_OK);
    fx->body(fx);
    sk_http_close(fx->server);
    sk_rt_stop(fx->rt);
}

static void run_with(void (*body)(struct fixture *fx), int64_t write_ms)
{
    struct fixture fx = {.body = body,
                         .write_ms = write_ms,
                         .rt = sk_rt_new(&(struct sk_rt_options){.loop_count = 2})};
    sk_rt_run(fx.rt, fixture_main, &fx);
    sk_rt_free(fx.rt);
}

static void run(void (*body)(struct fixture *fx))
{
    run_with(body, 0);
}

static void once(struct fixture *fx, const char *request, const char *expected)
{
    struct client client;
    client_open(fx, &client);
    client_send(&client, request);
    assert_true(client_expects(&client, expected));
    client_close(&client);
}

static void once_buf(struct fixture *fx, struct sk_buf *request, const char *expected)
{
    sk_buf_append(request, "", 1);
    once(fx, request->p, expected);
}

static void requests(struct fixture *fx)
{
    once(fx, "GET /a%20b/%C3%BC?x=%31 HTTP/1.1\r\nHost: localhost:8233\r\nUser-Agent: t\r\n\r\n",
         "[GET|/a b/\xc3\xbc|x=%31|localhost|0|t]");
    once(fx, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello",
         "[POST|/||127.0.0.1|5|]");
    once(fx,
         "POST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         "[POST|/||[::1]|5|]");
    once(fx, "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n",
         "Connection: close\r\nX-Extra: 1\r\n\r\n[GET");
    once(fx,
         "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /next HTTP/1.1\r\nHost: localhost\r\n\r\n",
         "X-Extra: 1\r\n\r\nHTTP/1.1 200 OK\r\n");
    once(fx,
         "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
         "HTTP/1.1 100 Continue\r\n\r\n");
}

static void refusals(struct fixture *fx)
{
    once(fx, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 421 ");
    once(fx, "GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", "HTTP/1.1 421 ");
    once(fx, "GET / HTTP/1.1\r\nHost: 127.evil.example\r\n\r\n", "HTTP/1.1 421 ");
    once(fx, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ");
    once(fx, "nonsense\r\n\r\n", "HTTP/1.1 400 ");
    once(fx, "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 ");
    once(fx, "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 ");
    once(fx, "GET /%ff HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 ");
    once(fx, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n", "HTTP/1.1 413 ");
}

/* What two programs in a row may read differently. */
static void smuggling(struct fixture *fx)
{
    static const struct {
        const char *head, *body, *expected;
    } cases[] = {
        {"Host: localhost\r\nTransfer-Encoding : chunked\r\n", "1\r\na\r\n0\r\n\r\n",
         "HTTP/1.1 400 "},
        {"Host: localhost\r\nContent-Length : 1\r\n", "a", "HTTP/1.1 400 "},
        {"Host: localhost\r\nX Y: 1\r\nContent-Length: 1\r\n", "a", "HTTP/1.1 400 "},
        {"Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n",
         "1\r\na\r\n0\r\n\r\n", "HTTP/1.1 400 "},
        {"Host: localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n", "a", "HTTP/1.1 400 "},
        {"Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n", "1\r\na\r\n0\r\n\r\n",
         "HTTP/1.1 501 "},
        {"Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
         "1\r\na\r\n0\r\n\r\n", "HTTP/1.1 501 "},
        {"Host: localhost\r\nTransfer-Encoding: chunked\r\n", "1\r\naXX0\r\n\r\n", "HTTP/1.1 400 "},
        {"Host: localhost\r\nTransfer-Encoding: chunked\r\n", "1\r\na\rX0\r\n\r\n",
         "HTTP/1.1 400 "},
        {"Host: localhost\r\nHost: localhost\r\n", "", "HTTP/1.1 400 "},
        {"Host: localhost:80:80\r\n", "", "HTTP/1.1 400 "},
        {"Host: localhost:x\r\n", "", "HTTP/1.1 400 "},
        {"Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nHost: localhost\r\n\r\n",
         "HTTP/1.1 400 "},
        // and what is fine
        {"Host: localhost \t\r\nContent-Length: 1\r\n", "a", "[POST|/||localhost|1|]"},
        {"Host: localhost:80\r\nTransfer-Encoding: Chunked \r\n",
         "1;x=y\r\na\r\n2\r\nbc\r\n0\r\nUser-Agent: trailer\r\n\r\n", "[POST|/||localhost|3|]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sk_buf text = SK_BUF_INIT;
        sk_buf_printf(&text, "POST / HTTP/1.1\r\n%s\r\n%s", cases[i].head, cases[i].body);
        once_buf(fx, &text, cases[i].expected);
        sk_buf_fini(&text);
    }
    assert_int_equal(fx->handled, 2);
    once(fx, "POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 400 ");
    once(fx, "GET / HTTP/9.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 505 ");
    once(fx, "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 ");
    once(fx, "GET http://localhost:80/x HTTP/1.1\r\nHost: LOCALHOST:80\r\n\r\n",
         "[GET|/x||LOCALHOST|0|]");
}

/* Byte by byte, the line's end behind a chunk is looked at all the same. */
static void chunks_in_pieces(struct fixture *fx)
{
    static const char *const ends[] = {"\r\n", "XX", "\rX"};
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        struct sk_buf text = SK_BUF_INIT;
        struct client client;
        client_open(fx, &client);
        sk_buf_printf(&text,
                      "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "2\r\nab%s0\r\n\r\n",
                      ends[k]);
        for (size_t i = 0; i < text.n; i++) {
            struct sk_str part = {text.p + i, 1};
            sk_stream_write(client.stream, &part, 1);
            sk_fiber_sleep(1);
        }
        assert_true(client_expects(&client, k == 0 ? "[POST|/||localhost|2|]" : "HTTP/1.1 400 "));
        client_close(&client);
        sk_buf_fini(&text);
    }
}

static void big_parts(struct fixture *fx)
{
    struct sk_buf text = SK_BUF_INIT;
    sk_buf_str(&text, "GET /");
    memset(sk_buf_reserve(&text, 9000), 'a', 9000);
    text.n += 9000;
    sk_buf_str(&text, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    once_buf(fx, &text, "HTTP/1.1 414 ");
    sk_buf_clear(&text);
    sk_buf_str(&text, "GET / HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 101; i++)
        sk_buf_printf(&text, "X-%d: 1\r\n", i);
    sk_buf_str(&text, "\r\n");
    once_buf(fx, &text, "HTTP/1.1 431 ");
    sk_buf_clear(&text);
    sk_buf_str(&text, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    memset(sk_buf_reserve(&text, 16400), 'a', 16400);
    text.n += 16400;
    sk_buf_str(&text, "\r\n\r\n");
    once_buf(fx, &text, "HTTP/1.1 431 ");
    sk_buf_clear(&text);
    sk_buf_str(&text,
               "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n");
    memset(sk_buf_reserve(&text, 0xfff), 'a', 0xfff);
    text.n += 0xfff;
    sk_buf_str(&text, "\r\n");
    once_buf(fx, &text, "HTTP/1.1 413 ");
    sk_buf_fini(&text);
    assert_int_equal(fx->handled, 0);
}

static void pieces(struct fixture *fx)
{
    static const char request[] = "GET /slow HTTP/1.1\r\nHost: SKALD.example:80\r\n\r\n";
    struct client client;
    client_open(fx, &client);
    for (size_t i = 0; i + 1 < sizeof request; i++) {
        struct sk_str part = {request + i, 1};
        sk_stream_write(client.stream, &part, 1);
        sk_fiber_sleep(1);
    }
    assert_true(client_expects(&client, "[GET|/slow||SKALD.example|0|]"));
    client_close(&client);
}

static void pipelined(struct fixture *fx)
{
    struct client client;
    fx->sleep_ms = 20;
    client_open(fx, &client);
    client_send(
        &client,
        "GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_true(client_expects(&client, "[GET|/1|"));
    client_send(&client, "GET /3 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_true(client_expects(&client, "[GET|/2|"));
    assert_true(client_expects(&client, "[GET|/3|"));
    while (!client.ended)
        assert_true(sk_waitq_wait(&client.news, sk_now_mono_ms() + 10000));
    client_close(&client);
    assert_int_equal(fx->handled, 3);
}

static void gone_while_handled(struct fixture *fx)
{
    struct client client;
    fx->sleep_ms = 50;
    client_open(fx, &client);
    client_send(&client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (fx->handled == 0)
        sk_fiber_sleep(1);
    client_close(&client);
    sk_fiber_sleep(150); // the handler returns to a connection that is gone
}

static void raw_paths(struct fixture *fx)
{
    once(fx, "GET /raw/a%2Fb?c HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\n/raw/a%2Fb");
}

static void streams(struct fixture *fx)
{
    once(fx,
         "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
         "GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nTransfer-Encoding: chunked\r\nX-Extra: "
         "2\r\n\r\n3\r\none\r\n10\r\nsixteen bytes...\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
    once(fx, "HEAD /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
         "Connection: close\r\nX-Extra: 2\r\n\r\n");
    // without chunks the end of the connection is that of the body
    struct client client;
    client_open(fx, &client);
    client_send(&client, "GET /stream HTTP/1.0\r\nHost: localhost\r\n\r\n");
    assert_true(client_expects(&client, "X-Extra: 2\r\n\r\nonesixteen bytes..."));
    while (!client.ended)
        assert_true(sk_waitq_wait(&client.news, sk_now_mono_ms() + 10000));
    client_close(&client);
    assert_int_equal(fx->sent, 9);
}

static void wait_until(atomic_int *value, int wanted)
{
    for (int i = 0; i < 10000 && *value < wanted; i++)
        sk_fiber_sleep(1);
    assert_true(*value >= wanted);
}

static void slow_readers(struct fixture *fx)
{
    struct client client;
    client_open(fx, &client);
    client_send(&client, "GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n");
    sk_stream_read_stop(client.stream);
    wait_until(&fx->sent, 1);
    int before;
    do { // until the kernel's buffers are full
        before = fx->sent;
        sk_fiber_sleep(100);
    } while (fx->sent > before);
    assert_true(fx->sent < 2000);
    sk_stream_read_start(client.stream);
    wait_until(&fx->sent, before + 10); // it goes on
    client_close(&client);
    wait_until(&fx->told, 1);
}

/* Who takes nothing for too long is let go, and the loop with him goes on. */
static void deaf_readers(struct fixture *fx)
{
    struct client clients[2]; // one on each loop
    for (int i = 0; i < 2; i++) {
        client_open(fx, &clients[i]);
        sk_stream_read_stop(clients[i].stream);
        client_send(&clients[i], "GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    wait_until(&fx->told, 2);
    once(fx, "GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n", "[GET|/one|");
    once(fx, "GET /two HTTP/1.1\r\nHost: localhost\r\n\r\n", "[GET|/two|");
    for (int i = 0; i < 2; i++)
        client_close(&clients[i]);
}

/* One answer waits, however many requests were sent. */
static void answers_wait_for_their_reader(struct fixture *fx)
{
    struct client client;
    client_open(fx, &client);
    sk_stream_read_stop(client.stream);
    for (int i = 0; i < 3; i++)
        client_send(&client, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_until(&fx->handled, 1);
    sk_fiber_sleep(100);
    assert_int_equal(fx->handled, 1);
    sk_stream_read_start(client.stream);
    wait_until(&fx->handled, 3);
    while (client.in.n < 3 * BIG)
        assert_true(sk_waitq_wait(&client.news, sk_now_mono_ms() + 20000));
    client_close(&client);
}

/* Many who do not read: who comes when there is too much unread is let go, and all is given back.
 */
static void unread_answers_are_bounded(struct fixture *fx)
{
    static struct client clients[12];
    const int count = sizeof clients / sizeof *clients; // times BIG is more than the bound
    int ended = 0;
    for (int i = 0; i < count; i++) {
        client_open(fx, &clients[i]);
        sk_stream_read_stop(clients[i].stream);
        client_send(&clients[i], "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
        wait_until(&fx->handled, i + 1);
    }
    assert_in_range(sk_http_unsent(), 64 << 20, (128 << 20) + BIG);
    once(fx, "GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n",
         "[GET|/small|"); // nobody else suffers
    for (int i = 0; i < count; i++) {
        sk_stream_read_start(clients[i].stream);
        while (!clients[i].ended && clients[i].in.n < BIG)
            assert_true(sk_waitq_wait(&clients[i].news, sk_now_mono_ms() + 20000));
        ended += clients[i].in.n < BIG;
        client_close(&clients[i]);
    }
    assert_in_range(ended, 1, count / 2);
    for (int i = 0; i < 1000 && sk_http_unsent() > 0; i++)
        sk_fiber_sleep(10);
    assert_int_equal(sk_http_unsent(), 0);
}

static void watchers(struct fixture *fx)
{
    struct client client;
    client_open(fx, &client);
    client_send(&client, "GET /watch HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_until(&fx->watching, 1);
    client_close(&client);
    wait_until(&fx->told, 1);
}

static void the_end(struct fixture *fx)
{
    struct client watching, flooded;
    client_open(fx, &watching);
    client_send(&watching, "GET /watch HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_open(fx, &flooded);
    sk_stream_read_stop(flooded.stream);
    client_send(&flooded, "GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_until(&fx->watching, 1);
    wait_until(&fx->sent, 1);
    sk_http_drain(fx->server, 5000);
    assert_int_equal(fx->told, 2);
    client_close(&watching);
    client_close(&flooded);
}

#define TEST(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run(name);                        \
    }
TEST(requests)
TEST(refusals)
TEST(smuggling)
TEST(chunks_in_pieces)
TEST(big_parts)
TEST(pieces)
TEST(pipelined)
TEST(gone_while_handled)
TEST(raw_paths)
TEST(streams)
TEST(slow_readers)
static void test_deaf_readers(void **state)
{
    (void)state;
    run_with(deaf_readers, 200);
}
TEST(answers_wait_for_their_reader)
TEST(unread_answers_are_bounded)
TEST(watchers)
TEST(the_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_smuggling),
        cmocka_unit_test(test_chunks_in_pieces),
        cmocka_unit_test(test_big_parts),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_gone_while_handled),
        cmocka_unit_test(test_raw_paths),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_slow_readers),
        cmocka_unit_test(test_deaf_readers),
        cmocka_unit_test(test_answers_wait_for_their_reader),
        cmocka_unit_test(test_unread_answers_are_bounded),
        cmocka_unit_test(test_watchers),
        cmocka_unit_test(test_the_end),
    };
    return cmocka_run_group_tests_name("net http1", tests, NULL, NULL);
}
