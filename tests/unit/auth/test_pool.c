#include "tests/unit/table.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "auth/pool.h"

/* Work that ends when the test says so, and tells in which order it began. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char began[200];
    size_t n_began, n_allowed, n_ended;
} stage;

static void
work(void *aux)
{
    pthread_mutex_lock(&stage.lock);
    stage.began[stage.n_began++] = *(const char *) aux;
    pthread_cond_broadcast(&stage.changed);
    while (stage.n_allowed == stage.n_ended) {
        pthread_cond_wait(&stage.changed, &stage.lock);
    }
    stage.n_ended++;
    pthread_mutex_unlock(&stage.lock);
}

static int
setup(void **state)
{
    (void) state;
    memset(&stage, 0, sizeof stage);
    pthread_mutex_init(&stage.lock, NULL);
    pthread_cond_init(&stage.changed, NULL);
    return 0;
}

static void
allow(size_t n)
{
    pthread_mutex_lock(&stage.lock);
    stage.n_allowed += n;
    pthread_cond_broadcast(&stage.changed);
    pthread_mutex_unlock(&stage.lock);
}

static void
wait_began(size_t n)
{
    pthread_mutex_lock(&stage.lock);
    while (stage.n_began < n) {
        pthread_cond_wait(&stage.changed, &stage.lock);
    }
    pthread_mutex_unlock(&stage.lock);
}

static size_t
n_began(void)
{
    size_t n;

    pthread_mutex_lock(&stage.lock);
    n = stage.n_began;
    pthread_mutex_unlock(&stage.lock);
    return n;
}

/* Takes what is done until 'n' jobs were. */
static size_t
take(struct pool *p, size_t n)
{
    size_t undone = 0;

    while (n > 0) {
        struct pollfd fd = { .fd = pool_fd(p), .events = POLLIN };
        struct pool_job *job = pool_done(p);

        if (job) {
            undone += job->is_undone;
            free(job);
            n--;
        } else {
            assert_int_equal(poll(&fd, 1, 10000), 1);
        }
    }
    return undone;
}

static void
put(struct pool *p, const char *group, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_true(pool_submit(p, group, (char *) (uintptr_t) group, 1000));
    }
}

static void
drop(void *aux)
{
    (void) aux;
}

/* One thread: the newcomer is next, whatever waits of the other. */
static void
a_newcomer_is_next(void **state)
{
    struct pool *p = pool_new(1, work);

    (void) state;
    put(p, "a", 20);
    wait_began(1);
    put(p, "b", 2);
    put(p, "c", 1);
    allow(23);
    assert_int_equal(take(p, 23), 0);
    stage.began[4] = '\0';
    /* b and c are first of all, in any order of the two, then a goes on. */
    assert_int_equal(stage.began[0], 'a');
    assert_non_null(strchr(stage.began + 1, 'b'));
    assert_non_null(strchr(stage.began + 1, 'c'));
    pool_free(p, drop);
}

/* Two threads: nobody has both, also where nobody else asks. */
static void
one_thread_is_for_the_others(void **state)
{
    struct pool *p = pool_new(2, work);

    (void) state;
    put(p, "a", 3);
    wait_began(1);
    put(p, "b", 1);
    wait_began(2);
    assert_int_equal(n_began(), 2);
    assert_memory_equal(stage.began, "ab", 2);
    allow(4);
    assert_int_equal(take(p, 4), 0);
    pool_free(p, drop);
}

static void
queues_are_bounded(void **state)
{
    struct pool *p = pool_new(1, work);
    char name[] = "a0";
    size_t n = 0;

    (void) state;
    put(p, "x", 1);
    wait_began(1);
    put(p, "a", POOL_GROUP_QUEUE_MAX);
    assert_false(pool_submit(p, "a", name, 1000));
    n = POOL_GROUP_QUEUE_MAX;
    /* The neighbours have their own queues until all is full. */
    for (name[0] = 'b'; n < POOL_QUEUE_MAX; name[0]++) {
        for (int i = 0; i < POOL_GROUP_QUEUE_MAX && n < POOL_QUEUE_MAX; i++) {
            assert_true(pool_submit(p, name, name, 1000));
            n++;
        }
    }
    assert_int_equal(pool_waiting(p), POOL_QUEUE_MAX);
    assert_false(pool_submit(p, "new", name, 1000));
    /* What waited too long comes back undone, what runs does not. */
    pool_expire(p, 1000 + POOL_WAIT_MS);
    assert_int_equal(pool_waiting(p), POOL_QUEUE_MAX);
    pool_expire(p, 1001 + POOL_WAIT_MS);
    assert_int_equal(take(p, POOL_QUEUE_MAX), POOL_QUEUE_MAX);
    assert_int_equal(n_began(), 1);
    put(p, "a", 1);
    allow(2);
    assert_int_equal(take(p, 2), 0);
    pool_free(p, drop);
}

static size_t dropped;

static void
count_drop(void *aux)
{
    (void) aux;
    dropped++;
}

static void
an_end_drops_what_waits(void **state)
{
    struct pool *p = pool_new(1, work);

    (void) state;
    put(p, "a", 5);
    wait_began(1);
    allow(5);
    pool_free(p, count_drop);
    assert_int_equal(dropped, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_newcomer_is_next, setup),
        cmocka_unit_test_setup(one_thread_is_for_the_others, setup),
        cmocka_unit_test_setup(queues_are_bounded, setup),
        cmocka_unit_test_setup(an_end_drops_what_waits, setup),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
