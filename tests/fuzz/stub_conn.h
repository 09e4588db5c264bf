/*
 * Connections without sockets, in place of src/net/conn.c: what the server writes goes nowhere,
 * what the peer "sends" is fed by stub_feed. One connection at a time, in a simulated runtime.
 */
#ifndef SK_TESTS_FUZZ_STUB_CONN_H
#define SK_TESTS_FUZZ_STUB_CONN_H

#include "base/assert.h"
#include "base/buf.h"
#include "net/conn.h"
#include "rt/rt.h"
#include "rt/stream.h"

struct sk_conn {
    const struct sk_conn_events *events;
    void *owner;
    bool closing;
    size_t written;
};

static struct sk_conn *stub_conn; /* NULL: none, or closed */

struct sk_conn *sk_conn_new(struct sk_stream *stream, struct sk_tls *tls, const char *host,
                            const struct sk_conn_events *events, void *owner)
{
    (void)stream;
    (void)tls;
    (void)host;
    stub_conn = sk_mem_zalloc(sizeof *stub_conn);
    stub_conn->events = events;
    stub_conn->owner = owner;
    return stub_conn;
}

bool sk_conn_ready(const struct sk_conn *conn)
{
    (void)conn;
    return true;
}

size_t sk_conn_write(struct sk_conn *conn, struct sk_str bytes)
{
    volatile char touched = 0;
    for (size_t i = 0; i < bytes.n; i++) // a sanitizer sees what is not there
        touched = (char)(touched ^ bytes.p[i]);
    conn->written += bytes.n;
    return 0;
}

size_t sk_conn_pending(const struct sk_conn *conn)
{
    (void)conn;
    return 0;
}

static void stub_closed(void *arg)
{
    struct sk_conn *conn = arg;
    conn->events->on_close(conn->owner);
    sk_mem_free(conn);
    stub_conn = NULL;
}

void sk_conn_close(struct sk_conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    sk_rt_post(sk_rt_current(), 0, stub_closed, conn);
}

void sk_conn_trim(struct sk_conn *conn)
{
    (void)conn;
}

void sk_conn_shutdown(struct sk_conn *conn)
{
    sk_conn_close(conn);
}

const char *sk_conn_peer(const struct sk_conn *conn)
{
    (void)conn;
    return "127.0.0.1:1";
}

const char *sk_conn_subject(const struct sk_conn *conn)
{
    (void)conn;
    return NULL;
}

struct sk_str sk_conn_alpn(const struct sk_conn *conn)
{
    (void)conn;
    return (struct sk_str){NULL, 0};
}

/* From a posted callback's stack or a fiber's: the events of a read. */
static void stub_feed(const void *bytes, size_t n)
{
    char *exact = sk_mem_alloc(n ? n : 1); // nothing may be kept of it
    if (n > 0)
        memcpy(exact, bytes, n);
    if (stub_conn && !stub_conn->closing && n > 0)
        stub_conn->events->on_read(stub_conn->owner, SK_OK, exact, n);
    sk_mem_free(exact);
}

/* The peer goes; returns when the connection is gone. */
static void stub_end(void)
{
    if (stub_conn && !stub_conn->closing)
        stub_conn->events->on_read(stub_conn->owner, SK_CANCELLED, NULL, 0);
    while (stub_conn)
        sk_fiber_yield();
}

#endif
