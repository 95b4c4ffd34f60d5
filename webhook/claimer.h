/* claimer: from the server's threads to the API server, for claims.
 *
 * lib/kube belongs to the owner's loop; a review is judged in a thread of the
 * server.  So a thread puts what it wants taken into a queue, wakes the loop
 * and waits, with a deadline, until the loop has the outcome.  The queue is
 * bounded, and so is everything a job asks for (limits.h).  A thread that
 * waited in vain leaves the job behind: the loop gives back what was taken.
 *
 * Ownership: borrows all it is given.  Threads: each function says whose.
 */
#ifndef WEBHOOK_CLAIMER_H
#define WEBHOOK_CLAIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/metrics.h"
#include "lib/base/waits.h"
#include "lib/ingress/finding.h"
#include "webhook/snapshot.h"
#include "webhook/watch.h"

struct claimer;

/* What to do where the API server does not let a claim be written. */
enum claimer_failure { CLAIMER_DENY, CLAIMER_ADMIT };

struct claimer_options {
    const struct ruleset *ruleset;
    struct watch *watch;
    const char *ns;             /* Where claims are kept. */
    int on_failure;             /* enum claimer_failure */
    int64_t claim_ms;           /* Until a review has its claims. */
};

struct claimer *claimer_new(const struct claimer_options *, struct metrics *)
    MUST_USE RETURNS_NONNULL;
void claimer_free(struct claimer *);        /* Accepts NULL. */

/* What 'candidate' asks for and nobody has, under the snapshot's lock; to be
 * given to claimer_take() after it. 'uid' stands for a name not known yet. */
struct wants;
struct wants *claimer_wants(const struct claimer *, const struct snapshot *,
                            struct model *candidate, const char *uid)
    MUST_USE;                               /* NULL: nothing. */

enum claimer_outcome {
    CLAIMER_HELD,       /* Admitted; perhaps with a warning. */
    CLAIMER_LOST,       /* 'out' says to whom. */
    CLAIMER_FAILED,     /* 'out' says why; the client should try again. */
};

/* Takes 'wants'.  Any thread but the owner's; waits. */
enum claimer_outcome claimer_take(struct claimer *, struct wants *,
                                  struct findings *out);

/* The owner's loop. */
void claimer_run(struct claimer *, int64_t now_ms);
void claimer_wait(struct claimer *, struct waits *);
/* Ends all waiting, and all that would: before the loop stops. */
void claimer_stop(struct claimer *);        /* Accepts NULL. */

#endif /* WEBHOOK_CLAIMER_H */
