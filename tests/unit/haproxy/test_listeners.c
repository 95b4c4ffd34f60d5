#include "tests/unit/table.h"

#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "haproxy/listeners.h"
#include "lib/base/err.h"

/* 'want' is the text written back, "" where it is refused. */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
} rows[] = {
    { "two ports and a twin", "10 0.0.0.0 80\n11 :: 443\n12 =11\n",
      "10 0.0.0.0 80\n11 :: 443\n12 =11\n" },
    { "empty", "", "" },
    { "blank line", "10 0.0.0.0 80\n\n", "" },
    { "a name", "10 localhost 80\n", "" },
    { "port 0", "10 0.0.0.0 0\n", "" },
    { "a word too many", "10 0.0.0.0 80 x\n", "" },
    { "a word too few", "10 0.0.0.0\n", "" },
    { "standard error", "2 0.0.0.0 80\n", "" },
    { "the same number twice", "10 0.0.0.0 80\n10 :: 80\n", "" },
    { "twin of nobody", "10 0.0.0.0 80\n11 =12\n", "" },
    { "twin of a twin", "10 0.0.0.0 80\n11 =10\n12 =11\n", "" },
    { "number out of range", "26 0.0.0.0 80\n", "" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf out = BUF_OWN;
    struct listeners listeners;
    AUTO_ERR struct err *err = listeners_read(row->text, &listeners);

    if (!err) {
        listeners_write(&listeners, &out);
    }
    assert_string_equal(buf_str(&out), row->want);
}

static void
made_as_read(void **state)
{
    AUTO_BUF struct buf one = BUF_OWN, two = BUF_OWN;
    struct listeners made, read;

    (void) state;
    assert_null(listeners_make("127.0.0.1", 80, 443, &made));
    listeners_write(&made, &one);
    assert_string_equal(buf_str(&one),
                        "10 127.0.0.1 80\n11 127.0.0.1 443\n12 =11\n");
    assert_null(listeners_read(buf_str(&one), &read));
    listeners_write(&read, &two);
    assert_string_equal(buf_str(&one), buf_str(&two));
}

static void
address_must_be_one(void **state)
{
    struct listeners made;
    struct err *err = listeners_make("eth0", 80, 443, &made);

    (void) state;
    assert_non_null(err);
    err_free(err);
}

static bool
write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    bool is_good = f && fputs(text, f) >= 0;

    return f && fclose(f) == 0 && is_good;
}

/* A network of its own in which the kernel has one port to give, and gave it;
 * 2: there can be none. */
static int
listeners_without_ports(void)
{
    struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
    int fd = unshare(CLONE_NEWNET) == 0
                 ? socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    struct listeners made;

    if (fd < 0 || !write_file("/proc/sys/net/ipv4/ip_local_port_range",
                              "40000 40000") ||
        bind(fd, (struct sockaddr *) &any, sizeof any) < 0) {
        return 2;
    }
    return listeners_make("*", 80, 443, &made) == NULL &&
                   made.n == 6 && strcmp(made.items[1].address, "::") == 0
               ? 0 : 1;
}

/* IPv6 is there on a machine whose ports are all taken, too. */
static void
ports_run_out(void **state)
{
    pid_t pid = fork();
    int status;

    (void) state;
    if (pid == 0) {
        _exit(listeners_without_ports());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_as_read),
        cmocka_unit_test(address_must_be_one),
        cmocka_unit_test(ports_run_out),
    };

    return TABLE_RUN("listeners", rows, check_row) +
           cmocka_run_group_tests_name("listeners more", tests, NULL, NULL);
}
