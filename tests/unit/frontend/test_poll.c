/* The worker's long polls, long-polled histories and what is told about task queues; with the real
 * engine, over real connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../patience.h"
#include "fixture.h"
#include "rt/rt.h"

#define WORKFLOW_SERVICE "temporal.api.workflowservice.v1.WorkflowService"
#define KIND(x) TEMPORAL__API__ENUMS__V1__TASK_QUEUE_KIND__TASK_QUEUE_KIND_##x

static struct sk_matching *matching;

struct sk_engine *fixture_engine_open(struct sk_matching *m)
{
    struct sk_engine *engine;
    const struct sk_engine_options options = {
        .store = fx.store, .matching = m, .namespaces = fx.namespaces, .limits = &fx.limits};
    sk_limits_default(&fx.limits);
    matching = m;
    CHECK(sk_engine_open(&fx.ctx, &options, &engine) == SK_OK);
    return engine;
}

void fixture_engine_close(struct sk_engine *engine)
{
    sk_engine_close(engine);
}

/* ---- calls from fibers of their own ---- */

/* One call under way. */
struct ask {
    struct sk_rpc_client *client;
    const char *method;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *response_type;
    int64_t timeout_ms;
    struct sk_ctx ctx;
    ProtobufCMessage *reply;
    sk_err err;
    bool over;
};

static void run_ask(void *arg)
{
    struct ask *ask = arg;
    ask->err = sk_rpc_call(ask->client, &ask->ctx, WORKFLOW_SERVICE, ask->method, ask->request,
                           ask->response_type, ask->timeout_ms, &ask->reply);
    ask->over = true;
}

static void ask_start(struct ask *ask)
{
    if (!ask->client)
        ask->client = fx.client;
    ask->ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    sk_fiber_spawn(run_ask, ask);
}

static sk_err ask_wait(struct ask *ask)
{
    while (!ask->over)
        sk_fiber_sleep(1);
    return ask->err;
}

static void ask_end(struct ask *ask)
{
    sk_arena_free(ask->ctx.arena);
}

static Temporal__Api__Taskqueue__V1__TaskQueue queue_named(const char *name)
{
    Temporal__Api__Taskqueue__V1__TaskQueue queue;
    temporal__api__taskqueue__v1__task_queue__init(&queue);
    queue.name = TEXT(name);
    queue.kind = KIND(NORMAL);
    return queue;
}

static void start_run(const char *id)
{
    Temporal__Api__Common__V1__WorkflowType type;
    Temporal__Api__Taskqueue__V1__TaskQueue queue = queue_named("q");
    REQUEST(r, StartWorkflowExecutionRequest, start_workflow_execution_request);
    temporal__api__common__v1__workflow_type__init(&type);
    type.name = TEXT("T");
    r.workflow_id = TEXT(id);
    r.workflow_type = &type;
    r.task_queue = &queue;
    CHECK(call('w', "StartWorkflowExecution", &r, RESPONSE(start_workflow_execution_response),
               NULL) == SK_OK);
}

static void terminate_run(const char *id)
{
    Temporal__Api__Common__V1__WorkflowExecution execution;
    REQUEST(r, TerminateWorkflowExecutionRequest, terminate_workflow_execution_request);
    temporal__api__common__v1__workflow_execution__init(&execution);
    execution.workflow_id = TEXT(id);
    r.workflow_execution = &execution;
    CHECK(call('w', "TerminateWorkflowExecution", &r,
               RESPONSE(terminate_workflow_execution_response), NULL) == SK_OK);
}

static size_t parked(void)
{
    struct sk_matching_stats stats;
    sk_matching_stats(matching, &stats);
    return stats.parked;
}

