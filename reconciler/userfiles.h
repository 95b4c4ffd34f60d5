/* userfiles: RUN/tables, where sallyport-auth finds its tables.
 *
 * A file is renamed into place; one that says already what it must is left
 * alone, so that a restart forgets no verdict.  Before everything was listed
 * nothing is touched.  One thread.
 */
#ifndef RECONCILER_USERFILES_H
#define RECONCILER_USERFILES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/log.h"
#include "reconciler/users.h"

/* Begins as { .run_dir = ... }, which is borrowed. */
struct userfiles {
    const char *run_dir;
    bool has_swept;             /* What others left is gone. */
    struct log_limit limit;
};

/* Makes the files equal to the tables, those that changed since the last time
 * only.  After an error they are tried again at the next call. */
void userfiles_run(struct userfiles *, struct users *, bool is_complete,
                   int64_t now_ms);

#endif /* RECONCILER_USERFILES_H */
