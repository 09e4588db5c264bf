/*
 * Boot and shutdown. One fiber on loop 0 makes every part in the order of the layers, waits to be
 * told to stop, drains and takes all down in reverse; reading boot() and take_down() side by side
 * is the whole story.
 *
 * Invariants: (1) nothing listens before all behind it is up; (2) whatever boot made, take_down
 * undoes, also when boot failed half-way: a part that was not made is NULL; (3) the data
 * directory is locked before the store is opened and until it is closed (a store in a file
 * elsewhere locks that file itself).
 *
 * Stopping: SIGTERM or SIGINT drains: waiting polls are answered empty, calls under way finish
 * within --shutdown-timeout, commits finish. Where calls outlive their time (a disk that stands
 * still, a query whose worker is gone) the process ends without taking down what they stand in.
 * This, like the exit at once on a second signal, loses nothing that was acknowledged: that is the
 * store's promise.
 */
#include "main/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "frontend/frontend.h"
#include "matching/matching.h"
#include "rt/stream.h"
#include "web/web.h"

#define MESSAGE_MAX (4u * 1024 * 1024)
#define HTTP_METRICS 2     /* index of --metrics-port's listener */
#define HTTP_DRAIN_MS 1000 /* for streams; calls ended with gRPC's */
#define EXIT_AT_ONCE 130
#define FILES_WANTED 65536

/* ---- who may call: the one hook every method passes ---- */

/* Who calls was settled by TLS (client certificates; ctx->principal); whoever came through may do
 * anything. Roles are to be checked here. What remains is whether the client's version is served.
 */
static sk_err authorise(void *owner, struct sk_call *call, struct sk_ctx *ctx, const void *request)
{
    return sk_frontend_check_client(call, ctx);
}

/* ---- listening ---- */

static sk_err listen_failed(struct sk_ctx *ctx, const char *flag, const char *ip_flag,
                            const char *ip, int port, int error)
{
    if (error == EADDRINUSE)
        return sk_fail(
            ctx, SK_FAILED_PRECONDITION,
            "port %d on %s is taken: end the program that has it, or choose another with --%s",
            port, ip, flag);
    if (error == EACCES)
        return sk_fail(ctx, SK_FAILED_PRECONDITION,
                       "this user may not listen on port %d: choose another with --%s", port, flag);
    if (error == EADDRNOTAVAIL)
        return sk_fail(ctx, SK_FAILED_PRECONDITION,
                       "%s is no address of this machine: choose another with --%s", ip, ip_flag);
    if (ctx->err.code != SK_OK)
        return ctx->err.code;
    return sk_fail(ctx, SK_FAILED_PRECONDITION, "cannot listen on %s port %d (--%s): %s", ip, port,
                   flag, error ? strerror(error) : "unknown reason");
}

static sk_err listen_rpc(struct sk_server *s)
{
    const struct sk_config *c = s->config;
    size_t count;
    const struct sk_method *methods = sk_frontend_methods(s->frontend, &count);
    struct sk_rpc_server_options options = {
        .ip = c->ip,
        .port = c->port,
        .tls = c->tls_on ? &c->tls : NULL,
        .ctx = s->ctx,
        .message_max = MESSAGE_MAX,
        .authorise = authorise,
        .observe = sk_server_observe,
        .failed = sk_server_log_failed,
        .owner = s,
    };
    int error = 0;
    if (sk_rpc_listen(&options, methods, count, &s->rpc, &error))
        return listen_failed(s->ctx, "port", "ip", c->ip, c->port, error);
    return SK_OK;
}

static sk_err listen_http(struct sk_server *s, int index, const char *flag, const char *ip,
                          int port, bool any_port)
{
    struct sk_http_options options = {
        .ip = ip,
        .port = port,
        .public_hosts = s->config->public_hosts,
        .handler = index == HTTP_METRICS ? sk_pages_handle_metrics : sk_pages_handle,
        .owner = s,
    };
    int error = 0;
    sk_err err = sk_http_listen(&options, &s->http[index], &error);
    if (err && any_port && error == EADDRINUSE) {
        sk_ctx_clear(s->ctx);
        options.port = 0;
        err = sk_http_listen(&options, &s->http[index], &error);
    }
    return err ? listen_failed(s->ctx, flag, "ui-ip", ip, port, error) : SK_OK;
}

