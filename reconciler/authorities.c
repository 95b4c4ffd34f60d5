#include "reconciler/authorities.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509_bundle.h"
#include "lib/ingress/annot.h"

struct authority {
    unsigned n_refs;
    char *ca;                   /* NULL: not usable. */
    char *crl;                  /* NULL: none. */
    char *problem;
};

struct authorities {
    const struct cache *cache;
    struct stores *stores;
    struct map *by_secret;      /* Secret key -> struct authority */
};

struct authorities *
authorities_new(const struct cache *cache, struct stores *stores)
{
    struct authorities *as = xcalloc(1, sizeof *as);

    as->cache = cache;
    as->stores = stores;
    as->by_secret = map_new();
    return as;
}

static void
free_authority(void *p)
{
    struct authority *a = p;

    free(a->ca);
    free(a->crl);
    free(a->problem);
    free(a);
}

void
authorities_free(struct authorities *as)
{
    if (as) {
        map_free(as->by_secret, free_authority);
        free(as);
    }
}

/* --- Reading --- */

static struct err *
read_secret(const struct authorities *as, const char *key, char **ca,
            char **crl)
{
    const struct kube_object *object = cache_get(as->cache, KUBE_SECRET, key);
    const struct kube_datum *crt, *list;
    struct err *err;

    if (!object) {
        return err_new(ERR_GONE, "Secret %s does not exist", key);
    }
    crt = kube_datum(&object->secret, "ca.crt");
    list = kube_datum(&object->secret, "ca.crl");
    if (!crt) {
        return err_new(ERR_INVALID, "Secret %s has no ca.crt: it must hold "
                       "the certificates that signed those of clients", key);
    }
    err = err_wrap(x509_read_authorities(crt->data, crt->size, ca),
                   "Secret %s", key);
    if (!err && list && list->size > 0) {
        err = err_wrap(x509_read_crls(list->data, list->size, crl),
                       "Secret %s: ca.crl", key);
    }
    return err;
}

/* Reads the Secret again; true where a name changed. */
static bool
load(struct authorities *as, const char *key, struct authority *a)
{
    AUTO_FREE char *ca = NULL;
    AUTO_FREE char *crl = NULL;
    AUTO_ERR struct err *err = read_secret(as, key, &ca, &crl);
    char *old_ca = a->ca, *old_crl = a->crl;
    bool is_changed;

    free(a->problem);
    a->problem = err ? xstrdup(err_text(err)) : NULL;
    a->ca = err ? NULL : stores_use(as->stores, PLAN_CA, ca, NULL);
    a->crl = err || !crl ? NULL : stores_use(as->stores, PLAN_CRL, crl, NULL);
    is_changed = !str_eq(a->ca, old_ca) || !str_eq(a->crl, old_crl);
    stores_release(as->stores, old_ca);
    stores_release(as->stores, old_crl);
    return is_changed;
}

const char *
authorities_ref(struct authorities *as, const char *secret_key)
{
    struct authority *a = map_get(as->by_secret, secret_key);

    if (!a) {
        a = xcalloc(1, sizeof *a);
        map_put(as->by_secret, secret_key, a);
        (void) load(as, secret_key, a);
    }
    a->n_refs++;
    return map_key(as->by_secret, secret_key);
}

void
authorities_unref(struct authorities *as, const char *secret_key)
{
    struct authority *a = map_get(as->by_secret, secret_key);

    if (a && --a->n_refs == 0) {
        map_remove(as->by_secret, secret_key);
        stores_release(as->stores, STEAL_PTR(a->ca));
        stores_release(as->stores, STEAL_PTR(a->crl));
        free_authority(a);
    }
}

bool
authorities_secret_changed(struct authorities *as, const char *secret_key)
{
    struct authority *a = map_get(as->by_secret, secret_key);

    return a && load(as, secret_key, a);
}

const char *
authorities_ca(const struct authorities *as, const char *secret_key)
{
    const struct authority *a = map_get(as->by_secret, secret_key);

    return a ? a->ca : NULL;
}

const char *
authorities_crl(const struct authorities *as, const char *secret_key)
{
    const struct authority *a = map_get(as->by_secret, secret_key);

    return a ? a->crl : NULL;
}

const char *
authorities_problem(const struct authorities *as, const char *secret_key)
{
    const struct authority *a = map_get(as->by_secret, secret_key);

    return a ? a->problem : NULL;
}

void
authorities_report(const struct authorities *as, const struct model *model,
                   struct findings *out)
{
    const char *secret = model->settings->client_secret;
    const char *problem = secret ? authorities_problem(as, secret) : NULL;

    if (problem) {
        findings_add(out, FINDING_ERROR, FINDING_INVALID, model->name,
                     "metadata.annotations[" ANNOT_PREFIX "auth-tls-secret]",
                     "%s; until it is there and good, the hosts of this "
                     "Ingress answer 503", problem);
    }
}
