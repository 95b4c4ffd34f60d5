/* Sets of keys: copied, borrowed and in batches, short and long. */
#include "tests/unit/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "reconciler/keyset.h"

#define N_KEYS 40

static const struct row {
    const char *name;
    struct keyset *(*make)(void);
    unsigned n;
} rows[] = {
    { "one, copied", keyset_new, 1 },
    { "one, borrowed", keyset_new_borrowed, 1 },
    { "one, in a batch", keyset_new_batch, 1 },
    { "few, copied", keyset_new, 8 },
    { "few, borrowed", keyset_new_borrowed, 8 },
    { "many, copied", keyset_new, N_KEYS },
    { "many, borrowed", keyset_new_borrowed, N_KEYS },
    { "many, in a batch", keyset_new_batch, N_KEYS },
};

static void
add_all(struct keyset *set, char keys[][16], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        /* They come in no order. */
        snprintf(keys[i], sizeof keys[i], "key-%02u", 7 * i % N_KEYS);
        assert_true(keyset_add(set, keys[i]));
    }
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_KEYSET struct keyset *set = row->make();
    char keys[N_KEYS][16], again[16];
    AUTO_FREE const char **list = NULL;
    size_t n;

    add_all(set, keys, row->n);
    memcpy(again, keys[0], sizeof again);
    assert_false(keyset_add(set, again));
    memset(again, 'x', sizeof again - 1);       /* The first one stays. */
    list = keyset_list(set, &n);
    assert_int_equal(n, row->n);
    for (size_t i = 0; i + 1 < n; i++) {
        assert_true(strcmp(list[i], list[i + 1]) < 0);
    }
    for (unsigned i = 0; i < row->n; i++) {
        assert_true(keyset_has(set, keys[i]));
        assert_true(keyset_remove(set, keys[i]));
        assert_false(keyset_remove(set, keys[i]));
        memset(keys[i], 'x', sizeof keys[i] - 1);       /* It goes away. */
    }
    assert_int_equal(keyset_count(set), 0);
}

static void
check_take(void **state)
{
    static char first[] = "b", second[] = "a";
    AUTO_KEYSET struct keyset *set = keyset_new_borrowed();
    AUTO_FREE char **taken = NULL;

    (void) state;
    keyset_add(set, first);
    keyset_add(set, second);
    taken = keyset_take(set);
    assert_string_equal(taken[0], "a");
    assert_string_equal(taken[1], "b");
    assert_null(taken[2]);
    free(taken[0]);
    free(taken[1]);
    assert_true(keyset_add(set, first));        /* It still borrows. */
    assert_int_equal(keyset_count(set), 1);
}

int
main(void)
{
    const struct CMUnitTest take = cmocka_unit_test(check_take);

    return TABLE_RUN("keyset", rows, check_row) +
           _cmocka_run_group_tests("keyset take", &take, 1, NULL, NULL);
}
