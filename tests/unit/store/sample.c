#include "sample.h"

#include <stdio.h>

static const struct sk_str tags[] = {{"red", 3}, {"green", 5}};
static const struct sk_sa_value values[] = {
    {.type = SK_SA_KEYWORD, .slot = 1, .s = {"customer-7", 10}},
    {.type = SK_SA_KEYWORD, .slot = 24, .s = {"last", 4}},
    {.type = SK_SA_INT, .slot = 1, .i = 42},
    {.type = SK_SA_DOUBLE, .slot = 2, .d = 1.25},
    {.type = SK_SA_BOOL, .slot = 3, .i = 1},
    {.type = SK_SA_DATETIME, .slot = 4, .i = 1700000000000000000},
    {.type = SK_SA_KEYWORD_LIST, .slot = 1, .list = tags, .list_count = 2},
    {.type = SK_SA_TEXT, .slot = 1, .s = {"a few words", 11}},
};

static struct sk_run_key run_key(uint8_t number)
{
    static const char *const ids[] = {"", "order-1", "order-2", "schedule"};
    struct sk_run_key run = {.ns = 3, .workflow_id = sk_str_of(ids[number])};
    memset(run.run_id.b, number, SK_UUID_SIZE);
    return run;
}

static void commit(struct env *env, const struct sk_run_key *run, const struct sk_op *ops, size_t n)
{
    struct sk_txn txn = {.slot = sk_slot_of(run->ns, run->workflow_id), .ops = ops, .op_count = n};
    if (!env->epochs[txn.slot])
        CHECK_OK(sk_store_lease(env->store, &env->ctx, txn.slot, &env->epochs[txn.slot]));
    txn.epoch = env->epochs[txn.slot];
    CHECK_OK(sk_store_commit(env->store, &env->ctx, &txn));
}

static struct sk_op op_of(enum sk_op_kind kind, const struct sk_run_key *run)
{
    struct sk_op op = {.kind = kind};
    op.run = *run;
    return op;
}

static struct sk_op exec(const struct sk_run_key *run, int64_t version, int64_t wake_ms)
{
    struct sk_op op = op_of(SK_OP_EXEC_PUT, run);
    op.exec.version = version;
    op.exec.wake_ms = wake_ms;
    op.exec.state = SK_STR("state");
    return op;
}

static struct sk_op history(const struct sk_run_key *run, int64_t first, int64_t last)
{
    struct sk_op op = op_of(SK_OP_HISTORY_APPEND, run);
    op.history.first_event_id = first;
    op.history.last_event_id = last;
    op.history.events = SK_STR("events");
    return op;
}

static struct sk_op part(const struct sk_run_key *run)
{
    struct sk_op op = op_of(SK_OP_PART_PUT, run);
    op.part.kind = SK_PART_TIMER;
    op.part.id = 5;
    op.part.body = SK_STR("part");
    return op;
}

static struct sk_op task(const struct sk_run_key *run, enum sk_op_kind kind)
{
    struct sk_op op = {.kind = kind};
    op.task = (struct sk_task_row){.queue = {3, SK_TASK_ACTIVITY, SK_STR("queue")},
                                   .priority = 2,
                                   .seq = 77,
                                   .run = *run,
                                   .scheduled_id = 5,
                                   .attempt = 4,
                                   .stamp = 6,
                                   .created_ms = 1000,
                                   .expires_ms = 2000,
                                   .fairness_key = SK_STR("tenant"),
                                   .fairness_weight = 0.5f,
                                   .fallback_queue = SK_STR("normal"),
                                   .version = SK_STR("v1")};
    return op;
}

static struct sk_op vis(const struct sk_run_key *run, int32_t status, int64_t close_ns)
{
    struct sk_op op = {.kind = SK_OP_VIS_PUT};
    op.vis = (struct sk_vis_row){.run = *run,
                                 .type = SK_STR("Order"),
                                 .task_queue = SK_STR("queue"),
                                 .status = status,
                                 .start_ns = 100,
                                 .execution_ns = 110,
                                 .close_ns = close_ns,
                                 .history_length = 3,
                                 .history_size = 300,
                                 .state_transitions = 2,
                                 .parent_workflow_id = SK_STR("parent"),
                                 .memo = SK_STR("memo"),
                                 .search_attributes = SK_STR("attributes")};
    if (sk_str_eq(run->workflow_id, SK_STR("schedule")))
        op.vis.division = SK_STR("TemporalScheduler");
    op.vis.values = values;
    op.vis.value_count = sizeof(values) / sizeof(values[0]);
    return op;
}

