#include "haproxy/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "haproxy/crtlist.h"
#include "haproxy/pem.h"
#include "haproxy/render.h"
#include "haproxy/scripts.h"
#include "haproxy/unanswered.h"
#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static struct err *
make_dir(const char *path)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        return err_errno(ERR_INVALID, errno, "create %s", path);
    }
    return NULL;
}

struct err *
files_prepare(const char *run_dir)
{
    AUTO_FREE char *maps = xasprintf("%s/maps", run_dir);
    AUTO_FREE char *certs = xasprintf("%s/certs", run_dir);
    AUTO_FREE char *lua = xasprintf("%s/lua", run_dir);
    struct err *err = make_dir(run_dir);

    if (!err) {
        err = make_dir(maps);
    }
    if (!err) {
        err = make_dir(certs);
    }
    return err ? err : make_dir(lua);
}

static struct err *
write_all(int fd, const char *data, size_t size, const char *path)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "write %s", path);
        }
        if (n > 0) {
            data += n;
            size -= (size_t) n;
        }
    }
    return NULL;
}

struct err *
files_put(const char *path, const void *data, size_t size)
{
    return files_put_mode(path, data, size, 0600);
}

struct err *
files_put_mode(const char *path, const void *data, size_t size,
               unsigned mode)
{
    AUTO_FREE char *tmp = xasprintf("%s.tmp", path);
    AUTO_CLOSE int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
                             O_NOFOLLOW, 0600);
    struct err *err;

    if (fd < 0) {
        return err_errno(ERR_UNAVAILABLE, errno, "open %s", tmp);
    }
    err = write_all(fd, data, size, tmp);
    /* Whatever the umask, and a file that was left there, say. */
    if (!err && fchmod(fd, mode) < 0) {
        err = err_errno(ERR_UNAVAILABLE, errno, "chmod %s", tmp);
    }
    if (!err && fsync(fd) < 0) {
        err = err_errno(ERR_UNAVAILABLE, errno, "fsync %s", tmp);
    }
    if (!err && rename(tmp, path) < 0) {
        err = err_errno(ERR_UNAVAILABLE, errno, "rename %s", tmp);
    }
    if (err) {
        unlink(tmp);
    }
    return err;
}

struct err *
files_get(const char *path, size_t limit, struct buf *out)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return err_errno(errno == ENOENT ? ERR_GONE : ERR_UNAVAILABLE, errno,
                         "open %s", path);
    }
    for (;;) {
        size_t room;
        char *tail = buf_room(out, &room);
        ssize_t n = room > 0 ? read(fd, tail, room) : 0;

        if (room == 0 || out->size > limit) {
            return err_new(ERR_LIMIT, "%s exceeds %zu bytes", path, limit);
        }
        if (n == 0) {
            return NULL;
        }
        if (n > 0) {
            buf_grow(out, (size_t) n);
        } else if (errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "read %s", path);
        }
    }
}

bool
files_is_at(int fd, const char *path)
{
    struct stat open_file, named;

    return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 &&
           open_file.st_dev == named.st_dev &&
           open_file.st_ino == named.st_ino;
}

char *
files_map(const char *run_dir, const char *map)
{
    return xasprintf("%s/maps/%s.map", run_dir, map);
}

char *
files_cert(const char *run_dir, const char *id)
{
    return xasprintf("%s/certs/%s.pem", run_dir, id);
}

char *
files_cert_id(const char *run_dir, const char *path)
{
    AUTO_FREE char *begin = xasprintf("%s/certs/", run_dir);
    size_t length;

    if (!str_starts(path, begin) || !str_ends(path, ".pem")) {
        return NULL;
    }
    path += strlen(begin);
    length = strlen(path) - strlen(".pem");
    return length > 0 && length < MODEL_ID_SIZE ? xstrndup(path, length)
                                                : NULL;
}

struct err *
files_put_map(const char *run_dir, const struct model *m, enum model_map map)
{
    AUTO_FREE char *path = files_map(run_dir, model_map_name(map));
    AUTO_FREE const char **keys = map_sorted_keys(m->maps[map]);
    AUTO_BUF struct buf text = BUF_OWN;

    for (size_t i = 0; i < map_size(m->maps[map]); i++) {
        buf_puts(&text, keys[i]);
        buf_putc(&text, ' ');
        buf_puts(&text, map_get(m->maps[map], keys[i]));
        buf_putc(&text, '\n');
    }
    return files_put(path, buf_str(&text), text.size);
}

struct err *
files_put_list(const char *run_dir, const struct model *m,
               enum plan_table table)
{
    AUTO_FREE char *path = files_map(run_dir, model_list_name(table));
    AUTO_BUF struct buf text = BUF_OWN;

    for (size_t i = 0; i < m->regexes[table].rows.n; i++) {
        const struct model_row *row = &m->regexes[table].rows.items[i];

        buf_puts(&text, row->key);
        buf_putc(&text, ' ');
        buf_puts(&text, row->value);
        buf_putc(&text, '\n');
    }
    return files_put(path, buf_str(&text), text.size);
}

/* Beside a certificate: HAProxy reads the name with this ending, too. */
#define RESPONSE_ENDING ".ocsp"

char *
files_response(const char *run_dir, const char *id)
{
    AUTO_FREE char *path = files_cert(run_dir, id);

    return xasprintf("%s" RESPONSE_ENDING, path);
}

