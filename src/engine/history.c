/*
 * Reading histories: for a worker's task, for clients page by page, one event for ourselves. The
 * newest batches are in memory with the run; older ones come from the store. Stored bytes are cut
 * and joined, never decoded. A batch read for one event stays at hand while the run is locked: the
 * activities of a fan-out, which start together, were all scheduled in the same.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "wire/wire.h"

#define PAGE_BYTES (2 * 1024 * 1024)

/* The batches of from..to out of memory, if all of them are there. */
static bool from_tail(struct exec *x, int64_t from, int64_t to, struct sk_ctx *ctx,
                      struct sk_history_batch **ret, size_t *ret_count)
{
    size_t first = x->tail_count;
    while (first > 0 && x->tail[first - 1].last >= from)
        first--;
    if (first == x->tail_count || x->tail[first].first > from ||
        x->tail[x->tail_count - 1].last < to)
        return false;
    size_t n = 0;
    while (first + n < x->tail_count && x->tail[first + n].first <= to)
        n++;
    struct sk_history_batch *batches = SK_NEW_N(ctx->arena, struct sk_history_batch, n);
    for (size_t i = 0; i < n; i++)
        batches[i] = (struct sk_history_batch){x->tail[first + i].first, x->tail[first + i].last,
                                               x->tail[first + i].events};
    *ret = batches;
    *ret_count = n;
    return true;
}

/* The batches from the store, or the one at hand. */
static sk_err from_store(struct exec *x, struct sk_ctx *ctx, int64_t from, int64_t to,
                         size_t max_bytes, struct sk_history_batch **ret, size_t *ret_count)
{
    const struct tail_batch *at_hand = &x->at_hand;
    bool one = from == to;
    if (one && at_hand->first <= from && at_hand->last >= from) {
        *ret = SK_NEW(ctx->arena, struct sk_history_batch);
        **ret = (struct sk_history_batch){at_hand->first, at_hand->last, at_hand->events};
        *ret_count = 1;
        return SK_OK;
    }
    struct sk_run_key key = exec_key(x);
    sk_err err = sk_store_history_read(exec_engine(x)->store, ctx, &key, from, to, max_bytes, false,
                                       ret, ret_count);
    if (err == SK_OK && one && *ret_count == 1)
        exec_keep_at_hand(x, *ret);
    return err;
}

static sk_err read_bytes(struct exec *x, struct sk_ctx *ctx, int64_t from, int64_t to,
                         size_t max_bytes, struct sk_str *ret, int64_t *ret_last)
{
    struct sk_history_batch *batches;
    size_t count;
    *ret = (struct sk_str){0};
    *ret_last = from - 1;
    if (from > to)
        return SK_OK;
    if (!from_tail(x, from, to, ctx, &batches, &count)) {
        sk_err err = from_store(x, ctx, from, to, max_bytes, &batches, &count);
        if (err != SK_OK)
            return err;
    }
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += batches[i].events.n;
    char *all = sk_arena_alloc(ctx->arena, total + 1);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (batches[i].first_event_id > *ret_last + 1)
            return sk_fail(ctx, SK_DATA_LOSS, "history of run %s lacks events %lld to %lld",
                           x->run_text, (long long)*ret_last + 1,
                           (long long)batches[i].first_event_id - 1);
        struct sk_str cut = batches[i].events;
        if (batches[i].first_event_id < from || batches[i].last_event_id > to) {
            sk_err err = sk_wire_history_cut(ctx, batches[i].events, from, to, &cut);
            if (err != SK_OK)
                return err;
        }
        if (cut.n)
            memcpy(all + n, cut.p, cut.n);
        n += cut.n;
        *ret_last = batches[i].last_event_id < to ? batches[i].last_event_id : to;
        if (n >= max_bytes)
            break;
    }
    if (*ret_last < from)
        return sk_fail(ctx, SK_DATA_LOSS, "history of run %s ends before event %lld", x->run_text,
                       (long long)from);
    *ret = (struct sk_str){all, n};
    return SK_OK;
}

sk_err history_bytes(struct exec *x, struct sk_ctx *ctx, int64_t from, int64_t to, size_t max_bytes,
                     struct sk_str *ret, int64_t *ret_last)
{
    sk_err err = read_bytes(x, ctx, from, to, max_bytes, ret, ret_last);
    return err == SK_DATA_LOSS ? flow_set_aside(x->flow, ctx, x->run_id) : err;
}

