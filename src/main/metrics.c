/*
 * The server's numbers at a scrape: the totals that engine, matching and store keep themselves, and
 * the process's own. What each call did is counted in calls.c.
 *
 * A metric's value is split between threads, so totals are always copied on loop 0.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/metric.h"
#include "main/server.h"
#include "matching/matching.h"
#include "net/budget.h"
#include "net/http1.h"
#include "web/web.h"

static void set(enum sk_metric metric, int64_t value)
{
    sk_metric_set(sk_metric_series(metric, NULL), value);
}

static int64_t resident_bytes(void)
{
    long long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%lld %lld", &pages, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static int64_t open_files(void)
{
    int64_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n > 3 ? n - 3 : 0; // ".", ".." and the directory itself
}

static uint64_t cpu_ms(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage))
        return 0;
    return (uint64_t)((usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * (int64_t)1000 +
                      (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000);
}

static void set_process(const struct sk_server *s)
{
    set(SK_METRIC_PROCESS_RESIDENT, resident_bytes());
    set(SK_METRIC_PROCESS_FDS, open_files());
    set(SK_METRIC_PROCESS_START, s->started_ms / 1000);
    set(SK_METRIC_PROCESS_CPU, (int64_t)cpu_ms());
    set(SK_METRIC_WAKEUPS, (int64_t)sk_rt_wakeups(s->rt));
    set(SK_METRIC_LOOP_STALLS, (int64_t)sk_rt_stalls(s->rt));
}

struct scrape {
    const struct sk_server *server;
    struct sk_ctx *ctx;
};

/* On loop 0, always. */
static void copy_totals(void *arg)
{
    const struct scrape *scrape = arg;
    const struct sk_server *s = scrape->server;
    struct sk_engine_stats engine = {0};
    struct sk_matching_stats matching = {0};
    struct sk_store_stats store = {0};
    sk_engine_stats(s->engine, &engine);
    sk_matching_stats(s->matching, &matching);
    sk_store_stats(s->store, &store);
    size_t connections = 0, calls = 0;
    sk_rpc_counts(s->rpc, &connections, &calls);
    set(SK_METRIC_CONNECTIONS, (int64_t)connections);
    set(SK_METRIC_CALLS, (int64_t)calls);
    set(SK_METRIC_NET_UNPROCESSED, (int64_t)sk_budget_process_used());
    set(SK_METRIC_NET_UNSENT, (int64_t)sk_http_unsent());
    set(SK_METRIC_TRANSITIONS, (int64_t)engine.transitions);
    set(SK_METRIC_QUARANTINED, (int64_t)engine.quarantined);
    set(SK_METRIC_TIMERS_FIRED, (int64_t)engine.timers_fired);
    set(SK_METRIC_CACHE_REQUESTS, (int64_t)(engine.cache_hits + engine.cache_misses));
    set(SK_METRIC_CACHE_MISS, (int64_t)engine.cache_misses);
    set(SK_METRIC_CACHE_USAGE, (int64_t)engine.cached_runs);
    set(SK_METRIC_CACHE_BYTES, (int64_t)engine.cached_bytes);
    set(SK_METRIC_SYNC_MATCHES, (int64_t)matching.sync_matches);
    set(SK_METRIC_BACKLOG_MATCHES, (int64_t)matching.backlog_matches);
    set(SK_METRIC_PARKED_POLLS, (int64_t)matching.parked);
    set(SK_METRIC_FAIRNESS_KEYS, (int64_t)matching.fairness_keys);
    set(SK_METRIC_HEAD_TASKS, (int64_t)matching.head_tasks);
    set(SK_METRIC_STORE_COMMITS, (int64_t)store.commits);
    set(SK_METRIC_STORE_GROUPS, (int64_t)store.groups);
    set(SK_METRIC_STORE_ROW_OPS, (int64_t)store.row_ops);
    set(SK_METRIC_STORE_READS, (int64_t)store.reads);
    set_process(s);
    sk_backlogs_copy(s->backlogs, scrape->ctx);
}

void sk_server_metrics_write(struct sk_server *server, struct sk_ctx *ctx, struct sk_buf *out)
{
    struct scrape scrape = {server, ctx};
    sk_rt_call(0, copy_totals, &scrape);
    sk_web_refresh_metrics();
    sk_metric_write(out);
}

/* ---- what the figures over time ask every ten seconds ---- */

static void on_server(void *owner, uint64_t *ret_commits, uint64_t *ret_cpu_ms, uint64_t *ret_bytes)
{
    const struct sk_server *s = owner;
    struct sk_store_stats store;
    sk_store_stats(s->store, &store);
    *ret_commits = store.commits;
    *ret_cpu_ms = cpu_ms();
    *ret_bytes = (uint64_t)resident_bytes();
}

static int64_t on_backlog(void *owner, struct sk_ctx *ctx, enum sk_figure_kind kind, uint32_t ns,
                          struct sk_str name)
{
    const struct sk_server *s = owner;
    struct sk_queue_info info;
    struct sk_queue_key key = {
        ns, kind == SK_FIGURE_WORKFLOW_QUEUE ? SK_TASK_WORKFLOW : SK_TASK_ACTIVITY, name};
    return sk_matching_describe(s->matching, ctx, &key, &info) == SK_OK ? info.backlog_count : 0;
}

void sk_server_figures_start(struct sk_server *server)
{
    server->figures_source = (struct sk_rings_source){on_server, on_backlog, server};
    sk_rings_start(server->figures->rings, &server->figures_source);
}
