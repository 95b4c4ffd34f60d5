/* compare: the state against one that is computed from nothing.
 *
 * Incremental work is an optimisation of a full recompute: what the two come
 * to is printed and must be equal, line by line.  One thread.
 */
#ifndef RECONCILER_COMPARE_H
#define RECONCILER_COMPARE_H

#include "lib/base/err.h"
#include "reconciler/engine.h"

/* The line at which two texts part, as an error; NULL: nowhere. */
struct err *compare_texts(const char *now, const char *anew) MUST_USE;

/* 'engine' against a new one of the same options on the same objects. */
struct err *compare_anew(const struct engine *, const struct engine_options *,
                         const struct cache *) MUST_USE;

#endif /* RECONCILER_COMPARE_H */
