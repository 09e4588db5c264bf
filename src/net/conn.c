/*
 * A connection: a stream, and a TLS session between two memory BIOs when there is TLS.
 *
 * Owns: the stream (from sk_conn_new on) and the SSL object. Freed after on_close returned.
 * Thread: the stream's loop.
 *
 * With TLS, bytes from the peer go into one BIO, plain bytes come out of SSL_read; what SSL wants
 * sent collects in the other BIO and is handed to the stream once a call. The input BIO never
 * holds more than one read of the stream plus a partial record, for it is read until empty. A BIO
 * keeps the room of its fullest moment, and clears all of it at each reset, so room that is no
 * longer used is given back.
 *
 * INV-1: after close or shutdown no event but on_close reaches the owner.
 * INV-2: with TLS, on_ready comes once, before the first on_read with bytes.
 *
 * Failure: a TLS error sends OpenSSL's alert and reports SK_UNAVAILABLE; the owner closes.
 */
#include "net/conn.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "base/assert.h"
#include "base/buf.h"
#include "base/log.h"
#include "net/tls_internal.h"
#include "rt/rt.h"

#define PLAIN_CHUNK (16 * 1024) // one TLS record
#define BIO_KEEP (32 * 1024)    // room that an idle BIO may hold
#define OWN_BURST 32            // see check_own

struct sk_conn {
    struct sk_stream *stream; /* owned */
    const struct sk_conn_events *events;
    void *owner;
    SSL *ssl;         /* NULL in cleartext */
    BIO *in, *out;    /* owned by ssl */
    char *subject;    /* owned; of the peer's certificate */
    int64_t own;      /* messages that TLS itself made us send since ready_ms */
    int64_t ready_ms; /* when the handshake ended */
    bool ready;
    bool closing; /* closed or shut down */
    bool closed;
    bool broken; /* the end was told */
};

/* The BIO is empty and had `used` bytes of late. */
static void trim(BIO *bio, size_t used)
{
    BUF_MEM *held = NULL;
    BIO_get_mem_ptr(bio, &held);
    if (held->max <= BIO_KEEP || used > held->max / 4)
        return;
    BUF_MEM *fresh = BUF_MEM_new();
    SK_ASSERT(fresh); // only memory can fail here
    BIO_set_mem_buf(bio, fresh, BIO_CLOSE);
}

static void flush_tls(struct sk_conn *conn)
{
    char *bytes = NULL;
    long n = BIO_get_mem_data(conn->out, &bytes);
    if (n <= 0)
        return;
    struct sk_str part = {bytes, (size_t)n};
    sk_stream_write(conn->stream, &part, 1);
    (void)BIO_reset(conn->out);
    trim(conn->out, (size_t)n);
}

static void tell_end(struct sk_conn *conn, sk_err err)
{
    if (conn->closing || conn->broken)
        return;
    conn->broken = true;
    conn->events->on_read(conn->owner, err, NULL, 0);
}

static void keep_subject(struct sk_conn *conn)
{
    X509 *cert = SSL_get1_peer_certificate(conn->ssl);
    if (!cert)
        return;
    BIO *text = BIO_new(BIO_s_mem());
    if (text && X509_NAME_print_ex(text, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0) {
        char *bytes = NULL;
        long n = BIO_get_mem_data(text, &bytes);
        conn->subject = sk_mem_strndup(bytes, (size_t)(n > 0 ? n : 0));
    }
    BIO_free(text);
    X509_free(cert);
}

static void fail_tls(struct sk_conn *conn)
{
    unsigned long code = ERR_peek_last_error();
    SK_LOG(DEBUG, "net", "TLS failed", SK_KV("peer", sk_stream_peer(conn->stream)),
           SK_KV("reason", code ? ERR_reason_error_string(code) : "closed"));
    ERR_clear_error();
    flush_tls(conn); // the alert
    tell_end(conn, SK_UNAVAILABLE);
}

/* false: wait for more bytes, or it is over */
static bool handshake(struct sk_conn *conn)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(conn->ssl);
    if (rc != 1) {
        int why = SSL_get_error(conn->ssl, rc);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
            flush_tls(conn);
        else
            fail_tls(conn);
        return false;
    }
    flush_tls(conn);
    keep_subject(conn);
    conn->ready = true;
    conn->ready_ms = sk_now_mono_ms();
    conn->events->on_ready(conn->owner);
    return !conn->closing;
}

static void on_tls_message(int written, int version, int type, const void *bytes, size_t n,
                           SSL *ssl, void *arg)
{
    (void)version;
    (void)bytes;
    (void)n;
    (void)ssl;
    struct sk_conn *conn = arg;
    if (written && conn->ready && (type == SSL3_RT_HANDSHAKE || type == SSL3_RT_ALERT))
        conn->own++;
}

/* Each key update that a peer asks for is answered with one, each try of a new handshake with a
 * warning: it costs the peer nothing, us a key, and memory while it reads none. Honest ones need
 * one in millions of records. */
static void check_own(struct sk_conn *conn)
{
    if (conn->own <= OWN_BURST + (sk_now_mono_ms() - conn->ready_ms) / 1000)
        return;
    SK_LOG(DEBUG, "net", "TLS is made to answer too often", SK_KV("peer", sk_conn_peer(conn)));
    tell_end(conn, SK_UNAVAILABLE);
}

