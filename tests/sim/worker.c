/*
 * The model workflow worker: polls its normal and its sticky queue, fetches the whole history as an
 * SDK does after a cache miss, lets program.c decide, and answers. On the way it is a bad worker in
 * all ways that happen: it loses polls, thinks too long, dies without an answer, answers twice.
 */
#include "sim.h"

#include <stdio.h>
#include "wire/wire.h"

/* ---- polls ---- */

struct waiter {
    struct sk_poll poll;
    struct sk_fiber *fiber;
    bool over;
    struct sk_task *task;
};

static void on_end(struct sk_poll *poll, enum sk_poll_end end, struct sk_task *task)
{
    struct waiter *w = SK_CONTAINER(poll, struct waiter, poll);
    SIM_CHECK(!w->over && (end == SK_POLL_TASK) == (task != NULL), "a poll ends twice");
    w->over = true;
    w->task = task;
    sk_fiber_wake(w->fiber);
}

struct sk_task *sim_poll(enum sk_task_kind kind, const char *queue, bool sticky,
                         const char *identity)
{
    struct waiter *w = sk_mem_zalloc(sizeof *w);
    w->fiber = sk_fiber_current();
    w->poll = (struct sk_poll){
        .queue = {sim->ns->id, kind, sk_str_of(queue)},
        .identity = identity,
        .rate_limit = -1,
        .sticky = sticky,
        .deadline_mono_ms = sk_now_mono_ms() + sim_between(100, sim->quiet ? 60000 : 5000),
        .home_loop = sk_rt_loop_index(),
        .on_end = on_end,
    };
    sk_matching_poll(sim->matching, &w->poll);
    if (sim_wild() && sim_chance(5)) { // the client goes away
        sk_fiber_sleep((int64_t)sim_below(50));
        if (!w->over)
            sk_matching_cancel(sim->matching, &w->poll);
    }
    while (!w->over)
        sk_fiber_suspend();
    struct sk_task *task = w->task;
    sk_mem_free(w);
    if (task && sim_wild() && sim_chance(3)) {
        sk_matching_return(sim->matching, task);
        return NULL;
    }
    return task;
}

/* ---- history ---- */

static const HIST(History) *append(struct sk_arena *arena, const HIST(History) *a,
                                   const HIST(History) *b)
{
    HIST(History) *all = MSG_NEW(arena, HIST(History), temporal__api__history__v1__history);
    size_t n = (a ? a->n_events : 0) + (b ? b->n_events : 0);
    all->events = SK_NEW_N(arena, HIST(HistoryEvent) *, n + 1);
    for (size_t i = 0; a && i < a->n_events; i++)
        all->events[all->n_events++] = a->events[i];
    for (size_t i = 0; b && i < b->n_events; i++)
        all->events[all->n_events++] = b->events[i];
    return all;
}

/* All of it, page by page; NULL when that failed. */
static const HIST(History) *fetch(struct sk_arena *arena,
                                  const COMMON(WorkflowExecution) *execution)
{
    const HIST(History) *all = NULL;
    ProtobufCBinaryData token = {0};
    do {
        struct sk_ctx ctx = {.arena = arena};
        WS(GetWorkflowExecutionHistoryRequest) *r =
            MSG_NEW(arena, WS(GetWorkflowExecutionHistoryRequest),
                    temporal__api__workflowservice__v1__get_workflow_execution_history_request);
        WS(GetWorkflowExecutionHistoryResponse) *response =
            MSG_NEW(arena, WS(GetWorkflowExecutionHistoryResponse),
                    temporal__api__workflowservice__v1__get_workflow_execution_history_response);
        r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
        r->execution = sk_execution_msg(arena, execution->workflow_id, execution->run_id);
        r->maximum_page_size = (int32_t)sim_between(1, 60);
        r->next_page_token = token;
        struct sk_watch watch;
        bool wait = false;
        if (!sim_enter())
            return NULL;
        sk_err err = sk_engine_history(sim->engine, &ctx, sim->ns, r, response, &watch, &wait);
        sim_leave();
        if (err)
            return NULL;
        response = sim_receive(arena, response);
        all = append(arena, all, response->history);
        token = response->next_page_token;
    } while (token.len);
    for (size_t i = 0; i < all->n_events; i++)
        SIM_CHECK(all->events[i]->event_id == (int64_t)i + 1,
                  "history of %s: event %lld at place %zu", execution->run_id,
                  (long long)all->events[i]->event_id, i + 1);
    return all;
}

