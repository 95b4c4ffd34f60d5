#include "haproxy/want.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/crtlist.h"
#include "haproxy/prove.h"
#include "haproxy/quote.h"
#include "haproxy/servertls.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* The route id of rows that only ask the chooser. */
#define NO_POLICY "-"

static void
reserve_row(const char *map, const char *key, const char *value, void *aux)
{
    struct model *m = aux;
    enum model_map which;

    if (model_map_find(map, &which)) {
        model_set(m, which, key, value);
    } else if (str_eq(map, model_list_name(PLAN_HTTP))) {
        model_rows_add(&m->regexes[PLAN_HTTP], key, value);
    } else if (str_eq(map, model_list_name(PLAN_HTTPS))) {
        model_rows_add(&m->regexes[PLAN_HTTPS], key, value);
    }
}

struct model *
want_reserved(void)
{
    struct model *m = model_create();

    prove_rows(reserve_row, m);
    return m;
}

static enum policy_need
need_of(const struct plan_row *row)
{
    return row->policy ? row->policy->need : POLICY_NEEDS_NOTHING;
}

/* Whether a slot of 'kind' applies what the policy asks for. */
static bool
can_carry(enum program_kind kind, enum policy_need need)
{
    switch (kind) {
    case PROGRAM_PLAIN:
        return need == POLICY_NEEDS_NOTHING;
    case PROGRAM_POLICY:
        return need == POLICY_NEEDS_NOTHING || need == POLICY_NEEDS_POLICY;
    case PROGRAM_COOKIE:
        return need != POLICY_NEEDS_REDIRECT;
    case PROGRAM_TCP:
        return false;
    }
    abort();
}

/* The slot that answers a forwarded route, and the policy it gets there. */
static const char *
forward(const struct want *w, const struct plan_row *row,
        const struct plan_policy **policy)
{
    const struct slot *slot = row->target
                                  ? slots_find(w->slots, row->target->name)
                                  : NULL;
    enum policy_need need = need_of(row);
    const struct program_class *classes;
    size_t n;

    if (need == POLICY_NEEDS_REDIRECT) {
        return PROGRAM_SLOT_REDIRECT;
    }
    classes = slots_classes(w->slots, &n);
    if (!slot || !row->target->is_defined ||
        !can_carry(classes[slot->class].kind, need)) {
        *policy = NULL;
        return PROGRAM_SLOT_UNAVAILABLE;
    }
    if (!*policy && classes[slot->class].kind != PROGRAM_PLAIN) {
        *policy = plan_empty_policy(w->plan);
    }
    return slot->name;
}

/* Another slot, where it is there and applies the policy as well.  One of
 * kind policy sets no cookie, on purpose. */
static const char *
other_slot(const struct want *w, const struct plan_row *row,
           enum plan_other which)
{
    const struct plan_target *target = plan_row_other(row, which);
    const struct slot *slot =
        target ? slots_find(w->slots, target->name) : NULL;
    const struct program_class *classes;
    enum program_kind kind;
    size_t n;

    classes = slots_classes(w->slots, &n);
    if (!slot || target->n_servers == 0 || !row->policy) {
        return NULL;
    }
    kind = classes[slot->class].kind;
    return can_carry(kind, need_of(row)) ||
                   (kind == PROGRAM_POLICY &&
                    need_of(row) == POLICY_NEEDS_COOKIE)
               ? slot->name
               : NULL;
}

/* ";A;;C": without the empty ones at the end. */
static void
put_others(const struct want *w, const struct plan_row *row, struct buf *out)
{
    size_t n_empty = 0;

    for (size_t i = 0; i < PLAN_N_OTHERS; i++) {
        const char *name = other_slot(w, row, (enum plan_other) i);

        n_empty++;
        if (name) {
            for (; n_empty > 0; n_empty--) {
                buf_putc(out, ';');
            }
            buf_puts(out, name);
        }
    }
}

