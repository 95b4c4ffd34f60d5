#include "haproxy/observe.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/crtlist.h"
#include "haproxy/plan_priv.h"
#include "haproxy/quote.h"
#include "haproxy/servertls.h"
#include "haproxy/want.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

/* Rows of one route id, found in several maps. */
struct gathered {
    VEC(struct plan_policy_row) rows;
    bool is_used;
};

struct reader {
    const struct observed *from;
    const struct model *reserved;
    struct plan *plan;
    struct map *policies;       /* Route id to struct gathered. */
};

static void
free_gathered(void *p)
{
    struct gathered *g = p;

    for (size_t i = 0; i < g->rows.n; i++) {
        free(g->rows.items[i].map);
        free(g->rows.items[i].key);
        free(g->rows.items[i].value);
    }
    VEC_FINI(&g->rows);
    free(g);
}

static void
gather(struct reader *r, enum model_map map)
{
    struct map_iter it = MAP_ITER;

    while (map_next(r->from->model->maps[map], &it)) {
        const char *begin = it.key[0] == '^' ? it.key + 1 : it.key;
        AUTO_FREE char *id = xstrndup(begin, strcspn(begin, "|\\"));
        struct gathered *g = map_get(r->policies, id);
        struct plan_policy_row row = {
            .map = xstrdup(model_map_name(map)),
            .key = xstrdup(it.key),
            .value = xstrdup(it.value),
        };

        if (!g) {
            g = xcalloc(1, sizeof *g);
            map_put(r->policies, id, g);
        }
        VEC_PUSH(&g->rows, row);
        g->is_used |= model_get(r->reserved, map, it.key) != NULL;
    }
}

/* The options of TLS of a slot's servers; NULL: none.  Where two that serve
 * have other ones, it is a text that no plan has. */
static const char *
read_server_tls(const struct reader *r, const struct model_slot *held)
{
    const struct model_server *first = NULL;
    char key[SERVERTLS_KEY_SIZE];
    const char *words;

    for (size_t i = 0; held && i < held->servers.n; i++) {
        const struct model_server *server = &held->servers.items[i];

        if (server->state == MODEL_MAINT) {
            continue;
        }
        if (first && first->tls != server->tls) {
            return "?";
        }
        first = server;
    }
    if (!first || !first->tls) {
        return NULL;
    }
    servertls_key(first->tls, key);
    words = model_get(r->from->model, MODEL_SERVER_TLS, key);
    return words ? words : "?";
}

static void
read_backends(struct reader *r)
{
    const struct slots *slots = r->from->slots;
    const struct slot *slot;
    const struct program_class *classes;
    size_t n;

    classes = slots_classes(slots, &n);
    for (size_t at = 0; (slot = slots_next(slots, &at));) {
        const struct model_slot *held =
            map_get(r->from->model->slots, slot->name);
        struct plan_backend b = { .connect_ms =
                                      classes[slot->class].connect_ms,
                                  .retry = classes[slot->class].retry };
        VEC(struct plan_server) servers = { 0 };

        if (slot->state != SLOT_USED) {
            continue;
        }
        for (size_t i = 0; held && i < held->servers.n; i++) {
            const struct model_server *from = &held->servers.items[i];
            struct plan_server to = { .port = from->port,
                                      .protocol = from->protocol };

            memcpy(to.address, from->address, sizeof to.address);
            to.state = from->state == MODEL_DRAIN ? PLAN_DRAIN : PLAN_READY;
            if (from->state != MODEL_MAINT) {
                VEC_PUSH(&servers, to);
            }
        }
        b.kind = (enum plan_kind) classes[slot->class].kind;
        b.balance = (enum plan_balance) classes[slot->class].balance;
        b.servers = servers.items;
        b.n_servers = servers.n;
        plan_put_backend(r->plan, slot->owner, &b,
                         read_server_tls(r, held));
        VEC_FINI(&servers);
    }
}

