#include "lib/base/descriptors.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <sys/resource.h>

struct err *
descriptors_want(uint64_t n)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return err_errno(ERR_INTERNAL, errno, "read the limit of open files");
    }
    if (limit.rlim_cur >= n) {
        return NULL;
    }
    if (limit.rlim_max < n) {
        return err_new(ERR_LIMIT, "the hard limit of open files is %" PRIu64
                       ", of %" PRIu64 " that all connections need: raise it "
                       "(ulimit -Hn, LimitNOFILE=)",
                       (uint64_t) limit.rlim_max, n);
    }
    limit.rlim_cur = n;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0
               ? err_errno(ERR_INTERNAL, errno, "raise the limit of open "
                           "files to %" PRIu64, n)
               : NULL;
}
