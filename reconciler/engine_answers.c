/* engine_answers: what the engine says of what it holds. */
#include "reconciler/engine_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/claims.h"
#include "lib/ingress/unowned.h"
#include "lib/ingress/class.h"
#include "lib/ingress/defaults.h"
#include "lib/ingress/judge.h"
#include "lib/ingress/judge_tls.h"
#include "reconciler/asks.h"
#include "reconciler/authorities.h"
#include "reconciler/backends.h"
#include "reconciler/certs.h"
#include "reconciler/externals.h"
#include "reconciler/globals.h"
#include "reconciler/headers.h"
#include "reconciler/keyset.h"
#include "reconciler/quotas.h"
#include "reconciler/refs.h"
#include "reconciler/report.h"
#include "reconciler/routing.h"

char **
engine_take_touched(struct engine *e)
{
    return keyset_take(e->touched);
}

struct users *
engine_users(const struct engine *e)
{
    return e->users;
}

char **
engine_take_secrets(struct engine *e)
{
    return keyset_take(e->secrets);
}

const struct kube_object *
engine_ingress(const struct engine *e, const char *key)
{
    const struct model *model = engine_known_(e, key);

    return model ? model->object : NULL;
}

const struct kube_object *
engine_subject(const struct engine *e, const char *key)
{
    const char *configmap = e->ruleset->configmap;
    const char *certificate = e->ruleset->default_ssl_certificate;

    if (strcmp(key, ENGINE_CONFIGMAP) == 0) {
        return configmap ? cache_get(e->cache, KUBE_CONFIG_MAP, configmap)
                         : NULL;
    }
    if (strcmp(key, ENGINE_DEFAULT_CERTIFICATE) == 0) {
        return certificate ? cache_get(e->cache, KUBE_SECRET, certificate)
                           : NULL;
    }
    return engine_ingress(e, key);
}

bool
engine_is_backed(const struct engine *e, const char *ns, const char *host,
                 const char *key)
{
    return unowned_is_backed(e->claims, ns, host, key);
}

size_t
engine_n_hosts(const struct engine *e, const char *key)
{
    return routing_n_hosts(e->routing, key);
}

uint64_t
engine_generation(const struct engine *e, const char *key)
{
    return routing_generation(e->routing, key);
}

const struct cert_facts *
engine_cert_facts(const struct engine *e, const char *key,
                  struct cert_facts *room)
{
    return certs_known(e->certs, key, room);
}

bool
engine_lacks_secret(const struct engine *e, const char *key)
{
    const struct cert_facts *facts = certs_facts(e->certs, key);

    return facts && facts->is_missing && !facts->other_type;
}

char **
engine_take_served(struct engine *e)
{
    return certs_take_served(e->certs);
}

bool
engine_served(const struct engine *e, const char *key,
              struct x509_pair *out)
{
    return certs_served(e->certs, key, out);
}

void
engine_each_served(const struct engine *e,
                   void (*each)(const char *key, void *aux), void *aux)
{
    certs_each_served(e->certs, each, aux);
}

void
engine_staple(struct engine *e, const char *key, const char *fingerprint,
              const char *block, const char *said)
{
    if (certs_staple(e->certs, key, fingerprint, block, said)) {
        engine_touch_users_(key, e);
    }
}

void
engine_say_of_staple(struct engine *e, const char *key,
                     const char *fingerprint, const char *said)
{
    if (certs_say(e->certs, key, fingerprint, said)) {
        engine_touch_users_(key, e);
    }
}

const struct annot_value *
engine_global(const struct engine *e, enum annot_global which)
{
    return defaults_global(e->defaults, which);
}

static void
report_certificates(const struct engine *e, const struct model *model,
                    struct findings *out)
{
    const struct cert_source source = certs_source(e->certs);

    cert_judge(model, &source, e->now_s, out);
    certs_report(e->certs, model, out);
}

void
engine_findings(const struct engine *e, const char *key,
                struct findings *out)
{
    const struct model *model = engine_known_(e, key);
    const char *certificate = e->ruleset->default_ssl_certificate;

    if (strcmp(key, ENGINE_CONFIGMAP) == 0) {
        findings_add_all(out, e->complaints);
        findings_add_all(out, e->global_complaints);
        judge_configmap(e->ruleset, out);
    }
    if (strcmp(key, ENGINE_DEFAULT_CERTIFICATE) == 0) {
        cert_judge_default(certificate, certs_facts(e->certs, certificate),
                           e->defaults, e->now_s, out);
        certs_report_default(e->certs, out);
    }
    if (model) {
        judge(model, NULL, e->cache, out);
        claims_report(e->claims, model, out);
        headers_report(e->cache, e->defaults, model, out);
        externals_report(e->cache, e->backends, model, out);
        asks_report(e->asks, e->backends, e->claims, model, out);
        quotas_report(e->quotas, key, out);
        headers_report_rates(e->lacks_rates, model, out);
        judge_tls_hosts(e->claims, model, out);
        report_certificates(e, model, out);
        authorities_report(e->authorities, model, out);
        upstreams_report(e->upstreams, model, out);
        users_report(e->users, model, out);
    }
}

void
engine_report(const struct engine *e, uint64_t confirmed, struct buf *out)
{
    report_routes(e->routing, plan_generation(e->plan), confirmed, out);
}

struct key_list {
    const char **keys;
    size_t n;
};

static void
add_key(struct model *model, void *aux)
{
    struct key_list *list = aux;

    list->keys[list->n++] = model->object->key;
}

const char **
engine_ingresses(const struct engine *e, size_t *n)
{
    struct key_list list = { 0 };

    list.keys = xcalloc(claims_count(e->claims), sizeof *list.keys);
    claims_each(e->claims, add_key, &list);
    *n = list.n;
    return list.keys;
}

void
engine_follow(struct engine *e, engine_follow_fn *follow, void *aux)
{
    AUTO_FREE const char **names = NULL;
    size_t n;

    if (refs_take_followed(e->refs, &names, &n)) {
        follow(aux, names, n);
    }
}

char **
engine_external_names(const struct engine *e, size_t *n)
{
    return backends_external_names(e->backends, n);
}

static void
touch_service(const char *service_key, void *aux)
{
    struct engine *e = aux;

    refs_each(e->refs, KUBE_SERVICE, service_key, engine_touch_, e);
}

void
engine_resolved(struct engine *e, const char *host,
                const char *const *addresses, size_t n)
{
    backends_resolved(e->backends, host, addresses, n, touch_service, e);
    refs_each_host(e->refs, host, engine_touch_, e);
}

int64_t
engine_first_expiry(const struct engine *e)
{
    return certs_first_expiry(e->certs);
}
