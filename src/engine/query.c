/*
 * Queries. A run with no workflow task under way is asked directly: the query goes to a poller as
 * a task of its own, sticky worker first. A run with one is asked along with it: the query waits in
 * the run's memory, travels with the task, and is answered by its completion. Nothing of a query is
 * ever stored; a restart lets the client ask again.
 *
 * A query lives on its asker's stack; others name it by a number that is looked up on the loop that
 * owns the run, never by its address.
 */
#include "engine/engine_internal.h"

#include <stdint.h>
#include <string.h>
#include "wire/errordetail.h"
#include "wire/wire.h"

#define DEADLINE_DEFAULT_MS 30000
#define RESPONSE_HISTORY_BYTES (2 * 1024 * 1024)
#define STICKY_PATIENCE_MS 5000
#define FAILING_ATTEMPT 3

enum query_state { QUERY_WAITING, QUERY_ANSWERED, QUERY_FAILED, QUERY_UNBLOCKED };

/* Where the worker is that has the run in its cache, and how long to wait for it. */
struct sticky {
    const char *queue; /* "" if there is none */
    int64_t timeout_ms;
};

struct query {
    struct sk_list node; /* in exec->queries while buffered */
    int64_t id;
    char id_text[SK_UUID_TEXT];
    enum query_state state;
    bool sent; /* with the task under way */
    struct sk_waitq changed;
    struct sk_ctx *ctx; /* the asker's: answers are copied into its arena */
    const WS(QueryWorkflowRequest) *request;
    sk_ns_id ns;
    const struct sk_namespace *space;
    const char *workflow_id;
    struct sk_uuid run_id;
    const char *task_queue;
    struct sticky sticky;
    COMMON(Payloads) *answer;
    const char *error;
    FAILURE *failure;
};

static struct query *query_find(struct sk_shard *shard, int64_t id)
{
    return sk_imap_get(shard->queries, id);
}

static void query_done(struct query *q, enum query_state state)
{
    q->state = state;
    sk_waitq_wake_all(&q->changed);
}

static void note_sticky(struct query *q, const struct exec *x)
{
    q->sticky.queue = sk_arena_strdup(q->ctx->arena, exec_running(x) ? x->s->sticky_queue : "");
    q->sticky.timeout_ms =
        x->s->sticky_timeout_ms > 0 ? x->s->sticky_timeout_ms : STICKY_PATIENCE_MS;
}

/* ---- buffered ---- */

void queries_attach(struct exec *x, struct sk_ctx *ctx, WS(PollWorkflowTaskQueueResponse) *response)
{
    size_t n = 0;
    SK_LIST_EACH (node, &x->queries)
        n++;
    if (n == 0)
        return;
    response->queries = SK_NEW_N(ctx->arena, WS(PollWorkflowTaskQueueResponse__QueriesEntry) *, n);
    SK_LIST_EACH (node, &x->queries) {
        struct query *q = SK_CONTAINER(node, struct query, node);
        WS(PollWorkflowTaskQueueResponse__QueriesEntry) *entry = MSG_NEW(
            ctx->arena, WS(PollWorkflowTaskQueueResponse__QueriesEntry),
            temporal__api__workflowservice__v1__poll_workflow_task_queue_response__queries_entry);
        entry->key = sk_arena_strdup(ctx->arena, q->id_text);
        entry->value = sk_msg_dup(ctx->arena, q->request->query);
        response->queries[response->n_queries++] = entry;
        q->sent = true;
    }
}

static void take_answer(struct query *q, int result_type, const COMMON(Payloads) *answer,
                        const char *error, const FAILURE *failure)
{
    enum { RESULT_ANSWERED = 1 };
    q->answer = sk_msg_dup(q->ctx->arena, answer);
    q->error = sk_arena_strdup(q->ctx->arena, error);
    q->failure = sk_msg_dup(q->ctx->arena, failure);
    query_done(q, result_type == RESULT_ANSWERED ? QUERY_ANSWERED : QUERY_FAILED);
}

void queries_answer(struct exec *x, const WS(RespondWorkflowTaskCompletedRequest) *request)
{
    for (size_t i = 0; i < request->n_query_results; i++) {
        const char *id = request->query_results[i]->key;
        const Temporal__Api__Query__V1__WorkflowQueryResult *r = request->query_results[i]->value;
        SK_LIST_EACH (node, &x->queries) {
            struct query *q = SK_CONTAINER(node, struct query, node);
            if (!r || strcmp(q->id_text, id) != 0)
                continue;
            sk_list_remove(&q->node);
            take_answer(q, (int)r->result_type, r->answer, r->error_message, r->failure);
        }
    }
}

