/* Streams over a store in memory, on virtual time: what subscribers are told of commits, how often,
 * after what; how many queries it takes; how streams end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/metric.h"
#include "live/live.h"
#include "live/live_internal.h"
#include "rt/rt.h"
#include "wire/json.h"

#define CHECK(cond) ((cond) ? (void)0 : sk_panic(__FILE__, __LINE__, "check failed: %s", #cond))
#define LOOPS 2

static struct {
    struct sk_ctx ctx;
    struct sk_store *store;
    struct sk_namespaces *namespaces;
    const struct sk_namespace *ns;
    struct sk_live *live;
    int64_t epochs[SK_SLOT_COUNT];
    int64_t events; /* what the run callback answers */
    int queue_calls;
    sk_err queue_error;
} w;

/* ---- commits ---- */

static struct sk_uuid run_id(int i)
{
    struct sk_uuid id = {{0}};
    id.b[0] = 0x10;
    id.b[14] = (unsigned char)(i >> 8);
    id.b[15] = (unsigned char)i;
    return id;
}

static void commit(const struct sk_op *op, struct sk_str workflow_id)
{
    uint32_t slot = sk_slot_of(w.ns->id, workflow_id);
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    if (!w.epochs[slot])
        CHECK(sk_store_lease(w.store, &ctx, slot, &w.epochs[slot]) == SK_OK);
    struct sk_txn txn = {slot, w.epochs[slot], op, 1};
    CHECK(sk_store_commit(w.store, &ctx, &txn) == SK_OK);
    sk_arena_free(ctx.arena);
}

static void put(int i, int status)
{
    char id[16];
    snprintf(id, sizeof id, "w%d", i);
    struct sk_op op = {.kind = SK_OP_VIS_PUT};
    op.vis = (struct sk_vis_row){.run = {w.ns->id, sk_str_of(id), run_id(i)},
                                 .type = SK_STR("T"),
                                 .task_queue = SK_STR("q"),
                                 .status = status,
                                 .start_ns = 1000 + i,
                                 .execution_ns = 1000 + i,
                                 .close_ns = status == 1 ? 0 : 1000000 + i};
    commit(&op, sk_str_of(id));
}

static void drop(int i)
{
    char id[16];
    snprintf(id, sizeof id, "w%d", i);
    struct sk_op op = {.kind = SK_OP_VIS_DELETE};
    op.run = (struct sk_run_key){w.ns->id, sk_str_of(id), run_id(i)};
    commit(&op, sk_str_of(id));
}

static void on_other_loop(void *arg)
{
    put(*(int *)arg, 1);
}

/* ---- a client ---- */

struct client {
    struct sk_live_stream *stream;
    int64_t at_ms; /* of the last event but heartbeats */
    json_t *event; /* the last one */
    char cursor[128];
    struct sk_buf rest;
    bool over;
};

static sk_err open_with(struct client *c, const char *json)
{
    ProtobufCMessage *request;
    sk_ctx_clear(&w.ctx);
    *c = (struct client){0};
    CHECK(sk_wire_json_parse(&w.ctx, &skald__api__v1__stream_request__descriptor, sk_str_of(json),
                             0, &request) == SK_OK);
    return sk_live_open(w.live, &w.ctx, (const Skald__Api__V1__StreamRequest *)request, &c->stream);
}

/* Every line must be a StreamEvent as the .proto says. */
static void check_line(struct sk_str line)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    ProtobufCMessage *event;
    if (sk_wire_json_parse(&ctx, &skald__api__v1__stream_event__descriptor, line, 0, &event) !=
        SK_OK)
        sk_panic(__FILE__, __LINE__, "%s in %.*s", ctx.err.message, (int)line.n, line.p);
    sk_arena_free(ctx.arena);
}

