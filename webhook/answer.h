/* answer: the AdmissionReview that goes back.
 *
 * The message is what kubectl, helm, Argo CD and Flux print: the object, then
 * all errors, one a line.  Reason and code are Forbidden, 403, where somebody
 * else has what is asked for, ServiceUnavailable, 503, where the answer will
 * soon be another, and Invalid, 422, otherwise.  The details.causes are the
 * same errors by field.  Of an Invalid one kubectl prints the causes only,
 * after "The Ingress NAME is invalid": so each says who we are.  Warnings hold
 * no control characters (the API server drops such silently), none twice, and
 * stay under its budget.  Pure.
 */
#ifndef WEBHOOK_ANSWER_H
#define WEBHOOK_ANSWER_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/ingress/finding.h"

struct answer {
    const char *uid;
    bool is_allowed;
    const struct findings *findings;    /* NULL: none. */
    bool is_later;                      /* Refused for now: try again. */
    const char *patch;                  /* JSON Patch, NULL: none. */
};

void answer_print(const struct answer *, struct buf *out);

/* True where one of the errors is FINDING_OWNERSHIP. */
bool answer_is_about_ownership(const struct findings *);

#endif /* WEBHOOK_ANSWER_H */
