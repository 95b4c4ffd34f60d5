/* What HAProxy says of unanswered.map, line by line. */
#include "tests/unit/table.h"

#include <inttypes.h>
#include <stdlib.h>

#include "haproxy/unanswered.h"
#include "lib/base/mem.h"

#define ID "0123456789abcdef"
#define H63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define H253 H63 "." H63 "." H63 "." "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

/* 'want': PLACE/ID/HOST COUNT WHY STATUS SECONDS; for each row. */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
} rows[] = {
    { "nothing", "", "" },
    { "an empty map", "\n", "" },
    { "no such map", "Unknown map identifier. Please use #<id> or <file>.\n",
      "" },
    { "one", "0x55d0 1.1 7 late 100 " ID " a.test\n\n",
      "1.1/" ID "/a.test 7 0 0 100; " },
    { "each reason", "0x1 1.1 1 down 1 " ID " a\n0x2 1.2 2 bad 1 " ID " a\n"
      "0x3 1.3 3 full 1 " ID " a\n0x4 1.4 4 404 1 " ID " a\n",
      "1.1/" ID "/a 1 1 0 1; 1.2/" ID "/a 2 2 0 1; 1.3/" ID "/a 3 3 0 1; "
      "1.4/" ID "/a 4 4 404 1; " },
    { "no host", "0x1 1.1 1 late 1 " ID " .\n", "1.1/" ID "/ 1 0 0 1; " },
    { "without room", "0x1 1.0 9 down 1 - -\n", "1.0//- 9 1 0 1; " },
    { "the longest host", "0x1 1.1 1 late 1 " ID " " H253 "\n",
      "1.1/" ID "/" H253 " 1 0 0 1; " },
    { "a longer host", "0x1 1.1 1 late 1 " ID " " H253 "a\n", "" },
    { "a longer id", "0x1 1.1 1 late 1 " ID "0 a\n", "" },
    { "a longer place", "0x1 1234567890.12345 1 late 1 " ID " a\n", "" },
    { "another reason", "0x1 1.1 1 tired 1 " ID " a\n", "" },
    { "no status", "0x1 1.1 1 99 1 " ID " a\n", "" },
    { "no count", "0x1 1.1 -1 late 1 " ID " a\n", "" },
    { "no time", "0x1 1.1 1 late x " ID " a\n", "" },
    { "a word too few", "0x1 1.1 1 late 1 " ID "\n", "" },
    { "a word too many", "0x1 1.1 1 late 1 " ID " a b\n", "" },
    { "the others stay", "0x1 1.1 x late 1 " ID " a\n"
      "0x1 1.2 1 late 1 " ID " b\n", "1.2/" ID "/b 1 0 0 1; " },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *text = xstrdup(row->text);
    AUTO_UNANSWERED struct unanswered got = { .rows = { .n = 0 } };
    AUTO_BUF struct buf shown = BUF_OWN;

    unanswered_read(text, &got);
    for (size_t i = 0; i < got.rows.n; i++) {
        const struct unanswered_row *r = &got.rows.items[i];

        buf_printf(&shown, "%s/%s/%s %" PRIu64 " %d %u %" PRId64 "; ",
                   r->place, r->id, r->host, r->count, (int) r->why,
                   r->status, r->at_s);
    }
    assert_string_equal(buf_str(&shown), row->want);
}

TABLE_MAIN("unanswered", rows, check_row)