/* The next line; its type. "" when the stream is over. */
static const char *next(struct client *c)
{
    while (!memchr(c->rest.n ? c->rest.p : "", '\n', c->rest.n)) {
        if (c->over)
            return "";
        c->over = !sk_live_next(c->stream, &c->rest);
    }
    size_t n = (size_t)((char *)memchr(c->rest.p, '\n', c->rest.n) - c->rest.p);
    check_line((struct sk_str){c->rest.p, n});
    json_decref(c->event);
    c->event = json_loadb(c->rest.p, n, 0, NULL);
    memmove(c->rest.p, c->rest.p + n + 1, c->rest.n - n - 1);
    c->rest.n -= n + 1;
    const char *cursor = json_string_value(json_object_get(c->event, "cursor"));
    if (cursor)
        snprintf(c->cursor, sizeof c->cursor, "%s", cursor);
    return json_string_value(json_object_get(c->event, "type"));
}

static void expect(struct client *c, const char *type)
{
    const char *got = next(c);
    if (strcmp(got, type) != 0)
        sk_panic(__FILE__, __LINE__, "expected %s, got %s", type, got);
}

static json_t *body(const struct client *c, const char *name)
{
    return json_object_get(c->event, name);
}

static size_t rows(const struct client *c)
{
    return json_array_size(json_object_get(body(c, "list"), "executions"));
}

static size_t order(const struct client *c)
{
    return json_array_size(json_object_get(body(c, "list"), "runIds"));
}

static void leave(struct client *c)
{
    sk_live_close(c->stream);
    json_decref(c->event);
    sk_buf_fini(&c->rest);
}

static int64_t queries(const char *reason)
{
    return sk_metric_read(sk_metric_series(SK_METRIC_PUSH_QUERIES, reason));
}

#define RUNNING(n)                                               \
    "{\"subscriptions\":[{\"id\":\"l\",\"list\":{\"namespace\":" \
    "\"default\",\"query\":\"ExecutionStatus = 'Running'\",\"pageSize\":" #n "}}]}"

/* ---- tests ---- */

static void body_a_list(void)
{
    struct client c;
    put(1, 1);
    CHECK(open_with(&c, RUNNING(3)) == SK_OK);
    expect(&c, "hello");
    CHECK(json_object_get(body(&c, "hello"), "instance"));
    expect(&c, "list");
    CHECK(json_is_true(json_object_get(body(&c, "list"), "snapshot")));
    CHECK(rows(&c) == 1 && order(&c) == 1);
    put(2, 1);
    expect(&c, "list");
    CHECK(rows(&c) == 1 && order(&c) == 2); // the new row alone, and the order of both
    int i = 3;
    sk_rt_call(1, on_other_loop, &i);
    expect(&c, "list");
    CHECK(rows(&c) == 1 && order(&c) == 3 && !json_object_get(body(&c, "list"), "more"));
    put(4, 1);
    expect(&c, "list");
    CHECK(rows(&c) == 1 && order(&c) == 3 &&
          json_is_true(json_object_get(body(&c, "list"), "more")));
    put(3, 2); // it closed: the one that was pushed out is back
    expect(&c, "list");
    CHECK(rows(&c) == 1 && order(&c) == 3);
    drop(4);
    expect(&c, "list");
    CHECK(rows(&c) == 0 && order(&c) == 2);
    put(5, 2); // does not match: nothing to say until the heartbeat
    expect(&c, "heartbeat");
    CHECK(queries("begin") == 1 && queries("refill") == 0);
    leave(&c);
}

/* The page's runs by their numbers, in order. */
static const char *shown(const struct client *c)
{
    static char text[200];
    size_t i, n = 0;
    json_t *id;
    json_array_foreach(json_object_get(body(c, "list"), "runIds"), i, id)
    {
        n += (size_t)snprintf(text + n, sizeof text - n, "%ld ",
                              strtol(json_string_value(id) + 32, NULL, 16));
    }
    return text;
}

#define SORTED(by)                                                                            \
    "{\"subscriptions\":[{\"id\":\"l\",\"list\":{\"namespace\":\"default\",\"orderBy\":\"" by \
    "\",\"pageSize\":3}}]}"

