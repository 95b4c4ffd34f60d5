#include "reconciler/publisher.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "reconciler/address.h"
#include "reconciler/keyset.h"
#include "reconciler/nodes.h"
#include "reconciler/refusals.h"

/* Another writer undid ours this often: it is told, and left alone. */
#define MAX_FIGHTS 5
/* More than go out at once (kube/status.h), and no more: what waits here costs
 * a key, what waits there a request. */
#define MAX_WRITING 64

struct entry {                  /* Of one Ingress we wrote to. */
    bool is_writing;
    bool wrote_ours;            /* The last write set our addresses. */
    bool is_touched;            /* Since that write began. */
    bool is_refused;            /* The last write was, */
    bool is_put_off;            /* and is among the refusals. */
    char *version;              /* resourceVersion at that write. */
    unsigned n_fights;
};

struct publisher {
    struct publisher_options options;
    const struct engine *engine;
    const struct cache *cache;
    struct effects effects;
    struct addresses addresses;
    char *service_version;      /* Of the publish Service last looked at. */
    struct nodes *nodes;        /* NULL: their addresses are not ours. */
    bool was_leader;
    struct keyset *pending;     /* To be looked at. */
    struct keyset *waiting;     /* To be when HAProxy confirms more. */
    struct refusals refusals;   /* To be some time later. */
    char **batch;               /* Of 'pending', from 'at' on. */
    size_t at;
    uint64_t confirmed;
    struct map *entries;        /* Ingress key -> struct entry */
    size_t n_writing;
    int64_t now_ms;
};

static void
free_entry(void *p)
{
    struct entry *entry = p;

    free(entry->version);
    free(entry);
}

struct err *
publisher_new(const struct publisher_options *options,
              const struct engine *engine, const struct cache *cache,
              const struct effects *effects, struct publisher **out)
{
    struct publisher *p = xcalloc(1, sizeof *p);

    p->options = *options;
    p->engine = engine;
    p->cache = cache;
    p->effects = *effects;
    p->pending = keyset_new_batch();
    p->waiting = keyset_new_batch();
    p->entries = map_new();
    p->refusals = (struct refusals) REFUSALS_INIT;
    p->nodes = options->publish_nodes ? nodes_new() : NULL;
    *out = p;
    if (options->publish_addresses) {
        struct err *err =
            addresses_parse(options->publish_addresses, &p->addresses);

        if (err) {
            publisher_free(p);
            *out = NULL;
            return err_wrap(err, "--publish-status-address");
        }
    }
    return NULL;
}

void
publisher_free(struct publisher *p)
{
    if (p) {
        addresses_fini(&p->addresses);
        free(p->service_version);
        nodes_free(p->nodes);
        keyset_free(p->pending);
        keyset_free(p->waiting);
        refusals_fini(&p->refusals);
        for (; p->batch && p->batch[p->at]; p->at++) {
            free(p->batch[p->at]);
        }
        free(p->batch);
        map_free(p->entries, free_entry);
        free(p);
    }
}

void
publisher_touch(struct publisher *p, const char *ingress_key)
{
    keyset_add(p->pending, ingress_key);
}

static void
touch_all(struct publisher *p)
{
    size_t n;
    AUTO_FREE const char **keys = engine_ingresses(p->engine, &n);

    for (size_t i = 0; i < n; i++) {
        keyset_add(p->pending, keys[i]);
    }
}

/* What we wrote before our addresses changed is no other writer's. */
static void
forgive_all(struct publisher *p)
{
    struct map_iter it = MAP_ITER;

    while (map_next(p->entries, &it)) {
        struct entry *entry = it.value;

        entry->n_fights = 0;
        entry->wrote_ours = false;
    }
}

/* Takes 'found'.  Where there is none the last known stay: DNS goes on. */
static void
set_addresses(struct publisher *p, struct addresses *found)
{
    if (found->items.n == 0 ||
        addresses_equal(&p->addresses, found->items.items,
                        found->items.n)) {
        addresses_fini(found);
        return;
    }
    addresses_fini(&p->addresses);
    p->addresses = *found;
    forgive_all(p);
    touch_all(p);
}

/* Follows our pods; replicas that do not write know them, too, and whoever
 * becomes the leader knows who was there a moment ago. */
