#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

static void
test_empty(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(10);
    AUTO_FREE char *taken = NULL;

    (void) state;
    assert_string_equal(buf_str(&b), "");
    buf_put(&b, "", 0);
    buf_clear(&b);
    assert_null(b.data);
    taken = buf_take(&b);
    assert_string_equal(taken, "");
}

static void
test_puts(void **state)
{
    AUTO_BUF struct buf b = BUF_OWN;

    (void) state;
    buf_puts(&b, "ab");
    buf_putc(&b, 'c');
    buf_put(&b, "d\0e", 3);
    buf_printf(&b, "%d%s", 7, "x");
    assert_int_equal(b.size, 8);
    assert_memory_equal(b.data, "abcd\0e7x", 9);
    assert_false(b.overflowed);
}

static void
test_ceiling(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(4);

    (void) state;
    buf_puts(&b, "abcd");
    assert_false(b.overflowed);
    assert_string_equal(buf_str(&b), "abcd");
    buf_putc(&b, 'e');
    assert_true(b.overflowed);
    assert_string_equal(buf_str(&b), "abcd");
    buf_clear(&b);
    assert_false(b.overflowed);
    buf_puts(&b, "abcde");
    assert_true(b.overflowed);
    assert_string_equal(buf_str(&b), "");
    /* One refused put refuses the rest: no text with a hole in it. */
    buf_puts(&b, "a");
    assert_string_equal(buf_str(&b), "");
}

/* Memory is there at once, up to the ceiling, and nothing else changes. */
static void
test_expect(void **state)
{
    struct buf b = BUF_INIT(100);
    const char *data;

    (void) state;
    buf_expect(&b, 10);
    assert_string_equal(buf_str(&b), "");
    data = b.data;
    buf_puts(&b, "0123456789");
    assert_ptr_equal(b.data, data);
    buf_expect(&b, 1000);
    assert_int_equal(b.room, 101);
    assert_false(b.overflowed);
    assert_string_equal(buf_str(&b), "0123456789");
    buf_printf(&b, "%090d", 7);
    assert_false(b.overflowed);
    assert_int_equal(b.size, 100);
    buf_putc(&b, 'x');
    assert_true(b.overflowed);
    buf_fini(&b);
}

/* What is too long for the rest of the room is printed whole. */
static void
test_printf_grows(void **state)
{
    struct buf b = BUF_INIT(1000);

    (void) state;
    for (int i = 0; i < 30; i++) {
        buf_printf(&b, "%0*d,", i, i);
    }
    assert_string_equal(buf_str(&b) + b.size - 30,
                        "00000000000000000000000000029,");
    assert_int_equal(b.size, 466);
    buf_fini(&b);
}

static void
test_ceiling_of_printf(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(4);

    (void) state;
    buf_printf(&b, "%s", "abcd");
    assert_false(b.overflowed);
    buf_printf(&b, "%s", "");
    assert_false(b.overflowed);
    buf_printf(&b, "%d", 1);
    assert_true(b.overflowed);
    assert_string_equal(buf_str(&b), "abcd");
}

static void
test_no_room_at_all(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(0);
    size_t room = 7;

    (void) state;
    assert_null(buf_room(&b, &room));
    assert_int_equal(room, 0);
    buf_putc(&b, 'a');
    assert_true(b.overflowed);
    assert_string_equal(buf_str(&b), "");
}

static void
test_room(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(10000);
    size_t room, total = 0;
    char *tail;

    (void) state;
    while ((tail = buf_room(&b, &room))) {
        assert_true(room > 0);
        memset(tail, 'x', room);
        buf_grow(&b, room);
        total += room;
        assert_int_equal(buf_str(&b)[total], '\0');
    }
    assert_int_equal(total, 10000);
    assert_false(b.overflowed);
}

static void
test_drop(void **state)
{
    AUTO_BUF struct buf b = BUF_OWN;

    (void) state;
    buf_drop(&b, 0);
    buf_puts(&b, "abcdef");
    buf_drop(&b, 0);
    assert_string_equal(buf_str(&b), "abcdef");
    buf_drop(&b, 2);
    assert_string_equal(buf_str(&b), "cdef");
    buf_drop(&b, 4);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(b.size, 0);
}

static void
test_take(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(5);
    AUTO_FREE char *taken = NULL;

    (void) state;
    buf_puts(&b, "abc");
    taken = buf_take(&b);
    assert_string_equal(taken, "abc");
    assert_int_equal(b.size, 0);
    assert_int_equal(b.limit, 5);
    buf_puts(&b, "defgh");
    assert_string_equal(buf_str(&b), "defgh");
}

static bool
is_zero(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i]) {
            return false;
        }
    }
    return true;
}

static void
test_secret(void **state)
{
    AUTO_BUF struct buf b = BUF_SECRET(BUF_OWN_MAX);
    AUTO_FREE char *taken = NULL;

    (void) state;
    buf_puts(&b, "0123456789");
    buf_drop(&b, 4);
    assert_string_equal(buf_str(&b), "456789");
    assert_true(is_zero(b.data + b.size, 5));
    for (int i = 0; i < 100; i++) {
        buf_puts(&b, "abc");
    }
    assert_int_equal(b.size, 306);
    assert_memory_equal(b.data, "456789abc", 9);
    buf_clear(&b);
    assert_true(is_zero(b.data, b.room));
    buf_puts(&b, "x");
    taken = buf_take(&b);
    assert_string_equal(taken, "x");
    assert_true(b.is_secret);
    buf_fini(&b);
    assert_true(b.is_secret);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_puts),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_ceiling_of_printf),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_printf_grows),
        cmocka_unit_test(test_no_room_at_all),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_secret),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
