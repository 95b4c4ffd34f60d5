#include "cli/differences.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"

static const char *const general[] = {
    "Request bodies: ingress-nginx refused those over 1m with 413; here they "
    "have no limit until proxy-body-size says one.",
    "Strict-Transport-Security: ingress-nginx sent \"max-age=31536000; "
    "includeSubDomains\" on every https answer by default; here it is sent "
    "where \"hsts\" asks for it.",
    "Endpoints that cannot be reached: 502, and 504 for timeouts, as in "
    "ingress-nginx; but before HAProxy 3.0 a connection that does not come in "
    "time is 502, and a failed TLS handshake with an endpoint is 503.",
    "Hosts: in ingress-nginx any namespace could add paths to any host; here "
    "--host-policy decides (namespace).",
    "Session cookies: those that ingress-nginx set mean nothing here; each "
    "client is balanced anew once.",
    "Rate limits: both count per replica and client address; here in sliding "
    "windows, so that bursts are cut a little otherwise.",
};

const char *
differences_general(size_t i)
{
    return i < ARRAY_SIZE(general) ? general[i] : NULL;
}

static void
add(const struct model *m, const char *field, struct findings *out,
    const char *text)
{
    findings_add(out, FINDING_WARNING, FINDING_INVALID, m->name, field, "%s",
                 text);
}

/* Annotations that work, but not in every respect as there. */
static void
add_annotations(const struct model *m, struct findings *out)
{
    const struct kube_pairs *pairs = &m->object->annotations;

    for (size_t i = 0; i < pairs->n; i++) {
        bool is_own;
        const char *name = annot_name(pairs->items[i].name, &is_own);
        const struct annot_def *def =
            name && !is_own ? annot_find(name, NULL) : NULL;

        if (def && def->support == ANNOT_PARTIAL) {
            AUTO_FREE char *field = xasprintf("metadata.annotations[%s]",
                                              pairs->items[i].name);

            add(m, field, out, def->doc);
        }
    }
}

static bool
is_regex_ingress(const struct model *m)
{
    for (size_t i = 0; i < m->n_routes; i++) {
        if (m->routes[i].kind == ROUTE_REGEX) {
            return true;
        }
    }
    return false;
}

static void
add_folder(const struct model *m, const struct route *route,
           struct findings *out)
{
    AUTO_FREE char *field = xasprintf("%s.path", route->field);
    AUTO_FREE char *path = str_quote(route->path);
    AUTO_FREE char *bare = xstrndup(route->path, strlen(route->path) - 1);
    AUTO_FREE char *quoted = str_quote(bare);

    findings_add(out, FINDING_WARNING, FINDING_INVALID, m->name, field,
                 route->kind == ROUTE_PREFIX
                     ? "ingress-nginx redirected %s to %s with 301; here the "
                       "backend gets both, as Kubernetes has it"
                     : "ingress-nginx redirected %s to %s with 301; here "
                       "only the latter is this route's",
                 quoted, path);
}

static void
add_paths(const struct model *m, struct findings *out)
{
    bool is_regex = is_regex_ingress(m);

    for (size_t i = 0; i < m->n_routes; i++) {
        const struct route *route = &m->routes[i];
        size_t length = strlen(route->path);

        if ((route->kind == ROUTE_PREFIX || route->kind == ROUTE_EXACT) &&
            !is_regex && length > 1 && route->path[length - 1] == '/') {
            add_folder(m, route, out);
        }
    }
    if (is_regex) {
        add(m, "spec.rules", out,
            "in ingress-nginx one regular expression made all paths of its "
            "hosts, also those of other Ingresses, expressions that ignore "
            "case and match the start of a path (/foo took /foobar too); "
            "here paths without special bytes stay literal");
    }
}

static void
add_default_backend(const struct model *m, struct findings *out)
{
    if (m->object->ingress.n_rules == 0 &&
        m->object->ingress.default_backend &&
        (m->settings->rewrite_target || m->settings->redirect_url)) {
        add(m, "spec.defaultBackend", out,
            "ingress-nginx skipped rewrites and redirects of an Ingress that "
            "has only a default backend; here they apply");
    }
}

void
differences_of(const struct model *m, struct findings *out)
{
    add_annotations(m, out);
    add_paths(m, out);
    add_default_backend(m, out);
}