void sample_write(struct env *env)
{
    struct sk_run_key one = run_key(1), two = run_key(2), three = run_key(3);
    struct sk_op current = op_of(SK_OP_CURRENT_PUT, &one);
    struct sk_op outbox = {.kind = SK_OP_OUTBOX_PUT}, inbox = {.kind = SK_OP_INBOX_PUT};
    outbox.outbox = (struct sk_outbox_row){one, 9, SK_STR("message")};
    inbox.inbox = (struct sk_inbox_row){3, two.workflow_id, one.run_id, 9, SK_STR("reply")};
    struct sk_op first[] = {
        exec(&one, 1, 5000), current, history(&one, 1, 3), part(&one), task(&one, SK_OP_TASK_PUT),
        vis(&one, 1, 0),     outbox};
    struct sk_op second[] = {exec(&two, 1, 0), history(&two, 1, 3), vis(&two, 2, 500), inbox};
    struct sk_op third[] = {exec(&three, 1, 0), vis(&three, 1, 0)};
    commit(env, &one, first, sizeof(first) / sizeof(first[0]));
    commit(env, &two, second, sizeof(second) / sizeof(second[0]));
    commit(env, &three, third, sizeof(third) / sizeof(third[0]));
    struct sk_meta_row meta = {SK_STR("kind"), SK_STR("key"), SK_STR("value"), 1};
    CHECK_OK(sk_store_meta_put(env->store, &env->ctx, &meta));
}

#define CHECK_STR(a, b) CHECK(sk_str_eq(a, SK_STR(b)))

static void verify_run(struct env *env)
{
    struct sk_run_key one = run_key(1);
    struct sk_exec_row row;
    struct sk_uuid current, *ids;
    struct sk_history_batch *batches;
    size_t n;
    CHECK_OK(sk_store_exec_get(env->store, &env->ctx, &one, &row));
    CHECK_INT(row.version, 1);
    CHECK_INT(row.wake_ms, 5000);
    CHECK_STR(row.state, "state");
    CHECK_INT(row.part_count, 1);
    CHECK_INT(row.parts[0].kind, SK_PART_TIMER);
    CHECK_STR(row.parts[0].body, "part");
    CHECK_OK(sk_store_current_get(env->store, &env->ctx, 3, one.workflow_id, &current));
    CHECK(memcmp(&current, &one.run_id, sizeof(current)) == 0);
    CHECK_OK(sk_store_runs_read(env->store, &env->ctx, 3, one.workflow_id, &ids, &n));
    CHECK_INT(n, 1);
    CHECK_OK(sk_store_history_read(env->store, &env->ctx, &one, 1, 9, 99, false, &batches, &n));
    CHECK_INT(n, 1);
    CHECK_INT(batches[0].last_event_id, 3);
    CHECK_STR(batches[0].events, "events");
}

static void verify_work(struct env *env)
{
    struct sk_queue_key queue = {3, SK_TASK_ACTIVITY, SK_STR("queue")};
    struct sk_task_row *tasks;
    struct sk_wake_row *wakes;
    struct sk_outbox_row *outbox;
    struct sk_inbox_row inbox = {3, SK_STR("order-2"), run_key(1).run_id, 9, {0}};
    struct sk_meta_row meta;
    size_t n;
    struct sk_task_range range = {.queue = &queue, .limit = 9};
    CHECK_OK(sk_store_tasks_read(env->store, &env->ctx, &range, &tasks, &n));
    CHECK_INT(n, 1);
    CHECK_INT(tasks[0].seq, 77);
    CHECK_INT(tasks[0].attempt, 4);
    CHECK_INT(tasks[0].expires_ms, 2000);
    CHECK_STR(tasks[0].fairness_key, "tenant");
    CHECK_STR(tasks[0].fallback_queue, "normal");
    CHECK_STR(tasks[0].version, "v1");
    CHECK_OK(sk_store_wakes_read(env->store, &env->ctx, 1, 0, 9999, 9, &wakes, &n));
    CHECK_INT(n, 1);
    CHECK_OK(sk_store_outbox_read(env->store, &env->ctx, 1, 0, 9, &outbox, &n));
    CHECK_INT(n, 1);
    CHECK_STR(outbox[0].body, "message");
    CHECK_OK(sk_store_inbox_get(env->store, &env->ctx, &inbox));
    CHECK_STR(inbox.reply, "reply");
    CHECK_OK(sk_store_meta_get(env->store, &env->ctx, SK_STR("kind"), SK_STR("key"), &meta));
    CHECK_STR(meta.value, "value");
}

static int64_t matches(struct env *env, struct sk_vis_field field, struct sk_vis_literal value,
                       bool all_divisions)
{
    struct sk_vis_node node = {SK_VIS_EQ, field, &value, 1, NULL, NULL};
    struct sk_vis_query q = {
        .ns = 3, .filter = &node, .page_size = 9, .all_divisions = all_divisions};
    struct sk_vis_page page;
    CHECK_OK(sk_store_vis_list(env->store, &env->ctx, &q, &page));
    return (int64_t)page.count;
}

