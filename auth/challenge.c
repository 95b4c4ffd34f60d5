#include "auth/challenge.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/digest_raw.h"
#include "lib/base/mem.h"
#include "lib/base/passwd.h"
#include "lib/base/str.h"

/* --- The header --- */

struct cursor {
    const char *at, *end;
};

static void
skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t')) {
        c->at++;
    }
}

static bool
take(struct cursor *c, char byte)
{
    skip_blanks(c);
    if (c->at < c->end && *c->at == byte) {
        c->at++;
        return true;
    }
    return false;
}

static bool
is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static char *
read_token(struct cursor *c)
{
    const char *begin;

    skip_blanks(c);
    begin = c->at;
    while (c->at < c->end && is_token(*c->at)) {
        c->at++;
    }
    return c->at > begin ? xstrndup(begin, (size_t) (c->at - begin)) : NULL;
}

/* After the opening quote. */
static char *
read_quoted(struct cursor *c)
{
    AUTO_BUF struct buf out = BUF_OWN;

    for (; c->at < c->end && *c->at != '"'; c->at++) {
        if (*c->at == '\\' && c->at + 1 < c->end) {
            c->at++;
        }
        if ((unsigned char) *c->at < ' ' || *c->at == 0x7f) {
            return NULL;
        }
        buf_putc(&out, *c->at);
    }
    if (c->at == c->end) {
        return NULL;
    }
    c->at++;
    return buf_take(&out);
}

static char **
param_place(struct challenge_params *p, const char *name)
{
    const struct {
        const char *name;
        char **to;
    } rows[] = {
        { "username", &p->username }, { "realm", &p->realm },
        { "nonce", &p->nonce },       { "uri", &p->uri },
        { "response", &p->response }, { "algorithm", &p->algorithm },
        { "cnonce", &p->cnonce },     { "qop", &p->qop },
        { "nc", &p->nc },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcasecmp(name, rows[i].name) == 0) {
            return rows[i].to;
        }
    }
    return NULL;
}

static bool
read_param(struct cursor *c, struct challenge_params *out)
{
    AUTO_FREE char *name = read_token(c);
    AUTO_FREE char *value = NULL;
    char **to;

    if (!name || !take(c, '=')) {
        return false;
    }
    value = take(c, '"') ? read_quoted(c) : read_token(c);
    if (!value) {
        return false;
    }
    to = param_place(out, name);
    if (to && *to) {
        return false;
    }
    if (to) {
        *to = STEAL_PTR(value);
    }
    return true;
}

bool
challenge_params_read(const char *text, size_t size,
                      struct challenge_params *out)
{
    struct cursor c = { text, text + size };

    *out = (struct challenge_params) { 0 };
    do {
        if (!read_param(&c, out)) {
            return false;
        }
    } while (take(&c, ','));
    skip_blanks(&c);
    return c.at == c.end && out->username && out->realm && out->nonce &&
           out->uri && out->response && out->cnonce && out->qop && out->nc;
}

void
challenge_params_fini(struct challenge_params *p)
{
    free(p->username);
    free(p->realm);
    free(p->nonce);
    free(p->uri);
    free(p->response);
    free(p->algorithm);
    free(p->cnonce);
    free(p->qop);
    free(p->nc);
    *p = (struct challenge_params) { 0 };
}

/* --- The judgement --- */

/* The target of the request; a client may name it with scheme and host. */
static bool
is_target(const char *uri, struct wire_text target)
{
    const char *after = strstr(uri, "://");
    const char *path = after && uri[0] != '/' ? strchr(after + 3, '/') : NULL;

    return wire_eq(target, uri) || (path && wire_eq(target, path));
}

/* Eight hex digits. */
static bool
read_count(const char *nc, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < 8; i++) {
        const char *at =
            nc[i] ? strchr("0123456789abcdef", nc[i] | 0x20) : NULL;

        if (!at) {
            return false;
        }
        *out = *out << 4 | (uint32_t) (at - "0123456789abcdef");
    }
    return nc[8] == '\0';
}

