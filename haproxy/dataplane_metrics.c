#include "haproxy/dataplane_priv.h"

#include "lib/base/mem.h"

void
dataplane_register_(struct dataplane *dp, struct metrics *m)
{
    static const double bounds[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                     0.1, 0.25, 0.5, 1, 2.5, 5 };

    dp->metrics = m;
    dp->up = metrics_gauge(m, "sallyport_haproxy_up", "",
                           "Whether HAProxy answers on its socket.");
    dp->commands = metrics_counter(m, "sallyport_haproxy_commands_total", "",
                                   "Runtime commands sent.");
    dp->apply_seconds = metrics_histogram(
        m, "sallyport_apply_duration_seconds", "",
        "Time from a changed plan to HAProxy's confirmation.", bounds,
        ARRAY_SIZE(bounds));
    dp->apply_failures =
        metrics_counter(m, "sallyport_apply_failures_total", "",
                        "Applies that ended in an error and were retried.");
    dp->observes =
        metrics_counter(m, "sallyport_haproxy_observes_total", "",
                        "Times all of HAProxy's state was read back.");
    dp->reload_failures =
        metrics_counter(m, "sallyport_haproxy_reload_failures_total", "",
                        "Reloads after which the old worker went on.");
    dp->restarts = metrics_gauge(m, "sallyport_haproxy_restarts", "",
                                 "Starts of HAProxy after it died.");
    dp->slots_free = metrics_gauge(m, "sallyport_slots", "state=\"free\"",
                                   "Backend sections by state.");
    dp->slots_used = metrics_gauge(m, "sallyport_slots", "state=\"used\"",
                                   "Backend sections by state.");
    dp->slots_quarantined =
        metrics_gauge(m, "sallyport_slots", "state=\"quarantined\"",
                      "Backend sections by state.");
    /* There from the start, so that a rate has a beginning. */
    (void) metrics_counter(m, "sallyport_haproxy_reloads_total",
                           "reason=\"slots\"",
                           "Reloads of HAProxy by reason.");
}

void
dataplane_show_version_(struct dataplane *dp, const char *version)
{
    AUTO_FREE char *label = metrics_label("version", version);
    struct metric *info = metrics_gauge(
        dp->metrics, "sallyport_haproxy_info", label,
        "The version of the HAProxy that answers.");

    if (dp->info && dp->info != info) {
        metrics_drop(dp->metrics, dp->info);
    }
    dp->info = info;
    metric_set(info, 1);
}
