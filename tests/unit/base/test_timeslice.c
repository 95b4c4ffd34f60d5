#include "tests/unit/table.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/timeslice.h"

/* What sched_getattr(2) tells of a task. */
struct told {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static struct told
ask(void)
{
    struct told told = { .size = sizeof told };

    assert_int_equal(syscall(SYS_sched_getattr, 0, &told, sizeof told, 0), 0);
    return told;
}

/* Whether this kernel knows of slices: it tells the one it gives. */
static bool
has_slices(void)
{
    return ask().runtime != 0;
}

static void *
ask_in_thread(void *aux)
{
    *(struct told *) aux = ask();
    return NULL;
}

enum { IS_SHORT = 1, THREAD_IS_SHORT = 2, CHILD_IS_SHORT = 4, IS_OTHER = 8 };

/* What is short, of the caller, its next thread and its next child. */
static int
look(const struct told *before)
{
    struct told own = ask(), thread;
    pthread_t id;
    int status;
    pid_t pid;

    assert_int_equal(pthread_create(&id, NULL, ask_in_thread, &thread), 0);
    assert_int_equal(pthread_join(id, NULL), 0);
    pid = fork();
    if (pid == 0) {
        _exit(ask().runtime < before->runtime);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (own.runtime < before->runtime ? IS_SHORT : 0) |
           (thread.runtime < before->runtime ? THREAD_IS_SHORT : 0) |
           (WEXITSTATUS(status) ? CHILD_IS_SHORT : 0) |
           (own.policy != before->policy || own.nice != before->nice ||
                    own.flags != before->flags
                ? IS_OTHER : 0);
}

static void
test_short_and_back(void **state)
{
    const int all = IS_SHORT | THREAD_IS_SHORT | CHILD_IS_SHORT;
    const struct told before = ask();

    (void) state;
    timeslice_shorten();
    assert_int_equal(look(&before), has_slices() ? all : 0);
    timeslice_restore();
    assert_int_equal(look(&before), 0);
    assert_int_equal(ask().runtime, before.runtime);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_and_back),
    };

    return cmocka_run_group_tests_name("timeslice", tests, NULL, NULL);
}
