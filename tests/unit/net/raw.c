#include "raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../patience.h"

static void on_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct raw *raw = owner;
    if (err)
        raw->ended = true;
    else
        sk_buf_append(&raw->in, bytes, n);
    sk_waitq_wake_all(&raw->news);
}

static void on_drained(void *owner)
{
    struct raw *raw = owner;
    sk_waitq_wake_all(&raw->news);
}

static void on_close(void *owner)
{
    struct raw *raw = owner;
    raw->closed = true;
    sk_waitq_wake_all(&raw->news);
}

static const struct sk_stream_events events = {on_read, on_drained, on_close};

struct raw *raw_connect(int port)
{
    struct raw *raw = sk_mem_zalloc(sizeof *raw);
    int error = 0;
    sk_waitq_init(&raw->news);
    assert_int_equal(nghttp2_hd_inflate_new(&raw->inflater), 0);
    assert_int_equal(sk_connect("127.0.0.1", port, &raw->stream, &error), SK_OK);
    sk_stream_open(raw->stream, &events, raw);
    sk_stream_read_start(raw->stream);
    return raw;
}

void raw_close(struct raw *raw)
{
    sk_stream_close(raw->stream);
    while (!raw->closed)
        sk_waitq_wait(&raw->news, 0);
    sk_buf_fini(&raw->in);
    sk_buf_fini(&raw->fields);
    nghttp2_hd_inflate_del(raw->inflater);
    sk_mem_free(raw);
}

void raw_send(struct raw *raw, const void *bytes, size_t n)
{
    struct sk_str part = {bytes, n};
    if (raw->ended)
        return;
    if (sk_stream_write(raw->stream, &part, 1) > (1 << 20)) // let the peer work
        while (sk_stream_pending(raw->stream) > 0 && !raw->ended)
            sk_waitq_wait(&raw->news, sk_now_mono_ms() + 100);
}

void raw_put(struct sk_buf *out, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
             size_t n)
{
    const uint8_t head[9] = {(uint8_t)(n >> 16),
                             (uint8_t)(n >> 8),
                             (uint8_t)n,
                             type,
                             flags,
                             (uint8_t)(stream >> 24),
                             (uint8_t)(stream >> 16),
                             (uint8_t)(stream >> 8),
                             (uint8_t)stream};
    sk_buf_append(out, head, sizeof head);
    if (n > 0)
        sk_buf_append(out, payload, n);
}

void raw_frame(struct raw *raw, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
               size_t n)
{
    struct sk_buf out = SK_BUF_INIT;
    raw_put(&out, type, flags, stream, payload, n);
    raw_send(raw, out.p, out.n);
    sk_buf_fini(&out);
}

void raw_preface(struct raw *raw)
{
    raw_send(raw, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    raw_frame(raw, SETTINGS, 0, 0, NULL, 0);
}

static void add_text(struct sk_buf *block, const char *text)
{
    size_t n = strlen(text), rest = n < 127 ? 0 : n - 127;
    sk_buf_append(block, (uint8_t[]){(uint8_t)(n < 127 ? n : 127)}, 1);
    if (n >= 127) {
        for (; rest >= 128; rest >>= 7)
            sk_buf_append(block, (uint8_t[]){(uint8_t)(rest | 128)}, 1);
        sk_buf_append(block, (uint8_t[]){(uint8_t)rest}, 1);
    }
    sk_buf_append(block, text, n);
}

void raw_field(struct sk_buf *block, const char *name, const char *value)
{
    sk_buf_append(block, (uint8_t[]){0x10}, 1);
    add_text(block, name);
    add_text(block, value);
}

void raw_call_fields(struct sk_buf *block, const char *path)
{
    raw_field(block, ":method", "POST");
    raw_field(block, ":scheme", "http");
    raw_field(block, ":path", path);
    raw_field(block, ":authority", "test");
    raw_field(block, "te", "trailers");
    raw_field(block, "content-type", "application/grpc");
}

void raw_call(struct raw *raw, uint32_t stream, const char *path, const void *body, size_t n)
{
    struct sk_buf block = SK_BUF_INIT;
    raw_call_fields(&block, path);
    raw_frame(raw, HEADERS, END_HEADERS, stream, block.p, block.n);
    raw_frame(raw, DATA, END_STREAM, stream, body, n);
    sk_buf_fini(&block);
}

static void read_fields(struct raw *raw, const uint8_t *in, size_t n)
{
    sk_buf_clear(&raw->fields);
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t took = nghttp2_hd_inflate_hd2(raw->inflater, &nv, &flags, in, n, 1);
        assert_true(took >= 0);
        in += took;
        n -= (size_t)took;
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            sk_buf_printf(&raw->fields, "%.*s: %.*s\n", (int)nv.namelen, (char *)nv.name,
                          (int)nv.valuelen, (char *)nv.value);
        if (flags & NGHTTP2_HD_INFLATE_FINAL)
            break;
    }
    nghttp2_hd_inflate_end_headers(raw->inflater);
    sk_buf_append(&raw->fields, "", 1);
}

/* The frame is moved to a buffer of its own. */
bool raw_next(struct raw *raw, struct raw_frame *ret)
{
    static uint8_t payload[1 << 24];
    int64_t until_ms = sk_now_mono_ms() + PATIENCE_MS;
    const uint8_t *p = NULL;
    for (;;) {
        p = (const uint8_t *)raw->in.p;
        ret->size = raw->in.n >= 9 ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
        if (raw->in.n >= 9 && raw->in.n >= 9 + (size_t)ret->size)
            break;
        if (raw->ended || !sk_waitq_wait(&raw->news, until_ms))
            return false;
    }
    ret->type = p[3];
    ret->flags = p[4];
    ret->stream =
        ((uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8]) & 0x7fffffff;
    memcpy(payload, p + 9, ret->size);
    ret->payload = payload;
    memmove(raw->in.p, raw->in.p + 9 + ret->size, raw->in.n - 9 - ret->size);
    raw->in.n -= 9 + ret->size;
    if (ret->type == HEADERS)
        read_fields(raw, payload, ret->size);
    return true;
}

bool raw_wait(struct raw *raw, uint8_t type, struct raw_frame *ret)
{
    while (raw_next(raw, ret))
        if (ret->type == type)
            return true;
    return false;
}

int raw_wait_end(struct raw *raw)
{
    struct raw_frame frame;
    int code = 0;
    while (raw_next(raw, &frame))
        if (frame.type == GOAWAY && frame.size >= 8 && frame.payload[7] != 0)
            code = frame.payload[7];
    return raw->ended ? code : -1;
}

const char *raw_value(struct raw *raw, const char *name)
{
    static char value[70000];
    for (char *line = raw->fields.p; line && *line; line = strchr(line, '\n') + 1) {
        size_t n = strlen(name);
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + n + 2, "\n"), line + n + 2);
            return value;
        }
    }
    return NULL;
}

int raw_status(struct raw *raw, uint32_t stream)
{
    struct raw_frame frame;
    while (raw_next(raw, &frame)) {
        if (frame.stream != stream)
            continue;
        if (frame.type == HEADERS && (frame.flags & END_STREAM)) {
            const char *status = raw_value(raw, "grpc-status");
            return status ? (int)strtol(status, NULL, 10) : -1;
        }
        if (frame.type == RST_STREAM)
            return -1;
    }
    return -1;
}
