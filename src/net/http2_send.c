/*
 * The sending half of HTTP/2 sessions.
 *
 * What the upper layers submit in one turn of the loop is queued in nghttp2; one posted flush
 * collects all frames in one buffer and hands it to the connection, so a turn costs one write
 * whatever its number of answers. Body bytes go from their owner into that buffer directly
 * (nghttp2's NO_COPY), never through nghttp2's own.
 *
 * Back-pressure: while the connection holds more than PENDING_MAX unsent bytes nothing is
 * collected (blocked) until on_drained. What the peer's windows do not let go stays with its
 * stream; how much and how long is bounded (sk_h2_clogged, h2_tick_sending).
 *
 * INV-1: a stream is on the sending list while it has bytes or an end that nghttp2 has not taken;
 *        the list is ordered by out_since_ms.
 * INV-2: unsent equals the sum over the session's streams of out.n + out_own.n - out_own_sent.
 */
#include "net/http2_internal.h"

#include "base/assert.h"

#define PENDING_MAX ((size_t)1 << 20)
#define COLLECT_MAX ((size_t)256 * 1024) // write once this much is collected
#define SLOW_BYTES_PER_S 16384           // an answer may take its size over this, and stall_ms
#define HEADERS_MAX 64

static struct sk_str waiting(const struct sk_h2_stream *stream)
{
    if (stream->out.n > 0)
        return stream->out;
    if (!stream->out_own.p)
        return (struct sk_str){NULL, 0};
    return (struct sk_str){stream->out_own.p + stream->out_own_sent,
                           stream->out_own.n - stream->out_own_sent};
}

static void list_sending(struct sk_h2_stream *stream, size_t bytes)
{
    stream->session->unsent += bytes;
    stream->out_size += bytes;
    if (!sk_list_empty(&stream->in_sending))
        return;
    stream->out_since_ms = sk_now_mono_ms();
    stream->out_size = bytes;
    sk_list_push_back(&stream->session->sending, &stream->in_sending);
}

void h2_unlist_sending(struct sk_h2_stream *stream)
{
    sk_list_remove(&stream->in_sending);
    stream->session->unsent -= stream->out.n + stream->out_own.n - stream->out_own_sent;
    stream->out.n = 0;
    sk_buf_fini(&stream->out_own);
    stream->out_own_sent = 0;
}

/* ---- nghttp2's callbacks ---- */

static size_t fill_nv(nghttp2_nv *nv, const struct sk_h2_header *fields, size_t count, bool borrow)
{
    SK_ASSERT(count <= HEADERS_MAX);
    uint8_t flags = borrow ? NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE
                           : NGHTTP2_NV_FLAG_NONE;
    for (size_t i = 0; i < count; i++)
        nv[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[i].name.p,
                             (uint8_t *)(uintptr_t)fields[i].value.p, fields[i].name.n,
                             fields[i].value.n, flags};
    return count;
}

static int submit_trailers(nghttp2_session *ng, struct sk_h2_stream *stream)
{
    nghttp2_nv nv[HEADERS_MAX];
    size_t count = fill_nv(nv, stream->trailers, stream->trailer_count, true);
    return nghttp2_submit_trailer(ng, stream->id, nv, count);
}

/* How much of the stream goes into the next DATA frame; the bytes themselves follow in on_data. */
static ssize_t on_take(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t room, uint32_t *flags,
                       nghttp2_data_source *source, void *arg)
{
    (void)id;
    (void)buf;
    (void)arg;
    struct sk_h2_stream *stream = source->ptr;
    size_t all = stream->out.n + stream->out_own.n - stream->out_own_sent;
    size_t n = waiting(stream).n; // of one piece; the other goes into the next frame
    if (n > room)
        n = room;
    if (n == 0 && !stream->out_end)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n < all || !stream->out_end)
        return (ssize_t)n;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->trailer_count > 0) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (submit_trailers(ng, stream) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)n;
}

static void advance(struct sk_h2_stream *stream, size_t n)
{
    stream->session->unsent -= n;
    if (stream->out.n > 0) {
        stream->out.p += n;
        stream->out.n -= n;
    } else {
        stream->out_own_sent += n;
        if (stream->out_own_sent == stream->out_own.n) {
            sk_buf_clear(&stream->out_own);
            stream->out_own_sent = 0;
        }
    }
    if (waiting(stream).n == 0)
        sk_list_remove(&stream->in_sending);
}

