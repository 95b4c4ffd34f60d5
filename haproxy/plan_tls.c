#include "haproxy/plan_inside.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/crtlist.h"
#include "haproxy/quote.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

void
plan_free_cert_(void *p)
{
    struct plan_cert *cert = p;

    pem_text_unref(cert->text);
    free(cert);
}

void
plan_set_passthrough(struct plan *plan, const char *host, const char *backend)
{
    struct map *set = plan->sets[PLAN_SET_PASSTHROUGHS];
    struct plan_target *old = map_get(set, host);

    if (old && str_eq(old->name, backend)) {
        return;
    }
    map_put(set, host, plan_use_target_(plan, backend));
    plan_release_target_(plan, old);
    plan_change_(plan, PLAN_SET_PASSTHROUGHS, host);
}

void
plan_del_passthrough(struct plan *plan, const char *host)
{
    struct plan_target *old =
        map_remove(plan->sets[PLAN_SET_PASSTHROUGHS], host);

    if (old) {
        plan_release_target_(plan, old);
        plan_change_(plan, PLAN_SET_PASSTHROUGHS, host);
    }
}

static void
put_cert(struct plan *plan, const char *name, struct plan_cert *cert)
{
    struct plan_cert *old =
        map_put(plan->sets[PLAN_SET_CERTS], name, cert);

    if (old) {
        plan_free_cert_(old);
    }
    plan_change_(plan, PLAN_SET_CERTS, name);
}

void
plan_set_cert(struct plan *plan, const char *name, const char *pem,
              struct pem_text *text)
{
    struct plan_cert *old = map_get(plan->sets[PLAN_SET_CERTS], name);
    char digest[DIGEST_HEX_SIZE];
    struct plan_cert *cert;

    digest_sha256_hex(pem, strlen(pem), digest);
    text = text ? pem_text_ref(text) : pem_text_copy(pem);
    if (old && str_eq(old->digest, digest)) {
        /* The same bytes by another keeper: the old one may let go. */
        pem_text_unref(old->text);
        pem_text_forget(text);
        old->text = text;
        return;
    }
    cert = xcalloc(1, sizeof *cert);
    cert->text = text;
    memcpy(cert->digest, digest, sizeof digest);
    put_cert(plan, name, cert);
}

void
plan_put_cert(struct plan *plan, const char *name, const char *digest)
{
    struct plan_cert *cert = xcalloc(1, sizeof *cert);

    memcpy(cert->digest, digest, strnlen(digest, sizeof cert->digest - 1));
    put_cert(plan, name, cert);
}

void
plan_del_cert(struct plan *plan, const char *name)
{
    struct plan_cert *old = map_remove(plan->sets[PLAN_SET_CERTS], name);

    if (old) {
        plan_free_cert_(old);
        plan_change_(plan, PLAN_SET_CERTS, name);
    }
}

/* --- Server names --- */