static void read_tls(struct sk_conn *conn)
{
    char plain[PLAIN_CHUNK];
    if (!conn->ready && !handshake(conn))
        return;
    while (!conn->closing && !conn->broken) {
        ERR_clear_error();
        int n = SSL_read(conn->ssl, plain, sizeof plain);
        if (n > 0) {
            conn->events->on_read(conn->owner, SK_OK, plain, (size_t)n);
            continue;
        }
        int why = SSL_get_error(conn->ssl, n);
        if (why == SSL_ERROR_WANT_READ)
            break;
        if (why == SSL_ERROR_ZERO_RETURN)
            tell_end(conn, SK_CANCELLED);
        else
            fail_tls(conn);
        return;
    }
    if (conn->closing)
        return;
    flush_tls(conn); // key updates and tickets
    check_own(conn);
}

static void on_stream_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct sk_conn *conn = owner;
    if (conn->closing)
        return;
    if (err) {
        tell_end(conn, err);
    } else if (!conn->ssl) {
        conn->events->on_read(conn->owner, SK_OK, bytes, n);
    } else {
        SK_ASSERT(n <= INT32_MAX);
        SK_ASSERT(BIO_write(conn->in, bytes, (int)n) == (int)n); // memory BIOs take all
        read_tls(conn);
        if (BIO_pending(conn->in) == 0)
            trim(conn->in, n);
    }
}

static void on_stream_drained(void *owner)
{
    struct sk_conn *conn = owner;
    if (!conn->closing && conn->ready)
        conn->events->on_drained(conn->owner);
}

static void on_stream_close(void *owner)
{
    struct sk_conn *conn = owner;
    conn->closing = conn->closed = true;
    conn->events->on_close(conn->owner);
    SSL_free(conn->ssl);
    sk_mem_free(conn->subject);
    sk_mem_free(conn);
}

static const struct sk_stream_events stream_events = {
    .on_read = on_stream_read,
    .on_drained = on_stream_drained,
    .on_close = on_stream_close,
};

static void start_tls(struct sk_conn *conn, struct sk_tls *tls, const char *host)
{
    conn->ssl = SSL_new(tls->ssl);
    conn->in = BIO_new(BIO_s_mem());
    conn->out = BIO_new(BIO_s_mem());
    SK_ASSERT(conn->ssl && conn->in && conn->out); // only memory can fail here
    BIO_set_mem_eof_return(conn->in, -1);
    SSL_set_bio(conn->ssl, conn->in, conn->out);
    SSL_set_msg_callback(conn->ssl, on_tls_message);
    SSL_set_msg_callback_arg(conn->ssl, conn);
    if (tls->server) {
        SSL_set_accept_state(conn->ssl);
        return;
    }
    SSL_set_connect_state(conn->ssl);
    // an address stands in the certificate as such, and is no name to ask for
    if (host && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(conn->ssl), host) != 1) {
        SK_ASSERT(SSL_set_tlsext_host_name(conn->ssl, host) == 1);
        SK_ASSERT(SSL_set1_host(conn->ssl, host) == 1);
    }
}

struct sk_conn *sk_conn_new(struct sk_stream *stream, struct sk_tls *tls, const char *host,
                            const struct sk_conn_events *events, void *owner)
{
    struct sk_conn *conn = sk_mem_zalloc(sizeof *conn);
    conn->stream = stream;
    conn->events = events;
    conn->owner = owner;
    sk_stream_open(stream, &stream_events, conn);
    if (tls) {
        start_tls(conn, tls, host);
        if (!tls->server) { // say hello; the answer goes on in on_stream_read
            (void)SSL_do_handshake(conn->ssl);
            flush_tls(conn);
        }
    } else {
        conn->ready = true;
    }
    sk_stream_read_start(stream);
    return conn;
}

bool sk_conn_ready(const struct sk_conn *conn)
{
    return conn->ready;
}

size_t sk_conn_write(struct sk_conn *conn, struct sk_str bytes)
{
    SK_ASSERT(conn->ready);
    if (conn->closing || bytes.n == 0)
        return 0;
    if (!conn->ssl)
        return sk_stream_write(conn->stream, &bytes, 1);
    while (bytes.n > 0) {
        int step = bytes.n > (1 << 30) ? 1 << 30 : (int)bytes.n;
        ERR_clear_error();
        int n = SSL_write(conn->ssl, bytes.p, step);
        if (n <= 0) // only after a fatal error of the session; reading tells it
            break;
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    flush_tls(conn);
    return sk_stream_pending(conn->stream);
}

size_t sk_conn_pending(const struct sk_conn *conn)
{
    return sk_stream_pending(conn->stream);
}

void sk_conn_trim(struct sk_conn *conn)
{
    if (conn->ssl && BIO_pending(conn->in) == 0)
        trim(conn->in, 0);
    if (conn->ssl && BIO_pending(conn->out) == 0)
        trim(conn->out, 0);
}

void sk_conn_close(struct sk_conn *conn)
{
    if (conn->closed)
        return;
    conn->closing = conn->closed = true;
    sk_stream_close(conn->stream);
}

void sk_conn_shutdown(struct sk_conn *conn)
{
    if (conn->closing)
        return;
    if (conn->ssl && conn->ready) {
        (void)SSL_shutdown(conn->ssl); // close_notify; we do not wait for the peer's
        flush_tls(conn);
    }
    conn->closing = true;
    sk_stream_shutdown(conn->stream);
}

const char *sk_conn_peer(const struct sk_conn *conn)
{
    return sk_stream_peer(conn->stream);
}

const char *sk_conn_subject(const struct sk_conn *conn)
{
    return conn->subject;
}

struct sk_str sk_conn_alpn(const struct sk_conn *conn)
{
    const unsigned char *name = NULL;
    unsigned n = 0;
    if (conn->ssl)
        SSL_get0_alpn_selected(conn->ssl, &name, &n);
    return (struct sk_str){(const char *)name, n};
}