static void
follow_nodes(struct publisher *p, int64_t now_ms)
{
    AUTO_BUF struct buf list = BUF_OWN;
    struct addresses found = { 0 };
    AUTO_ERR struct err *err = NULL;

    if (!p->nodes || !nodes_look(p->nodes, p->cache, now_ms)) {
        return;
    }
    nodes_put(p->nodes, &list);
    err = list.size > 0 ? addresses_parse(buf_str(&list), &found) : NULL;
    if (err) {
        log_error("reconciler", NULL, "addresses of nodes: %s", err_text(err));
        addresses_fini(&found);
    } else {
        set_addresses(p, &found);
    }
}

/* Follows the Service of --publish-service. */
static void
follow_service(struct publisher *p)
{
    const struct kube_object *service;
    struct addresses found = { 0 };

    if (!p->options.publish_service) {
        return;
    }
    service = cache_get(p->cache, KUBE_SERVICE, p->options.publish_service);
    if (!service || str_eq(service->resource_version, p->service_version)) {
        return;
    }
    free(p->service_version);
    p->service_version = service->resource_version
                             ? xstrdup(service->resource_version)
                             : NULL;
    addresses_of_service(&service->service, &found);
    set_addresses(p, &found);
}

static struct entry *
entry_of(struct publisher *p, const char *key)
{
    struct entry *entry = map_get(p->entries, key);

    if (!entry) {
        entry = xcalloc(1, sizeof *entry);
        map_put(p->entries, key, entry);
    }
    return entry;
}

static void
write_status(struct publisher *p, struct entry *entry,
             const struct kube_object *ingress, bool ours)
{
    p->n_writing += !entry->is_writing;
    entry->is_writing = true;
    entry->wrote_ours = ours;
    free(entry->version);
    entry->version = ingress->resource_version
                         ? xstrdup(ingress->resource_version)
                         : NULL;
    p->effects.patch_status(p->effects.aux, ingress,
                            ours ? p->addresses.items.items : NULL,
                            ours ? p->addresses.items.n : 0);
}

/* True where somebody keeps undoing what we wrote. */
static bool
is_fight(struct publisher *p, struct entry *entry,
         const struct kube_object *ingress)
{
    if (!entry->wrote_ours || !entry->version ||
        ingress->ingress.n_addresses == 0) {
        return false;
    }
    entry->n_fights++;
    if (entry->n_fights == MAX_FIGHTS) {
        p->effects.event(p->effects.aux, ingress, true, "StatusConflict",
                         "another controller keeps writing other addresses "
                         "into this Ingress's status: give each controller "
                         "its own IngressClass");
    }
    return entry->n_fights >= MAX_FIGHTS;
}

/* Our addresses are due on 'now'.  False: not yet. */
static bool
settle_serving(struct publisher *p, const char *key,
               const struct kube_object *now, uint64_t confirmed)
{
    struct entry *entry;

    if (addresses_equal(&p->addresses, now->ingress.addresses,
                        now->ingress.n_addresses)) {
        return true;
    }
    if (engine_generation(p->engine, key) > confirmed) {
        return false;
    }
    entry = entry_of(p, key);
    /* Our write has not come back through the watch yet. */
    if (entry->wrote_ours && str_eq(entry->version, now->resource_version)) {
        return true;
    }
    if (!is_fight(p, entry, now)) {
        write_status(p, entry, now, true);
    }
    return true;
}

/* Nothing of 'now' is served: what we wrote is taken back. */
static void
settle_lost(struct publisher *p, const char *key,
            const struct kube_object *now)
{
    struct entry *entry;

    if (now->ingress.n_addresses == 0 ||
        !addresses_contain(&p->addresses, now->ingress.addresses,
                           now->ingress.n_addresses)) {
        return;
    }
    entry = entry_of(p, key);
    if (entry->wrote_ours || !str_eq(entry->version, now->resource_version)) {
        write_status(p, entry, now, false);
    }
}

/* A write is under way, perhaps to be tried again for long: where it says
 * what is not true any more, the right one overtakes it. */
static void
correct(struct publisher *p, struct entry *entry,
        const struct kube_object *now, bool is_lost, uint64_t confirmed)
{
    if (is_lost && entry->wrote_ours) {
        write_status(p, entry, now, false);
    } else if (!is_lost && !entry->wrote_ours && p->addresses.items.n > 0 &&
               engine_generation(p->engine, now->key) <= confirmed) {
        write_status(p, entry, now, true);
    }
}

static void
forget(struct publisher *p, const char *key)
{
    struct entry *entry = map_get(p->entries, key);

    if (entry && !entry->is_writing) {
        map_remove(p->entries, key);
        free_entry(entry);
    }
}