void
plan_free_name_(void *p)
{
    struct plan_name *name = p;

    for (size_t i = 0; i < name->n_certs; i++) {
        free(name->certs[i]);
    }
    free(name->options);
    free(name->ca);
    free(name->crl);
    free(name->except);
    free(name);
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
add_cert(struct plan_name *name, const char *cert)
{
    for (size_t i = 0; i < name->n_certs; i++) {
        if (str_eq(name->certs[i], cert)) {
            return;
        }
    }
    if (name->n_certs < PLAN_SNI_CERTS_MAX) {
        name->certs[name->n_certs++] = xstrdup(cert);
        qsort(name->certs, name->n_certs, sizeof *name->certs,
              compare_texts);
    }
}

static bool
is_same_name(const struct plan_name *a, const struct plan_name *b)
{
    if (a->n_certs != b->n_certs || a->kinds != b->kinds ||
        !str_eq(a->options, b->options) ||
        !str_eq(a->ca, b->ca) || !str_eq(a->crl, b->crl)) {
        return false;
    }
    for (size_t i = 0; i < a->n_certs; i++) {
        if (!str_eq(a->certs[i], b->certs[i])) {
            return false;
        }
    }
    return true;
}

/* A word that is none is left out of the text rather than into it: then the
 * program's own holds.  lib/ingress has judged it before. */
static void
add_option(struct buf *out, const char *option, const char *word)
{
    if (word && quote_is_option(word)) {
        buf_printf(out, "%s%s %s", out->size > 0 ? " " : "", option, word);
    }
}

static char *
make_options(const struct plan_sni *sni)
{
    AUTO_BUF struct buf out = BUF_OWN;

    add_option(&out, "ciphers", sni->ciphers);
    add_option(&out, "ciphersuites", sni->ciphersuites);
    add_option(&out, "ssl-min-ver", sni->min_version);
    add_option(&out, "ssl-max-ver", sni->max_version);
    return xstrdup(buf_str(&out));
}

/* --- Names below a wildcard --- */

/* In one line of the crt-list, which must fit into a payload. */
#define EXCEPT_MAX 12000

/* A name counts for the wildcard above it, too. */
static void
change_sni(struct plan *plan, const char *host)
{
    const char *rest = strchr(host, '.');
    AUTO_FREE char *above = xasprintf("*%s", rest ? rest : "");

    plan_change_(plan, PLAN_SET_SNIS, host);
    if (host[0] != '*' && map_get(plan->sets[PLAN_SET_SNIS], above)) {
        plan_soil_(plan, PLAN_SET_SNIS, above);
    }
}

static bool
is_below(const char *host, const char *wildcard)
{
    const char *rest = strchr(host, '.');

    return host[0] != '*' && rest && strcmp(rest, wildcard + 1) == 0;
}

static char *
join(const char **names, size_t n)
{
    AUTO_BUF struct buf out = BUF_OWN;

    qsort(names, n, sizeof *names, compare_texts);
    for (size_t i = 0;
         i < n && out.size + strlen(names[i]) < EXCEPT_MAX; i++) {
        buf_printf(&out, "%s%s", i ? " " : "", names[i]);
    }
    return xstrdup(buf_str(&out));
}

char *
plan_sni_except(const struct plan *plan, const char *host)
{
    const struct map *set = plan->sets[PLAN_SET_SNIS];
    const struct plan_name *wildcard = map_get(set, host);
    AUTO_FREE const char **names = NULL;
    struct map_iter it = MAP_ITER;
    size_t n = 0;

    if (host[0] != '*' || !wildcard || !wildcard->kinds) {
        return wildcard && wildcard->except ? xstrdup(wildcard->except)
                                            : NULL;
    }
    while (map_next(set, &it)) {
        const struct plan_name *name = it.value;

        if (is_below(it.key, host) && name->kinds &&
            (wildcard->kinds & ~name->kinds) && quote_is_sni(it.key)) {
            names = xrealloc(names, n + 1, sizeof *names);
            names[n++] = it.key;
        }
    }
    return n > 0 ? join(names, n) : NULL;
}

void
plan_set_sni(struct plan *plan, const char *host, const struct plan_sni *sni)
{
    struct map *set = plan->sets[PLAN_SET_SNIS];
    const struct plan_name *old = map_get(set, host);
    struct plan_name *name = xcalloc(1, sizeof *name);

    for (size_t i = 0; i < sni->n_certs; i++) {
        add_cert(name, sni->certs[i]);
    }
    name->options = make_options(sni);
    name->ca = sni->ca ? xstrdup(sni->ca) : NULL;
    name->crl = sni->crl ? xstrdup(sni->crl) : NULL;
    name->kinds = sni->kinds;
    if (name->n_certs == 1 && name->certs[0][0] == '\0' &&
        name->options[0] == '\0' && !name->ca) {
        plan_free_name_(name);
        plan_del_sni(plan, host);
        return;
    }
    if (old && is_same_name(old, name)) {
        plan_free_name_(name);
        return;
    }
    name = map_put(set, host, name);
    if (name) {
        plan_free_name_(name);
    }
    change_sni(plan, host);
}

void
plan_put_sni(struct plan *plan, const char *host, const char *cert,
             const char *options, const char *ca, const char *crl)
{
    struct map *set = plan->sets[PLAN_SET_SNIS];
    struct plan_name *name = map_get(set, host);
    AUTO_FREE char *except = NULL;
    AUTO_FREE char *plain = crtlist_except(options, &except);

    options = plain;
    if (!name) {
        name = xcalloc(1, sizeof *name);
        name->options = xstrdup(options);
        name->except = STEAL_PTR(except);
        name->ca = ca ? xstrdup(ca) : NULL;
        name->crl = crl ? xstrdup(crl) : NULL;
        map_put(set, host, name);
    } else if (!str_eq(name->options, options) || !str_eq(name->ca, ca) ||
               !str_eq(name->except, except) ||
               !str_eq(name->crl, crl)) {
        /* No plan has that; so it is equal to none. */
        free(name->options);
        name->options = xstrdup("?");
    }
    add_cert(name, cert);
    plan_change_(plan, PLAN_SET_SNIS, host);
}

void
plan_del_sni(struct plan *plan, const char *host)
{
    struct plan_name *old = map_remove(plan->sets[PLAN_SET_SNIS], host);

    if (old) {
        plan_free_name_(old);
        change_sni(plan, host);
    }
}

void
plan_client_id(const char *ca, const char *crl, char out[PLAN_CLIENT_ID_SIZE])
{
    AUTO_FREE char *both = xasprintf("%s %s", ca, crl ? crl : "");
    char digest[DIGEST_HEX_SIZE];

    digest_sha256_hex(both, strlen(both), digest);
    memcpy(out, digest, PLAN_CLIENT_ID_SIZE - 1);
    out[PLAN_CLIENT_ID_SIZE - 1] = '\0';
}
