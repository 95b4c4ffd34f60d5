/* dataplane_priv: what the files of dataplane share and nobody else includes.
 *
 *     DOWN --answers--> UP --reload begun--> RELOADING --done, failed--> UP
 *       ^--------------- the worker is gone --------------'
 */
#ifndef HAPROXY_DATAPLANE_PRIV_H
#define HAPROXY_DATAPLANE_PRIV_H

#include <sys/types.h>

#include "haproxy/apply.h"
#include "haproxy/dataplane.h"
#include "haproxy/feature.h"
#include "haproxy/layout.h"
#include "haproxy/observe.h"
#include "haproxy/process.h"
#include "lib/base/backoff.h"

enum dataplane_state { DATAPLANE_DOWN, DATAPLANE_UP, DATAPLANE_RELOADING };

/* Files that are older than what HAProxy holds. */
struct dataplane_touched {
    bool maps[MODEL_MAPS];
    bool lists[2];
    bool config, certs;
};

/* A child that writes files. */
struct dataplane_mirror {
    pid_t pid;                  /* 0: none does. */
    int fd;                     /* Its errors, then its end. */
    int64_t begin_ms;
    int64_t cpu_ms;             /* What it took. */
    struct dataplane_touched touched;   /* What it writes. */
    uint64_t released;          /* slots_released() then. */
    bool is_ours;               /* HAProxy runs our program. */
};

struct dataplane {
    struct layout layout;
    char *haproxy, *proxy;      /* NULL: somebody else starts them. */
    char *socket;
    int lock_fd;                /* One driver for a run directory. */

    enum dataplane_state state;
    struct observe_identity identity;
    struct features features;   /* Of the worker that 'identity' names. */
    bool has_refused_growth;    /* It wants a reload after all. */
    bool must_publish;          /* A backend may be added, not published. */
    struct observed held;       /* Installed, as far as we know. */
    bool is_muxed_file;         /* What the running haproxy.cfg was. */
    struct model *reserved;
    struct map *refused;        /* File id to digest. */
    struct map *written;        /* File id to digest. */

    bool is_complete;           /* A complete plan was seen. */
    bool must_observe;
    bool must_compare;          /* All, not only what is dirty. */
    bool is_proved;
    bool has_confirmed;
    uint64_t confirmed;

    int64_t down_since_ms, retry_ms, check_ms, prove_ms;
    int64_t parent_ms;          /* When HAProxy may get a parent again. */
    bool has_written;           /* Files, since HAProxy is down. */
    struct backoff backoff;

    struct process_reload reload;
    const char *reason;
    int64_t reload_deadline_ms, reload_retry_ms;
    int64_t silent_ms;          /* Since when the master is, 0: it is not. */
    unsigned n_seen;            /* Answers of the new worker in a row. */
    struct backoff reload_backoff;

    /* Of the files, where they may not be what is served: no worker was seen
     * since all of them were written, or (DATAPLANE_STRANGE) by us at all.
     * "": they are, but for 'touched'. */
    char stamp[17];
    struct dataplane_touched touched;
    struct dataplane_mirror mirror;
    int64_t mirror_ms;          /* When to write files, 0: nothing to. */
    int64_t mirror_pause_ms;    /* How long changes gather first. */
    int64_t quarantine_ms;      /* When to look again, 0: at once. */
    int64_t changed_ms;         /* Last change sent. */
    int64_t scarce_ms;          /* Since when slots run out, 0: they do not. */
    int64_t keys_ms;            /* When to look for keys that are left over, 0:
                                 * there are none. */
    struct pem_text *blank;     /* What such a key becomes, NULL: not made. */

    struct metrics *metrics;
    struct metric *up, *commands, *apply_seconds, *apply_failures;
    struct metric *observes, *reload_failures, *restarts;
    struct metric *info;        /* NULL: no worker seen. */
    struct metric *slots_free, *slots_used, *slots_quarantined;
};

