#include "auth/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

struct held {
    struct table *table;    /* NULL: the file is no table. */
    int fd;
    dev_t dev;
    ino_t ino;
    int64_t asked_ms;
};

struct tables {
    char *dir;
    struct map *held;       /* Id to struct held. */
    struct log_limit limit;
};

static void
free_held(void *p)
{
    struct held *h = p;

    if (h) {
        table_free(h->table);
        mem_closep(&h->fd);
        free(h);
    }
}

struct tables *
tables_new(const char *dir)
{
    struct tables *t = xcalloc(1, sizeof *t);

    t->dir = xstrdup(dir);
    t->held = map_new();
    return t;
}

void
tables_free(struct tables *t)
{
    if (t) {
        map_free(t->held, free_held);
        free(t->dir);
        free(t);
    }
}

static bool
is_current(const struct tables *t, const char *id, const struct held *h)
{
    AUTO_FREE char *path = xasprintf("%s/%s", t->dir, id);
    struct stat st;

    return stat(path, &st) == 0 && st.st_dev == h->dev && st.st_ino == h->ino;
}

static struct err *
read_all(int fd, struct buf *out)
{
    for (;;) {
        size_t room;
        char *tail = buf_room(out, &room);
        ssize_t n = room > 0 ? read(fd, tail, room) : 0;

        if (room == 0) {
            return err_new(ERR_LIMIT, "more than %d bytes", TABLES_FILE_MAX);
        }
        if (n == 0) {
            return NULL;
        }
        if (n > 0) {
            buf_grow(out, (size_t) n);
        } else if (errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "read");
        }
    }
}

static struct held *
load(const struct tables *t, const char *id, int64_t now_ms)
{
    AUTO_FREE char *path = xasprintf("%s/%s", t->dir, id);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    AUTO_BUF struct buf text = BUF_SECRET(TABLES_FILE_MAX + 1);
    AUTO_ERR struct err *err = NULL;
    struct stat st;
    struct held *h;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return NULL;
    }
    h = xcalloc(1, sizeof *h);
    h->dev = st.st_dev;
    h->ino = st.st_ino;
    err = read_all(fd, &text);
    if (!err) {
        err = table_parse(buf_str(&text), text.size, now_ms, &h->table);
    }
    if (err) {
        log_error("auth", NULL, "table %s: %s", id, err_text(err));
    }
    h->fd = STEAL_FD(fd);
    return h;
}

static void
drop_oldest(struct tables *t)
{
    struct map_iter it = MAP_ITER;
    const struct held *oldest = NULL;
    AUTO_FREE char *id = NULL;

    while (map_next(t->held, &it)) {
        const struct held *h = it.value;

        if (!oldest || h->asked_ms < oldest->asked_ms) {
            oldest = h;
            free(id);
            id = xstrdup(it.key);
        }
    }
    if (id) {
        free_held(map_remove(t->held, id));
    }
}

struct table *
tables_get(struct tables *t, const char *id, int64_t now_ms)
{
    struct held *h = map_get(t->held, id);

    if (h && !is_current(t, id, h)) {
        free_held(map_remove(t->held, id));
        h = NULL;
    }
    if (!h) {
        h = load(t, id, now_ms);
        if (!h) {
            return NULL;
        }
        if (map_size(t->held) >= TABLES_MAX) {
            drop_oldest(t);
        }
        map_put(t->held, id, h);
    }
    h->asked_ms = now_ms;
    return h->table;
}

void
tables_sweep(struct tables *t, int64_t now_ms)
{
    AUTO_FREE const char **ids = map_sorted_keys(t->held);
    size_t n = map_size(t->held);

    for (size_t i = 0; i < n; i++) {
        struct held *h = map_get(t->held, ids[i]);

        if (now_ms - h->asked_ms > TABLES_IDLE_MS ||
            !is_current(t, ids[i], h)) {
            map_remove(t->held, ids[i]);
            free_held(h);
        }
    }
}

size_t
tables_count(const struct tables *t)
{
    return map_size(t->held);
}
