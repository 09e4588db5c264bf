/*
 * The JSON API: a route gives the method; body, path and query make its request; the method runs
 * as if the call had come over gRPC (sk_rpc_local_call); its answer or its error goes out as JSON.
 *
 * Order: what the path and the body say, then the call's own checks. The variables of the path win
 * over the body's fields of the same name. Fields of the query are for routes without a body; an
 * unknown one is refused, for a misspelt one would be a silent no.
 *
 * Reading and printing run on the loop's own stack: JSON nests deeper than a fiber's stack is made
 * for.
 *
 * Thread: the connection's loop; a call's state is on its fiber's stack and in the request's arena.
 */
#include "web/web_internal.h"

#include <google/rpc/status.pb-c.h>
#include <stdio.h>
#include "net/gzip.h"
#include "rt/rt.h"
#include "wire/json.h"

#define TIMEOUT_DEFAULT_MS 60000 /* where the client names none */
#define FIELDS_MAX 100           /* net/http1's */
#define GZIP_MIN 1024            /* bytes; shorter answers stay plain */
#define METADATA_PREFIX "grpc-metadata-"

struct web_call {
    struct sk_web *web;
    const struct sk_http_request *request;
    struct sk_http_response *response;
    struct sk_ctx *ctx;
    struct sk_web_match match;
    unsigned in_flags, out_flags; // enum sk_wire_json_flags
    ProtobufCMessage *message, *answer;
    sk_err err;
    bool streaming; // the head of an answer in pieces is sent
    struct sk_buf piece;
};

/* ---- errors ---- */

/* As grpc-gateway maps them, which Temporal's HTTP API is made with. */
static int status_of(sk_err err)
{
    switch (sk_err_grpc(err)) {
    case 0:
        return 200;
    case 1: // CANCELLED
        return 499;
    case 3:  // INVALID_ARGUMENT
    case 9:  // FAILED_PRECONDITION
    case 11: // OUT_OF_RANGE
        return 400;
    case 4: // DEADLINE_EXCEEDED
        return 504;
    case 5: // NOT_FOUND
        return 404;
    case 6:  // ALREADY_EXISTS
    case 10: // ABORTED
        return 409;
    case 7: // PERMISSION_DENIED
        return 403;
    case 8: // RESOURCE_EXHAUSTED
        return 429;
    case 12: // UNIMPLEMENTED
        return 501;
    case 14: // UNAVAILABLE
        return 503;
    case 16: // UNAUTHENTICATED
        return 401;
    default:
        return 500;
    }
}

/* The form that an answer has, as its type, as in Temporal's HTTP API. */
static const char *media_of(unsigned flags)
{
    bool pretty = flags & SK_WIRE_JSON_PRETTY;
    if (flags & SK_WIRE_JSON_SHORTHAND)
        return pretty ? "application/json+pretty" : "application/json";
    return pretty ? "application/json+pretty+no-payload-shorthand"
                  : "application/json+no-payload-shorthand";
}

/* Messages may have been cut within a character. */
static char *clean_text(struct sk_arena *arena, const char *text)
{
    size_t n = strlen(text);
    char *copy = sk_arena_strndup(arena, text, n);
    if (!sk_utf8_valid(copy, n))
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)copy[i] >= 0x80)
                copy[i] = '?';
    return copy;
}

struct error_print {
    const struct sk_web *web;
    const struct sk_http_request *request;
    struct sk_http_response *response;
    unsigned flags;
};

static void print_error(void *arg)
{
    struct error_print *print = arg;
    struct sk_arena *arena = print->request->ctx->arena;
    const struct sk_errinfo *info = &print->request->ctx->err;
    struct sk_buf out = SK_BUF_INIT;
    Google__Protobuf__Any detail = GOOGLE__PROTOBUF__ANY__INIT;
    sk_buf_printf(&out, "{\"code\":%d,\"message\":", sk_err_grpc(info->code));
    sk_wire_json_quote(&out, sk_str_of(clean_text(arena, info->message ? info->message : "")));
    sk_buf_str(&out, ",\"details\":[");
    if (info->detail_type) {
        detail.type_url = sk_arena_printf(arena, "type.googleapis.com/%s", info->detail_type);
        detail.value = (ProtobufCBinaryData){info->detail_size, (uint8_t *)(uintptr_t)info->detail};
        sk_wire_json_print(&out, &detail.base, print->flags & ~(unsigned)SK_WIRE_JSON_PRETTY);
    }
    sk_buf_str(&out, "]}\n");
    web_api_answer(print->web, print->request, print->response, status_of(info->code),
                   sk_buf_view(&out));
    print->response->content_type = media_of(print->flags);
    sk_buf_fini(&out);
}

