#include "haproxy/dataplane.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/capacity.h"
#include "haproxy/dataplane_priv.h"
#include "haproxy/files.h"
#include "haproxy/pem.h"
#include "haproxy/prove.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define POLL_MS 20              /* While something is about to happen. */
#define PROVE_MS 5000
#define PROVE_AGAIN_MS 10000
#define UNWRITTEN_MS 1000       /* Until a file is tried again. */

/* --- New and free --- */

struct err *
dataplane_new(const struct dataplane_options *options,
              struct metrics *metrics, struct dataplane **out)
{
    struct dataplane *dp = xcalloc(1, sizeof *dp);
    struct err *err;

    *out = NULL;
    dp->lock_fd = -1;
    dp->mirror.fd = -1;
    memcpy(dp->stamp, DATAPLANE_STRANGE, sizeof DATAPLANE_STRANGE);
    dp->held.model = model_create();
    dp->held.slots = slots_new();
    dp->reserved = want_reserved();
    dp->refused = map_new();
    dp->written = map_new();
    dp->backoff = (struct backoff) BACKOFF_INIT(100, 5000);
    dp->reload_backoff = (struct backoff) BACKOFF_INIT(1000, 300000);
    dataplane_register_(dp, metrics);
    if (options->haproxy) {
        dp->haproxy = xstrdup(options->haproxy);
        dp->proxy = xstrdup(options->proxy);
    }
    err = layout_init(&dp->layout, options);
    if (!err && options->haproxy) {     /* Else what is allowed here is not
                                         * what is allowed there. */
        AUTO_BUF struct buf text = BUF_OWN;

        capacity_describe(dp->layout.threads, dp->layout.maxconn, &text);
        log_info("haproxy", NULL, "%s", buf_str(&text));
    }
    if (!err) {
        dp->socket = xasprintf("%s/haproxy.sock", dp->layout.run_dir);
        err = dataplane_move_in_(dp);
    }
    if (err) {
        dataplane_free(dp);
        return err;
    }
    *out = dp;
    return NULL;
}

void
dataplane_free(struct dataplane *dp)
{
    if (!dp) {
        return;
    }
    dataplane_end_mirror_(dp);
    if (dp->mirror_ms > 0 && dp->state == DATAPLANE_UP &&
        !dp->must_observe) {
        dataplane_mirror_now_(dp, clock_ms());
    }
    layout_fini(&dp->layout);
    free(dp->haproxy);
    free(dp->proxy);
    free(dp->socket);
    mem_closep(&dp->lock_fd);
    observed_fini(&dp->held);
    model_free(dp->reserved);
    map_free(dp->refused, free);
    map_free(dp->written, free);
    pem_text_unref(dp->blank);
    free(dp);
}

void
dataplane_stop(struct dataplane *dp, int64_t grace_ms)
{
    /* In another container its pid would mean somebody else here. */
    if (dp->haproxy) {
        process_stop(dp->layout.run_dir, grace_ms);
        dp->state = DATAPLANE_DOWN;
    }
}

/* --- Helpers of all files --- */

struct want
dataplane_want_(const struct dataplane *dp, const struct plan *plan)
{
    return (struct want) {
        .plan = plan,
        .slots = dp->held.slots,
        .reserved = dp->reserved,
        .has_mux = dp->layout.passthrough,
        .refused = dp->refused,
    };
}

struct apply
dataplane_apply_(struct dataplane *dp, const struct plan *plan,
                 int64_t now_ms)
{
    return (struct apply) {
        .socket = dp->socket,
        .run_dir = dp->layout.run_dir,
        .model = dp->held.model,
        .slots = dp->held.slots,
        .refused = dp->refused,
        .written = dp->written,
        .has_mux = dp->held.has_mux,
        .https_open = dp->held.https_open,
        .mux_open = dp->held.mux_open,
        .is_muxed_file = dp->is_muxed_file,
        .want_mux = map_size(plan_items(plan, PLAN_SET_PASSTHROUGHS)) > 0,
        .now_ms = now_ms,
    };
}

