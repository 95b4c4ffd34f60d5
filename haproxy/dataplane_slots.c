#include "haproxy/dataplane_priv.h"

#include <stdlib.h>

#include "haproxy/plan_priv.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* A class is scarce when less than this share of it is free. */
#define SCARCE_SHARE 5
/* Growth waits for a pause in changes of this length, but not for ever. */
#define QUIET_MS 5000
#define SCARCE_MAX_MS 60000
/* Options of TLS to servers that are left over when a reload is due. */
#define CLUTTER_MAX 100
/* Slots whose emptiness is asked for in one run. */
#define QUARANTINE_BATCH 50
#define QUARANTINE_AGAIN_MS 1000
/* A question to an authentication service names its slot before it gets there,
 * and finds its servers when the guard goes meanwhile.  Not for longer: nobody
 * looks any more whose their addresses are. */
#define PARK_MS 1000

/* --- Quarantine --- */

static void
note_due(struct dataplane *dp, int64_t due_ms)
{
    if (dp->quarantine_ms == 0 || due_ms < dp->quarantine_ms) {
        dp->quarantine_ms = due_ms;
    }
}

static bool
is_parked(const struct dataplane *dp, const struct slot *slot)
{
    const struct model_slot *have = map_get(dp->held.model->slots, slot->name);

    for (size_t i = 0; have && i < have->servers.n; i++) {
        if (have->servers.items[i].state != MODEL_MAINT) {
            return false;
        }
    }
    return true;
}

/* The servers of slots that were released a moment ago. */
static struct err *
park(struct dataplane *dp, struct apply *a, int64_t now_ms)
{
    struct slot *slot;

    command_begin(&a->batch, a->socket);
    for (size_t at = 0; (slot = slots_next(dp->held.slots, &at));) {
        int64_t due = slot->released_ms + PARK_MS;

        if (slot->state != SLOT_QUARANTINED || is_parked(dp, slot)) {
            continue;
        }
        if (due > now_ms) {
            note_due(dp, due);
        } else {
            apply_park(a, slot->name);
        }
    }
    return command_end(&a->batch);
}

/* Ends the quarantine of slots that HAProxy says are empty. */
static struct err *
look_at_slots(struct dataplane *dp, int64_t now_ms, struct diff *d)
{
    size_t n_asked = 0;
    struct slot *slot;

    for (size_t at = 0; (slot = slots_next(dp->held.slots, &at));) {
        int64_t due;
        bool is_idle;
        struct err *err;

        if (slot->state != SLOT_QUARANTINED) {
            continue;
        }
        due = slots_due(dp->held.slots, slot);
        if (due > now_ms) {
            note_due(dp, due);
            continue;
        }
        if (!slots_is_saved(dp->held.slots, slot) ||
            n_asked++ >= QUARANTINE_BATCH) {
            note_due(dp, now_ms + QUARANTINE_AGAIN_MS);
            continue;
        }
        err = observe_is_idle(dp->socket, slot->name, &is_idle);
        if (err) {
            return err;
        }
        if (is_idle) {
            slots_clear(dp->held.slots, slot);
            free(map_put(d->rows[MODEL_SLOTS], slot->name,
                         xstrdup(DIFF_GONE)));
        } else {
            note_due(dp, now_ms + QUARANTINE_AGAIN_MS);
        }
    }
    return NULL;
}

static void
run_quarantine(struct dataplane *dp, struct plan *plan, int64_t now_ms)
{
    AUTO_DIFF struct diff *d = diff_new();
    struct diff_released none = { 0 };
    struct apply a = dataplane_apply_(dp, plan, now_ms);
    struct err *err;

    if (slots_counts(dp->held.slots, NULL).quarantined == 0) {
        dp->quarantine_ms = 0;
        return;
    }
    if (dp->quarantine_ms > now_ms) {
        return;
    }
    dp->quarantine_ms = 0;
    err = park(dp, &a, now_ms);
    metric_add(dp->commands, (int64_t) a.batch.n_commands);
    if (!err) {
        err = look_at_slots(dp, now_ms, d);
    }
    if (!err && map_size(d->rows[MODEL_SLOTS]) > 0) {
        err = apply_diff(&a, d, &none);
        metric_add(dp->commands, (int64_t) a.batch.n_commands);
        dataplane_touch_(dp, &a, now_ms);
    }
    if (err) {
        dataplane_fail_(dp, err, "end the quarantine of slots", now_ms);
    }
}

