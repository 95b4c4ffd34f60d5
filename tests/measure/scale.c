/* What the reconciler's memory goes to, by kind of object: "scale [N]", with N
 * Ingresses (50000 by default), a Service and a slice of four endpoints for
 * each ten of them, and a certificate for each twenty-five.  Bytes are those
 * that malloc has given out. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "haproxy/plan_priv.h"
#include "lib/base/clock.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/x509.h"
#include "lib/kube/cache.h"
#include "lib/kube/decode.h"
#include "reconciler/engine.h"
#include "tests/measure/installed.h"

#define PER_SERVICE 10
#define PER_CERTIFICATE 25

static const char meta[] =
    "\"metadata\":{\"name\":\"%s-%u\",\"namespace\":\"team-%u\",\"uid\":"
    "\"6f1d0c4e-2f7b-4a44-9a55-0123456789ab\",\"resourceVersion\":\"%u\","
    "\"generation\":1,\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
    "\"labels\":{\"kubernetes.io/service-name\":\"web-%u\"}}";

struct scale {
    struct cache *cache;
    unsigned n, n_services, n_spaces, version;
    size_t total;
};

static size_t
used(void)
{
    const struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void
tell(struct scale *s, const char *what, size_t n)
{
    size_t now = used(), grown = now - s->total;

    printf("%-48s %8zu x %6zu bytes = %6.1f MB\n", what, n,
           n > 0 ? grown / n : 0, (double) grown / 1e6);
    s->total = now;
}

/* Takes 'body', the object's JSON without its metadata. */
static void
put(struct scale *s, enum kube_kind kind, const char *name, unsigned i,
    unsigned service, char *body)
{
    AUTO_FREE char *owned = body;
    AUTO_FREE char *head = xasprintf(meta, name, i, service % s->n_spaces,
                                     ++s->version, service);
    AUTO_FREE char *json = xasprintf("{%s,%s}", head, owned);
    AUTO_JSON json_t *document = NULL;
    const struct kube_object *object = NULL;
    struct err *err =
        jx_load(json, strlen(json), (size_t) 1 << 20, &document);

    if (!err) {
        err = kube_decode(kind, document, NULL, &object);
    }
    if (err) {
        fprintf(stderr, "%s\n", err_text(err));
        exit(1);
    }
    cache_put(s->cache, object);
}

static void
put_ingresses(struct scale *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        AUTO_FREE char *tls =
            i % PER_CERTIFICATE == 0
                ? xasprintf(",\"tls\":[{\"hosts\":[\"app%u.bench.test\"],"
                            "\"secretName\":\"tls-%u\"}]", i, i)
                : xstrdup("");

        put(s, KUBE_INGRESS, "app", i, i % s->n_services,
            xasprintf("\"spec\":{\"ingressClassName\":\"sallyport\","
                      "\"rules\":[{\"host\":\"app%u.bench.test\",\"http\":"
                      "{\"paths\":[{\"path\":\"/\",\"pathType\":\"Prefix\","
                      "\"backend\":{\"service\":{\"name\":\"web-%u\","
                      "\"port\":{\"number\":80}}}}]}}]%s},\"status\":"
                      "{\"loadBalancer\":{\"ingress\":[{\"ip\":"
                      "\"192.0.2.1\"}]}}", i, i % s->n_services, tls));
    }
    tell(s, "Ingresses, decoded, in the cache", s->n);
}

static void
put_services(struct scale *s)
{
    for (unsigned i = 0; i < s->n_services; i++) {
        put(s, KUBE_SERVICE, "web", i, i,
            xstrdup("\"spec\":{\"type\":\"ClusterIP\",\"clusterIP\":"
                    "\"10.96.0.1\",\"ports\":[{\"name\":\"http\",\"port\":"
                    "80,\"targetPort\":8080,\"protocol\":\"TCP\"}]}"));
    }
    tell(s, "Services", s->n_services);
    for (unsigned i = 0; i < s->n_services; i++) {
        AUTO_BUF struct buf list = BUF_OWN;

        for (unsigned k = 0; k < 4; k++) {
            buf_printf(&list, "%s{\"addresses\":[\"10.%u.%u.%u\"],"
                       "\"conditions\":{\"ready\":true}}", k ? "," : "",
                       10 + (i >> 14), i >> 6 & 255, 4 * (i & 63) + k);
        }
        put(s, KUBE_ENDPOINT_SLICE, "web", i, i,
            xasprintf("\"addressType\":\"IPv4\",\"endpoints\":[%s],"
                      "\"ports\":[{\"name\":\"http\",\"port\":8080,"
                      "\"protocol\":\"TCP\"}]", buf_str(&list)));
    }
    tell(s, "EndpointSlices of four endpoints", s->n_services);
}

