/* For every row of the annotation table: an engine that saw the annotation
 * come, change and go, and the objects it names with it, holds what an engine
 * started on the same objects holds. */
#include "tests/unit/table.h"

#include <stdio.h>

#include "tests/unit/ingress/annot_help.h"
#include "tests/unit/ingress/objects.h"

#include "lib/ingress/annot.h"
#include "reconciler/engine.h"

#define CONFIGMAP "default/defaults"

/* Values of rows whose kind does not tell one; two each. */
static const struct sample {
    const char *name;
    const char *values[2];
} samples[] = {
    { "upstream-hash-by", { "$uri", "$http_x$cookie_y" } },
    { "default-backend", { "other", "gone" } },
    { "custom-headers", { "headers", "default/gone" } },
    { "auth-tls-secret", { "ca", "default/gone" } },
    { "auth-tls-match-cn", { "CN=a", "CN=b" } },
    { "mirror-target",
      { "http://other.default.svc/a$request_uri", "https://main.default/x" } },
    { "proxy-redirect-from", { "http://a.test/", "default" } },
    { "proxy-redirect-to", { "/", "https://b.test/" } },
    { "proxy-cookie-path", { "/a /b", "off" } },
    { "proxy-cookie-domain", { "a.test b.test", "off" } },
    { "takeover-from", { "default/two", "default/three" } },
    { "release-to", { "other/one", "other/two" } },
    { "ssl-ciphers",
      { "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384" } },
    { "canary-weight-total", { "200", "1000" } },
    { "auth-url", { "http://other.default.svc/x", "https://a.test/y" } },
    { "auth-signin", { "/login", "https://$host/" } },
    { "auth-request-redirect", { "$uri", "/x" } },
    { "auth-proxy-set-headers", { "headers", "default/gone" } },
    { "auth-cache-key", { "$remote_user", "$http_x" } },
    { "no-auth-locations", { "/a", "/b, /c" } },
    { "auth-cache-duration", { "200 1m", "200 202 5m, 401 1s" } },
    { "tls-protocols", { "TLSv1.2", "TLSv1.3" } },
    { "proxy-ssl-secret", { "ca", "default/gone" } },
    { "proxy-ssl-ciphers",
      { "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384" } },
    { "proxy-ssl-protocols", { "TLSv1.2", "TLSv1.3" } },
};

static const char *
sample_of(const struct annot_def *def, size_t which)
{
    static const char *const by_kind[][2] = {
        [ANNOT_BOOL] = { "true", "false" },
        [ANNOT_INT] = { "2", "3" },
        [ANNOT_SECONDS] = { "7", "8" },
        [ANNOT_SIZE] = { "1k", "2m" },
        [ANNOT_TEXT] = { "abc", "abcd" },
        [ANNOT_URL] = { "https://a.test/", "http://b.test/x" },
        [ANNOT_CIDRS] = { "10.0.0.0/8", "192.0.2.1,2001:db8::/32" },
        [ANNOT_REWRITE] = { "/new", "/newer" },
        [ANNOT_PATH] = { "/a", "/b" },
        [ANNOT_DOMAIN] = { "a.test", "b.test" },
        [ANNOT_METHODS] = { "GET", "GET,PUT" },
        [ANNOT_HEADERS] = { "X-A", "X-A,X-B" },
        [ANNOT_ORIGINS] = { "https://a.test", "*" },
        [ANNOT_HOST] = { "a.test", "b.test:8080" },
        [ANNOT_ALIASES] = { "b.test", "b.test,*.c.test" },
        [ANNOT_CODES] = { "404", "404,503" },
        [ANNOT_NAMESPACES] = { "other", "*" },
        [ANNOT_INGRESS] = { "default/two", "default/three" },
        [ANNOT_RAW] = { "x", "true" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        if (strcmp(samples[i].name, def->name) == 0) {
            return samples[i].values[which];
        }
    }
    if (def->choices) {
        return which && def->choices[1] ? def->choices[1] : def->choices[0];
    }
    return def->kind < ARRAY_SIZE(by_kind) ? by_kind[def->kind][which] : NULL;
}

/* What a row that says of no needs wants beside it, all the same. */
static const struct {
    const char *name;
    struct kube_pair beside[2];
} besides[] = {
    { "force-ssl-redirect", { { N "ssl-redirect", "false" } } },
    { "limit-rate-after", { { N "limit-rate", "1" } } },
    { "hsts-max-age", { { S "hsts", "true" } } },
    { "hsts-include-subdomains", { { S "hsts", "true" } } },
    { "hsts-preload", { { S "hsts", "true" } } },
    { "limit-req-status-code", { { N "limit-rpm", "1" } } },
    { "limit-conn-status-code", { { N "limit-connections", "1" } } },
    { "canary-by-header-value", { { N "canary-by-header", "x" } } },
    { "canary-by-header-pattern", { { N "canary-by-header", "x" } } },
    { "canary-weight-total", { { N "canary-weight", "1" } } },
    { "disable-proxy-intercept-errors",
      { { N "custom-http-errors", "404" }, { N "default-backend", "other" } } },
};

/* All that an annotation wants beside it. */
static size_t
company_of(const struct annot_def *def, struct kube_pair *out)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(besides); i++) {
        for (size_t j = 0;
             j < 2 && strcmp(besides[i].name, def->name) == 0; j++) {
            if (besides[i].beside[j].name) {
                out[n++] = besides[i].beside[j];
            }
        }
    }
    return n > 0 ? n : annot_company(def->name, out);
}

