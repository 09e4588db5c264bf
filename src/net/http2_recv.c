/*
 * The receiving half of HTTP/2 sessions: nghttp2's callbacks and what is told of them.
 *
 * The callbacks only record: header text goes into the session's buffers of this turn, body bytes
 * into their stream, and streams with news onto the dirty list. When nghttp2 has worked through
 * the bytes, h2_tell walks what was recorded, in order, and only there streams are freed. So an
 * event may use the whole API, and nghttp2 never finds its stream gone.
 *
 * Bounds: header text of a turn (TURN_TEXT_MAX) stands against blocks that expand a thousand
 * times by HPACK; a block's own limits cut what is told and, far beyond, end the connection; body
 * bytes are taken from the connection's and the process's budgets before they are copied.
 *
 * INV-1: a stream is on the dirty list when, and only when, its events has EV_BODY or EV_CLOSE.
 * INV-2: charged equals what the stream holds of the budget, and is >= body.n.
 * Thread: the connection's loop.
 */
#include "net/http2_internal.h"

#include "base/assert.h"
#include "base/log.h"

#define TURN_TEXT_MAX ((size_t)2 << 20) // 4 KiB for each of as many requests as FEED_MAX can hold
#define FEED_MAX ((size_t)16 * 1024)
#define HARD 4 // a block this many times over its limits ends the connection

static struct h2_block *last_block(struct sk_h2 *h2)
{
    return h2->blocks.n > 0 ? (struct h2_block *)(void *)(h2->blocks.p + h2->blocks.n) - 1 : NULL;
}

void h2_mark(struct sk_h2_stream *stream, unsigned events)
{
    if (!(stream->events & (EV_BODY | EV_CLOSE)))
        sk_list_push_back(&stream->session->dirty, &stream->in_dirty);
    stream->events = (uint8_t)(stream->events | events);
}

struct sk_h2_stream *h2_stream_new(struct sk_h2 *h2)
{
    struct sk_h2_stream *stream = sk_mem_zalloc(sizeof *stream);
    stream->session = h2;
    stream->born_ms = sk_now_mono_ms();
    sk_list_init(&stream->in_dirty);
    sk_list_init(&stream->in_sending);
    sk_list_push_back(&h2->streams, &stream->in_session);
    h2->stream_count++;
    return stream;
}

void h2_stream_free(struct sk_h2_stream *stream)
{
    struct sk_h2 *h2 = stream->session;
    struct h2_block *block = last_block(h2);
    if (block && block->stream == stream)
        block->stream = NULL;
    h2_unlist_sending(stream);
    sk_list_remove(&stream->in_dirty);
    sk_list_remove(&stream->in_session);
    sk_budget_give(&h2->budget, stream->charged);
    sk_buf_fini(&stream->body);
    sk_buf_fini(&stream->out_own);
    sk_mem_free(stream);
    h2->stream_count--;
    if (h2->stream_count == 0)
        h2->idle_since_ms = sk_now_mono_ms();
}

/* ---- nghttp2's callbacks: record only ---- */

static enum sk_flood_kind flood_kind(const nghttp2_frame_hd *hd)
{
    switch (hd->type) {
    case NGHTTP2_SETTINGS:
        return hd->flags & NGHTTP2_FLAG_ACK ? SK_FLOOD_KINDS : SK_FLOOD_SETTINGS;
    case NGHTTP2_PING:
        return hd->flags & NGHTTP2_FLAG_ACK ? SK_FLOOD_KINDS : SK_FLOOD_PING;
    case NGHTTP2_RST_STREAM:
        return SK_FLOOD_RESET;
    case NGHTTP2_PRIORITY:
        return SK_FLOOD_PRIORITY;
    case NGHTTP2_WINDOW_UPDATE:
        return SK_FLOOD_WINDOW;
    case NGHTTP2_DATA:
        return hd->length == 0 && !(hd->flags & NGHTTP2_FLAG_END_STREAM) ? SK_FLOOD_EMPTY
                                                                         : SK_FLOOD_KINDS;
    default:
        return SK_FLOOD_KINDS;
    }
}

static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *arg)
{
    (void)ng;
    struct sk_h2 *h2 = arg;
    enum sk_flood_kind kind = h2->server ? flood_kind(hd) : SK_FLOOD_KINDS;
    if (kind < SK_FLOOD_KINDS && !sk_flood_take(&h2->flood, kind, sk_now_mono_ms()))
        h2->offence = sk_flood_name(kind);
    return 0;
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    struct sk_h2 *h2 = arg;
    struct sk_h2_stream *stream = nghttp2_session_get_stream_user_data(ng, frame->hd.stream_id);
    if (!stream && h2->server) {
        if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
            return 0;
        stream = h2_stream_new(h2);
        stream->id = frame->hd.stream_id;
        nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, stream);
        sk_flood_earn(&h2->flood, SK_FLOOD_WINDOW, 2);
        sk_flood_earn(&h2->flood, SK_FLOOD_PRIORITY, 2);
    }
    if (!stream)
        return 0;
    struct h2_block block = {
        .stream = stream,
        .first = (uint32_t)(h2->fields.n / sizeof(struct h2_field)),
        .trailers = frame->headers.cat == NGHTTP2_HCAT_HEADERS,
    };
    sk_buf_append(&h2->blocks, &block, sizeof block);
    stream->header_bytes = 0;
    stream->header_count = 0;
    return 0;
}

