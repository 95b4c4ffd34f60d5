#include "reconciler/nodes.h"

#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"

struct nodes {
    struct map *known;          /* Address to struct node. */
    int64_t look_ms;
};

struct node {
    int64_t away_ms;            /* When it is gone. */
    bool is_here;               /* In the present look. */
};

struct nodes *
nodes_new(void)
{
    struct nodes *n = xcalloc(1, sizeof *n);

    n->known = map_new();
    return n;
}

void
nodes_free(struct nodes *n)
{
    if (n) {
        map_free(n->known, free);
        free(n);
    }
}

/* True where its node was not known. */
static bool
see(struct nodes *n, const struct kube_object *pod)
{
    const char *address = pod->pod.host_ip;
    struct node *node;

    if (!pod->pod.is_ready || pod->is_deleting || !address) {
        return false;
    }
    node = map_get(n->known, address);
    if (node) {
        node->is_here = true;
        return false;
    }
    node = xcalloc(1, sizeof *node);
    node->is_here = true;
    map_put(n->known, address, node);
    return true;
}

/* True where a node is gone. */
static bool
drop_gone(struct nodes *n, int64_t now_ms)
{
    size_t count = map_size(n->known);
    AUTO_FREE const char **addresses = map_sorted_keys(n->known);
    bool is_changed = false;

    for (size_t i = 0; i < count; i++) {
        struct node *node = map_get(n->known, addresses[i]);

        if (node->is_here) {
            node->away_ms = now_ms + NODES_AWAY_MS;
            node->is_here = false;
        } else if (now_ms >= node->away_ms) {
            free(map_remove(n->known, addresses[i]));
            is_changed = true;
        }
    }
    return is_changed;
}

bool
nodes_look(struct nodes *n, const struct cache *cache, int64_t now_ms)
{
    AUTO_FREE const struct kube_object **pods = NULL;
    bool is_changed = false;
    size_t count;

    if (now_ms < n->look_ms) {
        return false;
    }
    n->look_ms = now_ms + NODES_LOOK_MS;
    pods = cache_list(cache, KUBE_POD, &count);
    for (size_t i = 0; i < count; i++) {
        is_changed |= see(n, pods[i]);
    }
    return drop_gone(n, now_ms) || is_changed;
}

int64_t
nodes_look_ms(const struct nodes *n)
{
    return n->look_ms;
}

void
nodes_put(const struct nodes *n, struct buf *out)
{
    AUTO_FREE const char **addresses = map_sorted_keys(n->known);

    for (size_t i = 0; i < map_size(n->known); i++) {
        buf_printf(out, "%s%s", i > 0 ? "," : "", addresses[i]);
    }
}
