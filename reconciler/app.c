#include "reconciler/app.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/dataplane.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/x509.h"
#include "lib/kube/cache.h"
#include "lib/kube/manifests.h"
#include "reconciler/askwatch.h"
#include "reconciler/authwatch.h"
#include "reconciler/cataloging.h"
#include "reconciler/cluster.h"
#include "reconciler/collector.h"
#include "reconciler/compare.h"
#include "reconciler/engine.h"
#include "reconciler/health.h"
#include "reconciler/meters.h"
#include "reconciler/notify.h"
#include "reconciler/publisher.h"
#include "reconciler/resolver.h"
#include "reconciler/stapler.h"
#include "reconciler/userfiles.h"

#define FALLBACK_NAME "Sallyport default certificate"
#define FALLBACK_DAYS 365

struct app {
    const struct config *config;
    struct metrics *metrics;
    struct cache *cache;
    struct cluster *cluster;        /* One of these two. */
    struct manifests *manifests;
    char *fallback_pem;
    struct engine_options engine_options;
    struct engine *engine;
    struct dataplane *dataplane;
    struct publisher *publisher;
    struct notify *notify;
    struct authwatch *authwatch;
    struct askwatch *askwatch;
    struct collector *collector;    /* NULL: no claims to look after. */
    struct cataloging *cataloging;  /* NULL: nothing is published. */
    struct stapler *stapler;
    struct resolver *resolver;      /* NULL: no external names so far. */
    struct health *health;
    struct meters meters;
    struct userfiles userfiles;
    bool was_ready;
    bool wants_selfcheck;
};

/* --- Standalone effects: there is nobody to write to --- */

static void
local_status(void *aux, const struct kube_object *ingress,
             const struct kube_address *addresses, size_t n)
{
    struct app *app = aux;

    log_debug("reconciler", ingress->key, "served at %s",
              n == 0               ? "no address"
              : addresses[0].ip ? addresses[0].ip
                                : addresses[0].hostname);
    publisher_done(app->publisher, ingress->key, true, false);
}

static void
local_event(void *aux, const struct kube_object *regarding, bool is_warning,
            const char *reason, const char *note)
{
    (void) aux;
    log_debug("reconciler", regarding->key, "event %s %s: %s",
              is_warning ? "Warning" : "Normal", reason, note);
}

static void
status_written(const char *ingress_key, bool ok, bool is_refused, void *aux)
{
    publisher_done(((struct app *) aux)->publisher, ingress_key, ok,
                   is_refused);
}

/* --- Birth, part by part --- */

static struct err *
make_fallback(struct app *app)
{
    struct x509_pair pair = { 0 };
    struct err *err = x509_self_signed(FALLBACK_NAME, NULL, 0, clock_wall(),
                                       FALLBACK_DAYS, &pair);

    if (!err) {
        app->fallback_pem = STEAL_PTR(pair.pem);
    }
    x509_pair_fini(&pair);
    return err_wrap(err, "make a default certificate");
}

static struct err *
open_source(struct app *app)
{
    if (app->config->manifests) {
        return manifests_open(app->config->manifests, app->cache,
                              &app->manifests);
    }
    return cluster_new(app->config, app->cache, app->metrics, status_written,
                       app, &app->cluster);
}

static struct err *
open_dataplane(struct app *app, const char *proxy)
{
    const struct config *c = app->config;
    const struct dataplane_options options = {
        .run_dir = c->run_dir,
        .haproxy = c->haproxy[0] ? c->haproxy : NULL,
        .proxy = proxy,
        .bind_address = c->bind_address,
        .http_port = (uint16_t) c->http_port,
        .https_port = (uint16_t) c->https_port,
        .public_http_port = (uint16_t) c->public_http_port,
        .public_https_port = (uint16_t) c->public_https_port,
        .passthrough = c->ruleset.ssl_passthrough,
        .strict_sni = c->ruleset.strict_sni,
        .access_log = c->access_log,
        .tls_modern = c->ruleset.tls_profile == TLS_PROFILE_MODERN,
        .http3 = c->http3,
        .gzip = c->gzip,
        .threads = (unsigned) c->threads,
        .maxconn = (unsigned) c->maxconn,
        .keep_alive_s = (unsigned) c->keep_alive_s,
        .header_kib = (unsigned) c->header_kib,
        .worker_shutdown_s = (unsigned) c->worker_shutdown_s,
    };

    return dataplane_new(&options, app->metrics, &app->dataplane);
}

