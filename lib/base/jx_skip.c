#include "lib/base/jx_skip.h"

#include <string.h>

/* Bytes at which something begins or ends; 0 is the end of all. */
static const bool is_mark[256] = {
    ['\0'] = true, ['"'] = true, ['{'] = true,
    ['}'] = true,  ['['] = true, [']'] = true,
};
/* Bytes that end a word, beside those. */
static const bool is_end[256] = {
    ['\t'] = true, ['\n'] = true, ['\r'] = true,
    [' '] = true,  [','] = true,  [':'] = true,
};

/* Behind the last quote of a string, NULL where there is none: 'begin' is
 * behind its first, and the last has an even number of backslashes before
 * it. */
static const char *
end_of_string(const char *begin, const char *end)
{
    const char *at = begin;

    while ((at = memchr(at, '"', (size_t) (end - at)))) {
        const char *before = at++;

        while (before > begin && before[-1] == '\\') {
            before--;
        }
        if ((at - 1 - before) % 2 == 0) {
            return at;
        }
    }
    return NULL;
}

static bool
skip_string(struct jx_plain *p)
{
    const char *at = end_of_string(p->at, p->end);

    p->at = at ? at : p->end;
    return at != NULL;
}

/* A number, true, false or null. */
static bool
skip_word(struct jx_plain *p)
{
    const char *const begin = p->at;
    const char *at = begin;

    while (at < p->end && !is_mark[(unsigned char) *at] &&
           !is_end[(unsigned char) *at]) {
        at++;
    }
    p->at = at;
    return at > begin;
}

/* From behind a bracket to behind the one that closes it. */
static bool
skip_nested(struct jx_plain *p)
{
    const char *const end = p->end;
    const char *at = p->at;
    size_t depth = 1;

    while (depth > 0) {
        while (at < end && !is_mark[(unsigned char) *at]) {
            at++;
        }
        if (at == end || *at == '\0') {
            return false;
        }
        switch (*at++) {
        case '"':
            at = end_of_string(at, end);
            if (!at) {
                return false;
            }
            break;
        case '{':
        case '[':
            depth++;
            break;
        default:
            depth--;
            break;
        }
    }
    p->at = at;
    return true;
}

bool
jx_skip_value(struct jx_plain *p)
{
    const char c = p->at < p->end ? *p->at : '\0';

    if (c == '"' || c == '{' || c == '[') {
        p->at++;
        return c == '"' ? skip_string(p) : skip_nested(p);
    }
    return skip_word(p);
}
