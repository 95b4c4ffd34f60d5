#include "haproxy/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

struct slots {
    VEC(struct slot *) all;
    VEC(struct program_class) classes;
    VEC(struct slots_counts) counts;    /* By class. */
    VEC(size_t) hints;          /* By class: where a free one may begin. */
    struct map *by_name;
    struct map *by_owner;
    uint64_t n_released, n_saved;
};

struct slots *
slots_new(void)
{
    struct slots *slots = xcalloc(1, sizeof *slots);

    slots->by_name = map_new();
    slots->by_owner = map_new();
    return slots;
}

void
slots_free(struct slots *slots)
{
    if (!slots) {
        return;
    }
    for (size_t i = 0; i < slots->all.n; i++) {
        free(slots->all.items[i]->owner);
        free(slots->all.items[i]);
    }
    VEC_FINI(&slots->all);
    VEC_FINI(&slots->classes);
    VEC_FINI(&slots->counts);
    VEC_FINI(&slots->hints);
    map_free(slots->by_name, NULL);
    map_free(slots->by_owner, NULL);
    free(slots);
}

/* --- Classes --- */

static enum program_kind
kind_of(enum plan_kind kind)
{
    switch (kind) {
    case PLAN_PLAIN:
        return PROGRAM_PLAIN;
    case PLAN_POLICY:
        return PROGRAM_POLICY;
    case PLAN_COOKIE:
        return PROGRAM_COOKIE;
    case PLAN_TCP:
        return PROGRAM_TCP;
    }
    abort();
}

static enum program_balance
balance_of(enum plan_balance balance)
{
    switch (balance) {
    case PLAN_ROUNDROBIN:
        return PROGRAM_ROUNDROBIN;
    case PLAN_LEASTCONN:
        return PROGRAM_LEASTCONN;
    case PLAN_HASH:
        return PROGRAM_HASH;
    }
    abort();
}

struct program_class
slots_class_of(enum plan_kind kind, enum plan_balance balance,
               uint32_t connect_ms, uint32_t retry)
{
    return (struct program_class) {
        .kind = kind_of(kind),
        .balance = balance_of(balance),
        .connect_ms = connect_ms > 0 ? connect_ms : SLOTS_CONNECT_MS,
        .retry = retry,
    };
}

/* "5000", or "5000r3m41": time-out, tries and reasons. */
static bool
parse_numbers(const char *text, uint32_t *connect_ms, uint32_t *retry)
{
    size_t n = strcspn(text, "r");
    AUTO_FREE char *connect = xstrndup(text, n);
    AUTO_FREE char *tries_text = NULL;
    const char *mark = text[n] ? strchr(text + n, 'm') : NULL;
    uint64_t ms, tries, on;

    *retry = 0;
    if (!parse_u64(connect, 1, 3600000, &ms) || (text[n] && !mark)) {
        return false;
    }
    *connect_ms = (uint32_t) ms;
    if (!mark) {
        return true;
    }
    tries_text = xstrndup(text + n + 1, (size_t) (mark - text) - n - 1);
    if (!parse_u64(tries_text, 1, PLAN_RETRY_TRIES_MAX, &tries) ||
        !parse_u64(mark + 1, 0, PLAN_RETRY_ALL, &on)) {
        return false;
    }
    *retry = PLAN_RETRY(tries, on);
    return true;
}

/* The numbers of a name by its last "." and "-"; the rest must be what
 * program_slot_name() writes for one of the classes. */
bool
slots_parse(const char *name, struct program_class *class, unsigned *index)
{
    const char *dot = strrchr(name, '.');
    const char *dash = strrchr(name, '-');
    AUTO_FREE char *numbers = NULL;
    uint32_t connect_ms, retry;
    uint64_t number;

    if (!dot || !dash || dash > dot ||
        strlen(name) >= PROGRAM_NAME_SIZE) {
        return false;
    }
    numbers = xstrndup(dash + 1, (size_t) (dot - dash - 1));
    if (!parse_numbers(numbers, &connect_ms, &retry) ||
        !parse_u64(dot + 1, 1, PROGRAM_SPARES_MAX, &number)) {
        return false;
    }
    *index = (unsigned) number;
    for (int kind = PLAN_PLAIN; kind <= PLAN_TCP; kind++) {
        for (int b = 0; b < PLAN_N_BALANCES; b++) {
            char made[PROGRAM_NAME_SIZE];

            *class = slots_class_of((enum plan_kind) kind,
                                    (enum plan_balance) b, connect_ms, retry);
            program_slot_name(class, *index, made);
            if (str_eq(made, name)) {
                return true;
            }
        }
    }
    return false;
}

