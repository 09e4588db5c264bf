/* For src/rpc/ only: the pieces of a server and a call. */
#ifndef SK_RPC_INTERNAL_H
#define SK_RPC_INTERNAL_H

#include <stdatomic.h>
#include "base/list.h"
#include "base/map.h"
#include "net/gzip.h"
#include "net/http2.h"
#include "rpc/rpc.h"
#include "rt/rt.h"

#define RPC_PREFIX 5               /* compressed flag, four bytes of length */
#define RPC_MESSAGE_MAX (4u << 20) /* grpc-go's default */
#define RPC_GZIP_MIN 1024          /* answers below stay plain */
#define RPC_GZIP_NEVER SIZE_MAX
#define RPC_POLL_DEADLINE_MIN_MS 2000
#define RPC_SPAWNED_MAX 128 /* see call.c */
/* Fibers of the process, shared by the loops. A stack is two of the mappings that Linux allows a
 * process, 65,530 unless told otherwise, and one that cannot be mapped ends it: so twice RUNNING
 * (workers' answers), LOCAL and a few more must stay below half of that. */
#define RPC_RUNNING_MAX 10240 /* in handlers */
#define RPC_LOCAL_MAX 8192    /* of calls over HTTP, parked ones too */

/* ---- metadata.c: what of a request's headers outlives it ---- */
/* One block: name NUL value NUL ... Shared by the calls of a connection that carry the same. */
struct rpc_metadata {
    uint32_t refs;
    uint32_t size;
    char text[];
};
/* What a request's headers say. Strings are borrowed as the fields are. */
struct rpc_request {
    struct sk_str path, content_type, encoding;
    bool post;
    bool accepts_gzip;
    int64_t timeout_ms; /* -1: none */
    bool timeout_bad;
    struct sk_str timeout;
};
void rpc_request_read(struct rpc_request *request, const struct sk_h2_header *fields, size_t count);
/* last: a block to share when it is equal, may be NULL. */
struct rpc_metadata *rpc_metadata_new(const struct sk_h2_header *fields, size_t count,
                                      struct rpc_metadata *last);
void rpc_metadata_unref(struct rpc_metadata *metadata);
const char *rpc_metadata_get(const struct rpc_metadata *metadata, const char *name);
/* Into ret (>= 16 bytes). */
struct sk_str rpc_timeout_format(int64_t timeout_ms, char *ret);

/* ---- status.c ---- */
/* The trailers of an answer; NULL err message is fine. Allocated in the arena. */
struct sk_h2_header *rpc_status_fields(struct sk_arena *arena, const struct sk_errinfo *info,
                                       size_t room, size_t *ret_count);
/* The reverse: fill ctx->err from a peer's trailers. */
sk_err rpc_status_read(struct sk_ctx *ctx, const char *status, const char *message,
                       const char *details);

/* ---- frame.c: length-prefixed messages ---- */
/* The message of a unary body: exactly one, decompressed when it says so. */
sk_err rpc_unframe(struct sk_ctx *ctx, struct sk_str body, bool gzip, size_t max,
                   struct sk_str *ret) SK_MUST_USE;
/* SK_OK when the prefix allows a message of at most max bytes; *ret_total: prefix and message. */
sk_err rpc_frame_check(struct sk_ctx *ctx, struct sk_str body, size_t max,
                       size_t *ret_total) SK_MUST_USE;
/* Prefix and packed message, in the arena; compressed when it has gzip_from bytes at least. Then
   what would not shrink stays plain, but from 0 all are compressed, as SDKs do. */
struct sk_str rpc_frame(struct sk_arena *arena, const ProtobufCMessage *message, size_t gzip_from,
                        bool *ret_gzipped);

/* ---- server ---- */
struct rpc_entry {
    struct sk_method method; /* a copy, or one of the server's own */
    bool stream; /* bidirectional: each message is answered by the handler, on the loop */
};

struct rpc_loop {
    struct sk_rpc_server *server;
    struct sk_list conns;
    struct sk_waitq emptied; /* woken when conns becomes empty */
    struct sk_list queue;    /* calls that wait for their turn */
    bool pump_posted;
    int spawned;           /* fibers that have not begun to run */
    int running;           /* fibers that have not ended, spawned ones among them */
    struct sk_list locals; /* struct rpc_local: local calls under way */
    int local_count;
};

struct sk_rpc_server {
    struct sk_rpc_server_options options;
    struct sk_tls *tls;
    struct sk_listener *listener;
    struct sk_map *methods;  /* "/service/Method" -> struct rpc_entry, owned */
    struct sk_map *services; /* name -> the first rpc_entry */
    struct rpc_loop *loops;
    int loop_count;
    int running_max, local_max; /* of one loop */
    atomic_bool draining;
    atomic_size_t conn_count, call_count;
    struct rpc_reflection *reflection;
};

/* What differs between calls that come over gRPC and those that other code of this process makes
 * for somebody (local.c). */
struct rpc_transport {
    /* whether anybody still waits for the answer */
    bool (*alive)(const struct sk_call *call);
    /* a parked call was resumed: let it run when it is its turn */
    void (*resumed)(struct sk_call *call);
};

