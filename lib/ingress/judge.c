#include "lib/ingress/judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/defaults.h"
#include "lib/ingress/judge_ask.h"
#include "lib/ingress/judge_beside.h"
#include "lib/ingress/judge_tls.h"

#define MAX_PORTS_SHOWN 8

/* --- What an Ingress names --- */

struct judging {
    const struct model *model;
    const struct cache *cache;
    struct findings *out;
};

static void
put_port(struct buf *out, const struct kube_service_port *p)
{
    buf_printf(out, "%" PRId32, p->port);
    if (!str_is_empty(p->name)) {
        AUTO_FREE char *name = str_quote(p->name);

        buf_printf(out, " (%s)", name);
    }
}

static void
put_ports(struct buf *out, const struct kube_service *s)
{
    for (size_t i = 0; i < s->n_ports && i < MAX_PORTS_SHOWN; i++) {
        if (i > 0) {
            buf_puts(out, ", ");
        }
        put_port(out, &s->ports[i]);
    }
    if (s->n_ports > MAX_PORTS_SHOWN) {
        buf_printf(out, " and %" PRIu32 " more", s->n_ports - MAX_PORTS_SHOWN);
    } else if (s->n_ports == 0) {
        buf_puts(out, "none");
    }
}

static char *
port_text(const struct kube_port *port)
{
    return str_is_empty(port->name) ? xasprintf("%" PRId32, port->number)
                                    : str_quote(port->name);
}

static void PRINTF(4, 5)
say(const struct judging *j, enum finding_severity severity,
    struct place place, const char *fmt, ...)
{
    AUTO_FREE char *field = place_text(place);
    va_list args;

    va_start(args, fmt);
    findings_vadd(j->out, severity, FINDING_INVALID, j->model->name, field,
                  fmt, args);
    va_end(args);
}

/* Of 'port', 'found' is what the Service has, NULL: nothing. */
static void
say_port(const struct judging *j, const struct kube_object *service,
         const struct kube_port *port, const struct kube_service_port *found,
         struct place place)
{
    AUTO_FREE char *text = port_text(port);
    AUTO_BUF struct buf ports = BUF_OWN;

    if (!found) {
        put_ports(&ports, &service->service);
        say(j, FINDING_WARNING, place, "Service \"%s\" has no port %s (it "
            "has: %s): requests get 503 until it has", service->key, text,
            buf_str(&ports));
    } else if (!found->is_tcp) {
        say(j, FINDING_WARNING, place, "port %s of Service \"%s\" is not "
            "TCP: requests get 503", text, service->key);
    } else {
        say(j, FINDING_WARNING, place, "Service \"%s\" has no port %s, which "
            "is the targetPort of its port %" PRId32 ": that is taken, but "
            "write the latter", service->key, text, found->port);
    }
}

static void
judge_port(const struct judging *j, const struct kube_object *service,
           const struct kube_port *port, struct place place)
{
    const struct kube_service_port *found =
        kube_service_port(&service->service, port);

    if (!found || !found->is_tcp || !kube_service_port_is(found, port)) {
        say_port(j, service, port, found, place);
    }
}

/* Where 'base' is a backend, its members are told, else the field itself. */
static void
judge_service(const struct judging *j, const char *ns,
              const struct kube_backend *backend, const char *base,
              bool is_backend)
{
    const struct place at_name =
        PLACE(base, is_backend ? ".service.name" : "");
    const struct place at_port =
        PLACE(base, is_backend ? ".service.port" : "");
    AUTO_FREE char *key = str_concat(ns, "/", backend->service);
    const struct kube_object *service =
        cache_get(j->cache, KUBE_SERVICE, key);

    if (!service) {
        say(j, FINDING_WARNING, at_name, "Service \"%s\" does not exist: "
            "requests get 503 until it does", key);
    } else if (service->service.type != KUBE_SERVICE_EXTERNAL_NAME) {
        judge_port(j, service, &backend->port, at_port);
    } else if (!j->model->ruleset->allow_external_names) {
        say(j, FINDING_ERROR, at_name, "Service \"%s\" is of type "
            "ExternalName, which this controller serves only with "
            "--allow-external-names: use a Service with endpoints in the "
            "cluster", key);
    }
}

static void
judge_backend(const struct kube_backend *backend, const char *field,
              void *aux)
{
    const struct judging *j = aux;

    judge_service(j, j->model->ns, backend, field, true);
}

/* The Service that is asked whether requests may pass. */
static void
judge_asked(const struct judging *j)
{
    struct judge_ask ask;

    if (judge_ask_service(j->model, &ask)) {
        judge_service(j, ask.namespace, &ask.backend, ask.field, false);
    }
    judge_ask_fini(&ask);
}