void
dataplane_fail_(struct dataplane *dp, struct err *err, const char *what,
                int64_t now_ms)
{
    int64_t wait = backoff_fail(&dp->backoff, backoff_random());

    log_warn("haproxy", NULL, "could not %s: %s; looking again in %lld ms",
             what, err_text(err), (long long) wait);
    err_free(err);
    dp->must_observe = true;
    dp->must_compare = true;
    dp->retry_ms = now_ms + wait;
}

/* --- Up --- */

/* Whether the worker we know is still the one that answers. */
static bool
check_identity(struct dataplane *dp, int64_t now_ms)
{
    struct observe_identity now;
    struct err *err = observe_identity(dp->socket, &now);

    if (err) {
        log_warn("haproxy", NULL, "HAProxy is gone: %s", err_text(err));
        err_free(err);
        dataplane_go_down_(dp, now_ms);
        return false;
    }
    dp->check_ms = now_ms + DATAPLANE_CHECK_MS;
    dataplane_keep_parent_(dp, now_ms);
    if (!observe_is_same(&now, &dp->identity)) {
        log_warn("haproxy", NULL, "another HAProxy worker answers: %llu",
                 (unsigned long long) now.pid);
        dataplane_go_up_(dp, now_ms);
        return false;
    }
    return true;
}

/* A worker that we have not seen before. */
static void
meet_worker(struct dataplane *dp, const struct observe_identity *identity,
            const struct features *features, const struct observed *observed)
{
    AUTO_BUF struct buf abilities = BUF_OWN;

    feature_describe(features, &abilities);
    log_info("haproxy", NULL, "HAProxy %s: %s; worker %llu, %llu threads, "
             "%llu connections, %zu routes, %zu slots used",
             identity->version, buf_str(&abilities),
             (unsigned long long) identity->pid,
             (unsigned long long) identity->threads,
             (unsigned long long) identity->maxconn,
             map_size(observed->model->maps[MODEL_HTTP]) +
                 map_size(observed->model->maps[MODEL_HTTPS]),
             slots_counts(observed->slots, NULL).used);
    dataplane_show_version_(dp, identity->version);
    dp->features = *features;
    /* What another one did not take it may not have taken for its own reasons:
     * it was about to die, or short of memory. */
    map_free(dp->refused, free);
    dp->refused = map_new();
    dp->has_refused_growth = false;
    dp->is_proved = false;
}

static void
observe(struct dataplane *dp, int64_t now_ms)
{
    struct observe_identity identity;
    struct observed observed = { 0 };
    struct features features = dp->features;
    struct err *err = observe_identity(dp->socket, &identity);
    bool is_new = !err && !observe_is_same(&identity, &dp->identity);

    if (is_new) {
        err = feature_probe(dp->socket, identity.version, &features);
    }
    if (!err) {
        err = observe_all(dp->socket, dp->layout.run_dir, now_ms, &observed);
    }
    metric_add(dp->observes, 1);
    if (err && err_kind(err) == ERR_UNAVAILABLE) {
        log_warn("haproxy", NULL, "HAProxy is gone: %s", err_text(err));
        err_free(err);
        dataplane_go_down_(dp, now_ms);
        return;
    }
    if (err) {
        dataplane_fail_(dp, err, "read what HAProxy holds", now_ms);
        return;
    }
    if (is_new) {
        meet_worker(dp, &identity, &features, &observed);
        dp->prove_ms = now_ms;
    }
    observed_fini(&dp->held);
    dp->held = observed;
    dp->mirror.released = 0;
    dp->identity = identity;
    dp->is_muxed_file = str_eq(
        model_get(dp->held.model, MODEL_META, WANT_META_EDGE), "muxed");
    dp->must_observe = false;
    dp->must_compare = true;
    dp->must_publish = dp->features.has[FEATURE_ADD_BACKEND];
    dp->keys_ms = 0;
    dataplane_note_keys_(dp, now_ms);
    /* A reload that failed, a worker that was only slow to answer, one whose
     * driver may have died before it wrote: the files become what is served. */
    if (dp->stamp[0] && !str_eq(model_get(dp->held.model, MODEL_META,
                                          WANT_META_STAMP), dp->stamp)) {
        dataplane_touch_all_(dp, now_ms);
    } else if (dp->stamp[0]) {
        slots_saved(dp->held.slots, slots_released(dp->held.slots));
    }
    dp->stamp[0] = '\0';
}

