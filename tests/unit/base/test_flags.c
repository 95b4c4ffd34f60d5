#include "tests/unit/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/flags.h"
#include "lib/base/mem.h"

#define MAX_ARGS 8

/* 'args' behind the program's name.  'want' is the outputs and the rest, or
 * the error. */
static const struct row {
    const char *name;
    const char *args[MAX_ARGS];
    const char *want;
} rows[] = {
    { "none", { NULL }, "file=- on=0 port=80 policy=0 []" },
    { "text", { "--file", "a" }, "file=a on=0 port=80 policy=0 []" },
    { "text with equals", { "--file=a=b" },
      "file=a=b on=0 port=80 policy=0 []" },
    { "empty text", { "--file=" }, "file= on=0 port=80 policy=0 []" },
    { "text that looks like a flag", { "--file", "--on" },
      "file=--on on=0 port=80 policy=0 []" },
    { "the last one counts", { "--file", "a", "--file", "b" },
      "file=b on=0 port=80 policy=0 []" },
    { "bool", { "--on" }, "file=- on=1 port=80 policy=0 []" },
    { "bool takes no next argument", { "--on", "false" },
      "file=- on=1 port=80 policy=0 [false]" },
    { "bool with equals", { "--on", "--on=false" },
      "file=- on=0 port=80 policy=0 []" },
    { "bool of wrong value", { "--on=yes" },
      "--on: \"yes\" is not true or false" },
    { "number: lowest", { "--port", "1" },
      "file=- on=0 port=1 policy=0 []" },
    { "number: highest", { "--port=65535" },
      "file=- on=0 port=65535 policy=0 []" },
    { "number: too low", { "--port", "0" },
      "--port: \"0\" is not a whole number from 1 to 65535" },
    { "number: too high", { "--port", "65536" },
      "--port: \"65536\" is not a whole number from 1 to 65535" },
    { "number: not one", { "--port", "80\n" },
      "--port: \"80\\n\" is not a whole number from 1 to 65535" },
    { "choice", { "--policy", "path" }, "file=- on=0 port=80 policy=1 []" },
    { "choice: nearly", { "--policy", "pth" },
      "--policy: \"pth\" is not one of namespace, path; did you mean path?" },
    { "choice: not near", { "--policy", "whatever" },
      "--policy: \"whatever\" is not one of namespace, path" },
    { "choice: empty", { "--policy=" },
      "--policy: \"\" is not one of namespace, path" },
    { "value missing", { "--file" }, "--file needs a value (FILE)" },
    { "unknown", { "--whatever" }, "unknown flag --whatever: see --help" },
    { "unknown, nearly", { "--fil=x" },
      "unknown flag --fil: did you mean --file?" },
    { "a prefix is no flag", { "--pol", "path" },
      "unknown flag --pol: see --help" },
    { "unknown with a line feed", { "--a\nb" },
      "unknown flag --a\\nb: see --help" },
    { "one dash", { "-v" }, "unknown flag -v: see --help" },
    { "one dash, known name", { "-port" },
      "unknown flag -port: did you mean --port?" },
    { "letter", { "-f", "a" }, "file=a on=0 port=80 policy=0 []" },
    { "letter with its value", { "-fa=b" },
      "file=a=b on=0 port=80 policy=0 []" },
    { "letter of a bool", { "-n", "-f", "-n" },
      "file=-n on=1 port=80 policy=0 []" },
    { "letter without value", { "-f" }, "-f needs a value (FILE)" },
    { "rest", { "a", "--on", "b" }, "file=- on=1 port=80 policy=0 [a b]" },
    { "a lone dash is no flag", { "-" },
      "file=- on=0 port=80 policy=0 [-]" },
    { "after two dashes", { "--", "--on", "-x" },
      "file=- on=0 port=80 policy=0 [--on -x]" },
};

static const char *const policies[] = { "namespace", "path", NULL };

struct outputs {
    const char *file;
    bool on;
    uint64_t port;
    int policy;
};

static struct err *
parse(struct outputs *out, const struct row *row, const char **rest,
      size_t *n_rest)
{
    const struct flag flags[] = {
        { .name = "file", .value_name = "FILE", .kind = FLAG_TEXT,
          .out = &out->file, .doc = "A file.", .letter = 'f' },
        { .name = "on", .kind = FLAG_BOOL, .out = &out->on, .doc = "On.",
          .letter = 'n' },
        { .name = "port", .value_name = "N", .kind = FLAG_NUMBER,
          .out = &out->port, .min = 1, .max = 65535, .doc = "A port." },
        { .name = "policy", .value_name = "P", .kind = FLAG_CHOICE,
          .out = &out->policy, .choices = policies, .doc = "A policy." },
    };
    char *argv[MAX_ARGS + 2] = { (char[]) { "program" } };
    struct err *err;
    int argc = 1;

    for (size_t i = 0; i < MAX_ARGS && row->args[i]; i++) {
        argv[argc++] = xstrdup(row->args[i]);
    }
    err = flags_parse(flags, ARRAY_SIZE(flags), argc, argv, rest, n_rest);
    /* Values are borrowed: show them from the row instead. */
    for (int i = 1; i < argc; i++) {
        size_t offset = out->file ? (size_t) (out->file - argv[i]) : SIZE_MAX;

        if (offset <= strlen(argv[i])) {
            out->file = row->args[i - 1] + offset;
        }
        for (size_t j = 0; n_rest && j < *n_rest; j++) {
            if (rest[j] == argv[i]) {
                rest[j] = row->args[i - 1];
            }
        }
        free(argv[i]);
    }
    return err;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct outputs out = { .port = 80 };
    const char *rest[MAX_ARGS + 2];
    size_t n_rest = 99;
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_ERR struct err *err = parse(&out, row, rest, &n_rest);

    if (err) {
        assert_int_equal(err_kind(err), ERR_INVALID);
        buf_puts(&got, err_text(err));
    } else {
        buf_printf(&got, "file=%s on=%d port=%" PRIu64 " policy=%d [",
                   out.file ? out.file : "-", out.on, out.port, out.policy);
        for (size_t i = 0; i < n_rest; i++) {
            buf_printf(&got, "%s%s", i > 0 ? " " : "", rest[i]);
        }
        buf_putc(&got, ']');
    }
    assert_string_equal(buf_str(&got), row->want);
}

static void
test_no_rest_allowed(void **state)
{
    const struct row row = { .name = "", .args = { "--on", "x\n" } };
    struct outputs out = { .port = 80 };
    AUTO_ERR struct err *err = parse(&out, &row, NULL, NULL);

    (void) state;
    assert_non_null(err);
    assert_string_equal(err_text(err), "unexpected argument \"x\\n\"");
}

static void
test_help(void **state)
{
    char *none[] = { (char[]) { "p" }, (char[]) { "--on" } };
    char *long_help[] = { (char[]) { "p" }, (char[]) { "--help" } };
    char *short_help[] = { (char[]) { "p" }, (char[]) { "-h" } };
    char *late[] = { (char[]) { "p" }, (char[]) { "--" },
                     (char[]) { "--help" } };

    (void) state;
    assert_false(flags_want_help(2, none));
    assert_true(flags_want_help(2, long_help));
    assert_true(flags_want_help(2, short_help));
    assert_false(flags_want_help(3, late));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rest_allowed),
        cmocka_unit_test(test_help),
    };

    return TABLE_RUN("flags", rows, check_row) +
           cmocka_run_group_tests_name("flags", tests, NULL, NULL);
}