void
want_route(const struct want *w, const struct plan_row *row, struct buf *out)
{
    const struct plan_policy *policy = NULL;
    const char *slot = PROGRAM_SLOT_UNAVAILABLE;
    uint32_t flags;

    switch (row->action) {
    case PLAN_FORWARD:
        policy = row->policy;
        slot = forward(w, row, &policy);
        break;
    case PLAN_HTTPS_REDIRECT:
        policy = row->policy;
        slot = PROGRAM_SLOT_HTTPS;
        break;
    case PLAN_NOT_FOUND:
        slot = PROGRAM_SLOT_NONE;
        break;
    case PLAN_UNAVAILABLE:
        break;
    case PLAN_REDIRECT:
        if (need_of(row) == POLICY_NEEDS_REDIRECT) {
            policy = row->policy;
            slot = PROGRAM_SLOT_REDIRECT;
        }
        break;
    }
    buf_puts(out, slot);
    flags = (policy ? policy->flags : 0) |
            (row->choose ? (uint32_t) POLICY_F_REGEX : 0);
    if (policy || flags) {
        buf_printf(out, ";%s;%u", policy ? policy->id : NO_POLICY, flags);
        if (policy && row->action == PLAN_FORWARD) {
            put_others(w, row, out);
        }
    }
}

static const char **
sorted(const struct map *items, size_t *n)
{
    *n = map_size(items);
    return map_sorted_keys(items);
}

void
want_regexes(const struct want *w, enum plan_table table,
             struct model_rows *out)
{
    const struct map *items = plan_items(w->plan, PLAN_SET_REGEXES + table);
    const struct model_rows *reserved = &w->reserved->regexes[table];
    size_t n;
    AUTO_FREE const char **hosts = sorted(items, &n);

    for (size_t i = 0; i < reserved->rows.n; i++) {
        model_rows_add(out, reserved->rows.items[i].key,
                       reserved->rows.items[i].value);
    }
    for (size_t i = 0; i < n; i++) {
        const struct plan_regexes *regexes = map_get(items, hosts[i]);

        for (size_t j = 0; j < regexes->n; j++) {
            AUTO_BUF struct buf value = BUF_OWN;

            want_route(w, &regexes->items[j].row, &value);
            if (quote_is_row(regexes->items[j].key, buf_str(&value))) {
                model_rows_add(out, regexes->items[j].key, buf_str(&value));
            }
        }
    }
}

/* Where nobody can take it, TLS ends here with our own certificate: the
 * client sees that something is wrong, and no other host gets its bytes. */
static const char *
tcp_slot(const struct want *w, const struct plan_target *target)
{
    const struct slot *slot = slots_find(w->slots, target->name);
    const struct program_class *classes;
    size_t n;

    classes = slots_classes(w->slots, &n);
    return slot && target->is_defined &&
                   classes[slot->class].kind == PROGRAM_TCP
               ? slot->name
               : PROGRAM_SLOT_INNER;
}

char *
want_route_host(const char *key)
{
    size_t length = strcspn(key, "/");

    return length > 0 && key[0] != '*' && str_eq(key + length, "/")
               ? xstrndup(key, length) : NULL;
}

const char *
want_passthrough(const struct want *w, const char *host)
{
    const struct map *hosts = plan_items(w->plan, PLAN_SET_PASSTHROUGHS);
    const struct plan_target *target = map_get(hosts, host);
    const char *rest = strchr(host, '.');
    AUTO_FREE char *key = xasprintf("%s/", host);
    AUTO_FREE char *above = xasprintf("*%s", rest ? rest : "");

    if (!w->has_mux || !quote_is_sni(host)) {
        return NULL;
    }
    if (target) {
        return tcp_slot(w, target);
    }
    return host[0] != '*' && map_get(hosts, above) &&
                   map_get(plan_items(w->plan, PLAN_SET_ROUTES), key)
               ? PROGRAM_SLOT_INNER : NULL;
}

bool
want_cert(const struct want *w, const char *id, const struct plan_cert *cert)
{
    return !str_eq(map_get(w->refused, id), cert->digest);
}

/* The default certificate answers every name already, but not with options
 * of a name. */
static bool
has_line(const struct want *w, const struct plan_name *name, const char *cert,
         const struct model *installed, char id[MODEL_ID_SIZE])
{
    const struct plan_cert *item =
        map_get(plan_items(w->plan, PLAN_SET_CERTS), cert);

    model_cert_id(cert, id);
    return item &&
           (!str_eq(id, MODEL_DEFAULT_CERT) || name->options[0] ||
            name->ca) &&
           (want_cert(w, id, item) ||
            (installed && map_get(installed->certs, id)));
}

/* The file id of what clients are verified with, if HAProxy takes it; ""
 * where 'name' is NULL. */
