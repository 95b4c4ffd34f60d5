#include "tests/unit/table.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/metrics.h"
#include "reconciler/health.h"

static int
open_socket(struct sockaddr_in *at)
{
    *at = (struct sockaddr_in) {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = at->sin_port,
    };
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* A port that nobody has at the moment. */
static in_port_t
free_port(void)
{
    struct sockaddr_in at = { .sin_port = 0 };
    AUTO_CLOSE int fd = open_socket(&at);
    socklen_t size = sizeof at;

    assert_int_equal(bind(fd, (struct sockaddr *) &at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &at, &size), 0);
    return at.sin_port;
}

static int
dial(in_port_t port)
{
    struct sockaddr_in at = { .sin_port = port };
    const int fd = open_socket(&at);

    assert_int_equal(connect(fd, (struct sockaddr *) &at, sizeof at), 0);
    return fd;
}

/* A head that drips does not hold its connection for ever: the loop's turns
 * end it, and it asks for a turn in time. */
static void
test_slow_head(void **state)
{
    const in_port_t port = free_port();
    AUTO_FREE char *address = xasprintf("127.0.0.1:%u", ntohs(port));
    struct metrics *metrics = metrics_new();
    const int64_t deadline = clock_ms() + 60000;
    struct health *health;
    struct waits waits;
    char byte = 'a';
    int fd;

    (void) state;
    assert_null(health_start(address, metrics, &health));
    waits_init(&waits);
    fd = dial(port);
    assert_int_equal(send(fd, "GET /", 5, MSG_NOSIGNAL), 5);
    do {
        (void) send(fd, &byte, 1, MSG_NOSIGNAL);
        health_set(health, clock_ms(), true, NULL);
        waits_clear(&waits);
        health_wait(health, &waits);
        waits_block(&waits);
        assert_true(clock_ms() < deadline);
    } while (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    close(fd);
    waits_fini(&waits);
    health_stop(health);
    metrics_free(metrics);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_head),
    };

    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
