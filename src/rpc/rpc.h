/*
 * gRPC, both ends: unary calls over HTTP/2, and the same methods called from within. The server
 * decodes a request on the loop's own stack, runs the method's handler in a fiber, packs the answer
 * and sends it. A handler that must wait long parks its call: the fiber and the arena go, a small
 * record stays.
 *
 * A call belongs to the loop of its connection, a local one to that of its fiber; every function
 * here runs on that loop.
 */
#ifndef SK_RPC_RPC_H
#define SK_RPC_RPC_H

#include <protobuf-c/protobuf-c.h>
#include "base/ctx.h"
#include "base/err.h"
#include "net/tls.h" /* struct sk_tls_options */

struct sk_call;
struct sk_rpc_server;

/* A handler fills *response (an initialised message of the method's type, in the arena) and
 * returns SK_OK; or returns an error with ctx->err set by sk_fail; or parks the call and returns
 * SK_PARKED. */
typedef sk_err (*sk_handler)(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                             void *response);

/* The other kind of handler: it answers with any number of messages, by sk_call_send, until it
 * returns or the client has gone. Such methods are served over HTTP only. An error before the first
 * message is the call's error; one after it ends the stream and nobody hears of it. */
typedef sk_err (*sk_stream_handler)(struct sk_call *call, struct sk_ctx *ctx, const void *request);

enum sk_method_flags {
    SK_METHOD_LONG_POLL = 1, /* counted apart; needs a deadline of 2 s or more, if any */
    SK_METHOD_READ_ONLY = 2,
    SK_METHOD_ADMIN = 4,
    SK_METHOD_WORKER = 8,
    SK_METHOD_UNBUILT = 16, /* answers UNIMPLEMENTED by name */
};

struct sk_method {
    const char *service; /* "temporal.api.workflowservice.v1.WorkflowService" */
    const char *name;    /* "StartWorkflowExecution" */
    const ProtobufCMessageDescriptor *request, *response;
    sk_handler handler; /* or stream */
    unsigned flags;
    void *owner; /* sk_call_owner */
    sk_stream_handler stream;
};

void *sk_call_owner(const struct sk_call *call);
const struct sk_method *sk_call_method(const struct sk_call *call);
/* Request metadata, lower-case name; NULL when absent. */
const char *sk_call_header(const struct sk_call *call, const char *name);
const char *sk_call_peer(const struct sk_call *call);

/* Parking. The handler stores what it needs in a record of its own, calls sk_call_park and returns
 * SK_PARKED. Exactly one of these ends the parked state: sk_call_resume by the owner, or on_gone
 * (client cancelled, connection lost, deadline passed), after which the call no longer exists and
 * must not be touched. */
void sk_call_park(struct sk_call *call, void (*on_gone)(void *arg), void *arg);
/* Go on in a new fiber with a fresh arena: fn fills the response as a handler does (it may park
 * again). */
void sk_call_resume(struct sk_call *call,
                    sk_err (*fn)(struct sk_call *call, struct sk_ctx *ctx, void *arg,
                                 void *response),
                    void *arg);
/* Whether the client still waits (no reset, connection open). */
bool sk_call_alive(const struct sk_call *call);

/* Streams, from their handler's fiber. */
/* Sends a message, at once; waits while the client is behind by more than some 64 KiB, at most a
 * minute. false: it has gone, is too slow, or the server ends: return. */
bool sk_call_send(struct sk_call *call, const ProtobufCMessage *message) SK_MUST_USE;
/* The same with whole lines of JSON that were made elsewhere, each a message of the method's type.
 */
bool sk_call_send_json(struct sk_call *call, struct sk_str lines) SK_MUST_USE;
/* Tell fn(arg), on this loop, once when the client goes or the server ends; at once if it is so
 * already. fn NULL: no longer, as before the handler returns. */
void sk_call_on_gone(struct sk_call *call, void (*fn)(void *arg), void *arg);
/* Bytes that were sent and that the client has not taken. */
size_t sk_call_behind(const struct sk_call *call);
/* Waits for sk_call_wake, at most until then (0: for ever). false as sk_call_send. Spurious returns
 * are possible. */
bool sk_call_wait(struct sk_call *call, int64_t until_mono_ms) SK_MUST_USE;
/* On the call's loop, from anything but its own fiber; the call must not have ended. */
void sk_call_wake(struct sk_call *call);

