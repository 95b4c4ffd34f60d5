/* A model in one block, without what only its own judgement needs. */
#include "lib/ingress/model.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/settings_share.h"

/* Most texts of an Ingress stand in it several times, or end another one:
 * hosts, names, "/".  One of the last few is not copied again. */
#define N_RECENT 16

/* The texts of one model: a first walk counts what they take, a second one
 * copies them to 'to'. */
struct packing {
    char *to;                   /* NULL: count. */
    size_t size;
    struct {
        const char *text;
        size_t length;
        size_t at;              /* Behind 'to'. */
    } recent[N_RECENT];
    size_t n;                   /* Ever. */
};

static char no_field[] = "";

/* The place behind 'to' of a text that ends like 'text'; SIZE_MAX: none. */
static size_t
find(const struct packing *p, const char *text, size_t length)
{
    for (size_t i = 0; i < N_RECENT && i < p->n; i++) {
        const size_t room = p->recent[i].length;
        const char *end = p->recent[i].text + room;

        /* Most that differ do so in their last byte. */
        if (length == 0 ||
            (room >= length && end[-1] == text[length - 1] &&
             memcmp(end - length, text, length) == 0)) {
            return p->recent[i].at + room - length;
        }
    }
    return SIZE_MAX;
}

static size_t
add(struct packing *p, const char *text, size_t length)
{
    const size_t at = p->size, i = p->n++ % N_RECENT;

    p->recent[i].text = text;
    p->recent[i].length = length;
    p->recent[i].at = at;
    if (p->to) {
        memcpy(p->to + at, text, length + 1);
    }
    p->size += length + 1;
    return at;
}

static char *
copy(struct packing *p, const char *text)
{
    const size_t length = text ? strlen(text) : 0;
    size_t at;

    if (!text) {
        return NULL;
    }
    at = find(p, text, length);
    if (at == SIZE_MAX) {
        at = add(p, text, length);
    }
    return p->to ? p->to + at : NULL;
}

static void
pack_backend(struct packing *p, const struct kube_backend *from,
             struct kube_backend *to)
{
    to->service = copy(p, from->service);
    to->port.name = copy(p, from->port.name);
    to->port.number = from->port.number;
    to->resource = copy(p, from->resource);
}

/* The longest first: the others are often its ends. */
static void
pack_route(struct packing *p, const struct route *from, struct route *to)
{
    to->kind = from->kind;
    to->key = copy(p, from->key);
    to->host = copy(p, from->host);
    to->path = copy(p, from->path);
    to->of = copy(p, from->of);
    to->regex = copy(p, from->regex);
    to->field = no_field;
    pack_backend(p, &from->backend, &to->backend);
}

static void
pack_tls(struct packing *p, const struct model_tls *from,
         struct model_tls *to)
{
    to->host = copy(p, from->host);
    to->secret = copy(p, from->secret);
    to->field = no_field;
}

/* Fills 'out', its arrays and its default backend, or a scratch while it
 * counts. */
static void
pack(struct packing *p, const struct model *m, struct model *out,
     struct kube_backend *backend)
{
    const char *ours = m->ruleset->ingress_class;
    struct model_tls tls;
    struct route route;

    out->name = copy(p, m->name);
    out->key = copy(p, m->key);
    out->ns = copy(p, m->ns);
    out->class_name = str_eq(m->class_name, ours) ? ours
                                                  : copy(p, m->class_name);
    if (m->default_backend) {
        pack_backend(p, m->default_backend, backend);
        out->default_backend = backend;
    }
    for (size_t i = 0; i < m->n_routes; i++) {
        pack_route(p, &m->routes[i], p->to ? &out->routes[i] : &route);
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        pack_tls(p, &m->tls[i], p->to ? &out->tls[i] : &tls);
    }
}

struct model *
model_packed(const struct model *m)
{
    return model_packed_with(m, 0);
}

/* The structs of the block come first, the texts behind them. */
struct model *
model_packed_with(const struct model *m, size_t room)
{
    const size_t routes_at = sizeof *m + room;
    const size_t tls_at = routes_at + m->n_routes * sizeof *m->routes;
    const size_t backend_at = tls_at + m->n_tls * sizeof *m->tls;
    const size_t texts_at =
        backend_at + (m->default_backend ? sizeof *m->default_backend : 0);
    struct packing count = { .to = NULL };
    struct packing p = { .to = NULL };
    struct kube_backend backend;
    struct model scratch;
    struct model *out;
    char *block;

    pack(&count, m, &scratch, &backend);
    block = xcalloc(1, texts_at + count.size);
    out = (void *) block;
    *out = (struct model) {
        .created = m->created,
        .is_class_legacy = m->is_class_legacy,
        .is_deleting = m->is_deleting,
        .is_canary = m->is_canary,
        .n_refs = 1,
        .settings = settings_again(m->settings),
        .routes = (void *) (block + routes_at),
        .n_routes = m->n_routes,
        .tls = (void *) (block + tls_at),
        .n_tls = m->n_tls,
        .ruleset = m->ruleset,
    };
    p.to = block + texts_at;
    pack(&p, m, out, (void *) (block + backend_at));
    return out;
}
