/* A path that is to become a regular expression of HAProxy.
 *
 * Oracles: the verdict is the same twice, and comes in time (the fuzzer's and
 * the replay's own limit); a refusal is one printable line; what is accepted
 * compiles as HAProxy compiles it, alone and embedded as the program embeds
 * it, and fits a row of a map. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/regex.h"

#define INPUT_MAX (REGEX_MAX_LENGTH + 64)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_printable(const char *s)
{
    for (; *s; s++) {
        if (*s < ' ' || *s > '~') {
            return false;
        }
    }
    return true;
}

static bool
compiles(const char *pattern)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR) pattern, PCRE2_ZERO_TERMINATED,
                      PCRE2_CASELESS, &code, &at, NULL);

    pcre2_code_free(compiled);
    return compiled != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *why = NULL;
    AUTO_FREE char *again = NULL;
    AUTO_FREE char *embedded = NULL;

    if (size > INPUT_MAX) {
        return 0;
    }
    text = xstrndup((const char *) data, size);
    why = regex_check(text);
    again = regex_check(text);
    assert(!why == !again && (!why || strcmp(why, again) == 0));
    if (why) {
        assert(why[0] && is_printable(why));
        return 0;
    }
    assert(strlen(text) <= REGEX_MAX_LENGTH && is_printable(text));
    assert(regex_groups(text) >= 0);
    assert(compiles(text));
    embedded = xasprintf("^host\\.example\\.com(?:%s)", text);
    assert(compiles(embedded));
    return 0;
}
