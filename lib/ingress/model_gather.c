/* A model in one block: models stay for long and are many, so what one was
 * built of moves together. */
#include "lib/ingress/model_priv.h"

#include <string.h>

#include "lib/base/mem.h"

/* The texts of a build, and where they are from now on. */
struct gather {
    const struct arena *from;
    char *to;
};

/* What is borrowed stays where it is. */
static char *
move(const struct gather *g, const char *text)
{
    return arena_text_in(g->from, text, g->to);
}

static void
move_route(const struct gather *g, struct route *r)
{
    r->host = move(g, r->host);
    r->path = move(g, r->path);
    r->key = move(g, r->key);
    r->of = move(g, r->of);
    r->regex = move(g, r->regex);
    r->field = move(g, r->field);
}

static void
move_tls(const struct gather *g, struct model_tls *tls)
{
    tls->host = move(g, tls->host);
    tls->secret = move(g, tls->secret);
    tls->field = move(g, tls->field);
    tls->second = move(g, tls->second);
    tls->second_field = move(g, tls->second_field);
}

static void
copy(void *to, const void *from, size_t size)
{
    if (size > 0) {
        memcpy(to, from, size);
    }
}

struct model *
build_gather(const struct build *b)
{
    const size_t routes_size = b->routes.n * sizeof *b->routes.items;
    const size_t tls_size = b->tls.n * sizeof *b->tls.items;
    const size_t structs_size = sizeof(struct model) + routes_size + tls_size;
    char *block = xmalloc(structs_size + arena_size(&b->owned));
    const struct gather g = { .from = &b->owned, .to = block + structs_size };
    struct model *m = (void *) block;

    *m = *b->model;
    arena_copy_texts(&b->owned, g.to);
    m->name = move(&g, m->name);
    m->routes = (void *) (block + sizeof *m);
    m->n_routes = b->routes.n;
    copy(m->routes, b->routes.items, routes_size);
    for (size_t i = 0; i < m->n_routes; i++) {
        move_route(&g, &m->routes[i]);
    }
    m->tls = (void *) (block + sizeof *m + routes_size);
    m->n_tls = b->tls.n;
    copy(m->tls, b->tls.items, tls_size);
    for (size_t i = 0; i < m->n_tls; i++) {
        move_tls(&g, &m->tls[i]);
    }
    return m;
}
