/* leader: lease.h on a client: are we the one who writes?
 *
 * Ownership: borrows the client, which must outlive it.  Threads: one.
 */
#ifndef KUBE_LEADER_H
#define KUBE_LEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/waits.h"
#include "lib/kube/lease.h"

struct kube_client;
struct leader;

struct leader *leader_new(struct kube_client *, const struct lease_spec *)
    MUST_USE RETURNS_NONNULL;
void leader_free(struct leader *);      /* Accepts NULL; releases nothing. */

void leader_run(struct leader *, int64_t now_ms, int64_t wall_us);
void leader_wait(struct leader *, struct waits *);

/* Asked before each thing that only the leader does. */
bool leader_is_held(const struct leader *, int64_t now_ms);

/* Gives it up; go on with leader_run() until leader_is_released(), or until
 * one's patience ends. */
void leader_release(struct leader *);
bool leader_is_released(const struct leader *);

#endif /* KUBE_LEADER_H */
