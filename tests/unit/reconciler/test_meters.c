#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/metrics.h"
#include "reconciler/meters.h"

/* What the histogram says: "count sum". */
static void
expect(struct metrics *all, const char *count, const char *sum)
{
    static const char name[] = "\nsallyport_change_duration_seconds";
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_BUF struct buf want = BUF_OWN;

    metrics_print(all, &out);
    buf_printf(&want, "%s_sum %s\n", name, sum);
    if (!strstr(buf_str(&out), buf_str(&want))) {
        fail_msg("no %s in:\n%s", buf_str(&want), buf_str(&out));
    }
    buf_clear(&want);
    buf_printf(&want, "%s_count %s\n", name, count);
    assert_non_null(strstr(buf_str(&out), buf_str(&want)));
}

static void
changes(void **state)
{
    struct metrics *all = metrics_new();
    struct meters m;

    (void) state;
    meters_init(&m, all);
    /* A start is none, however often the plan changes in it. */
    meters_taken(&m, 7, 1000);
    meters_start(&m, 9);
    meters_taken(&m, 9, 2000);
    meters_confirmed(&m, 9, 3000);
    expect(all, "0", "0.000000000");
    /* From the first that waits to its confirmation, others with it. */
    meters_taken(&m, 10, 1000000);
    meters_confirmed(&m, 9, 1100000);
    meters_taken(&m, 11, 1200000);
    meters_confirmed(&m, 10, 1300000);
    expect(all, "0", "0.000000000");
    meters_confirmed(&m, 11, 1500000);
    expect(all, "1", "0.500000000");
    /* A plan that changed after it was looked at; and nothing new. */
    meters_taken(&m, 12, 2000000);
    meters_confirmed(&m, 13, 2250000);
    meters_taken(&m, 12, 3000000);
    meters_confirmed(&m, 12, 4000000);
    expect(all, "2", "0.750000000");
    metrics_free(all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(changes) };

    return cmocka_run_group_tests_name("meters", tests, NULL, NULL);
}
