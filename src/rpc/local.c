/*
 * Local calls: a method run for somebody who speaks no gRPC (the JSON API), by the same handlers,
 * behind the same hooks and limits. The fiber that asks runs the handler itself and waits where a
 * gRPC call would be parked: its stack is the price, so the number of such calls is bounded.
 *
 *   RUNNING -> (answered)                      the handler returned
 *   RUNNING -> PARKING -> PARKED -> RUNNING    sk_call_park; sk_call_resume wakes the fiber
 *   PARKED -> (CANCELLED, DEADLINE_EXCEEDED)   who asked is gone; the deadline came
 *
 * Owns: nothing beyond the call; struct rpc_local lies on the fiber's stack.
 *
 * INV-1: what was resumed runs, though who asked be gone (INV-4 of call.c).
 * INV-2: on_gone is called exactly when the parked state ends and nobody resumed it.
 * Thread: the fiber's loop.
 */
#include "rpc/rpc_internal.h"

#include "base/assert.h"

struct rpc_local {
    struct rpc_origin from; // first: the call names this
    struct sk_call call;
    const struct sk_rpc_local *options;
    struct sk_list in_loop;
    struct sk_waitq news;       // its fiber waits here, parked or streaming
    bool woken;                 // by sk_call_wake
    bool gone;                  // who asked, or the server ends
    void (*on_gone)(void *arg); // a stream's handler wants to know; NULL: no
    void *gone_arg;
};

static struct rpc_local *local_of(const struct sk_call *call)
{
    return SK_CONTAINER(call->from, struct rpc_local, from);
}

static bool local_alive(const struct sk_call *call)
{
    return !local_of(call)->gone;
}

static void local_resumed(struct sk_call *call)
{
    call->state = CALL_QUEUED;
    sk_waitq_wake_all(&local_of(call)->news);
}

static const struct rpc_transport local_transport = {
    .alive = local_alive,
    .resumed = local_resumed,
};

static void on_gone(void *arg)
{
    struct rpc_local *local = arg;
    local->gone = true;
    sk_waitq_wake_all(&local->news);
    if (local->on_gone)
        local->on_gone(local->gone_arg);
    local->on_gone = NULL;
}

static void on_deadline(struct sk_timer *timer)
{
    struct sk_call *call = SK_CONTAINER(timer, struct sk_call, deadline);
    call->expired = true;
    sk_waitq_wake_all(&local_of(call)->news);
}

void rpc_local_end_all(struct rpc_loop *loop, bool streams_only)
{
    SK_LIST_EACH (it, &loop->locals) {
        struct rpc_local *local = SK_CONTAINER(it, struct rpc_local, in_loop);
        if (!streams_only || local->call.entry->method.stream)
            on_gone(local);
    }
}

const struct sk_method *sk_rpc_method(const struct sk_rpc_server *server, const char *service,
                                      const char *name)
{
    struct sk_buf path = SK_BUF_INIT;
    sk_buf_printf(&path, "/%s/%s", service, name);
    const struct rpc_entry *entry = sk_map_get(server->methods, sk_buf_view(&path));
    sk_buf_fini(&path);
    return entry && !entry->stream ? &entry->method : NULL;
}

/* ---- streams ---- */

bool sk_call_send(struct sk_call *call, const ProtobufCMessage *message)
{
    struct rpc_local *local = local_of(call);
    SK_ASSERT(call->from->transport == &local_transport && call->entry->method.stream);
    if (!local->gone && !local->options->send(local->options->owner, message))
        local->gone = true;
    return !local->gone;
}

bool sk_call_send_json(struct sk_call *call, struct sk_str lines)
{
    struct rpc_local *local = local_of(call);
    SK_ASSERT(call->from->transport == &local_transport && call->entry->method.stream);
    if (!local->gone && !local->options->send_json(local->options->owner, lines))
        local->gone = true;
    return !local->gone;
}

