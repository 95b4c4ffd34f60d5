#include "lib/base/x509_ca.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/mem.h"
#include "lib/base/x509_priv.h"

static void
key_freep(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void
bio_freep(BIO **bio)
{
    BIO_free(*bio);
}

void
x509_bundle_fini(struct x509_bundle *bundle)
{
    for (size_t i = 0; i < bundle->n; i++) {
        free(bundle->items[i].pem);
    }
    memset(bundle, 0, sizeof *bundle);
}

static struct err *
describe(X509 *cert, struct x509_ca *out)
{
    AUTO(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    struct err *err;
    char *text;
    long size;

    if (!bio || PEM_write_bio_X509(bio, cert) != 1) {
        return x509_internal("write a certificate");
    }
    err = x509_read_time(X509_get0_notBefore(cert), "notBefore",
                         &out->not_before);
    if (!err) {
        err = x509_read_time(X509_get0_notAfter(cert), "notAfter",
                             &out->not_after);
    }
    if (!err) {
        size = BIO_get_mem_data(bio, &text);
        out->pem = xstrndup(text, (size_t) size);
        out->is_ca = X509_check_ca(cert) == 1;
        ERR_clear_error();
    }
    return err;
}

struct err *
x509_read_bundle(const char *text, size_t size, struct x509_bundle *out)
{
    AUTO(x509_chain_fini) struct chain chain = { .n = 0 };
    const struct x509_text file = { text, size, X509_FILE };
    struct err *err = x509_read_chain(&file, &chain);

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < chain.n && !err; i++) {
        err = describe(chain.items[i], &out->items[i]);
        if (!err) {
            out->n = i + 1;
        }
    }
    if (err) {
        x509_bundle_fini(out);
    }
    return err;
}

bool
x509_is_key_of(const char *certificate, const char *key_text, size_t size)
{
    AUTO(x509_chain_fini) struct chain chain = { .n = 0 };
    AUTO(key_freep) EVP_PKEY *key = NULL;
    const struct x509_text file = { certificate, strlen(certificate),
                                    X509_FILE };
    const struct x509_text key_file = { key_text, size, X509_KEY_FILE };
    AUTO_ERR struct err *err = x509_read_chain(&file, &chain);
    bool is;

    if (!err) {
        err = x509_read_key(&key_file, &key);
    }
    is = !err && X509_check_private_key(chain.items[0], key) == 1;
    ERR_clear_error();
    return is;
}

bool
x509_has_issued(const char *ca, const char *text)
{
    AUTO(x509_chain_fini) struct chain issuer = { .n = 0 };
    AUTO(x509_chain_fini) struct chain chain = { .n = 0 };
    const struct x509_text ca_file = { ca, strlen(ca), X509_FILE };
    const struct x509_text file = { text, strlen(text), X509_FILE };
    AUTO_ERR struct err *err = x509_read_chain(&ca_file, &issuer);
    bool is;

    if (!err) {
        err = x509_read_chain(&file, &chain);
    }
    is = !err && x509_is_issuer(issuer.items[0], chain.items[0]);
    ERR_clear_error();
    return is;
}
