/*
 * A call that comes over gRPC, from its headers to the end of its stream; and what handlers may ask
 * of any call (local.c has those that this process makes for others).
 *
 *   RECEIVING -> QUEUED -> RUNNING -> DONE -> ANSWERED    rpc_call_enqueue, start, run_fiber,
 *                                                         rpc_call_answer at the next flush
 *   RUNNING -> PARKING -> PARKED -> QUEUED                sk_call_park, run_fiber, sk_call_resume
 *   RECEIVING, QUEUED -> ANSWERED                         rpc_call_refuse
 *
 * Decoding, packing and compressing happen on the loop's own stack, for messages may nest deeper
 * than a fiber's stack is meant for; only the handler runs in a fiber. A handler that is through
 * puts its call on the connection's done list, and the flush at the end of the turn packs all of
 * them into one write.
 *
 * The queue is for bursts. A worker may send ten thousand polls at once, or the end of the server
 * resume as many; each would get a stack before the first has run, though all but a few need it
 * for a microsecond. So at most RPC_SPAWNED_MAX fibers wait for their first turn, and the others'
 * calls wait undecoded. Handlers that suspend are bounded by running_max: above it calls are
 * refused, but for those that workers answer with, which let others end (up to twice as many);
 * calls that were resumed are not refused but wait in the queue for one of those to end.
 *
 * Owns: the call (freed when its stream has ended and no fiber runs it), its run (arena, request,
 * response; freed when the stream has ended or the call parks).
 *
 * INV-1: call->stream is NULL exactly when on_stream_close was told.
 * INV-2: a fiber exists exactly in RUNNING and PARKING; then the call is not freed.
 * INV-3: while the queue is not empty, a pump is posted, or the end of a handler will post it.
 * INV-4: what was resumed runs, though its client be gone: its argument may own things.
 * INV-5: a PARKED call ends that state once: by sk_call_resume or by on_gone.
 * Thread: the connection's loop.
 */
#include "rpc/rpc_internal.h"

#include "base/assert.h"
#include "wire/wire.h"

const struct sk_h2_header rpc_ok_trailers[] = {{SK_STR("grpc-status"), SK_STR("0")}};

/* ---- the answer ---- */

struct rpc_run *rpc_run_new(struct sk_call *call)
{
    struct sk_arena *arena = sk_arena_new(0);
    struct rpc_run *run = SK_NEW(arena, struct rpc_run);
    run->arena = arena;
    run->ctx.arena = arena;
    run->ctx.deadline_mono_ms = call->deadline_mono_ms;
    run->ctx.client_name = rpc_metadata_get(call->metadata, "client-name");
    run->ctx.client_version = rpc_metadata_get(call->metadata, "client-version");
    run->ctx.client_features = rpc_metadata_get(call->metadata, "supported-features");
    run->ctx.principal = call->from->principal;
    call->run = run;
    return run;
}

void rpc_run_free(struct sk_call *call)
{
    if (!call->run)
        return;
    sk_arena_free(call->run->arena);
    call->run = NULL;
}

void rpc_call_observe(struct sk_call *call, sk_err err)
{
    const struct sk_rpc_server_options *options = &call->from->server->options;
    if (options->observe && call->entry && !call->entry->stream)
        options->observe(options->owner, &call->entry->method, call->ns_name, err,
                         sk_now_mono_us() - call->started_us);
}

void rpc_call_failed(struct sk_call *call, const struct sk_ctx *ctx, const void *request,
                     sk_err err)
{
    const struct sk_rpc_server_options *options = &call->from->server->options;
    if (options->failed && call->entry)
        options->failed(options->owner, call, ctx, request, err);
}

static void call_free(struct sk_call *call)
{
    struct rpc_conn *conn = rpc_conn_of(call);
    SK_ASSERT(!call->stream);
    sk_timer_stop(&call->deadline);
    rpc_run_free(call);
    rpc_metadata_unref(call->metadata);
    sk_mem_free(call);
    rpc_conn_unref_call(conn);
}

