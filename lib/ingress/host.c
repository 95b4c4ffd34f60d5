#include "lib/ingress/host.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Punycode's parameters (RFC 3492, section 5). */
enum {
    PUNY_BASE = 36,
    PUNY_TMIN = 1,
    PUNY_TMAX = 26,
    PUNY_SKEW = 38,
    PUNY_DAMP = 700,
    PUNY_BIAS = 72,
    PUNY_FIRST = 128,
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter_or_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z');
}

static uint32_t
puny_adapt(uint32_t delta, uint32_t n_points, bool is_first)
{
    uint32_t k = 0;

    delta = is_first ? delta / PUNY_DAMP : delta / 2;
    delta += delta / n_points;
    while (delta > ((PUNY_BASE - PUNY_TMIN) * PUNY_TMAX) / 2) {
        delta /= PUNY_BASE - PUNY_TMIN;
        k += PUNY_BASE;
    }
    return k + (PUNY_BASE - PUNY_TMIN + 1) * delta / (delta + PUNY_SKEW);
}

/* Reads one variable-length integer at '*in' and adds it to '*sum'. */
static bool
puny_integer(const char *s, size_t length, size_t *in, uint32_t bias,
             uint32_t *sum)
{
    uint32_t weight = 1;

    for (uint32_t k = PUNY_BASE;; k += PUNY_BASE) {
        uint32_t digit, t;
        char c;

        if (*in == length) {
            return false;
        }
        c = s[(*in)++];
        if (!is_letter_or_digit(c)) {
            return false;
        }
        digit = is_digit(c) ? (uint32_t) (c - '0') + 26 : (uint32_t) (c - 'a');
        if (digit > (UINT32_MAX - *sum) / weight) {
            return false;
        }
        *sum += digit * weight;
        t = k <= bias ? PUNY_TMIN
                      : k >= bias + PUNY_TMAX ? PUNY_TMAX : k - bias;
        if (digit < t) {
            return true;
        }
        if (weight > UINT32_MAX / (PUNY_BASE - t)) {
            return false;
        }
        weight *= PUNY_BASE - t;
    }
}

/* True where 's', what follows "xn--", decodes to at least one character
 * beyond ASCII. */
static bool
puny_is_valid(const char *s, size_t length)
{
    uint32_t point = PUNY_FIRST, bias = PUNY_BIAS, i = 0, n_points = 0;
    size_t in = 0;

    for (size_t at = 0; at < length; at++) {
        if (s[at] == '-' && at > 0) {
            n_points = (uint32_t) at;
            in = at + 1;
        }
    }
    if (in == length) {
        return false;
    }
    while (in < length) {
        uint32_t before = i;

        if (!puny_integer(s, length, &in, bias, &i)) {
            return false;
        }
        n_points++;
        bias = puny_adapt(i - before, n_points, before == 0);
        if (i / n_points > 0x10ffff - point) {
            return false;
        }
        point += i / n_points;
        i = i % n_points + 1;
        if (point >= 0xd800 && point <= 0xdfff) {
            return false;
        }
    }
    return true;
}

static const char *
check_byte(char c)
{
    if ((unsigned char) c >= 0x80) {
        return "is not ASCII: write it in punycode (\"xn--...\")";
    }
    if (c == '_') {
        return "holds \"_\", which Kubernetes allows in no host";
    }
    if (c == '*') {
        return "may have \"*\" only as its whole first label, as in "
               "\"*.example.com\"";
    }
    if (c == ':' || c == '/' || c == '[' || c == ']') {
        return "must be a bare DNS name, without scheme, port or path";
    }
    return "must consist of letters, digits, \"-\" and \".\"";
}

/* One label, NULL where it is good. */
static const char *
check_label(const char *label, size_t length)
{
    if (length == 0) {
        return "has an empty label: write exactly one dot between labels";
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_letter_or_digit(label[i]) && label[i] != '-') {
            return check_byte(label[i]);
        }
    }
    if (length > HOST_LABEL_MAX) {
        return "has a label of more than 63 bytes, which DNS cannot hold";
    }
    if (label[0] == '-' || label[length - 1] == '-') {
        return "has a label that begins or ends with \"-\"";
    }
    if (length >= 4 && memcmp(label, "xn--", 4) == 0 &&
        !puny_is_valid(label + 4, length - 4)) {
        return "has a label that begins with \"xn--\" and is not punycode";
    }
    return NULL;
}

/* Browsers take a name of nothing but numbers for an IPv4 address. */
static bool
is_address(const char *host)
{
    return strspn(host, "0123456789.") == strlen(host);
}

static const char *
check_labels(const char *host)
{
    bool is_bare = true;
    const char *at = host;

    if (strlen(host) > HOST_MAX) {
        return "must be at most 253 bytes long";
    }
    if (str_starts(host, "*.")) {
        at += 2;
        is_bare = false;
    }
    for (;;) {
        size_t length = strcspn(at, ".");
        const char *why = check_label(at, length);

        if (why) {
            return why;
        }
        if (at[length] == '\0') {
            break;
        }
        at += length + 1;
    }
    if (is_bare && is_address(host)) {
        return "is an IP address: write a DNS name, or leave the host out "
               "to mean every host";
    }
    return NULL;
}

bool
host_is_canonical(const char *host)
{
    return host[0] == '\0' || !check_labels(host);
}

char *
host_canonical(const char *host, const char **why)
{
    AUTO_FREE char *canonical = str_lower(host);
    size_t length = strlen(canonical);
    bool has_dot = length > 0 && canonical[length - 1] == '.';

    *why = NULL;
    if (length == 0) {
        return STEAL_PTR(canonical);
    }
    if (has_dot) {
        canonical[length - 1] = '\0';
    }
    *why = check_labels(canonical);
    if (*why) {
        return NULL;
    }
    if (has_dot) {
        *why = "must not end with a dot";
    } else if (strcmp(canonical, host) != 0) {
        *why = "must be in lower case";
    }
    return STEAL_PTR(canonical);
}

bool
host_is_wildcard(const char *host)
{
    return str_starts(host, "*.");
}

bool
host_covers(const char *wildcard, const char *exact)
{
    const char *dot = strchr(exact, '.');

    return host_is_wildcard(wildcard) && !host_is_wildcard(exact) && dot &&
           strcmp(wildcard + 1, dot) == 0;
}

char *
host_wildcard_of(const char *host)
{
    const char *dot = strchr(host, '.');

    if (!dot || host_is_wildcard(host)) {
        return NULL;
    }
    return str_concat("*", dot);
}

bool
host_is_reserved(const char *host)
{
    return strcmp(host, HOST_RESERVED) == 0 ||
           str_ends(host, "." HOST_RESERVED);
}

const char *
host_hopeless(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *last = dot ? dot + 1 : host;

    if (strcmp(last, "invalid") == 0) {
        return "is under \".invalid\", which no DNS server ever answers "
               "(RFC 6761)";
    }
    if (strcmp(last, "onion") == 0) {
        return "is under \".onion\", which DNS does not answer (RFC 7686)";
    }
    if (*last && strspn(last, "0123456789") == strlen(last)) {
        return "ends with a number, which clients take for an IP address";
    }
    return NULL;
}
