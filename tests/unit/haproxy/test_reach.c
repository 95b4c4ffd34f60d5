#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "haproxy/reach.h"
#include "lib/base/mem.h"

#define PATIENCE_MS 2000

struct room {
    char dir[64];
    char *path;
};

static int
begin(void **state)
{
    static struct room room;

    strcpy(room.dir, "/tmp/sp-reach-XXXXXX");
    *state = &room;
    if (!mkdtemp(room.dir)) {
        return -1;
    }
    room.path = xasprintf("%s/socket", room.dir);
    return 0;
}

static int
end(void **state)
{
    struct room *room = *state;

    unlink(room->path);
    free(room->path);
    return rmdir(room->dir);
}

static int
listening_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && strlen(path) < sizeof address.sun_path);
    unlink(path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address),
                     0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

/* What was there before says nothing of the one that starts, however long it
 * loads its files. */
static void
not_lost_before_it_begins(void **state)
{
    const struct room *room = *state;
    struct reach r;

    reach_begin(&r, room->path, PATIENCE_MS);
    assert_false(reach_is_lost(&r, 1));
    assert_false(reach_is_lost(&r, 1000000));
    close(listening_at(room->path));
    reach_begin(&r, room->path, PATIENCE_MS);
    assert_false(reach_is_lost(&r, 1));
    assert_false(reach_is_lost(&r, 1000000));
}

static void
lost_after_a_while(void **state)
{
    const struct room *room = *state;
    int fd = listening_at(room->path);
    struct reach r;

    reach_begin(&r, room->path, PATIENCE_MS);
    assert_false(reach_is_lost(&r, 1));
    assert_int_equal(reach_who(room->path), getpid());
    close(fd);
    assert_int_equal(reach_who(room->path), 0);
    assert_false(reach_is_lost(&r, 10000));
    assert_false(reach_is_lost(&r, 11999));
    fd = listening_at(room->path);
    assert_false(reach_is_lost(&r, 13000));
    close(fd);
    unlink(room->path);
    assert_false(reach_is_lost(&r, 14000));
    assert_true(reach_is_lost(&r, 16000));
}

/* It was never seen to answer, and its name is another's, who is gone. */
static void
lost_between_two_looks(void **state)
{
    const struct room *room = *state;
    struct reach r;

    reach_begin(&r, room->path, PATIENCE_MS);
    close(listening_at(room->path));
    assert_false(reach_is_lost(&r, 10000));
    assert_true(reach_is_lost(&r, 12000));
}

/* Whoever stands still answers later. */
static void
not_lost_with_a_full_backlog(void **state)
{
    const struct room *room = *state;
    int fd = listening_at(room->path);
    struct reach r;

    reach_begin(&r, room->path, PATIENCE_MS);
    for (int64_t now = 1; now < 100000; now += 10000) {
        assert_false(reach_is_lost(&r, now));
    }
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(not_lost_before_it_begins, begin, end),
        cmocka_unit_test_setup_teardown(lost_after_a_while, begin, end),
        cmocka_unit_test_setup_teardown(lost_between_two_looks, begin, end),
        cmocka_unit_test_setup_teardown(not_lost_with_a_full_backlog, begin,
                                        end),
    };

    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
