#include "lib/ingress/model_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/key.h"

#define PASSTHROUGH_FIELD                                                  \
    "metadata.annotations[" ANNOT_PREFIX "ssl-passthrough]"

/* The name of a passthrough claim: no key of a path has a ":". */
static char *
passthrough_key(struct build *b, const char *host)
{
    return build_own(b, xasprintf("%s:", host));
}

static void
add_host(struct build *b, const char *host, size_t i)
{
    struct route r = {
        .kind = ROUTE_HOST,
        .host = host,
        .path = "/",
        .key = host,
        .field = build_own(b, xasprintf("spec.rules[%zu]", i)),
    };

    build_route(b, &r);
}

static void
add_default(struct build *b, const struct kube_backend *backend,
            char *field)
{
    struct route r = {
        .kind = ROUTE_DEFAULT,
        .host = "",
        .path = "/",
        .key = build_own(b, key_route("", "/", false)),
        .backend = *backend,
        .field = field,
    };

    build_route(b, &r);
}

static void
add_passthrough(struct build *b, const char *host,
                const struct kube_backend *backend, char *field)
{
    struct route r = {
        .kind = ROUTE_PASSTHROUGH,
        .host = host,
        .path = "/",
        .key = passthrough_key(b, host),
        .backend = *backend,
        .field = field,
    };

    build_route(b, &r);
}

static void
read_passthrough_path(struct build *b, const char *host,
                      const struct kube_path *path, size_t i, size_t j)
{
    char *field =
        build_own(b, xasprintf("spec.rules[%zu].http.paths[%zu]", i, j));
    AUTO_FREE char *path_field = xasprintf("%s.path", field);
    AUTO_FREE char *backend_field = xasprintf("%s.backend", field);

    if (!str_is_empty(path->path) && strcmp(path->path, "/") != 0) {
        AUTO_FREE char *quoted = str_quote(path->path);

        build_error(b, path_field, "path %s cannot be told apart under "
                    "ssl-passthrough, where the whole host goes to one "
                    "backend: write \"/\"", quoted);
        return;
    }
    if (build_has_backend(b, &path->backend, backend_field)) {
        add_passthrough(b, host, &path->backend, field);
    }
}

static void
read_passthrough(struct build *b, const char *host,
                 const struct kube_rule *rule, size_t i)
{
    AUTO_FREE char *host_field = xasprintf("spec.rules[%zu].host", i);
    AUTO_FREE char *rule_field = xasprintf("spec.rules[%zu]", i);

    if (host[0] == '\0') {
        build_error(b, host_field, "ssl-passthrough needs a host: write the "
                    "name that clients connect to");
        return;
    }
    if (rule->n_paths == 0 && b->model->default_backend) {
        add_passthrough(b, host, b->model->default_backend,
                        build_own(b, STEAL_PTR(rule_field)));
    } else if (rule->n_paths == 0) {
        build_error(b, rule_field, "ssl-passthrough needs a backend: write "
                    "the path \"/\" with one");
    }
    for (size_t j = 0; j < rule->n_paths; j++) {
        read_passthrough_path(b, host, &rule->paths[j], i, j);
    }
}

/* A rule without host and paths is the catch-all, in words of its own. */
static void
read_empty_rule(struct build *b, size_t i)
{
    char *field = build_own(b, xasprintf("spec.rules[%zu]", i));

    if (b->model->default_backend) {
        add_default(b, b->model->default_backend, field);
    } else {
        build_warn(b, field, "has neither host nor paths and routes "
                   "nothing: write a host, paths or spec.defaultBackend");
    }
}

static void
read_rule(struct build *b, size_t i)
{
    const struct kube_rule *rule = &b->spec->rules[i];
    AUTO_FREE char *host_field = xasprintf("spec.rules[%zu].host", i);
    const char *host =
        build_host(b, rule->host ? rule->host : "", host_field);
    size_t before = b->routes.n;
    bool is_passthrough = b->model->settings->ssl_passthrough;

    if (!host) {
        return;
    }
    if (is_passthrough && b->ruleset->ssl_passthrough) {
        read_passthrough(b, host, rule, i);
    } else if (!is_passthrough) {
        if (rule->n_paths == 0 && host[0] == '\0') {
            read_empty_rule(b, i);
        }
        for (size_t j = 0; j < rule->n_paths; j++) {
            AUTO_FREE char *field =
                xasprintf("spec.rules[%zu].http.paths[%zu]", i, j);

            build_path(b, host, &rule->paths[j], field);
        }
    }
    if (b->routes.n == before && host[0] != '\0') {
        add_host(b, host, i);
    }
}

void
build_rules(struct build *b)
{
    const struct kube_ingress *spec = b->spec;
    struct model *m = b->model;
    bool is_passthrough = m->settings->ssl_passthrough;

    if (spec->n_rules == 0 && !spec->has_default_backend) {
        build_error(b, "spec", "has neither rules nor defaultBackend: write "
                    "at least one rule");
    }
    if (is_passthrough && !b->ruleset->ssl_passthrough) {
        build_error(b, PASSTHROUGH_FIELD, "needs a controller that runs with "
                    "--enable-ssl-passthrough: remove the annotation, or ask "
                    "your administrator");
    }
    if (spec->has_default_backend &&
        build_has_backend(b, &spec->default_backend, "spec.defaultBackend")) {
        if (spec->n_rules > 0) {
            m->default_backend = &spec->default_backend;
        } else if (!is_passthrough) {
            add_default(b, &spec->default_backend,
                        build_own(b, xstrdup("spec.defaultBackend")));
        } else if (b->ruleset->ssl_passthrough) {
            build_error(b, PASSTHROUGH_FIELD, "needs a host: write a rule "
                        "with the name that clients connect to");
        }
    }
    for (size_t i = 0; i < spec->n_rules; i++) {
        read_rule(b, i);
    }
}