void web_api_error(const struct sk_web *web, const struct sk_http_request *request,
                   struct sk_http_response *response, unsigned flags)
{
    struct error_print print = {web, request, response, flags};
    sk_fiber_outside(print_error, &print);
}

void web_api_answer(const struct sk_web *web, const struct sk_http_request *request,
                    struct sk_http_response *response, int status, struct sk_str text)
{
    struct sk_arena *arena = request->ctx->arena;
    bool squeeze = text.n >= GZIP_MIN && web_accepts_gzip(request);
    char *body = sk_arena_alloc(arena, text.n + 1);
    size_t size = squeeze ? sk_gzip(text, body, text.n) : 0;
    const char *headers = web_api_headers(web, request);
    if (size > 0)
        headers = sk_arena_printf(arena, "%sContent-Encoding: gzip\r\n", headers);
    else
        memcpy(body, text.p, text.n);
    *response = (struct sk_http_response){
        .status = status,
        .content_type = "application/json",
        .extra_headers = headers,
        .body = {body, size > 0 ? size : text.n},
    };
}

/* ---- what form of JSON ---- */

static unsigned flags_of(struct sk_str media)
{
    char text[256];
    unsigned flags = SK_WIRE_JSON_SHORTHAND;
    snprintf(text, sizeof text, SK_STR_FMT, SK_STR_ARG(media));
    if (strstr(text, "application/json+pretty"))
        flags |= SK_WIRE_JSON_PRETTY;
    if (strstr(text, "+no-payload-shorthand"))
        flags &= ~(unsigned)SK_WIRE_JSON_SHORTHAND;
    return flags;
}

/* The answer's form is the one that is asked for, else the request's. */
static void choose_form(struct web_call *call)
{
    const struct sk_http_request *request = call->request;
    struct sk_str accept = sk_http_header(request, "accept");
    call->in_flags = flags_of(sk_http_header(request, "content-type"));
    bool named = accept.n > 0 && memmem(accept.p, accept.n, "application/json", 16);
    call->out_flags = named ? flags_of(accept) : call->in_flags;
    if (web_query_has(request->query, SK_STR("pretty")))
        call->out_flags |= SK_WIRE_JSON_PRETTY;
    if (web_query_has(request->query, SK_STR("noPayloadShorthand")))
        call->out_flags &= ~(unsigned)SK_WIRE_JSON_SHORTHAND;
}

/* ---- the request ---- */

static sk_err read_body(struct web_call *call)
{
    const struct sk_web_route *route = call->match.route;
    struct sk_ctx *ctx = call->ctx;
    struct sk_str body = route->body[0] ? call->request->body : SK_STR("");
    const ProtobufCMessageDescriptor *type = route->method->request;
    if (strcmp(route->body, "*") == 0)
        return sk_wire_json_parse(ctx, type, body.n > 0 ? body : SK_STR("{}"), call->in_flags,
                                  &call->message);
    sk_err err = sk_wire_json_parse(ctx, type, SK_STR("{}"), 0, &call->message);
    if (err || body.n == 0)
        return err;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(type, route->body);
    return sk_wire_json_parse(ctx, field->descriptor, body, call->in_flags,
                              (void *)((char *)call->message + field->offset));
}

static bool is_form_flag(struct sk_str name)
{
    return sk_str_eq(name, SK_STR("pretty")) || sk_str_eq(name, SK_STR("noPayloadShorthand"));
}

static sk_err read_query(struct web_call *call)
{
    struct sk_str query = call->request->query;
    struct web_pair pair;
    while (web_query_next(call->ctx, &query, &pair)) {
        if (is_form_flag(pair.name))
            continue;
        if (strcmp(call->match.route->body, "*") == 0)
            return sk_fail(call->ctx, SK_INVALID_ARGUMENT,
                           "query parameter '%.100s': the fields of this request stand in its body",
                           pair.name.p);
        sk_err err = sk_wire_json_set(call->ctx, call->message, pair.name, pair.value);
        if (err)
            return err;
    }
    return call->ctx->err.code;
}

