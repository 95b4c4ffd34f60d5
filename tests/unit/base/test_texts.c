#include "tests/unit/table.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/texts.h"

static void
check_none(void **state)
{
    struct texts t = { .n = 0 };

    (void) state;
    assert_int_equal(texts_find(&t, ""), 0);
    texts_fini(&t);
}

/* As a few, and as many: every number is that of its turn. */
static void
check_numbers(void **state)
{
    enum { N = 3 * TEXTS_FEW };
    struct texts t = { .n = 0 };
    char *all[N];

    (void) state;
    for (size_t n = 0; n < N; n++) {
        all[n] = xasprintf("text %zu", n);
        assert_int_equal(texts_find(&t, all[n]), 0);
        texts_add(&t, all[n]);
        assert_int_equal(t.n, n + 1);
        for (size_t i = 0; i <= n; i++) {
            AUTO_FREE char *same = xstrdup(all[i]);

            assert_int_equal(texts_find(&t, same), i + 1);
        }
    }
    assert_int_equal(texts_find(&t, "text"), 0);
    texts_fini(&t);
    assert_int_equal(texts_find(&t, all[0]), 0);
    for (size_t n = 0; n < N; n++) {
        free(all[n]);
    }
}

static void
check_equal(void **state)
{
    struct texts t = { .n = 0 };

    (void) state;
    for (size_t n = 1; n <= 2 * TEXTS_FEW; n++) {
        texts_add(&t, "same");
        assert_int_equal(texts_find(&t, "same"), n);
    }
    texts_fini(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_none),
        cmocka_unit_test(check_numbers),
        cmocka_unit_test(check_equal),
    };

    return cmocka_run_group_tests_name("texts", tests, NULL, NULL);
}