static int on_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t n,
                   nghttp2_data_source *source, void *arg)
{
    (void)ng;
    struct sk_h2 *h2 = arg;
    struct sk_h2_stream *stream = source->ptr;
    SK_ASSERT(frame->data.padlen == 0 && waiting(stream).n >= n);
    sk_buf_append(&h2->out, head, 9);
    sk_buf_append(&h2->out, waiting(stream).p, n);
    advance(stream, n);
    sk_flood_earn(&h2->flood, SK_FLOOD_WINDOW, 20);
    sk_flood_earn(&h2->flood, SK_FLOOD_PING, 1);
    return 0;
}

/* Among others: an answer that ends before its request asks the peer to stop sending. */
static int on_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    struct sk_h2 *h2 = arg;
    if (!h2->server)
        return 0;
    if (frame->hd.type == NGHTTP2_GOAWAY && h2->draining && !h2->goaway_sent) {
        h2_ping(h2, sk_now_mono_ms()); // its answer says that the notice was read
        return 0;
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        // a peer that provokes resets is no better than one that sends them (CVE-2025-8671)
        if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
            !sk_flood_take(&h2->flood, SK_FLOOD_RESET, sk_now_mono_ms()))
            h2->offence = "provoked RST_STREAM";
        return 0;
    }
    bool end = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
               (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    if (!end)
        return 0;
    struct sk_h2_stream *stream = nghttp2_session_get_stream_user_data(ng, frame->hd.stream_id);
    if (stream && !stream->ended)
        return nghttp2_submit_rst_stream(ng, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    return 0;
}

void h2_set_send_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
}

/* ---- the flush ---- */

static void write_out(struct sk_h2 *h2)
{
    if (h2->out.n == 0)
        return;
    h2->written += h2->out.n;
    h2->blocked = sk_conn_write(h2->conn, sk_buf_view(&h2->out)) > PENDING_MAX;
    sk_buf_clear(&h2->out);
}

void h2_flush(struct sk_h2 *h2)
{
    if (h2->events->on_flush && !h2->closing)
        h2->events->on_flush(h2->owner);
    if (h2->closing || !sk_conn_ready(h2->conn))
        return;
    ssize_t n = 0;
    while (!h2->blocked) {
        const uint8_t *bytes = NULL;
        n = nghttp2_session_mem_send(h2->ng, &bytes);
        if (n <= 0)
            break;
        sk_buf_append(&h2->out, bytes, (size_t)n);
        if (h2->out.n >= COLLECT_MAX)
            write_out(h2);
    }
    write_out(h2);
    h2_tell(h2); // streams that ended by what was sent
    if (n < 0) {
        sk_h2_close(h2);
    } else if (h2->offence) {
        h2_count(h2->offence);
        h2_close_with(h2, NGHTTP2_ENHANCE_YOUR_CALM, h2->offence);
    } else if (!h2->blocked && !nghttp2_session_want_read(h2->ng) &&
               !nghttp2_session_want_write(h2->ng) && !h2->closing) {
        h2->closing = true;
        sk_conn_shutdown(h2->conn);
    }
}

static void on_posted_flush(void *arg)
{
    struct sk_h2 *h2 = arg;
    h2->flush_posted = false;
    if (h2->closed)
        sk_mem_free(h2); // sk_h2's own end came first and left the memory to us
    else
        h2_flush(h2);
}

void sk_h2_kick(struct sk_h2 *h2)
{
    if (h2->flush_posted || h2->closing)
        return;
    h2->flush_posted = true;
    sk_rt_post(sk_rt_current(), sk_rt_loop_index(), on_posted_flush, h2);
}

/* A peer that takes its answers too slowly loses them; one that takes nothing at all, everything.
 */
