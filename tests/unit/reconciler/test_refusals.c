#include "tests/unit/table.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "reconciler/refusals.h"

#define MANY 1000

static struct refusals refusals;

static int
start(void **state)
{
    (void) state;
    refusals = (struct refusals) REFUSALS_INIT;
    return 0;
}

static int
stop(void **state)
{
    (void) state;
    refusals_fini(&refusals);
    return 0;
}

static void
add(unsigned first, unsigned end, int64_t now_ms)
{
    for (unsigned i = first; i < end; i++) {
        AUTO_FREE char *key = xasprintf("d/%u", i);

        refusals_add(&refusals, key, now_ms);
    }
}

/* Takes what is due: from 'first' on, in the order it came. */
static unsigned
take(unsigned first, int64_t now_ms)
{
    char *key;
    unsigned n = 0;

    while ((key = refusals_next(&refusals, now_ms))) {
        AUTO_FREE char *want = xasprintf("d/%u", (first + n++) % MANY);

        assert_string_equal(key, want);
        free(key);
    }
    return n;
}

static void
check_all_of_few(void **state)
{
    (void) state;
    add(0, 3, 0);
    assert_int_equal(take(0, REFUSALS_MIN_MS - 1), 0);
    assert_int_equal(take(0, REFUSALS_MIN_MS), 3);
    assert_int_equal(refusals_count(&refusals), 0);
}

/* Each has its turn, and in a day there are few rounds. */
static void
check_some_of_many(void **state)
{
    unsigned n_rounds = 0, at = 0;
    const int64_t day_ms = (int64_t) 24 * 3600000;

    (void) state;
    add(0, MANY, 0);
    while (refusals.due_ms < day_ms) {
        const int64_t now_ms = refusals.due_ms;
        const unsigned end = (at + REFUSALS_PROBES) % MANY;

        assert_int_equal(take(at, now_ms), REFUSALS_PROBES);
        for (; at != end; at = (at + 1) % MANY) {
            add(at, at + 1, now_ms);
        }
        n_rounds++;
    }
    assert_int_equal(refusals_count(&refusals), MANY);
    /* 1, 3, 7, 15, 31 and 63 minutes, then each hour. */
    assert_int_equal(n_rounds, 28);
    /* What was taken leaves no room behind. */
    assert_true(refusals.keys.n <= 2 * MANY + 1);
}

static void
check_lifted(void **state)
{
    (void) state;
    add(0, MANY, 0);
    assert_int_equal(take(0, REFUSALS_MIN_MS), REFUSALS_PROBES);
    refusals_lift(&refusals);
    assert_int_equal(take(REFUSALS_PROBES, REFUSALS_MIN_MS),
                     MANY - REFUSALS_PROBES);
    /* The next refusal begins with the least again. */
    add(0, 1, 0);
    assert_int_equal(refusals.due_ms, REFUSALS_MIN_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_all_of_few, start, stop),
        cmocka_unit_test_setup_teardown(check_some_of_many, start, stop),
        cmocka_unit_test_setup_teardown(check_lifted, start, stop),
    };

    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
