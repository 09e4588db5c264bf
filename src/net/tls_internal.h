/* For tls.c and conn.c only: the OpenSSL side of a TLS context. */
#ifndef SK_NET_TLS_INTERNAL_H
#define SK_NET_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct sk_tls {
    SSL_CTX *ssl;
    char *alpn; /* wire form, owned */
    bool server;
};

#endif
