#include "tests/unit/table.h"

#include "haproxy/policy.h"
#include "lib/base/buf.h"

static const struct row {
    const char *name;
    const char *host, *regex;
    bool ignore_case;
    const char *want;
} rows[] = {
    { "a host", "h.test", "/a.*", true, "^h\\.test\\|(?i:/a.*)" },
    { "case matters", "h.test", "/a", false, "^h\\.test\\|(?:/a)" },
    { "a wildcard", "*.h.test", "/", true, "^\\*\\.h\\.test\\|(?i:/)" },
    { "no host", "", "/a|/b", true, "^\\|(?i:/a|/b)" },
    { "an IPv6 literal", "[::1]", "/", false, "^\\[::1\\]\\|(?:/)" },
    { "a blank", "h", "/a b", false,
      "\"/a b\" holds a blank or a control character, which no canonical "
      "path has" },
    { "a quote left open", "h", "\\Q/a", false,
      "\"\\\\Q/a\" is no regular expression: missing closing parenthesis" },
    { "a range", "h", "[z-a]", false,
      "\"[z-a]\" is no regular expression: range out of order in character "
      "class" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_ERR struct err *err =
        policy_regex_key(row->host, row->regex, row->ignore_case, &out);

    assert_string_equal(err ? err_text(err) : buf_str(&out), row->want);
    assert_true(!err || out.size == 0);
}

TABLE_MAIN("regkey", rows, check_row)
