/* The question that HAProxy asks. */
#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "auth/wire.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define ID "0123456789abcdef0123456789abcdef"

/* A text whose bytes are "^" for NUL and "~" for 0xff. */
static const struct row {
    const char *name;
    const char *fields[8];      /* NULL: no more. */
    const char *more;           /* Behind them. */
    enum wire_state want;
} rows[] = {
    { "whole", { ID, "g", "a realm", "GET", "/a?b", "Basic eDp5" }, "",
      WIRE_WHOLE },
    { "empty fields", { ID, "g", "", "", "", "" }, "", WIRE_WHOLE },
    { "any byte of a stranger", { ID, "g", "~", "^", "^\n~", "\r\n^~" }, "",
      WIRE_WHOLE },
    { "nothing", { NULL }, "", WIRE_MORE },
    { "one byte", { NULL }, "^", WIRE_MORE },
    { "five fields", { ID, "g", "", "", "" }, "", WIRE_MORE },
    { "a length alone", { ID, "g", "", "", "" }, "^x", WIRE_MORE },
    { "a field that is shorter than its length", { ID, "g", "", "", "" },
      "^xabc", WIRE_MORE },
    { "more behind it", { ID, "g", "", "", "", "" }, "x", WIRE_BAD },
    { "a seventh field", { ID, "g", "", "", "", "", "" }, "", WIRE_BAD },
    { "a length beyond all", { ID, "g", "", "", "" }, "~~", WIRE_BAD },
    { "a short table", { "0123", "g", "", "", "", "" }, "", WIRE_BAD },
    { "no table", { "", "g", "", "", "", "" }, "", WIRE_BAD },
    { "a table in capitals",
      { "0123456789ABCDEF0123456789abcdef", "g", "", "", "", "" }, "",
      WIRE_BAD },
    { "a table that climbs",
      { "../../../../../../../etc/passwd.", "g", "", "", "", "" }, "",
      WIRE_BAD },
    { "a table with a NUL",
      { "0123456789abcdef0123456789abcde^", "g", "", "", "", "" }, "",
      WIRE_BAD },
    { "no group", { ID, "", "", "", "", "" }, "", WIRE_BAD },
    { "a group with a blank", { ID, "a b", "", "", "", "" }, "", WIRE_BAD },
    { "a group with a line break", { ID, "a\nb", "", "", "", "" }, "",
      WIRE_BAD },
    { "a group of 64 bytes", { ID, ID ID, "", "", "", "" }, "", WIRE_WHOLE },
    { "a group of 65 bytes", { ID, ID ID "x", "", "", "", "" }, "",
      WIRE_BAD },
};

static void
put(struct buf *out, const char *text)
{
    for (; *text; text++) {
        buf_putc(out, *text == '^' ? '\0' : *text == '~' ? '\xff' : *text);
    }
}

/* Alone in memory, so that a byte read too much is seen. */
static enum wire_state
read_copy(const struct buf *text, size_t size, struct wire_question *q,
          char **copy)
{
    *copy = malloc(size ? size : 1);
    assert_non_null(*copy);
    if (size > 0) {
        memcpy(*copy, text->data, size);
    }
    return wire_read(*copy, size, q);
}

static void
check_fields(const struct row *row, const struct wire_question *q)
{
    const struct wire_text fields[WIRE_FIELDS] = {
        q->table, q->group, q->realm, q->method, q->uri, q->authorization,
    };

    for (size_t i = 0; i < WIRE_FIELDS; i++) {
        AUTO_BUF struct buf want = BUF_OWN;

        put(&want, row->fields[i]);
        assert_int_equal(fields[i].size, want.size);
        assert_memory_equal(fields[i].data, buf_str(&want), want.size);
    }
    assert_true(wire_eq(q->table, ID));
    assert_false(wire_eq(q->table, ID "x"));
    assert_false(wire_eq(q->table, ""));
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf text = BUF_OWN;
    struct wire_question q;
    char *copy;

    for (size_t i = 0; i < ARRAY_SIZE(row->fields) && row->fields[i]; i++) {
        size_t length = strlen(row->fields[i]);

        buf_putc(&text, (char) (length >> 8));
        buf_putc(&text, (char) (length & 0xff));
        put(&text, row->fields[i]);
    }
    put(&text, row->more);
    assert_int_equal(read_copy(&text, text.size, &q, &copy), row->want);
    if (row->want == WIRE_WHOLE) {
        check_fields(row, &q);
    }
    free(copy);
    /* Whatever is cut off is waited for. */
    for (size_t n = 0; row->want == WIRE_WHOLE && n < text.size; n++) {
        assert_int_equal(read_copy(&text, n, &q, &copy), WIRE_MORE);
        free(copy);
    }
}

TABLE_MAIN("wire", rows, check_row)