/* True where a reload has begun. */
static bool
wants_reload(struct dataplane *dp, struct plan *plan, int64_t now_ms)
{
    bool is_ours = dp->held.is_whole &&
                   str_eq(model_get(dp->held.model, MODEL_META,
                                    WANT_META_EDITION),
                          dp->layout.edition);

    if (is_ours || now_ms < dp->reload_retry_ms) {
        return false;
    }
    if (dataplane_has_other_listeners_(dp) && !dp->haproxy) {
        log_warn("haproxy", NULL, "other addresses or ports: they count "
                 "when sallyport-proxy is started again");
    } else if (dataplane_has_other_listeners_(dp)) {
        log_warn("haproxy", NULL, "other addresses or ports: HAProxy is "
                 "started anew");
        process_stop(dp->layout.run_dir, 1000);
        dataplane_go_down_(dp, now_ms);
        dataplane_start_cold_(dp, plan, now_ms);
        return true;
    }
    dataplane_reload_(dp, plan, "upgrade", now_ms);
    return true;
}

/* After the apply the frontends are as it left them. */
static void
keep(struct dataplane *dp, const struct apply *a, int64_t now_ms)
{
    dp->held.https_open = a->https_open;
    dp->held.mux_open = a->mux_open;
    metric_add(dp->commands, (int64_t) a->batch.n_commands);
    if (a->touched_certs) {
        dataplane_note_keys_(dp, now_ms);
    }
    dataplane_touch_(dp, a, now_ms);
}

/* Gives backends their slots, new ones where HAProxy can add them; why a
 * reload is due, NULL: none is. */
static const char *
assign(struct dataplane *dp, struct plan *plan,
       struct diff_released *released, size_t *lacking, int64_t now_ms)
{
    const char *reason;

    diff_assign(plan, dp->held.slots, dp->must_compare, released, lacking);
    reason = dataplane_lacking_(dp, plan, *lacking);
    if (reason && dataplane_grow_live_(dp, plan, now_ms)) {
        VEC_FINI(&released->slots);
        dp->must_compare = true;
        diff_assign(plan, dp->held.slots, true, released, lacking);
        reason = dataplane_lacking_(dp, plan, *lacking);
    }
    return reason;
}

/* A pause between two reloads is waited for, a failure is not. */
static bool
may_reload(const struct dataplane *dp, int64_t now_ms)
{
    return now_ms >= dp->reload_retry_ms || dp->reload_backoff.next_ms == 0;
}

/* HAProxy has all that could be sent. */
static void
confirm(struct dataplane *dp, struct plan *plan, bool is_part, int64_t now_ms)
{
    plan_clean(plan);
    backoff_reset(&dp->backoff);
    dp->changed_ms = now_ms;
    /* What waits for a reload is compared again when it may be tried. */
    dp->must_compare = is_part;
    if (is_part) {
        dp->retry_ms = dp->reload_retry_ms;
    } else {
        dp->confirmed = plan_generation(plan);
        dp->has_confirmed = true;
    }
}

/* Who answers is asked after the change, which need not wait for it: another
 * worker, that began from the files, may take it (no file gives a slot to who
 * had it before, slots.h), but nothing is confirmed before all of it was
 * compared with the plan. */
