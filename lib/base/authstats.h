/* authstats: what sallyport-auth counts, as a text that the reconciler reads.
 *
 * The daemon has no network; it writes RUN-DIR/auth/stats anew, renamed into
 * place, and whoever may read that file knows how it fares.  Lines "NAME
 * NUMBER" in any order, of what was counted since the daemon began, and
 * "group NAME NUMBER" for those whose questions were refused because too many
 * of theirs wait.
 *
 * Pure; any thread.
 */
#ifndef BASE_AUTHSTATS_H
#define BASE_AUTHSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"

#define AUTHSTATS_GROUPS_MAX 64     /* More are not told one by one. */
#define AUTHSTATS_NAME_MAX 64       /* Bytes of a group's name. */
#define AUTHSTATS_TEXT_MAX ((size_t) 16 << 10)

/* Answers by kind. */
enum authstats_kind {
    AUTHSTATS_OK,               /* Verified now, or digest. */
    AUTHSTATS_REMEMBERED,       /* Was right a moment ago. */
    AUTHSTATS_NO,               /* A wrong password, or none. */
    AUTHSTATS_FULL,             /* A queue was full. */
    AUTHSTATS_LATE,             /* Waited too long for a thread. */
    AUTHSTATS_DOWN,             /* No such table, or it changed meanwhile. */
    AUTHSTATS_BAD,              /* No question of ours. */
    AUTHSTATS_STRANGER,         /* Another user than the allowed one. */
    AUTHSTATS_N,
};

struct authstats_group {
    char name[AUTHSTATS_NAME_MAX + 1];
    uint64_t refused;
};

struct authstats {
    uint64_t answers[AUTHSTATS_N];
    uint64_t verified;          /* Passwords that a thread looked at. */
    uint64_t verify_us;         /* Processor time of that. */
    uint64_t waiting;           /* Now. */
    struct authstats_group groups[AUTHSTATS_GROUPS_MAX];
    size_t n_groups;
};

const char *authstats_name(enum authstats_kind);    /* "ok", ... */

/* One more question of 'group' that was refused. */
void authstats_refuse(struct authstats *, const char *group);

void authstats_print(const struct authstats *, struct buf *out);
/* False where 'text' is no such text; '*out' then has nothing. */
bool authstats_read(const char *text, struct authstats *out) MUST_USE;

#endif /* BASE_AUTHSTATS_H */