/* Commits keep the order that was asked for, without asking the store again. */
static void body_orders(void)
{
    struct client c, d;
    int64_t asked = queries("begin"), refills = queries("refill");
    for (int i = 1; i <= 4; i++)
        put(i, 1);
    CHECK(open_with(&c, SORTED("StartTime")) == SK_OK);
    CHECK(open_with(&d, SORTED("ExecutionStatus desc")) == SK_OK);
    expect(&c, "hello");
    expect(&c, "list");
    CHECK(strcmp(shown(&c), "1 2 3 ") == 0);
    expect(&d, "hello");
    expect(&d, "list");
    CHECK(strcmp(shown(&d), "4 3 2 ") == 0);
    put(1, 2); // closed: its start stays, its status does not
    expect(&c, "list");
    CHECK(strcmp(shown(&c), "1 2 3 ") == 0 && rows(&c) == 1);
    expect(&d, "list");
    CHECK(strcmp(shown(&d), "1 4 3 ") == 0 && rows(&d) == 1);
    put(0, 3);
    expect(&c, "list");
    CHECK(strcmp(shown(&c), "0 1 2 ") == 0 && rows(&c) == 1);
    expect(&d, "list");
    CHECK(strcmp(shown(&d), "0 1 4 ") == 0 && rows(&d) == 1);
    drop(1);
    expect(&c, "list");
    CHECK(strcmp(shown(&c), "0 2 3 ") == 0 && rows(&c) == 1);
    expect(&d, "list");
    CHECK(strcmp(shown(&d), "0 4 3 ") == 0 && rows(&d) == 1);
    CHECK(queries("begin") - asked == 2 && queries("refill") == refills);
    leave(&c);
    leave(&d);
}

/* However much happens, a subscription has at most four events a second, and the last one shows the
 * last state. */
static void body_four_a_second(void)
{
    struct client c;
    CHECK(open_with(&c, RUNNING(500)) == SK_OK);
    expect(&c, "hello");
    expect(&c, "list");
    int64_t begin_ms = sk_now_mono_ms();
    int events = 0, made = 0;
    while (order(&c) < 300) {
        for (int i = 0; i < 5 && made < 300; i++)
            put(made++, 1);
        expect(&c, "list");
        events++;
    }
    int64_t took_ms = sk_now_mono_ms() - begin_ms;
    CHECK(events <= took_ms / LIVE_PATCH_MS + 1);
    CHECK(events >= 2);
    leave(&c);
}

/* Spares move up; when they are used up the store is asked, six times a minute at most. */
static void body_refills(void)
{
    struct client c;
    for (int i = 0; i < 600; i++)
        put(i, 1);
    int64_t refills = queries("refill");
    CHECK(open_with(&c, RUNNING(10)) == SK_OK);
    expect(&c, "hello");
    expect(&c, "list");
    for (int i = 599; i >= 500; i--) // the page and 90 spares
        put(i, 2);
    sk_fiber_sleep(1000);
    while (strcmp(next(&c), "list") == 0 && order(&c) == 10 && queries("refill") == refills) {
        const char *first =
            json_string_value(json_array_get(json_object_get(body(&c, "list"), "runIds"), 0));
        if (strcmp(first, "10000000-0000-0000-0000-0000000001f3") == 0) // w499
            break;
    }
    CHECK(queries("refill") == refills && order(&c) == 10);
    int64_t begin_ms = sk_now_mono_ms();
    for (int i = 499; i >= 100; i--) {
        put(i, 2);
        sk_fiber_sleep(50);
    }
    int64_t minutes = (sk_now_mono_ms() - begin_ms) / 60000 + 1;
    CHECK(queries("refill") > refills && queries("refill") - refills <= 6 * minutes);
    sk_fiber_sleep(LIVE_REFILL_MS + 1000);
    do
        expect(&c, "list");
    while (c.rest.n); // the newest state
    CHECK(order(&c) == 10 && !json_object_get(body(&c, "list"), "shortPage"));
    leave(&c);
}