static void
make_response(enum digest_kind kind, const char *ha1,
              const struct challenge_params *p, struct wire_text method,
              char out[2 * DIGEST_RAW_MAX + 1])
{
    AUTO_DIGEST struct digest *d = digest_new(kind);
    char ha2[2 * DIGEST_RAW_MAX + 1];
    const char *const parts[] = {
        ha1, p->nonce, p->nc, p->cnonce, p->qop, ha2,
    };

    digest_put(d, method.data, method.size);
    digest_puts(d, ":");
    digest_puts(d, p->uri);
    digest_end_hex(d, ha2);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        digest_puts(d, i > 0 ? ":" : "");
        digest_puts(d, parts[i]);
    }
    digest_end_hex(d, out);
}

static bool
fits(const struct table *t, const struct challenge_params *p,
     struct wire_text method)
{
    const struct table_ha1 *ha1 = table_ha1(t, p->username, p->realm);
    bool is_md5 = !p->algorithm || strcasecmp(p->algorithm, "MD5") == 0;
    const char *known = !ha1 ? "" : is_md5 ? ha1->md5 : ha1->sha256;
    char made[2 * DIGEST_RAW_MAX + 1];

    if (!is_md5 && strcasecmp(p->algorithm, "SHA-256") != 0) {
        return false;
    }
    make_response(is_md5 ? DIGEST_MD5 : DIGEST_SHA256, known, p, method,
                  made);
    str_lower_in_place(p->response);
    return strlen(p->response) == strlen(made) &&
           digest_equal(made, p->response, strlen(made)) &&
           known[0] != '\0';
}

static char *
nonce_context(const struct wire_question *q)
{
    return xasprintf("%.*s|%.*s", (int) q->table.size, q->table.data,
                     (int) q->realm.size, q->realm.data);
}

static enum challenge_verdict
judge_params(const struct table *t, const struct wire_question *q,
             struct challenge_params *p, struct challenge_key key,
             int64_t now_ms)
{
    AUTO_FREE char *context = nonce_context(q);
    int64_t born_ms;
    uint32_t count;

    if (strcmp(p->qop, "auth") != 0 || !wire_eq(q->realm, p->realm) ||
        !is_target(p->uri, q->uri) || !read_count(p->nc, &count) ||
        !fits(t, p, q->method)) {
        return CHALLENGE_NO;
    }
    return nonce_read(key.bytes, key.size, context, p->nonce, &born_ms) &&
                   nonces_take(t->nonces, p->nonce, born_ms, count, now_ms)
               ? CHALLENGE_OK : CHALLENGE_STALE;
}

enum challenge_verdict
challenge_judge(const struct table *t, const struct wire_question *q,
             struct challenge_key key, int64_t now_ms)
{
    static const char scheme[] = "Digest ";
    struct challenge_params p = { 0 };
    enum challenge_verdict verdict = CHALLENGE_NO;

    if (q->authorization.size > strlen(scheme) &&
        q->authorization.size <= WIRE_AUTHORIZATION_MAX &&
        strncasecmp(q->authorization.data, scheme, strlen(scheme)) == 0 &&
        challenge_params_read(q->authorization.data + strlen(scheme),
                           q->authorization.size - strlen(scheme), &p)) {
        verdict = judge_params(t, q, &p, key, now_ms);
    }
    challenge_params_fini(&p);
    return verdict;
}

/* What every user can do, or both where no one algorithm is for all. */
void
challenge_put(const struct table *t, const struct wire_question *q,
                 struct challenge_key key, bool is_stale, int64_t now_ms,
                 struct buf *out)
{
    AUTO_FREE char *context = nonce_context(q);
    bool is_mixed = !t->all_md5 && !t->all_sha256;
    char nonce[NONCE_SIZE];

    nonce_make(key.bytes, key.size, context, now_ms, nonce);
    buf_printf(out, "no %s%s %s %s\n",
               t->all_sha256 || is_mixed ? "S" : "",
               t->all_md5 || is_mixed ? "M" : "", nonce,
               is_stale ? "true" : "false");
}
