/* sallyport explain --url: the model of the data path, asked and told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/command.h"
#include "cli/explain.h"
#include "cli/output.h"
#include "cli/scene.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/host.h"

/* A URL cut where a client cuts it: bytes are not changed, and users,
 * passwords and fragments are nothing that a Host or a target has. */
struct request {
    bool is_https;
    char *host;                 /* Of the URL, with port. */
    char *target;               /* From the first slash on. */
};

/* One other route, and why it does not answer. */
struct other {
    const struct claim *claim;
    char *why;
};

struct report {
    struct explain *explain;
    struct request request;
    struct scene *scene;
    struct lookup_world world;
    struct lookup_answer answer;
    const struct claim *passthrough;
    struct claim *passthrough_claims;
    VEC(struct other) others;
};

static struct err *
read_url(const char *url, struct request *r)
{
    AUTO_FREE char *quoted = str_quote(url);
    const char *rest = url;
    const char *at;
    size_t length;

    if (strncasecmp(url, "https://", 8) == 0) {
        r->is_https = true;
        rest += 8;
    } else if (strncasecmp(url, "http://", 7) == 0) {
        rest += 7;
    } else {
        return err_new(ERR_INVALID, "--url: %s does not begin with http:// "
                       "or https://", quoted);
    }
    length = strcspn(rest, "/?#");
    at = memrchr(rest, '@', length);
    if (at) {
        length -= (size_t) (at + 1 - rest);
        rest = at + 1;
    }
    if (length == 0) {
        return err_new(ERR_INVALID, "--url: %s names no host", quoted);
    }
    r->host = xstrndup(rest, length);
    rest += length;
    r->target = xasprintf("%s%.*s", rest[0] == '/' ? "" : "/",
                          (int) strcspn(rest, "#"), rest);
    return NULL;
}

/* --- Why the others do not answer --- */

static bool
is_answer(const struct report *r, const struct claim *c)
{
    const struct serve_row *row = r->answer.row;

    return row && row->model == c->model &&
           (row->route.field == c->route->field ||
            (row->route.kind == c->route->kind &&
             str_eq(row->route.key, c->route->key)));
}

static char *
why_lost(const struct claim *c)
{
    if (c->model->is_canary) {
        return xstrdup("it belongs to a canary, which takes what its "
                       "annotations say");
    }
    return xasprintf("%s has it: it is older, or its host is owned",
                     c->winner ? c->winner->name : "another Ingress");
}

static char *
why_not(const struct report *r, const struct lookup_host *h, int step,
        const struct claim *c)
{
    const struct lookup_answer *a = &r->answer;
    const char *path = a->path ? a->path : "/";

    if (!c->holds) {
        return why_lost(c);
    }
    if (!lookup_route_matches(c->route, path)) {
        return xstrdup("the path does not match");
    }
    if (step > (int) a->step) {
        return xasprintf("not asked: \"%s\" has rules of its own",
                         a->hosts[a->step].name);
    }
    if (a->by_regex) {
        return xstrdup("matches, but an expression with a longer text is "
                       "tried first");
    }
    if (h->served.n_regexes > 0 && c->route->kind == ROUTE_REGEX) {
        return xstrdup("matches, but is not asked for this path");
    }
    return xstrdup(str_eq(a->row ? a->row->route.key : NULL, c->route->key)
                       ? "the same route twice: the older one is served"
                       : "matches, but a longer path wins");
}

static void
add_others(struct report *r, const struct lookup_host *h, int step)
{
    for (size_t i = 0; i < h->n_claims; i++) {
        const struct claim *c = &h->claims[i];

        if (c->route && c->route->kind != ROUTE_HOST && !is_answer(r, c)) {
            struct other other = { c, why_not(r, h, step, c) };

            VEC_PUSH(&r->others, other);
        }
    }
}

/* The hosts behind the one that answered, so that they can be told too. */
static void
fill_hosts(struct report *r)
{
    struct lookup_answer *a = &r->answer;
    AUTO_FREE char *wildcard = a->host ? host_wildcard_of(a->host) : NULL;

    for (int i = 0; i < LOOKUP_STEPS; i++) {
        struct lookup_host *h = &a->hosts[i];
        const char *name = i == LOOKUP_WILDCARD ? wildcard
                           : i == LOOKUP_NO_HOST ? "" : NULL;

        if (!h->name && name) {
            h->name = xstrdup(name);
            h->claims = claims_host(r->world.claims, name, &h->n_claims);
        }
    }
}

