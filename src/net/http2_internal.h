/* For the http2*.c files only: a session's insides. */
#ifndef SK_NET_HTTP2_INTERNAL_H
#define SK_NET_HTTP2_INTERNAL_H

#include <nghttp2/nghttp2.h>
#include "net/budget.h"
#include "net/flood.h"
#include "net/http2.h"
#include "rt/rt.h"

/* A header block: fields[first .. first + count). Only the last one may be incomplete, its frame
 * having been cut by the end of what was read. */
struct h2_block {
    struct sk_h2_stream *stream; /* NULL: it ended before its headers were whole */
    uint32_t first, count;
    bool trailers, complete;
};

/* A field of this turn, by offsets, for the text may move while it grows. */
struct h2_field {
    uint32_t name, name_size, value, value_size;
};

struct sk_h2 {
    nghttp2_session *ng;  /* owned */
    struct sk_conn *conn; /* owned */
    const struct sk_h2_events *events;
    void *owner;
    const struct sk_h2_limits *limits;
    bool server;
    bool greeted; /* the peer's preface (SETTINGS) came */
    bool closing; /* close or shutdown was called */
    bool closed;  /* on_close was told; waiting for the posted flush to free us */
    bool flush_posted;
    bool draining;    /* first GOAWAY sent */
    bool goaway_sent; /* second one too */
    bool goaway_got;
    bool goaway_told;
    bool ping_out;
    const char *offence; /* why the connection must end, or NULL */
    size_t stream_count;
    struct sk_list streams, dirty, sending;

    /* header blocks not told yet */
    struct sk_buf text;   /* names and values */
    struct sk_buf fields; /* struct h2_field */
    struct sk_buf blocks; /* struct h2_block */
    struct sk_buf view;   /* struct sk_h2_header, rebuilt for each block told */

    size_t copied; /* body bytes taken since the last credit */
    struct sk_budget budget;
    size_t unsent;     /* bytes of answers that nghttp2 has not taken */
    struct sk_buf out; /* this turn's output */
    bool blocked;      /* output waits for on_drained */

    struct sk_flood flood;
    struct sk_timer tick;
    int64_t tick_ms;
    int64_t born_ms, received_ms, pinged_ms, idle_since_ms, drained_ms;
    uint64_t written;    /* bytes handed to the connection, ever */
    uint64_t stall_mark; /* the value of written at stall_ms */
    int64_t stall_ms;
};

enum { EV_BODY = 1, EV_CLOSE = 2, EV_TOLD = 4 };

/* http2_recv.c */
void h2_set_callbacks(nghttp2_session_callbacks *callbacks);
void h2_tell(struct sk_h2 *h2); /* events recorded by the callbacks */
void h2_feed(struct sk_h2 *h2, const char *bytes, size_t n);
struct sk_h2_stream *h2_stream_new(struct sk_h2 *h2);
void h2_stream_free(struct sk_h2_stream *stream);
void h2_mark(struct sk_h2_stream *stream, unsigned events);
/* http2_send.c */
void h2_set_send_callbacks(nghttp2_session_callbacks *callbacks);
void h2_flush(struct sk_h2 *h2);
void h2_tick_sending(struct sk_h2 *h2, int64_t now_ms);
void h2_unlist_sending(struct sk_h2_stream *stream);
/* http2.c */
void h2_count(const char *reason); /* a limit was passed, for metrics */
void h2_close_counted(struct sk_h2 *h2, const char *reason);
void h2_ping(struct sk_h2 *h2, int64_t now_ms);
void h2_close_with(struct sk_h2 *h2, uint32_t error, const char *why);

#endif
