/* Metrics: sums over threads, labels, bounds, the text format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/metric.h"

static char *scrape(void)
{
    struct sk_buf buf = SK_BUF_INIT;

    sk_metric_write(&buf);
    sk_buf_append(&buf, "", 1);
    return buf.p;
}

static void assert_shown(const char *line)
{
    char *text = scrape();
    if (!strstr(text, line))
        fail_msg("no line %s in:\n%s", line, text);
    sk_mem_free(text);
}

static void *count_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        sk_metric_add(sk_metric_series(SK_METRIC_SERVICE_REQUESTS, "Many", "ns"), 2);
    return NULL;
}

static void threads_are_summed_also_after_their_end(void **state)
{
    (void)state;
    pthread_t threads[4];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, count_many, NULL);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
    }
    count_many(NULL);
    assert_int_equal(sk_metric_read(sk_metric_series(SK_METRIC_SERVICE_REQUESTS, "Many", "ns")),
                     18000);
    assert_shown("# TYPE service_requests counter\n");
    assert_shown(
        "service_requests{service_name=\"frontend\",operation=\"Many\",namespace=\"ns\"} 18000\n");
}

static void labels_are_escaped_and_told_apart(void **state)
{
    (void)state;
    struct sk_series a = sk_metric_series(SK_METRIC_SERVICE_REQUESTS, "a", "bc");
    struct sk_series b = sk_metric_series(SK_METRIC_SERVICE_REQUESTS, "ab", "c");

    assert_true(a.number != b.number);
    sk_metric_add(sk_metric_series(SK_METRIC_SERVICE_REQUESTS, "q\"\\\n", NULL), 1);
    assert_shown("operation=\"q\\\"\\\\\\n\",namespace=\"\"} 1\n");
}

/* A task queue may have a longer name than a label, and any letters. */
static void long_labels_stay_utf8(void **state)
{
    (void)state;
    char name[301] = "";
    for (size_t i = 0; i < 300; i += 3)
        memcpy(name + i, "\xe4\xbb\xbb", 3);
    sk_metric_add(sk_metric_series(SK_METRIC_SERVICE_REQUESTS, name, "long"), 1);
    assert_shown("\xe4\xbb\xbb\",namespace=\"long\"} 1\n");
    char *text = scrape();
    assert_true(sk_utf8_valid(text, strlen(text)));
    sk_mem_free(text);
}

static void histograms_accumulate(void **state)
{
    (void)state;
    struct sk_series series = sk_metric_series(SK_METRIC_PERSISTENCE_LATENCY, "commit");

    sk_metric_observe(series, 100);        // exactly a bound
    sk_metric_observe(series, 1500);       // 1.5 ms
    sk_metric_observe(series, 2000000000); // above all bounds
    assert_int_equal(sk_metric_read(series), 3);
    assert_shown("persistence_latency_bucket{operation=\"commit\",le=\"0.0001\"} 1\n");
    assert_shown("persistence_latency_bucket{operation=\"commit\",le=\"0.001\"} 1\n");
    assert_shown("persistence_latency_bucket{operation=\"commit\",le=\"0.002\"} 2\n");
    assert_shown("persistence_latency_bucket{operation=\"commit\",le=\"1000\"} 2\n");
    assert_shown("persistence_latency_bucket{operation=\"commit\",le=\"+Inf\"} 3\n");
    assert_shown("persistence_latency_sum{operation=\"commit\"} 2000.0016\n");
    assert_shown("persistence_latency_count{operation=\"commit\"} 3\n");
}

static void gauges_and_plain_counters(void **state)
{
    (void)state;
    struct sk_series gauge = sk_metric_series(SK_METRIC_APPROXIMATE_BACKLOG_COUNT, "n", "q", "t");

    sk_metric_add(gauge, 5);
    sk_metric_add(gauge, -3);
    assert_int_equal(sk_metric_read(gauge), 2);
    sk_metric_set(gauge, 7);
    assert_int_equal(sk_metric_read(gauge), 7);
    assert_shown("skald_loop_stalls 0\n"); // without labels it is there from the start
    sk_metric_set(sk_metric_series(SK_METRIC_LOOP_STALLS), 4);
    assert_shown("skald_loop_stalls 4\n");
}

static void too_many_label_values_share_a_series(void **state)
{
    (void)state;
    char name[32];

    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof(name), "operation-%d", i);
        sk_metric_add(sk_metric_series(SK_METRIC_PERSISTENCE_REQUESTS, name), 1);
    }
    assert_shown("persistence_requests{operation=\"_other_\"} 51\n");
    assert_shown("persistence_requests{operation=\"operation-98\"} 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_summed_also_after_their_end),
        cmocka_unit_test(labels_are_escaped_and_told_apart),
        cmocka_unit_test(long_labels_stay_utf8),
        cmocka_unit_test(histograms_accumulate),
        cmocka_unit_test(gauges_and_plain_counters),
        cmocka_unit_test(too_many_label_values_share_a_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
