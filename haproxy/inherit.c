#include "haproxy/inherit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

static bool
listens_at(int fd, const struct sockaddr_storage *address, socklen_t size)
{
    struct sockaddr_storage bound = { 0 };
    socklen_t bound_size = sizeof bound, n = sizeof(int);
    int is_listening = 0;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) ==
               0 && is_listening &&
           getsockname(fd, (struct sockaddr *) &bound, &bound_size) == 0 &&
           bound_size == size && memcmp(&bound, address, size) == 0;
}

int
inherit_listener(pid_t pid, const struct listener *l, int fd_min)
{
    struct sockaddr_storage address;
    socklen_t size = listeners_address(l, &address);
    AUTO_FREE char *path = xasprintf("/proc/%d/fd", pid);
    AUTO_CLOSE int process = (int) syscall(SYS_pidfd_open, pid, 0);
    DIR *dir = process < 0 ? NULL : opendir(path);
    const struct dirent *entry;
    int found = -1;

    while (dir && found < 0 && (entry = readdir(dir))) {
        AUTO_CLOSE int fd = -1;
        uint64_t number;

        if (!parse_u64(entry->d_name, 0, INT32_MAX, &number)) {
            continue;
        }
        fd = (int) syscall(SYS_pidfd_getfd, process, (int) number, 0);
        if (fd >= 0 && listens_at(fd, &address, size)) {
            found = fcntl(fd, F_DUPFD_CLOEXEC, fd_min);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return found;
}
