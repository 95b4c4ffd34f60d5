#include "reconciler/meters.h"

#include "lib/base/mem.h"

void
meters_init(struct meters *m, struct metrics *all)
{
    static const double bounds[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                     0.1, 0.25, 0.5, 1, 2.5, 5 };

    *m = (struct meters) { .generation = 0 };
    m->routes = metrics_gauge(all, "sallyport_routes", "",
                              "Rows of the http and the https map.");
    m->backends = metrics_gauge(all, "sallyport_backends", "",
                                "Service ports that routes use.");
    m->servers = metrics_gauge(all, "sallyport_servers", "",
                               "Endpoints of those Service ports.");
    m->certificates = metrics_gauge(all, "sallyport_certificates", "",
                                    "TLS certificates in use.");
    m->expiry = metrics_gauge(
        all, "sallyport_certificate_first_expiry_timestamp_seconds", "",
        "When the first certificate in use expires; 0: there is none.");
    m->checks_equal =
        metrics_counter(all, "sallyport_selfchecks_total",
                        "result=\"equal\"",
                        "Checks of the state against a full recompute.");
    m->checks_different =
        metrics_counter(all, "sallyport_selfchecks_total",
                        "result=\"different\"",
                        "Checks of the state against a full recompute.");
    m->synced = metrics_gauge(all, "sallyport_synced", "",
                              "1 once every watched kind was listed.");
    m->change_seconds = metrics_histogram(
        all, "sallyport_change_duration_seconds", "",
        "Time from a change that was taken in to HAProxy's confirmation.",
        bounds, ARRAY_SIZE(bounds));
}

void
meters_plan(struct meters *m, const struct plan_counts *counts,
            int64_t first_expiry_s)
{
    metric_set(m->routes, (int64_t) counts->routes);
    metric_set(m->backends, (int64_t) counts->backends);
    metric_set(m->servers, (int64_t) counts->servers);
    metric_set(m->certificates, (int64_t) counts->certs);
    metric_set(m->expiry, first_expiry_s);
}

void
meters_taken(struct meters *m, uint64_t generation, int64_t turn_us)
{
    if (generation != m->generation && m->changed_us == 0) {
        m->changed_us = turn_us;
    }
    m->generation = generation;
}

void
meters_confirmed(struct meters *m, uint64_t generation, int64_t now_us)
{
    if (m->changed_us != 0 && generation >= m->generation) {
        metric_observe(m->change_seconds,
                       (double) (now_us - m->changed_us) / 1e6);
        m->changed_us = 0;
    }
}

void
meters_start(struct meters *m, uint64_t generation)
{
    m->generation = generation;
    m->changed_us = 0;
}
