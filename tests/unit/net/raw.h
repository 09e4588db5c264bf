/* A client that sends what it is told, byte by byte if need be, and reads HTTP/2 frames. From
 * fibers. */
#ifndef TEST_NET_RAW_H
#define TEST_NET_RAW_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include "base/buf.h"
#include "base/str.h"
#include "rt/rt.h"
#include "rt/stream.h"

struct raw {
    struct sk_stream *stream;
    struct sk_buf in;     /* received, not yet looked at */
    struct sk_buf fields; /* "name: value\n" of the last header block read */
    nghttp2_hd_inflater *inflater;
    struct sk_waitq news;
    bool ended, closed;
    bool deaf; /* does not read */
};

struct raw_frame {
    uint32_t size;
    uint8_t type, flags;
    uint32_t stream;
    const uint8_t *payload; /* until the next raw_ call */
};

enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION
};
enum { END_STREAM = 1, END_HEADERS = 4, ACK = 1 };

struct raw *raw_connect(int port);
void raw_close(struct raw *raw); /* and frees it */
void raw_send(struct raw *raw, const void *bytes, size_t n);
void raw_preface(struct raw *raw); /* with empty SETTINGS */
/* A frame to bytes that raw_send is given later. */
void raw_put(struct sk_buf *out, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
             size_t n);
void raw_frame(struct raw *raw, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
               size_t n);
/* Add one field to an HPACK block, literal and never indexed. */
void raw_field(struct sk_buf *block, const char *name, const char *value);
/* The headers of a gRPC call. */
void raw_call_fields(struct sk_buf *block, const char *path);
void raw_call(struct raw *raw, uint32_t stream, const char *path, const void *body, size_t n);
/* The next frame, whatever it is; false: the connection ended, or patience did. */
bool raw_next(struct raw *raw, struct raw_frame *ret);
/* The next frame of the type (others are skipped); false: the connection ended, or patience did. */
bool raw_wait(struct raw *raw, uint8_t type, struct raw_frame *ret);
/* The connection's end; returns the code of a GOAWAY with an error seen before it, 0 for none;
 * -1: patience ended before. */
int raw_wait_end(struct raw *raw);
/* The value of a field in raw->fields as a C string (until the next raw_ call), or NULL. */
const char *raw_value(struct raw *raw, const char *name);
/* Waits for the end of the stream; returns its grpc-status, -1 for none. */
int raw_status(struct raw *raw, uint32_t stream);

#endif
