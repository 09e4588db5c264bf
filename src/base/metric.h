/*
 * Metrics: counters, gauges and histograms with bounded sets of labels, written as Prometheus
 * text. metrics.def is the one list of them. Any thread may record, without a lock: each thread
 * has cells of its own, and a scrape adds them up.
 *
 * A series is a metric with its label values. Looking one up costs a hash (tens of nanoseconds),
 * recording costs an addition; so what is hot keeps its struct sk_series.
 *
 *   sk_metric_add(sk_metric_series(SK_METRIC_SERVICE_REQUESTS, operation, namespace_name), 1);
 */
#ifndef SK_BASE_METRIC_H
#define SK_BASE_METRIC_H

#include <stdint.h>
#include "base/buf.h"

enum sk_metric {
#define SK_METRIC(id, name, kind, labels, series_max, help) SK_METRIC_##id,
#include "base/metrics.def"
#undef SK_METRIC
    SK_METRIC_END
};

#define SK_METRIC_LABELS_MAX 3

struct sk_series {
    uint16_t metric; // enum sk_metric
    uint16_t number; // of the metric's series
};

/* The series with these label values, in the order of metrics.def; all of them must be given, and
 * NULL counts as "". Past the metric's bound it is the series whose values are all "_other_". */
#define sk_metric_series(metric, ...) \
    sk_metric_series_of((metric), (const char *const[SK_METRIC_LABELS_MAX]){__VA_ARGS__})
struct sk_series sk_metric_series_of(enum sk_metric metric,
                                     const char *const values[SK_METRIC_LABELS_MAX]);

void sk_metric_add(struct sk_series series, int64_t n); /* counter, or gauge both ways */
/* Gauge, or a counter that is kept elsewhere: what is shown is the sum of what each thread set
 * last, so a value belongs to one thread or is split between them. */
void sk_metric_set(struct sk_series series, int64_t value);
/* Histogram; timers take microseconds. */
void sk_metric_observe(struct sk_series series, int64_t value);

/* Summed over all threads: a counter's or gauge's value, a histogram's number of observations. */
int64_t sk_metric_read(struct sk_series series);
/* Everything recorded so far in the Prometheus text format. */
void sk_metric_write(struct sk_buf *out);

#endif
