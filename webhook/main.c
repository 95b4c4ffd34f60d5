/* sallyport-webhook: the first door.  Parse, open, loop, leave. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/descriptors.h"
#include "lib/base/httpd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/metrics.h"
#include "lib/base/str.h"
#include "lib/base/waits.h"
#include "webhook/claimer.h"
#include "webhook/config.h"
#include "webhook/limits.h"
#include "webhook/server.h"
#include "webhook/watch.h"

#define MODULE "webhook"
/* How often the certificate files, and slow clients, are looked at. */
#define RELOAD_MS 2000
#define COMPLAIN_MS 60000
#define DEFAULT_NAMESPACE "sallyport-system"

struct daemon {
    struct config config;
    struct metrics *metrics;
    struct reserve *reserve;
    struct watch *watch;
    struct claimer *claimer;    /* NULL: claims stay in this replica. */
    struct server *server;
    struct httpd *httpd;
    struct httpd *admin;
    int signals;
    int64_t reload_ms;      /* When the files are looked at again. */
    int64_t drain_ms;       /* Answers close their connection from here. */
    int64_t leave_ms;       /* INT64_MAX: nobody has asked us to. */
    struct log_limit reload_limit;
    bool was_synced;
};

/* Signals become a descriptor; blocked before any thread is started. */
static struct err *
catch_signals(int *out)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return err_errno(ERR_INTERNAL, errno, "block signals");
    }
    *out = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *out < 0 ? err_errno(ERR_INTERNAL, errno, "signalfd") : NULL;
}

static struct err *
start_httpd(struct daemon *d)
{
    const struct httpd_options options = {
        .address = d->config.listen,
        .threads = (unsigned) d->config.threads,
        .max_connections = WEBHOOK_MAX_CONNECTIONS,
        .max_body = WEBHOOK_MAX_REVIEW,
        .max_bodies = WEBHOOK_MAX_REVIEWS,
        .idle_timeout_s = WEBHOOK_IDLE_S,
        .head_timeout_s = WEBHOOK_HEAD_S,
        .certificate_file = d->config.tls_certificate_file,
        .key_file = d->config.tls_key_file,
        .client_ca_file = d->config.client_ca_file,
        .handler = server_answer,
        .aux = d->server,
    };

    return httpd_start(&options, &d->httpd);
}

static struct err *
start_admin(struct daemon *d)
{
    const struct httpd_options options = {
        .address = d->config.admin_address,
        .threads = 1,
        .max_connections = WEBHOOK_MAX_ADMIN_CONNECTIONS,
        .idle_timeout_s = 30,
        .head_timeout_s = WEBHOOK_HEAD_S,
        .handler = server_answer_admin,
        .aux = d->server,
    };

    return httpd_start(&options, &d->admin);
}

/* Where our objects are kept: as flagged, the pod's namespace, ours. */
static const char *
own_namespace(const struct daemon *d, const char *flagged)
{
    const char *pod = getenv("POD_NAMESPACE");

    if (flagged) {
        return flagged;
    }
    if (!str_is_empty(pod)) {
        return pod;
    }
    pod = watch_namespace(d->watch);
    return pod ? pod : DEFAULT_NAMESPACE;
}

static void
open_claimer(struct daemon *d)
{
    const struct claimer_options options = {
        .ruleset = &d->config.ruleset,
        .watch = d->watch,
        .ns = own_namespace(d, d->config.claims_namespace),
        .on_failure = d->config.claims_on_failure,
        .claim_ms = WEBHOOK_CLAIM_MS,
    };

    if (d->config.cluster_claims && watch_client(d->watch)) {
        d->claimer = claimer_new(&options, d->metrics);
    }
}

/* Where the limit stays lower, connections beyond it wait in the backlog. */
static void
raise_descriptors(void)
{
    AUTO_ERR struct err *err = descriptors_want(WEBHOOK_DESCRIPTORS);

    if (err) {
        log_warn(MODULE, NULL, "%s", err_text(err));
    }
}

static struct err *
open_all(struct daemon *d)
{
    struct err *err = catch_signals(&d->signals);

    if (err) {
        return err;
    }
    raise_descriptors();
    d->metrics = metrics_new();
    d->reserve = reserve_new(&d->config.ruleset);
    d->watch = watch_new(&d->config.ruleset, d->reserve);
    err = d->config.manifests
              ? watch_open_manifests(d->watch, d->config.manifests)
              : watch_open_cluster(d->watch, d->config.kubeconfig);
    if (!err && d->config.published_certificates) {
        err = watch_follow_certificates(
            d->watch, own_namespace(d, d->config.certificates_namespace));
    }
    if (!err) {
        open_claimer(d);
        d->server =
            server_new(d->watch, d->reserve, d->claimer, d->metrics);
        server_set_mutation(d->server, &d->config.mutation);
        err = start_admin(d);
    }
    if (!err) {
        err = start_httpd(d);
    }
    return err;
}

