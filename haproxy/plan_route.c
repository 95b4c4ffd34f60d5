#include "haproxy/plan_inside.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

/* --- Policies --- */

struct collect {
    VEC(struct plan_policy_row) rows;
};

static void
collect_row(const char *map, const char *key, const char *value, void *aux)
{
    struct collect *c = aux;
    struct plan_policy_row row = { .map = xstrdup(map), .key = xstrdup(key),
                                   .value = xstrdup(value) };

    VEC_PUSH(&c->rows, row);
}

static struct plan_policy *
add_policy(struct plan *plan, const char *id, uint32_t flags,
           const struct collect *c)
{
    struct plan_policy *item = xcalloc(1, sizeof *item);

    item->id = xstrdup(id);
    item->flags = flags;
    item->rows = c->rows.items;
    item->n_rows = c->rows.n;
    map_put(plan->sets[PLAN_SET_POLICIES], id, item);
    return item;
}

/* One more user of 'policy'; NULL is a policy like any other here. */
struct plan_policy *
plan_use_policy_(struct plan *plan, const struct policy *policy)
{
    struct plan_policy *item;
    char id[POLICY_ID_SIZE];

    policy_id(policy, id);
    item = map_get(plan->sets[PLAN_SET_POLICIES], id);
    if (!item) {
        struct collect c = { 0 };

        policy_rows(policy, collect_row, &c);
        if (c.rows.n == 0) {
            /* The policy program asks for this row before anything else. */
            AUTO_FREE char *key = xasprintf("%s|", id);

            collect_row("policy", key, "ok", &c);
        }
        item = add_policy(plan, id, policy_flags(policy), &c);
        item->need = policy_need(policy);
    }
    if (item->users++ == 0) {
        plan_soil_(plan, PLAN_SET_POLICIES, item->id);
    }
    return item;
}

struct plan_policy *
plan_put_policy(struct plan *plan, const char *id, uint32_t flags,
                const struct plan_policy_row *rows, size_t n)
{
    struct plan_policy *item = map_get(plan->sets[PLAN_SET_POLICIES], id);
    struct collect c = { 0 };

    if (!item) {
        for (size_t i = 0; i < n; i++) {
            collect_row(rows[i].map, rows[i].key, rows[i].value, &c);
        }
        item = add_policy(plan, id, flags, &c);
    }
    return item;
}

const struct plan_policy *
plan_empty_policy(const struct plan *plan)
{
    return plan->empty;
}

void
plan_free_policy_(void *p)
{
    struct plan_policy *policy = p;

    for (size_t i = 0; i < policy->n_rows; i++) {
        free(policy->rows[i].map);
        free(policy->rows[i].key);
        free(policy->rows[i].value);
    }
    free(policy->rows);
    free(policy->id);
    free(policy);
}

void
plan_free_regexes_(void *p)
{
    struct plan_regexes *regexes = p;

    for (size_t i = 0; i < regexes->n; i++) {
        free(regexes->items[i].key);
        free(regexes->items[i].row.others);
    }
    free(regexes->items);
    free(regexes);
}

static void
release_policy(struct plan *plan, struct plan_policy *policy)
{
    if (policy && --policy->users == 0) {
        plan_soil_(plan, PLAN_SET_POLICIES, policy->id);
    }
}

static void
release_row(struct plan *plan, struct plan_row *row)
{
    plan_release_target_(plan, row->target);
    for (size_t i = 0; i < PLAN_N_OTHERS; i++) {
        struct plan_target *other = plan_row_other(row, i);

        if (other) {
            other->other_users--;
        }
        plan_release_target_(plan, other);
    }
    free(row->others);
    release_policy(plan, row->policy);
    *row = (struct plan_row) { .action = PLAN_NOT_FOUND };
}

static bool
has_same_others(const struct plan_row *a, const struct plan_row *b)
{
    for (size_t i = 0; i < PLAN_N_OTHERS; i++) {
        if (plan_row_other(a, i) != plan_row_other(b, i)) {
            return false;
        }
    }
    return true;
}

static bool
is_same_row(const struct plan_row *a, const struct plan_row *b)
{
    return a->action == b->action && a->choose == b->choose &&
           a->target == b->target && a->policy == b->policy &&
           has_same_others(a, b);
}

/* --- Routes --- */

/* Takes the user of put->policy and adds one of put->backend. */
static struct plan_row
make_row(struct plan *plan, const struct plan_put *put)
{
    struct plan_row row = { .action = put->action, .choose = put->choose,
                            .policy = put->policy };

    if (row.action == PLAN_FORWARD && put->backend) {
        row.target = plan_use_target_(plan, put->backend);
    }
    for (size_t i = 0; row.target && i < PLAN_N_OTHERS; i++) {
        if (put->others[i]) {
            row.others = row.others ? row.others
                                    : xcalloc(1, sizeof *row.others);
            row.others->items[i] = plan_use_target_(plan, put->others[i]);
            row.others->items[i]->other_users++;
        }
    }
    return row;
}

/* Where a row that many routes have in common is found; NULL: it is one of a
 * few. */
static struct plan_row **
common_place(struct plan *plan, const struct plan_row *row)
{
    if (row->policy || row->others || row->choose) {
        return NULL;
    }
    return row->target ? &row->target->row : &plan->rows[row->action];
}

/* One key less has it; the last one frees it. */
static void
leave_row(struct plan *plan, struct plan_row *row)
{
    if (row && --row->users == 0) {
        struct plan_row **place = common_place(plan, row);

        if (place) {
            *place = NULL;
        }
        release_row(plan, row);
        free(row);
    }
}

void
plan_free_row_(void *p)
{
    struct plan_row *row = p;

    if (--row->users == 0) {
        free(row->others);
        free(row);
    }
}

