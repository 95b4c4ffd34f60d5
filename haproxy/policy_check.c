/* policy_check: which values a row can carry, and which settings need
 * another. */
#include "haproxy/policy_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define NUMBER_MAX ((uint64_t) 1 << 53)
#define MILLISECONDS_MAX 2147483647
#define NAME_MAX_LENGTH 200
#define ZONE_MAX_LENGTH 48      /* The tables' keys have 96 bytes. */

static bool
is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

static bool
holds_only(const char *s, const char *more)
{
    for (; *s; s++) {
        if (!is_alnum(*s) && !strchr(more, *s)) {
            return false;
        }
    }
    return true;
}

/* Kinds that are whole numbers. */
static const struct {
    enum policy_kind kind;
    uint64_t min, max;
    const char *complaint;
} numbers[] = {
    { KIND_NUMBER, 0, NUMBER_MAX,
      "is not a whole number up to 9007199254740992" },
    { KIND_MILLISECONDS, 1, MILLISECONDS_MAX,
      "is not a number of milliseconds from 1 to 2147483647" },
    { KIND_CODE, 300, 308, "is not a status from 300 to 308" },
    { KIND_MILLION, 0, 1000000, "is not a whole number up to 1000000" },
    { KIND_SUBSET, 1, 1000, "is not a whole number from 1 to 1000" },
    { KIND_CHOICE, 0, 1, "is not 0 or 1" },
};

/* Kinds that are bytes of a set. */
static const struct {
    enum policy_kind kind;
    const char *more;           /* Beside letters and digits. */
    const char *complaint;
} texts[] = {
    { KIND_NAME, "._~:/-",
      "is not a name of at most 200 letters, digits and ._~:/-" },
    { KIND_TEXT, "._~:/- ",
      "is not a text of at most 200 letters, digits, blanks and ._~:/-" },
    { KIND_LIST, "!#$%&'*+-.^_`|~, ",
      "is not a list of names between commas" },
    { KIND_PATH, "/-._~!$&'()*+,=:@%",
      "is not a path: letters, digits, % escapes and /-._~!$&'()*+,=:@" },
    { KIND_URL, "/-._~!$&'()*+,;=:@%?#[]",
      "is not a URL: other characters must be %-escaped" },
    { KIND_HSTS, "=; -", "is not a list of directives" },
};

/* "6:X-Test3:abc": names and values in turns. */
static bool
is_headers(const char *s)
{
    bool is_name = true;

    for (; *s; is_name = !is_name) {
        size_t digits = strspn(s, "0123456789");
        AUTO_FREE char *number = xstrndup(s, digits);
        uint64_t length;

        if (!parse_u64(number, is_name ? 1 : 0, POLICY_VALUE_MAX, &length) ||
            s[digits] != ':' || strlen(s + digits + 1) < length) {
            return false;
        }
        s += digits + 1;
        for (; length > 0; length--, s++) {
            if (*s < ' ' || *s > '~' ||
                (is_name && !is_alnum(*s) && *s != '-' && *s != '_')) {
                return false;
            }
        }
    }
    return is_name;
}

static const char *
text_complaint(enum policy_kind kind, const char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        bool is_long = (kind == KIND_NAME || kind == KIND_TEXT) &&
                       strlen(value) > NAME_MAX_LENGTH;
        bool is_blank = kind == KIND_LIST && value[0] == ' ';

        if (texts[i].kind == kind) {
            return holds_only(value, texts[i].more) && !is_long && !is_blank
                       ? NULL
                       : texts[i].complaint;
        }
    }
    return "is of no known kind";
}

/* What is wrong with 'value', as the end of "VALUE ..."; NULL: nothing. */
static const char *
complaint(enum policy_kind kind, const char *value)
{
    uint64_t number;
    bool flag;

    if (kind == KIND_FLAG) {
        return parse_bool(value, &flag) ? NULL : "is not true or false";
    }
    if (kind == KIND_HEADERS) {
        return is_headers(value) ? NULL : "is not a list of headers";
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (numbers[i].kind == kind) {
            return parse_u64(value, numbers[i].min, numbers[i].max, &number)
                       ? NULL
                       : numbers[i].complaint;
        }
    }
    return text_complaint(kind, value);
}

static bool
is_table_id(const char *s)
{
    return strlen(s) == 32 && strspn(s, "0123456789abcdef") == 32;
}

struct err *
policy_check_value(enum policy_setting setting, const char *value)
{
    const char *why = complaint(policy_settings[setting].kind, value);

    if (value[0] == '\0') {
        why = "is empty";
    } else if (strlen(value) > POLICY_VALUE_MAX) {
        why = "is longer than 8000 bytes";
    } else if (setting == POLICY_AUTH && !is_table_id(value)) {
        why = "is not 32 hex digits";
    } else if (setting == POLICY_ZONE && strlen(value) > ZONE_MAX_LENGTH) {
        why = "is longer than 48 bytes";
    }
    if (why) {
        AUTO_FREE char *shown = str_quote(value);

        return err_new(ERR_INVALID, "%s %s", shown, why);
    }
    return NULL;
}

/* Nothing, or ":" and a port. */
static bool
is_port(const char *s)
{
    uint16_t port;

    return s[0] == '\0' || (s[0] == ':' && parse_port(s + 1, &port));
}

/* "host[:port]" after the scheme; 'host' may begin with "*.". */
static bool
is_authority(const char *s)
{
    size_t length = strcspn(s, s[0] == '[' ? "]" : ":");
    AUTO_FREE char *host = NULL;
    const char *name;

    if (s[0] == '[') {
        host = xstrndup(s + 1, length - 1);
        return s[length] == ']' && holds_only(host, ":.") &&
               is_port(s + length + 1);
    }
    host = xstrndup(s, length);
    name = str_starts(host, "*.") ? host + 2 : host;
    return name[0] != '\0' && name[0] != '.' && !strstr(name, "..") &&
           holds_only(name, ".-_") && is_port(s + length);
}

