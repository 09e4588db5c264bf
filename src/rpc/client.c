/*
 * The gRPC client: unary calls, any number at once, over one connection.
 *
 * Owns: the session. A call is a record on the stack of the
 * fiber that waits for it; its stream points at it until the answer is whole, the time is up or
 * the connection goes. A stream given up is discarded: the session then forgets the record.
 *
 * The client is freed when it was closed, its session is gone and no fiber is inside a call.
 * Thread: the loop it was made on.
 */
#include "rpc/rpc_internal.h"

#include "base/assert.h"
#include "wire/wire.h"

#define ANSWER_MAX ((size_t)64 << 20) // decompressed; servers bound theirs far below
#define USER_AGENT "skald"

struct sk_rpc_client {
    struct sk_h2 *h2; /* NULL once gone */
    struct sk_tls *tls;
    size_t users; /* fibers inside sk_rpc_call */
    bool closing; /* sk_rpc_client_close was called */
    bool goaway;
    bool tls_used, gzip;
    char *authority, *name, *version;
};

struct client_call {
    struct sk_rpc_client *client;
    struct sk_ctx *ctx;
    struct sk_fiber *fiber;
    struct sk_h2_stream *stream; /* not to be touched once over */
    struct sk_timer timer;
    const ProtobufCMessageDescriptor *type;
    ProtobufCMessage *answer;
    sk_err err;
    const char *http_status, *status, *message, *details; /* in the arena, or NULL */
    bool gzip;                                            /* grpc-encoding of the answer */
    bool over;
};

/* ---- events of the session ---- */

static void finish(struct client_call *call)
{
    if (call->over)
        return;
    call->over = true;
    sk_fiber_wake(call->fiber);
}

static void on_headers(void *owner, struct sk_h2_stream *stream, const struct sk_h2_header *fields,
                       size_t count, bool trailers)
{
    (void)owner;
    (void)trailers;
    struct client_call *call = stream->user;
    for (size_t i = 0; i < count; i++) {
        struct sk_str name = fields[i].name, value = fields[i].value;
        const char **to = NULL;
        if (sk_str_eq(name, SK_STR("grpc-status")))
            to = &call->status;
        else if (sk_str_eq(name, SK_STR("grpc-message")))
            to = &call->message;
        else if (sk_str_eq(name, SK_STR("grpc-status-details-bin")))
            to = &call->details;
        else if (sk_str_eq(name, SK_STR(":status")))
            to = &call->http_status;
        else if (sk_str_eq(name, SK_STR("grpc-encoding")))
            call->gzip = sk_str_eq(value, SK_STR("gzip"));
        if (to)
            *to = sk_arena_strndup(call->ctx->arena, value.p, value.n);
    }
}

static sk_err no_status(struct client_call *call, uint32_t error)
{
    struct sk_ctx *ctx = call->ctx;
    if (call->http_status && strcmp(call->http_status, "200") != 0)
        return sk_fail(ctx, SK_UNAVAILABLE, "the server answered HTTP %s", call->http_status);
    if (error == SK_H2_REFUSED_STREAM)
        return sk_fail(ctx, SK_UNAVAILABLE, "the server refused the call");
    return sk_fail(ctx, SK_UNAVAILABLE, "the connection broke before the answer was whole");
}

/* On the loop's own stack: an answer may nest deeper than a fiber's allows. */
static sk_err read_answer(struct client_call *call, struct sk_str body, uint32_t error)
{
    if (!call->status)
        return no_status(call, error);
    sk_err err = rpc_status_read(call->ctx, call->status, call->message, call->details);
    struct sk_str message;
    if (!err)
        err = rpc_unframe(call->ctx, body, call->gzip, ANSWER_MAX, &message);
    if (!err)
        err = sk_wire_decode(call->ctx, call->type, message, &call->answer);
    return err;
}

/* We end it before the server does. */
static void give_up(struct client_call *call, sk_err err)
{
    call->err = err;
    sk_h2_discard(call->stream);
    finish(call);
}

static void on_body(void *owner, struct sk_h2_stream *stream)
{
    (void)owner;
    struct client_call *call = stream->user;
    if (stream->refused || stream->body.n > ANSWER_MAX + RPC_PREFIX)
        give_up(call, sk_fail(call->ctx, SK_RESOURCE_EXHAUSTED,
                              "the answer is larger than %zu bytes", ANSWER_MAX));
}

static void on_stream_close(void *owner, struct sk_h2_stream *stream, uint32_t error)
{
    (void)owner;
    struct client_call *call = stream->user;
    call->err = read_answer(call, sk_buf_view(&stream->body), error);
    finish(call);
}

static void free_if_unused(struct sk_rpc_client *client)
{
    if (client->h2 || client->users > 0 || !client->closing)
        return;
    sk_tls_free(client->tls);
    sk_mem_free(client->authority);
    sk_mem_free(client->name);
    sk_mem_free(client->version);
    sk_mem_free(client);
}

static void on_goaway(void *owner)
{
    struct sk_rpc_client *client = owner;
    client->goaway = true;
}

static void on_session_close(void *owner)
{
    struct sk_rpc_client *client = owner;
    client->h2 = NULL;
    free_if_unused(client);
}

static const struct sk_h2_events client_events = {
    .on_headers = on_headers,
    .on_body = on_body,
    .on_stream_close = on_stream_close,
    .on_goaway = on_goaway,
    .on_close = on_session_close,
};