/* ---- answers ---- */

static void set_query_results(struct sk_arena *arena, const WS(PollWorkflowTaskQueueResponse) *task,
                              WS(RespondWorkflowTaskCompletedRequest) *r)
{
    typedef WS(RespondWorkflowTaskCompletedRequest__QueryResultsEntry) entry;
    r->query_results = SK_NEW_N(arena, entry *, task->n_queries + 1);
    for (size_t i = 0; i < task->n_queries; i++) {
        entry *e = MSG_NEW(
            arena, entry,
            temporal__api__workflowservice__v1__respond_workflow_task_completed_request__query_results_entry);
        e->key = sk_arena_strdup(arena, task->queries[i]->key);
        e->value = MSG_NEW(arena, Temporal__Api__Query__V1__WorkflowQueryResult,
                           temporal__api__query__v1__workflow_query_result);
        e->value->result_type =
            TEMPORAL__API__ENUMS__V1__QUERY_RESULT_TYPE__QUERY_RESULT_TYPE_ANSWERED;
        e->value->answer = sim_payloads(arena, task->workflow_execution->workflow_id);
        r->query_results[r->n_query_results++] = e;
    }
}

static void set_sticky(struct sk_arena *arena, const char *sticky,
                       WS(RespondWorkflowTaskCompletedRequest) *r)
{
    if (!sticky || sim_chance(20))
        return;
    r->sticky_attributes = MSG_NEW(arena, Temporal__Api__Taskqueue__V1__StickyExecutionAttributes,
                                   temporal__api__taskqueue__v1__sticky_execution_attributes);
    r->sticky_attributes->worker_task_queue = sk_queue_msg(arena, sticky, SIM_QUEUE);
    r->sticky_attributes->schedule_to_start_timeout = sk_dur(arena, sim_span(1000, 8000));
}

static WS(RespondWorkflowTaskCompletedRequest) *completion(
    struct sk_arena *arena, const WS(PollWorkflowTaskQueueResponse) *task,
    const HIST(History) *history, const char *sticky)
{
    WS(RespondWorkflowTaskCompletedRequest) *r =
        MSG_NEW(arena, WS(RespondWorkflowTaskCompletedRequest),
                temporal__api__workflowservice__v1__respond_workflow_task_completed_request);
    struct sim_decision decision;
    sim_decide(arena, history, task->workflow_execution->workflow_id, &decision);
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->task_token = task->task_token;
    r->identity = sim_name(arena, "completion");
    r->n_commands = decision.count;
    r->commands = sk_arena_memdup(arena, decision.commands, sizeof decision.commands);
    r->return_new_workflow_task = sim_chance(60);
    /* Without commands it would be a heartbeat, which a task that waited long does not survive. */
    r->force_create_new_workflow_task =
        !decision.closes && (decision.count || !sim->quiet) && sim_chance(8);
    set_sticky(arena, sticky, r);
    set_query_results(arena, task, r);
    return r;
}

static bool has_task(const WS(RespondWorkflowTaskCompletedResponse) *response)
{
    return response->workflow_task && response->workflow_task->task_token.len;
}

