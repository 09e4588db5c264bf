/*
 * What comes in on a call's stream: headers, body, the end. This is where a request is checked
 * before anything is spent on it, and where the session's events become steps of a call's life
 * (call.c).
 *
 * Order of the checks: size of the headers, what they say (method, encoding, timeout), the state of
 * the connection, then, from the first five bytes of the body, its length, for which room must be
 * granted before the rest may come. Whoever speaks HTTP/2 but not gRPC gets an HTTP status.
 *
 * Streams that are not unary exist for reflection alone: each message is answered where it arrives,
 * on the loop's own stack.
 * Thread: the connection's loop.
 */
#include "rpc/rpc_internal.h"

#include "base/assert.h"
#include "wire/wire.h"

#define STREAM_MESSAGE_MAX ((size_t)32 * 1024) // within the window that every stream begins with

/* ---- streams: reflection only; each message is answered where it arrives ---- */

static void stream_message(struct sk_call *call, struct sk_str frame)
{
    const struct sk_method *method = &call->entry->method;
    struct rpc_run *run = rpc_run_new(call);
    ProtobufCMessage *request = NULL;
    struct sk_str message;
    sk_err err = rpc_unframe(&run->ctx, frame, call->gzip_in,
                             call->from->server->options.message_max, &message);
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
            run->arena, &run->ctx.err, sk_h2_peer_header_max(rpc_conn_of(call)->h2), &count);
        sk_h2_finish(call->stream, trailers, count);
        return; // the run holds the trailers until the stream closes
    }
    bool gzipped = false;
    sk_h2_send(call->stream, rpc_frame(run->arena, run->response, RPC_GZIP_NEVER, &gzipped));
    rpc_run_free(call);
}

static void stream_body(struct sk_call *call)
{
    struct sk_h2_stream *stream = call->stream;
    while (call->state == CALL_RECEIVING && stream->body.n >= RPC_PREFIX) {
        struct rpc_run *run = rpc_run_new(call);
        size_t total = 0;
        sk_err err =
            rpc_frame_check(&run->ctx, sk_buf_view(&stream->body), STREAM_MESSAGE_MAX, &total);
        rpc_run_free(call);
        if (!err && stream->body.n < total)
            break;
        if (err)
            total = stream->body.n; // stream_message finds the same error and ends the call
        stream_message(call, (struct sk_str){stream->body.p, total});
        sk_h2_consume(stream, total);
        if (call->state == CALL_RECEIVING && sk_h2_clogged(rpc_conn_of(call)->h2)) {
            call->state = CALL_ANSWERED; // asks faster than it reads
            sk_h2_reset(stream, SK_H2_ENHANCE_YOUR_CALM);
        }
    }
    if (stream->ended && call->state == CALL_RECEIVING) {
        call->state = CALL_ANSWERED;
        sk_h2_finish(stream, rpc_ok_trailers, 1);
    }
}

/* ---- events of the session ---- */

static sk_err find_method(struct sk_call *call, struct sk_ctx *ctx, struct sk_str path)
{
    struct sk_rpc_server *server = call->from->server;
    const struct rpc_entry *entry = sk_map_get(server->methods, path);
    if (entry && entry->method.stream)
        return sk_fail(ctx, SK_UNIMPLEMENTED,
                       "%s answers in a stream, which is served over HTTP only",
                       entry->method.name);
    call->entry = entry;
    if (entry)
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
    if (!err && sk_h2_clogged(rpc_conn_of(call)->h2))
        err = sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                      "this connection takes its answers too slowly: too many bytes wait");
    return err;
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
        conn->origin.principal = conn->subject = sk_mem_strdup(sk_h2_subject(conn->h2));
    struct rpc_request request;
    rpc_request_read(&request, fields, count);
    struct sk_call *call = rpc_call_new(conn, stream);
    call->metadata = rpc_metadata_new(fields, count, conn->last);
    if (call->metadata != conn->last) {
        rpc_metadata_unref(conn->last);
        conn->last = call->metadata;
        conn->last->refs++;
    }
    if (!stream->headers_cut && (!request.post || !is_grpc(request.content_type))) {
        rpc_call_answer_stranger(call, &request);
        return;
    }
    struct sk_ctx *ctx = &rpc_run_new(call)->ctx;
    sk_err err = check_headers(call, ctx, &request);
    if (err) {
        rpc_call_refuse(call, err);
        return;
    }
    rpc_run_free(call);
    if (call->entry->stream) {
        struct sk_h2_header answer[RPC_ANSWER_FIELDS];
        sk_h2_start(stream, answer, rpc_answer_fields(answer, false));
    }
}

/* The prefix of a unary request is here: may the rest come? */
static void admit(struct sk_call *call)
{
    struct sk_h2_stream *stream = call->stream;
    struct sk_ctx *ctx = &rpc_run_new(call)->ctx;
    size_t total = 0;
    call->admitted = true;
    sk_err err = rpc_frame_check(ctx, sk_buf_view(&stream->body),
                                 call->from->server->options.message_max, &total);
    if (!err && !sk_h2_expect(stream, total))
        err = sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                      "no room for a message of %zu bytes: too many are being received", total);
    if (err)
        rpc_call_refuse(call, err);
    else
        rpc_run_free(call);
}

static void on_body(void *owner, struct sk_h2_stream *stream)
{
    (void)owner;
    struct sk_call *call = stream->user;
    if (call->state != CALL_RECEIVING) {
        sk_h2_drop_body(stream); // answered already; the rest is of no use
    } else if (stream->refused) {
        struct sk_ctx *ctx = &rpc_run_new(call)->ctx;
        rpc_call_refuse(call, sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                                      "no room for this message: too many are being received"));
    } else if (call->entry->stream) {
        stream_body(call);
    } else if (stream->ended) {
        rpc_call_enqueue(call);
    } else if (stream->body.n >= RPC_PREFIX && !call->admitted) {
        admit(call);
    }
}

static void on_stream_close(void *owner, struct sk_h2_stream *stream, uint32_t error)
{
    (void)owner;
    (void)error;
    struct sk_call *call = stream->user;
    stream->user = NULL;
    rpc_call_closed(call);
}

/* Answer all calls whose handlers are through. */
static void on_flush(void *owner)
{
    struct rpc_conn *conn = owner;
    for (struct sk_list *it; (it = sk_list_pop_front(&conn->done));) {
        struct sk_call *call = SK_CONTAINER(it, struct sk_call, in_list);
        rpc_call_answer(call, call->run->err);
    }
}

static void on_session_close(void *owner)
{
    struct rpc_conn *conn = owner;
    conn->h2 = NULL;
    conn->call_count++; // hold it while it leaves its loop
    struct rpc_loop *loop = conn->origin.loop;
    sk_list_remove(&conn->in_loop);
    atomic_fetch_sub_explicit(&conn->origin.server->conn_count, 1, memory_order_relaxed);
    if (sk_list_empty(&loop->conns))
        sk_waitq_wake_all(&loop->emptied);
    atomic_fetch_add_explicit(&conn->origin.server->call_count, 1, memory_order_relaxed);
    rpc_conn_unref_call(conn);
}

const struct sk_h2_events rpc_call_events = {
    .on_headers = on_headers,
    .on_body = on_body,
    .on_stream_close = on_stream_close,
    .on_flush = on_flush,
    .on_close = on_session_close,
};
