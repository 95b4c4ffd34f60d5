#include "haproxy/diff.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/quote.h"
#include "haproxy/servertls.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct diff *
diff_new(void)
{
    struct diff *d = xcalloc(1, sizeof *d);

    for (size_t i = 0; i < MODEL_MAPS; i++) {
        d->rows[i] = map_new();
    }
    d->slots = map_new();
    d->certs = map_new();
    d->snis = map_new();
    return d;
}

void
diff_free(struct diff *d)
{
    if (!d) {
        return;
    }
    for (size_t i = 0; i < MODEL_MAPS; i++) {
        map_free(d->rows[i], free);
    }
    for (size_t i = 0; i < 2; i++) {
        model_rows_clear(&d->lists[i]);
        VEC_FINI(&d->lists[i].rows);
    }
    map_free(d->slots, model_slot_free);
    map_free(d->certs, model_cert_free);
    map_free(d->snis, free);
    free(d);
}

void
diff_freep(struct diff **d)
{
    diff_free(*d);
}

/* --- Slots --- */

static bool
is_class(const struct slots *slots, const struct slot *slot,
         const struct program_class *want)
{
    size_t n;
    const struct program_class *have = slots_classes(slots, &n) + slot->class;

    return have->kind == want->kind && have->balance == want->balance &&
           have->connect_ms == want->connect_ms &&
           have->retry == want->retry;
}

static void
assign_one(struct plan *plan, struct slots *slots, const char *name,
           struct diff_released *released, size_t *lacking)
{
    const struct plan_target *target =
        map_get(plan_items(plan, PLAN_SET_BACKENDS), name);
    struct slot *old = slots_find(slots, name);
    struct program_class class;

    if (!target) {
        if (old) {
            VEC_PUSH(&released->slots, old);
        }
        return;
    }
    class = slots_class_of(target->kind, target->balance,
                           target->connect_ms, target->retry);
    if (old && is_class(slots, old, &class)) {
        return;
    }
    if (!slots_take(slots, name, &class)) {
        (*lacking)++;
    } else if (old) {
        VEC_PUSH(&released->slots, old);
    }
}

void
diff_assign(struct plan *plan, struct slots *slots, bool all,
            struct diff_released *released, size_t *lacking)
{
    const struct map *names = all ? plan_items(plan, PLAN_SET_BACKENDS)
                                  : plan_dirty(plan, PLAN_SET_BACKENDS);
    struct map_iter it = MAP_ITER;
    struct slot *slot;

    *lacking = 0;
    for (size_t at = 0; all && (slot = slots_next(slots, &at));) {
        if (slot->state == SLOT_USED &&
            (slots_find(slots, slot->owner) != slot ||
             !map_get(plan_items(plan, PLAN_SET_BACKENDS), slot->owner))) {
            VEC_PUSH(&released->slots, slot);
        }
    }
    while (map_next(names, &it)) {
        assign_one(plan, slots, it.key, released, lacking);
    }
}

/* --- Single keys --- */

static void
diff_row(struct diff *d, const struct model *installed, enum model_map map,
         const char *key, const char *want)
{
    const char *have = model_get(installed, map, key);

    if (want && !str_eq(want, have)) {
        free(map_put(d->rows[map], key, xstrdup(want)));
    } else if (!want && have) {
        free(map_put(d->rows[map], key, xstrdup(DIFF_GONE)));
    }
}

static const struct model_server *
find_server(const struct model_slot *slot, const struct model_server *like)
{
    for (size_t i = 0; slot && i < slot->servers.n; i++) {
        const struct model_server *server = &slot->servers.items[i];

        if (model_is_alike(server, like)) {
            return server;
        }
    }
    return NULL;
}

static bool
is_served_as(const struct model_slot *have, const struct model_slot *want)
{
    for (size_t i = 0; i < want->servers.n; i++) {
        const struct model_server *server =
            find_server(have, &want->servers.items[i]);

        if (!server || server->state != want->servers.items[i].state) {
            return false;
        }
    }
    for (size_t i = 0; have && i < have->servers.n; i++) {
        const struct model_server *server = &have->servers.items[i];

        if (server->state != MODEL_MAINT && !find_server(want, server)) {
            return false;
        }
    }
    return true;
}

