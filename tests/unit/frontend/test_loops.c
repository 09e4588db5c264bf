/* Workflows from start to end on several loop threads, through real connections: workers and
 * starters whose calls land on any loop, executions and queues that live on others. For the thread
 * sanitizer above all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "rt/rt.h"

enum { LOOPS = 3, CONNECTIONS = 6, WORKFLOWS = 120, WORKERS = 6 };

#define WORKFLOW_SERVICE "temporal.api.workflowservice.v1.WorkflowService"
#define COMMAND(x) Temporal__Api__Command__V1__##x

static struct sk_rpc_client *clients[CONNECTIONS];
static int fibers, started, completed;

struct sk_engine *fixture_engine_open(struct sk_matching *m)
{
    struct sk_engine *engine;
    const struct sk_engine_options options = {
        .store = fx.store, .matching = m, .namespaces = fx.namespaces, .limits = &fx.limits};
    sk_limits_default(&fx.limits);
    fx.limits.task_long_poll_ms = 1000;
    CHECK(sk_engine_open(&fx.ctx, &options, &engine) == SK_OK);
    return engine;
}

void fixture_engine_close(struct sk_engine *engine)
{
    sk_engine_close(engine);
}

/* ---- messages ---- */

static void *message(struct sk_arena *arena, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *m = sk_arena_alloc(arena, type->sizeof_message);
    type->message_init(m);
    return m;
}
#define NEW(arena, snake) message((arena), &temporal__api__##snake##__descriptor)

static Temporal__Api__Taskqueue__V1__TaskQueue *queue(struct sk_arena *arena)
{
    Temporal__Api__Taskqueue__V1__TaskQueue *q = NEW(arena, taskqueue__v1__task_queue);
    q->name = TEXT("q");
    return q;
}

/* A call on one of the connections; NULL when it failed. */
static void *ask(struct sk_arena *arena, const char *method, const void *request,
                 const ProtobufCMessageDescriptor *response_type)
{
    struct sk_ctx ctx = {.arena = arena};
    ProtobufCMessage *reply = NULL;
    struct sk_rpc_client *client = clients[sk_random_below(sk_rt_random(), CONNECTIONS)];
    sk_err err =
        sk_rpc_call(client, &ctx, WORKFLOW_SERVICE, method, request, response_type, 20000, &reply);
    if (err != SK_OK)
        printf("%s: %s\n", method, ctx.err.message);
    return err == SK_OK ? reply : NULL;
}

/* ---- starters ---- */

static void starter(void *arg)
{
    (void)arg;
    while (started < WORKFLOWS) {
        struct sk_arena *arena = sk_arena_new(0);
        WS(StartWorkflowExecutionRequest) *r =
            NEW(arena, workflowservice__v1__start_workflow_execution_request);
        r->namespace_ = TEXT("default");
        r->workflow_id = sk_arena_printf(arena, "w%d", started++);
        r->workflow_type = NEW(arena, common__v1__workflow_type);
        r->workflow_type->name = TEXT("T");
        r->task_queue = queue(arena);
        CHECK(ask(arena, "StartWorkflowExecution", r, RESPONSE(start_workflow_execution_response)));
        sk_arena_free(arena);
    }
    fibers--;
}

/* ---- workflow worker: one activity, then the end ---- */

static COMMAND(Command) * schedule(struct sk_arena *arena)
{
    COMMAND(Command) *c = NEW(arena, command__v1__command);
    COMMAND(ScheduleActivityTaskCommandAttributes) *a =
        NEW(arena, command__v1__schedule_activity_task_command_attributes);
    a->activity_id = TEXT("a");
    a->activity_type = NEW(arena, common__v1__activity_type);
    a->activity_type->name = TEXT("A");
    a->task_queue = queue(arena);
    a->start_to_close_timeout = duration_of(60);
    c->command_type = TEMPORAL__API__ENUMS__V1__COMMAND_TYPE__COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK;
    c->attributes_case =
        TEMPORAL__API__COMMAND__V1__COMMAND__ATTRIBUTES_SCHEDULE_ACTIVITY_TASK_COMMAND_ATTRIBUTES;
    c->schedule_activity_task_command_attributes = a;
    return c;
}