void h2_tick_sending(struct sk_h2 *h2, int64_t now_ms)
{
    SK_LIST_EACH (it, &h2->sending) {
        struct sk_h2_stream *stream = SK_CONTAINER(it, struct sk_h2_stream, in_sending);
        int64_t waited_ms = now_ms - stream->out_since_ms;
        if (waited_ms < h2->limits->stall_ms)
            break;
        if (waited_ms >=
            h2->limits->stall_ms + (int64_t)(stream->out_size / SLOW_BYTES_PER_S) * 1000) {
            h2_count("slow reader");
            sk_h2_reset(stream, SK_H2_CANCEL);
        }
    }
    uint64_t pending = sk_conn_pending(h2->conn); // with what TLS adds to the bytes written
    uint64_t delivered = h2->written > pending ? h2->written - pending : 0;
    if (delivered >= h2->stall_mark) {
        h2->stall_mark = h2->written;
        h2->stall_ms = now_ms;
    } else if (now_ms - h2->stall_ms >= h2->limits->stall_ms) {
        h2_close_counted(h2, "deaf reader"); // bytes of stall_ms ago are still here
    }
}

/* ---- the API ---- */

static void submit(struct sk_h2_stream *stream, const struct sk_h2_header *fields, size_t count,
                   bool with_body)
{
    struct sk_h2 *h2 = stream->session;
    nghttp2_nv nv[HEADERS_MAX];
    fill_nv(nv, fields, count, true);
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = on_take};
    int rc = nghttp2_submit_response(h2->ng, stream->id, nv, count, with_body ? &provider : NULL);
    if (rc != 0) // the stream is going; its close is told
        h2_unlist_sending(stream);
    sk_h2_kick(h2);
}

void sk_h2_respond(struct sk_h2_stream *stream, const struct sk_h2_header *fields, size_t count,
                   struct sk_str body, const struct sk_h2_header *trailers, size_t trailer_count)
{
    stream->out = body;
    stream->out_end = true;
    stream->trailers = trailers;
    stream->trailer_count = trailer_count;
    list_sending(stream, body.n);
    submit(stream, fields, count, true);
}

void sk_h2_respond_headers(struct sk_h2_stream *stream, const struct sk_h2_header *fields,
                           size_t count)
{
    submit(stream, fields, count, false);
}

void sk_h2_start(struct sk_h2_stream *stream, const struct sk_h2_header *fields, size_t count)
{
    submit(stream, fields, count, true);
}

void sk_h2_send(struct sk_h2_stream *stream, struct sk_str bytes)
{
    sk_buf_append(&stream->out_own, bytes.p, bytes.n);
    list_sending(stream, bytes.n);
    nghttp2_session_resume_data(stream->session->ng, stream->id); // not deferred: no matter
    sk_h2_kick(stream->session);
}

void sk_h2_finish(struct sk_h2_stream *stream, const struct sk_h2_header *trailers, size_t count)
{
    stream->out_end = true;
    stream->trailers = trailers;
    stream->trailer_count = count;
    nghttp2_session_resume_data(stream->session->ng, stream->id);
    sk_h2_kick(stream->session);
}

struct sk_h2_stream *sk_h2_request(struct sk_h2 *h2, const struct sk_h2_header *fields,
                                   size_t count, struct sk_str body, void *user)
{
    if (h2->closing || h2->goaway_got || !nghttp2_session_check_request_allowed(h2->ng))
        return NULL;
    struct sk_h2_stream *stream = h2_stream_new(h2);
    stream->user = user;
    sk_buf_append(&stream->out_own, body.p, body.n);
    stream->out_end = true;
    list_sending(stream, body.n);
    nghttp2_nv nv[HEADERS_MAX];
    fill_nv(nv, fields, count, false);
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = on_take};
    stream->id = nghttp2_submit_request(h2->ng, NULL, nv, count, &provider, stream);
    if (stream->id < 0) {
        h2_stream_free(stream);
        return NULL;
    }
    sk_h2_kick(h2);
    return stream;
}

bool sk_h2_clogged(const struct sk_h2 *h2)
{
    return h2->unsent > h2->limits->unsent_bytes_max;
}

void sk_h2_reset(struct sk_h2_stream *stream, uint32_t error)
{
    nghttp2_submit_rst_stream(stream->session->ng, NGHTTP2_FLAG_NONE, stream->id, error);
    sk_h2_kick(stream->session);
}

void sk_h2_discard(struct sk_h2_stream *stream)
{
    stream->discarded = true;
    stream->user = NULL;
    sk_h2_reset(stream, SK_H2_CANCEL);
}
