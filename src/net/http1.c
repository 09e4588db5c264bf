/*
 * The HTTP/1.1 server of the UI's port. Parsing and limits are in http1_parse.c.
 *
 * Owns: the listener, the connections, one request a connection at a time. A request's handler
 * runs in a fiber with an arena of its own; what the peer sends meanwhile waits in rest.
 *
 *   READING -> HANDLING -> SENDING -> READING or closing
 *
 * An answer that the kernel does not take at once holds the connection in SENDING, so that a peer
 * that asks and does not read keeps one answer in memory, and for a bounded time. A handler that
 * streams waits in the same way, for each piece. What all peers together have not taken is counted,
 * and past UNSENT_MAX who is to take more is let go.
 *
 * INV-1: unsent_bytes is the sum of all connections' unsent.
 *
 * The server is freed when it was closed and its last connection is gone; connections of other
 * loops are told by post. A connection whose peer went while its handler runs is freed when the
 * handler returns.
 *
 * Which hosts are answered: a browser lets any web page send requests to a local address under a
 * name of its owner's (DNS rebinding), so a request must name a loopback, the bound address or a
 * configured host. Numbers cannot be rebound: bound to all addresses, any number is fine.
 * Thread: a connection's loop; the listener any.
 */
#include "net/http1_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include "base/assert.h"

#define BODY_MAX ((size_t)4 << 20)
#define REST_MAX ((size_t)64 * 1024)
#define HEAD_MS (10 * 1000)
#define BODY_MS (60 * 1000)
#define IDLE_MS (120 * 1000)
#define WRITE_MS (60 * 1000)
#define WRITE_BYTES_A_MS 16            // the least that a peer must take of a large answer
#define UNSENT_MAX ((size_t)128 << 20) // of all connections of the process
#define CONNS_MAX 8192
#define DRAIN_STEP_MS 5
#define CLOSE_MS 2000 // connections that close, not their handlers

static atomic_size_t unsent_bytes;

size_t sk_http_unsent(void)
{
    return atomic_load(&unsent_bytes);
}

/* Counts what the peer has not taken now. false: with it, all have too much. */
static bool count_unsent(struct http_conn *conn, size_t bytes)
{
    size_t before = conn->unsent;
    if (bytes == before) // 0, mostly
        return true;
    conn->unsent = bytes;
    size_t all = atomic_fetch_add(&unsent_bytes, bytes - before) + bytes - before;
    return bytes < before || all <= UNSENT_MAX;
}

static void server_unref(struct sk_http_server *server)
{
    if (atomic_fetch_sub(&server->refs, 1) > 1)
        return;
    sk_mem_free(server->loops);
    sk_mem_free(server->ip);
    sk_mem_free(server);
}

static void conn_free(struct http_conn *conn)
{
    (void)count_unsent(conn, 0);
    sk_timer_stop(&conn->timer);
    sk_list_remove(&conn->in_loop);
    atomic_fetch_sub(&conn->server->conn_count, 1);
    sk_buf_fini(&conn->rest);
    http_request_fini(conn);
    server_unref(conn->server);
    sk_mem_free(conn);
}

static void expect_within(struct http_conn *conn, int64_t ms)
{
    sk_timer_start(&conn->timer, sk_now_mono_ms() + ms);
}

static void on_time_up(struct sk_timer *timer)
{
    struct http_conn *conn = SK_CONTAINER(timer, struct http_conn, timer);
    if (conn->state != HTTP_HANDLING && conn->conn)
        sk_conn_close(conn->conn);
}

/* ---- answers ---- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}

static void write_head(struct sk_buf *out, const struct sk_http_response *response,
                       const char *length, bool keep)
{
    sk_buf_printf(out, "HTTP/1.1 %d %s\r\n", response->status, reason_of(response->status));
    if (response->content_type)
        sk_buf_printf(out, "Content-Type: %s\r\n", response->content_type);
    sk_buf_str(out, length);
    if (!keep)
        sk_buf_str(out, "Connection: close\r\n");
    if (response->extra_headers)
        sk_buf_str(out, response->extra_headers);
    sk_buf_str(out, "\r\n");
}

static void write_answer(struct http_conn *conn, const struct sk_http_response *response, bool keep)
{
    struct sk_buf out = SK_BUF_INIT;
    bool has_body = response->status >= 200 && response->status != 204 && response->status != 304;
    char length[48] = "";
    if (has_body)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", response->body.n);
    write_head(&out, response, length, keep);
    if (has_body && !conn->head)
        sk_buf_append(&out, response->body.p, response->body.n);
    sk_conn_write(conn->conn, sk_buf_view(&out));
    sk_buf_fini(&out);
}

/* An answer of the server's own, after which the connection ends. */
static void refuse(struct http_conn *conn, int status, const char *why)
{
    char text[512];
    int n = snprintf(text, sizeof text, "%s\n", why);
    struct sk_http_response response = {
        .status = status,
        .content_type = "text/plain; charset=utf-8",
        .body = {text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1},
    };
    write_answer(conn, &response, false);
    conn->state = HTTP_ENDING;
    sk_conn_shutdown(conn->conn);
}

