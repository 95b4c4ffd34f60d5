/* sectypes: Secrets that are named as certificates and are of another type.
 *
 * Only Secrets of type kubernetes.io/tls are watched, so that one of another
 * type looks like none.  The leader asks the API server for each that is
 * missing, as a table: a row has the type, and no byte of what is in it.  One
 * request at a time, ten a second at most, each Secret again after a minute.
 *
 * Threads: one; nothing blocks.
 */
#ifndef RECONCILER_SECTYPES_H
#define RECONCILER_SECTYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/compiler.h"
#include "lib/base/waits.h"
#include "reconciler/engine.h"

struct sectypes;
struct kube_client;

/* Both are borrowed; the engine is told. */
struct sectypes *sectypes_new(struct kube_client *, struct engine *)
    MUST_USE RETURNS_NONNULL;
void sectypes_free(struct sectypes *);      /* Accepts NULL. */

/* What is known of a Secret changed. */
void sectypes_touch(struct sectypes *, const char *secret_key);

void sectypes_run(struct sectypes *, bool is_leader, int64_t now_ms);
void sectypes_wait(const struct sectypes *, struct waits *);

#endif /* RECONCILER_SECTYPES_H */
