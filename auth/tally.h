/* tally: what was answered, and the file that tells it (authstats.h).
 *
 * Of the loop's thread.  The file is written anew at most once a second where
 * something was counted, and every ten seconds in any case: its age shows
 * that the loop turns.  A file that cannot be written is told in the log;
 * nothing else depends on it.
 */
#ifndef AUTH_TALLY_H
#define AUTH_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/authstats.h"
#include "lib/base/log.h"

struct tally {
    const char *path;           /* The caller's. */
    struct authstats stats;
    bool is_dirty;
    int64_t written_ms;         /* 0: never. */
    struct log_limit limit;
};

void tally_answer(struct tally *, enum authstats_kind);
/* A refusal, FULL or LATE, of a question of 'group'. */
void tally_refuse(struct tally *, enum authstats_kind, const char *group);
void tally_verified(struct tally *, uint64_t us);
void tally_run(struct tally *, uint64_t waiting, int64_t now_ms);

#endif /* AUTH_TALLY_H */
