/* ingest: what a list and a watch say, into the cache.
 *
 * One object that cannot be decoded (a type we do not expect, over a cap, a
 * NUL byte in a string) is logged with its key and left out; the version of
 * it that the cache has stays, and everything else goes on.
 * Ownership: borrows the cache.  Threads: one.
 */
#ifndef KUBE_INGEST_H
#define KUBE_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/kube/object.h"

struct cache;

struct ingest {
    struct cache *cache;
    enum kube_kind kind;
    /* The one key that matters; NULL: all.  Others may put and remove an
     * object under that key as well (of another type): 'only_uid' is what
     * was put from here, and nothing else is ever removed. */
    const char *only;
    char *only_uid;
    uint64_t n_events;
    uint64_t n_bad;             /* Objects left out. */
    struct log_limit limit;
};

void ingest_fini(struct ingest *);

/* Puts once more, or removes, the single object that came from here. */
void ingest_keep(struct ingest *);
void ingest_drop(struct ingest *);

struct ingest_page {
    char *version;              /* The list's resourceVersion. */
    char *token;                /* For the next page; NULL: the last one. */
    bool has_only;              /* 'only' was in it. */
};

/* One page of a list.  'out' is the caller's, see ingest_page_fini(). */
struct err *ingest_page(struct ingest *, const char *text, size_t size,
                        int64_t now_ms, struct ingest_page *out) MUST_USE;
void ingest_page_fini(struct ingest_page *);
#define AUTO_INGEST_PAGE AUTO(ingest_page_fini)

struct ingest_event {
    char *version;              /* Where the stream stands; NULL: unknown. */
    struct err *err;            /* The server ended the stream. */
    int code;                   /* Of 'err', as an HTTP status; 0: none. */
};

/* One event of a watch. */
void ingest_event(struct ingest *, const char *text, size_t size,
                  int64_t now_ms, struct ingest_event *out);
void ingest_event_fini(struct ingest_event *);
#define AUTO_INGEST_EVENT AUTO(ingest_event_fini)

#endif /* KUBE_INGEST_H */
