/* Lists of ciphers: what is told, what is refused. */
#include "lib/base/ciphers.h"

#include <string.h>

#include "tests/unit/table.h"

/* 'want' stands in the error (E) or in the notes (W); "": nothing is said. */
static const struct row {
    const char *name, *list, *want;
} rows[] = {
    { "the profile itself", CIPHERS_INTERMEDIATE, "" },
    { "one of it", "ECDHE-RSA-AES128-GCM-SHA256", "" },
    { "an old default of nginx users",
      "ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM",
      "W names RC4+RSA, which OpenSSL has not or no more: left out; it lets "
      "in what Mozilla's intermediate profile leaves out: " },
    { "weak but not broken", "AES128-SHA",
      "W lets in what Mozilla's intermediate profile leaves out: AES128-SHA" },
    { "some of many", "AES128-SHA:AES256-SHA:AES128-SHA256:AES256-SHA256",
      "and 1 more" },
    { "nobody is asked who he is", "aNULL:ECDHE-RSA-AES128-GCM-SHA256",
      "E lets in " },
    { "nothing is kept secret", "ALL:eNULL:!aNULL", "E lets in " },
    { "nothing is left", "HIGH:!ALL", "E leaves no cipher" },
    { "unknown names only", "NONESUCH:RC4-MD5", "E leaves no cipher" },
    { "a level", "HIGH:@SECLEVEL=0", "E sets @SECLEVEL" },
    { "a line feed", "HIGH\nALL", "E is no list" },
    { "a bracket", "HIGH] x", "E is no list" },
    { "empty", "", "E is no list" },
};

static void
check(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf notes = BUF_OWN;
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_ERR struct err *err = ciphers_check(row->list, &notes);

    if (err) {
        buf_printf(&got, "E %s", err_text(err));
    } else if (notes.size > 0) {
        buf_printf(&got, "W %s", buf_str(&notes));
    }
    if (row->want[0] == '\0') {
        assert_string_equal(buf_str(&got), "");
    } else {
        assert_non_null(strstr(buf_str(&got), row->want));
    }
}

int
main(void)
{
    return TABLE_RUN("lists", rows, check);
}