static sk_err complete_once(struct sk_arena *arena,
                            const WS(RespondWorkflowTaskCompletedRequest) *r,
                            WS(RespondWorkflowTaskCompletedResponse) **ret)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(RespondWorkflowTaskCompletedResponse) *response =
        MSG_NEW(arena, WS(RespondWorkflowTaskCompletedResponse),
                temporal__api__workflowservice__v1__respond_workflow_task_completed_response);
    if (!sim_enter())
        return SK_UNAVAILABLE;
    sk_err err = sk_engine_wft_completed(sim->engine, &ctx, sim->ns, r, response);
    if (err)
        sim_say("  %s: %s %s", r->identity, sk_err_name(err), ctx.err.message);
    *ret = err ? NULL : sim_receive(arena, response);
    if (!err && has_task(*ret))
        sim_due_held((*ret)->workflow_task, sim->lives);
    sim_leave();
    return err;
}

static void fail_task(struct sk_arena *arena, const WS(PollWorkflowTaskQueueResponse) *task)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(RespondWorkflowTaskFailedRequest) *r =
        MSG_NEW(arena, WS(RespondWorkflowTaskFailedRequest),
                temporal__api__workflowservice__v1__respond_workflow_task_failed_request);
    WS(RespondWorkflowTaskFailedResponse) *response =
        MSG_NEW(arena, WS(RespondWorkflowTaskFailedResponse),
                temporal__api__workflowservice__v1__respond_workflow_task_failed_response);
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->task_token = task->task_token;
    r->cause = CAUSE(WORKFLOW_WORKER_UNHANDLED_FAILURE);
    r->failure = sk_failure_new(arena, "the worker says so", "Sim");
    r->identity = sim_name(arena, "failure");
    if (!sim_enter())
        return;
    sk_err err = sk_engine_wft_failed(sim->engine, &ctx, sim->ns, r, response);
    (void)err;
    sim_leave();
}

/* An acknowledged completion is in the history, and its token is spent. */
static void check_acknowledged(struct sk_arena *arena,
                               const WS(RespondWorkflowTaskCompletedRequest) *r)
{
    struct sim_deed *deed = sim_deed_of(r->identity);
    deed->acknowledged = true;
    sim->acknowledged++;
    SIM_CHECK(deed->seen == 1, "acknowledged %s is %d times in the history", r->identity,
              deed->seen);
    if (!sim_chance(10))
        return;
    WS(RespondWorkflowTaskCompletedResponse) *response;
    sk_err err = complete_once(arena, r, &response);
    SIM_CHECK(err, "%s was taken twice", r->identity);
}

static void answer_query(struct sk_arena *arena, const WS(PollWorkflowTaskQueueResponse) *task)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(RespondQueryTaskCompletedRequest) *r =
        MSG_NEW(arena, WS(RespondQueryTaskCompletedRequest),
                temporal__api__workflowservice__v1__respond_query_task_completed_request);
    WS(RespondQueryTaskCompletedResponse) *response =
        MSG_NEW(arena, WS(RespondQueryTaskCompletedResponse),
                temporal__api__workflowservice__v1__respond_query_task_completed_response);
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->task_token = task->task_token;
    r->completed_type = TEMPORAL__API__ENUMS__V1__QUERY_RESULT_TYPE__QUERY_RESULT_TYPE_ANSWERED;
    r->query_result = sim_payloads(arena, task->workflow_execution->workflow_id);
    if (!sim_enter())
        return;
    sk_err err = sk_engine_query_completed(sim->engine, &ctx, sim->ns, r, response);
    (void)err; // its asker may have given up
    sim_leave();
}

/* One task; the next one, when the answer brought it. */
static const WS(PollWorkflowTaskQueueResponse) *do_task(
    struct sk_arena *arena, const WS(PollWorkflowTaskQueueResponse) *task, const char *sticky)
{
    if (task->query) {
        answer_query(arena, task);
        return NULL;
    }
    bool slow = sim->quiet && !sim->finishing;
    if (slow ? sim_chance(30) : sim_wild() && sim_chance(4))
        return NULL; // the worker dies; its task times out
    if (sim_wild() && sim_chance(4)) {
        fail_task(arena, task);
        return NULL;
    }
    const HIST(History) *history = fetch(arena, task->workflow_execution);
    if (!history)
        return NULL;
    sk_fiber_sleep((int64_t)sim_below(sim_chance(10) ? 4000 : 60));
    if (slow && sim_chance(20))
        sk_fiber_sleep(sim_between(1000, 300000)); // it stalls
    WS(RespondWorkflowTaskCompletedRequest) *r = completion(arena, task, history, sticky);
    WS(RespondWorkflowTaskCompletedResponse) *response = NULL;
    sk_err err = SK_UNAVAILABLE;
    for (int i = 0; i < 3 && (err == SK_UNAVAILABLE || err == SK_COMMIT_UNKNOWN); i++)
        err = complete_once(arena, r, &response);
    if (err)
        return NULL;
    check_acknowledged(arena, r);
    for (size_t i = 0; i < response->n_activity_tasks; i++)
        sim_activity_do(arena, response->activity_tasks[i]);
    return has_task(response) ? response->workflow_task : NULL;
}

