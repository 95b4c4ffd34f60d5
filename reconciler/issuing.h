/* issuing: issuer.h on a client.
 *
 * A watch on each of the four objects rings when it changes; what it brings
 * is not read: the issuer asks for the object itself.  Only the leader asks
 * and writes.  Ownership: borrows the client, which must outlive it.
 * Threads: one; nothing blocks.
 */
#ifndef RECONCILER_ISSUING_H
#define RECONCILER_ISSUING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/metrics.h"
#include "lib/base/waits.h"
#include "reconciler/issuer.h"

struct issuing;
struct kube_client;

struct issuing *issuing_new(struct kube_client *, const struct issuer_spec *,
                            struct metrics *) MUST_USE RETURNS_NONNULL;
void issuing_free(struct issuing *);    /* Accepts NULL. */

void issuing_run(struct issuing *, bool is_leader, int64_t now_ms,
                 int64_t wall_s);
void issuing_wait(struct issuing *, struct waits *);

#endif /* RECONCILER_ISSUING_H */
