/* fake_dataplane: dataplane.h over a HAProxy that a script commands.
 *
 * It keeps a plan of its own, the mirror, and brings into it exactly the
 * items that the reconciler's plan notes as dirty, as the real one does with
 * HAProxy; so a change that was not noted shows as a difference.  HAProxy
 * outlives the reconciler: a new dataplane finds the mirror as it was left.
 */
#ifndef TESTS_REPLAY_FAKE_DATAPLANE_H
#define TESTS_REPLAY_FAKE_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "haproxy/unanswered.h"
#include "lib/base/map.h"

struct fake_haproxy {
    struct plan *mirror;        /* What HAProxy holds. */
    struct map *responses;      /* Certificate -> base64, of its files. */
    bool is_held;               /* Takes nothing new. */
    bool is_down;
    unsigned n_failures;        /* So many more applies fail. */
    bool is_strange;            /* Its content is not what we left there. */
    unsigned n_runs;            /* Turns that came to it. */
    unsigned n_confirms;        /* Generations confirmed. */
    struct unanswered unanswered;   /* What ask.lua counted. */
    unsigned n_looks;           /* Times that was read. */
};

/* The one that dataplane_new() finds. */
extern struct fake_haproxy *fake_haproxy;

void fake_haproxy_init(struct fake_haproxy *);
void fake_haproxy_fini(struct fake_haproxy *);
/* A new process with empty maps. */
void fake_haproxy_restart(struct fake_haproxy *);

/* So many requests more for HOST/ had no verdict; 'text' as unanswered.map
 * has it.  False where nobody is asked about them. */
bool fake_haproxy_count(struct fake_haproxy *, const char *host,
                        unsigned count, const char *why);

/* Of the last dataplane_run(); NULL before the first. */
struct plan *fake_dataplane_plan(void);
bool fake_dataplane_is_complete(void);
/* The plan as it is now is confirmed. */
bool fake_dataplane_is_confirmed(void);

#endif /* TESTS_REPLAY_FAKE_DATAPLANE_H */
