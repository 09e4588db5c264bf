/*
 * Topics: what is subscribed to, one for all who subscribe to the same.
 *
 *        live_topic_get          left by the last         LIVE_LINGER_MS
 *   ------------------> used -------------------> idle -----------------> freed
 *                         ^------ live_topic_used --'
 *
 * A list is patched by notes (list.c) and asks the store only to begin, when its spares ran out, or
 * when a note said that something may be missing; at most once in LIVE_REFILL_MS, and as seldom as
 * keeps its queries under a twentieth of the time (an order without an index). While a query is
 * under way the notes that come are also kept in a journal, and laid over its answer: an answer may
 * be older or newer than a note, but every commit is in one of them, and the last note of a run is
 * its newest state. The other topics are fetched as a whole: when a note made them dirty (a count,
 * a run) or when their time has come (queues, figures), each with a least distance between two
 * fetches.
 *
 * INV-1 one fiber at most works for a topic (busy); a busy topic is not freed.
 * INV-2 version grows only when what is shown changes, so a subscriber that saw it needs nothing.
 *
 * Thread: loop 0. Failure: a topic that cannot be served (a bad query found by the store, a query
 * that takes too long) gets an error, which its subscribers are told once; the store being away is
 * tried again.
 */
#include <string.h>
#include "base/assert.h"
#include "base/metric.h"
#include "live/live_internal.h"
#include "visibility/visibility.h"
#include "wire/json.h"

#define PAGE_DEFAULT 50
#define JOURNAL_MAX 50000
#define RETRY_MS 5000
#define BUSY_MS 1000

typedef Skald__Api__V1__Subscription subscription_pb;

static void on_timer(struct sk_timer *timer);

/* ---- making ---- */

static const char *namespace_of(const subscription_pb *s)
{
    switch (s->topic_case) {
    case SKALD__API__V1__SUBSCRIPTION__TOPIC_LIST:
        return s->list->namespace_;
    case SKALD__API__V1__SUBSCRIPTION__TOPIC_COUNT:
        return s->count->namespace_;
    case SKALD__API__V1__SUBSCRIPTION__TOPIC_RUN:
        return s->run->namespace_;
    case SKALD__API__V1__SUBSCRIPTION__TOPIC_TASK_QUEUES:
        return s->task_queues->namespace_;
    default:
        return NULL;
    }
}

static sk_err find_namespace(struct sk_live *live, struct sk_ctx *ctx, const subscription_pb *s,
                             const struct sk_namespace **ret)
{
    const char *name = namespace_of(s);
    *ret = NULL;
    if (!name) // figures check their own: the server's have none
        return SK_OK;
    *ret = *name ? sk_namespaces_by_name(live->o.namespaces, name) : NULL;
    if (*ret)
        return SK_OK;
    return *name ? sk_fail(ctx, SK_NOT_FOUND, "Namespace %s is not found.", name)
                 : sk_fail(ctx, SK_INVALID_ARGUMENT, "Namespace is empty.");
}

static sk_err init_list(struct live_topic *t, struct sk_ctx *ctx)
{
    const Skald__Api__V1__ListTopic *asked = t->asked->list;
    struct sk_vis_query query;
    struct sk_ctx own = {.arena = t->arena}; // the query stays
    sk_err err = sk_vis_parse(&own, t->ns, asked->query, SK_VIS_FOR_LIST, &query);
    if (!err)
        err = sk_vis_parse_order(&own, t->ns, asked->order_by, &query.order);
    if (err)
        return sk_fail(ctx, err, "%s", own.err.message);
    query.budget_ms = LIVE_QUERY_BUDGET_MS;
    live_list_init(&t->list, t->ns, &query, (size_t)asked->page_size);
    atomic_fetch_add(&t->live->rows_wanted, 1);
    return SK_OK;
}