/* Trailers-only: the status in the headers that also end the stream. */
static void answer_error(struct sk_call *call)
{
    struct rpc_run *run = call->run;
    size_t count = 0;
    struct sk_h2_header *status = rpc_status_fields(
        run->arena, &run->ctx.err, sk_h2_peer_header_max(rpc_conn_of(call)->h2), &count);
    struct sk_h2_header *fields = SK_NEW_N(run->arena, struct sk_h2_header, count + 2);
    fields[0] = (struct sk_h2_header){SK_STR(":status"), SK_STR("200")};
    fields[1] = (struct sk_h2_header){SK_STR("content-type"), SK_STR("application/grpc")};
    memcpy(fields + 2, status, count * sizeof *status);
    call->state = CALL_ANSWERED;
    sk_h2_respond_headers(call->stream, fields, count + 2);
}

/* Whoever asks is no gRPC client: an HTTP status, and a line of text for people. */
void rpc_call_answer_stranger(struct sk_call *call, const struct rpc_request *request)
{
    struct sk_arena *arena = rpc_run_new(call)->arena;
    struct sk_h2_header *fields = SK_NEW_N(arena, struct sk_h2_header, 2);
    const char *text = request->post
                           ? sk_arena_printf(arena,
                                             "This port speaks gRPC; content-type \"" SK_STR_FMT
                                             "\" is not application/grpc.\n",
                                             SK_STR_ARG(request->content_type))
                           : "This port speaks gRPC; only POST is answered.\n";
    fields[0] =
        (struct sk_h2_header){SK_STR(":status"), request->post ? SK_STR("415") : SK_STR("405")};
    fields[1] = (struct sk_h2_header){SK_STR("content-type"), SK_STR("text/plain; charset=utf-8")};
    call->state = CALL_ANSWERED;
    sk_h2_respond(call->stream, fields, 2, sk_str_of(text), NULL, 0);
}

size_t rpc_answer_fields(struct sk_h2_header *ret, bool gzipped)
{
    size_t count = 0;
    ret[count++] = (struct sk_h2_header){SK_STR(":status"), SK_STR("200")};
    ret[count++] = (struct sk_h2_header){SK_STR("content-type"), SK_STR("application/grpc")};
    if (gzipped)
        ret[count++] = (struct sk_h2_header){SK_STR("grpc-encoding"), SK_STR("gzip")};
    ret[count++] = (struct sk_h2_header){SK_STR("grpc-accept-encoding"), SK_STR("gzip")};
    return count;
}

static void answer_ok(struct sk_call *call)
{
    struct rpc_run *run = call->run;
    bool gzipped = false;
    struct sk_str body = rpc_frame(run->arena, run->response,
                                   call->gzip_out ? RPC_GZIP_MIN : RPC_GZIP_NEVER, &gzipped);
    struct sk_h2_header fields[RPC_ANSWER_FIELDS]; // all of it static text
    size_t count = rpc_answer_fields(fields, gzipped);
    call->state = CALL_ANSWERED;
    sk_h2_respond(call->stream, fields, count, body, rpc_ok_trailers, 1);
}

/* The call ends with err, set by sk_fail in its run's ctx; or well. */
void rpc_call_answer(struct sk_call *call, sk_err err)
{
    struct sk_ctx *ctx = &call->run->ctx;
    SK_ASSERT(call->stream && err != SK_PARKED);
    if (err && ctx->err.code == SK_OK)
        (void)sk_fail(ctx, err, "%s", sk_err_meaning(err));
    rpc_call_observe(call, err);
    if (err)
        rpc_call_failed(call, ctx, call->run->request, err);
    if (err)
        answer_error(call);
    else
        answer_ok(call);
}

/* Before or instead of the handler. */
void rpc_call_refuse(struct sk_call *call, sk_err err)
{
    sk_h2_drop_body(call->stream);
    rpc_call_answer(call, err);
}

/* ---- the handler ---- */

static void run_fiber(void *arg);

static sk_err call_handler(struct sk_call *call)
{
    struct rpc_run *run = call->run;
    const struct sk_rpc_server_options *options = &call->from->server->options;
    if (call->resume) {
        rpc_resume_fn resume = call->resume;
        call->resume = NULL;
        return resume(call, &run->ctx, call->resume_arg, run->response);
    }
    sk_err err = SK_OK;
    if (options->authorise)
        err = options->authorise(options->owner, call, &run->ctx, run->request);
    if (!err)
        err = call->entry->method.handler(call, &run->ctx, run->request, run->response);
    return err;
}

