/* reflector: keeps one kind in the cache like it is on the API server.
 *
 * A state machine of LIST, in pages, and WATCH from where the list stood,
 * that does no I/O of its own: it says which request is due, and is told what
 * came back.  Time and randomness are arguments.
 *
 *     while (reflector_start(r, now, random, &request)) ...send it...
 *     reflector_data(r, data, size, now)      a piece of a watch
 *     reflector_done(r, response, now, random)
 *
 * What it does by itself: resumes a watch from the last version seen, also
 * from a bookmark's; lists anew when that is too old (410, as status or as
 * ERROR event) or unknown to the server (504); restarts a list whose pages
 * expired; asks for smaller pages where one is too big; waits from 0.8 s
 * doubling to 30 s between failures, as long as Retry-After says, and not at
 * all for the first one.  Until a new list is complete the cache keeps what
 * it has.
 *
 * Ownership: borrows the cache; copies its specification.  Threads: one.
 * Source: "Efficient detection of changes" in the Kubernetes API concepts.
 */
#ifndef KUBE_REFLECTOR_H
#define KUBE_REFLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"
#include "lib/kube/http.h"
#include "lib/kube/object.h"

struct cache;
struct reflector;

struct reflector_spec {
    enum kube_kind kind;
    const char *ns;             /* NULL: all namespaces. */
    const char *selector;       /* A field selector, or NULL. */
    /* A single object: its key.  It is put and removed alone; nothing else
     * of the kind is touched and no list of the cache begins or ends. */
    const char *only;
    unsigned page;              /* 0: KUBE_PAGE. */
    unsigned watch_min_s;       /* timeoutSeconds; 0: 300 to 600. */
    unsigned watch_max_s;
    /* Called before a list ends in the cache, for who has objects there that
     * are not in the list.  May be NULL. */
    void (*before_end)(void *aux);
    void *aux;
};

struct reflector_request {
    char *path;                 /* The caller's to free. */
    bool is_watch;
    size_t max_body;
    int64_t deadline_ms;
    int64_t silent_ms;
};

struct reflector_counts {
    uint64_t lists;             /* Complete ones. */
    uint64_t relists;           /* Those that were not the first. */
    uint64_t watches;           /* Streams opened. */
    uint64_t failures;
    uint64_t events;            /* Without bookmarks. */
    uint64_t bad_objects;       /* Left out: not decodable, too long. */
};

struct reflector *reflector_new(struct cache *, const struct reflector_spec *)
    MUST_USE RETURNS_NONNULL;
void reflector_free(struct reflector *);        /* Accepts NULL. */

/* Is a request due?  Then it counts as sent until reflector_done(). */
bool reflector_start(struct reflector *, int64_t now_ms, uint32_t random,
                     struct reflector_request *out);
/* When the next request is due; INT64_MAX while one is under way. */
int64_t reflector_due_ms(const struct reflector *);
/* Is the next request a list? (For who wants few at a time.) */
bool reflector_wants_list(const struct reflector *);

/* The server was heard by somebody else: where the last request met none, the
 * next one need not wait any longer. */
void reflector_hurry(struct reflector *, int64_t now_ms, uint32_t random);

/* False: the stream is of no use any more; end it and call reflector_done()
 * with NULL. */
bool reflector_data(struct reflector *, const void *data, size_t size,
                    int64_t now_ms);
void reflector_done(struct reflector *, const struct http_response *,
                    int64_t now_ms, uint32_t random);

/* For a reflector of a single object: if what the cache has under its key
 * came from here, that is put once more (a list of others ends), or removed
 * (nobody wants it any more). */
void reflector_keep(struct reflector *);
void reflector_drop(struct reflector *);

/* Was one list complete? */
bool reflector_is_synced(const struct reflector *);
/* Did it fail more than once in a row, and does so still? */
bool reflector_is_failing(const struct reflector *, int64_t now_ms);
struct reflector_counts reflector_counts(const struct reflector *);

#endif /* KUBE_REFLECTOR_H */
