#include "haproxy/leftover.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "haproxy/files.h"
#include "haproxy/reach.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

/* Between two requests to end, longer each time. */
#define TELL_MS 500
#define TELL_MAX_MS 8000
/* For the streams of a HAProxy that holds ports we want. */
#define FORCE_MS 2000
/* For one that has lost the request to end. */
#define PATIENCE_MS 5000

pid_t
leftover_parent(pid_t pid)
{
    AUTO_FREE char *path = xasprintf("/proc/%d/stat", pid);
    AUTO_BUF struct buf text = BUF_INIT(8192);
    AUTO_ERR struct err *err = files_get(path, 8000, &text);
    char *p = err ? NULL : strrchr(buf_str(&text), ')');
    char *rest;
    uint64_t parent;

    if (!p || strlen(p) < 4) {
        return 0;
    }
    p += 4;             /* ") S " */
    rest = p + strcspn(p, " ");
    *rest = '\0';
    return parse_u64(p, 1, INT32_MAX, &parent) ? (pid_t) parent : 0;
}

void
leftover_tell(struct leftover *t)
{
    int64_t now = clock_ms();

    if (now >= t->due_ms) {
        kill(t->pid, SIGUSR1);
        t->pause_ms = t->pause_ms == 0 ? TELL_MS
                      : t->pause_ms < TELL_MAX_MS ? 2 * t->pause_ms
                                                  : t->pause_ms;
        t->due_ms = now + t->pause_ms;
    }
}

static bool
has_socket(pid_t pid, const char *socket)
{
    AUTO_FREE char *path = xasprintf("/proc/%d/cmdline", pid);
    AUTO_BUF struct buf text = BUF_INIT(65536);
    AUTO_ERR struct err *err = files_get(path, 60000, &text);

    return !err && memmem(text.data, text.size, socket, strlen(socket) + 1);
}

void
leftover_end(struct leftover *l, const char *socket)
{
    if (l->pid > 0 && !has_socket(l->pid, socket)) {
        l->pid = 0;
    }
    if (l->pid > 0) {
        leftover_tell(l);
    }
}

void
leftover_hurry(struct leftover *l, const char *path)
{
    pid_t who = l->pid > 0 ? reach_who(path) : 0;

    if (who > 0 && (who == l->pid || leftover_parent(who) == l->pid)) {
        kill(l->pid, SIGUSR1);
    }
}

bool
leftover_serves(struct leftover *l, const char *path)
{
    int64_t now = clock_ms();

    if (l->pid == 0) {
        return false;
    }
    if (l->patience_ms == 0) {
        l->patience_ms = now + PATIENCE_MS;
    }
    return now < l->patience_ms && reach_answers(path);
}

void
leftover_force(struct leftover *l)
{
    int64_t now = clock_ms();

    if (l->pid == 0) {
        return;
    }
    if (l->force_ms == 0) {
        l->force_ms = now + FORCE_MS;
    } else if (now >= l->force_ms) {
        log_warn("proxy", NULL, "the HAProxy of a parent that was killed "
                 "still holds the ports: it is ended");
        kill(l->pid, SIGKILL);
    }
}

/* A master is what has our socket and no parent that has. */
void
leftover_find(struct leftover *l, const char *socket)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        uint64_t number;
        pid_t pid, parent;

        if (!parse_u64(entry->d_name, 1, INT32_MAX, &number)) {
            continue;
        }
        pid = (pid_t) number;
        parent = leftover_parent(pid);
        if (parent != getpid() && has_socket(pid, socket) &&
            !has_socket(parent, socket)) {
            *l = (struct leftover) { .pid = pid };
        }
    }
    if (dir) {
        closedir(dir);
    }
}
