/* Hosts that no rule names: server-alias and from-to-www-redirect. */
#include "lib/ingress/model_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/host.h"

#define FIELD(name) "metadata.annotations[" ANNOT_PREFIX name "]"
#define ALIAS_FIELD FIELD("server-alias")
#define ALIAS_PLACE PLACE(ALIAS_FIELD, "")
#define WWW_FIELD FIELD("from-to-www-redirect")

/* Copies of the first 'n' routes that are of 'host', under another name.
 * Every key of a route begins with its host (model.h). */
static void
copy_routes(struct build *b, size_t n, const char *host, const char *alias)
{
    for (size_t i = 0; i < n; i++) {
        struct route r = b->routes.items[i];

        if (strcmp(r.host, host) != 0) {
            continue;
        }
        r.key = arena_concat(&b->owned, alias, r.key + strlen(host));
        r.host = alias;
        r.of = host;
        r.field = arena_concat(&b->owned, ALIAS_FIELD);
        if (r.kind != ROUTE_HOST) {
            build_route(b, &r);
        }
    }
}

/* The first host of a rule that has paths of its own. */
static const char *
first_host(const struct build *b)
{
    for (size_t i = 0; i < b->routes.n; i++) {
        const struct route *r = &b->routes.items[i];

        if (r->host[0] != '\0' && r->kind != ROUTE_HOST) {
            return r->host;
        }
    }
    return NULL;
}

static void
read_aliases(struct build *b)
{
    const struct settings_texts *aliases = &b->model->settings->aliases;
    const char *host = first_host(b);
    size_t n = b->routes.n;

    if (aliases->n > 0 && !host) {
        build_warn(b, ALIAS_PLACE, "it has no effect: no rule here has a "
                   "host with paths");
        return;
    }
    for (size_t i = 0; i < aliases->n; i++) {
        const char *alias = aliases->items[i];

        if (texts_find(&b->hosts, alias)) {
            build_warn(b, ALIAS_PLACE, "host \"%s\" has a rule of its own "
                       "here: take the alias out", alias);
        } else {
            copy_routes(b, n, host, alias);
        }
    }
}

static void
read_www(struct build *b)
{
    size_t n = b->routes.n;

    for (size_t i = 0; b->model->settings->from_to_www && i < n; i++) {
        const char *host = b->routes.items[i].host;
        struct route r = { .kind = ROUTE_HOST, .path = "/", .of = host };
        const char *why;

        if (host[0] == '\0' || host_is_wildcard(host) ||
            b->routes.items[i].of) {
            continue;
        }
        r.host = build_own(b, str_starts(host, "www.")
                                  ? host_canonical(host + 4, &why)
                                  : xasprintf("www.%s", host));
        if (r.host && strlen(r.host) <= HOST_MAX &&
            !texts_find(&b->hosts, r.host)) {
            r.key = r.host;
            r.field = arena_concat(&b->owned, WWW_FIELD);
            build_route(b, &r);
        }
    }
}

void
build_aliases(struct build *b)
{
    if (!b->model->settings->ssl_passthrough) {
        read_aliases(b);
        read_www(b);
    }
}
