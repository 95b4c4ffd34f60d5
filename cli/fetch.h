/* fetch: one document of a daemon's admin server. */
#ifndef CLI_FETCH_H
#define CLI_FETCH_H

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* Waits ten seconds at most; any status but 200 is an error. */
struct err *fetch(const char *server, const char *path, struct buf *out)
    MUST_USE;

#endif /* CLI_FETCH_H */
