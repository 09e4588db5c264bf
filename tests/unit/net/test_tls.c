/* TLS between our two ends: certificates, names, ALPN, broken peers. Keys are made on the fly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include "../patience.h"
#include "net/conn.h"
#include "net/tls.h"
#include "pki.h"
#include "raw.h"

/* ---- two ends ---- */

struct end {
    struct sk_conn *conn; /* NULL once closed */
    bool ready, failed;
    struct sk_buf in;
    char subject[128], alpn[16];
};

struct fixture {
    struct sk_rt *rt;
    struct sk_listener *listener;
    struct sk_tls *server_tls;
    struct end server, client;
    struct sk_tls_options server_options, client_options;
    const char *host;
    void (*body)(struct fixture *fx);
};

static void on_ready(void *owner)
{
    struct end *end = owner;
    struct sk_str alpn = sk_conn_alpn(end->conn);
    const char *subject = sk_conn_subject(end->conn);
    end->ready = true;
    snprintf(end->alpn, sizeof end->alpn, "%.*s", (int)alpn.n, alpn.p);
    snprintf(end->subject, sizeof end->subject, "%s", subject ? subject : "");
}

static void on_read(void *owner, sk_err err, const char *bytes, size_t n)
{
    struct end *end = owner;
    if (err) {
        end->failed = true;
        sk_conn_close(end->conn);
    } else {
        assert_true(end->ready);
        sk_buf_append(&end->in, bytes, n);
    }
}

static void on_drained(void *owner)
{
    (void)owner;
}

static void on_close(void *owner)
{
    struct end *end = owner;
    end->conn = NULL;
}

static const struct sk_conn_events events = {on_ready, on_read, on_drained, on_close};

static void on_accept(void *owner, struct sk_stream *stream)
{
    struct fixture *fx = owner;
    fx->server.conn = sk_conn_new(stream, fx->server_tls, NULL, &events, &fx->server);
}

static void until(const bool *flag, const bool *or_flag)
{
    WAIT_UNTIL(*flag || *or_flag);
}

static void connect_client(struct fixture *fx)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_tls *tls = NULL;
    struct sk_stream *stream = NULL;
    int error = 0;
    sk_err err = sk_tls_new_client(&ctx, &fx->client_options, SK_ALPN_H2, &tls);
    if (err)
        print_error("%s\n", ctx.err.message);
    assert_int_equal(err, SK_OK);
    assert_int_equal(sk_connect("127.0.0.1", sk_listener_port(fx->listener), &stream, &error),
                     SK_OK);
    fx->client.conn = sk_conn_new(stream, tls, fx->host, &events, &fx->client);
    sk_tls_free(tls); // the connection keeps what it needs
    sk_arena_free(ctx.arena);
}

static void fixture_main(void *arg)
{
    struct fixture *fx = arg;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    int error = 0;
    assert_int_equal(
        sk_tls_new_server(&ctx, &fx->server_options, SK_ALPN_H2_HTTP1, &fx->server_tls), SK_OK);
    assert_int_equal(sk_listen("127.0.0.1", 0, on_accept, fx, &fx->listener, &error), SK_OK);
    fx->body(fx);
    struct end *ends[] = {&fx->client, &fx->server};
    for (int i = 0; i < 2; i++) {
        if (ends[i]->conn)
            sk_conn_close(ends[i]->conn);
        while (ends[i]->conn)
            sk_fiber_sleep(1);
        sk_buf_fini(&ends[i]->in);
    }
    sk_listener_close(fx->listener);
    sk_tls_free(fx->server_tls);
    sk_arena_free(ctx.arena);
    sk_fiber_sleep(10);
    sk_rt_stop(fx->rt);
}

static void run(struct fixture fx, void (*body)(struct fixture *fx))
{
    fx.body = body;
    fx.server_options.cert_file = server_id.cert_file;
    fx.server_options.key_file = server_id.key_file;
    if (!fx.host)
        fx.host = "localhost";
    fx.rt = sk_rt_new(&(struct sk_rt_options){.loop_count = 1});
    sk_rt_run(fx.rt, fixture_main, &fx);
    sk_rt_free(fx.rt);
}

static void talk(struct fixture *fx)
{
    static char bytes[300000];
    connect_client(fx);
    until(&fx->client.ready, &fx->client.failed);
    until(&fx->server.ready, &fx->server.failed);
    assert_string_equal(fx->client.alpn, "h2");
    assert_string_equal(fx->server.alpn, "h2");
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    sk_conn_write(fx->client.conn, (struct sk_str){bytes, sizeof bytes});
    sk_conn_write(fx->server.conn, SK_STR("hello"));
    while (fx->server.in.n < sizeof bytes || fx->client.in.n < 5)
        sk_fiber_sleep(1);
    assert_memory_equal(fx->server.in.p, bytes, sizeof bytes);
    sk_conn_shutdown(fx->client.conn);
    WAIT_UNTIL(!fx->server.conn);
}

