/*
 * The gRPC server: its listener, connections and method table, and its end.
 *
 * Owns: the table of methods (made before listening, read only afterwards), the TLS context, and
 * for each loop the list of its connections. A connection belongs to the loop that accepted it and
 * is freed when its session is closed and no call names it any more (a handler may still run).
 *
 * The end (sk_rpc_drain): stop accepting, GOAWAY everywhere, wait for the connections to go, loop
 * by loop; what is left when the time is up is closed at once.
 * Thread: tables any; connections their loop's.
 */
#include "rpc/rpc_internal.h"

#include <stdio.h>
#include "base/assert.h"

#define OWN_METHODS_MAX 8
#define CLOSE_GRACE_MS 1000
#define CLOSE_STEP_MS 5

void rpc_conn_unref_call(struct rpc_conn *conn)
{
    atomic_fetch_sub_explicit(&conn->origin.server->call_count, 1, memory_order_relaxed);
    if (--conn->call_count > 0 || conn->h2)
        return;
    rpc_metadata_unref(conn->last);
    sk_mem_free(conn->subject);
    sk_mem_free(conn);
}

void rpc_accept(void *owner, struct sk_stream *stream)
{
    struct sk_rpc_server *server = owner;
    struct rpc_conn *conn = sk_mem_zalloc(sizeof *conn);
    conn->origin = (struct rpc_origin){
        .transport = &rpc_stream_transport,
        .server = server,
        .loop = &server->loops[sk_rt_loop_index()],
        .peer = conn->peer,
    };
    sk_list_init(&conn->done);
    sk_list_push_back(&conn->origin.loop->conns, &conn->in_loop);
    atomic_fetch_add_explicit(&server->conn_count, 1, memory_order_relaxed);
    conn->h2 = sk_h2_new_server(stream, server->tls, NULL, &rpc_call_events, conn);
    snprintf(conn->peer, sizeof conn->peer, "%s", sk_h2_peer(conn->h2));
    if (atomic_load(&server->draining))
        sk_h2_close(conn->h2);
}

/* ---- the method table ---- */

static void add_method(struct sk_rpc_server *server, const struct rpc_entry *from)
{
    struct rpc_entry *entry = sk_mem_alloc(sizeof *entry);
    *entry = *from;
    struct sk_buf path = SK_BUF_INIT;
    sk_buf_printf(&path, "/%s/%s", entry->method.service, entry->method.name);
    void *old = sk_map_put(server->methods, sk_buf_view(&path), entry);
    SK_ASSERT(!old); // two methods of one name
    struct sk_str service = sk_str_of(entry->method.service);
    if (!sk_map_get(server->services, service))
        sk_map_put(server->services, service, entry);
    sk_buf_fini(&path);
}

static void add_methods(struct sk_rpc_server *server, const struct sk_method *methods, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_method(server, &(struct rpc_entry){.method = methods[i]});
    struct rpc_entry own[OWN_METHODS_MAX];
    size_t own_count = rpc_health_methods(own, server);
    own_count += rpc_reflection_methods(own + own_count, server);
    for (size_t i = 0; i < own_count; i++)
        add_method(server, &own[i]);
}

/* ---- life ---- */

static sk_err make_tls(struct sk_rpc_server *server)
{
    struct sk_ctx own = {.arena = sk_arena_new(0)};
    struct sk_ctx *ctx = server->options.ctx ? server->options.ctx : &own;
    sk_err err = sk_tls_new_server(ctx, server->options.tls, SK_ALPN_H2, &server->tls);
    sk_arena_free(own.arena);
    return err;
}

struct sk_rpc_server *rpc_server_new(const struct sk_rpc_server_options *options,
                                     const struct sk_method *methods, size_t method_count)
{
    struct sk_rpc_server *server = sk_mem_zalloc(sizeof *server);
    server->options = *options;
    if (server->options.message_max == 0)
        server->options.message_max = RPC_MESSAGE_MAX;
    server->methods = sk_map_new();
    server->services = sk_map_new();
    server->loop_count = sk_rt_loop_count(sk_rt_current());
    server->running_max = RPC_RUNNING_MAX / server->loop_count;
    server->local_max = RPC_LOCAL_MAX / server->loop_count;
    server->loops = sk_mem_zalloc((size_t)server->loop_count * sizeof *server->loops);
    for (int i = 0; i < server->loop_count; i++) {
        server->loops[i].server = server;
        sk_list_init(&server->loops[i].conns);
        sk_waitq_init(&server->loops[i].emptied);
        sk_list_init(&server->loops[i].queue);
        sk_list_init(&server->loops[i].locals);
    }
    add_methods(server, methods, method_count);
    return server;
}

