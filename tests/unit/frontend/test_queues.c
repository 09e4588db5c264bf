/* Task queues and workers as Skald's own API shows them; with the real engine, over gRPC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "rt/rt.h"
#include "skald/api/v1/failure.pb-c.h"
#include "skald/api/v1/task_queue.pb-c.h"
#include "skald/api/v1/worker.pb-c.h"

#define SRESPONSE(snake) &skald__api__v1__##snake##__descriptor
#define REASON(name) SKALD__API__V1__IDLE_REASON__IDLE_REASON_##name
#define TYPE(name) TEMPORAL__API__ENUMS__V1__TASK_QUEUE_TYPE__TASK_QUEUE_TYPE_##name

struct sk_engine *fixture_engine_open(struct sk_matching *m)
{
    struct sk_engine *engine;
    const struct sk_engine_options options = {.store = fx.store,
                                              .matching = m,
                                              .namespaces = fx.namespaces,
                                              .figures = fx.figures,
                                              .limits = &fx.limits};
    sk_limits_default(&fx.limits);
    CHECK(sk_engine_open(&fx.ctx, &options, &engine) == SK_OK);
    return engine;
}

void fixture_engine_close(struct sk_engine *engine)
{
    sk_engine_close(engine);
}

static void start_run(const char *id, const char *queue_name)
{
    Temporal__Api__Common__V1__WorkflowType type;
    Temporal__Api__Taskqueue__V1__TaskQueue queue;
    REQUEST(r, StartWorkflowExecutionRequest, start_workflow_execution_request);
    temporal__api__common__v1__workflow_type__init(&type);
    temporal__api__taskqueue__v1__task_queue__init(&queue);
    type.name = TEXT("T");
    queue.name = TEXT(queue_name);
    r.workflow_id = TEXT(id);
    r.workflow_type = &type;
    r.task_queue = &queue;
    CHECK(call('w', "StartWorkflowExecution", &r, RESPONSE(start_workflow_execution_response),
               NULL) == SK_OK);
}

static SKAPI(ListTaskQueuesResponse) * list(const char *part, int page, ProtobufCBinaryData token)
{
    SKAPI(ListTaskQueuesResponse) * reply;
    SKAPI(ListTaskQueuesRequest) r;
    skald__api__v1__list_task_queues_request__init(&r);
    r.namespace_ = TEXT("default");
    r.name_contains = TEXT(part);
    r.page_size = page;
    r.next_page_token = token;
    CHECK(call('s', "ListTaskQueues", &r, SRESPONSE(list_task_queues_response), &reply) == SK_OK);
    CHECK(reply->data_since && !reply->truncated);
    return reply;
}

static SKAPI(GetTaskQueueResponse) * get(const char *name)
{
    SKAPI(GetTaskQueueResponse) * reply;
    SKAPI(GetTaskQueueRequest) r;
    skald__api__v1__get_task_queue_request__init(&r);
    r.namespace_ = TEXT("default");
    r.task_queue = TEXT(name);
    CHECK(call('s', "GetTaskQueue", &r, SRESPONSE(get_task_queue_response), &reply) == SK_OK);
    return reply;
}

static SKAPI(ListActiveWorkersResponse) * workers(const char *queue)
{
    SKAPI(ListActiveWorkersResponse) * reply;
    SKAPI(ListActiveWorkersRequest) r;
    skald__api__v1__list_active_workers_request__init(&r);
    r.namespace_ = TEXT("default");
    r.task_queue = TEXT(queue);
    CHECK(call('s', "ListActiveWorkers", &r, SRESPONSE(list_active_workers_response), &reply) ==
          SK_OK);
    return reply;
}

static const ProtobufCBinaryData no_token;

static void check_pages(void)
{
    char name[16], id[16];
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "Queue-%d", i);
        for (int j = 0; j <= i; j++) {
            snprintf(id, sizeof id, "%d-%d", i, j);
            start_run(id, name);
        }
    }
    SKAPI(ListTaskQueuesResponse) *page = list("", 3, no_token);
    CHECK(page->n_task_queues == 3 && page->next_page_token.len);
    CHECK_STR(page->task_queues[2]->name, "Queue-2");
    CHECK(page->task_queues[2]->backlog_count == 3 && page->task_queues[2]->backlog_age);
    CHECK(page->task_queues[2]->idle_reason == REASON(NO_POLLERS));
    CHECK(page->task_queues[2]->add_rate > 0 && page->task_queues[2]->dispatch_rate <= 0);
    CHECK((int)page->task_queues[2]->type == (int)TYPE(WORKFLOW));
    page = list("", 4, page->next_page_token);
    CHECK(page->n_task_queues == 4 && !page->next_page_token.len);
    CHECK_STR(page->task_queues[0]->name, "Queue-3");
    page = list("queue-5", 0, no_token);
    CHECK(page->n_task_queues == 1);
    CHECK(list("nothing", 0, no_token)->n_task_queues == 0);
}

struct poll {
    Temporal__Api__Taskqueue__V1__TaskQueue queue;
    WS(PollWorkflowTaskQueueRequest) request;
    struct sk_ctx ctx;
    WS(PollWorkflowTaskQueueResponse) *reply;
    bool over;
};

static void run_poll(void *arg)
{
    struct poll *p = arg;
    ProtobufCMessage *reply;
    CHECK(sk_rpc_call(fx.client, &p->ctx, "temporal.api.workflowservice.v1.WorkflowService",
                      "PollWorkflowTaskQueue", &p->request.base,
                      RESPONSE(poll_workflow_task_queue_response), 60000, &reply) == SK_OK);
    p->reply = (WS(PollWorkflowTaskQueueResponse) *)reply;
    p->over = true;
}

static void fail_task(const struct poll *p)
{
    Temporal__Api__Failure__V1__Failure failure;
    temporal__api__failure__v1__failure__init(&failure);
    failure.message = (ProtobufCBinaryData){4, (uint8_t *)TEXT("oops")};
    REQUEST(r, RespondWorkflowTaskFailedRequest, respond_workflow_task_failed_request);
    r.task_token = p->reply->task_token;
    r.identity = TEXT("me");
    r.failure = &failure;
    CHECK(call('w', "RespondWorkflowTaskFailed", &r,
               RESPONSE(respond_workflow_task_failed_response), NULL) == SK_OK);
}

/* What a worker says of itself is shown with it. */
static void check_a_heartbeat(void)
{
    Temporal__Api__Worker__V1__WorkerHeartbeat beat, *list[] = {&beat};
    Temporal__Api__Worker__V1__WorkerSlotsInfo slots;
    REQUEST(r, RecordWorkerHeartbeatRequest, record_worker_heartbeat_request);
    temporal__api__worker__v1__worker_heartbeat__init(&beat);
    temporal__api__worker__v1__worker_slots_info__init(&slots);
    slots.current_available_slots = 99;
    beat.worker_identity = TEXT("me");
    beat.activity_task_slots_info = &slots;
    r.worker_heartbeat = list;
    r.n_worker_heartbeat = 1;
    CHECK(!workers("")->workers[0]->heartbeat);
    CHECK(call('w', "RecordWorkerHeartbeat", &r, RESPONSE(record_worker_heartbeat_response),
               NULL) == SK_OK);
    SKAPI(ListActiveWorkersResponse) *all = workers("");
    CHECK(all->n_workers == 1 && all->workers[0]->heartbeat);
    CHECK(all->workers[0]->heartbeat->activity_task_slots_info->current_available_slots == 99);
    beat.task_queue = long_text(10000); // too much to keep: the one before stays
    CHECK(call('w', "RecordWorkerHeartbeat", &r, RESPONSE(record_worker_heartbeat_response),
               NULL) == SK_OK);
    CHECK_STR(workers("")->workers[0]->heartbeat->task_queue, "");
    beat.worker_identity = TEXT("says hello and polls nothing");
    beat.task_queue = TEXT("");
    CHECK(call('w', "RecordWorkerHeartbeat", &r, RESPONSE(record_worker_heartbeat_response),
               NULL) == SK_OK);
    CHECK(workers("")->n_workers == 1);
}

