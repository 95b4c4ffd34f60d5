/* ocsp_maker: an authority, certificates that name a responder, and what a
 * responder answers about them, good and bad.  Whole in this header: a unit
 * test and the replay tool make their own.  Everything lasts until the process
 * ends but what is returned for the caller to free.
 */
#ifndef TESTS_UNIT_OCSP_MAKER_H
#define TESTS_UNIT_OCSP_MAKER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/mem.h"

/* Certificates live from here on, for ten years. */
#define MAKER_BEGIN_S INT64_C(1767225600)
#define MAKER_LIFE_S (INT64_C(3650) * 86400)

struct maker_cert {
    X509 *cert;
    EVP_PKEY *key;
};

/* What 'extensions' lists: lines of "name=value", as openssl.cnf has them. */
static inline struct maker_cert
maker_issue(const char *name, const struct maker_cert *issuer, long serial,
            const char *extensions)
{
    struct maker_cert made = { X509_new(), EVP_EC_gen("P-256") };
    const struct maker_cert *by = issuer ? issuer : &made;
    X509_NAME *subject = X509_get_subject_name(made.cert);
    AUTO_FREE char *lines = xstrdup(extensions);
    char *rest = lines, *line;
    X509V3_CTX context;

    X509_set_version(made.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *) name, -1, -1, 0);
    X509_set_issuer_name(made.cert, X509_get_subject_name(by->cert));
    ASN1_TIME_set(X509_getm_notBefore(made.cert), MAKER_BEGIN_S);
    ASN1_TIME_set(X509_getm_notAfter(made.cert),
                  MAKER_BEGIN_S + MAKER_LIFE_S);
    X509_set_pubkey(made.cert, made.key);
    X509V3_set_ctx(&context, by->cert, made.cert, NULL, NULL, 0);
    while ((line = strsep(&rest, "\n")) && line[0]) {
        char *value = strchr(line, '=');
        X509_EXTENSION *e;

        *value++ = '\0';
        e = X509V3_EXT_conf(NULL, &context, line, value);
        assert(e && X509_add_ext(made.cert, e, -1) == 1);
        X509_EXTENSION_free(e);
    }
    assert(X509_sign(made.cert, by->key, EVP_sha256()) > 0);
    return made;
}

static inline struct maker_cert
maker_authority(const char *name)
{
    return maker_issue(name, NULL, 1,
                       "basicConstraints=critical,CA:TRUE\n");
}

static inline void
maker_drop(struct maker_cert *made)
{
    X509_free(made->cert);
    EVP_PKEY_free(made->key);
}

/* PEM of certificates, NULL at the end, and of 'key' (may be NULL). */
static inline char *
maker_pem(X509 *const *certs, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text;
    long size;

    for (; *certs; certs++) {
        PEM_write_bio_X509(bio, *certs);
    }
    if (key) {
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    }
    size = BIO_get_mem_data(bio, &data);
    text = xstrndup(data, (size_t) size);
    BIO_free(bio);
    return text;
}

struct maker_answer {
    X509 *leaf, *issuer;        /* Whom it is about. */
    const struct maker_cert *signer;
    bool without_signer;        /* Its certificate is not enclosed. */
    int status;                 /* V_OCSP_CERTSTATUS_... */
    int64_t from_s, until_s;    /* 'until_s' 0: it has no nextUpdate. */
    const EVP_MD *digest;       /* Of the name; NULL: SHA-1. */
    unsigned n_more;            /* Other certificates that it is about, too. */
    size_t padding;             /* Bytes of an extension nobody knows. */
};

static inline void
maker_add(OCSP_BASICRESP *basic, const struct maker_answer *a, X509 *leaf)
{
    ASN1_TIME *from = ASN1_GENERALIZEDTIME_set(NULL, a->from_s);
    ASN1_TIME *until =
        a->until_s ? ASN1_GENERALIZEDTIME_set(NULL, a->until_s) : NULL;
    ASN1_TIME *revoked = ASN1_GENERALIZEDTIME_set(NULL, MAKER_BEGIN_S);
    OCSP_CERTID *id = OCSP_cert_to_id(a->digest ? a->digest : EVP_sha1(),
                                      leaf, a->issuer);

    assert(OCSP_basic_add1_status(basic, id, a->status,
                                  OCSP_REVOKED_STATUS_NOSTATUS, revoked,
                                  from, until));
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(revoked);
}

static inline void
maker_pad(OCSP_BASICRESP *basic, size_t size)
{
    ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
    AUTO_FREE unsigned char *zeros = xcalloc(1, size);
    X509_EXTENSION *e;

    ASN1_OCTET_STRING_set(bytes, zeros, (int) size);
    e = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, bytes);
    OCSP_BASICRESP_add_ext(basic, e, -1);
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(bytes);
}

/* DER, the caller's to free. */
static inline unsigned char *
maker_answer(const struct maker_answer *a, size_t *size)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_RESPONSE *response;
    unsigned char *der = NULL, *copy;
    int length;

    maker_add(basic, a, a->leaf);
    for (unsigned i = 0; i < a->n_more; i++) {
        maker_add(basic, a, a->issuer);
    }
    if (a->padding) {
        maker_pad(basic, a->padding);
    }
    assert(OCSP_basic_sign(basic, a->signer->cert, a->signer->key,
                           EVP_sha256(), NULL,
                           a->without_signer ? OCSP_NOCERTS : 0) == 1);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    length = i2d_OCSP_RESPONSE(response, &der);
    assert(length > 0);
    copy = xmemdup(der, (size_t) length);
    *size = (size_t) length;
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    return copy;
}

#endif /* TESTS_UNIT_OCSP_MAKER_H */