static sk_err init_count(struct live_topic *t, struct sk_ctx *ctx)
{
    struct sk_ctx own = {.arena = t->arena}; // the query stays
    const char *text =
        sk_arena_printf(t->arena, "%s GROUP BY ExecutionStatus", t->asked->count->query);
    sk_err err = sk_vis_parse(&own, t->ns, text, SK_VIS_FOR_COUNT, &t->count);
    if (err)
        return sk_fail(ctx, err, "%s", own.err.message);
    t->count.budget_ms = LIVE_QUERY_BUDGET_MS;
    atomic_fetch_add(&t->live->rows_wanted, 1);
    return SK_OK;
}

static sk_err init_run(struct live_topic *t, struct sk_ctx *ctx)
{
    const Temporal__Api__Common__V1__WorkflowExecution *e = t->asked->run->execution;
    if (!t->live->o.run)
        return sk_fail(ctx, SK_UNIMPLEMENTED, "runs are not pushed by this server");
    if (!e || !*e->workflow_id)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "run.execution.workflow_id is not set");
    if (*e->run_id && sk_uuid_parse(e->run_id, &t->run_id) != 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Invalid RunId.");
    t->slot = sk_slot_of(t->ns->id, sk_str_of(e->workflow_id));
    atomic_fetch_add(&t->live->runs_wanted[t->slot], 1);
    return SK_OK;
}

static sk_err init(struct live_topic *t, struct sk_ctx *ctx)
{
    switch (t->asked->topic_case) {
    case SKALD__API__V1__SUBSCRIPTION__TOPIC_LIST:
        t->kind = LIVE_LIST;
        return init_list(t, ctx);
    case SKALD__API__V1__SUBSCRIPTION__TOPIC_COUNT:
        t->kind = LIVE_COUNT;
        return init_count(t, ctx);
    case SKALD__API__V1__SUBSCRIPTION__TOPIC_RUN:
        t->kind = LIVE_RUN;
        return init_run(t, ctx);
    case SKALD__API__V1__SUBSCRIPTION__TOPIC_TASK_QUEUES:
        t->kind = LIVE_QUEUES;
        return t->live->o.task_queues
                   ? SK_OK
                   : sk_fail(ctx, SK_UNIMPLEMENTED, "task queues are not pushed by this server");
    case SKALD__API__V1__SUBSCRIPTION__TOPIC_FIGURES:
        t->kind = LIVE_FIGURES;
        return t->live->o.figures
                   ? SK_OK
                   : sk_fail(ctx, SK_UNIMPLEMENTED, "figures are not pushed by this server");
    default:
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "a subscription wants one of list, count, run, task_queues, figures");
    }
}

/* What was asked without id and cursor: equal bytes are the same topic. */
static struct sk_str key_of(struct sk_ctx *ctx, const subscription_pb *asked)
{
    static char empty[] = "";
    subscription_pb plain = *asked;
    Skald__Api__V1__ListTopic list;
    plain.id = plain.cursor = empty;
    if (plain.topic_case == SKALD__API__V1__SUBSCRIPTION__TOPIC_LIST) {
        list = *plain.list;
        if (list.page_size == 0)
            list.page_size = PAGE_DEFAULT;
        plain.list = &list;
    }
    return sk_wire_pack(ctx->arena, &plain.base);
}

static sk_err make(struct sk_live *live, struct sk_ctx *ctx, struct sk_str key,
                   const struct sk_namespace *ns, struct live_topic **ret)
{
    struct live_topic *t = sk_mem_zalloc(sizeof *t);
    t->live = live;
    t->ns = ns;
    t->arena = sk_arena_new(0);
    t->key = (struct sk_str){sk_arena_memdup(t->arena, key.p, key.n), key.n};
    sk_list_init(&t->node);
    sk_list_init(&t->subscriptions);
    sk_timer_init(&t->timer, on_timer);
    t->journal_last = &t->journal;
    t->born = live_version(live);
    t->dirty = true;
    struct sk_ctx own = {.arena = t->arena};
    ProtobufCMessage *asked;
    sk_err err =
        sk_wire_decode_own(&own, &skald__api__v1__subscription__descriptor, t->key, &asked);
    SK_ASSERT(err == SK_OK); // packed just now
    t->asked = (const subscription_pb *)asked;
    err = init(t, ctx);
    if (err) {
        sk_arena_free(t->arena);
        sk_mem_free(t);
        return err;
    }
    sk_list_push_back(&live->topics, &t->node);
    live->topic_count++;
    sk_map_put(live->by_key, t->key, t);
    *ret = t;
    return SK_OK;
}

