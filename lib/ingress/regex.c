#include "lib/ingress/regex.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/regex_priv.h"

pcre2_code *
regex_compile(const char *text, size_t length, uint32_t more, int *code,
              size_t *offset)
{
    return pcre2_compile((PCRE2_SPTR) text, length, PCRE2_CASELESS | more,
                         code, offset, NULL);
}

/* What may follow "(?": the rest would end, change or escape the expression
 * that the path is embedded in, or make groups of another number. */
static const char *const group_kinds[] = {
    ":", "i:", "-i:", "i)", "-i)", "=", "!", "<=", "<!", ">",
};

/* The length of the start of a group, behind its "(": 0 for a plain one,
 * -1 for one that is not allowed. */
static int
group_start(const char *at)
{
    if (*at == '*') {
        return -1;
    }
    if (*at != '?') {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(group_kinds); i++) {
        if (str_starts(at + 1, group_kinds[i])) {
            return 1 + (int) strlen(group_kinds[i]);
        }
    }
    return -1;
}

/* Why the escape whose letter is '*at' is not allowed, or NULL. */
static const char *
bad_escape(const char *at)
{
    unsigned char c = (unsigned char) *at;

    if (ispunct(c) || (c && strchr("dDwWsSbBzZ", c))) {
        return NULL;
    }
    if (c == 'x' && isxdigit((unsigned char) at[1]) &&
        isxdigit((unsigned char) at[2])) {
        return NULL;
    }
    if (isdigit(c) || c == 'g' || c == 'k') {
        return "back references are not allowed";
    }
    return "this escape is not allowed: write \\d \\w \\s \\b, their "
           "capitals, \\z, \\xHH, or the byte itself";
}

/* The length of "[:alpha:]" at 'at', 0 where there is no such name. */
static size_t
posix_class(const char *at)
{
    size_t length = 2;

    if (!str_starts(at, "[:")) {
        return 0;
    }
    length += at[length] == '^';
    while (at[length] >= 'a' && at[length] <= 'z') {
        length++;
    }
    return str_starts(at + length, ":]") ? length + 2 : 0;
}

size_t
regex_skip_class(const char *path, size_t i)
{
    i++;
    i += path[i] == '^';
    i += path[i] == ']';
    while (path[i] && path[i] != ']') {
        size_t name = posix_class(path + i);

        if (name > 0) {
            i += name;
        } else {
            i += path[i] == '\\' && path[i + 1] ? 2 : 1;
        }
    }
    return path[i] ? i + 1 : i;
}

static char *
complain_at(size_t position, const char *why)
{
    return xasprintf("is refused: at position %zu: %s", position, why);
}

/* Escapes inside a class; '*end' is behind it. */
static char *
check_class(const char *path, size_t i, size_t *end)
{
    *end = regex_skip_class(path, i);
    if (path[*end - 1] != ']') {
        return complain_at(i, "this class does not end");
    }
    for (; i < *end; i++) {
        if (path[i] == '\\') {
            const char *why = bad_escape(path + i + 1);

            if (why) {
                return complain_at(i, why);
            }
            i++;
        }
    }
    return NULL;
}

static char *
check_group(const char *path, size_t i, unsigned depth)
{
    if (group_start(path + i + 1) < 0) {
        return complain_at(i, "this kind of group is not allowed: write "
                           "(...), (?:...) or a look-around");
    }
    if (depth > REGEX_MAX_NESTING) {
        return complain_at(i, "groups are nested more than 16 deep");
    }
    return NULL;
}

/* Every construct of a path that PCRE2 takes must be one that we know. */
static char *
check_constructs(const char *path)
{
    unsigned depth = 0;
    char *bad = NULL;
    const char *why;
    size_t i = 0;

    while (path[i] && !bad) {
        size_t next = i + 1;

        switch (path[i]) {
        case '\\':
            why = bad_escape(path + i + 1);
            bad = why ? complain_at(i, why) : NULL;
            next = path[i + 1] ? i + 2 : i + 1;
            break;
        case '[':
            bad = check_class(path, i, &next);
            break;
        case '{':
            /* A literal up to PCRE2 10.42, a quantifier since. */
            bad = path[next] == ',' ? complain_at(i, "write {0,n}") : NULL;
            break;
        case '^':
            bad = complain_at(i, "\"^\" is not needed: a path is matched "
                              "from its start");
            break;
        case '(':
            depth++;
            bad = check_group(path, i, depth);
            next = bad ? next : next + (size_t) group_start(path + next);
            /* A group of flags ends where it starts: "(?i)". */
            depth -= !bad && path[next - 1] == ')';
            break;
        case ')':
            depth -= depth > 0;
            break;
        default:
            break;
        }
        i = next;
    }
    return bad;
}

static char *
check_bytes(const char *path)
{
    size_t length = strlen(path);

    if (path[0] != '/') {
        return xstrdup("must begin with \"/\"");
    }
    if (length > REGEX_MAX_LENGTH) {
        return xasprintf("is longer than %d bytes", REGEX_MAX_LENGTH);
    }
    for (size_t i = 0; i < length; i++) {
        if (path[i] <= ' ' || path[i] > '~') {
            return complain_at(i, "blanks, control bytes and bytes beyond "
                               "ASCII cannot be in it: paths are matched in "
                               "their escaped form, write %20, %C3%A9");
        }
    }
    return NULL;
}

static char *
check_compiled(const char *path)
{
    size_t offset = 0, size = 0;
    int code = 0;
    pcre2_code *compiled =
        regex_compile(path, strlen(path), 0, &code, &offset);
    char text[160];

    if (!compiled) {
        pcre2_get_error_message(code, (PCRE2_UCHAR *) text, sizeof text);
        return xasprintf("is not a regular expression: at position %zu: %s",
                         offset, text);
    }
    pcre2_pattern_info(compiled, PCRE2_INFO_SIZE, &size);
    pcre2_code_free(compiled);
    if (size > REGEX_MAX_COMPILED) {
        return xstrdup("is too large: repeat fewer things fewer times");
    }
    return NULL;
}

char *
regex_check(const char *path)
{
    char *bad = check_bytes(path);

    if (!bad) {
        bad = check_compiled(path);
    }
    if (!bad) {
        bad = check_constructs(path);
    }
    if (!bad) {
        AUTO_FREE char *subject = regex_probe(path);

        if (subject) {
            AUTO_FREE char *quoted = str_quote(subject);

            bad = xasprintf("takes too many steps on a request such as %s: "
                            "a repetition inside a repetition, or several "
                            "that match the same text, can be tried in too "
                            "many ways; write [^/]+ for one element of a "
                            "path", quoted);
        }
    }
    return bad;
}

int
regex_groups(const char *path)
{
    size_t offset = 0;
    int code = 0;
    uint32_t groups = 0;
    pcre2_code *compiled =
        regex_compile(path, strlen(path), 0, &code, &offset);

    if (!compiled) {
        return -1;
    }
    pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &groups);
    pcre2_code_free(compiled);
    return (int) groups;
}
