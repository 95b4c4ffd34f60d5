#include "haproxy/hapsock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

static struct err *
wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd item = { .fd = fd, .events = events };
        int64_t left = deadline - clock_ms();
        int n;

        if (left <= 0) {
            return err_new(ERR_UNAVAILABLE, "HAProxy did not answer in time");
        }
        n = poll(&item, 1, left < INT_MAX ? (int) left : INT_MAX);
        if (n > 0) {
            return NULL;
        }
        if (n < 0 && errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "poll");
        }
    }
}

/* A full backlog says EAGAIN and has no event to wait for: ask again. */
static struct err *
connect_to(const char *path, int64_t deadline, int *out)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    AUTO_CLOSE int fd = -1;

    *out = -1;
    if (strlen(path) >= sizeof address.sun_path) {
        return err_new(ERR_INVALID, "the socket path is too long");
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_errno(ERR_UNAVAILABLE, errno, "socket");
    }
    while (connect(fd, (struct sockaddr *) &address, sizeof address) < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "connect to %s", path);
        }
        if (clock_ms() >= deadline) {
            return err_new(ERR_UNAVAILABLE, "connect to %s: no room in its "
                           "backlog", path);
        }
        (void) poll(NULL, 0, 2);
    }
    *out = STEAL_FD(fd);
    return NULL;
}

static struct err *
send_all(int fd, const char *data, size_t size, int64_t deadline)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

        if (n >= 0) {
            data += n;
            size -= (size_t) n;
        } else if (errno == EAGAIN) {
            struct err *err = wait_for(fd, POLLOUT, deadline);

            if (err) {
                return err;
            }
        } else if (errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "send to HAProxy");
        }
    }
    return NULL;
}

/* What ends an answer; 'is_whole' NULL: HAProxy closes. */
struct ending {
    hapsock_is_whole *is_whole;
    const void *aux;
};

static struct err *
receive_all(int fd, struct buf *reply, const struct ending *ending,
            int64_t deadline)
{
    for (;;) {
        size_t room;
        char *tail = buf_room(reply, &room);
        ssize_t n;

        if (room == 0) {
            return err_new(ERR_LIMIT, "HAProxy's answer exceeds %zu bytes",
                           reply->limit);
        }
        n = recv(fd, tail, room, 0);
        if (n > 0) {
            buf_grow(reply, (size_t) n);
            if (ending->is_whole &&
                ending->is_whole(buf_str(reply), ending->aux)) {
                return NULL;
            }
        } else if (n == 0) {
            return NULL;
        } else if (errno == EAGAIN) {
            struct err *err = wait_for(fd, POLLIN, deadline);

            if (err) {
                return err;
            }
        } else if (errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "read from HAProxy");
        }
    }
}

static struct err *
exchange(const char *path, const void *data, size_t size, bool half_close,
         const struct ending *ending, struct buf *reply)
{
    AUTO_CLOSE int fd = -1;
    int64_t now = clock_ms(), deadline;
    struct err *err = connect_to(path, now + HAPSOCK_CONNECT_MS, &fd);

    if (err) {
        return err;
    }
    deadline = clock_ms() + HAPSOCK_EXCHANGE_MS;
    err = send_all(fd, data, size, deadline);
    if (!err && half_close) {
        shutdown(fd, SHUT_WR);
    }
    return err ? err : receive_all(fd, reply, ending, deadline);
}

struct err *
hapsock_call(const char *path, const void *data, size_t size,
             struct buf *reply)
{
    return hapsock_call_until(path, data, size, NULL, NULL, reply);
}

struct err *
hapsock_call_until(const char *path, const void *data, size_t size,
                   hapsock_is_whole *is_whole, const void *aux,
                   struct buf *reply)
{
    const struct ending ending = { .is_whole = is_whole, .aux = aux };
    size_t before = reply->size;
    struct err *err = exchange(path, data, size, false, &ending, reply);

    if (!err && reply->size == before) {
        err = err_new(ERR_UNAVAILABLE, "HAProxy closed without an answer");
    }
    return err;
}

struct err *
hapsock_call_master(const char *path, const char *command, struct buf *reply)
{
    AUTO_FREE char *line = xasprintf("%s\n", command);
    const struct ending closed = { .is_whole = NULL };

    return exchange(path, line, strlen(line), true, &closed, reply);
}
