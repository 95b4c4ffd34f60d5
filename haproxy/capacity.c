#include "haproxy/capacity.h"

#include <sched.h>
#include <sys/resource.h>

#include "haproxy/cgroup.h"

#define MAXCONN_MAX 20000
#define THREADS_MAX 64
/* Descriptors beside those of connections: listeners, pipes, health. */
#define FD_RESERVE 300

unsigned
capacity_threads(void)
{
    unsigned n = 1, quota = cgroup_cpus("");
    cpu_set_t set;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        n = (unsigned) CPU_COUNT(&set);
    }
    if (quota > 0 && quota < n) {
        n = quota;
    }
    return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : n;
}

unsigned
capacity_maxconn(void)
{
    struct rlimit limit = { .rlim_cur = 1024, .rlim_max = 1024 };
    rlim_t n;

    (void) getrlimit(RLIMIT_NOFILE, &limit);
    n = limit.rlim_max == RLIM_INFINITY ? 1048576 : limit.rlim_max;
    n = n > FD_RESERVE + 100 ? (n - FD_RESERVE) / 2 : 50;
    return n < MAXCONN_MAX ? (unsigned) n : MAXCONN_MAX;
}

void
capacity_describe(unsigned threads, unsigned maxconn, struct buf *out)
{
    struct rlimit limit = { .rlim_cur = 0, .rlim_max = 0 };
    unsigned long long need = 2ULL * maxconn + FD_RESERVE;

    (void) getrlimit(RLIMIT_NOFILE, &limit);
    buf_printf(out, "%u threads, %u connections: 2 x %u + %d = %llu "
               "descriptors", threads, maxconn, maxconn, FD_RESERVE, need);
    if (limit.rlim_max != RLIM_INFINITY) {
        buf_printf(out, ", %s %llu allowed here",
                   need > limit.rlim_max ? "MORE THAN the" : "of",
                   (unsigned long long) limit.rlim_max);
    }
}
