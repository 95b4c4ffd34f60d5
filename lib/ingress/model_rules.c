#include "lib/ingress/model_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/key.h"

#define PASSTHROUGH_PLACE                                                  \
    PLACE("metadata.annotations[" ANNOT_PREFIX "ssl-passthrough]", "")

/* The name of a passthrough claim: no key of a path has a ":". */
static char *
passthrough_key(struct build *b, const char *host)
{
    return arena_concat(&b->owned, host, ":");
}

static void
add_host(struct build *b, const char *host, const char *field)
{
    struct route r = {
        .kind = ROUTE_HOST,
        .host = host,
        .path = "/",
        .key = host,
        .field = arena_concat(&b->owned, field),
    };

    build_route(b, &r);
}

static void
add_default(struct build *b, const struct kube_backend *backend,
            const char *field)
{
    struct route r = {
        .kind = ROUTE_DEFAULT,
        .host = "",
        .path = "/",
        .key = key_route_in(&b->owned, "", "/", false),
        .backend = *backend,
        .field = arena_concat(&b->owned, field),
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

/* Of a path of the rule at 'field'. */
static char *
path_field(struct build *b, const char *field, size_t j)
{
    char room[STR_DIGITS_SIZE];

    return arena_concat(&b->owned, field, ".http.paths[",
                        str_digits(j, room), "]");
}

static void
read_passthrough_path(struct build *b, const char *host,
                      const struct kube_path *path, char *field)
{
    if (!str_is_empty(path->path) && strcmp(path->path, "/") != 0) {
        AUTO_FREE char *quoted = str_quote(path->path);

        build_error(b, PLACE(field, ".path"), "path %s cannot be told "
                    "apart under ssl-passthrough, where the whole host goes "
                    "to one backend: write \"/\"", quoted);
        return;
    }
    if (build_has_backend(b, &path->backend, PLACE(field, ".backend"))) {
        add_passthrough(b, host, &path->backend, field);
    }
}

static void
read_passthrough(struct build *b, const char *host,
                 const struct kube_rule *rule, const char *field)
{
    if (host[0] == '\0') {
        build_error(b, PLACE(field, ".host"), "ssl-passthrough needs a "
                    "host: write the name that clients connect to");
        return;
    }
    if (rule->n_paths == 0 && b->model->default_backend) {
        add_passthrough(b, host, b->model->default_backend,
                        arena_concat(&b->owned, field));
    } else if (rule->n_paths == 0) {
        build_error(b, PLACE(field, ""), "ssl-passthrough needs a backend: "
                    "write the path \"/\" with one");
    }
    for (size_t j = 0; j < rule->n_paths; j++) {
        read_passthrough_path(b, host, &rule->paths[j],
                              path_field(b, field, j));
    }
}

/* A rule without host and paths is the catch-all, in words of its own. */
static void
read_empty_rule(struct build *b, const char *field)
{
    if (b->model->default_backend) {
        add_default(b, b->model->default_backend, field);
    } else {
        build_warn(b, PLACE(field, ""), "has neither host nor paths and "
                   "routes nothing: write a host, paths or "
                   "spec.defaultBackend");
    }
}

/* True where an administrator keeps for himself what would take requests
 * that name no host of an Ingress. */
static bool
is_refused_catch_all(struct build *b, struct place place, const char *what,
                     const char *instead)
{
    if (b->ruleset->disable_catch_all) {
        build_error(b, place, "%s, which this controller refuses "
                    "(--disable-catch-all): write %s", what, instead);
    }
    return b->ruleset->disable_catch_all;
}

static void
read_rule(struct build *b, size_t i)
{
    const struct kube_rule *rule = &b->spec->rules[i];
    char room[BUILD_ITEM_SIZE];
    const char *field = build_item("spec.rules", i, room);
    const char *host = build_host(b, rule->host ? rule->host : "",
                                  PLACE(field, ".host"));
    size_t before = b->routes.n;
    bool is_passthrough = b->model->settings->ssl_passthrough;

    if (!host || (host[0] == '\0' &&
                  is_refused_catch_all(b, PLACE(field, ".host"),
                                       "is missing and takes every host",
                                       "a host"))) {
        return;
    }
    if (is_passthrough && b->ruleset->ssl_passthrough) {
        read_passthrough(b, host, rule, field);
    } else if (!is_passthrough) {
        if (rule->n_paths == 0 && host[0] == '\0') {
            read_empty_rule(b, field);
        }
        for (size_t j = 0; j < rule->n_paths; j++) {
            build_path(b, host, &rule->paths[j], path_field(b, field, j));
        }
    }
    if (b->routes.n == before && host[0] != '\0') {
        add_host(b, host, field);
    }
}

static void
read_default_backend(struct build *b)
{
    const struct kube_ingress *spec = b->spec;
    bool is_passthrough = b->model->settings->ssl_passthrough;

    if (!build_has_backend(b, spec->default_backend,
                           PLACE("spec.defaultBackend", "")) ||
        is_refused_catch_all(b, PLACE("spec.defaultBackend", ""),
                             "takes what no rule does",
                             "a rule with a host and the path \"/\"")) {
        return;
    }
    if (spec->n_rules > 0) {
        b->model->default_backend = spec->default_backend;
    } else if (!is_passthrough) {
        add_default(b, spec->default_backend, "spec.defaultBackend");
    } else if (b->ruleset->ssl_passthrough) {
        build_error(b, PASSTHROUGH_PLACE, "needs a host: write a rule with "
                    "the name that clients connect to");
    }
}

void
build_rules(struct build *b)
{
    const struct kube_ingress *spec = b->spec;
    bool is_passthrough = b->model->settings->ssl_passthrough;

    if (spec->n_rules == 0 && !spec->default_backend) {
        build_error(b, PLACE("spec", ""), "has neither rules nor "
                    "defaultBackend: write at least one rule");
    }
    if (is_passthrough && !b->ruleset->ssl_passthrough) {
        build_error(b, PASSTHROUGH_PLACE, "needs a controller that runs with "
                    "--enable-ssl-passthrough: remove the annotation, or ask "
                    "your administrator");
    }
    if (spec->default_backend) {
        read_default_backend(b);
    }
    for (size_t i = 0; i < spec->n_rules; i++) {
        read_rule(b, i);
    }
}