static void read_request(void *arg)
{
    struct web_call *call = arg;
    const struct sk_web_route *route = call->match.route;
    call->err = read_body(call);
    if (!call->err)
        call->err = read_query(call);
    for (int i = 0; i < route->variable_count && !call->err; i++)
        call->err = sk_wire_json_set(call->ctx, call->message, sk_str_of(route->variables[i]),
                                     call->match.values[i]);
}

static void watch(void *owner, void (*fn)(void *arg), void *arg)
{
    const struct web_call *call = owner;
    sk_http_watch(call->request, fn, arg);
}

/* ---- answers in pieces: one message a line ---- */

static void print_piece(void *arg)
{
    struct web_call *call = arg;
    sk_buf_clear(&call->piece);
    sk_wire_json_print(&call->piece, call->answer,
                       call->out_flags & ~(unsigned)SK_WIRE_JSON_PRETTY);
    sk_buf_str(&call->piece, "\n");
}

static void start_stream(struct web_call *call)
{
    struct sk_http_response head = {
        .status = 200,
        .content_type = "application/x-ndjson",
        // nginx would collect what is to arrive at once
        .extra_headers = sk_arena_printf(call->ctx->arena, "%sX-Accel-Buffering: no\r\n",
                                         web_api_headers(call->web, call->request)),
    };
    call->streaming = true;
    sk_http_stream_start(call->request, &head);
}

static bool send_piece(void *owner, const ProtobufCMessage *message)
{
    struct web_call *call = owner;
    if (!call->streaming)
        start_stream(call);
    call->answer = (ProtobufCMessage *)(uintptr_t)message;
    sk_fiber_outside(print_piece, call);
    return sk_http_stream_write(call->request, sk_buf_view(&call->piece));
}

static bool send_json(void *owner, struct sk_str lines)
{
    struct web_call *call = owner;
    if (!call->streaming)
        start_stream(call);
    return sk_http_stream_write(call->request, lines);
}

static size_t behind(void *owner)
{
    const struct web_call *call = owner;
    return sk_http_stream_pending(call->request);
}

/* ---- the call ---- */

