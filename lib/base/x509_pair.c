#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/base/x509_priv.h"

static void
bio_freep(BIO **bio)
{
    BIO_free(*bio);
}

void
x509_pair_fini(struct x509_pair *pair)
{
    if (pair->pem) {
        OPENSSL_cleanse(pair->pem, strlen(pair->pem));
    }
    free(pair->pem);
    for (size_t i = 0; i < pair->n_names; i++) {
        free(pair->names[i]);
    }
    free(pair->names);
    memset(pair, 0, sizeof *pair);
}

struct err *
x509_read_time(const ASN1_TIME *time, const char *what, int64_t *out)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1) {
        ERR_clear_error();
        return err_new(ERR_INVALID, "the certificate's %s is not a time",
                       what);
    }
    *out = (int64_t) timegm(&tm);
    return NULL;
}

bool
x509_is_dns_name(const unsigned char *s, size_t length)
{
    if (length == 0 || length > 253) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = s[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
              (c == '*' && i == 0))) {
            return false;
        }
    }
    return true;
}

/* Names that are no DNS names (a NUL inside, a blank) cover no host and are
 * left out. */
static void
read_names(X509 *leaf, struct x509_pair *out)
{
    GENERAL_NAMES *all =
        X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    VEC(char *) names = { 0 };

    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        const unsigned char *text;
        size_t length;
        char *copy;

        out->n_addresses += name->type == GEN_IPADD;
        if (name->type != GEN_DNS) {
            continue;
        }
        text = ASN1_STRING_get0_data(name->d.dNSName);
        length = (size_t) ASN1_STRING_length(name->d.dNSName);
        if (!x509_is_dns_name(text, length)) {
            out->notes |= X509_BAD_NAMES;
            continue;
        }
        if (names.n == X509_MAX_NAMES) {
            out->notes |= X509_MORE_NAMES;
            break;
        }
        copy = xstrndup((const char *) text, length);
        str_lower_in_place(copy);
        VEC_PUSH(&names, copy);
    }
    GENERAL_NAMES_free(all);
    ERR_clear_error();
    out->names = names.items;
    out->n_names = names.n;
}

static void
read_purpose(X509 *leaf, struct x509_pair *out)
{
    const uint32_t flags = X509_get_extension_flags(leaf);
    const uint32_t server = XKU_SSL_SERVER | XKU_ANYEKU;

    if (X509_check_ca(leaf) == 1) {
        out->notes |= X509_IS_CA;
    }
    if ((flags & EXFLAG_XKUSAGE) &&
        !(X509_get_extended_key_usage(leaf) & server)) {
        out->notes |= X509_NOT_SERVER;
    }
    ERR_clear_error();
}

static struct err *
read_times(const struct chain *chain, struct x509_pair *out)
{
    struct err *err = x509_read_time(X509_get0_notBefore(chain->items[0]),
                                     "notBefore", &out->not_before);

    if (!err) {
        err = x509_read_time(X509_get0_notAfter(chain->items[0]), "notAfter",
                             &out->not_after);
    }
    for (size_t i = 1; i < chain->n && !err; i++) {
        int64_t at = 0;

        err = x509_read_time(X509_get0_notAfter(chain->items[i]), "notAfter",
                             &at);
        if (i == 1 || at < out->chain_not_after) {
            out->chain_not_after = at;
        }
    }
    return err;
}

static struct err *
write_pem(const struct chain *chain, EVP_PKEY *key, char **out)
{
    AUTO(bio_freep) BIO *bio = BIO_new(BIO_s_secmem());
    bool done = bio != NULL;
    char *text = NULL;
    long size;

    for (size_t i = 0; i < chain->n && done; i++) {
        done = PEM_write_bio_X509(bio, chain->items[i]) == 1;
    }
    if (!done ||
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        return x509_internal("write the certificate");
    }
    size = BIO_get_mem_data(bio, &text);
    *out = xstrndup(text, (size_t) size);
    return NULL;
}

struct err *
x509_fill_pair(const struct chain *chain, EVP_PKEY *key,
               struct x509_pair *out)
{
    X509 *leaf = chain->items[0];
    unsigned char *der = NULL;
    struct err *err = read_times(chain, out);
    int size;

    if (err) {
        return err;
    }
    size = i2d_X509(leaf, &der);
    if (size < 0) {
        return x509_internal("encode the certificate");
    }
    digest_sha256_hex(der, (size_t) size, out->fingerprint);
    OPENSSL_free(der);
    read_names(leaf, out);
    read_purpose(leaf, out);
    out->notes |= x509_ocsp_notes(leaf, chain->n > 1);
    return write_pem(chain, key, &out->pem);
}

bool
x509_covers(const struct x509_pair *pair, const char *host)
{
    const char *dot = strchr(host, '.');

    for (size_t i = 0; i < pair->n_names; i++) {
        const char *name = pair->names[i];

        if (str_eq(name, host)) {
            return true;
        }
        if (dot && dot != host && str_starts(name, "*.") &&
            str_eq(name + 1, dot)) {
            return true;
        }
    }
    return false;
}
