#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/kube/frame.h"

#define LIMIT 8

/* 'pieces' are separated by '|'; 'want' has every line in brackets and, where
 * lines were too long, their number behind "!". */
static const struct row {
    const char *name;
    const char *pieces;
    const char *want;
} rows[] = {
    { "one line", "abc\n", "[abc]" },
    { "no end yet", "abc", "" },
    { "two lines at once", "abc\ndef\n", "[abc][def]" },
    { "a line in three pieces", "a|b|c\n", "[abc]" },
    { "an end alone", "abc|\n", "[abc]" },
    { "end and begin in one piece", "ab|c\nd|ef\n", "[abc][def]" },
    { "empty lines are left out", "\n\nabc\n\n|\n", "[abc]" },
    { "at the limit, one piece", "12345678\n", "[12345678]" },
    { "at the limit, in pieces", "1234|5678|\n", "[12345678]" },
    { "over the limit, one piece", "123456789\nabc\n", "[abc]!1" },
    { "over the limit, in pieces", "1234|56789|123\nabc\n", "[abc]!1" },
    { "over the limit, its end much later",
      "123456789|123456789|123456789|\nabc\n", "[abc]!1" },
    { "two too long, one good between", "123456789\nabc\n1234567890\n",
      "[abc]!2" },
    { "stop drops the rest of the piece", "stop\nabc\n", "[stop]" },
};

static bool
on_line(const char *line, size_t size, void *aux)
{
    struct buf *out = aux;

    buf_putc(out, '[');
    buf_put(out, line, size);
    buf_putc(out, ']');
    return size != 4 || memcmp(line, "stop", 4) != 0;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf got = BUF_OWN;
    const char *at = row->pieces;
    struct frame frame;

    frame_init(&frame, LIMIT);
    while (*at) {
        size_t size = strcspn(at, "|");

        frame_feed(&frame, at, size, on_line, &got);
        at += size + (at[size] == '|');
    }
    if (frame.n_too_long) {
        buf_printf(&got, "!%zu", frame.n_too_long);
    }
    assert_string_equal(buf_str(&got), row->want);
    frame_fini(&frame);
}

/* Every way to cut a stream in two gives the same lines. */
static void
check_cuts(void **state)
{
    static const char stream[] = "abc\n\n123456789\n12345678\nx\n";

    (void) state;
    for (size_t cut = 0; cut < sizeof stream; cut++) {
        AUTO_BUF struct buf got = BUF_OWN;
        struct frame frame;

        frame_init(&frame, LIMIT);
        frame_feed(&frame, stream, cut, on_line, &got);
        frame_feed(&frame, stream + cut, sizeof stream - 1 - cut, on_line,
                   &got);
        assert_string_equal(buf_str(&got), "[abc][12345678][x]");
        assert_int_equal(frame.n_too_long, 1);
        frame_fini(&frame);
    }
}

int
main(void)
{
    const struct CMUnitTest cuts[] = { cmocka_unit_test(check_cuts) };
    int failed = TABLE_RUN("frame", rows, check_row);

    return failed + cmocka_run_group_tests_name("frame cuts", cuts, NULL,
                                                NULL);
}
