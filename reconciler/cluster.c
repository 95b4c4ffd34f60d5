#include "reconciler/cluster.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/client.h"
#include "lib/kube/creds.h"
#include "lib/kube/events.h"
#include "lib/kube/leader.h"
#include "lib/kube/status.h"
#include "reconciler/issuing.h"
#include "reconciler/keyset.h"

#define DEFAULT_NAMESPACE "sallyport-system"

struct cluster {
    const struct config *config;
    const struct cache *cache;
    struct kube_client *client;
    struct status *status;
    struct events *events;
    struct leader *leader;
    struct keyset *secrets;     /* Followed for Ingresses. */
    struct issuing *issuing;    /* NULL: others make the certificates. */
    struct keyset *followed;    /* "Secret default/ca": cluster_follow(). */
    bool has_seen_followed;     /* Once all of them had been asked for. */
    char *namespace;            /* Of the Lease. */
    char *election_id;
    char *identity;
    cluster_done_fn *done;
    void *aux;
    int64_t now_ms;             /* Of the last turn. */
    bool was_leader;
    struct kube_client_counts counted;
    struct metric *relists;
    struct metric *failures;
    struct metric *bad_objects;
    struct metric *is_leader;
    struct metric *status_writes;
};

/* --- Effects --- */

static void
patch_status(void *aux, const struct kube_object *ingress,
             const struct kube_address *addresses, size_t n)
{
    struct cluster *c = aux;

    status_write(c->status, ingress, addresses, n);
}

static void
emit_event(void *aux, const struct kube_object *regarding, bool is_warning,
           const char *reason, const char *note)
{
    struct cluster *c = aux;
    const struct event event = {
        .regarding = regarding,
        .is_warning = is_warning,
        .reason = reason,
        .action = "Reconcile",
        .note = note,
    };

    events_emit(c->events, &event, c->now_ms, clock_wall_us());
}

struct effects
cluster_effects(struct cluster *c)
{
    return (struct effects) { .aux = c,
                              .patch_status = patch_status,
                              .event = emit_event };
}

static void
status_done(const char *key, enum status_result result,
            const struct err *err, void *aux)
{
    struct cluster *c = aux;

    switch (result) {
    case STATUS_WRITTEN:
        metric_add(c->status_writes, 1);
        c->done(key, true, false, c->aux);
        return;
    case STATUS_GONE:
        break;
    case STATUS_REFUSED:
        log_error("reconciler", key, "the API server refuses the status: %s",
                  err ? err_text(err) : "no reason given");
        break;
    }
    c->done(key, false, result == STATUS_REFUSED, c->aux);
}

/* --- Birth --- */

static void
watch(struct cluster *c, enum kube_kind kind, const char *selector)
{
    const struct ruleset *rules = &c->config->ruleset;

    if (rules->n_namespaces == 0) {
        kube_client_watch(c->client, kind, NULL, selector);
    }
    for (size_t i = 0; i < rules->n_namespaces; i++) {
        kube_client_watch(c->client, kind, rules->namespaces[i], selector);
    }
}

static struct err *
follow(struct cluster *c, enum kube_kind kind, const char *key)
{
    return key ? kube_client_follow(c->client, kind, key) : NULL;
}

/* The endpoints of the default backend, where its namespace is not one of
 * the watched. */
static void
watch_default_backend(struct cluster *c)
{
    const char *key = c->config->default_backend_service;
    AUTO_FREE char *ns = key ? xstrndup(key, strcspn(key, "/")) : NULL;

    if (ns && !ruleset_has_namespace(&c->config->ruleset, ns)) {
        kube_client_watch(c->client, KUBE_ENDPOINT_SLICE, ns, NULL);
    }
}

