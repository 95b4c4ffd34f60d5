#include "reconciler/endpoints.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/base/address.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

/* One address of one endpoint, before choosing among them. */
struct candidate {
    struct plan_server server;
    size_t family;              /* Bytes of an address: 4 or 16. */
    bool ready;
};

typedef VEC(struct candidate) candidate_vec;

int32_t
endpoints_external_port(const struct kube_service_port *port)
{
    return str_is_empty(port->target.name) ? port->target.number : port->port;
}

bool
endpoints_admits(const char *address, bool local, size_t *family)
{
    uint8_t bytes[16];

    return parse_ip(address, bytes, family) &&
           (local || address_scope(bytes, *family) != ADDRESS_LOCAL);
}

static void
add_address(candidate_vec *all, const char *address, int32_t port,
            const struct kube_endpoint *endpoint, bool local)
{
    struct candidate c = { .ready = endpoint->ready };
    uint8_t bytes[16];

    if (all->n >= (size_t) 4 * ENDPOINTS_MAX ||
        !endpoints_admits(address, local, &c.family) ||
        !parse_ip(address, bytes, &c.family)) {
        return;
    }
    inet_ntop(c.family == 4 ? AF_INET : AF_INET6, bytes, c.server.address,
              sizeof c.server.address);
    c.server.port = (uint16_t) port;
    VEC_PUSH(all, c);
}

static void
add_slice(candidate_vec *all, const struct kube_endpoint_slice *slice,
          const char *port_name, bool local)
{
    int32_t port = 0;

    for (size_t i = 0; i < slice->n_ports && port == 0; i++) {
        const struct kube_slice_port *p = &slice->ports[i];
        const char *name = p->name ? p->name : "";

        if (p->is_tcp && strcmp(name, port_name ? port_name : "") == 0) {
            port = p->port;
        }
    }
    if (slice->is_fqdn || port < 1 || port > 65535) {
        return;
    }
    for (size_t i = 0; i < slice->n_endpoints; i++) {
        const struct kube_endpoint *e = &slice->endpoints[i];

        /* Not ready and not finishing either: it takes nothing. */
        if (!e->ready && !(e->serving && e->terminating)) {
            continue;
        }
        /* Addresses of one endpoint are fungible: the first speaks. */
        if (e->n_addresses > 0) {
            add_address(all, e->addresses[0], port, e, local);
        }
    }
}

static int
compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = strcmp(x->server.address, y->server.address);

    if (order == 0) {
        order = (int) x->server.port - (int) y->server.port;
    }
    /* Of duplicates the ready one comes first and is kept. */
    return order != 0 ? order : (int) y->ready - (int) x->ready;
}

static size_t
count_ready(const candidate_vec *all, size_t family)
{
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++) {
        n += all->items[i].ready &&
             (family == 0 || all->items[i].family == family);
    }
    return n;
}

static size_t
choose_family(const struct kube_service *service, const candidate_vec *all)
{
    size_t family = 4;
    uint8_t bytes[16];

    if (service->cluster_ip) {
        if (!parse_ip(service->cluster_ip, bytes, &family)) {
            family = 4;
        }
    }
    if (count_ready(all, family) == 0) {
        size_t other = family == 4 ? 16 : 4;

        if (count_ready(all, other) > 0) {
            return other;
        }
        for (size_t i = 0; i < all->n; i++) {
            if (all->items[i].family == family) {
                return family;
            }
        }
        return other;
    }
    return family;
}

void
endpoints_resolve(const struct kube_service *service,
                  const struct kube_service_port *port,
                  const struct kube_object *const *slices, size_t n_slices,
                  bool local, struct endpoints *out)
{
    candidate_vec all = { 0 };
    bool any_ready;
    size_t family;

    *out = (struct endpoints) { 0 };
    for (size_t i = 0; i < n_slices; i++) {
        add_slice(&all, &slices[i]->slice, port->name, local);
    }
    VEC_SORT(&all, compare_candidates);
    any_ready = count_ready(&all, 0) > 0;
    family = choose_family(service, &all);
    for (size_t i = 0; i < all.n; i++) {
        struct candidate *c = &all.items[i];
        const struct plan_server *last =
            out->servers.n > 0 ? &out->servers.items[out->servers.n - 1]
                               : NULL;

        if (c->family != family || out->servers.n >= ENDPOINTS_MAX ||
            (last && last->port == c->server.port &&
             strcmp(last->address, c->server.address) == 0)) {
            continue;
        }
        c->server.state = c->ready || !any_ready ? PLAN_READY : PLAN_DRAIN;
        VEC_PUSH(&out->servers, c->server);
    }
    VEC_FINI(&all);
}

void
endpoints_fini(struct endpoints *endpoints)
{
    VEC_FINI(&endpoints->servers);
}
