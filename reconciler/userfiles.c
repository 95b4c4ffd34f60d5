#include "reconciler/userfiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "haproxy/files.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define FILE_MAX ((size_t) 3 << 20)
#define FILE_MODE 0640      /* The daemon has another user, the same group. */

/* 0: it is not there. */
static int64_t
changed_ns(const char *dir)
{
    struct stat st;

    return stat(dir, &st) < 0 ? 0 : (int64_t) st.st_mtim.tv_sec * 1000000000 +
                                        st.st_mtim.tv_nsec;
}

static struct err *
remove_file(const char *path)
{
    return unlink(path) < 0 && errno != ENOENT
               ? err_errno(ERR_UNAVAILABLE, errno, "remove %s", path)
               : NULL;
}

static void
leave(struct userfiles *f, const char *id)
{
    if (!f->leaving) {
        f->leaving = map_new();
    }
    free(map_put(f->leaving, id, xcalloc(1, sizeof(int64_t))));
}

static struct err *
write_table(struct userfiles *f, const struct users *u, const char *dir,
            const char *id)
{
    const char *text = users_text(u, id);
    AUTO_FREE char *path = xasprintf("%s/%s", dir, id);
    AUTO_BUF struct buf old = BUF_SECRET(FILE_MAX + 1);
    AUTO_ERR struct err *unread = NULL;
    bool is_same;

    if (!users_is_known(u, id)) {
        return NULL;
    }
    if (!users_has(u, id)) {
        leave(f, id);
        return NULL;
    }
    if (!text) {
        return remove_file(path);
    }
    unread = files_get(path, FILE_MAX, &old);
    is_same = !unread && str_eq(buf_str(&old), text);
    return is_same ? NULL
                   : files_put_mode(path, text, strlen(text), FILE_MODE);
}

/* What an earlier reconciler left and nobody asks for. */
static void
sweep(struct userfiles *f, const struct users *u, const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;

    while (d && (entry = readdir(d))) {
        if (entry->d_name[0] != '.' && !users_has(u, entry->d_name)) {
            leave(f, entry->d_name);
        }
    }
    if (d) {
        closedir(d);
    }
}

static struct err *
write_all(struct userfiles *f, struct users *u, char **ids, const char *dir)
{
    struct err *err = NULL;

    if (mkdir(dir, 0750) < 0 && errno != EEXIST) {
        err = err_errno(ERR_UNAVAILABLE, errno, "create %s", dir);
    }
    for (size_t i = 0; ids[i]; i++) {
        if (!err) {
            err = write_table(f, u, dir, ids[i]);
        }
        if (err) {
            users_put_back(u, ids[i]);
        }
    }
    if (!err && !f->has_swept) {
        sweep(f, u, dir);
        f->has_swept = true;
    }
    return err;
}

/* True where the file is to be thought of no more. */
static bool
let_go(const struct users *u, const char *dir, const char *id,
       int64_t *gone_ms, bool is_confirmed, int64_t now_ms,
       struct err **err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, id);

    if (users_has(u, id)) {
        return true;            /* Somebody came to ask for it. */
    }
    if (*gone_ms == 0 && is_confirmed) {
        *gone_ms = now_ms + USERFILES_GRACE_MS;
    }
    if (*gone_ms == 0 || now_ms < *gone_ms || *err) {
        return false;
    }
    *err = remove_file(path);
    return !*err;
}

static struct err *
let_all_go(struct userfiles *f, const struct users *u, const char *dir,
           bool is_confirmed, int64_t now_ms)
{
    AUTO_FREE const char **ids = map_sorted_keys(f->leaving);
    size_t n = map_size(f->leaving);
    struct err *err = NULL;

    for (size_t i = 0; i < n; i++) {
        int64_t *gone_ms = map_get(f->leaving, ids[i]);

        if (let_go(u, dir, ids[i], gone_ms, is_confirmed, now_ms, &err)) {
            map_remove(f->leaving, ids[i]);
            free(gone_ms);
        }
    }
    return err;
}

void
userfiles_run(struct userfiles *f, struct users *u, bool is_complete,
              bool is_confirmed, int64_t now_ms)
{
    AUTO_FREE char *dir = xasprintf("%s/tables", f->run_dir);
    AUTO_FREE char **ids = NULL;
    AUTO_ERR struct err *err = NULL;
    unsigned dropped;

    if (!is_complete) {
        return;
    }
    if (f->has_swept && changed_ns(dir) != f->changed_ns) {
        log_warn("reconciler", NULL, "somebody changed %s", dir);
        users_put_all_back(u);
    }
    ids = users_take_dirty(u);
    if (ids[0] || !f->has_swept) {
        err = write_all(f, u, ids, dir);
    }
    if (!err && f->leaving && map_size(f->leaving) > 0) {
        err = let_all_go(f, u, dir, is_confirmed, now_ms);
    }
    f->changed_ns = changed_ns(dir);
    if (err && log_limit(&f->limit, now_ms, 10000, &dropped)) {
        log_error("reconciler", NULL, "tables of users: %s", err_text(err));
    }
    for (size_t i = 0; ids[i]; i++) {
        free(ids[i]);
    }
}

void
userfiles_fini(struct userfiles *f)
{
    if (f->leaving) {
        map_free(f->leaving, free);
        f->leaving = NULL;
    }
}
