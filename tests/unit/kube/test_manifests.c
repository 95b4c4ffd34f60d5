#include "tests/unit/table.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
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

static int
set_up(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);

    snprintf(p->folder, sizeof p->folder, "/tmp/manifests.XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    p->cache = cache_new();
    *state = p;
    return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void) st;
    (void) flag;
    (void) at;
    return remove(path);
}

static void
remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int
tear_down(void **state)
{
    struct place *p = *state;

    manifests_free(p->m);
    cache_free(p->cache);
    remove_tree(p->folder);
    free(p);
    return 0;
}

static char *
path_of(const struct place *p, const char *name)
{
    return xasprintf("%s/%s", p->folder, name);
}

static void
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

static int
open_file(const struct place *p, const char *name)
{
    AUTO_FREE char *path = path_of(p, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    return fd;
}

static void
put(const struct place *p, const char *name, const char *text)
{
    int fd = open_file(p, name);

    write_text(fd, text);
    close(fd);
}

static void
make_folder(const struct place *p, const char *name)
{
    AUTO_FREE char *path = path_of(p, name);

    assert_int_equal(mkdir(path, 0755), 0);
}

static void
make_link(const struct place *p, const char *to, const char *name)
{
    AUTO_FREE char *path = path_of(p, name);

    assert_int_equal(symlink(to, path), 0);
}

static void
delete(const struct place *p, const char *name)
{
    AUTO_FREE char *path = path_of(p, name);

    assert_int_equal(unlink(path), 0);
}

/* The text of an IngressClass 'name' with a controller. */
static char *
class_text(const char *name, const char *controller)
{
    return xasprintf("apiVersion: networking.k8s.io/v1\nkind: IngressClass\n"
                     "metadata: {name: %s}\nspec: {controller: '%s'}\n",
                     name, controller);
}

static void
put_class(const struct place *p, const char *file, const char *name,
          const char *controller)
{
    AUTO_FREE char *text = class_text(name, controller);

    put(p, file, text);
}

static void
start(struct place *p)
{
    AUTO_ERR struct err *err = manifests_open(p->folder, p->cache, &p->m);

    assert_null(err);
    assert_non_null(p->m);
}

/* "name=controller" of all classes, then "!" and every problem with the
 * folder cut off. */
static void
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
static void
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

static void
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
static void
expect_now(struct place *p, const char *want)
{
    AUTO_BUF struct buf got = BUF_OWN;

    show(p, &got);
    assert_string_equal(buf_str(&got), want);
}

static void
test_open(void **state)
{
    struct place *p = *state;

    make_folder(p, "sub");
    make_folder(p, "sub/deep");
    make_folder(p, ".hidden");
    put_class(p, "b.yaml", "b", "1");
    put_class(p, "a.yml", "a", "1");
    put_class(p, "sub/c.json", "c", "1");
    put_class(p, "sub/deep/d.yaml", "d", "1");
    put_class(p, ".e.yaml", "e", "1");
    put_class(p, ".hidden/f.yaml", "f", "1");
    put_class(p, "notes.txt", "g", "1");
    put_class(p, "h.yaml~", "h", "1");
    start(p);
    expect_now(p, "a=1 b=1 c=1 d=1");
    assert_true(cache_all_synced(p->cache));
    assert_int_equal(manifests_problems_generation(p->m), 0);
}

static void
test_open_nothing(void **state)
{
    struct place *p = *state;

    start(p);
    expect_now(p, "");
    assert_true(cache_all_synced(p->cache));
}

static void
test_open_missing(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *path = path_of(p, "none");
    AUTO_FREE char *want = xasprintf("%s: cannot be read: No such file or "
                                     "directory",
                                     path);
    AUTO_ERR struct err *err = manifests_open(path, p->cache, &p->m);

    assert_non_null(err);
    assert_null(p->m);
    assert_string_equal(err_text(err), want);
    assert_false(cache_is_synced(p->cache, KUBE_INGRESS));
}

static void
test_follow(void **state)
{
    struct place *p = *state;

    put_class(p, "a.yaml", "a", "1");
    start(p);
    put_class(p, "a.yaml", "a", "2");
    expect(p, "a=2");
    put_class(p, "b.yaml", "b", "1");
    expect(p, "a=2 b=1");
    delete(p, "a.yaml");
    expect(p, "b=1");
}

static void
test_rename_over(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *from = path_of(p, ".new");
    AUTO_FREE char *to = path_of(p, "a.yaml");

    put_class(p, "a.yaml", "a", "1");
    start(p);
    put_class(p, ".new", "a", "2");
    assert_int_equal(rename(from, to), 0);
    expect(p, "a=2");
}

static void
test_new_folder(void **state)
{
    struct place *p = *state;

    start(p);
    make_folder(p, "x");
    expect(p, "");
    put_class(p, "x/a.yaml", "a", "1");
    expect(p, "a=1");
    make_folder(p, "x/y");
    put_class(p, "x/y/b.yaml", "b", "1");
    expect(p, "a=1 b=1");
    delete(p, "x/y/b.yaml");
    expect(p, "a=1");
}

static void
test_changes_in_cache(void **state)
{
    struct place *p = *state;
    struct cache_change change;

    put_class(p, "a.yaml", "a", "1");
    put_class(p, "b.yaml", "b", "1");
    start(p);
    while (cache_take_change(p->cache, &change)) {
        cache_change_fini(&change);
    }
    put_class(p, "a.yaml", "a", "2");
    expect(p, "a=2 b=1");
    assert_true(cache_take_change(p->cache, &change));
    assert_string_equal(change.key, "a");
    assert_string_equal(change.old->uid, change.new->uid);
    cache_change_fini(&change);
    assert_false(cache_take_change(p->cache, &change));
}

static void
test_broken_keeps_the_last_good(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *one = class_text("a", "1");
    AUTO_FREE char *two = class_text("a", "2");
    AUTO_FREE char *broken = xasprintf("%s---\na: [\n", two);
    AUTO_FREE char *refused = xasprintf("%s---\nkind: Ingress\n", two);
    AUTO_FREE char *fixed = xasprintf("%s---\nkind: Other\n", two);

    put(p, "a.yaml", one);
    put_class(p, "b.yaml", "b", "1");
    start(p);
    put(p, "a.yaml", broken);
    expect(p, "a=1 b=1!a.yaml:7: column 1: did not find expected node "
              "content");
    assert_int_equal(manifests_problems_generation(p->m), 1);
    put_class(p, "b.yaml", "b", "2");
    expect(p, "a=1 b=2!a.yaml:7: column 1: did not find expected node "
              "content");
    assert_int_equal(manifests_problems_generation(p->m), 1);
    put(p, "a.yaml", refused);
    expect(p, "a=1 b=2!a.yaml:6: Ingress: apiVersion: is missing: write "
              "networking.k8s.io/v1");
    assert_int_equal(manifests_problems_generation(p->m), 2);
    put(p, "a.yaml", fixed);
    expect(p, "a=2 b=2");
    assert_int_equal(manifests_problems_generation(p->m), 3);
    put(p, "a.yaml", broken);
    expect(p, "a=2 b=2!a.yaml:7: column 1: did not find expected node "
              "content");
    delete(p, "a.yaml");
    expect(p, "b=2");
}

static void
test_broken_from_the_start(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *one = class_text("a", "1");
    AUTO_FREE char *two = class_text("a", "2");
    AUTO_FREE char *broken = xasprintf("%s---\na: [\n", one);
    AUTO_FREE char *still = xasprintf("%s---\na: [\n", two);

    put(p, "a.yaml", broken);
    start(p);
    expect_now(p, "a=1!a.yaml:7: column 1: did not find expected node "
                  "content");
    put(p, "a.yaml", still);
    expect(p, "a=2!a.yaml:7: column 1: did not find expected node content");
}

static void
test_the_same_object_twice(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *one = class_text("a", "1");
    AUTO_FREE char *twice = xasprintf("%s---\n%s", one, one);

    put_class(p, "b.yaml", "a", "b");
    put_class(p, "c.yaml", "a", "c");
    start(p);
    expect_now(p, "a=b!c.yaml:1: IngressClass a: is already in b.yaml:1");
    put_class(p, "a.yaml", "a", "a");
    expect(p, "a=a!b.yaml:1: IngressClass a: is already in a.yaml:1"
              "!c.yaml:1: IngressClass a: is already in a.yaml:1");
    delete(p, "a.yaml");
    delete(p, "b.yaml");
    expect(p, "a=c");
    put(p, "c.yaml", twice);
    expect(p, "a=1!c.yaml:6: IngressClass a: is already in c.yaml:1");
}

/* kubelet's way: names link into ..data, which is swapped by a rename. */
static void
test_mounted_config_map(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *from = path_of(p, "..tmp");
    AUTO_FREE char *to = path_of(p, "..data");

    make_folder(p, "..1");
    make_folder(p, "..1/sub");
    put_class(p, "..1/a.yaml", "a", "1");
    put_class(p, "..1/sub/b.yaml", "b", "1");
    make_link(p, "..1", "..data");
    make_link(p, "..data/a.yaml", "a.yaml");
    make_link(p, "..data/sub", "sub");
    start(p);
    expect_now(p, "a=1 b=1");
    make_folder(p, "..2");
    make_folder(p, "..2/sub");
    put_class(p, "..2/a.yaml", "a", "2");
    put_class(p, "..2/sub/b.yaml", "b", "2");
    make_link(p, "..2", "..tmp");
    assert_int_equal(rename(from, to), 0);
    expect(p, "a=2 b=2");
}

static void
test_links_in_circles(void **state)
{
    struct place *p = *state;

    make_folder(p, "x");
    put_class(p, "x/a.yaml", "a", "1");
    make_link(p, "..", "x/up");
    make_link(p, "x", "y");
    make_link(p, "nothing.yaml", "dangling.yaml");
    start(p);
    expect_now(p, "a=1");
}

/* What cannot be looked at keeps what it had. */
static void
test_unreadable(void **state)
{
    struct place *p = *state;

    put_class(p, "a.yaml", "a", "1");
    put_class(p, "b.yaml", "b", "1");
    start(p);
    delete(p, "a.yaml");
    make_link(p, "a.yaml", "a.yaml");
    expect(p, "a=1 b=1!a.yaml: Too many levels of symbolic links");
    delete(p, "a.yaml");
    expect(p, "b=1");
}

/* Half of a file is not the file, as long as somebody is writing it. */
static void
test_half_written(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *text = class_text("b", "1");
    AUTO_CLOSE int fd = -1;
    AUTO_CLOSE int new = -1;

    put_class(p, "a.yaml", "a", "1");
    start(p);
    fd = open_file(p, "a.yaml");
    new = open_file(p, "c.yaml");
    write_text(fd, text);
    write_text(new, "[");
    put_class(p, "d.yaml", "d", "1");
    /* d.yaml was seen, so both others were left alone. */
    expect(p, "a=1 d=1");
    write_text(fd, "---\nkind: Other\n");
    close(fd);
    fd = -1;
    expect(p, "b=1 d=1");
    write_text(new, "]");
    close(new);
    new = -1;
    expect(p, "b=1 d=1!c.yaml:1: not a Kubernetes object");
}

/* Whoever keeps a file open for ever does not keep it from being read. */
static void
test_never_closed(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *text = class_text("a", "2");
    AUTO_CLOSE int fd = -1;

    put_class(p, "a.yaml", "a", "1");
    start(p);
    fd = open_file(p, "a.yaml");
    write_text(fd, text);
    expect(p, "a=2");
}

static void
test_folder_goes_and_comes(void **state)
{
    struct place *p = *state;

    put_class(p, "a.yaml", "a", "1");
    start(p);
    remove_tree(p->folder);
    expect(p, "a=1!: cannot be read: No such file or directory");
    assert_int_equal(mkdir(p->folder, 0755), 0);
    put_class(p, "b.yaml", "b", "1");
    expect(p, "b=1");
    put_class(p, "b.yaml", "b", "2");
    expect(p, "b=2");
}

static void
test_one_file(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *path = path_of(p, "any.name");
    AUTO_ERR struct err *err = NULL;

    put_class(p, "any.name", "a", "1");
    put_class(p, "other.yaml", "b", "1");
    err = manifests_open(path, p->cache, &p->m);
    assert_null(err);
    expect_now(p, "a=1");
    put_class(p, "any.name", "a", "2");
    expect(p, "a=2");
    delete(p, "any.name");
    expect(p, "a=2!any.name: cannot be read: No such file or directory");
    put_class(p, "any.name", "a", "3");
    expect(p, "a=3");
}

static void
test_one_file_here(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *before = getcwd(NULL, 0);
    AUTO_FREE char *text = class_text("a", "2");
    AUTO_ERR struct err *err = NULL;
    AUTO_CLOSE int fd = -1;

    put_class(p, "a.yaml", "a", "1");
    assert_int_equal(chdir(p->folder), 0);
    err = manifests_open("a.yaml", p->cache, &p->m);
    assert_null(err);
    put_class(p, "a.yaml", "a", "2");
    expect(p, "a=2");
    assert_int_equal(chdir(before), 0);
}

/* Standard input for the row that asks for it. */
static void
feed_stdin(const char *text)
{
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    write_text(fds[1], text);
    close(fds[1]);
    assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
    close(fds[0]);
}

static void
note_object(const struct kube_object *o, void *aux)
{
    buf_printf(aux, "%s %s\n", o->key, strrchr(o->source, '/')
                                           ? strrchr(o->source, '/')
                                           : o->source);
}

static void
test_read_once(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *single = path_of(p, "x/only");
    AUTO_FREE char *missing = path_of(p, "missing");
    AUTO_FREE char *input = class_text("input", "1");
    struct manifests_problems problems = MANIFESTS_PROBLEMS_INIT;
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_FREE char *want = NULL;
    const char *paths[] = { single, missing, "-", p->folder };

    make_folder(p, "x");
    put_class(p, "x/only", "only", "1");
    put_class(p, "x/c.yaml", "only", "2");
    put_class(p, "b.yaml", "b", "1");
    put(p, "a.yaml", "kind: Ingress\n");
    feed_stdin(input);
    manifests_read(paths, ARRAY_SIZE(paths), note_object, &got, &problems);
    assert_string_equal(buf_str(&got),
                        "only /only:1\ninput standard input:1\nb /b.yaml:1\n");
    buf_clear(&got);
    for (size_t i = 0; i < problems.all.n; i++) {
        AUTO_FREE char *text = manifests_problem_text(&problems.all.items[i]);

        buf_printf(&got, "%s\n", text);
    }
    manifests_problems_fini(&problems);
    want = xasprintf("%s: cannot be read: No such file or directory\n"
                     "%s/a.yaml:1: Ingress: apiVersion: is missing: write "
                     "networking.k8s.io/v1\n"
                     "%s/x/c.yaml:1: IngressClass only: is already in "
                     "%s:1\n",
                     missing, p->folder, p->folder, single);
    assert_string_equal(buf_str(&got), want);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_open),
        TEST(test_open_nothing),
        TEST(test_open_missing),
        TEST(test_follow),
        TEST(test_rename_over),
        TEST(test_new_folder),
        TEST(test_changes_in_cache),
        TEST(test_broken_keeps_the_last_good),
        TEST(test_broken_from_the_start),
        TEST(test_the_same_object_twice),
        TEST(test_mounted_config_map),
        TEST(test_links_in_circles),
        TEST(test_unreadable),
        TEST(test_half_written),
        TEST(test_never_closed),
        TEST(test_folder_goes_and_comes),
        TEST(test_one_file),
        TEST(test_one_file_here),
        TEST(test_read_once),
    };

    log_configure(LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests_name("manifests", tests, NULL, NULL);
}
