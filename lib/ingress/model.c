#include "lib/ingress/model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/class.h"
#include "lib/ingress/host.h"
#include "lib/ingress/model_priv.h"
#include "lib/ingress/name.h"
#include "lib/ingress/settings_share.h"

#define CANARY_ANNOTATION ANNOT_PREFIX "canary"

char *
build_own(struct build *b, char *text)
{
    char *copy = text ? arena_text(&b->owned, text, strlen(text)) : NULL;

    free(text);
    return copy;
}

const char *
build_item(const char *base, size_t i, char room[BUILD_ITEM_SIZE])
{
    char digits[STR_DIGITS_SIZE];
    char *at = stpcpy(room, base);

    *at++ = '[';
    at = stpcpy(at, str_digits(i, digits));
    stpcpy(at, "]");
    return room;
}

static void
add_finding(struct build *b, enum finding_severity severity,
            struct place place, const char *fmt, va_list args)
{
    AUTO_FREE char *field = place_text(place);

    findings_vadd(b->model->findings, severity, FINDING_INVALID,
                  b->model->name, field, fmt, args);
}

void
build_error(struct build *b, struct place place, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_finding(b, FINDING_ERROR, place, fmt, args);
    va_end(args);
}

void
build_warn(struct build *b, struct place place, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_finding(b, FINDING_WARNING, place, fmt, args);
    va_end(args);
}

/* What is wrong with 'host' as it is written; 'canonical' is NULL where it
 * cannot be served. */
static void
say_host(struct build *b, const char *host, const char *canonical,
         const char *why, struct place place)
{
    AUTO_FREE char *quoted = str_quote(host);

    if (canonical) {
        build_error(b, place, "host %s %s: write \"%s\"", quoted, why,
                    canonical);
    } else {
        build_error(b, place, "host %s %s", quoted, why);
    }
}

/* NULL: it has none. */
static const char *
make_canonical(struct build *b, const char *host, struct place place)
{
    const char *why;
    char *canonical = host_canonical(host, &why);

    say_host(b, host, canonical, why, place);
    return build_own(b, canonical);
}

const char *
build_host(struct build *b, const char *host, struct place place)
{
    const bool is_canonical =
        texts_find(&b->hosts, host) || host_is_canonical(host);
    const char *why;

    if (!is_canonical) {
        host = make_canonical(b, host, place);
    }
    why = host ? host_hopeless(host) : NULL;
    if (why && host_is_reserved(host)) {
        build_error(b, place, "host \"%s\" is kept for the proxy's own "
                    "proof, with all hosts below \"" HOST_RESERVED "\": use "
                    "another host", host);
        return NULL;
    }
    if (why) {
        build_warn(b, place, "host \"%s\" %s: nobody may ever ask for it",
                   host, why);
    }
    return host;
}

static bool
is_same_backend(const struct kube_backend *a, const struct kube_backend *b)
{
    return str_eq(a->service, b->service) &&
           str_eq(a->port.name, b->port.name) &&
           a->port.number == b->port.number;
}

/* What findings call a route: quoted, the host only where there is one. */
static char *
describe(const struct route *r)
{
    AUTO_FREE char *path = str_quote(r->path);

    if (r->host[0] == '\0') {
        return xasprintf("path %s", path);
    }
    return xasprintf("host \"%s\" and path %s", r->host, path);
}

/* 'r' has the key of an earlier route. */
static void
say_twice(struct build *b, const struct route *r, const struct route *first)
{
    AUTO_FREE char *what = describe(r);

    if (first->kind == r->kind &&
        is_same_backend(&first->backend, &r->backend)) {
        build_warn(b, PLACE(r->field, ""), "%s is already defined in %s, "
                   "with the same backend: remove one of them",
                   what, first->field);
    } else {
        build_error(b, PLACE(r->field, ""), "%s is already defined in %s: "
                    "keep one of them", what, first->field);
    }
}

void
build_route(struct build *b, const struct route *r)
{
    const size_t number = texts_find(&b->keys, r->key);

    if (number > 0) {
        if (r->kind != ROUTE_HOST) {
            say_twice(b, r, &b->routes.items[number - 1]);
        }
        return;
    }
    VEC_PUSH(&b->routes, *r);
    texts_add(&b->keys, r->key);
    if (!texts_find(&b->hosts, r->host)) {
        texts_add(&b->hosts, r->host);
    }
}

static void
say_service(struct build *b, const struct kube_backend *backend,
            struct place place)
{
    AUTO_FREE char *service = str_quote(backend->service);

    build_error(b, place, "%s is not a name of a Service: write lower-"
                "case letters, digits and \"-\", at most 63", service);
}

