/*
 * The workflow task of a run: at most one, scheduled or started.
 *
 *              wft_schedule             wft_start_in_memory      wft_materialize
 *    (none) ------------------> scheduled ----------------> started in memory ---> started
 *       ^                           |                             |                  |
 *       |     sticky time-out       |      completed, failed, timed out              |
 *       +---------------------------+-----------------------------+------------------+
 *
 * A first attempt has events: Scheduled when it is scheduled, Started when any commit follows its
 * start. Attempts after the first are transient: no events until one completes; what the worker is
 * shown of them is made up by wft_with_tail. If events arrived meanwhile, the next attempt is an
 * ordinary one again.
 *
 * The start itself is not a commit: losing it costs one more delivery, and the token that the
 * worker holds says all that is needed to accept its answer after a restart.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "base/assert.h"
#include "wire/wire.h"

#define RETRY_ATTEMPTS_PLAIN 3 /* attempts whose timeout is the plain one */
#define RETRY_FIRST_MS 5000
#define RETRY_MAX_MS 600000
#define RESPONSE_HISTORY_BYTES (2 * 1024 * 1024)

bool wft_pending(const struct exec *x)
{
    return x->s->wft != NULL;
}

bool wft_started(const struct exec *x)
{
    return x->start.set || (x->s->wft && x->s->wft->started_ns != 0);
}

void stickiness_clear(struct exec *x)
{
    x->s->sticky_queue = exec_str(x, "");
    x->s->sticky_timeout_ms = 0;
}

static int64_t timeout_ms(const struct exec *x, int32_t attempt)
{
    int64_t ms = x->s->task_timeout_ms;
    if (attempt <= RETRY_ATTEMPTS_PLAIN)
        return ms;
    int64_t extra = RETRY_FIRST_MS;
    for (int i = RETRY_ATTEMPTS_PLAIN + 1; i < attempt && extra < RETRY_MAX_MS; i++)
        extra *= 2;
    return ms + (extra < RETRY_MAX_MS ? extra : RETRY_MAX_MS);
}

static HIST(HistoryEvent) *scheduled_event(struct txn *t, const EN(WorkflowTask) *wft,
                                           const char *queue, bool sticky)
{
    HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_TASK_SCHEDULED));
    HIST(WorkflowTaskScheduledEventAttributes) *a = event->workflow_task_scheduled_event_attributes;
    a->task_queue = sk_queue_msg(t->ctx->arena, queue, sticky ? t->x->s->task_queue : NULL);
    a->start_to_close_timeout = sk_dur(t->ctx->arena, wft->timeout_ms);
    a->attempt = wft->attempt;
    return event;
}

static void task_row(const struct exec *x, const EN(WorkflowTask) *wft, struct sk_task_row *ret)
{
    const EN(ExecutionState) *s = x->s;
    bool sticky = sk_text_set(s->sticky_queue) && strcmp(wft->queue, s->sticky_queue) == 0;
    *ret = (struct sk_task_row){
        .queue = {x->flow->ns, SK_TASK_WORKFLOW, sk_str_of(wft->queue)},
        .pass = wft->task_pass,
        .seq = wft->task_seq,
        .run = exec_key(x),
        .scheduled_id = wft->scheduled_id,
        .attempt = wft->attempt,
        .stamp = wft->stamp,
        .created_ms = wft->scheduled_ns / MS_NS,
        .expires_ms = wft->schedule_to_start_due_ms,
        .fallback_queue = sticky ? sk_str_of(s->task_queue) : (struct sk_str){0},
    };
    priority_to_row(s->priority, ret);
    if (wft->task_priority)
        ret->priority = wft->task_priority;
}

static void put_row(struct txn *t, EN(WorkflowTask) *wft, bool announce)
{
    struct sk_task_row row;
    task_row(t->x, wft, &row);
    wft->task_priority = row.priority;
    if (announce && !row.fallback_queue.n) // a sticky queue has one worker, who takes turns itself
        wft->task_pass = row.pass = sk_matching_place(t->e->matching, &row);
    txn_op(t, SK_OP_TASK_PUT)->task = row;
    if (announce)
        txn_announce(t, &row);
}

