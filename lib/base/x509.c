#include "lib/base/x509.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/base/buf.h"
#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/base/x509_priv.h"

/* What OpenSSL's security level 2, Debian's default, asks for: HAProxy
 * refuses to load less. */
#define MIN_SECURITY_BITS 112
#define MAX_RSA_BITS 8192
#define MAX_NAMES 1000

void
x509_chain_fini(struct chain *chain)
{
    for (size_t i = 0; i < chain->n; i++) {
        X509_free(chain->items[i]);
    }
    chain->n = 0;
}

static void
bio_freep(BIO **bio)
{
    BIO_free(*bio);
}

static void
key_freep(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

/* One block of a PEM text. */
struct block {
    char *name;
    char *header;
    unsigned char *data;
    long size;
};

static void
block_fini(struct block *block)
{
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    OPENSSL_clear_free(block->data, (size_t) block->size);
    memset(block, 0, sizeof *block);
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
x509_internal(const char *what)
{
    char text[160] = "";

    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    return err_new(ERR_INTERNAL, "%s: %s", what, text);
}

/* ---- Reading ---- */

/* What stands after the last block may be blank only: a cut block, or bytes
 * that were meant to be one, would otherwise vanish in silence. */
static bool
has_garbage(const char *text, size_t size)
{
    static const char end[] = "-----END ";
    const char *at = text;
    const char *last = NULL;
    const char *stop = text + size;

    while ((at = memmem(at, (size_t) (stop - at), end, sizeof end - 1))) {
        last = at;
        at += sizeof end - 1;
    }
    if (!last) {
        return false;
    }
    last = memchr(last, '\n', (size_t) (stop - last));
    for (; last && last < stop; last++) {
        if (!strchr(" \t\r\n", *last)) {
            return true;
        }
    }
    return false;
}

static struct err *
check_text(const char *what, const char *text, size_t size)
{
    if (size == 0) {
        return err_new(ERR_INVALID, "%s is empty", what);
    }
    if (size > X509_MAX_PEM) {
        return err_new(ERR_INVALID, "%s is larger than %zu KiB", what,
                       X509_MAX_PEM >> 10);
    }
    if (memchr(text, '\0', size)) {
        return err_new(ERR_INVALID, "%s is not PEM text: it has a NUL byte",
                       what);
    }
    if (has_garbage(text, size)) {
        return err_new(ERR_INVALID, "%s has text after its last PEM block",
                       what);
    }
    return NULL;
}

/* The next block; '*found' is false at the end of the text. */
static struct err *
next_block(const char *what, BIO *bio, struct block *block, bool *found)
{
    int reason;

    *found = PEM_read_bio(bio, &block->name, &block->header, &block->data,
                          &block->size) == 1;
    if (*found) {
        return NULL;
    }
    reason = ERR_GET_REASON(ERR_peek_last_error());
    ERR_clear_error();
    if (reason != PEM_R_NO_START_LINE) {
        return err_new(ERR_INVALID,
                       "%s has a damaged PEM block (bad base64, or no END "
                       "line)",
                       what);
    }
    return NULL;
}

static bool
is_certificate_block(const char *name)
{
    return str_eq(name, PEM_STRING_X509) || str_eq(name, PEM_STRING_X509_OLD);
}

static struct err *
check_strength(X509 *cert, size_t number)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    int bits = 0;
    bool is_self_signed =
        (X509_get_extension_flags(cert) & EXFLAG_SS) != 0;

    if (!key) {
        ERR_clear_error();
        return err_new(ERR_INVALID,
                       "certificate %zu has a public key of an unknown kind",
                       number);
    }
    if (EVP_PKEY_get_security_bits(key) < MIN_SECURITY_BITS) {
        return err_new(ERR_INVALID,
                       "the key of certificate %zu is too short (%d bits; "
                       "RSA needs 2048)",
                       number, EVP_PKEY_get_bits(key));
    }
    if (!is_self_signed &&
        X509_get_signature_info(cert, NULL, NULL, &bits, NULL) == 1 &&
        bits < MIN_SECURITY_BITS) {
        return err_new(ERR_INVALID,
                       "certificate %zu is signed with a digest that is no "
                       "longer accepted (SHA-1 or older)",
                       number);
    }
    ERR_clear_error();
    return NULL;
}

static struct err *
add_certificate(const struct block *block, struct chain *chain)
{
    const unsigned char *at = block->data;
    X509 *cert;

    if (chain->n == X509_MAX_CHAIN) {
        return err_new(ERR_INVALID, "there are more than %d certificates",
                       X509_MAX_CHAIN);
    }
    cert = d2i_X509(NULL, &at, block->size);
    if (!cert) {
        ERR_clear_error();
        return err_new(ERR_INVALID, "certificate %zu does not parse",
                       chain->n + 1);
    }
    chain->items[chain->n++] = cert;
    if (at != block->data + block->size) {
        return err_new(ERR_INVALID,
                       "certificate %zu has trailing bytes inside its PEM "
                       "block",
                       chain->n);
    }
    return check_strength(cert, chain->n);
}

struct err *
x509_read_chain(const char *text, size_t size, struct chain *chain)
{
    static const char what[] = "the certificate file";
    AUTO(bio_freep) BIO *bio = NULL;
    struct err *err = check_text(what, text, size);
    bool found = true;

    if (err) {
        return err;
    }
    bio = BIO_new_mem_buf(text, (int) size);
    while (!err && found) {
        AUTO(block_fini) struct block block = { .name = NULL };

        err = next_block(what, bio, &block, &found);
        if (!err && found && is_certificate_block(block.name)) {
            err = add_certificate(&block, chain);
        } else if (!err && found && strstr(block.name, "PRIVATE KEY")) {
            err = err_new(ERR_INVALID, "%s holds a private key", what);
        }
    }
    if (!err && chain->n == 0) {
        err = err_new(ERR_INVALID, "%s has no PEM certificate", what);
    }
    return err;
}

static bool
is_accepted_key(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "EC") ||
           EVP_PKEY_is_a(key, "ED25519");
}

