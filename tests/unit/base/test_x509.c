#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/x509.h"

/* A small PKI, made once: root > middle > leaf, and strangers beside it. */
enum who {
    ROOT,
    MIDDLE,
    LEAF,           /* EC, www.example.com and *.Example.ORG. */
    OTHER,          /* Self-signed, of another key. */
    BIG_RSA,
    ED25519,
    WEAK_RSA,       /* 1024 bits. */
    OLD_DIGEST,           /* Signed by MIDDLE with SHA-1. */
    ODD_NAMES,      /* A NUL, a blank and no DNS name among the names. */
    FAKE_MIDDLE,    /* The name of MIDDLE, another key. */
    EXPIRED,
    N_WHO,
};
static X509 *certs[N_WHO];
static EVP_PKEY *keys[N_WHO];

static const char *
subject_of(enum who who)
{
    static const char *const names[N_WHO] = {
        [ROOT] = "root",       [MIDDLE] = "middle",
        [FAKE_MIDDLE] = "middle",
    };

    return names[who] ? names[who] : "leaf";
}

static void
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

static void
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

static void
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

static void
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

static void
put_bio(BIO *bio, struct buf *out)
{
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);

    buf_put(out, text, (size_t) size);
    BIO_free(bio);
}

static void
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
static bool
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

static void
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

static void
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
static const struct row {
    const char *name;
    const char *certificates;
    enum who key;
    enum form form;
    const char *before_key;
    const char *after_key;
    const char *want;
    size_t want_chain;
} rows[] = {
    { "a chain in order", "leaf middle root", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 3 },
    { "a chain upside down", "root middle leaf", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 3 },
    { "the leaf alone", "leaf", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 1 },
    { "a copy of the leaf is left out", "leaf leaf middle", LEAF, PKCS8, "",
      "", "www.example.com *.example.org", 2 },
    { "a stranger is left out", "leaf other middle", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 2 },
    { "an issuer by name only is left out", "leaf fake middle", LEAF, PKCS8,
      "", "", "www.example.com *.example.org", 2 },
    { "a gap ends the chain", "leaf root", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 1 },
    { "comments before a block", "text leaf text middle", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 2 },
    { "blanks at the end", "leaf blank", LEAF, PKCS8, "", "blank",
      "www.example.com *.example.org", 1 },
    { "SEC1 key", "leaf", LEAF, TRADITIONAL, "", "",
      "www.example.com *.example.org", 1 },
    { "EC PARAMETERS before the key", "leaf", LEAF, TRADITIONAL,
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
      "-----END EC PARAMETERS-----\n",
      "", "www.example.com *.example.org", 1 },
    { "RSA, PKCS#1", "rsa", BIG_RSA, TRADITIONAL, "", "", "rsa.example.com", 1 },
    { "RSA, PKCS#8", "rsa", BIG_RSA, PKCS8, "", "", "rsa.example.com", 1 },
    { "Ed25519", "ed25519", ED25519, PKCS8, "", "", "ed.example.com", 1 },
    { "no name but the CN", "other", OTHER, PKCS8, "", "", "", 1 },
    { "odd names cover nothing", "odd", ODD_NAMES, PKCS8, "", "",
      "c.example.com", 1 },
    { "an expired one is read all the same", "expired", EXPIRED, PKCS8, "",
      "", "old.example.com", 1 },
    { "empty file", "", LEAF, PKCS8, "", "",
      "!the certificate file is empty", 0 },
    { "no block at all", "text", LEAF, PKCS8, "", "",
      "!the certificate file has no PEM certificate", 0 },
    { "too large", "huge", LEAF, PKCS8, "", "",
      "!the certificate file is larger than 256 KiB", 0 },
    { "a NUL byte", "leaf nul", LEAF, PKCS8, "", "",
      "!the certificate file is not PEM text: it has a NUL byte", 0 },
    { "text after the last block", "leaf text", LEAF, PKCS8, "", "",
      "!the certificate file has text after its last PEM block", 0 },
    { "a block without an end", "leaf cut", LEAF, PKCS8, "", "",
      "!the certificate file is cut off: its last PEM block has no END line",
      0 },
    { "only a block without an end", "cut", LEAF, PKCS8, "", "",
      "!the certificate file has a PEM block without its END line: it is cut "
      "off, or damaged", 0 },
    { "bad base64", "base64", LEAF, PKCS8, "", "",
      "!the certificate file has a PEM block that is not base64: it is "
      "damaged", 0 },
    { "DER", "der", LEAF, PKCS8, "", "",
      "!the certificate file is binary (DER or PKCS#12), not PEM: convert it "
      "with openssl x509, openssl pkey or openssl pkcs12", 0 },
    { "UTF-16", "utf16", LEAF, PKCS8, "", "",
      "!the certificate file is not plain text (UTF-16): save it as ASCII",
      0 },
    { "encoded twice", "twice", LEAF, PKCS8, "", "",
      "!the certificate file is PEM that was encoded as base64 twice: encode "
      "it once, or write it as it is under stringData", 0 },
    { "a request", "request", LEAF, PKCS8, "", "",
      "!the certificate file holds a certificate request, which a CA has yet "
      "to sign", 0 },
    { "PKCS#7", "pkcs7", LEAF, PKCS8, "", "",
      "!the certificate file holds PKCS#7: convert it with openssl pkcs7 "
      "-print_certs", 0 },
    { "a key where the certificate should be", "private", LEAF, PKCS8, "", "",
      "!the certificate file holds a private key instead of a certificate: "
      "the two are swapped", 0 },
    { "a key beside the certificate", "leaf private", LEAF, PKCS8, "", "",
      "!the certificate file holds a private key as well: it belongs into "
      "the other file only", 0 },
    { "a block that is no certificate", "leaf junk", LEAF, PKCS8, "", "",
      "!certificate 2 does not parse", 0 },
    { "trailing bytes in a block", "tail", LEAF, PKCS8, "", "",
      "!certificate 1 has trailing bytes inside its PEM block", 0 },
    { "too many certificates",
      "leaf root root root root root root root root root root root root root "
      "root root root",
      LEAF, PKCS8, "", "", "!there are more than 16 certificates", 0 },
    { "a short RSA key", "weak", WEAK_RSA, PKCS8, "", "",
      "!the key of certificate 1 is too short (1024 bits; RSA needs 2048)",
      0 },
    { "SHA-1", "sha1", OLD_DIGEST, PKCS8, "", "",
      "!certificate 1 is signed with a digest that is no longer accepted "
      "(SHA-1 or older)", 0 },
    { "another's key", "leaf", OTHER, PKCS8, "", "",
      "!the private key does not belong to the certificate", 0 },
    { "another's key, many certificates", "leaf middle", OTHER, PKCS8, "", "",
      "!the private key belongs to none of the 2 certificates", 0 },
    { "encrypted PKCS#8", "leaf", LEAF, ENCRYPTED, "", "",
      "!the private key is encrypted; store it without a pass phrase", 0 },
    { "encrypted, old form", "leaf", LEAF, OLD_ENCRYPTED, "", "",
      "!the private key is encrypted; store it without a pass phrase", 0 },
    { "a broken key", "leaf", LEAF, PKCS8,
      "-----BEGIN PRIVATE KEY-----\nTWlu\n-----END PRIVATE KEY-----\n", "",
      "!the private key does not parse", 0 },
    { "text after the key", "leaf", LEAF, PKCS8, "", "text",
      "!the key file has text after its last PEM block", 0 },
    { "a certificate where the key should be", "leaf", N_WHO, PKCS8, "",
      "leaf", "!the key file holds a certificate and no private key", 0 },
    { "a public key where the key should be", "leaf", N_WHO, PKCS8,
      "-----BEGIN PUBLIC KEY-----\nTWlu\n-----END PUBLIC KEY-----\n", "",
      "!the key file holds a public key and no private key", 0 },
    { "another block where the key should be", "leaf", N_WHO, PKCS8,
      "-----BEGIN EC PARAMETERS-----\nTWlu\n-----END EC PARAMETERS-----\n",
      "", "!the key file has no PEM private key", 0 },
    { "OpenSSH's format", "leaf", N_WHO, PKCS8,
      "-----BEGIN OPENSSH PRIVATE KEY-----\nTWlu\n"
      "-----END OPENSSH PRIVATE KEY-----\n", "",
      "!the private key is in OpenSSH's format: convert it with ssh-keygen "
      "-p -m PKCS8", 0 },
    { "no key", "leaf", N_WHO, PKCS8, "", "", "!the key file is empty", 0 },
};

