/* events: what we have to say about an object, where its owner looks.
 *
 * events.k8s.io/v1 Events.  The same thing said again within six minutes is
 * not a new Event but counts on the first one (its series): written at the
 * second time, then every half hour, and once more when it has ended.  Each
 * object has an allowance (25, and one every five minutes), and what is
 * remembered is bounded; what goes beyond is dropped and counted.  An Event is
 * a service, not a record: after a dozen failures it is dropped too.
 *
 * Ownership: borrows the client, which must outlive it; copies the rest.
 * Threads: one.
 * Source: events.k8s.io/v1 of the API; client-go's tools/events.
 */
#ifndef KUBE_EVENTS_H
#define KUBE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"
#include "lib/base/waits.h"
#include "lib/kube/object.h"

struct events;
struct kube_client;

/* Bytes of a note, cut where a character ends. */
#define EVENTS_MAX_NOTE 1024

struct event {
    const struct kube_object *regarding;
    bool is_warning;
    const char *reason;         /* "HostConflict": CamelCase, ours. */
    const char *action;         /* What we did: "Reconcile", ours. */
    const char *note;           /* A sentence; bytes from users are cleaned. */
};

struct events_counts {
    uint64_t emitted;           /* events_emit() calls. */
    uint64_t written;           /* Created or updated on the API server. */
    uint64_t dropped;           /* Allowance, full, refused, gave up. */
};

/* 'controller' is a qualified name ("sallyport.dev/ingress-controller"),
 * 'instance' names this process (cut to 128 bytes). */
struct events *events_new(struct kube_client *, const char *controller,
                          const char *instance) MUST_USE RETURNS_NONNULL;
void events_free(struct events *);      /* Accepts NULL; drops what is left. */

void events_emit(struct events *, const struct event *, int64_t now_ms,
                 int64_t wall_us);

void events_run(struct events *, int64_t now_ms);
void events_wait(struct events *, struct waits *);

/* Events that still have to be written. */
size_t events_n_pending(const struct events *);
struct events_counts events_counts(const struct events *);

/* 'note' as it is written: at most EVENTS_MAX_NOTE bytes of valid UTF-8
 * without control characters.  The caller's to free. */
char *events_clean_note(const char *note) MUST_USE RETURNS_NONNULL;

#endif /* KUBE_EVENTS_H */
