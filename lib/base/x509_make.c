#include "lib/base/x509_ca.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509_priv.h"

#define DAY_S 86400

/* What is to be made.  Without an issuer it signs itself. */
struct making {
    const char *common_name;
    const char *names;      /* "DNS:a,DNS:b" or "". */
    bool is_ca;
    int64_t now;
    int64_t not_after;
    X509 *issuer;
    EVP_PKEY *issuer_key;
};

static void
key_freep(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void
cert_freep(X509 **cert)
{
    X509_free(*cert);
}

static void
bio_freep(BIO **bio)
{
    BIO_free(*bio);
}

void
x509_made_fini(struct x509_made *made)
{
    if (made->key) {
        OPENSSL_cleanse(made->key, strlen(made->key));
    }
    free(made->key);
    free(made->certificate);
    memset(made, 0, sizeof *made);
}

static bool
add_extension(X509 *issuer, X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool done;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    done = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool
set_serial(X509 *cert)
{
    BIGNUM *number = BN_new();
    bool done =
        number && BN_rand(number, 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));

    BN_free(number);
    return done;
}

static bool
set_names(const struct making *m, X509 *cert)
{
    X509_NAME *name = X509_get_subject_name(cert);

    return X509_NAME_add_entry_by_txt(
               name, "CN", MBSTRING_UTF8,
               (const unsigned char *) m->common_name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(
               cert, m->issuer ? X509_get_subject_name(m->issuer) : name) ==
               1;
}

static struct err *
join_names(const char *const *names, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (!x509_is_dns_name((const unsigned char *) names[i],
                         strlen(names[i]))) {
            AUTO_FREE char *quoted = str_quote(names[i]);

            return err_new(ERR_INVALID, "%s is not a DNS name", quoted);
        }
        buf_printf(out, "%sDNS:%s", i > 0 ? "," : "", names[i]);
    }
    return NULL;
}

static bool
set_basics(const struct making *m, X509 *cert, EVP_PKEY *key)
{
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
           ASN1_TIME_set(X509_getm_notBefore(cert),
                         (time_t) (m->now - X509_BACKDATE_S)) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t) m->not_after) &&
           X509_set_pubkey(cert, key) == 1 && set_names(m, cert);
}

struct extension {
    int nid;
    const char *value;
};

