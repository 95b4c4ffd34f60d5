/* What goes over the wire: a socket of ours answers in HAProxy's place. */
#include "tests/unit/table.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "haproxy/apply.h"
#include "haproxy/files.h"
#include "haproxy/hapsock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define EXCHANGES 64

struct fake {
    char dir[64];
    char path[96];
    int fd, end[2];
    pthread_t thread;
    unsigned fail_at;           /* Exchange that gets no answer, from 1. */
    bool is_mute;               /* It is not even closed. */
    size_t n;
    char *got[EXCHANGES];
    size_t sizes[EXCHANGES];
};

/* One line feed for each command of the line, and what "prepare" says. */
static void
answer(int fd, const char *text)
{
    AUTO_BUF struct buf out = BUF_OWN;

    if (str_starts(text, "prepare map")) {
        buf_puts(&out, "New version created: 1\n");
    }
    for (const char *p = text; p; p = strchr(p + 1, ';')) {
        buf_putc(&out, '\n');
    }
    (void) !write(fd, out.data, out.size);
}

/* A line, or a line with "<<" and all up to an empty line. */
static bool
is_whole(const struct buf *b)
{
    const char *text = buf_str(b);
    const char *end = strchr(text, '\n');

    return end && (!strstr(text, " <<\n") || str_ends(text, "\n\n"));
}

static void
serve(struct fake *f, int fd)
{
    AUTO_BUF struct buf in = BUF_OWN;

    while (!is_whole(&in)) {
        size_t room;
        char *tail = buf_room(&in, &room);
        ssize_t n = read(fd, tail, room);

        if (n <= 0) {
            break;
        }
        buf_grow(&in, (size_t) n);
    }
    if (f->n < EXCHANGES) {
        f->sizes[f->n] = in.size;
        f->got[f->n++] = buf_take(&in);
    }
    if (f->n != f->fail_at) {
        answer(fd, f->got[f->n - 1]);
    } else if (f->is_mute) {
        struct pollfd wait = { .fd = f->end[0], .events = POLLIN };

        (void) poll(&wait, 1, 20000);
    }
    close(fd);
}

static void *
run(void *aux)
{
    struct fake *f = aux;

    for (;;) {
        struct pollfd fds[2] = { { .fd = f->fd, .events = POLLIN },
                                 { .fd = f->end[0], .events = POLLIN } };

        (void) poll(fds, 2, -1);
        if (fds[1].revents) {
            return NULL;
        }
        serve(f, accept(f->fd, NULL, NULL));
    }
}

