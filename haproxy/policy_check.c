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

/* What is wrong with 'value', as the end of "VALUE ..."; NULL: nothing. */
static const char *
complaint(enum policy_kind kind, const char *value)
{
    uint64_t number;
    bool flag;

    switch (kind) {
    case KIND_FLAG:
        return parse_bool(value, &flag) ? NULL : "is not true or false";
    case KIND_NUMBER:
        return parse_u64(value, 0, NUMBER_MAX, &number)
            ? NULL : "is not a whole number up to 9007199254740992";
    case KIND_MILLISECONDS:
        return parse_u64(value, 1, MILLISECONDS_MAX, &number)
            ? NULL : "is not a number of milliseconds from 1 to 2147483647";
    case KIND_CODE:
        return parse_u64(value, 300, 308, &number)
            ? NULL : "is not a status from 300 to 308";
    case KIND_NAME:
        return holds_only(value, "._~:/-") &&
               strlen(value) <= NAME_MAX_LENGTH
            ? NULL : "is not a name of at most 200 letters, digits and "
                     "._~:/-";
    case KIND_LIST:
        return holds_only(value, "!#$%&'*+-.^_`|~, ") && value[0] != ' '
            ? NULL : "is not a list of names between commas";
    case KIND_PATH:
        return holds_only(value, "/-._~!$&'()*+,=:@%")
            ? NULL : "is not a path: letters, digits, % escapes and "
                     "/-._~!$&'()*+,=:@";
    case KIND_URL:
        return holds_only(value, "/-._~!$&'()*+,;=:@%?#[]")
            ? NULL : "is not a URL: other characters must be %-escaped";
    case KIND_MILLION:
        return parse_u64(value, 0, 1000000, &number)
            ? NULL : "is not a whole number up to 1000000";
    case KIND_HSTS:
        return holds_only(value, "=; -")
            ? NULL : "is not a list of directives";
    }
    return "is of no known kind";
}

struct err *
policy_check_value(enum policy_setting setting, const char *value)
{
    const char *why = complaint(policy_settings[setting].kind, value);

    if (value[0] == '\0') {
        why = "is empty";
    } else if (strlen(value) > POLICY_VALUE_MAX) {
        why = "is longer than 8000 bytes";
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
    if (err) {
        return err;
    }
    if ((flags & POLICY_F_COOKIE) && !p->values[POLICY_COOKIE_NAME]) {
        return err_new(ERR_INVALID, "a cookie needs a name");
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