/* Where calls come from; outlives them. */
struct rpc_origin {
    const struct rpc_transport *transport;
    struct sk_rpc_server *server;
    struct rpc_loop *loop;
    const char *peer;
    const char *principal; /* NULL: not known */
};

struct rpc_conn {
    struct rpc_origin origin; /* first: a call names this */
    struct sk_h2 *h2;         /* NULL once closed */
    struct sk_list in_loop;
    struct sk_list done;       /* calls whose handler is through */
    size_t call_count;         /* calls that name us */
    struct rpc_metadata *last; /* of the latest request */
    char peer[64];
    char *subject; /* owned; origin.principal */
};

enum rpc_call_state {
    CALL_RECEIVING, /* the request is not whole */
    CALL_QUEUED,    /* it waits for its turn: the request is whole, or it was resumed */
    CALL_RUNNING,   /* its fiber runs */
    CALL_PARKING,   /* the handler has parked it and not yet returned */
    CALL_PARKED,
    CALL_DONE,     /* the handler is through; on the connection's done list */
    CALL_ANSWERED, /* nothing left but the stream's end */
};

typedef sk_err (*rpc_resume_fn)(struct sk_call *call, struct sk_ctx *ctx, void *arg,
                                void *response);

struct sk_call {
    struct rpc_origin *from;
    struct sk_h2_stream *stream; /* NULL: the client is gone, or the call is local */
    const struct rpc_entry *entry;
    struct rpc_metadata *metadata;
    struct rpc_run *run; /* in its own arena; NULL while parked */
    void (*on_gone)(void *arg);
    void *gone_arg;
    rpc_resume_fn resume; /* given before the handler returned, or for the run that starts */
    void *resume_arg;
    struct sk_timer deadline; /* runs while parked */
    const char *ns_name;      /* of the ctx of the run before, or NULL */
    int64_t started_us;       /* monotonic: the wall clock may jump while it runs */
    int64_t deadline_mono_ms;
    struct sk_list in_list; /* QUEUED: of the loop's queue; DONE: of the connection's done */
    uint8_t state;
    bool gzip_in, gzip_out;
    bool admitted; /* the announced length of the message was granted */
    bool expired;  /* the deadline came while parking */
};

/* Of a call that came over gRPC. */
static inline struct rpc_conn *rpc_conn_of(const struct sk_call *call)
{
    return SK_CONTAINER(call->from, struct rpc_conn, origin);
}

/* What a call needs only while it runs. */
struct rpc_run {
    struct sk_arena *arena;
    struct sk_ctx ctx;
    const void *request;
    ProtobufCMessage *response;
    sk_err err;
};

/* A server that does not listen yet, and a connection of it: for fuzzing, and sk_rpc_listen. */
struct sk_rpc_server *rpc_server_new(const struct sk_rpc_server_options *options,
                                     const struct sk_method *methods, size_t method_count);
void rpc_accept(void *owner, struct sk_stream *stream);

/* ---- call.c ---- */
#define RPC_ANSWER_FIELDS 4
extern const struct sk_h2_header rpc_ok_trailers[1];
struct sk_call *rpc_call_new(struct rpc_conn *conn, struct sk_h2_stream *stream);
struct rpc_run *rpc_run_new(struct sk_call *call);
void rpc_run_free(struct sk_call *call);
/* The headers of an answer with a body; returns their number. */
size_t rpc_answer_fields(struct sk_h2_header *ret, bool gzipped);
/* The call ends with err, set by sk_fail in its run's ctx; or well. */
void rpc_call_answer(struct sk_call *call, sk_err err);
/* The same before the handler or instead of it. */
void rpc_call_refuse(struct sk_call *call, sk_err err);
/* Whoever asks is no gRPC client: an HTTP status, and a line of text for people. */
void rpc_call_answer_stranger(struct sk_call *call, const struct rpc_request *request);
/* Let it run when it is its turn: the request is whole. */
void rpc_call_enqueue(struct sk_call *call);
/* A handler has ended: what waits for room may run. */
void rpc_running_end(struct rpc_loop *loop);
/* Its stream is over. */
void rpc_call_closed(struct sk_call *call);
/* Tell the metrics, and the logs when it failed. */
void rpc_call_observe(struct sk_call *call, sk_err err);
void rpc_call_failed(struct sk_call *call, const struct sk_ctx *ctx, const void *request,
                     sk_err err);
extern const struct rpc_transport rpc_stream_transport;

/* ---- local.c ---- */
/* The server ends: as if whoever waits for a local call of this loop had gone. */
void rpc_local_end_all(struct rpc_loop *loop, bool streams_only);

/* ---- request.c ---- */
extern const struct sk_h2_events rpc_call_events; /* owner: struct rpc_conn */
void rpc_conn_unref_call(struct rpc_conn *conn);  /* a call is freed */

/* ---- health.c, reflection.c: the server's own methods ---- */
size_t rpc_health_methods(struct rpc_entry *ret, struct sk_rpc_server *server);     /* room for 2 */
size_t rpc_reflection_methods(struct rpc_entry *ret, struct sk_rpc_server *server); /* room for 2 */
void rpc_reflection_free(struct rpc_reflection *reflection);

#endif