static struct plan_policy *
policy_by_id(struct reader *r, const char *id, uint32_t flags)
{
    struct gathered *g = map_get(r->policies, id);

    if (g) {
        g->is_used = true;
    }
    return plan_put_policy(r->plan, id, flags, g ? g->rows.items : NULL,
                           g ? g->rows.n : 0);
}

static const char *
owner_of(const struct reader *r, const char *name)
{
    const struct slot *slot = slots_by_name(r->from->slots, name);

    return slot && slot->state == SLOT_USED ? slot->owner : "?";
}

/* "SLOT", "SLOT;ID;FLAGS" or "SLOT;ID;FLAGS;SLOT;SLOT;SLOT" with
 * those of enum plan_other, empty where there is none; 'slot' is the first
 * field. */
static struct plan_put
read_value(struct reader *r, const char *value)
{
    AUTO_FREE char *copy = xstrdup(value);
    char *rest = copy;
    const char *slot = strsep(&rest, ";");
    const char *id = rest ? strsep(&rest, ";") : NULL;
    const char *bits = rest ? strsep(&rest, ";") : NULL;
    struct plan_put put = { .action = PLAN_FORWARD };
    uint64_t flags = 0;

    if (bits && !parse_u64(bits, 0, UINT32_MAX, &flags)) {
        flags = 0;
    }
    put.choose = (flags & POLICY_F_REGEX) != 0;
    if (str_eq(slot, PROGRAM_SLOT_NONE)) {
        put.action = PLAN_NOT_FOUND;
    } else if (str_eq(slot, PROGRAM_SLOT_UNAVAILABLE)) {
        put.action = PLAN_UNAVAILABLE;
    } else if (str_eq(slot, PROGRAM_SLOT_HTTPS)) {
        put.action = PLAN_HTTPS_REDIRECT;
    } else if (str_eq(slot, PROGRAM_SLOT_REDIRECT)) {
        put.action = PLAN_REDIRECT;
    } else {
        put.backend = owner_of(r, slot);
        for (size_t i = 0; rest && i < PLAN_N_OTHERS; i++) {
            const char *other = strsep(&rest, ";");

            put.others[i] = *other ? owner_of(r, other) : NULL;
        }
    }
    if (id && !str_eq(id, "-") &&
        !str_eq(id, plan_empty_policy(r->plan)->id)) {
        /* The flag of the chooser is the row's own, whoever shares the id. */
        put.policy = policy_by_id(r, id, (uint32_t) flags & ~POLICY_F_REGEX);
    }
    return put;
}

static void
read_routes(struct reader *r, enum model_map map, enum plan_table table)
{
    struct map_iter it = MAP_ITER;

    while (map_next(r->from->model->maps[map], &it)) {
        if (!model_get(r->reserved, map, it.key)) {
            struct plan_put put = read_value(r, it.value);

            plan_put_route(r->plan, table, it.key, &put);
        }
    }
}

/* The host of "^h\.test\|...", without the backslashes. */
static char *
host_of(const char *key)
{
    AUTO_BUF struct buf out = BUF_OWN;
    const char *p = key[0] == '^' ? key + 1 : key;

    for (; *p && strncmp(p, "\\|", 2) != 0; p++) {
        if (*p == '\\' && p[1]) {
            p++;
        }
        buf_putc(&out, *p);
    }
    return xstrdup(buf_str(&out));
}

struct host_rows {
    VEC(char *) keys;
    VEC(struct plan_put) puts;
};

static void
free_host_rows(void *p)
{
    struct host_rows *rows = p;

    VEC_FINI(&rows->keys);
    VEC_FINI(&rows->puts);
    free(rows);
}