static struct err *
watch_all(struct cluster *c)
{
    const struct config *config = c->config;
    struct err *err;

    watch(c, KUBE_INGRESS, NULL);
    watch(c, KUBE_SERVICE, NULL);
    watch(c, KUBE_ENDPOINT_SLICE, NULL);
    watch_default_backend(c);
    watch(c, KUBE_SECRET, "type=kubernetes.io/tls");
    if (config->watch_configmaps) {
        watch(c, KUBE_CONFIG_MAP, NULL);
    }
    if (config->publish_node_addresses) {
        AUTO_FREE char *ours = xasprintf("spec.serviceAccountName=%s",
                                         config->publish_node_addresses);

        kube_client_watch(c->client, KUBE_POD, c->namespace, ours);
    }
    kube_client_watch(c->client, KUBE_INGRESS_CLASS, NULL, NULL);
    kube_client_watch(c->client, KUBE_NAMESPACE, NULL, NULL);
    /* These may live outside the namespaces that are watched. */
    err = follow(c, KUBE_SERVICE, config->publish_service);
    if (!err) {
        err = follow(c, KUBE_SERVICE, config->default_backend_service);
    }
    if (!err) {
        err = follow(c, KUBE_SECRET, config->ruleset.default_ssl_certificate);
    }
    if (!err) {
        err = follow(c, KUBE_CONFIG_MAP, config->ruleset.configmap);
    }
    return err;
}

/* The kind and the key in "Secret default/ca". */
static enum kube_kind
kind_of(const char *name, const char **key)
{
    size_t length = strcspn(name, " ");
    int kind = 0;

    while (kind < KUBE_N_KINDS - 1 &&
           (strlen(kube_kind_name((enum kube_kind) kind)) != length ||
            strncmp(kube_kind_name((enum kube_kind) kind), name, length))) {
        kind++;
    }
    *key = name + length + 1;
    return (enum kube_kind) kind;
}

void
cluster_follow(void *cluster, const char *const *names, size_t n)
{
    struct cluster *c = cluster;
    AUTO_KEYSET struct keyset *old = c ? STEAL_PTR(c->followed) : NULL;
    AUTO_FREE const char **gone = NULL;
    const char *key;
    size_t n_gone;

    if (!c) {
        return;
    }
    c->followed = keyset_new();
    for (size_t i = 0; i < n; i++) {
        enum kube_kind kind = kind_of(names[i], &key);
        AUTO_ERR struct err *err = NULL;

        if (!keyset_remove(old, names[i])) {
            err = kube_client_follow(c->client, kind, key);
        }
        if (err) {
            log_error("reconciler", NULL, "%s is not followed: %s", names[i],
                      err_text(err));
        } else {
            keyset_add(c->followed, names[i]);
        }
    }
    gone = keyset_list(old, &n_gone);
    for (size_t i = 0; i < n_gone; i++) {
        enum kube_kind kind = kind_of(gone[i], &key);

        kube_client_unfollow(c->client, kind, key);
    }
}

/* "pod_0123abcd": unique however often a pod restarts. */
static char *
make_identity(void)
{
    const char *pod = getenv("POD_NAME");
    char host[256] = "sallyport";

    if (!pod) {
        gethostname(host, sizeof host - 1);
        pod = host;
    }
    return xasprintf("%.200s_%08" PRIx32, pod, backoff_random());
}

static char *
find_namespace(const struct config *config, const struct creds_view *view)
{
    const char *pod = getenv("POD_NAMESPACE");

    if (config->election_namespace) {
        return xstrdup(config->election_namespace);
    }
    if (pod && pod[0]) {
        return xstrdup(pod);
    }
    /* A kubeconfig's namespace is where a person works, not where we live. */
    return xstrdup(!config->kubeconfig && view->ns ? view->ns
                                                   : DEFAULT_NAMESPACE);
}

static void
open_metrics(struct cluster *c, struct metrics *m)
{
    c->relists = metrics_counter(m, "sallyport_kube_relists_total", "",
                                 "Lists read again after the first.");
    c->failures = metrics_counter(m, "sallyport_kube_failures_total", "",
                                  "Lists and watches that failed.");
    c->bad_objects =
        metrics_counter(m, "sallyport_kube_bad_objects_total", "",
                        "Objects of the API server that were left out.");
    c->is_leader = metrics_gauge(m, "sallyport_leader", "",
                                 "1 while this replica writes status.");
    c->status_writes =
        metrics_counter(m, "sallyport_status_writes_total", "",
                        "Ingress statuses written.");
}