/* --- A small world --- */

struct world {
    struct cache *cache;
    struct engine *engine;
    unsigned version;
};

static const struct ruleset *
rules(void)
{
    static struct ruleset r = RULESET_INIT;

    r.watch_without_class = true;
    r.ssl_passthrough = true;
    r.configmap = CONFIGMAP;
    return &r;
}

static void
put(struct world *w, enum kube_kind kind, const char *name,
    const char *metadata, const char *rest)
{
    AUTO_FREE char *text = xasprintf(
        "{'apiVersion':'x','kind':'%s','metadata':{'namespace':'default',"
        "'name':'%s','resourceVersion':'%u'%s}%s}",
        kube_kind_name(kind), name, ++w->version, metadata, rest);

    cache_put(w->cache, object_of(kind, text));
}

static void
put_service(struct world *w, const char *name, bool has_endpoint)
{
    AUTO_FREE char *label = xasprintf(
        ",'labels':{'kubernetes.io/service-name':'%s'}", name);
    AUTO_FREE char *slice = xasprintf(
        ",'addressType':'IPv4','ports':[{'name':'http','port':8080,"
        "'protocol':'TCP'}],'endpoints':[%s]",
        has_endpoint ? "{'addresses':['10.0.0.1'],"
                       "'conditions':{'ready':true}}"
                     : "");

    put(w, KUBE_SERVICE, name, "",
        ",'spec':{'clusterIP':'10.96.0.1','ports':[{'name':'http',"
        "'port':80}]}");
    put(w, KUBE_ENDPOINT_SLICE, name, label, slice);
}

static void
put_ingress(struct world *w, const char *name, const struct kube_pair *pairs,
            size_t n)
{
    AUTO_BUF struct buf metadata = BUF_OWN;
    AUTO_FREE char *spec = xasprintf(
        ",'spec':{'tls':[{'hosts':['a.test']}],'rules':[{'host':'%s.test',"
        "'http':{'paths':[" PREFIX("/", "main") ",{'path':'/x.y',"
        "'pathType':'ImplementationSpecific'," BACKEND("main") "}]}}]}",
        strcmp(name, "two") == 0 ? "two" : "a");

    buf_puts(&metadata, ",'annotations':{");
    for (size_t i = 0; i < n; i++) {
        buf_printf(&metadata, "%s'%s':'%s'", i ? "," : "", pairs[i].name,
                   pairs[i].value);
    }
    buf_puts(&metadata, "}");
    put(w, KUBE_INGRESS, name, buf_str(&metadata), spec);
}

static void
put_headers(struct world *w)
{
    put(w, KUBE_CONFIG_MAP, "headers", "", ",'data':{'X-A':'v'}");
}

