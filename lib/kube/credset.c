#include "lib/kube/credset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/limits.h"

void
credset_fini(struct credset *set)
{
    free(set->server);
    free(set->authorization);
    free(set->ca_pem);
    free(set->cert_pem);
    free(set->key_pem);
    free(set->tls_server_name);
    free(set->proxy_url);
    free(set->ns);
    for (size_t i = 0; i < set->files.n; i++) {
        free(set->files.items[i].path);
    }
    VEC_FINI(&set->files);
    *set = (struct credset) { .server = NULL };
}

static struct err *
read_all(int fd, const char *path, char **out)
{
    AUTO_BUF struct buf text = BUF_INIT(KUBE_MAX_CREDENTIAL);

    for (;;) {
        size_t room;
        char *tail = buf_room(&text, &room);
        ssize_t n;

        if (room == 0) {
            return err_new(ERR_LIMIT, "%s exceeds %zu bytes", path,
                           KUBE_MAX_CREDENTIAL);
        }
        n = read(fd, tail, room);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_errno(ERR_UNAVAILABLE, errno, "read %s", path);
        }
        if (n == 0) {
            break;
        }
        buf_grow(&text, (size_t) n);
    }
    if (memchr(buf_str(&text), '\0', text.size)) {
        return err_new(ERR_INVALID, "%s holds a NUL byte", path);
    }
    *out = buf_take(&text);
    return NULL;
}

struct err *
credset_read(struct credset *set, const char *path, char **out)
{
    struct credset_file *file = VEC_ADD(&set->files);
    AUTO_CLOSE int fd = -1;

    *out = NULL;
    file->path = xstrdup(path);
    /* Non-blocking: a FIFO must not hold us up. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_errno(ERR_INVALID, errno, "open %s", path);
    }
    if (fstat(fd, &file->seen) != 0) {
        return err_errno(ERR_INVALID, errno, "stat %s", path);
    }
    if (!S_ISREG(file->seen.st_mode)) {
        return err_new(ERR_INVALID, "%s is not a regular file", path);
    }
    return read_all(fd, path, out);
}

struct err *
credset_set_server(struct credset *set, const char *url)
{
    AUTO_FREE char *quoted = str_quote(url);
    bool is_https = str_starts(url, "https://");
    bool is_http = str_starts(url, "http://");
    const char *host = strstr(url, "://");
    size_t length = strlen(url);

    if (!is_https && !is_http) {
        return err_new(ERR_INVALID,
                       "server %s must begin with https:// or http://",
                       quoted);
    }
    host += 3;
    if (*host == '\0' || *host == '/' || *host == ':' ||
        strpbrk(host, "@?#\\ \"<>") || str_has_control(url, length)) {
        return err_new(ERR_INVALID,
                       "server %s must be a URL of host, port and path only",
                       quoted);
    }
    while (url[length - 1] == '/') {
        length--;
    }
    free(set->server);
    set->server = xstrndup(url, length);
    return NULL;
}

struct err *
credset_set_token(struct credset *set, const char *token)
{
    AUTO_FREE char *value = str_trim(token);

    if (value[0] == '\0') {
        return err_new(ERR_INVALID, "the token is empty");
    }
    for (const char *s = value; *s; s++) {
        if (*s <= ' ' || *s > '~') {
            return err_new(ERR_INVALID, "the token holds a character that "
                                        "no token can have");
        }
    }
    free(set->authorization);
    set->authorization = xasprintf("Bearer %s", value);
    return NULL;
}

struct err *
credset_set_password(struct credset *set, const char *user,
                     const char *password)
{
    AUTO_FREE char *pair = xasprintf("%s:%s", user, password);
    AUTO_FREE char *encoded = NULL;

    if (strchr(user, ':')) {
        return err_new(ERR_INVALID, "the user name holds a colon");
    }
    encoded = digest_base64_encode(pair, strlen(pair));
    free(set->authorization);
    set->authorization = xasprintf("Basic %s", encoded);
    return NULL;
}

struct err *
credset_set_pem(char **slot, char *pem, const char *what)
{
    const char *line = pem;

    while ((line = strstr(line, "-----BEGIN "))) {
        size_t length;

        line += strlen("-----BEGIN ");
        length = strcspn(line, "-\r\n");
        if (length >= strlen(what) &&
            strncmp(line + length - strlen(what), what, strlen(what)) == 0) {
            free(*slot);
            *slot = pem;
            return NULL;
        }
    }
    free(pem);
    return err_new(ERR_INVALID, "holds no PEM block of a %s",
                   str_eq(what, "KEY") ? "key" : "certificate");
}

bool
credset_is_stale(const struct credset *set)
{
    for (size_t i = 0; i < set->files.n; i++) {
        const struct credset_file *file = &set->files.items[i];
        struct stat now;

        /* A mounted Secret is renewed by a new link: another inode. */
        if (stat(file->path, &now) != 0 ||
            now.st_dev != file->seen.st_dev ||
            now.st_ino != file->seen.st_ino ||
            now.st_size != file->seen.st_size ||
            now.st_mtim.tv_sec != file->seen.st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != file->seen.st_mtim.tv_nsec) {
            return true;
        }
    }
    return false;
}

bool
credset_equal(const struct credset *a, const struct credset *b)
{
    return str_eq(a->server, b->server) &&
           str_eq(a->authorization, b->authorization) &&
           str_eq(a->ca_pem, b->ca_pem) &&
           str_eq(a->cert_pem, b->cert_pem) &&
           str_eq(a->key_pem, b->key_pem) &&
           str_eq(a->tls_server_name, b->tls_server_name) &&
           str_eq(a->proxy_url, b->proxy_url) && str_eq(a->ns, b->ns) &&
           a->is_insecure == b->is_insecure;
}