static struct err *
check_key(EVP_PKEY *key)
{
    if (!is_accepted_key(key)) {
        return err_new(ERR_INVALID,
                       "the private key is neither RSA, EC nor Ed25519");
    }
    if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) > MAX_RSA_BITS) {
        return err_new(ERR_INVALID,
                       "the private key has %d bits; at most %d are taken",
                       EVP_PKEY_get_bits(key), MAX_RSA_BITS);
    }
    return NULL;
}

static struct err *
read_key_block(const struct block *block, EVP_PKEY **out)
{
    const unsigned char *at = block->data;
    struct err *err;

    if (str_eq(block->name, PEM_STRING_PKCS8) ||
        strstr(block->header, "ENCRYPTED")) {
        return err_new(ERR_INVALID,
                       "the private key is encrypted; store it without a "
                       "pass phrase");
    }
    if (*out) {
        return err_new(ERR_INVALID, "there is more than one private key");
    }
    *out = d2i_AutoPrivateKey(NULL, &at, block->size);
    if (!*out) {
        ERR_clear_error();
        return err_new(ERR_INVALID, "the private key does not parse");
    }
    err = check_key(*out);
    if (!err && at != block->data + block->size) {
        err = err_new(ERR_INVALID,
                      "the private key has trailing bytes inside its PEM "
                      "block");
    }
    return err;
}

struct err *
x509_read_key(const char *text, size_t size, EVP_PKEY **out)
{
    static const char what[] = "the key file";
    AUTO(bio_freep) BIO *bio = NULL;
    struct err *err = check_text(what, text, size);
    bool found = true;

    if (err) {
        return err;
    }
    bio = BIO_new_mem_buf(text, (int) size);
    while (!err && found) {
        AUTO(block_fini) struct block block = { .name = NULL };

        err = next_block(what, bio, &block, &found);
        /* Other blocks, such as EC PARAMETERS and DH PARAMETERS, may stand
         * beside it. */
        if (!err && found && strstr(block.name, "PRIVATE KEY")) {
            err = read_key_block(&block, out);
        }
    }
    if (!err && !*out) {
        err = err_new(ERR_INVALID, "%s has no PEM private key", what);
    }
    return err;
}

/* ---- Order ---- */

static void
swap_items(struct chain *chain, size_t a, size_t b)
{
    X509 *item = chain->items[a];

    chain->items[a] = chain->items[b];
    chain->items[b] = item;
}

