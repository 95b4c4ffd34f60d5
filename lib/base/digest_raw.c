#include "lib/base/digest_raw.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/mem.h"

struct digest {
    EVP_MD_CTX *context;
    const EVP_MD *md;
};

static void
begin(struct digest *d)
{
    if (EVP_DigestInit_ex(d->context, d->md, NULL) != 1) {
        abort();
    }
}

struct digest *
digest_new(enum digest_kind kind)
{
    struct digest *d = xcalloc(1, sizeof *d);

    d->context = EVP_MD_CTX_new();
    d->md = kind == DIGEST_MD5 ? EVP_md5()
                               : kind == DIGEST_SHA1 ? EVP_sha1()
                                                     : EVP_sha256();
    if (!d->context) {
        abort();
    }
    begin(d);
    return d;
}

void
digest_free(struct digest *d)
{
    if (d) {
        EVP_MD_CTX_free(d->context);
        free(d);
    }
}

void
digest_freep(struct digest **dp)
{
    digest_free(*dp);
    *dp = NULL;
}

void
digest_put(struct digest *d, const void *data, size_t size)
{
    if (EVP_DigestUpdate(d->context, data, size) != 1) {
        abort();
    }
}

void
digest_puts(struct digest *d, const char *s)
{
    digest_put(d, s, strlen(s));
}

size_t
digest_end(struct digest *d, unsigned char out[DIGEST_RAW_MAX])
{
    unsigned n = 0;

    if (EVP_DigestFinal_ex(d->context, out, &n) != 1) {
        abort();
    }
    begin(d);
    return n;
}

void
digest_end_hex(struct digest *d, char out[2 * DIGEST_RAW_MAX + 1])
{
    unsigned char raw[DIGEST_RAW_MAX];
    size_t n = digest_end(d, raw);

    digest_put_hex(raw, n, out);
}

void
digest_hmac(const void *key, size_t key_size, const void *data, size_t size,
            unsigned char out[DIGEST_HMAC_SIZE])
{
    unsigned n = 0;

    if (!HMAC(EVP_sha256(), key, (int) key_size, data, size, out, &n) ||
        n != DIGEST_HMAC_SIZE) {
        abort();
    }
}

void
digest_put_hex(const unsigned char *bytes, size_t size, char *out)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

bool
digest_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

void
digest_random(void *out, size_t size)
{
    if (getrandom(out, size, 0) != (ssize_t) size) {
        abort();
    }
}