/* --- Text --- */

static void
put_port(const struct kube_port *port, struct buf *out)
{
    if (port->name) {
        buf_printf(out, "%s", port->name);
    } else {
        buf_printf(out, "%d", (int) port->number);
    }
}

static void
put_backend(const struct report *r, const struct model *m,
            const struct kube_backend *backend, struct buf *out)
{
    const char *ns = m->object->namespace;
    const char *problem = scene_backend_problem(r->scene, ns, backend);

    buf_printf(out, "backend %s/%s port ", ns, backend->service);
    put_port(&backend->port, out);
    if (problem[0]) {
        buf_printf(out, " (%s)", problem);
    }
}

/* The slot without a Service answers one path of hosts that nobody has. */
static bool
is_health(const struct lookup_answer *a)
{
    return a->path && str_eq(a->path, "/healthz") &&
           !a->hosts[LOOKUP_EXACT].has_rows;
}

/* The answer in one line. */
static void
put_verdict(const struct report *r, struct buf *out)
{
    const struct lookup_answer *a = &r->answer;
    const struct settings *s = a->row && a->row->model
                                   ? a->row->model->settings : NULL;

    if (r->passthrough) {
        buf_puts(out, "TLS is passed through to ");
        put_backend(r, r->passthrough->model,
                    &r->passthrough->route->backend, out);
        return;
    }
    if (a->status != 0) {
        buf_printf(out, "refused with %u: %s", a->status, a->why);
        return;
    }
    switch (a->action) {
    case SERVE_FORWARD:
        put_backend(r, a->row->model, &a->row->route.backend, out);
        if (a->row->canary) {
            buf_puts(out, "; some requests go to the canary ");
            put_backend(r, a->row->canary->model,
                        &a->row->canary->route->backend, out);
            buf_printf(out, " of %s", a->row->canary->model->name);
        }
        return;
    case SERVE_HTTPS_REDIRECT:
        buf_printf(out, "redirect 308 to https://%s%s", a->host,
                   r->request.target);
        return;
    case SERVE_REDIRECT:
        buf_printf(out, "redirect %u to %s", s->redirect_code,
                   s->redirect_url);
        return;
    case SERVE_APP_ROOT:
        buf_printf(out, "redirect 302 to %s", s->app_root);
        return;
    case SERVE_OTHER_NAME:
        buf_printf(out, "redirect 308 to the same URL on %s",
                   a->row->route.of);
        return;
    case SERVE_UNAVAILABLE:
        buf_puts(out, "503: an annotation that protects this route cannot "
                      "be honoured");
        return;
    case SERVE_DEFAULT:
        buf_printf(out, "no rule: the controller's default backend, or %s",
                   is_health(a) ? "200 for load balancers that ask for it"
                                : "404");
        return;
    case SERVE_NOT_FOUND:
        buf_puts(out, "404");
        return;
    }
}

static const struct route *
answer_route(const struct report *r, const struct model **model)
{
    const struct serve_row *row = r->answer.row;

    if (r->passthrough) {
        *model = r->passthrough->model;
        return r->passthrough->route;
    }
    *model = row && r->answer.status == 0 ? row->model : NULL;
    return *model ? &row->route : NULL;
}

static void
put_route(const struct model *m, const struct route *route, struct buf *out)
{
    AUTO_FREE char *path = str_quote(route->path);

    buf_printf(out, "%s, %s: %s %s on ", m->name,
               route->field ? route->field : "?", serve_kind_text(route->kind),
               path);
    buf_printf(out, route->host[0] ? "\"%s\"" : "every host%s", route->host);
}

static void
print_text(const struct report *r, struct buf *out)
{
    const struct model *model;
    const struct route *route = answer_route(r, &model);
    AUTO_FREE char *url = str_quote(r->explain->url);

    buf_printf(out, "%s %s\n  answer:  ", r->explain->method, url);
    put_verdict(r, out);
    if (route) {
        buf_puts(out, "\n  by:      ");
        put_route(model, route, out);
    }
    if (r->answer.host) {
        buf_printf(out, "\n  host:    %s", r->answer.host);
    }
    if (r->answer.path) {
        buf_printf(out, "\n  path:    %s", r->answer.path);
    }
    buf_putc(out, '\n');
    if (r->others.n > 0) {
        buf_puts(out, "others:\n");
    }
    for (size_t i = 0; i < r->others.n; i++) {
        const struct other *o = &r->others.items[i];

        buf_puts(out, "  ");
        put_route(o->claim->model, o->claim->route, out);
        buf_printf(out, ": %s\n", o->why);
    }
}

