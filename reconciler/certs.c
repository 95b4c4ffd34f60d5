#include "reconciler/certs.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/pem.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct cert {
    unsigned n_refs;
    struct cert_facts facts;
    struct metric *expiry;      /* NULL: no metrics, or nothing served. */
};

struct certs {
    const struct cache *cache;
    struct plan *plan;
    struct metrics *metrics;
    struct keyset *changed;
    char *default_key;
    struct map *certs;          /* Secret key -> struct cert */
    struct map *types;          /* Secret key -> its type, not that of TLS */
    int64_t now_s;
    int64_t next_s;             /* When certs_tick() has something to do. */
    int64_t first_expiry;       /* Of the last walk over all, and whether */
    bool is_first_stale;        /* a certificate has changed since. */
};

static void
free_cert(void *p)
{
    struct cert *cert = p;

    cert_facts_fini(&cert->facts);
    free(cert);
}

/* --- Metrics --- */

static void
count(struct certs *cs, const char *key, struct cert *cert)
{
    AUTO_FREE char *label = NULL;

    if (!cs->metrics) {
        return;
    }
    if (!cert->facts.is_served && cert->expiry) {
        metrics_drop(cs->metrics, cert->expiry);
        cert->expiry = NULL;
    }
    if (!cert->facts.is_served) {
        return;
    }
    if (!cert->expiry) {
        label = metrics_label("secret", key);
        cert->expiry = metrics_gauge(
            cs->metrics, "sallyport_certificate_not_after_timestamp_seconds",
            label, "When the certificate served from a Secret expires.");
    }
    metric_set(cert->expiry, cert->facts.not_after);
}

/* --- One Secret --- */

static bool
has_same_names(const struct cert_facts *a, const struct cert_facts *b)
{
    bool same = a->n_names == b->n_names;

    for (size_t i = 0; same && i < a->n_names; i++) {
        same = strcmp(a->names[i], b->names[i]) == 0;
    }
    return same;
}

static void
read_secret(const void *aux, struct buf *out)
{
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    AUTO(cert_facts_fini) struct cert_facts facts;

    cert_read(aux, &facts, &pair);
    buf_puts(out, pair.pem ? pair.pem : "");
}

static void
release_secret(const void *aux)
{
    kube_unref(aux);
}

static void
read_text(const void *aux, struct buf *out)
{
    buf_puts(out, aux);
}

/* The plan gets no copy but the object itself. */
static void
serve(struct certs *cs, const char *key, const struct kube_object *secret,
      const struct x509_pair *pair)
{
    struct pem_text *text =
        pem_text_from(read_secret, release_secret, kube_ref(secret));

    pem_text_prime(text, pair->pem);
    pem_text_vouch(text);       /* cert_read() has done it. */
    plan_set_cert(cs->plan, key, pair->pem, text);
    if (str_eq(key, cs->default_key)) {
        plan_set_cert(cs->plan, "", pair->pem, text);
    }
    pem_text_unref(text);
}

/* Reads the Secret again.  A good one goes into the plan; a bad one leaves
 * what is there; a deleted one is taken out. */
static bool
load(struct certs *cs, const char *key, struct cert *cert)
{
    const struct kube_object *secret =
        cache_get(cs->cache, KUBE_SECRET, key);
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    struct cert_facts now;
    bool changed;
    int64_t next_s;

    keyset_add(cs->changed, key);
    cs->is_first_stale = true;
    cert_read(secret, &now, &pair);
    if (now.problem && cert->facts.is_served) {
        free(cert->facts.problem);
        cert->facts.problem = now.problem;
        return false;
    }
    changed = now.is_served != cert->facts.is_served ||
              ((now.notes ^ cert->facts.notes) & X509_RSA) ||
              !has_same_names(&now, &cert->facts);
    if (now.is_served) {
        serve(cs, key, secret, &pair);
    } else if (cert->facts.is_served) {
        plan_del_cert(cs->plan, key);
    }
    cert_facts_fini(&cert->facts);
    cert->facts = now;
    count(cs, key, cert);
    next_s = cert_next_change(&now, cs->now_s);
    cs->next_s = next_s < cs->next_s ? next_s : cs->next_s;
    return changed;
}

struct certs *
certs_new(const struct cache *cache, struct plan *plan,
          const struct certs_options *options)
{
    struct certs *cs = xcalloc(1, sizeof *cs);
    struct pem_text *fallback =
        pem_text_from(read_text, NULL, options->fallback_pem);

    cs->cache = cache;
    cs->plan = plan;
    cs->metrics = options->metrics;
    cs->changed = options->changed;
    cs->certs = map_new();
    cs->types = map_new();
    cs->next_s = INT64_MAX;
    plan_set_cert(plan, "", options->fallback_pem, fallback);
    pem_text_unref(fallback);
    if (options->default_key) {
        cs->default_key = xstrdup(options->default_key);
        certs_ref(cs, options->default_key);
    }
    return cs;
}

