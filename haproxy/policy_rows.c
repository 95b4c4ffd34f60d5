/* policy_rows: the rows of a policy, in one order whatever the order of the
 * calls that built it. */
#include "haproxy/policy_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/regkey.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define BURST_DEFAULT 5         /* ingress-nginx's limit-burst-multiplier. */

/* Where rows go, and under which id. */
struct sink {
    const char *id;
    policy_row_fn *row;
    void *aux;
};

static void
put(const struct sink *sink, const char *map, const char *name,
    const char *value)
{
    AUTO_FREE char *key = xasprintf("%s|%s", sink->id, name);

    sink->row(map, key, value, sink->aux);
}

static void
put_number(const struct sink *sink, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long) value);
    put(sink, "policy", name, text);
}

static uint64_t
number_of(const struct policy *p, enum policy_setting setting, uint64_t dflt)
{
    uint64_t value = dflt;

    if (p->values[setting] &&
        !parse_u64(p->values[setting], 0, UINT64_MAX, &value)) {
        abort();        /* policy_set() took it as a number. */
    }
    return value;
}

/* A leaky bucket of rate r and burst b admits at most b + 1 + r * t requests
 * in any t seconds.  Two sliding windows of the tables say the same for two
 * values of t. */
static void
put_limits(const struct policy *p, const struct sink *sink)
{
    uint64_t burst = number_of(p, POLICY_BURST, BURST_DEFAULT);
    uint64_t rps = number_of(p, POLICY_RPS, 0);
    uint64_t rpm = number_of(p, POLICY_RPM, 0);

    if (rps > 0) {
        put_number(sink, "rps-short", rps * burst + 1 + rps);
        put_number(sink, "rps-long", rps * burst + 1 + 10 * rps);
    }
    if (rpm > 0) {
        put_number(sink, "rpm-short", rpm * burst + 1 + (rpm + 5) / 6);
        put_number(sink, "rpm-long", rpm * burst + 1 + rpm);
    }
}

static int
compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* An origin with "*." stands in rows of its own name, so that a client that
 * sends the star itself finds nothing. */
static void
put_origin(const struct sink *sink, const char *origin)
{
    AUTO_FREE char *name =
        xasprintf("%s|%s", strstr(origin, "://*.") ? "cors-wild"
                                                   : "cors-origin", origin);

    put(sink, "policy", str_eq(origin, "*") ? "cors-any" : name, "1");
}

static void
put_origins(const struct policy *p, const struct sink *sink)
{
    VEC(char *) sorted = { 0 };

    for (size_t i = 0; i < p->origins.n; i++) {
        VEC_PUSH(&sorted, p->origins.items[i]);
    }
    VEC_SORT(&sorted, compare_strings);
    for (size_t i = 0; i < sorted.n; i++) {
        if (i == 0 || !str_eq(sorted.items[i], sorted.items[i - 1])) {
            put_origin(sink, sorted.items[i]);
        }
    }
    VEC_FINI(&sorted);
}

/* The keys of one range: the hex digits of its prefix, upper case as
 * HAProxy's converter writes them; a prefix that ends inside a digit takes a
 * key for each digit it covers. */
struct keys {
    char **items;
    size_t n, room;
};

static void
add_range(struct keys *keys, const char *list, const struct parse_cidr *cidr)
{
    unsigned digits = cidr->prefix / 4;
    unsigned rest = cidr->prefix % 4;
    unsigned n = rest == 0 ? 1 : 1U << (4 - rest);
    char hex[33];

    for (unsigned i = 0; i < 2 * cidr->size; i++) {
        unsigned byte = cidr->bytes[i / 2];

        hex[i] = "0123456789ABCDEF"[i % 2 == 0 ? byte >> 4 : byte & 15];
    }
    hex[2 * cidr->size] = '\0';
    for (unsigned i = 0; i < n; i++) {
        AUTO_FREE char *key = xasprintf("%s|%c|%.*s", list,
                                        cidr->size == 4 ? '4' : '6',
                                        (int) digits, hex);

        if (rest > 0) {
            unsigned byte = cidr->bytes[digits / 2];
            unsigned digit = digits % 2 == 0 ? byte >> 4 : byte & 15;

            VEC_PUSH(keys, xasprintf("%s%X", key, digit + i));
        } else {
            VEC_PUSH(keys, STEAL_PTR(key));
        }
    }
}

static void
put_cidrs(const struct policy *p, enum policy_list list,
          const struct sink *sink)
{
    static const char *const names[POLICY_N_LISTS] = {
        [POLICY_ALLOW] = "allow",
        [POLICY_DENY] = "deny",
        [POLICY_EXEMPT] = "exempt",
    };
    const char *name = names[list];
    const char *const families[] = { "4", "6" };
    struct keys keys = { 0 };

    if (p->cidrs[list].n == 0) {
        return;
    }
    for (size_t i = 0; i < p->cidrs[list].n; i++) {
        add_range(&keys, name, &p->cidrs[list].items[i]);
    }
    /* "Not in the list" is a row too: without it everybody is refused.  A
     * range that is the whole family has the same key and goes before. */
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        AUTO_FREE char *key = xasprintf("%s|%s|", name, families[i]);
        bool is_whole = false;

        for (size_t j = 0; j < keys.n; j++) {
            is_whole = is_whole || str_eq(keys.items[j], key);
        }
        if (!is_whole) {
            put(sink, "cidr", key, "0");
        }
    }
    VEC_SORT(&keys, compare_strings);
    for (size_t i = 0; i < keys.n; i++) {
        if (i == 0 || !str_eq(keys.items[i], keys.items[i - 1])) {
            put(sink, "cidr", keys.items[i], "1");
        }
    }
    for (size_t i = 0; i < keys.n; i++) {
        free(keys.items[i]);
    }
    VEC_FINI(&keys);
}

