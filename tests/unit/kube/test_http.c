/* http.c over a real connection, the server's end of it in our hands. */
#include "tests/unit/table.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/waits.h"
#include "lib/kube/creds.h"
#include "lib/kube/http.h"

#define PATIENCE_MS 10000

struct rig {
    int listener, fd;           /* The server's. */
    struct creds *creds;
    struct http *http;
    struct waits waits;
    unsigned n_done, n_ended;
};

static int
set_up(void **state)
{
    struct rig *rig = xcalloc(1, sizeof *rig);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof address;
    AUTO_FREE char *url = NULL;

    rig->fd = -1;
    rig->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rig->listener, (struct sockaddr *) &address, size),
                     0);
    assert_int_equal(listen(rig->listener, 8), 0);
    getsockname(rig->listener, (struct sockaddr *) &address, &size);
    url = xasprintf("http://127.0.0.1:%u", ntohs(address.sin_port));
    assert_null(creds_load_server(url, &rig->creds));
    rig->http = http_new(rig->creds, "test");
    waits_init(&rig->waits);
    *state = rig;
    return 0;
}

static int
tear_down(void **state)
{
    struct rig *rig = *state;

    http_free(rig->http);
    creds_free(rig->creds);
    waits_fini(&rig->waits);
    close(rig->fd);
    close(rig->listener);
    free(rig);
    return 0;
}

static void
on_done(const struct http_response *response, void *aux)
{
    assert_int_equal(response->status, 200);
    ((struct rig *) aux)->n_done++;
}

static void
ask(struct rig *rig, const char *body)
{
    const struct http_request request = {
        .method = HTTP_PATCH,
        .path = "/a",
        .content_type = "application/json",
        .body = body,
        .size = strlen(body),
        .deadline_ms = clock_ms() + 10 * PATIENCE_MS,
        .done = on_done,
        .aux = rig,
    };

    (void) http_send(rig->http, &request);
}

static bool
is_readable(int fd, int timeout_ms)
{
    struct pollfd item = { .fd = fd, .events = POLLIN };

    return poll(&item, 1, timeout_ms) == 1;
}

/* Turns of the loop until 'fd' is readable, or a request is done. */
static void
turn_until(struct rig *rig, int fd, unsigned n_done)
{
    int64_t end_ms = clock_ms() + PATIENCE_MS;

    while (fd >= 0 ? !is_readable(fd, 0) : rig->n_done < n_done) {
        assert_true(clock_ms() < end_ms);
        http_run(rig->http, clock_ms());
        waits_clear(&rig->waits);
        waits_until(&rig->waits, clock_ms() + 10);
        http_wait(rig->http, &rig->waits);
        waits_block(&rig->waits);
    }
}

/* The server has the whole request, and answers it. */
static void
answer(struct rig *rig, const char *body)
{
    static const char text[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    char data[4096];
    size_t size = 0;

    do {
        ssize_t n;

        assert_true(is_readable(rig->fd, PATIENCE_MS));
        n = read(rig->fd, data + size, sizeof data - 1 - size);
        assert_true(n > 0);
        size += (size_t) n;
        data[size] = '\0';
    } while (!strstr(data, body));
    assert_int_equal(write(rig->fd, text, sizeof text - 1), sizeof text - 1);
}

/* A connection that has carried a request. */
static void
connect_once(struct rig *rig)
{
    ask(rig, "first");
    turn_until(rig, rig->listener, 0);
    rig->fd = accept4(rig->listener, NULL, NULL, SOCK_CLOEXEC);
    turn_until(rig, rig->fd, 0);
    answer(rig, "first");
    turn_until(rig, -1, 1);
}

/* It is on the wire before there is another turn, which none waits for. */
static void
test_flush(void **state)
{
    struct rig *rig = *state;

    connect_once(rig);
    ask(rig, "second");
    http_flush(rig->http);
    waits_clear(&rig->waits);
    http_wait(rig->http, &rig->waits);
    assert_true(rig->waits.deadline_ms > clock_ms());
    answer(rig, "second");
    turn_until(rig, -1, 2);
}

/* Without it the next two turns send it, and are not waited for. */
static void
test_no_flush(void **state)
{
    struct rig *rig = *state;

    connect_once(rig);
    ask(rig, "second");
    waits_clear(&rig->waits);
    http_wait(rig->http, &rig->waits);
    assert_true(rig->waits.deadline_ms <= clock_ms());
    turn_until(rig, rig->fd, 0);
    answer(rig, "second");
    turn_until(rig, -1, 2);
}

/* ---- a connection that died, and nobody said so ---- */

static void
on_end(const struct http_response *response, void *aux)
{
    assert_int_equal(response->status, 0);
    assert_int_equal(err_kind(response->err), ERR_UNAVAILABLE);
    ((struct rig *) aux)->n_ended++;
}

static void
stream(struct rig *rig, int64_t deadline_ms)
{
    const struct http_request request = {
        .method = HTTP_GET,
        .path = "/a",
        .as_stream = true,
        .deadline_ms = deadline_ms,
        .done = on_end,
        .aux = rig,
    };

    (void) http_send(rig->http, &request);
}

/* A connection that is kept would do; but whatever is lost of the others'
 * connections is no stream. */
static void
test_streams_are_apart(void **state)
{
    struct rig *rig = *state;

    connect_once(rig);
    stream(rig, clock_ms() + PATIENCE_MS);
    turn_until(rig, rig->listener, 0);
    assert_false(is_readable(rig->fd, 0));
}

/* Streams that hear nothing all end with the first whose time is over, however
 * well others are answered; and those do not end with them. */
static void
test_streams_die_together(void **state)
{
    struct rig *rig = *state;
    int64_t now_ms = clock_ms();
    AUTO_CLOSE int fd = -1;

    stream(rig, now_ms + 10 * PATIENCE_MS);
    stream(rig, now_ms + 2 * PATIENCE_MS);
    turn_until(rig, rig->listener, 0);
    fd = accept4(rig->listener, NULL, NULL, SOCK_CLOEXEC);
    connect_once(rig);
    ask(rig, "second");
    turn_until(rig, rig->fd, 0);
    assert_int_equal(rig->n_ended, 0);
    http_run(rig->http, now_ms + 2 * PATIENCE_MS);
    assert_int_equal(rig->n_ended, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flush, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_flush, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streams_are_apart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_streams_die_together, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
