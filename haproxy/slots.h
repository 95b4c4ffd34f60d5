/* slots: which backend of the plan has which slot of the program.
 *
 * A slot is a spare backend section of a class (kind, balance, connect
 * time-out).  It is free, used by one owner, or quarantined: after a release
 * a request that already stood in it may still be retried, queued or
 * streaming, so it serves nobody until HAProxy has said that nothing is in
 * it and the longest retry has passed.  A reload empties quarantine, because
 * the new worker has never seen those requests, but for slots that the files
 * of before still give to their old owners.
 *
 * Ownership: names are copied; returned slots stay ours.  Pure: no I/O, time
 * is an argument.  Not locked.
 */
#ifndef HAPROXY_SLOTS_H
#define HAPROXY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "haproxy/render.h"
#include "lib/base/compiler.h"

/* What a request may wait. */
#define SLOTS_CONNECT_MS 5000       /* plan_backend's connect_ms 0. */
#define SLOTS_QUEUE_MS 5000
#define SLOTS_MARGIN_MS 1000

enum slot_state { SLOT_FREE, SLOT_USED, SLOT_QUARANTINED };

struct slot {
    char name[PROGRAM_NAME_SIZE];
    enum slot_state state;
    size_t class;               /* Index in slots_class(). */
    unsigned index;             /* From 1. */
    size_t at;                  /* Its place in the walk of all slots. */
    char *owner;                /* SLOT_USED only. */
    int64_t released_ms;        /* SLOT_QUARANTINED only. */
    uint64_t released;          /* Its number among all releases; 0: none. */
};

struct slots;

struct slots *slots_new(void) MUST_USE RETURNS_NONNULL;
void slots_free(struct slots *);

/* The class of a backend; its spares are 0 here. */
struct program_class slots_class_of(enum plan_kind, enum plan_balance,
                                    uint32_t connect_ms, uint32_t retry);
/* Reads "policy-leastconn-5000.0001". */
bool slots_parse(const char *name, struct program_class *, unsigned *index);

/* Adds a slot by its name, free; false where it is no slot's name. */
bool slots_add(struct slots *, const char *name);
/* Makes 'class' have 'spares' slots at least. */
void slots_grow(struct slots *, const struct program_class *class,
                unsigned spares);
/* The classes with the number of slots each. */
const struct program_class *slots_classes(const struct slots *, size_t *n);
bool slots_has_class(const struct slots *, const struct program_class *);

/* What the slot of an owner is, NULL: none. */
struct slot *slots_find(const struct slots *, const char *owner);
struct slot *slots_by_name(const struct slots *, const char *name);

/* Gives a free slot of 'class' to 'owner', NULL: none is free.  An owner
 * that moves to another class has two slots for a while: slots_find() shows
 * the new one, the old one is the caller's to release. */
struct slot *slots_take(struct slots *, const char *owner,
                        const struct program_class *);
/* The same for a slot known by name, when adopting; false: not free. */
bool slots_claim(struct slots *, const char *name, const char *owner);
/* Puts a used or free slot into quarantine. */
void slots_release(struct slots *, struct slot *, int64_t now_ms);
/* From when on HAProxy may be asked whether the slot is empty. */
int64_t slots_due(const struct slots *, const struct slot *);
/* Ends the quarantine of one, or (for a worker that starts) of all that no file
 * gives to their old owners. */
void slots_clear(struct slots *, struct slot *);
void slots_clear_saved(struct slots *);
/* Forgets classes all of whose slots are free, before a worker starts: whoever
 * needs one again gets it anew, and they would add up. */
void slots_drop_idle_classes(struct slots *);
/* How many releases there were; files of this state give none of those
 * slots to its old owner any more.  slots_saved() notes that they are
 * written. */
uint64_t slots_released(const struct slots *);
void slots_saved(struct slots *, uint64_t released);
/* No file gives the slot to its old owner. */
bool slots_is_saved(const struct slots *, const struct slot *);

/* Walks all slots; NULL at the end.  '*at' begins with 0. */
struct slot *slots_next(const struct slots *, size_t *at);

struct slots_counts {
    size_t free, used, quarantined;
};
struct slots_counts slots_counts(const struct slots *,
                                 const struct program_class *);  /* NULL: all */

/* How many slots a class with 'used' owners should have: a power of two,
 * half of it spare, never below its kind's start. */
unsigned slots_wanted(const struct program_class *, size_t used);

#endif /* HAPROXY_SLOTS_H */
