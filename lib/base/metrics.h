/* metrics: numbers for Prometheus.
 *
 * A registry of families; each series is one 64-bit atomic (histograms: one
 * per bucket), so that one thread counts while another prints.  Names and
 * labels are our own text; label values are escaped.
 * Source: the Prometheus text format 0.0.4.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"

struct metrics;
struct metric;

struct metrics *metrics_new(void) MUST_USE RETURNS_NONNULL;
void metrics_free(struct metrics *);

/* One series each; 'labels' is "" or 'reason="slots",kind="x"' built by
 * metrics_label().  Asking again for the same name and labels returns the
 * same series.  They live as long as the registry. */
struct metric *metrics_counter(struct metrics *, const char *name,
                               const char *labels, const char *help);
struct metric *metrics_gauge(struct metrics *, const char *name,
                             const char *labels, const char *help);
/* 'bounds' in seconds, ascending, static; +Inf is added. */
struct metric *metrics_histogram(struct metrics *, const char *name,
                                 const char *labels, const char *help,
                                 const double *bounds, size_t n_bounds);

/* 'name="value"' with the value escaped; the caller's to free. */
char *metrics_label(const char *name, const char *value)
    MUST_USE RETURNS_NONNULL;

void metric_add(struct metric *, int64_t n);    /* Counter, gauge. */
void metric_set(struct metric *, int64_t value);    /* Gauge. */
int64_t metric_get(const struct metric *);
void metric_observe(struct metric *, double seconds);   /* Histogram. */

/* Takes a series away (an Ingress that is gone). */
void metrics_drop(struct metrics *, struct metric *);

/* The whole registry as text, families sorted by name. */
void metrics_print(struct metrics *, struct buf *out);

#endif /* BASE_METRICS_H */
