/* Who is told to fail, look after look. */
#include "tests/unit/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "reconciler/askwatch.h"

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"
#define START_S 1000000
/* Six looks are one period. */
#define SIX(look) look "|" look "|" look "|" look "|" look "|" look "|"

/* 'looks': what HAProxy says, each five seconds, rows without their address and
 * with the age of the last failure in place of its time, "," between; behind
 * each look "|".  'want': after each look "HOST WHY STATUS LEAST" of each
 * failure, "," behind, and "|"; then what is counted. */
static const struct row {
    const char *name;
    const char *looks;
    const char *want;
} rows[] = {
    { "nothing", "||", "||0" },
    { "a failure", "|1.1 1 down 0 " A " h|", "|h 1 0 1,|1" },
    { "many", "|1.1 999 late 0 " A " h|", "|h 0 0 100,|999" },
    { "two threads", "|1.1 6 late 0 " A " h,2.1 5 late 0 " A " h|",
      "|h 0 0 10,|11" },
    { "two hosts", "|1.1 1 late 0 " A " h,1.2 1 503 0 " A " i|",
      "|h 0 0 1,i 4 503 1,|2" },
    { "two questions", "|1.1 1 late 0 " A " h,1.2 1 404 0 " B " h|",
      "|h 0 0 1,h 4 404 1,|2" },
    { "without room", "|1.0 7 late 0 - -|", "||7" },
    { "of before us, a moment ago", "1.1 700 down 3 " A " h|",
      "h 1 0 1,|0" },
    { "of before us, long ago", "1.1 700 down 30 " A " h|", "|0" },
    { "more than before us",
      "1.1 700 down 30 " A " h|1.1 720 down 0 " A " h|", "|h 1 0 10,|20" },
    { "HAProxy began anew", "1.1 9 down 90 " A " h|1.1 2 down 0 " A " h|",
      "|h 1 0 1,|2" },
    { "HAProxy began anew and has more by now",
      "1.1 3 down 90 " A " h||1.1 9 down 0 " A " h|", "||h 1 0 1,|9" },
    { "the place is another's by now",
      "1.1 9 down 90 " A " h|1.1 20 down 0 " B " h|", "|h 1 0 10,|20" },
    { "it is over after a period without any",
      "|1.1 1 down 0 " A " h|" SIX("1.1 1 down 0 " A " h"),
      "|h 1 0 1,|h 1 0 1,|h 1 0 1,|h 1 0 1,|h 1 0 1,|h 1 0 1,||1" },
    { "it goes on while there is one a period",
      "|1.1 1 down 0 " A " h|" SIX("1.1 2 down 0 " A " h")
      SIX("1.1 2 down 0 " A " h"),
      "|h 1 0 1,|" SIX("h 1 0 1,")
      "h 1 0 1,|h 1 0 1,|h 1 0 1,|h 1 0 1,|h 1 0 1,||2" },
    { "ten times as many are said at the end of the period, and stay said",
      "|1.1 1 down 0 " A " h|" SIX("1.1 11 down 0 " A " h")
      SIX("1.1 13 down 0 " A " h"),
      "|h 1 0 1,|h 1 0 1,|h 1 0 1,|h 1 0 1,|h 1 0 1,|h 1 0 1,|"
      "h 1 0 10,|" SIX("h 1 0 10,") "13" },
    { "another cause beside the first is not said",
      "|1.1 1 down 0 " A " h|1.1 2 late 0 " A " h|"
      "1.1 3 down 0 " A " h|1.1 4 late 0 " A " h|" SIX("1.1 4 late 0 " A " h"),
      "|h 1 0 1,|h 1 0 1,|h 1 0 1,|" SIX("h 1 0 1,") "h 1 0 1,|4" },
    { "another cause in its place is said at the end of the period",
      "|1.1 100 down 0 " A " h|" SIX("1.1 101 502 0 " A " h"),
      "|h 1 0 100,|h 1 0 100,|h 1 0 100,|h 1 0 100,|h 1 0 100,|h 1 0 100,|"
      "h 4 502 1,|101" },
};

/* The rows of a look as "show map" has them. */
static void
see(const char *look, size_t length, int64_t now_s, struct unanswered *out)
{
    AUTO_FREE char *copy = xstrndup(look, length);
    AUTO_BUF struct buf text = BUF_OWN;
    char *rest = copy, *row;

    while ((row = strsep(&rest, ","))) {
        char place[32], count[32], why[32], id[32], host[32];
        long age;

        if (sscanf(row, "%31s %31s %31s %ld %31s %31s", place, count, why,
                   &age, id, host) == 6) {
            buf_printf(&text, "0x1 %s %s %s %" PRId64 " %s %s\n", place,
                       count, why, now_s - age, id, host);
        }
    }
    buf_putc(&text, '\n');
    unanswered_read(text.data, out);
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct metrics *metrics = metrics_new();
    struct askwatch *w = askwatch_new(metrics);
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_BUF struct buf counted = BUF_OWN;
    int64_t s = 0;

    for (const char *look = row->looks; *look;
         look += strcspn(look, "|") + 1) {
        AUTO_UNANSWERED struct unanswered now = { .rows = { .n = 0 } };
        AUTO_FREE struct asks_failure *failures = NULL;
        size_t n;

        see(look, strcspn(look, "|"), START_S + s, &now);
        failures = askwatch_look(w, &now, s * 1000, START_S + s, &n);
        for (size_t i = 0; i < n; i++) {
            buf_printf(&got, "%s %d %u %" PRIu64 ",", failures[i].host,
                       (int) failures[i].why, failures[i].status,
                       failures[i].least);
        }
        buf_putc(&got, '|');
        s += ASKWATCH_LOOK_MS / 1000;
    }
    buf_printf(&got, "%" PRId64,
               metric_get(metrics_counter(
                   metrics, "sallyport_auth_url_failures_total", "", "")));
    assert_string_equal(buf_str(&got), row->want);
    askwatch_free(w);
    metrics_free(metrics);
}

TABLE_MAIN("askwatch", rows, check_row)