static struct err *
put_response(const char *path, const struct buf *base64)
{
    AUTO_FREE char *der = NULL;
    size_t size;

    return digest_base64_decode(base64->data, base64->size, &der, &size)
               ? files_put(path, der, size)
               : err_new(ERR_INTERNAL, "a response is no base64");
}

/* HAProxy does not start where a response is about another certificate: the
 * old one goes first. */
struct err *
files_put_cert(const char *run_dir, const char *id,
               const struct buf *all)
{
    AUTO_FREE char *path = files_cert(run_dir, id);
    AUTO_FREE char *beside = files_response(run_dir, id);
    AUTO_BUF struct buf text = BUF_SECRET(BUF_OWN_MAX);
    AUTO_BUF struct buf response = BUF_OWN;
    struct err *err;

    pem_compact(buf_str(all), &text);
    if (unlink(beside) < 0 && errno != ENOENT) {
        return err_errno(ERR_UNAVAILABLE, errno, "remove %s", beside);
    }
    err = files_put(path, buf_str(&text), text.size);
    if (!err && pem_response(buf_str(all), &response)) {
        err = put_response(beside, &response);
    }
    return err;
}

static struct err *
put_cert(const char *run_dir, const char *id, const struct pem_text *pem)
{
    AUTO_BUF struct buf all = BUF_SECRET(BUF_OWN_MAX);

    pem_text_read(pem, &all);
    return files_put_cert(run_dir, id, &all);
}

struct err *
files_put_certs(const char *run_dir, const struct model *m,
                struct map *written)
{
    struct map_iter it = MAP_ITER;

    while (map_next(m->certs, &it)) {
        const struct model_cert *cert = it.value;
        struct err *err;

        if (!cert->text || str_eq(map_get(written, it.key), cert->digest)) {
            continue;
        }
        err = put_cert(run_dir, it.key, cert->text);
        if (err) {
            return err;
        }
        free(map_put(written, it.key, xstrdup(cert->digest)));
    }
    return NULL;
}

/* HAProxy does not start over a line whose file is missing. */
static bool
has_file(const char *path)
{
    return access(path, F_OK) == 0;
}

struct err *
files_put_crt_list(const char *run_dir, const struct model *m)
{
    AUTO_FREE char *path = xasprintf("%s/crt-list", run_dir);
    AUTO_FREE const char **hosts = map_sorted_keys(m->snis);
    AUTO_FREE char *first = files_cert(run_dir, MODEL_DEFAULT_CERT);
    AUTO_BUF struct buf text = BUF_OWN;

    buf_printf(&text, "%s !*\n", first);
    for (size_t i = 0; i < map_size(m->snis); i++) {
        AUTO_CRTLIST struct crtlist_walk walk = {
            .lines = map_get(m->snis, hosts[i]),
        };

        while (crtlist_next(&walk)) {
            AUTO_FREE char *cert = files_cert(run_dir, walk.id);

            if (has_file(cert)) {
                crtlist_write(&text, cert, walk.options, hosts[i]);
                buf_putc(&text, '\n');
            }
        }
    }
    return files_put(path, buf_str(&text), text.size);
}

/* A key that parked servers name and nobody wants is still in HAProxy. */
static bool
is_wanted(const struct model *m, const char *id)
{
    AUTO_FREE char *key = xasprintf("cert|%s", id);

    return model_store(id) != MODEL_STORE_CERT ||
           model_get(m, MODEL_META, key) || !model_is_held(m, id);
}

void
files_drop_certs(const char *run_dir, const struct model *m,
                 struct map *written)
{
    AUTO_FREE char *path = xasprintf("%s/certs", run_dir);
    DIR *dir = opendir(path);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        AUTO_FREE char *file = xasprintf("%s/%s", path, entry->d_name);
        AUTO_FREE char *id = files_cert_id(run_dir, file);
        AUTO_FREE char *beside = NULL;

        if (id && (!map_get(m->certs, id) || !is_wanted(m, id))) {
            beside = files_response(run_dir, id);
            unlink(beside);
            unlink(file);
            free(map_remove(written, id));
        }
    }
    if (dir) {
        closedir(dir);
    }
}

struct err *
files_put_scripts(const char *run_dir)
{
    struct err *err = NULL;

    for (size_t i = 0; i < n_scripts && !err; i++) {
        AUTO_FREE char *path = xasprintf("%s/lua/%s-%s.lua", run_dir,
                                         scripts[i].name, program_hash());

        err = files_put(path, scripts[i].text, strlen(scripts[i].text));
    }
    return err;
}

struct err *
files_put_unanswered(const char *run_dir)
{
    AUTO_FREE char *path = files_map(run_dir, UNANSWERED_MAP);

    return access(path, F_OK) == 0 ? NULL : files_put(path, "", 0);
}

void
files_drop_scripts(const char *run_dir)
{
    AUTO_FREE char *dir = xasprintf("%s/lua", run_dir);
    AUTO_FREE char *ours = xasprintf("-%s.lua", program_hash());
    DIR *d = opendir(dir);
    const struct dirent *entry;

    while (d && (entry = readdir(d))) {
        if (str_ends(entry->d_name, ".lua") &&
            !str_ends(entry->d_name, ours)) {
            unlinkat(dirfd(d), entry->d_name, 0);
        }
    }
    if (d) {
        closedir(d);
    }
}
