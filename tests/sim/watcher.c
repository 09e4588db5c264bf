/*
 * Clients that wait for a workflow's end as SDKs do: GetWorkflowExecutionHistory with
 * wait_new_event and the close filter, parked by a watch, again and again. Whatever they are told
 * at last must be how the run ended.
 */
#include "sim.h"

struct wait {
    struct sk_watch watch;
    struct sk_fiber *fiber;
    struct sk_timer timer;
    struct sk_engine *engine;
    bool over;
};

static void on_change(struct sk_watch *watch)
{
    struct wait *w = SK_CONTAINER(watch, struct wait, watch);
    SIM_CHECK(!w->over, "a watch fires twice");
    w->over = true;
    sk_fiber_wake(w->fiber);
}

static void on_timer(struct sk_timer *timer)
{
    struct wait *w = SK_CONTAINER(timer, struct wait, timer);
    sk_engine_unwatch(w->engine, &w->watch);
}

/* Park until the watch fires or time is up; inside sim_enter. */
static void park(const struct sk_watch *watch)
{
    struct wait *w = sk_mem_zalloc(sizeof *w);
    w->watch = *watch;
    w->watch.home_loop = sk_rt_loop_index();
    w->watch.on_change = on_change;
    w->fiber = sk_fiber_current();
    w->engine = sim->engine;
    sk_timer_init(&w->timer, on_timer);
    sk_timer_start(&w->timer, sk_now_mono_ms() + sim_between(1, 20000));
    sk_engine_watch(w->engine, &w->watch);
    while (!w->over)
        sk_fiber_suspend();
    sk_timer_stop(&w->timer);
    sk_mem_free(w);
}

/* One long poll; the last event's type when the run is closed, else 0. */
static int ask(struct sk_arena *arena, const char *workflow_id, const char *run_id,
               ProtobufCBinaryData *token, sk_err *ret_err)
{
    // else a run that has a next one ends with a continue-as-new for it, whatever its status
    struct sk_ctx ctx = {.arena = arena, .client_features = "follows-next-run-id"};
    struct sk_watch watch;
    bool wait = false;
    WS(GetWorkflowExecutionHistoryRequest) *r =
        MSG_NEW(arena, WS(GetWorkflowExecutionHistoryRequest),
                temporal__api__workflowservice__v1__get_workflow_execution_history_request);
    WS(GetWorkflowExecutionHistoryResponse) *response = NULL;
    r->namespace_ = sk_arena_strdup(arena, SIM_NAMESPACE);
    r->execution = sk_execution_msg(arena, workflow_id, run_id);
    r->wait_new_event = true;
    r->maximum_page_size = 100;
    r->history_event_filter_type =
        TEMPORAL__API__ENUMS__V1__HISTORY_EVENT_FILTER_TYPE__HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT;
    r->next_page_token = *token;
    for (int i = 0; i < 2; i++) {
        response =
            MSG_NEW(arena, WS(GetWorkflowExecutionHistoryResponse),
                    temporal__api__workflowservice__v1__get_workflow_execution_history_response);
        *ret_err = sk_engine_history(sim->engine, &ctx, sim->ns, r, response, &watch, &wait);
        if (*ret_err || !wait || i)
            break;
        park(&watch);
    }
    if (*ret_err)
        return 0;
    response = sim_receive(arena, response);
    *token = response->next_page_token;
    const HIST(History) *h = response->history;
    return h && h->n_events ? (int)h->events[h->n_events - 1]->event_type : 0;
}

static bool tells_truth(const struct sim_run *run, int type)
{
    switch (type) {
    case EVENT(WORKFLOW_EXECUTION_COMPLETED):
        return run->status == STATUS(COMPLETED);
    case EVENT(WORKFLOW_EXECUTION_FAILED):
        return run->status == STATUS(FAILED);
    case EVENT(WORKFLOW_EXECUTION_CANCELED):
        return run->status == STATUS(CANCELED);
    case EVENT(WORKFLOW_EXECUTION_TERMINATED):
        return run->status == STATUS(TERMINATED);
    case EVENT(WORKFLOW_EXECUTION_TIMED_OUT):
        return run->status == STATUS(TIMED_OUT);
    case EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW):
        return run->status == STATUS(CONTINUED_AS_NEW);
    default:
        return false;
    }
}

/* Follow one run to its end. */
static void follow(const struct sim_run *run)
{
    struct sk_arena *arena = sk_arena_new(0);
    ProtobufCBinaryData token = {0};
    int64_t closed_ms = 0;
    while (!sim->over && !run->deleted) {
        sk_err err;
        if (!sim_enter()) {
            sk_fiber_sleep(100);
            continue;
        }
        int type = ask(arena, run->workflow_id, run->run_id, &token, &err);
        sim_leave();
        if (type) {
            SIM_CHECK(tells_truth(run, type), "a long poll says %s of %s, whose status is %d",
                      sk_event_name(type), run->run_id, run->status);
            break;
        }
        SIM_CHECK(err != SK_NOT_FOUND || run->deleted, "%s is not found", run->run_id);
        if (!sim_run_open(run) && !closed_ms)
            closed_ms = sk_now_mono_ms();
        SIM_CHECK(!closed_ms || sim->faults || sk_now_mono_ms() - closed_ms < 30000,
                  "%s closed and its long poll does not end", run->run_id);
        if (err)
            sk_fiber_sleep(50);
    }
    sk_arena_free(arena);
}

void sim_watcher(void *arg)
{
    (void)arg;
    while (!sim->over) {
        const struct sim_run *run = sim->first;
        for (uint64_t skip = sim_below(4); run && skip; skip--)
            run = run->next;
        if (run && sim_run_open(run))
            follow(run);
        sk_fiber_sleep((int64_t)sim_below(5000));
    }
    sim->fibers--;
}
