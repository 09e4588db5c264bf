/*
 * Push: what clients subscribe to, evaluated once for all of them, as the messages of
 * proto/skald/api/v1/stream.proto. A list is kept as a window of rows in memory that every commit
 * patches; other topics are fetched again when they changed. A stream is read by pulling: who reads
 * slowly gets fewer and newer states, never a queue.
 *
 * Everything is bounded: SK_LIVE_STREAMS_MAX streams, SK_LIVE_TOPICS_MAX topics, the rows of all
 * lists SK_LIVE_BYTES_MAX. Nothing here knows HTTP.
 */
#ifndef SK_LIVE_LIVE_H
#define SK_LIVE_LIVE_H

#include "base/buf.h"
#include "base/ctx.h"
#include "skald/api/v1/stream.pb-c.h"
#include "store/namespaces.h"
#include "store/store.h"

#define SK_LIVE_STREAMS_MAX 512
#define SK_LIVE_TOPICS_MAX 256
#define SK_LIVE_SUBSCRIPTIONS_MAX 32 /* a stream */
#define SK_LIVE_PAGE_MAX 500
#define SK_LIVE_BYTES_MAX ((size_t)64 << 20)
#define SK_LIVE_HEARTBEAT_MS 10000

struct sk_live;
struct sk_live_stream;

struct sk_live_options { /* borrowed until sk_live_free */
    struct sk_store *store;
    struct sk_namespaces *namespaces;
    const char *version; /* the server's, for hello */
    /* Topics that others answer; each fills *ret in ctx->arena, in a fiber on loop 0. NULL: that
     * topic is not served. */
    sk_err (*run)(void *owner, struct sk_ctx *ctx, const struct sk_namespace *ns,
                  const Temporal__Api__Common__V1__WorkflowExecution *execution,
                  Skald__Api__V1__RunEvent *ret);
    sk_err (*task_queues)(void *owner, struct sk_ctx *ctx, const struct sk_namespace *ns,
                          Skald__Api__V1__ListTaskQueuesResponse *ret);
    /* points after since_ms; *ret_last_ms: where the newest one ends */
    sk_err (*figures)(void *owner, struct sk_ctx *ctx, const Skald__Api__V1__FiguresTopic *topic,
                      int64_t since_ms, Skald__Api__V1__GetFiguresResponse *ret,
                      int64_t *ret_last_ms);
    void *owner;
};

/* From a fiber on loop 0; it observes the store from now on. */
struct sk_live *sk_live_new(const struct sk_live_options *options);
/* NULL is fine here and below. Every stream says goodbye and ends, new ones are refused. From a
 * fiber on loop 0; waits at most so long for the streams to be closed by their owners. */
void sk_live_drain(struct sk_live *live, int64_t wait_ms);
/* The same, and waits until all are closed. */
void sk_live_stop(struct sk_live *live);
/* After sk_live_stop and the last commit; on loop 0. NULL is fine. */
void sk_live_free(struct sk_live *live);

/* ---- streams; from a fiber of any loop ---- */
/* INVALID_ARGUMENT for a request that makes no sense, RESOURCE_EXHAUSTED past the bounds,
 * UNAVAILABLE while stopping. What is wrong with one subscription comes as its error event. */
sk_err sk_live_open(struct sk_live *live, struct sk_ctx *ctx,
                    const Skald__Api__V1__StreamRequest *request,
                    struct sk_live_stream **ret) SK_MUST_USE;
/* Waits for something to say and appends it to out: whole lines. false: the stream is over (out may
 * hold a last line). */
bool sk_live_next(struct sk_live_stream *stream, struct sk_buf *out);
/* The client has gone: sk_live_next returns false soon. Any thread, while the stream is open. */
void sk_live_gone(struct sk_live_stream *stream);
void sk_live_close(struct sk_live_stream *stream);

#endif
