/*
 * HTTP/2 sessions: their life. Receiving is in http2_recv.c, sending in http2_send.c.
 *
 * Owns: the connection, the nghttp2 session and all its streams.
 *
 *   new -> (TLS) -> greeted by the peer's SETTINGS -> streams come and go -> draining -> closing
 *   -> on_close of the connection -> freed
 *
 * A session ends because the peer went, because it broke a rule (GOAWAY with the reason, then
 * close), because it idled or stalled (tick), or because the owner drains or closes it. In every
 * case the last word is the connection's on_close: remaining streams are told closed, then the
 * session's owner, then all memory goes. Only a posted flush may still hold the session then; it
 * frees the rest.
 *
 * Draining is in two steps (RFC 9113, 6.8): a GOAWAY that forbids nothing yet and a PING; when the
 * PING's answer or DRAIN_MS has come, the GOAWAY that counts. Streams sent meanwhile are served.
 */
#include "net/http2_internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"

#define CONNECTION_WINDOW (16 << 20)
#define SERVER_STREAM_WINDOW 65535 // grows by sk_h2_expect, after admission
#define CLIENT_STREAM_WINDOW (8 << 20)
#define PEER_HEADERS_MAX ((size_t)64 * 1024)
#define DRAIN_MS 1000
#define TICK_MS_MAX 5000
#define KEEP_BUFFER ((size_t)4096) // what an idle session may hold of each buffer

const struct sk_h2_limits sk_h2_limits_default = {
    .streams_max = 16384,
    .header_bytes_max = 16 * 1024,
    .header_count_max = 100,
    .body_bytes_max = (size_t)64 << 20,
    .unsent_bytes_max = (size_t)64 << 20,
    .request_ms = 2 * 60 * 1000,
    .preface_ms = 10 * 1000,
    .stall_ms = 60 * 1000,
    .idle_ms = 5 * 60 * 1000,
    .ping_ms = 60 * 1000,
    .ping_timeout_ms = 10 * 1000,
};

static void fail_memory(int rc)
{
    if (rc != 0)
        SK_PANIC("nghttp2: %s", nghttp2_strerror(rc));
}

static void *ng_malloc(size_t n, void *arg)
{
    (void)arg;
    return sk_mem_alloc(n);
}

static void ng_free(void *p, void *arg)
{
    (void)arg;
    sk_mem_free(p);
}

static void *ng_calloc(size_t count, size_t n, void *arg)
{
    (void)arg;
    return sk_mem_zalloc(count * n); // nghttp2 calls it with small constants
}

static void *ng_realloc(void *p, size_t n, void *arg)
{
    (void)arg;
    return sk_mem_realloc(p, n);
}

static nghttp2_mem ng_mem = {NULL, ng_malloc, ng_free, ng_calloc, ng_realloc};

static void make_session(struct sk_h2 *h2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    fail_memory(nghttp2_session_callbacks_new(&callbacks));
    fail_memory(nghttp2_option_new(&option));
    h2_set_callbacks(callbacks);
    h2_set_send_callbacks(callbacks);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1); // they would be kept for a priority tree
    nghttp2_option_set_max_continuations(option, 8);
    nghttp2_option_set_max_settings(option, 32);
    nghttp2_option_set_max_send_header_block_length(option, 2 * PEER_HEADERS_MAX);
    // flood.c counts resets, with the same figures; nghttp2's own bucket must not come before
    nghttp2_option_set_stream_reset_rate_limit(option, 40000, 400);
    if (h2->server)
        fail_memory(nghttp2_session_server_new3(&h2->ng, callbacks, h2, option, &ng_mem));
    else
        fail_memory(nghttp2_session_client_new3(&h2->ng, callbacks, h2, option, &ng_mem));
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
}

