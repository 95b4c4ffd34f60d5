/* A model's pieces in one block. */
#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ingress/model_priv.h"

static char borrowed[] = "borrowed";

static struct model draft;

static struct build
begin(void)
{
    draft = (struct model) { .name = NULL };
    return (struct build) { .model = &draft };
}

static char *
own(struct build *b, const char *text)
{
    return arena_concat(&b->owned, text);
}

/* The model, which needs nothing of the build any more. */
static struct model *
end(struct build *b)
{
    struct model *m = build_gather(b);

    VEC_FINI(&b->routes);
    VEC_FINI(&b->tls);
    arena_fini(&b->owned);
    return m;
}

static void
nothing_but_a_model(void **state)
{
    struct build b = begin();
    struct model *m;

    (void) state;
    b.model->created = 7;
    m = end(&b);
    assert_int_equal(m->created, 7);
    assert_null(m->name);
    assert_int_equal(m->n_routes, 0);
    assert_int_equal(m->n_tls, 0);
    free(m);
}

/* Whoever pointed at a text, or into it, does so in the block; the pieces are
 * gone, which ASan watches. */
static void
texts_move_together(void **state)
{
    struct build b = begin();
    char *host = own(&b, "h.test"), *key = own(&b, "h.test/a/");
    struct route one = { .host = host, .key = key, .path = key + 6,
                         .field = borrowed };
    struct route two = { .host = host, .key = own(&b, ""), .path = borrowed,
                         .of = host, .regex = own(&b, "^/x") };
    struct model_tls tls = { .host = host, .secret = own(&b, "ns/s"),
                             .second = own(&b, "ns/t") };
    struct model *m;

    (void) state;
    b.model->name = own(&b, "Ingress ns/name");
    (void) own(&b, "nobody asks for it");
    VEC_PUSH(&b.routes, one);
    VEC_PUSH(&b.routes, two);
    VEC_PUSH(&b.tls, tls);
    m = end(&b);

    assert_string_equal(m->name, "Ingress ns/name");
    assert_int_equal(m->n_routes, 2);
    assert_int_equal(m->n_tls, 1);
    assert_string_equal(m->routes[0].host, "h.test");
    assert_string_equal(m->routes[0].key, "h.test/a/");
    assert_ptr_equal(m->routes[0].path, m->routes[0].key + 6);
    assert_ptr_equal(m->routes[0].field, borrowed);
    assert_null(m->routes[0].of);
    /* Kept once. */
    assert_ptr_equal(m->routes[1].host, m->routes[0].host);
    assert_ptr_equal(m->routes[1].of, m->routes[0].host);
    assert_ptr_equal(m->tls[0].host, m->routes[0].host);
    assert_string_equal(m->routes[1].key, "");
    assert_ptr_equal(m->routes[1].path, borrowed);
    assert_string_equal(m->routes[1].regex, "^/x");
    assert_string_equal(m->tls[0].secret, "ns/s");
    assert_string_equal(m->tls[0].second, "ns/t");
    assert_null(m->tls[0].field);
    free(m);
}

/* Texts are found by where they lie, whichever came first. */
static void
many_texts(void **state)
{
    enum { N = 5000 };          /* More than a chunk of the arena. */
    struct build b = begin();
    struct model *m;

    (void) state;
    for (size_t i = 0; i < N; i++) {
        AUTO_FREE char *text = xasprintf("%zu", i * i * i);
        struct route r = { .host = own(&b, text) };

        VEC_PUSH(&b.routes, r);
    }
    for (size_t i = 0; i < N / 2; i++) {
        struct route swapped = b.routes.items[i];

        b.routes.items[i] = b.routes.items[N - 1 - i];
        b.routes.items[N - 1 - i] = swapped;
    }
    m = end(&b);
    for (size_t i = 0; i < N; i++) {
        size_t n = N - 1 - i;
        AUTO_FREE char *text = xasprintf("%zu", n * n * n);

        assert_string_equal(m->routes[i].host, text);
    }
    free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_a_model),
        cmocka_unit_test(texts_move_together),
        cmocka_unit_test(many_texts),
    };

    return cmocka_run_group_tests_name("model_gather", tests, NULL, NULL);
}