/* Room for one more: an idle one goes before its time. */
static sk_err make_room(struct sk_live *live, struct sk_ctx *ctx)
{
    SK_LIST_EACH (node, &live->topics) {
        struct live_topic *t = SK_CONTAINER(node, struct live_topic, node);
        if (live->topic_count < SK_LIVE_TOPICS_MAX && live->bytes < SK_LIVE_BYTES_MAX)
            return SK_OK;
        if (sk_list_empty(&t->subscriptions) && !t->busy)
            live_topic_free(t);
    }
    if (live->topic_count >= SK_LIVE_TOPICS_MAX)
        return sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                       "%d different lists and other topics are subscribed to, no more are served: "
                       "close some tabs, or poll",
                       SK_LIVE_TOPICS_MAX);
    if (live->bytes >= SK_LIVE_BYTES_MAX)
        return sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                       "all that is pushed takes %zu bytes, at most %zu: poll instead", live->bytes,
                       SK_LIVE_BYTES_MAX);
    return SK_OK;
}

sk_err live_topic_get(struct sk_live *live, struct sk_ctx *ctx, const subscription_pb *asked,
                      struct live_topic **ret)
{
    const struct sk_namespace *ns;
    sk_err err = find_namespace(live, ctx, asked, &ns);
    if (!err && asked->topic_case == SKALD__API__V1__SUBSCRIPTION__TOPIC_LIST &&
        (asked->list->page_size < 0 || asked->list->page_size > SK_LIVE_PAGE_MAX))
        err = sk_fail(ctx, SK_INVALID_ARGUMENT, "list.page_size is %d, at most %d",
                      (int)asked->list->page_size, SK_LIVE_PAGE_MAX);
    if (err)
        return err;
    struct sk_str key = key_of(ctx, asked);
    *ret = sk_map_get(live->by_key, key);
    if (*ret && (*ret)->ns == ns) // else the namespace was changed or made anew meanwhile
        return SK_OK;
    if (*ret)
        sk_map_remove(live->by_key, key);
    err = make_room(live, ctx);
    return err ? err : make(live, ctx, key, ns, ret);
}

/* ---- ending ---- */

static void drop_journal(struct live_topic *t)
{
    while (t->journal) {
        struct live_note *note = t->journal;
        t->journal = note->next;
        if (note->row)
            live_row_unref(note->row);
        sk_mem_free(note);
    }
    t->journal_last = &t->journal;
    t->journal_count = t->journal_bytes = 0;
}

static void forget_key(struct live_topic *t)
{
    if (sk_map_get(t->live->by_key, t->key) == t)
        sk_map_remove(t->live->by_key, t->key);
}

void live_topic_free(struct live_topic *t)
{
    SK_ASSERT(!t->busy && sk_list_empty(&t->subscriptions));
    forget_key(t);
    sk_list_remove(&t->node);
    t->live->topic_count--;
    sk_timer_stop(&t->timer);
    if (t->kind == LIVE_LIST || t->kind == LIVE_COUNT)
        atomic_fetch_sub(&t->live->rows_wanted, 1);
    if (t->kind == LIVE_RUN)
        atomic_fetch_sub(&t->live->runs_wanted[t->slot], 1);
    if (t->kind == LIVE_LIST) {
        t->live->bytes -= t->list.bytes;
        live_list_fini(&t->list);
    }
    t->live->bytes -= t->json_size + t->delta_size;
    drop_journal(t);
    sk_mem_free(t->json);
    sk_mem_free(t->delta);
    sk_arena_free(t->arena);
    sk_mem_free(t);
}

