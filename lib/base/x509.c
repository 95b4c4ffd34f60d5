#include "lib/base/x509.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509_priv.h"

/* What OpenSSL's security level 2, Debian's default, asks for: HAProxy
 * refuses to load less. */
#define MIN_SECURITY_BITS 112
#define MAX_RSA_BITS 8192

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

struct err *
x509_internal(const char *what)
{
    char text[160] = "";

    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    return err_new(ERR_INTERNAL, "%s: %s", what, text);
}

/* ---- Reading ---- */

/* The next block; '*found' is false at the end of the text. */
static struct err *
next_block(const struct x509_text *t, BIO *bio, struct block *block,
           bool *found)
{
    *found = PEM_read_bio(bio, &block->name, &block->header, &block->data,
                          &block->size) == 1;
    return *found ? NULL : x509_bad_block(t);
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

/* Blocks that are no certificate but something people mix up with it. */
struct others {
    bool has_key;
    bool has_request;
    bool has_pkcs7;
    bool has_public_key;
    bool has_certificate;
};

static void
note_block(const struct block *block, struct others *others)
{
    others->has_key |= strstr(block->name, "PRIVATE KEY") != NULL;
    others->has_request |= strstr(block->name, "CERTIFICATE REQUEST") != NULL;
    others->has_pkcs7 |= strstr(block->name, "PKCS") && strstr(block->name,
                                                               "7");
    others->has_public_key |= strstr(block->name, "PUBLIC KEY") != NULL;
    others->has_certificate |= is_certificate_block(block->name);
}

static struct err *
check_others(const struct x509_text *t, const struct chain *chain,
             const struct others *others)
{
    if (others->has_key && chain->n > 0) {
        return err_new(ERR_INVALID,
                       "%s holds a private key as well: it belongs into the "
                       "other file only",
                       t->name);
    }
    if (others->has_key) {
        return err_new(ERR_INVALID,
                       "%s holds a private key instead of a certificate: the "
                       "two are swapped",
                       t->name);
    }
    if (chain->n > 0) {
        return NULL;
    }
    if (others->has_request) {
        return err_new(ERR_INVALID,
                       "%s holds a certificate request, which a CA has yet "
                       "to sign",
                       t->name);
    }
    if (others->has_pkcs7) {
        return err_new(ERR_INVALID,
                       "%s holds PKCS#7: convert it with openssl pkcs7 "
                       "-print_certs",
                       t->name);
    }
    return err_new(ERR_INVALID, "%s has no PEM certificate", t->name);
}

struct err *
x509_read_chain(const struct x509_text *t, struct chain *chain)
{
    AUTO(bio_freep) BIO *bio = NULL;
    struct err *err = x509_check_text(t);
    struct others others = { .has_key = false };
    bool found = true;

    if (err) {
        return err;
    }
    bio = BIO_new_mem_buf(t->data, (int) t->size);
    while (!err && found) {
        AUTO(block_fini) struct block block = { .name = NULL };

        err = next_block(t, bio, &block, &found);
        if (!err && found && is_certificate_block(block.name)) {
            err = add_certificate(&block, chain);
        } else if (!err && found) {
            note_block(&block, &others);
        }
    }
    return err ? err : check_others(t, chain, &others);
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

    if (str_starts(block->name, "OPENSSH")) {
        return err_new(ERR_INVALID,
                       "the private key is in OpenSSH's format: convert it "
                       "with ssh-keygen -p -m PKCS8");
    }
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

static struct err *
no_key(const struct x509_text *t, const struct others *others)
{
    const char *instead = others->has_certificate  ? "a certificate"
                          : others->has_public_key ? "a public key"
                                                   : NULL;

    if (instead) {
        return err_new(ERR_INVALID, "%s holds %s and no private key", t->name,
                       instead);
    }
    return err_new(ERR_INVALID, "%s has no PEM private key", t->name);
}

struct err *
x509_read_key(const struct x509_text *t, EVP_PKEY **out)
{
    AUTO(bio_freep) BIO *bio = NULL;
    struct err *err = x509_check_text(t);
    struct others others = { .has_key = false };
    bool found = true;

    if (err) {
        return err;
    }
    bio = BIO_new_mem_buf(t->data, (int) t->size);
    while (!err && found) {
        AUTO(block_fini) struct block block = { .name = NULL };

        err = next_block(t, bio, &block, &found);
        /* Other blocks, such as EC PARAMETERS and DH PARAMETERS, may stand
         * beside it. */
        if (!err && found && strstr(block.name, "PRIVATE KEY")) {
            err = read_key_block(&block, out);
        } else if (!err && found) {
            note_block(&block, &others);
        }
    }
    return err || *out ? err : no_key(t, &others);
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

static size_t
place_of(const struct chain *chain, const X509 *cert)
{
    size_t i = 0;

    while (i < chain->n && chain->items[i] != cert) {
        i++;
    }
    return i;
}

/* What became of 'before' when its first 'n' links were found. */
static unsigned
compare_chains(const struct chain *before, const struct chain *now, size_t n)
{
    unsigned notes = 0;

    for (size_t i = 1; i < n; i++) {
        if (place_of(before, now->items[i]) <
            place_of(before, now->items[i - 1])) {
            notes |= X509_REORDERED;
        }
    }
    for (size_t i = n; i < now->n; i++) {
        size_t k = 0;

        while (k < i && X509_cmp(now->items[k], now->items[i]) != 0) {
            k++;
        }
        notes |= k < i ? X509_COPIES : X509_STRANGERS;
    }
    return notes;
}

/* The links behind the leaf, each one's issuer after it; how many there
 * are. */
static size_t
find_links(struct chain *chain)
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
    return n;
}

/* What is no link of the chain (another leaf, a copy) is left out, as a
 * client would not use it.  'before' borrows. */
static unsigned
order_chain(struct chain *chain, const struct chain *before)
{
    const size_t n = find_links(chain);
    const unsigned notes = compare_chains(before, chain, n);

    ERR_clear_error();
    while (chain->n > n) {
        X509_free(chain->items[--chain->n]);
    }
    return notes;
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

struct err *
x509_read_pair(const struct x509_text *certificates,
               const struct x509_text *key_text, struct x509_pair *out)
{
    AUTO(x509_chain_fini) struct chain chain = { .n = 0 };
    AUTO(key_freep) EVP_PKEY *key = NULL;
    struct chain before;
    struct err *err;

    memset(out, 0, sizeof *out);
    ERR_clear_error();
    err = x509_read_chain(certificates, &chain);
    before = chain;
    if (!err) {
        err = x509_read_key(key_text, &key);
    }
    if (!err) {
        err = find_leaf(&chain, key);
    }
    if (!err) {
        err = try_key(key, X509_get0_pubkey(chain.items[0]));
    }
    if (!err) {
        out->notes = order_chain(&chain, &before) |
                     (EVP_PKEY_is_a(key, "RSA") ? X509_RSA : 0);
        err = x509_fill_pair(&chain, key, out);
    }
    if (err) {
        x509_pair_fini(out);
    }
    return err;
}

struct err *
x509_read(const char *certificates, size_t certificates_size,
          const char *key, size_t key_size, struct x509_pair *out)
{
    const struct x509_text file = { certificates, certificates_size,
                                    X509_FILE };
    const struct x509_text key_file = { key, key_size, X509_KEY_FILE };

    return x509_read_pair(&file, &key_file, out);
}
