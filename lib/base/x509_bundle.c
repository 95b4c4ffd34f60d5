#include "lib/base/x509_bundle.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/mem.h"
#include "lib/base/x509_priv.h"

static void
bio_freep(BIO **bio)
{
    BIO_free(*bio);
}

static struct err *
take_text(BIO *bio, char **out)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);

    if (out) {
        *out = xstrndup(data, (size_t) size);
    }
    return NULL;
}

struct err *
x509_read_authorities(const char *pem, size_t size, char **out)
{
    AUTO(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    const struct x509_text text = { pem, size, "ca.crt" };
    struct chain chain = { .n = 0 };
    struct err *err = x509_read_chain(&text, &chain);

    for (size_t i = 0; i < chain.n && !err; i++) {
        if (!bio || PEM_write_bio_X509(bio, chain.items[i]) != 1) {
            err = x509_internal("write a certificate");
        } else if (X509_check_ca(chain.items[i]) == 0) {
            err = err_new(ERR_INVALID, "certificate %zu is no authority: "
                          "its basic constraints do not say CA:TRUE", i + 1);
        }
    }
    x509_chain_fini(&chain);
    return err ? err : take_text(bio, out);
}

struct err *
x509_read_crls(const char *pem, size_t size, char **out)
{
    AUTO(bio_freep) BIO *in = NULL;
    AUTO(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    struct err *err = NULL;
    size_t n = 0;

    if (size == 0 || size > X509_MAX_PEM || memchr(pem, '\0', size)) {
        return err_new(ERR_INVALID, "the revocation list is empty, larger "
                       "than %zu KiB or no PEM text", X509_MAX_PEM >> 10);
    }
    in = BIO_new_mem_buf(pem, (int) size);
    while (!err) {
        X509_CRL *crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL);
        int reason = ERR_GET_REASON(ERR_peek_last_error());

        if (!crl) {
            ERR_clear_error();
            if (n == 0 || reason != PEM_R_NO_START_LINE) {
                err = err_new(ERR_INVALID, "revocation list %zu does not "
                              "parse: write X509 CRL blocks in PEM", n + 1);
            }
            break;
        }
        if (++n > X509_MAX_CRLS) {
            err = err_new(ERR_INVALID, "there are more than %d revocation "
                          "lists", X509_MAX_CRLS);
        } else if (!bio || PEM_write_bio_X509_CRL(bio, crl) != 1) {
            err = x509_internal("write a revocation list");
        }
        X509_CRL_free(crl);
    }
    return err ? err : take_text(bio, out);
}