static void verify_lists(struct env *env)
{
    struct sk_vis_query all = {.ns = 3, .page_size = 9};
    struct sk_vis_page page;
    struct sk_vis_counts counts;
    CHECK_OK(sk_store_vis_list(env->store, &env->ctx, &all, &page));
    CHECK_INT(page.count, 2);
    CHECK_STR(page.rows[0].run.workflow_id, "order-1");
    CHECK_STR(page.rows[0].memo, "memo");
    CHECK_STR(page.rows[0].search_attributes, "attributes");
    CHECK_INT(page.rows[1].close_ns, 500);
    CHECK_OK(sk_store_vis_count(env->store, &env->ctx, &all, &counts));
    CHECK_INT(counts.total, 2);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const struct sk_sa_value *v = &values[i];
        struct sk_vis_field field = {SK_VIS_SEARCH_ATTRIBUTE, v->type, v->slot, NULL};
        struct sk_vis_literal literal = {SK_LIT_INT, v->s, v->i, v->d};
        if (v->type == SK_SA_KEYWORD_LIST)
            literal.s = tags[1];
        if (v->type == SK_SA_TEXT)
            literal.s = SK_STR("WORDS");
        if (v->type == SK_SA_DOUBLE)
            literal.type = SK_LIT_DOUBLE;
        else if (v->s.n || v->list)
            literal.type = SK_LIT_STRING;
        CHECK_INT(matches(env, field, literal, false), 2);
        CHECK_INT(matches(env, field, literal, true), 3);
    }
    struct sk_vis_literal parent = {.type = SK_LIT_STRING, .s = SK_STR("parent")};
    CHECK_INT(
        matches(env, (struct sk_vis_field){.column = SK_VIS_PARENT_WORKFLOW_ID}, parent, false), 2);
}

void sample_verify(struct env *env)
{
    verify_run(env);
    verify_work(env);
    verify_lists(env);
}

void sample_continue(struct env *env)
{
    struct sk_run_key one = run_key(1);
    struct sk_op outbox = {.kind = SK_OP_OUTBOX_DELETE};
    outbox.outbox = (struct sk_outbox_row){one, 9, {0}};
    struct sk_op ops[] = {exec(&one, 2, 0), history(&one, 4, 6), task(&one, SK_OP_TASK_DELETE),
                          vis(&one, 2, 900), outbox};
    struct sk_vis_query q = {.ns = 3, .group = true, .group_by = {.column = SK_VIS_STATUS}};
    struct sk_vis_counts counts;
    struct sk_queue_key *queues;
    size_t n;
    commit(env, &one, ops, sizeof(ops) / sizeof(ops[0]));
    CHECK_OK(sk_store_vis_count(env->store, &env->ctx, &q, &counts));
    CHECK_INT(counts.group_count, 1);
    CHECK_INT(counts.groups[0].count, 2);
    CHECK_OK(sk_store_queues_read(env->store, &env->ctx, &queues, &n));
    CHECK_INT(n, 0);
    q.group_by = (struct sk_vis_field){SK_VIS_SEARCH_ATTRIBUTE, SK_SA_KEYWORD, 1, NULL};
    CHECK_OK(sk_store_vis_count(env->store, &env->ctx, &q, &counts));
    CHECK_INT(counts.groups[0].count, 2);
}

/* ---- format 2: tasks with a pass ---- */

static struct sk_op fair_task(enum sk_op_kind kind, int64_t pass, int64_t seq)
{
    struct sk_run_key two = run_key(2);
    struct sk_op op = task(&two, kind);
    op.task.queue.name = SK_STR("fair");
    op.task.pass = pass;
    op.task.seq = seq;
    return op;
}

void sample_write_2(struct env *env)
{
    struct sk_run_key two = run_key(2);
    struct sk_op ops[] = {fair_task(SK_OP_TASK_PUT, 200001, 81),
                          fair_task(SK_OP_TASK_PUT, 100001, 82)};
    commit(env, &two, ops, 2);
}

void sample_verify_2(struct env *env)
{
    struct sk_queue_key queue = {3, SK_TASK_ACTIVITY, SK_STR("fair")};
    struct sk_task_range range = {.queue = &queue, .limit = 9};
    struct sk_task_row *tasks;
    size_t n;
    CHECK_OK(sk_store_tasks_read(env->store, &env->ctx, &range, &tasks, &n));
    CHECK_INT(n, 2);
    CHECK_INT(tasks[0].pass, 100001);
    CHECK_INT(tasks[0].seq, 82);
    CHECK_INT(tasks[1].pass, 200001);
    CHECK_STR(tasks[1].fairness_key, "tenant");
}

void sample_continue_2(struct env *env)
{
    struct sk_run_key two = run_key(2);
    struct sk_op ops[] = {fair_task(SK_OP_TASK_DELETE, 200001, 81),
                          fair_task(SK_OP_TASK_DELETE, 100001, 82)};
    commit(env, &two, ops, 2);
}
