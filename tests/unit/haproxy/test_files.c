#include "tests/unit/table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "haproxy/files.h"
#include "haproxy/pem.h"
#include "haproxy/render.h"
#include "haproxy/scripts.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct place {
    char dir[64];
    struct model *model;
    struct map *written;
    struct pem_text *texts[2];  /* Of "default" and "aa". */
};

static int
setup(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);

    snprintf(p->dir, sizeof p->dir, "/tmp/sp-unit-XXXXXX");
    if (!mkdtemp(p->dir)) {
        return -1;
    }
    p->model = model_create();
    p->written = map_new();
    assert_null(files_prepare(p->dir));
    *state = p;
    return 0;
}

static int
teardown(void **state)
{
    struct place *p = *state;
    char *const argv[] = { xstrdup("rm"), xstrdup("-r"), p->dir, NULL };
    pid_t pid = fork();

    if (pid == 0) {
        execv("/bin/rm", argv);
        _exit(1);
    }
    (void) waitpid(pid, NULL, 0);
    free(argv[0]);
    free(argv[1]);
    model_free(p->model);
    map_free(p->written, free);
    pem_text_unref(p->texts[0]);
    pem_text_unref(p->texts[1]);
    free(p);
    return 0;
}

static char *
content(const struct place *p, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/%s", p->dir, name);
    struct buf text = BUF_INIT(1 << 20);
    struct err *err = files_get(path, 1 << 20, &text);

    if (err) {
        err_free(err);
        buf_fini(&text);
        return xstrdup("-");
    }
    return buf_take(&text);
}

static void
expect(const struct place *p, const char *name, const char *want)
{
    AUTO_FREE char *got = content(p, name);

    assert_string_equal(got, want);
}

static void
maps_are_sorted_lists_are_not(void **state)
{
    struct place *p = *state;

    model_set(p->model, MODEL_HTTP, "b/", "none");
    model_set(p->model, MODEL_HTTP, "a/\001", "x;r1;2");
    model_rows_add(&p->model->regexes[PLAN_HTTPS], "^b", "1");
    model_rows_add(&p->model->regexes[PLAN_HTTPS], "^a", "2");
    assert_null(files_put_map(p->dir, p->model, MODEL_HTTP));
    assert_null(files_put_list(p->dir, p->model, PLAN_HTTPS));
    expect(p, "maps/http.map", "a/\001 x;r1;2\nb/ none\n");
    expect(p, "maps/https-regex.map", "^b 1\n^a 2\n");
    expect(p, "maps/http.map.tmp", "-");
}

static void
a_failed_write_leaves_the_old_file(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *block = xasprintf("%s/maps/sni.map.tmp", p->dir);
    struct err *err;

    model_set(p->model, MODEL_SNI, "a", "s1");
    assert_null(files_put_map(p->dir, p->model, MODEL_SNI));
    assert_int_equal(mkdir(block, 0700), 0);
    model_set(p->model, MODEL_SNI, "b", "s2");
    err = files_put_map(p->dir, p->model, MODEL_SNI);
    assert_non_null(err);
    err_free(err);
    expect(p, "maps/sni.map", "a s1\n");
}

static void
modes_are_private(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *file = files_map(p->dir, "meta");
    AUTO_FREE char *certs = xasprintf("%s/certs", p->dir);
    struct stat st;

    assert_null(files_put_map(p->dir, p->model, MODEL_META));
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(certs, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void
add_cert(struct place *p, const char *id, const char *pem,
         const char *digest)
{
    struct model_cert *cert = model_cert(p->model, id, id);

    pem_text_unref(p->texts[*id == 'a']);
    cert->text = p->texts[*id == 'a'] = pem_text_copy(pem);
    memcpy(cert->digest, digest, strlen(digest) + 1);
}

static void
certs_are_written_once_and_dropped_last(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *first = xasprintf("%s/certs/default.pem !*\n"
                                      "%s/certs/aa.pem h.test\n",
                                      p->dir, p->dir);

    add_cert(p, "default", "D\r\n\r\nE", "1");
    add_cert(p, "aa", "A\n", "2");
    model_set_sni(p->model, "h.test", "aa");
    assert_null(files_put_certs(p->dir, p->model, p->written));
    assert_null(files_put_crt_list(p->dir, p->model));
    expect(p, "certs/default.pem", "D\nE\n");
    expect(p, "crt-list", first);

    /* The same digest is not written again, another one is. */
    add_cert(p, "default", "other", "1");
    add_cert(p, "aa", "B\n", "3");
    assert_null(files_put_certs(p->dir, p->model, p->written));
    expect(p, "certs/default.pem", "D\nE\n");
    expect(p, "certs/aa.pem", "B\n");
    expect(p, "certs/aa.pem.ocsp", "-");

    /* A response has a file of its own, for as long as it is there. */
    add_cert(p, "aa", "B\n-----BEGIN OCSP RESPONSE-----\naGVsbG8=\n"
             "-----END OCSP RESPONSE-----\n", "4");
    assert_null(files_put_certs(p->dir, p->model, p->written));
    expect(p, "certs/aa.pem", "B\n");
    expect(p, "certs/aa.pem.ocsp", "hello");
    add_cert(p, "aa", "C\n", "5");
    assert_null(files_put_certs(p->dir, p->model, p->written));
    expect(p, "certs/aa.pem", "C\n");
    expect(p, "certs/aa.pem.ocsp", "-");
    add_cert(p, "aa", "C\n-----BEGIN OCSP RESPONSE-----\naGVsbG8=\n"
             "-----END OCSP RESPONSE-----\n", "6");
    assert_null(files_put_certs(p->dir, p->model, p->written));
    expect(p, "certs/aa.pem.ocsp", "hello");

    model_drop_cert(p->model, "aa");
    files_drop_certs(p->dir, p->model, p->written);
    expect(p, "certs/aa.pem", "-");
    expect(p, "certs/aa.pem.ocsp", "-");
    expect(p, "certs/default.pem", "D\nE\n");
}

static void
ids_of_paths(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *path = files_cert(p->dir, "default");
    AUTO_FREE char *id = files_cert_id(p->dir, path);
    AUTO_FREE char *other = files_cert_id(p->dir, "/etc/passwd");

    assert_string_equal(id, "default");
    assert_null(other);
}

/* The scripts of a program that may still run stay until they are dropped. */
static void
scripts_of_another_program(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *old = xasprintf("%s/lua/auth-0.lua", p->dir);
    AUTO_FREE char *name = xasprintf("lua/auth-%s.lua", program_hash());

    assert_null(files_put(old, "old", 3));
    assert_null(files_put_scripts(p->dir));
    expect(p, "lua/auth-0.lua", "old");
    files_drop_scripts(p->dir);
    expect(p, "lua/auth-0.lua", "-");
    expect(p, name, scripts[0].text);
}

static void
a_file_and_its_name(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *path = xasprintf("%s/lock", p->dir);
    AUTO_CLOSE int fd = -1;

    assert_null(files_put(path, "", 0));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(files_is_at(fd, path));
    assert_null(files_put(path, "", 0));    /* Another of that name. */
    assert_false(files_is_at(fd, path));
    assert_int_equal(unlink(path), 0);
    assert_false(files_is_at(fd, path));
    assert_false(files_is_at(-1, p->dir));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(maps_are_sorted_lists_are_not),
        TEST(a_failed_write_leaves_the_old_file),
        TEST(modes_are_private),
        TEST(certs_are_written_once_and_dropped_last),
        TEST(ids_of_paths),
        TEST(scripts_of_another_program),
        TEST(a_file_and_its_name),
    };

    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
