#include "tests/unit/table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/vec.h"

static void
test_zero_sizes(void **state)
{
    AUTO_FREE void *a = xmalloc(0);
    AUTO_FREE void *b = xcalloc(0, 8);
    AUTO_FREE void *c = xcalloc(8, 0);
    AUTO_FREE void *d = xrealloc(NULL, 0, 8);
    AUTO_FREE void *e = xmemdup("", 0);

    (void) state;
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    assert_non_null(d);
    assert_non_null(e);
}

static void
test_zeroed(void **state)
{
    AUTO_FREE char *p = xcalloc(100, 10);

    (void) state;
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(p[i], 0);
    }
}

static void
test_copies(void **state)
{
    AUTO_FREE char *whole = xstrdup("abc");
    AUTO_FREE char *part = xstrndup("abc", 2);
    AUTO_FREE char *none = xstrndup("abc", 0);
    AUTO_FREE char *bytes = xmemdup("a\0c", 3);
    AUTO_FREE char *text = xasprintf("%s-%d", "x", 7);

    (void) state;
    assert_string_equal(whole, "abc");
    assert_string_equal(part, "ab");
    assert_string_equal(none, "");
    assert_memory_equal(bytes, "a\0c", 3);
    assert_string_equal(text, "x-7");
}

static void
test_realloc_keeps(void **state)
{
    char *p = xmemdup("abc", 4);

    (void) state;
    p = xrealloc(p, 1000, 10);
    assert_string_equal(p, "abc");
    mem_freep(&p);
}

static void
test_steal(void **state)
{
    AUTO_FREE char *from = xstrdup("abc");
    AUTO_FREE char *to = STEAL_PTR(from);
    AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int stolen = STEAL_FD(fd);

    (void) state;
    assert_null(from);
    assert_string_equal(to, "abc");
    assert_int_equal(fd, -1);
    assert_int_equal(close(stolen), 0);
}

static void
test_close(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd, none = -1;

    (void) state;
    assert_true(fd >= 0);
    mem_closep(&fd);
    assert_int_equal(fcntl(copy, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
    mem_closep(&none);
}

static int
compare_ints(const void *a, const void *b)
{
    return *(const int *) a - *(const int *) b;
}

static void
test_vec(void **state)
{
    VEC(int) v = { 0 };

    (void) state;
    VEC_SORT(&v, compare_ints);
    for (int i = 0; i < 100; i++) {
        VEC_PUSH(&v, 99 - i);
    }
    *VEC_ADD(&v) = 1000;
    assert_int_equal(*VEC_ADD(&v), 0);
    assert_int_equal(v.n, 102);
    VEC_SORT(&v, compare_ints);
    assert_int_equal(v.items[0], 0);
    assert_int_equal(v.items[101], 1000);
    VEC_REMOVE(&v, 0);
    VEC_REMOVE(&v, v.n - 1);
    VEC_REMOVE(&v, 50);
    assert_int_equal(v.n, 99);
    assert_int_equal(v.items[0], 0);
    assert_int_equal(v.items[49], 49);
    assert_int_equal(v.items[50], 51);
    VEC_FINI(&v);
    assert_null(v.items);
    assert_int_equal(v.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_sizes),
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_realloc_keeps),
        cmocka_unit_test(test_steal),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_vec),
    };

    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
