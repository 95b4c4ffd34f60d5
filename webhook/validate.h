/* validate: the verdict on one review.
 *
 * Everything that is wrong is said at once.  What exists is kept alive: an
 * object that is being deleted, and an update that brings nothing wrong that
 * was not there before, always pass.  Pure but for the reservation of what
 * it admits; any thread.
 */
#ifndef WEBHOOK_VALIDATE_H
#define WEBHOOK_VALIDATE_H

#include <stdint.h>

#include "lib/ingress/finding.h"
#include "webhook/reserve.h"
#include "webhook/review.h"
#include "webhook/snapshot.h"

/* Answers whether the object may pass; 'out' gets what is to be said of it
 * (errors where it may not, warnings either way).  '*admitted' (not asked for
 * where it is NULL) is the model that was judged and may pass, or NULL where
 * nothing had to be judged; the caller's to unref. */
bool validate(struct review *, const struct snapshot *,
              struct reserve *, int64_t now_ms, struct findings *out,
              struct model **admitted);

#endif /* WEBHOOK_VALIDATE_H */
