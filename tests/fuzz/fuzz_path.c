/* A path as a stranger writes it, and the keys of it.
 *
 * Oracles: what is refused has a printable reason; what is accepted has one
 * spelling (its canonical form is its own canonical form), no byte that could
 * end a row of a map or a key, and no element that leads upwards; the keys of
 * a host begin with that host, and Exact is never Prefix. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/key.h"

#define INPUT_MAX 8192

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
check_bytes(const char *path)
{
    assert(path[0] == '/');
    assert(strlen(path) <= KEY_PATH_MAX);
    assert(!strstr(path, "//"));
    assert(!strstr(path, "/./") && !strstr(path, "/../"));
    assert(!str_ends(path, "/.") && !str_ends(path, "/.."));
    assert(!strpbrk(path, " \t\r\n\"\\<>^`{}?#\001\177"));
    for (; *path; path++) {
        assert(*path > ' ' && *path <= '~');
    }
}

static void
check_keys(const char *path)
{
    static const char host[] = "host.example.com";
    AUTO_FREE char *prefix = key_route(host, path, false);
    AUTO_FREE char *exact = key_route(host, path, true);
    const size_t n = strlen(exact);

    assert(str_starts(prefix, host) && str_starts(exact, host));
    assert(str_ends(prefix, "/") && !strchr(prefix, KEY_END));
    assert(exact[n - 1] == KEY_END && strchr(exact, KEY_END) == exact + n - 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *again = NULL;
    const char *why = NULL;

    if (size > INPUT_MAX) {
        return 0;
    }
    text = xstrndup((const char *) data, size);
    path = key_path(text, &why);
    assert(!key_is_plain(text) || (path && strcmp(path, text) == 0));
    if (!path) {
        check_reason(why);
        return 0;
    }
    check_bytes(path);
    again = key_path(path, &why);
    assert(again && strcmp(again, path) == 0);
    check_keys(path);
    return 0;
}
