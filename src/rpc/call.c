/*
 * A call on the server, from its headers to the end of its stream.
 *
 *   RECEIVING -> QUEUED -> RUNNING -> DONE -> ANSWERED     (enqueue, start, run_fiber, on_flush)
 *   RUNNING -> PARKING -> PARKED -> QUEUED                 (sk_call_park, run_fiber,
 * sk_call_resume) RECEIVING, QUEUED -> ANSWERED                          (call_refuse: an error
 * before the handler)
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
 * refused, but for those that workers answer with, which let others end (up to twice as many).
 *
 * Owns: the call (freed when its stream has ended and no fiber runs it), its run (arena, request,
 * response; freed when the stream has ended or the call parks).
 *
 * INV-1: call->stream is NULL exactly when on_stream_close was told.
 * INV-2: a fiber exists exactly in RUNNING and PARKING; then the call is not freed.
 * INV-3: while the queue is not empty, a pump is posted.
 * INV-4: what was resumed runs, though its client be gone: its argument may own things.
 * INV-5: a PARKED call ends that state once: by sk_call_resume or by on_gone.
 * Thread: the connection's loop.
 */
#include "rpc/rpc_internal.h"

#include "base/assert.h"
#include "wire/wire.h"

#define ANSWER_FIELDS 4

static const struct sk_h2_header ok_trailers[] = {{SK_STR("grpc-status"), SK_STR("0")}};

/* ---- the answer ---- */

static struct rpc_run *run_new(struct sk_call *call)
{
    struct sk_arena *arena = sk_arena_new(0);
    struct rpc_run *run = SK_NEW(arena, struct rpc_run);
    run->arena = arena;
    run->ctx.arena = arena;
    run->ctx.deadline_mono_ms = call->deadline_mono_ms;
    run->ctx.client_name = rpc_metadata_get(call->metadata, "client-name");
    run->ctx.client_version = rpc_metadata_get(call->metadata, "client-version");
    run->ctx.principal = call->conn->subject;
    call->run = run;
    return run;
}

static void run_free(struct sk_call *call)
{
    if (!call->run)
        return;
    sk_arena_free(call->run->arena);
    call->run = NULL;
}

static void observe(struct sk_call *call, sk_err err)
{
    const struct sk_rpc_server_options *options = &call->conn->server->options;
    if (options->observe && call->entry && !call->entry->stream)
        options->observe(options->owner, &call->entry->method, err,
                         (sk_now_wall_ns() - call->started_ns) / 1000);
}

static void call_free(struct sk_call *call)
{
    struct rpc_conn *conn = call->conn;
    SK_ASSERT(!call->stream);
    sk_timer_stop(&call->deadline);
    run_free(call);
    rpc_metadata_unref(call->metadata);
    sk_mem_free(call);
    rpc_conn_unref_call(conn);
}

/* Trailers-only: the status in the headers that also end the stream. */
static void answer_error(struct sk_call *call)
{
    struct rpc_run *run = call->run;
    size_t count = 0;
    struct sk_h2_header *status =
        rpc_status_fields(run->arena, &run->ctx.err, sk_h2_peer_header_max(call->conn->h2), &count);
    struct sk_h2_header *fields = SK_NEW_N(run->arena, struct sk_h2_header, count + 2);
    fields[0] = (struct sk_h2_header){SK_STR(":status"), SK_STR("200")};
    fields[1] = (struct sk_h2_header){SK_STR("content-type"), SK_STR("application/grpc")};
    memcpy(fields + 2, status, count * sizeof *status);
    call->state = CALL_ANSWERED;
    sk_h2_respond_headers(call->stream, fields, count + 2);
}