static void check_the_failure(void)
{
    SKAPI(ListFailureGroupsResponse) * reply;
    SKAPI(ListFailureGroupsRequest) r;
    skald__api__v1__list_failure_groups_request__init(&r);
    r.namespace_ = TEXT("default");
    CHECK(call('s', "ListFailureGroups", &r, SRESPONSE(list_failure_groups_response), &reply) ==
          SK_OK);
    CHECK(reply->n_groups == 1 && reply->data_since);
    const SKAPI(FailureGroup) *g = reply->groups[0];
    CHECK((int)g->source == SKALD__API__V1__FAILURE_SOURCE__FAILURE_SOURCE_WORKFLOW_TASK);
    CHECK_STR(g->workflow_type, "T");
    CHECK_STR(g->message, "oops");
    CHECK_STR(g->task_queue, "orders");
    CHECK(g->count == 1 && g->retrying == 1 && g->n_samples == 1);
    CHECK_STR(g->samples[0]->execution->workflow_id, "a");
    r.source = SKALD__API__V1__FAILURE_SOURCE__FAILURE_SOURCE_ACTIVITY;
    CHECK(call('s', "ListFailureGroups", &r, SRESPONSE(list_failure_groups_response), &reply) ==
          SK_OK);
    CHECK(reply->n_groups == 0);
}