void sim_task_do(struct sk_arena *arena, const WS(PollWorkflowTaskQueueResponse) *task,
                 const char *sticky)
{
    while (task)
        task = do_task(arena, task, sticky);
}

/* ---- the worker ---- */

static const WS(PollWorkflowTaskQueueResponse) *start(struct sk_arena *arena, struct sk_task *task,
                                                      const char *queue, bool sticky,
                                                      const char *identity)
{
    struct sk_ctx ctx = {.arena = arena};
    WS(PollWorkflowTaskQueueRequest) *poll =
        MSG_NEW(arena, WS(PollWorkflowTaskQueueRequest),
                temporal__api__workflowservice__v1__poll_workflow_task_queue_request);
    WS(PollWorkflowTaskQueueResponse) *response =
        MSG_NEW(arena, WS(PollWorkflowTaskQueueResponse),
                temporal__api__workflowservice__v1__poll_workflow_task_queue_response);
    poll->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    poll->task_queue = sk_queue_msg(arena, queue, sticky ? SIM_QUEUE : NULL);
    poll->identity = sk_arena_strdup(arena, identity);
    sk_err err = sk_engine_wft_start(sim->engine, &ctx, sim->ns, task, poll, response);
    if (err && err != SK_STALE) {
        sk_matching_return(sim->matching, task);
        return NULL;
    }
    sk_matching_done(sim->matching, task);
    if (err)
        return NULL;
    response = sim_receive(arena, response);
    sim_due_held(response, sim->lives);
    return response;
}

static void work_once(struct sk_arena *arena, const char *queue, bool sticky, const char *identity,
                      const char *own_sticky)
{
    const WS(PollWorkflowTaskQueueResponse) *task = NULL;
    if (!sim_enter()) {
        sk_fiber_sleep(SIM_DOWN_PAUSE_MS);
        return;
    }
    struct sk_task *got = sim_poll(SK_TASK_WORKFLOW, queue, sticky, identity);
    if (got)
        task = start(arena, got, queue, sticky, identity);
    sim_leave();
    sim_task_do(arena, task, own_sticky);
}

/* Its process ends, perhaps saying good-bye, and comes back. */
static void restart(const char *sticky)
{
    if (sim_chance(50) && sim_enter()) {
        sk_matching_worker_gone(sim->matching, sim->ns->id, sticky, NULL);
        sim_leave();
    }
    sk_fiber_sleep(sim_between(1000, 15000));
}

void sim_workflow_worker(void *arg)
{
    char identity[20], sticky[20];
    snprintf(identity, sizeof identity, "worker-%d", (int)(intptr_t)arg);
    snprintf(sticky, sizeof sticky, "sticky-%d", (int)(intptr_t)arg);
    while (!sim->over) {
        struct sk_arena *arena = sk_arena_new(0);
        bool on_sticky = sim_chance(50);
        work_once(arena, on_sticky ? sticky : SIM_QUEUE, on_sticky, identity, sticky);
        sk_arena_free(arena);
        if (sim_wild() && sim_below(200) == 0)
            restart(sticky);
        if (sim->quiet && !sim->finishing && sim_chance(15))
            sim_lull(); // nobody is there
    }
    sim->fibers--;
}