static char *
base64(const char *data, size_t size)
{
    char *out = xmalloc(4 * (size / 3 + 1) + 1);

    EVP_EncodeBlock((unsigned char *) out, (const unsigned char *) data,
                    (int) size);
    return out;
}

static void
put_secrets(struct scale *s)
{
    size_t n = 0;

    for (unsigned i = 0; i < s->n; i += PER_CERTIFICATE, n++) {
        AUTO_FREE char *host = xasprintf("app%u.bench.test", i);
        const char *const names[] = { host };
        struct x509_pair pair = { 0 };
        AUTO_ERR struct err *err =
            x509_self_signed(host, names, 1, clock_wall(), 90, &pair);
        const char *key = strstr(pair.pem, "-----BEGIN PRIVATE KEY-----");
        AUTO_FREE char *crt64 = base64(pair.pem, (size_t) (key - pair.pem));
        AUTO_FREE char *key64 = base64(key, strlen(key));

        put(s, KUBE_SECRET, "tls", i, i % s->n_services,
            xasprintf("\"type\":\"kubernetes.io/tls\",\"data\":"
                      "{\"tls.crt\":\"%s\",\"tls.key\":\"%s\"}", crt64,
                      key64));
        x509_pair_fini(&pair);
    }
    tell(s, "TLS Secrets", n);
}

static void
put_class(struct scale *s)
{
    AUTO_JSON json_t *document = NULL;
    const struct kube_object *object = NULL;
    static const char text[] =
        "{\"metadata\":{\"name\":\"sallyport\"},\"spec\":{\"controller\":"
        "\"sallyport.dev/ingress-controller\"}}";
    AUTO_ERR struct err *err =
        jx_load(text, strlen(text), sizeof text, &document);

    if (!err && !kube_decode(KUBE_INGRESS_CLASS, document, NULL, &object)) {
        cache_put(s->cache, object);
    }
}

static void
take_touched(struct engine *engine)
{
    AUTO_FREE char **keys = engine_take_touched(engine);

    for (size_t i = 0; keys[i]; i++) {
        free(keys[i]);
    }
}

int
main(int argc, char **argv)
{
    struct ruleset rules = RULESET_INIT;
    struct x509_pair pair = { 0 };
    struct scale s = { .cache = cache_new() };
    struct engine_options options = { .ruleset = &rules };
    struct engine *engine;
    struct installed *installed;
    uint64_t n = 50000;
    size_t begin;

    if (argc > 1 && !parse_u64(argv[1], PER_CERTIFICATE, 1000000, &n)) {
        fprintf(stderr, "usage: scale [N]\n");
        return 2;
    }
    s.n = (unsigned) n;
    s.n_services = s.n / PER_SERVICE;
    s.n_spaces = s.n_services / 10 + 1;
    err_free(x509_self_signed("default", NULL, 0, clock_wall(), 90, &pair));
    options.fallback_pem = pair.pem;
    engine = engine_new(&options, s.cache);
    begin = s.total = used();
    put_class(&s);
    put_ingresses(&s);
    put_services(&s);
    put_secrets(&s);
    engine_run(engine);
    take_touched(engine);
    plan_clean(engine_plan(engine));
    tell(&s, "models, claims, routes and plan of the Ingresses", s.n);
    installed = installed_new(engine_plan(engine), s.n_services);
    tell(&s, "what HAProxy holds: slots, rows, servers, names", s.n);
    printf("%-48s %28s %6.1f MB\n", "all", "",
           (double) (s.total - begin) / 1e6);
    installed_free(installed);
    engine_free(engine);
    cache_free(s.cache);
    x509_pair_fini(&pair);
    return 0;
}