static sk_err listen_pages(struct sk_server *s)
{
    const struct sk_config *c = s->config;
    sk_err err = listen_http(s, 0, "ui-port", c->ui_ip, c->ui_port, c->ui_port_free);
    if (!err && c->http_port)
        err = listen_http(s, 1, "http-port", c->ip, c->http_port, false);
    if (!err && c->metrics_port)
        err = listen_http(s, HTTP_METRICS, "metrics-port", c->ip, c->metrics_port, false);
    return err;
}

/* ---- boot ---- */

static sk_err open_store(struct sk_server *s)
{
    const struct sk_config *c = s->config;
    if (c->store == SK_STORE_MEMORY)
        return sk_memory_store_open(s->ctx, &s->store);
    struct sk_sqlite_options options = {
        .path = c->store_path,
        .pragmas = c->pragmas,
        .binary_version = SK_VERSION,
    };
    return sk_sqlite_open(s->ctx, &options, &s->store);
}

static sk_err open_matching(struct sk_server *s)
{
    struct sk_matching_options options = {.store = s->store,
                                          .rings = s->figures->rings,
                                          .no_poller_ms = s->config->limits.query_no_poller_ms,
                                          .ignore_fairness = !s->config->limits.fairness};
    s->matching = sk_matching_new(&options);
    return sk_matching_open(s->matching, s->ctx);
}

static sk_err open_engine(struct sk_server *s)
{
    struct sk_engine_options options = {
        .store = s->store,
        .matching = s->matching,
        .namespaces = s->namespaces,
        .figures = s->figures,
        .limits = &s->config->limits,
        .cache_bytes = s->config->cache_bytes,
    };
    return sk_engine_open(s->ctx, &options, &s->engine);
}

static sk_err open_frontend(struct sk_server *s)
{
    struct sk_frontend_options options = {
        .engine = s->engine,
        .matching = s->matching,
        .namespaces = s->namespaces,
        .store = s->store,
        .figures = s->figures,
        .limits = &s->config->limits,
        .cluster_name = "active",
        .cluster_id = s->cluster_id,
        .version = SK_VERSION,
    };
    s->frontend = sk_frontend_new(&options);
    sk_frontend_start(s->frontend);
    return SK_OK;
}

static sk_err open_web(struct sk_server *s)
{
    const struct sk_config *c = s->config;
    struct sk_web_options options = {
        .rpc = s->rpc,
        .version = SK_VERSION,
        .client_version = SK_TEMPORAL_SERVER_VERSION,
        .base_path = c->ui_base_path,
        .headless = c->headless,
        .read_only = c->read_only_ui,
        .codec_endpoint = c->ui_codec_endpoint,
        .cors_origins = c->ui_cors_origins,
        .grpc_ip = c->ip,
        .grpc_port = sk_rpc_port(s->rpc),
    };
    s->web = sk_web_new(&options);
    return SK_OK;
}

static sk_err boot(struct sk_server *s)
{
    struct sk_ctx *ctx = s->ctx;
    sk_err err = open_store(s);
    if (!err)
        err = sk_first_cluster_id(ctx, s->store, &s->cluster_id);
    if (!err)
        err = sk_namespaces_open(ctx, s->store, &s->namespaces);
    if (!err)
        err = sk_first_namespaces(ctx, s->namespaces, s->config);
    if (!err) {
        s->figures = sk_figures_new(s->config->loops);
        err = open_matching(s);
    }
    if (!err)
        s->backlogs = sk_backlogs_new(s->matching, s->namespaces);
    if (!err)
        err = open_engine(s);
    if (!err)
        err = open_frontend(s);
    if (!err)
        err = listen_rpc(s);
    if (!err)
        err = open_web(s);
    if (!err)
        err = listen_pages(s);
    if (!err)
        sk_server_figures_start(s);
    return err;
}

/* ---- shutdown ---- */

static void drain(struct sk_server *s)
{
    // First, so that balancers look elsewhere; calls under way still come through.
    atomic_store(&s->ready, false);
    if (s->frontend)
        sk_frontend_drain(s->frontend);
    if (s->matching)
        sk_matching_drain(s->matching);
    if (s->engine)
        sk_engine_drain(s->engine);
    if (s->rpc)
        sk_rpc_drain(s->rpc, s->config->shutdown_ms);
}

/* A call that outlived its time would come back to freed memory. */
static void end_with_calls(const struct sk_server *s)
{
    size_t connections, calls = 0;
    if (s->rpc)
        sk_rpc_counts(s->rpc, &connections, &calls);
    if (calls == 0)
        return;
    SK_LOG(WARN, "main", "stopped before all calls had ended", SK_KI("calls", (int64_t)calls),
           SK_KI("shutdown_timeout_ms", s->config->shutdown_ms));
    _exit(0);
}