sk_err history_event(struct exec *x, struct sk_ctx *ctx, int64_t event_id, HIST(HistoryEvent) **ret)
{
    struct sk_str bytes;
    int64_t last;
    sk_err err = history_bytes(x, ctx, event_id, event_id, SIZE_MAX, &bytes, &last);
    if (err != SK_OK)
        return err;
    ProtobufCMessage *m;
    err = sk_wire_decode_own(ctx, &temporal__api__history__v1__history__descriptor, bytes, &m);
    if (err != SK_OK)
        return err;
    HIST(History) *history = (HIST(History) *)m;
    if (history->n_events != 1 || history->events[0]->event_id != event_id)
        return sk_fail(ctx, SK_DATA_LOSS, "event %lld of run %s cannot be read",
                       (long long)event_id, x->run_text);
    *ret = history->events[0];
    return SK_OK;
}

/* ---- GetWorkflowExecutionHistory ---- */

struct history_call {
    const WS(GetWorkflowExecutionHistoryRequest) *request;
    WS(GetWorkflowExecutionHistoryResponse) *response;
    struct sk_watch *watch;
    bool *wait;
};

enum { FIELD_HISTORY = 1 };

static bool is_worker(const struct sk_ctx *ctx)
{
    const char *name = ctx->client_name;
    return name && strcmp(name, "temporal-cli") != 0 && strcmp(name, "temporal-ui") != 0;
}

static void set_token(struct sk_engine *e, struct sk_ctx *ctx, struct exec *x, int64_t next,
                      int64_t end, bool tail, ProtobufCBinaryData *ret)
{
    EN(HistoryToken) token = SKALD__ENGINE__V1__HISTORY_TOKEN__INIT;
    token.run_id = x->run_text;
    token.next_event_id = next;
    token.end_event_id = end;
    token.tail = tail;
    *ret = token_seal(e, ctx->arena, &token.base);
}

static sk_err bad_page_token(struct sk_ctx *ctx)
{
    sk_ctx_clear(ctx);
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "Invalid NextPageToken.");
}

/* A token of the same method, and of the run that the request names, if it names one. */
static sk_err page_token(struct sk_engine *e, struct sk_ctx *ctx, ProtobufCBinaryData bytes,
                         const char *run_id, bool backward, EN(HistoryToken) **ret)
{
    ProtobufCMessage *m;
    sk_err err = token_open(e, ctx, bytes, &skald__engine__v1__history_token__descriptor, &m);
    if (err != SK_OK)
        return bad_page_token(ctx);
    *ret = (EN(HistoryToken) *)m;
    bool other_run = sk_text_set(run_id) && strcmp(run_id, (*ret)->run_id) != 0;
    return other_run || (*ret)->backward != backward ? bad_page_token(ctx) : SK_OK;
}

static sk_err want_wait(struct history_call *call, struct sk_engine *e, struct sk_ctx *ctx,
                        struct exec *x, int64_t next, bool close_only)
{
    *call->watch = (struct sk_watch){0};
    call->watch->run = (struct sk_run_key){
        x->flow->ns,
        {sk_arena_strndup(ctx->arena, x->flow->workflow_id.p, x->flow->workflow_id.n),
         x->flow->workflow_id.n},
        x->run_id};
    call->watch->after_event_id = next - 1;
    call->watch->close_only = close_only;
    *call->wait = true;
    set_token(e, ctx, x, next, 0, false, &call->response->next_page_token);
    call->response->history =
        MSG_NEW(ctx->arena, HIST(History), temporal__api__history__v1__history);
    return SK_OK;
}

static bool follows_runs(const struct sk_ctx *ctx)
{
    return sk_str_lists(sk_str_of(ctx->client_features), SK_STR("follows-next-run-id"));
}

/* The end of a run that another one follows, told as a continue-as-new; NULL: none follows. */
static HIST(HistoryEvent) *as_continued(struct sk_ctx *ctx, const HIST(HistoryEvent) *end)
{
    HIST(HistoryEvent) *event =
        sk_event_new(ctx->arena, EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW), 0);
    HIST(WorkflowExecutionContinuedAsNewEventAttributes) *a =
        event->workflow_execution_continued_as_new_event_attributes;
    const ProtobufCMessage *attributes = sk_event_attributes(end);
    if (end->event_type == EVENT(WORKFLOW_EXECUTION_COMPLETED)) {
        const HIST(WorkflowExecutionCompletedEventAttributes) *completed = (const void *)attributes;
        a->new_execution_run_id = completed->new_execution_run_id;
        a->last_completion_result = completed->result;
    } else if (end->event_type == EVENT(WORKFLOW_EXECUTION_FAILED)) {
        const HIST(WorkflowExecutionFailedEventAttributes) *failed = (const void *)attributes;
        a->new_execution_run_id = failed->new_execution_run_id;
        a->failure = failed->failure;
    } else if (end->event_type == EVENT(WORKFLOW_EXECUTION_TIMED_OUT)) {
        const HIST(WorkflowExecutionTimedOutEventAttributes) *late = (const void *)attributes;
        a->new_execution_run_id = late->new_execution_run_id;
        a->failure = close_timeout_failure(ctx->arena);
    }
    if (!sk_text_set(a->new_execution_run_id))
        return NULL;
    event->event_id = end->event_id;
    event->event_time = end->event_time;
    event->version = end->version;
    event->task_id = end->task_id;
    return event;
}

