/* Streams over loopback: echo, big buffers against a slow reader, ends and breaks of every kind,
 * closing inside callbacks, listeners, names. */
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../patience.h"
#include "base/buf.h"
#include "rt/stream.h"

/* ---- a server that sends back what it gets ---- */

struct server {
    struct sk_listener *listener;
    atomic_int opened, closed;
    atomic_int on_loop[4]; // connections accepted
    struct echo *last;     // with one loop only
};

struct echo {
    struct server *server;
    struct sk_stream *stream;
};

static void echo_on_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct echo *echo = owner;

    if (err == SK_CANCELLED)
        sk_stream_shutdown(echo->stream); // after the rest was sent
    else if (err != SK_OK)
        sk_stream_close(echo->stream);
    else if (sk_stream_write(echo->stream, &(struct sk_str){bytes, n}, 1) > 256 * 1024)
        sk_stream_read_stop(echo->stream); // the peer must read first
}

static void echo_on_drained(void *owner)
{
    struct echo *echo = owner;
    CHECK(sk_stream_pending(echo->stream) == 0);
    sk_stream_read_start(echo->stream);
}

static void echo_on_close(void *owner)
{
    struct echo *echo = owner;
    atomic_fetch_add(&echo->server->closed, 1);
    sk_mem_free(echo);
}

static const struct sk_stream_events echo_events = {echo_on_read, echo_on_drained, echo_on_close};

static void on_accept(void *owner, struct sk_stream *stream)
{
    struct server *server = owner;
    struct echo *echo = sk_mem_zalloc(sizeof(*echo));

    *echo = (struct echo){server, stream};
    CHECK(strncmp(sk_stream_peer(stream), "127.0.0.1:", 10) == 0);
    atomic_fetch_add(&server->on_loop[sk_rt_loop_index()], 1);
    if (sk_rt_loop_count(sk_rt_current()) == 1)
        server->last = echo;
    atomic_fetch_add(&server->opened, 1);
    sk_stream_open(stream, &echo_events, echo);
    sk_stream_read_start(stream);
}

static void start_server(struct server *server)
{
    int error = 0;
    CHECK(sk_listen("127.0.0.1", 0, on_accept, server, &server->listener, &error) == SK_OK);
}

static void await_closed(struct server *server, int count)
{
    while (atomic_load(&server->closed) < count)
        sk_fiber_sleep(1);
}

/* ---- a client ---- */

struct client {
    struct sk_stream *stream;
    struct sk_buf got;
    struct sk_waitq changed;
    sk_err err;
    int errors, drained;
    bool closed;
    bool close_on_read;
};

static void client_on_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct client *client = owner;

    if (err == SK_OK) {
        sk_buf_append(&client->got, bytes, n);
    } else {
        client->err = err;
        client->errors++;
    }
    if (client->close_on_read)
        sk_stream_close(client->stream);
    sk_waitq_wake_all(&client->changed);
}

static void client_on_drained(void *owner)
{
    struct client *client = owner;
    client->drained++;
    sk_waitq_wake_all(&client->changed);
}

static void client_on_close(void *owner)
{
    struct client *client = owner;
    CHECK(!client->closed);
    client->closed = true;
    sk_waitq_wake_all(&client->changed);
}

static const struct sk_stream_events client_events = {client_on_read, client_on_drained,
                                                      client_on_close};

static void client_open(struct client *client, int port)
{
    int error = 0;

    *client = (struct client){0};
    sk_waitq_init(&client->changed);
    CHECK(sk_connect("127.0.0.1", port, &client->stream, &error) == SK_OK);
    sk_stream_open(client->stream, &client_events, client);
    sk_stream_read_start(client->stream);
}

static void client_await_close(struct client *client)
{
    while (!client->closed)
        sk_waitq_wait(&client->changed, 0);
    sk_buf_fini(&client->got);
}

static void client_await_error(struct client *client)
{
    while (client->errors == 0)
        sk_waitq_wait(&client->changed, 0);
}

static size_t client_write(struct client *client, const char *text)
{
    return sk_stream_write(client->stream, &(struct sk_str){text, strlen(text)}, 1);
}

/* ---- echo ---- */

