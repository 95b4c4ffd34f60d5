#include "haproxy/dataplane_priv.h"

#include <stdlib.h>

#include "haproxy/plan_priv.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

/* --- How many --- */

struct need {
    struct program_class class;
    size_t n;                   /* Backends of the plan. */
};

static struct need *
add_need(struct map *needs, const struct program_class *class)
{
    char name[PROGRAM_NAME_SIZE];
    struct need *need;

    program_class_name(class, name);
    need = map_get(needs, name);
    if (!need && map_size(needs) < PROGRAM_CLASSES_MAX) {
        need = xcalloc(1, sizeof *need);
        need->class = *class;
        map_put(needs, name, need);
    }
    return need;
}

/* By class name, the classes that are always there and the plan's. */
static struct map *
count_needs(const struct plan *plan)
{
    static const enum plan_kind kinds[] = { PLAN_PLAIN, PLAN_POLICY,
                                            PLAN_COOKIE, PLAN_TCP };
    struct map *needs = map_new();
    struct map_iter it = MAP_ITER;

    for (size_t i = 0; i < 2 * ARRAY_SIZE(kinds); i++) {
        struct program_class class =
            slots_class_of(kinds[i / 2], i % 2 ? PLAN_LEASTCONN
                                               : PLAN_ROUNDROBIN,
                           SLOTS_CONNECT_MS, 0);

        (void) add_need(needs, &class);
    }
    while (map_next(plan_items(plan, PLAN_SET_BACKENDS), &it)) {
        const struct plan_target *target = it.value;
        struct program_class class =
            slots_class_of(target->kind, target->balance,
                           target->connect_ms, target->retry);
        struct need *need = add_need(needs, &class);

        if (need) {
            need->n++;
        }
    }
    return needs;
}

static void
grow(struct slots *slots, const struct map *needs)
{
    struct map_iter it = MAP_ITER;

    while (map_next(needs, &it)) {
        const struct need *need = it.value;

        slots_grow(slots, &need->class, slots_wanted(&need->class, need->n));
    }
}

void
dataplane_grow_files_(struct dataplane *dp, const struct plan *plan)
{
    struct map *needs = count_needs(plan);

    grow(dp->held.slots, needs);
    map_free(needs, free);
}

/* --- In the worker that runs, 3.4 and later --- */

/* Born unpublished, a backend is passed over by use_backend until it is
 * published; both in one line, so that what is there is in use. */
static unsigned
put_backends(struct command_batch *b, const struct slots *slots,
             const struct need *need)
{
    unsigned wanted = slots_wanted(&need->class, need->n), n = 0;
    char class[PROGRAM_NAME_SIZE];

    program_class_name(&need->class, class);
    for (unsigned i = 1; i <= wanted; i++) {
        char name[PROGRAM_NAME_SIZE];

        program_slot_name(&need->class, i, name);
        if (!slots_by_name(slots, name)) {
            command_put(b, REPLY_BACKEND_ADD, "add backend %s from %s", name,
                        class);
            command_put(b, REPLY_BACKEND_PUBLISH, "publish backend %s",
                        name);
            n++;
        }
    }
    return n;
}

/* Only a class that the worker was started with has the named defaults
 * section that a backend is made from; others come with a reload. */
static void
drop_unknown(const struct slots *slots, struct map *needs)
{
    struct map_iter it = MAP_ITER;

    while (map_next(needs, &it)) {
        const struct need *need = it.value;

        if (!slots_has_class(slots, &need->class)) {
            char name[PROGRAM_NAME_SIZE];

            program_class_name(&need->class, name);
            free(map_remove(needs, name));
            it = (struct map_iter) MAP_ITER;
        }
    }
}

static struct err *
add_backends(struct dataplane *dp, const struct map *needs,
             unsigned *n_added)
{
    struct map_iter it = MAP_ITER;
    struct command_batch b;
    struct err *err;

    *n_added = 0;
    command_begin(&b, dp->socket);
    while (map_next(needs, &it)) {
        *n_added += put_backends(&b, dp->held.slots, it.value);
    }
    err = command_end(&b);
    metric_add(dp->commands, (int64_t) b.n_commands);
    return err;
}

bool
dataplane_grow_live_(struct dataplane *dp, const struct plan *plan,
                     int64_t now_ms)
{
    struct apply touched = { .touched_config = true };
    unsigned n_added = 0;
    struct map *needs;
    struct err *err;

    if (!dp->features.has[FEATURE_ADD_BACKEND] || dp->has_refused_growth) {
        return false;
    }
    needs = count_needs(plan);
    drop_unknown(dp->held.slots, needs);
    err = add_backends(dp, needs, &n_added);
    if (err) {
        log_warn("haproxy", NULL, "HAProxy does not add slots as it runs "
                 "(%s): they come with a reload", err_text(err));
        err_free(err);
        dp->has_refused_growth = true;
        n_added = 0;
    }
    if (n_added > 0) {
        log_info("haproxy", NULL, "%u slots added without a reload", n_added);
        grow(dp->held.slots, needs);
        dp->scarce_ms = 0;
        dataplane_touch_(dp, &touched, now_ms);
    }
    map_free(needs, free);
    return n_added > 0;
}

struct err *
dataplane_publish_(struct dataplane *dp)
{
    struct command_batch b;
    struct slot *slot;
    struct err *err;

    command_begin(&b, dp->socket);
    for (size_t at = 0; (slot = slots_next(dp->held.slots, &at));) {
        command_put(&b, REPLY_BACKEND_PUBLISH, "publish backend %s",
                    slot->name);
    }
    err = command_end(&b);
    metric_add(dp->commands, (int64_t) b.n_commands);
    return err;
}