/* Ten who look at the same cost one list; a cursor goes on where it was. */
static void body_shared_and_resumed(void)
{
    struct client many[10], again;
    char request[512];
    int64_t begun = queries("begin");
    for (int i = 0; i < 20; i++)
        put(i, 1);
    for (int i = 0; i < 10; i++) {
        CHECK(open_with(&many[i], RUNNING(50)) == SK_OK);
        expect(&many[i], "hello");
        expect(&many[i], "list");
        CHECK(rows(&many[i]) == 20);
    }
    CHECK(queries("begin") == begun + 1);
    CHECK(sk_metric_read(sk_metric_series(SK_METRIC_PUSH_TOPICS, NULL)) == 1);
    put(20, 1);
    for (int i = 0; i < 10; i++)
        expect(&many[i], "list");
    snprintf(request, sizeof request,
             "{\"subscriptions\":[{\"id\":\"l\",\"cursor\":\"%s\",\"list\":{\"namespace\":"
             "\"default\",\"query\":\"ExecutionStatus = 'Running'\",\"pageSize\":50}}]}",
             many[0].cursor);
    for (int i = 0; i < 10; i++)
        leave(&many[i]);
    put(21, 1);
    sk_fiber_sleep(100);
    CHECK(open_with(&again, request) == SK_OK); // nobody looked meanwhile
    expect(&again, "hello");
    expect(&again, "list");
    CHECK(!json_object_get(body(&again, "list"), "snapshot") && rows(&again) == 1 &&
          order(&again) == 22);
    leave(&again);
    CHECK(queries("begin") == begun + 1);
    sk_fiber_sleep(LIVE_LINGER_MS + 1000); // now it is forgotten
    CHECK(open_with(&again, request) == SK_OK);
    expect(&again, "hello");
    expect(&again, "reset");
    expect(&again, "list");
    CHECK(json_is_true(json_object_get(body(&again, "list"), "snapshot")) && rows(&again) == 22);
    CHECK(queries("begin") == begun + 2);
    leave(&again);
}

/* A commit whose outcome is unknown: the list asks the store what became of it. */
static void body_unknown_outcome(void)
{
    struct client c;
    put(1, 1);
    CHECK(open_with(&c, RUNNING(5)) == SK_OK);
    expect(&c, "hello");
    expect(&c, "list");
    sk_store_observe(w.store, NULL); // it happens, but nobody hears of it
    put(2, 1);
    sk_store_observe(w.store, &w.live->observer);
    struct sk_txn txn = {.slot = 1};
    live_feed_commit(w.live, &txn, SK_COMMIT_UNKNOWN);
    do
        CHECK(*next(&c));
    while (order(&c) != 2);
    leave(&c);
}

/* One that comes while the list asks: it asks once more. */
static void body_unknown_while_asking(void)
{
    struct client c;
    put(1, 1);
    CHECK(open_with(&c, RUNNING(5)) == SK_OK);
    expect(&c, "hello");
    expect(&c, "list");
    struct live_topic *topic = SK_CONTAINER(w.live->topics.next, struct live_topic, node);
    struct live_note unknown = {.kind = LIVE_UNKNOWN};
    live_topic_note(topic, &unknown, w.live->scratch);
    while (!topic->busy)
        sk_fiber_sleep(1);
    int64_t asked = queries("refill");
    live_topic_note(topic, &unknown, w.live->scratch);
    sk_fiber_sleep(2 * LIVE_REFILL_MS);
    CHECK(queries("refill") == asked + 1);
    leave(&c);
}

#define PAGE(id, n) "{\"id\":\"" #id "\",\"list\":{\"namespace\":\"default\",\"pageSize\":" #n "}}"

/* Large pages are handed out one at a time, in turn, however fast they change. */
static void body_one_at_a_time(void)
{
    struct client c;
    int told[4] = {0};
    for (int i = 0; i < 600; i++)
        put(i, 1);
    CHECK(open_with(&c, "{\"subscriptions\":[" PAGE(0, 500) "," PAGE(1, 499) "," PAGE(
                            2, 498) "," PAGE(3, 497) "]}") == SK_OK);
    sk_fiber_sleep(1000); // all four are there
    for (int round = 0; round < 8; round++) {
        struct sk_buf out = SK_BUF_INIT;
        CHECK(sk_live_next(c.stream, &out));
        size_t lines = 0;
        for (size_t i = 0; i < out.n; i++)
            lines += out.p[i] == '\n';
        char *at = strstr(out.p, "\"subscription\":\"");
        CHECK(at && lines == (round ? 1 : 2) && out.n > LIVE_LINES_BYTES); // hello is a line, too
        told[at[16] - '0']++;
        sk_buf_fini(&out);
        for (int i = 0; i < 600; i++)
            put(i, round % 2 + 1); // all of it changes, and the reader is slow
        sk_fiber_sleep(2 * LIVE_PATCH_MS);
    }
    CHECK(told[0] == 2 && told[1] == 2 && told[2] == 2 && told[3] == 2);
    leave(&c);
}

