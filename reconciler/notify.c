#include "reconciler/notify.h"

#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "reconciler/keyset.h"

struct notify {
    const struct engine *engine;
    struct effects effects;
    struct keyset *touched;
    struct map *told;           /* Key of the engine -> struct findings */
    bool was_leader;
    struct metric *errors;
    struct metric *warnings;
};

static void
free_findings(void *p)
{
    findings_free(p);
}

struct notify *
notify_new(const struct engine *engine, const struct effects *effects,
           struct metrics *metrics)
{
    static const char help[] = "Findings on the Ingresses of this class.";
    struct notify *n = xcalloc(1, sizeof *n);

    n->engine = engine;
    n->effects = *effects;
    n->touched = keyset_new_batch();
    n->told = map_new();
    n->errors = metrics_gauge(metrics, "sallyport_findings",
                              "severity=\"error\"", help);
    n->warnings = metrics_gauge(metrics, "sallyport_findings",
                                "severity=\"warning\"", help);
    return n;
}

void
notify_free(struct notify *n)
{
    if (n) {
        keyset_free(n->touched);
        map_free(n->told, free_findings);
        free(n);
    }
}

void
notify_touch(struct notify *n, const char *ingress_key)
{
    keyset_add(n->touched, ingress_key);
}

static void
count(struct notify *n, const struct findings *findings, int64_t sign)
{
    if (findings) {
        metric_add(n->errors, sign * (int64_t) findings_count_of(
                                         findings, FINDING_ERROR));
        metric_add(n->warnings, sign * (int64_t) findings_count_of(
                                           findings, FINDING_WARNING));
    }
}

static const char *
reason_of(const struct finding *f)
{
    if (f->severity == FINDING_WARNING) {
        return "Misconfigured";
    }
    return f->reason == FINDING_OWNERSHIP ? "HostConflict" : "Rejected";
}

static void
tell(struct notify *n, const struct kube_object *subject,
     const struct finding *f, bool is_leader)
{
    AUTO_BUF struct buf note = BUF_OWN;

    finding_print(f, &note);
    log_warn("reconciler", subject->key, "%s: %s", reason_of(f),
             buf_str(&note));
    if (is_leader) {
        n->effects.event(n->effects.aux, subject, true, reason_of(f),
                         buf_str(&note));
    }
}

static void
look(struct notify *n, const char *key, bool is_leader, bool again)
{
    const struct kube_object *subject = engine_subject(n->engine, key);
    struct findings *before = map_get(n->told, key);
    struct findings *now = NULL;

    if (subject) {
        now = findings_new();
        engine_findings(n->engine, key, now);
        for (size_t i = 0; i < findings_count(now); i++) {
            const struct finding *f = findings_get(now, i);

            if (again || !before || !findings_has(before, f)) {
                tell(n, subject, f, is_leader);
            }
        }
    }
    count(n, before, -1);
    count(n, now, 1);
    if (now && findings_count(now) > 0) {
        map_put(n->told, key, now);
    } else {
        findings_free(now);
        map_remove(n->told, key);
    }
    findings_free(before);
}

/* A new leader tells what the old one may not have got round to: Events
 * are series, so what was told already only counts up. */
static void
tell_all(struct notify *n)
{
    AUTO_FREE const char **keys = map_sorted_keys(n->told);
    size_t n_keys = map_size(n->told);
    AUTO_FREE char **copies = xcalloc(n_keys, sizeof *copies);

    for (size_t i = 0; i < n_keys; i++) {
        copies[i] = xstrdup(keys[i]);
    }
    for (size_t i = 0; i < n_keys; i++) {
        look(n, copies[i], true, true);
        free(copies[i]);
    }
}

void
notify_run(struct notify *n, bool is_leader)
{
    AUTO_FREE char **keys = NULL;

    if (is_leader && !n->was_leader) {
        tell_all(n);
    }
    n->was_leader = is_leader;
    keys = keyset_take(n->touched);
    for (size_t i = 0; keys[i]; i++) {
        look(n, keys[i], is_leader, false);
        free(keys[i]);
    }
}
