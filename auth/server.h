/* server: questions over a unix socket, answers in one line.
 *
 * A loop of one thread: reads questions, knows the tables, the verdicts and
 * the nonces; passwords that were not right a moment ago go to the pool.  Two
 * questions about one password are one job.  Whoever asks is looked at: only
 * the allowed user is answered.
 */
#ifndef AUTH_SERVER_H
#define AUTH_SERVER_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "auth/tables.h"
#include "lib/base/err.h"

/* Connections, tables and a few more; the process must be allowed these. */
#define SERVER_CONNECTIONS_MAX 1024
#define SERVER_DESCRIPTORS (SERVER_CONNECTIONS_MAX + TABLES_MAX + 64)

struct server_options {
    const char *socket_path;
    const char *tables_dir;
    const char *stats_path;     /* tally.h */
    uid_t client_uid;           /* Beside our own. */
    unsigned threads;
};

/* Runs until '*end' is set (by a signal handler); NULL: ended so.  ERR_GONE:
 * the socket's name is gone or another's, so that nobody asks us any more. */
struct err *server_run(const struct server_options *,
                       const volatile sig_atomic_t *end) MUST_USE;

#endif /* AUTH_SERVER_H */