/* Whoever asks is no gRPC client: an HTTP status, and a line of text for people. */
static void answer_stranger(struct sk_call *call, const struct rpc_request *request)
{
    struct sk_arena *arena = run_new(call)->arena;
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

static size_t answer_fields(struct sk_h2_header *ret, bool gzipped)
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
    struct sk_str body = rpc_frame(run->arena, run->response, call->gzip_out, &gzipped);
    struct sk_h2_header fields[ANSWER_FIELDS]; // all of it static text
    size_t count = answer_fields(fields, gzipped);
    call->state = CALL_ANSWERED;
    sk_h2_respond(call->stream, fields, count, body, ok_trailers, 1);
}

/* The call ends with err, set by sk_fail in its run's ctx; or well. */
static void call_answer(struct sk_call *call, sk_err err)
{
    struct sk_ctx *ctx = &call->run->ctx;
    SK_ASSERT(call->stream && err != SK_PARKED);
    if (err && ctx->err.code == SK_OK)
        (void)sk_fail(ctx, err, "%s", sk_err_meaning(err));
    observe(call, err);
    const struct sk_rpc_server_options *options = &call->conn->server->options;
    if (err && options->failed && call->entry)
        options->failed(options->owner, call, ctx, call->run->request, err);
    if (err)
        answer_error(call);
    else
        answer_ok(call);
}

/* Before or instead of the handler. */
static void call_refuse(struct sk_call *call, sk_err err)
{
    sk_h2_drop_body(call->stream);
    call_answer(call, err);
}

/* ---- the handler ---- */

static void run_fiber(void *arg);

static sk_err call_handler(struct sk_call *call)
{
    struct rpc_run *run = call->run;
    const struct sk_rpc_server_options *options = &call->conn->server->options;
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
    call->conn->loop->spawned++;
    call->conn->loop->running++;
    sk_fiber_spawn(run_fiber, call);
}

/* The whole request is here: decode it. */
static void start_request(struct sk_call *call)
{
    struct rpc_run *run = run_new(call);
    const struct sk_method *method = &call->entry->method;
    const struct rpc_loop *loop = call->conn->loop;
    int running_max = call->conn->server->running_max * (method->flags & SK_METHOD_WORKER ? 2 : 1);
    ProtobufCMessage *request = NULL;
    struct sk_str message;
    sk_err err = SK_OK;
    if (loop->running >= running_max)
        err = sk_fail(&run->ctx, SK_RESOURCE_EXHAUSTED, "%d requests are being handled, %d allowed",
                      loop->running, running_max);
    if (!err)
        err = rpc_unframe(&run->ctx, sk_buf_view(&call->stream->body), call->gzip_in,
                          call->conn->server->options.message_max, &message);
    if (!err)
        err = sk_wire_decode(&run->ctx, method->request, message, &request);
    sk_h2_drop_body(call->stream); // protobuf-c copies what it keeps
    if (err) {
        call_refuse(call, err);
        return;
    }
    run->request = request;
    start_fiber(call);
}

