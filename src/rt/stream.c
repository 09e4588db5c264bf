/*
 * Streams: a TCP socket in libuv's hands, and the bytes that the kernel has not taken yet.
 *
 * Reading: all streams of a loop read into one buffer of the loop, since what on_read is given is
 * only borrowed. Writing: first straight to the socket from the caller's memory; what the kernel
 * does not take is copied to `waiting`. One uv_write is under way at a time, from `sending`; when
 * it is done the two change places. So the order of bytes is that of the calls, and a slow peer
 * costs its unsent bytes and nothing else.
 *
 *   OPEN --shutdown--> ENDING: sends the rest, says FIN, reads on for nobody until the peer's end
 *     |                   |    (or LINGER_MS), so that the last bytes are not lost to a reset
 *     +------close--------+--> closing: libuv lets go of the socket, on_close, freed
 *
 * A broken connection is told once, by on_read with an error, never inside a call of the owner's:
 * if a write finds it, a timer that is due at once tells. After that, or after the peer's end, the
 * owner closes.
 */
#include "rt/stream.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "rt/rt_internal.h"

enum {
    READ_BUFFER_SIZE = 64 * 1024,
    WRITE_PARTS_MAX = 32, // slices in one system call
    LINGER_MS = 5000,     // for the peer to take the last bytes and to end its side
    PEER_TEXT = 64,
};

struct sk_stream {
    uv_tcp_t tcp;
    struct sk_loop *loop;
    const struct sk_stream_events *events; // NULL: not opened; nobody is told anything
    void *owner;
    struct sk_buf sending; // libuv's while writing
    struct sk_buf waiting;
    uv_write_t write;
    uv_shutdown_t fin;
    struct sk_timer notice; // tells of a broken connection
    struct sk_timer linger;
    bool writing; // sending is under way
    bool ending;  // sk_stream_shutdown was called
    bool broken;  // no more bytes go out
    bool told;    // the end of reading was seen: nothing more is read
    bool fin_sent;
    char peer[PEER_TEXT];
};

/* ---- making and closing ---- */

static void stream_free(struct sk_stream *stream)
{
    sk_timer_stop(&stream->notice);
    sk_timer_stop(&stream->linger);
    sk_buf_fini(&stream->sending);
    sk_buf_fini(&stream->waiting);
    atomic_fetch_sub_explicit(&stream->loop->stream_count, 1, memory_order_relaxed);
    sk_mem_free(stream);
}

void sk_stream_forget(uv_handle_t *handle)
{
    stream_free(handle->data);
}

static void on_closed(uv_handle_t *handle)
{
    struct sk_stream *stream = handle->data;

    sk_loop_begin_turn(stream->loop);
    if (stream->events)
        stream->events->on_close(stream->owner);
    stream_free(stream);
}

