/* unanswered: questions to authentication services that got no verdict.
 *
 * haproxy/lua/ask.lua counts them in unanswered.map: a row for each thread and
 * place, of which a thread has 64, and one more (without a question's id) for
 * all that found no room.  A place that had no failure for a minute may be
 * given to another question; a worker that begins counts from nothing.  Rows
 * that are not of this form are left out.
 *
 * Pure; any thread.
 */
#ifndef HAPROXY_UNANSWERED_H
#define HAPROXY_UNANSWERED_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/vec.h"

#define UNANSWERED_MAP "unanswered"
/* More is no answer of ours: 64 places of 64 threads and long names. */
#define UNANSWERED_TEXT_MAX ((size_t) 4 << 20)

#define UNANSWERED_PLACE_SIZE 16
#define UNANSWERED_ID_SIZE 17       /* 16 hex digits and the NUL. */
#define UNANSWERED_HOST_SIZE 254

enum unanswered_why {
    UNANSWERED_LATE,            /* No answer in time. */
    UNANSWERED_DOWN,            /* Nobody could be reached. */
    UNANSWERED_BAD,             /* No HTTP, broken off, too much. */
    UNANSWERED_FULL,            /* Too many questions at one time. */
    UNANSWERED_STATUS,          /* An answer that is no verdict. */
};

struct unanswered_row {
    char place[UNANSWERED_PLACE_SIZE];
    char id[UNANSWERED_ID_SIZE];        /* The "id" of POLICY_ASK; "": all
                                         * that found no room. */
    char host[UNANSWERED_HOST_SIZE];    /* As routes have it; "" is none. */
    uint64_t count;             /* Since this row has this question. */
    enum unanswered_why why;    /* The last one. */
    unsigned status;            /* Of UNANSWERED_STATUS. */
    int64_t at_s;               /* When that was, since 1970. */
};

struct unanswered {
    VEC(struct unanswered_row) rows;
};
#define AUTO_UNANSWERED AUTO(unanswered_fini)

/* The answer to "show map"; overwrites it.  'out' is to be released. */
void unanswered_read(char *text, struct unanswered *out);
void unanswered_fini(struct unanswered *);

#endif /* HAPROXY_UNANSWERED_H */
