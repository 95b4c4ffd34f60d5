/* unbacked: claims that were written and that no Ingress backs yet.
 *
 * Whoever reaches the webhook's port can send reviews of objects that will
 * never be.  What such reviews write is bounded here, and collected by the
 * reconciler; an Ingress that is real backs its claims within moments.
 *
 * Threads: the owner's loop.  Time is an argument.
 */
#ifndef WEBHOOK_UNBACKED_H
#define WEBHOOK_UNBACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "webhook/watch.h"

struct unbacked;

/* Borrows the watch. */
struct unbacked *unbacked_new(const struct watch *) MUST_USE RETURNS_NONNULL;
void unbacked_free(struct unbacked *);      /* Accepts NULL. */

/* 'n' claims are to be written; false: that is too many.  Either way
 * unbacked_end() follows. */
bool unbacked_begin(struct unbacked *, size_t n) MUST_USE;
/* They are held, or not.  Held ones count until an Ingress of 'ns' claims
 * 'host' and 'key' (one of them), or until they may be collected. */
void unbacked_end(struct unbacked *, size_t n, bool is_held, const char *ns,
                  const char *host, const char *key, int64_t now_ms);

/* Each turn, after the watch. */
void unbacked_run(struct unbacked *, int64_t now_ms);
size_t unbacked_count(const struct unbacked *);

#endif /* WEBHOOK_UNBACKED_H */