static bool
secret_known(const char *key, void *aux)
{
    const struct app *app = aux;

    return !app->cluster || cluster_knows_secret(app->cluster, key);
}

static void
open_engine(struct app *app)
{
    const struct config *c = app->config;

    app->engine_options = (struct engine_options) {
        .ruleset = &c->ruleset,
        .default_backend_service = c->default_backend_service,
        .fallback_pem = app->fallback_pem,
        .secret_known = secret_known,
        .secret_known_aux = app,
        .local_endpoints = c->manifests != NULL,
        .metrics = app->metrics,
    };
    app->engine = engine_new(&app->engine_options, app->cache);
}

static struct err *
open_writers(struct app *app)
{
    const struct config *c = app->config;
    const struct publisher_options options = {
        .publish_service = c->publish_service,
        .publish_addresses = c->publish_status_address,
        .publish_nodes = c->publish_node_addresses != NULL,
        .enabled = c->update_status,
    };
    const struct effects local = { .aux = app,
                                   .patch_status = local_status,
                                   .event = local_event };
    const struct effects effects =
        app->cluster ? cluster_effects(app->cluster) : local;

    app->notify = notify_new(app->engine, &effects, app->metrics);
    if (app->cluster && c->cluster_claims) {
        app->collector =
            collector_new(cluster_client(app->cluster),
                          cluster_claims_namespace(app->cluster),
                          &c->ruleset, app->engine, app->metrics);
    }
    if (app->cluster && c->publish_certificates) {
        struct err *err = cataloging_new(
            cluster_client(app->cluster), app->cache, app->engine,
            cluster_namespace(app->cluster), c->ruleset.ingress_class,
            app->metrics, &app->cataloging);

        if (err) {
            return err;
        }
    }
    return publisher_new(&options, app->engine, app->cache, &effects,
                         &app->publisher);
}

static struct err *
open_all(struct app *app, const char *proxy)
{
    struct err *err = make_fallback(app);

    if (!err) {
        err = open_source(app);
    }
    if (!err) {
        err = open_dataplane(app, proxy);
    }
    if (!err) {
        open_engine(app);
        app->stapler = stapler_new(app->engine, app->dataplane, app->metrics);
        err = open_writers(app);
    }
    if (!err) {
        err = health_start(app->config->admin_address, app->metrics,
                           &app->health);
    }
    return err;
}

struct err *
app_new(const struct config *config, const char *proxy, struct app **out)
{
    struct app *app = xcalloc(1, sizeof *app);
    struct err *err;

    app->config = config;
    app->userfiles.run_dir = config->run_dir;
    app->metrics = metrics_new();
    app->cache = cache_new();
    meters_init(&app->meters, app->metrics);
    app->authwatch = authwatch_new(config->run_dir, app->metrics);
    app->askwatch = askwatch_new(app->metrics);
    err = open_all(app, proxy);
    if (err) {
        app_free(app);
        app = NULL;
    }
    *out = app;
    return err;
}

void
app_free(struct app *app)
{
    if (!app) {
        return;
    }
    health_stop(app->health);
    resolver_free(app->resolver);
    stapler_free(app->stapler);
    collector_free(app->collector);
    cataloging_free(app->cataloging);
    notify_free(app->notify);
    authwatch_free(app->authwatch);
    askwatch_free(app->askwatch);
    userfiles_fini(&app->userfiles);
    publisher_free(app->publisher);
    cluster_free(app->cluster);
    manifests_free(app->manifests);
    dataplane_free(app->dataplane);
    engine_free(app->engine);
    cache_free(app->cache);
    if (app->fallback_pem) {
        explicit_bzero(app->fallback_pem, strlen(app->fallback_pem));
        free(app->fallback_pem);
    }
    metrics_free(app->metrics);
    free(app);
}

struct err *
app_compare(const struct app *app)
{
    return compare_anew(app->engine, &app->engine_options, app->cache);
}

/* --- One turn --- */

static bool
is_synced(const struct app *app)
{
    return app->cluster ? cluster_is_synced(app->cluster)
                        : cache_all_synced(app->cache);
}

static void
run_source(struct app *app, int64_t now_ms)
{
    if (app->cluster) {
        cluster_run(app->cluster, now_ms);
    } else {
        manifests_run(app->manifests);
    }
}