static uint32_t add_text(struct sk_buf *text, const uint8_t *bytes, size_t n)
{
    uint32_t at = (uint32_t)text->n;
    sk_buf_append(text, bytes, n);
    sk_buf_append(text, "", 1); // readers may want C strings
    return at;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *arg)
{
    (void)ng;
    (void)flags;
    struct sk_h2 *h2 = arg;
    struct h2_block *block = last_block(h2);
    struct sk_h2_stream *stream = block ? block->stream : NULL;
    if (!stream || stream->id != frame->hd.stream_id)
        return 0;
    const struct sk_h2_limits *limits = h2->limits;
    stream->header_bytes += (uint32_t)(name_size + value_size + 32);
    stream->header_count++;
    if (stream->header_bytes > limits->header_bytes_max ||
        stream->header_count > limits->header_count_max || h2->text.n > TURN_TEXT_MAX) {
        stream->headers_cut = true;
        if (stream->header_bytes > HARD * limits->header_bytes_max ||
            stream->header_count > HARD * limits->header_count_max)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        return 0;
    }
    struct h2_field field = {.name_size = (uint32_t)name_size, .value_size = (uint32_t)value_size};
    field.name = add_text(&h2->text, name, name_size);
    field.value = add_text(&h2->text, value, value_size);
    sk_buf_append(&h2->fields, &field, sizeof field);
    block->count++;
    return 0;
}

static void end_of_frame(nghttp2_session *ng, struct sk_h2 *h2, const nghttp2_frame *frame)
{
    struct sk_h2_stream *stream = nghttp2_session_get_stream_user_data(ng, frame->hd.stream_id);
    struct h2_block *block = last_block(h2);
    if (!stream)
        return;
    if (frame->hd.type == NGHTTP2_HEADERS && block && block->stream == stream)
        block->complete = true;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        stream->ended = true;
    if (stream->ended || frame->hd.type == NGHTTP2_DATA)
        h2_mark(stream, EV_BODY);
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    struct sk_h2 *h2 = arg;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        end_of_frame(ng, h2, frame);
        break;
    case NGHTTP2_SETTINGS:
        h2->greeted = true;
        break;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK)
            h2->ping_out = false;
        break;
    case NGHTTP2_GOAWAY:
        h2->goaway_got = true;
        break;
    default:
        break;
    }
    return 0;
}

static void refuse_body(struct sk_h2_stream *stream)
{
    h2_count("budget");
    stream->refused = true;
    sk_buf_fini(&stream->body);
    sk_budget_give(&stream->session->budget, stream->charged);
    stream->charged = 0;
    h2_mark(stream, EV_BODY);
}

static int on_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n,
                    void *arg)
{
    (void)flags;
    struct sk_h2 *h2 = arg;
    h2->copied += n;
    struct sk_h2_stream *stream = nghttp2_session_get_stream_user_data(ng, id);
    if (!stream || stream->refused || stream->discarded)
        return 0;
    if (!h2->server && nghttp2_session_consume_stream(ng, id, n) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    size_t need = stream->body.n + n;
    if (need > stream->charged) {
        if (!sk_budget_take(&h2->budget, need - stream->charged)) {
            refuse_body(stream);
            return 0;
        }
        stream->charged = need;
    }
    sk_buf_append(&stream->body, bytes, n);
    h2_mark(stream, EV_BODY);
    return 0;
}

static int on_close(nghttp2_session *ng, int32_t id, uint32_t error, void *arg)
{
    (void)arg;
    struct sk_h2_stream *stream = nghttp2_session_get_stream_user_data(ng, id);
    if (!stream)
        return 0;
    nghttp2_session_set_stream_user_data(ng, id, NULL);
    stream->error = error;
    h2_mark(stream, EV_CLOSE);
    return 0;
}

void h2_set_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
}

/* ---- telling ---- */

/* A request that was reset in the turn it came in: nobody need hear of it. */
static bool stillborn(const struct sk_h2_stream *stream)
{
    return stream->session->server && (stream->events & EV_CLOSE) && stream->error != 0 &&
           !(stream->events & EV_TOLD);
}

