/* Readers, one per kind of value.  All match the whole value against what is
 * allowed; nothing is refused by a list of what is bad. */
#include "lib/ingress/annot_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HOST_MAX 253
#define LABEL_MAX 63

const struct annot_set annot_set_cookie_name = {
    .bytes = LETTERS DIGITS "-._~",
    .text = "letters, digits and - . _ ~",
};

const struct annot_set annot_set_secret = {
    .bytes = LETTERS DIGITS "-./",
    .text = "letters, digits and - . /",
};

const struct annot_set annot_set_realm = {
    .bytes = LETTERS DIGITS "-._~:/ ",
    .text = "letters, digits, blanks and - . _ ~ : /",
};

const struct annot_set annot_set_token = {
    .bytes = LETTERS DIGITS "-_",
    .text = "letters, digits and - _",
};

const struct annot_set annot_set_value = {
    .bytes = LETTERS DIGITS "-._~/:",
    .text = "letters, digits and - . _ ~ / :",
};

const struct annot_set annot_set_pattern = {
    .bytes = LETTERS DIGITS "-._~/:^$[](){}*+?|&=\\",
    .text = "letters, digits and - . _ ~ / : ^ $ [ ] ( ) { } * + ? | & = \\",
};

const struct annot_set annot_set_url = {
    .bytes = LETTERS DIGITS "-._~:/?#[]@!&()*+,;=%",
    .text = "a URL or a part of one, or \"off\"",
};

const struct annot_set annot_set_path = {
    .bytes = LETTERS DIGITS "/-._~!&()*+,=:@%",
    .text = "paths",
};

const struct annot_set annot_set_domain = {
    .bytes = LETTERS DIGITS ".-_",
    .text = "domains",
};

const struct annot_set annot_set_ask = {
    .bytes = LETTERS DIGITS "-._~:/?#[]@!&()*+,;=%${}",
    .text = "the bytes of a URL, others as %XX, and variables such as "
            "$request_uri",
};

const struct annot_set annot_set_duration = {
    .bytes = DIGITS "msh, ",
    .text = "statuses and times, such as \"200 202 10m, 401 1m\"",
};

const struct annot_set annot_set_locations = {
    .bytes = LETTERS DIGITS "/-._~, ",
    .text = "paths with commas",
};

const struct annot_set annot_set_hash = {
    .bytes = LETTERS DIGITS "-_${}",
    .text = "letters, digits, - _ and variables such as $request_uri",
};

const struct annot_set annot_set_service = {
    .bytes = "abcdefghijklmnopqrstuvwxyz" DIGITS "-",
    .text = "the name of a Service",
};

const struct annot_set annot_set_object = {
    .bytes = "abcdefghijklmnopqrstuvwxyz" DIGITS "-./",
    .text = "a name, or a namespace, \"/\" and a name",
};

const struct annot_set annot_set_target = {
    .bytes = LETTERS DIGITS "-._~:/?&=$+%",
    .text = "a URL of a Service",
};

/* What an URL may have behind its host: RFC 3986 without quotes. */
#define URL_BYTES LETTERS DIGITS "-._~:/?#[]@!&()*+,;=%"
#define PATH_BYTES LETTERS DIGITS "-._~:/"

void
annot_complain(struct buf *out, const char *value, const char *fmt, ...)
{
    AUTO_FREE char *quoted = str_quote(value);
    char *text = NULL;
    va_list args;

    buf_printf(out, "%s ", quoted);
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) >= 0) {
        buf_puts(out, text);
        free(text);
    }
    va_end(args);
}