/* It cannot be served; whoever asks again gets a new one. */
static void give_up(struct live_topic *t, struct sk_ctx *ctx, sk_err err)
{
    t->error = err;
    t->error_text = sk_arena_strdup(t->arena, ctx->err.message ? ctx->err.message : "");
    forget_key(t);
    live_stream_wake(t);
}

void live_topic_used(struct live_topic *t)
{
    sk_list_remove(&t->node);
    sk_list_push_back(&t->live->topics, &t->node);
    live_topic_wake(t);
}

void live_topic_left(struct live_topic *t)
{
    if (!sk_list_empty(&t->subscriptions))
        return;
    t->idle_since_ms = sk_now_mono_ms();
    if (t->live->stopping)
        return; // freed with all others
    sk_timer_start(&t->timer, t->idle_since_ms + (t->error ? 0 : LIVE_LINGER_MS));
}

static void on_timer(struct sk_timer *timer)
{
    struct live_topic *t = SK_CONTAINER(timer, struct live_topic, timer);
    if (!sk_list_empty(&t->subscriptions))
        live_topic_wake(t);
    else if (t->busy)
        sk_timer_start(timer, sk_now_mono_ms() + BUSY_MS);
    else
        live_topic_free(t);
}

/* ---- what is shown changes ---- */

static void changed(struct live_topic *t)
{
    t->version = live_version(t->live);
    live_stream_wake(t);
}

/* The memory of all topics stays within its bound: first spares go, then the topic that grew. */
static void check_bytes(struct live_topic *t)
{
    struct sk_live *live = t->live;
    if (live->bytes <= SK_LIVE_BYTES_MAX)
        return;
    SK_LIST_EACH (node, &live->topics) {
        struct live_topic *other = SK_CONTAINER(node, struct live_topic, node);
        if (other->kind != LIVE_LIST)
            continue;
        live->bytes -= other->list.bytes;
        live_list_trim(&other->list);
        live->bytes += other->list.bytes;
    }
    if (live->bytes <= SK_LIVE_BYTES_MAX || t->error)
        return;
    struct sk_ctx ctx = {.arena = t->arena};
    sk_err err = sk_fail(&ctx, SK_RESOURCE_EXHAUSTED,
                         "all that is pushed takes %zu bytes, at most %zu: poll instead",
                         live->bytes, SK_LIVE_BYTES_MAX);
    give_up(t, &ctx, err);
}

static bool apply(struct live_topic *t, const struct live_note *note, struct sk_arena *scratch,
                  int64_t version)
{
    size_t before = t->list.bytes;
    bool differs = note->kind == LIVE_ROW ? live_list_put(&t->list, note->row, scratch, version)
                                          : live_list_remove(&t->list, note->run_id, version);
    t->live->bytes += t->list.bytes - before;
    return differs;
}

static bool journal_full(const struct live_topic *t)
{
    return t->journal_count >= JOURNAL_MAX || t->journal_bytes >= LIVE_JOURNAL_BYTES_MAX;
}

/* For the query under way. A row that does not match is kept as a removal: the answer may hold it
 * as it was. */
static void journal(struct live_topic *t, const struct live_note *note, struct sk_arena *scratch)
{
    if (journal_full(t))
        return; // load() sees it and asks again
    struct live_note *copy = sk_mem_zalloc(sizeof *copy);
    *copy = *note;
    copy->next = NULL;
    if (note->kind == LIVE_ROW && !sk_vis_row_matches(&t->list.query, &note->row->vis, scratch)) {
        copy->kind = LIVE_DELETED;
        copy->row = NULL;
        copy->run_id = note->row->vis.run.run_id;
    }
    if (copy->row) {
        copy->row->refs++;
        t->journal_bytes += copy->row->bytes;
    }
    *t->journal_last = copy;
    t->journal_last = &copy->next;
    t->journal_count++;
}

