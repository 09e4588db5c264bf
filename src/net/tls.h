/*
 * TLS contexts: certificates, keys and policy of one listener or client. The sessions themselves
 * live in conn.h. Only this folder sees OpenSSL.
 *
 * A context is made once, before the loops that use it run, and only read afterwards; any thread
 * may use it then.
 */
#ifndef SK_NET_TLS_H
#define SK_NET_TLS_H

#include <stdbool.h>
#include "base/ctx.h"
#include "base/err.h"

struct sk_tls_options {               /* all paths; NULL = not given */
    const char *cert_file, *key_file; /* PEM: our own chain and key */
    /* PEM. Server: who may sign client certificates. Client: who may sign the server's; NULL
     * there means the system's store. */
    const char *client_ca_file;
    bool require_client_cert; /* server only */
};

struct sk_tls;

/* alpn: the protocols we speak, in wire form, best first: "\x02h2" or "\x02h2\x08http/1.1".
 * FAILED_PRECONDITION names the file and says what is wrong with it. */
sk_err sk_tls_new_server(struct sk_ctx *ctx, const struct sk_tls_options *options, const char *alpn,
                         struct sk_tls **ret) SK_MUST_USE;
sk_err sk_tls_new_client(struct sk_ctx *ctx, const struct sk_tls_options *options, const char *alpn,
                         struct sk_tls **ret) SK_MUST_USE;
/* Connections keep what they need alive. NULL is fine. */
void sk_tls_free(struct sk_tls *tls);

#define SK_ALPN_H2 "\x02h2"
#define SK_ALPN_H2_HTTP1 "\x02h2\x08http/1.1"

#endif
