#include "lib/ingress/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "lib/base/mem.h"

/* HAProxy's flags of map_regm; PCRE2's own cap on nesting goes on top. */
static pcre2_code *
compile(const char *path, int *code, size_t *offset)
{
    return pcre2_compile((PCRE2_SPTR) path, PCRE2_ZERO_TERMINATED,
                         PCRE2_CASELESS, code, offset, NULL);
}

char *
regex_check(const char *path)
{
    size_t offset = 0;
    int code = 0;
    pcre2_code *compiled = compile(path, &code, &offset);

    if (!compiled) {
        char text[128];

        pcre2_get_error_message(code, (PCRE2_UCHAR *) text, sizeof text);
        return xasprintf("is not a regular expression: at position %zu: %s",
                         offset, text);
    }
    pcre2_code_free(compiled);
    return NULL;
}

unsigned
regex_groups(const char *path)
{
    size_t offset = 0;
    int code = 0;
    uint32_t groups = 0;
    pcre2_code *compiled = compile(path, &code, &offset);

    if (compiled) {
        pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &groups);
        pcre2_code_free(compiled);
    }
    return groups;
}
