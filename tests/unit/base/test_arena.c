#include "tests/unit/table.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/mem.h"

/* Builds the same things in any arena: odd sizes between aligned ones. */
static void
build(struct arena *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t *numbers = arena_alloc(a, i % 5, sizeof *numbers);
        char *text = arena_text(a, "abcdefghijklmnop", i % 17);
        char *odd = arena_alloc(a, 1, i % 13 + 1);

        for (size_t j = 0; j < i % 5; j++) {
            assert_int_equal((uintptr_t) &numbers[j] % 8, 0);
            assert_true(numbers[j] == 0);
            numbers[j] = UINT64_MAX;
        }
        assert_int_equal(strlen(text), i % 17);
        memset(text, 'x', i % 17);
        assert_int_equal(odd[i % 13], 0);
        memset(odd, 0xff, i % 13 + 1);
    }
}

static void
test_nothing(void **state)
{
    AUTO_ARENA struct arena a = ARENA_INIT;

    (void) state;
    assert_null(arena_alloc(&a, 0, 8));
    assert_int_equal(arena_size(&a), 0);
    assert_string_equal(arena_text(&a, "", 0), "");
    assert_int_equal(arena_size(&a), 1);
}

/* What a growing arena counted is what a block must have, to the byte: the
 * sanitizer watches its ends. */
static void
test_exact_block(void **state)
{
    (void) state;
    for (size_t n = 0; n < 400; n += 7) {
        AUTO_ARENA struct arena growing = ARENA_INIT;
        AUTO_FREE void *block = NULL;
        struct arena exact;
        size_t size;

        build(&growing, n);
        size = arena_size(&growing);
        block = xcalloc(1, size);
        arena_init_block(&exact, block, size);
        build(&exact, n);
        assert_int_equal(arena_size(&exact), size);
        assert_ptr_equal(exact.front, exact.back);
    }
}

static void
test_more_than_a_chunk(void **state)
{
    AUTO_ARENA struct arena a = ARENA_INIT;
    char *text = arena_room(&a, 100000);

    (void) state;
    assert_int_equal(text[0], 0);
    assert_int_equal(text[100000], 0);
    memset(text, 'x', 100000);
    memset(arena_alloc(&a, 1000, 100), 'y', 100000);
    assert_int_equal(text[0], 'x');
    assert_int_equal(text[99999], 'x');
    assert_int_equal(text[100000], 0);
    assert_int_equal(arena_size(&a), 200001);
}

static void
test_text_of_a_part(void **state)
{
    AUTO_ARENA struct arena a = ARENA_INIT;

    (void) state;
    assert_string_equal(arena_text(&a, "abc", 2), "ab");
    assert_memory_equal(arena_text(&a, "a\0b", 3), "a\0b", 4);
}

static void
test_concat(void **state)
{
    AUTO_ARENA struct arena a = ARENA_INIT;

    (void) state;
    assert_string_equal(arena_concat(&a, "a", NULL, "", "bc"), "abc");
    assert_string_equal(arena_concat(&a, NULL), "");
    assert_int_equal(arena_size(&a), 5);
}

/* Texts of several chunks, with structs between them, in one copy. */
static void
test_texts_elsewhere(void **state)
{
    enum { N = 3000 };
    struct arena a = ARENA_INIT;
    const char *texts[N];
    AUTO_FREE char *copy = NULL;
    char other[] = "other";

    (void) state;
    for (int i = 0; i < N; i++) {
        AUTO_FREE char *text = xasprintf("text %d", i);

        texts[i] = arena_concat(&a, text);
        memset(arena_alloc(&a, (size_t) i % 3 + 1, 1), 'x', 1);
    }
    copy = xmalloc(arena_size(&a));
    arena_copy_texts(&a, copy);
    assert_null(arena_text_in(&a, NULL, copy));
    assert_ptr_equal(arena_text_in(&a, other, copy), other);
    for (int i = 0; i < N; i++) {
        texts[i] = arena_text_in(&a, texts[i] + 1, copy);
    }
    arena_fini(&a);
    for (int i = 0; i < N; i++) {
        AUTO_FREE char *text = xasprintf("ext %d", i);

        assert_in_range(texts[i] - copy, 0, N * sizeof "text 1000");
        assert_string_equal(texts[i], text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_exact_block),
        cmocka_unit_test(test_more_than_a_chunk),
        cmocka_unit_test(test_text_of_a_part),
        cmocka_unit_test(test_concat),
        cmocka_unit_test(test_texts_elsewhere),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
