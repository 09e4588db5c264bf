/*
 * The demo's worker: plays any story from its history, as an SDK's worker replays code. Every
 * workflow task brings the whole history (no sticky queues here); walking through it gives the step
 * the story has reached, and that step gives the command. Activities do what their input says:
 * succeed, fail a number of times, or fail for good.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "cli/demo_internal.h"
#include "rt/rt.h"

#define ARENA_MAX (16u * 1024 * 1024)
#define POLL_TIMEOUT_MS 70000
#define CALL_TIMEOUT_MS 10000
#define ERROR_PAUSE_MS 200
#define POLLERS 2
#define EVENT(name) TEMPORAL__API__ENUMS__V1__EVENT_TYPE__EVENT_TYPE_##name
#define COMMAND_TYPE(name) TEMPORAL__API__ENUMS__V1__COMMAND_TYPE__COMMAND_TYPE_##name
#define COMMAND_CASE(name) TEMPORAL__API__COMMAND__V1__COMMAND__ATTRIBUTES_##name

/* ---- payloads ---- */

static API_COMMON(Payloads) * json_payload(struct sk_arena *arena, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    API_COMMON(Payloads) *payloads =
        sk_cli_payloads(arena, "json/plain", text ? text : "null", text ? strlen(text) : 4);
    free(text);
    json_decref(json);
    return payloads;
}

API_COMMON(Payloads) * sk_demo_input(struct sk_arena *arena, const char *order, const char *story)
{
    return json_payload(arena, json_pack("{s:s, s:s}", "order", order, "story", story));
}

static const struct sk_demo_story *story_of(const API_COMMON(Payloads) * input)
{
    struct sk_str bytes = sk_cli_payload_bytes(input);
    json_t *json = json_loadb(bytes.p, bytes.n, 0, NULL);
    const char *key = json_string_value(json_object_get(json, "story"));
    const struct sk_demo_story *story = key ? sk_demo_story_find(sk_str_of(key)) : NULL;
    json_decref(json);
    return story;
}

/* ---- deciding ---- */

/* Where a run stands after its history. */
struct stand {
    const struct sk_demo_story *story;
    int step;      /* the one that comes next or is under way */
    bool waiting;  /* for what the last command asked for */
    bool failed;   /* a step failed for good; the stock goes back */
    bool put_back; /* ... and it has */
    bool cancel;
    int signals; /* that no step has taken yet */
};

static void take_signals(struct stand *s)
{
    while (s->story && !s->failed && s->signals > 0 &&
           s->story->steps[s->step].kind == SK_DEMO_SIGNAL) {
        s->signals--;
        s->step++;
    }
}

static void walk_event(struct stand *s, const API_HISTORY(HistoryEvent) * event)
{
    switch ((int)event->event_type) {
    case EVENT(WORKFLOW_EXECUTION_STARTED):
        if (event->workflow_execution_started_event_attributes)
            s->story = story_of(event->workflow_execution_started_event_attributes->input);
        break;
    case EVENT(ACTIVITY_TASK_SCHEDULED):
    case EVENT(TIMER_STARTED):
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_INITIATED):
        s->waiting = true;
        break;
    case EVENT(ACTIVITY_TASK_COMPLETED):
    case EVENT(TIMER_FIRED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_COMPLETED):
        s->waiting = false;
        if (s->failed)
            s->put_back = true;
        else
            s->step++;
        break;
    case EVENT(ACTIVITY_TASK_FAILED):
    case EVENT(ACTIVITY_TASK_TIMED_OUT):
    case EVENT(CHILD_WORKFLOW_EXECUTION_FAILED):
    case EVENT(CHILD_WORKFLOW_EXECUTION_TERMINATED):
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_FAILED):
        s->waiting = false;
        s->put_back = s->failed;
        s->failed = true;
        break;
    case EVENT(WORKFLOW_EXECUTION_SIGNALED):
        s->signals++;
        break;
    case EVENT(WORKFLOW_EXECUTION_CANCEL_REQUESTED):
        s->cancel = true;
        break;
    default:
        break;
    }
}