static void take_down(struct sk_server *s)
{
    drain(s);
    for (int i = SK_HTTP_LISTENERS - 1; i >= 0; i--)
        if (s->http[i])
            sk_http_drain(s->http[i], HTTP_DRAIN_MS);
    for (int i = SK_HTTP_LISTENERS - 1; i >= 0; i--)
        if (s->http[i])
            sk_http_close(s->http[i]);
    end_with_calls(s);
    if (s->frontend)
        sk_frontend_stop(s->frontend);
    sk_rings_stop(sk_figures_rings(s->figures));
    if (s->engine)
        sk_engine_close(s->engine);
    sk_web_free(s->web);
    sk_rpc_server_free(s->rpc);
    if (s->frontend)
        sk_frontend_free(s->frontend);
    sk_backlogs_free(s->backlogs);
    if (s->matching)
        sk_matching_free(s->matching);
    sk_figures_free(s->figures);
    if (s->namespaces)
        sk_namespaces_close(s->namespaces);
    if (s->store)
        sk_store_close(s->store);
}

/* ---- the main fiber ---- */

static void on_signal(void *owner, int signum)
{
    struct sk_server *s = owner;
    if (++s->signals > 1)
        _exit(EXIT_AT_ONCE);
    sk_waitq_wake_all(&s->stopping);
}

static void announce(const struct sk_server *s)
{
    const struct sk_config *c = s->config;
    sk_banner_print(s, STDOUT_FILENO);
    SK_LOG(INFO, "main", "serving", SK_KV("version", SK_VERSION), SK_KV("ip", c->ip),
           SK_KI("port", sk_rpc_port(s->rpc)), SK_KI("ui_port", sk_http_port(s->http[0])),
           SK_KV("store", sk_store_name(s->store)), SK_KI("loops", c->loops));
    if (c->open_warning)
        SK_LOG(WARN, "main", "listening beyond this machine without authentication",
               SK_KV("meaning", c->open_warning));
    if (c->ignored_keys)
        SK_LOG(WARN, "main", "dynamic-config names without a meaning here",
               SK_KV("names", c->ignored_keys));
}

static void main_fiber(void *arg)
{
    struct sk_server *s = arg;
    s->started_ms = sk_now_wall_ms();
    sk_waitq_init(&s->stopping);
    sk_on_signal(SIGTERM, on_signal, s);
    sk_on_signal(SIGINT, on_signal, s);
    s->result = boot(s);
    if (!s->result) {
        atomic_store(&s->ready, true);
        announce(s);
        while (s->signals == 0)
            sk_waitq_wait(&s->stopping, 0);
        SK_LOG(INFO, "main", "stopping");
    }
    take_down(s);
    if (!s->result)
        SK_LOG(INFO, "main", "stopped");
    sk_rt_stop(s->rt);
}

static sk_err lock_data(struct sk_ctx *ctx, const struct sk_config *config, int *ret_fd)
{
    sk_err err = config->data_dir ? sk_data_dir_make(ctx, config->data_dir) : SK_OK;
    if (!err && config->lock_path)
        err = sk_lock_take(ctx, config->lock_path, ret_fd);
    return err;
}

/* A connection is a descriptor, and the usual soft limit of 1024 is soon reached. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= FILES_WANTED)
        return;
    limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        SK_LOG(WARN, "main", "the limit of open files stays low", SK_KV("reason", strerror(errno)));
}

int sk_server_run(struct sk_ctx *ctx, const struct sk_config *config)
{
    struct sk_server *s = sk_mem_zalloc(sizeof(*s));
    struct sk_rt_options options = {.loop_count = config->loops};
    s->config = config;
    s->ctx = ctx;
    s->lock_fd = -1;
    umask(0077); // what it writes is for its user alone
    sk_log_init(config->log_level, config->log_format, STDERR_FILENO);
    raise_file_limit();
    s->result = lock_data(ctx, config, &s->lock_fd);
    if (!s->result) {
        s->rt = sk_rt_new(&options);
        sk_rt_run(s->rt, main_fiber, s);
        sk_rt_free(s->rt);
    }
    sk_lock_release(s->lock_fd);
    int code = s->result ? 1 : 0;
    sk_mem_free(s);
    return code;
}