static void
read_regexes(struct reader *r, enum plan_table table)
{
    const struct model_rows *list = &r->from->model->regexes[table];
    struct map *hosts = map_new();
    struct map_iter it = MAP_ITER;

    for (size_t i = r->reserved->regexes[table].rows.n; i < list->rows.n;
         i++) {
        AUTO_FREE char *host = host_of(list->rows.items[i].key);
        struct host_rows *rows = map_get(hosts, host);
        struct plan_put put = read_value(r, list->rows.items[i].value);

        if (!rows) {
            rows = xcalloc(1, sizeof *rows);
            map_put(hosts, host, rows);
        }
        VEC_PUSH(&rows->keys, list->rows.items[i].key);
        VEC_PUSH(&rows->puts, put);
    }
    while (map_next(hosts, &it)) {
        const struct host_rows *rows = it.value;

        plan_put_regexes(r->plan, table, it.key, rows->keys.items,
                         rows->puts.items, rows->keys.n);
    }
    map_free(hosts, free_host_rows);
}

/* A row that no plan holds, since it follows from others: a host with routes
 * below a wildcard that passes through. */
static bool
is_ended_here(const struct model *m, const char *host, const char *slot)
{
    const char *rest = strchr(host, '.');
    AUTO_FREE char *key = xasprintf("%s/", host);
    AUTO_FREE char *above = xasprintf("*%s", rest ? rest : "");

    return str_eq(slot, PROGRAM_SLOT_INNER) && host[0] != '*' &&
           model_get(m, MODEL_HTTP, key) && model_get(m, MODEL_SNI, above);
}

static const char *
name_of(const struct model *m, const char *id)
{
    const struct model_cert *cert = map_get(m->certs, id);

    return cert ? cert->name : "?";
}

static void
read_tls(struct reader *r)
{
    const struct model *m = r->from->model;
    struct map_iter it = MAP_ITER;

    while (map_next(m->maps[MODEL_SNI], &it)) {
        if (!model_get(r->reserved, MODEL_SNI, it.key) &&
            !is_ended_here(m, it.key, it.value)) {
            plan_set_passthrough(r->plan, it.key, owner_of(r, it.value));
        }
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(m->certs, &it)) {
        const struct model_cert *cert = it.value;

        /* What nobody wants and parked servers name stays. */
        if (!str_eq(cert->name, "?") || !model_is_held(m, it.key)) {
            plan_put_cert(r->plan, cert->name, cert->digest);
        }
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(m->snis, &it)) {
        AUTO_CRTLIST struct crtlist_walk walk = { .lines = it.value };

        while (crtlist_next(&walk)) {
            char ca[MODEL_ID_SIZE], crl[MODEL_ID_SIZE];
            const char *rest = crtlist_split(walk.options, ca, crl);

            plan_put_sni(r->plan, it.key, name_of(m, walk.id), rest,
                         ca[0] ? name_of(m, ca) : NULL,
                         crl[0] ? name_of(m, crl) : NULL);
        }
    }
}

/* Rows that nobody uses and that should not be there show as well. */
static void
read_strays(struct reader *r)
{
    struct map_iter it = MAP_ITER;

    while (map_next(r->policies, &it)) {
        const struct gathered *g = it.value;

        if (!g->is_used &&
            !str_eq(it.key, plan_empty_policy(r->plan)->id)) {
            policy_by_id(r, it.key, 0)->users++;
        }
    }
}

struct plan *
observe_plan(const struct observed *from, const struct model *reserved)
{
    struct reader r = { .from = from, .reserved = reserved,
                        .plan = plan_new(), .policies = map_new() };

    gather(&r, MODEL_POLICY);
    gather(&r, MODEL_CIDR);
    gather(&r, MODEL_REWRITE);
    gather(&r, MODEL_MATCH);
    read_backends(&r);
    read_routes(&r, MODEL_ALL, PLAN_HTTP);
    for (int table = PLAN_HTTP; table <= PLAN_HTTPS; table++) {
        read_routes(&r, MODEL_HTTP + table, (enum plan_table) table);
        read_regexes(&r, (enum plan_table) table);
    }
    read_tls(&r);
    read_strays(&r);
    map_free(r.policies, free_gathered);
    return r.plan;
}