/* Clients that wait for a workflow's result ask for the close event. One that does not say that it
 * follows the run after it (the Java SDK) follows continue-as-new alone, and would take a failure
 * that is being retried for the result. */
static sk_err show_close_event(struct sk_ctx *ctx, struct sk_str *bytes)
{
    ProtobufCMessage *m;
    sk_err err =
        sk_wire_decode_own(ctx, &temporal__api__history__v1__history__descriptor, *bytes, &m);
    if (err != SK_OK)
        return err;
    HIST(History) *history = (HIST(History) *)m;
    HIST(HistoryEvent) *continued =
        history->n_events == 1 ? as_continued(ctx, history->events[0]) : NULL;
    if (!continued)
        return SK_OK;
    history->events[0] = continued;
    *bytes = sk_wire_pack(ctx->arena, m);
    return SK_OK;
}

/* Only the last event: of a closed run the close event. */
static sk_err close_event_page(struct history_call *call, struct sk_engine *e, struct sk_ctx *ctx,
                               struct exec *x)
{
    int64_t last_id = x->s->next_event_id - 1;
    if (exec_running(x) && call->request->wait_new_event)
        return want_wait(call, e, ctx, x, last_id + 1, true);
    if (exec_running(x)) { // there is none yet
        call->response->history =
            MSG_NEW(ctx->arena, HIST(History), temporal__api__history__v1__history);
        return SK_OK;
    }
    struct sk_str bytes;
    int64_t last;
    sk_err err = history_bytes(x, ctx, last_id, last_id, PAGE_BYTES, &bytes, &last);
    if (err == SK_OK && !follows_runs(ctx))
        err = show_close_event(ctx, &bytes);
    if (err == SK_OK)
        sk_wire_splice(ctx->arena, &call->response->base, FIELD_HISTORY, bytes);
    return err;
}

static sk_err all_events_page(struct history_call *call, struct sk_engine *e, struct sk_ctx *ctx,
                              struct exec *x, int64_t next, int64_t end, bool tail)
{
    const WS(GetWorkflowExecutionHistoryRequest) *r = call->request;
    bool wait = r->wait_new_event;
    if (next > end && wait && exec_running(x))
        return want_wait(call, e, ctx, x, next, false);
    int64_t page = r->maximum_page_size;
    if (page <= 0 || page > e->limits->history_page_max)
        page = e->limits->history_page_max;
    int64_t to = next + page - 1 < end ? next + page - 1 : end;
    struct sk_str bytes;
    int64_t last;
    sk_err err = history_bytes(x, ctx, next, to, PAGE_BYTES, &bytes, &last);
    if (err != SK_OK)
        return err;
    bool more = last < end;
    const EN(WorkflowTask) *wft = x->s->wft;
    if (!more && tail && wft && (wft->attempt == 1 || is_worker(ctx)))
        bytes = wft_with_tail(x, ctx, bytes);
    sk_wire_splice(ctx->arena, &call->response->base, FIELD_HISTORY, bytes);
    if (more || (wait && exec_running(x)))
        set_token(e, ctx, x, last + 1, more ? end : 0, tail, &call->response->next_page_token);
    return SK_OK;
}