static void note_for_list(struct live_topic *t, const struct live_note *note,
                          struct sk_arena *scratch)
{
    if (note->kind == LIVE_UNKNOWN) {
        t->dirty = true;
    } else {
        if (t->busy)
            journal(t, note, scratch);
        if (t->version && apply(t, note, scratch, live_version(t->live)))
            changed(t);
        check_bytes(t);
    }
    t->dirty |= live_list_short(&t->list);
    live_topic_wake(t);
}

static void note_for_run(struct live_topic *t, const struct live_note *note)
{
    static const struct sk_uuid unknown;
    if (note->kind == LIVE_TOUCHED) {
        if (memcmp(&t->run_id, &unknown, sizeof unknown) != 0 &&
            memcmp(&t->run_id, &note->run_id, sizeof unknown) != 0)
            return;
        if (note->last_event_id > t->last_event_id)
            t->last_event_id = note->last_event_id;
    }
    t->dirty = true;
    live_topic_wake(t);
}

void live_topic_note(struct live_topic *t, const struct live_note *note, struct sk_arena *scratch)
{
    bool unknown = note->kind == LIVE_UNKNOWN;
    bool row = note->kind == LIVE_ROW || note->kind == LIVE_DELETED;
    if (t->error || (!unknown && (!t->ns || note->ns != t->ns->id)))
        return;
    if (t->kind == LIVE_LIST && (row || unknown)) {
        note_for_list(t, note, scratch);
    } else if (t->kind == LIVE_COUNT && (row || unknown)) {
        t->dirty = true;
        live_topic_wake(t);
    } else if (t->kind == LIVE_RUN && !row) {
        note_for_run(t, note);
    }
}

/* ---- work: a fiber asks for what is not known ---- */

static void count_query(const char *reason)
{
    sk_metric_add(sk_metric_series(SK_METRIC_PUSH_QUERIES, reason), 1);
}

/* When a topic may ask the store again. */
static int64_t next_query_ms(int64_t begin_ms, int64_t least_ms)
{
    int64_t now_ms = sk_now_mono_ms(), rest_ms = (now_ms - begin_ms) * LIVE_QUERY_SHARE;
    return now_ms + (rest_ms > least_ms ? rest_ms : least_ms);
}

static struct live_row **copy_rows(const struct sk_vis_page *page)
{
    struct live_row **rows = sk_mem_alloc((page->count + 1) * sizeof(struct live_row *));
    for (size_t i = 0; i < page->count; i++)
        rows[i] = live_row_new(&page->rows[i]);
    return rows;
}

static sk_err load_list(struct live_topic *t, struct sk_ctx *ctx)
{
    struct sk_vis_query query = t->list.query;
    struct sk_vis_page page = {0};
    query.page_size = t->list.capacity;
    int64_t begin_ms = sk_now_mono_ms();
    t->dirty = false; // a note may say meanwhile that the answer is not enough
    count_query(t->version ? "refill" : "begin");
    sk_err err = sk_store_vis_list(t->live->o.store, ctx, &query, &page);
    if (err) {
        drop_journal(t);
        return err;
    }
    struct live_row **rows = copy_rows(&page);
    int64_t version = live_version(t->live);
    bool overflow = journal_full(t);
    t->live->bytes -= t->list.bytes;
    live_list_load(&t->list, rows, page.count, page.more, version);
    t->live->bytes += t->list.bytes;
    sk_mem_free(rows);
    for (struct live_note *note = t->journal; note; note = note->next)
        (void)apply(t, note, ctx->arena, version);
    drop_journal(t);
    t->dirty |= overflow || live_list_short(&t->list);
    t->next_ms = next_query_ms(begin_ms, LIVE_REFILL_MS);
    changed(t);
    check_bytes(t);
    return SK_OK;
}

struct printing {
    const char *name;
    const ProtobufCMessage *message;
    struct sk_buf text;
};

/* On the loop's own stack: messages may nest deeper than a fiber's has room for. */
static void print_payload(void *arg)
{
    struct printing *p = arg;
    sk_buf_printf(&p->text, "\"%s\":", p->name);
    sk_wire_json_print(&p->text, p->message, 0);
}

