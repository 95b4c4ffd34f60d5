/* Incremental work is an optimisation of a full one: after every random
 * change of a plan, diff_dirty() brings the model where want_model() says it
 * should be, and diff_all() then finds nothing left. */
#include "tests/unit/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/diff.h"
#include "haproxy/servertls.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define STEPS 400
#define NAMES 6

struct world {
    struct plan *plan;
    struct slots *slots;
    struct model *model;
    struct model *reserved;
    struct map *refused;
    uint64_t random;
};

/* xorshift: the same story for the same seed. */
static unsigned
draw(struct world *w, unsigned n)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (unsigned) (w->random % n);
}

static void
random_backend(struct world *w, const char *name)
{
    struct plan_server servers[4] = { 0 };
    struct plan_backend b = { .servers = servers, .n_servers = draw(w, 4) };
    const struct plan_server_tls tls = {
        .ca = PLAN_CA "1", .name = draw(w, 2) ? "a.test" : "b.test",
        .cert = draw(w, 2) ? PLAN_PAIR "1" : NULL,
    };
    bool is_tls = draw(w, 3) == 0;

    for (size_t i = 0; i < b.n_servers; i++) {
        snprintf(servers[i].address, sizeof servers[i].address, "10.0.0.%u",
                 draw(w, 5) + 1);
        servers[i].port = 80;
        servers[i].state = draw(w, 4) ? PLAN_READY : PLAN_DRAIN;
        servers[i].protocol = is_tls ? PLAN_TLS : PLAN_HTTP1;
    }
    b.tls = is_tls ? &tls : NULL;
    b.kind = draw(w, is_tls ? 3 : 4);
    b.balance = draw(w, 2);
    plan_set_backend(w->plan, name, &b);
}

static struct policy *
random_policy(struct world *w)
{
    struct policy *policy = policy_new();
    char number[8];

    snprintf(number, sizeof number, "%u", 100 + draw(w, 3));
    if (draw(w, 2)) {
        err_free(policy_set(policy, POLICY_BODY, number));
    }
    if (draw(w, 4) == 0) {
        err_free(policy_add_cidr(policy, POLICY_ALLOW, "10.0.0.0/9"));
    }
    if (draw(w, 4) == 0) {
        err_free(policy_set_rewrite(policy, "/a", false, "/b"));
    }
    return policy;
}

static struct plan_route
random_route(struct world *w, const struct policy *policy, const char *name)
{
    static const enum plan_action actions[] = {
        PLAN_FORWARD, PLAN_FORWARD, PLAN_FORWARD, PLAN_HTTPS_REDIRECT,
        PLAN_NOT_FOUND, PLAN_UNAVAILABLE,
    };

    return (struct plan_route) {
        .action = actions[draw(w, ARRAY_SIZE(actions))],
        .backend = name,
        .policy = draw(w, 2) ? policy : NULL,
        .choose = draw(w, 3) == 0,
    };
}

static void
change(struct world *w)
{
    AUTO_FREE char *key = xasprintf("h%u.test/", draw(w, NAMES));
    AUTO_FREE char *name = xasprintf("b%u", draw(w, NAMES));
    AUTO_FREE char *host = draw(w, 8) ? xasprintf("h%u.test", draw(w, NAMES))
                                      : xstrdup("*.test");
    AUTO_FREE char *cert = xasprintf("c%u", draw(w, 3));
    AUTO_FREE char *pem = xasprintf("text %u", draw(w, 3));
    AUTO_POLICY struct policy *policy = random_policy(w);
    struct plan_route route = random_route(w, policy, name);
    struct plan_regex regexes[2] = {
        { .regex = draw(w, 2) ? "/x" : "/y", .route = route },
        { .regex = "/z", .route = route },
    };
    enum plan_table table = draw(w, 2);
    const struct plan_sni sni = {
        .certs = { cert, "c0" }, .n_certs = 1 + draw(w, 2),
        .kinds = draw(w, 4),
        .ciphers = draw(w, 3) == 0 ? "HIGH" : NULL,
    };
    struct plan_sni client = { .n_certs = 1, .ca = PLAN_CA "1" };

    switch (draw(w, 13)) {
    case 0:
    case 1:
        random_backend(w, name);
        break;
    case 2:
        plan_del_backend(w->plan, name);
        break;
    case 3:
    case 4:
        plan_set_route(w->plan, table, key, &route);
        break;
    case 5:
        plan_del_route(w->plan, table, key);
        break;
    case 6:
        plan_set_regexes(w->plan, table, host, regexes, draw(w, 3));
        break;
    case 7:
        plan_set_passthrough(w->plan, host, name);
        break;
    case 8:
        plan_del_passthrough(w->plan, host);
        break;
    case 9:
        plan_set_cert(w->plan, cert, pem, NULL);
        plan_set_sni(w->plan, host, &sni);
        break;
    case 10:
        plan_set_cert(w->plan, PLAN_CA "1", "one", NULL);
        plan_set_cert(w->plan, PLAN_CRL "1", "two", NULL);
        plan_set_cert(w->plan, PLAN_PAIR "1", "three", NULL);
        client.certs[0] = draw(w, 2) ? cert : "";
        client.crl = draw(w, 2) ? PLAN_CRL "1" : NULL;
        plan_set_sni(w->plan, host, &client);
        break;
    case 11:
        plan_del_cert(w->plan, draw(w, 2) ? PLAN_CA "1"
                               : draw(w, 2) ? PLAN_CRL "1" : PLAN_PAIR "1");
        break;
    default:
        if (draw(w, 2)) {
            plan_del_cert(w->plan, cert);
        } else {
            plan_del_sni(w->plan, host);
        }
    }
}