static size_t
count(const char *text, const char *word)
{
    size_t n = 0;

    while ((text = strstr(text, word))) {
        n++;
        text += strlen(word);
    }
    return n;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
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

/* What is odd about a pair that is taken. */
static void
check_notes(void **state)
{
    static const struct {
        const char *certificates;
        enum who key;
        unsigned want;
    } cases[] = {
        { "leaf middle root", LEAF, 0 },
        { "root leaf middle", LEAF, X509_REORDERED },
        { "middle leaf", LEAF, X509_REORDERED },
        { "leaf middle leaf", LEAF, X509_COPIES },
        { "leaf middle middle", LEAF, X509_COPIES },
        { "leaf fake", LEAF, X509_STRANGERS },
        { "leaf root", LEAF, X509_STRANGERS },
        { "other leaf", LEAF, X509_STRANGERS },
        { "root root leaf", LEAF, X509_STRANGERS | X509_COPIES },
        { "root", ROOT, X509_IS_CA },
        { "odd", ODD_NAMES, X509_BAD_NAMES },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_BUF struct buf certificates = BUF_OWN;
        AUTO_BUF struct buf key = BUF_OWN;
        AUTO(x509_pair_fini) struct x509_pair pair;

        put_certificates(cases[i].certificates, &certificates);
        put_key(cases[i].key, PKCS8, &key);
        assert_null(x509_read(buf_str(&certificates), certificates.size,
                              buf_str(&key), key.size, &pair));
        if (pair.notes != cases[i].want) {
            fail_msg("%s: notes %x, not %x", cases[i].certificates,
                     pair.notes, cases[i].want);
        }
        assert_int_equal(pair.chain_not_after,
                         count(pair.pem, "BEGIN CERT") > 1 ? 2000000000 : 0);
    }
}

static void
check_order(void **state)
{
    AUTO_BUF struct buf certificates = BUF_OWN;
    AUTO_BUF struct buf want = BUF_OWN;
    AUTO_BUF struct buf key = BUF_OWN;
    AUTO(x509_pair_fini) struct x509_pair pair;
    AUTO_ERR struct err *err = NULL;

    (void) state;
    put_certificates("root other leaf middle", &certificates);
    put_certificates("leaf middle root", &want);
    put_key(LEAF, TRADITIONAL, &key);
    err = x509_read(buf_str(&certificates), certificates.size, buf_str(&key),
                    key.size, &pair);
    assert_null(err);
    put_key(LEAF, PKCS8, &want);
    assert_string_equal(pair.pem, buf_str(&want));
}

/* A private number that is not the one of its public point: the pair fits by
 * its public half, and could not finish one handshake. */
static void
check_damaged_key(void **state)
{
    AUTO_BUF struct buf certificates = BUF_OWN;
    AUTO_BUF struct buf key = BUF_OWN;
    AUTO_ERR struct err *err = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL, *other = NULL;
    struct x509_pair pair;
    int size;

    (void) state;
    put_certificates("leaf", &certificates);
    size = i2d_PrivateKey(keys[LEAF], &der);
    assert_int_equal(i2d_PrivateKey(keys[MIDDLE], &other), size);
    /* SEC1: SEQUENCE, version 1, OCTET STRING of 32 bytes at 7. */
    memcpy(der + 7, other + 7, 32);
    PEM_write_bio(bio, "EC PRIVATE KEY", "", der, size);
    OPENSSL_free(der);
    OPENSSL_free(other);
    put_bio(bio, &key);
    err = x509_read(buf_str(&certificates), certificates.size, buf_str(&key),
                    key.size, &pair);
    assert_non_null(err);
    assert_string_equal(err_text(err), "the private key is damaged: its "
                                       "signatures do not verify");
}

static void
check_covers(void **state)
{
    static char exact[] = "www.example.com", wild[] = "*.example.org";
    static char *names[] = { exact, wild };
    const struct x509_pair pair = { .names = names, .n_names = 2 };

    (void) state;
    assert_true(x509_covers(&pair, "www.example.com"));
    assert_false(x509_covers(&pair, "example.com"));
    assert_true(x509_covers(&pair, "a.example.org"));
    assert_true(x509_covers(&pair, "*.example.org"));
    assert_false(x509_covers(&pair, "a.b.example.org"));
    assert_false(x509_covers(&pair, "example.org"));
    assert_false(x509_covers(&pair, ".example.org"));
    assert_false(x509_covers(&pair, ""));
}

static void
check_self_signed(void **state)
{
    static const char *const names[] = { "localhost", "a.example.com" };
    static const char *const bad[] = { "a,DNS:evil.example" };
    AUTO(x509_pair_fini) struct x509_pair pair;
    AUTO(x509_pair_fini) struct x509_pair again = { .pem = NULL };
    AUTO_ERR struct err *err =
        x509_self_signed("me", names, 2, 1800000000, 30, &pair);

    (void) state;
    assert_null(err);
    assert_int_equal(pair.n_names, 2);
    assert_string_equal(pair.names[1], "a.example.com");
    assert_int_equal(pair.not_before, 1800000000 - 300);
    assert_int_equal(pair.not_after, 1800000000 + 30 * 86400);
    err = x509_read(pair.pem, (size_t) (strstr(pair.pem, "-----BEGIN PRIV") -
                                        pair.pem),
                    strstr(pair.pem, "-----BEGIN PRIV"),
                    strlen(strstr(pair.pem, "-----BEGIN PRIV")), &again);
    assert_null(err);
    assert_string_equal(pair.fingerprint, again.fingerprint);
    assert_string_equal(pair.pem, again.pem);
    x509_pair_fini(&again);
    err = x509_self_signed("me", bad, 1, 1800000000, 30, &again);
    assert_non_null(err);
    assert_string_equal(err_text(err),
                        "\"a,DNS:evil.example\" is not a DNS name");
}

int
main(void)
{
    const struct CMUnitTest more[] = {
        cmocka_unit_test(check_notes),
        cmocka_unit_test(check_order),
        cmocka_unit_test(check_damaged_key),
        cmocka_unit_test(check_covers),
        cmocka_unit_test(check_self_signed),
    };
    int failed;

    make_all();
    failed = TABLE_RUN("x509", rows, check_row);
    failed += cmocka_run_group_tests_name("x509, more", more, NULL, NULL);
    free_all();
    return failed;
}
