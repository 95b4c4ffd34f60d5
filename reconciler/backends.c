#include "reconciler/backends.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "reconciler/endpoints.h"
#include "reconciler/keyset.h"
#include "reconciler/resolved.h"

struct backend {
    char *name;
    char *service_key;          /* NULL exactly where there is a host. */
    char *host;
    char *port_name;            /* NULL: by number. */
    int32_t port_number;        /* 0 and no name: the first port. */
    enum plan_kind kind;
    enum plan_balance balance;
    uint32_t connect_ms;
    uint32_t retry;
    enum plan_protocol protocol;
    bool by_service;
    bool has_tls;
    struct backend_tls tls;     /* Of the texts below. */
    char *secret, *ssl_name, *ciphers;
    unsigned n_refs;
};

struct backends {
    const struct cache *cache;
    struct plan *plan;
    struct upstreams *upstreams;
    struct backends_options options;
    struct map *by_name;        /* -> struct backend */
    struct map *by_secret;      /* Secret key -> keyset of names */
    struct map *by_service;     /* Service key -> keyset of names */
    struct map *by_host;        /* Host -> keyset of names */
    struct map *slices;         /* Service key -> keyset of slice keys */
    struct map *resolved;       /* Host name -> struct resolved */
};

static void
free_keyset(void *set)
{
    keyset_free(set);
}

static void
free_backend(void *p)
{
    struct backend *b = p;

    free(b->name);
    free(b->service_key);
    free(b->host);
    free(b->port_name);
    free(b->secret);
    free(b->ssl_name);
    free(b->ciphers);
    free(b);
}

struct backends *
backends_new(const struct cache *cache, struct plan *plan,
             struct upstreams *upstreams,
             const struct backends_options *options)
{
    struct backends *bs = xcalloc(1, sizeof *bs);

    bs->cache = cache;
    bs->plan = plan;
    bs->upstreams = upstreams;
    bs->options = *options;
    bs->by_name = map_new();
    bs->by_service = map_new();
    bs->by_host = map_new();
    bs->by_secret = map_new();
    bs->slices = map_new();
    bs->resolved = map_new();
    return bs;
}

void
backends_free(struct backends *bs)
{
    if (bs) {
        map_free(bs->by_name, free_backend);
        map_free(bs->by_service, free_keyset);
        map_free(bs->by_host, free_keyset);
        map_free(bs->by_secret, free_keyset);
        map_free(bs->slices, free_keyset);
        map_free(bs->resolved, resolved_free);
        free(bs);
    }
}

static struct keyset *
keyset_of(struct map *map, const char *key)
{
    struct keyset *set = map_get(map, key);

    if (!set) {
        set = keyset_new();
        map_put(map, key, set);
    }
    return set;
}

static void
drop_from(struct map *map, const char *key, const char *item)
{
    struct keyset *set = map_get(map, key);

    if (set) {
        keyset_remove(set, item);
        if (keyset_count(set) == 0) {
            map_remove(map, key);
            keyset_free(set);
        }
    }
}

static const struct kube_service_port *
port_of(const struct backend *b, const struct kube_service *service)
{
    struct kube_port port = { b->port_name, b->port_number };

    if (!b->port_name && b->port_number == 0) {
        return service->n_ports > 0 ? &service->ports[0] : NULL;
    }
    return kube_service_port(service, &port);
}

static void
resolve_slices(const struct backends *bs, const struct backend *b,
               const struct kube_service *service, struct endpoints *out)
{
    const struct kube_service_port *port = port_of(b, service);
    const struct keyset *keys = map_get(bs->slices, b->service_key);
    AUTO_FREE const struct kube_object **slices = NULL;
    AUTO_FREE const char **names = NULL;
    size_t n = 0, n_slices = 0;

    if (!port || !keys) {
        return;
    }
    names = keyset_list(keys, &n);
    slices = xcalloc(n, sizeof *slices);
    for (size_t i = 0; i < n; i++) {
        const struct kube_object *slice =
            cache_get(bs->cache, KUBE_ENDPOINT_SLICE, names[i]);

        if (slice) {
            slices[n_slices++] = slice;
        }
    }
    endpoints_resolve(service, port, slices, n_slices,
                      bs->options.local_endpoints, out);
}

static void
add_address(const struct backends *bs, const char *address, int32_t port,
            struct endpoints *out)
{
    struct plan_server *server;
    size_t family;