/* An authority of client certificates, good for a hundred years. */
static void
put_authority(struct world *w)
{
    put(w, KUBE_SECRET, "ca", "", ",'type':'Opaque','data':{'ca.crt':'"
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJpVENDQVMrZ0F3SUJBZ0lVQ3Jp"
        "N2pJNnAwc2pramdCWWJVK0czOTdCcFo4d0NnWUlLb1pJemowRUF3SXcKR1RFWE1CVUdB"
        "MVVFQXd3T1ZHVnpkQ0JoZFhSb2IzSnBkSGt3SUJjTk1qWXhNVEkxTWpJMU56TTBXaGdQ"
        "TWpFeQpOakV4TURFeU1qVTNNelJhTUJreEZ6QVZCZ05WQkFNTURsUmxjM1FnWVhWMGFH"
        "OXlhWFI1TUZrd0V3WUhLb1pJCnpqMENBUVlJS29aSXpqMERBUWNEUWdBRXVURjF4cDBm"
        "VGVNRU5EMnBTQ3VFVnJTejJTSXVEa0hscGxSdjE1WnEKSjRjaUZNVDN2TUNDanprdnNn"
        "c05lcmsxaCtvRVdDZFZtdGNldzNqRFQ2VXJucU5UTUZFd0hRWURWUjBPQkJZRQpGRnpx"
        "Z3NmbEJ1OUFlWmVXczZlYlp1d0hWOXNzTUI4R0ExVWRJd1FZTUJhQUZGenFnc2ZsQnU5"
        "QWVaZVdzNmViClp1d0hWOXNzTUE4R0ExVWRFd0VCL3dRRk1BTUJBZjh3Q2dZSUtvWkl6"
        "ajBFQXdJRFNBQXdSUUlnTlFjakIzODUKVzhHa2Z4NTBNbHZERkF0K3V0M0w4SVYzVFJp"
        "NSsrT011MjRDSVFDZHJXWHJTZmRzVnhYZXptanlrbGd3LzFGNgpZaWVtMk90QzN2RHMx"
        "T0c5N1E9PQotLS0tLUVORCBDRVJUSUZJQ0FURS0tLS0tCg=="
        "'}");
}

static const struct engine_options *
options(void)
{
    static struct engine_options o = { .fallback_pem = "fallback\n" };

    o.ruleset = rules();
    return &o;
}

/* What the ConfigMap says, beside the row 'name'. */
static void
put_defaults(struct world *w, const char *name)
{
    bool is_global = strcmp(name, "enable-global-auth") == 0;

    put(w, KUBE_CONFIG_MAP, "defaults", "",
        is_global ? ",'data':{'global-auth-url':'http://other.default.svc/'}"
                  : ",'data':{'global-allowed-response-headers':'X-A'}");
}

static void
open_world(struct world *w, const char *name)
{
    const struct kube_pair canary[] = {
        { N "canary", "true" }, { N "canary-weight", "10" },
    };

    *w = (struct world) { .cache = cache_new() };
    w->engine = engine_new(options(), w->cache);
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        cache_list_begin(w->cache, (enum kube_kind) kind, NULL);
        cache_list_end(w->cache, (enum kube_kind) kind, NULL);
    }
    put_service(w, "main", true);
    put_service(w, "other", true);
    put_defaults(w, name);
    put_headers(w);
    put_authority(w);
    put_ingress(w, "one", NULL, 0);
    put_ingress(w, "canary", canary, ARRAY_SIZE(canary));
    put_ingress(w, "two", NULL, 0);
    (void) engine_run(w->engine);
}

static void
close_world(struct world *w)
{
    engine_free(w->engine);
    cache_free(w->cache);
}

/* --- The comparison --- */

static char *
dump(const struct engine *e)
{
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_FINDINGS struct findings *findings = findings_new();
    size_t n;
    AUTO_FREE const char **keys = engine_ingresses(e, &n);

    plan_dump(engine_plan(e), &out);
    for (size_t i = 0; i < n; i++) {
        engine_findings(e, keys[i], findings);
    }
    engine_findings(e, ENGINE_CONFIGMAP, findings);
    findings_print(findings, &out);
    return buf_take(&out);
}

static char *
dump_anew(const struct world *w)
{
    struct cache *copy = cache_new();
    struct engine *engine = engine_new(options(), copy);
    char *text;

    engine_inherit(engine, w->engine);
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        size_t n;
        AUTO_FREE const struct kube_object **all =
            cache_list(w->cache, (enum kube_kind) kind, &n);

        cache_list_begin(copy, (enum kube_kind) kind, NULL);
        for (size_t i = 0; i < n; i++) {
            cache_put(copy, kube_ref(all[i]));
        }
        cache_list_end(copy, (enum kube_kind) kind, NULL);
    }
    (void) engine_run(engine);
    text = dump(engine);
    engine_free(engine);
    cache_free(copy);
    return text;
}

static void
settle(struct world *w, const char *name, const char *step)
{
    AUTO_FREE char *now = NULL;
    AUTO_FREE char *anew = NULL;

    (void) engine_run(w->engine);
    now = dump(w->engine);
    anew = dump_anew(w);
    if (strcmp(now, anew) != 0) {
        fail_msg("%s, %s:\n--- step by step\n%s--- anew\n%s", name, step,
                 now, anew);
    }
}