/* ---- life ---- */

sk_err sk_rpc_connect(struct sk_ctx *ctx, const struct sk_rpc_client_options *options,
                      struct sk_rpc_client **ret)
{
    struct sk_tls *tls = NULL;
    struct sk_stream *stream = NULL;
    int why = 0;
    sk_err err = options->tls ? sk_tls_new_client(ctx, options->tls, SK_ALPN_H2, &tls) : SK_OK;
    if (!err && sk_connect(options->host, options->port, &stream, &why) != SK_OK)
        err = sk_fail(ctx, SK_UNAVAILABLE, "cannot connect to %s:%d: %s", options->host,
                      options->port, strerror(why));
    if (err) {
        sk_tls_free(tls);
        return err;
    }
    struct sk_rpc_client *client = sk_mem_zalloc(sizeof *client);
    client->tls = tls;
    client->tls_used = tls != NULL;
    client->gzip = options->gzip;
    client->name = sk_mem_strdup(options->client_name ? options->client_name : "");
    client->version = sk_mem_strdup(options->client_version ? options->client_version : "");
    struct sk_buf authority = SK_BUF_INIT;
    sk_buf_printf(&authority, strchr(options->host, ':') ? "[%s]:%d" : "%s:%d", options->host,
                  options->port);
    sk_buf_append(&authority, "", 1);
    client->authority = authority.p;
    client->h2 = sk_h2_new_client(stream, tls, options->host, NULL, &client_events, client);
    *ret = client;
    return SK_OK;
}

void sk_rpc_client_close(struct sk_rpc_client *client)
{
    if (!client || client->closing)
        return;
    client->closing = true;
    if (client->h2)
        sk_h2_close(client->h2);
    else
        free_if_unused(client);
}

bool sk_rpc_client_alive(const struct sk_rpc_client *client)
{
    return client->h2 && !client->closing && !client->goaway;
}

/* ---- a call ---- */

static void on_timeout(struct sk_timer *timer)
{
    struct client_call *call = SK_CONTAINER(timer, struct client_call, timer);
    if (!call->over)
        give_up(call, sk_fail(call->ctx, SK_DEADLINE_EXCEEDED, "the call's time is up"));
}

static bool send_request(struct client_call *call, const char *path,
                         const ProtobufCMessage *request, int64_t timeout_ms)
{
    struct sk_rpc_client *client = call->client;
    bool gzipped = false;
    char timeout[16];
    struct sk_str body =
        rpc_frame(call->ctx->arena, request, client->gzip ? 0 : RPC_GZIP_NEVER, &gzipped);
    struct sk_h2_header fields[16];
    size_t n = 0;
    fields[n++] = (struct sk_h2_header){SK_STR(":method"), SK_STR("POST")};
    fields[n++] = (struct sk_h2_header){SK_STR(":scheme"),
                                        client->tls_used ? SK_STR("https") : SK_STR("http")};
    fields[n++] = (struct sk_h2_header){SK_STR(":path"), sk_str_of(path)};
    fields[n++] = (struct sk_h2_header){SK_STR(":authority"), sk_str_of(client->authority)};
    fields[n++] = (struct sk_h2_header){SK_STR("te"), SK_STR("trailers")};
    fields[n++] = (struct sk_h2_header){SK_STR("content-type"), SK_STR("application/grpc")};
    fields[n++] = (struct sk_h2_header){SK_STR("user-agent"), SK_STR(USER_AGENT)};
    if (*client->name)
        fields[n++] = (struct sk_h2_header){SK_STR("client-name"), sk_str_of(client->name)};
    if (*client->version)
        fields[n++] = (struct sk_h2_header){SK_STR("client-version"), sk_str_of(client->version)};
    if (timeout_ms > 0)
        fields[n++] =
            (struct sk_h2_header){SK_STR("grpc-timeout"), rpc_timeout_format(timeout_ms, timeout)};
    if (gzipped)
        fields[n++] = (struct sk_h2_header){SK_STR("grpc-encoding"), SK_STR("gzip")};
    if (client->gzip)
        fields[n++] = (struct sk_h2_header){SK_STR("grpc-accept-encoding"), SK_STR("gzip")};
    call->stream = sk_h2_request(client->h2, fields, n, body, call);
    return call->stream != NULL;
}

sk_err sk_rpc_call(struct sk_rpc_client *client, struct sk_ctx *ctx, const char *service,
                   const char *method, const ProtobufCMessage *request,
                   const ProtobufCMessageDescriptor *response_type, int64_t timeout_ms,
                   ProtobufCMessage **ret)
{
    struct client_call call = {
        .client = client, .ctx = ctx, .type = response_type, .fiber = sk_fiber_current()};
    SK_ASSERT(call.fiber);
    const char *path = sk_arena_printf(ctx->arena, "/%s/%s", service, method);
    if (!sk_rpc_client_alive(client) || !send_request(&call, path, request, timeout_ms))
        return sk_fail(ctx, SK_UNAVAILABLE, "the connection to %s is closed", client->authority);
    client->users++;
    sk_timer_init(&call.timer, on_timeout);
    if (timeout_ms > 0)
        sk_timer_start(&call.timer, sk_now_mono_ms() + timeout_ms);
    while (!call.over)
        sk_fiber_suspend();
    sk_timer_stop(&call.timer);
    client->users--;
    free_if_unused(client);
    if (!call.err)
        *ret = call.answer;
    return call.err;
}