static void greet(struct sk_h2 *h2)
{
    const nghttp2_settings_entry server[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h2->limits->streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, SERVER_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, h2->limits->header_bytes_max},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    const nghttp2_settings_entry client[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, CLIENT_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, h2->limits->header_bytes_max},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    fail_memory(
        nghttp2_submit_settings(h2->ng, NGHTTP2_FLAG_NONE, h2->server ? server : client, 4));
    fail_memory(
        nghttp2_session_set_local_window_size(h2->ng, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW));
    sk_h2_kick(h2);
}

void h2_count(const char *reason)
{
    sk_metric_add(sk_metric_series(SK_METRIC_NET_REFUSALS, reason), 1);
}

void h2_close_with(struct sk_h2 *h2, uint32_t error, const char *why)
{
    if (h2->closing)
        return;
    SK_LOG(DEBUG, "net", "HTTP/2 connection ended", SK_KV("peer", sk_conn_peer(h2->conn)),
           SK_KV("reason", why));
    h2->offence = NULL;
    nghttp2_session_terminate_session(h2->ng, error);
    h2_flush(h2);
    if (h2->closing)
        return;
    h2->closing = true;
    sk_conn_shutdown(h2->conn);
}

void sk_h2_close(struct sk_h2 *h2)
{
    if (h2->closing)
        return;
    h2->closing = true;
    sk_conn_close(h2->conn);
}

void h2_close_counted(struct sk_h2 *h2, const char *reason)
{
    if (!h2->closing)
        h2_count(reason);
    sk_h2_close(h2);
}

/* ---- the connection's events ---- */

static void on_conn_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct sk_h2 *h2 = owner;
    if (err)
        sk_h2_close(h2);
    else
        h2_feed(h2, bytes, n);
}

static void on_conn_ready(void *owner)
{
    struct sk_h2 *h2 = owner;
    struct sk_str alpn = sk_conn_alpn(h2->conn);
    if (alpn.n > 0 && !sk_str_eq(alpn, SK_STR("h2")))
        sk_h2_close(h2);
    else
        sk_h2_kick(h2);
}

static void on_conn_drained(void *owner)
{
    struct sk_h2 *h2 = owner;
    h2->blocked = false;
    if (nghttp2_session_want_write(h2->ng) || !nghttp2_session_want_read(h2->ng))
        sk_h2_kick(h2);
}

static void free_all(struct sk_h2 *h2)
{
    nghttp2_session_del(h2->ng);
    sk_buf_fini(&h2->text);
    sk_buf_fini(&h2->fields);
    sk_buf_fini(&h2->blocks);
    sk_buf_fini(&h2->view);
    sk_buf_fini(&h2->out);
    sk_budget_fini(&h2->budget);
    h2->closed = true;
    if (!h2->flush_posted)
        sk_mem_free(h2);
}

static void on_conn_close(void *owner)
{
    struct sk_h2 *h2 = owner;
    h2->closing = true;
    sk_timer_stop(&h2->tick);
    SK_LIST_EACH (it, &h2->streams) {
        struct sk_h2_stream *stream = SK_CONTAINER(it, struct sk_h2_stream, in_session);
        if (!(stream->events & EV_CLOSE))
            stream->error = NGHTTP2_CANCEL;
        h2_mark(stream, EV_CLOSE);
    }
    h2_tell(h2);
    h2->events->on_close(h2->owner);
    free_all(h2);
}

static const struct sk_conn_events conn_events = {
    .on_ready = on_conn_ready,
    .on_read = on_conn_read,
    .on_drained = on_conn_drained,
    .on_close = on_conn_close,
};

/* ---- time ---- */

static void trim(struct sk_buf *buf)
{
    if (buf->n == 0 && buf->capacity > KEEP_BUFFER)
        sk_buf_fini(buf);
}

void h2_ping(struct sk_h2 *h2, int64_t now_ms)
{
    h2->ping_out = true;
    h2->pinged_ms = now_ms;
    nghttp2_submit_ping(h2->ng, NGHTTP2_FLAG_NONE, NULL);
    sk_h2_kick(h2);
}