static void start_fiber(struct sk_call *call)
{
    const ProtobufCMessageDescriptor *type = call->entry->method.response;
    call->run->response = sk_arena_alloc(call->run->arena, type->sizeof_message);
    protobuf_c_message_init(type, call->run->response);
    call->state = CALL_RUNNING;
    call->from->loop->spawned++;
    call->from->loop->running++;
    sk_fiber_spawn(run_fiber, call);
}

/* The whole request is here: decode it. */
static void start_request(struct sk_call *call)
{
    struct rpc_run *run = rpc_run_new(call);
    const struct sk_method *method = &call->entry->method;
    const struct rpc_loop *loop = call->from->loop;
    int running_max = call->from->server->running_max * (method->flags & SK_METHOD_WORKER ? 2 : 1);
    ProtobufCMessage *request = NULL;
    struct sk_str message;
    sk_err err = SK_OK;
    if (loop->running >= running_max)
        err = sk_fail(&run->ctx, SK_RESOURCE_EXHAUSTED, "%d requests are being handled, %d allowed",
                      loop->running, running_max);
    if (!err)
        err = rpc_unframe(&run->ctx, sk_buf_view(&call->stream->body), call->gzip_in,
                          call->from->server->options.message_max, &message);
    if (!err)
        err = sk_wire_decode(&run->ctx, method->request, message, &request);
    sk_h2_drop_body(call->stream); // protobuf-c copies what it keeps
    if (err) {
        rpc_call_refuse(call, err);
        return;
    }
    run->request = request;
    start_fiber(call);
}

static void start(struct sk_call *call)
{
    if (call->resume) {
        rpc_run_new(call);
        start_fiber(call);
    } else {
        start_request(call);
    }
}

static void on_pump(void *arg);

static void post_pump(struct rpc_loop *loop)
{
    if (loop->pump_posted || sk_list_empty(&loop->queue))
        return;
    loop->pump_posted = true;
    sk_rt_post(sk_rt_current(), sk_rt_loop_index(), on_pump, loop); // after the spawned fibers
}

/* What was resumed must run, so it cannot be refused. */
static bool must_wait(const struct sk_call *call)
{
    return call->resume && call->from->loop->running >= 2 * call->from->server->running_max;
}

static void on_pump(void *arg)
{
    struct rpc_loop *loop = arg;
    loop->pump_posted = false;
    while (loop->spawned < RPC_SPAWNED_MAX && !sk_list_empty(&loop->queue)) {
        struct sk_call *call = SK_CONTAINER(loop->queue.next, struct sk_call, in_list);
        if (must_wait(call))
            return; // until rpc_running_end
        sk_list_remove(&call->in_list);
        start(call);
    }
    post_pump(loop);
}

void rpc_running_end(struct rpc_loop *loop)
{
    loop->running--;
    post_pump(loop);
}

void rpc_call_enqueue(struct sk_call *call)
{
    struct rpc_loop *loop = call->from->loop;
    call->state = CALL_QUEUED;
    bool may_start = call->resume || !sk_fiber_current(); // decoding needs the loop's stack
    if (may_start && loop->spawned < RPC_SPAWNED_MAX && sk_list_empty(&loop->queue) &&
        !must_wait(call)) {
        start(call);
        return;
    }
    sk_list_push_back(&loop->queue, &call->in_list);
    post_pump(loop);
}

static void call_gone(struct sk_call *call, sk_err err)
{
    void (*on_gone)(void *) = call->on_gone;
    call->on_gone = NULL;
    sk_timer_stop(&call->deadline);
    rpc_call_observe(call, err);
    on_gone(call->gone_arg);
}

static void on_deadline(struct sk_timer *timer)
{
    struct sk_call *call = SK_CONTAINER(timer, struct sk_call, deadline);
    if (call->state == CALL_PARKING) {
        call->expired = true; // run_fiber goes on from here
        return;
    }
    SK_ASSERT(call->state == CALL_PARKED && call->stream);
    struct rpc_run *run = rpc_run_new(call);
    call_gone(call, SK_DEADLINE_EXCEEDED);
    (void)sk_fail(&run->ctx, SK_DEADLINE_EXCEEDED, "context deadline exceeded");
    answer_error(call);
}