static void check_a_worker(void)
{
    struct poll p = {.ctx = {.arena = sk_arena_new(0)}};
    temporal__api__workflowservice__v1__poll_workflow_task_queue_request__init(&p.request);
    temporal__api__taskqueue__v1__task_queue__init(&p.queue);
    p.queue.name = TEXT("orders");
    p.request.namespace_ = TEXT("default");
    p.request.task_queue = &p.queue;
    p.request.identity = TEXT("me");
    CHECK(get("orders")->workflow->info->idle_reason == REASON(NEVER_USED));
    sk_fiber_spawn(run_poll, &p);
    while (get("orders")->workflow->info->waiting_polls == 0)
        sk_fiber_sleep(1);
    SKAPI(GetTaskQueueResponse) *q = get("orders");
    CHECK(q->workflow->info->idle_reason == REASON(NOTHING_TO_DO));
    CHECK(q->activity->info->idle_reason == REASON(OTHER_TYPE_ONLY));
    CHECK(strstr(q->activity->explanation, "workflow tasks only"));
    CHECK(q->workflow->n_pollers == 1);
    CHECK_STR(q->workflow->pollers[0]->identity, "me");
    q = get("order");
    CHECK(q->workflow->n_similar_names == 1);
    CHECK_STR(q->workflow->similar_names[0], "orders");
    SKAPI(ListActiveWorkersResponse) *all = workers("");
    CHECK(all->n_workers == 1 && all->workers[0]->waiting_polls == 1 && all->workers[0]->alive);
    CHECK_STR(all->workers[0]->queues[0]->name, "orders");
    start_run("a", "orders");
    while (!p.over)
        sk_fiber_sleep(1);
    all = workers("orders");
    CHECK(all->n_workers == 1 && all->workers[0]->waiting_polls == 0);
    CHECK(all->workers[0]->tasks_in_hand == 1 && all->workers[0]->tasks_taken == 1);
    CHECK(!all->workers[0]->last_error);
    fail_task(&p);
    all = workers("orders");
    CHECK(all->workers[0]->tasks_in_hand == 0 && all->workers[0]->tasks_failed == 1);
    CHECK_STR(all->workers[0]->last_error->message, "oops");
    CHECK(workers("other")->n_workers == 0);
    check_the_failure();
    check_a_heartbeat();
    sk_arena_free(p.ctx.arena);
}

static void test_pages(void **state)
{
    run_frontend(check_pages);
}

static void test_a_worker(void **state)
{
    run_frontend_on(2, check_a_worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