static void start(struct sk_call *call)
{
    if (call->resume) {
        run_new(call);
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

static void on_pump(void *arg)
{
    struct rpc_loop *loop = arg;
    loop->pump_posted = false;
    while (loop->spawned < RPC_SPAWNED_MAX && !sk_list_empty(&loop->queue))
        start(SK_CONTAINER(sk_list_pop_front(&loop->queue), struct sk_call, in_list));
    post_pump(loop);
}

static void enqueue(struct sk_call *call)
{
    struct rpc_loop *loop = call->conn->loop;
    call->state = CALL_QUEUED;
    bool may_start = call->resume || !sk_fiber_current(); // decoding needs the loop's stack
    if (may_start && loop->spawned < RPC_SPAWNED_MAX && sk_list_empty(&loop->queue)) {
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
    observe(call, err);
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
    struct rpc_run *run = run_new(call);
    call_gone(call, SK_DEADLINE_EXCEEDED);
    (void)sk_fail(&run->ctx, SK_DEADLINE_EXCEEDED, "context deadline exceeded");
    answer_error(call);
}

/* The handler has returned SK_PARKED: what came meanwhile counts now. */
static void settle_parked(struct sk_call *call)
{
    run_free(call);
    call->state = CALL_PARKED;
    if (call->resume) { // the owner was faster than its handler's return
        enqueue(call);
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
        observe(call, SK_CANCELLED);
        call_free(call);
        return;
    }
    call->run->err = err;
    sk_list_push_back(&call->conn->done, &call->in_list);
    sk_h2_kick(call->conn->h2);
}

static void run_fiber(void *arg)
{
    struct sk_call *call = arg;
    struct rpc_loop *loop = call->conn->loop; // outlives the call
    loop->spawned--;
    sk_err err = call_handler(call);
    loop->running--;
    end_fiber(call, err);
}

/* ---- streams: reflection only; each message is answered where it arrives ---- */

static void stream_message(struct sk_call *call, struct sk_str frame)
{
    const struct sk_method *method = &call->entry->method;
    struct rpc_run *run = run_new(call);
    ProtobufCMessage *request = NULL;
    struct sk_str message;
    sk_err err = rpc_unframe(&run->ctx, frame, call->gzip_in,
                             call->conn->server->options.message_max, &message);
    if (!err)
        err = sk_wire_decode(&run->ctx, method->request, message, &request);
    run->response = sk_arena_alloc(run->arena, method->response->sizeof_message);
    protobuf_c_message_init(method->response, run->response);
    if (!err)
        err = method->handler(call, &run->ctx, request, run->response);
    if (err) {
        call->state = CALL_ANSWERED;
        size_t count = 0;
        struct sk_h2_header *trailers = rpc_status_fields(
            run->arena, &run->ctx.err, sk_h2_peer_header_max(call->conn->h2), &count);
        sk_h2_finish(call->stream, trailers, count);
        return; // the run holds the trailers until the stream closes
    }
    bool gzipped = false;
    sk_h2_send(call->stream, rpc_frame(run->arena, run->response, false, &gzipped));
    run_free(call);
}

static void stream_body(struct sk_call *call)
{
    struct sk_h2_stream *stream = call->stream;
    while (call->state == CALL_RECEIVING && stream->body.n >= RPC_PREFIX) {
        struct rpc_run *run = run_new(call);
        size_t total = 0;
        // a request for a symbol is small; the window need not open for more
        sk_err err = rpc_frame_check(&run->ctx, sk_buf_view(&stream->body), 32 * 1024, &total);
        run_free(call);
        if (!err && stream->body.n < total)
            break;
        if (err)
            total = stream->body.n; // stream_message finds the same error and ends the call
        stream_message(call, (struct sk_str){stream->body.p, total});
        sk_h2_consume(stream, total);
        if (call->state == CALL_RECEIVING && sk_h2_clogged(call->conn->h2)) {
            call->state = CALL_ANSWERED; // asks faster than it reads
            sk_h2_reset(stream, SK_H2_ENHANCE_YOUR_CALM);
        }
    }
    if (stream->ended && call->state == CALL_RECEIVING) {
        call->state = CALL_ANSWERED;
        sk_h2_finish(stream, ok_trailers, 1);
    }
}

/* ---- events of the session ---- */

static sk_err find_method(struct sk_call *call, struct sk_ctx *ctx, struct sk_str path)
{
    struct sk_rpc_server *server = call->conn->server;
    call->entry = sk_map_get(server->methods, path);
    if (call->entry)
        return SK_OK;
    const char *slash = path.n > 1 ? memrchr(path.p + 1, '/', path.n - 1) : NULL;
    if (path.n == 0 || path.p[0] != '/' || !slash)
        return sk_fail(ctx, SK_UNIMPLEMENTED, "malformed method name: \"" SK_STR_FMT "\"",
                       SK_STR_ARG(path));
    struct sk_str service = {path.p + 1, (size_t)(slash - path.p - 1)};
    struct sk_str name = {slash + 1, (size_t)(path.p + path.n - slash - 1)};
    if (!sk_map_get(server->services, service))
        return sk_fail(ctx, SK_UNIMPLEMENTED, "unknown service " SK_STR_FMT, SK_STR_ARG(service));
    return sk_fail(ctx, SK_UNIMPLEMENTED, "unknown method " SK_STR_FMT " for service " SK_STR_FMT,
                   SK_STR_ARG(name), SK_STR_ARG(service));
}

static sk_err take_encoding(struct sk_call *call, struct sk_ctx *ctx,
                            const struct rpc_request *request)
{
    call->gzip_out = request->accepts_gzip;
    if (request->encoding.n == 0 || sk_str_eq(request->encoding, SK_STR("identity")))
        return SK_OK;
    if (!sk_str_eq(request->encoding, SK_STR("gzip")))
        return sk_fail(ctx, SK_UNIMPLEMENTED,
                       "grpc: no decompressor for grpc-encoding \"" SK_STR_FMT
                       "\"; gzip and identity are known",
                       SK_STR_ARG(request->encoding));
    call->gzip_in = true;
    return SK_OK;
}

static sk_err take_timeout(struct sk_call *call, struct sk_ctx *ctx,
                           const struct rpc_request *request)
{
    if (request->timeout_bad)
        return sk_fail(ctx, SK_INTERNAL,
                       "malformed grpc-timeout: \"" SK_STR_FMT
                       "\", at most eight digits and one of HMSmun are needed",
                       SK_STR_ARG(request->timeout));
    if (request->timeout_ms < 0)
        return SK_OK;
    call->deadline_mono_ms = sk_now_mono_ms() + request->timeout_ms;
    ctx->deadline_mono_ms = call->deadline_mono_ms;
    if ((call->entry->method.flags & SK_METHOD_LONG_POLL) &&
        request->timeout_ms < RPC_POLL_DEADLINE_MIN_MS)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "Context timeout is too short.");
    return SK_OK;
}

static sk_err check_headers(struct sk_call *call, struct sk_ctx *ctx,
                            const struct rpc_request *request)
{
    const struct sk_h2_stream *stream = call->stream;
    const struct sk_h2_limits *limits = &sk_h2_limits_default;
    if (stream->headers_cut)
        return sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                       "grpc: received headers larger than max (%u bytes vs. %u, %u fields vs. %u)",
                       stream->header_bytes, limits->header_bytes_max, stream->header_count,
                       limits->header_count_max);
    sk_err err = find_method(call, ctx, request->path);
    if (!err)
        err = take_encoding(call, ctx, request);
    if (!err)
        err = take_timeout(call, ctx, request);
    if (!err && sk_h2_clogged(call->conn->h2))
        err = sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                      "this connection takes its answers too slowly: too many bytes wait");
    return err;
}

