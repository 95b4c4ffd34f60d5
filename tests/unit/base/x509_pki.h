/* What the tests of certificates share: a small PKI, files that hold some of it
 * or what people store instead, and rows of what becomes of them. */
#ifndef TESTS_UNIT_BASE_X509_PKI_H
#define TESTS_UNIT_BASE_X509_PKI_H

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/x509.h"

/* Root > middle > leaf, and strangers beside it. */
enum who {
    ROOT,
    MIDDLE,
    LEAF,           /* EC, www.example.com and *.Example.ORG. */
    OTHER,          /* Self-signed, of another key. */
    BIG_RSA,
    ED25519,
    WEAK_RSA,       /* 1024 bits. */
    OLD_DIGEST,     /* Signed by MIDDLE with SHA-1. */
    ODD_NAMES,      /* A NUL, a blank and no DNS name among the names. */
    FAKE_MIDDLE,    /* The name of MIDDLE, another key. */
    EXPIRED,
    N_WHO,
};
static X509 *certs[N_WHO];
static EVP_PKEY *keys[N_WHO];

static inline const char *
subject_of(enum who who)
{
    static const char *const names[N_WHO] = {
        [ROOT] = "root",       [MIDDLE] = "middle",
        [FAKE_MIDDLE] = "middle",
    };

    return names[who] ? names[who] : "leaf";
}

static inline void
add_names(X509 *cert, enum who who)
{
    static const struct {
        enum who who;
        const char *name;
        int length;
    } rows[] = {
        { LEAF, "www.example.com", -1 },
        { LEAF, "*.Example.ORG", -1 },
        { ODD_NAMES, "a.example.com\0.evil.example", 27 },
        { ODD_NAMES, "b example.com", -1 },
        { ODD_NAMES, "", -1 },
        { ODD_NAMES, "c.example.com", -1 },
        { BIG_RSA, "rsa.example.com", -1 },
        { ED25519, "ed.example.com", -1 },
        { EXPIRED, "old.example.com", -1 },
    };
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].who == who) {
            GENERAL_NAME *name = GENERAL_NAME_new();
            ASN1_IA5STRING *text = ASN1_IA5STRING_new();

            ASN1_STRING_set(text, rows[i].name, rows[i].length);
            GENERAL_NAME_set0_value(name, GEN_DNS, text);
            sk_GENERAL_NAME_push(all, name);
        }
    }
    if (sk_GENERAL_NAME_num(all) > 0) {
        X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, 0);
    }
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
}

static inline void
make(enum who who, EVP_PKEY *key, enum who issuer, const EVP_MD *digest)
{
    X509 *cert = X509_new();
    const bool is_ca = who == ROOT || who == MIDDLE || who == FAKE_MIDDLE;
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    X509_NAME *name = X509_get_subject_name(cert);

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1 + (long) who);
    ASN1_TIME_set(X509_getm_notBefore(cert), 1700000000);
    ASN1_TIME_set(X509_getm_notAfter(cert),
                  who == EXPIRED ? 1700000001 : 2000000000);
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC, (const unsigned char *) subject_of(who), -1,
        -1, 0);
    name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC,
        (const unsigned char *) (issuer == who ? subject_of(who)
                                               : subject_of(issuer)),
        -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_NAME_free(name);
    X509_set_pubkey(cert, key);
    constraints->ca = is_ca ? 0xff : 0;
    X509_add1_ext_i2d(cert, NID_basic_constraints, constraints, 1, 0);
    BASIC_CONSTRAINTS_free(constraints);
    add_names(cert, who);
    keys[who] = key;
    assert_true(X509_sign(cert, keys[issuer], digest) > 0);
    certs[who] = cert;
}

static inline void
make_all(void)
{
    const EVP_MD *sha256 = EVP_sha256();

    make(ROOT, EVP_EC_gen("P-256"), ROOT, sha256);
    make(MIDDLE, EVP_EC_gen("P-256"), ROOT, sha256);
    make(LEAF, EVP_EC_gen("P-256"), MIDDLE, sha256);
    make(OTHER, EVP_EC_gen("P-384"), OTHER, sha256);
    make(BIG_RSA, EVP_RSA_gen(2048), MIDDLE, sha256);
    make(ED25519, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), MIDDLE, sha256);
    make(WEAK_RSA, EVP_RSA_gen(1024), MIDDLE, sha256);
    make(OLD_DIGEST, EVP_EC_gen("P-256"), MIDDLE, EVP_sha1());
    make(ODD_NAMES, EVP_EC_gen("P-256"), MIDDLE, sha256);
    make(FAKE_MIDDLE, EVP_EC_gen("P-256"), ROOT, sha256);
    make(EXPIRED, EVP_EC_gen("P-256"), MIDDLE, sha256);
}

static inline void
free_all(void)
{
    for (size_t i = 0; i < N_WHO; i++) {
        X509_free(certs[i]);
        EVP_PKEY_free(keys[i]);
    }
}

/* Texts are written as a word per block: "leaf", "middle", or what is said
 * below. */
static const char *const words[N_WHO] = {
    "root", "middle", "leaf", "other", "rsa", "ed25519", "weak", "sha1",
    "odd", "fake", "expired",
};

static inline void
put_bio(BIO *bio, struct buf *out)
{
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);

    buf_put(out, text, (size_t) size);
    BIO_free(bio);
}

static inline void
put_der_with_tail(enum who who, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    int size = i2d_X509(certs[who], &der);
    unsigned char *longer = xcalloc(1, (size_t) size + 4);

    memcpy(longer, der, (size_t) size);
    PEM_write_bio(bio, "CERTIFICATE", "", longer, size + 4);
    free(longer);
    OPENSSL_free(der);
    put_bio(bio, out);
}

