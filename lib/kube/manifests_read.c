#include "lib/kube/manifests.h"

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
#include "lib/kube/manifest_scan.h"

struct once {
    manifests_each_fn *each;
    void *aux;
    struct manifests_problems *problems;
    struct map *seen;       /* Label -> source of the first. */
    struct map *files;      /* Device and inode -> the path that led there. */
    const char *path;       /* Of those that are read, the present one. */
};

static void
hand_on(struct once *o, const char *file, const struct kube_object *object)
{
    AUTO_FREE char *label = manifest_label(object);
    const char *first = map_get(o->seen, label);

    if (first) {
        manifest_problem(o->problems, file, manifest_line(object), label,
                         "is already in %s", first);
        return;
    }
    map_put(o->seen, label, xstrdup(object->source));
    o->each(object, o->aux);
}

/* True where another of the paths has led to this file, as where a folder is
 * named and a file in it. */
static bool
is_read(struct once *o, const char *file)
{
    struct manifest_stamp stamp;
    AUTO_FREE char *key = NULL;
    const char *path;

    if (!manifest_stamp(file, &stamp)) {
        return false;
    }
    key = xasprintf("%" PRIuMAX ":%" PRIuMAX, (uintmax_t) stamp.device,
                    (uintmax_t) stamp.inode);
    path = map_get(o->files, key);
    if (!path) {
        map_put(o->files, key, (void *) (uintptr_t) o->path);
    }
    return path && path != o->path;
}

/* Whatever the user names may be a pipe; inside a folder only files count. */
static struct err *
read_bytes(const char *path, bool is_named, struct buf *out)
{
    struct manifest_stamp stamp;
    AUTO_CLOSE int fd = -1;

    if (!is_named) {
        return manifest_read_file(path, &stamp, out);
    }
    if (strcmp(path, "-") == 0) {
        return manifest_read_all(STDIN_FILENO, out);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(ERR_INVALID, errno, "cannot be read");
    }
    return manifest_read_all(fd, out);
}

static void
read_file(struct once *o, const char *path, bool is_named)
{
    struct manifest_objects objects = { .all = { .items = NULL } };
    AUTO_BUF struct buf text = BUF_INIT(YAML_MAX_SIZE);
    AUTO_ERR struct err *err = read_bytes(path, is_named, &text);
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;

    if (err) {
        manifest_problem(o->problems, name, 0, NULL, "%s", err_text(err));
        return;
    }
    manifest_parse(name, buf_str(&text), text.size, &objects, o->problems);
    for (size_t i = 0; i < objects.all.n; i++) {
        hand_on(o, name, objects.all.items[i]);
    }
    manifest_objects_fini(&objects);
}

static void
read_path(struct once *o, const char *path)
{
    struct manifest_scan scan = { .enter = NULL };
    AUTO_ERR struct err *err = NULL;

    if (strcmp(path, "-") == 0) {
        read_file(o, path, true);
        return;
    }
    o->path = path;
    err = manifest_scan(&scan, path, o->problems);
    if (err) {
        manifest_problem(o->problems, path, 0, NULL, "%s", err_text(err));
    }
    for (size_t i = 0; i < scan.files.n; i++) {
        const char *file = scan.files.items[i];

        if (!is_read(o, file)) {
            read_file(o, file, strcmp(file, path) == 0);
        }
    }
    manifest_scan_fini(&scan);
}

void
manifests_read(const char *const *paths, size_t n_paths,
               manifests_each_fn *each, void *aux,
               struct manifests_problems *problems)
{
    struct once once = {
        .each = each,
        .aux = aux,
        .problems = problems,
        .seen = map_new(),
        .files = map_new(),
    };

    for (size_t i = 0; i < n_paths; i++) {
        read_path(&once, paths[i]);
    }
    map_free(once.seen, free);
    map_free(once.files, NULL);
}
