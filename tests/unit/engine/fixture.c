#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/buf.h"
#include "wire/wire.h"

#define NAMESPACE "tests"
#define PATIENCE_MS 300000

static void ok(struct world *w, sk_err err)
{
    if (err)
        fail_msg("%s: %s", sk_err_name(err), w->ctx.err.message ? w->ctx.err.message : "");
}

static void boot(struct world *w)
{
    ok(w, sk_namespaces_open(&w->ctx, w->store, &w->namespaces));
    w->ns = sk_namespaces_by_name(w->namespaces, NAMESPACE);
    if (!w->ns) {
        struct sk_namespace record = {.name = NAMESPACE,
                                      .state = SK_NS_REGISTERED,
                                      .description = "",
                                      .owner_email = "",
                                      .retention_ms = INT64_C(86400000)};
        ok(w, sk_namespaces_put(w->namespaces, &w->ctx, &record, &w->ns));
    }
    w->matching = sk_matching_new(&(struct sk_matching_options){.store = w->store});
    ok(w, sk_matching_open(w->matching, &w->ctx));
    struct sk_engine_options options = {.store = w->store,
                                        .matching = w->matching,
                                        .namespaces = w->namespaces,
                                        .limits = &w->limits};
    ok(w, sk_engine_open(&w->ctx, &options, &w->engine));
}

static void down(struct world *w)
{
    sk_engine_close(w->engine);
    sk_matching_free(w->matching);
    sk_namespaces_close(w->namespaces);
}

void restart(struct world *w)
{
    down(w);
    boot(w);
}

static void (*current_test)(struct world *w);

static void run_world(void *arg)
{
    struct sk_rt *rt = arg;
    struct world w = {.ctx = {.arena = sk_arena_new(0)}};
    sk_limits_default(&w.limits);
    ok(&w, sk_memory_store_open(&w.ctx, &w.store));
    boot(&w);
    current_test(&w);
    down(&w);
    sk_store_close(w.store);
    sk_arena_free(w.ctx.arena);
    sk_rt_stop(rt);
}

void in_world(void (*test)(struct world *w))
{
    struct sk_rt *rt = sk_rt_new(&(struct sk_rt_options){
        .loop_count = 1, .simulated = true, .seed = 7, .start_wall_ms = INT64_C(1800000000000)});
    current_test = test;
    sk_rt_run(rt, run_world, rt);
    sk_rt_free(rt);
}

/* ---- the gate ---- */

static struct {
    struct sk_store_ops ops;
    const struct sk_store_ops *real;
    const char *workflow_id;
    bool held;
    int pass, commits;
} gate;

static bool meets_gate(const struct sk_txn *txn)
{
    for (size_t i = 0; i < txn->op_count; i++)
        if (txn->ops[i].kind == SK_OP_EXEC_PUT &&
            (!gate.workflow_id ||
             sk_str_eq(txn->ops[i].run.workflow_id, sk_str_of(gate.workflow_id))))
            return true;
    return false;
}

static sk_err gated_commit(struct sk_store *store, struct sk_ctx *ctx, const struct sk_txn *txn)
{
    if (meets_gate(txn)) {
        int number = gate.commits++;
        while (gate.held)
            sk_fiber_sleep(1);
        if (number >= gate.pass)
            return sk_fail(ctx, SK_UNAVAILABLE, "the test refuses commits");
    }
    return gate.real->commit(store, ctx, txn);
}

void gate_hold(struct world *w, const char *workflow_id, int pass)
{
    gate.real = w->store->ops;
    gate.ops = *gate.real;
    gate.ops.commit = gated_commit;
    gate.workflow_id = workflow_id;
    gate.held = true;
    gate.pass = pass;
    gate.commits = 0;
    w->store->ops = &gate.ops;
}

void gate_release(void)
{
    gate.held = false;
}

void gate_lift(struct world *w)
{
    w->store->ops = gate.real;
}

int gate_commits(void)
{
    return gate.commits;
}

/* ---- clients ---- */

