#include "reconciler/upstreams.h"

#include <stdlib.h>

#include "haproxy/pem.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509.h"
#include "lib/base/x509_bundle.h"
#include "lib/ingress/annot.h"

#define CA "ca.crt"
#define CRT "tls.crt"
#define KEY "tls.key"

struct upstream {
    unsigned n_refs;
    char *ca;                   /* Names in the plan; NULL: none. */
    char *cert;
    char *problem;
};

struct upstreams {
    const struct cache *cache;
    struct stores *stores;
    struct map *by_secret;      /* Secret key -> struct upstream */
};

struct upstreams *
upstreams_new(const struct cache *cache, struct stores *stores)
{
    struct upstreams *us = xcalloc(1, sizeof *us);

    us->cache = cache;
    us->stores = stores;
    us->by_secret = map_new();
    return us;
}

static void
free_upstream(void *p)
{
    struct upstream *u = p;

    free(u->ca);
    free(u->cert);
    free(u->problem);
    free(u);
}

void
upstreams_free(struct upstreams *us)
{
    if (us) {
        map_free(us->by_secret, free_upstream);
        free(us);
    }
}

/* --- Reading --- */

/* Empty is as good as none. */
static const struct kube_datum *
datum(const struct kube_object *secret, const char *name)
{
    const struct kube_datum *found = kube_datum(&secret->secret, name);

    return found && found->size > 0 ? found : NULL;
}

/* 'pair' is filled where the Secret has one. */
static struct err *
read_pair(const struct kube_object *secret, struct x509_pair *pair)
{
    const struct kube_datum *crt = datum(secret, CRT);
    const struct kube_datum *key = datum(secret, KEY);
    struct x509_text crt_text, key_text;

    if (!crt && !key) {
        return NULL;
    }
    if (!crt || !key) {
        return err_new(ERR_INVALID, "it has no %s", crt ? KEY : CRT);
    }
    crt_text = (struct x509_text) { crt->data, crt->size, CRT };
    key_text = (struct x509_text) { key->data, key->size, KEY };
    return x509_read_pair(&crt_text, &key_text, pair);
}

static struct err *
read_secret(const struct kube_object *secret, char **ca,
            struct x509_pair *pair)
{
    const struct kube_datum *authorities = datum(secret, CA);
    struct err *err = read_pair(secret, pair);

    if (!err && authorities) {
        err = x509_read_authorities(authorities->data, authorities->size, ca);
    }
    if (!err && !authorities && !pair->pem) {
        err = err_new(ERR_INVALID, "it has neither " CA " nor " CRT
                      " and " KEY);
    }
    return err;
}

/* The plan gets no copy of a key but the object that has it. */
static void
read_text(const void *aux, struct buf *out)
{
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    AUTO_ERR struct err *err = read_pair(aux, &pair);

    buf_puts(out, !err && pair.pem ? pair.pem : "");
}

static void
release_text(const void *aux)
{
    kube_unref(aux);
}

static char *
use_pair(struct upstreams *us, const struct kube_object *secret,
         const struct x509_pair *pair)
{
    struct pem_text *text =
        pem_text_from(read_text, release_text, kube_ref(secret));
    char *name;

    pem_text_prime(text, pair->pem);
    name = stores_use(us->stores, PLAN_PAIR, pair->pem, text);
    pem_text_unref(text);
    return name;
}

static void
load(struct upstreams *us, const char *key, struct upstream *u)
{
    const struct kube_object *secret =
        cache_get(us->cache, KUBE_SECRET, key);
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    AUTO_FREE char *ca = NULL;
    AUTO_ERR struct err *err = NULL;
    char *old_ca = STEAL_PTR(u->ca), *old_cert = STEAL_PTR(u->cert);

    err = secret ? read_secret(secret, &ca, &pair)
                 : err_new(ERR_GONE, "it does not exist");
    free(u->problem);
    u->problem = err ? xstrdup(err_text(err)) : NULL;
    if (!err && ca) {
        u->ca = stores_use(us->stores, PLAN_CA, ca, NULL);
    }
    if (!err && pair.pem) {
        u->cert = use_pair(us, secret, &pair);
    }
    stores_release(us->stores, old_ca);
    stores_release(us->stores, old_cert);
}

void
upstreams_ref(struct upstreams *us, const char *secret_key)
{
    struct upstream *u = map_get(us->by_secret, secret_key);

    if (!u) {
        u = xcalloc(1, sizeof *u);
        map_put(us->by_secret, secret_key, u);
        load(us, secret_key, u);
    }
    u->n_refs++;
}

void
upstreams_unref(struct upstreams *us, const char *secret_key)
{
    struct upstream *u = map_get(us->by_secret, secret_key);

    if (u && --u->n_refs == 0) {
        map_remove(us->by_secret, secret_key);
        stores_release(us->stores, STEAL_PTR(u->ca));
        stores_release(us->stores, STEAL_PTR(u->cert));
        free_upstream(u);
    }
}

bool
upstreams_secret_changed(struct upstreams *us, const char *secret_key)
{
    struct upstream *u = map_get(us->by_secret, secret_key);

    if (u) {
        load(us, secret_key, u);
    }
    return u != NULL;
}

/* --- Answers --- */

const char *
upstreams_ca(const struct upstreams *us, const char *secret_key)
{
    const struct upstream *u = map_get(us->by_secret, secret_key);

    return u ? u->ca : NULL;
}

const char *
upstreams_cert(const struct upstreams *us, const char *secret_key)
{
    const struct upstream *u = map_get(us->by_secret, secret_key);

    return u ? u->cert : NULL;
}

const char *
upstreams_problem(const struct upstreams *us, const char *secret_key)
{
    const struct upstream *u = map_get(us->by_secret, secret_key);

    return u ? u->problem : NULL;
}

void
upstreams_report(const struct upstreams *us, const struct model *model,
                 struct findings *out)
{
    const struct settings *s = model->settings;
    const struct upstream *u =
        s->ssl_secret ? map_get(us->by_secret, s->ssl_secret) : NULL;
    const char *problem = u ? u->problem : NULL;

    if (u && !problem && s->ssl_verify && !u->ca) {
        problem = "it has no " CA ", which proxy-ssl-verify needs";
    }
    if (problem) {
        findings_add(out, FINDING_ERROR, FINDING_INVALID, model->name,
                     "metadata.annotations[" ANNOT_PREFIX "proxy-ssl-secret]",
                     "Secret %s: %s; until it is there and good, the paths "
                     "of this Ingress answer 503", s->ssl_secret, problem);
    }
}