static bool
has_port(struct build *b, const struct kube_backend *backend,
         struct place place)
{
    const struct kube_port *port = &backend->port;
    const bool is_named = !str_is_empty(port->name);

    if (!is_named && port->number == 0) {
        build_error(b, place, "names no port of Service \"%s\": write "
                    "service.port.number or service.port.name",
                    backend->service);
        return false;
    }
    if (is_named && !name_is_port(port->name)) {
        AUTO_FREE char *name = str_quote(port->name);

        build_error(b, place, "%s is not a name of a port: write at most 15 "
                    "lower-case letters, digits and \"-\"", name);
        return false;
    }
    if (!is_named && (port->number < 1 || port->number > UINT16_MAX)) {
        build_error(b, place, "%" PRId32 " is not a port: write 1 to 65535",
                    port->number);
        return false;
    }
    return true;
}

bool
build_has_backend(struct build *b, const struct kube_backend *backend,
                  struct place place)
{
    if (backend->resource) {
        build_error(b, place, "resource backends are not supported: name a "
                    "Service under \"service\"");
        return false;
    }
    if (str_is_empty(backend->service)) {
        build_error(b, place, "names no Service: write service.name and "
                    "service.port");
        return false;
    }
    if (!name_is_label(backend->service)) {
        say_service(b, backend, place);
        return false;
    }
    return has_port(b, backend, place);
}

/* Names are printed as they are where Kubernetes would have let them in. */
static char *
make_name(struct build *b, const struct kube_object *o)
{
    const char *ns = o->namespace ? o->namespace : "";
    const char *name = str_is_empty(o->name) && o->generate_name
                           ? o->generate_name
                           : o->name;
    char *text = arena_concat(&b->owned, "Ingress ", ns, "/", name);
    const char *key = text + strlen("Ingress ");

    if (!name_is_plain(key)) {
        AUTO_FREE char *quoted = str_quote(key);

        text = arena_concat(&b->owned, "Ingress ", quoted);
    }
    return text;
}

static void
build_names(struct build *b)
{
    const struct kube_object *o = b->model->object;

    if (!str_is_empty(o->name) && !name_is_subdomain(o->name)) {
        AUTO_FREE char *quoted = str_quote(o->name);

        build_error(b, PLACE("metadata", ".name"), "%s is not a name: write "
                    "lower-case letters, digits, \"-\" and \".\"", quoted);
    }
    if (o->namespace && !name_is_label(o->namespace)) {
        AUTO_FREE char *quoted = str_quote(o->namespace);

        build_error(b, PLACE("metadata", ".namespace"), "%s is not a "
                    "namespace: write lower-case letters, digits and \"-\", "
                    "at most 63", quoted);
    }
}

static void
build_fini(struct build *b)
{
    texts_fini(&b->keys);
    texts_fini(&b->hosts);
    VEC_FINI(&b->routes);
    VEC_FINI(&b->tls);
    arena_fini(&b->owned);
}

struct model *
model_new(const struct kube_object *object, const struct ruleset *ruleset)
{
    const char *canary = kube_pair(&object->annotations, CANARY_ANNOTATION);
    const struct class_wish class = class_wish(object);
    struct model m = {
        .object = kube_ref(object),
        .ns = object->namespace,
        .key = object->key,
        .class_name = class.name,
        .is_class_legacy = class.is_legacy,
        .created = object->created,
        .is_deleting = object->is_deleting,
        .ruleset = ruleset,
        .n_refs = 1,
        .findings = findings_new(),
    };
    struct build b = {
        .model = &m,
        .ruleset = ruleset,
        .spec = &object->ingress,
    };
    struct settings settings;
    struct model *built;

    m.name = make_name(&b, object);
    if (canary && !parse_bool(canary, &m.is_canary)) {
        m.is_canary = false;
    }
    settings_read(object, m.name, ruleset->defaults, &settings, m.findings);
    m.settings = settings_share(&settings);
    build_names(&b);
    build_rules(&b);
    build_aliases(&b);
    build_shadows(&b);
    build_tls(&b);

    if (findings_count(m.findings) == 0) {
        findings_free(STEAL_PTR(m.findings));
    }
    built = build_gather(&b);
    build_fini(&b);
    return built;
}

struct model *
model_ref(struct model *m)
{
    __atomic_add_fetch(&m->n_refs, 1, __ATOMIC_RELAXED);
    return m;
}

void
model_unref(struct model *m)
{
    if (!m || __atomic_sub_fetch(&m->n_refs, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    settings_unshare(m->settings);
    kube_unref(m->object);
    findings_free(m->findings);
    free(m);
}