#define REQUEST(w, Type, snake) \
    MSG_NEW((w)->ctx.arena, WS(Type), temporal__api__workflowservice__v1__##snake)

char *start_workflow(struct world *w)
{
    static int starts;
    WS(StartWorkflowExecutionRequest) *r =
        REQUEST(w, StartWorkflowExecutionRequest, start_workflow_execution_request);
    WS(StartWorkflowExecutionResponse) *response =
        REQUEST(w, StartWorkflowExecutionResponse, start_workflow_execution_response);
    r->workflow_id = sk_arena_strdup(w->ctx.arena, WORKFLOW);
    r->workflow_type = sk_type_msg(w->ctx.arena, "Order");
    r->task_queue = sk_queue_msg(w->ctx.arena, QUEUE, NULL);
    r->request_id = sk_arena_printf(w->ctx.arena, "start-%d", ++starts);
    ok(w, sk_engine_start(w->engine, &w->ctx, w->ns, r, response));
    return response->run_id;
}

void signal_workflow(struct world *w, const char *name)
{
    static int signals;
    WS(SignalWorkflowExecutionRequest) *r =
        REQUEST(w, SignalWorkflowExecutionRequest, signal_workflow_execution_request);
    WS(SignalWorkflowExecutionResponse) *response =
        REQUEST(w, SignalWorkflowExecutionResponse, signal_workflow_execution_response);
    r->workflow_execution = sk_execution_msg(w->ctx.arena, WORKFLOW, "");
    r->signal_name = sk_arena_strdup(w->ctx.arena, name);
    r->request_id = sk_arena_printf(w->ctx.arena, "signal-%d", ++signals);
    ok(w, sk_engine_signal(w->engine, &w->ctx, w->ns, r, response));
}

void terminate_workflow(struct world *w, const char *workflow_id)
{
    WS(TerminateWorkflowExecutionRequest) *r =
        REQUEST(w, TerminateWorkflowExecutionRequest, terminate_workflow_execution_request);
    WS(TerminateWorkflowExecutionResponse) *response =
        REQUEST(w, TerminateWorkflowExecutionResponse, terminate_workflow_execution_response);
    r->workflow_execution = sk_execution_msg(w->ctx.arena, workflow_id, "");
    ok(w, sk_engine_terminate(w->engine, &w->ctx, w->ns, r, response));
}

/* ---- polls ---- */

struct waiting_poll {
    struct sk_poll poll;
    struct sk_fiber *fiber;
    struct sk_task *task;
    bool ended;
};

static void on_end(struct sk_poll *poll, enum sk_poll_end end, struct sk_task *task)
{
    (void)end;
    struct waiting_poll *waiting = SK_CONTAINER(poll, struct waiting_poll, poll);
    waiting->task = task;
    waiting->ended = true;
    sk_fiber_wake(waiting->fiber);
}

static struct sk_task *take_task(struct world *w, enum sk_task_kind kind, const char *queue)
{
    struct waiting_poll waiting = {.fiber = sk_fiber_current()};
    waiting.poll.queue = (struct sk_queue_key){w->ns->id, kind, sk_str_of(queue)};
    waiting.poll.identity = "worker";
    waiting.poll.rate_limit = -1;
    waiting.poll.sticky = strncmp(queue, "sticky", 6) == 0;
    waiting.poll.deadline_mono_ms = sk_now_mono_ms() + PATIENCE_MS;
    waiting.poll.on_end = on_end;
    sk_matching_poll(w->matching, &waiting.poll);
    while (!waiting.ended)
        sk_fiber_suspend();
    return waiting.task;
}

WS(PollWorkflowTaskQueueResponse) *try_poll_workflow_task(struct world *w, const char *queue)
{
    WS(PollWorkflowTaskQueueRequest) *r =
        REQUEST(w, PollWorkflowTaskQueueRequest, poll_workflow_task_queue_request);
    r->identity = sk_arena_strdup(w->ctx.arena, "worker");
    for (;;) {
        WS(PollWorkflowTaskQueueResponse) *response =
            REQUEST(w, PollWorkflowTaskQueueResponse, poll_workflow_task_queue_response);
        struct sk_task *task = take_task(w, SK_TASK_WORKFLOW, queue);
        if (!task)
            return NULL;
        sk_err err = sk_engine_wft_start(w->engine, &w->ctx, w->ns, task, r, response);
        sk_matching_done(w->matching, task);
        if (err == SK_STALE)
            continue;
        ok(w, err);
        ProtobufCMessage *received; // as a worker sees it, with the history that was spliced in
        struct sk_str bytes = sk_wire_pack(w->ctx.arena, &response->base);
        ok(w, sk_wire_decode(&w->ctx, response->base.descriptor, bytes, &received));
        return (WS(PollWorkflowTaskQueueResponse) *)received;
    }
}

WS(PollWorkflowTaskQueueResponse) *poll_workflow_task(struct world *w, const char *queue)
{
    WS(PollWorkflowTaskQueueResponse) *task = try_poll_workflow_task(w, queue);
    if (!task)
        fail_msg("no task came to %s", queue);
    return task;
}

WS(PollActivityTaskQueueResponse) *poll_activity_task(struct world *w, const char *queue)
{
    WS(PollActivityTaskQueueRequest) *r =
        REQUEST(w, PollActivityTaskQueueRequest, poll_activity_task_queue_request);
    r->identity = sk_arena_strdup(w->ctx.arena, "worker");
    for (;;) {
        WS(PollActivityTaskQueueResponse) *response =
            REQUEST(w, PollActivityTaskQueueResponse, poll_activity_task_queue_response);
        struct sk_task *task = take_task(w, SK_TASK_ACTIVITY, queue);
        if (!task)
            fail_msg("no task came to %s", queue);
        sk_err err = sk_engine_activity_start(w->engine, &w->ctx, w->ns, task, r, response);
        sk_matching_done(w->matching, task);
        if (err == SK_STALE)
            continue;
        ok(w, err);
        return response;
    }
}

/* ---- commands ---- */

static CMDMSG(Command) *command(struct world *w, int type, int attributes, void *message)
{
    CMDMSG(Command) *c =
        MSG_NEW(w->ctx.arena, CMDMSG(Command), temporal__api__command__v1__command);
    c->command_type = (Temporal__Api__Enums__V1__CommandType)type;
    c->attributes_case = (Temporal__Api__Command__V1__Command__AttributesCase)attributes;
    c->schedule_activity_task_command_attributes = message; // all members share their storage
    return c;
}

#define ATTRIBUTES(x) TEMPORAL__API__COMMAND__V1__COMMAND__ATTRIBUTES_##x##_COMMAND_ATTRIBUTES
#define COMMAND_NEW(w, Type, snake)                          \
    MSG_NEW((w)->ctx.arena, CMDMSG(Type##CommandAttributes), \
            temporal__api__command__v1__##snake##_command_attributes)

CMDMSG(Command) *schedule_activity(struct world *w, const char *id)
{
    CMDMSG(ScheduleActivityTaskCommandAttributes) *a =
        COMMAND_NEW(w, ScheduleActivityTask, schedule_activity_task);
    a->activity_id = sk_arena_strdup(w->ctx.arena, id);
    a->activity_type = COMMON_NEW(w->ctx.arena, ActivityType, activity_type);
    a->activity_type->name = sk_arena_strdup(w->ctx.arena, "Charge");
    a->task_queue = sk_queue_msg(w->ctx.arena, QUEUE, NULL);
    a->start_to_close_timeout = sk_dur(w->ctx.arena, 10000);
    return command(w, COMMAND(SCHEDULE_ACTIVITY_TASK), ATTRIBUTES(SCHEDULE_ACTIVITY_TASK), a);
}

CMDMSG(Command) *start_timer(struct world *w, const char *id, int64_t ms)
{
    CMDMSG(StartTimerCommandAttributes) *a = COMMAND_NEW(w, StartTimer, start_timer);
    a->timer_id = sk_arena_strdup(w->ctx.arena, id);
    a->start_to_fire_timeout = sk_dur(w->ctx.arena, ms);
    return command(w, COMMAND(START_TIMER), ATTRIBUTES(START_TIMER), a);
}

CMDMSG(Command) *start_child(struct world *w, const char *workflow_id)
{
    CMDMSG(StartChildWorkflowExecutionCommandAttributes) *a =
        COMMAND_NEW(w, StartChildWorkflowExecution, start_child_workflow_execution);
    a->workflow_id = sk_arena_strdup(w->ctx.arena, workflow_id);
    a->workflow_type = sk_type_msg(w->ctx.arena, "Wrap");
    return command(w, COMMAND(START_CHILD_WORKFLOW_EXECUTION),
                   ATTRIBUTES(START_CHILD_WORKFLOW_EXECUTION), a);
}

CMDMSG(Command) *complete_workflow(struct world *w)
{
    return command(w, COMMAND(COMPLETE_WORKFLOW_EXECUTION), ATTRIBUTES(COMPLETE_WORKFLOW_EXECUTION),
                   COMMAND_NEW(w, CompleteWorkflowExecution, complete_workflow_execution));
}

CMDMSG(Command) *fail_workflow(struct world *w)
{
    CMDMSG(FailWorkflowExecutionCommandAttributes) *a =
        COMMAND_NEW(w, FailWorkflowExecution, fail_workflow_execution);
    a->failure = sk_failure_new(w->ctx.arena, "no money", "tests");
    return command(w, COMMAND(FAIL_WORKFLOW_EXECUTION), ATTRIBUTES(FAIL_WORKFLOW_EXECUTION), a);
}

CMDMSG(Command) *continue_as_new(struct world *w)
{
    CMDMSG(ContinueAsNewWorkflowExecutionCommandAttributes) *a =
        COMMAND_NEW(w, ContinueAsNewWorkflowExecution, continue_as_new_workflow_execution);
    a->workflow_type = sk_type_msg(w->ctx.arena, "Order");
    return command(w, COMMAND(CONTINUE_AS_NEW_WORKFLOW_EXECUTION),
                   ATTRIBUTES(CONTINUE_AS_NEW_WORKFLOW_EXECUTION), a);
}

CMDMSG(Command) *cancel_activity(struct world *w, int64_t scheduled_id)
{
    CMDMSG(RequestCancelActivityTaskCommandAttributes) *a =
        COMMAND_NEW(w, RequestCancelActivityTask, request_cancel_activity_task);
    a->scheduled_event_id = scheduled_id;
    return command(w, COMMAND(REQUEST_CANCEL_ACTIVITY_TASK),
                   ATTRIBUTES(REQUEST_CANCEL_ACTIVITY_TASK), a);
}

sk_err try_complete_task(struct world *w, const WS(PollWorkflowTaskQueueResponse) *task,
                         const char *sticky_queue, size_t n, CMDMSG(Command) **commands,
                         WS(RespondWorkflowTaskCompletedResponse) **ret)
{
    WS(RespondWorkflowTaskCompletedRequest) *r =
        REQUEST(w, RespondWorkflowTaskCompletedRequest, respond_workflow_task_completed_request);
    *ret =
        REQUEST(w, RespondWorkflowTaskCompletedResponse, respond_workflow_task_completed_response);
    r->task_token = task->task_token;
    r->identity = sk_arena_strdup(w->ctx.arena, "worker");
    r->n_commands = n;
    r->commands = commands;
    if (sticky_queue) {
        r->sticky_attributes =
            MSG_NEW(w->ctx.arena, Temporal__Api__Taskqueue__V1__StickyExecutionAttributes,
                    temporal__api__taskqueue__v1__sticky_execution_attributes);
        r->sticky_attributes->worker_task_queue = sk_queue_msg(w->ctx.arena, sticky_queue, QUEUE);
        r->sticky_attributes->schedule_to_start_timeout = sk_dur(w->ctx.arena, 5000);
    }
    sk_ctx_clear(&w->ctx);
    return sk_engine_wft_completed(w->engine, &w->ctx, w->ns, r, *ret);
}

void complete_task(struct world *w, const WS(PollWorkflowTaskQueueResponse) *task, ...)
{
    CMDMSG(Command) *commands[16];
    size_t n = 0;
    va_list args;
    va_start(args, task);
    for (CMDMSG(Command) *c; (c = va_arg(args, CMDMSG(Command) *)) && n < 16;)
        commands[n++] = c;
    va_end(args);
    WS(RespondWorkflowTaskCompletedResponse) *ignored;
    ok(w, try_complete_task(w, task, NULL, n, commands, &ignored));
}

void complete_activity(struct world *w, const WS(PollActivityTaskQueueResponse) *task)
{
    WS(RespondActivityTaskCompletedRequest) *r =
        REQUEST(w, RespondActivityTaskCompletedRequest, respond_activity_task_completed_request);
    WS(RespondActivityTaskCompletedResponse) *response =
        REQUEST(w, RespondActivityTaskCompletedResponse, respond_activity_task_completed_response);
    r->task_token = task->task_token;
    r->identity = sk_arena_strdup(w->ctx.arena, "worker");
    ok(w, sk_engine_activity_completed(w->engine, &w->ctx, w->ns, r, response));
}

void fail_activity(struct world *w, const WS(PollActivityTaskQueueResponse) *task)
{
    WS(RespondActivityTaskFailedRequest) *r =
        REQUEST(w, RespondActivityTaskFailedRequest, respond_activity_task_failed_request);
    WS(RespondActivityTaskFailedResponse) *response =
        REQUEST(w, RespondActivityTaskFailedResponse, respond_activity_task_failed_response);
    r->task_token = task->task_token;
    r->identity = sk_arena_strdup(w->ctx.arena, "worker");
    r->failure = sk_failure_new(w->ctx.arena, "no money", "tests");
    ok(w, sk_engine_activity_failed(w->engine, &w->ctx, w->ns, r, response));
}

/* ---- what came of it ---- */

const HIST(History) *events_of(struct world *w, const char *workflow_id)
{
    WS(GetWorkflowExecutionHistoryRequest) *r =
        REQUEST(w, GetWorkflowExecutionHistoryRequest, get_workflow_execution_history_request);
    WS(GetWorkflowExecutionHistoryResponse) *response =
        REQUEST(w, GetWorkflowExecutionHistoryResponse, get_workflow_execution_history_response);
    struct sk_watch watch;
    bool wait;
    r->execution = sk_execution_msg(w->ctx.arena, workflow_id, "");
    ok(w, sk_engine_history(w->engine, &w->ctx, w->ns, r, response, &watch, &wait));
    ProtobufCMessage *m;
    struct sk_str bytes = sk_wire_pack(w->ctx.arena, &response->base);
    ok(w, sk_wire_decode(&w->ctx, response->base.descriptor, bytes, &m));
    const HIST(History) *history = ((WS(GetWorkflowExecutionHistoryResponse) *)m)->history;
    assert_non_null(history);
    for (size_t i = 0; i < history->n_events; i++)
        assert_int_equal(history->events[i]->event_id, i + 1);
    return history;
}

const char *history_of(struct world *w, const char *workflow_id)
{
    const HIST(History) *history = events_of(w, workflow_id);
    struct sk_buf text = SK_BUF_INIT;
    for (size_t i = 0; i < history->n_events; i++)
        sk_buf_printf(&text, "%s%s", i ? " " : "",
                      sk_event_name((int)history->events[i]->event_type));
    const char *ret = sk_arena_strndup(w->ctx.arena, text.p ? text.p : "", text.n);
    sk_buf_fini(&text);
    return ret;
}

static sk_err describe(struct world *w, const char *workflow_id,
                       WS(DescribeWorkflowExecutionResponse) **ret)
{
    WS(DescribeWorkflowExecutionRequest) *r =
        REQUEST(w, DescribeWorkflowExecutionRequest, describe_workflow_execution_request);
    *ret = REQUEST(w, DescribeWorkflowExecutionResponse, describe_workflow_execution_response);
    r->execution = sk_execution_msg(w->ctx.arena, workflow_id, "");
    return sk_engine_describe(w->engine, &w->ctx, w->ns, r, *ret);
}

int status_of(struct world *w, const char *workflow_id)
{
    WS(DescribeWorkflowExecutionResponse) *response;
    ok(w, describe(w, workflow_id, &response));
    return (int)response->workflow_execution_info->status;
}

const char *run_of(struct world *w, const char *workflow_id)
{
    WS(DescribeWorkflowExecutionResponse) *response;
    sk_err err = describe(w, workflow_id, &response);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(&w->ctx);
        return NULL;
    }
    ok(w, err);
    return response->workflow_execution_info->execution->run_id;
}
