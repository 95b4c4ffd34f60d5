#include "haproxy/plan.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/plan_inside.h"
#include "haproxy/servertls.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* --- Items and their users --- */

static void
free_target(void *p)
{
    struct plan_target *target = p;

    free(target->name);
    free(target->servers);
    free(target->tls);
    free(target->ca);
    free(target->cert);
    free(target);
}

void
plan_soil_(struct plan *plan, enum plan_set set, const char *key)
{
    static char mark;

    map_put(plan->dirty[set], key, &mark);
}

void
plan_change_(struct plan *plan, enum plan_set set, const char *key)
{
    plan->generation++;
    plan_soil_(plan, set, key);
}

struct plan_target *
plan_use_target_(struct plan *plan, const char *name)
{
    struct plan_target *target = map_get(plan->targets, name);

    if (!target) {
        target = xcalloc(1, sizeof *target);
        target->name = xstrdup(name);
        map_put(plan->targets, name, target);
    }
    target->users++;
    return target;
}

void
plan_release_target_(struct plan *plan, struct plan_target *target)
{
    if (target && --target->users == 0 && !target->is_defined) {
        map_remove(plan->targets, target->name);
        free_target(target);
    }
}

/* --- A plan --- */

struct plan *
plan_new(void)
{
    struct plan *plan = xcalloc(1, sizeof *plan);
    AUTO_POLICY struct policy *empty = policy_new();

    for (size_t i = 0; i < PLAN_SETS; i++) {
        if (i != PLAN_SET_ROUTES && i != PLAN_SET_ROUTES_HTTPS) {
            plan->sets[i] = map_new();
        }
        plan->dirty[i] = map_new_batch();
    }
    map_new_pair(&plan->sets[PLAN_SET_ROUTES],
                 &plan->sets[PLAN_SET_ROUTES_HTTPS]);
    plan->targets = map_new();
    plan->empty = plan_use_policy_(plan, empty);
    return plan;
}

void
plan_free(struct plan *plan)
{
    static void (*const frees[PLAN_SETS])(void *) = {
        [PLAN_SET_ROUTES] = plan_free_row_,
        [PLAN_SET_ROUTES_HTTPS] = plan_free_row_,
        [PLAN_SET_REGEXES] = plan_free_regexes_,
        [PLAN_SET_REGEXES_HTTPS] = plan_free_regexes_,
        [PLAN_SET_CERTS] = plan_free_cert_,
        [PLAN_SET_SNIS] = plan_free_name_,
        [PLAN_SET_POLICIES] = plan_free_policy_,
    };

    if (!plan) {
        return;
    }
    for (size_t i = 0; i < PLAN_SETS; i++) {
        map_free(plan->sets[i], frees[i]);
        map_free(plan->dirty[i], NULL);
    }
    map_free(plan->targets, free_target);
    free(plan);
}

uint64_t
plan_generation(const struct plan *plan)
{
    return plan->generation;
}

const struct map *
plan_items(const struct plan *plan, enum plan_set set)
{
    return plan->sets[set];
}

static bool
names_moved(const struct plan_row *row)
{
    for (size_t i = 0; i < PLAN_N_OTHERS; i++) {
        const struct plan_target *other = plan_row_other(row, i);

        if (other && other->has_moved) {
            return true;
        }
    }
    return row->target && row->target->has_moved;
}

static void
settle_rows(struct plan *plan, enum plan_set set)
{
    struct map_iter it = MAP_ITER;

    while (map_next(plan->sets[set], &it)) {
        const struct plan_row *row = it.value;

        if (names_moved(row)) {
            plan_soil_(plan, set, it.key);
        }
    }
}

static void
settle_regexes(struct plan *plan, enum plan_set set)
{
    struct map_iter it = MAP_ITER;

    while (map_next(plan->sets[set], &it)) {
        const struct plan_regexes *regexes = it.value;

        for (size_t i = 0; i < regexes->n; i++) {
            const struct plan_row *row = &regexes->items[i].row;

            if (names_moved(row)) {
                plan_soil_(plan, set, it.key);
            }
        }
    }
}

/* Rows of a backend that came, went or changed its class while they were
 * there are rare: one walk finds them all. */
static void
settle(struct plan *plan)
{
    struct map_iter it = MAP_ITER;

    if (!plan->has_moved) {
        return;
    }
    settle_rows(plan, PLAN_SET_ROUTES);
    settle_rows(plan, PLAN_SET_ROUTES_HTTPS);
    settle_regexes(plan, PLAN_SET_REGEXES);
    settle_regexes(plan, PLAN_SET_REGEXES_HTTPS);
    while (map_next(plan->sets[PLAN_SET_PASSTHROUGHS], &it)) {
        const struct plan_target *target = it.value;

        if (target->has_moved) {
            plan_soil_(plan, PLAN_SET_PASSTHROUGHS, it.key);
        }
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(plan->targets, &it)) {
        struct plan_target *target = it.value;

        target->has_moved = false;
    }
    plan->has_moved = false;
}

const struct map *
plan_dirty(struct plan *plan, enum plan_set set)
{
    settle(plan);
    return plan->dirty[set];
}

bool
plan_is_dirty(const struct plan *plan)
{
    for (size_t i = 0; i < PLAN_SETS; i++) {
        if (map_size(plan->dirty[i]) > 0) {
            return true;
        }
    }
    return plan->has_moved;
}