sk_err sk_rpc_listen(const struct sk_rpc_server_options *options, const struct sk_method *methods,
                     size_t method_count, struct sk_rpc_server **ret, int *reterr_errno)
{
    struct sk_rpc_server *server = rpc_server_new(options, methods, method_count);
    *reterr_errno = 0;
    sk_err err = options->tls ? make_tls(server) : SK_OK;
    if (!err)
        err = sk_listen(options->ip, options->port, rpc_accept, server, &server->listener,
                        reterr_errno);
    if (err) {
        sk_rpc_server_free(server);
        return err;
    }
    *ret = server;
    return SK_OK;
}

int sk_rpc_port(const struct sk_rpc_server *server)
{
    return sk_listener_port(server->listener);
}

void sk_rpc_counts(const struct sk_rpc_server *server, size_t *ret_connections, size_t *ret_calls)
{
    *ret_connections = atomic_load_explicit(&server->conn_count, memory_order_relaxed);
    *ret_calls = atomic_load_explicit(&server->call_count, memory_order_relaxed);
}

void sk_rpc_server_free(struct sk_rpc_server *server)
{
    if (!server)
        return;
    if (atomic_load(&server->call_count) > 0)
        return; // a handler outlived the drain and will come back to us: the process is ending
    if (server->listener)
        sk_listener_close(server->listener);
    size_t cursor = 0;
    void *entry = NULL;
    struct sk_str key;
    while (sk_map_next(server->methods, &cursor, &key, &entry))
        sk_mem_free(entry);
    sk_map_free(server->methods);
    sk_map_free(server->services);
    rpc_reflection_free(server->reflection);
    sk_tls_free(server->tls);
    sk_mem_free(server->loops);
    sk_mem_free(server);
}

/* ---- drain ---- */

struct drain {
    struct sk_rpc_server *server;
    int64_t until_mono_ms;
};

static void drain_start(void *arg)
{
    struct drain *drain = arg;
    struct rpc_loop *loop = &drain->server->loops[sk_rt_loop_index()];
    SK_LIST_EACH (it, &loop->conns)
        sk_h2_drain(SK_CONTAINER(it, struct rpc_conn, in_loop)->h2);
    rpc_local_end_all(loop, true); // they would go on for ever
}

static void drain_wait(void *arg)
{
    struct drain *drain = arg;
    struct rpc_loop *loop = &drain->server->loops[sk_rt_loop_index()];
    while (!sk_list_empty(&loop->conns) || !sk_list_empty(&loop->locals))
        if (!sk_waitq_wait(&loop->emptied, drain->until_mono_ms))
            break;
    SK_LIST_EACH (it, &loop->conns)
        sk_h2_close(SK_CONTAINER(it, struct rpc_conn, in_loop)->h2);
    rpc_local_end_all(loop, false);
    // handlers that still run find their clients gone
    int64_t until_ms = sk_now_mono_ms() + CLOSE_GRACE_MS;
    while ((loop->running > 0 || !sk_list_empty(&loop->conns) || !sk_list_empty(&loop->locals)) &&
           sk_now_mono_ms() < until_ms)
        sk_fiber_sleep(CLOSE_STEP_MS);
}

void sk_rpc_drain(struct sk_rpc_server *server, int64_t timeout_ms)
{
    atomic_store(&server->draining, true);
    if (server->listener)
        sk_listener_close(server->listener);
    server->listener = NULL;
    struct drain drain = {server, sk_now_mono_ms() + timeout_ms};
    for (int i = 0; i < server->loop_count; i++)
        sk_rt_call(i, drain_start, &drain);
    for (int i = 0; i < server->loop_count; i++)
        sk_rt_call(i, drain_wait, &drain);
}
