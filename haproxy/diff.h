/* diff: what must change in HAProxy, as rows, servers and certificates.
 *
 * diff_dirty() looks at the plan's dirty keys only; diff_all() compares
 * everything.  Both compare with the installed model, so what is already
 * right is not in the result, and both give the same result.  Slots have been
 * given out before (diff_assign).
 *
 * Ownership: the result copies what it holds, but for certificates' text,
 * which is the plan's.  Pure.
 */
#ifndef HAPROXY_DIFF_H
#define HAPROXY_DIFF_H

#include "haproxy/want.h"

/* What a key changes to when it goes away; no value is empty. */
#define DIFF_GONE ""

struct diff {
    struct map *rows[MODEL_MAPS];       /* Key to value or DIFF_GONE. */
    struct model_rows lists[2];         /* Where 'has_list': all of it. */
    bool has_list[2];
    struct map *slots;          /* Slot name to struct model_slot: its
                                 * servers as they should be. */
    struct map *certs;          /* File id to struct model_cert; those that
                                 * go have no text. */
    struct map *snis;           /* Server name to lines or DIFF_GONE. */
};

struct diff *diff_new(void) MUST_USE RETURNS_NONNULL;
void diff_free(struct diff *);
void diff_freep(struct diff **);
#define AUTO_DIFF AUTO(diff_freep)

/* Slots that lost their owner, to release once no row names them. */
struct diff_released {
    VEC(struct slot *) slots;
};

/* Gives the plan's backends their slots ('all' of them or the dirty ones)
 * and notes slots to release.  '*lacking' counts backends that found no free
 * slot of their class. */
void diff_assign(struct plan *, struct slots *, bool all,
                 struct diff_released *, size_t *lacking);

void diff_dirty(const struct want *, struct plan *,
                const struct model *installed, struct diff *out);
void diff_all(const struct want *, const struct model *installed,
              struct diff *out);

#endif /* HAPROXY_DIFF_H */
