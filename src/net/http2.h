/*
 * HTTP/2 sessions, both ends, on a connection. What is above sees streams: headers, body bytes,
 * the end; nghttp2 stays inside.
 *
 * A session belongs to the loop of its connection. Events are told after the bytes that caused
 * them were worked through, never inside a call of this API, and a stream named in an event is
 * valid until its on_stream_close returned.
 */
#ifndef SK_NET_HTTP2_H
#define SK_NET_HTTP2_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "net/conn.h"

struct sk_h2;
struct sk_tls;

struct sk_h2_header {
    struct sk_str name, value;
};

/* One stream. Fields are for reading; user is the upper layer's. */
struct sk_h2_stream {
    struct sk_h2 *session;
    void *user; /* the upper layer's; NULL at first */
    int32_t id;
    uint32_t error;        /* HTTP/2 error code of the end */
    uint32_t header_bytes; /* of the first block, by RFC 9113's reckoning: 32 more a field */
    uint16_t header_count; /* of the first block; may be more than was told, see headers_cut */
    bool headers_cut;      /* the block passed a limit; the fields beyond it are missing */
    bool ended;            /* the peer has sent all */
    bool refused;          /* its body passed a budget and was dropped */
    bool out_end;          /* nothing will be added to what is to be sent */
    bool discarded;        /* the upper layer let go of it: it is told nothing any more */
    uint8_t events;        /* what to tell, bits of http2.c */
    size_t charged;        /* bytes of the budgets held for the body */
    struct sk_buf body;    /* received and not consumed */
    struct sk_str out;     /* to send, borrowed */
    struct sk_buf out_own; /* to send after out, owned; the first out_own_sent bytes are gone */
    size_t out_own_sent;
    const struct sk_h2_header *trailers; /* borrowed until on_stream_close */
    size_t trailer_count;
    int64_t born_ms;
    int64_t out_since_ms; /* since when it has something to send */
    size_t out_size;      /* bytes it began with, for the time it may take */
    struct sk_list in_session, in_dirty, in_sending;
};

struct sk_h2_events {
    /* fields are borrowed until the callback returns. trailers: the second block of a stream. */
    void (*on_headers)(void *owner, struct sk_h2_stream *stream, const struct sk_h2_header *fields,
                       size_t count, bool trailers);
    /* stream->body grew, or stream->refused or stream->ended became true */
    void (*on_body)(void *owner, struct sk_h2_stream *stream);
    /* the stream is over; error: an HTTP/2 error code, 0 when both sides ended well. The stream is
     * freed after this returns. */
    void (*on_stream_close)(void *owner, struct sk_h2_stream *stream, uint32_t error);
    /* output is about to be collected: the last chance to add to this turn's write. May be NULL. */
    void (*on_flush)(void *owner);
    /* the last stream went. May be NULL. */
    void (*on_idle)(void *owner);
    /* the peer will take no new streams (GOAWAY). May be NULL. */
    void (*on_goaway)(void *owner);
    /* the connection is gone and so are all streams; the session is freed after this returns */
    void (*on_close)(void *owner);
};

/* What a peer may do. */
struct sk_h2_limits {
    uint32_t streams_max;      /* concurrent streams a connection: 16384 */
    uint32_t header_bytes_max; /* RFC 9113's reckoning, 32 more a field: 16 KiB */
    uint32_t header_count_max; /* 100 */
    size_t body_bytes_max;     /* received and unconsumed, a connection: 64 MiB */
    size_t unsent_bytes_max;   /* answers that the peer does not take, a connection: 64 MiB */
    int64_t request_ms;        /* from a request's headers to its end: 2 min */
    int64_t preface_ms;        /* TLS and preface: 10 s */
    int64_t stall_ms;          /* an answer that does not move: 60 s */
    int64_t idle_ms;           /* no streams: 5 min */
    int64_t ping_ms, ping_timeout_ms; /* 60 s, 10 s */
};
extern const struct sk_h2_limits sk_h2_limits_default;

/* Takes the stream. limits: NULL = the defaults; borrowed for the session's life. */
struct sk_h2 *sk_h2_new_server(struct sk_stream *stream, struct sk_tls *tls,
                               const struct sk_h2_limits *limits, const struct sk_h2_events *events,
                               void *owner);
struct sk_h2 *sk_h2_new_client(struct sk_stream *stream, struct sk_tls *tls, const char *host,
                               const struct sk_h2_limits *limits, const struct sk_h2_events *events,
                               void *owner);
const char *sk_h2_peer(const struct sk_h2 *h2);
const char *sk_h2_subject(const struct sk_h2 *h2); /* of the peer's certificate, or NULL */
size_t sk_h2_stream_count(const struct sk_h2 *h2);
/* Have on_flush called and output written at the end of this turn. */
void sk_h2_kick(struct sk_h2 *h2);
/* Bytes of headers the peer takes in one block, at most 64 KiB. */
size_t sk_h2_peer_header_max(const struct sk_h2 *h2);
/* No new streams: GOAWAY in two steps, the connection ends with the last stream. */
void sk_h2_drain(struct sk_h2 *h2);
void sk_h2_close(struct sk_h2 *h2); /* at once; on_close follows */

/* ---- receiving ---- */
/* The body will have total bytes: take them from the budgets and open the window so far. false:
 * the budgets do not allow it. */
bool sk_h2_expect(struct sk_h2_stream *stream, size_t total) SK_MUST_USE;
/* n bytes of the body were worked on; they leave it and the window opens by as much. */
void sk_h2_consume(struct sk_h2_stream *stream, size_t n);
/* Free the body; its budget returns. For requests whose body is decoded. */
void sk_h2_drop_body(struct sk_h2_stream *stream);

/* ---- sending ---- */
/* Header names are lower-case. On a server, fields, trailers and body are borrowed until
 * on_stream_close; a client's request is copied. */
struct sk_h2_stream *sk_h2_request(struct sk_h2 *h2, const struct sk_h2_header *fields,
                                   size_t count, struct sk_str body,
                                   void *user); /* NULL: no streams any more */
/* A whole answer: headers, body, trailers. */
void sk_h2_respond(struct sk_h2_stream *stream, const struct sk_h2_header *fields, size_t count,
                   struct sk_str body, const struct sk_h2_header *trailers, size_t trailer_count);
/* Headers alone, ending the stream. */
void sk_h2_respond_headers(struct sk_h2_stream *stream, const struct sk_h2_header *fields,
                           size_t count);
/* An answer in pieces: headers once, any number of bytes (copied), then the trailers. */
void sk_h2_start(struct sk_h2_stream *stream, const struct sk_h2_header *fields, size_t count);
void sk_h2_send(struct sk_h2_stream *stream, struct sk_str bytes);
void sk_h2_finish(struct sk_h2_stream *stream, const struct sk_h2_header *trailers, size_t count);
/* Answers that the peer does not take have passed unsent_bytes_max. */
bool sk_h2_clogged(const struct sk_h2 *h2);
/* RST_STREAM with an HTTP/2 error code. */
void sk_h2_reset(struct sk_h2_stream *stream, uint32_t error);
/* Reset (CANCEL) and forget: user is not touched any more and no event is told. */
void sk_h2_discard(struct sk_h2_stream *stream);

/* HTTP/2 error codes that the upper layers use. */
enum {
    SK_H2_NO_ERROR = 0,
    SK_H2_INTERNAL_ERROR = 2,
    SK_H2_REFUSED_STREAM = 7,
    SK_H2_CANCEL = 8,
    SK_H2_ENHANCE_YOUR_CALM = 11
};

#endif