/* What takes long to work off is waited for, in bounded memory, and the lists end up right. */
static void body_feeds_wait(void)
{
    struct client c;
    put(1, 1);
    CHECK(open_with(&c, RUNNING(5)) == SK_OK);
    expect(&c, "hello");
    expect(&c, "list");
    struct live_feed *feed = &w.live->feeds[0];
    atomic_store(&feed->away, true); // as if loop 0 had not come to the last notes yet
    put(2, 1);
    sk_fiber_sleep(10 * LIVE_FEED_MS);
    CHECK(feed->count == 1 && atomic_load(&w.live->trips) == 0);
    for (int i = 0; i < 30000; i++)
        put(3 + i % 5, 1);
    CHECK(feed->overflow && feed->count <= LIVE_FEED_MAX + 1 &&
          feed->bytes < LIVE_FEED_BYTES_MAX + 10000);
    drop(7);
    atomic_store(&feed->away, false);
    sk_fiber_sleep(2 * LIVE_REFILL_MS);
    CHECK(feed->count == 0 && feed->bytes == 0);
    do
        expect(&c, "list");
    while (c.rest.n);
    CHECK(order(&c) == 5 &&
          strcmp(json_string_value(json_array_get(json_object_get(body(&c, "list"), "runIds"), 0)),
                 "10000000-0000-0000-0000-000000000006") == 0);
    leave(&c);
}

/* What is kept of a row is counted with the JSON that is made of it. */
static void body_rows_are_weighed(void)
{
    for (size_t n = 4; n <= 3004; n += 1000) {
        struct sk_buf text = SK_BUF_INIT;
        ProtobufCMessage *memo;
        sk_buf_printf(&text, "{\"fields\":{\"k\":{\"data\":\"%0*d\"}}}", (int)n, 0);
        CHECK(sk_wire_json_parse(&w.ctx, &temporal__api__common__v1__memo__descriptor,
                                 sk_buf_view(&text), 0, &memo) == SK_OK);
        struct sk_vis_row vis = {.run = {w.ns->id, SK_STR("w"), run_id(1)},
                                 .type = SK_STR("T"),
                                 .task_queue = SK_STR("q"),
                                 .status = 1,
                                 .memo = sk_wire_pack(w.ctx.arena, memo)};
        struct live_row *row = live_row_new(&vis);
        struct sk_str json = live_row_json(row, w.ns);
        CHECK(json.n > n && row->bytes >= sizeof *row + vis.memo.n + json.n);
        CHECK(row->bytes < 3 * (sizeof *row + vis.memo.n + json.n));
        live_row_unref(row);
        sk_buf_fini(&text);
    }
}

static void body_count(void)
{
    struct client c;
    put(1, 1);
    put(2, 2);
    CHECK(open_with(&c,
                    "{\"subscriptions\":[{\"id\":\"n\",\"count\":{\"namespace\":\"default\"}}]}") ==
          SK_OK);
    expect(&c, "hello");
    expect(&c, "count");
    CHECK(strcmp(json_string_value(json_object_get(body(&c, "count"), "count")), "2") == 0);
    CHECK(json_array_size(json_object_get(body(&c, "count"), "groups")) == 2);
    int64_t begin_ms = sk_now_mono_ms(), asked = queries("count");
    for (int i = 3; i < 100; i++)
        put(i, 1);
    expect(&c, "count");
    CHECK(sk_now_mono_ms() - begin_ms >= LIVE_COUNT_MS - 1000);
    CHECK(queries("count") == asked + 1);
    CHECK(strcmp(json_string_value(json_object_get(body(&c, "count"), "count")), "99") == 0);
    leave(&c);
}

