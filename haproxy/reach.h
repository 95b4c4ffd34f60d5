/* reach: whether anybody answers where HAProxy is spoken to.
 *
 * A socket of RUN is a name, and names can be lost: somebody deletes it, or a
 * HAProxy that is leaving loads its files again, binds the name to a socket of
 * its own and goes.  The one that serves never binds it a second time: nobody
 * would tell it of a change any more.
 *
 * Times are monotonic milliseconds.  One thread.
 */
#ifndef HAPROXY_REACH_H
#define HAPROXY_REACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct reach {
    const char *path;           /* Borrowed. */
    int64_t patience_ms;        /* How long nobody may answer. */
    struct stat before;         /* What had the name at the start. */
    bool has_begun;             /* It has been bound since. */
    int64_t lost_ms;            /* Since when nobody answers, 0: they do. */
};

/* Whether a connection to 'path' is taken, or waits; never blocks. */
bool reach_answers(const char *path);
/* The process that listens there, as the kernel noted it; 0: nobody, or none
 * that takes a connection now. */
pid_t reach_who(const char *path);
/* One starts that will bind 'path', in its time. */
void reach_begin(struct reach *, const char *path, int64_t patience_ms);
/* Whether it did, and nobody has answered for 'patience_ms' of looks. */
bool reach_is_lost(struct reach *, int64_t now_ms);

#endif /* HAPROXY_REACH_H */
