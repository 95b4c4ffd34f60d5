/* authwatch: how sallyport-auth fares, from the file it writes
 * (lib/base/authstats.h), as metrics, and as findings of those whose questions
 * it refuses because too many of theirs wait.
 *
 * The file is another process's, of another user: what is not of its form is
 * as if it were not there.  One thread.
 */
#ifndef RECONCILER_AUTHWATCH_H
#define RECONCILER_AUTHWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"
#include "lib/base/metrics.h"
#include "lib/base/waits.h"

/* A file that is older than that is a dead daemon's. */
#define AUTHWATCH_AGE_S 30
/* For so long is a namespace told that its work is too much. */
#define AUTHWATCH_CROWDED_MS 60000

struct authwatch;

struct authwatch *authwatch_new(const char *run_dir, struct metrics *)
    MUST_USE RETURNS_NONNULL;
void authwatch_free(struct authwatch *);        /* Accepts NULL. */

/* Looks where it is time to.  Then '*groups' are the names of those whose
 * work is too much, sorted, '*n' of them, borrowed, the array the caller's to
 * free; false: it was not. */
bool authwatch_run(struct authwatch *, int64_t now_ms, int64_t now_s,
                   const char ***groups, size_t *n) MUST_USE;
void authwatch_wait(const struct authwatch *, struct waits *);

#endif /* RECONCILER_AUTHWATCH_H */
