#include "tests/unit/table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/jx.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

/* What one call writes, behind the time of 27 letters; 'want' NULL: nothing.
 * In JSON the members are compared as "LEVEL MODULE SUBJECT MESSAGE". */
static const struct row {
    const char *name;
    enum log_level threshold;
    enum log_format format;
    enum log_level level;
    const char *subject;
    const char *message;
    const char *want;
} rows[] = {
    { "text", LOG_INFO, LOG_TEXT, LOG_WARN, "n/a", "host is taken",
      " warn  room: n/a: host is taken\n" },
    { "text without subject", LOG_INFO, LOG_TEXT, LOG_INFO, NULL, "started",
      " info  room: started\n" },
    { "below the level", LOG_WARN, LOG_TEXT, LOG_INFO, NULL, "x", NULL },
    { "at the level", LOG_WARN, LOG_TEXT, LOG_WARN, NULL, "x",
      " warn  room: x\n" },
    { "debug", LOG_DEBUG, LOG_TEXT, LOG_DEBUG, NULL, "x",
      " debug room: x\n" },
    { "json", LOG_INFO, LOG_JSON, LOG_ERROR, "n/a", "a \"b\"\n",
      "error room n/a a \"b\"\n" },
    { "json without subject", LOG_INFO, LOG_JSON, LOG_INFO, NULL, "x",
      "info room - x" },
    { "json of what is not UTF-8", LOG_INFO, LOG_JSON, LOG_INFO, NULL,
      "\xff", "info room - message is not UTF-8" },
};

/* Runs the call with standard error in a pipe; what came is yours. */
static char *
capture(const struct row *row)
{
    AUTO_CLOSE int before = dup(STDERR_FILENO);
    char data[4096];
    int fds[2];
    ssize_t n;

    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    dup2(fds[1], STDERR_FILENO);
    log_at(row->level, "room", row->subject, "%s", row->message);
    dup2(before, STDERR_FILENO);
    n = read(fds[0], data, sizeof data);
    close(fds[0]);
    close(fds[1]);
    return xstrndup(data, n > 0 ? (size_t) n : 0);
}

static char *
members(const char *line)
{
    AUTO_JSON json_t *object = NULL;
    AUTO_ERR struct err *err = jx_load(line, strlen(line), 4096, &object);
    const char *level, *module, *subject, *message;

    assert_null(err);
    /* One event is one line, whatever is in it. */
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    level = json_string_value(json_object_get(object, "level"));
    module = json_string_value(json_object_get(object, "module"));
    subject = json_string_value(json_object_get(object, "subject"));
    message = json_string_value(json_object_get(object, "message"));
    assert_int_equal(
        strlen(json_string_value(json_object_get(object, "time"))), 27);
    return xasprintf("%s %s %s %s", level, module, subject ? subject : "-",
                     message);
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *line = NULL;
    AUTO_FREE char *shown = NULL;

    log_configure(row->threshold, row->format);
    line = capture(row);
    if (!row->want) {
        assert_string_equal(line, "");
        return;
    }
    assert_true(strlen(line) > 27);
    shown = row->format == LOG_JSON ? members(line) : xstrdup(line + 27);
    assert_string_equal(shown, row->want);
}

static void
test_limit(void **state)
{
    struct log_limit limit = { .last_ms = 0 };
    unsigned dropped = 99;

    (void) state;
    assert_true(log_limit(&limit, 1000, 500, &dropped));
    assert_int_equal(dropped, 0);
    assert_false(log_limit(&limit, 1001, 500, &dropped));
    assert_false(log_limit(&limit, 1499, 500, &dropped));
    assert_true(log_limit(&limit, 1500, 500, &dropped));
    assert_int_equal(dropped, 2);
    assert_true(log_limit(&limit, 9000, 500, &dropped));
    assert_int_equal(dropped, 0);
}

static void
test_names(void **state)
{
    enum log_level level = LOG_DEBUG;
    enum log_format format = LOG_TEXT;

    (void) state;
    assert_true(log_level_parse("error", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_false(log_level_parse("Error", &level));
    assert_false(log_level_parse("", &level));
    assert_true(log_format_parse("json", &format));
    assert_int_equal(format, LOG_JSON);
    assert_false(log_format_parse("yaml", &format));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_names),
    };

    return TABLE_RUN("log", rows, check_row) +
           cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
