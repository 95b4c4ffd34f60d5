/* userfiles: RUN/tables, where sallyport-auth finds its tables.
 *
 * A file is renamed into place; one that says already what it must is left
 * alone, so that a restart forgets no verdict.  Where somebody else has changed
 * the folder all are looked at again.  Before everything was listed nothing is
 * touched.  One thread.
 */
#ifndef RECONCILER_USERFILES_H
#define RECONCILER_USERFILES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "reconciler/users.h"

/* How long a request may be under way that HAProxy began under a policy it has
 * no more: its question to the daemon ends sooner. */
#define USERFILES_GRACE_MS 8000

/* Begins as { .run_dir = ... }, which is borrowed. */
struct userfiles {
    const char *run_dir;
    bool has_swept;             /* What others left is known. */
    int64_t changed_ns;         /* When the folder was changed last, by us. */
    struct map *leaving;        /* Files that nobody asks for, to int64_t: when
                                 * to remove them; 0: not confirmed yet. */
    struct log_limit limit;
};

/* Makes the files equal to the tables, those that changed since the last time
 * only.  A table that nobody asks for any more stays until HAProxy has
 * confirmed the plan and what it began before is over: its routes ask by the
 * old one until then.  After an error they are tried again at the next call. */
void userfiles_run(struct userfiles *, struct users *, bool is_complete,
                   bool is_confirmed, int64_t now_ms);
void userfiles_fini(struct userfiles *);

#endif /* RECONCILER_USERFILES_H */