static API_COMMAND(Command) * cancel_run(struct sk_arena *arena)
{
    API_COMMAND(Command) *c =
        sk_cli_command_new(arena, COMMAND_TYPE(CANCEL_WORKFLOW_EXECUTION),
                           COMMAND_CASE(CANCEL_WORKFLOW_EXECUTION_COMMAND_ATTRIBUTES));
    c->cancel_workflow_execution_command_attributes =
        API_NEW(arena, API_COMMAND(CancelWorkflowExecutionCommandAttributes),
                temporal__api__command__v1__cancel_workflow_execution_command_attributes_);
    return c;
}

static API_COMMAND(Command) *
    fail_run(struct sk_arena *arena, const char *message, const char *type)
{
    API_COMMAND(Command) *c =
        sk_cli_command_new(arena, COMMAND_TYPE(FAIL_WORKFLOW_EXECUTION),
                           COMMAND_CASE(FAIL_WORKFLOW_EXECUTION_COMMAND_ATTRIBUTES));
    c->fail_workflow_execution_command_attributes =
        API_NEW(arena, API_COMMAND(FailWorkflowExecutionCommandAttributes),
                temporal__api__command__v1__fail_workflow_execution_command_attributes_);
    c->fail_workflow_execution_command_attributes->failure =
        sk_cli_failure(arena, message, type, false);
    return c;
}

static API_COMMAND(Command) *
    start_child(struct sk_arena *arena, const char *workflow_id, const struct sk_demo_step *step)
{
    API_COMMAND(Command) *c =
        sk_cli_command_new(arena, COMMAND_TYPE(START_CHILD_WORKFLOW_EXECUTION),
                           COMMAND_CASE(START_CHILD_WORKFLOW_EXECUTION_COMMAND_ATTRIBUTES));
    API_COMMAND(StartChildWorkflowExecutionCommandAttributes) *a =
        API_NEW(arena, API_COMMAND(StartChildWorkflowExecutionCommandAttributes),
                temporal__api__command__v1__start_child_workflow_execution_command_attributes_);
    a->workflow_id = sk_arena_printf(arena, "%s-%s", workflow_id, step->name);
    a->workflow_type =
        API_NEW(arena, API_COMMON(WorkflowType), temporal__api__common__v1__workflow_type_);
    a->workflow_type->name = sk_arena_strdup(arena, SK_DEMO_CHILD);
    a->task_queue = sk_cli_queue(arena, SK_DEMO_QUEUE, NULL);
    a->input = sk_demo_input(arena, workflow_id, step->name);
    c->start_child_workflow_execution_command_attributes = a;
    return c;
}

static API_COMMAND(Command) * schedule(struct sk_arena *arena, const char *id,
                                       const char *workflow_id, const struct sk_demo_step *step)
{
    json_t *input = json_pack("{s:s, s:i, s:b}", "order", workflow_id, "fail_first",
                              step->fail_first, "fatal", step->fatal);
    API_COMMAND(Command) *c =
        sk_cli_command_activity(arena, id, step->name, SK_DEMO_QUEUE, json_payload(arena, input));
    API_COMMON(RetryPolicy) *retry =
        API_NEW(arena, API_COMMON(RetryPolicy), temporal__api__common__v1__retry_policy_);
    retry->initial_interval = sk_cli_duration(arena, 500);
    retry->backoff_coefficient = 2;
    retry->maximum_interval = sk_cli_duration(arena, 10000);
    c->schedule_activity_task_command_attributes->retry_policy = retry;
    return c;
}

