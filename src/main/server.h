/*
 * The server: boots every part in order, runs until it is told to stop, and takes all down in
 * reverse. server.c owns the order, pages.c the HTTP side, metrics.c the numbers.
 */
#ifndef SK_MAIN_SERVER_H
#define SK_MAIN_SERVER_H

#include <stdatomic.h>
#include "figures/figures.h"
#include "main/config.h"
#include "net/http1.h"
#include "rt/rt.h"

struct sk_frontend;
struct sk_method;
struct sk_web;

#define SK_HTTP_LISTENERS 3 /* the UI's port, --http-port, --metrics-port */

struct sk_server {
    const struct sk_config *config; /* borrowed */
    struct sk_ctx *ctx;             /* of boot: its error is what run reports */
    struct sk_rt *rt;
    int lock_fd; /* -1: none */
    struct sk_store *store;
    struct sk_namespaces *namespaces;
    struct sk_figures *figures;
    struct sk_rings_source figures_source;
    struct sk_matching *matching;
    struct sk_engine *engine;
    struct sk_frontend *frontend;
    struct sk_rpc_server *rpc;
    struct sk_web *web;
    struct sk_backlogs *backlogs;
    struct sk_http_server *http[SK_HTTP_LISTENERS];
    const char *cluster_id;   /* a uuid that stays with the store */
    struct sk_waitq stopping; /* the main fiber waits here, on loop 0 */
    int64_t started_ms;       /* wall clock */
    int signals;              /* how many came; loop 0 */
    _Atomic bool ready;       /* serving; read by /readyz on any loop */
    sk_err result;            /* of boot */
};

/* Runs until SIGTERM or SIGINT; the exit code. On failure ctx->err says what. Main thread. */
int sk_server_run(struct sk_ctx *ctx, const struct sk_config *config);

/* ---- first records (main/first.c); from a fiber ---- */
/* The id of the cluster, kept in the store, made at the first start. */
sk_err sk_first_cluster_id(struct sk_ctx *ctx, struct sk_store *store,
                           const char **ret) SK_MUST_USE;
/* `default` and the configured namespaces with their search attributes. */
sk_err sk_first_namespaces(struct sk_ctx *ctx, struct sk_namespaces *namespaces,
                           const struct sk_config *config) SK_MUST_USE;

/* ---- HTTP (main/pages.c) ---- */
void sk_pages_handle(void *owner, const struct sk_http_request *request,
                     struct sk_http_response *response);
/* --metrics-port: metrics and probes, nothing else */
void sk_pages_handle_metrics(void *owner, const struct sk_http_request *request,
                             struct sk_http_response *response);

/* ---- metrics (main/metrics.c) ---- */
/* sk_rpc_server_options.observe; owner is the server. Any loop. */
void sk_server_observe(void *server, const struct sk_method *method, const char *ns_name,
                       sk_err err, int64_t latency_us);
/* sk_rpc_server_options.failed: logs the call (main/calls.c). */
void sk_server_log_failed(void *server, const struct sk_call *call, const struct sk_ctx *ctx,
                          const void *request, sk_err err);
/* All of /metrics. From a fiber. */
void sk_server_metrics_write(struct sk_server *server, struct sk_ctx *ctx, struct sk_buf *out);
/* The figures over time begin to step; sk_rings_stop ends it. On loop 0. */
void sk_server_figures_start(struct sk_server *server);
/* The gauges of backlogs (main/backlogs.c); on loop 0 only. */
struct sk_backlogs;
struct sk_backlogs *sk_backlogs_new(struct sk_matching *matching, struct sk_namespaces *namespaces);
void sk_backlogs_free(struct sk_backlogs *backlogs); /* NULL is fine */
void sk_backlogs_copy(struct sk_backlogs *backlogs, struct sk_ctx *ctx);

/* ---- what a person sees at start (main/banner.c) ---- */
void sk_banner_print(const struct sk_server *server, int fd);

#endif