/* ---- which hosts ---- */

static bool is_number(struct sk_str host)
{
    char text[64];
    struct in6_addr ignored;
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct sk_str){host.p + 1, host.n - 2};
    if (host.n == 0 || host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(AF_INET, text, &ignored) == 1 || inet_pton(AF_INET6, text, &ignored) == 1;
}

static bool ends_with(struct sk_str s, struct sk_str end)
{
    return s.n >= end.n && sk_str_ieq((struct sk_str){s.p + s.n - end.n, end.n}, end);
}

static bool is_loopback(struct sk_str host)
{
    return sk_str_ieq(host, SK_STR("localhost")) || ends_with(host, SK_STR(".localhost")) ||
           sk_str_eq(host, SK_STR("[::1]")) ||
           (is_number(host) && sk_str_starts(host, SK_STR("127.")));
}

static bool host_allowed(const struct sk_http_server *server, struct sk_str host)
{
    if (is_loopback(host))
        return true;
    struct sk_str bound = sk_str_of(server->ip), bare = host;
    if (host.n >= 2 && host.p[0] == '[')
        bare = (struct sk_str){host.p + 1, host.n - 2};
    if (sk_str_ieq(bare, bound))
        return true;
    bool everywhere = sk_str_eq(bound, SK_STR("0.0.0.0")) || sk_str_eq(bound, SK_STR("::"));
    if (everywhere && is_number(host))
        return true;
    for (const char *const *it = server->options.public_hosts; it && *it; it++)
        if (sk_str_ieq(host, sk_str_of(*it)))
            return true;
    return false;
}

/* ---- handling ---- */

static void feed(struct http_conn *conn, const char *bytes, size_t n);

static void next_request(struct http_conn *conn)
{
    if (!conn->keep) {
        conn->state = HTTP_ENDING;
        sk_conn_shutdown(conn->conn);
        return;
    }
    http_request_init(conn);
    conn->state = HTTP_READING;
    expect_within(conn, IDLE_MS);
    struct sk_buf rest = conn->rest;
    conn->rest = SK_BUF_INIT;
    if (rest.n > 0)
        feed(conn, rest.p, rest.n);
    sk_buf_fini(&rest);
}

/* The answer is written: go on once the peer has it. */
static void answered(struct http_conn *conn, bool keep)
{
    size_t behind = sk_conn_pending(conn->conn);
    http_request_fini(conn);
    conn->keep = keep;
    conn->state = HTTP_SENDING;
    if (!count_unsent(conn, behind))
        sk_conn_close(conn->conn);
    else if (behind > 0)
        expect_within(conn, conn->server->options.write_ms + (int64_t)(behind / WRITE_BYTES_A_MS));
    else
        next_request(conn);
}

static void handle(void *arg)
{
    struct http_conn *conn = arg;
    struct sk_http_response response = {.status = 500};
    conn->server->options.handler(conn->server->options.owner, &conn->request, &response);
    conn->watch = NULL;
    if (!conn->conn) {
        conn_free(conn);
        return;
    }
    bool keep = conn->keep_alive && !atomic_load(&conn->server->closing);
    if (!conn->streaming)
        write_answer(conn, &response, keep);
    else if (conn->chunked)
        sk_conn_write(conn->conn, SK_STR("0\r\n\r\n"));
    answered(conn, keep && (!conn->streaming || conn->chunked || conn->head));
}

static void start(struct http_conn *conn)
{
    sk_timer_stop(&conn->timer);
    if (!http_request_finish(conn)) {
        refuse(conn, conn->refusal, conn->refusal_why);
        return;
    }
    if (!host_allowed(conn->server, conn->request.host)) {
        refuse(conn, 421, "This server does not answer to that Host; see --public-host.");
        return;
    }
    conn->state = HTTP_HANDLING;
    conn->streaming = conn->chunked = false;
    sk_fiber_spawn(handle, conn);
}