void sk_call_on_gone(struct sk_call *call, void (*fn)(void *arg), void *arg)
{
    struct rpc_local *local = local_of(call);
    SK_ASSERT(call->from->transport == &local_transport && call->entry->method.stream);
    local->on_gone = fn;
    local->gone_arg = arg;
    if (local->gone && fn)
        on_gone(local);
}

size_t sk_call_behind(const struct sk_call *call)
{
    const struct rpc_local *local = local_of(call);
    return local->options->behind(local->options->owner);
}

bool sk_call_wait(struct sk_call *call, int64_t until_mono_ms)
{
    struct rpc_local *local = local_of(call);
    if (!local->gone && !local->woken)
        sk_waitq_wait(&local->news, until_mono_ms);
    local->woken = false;
    return !local->gone;
}

void sk_call_wake(struct sk_call *call)
{
    struct rpc_local *local = local_of(call);
    SK_ASSERT(call->from->transport == &local_transport);
    local->woken = true;
    sk_waitq_wake_all(&local->news);
}

/* ---- the handler ---- */

static ProtobufCMessage *new_response(struct sk_ctx *ctx, const struct sk_method *method)
{
    ProtobufCMessage *response = sk_arena_alloc(ctx->arena, method->response->sizeof_message);
    protobuf_c_message_init(method->response, response);
    return response;
}

/* The handler has parked the call: wait for its end, and run what goes on. */
static sk_err wait_parked(struct rpc_local *local, struct sk_ctx *ctx, ProtobufCMessage **ret)
{
    struct sk_call *call = &local->call;
    call->state = CALL_PARKED;
    while (!call->resume && !local->gone && !call->expired)
        sk_waitq_wait(&local->news, 0);
    sk_timer_stop(&call->deadline);
    sk_ctx_clear(ctx);
    if (call->resume) {
        rpc_resume_fn resume = call->resume;
        call->resume = NULL;
        call->state = CALL_RUNNING;
        *ret = new_response(ctx, &call->entry->method);
        local->from.loop->running++;
        sk_err err = resume(call, ctx, call->resume_arg, *ret);
        rpc_running_end(local->from.loop);
        return err;
    }
    call->state = CALL_DONE;
    call->on_gone(call->gone_arg);
    return local->gone ? sk_fail(ctx, SK_CANCELLED, "context canceled")
                       : sk_fail(ctx, SK_DEADLINE_EXCEEDED, "context deadline exceeded");
}

static sk_err check_timeout(struct rpc_local *local, struct sk_ctx *ctx, int64_t timeout_ms)
{
    struct sk_call *call = &local->call;
    if (timeout_ms <= 0)
        return SK_OK;
    call->deadline_mono_ms = sk_now_mono_ms() + timeout_ms;
    ctx->deadline_mono_ms = call->deadline_mono_ms;
    if ((call->entry->method.flags & SK_METHOD_LONG_POLL) && timeout_ms < RPC_POLL_DEADLINE_MIN_MS)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "Context timeout is too short.");
    return SK_OK;
}

static sk_err check_room(const struct rpc_loop *loop, struct sk_ctx *ctx)
{
    const struct sk_rpc_server *server = loop->server;
    if (atomic_load(&server->draining))
        return sk_fail(ctx, SK_UNAVAILABLE, "the server is stopping");
    if (loop->running >= server->running_max)
        return sk_fail(ctx, SK_RESOURCE_EXHAUSTED, "%d requests are being handled, %d allowed",
                       loop->running, server->running_max);
    if (loop->local_count > server->local_max)
        return sk_fail(ctx, SK_RESOURCE_EXHAUSTED, "%d calls over HTTP are under way, %d allowed",
                       loop->local_count - 1, server->local_max);
    return SK_OK;
}

