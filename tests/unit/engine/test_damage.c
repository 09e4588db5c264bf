/* A run whose record is damaged is set aside; the others go on. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Overwrite the record of a run, as a broken disk would. */
static void damage(struct world *w, const char *workflow_id, const char *run_id)
{
    struct sk_run_key run = {w->ns->id, sk_str_of(workflow_id), {{0}}};
    struct sk_exec_row row;
    int64_t epoch;
    uint32_t slot = sk_slot_of(run.ns, run.workflow_id);
    assert_int_equal(sk_uuid_parse(run_id, &run.run_id), 0);
    assert_int_equal(sk_store_exec_get(w->store, &w->ctx, &run, &row), SK_OK);
    assert_int_equal(sk_store_lease(w->store, &w->ctx, slot, &epoch), SK_OK);
    struct sk_op op = {.kind = SK_OP_EXEC_PUT};
    op.run = run;
    op.exec.version = row.version + 1;
    op.exec.wake_ms = row.wake_ms;
    op.exec.state = SK_STR("\xff\xff not a record");
    struct sk_txn txn = {slot, epoch, &op, 1};
    assert_int_equal(sk_store_commit(w->store, &w->ctx, &txn), SK_OK);
}

static sk_err try_describe(struct world *w, const char *workflow_id)
{
    WS(DescribeWorkflowExecutionRequest)
    request = TEMPORAL__API__WORKFLOWSERVICE__V1__DESCRIBE_WORKFLOW_EXECUTION_REQUEST__INIT;
    WS(DescribeWorkflowExecutionResponse)
    response = TEMPORAL__API__WORKFLOWSERVICE__V1__DESCRIBE_WORKFLOW_EXECUTION_RESPONSE__INIT;
    sk_ctx_clear(&w->ctx);
    request.execution = sk_execution_msg(w->ctx.arena, workflow_id, "");
    return sk_engine_describe(w->engine, &w->ctx, w->ns, &request, &response);
}

static void set_aside(struct world *w)
{
    struct sk_engine_stats stats;
    char *run_id = start_workflow(w);
    complete_task(w, poll_workflow_task(w, QUEUE), start_child(w, "sound"), NULL);
    restart(w);
    damage(w, WORKFLOW, run_id);
    restart(w);
    for (int i = 0; i < 3; i++)
        assert_int_equal(try_describe(w, WORKFLOW), SK_DATA_LOSS);
    assert_non_null(strstr(w->ctx.err.message, "set aside"));
    assert_int_equal(try_describe(w, "sound"), SK_OK);
    sk_engine_stats(w->engine, &stats);
    assert_int_equal(stats.quarantined, 1); // once, however often it is met
}

static void test_set_aside(void **state)
{
    (void)state;
    in_world(set_aside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_set_aside)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
