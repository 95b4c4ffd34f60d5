#include "reconciler/certs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509.h"

struct cert {
    unsigned n_refs;
    bool is_usable;
    struct x509_pair pair;      /* Of the last good one; its PEM is dropped. */
    char *problem;
};

struct certs {
    const struct cache *cache;
    struct plan *plan;
    char *default_key;
    struct map *certs;          /* Secret key -> struct cert */
};

static void
free_cert(void *p)
{
    struct cert *cert = p;

    x509_pair_fini(&cert->pair);
    free(cert->problem);
    free(cert);
}

static struct err *
read_secret(const struct certs *cs, const char *key, struct x509_pair *out)
{
    const struct kube_object *object = cache_get(cs->cache, KUBE_SECRET, key);
    const struct kube_datum *crt, *private_key;

    if (!object) {
        return err_new(ERR_GONE, "Secret %s does not exist", key);
    }
    crt = kube_datum(&object->secret, "tls.crt");
    private_key = kube_datum(&object->secret, "tls.key");
    if (!crt || !private_key) {
        return err_new(ERR_INVALID,
                       "Secret %s has no %s: it must be of type "
                       "kubernetes.io/tls with tls.crt and tls.key",
                       key, crt ? "tls.key" : "tls.crt");
    }
    return err_wrap(x509_read(crt->data, crt->size, private_key->data,
                              private_key->size, out),
                    "Secret %s", key);
}

/* Reads the Secret again.  A good one goes into the plan; a bad one leaves
 * what is there; a deleted one is taken out. */
static bool
load(struct certs *cs, const char *key, struct cert *cert)
{
    struct x509_pair pair = { 0 };
    AUTO_ERR struct err *err = read_secret(cs, key, &pair);
    bool changed;

    free(cert->problem);
    cert->problem = err ? xstrdup(err_text(err)) : NULL;
    if (err && err_kind(err) == ERR_GONE && cert->is_usable) {
        cert->is_usable = false;
        x509_pair_fini(&cert->pair);
        cert->pair = (struct x509_pair) { 0 };
        plan_del_cert(cs->plan, key);
        return true;
    }
    if (err) {
        return false;
    }
    changed = !cert->is_usable || pair.n_names != cert->pair.n_names;
    for (size_t i = 0; !changed && i < pair.n_names; i++) {
        changed = strcmp(pair.names[i], cert->pair.names[i]) != 0;
    }
    plan_set_cert(cs->plan, key, pair.pem);
    if (str_eq(key, cs->default_key)) {
        plan_set_cert(cs->plan, "", pair.pem);
    }
    explicit_bzero(pair.pem, strlen(pair.pem));
    free(pair.pem);
    pair.pem = NULL;
    x509_pair_fini(&cert->pair);
    cert->pair = pair;
    cert->is_usable = true;
    return changed;
}

struct certs *
certs_new(const struct cache *cache, struct plan *plan,
          const char *default_key, const char *fallback_pem)
{
    struct certs *cs = xcalloc(1, sizeof *cs);

    cs->cache = cache;
    cs->plan = plan;
    cs->certs = map_new();
    plan_set_cert(plan, "", fallback_pem);
    if (default_key) {
        cs->default_key = xstrdup(default_key);
        certs_ref(cs, default_key);
    }
    return cs;
}

void
certs_free(struct certs *cs)
{
    if (cs) {
        map_free(cs->certs, free_cert);
        free(cs->default_key);
        free(cs);
    }
}

void
certs_ref(struct certs *cs, const char *secret_key)
{
    struct cert *cert = map_get(cs->certs, secret_key);

    if (!cert) {
        cert = xcalloc(1, sizeof *cert);
        map_put(cs->certs, secret_key, cert);
        load(cs, secret_key, cert);
    }
    cert->n_refs++;
}

void
certs_unref(struct certs *cs, const char *secret_key)
{
    struct cert *cert = map_get(cs->certs, secret_key);

    if (cert && --cert->n_refs == 0) {
        plan_del_cert(cs->plan, secret_key);
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

bool
certs_is_usable(const struct certs *cs, const char *secret_key)
{
    const struct cert *cert = map_get(cs->certs, secret_key);

    return cert && cert->is_usable;
}

bool
certs_covers(const struct certs *cs, const char *secret_key,
             const char *host)
{
    const struct cert *cert = map_get(cs->certs, secret_key);

    return cert && cert->is_usable && x509_covers(&cert->pair, host);
}

const char *
certs_problem(const struct certs *cs, const char *secret_key)
{
    const struct cert *cert = map_get(cs->certs, secret_key);

    return cert ? cert->problem : NULL;
}

int64_t
certs_first_expiry(const struct certs *cs)
{
    struct map_iter it = MAP_ITER;
    int64_t first = 0;

    while (map_next(cs->certs, &it)) {
        const struct cert *cert = it.value;

        if (cert->is_usable &&
            (first == 0 || cert->pair.not_after < first)) {
            first = cert->pair.not_after;
        }
    }
    return first;
}