static void
run_resolver(struct app *app)
{
    struct resolver_answer answer;
    char **names;
    size_t n;

    names = engine_external_names(app->engine, &n);
    if (n > 0 && !app->resolver) {
        app->resolver = resolver_new();
    }
    if (app->resolver) {
        resolver_want(app->resolver, names, n);
    }
    for (size_t i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
    while (app->resolver && resolver_take(app->resolver, &answer)) {
        const char *addresses[RESOLVER_MAX_ADDRESSES];

        for (size_t i = 0; i < answer.n; i++) {
            addresses[i] = answer.addresses[i];
        }
        engine_resolved(app->engine, answer.name, addresses, answer.n);
        resolver_answer_fini(&answer);
    }
}

static void
pass_on_touched(struct app *app, int64_t now_ms)
{
    AUTO_FREE char **keys = engine_take_touched(app->engine);

    for (size_t i = 0; keys[i]; i++) {
        publisher_touch(app->publisher, keys[i]);
        notify_touch(app->notify, keys[i]);
        if (app->collector && !engine_ingress(app->engine, keys[i])) {
            collector_gone(app->collector, keys[i], now_ms, clock_wall());
        }
        free(keys[i]);
    }
}

static void
run_cataloging(struct app *app, bool is_leader, int64_t now_ms)
{
    AUTO_FREE char **keys = engine_take_secrets(app->engine);

    for (size_t i = 0; keys[i]; i++) {
        if (app->cataloging) {
            cataloging_touch(app->cataloging, keys[i]);
        }
        free(keys[i]);
    }
    if (app->cataloging) {
        cataloging_run(app->cataloging, is_leader, now_ms);
    }
}

static void
run_users(struct app *app, bool is_complete, int64_t now_ms)
{
    struct users *users = engine_users(app->engine);
    bool is_confirmed = dataplane_confirmed(app->dataplane) ==
                        plan_generation(engine_plan(app->engine));
    size_t n;
    AUTO_FREE const char **secrets = users_secrets(users, &n);

    if (app->cluster) {
        cluster_want_secrets(app->cluster, secrets, n);
    }
    userfiles_run(&app->userfiles, users, is_complete, is_confirmed, now_ms);
}

static void
run_authwatch(struct app *app, int64_t now_ms)
{
    AUTO_FREE const char **groups = NULL;
    size_t n;

    if (authwatch_run(app->authwatch, now_ms, clock_wall(), &groups, &n)) {
        engine_set_crowded(app->engine, groups, n);
    }
}

/* Whoever misses an Ingress sees here that it is not taken for ours. */
static void
tell_ready(const struct app *app)
{
    size_t n, n_all = cache_count(app->cache, KUBE_INGRESS);
    AUTO_FREE const char **ours = engine_ingresses(app->engine, &n);

    log_info("reconciler", NULL,
             "ready: everything listed is served: %zu of %zu Ingresses are "
             "of class %s", n, n_all, app->config->ruleset.ingress_class);
}

static void
run_health(struct app *app, int64_t now_ms)
{
    const char *waiting = NULL;

    metric_set(app->meters.synced, is_synced(app));
    if (!is_synced(app)) {
        waiting = "the API server's lists";
    } else if (!dataplane_is_ready(app->dataplane)) {
        waiting = "HAProxy to have everything listed";
    }
    if (!waiting && !app->was_ready) {
        app->was_ready = true;
        mem_trim();     /* What all had to go through is free again. */
        tell_ready(app);
    }
    health_set(app->health, now_ms, dataplane_is_alive(app->dataplane),
               waiting);
}

/* HAProxy's own report of what it holds, against the plan. */
static struct err *
compare_with_haproxy(const struct app *app)
{
    AUTO_BUF struct buf want = BUF_OWN;
    AUTO_BUF struct buf have = BUF_OWN;
    struct err *err = dataplane_observe(app->dataplane, &have);

    if (err) {
        return err_wrap(err, "observe HAProxy");
    }
    plan_dump_held(engine_plan(app->engine), &want);
    return err_wrap(compare_texts(buf_str(&have), buf_str(&want)),
                    "HAProxy differs from the plan");
}

static void
run_selfcheck(struct app *app)
{
    uint64_t generation = plan_generation(engine_plan(app->engine));
    AUTO_ERR struct err *err = NULL;

    if (!app->wants_selfcheck ||
        dataplane_confirmed(app->dataplane) != generation) {
        return;
    }
    err = compare_with_haproxy(app);
    if (!dataplane_is_settled(app->dataplane)) {
        return;         /* When the worker that answered has been met. */
    }
    app->wants_selfcheck = false;
    if (!err) {
        err = app_compare(app);
    }
    if (err) {
        log_error("reconciler", NULL, "self-check: %s", err_text(err));
        metric_add(app->meters.checks_different, 1);
    } else {
        log_info("reconciler", NULL,
                 "self-check: the state equals a full recompute, and HAProxy "
                 "equals it");
        metric_add(app->meters.checks_equal, 1);
    }
}

/* What is served, for whoever asks /routes. */
static void
run_routes(struct app *app)
{
    if (health_wants_routes(app->health)) {
        AUTO_BUF struct buf report = BUF_OWN;

        engine_report(app->engine, dataplane_confirmed(app->dataplane),
                      &report);
        health_give_routes(app->health, &report);
    }
}

static void
run_engine(struct app *app, int64_t now_ms)
{
    const struct plan *plan = engine_plan(app->engine);
    int64_t turn_us = clock_us();

    run_source(app, now_ms);
    engine_tick(app->engine, clock_wall());
    if (engine_run(app->engine)) {
        struct plan_counts counts = plan_counts(plan);

        meters_plan(&app->meters, &counts, engine_first_expiry(app->engine));
    }
    meters_taken(&app->meters, plan_generation(plan), turn_us);
}

static void
run_meters(struct app *app)
{
    if (app->was_ready) {
        meters_confirmed(&app->meters, dataplane_confirmed(app->dataplane),
                         clock_us());
    } else {
        meters_start(&app->meters, plan_generation(engine_plan(app->engine)));
    }
}

void
app_ask_selfcheck(struct app *app)
{
    app->wants_selfcheck = true;
}

void
app_run(struct app *app, int64_t now_ms)
{
    bool is_leader, is_complete;

    run_engine(app, now_ms);
    engine_follow(app->engine, cluster_follow, app->cluster);
    run_resolver(app);
    stapler_run(app->stapler, now_ms, clock_wall());
    is_complete = is_synced(app);
    run_users(app, is_complete, now_ms);
    run_authwatch(app, now_ms);
    dataplane_run(app->dataplane, engine_plan(app->engine), is_complete,
                  now_ms);
    run_meters(app);
    if (dataplane_is_ready(app->dataplane)) {
        engine_set_rates(app->engine, dataplane_has_rates(app->dataplane));
    }
    askwatch_run(app->askwatch, app->engine, app->dataplane, now_ms,
                 clock_wall());
    pass_on_touched(app, now_ms);
    is_leader =
        is_complete && (!app->cluster || cluster_is_leader(app->cluster));
    publisher_run(app->publisher, dataplane_confirmed(app->dataplane),
                  is_leader, now_ms);
    if (is_complete) {
        notify_run(app->notify, is_leader);
    }
    if (app->collector) {
        collector_run(app->collector, is_leader, now_ms, clock_wall());
    }
    run_cataloging(app, is_leader, now_ms);
    if (app->cluster) {
        cluster_send(app->cluster, now_ms);
    }
    run_selfcheck(app);
    run_routes(app);
    run_health(app, now_ms);
}

void
app_wait(struct app *app, struct waits *waits)
{
    if (app->cluster) {
        cluster_wait(app->cluster, waits);
    } else {
        manifests_wait(app->manifests, waits);
    }
    if (app->resolver) {
        resolver_wait(app->resolver, waits);
    }
    stapler_wait(app->stapler, waits);
    publisher_wait(app->publisher, waits);
    if (app->collector) {
        collector_wait(app->collector, waits);
    }
    if (app->cataloging) {
        cataloging_wait(app->cataloging, waits);
    }
    dataplane_wait(app->dataplane, waits);
    authwatch_wait(app->authwatch, waits);
    askwatch_wait(app->askwatch, app->engine, waits);
    health_wait(app->health, waits);
    /* The loop shows that it turns (health.h). */
    waits_until(waits, clock_ms() + HEALTH_STUCK_MS / 3);
}

void
app_stop(struct app *app, bool haproxy_too, int64_t grace_ms)
{
    if (app->cluster) {
        cluster_stop(app->cluster, 2000);
    }
    if (haproxy_too) {
        dataplane_stop(app->dataplane, grace_ms);
    }
}