/* ---- what OpenSSL holds ---- */

static size_t ssl_bytes;

static void *ssl_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    void *p = sk_mem_alloc(n);
    ssl_bytes += malloc_usable_size(p);
    return p;
}

static void *ssl_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    ssl_bytes -= p ? malloc_usable_size(p) : 0;
    p = sk_mem_realloc(p, n);
    ssl_bytes += malloc_usable_size(p);
    return p;
}

static void ssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    ssl_bytes -= p ? malloc_usable_size(p) : 0;
    sk_mem_free(p);
}

/* Once much has gone over it, a connection that goes on with little does not hold much. */
static void holds_little(struct fixture *fx)
{
    static char bytes[300000];
    connect_client(fx);
    until(&fx->client.ready, &fx->client.failed);
    until(&fx->server.ready, &fx->server.failed);
    sk_conn_write(fx->server.conn, SK_STR("x"));
    WAIT_UNTIL(fx->client.in.n == 1);
    size_t before = ssl_bytes;
    sk_conn_write(fx->client.conn, (struct sk_str){bytes, sizeof bytes});
    sk_conn_write(fx->server.conn, (struct sk_str){bytes, sizeof bytes});
    WAIT_UNTIL(fx->server.in.n == sizeof bytes && fx->client.in.n == sizeof bytes + 1);
    sk_conn_write(fx->server.conn, SK_STR("x"));
    sk_conn_trim(fx->client.conn); // which has nothing more to say
    WAIT_UNTIL(fx->client.in.n == sizeof bytes + 2);
    sk_conn_trim(fx->server.conn);
    assert_in_range(ssl_bytes, 0, before + (128 << 10)); // for two ends, both directions
}

/* A client of OpenSSL's own, over what raw.c sends and reads. */
static SSL *handshake_by_hand(struct raw *raw, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    char *bytes;
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
    SSL_set_connect_state(ssl);
    while (SSL_do_handshake(ssl) != 1 || BIO_pending(SSL_get_wbio(ssl)) > 0) {
        long n = BIO_get_mem_data(SSL_get_wbio(ssl), &bytes);
        raw_send(raw, bytes, (size_t)n);
        (void)BIO_reset(SSL_get_wbio(ssl));
        while (raw->in.n == 0 && !SSL_is_init_finished(ssl))
            assert_true(sk_waitq_wait(&raw->news, sk_now_mono_ms() + PATIENCE_MS));
        if (raw->in.n > 0)
            BIO_write(SSL_get_rbio(ssl), raw->in.p, (int)raw->in.n);
        sk_buf_clear(&raw->in);
    }
    return ssl;
}

static void ask_for_keys(struct raw *raw, SSL *ssl, int times)
{
    char *bytes;
    for (int i = 0; i < times; i++) {
        assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(ssl), 1);
    }
    SSL_write(ssl, "x", 1);
    long n = BIO_get_mem_data(SSL_get_wbio(ssl), &bytes);
    raw_send(raw, bytes, (size_t)n);
    (void)BIO_reset(SSL_get_wbio(ssl));
}

/* A peer may ask for new keys now and then, and not without end: each costs us one, too. */
static void key_updates(struct fixture *fx)
{
    struct raw *raw = raw_connect(sk_listener_port(fx->listener));
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = handshake_by_hand(raw, context);
    until(&fx->server.ready, &fx->server.failed);
    for (size_t i = 1; i <= 3; i++) {
        ask_for_keys(raw, ssl, 10);
        WAIT_UNTIL(fx->server.in.n == i);
    }
    assert_false(fx->server.failed);
    ask_for_keys(raw, ssl, 1000);
    WAIT_UNTIL(!fx->server.conn);
    SSL_free(ssl);
    SSL_CTX_free(context);
    raw_close(raw);
}

static void test_key_updates(void **state)
{
    (void)state;
    run((struct fixture){.host = "localhost"}, key_updates);
}

static void test_holds_little(void **state)
{
    (void)state;
    run((struct fixture){.client_options = {.client_ca_file = ca.cert_file}}, holds_little);
}

static void talk_as_client(struct fixture *fx)
{
    talk(fx);
    assert_string_equal(fx->server.subject, "CN=client");
}

