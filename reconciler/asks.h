/* asks: what is said of services that auth-url names: hosts that nobody can be
 * asked at, and services that were asked and gave no verdict.
 *
 * Which Ingress asks, it is told by the engine; who fails, by askwatch.h.  An
 * Ingress is told what happened on one of its hosts with the very question it
 * asks; its neighbours are not.
 *
 * One thread.
 */
#ifndef RECONCILER_ASKS_H
#define RECONCILER_ASKS_H

#include "haproxy/unanswered.h"
#include "lib/ingress/claims.h"
#include "lib/ingress/finding.h"
#include "reconciler/backends.h"

struct asks;

struct asks_failure {
    char id[UNANSWERED_ID_SIZE];        /* translate_ask_id() */
    char host[UNANSWERED_HOST_SIZE];
    enum unanswered_why why;
    unsigned status;                    /* Of UNANSWERED_STATUS. */
    uint64_t least;                     /* Requests of a minute. */
};

struct asks *asks_new(void) MUST_USE RETURNS_NONNULL;
void asks_free(struct asks *);
/* What another knows of failures, which no object tells. */
void asks_inherit(struct asks *, const struct asks *from);

/* The Ingress as it is now; NULL: it is none of ours any more. */
void asks_set(struct asks *, const char *ingress_key, const struct model *);
/* Whether anybody asks. */
bool asks_any(const struct asks *);

/* Who fails now; calls 'touch' for each Ingress of which there is something
 * else to say than before. */
void asks_set_failing(struct asks *, const struct claims *,
                      const struct asks_failure *, size_t n,
                      void (*touch)(const char *ingress_key, void *aux),
                      void *aux);

/* Adds what there is to say to this Ingress. */
void asks_report(const struct asks *, const struct backends *,
                 const struct claims *, const struct model *,
                 struct findings *);

#endif /* RECONCILER_ASKS_H */