static struct sk_call *call_new(struct rpc_conn *conn, struct sk_h2_stream *stream)
{
    struct sk_call *call = sk_mem_zalloc(sizeof *call);
    call->conn = conn;
    call->stream = stream;
    stream->user = call;
    conn->call_count++;
    atomic_fetch_add_explicit(&conn->server->call_count, 1, memory_order_relaxed);
    sk_list_init(&call->in_list);
    sk_timer_init(&call->deadline, on_deadline);
    call->started_ns = sk_now_wall_ns();
    return call;
}

static bool is_grpc(struct sk_str content_type)
{
    const struct sk_str base = SK_STR("application/grpc");
    if (!sk_str_starts(content_type, base))
        return false;
    struct sk_str rest = {content_type.p + base.n, content_type.n - base.n};
    return rest.n == 0 || rest.p[0] == ';' || sk_str_eq(rest, SK_STR("+proto")) ||
           sk_str_starts(rest, SK_STR("+proto;"));
}

static void on_headers(void *owner, struct sk_h2_stream *stream, const struct sk_h2_header *fields,
                       size_t count, bool trailers)
{
    struct rpc_conn *conn = owner;
    if (trailers || stream->user)
        return; // gRPC requests have none that matter
    if (!conn->subject && sk_h2_subject(conn->h2))
        conn->subject = sk_mem_strdup(sk_h2_subject(conn->h2));
    struct rpc_request request;
    rpc_request_read(&request, fields, count);
    struct sk_call *call = call_new(conn, stream);
    call->metadata = rpc_metadata_new(fields, count, conn->last);
    if (call->metadata != conn->last) {
        rpc_metadata_unref(conn->last);
        conn->last = call->metadata;
        conn->last->refs++;
    }
    if (!stream->headers_cut && (!request.post || !is_grpc(request.content_type))) {
        answer_stranger(call, &request);
        return;
    }
    struct sk_ctx *ctx = &run_new(call)->ctx;
    sk_err err = check_headers(call, ctx, &request);
    if (err) {
        call_refuse(call, err);
        return;
    }
    run_free(call);
    if (call->entry->stream) {
        struct sk_h2_header answer[ANSWER_FIELDS];
        sk_h2_start(stream, answer, answer_fields(answer, false));
    }
}