static struct sk_buf payload(const char *name, const ProtobufCMessage *message)
{
    struct printing p = {name, message, SK_BUF_INIT};
    sk_fiber_outside(print_payload, &p);
    return p.text;
}

/* A message as the payload `"name":{...}`; changed if it is not what was shown. */
static void show(struct live_topic *t, const char *name, const ProtobufCMessage *message)
{
    struct sk_buf text = payload(name, message);
    if (t->version && text.n == t->json_size && memcmp(text.p, t->json, text.n) == 0) {
        sk_buf_fini(&text);
        return;
    }
    sk_mem_free(t->json);
    t->live->bytes += text.n - t->json_size;
    t->json = text.p;
    t->json_size = text.n;
    changed(t);
    check_bytes(t);
}

static void show_count(struct live_topic *t, struct sk_ctx *ctx, const struct sk_vis_counts *counts)
{
    typedef Skald__Api__V1__CountEvent__StatusCount group_pb;
    Skald__Api__V1__CountEvent event;
    skald__api__v1__count_event__init(&event);
    event.count = counts->total;
    event.groups = SK_NEW_N(ctx->arena, group_pb *, counts->group_count);
    for (size_t i = 0; i < counts->group_count; i++) {
        group_pb *group = SK_NEW(ctx->arena, group_pb);
        skald__api__v1__count_event__status_count__init(group);
        group->status = sk_arena_strdup(ctx->arena, sk_vis_status_name(counts->groups[i].value.i));
        group->count = counts->groups[i].count;
        event.groups[event.n_groups++] = group;
    }
    show(t, "count", &event.base);
}

static sk_err load_count(struct live_topic *t, struct sk_ctx *ctx)
{
    struct sk_vis_counts counts = {0};
    int64_t begin_ms = sk_now_mono_ms();
    t->dirty = false;
    count_query("count");
    sk_err err = sk_store_vis_count(t->live->o.store, ctx, &t->count, &counts);
    t->next_ms = next_query_ms(begin_ms, LIVE_COUNT_MS);
    if (err == SK_DEADLINE_EXCEEDED && t->version) { // the last numbers stay, and are tried again
        t->dirty = true;
        return SK_OK;
    }
    if (!err)
        show_count(t, ctx, &counts);
    return err;
}

static sk_err load_run(struct live_topic *t, struct sk_ctx *ctx)
{
    Skald__Api__V1__RunEvent event;
    Temporal__Api__Common__V1__WorkflowExecution execution = *t->asked->run->execution;
    char run_id[SK_UUID_TEXT];
    skald__api__v1__run_event__init(&event);
    if (t->version) { // the run that was current stays the one that is shown
        sk_uuid_format(t->run_id, run_id);
        execution.run_id = run_id;
    }
    t->dirty = false;
    sk_err err = t->live->o.run(t->live->o.owner, ctx, t->ns, &execution, &event);
    t->next_ms = sk_now_mono_ms() + LIVE_PATCH_MS;
    if (err == SK_NOT_FOUND && t->version) {
        sk_ctx_clear(ctx);
        skald__api__v1__run_event__init(&event);
        event.deleted = true;
        err = SK_OK;
    }
    if (err)
        return err;
    const Temporal__Api__Workflow__V1__WorkflowExecutionInfo *info =
        event.describe ? event.describe->workflow_execution_info : NULL;
    if (info && info->execution)
        (void)sk_uuid_parse(info->execution->run_id, &t->run_id);
    if (info && info->history_length > t->last_event_id)
        t->last_event_id = info->history_length;
    event.last_event_id = t->last_event_id;
    show(t, "run", &event.base);
    return SK_OK;
}

static sk_err load_queues(struct live_topic *t, struct sk_ctx *ctx)
{
    Skald__Api__V1__ListTaskQueuesResponse response;
    skald__api__v1__list_task_queues_response__init(&response);
    sk_err err = t->live->o.task_queues(t->live->o.owner, ctx, t->ns, &response);
    t->next_ms = sk_now_mono_ms() + LIVE_QUEUES_MS;
    if (!err)
        show(t, "taskQueues", &response.base);
    return err;
}