static void
apply_changes(struct dataplane *dp, struct plan *plan, bool is_fresh,
              int64_t now_ms)
{
    struct want want = dataplane_want_(dp, plan);
    struct apply a = dataplane_apply_(dp, plan, now_ms);
    AUTO_DIFF struct diff *d = diff_new();
    struct diff_released released = { 0 };
    int64_t begin_us = clock_us(), end_us;
    const char *reason;
    size_t lacking;
    struct err *err;

    reason = assign(dp, plan, &released, &lacking, now_ms);
    if (reason && may_reload(dp, now_ms)) {
        VEC_FINI(&released.slots);
        dp->must_compare = true;
        dp->retry_ms = dp->reload_retry_ms;
        if (is_fresh || check_identity(dp, now_ms)) {
            dataplane_reload_(dp, plan, reason, now_ms);
        }
        return;
    }
    if (dp->must_compare) {
        diff_all(&want, dp->held.model, d);
    } else {
        diff_dirty(&want, plan, dp->held.model, d);
    }
    err = apply_diff(&a, d, &released);
    end_us = clock_us();
    if (released.slots.n > 0) {
        dp->quarantine_ms = 0;
    }
    VEC_FINI(&released.slots);
    keep(dp, &a, now_ms);
    if (!is_fresh && !check_identity(dp, now_ms)) {
        err_free(err);
        return;
    }
    if (err) {
        metric_add(dp->apply_failures, 1);
        dataplane_fail_(dp, err, "apply changes", now_ms);
        return;
    }
    if (a.is_oversized && now_ms >= dp->reload_retry_ms) {
        dataplane_reload_(dp, plan, "certificate-size", now_ms);
        return;
    }
    confirm(dp, plan, lacking > 0 || a.is_oversized || a.is_unwritten,
            now_ms);
    if (a.is_unwritten) {
        dp->retry_ms = now_ms + UNWRITTEN_MS;
    }
    metric_observe(dp->apply_seconds, (double) (end_us - begin_us) / 1e6);
}

static void
prove(struct dataplane *dp, int64_t now_ms)
{
    struct err *err = prove_run(dp->layout.run_dir, false,
                                clock_ms() + PROVE_MS);

    if (!err) {
        err = prove_run(dp->layout.run_dir, true, clock_ms() + PROVE_MS);
    }
    dp->is_proved = !err;
    dp->prove_ms = now_ms + PROVE_AGAIN_MS;
    if (err) {
        log_error("haproxy", NULL, "the program does not judge as it "
                  "should: %s", err_text(err));
        err_free(err);
    }
}

static bool
has_work(const struct dataplane *dp, const struct plan *plan, int64_t now_ms)
{
    if (dp->must_compare) {
        return now_ms >= dp->retry_ms || plan_is_dirty(plan);
    }
    return plan_is_dirty(plan) || dp->confirmed != plan_generation(plan);
}

/* What is done while HAProxy answers, is known, and runs our program. */
static void
run_changes(struct dataplane *dp, struct plan *plan, bool is_fresh,
            int64_t now_ms)
{
    struct err *err = dp->must_publish ? dataplane_publish_(dp) : NULL;
    bool is_full;

    if (err) {
        dataplane_fail_(dp, err, "publish backends", now_ms);
        return;
    }
    dp->must_publish = false;
    if (has_work(dp, plan, now_ms)) {
        is_full = dp->must_compare;
        apply_changes(dp, plan, is_fresh, now_ms);
        if (is_full) {
            mem_trim();     /* It builds a second model of everything. */
        }
    }
    if (dp->state != DATAPLANE_UP || dp->must_observe) {
        return;
    }
    if (!dp->is_proved && now_ms >= dp->prove_ms) {
        prove(dp, now_ms);
    }
    if (dp->mirror_ms > 0 && now_ms >= dp->mirror_ms && dp->mirror.pid == 0) {
        dataplane_mirror_(dp, now_ms);
    }
    dataplane_run_slots_(dp, plan, now_ms);
    dataplane_run_keys_(dp, plan, now_ms);
}

