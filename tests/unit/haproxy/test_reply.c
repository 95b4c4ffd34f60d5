#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/reply.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* What HAProxy 2.6.12 answered, word for word.  'commands': one letter each:
 * n(othing) r(egistered) a(ddress) N(ew cert) S(et) C(ommit) A(bort) D(el)
 * l(ist add) d(el from list) b(ackend)
 * p(ublish).  'want': "" or a part of the error. */
static const struct row {
    const char *name;
    const char *commands;
    const char *text;
    const char *want;
} rows[] = {
    { "add map", "n", "\n", "" },
    { "two of add map", "nn", "\n\n", "" },
    { "cut off after the first", "nn", "\n", "cut off" },
    { "empty", "n", "", "cut off" },
    { "set map without the row", "nn", "\nentry not found.\n\n",
      "entry not found." },
    { "del map without the row", "n", "Key not found.\n\n",
      "Key not found." },
    { "add server, enable", "rnrn",
      "New server registered.\n\n\nNew server registered.\n\n\n", "" },
    { "the second add is missing", "rnrn",
      "New server registered.\n\n\n\n", "did not confirm command 3" },
    { "one registered too many", "rn",
      "New server registered.\n\nNew server registered.\n\n", "HAProxy said" },
    { "add server refused", "rn",
      "'id' : custom id 1 already used at (null):0 ('server s1').\n\n"
      "No such server.\n\n", "custom id 1 already used" },
    { "set server: maint, addr, ready", "nan",
      "\nno need to change the addr, port changed from '9001' to '9003' by "
      "'stats socket command'\n\n\n", "" },
    { "set server addr", "a",
      "IP changed from '127.0.0.1' to '::1', no need to change the port by "
      "'stats socket command'\n\n", "" },
    { "set server addr without change", "a",
      "no need to change the addr, no need to change the port by 'stats "
      "socket command'\n\n", "" },
    { "no such server", "na", "\nNo such server.\n\n", "No such server." },
    { "new cert and set", "NS",
      "New empty certificate store '/r/c.pem'!\n\n"
      "Transaction created for certificate /r/c.pem!\n\n", "" },
    { "new cert twice", "N",
      "Certificate '/r/c.pem' already exists!\n\n", "already exists" },
    { "commit", "C", "Committing /r/c.pem..\nSuccess!\n\n", "" },
    { "a long commit", "C", "Committing /r/c.pem\n....\n..\nSuccess!\n\n",
      "" },
    { "commit of a bad pair", "C",
      "inconsistencies between private key and certificate loaded "
      "'/r/c.pem'.\nCan't commit /r/c.pem!\n\n", "inconsistencies" },
    { "commit without its end", "C", "Committing /r/c.pem\n",
      "did not confirm" },
    { "crt-list add", "l",
      "Inserting certificate '/r/c.pem' in crt-list '/r/crt-list'.\n"
      "Success!\n\n", "" },
    { "crt-list add of an empty one", "l",
      "Can't edit the crt-list: certificate '/r/c.pem' is empty!\n\n",
      "is empty" },
    { "crt-list del, cert del", "dD",
      "Entry '/r/c.pem' deleted in crtlist '/r/crt-list'!\n\n"
      "Certificate '/r/c.pem' deleted!\n\n", "" },
    { "cert del of nothing", "D",
      "Can't remove the certificate: certificate '/r/c.pem' doesn't exist!"
      "\n\n\n", "doesn't exist" },
    { "backends of 3.4.7", "bpbp",
      "New backend registered.\n\nBackend published.\n\n"
      "New backend registered.\n\nBackend published.\n\n", "" },
    { "a class that it has not", "bp",
      "Cannot find default proxy 'x'.\n\nNo such backend.\n\n",
      "Cannot find default proxy" },
    { "a backend that is not published", "bp",
      "New backend registered.\n\n\n", "did not confirm command 2" },
    { "unknown command", "n", "Unknown command, but maybe one of the "
      "following ones is a better match:\n  quit\n\n", "Unknown command" },
};