    if (endpoints_admits(address, bs->options.local_endpoints, &family) &&
        port >= 1 && port <= 65535) {
        server = VEC_ADD(&out->servers);
        memcpy(server->address, address,
               strnlen(address, sizeof server->address - 1));
        server->port = (uint16_t) port;
        server->state = PLAN_READY;
    }
}

static void
resolve_host(const struct backends *bs, const char *host, int32_t port,
             struct endpoints *out)
{
    const struct resolved *r = map_get(bs->resolved, host);
    uint8_t bytes[16];
    size_t size;

    if (parse_ip(host, bytes, &size)) {
        add_address(bs, host, port, out);
    }
    for (size_t i = 0; r && i < r->n; i++) {
        add_address(bs, r->addresses[i], port, out);
    }
}

/* An ExternalName Service may list no port: the number asked for counts. */
static void
resolve_external(const struct backends *bs, const struct backend *b,
                 const struct kube_service *service, struct endpoints *out)
{
    const struct kube_service_port *port = port_of(b, service);
    int32_t number = port ? endpoints_external_port(port) : b->port_number;

    if (bs->options.external_names && service->external_name) {
        resolve_host(bs, service->external_name, number, out);
    }
}

/* Its cluster IP, where it has one. */
static bool
resolve_service(const struct backends *bs, const struct backend *b,
                const struct kube_service *service, struct endpoints *out)
{
    const struct kube_service_port *port = port_of(b, service);
    struct plan_server *server;
    size_t family;

    if (!port || !service->cluster_ip || port->port < 1 ||
        port->port > 65535 ||
        strlen(service->cluster_ip) >= sizeof server->address ||
        !endpoints_admits(service->cluster_ip, bs->options.local_endpoints,
                          &family)) {
        return false;
    }
    server = VEC_ADD(&out->servers);
    memcpy(server->address, service->cluster_ip,
           strlen(service->cluster_ip) + 1);
    server->port = (uint16_t) port->port;
    server->state = PLAN_READY;
    return true;
}

/* False where endpoints may not be spoken to: what verifies them, or what
 * they are to be shown, is not there. */
static bool
make_tls(const struct backends *bs, const struct backend *b,
         struct plan_server_tls *out)
{
    const struct backend_tls *tls = &b->tls;
    const struct upstreams *us = bs->upstreams;

    *out = (struct plan_server_tls) {
        .name = tls->name,
        .sends_name = tls->sends_name,
        .ciphers = tls->ciphers,
        .min_version = tls->tls12 ? "TLSv1.2" : tls->tls13 ? "TLSv1.3" : NULL,
        .max_version = tls->tls12 && !tls->tls13 ? "TLSv1.2" : NULL,
    };
    if (tls->secret) {
        out->ca = tls->verifies ? upstreams_ca(us, tls->secret) : NULL;
        out->cert = upstreams_cert(us, tls->secret);
    }
    return (!tls->secret || !upstreams_problem(us, tls->secret)) &&
           (!tls->verifies || out->ca);
}

static void
update(struct backends *bs, const struct backend *b)
{
    const struct kube_object *service =
        b->host ? NULL : cache_get(bs->cache, KUBE_SERVICE, b->service_key);
    struct endpoints endpoints = { 0 };
    struct plan_backend want = { .kind = b->kind, .balance = b->balance,
                                 .connect_ms = b->connect_ms,
                                 .retry = b->retry };
    struct plan_server_tls tls;
    bool may_speak = !b->has_tls || make_tls(bs, b, &tls);

    if (b->host) {
        resolve_host(bs, b->host, b->port_number, &endpoints);
    } else if (service &&
               service->service.type == KUBE_SERVICE_EXTERNAL_NAME) {
        resolve_external(bs, b, &service->service, &endpoints);
    } else if (service &&
               !(b->by_service &&
                 resolve_service(bs, b, &service->service, &endpoints))) {
        resolve_slices(bs, b, &service->service, &endpoints);
    }
    for (size_t i = 0; i < endpoints.servers.n; i++) {
        endpoints.servers.items[i].protocol = b->protocol;
    }
    want.servers = endpoints.servers.items;
    want.n_servers = may_speak ? endpoints.servers.n : 0;
    want.tls = may_speak && b->has_tls ? &tls : NULL;
    plan_set_backend(bs->plan, b->name, &want);
    endpoints_fini(&endpoints);
}

