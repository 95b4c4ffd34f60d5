#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509.h"
#include "tests/replay/replay.h"

#define MAX_NAMES 8
/* Pairs outlive a run of a sweep, so that two runs end with the same. */
#define MADE_AT_S 1767225600
#define DAYS 3650

static struct map *pairs;       /* Host names -> PEM */

struct names {
    char *items[MAX_NAMES];
    size_t n;
};

static bool
add_name(const char *piece, size_t length, void *aux)
{
    struct names *names = aux;

    if (names->n < MAX_NAMES) {
        names->items[names->n++] = xstrndup(piece, length);
    }
    return true;
}

/* 'days' 0: for long, and made long ago. */
static const char *
pem_of(const char *hosts, int64_t days)
{
    AUTO_FREE char *key = xasprintf("%s %lld", hosts, (long long) days);
    struct x509_pair pair = { 0 };
    struct names names = { .n = 0 };
    struct err *err;

    pairs = pairs ? pairs : map_new();
    if (map_get(pairs, key)) {
        return map_get(pairs, key);
    }
    str_split(hosts, ',', add_name, &names);
    err = x509_self_signed("replay", (const char *const *) names.items,
                           names.n, days > 0 ? clock_wall() : MADE_AT_S,
                           days > 0 ? days : DAYS, &pair);
    if (err) {
        abort();
    }
    map_put(pairs, key, STEAL_PTR(pair.pem));
    x509_pair_fini(&pair);
    for (size_t i = 0; i < names.n; i++) {
        free(names.items[i]);
    }
    return map_get(pairs, key);
}

static json_t *
base64(const char *text, size_t size)
{
    AUTO_FREE char *out = xmalloc(size / 3 * 4 + 5);

    EVP_EncodeBlock((unsigned char *) out, (const unsigned char *) text,
                    (int) size);
    return json_string(out);
}

json_t *
replay_tls_secret(const char *key, const char *hosts, int64_t days)
{
    size_t length = strcspn(key, "/");
    AUTO_FREE char *ns = xstrndup(key, length);
    const char *name = key[length] ? key + length + 1 : "";
    const char *pem = str_eq(hosts, "bad") ? "no certificate"
                                           : pem_of(hosts, days);
    const char *private = strstr(pem, "-----BEGIN PRIVATE KEY");
    json_t *data = json_object();

    private = private ? private : strstr(pem, "-----BEGIN EC PRIVATE KEY");
    private = private ? private : pem + strlen(pem);
    json_object_set_new(data, "tls.crt",
                        base64(pem, (size_t) (private - pem)));
    json_object_set_new(data, "tls.key", base64(private, strlen(private)));
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:o}", "apiVersion", "v1",
                     "kind", "Secret", "metadata", "namespace", ns, "name",
                     name, "type", "kubernetes.io/tls", "data", data);
}

void
replay_forget_secrets(void)
{
    if (pairs) {
        map_free(pairs, free);
        pairs = NULL;
    }
}
