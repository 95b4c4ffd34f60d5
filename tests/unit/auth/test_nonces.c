#include "tests/unit/table.h"

#include <string.h>

#include "auth/nonces.h"

static const unsigned char key[] = "a key of the process", other[] = "another";

static void
make(int64_t now_ms, char out[NONCE_SIZE])
{
    nonce_make(key, sizeof key, "table|realm", now_ms, out);
}

static void
only_our_own_are_read(void **state)
{
    char nonce[NONCE_SIZE], twin[NONCE_SIZE];
    int64_t born = 0;

    (void) state;
    make(1234, nonce);
    make(1234, twin);
    assert_string_not_equal(nonce, twin);
    assert_true(nonce_read(key, sizeof key, "table|realm", nonce, &born));
    assert_int_equal(born, 1234);
    assert_false(nonce_read(key, sizeof key, "table|other", nonce, &born));
    assert_false(nonce_read(other, sizeof other, "table|realm", nonce, &born));
    assert_false(nonce_read(key, sizeof key, "table|realm", "", &born));
    assert_false(nonce_read(key, sizeof key, "table|realm", nonce + 1, &born));
    for (size_t i = 0; i < NONCE_SIZE - 1; i++) {
        char was = nonce[i];

        nonce[i] = was == '0' ? '1' : '0';
        assert_false(nonce_read(key, sizeof key, "table|realm", nonce, &born));
        nonce[i] = was;
    }
}

static void
a_count_is_taken_once(void **state)
{
    struct nonces *n = nonces_new(0);
    char nonce[NONCE_SIZE];

    (void) state;
    make(100, nonce);
    assert_false(nonces_take(n, nonce, 100, 0, 100));
    assert_true(nonces_take(n, nonce, 100, 1, 100));
    assert_false(nonces_take(n, nonce, 100, 1, 101));
    /* Out of order, as two streams of one connection are. */
    assert_true(nonces_take(n, nonce, 100, 5, 102));
    assert_true(nonces_take(n, nonce, 100, 3, 103));
    assert_false(nonces_take(n, nonce, 100, 3, 103));
    assert_false(nonces_take(n, nonce, 100, 5, 103));
    /* Behind the window nothing is known any more: refused. */
    assert_true(nonces_take(n, nonce, 100, 3 + NONCES_WINDOW, 104));
    assert_false(nonces_take(n, nonce, 100, 2, 104));
    assert_true(nonces_take(n, nonce, 100, 4, 104));
    assert_true(nonces_take(n, nonce, 100, UINT32_MAX, 105));
    assert_false(nonces_take(n, nonce, 100, UINT32_MAX, 105));
    nonces_free(n);
}

static void
old_and_future_ones_are_stale(void **state)
{
    struct nonces *n = nonces_new(1000);
    char nonce[NONCE_SIZE];

    (void) state;
    make(2000, nonce);
    assert_true(nonces_take(n, nonce, 2000, 1, 2000 + NONCES_MS));
    assert_false(nonces_take(n, nonce, 2000, 2, 2001 + NONCES_MS));
    make(9000, nonce);
    assert_false(nonces_take(n, nonce, 9000, 1, 8999));
    /* Born before the table: who knows what it was used for. */
    make(999, nonce);
    assert_false(nonces_take(n, nonce, 999, 1, 2000));
    nonces_free(n);
}

/* What is forgotten, and whatever was born before it, is stale. */
static void
memory_is_bounded_and_nothing_comes_back(void **state)
{
    struct nonces *n = nonces_new(0);
    char first[NONCE_SIZE], early[NONCE_SIZE], nonce[NONCE_SIZE];

    (void) state;
    make(50, early);
    make(100, first);
    assert_true(nonces_take(n, first, 100, 1, 200));
    for (int i = 0; i < NONCES_MAX - 1; i++) {
        make(200, nonce);
        assert_true(nonces_take(n, nonce, 200, 1, 200));
    }
    assert_true(nonces_take(n, first, 100, 2, 200));
    make(200, nonce);
    assert_true(nonces_take(n, nonce, 200, 1, 200));
    assert_false(nonces_take(n, first, 100, 3, 200));
    assert_false(nonces_take(n, first, 100, 1, 200));
    assert_false(nonces_take(n, early, 50, 1, 200));
    make(101, nonce);
    assert_true(nonces_take(n, nonce, 101, 1, 200));
    nonces_free(n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_our_own_are_read),
        cmocka_unit_test(a_count_is_taken_once),
        cmocka_unit_test(old_and_future_ones_are_stale),
        cmocka_unit_test(memory_is_bounded_and_nothing_comes_back),
    };

    return cmocka_run_group_tests_name("nonces", tests, NULL, NULL);
}