/* True for a path of a rule: other routes use the default backend. */
static bool
is_path(const struct route *r)
{
    return r->backend.service && str_ends(r->field, "]") &&
           strstr(r->field, ".http.paths[");
}

void
judge_each_backend(const struct model *m,
                   void (*each)(const struct kube_backend *,
                                const char *field, void *aux),
                   void *aux)
{
    if (m->settings->redirect_url) {
        return;     /* Every request is redirected: no Service is asked. */
    }
    for (size_t i = 0; i < m->n_routes; i++) {
        if (is_path(&m->routes[i])) {
            AUTO_FREE char *field = str_concat(m->routes[i].field,
                                               ".backend");

            each(&m->routes[i].backend, field, aux);
        }
    }
    if (m->default_backend) {
        each(m->default_backend, "spec.defaultBackend", aux);
    } else if (m->n_routes == 1 && m->routes[0].kind == ROUTE_DEFAULT) {
        each(&m->routes[0].backend, "spec.defaultBackend", aux);
    }
}

/* More than one namespace may have: nobody else is to feel it. */
static void
judge_quota(const struct claims *claims, const struct model *m,
            struct findings *out)
{
    const enum quota_kind kind = claims_quota_exceeded(claims, m);

    if (kind != QUOTA_N) {
        AUTO_FREE char *text = quota_text(kind, m->ruleset);

        findings_add(out, FINDING_ERROR, FINDING_INVALID, m->name, "spec",
                     "with it, namespace \"%s\" has %s: take others out, or "
                     "ask for more", m->ns, text);
    }
}

void
judge(const struct model *m, const struct claims *claims,
      const struct cache *cache, struct findings *out)
{
    struct judging j = { .model = m, .cache = cache, .out = out };

    findings_add_all(out, m->findings);
    judge_tls_modern(m, out);
    if (claims) {
        claims_judge(claims, m, out);
        judge_quota(claims, m, out);
        judge_ask_host(claims, m, out);
        judge_tls_hosts(claims, m, out);
    }
    if (cache && cache_is_watched(cache, KUBE_SERVICE) &&
        cache_is_synced(cache, KUBE_SERVICE)) {
        judge_each_backend(m, judge_backend, &j);
        judge_asked(&j);
        judge_beside(m, cache, out);
    }
}

void
judge_configmap(const struct ruleset *ruleset, struct findings *out)
{
    if (ruleset->configmap) {
        defaults_check(ruleset->defaults, ruleset->configmap, out);
        judge_tls_modern_defaults(ruleset, out);
    }
}

void
judge_users(const struct model *m, const struct cache *cache,
            struct findings *out)
{
    const struct settings *s = m->settings;

    if (s->auth != SETTINGS_AUTH_NONE && !s->refuse &&
        cache_is_watched(cache, KUBE_SECRET) &&
        cache_is_synced(cache, KUBE_SECRET) &&
        !cache_get(cache, KUBE_SECRET, s->auth_secret)) {
        const bool is_own = kube_pair(&m->object->annotations,
                                      ANNOT_OWN_PREFIX "auth-secret");

        findings_add(out, FINDING_WARNING, FINDING_INVALID, m->name,
                     is_own ? "metadata.annotations[" ANNOT_OWN_PREFIX
                              "auth-secret]"
                            : "metadata.annotations[" ANNOT_PREFIX
                              "auth-secret]",
                     "Secret \"%s\" does not exist: requests get 503 until "
                     "it does", s->auth_secret);
    }
}

/* --- Ratchet --- */

/* What a finding is apart from its place in a list: a rule that moved up or
 * down is no new finding. */
static char *
identity(const struct finding *f)
{
    AUTO_BUF struct buf out = BUF_OWN;

    for (const char *s = f->field; *s; s++) {
        size_t digits = *s == '[' ? strspn(s + 1, "0123456789") : 0;

        buf_putc(&out, *s);
        if (digits > 0 && s[digits + 1] == ']') {
            s += digits;
        }
    }
    buf_printf(&out, "\n%s\n%s", f->object, f->message);
    return buf_take(&out);
}

static bool
is_old(const struct finding *f, void *aux)
{
    AUTO_FREE char *key = identity(f);

    return map_get(aux, key) != NULL;
}

void
judge_ratchet(struct findings *now, const struct findings *before)
{
    struct map *known = map_new();

    for (size_t i = 0; i < findings_count(before); i++) {
        const struct finding *f = findings_get(before, i);

        if (f->severity == FINDING_ERROR) {
            AUTO_FREE char *key = identity(f);

            map_put(known, key, known);
        }
    }
    findings_soften(now, is_old, known);
    map_free(known, NULL);
}