/* "|tls SECRET ..." in short: none of it is for people. */
static char *
name_of_tls(const struct backend_tls *tls)
{
    AUTO_FREE char *all = NULL;
    char digest[DIGEST_HEX_SIZE];

    if (!tls) {
        return xstrdup("");
    }
    all = xasprintf("%s %d %s %d %s %d %d", tls->secret ? tls->secret : "",
                    tls->verifies, tls->name ? tls->name : "",
                    tls->sends_name, tls->ciphers ? tls->ciphers : "",
                    tls->tls12, tls->tls13);
    digest_sha256_hex(all, strlen(all), digest);
    digest[16] = '\0';
    return xasprintf("|%s", digest);
}

static char *
name_of(const struct backend_use *use)
{
    static const char *const kinds[] = { "plain", "policy", "cookie", "tcp" };
    static const char *const balances[] = { "roundrobin", "leastconn", "hash" };
    static const char *const protocols[PLAN_N_PROTOCOLS] = {
        [PLAN_HTTP1] = "",
        [PLAN_H2C] = "|h2c",
        [PLAN_TLS] = "|tls",
        [PLAN_TLS_H2] = "|tls-h2",
        [PLAN_PROXY_V2] = "|proxy-v2",
        [PLAN_TLS_PUBLIC] = "|tls-public",
    };
    AUTO_FREE char *port = use->port.name
                               ? xstrdup(use->port.name)
                               : xasprintf("%d", use->port.number);
    AUTO_FREE char *retry =
        use->retry ? xasprintf("|%u of %u", PLAN_RETRY_TRIES(use->retry),
                               (unsigned) (use->retry & PLAN_RETRY_ALL))
                   : xstrdup("");

    AUTO_FREE char *tls = name_of_tls(use->tls);

    return xasprintf("%s/%s:%s|%s|%s|%u%s%s%s%s",
                     use->host ? "" : use->namespace,
                     use->host ? use->host : use->service, port,
                     kinds[use->kind], balances[use->balance],
                     use->connect_ms, retry, protocols[use->protocol], tls,
                     use->by_service ? "|service" : "");
}

