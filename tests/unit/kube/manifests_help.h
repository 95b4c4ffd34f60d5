/* What the tests of manifests share: a folder of their own, what is written
 * into it, and what was read of it. */
#ifndef TESTS_UNIT_KUBE_MANIFESTS_HELP_H
#define TESTS_UNIT_KUBE_MANIFESTS_HELP_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/manifests.h"

#define DEADLINE_MS 20000

/* A folder of its own for each test, and what follows it. */
struct place {
    char folder[64];
    struct cache *cache;
    struct manifests *m;
};

static inline int
set_up(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);

    snprintf(p->folder, sizeof p->folder, "/tmp/manifests.XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    p->cache = cache_new();
    *state = p;
    return 0;
}

static inline int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void) st;
    (void) flag;
    (void) at;
    return remove(path);
}

static inline void
remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int
tear_down(void **state)
{
    struct place *p = *state;

    manifests_free(p->m);
    cache_free(p->cache);
    remove_tree(p->folder);
    free(p);
    return 0;
}

static inline char *
path_of(const struct place *p, const char *name)
{
    return xasprintf("%s/%s", p->folder, name);
}

static inline void
write_text(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);

        assert_true(n > 0);
        text += n;
        left -= (size_t) n;
    }
}

static inline int
open_file(const struct place *p, const char *name)
{
    AUTO_FREE char *path = path_of(p, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    return fd;
}

static inline void
put(const struct place *p, const char *name, const char *text)
{
    int fd = open_file(p, name);

    write_text(fd, text);
    close(fd);
}

static inline void
make_folder(const struct place *p, const char *name)
{
    AUTO_FREE char *path = path_of(p, name);

    assert_int_equal(mkdir(path, 0755), 0);
}

static inline void
make_link(const struct place *p, const char *to, const char *name)
{
    AUTO_FREE char *path = path_of(p, name);

    assert_int_equal(symlink(to, path), 0);
}

static inline void
delete(const struct place *p, const char *name)
{
    AUTO_FREE char *path = path_of(p, name);

    assert_int_equal(unlink(path), 0);
}

/* The text of an IngressClass 'name' with a controller. */
static inline char *
class_text(const char *name, const char *controller)
{
    return xasprintf("apiVersion: networking.k8s.io/v1\nkind: IngressClass\n"
                     "metadata: {name: %s}\nspec: {controller: '%s'}\n",
                     name, controller);
}

static inline void
put_class(const struct place *p, const char *file, const char *name,
          const char *controller)
{
    AUTO_FREE char *text = class_text(name, controller);

    put(p, file, text);
}

static inline void
start(struct place *p)
{
    AUTO_ERR struct err *err = manifests_open(p->folder, p->cache, &p->m);

    assert_null(err);
    assert_non_null(p->m);
}

/* "name=controller" of all classes, then "!" and every problem with the
 * folder cut off. */
static inline void
show(const struct place *p, struct buf *out)
{
    AUTO_FREE const struct kube_object **objects = NULL;
    const struct manifests_problems *problems = manifests_problems(p->m);
    size_t n;

    buf_clear(out);
    objects = cache_list(p->cache, KUBE_INGRESS_CLASS, &n);
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s%s=%s", i > 0 ? " " : "", objects[i]->name,
                   objects[i]->ingress_class.controller);
    }
    for (size_t i = 0; i < problems->all.n; i++) {
        AUTO_FREE char *text =
            manifests_problem_text(&problems->all.items[i]);
        const char *at = text;
        const char *cut;

        buf_putc(out, '!');
        while ((cut = strstr(at, p->folder))) {
            buf_put(out, at, (size_t) (cut - at));
            at = cut + strlen(p->folder);
            at += *at == '/';
        }
        buf_puts(out, at);
    }
}

/* One turn of a loop that has nothing else to do. */
static inline void
turn(struct place *p, int64_t deadline_ms)
{
    struct waits waits;

    waits_init(&waits);
    manifests_wait(p->m, &waits);
    waits_until(&waits, deadline_ms);
    waits_block(&waits);
    waits_fini(&waits);
    manifests_run(p->m);
}

static inline void
expect(struct place *p, const char *want)
{
    int64_t deadline_ms = clock_ms() + DEADLINE_MS;
    AUTO_BUF struct buf got = BUF_OWN;

    show(p, &got);
    while (!str_eq(buf_str(&got), want) && clock_ms() < deadline_ms) {
        turn(p, deadline_ms);
        show(p, &got);
    }
    assert_string_equal(buf_str(&got), want);
}

/* What is there at once, without a turn. */
static inline void
expect_now(struct place *p, const char *want)
{
    AUTO_BUF struct buf got = BUF_OWN;

    show(p, &got);
    assert_string_equal(buf_str(&got), want);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif /* TESTS_UNIT_KUBE_MANIFESTS_HELP_H */
