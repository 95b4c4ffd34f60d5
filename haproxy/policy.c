#include "haproxy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/policy_priv.h"
#include "haproxy/regkey.h"
#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define REPLACEMENT_MAX 2000
/* Flags that the frontend acts on; they ask nothing of the slot. */
#define FRONTEND_FLAGS                                                     \
    (POLICY_F_REGEX | POLICY_F_SNI | POLICY_F_CANARY | POLICY_F_CLIENT)

const struct policy_setting_def policy_settings[POLICY_N_SETTINGS] = {
#define FEATURE(name, bit, rows, doc)
#define SETTING(id, feature, row_, kind_, doc_)                            \
    [POLICY_##id] = {                                                      \
        .name = #id,                                                       \
        .flag = POLICY_F_##feature,                                        \
        .row = (row_),                                                     \
        .kind = KIND_##kind_,                                              \
        .doc = (doc_),                                                     \
    },
#include "haproxy/features.def"
#undef FEATURE
#undef SETTING
};

const char *
policy_setting_name(enum policy_setting setting)
{
    return policy_settings[setting].name;
}

const char *
policy_setting_doc(enum policy_setting setting)
{
    return policy_settings[setting].doc;
}

struct policy *
policy_new(void)
{
    return xcalloc(1, sizeof(struct policy));
}

struct policy *
policy_copy(const struct policy *p)
{
    struct policy *copy;

    if (!p) {
        return NULL;
    }
    copy = policy_new();
    for (size_t i = 0; i < POLICY_N_SETTINGS; i++) {
        copy->values[i] = p->values[i] ? xstrdup(p->values[i]) : NULL;
    }
    for (size_t i = 0; i < p->origins.n; i++) {
        VEC_PUSH(&copy->origins, xstrdup(p->origins.items[i]));
    }
    for (size_t l = 0; l < ARRAY_SIZE(p->cidrs); l++) {
        for (size_t i = 0; i < p->cidrs[l].n; i++) {
            VEC_PUSH(&copy->cidrs[l], p->cidrs[l].items[i]);
        }
    }
    for (size_t m = 0; m < ARRAY_SIZE(p->matches); m++) {
        for (size_t i = 0; i < p->matches[m].n; i++) {
            VEC_PUSH(&copy->matches[m], xstrdup(p->matches[m].items[i]));
        }
    }
    copy->regex = p->regex ? xstrdup(p->regex) : NULL;
    copy->regex_ignores_case = p->regex_ignores_case;
    copy->pattern = p->pattern ? xstrdup(p->pattern) : NULL;
    copy->subject = p->subject ? xstrdup(p->subject) : NULL;
    copy->replacement = p->replacement ? xstrdup(p->replacement) : NULL;
    return copy;
}

void
policy_free(struct policy *p)
{
    if (!p) {
        return;
    }
    for (size_t i = 0; i < POLICY_N_SETTINGS; i++) {
        free(p->values[i]);
    }
    for (size_t i = 0; i < p->origins.n; i++) {
        free(p->origins.items[i]);
    }
    VEC_FINI(&p->origins);
    for (size_t i = 0; i < ARRAY_SIZE(p->cidrs); i++) {
        VEC_FINI(&p->cidrs[i]);
    }
    for (size_t m = 0; m < ARRAY_SIZE(p->matches); m++) {
        for (size_t i = 0; i < p->matches[m].n; i++) {
            free(p->matches[m].items[i]);
        }
        VEC_FINI(&p->matches[m]);
    }
    free(p->regex);
    free(p->pattern);
    free(p->subject);
    free(p->replacement);
    free(p);
}

void
policy_freep(struct policy **pp)
{
    policy_free(*pp);
    *pp = NULL;
}

struct err *
policy_set(struct policy *p, enum policy_setting setting, const char *value)
{
    struct err *err = policy_check_value(setting, value);
    bool is_on = true;

    if (err) {
        return err;
    }
    if (policy_settings[setting].kind == KIND_FLAG) {
        is_on = parse_bool(value, &is_on) && is_on;
        value = "1";
    }
    free(p->values[setting]);
    p->values[setting] = is_on ? xstrdup(value) : NULL;
    return NULL;
}

/* ::ffff:192.0.2.0/120 is what HAProxy may call 192.0.2.0/24. */
static void
unmap(struct parse_cidr *cidr)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (cidr->size == 16 && cidr->prefix >= 96 &&
        memcmp(cidr->bytes, mapped, sizeof mapped) == 0) {
        memmove(cidr->bytes, cidr->bytes + 12, 4);
        cidr->size = 4;
        cidr->prefix -= 96;
    }
}

