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

/* In a child of its own, because there is no way back.  Its exit status says
 * what was seen: of itself, of its thread, of its child. */
enum { OWN_SHORT = 1, THREAD_SHORT = 2, CHILD_SHORT = 4, IS_WRONG = 64 };

static int
look(bool is_inherited)
{
    const struct told before = ask();
    struct told own, thread;
    pthread_t id;
    int status, seen;
    pid_t pid;

    timeslice_shorten(is_inherited);
    own = ask();
    if (own.policy != before.policy || own.nice != before.nice ||
        pthread_create(&id, NULL, ask_in_thread, &thread) != 0 ||
        pthread_join(id, NULL) != 0) {
        return IS_WRONG;
    }
    seen = (own.runtime < before.runtime ? OWN_SHORT : 0) |
           (thread.runtime < before.runtime ? THREAD_SHORT : 0);
    pid = fork();
    if (pid == 0) {
        _exit(ask().runtime < before.runtime);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        return IS_WRONG;
    }
    return seen | (WEXITSTATUS(status) ? CHILD_SHORT : 0);
}

static const struct row {
    const char *name;
    bool is_inherited;
    int want;
} rows[] = {
    { "of this thread alone", false, OWN_SHORT },
    { "of all it makes", true, OWN_SHORT | THREAD_SHORT | CHILD_SHORT },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(look(row->is_inherited));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), has_slices() ? row->want : 0);
}

TABLE_MAIN("timeslice", rows, check_row)
