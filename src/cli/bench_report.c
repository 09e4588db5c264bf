/*
 * What the load generator found, for people or as one JSON object. Times are microseconds inside;
 * the text shows milliseconds. The JSON's names are a contract: tools/bench.py reads them.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "cli/bench_internal.h"

#define MIB (1024.0 * 1024.0)

static const char *const mode_names[] = {"workflows", "pollers", "timers"};

static double seconds(const struct sk_bench *b)
{
    double s = (double)(b->end_us - b->begin_us) / 1e6;
    return s > 0 ? s : 1e-6;
}

static double rate(const struct sk_bench *b)
{
    return (double)b->done / seconds(b);
}

static int64_t error_count(const struct sk_bench *b)
{
    int64_t n = 0;
    for (int i = 0; i < SK_CLI_CALL_COUNT; i++)
        n += b->errors[i];
    return n;
}

/* CPU microseconds for each workflow that ended. */
static double cpu_each(const struct sk_bench *b, const struct sk_process_use *begin,
                       const struct sk_process_use *end)
{
    return b->done > 0 ? (double)(end->cpu_us - begin->cpu_us) / (double)b->done : 0;
}

/* ---- text ---- */

static void text_row(const char *name, const struct sk_histogram *h)
{
    if (h->count == 0)
        return;
    printf("  %-30s %9llu %9.2f %9.2f %9.2f %9.2f %9.2f\n", name, (unsigned long long)h->count,
           (double)sk_histogram_at(h, 0.5) / 1000, (double)sk_histogram_at(h, 0.9) / 1000,
           (double)sk_histogram_at(h, 0.99) / 1000, (double)sk_histogram_at(h, 0.999) / 1000,
           (double)h->max / 1000);
}

static void text_head(const struct sk_bench *b)
{
    printf("skald bench: %s", mode_names[b->mode]);
    if (b->mode == SK_BENCH_WORKFLOWS)
        printf(" of %lld activities", (long long)b->activities);
    if (b->mode != SK_BENCH_POLLERS && b->rate > 0)
        printf(", open loop at %.1f/s", b->rate);
    else if (b->mode != SK_BENCH_POLLERS)
        printf(", closed loop of %lld", (long long)b->concurrency);
    printf(", %lld pollers, %lld connections, %s, payload %lld B, %s\n\n", (long long)b->pollers,
           (long long)b->connections, b->sticky ? "sticky" : "not sticky",
           (long long)b->payload_size, b->gzip ? "gzip" : "no gzip");
}

static void text_server(const struct sk_bench *b)
{
    if (!b->server_pid)
        return;
    if (!b->server_known) {
        printf("\n  server: process %lld is gone\n", (long long)b->server_pid);
        return;
    }
    double cpu = (double)(b->server_end.cpu_us - b->server_begin.cpu_us) / 1e6;
    printf("\n  server: %.2f s CPU (%.2f cores)", cpu, cpu / seconds(b));
    if (b->done > 0)
        printf(", %.0f us a workflow", cpu_each(b, &b->server_begin, &b->server_end));
    printf("; resident %.1f MiB, at first %.1f, at most %.1f\n",
           (double)b->server_end.rss_bytes / MIB, (double)b->server_before.rss_bytes / MIB,
           (double)b->server_end.peak_bytes / MIB);
}

static void report_text(const struct sk_bench *b)
{
    text_head(b);
    if (b->mode != SK_BENCH_POLLERS)
        printf("  %.1f workflows/s: %lld in %.2f s, %zu unfinished, %lld errors\n\n", rate(b),
               (long long)b->done, seconds(b), sk_imap_count(b->open), (long long)error_count(b));
    else
        printf("  %lld polls held for %.2f s, %lld errors\n\n", (long long)b->pollers, seconds(b),
               (long long)error_count(b));
    printf("  %-30s %9s %9s %9s %9s %9s %9s\n", "latency in ms", "count", "p50", "p90", "p99",
           "p99.9", "max");
    text_row("workflow, end to end", &b->total);
    for (int i = 0; i < SK_CLI_CALL_COUNT; i++)
        text_row(sk_cli_call_name(i), &b->calls[i]);
    text_server(b);
    if (b->first_error)
        printf("\n  first error: %s\n", b->first_error);
}

/* ---- JSON ---- */

static json_t *json_histogram(const struct sk_histogram *h)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "count", (json_int_t)h->count,
                     "min", (json_int_t)h->min, "p50", (json_int_t)sk_histogram_at(h, 0.5), "p90",
                     (json_int_t)sk_histogram_at(h, 0.9), "p99",
                     (json_int_t)sk_histogram_at(h, 0.99), "p999",
                     (json_int_t)sk_histogram_at(h, 0.999), "max", (json_int_t)h->max, "mean",
                     h->count ? (double)h->sum / (double)h->count : 0.0);
}

static json_t *json_process(const struct sk_bench *b, const struct sk_process_use *before,
                            const struct sk_process_use *begin, const struct sk_process_use *end)
{
    return json_pack("{s:I, s:f, s:f, s:I, s:I, s:I}", "cpu_us",
                     (json_int_t)(end->cpu_us - begin->cpu_us), "cpu_us_per_workflow",
                     cpu_each(b, begin, end), "cores",
                     (double)(end->cpu_us - begin->cpu_us) / 1e6 / seconds(b), "rss_before_bytes",
                     (json_int_t)before->rss_bytes, "rss_bytes", (json_int_t)end->rss_bytes,
                     "rss_peak_bytes", (json_int_t)end->peak_bytes);
}

static void report_json(const struct sk_bench *b)
{
    json_t *calls = json_object(), *errors = json_object();
    for (int i = 0; i < SK_CLI_CALL_COUNT; i++) {
        if (b->calls[i].count > 0)
            json_object_set_new(calls, sk_cli_call_name(i), json_histogram(&b->calls[i]));
        if (b->errors[i] > 0)
            json_object_set_new(errors, sk_cli_call_name(i), json_integer(b->errors[i]));
    }
    json_t *root = json_pack(
        "{s:s, s:I, s:I, s:f, s:I, s:I, s:b, s:I, s:b, s:f, s:I, s:f, s:I, s:o, s:o, s:o, s:o}",
        "mode", mode_names[b->mode], "activities", (json_int_t)b->activities, "concurrency",
        (json_int_t)b->concurrency, "rate", b->rate, "pollers", (json_int_t)b->pollers,
        "connections", (json_int_t)b->connections, "sticky", b->sticky, "payload_bytes",
        (json_int_t)b->payload_size, "gzip", b->gzip, "seconds", seconds(b), "workflows",
        (json_int_t)b->done, "workflows_per_second", rate(b), "unfinished",
        (json_int_t)sk_imap_count(b->open), "errors", errors, "end_to_end_us",
        json_histogram(&b->total), "calls_us", calls, "client",
        json_process(b, &b->self_begin, &b->self_begin, &b->self_end));
    if (b->first_error)
        json_object_set_new(root, "first_error", json_string(b->first_error));
    if (b->server_pid && b->server_known)
        json_object_set_new(root, "server",
                            json_process(b, &b->server_before, &b->server_begin, &b->server_end));
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(root);
}

void sk_bench_report(const struct sk_bench *b, bool json)
{
    if (json)
        report_json(b);
    else
        report_text(b);
}
