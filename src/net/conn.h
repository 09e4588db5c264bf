/*
 * A connection: a byte stream with or without TLS on it. What is above sees plain bytes.
 * Belongs to the loop of its stream; callbacks never run inside the call that caused them;
 * on_read may follow on_ready in one go.
 */
#ifndef SK_NET_CONN_H
#define SK_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/str.h"
#include "rt/stream.h"

struct sk_conn;
struct sk_tls;

struct sk_conn_events {
    /* with TLS only: the handshake is done and the connection may be written to */
    void (*on_ready)(void *owner);
    /* as in stream.h: bytes are borrowed until the callback returns; err: the end, on_close follows
     */
    void (*on_read)(void *owner, sk_err err, const char *bytes, size_t n);
    void (*on_drained)(void *owner);
    void (*on_close)(void *owner); /* last; the connection is freed after it returns */
};

/* Takes the stream. tls NULL: cleartext. host: for clients, the name the certificate must carry. */
struct sk_conn *sk_conn_new(struct sk_stream *stream, struct sk_tls *tls, const char *host,
                            const struct sk_conn_events *events, void *owner);
/* Cleartext is ready at once. */
bool sk_conn_ready(const struct sk_conn *conn);
/* Returns bytes that wait in user space. Before on_ready: an error of the caller. */
size_t sk_conn_write(struct sk_conn *conn, struct sk_str bytes);
size_t sk_conn_pending(const struct sk_conn *conn);
/* Gives back what a TLS session holds for traffic that there no longer is. */
void sk_conn_trim(struct sk_conn *conn);
void sk_conn_close(struct sk_conn *conn);    /* now, also after a shutdown; on_close follows */
void sk_conn_shutdown(struct sk_conn *conn); /* after what is unsent; on_close follows */
const char *sk_conn_peer(const struct sk_conn *conn);
/* The peer's certificate subject ("CN=worker,O=Example"), NULL without one. */
const char *sk_conn_subject(const struct sk_conn *conn);
/* What ALPN chose; empty when nothing was. Borrowed until on_close. */
struct sk_str sk_conn_alpn(const struct sk_conn *conn);

#endif