struct err *
policy_check_origin(const char *origin)
{
    const char *rest = strstr(origin, "://");

    if (str_eq(origin, "*") || str_eq(origin, "null")) {
        return NULL;
    }
    if (rest && rest > origin && strlen(origin) <= 300) {
        AUTO_FREE char *scheme = xstrndup(origin, (size_t) (rest - origin));

        if (holds_only(scheme, "+.-") && is_authority(rest + 3)) {
            return NULL;
        }
    }

    AUTO_FREE char *shown = str_quote(origin);

    return err_new(ERR_INVALID, "%s is no origin: write * or "
                   "scheme://host[:port], host may begin with *.", shown);
}

/* What is replaced and what by, both or none. */
static struct err *
check_pairs(const struct policy *p)
{
    static const enum policy_setting pairs[][2] = {
        { POLICY_LOCATION_FROM, POLICY_LOCATION_TO },
        { POLICY_COOKIE_PATH_FROM, POLICY_COOKIE_PATH_TO },
        { POLICY_COOKIE_DOMAIN_FROM, POLICY_COOKIE_DOMAIN_TO },
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (!p->values[pairs[i][0]] != !p->values[pairs[i][1]]) {
            return err_new(ERR_INVALID, "a replacement needs what it "
                           "replaces");
        }
    }
    return NULL;
}

static struct err *
check_limits(const struct policy *p)
{
    static const enum policy_setting limits[] = {
        POLICY_RPS, POLICY_RPM, POLICY_CONNECTIONS, POLICY_BURST,
    };
    bool has_limit = false;

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        const char *value = p->values[limits[i]];
        uint64_t number;

        if (!value) {
            continue;
        }
        has_limit = has_limit || limits[i] != POLICY_BURST;
        if (!parse_u64(value, 1, 1000000000, &number)) {
            return err_new(ERR_INVALID, "a limit of %s is not from 1 to "
                           "1000000000", value);
        }
    }
    if (has_limit && !p->values[POLICY_ZONE]) {
        return err_new(ERR_INVALID, "a limit without zone");
    }
    return NULL;
}

/* The settings that an answer of its own cannot do without. */
static struct err *
check_answers(const struct policy *p, uint32_t flags)
{
    if ((flags & POLICY_F_CORS) &&
        (p->origins.n == 0 || !p->values[POLICY_CORS_METHODS] ||
         !p->values[POLICY_CORS_HEADERS] ||
         !p->values[POLICY_CORS_MAX_AGE])) {
        return err_new(ERR_INVALID, "cross-origin sharing needs origins, "
                       "methods, headers and a max-age");
    }
    if ((flags & POLICY_F_REDIRECT) &&
        (!p->values[POLICY_REDIRECT_CODE] ||
         !p->values[POLICY_REDIRECT] == !p->values[POLICY_REDIRECT_HOST])) {
        return err_new(ERR_INVALID, "a redirect needs a URL or a host, and "
                       "a code");
    }
    if ((flags & POLICY_F_AUTH) && !p->values[POLICY_AUTH_GROUP]) {
        return err_new(ERR_INVALID, "a table of users without group");
    }
    return NULL;
}

/* What a feature cannot do without. */
static const struct {
    uint32_t flag;
    enum policy_setting setting;
    const char *complaint;
} needs[] = {
    { POLICY_F_COOKIE, POLICY_COOKIE_NAME, "a cookie needs a name" },
    { POLICY_F_ERRORS, POLICY_FALLBACK_SERVICE,
      "errors need who answers them" },
    { POLICY_F_COPY, POLICY_COPY_HOST, "a copy needs a host" },
    { POLICY_F_HASH, POLICY_HASH, "a hash needs the sum of its parts" },
};

static struct err *
check_client(const struct policy *p)
{
    const char *mode = p->values[POLICY_CLIENT_MODE];

    if (!mode != !p->values[POLICY_CLIENT_CA] ||
        (!mode && (p->subject || p->values[POLICY_CLIENT_PAGE] ||
                   p->values[POLICY_CLIENT_PASS]))) {
        return err_new(ERR_INVALID, "client certificates need a mode and "
                       "what verifies them");
    }
    if (mode && !str_eq(mode, "on") && !str_eq(mode, "optional") &&
        !str_eq(mode, "optional_no_ca")) {
        return err_new(ERR_INVALID, "client certificates are on, optional "
                       "or optional_no_ca");
    }
    return NULL;
}

struct err *
policy_check(const struct policy *p)
{
    uint32_t flags = policy_flags(p);
    struct err *err = check_pairs(p);

    if (!err) {
        err = check_answers(p, flags);
    }
    if (!err) {
        err = check_client(p);
    }
    if (err) {
        return err;
    }
    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        if ((flags & needs[i].flag) && !p->values[needs[i].setting]) {
            return err_new(ERR_INVALID, "%s", needs[i].complaint);
        }
    }
    if (p->values[POLICY_CANARY_STICKY] && !p->values[POLICY_COOKIE_NAME]) {
        return err_new(ERR_INVALID, "a sticky canary needs a cookie");
    }
    if ((flags & POLICY_F_REWRITE) && (flags & POLICY_F_REWRITE_REGEX)) {
        return err_new(ERR_INVALID, "two rewrites of one path");
    }
    if ((p->pattern || p->values[POLICY_CANARY_VALUE]) &&
        !p->values[POLICY_CANARY_HEADER]) {
        return err_new(ERR_INVALID, "a value without its header");
    }
    return check_limits(p);
}