void wft_offer_again(struct exec *x)
{
    const EN(WorkflowTask) *wft = x->s->wft;
    struct sk_task_row row;
    x->start.set = false;
    if (!wft || wft->started_ns != 0 || wft->task_seq == 0)
        return;
    task_row(x, wft, &row);
    sk_matching_add(exec_engine(x)->matching, &row);
}

void wft_drop_row(struct txn *t)
{
    EN(WorkflowTask) *wft = t->x->s->wft;
    if (!wft || wft->task_seq == 0)
        return;
    struct sk_task_row row;
    task_row(t->x, wft, &row);
    txn_op(t, SK_OP_TASK_DELETE)->task = row;
    if (!wft_started(t->x))
        sk_matching_unplace(t->e->matching, &row);
    wft->task_seq = wft->task_pass = 0;
}

void wft_schedule(struct txn *t, int32_t attempt, int64_t original_ns, bool announce)
{
    struct exec *x = t->x;
    EN(ExecutionState) *s = x->s;
    SK_ASSERT(!s->wft);
    if (s->n_buffered > 0) {
        txn_flush_buffered(t);
        attempt = 1; // there is something new to see
    }
    bool sticky = sk_text_set(s->sticky_queue);
    EN(WorkflowTask) *wft = EN_NEW(x->arena, WorkflowTask, workflow_task);
    wft->attempt = attempt;
    wft->scheduled_ns = t->now_ns;
    wft->original_scheduled_ns = original_ns ? original_ns : t->now_ns;
    wft->timeout_ms = timeout_ms(x, attempt);
    wft->queue = sticky ? s->sticky_queue : s->task_queue;
    wft->kind = 1;
    wft->stamp = ++s->stamp_next;
    wft->task_seq = sk_matching_seq(t->e->matching);
    if (sticky && s->sticky_timeout_ms > 0)
        wft->schedule_to_start_due_ms = txn_now_ms(t) + s->sticky_timeout_ms;
    s->wft = wft;
    if (attempt == 1)
        txn_add(t, scheduled_event(t, wft, wft->queue, sticky));
    else
        wft->scheduled_id = s->next_event_id; // provisional, see wft_with_tail
    put_row(t, wft, announce);
}

void wft_schedule_if_idle(struct txn *t)
{
    EN(ExecutionState) *s = t->x->s;
    if (exec_running(t->x) && !s->wft && !s->first_task_pending && s->first_task_due_ms == 0)
        wft_schedule(t, 1, 0, true);
}

/* ---- starting ---- */

static void suggest(struct started *start, const struct exec *x, const struct sk_limits *limits)
{
    enum { TOO_LARGE = 1, TOO_MANY = 2 };
    if (start->history_size >= limits->history_size_suggest)
        start->reasons[start->reason_count++] = TOO_LARGE;
    if (x->s->next_event_id >= limits->history_count_suggest)
        start->reasons[start->reason_count++] = TOO_MANY;
    start->suggest = start->reason_count > 0;
}

void wft_start_in_memory(struct exec *x, int64_t now_ns, const char *identity)
{
    struct started *start = &x->start;
    const EN(WorkflowTask) *wft = x->s->wft;
    SK_ASSERT(!start->set && wft && wft->started_ns == 0);
    sk_mem_free(start->identity);
    *start = (struct started){
        .set = true, .started_ns = now_ns, .stamp = wft->stamp, .history_size = x->s->history_size};
    start->started_id = wft->attempt == 1 ? x->s->next_event_id : wft->scheduled_id + 1;
    start->identity = sk_mem_strdup(identity ? identity : "");
    uuid_fresh(now_ns / MS_NS, start->request_id);
    suggest(start, x, exec_engine(x)->limits);
    wake_arm(x);
}