/* NULL: nothing to ask for, the run waits. */
static API_COMMAND(Command) *
    decide(struct sk_arena *arena, const struct stand *s, const char *workflow_id)
{
    static const struct sk_demo_step put_back = {SK_DEMO_ACTIVITY, "ReleaseStock", 0, false, 0};
    if (!s->story)
        return fail_run(arena, "the input names no story of the demo", "UnknownStory");
    if (s->cancel)
        return cancel_run(arena);
    if (s->waiting)
        return NULL;
    if (s->failed)
        return s->put_back ? fail_run(arena, "payment was declined", "CardDeclined")
                           : schedule(arena, "put-back", workflow_id, &put_back);
    const struct sk_demo_step *step = &s->story->steps[s->step];
    const char *id = sk_arena_printf(arena, "%d", s->step + 1);
    switch (step->kind) {
    case SK_DEMO_ACTIVITY:
        return schedule(arena, id, workflow_id, step);
    case SK_DEMO_TIMER:
        return sk_cli_command_timer(arena, step->name, step->ms);
    case SK_DEMO_CHILD_RUN:
        return start_child(arena, workflow_id, step);
    case SK_DEMO_SIGNAL:
        return NULL;
    case SK_DEMO_END:
        break;
    }
    return sk_cli_command_complete(
        arena, json_payload(arena, json_pack("{s:s}", "outcome", s->story->title)));
}

API_COMMAND(Command) * *sk_demo_decide(struct sk_arena *arena, const API_HISTORY(History) * history,
                                       const char *workflow_id, size_t *ret_count)
{
    struct stand stand = {0};
    for (size_t i = 0; history && i < history->n_events; i++) {
        take_signals(&stand);
        walk_event(&stand, history->events[i]);
    }
    take_signals(&stand);
    API_COMMAND(Command) **commands = SK_NEW(arena, API_COMMAND(Command) *);
    commands[0] = decide(arena, &stand, workflow_id);
    *ret_count = commands[0] ? 1 : 0;
    return commands;
}

/* ---- polling ---- */

static void task_done(struct sk_demo *d)
{
    d->busy--;
    sk_waitq_wake_all(d->ended);
}

/* What cannot be answered is left to the server's timeouts, as when a worker dies. */
static void workflow_turn(struct sk_demo *d, struct sk_ctx *ctx)
{
    struct sk_arena *arena = ctx->arena;
    API_WS(PollWorkflowTaskQueueRequest) *poll =
        API_NEW(arena, API_WS(PollWorkflowTaskQueueRequest),
                temporal__api__workflowservice__v1__poll_workflow_task_queue_request_);
    ProtobufCMessage *reply;
    poll->namespace_ = sk_arena_strdup(arena, d->ns);
    poll->identity = sk_arena_strdup(arena, d->identity);
    poll->task_queue = sk_cli_queue(arena, SK_DEMO_QUEUE, NULL);
    if (sk_cli_call(d->client, ctx, SK_CLI_POLL_WORKFLOW, &poll->base, POLL_TIMEOUT_MS, &reply)) {
        sk_fiber_sleep(ERROR_PAUSE_MS);
        return;
    }
    const API_WS(PollWorkflowTaskQueueResponse) *task = (const void *)reply;
    if (task->task_token.len == 0 || !task->workflow_execution)
        return;
    d->busy++;
    API_WS(RespondWorkflowTaskCompletedRequest) *answer =
        API_NEW(arena, API_WS(RespondWorkflowTaskCompletedRequest),
                temporal__api__workflowservice__v1__respond_workflow_task_completed_request_);
    answer->task_token = task->task_token;
    answer->namespace_ = sk_arena_strdup(arena, d->ns);
    answer->identity = sk_arena_strdup(arena, d->identity);
    answer->commands = sk_demo_decide(arena, task->history, task->workflow_execution->workflow_id,
                                      &answer->n_commands);
    if (sk_cli_call(d->client, ctx, SK_CLI_RESPOND_WORKFLOW, &answer->base, CALL_TIMEOUT_MS,
                    &reply))
        sk_fiber_sleep(ERROR_PAUSE_MS);
    task_done(d);
}

static sk_err fail_attempt(struct sk_demo *d, struct sk_ctx *ctx,
                           const API_WS(PollActivityTaskQueueResponse) * task, bool fatal)
{
    struct sk_arena *arena = ctx->arena;
    API_WS(RespondActivityTaskFailedRequest) *r =
        API_NEW(arena, API_WS(RespondActivityTaskFailedRequest),
                temporal__api__workflowservice__v1__respond_activity_task_failed_request_);
    ProtobufCMessage *reply;
    r->task_token = task->task_token;
    r->namespace_ = sk_arena_strdup(arena, d->ns);
    r->identity = sk_arena_strdup(arena, d->identity);
    r->failure = fatal ? sk_cli_failure(arena, "the bank declined the card", "CardDeclined", false)
                       : sk_cli_failure(arena, "no answer from the other side, try again",
                                        "NotReachable", true);
    return sk_cli_call(d->client, ctx, SK_CLI_FAIL_ACTIVITY, &r->base, CALL_TIMEOUT_MS, &reply);
}