static bool
is_same_class(const struct program_class *a, const struct program_class *b)
{
    return a->kind == b->kind && a->balance == b->balance &&
           a->connect_ms == b->connect_ms && a->retry == b->retry;
}

static size_t
class_index(const struct slots *slots, const struct program_class *class)
{
    size_t i = 0;

    while (i < slots->classes.n &&
           !is_same_class(&slots->classes.items[i], class)) {
        i++;
    }
    return i;
}

static size_t
add_class(struct slots *slots, const struct program_class *class)
{
    size_t i = class_index(slots, class);

    if (i == slots->classes.n) {
        struct program_class copy = *class;
        struct slots_counts counts = { 0 };

        copy.spares = 0;
        VEC_PUSH(&slots->classes, copy);
        VEC_PUSH(&slots->counts, counts);
        VEC_PUSH(&slots->hints, (size_t) 0);
    }
    return i;
}

bool
slots_has_class(const struct slots *slots, const struct program_class *class)
{
    return class_index(slots, class) < slots->classes.n;
}

const struct program_class *
slots_classes(const struct slots *slots, size_t *n)
{
    *n = slots->classes.n;
    return slots->classes.items;
}

/* --- Slots --- */

/* The search for a free slot of the class begins there at the latest. */
static void
hint(struct slots *slots, const struct slot *slot)
{
    size_t *from = &slots->hints.items[slot->class];

    if (slot->at < *from) {
        *from = slot->at;
    }
}

static void
add_slot(struct slots *slots, size_t class, unsigned index)
{
    struct program_class *c = &slots->classes.items[class];
    struct slot *slot = xcalloc(1, sizeof *slot);

    slot->class = class;
    slot->index = index;
    slot->at = slots->all.n;
    program_slot_name(c, index, slot->name);
    VEC_PUSH(&slots->all, slot);
    map_put(slots->by_name, slot->name, slot);
    slots->counts.items[class].free++;
    hint(slots, slot);
    if (index > c->spares) {
        c->spares = index;
    }
}

bool
slots_add(struct slots *slots, const char *name)
{
    struct program_class class = { 0 };
    unsigned index;

    if (!slots_parse(name, &class, &index)) {
        return false;
    }
    if (!map_get(slots->by_name, name)) {
        add_slot(slots, add_class(slots, &class), index);
    }
    return true;
}

void
slots_grow(struct slots *slots, const struct program_class *class,
           unsigned spares)
{
    size_t c = add_class(slots, class);

    for (unsigned i = 1; i <= spares && i <= PROGRAM_SPARES_MAX; i++) {
        char name[PROGRAM_NAME_SIZE];

        program_slot_name(class, i, name);
        if (!map_get(slots->by_name, name)) {
            add_slot(slots, c, i);
        }
    }
}

struct slot *
slots_find(const struct slots *slots, const char *owner)
{
    return map_get(slots->by_owner, owner);
}

struct slot *
slots_by_name(const struct slots *slots, const char *name)
{
    return map_get(slots->by_name, name);
}

static void
give(struct slots *slots, struct slot *slot, const char *owner)
{
    slots->counts.items[slot->class].free--;
    slots->counts.items[slot->class].used++;
    slot->state = SLOT_USED;
    slot->released = 0;
    slot->owner = xstrdup(owner);
    map_put(slots->by_owner, owner, slot);
}

/* The search begins where the last one ended; a slot that is cleared moves
 * the beginning back. */
struct slot *
slots_take(struct slots *slots, const char *owner,
           const struct program_class *class)
{
    size_t c = class_index(slots, class);

    if (c == slots->classes.n || slots->counts.items[c].free == 0) {
        return NULL;
    }
    for (size_t i = slots->hints.items[c]; i < slots->all.n; i++) {
        struct slot *slot = slots->all.items[i];

        if (slot->class == c && slot->state == SLOT_FREE) {
            slots->hints.items[c] = i + 1;
            give(slots, slot, owner);
            return slot;
        }
    }
    return NULL;
}

bool
slots_claim(struct slots *slots, const char *name, const char *owner)
{
    struct slot *slot = slots_by_name(slots, name);

    if (!slot || slot->state != SLOT_FREE || slots_find(slots, owner)) {
        return false;
    }
    give(slots, slot, owner);
    return true;
}