static COMMAND(Command) * complete(struct sk_arena *arena)
{
    COMMAND(Command) *c = NEW(arena, command__v1__command);
    c->command_type =
        TEMPORAL__API__ENUMS__V1__COMMAND_TYPE__COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION;
    c->attributes_case =
        TEMPORAL__API__COMMAND__V1__COMMAND__ATTRIBUTES_COMPLETE_WORKFLOW_EXECUTION_COMMAND_ATTRIBUTES;
    c->complete_workflow_execution_command_attributes =
        NEW(arena, command__v1__complete_workflow_execution_command_attributes);
    return c;
}

static void decide(struct sk_arena *arena, const WS(PollWorkflowTaskQueueResponse) *task)
{
    bool end = task->previous_started_event_id > 0;
    WS(RespondWorkflowTaskCompletedRequest) *r =
        NEW(arena, workflowservice__v1__respond_workflow_task_completed_request);
    COMMAND(Command) * commands[] = {end ? complete(arena) : schedule(arena)};
    r->namespace_ = TEXT("default");
    r->task_token = task->task_token;
    r->commands = commands;
    r->n_commands = 1;
    if (ask(arena, "RespondWorkflowTaskCompleted", r,
            RESPONSE(respond_workflow_task_completed_response)))
        completed += end;
}

static void workflow_worker(void *arg)
{
    (void)arg;
    while (completed < WORKFLOWS) {
        struct sk_arena *arena = sk_arena_new(0);
        WS(PollWorkflowTaskQueueRequest) *r =
            NEW(arena, workflowservice__v1__poll_workflow_task_queue_request);
        r->namespace_ = TEXT("default");
        r->task_queue = queue(arena);
        const WS(PollWorkflowTaskQueueResponse) *task =
            ask(arena, "PollWorkflowTaskQueue", r, RESPONSE(poll_workflow_task_queue_response));
        if (task && task->task_token.len)
            decide(arena, task);
        sk_arena_free(arena);
    }
    fibers--;
}

static void activity_worker(void *arg)
{
    (void)arg;
    while (completed < WORKFLOWS) {
        struct sk_arena *arena = sk_arena_new(0);
        WS(PollActivityTaskQueueRequest) *r =
            NEW(arena, workflowservice__v1__poll_activity_task_queue_request);
        r->namespace_ = TEXT("default");
        r->task_queue = queue(arena);
        const WS(PollActivityTaskQueueResponse) *task =
            ask(arena, "PollActivityTaskQueue", r, RESPONSE(poll_activity_task_queue_response));
        if (task && task->task_token.len) {
            WS(RespondActivityTaskCompletedRequest) *done =
                NEW(arena, workflowservice__v1__respond_activity_task_completed_request);
            done->namespace_ = TEXT("default");
            done->task_token = task->task_token;
            CHECK(ask(arena, "RespondActivityTaskCompleted", done,
                      RESPONSE(respond_activity_task_completed_response)));
        }
        sk_arena_free(arena);
    }
    fibers--;
}

/* ---- all together ---- */

static void body(void)
{
    const struct sk_rpc_client_options options = {.host = "127.0.0.1", .port = fx.port};
    started = completed = 0;
    fibers = 2 + 2 * WORKERS;
    for (int i = 0; i < CONNECTIONS; i++)
        CHECK(sk_rpc_connect(&fx.ctx, &options, &clients[i]) == SK_OK);
    for (int i = 0; i < WORKERS; i++) {
        sk_fiber_spawn(workflow_worker, NULL);
        sk_fiber_spawn(activity_worker, NULL);
    }
    sk_fiber_spawn(starter, NULL);
    sk_fiber_spawn(starter, NULL);
    while (fibers)
        sk_fiber_sleep(5);
    CHECK(completed == WORKFLOWS);
    for (int i = 0; i < CONNECTIONS; i++)
        sk_rpc_client_close(clients[i]);
}

static void test_loops(void **state)
{
    (void)state;
    run_frontend_on(LOOPS, body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_loops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