static bool
client_id(const struct want *w, const char *name, char id[MODEL_ID_SIZE])
{
    const struct plan_cert *item =
        name ? map_get(plan_items(w->plan, PLAN_SET_CERTS), name) : NULL;

    id[0] = '\0';
    if (name) {
        model_cert_id(name, id);
    }
    return !name || (item && want_cert(w, id, item));
}

/* Without them there is no line: then no client is asked, and the policy of
 * the host lets nobody in. */
static bool
client_options(const struct want *w, const struct plan_name *name,
               char **options)
{
    char ca[MODEL_ID_SIZE], crl[MODEL_ID_SIZE];
    bool is_there = client_id(w, name->ca, ca) && client_id(w, name->crl, crl);

    *options = is_there ? crtlist_options(ca, crl, name->options) : NULL;
    return is_there;
}

char *
want_client(const struct want *w, const char *host, const char *lines)
{
    const struct plan_name *name =
        map_get(plan_items(w->plan, PLAN_SET_SNIS), host);
    char id[PLAN_CLIENT_ID_SIZE];

    if (str_is_empty(lines) || !name || !name->ca) {
        return NULL;
    }
    plan_client_id(name->ca, name->crl, id);
    return xstrdup(id);
}

char *
want_sni(const struct want *w, const char *host,
         const struct model *installed)
{
    const struct plan_name *name =
        map_get(plan_items(w->plan, PLAN_SET_SNIS), host);
    char *lines = xstrdup("");
    AUTO_FREE char *options = NULL;
    AUTO_FREE char *except = NULL;
    AUTO_FREE char *all = NULL;
    char id[MODEL_ID_SIZE];

    if (!quote_is_sni(host) || !name || !client_options(w, name, &options)) {
        return lines;
    }
    except = plan_sni_except(w->plan, host);
    all = crtlist_with_except(options, except ? except : "");
    for (size_t i = 0; i < name->n_certs; i++) {
        if (has_line(w, name, name->certs[i], installed, id)) {
            crtlist_add(&lines, id, all);
        }
    }
    return lines;
}

/* Whether HAProxy has a certificate, or gets it; NULL is none. */
static bool
is_there(const struct want *w, const char *name,
         const struct model *installed)
{
    const struct plan_cert *item =
        name ? map_get(plan_items(w->plan, PLAN_SET_CERTS), name) : NULL;
    char id[MODEL_ID_SIZE];

    if (!name || !item) {
        return !name;
    }
    model_cert_id(name, id);
    return want_cert(w, id, item) ||
           (installed && map_get(installed->certs, id));
}

struct model_slot *
want_slot(const struct want *w, const struct plan_target *target,
          const struct model *installed)
{
    struct model_slot *slot = xcalloc(1, sizeof *slot);

    if (!target || !is_there(w, target->ca, installed) ||
        !is_there(w, target->cert, installed)) {
        return slot;
    }
    for (size_t i = 0; i < target->n_servers; i++) {
        struct model_server *server = VEC_ADD(&slot->servers);

        server->number = (unsigned) i + 1;
        memcpy(server->address, target->servers[i].address,
               sizeof server->address);
        server->port = target->servers[i].port;
        server->protocol = target->servers[i].protocol;
        server->tls = target->tls ? servertls_id(target->tls) : 0;
        server->state = target->servers[i].state == PLAN_READY ? MODEL_READY
                                                               : MODEL_DRAIN;
        server->is_weightless = server->state == MODEL_DRAIN;
    }
    return slot;
}

char *
want_cert_meta(const char *name, const struct plan_cert *cert)
{
    AUTO_FREE char *quoted = quote_name(name);

    return xasprintf("%s %s", cert->digest, quoted);
}

/* --- All of it --- */

static void
put_reserved(const struct want *w, struct model *m)
{
    for (size_t i = 0; i < MODEL_MAPS; i++) {
        struct map_iter it = MAP_ITER;

        while (map_next(w->reserved->maps[i], &it)) {
            model_set(m, i, it.key, it.value);
        }
    }
}

static void
put_policies(const struct want *w, struct model *m)
{
    const struct map *items = plan_items(w->plan, PLAN_SET_POLICIES);
    struct map_iter it = MAP_ITER;

    while (map_next(items, &it)) {
        const struct plan_policy *policy = it.value;

        for (size_t i = 0; policy->users > 0 && i < policy->n_rows; i++) {
            const struct plan_policy_row *row = &policy->rows[i];
            enum model_map map;

            if (model_map_find(row->map, &map) &&
                quote_is_row(row->key, row->value)) {
                model_set(m, map, row->key, row->value);
            }
        }
    }
}

