#include "lib/kube/manifest_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"
#include "lib/kube/manifest_parse.h"

struct walk {
    struct manifest_scan *scan;
    struct manifests_problems *problems;
    struct map *visited;    /* Folders by device and inode: no cycles. */
    bool is_full;
};

struct names {
    VEC(char *) all;
};

void
manifest_scan_fini(struct manifest_scan *scan)
{
    for (size_t i = 0; i < scan->files.n; i++) {
        free(scan->files.items[i]);
    }
    for (size_t i = 0; i < scan->blind.n; i++) {
        free(scan->blind.items[i]);
    }
    VEC_FINI(&scan->files);
    VEC_FINI(&scan->blind);
}

static bool
is_manifest(const char *name)
{
    return str_ends(name, ".yaml") || str_ends(name, ".yml") ||
           str_ends(name, ".json");
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The names in a folder that are not hidden, sorted.  Returns errno. */
static int
read_names(const char *folder, struct names *names)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int failure;

    if (!dir) {
        return errno;
    }
    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (!entry) {
            break;
        }
        /* Hidden names are of editors, and of Kubernetes' own mounts. */
        if (entry->d_name[0] != '.') {
            VEC_PUSH(&names->all, xstrdup(entry->d_name));
        }
    }
    failure = errno;
    closedir(dir);
    VEC_SORT(&names->all, compare_names);
    return failure;
}

/* True the first time a folder is seen, whatever its name. */
static bool
visit(struct walk *w, const struct stat *st)
{
    AUTO_FREE char *key = xasprintf("%" PRIuMAX ":%" PRIuMAX,
                                    (uintmax_t) st->st_dev,
                                    (uintmax_t) st->st_ino);

    return map_put(w->visited, key, w) == NULL;
}

static void
blind(struct walk *w, const char *folder, const char *why)
{
    VEC_PUSH(&w->scan->blind, xstrdup(folder));
    manifest_problem(w->problems, folder, 0, NULL, "%s", why);
}

static void walk_folder(struct walk *, const char *folder, unsigned depth);

static void
walk_entry(struct walk *w, const char *folder, const char *name,
           unsigned depth)
{
    AUTO_FREE char *path = xasprintf("%s%s%s", folder,
                                     str_ends(folder, "/") ? "" : "/", name);
    struct stat st;

    if (stat(path, &st) < 0) {
        /* Gone meanwhile, or a link to nothing: absent either way. */
        if (errno != ENOENT && is_manifest(name)) {
            blind(w, path, strerror(errno));
        }
    } else if (S_ISDIR(st.st_mode)) {
        if (visit(w, &st)) {
            walk_folder(w, path, depth + 1);
        }
    } else if (S_ISREG(st.st_mode) && is_manifest(name)) {
        if (w->scan->files.n < MANIFESTS_MAX_FILES) {
            VEC_PUSH(&w->scan->files, STEAL_PTR(path));
        } else if (!w->is_full) {
            w->is_full = true;
            manifest_problem(w->problems, folder, 0, NULL,
                             "more than %d files: the rest is not read",
                             MANIFESTS_MAX_FILES);
        }
    }
}

static void
walk_folder(struct walk *w, const char *folder, unsigned depth)
{
    struct names names = { .all = { .items = NULL } };
    int failure;

    if (depth > MANIFESTS_MAX_DEPTH ||
        map_size(w->visited) > MANIFESTS_MAX_FILES) {
        blind(w, folder, "too many folders: this one is not read");
        return;
    }
    if (w->scan->enter) {
        w->scan->enter(folder, w->scan->aux);
    }
    failure = read_names(folder, &names);
    if (failure != 0 && failure != ENOENT) {
        blind(w, folder, strerror(failure));
    }
    for (size_t i = 0; i < names.all.n; i++) {
        walk_entry(w, folder, names.all.items[i], depth);
        free(names.all.items[i]);
    }
    VEC_FINI(&names.all);
}

struct err *
manifest_scan(struct manifest_scan *scan, const char *path,
              struct manifests_problems *problems)
{
    struct walk w = { .scan = scan, .problems = problems };
    struct stat st;

    if (stat(path, &st) < 0) {
        return err_errno(errno == ENOENT ? ERR_GONE : ERR_INVALID, errno,
                         "cannot be read");
    }
    if (!S_ISDIR(st.st_mode)) {
        VEC_PUSH(&scan->files, xstrdup(path));
        return NULL;
    }
    if (access(path, R_OK | X_OK) < 0) {
        return err_errno(ERR_INVALID, errno, "cannot be read");
    }
    w.visited = map_new();
    visit(&w, &st);
    walk_folder(&w, path, 1);
    map_free(w.visited, NULL);
    VEC_SORT(&scan->files, compare_names);
    return NULL;
}

static void
take_stamp(const struct stat *st, struct manifest_stamp *out)
{
    *out = (struct manifest_stamp) {
        .device = st->st_dev,
        .inode = st->st_ino,
        .size = st->st_size,
        .modified = st->st_mtim,
        .changed = st->st_ctim,
    };
}

bool
manifest_stamp(const char *path, struct manifest_stamp *out)
{
    struct stat st;

    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
        *out = (struct manifest_stamp) { .size = 0 };
        return false;
    }
    take_stamp(&st, out);
    return true;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
manifest_stamp_equal(const struct manifest_stamp *a,
                     const struct manifest_stamp *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->size == b->size && same_time(&a->modified, &b->modified) &&
           same_time(&a->changed, &b->changed);
}

struct err *
manifest_read_all(int fd, struct buf *out)
{
    for (;;) {
        size_t room;
        char *tail = buf_room(out, &room);
        ssize_t n;

        if (!tail) {
            char probe;

            /* Full: fine if it ends just here. */
            n = read(fd, &probe, 1);
            return n == 0 ? NULL
                          : err_new(ERR_LIMIT, "more than %zu bytes",
                                    out->limit);
        }
        n = read(fd, tail, room);
        if (n == 0) {
            return NULL;
        }
        if (n < 0 && errno != EINTR) {
            return err_errno(ERR_INVALID, errno, "cannot be read");
        }
        if (n > 0) {
            buf_grow(out, (size_t) n);
        }
    }
}

struct err *
manifest_read_file(const char *path, struct manifest_stamp *stamp,
                   struct buf *out)
{
    /* Non-blocking, lest a pipe of that name stops us. */
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    *stamp = (struct manifest_stamp) { .size = 0 };
    if (fd < 0) {
        return err_errno(errno == ENOENT ? ERR_GONE : ERR_INVALID, errno,
                         "cannot be read");
    }
    if (fstat(fd, &st) < 0) {
        return err_errno(ERR_INVALID, errno, "cannot be read");
    }
    if (!S_ISREG(st.st_mode)) {
        return err_new(ERR_INVALID, "not a regular file");
    }
    take_stamp(&st, stamp);
    return manifest_read_all(fd, out);
}
