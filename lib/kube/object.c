#include "lib/kube/object.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/object_priv.h"

/* The block of an object: its count, itself, and what it points to, unless
 * that is in chunks. */
struct block {
    atomic_size_t n_refs;
    struct arena_chunk *chunks; /* NULL: none. */
    struct kube_object object;
};

static const char *const kind_names[KUBE_N_KINDS] = {
    [KUBE_INGRESS] = "Ingress",
    [KUBE_INGRESS_CLASS] = "IngressClass",
    [KUBE_SERVICE] = "Service",
    [KUBE_ENDPOINT_SLICE] = "EndpointSlice",
    [KUBE_SECRET] = "Secret",
    [KUBE_NAMESPACE] = "Namespace",
    [KUBE_CONFIG_MAP] = "ConfigMap",
    [KUBE_LEASE] = "Lease",
    [KUBE_POD] = "Pod",
};

static struct block *
block_of(const struct kube_object *o)
{
    return (struct block *) (uintptr_t) ((const char *) o -
                                         offsetof(struct block, object));
}

struct kube_object *
kube_object_new(size_t room, struct arena *arena)
{
    struct block *block = xcalloc(1, sizeof *block + room);

    atomic_init(&block->n_refs, 1);
    block->object.size = sizeof *block + room;
    arena_init_block(arena, block + 1, room);
    return &block->object;
}

void
kube_object_adopt(struct kube_object *o, struct arena *arena)
{
    o->size += arena_size(arena);
    block_of(o)->chunks = STEAL_PTR(arena->chunks);
}

const struct kube_object *
kube_ref(const struct kube_object *o)
{
    atomic_fetch_add_explicit(&block_of(o)->n_refs, 1, memory_order_relaxed);
    return o;
}

void
kube_unref(const struct kube_object *o)
{
    size_t before;

    if (!o) {
        return;
    }
    before = atomic_fetch_sub_explicit(&block_of(o)->n_refs, 1,
                                       memory_order_acq_rel);
    assert(before > 0);
    if (before == 1) {
        struct block *block = block_of(o);
        struct arena pieces = { .chunks = block->chunks };

        arena_fini(&pieces);
        if (o->kind == KUBE_SECRET) {
            explicit_bzero(block, o->size);
        }
        free(block);
    }
}

void
kube_unrefp(const struct kube_object **op)
{
    kube_unref(*op);
}

const char *
kube_pair(const struct kube_pairs *pairs, const char *name)
{
    size_t low = 0, high = pairs->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(pairs->items[middle].name, name);

        if (order == 0) {
            return pairs->items[middle].value;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct kube_datum *
kube_datum(const struct kube_secret *secret, const char *name)
{
    for (size_t i = 0; i < secret->n_data; i++) {
        if (strcmp(secret->data[i].name, name) == 0) {
            return &secret->data[i];
        }
    }
    return NULL;
}

bool
kube_service_port_is(const struct kube_service_port *p,
                     const struct kube_port *wanted)
{
    return str_is_empty(wanted->name) ? p->port == wanted->number
                                      : str_eq(p->name, wanted->name);
}

static bool
is_target(const struct kube_service_port *p, const struct kube_port *wanted)
{
    return str_is_empty(wanted->name)
               ? str_is_empty(p->target.name) &&
                     p->target.number == wanted->number
               : str_eq(p->target.name, wanted->name);
}

const struct kube_service_port *
kube_service_port(const struct kube_service *service,
                  const struct kube_port *wanted)
{
    for (size_t i = 0; i < service->n_ports; i++) {
        if (kube_service_port_is(&service->ports[i], wanted)) {
            return &service->ports[i];
        }
    }
    for (size_t i = 0; i < service->n_ports; i++) {
        if (is_target(&service->ports[i], wanted)) {
            return &service->ports[i];
        }
    }
    return NULL;
}

const char *
kube_kind_name(enum kube_kind kind)
{
    return kind_names[kind];
}

bool
kube_kind_parse(const char *name, enum kube_kind *out)
{
    for (size_t i = 0; i < KUBE_N_KINDS; i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *out = (enum kube_kind) i;
            return true;
        }
    }
    return false;
}