#define POLL(a, queue, wait_ms, from)                                               \
    Temporal__Api__Taskqueue__V1__TaskQueue a##_q = queue_named(#queue);            \
    REQUEST(a##_r, PollWorkflowTaskQueueRequest, poll_workflow_task_queue_request); \
    a##_r.task_queue = &a##_q;                                                      \
    a##_r.identity = TEXT("me@here");                                               \
    struct ask a = {.client = (from),                                               \
                    .method = "PollWorkflowTaskQueue",                              \
                    .request = &a##_r.base,                                         \
                    .response_type = RESPONSE(poll_workflow_task_queue_response),   \
                    .timeout_ms = (wait_ms)};                                       \
    ask_start(&a)

#define TASK(ask) ((WS(PollWorkflowTaskQueueResponse) *)(void *)(ask).reply)

/* ---- polls ---- */

static void body_empty(void)
{
    fx.limits.task_long_poll_ms = 100;
    int64_t begin_ms = sk_now_mono_ms();
    POLL(ask, q, PATIENCE_MS, NULL);
    CHECK(ask_wait(&ask) == SK_OK);
    CHECK(TASK(ask)->task_token.len == 0 && sk_now_mono_ms() - begin_ms >= 100);
    ask_end(&ask);
}

/* The answer is there a second before the client would give up; a machine that stands still for
 * this second tries again. */
static void body_client_deadline(void)
{
    for (int tries = 1;; tries++) {
        POLL(ask, q, 2300, NULL);
        sk_err err = ask_wait(&ask);
        CHECK(err == SK_OK || (err == SK_DEADLINE_EXCEEDED && tries < 20));
        CHECK(err || TASK(ask)->task_token.len == 0);
        ask_end(&ask);
        if (err == SK_OK)
            break;
    }
}

static void body_too_short(void)
{
    POLL(ask, q, 1500, NULL);
    CHECK(ask_wait(&ask) == SK_FAILED_PRECONDITION);
    CHECK_STR(ask.ctx.err.message, "Context timeout is too short.");
    ask_end(&ask);
}

static void body_task_comes(void)
{
    POLL(ask, q, PATIENCE_MS, NULL);
    while (!parked())
        sk_fiber_sleep(1);
    start_run("w");
    CHECK(ask_wait(&ask) == SK_OK);
    CHECK(TASK(ask)->task_token.len > 0);
    CHECK_STR(TASK(ask)->workflow_execution->workflow_id, "w");
    CHECK(TASK(ask)->history->n_events == 3 && TASK(ask)->attempt == 1);
    ask_end(&ask);
}

/* A task whose run has ended is passed over, and the poll goes on. */
static void body_stale(void)
{
    start_run("old");
    terminate_run("old");
    POLL(ask, q, PATIENCE_MS, NULL);
    sk_fiber_sleep(20);
    CHECK(!ask.over);
    start_run("new");
    CHECK(ask_wait(&ask) == SK_OK);
    CHECK_STR(TASK(ask)->workflow_execution->workflow_id, "new");
    ask_end(&ask);
}

/* The connection ends under a parked poll: the poll goes, its task would be another's. */
static void body_client_gone(void)
{
    struct sk_rpc_client *client;
    const struct sk_rpc_client_options options = {.host = "127.0.0.1", .port = fx.port};
    for (int i = 0; i < 10; i++) {
        CHECK(sk_rpc_connect(&fx.ctx, &options, &client) == SK_OK);
        POLL(gone, q, PATIENCE_MS, client);
        while (!parked())
            sk_fiber_sleep(1);
        if (i & 1)
            start_run(sk_arena_printf(fx.ctx.arena, "w%d", i)); // it may or may not get the task
        sk_rpc_client_close(client);
        (void)ask_wait(&gone);
        ask_end(&gone);
        while (parked())
            sk_fiber_sleep(1);
    }
    start_run("last");
    for (;;) {
        POLL(ask, q, PATIENCE_MS, NULL);
        CHECK(ask_wait(&ask) == SK_OK);
        bool found = !strcmp(TASK(ask)->workflow_execution->workflow_id, "last");
        ask_end(&ask);
        if (found)
            break;
    }
}

static void check_refused(struct ask *ask, const char *text)
{
    ask_start(ask);
    CHECK(ask_wait(ask) == SK_INVALID_ARGUMENT);
    if (strncmp(ask->ctx.err.message, text, strlen(text)) != 0)
        CHECK_STR(ask->ctx.err.message, text);
    ask_end(ask);
}

static void body_refused(void)
{
    REQUEST(r, PollWorkflowTaskQueueRequest, poll_workflow_task_queue_request);
    Temporal__Api__Taskqueue__V1__TaskQueue queue = queue_named("q");
    struct ask ask = {.method = "PollWorkflowTaskQueue",
                      .request = &r.base,
                      .response_type = RESPONSE(poll_workflow_task_queue_response),
                      .timeout_ms = PATIENCE_MS};
    check_refused(&ask, "taskQueue is not set");
    ask.over = false;
    r.task_queue = &queue;
    r.identity = long_text(1001);
    check_refused(&ask, "Identity length exceeds limit.");
    ask.over = false;
    r.identity = TEXT("me");
    queue.name = TEXT("/_sys/q/1");
    check_refused(&ask, "task queue name cannot start with reserved prefix /_sys/");
    ask.over = false;
    queue.name = TEXT("q");
    queue.kind = KIND(STICKY);
    Temporal__Api__Deployment__V1__WorkerDeploymentOptions deployment;
    temporal__api__deployment__v1__worker_deployment_options__init(&deployment);
    r.deployment_options = &deployment;
    check_refused(&ask, "NormalName must be set on sticky queue when UseVersioning is true or "
                        "DeploymentOptions are set.");
}

/* ---- histories ---- */

static struct ask history_of(WS(GetWorkflowExecutionHistoryRequest) *r)
{
    return (struct ask){.method = "GetWorkflowExecutionHistory",
                        .request = &r->base,
                        .response_type = RESPONSE(get_workflow_execution_history_response),
                        .timeout_ms = PATIENCE_MS};
}

#define HISTORY(ask) ((WS(GetWorkflowExecutionHistoryResponse) *)(void *)(ask).reply)

static void body_history(void)
{
    Temporal__Api__Common__V1__WorkflowExecution execution;
    REQUEST(r, GetWorkflowExecutionHistoryRequest, get_workflow_execution_history_request);
    temporal__api__common__v1__workflow_execution__init(&execution);
    execution.workflow_id = TEXT("w");
    r.execution = &execution;
    r.wait_new_event = true;
    r.history_event_filter_type =
        TEMPORAL__API__ENUMS__V1__HISTORY_EVENT_FILTER_TYPE__HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT;
    start_run("w");
    fx.limits.long_poll_ms = 100; // nothing comes: an empty page and a token
    struct ask ask = history_of(&r);
    ask_start(&ask);
    CHECK(ask_wait(&ask) == SK_OK);
    CHECK(HISTORY(ask)->next_page_token.len > 0);
    CHECK(!HISTORY(ask)->history || HISTORY(ask)->history->n_events == 0);
    r.next_page_token = HISTORY(ask)->next_page_token;
    fx.limits.long_poll_ms = 20000; // the end comes
    struct ask second = history_of(&r);
    ask_start(&second);
    sk_fiber_sleep(20);
    CHECK(!second.over);
    terminate_run("w");
    CHECK(ask_wait(&second) == SK_OK);
    CHECK(HISTORY(second)->history->n_events == 1);
    CHECK(HISTORY(second)->history->events[0]->event_type ==
          TEMPORAL__API__ENUMS__V1__EVENT_TYPE__EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
    ask_end(&second);
    ask_end(&ask);
}

/* ---- task queues ---- */

static WS(DescribeTaskQueueResponse) *describe(WS(DescribeTaskQueueRequest) *r)
{
    WS(DescribeTaskQueueResponse) *response = NULL;
    CHECK(call('w', "DescribeTaskQueue", r, RESPONSE(describe_task_queue_response), &response) ==
          SK_OK);
    return response;
}

static void body_describe(void)
{
    Temporal__Api__Taskqueue__V1__TaskQueue queue = queue_named("q");
    REQUEST(r, DescribeTaskQueueRequest, describe_task_queue_request);
    r.task_queue = &queue;
    r.report_stats = true;
    r.include_task_queue_status = true;
    fx.limits.task_long_poll_ms = 50;
    POLL(ask, q, PATIENCE_MS, NULL);
    CHECK(ask_wait(&ask) == SK_OK);
    ask_end(&ask);
    start_run("w");
    WS(DescribeTaskQueueResponse) *d = describe(&r);
    CHECK(d->n_pollers == 1 && d->pollers[0]->rate_per_second == 100000);
    CHECK_STR(d->pollers[0]->identity, "me@here");
    CHECK(d->stats->approximate_backlog_count == 1 && d->stats->tasks_add_rate > 0);
    CHECK(d->n_stats_by_priority_key == 1 && d->stats_by_priority_key[0]->key == 3);
    CHECK(d->task_queue_status->backlog_count_hint == 1);
    CHECK(d->effective_rate_limit->requests_per_second == 100000);
    r.api_mode =
        TEMPORAL__API__ENUMS__V1__DESCRIBE_TASK_QUEUE_MODE__DESCRIBE_TASK_QUEUE_MODE_ENHANCED;
    r.report_pollers = true;
    d = describe(&r);
    CHECK(d->n_versions_info == 1 && d->versions_info[0]->value->n_types_info == 2);
    CHECK(d->versions_info[0]->value->types_info[0]->value->n_pollers == 1);
    CHECK(d->versions_info[0]->value->types_info[0]->value->stats->approximate_backlog_count == 1);
    queue.kind = KIND(STICKY);
    CHECK(call('w', "DescribeTaskQueue", &r, RESPONSE(describe_task_queue_response), NULL) ==
          SK_INVALID_ARGUMENT);
}

/* Nothing makes Nexus tasks: who polls for them waits his time and is seen, no more. */
static void body_nexus(void)
{
    Temporal__Api__Taskqueue__V1__TaskQueue queue = queue_named("q");
    REQUEST(r, PollNexusTaskQueueRequest, poll_nexus_task_queue_request);
    REQUEST(d, DescribeTaskQueueRequest, describe_task_queue_request);
    r.task_queue = d.task_queue = &queue;
    r.identity = TEXT("me@here");
    d.task_queue_type = TEMPORAL__API__ENUMS__V1__TASK_QUEUE_TYPE__TASK_QUEUE_TYPE_NEXUS;
    fx.limits.task_long_poll_ms = 100;
    int64_t begin_ms = sk_now_mono_ms();
    struct ask ask = {.method = "PollNexusTaskQueue",
                      .request = &r.base,
                      .response_type = RESPONSE(poll_nexus_task_queue_response),
                      .timeout_ms = PATIENCE_MS};
    ask_start(&ask);
    start_run("w"); // its task is for others
    CHECK(ask_wait(&ask) == SK_OK);
    CHECK(((WS(PollNexusTaskQueueResponse) *)(void *)ask.reply)->task_token.len == 0);
    CHECK(sk_now_mono_ms() - begin_ms >= 100);
    ask_end(&ask);
    WS(DescribeTaskQueueResponse) *response = describe(&d);
    CHECK(response->n_pollers == 1);
    CHECK_STR(response->pollers[0]->identity, "me@here");
    d.task_queue_type = TEMPORAL__API__ENUMS__V1__TASK_QUEUE_TYPE__TASK_QUEUE_TYPE_WORKFLOW;
    CHECK(describe(&d)->n_pollers == 0);
    POLL(workflow, q, PATIENCE_MS, NULL);
    CHECK(ask_wait(&workflow) == SK_OK);
    CHECK(TASK(workflow)->task_token.len > 0);
    ask_end(&workflow);
}

static void body_partitions(void)
{
    Temporal__Api__Taskqueue__V1__TaskQueue queue = queue_named("q");
    REQUEST(r, ListTaskQueuePartitionsRequest, list_task_queue_partitions_request);
    WS(ListTaskQueuePartitionsResponse) *p = NULL;
    r.task_queue = &queue;
    CHECK(call('w', "ListTaskQueuePartitions", &r, RESPONSE(list_task_queue_partitions_response),
               &p) == SK_OK);
    CHECK(p->n_activity_task_queue_partitions == 1 && p->n_workflow_task_queue_partitions == 1);
    CHECK_STR(p->workflow_task_queue_partitions[0]->key, "q");
}

#define TEST(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run_frontend(body_##name);        \
    }
TEST(empty)
TEST(client_deadline)
TEST(too_short)
TEST(task_comes)
TEST(stale)
TEST(client_gone)
TEST(refused)
TEST(history)
TEST(describe)
TEST(nexus)
TEST(partitions)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_client_deadline),
        cmocka_unit_test(test_too_short), cmocka_unit_test(test_task_comes),
        cmocka_unit_test(test_stale),     cmocka_unit_test(test_client_gone),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_history),
        cmocka_unit_test(test_describe),  cmocka_unit_test(test_partitions),
        cmocka_unit_test(test_nexus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
