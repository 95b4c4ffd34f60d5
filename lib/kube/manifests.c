#include "lib/kube/manifests.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"
#include "lib/kube/manifest_parse.h"
#include "lib/kube/manifest_scan.h"
#include "lib/kube/manifest_watch.h"

/* One save is often several events: they are waited for.  A file that is
 * renamed into place is whole, and only others after it are waited for. */
#define SETTLE_MS 20
/* How soon a file that somebody is writing is looked at again. */
#define BUSY_MS 100
/* How soon a folder that is not there is looked for again. */
#define MISSING_MS 500
/* A file may change again within one tick of its clock; until its stamp is
 * this old, equal stamps say nothing. */
#define FRESH_S 2

struct file {
    char *path;
    struct manifest_stamp stamp;
    bool is_trusted;        /* Equal stamps mean equal bytes. */
    bool was_good;          /* 'objects' are of a file without problems. */
    bool is_seen;           /* In the present scan. */
    struct manifest_objects objects;
    struct manifests_problems problems;
};

struct manifests {
    char *path;
    struct cache *cache;
    struct map *files;      /* Path -> struct file */
    struct manifest_watch *watch;
    int64_t scan_at_ms;
    int64_t scanned_ms;
    struct manifests_problems problems;
    struct manifests_problems twins;    /* Of what was published last. */
    bool is_changed;        /* A file was read or went away since then. */
    struct map *told;       /* Texts of 'problems', once logged. */
    unsigned generation;
    bool is_open;           /* The first scan went well. */
};

static void
free_file(void *p)
{
    struct file *f = p;

    manifest_objects_fini(&f->objects);
    manifests_problems_fini(&f->problems);
    free(f->path);
    free(f);
}

static struct file *
file_of(struct manifests *m, const char *path)
{
    struct file *f = map_get(m->files, path);

    if (!f) {
        f = xcalloc(1, sizeof *f);
        f->path = xstrdup(path);
        map_put(m->files, path, f);
    }
    return f;
}

/* Takes what was read: everything, or nothing of a file that was good and is
 * broken now. */
static void
take(struct file *f, struct manifest_objects *objects,
     struct manifests_problems *problems)
{
    bool is_good = problems->all.n == 0;

    if (is_good || !f->was_good) {
        manifest_objects_fini(&f->objects);
        f->objects = *objects;
    } else {
        manifest_objects_fini(objects);
    }
    f->was_good |= is_good;
    manifests_problems_fini(&f->problems);
    f->problems = *problems;
}

static void
read_file(struct file *f)
{
    struct manifest_objects objects = { .all = { .items = NULL } };
    struct manifests_problems problems = MANIFESTS_PROBLEMS_INIT;
    AUTO_BUF struct buf text = BUF_INIT(YAML_MAX_SIZE);
    AUTO_ERR struct err *err = manifest_read_file(f->path, &f->stamp, &text);

    f->is_trusted = clock_wall() - f->stamp.changed.tv_sec > FRESH_S;
    if (err && err_kind(err) == ERR_GONE) {
        f->is_seen = false;     /* Removed since the folder was read. */
        return;
    }
    if (err) {
        manifest_problem(&problems, f->path, 0, NULL, "%s", err_text(err));
    } else {
        manifest_parse(f->path, buf_str(&text), text.size, &objects,
                       &problems);
    }
    take(f, &objects, &problems);
}

static void
look_at(struct manifests *m, const char *path, int64_t now_ms)
{
    struct file *f = file_of(m, path);
    struct manifest_stamp stamp;

    f->is_seen = true;
    if (manifest_watch_is_busy(m->watch, path, now_ms)) {
        if (now_ms + BUSY_MS < m->scan_at_ms) {
            m->scan_at_ms = now_ms + BUSY_MS;
        }
        return;
    }
    if (f->is_trusted && manifest_stamp(path, &stamp) &&
        manifest_stamp_equal(&stamp, &f->stamp)) {
        return;
    }
    read_file(f);
    m->is_changed = true;
}

