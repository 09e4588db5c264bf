/*
 * TLS contexts.
 *
 * Owns: one SSL_CTX a listener or client, set up once and never changed, so that all loops may
 * share it (OpenSSL counts references itself; connections hold their own).
 *
 * Policy: TLS 1.2 and later, AEAD suites with forward secrecy only, no renegotiation, no
 * compression, buffers released while a connection is idle (10,000 idle connections would
 * otherwise hold 34 KB each).
 *
 * Failure: everything that can be wrong with a file is found here, at start, and told with the
 * file's name and OpenSSL's reason; nothing is left to the first handshake.
 */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include "base/buf.h"
#include "net/tls_internal.h"

static const char *last_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return reason ? reason : "unreadable";
}

static sk_err load_own(struct sk_ctx *ctx, SSL_CTX *ssl, const struct sk_tls_options *options)
{
    if (SSL_CTX_use_certificate_chain_file(ssl, options->cert_file) != 1)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "TLS certificate file %s: %s",
                       options->cert_file, last_reason());
    if (!options->key_file)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "TLS certificate %s is given without its key",
                       options->cert_file);
    if (SSL_CTX_use_PrivateKey_file(ssl, options->key_file, SSL_FILETYPE_PEM) != 1)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "TLS key file %s: %s", options->key_file,
                       last_reason());
    if (SSL_CTX_check_private_key(ssl) != 1)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "TLS key %s does not belong to certificate %s",
                       options->key_file, options->cert_file);
    return SK_OK;
}

static sk_err load_ca(struct sk_ctx *ctx, SSL_CTX *ssl, const char *file, bool server)
{
    if (SSL_CTX_load_verify_locations(ssl, file, NULL) != 1)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "TLS CA file %s: %s", file, last_reason());
    if (!server)
        return SK_OK;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
    if (!names)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "TLS CA file %s: %s", file, last_reason());
    SSL_CTX_set_client_CA_list(ssl, names); // takes names
    return SK_OK;
}

static int on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_n,
                   const unsigned char *offered, unsigned offered_n, void *arg)
{
    (void)ssl;
    const struct sk_tls *tls = arg;
    unsigned char *chosen = NULL;
    int rc = SSL_select_next_proto(&chosen, ret_n, (const unsigned char *)tls->alpn,
                                   (unsigned)strlen(tls->alpn), offered, offered_n);
    if (rc != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static struct sk_tls *tls_new(bool server, const char *alpn)
{
    struct sk_tls *tls = sk_mem_zalloc(sizeof *tls);
    tls->server = server;
    tls->alpn = sk_mem_strdup(alpn);
    tls->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (!tls->ssl)
        return tls;
    SSL_CTX_set_min_proto_version(tls->ssl, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(tls->ssl, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_options(tls->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(tls->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(tls->ssl, SSL_SESS_CACHE_OFF); // tickets only: no shared lock
    return tls;
}

sk_err sk_tls_new_server(struct sk_ctx *ctx, const struct sk_tls_options *options, const char *alpn,
                         struct sk_tls **ret)
{
    if (!options->cert_file)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "TLS needs a certificate file");
    if (options->require_client_cert && !options->client_ca_file)
        return sk_fail(ctx, SK_FAILED_PRECONDITION,
                       "requiring client certificates needs a client CA file");
    struct sk_tls *tls = tls_new(true, alpn);
    sk_err err = tls->ssl ? load_own(ctx, tls->ssl, options)
                          : sk_fail(ctx, SK_INTERNAL, "TLS: %s", last_reason());
    if (!err && options->client_ca_file)
        err = load_ca(ctx, tls->ssl, options->client_ca_file, true);
    if (err) {
        sk_tls_free(tls);
        return err;
    }
    if (options->client_ca_file)
        SSL_CTX_set_verify(tls->ssl,
                           SSL_VERIFY_PEER |
                               (options->require_client_cert ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           NULL);
    SSL_CTX_set_session_id_context(tls->ssl, (const unsigned char *)"skald", 5);
    SSL_CTX_set_alpn_select_cb(tls->ssl, on_alpn, tls);
    *ret = tls;
    return SK_OK;
}

sk_err sk_tls_new_client(struct sk_ctx *ctx, const struct sk_tls_options *options, const char *alpn,
                         struct sk_tls **ret)
{
    struct sk_tls *tls = tls_new(false, alpn);
    sk_err err = tls->ssl ? SK_OK : sk_fail(ctx, SK_INTERNAL, "TLS: %s", last_reason());
    if (!err && options->cert_file)
        err = load_own(ctx, tls->ssl, options);
    if (!err && options->client_ca_file)
        err = load_ca(ctx, tls->ssl, options->client_ca_file, false);
    else if (!err && SSL_CTX_set_default_verify_paths(tls->ssl) != 1)
        err = sk_fail(ctx, SK_FAILED_PRECONDITION, "TLS: the system's CA store: %s", last_reason());
    if (err) {
        sk_tls_free(tls);
        return err;
    }
    SSL_CTX_set_verify(tls->ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_alpn_protos(tls->ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    *ret = tls;
    return SK_OK;
}

void sk_tls_free(struct sk_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->ssl);
    sk_mem_free(tls->alpn);
    sk_mem_free(tls);
}
