#include "lib/ingress/judge_tls.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/defaults.h"

#define MODERN "it has no effect: the controller speaks TLS 1.3 alone, with " \
               "ciphers of its own (--tls-profile modern)"

/* What of the settings is one option of a connection; NULL: nothing. */
typedef const char *option_fn(const struct settings *);

static const char *
ciphers_of(const struct settings *s)
{
    return s->tls_ciphers;
}

static const char *
versions_of(const struct settings *s)
{
    return s->tls12 ? s->tls13 ? "TLSv1.2 TLSv1.3" : "TLSv1.2"
           : s->tls13 ? "TLSv1.3" : NULL;
}

static const struct option {
    const char *name;
    option_fn *value;
} options[] = {
    { "ssl-ciphers", ciphers_of },
    { "tls-protocols", versions_of },
};

/* The key under which an Ingress itself says it; NULL: it does not. */
static const char *
key_of(const struct model *m, const char *name, char **room)
{
    static const char *const prefixes[] = { ANNOT_OWN_PREFIX, ANNOT_PREFIX };

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        free(*room);
        *room = xasprintf("%s%s", prefixes[i], name);
        if (!str_is_empty(kube_pair(&m->object->annotations, *room))) {
            return *room;
        }
    }
    return NULL;
}

/* Whose word counts on 'host' before that of 'm'; NULL: nobody's. */
static const struct model *
first_of(const struct claims *claims, const char *host,
         const struct model *m, option_fn *value)
{
    size_t n;
    AUTO_FREE struct claim *all = claims_host(claims, host, &n);

    for (size_t i = 0; i < n; i++) {
        const struct model *other = all[i].model;

        if (!all[i].route || !all[i].holds) {
            continue;
        }
        if (str_eq(other->key, m->key)) {
            return NULL;
        }
        if (value(other->settings)) {
            return other;
        }
    }
    return NULL;
}

static bool
is_new_host(const struct model *m, size_t route)
{
    for (size_t i = 0; i < route; i++) {
        if (str_eq(m->routes[i].host, m->routes[route].host)) {
            return false;
        }
    }
    return true;
}

static void
judge_option(const struct claims *claims, const struct model *m,
             const struct option *option, struct findings *out)
{
    AUTO_FREE char *room = NULL;
    const char *own = option->value(m->settings);
    const char *key = own ? key_of(m, option->name, &room) : NULL;
    AUTO_FREE char *field = NULL;

    if (!key) {
        return;
    }
    field = xasprintf("metadata.annotations[%s]", key);
    for (size_t i = 0; i < m->n_routes; i++) {
        const char *host = m->routes[i].host;
        const struct model *first =
            is_new_host(m, i) ? first_of(claims, host, m, option->value)
                              : NULL;
        const char *theirs = first ? option->value(first->settings) : own;

        if (!str_eq(theirs, own)) {
            AUTO_FREE char *shown = str_quote(theirs);

            findings_add(out, FINDING_WARNING, FINDING_INVALID, m->name,
                         field, "it has no effect on host \"%s\": Ingress %s "
                         "was there first, with %s; write the same in both",
                         host, first->key, shown);
        }
    }
}

void
judge_tls_hosts(const struct claims *claims, const struct model *m,
                struct findings *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        judge_option(claims, m, &options[i], out);
    }
}

/* What it speaks anyway. */
static bool
is_modern(const char *value)
{
    return str_eq(value, "TLSv1.3");
}

void
judge_tls_modern(const struct model *m, struct findings *out)
{
    const bool is_asked = m->ruleset->tls_profile == TLS_PROFILE_MODERN;

    for (size_t i = 0; is_asked && i < ARRAY_SIZE(options); i++) {
        const char *value = options[i].value(m->settings);
        AUTO_FREE char *room = NULL;
        const char *key = value && !is_modern(value)
                              ? key_of(m, options[i].name, &room) : NULL;

        if (key) {
            AUTO_FREE char *field =
                xasprintf("metadata.annotations[%s]", key);

            findings_add(out, FINDING_WARNING, FINDING_INVALID, m->name,
                         field, "%s", MODERN);
        }
    }
}

void
judge_tls_modern_defaults(const struct ruleset *r, struct findings *out)
{
    const bool is_asked = r->tls_profile == TLS_PROFILE_MODERN;
    AUTO_FREE char *name = xasprintf("ConfigMap %s", r->configmap);

    for (size_t i = 0; is_asked && i < ARRAY_SIZE(options); i++) {
        size_t row = 0;
        const struct annot_def *def = annot_find(options[i].name, &row);
        const char *value = def ? defaults_get(r->defaults, row) : NULL;

        if (value && !is_modern(value)) {
            AUTO_FREE char *field = xasprintf("data[%s]", def->key);

            findings_add(out, FINDING_WARNING, FINDING_INVALID, name, field,
                         "%s", MODERN);
        }
    }
}
