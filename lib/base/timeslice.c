#include "lib/base/timeslice.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The least that the kernel takes. */
#define SLICE_NS 100000
#define RESET_ON_FORK 1

/* The kernel's first struct sched_attr; the C library of Debian 12 has none. */
struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};

void
timeslice_shorten(bool is_inherited)
{
    struct attributes a = { .size = sizeof a };

    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) < 0) {
        return;
    }
    a.flags = is_inherited ? 0 : RESET_ON_FORK;
    a.runtime = SLICE_NS;
    (void) syscall(SYS_sched_setattr, 0, &a, 0);
}