static HIST(HistoryEvent) *started_event(struct sk_arena *arena, int64_t scheduled_id,
                                         const struct started *start)
{
    HIST(HistoryEvent) *event =
        sk_event_new(arena, EVENT(WORKFLOW_TASK_STARTED), start->started_ns);
    HIST(WorkflowTaskStartedEventAttributes) *a = event->workflow_task_started_event_attributes;
    a->scheduled_event_id = scheduled_id;
    a->identity = sk_arena_strdup(arena, start->identity);
    a->request_id = sk_arena_strdup(arena, start->request_id);
    a->history_size_bytes = start->history_size;
    a->suggest_continue_as_new = start->suggest;
    if (start->reason_count) {
        a->n_suggest_continue_as_new_reasons = start->reason_count;
        a->suggest_continue_as_new_reasons =
            sk_arena_memdup(arena, start->reasons, start->reason_count * sizeof *start->reasons);
    }
    return event;
}

void wft_materialize(struct txn *t)
{
    struct exec *x = t->x;
    EN(WorkflowTask) *wft = x->s->wft;
    struct started *start = &x->start;
    t->wrote_start = true;
    start->set = false;
    if (!wft || wft->started_ns != 0)
        return;
    if (wft->attempt == 1) {
        txn_add(t, started_event(t->ctx->arena, wft->scheduled_id, start));
        return;
    }
    wft->started_id = start->started_id;
    wft->started_ns = start->started_ns;
    wft->request_id = exec_str(x, start->request_id);
    wft->identity = exec_str(x, start->identity);
    wft->history_size = start->history_size;
    wft->suggest_continue_as_new = start->suggest;
    wft->n_suggest_reasons = start->reason_count;
    wft->suggest_reasons =
        sk_arena_memdup(x->arena, start->reasons, start->reason_count * sizeof *start->reasons);
}

/* What a durable start looked like. */
static void start_from_record(const EN(WorkflowTask) *wft, struct started *ret)
{
    *ret = (struct started){
        .started_id = wft->started_id,
        .started_ns = wft->started_ns,
        .history_size = wft->history_size,
        .identity = wft->identity,
        .suggest = wft->suggest_continue_as_new,
    };
    memcpy(ret->request_id, wft->request_id, strnlen(wft->request_id, sizeof ret->request_id - 1));
    for (size_t i = 0; i < wft->n_suggest_reasons && i < REASONS_MAX; i++)
        ret->reasons[ret->reason_count++] = wft->suggest_reasons[i];
}

void wft_write_transient(struct txn *t)
{
    struct exec *x = t->x;
    EN(WorkflowTask) *wft = x->s->wft;
    if (wft->attempt == 1)
        return;
    struct started start;
    start_from_record(wft, &start);
    bool sticky = strcmp(wft->queue, x->s->task_queue) != 0;
    HIST(HistoryEvent) *event = scheduled_event(t, wft, wft->queue, sticky);
    event->event_time = sk_ts(t->ctx->arena, wft->scheduled_ns);
    txn_add(t, event);
    txn_add(t, started_event(t->ctx->arena, x->s->wft->scheduled_id, &start));
}

struct sk_str wft_with_tail(struct exec *x, struct sk_ctx *ctx, struct sk_str history)
{
    const EN(WorkflowTask) *wft = x->s->wft;
    if (!wft || !wft_started(x) || (wft->attempt == 1 && wft->started_ns != 0))
        return history;
    struct started start = x->start;
    if (!x->start.set)
        start_from_record(wft, &start);
    struct sk_buf tail = SK_BUF_INIT;
    if (wft->attempt > 1) {
        HIST(HistoryEvent) *event =
            sk_event_new(ctx->arena, EVENT(WORKFLOW_TASK_SCHEDULED), wft->scheduled_ns);
        HIST(WorkflowTaskScheduledEventAttributes) *a =
            event->workflow_task_scheduled_event_attributes;
        bool sticky = strcmp(wft->queue, x->s->task_queue) != 0;
        a->task_queue = sk_queue_msg(ctx->arena, wft->queue, sticky ? x->s->task_queue : NULL);
        a->start_to_close_timeout = sk_dur(ctx->arena, wft->timeout_ms);
        a->attempt = wft->attempt;
        event->event_id = event->task_id = wft->scheduled_id;
        sk_wire_history_append(&tail, &event->base);
    }
    HIST(HistoryEvent) *event = started_event(ctx->arena, wft->scheduled_id, &start);
    event->event_id = event->task_id = start.started_id;
    sk_wire_history_append(&tail, &event->base);
    char *all = sk_arena_alloc(ctx->arena, history.n + tail.n);
    if (history.n)
        memcpy(all, history.p, history.n);
    memcpy(all + history.n, tail.p, tail.n);
    struct sk_str ret = {all, history.n + tail.n};
    sk_buf_fini(&tail);
    return ret;
}