/* 'text' is none of Go's booleans. */
static void
say_flag(const char *text, struct annot_say *say)
{
    static const char *const yes[] = { "yes", "on", "enable", "enabled" };
    AUTO_FREE char *lower = str_lower(text);
    const char *instead = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        if (strcmp(lower, yes[i]) == 0) {
            instead = "true";
        }
    }
    if (strcmp(lower, "true") == 0) {
        instead = "true";
    } else if (strcmp(lower, "false") == 0 || strcmp(lower, "no") == 0 ||
               strcmp(lower, "off") == 0) {
        instead = "false";
    }
    if (instead) {
        annot_complain(&say->error, text,
                       "is not a boolean: write \"%s\"", instead);
    } else {
        annot_complain(&say->error, text,
                       "is not a boolean: write \"true\" or \"false\"");
    }
}

static void
parse_flag(const char *text, struct annot_value *value, struct annot_say *say)
{
    if (!parse_bool(text, &value->flag)) {
        say_flag(text, say);
    }
}

/* "90s", "2m", "1h", "500ms": the number of seconds meant, or false. */
static bool
read_duration(const char *text, uint64_t *seconds)
{
    static const struct {
        const char *unit;
        uint64_t factor;
    } units[] = {
        { "ms", 0 }, { "s", 1 }, { "sec", 1 }, { "m", 60 }, { "min", 60 },
        { "h", 3600 }, { "d", 86400 },
    };
    size_t length = strspn(text, DIGITS);
    AUTO_FREE char *number = xstrndup(text, length);
    uint64_t n;

    if (!parse_u64(number, 0, 1000000000, &n)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcmp(text + length, units[i].unit) == 0) {
            *seconds = units[i].factor ? n * units[i].factor
                                       : (n + 999) / 1000;
            return true;
        }
    }
    return false;
}

static void
parse_number(const struct annot_def *def, const char *text,
             struct annot_value *value, struct annot_say *say)
{
    bool is_seconds = def->kind == ANNOT_SECONDS;
    const char *unit = is_seconds ? " of seconds" : "";
    size_t sign = text[0] == '-';
    uint64_t meant = 0;
    bool has_digits = strspn(text + sign, DIGITS) == strlen(text + sign) &&
        text[sign];

    if (parse_u64(text, def->range.min, def->range.max, &value->number)) {
        return;
    }
    if (has_digits) {
        annot_complain(&say->error, text,
                       "is not between %llu and %llu%s",
                       (unsigned long long) def->range.min,
                       (unsigned long long) def->range.max,
                       is_seconds ? " seconds" : "");
    } else if (is_seconds && read_duration(text, &meant) &&
               meant >= def->range.min && meant <= def->range.max) {
        annot_complain(&say->error, text,
                       "is not a whole number%s: write \"%llu\"", unit,
                       (unsigned long long) meant);
    } else {
        annot_complain(&say->error, text,
                       "is not a whole number%s: write digits only, "
                       "%llu to %llu", unit,
                       (unsigned long long) def->range.min,
                       (unsigned long long) def->range.max);
    }
}

static void
parse_bytes(const char *text, struct annot_value *value,
            struct annot_say *say)
{
    size_t length = strspn(text, DIGITS);

    if (parse_size(text, &value->number)) {
        value->text = xstrdup(text);
        return;
    }
    if (length > 0 && length < 10 && strchr("kKmMgG", text[length]) &&
        text[length] && text[length + 1]) {
        char unit[] = { text[length], '\0' };

        str_lower_in_place(unit);
        annot_complain(&say->error, text,
                       "is not a size: write \"%.*s%s\"", (int) length,
                       text, unit);
        return;
    }
    annot_complain(&say->error, text,
                   "is not a size: write digits and one of k, m, g, such as "
                   "\"8m\"");
}

