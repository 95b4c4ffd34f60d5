#include "tests/unit/table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/address.h"

static const struct row {
    const char *name;
    enum address_scope want;
} rows[] = {
    /* The Internet, up to the edges of what is not. */
    { "1.1.1.1", ADDRESS_PUBLIC },
    { "9.255.255.255", ADDRESS_PUBLIC },
    { "11.0.0.0", ADDRESS_PUBLIC },
    { "100.63.255.255", ADDRESS_PUBLIC },
    { "100.128.0.0", ADDRESS_PUBLIC },
    { "126.255.255.255", ADDRESS_PUBLIC },
    { "128.0.0.0", ADDRESS_PUBLIC },
    { "168.63.129.15", ADDRESS_PUBLIC },
    { "169.253.255.255", ADDRESS_PUBLIC },
    { "169.255.0.0", ADDRESS_PUBLIC },
    { "172.15.255.255", ADDRESS_PUBLIC },
    { "172.32.0.0", ADDRESS_PUBLIC },
    { "192.167.255.255", ADDRESS_PUBLIC },
    { "192.169.0.0", ADDRESS_PUBLIC },
    { "198.17.255.255", ADDRESS_PUBLIC },
    { "198.20.0.0", ADDRESS_PUBLIC },
    { "223.255.255.255", ADDRESS_PUBLIC },
    { "2a00::1", ADDRESS_PUBLIC },
    { "2001:200::1", ADDRESS_PUBLIC },
    { "2606:4700::1111", ADDRESS_PUBLIC },
    { "3ffe::1", ADDRESS_PUBLIC },
    /* This machine, its link, nobody in particular. */
    { "0.0.0.0", ADDRESS_LOCAL },
    { "0.255.255.255", ADDRESS_LOCAL },
    { "127.0.0.1", ADDRESS_LOCAL },
    { "127.255.255.255", ADDRESS_LOCAL },
    { "169.254.0.0", ADDRESS_LOCAL },
    { "169.254.169.254", ADDRESS_LOCAL },
    { "168.63.129.16", ADDRESS_LOCAL },
    { "224.0.0.1", ADDRESS_LOCAL },
    { "240.0.0.1", ADDRESS_LOCAL },
    { "255.255.255.255", ADDRESS_LOCAL },
    { "::", ADDRESS_LOCAL },
    { "::1", ADDRESS_LOCAL },
    { "::2", ADDRESS_LOCAL },
    { "::7f00:1", ADDRESS_LOCAL },
    { "::ffff:127.0.0.1", ADDRESS_LOCAL },
    { "::ffff:10.0.0.1", ADDRESS_LOCAL },
    { "::ffff:1.1.1.1", ADDRESS_LOCAL },
    { "fe80::1", ADDRESS_LOCAL },
    { "febf::1", ADDRESS_LOCAL },
    { "ff02::1", ADDRESS_LOCAL },
    /* Somebody's own, or set aside. */
    { "10.0.0.0", ADDRESS_PRIVATE },
    { "10.255.255.255", ADDRESS_PRIVATE },
    { "100.64.0.0", ADDRESS_PRIVATE },
    { "100.100.100.200", ADDRESS_PRIVATE },
    { "100.127.255.255", ADDRESS_PRIVATE },
    { "172.16.0.0", ADDRESS_PRIVATE },
    { "172.31.255.255", ADDRESS_PRIVATE },
    { "192.0.0.192", ADDRESS_PRIVATE },
    { "192.0.2.1", ADDRESS_PRIVATE },
    { "192.88.99.1", ADDRESS_PRIVATE },
    { "192.168.0.0", ADDRESS_PRIVATE },
    { "192.168.255.255", ADDRESS_PRIVATE },
    { "198.18.0.0", ADDRESS_PRIVATE },
    { "198.19.255.255", ADDRESS_PRIVATE },
    { "198.51.100.1", ADDRESS_PRIVATE },
    { "203.0.113.1", ADDRESS_PRIVATE },
    { "fc00::1", ADDRESS_PRIVATE },
    { "fd00:ec2::254", ADDRESS_PRIVATE },
    { "fec0::1", ADDRESS_PRIVATE },
    { "2001::1", ADDRESS_PRIVATE },
    { "2001:1ff::1", ADDRESS_PRIVATE },
    { "2001:db8::1", ADDRESS_PRIVATE },
    { "2002:7f00:1::1", ADDRESS_PRIVATE },
    { "3fff::1", ADDRESS_PRIVATE },
    { "4000::1", ADDRESS_PRIVATE },
    { "1fff::1", ADDRESS_PRIVATE },
    { "100::1", ADDRESS_PRIVATE },
    { "64:ff9b:1::1", ADDRESS_PRIVATE },
    /* IPv4 behind it. */
    { "64:ff9b::1.1.1.1", ADDRESS_PUBLIC },
    { "64:ff9b::127.0.0.1", ADDRESS_LOCAL },
    { "64:ff9b::169.254.169.254", ADDRESS_LOCAL },
    { "64:ff9b::10.0.0.1", ADDRESS_PRIVATE },
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    const bool is_v6 = strchr(row->name, ':') != NULL;
    const struct sockaddr *socket =
        is_v6 ? (const void *) &v6 : (const void *) &v4;
    const size_t length = is_v6 ? sizeof v6 : sizeof v4;

    assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, row->name,
                               is_v6 ? (void *) &v6.sin6_addr
                                     : (void *) &v4.sin_addr), 1);
    assert_int_equal(address_scope(is_v6 ? (void *) &v6.sin6_addr
                                         : (void *) &v4.sin_addr,
                                   is_v6 ? 16 : 4), row->want);
    assert_int_equal(address_scope_of(socket, length), row->want);
    /* Cut off it is nobody's. */
    assert_int_equal(address_scope_of(socket, length - 1), ADDRESS_LOCAL);
}

static void
no_ip(void **state)
{
    const struct sockaddr_un path = { .sun_family = AF_UNIX,
                                      .sun_path = "/run/docker.sock" };

    (void) state;
    assert_int_equal(address_scope_of((const void *) &path, sizeof path),
                     ADDRESS_LOCAL);
}

int
main(void)
{
    const struct CMUnitTest others[] = { cmocka_unit_test(no_ip) };

    return TABLE_RUN("address", rows, check) +
           cmocka_run_group_tests(others, NULL, NULL);
}