static char *
copy_of(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static void
take_tls(struct backends *bs, struct backend *b,
         const struct backend_tls *tls)
{
    b->has_tls = tls != NULL;
    if (!tls) {
        return;
    }
    b->secret = copy_of(tls->secret);
    b->ssl_name = copy_of(tls->name);
    b->ciphers = copy_of(tls->ciphers);
    b->tls = *tls;
    b->tls.secret = b->secret;
    b->tls.name = b->ssl_name;
    b->tls.ciphers = b->ciphers;
    if (b->secret) {
        upstreams_ref(bs->upstreams, b->secret);
        keyset_add(keyset_of(bs->by_secret, b->secret), b->name);
    }
}

const char *
backends_ref(struct backends *bs, const struct backend_use *use)
{
    AUTO_FREE char *name = name_of(use);
    struct backend *b = map_get(bs->by_name, name);

    if (!b) {
        b = xcalloc(1, sizeof *b);
        b->name = STEAL_PTR(name);
        b->host = use->host ? xstrdup(use->host) : NULL;
        b->service_key =
            b->host ? NULL
                    : xasprintf("%s/%s", use->namespace, use->service);
        b->port_name = use->port.name ? xstrdup(use->port.name) : NULL;
        b->port_number = use->port.number;
        b->kind = use->kind;
        b->balance = use->balance;
        b->connect_ms = use->connect_ms;
        b->retry = use->retry;
        b->protocol = use->protocol;
        b->by_service = use->by_service;
        take_tls(bs, b, use->tls);
        map_put(bs->by_name, b->name, b);
        if (b->host) {
            keyset_add(keyset_of(bs->by_host, b->host), b->name);
        } else {
            keyset_add(keyset_of(bs->by_service, b->service_key), b->name);
        }
        update(bs, b);
    }
    b->n_refs++;
    return b->name;
}

void
backends_unref(struct backends *bs, const char *name)
{
    struct backend *b = map_get(bs->by_name, name);

    if (b && --b->n_refs == 0) {
        plan_del_backend(bs->plan, b->name);
        if (b->host) {
            drop_from(bs->by_host, b->host, b->name);
        } else {
            drop_from(bs->by_service, b->service_key, b->name);
        }
        if (b->secret) {
            drop_from(bs->by_secret, b->secret, b->name);
            upstreams_unref(bs->upstreams, b->secret);
        }
        map_remove(bs->by_name, b->name);
        free_backend(b);
    }
}

static void
update_all(struct backends *bs, const struct keyset *names)
{
    AUTO_FREE const char **list = NULL;
    size_t n;

    if (!names) {
        return;
    }
    list = keyset_list(names, &n);
    for (size_t i = 0; i < n; i++) {
        update(bs, map_get(bs->by_name, list[i]));
    }
}

void
backends_service_changed(struct backends *bs, const char *service_key)
{
    update_all(bs, map_get(bs->by_service, service_key));
}

void
backends_secret_changed(struct backends *bs, const char *secret_key)
{
    update_all(bs, map_get(bs->by_secret, secret_key));
}

/* The Service a slice belongs to; NULL where its label names none. */
static char *
service_of(const struct kube_object *slice)
{
    if (!slice || str_is_empty(slice->slice.service)) {
        return NULL;
    }
    return xasprintf("%s/%s", slice->namespace, slice->slice.service);
}

void
backends_slice_changed(struct backends *bs, const struct kube_object *old,
                       const struct kube_object *new)
{
    AUTO_FREE char *was = service_of(old);
    AUTO_FREE char *is = service_of(new);

    if (was && !str_eq(was, is)) {
        drop_from(bs->slices, was, old->key);
        backends_service_changed(bs, was);
    }
    if (is) {
        keyset_add(keyset_of(bs->slices, is), new->key);
        backends_service_changed(bs, is);
    }
}

/* Calls 'each' for the backends whose Service is an ExternalName. */
static void
each_external(const struct backends *bs,
              void (*each)(const struct backend *, const char *host,
                           void *aux),
              void *aux)
{
    AUTO_FREE const char **keys = NULL;

    if (!bs->options.external_names) {
        return;
    }
    keys = map_sorted_keys(bs->by_name);
    for (size_t i = 0; i < map_size(bs->by_name); i++) {
        const struct backend *b = map_get(bs->by_name, keys[i]);
        const struct kube_object *service =
            b->host ? NULL
                    : cache_get(bs->cache, KUBE_SERVICE, b->service_key);

        if (service && service->service.type == KUBE_SERVICE_EXTERNAL_NAME &&
            service->service.external_name) {
            each(b, service->service.external_name, aux);
        }
    }
}

struct updating {
    struct backends *bs;
    const char *host;
    backends_service_fn *touch;
    void *aux;
};

static void
update_if(const struct backend *b, const char *host, void *aux)
{
    struct updating *u = aux;

    if (strcmp(host, u->host) == 0) {
        update(u->bs, b);
        u->touch(b->service_key, u->aux);
    }
}

void
backends_resolved(struct backends *bs, const char *host,
                  const char *const *addresses, size_t n,
                  backends_service_fn *touch, void *aux)
{
    struct updating u = { bs, host, touch, aux };

    resolved_free(map_put(bs->resolved, host, resolved_new(addresses, n)));
    update_all(bs, map_get(bs->by_host, host));
    each_external(bs, update_if, &u);
}

void
backends_inherit(struct backends *bs, const struct backends *from)
{
    AUTO_FREE const char **keys = map_sorted_keys(bs->by_name);
    struct map_iter it = MAP_ITER;

    while (map_next(from->resolved, &it)) {
        const struct resolved *r = it.value;

        resolved_free(map_put(bs->resolved, it.key,
                              resolved_new((const char *const *) r->addresses,
                                           r->n)));
    }
    /* The default backend is there from the beginning. */
    for (size_t i = 0; i < map_size(bs->by_name); i++) {
        update(bs, map_get(bs->by_name, keys[i]));
    }
}

static void
collect_host(const struct backend *b, const char *host, void *aux)
{
    (void) b;
    keyset_add(aux, host);
}

char **
backends_external_names(const struct backends *bs, size_t *n)
{
    AUTO_KEYSET struct keyset *hosts = keyset_new();
    struct map_iter it = MAP_ITER;
    uint8_t bytes[16];
    size_t size;

    while (map_next(bs->by_host, &it)) {
        if (!parse_ip(it.key, bytes, &size)) {
            keyset_add(hosts, it.key);
        }
    }
    each_external(bs, collect_host, hosts);
    *n = keyset_count(hosts);
    return keyset_take(hosts);
}

bool
backends_is_unknown(const struct backends *bs, const char *host)
{
    const struct resolved *r = map_get(bs->resolved, host);

    return r && r->n == 0;
}