/* What people store instead. */
static inline bool
put_mistake(const char *word, struct buf *out)
{
    static const struct {
        const char *word;
        const char *text;
    } rows[] = {
        { "der", "\x30\x82\x01\x0a" },
        { "utf16", "\xff\xfe-" },
        { "twice", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t" },
        { "request", "-----BEGIN CERTIFICATE REQUEST-----\nTWlu\n"
                     "-----END CERTIFICATE REQUEST-----\n" },
        { "pkcs7", "-----BEGIN PKCS7-----\nTWlu\n-----END PKCS7-----\n" },
        { "private", "-----BEGIN PRIVATE KEY-----\nTWlu\n"
                     "-----END PRIVATE KEY-----\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].word, word) == 0) {
            buf_puts(out, rows[i].text);
            return true;
        }
    }
    return false;
}

static inline void
put_certificates(const char *text, struct buf *out)
{
    AUTO_FREE char *copy = xstrdup(text);
    char *rest = copy;
    char *word;

    while ((word = strsep(&rest, " ")) && *word) {
        size_t i = 0;

        while (i < N_WHO && strcmp(words[i], word) != 0) {
            i++;
        }
        if (i < N_WHO) {
            BIO *bio = BIO_new(BIO_s_mem());

            PEM_write_bio_X509(bio, certs[i]);
            put_bio(bio, out);
        } else if (strcmp(word, "tail") == 0) {
            put_der_with_tail(LEAF, out);
        } else if (strcmp(word, "cut") == 0) {
            buf_puts(out, "-----BEGIN CERTIFICATE-----\nTWlu\n");
        } else if (strcmp(word, "junk") == 0) {
            buf_puts(out, "-----BEGIN CERTIFICATE-----\nTWlu\n"
                          "-----END CERTIFICATE-----\n");
        } else if (strcmp(word, "base64") == 0) {
            buf_puts(out, "-----BEGIN CERTIFICATE-----\n!!!!\n"
                          "-----END CERTIFICATE-----\n");
        } else if (strcmp(word, "text") == 0) {
            buf_puts(out, "subject=CN = a comment, as openssl prints it\n");
        } else if (put_mistake(word, out)) {
            continue;
        } else if (strcmp(word, "nul") == 0) {
            buf_putc(out, '\0');
        } else if (strcmp(word, "huge") == 0) {
            for (size_t n = 0; n <= X509_MAX_PEM; n++) {
                buf_putc(out, ' ');
            }
        } else if (strcmp(word, "blank") == 0) {
            buf_puts(out, " \r\n\t\n");
        }
    }
}

enum form { PKCS8, TRADITIONAL, ENCRYPTED, OLD_ENCRYPTED };

static inline void
put_key(enum who who, enum form form, struct buf *out)
{
    static const unsigned char pass[] = "secret";
    BIO *bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *aes = EVP_aes_128_cbc();
    unsigned char *pw = xmemdup(pass, sizeof pass);

    switch (form) {
    case PKCS8:
        PEM_write_bio_PrivateKey(bio, keys[who], NULL, NULL, 0, NULL, NULL);
        break;
    case TRADITIONAL:
        PEM_write_bio_PrivateKey_traditional(bio, keys[who], NULL, NULL, 0,
                                             NULL, NULL);
        break;
    case ENCRYPTED:
        PEM_write_bio_PrivateKey(bio, keys[who], aes, pw, 6, NULL, NULL);
        break;
    case OLD_ENCRYPTED:
        PEM_write_bio_PrivateKey_traditional(bio, keys[who], aes, pw, 6, NULL,
                                             NULL);
        break;
    }
    free(pw);
    put_bio(bio, out);
}

/* 'want' is "" and the names, or the whole error. */
struct x509_row {
    const char *name;
    const char *certificates;
    enum who key;
    enum form form;
    const char *before_key;
    const char *after_key;
    const char *want;
    size_t want_chain;
};

static inline size_t
count(const char *text, const char *word)
{
    size_t n = 0;

    while ((text = strstr(text, word))) {
        n++;
        text += strlen(word);
    }
    return n;
}

static inline void
check_pair(void **state)
{
    const struct x509_row *row = *state;
    AUTO_BUF struct buf certificates = BUF_OWN;
    AUTO_BUF struct buf key = BUF_OWN;
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO(x509_pair_fini) struct x509_pair pair;
    AUTO_ERR struct err *err = NULL;

    memset(&pair, 0xa5, sizeof pair);
    put_certificates(row->certificates, &certificates);
    buf_puts(&key, row->before_key);
    if (row->key != N_WHO) {
        put_key(row->key, row->form, &key);
    }
    put_certificates(row->after_key, &key);
    err = x509_read(buf_str(&certificates), certificates.size, buf_str(&key),
                    key.size, &pair);
    if (err) {
        assert_int_equal(err_kind(err), ERR_INVALID);
        buf_printf(&got, "!%s", err_text(err));
        assert_null(pair.pem);
    } else {
        for (size_t i = 0; i < pair.n_names; i++) {
            buf_printf(&got, "%s%s", i > 0 ? " " : "", pair.names[i]);
        }
        assert_int_equal(pair.not_before, 1700000000);
        assert_int_equal(pair.not_after,
                         row->key == EXPIRED ? 1700000001 : 2000000000);
        assert_int_equal(strlen(pair.fingerprint), 64);
        assert_int_equal(count(pair.pem, "BEGIN CERTIFICATE"),
                         row->want_chain);
        assert_int_equal(count(pair.pem, "BEGIN PRIVATE KEY"), 1);
    }
    assert_string_equal(buf_str(&got), row->want);
}

#endif /* TESTS_UNIT_BASE_X509_PKI_H */