/* The handler has returned SK_PARKED: what came meanwhile counts now. */
static void settle_parked(struct sk_call *call)
{
    rpc_run_free(call);
    call->state = CALL_PARKED;
    if (call->resume) { // the owner was faster than its handler's return
        rpc_call_enqueue(call);
    } else if (!call->stream) {
        call_gone(call, SK_CANCELLED);
        call_free(call);
    } else if (call->expired) {
        on_deadline(&call->deadline);
    }
}

static void end_fiber(struct sk_call *call, sk_err err)
{
    if (err == SK_PARKED && call->state == CALL_PARKING) {
        settle_parked(call);
        return;
    }
    sk_timer_stop(&call->deadline);
    if (err == SK_PARKED)
        err = sk_fail(&call->run->ctx, SK_INTERNAL, "the handler parked a call it did not have");
    call->state = CALL_DONE;
    if (!call->stream) {
        rpc_call_observe(call, SK_CANCELLED);
        call_free(call);
        return;
    }
    call->run->err = err;
    sk_list_push_back(&rpc_conn_of(call)->done, &call->in_list);
    sk_h2_kick(rpc_conn_of(call)->h2);
}

static void run_fiber(void *arg)
{
    struct sk_call *call = arg;
    struct rpc_loop *loop = call->from->loop; // outlives the call
    loop->spawned--;
    sk_err err = call_handler(call);
    rpc_running_end(loop);
    if (call->run->ctx.ns_name)
        call->ns_name = call->run->ctx.ns_name;
    end_fiber(call, err);
}

/* ---- its beginning and end ---- */

struct sk_call *rpc_call_new(struct rpc_conn *conn, struct sk_h2_stream *stream)
{
    struct sk_call *call = sk_mem_zalloc(sizeof *call);
    call->from = &conn->origin;
    call->stream = stream;
    stream->user = call;
    conn->call_count++;
    atomic_fetch_add_explicit(&conn->origin.server->call_count, 1, memory_order_relaxed);
    sk_list_init(&call->in_list);
    sk_timer_init(&call->deadline, on_deadline);
    call->started_us = sk_now_mono_us();
    return call;
}

void rpc_call_closed(struct sk_call *call)
{
    call->stream = NULL;
    switch ((enum rpc_call_state)call->state) {
    case CALL_RUNNING:
    case CALL_PARKING:
        return; // run_fiber ends it
    case CALL_QUEUED:
        if (call->resume)
            return; // runs all the same
        sk_list_remove(&call->in_list);
        break;
    case CALL_PARKED:
        call_gone(call, SK_CANCELLED);
        break;
    case CALL_DONE:
        sk_list_remove(&call->in_list);
        rpc_call_observe(call, SK_CANCELLED);
        break;
    case CALL_RECEIVING:
    case CALL_ANSWERED:
        break;
    }
    call_free(call);
}

static bool stream_alive(const struct sk_call *call)
{
    return call->stream != NULL;
}

const struct rpc_transport rpc_stream_transport = {
    .alive = stream_alive,
    .resumed = rpc_call_enqueue,
};

/* ---- what handlers may ask and do ---- */

void *sk_call_owner(const struct sk_call *call)
{
    return call->entry->method.owner;
}

const struct sk_method *sk_call_method(const struct sk_call *call)
{
    return &call->entry->method;
}

const char *sk_call_header(const struct sk_call *call, const char *name)
{
    return rpc_metadata_get(call->metadata, name);
}

const char *sk_call_peer(const struct sk_call *call)
{
    return call->from->peer;
}

bool sk_call_alive(const struct sk_call *call)
{
    return call->from->transport->alive(call);
}

void sk_call_park(struct sk_call *call, void (*on_gone)(void *arg), void *arg)
{
    SK_ASSERT(call->state == CALL_RUNNING);
    call->state = CALL_PARKING;
    call->on_gone = on_gone;
    call->gone_arg = arg;
    call->expired = false;
    if (call->deadline_mono_ms > 0)
        sk_timer_start(&call->deadline, call->deadline_mono_ms);
}

void sk_call_resume(struct sk_call *call, rpc_resume_fn fn, void *arg)
{
    SK_ASSERT(call->state == CALL_PARKED || call->state == CALL_PARKING);
    SK_ASSERT(!call->resume);
    sk_timer_stop(&call->deadline);
    call->expired = false;
    call->resume = fn;
    call->resume_arg = arg;
    if (call->state == CALL_PARKED) // else whoever ran the handler sees it
        call->from->transport->resumed(call);
}