static void set_delta(struct live_topic *t, struct sk_buf text, int64_t since)
{
    sk_mem_free(t->delta);
    t->live->bytes += text.n - t->delta_size;
    t->delta = text.p;
    t->delta_size = text.n;
    t->delta_since = since;
}

/* All points for who comes new, and what is new for who has the rest. */
static sk_err load_figures(struct live_topic *t, struct sk_ctx *ctx)
{
    Skald__Api__V1__GetFiguresResponse all, fresh;
    int64_t last_ms = 0, before = t->version;
    skald__api__v1__get_figures_response__init(&all);
    skald__api__v1__get_figures_response__init(&fresh);
    t->next_ms = sk_now_mono_ms() + LIVE_FIGURES_MS;
    sk_err err = t->live->o.figures(t->live->o.owner, ctx, t->asked->figures, 0, &all, &last_ms);
    if (err || (t->version && last_ms == t->figures_ms))
        return err;
    int64_t since_ms = t->figures_ms, ignored;
    show(t, "figures", &all.base);
    t->figures_ms = last_ms;
    set_delta(t, SK_BUF_INIT, 0);
    if (before && t->live->o.figures(t->live->o.owner, ctx, t->asked->figures, since_ms, &fresh,
                                     &ignored) == SK_OK) {
        set_delta(t, payload("figures", &fresh.base), before);
    }
    return SK_OK;
}

static sk_err load(struct live_topic *t, struct sk_ctx *ctx)
{
    switch (t->kind) {
    case LIVE_LIST:
        return load_list(t, ctx);
    case LIVE_COUNT:
        return load_count(t, ctx);
    case LIVE_RUN:
        return load_run(t, ctx);
    case LIVE_QUEUES:
        return load_queues(t, ctx);
    case LIVE_FIGURES:
        return load_figures(t, ctx);
    }
    SK_PANIC("unknown topic %d", (int)t->kind);
}

static void work(void *arg)
{
    struct live_topic *t = arg;
    struct sk_live *live = t->live;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    sk_err err = load(t, &ctx);
    t->busy = false;
    if (err == SK_UNAVAILABLE || (err && t->version)) {
        t->dirty = true;
        t->next_ms = sk_now_mono_ms() + (t->kind == LIVE_LIST ? LIVE_REFILL_MS : RETRY_MS);
    } else if (err) {
        give_up(t, &ctx, err);
    }
    sk_arena_free(ctx.arena);
    live_topic_wake(t);
    live_set_gauges(live);
    if (--live->busy == 0)
        sk_waitq_wake_all(&live->quiet);
}

void live_topic_wake(struct live_topic *t)
{
    bool periodic = t->kind == LIVE_QUEUES || t->kind == LIVE_FIGURES;
    if (t->busy || t->error || t->live->stopping || sk_list_empty(&t->subscriptions) ||
        !(t->dirty || periodic))
        return;
    if (sk_now_mono_ms() < t->next_ms) {
        sk_timer_start(&t->timer, t->next_ms);
        return;
    }
    t->busy = true;
    t->live->busy++;
    sk_fiber_spawn(work, t);
}

/* ---- shown ---- */

const char *live_topic_type(const struct live_topic *t)
{
    static const char *const types[] = {[LIVE_LIST] = "list",
                                        [LIVE_COUNT] = "count",
                                        [LIVE_RUN] = "run",
                                        [LIVE_QUEUES] = "task_queues",
                                        [LIVE_FIGURES] = "figures"};
    return types[t->kind];
}

void live_topic_print(struct live_topic *t, int64_t since, struct sk_buf *out)
{
    if (t->kind == LIVE_LIST)
        live_list_print(&t->list, since, out);
    else if (t->delta && since == t->delta_since)
        sk_buf_append(out, t->delta, t->delta_size);
    else
        sk_buf_append(out, t->json, t->json_size);
}
