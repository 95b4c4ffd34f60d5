#include "tests/unit/table.h"

#include "lib/base/backoff.h"

/* The wait after the n-th failure in a row, with the lowest and the highest
 * random number. */
static const struct row {
    const char *name;
    int64_t min_ms, max_ms;
    unsigned n;
    int64_t lowest, highest;
} rows[] = {
    { "first", 1000, 8000, 1, 500, 1000 },
    { "second", 1000, 8000, 2, 1000, 2000 },
    { "third", 1000, 8000, 3, 2000, 4000 },
    { "reaches the ceiling", 1000, 8000, 4, 4000, 8000 },
    { "stays there", 1000, 8000, 5, 4000, 8000 },
    { "after very many", 1000, 8000, 100000, 4000, 8000 },
    { "ceiling between steps", 1000, 3000, 3, 1500, 3000 },
    { "no room to grow", 500, 500, 9, 250, 500 },
    { "one millisecond", 1, 1, 1, 0, 1 },
};

static int64_t
wait_after(const struct row *row, uint32_t random)
{
    struct backoff b = BACKOFF_INIT(row->min_ms, row->max_ms);
    int64_t wait = -1;

    for (unsigned i = 0; i < row->n; i++) {
        wait = backoff_fail(&b, random);
    }
    backoff_reset(&b);
    assert_int_equal(backoff_fail(&b, 0), row->min_ms / 2);
    return wait;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    uint32_t span = (uint32_t) (row->highest - row->lowest);

    assert_int_equal(wait_after(row, 0), row->lowest);
    assert_int_equal(wait_after(row, span), row->highest);
    assert_int_equal(wait_after(row, span + 1), row->lowest);
    for (unsigned i = 0; i < 100; i++) {
        int64_t wait = wait_after(row, backoff_random());

        assert_true(wait >= row->lowest && wait <= row->highest);
    }
}

TABLE_MAIN("backoff", rows, check_row)
