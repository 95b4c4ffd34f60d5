/* What an Ingress costs in memory, and a wildcard in time: prints bytes per
 * ordinary Ingress (object in the cache, model, claims) and the time of one
 * judgement over all of them.  "claims [N]", 50000 by default.  Fails where
 * either is over its limit below. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ingress/claims.h"
#include "lib/kube/cache.h"
#include "lib/kube/decode.h"

#define MAX_BYTES 1900          /* The aim is 1200: 60 MB at 50,000. */
#define MAX_US 1000
#define N_RUNS 25

/* As kubectl and Helm leave one, without managedFields. */
static const char text[] =
    "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\","
    "\"metadata\":{\"name\":\"shop-%u\",\"namespace\":\"team-%u\","
    "\"uid\":\"6f1d0c4e-2f7b-4a44-9a55-0123456789ab\","
    "\"resourceVersion\":\"%u\",\"generation\":1,"
    "\"creationTimestamp\":\"2026-01-01T00:00:%02uZ\","
    "\"labels\":{\"app.kubernetes.io/name\":\"shop\","
    "\"app.kubernetes.io/managed-by\":\"Helm\"},"
    "\"annotations\":{\"meta.helm.sh/release-name\":\"shop\","
    "\"nginx.ingress.kubernetes.io/ssl-redirect\":\"true\"}},"
    "\"spec\":{\"ingressClassName\":\"sallyport\",\"rules\":[{\"host\":"
    "\"shop-%u.example.com\",\"http\":{\"paths\":[{\"path\":\"/\","
    "\"pathType\":\"Prefix\",\"backend\":{\"service\":{\"name\":\"shop\","
    "\"port\":{\"number\":80}}}}]}}],\"tls\":[{\"hosts\":"
    "[\"shop-%u.example.com\"],\"secretName\":\"shop-tls\"}]}}";

static const struct kube_object *
make_object(const char *json)
{
    AUTO_JSON json_t *document = NULL;
    const struct kube_object *object = NULL;
    AUTO_ERR struct err *err =
        jx_load(json, strlen(json), (size_t) 1 << 20, &document);

    if (!err) {
        err = kube_decode(KUBE_INGRESS, document, NULL, &object);
    }
    if (err) {
        fprintf(stderr, "%s\n", err_text(err));
        exit(1);
    }
    return object;
}

static int64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* One judgement of a wildcard of the same namespace, the best of a few: the
 * machine has other things to do, too. */
static int64_t
time_wildcard(const struct claims *claims, const struct ruleset *rules,
              const char *ns)
{
    AUTO_FREE char *json = xasprintf(
        "{\"metadata\":{\"name\":\"w\",\"namespace\":\"%s\"},\"spec\":"
        "{\"rules\":[{\"host\":\"*.example.com\"}]}}", ns);
    AUTO_KUBE const struct kube_object *object = make_object(json);
    struct model *model = model_new(object, rules);
    int64_t best = INT64_MAX;

    for (int i = 0; i < N_RUNS; i++) {
        AUTO_FINDINGS struct findings *found = findings_new();
        int64_t start = now_ns(), took;

        claims_judge(claims, model, found);
        took = now_ns() - start;
        best = took < best ? took : best;
    }
    model_unref(model);
    return best / 1000;
}

static size_t
used(void)
{
    const struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* 'n_teams' namespaces share the Ingresses; returns false over a limit. */
static bool
measure(unsigned n, unsigned n_teams)
{
    const struct ruleset rules = RULESET_INIT;
    struct cache *cache = cache_new();
    struct claims *claims = claims_new(&rules);
    struct model **models = xcalloc(n, sizeof *models);
    size_t start = used(), objects, with_models, total;
    int64_t us;

    for (unsigned i = 0; i < n; i++) {
        AUTO_FREE char *json =
            xasprintf(text, i, i % n_teams, i, i % 60, i, i);

        cache_put(cache, make_object(json));
    }
    for (struct cache_change change; cache_take_change(cache, &change);
         cache_change_fini(&change)) {
    }
    malloc_trim(0);
    objects = used() - start;
    for (unsigned i = 0; i < n; i++) {
        AUTO_FREE char *key = xasprintf("team-%u/shop-%u", i % n_teams, i);

        models[i] = model_new(cache_get(cache, KUBE_INGRESS, key), &rules);
    }
    with_models = used() - start;
    for (unsigned i = 0; i < n; i++) {
        size_t n_dirty;
        char **dirty;

        claims_set(claims, models[i]);
        model_unref(models[i]);
        dirty = claims_take_dirty(claims, &n_dirty);
        for (size_t k = 0; k < n_dirty; k++) {
            free(dirty[k]);
        }
        free(dirty);
    }
    total = used() - start;
    us = time_wildcard(claims, &rules, "team-0");
    printf("%u Ingresses of %u namespaces: %zu bytes each (object and cache "
           "%zu, model %zu, claims %zu), %.1f MB; a wildcard over them "
           "%" PRId64 " us\n", n, n_teams, total / n, objects / n,
           (with_models - objects) / n, (total - with_models) / n,
           (double) total / 1e6, us);
    free(models);
    claims_free(claims);
    cache_free(cache);
    return total / n < MAX_BYTES && us < MAX_US;
}

int
main(int argc, char **argv)
{
    uint64_t n = 50000;

    if (argc > 1 && !parse_u64(argv[1], 1, 1000000, &n)) {
        fprintf(stderr, "usage: claims [N]\n");
        return 2;
    }
    return measure((unsigned) n, 1) & measure((unsigned) n, 500) ? 0 : 1;
}
