#include "pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/pem.h>

#include <cmocka.h>

static char folder[] = "/tmp/skald-test-tls-XXXXXX";
struct identity ca, other_ca, server_id, client_id;

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

static void write_files(struct identity *id, const char *name)
{
    snprintf(id->cert_file, sizeof id->cert_file, "%s/%s.pem", folder, name);
    snprintf(id->key_file, sizeof id->key_file, "%s/%s.key", folder, name);
    FILE *file = fopen(id->cert_file, "w");
    assert_true(PEM_write_X509(file, id->cert));
    fclose(file);
    file = fopen(id->key_file, "w");
    assert_true(PEM_write_PrivateKey(file, id->key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
}

/* issuer NULL: an authority of its own */
static void make(struct identity *id, const char *name, const struct identity *issuer)
{
    id->key = EVP_EC_gen("P-256");
    id->cert = X509_new();
    X509 *signer = issuer ? issuer->cert : id->cert;
    X509_set_version(id->cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id->cert), (long)(uintptr_t)id & 0xffffff);
    X509_gmtime_adj(X509_getm_notBefore(id->cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(id->cert), 3600);
    X509_set_pubkey(id->cert, id->key);
    X509_NAME *subject = X509_get_subject_name(id->cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(id->cert, X509_get_subject_name(signer));
    if (issuer)
        add_extension(id->cert, signer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    else
        add_extension(id->cert, signer, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(id->cert, issuer ? issuer->key : id->key, EVP_sha256()) > 0);
    write_files(id, name);
}

static void drop(struct identity *id)
{
    unlink(id->cert_file);
    unlink(id->key_file);
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
}

int pki_set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    make(&ca, "ca", NULL);
    make(&other_ca, "other-ca", NULL);
    make(&server_id, "server", &ca);
    make(&client_id, "client", &ca);
    return 0;
}

int pki_tear_down(void **state)
{
    (void)state;
    drop(&ca);
    drop(&other_ca);
    drop(&server_id);
    drop(&client_id);
    rmdir(folder);
    return 0;
}
