#include "lib/kube/manifest_watch.h"

#include <poll.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

#define EVENTS                                                             \
    (IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM |  \
     IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

/* Files that are remembered as being written; past it all are forgotten. */
#define BUSY_MAX 4096

struct folder {
    char *path;
    int wd;
    bool is_added;          /* In the present scan. */
};

struct manifest_watch {
    int fd;                 /* -1: inotify does not work. */
    bool is_blind;
    VEC(struct folder) folders;
    struct map *busy;       /* Path -> int64_t, until when. */
};

struct manifest_watch *
manifest_watch_new(void)
{
    struct manifest_watch *w = xcalloc(1, sizeof *w);

    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    w->busy = map_new();
    return w;
}

void
manifest_watch_free(struct manifest_watch *w)
{
    if (!w) {
        return;
    }
    if (w->fd >= 0) {
        close(w->fd);
    }
    for (size_t i = 0; i < w->folders.n; i++) {
        free(w->folders.items[i].path);
    }
    VEC_FINI(&w->folders);
    map_free(w->busy, free);
    free(w);
}

void
manifest_watch_begin(struct manifest_watch *w)
{
    w->is_blind = false;
    for (size_t i = 0; i < w->folders.n; i++) {
        w->folders.items[i].is_added = false;
    }
}

void
manifest_watch_add(struct manifest_watch *w, const char *path)
{
    struct folder *folder;
    const char *name = path[0] != '\0' ? path : ".";
    int wd = w->fd < 0 ? -1
                       : inotify_add_watch(w->fd, name, EVENTS | IN_ONLYDIR);

    if (wd < 0) {
        w->is_blind = true;
        return;
    }
    for (size_t i = 0; i < w->folders.n; i++) {
        folder = &w->folders.items[i];
        if (folder->wd == wd) {
            folder->is_added = true;
            if (!str_eq(folder->path, path)) {
                free(folder->path);
                folder->path = xstrdup(path);
            }
            return;
        }
    }
    folder = VEC_ADD(&w->folders);
    folder->wd = wd;
    folder->path = xstrdup(path);
    folder->is_added = true;
}

static void
forget(struct manifest_watch *w, size_t i)
{
    free(w->folders.items[i].path);
    VEC_REMOVE(&w->folders, i);
}

void
manifest_watch_end(struct manifest_watch *w)
{
    for (size_t i = w->folders.n; i-- > 0;) {
        if (!w->folders.items[i].is_added) {
            inotify_rm_watch(w->fd, w->folders.items[i].wd);
            forget(w, i);
        }
    }
}

bool
manifest_watch_is_blind(const struct manifest_watch *w)
{
    return w->is_blind;
}

/* A link or a second name of a file is complete at once; nobody closes it. */
static bool
is_file(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static void
set_busy(struct manifest_watch *w, const char *path, int64_t until_ms)
{
    int64_t *until = map_get(w->busy, path);

    if (until) {
        *until = until_ms;
    } else if (is_file(path)) {
        if (map_size(w->busy) >= BUSY_MAX) {
            map_free(w->busy, free);
            w->busy = map_new();
        }
        until = xmalloc(sizeof *until);
        *until = until_ms;
        map_put(w->busy, path, until);
    }
}

static char *
path_in(const char *folder, const char *name)
{
    bool needs_slash = folder[0] != '\0' && !str_ends(folder, "/");

    return xasprintf("%s%s%s", folder, needs_slash ? "/" : "", name);
}

static void
note(struct manifest_watch *w, const struct inotify_event *event,
     int64_t now_ms)
{
    for (size_t i = 0; i < w->folders.n; i++) {
        const struct folder *folder = &w->folders.items[i];
        AUTO_FREE char *path = NULL;

        if (folder->wd != event->wd) {
            continue;
        }
        if (event->mask & IN_IGNORED) {
            forget(w, i);
            return;
        }
        if (event->len == 0) {
            return;
        }
        path = path_in(folder->path, event->name);
        if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE |
                           IN_MOVED_FROM)) {
            free(map_remove(w->busy, path));
        } else if (event->mask & (IN_CREATE | IN_MODIFY)) {
            set_busy(w, path, now_ms + MANIFEST_WRITE_MS);
        }
        return;
    }
}

bool
manifest_watch_drain(struct manifest_watch *w, int64_t now_ms,
                     bool *is_whole)
{
    alignas(struct inotify_event) char data[16384];
    bool has_events = false;
    ssize_t n;

    *is_whole = false;
    if (w->fd < 0) {
        return false;
    }
    while ((n = read(w->fd, data, sizeof data)) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event =
                (const void *) (data + at);

            has_events = true;
            *is_whole |= (event->mask & IN_MOVED_TO) != 0;
            note(w, event, now_ms);
            at += (ssize_t) (sizeof *event + event->len);
        }
    }
    return has_events;
}

bool
manifest_watch_is_busy(struct manifest_watch *w, const char *path,
                       int64_t now_ms)
{
    const int64_t *until = map_get(w->busy, path);

    if (!until) {
        return false;
    }
    if (now_ms < *until) {
        return true;
    }
    free(map_remove(w->busy, path));
    return false;
}

void
manifest_watch_wait(const struct manifest_watch *w, struct waits *waits)
{
    if (w->fd >= 0) {
        waits_fd(waits, w->fd, POLLIN);
    }
}