struct err *
policy_add_cidr(struct policy *p, enum policy_list list, const char *text)
{
    struct parse_cidr cidr;

    if (!parse_cidr(text, &cidr)) {
        AUTO_FREE char *shown = str_quote(text);

        return err_new(ERR_INVALID, "%s is no address and no CIDR range",
                       shown);
    }
    if (p->cidrs[list].n == POLICY_CIDRS_MAX) {
        return err_new(ERR_INVALID, "more than %d addresses in one list",
                       POLICY_CIDRS_MAX);
    }
    unmap(&cidr);
    VEC_PUSH(&p->cidrs[list], cidr);
    return NULL;
}

struct err *
policy_add_origin(struct policy *p, const char *origin)
{
    struct err *err = policy_check_origin(origin);

    if (err) {
        return err;
    }
    if (p->origins.n == POLICY_ORIGINS_MAX) {
        return err_new(ERR_INVALID, "more than %d origins",
                       POLICY_ORIGINS_MAX);
    }
    VEC_PUSH(&p->origins, str_lower(origin));
    return NULL;
}

/* nginx's $1 as HAProxy's \1. */
static struct err *
put_replacement(const char *text, struct buf *out)
{
    AUTO_FREE char *shown = str_quote(text);

    if (strlen(text) > REPLACEMENT_MAX || text[0] == '\0') {
        return err_new(ERR_INVALID, "%s is empty or longer than %d bytes",
                       shown, REPLACEMENT_MAX);
    }
    for (const char *p = text; *p; p++) {
        if (*p <= 0x20 || *p >= 0x7f || strchr("?#\\\"<>", *p)) {
            return err_new(ERR_INVALID, "%s holds a byte that no path may "
                           "hold", shown);
        }
        buf_putc(out, p[0] == '$' && p[1] >= '1' && p[1] <= '9' ? '\\' : *p);
    }
    return NULL;
}

struct err *
policy_set_rewrite(struct policy *p, const char *regex, bool ignore_case,
                   const char *replacement)
{
    AUTO_BUF struct buf key = BUF_OWN;
    AUTO_BUF struct buf value = BUF_OWN;
    struct err *err = regkey_put("r", regex, ignore_case, &key);

    if (!err) {
        err = put_replacement(replacement, &value);
    }
    if (err) {
        return err;
    }
    free(p->regex);
    free(p->replacement);
    p->regex = xstrdup(regex);
    p->regex_ignores_case = ignore_case;
    p->replacement = buf_take(&value);
    return NULL;
}

/* Anywhere in the value, which begins a line so that "^" is its start; the
 * rows of paths begin with "/". */
struct err *
policy_put_found_(const char *name, const char *regex, const char *id,
                  struct buf *out)
{
    AUTO_FREE char *whole =
        xasprintf("%s=\\n(?s:.*?)(?m:%s)", name, regex);

    return regkey_put(id, whole, false, out);
}

const char *const policy_match_rows_[POLICY_N_MATCHES] = {
    [POLICY_MATCH_AGENT] = "agent",
    [POLICY_MATCH_REFERER] = "referer",
    [POLICY_MATCH_QUIET] = "quiet",
};

/* As a regular expression without a blank, which no map could hold. */
static char *
match_regex(const char *text)
{
    AUTO_BUF struct buf out = BUF_OWN;
    const bool is_regex = text[0] == '~';
    const bool heeds_case = is_regex && text[1] != '*';

    text += is_regex ? heeds_case ? 1 : 2 : 0;
    buf_puts(&out, heeds_case ? "" : "(?i:");
    buf_puts(&out, is_regex ? "" : "^");
    for (; *text; text++) {
        if (*text == ' ') {
            buf_puts(&out, "\\x20");
            continue;
        }
        if (!is_regex && strchr("\\^$.[]|()?*+{}", *text)) {
            buf_putc(&out, '\\');
        }
        buf_putc(&out, *text);
    }
    buf_puts(&out, is_regex ? "" : "$");
    buf_puts(&out, heeds_case ? "" : ")");
    return buf_take(&out);
}

static struct err *
set_found(char **to, const char *name, const char *regex)
{
    AUTO_BUF struct buf key = BUF_OWN;
    /* Alone first: a bracket too many must not close ours. */
    struct err *err = regkey_put("r", regex, false, &key);

    buf_clear(&key);
    if (!err) {
        err = policy_put_found_(name, regex, "r", &key);
    }
    if (!err) {
        free(*to);
        *to = xstrdup(regex);
    }
    return err;
}

