/*
 * Byte streams: TCP sockets on a loop. Callbacks run on the loop that owns the stream, never
 * inside the call that caused them. Only rt sees libuv.
 */
#ifndef SK_RT_STREAM_H
#define SK_RT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/str.h"

struct sk_stream;
struct sk_listener;

struct sk_stream_events {
    /* bytes are borrowed until the callback returns; err != SK_OK: the peer closed (SK_CANCELLED)
     * or the connection broke (SK_UNAVAILABLE); nothing follows but on_close, once the owner has
     * called sk_stream_close or sk_stream_shutdown. After SK_CANCELLED it may still write. */
    void (*on_read)(void *owner, sk_err err, const char *bytes, size_t n);
    /* what waited (sk_stream_write returned more than 0) has all gone to the kernel */
    void (*on_drained)(void *owner);
    /* last callback; the stream is freed after it returns */
    void (*on_close)(void *owner);
};

void sk_stream_open(struct sk_stream *stream, const struct sk_stream_events *events, void *owner);
void sk_stream_read_start(struct sk_stream *stream);
void sk_stream_read_stop(struct sk_stream *stream);
/* Copies what the kernel does not take at once. Returns bytes waiting in user space. What is
 * written to a broken connection is dropped; on_read tells, later. */
size_t sk_stream_write(struct sk_stream *stream, const struct sk_str *parts, int count);
size_t sk_stream_pending(const struct sk_stream *stream);
void sk_stream_close(struct sk_stream *stream); /* drops what is unsent; on_close follows */
/* Sends what waits, then closes, at the latest after some seconds; no callback but on_close. */
void sk_stream_shutdown(struct sk_stream *stream);
const char *sk_stream_peer(const struct sk_stream *stream); /* "127.0.0.1:1234" */

/* Listen on the calling loop and spread the connections over all loops, each to the one with the
 * fewest. on_accept runs on the loop that will own the stream; it must call sk_stream_open. Error:
 * SK_UNAVAILABLE, *reterr_errno set. */
sk_err sk_listen(const char *ip, int port, void (*on_accept)(void *owner, struct sk_stream *stream),
                 void *owner, struct sk_listener **ret, int *reterr_errno) SK_MUST_USE;
int sk_listener_port(const struct sk_listener *listener); /* the real one when port was 0 */
/* On the loop that listens. Existing streams live on; an on_accept may just be running elsewhere.
 */
void sk_listener_close(struct sk_listener *listener);

/* Connect from a fiber; waits. Host may be a name or an address. The stream belongs to the
 * calling loop. */
sk_err sk_connect(const char *host, int port, struct sk_stream **ret,
                  int *reterr_errno) SK_MUST_USE;

/* on_signal(owner) on loop 0 when the process gets the signal */
void sk_on_signal(int signum, void (*on_signal)(void *owner, int signum), void *owner);

#endif