static void echo_main(void *arg)
{
    struct server server = {0};
    struct client client;
    struct sk_str parts[3] = {SK_STR("one "), SK_STR(""), SK_STR("two")};

    (void)arg;
    start_server(&server);
    client_open(&client, sk_listener_port(server.listener));
    CHECK(sk_stream_write(client.stream, parts, 3) == 0);
    CHECK(client.got.n == 0 && client.drained == 0); // nothing inside the call
    while (client.got.n < 7)
        sk_waitq_wait(&client.changed, 0);
    CHECK(memcmp(client.got.p, "one two", 7) == 0);
    sk_stream_close(client.stream);
    sk_stream_close(client.stream); // twice is once
    CHECK(!client.closed && client_write(&client, "late") == 0);
    client_await_close(&client);
    await_closed(&server, 1);
    sk_listener_close(server.listener);
}

static void echo_test(void **state)
{
    (void)state;
    run_on_loops(1, echo_main, NULL);
}

static char pattern(size_t at)
{
    return (char)((at * 131 + at / 1000) & 0xFF);
}

static void big_main(void *arg)
{
    enum { TOTAL = 16 * 1024 * 1024, PART = 1000 * 1000 };
    struct server server = {0};
    struct client client;
    char *bytes = sk_mem_alloc(TOTAL);

    (void)arg;
    for (size_t i = 0; i < TOTAL; i++)
        bytes[i] = pattern(i);
    start_server(&server);
    client_open(&client, sk_listener_port(server.listener));
    sk_stream_read_stop(client.stream); // so that both directions fill up
    for (size_t at = 0; at < TOTAL; at += PART) {
        size_t n = TOTAL - at < PART ? TOTAL - at : PART;
        struct sk_str parts[2] = {{bytes + at, n / 3}, {bytes + at + n / 3, n - n / 3}};
        sk_stream_write(client.stream, parts, 2);
    }
    sk_fiber_sleep(5);
    sk_stream_read_start(client.stream);
    while (client.got.n < TOTAL)
        sk_waitq_wait(&client.changed, 0);
    CHECK(sk_stream_pending(client.stream) == 0);
    CHECK(client.got.n == TOTAL && memcmp(client.got.p, bytes, TOTAL) == 0);
    sk_stream_shutdown(client.stream);
    client_await_close(&client);
    await_closed(&server, 1);
    sk_listener_close(server.listener);
    sk_mem_free(bytes);
}

static void big_buffers_and_a_slow_reader(void **state)
{
    (void)state;
    run_on_loops(2, big_main, NULL);
}

static void many_parts_main(void *arg)
{
    struct server server = {0};
    struct client client;
    struct sk_str parts[200];

    (void)arg;
    for (int i = 0; i < 200; i++)
        parts[i] = i % 2 ? SK_STR("ab") : SK_STR("c");
    start_server(&server);
    client_open(&client, sk_listener_port(server.listener));
    sk_stream_write(client.stream, parts, 200); // more than one system call takes
    while (client.got.n < 300)
        sk_waitq_wait(&client.changed, 0);
    for (size_t i = 0; i < 300; i++)
        CHECK(client.got.p[i] == "cab"[i % 3]);
    sk_stream_close(client.stream);
    client_await_close(&client);
    await_closed(&server, 1);
    sk_listener_close(server.listener);
}

static void many_parts(void **state)
{
    (void)state;
    run_on_loops(1, many_parts_main, NULL);
}

/* ---- ends ---- */

/* A peer of plain system calls, to do what a stream would not. */
static int raw_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

struct raw_server {
    int fd, port;
};

static void raw_listen(struct raw_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(server->fd, (struct sockaddr *)&address, size) == 0 && listen(server->fd, 8) == 0);
    CHECK(getsockname(server->fd, (struct sockaddr *)&address, &size) == 0);
    server->port = ntohs(address.sin_port);
}

static void reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

static void ends_main(void *arg)
{
    struct raw_server server;
    struct client client;

    (void)arg;
    raw_listen(&server);
    // The peer ends its side: told once, and this side may still send.
    client_open(&client, server.port);
    int fd = accept(server.fd, NULL, NULL);
    shutdown(fd, SHUT_WR);
    client_await_error(&client);
    CHECK(client.err == SK_CANCELLED);
    CHECK(client_write(&client, "last words") == 0);
    char got[16];
    CHECK(recv(fd, got, sizeof(got), 0) == 10);
    close(fd);
    CHECK(client.errors == 1);
    sk_stream_shutdown(client.stream);
    client_await_close(&client);

    // The peer resets: told once by reading.
    client_open(&client, server.port);
    reset(accept(server.fd, NULL, NULL));
    client_await_error(&client);
    CHECK(client.err == SK_UNAVAILABLE);
    CHECK(client_write(&client, "to nobody") == 0);
    sk_fiber_sleep(5);
    CHECK(client.errors == 1);
    sk_stream_close(client.stream);
    client_await_close(&client);

    // The peer resets while this side does not read: a write finds out, and tells later.
    client_open(&client, server.port);
    sk_stream_read_stop(client.stream);
    reset(accept(server.fd, NULL, NULL));
    WAIT_UNTIL((client_write(&client, "to nobody"), client.errors > 0));
    CHECK(client.errors == 1 && client.err == SK_UNAVAILABLE);
    CHECK(sk_stream_pending(client.stream) == 0);
    sk_stream_shutdown(client.stream); // of a broken one: closes
    client_await_close(&client);
    close(server.fd);
}

