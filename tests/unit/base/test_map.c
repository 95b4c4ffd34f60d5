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

/* Each has its own values; a key goes with the last one. */
static void
test_pair(void **state)
{
    struct map *a, *b;
    struct map_iter it = MAP_ITER;
    const char *own;

    (void) state;
    map_new_pair(&a, &b);
    map_put(a, "both", &values[0]);
    own = map_key(a, "both");
    assert_string_equal(own, "both");
    assert_null(map_key(b, "both"));
    map_put(b, "both", &values[1]);
    map_put(b, "second", &values[2]);
    assert_int_equal(map_size(a), 1);
    assert_int_equal(map_size(b), 2);
    assert_ptr_equal(map_get(a, "both"), &values[0]);
    assert_ptr_equal(map_get(b, "both"), &values[1]);
    assert_null(map_get(a, "second"));
    assert_null(map_remove(a, "second"));
    assert_true(map_next(a, &it));
    assert_string_equal(it.key, "both");
    assert_false(map_next(a, &it));
    assert_ptr_equal(map_remove(a, "both"), &values[0]);
    assert_ptr_equal(map_key(b, "both"), own);
    map_free(a, NULL);
    assert_ptr_equal(map_get(b, "second"), &values[2]);
    assert_ptr_equal(map_remove(b, "both"), &values[1]);
    assert_null(map_get(b, "both"));
    assert_int_equal(map_size(b), 1);
    map_free(b, NULL);
}

/* As any other, through its pieces, and again after it was empty. */
static void
test_batch(void **state)
{
    struct map *m = map_new_batch();
    AUTO_FREE char *huge = xmalloc(1 << 20);

    (void) state;
    memset(huge, 'h', (1 << 20) - 1);
    huge[(1 << 20) - 1] = '\0';
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            AUTO_FREE char *key = xasprintf("key of round %d: %d", round, i);

            assert_null(map_put(m, key, &values[i % 3]));
        }
        assert_null(map_put(m, huge, &values[0]));
        assert_ptr_equal(map_put(m, huge, &values[1]), &values[0]);
        for (int i = 0; i < 20000; i++) {
            AUTO_FREE char *key = xasprintf("key of round %d: %d", round, i);

            assert_ptr_equal(map_remove(m, key), &values[i % 3]);
            assert_null(map_get(m, key));
        }
        assert_ptr_equal(map_remove(m, huge), &values[1]);
        assert_int_equal(map_size(m), 0);
    }
    map_put(m, "left", &values[0]);
    map_free(m, NULL);
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

struct item {
    int number;
    char key[16];
};

static const char *
key_of_item(const void *value)
{
    return ((const struct item *) value)->key;
}

/* Keys in their values; at random, against an array that says what is there,
 * so that tables grow, fill and close their gaps. */
static void
test_keyed(void **state)
{
    enum { N = 700 };
    static struct item items[2][N];
    struct map *m = map_new_keyed(key_of_item);
    struct item *there[N] = { NULL };
    size_t n = 0;

    (void) state;
    srandom(7);
    for (size_t i = 0; i < N; i++) {
        snprintf(items[0][i].key, sizeof items[0][i].key, "k%zu", i);
        items[1][i] = items[0][i];
    }
    for (size_t step = 0; step < 40000; step++) {
        const size_t i = (size_t) random() % N;
        struct item *new = &items[random() % 2][i];
        const bool is_put = random() % 100 < (step < 20000 ? 70 : 30);

        if (is_put) {
            n += !there[i];
            assert_ptr_equal(map_put(m, new->key, new), there[i]);
        } else {
            n -= there[i] != NULL;
            assert_ptr_equal(map_remove(m, new->key), there[i]);
        }
        there[i] = is_put ? new : NULL;
        assert_int_equal(map_size(m), n);
        assert_ptr_equal(map_get(m, items[0][step % N].key),
                         there[step % N]);
    }
    for (size_t i = 0; i < N; i++) {
        assert_ptr_equal(map_get(m, items[0][i].key), there[i]);
    }
    map_free(m, NULL);
}

static void
test_hash(void **state)
{
    (void) state;
    assert_true(map_hash("a") == map_hash("a"));
    assert_true(map_hash("a") != map_hash("b"));
    assert_true(map_hash("") != map_hash("a"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_get_remove),
        cmocka_unit_test(test_keys_are_copied),
        cmocka_unit_test(test_values_are_freed),
        cmocka_unit_test(test_pair),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_keyed),
        cmocka_unit_test(test_hash),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