/* The servers of a backend, and before them what their TLS is. */
static void
diff_slot(const struct want *w, struct diff *d,
          const struct model *installed, const char *name,
          const struct plan_target *target)
{
    struct model_slot *want = want_slot(w, target, installed);
    char key[SERVERTLS_KEY_SIZE];

    if (target && target->tls && want->servers.n > 0) {
        servertls_key(want->servers.items[0].tls, key);
        diff_row(d, installed, MODEL_SERVER_TLS, key, target->tls);
    }
    if (is_served_as(map_get(installed->slots, name), want)) {
        model_slot_free(want);
    } else {
        want = map_put(d->slots, name, want);
        if (want) {
            model_slot_free(want);
        }
    }
}

/* A key that HAProxy could not let go of while nobody wanted it: its file is
 * not there any more (files_drop_certs()). */
static bool
lacks_file(const struct model *installed, const char *id, const char *key)
{
    return model_store(id) == MODEL_STORE_CERT &&
           !model_get(installed, MODEL_META, key);
}

static void
diff_cert(const struct want *w, struct diff *d, const struct model *installed,
          const char *name)
{
    const struct plan_cert *want =
        map_get(plan_items(w->plan, PLAN_SET_CERTS), name);
    AUTO_FREE char *key = NULL;
    AUTO_FREE char *meta = NULL;
    char id[MODEL_ID_SIZE];
    const struct model_cert *have;
    struct model_cert *cert;

    model_cert_id(name, id);
    have = map_get(installed->certs, id);
    if (want && !want_cert(w, id, want)) {
        return;         /* What was there before stays in service. */
    }
    key = xasprintf("cert|%s", id);
    meta = want ? want_cert_meta(name, want) : NULL;
    diff_row(d, installed, MODEL_META, key, meta);
    if (!want && have && model_is_held(installed, id)) {
        return;
    }
    if (want ? have && str_eq(have->digest, want->digest) &&
                   !lacks_file(installed, id, key)
             : !have) {
        return;
    }
    cert = xcalloc(1, sizeof *cert);
    cert->name = xstrdup(name);
    if (want) {
        cert->text = want->text;
        memcpy(cert->digest, want->digest, sizeof cert->digest);
    }
    cert = map_put(d->certs, id, cert);
    if (cert) {
        model_cert_free(cert);
    }
}

static void
diff_sni(const struct want *w, struct diff *d, const struct model *installed,
         const char *host)
{
    const char *have = map_get(installed->snis, host);
    AUTO_FREE char *want = want_sni(w, host, installed);
    AUTO_FREE char *client = want_client(w, host, want);

    diff_row(d, installed, MODEL_CLIENT, host, client);
    if (strcmp(want, have ? have : DIFF_GONE) != 0) {
        free(map_put(d->snis, host, STEAL_PTR(want)));
    }
}

static void
diff_list(const struct want *w, struct diff *d, const struct model *installed,
          enum plan_table table)
{
    want_regexes(w, table, &d->lists[table]);
    d->has_list[table] =
        !model_rows_equal(&d->lists[table], &installed->regexes[table]);
}

/* --- Only what is dirty --- */

static void
dirty_policies(const struct want *w, struct plan *plan,
               const struct model *installed, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(plan_dirty(plan, PLAN_SET_POLICIES), &it)) {
        const struct plan_policy *policy =
            map_get(plan_items(plan, PLAN_SET_POLICIES), it.key);

        for (size_t i = 0; policy && i < policy->n_rows; i++) {
            const struct plan_policy_row *row = &policy->rows[i];
            enum model_map map;

            if (!model_map_find(row->map, &map) ||
                model_get(w->reserved, map, row->key) ||
                !quote_is_row(row->key, row->value)) {
                continue;
            }
            diff_row(d, installed, map, row->key,
                     policy->users > 0 ? row->value : NULL);
        }
    }
}