void
certs_free(struct certs *cs)
{
    if (cs) {
        map_free(cs->certs, free_cert);
        map_free(cs->types, free);
        free(cs->default_key);
        free(cs);
    }
}

const char *
certs_ref(struct certs *cs, const char *secret_key)
{
    struct cert *cert = map_get(cs->certs, secret_key);

    if (!cert) {
        cert = xcalloc(1, sizeof *cert);
        map_put(cs->certs, secret_key, cert);
        load(cs, secret_key, cert);
    }
    cert->n_refs++;
    return map_key(cs->certs, secret_key);
}

void
certs_unref(struct certs *cs, const char *secret_key)
{
    struct cert *cert = map_get(cs->certs, secret_key);

    if (cert && --cert->n_refs == 0) {
        plan_del_cert(cs->plan, secret_key);
        keyset_add(cs->changed, secret_key);
        cs->is_first_stale = true;
        if (cert->expiry) {
            metrics_drop(cs->metrics, cert->expiry);
        }
        map_remove(cs->certs, secret_key);
        free_cert(cert);
    }
}

bool
certs_secret_changed(struct certs *cs, const char *secret_key)
{
    struct cert *cert = map_get(cs->certs, secret_key);

    return cert && load(cs, secret_key, cert);
}

/* --- Answers --- */

bool
certs_covers(const struct certs *cs, const char *secret_key,
             const char *host)
{
    const struct cert_facts *facts = certs_facts(cs, secret_key);

    return facts && facts->is_served && cert_covers(facts, host);
}

const struct cert_facts *
certs_facts(const struct certs *cs, const char *secret_key)
{
    const struct cert *cert = map_get(cs->certs, secret_key);

    return cert ? &cert->facts : NULL;
}

/* What is in use has a history (its last good certificate); of what nobody
 * uses the Secret itself tells. */
const struct cert_facts *
certs_known(const struct certs *cs, const char *key, struct cert_facts *room)
{
    const struct cert_facts *facts = certs_facts(cs, key);
    const char *type = map_get(cs->types, key);

    if (!cache_is_synced(cs->cache, KUBE_SECRET)) {
        return NULL;
    }
    if (!facts) {
        cert_read(cache_get(cs->cache, KUBE_SECRET, key), room, NULL);
        facts = room;
    }
    if (facts->is_missing && !facts->other_type && type) {
        cert_facts_fini(room);
        room->is_missing = true;
        room->other_type = xstrdup(type);
        facts = room;
    }
    return facts;
}

static const struct cert_facts *
get_facts(const char *key, struct cert_facts *room, void *aux)
{
    return certs_known(aux, key, room);
}

struct cert_source
certs_source(struct certs *cs)
{
    return (struct cert_source) { .get = get_facts, .aux = cs };
}

bool
certs_set_type(struct certs *cs, const char *key, const char *type)
{
    if (str_eq(map_get(cs->types, key), type)) {
        return false;
    }
    free(type ? map_put(cs->types, key, xstrdup(type))
              : map_remove(cs->types, key));
    keyset_add(cs->changed, key);
    cs->is_first_stale = true;
    return true;
}

void
certs_inherit(struct certs *cs, const struct certs *from)
{
    struct map_iter it = MAP_ITER;

    while (map_next(from->types, &it)) {
        free(map_put(cs->types, it.key, xstrdup(it.value)));
    }
}

/* Asked after every event, so that no event walks but one of a certificate. */
int64_t
certs_first_expiry(struct certs *cs)
{
    struct map_iter it = MAP_ITER;

    if (!cs->is_first_stale) {
        return cs->first_expiry;
    }
    cs->is_first_stale = false;
    cs->first_expiry = 0;
    while (map_next(cs->certs, &it)) {
        const struct cert *cert = it.value;

        if (cert->facts.is_served &&
            (cs->first_expiry == 0 ||
             cert->facts.not_after < cs->first_expiry)) {
            cs->first_expiry = cert->facts.not_after;
        }
    }
    return cs->first_expiry;
}

void
certs_tick(struct certs *cs, int64_t now_s,
           void (*each)(const char *secret_key, void *aux), void *aux)
{
    const int64_t before_s = cs->now_s;
    struct map_iter it = MAP_ITER;

    cs->now_s = now_s;
    if (now_s < cs->next_s) {
        return;
    }
    cs->next_s = INT64_MAX;
    while (map_next(cs->certs, &it)) {
        const struct cert *cert = it.value;
        const int64_t next_s = cert_next_change(&cert->facts, now_s);

        if (cert_next_change(&cert->facts, before_s) <= now_s) {
            each(it.key, aux);
        }
        cs->next_s = next_s < cs->next_s ? next_s : cs->next_s;
    }
}
