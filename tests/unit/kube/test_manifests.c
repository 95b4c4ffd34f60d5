/* What is read of a folder at once. */
#include "tests/unit/table.h"

#include "lib/base/log.h"
#include "tests/unit/kube/manifests_help.h"

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
    const struct CMUnitTest tests[] = {
        TEST(test_open),
        TEST(test_open_nothing),
        TEST(test_open_missing),
        TEST(test_broken_from_the_start),
        TEST(test_links_in_circles),
        TEST(test_read_once),
    };

    log_configure(LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests_name("manifests", tests, NULL, NULL);
}