static bool
set_extensions(const struct making *m, X509 *cert)
{
    static const struct extension ca[] = {
        { NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
        { NID_key_usage, "critical,keyCertSign,cRLSign" },
        { NID_subject_key_identifier, "hash" },
    };
    static const struct extension leaf[] = {
        { NID_basic_constraints, "critical,CA:FALSE" },
        { NID_key_usage, "critical,digitalSignature" },
        { NID_ext_key_usage, "serverAuth" },
        { NID_subject_key_identifier, "hash" },
    };
    const struct extension *rows = m->is_ca ? ca : leaf;
    const size_t n = m->is_ca ? ARRAY_SIZE(ca) : ARRAY_SIZE(leaf);
    X509 *issuer = m->issuer ? m->issuer : cert;

    for (size_t i = 0; i < n; i++) {
        if (!add_extension(issuer, cert, rows[i].nid, rows[i].value)) {
            return false;
        }
    }
    if (m->issuer && !add_extension(issuer, cert, NID_authority_key_identifier,
                                    "keyid:always")) {
        return false;
    }
    return m->names[0] == '\0' ||
           add_extension(issuer, cert, NID_subject_alt_name, m->names);
}

static struct err *
make(const struct making *m, X509 **cert_out, EVP_PKEY **key_out)
{
    AUTO(key_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
    AUTO(cert_freep) X509 *cert = X509_new();

    if (!key || !cert || !set_basics(m, cert, key) ||
        !set_extensions(m, cert) ||
        X509_sign(cert, m->issuer_key ? m->issuer_key : key, EVP_sha256()) <=
            0) {
        return x509_internal("make a certificate");
    }
    *cert_out = STEAL_PTR(cert);
    *key_out = STEAL_PTR(key);
    return NULL;
}

struct err *
x509_self_signed(const char *common_name, const char *const *names,
                 size_t n_names, int64_t now, int64_t days,
                 struct x509_pair *out)
{
    AUTO_BUF struct buf all = BUF_OWN;
    AUTO(key_freep) EVP_PKEY *key = NULL;
    AUTO(cert_freep) X509 *cert = NULL;
    struct chain chain = { .n = 1 };
    struct making m = { .common_name = common_name,
                        .now = now,
                        .not_after = now + days * DAY_S };
    struct err *err;

    memset(out, 0, sizeof *out);
    ERR_clear_error();
    err = join_names(names, n_names, &all);
    if (!err) {
        m.names = buf_str(&all);
        err = make(&m, &cert, &key);
    }
    if (!err) {
        chain.items[0] = cert;
        err = x509_fill_pair(&chain, key, out);
    }
    if (err) {
        x509_pair_fini(out);
    }
    return err;
}

/* ---- CA and leaf ---- */

static struct err *
print_made(X509 *cert, EVP_PKEY *key, struct x509_made *out)
{
    AUTO(bio_freep) BIO *public_bio = BIO_new(BIO_s_mem());
    AUTO(bio_freep) BIO *secret_bio = BIO_new(BIO_s_secmem());
    char *text;
    long size;

    if (!public_bio || !secret_bio ||
        PEM_write_bio_X509(public_bio, cert) != 1 ||
        PEM_write_bio_PrivateKey(secret_bio, key, NULL, NULL, 0, NULL,
                                 NULL) != 1) {
        return x509_internal("write a certificate");
    }
    size = BIO_get_mem_data(public_bio, &text);
    out->certificate = xstrndup(text, (size_t) size);
    size = BIO_get_mem_data(secret_bio, &text);
    out->key = xstrndup(text, (size_t) size);
    return NULL;
}

static struct err *
make_and_print(const struct making *m, struct x509_made *out)
{
    AUTO(key_freep) EVP_PKEY *key = NULL;
    AUTO(cert_freep) X509 *cert = NULL;
    struct err *err = make(m, &cert, &key);

    return err ? err : print_made(cert, key, out);
}

struct err *
x509_make_ca(const char *common_name, int64_t now, int64_t days,
             struct x509_made *out)
{
    const struct making m = { .common_name = common_name,
                              .names = "",
                              .is_ca = true,
                              .now = now,
                              .not_after = now + days * DAY_S };

    memset(out, 0, sizeof *out);
    ERR_clear_error();
    return make_and_print(&m, out);
}

static struct err *
read_ca(const struct x509_made *ca, struct chain *chain, EVP_PKEY **key)
{
    const struct x509_text file = { ca->certificate, strlen(ca->certificate),
                                    X509_FILE };
    const struct x509_text key_file = { ca->key, strlen(ca->key),
                                        X509_KEY_FILE };
    struct err *err = x509_read_chain(&file, chain);

    return err ? err : x509_read_key(&key_file, key);
}

struct err *
x509_make_leaf(const struct x509_made *ca, const char *const *names,
               size_t n_names, int64_t now, int64_t days,
               struct x509_made *out)
{
    AUTO(x509_chain_fini) struct chain issuer = { .n = 0 };
    AUTO(key_freep) EVP_PKEY *key = NULL;
    AUTO_BUF struct buf all = BUF_OWN;
    struct making m = { .now = now, .not_after = now + days * DAY_S };
    int64_t last = 0;
    struct err *err;

    memset(out, 0, sizeof *out);
    ERR_clear_error();
    if (n_names == 0) {
        return err_new(ERR_INVALID, "a server has at least one name");
    }
    err = join_names(names, n_names, &all);
    if (!err) {
        err = read_ca(ca, &issuer, &key);
    }
    if (!err) {
        err = x509_read_time(X509_get0_notAfter(issuer.items[0]), "notAfter",
                             &last);
    }
    if (err) {
        return err;
    }
    m.common_name = names[0];
    m.names = buf_str(&all);
    m.not_after = m.not_after < last ? m.not_after : last;
    m.issuer = issuer.items[0];
    m.issuer_key = key;
    return make_and_print(&m, out);
}
