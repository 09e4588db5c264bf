/*
 * Streams: what one client subscribed to, and what it has seen of it. A stream is pulled: its
 * reader (a fiber of the client's connection) asks for the next lines and waits on loop 0 until
 * there are some. So there is nothing to queue: what changed twice while a client read is told
 * once. It is given one event and LIVE_LINES_BYTES at a time, and comes back when they are sent.
 *
 * Per subscription events are LIVE_PATCH_MS apart. A heartbeat goes out when nothing else did for
 * SK_LIVE_HEARTBEAT_MS, which is also how a connection that is dead without a word is found out.
 *
 * INV-1 a stream that was opened is closed by who opened it; sk_live_stop waits for that.
 *
 * Thread: loop 0; the functions of live.h come over from the caller's loop. Failure: a
 * subscription's error is an event of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/assert.h"
#include "base/metric.h"
#include "live/live_internal.h"
#include "wire/json.h"

#define ID_BYTES_MAX 100
#define BYE_RETRY_MS 1000

struct sk_live_stream {
    struct sk_list node; /* live->streams */
    struct sk_live *live;
    struct sk_waitq wait; /* its reader */
    struct live_subscription *subscriptions;
    size_t count;
    size_t turn; /* the subscription that is asked first */
    bool greeted;
    int64_t said_ms; /* when its last line went out */
    atomic_bool gone;
    atomic_int wakes; /* under way: sk_live_gone */
};

void live_set_gauges(struct sk_live *live)
{
    sk_metric_set(sk_metric_series(SK_METRIC_PUSH_STREAMS, NULL), (int64_t)live->stream_count);
    sk_metric_set(sk_metric_series(SK_METRIC_PUSH_TOPICS, NULL), (int64_t)live->topic_count);
    sk_metric_set(sk_metric_series(SK_METRIC_PUSH_BYTES, NULL), (int64_t)live->bytes);
}

/* ---- opening ---- */

static sk_err check(struct sk_ctx *ctx, const Skald__Api__V1__StreamRequest *r)
{
    if (r->n_subscriptions == 0 || r->n_subscriptions > SK_LIVE_SUBSCRIPTIONS_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "subscriptions has %zu entries, wants 1 to %d",
                       r->n_subscriptions, SK_LIVE_SUBSCRIPTIONS_MAX);
    for (size_t i = 0; i < r->n_subscriptions; i++) {
        const char *id = r->subscriptions[i]->id;
        if (!*id || strlen(id) > ID_BYTES_MAX)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "subscriptions[%zu].id has %zu bytes, wants 1 to %d", i, strlen(id),
                           ID_BYTES_MAX);
        for (size_t j = 0; j < i; j++)
            if (strcmp(id, r->subscriptions[j]->id) == 0)
                return sk_fail(ctx, SK_INVALID_ARGUMENT,
                               "subscriptions[%zu].id is that of subscriptions[%zu]: %s", i, j, id);
    }
    return SK_OK;
}

/* A cursor is "<instance>.<topic's birth>.<version>". < 0: of no use, for this topic as it is now.
 */
static int64_t version_of(const struct sk_live *live, const struct live_topic *topic,
                          const char *cursor)
{
    char prefix[SK_UUID_TEXT + 24], *end;
    int n = snprintf(prefix, sizeof prefix, "%s.%" PRId64 ".", live->instance, topic->born);
    if (strncmp(cursor, prefix, (size_t)n) != 0)
        return -1;
    long long version = strtoll(cursor + n, &end, 10);
    return *end == '\0' && version >= topic->born && version <= live->version ? (int64_t)version
                                                                              : -1;
}

static void subscribe(struct sk_live_stream *stream, struct live_subscription *s,
                      struct sk_arena *arena, const Skald__Api__V1__Subscription *asked)
{
    struct sk_live *live = stream->live;
    struct sk_ctx ctx = {.arena = arena};
    sk_list_init(&s->node);
    s->stream = stream;
    s->id = sk_mem_strdup(asked->id);
    s->seen = -1;
    s->sent_ms = INT64_MIN / 2;
    s->error = live_topic_get(live, &ctx, asked, &s->topic);
    if (s->error) {
        s->topic = NULL;
        s->error_text = sk_mem_strdup(ctx.err.message ? ctx.err.message : "");
        return;
    }
    if (*asked->cursor) {
        s->seen = version_of(live, s->topic, asked->cursor);
        s->reset = s->seen < 0;
    }
    sk_list_push_back(&s->topic->subscriptions, &s->node);
    live_topic_used(s->topic);
}

struct opening {
    struct sk_live *live;
    struct sk_ctx *ctx;
    const Skald__Api__V1__StreamRequest *request;
    struct sk_live_stream *stream;
    sk_err err;
};