void
plan_clean(struct plan *plan)
{
    struct map_iter it = MAP_ITER;

    settle(plan);
    while (map_next(plan->dirty[PLAN_SET_POLICIES], &it)) {
        struct plan_policy *policy =
            map_get(plan->sets[PLAN_SET_POLICIES], it.key);

        if (policy && policy->users == 0) {
            map_remove(plan->sets[PLAN_SET_POLICIES], it.key);
            plan_free_policy_(policy);
        }
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(plan->dirty[PLAN_SET_CERTS], &it)) {
        const struct plan_cert *cert =
            map_get(plan->sets[PLAN_SET_CERTS], it.key);

        pem_text_forget(cert ? cert->text : NULL);
    }
    for (size_t i = 0; i < PLAN_SETS; i++) {
        if (map_size(plan->dirty[i]) > 0) {
            map_free(plan->dirty[i], NULL);
            plan->dirty[i] = map_new_batch();
        }
    }
}

/* --- Backends --- */

static int
compare_servers(const void *a, const void *b)
{
    const struct plan_server *x = a, *y = b;
    int order = strcmp(x->address, y->address);

    if (order == 0) {
        order = (x->port > y->port) - (x->port < y->port);
    }
    return order != 0 ? order : (int) x->protocol - (int) y->protocol;
}

/* A sorted copy in which every address:port of one protocol stands once;
 * ready wins. */
static struct plan_server *
copy_servers(const struct plan_backend *b, size_t *n)
{
    struct plan_server *copy = xcalloc(b->n_servers, sizeof *copy);
    size_t kept = 0;

    if (b->n_servers > 0) {
        memcpy(copy, b->servers, b->n_servers * sizeof *copy);
        qsort(copy, b->n_servers, sizeof *copy, compare_servers);
    }
    for (size_t i = 0; i < b->n_servers; i++) {
        if (kept == 0 || compare_servers(&copy[kept - 1], &copy[i]) != 0) {
            copy[kept++] = copy[i];
        } else if (copy[i].state == PLAN_READY) {
            copy[kept - 1].state = PLAN_READY;
        }
    }
    *n = kept;
    return copy;
}

static bool
is_same_servers(const struct plan_target *target,
                const struct plan_server *servers, size_t n)
{
    if (target->n_servers != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (compare_servers(&target->servers[i], &servers[i]) != 0 ||
            target->servers[i].state != servers[i].state) {
            return false;
        }
    }
    return true;
}

static void
move_target(struct plan *plan, struct plan_target *target)
{
    if (target->users > 0) {
        target->has_moved = true;
        plan->has_moved = true;
    }
}

void
plan_set_backend(struct plan *plan, const char *name,
                 const struct plan_backend *b)
{
    AUTO_FREE char *tls = b->tls ? servertls_words(b->tls) : NULL;
    struct plan_backend without = *b;

    if (b->tls && !tls) {
        without.n_servers = 0;  /* Nobody may be spoken to that way. */
    }
    plan_put_backend(plan, name, &without, tls);
}

static void
set_text(char **to, const char *text)
{
    free(*to);
    *to = text ? xstrdup(text) : NULL;
}

static void
set_tls(struct plan_target *target, const struct plan_server_tls *from,
        const char *words)
{
    set_text(&target->tls, words);
    set_text(&target->ca, from ? from->ca : NULL);
    set_text(&target->cert, from ? from->cert : NULL);
}

void
plan_put_backend(struct plan *plan, const char *name,
                 const struct plan_backend *b, const char *tls)
{
    struct plan_target *target = map_get(plan->targets, name);
    size_t n;
    struct plan_server *servers = copy_servers(b, &n);
    bool is_same_class;

    if (!target) {
        target = plan_use_target_(plan, name);
        target->users = 0;
    }
    is_same_class = target->is_defined && target->kind == b->kind &&
                    target->balance == b->balance &&
                    target->connect_ms == b->connect_ms &&
                    target->retry == b->retry;
    if (is_same_class && str_eq(target->tls, tls) &&
        is_same_servers(target, servers, n)) {
        free(servers);
        return;
    }
    /* Rows name another backend only while it has a server. */
    if (!is_same_class ||
        (target->other_users > 0 &&
         (target->n_servers > 0) != (n > 0))) {
        move_target(plan, target);
    }
    plan->n_servers += n;
    plan->n_servers -= target->n_servers;
    free(target->servers);
    target->servers = servers;
    target->n_servers = n;
    set_tls(target, b->tls, tls);
    target->kind = b->kind;
    target->balance = b->balance;
    target->connect_ms = b->connect_ms;
    target->retry = b->retry;
    target->is_defined = true;
    map_put(plan->sets[PLAN_SET_BACKENDS], name, target);
    plan_change_(plan, PLAN_SET_BACKENDS, name);
}

void
plan_del_backend(struct plan *plan, const char *name)
{
    struct plan_target *target =
        map_remove(plan->sets[PLAN_SET_BACKENDS], name);

    if (!target) {
        return;
    }
    plan_change_(plan, PLAN_SET_BACKENDS, name);
    plan->n_servers -= target->n_servers;
    free(target->servers);
    target->servers = NULL;
    target->n_servers = 0;
    set_tls(target, NULL, NULL);
    target->is_defined = false;
    move_target(plan, target);
    if (target->users == 0) {
        map_remove(plan->targets, name);
        free_target(target);
    }
}

struct plan_counts
plan_counts(const struct plan *plan)
{
    return (struct plan_counts) {
        .routes = map_size(plan->sets[PLAN_SET_ROUTES]) +
                  map_size(plan->sets[PLAN_SET_ROUTES_HTTPS]),
        .backends = map_size(plan->sets[PLAN_SET_BACKENDS]),
        .servers = plan->n_servers,
        .certs = map_size(plan->sets[PLAN_SET_CERTS]),
        .passthroughs = map_size(plan->sets[PLAN_SET_PASSTHROUGHS]),
    };
}
