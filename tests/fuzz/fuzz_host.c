/* A host as a stranger writes it; a second one behind the first NUL.
 *
 * Oracles: what is refused has a printable reason; what is accepted is made
 * of the bytes, labels and lengths that host.h promises, has itself as its
 * canonical form, and is covered by the wildcard of it and by no other. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/host.h"

#define INPUT_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_reason(const char *why)
{
    assert(why && why[0]);
    for (; *why; why++) {
        assert(*why >= ' ' && *why <= '~');
    }
}

static void
check_labels(const char *host)
{
    assert(strlen(host) <= HOST_MAX);
    if (host_is_wildcard(host)) {
        assert(host[0] == '*' && host[1] == '.');
        host += 2;
    }
    while (*host) {
        const size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_");

        assert(n >= 1 && n <= HOST_LABEL_MAX);
        assert(host[0] != '-' && host[n - 1] != '-');
        assert(host[n] == '\0' || (host[n] == '.' && host[n + 1]));
        host += host[n] ? n + 1 : n;
    }
}

/* The canonical form, or NULL. */
static char *
check_host(const char *text)
{
    const char *why = NULL;
    const char *why_again = NULL;
    char *host = host_canonical(text, &why);
    AUTO_FREE char *again = NULL;
    AUTO_FREE char *wildcard = NULL;

    assert(host_is_canonical(text) == (host && strcmp(host, text) == 0));
    if (!host) {
        check_reason(why);
        return NULL;
    }
    if (why) {
        check_reason(why);
    }
    check_labels(host);
    again = host_canonical(host, &why_again);
    assert(again && !why_again && strcmp(again, host) == 0);
    wildcard = host_wildcard_of(host);
    assert(!wildcard || host_is_wildcard(wildcard));
    assert(!wildcard || host_covers(wildcard, host));
    return host;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *a = NULL;
    AUTO_FREE char *b = NULL;
    size_t length;

    if (size > INPUT_MAX) {
        return 0;
    }
    text = xcalloc(1, size + 2);
    memcpy(text, data, size);
    length = strlen(text);
    a = check_host(text);
    b = check_host(text + length + 1);
    if (a && b && host_is_wildcard(a) && !host_is_wildcard(b)) {
        AUTO_FREE char *only = host_wildcard_of(b);

        assert(host_covers(a, b) == (only && strcmp(only, a) == 0));
    }
    return 0;
}
