/* certs N: N certificates for "appI.bench.test", one line "CRT KEY" each,
 * both PEM in base64. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/x509.h"

#define KEY_BEGIN "-----BEGIN PRIVATE KEY-----"

static void
print_base64(const char *data, size_t size)
{
    AUTO_FREE char *out = xmalloc(4 * (size / 3 + 1) + 1);

    EVP_EncodeBlock((unsigned char *) out, (const unsigned char *) data,
                    (int) size);
    fputs(out, stdout);
}

static struct err *
print_one(unsigned i)
{
    AUTO_FREE char *name = xasprintf("app%u.bench.test", i);
    const char *const names[] = { name };
    struct x509_pair pair = { 0 };
    struct err *err =
        x509_self_signed(name, names, 1, clock_wall(), 90, &pair);

    if (!err) {
        const char *key = strstr(pair.pem, KEY_BEGIN);

        print_base64(pair.pem, (size_t) (key - pair.pem));
        putchar(' ');
        print_base64(key, strlen(key));
        putchar('\n');
    }
    x509_pair_fini(&pair);
    return err;
}

int
main(int argc, char **argv)
{
    uint64_t n;

    if (argc != 2 || !parse_u64(argv[1], 0, 1000000, &n)) {
        fprintf(stderr, "usage: certs N\n");
        return 2;
    }
    for (unsigned i = 0; i < n; i++) {
        struct err *err = print_one(i);

        if (err) {
            fprintf(stderr, "certs: %s\n", err_text(err));
            err_free(err);
            return 1;
        }
    }
    return 0;
}