static void refused(struct fixture *fx)
{
    connect_client(fx);
    until(&fx->server.failed, &fx->client.failed);
    // TLS 1.3: the client may have been ready for a moment
    WAIT_UNTIL(!fx->server.conn && !fx->client.conn);
    assert_false(fx->server.ready);
}

#define TRUST .client_ca_file = ca.cert_file
#define AS_CLIENT .cert_file = client_id.cert_file, .key_file = client_id.key_file

static void test_server_only(void **state)
{
    (void)state;
    run((struct fixture){.client_options = {TRUST}}, talk);
}

static void test_optional_certificate(void **state)
{
    (void)state;
    run((struct fixture){.client_options = {TRUST}, .server_options = {TRUST}}, talk);
    run((struct fixture){.client_options = {TRUST, AS_CLIENT}, .server_options = {TRUST}},
        talk_as_client);
}

static void test_required_certificate(void **state)
{
    (void)state;
    run((struct fixture){.client_options = {TRUST, AS_CLIENT},
                         .server_options = {TRUST, .require_client_cert = true}},
        talk_as_client);
    run((struct fixture){.client_options = {TRUST},
                         .server_options = {TRUST, .require_client_cert = true}},
        refused);
}

static void test_wrong_authority(void **state)
{
    (void)state;
    run((struct fixture){.client_options = {.client_ca_file = other_ca.cert_file}}, refused);
    run((struct fixture){.client_options = {TRUST, AS_CLIENT},
                         .server_options = {.client_ca_file = other_ca.cert_file,
                                            .require_client_cert = true}},
        refused);
}

static void test_wrong_name(void **state)
{
    (void)state;
    run((struct fixture){.client_options = {TRUST}, .host = "elsewhere.example"}, refused);
    run((struct fixture){.client_options = {TRUST}, .host = "127.0.0.2"}, refused);
    run((struct fixture){.client_options = {TRUST}, .host = "127.0.0.1"}, talk);
}

static void no_tls(struct fixture *fx)
{
    struct raw *raw = raw_connect(sk_listener_port(fx->listener));
    raw_preface(raw);
    assert_true(raw_wait_end(raw) >= 0);
    raw_close(raw);
    assert_true(fx->server.failed);
    raw = raw_connect(sk_listener_port(fx->listener));
    raw_send(raw, "\x16\x03\x01\x02\x00\x01\x00", 7); // the beginning of a hello, then gone
    sk_fiber_sleep(20);
    raw_close(raw);
    WAIT_UNTIL(!fx->server.conn);
}

static void test_no_tls(void **state)
{
    (void)state;
    run((struct fixture){.client_options = {TRUST}}, no_tls);
}

static void wrong(const struct sk_tls_options *options, const char *says)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_tls *tls = NULL;
    assert_int_equal(sk_tls_new_server(&ctx, options, SK_ALPN_H2, &tls), SK_FAILED_PRECONDITION);
    if (!strstr(ctx.err.message, says))
        print_error("%s\n", ctx.err.message);
    assert_non_null(strstr(ctx.err.message, says));
    sk_arena_free(ctx.arena);
}

static void test_wrong_files(void **state)
{
    (void)state;
    wrong(&(struct sk_tls_options){0}, "needs a certificate");
    wrong(&(struct sk_tls_options){.cert_file = "/nowhere.pem", .key_file = "x"}, "/nowhere.pem");
    wrong(&(struct sk_tls_options){.cert_file = server_id.cert_file}, "without its key");
    wrong(&(struct sk_tls_options){.cert_file = server_id.cert_file, .key_file = "/nowhere.key"},
          "/nowhere.key");
    wrong(&(struct sk_tls_options){.cert_file = server_id.cert_file,
                                   .key_file = client_id.key_file},
          "client.key");
    wrong(&(struct sk_tls_options){.cert_file = server_id.cert_file,
                                   .key_file = server_id.key_file,
                                   .client_ca_file = server_id.key_file},
          "server.key");
    wrong(&(struct sk_tls_options){.cert_file = server_id.cert_file,
                                   .key_file = server_id.key_file,
                                   .require_client_cert = true},
          "client CA");
}

int main(void)
{
    assert_int_equal(CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free), 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_only),          cmocka_unit_test(test_optional_certificate),
        cmocka_unit_test(test_required_certificate), cmocka_unit_test(test_wrong_authority),
        cmocka_unit_test(test_wrong_name),           cmocka_unit_test(test_no_tls),
        cmocka_unit_test(test_wrong_files),          cmocka_unit_test(test_holds_little),
        cmocka_unit_test(test_key_updates),
    };
    return cmocka_run_group_tests_name("net tls", tests, pki_set_up, pki_tear_down);
}