static void tick_idle(struct sk_h2 *h2, int64_t now_ms)
{
    const struct sk_h2_limits *limits = h2->limits;
    int64_t quiet_ms = now_ms - h2->received_ms;
    // Bytes that were on their way when it was sent are no answer; what came later need not be one.
    if (h2->ping_out && now_ms - h2->pinged_ms >= limits->ping_timeout_ms &&
        quiet_ms >= limits->ping_timeout_ms)
        h2_close_counted(h2, "no answer to PING");
    else if (!h2->ping_out && h2->stream_count > 0 && quiet_ms >= limits->ping_ms)
        h2_ping(h2, now_ms);
    else if (h2->server && h2->stream_count == 0 && !h2->draining &&
             now_ms - h2->idle_since_ms >= limits->idle_ms)
        sk_h2_drain(h2);
}

/* Requests that never end would hold their streams as long as the peer answers pings. */
static void tick_requests(struct sk_h2 *h2, int64_t now_ms)
{
    if (!h2->server)
        return;
    SK_LIST_EACH (it, &h2->streams) {
        struct sk_h2_stream *stream = SK_CONTAINER(it, struct sk_h2_stream, in_session);
        if (now_ms - stream->born_ms < h2->limits->request_ms)
            break; // the list is in order of birth
        if (!stream->ended) {
            h2_count("slow request");
            sk_h2_reset(stream, SK_H2_CANCEL);
        }
    }
}

static void tick_drain(struct sk_h2 *h2, int64_t now_ms)
{
    if (!h2->draining || h2->goaway_sent || (h2->ping_out && now_ms - h2->drained_ms < DRAIN_MS))
        return;
    h2->goaway_sent = true;
    h2->ping_out = false;
    nghttp2_submit_goaway(h2->ng, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h2->ng), NGHTTP2_NO_ERROR, NULL,
                          0);
    sk_h2_kick(h2);
}