static void ends_and_breaks(void **state)
{
    (void)state;
    run_on_loops(1, ends_main, NULL);
}

static void shutdown_main(void *arg)
{
    enum { SIZE = 48 * 1024 * 1024 };
    struct raw_server server;
    struct client client;
    char *bytes = sk_mem_zalloc(SIZE);

    (void)arg;
    raw_listen(&server);
    client_open(&client, server.port);
    int fd = accept(server.fd, NULL, NULL);
    CHECK(send(fd, "unread", 6, 0) == 6); // closing over unread bytes would be a reset
    CHECK(sk_stream_write(client.stream, &(struct sk_str){bytes, SIZE}, 1) > 0);
    sk_stream_shutdown(client.stream);
    sk_stream_shutdown(client.stream);
    CHECK(client_write(&client, "after the end") == 0);
    size_t total = 0;
    for (;;) {
        ssize_t n = recv(fd, bytes, SIZE, MSG_DONTWAIT);
        CHECK(n >= 0 || errno == EAGAIN);
        if (n == 0)
            break;
        total += n > 0 ? (size_t)n : 0;
        sk_fiber_sleep(n > 0 ? 0 : 1);
    }
    CHECK(total == SIZE && !client.closed);
    close(fd);
    client_await_close(&client);
    CHECK(client.errors == 0); // whoever shuts down hears no more but on_close
    close(server.fd);
    sk_mem_free(bytes);
}

static void shutting_down_sends_everything(void **state)
{
    (void)state;
    run_on_loops(1, shutdown_main, NULL);
}

/* ---- closing at every moment ---- */

static void close_races_main(void *arg)
{
    struct server server = {0};
    char *bytes = sk_mem_zalloc(1024 * 1024);
    int port;

    (void)arg;
    start_server(&server);
    port = sk_listener_port(server.listener);
    for (int i = 0; i < 60; i++) {
        struct client client;
        client_open(&client, port);
        client.close_on_read = i % 2 == 0; // from inside on_read
        if (i % 3 == 0) {                  // with writes under way
            for (int k = 0; k < 8; k++)
                sk_stream_write(client.stream, &(struct sk_str){bytes, 1024 * 1024}, 1);
        } else {
            client_write(&client, "hello");
        }
        for (int k = 0; k < i % 5; k++)
            sk_fiber_yield();
        if (!client.close_on_read && i % 4 == 1)
            sk_stream_close(client.stream);
        else if (!client.close_on_read)
            sk_stream_shutdown(client.stream);
        if (!client.close_on_read && i % 8 == 3)
            sk_stream_close(client.stream); // in the middle of shutting down
        client_await_close(&client);
    }
    await_closed(&server, 60);
    sk_listener_close(server.listener);
    sk_mem_free(bytes);
}

static void close_races(void **state)
{
    (void)state;
    run_on_loops(1, close_races_main, NULL);
    run_on_loops(3, close_races_main, NULL);
}

static void abandon_main(void *arg)
{
    struct server *server = arg;
    struct client *client = sk_mem_zalloc(sizeof(*client));

    start_server(server);
    client_open(client, sk_listener_port(server->listener));
    CHECK(client_write(client, "hello") == 0);
    while (atomic_load(&server->opened) == 0)
        sk_fiber_sleep(1);
    sk_mem_free(client); // nobody may be told when the runtime goes
}

static void a_runtime_with_open_streams_can_be_freed(void **state)
{
    (void)state;
    struct server server = {0};

    run_on_loops(1, abandon_main, &server);
    assert_int_equal(server.closed, 0);
    sk_mem_free(server.last);
}

/* ---- listeners and connecting ---- */