/* ---- ending ---- */

#define PROBLEMS_AFTER 5 /* consecutive failures that make a run stand out in lists */

/* Count a failure; from the fifth on the run carries the search attribute TemporalReportedProblems.
 */
static void note_failure(struct txn *t, const char *category, const char *cause)
{
    struct exec *x = t->x;
    if (++x->s->task_failures < PROBLEMS_AFTER)
        return;
    x->s->n_reported_problems = 2;
    x->s->reported_problems = SK_NEW_N(x->arena, char *, 2);
    x->s->reported_problems[0] = sk_arena_printf(x->arena, "category=%s", category);
    x->s->reported_problems[1] = sk_arena_printf(x->arena, "cause=%s", cause);
    t->visible = true;
}

void wft_note_success(struct txn *t)
{
    t->x->s->task_failures = 0;
    if (t->x->s->n_reported_problems == 0)
        return;
    t->x->s->n_reported_problems = 0;
    t->visible = true;
}

/* The attempt after this one: it grows only when the task ran on the normal queue. */
static int32_t next_attempt(struct exec *x, int32_t attempt, bool grow)
{
    bool was_sticky = sk_text_set(x->s->sticky_queue);
    stickiness_clear(x);
    return grow && !was_sticky ? attempt + 1 : 1;
}

void wft_fail_for_good(struct txn *t, int cause, const FAILURE *failure, const char *identity)
{
    struct exec *x = t->x;
    EN(WorkflowTask) *wft = x->s->wft;
    const struct verdict why = {cause, false, NULL};
    if (cause != (int)CAUSE(RESET_WORKFLOW)) // an operator's doing
        count_task_failed(t, verdict_text(t->ctx->arena, &why), failure, false);
    wft_drop_row(t);
    if (wft->attempt == 1) {
        HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_TASK_FAILED));
        HIST(WorkflowTaskFailedEventAttributes) *a = event->workflow_task_failed_event_attributes;
        a->scheduled_event_id = wft->scheduled_id;
        a->started_event_id = wft->started_id;
        a->cause = (Temporal__Api__Enums__V1__WorkflowTaskFailedCause)cause;
        a->failure = (FAILURE *)(uintptr_t)failure;
        a->identity = sk_arena_strdup(t->ctx->arena, identity ? identity : "");
        txn_add(t, event);
    }
    x->s->wft = NULL;
}

void wft_fail(struct txn *t, int cause, const FAILURE *failure, const char *identity)
{
    struct exec *x = t->x;
    int32_t attempt = x->s->wft->attempt;
    wft_fail_for_good(t, cause, failure, identity);
    const struct verdict why = {cause, false, NULL};
    note_failure(t, "WorkflowTaskFailed",
                 sk_arena_printf(t->ctx->arena, "WorkflowTaskFailedCause%s",
                                 verdict_text(t->ctx->arena, &why)));
    bool reset = cause == (int)CAUSE(RESET_WORKFLOW) || cause == (int)CAUSE(FAILOVER_CLOSE_COMMAND);
    attempt = next_attempt(x, attempt, true);
    wft_schedule(t, reset ? 1 : attempt, 0, true);
}