struct err *
policy_set_canary_pattern(struct policy *p, const char *regex)
{
    return set_found(&p->pattern, POLICY_CANARY_ROW_, regex);
}

struct err *
policy_set_client_subject(struct policy *p, const char *regex)
{
    return set_found(&p->subject, POLICY_SUBJECT_ROW_, regex);
}

struct err *
policy_add_match(struct policy *p, enum policy_match match, const char *text)
{
    AUTO_FREE char *regex = match_regex(text);
    char *checked = NULL;
    struct err *err = set_found(&checked, policy_match_rows_[match], regex);

    if (err) {
        return err;
    }
    if (p->matches[match].n == POLICY_MATCHES_MAX) {
        free(checked);
        return err_new(ERR_INVALID, "more than %d of them",
                       POLICY_MATCHES_MAX);
    }
    VEC_PUSH(&p->matches[match], checked);
    return NULL;
}

uint32_t
policy_flags(const struct policy *p)
{
    uint32_t flags = 0;

    if (!p) {
        return 0;
    }
    for (size_t i = 0; i < POLICY_N_SETTINGS; i++) {
        if (p->values[i]) {
            flags |= policy_settings[i].flag;
        }
    }
    if (p->origins.n > 0) {
        flags |= POLICY_F_CORS;
    }
    for (size_t i = 0; i < ARRAY_SIZE(p->cidrs); i++) {
        static const uint32_t of_list[POLICY_N_LISTS] = {
            [POLICY_ALLOW] = POLICY_F_ALLOW,
            [POLICY_DENY] = POLICY_F_DENY,
            [POLICY_EXEMPT] = POLICY_F_EXEMPT,
        };

        flags |= p->cidrs[i].n > 0 ? of_list[i] : 0;
    }
    for (size_t m = 0; m < ARRAY_SIZE(p->matches); m++) {
        flags |= p->matches[m].n > 0 ? POLICY_F_MATCH : 0;
    }
    return p->regex ? flags | POLICY_F_REWRITE_REGEX : flags;
}

enum policy_need
policy_need(const struct policy *p)
{
    uint32_t flags = policy_flags(p);

    if (flags & POLICY_F_REDIRECT) {
        return POLICY_NEEDS_REDIRECT;
    }
    if (flags & POLICY_F_COOKIE) {
        return POLICY_NEEDS_COOKIE;
    }
    return (flags & ~(uint32_t) FRONTEND_FLAGS) ? POLICY_NEEDS_POLICY
                                                : POLICY_NEEDS_NOTHING;
}

static void
put_row(const char *map, const char *key, const char *value, void *aux)
{
    buf_printf(aux, "%s\t%s\t%s\n", map, key, value);
}

/* The rows under an empty id, and the flags: all that a policy says. */
static void
put_canonical(const struct policy *p, struct buf *out)
{
    buf_printf(out, "%u\n", policy_flags(p));
    if (p) {
        policy_rows_for(p, "", put_row, out);
    }
}

bool
policy_equal(const struct policy *a, const struct policy *b)
{
    AUTO_BUF struct buf text_a = BUF_OWN;
    AUTO_BUF struct buf text_b = BUF_OWN;

    if (policy_flags(a) == 0 || policy_flags(b) == 0) {
        return policy_flags(a) == policy_flags(b);
    }
    put_canonical(a, &text_a);
    put_canonical(b, &text_b);
    return str_eq(buf_str(&text_a), buf_str(&text_b));
}

void
policy_id(const struct policy *p, char out[POLICY_ID_SIZE])
{
    AUTO_BUF struct buf text = BUF_OWN;
    char hash[DIGEST_HEX_SIZE];

    put_canonical(p, &text);
    digest_sha256_hex(text.data, text.size, hash);
    out[0] = 'r';
    memcpy(out + 1, hash, 16);
    out[17] = '\0';
}

void
policy_rows(const struct policy *p, policy_row_fn *row, void *aux)
{
    char id[POLICY_ID_SIZE];

    if (policy_flags(p) != 0) {
        policy_id(p, id);
        policy_rows_for(p, id, row, aux);
    }
}

void
policy_route_value(const struct policy *p, const char *slot, struct buf *out)
{
    char id[POLICY_ID_SIZE];

    buf_puts(out, slot);
    if (policy_flags(p) != 0) {
        policy_id(p, id);
        buf_printf(out, ";%s;%u", id, policy_flags(p));
    }
}

struct err *
policy_regex_key(const char *host, const char *regex, bool ignore_case,
                 struct buf *out)
{
    return regkey_put(host, regex, ignore_case, out);
}