static void
run_up(struct dataplane *dp, struct plan *plan, int64_t now_ms)
{
    bool is_fresh = false;

    if (dp->must_observe) {
        if (now_ms < dp->retry_ms) {
            return;
        }
        observe(dp, now_ms);
        is_fresh = true;
    } else if (now_ms >= dp->check_ms) {
        is_fresh = check_identity(dp, now_ms);
    }
    if (dp->state == DATAPLANE_UP && !dp->must_observe &&
        dp->is_complete && !wants_reload(dp, plan, now_ms)) {
        run_changes(dp, plan, is_fresh, now_ms);
    }
}

/* --- The contract --- */

void
dataplane_run(struct dataplane *dp, struct plan *plan, bool complete,
              int64_t now_ms)
{
    dp->is_complete |= complete;
    dataplane_run_mirror_(dp, now_ms);
    switch (dp->state) {
    case DATAPLANE_DOWN:
        dataplane_run_down_(dp, plan, now_ms);
        if (dp->state == DATAPLANE_UP) {
            run_up(dp, plan, now_ms);
        }
        break;
    case DATAPLANE_UP:
        run_up(dp, plan, now_ms);
        break;
    case DATAPLANE_RELOADING:
        dataplane_run_reload_(dp, now_ms);
        if (dp->state == DATAPLANE_UP) {
            run_up(dp, plan, now_ms);
        }
        break;
    }
}

void
dataplane_wait(struct dataplane *dp, struct waits *waits)
{
    switch (dp->state) {
    case DATAPLANE_DOWN:
        waits_until(waits, dp->retry_ms);
        return;
    case DATAPLANE_RELOADING:
        waits_until(waits, clock_ms() + POLL_MS);
        return;
    case DATAPLANE_UP:
        break;
    }
    if (dp->must_observe || dp->must_compare) {
        waits_until(waits, dp->retry_ms > dp->reload_retry_ms
                               ? dp->retry_ms : dp->reload_retry_ms);
    }
    if (dp->mirror.pid != 0) {
        waits_fd(waits, dp->mirror.fd, POLLIN);
    } else if (dp->mirror_ms > 0) {
        waits_until(waits, dp->mirror_ms);
    }
    if (!dp->is_proved && dp->is_complete) {
        waits_until(waits, dp->prove_ms);
    }
    waits_until(waits, dp->check_ms);
    waits_until(waits, dp->keys_ms > 0 ? dp->keys_ms : INT64_MAX);
    waits_until(waits, dataplane_wait_slots_(dp));
}

uint64_t
dataplane_confirmed(const struct dataplane *dp)
{
    return dp->confirmed;
}

bool
dataplane_is_ready(const struct dataplane *dp)
{
    return dp->state != DATAPLANE_DOWN && dp->is_proved && dp->has_confirmed;
}

bool
dataplane_is_alive(const struct dataplane *dp)
{
    return dp->state != DATAPLANE_DOWN;
}

bool
dataplane_has_rates(const struct dataplane *dp)
{
    return dp->features.has[FEATURE_BANDWIDTH];
}

struct err *
dataplane_observe(struct dataplane *dp, struct buf *out)
{
    struct observed observed = { 0 };
    struct err *err = observe_all(dp->socket, dp->layout.run_dir, 0,
                                  &observed);

    if (!err) {
        struct plan *plan = observe_plan(&observed, dp->reserved);

        plan_dump(plan, out);
        plan_free(plan);
        observed_fini(&observed);
    }
    return err;
}

bool
dataplane_is_settled(struct dataplane *dp)
{
    struct observe_identity now;
    AUTO_ERR struct err *err = NULL;

    if (dp->state != DATAPLANE_UP || dp->must_observe || dp->must_compare) {
        return false;
    }
    err = observe_identity(dp->socket, &now);
    return !err && observe_is_same(&now, &dp->identity);
}
