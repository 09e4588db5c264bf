/* Certificates for tests, made on the fly in a folder of their own. */
#ifndef TEST_NET_PKI_H
#define TEST_NET_PKI_H

#include <openssl/x509v3.h>

struct identity {
    EVP_PKEY *key;
    X509 *cert;
    char cert_file[64], key_file[64];
};

/* ca signs server_id (localhost, 127.0.0.1) and client_id; other_ca signs nobody. */
extern struct identity ca, other_ca, server_id, client_id;

/* A group's set-up and tear-down. */
int pki_set_up(void **state);
int pki_tear_down(void **state);

#endif