static void touch(int i, int64_t last_event_id)
{
    char id[16];
    snprintf(id, sizeof id, "w%d", i);
    struct sk_op op = {.kind = SK_OP_HISTORY_APPEND};
    op.run = (struct sk_run_key){w.ns->id, sk_str_of(id), run_id(i)};
    op.history.first_event_id = op.history.last_event_id = last_event_id;
    op.history.events = SK_STR("");
    w.events = last_event_id;
    struct sk_op exec = {.kind = SK_OP_EXEC_PUT};
    exec.run = op.run;
    exec.exec.version = last_event_id;
    exec.exec.state = SK_STR("s");
    struct sk_op ops[] = {op, exec};
    uint32_t slot = sk_slot_of(w.ns->id, sk_str_of(id));
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    if (!w.epochs[slot])
        CHECK(sk_store_lease(w.store, &ctx, slot, &w.epochs[slot]) == SK_OK);
    struct sk_txn txn = {slot, w.epochs[slot], ops, 2};
    CHECK(sk_store_commit(w.store, &ctx, &txn) == SK_OK);
    sk_arena_free(ctx.arena);
}

static void body_run(void)
{
    struct client c;
    touch(7, 1);
    CHECK(open_with(&c, "{\"subscriptions\":[{\"id\":\"r\",\"run\":{\"namespace\":\"default\","
                        "\"execution\":{\"workflowId\":\"w7\"}}}]}") == SK_OK);
    expect(&c, "hello");
    expect(&c, "run");
    CHECK(strcmp(json_string_value(json_object_get(body(&c, "run"), "lastEventId")), "1") == 0);
    touch(7, 2);
    expect(&c, "run");
    CHECK(strcmp(json_string_value(json_object_get(body(&c, "run"), "lastEventId")), "2") == 0);
    touch(8, 1); // another run
    w.events = 2;
    expect(&c, "heartbeat");
    w.events = -1; // gone
    struct sk_op op = {.kind = SK_OP_EXEC_DELETE};
    op.run = (struct sk_run_key){w.ns->id, SK_STR("w7"), run_id(7)};
    commit(&op, SK_STR("w7"));
    expect(&c, "run");
    CHECK(json_is_true(json_object_get(body(&c, "run"), "deleted")));
    leave(&c);
}

/* The states of topics that are no lists are counted, and given back. */
static void body_states_are_weighed(void)
{
    struct client c;
    touch(7, 1);
    CHECK(open_with(&c, "{\"subscriptions\":[{\"id\":\"r\",\"run\":{\"namespace\":\"default\","
                        "\"execution\":{\"workflowId\":\"w7\"}}}]}") == SK_OK);
    expect(&c, "hello");
    expect(&c, "run");
    CHECK(w.live->bytes > 50 && w.live->bytes < 1000);
    leave(&c);
    sk_fiber_sleep(LIVE_LINGER_MS + 1000);
    CHECK(w.live->bytes == 0);
}

static void body_queues(void)
{
    struct client c;
    CHECK(open_with(&c, "{\"subscriptions\":[{\"id\":\"q\",\"taskQueues\":{\"namespace\":"
                        "\"default\"}}]}") == SK_OK);
    expect(&c, "hello");
    expect(&c, "task_queues");
    int calls = w.queue_calls;
    expect(&c, "heartbeat"); // asked again and again, and nothing changed
    CHECK(w.queue_calls >= calls + 3 && w.queue_calls <= calls + 6);
    leave(&c);
    sk_fiber_sleep(5000);
    calls = w.queue_calls;
    sk_fiber_sleep(5000);
    CHECK(w.queue_calls == calls); // nobody looks, nobody asks
}

