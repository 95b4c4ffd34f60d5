#include "haproxy/model.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/servertls.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Of file ids that are no certificate's: no hex digits. */
#define CA_MARK "ca-"
#define CRL_MARK "cl-"

static const char *const names[MODEL_MAPS] = {
    [MODEL_POLICY] = "policy", [MODEL_CIDR] = "cidr",
    [MODEL_REWRITE] = "rewrite", [MODEL_MATCH] = "match",
    [MODEL_HTTP] = "http",
    [MODEL_HTTPS] = "https", [MODEL_ALL] = "all", [MODEL_SNI] = "sni",
    [MODEL_CLIENT] = "client", [MODEL_SERVER_TLS] = "server-tls",
    [MODEL_SLOTS] = "slots", [MODEL_META] = "meta",
};

const char *
model_map_name(enum model_map map)
{
    return names[map];
}

bool
model_map_find(const char *name, enum model_map *out)
{
    for (size_t i = 0; i < MODEL_MAPS; i++) {
        if (str_eq(names[i], name)) {
            *out = i;
            return true;
        }
    }
    return false;
}

const char *
model_list_name(enum plan_table table)
{
    return table == PLAN_HTTP ? "http-regex" : "https-regex";
}

void
model_slot_free(void *p)
{
    struct model_slot *slot = p;

    VEC_FINI(&slot->servers);
    free(slot);
}

void
model_cert_free(void *p)
{
    struct model_cert *cert = p;

    free(cert->name);
    free(cert);
}

/* A value that rows of http and https share: very many name one slot. */
struct model_value {
    unsigned n_users;
    char text[];
};

static bool
is_shared(enum model_map map)
{
    return map == MODEL_HTTP || map == MODEL_HTTPS;
}

static char *
take_value(struct model *m, const char *text)
{
    struct model_value *value = map_get(m->values, text);

    if (!value) {
        size_t size = strlen(text) + 1;

        value = xcalloc(1, sizeof *value + size);
        memcpy(value->text, text, size);
        map_put(m->values, text, value);
    }
    value->n_users++;
    return value->text;
}

static void
drop_value(struct model *m, const char *text)
{
    struct model_value *value = text ? map_get(m->values, text) : NULL;

    if (value && --value->n_users == 0) {
        map_remove(m->values, value->text);
        free(value);
    }
}

enum model_map
model_route_map(enum plan_table table, const char *key)
{
    return table == PLAN_HTTP && str_eq(key, PLAN_ALL_KEY)
               ? MODEL_ALL : MODEL_HTTP + table;
}

struct model *
model_create(void)
{
    struct model *m = xcalloc(1, sizeof *m);

    m->values = map_new();
    for (size_t i = 0; i < MODEL_MAPS; i++) {
        if (!is_shared((enum model_map) i)) {
            m->maps[i] = map_new();
        }
    }
    map_new_pair(&m->maps[MODEL_HTTP], &m->maps[MODEL_HTTPS]);
    m->slots = map_new();
    m->certs = map_new();
    m->snis = map_new();
    return m;
}

void
model_free(struct model *m)
{
    if (!m) {
        return;
    }
    for (size_t i = 0; i < MODEL_MAPS; i++) {
        map_free(m->maps[i], is_shared((enum model_map) i) ? NULL : free);
    }
    for (size_t i = 0; i < 2; i++) {
        model_rows_clear(&m->regexes[i]);
        VEC_FINI(&m->regexes[i].rows);
    }
    map_free(m->values, free);
    map_free(m->slots, model_slot_free);
    map_free(m->certs, model_cert_free);
    map_free(m->snis, free);
    model_rows_clear(&m->strays);
    VEC_FINI(&m->strays.rows);
    free(m);
}

void
model_set(struct model *m, enum model_map map, const char *key,
          const char *value)
{
    char *now = NULL, *before;

    if (value) {
        now = is_shared(map) ? take_value(m, value) : xstrdup(value);
    }
    before = now ? map_put(m->maps[map], key, now)
                 : map_remove(m->maps[map], key);
    if (is_shared(map)) {
        drop_value(m, before);
    } else {
        free(before);
    }
}

const char *
model_get(const struct model *m, enum model_map map, const char *key)
{
    return map_get(m->maps[map], key);
}

void
model_rows_add(struct model_rows *list, const char *key, const char *value)
{
    struct model_row row = { .key = xstrdup(key), .value = xstrdup(value) };

    VEC_PUSH(&list->rows, row);
}

void
model_rows_clear(struct model_rows *list)
{
    for (size_t i = 0; i < list->rows.n; i++) {
        free(list->rows.items[i].key);
        free(list->rows.items[i].value);
    }
    list->rows.n = 0;
}

bool
model_rows_equal(const struct model_rows *a, const struct model_rows *b)
{
    if (a->rows.n != b->rows.n) {
        return false;
    }
    for (size_t i = 0; i < a->rows.n; i++) {
        if (!str_eq(a->rows.items[i].key, b->rows.items[i].key) ||
            !str_eq(a->rows.items[i].value, b->rows.items[i].value)) {
            return false;
        }
    }
    return true;
}

bool
model_is_alike(const struct model_server *a, const struct model_server *b)
{
    return a->port == b->port && a->protocol == b->protocol &&
           a->tls == b->tls && str_eq(a->address, b->address);
}

struct model_slot *
model_slot(struct model *m, const char *name)
{
    struct model_slot *slot = map_get(m->slots, name);

    if (!slot) {
        slot = xcalloc(1, sizeof *slot);
        map_put(m->slots, name, slot);
    }
    return slot;
}

void
model_cert_id(const char *name, char out[MODEL_ID_SIZE])
{
    char digest[DIGEST_HEX_SIZE];

    if (*name == '\0') {
        memcpy(out, MODEL_DEFAULT_CERT, sizeof MODEL_DEFAULT_CERT);
        return;
    }
    digest_sha256_hex(name, strlen(name), digest);
    memcpy(out, digest, MODEL_ID_SIZE - 1);
    out[MODEL_ID_SIZE - 1] = '\0';
    if (str_starts(name, PLAN_CA)) {
        memcpy(out, CA_MARK, strlen(CA_MARK));
    } else if (str_starts(name, PLAN_CRL)) {
        memcpy(out, CRL_MARK, strlen(CRL_MARK));
    }
}

enum model_store
model_store(const char *id)
{
    return str_starts(id, CA_MARK) ? MODEL_STORE_CA
           : str_starts(id, CRL_MARK) ? MODEL_STORE_CRL : MODEL_STORE_CERT;
}

struct model_cert *
model_cert(struct model *m, const char *id, const char *name)
{
    struct model_cert *cert = map_get(m->certs, id);

    if (!cert) {
        cert = xcalloc(1, sizeof *cert);
        cert->name = xstrdup(name);
        map_put(m->certs, id, cert);
    }
    return cert;
}

void
model_set_sni(struct model *m, const char *host, const char *lines)
{
    free(str_is_empty(lines) ? map_remove(m->snis, host)
                             : map_put(m->snis, host, xstrdup(lines)));
}

void
model_drop_cert(struct model *m, const char *id)
{
    struct model_cert *cert = map_remove(m->certs, id);

    if (cert) {
        model_cert_free(cert);
    }
}

bool
model_is_held(const struct model *m, const char *id)
{
    struct map_iter it = MAP_ITER;

    while (map_next(m->maps[MODEL_SERVER_TLS], &it)) {
        if (servertls_names(it.value, id)) {
            return true;
        }
    }
    return false;
}