static sk_err run_handler(struct rpc_local *local, struct sk_ctx *ctx,
                          const ProtobufCMessage *request, ProtobufCMessage **ret)
{
    struct sk_call *call = &local->call;
    const struct sk_rpc_server_options *options = &local->from.server->options;
    sk_err err = SK_OK;
    local->from.loop->running++;
    if (options->authorise)
        err = options->authorise(options->owner, call, ctx, request);
    const struct sk_method *method = &call->entry->method;
    if (!err)
        err = method->stream ? method->stream(call, ctx, request)
                             : method->handler(call, ctx, request, *ret);
    rpc_running_end(local->from.loop);
    while (err == SK_PARKED && call->state == CALL_PARKING)
        err = wait_parked(local, ctx, ret);
    if (err == SK_PARKED)
        err = sk_fail(ctx, SK_INTERNAL, "the handler parked a call it did not have");
    if (err && ctx->err.code == SK_OK)
        (void)sk_fail(ctx, err, "%s", sk_err_meaning(err));
    return err;
}

static struct rpc_metadata *metadata_of(struct sk_ctx *ctx, const struct sk_rpc_local *options)
{
    struct sk_h2_header *fields = SK_NEW_N(ctx->arena, struct sk_h2_header, options->field_count);
    for (size_t i = 0; i < options->field_count; i++)
        fields[i] = (struct sk_h2_header){options->fields[i].name, options->fields[i].value};
    return rpc_metadata_new(fields, options->field_count, NULL);
}

static void enter(struct rpc_local *local)
{
    struct rpc_loop *loop = local->from.loop;
    sk_waitq_init(&local->news);
    sk_list_init(&local->call.in_list);
    sk_timer_init(&local->call.deadline, on_deadline);
    sk_list_push_back(&loop->locals, &local->in_loop);
    loop->local_count++;
    atomic_fetch_add_explicit(&loop->server->call_count, 1, memory_order_relaxed);
}

static void leave(struct rpc_local *local)
{
    struct rpc_loop *loop = local->from.loop;
    sk_timer_stop(&local->call.deadline);
    rpc_metadata_unref(local->call.metadata);
    sk_list_remove(&local->in_loop);
    loop->local_count--;
    atomic_fetch_sub_explicit(&loop->server->call_count, 1, memory_order_relaxed);
    if (sk_list_empty(&loop->conns) && sk_list_empty(&loop->locals))
        sk_waitq_wake_all(&loop->emptied);
}

sk_err sk_rpc_local_call(struct sk_rpc_server *server, struct sk_ctx *ctx,
                         const struct sk_rpc_local *options, const struct sk_method *method,
                         const ProtobufCMessage *request, ProtobufCMessage **ret)
{
    struct rpc_local local = {
        .from = {.transport = &local_transport,
                 .server = server,
                 .loop = &server->loops[sk_rt_loop_index()],
                 .peer = options->peer,
                 .principal = options->principal},
        .call = {.entry = SK_CONTAINER(method, struct rpc_entry, method),
                 .metadata = metadata_of(ctx, options),
                 .state = CALL_RUNNING,
                 .started_us = sk_now_mono_us()},
    };
    struct sk_call *call = &local.call;
    local.options = options;
    call->from = &local.from;
    ctx->client_name = rpc_metadata_get(call->metadata, "client-name");
    ctx->client_version = rpc_metadata_get(call->metadata, "client-version");
    ctx->client_features = rpc_metadata_get(call->metadata, "supported-features");
    ctx->principal = options->principal;
    enter(&local);
    *ret = method->stream ? NULL : new_response(ctx, method);
    sk_err err = check_timeout(&local, ctx, options->timeout_ms);
    if (!err)
        err = check_room(local.from.loop, ctx);
    if (options->watch)
        options->watch(options->owner, on_gone, &local);
    if (!err)
        err = run_handler(&local, ctx, request, ret);
    if (options->watch)
        options->watch(options->owner, NULL, NULL);
    call->ns_name = ctx->ns_name;
    rpc_call_observe(call, err);
    if (err && err != SK_CANCELLED)
        rpc_call_failed(call, ctx, request, err);
    ctx->client_name = ctx->client_version = ctx->client_features = NULL; // they were the call's
    ctx->ns_name = NULL;
    leave(&local);
    return err;
}
