/* observe: what a running HAProxy holds, read over its runtime socket.
 *
 * Used when we find a HAProxy that we have not followed command by command:
 * after our start, its restart, a reload, or an answer we did not expect.
 */
#ifndef HAPROXY_OBSERVE_H
#define HAPROXY_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "haproxy/model.h"
#include "haproxy/slots.h"
#include "lib/base/err.h"

/* Which process answers: two that differ in one of these are not the same. */
struct observe_identity {
    uint64_t pid;
    uint64_t started;           /* Seconds since 1970, by its clock. */
    char version[64];
    uint64_t threads, maxconn;  /* Told, not compared. */
    bool is_stopping;
};
struct err *observe_identity(const char *socket, struct observe_identity *out)
    MUST_USE;
bool observe_is_same(const struct observe_identity *,
                     const struct observe_identity *);

struct observed {
    struct model *model;
    struct slots *slots;
    bool is_whole;              /* It has all maps: a program of ours. */
    bool has_mux;               /* Frontend tls_mux exists. */
    bool https_open;            /* Frontends that take connections. */
    bool mux_open;
};

/* Slots without owner that may have served somebody are in quarantine from
 * 'now_ms' on. */
struct err *observe_all(const char *socket, const char *run_dir,
                        int64_t now_ms, struct observed *out) MUST_USE;
void observed_fini(struct observed *);

/* Whether nothing is queued, connecting or streaming in a slot. */
struct err *observe_is_idle(const char *socket, const char *slot, bool *out)
    MUST_USE;

/* The plan that HAProxy serves, for plan_dump(). */
struct plan *observe_plan(const struct observed *,
                          const struct model *reserved)
    MUST_USE RETURNS_NONNULL;

#endif /* HAPROXY_OBSERVE_H */