void queries_unblock(struct exec *x)
{
    if (x->s->wft && exec_running(x))
        return; // the next task takes them along
    SK_LIST_EACH (node, &x->queries) {
        struct query *q = SK_CONTAINER(node, struct query, node);
        sk_list_remove(&q->node);
        note_sticky(q, x); // the task that ended may have made the worker the run's own
        query_done(q, QUERY_UNBLOCKED);
    }
}

/* ---- asking ---- */

static sk_err failing(struct sk_ctx *ctx)
{
    return sk_fail_workflow_not_ready(
        ctx, "Unable to query workflow due to Workflow Task in failed state.");
}

/* Is the run one that the asker did not want? */
static bool rejected(const struct exec *x, const WS(QueryWorkflowRequest) *r, struct sk_ctx *ctx,
                     WS(QueryWorkflowResponse) *response)
{
    enum { REJECT_NOT_OPEN = 2, REJECT_NOT_COMPLETED_CLEANLY = 3 };
    int condition = (int)r->query_reject_condition;
    bool unclean = x->s->status == (int)STATUS(FAILED) || x->s->status == (int)STATUS(CANCELED) ||
                   x->s->status == (int)STATUS(TERMINATED) ||
                   x->s->status == (int)STATUS(TIMED_OUT);
    bool no = (condition == REJECT_NOT_OPEN && !exec_running(x)) ||
              (condition == REJECT_NOT_COMPLETED_CLEANLY && unclean);
    if (no) {
        response->query_rejected = MSG_NEW(ctx->arena, Temporal__Api__Query__V1__QueryRejected,
                                           temporal__api__query__v1__query_rejected);
        response->query_rejected->status =
            (Temporal__Api__Enums__V1__WorkflowExecutionStatus)x->s->status;
    }
    return no;
}

static sk_err wait_answer(struct query *q, int64_t deadline)
{
    while (q->state == QUERY_WAITING)
        if (!sk_waitq_wait(&q->changed, deadline))
            return SK_DEADLINE_EXCEEDED;
    return SK_OK;
}

static void *query_handle(int64_t id)
{
    return (void *)(uintptr_t)id;
}

static sk_err ask_queue(struct sk_shard *shard, struct query *q, const char *queue,
                        int64_t deadline)
{
    struct sk_queue_key key = {q->ns, SK_TASK_WORKFLOW, sk_str_of(queue)};
    struct sk_run_key run = {q->ns, sk_str_of(q->workflow_id), q->run_id};
    sk_err err = sk_matching_offer_query(shard->engine->matching, q->ctx, &key, &run,
                                         query_handle(q->id), deadline);
    return err == SK_OK ? wait_answer(q, deadline) : err;
}

static sk_err decide_forget_sticky(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                                   const struct change *change)
{
    (void)ctx;
    if (!exec_running(x) || strcmp(x->s->sticky_queue, change->request) != 0)
        return SK_OK;
    (void)joint_txn(j);
    stickiness_clear(x);
    return SK_OK;
}

/* The worker did not answer: the run's next task need not wait for it either. */
static void forget_sticky(struct sk_shard *shard, struct query *q, const char *sticky)
{
    const struct change change = {.workflow_id = q->workflow_id,
                                  .run_uuid = &q->run_id,
                                  .decide = decide_forget_sticky,
                                  .request = sticky};
    if (run_change(shard->engine, q->ctx, q->space, &change) != SK_OK)
        sk_ctx_clear(q->ctx); // the query goes on without
}

static sk_err ask_directly(struct sk_shard *shard, struct query *q, int64_t deadline)
{
    const struct sticky *sticky = &q->sticky;
    struct sk_queue_key key = {q->ns, SK_TASK_WORKFLOW, sk_str_of(sticky->queue)};
    q->state = QUERY_WAITING;
    if (sk_text_set(sticky->queue)) {
        if (sk_matching_sticky_alive(shard->engine->matching, &key)) {
            int64_t patience = sk_now_mono_ms() + sticky->timeout_ms;
            sk_err err =
                ask_queue(shard, q, sticky->queue, patience < deadline ? patience : deadline);
            if (err == SK_OK || sk_now_mono_ms() >= deadline)
                return err;
            sk_ctx_clear(q->ctx);
        }
        forget_sticky(shard, q, sticky->queue);
    }
    return ask_queue(shard, q, q->task_queue, deadline);
}