/* Looks at one Ingress.  False: again when HAProxy confirms more. */
static bool
settle(struct publisher *p, const char *key, uint64_t confirmed)
{
    const struct kube_object *now = cache_get(p->cache, KUBE_INGRESS, key);
    struct entry *entry = map_get(p->entries, key);
    bool is_lost;

    if (!now) {
        forget(p, key);
        return true;
    }
    is_lost = !engine_ingress(p->engine, key) ||
              engine_n_hosts(p->engine, key) == 0;
    if (entry && entry->is_writing) {
        correct(p, entry, now, is_lost, confirmed);
        entry->is_touched = true;
        return false;
    }
    if (is_lost) {
        settle_lost(p, key, now);
        return true;
    }
    return p->addresses.items.n == 0 ||
           settle_serving(p, key, now, confirmed);
}

/* The writes under way are given up with the Lease; nobody tells how they
 * would have ended. */
static void
step_down(struct publisher *p)
{
    struct map_iter it = MAP_ITER;

    while (map_next(p->entries, &it)) {
        struct entry *entry = it.value;

        if (entry->is_writing) {
            entry->is_writing = false;
            entry->wrote_ours = false;
            mem_freep(&entry->version);
            entry->version = NULL;
        }
        entry->is_refused = entry->is_put_off = false;
    }
    p->n_writing = 0;
    p->was_leader = false;
    refusals_fini(&p->refusals);
}

/* The next to look at, the caller's to free; NULL: none.  What is touched while
 * a batch is under way comes with the next, so that each costs itself only. */
static char *
next_key(struct publisher *p)
{
    if (p->batch && !p->batch[p->at]) {
        free(p->batch);
        p->batch = NULL;
    }
    if (!p->batch && keyset_count(p->pending) > 0) {
        p->batch = keyset_take(p->pending);
        p->at = 0;
    }
    return p->batch ? p->batch[p->at++] : NULL;
}

static void
wake_waiting(struct publisher *p)
{
    AUTO_FREE char **keys = keyset_take(p->waiting);

    for (size_t i = 0; keys[i]; i++) {
        keyset_add(p->pending, keys[i]);
        free(keys[i]);
    }
}

static void
wake_refused(struct publisher *p)
{
    char *key;

    while ((key = refusals_next(&p->refusals, p->now_ms))) {
        struct entry *entry = map_get(p->entries, key);

        if (entry) {
            entry->is_put_off = false;
        }
        keyset_add(p->pending, key);
        free(key);
    }
}

void
publisher_run(struct publisher *p, uint64_t confirmed, bool is_leader,
              int64_t now_ms)
{
    char *key;

    p->now_ms = now_ms;
    follow_nodes(p, now_ms);
    if (p->was_leader && !is_leader) {
        step_down(p);
    }

    if (!p->options.enabled || !is_leader || confirmed == 0) {
        return;
    }
    if (!p->was_leader) {
        p->was_leader = true;
        touch_all(p);
    }
    follow_service(p);
    if (confirmed != p->confirmed) {
        p->confirmed = confirmed;
        wake_waiting(p);
    }
    wake_refused(p);
    while (p->n_writing < MAX_WRITING && (key = next_key(p))) {
        if (!settle(p, key, confirmed)) {
            keyset_add(p->waiting, key);
        }
        free(key);
    }
}

void
publisher_wait(const struct publisher *p, struct waits *waits)
{
    if (p->nodes) {
        waits_until(waits, nodes_look_ms(p->nodes));
    }
    if (p->was_leader) {
        refusals_wait(&p->refusals, waits);
    }
}

void
publisher_done(struct publisher *p, const char *ingress_key, bool ok,
               bool is_refused)
{
    struct entry *entry = map_get(p->entries, ingress_key);

    if (!entry || !entry->is_writing) {
        return;
    }
    entry->is_writing = false;
    p->n_writing--;
    if (!ok) {
        mem_freep(&entry->version);
        entry->version = NULL;
        entry->wrote_ours = false;
    }
    if (entry->is_touched) {
        keyset_add(p->pending, ingress_key);
    }
    entry->is_touched = false;
    if (is_refused && !entry->is_put_off) {
        refusals_add(&p->refusals, ingress_key, p->now_ms);
        entry->is_put_off = true;
    } else if (ok && entry->is_refused) {
        refusals_lift(&p->refusals);
    }
    entry->is_refused = is_refused;
}

size_t
publisher_n_writing(const struct publisher *p)
{
    return p->n_writing;
}

size_t
publisher_n_pending(const struct publisher *p)
{
    size_t n = keyset_count(p->pending) + keyset_count(p->waiting);

    for (size_t i = p->at; p->batch && p->batch[i]; i++) {
        n++;
    }
    return n;
}