static void
dirty_backends(const struct want *w, struct plan *plan,
               const struct model *installed, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(plan_dirty(plan, PLAN_SET_BACKENDS), &it)) {
        const struct plan_target *target =
            map_get(plan_items(plan, PLAN_SET_BACKENDS), it.key);
        const struct slot *slot = slots_find(w->slots, it.key);

        if (target && slot) {
            AUTO_FREE char *owner = quote_name(it.key);

            diff_row(d, installed, MODEL_SLOTS, slot->name, owner);
            diff_slot(w, d, installed, slot->name, target);
        }
    }
}

static void
dirty_routes(const struct want *w, struct plan *plan,
             const struct model *installed, enum plan_table table,
             struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(plan_dirty(plan, PLAN_SET_ROUTES + table), &it)) {
        enum model_map map = model_route_map(table, it.key);
        const struct plan_row *row =
            map_get(plan_items(plan, PLAN_SET_ROUTES + table), it.key);
        AUTO_BUF struct buf value = BUF_OWN;

        if (model_get(w->reserved, map, it.key)) {
            continue;
        }
        if (row) {
            want_route(w, row, &value);
        }
        diff_row(d, installed, map, it.key,
                 row && quote_is_row(it.key, buf_str(&value))
                     ? buf_str(&value) : NULL);
    }
    if (map_size(plan_dirty(plan, PLAN_SET_REGEXES + table)) > 0) {
        diff_list(w, d, installed, table);
    }
}

/* Hosts of a wildcard that changes, which end here or no more need to. */
static void
dirty_below(const struct want *w, const struct model *installed,
            const char *wildcard, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(plan_items(w->plan, PLAN_SET_ROUTES), &it)) {
        AUTO_FREE char *host = want_route_host(it.key);
        const char *rest = host ? strchr(host, '.') : NULL;

        if (rest && str_eq(rest, wildcard + 1)) {
            diff_row(d, installed, MODEL_SNI, host,
                     want_passthrough(w, host));
        }
    }
}

static void
dirty_passthroughs(const struct want *w, struct plan *plan,
                   const struct model *installed, struct diff *d)
{
    const struct map *hosts = plan_dirty(plan, PLAN_SET_PASSTHROUGHS);
    const struct map *routes = plan_dirty(plan, PLAN_SET_ROUTES);
    struct map_iter it = MAP_ITER;

    while (w->has_mux && map_next(hosts, &it)) {
        diff_row(d, installed, MODEL_SNI, it.key,
                 want_passthrough(w, it.key));
        if (it.key[0] == '*') {
            dirty_below(w, installed, it.key, d);
        }
    }
    it = (struct map_iter) MAP_ITER;
    while (w->has_mux && map_next(routes, &it)) {
        AUTO_FREE char *host = want_route_host(it.key);

        if (host) {
            diff_row(d, installed, MODEL_SNI, host,
                     want_passthrough(w, host));
        }
    }
}

/* Whether a certificate came or went, so that names that waited for it get
 * it, or lose it.  One that is only renewed touches no name. */
static bool
has_other_certs(const struct want *w, struct plan *plan,
                const struct model *installed)
{
    struct map_iter it = MAP_ITER;

    while (map_next(plan_dirty(plan, PLAN_SET_CERTS), &it)) {
        const struct plan_cert *cert =
            map_get(plan_items(plan, PLAN_SET_CERTS), it.key);
        AUTO_FREE char *key = NULL;
        char id[MODEL_ID_SIZE];

        model_cert_id(it.key, id);
        key = xasprintf("cert|%s", id);
        if (!map_get(installed->certs, id) ||
            !model_get(installed, MODEL_META, key) ||
            !cert || !want_cert(w, id, cert)) {
            return true;
        }
    }
    return false;
}

/* All that names certificates. */
static void
waiting_for_certs(const struct want *w, struct plan *plan,
                  const struct model *installed, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(plan_items(plan, PLAN_SET_SNIS), &it)) {
        diff_sni(w, d, installed, it.key);
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(plan_items(plan, PLAN_SET_BACKENDS), &it)) {
        const struct plan_target *target = it.value;
        const struct slot *slot =
            target->tls ? slots_find(w->slots, it.key) : NULL;

        if (slot) {
            diff_slot(w, d, installed, slot->name, target);
        }
    }
}