/* What an annotation may name comes and goes. */
static void
shake(struct world *w, const char *name)
{
    static const char *const addresses[] = { "192.0.2.7", "2001:db8::7" };

    cache_remove(w->cache, KUBE_CONFIG_MAP, "default/headers");
    settle(w, name, "without the ConfigMap");
    put_headers(w);
    settle(w, name, "with it again");
    put_service(w, "main", false);
    settle(w, name, "without endpoints");
    put_service(w, "other", false);
    settle(w, name, "without any");
    put_service(w, "main", true);
    put_service(w, "other", true);
    settle(w, name, "with them again");
    put(w, KUBE_CONFIG_MAP, "defaults", "",
        ",'data':{'proxy-body-size':'7k','hsts':'true',"
        "'add-headers':'default/headers',"
        "'global-auth-url':'https://a.test/'}");
    settle(w, name, "with other defaults");
    engine_resolved(w->engine, "a.test", addresses, 1);
    settle(w, name, "with an address");
    engine_resolved(w->engine, "a.test", addresses, 2);
    settle(w, name, "with two");
    put_defaults(w, name);
    settle(w, name, "with the old ones");
    engine_resolved(w->engine, "a.test", NULL, 0);
    settle(w, name, "without any address");
}

static void
check_row(const struct annot_def *def, size_t *n_idle)
{
    AUTO_FREE char *key =
        xasprintf("%s%s", def->is_own ? S : N, def->name);
    AUTO_FREE char *before = NULL;
    AUTO_FREE char *with_it = NULL;
    AUTO_FREE char *after = NULL;
    struct kube_pair pairs[6] = { { key, NULL } };
    size_t n = 1 + company_of(def, &pairs[1]);
    bool is_canary = str_starts(def->name, "canary-");
    const char *on = is_canary ? "canary" : "one";
    bool is_seen = false, is_said = false;
    struct world w;

    for (size_t i = 1; i < n; i++) {
        is_said = is_said || strcmp(pairs[i].name, N "canary") == 0;
    }
    if (is_canary && !is_said) {
        pairs[n++] = (struct kube_pair) { N "canary", "true" };
    }
    open_world(&w, def->name);
    put_ingress(&w, on, &pairs[1], n - 1);
    settle(&w, def->name, "before");
    before = dump(w.engine);
    for (size_t i = 0; i < 2; i++) {
        pairs[0].value = sample_of(def, i);
        assert_non_null(pairs[0].value);
        put_ingress(&w, on, pairs, n);
        settle(&w, def->name, pairs[0].value);
        free(with_it);
        with_it = dump(w.engine);
        is_seen = is_seen || strcmp(before, with_it) != 0;
        shake(&w, def->name);
    }
    /* Who may share a host shows where others claim it. */
    if (def->apply && def->effect != ANNOT_EFFECT_NONE && !is_seen &&
        def->kind != ANNOT_NAMESPACES && def->kind != ANNOT_INGRESS) {
        print_error("%s: neither value changes anything\n", def->name);
        *n_idle += 1;
    }
    put_ingress(&w, on, &pairs[1], n - 1);
    settle(&w, def->name, "after");
    after = dump(w.engine);
    assert_string_equal(before, after);
    cache_remove(w.cache, KUBE_INGRESS, "default/one");
    settle(&w, def->name, "gone");
    close_world(&w);
}

static void
every_row_equals_a_fresh_start(void **state UNUSED)
{
    size_t n_idle = 0;

    for (size_t i = 0; i < annot_count(); i++) {
        check_row(annot_at(i), &n_idle);
    }
    assert_int_equal(n_idle, 0);
}

/* A row without a good value here would test nothing. */
static void
every_supported_row_has_a_sample(void **state UNUSED)
{
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);

        for (size_t j = 0; def->apply && j < 2; j++) {
            struct annot_value value;
            struct annot_say said;

            if (!sample_of(def, j) ||
                annot_read(def, sample_of(def, j), &value, &said) !=
                    ANNOT_OK) {
                fail_msg("%s: \"%s\" is no good sample", def->name,
                         sample_of(def, j) ? sample_of(def, j) : "");
            }
            annot_value_fini(&value);
            annot_say_fini(&said);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_supported_row_has_a_sample),
        cmocka_unit_test(every_row_equals_a_fresh_start),
    };

    return cmocka_run_group_tests_name("differential", tests, NULL, NULL);
}