static void
open_issuing(struct cluster *c, struct metrics *metrics)
{
    const struct config *config = c->config;
    const struct issuer_spec spec = {
        .ns = c->namespace,
        .service = config->webhook_service,
        .names = config->webhook_names,
        .ca_secret = config->webhook_ca_secret,
        .leaf_secret = config->webhook_tls_secret,
        .configuration = config->webhook_configuration,
        .overlap_ms = (int64_t) config->webhook_overlap_s * 1000,
    };

    if (config->webhook_certificates == WEBHOOK_CERTIFICATES_SELF) {
        c->issuing = issuing_new(c->client, &spec, metrics);
    }
}

static struct err *
load_creds(const struct config *config, struct creds **out)
{
    if (config->kubeconfig) {
        return err_wrap(creds_load_kubeconfig(config->kubeconfig, out),
                        "--kubeconfig %s", config->kubeconfig);
    }
    return creds_load_in_cluster(out);
}

struct err *
cluster_new(const struct config *config, struct cache *cache,
            struct metrics *metrics, cluster_done_fn *done, void *aux,
            struct cluster **out)
{
    struct creds *creds = NULL;
    struct err *err = load_creds(config, &creds);
    struct cluster *c;
    struct lease_spec lease = { 0 };

    *out = NULL;
    if (err) {
        return err;
    }
    c = xcalloc(1, sizeof *c);
    c->config = config;
    c->cache = cache;
    c->done = done;
    c->aux = aux;
    c->identity = make_identity();
    c->namespace = find_namespace(config, creds_view(creds));
    c->election_id = config->election_id
                         ? xstrdup(config->election_id)
                         : xasprintf("sallyport-%s",
                                     config->ruleset.ingress_class);
    c->followed = keyset_new();
    c->secrets = keyset_new();
    open_metrics(c, metrics);
    c->client = kube_client_new(creds, cache);
    c->status = status_new(c->client, status_done, c);
    c->events = events_new(c->client, config->ruleset.controller_class,
                           c->identity);
    lease.ns = c->namespace;
    lease.name = c->election_id;
    lease.identity = c->identity;
    c->leader = leader_new(c->client, &lease);
    open_issuing(c, metrics);
    err = watch_all(c);
    if (err) {
        cluster_free(c);
        return err;
    }
    *out = c;
    return NULL;
}

void
cluster_free(struct cluster *c)
{
    if (c) {
        keyset_free(c->followed);
        issuing_free(c->issuing);
        leader_free(c->leader);
        events_free(c->events);
        status_free(c->status);
        kube_client_free(c->client);
        keyset_free(c->secrets);
        free(c->namespace);
        free(c->election_id);
        free(c->identity);
        free(c);
    }
}

/* --- Turns --- */

bool
cluster_is_leader(const struct cluster *c)
{
    return leader_is_held(c->leader, c->now_ms);
}

struct kube_client *
cluster_client(struct cluster *c)
{
    return c->client;
}

const char *
cluster_claims_namespace(const struct cluster *c)
{
    return c->config->claims_namespace ? c->config->claims_namespace
                                       : c->namespace;
}

const char *
cluster_namespace(const struct cluster *c)
{
    return c->namespace;
}

void
cluster_want_secrets(struct cluster *c, const char *const *keys, size_t n)
{
    struct keyset *wanted = keyset_new();
    AUTO_FREE const char **old = NULL;
    size_t n_old;

    for (size_t i = 0; i < n; i++) {
        keyset_add(wanted, keys[i]);
        if (keyset_add(c->secrets, keys[i])) {
            AUTO_ERR struct err *err = follow(c, KUBE_SECRET, keys[i]);

            if (err) {
                log_error("reconciler", NULL, "Secret %s is not followed: %s",
                          keys[i], err_text(err));
                keyset_remove(c->secrets, keys[i]);
            }
        }
    }
    old = keyset_list(c->secrets, &n_old);
    for (size_t i = 0; i < n_old; i++) {
        AUTO_FREE char *key = xstrdup(old[i]);

        if (!keyset_has(wanted, key)) {
            kube_client_unfollow(c->client, KUBE_SECRET, key);
            keyset_remove(c->secrets, key);
        }
    }
    keyset_free(wanted);
}