#define DATAPLANE_CHECK_MS 500  /* Between looks at who answers. */
#define DATAPLANE_STRANGE "?"

/* dataplane_metrics.c */
void dataplane_register_(struct dataplane *, struct metrics *);
void dataplane_show_version_(struct dataplane *, const char *version);

/* dataplane_down.c: without a HAProxy, and how there comes to be one.
 * Makes the run directory's folders where they are missing, and is the one
 * driver in it from then on. */
struct err *dataplane_move_in_(struct dataplane *) MUST_USE;
void dataplane_go_down_(struct dataplane *, int64_t now_ms);
void dataplane_go_up_(struct dataplane *, int64_t now_ms);
void dataplane_run_down_(struct dataplane *, struct plan *, int64_t now_ms);
void dataplane_start_cold_(struct dataplane *, struct plan *, int64_t now_ms);
bool dataplane_has_other_listeners_(const struct dataplane *);
/* Starts the parent of a HAProxy that answers and has none. */
void dataplane_keep_parent_(struct dataplane *, int64_t now_ms);

/* dataplane_files.c: the run directory.
 * Writes all files for the plan with slots given out anew where a new worker
 * allows it; 'grown' classes as large as they should be. */
struct err *dataplane_write_all_(struct dataplane *, struct plan *) MUST_USE;
bool dataplane_is_muxed_(const struct dataplane *, const struct model *);
struct err *dataplane_put_files_(struct dataplane *, const struct model *,
                                 const struct dataplane_touched *) MUST_USE;
void dataplane_mark_all_(struct dataplane_touched *);

/* dataplane_mirror.c: the files that are older than what HAProxy holds.
 * Written by a child, while no other does; or at once. */
void dataplane_mirror_(struct dataplane *, int64_t now_ms);
void dataplane_mirror_now_(struct dataplane *, int64_t now_ms);
/* Takes note of a child that has ended; waits for one that has not. */
void dataplane_run_mirror_(struct dataplane *, int64_t now_ms);
void dataplane_end_mirror_(struct dataplane *);
void dataplane_touch_all_(struct dataplane *, int64_t now_ms);
void dataplane_touch_(struct dataplane *, const struct apply *,
                      int64_t now_ms);

/* dataplane_reload.c */
void dataplane_reload_(struct dataplane *, struct plan *, const char *reason,
                       int64_t now_ms);
void dataplane_run_reload_(struct dataplane *, int64_t now_ms);

/* dataplane_grow.c: as many slots as the plan should have.
 * In what is written for the next worker. */
void dataplane_grow_files_(struct dataplane *, const struct plan *);
/* In the worker that runs; false where it cannot, and a reload must do it. */
bool dataplane_grow_live_(struct dataplane *, const struct plan *,
                          int64_t now_ms);
/* Finishes what an interrupted growth began. */
struct err *dataplane_publish_(struct dataplane *) MUST_USE;

/* dataplane_slots.c: quarantine, and when to grow. */
void dataplane_run_slots_(struct dataplane *, struct plan *, int64_t now_ms);
int64_t dataplane_wait_slots_(const struct dataplane *);
/* Why a reload is due for 'lacking' backends, NULL: none is. */
const char *dataplane_lacking_(const struct dataplane *, const struct plan *,
                               size_t lacking);

/* dataplane_keys.c: what nobody wants is overwritten in HAProxy's memory. */
void dataplane_note_keys_(struct dataplane *, int64_t now_ms);
void dataplane_run_keys_(struct dataplane *, const struct plan *,
                         int64_t now_ms);

/* dataplane.c */
struct want dataplane_want_(const struct dataplane *, const struct plan *);
struct apply dataplane_apply_(struct dataplane *, const struct plan *,
                              int64_t now_ms);
/* After an error: what HAProxy holds is unknown; look again in a while. */
void dataplane_fail_(struct dataplane *, struct err *, const char *what,
                     int64_t now_ms);

#endif /* HAPROXY_DATAPLANE_PRIV_H */
