#include "tests/unit/table.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/metrics.h"

static const double bounds[] = { 0.001, 0.1, 2.5 };

static void
counts_once(struct metrics *m)
{
    metric_add(metrics_counter(m, "a_total", "", "Things."), 3);
}

static void
same_series_twice(struct metrics *m)
{
    metric_add(metrics_counter(m, "a_total", "k=\"v\"", "Things."), 3);
    metric_add(metrics_counter(m, "a_total", "k=\"v\"", "Things."), 4);
}

static void
sorts_names_and_labels(struct metrics *m)
{
    metric_set(metrics_gauge(m, "b", "k=\"2\"", "B."), -2);
    metric_set(metrics_gauge(m, "b", "k=\"1\"", "B."), 1);
    metric_set(metrics_gauge(m, "a", "", "A."), 5);
}

static void
escapes_labels(struct metrics *m)
{
    AUTO_FREE char *label = metrics_label("k", "a\"b\\c\nd");

    metric_set(metrics_gauge(m, "a", label, "Two\nlines \\ \"."), 1);
}

static void
histogram_boundaries(struct metrics *m)
{
    struct metric *h =
        metrics_histogram(m, "h_seconds", "", "H.", bounds, 3);

    metric_observe(h, 0.001);
    metric_observe(h, 0.0011);
    metric_observe(h, 2.5);
    metric_observe(h, 100);
    metric_observe(h, -1);
}

static void
histogram_labels(struct metrics *m)
{
    metric_observe(
        metrics_histogram(m, "h_seconds", "k=\"v\"", "H.", bounds, 1), 0.5);
}

static void
drops(struct metrics *m)
{
    metric_set(metrics_gauge(m, "a", "k=\"1\"", "A."), 1);
    metrics_drop(m, metrics_gauge(m, "a", "k=\"2\"", "A."));
    metrics_drop(m, metrics_gauge(m, "b", "", "B."));
    metrics_drop(m, NULL);
}

static void
drops_and_returns(struct metrics *m)
{
    struct metric *gone = metrics_gauge(m, "a", "", "A.");

    metric_set(gone, 7);
    metrics_drop(m, gone);
    metric_add(metrics_gauge(m, "a", "", "A."), 1);
}

static void *
count_many(void *aux)
{
    for (int i = 0; i < 10000; i++) {
        metric_add(aux, 1);
    }
    return NULL;
}

static void
threads_lose_nothing(struct metrics *m)
{
    struct metric *c = metrics_counter(m, "a_total", "", "A.");
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, c),
                         0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void
nothing(struct metrics *m)
{
    (void) m;
}

static const struct row {
    const char *name;
    void (*run)(struct metrics *);
    const char *want;
} rows[] = {
    { "an empty registry prints nothing", nothing, "" },
    { "a counter", counts_once,
      "# HELP a_total Things.\n# TYPE a_total counter\na_total 3\n" },
    { "the same labels are the same series", same_series_twice,
      "# HELP a_total Things.\n# TYPE a_total counter\n"
      "a_total{k=\"v\"} 7\n" },
    { "families and series are sorted", sorts_names_and_labels,
      "# HELP a A.\n# TYPE a gauge\na 5\n"
      "# HELP b B.\n# TYPE b gauge\nb{k=\"1\"} 1\nb{k=\"2\"} -2\n" },
    { "labels and help are escaped", escapes_labels,
      "# HELP a Two\\nlines \\\\ \".\n# TYPE a gauge\n"
      "a{k=\"a\\\"b\\\\c\\nd\"} 1\n" },
    { "a bound belongs to its bucket; below zero is zero",
      histogram_boundaries,
      "# HELP h_seconds H.\n# TYPE h_seconds histogram\n"
      "h_seconds_bucket{le=\"0.001\"} 2\nh_seconds_bucket{le=\"0.1\"} 3\n"
      "h_seconds_bucket{le=\"2.5\"} 4\nh_seconds_bucket{le=\"+Inf\"} 5\n"
      "h_seconds_sum 102.502100000\nh_seconds_count 5\n" },
    { "a histogram with labels", histogram_labels,
      "# HELP h_seconds H.\n# TYPE h_seconds histogram\n"
      "h_seconds_bucket{k=\"v\",le=\"0.001\"} 0\n"
      "h_seconds_bucket{k=\"v\",le=\"+Inf\"} 1\n"
      "h_seconds_sum{k=\"v\"} 0.500000000\nh_seconds_count{k=\"v\"} 1\n" },
    { "a dropped series is not printed, nor an empty family", drops,
      "# HELP a A.\n# TYPE a gauge\na{k=\"1\"} 1\n" },
    { "a series that returns begins at zero", drops_and_returns,
      "# HELP a A.\n# TYPE a gauge\na 1\n" },
    { "threads lose no count", threads_lose_nothing,
      "# HELP a_total A.\n# TYPE a_total counter\na_total 40000\n" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct metrics *m = metrics_new();
    AUTO_BUF struct buf out = BUF_OWN;

    row->run(m);
    metrics_print(m, &out);
    assert_string_equal(buf_str(&out), row->want);
    metrics_free(m);
}

TABLE_MAIN("metrics", rows, check_row)
