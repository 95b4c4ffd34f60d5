/* plan_inside: what the files of plan share and nobody else includes. */
#ifndef HAPROXY_PLAN_INSIDE_H
#define HAPROXY_PLAN_INSIDE_H

#include "haproxy/plan_priv.h"

struct plan {
    uint64_t generation;
    struct map *sets[PLAN_SETS];
    struct map *targets;        /* All names, defined or only used. */
    struct map *dirty[PLAN_SETS];
    bool has_moved;             /* Some target has: see settle(). */
    struct plan_policy *empty;  /* Policy slots want some policy. */
    /* The rows that have nothing but their action; NULL: there is none. */
    struct plan_row *rows[PLAN_N_ACTIONS];
    size_t n_servers;
};

/* Notes an item as dirty; plan_change_() raises the generation too. */
void plan_soil_(struct plan *, enum plan_set, const char *key);
void plan_change_(struct plan *, enum plan_set, const char *key);

/* One user more or less of a backend's name. */
struct plan_target *plan_use_target_(struct plan *, const char *name);
void plan_release_target_(struct plan *, struct plan_target *);

/* One more user of 'policy'; NULL is a policy like any other here. */
struct plan_policy *plan_use_policy_(struct plan *, const struct policy *);

void plan_free_policy_(void *);
void plan_free_row_(void *);
void plan_free_regexes_(void *);
void plan_free_cert_(void *);
void plan_free_name_(void *);

#endif /* HAPROXY_PLAN_INSIDE_H */
