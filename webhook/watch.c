#include "webhook/watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/cert_wire.h"
#include "lib/ingress/defaults.h"
#include "lib/ingress/unowned.h"
#include "lib/kube/client.h"
#include "lib/kube/creds.h"
#include "lib/kube/manifests.h"

/* The lock guards cache, claims and defaults.  Exactly one of client and
 * manifests is there once a source is open. */
struct watch {
    struct ruleset rules;       /* The caller's, with our defaults. */
    struct defaults *defaults;
    struct reserve *reserve;
    pthread_rwlock_t lock;
    struct cache *cache;        /* Keeps no Ingress. */
    struct claims *claims;
    struct map *others;         /* struct model: Ingresses of other classes,
                                 * which may become ours. */
    struct kube_client *client;
    char *namespace;            /* Of the pod, or NULL. */
    struct manifests *manifests;
    char *certificates;         /* Namespace they are published in. */
    atomic_bool is_synced;
    atomic_size_t count;
};

static const char *
key_of(const void *value)
{
    return ((const struct model *) value)->key;
}

struct watch *
watch_new(const struct ruleset *ruleset, struct reserve *reserve)
{
    struct watch *w = xcalloc(1, sizeof *w);
    pthread_rwlockattr_t attr;

    w->rules = *ruleset;
    w->defaults = defaults_new();
    w->rules.defaults = w->defaults;
    w->reserve = reserve;
    /* Judges come in crowds; the writer must not starve behind them. */
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(
        &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&w->lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    w->cache = cache_new();
    cache_keep_none(w->cache, KUBE_INGRESS);
    w->others = map_new_keyed(key_of);
    w->claims = claims_new(&w->rules);
    claims_forget_dirty(w->claims);
    reserve_set_known(reserve, w->claims);
    return w;
}

static void
free_model(void *value)
{
    model_unref(value);
}

void
watch_free(struct watch *w)
{
    if (!w) {
        return;
    }
    kube_client_free(w->client);
    manifests_free(w->manifests);
    claims_free(w->claims);
    map_free(w->others, free_model);
    cache_free(w->cache);
    defaults_free(w->defaults);
    pthread_rwlock_destroy(&w->lock);
    free(w->namespace);
    free(w->certificates);
    free(w);
}

static void
watch_kind(struct watch *w, enum kube_kind kind)
{
    if (w->rules.n_namespaces == 0) {
        kube_client_watch(w->client, kind, NULL, NULL);
    }
    for (size_t i = 0; i < w->rules.n_namespaces; i++) {
        kube_client_watch(w->client, kind, w->rules.namespaces[i], NULL);
    }
}

struct err *
watch_open_cluster(struct watch *w, const char *kubeconfig)
{
    AUTO_CREDS struct creds *creds = NULL;
    struct err *err = kubeconfig ? creds_load_kubeconfig(kubeconfig, &creds)
                                 : creds_load_in_cluster(&creds);

    if (err) {
        return err;
    }
    /* A kubeconfig's namespace is where a person works, not where we live. */
    if (!kubeconfig && creds_view(creds)->ns) {
        w->namespace = xstrdup(creds_view(creds)->ns);
    }
    w->client = kube_client_new(STEAL_PTR(creds), w->cache);
    watch_kind(w, KUBE_INGRESS);
    watch_kind(w, KUBE_SERVICE);
    kube_client_watch(w->client, KUBE_INGRESS_CLASS, NULL, NULL);
    kube_client_watch(w->client, KUBE_NAMESPACE, NULL, NULL);
    return w->rules.configmap
               ? kube_client_follow(w->client, KUBE_CONFIG_MAP,
                                    w->rules.configmap)
               : NULL;
}

struct err *
watch_follow_certificates(struct watch *w, const char *ns)
{
    struct err *err = NULL;

    for (size_t i = 0; w->client && !err && i < CERT_WIRE_SHARDS; i++) {
        AUTO_FREE char *name = cert_wire_name(w->rules.ingress_class, i);
        AUTO_FREE char *key = xasprintf("%s/%s", ns, name);

        err = kube_client_follow(w->client, KUBE_CONFIG_MAP, key);
    }
    if (w->client && !err) {
        w->certificates = xstrdup(ns);
    }
    return err;
}

struct err *
watch_open_manifests(struct watch *w, const char *path)
{
    return manifests_open(path, w->cache, &w->manifests);
}

static struct snapshot
own_snapshot(const struct watch *w)
{
    return (struct snapshot) {
        .claims = w->claims,
        .cache = w->cache,
        .ruleset = &w->rules,
    };
}

bool
watch_is_ours(const struct watch *w, const struct kube_object *ingress)
{
    const struct snapshot s = own_snapshot(w);

    return snapshot_is_ours(&s, ingress);
}

/* Where an Ingress is kept: among the claims if it is ours, else aside. */
static void
keep(struct watch *w, struct model *packed)
{
    const struct snapshot s = own_snapshot(w);
    const struct class_wish wish = {
        .name = packed->class_name,
        .is_legacy = packed->is_class_legacy,
    };

    if (snapshot_grants(&s, packed->ns, &wish)) {
        model_unref(map_remove(w->others, packed->key));
        claims_set(w->claims, packed);
    } else {
        claims_remove(w->claims, packed->key);
        model_unref(map_remove(w->others, packed->key));
        map_put(w->others, packed->key, model_ref(packed));
    }
}

static void
index_ingress(struct watch *w, const char *key,
              const struct kube_object *object)
{
    struct model *model, *packed;

    if (!object || !ruleset_has_namespace(&w->rules, object->namespace)) {
        claims_remove(w->claims, key);
        model_unref(map_remove(w->others, key));
    } else {
        model = model_new(object, &w->rules);
        packed = model_packed(model);
        keep(w, packed);
        model_unref(packed);
        model_unref(model);
    }
    if (object) {
        reserve_seen(w->reserve, object);
    } else {
        reserve_gone(w->reserve, key);
    }
}

typedef VEC(struct model *) models;

static void
push_model(struct model *m, void *aux)
{
    VEC_PUSH((models *) aux, model_ref(m));
}

/* Which Ingresses are ours may have changed for all of them. */
static void
index_all(struct watch *w)
{
    struct map_iter it = MAP_ITER;
    models all = { 0 };

    claims_each(w->claims, push_model, &all);
    while (map_next(w->others, &it)) {
        push_model(it.value, &all);
    }
    for (size_t i = 0; i < all.n; i++) {
        keep(w, all.items[i]);
        model_unref(all.items[i]);
    }
    VEC_FINI(&all);
}

static void
namespace_changed(struct watch *w, const struct cache_change *change)
{
    const struct kube_object *now = change->new;

    claims_set_namespace(w->claims, change->key, now && now->is_deleting);
    claims_set_allowed_hosts(
        w->claims, change->key,
        now ? kube_pair(&now->annotations, PINS_ALLOWED_HOSTS) : NULL);
}

/* Defaults change what is found in an Ingress, never what it claims: what is
 * indexed stays.  The reconciler tells what is wrong in them. */
static void
configmap_changed(struct watch *w, const struct cache_change *change)
{
    AUTO_FINDINGS struct findings *complaints = findings_new();
    AUTO_ERR struct err *err = NULL;

    if (!str_eq(change->key, w->rules.configmap)) {
        return;
    }
    defaults_read(w->defaults, change->new, complaints);
    err = claims_set_host_owners(
        w->claims, change->new ? kube_pair(&change->new->config_map.data,
                                           PINS_KEY)
                               : NULL);
    if (err) {
        log_warn("webhook", change->key, PINS_KEY ": %s", err_text(err));
    }
}

static void
take_changes(struct watch *w)
{
    struct cache_change change;
    bool is_class_changed = false;

    while (cache_take_change(w->cache, &change)) {
        if (change.kind == KUBE_INGRESS) {
            index_ingress(w, change.key, change.new);
        } else if (change.kind == KUBE_INGRESS_CLASS) {
            is_class_changed = true;
        } else if (change.kind == KUBE_NAMESPACE) {
            namespace_changed(w, &change);
        } else if (change.kind == KUBE_CONFIG_MAP) {
            configmap_changed(w, &change);
        }
        cache_change_fini(&change);
    }
    if (is_class_changed) {
        index_all(w);
    }
}

void
watch_run(struct watch *w, int64_t now_ms)
{
    pthread_rwlock_wrlock(&w->lock);
    if (w->client) {
        kube_client_run(w->client, now_ms);
    }
    if (w->manifests) {
        manifests_run(w->manifests);
    }
    take_changes(w);
    atomic_store(&w->count, claims_count(w->claims));
    if (cache_all_synced(w->cache)) {
        atomic_store(&w->is_synced, true);
    }
    pthread_rwlock_unlock(&w->lock);
}

void
watch_wait(struct watch *w, struct waits *waits)
{
    if (w->client) {
        kube_client_wait(w->client, waits);
    }
    if (w->manifests) {
        manifests_wait(w->manifests, waits);
    }
}

struct kube_client *
watch_client(struct watch *w)
{
    return w->client;
}

bool
watch_is_backed(const struct watch *w, const char *ns, const char *host,
                const char *key)
{
    return unowned_is_backed(w->claims, ns, host, key);
}

bool
watch_is_out(const struct watch *w, const char *ns, const char *host)
{
    return unowned_is_out(w->claims, ns, host);
}

const char *
watch_namespace(const struct watch *w)
{
    return w->namespace;
}

bool
watch_is_synced(const struct watch *w)
{
    return atomic_load(&w->is_synced);
}

size_t
watch_count(const struct watch *w)
{
    return atomic_load(&w->count);
}

void
watch_acquire(struct watch *w, struct snapshot *out)
{
    pthread_rwlock_rdlock(&w->lock);
    out->claims = w->claims;
    out->cache = w->cache;
    out->ruleset = &w->rules;
    out->certificates = w->certificates;
    out->wall_s = clock_wall();
}

void
watch_release(struct watch *w)
{
    pthread_rwlock_unlock(&w->lock);
}
