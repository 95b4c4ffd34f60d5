/* A model in one block, without what only its own judgement needs. */
#include "lib/ingress/model.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ingress/settings_share.h"

/* Texts are counted first and then copied to 'at', by the same walk. */
struct packing {
    const char **owned;         /* The model's own, by address. */
    size_t n_owned;
    char *at;                   /* NULL: count. */
    size_t size;
};

static char no_field[] = "";

static int
compare_addresses(const void *a, const void *b)
{
    const uintptr_t x = (uintptr_t) *(const char *const *) a;
    const uintptr_t y = (uintptr_t) *(const char *const *) b;

    return (x > y) - (x < y);
}

static char *
copy(struct packing *p, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *to = p->at;

    p->size += size;
    if (to) {
        memcpy(to, text, size);
        p->at += size;
    }
    return to;
}

/* What is borrowed from the object or the settings stays where it is. */
static const char *
keep(struct packing *p, const char *text)
{
    const bool is_own =
        text && p->n_owned > 0 &&
        bsearch(&text, p->owned, p->n_owned, sizeof *p->owned,
                compare_addresses);

    return is_own ? copy(p, text) : text;
}

static void
pack_route(struct packing *p, const struct route *from, struct route *to)
{
    *to = *from;
    to->host = keep(p, from->host);
    to->path = keep(p, from->path);
    to->key = keep(p, from->key);
    to->of = keep(p, from->of);
    to->regex = keep(p, from->regex);
    to->field = no_field;
}

static void
pack_tls(struct packing *p, const struct model_tls *from,
         struct model_tls *to)
{
    to->host = keep(p, from->host);
    to->secret = from->secret ? copy(p, from->secret) : NULL;
    to->field = no_field;
}

/* Fills the arrays of 'out', or those of a scratch while it counts. */
static void
pack(struct packing *p, const struct model *m, struct model *out)
{
    struct model_tls tls;
    struct route route;

    out->name = copy(p, m->name);
    for (size_t i = 0; i < m->n_routes; i++) {
        pack_route(p, &m->routes[i], p->at ? &out->routes[i] : &route);
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        pack_tls(p, &m->tls[i], p->at ? &out->tls[i] : &tls);
    }
}

struct model *
model_packed(const struct model *m)
{
    const size_t routes_size = m->n_routes * sizeof *m->routes;
    const size_t tls_size = m->n_tls * sizeof *m->tls;
    struct packing p = { .n_owned = m->n_owned };
    struct model scratch;
    struct model *out;
    char *block;

    p.owned = xcalloc(m->n_owned, sizeof *p.owned);
    for (size_t i = 0; i < m->n_owned; i++) {
        p.owned[i] = m->owned[i];
    }
    if (m->n_owned > 1) {
        qsort(p.owned, p.n_owned, sizeof *p.owned, compare_addresses);
    }
    pack(&p, m, &scratch);
    block = xcalloc(1, sizeof *out + routes_size + tls_size + p.size);
    out = (void *) block;
    *out = *m;
    out->object = kube_ref(m->object);
    out->settings = settings_again(m->settings);
    out->routes = (void *) (block + sizeof *out);
    out->tls = (void *) (block + sizeof *out + routes_size);
    out->findings = NULL;
    out->owned = NULL;
    out->n_owned = 0;
    out->n_refs = 1;
    out->is_packed = true;
    p.at = block + sizeof *out + routes_size + tls_size;
    pack(&p, m, out);
    free(p.owned);
    return out;
}