/* True where nothing is known about 'path' because its folder, or itself,
 * could not be read. */
static bool
is_under(const struct manifest_scan *scan, const char *path)
{
    for (size_t i = 0; i < scan->blind.n; i++) {
        size_t length = strlen(scan->blind.items[i]);

        if (strncmp(path, scan->blind.items[i], length) == 0 &&
            (path[length] == '/' || path[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static void
drop_unseen(struct manifests *m, const struct manifest_scan *scan)
{
    AUTO_FREE const char **paths = map_sorted_keys(m->files);
    size_t n = map_size(m->files);

    for (size_t i = 0; i < n; i++) {
        struct file *f = map_get(m->files, paths[i]);

        if (!f->is_seen && !is_under(scan, f->path)) {
            map_remove(m->files, f->path);
            free_file(f);
            m->is_changed = true;
        }
        /* 'paths[i]' may be gone now. */
    }
}

static void
put_file(struct manifests *m, const struct file *f, enum kube_kind kind,
         struct map *seen)
{
    for (size_t i = 0; i < f->objects.all.n; i++) {
        const struct kube_object *o = f->objects.all.items[i];
        const struct kube_object *first = map_get(seen, o->key);

        if (o->kind != kind) {
            continue;
        }
        if (first) {
            AUTO_FREE char *label = manifest_label(o);

            manifest_problem(&m->twins, f->path, manifest_line(o), label,
                             "is already in %s", first->source);
        } else {
            map_put(seen, o->key, (void *) (uintptr_t) o);
            cache_put(m->cache, kube_ref(o));
        }
    }
}

/* A full list of every kind; the cache finds out what is new.  That is work
 * for every object there is, so only after a change. */
static void
publish(struct manifests *m, const char *const *paths)
{
    if (!m->is_changed) {
        return;
    }
    m->is_changed = false;
    manifests_problems_fini(&m->twins);
    for (int i = 0; i < KUBE_N_KINDS; i++) {
        enum kube_kind kind = (enum kube_kind) i;
        struct map *seen = map_new();

        cache_list_begin(m->cache, kind, NULL);
        for (size_t j = 0; j < map_size(m->files); j++) {
            put_file(m, map_get(m->files, paths[j]), kind, seen);
        }
        cache_list_end(m->cache, kind, NULL);
        map_free(seen, NULL);
    }
}

/* Logs the problems that were not there before. */
static void
tell_problems(struct manifests *m)
{
    struct map *now = map_new();
    bool differs = false;

    for (size_t i = 0; i < m->problems.all.n; i++) {
        AUTO_FREE char *text =
            manifests_problem_text(&m->problems.all.items[i]);

        if (!map_get(m->told, text)) {
            differs = true;
            log_warn("manifests", NULL, "%s", text);
        }
        map_put(now, text, m);
    }
    differs |= map_size(now) != map_size(m->told);
    if (differs) {
        m->generation++;
        if (map_size(now) == 0) {
            log_info("manifests", NULL, "%s: all files can be read again",
                     m->path);
        }
    }
    map_free(m->told, NULL);
    m->told = now;
}

static void
add_problems(struct manifests_problems *to,
             const struct manifests_problems *from)
{
    for (size_t i = 0; i < from->all.n; i++) {
        const struct manifests_problem *p = &from->all.items[i];

        manifest_problem(to, p->file, p->line, p->object, "%s", p->message);
    }
}

static void
enter(const char *folder, void *aux)
{
    manifest_watch_add(aux, folder);
}

/* Looks at every file; fails only where the path itself cannot be read, and
 * then everything stays as it was. */
static struct err *
look_around(struct manifests *m, int64_t now_ms,
            struct manifests_problems *problems)
{
    struct manifest_scan scan = { .enter = enter, .aux = m->watch };
    struct map_iter it = MAP_ITER;
    struct err *err;

    manifest_watch_begin(m->watch);
    err = manifest_scan(&scan, m->path, problems);
    if (!err) {
        if (scan.files.n == 1 && str_eq(scan.files.items[0], m->path)) {
            const char *slash = strrchr(m->path, '/');
            AUTO_FREE char *folder =
                xstrndup(m->path, slash ? (size_t) (slash - m->path) : 0);

            manifest_watch_add(m->watch, folder);
        }
        while (map_next(m->files, &it)) {
            ((struct file *) it.value)->is_seen = false;
        }
        for (size_t i = 0; i < scan.files.n; i++) {
            look_at(m, scan.files.items[i], now_ms);
        }
        drop_unseen(m, &scan);
        manifest_watch_end(m->watch);
    }
    manifest_scan_fini(&scan);
    return err;
}

static struct err *
scan_all(struct manifests *m, int64_t now_ms)
{
    struct manifests_problems problems = MANIFESTS_PROBLEMS_INIT;
    AUTO_FREE const char **paths = NULL;
    struct err *err;

    m->scan_at_ms = now_ms + MANIFESTS_POLL_MS;
    m->scanned_ms = now_ms;
    err = look_around(m, now_ms, &problems);
    if (err && !m->is_open) {
        manifests_problems_fini(&problems);
        return err;     /* Nothing was read: nothing may count as synced. */
    }
    if (err) {
        m->scan_at_ms = now_ms + MISSING_MS;
        manifest_problem(&problems, m->path, 0, NULL, "%s", err_text(err));
    }
    if (manifest_watch_is_blind(m->watch)) {
        manifest_problem(&problems, m->path, 0, NULL,
                         "inotify has no watches left: changes are seen only "
                         "every %d s",
                         MANIFESTS_POLL_MS / 1000);
    }
    paths = map_sorted_keys(m->files);
    for (size_t i = 0; i < map_size(m->files); i++) {
        const struct file *f = map_get(m->files, paths[i]);

        add_problems(&problems, &f->problems);
    }
    manifests_problems_fini(&m->problems);
    m->problems = problems;
    publish(m, paths);
    add_problems(&m->problems, &m->twins);
    tell_problems(m);
    return err;
}

struct err *
manifests_open(const char *path, struct cache *cache, struct manifests **out)
{
    struct manifests *m = xcalloc(1, sizeof *m);
    struct err *err;

    *out = NULL;
    m->path = xstrdup(path);
    m->cache = cache;
    m->files = map_new();
    m->told = map_new();
    m->watch = manifest_watch_new();
    m->is_changed = true;       /* An empty folder is synced, too. */
    err = scan_all(m, clock_ms());
    if (err) {
        manifests_free(m);
        return err_wrap(err, "%s", path);
    }
    m->is_open = true;
    *out = m;
    return NULL;
}

void
manifests_free(struct manifests *m)
{
    if (!m) {
        return;
    }
    map_free(m->files, free_file);
    map_free(m->told, NULL);
    manifest_watch_free(m->watch);
    manifests_problems_fini(&m->problems);
    manifests_problems_fini(&m->twins);
    free(m->path);
    free(m);
}

void
manifests_run(struct manifests *m)
{
    int64_t now_ms = clock_ms(), due_ms;
    bool is_whole;

    if (manifest_watch_drain(m->watch, now_ms, &is_whole)) {
        due_ms = now_ms + SETTLE_MS;
        if (is_whole && now_ms - m->scanned_ms > SETTLE_MS) {
            due_ms = now_ms;
        }
        m->scan_at_ms = due_ms < m->scan_at_ms ? due_ms : m->scan_at_ms;
    }
    if (now_ms >= m->scan_at_ms) {
        AUTO_ERR struct err *err = scan_all(m, now_ms);

        (void) err;     /* Among the problems already. */
    }
}

void
manifests_wait(struct manifests *m, struct waits *waits)
{
    manifest_watch_wait(m->watch, waits);
    waits_until(waits, m->scan_at_ms);
}

const struct manifests_problems *
manifests_problems(const struct manifests *m)
{
    return &m->problems;
}

unsigned
manifests_problems_generation(const struct manifests *m)
{
    return m->generation;
}
