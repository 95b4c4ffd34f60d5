/* stapler: OCSP responses about the certificates that are served.
 *
 * With enable-ocsp each certificate that names a responder, and whose issuer
 * is in its Secret, is asked about; an answer that is verified goes to the
 * engine, which serves it with the certificate.  It is asked again at half of
 * the answer's life, after a failure with a pause that grows, and never served
 * beyond its end.  A certificate is served at once, whether or not there is a
 * response.
 *
 * Who is asked stands in a tenant's Secret: see may_ask() and fetch.h.  A few
 * questions are on their way at a time, fewer of one namespace, and one
 * namespace's begin a pause apart.
 *
 * Nothing blocks.  One thread.
 */
#ifndef RECONCILER_STAPLER_H
#define RECONCILER_STAPLER_H

#include <stdint.h>

#include "haproxy/dataplane.h"
#include "lib/base/metrics.h"
#include "lib/base/waits.h"
#include "reconciler/engine.h"

/* Questions on their way; those of one namespace, and how far apart they
 * begin. */
#define STAPLER_MAX_CALLS 8
#define STAPLER_MAX_NAMESPACE 2
#define STAPLER_PACE_MS 100
#define STAPLER_DEADLINE_MS 10000
/* After a failure; the longest that an answer counts as fresh. */
#define STAPLER_RETRY_MIN_S 60
#define STAPLER_RETRY_MAX_S 3600
#define STAPLER_FRESH_MAX_S (7 * 86400)

struct stapler;

/* All outlive it. */
struct stapler *stapler_new(struct engine *, const struct dataplane *,
                            struct metrics *) MUST_USE RETURNS_NONNULL;
void stapler_free(struct stapler *);        /* Accepts NULL. */

/* After the engine's turn, before the dataplane's: 'now_s' are seconds since
 * 1970. */
void stapler_run(struct stapler *, int64_t now_ms, int64_t now_s);
void stapler_wait(struct stapler *, struct waits *);

#endif /* RECONCILER_STAPLER_H */