static void
close_all(struct daemon *d)
{
    claimer_stop(d->claimer);
    httpd_stop(d->httpd);
    httpd_stop(d->admin);
    server_free(d->server);
    claimer_free(d->claimer);
    watch_free(d->watch);
    reserve_free(d->reserve);
    metrics_free(d->metrics);
    mem_closep(&d->signals);
}

static void
run_reload(struct daemon *d, int64_t now_ms)
{
    AUTO_ERR struct err *err = NULL;
    unsigned dropped;

    if (now_ms < d->reload_ms) {
        return;
    }
    d->reload_ms = now_ms + RELOAD_MS;
    httpd_sweep(d->httpd);
    httpd_sweep(d->admin);
    err = httpd_reload(d->httpd);
    if (err && log_limit(&d->reload_limit, now_ms, COMPLAIN_MS, &dropped)) {
        log_error(MODULE, NULL,
                  "the certificate stays as it was: %s (%u like it)",
                  err_text(err), dropped);
    }
}

/* SIGTERM begins the end: not ready any more, but everybody who still comes
 * is served.  In the last third of the delay answers ask the API server to
 * open a new connection, elsewhere.  A second signal, or SIGINT from a
 * terminal, ends it at once. */
static void
run_signals(struct daemon *d, int64_t now_ms)
{
    const int64_t delay_ms = (int64_t) d->config.shutdown_delay_s * 1000;
    struct signalfd_siginfo info;

    while (read(d->signals, &info, sizeof info) == sizeof info) {
        if (d->leave_ms != INT64_MAX || info.ssi_signo == SIGINT) {
            d->leave_ms = now_ms;
            continue;
        }
        log_info(MODULE, NULL, "leaving in %llu s",
                 (unsigned long long) d->config.shutdown_delay_s);
        server_leave(d->server);
        d->leave_ms = now_ms + delay_ms;
        d->drain_ms = now_ms + delay_ms * 2 / 3;
    }
    if (now_ms >= d->drain_ms) {
        httpd_drain(d->httpd);
        d->drain_ms = INT64_MAX;
    }
}

static void
run_loop(struct daemon *d)
{
    struct waits waits;

    waits_init(&waits);
    for (;;) {
        const int64_t now_ms = clock_ms();

        watch_run(d->watch, now_ms);
        if (d->claimer) {
            claimer_run(d->claimer, now_ms);
        }
        run_signals(d, now_ms);
        run_reload(d, now_ms);
        server_tick(d->server, now_ms, httpd_not_after(d->httpd));
        if (!d->was_synced && watch_is_synced(d->watch)) {
            d->was_synced = true;
            mem_trim();
            log_info(MODULE, NULL, "ready: %zu Ingresses",
                     watch_count(d->watch));
        }
        if (now_ms >= d->leave_ms) {
            break;
        }
        waits_clear(&waits);
        watch_wait(d->watch, &waits);
        if (d->claimer) {
            claimer_wait(d->claimer, &waits);
        }
        waits_fd(&waits, d->signals, POLLIN);
        waits_until(&waits, d->reload_ms);
        waits_until(&waits, d->drain_ms);
        waits_until(&waits, d->leave_ms);
        waits_block(&waits);
    }
    waits_fini(&waits);
}

int
main(int argc, char **argv)
{
    struct daemon d = {
        .signals = -1,
        .drain_ms = INT64_MAX,
        .leave_ms = INT64_MAX,
    };
    AUTO_ERR struct err *err = NULL;
    bool told;

    mem_settle();
    err = config_parse(argc, argv, &d.config, &told);
    if (err) {
        fprintf(stderr, "sallyport-webhook: %s\n", err_text(err));
        config_fini(&d.config);
        return 2;
    }
    if (told) {
        config_fini(&d.config);
        return 0;
    }
    log_configure((enum log_level) d.config.log_level,
                  (enum log_format) d.config.log_format);
    err = open_all(&d);
    if (err) {
        log_error(MODULE, NULL, "cannot start: %s", err_text(err));
    } else {
        log_info(MODULE, NULL, "listening on %s", d.config.listen);
        run_loop(&d);
        log_info(MODULE, NULL, "draining");
    }
    close_all(&d);
    config_fini(&d.config);
    return err ? 1 : 0;
}