static void feed(struct http_conn *conn, const char *bytes, size_t n)
{
    bool fresh = conn->parsed == 0;
    size_t took = http_request_feed(conn, bytes, n);
    if (conn->refusal) {
        refuse(conn, conn->refusal, conn->refusal_why);
        return;
    }
    if (conn->wants_continue) {
        conn->wants_continue = false;
        sk_conn_write(conn->conn, SK_STR("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    if (!conn->complete) {
        if (conn->headers_done && !conn->body_timed) {
            conn->body_timed = true;
            expect_within(conn, BODY_MS);
        } else if (fresh) {
            expect_within(conn, HEAD_MS);
        }
        return;
    }
    sk_buf_append(&conn->rest, bytes + took, n - took);
    start(conn);
}

/* ---- the connection's events ---- */

static void on_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct http_conn *conn = owner;
    if (err) {
        sk_conn_close(conn->conn);
    } else if (conn->state == HTTP_READING) {
        feed(conn, bytes, n);
    } else if (conn->state == HTTP_HANDLING || conn->state == HTTP_SENDING) {
        if (conn->rest.n + n > REST_MAX)
            sk_conn_close(conn->conn); // pipelines without reading
        else
            sk_buf_append(&conn->rest, bytes, n);
    }
}

static void on_ready(void *owner)
{
    (void)owner;
}

static void on_drained(void *owner)
{
    struct http_conn *conn = owner;
    (void)count_unsent(conn, 0);
    if (conn->state == HTTP_SENDING)
        next_request(conn);
    else
        sk_waitq_wake_all(&conn->room);
}

static void tell_watcher(struct http_conn *conn)
{
    void (*watch)(void *) = conn->watch;
    conn->watch = NULL;
    if (watch)
        watch(conn->watch_arg);
    sk_waitq_wake_all(&conn->room);
}

static void on_close(void *owner)
{
    struct http_conn *conn = owner;
    conn->conn = NULL;
    (void)count_unsent(conn, 0);
    if (conn->state != HTTP_HANDLING)
        conn_free(conn);
    else
        tell_watcher(conn);
}

static const struct sk_conn_events conn_events = {
    .on_ready = on_ready,
    .on_read = on_read,
    .on_drained = on_drained,
    .on_close = on_close,
};

void http_accept(void *owner, struct sk_stream *stream)
{
    struct sk_http_server *server = owner;
    struct http_conn *conn = sk_mem_zalloc(sizeof *conn);
    atomic_fetch_add(&server->refs, 1);
    conn->server = server;
    sk_waitq_init(&conn->room);
    sk_list_push_back(&server->loops[sk_rt_loop_index()], &conn->in_loop);
    sk_timer_init(&conn->timer, on_time_up);
    http_request_init(conn);
    conn->conn = sk_conn_new(stream, NULL, NULL, &conn_events, conn);
    snprintf(conn->peer, sizeof conn->peer, "%s", sk_conn_peer(conn->conn));
    expect_within(conn, HEAD_MS);
    if (atomic_fetch_add(&server->conn_count, 1) >= CONNS_MAX || atomic_load(&server->closing))
        sk_conn_close(conn->conn);
}

/* ---- what a handler may do ---- */

static struct http_conn *conn_of(const struct sk_http_request *request)
{
    return request->headers;
}

bool sk_http_gone(const struct sk_http_request *request)
{
    const struct http_conn *conn = conn_of(request);
    return !conn->conn || atomic_load(&conn->server->closing);
}

void sk_http_watch(const struct sk_http_request *request, void (*fn)(void *arg), void *arg)
{
    struct http_conn *conn = conn_of(request);
    conn->watch = fn;
    conn->watch_arg = arg;
    if (sk_http_gone(request))
        tell_watcher(conn);
}

void sk_http_stream_start(const struct sk_http_request *request,
                          const struct sk_http_response *response)
{
    struct http_conn *conn = conn_of(request);
    bool modern = conn->parser.http_major > 1 || conn->parser.http_minor > 0;
    bool keep = modern && conn->keep_alive;
    conn->streaming = true;
    conn->chunked = modern && !conn->head;
    if (!conn->conn)
        return;
    struct sk_buf out = SK_BUF_INIT;
    write_head(&out, response, modern ? "Transfer-Encoding: chunked\r\n" : "", keep);
    sk_conn_write(conn->conn, sk_buf_view(&out));
    sk_buf_fini(&out);
}

size_t sk_http_stream_pending(const struct sk_http_request *request)
{
    const struct http_conn *conn = conn_of(request);
    return conn->conn ? sk_conn_pending(conn->conn) : 0;
}

bool sk_http_stream_write(const struct sk_http_request *request, struct sk_str piece)
{
    struct http_conn *conn = conn_of(request);
    SK_ASSERT(conn->streaming);
    if (sk_http_gone(request) || conn->head || piece.n == 0) // an empty chunk would be the end
        return !sk_http_gone(request);
    struct sk_buf out = SK_BUF_INIT;
    if (conn->chunked)
        sk_buf_printf(&out, "%zx\r\n", piece.n);
    sk_buf_append(&out, piece.p, piece.n);
    if (conn->chunked)
        sk_buf_str(&out, "\r\n");
    size_t behind = sk_conn_write(conn->conn, sk_buf_view(&out));
    sk_buf_fini(&out);
    if (!count_unsent(conn, behind)) {
        sk_conn_close(conn->conn);
        return false;
    }
    // A peer that takes everything must not keep the loop from others, and one that has gone is
    // told by the loop: without a turn of it a handler could write into nothing for ever.
    sk_fiber_yield();
    int64_t until_ms = sk_now_mono_ms() + conn->server->options.write_ms;
    while (behind > SK_HTTP_STREAM_BEHIND && !sk_http_gone(request) &&
           sk_conn_pending(conn->conn) > 0) {
        if (sk_waitq_wait(&conn->room, until_ms))
            continue;
        if (conn->conn)
            sk_conn_close(conn->conn); // too slow; on_close follows, once this fiber lets the loop
        return false;
    }
    return !sk_http_gone(request);
}

/* ---- life ---- */

struct sk_http_server *http_server_new(const struct sk_http_options *options)
{
    struct sk_http_server *server = sk_mem_zalloc(sizeof *server);
    server->options = *options;
    if (server->options.body_max == 0)
        server->options.body_max = BODY_MAX;
    if (server->options.write_ms == 0)
        server->options.write_ms = WRITE_MS;
    server->ip = sk_mem_strdup(options->ip);
    atomic_init(&server->refs, 1);
    server->loop_count = sk_rt_loop_count(sk_rt_current());
    server->loops = sk_mem_zalloc((size_t)server->loop_count * sizeof *server->loops);
    for (int i = 0; i < server->loop_count; i++)
        sk_list_init(&server->loops[i]);
    return server;
}

sk_err sk_http_listen(const struct sk_http_options *options, struct sk_http_server **ret,
                      int *reterr_errno)
{
    struct sk_http_server *server = http_server_new(options);
    sk_err err =
        sk_listen(options->ip, options->port, http_accept, server, &server->listener, reterr_errno);
    if (err) {
        server_unref(server);
        return err;
    }
    *ret = server;
    return SK_OK;
}

int sk_http_port(const struct sk_http_server *server)
{
    return sk_listener_port(server->listener);
}

struct drain {
    struct sk_http_server *server;
    int64_t until_mono_ms;
};

static bool any_handles(const struct sk_list *conns)
{
    SK_LIST_EACH (it, conns)
        if (SK_CONTAINER(it, struct http_conn, in_loop)->state == HTTP_HANDLING)
            return true;
    return false;
}

static void drain_loop(void *arg)
{
    const struct drain *drain = arg;
    struct sk_list *conns = &drain->server->loops[sk_rt_loop_index()];
    SK_LIST_EACH (it, conns) {
        struct http_conn *conn = SK_CONTAINER(it, struct http_conn, in_loop);
        if (conn->state == HTTP_HANDLING)
            tell_watcher(conn);
    }
    while (any_handles(conns) && sk_now_mono_ms() < drain->until_mono_ms)
        sk_fiber_sleep(DRAIN_STEP_MS);
}

void sk_http_drain(struct sk_http_server *server, int64_t timeout_ms)
{
    struct drain drain = {server, sk_now_mono_ms() + timeout_ms};
    atomic_store(&server->closing, true);
    if (server->listener)
        sk_listener_close(server->listener);
    server->listener = NULL;
    for (int i = 0; i < server->loop_count; i++)
        sk_rt_call(i, drain_loop, &drain);
}

static void close_all(void *arg)
{
    struct sk_http_server *server = arg;
    SK_LIST_EACH (it, &server->loops[sk_rt_loop_index()]) {
        struct http_conn *conn = SK_CONTAINER(it, struct http_conn, in_loop);
        if (conn->conn && conn->state != HTTP_HANDLING)
            sk_conn_close(conn->conn);
    }
    server_unref(server);
}

void sk_http_close(struct sk_http_server *server)
{
    if (!server)
        return;
    atomic_store(&server->closing, true);
    if (server->listener)
        sk_listener_close(server->listener);
    for (int i = 0; i < server->loop_count; i++) {
        atomic_fetch_add(&server->refs, 1);
        sk_rt_post(sk_rt_current(), i, close_all, server);
    }
    // The loops may be stopped next, and then nobody would free what closes.
    int64_t until_ms = sk_now_mono_ms() + CLOSE_MS;
    while (atomic_load(&server->refs) > 1 && sk_now_mono_ms() < until_ms)
        sk_fiber_sleep(1);
    server_unref(server);
}
