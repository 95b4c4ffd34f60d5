/* Answers of OCSP responders about one certificate.
 *
 * What begins as a SEQUENCE is a whole response.  No fuzzer signs; so of
 * anything else the first byte is left out and the rest is what the responder
 * says (ResponseData), signed here by the issuer ('s'), by one whom it lets
 * sign ('d'), or by the certificate itself ('i').
 *
 * What is believed is of its time, was signed by one of the first two, and is
 * nothing more by a byte; what is not is told in words of ours.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509_ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BEGIN_S INT64_C(1767225600)         /* 2026-01-01 */
#define NOW_S INT64_C(1796083200)           /* 2026-12-01 */
#define LIFE_S (INT64_C(3650) * 86400)
#define TEXT_MAX 200
#define SIGNED_MAX ((size_t) 32 << 10)
#define SEQUENCE 0x30

struct party {
    X509 *cert;
    EVP_PKEY *key;
};

/* The same at every run, so that a corpus can be about them. */
static struct party issuer, delegate, leaf;
static char *certificates;      /* Of 'leaf' and 'issuer'. */

static void
put_extension(X509 *cert, X509 *by, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *e;

    X509V3_set_ctx(&context, by, cert, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert(e && X509_add_ext(cert, e, -1) == 1);
    X509_EXTENSION_free(e);
}

/* An Ed25519 key out of a name: no secret of anybody's. */
static struct party
make_party(const char *name, const struct party *by, long serial)
{
    unsigned char seed[32] = { 0 };
    struct party p = { .cert = X509_new() };
    X509_NAME *subject = X509_get_subject_name(p.cert);

    memcpy(seed, name, strlen(name));
    p.key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
                                         sizeof seed);
    X509_set_version(p.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(p.cert), serial);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *) name, -1, -1, 0);
    X509_set_issuer_name(p.cert,
                         by ? X509_get_subject_name(by->cert) : subject);
    ASN1_TIME_set(X509_getm_notBefore(p.cert), BEGIN_S);
    ASN1_TIME_set(X509_getm_notAfter(p.cert), BEGIN_S + LIFE_S);
    X509_set_pubkey(p.cert, p.key);
    if (!by) {
        put_extension(p.cert, p.cert, NID_basic_constraints,
                      "critical,CA:TRUE");
    } else if (serial == 2) {
        put_extension(p.cert, by->cert, NID_ext_key_usage, "OCSPSigning");
    }
    assert(X509_sign(p.cert, by ? by->key : p.key, NULL) > 0);
    return p;
}

static void
make_parties(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long size;

    issuer = make_party("issuer", NULL, 1);
    delegate = make_party("delegate", &issuer, 2);
    leaf = make_party("leaf", &issuer, 3);
    PEM_write_bio_X509(bio, leaf.cert);
    PEM_write_bio_X509(bio, issuer.cert);
    size = BIO_get_mem_data(bio, &text);
    certificates = xstrndup(text, (size_t) size);
    BIO_free(bio);
}

/* ---- A response around what is said ---- */

static void
put_tlv(struct buf *out, unsigned tag, const struct buf *value)
{
    const size_t n = value->size;

    buf_putc(out, (char) tag);
    assert(n <= 0xffff);
    if (n > 0xff) {
        buf_putc(out, (char) 0x82);
        buf_putc(out, (char) (n >> 8));
    } else if (n > 0x7f) {
        buf_putc(out, (char) 0x81);
    }
    buf_putc(out, (char) n);
    buf_put(out, buf_str(value), n);
}

/* The value of 'out' becomes an element around it. */
static void
wrap(struct buf *out, unsigned tag)
{
    AUTO_BUF struct buf whole = BUF_OWN;

    put_tlv(&whole, tag, out);
    buf_clear(out);
    buf_put(out, buf_str(&whole), whole.size);
}

static void
put_certificate(struct buf *out, X509 *cert)
{
    AUTO_BUF struct buf all = BUF_OWN;
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);

    assert(size > 0);
    buf_put(&all, der, (size_t) size);
    OPENSSL_free(der);
    wrap(&all, SEQUENCE);
    put_tlv(out, 0xa0, &all);
}

/* OCSPResponse of success, with a BasicOCSPResponse in it. */
static void
sign(const struct party *by, const uint8_t *said, size_t size,
     struct buf *out)
{
    static const char algorithm[] = "\x30\x05\x06\x03\x2b\x65\x70";
    static const char basic[] = "\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01"
                                "\x01";
    static const char success[] = "\x0a\x01\x00";
    AUTO_BUF struct buf bits = BUF_OWN;
    AUTO_BUF struct buf whole = BUF_OWN;
    unsigned char signature[64];
    size_t length = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert(EVP_DigestSignInit(context, NULL, NULL, NULL, by->key) == 1 &&
           EVP_DigestSign(context, signature, &length, said, size) == 1);
    EVP_MD_CTX_free(context);
    buf_put(out, said, size);
    buf_put(out, algorithm, sizeof algorithm - 1);
    buf_putc(&bits, '\0');
    buf_put(&bits, signature, length);
    put_tlv(out, 0x03, &bits);
    if (by != &issuer) {
        put_certificate(out, by->cert);
    }
    wrap(out, SEQUENCE);
    wrap(out, 0x04);
    buf_put(&whole, basic, sizeof basic - 1);
    buf_put(&whole, buf_str(out), out->size);
    wrap(&whole, SEQUENCE);
    wrap(&whole, 0xa0);
    buf_clear(out);
    buf_put(out, success, sizeof success - 1);
    buf_put(out, buf_str(&whole), whole.size);
    wrap(out, SEQUENCE);
}

/* ---- What is made of one ---- */

/* True where it is believed. */
static bool
check(const void *der, size_t size, struct x509_ocsp_answer *out)
{
    struct err *err =
        x509_ocsp_check(certificates, der, size, NOW_S, out);
    const char *text = err ? err_text(err) : "";
    bool is_believed = !err;

    assert(!err || err_kind(err) == ERR_PROTOCOL);
    assert(strlen(text) < TEXT_MAX && !str_has_control(text, strlen(text)));
    assert(err || (out->from <= NOW_S + X509_OCSP_SKEW_S &&
                   out->until > NOW_S && out->until > out->from &&
                   out->status <= X509_OCSP_UNKNOWN));
    err_free(err);
    return is_believed;
}

static void
look(const void *der, size_t size, bool may_be_believed)
{
    struct x509_ocsp_answer answer, other;

    if (!check(der, size, &answer)) {
        return;
    }
    assert(may_be_believed);
    {
        AUTO_BUF struct buf longer = BUF_OWN;

        buf_put(&longer, der, size);
        assert(check(der, size, &other) && other.status == answer.status &&
               other.from == answer.from && other.until == answer.until);
        buf_putc(&longer, '\0');
        assert(!check(buf_str(&longer), longer.size, &other));
        assert(!check(der, size - 1, &other));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUF struct buf response = BUF_OWN;
    const struct party *by;

    if (!certificates) {
        make_parties();
    }
    if (size == 0 || data[0] == SEQUENCE) {
        look(data, size, true);
        return 0;
    }
    if (size > SIGNED_MAX) {
        return 0;
    }
    by = data[0] == 'd' ? &delegate : data[0] == 'i' ? &leaf : &issuer;
    sign(by, data + 1, size - 1, &response);
    look(buf_str(&response), response.size, by != &leaf);
    return 0;
}