void sk_stream_close(struct sk_stream *stream)
{
    uv_handle_t *handle = (uv_handle_t *)&stream->tcp;

    sk_timer_stop(&stream->notice);
    sk_timer_stop(&stream->linger);
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static bool is_closing(const struct sk_stream *stream)
{
    return uv_is_closing((const uv_handle_t *)&stream->tcp);
}

static void on_notice(struct sk_timer *timer)
{
    struct sk_stream *stream = SK_CONTAINER(timer, struct sk_stream, notice);

    if (stream->ending) { // the owner has taken leave
        sk_stream_close(stream);
        return;
    }
    if (stream->told || !stream->events)
        return;
    stream->told = true;
    stream->events->on_read(stream->owner, SK_UNAVAILABLE, NULL, 0);
}

static void on_lingered(struct sk_timer *timer)
{
    sk_stream_close(SK_CONTAINER(timer, struct sk_stream, linger));
}

struct sk_stream *sk_stream_new(struct sk_loop *loop, int fd, int *reterr_status)
{
    struct sk_stream *stream = sk_mem_zalloc(sizeof(*stream));

    stream->loop = loop;
    stream->tcp.data = stream;
    sk_timer_init(&stream->notice, on_notice);
    sk_timer_init(&stream->linger, on_lingered);
    atomic_fetch_add_explicit(&loop->stream_count, 1, memory_order_relaxed);
    SK_ASSERT(uv_tcp_init(&loop->uv, &stream->tcp) == 0);
    if (fd < 0)
        return stream;
    int status = uv_tcp_open(&stream->tcp, fd);
    if (status != 0) {
        close(fd);
        sk_stream_close(stream);
        *reterr_status = status;
        return NULL;
    }
    sk_stream_connected(stream);
    return stream;
}

uv_tcp_t *sk_stream_tcp(struct sk_stream *stream)
{
    return &stream->tcp;
}

void sk_stream_connected(struct sk_stream *stream)
{
    struct sockaddr_storage address;
    int size = sizeof(address);
    char ip[46];

    uv_tcp_nodelay(&stream->tcp, 1);
    snprintf(stream->peer, sizeof(stream->peer), "unknown");
    if (uv_tcp_getpeername(&stream->tcp, (struct sockaddr *)&address, &size) != 0)
        return; // it has gone already; the first read will say so
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;
        uv_ip6_name(in6, ip, sizeof(ip));
        snprintf(stream->peer, sizeof(stream->peer), "[%s]:%d", ip, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
        uv_ip4_name(in, ip, sizeof(ip));
        snprintf(stream->peer, sizeof(stream->peer), "%s:%d", ip, ntohs(in->sin_port));
    }
}

void sk_stream_open(struct sk_stream *stream, const struct sk_stream_events *events, void *owner)
{
    stream->events = events;
    stream->owner = owner;
}

const char *sk_stream_peer(const struct sk_stream *stream)
{
    return stream->peer;
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct sk_stream *stream = handle->data;
    struct sk_loop *loop = stream->loop;

    (void)suggested;
    if (!loop->read_buffer)
        loop->read_buffer = sk_mem_alloc(READ_BUFFER_SIZE);
    *ret = uv_buf_init(loop->read_buffer, READ_BUFFER_SIZE);
}

/* Bytes that nobody wants any more, or the peer's end. */
static void read_while_ending(struct sk_stream *stream, ssize_t n)
{
    if (n > 0)
        return;
    stream->told = true;
    uv_read_stop((uv_stream_t *)&stream->tcp);
    if (n != UV_EOF || stream->fin_sent) // else there is something left to send
        sk_stream_close(stream);
}

static void on_bytes(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct sk_stream *stream = tcp->data;

    sk_loop_begin_turn(stream->loop);
    if (n == 0)
        return; // would block
    if (stream->ending) {
        read_while_ending(stream, n);
        return;
    }
    stream->loop->running = (uintptr_t)stream->events->on_read;
    if (n > 0) {
        stream->events->on_read(stream->owner, SK_OK, buf->base, (size_t)n);
        return;
    }
    uv_read_stop(tcp);
    stream->broken = stream->broken || n != UV_EOF;
    stream->told = true;
    sk_timer_stop(&stream->notice);
    stream->events->on_read(stream->owner, n == UV_EOF ? SK_CANCELLED : SK_UNAVAILABLE, NULL, 0);
}

void sk_stream_read_start(struct sk_stream *stream)
{
    SK_ASSERT(stream->events);
    if (!stream->told && !stream->ending && !is_closing(stream))
        uv_read_start((uv_stream_t *)&stream->tcp, on_alloc, on_bytes);
}

void sk_stream_read_stop(struct sk_stream *stream)
{
    if (!stream->ending)
        uv_read_stop((uv_stream_t *)&stream->tcp);
}

/* ---- writing ---- */

static void break_off(struct sk_stream *stream)
{
    stream->broken = true;
    sk_buf_fini(&stream->waiting);
    if (!is_closing(stream) && !sk_timer_running(&stream->notice))
        sk_timer_start(&stream->notice, sk_now_mono_ms());
}

static void on_fin(uv_shutdown_t *fin, int status)
{
    struct sk_stream *stream = fin->data;

    sk_loop_begin_turn(stream->loop);
    stream->fin_sent = true;
    // Else wait for the peer's end: closing now would reset what it has not read yet.
    if (!is_closing(stream) && (status != 0 || stream->told))
        sk_stream_close(stream);
}

static void send_fin(struct sk_stream *stream)
{
    stream->fin.data = stream;
    if (stream->broken || uv_shutdown(&stream->fin, (uv_stream_t *)&stream->tcp, on_fin) != 0)
        sk_stream_close(stream);
}

static void send_waiting(struct sk_stream *stream);

static void on_written(uv_write_t *write, int status)
{
    struct sk_stream *stream = write->data;

    sk_loop_begin_turn(stream->loop);
    stream->writing = false;
    sk_buf_clear(&stream->sending);
    if (is_closing(stream))
        return;
    if (status != 0) {
        break_off(stream);
        return;
    }
    if (stream->waiting.n > 0) {
        send_waiting(stream);
        return;
    }
    // Buffers are for the time a peer is slow; an idle stream holds none.
    sk_buf_fini(&stream->sending);
    sk_buf_fini(&stream->waiting);
    if (stream->ending) {
        send_fin(stream);
    } else if (stream->events->on_drained) {
        stream->loop->running = (uintptr_t)stream->events->on_drained;
        stream->events->on_drained(stream->owner);
    }
}

static void send_waiting(struct sk_stream *stream)
{
    struct sk_buf empty = stream->sending;

    stream->sending = stream->waiting;
    stream->waiting = empty;
    uv_buf_t buf = uv_buf_init(stream->sending.p, (unsigned)stream->sending.n);
    stream->write.data = stream;
    int status = uv_write(&stream->write, (uv_stream_t *)&stream->tcp, &buf, 1, on_written);
    if (status == 0)
        stream->writing = true;
    else
        break_off(stream);
}

/* Straight to the socket. Bytes that were taken; a broken connection takes none. */
static size_t try_write(struct sk_stream *stream, const struct sk_str *parts, int count)
{
    uv_buf_t bufs[WRITE_PARTS_MAX];
    int n = count < WRITE_PARTS_MAX ? count : WRITE_PARTS_MAX;

    for (int i = 0; i < n; i++) {
        bufs[i].base = (char *)(uintptr_t)parts[i].p; // libuv only reads it
        bufs[i].len = parts[i].n;
    }
    int written = uv_try_write((uv_stream_t *)&stream->tcp, bufs, (unsigned)n);
    if (written < 0 && written != UV_EAGAIN)
        break_off(stream);
    return written > 0 ? (size_t)written : 0;
}

size_t sk_stream_write(struct sk_stream *stream, const struct sk_str *parts, int count)
{
    size_t taken = 0;

    if (stream->broken || stream->ending || is_closing(stream))
        return 0;
    if (!stream->writing)
        taken = try_write(stream, parts, count);
    if (stream->broken)
        return 0;
    for (int i = 0; i < count; i++) {
        size_t skip = taken < parts[i].n ? taken : parts[i].n;
        taken -= skip;
        sk_buf_append(&stream->waiting, parts[i].p + skip, parts[i].n - skip);
    }
    if (!stream->writing && stream->waiting.n > 0)
        send_waiting(stream);
    return sk_stream_pending(stream);
}

size_t sk_stream_pending(const struct sk_stream *stream)
{
    size_t sending =
        stream->writing ? uv_stream_get_write_queue_size((const uv_stream_t *)&stream->tcp) : 0;
    return sending + stream->waiting.n;
}

void sk_stream_shutdown(struct sk_stream *stream)
{
    if (stream->ending || is_closing(stream))
        return;
    // Reading goes on, for nobody: a peer that can't send may not come to read what waits here.
    sk_stream_read_start(stream);
    stream->ending = true;
    sk_timer_start(&stream->linger, sk_now_mono_ms() + LINGER_MS);
    if (!stream->writing)
        send_fin(stream);
}