static void body_refusals(void)
{
    struct client c;
    CHECK(open_with(&c, "{}") == SK_INVALID_ARGUMENT);
    CHECK(open_with(&c, "{\"subscriptions\":[{\"id\":\"\"}]}") == SK_INVALID_ARGUMENT);
    CHECK(open_with(&c, "{\"subscriptions\":[{\"id\":\"a\"},{\"id\":\"a\"}]}") ==
          SK_INVALID_ARGUMENT);
    CHECK(open_with(&c, "{\"subscriptions\":[{\"id\":\"1\"},"
                        "{\"id\":\"2\",\"list\":{\"namespace\":\"nope\"}},"
                        "{\"id\":\"3\",\"list\":{\"namespace\":\"default\",\"query\":\"a b\"}},"
                        "{\"id\":\"4\",\"list\":{\"namespace\":\"default\",\"pageSize\":501}},"
                        "{\"id\":\"5\",\"list\":{\"namespace\":\"default\",\"orderBy\":\"x\"}},"
                        "{\"id\":\"6\",\"list\":{\"namespace\":\"default\"}}]}") == SK_OK);
    expect(&c, "hello");
    for (int i = 1; i <= 5; i++) {
        char id[4];
        snprintf(id, sizeof id, "%d", i);
        expect(&c, "error");
        CHECK(strcmp(json_string_value(json_object_get(c.event, "subscription")), id) == 0);
    }
    expect(&c, "list"); // the others go on
    leave(&c);
    struct client *all = sk_mem_zalloc(sizeof *all * SK_LIVE_STREAMS_MAX);
    for (int i = 0; i < SK_LIVE_STREAMS_MAX; i++)
        CHECK(open_with(&all[i], RUNNING(5)) == SK_OK);
    CHECK(open_with(&c, RUNNING(5)) == SK_RESOURCE_EXHAUSTED);
    for (int i = 0; i < SK_LIVE_STREAMS_MAX; i++)
        leave(&all[i]);
    sk_mem_free(all);
}

/* Different topics are bounded; those that nobody looks at make room. */
static void body_topics_are_bounded(void)
{
    struct client c[10], more;
    char request[8192];
    for (int i = 0; i < 9; i++) {
        int n = snprintf(request, sizeof request, "{\"subscriptions\":[");
        for (int j = 0; j < 32; j++)
            n += snprintf(request + n, sizeof request - (size_t)n,
                          "%s{\"id\":\"%d\",\"list\":{\"namespace\":\"default\",\"query\":"
                          "\"WorkflowId='%d'\"}}",
                          j ? "," : "", j, i * 32 + j);
        snprintf(request + n, sizeof request - (size_t)n, "]}");
        CHECK(open_with(&c[i], request) == SK_OK);
    }
    expect(&c[8], "hello");
    expect(&c[8], "error"); // the 257th
    CHECK(json_integer_value(json_object_get(body(&c[8], "error"), "code")) == 8);
    for (int i = 0; i < 9; i++)
        leave(&c[i]);
    sk_fiber_sleep(1000);                         // their queries have returned
    CHECK(open_with(&more, RUNNING(5)) == SK_OK); // one of the idle ones went
    expect(&more, "hello");
    expect(&more, "list");
    leave(&more);
}

static void read_to_the_end(void *arg)
{
    struct client *c = arg;
    while (*next(c))
        ;
    leave(c);
    c->stream = NULL;
}

static void body_endings(void)
{
    static struct client a, b;
    CHECK(open_with(&a, RUNNING(5)) == SK_OK && open_with(&b, RUNNING(5)) == SK_OK);
    sk_fiber_spawn(read_to_the_end, &a);
    sk_fiber_spawn(read_to_the_end, &b);
    sk_fiber_sleep(1000);
    sk_live_gone(a.stream); // its client went
    sk_fiber_sleep(100);
    CHECK(!a.stream && b.stream);
    sk_live_stop(w.live); // waits for the other
    CHECK(!b.stream);
    struct client late;
    CHECK(open_with(&late, RUNNING(5)) == SK_UNAVAILABLE);
}

static void body_bye(void)
{
    struct client c;
    CHECK(open_with(&c, RUNNING(5)) == SK_OK);
    expect(&c, "hello");
    expect(&c, "list");
    sk_live_drain(w.live, 0);
    expect(&c, "bye");
    CHECK(*next(&c) == '\0');
    leave(&c);
}

