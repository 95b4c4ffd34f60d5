#include "cli/source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/waits.h"
#include "lib/kube/client.h"
#include "lib/kube/creds.h"

/* A cluster that lists nothing for so long will not.  One list that failed
 * twice, which the log has told by then, will not either. */
#define PATIENCE_MS 30000

size_t
source_flags(struct source *source, struct flag *out)
{
    const struct flag flags[] = {
        { .name = "manifests", .value_name = "DIR", .kind = FLAG_TEXT,
          .out = &source->manifests,
          .doc = "Look at the YAML and JSON files of this folder, not at a "
                 "cluster." },
        { .name = "kubeconfig", .value_name = "FILE", .kind = FLAG_TEXT,
          .out = &source->kubeconfig,
          .doc = "Credentials for the API server (KUBECONFIG, "
                 "~/.kube/config, or those of the pod)." },
        { .name = "secrets", .kind = FLAG_BOOL, .out = &source->secrets,
          .doc = "Read the cluster's TLS Secrets too, to say which are "
                 "missing (false)." },
    };

    memcpy(out, flags, sizeof flags);
    return ARRAY_SIZE(flags);
}

struct err *
source_check(const struct source *source)
{
    const char *other = source->kubeconfig ? "--kubeconfig"
                        : source->secrets  ? "--secrets"
                                           : NULL;

    return source->manifests && other
               ? err_new(ERR_INVALID, "--manifests and %s exclude each other",
                         other)
               : NULL;
}

static struct err *
load_kubeconfig(const char *path, struct creds **out)
{
    return err_wrap(creds_load_kubeconfig(path, out), "%s", path);
}

/* In kubectl's order. */
static struct err *
load_creds(const struct source *source, struct creds **out)
{
    const char *env = getenv("KUBECONFIG");
    const char *home = getenv("HOME");
    AUTO_FREE char *path = NULL;

    if (source->kubeconfig) {
        return load_kubeconfig(source->kubeconfig, out);
    }
    if (!str_is_empty(env)) {
        if (strchr(env, ':')) {
            return err_new(ERR_INVALID, "KUBECONFIG names several files: say "
                                        "which one with --kubeconfig");
        }
        return load_kubeconfig(env, out);
    }
    path = xasprintf("%s/.kube/config", home ? home : "");
    if (access(path, R_OK) == 0) {
        return load_kubeconfig(path, out);
    }
    if (getenv("KUBERNETES_SERVICE_HOST")) {
        return creds_load_in_cluster(out);
    }
    return err_new(ERR_INVALID, "no cluster: write --kubeconfig FILE, or "
                                "--manifests DIR to look at files");
}

static void
watch(struct kube_client *client, const struct ruleset *rules,
      enum kube_kind kind, const char *selector)
{
    if (rules->n_namespaces == 0) {
        kube_client_watch(client, kind, NULL, selector);
    }
    for (size_t i = 0; i < rules->n_namespaces; i++) {
        kube_client_watch(client, kind, rules->namespaces[i], selector);
    }
}

static struct err *
wait_for_lists(struct kube_client *client)
{
    int64_t deadline = clock_ms() + PATIENCE_MS;
    struct err *err = NULL;
    struct waits waits;

    waits_init(&waits);
    for (;;) {
        kube_client_run(client, clock_ms());
        if (kube_client_is_synced(client)) {
            break;
        }
        if (clock_ms() >= deadline ||
            kube_client_counts(client).failing > 0) {
            err = err_new(ERR_GONE, "the API server does not list what is "
                                    "needed (see above)");
            break;
        }
        waits_clear(&waits);
        waits_until(&waits, deadline);
        kube_client_wait(client, &waits);
        waits_block(&waits);
    }
    waits_fini(&waits);
    return err;
}

/* What lives elsewhere than the Ingresses. */
static struct err *
follow(struct kube_client *client, const struct source *source,
       const struct ruleset *rules)
{
    struct err *err = NULL;

    if (rules->configmap) {
        err = kube_client_follow(client, KUBE_CONFIG_MAP, rules->configmap);
    }
    if (!err && source->secrets && rules->default_ssl_certificate) {
        err = kube_client_follow(client, KUBE_SECRET,
                                 rules->default_ssl_certificate);
    }
    return err;
}

static struct err *
read_cluster(const struct source *source, const struct ruleset *rules,
             manifests_each_fn *each, void *aux)
{
    static const enum kube_kind kinds[] = {
        KUBE_INGRESS_CLASS, KUBE_NAMESPACE, KUBE_SERVICE, KUBE_SECRET,
        KUBE_CONFIG_MAP, KUBE_INGRESS,
    };
    struct creds *creds = NULL;
    struct err *err = load_creds(source, &creds);
    struct kube_client *client;
    struct cache *cache;

    if (err) {
        return err;
    }
    cache = cache_new();
    client = kube_client_new(creds, cache);
    kube_client_watch(client, KUBE_INGRESS_CLASS, NULL, NULL);
    kube_client_watch(client, KUBE_NAMESPACE, NULL, NULL);
    watch(client, rules, KUBE_INGRESS, NULL);
    watch(client, rules, KUBE_SERVICE, NULL);
    if (source->secrets) {
        watch(client, rules, KUBE_SECRET, "type=kubernetes.io/tls");
    }
    err = follow(client, source, rules);
    if (!err) {
        err = wait_for_lists(client);
    }
    for (size_t k = 0; !err && k < ARRAY_SIZE(kinds); k++) {
        size_t n;
        AUTO_FREE const struct kube_object **all =
            cache_list(cache, kinds[k], &n);

        for (size_t i = 0; i < n; i++) {
            each(all[i], aux);
        }
    }
    kube_client_free(client);
    cache_free(cache);
    return err;
}

struct err *
source_read(const struct source *source, const struct ruleset *rules,
            manifests_each_fn *each, void *aux,
            struct manifests_problems *problems)
{
    if (!source->manifests) {
        return read_cluster(source, rules, each, aux);
    }
    manifests_read(&source->manifests, 1, each, aux, problems);
    return NULL;
}

struct err *
source_find_configmap(const struct ruleset *rules, const struct cache *cache,
                      bool is_cluster, const struct kube_object **out)
{
    const char *key = rules->configmap;

    *out = key ? cache_get(cache, KUBE_CONFIG_MAP, key) : NULL;
    return !key || *out ? NULL
                        : err_new(ERR_INVALID, "no ConfigMap \"%s\" in %s",
                                  key, is_cluster ? "the cluster"
                                                  : "these files");
}