static void spread_main(void *arg)
{
    struct server server = {0};
    int fds[12];

    (void)arg;
    start_server(&server);
    for (int i = 0; i < 12; i++)
        fds[i] = raw_connect(sk_listener_port(server.listener));
    while (atomic_load(&server.opened) < 12)
        sk_fiber_sleep(1);
    for (int i = 0; i < 3; i++)
        CHECK(atomic_load(&server.on_loop[i]) == 4); // evenly
    sk_listener_close(server.listener);
    for (int i = 0; i < 12; i++) { // existing streams live on
        char c = 'x';
        CHECK(send(fds[i], "y", 1, 0) == 1);
        while (recv(fds[i], &c, 1, MSG_DONTWAIT) != 1)
            sk_fiber_sleep(1); // the other side may be on this very loop
        CHECK(c == 'y');
        close(fds[i]);
    }
    await_closed(&server, 12);
}

static void connections_are_spread_over_the_loops(void **state)
{
    (void)state;
    run_on_loops(3, spread_main, NULL);
}

static void errors_main(void *arg)
{
    struct server server = {0};
    struct sk_listener *listener = NULL;
    struct sk_stream *stream = NULL;
    int error = 0;

    (void)arg;
    CHECK(sk_listen("no address", 0, on_accept, &server, &listener, &error) == SK_UNAVAILABLE);
    CHECK(error == EINVAL);
    CHECK(sk_listen("127.0.0.1", 70000, on_accept, &server, &listener, &error) == SK_UNAVAILABLE);
    CHECK(sk_listen("192.0.2.1", 0, on_accept, &server, &listener, &error) == SK_UNAVAILABLE);
    CHECK(error == EADDRNOTAVAIL);
    start_server(&server);
    int port = sk_listener_port(server.listener);
    CHECK(sk_listen("127.0.0.1", port, on_accept, &server, &listener, &error) == SK_UNAVAILABLE);
    CHECK(error == EADDRINUSE && !listener);
    sk_listener_close(server.listener);
    sk_listener_close(NULL);
    sk_fiber_sleep(1);
    CHECK(sk_connect("127.0.0.1", port, &stream, &error) == SK_UNAVAILABLE);
    CHECK(error == ECONNREFUSED && !stream);
    CHECK(sk_connect("no-such-host.invalid", 1, &stream, &error) == SK_UNAVAILABLE);
    CHECK(error != 0 && !stream);
}

static void errors_are_reported(void **state)
{
    (void)state;
    run_on_loops(1, errors_main, NULL);
}

static void name_main(void *arg)
{
    struct raw_server server;
    struct sk_stream *stream = NULL;
    struct client client = {0};
    int error = 0;

    (void)arg;
    raw_listen(&server);
    sk_waitq_init(&client.changed);
    CHECK(sk_connect("localhost", server.port, &stream, &error) == SK_OK);
    client.stream = stream;
    sk_stream_open(stream, &client_events, &client);
    sk_stream_close(stream);
    client_await_close(&client);
    close(server.fd);
}

static void a_name_is_looked_up(void **state)
{
    (void)state;
    run_on_loops(2, name_main, NULL);
}

/* ---- signals ---- */

static void on_signal(void *owner, int signum)
{
    CHECK(sk_rt_loop_index() == 0 && signum == SIGUSR1);
    sk_waitq_wake_all(owner);
}

static void register_signal(void *owner)
{
    sk_on_signal(SIGUSR1, on_signal, owner);
}

static void signal_main(void *arg)
{
    struct sk_waitq queue;

    (void)arg;
    sk_waitq_init(&queue);
    sk_rt_call(1, register_signal, &queue); // from anywhere; runs on loop 0
    sk_fiber_sleep(1);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK(sk_waitq_wait(&queue, sk_now_mono_ms() + PATIENCE_MS));
}

static void a_signal_arrives_on_loop_0(void **state)
{
    (void)state;
    run_on_loops(2, signal_main, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo_test),
        cmocka_unit_test(big_buffers_and_a_slow_reader),
        cmocka_unit_test(many_parts),
        cmocka_unit_test(ends_and_breaks),
        cmocka_unit_test(shutting_down_sends_everything),
        cmocka_unit_test(close_races),
        cmocka_unit_test(a_runtime_with_open_streams_can_be_freed),
        cmocka_unit_test(connections_are_spread_over_the_loops),
        cmocka_unit_test(errors_are_reported),
        cmocka_unit_test(a_name_is_looked_up),
        cmocka_unit_test(a_signal_arrives_on_loop_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
