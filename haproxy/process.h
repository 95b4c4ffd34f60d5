/* process: sallyport-proxy and the HAProxy master, seen from the driver.
 *
 * sallyport-proxy holds a lock on RUN/proxy.lock as long as it lives and
 * writes RUN/proxy.status; the master answers on RUN/master.sock.
 */
#ifndef HAPROXY_PROCESS_H
#define HAPROXY_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "haproxy/reply.h"
#include "lib/base/err.h"

#define PROCESS_LOCK "proxy.lock"
#define PROCESS_STATUS "proxy.status"
#define PROCESS_LISTENERS "listeners"
#define PROCESS_LOG "proxy.log"
#define PROCESS_CONFIG "haproxy.cfg"

struct process_status {
    uint64_t pid;               /* Of sallyport-proxy. */
    uint64_t master;            /* Of HAProxy's master, 0: not running. */
    uint64_t restarts;          /* After a death of HAProxy. */
};

/* Whether a sallyport-proxy lives for this run directory. */
bool process_is_held(const char *run_dir);
struct err *process_status(const char *run_dir, struct process_status *out)
    MUST_USE;

/* Starts sallyport-proxy in a session of its own: it outlives us. */
struct err *process_start(const char *run_dir, const char *proxy,
                          const char *haproxy) MUST_USE;
/* The last line it wrote, quoted: the caller's to free; NULL: none. */
char *process_last_line(const char *run_dir);
/* Asks it to end HAProxy gracefully, waits at most 'grace_ms', then forces
 * it. */
void process_stop(const char *run_dir, int64_t grace_ms);

/* A reload: prepare (an error: the master answers nobody, as while it executes
 * itself again, or leaves), begin, then look until it is 'done'. */
struct process_reload {
    uint64_t before;            /* Reloads tried before. */
    uint64_t old_worker;
};
enum process_result { PROCESS_PENDING, PROCESS_DONE, PROCESS_FAILED };
struct err *process_reload_prepare(const char *run_dir,
                                   struct process_reload *out) MUST_USE;
struct err *process_reload_begin(const char *run_dir) MUST_USE;
enum process_result process_reload_look(const char *run_dir,
                                        const struct process_reload *);

#endif /* HAPROXY_PROCESS_H */
