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
    int64_t sleep_ms;
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

static void on_request(void *owner, const struct sk_http_request *request,
                       struct sk_http_response *response)
{
    struct fixture *fx = owner;
    struct sk_str agent = sk_http_header(request, "User-Agent");
    fx->handled++;
    if (fx->sleep_ms > 0)
        sk_fiber_sleep(fx->sleep_ms);
    response->status = 200;
    response->content_type = "text/plain";
    response->extra_headers = "X-Extra: 1\r\n";
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
                                      .public_hosts = hosts,
                                      .handler = on_request,
                                      .owner = fx};
    int error = 0;
    assert_int_equal(sk_http_listen(&options, &fx->server, &error), SK_OK);
    fx->body(fx);
    sk_http_close(fx->server);
    sk_fiber_sleep(20); // closes are posted
    sk_rt_stop(fx->rt);
}

static void run(void (*body)(struct fixture *fx))
{
    struct fixture fx = {.body = body, .rt = sk_rt_new(&(struct sk_rt_options){.loop_count = 2})};
    sk_rt_run(fx.rt, fixture_main, &fx);
    sk_rt_free(fx.rt);
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
    memset(sk_buf_reserve(&text, 30000), 'a', 30000);
    text.n += 30000;
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

#define TEST(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run(name);                        \
    }
TEST(requests)
TEST(refusals)
TEST(big_parts)
TEST(pieces)
TEST(pipelined)
TEST(gone_while_handled)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_big_parts), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_pipelined), cmocka_unit_test(test_gone_while_handled),
    };
    return cmocka_run_group_tests_name("net http1", tests, NULL, NULL);
}