static void tell_block(struct sk_h2 *h2, const struct h2_block *block)
{
    struct sk_h2_stream *stream = block->stream;
    if (!stream || !block->complete || stream->discarded || stillborn(stream))
        return; // incomplete though others follow: it was malformed, and its stream is being reset
    sk_buf_clear(&h2->view);
    const struct h2_field *fields = (const struct h2_field *)(const void *)h2->fields.p;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct h2_field *field = &fields[block->first + i];
        struct sk_h2_header header = {{h2->text.p + field->name, field->name_size},
                                      {h2->text.p + field->value, field->value_size}};
        sk_buf_append(&h2->view, &header, sizeof header);
    }
    stream->events |= EV_TOLD;
    h2->events->on_headers(h2->owner, stream, (const struct sk_h2_header *)(const void *)h2->view.p,
                           block->count, block->trailers);
}

static void tell_stream(struct sk_h2 *h2, struct sk_h2_stream *stream)
{
    // a client's stream may end before any header came; a server's is unknown above until then
    bool silent = stream->discarded || (h2->server && !(stream->events & EV_TOLD));
    if ((stream->events & EV_BODY) && !silent)
        h2->events->on_body(h2->owner, stream);
    if (!(stream->events & EV_CLOSE)) {
        stream->events &= EV_TOLD;
        return;
    }
    if (!silent && !stream->discarded)
        h2->events->on_stream_close(h2->owner, stream, stream->error);
    h2_stream_free(stream);
}

/* Move the incomplete last block to the front of the buffers, the others having been told. */
static void keep_block(struct sk_h2 *h2, struct h2_block block)
{
    struct h2_field *fields = (struct h2_field *)(void *)h2->fields.p;
    uint32_t from = block.count > 0 ? fields[block.first].name : (uint32_t)h2->text.n;
    if (block.count > 0) {
        memmove(h2->text.p, h2->text.p + from, h2->text.n - from);
        memmove(fields, fields + block.first, block.count * sizeof *fields);
    }
    h2->text.n -= from;
    h2->fields.n = block.count * sizeof *fields;
    for (uint32_t i = 0; i < block.count; i++) {
        fields[i].name -= from;
        fields[i].value -= from;
    }
    block.first = 0;
    sk_buf_clear(&h2->blocks);
    sk_buf_append(&h2->blocks, &block, sizeof block);
}

static void tell_blocks(struct sk_h2 *h2)
{
    size_t count = h2->blocks.n / sizeof(struct h2_block);
    const struct h2_block *blocks = (const struct h2_block *)(const void *)h2->blocks.p;
    size_t complete = count > 0 && !blocks[count - 1].complete ? count - 1 : count;
    for (size_t i = 0; i < complete; i++)
        tell_block(h2, &blocks[i]);
    if (complete < count) {
        keep_block(h2, blocks[count - 1]);
    } else {
        sk_buf_clear(&h2->blocks);
        sk_buf_clear(&h2->fields);
        sk_buf_clear(&h2->text);
    }
}

void h2_tell(struct sk_h2 *h2)
{
    tell_blocks(h2);
    bool any = false;
    for (struct sk_list *it; (it = sk_list_pop_front(&h2->dirty));) {
        tell_stream(h2, SK_CONTAINER(it, struct sk_h2_stream, in_dirty));
        any = true;
    }
    if (any && h2->stream_count == 0 && h2->events->on_idle)
        h2->events->on_idle(h2->owner);
    if (h2->goaway_got && !h2->goaway_told) {
        h2->goaway_told = true;
        if (h2->events->on_goaway)
            h2->events->on_goaway(h2->owner);
    }
}

static void credit(struct sk_h2 *h2)
{
    if (h2->copied == 0)
        return;
    SK_ASSERT(nghttp2_session_consume_connection(h2->ng, h2->copied) == 0); // only memory can fail
    h2->copied = 0;
}

void h2_feed(struct sk_h2 *h2, const char *bytes, size_t n)
{
    h2->received_ms = sk_now_mono_ms();
    while (n > 0 && !h2->closing) {
        size_t step = n < FEED_MAX ? n : FEED_MAX; // bounds what one turn may record
        ssize_t rc = nghttp2_session_mem_recv(h2->ng, (const uint8_t *)bytes, step);
        credit(h2);
        h2_tell(h2);
        if (rc < 0) {
            bool greedy = rc == NGHTTP2_ERR_CALLBACK_FAILURE || rc == NGHTTP2_ERR_FLOODED;
            h2_count(rc == NGHTTP2_ERR_CALLBACK_FAILURE ? "headers"
                     : greedy                           ? "flood"
                                                        : "protocol");
            h2_close_with(h2, greedy ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR,
                          nghttp2_strerror((int)rc));
            return;
        }
        if (h2->offence) {
            h2_count(h2->offence);
            h2_close_with(h2, NGHTTP2_ENHANCE_YOUR_CALM, h2->offence);
            return;
        }
        bytes += (size_t)rc;
        n -= (size_t)rc;
        if (rc == 0)
            break;
    }
    if (!h2->closing && (nghttp2_session_want_write(h2->ng) || !nghttp2_session_want_read(h2->ng)))
        sk_h2_kick(h2);
}