static void open_here(void *arg)
{
    struct opening *o = arg;
    struct sk_live *live = o->live;
    if (live->stopping) {
        o->err = sk_fail(o->ctx, SK_UNAVAILABLE, "the server is stopping");
        return;
    }
    if (live->stream_count >= SK_LIVE_STREAMS_MAX) {
        o->err = sk_fail(o->ctx, SK_RESOURCE_EXHAUSTED,
                         "%zu push streams are open, at most %d: close some tabs, or poll",
                         live->stream_count, SK_LIVE_STREAMS_MAX);
        return;
    }
    struct sk_live_stream *stream = sk_mem_zalloc(sizeof *stream);
    stream->live = live;
    stream->count = o->request->n_subscriptions;
    stream->subscriptions = sk_mem_zalloc(stream->count * sizeof *stream->subscriptions);
    sk_waitq_init(&stream->wait);
    atomic_init(&stream->gone, false);
    sk_list_push_back(&live->streams, &stream->node);
    live->stream_count++;
    for (size_t i = 0; i < stream->count; i++)
        subscribe(stream, &stream->subscriptions[i], o->ctx->arena, o->request->subscriptions[i]);
    live_set_gauges(live);
    o->stream = stream;
}

sk_err sk_live_open(struct sk_live *live, struct sk_ctx *ctx,
                    const Skald__Api__V1__StreamRequest *request, struct sk_live_stream **ret)
{
    struct opening o = {.live = live, .ctx = ctx, .request = request};
    sk_err err = check(ctx, request);
    if (err)
        return err;
    sk_rt_call(0, open_here, &o);
    if (!o.err)
        *ret = o.stream;
    return o.err;
}

/* ---- lines ---- */

static void begin_line(struct sk_buf *out, const char *type, const char *subscription)
{
    sk_buf_printf(out, "{\"type\":\"%s\"", type);
    if (subscription) {
        sk_buf_str(out, ",\"subscription\":");
        sk_wire_json_quote(out, sk_str_of(subscription));
    }
}

static void say_hello(struct sk_live_stream *stream, struct sk_buf *out)
{
    char now[SK_WIRE_TIME_TEXT];
    int64_t ms = sk_now_wall_ms();
    sk_wire_time_format(ms / 1000, (int32_t)(ms % 1000) * 1000000, now);
    begin_line(out, "hello", NULL);
    sk_buf_printf(out,
                  ",\"hello\":{\"instance\":\"%s\",\"heartbeatMs\":\"%d\",\"serverTime\":\"%s\"",
                  stream->live->instance, SK_LIVE_HEARTBEAT_MS, now);
    sk_buf_str(out, ",\"version\":");
    sk_wire_json_quote(out, sk_str_of(stream->live->o.version));
    sk_buf_str(out, "}}\n");
    stream->greeted = true;
}

static void say_error(struct live_subscription *s, sk_err err, const char *text, struct sk_buf *out)
{
    begin_line(out, "error", s->id);
    sk_buf_printf(out, ",\"error\":{\"code\":%d,\"message\":", sk_err_grpc(err));
    sk_wire_json_quote(out, sk_str_of(text));
    sk_buf_str(out, "}}\n");
}

static void leave(struct live_subscription *s)
{
    struct live_topic *topic = s->topic;
    if (!topic)
        return;
    s->topic = NULL;
    sk_list_remove(&s->node);
    live_topic_left(topic);
}

static void say_state(struct live_subscription *s, struct sk_buf *out)
{
    if (s->reset) {
        begin_line(out, "reset", s->id);
        sk_buf_str(out, "}\n");
        s->reset = false;
    }
    begin_line(out, live_topic_type(s->topic), s->id);
    sk_buf_printf(out, ",\"cursor\":\"%s.%" PRId64 ".%" PRId64 "\",", s->stream->live->instance,
                  s->topic->born, s->topic->version);
    live_topic_print(s->topic, s->seen, out);
    sk_buf_str(out, "}\n");
    s->seen = s->topic->version;
    s->pending = false;
    s->sent_ms = sk_now_mono_ms();
    sk_metric_add(sk_metric_series(SK_METRIC_PUSH_EVENTS, live_topic_type(s->topic)), 1);
}

/* What is due now; *due_ms: when there is more. */
static void say_subscription(struct live_subscription *s, struct sk_buf *out, int64_t *due_ms)
{
    if (s->error) {
        say_error(s, s->error, s->error_text, out);
        s->error = SK_OK;
    }
    if (!s->topic)
        return;
    if (s->topic->error) {
        say_error(s, s->topic->error, s->topic->error_text, out);
        leave(s);
        return;
    }
    if (s->topic->version <= s->seen || s->topic->version == 0)
        return;
    int64_t at_ms = s->sent_ms + LIVE_PATCH_MS;
    if (at_ms <= sk_now_mono_ms())
        say_state(s, out);
    else if (at_ms < *due_ms)
        *due_ms = at_ms;
}

/* What is due of all, but not much more than LIVE_LINES_BYTES; who comes after that is first the
 * next time. So a reader holds one event and a little more, and none of its subscriptions starves.
 */
static void say_all(struct sk_live_stream *stream, struct sk_buf *out, int64_t *due_ms)
{
    size_t first = stream->turn;
    for (size_t i = 0; i < stream->count && out->n < LIVE_LINES_BYTES; i++) {
        say_subscription(&stream->subscriptions[(first + i) % stream->count], out, due_ms);
        stream->turn = (first + i + 1) % stream->count;
    }
}