static void
set_row(struct plan *plan, enum plan_table table, const char *key,
        struct plan_row row)
{
    enum plan_set set = PLAN_SET_ROUTES + table;
    enum plan_set beside = table == PLAN_HTTP ? PLAN_SET_ROUTES_HTTPS
                                              : PLAN_SET_ROUTES;
    struct plan_row *old = map_get(plan->sets[set], key);
    struct plan_row **place = common_place(plan, &row);
    struct plan_row *new = place ? *place : map_get(plan->sets[beside], key);

    if (old && is_same_row(old, &row)) {
        release_row(plan, &row);
        return;
    }
    if (new && is_same_row(new, &row)) {
        release_row(plan, &row);
    } else {
        new = xmemdup(&row, sizeof row);
    }
    if (place) {
        *place = new;
    }
    new->users++;
    map_put(plan->sets[set], key, new);
    leave_row(plan, old);
    plan_change_(plan, set, key);
}

static struct plan_put
put_of(struct plan *plan, const struct plan_route *route)
{
    bool has_policy = (route->action == PLAN_FORWARD ||
                       route->action == PLAN_HTTPS_REDIRECT ||
                       route->action == PLAN_REDIRECT) &&
                      !policy_equal(route->policy, NULL);

    struct plan_put put = {
        .action = route->action,
        .choose = route->choose,
        .backend = route->backend,
        .policy = has_policy ? plan_use_policy_(plan, route->policy) : NULL,
    };

    memcpy(put.others, route->others, sizeof put.others);
    return put;
}

void
plan_set_route(struct plan *plan, enum plan_table table, const char *key,
               const struct plan_route *route)
{
    struct plan_put put = put_of(plan, route);

    set_row(plan, table, key, make_row(plan, &put));
}

void
plan_put_route(struct plan *plan, enum plan_table table, const char *key,
               const struct plan_put *put)
{
    if (put->policy) {
        put->policy->users++;
    }
    set_row(plan, table, key, make_row(plan, put));
}

void
plan_del_route(struct plan *plan, enum plan_table table, const char *key)
{
    enum plan_set set = PLAN_SET_ROUTES + table;
    struct plan_row *row = map_get(plan->sets[set], key);

    if (row) {
        plan_change_(plan, set, key);       /* 'key' may be the map's own. */
        map_remove(plan->sets[set], key);
        leave_row(plan, row);
    }
}

const char *
plan_route_key(const struct plan *plan, const char *key)
{
    const char *own = map_key(plan->sets[PLAN_SET_ROUTES], key);

    return own ? own : map_key(plan->sets[PLAN_SET_ROUTES_HTTPS], key);
}

static bool
is_same_regexes(const struct plan_regexes *a, const struct plan_regexes *b)
{
    if ((a ? a->n : 0) != b->n) {
        return false;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (!str_eq(a->items[i].key, b->items[i].key) ||
            !is_same_row(&a->items[i].row, &b->items[i].row)) {
            return false;
        }
    }
    return true;
}

static void
drop_regexes(struct plan *plan, struct plan_regexes *regexes)
{
    for (size_t i = 0; regexes && i < regexes->n; i++) {
        release_row(plan, &regexes->items[i].row);
    }
    if (regexes) {
        plan_free_regexes_(regexes);
    }
}

/* Takes 'regexes'. */
static void
set_regexes(struct plan *plan, enum plan_table table, const char *host,
            struct plan_regexes *regexes)
{
    enum plan_set set = PLAN_SET_REGEXES + table;

    if (is_same_regexes(map_get(plan->sets[set], host), regexes)) {
        drop_regexes(plan, regexes);
        return;
    }
    if (regexes->n > 0) {
        drop_regexes(plan, map_put(plan->sets[set], host, regexes));
    } else {
        drop_regexes(plan, map_remove(plan->sets[set], host));
        plan_free_regexes_(regexes);
    }
    plan_change_(plan, set, host);
}

void
plan_set_regexes(struct plan *plan, enum plan_table table, const char *host,
                 const struct plan_regex *list, size_t n)
{
    struct plan_regexes *regexes = xcalloc(1, sizeof *regexes);

    regexes->items = xcalloc(n, sizeof *regexes->items);
    for (size_t i = 0; i < n; i++) {
        AUTO_BUF struct buf key = BUF_INIT(PLAN_REGEX_KEY_MAX);
        AUTO_ERR struct err *err = policy_regex_key(host, list[i].regex,
                                                    list[i].ignore_case,
                                                    &key);
        struct plan_put put;

        if (err || key.overflowed) {
            AUTO_FREE char *shown = str_quote(list[i].regex);

            log_error("haproxy", host, "regular expression %s is left out: "
                      "%s", shown, err ? err_text(err) : "too long");
            continue;
        }
        put = put_of(plan, &list[i].route);
        regexes->items[regexes->n].key = buf_take(&key);
        regexes->items[regexes->n++].row = make_row(plan, &put);
    }
    set_regexes(plan, table, host, regexes);
}

void
plan_put_regexes(struct plan *plan, enum plan_table table, const char *host,
                 char *const *keys, const struct plan_put *puts, size_t n)
{
    struct plan_regexes *regexes = xcalloc(1, sizeof *regexes);

    regexes->items = xcalloc(n, sizeof *regexes->items);
    regexes->n = n;
    for (size_t i = 0; i < n; i++) {
        if (puts[i].policy) {
            puts[i].policy->users++;
        }
        regexes->items[i].key = xstrdup(keys[i]);
        regexes->items[i].row = make_row(plan, &puts[i]);
    }
    set_regexes(plan, table, host, regexes);
}