void wft_time_out(struct txn *t, int timeout_type)
{
    struct exec *x = t->x;
    EN(WorkflowTask) *wft = x->s->wft;
    int32_t attempt = wft->attempt;
    bool start_to_close = timeout_type == (int)TIMEOUT(START_TO_CLOSE);
    if (start_to_close) // the other one is a sticky worker that is gone: another takes over
        count_task_failed(t, "TimeoutError: StartToClose", NULL, true);
    wft_drop_row(t);
    if (attempt == 1 || !start_to_close) {
        HIST(HistoryEvent) *event = txn_event(t, EVENT(WORKFLOW_TASK_TIMED_OUT));
        HIST(WorkflowTaskTimedOutEventAttributes) *a =
            event->workflow_task_timed_out_event_attributes;
        a->scheduled_event_id = wft->scheduled_id;
        a->started_event_id = start_to_close ? wft->started_id : 0;
        a->timeout_type = (Temporal__Api__Enums__V1__TimeoutType)timeout_type;
        txn_add(t, event);
    }
    x->s->wft = NULL;
    if (start_to_close)
        note_failure(t, "WorkflowTaskTimedOut", "WorkflowTaskTimedOutCauseStartToClose");
    wft_schedule(t, next_attempt(x, attempt, start_to_close), 0, true);
}

/* ---- the answer to a poll ---- */

static ProtobufCBinaryData seal_token(struct exec *x, struct sk_ctx *ctx)
{
    struct sk_engine *e = exec_engine(x);
    const EN(WorkflowTask) *wft = x->s->wft;
    EN(TaskToken) token = task_token_new(x, ctx->arena, SK_TASK_WORKFLOW);
    token.scheduled_id = wft->scheduled_id;
    token.attempt = wft->attempt;
    token.stamp = wft->stamp;
    token.scheduled_ns = wft->scheduled_ns;
    token.started_ns = x->start.started_ns;
    token.started_id = x->start.started_id;
    token.request_id = x->start.request_id;
    token.identity = x->start.identity;
    token.history_size = x->start.history_size;
    token.suggest_continue_as_new = x->start.suggest;
    token.n_suggest_reasons = x->start.reason_count;
    token.suggest_reasons = x->start.reasons;
    return token_seal(e, ctx->arena, &token.base);
}

static sk_err respond_history(struct exec *x, struct sk_ctx *ctx, bool sticky,
                              WS(PollWorkflowTaskQueueResponse) *response)
{
    struct sk_engine *e = exec_engine(x);
    int64_t from = sticky ? x->s->last_started_id + 1 : 1;
    int64_t to = x->s->next_event_id - 1;
    int64_t last;
    struct sk_str bytes;
    sk_err err = history_bytes(x, ctx, from, to, RESPONSE_HISTORY_BYTES, &bytes, &last);
    if (err != SK_OK)
        return err;
    if (last < to) {
        EN(HistoryToken) token = SKALD__ENGINE__V1__HISTORY_TOKEN__INIT;
        token.run_id = x->run_text;
        token.next_event_id = last + 1;
        token.end_event_id = to;
        token.tail = true;
        response->next_page_token = token_seal(e, ctx->arena, &token.base);
    } else {
        bytes = wft_with_tail(x, ctx, bytes);
    }
    enum { FIELD_HISTORY = 8 };
    sk_wire_splice(ctx->arena, &response->base, FIELD_HISTORY, bytes);
    return SK_OK;
}

sk_err wft_respond(struct exec *x, struct sk_ctx *ctx, bool sticky,
                   WS(PollWorkflowTaskQueueResponse) *response)
{
    const EN(ExecutionState) *s = x->s;
    char *id = sk_arena_strndup(ctx->arena, x->flow->workflow_id.p, x->flow->workflow_id.n);
    response->task_token = seal_token(x, ctx);
    response->workflow_execution = sk_execution_msg(ctx->arena, id, x->run_text);
    response->workflow_type = sk_type_msg(ctx->arena, s->workflow_type);
    response->previous_started_event_id = s->last_started_id;
    response->started_event_id = x->start.started_id;
    response->attempt = s->wft->attempt;
    response->workflow_execution_task_queue = sk_queue_msg(ctx->arena, s->task_queue, NULL);
    response->scheduled_time = sk_ts(ctx->arena, s->wft->scheduled_ns);
    response->started_time = sk_ts(ctx->arena, x->start.started_ns);
    queries_attach(x, ctx, response);
    return respond_history(x, ctx, sticky, response);
}