static size_t
find_choice(const char *const *choices, const char *text, bool any_case)
{
    for (size_t i = 0; choices && choices[i]; i++) {
        if (strcmp(choices[i], text) == 0 ||
            (any_case && strcasecmp(choices[i], text) == 0)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void
list_choices(const char *const *choices, struct buf *out)
{
    for (size_t i = 0; choices && choices[i]; i++) {
        buf_printf(out, "%s\"%s\"",
                   i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
    }
}

/* Why 'text' is refused, NULL: it is no choice that is known. */
static const char *
why_never(const struct annot_def *def, const char *text)
{
    for (size_t i = 0; def->never && def->never[i]; i += 2) {
        if (strcmp(def->never[i], text) == 0 ||
            (def->any_case && strcasecmp(def->never[i], text) == 0)) {
            return def->never[i + 1];
        }
    }
    return NULL;
}

static void
parse_choice(const struct annot_def *def, const char *text,
             struct annot_value *value, struct annot_say *say)
{
    AUTO_BUF struct buf choices = BUF_OWN;
    size_t i = find_choice(def->choices, text, def->any_case);

    list_choices(def->choices, &choices);
    if (i != SIZE_MAX) {
        value->number = i;
        value->text = xstrdup(def->choices[i]);
    } else if (why_never(def, text)) {
        annot_complain(&say->error, text, "is refused: %s",
                       why_never(def, text));
    } else {
        annot_complain(&say->error, text, "is not known here: write %s",
                       buf_str(&choices));
    }
}

static void
parse_text(const struct annot_def *def, const char *text,
           struct annot_value *value, struct annot_say *say)
{
    if (text[strspn(text, def->set->bytes)]) {
        annot_complain(&say->error, text,
                       "may only have %s", def->set->text);
        return;
    }
    value->text = xstrdup(text);
}

bool
annot_is_host(const char *host, size_t length)
{
    size_t label = 0;

    if (length == 0 || length > HOST_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (host[i] == '.') {
            if (label == 0 || host[i - 1] == '-') {
                return false;
            }
            label = 0;
        } else if (!strchr(LETTERS DIGITS "-_", host[i]) ||
                   (host[i] == '-' && label == 0) || ++label > LABEL_MAX) {
            return false;
        }
    }
    return label > 0 && host[length - 1] != '-';
}

static bool
has_broken_escape(const char *text)
{
    for (const char *p = strchr(text, '%'); p; p = strchr(p + 1, '%')) {
        if (strspn(p + 1, DIGITS "abcdefABCDEF") < 2) {
            return true;
        }
    }
    return false;
}

bool
annot_is_authority(const char *text, size_t length)
{
    AUTO_FREE char *copy = xstrndup(text, length);
    char *end = strrchr(copy, ':');
    uint8_t bytes[16];
    uint16_t port;
    size_t size;

    if (end && !strchr(end, ']')) {
        if (!parse_port(end + 1, &port)) {
            return false;
        }
        *end = '\0';
    }
    length = strlen(copy);
    if (copy[0] == '[' && copy[length - 1] == ']') {
        copy[length - 1] = '\0';
        return parse_ip(copy + 1, bytes, &size) && size == 16;
    }
    return annot_is_host(copy, length);
}

static void
parse_url(const char *text, struct annot_value *value, struct annot_say *say)
{
    const char *host = NULL;

    if (strncasecmp(text, "http://", 7) == 0) {
        host = text + 7;
    } else if (strncasecmp(text, "https://", 8) == 0) {
        host = text + 8;
    }
    if (strchr(text, '$')) {
        annot_complain(&say->error, text,
                       "has a variable: variables are not replaced here, "
                       "write the whole URL");
    } else if (!host) {
        annot_complain(&say->error, text,
                       "is not an absolute URL: write one that begins with "
                       "\"https://\" or \"http://\"");
    } else if (text[strspn(text, URL_BYTES)] || has_broken_escape(text)) {
        annot_complain(&say->error, text,
                       "has a byte that an URL cannot have as it is: write "
                       "it as %%XX");
    } else if (!annot_is_authority(host, strcspn(host, "/?#"))) {
        annot_complain(&say->error, text,
                       "has no valid host: write \"https://\", a DNS name "
                       "and a path");
    } else {
        value->text = xstrdup(text);
    }
}

static void
parse_rewrite(const char *text, struct annot_value *value,
              struct annot_say *say)
{
    for (const char *p = strchr(text, '$'); p; p = strchr(p + 1, '$')) {
        if (p[1] < '1' || p[1] > '9') {
            annot_complain(&say->error, text,
                           "may use \"$\" only in $1 to $9, the groups of "
                           "the path");
            return;
        }
    }
    if (strchr(text, '?')) {
        annot_complain(&say->error, text,
                       "has a query: the client's query is kept, leave out "
                       "\"?\" and what follows");
    } else if (text[0] == '$') {
        annot_complain(&say->error, text,
                       "does not begin with \"/\": take the slash out of the "
                       "group of the path and write \"/%s\"", text);
    } else if (text[0] != '/') {
        annot_complain(&say->error, text,
                       "is not a path: begin with \"/\"");
    } else if (text[strspn(text, PATH_BYTES "$")]) {
        annot_complain(&say->error, text,
                       "may only have letters, digits, - . _ ~ : / and $1 "
                       "to $9");
    } else {
        value->text = xstrdup(text);
    }
}

static void
parse_path(const char *text, struct annot_value *value,
           struct annot_say *say)
{
    if (text[0] != '/') {
        annot_complain(&say->error, text, "is not a path: begin with \"/\"");
    } else if (text[strspn(text, PATH_BYTES "%&=?+@!")] ||
               has_broken_escape(text)) {
        annot_complain(&say->error, text,
                       "may only have letters, digits, - . _ ~ : / ? & = + "
                       "@ ! and %%XX");
    } else {
        value->text = xstrdup(text);
    }
}

static void
parse_domain(const char *text, struct annot_value *value,
             struct annot_say *say)
{
    const char *name = text + (text[0] == '.');

    if (!annot_is_host(name, strlen(name))) {
        annot_complain(&say->error, text,
                       "is not a domain: write one such as "
                       "\"example.com\"");
        return;
    }
    value->text = str_lower(text);
}

typedef void parse_fn(const char *text, struct annot_value *,
                      struct annot_say *);

/* Kinds of which a row says nothing more. */
static parse_fn *const readers[] = {
    [ANNOT_BOOL] = parse_flag,
    [ANNOT_SIZE] = parse_bytes,
    [ANNOT_URL] = parse_url,
    [ANNOT_CIDRS] = annot_parse_cidrs,
    [ANNOT_REWRITE] = parse_rewrite,
    [ANNOT_PATH] = parse_path,
    [ANNOT_DOMAIN] = parse_domain,
    [ANNOT_METHODS] = annot_parse_methods,
    [ANNOT_HEADERS] = annot_parse_headers,
    [ANNOT_CODES] = annot_parse_codes,
    [ANNOT_MATCHES] = annot_parse_matches,
    [ANNOT_PATHS] = annot_parse_paths,
    [ANNOT_ORIGINS] = annot_parse_origins,
    [ANNOT_HOST] = annot_parse_host,
    [ANNOT_HOSTS] = annot_parse_hosts,
    [ANNOT_ALIASES] = annot_parse_aliases,
    [ANNOT_NAMESPACES] = annot_parse_namespaces,
    [ANNOT_INGRESS] = annot_parse_ingress,
    [ANNOT_OBJECT] = annot_parse_object,
    [ANNOT_RAW] = NULL,
};

void
annot_parse(const struct annot_def *def, const char *text,
            struct annot_value *value, struct annot_say *say)
{
    if (def->kind == ANNOT_INT || def->kind == ANNOT_SECONDS) {
        parse_number(def, text, value, say);
    } else if (def->kind == ANNOT_CHOICE) {
        parse_choice(def, text, value, say);
    } else if (def->kind == ANNOT_TEXT) {
        parse_text(def, text, value, say);
    } else if (def->kind == ANNOT_WORDS) {
        annot_parse_words(def, text, value, say);
    } else if (def->kind == ANNOT_PAIR) {
        annot_parse_pair(def, text, value, say);
    } else if (readers[def->kind]) {
        readers[def->kind](text, value, say);
    } else {
        value->text = xstrdup(text);
    }
}