void
slots_release(struct slots *slots, struct slot *slot, int64_t now_ms)
{
    struct slots_counts *counts = &slots->counts.items[slot->class];

    if (slot->state == SLOT_QUARANTINED) {
        return;
    }
    if (slot->state == SLOT_USED) {
        if (slots_find(slots, slot->owner) == slot) {
            map_remove(slots->by_owner, slot->owner);
        }
        free(slot->owner);
        slot->owner = NULL;
        counts->used--;
    } else {
        counts->free--;
    }
    counts->quarantined++;
    slot->state = SLOT_QUARANTINED;
    slot->released_ms = now_ms;
    slot->released = ++slots->n_released;
}

int64_t
slots_due(const struct slots *slots, const struct slot *slot)
{
    const struct program_class *class = &slots->classes.items[slot->class];

    return slot->released_ms +
           (int64_t) class->connect_ms * PLAN_RETRY_TRIES(class->retry) +
           SLOTS_QUEUE_MS + SLOTS_MARGIN_MS;
}

void
slots_clear(struct slots *slots, struct slot *slot)
{
    if (slot->state == SLOT_QUARANTINED) {
        slot->state = SLOT_FREE;
        slot->released = 0;
        slots->counts.items[slot->class].quarantined--;
        slots->counts.items[slot->class].free++;
        hint(slots, slot);
    }
}

void
slots_clear_saved(struct slots *slots)
{
    for (size_t i = 0; i < slots->all.n; i++) {
        if (slots_is_saved(slots, slots->all.items[i])) {
            slots_clear(slots, slots->all.items[i]);
        }
    }
}

/* The classes that stay, with their new index where the old one was. */
static void
drop_classes(struct slots *slots, size_t *now)
{
    size_t n = 0;

    for (size_t c = 0; c < slots->classes.n; c++) {
        const struct slots_counts *counts = &slots->counts.items[c];

        now[c] = SIZE_MAX;
        if (counts->used + counts->quarantined > 0) {
            slots->classes.items[n] = slots->classes.items[c];
            slots->counts.items[n] = *counts;
            slots->hints.items[n] = 0;
            now[c] = n++;
        }
    }
    slots->classes.n = slots->counts.n = slots->hints.n = n;
}

void
slots_drop_idle_classes(struct slots *slots)
{
    AUTO_FREE size_t *now = xcalloc(slots->classes.n + 1, sizeof *now);
    size_t n = 0;

    drop_classes(slots, now);
    for (size_t i = 0; i < slots->all.n; i++) {
        struct slot *slot = slots->all.items[i];

        if (now[slot->class] == SIZE_MAX) {
            map_remove(slots->by_name, slot->name);
            free(slot);
            continue;
        }
        slot->class = now[slot->class];
        slot->at = n;
        slots->all.items[n++] = slot;
    }
    slots->all.n = n;
}

uint64_t
slots_released(const struct slots *slots)
{
    return slots->n_released;
}

void
slots_saved(struct slots *slots, uint64_t released)
{
    slots->n_saved = released;
}

bool
slots_is_saved(const struct slots *slots, const struct slot *slot)
{
    return slot->released <= slots->n_saved;
}

struct slot *
slots_next(const struct slots *slots, size_t *at)
{
    return *at < slots->all.n ? slots->all.items[(*at)++] : NULL;
}

struct slots_counts
slots_counts(const struct slots *slots, const struct program_class *class)
{
    struct slots_counts sum = { 0 };

    for (size_t i = 0; i < slots->classes.n; i++) {
        if (!class || is_same_class(&slots->classes.items[i], class)) {
            sum.free += slots->counts.items[i].free;
            sum.used += slots->counts.items[i].used;
            sum.quarantined += slots->counts.items[i].quarantined;
        }
    }
    return sum;
}

unsigned
slots_wanted(const struct program_class *class, size_t used)
{
    static const unsigned starts[] = {
        [PROGRAM_PLAIN] = 128,
        [PROGRAM_POLICY] = 128,
        [PROGRAM_COOKIE] = 32,
        [PROGRAM_TCP] = 16,
    };
    bool is_usual =
        class->connect_ms == SLOTS_CONNECT_MS && class->retry == 0;
    unsigned n = starts[class->kind];

    /* Measured: an empty section costs 10 KB, so rarer classes begin small. */
    if (class->balance != PROGRAM_ROUNDROBIN || !is_usual) {
        n /= 4;
    }
    while (n < PROGRAM_SPARES_MAX && n < 2 * used) {
        n *= 2;
    }
    return n < PROGRAM_SPARES_MAX ? n : PROGRAM_SPARES_MAX;
}