static struct sk_str lower(struct sk_arena *arena, struct sk_str text)
{
    char *copy = sk_arena_strndup(arena, text.p, text.n);
    for (size_t i = 0; i < text.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    return (struct sk_str){copy, text.n};
}

/* Headers as gRPC metadata; rpc keeps those that matter. */
static size_t metadata_of(struct web_call *call, struct sk_rpc_field *fields)
{
    const struct sk_str prefix = SK_STR(METADATA_PREFIX);
    struct sk_str name, value;
    size_t count = 0, cursor = 0;
    bool named = false;
    while (count < FIELDS_MAX && sk_http_next_header(call->request, &cursor, &name, &value)) {
        name = lower(call->ctx->arena, name);
        if (sk_str_starts(name, prefix))
            name = (struct sk_str){name.p + prefix.n, name.n - prefix.n};
        named = named || sk_str_eq(name, SK_STR("client-name"));
        if (sk_utf8_valid(value.p, value.n))
            fields[count++] = (struct sk_rpc_field){name, value};
    }
    if (!named) { // as Temporal's server calls those who do not say
        fields[count++] =
            (struct sk_rpc_field){SK_STR("client-name"), SK_STR("temporal-server-http")};
        fields[count++] = (struct sk_rpc_field){SK_STR("client-version"),
                                                sk_str_of(call->web->options.client_version)};
    }
    return count;
}

static sk_err run(struct web_call *call)
{
    struct sk_rpc_field fields[FIELDS_MAX + 2];
    struct sk_rpc_local options = {
        .fields = fields,
        .field_count = metadata_of(call, fields),
        .peer = call->request->peer,
        .timeout_ms = call->match.route->method->stream ? 0 : TIMEOUT_DEFAULT_MS,
        .watch = watch,
        .send = send_piece,
        .send_json = send_json,
        .behind = behind,
        .owner = call,
    };
    struct sk_str timeout = sk_http_header(call->request, "grpc-timeout");
    if (timeout.n > 0 && !sk_rpc_timeout_parse(timeout, &options.timeout_ms))
        return sk_fail(call->ctx, SK_INVALID_ARGUMENT,
                       "Grpc-Timeout \"%.*s\": at most eight digits and one of HMSmun are needed",
                       (int)(timeout.n < 50 ? timeout.n : 50), timeout.p);
    return sk_rpc_local_call(call->web->options.rpc, call->ctx, &options, call->match.route->method,
                             call->message, &call->answer);
}

static void print_answer(void *arg)
{
    struct web_call *call = arg;
    struct sk_buf out = SK_BUF_INIT;
    sk_wire_json_print(&out, call->answer, call->out_flags);
    sk_buf_str(&out, "\n");
    web_api_answer(call->web, call->request, call->response, 200, sk_buf_view(&out));
    call->response->content_type = media_of(call->out_flags);
    sk_buf_fini(&out);
}

/* ---- which call ---- */

static bool verb_of(struct sk_str method, enum sk_web_verb *ret)
{
    if (sk_str_eq(method, SK_STR("HEAD")))
        method = SK_STR("GET");
    for (int i = 0; i < SK_WEB_VERB_COUNT; i++) {
        *ret = (enum sk_web_verb)i;
        if (sk_str_eq(method, sk_str_of(sk_web_verb_name(*ret))))
            return true;
    }
    return false;
}

static sk_err check_route(struct web_call *call)
{
    if (call->match.route->verb != SK_WEB_GET) {
        sk_err err = web_check_change(call->web, call->request);
        if (err)
            return err;
    }
    const struct sk_web_route *route = call->match.route;
    const char *name = route->method->name;
    if (route->kind == SK_WEB_LEFT_OUT)
        return sk_fail(call->ctx, SK_PERMISSION_DENIED,
                       "%s is for workers: it is served over gRPC only", name);
    bool reads = route->verb == SK_WEB_GET || route->method->flags & SK_METHOD_READ_ONLY;
    if (call->web->options.read_only && !reads)
        return sk_fail(call->ctx, SK_PERMISSION_DENIED,
                       "%s changes things, and this port is read-only (--read-only-ui)", name);
    return SK_OK;
}

static void answer_wrong_verb(struct web_call *call)
{
    struct sk_buf allow = SK_BUF_INIT;
    sk_buf_printf(&allow, "%sAllow: ", web_api_headers(call->web, call->request));
    const char *comma = "";
    for (int i = 0; i < SK_WEB_VERB_COUNT; i++) {
        if (!(call->match.allowed & 1u << i))
            continue;
        sk_buf_printf(&allow, "%s%s", comma, sk_web_verb_name((enum sk_web_verb)i));
        comma = ", ";
    }
    sk_buf_str(&allow, "\r\n");
    (void)sk_fail(call->ctx, SK_UNIMPLEMENTED, SK_STR_FMT " is not served at this path",
                  SK_STR_ARG(call->request->method));
    web_api_error(call->web, call->request, call->response, call->out_flags);
    call->response->status = 405;
    call->response->extra_headers = sk_arena_strndup(call->ctx->arena, allow.p, allow.n);
    sk_buf_fini(&allow);
}

bool web_api_handle(struct sk_web *web, const struct sk_http_request *request,
                    struct sk_http_response *response)
{
    struct web_call call = {
        .web = web, .request = request, .response = response, .ctx = request->ctx};
    enum sk_web_verb verb;
    if (!verb_of(request->method, &verb))
        return false;
    sk_web_routes_match(web->routes, call.ctx->arena, verb, request->raw_path, &call.match);
    if (!call.match.route && !call.match.allowed)
        return false;
    choose_form(&call);
    if (!call.match.route) {
        answer_wrong_verb(&call);
        return true;
    }
    call.err = check_route(&call);
    if (!call.err)
        sk_fiber_outside(read_request, &call);
    if (!call.err)
        call.err = run(&call);
    sk_buf_fini(&call.piece);
    if (verb != SK_WEB_GET)
        web_note_action(request, call.match.route->method, call.message, call.err);
    if (call.streaming)
        return true;
    if (call.err)
        web_api_error(web, request, response, call.out_flags);
    else if (call.match.route->method->stream)
        start_stream(&call); // of nothing
    else
        sk_fiber_outside(print_answer, &call);
    return true;
}
