#include "lib/base/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* EVP_sha256() would be looked up by its name at each use. */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void
fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256) {
        abort();
    }
}

void
digest_sha256_hex(const void *data, size_t size, char out[DIGEST_HEX_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    pthread_once(&sha256_once, fetch_sha256);
    if (EVP_Digest(data, size, sum, &n, sha256, NULL) != 1) {
        abort();
    }
    for (unsigned i = 0; i < n; i++) {
        out[2 * i] = hex[sum[i] >> 4];
        out[2 * i + 1] = hex[sum[i] & 15];
    }
    out[2 * n] = '\0';
}

static int
base64_value(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

    return at ? (int) (at - alphabet) : -1;
}

bool
digest_base64_decode(const char *s, size_t length, char **out, size_t *size)
{
    AUTO_FREE char *decoded = xmalloc(length / 4 * 3 + 4);
    unsigned quad = 0, n_quad = 0, n_pad = 0;
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        int value = base64_value(s[i]);

        if (s[i] == '\n' || s[i] == '\r') {
            continue;
        }
        if (s[i] == '=' && n_quad >= 2) {
            value = 0;
            n_pad++;
        } else if (value < 0 || n_pad > 0) {
            return false;
        }
        quad = quad << 6 | (unsigned) value;
        if (++n_quad == 4) {
            decoded[n++] = (char) (quad >> 16);
            decoded[n++] = (char) (quad >> 8);
            decoded[n++] = (char) quad;
            quad = n_quad = 0;
            if (n_pad > 0) {
                n -= n_pad;
                n_quad = 4; /* Only line feeds may follow. */
            }
        }
    }
    if (n_quad != 0 && !(n_quad == 4 && n_pad > 0)) {
        return false;
    }
    decoded[n] = '\0';
    *size = n;
    *out = STEAL_PTR(decoded);
    return true;
}

char *
digest_base64_encode(const void *data, size_t size)
{
    char *out;

    if (size > INT_MAX / 2) {
        abort();
    }
    out = xmalloc((size + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *) out, data, (int) size);
    return out;
}