/* The prefix of a unary request is here: may the rest come? */
static void admit(struct sk_call *call)
{
    struct sk_h2_stream *stream = call->stream;
    struct sk_ctx *ctx = &run_new(call)->ctx;
    size_t total = 0;
    call->admitted = true;
    sk_err err = rpc_frame_check(ctx, sk_buf_view(&stream->body),
                                 call->conn->server->options.message_max, &total);
    if (!err && !sk_h2_expect(stream, total))
        err = sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                      "no room for a message of %zu bytes: too many are being received", total);
    if (err)
        call_refuse(call, err);
    else
        run_free(call);
}

static void on_body(void *owner, struct sk_h2_stream *stream)
{
    (void)owner;
    struct sk_call *call = stream->user;
    if (call->state != CALL_RECEIVING) {
        sk_h2_drop_body(stream); // answered already; the rest is of no use
    } else if (stream->refused) {
        struct sk_ctx *ctx = &run_new(call)->ctx;
        call_refuse(call, sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                                  "no room for this message: too many are being received"));
    } else if (call->entry->stream) {
        stream_body(call);
    } else if (stream->ended) {
        enqueue(call);
    } else if (stream->body.n >= RPC_PREFIX && !call->admitted) {
        admit(call);
    }
}

static void on_stream_close(void *owner, struct sk_h2_stream *stream, uint32_t error)
{
    (void)owner;
    (void)error;
    struct sk_call *call = stream->user;
    call->stream = NULL;
    stream->user = NULL;
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
        observe(call, SK_CANCELLED);
        break;
    case CALL_RECEIVING:
    case CALL_ANSWERED:
        break;
    }
    call_free(call);
}

/* Answer all calls whose handlers are through. */
static void on_flush(void *owner)
{
    struct rpc_conn *conn = owner;
    for (struct sk_list *it; (it = sk_list_pop_front(&conn->done));) {
        struct sk_call *call = SK_CONTAINER(it, struct sk_call, in_list);
        call_answer(call, call->run->err);
    }
}

static void on_session_close(void *owner)
{
    struct rpc_conn *conn = owner;
    conn->h2 = NULL;
    conn->call_count++; // hold it while it leaves its loop
    struct rpc_loop *loop = conn->loop;
    sk_list_remove(&conn->in_loop);
    atomic_fetch_sub_explicit(&conn->server->conn_count, 1, memory_order_relaxed);
    if (sk_list_empty(&loop->conns))
        sk_waitq_wake_all(&loop->emptied);
    atomic_fetch_add_explicit(&conn->server->call_count, 1, memory_order_relaxed);
    rpc_conn_unref_call(conn);
}

const struct sk_h2_events rpc_call_events = {
    .on_headers = on_headers,
    .on_body = on_body,
    .on_stream_close = on_stream_close,
    .on_flush = on_flush,
    .on_close = on_session_close,
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
    return call->conn->peer;
}

bool sk_call_alive(const struct sk_call *call)
{
    return call->stream != NULL;
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
    if (call->state == CALL_PARKING)
        return; // run_fiber sees it
    enqueue(call);
}
