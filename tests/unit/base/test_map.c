#include "tests/unit/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"

static int values[3];

static void
test_put_get_remove(void **state)
{
    struct map *m = map_new();

    (void) state;
    assert_null(map_get(m, "a"));
    assert_null(map_remove(m, "a"));
    assert_null(map_put(m, "a", &values[0]));
    assert_null(map_put(m, "", &values[1]));
    assert_int_equal(map_size(m), 2);
    assert_ptr_equal(map_get(m, "a"), &values[0]);
    assert_ptr_equal(map_get(m, ""), &values[1]);
    assert_ptr_equal(map_put(m, "a", &values[2]), &values[0]);
    assert_int_equal(map_size(m), 2);
    assert_ptr_equal(map_remove(m, "a"), &values[2]);
    assert_null(map_get(m, "a"));
    assert_int_equal(map_size(m), 1);
    map_free(m, NULL);
    map_free(NULL, NULL);
}

static void
test_keys_are_copied(void **state)
{
    struct map *m = map_new();
    char key[] = "abc";

    (void) state;
    map_put(m, key, &values[0]);
    key[0] = 'x';
    assert_ptr_equal(map_get(m, "abc"), &values[0]);
    assert_null(map_get(m, "xbc"));
    map_free(m, NULL);
}

static unsigned n_freed;

static void
count_free(void *p)
{
    n_freed++;
    free(p);
}

static void
test_values_are_freed(void **state)
{
    struct map *m = map_new();

    (void) state;
    for (int i = 0; i < 100; i++) {
        AUTO_FREE char *key = xasprintf("%d", i);

        map_put(m, key, xstrdup(key));
    }
    free(map_remove(m, "7"));
    n_freed = 0;
    map_free(m, count_free);
    assert_int_equal(n_freed, 99);
}

/* Every key of many is found, walked once, and in order when sorted; keys of
 * all lengths, for the hash reads eight bytes at a time. */
static void
test_many(void **state)
{
    enum { N = 5000 };
    struct map *m = map_new();
    AUTO_FREE const char **sorted = NULL;
    struct map_iter it = MAP_ITER;
    static char keys[N][32];
    static bool is_walked[N];
    size_t n_walked = 0;

    (void) state;
    for (size_t i = 0; i < N; i++) {
        snprintf(keys[i], sizeof keys[i], "%0*zu", (int) (4 + i % 20), i);
        assert_null(map_put(m, keys[i], keys[i]));
    }
    for (size_t i = 0; i < N; i++) {
        assert_ptr_equal(map_get(m, keys[i]), keys[i]);
    }
    while (map_next(m, &it)) {
        size_t i = (size_t) ((char(*)[32]) it.value - keys);

        assert_string_equal(it.key, keys[i]);
        assert_false(is_walked[i]);
        is_walked[i] = true;
        n_walked++;
    }
    assert_null(it.key);
    assert_false(map_next(m, &it));
    assert_int_equal(n_walked, N);
    sorted = map_sorted_keys(m);
    for (size_t i = 1; i < N; i++) {
        assert_true(strcmp(sorted[i - 1], sorted[i]) < 0);
    }
    for (size_t i = 0; i < N; i += 2) {
        assert_ptr_equal(map_remove(m, keys[i]), keys[i]);
    }
    for (size_t i = 0; i < N; i++) {
        assert_ptr_equal(map_get(m, keys[i]), i % 2 ? keys[i] : NULL);
    }
    assert_int_equal(map_size(m), N / 2);
    map_free(m, NULL);
}

static void
test_empty(void **state)
{
    struct map *m = map_new();
    AUTO_FREE const char **sorted = map_sorted_keys(m);
    struct map_iter it = MAP_ITER;

    (void) state;
    assert_non_null(sorted);
    assert_false(map_next(m, &it));
    map_free(m, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_get_remove),
        cmocka_unit_test(test_keys_are_copied),
        cmocka_unit_test(test_values_are_freed),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
