#include "reconciler/certs.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/pem.h"
#include "lib/base/digest.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct cert {
    unsigned n_refs;
    struct cert_facts facts;
    const struct kube_object *good;     /* What is served; NULL: nothing. */
    char fingerprint[DIGEST_HEX_SIZE];  /* Of that. */
    struct metric *expiry;      /* NULL: no metrics, or nothing served. */
};

/* What was told of a certificate. */
struct staple {
    char fingerprint[DIGEST_HEX_SIZE];
    char *block;                /* NULL: none. */
    char *said;
};

struct certs {
    const struct cache *cache;
    struct plan *plan;
    struct metrics *metrics;
    struct keyset *changed;
    char *default_key;
    struct map *certs;          /* Secret key -> struct cert */
    struct map *types;          /* Secret key -> its type, not that of TLS */
    struct map *staples;        /* Secret key -> struct staple */
    struct keyset *served;      /* See certs_take_served(). */
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
    if (cert->good) {
        kube_unref(cert->good);
    }
    free(cert);
}

static void
free_staple(void *p)
{
    struct staple *staple = p;

    free(staple->block);
    free(staple->said);
    free(staple);
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

/* A certificate as it is served, for as long as the plan refers to it. */
struct served {
    const struct kube_object *secret;
    char *block;                /* Behind it; NULL: none. */
};

static void
read_served(const void *aux, struct buf *out)
{
    const struct served *served = aux;
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    AUTO(cert_facts_fini) struct cert_facts facts;

    cert_read(served->secret, &facts, &pair);
    buf_puts(out, pair.pem ? pair.pem : "");
    buf_puts(out, served->block ? served->block : "");
}

static void
release_served(const void *aux)
{
    struct served *served = (void *) (uintptr_t) aux;

    kube_unref(served->secret);
    free(served->block);
    free(served);
}

static void
read_text(const void *aux, struct buf *out)
{
    buf_puts(out, aux);
}

/* What goes with the certificate that is served from a Secret; NULL: nothing
 * was told of this one. */
static const struct staple *
staple_of(const struct certs *cs, const char *key)
{
    const struct cert *cert = map_get(cs->certs, key);
    const struct staple *staple = map_get(cs->staples, key);

    return cert && cert->good && staple &&
                   str_eq(staple->fingerprint, cert->fingerprint)
               ? staple : NULL;
}

/* The plan gets no copy but the object itself. */
static void
serve(struct certs *cs, const char *key, const struct cert *cert,
      const struct x509_pair *pair)
{
    const struct staple *staple = staple_of(cs, key);
    struct served *served = xcalloc(1, sizeof *served);
    AUTO_BUF struct buf all = BUF_SECRET(BUF_OWN_MAX);
    struct pem_text *text;

    served->secret = kube_ref(cert->good);
    served->block = staple && staple->block ? xstrdup(staple->block) : NULL;
    text = pem_text_from(read_served, release_served, served);
    buf_puts(&all, pair->pem);
    buf_puts(&all, served->block ? served->block : "");
    pem_text_prime(text, buf_str(&all));
    pem_text_vouch(text);       /* cert_read() has done it. */
    plan_set_cert(cs->plan, key, buf_str(&all), text);
    if (str_eq(key, cs->default_key)) {
        plan_set_cert(cs->plan, "", buf_str(&all), text);
    }
    pem_text_unref(text);
}

/* The certificate of a Secret is another one from here on, or with NULL none
 * any more. */
static void
exchange(struct certs *cs, const char *key, struct cert *cert,
         const struct kube_object *secret, const char *fingerprint)
{
    if (cert->good) {
        kube_unref(cert->good);
    }
    cert->good = secret ? kube_ref(secret) : NULL;
    if (!str_eq(cert->fingerprint, fingerprint)) {
        keyset_add(cs->served, key);
    }
    memcpy(cert->fingerprint, fingerprint, strlen(fingerprint) + 1);
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
    exchange(cs, key, cert, now.is_served ? secret : NULL, pair.fingerprint);
    if (now.is_served) {
        serve(cs, key, cert, &pair);
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
    cs->staples = map_new();
    cs->served = keyset_new();
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
        map_free(cs->staples, free_staple);
        keyset_free(cs->served);
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
        if (cert->good) {
            keyset_add(cs->served, secret_key);
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

/* --- What goes with a certificate --- */

char **
certs_take_served(struct certs *cs)
{
    return keyset_take(cs->served);
}

void
certs_each_served(const struct certs *cs,
                  void (*each)(const char *secret_key, void *aux), void *aux)
{
    struct map_iter it = MAP_ITER;

    while (map_next(cs->certs, &it)) {
        if (((const struct cert *) it.value)->good) {
            each(it.key, aux);
        }
    }
}

bool
certs_served(const struct certs *cs, const char *secret_key,
             struct x509_pair *out)
{
    const struct cert *cert = map_get(cs->certs, secret_key);
    AUTO(cert_facts_fini) struct cert_facts facts = { .names = NULL };

    memset(out, 0, sizeof *out);
    if (cert && cert->good) {
        cert_read(cert->good, &facts, out);
    }
    return out->pem != NULL;
}

static void
put_staple(struct certs *cs, const char *key, const struct staple *from)
{
    struct staple *staple = xcalloc(1, sizeof *staple);

    *staple = *from;
    staple->block = from->block ? xstrdup(from->block) : NULL;
    staple->said = from->said ? xstrdup(from->said) : NULL;
    staple = map_put(cs->staples, key, staple);
    if (staple) {
        free_staple(staple);
    }
}

bool
certs_staple(struct certs *cs, const char *key, const char *fingerprint,
             const char *block, const char *said)
{
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    const struct staple *old = map_get(cs->staples, key);
    const bool is_other = !str_eq(old ? old->said : NULL, said);
    const bool is_moved = !str_eq(old ? old->block : NULL, block);
    struct staple now = {
        .block = (char *) (uintptr_t) block,
        .said = (char *) (uintptr_t) said,
    };

    memcpy(now.fingerprint, fingerprint, strlen(fingerprint) + 1);
    if (block || said) {
        put_staple(cs, key, &now);
    } else if (old) {
        free_staple(map_remove(cs->staples, key));
    }
    if (is_moved && certs_served(cs, key, &pair)) {
        serve(cs, key, map_get(cs->certs, key), &pair);
    }
    return is_other;
}

bool
certs_say(struct certs *cs, const char *key, const char *fingerprint,
          const char *said)
{
    const struct staple *old = map_get(cs->staples, key);
    AUTO_FREE char *block =
        old && old->block && strcmp(old->fingerprint, fingerprint) == 0
            ? xstrdup(old->block) : NULL;

    return certs_staple(cs, key, fingerprint, block, said);
}

static void
say(const struct certs *cs, const char *object, const char *key,
    const char *tls_field, struct findings *out)
{
    const struct staple *staple = key ? staple_of(cs, key) : NULL;
    const char *end = strchr(tls_field, ']');
    AUTO_FREE char *field =
        end ? xasprintf("%.*s.secretName", (int) (end + 1 - tls_field),
                        tls_field)
            : xstrdup("");

    if (staple && staple->said) {
        findings_add(out, FINDING_WARNING, FINDING_INVALID, object, field,
                     "%s", staple->said);
    }
}

void
certs_report(const struct certs *cs, const struct model *m,
             struct findings *out)
{
    for (size_t i = 0; i < m->n_tls; i++) {
        const struct model_tls *tls = &m->tls[i];

        say(cs, m->name, tls->secret, tls->field, out);
        if (tls->second) {
            say(cs, m->name, tls->second, tls->second_field, out);
        }
    }
}

void
certs_report_default(const struct certs *cs, struct findings *out)
{
    if (cs->default_key) {
        AUTO_FREE char *object = xasprintf("Secret %s", cs->default_key);

        say(cs, object, cs->default_key, "", out);
    }
}

void
certs_inherit(struct certs *cs, const struct certs *from)
{
    struct map_iter it = MAP_ITER;

    while (map_next(from->types, &it)) {
        free(map_put(cs->types, it.key, xstrdup(it.value)));
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(from->staples, &it)) {
        put_staple(cs, it.key, it.value);
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