static void on_tick(struct sk_timer *timer)
{
    struct sk_h2 *h2 = SK_CONTAINER(timer, struct sk_h2, tick);
    int64_t now_ms = sk_now_mono_ms();
    if (!h2->greeted && now_ms - h2->born_ms >= h2->limits->preface_ms)
        h2_close_counted(h2, "no preface");
    if (!h2->closing)
        tick_idle(h2, now_ms);
    if (!h2->closing)
        tick_drain(h2, now_ms);
    if (!h2->closing)
        tick_requests(h2, now_ms);
    if (!h2->closing)
        h2_tick_sending(h2, now_ms);
    if (h2->closing && now_ms - h2->received_ms >= h2->limits->stall_ms)
        sk_conn_close(h2->conn); // a shutdown that the peer does not let end
    trim(&h2->text);
    trim(&h2->fields);
    trim(&h2->blocks);
    trim(&h2->view);
    trim(&h2->out);
    sk_conn_trim(h2->conn);
    sk_timer_start(timer, now_ms + h2->tick_ms);
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t tick_every(const struct sk_h2_limits *limits)
{
    int64_t least = shorter(shorter(limits->preface_ms, limits->stall_ms),
                            shorter(limits->ping_timeout_ms, limits->idle_ms));
    least = shorter(shorter(least, limits->ping_ms), limits->request_ms);
    least = shorter(least / 2, TICK_MS_MAX);
    return least < 10 ? 10 : least;
}

/* ---- making and ending ---- */

static struct sk_h2 *h2_new(bool server, const struct sk_h2_limits *limits,
                            const struct sk_h2_events *events, void *owner)
{
    struct sk_h2 *h2 = sk_mem_zalloc(sizeof *h2);
    h2->server = server;
    h2->limits = limits ? limits : &sk_h2_limits_default;
    h2->events = events;
    h2->owner = owner;
    sk_list_init(&h2->streams);
    sk_list_init(&h2->dirty);
    sk_list_init(&h2->sending);
    sk_budget_init(&h2->budget, h2->limits->body_bytes_max);
    int64_t now_ms = sk_now_mono_ms();
    h2->born_ms = h2->received_ms = h2->idle_since_ms = h2->stall_ms = now_ms;
    sk_flood_init(&h2->flood, now_ms);
    make_session(h2);
    h2->tick_ms = tick_every(h2->limits);
    sk_timer_init(&h2->tick, on_tick);
    sk_timer_start(&h2->tick, now_ms + h2->tick_ms);
    return h2;
}

struct sk_h2 *sk_h2_new_server(struct sk_stream *stream, struct sk_tls *tls,
                               const struct sk_h2_limits *limits, const struct sk_h2_events *events,
                               void *owner)
{
    struct sk_h2 *h2 = h2_new(true, limits, events, owner);
    h2->conn = sk_conn_new(stream, tls, NULL, &conn_events, h2);
    greet(h2);
    return h2;
}

struct sk_h2 *sk_h2_new_client(struct sk_stream *stream, struct sk_tls *tls, const char *host,
                               const struct sk_h2_limits *limits, const struct sk_h2_events *events,
                               void *owner)
{
    struct sk_h2 *h2 = h2_new(false, limits, events, owner);
    h2->conn = sk_conn_new(stream, tls, host, &conn_events, h2);
    greet(h2);
    return h2;
}

void sk_h2_drain(struct sk_h2 *h2)
{
    if (h2->draining || h2->closing)
        return;
    h2->draining = true;
    h2->drained_ms = sk_now_mono_ms();
    h2->ping_out = true; // is submitted when the notice is sent, so as to come after it
    h2->pinged_ms = h2->drained_ms;
    nghttp2_submit_shutdown_notice(h2->ng);
    sk_h2_kick(h2);
    if (h2->tick_ms > DRAIN_MS / 10)
        h2->tick_ms = DRAIN_MS / 10;
    sk_timer_start(&h2->tick, h2->drained_ms + h2->tick_ms);
}

const char *sk_h2_peer(const struct sk_h2 *h2)
{
    return sk_conn_peer(h2->conn);
}

const char *sk_h2_subject(const struct sk_h2 *h2)
{
    return sk_conn_subject(h2->conn);
}

size_t sk_h2_stream_count(const struct sk_h2 *h2)
{
    return h2->stream_count;
}

size_t sk_h2_peer_header_max(const struct sk_h2 *h2)
{
    size_t peer =
        nghttp2_session_get_remote_settings(h2->ng, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE);
    return peer < PEER_HEADERS_MAX ? peer : PEER_HEADERS_MAX;
}

/* ---- bodies ---- */

bool sk_h2_expect(struct sk_h2_stream *stream, size_t total)
{
    struct sk_h2 *h2 = stream->session;
    SK_ASSERT(total <= INT32_MAX);
    if (total > stream->charged) {
        if (!sk_budget_take(&h2->budget, total - stream->charged))
            return false;
        stream->charged = total;
    }
    if (total > stream->body.n)
        sk_buf_reserve(&stream->body, total - stream->body.n);
    if (h2->server && total > SERVER_STREAM_WINDOW && !stream->ended) {
        nghttp2_session_set_local_window_size(h2->ng, NGHTTP2_FLAG_NONE, stream->id,
                                              (int32_t)total);
        sk_h2_kick(h2);
    }
    return true;
}

void sk_h2_consume(struct sk_h2_stream *stream, size_t n)
{
    struct sk_h2 *h2 = stream->session;
    SK_ASSERT(n <= stream->body.n);
    memmove(stream->body.p, stream->body.p + n, stream->body.n - n);
    stream->body.n -= n;
    sk_budget_give(&h2->budget, stream->charged - stream->body.n);
    stream->charged = stream->body.n;
    if (h2->server && !stream->ended) {
        nghttp2_session_consume_stream(h2->ng, stream->id, n);
        sk_h2_kick(h2);
    }
}

void sk_h2_drop_body(struct sk_h2_stream *stream)
{
    sk_budget_give(&stream->session->budget, stream->charged);
    stream->charged = 0;
    sk_buf_fini(&stream->body);
}
