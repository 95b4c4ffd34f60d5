#include "reconciler/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

static void
free_address(struct kube_address *a)
{
    mem_freep(&a->ip);
    mem_freep(&a->hostname);
}

void
addresses_fini(struct addresses *out)
{
    for (size_t i = 0; i < out->items.n; i++) {
        free_address(&out->items.items[i]);
    }
    VEC_FINI(&out->items);
}

static bool
same(const struct kube_address *a, const struct kube_address *b)
{
    return str_eq(a->ip, b->ip) && str_eq(a->hostname, b->hostname);
}

static bool
has(const struct addresses *all, const struct kube_address *a)
{
    for (size_t i = 0; i < all->items.n; i++) {
        if (same(&all->items.items[i], a)) {
            return true;
        }
    }
    return false;
}

static bool
has_ip(const struct addresses *all)
{
    return all->items.n > 0 && all->items.items[0].ip;
}

static int
compare(const void *a, const void *b)
{
    const struct kube_address *x = a, *y = b;

    if (!x->ip != !y->ip) {
        return x->ip ? -1 : 1;
    }
    return x->ip ? strcmp(x->ip, y->ip) : strcmp(x->hostname, y->hostname);
}

/* Adds one; false where it is neither an IP address nor a host name. */
static bool
add(struct addresses *out, const char *text)
{
    struct kube_address a = { 0 };
    char ip[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    size_t size;

    if (parse_ip(text, bytes, &size)) {
        inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, ip, sizeof ip);
        a.ip = xstrdup(ip);
    } else {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
        char *host = str_lower(text);

        if (host[0] == '\0' || strlen(host) > 253 ||
            host[strspn(host, allowed)] != '\0') {
            mem_freep(&host);
            return false;
        }
        a.hostname = host;
    }
    if (out->items.n >= ADDRESS_MAX || has(out, &a)) {
        free_address(&a);
    } else {
        VEC_PUSH(&out->items, a);
    }
    return true;
}

/* Sorts, and drops host names where there are IP addresses. */
static void
finish(struct addresses *out)
{
    VEC_SORT(&out->items, compare);
    while (has_ip(out) && !out->items.items[out->items.n - 1].ip) {
        free_address(&out->items.items[--out->items.n]);
    }
}

struct parsing {
    struct addresses *out;
    struct err *err;
};

static bool
add_piece(const char *piece, size_t length, void *aux)
{
    struct parsing *p = aux;
    AUTO_FREE char *text = xstrndup(piece, length);

    if (!add(p->out, text)) {
        AUTO_FREE char *quoted = str_quote(text);

        p->err = err_new(ERR_INVALID,
                         "%s is neither an IP address nor a host name",
                         quoted);
        return false;
    }
    return true;
}

struct err *
addresses_parse(const char *list, struct addresses *out)
{
    struct parsing p = { .out = out };

    *out = (struct addresses) { 0 };
    str_split(list, ',', add_piece, &p);
    for (size_t i = 0; !p.err && i < out->items.n; i++) {
        if (!out->items.items[i].ip != !out->items.items[0].ip) {
            p.err = err_new(ERR_INVALID,
                            "IP addresses and host names do not mix: DNS "
                            "holds one kind under a name");
        }
    }
    finish(out);
    return p.err;
}

void
addresses_of_service(const struct kube_service *service,
                     struct addresses *out)
{
    *out = (struct addresses) { 0 };
    if (service->type == KUBE_SERVICE_EXTERNAL_NAME) {
        add(out, service->external_name ? service->external_name : "");
        return;
    }
    for (size_t i = 0; i < service->n_external_ips; i++) {
        add(out, service->external_ips[i]);
    }
    if (service->type == KUBE_SERVICE_LOAD_BALANCER) {
        for (size_t i = 0; i < service->n_addresses; i++) {
            const struct kube_address *a = &service->addresses[i];

            add(out, a->ip ? a->ip : a->hostname ? a->hostname : "");
        }
    } else if (out->items.n == 0 && service->cluster_ip) {
        uint8_t bytes[16];
        size_t size;

        if (parse_ip(service->cluster_ip, bytes, &size)) {
            add(out, service->cluster_ip);
        }
    }
    finish(out);
}

bool
addresses_contain(const struct addresses *all,
                  const struct kube_address *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!has(all, &items[i])) {
            return false;
        }
    }
    return true;
}

bool
addresses_equal(const struct addresses *all, const struct kube_address *items,
                size_t n)
{
    return n == all->items.n && addresses_contain(all, items, n);
}