static void
put_cookie(const struct policy *p, const struct sink *sink)
{
    static const struct {
        enum policy_setting setting;
        const char *name;
    } rows[] = {
        { POLICY_COOKIE_DOMAIN, "Domain" },
        { POLICY_COOKIE_MAX_AGE, "Max-Age" },
        { POLICY_COOKIE_SAMESITE, "SameSite" },
    };
    AUTO_BUF struct buf text = BUF_OWN;

    if (!p->values[POLICY_COOKIE_NAME]) {
        return;
    }
    buf_printf(&text, "Path=%s; HttpOnly", p->values[POLICY_COOKIE_PATH]
               ? p->values[POLICY_COOKIE_PATH] : "/");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (p->values[rows[i].setting]) {
            buf_printf(&text, "; %s=%s", rows[i].name,
                       p->values[rows[i].setting]);
        }
    }
    if (p->values[POLICY_COOKIE_SECURE]) {
        buf_puts(&text, "; Secure");
    }
    if (p->values[POLICY_COOKIE_PARTITIONED]) {
        buf_puts(&text, "; Partitioned");
    }
    put(sink, "policy", "cookie-attributes", buf_str(&text));
}

static void
put_rewrite(const struct policy *p, const struct sink *sink)
{
    AUTO_BUF struct buf key = BUF_OWN;
    struct err *err;

    if (!p->regex) {
        return;
    }
    err = regkey_put(sink->id, p->regex, p->regex_ignores_case, &key);
    if (err) {
        abort();        /* policy_set_rewrite() tried it. */
    }
    sink->row("rewrite", buf_str(&key), p->replacement, sink->aux);
}

/* A regex that is looked for anywhere in a value. */
static void
put_found(const struct sink *sink, const char *map, const char *name,
          const char *regex)
{
    AUTO_BUF struct buf key = BUF_OWN;
    struct err *err = policy_put_found_(name, regex, sink->id, &key);

    if (err) {
        abort();        /* Who set it has tried it. */
    }
    sink->row(map, buf_str(&key), "1", sink->aux);
}

static void
put_subject(const struct policy *p, const struct sink *sink)
{
    if (p->subject) {
        put(sink, "policy", "client-cn", "1");
        put_found(sink, "rewrite", POLICY_SUBJECT_ROW_, p->subject);
    }
}

/* Which values of header and cookie decide: 1 for the second slot, 0 against
 * it; any other leaves it to what comes next. */
static void
put_canary(const struct policy *p, const struct sink *sink)
{
    if (p->pattern) {
        put_found(sink, "rewrite", POLICY_CANARY_ROW_, p->pattern);
    } else if (p->values[POLICY_CANARY_VALUE]) {
        AUTO_FREE char *name =
            xasprintf("canary-h|%s", p->values[POLICY_CANARY_VALUE]);

        put(sink, "policy", name, "1");
    } else if (p->values[POLICY_CANARY_HEADER]) {
        put(sink, "policy", "canary-h|always", "1");
        put(sink, "policy", "canary-h|never", "0");
    }
    if (p->values[POLICY_CANARY_COOKIE]) {
        put(sink, "policy", "canary-c|always", "1");
        put(sink, "policy", "canary-c|never", "0");
    }
}

/* In the order of their texts, each once. */
static void
put_matches(const struct policy *p, const struct sink *sink)
{
    for (size_t m = 0; m < ARRAY_SIZE(p->matches); m++) {
        VEC(char *) regexes = { 0 };

        for (size_t i = 0; i < p->matches[m].n; i++) {
            VEC_PUSH(&regexes, p->matches[m].items[i]);
        }
        VEC_SORT(&regexes, compare_strings);
        for (size_t i = 0; i < regexes.n; i++) {
            if (i == 0 || !str_eq(regexes.items[i], regexes.items[i - 1])) {
                put_found(sink, "match", policy_match_rows_[m],
                          regexes.items[i]);
            }
        }
        VEC_FINI(&regexes);
    }
}

static bool
put_error(const char *piece, size_t length, void *aux)
{
    AUTO_FREE char *name = xasprintf("error|%.*s", (int) length, piece);

    put(aux, "policy", name, "1");
    return true;
}

static void
put_errors(const struct policy *p, const struct sink *sink)
{
    struct sink copy = *sink;

    if (p->values[POLICY_ERRORS]) {
        (void) str_split(p->values[POLICY_ERRORS], ',', put_error, &copy);
    }
}

void
policy_rows_for(const struct policy *p, const char *id, policy_row_fn *row,
                void *aux)
{
    const struct sink sink = { .id = id, .row = row, .aux = aux };

    for (size_t i = 0; i < POLICY_N_SETTINGS; i++) {
        if (p->values[i] && policy_settings[i].row[0] != '\0') {
            put(&sink, "policy", policy_settings[i].row, p->values[i]);
        }
    }
    put_limits(p, &sink);
    put_origins(p, &sink);
    put_cookie(p, &sink);
    put_cidrs(p, POLICY_DENY, &sink);
    put_cidrs(p, POLICY_ALLOW, &sink);
    put_cidrs(p, POLICY_EXEMPT, &sink);
    put_rewrite(p, &sink);
    put_canary(p, &sink);
    put_errors(p, &sink);
    put_subject(p, &sink);
    put_matches(p, &sink);
    put(&sink, "policy", "", "ok");
}