/* ---- the world ---- */

static sk_err on_run(void *owner, struct sk_ctx *ctx, const struct sk_namespace *ns,
                     const Temporal__Api__Common__V1__WorkflowExecution *execution,
                     Skald__Api__V1__RunEvent *ret)
{
    if (w.events < 0)
        return sk_fail(ctx, SK_NOT_FOUND, "gone");
    ret->describe =
        SK_NEW(ctx->arena, Temporal__Api__Workflowservice__V1__DescribeWorkflowExecutionResponse);
    temporal__api__workflowservice__v1__describe_workflow_execution_response__init(ret->describe);
    Temporal__Api__Workflow__V1__WorkflowExecutionInfo *info =
        SK_NEW(ctx->arena, Temporal__Api__Workflow__V1__WorkflowExecutionInfo);
    temporal__api__workflow__v1__workflow_execution_info__init(info);
    info->execution = SK_NEW(ctx->arena, Temporal__Api__Common__V1__WorkflowExecution);
    temporal__api__common__v1__workflow_execution__init(info->execution);
    char *text = sk_arena_alloc(ctx->arena, SK_UUID_TEXT);
    sk_uuid_format(run_id(7), text);
    info->execution->run_id = text;
    info->execution->workflow_id = execution->workflow_id;
    info->history_length = w.events;
    ret->describe->workflow_execution_info = info;
    return SK_OK;
}

static sk_err on_queues(void *owner, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        Skald__Api__V1__ListTaskQueuesResponse *ret)
{
    w.queue_calls++;
    return w.queue_error;
}

struct run {
    void (*body)(void);
    struct sk_rt *rt;
};

static void on_fiber(void *arg)
{
    struct run *run = arg;
    memset(&w, 0, sizeof w);
    w.ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    CHECK(sk_memory_store_open(&w.ctx, &w.store) == SK_OK);
    CHECK(sk_namespaces_open(&w.ctx, w.store, &w.namespaces) == SK_OK);
    CHECK(sk_namespaces_put(w.namespaces, &w.ctx,
                            &(struct sk_namespace){.name = "default", .retention_ms = 86400000},
                            &w.ns) == SK_OK);
    w.live = sk_live_new(&(struct sk_live_options){.store = w.store,
                                                   .namespaces = w.namespaces,
                                                   .version = "0.1",
                                                   .run = on_run,
                                                   .task_queues = on_queues});
    run->body();
    sk_live_stop(w.live);
    sk_live_free(w.live);
    sk_namespaces_close(w.namespaces);
    sk_store_close(w.store);
    sk_arena_free(w.ctx.arena);
    sk_rt_stop(run->rt);
}

static void run_body(void (*test)(void))
{
    struct sk_rt *rt = sk_rt_new(&(struct sk_rt_options){
        .loop_count = LOOPS, .simulated = true, .seed = 3, .start_wall_ms = 1700000000000});
    struct run run = {test, rt};
    sk_rt_run(rt, on_fiber, &run);
    sk_rt_free(rt);
}

#define TEST(name)                        \
    static void test_##name(void **state) \
    {                                     \
        run_body(body_##name);            \
    }
TEST(a_list)
TEST(orders)
TEST(four_a_second)
TEST(refills)
TEST(shared_and_resumed)
TEST(unknown_outcome)
TEST(unknown_while_asking)
TEST(one_at_a_time)
TEST(feeds_wait)
TEST(rows_are_weighed)
TEST(states_are_weighed)
TEST(count)
TEST(run)
TEST(queues)
TEST(refusals)
TEST(topics_are_bounded)
TEST(endings)
TEST(bye)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_four_a_second),
        cmocka_unit_test(test_refills),
        cmocka_unit_test(test_shared_and_resumed),
        cmocka_unit_test(test_unknown_outcome),
        cmocka_unit_test(test_unknown_while_asking),
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_feeds_wait),
        cmocka_unit_test(test_rows_are_weighed),
        cmocka_unit_test(test_states_are_weighed),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_queues),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_topics_are_bounded),
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_bye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
