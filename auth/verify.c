#include "auth/verify.h"

#include <crypt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/digest_raw.h"
#include "lib/base/mem.h"
#include "lib/base/passwd.h"
#include "lib/base/str.h"

#define APR1 "$apr1$"
#define MD5_SIZE 16
#define SHA1_SIZE 20

static bool
equal(const char *a, const char *b)
{
    size_t size = strlen(a);

    return size == strlen(b) && digest_equal(a, b, size);
}

/* --- apr1: MD5-crypt under another name --- */

static void
put_repeated(struct digest *d, const unsigned char sum[MD5_SIZE], size_t size)
{
    for (; size > MD5_SIZE; size -= MD5_SIZE) {
        digest_put(d, sum, MD5_SIZE);
    }
    digest_put(d, sum, size);
}

static void
apr1_sum(const char *password, const char *salt, size_t salt_size,
         unsigned char sum[DIGEST_RAW_MAX])
{
    AUTO_DIGEST struct digest *d = digest_new(DIGEST_MD5);
    size_t size = strlen(password);

    digest_put(d, password, size);
    digest_put(d, salt, salt_size);
    digest_put(d, password, size);
    digest_end(d, sum);
    digest_put(d, password, size);
    digest_puts(d, APR1);
    digest_put(d, salt, salt_size);
    put_repeated(d, sum, size);
    for (size_t bits = size; bits > 0; bits >>= 1) {
        digest_put(d, bits & 1 ? "" : password, 1);
    }
    digest_end(d, sum);
    for (unsigned i = 0; i < 1000; i++) {
        digest_put(d, i & 1 ? password : (const char *) sum,
                   i & 1 ? size : MD5_SIZE);
        if (i % 3) {
            digest_put(d, salt, salt_size);
        }
        if (i % 7) {
            digest_put(d, password, size);
        }
        digest_put(d, i & 1 ? (const char *) sum : password,
                   i & 1 ? MD5_SIZE : size);
        digest_end(d, sum);
    }
}

static char *
put_64(char *out, uint32_t value, unsigned n)
{
    static const char alphabet[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz";

    for (; n > 0; n--) {
        *out++ = alphabet[value & 63];
        value >>= 6;
    }
    return out;
}

void
verify_apr1(const char *setting, const char *password,
            char out[VERIFY_APR1_SIZE])
{
    const char *salt = setting + strlen(APR1);
    size_t salt_size = strcspn(salt, "$");
    unsigned char sum[DIGEST_RAW_MAX];
    char *p = out;

    if (salt_size > 8) {
        salt_size = 8;
    }
    apr1_sum(password, salt, salt_size, sum);
    memcpy(p, APR1, strlen(APR1));
    p += strlen(APR1);
    memcpy(p, salt, salt_size);
    p += salt_size;
    *p++ = '$';
    for (unsigned i = 0; i < 5; i++) {
        unsigned third = i == 4 ? 5 : i + 12;

        p = put_64(p, (uint32_t) sum[i] << 16 | (uint32_t) sum[i + 6] << 8 |
                          sum[third], 4);
    }
    p = put_64(p, sum[11], 2);
    *p = '\0';
    explicit_bzero(sum, sizeof sum);
}

static bool
fits_apr1(const char *hash, const char *password)
{
    char made[VERIFY_APR1_SIZE];

    verify_apr1(hash, password, made);
    return equal(made, hash);
}

/* {SHA} and {SSHA}: the digest, then the salt, in base64. */
static bool
fits_sha1(const char *base64, const char *password)
{
    AUTO_DIGEST struct digest *d = digest_new(DIGEST_SHA1);
    AUTO_FREE char *raw = NULL;
    unsigned char sum[DIGEST_RAW_MAX];
    size_t size;

    if (!digest_base64_decode(base64, strlen(base64), &raw, &size) ||
        size < SHA1_SIZE) {
        return false;
    }
    digest_puts(d, password);
    digest_put(d, raw + SHA1_SIZE, size - SHA1_SIZE);
    digest_end(d, sum);
    return digest_equal(sum, raw, SHA1_SIZE);
}

static bool
fits_crypt(const char *hash, const char *password)
{
    struct crypt_data *data = xcalloc(1, sizeof *data);
    const char *made = crypt_r(password, hash, data);
    /* A failure is "*0" or "*1", which no hash is. */
    bool fits = made && made[0] != '*' && equal(made, hash);

    explicit_bzero(data, sizeof *data);
    free(data);
    return fits;
}

bool
verify_password(const char *hash, const char *password)
{
    enum passwd_hash kind;
    bool is_weak;

    if (passwd_check(hash, strlen(hash), &kind, &is_weak) ||
        strlen(password) >= PASSWD_SECRET_MAX) {
        return false;
    }
    switch (kind) {
    case PASSWD_CRYPT:
        return fits_crypt(hash, password);
    case PASSWD_APR1:
        return fits_apr1(hash, password);
    case PASSWD_SHA:
        return fits_sha1(hash + strlen("{SHA}"), password);
    case PASSWD_SSHA:
        return fits_sha1(hash + strlen("{SSHA}"), password);
    }
    return false;
}