/* Under the flow's lock: can it be asked, and how? */
static sk_err prepare(struct flow *flow, struct query *q, WS(QueryWorkflowResponse) *response,
                      bool *ret_buffered, bool *ret_done)
{
    struct exec *x;
    sk_err err = flow_run(flow, q->ctx, q->request->execution->run_id, &x);
    if (err != SK_OK)
        return err;
    *ret_done = rejected(x, q->request, q->ctx, response);
    if (*ret_done)
        return SK_OK;
    const EN(WorkflowTask) *wft = x->s->wft;
    if (exec_running(x) && wft && wft->attempt >= FAILING_ATTEMPT)
        return failing(q->ctx);
    if (!wft && x->s->last_completed_id == 0)
        return sk_fail_workflow_not_ready(
            q->ctx, exec_running(x) ? "Workflow task is not scheduled yet."
                                    : "Workflow execution closed before WorkflowTaskStarted event");
    q->run_id = x->run_id;
    q->task_queue = sk_arena_strdup(q->ctx->arena, x->s->task_queue);
    note_sticky(q, x);
    *ret_buffered = exec_running(x) && wft;
    if (*ret_buffered) {
        enum { BUFFERED_MAX = 10 };
        int waiting = 0;
        SK_LIST_EACH (node, &x->queries)
            waiting++;
        if (waiting >= BUFFERED_MAX)
            return sk_fail_resource_exhausted(
                q->ctx, SK_EXHAUSTED_BUSY_WORKFLOW, SK_SCOPE_NAMESPACE,
                "consistent query buffer is full, this may be caused "
                "by too many queries and workflow not able to process "
                "query fast enough");
        sk_list_push_back(&x->queries, &q->node);
    }
    return SK_OK;
}

static sk_err answer_of(struct query *q, WS(QueryWorkflowResponse) *response)
{
    if (q->state == QUERY_ANSWERED) {
        response->query_result = q->answer;
        return SK_OK;
    }
    return sk_fail_query_failed(q->ctx, q->error, q->failure ? &q->failure->base : NULL);
}

static sk_err ask(struct sk_shard *shard, struct query *q, WS(QueryWorkflowResponse) *response)
{
    bool buffered = false, done = false;
    int64_t deadline = q->ctx->deadline_mono_ms ? q->ctx->deadline_mono_ms
                                                : sk_now_mono_ms() + DEADLINE_DEFAULT_MS;
    struct flow *flow = flow_enter(shard, q->ns, q->workflow_id);
    sk_err err = prepare(flow, q, response, &buffered, &done);
    flow_leave(flow);
    if (err != SK_OK || done)
        return err;
    if (buffered) {
        err = wait_answer(q, deadline);
        sk_list_remove(&q->node);
        if (err == SK_OK && q->state != QUERY_UNBLOCKED)
            return answer_of(q, response);
    }
    if (err == SK_OK)
        err = ask_directly(shard, q, deadline);
    if (err == SK_OK)
        return answer_of(q, response);
    if (err == SK_DEADLINE_EXCEEDED)
        return sk_fail(q->ctx, SK_DEADLINE_EXCEEDED, "query timed out before processed");
    return err;
}

static sk_err do_query(struct sk_shard *shard, struct sk_ctx *ctx, const struct sk_namespace *ns,
                       const void *request, void *response)
{
    struct query q = {.ctx = ctx, .request = request, .ns = ns->id, .space = ns};
    q.workflow_id = q.request->execution->workflow_id;
    q.id = ++shard->query_next;
    uuid_fresh(sk_now_wall_ms(), q.id_text);
    sk_list_init(&q.node);
    sk_waitq_init(&q.changed);
    sk_imap_put(shard->queries, q.id, &q);
    sk_err err = ask(shard, &q, response);
    sk_imap_remove(shard->queries, q.id);
    return err;
}

sk_err sk_engine_query(struct sk_engine *engine, struct sk_ctx *ctx, const struct sk_namespace *ns,
                       const WS(QueryWorkflowRequest) *request, WS(QueryWorkflowResponse) *response)
{
    return shard_call(engine, ctx, ns, request->execution->workflow_id, do_query, request,
                      response);
}

/* ---- a poll takes a direct query ---- */

struct query_take {
    int64_t id;
    const struct sk_task *task;
};