static sk_err read_page(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const void *request, void *response)
{
    (void)ns;
    (void)request;
    struct history_call *call = response;
    struct sk_engine *e = flow->shard->engine;
    const WS(GetWorkflowExecutionHistoryRequest) *r = call->request;
    EN(HistoryToken) *token = NULL;
    const char *run_id = r->execution->run_id;
    if (r->next_page_token.len > 0) {
        sk_err err = page_token(e, ctx, r->next_page_token, run_id, false, &token);
        if (err != SK_OK)
            return err;
        run_id = token->run_id;
    }
    struct exec *x;
    sk_err err = flow_run(flow, ctx, run_id, &x);
    if (err != SK_OK)
        return err;
    enum { FILTER_CLOSE_EVENT = 2 };
    if ((int)r->history_event_filter_type == FILTER_CLOSE_EVENT)
        return close_event_page(call, e, ctx, x);
    int64_t end = x->s->next_event_id - 1;
    bool tail = token ? token->tail : !r->wait_new_event;
    if (token && token->end_event_id > 0 && token->end_event_id < end) {
        /* The run went on between two pages. A start that was the tail then may be durable now; a
         * later task's tail does not follow this page. */
        bool started = tail && x->s->wft && x->s->wft->started_id == token->end_event_id + 1;
        end = token->end_event_id + started;
        tail = false;
    }
    return all_events_page(call, e, ctx, x, token ? token->next_event_id : 1, end, tail);
}

sk_err sk_engine_history(struct sk_engine *engine, struct sk_ctx *ctx,
                         const struct sk_namespace *ns,
                         const WS(GetWorkflowExecutionHistoryRequest) *request,
                         WS(GetWorkflowExecutionHistoryResponse) *response,
                         struct sk_watch *ret_watch, bool *ret_wait)
{
    struct history_call call = {request, response, ret_watch, ret_wait};
    *ret_wait = false;
    return flow_call(engine, ctx, ns, request->execution->workflow_id, read_page, NULL, &call);
}

/* ---- newest first ---- */

/* Events of a serialized History in reverse order. */
static sk_err reversed(struct sk_ctx *ctx, struct sk_str history, int64_t from, int64_t to,
                       struct sk_str *ret)
{
    char *all = sk_arena_alloc(ctx->arena, history.n + 1);
    size_t n = 0;
    for (int64_t id = to; id >= from; id--) {
        struct sk_str one;
        sk_err err = sk_wire_history_cut(ctx, history, id, id, &one);
        if (err != SK_OK)
            return err;
        if (one.n)
            memcpy(all + n, one.p, one.n);
        n += one.n;
    }
    *ret = (struct sk_str){all, n};
    return SK_OK;
}

static sk_err read_page_reverse(struct flow *flow, struct sk_ctx *ctx,
                                const struct sk_namespace *ns, const void *request, void *out)
{
    (void)ns;
    const WS(GetWorkflowExecutionHistoryReverseRequest) *r = request;
    WS(GetWorkflowExecutionHistoryReverseResponse) *response = out;
    struct sk_engine *e = flow->shard->engine;
    EN(HistoryToken) *token = NULL;
    sk_err err = SK_OK;
    const char *run_id = r->execution->run_id;
    if (r->next_page_token.len > 0) {
        err = page_token(e, ctx, r->next_page_token, run_id, true, &token);
        if (err != SK_OK)
            return err;
        run_id = token->run_id;
    }
    struct exec *x;
    err = flow_run(flow, ctx, run_id, &x);
    if (err != SK_OK)
        return err;
    int64_t to = token ? token->next_event_id : x->s->next_event_id - 1;
    if (to >= x->s->next_event_id) // the store is older than the token: a backup was put back
        return bad_page_token(ctx);
    int64_t page = r->maximum_page_size;
    if (page <= 0 || page > e->limits->history_page_max)
        page = e->limits->history_page_max;
    int64_t from = to - page + 1 > 1 ? to - page + 1 : 1;
    struct sk_str bytes, back;
    int64_t last;
    err = history_bytes(x, ctx, from, to, SIZE_MAX, &bytes, &last);
    if (err == SK_OK)
        err = reversed(ctx, bytes, from, to, &back);
    if (err != SK_OK)
        return err;
    sk_wire_splice(ctx->arena, &response->base, FIELD_HISTORY, back);
    if (from > 1) {
        EN(HistoryToken) rest = SKALD__ENGINE__V1__HISTORY_TOKEN__INIT;
        rest.run_id = x->run_text;
        rest.next_event_id = from - 1;
        rest.backward = true;
        response->next_page_token = token_seal(e, ctx->arena, &rest.base);
    }
    return SK_OK;
}

sk_err sk_engine_history_reverse(struct sk_engine *engine, struct sk_ctx *ctx,
                                 const struct sk_namespace *ns,
                                 const WS(GetWorkflowExecutionHistoryReverseRequest) *request,
                                 WS(GetWorkflowExecutionHistoryReverseResponse) *response)
{
    return flow_call(engine, ctx, ns, request->execution->workflow_id, read_page_reverse, request,
                     response);
}