bool
cluster_knows_secret(const struct cluster *c, const char *key)
{
    return kube_client_has_asked(c->client, KUBE_SECRET, key);
}

static bool
has_asked(const struct cluster *c, enum kube_kind kind, const char *key)
{
    return !key || kube_client_has_asked(c->client, kind, key);
}

/* What is named later opens nothing before it is there, and must not hold up
 * the rest. */
static bool
has_asked_followed(const struct cluster *c)
{
    AUTO_FREE const char **names = NULL;
    const char *key;
    size_t n;

    names = keyset_list(c->followed, &n);
    for (size_t i = 0; i < n; i++) {
        enum kube_kind kind = kind_of(names[i], &key);

        if (!kube_client_has_asked(c->client, kind, key)) {
            return false;
        }
    }
    return true;
}

bool
cluster_is_synced(const struct cluster *c)
{
    const struct ruleset *rules = &c->config->ruleset;

    return cache_all_synced(c->cache) &&
           (c->has_seen_followed || has_asked_followed(c)) &&
           has_asked(c, KUBE_CONFIG_MAP, rules->configmap) &&
           has_asked(c, KUBE_SERVICE, c->config->default_backend_service) &&
           has_asked(c, KUBE_SECRET, rules->default_ssl_certificate);
}

static void
count(struct metric *metric, uint64_t now, uint64_t before)
{
    metric_add(metric, (int64_t) (now - before));
}

static void
run_metrics(struct cluster *c)
{
    struct kube_client_counts now = kube_client_counts(c->client);

    count(c->relists, now.relists, c->counted.relists);
    count(c->failures, now.failures, c->counted.failures);
    count(c->bad_objects, now.bad_objects, c->counted.bad_objects);
    c->counted = now;
    metric_set(c->is_leader, c->was_leader);
}

void
cluster_run(struct cluster *c, int64_t now_ms)
{
    bool is_leader;

    c->now_ms = now_ms;
    kube_client_run(c->client, now_ms);
    leader_run(c->leader, now_ms, clock_wall_us());
    is_leader = cluster_is_leader(c);
    if (is_leader != c->was_leader) {
        log_info("reconciler", NULL, "%s (Lease %s/%s as %s)",
                 is_leader ? "leading: this replica writes status"
                           : "not leading any more",
                 c->namespace, c->election_id, c->identity);
        if (!is_leader) {
            status_drop_all(c->status);
        }
        c->was_leader = is_leader;
    }
    c->has_seen_followed = c->has_seen_followed || cluster_is_synced(c);
    run_metrics(c);
}

void
cluster_send(struct cluster *c, int64_t now_ms)
{
    status_run(c->status, now_ms);
    events_run(c->events, now_ms);
    if (c->issuing) {
        issuing_run(c->issuing, c->was_leader, now_ms, clock_wall());
    }
    kube_client_flush(c->client);
}

void
cluster_wait(struct cluster *c, struct waits *waits)
{
    kube_client_wait(c->client, waits);
    leader_wait(c->leader, waits);
    status_wait(c->status, waits);
    events_wait(c->events, waits);
    if (c->issuing) {
        issuing_wait(c->issuing, waits);
    }
}

void
cluster_stop(struct cluster *c, int64_t grace_ms)
{
    int64_t deadline = clock_ms() + grace_ms;
    struct waits waits;

    leader_release(c->leader);
    waits_init(&waits);
    while (!leader_is_released(c->leader) && clock_ms() < deadline) {
        c->now_ms = clock_ms();
        kube_client_run(c->client, c->now_ms);
        leader_run(c->leader, c->now_ms, clock_wall_us());
        waits_clear(&waits);
        waits_until(&waits, deadline);
        kube_client_wait(c->client, &waits);
        leader_wait(c->leader, &waits);
        waits_block(&waits);
    }
    waits_fini(&waits);
}
