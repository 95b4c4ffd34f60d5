/* A folder, or a file, that changes. */
#include "tests/unit/table.h"

#include "lib/base/log.h"
#include "tests/unit/kube/manifests_help.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_follow),
        TEST(test_rename_over),
        TEST(test_new_folder),
        TEST(test_changes_in_cache),
        TEST(test_broken_keeps_the_last_good),
        TEST(test_the_same_object_twice),
        TEST(test_mounted_config_map),
        TEST(test_unreadable),
        TEST(test_half_written),
        TEST(test_never_closed),
        TEST(test_folder_goes_and_comes),
        TEST(test_one_file),
        TEST(test_one_file_here),
    };

    log_configure(LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests_name("manifests, followed", tests, NULL,
                                       NULL);
}