/* --- HAProxy, as far as the model goes --- */

static void
take_slots(struct world *w, const struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(d->slots, &it)) {
        const struct model_slot *want = it.value;
        struct model_slot *have = model_slot(w->model, it.key);

        have->servers.n = 0;
        for (size_t i = 0; i < want->servers.n; i++) {
            VEC_PUSH(&have->servers, want->servers.items[i]);
        }
    }
}

static void
take(struct world *w, struct diff *d, const struct diff_released *released)
{
    struct map_iter it;

    for (size_t map = 0; map < MODEL_MAPS; map++) {
        it = (struct map_iter) MAP_ITER;
        while (map_next(d->rows[map], &it)) {
            model_set(w->model, map, it.key,
                      str_eq(it.value, DIFF_GONE) ? NULL : it.value);
        }
    }
    take_slots(w, d);
    for (size_t i = 0; i < 2; i++) {
        if (d->has_list[i]) {
            struct model_rows old = w->model->regexes[i];

            w->model->regexes[i] = d->lists[i];
            d->lists[i] = old;
        }
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(d->certs, &it)) {
        const struct model_cert *want = it.value;

        if (want->text) {
            struct model_cert *have = model_cert(w->model, it.key,
                                                 want->name);

            memcpy(have->digest, want->digest, sizeof have->digest);
        } else {
            model_drop_cert(w->model, it.key);
        }
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(d->snis, &it)) {
        model_set_sni(w->model, it.key,
                      str_eq(it.value, DIFF_GONE) ? NULL : it.value);
    }
    for (size_t i = 0; i < released->slots.n; i++) {
        struct slot *slot = released->slots.items[i];

        model_slot(w->model, slot->name)->servers.n = 0;
        model_set(w->model, MODEL_SLOTS, slot->name, WANT_QUARANTINED);
        slots_release(w->slots, slot, 0);
    }
}

static bool
is_empty(const struct diff *d)
{
    size_t n = map_size(d->slots) + map_size(d->certs) + map_size(d->snis) +
               d->has_list[0] + d->has_list[1];

    for (size_t i = 0; i < MODEL_MAPS; i++) {
        n += map_size(d->rows[i]);
    }
    return n == 0;
}

static void
must_be_there(const char *file_id, void *certs)
{
    assert_non_null(map_get(certs, file_id));
}

/* Nobody is spoken to whose authority or certificate is not in HAProxy. */
static void
check_servers(const struct world *w)
{
    struct map_iter it = MAP_ITER;

    while (map_next(w->model->slots, &it)) {
        const struct model_slot *slot = it.value;
        char key[SERVERTLS_KEY_SIZE];

        for (size_t i = 0; i < slot->servers.n; i++) {
            if (slot->servers.items[i].tls) {
                servertls_key(slot->servers.items[i].tls, key);
                servertls_each(model_get(w->model, MODEL_SERVER_TLS, key),
                               must_be_there, w->model->certs);
            }
        }
    }
}

static void
step(struct world *w, unsigned n_changes)
{
    struct want want = { .plan = w->plan, .slots = w->slots,
                         .reserved = w->reserved, .has_mux = true,
                         .refused = w->refused };
    AUTO_DIFF struct diff *some = diff_new(), *rest = diff_new();
    struct diff_released released = { 0 }, more = { 0 };
    size_t lacking;

    for (unsigned i = 0; i < n_changes; i++) {
        change(w);
    }
    diff_assign(w->plan, w->slots, false, &released, &lacking);
    assert_int_equal(lacking, 0);
    diff_dirty(&want, w->plan, w->model, some);
    take(w, some, &released);
    plan_clean(w->plan);
    diff_assign(w->plan, w->slots, true, &more, &lacking);
    assert_int_equal(more.slots.n, 0);
    diff_all(&want, w->model, rest);
    assert_true(is_empty(rest));
    check_servers(w);
    VEC_FINI(&released.slots);
    VEC_FINI(&more.slots);
}

static const struct row {
    const char *name;
    uint64_t seed;
    unsigned n_changes;
} rows[] = {
    { "one change at a time", 1, 1 },   { "two at a time", 2, 2 },
    { "ten at a time", 3, 10 },         { "another one", 4, 1 },
    { "another five", 5, 5 },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct world w = { .plan = plan_new(), .slots = slots_new(),
                       .reserved = want_reserved(), .model = model_create(),
                       .refused = map_new(),
                       .random = 0x9e3779b97f4a7c15U * row->seed };

    for (int kind = PLAN_PLAIN; kind <= PLAN_TCP; kind++) {
        for (int b = PLAN_ROUNDROBIN; b <= PLAN_LEASTCONN; b++) {
            struct program_class class = slots_class_of(
                (enum plan_kind) kind, (enum plan_balance) b, 0, 0);

            /* No quarantine ends here: enough for every step. */
            slots_grow(w.slots, &class, STEPS * 2);
        }
    }
    /* The self-proof's rows come with the first full comparison. */
    for (size_t i = 0; i < MODEL_MAPS; i++) {
        struct map_iter it = MAP_ITER;

        while (map_next(w.reserved->maps[i], &it)) {
            model_set(w.model, i, it.key, it.value);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        const struct model_rows *list = &w.reserved->regexes[i];

        for (size_t j = 0; j < list->rows.n; j++) {
            model_rows_add(&w.model->regexes[i], list->rows.items[j].key,
                           list->rows.items[j].value);
        }
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step(&w, row->n_changes);
    }
    plan_free(w.plan);
    slots_free(w.slots);
    model_free(w.model);
    model_free(w.reserved);
    map_free(w.refused, NULL);
}

TABLE_MAIN("diff", rows, check_row)