struct reading {
    struct sk_live_stream *stream;
    struct sk_buf *out;
    bool over;
};

static void next_here(void *arg)
{
    struct reading *r = arg;
    struct sk_live_stream *stream = r->stream;
    for (;;) {
        if (!stream->greeted)
            say_hello(stream, r->out);
        if (stream->live->stopping) { // before gone: the connection's end may be on its way too
            begin_line(r->out, "bye", NULL);
            sk_buf_printf(r->out, ",\"bye\":{\"retryMs\":\"%d\"}}\n", BYE_RETRY_MS);
            r->over = true;
            return;
        }
        if (atomic_load(&stream->gone)) {
            r->over = true;
            return;
        }
        int64_t now_ms = sk_now_mono_ms();
        int64_t due_ms = stream->said_ms + SK_LIVE_HEARTBEAT_MS;
        say_all(stream, r->out, &due_ms);
        if (!r->out->n && stream->said_ms + SK_LIVE_HEARTBEAT_MS <= now_ms)
            sk_buf_str(r->out, "{\"type\":\"heartbeat\"}\n");
        if (r->out->n) {
            stream->said_ms = now_ms;
            return;
        }
        sk_waitq_wait(&stream->wait, due_ms);
    }
}

bool sk_live_next(struct sk_live_stream *stream, struct sk_buf *out)
{
    struct reading r = {.stream = stream, .out = out};
    sk_rt_call(0, next_here, &r);
    return !r.over;
}

void live_stream_wake(struct live_topic *topic)
{
    SK_LIST_EACH (node, &topic->subscriptions) {
        struct live_subscription *s = SK_CONTAINER(node, struct live_subscription, node);
        if (s->pending)
            continue; // its reader knows, and waits for the time
        s->pending = true;
        sk_waitq_wake_all(&s->stream->wait);
    }
}

/* ---- ending ---- */

static void wake_here(void *arg)
{
    struct sk_live_stream *stream = arg;
    sk_waitq_wake_all(&stream->wait);
    atomic_fetch_sub(&stream->wakes, 1);
}

void sk_live_gone(struct sk_live_stream *stream)
{
    atomic_store(&stream->gone, true);
    atomic_fetch_add(&stream->wakes, 1);
    sk_rt_post(stream->live->rt, 0, wake_here, stream);
}

static void close_here(void *arg)
{
    struct sk_live_stream *stream = arg;
    struct sk_live *live = stream->live;
    while (atomic_load(&stream->wakes))
        sk_fiber_yield();
    for (size_t i = 0; i < stream->count; i++) {
        leave(&stream->subscriptions[i]);
        sk_mem_free(stream->subscriptions[i].id);
        sk_mem_free(stream->subscriptions[i].error_text);
    }
    sk_list_remove(&stream->node);
    sk_mem_free(stream->subscriptions);
    sk_mem_free(stream);
    live->stream_count--;
    live_set_gauges(live);
    if (live->stream_count == 0)
        sk_waitq_wake_all(&live->quiet);
}

void sk_live_close(struct sk_live_stream *stream)
{
    if (stream)
        sk_rt_call(0, close_here, stream);
}

/* ---- the whole ---- */

struct sk_live *sk_live_new(const struct sk_live_options *options)
{
    struct sk_live *live = sk_mem_zalloc(sizeof *live);
    SK_ASSERT(sk_rt_loop_index() == 0);
    live->o = *options;
    live->rt = sk_rt_current();
    live->version = 1;
    sk_uuid_format(sk_uuid_new(sk_rt_random(), sk_now_wall_ms()), live->instance);
    sk_list_init(&live->topics);
    sk_list_init(&live->streams);
    sk_waitq_init(&live->quiet);
    live->by_key = sk_map_new();
    live->scratch = sk_arena_new(0);
    live_feed_init(live);
    live->observer = (struct sk_store_observer){live_feed_commit, live};
    sk_store_observe(live->o.store, &live->observer);
    return live;
}

void sk_live_drain(struct sk_live *live, int64_t wait_ms)
{
    if (!live)
        return;
    live->stopping = true;
    SK_LIST_EACH (node, &live->streams)
        sk_waitq_wake_all(&SK_CONTAINER(node, struct sk_live_stream, node)->wait);
    int64_t until_ms = sk_now_mono_ms() + wait_ms;
    while (live->stream_count && wait_ms && sk_now_mono_ms() < until_ms)
        sk_waitq_wait(&live->quiet, until_ms);
}

void sk_live_stop(struct sk_live *live)
{
    sk_live_drain(live, 0);
    while (live && (live->stream_count || live->busy))
        sk_waitq_wait(&live->quiet, 0);
}

void sk_live_free(struct sk_live *live)
{
    if (!live)
        return;
    SK_ASSERT(live->stream_count == 0 && live->busy == 0);
    sk_store_observe(live->o.store, NULL);
    live_feed_fini(live);
    SK_LIST_EACH (node, &live->topics)
        live_topic_free(SK_CONTAINER(node, struct live_topic, node));
    sk_map_free(live->by_key);
    sk_arena_free(live->scratch);
    sk_mem_free(live);
}
