#include "haproxy/reach.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mem.h"

/* Connected; -1: not, and errno says why. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    AUTO_CLOSE int fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    return fd >= 0 && connect(fd, (struct sockaddr *) &address,
                              sizeof address) == 0 ? STEAL_FD(fd) : -1;
}

bool
reach_answers(const char *path)
{
    AUTO_CLOSE int fd = connect_to(path);

    return fd >= 0 || errno == EAGAIN;
}

pid_t
reach_who(const char *path)
{
    AUTO_CLOSE int fd = connect_to(path);
    struct ucred who = { 0 };
    socklen_t size = sizeof who;

    return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who,
                                 &size) == 0 ? who.pid : 0;
}

void
reach_begin(struct reach *r, const char *path, int64_t patience_ms)
{
    *r = (struct reach) { .path = path, .patience_ms = patience_ms };
    if (stat(path, &r->before) < 0) {
        r->before = (struct stat) { 0 };
    }
}

/* Numbers of files are given out again at once, hence the time. */
static bool
is_bound_anew(const struct reach *r)
{
    struct stat now;

    return stat(r->path, &now) == 0 &&
           (now.st_ino != r->before.st_ino ||
            now.st_ctim.tv_sec != r->before.st_ctim.tv_sec ||
            now.st_ctim.tv_nsec != r->before.st_ctim.tv_nsec);
}

bool
reach_is_lost(struct reach *r, int64_t now_ms)
{
    if (reach_answers(r->path)) {
        r->has_begun = true;
        r->lost_ms = 0;
        return false;
    }
    r->has_begun = r->has_begun || is_bound_anew(r);
    if (!r->has_begun) {
        return false;
    }
    if (r->lost_ms == 0) {
        r->lost_ms = now_ms;
    }
    return now_ms - r->lost_ms >= r->patience_ms;
}