/* Puts the certificate of 'key' first. */
static struct err *
find_leaf(struct chain *chain, EVP_PKEY *key)
{
    for (size_t i = 0; i < chain->n; i++) {
        if (X509_check_private_key(chain->items[i], key) == 1) {
            swap_items(chain, 0, i);
            ERR_clear_error();
            return NULL;
        }
    }
    ERR_clear_error();
    if (chain->n == 1) {
        return err_new(ERR_INVALID,
                       "the private key does not belong to the certificate");
    }
    return err_new(ERR_INVALID,
                   "the private key belongs to none of the %zu certificates",
                   chain->n);
}

bool
x509_is_issuer(X509 *issuer, X509 *subject)
{
    return X509_check_issued(issuer, subject) == X509_V_OK &&
           X509_verify(subject, X509_get0_pubkey(issuer)) == 1;
}

/* Leaf first, then each one's issuer; what is no link of that chain (another
 * leaf, a copy) is left out, as a client would not use it. */
static void
order_chain(struct chain *chain)
{
    size_t n = 1;

    while (n < chain->n) {
        X509 *last = chain->items[n - 1];
        size_t i = n;

        if (X509_check_issued(last, last) == X509_V_OK) {
            break;
        }
        while (i < chain->n && !x509_is_issuer(chain->items[i], last)) {
            i++;
        }
        if (i == chain->n) {
            break;
        }
        swap_items(chain, n, i);
        n++;
    }
    ERR_clear_error();
    while (chain->n > n) {
        X509_free(chain->items[--chain->n]);
    }
}

/* A key whose public half fits can still be unable to sign. */
static struct err *
try_key(EVP_PKEY *key, EVP_PKEY *public_key)
{
    static const unsigned char text[] = "sallyport";
    const EVP_MD *digest =
        EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    EVP_MD_CTX *verify = EVP_MD_CTX_new();
    unsigned char signature[MAX_RSA_BITS / 8];
    size_t size = sizeof signature;
    bool works =
        EVP_DigestSignInit(sign, NULL, digest, NULL, key) == 1 &&
        EVP_DigestSign(sign, signature, &size, text, sizeof text) == 1 &&
        EVP_DigestVerifyInit(verify, NULL, digest, NULL, public_key) == 1 &&
        EVP_DigestVerify(verify, signature, size, text, sizeof text) == 1;

    EVP_MD_CTX_free(sign);
    EVP_MD_CTX_free(verify);
    ERR_clear_error();
    if (!works) {
        return err_new(ERR_INVALID,
                       "the private key is damaged: its signatures do not "
                       "verify");
    }
    return NULL;
}

/* ---- What the pair says ---- */

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

    for (int i = 0; i < sk_GENERAL_NAME_num(all) && names.n < MAX_NAMES;
         i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        const unsigned char *text;
        size_t length;
        char *copy;

        if (name->type != GEN_DNS) {
            continue;
        }
        text = ASN1_STRING_get0_data(name->d.dNSName);
        length = (size_t) ASN1_STRING_length(name->d.dNSName);
        if (!x509_is_dns_name(text, length)) {
            continue;
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
    int size;
    struct err *err = x509_read_time(X509_get0_notBefore(leaf),
                                     "notBefore", &out->not_before);

    if (!err) {
        err = x509_read_time(X509_get0_notAfter(leaf), "notAfter",
                             &out->not_after);
    }
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
    return write_pem(chain, key, &out->pem);
}

struct err *
x509_read(const char *certificates, size_t certificates_size,
          const char *key_text, size_t key_size, struct x509_pair *out)
{
    AUTO(x509_chain_fini) struct chain chain = { .n = 0 };
    AUTO(key_freep) EVP_PKEY *key = NULL;
    struct err *err;

    memset(out, 0, sizeof *out);
    ERR_clear_error();
    err = x509_read_chain(certificates, certificates_size, &chain);
    if (!err) {
        err = x509_read_key(key_text, key_size, &key);
    }
    if (!err) {
        err = find_leaf(&chain, key);
    }
    if (!err) {
        err = try_key(key, X509_get0_pubkey(chain.items[0]));
    }
    if (!err) {
        order_chain(&chain);
        err = x509_fill_pair(&chain, key, out);
    }
    if (err) {
        x509_pair_fini(out);
    }
    return err;
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