/* --- Growth --- */

static bool
is_scarce(const struct dataplane *dp)
{
    size_t n;
    const struct program_class *classes = slots_classes(dp->held.slots, &n);

    for (size_t i = 0; i < n; i++) {
        struct slots_counts counts =
            slots_counts(dp->held.slots, &classes[i]);
        size_t all = counts.free + counts.used + counts.quarantined;

        /* Quarantined ones come back; a reload frees them at once. */
        if (counts.used > 0 && (all - counts.used) * SCARCE_SHARE < all &&
            classes[i].spares < PROGRAM_SPARES_MAX) {
            return true;
        }
    }
    return false;
}

/* Options of TLS to servers that nobody asks for any more: their servers are
 * parked for good, and a reload gives back what all of that takes. */
static bool
is_cluttered(const struct dataplane *dp, const struct plan *plan)
{
    size_t n = map_size(dp->held.model->maps[MODEL_SERVER_TLS]), n_used = 0;
    struct map_iter it = MAP_ITER;

    while (n > CLUTTER_MAX &&
           map_next(plan_items(plan, PLAN_SET_BACKENDS), &it)) {
        const struct plan_target *target = it.value;

        n_used += target->tls != NULL;
    }
    return n > CLUTTER_MAX + n_used;
}

static void
run_growth(struct dataplane *dp, struct plan *plan, int64_t now_ms)
{
    const char *reason = is_scarce(dp) ? "slots"
                         : is_cluttered(dp, plan) ? "servers" : NULL;

    if (!reason) {
        dp->scarce_ms = 0;
        return;
    }
    if (str_eq(reason, "slots") && dataplane_grow_live_(dp, plan, now_ms)) {
        return;
    }
    if (dp->scarce_ms == 0) {
        dp->scarce_ms = now_ms;
    }
    if (now_ms - dp->changed_ms >= QUIET_MS ||
        now_ms - dp->scarce_ms >= SCARCE_MAX_MS) {
        dataplane_reload_(dp, plan, reason, now_ms);
    }
}

void
dataplane_run_slots_(struct dataplane *dp, struct plan *plan, int64_t now_ms)
{
    struct slots_counts counts;

    run_quarantine(dp, plan, now_ms);
    if (dp->state == DATAPLANE_UP && !dp->must_observe) {
        run_growth(dp, plan, now_ms);
    }
    counts = slots_counts(dp->held.slots, NULL);
    metric_set(dp->slots_free, (int64_t) counts.free);
    metric_set(dp->slots_used, (int64_t) counts.used);
    metric_set(dp->slots_quarantined, (int64_t) counts.quarantined);
}

int64_t
dataplane_wait_slots_(const struct dataplane *dp)
{
    int64_t at = dp->quarantine_ms > 0 ? dp->quarantine_ms : INT64_MAX;
    int64_t grow;

    if (dp->scarce_ms > 0) {
        grow = dp->changed_ms + QUIET_MS;
        if (grow > dp->scarce_ms + SCARCE_MAX_MS) {
            grow = dp->scarce_ms + SCARCE_MAX_MS;
        }
        if (grow < dp->reload_retry_ms) {
            grow = dp->reload_retry_ms;
        }
        at = grow < at ? grow : at;
    }
    return at;
}

const char *
dataplane_lacking_(const struct dataplane *dp, const struct plan *plan,
                   size_t lacking)
{
    struct map_iter it = MAP_ITER;

    if (lacking == 0) {
        return NULL;
    }
    while (map_next(plan_items(plan, PLAN_SET_BACKENDS), &it)) {
        const struct plan_target *target = it.value;
        struct program_class class = slots_class_of(
            target->kind, target->balance, target->connect_ms, target->retry);

        if (!slots_has_class(dp->held.slots, &class)) {
            return "class";
        }
    }
    return "slots";
}