static enum reply
kind_of(char letter)
{
    static const char letters[] = "nraNSCADldbp";

    return (enum reply) (strchr(letters, letter) - letters);
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    enum reply commands[8];
    size_t n = strlen(row->commands);
    AUTO_ERR struct err *err = NULL;

    for (size_t i = 0; i < n; i++) {
        commands[i] = kind_of(row->commands[i]);
    }
    err = reply_check(commands, n, row->text);
    if (*row->want == '\0') {
        assert_null(err ? err_text(err) : NULL);
    } else {
        assert_non_null(err);
        assert_non_null(strstr(err_text(err), row->want));
    }
}

/* Whether to read on, after that much of an answer. */
static const struct part {
    const char *commands;
    const char *text;
    bool is_whole;
} parts[] = {
    { "n", "", false },
    { "n", "\n", true },
    { "n", "entry not found.\n\n", false },
    { "nn", "\n\n", false },
    { "rn", "New server registered.\n\n\n", false },
    { "S", "Transaction created for certificate /r/c.pem!\n", false },
    { "S", "Transaction created for certificate /r/c.pem!\n\n", true },
    { "NS", "New empty certificate store '/r/c.pem'!\n\n\n", false },
    { "NS", "New empty certificate store '/r/c.pem'!\n\n"
      "Transaction created for certificate /r/c.pem!\n\n", true },
    { "C", "Committing /r/c.pem\n..", false },
    { "C", "Committing /r/c.pem\nSuccess!\n", false },
    { "C", "Committing /r/c.pem\n..\nSuccess!\n\n", true },
    { "C", "Committing /r/c.pem\nCan't commit /r/c.pem!\n\n", false },
};

static void
whole_answers(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        enum reply commands[8];
        size_t n = strlen(parts[i].commands);

        for (size_t k = 0; k < n; k++) {
            commands[k] = kind_of(parts[i].commands[k]);
        }
        if (reply_is_whole(commands, n, parts[i].text) !=
            parts[i].is_whole) {
            fail_msg("%s after \"%s\"", parts[i].commands, parts[i].text);
        }
    }
}

static void
versions(void **state)
{
    unsigned version = 7;
    struct err *err;

    (void) state;
    assert_null(reply_version("New version created: 12\n\n", &version));
    assert_int_equal(version, 12);
    err = reply_version("Unknown map identifier. Please use #<id> or "
                        "<file>.\n\n", &version);
    assert_non_null(err);
    err_free(err);
}

#define PROC_HEAD                                                          \
    "#<PID>          <type>          <reloads>       <uptime>        "     \
    "<version>      \n"

static void
procs(void **state)
{
    struct reply_proc proc;
    struct err *err;

    (void) state;
    assert_null(reply_proc(
        PROC_HEAD
        "3541            master          2 [failed: 1]   0d00h00m16s     "
        "2.6.12-1+deb12u4\n# workers\n"
        "4403            worker          1               0d00h00m00s     "
        "2.6.12-1+deb12u4\n# old workers\n"
        "4000            worker          5               0d00h00m00s     "
        "2.6.12-1+deb12u4\n# programs\n\n", &proc));
    assert_int_equal(proc.reloads, 2);
    assert_int_equal(proc.failed, 1);
    assert_int_equal(proc.worker, 4403);
    err = reply_proc("\n", &proc);
    assert_non_null(err);
    err_free(err);
}

static void
fields(void **state)
{
    char out[8];
    AUTO_FREE char *value = NULL;

    (void) state;
    assert_true(reply_csv("a,BACKEND,0,,7", 4, out, sizeof out));
    assert_string_equal(out, "7");
    assert_true(reply_csv("a,BACKEND,0,,7", 3, out, sizeof out));
    assert_string_equal(out, "");
    assert_false(reply_csv("a,b", 2, out, sizeof out));
    assert_false(reply_csv("123456789", 0, out, sizeof out));
    value = reply_value("Name: HAProxy\nPid: 12\nPidX: 3\n", "Pid");
    assert_string_equal(value, "12");
    assert_null(reply_value("Name: HAProxy\n", "Pid"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_answers),
        cmocka_unit_test(versions),
        cmocka_unit_test(procs),
        cmocka_unit_test(fields),
    };

    return TABLE_RUN("reply", rows, check_row) +
           cmocka_run_group_tests_name("reply more", tests, NULL, NULL);
}