static sk_err do_query_take(struct sk_shard *shard, struct sk_ctx *ctx,
                            const struct sk_namespace *ns, const void *request, void *out)
{
    const struct query_take *take = request;
    WS(PollWorkflowTaskQueueResponse) *response = out;
    const struct query *q = query_find(shard, take->id);
    if (!q || q->state != QUERY_WAITING)
        return SK_STALE;
    bool sticky = !sk_str_eq(take->task->row.queue.name, sk_str_of(q->task_queue));
    struct sk_uuid run_id = q->run_id; // the asker may leave while we wait
    struct flow *flow = flow_enter(shard, ns->id, q->workflow_id);
    struct exec *x;
    struct sk_str bytes = {0};
    int64_t to = 0, last = 0;
    sk_err err = flow_run_uuid(flow, ctx, run_id, &x);
    if (err == SK_OK && !sticky) {
        to = x->s->next_event_id - 1;
        err = history_bytes(x, ctx, 1, to, RESPONSE_HISTORY_BYTES, &bytes, &last);
    }
    if (err == SK_OK && last < to) { // the worker reads on by itself
        EN(HistoryToken) rest = SKALD__ENGINE__V1__HISTORY_TOKEN__INIT;
        rest.run_id = x->run_text;
        rest.next_event_id = last + 1;
        rest.end_event_id = to;
        response->next_page_token = token_seal(shard->engine, ctx->arena, &rest.base);
    }
    q = err == SK_OK ? query_find(shard, take->id) : NULL; // it may be gone after the wait
    if (q) {
        enum { FIELD_HISTORY = 8 };
        EN(QueryToken) token = SKALD__ENGINE__V1__QUERY_TOKEN__INIT;
        token.query = (uint64_t)q->id;
        token.loop = shard->index;
        token.task_queue = (char *)(uintptr_t)q->task_queue;
        response->task_token = token_seal(shard->engine, ctx->arena, &token.base);
        response->workflow_execution = sk_execution_msg(ctx->arena, q->workflow_id, x->run_text);
        response->workflow_type = sk_type_msg(ctx->arena, x->s->workflow_type);
        response->previous_started_event_id = x->s->last_started_id;
        response->attempt = 1;
        response->workflow_execution_task_queue = sk_queue_msg(ctx->arena, x->s->task_queue, NULL);
        response->query = sk_msg_dup(ctx->arena, q->request->query);
        sk_wire_splice(ctx->arena, &response->base, FIELD_HISTORY, bytes);
    }
    flow_leave(flow);
    return err == SK_OK && !q ? SK_STALE : err;
}

sk_err query_respond(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                     const struct sk_task *task, WS(PollWorkflowTaskQueueResponse) *response)
{
    struct query_take take = {(int64_t)(uintptr_t)task->query, task};
    return shard_call(e, ctx, ns, task_workflow_id(ctx, task), do_query_take, &take, response);
}

/* ---- the answer to a direct query ---- */

struct query_answer {
    struct sk_engine *e;
    struct sk_ctx *ctx;
    sk_ns_id ns;
    const WS(RespondQueryTaskCompletedRequest) *request;
    const EN(QueryToken) *token;
    sk_err err;
};

static void run_query_answer(void *arg)
{
    struct query_answer *a = arg;
    struct query *q = query_find(a->e->shards[a->token->loop], (int64_t)a->token->query);
    if (q && q->ns != a->ns) {
        a->err = sk_fail(a->ctx, SK_INVALID_ARGUMENT,
                         "Operation requested with a token from a different namespace.");
        return;
    }
    if (!q || q->state != QUERY_WAITING) {
        a->err = sk_fail_not_found(a->ctx, "query task not found, or already expired");
        return;
    }
    take_answer(q, (int)a->request->completed_type, a->request->query_result,
                a->request->error_message, a->request->failure);
    a->err = SK_OK;
}

sk_err sk_engine_query_completed(struct sk_engine *engine, struct sk_ctx *ctx,
                                 const struct sk_namespace *ns,
                                 const WS(RespondQueryTaskCompletedRequest) *request,
                                 WS(RespondQueryTaskCompletedResponse) *response)
{
    (void)response;
    ProtobufCMessage *m;
    sk_err err = token_open(engine, ctx, request->task_token,
                            &skald__engine__v1__query_token__descriptor, &m);
    if (err != SK_OK)
        return err;
    struct query_answer a = {engine, ctx, ns->id, request, (const EN(QueryToken) *)m, SK_OK};
    if (a.token->loop < 0 || a.token->loop >= engine->shard_count)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Invalid TaskToken.");
    sk_rt_call(a.token->loop, run_query_answer, &a);
    return a.err;
}