static sk_err complete_attempt(struct sk_demo *d, struct sk_ctx *ctx,
                               const API_WS(PollActivityTaskQueueResponse) * task)
{
    struct sk_arena *arena = ctx->arena;
    API_WS(RespondActivityTaskCompletedRequest) *r =
        API_NEW(arena, API_WS(RespondActivityTaskCompletedRequest),
                temporal__api__workflowservice__v1__respond_activity_task_completed_request_);
    ProtobufCMessage *reply;
    r->task_token = task->task_token;
    r->namespace_ = sk_arena_strdup(arena, d->ns);
    r->identity = sk_arena_strdup(arena, d->identity);
    r->result = json_payload(arena, json_pack("{s:b}", "done", 1));
    return sk_cli_call(d->client, ctx, SK_CLI_RESPOND_ACTIVITY, &r->base, CALL_TIMEOUT_MS, &reply);
}

static void activity_turn(struct sk_demo *d, struct sk_ctx *ctx)
{
    struct sk_arena *arena = ctx->arena;
    API_WS(PollActivityTaskQueueRequest) *poll =
        API_NEW(arena, API_WS(PollActivityTaskQueueRequest),
                temporal__api__workflowservice__v1__poll_activity_task_queue_request_);
    ProtobufCMessage *reply;
    poll->namespace_ = sk_arena_strdup(arena, d->ns);
    poll->identity = sk_arena_strdup(arena, d->identity);
    poll->task_queue = sk_cli_queue(arena, SK_DEMO_QUEUE, NULL);
    if (sk_cli_call(d->client, ctx, SK_CLI_POLL_ACTIVITY, &poll->base, POLL_TIMEOUT_MS, &reply)) {
        sk_fiber_sleep(ERROR_PAUSE_MS);
        return;
    }
    const API_WS(PollActivityTaskQueueResponse) *task = (const void *)reply;
    if (task->task_token.len == 0)
        return;
    d->busy++;
    struct sk_str bytes = sk_cli_payload_bytes(task->input);
    json_t *input = json_loadb(bytes.p, bytes.n, 0, NULL);
    bool fatal = json_is_true(json_object_get(input, "fatal"));
    json_int_t fail_first = json_integer_value(json_object_get(input, "fail_first"));
    json_decref(input);
    sk_fiber_sleep(30); // so that there is something to see
    sk_err err = fatal || task->attempt <= fail_first ? fail_attempt(d, ctx, task, fatal)
                                                      : complete_attempt(d, ctx, task);
    if (err)
        sk_fiber_sleep(ERROR_PAUSE_MS);
    task_done(d);
}

static void loop(struct sk_demo *d, void (*turn)(struct sk_demo *, struct sk_ctx *))
{
    struct sk_ctx ctx = {.arena = sk_arena_new(ARENA_MAX)};
    while (!d->stopping) {
        turn(d, &ctx);
        sk_ctx_clear(&ctx);
        sk_arena_clear(ctx.arena);
    }
    sk_arena_free(ctx.arena);
    d->fibers--;
    sk_waitq_wake_all(d->ended);
}

static void workflow_fiber(void *arg)
{
    loop(arg, workflow_turn);
}

static void activity_fiber(void *arg)
{
    loop(arg, activity_turn);
}

void sk_demo_workers_start(struct sk_demo *d)
{
    for (int i = 0; i < POLLERS; i++) {
        sk_fiber_spawn(workflow_fiber, d);
        sk_fiber_spawn(activity_fiber, d);
        sk_fiber_spawn(activity_fiber, d);
        d->fibers += 3;
    }
}