static void
fake_start(struct fake *f)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(f->dir, sizeof f->dir, "/tmp/sp-unit-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/h.sock", f->dir);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f->path);
    f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(pipe(f->end), 0);
    assert_int_equal(bind(f->fd, (struct sockaddr *) &address,
                          sizeof address), 0);
    assert_int_equal(listen(f->fd, 16), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

static void
fake_end(struct fake *f)
{
    assert_int_equal(write(f->end[1], "x", 1), 1);
    pthread_join(f->thread, NULL);
    for (size_t i = 0; i < f->n; i++) {
        free(f->got[i]);
    }
    close(f->fd);
    close(f->end[0]);
    close(f->end[1]);
    unlink(f->path);
    rmdir(f->dir);
}

/* Applies 'n' new rows of both maps of routes, where 'n' is small enough for
 * one line, else of the http map, over an installed model with 'old' rows of
 * which all change. */
static struct err *
apply_rows(struct fake *f, size_t n, bool is_old, size_t value_size)
{
    struct apply a = { .socket = f->path, .run_dir = "/r",
                       .model = model_create(), .slots = slots_new(),
                       .refused = map_new(), .written = map_new() };
    struct diff *d = diff_new();
    struct diff_released none = { 0 };
    AUTO_FREE char *value = xmalloc(value_size + 1);
    struct err *err;

    memset(value, 'v', value_size);
    value[value_size] = '\0';
    for (size_t i = 0; i < n; i++) {
        AUTO_FREE char *key = xasprintf("h%06zu.test/", i);

        if (is_old) {
            model_set(a.model, MODEL_HTTP, key, "old");
        }
        free(map_put(d->rows[MODEL_HTTP], key, xstrdup(value)));
        if (n <= APPLY_LINE_ROWS) {
            free(map_put(d->rows[MODEL_HTTPS], key, xstrdup(value)));
        }
    }
    err = apply_diff(&a, d, &none);
    diff_free(d);
    model_free(a.model);
    slots_free(a.slots);
    map_free(a.refused, free);
    map_free(a.written, free);
    return err;
}

static bool
has(const struct fake *f, const char *begin)
{
    for (size_t i = 0; i < f->n; i++) {
        if (str_starts(f->got[i], begin)) {
            return true;
        }
    }
    return false;
}

/* The first exchanges, by how they begin, and how many there are. */
static const struct row {
    const char *name;
    size_t n;
    bool is_old;
    size_t value_size;
    const char *begins[4];
    size_t exchanges;
} rows[] = {
    { "one new row in both maps", 1, false, 4,
      { "add map /r/maps/http.map h000000.test/ vvvv;"
        "add map /r/maps/https.map h000000.test/ vvvv\n" }, 1 },
    { "20 new rows in both", 20, false, 10,
      { "add map /r/maps/http.map h0000" }, 1 },
    { "21 new rows are a payload", 21, false, 10,
      { "add map /r/maps/http.map <<\nh0000" }, 1 },
    { "one changed row, and a new one", 1, true, 3,
      { "set map /r/maps/http.map h000000.test/ vvv;"
        "add map /r/maps/https.map h000000.test/ vvv\n" }, 1 },
    { "200 changed rows fit one line of 15,000 bytes no more", 300, true, 40,
      { "set map ", "set map " }, 2 },
    { "a payload in chunks", 400, false, 100, { "add map ", "add map " }, 4 },
    { "many: a transaction", 600, true, 60,
      { "prepare map /r/maps/http.map\n",
        "add map @1 /r/maps/http.map <<\n",
        "add map @1 /r/maps/http.map <<\n" }, 6 },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct fake f = { .fail_at = 0 };
    struct err *err;

    fake_start(&f);
    err = apply_rows(&f, row->n, row->is_old, row->value_size);
    assert_null(err ? err_text(err) : NULL);
    for (size_t i = 0; i < 4 && row->begins[i]; i++) {
        assert_true(f.n > i && str_starts(f.got[i], row->begins[i]));
    }
    for (size_t i = 0; i < f.n; i++) {
        assert_true(f.sizes[i] <= HAPSOCK_LINE_MAX);
    }
    assert_true(row->n < APPLY_TRANSACTION_ROWS ||
                str_starts(f.got[f.n - 1], "commit map @1 "));
    assert_int_equal(f.n, row->exchanges);
    fake_end(&f);
}

/* The second chunk of a transaction gets no answer, as HAProxy 2.6 does with
 * one that is too large: the map must not be replaced by half of it. */
static void
no_commit_after_a_failed_chunk(void **state)
{
    struct fake f = { .fail_at = 3 };
    struct err *err;

    (void) state;
    fake_start(&f);
    err = apply_rows(&f, 600, true, 60);
    assert_non_null(err);
    assert_int_equal(f.n, 3);
    assert_true(has(&f, "prepare map"));
    assert_false(has(&f, "commit map"));
    err_free(err);
    fake_end(&f);
}

static void
nothing_is_sent_after_an_error(void **state)
{
    struct fake f = { .fail_at = 1 };
    struct err *err;

    (void) state;
    fake_start(&f);
    err = apply_rows(&f, 400, true, 100);
    assert_non_null(err);
    assert_int_equal(err_kind(err), ERR_UNAVAILABLE);
    assert_int_equal(f.n, 1);
    err_free(err);
    fake_end(&f);
}

static void
silence_has_a_deadline(void **state)
{
    struct fake f = { .fail_at = 1, .is_mute = true };
    struct err *err;

    (void) state;
    fake_start(&f);
    err = apply_rows(&f, 1, false, 10);
    assert_non_null(err);
    assert_non_null(strstr(err_text(err), "did not answer in time"));
    err_free(err);
    fake_end(&f);
}

static void
reply_has_a_ceiling(void **state)
{
    struct fake f = { .fail_at = 0 };
    struct buf reply = BUF_INIT(8);
    struct err *err;

    (void) state;
    fake_start(&f);
    err = hapsock_call(f.path, "prepare map x\n", 14, &reply);
    assert_non_null(err);
    assert_int_equal(err_kind(err), ERR_LIMIT);
    err_free(err);
    buf_fini(&reply);
    fake_end(&f);
}

static void
nobody_listens(void **state)
{
    struct buf reply = BUF_INIT(8);
    struct err *err = hapsock_call("/nowhere/h.sock", "x\n", 2, &reply);

    (void) state;
    assert_non_null(err);
    assert_int_equal(err_kind(err), ERR_UNAVAILABLE);
    err_free(err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_commit_after_a_failed_chunk),
        cmocka_unit_test(nothing_is_sent_after_an_error),
        cmocka_unit_test(silence_has_a_deadline),
        cmocka_unit_test(reply_has_a_ceiling),
        cmocka_unit_test(nobody_listens),
    };

    return TABLE_RUN("apply", rows, check_row) +
           cmocka_run_group_tests_name("apply more", tests, NULL, NULL);
}
