#include "reconciler/report.h"

#include "lib/base/jx.h"
#include "lib/base/mem.h"

static json_t *
backend_json(const struct serve_row *row)
{
    const struct kube_backend *b = &row->route.backend;
    json_t *value = json_null();

    if (row->model && b->service) {
        const char *ns = row->model->object->namespace;
        AUTO_FREE char *text =
            b->port.name ? xasprintf("%s/%s:%s", ns, b->service, b->port.name)
                         : xasprintf("%s/%s:%d", ns, b->service,
                                     (int) b->port.number);

        value = json_string(text);
    }
    return value;
}

/* Where a redirect leads. */
static const char *
target_of(const struct serve_row *row)
{
    switch (row->https) {
    case SERVE_REDIRECT:
        return row->model->settings->redirect_url;
    case SERVE_APP_ROOT:
        return row->model->settings->app_root;
    case SERVE_OTHER_NAME:
        return row->route.of;
    case SERVE_FORWARD:
    case SERVE_HTTPS_REDIRECT:
    case SERVE_UNAVAILABLE:
    case SERVE_DEFAULT:
    case SERVE_NOT_FOUND:
        break;
    }
    return NULL;
}

static void
add_row(json_t *routes, const struct serve_host *host,
        const struct serve_row *row, json_t *order)
{
    const struct kube_object *o = row->model ? row->model->object : NULL;
    const struct kube_object *canary =
        row->canary ? row->canary->model->object : NULL;
    bool passes = host->is_passthrough;
    json_t *one = json_pack(
        "{s:s, s:s, s:s, s:o, s:s?, s:s?, s:s?, s:o, s:s, s:s, s:s?, s:s?}",
        "host", host->name, "path", row->route.path, "type",
        serve_kind_text(row->route.kind), "order", order, "namespace",
        o ? o->namespace : NULL, "ingress", o ? o->name : NULL, "field",
        row->route.field, "backend", backend_json(row), "http",
        serve_action_text(row->http), "https",
        passes ? "passthrough" : serve_action_text(row->https), "to",
        target_of(row), "canary", canary ? canary->key : NULL);

    if (one) {
        json_array_append_new(routes, one);
    }
}

static void
add_host(const struct serve_host *host, void *aux)
{
    for (size_t i = 0; i < host->n_rows; i++) {
        add_row(aux, host, &host->rows[i], json_null());
    }
    for (size_t i = 0; i < host->n_regexes; i++) {
        add_row(aux, host, &host->regexes[i],
                json_integer((json_int_t) i + 1));
    }
}

void
report_routes(const struct routing *routing, uint64_t generation,
              uint64_t confirmed, struct buf *out)
{
    json_t *routes = json_array();
    AUTO_JSON json_t *root = NULL;
    AUTO_FREE char *text = NULL;

    routing_each(routing, add_host, routes);
    root = json_pack("{s:I, s:I, s:b, s:o}", "generation",
                     (json_int_t) generation, "confirmed",
                     (json_int_t) confirmed, "in_haproxy",
                     generation == confirmed, "routes", routes);
    text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    buf_printf(out, "%s\n", text ? text : "{}");
}