/* ---- server ---- */
struct sk_rpc_server_options {
    const char *ip;
    int port;                         /* 0: any free */
    const struct sk_tls_options *tls; /* NULL = cleartext */
    struct sk_ctx *ctx; /* told by sk_rpc_listen what is wrong with the TLS files; may be NULL */
    size_t message_max; /* bytes of one request, decompressed; default 4 MiB */
    /* every call passes here first; not SK_OK refuses it */
    sk_err (*authorise)(void *owner, struct sk_call *call, struct sk_ctx *ctx, const void *request);
    /* after every call, for metrics and logs; ns_name as its ctx said, or NULL; latency in
     * microseconds */
    void (*observe)(void *owner, const struct sk_method *method, const char *ns_name, sk_err err,
                    int64_t latency_us);
    /* an error is about to be answered, for logs: ctx->err says what. request is NULL when it could
     * not be read, or when the call was resumed */
    void (*failed)(void *owner, const struct sk_call *call, const struct sk_ctx *ctx,
                   const void *request, sk_err err);
    void *owner;
};

/* methods: borrowed for ever; health and reflection services are added by the server itself. */
sk_err sk_rpc_listen(const struct sk_rpc_server_options *options, const struct sk_method *methods,
                     size_t method_count, struct sk_rpc_server **ret,
                     int *reterr_errno) SK_MUST_USE;
int sk_rpc_port(const struct sk_rpc_server *server);
/* Graceful end: stop accepting, GOAWAY, finish running calls (parked ones must be resumed by
 * their owners), then close. Waits, from a fiber, until all is done or timeout_ms passed. */
void sk_rpc_drain(struct sk_rpc_server *server, int64_t timeout_ms);
/* Health answers NOT_SERVING from the start of a drain. */
/* After a drain, or when the loops have ended; from loop 0 or off the loops. NULL is fine. While a
 * handler still runs, nothing is freed. */
void sk_rpc_server_free(struct sk_rpc_server *server);
/* Connections and calls (running and parked) now, of all loops; any thread. */
void sk_rpc_counts(const struct sk_rpc_server *server, size_t *ret_connections, size_t *ret_calls);

/* ---- calls that this process makes for somebody who speaks no gRPC (local.c) ---- */
/* The server's own entry of a method, for sk_rpc_local_call; NULL when there is none. It lives as
 * long as the server. */
const struct sk_method *sk_rpc_method(const struct sk_rpc_server *server, const char *service,
                                      const char *name);
struct sk_rpc_field {
    struct sk_str name, value; /* name in lower case */
};
struct sk_rpc_local {
    const struct sk_rpc_field *fields; /* metadata; what handlers may ask for is kept */
    size_t field_count;
    const char *peer;
    const char *principal; /* or NULL */
    int64_t timeout_ms;    /* 0: none; sk_rpc_timeout_parse reads gRPC's form */
    /* Tell fn(arg), on this loop, once when who waits for the answer is gone; at once if it is gone
     * already. NULL fn: no longer. */
    void (*watch)(void *owner, void (*fn)(void *arg), void *arg);
    /* For methods that stream: see sk_call_send and sk_call_behind. */
    bool (*send)(void *owner, const ProtobufCMessage *message);
    bool (*send_json)(void *owner, struct sk_str lines);
    size_t (*behind)(void *owner);
    void *owner;
};
/* "1S" and the like, of a header grpc-timeout; false when malformed. */
bool sk_rpc_timeout_parse(struct sk_str text, int64_t *ret_ms);
/* Run a method as if the call had come over gRPC: the same hooks, limits and metrics, parking too.
 * From a fiber, which waits for the end. *ret (NULL of methods that stream) and ctx->err as
 * handlers leave them, in ctx->arena. CANCELLED when who waits is gone. */
sk_err sk_rpc_local_call(struct sk_rpc_server *server, struct sk_ctx *ctx,
                         const struct sk_rpc_local *options, const struct sk_method *method,
                         const ProtobufCMessage *request, ProtobufCMessage **ret) SK_MUST_USE;

/* ---- client: one connection; many calls at once, each from a fiber of the same loop ---- */
struct sk_rpc_client;
struct sk_rpc_client_options {
    const char *host;
    int port;
    const struct sk_tls_options *tls;
    bool gzip; /* compress all requests, as SDKs do; accept compressed answers */
    const char *client_name, *client_version;
};
sk_err sk_rpc_connect(struct sk_ctx *ctx, const struct sk_rpc_client_options *options,
                      struct sk_rpc_client **ret) SK_MUST_USE;
/* Calls under way fail with UNAVAILABLE; the client is freed when they are gone. */
void sk_rpc_client_close(struct sk_rpc_client *client);
/* false: the connection broke or the server says goodbye; new calls fail with UNAVAILABLE. */
bool sk_rpc_client_alive(const struct sk_rpc_client *client);
/* One call; waits. Errors carry the server's message in ctx->err. timeout_ms 0 = none. */
sk_err sk_rpc_call(struct sk_rpc_client *client, struct sk_ctx *ctx, const char *service,
                   const char *method, const ProtobufCMessage *request,
                   const ProtobufCMessageDescriptor *response_type, int64_t timeout_ms,
                   ProtobufCMessage **ret) SK_MUST_USE;

#endif