/* --- JSON --- */

static json_t *
route_json(const struct model *m, const struct route *route)
{
    return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:s?}", "namespace",
                     m->object->namespace, "ingress", m->object->name,
                     "field", route->field, "type",
                     serve_kind_text(route->kind),
                     "host", route->host, "path", route->path);
}

static void
print_json(const struct report *r, struct buf *out)
{
    AUTO_BUF struct buf verdict = BUF_OWN;
    const struct model *model;
    const struct route *route = answer_route(r, &model);
    AUTO_JSON json_t *root = json_object();
    json_t *others = json_array();
    AUTO_FREE char *text = NULL;

    put_verdict(r, &verdict);
    json_object_set_new(root, "url", json_string(r->explain->url));
    json_object_set_new(root, "answer", json_string(buf_str(&verdict)));
    json_object_set_new(root, "by", route ? route_json(model, route)
                                          : json_null());
    for (size_t i = 0; i < r->others.n; i++) {
        const struct other *o = &r->others.items[i];
        json_t *one = route_json(o->claim->model, o->claim->route);

        json_object_set_new(one, "why", json_string(o->why));
        json_array_append_new(others, one);
    }
    json_object_set_new(root, "others", others);
    text = json_dumps(root, JSON_INDENT(2));
    buf_printf(out, "%s\n", text ? text : "{}");
}

/* --- The whole --- */

static int
status_of(const struct report *r)
{
    const struct lookup_answer *a = &r->answer;

    if (r->passthrough) {
        return EXIT_CLEAN;
    }
    return a->status != 0 || a->action == SERVE_UNAVAILABLE ||
                   a->action == SERVE_DEFAULT || a->action == SERVE_NOT_FOUND
               ? EXIT_REFUSED
               : EXIT_CLEAN;
}

static void
ask(struct report *r)
{
    struct explain *e = r->explain;
    const struct lookup_request request = {
        .is_https = r->request.is_https,
        .version = 11,
        .method = e->method,
        .target = r->request.target,
        .host = e->host ? e->host : r->request.host,
    };

    if (r->request.is_https) {
        AUTO_FREE char *sni =
            xstrndup(r->request.host, strcspn(r->request.host, ":"));

        r->passthrough =
            lookup_passthrough(&r->world, sni, &r->passthrough_claims);
    }
    lookup(&r->world, &request, &r->answer);
    if (!r->passthrough && r->answer.status == 0) {
        fill_hosts(r);
        for (int i = 0; i < LOOKUP_STEPS; i++) {
            add_others(r, &r->answer.hosts[i], i);
        }
    }
}

static int
tell(struct report *r)
{
    AUTO_BUF struct buf out = BUF_OWN;

    if (r->explain->format == FORMAT_JSON) {
        print_json(r, &out);
    } else {
        print_text(r, &out);
    }
    return output_write("explain", &out) ? status_of(r) : EXIT_USAGE;
}

static void
report_fini(struct report *r)
{
    lookup_fini(&r->answer);
    for (size_t i = 0; i < r->others.n; i++) {
        free(r->others.items[i].why);
    }
    VEC_FINI(&r->others);
    free(r->passthrough_claims);
    free(r->request.host);
    free(r->request.target);
    scene_free(r->scene);
}

int
explain_url(struct explain *e)
{
    AUTO(manifests_problems_fini) struct manifests_problems problems =
        MANIFESTS_PROBLEMS_INIT;
    struct report r = { .explain = e };
    AUTO_ERR struct err *err = read_url(e->url, &r.request);
    int status = EXIT_USAGE;

    e->ruleset.class_by_name = e->source.manifests != NULL;
    r.scene = scene_new(&e->ruleset);
    if (!err) {
        err = source_read(&e->source, &e->ruleset, scene_add, r.scene,
                          &problems);
    }
    output_problems(&problems);
    if (!err) {
        err = scene_finish(r.scene, !e->source.manifests);
    }
    if (err) {
        fprintf(stderr, "sallyport explain: %s\n", err_text(err));
    } else if (problems.all.n == 0) {
        r.world = scene_world(r.scene);
        ask(&r);
        status = tell(&r);
    }
    report_fini(&r);
    return status;
}
