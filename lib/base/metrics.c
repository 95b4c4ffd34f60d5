#include "lib/base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct family {
    enum metric_kind kind;
    const char *help;
    const double *bounds;
    size_t n_bounds;
    struct map *series;         /* Labels to struct metric. */
};

/* A histogram keeps one count per bucket (not summed up) with +Inf as the
 * last, and its sum in nanoseconds, so that all of it is integers. */
struct metric {
    const struct family *family;
    char *name;
    char *labels;
    _Atomic int64_t value;      /* For a histogram: the sum. */
    _Atomic int64_t *buckets;
};

/* The lock guards the maps; the numbers in the series are atomic. */
struct metrics {
    pthread_mutex_t lock;
    struct map *families;
};

static void
metric_free(void *aux)
{
    struct metric *metric = aux;

    free(metric->name);
    free(metric->labels);
    free(metric->buckets);
    free(metric);
}

static void
family_free(void *aux)
{
    struct family *family = aux;

    map_free(family->series, metric_free);
    free(family);
}

struct metrics *
metrics_new(void)
{
    struct metrics *m = xcalloc(1, sizeof *m);

    pthread_mutex_init(&m->lock, NULL);
    m->families = map_new();
    return m;
}

void
metrics_free(struct metrics *m)
{
    if (m) {
        map_free(m->families, family_free);
        pthread_mutex_destroy(&m->lock);
        free(m);
    }
}

/* The family, made from 'like' where it is new. */
static struct family *
get_family(struct metrics *m, const char *name, const struct family *like)
{
    struct family *family = map_get(m->families, name);

    if (!family) {
        family = xmemdup(like, sizeof *like);
        family->series = map_new();
        map_put(m->families, name, family);
    }
    assert(family->kind == like->kind);
    return family;
}

static struct metric *
get_series(struct metrics *m, const char *name, const char *labels,
           const struct family *like)
{
    struct family *family;
    struct metric *metric;

    pthread_mutex_lock(&m->lock);
    family = get_family(m, name, like);
    metric = map_get(family->series, labels);
    if (!metric) {
        metric = xcalloc(1, sizeof *metric);
        metric->family = family;
        metric->name = xstrdup(name);
        metric->labels = xstrdup(labels);
        if (family->kind == METRIC_HISTOGRAM) {
            metric->buckets =
                xcalloc(family->n_bounds + 1, sizeof *metric->buckets);
        }
        map_put(family->series, labels, metric);
    }
    pthread_mutex_unlock(&m->lock);
    return metric;
}

struct metric *
metrics_counter(struct metrics *m, const char *name, const char *labels,
                const char *help)
{
    const struct family like = { .kind = METRIC_COUNTER, .help = help };

    return get_series(m, name, labels, &like);
}

struct metric *
metrics_gauge(struct metrics *m, const char *name, const char *labels,
              const char *help)
{
    const struct family like = { .kind = METRIC_GAUGE, .help = help };

    return get_series(m, name, labels, &like);
}

struct metric *
metrics_histogram(struct metrics *m, const char *name, const char *labels,
                  const char *help, const double *bounds, size_t n_bounds)
{
    const struct family like = {
        .kind = METRIC_HISTOGRAM,
        .help = help,
        .bounds = bounds,
        .n_bounds = n_bounds,
    };

    return get_series(m, name, labels, &like);
}

/* Writes 's' with the escapes of the format: \\, \n and, in labels, \". */
static void
put_escaped(struct buf *out, const char *s, bool is_label)
{
    for (; *s; s++) {
        if (*s == '\n') {
            buf_puts(out, "\\n");
        } else if (*s == '\\' || (is_label && *s == '"')) {
            buf_putc(out, '\\');
            buf_putc(out, *s);
        } else {
            buf_putc(out, *s);
        }
    }
}

char *
metrics_label(const char *name, const char *value)
{
    AUTO_BUF struct buf out = BUF_OWN;

    buf_printf(&out, "%s=\"", name);
    put_escaped(&out, value, true);
    buf_putc(&out, '"');
    return buf_take(&out);
}

void
metric_add(struct metric *metric, int64_t n)
{
    atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void
metric_set(struct metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

int64_t
metric_get(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

void
metric_observe(struct metric *metric, double seconds)
{
    const struct family *family = metric->family;
    size_t i = 0;

    assert(family->kind == METRIC_HISTOGRAM);
    if (!(seconds > 0)) {
        seconds = 0;    /* A clock that stepped back, or not a number. */
    }
    while (i < family->n_bounds && seconds > family->bounds[i]) {
        i++;
    }
    atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
    metric_add(metric, (int64_t) (fmin(seconds, 1e9) * 1e9));
}

void
metrics_drop(struct metrics *m, struct metric *metric)
{
    struct family *family;

    if (!metric) {
        return;
    }
    pthread_mutex_lock(&m->lock);
    family = map_get(m->families, metric->name);
    if (family && map_get(family->series, metric->labels) == metric) {
        map_remove(family->series, metric->labels);
        metric_free(metric);
    }
    pthread_mutex_unlock(&m->lock);
}

static void
print_histogram(const struct metric *metric, struct buf *out)
{
    const struct family *family = metric->family;
    const char *comma = metric->labels[0] ? "," : "";
    const char *open = metric->labels[0] ? "{" : "";
    const char *close = metric->labels[0] ? "}" : "";
    const int64_t sum = metric_get(metric);
    int64_t count = 0;

    for (size_t i = 0; i <= family->n_bounds; i++) {
        count += atomic_load_explicit(&metric->buckets[i],
                                      memory_order_relaxed);
        buf_printf(out, "%s_bucket{%s%sle=\"", metric->name, metric->labels,
                   comma);
        if (i < family->n_bounds) {
            buf_printf(out, "%g", family->bounds[i]);
        } else {
            buf_puts(out, "+Inf");
        }
        buf_printf(out, "\"} %" PRId64 "\n", count);
    }
    buf_printf(out, "%s_sum%s%s%s %" PRId64 ".%09" PRId64 "\n", metric->name,
               open, metric->labels, close, sum / 1000000000,
               sum % 1000000000);
    buf_printf(out, "%s_count%s%s%s %" PRId64 "\n", metric->name, open,
               metric->labels, close, count);
}

static void
print_family(const char *name, const struct family *family, struct buf *out)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };
    AUTO_FREE const char **labels = map_sorted_keys(family->series);

    if (map_size(family->series) == 0) {
        return;
    }
    buf_printf(out, "# HELP %s ", name);
    put_escaped(out, family->help, false);
    buf_printf(out, "\n# TYPE %s %s\n", name, kinds[family->kind]);
    for (size_t i = 0; i < map_size(family->series); i++) {
        const struct metric *metric = map_get(family->series, labels[i]);

        if (family->kind == METRIC_HISTOGRAM) {
            print_histogram(metric, out);
        } else if (labels[i][0]) {
            buf_printf(out, "%s{%s} %" PRId64 "\n", name, labels[i],
                       metric_get(metric));
        } else {
            buf_printf(out, "%s %" PRId64 "\n", name, metric_get(metric));
        }
    }
}

void
metrics_print(struct metrics *m, struct buf *out)
{
    pthread_mutex_lock(&m->lock);
    {
        AUTO_FREE const char **names = map_sorted_keys(m->families);

        for (size_t i = 0; i < map_size(m->families); i++) {
            print_family(names[i], map_get(m->families, names[i]), out);
        }
    }
    pthread_mutex_unlock(&m->lock);
}