static void
put_routes(const struct want *w, struct model *m, enum plan_table table)
{
    const struct map *items = plan_items(w->plan, PLAN_SET_ROUTES + table);
    struct map_iter it = MAP_ITER;

    while (map_next(items, &it)) {
        enum model_map map = model_route_map(table, it.key);
        AUTO_BUF struct buf value = BUF_OWN;

        want_route(w, it.value, &value);
        if (quote_is_row(it.key, buf_str(&value)) &&
            !model_get(w->reserved, map, it.key)) {
            model_set(m, map, it.key, buf_str(&value));
        }
    }
    want_regexes(w, table, &m->regexes[table]);
}

static void
put_backends(const struct want *w, struct model *m)
{
    struct slot *slot;
    char key[SERVERTLS_KEY_SIZE];

    for (size_t at = 0; (slot = slots_next(w->slots, &at));) {
        const struct plan_target *target;
        struct model_slot *out, *servers;
        AUTO_FREE char *owner = NULL;

        if (slot->state == SLOT_QUARANTINED) {
            model_set(m, MODEL_SLOTS, slot->name, WANT_QUARANTINED);
        }
        if (slot->state != SLOT_USED ||
            slots_find(w->slots, slot->owner) != slot) {
            continue;
        }
        target = map_get(plan_items(w->plan, PLAN_SET_BACKENDS),
                         slot->owner);
        owner = quote_name(slot->owner);
        model_set(m, MODEL_SLOTS, slot->name, owner);
        out = model_slot(m, slot->name);
        servers = want_slot(w, target, NULL);
        if (servers->servers.n > 0 && target->tls) {
            servertls_key(servertls_id(target->tls), key);
            model_set(m, MODEL_SERVER_TLS, key, target->tls);
        }
        *out = *servers;
        free(servers);
    }
}

static void
put_passthroughs(const struct want *w, struct model *m)
{
    const struct map *hosts = plan_items(w->plan, PLAN_SET_PASSTHROUGHS);
    const struct map *routes = plan_items(w->plan, PLAN_SET_ROUTES);
    struct map_iter it = MAP_ITER;

    while (map_next(hosts, &it)) {
        model_set(m, MODEL_SNI, it.key, want_passthrough(w, it.key));
    }
    it = (struct map_iter) MAP_ITER;
    while (map_size(hosts) > 0 && map_next(routes, &it)) {
        AUTO_FREE char *host = want_route_host(it.key);

        if (host) {
            model_set(m, MODEL_SNI, host, want_passthrough(w, host));
        }
    }
}

static void
put_tls(const struct want *w, struct model *m)
{
    const struct map *snis = plan_items(w->plan, PLAN_SET_SNIS);
    const struct map *certs = plan_items(w->plan, PLAN_SET_CERTS);
    struct map_iter it = MAP_ITER;
    char id[MODEL_ID_SIZE];

    put_passthroughs(w, m);
    while (map_next(certs, &it)) {
        const struct plan_cert *plan_cert = it.value;
        struct model_cert *cert;
        AUTO_FREE char *key = NULL;
        AUTO_FREE char *value = NULL;

        model_cert_id(it.key, id);
        if (!want_cert(w, id, plan_cert)) {
            continue;
        }
        cert = model_cert(m, id, it.key);
        cert->text = plan_cert->text;
        memcpy(cert->digest, plan_cert->digest, sizeof cert->digest);
        key = xasprintf("cert|%s", id);
        value = want_cert_meta(it.key, plan_cert);
        model_set(m, MODEL_META, key, value);
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(snis, &it)) {
        AUTO_FREE char *lines = want_sni(w, it.key, NULL);
        AUTO_FREE char *client = want_client(w, it.key, lines);

        model_set_sni(m, it.key, lines);
        model_set(m, MODEL_CLIENT, it.key, client);
    }
}

struct model *
want_model(const struct want *w)
{
    struct model *m = model_create();

    put_policies(w, m);
    put_reserved(w, m);
    put_routes(w, m, PLAN_HTTP);
    put_routes(w, m, PLAN_HTTPS);
    put_backends(w, m);
    put_tls(w, m);
    return m;
}
