/* A model in one block: models stay for long and are many, so the pieces that
 * one was built of move together. */
#include "lib/ingress/model_priv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* A text that the model owns. */
struct text {
    const char *from;
    size_t size;                /* With its end. */
    size_t at;                  /* In the block; 0: nobody has asked for it. */
};

/* A first walk finds the size, a second one fills the block. */
struct gather {
    struct text *texts;         /* By address. */
    size_t n;
    size_t size;                /* Of the block so far. */
    char *block;                /* NULL: the first walk. */
};

static int
compare_texts(const void *a, const void *b)
{
    const uintptr_t x = (uintptr_t) ((const struct text *) a)->from;
    const uintptr_t y = (uintptr_t) ((const struct text *) b)->from;

    return (x > y) - (x < y);
}

static void
list_texts(const struct build *b, struct gather *g)
{
    g->texts = xcalloc(b->owned.n, sizeof *g->texts);
    for (size_t i = 0; i < b->owned.n; i++) {
        const char *text = b->owned.items[i];

        if (text) {
            g->texts[g->n++] =
                (struct text) { .from = text, .size = strlen(text) + 1 };
        }
    }
    if (g->n > 1) {
        qsort(g->texts, g->n, sizeof *g->texts, compare_texts);
    }
}

/* The owned text in which 'text' begins; NULL: it is borrowed. */
static struct text *
find(const struct gather *g, const char *text)
{
    size_t low = 0, high = g->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if ((uintptr_t) g->texts[middle].from <= (uintptr_t) text) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && (uintptr_t) text - (uintptr_t) g->texts[low - 1].from <
                          g->texts[low - 1].size
               ? &g->texts[low - 1] : NULL;
}

/* Where 'text' is from now on; what is borrowed stays where it is. */
static char *
move(struct gather *g, const char *text)
{
    struct text *t = text ? find(g, text) : NULL;

    if (t && t->at == 0) {
        t->at = g->size;
        g->size += t->size;
    }
    if (!t || !g->block) {
        return (char *) (uintptr_t) text;
    }
    memcpy(g->block + t->at, t->from, t->size);
    return g->block + t->at + (text - t->from);
}

static void
move_route(struct gather *g, struct route *r)
{
    r->host = move(g, r->host);
    r->path = move(g, r->path);
    r->key = move(g, r->key);
    r->of = move(g, r->of);
    r->regex = move(g, r->regex);
    r->field = move(g, r->field);
}

static void
move_tls(struct gather *g, struct model_tls *tls)
{
    tls->host = move(g, tls->host);
    tls->secret = move(g, tls->secret);
    tls->field = move(g, tls->field);
    tls->second = move(g, tls->second);
    tls->second_field = move(g, tls->second_field);
}

static void
move_all(struct gather *g, struct model *m)
{
    m->name = move(g, m->name);
    for (size_t i = 0; i < m->n_routes; i++) {
        move_route(g, &m->routes[i]);
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        move_tls(g, &m->tls[i]);
    }
}

static void
copy(void *to, const void *from, size_t size)
{
    if (size > 0) {
        memcpy(to, from, size);
    }
}

static void
free_pieces(struct build *b)
{
    for (size_t i = 0; i < b->owned.n; i++) {
        free(b->owned.items[i]);
    }
    VEC_FINI(&b->owned);
    VEC_FINI(&b->routes);
    VEC_FINI(&b->tls);
    free(b->model);
}

struct model *
build_gather(struct build *b)
{
    const size_t routes_size = b->routes.n * sizeof *b->routes.items;
    const size_t tls_size = b->tls.n * sizeof *b->tls.items;
    struct gather g = { .size = sizeof *b->model + routes_size + tls_size };
    struct model *m = b->model;

    m->routes = b->routes.items;
    m->n_routes = b->routes.n;
    m->tls = b->tls.items;
    m->n_tls = b->tls.n;
    list_texts(b, &g);
    move_all(&g, m);
    g.block = xmalloc(g.size);
    m = (void *) g.block;
    *m = *b->model;
    m->routes = (void *) (g.block + sizeof *m);
    copy(m->routes, b->routes.items, routes_size);
    m->tls = (void *) (g.block + sizeof *m + routes_size);
    copy(m->tls, b->tls.items, tls_size);
    move_all(&g, m);
    free(g.texts);
    free_pieces(b);
    return m;
}
