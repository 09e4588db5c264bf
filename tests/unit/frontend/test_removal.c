/* A deleted namespace: its name is free at once, its runs are removed in the background, open ones
 * too. With the real engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "rt/rt.h"
#include "store/vis_query.h"

enum { RUNS = 230 }; // more than two pages of the removal

struct sk_engine *fixture_engine_open(struct sk_matching *matching)
{
    struct sk_engine *engine;
    sk_limits_default(&fx.limits);
    const struct sk_engine_options options = {
        .store = fx.store, .matching = matching, .namespaces = fx.namespaces, .limits = &fx.limits};
    CHECK(sk_engine_open(&fx.ctx, &options, &engine) == SK_OK);
    return engine;
}

void fixture_engine_close(struct sk_engine *engine)
{
    sk_engine_close(engine);
}

static void start_run(const char *namespace_, int i)
{
    char id[32];
    Temporal__Api__Common__V1__WorkflowType type;
    Temporal__Api__Taskqueue__V1__TaskQueue queue;
    REQUEST(r, StartWorkflowExecutionRequest, start_workflow_execution_request);
    temporal__api__common__v1__workflow_type__init(&type);
    temporal__api__taskqueue__v1__task_queue__init(&queue);
    snprintf(id, sizeof id, "w%d", i);
    type.name = TEXT("T");
    queue.name = TEXT("q");
    r.namespace_ = TEXT(namespace_);
    r.workflow_id = id;
    r.workflow_type = &type;
    r.task_queue = &queue;
    sk_err err =
        call('w', "StartWorkflowExecution", &r, RESPONSE(start_workflow_execution_response), NULL);
    if (err != SK_OK)
        SK_PANIC("start: %s", fx.ctx.err.message);
}

static size_t rows_of(sk_ns_id id)
{
    struct sk_vis_query query = {.ns = id, .all_divisions = true, .page_size = 1000};
    struct sk_vis_page page;
    CHECK(sk_store_vis_list(fx.store, &fx.ctx, &query, &page) == SK_OK);
    return page.count;
}

static void check_removal(void)
{
    REQUEST(reg, RegisterNamespaceRequest, register_namespace_request);
    reg.namespace_ = TEXT("n");
    reg.workflow_execution_retention_period = duration_of(86400);
    CHECK(call('w', "RegisterNamespace", &reg, RESPONSE(register_namespace_response), NULL) ==
          SK_OK);
    sk_ns_id old = sk_namespaces_by_name(fx.namespaces, "n")->id;
    for (int i = 0; i < RUNS; i++)
        start_run("n", i);
    start_run("default", 1);
    CHECK(rows_of(old) == RUNS);
    OREQUEST(del, DeleteNamespaceRequest, delete_namespace_request);
    del.namespace_ = TEXT("n");
    CHECK(call('o', "DeleteNamespace", &del, ORESPONSE(delete_namespace_response), NULL) == SK_OK);
    CHECK(call('w', "RegisterNamespace", &reg, RESPONSE(register_namespace_response), NULL) ==
          SK_OK);
    start_run("n", 1); // a new namespace of the old name is another one
    const struct sk_namespace **left;
    while (sk_namespaces_deleted(fx.namespaces, fx.ctx.arena, &left))
        sk_fiber_sleep(5);
    CHECK(rows_of(old) == 0);
    struct sk_uuid *runs;
    size_t count;
    CHECK(sk_store_runs_read(fx.store, &fx.ctx, old, SK_STR("w1"), &runs, &count) == SK_OK);
    CHECK(count == 0);
    CHECK(rows_of(sk_namespaces_by_name(fx.namespaces, "n")->id) == 1);
    CHECK(rows_of(sk_namespaces_by_name(fx.namespaces, "default")->id) == 1);
}

static void removal(void **state)
{
    (void)state;
    run_frontend(check_removal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(removal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
