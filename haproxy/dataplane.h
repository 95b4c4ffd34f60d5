/* dataplane: makes a running HAProxy equal to a plan.
 *
 * dataplane_run() compares the plan's dirty items with what HAProxy holds,
 * sends the difference over the runtime socket in pipelined batches,
 * observes, and remembers which generation is confirmed.  A change that no
 * runtime command can carry becomes one hitless reload, counted by reason.
 * A HAProxy that is already running in 'run_dir' is adopted without touching
 * traffic; one that died is started again by sallyport-proxy, the small
 * parent that holds the listeners and outlives us (proxy_main.c).
 *
 * run_dir holds everything: program, maps, certificates (mode 0700), sockets,
 * written tmp + rename, so that a restart of HAProxy alone comes up with the
 * last confirmed state.
 *
 * Errors: nothing here is fatal; what fails is logged once, retried with
 * backoff, and visible in the counters.  Not locked: one thread, but the
 * counters may be read by any.
 */
#ifndef HAPROXY_DATAPLANE_H
#define HAPROXY_DATAPLANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "haproxy/unanswered.h"
#include "lib/base/err.h"
#include "lib/base/metrics.h"
#include "lib/base/waits.h"

struct dataplane;

struct dataplane_options {
    const char *run_dir;
    const char *haproxy;        /* Path of the binary; NULL: another container
                                 * runs sallyport-proxy on this run_dir. */
    const char *proxy;          /* Path of sallyport-proxy. */
    const char *bind_address;   /* "" or "*": all, IPv4 and IPv6. */
    uint16_t http_port;
    uint16_t https_port;
    /* What clients dial, where a load balancer or Service maps those: told in
     * redirects, X-Forwarded-Port and Alt-Svc.  0: the same. */
    uint16_t public_http_port;
    uint16_t public_https_port;
    bool passthrough;           /* --enable-ssl-passthrough */
    bool strict_sni;            /* --strict-sni */
    const char *access_log;     /* As program_params.log; NULL: none. */
    bool tls_modern;            /* --tls-profile modern */
    bool http3;                 /* --http3; counts where HAProxy has QUIC. */
    bool gzip;                  /* --gzip */
    unsigned threads;           /* 0: by the CPUs sallyport-proxy may use. */
    unsigned maxconn;           /* 0: by its RLIMIT_NOFILE. */
    /* As the flags of these names say; 0: program_params_init()'s. */
    unsigned keep_alive_s, header_kib, worker_shutdown_s;
};

/* Prepares run_dir, starts or adopts HAProxy lazily on the first run.
 * Metrics (reloads by reason, apply duration, commands, slots, ...) are
 * registered in 'metrics'. */
struct err *dataplane_new(const struct dataplane_options *, struct metrics *,
                          struct dataplane **out) MUST_USE;
/* Leaves HAProxy running: traffic goes on without us. */
void dataplane_free(struct dataplane *);
/* Stops HAProxy and its parent (graceful: serves what it has, at most
 * 'grace_ms'). */
void dataplane_stop(struct dataplane *, int64_t grace_ms);

/* Until the first complete plan is known ('complete' false) an adopted
 * HAProxy is observed but nothing is taken away from it. */
void dataplane_run(struct dataplane *, struct plan *, bool complete,
                   int64_t now_ms);
void dataplane_wait(struct dataplane *, struct waits *);

/* The plan generation that HAProxy has confirmed in full. */
uint64_t dataplane_confirmed(const struct dataplane *);
/* HAProxy runs, the self-proof passed and a complete plan is confirmed. */
bool dataplane_is_ready(const struct dataplane *);
/* HAProxy answers on its socket (liveness). */
bool dataplane_is_alive(const struct dataplane *);
/* HAProxy runs, and is one that honours the policy's RATE. */
bool dataplane_has_rates(const struct dataplane *);
/* Appends the OCSP response that lies beside the certificate of that name in
 * the run directory, in DER and unverified: what the HAProxy of before had. */
struct err *dataplane_read_response(const struct dataplane *,
                                    const char *name, struct buf *out)
    MUST_USE;
/* The files say what HAProxy holds. */
bool dataplane_is_written(const struct dataplane *);
/* What it counted of questions without a verdict; false, and nothing, where it
 * cannot be asked now.  One exchange; 'out' is to be released. */
bool dataplane_unanswered(struct dataplane *, struct unanswered *out) MUST_USE;
/* What HAProxy reports, equal to plan_dump_held() when everything is in place.
 * Slow; for tests and diagnosis. */
struct err *dataplane_observe(struct dataplane *, struct buf *out) MUST_USE;
/* Who answers now is the worker that has confirmed.  Where that one died,
 * another may serve from its files before it was met and given what they lack.
 * One exchange. */
bool dataplane_is_settled(struct dataplane *) MUST_USE;

#endif /* HAPROXY_DATAPLANE_H */