void
diff_dirty(const struct want *w, struct plan *plan,
           const struct model *installed, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    dirty_policies(w, plan, installed, d);
    dirty_backends(w, plan, installed, d);
    dirty_routes(w, plan, installed, PLAN_HTTP, d);
    dirty_routes(w, plan, installed, PLAN_HTTPS, d);
    dirty_passthroughs(w, plan, installed, d);
    while (map_next(plan_dirty(plan, PLAN_SET_CERTS), &it)) {
        diff_cert(w, d, installed, it.key);
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(plan_dirty(plan, PLAN_SET_SNIS), &it)) {
        diff_sni(w, d, installed, it.key);
    }
    if (has_other_certs(w, plan, installed)) {
        waiting_for_certs(w, plan, installed, d);
    }
}

/* --- Everything --- */

static void
all_rows(const struct model *want, const struct model *installed,
         enum model_map map, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(want->maps[map], &it)) {
        diff_row(d, installed, map, it.key, it.value);
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(installed->maps[map], &it)) {
        if (!model_get(want, map, it.key)) {
            diff_row(d, installed, map, it.key, NULL);
        }
    }
}

static void
all_slots(const struct want *w, const struct model *want,
          const struct model *installed, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(want->slots, &it)) {
        const struct slot *slot = slots_by_name(w->slots, it.key);

        diff_slot(w, d, installed, it.key,
                  map_get(plan_items(w->plan, PLAN_SET_BACKENDS),
                          slot->owner));
    }
}

/* Certificates that no name of the plan gives.  What a certificate is called
 * is not known where its row of meta.map did not come, because the driver ended
 * or failed before it: the file id is. */
static void
strange_certs(const struct want *w, const struct model *installed,
              struct diff *d)
{
    struct map *wanted = map_new();
    struct map_iter it = MAP_ITER;

    while (map_next(plan_items(w->plan, PLAN_SET_CERTS), &it)) {
        char id[MODEL_ID_SIZE];

        model_cert_id(it.key, id);
        map_put(wanted, id, it.value);
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(installed->certs, &it)) {
        const struct model_cert *have = it.value;

        if (!map_get(wanted, it.key) && !model_is_held(installed, it.key)) {
            struct model_cert *gone = xcalloc(1, sizeof *gone);

            gone->name = xstrdup(have->name);
            gone = map_put(d->certs, it.key, gone);
            if (gone) {
                model_cert_free(gone);
            }
        }
    }
    map_free(wanted, NULL);
}

static void
all_tls(const struct want *w, const struct model *installed, struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(plan_items(w->plan, PLAN_SET_CERTS), &it)) {
        diff_cert(w, d, installed, it.key);
    }
    strange_certs(w, installed, d);
    it = (struct map_iter) MAP_ITER;
    while (map_next(plan_items(w->plan, PLAN_SET_SNIS), &it)) {
        diff_sni(w, d, installed, it.key);
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(installed->snis, &it)) {
        diff_sni(w, d, installed, it.key);
    }
}

void
diff_all(const struct want *w, const struct model *installed, struct diff *d)
{
    struct model *want = want_model(w);
    static const char *const kept[] = { WANT_META_EDITION, WANT_META_EDGE,
                                        WANT_META_STAMP };

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        model_set(want, MODEL_META, kept[i],
                  model_get(installed, MODEL_META, kept[i]));
    }
    for (size_t i = 0; i < MODEL_MAPS; i++) {
        if (i != MODEL_SLOTS && i != MODEL_SERVER_TLS) {
            all_rows(want, installed, i, d);
        }
    }
    /* Rows of slots that are released now go after those that name them.
     * Those of server-tls.map tell of parked servers, too. */
    for (struct map_iter it = MAP_ITER;
         map_next(want->maps[MODEL_SLOTS], &it);) {
        diff_row(d, installed, MODEL_SLOTS, it.key, it.value);
    }
    all_slots(w, want, installed, d);
    for (int table = PLAN_HTTP; table <= PLAN_HTTPS; table++) {
        diff_list(w, d, installed, (enum plan_table) table);
    }
    all_tls(w, installed, d);
    model_free(want);
}
