#include "tests/unit/table.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/waits.h"

struct pair {
    int fds[2];
    struct waits waits;
};

static int
set_up(void **state)
{
    struct pair *p = xcalloc(1, sizeof *p);

    assert_int_equal(pipe2(p->fds, O_CLOEXEC | O_NONBLOCK), 0);
    waits_init(&p->waits);
    *state = p;
    return 0;
}

static int
tear_down(void **state)
{
    struct pair *p = *state;

    close(p->fds[0]);
    close(p->fds[1]);
    waits_fini(&p->waits);
    free(p);
    return 0;
}

static void
test_descriptor(void **state)
{
    struct pair *p = *state;

    waits_fd(&p->waits, p->fds[0], POLLIN);
    waits_fd(&p->waits, p->fds[1], 0);
    assert_int_equal(write(p->fds[1], "x", 1), 1);
    waits_block(&p->waits);
    assert_int_equal(waits_ready(&p->waits, p->fds[0]), POLLIN);
    assert_int_equal(waits_ready(&p->waits, p->fds[1]), 0);
    assert_int_equal(waits_ready(&p->waits, -1), 0);
}

static void
test_deadline_is_reached(void **state)
{
    struct pair *p = *state;
    int64_t deadline_ms = clock_ms() + 30;

    waits_fd(&p->waits, p->fds[0], POLLIN);
    waits_until(&p->waits, deadline_ms + 3600000);
    waits_until(&p->waits, deadline_ms);
    waits_until(&p->waits, deadline_ms + 7200000);
    waits_block(&p->waits);
    assert_true(clock_ms() >= deadline_ms);
    assert_int_equal(waits_ready(&p->waits, p->fds[0]), 0);
}

static void
test_now_and_past(void **state)
{
    struct pair *p = *state;

    waits_fd(&p->waits, p->fds[0], POLLIN);
    waits_until(&p->waits, clock_ms() - 1000);
    waits_block(&p->waits);
    waits_clear(&p->waits);
    waits_fd(&p->waits, p->fds[0], POLLIN);
    waits_until(&p->waits, INT64_MAX - 1);
    waits_now(&p->waits);
    waits_block(&p->waits);
    assert_int_equal(waits_ready(&p->waits, p->fds[0]), 0);
}

static void
test_clear(void **state)
{
    struct pair *p = *state;

    waits_fd(&p->waits, p->fds[0], POLLIN);
    waits_until(&p->waits, 7);
    waits_clear(&p->waits);
    assert_int_equal(p->waits.fds.n, 0);
    assert_true(p->waits.deadline_ms == INT64_MAX);
}

static void
test_micro_time(void **state)
{
    char text[CLOCK_MICROTIME_SIZE];

    (void) state;
    clock_format_micro(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    clock_format_micro(1767225599000001, text);
    assert_string_equal(text, "2025-12-31T23:59:59.000001Z");
    clock_format_micro(1767225599999999, text);
    assert_string_equal(text, "2025-12-31T23:59:59.999999Z");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_descriptor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadline_is_reached, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_now_and_past, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_clear, set_up, tear_down),
        cmocka_unit_test(test_micro_time),
    };

    return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
