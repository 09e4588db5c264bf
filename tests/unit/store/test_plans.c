/*
 * Lists and counts use the index that they should: what SQLite itself says of each query's plan.
 * A plan that sorts or scans where it need not fails here, not on a user's million runs. And those
 * that are slow all the same leave a reader to the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "env.h"
#include "store/sqlite/sqlite_internal.h"

enum { RUNS = 5000, FEW = 20 };

static void fill(struct env *env)
{
    static const struct sk_sa_value many[] = {
        {.type = SK_SA_KEYWORD, .slot = 1, .s = {"common", 6}},
        {.type = SK_SA_INT, .slot = 1, .i = 5},
    };
    static const struct sk_str tag = {"rare", 4};
    static const struct sk_sa_value few[] = {
        {.type = SK_SA_KEYWORD, .slot = 2, .s = {"rare", 4}},
        {.type = SK_SA_KEYWORD_LIST, .slot = 1, .list = &tag, .list_count = 1},
        {.type = SK_SA_INT, .slot = 2, .i = 7},
    };
    struct sk_op *ops = SK_NEW_N(env->arena, struct sk_op, RUNS);
    struct sk_txn txn = {.slot = 1, .ops = ops, .op_count = RUNS};
    CHECK_OK(sk_store_lease(env->store, &env->ctx, 1, &txn.epoch));
    for (int i = 0; i < RUNS; i++) {
        bool is_few = i % (RUNS / FEW) == 0;
        ops[i] = (struct sk_op){.kind = SK_OP_VIS_PUT,
                                .vis = {.run = env_run_key(env, i),
                                        .task_queue = SK_STR("q"),
                                        .type = is_few ? SK_STR("Rare") : SK_STR("Common"),
                                        .status = 2,
                                        .start_ns = i,
                                        .close_ns = 1000 + i,
                                        .values = is_few ? few : many,
                                        .value_count = is_few ? 3 : 2}};
        ops[i].vis.root_workflow_id = ops[i].vis.run.workflow_id;
        if (is_few)
            ops[i].vis.parent_workflow_id = ops[i].vis.root_workflow_id = SK_STR("parent");
    }
    CHECK_OK(sk_store_commit(env->store, &env->ctx, &txn));
}

static const char *index_of(struct env *env, sqlite3 *db, const struct sk_vis_query *q,
                            bool *ordered)
{
    struct sq_conn conn = {.db = db};
    struct sq_plan *plan = SK_NEW(env->arena, struct sq_plan);
    struct sq_sql sql;
    sqlite3_stmt *stmt;
    CHECK(sq_plan_choose(&conn, env->arena, q, plan) == SQLITE_OK);
    sq_sql_init(&sql, env->arena);
    sk_buf_str(&sql.text, "EXPLAIN QUERY PLAN ");
    sq_list_write(plan, 10, &sql);
    CHECK(sq_sql_prepare(db, &sql, &stmt) == SQLITE_OK); // INDEXED BY would fail here
    bool sorts = false, scans = false;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(stmt, 3);
        if (strcmp(detail, "SCAN o") == 0) // from here it is about the page that was found
            break;
        // sorting what has equal values is no matter
        sorts |= strcmp(detail, "USE TEMP B-TREE FOR ORDER BY") == 0;
        scans |= strncmp(detail, "SCAN", 4) == 0;
    }
    CHECK(sorts != plan->ordered); // what the plan says of its order is true
    CHECK(!scans || q->all_divisions);
    *ordered = plan->ordered;
    sqlite3_finalize(stmt);
    sq_sql_fini(&sql);
    return plan->index;
}

struct want {
    struct sk_vis_field field;
    enum sk_vis_op op;
    struct sk_vis_literal value;
    const char *index;
    bool ordered;
};
#define STRING(s_)                                         \
    {                                                      \
        .type = SK_LIT_STRING, .s = { s_, sizeof(s_) - 1 } \
    }
#define INT(i_)                     \
    {                               \
        .type = SK_LIT_INT, .i = i_ \
    }
#define ATTR(type, slot)                          \
    {                                             \
        SK_VIS_SEARCH_ATTRIBUTE, type, slot, NULL \
    }
#define COL(c)      \
    {               \
        .column = c \
    }

static const struct want wants[] = {
    {COL(SK_VIS_WORKFLOW_ID), SK_VIS_EQ, STRING("w7"), "vis_workflow", true},
    {COL(SK_VIS_WORKFLOW_ID), SK_VIS_STARTS, STRING("w77"), "vis_workflow", false},
    {COL(SK_VIS_WORKFLOW_ID), SK_VIS_STARTS, STRING("w"), "vis_sort", true}, // too many to sort
    {COL(SK_VIS_WORKFLOW_TYPE), SK_VIS_EQ, STRING("Rare"), "vis_type", true},
    {COL(SK_VIS_WORKFLOW_TYPE), SK_VIS_EQ, STRING("Common"), "vis_type", true},
    {COL(SK_VIS_STATUS), SK_VIS_EQ, INT(1), "vis_status", true},
    {COL(SK_VIS_PARENT_WORKFLOW_ID), SK_VIS_EQ, STRING("parent"), "vis_parent", true},
    {COL(SK_VIS_ROOT_WORKFLOW_ID), SK_VIS_EQ, STRING("parent"), "", false}, // two indexes
    {COL(SK_VIS_TASK_QUEUE), SK_VIS_EQ, STRING("q"), "vis_sort", true},
    {COL(SK_VIS_WORKFLOW_TYPE), SK_VIS_NE, STRING("Rare"), "vis_sort", true},
    {ATTR(SK_SA_KEYWORD, 1), SK_VIS_EQ, STRING("common"), "vis_keyword01", true},
    {ATTR(SK_SA_KEYWORD, 2), SK_VIS_EQ, STRING("rare"), "vis_keyword02", true},
    {ATTR(SK_SA_INT, 2), SK_VIS_GT, INT(3), "vis_int02", false},
    {ATTR(SK_SA_INT, 1), SK_VIS_GT, INT(3), "vis_sort", true}, // most have it
    {ATTR(SK_SA_KEYWORD_LIST, 1), SK_VIS_EQ, STRING("rare"), "vis_list_value", true},
};

static void right_index(struct env *env)
{
    sqlite3 *db;
    bool ordered;
    CHECK_OK(env_open(env));
    fill(env);
    CHECK(sqlite3_open(env->path, &db) == SQLITE_OK);
    for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
        const struct want *w = &wants[i];
        struct sk_vis_node node = {w->op, w->field, &w->value, 1, NULL, NULL};
        struct sk_vis_query q = {.ns = 1, .filter = &node, .page_size = 10};
        const char *index = index_of(env, db, &q, &ordered);
        if (strcmp(index, w->index) != 0)
            SK_PANIC("query %zu is read by %s, not %s", i, index, w->index);
        CHECK_INT(ordered, w->ordered);
    }
    sqlite3_close(db);
}

/* Of two terms the one with fewer runs, wherever it stands. */
static void fewest_win(struct env *env)
{
    sqlite3 *db;
    bool ordered;
    struct sk_vis_literal common = STRING("Common"), rare = STRING("rare");
    struct sk_vis_node type = {SK_VIS_EQ, COL(SK_VIS_WORKFLOW_TYPE), &common, 1, NULL, NULL};
    struct sk_vis_node keyword = {SK_VIS_EQ, ATTR(SK_SA_KEYWORD, 2), &rare, 1, NULL, NULL};
    struct sk_vis_node both[] = {{.op = SK_VIS_AND, .left = &type, .right = &keyword},
                                 {.op = SK_VIS_AND, .left = &keyword, .right = &type},
                                 {.op = SK_VIS_OR, .left = &keyword, .right = &type}};
    CHECK_OK(env_open(env));
    fill(env);
    CHECK(sqlite3_open(env->path, &db) == SQLITE_OK);
    for (int i = 0; i < 3; i++) {
        struct sk_vis_query q = {.ns = 1, .filter = &both[i], .page_size = 10};
        const char *index = index_of(env, db, &q, &ordered);
        CHECK(strcmp(index, i < 2 ? "vis_keyword02" : "vis_sort") == 0);
    }
    struct sk_vis_query all = {.ns = 1, .page_size = 10};
    CHECK(strcmp(index_of(env, db, &all, &ordered), "vis_sort") == 0);
    all.all_divisions = true;
    CHECK(strcmp(index_of(env, db, &all, &ordered), "") == 0);
    sqlite3_close(db);
}

/* An order by a field is read from its index where there is one, also from the middle; few runs are
 * sorted instead. */
static void orders(struct env *env)
{
    static const struct {
        struct sk_vis_field field;
        const char *index;
        bool ordered;
    } fields[] = {
        {COL(SK_VIS_WORKFLOW_ID), "vis_workflow", true},
        {COL(SK_VIS_WORKFLOW_TYPE), "vis_type", true},
        {COL(SK_VIS_STATUS), "vis_status", true},
        {COL(SK_VIS_PARENT_WORKFLOW_ID), "vis_parent", true},
        {ATTR(SK_SA_KEYWORD, 1), "vis_keyword01", true},
        {COL(SK_VIS_CLOSE_TIME), "vis_sort", true},
        {COL(SK_VIS_START_TIME), "vis_sort", false},
        {COL(SK_VIS_HISTORY_LENGTH), "vis_sort", false},
        {COL(SK_VIS_DURATION), "vis_sort", false},
    };
    sqlite3 *db;
    bool ordered;
    struct sk_vis_literal rare = STRING("Rare");
    struct sk_vis_node type = {SK_VIS_EQ, COL(SK_VIS_WORKFLOW_TYPE), &rare, 1, NULL, NULL};
    CHECK_OK(env_open(env));
    fill(env);
    CHECK(sqlite3_open(env->path, &db) == SQLITE_OK);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        for (int k = 0; k < 4; k++) {
            struct sk_vis_query q = {.ns = 1, .order = {true, k & 1, fields[i].field}};
            q.has_cursor = k & 2;
            q.after.value.type =
                sk_vis_field_class(&fields[i].field) == SK_VIS_NUMBER ? SK_LIT_INT : SK_LIT_STRING;
            const char *index = index_of(env, db, &q, &ordered);
            if (strcmp(index, fields[i].index) != 0)
                SK_PANIC("order %zu is read by %s, not %s", i, index, fields[i].index);
            CHECK_INT(ordered, fields[i].ordered);
            q.filter = &type;
            if (fields[i].field.column == SK_VIS_WORKFLOW_TYPE)
                continue; // one type: there is nothing to sort
            CHECK(strcmp(index_of(env, db, &q, &ordered), "vis_type") == 0);
        }
    sqlite3_close(db);
}

/* ---- readers ---- */

struct hold {
    struct env *env;
    const struct hold *after; /* may start only when that one ended; NULL: at once */
    atomic_bool started, open;
    bool over;
};

static void hold_job(struct sq_store *store, struct sq_conn *conn, struct sq_job *job)
{
    struct hold *hold = job->arg;
    (void)store;
    (void)conn;
    CHECK(!hold->after || atomic_load(&hold->after->open));
    atomic_store(&hold->started, true);
    while (!atomic_load(&hold->open))
        usleep(100);
}

static void hold_fiber(void *arg)
{
    struct hold *hold = arg;
    struct sk_ctx ctx = {0};
    struct sq_job job = {.ctx = &ctx, .read = hold_job, .arg = hold};
    CHECK(sq_read_list((struct sq_store *)hold->env->store, &job) == SK_OK);
    hold->over = true;
}

/* As many as there are readers but one. */
static void slow_lists_hold_up_no_other(struct env *env)
{
    struct hold holds[SQ_LIST_READERS - 1];
    struct sk_vis_query q = {.ns = 1, .page_size = 10};
    struct sk_vis_page page;
    struct sk_vis_counts counts;
    CHECK_OK(env_open(env));
    fill(env);
    for (int i = 0; i < SQ_LIST_READERS - 1; i++) {
        holds[i] = (struct hold){.env = env};
        sk_fiber_spawn(hold_fiber, &holds[i]);
        while (!atomic_load(&holds[i].started))
            sk_fiber_sleep(1);
    }
    for (int i = 0; i < 20; i++) {
        CHECK_OK(sk_store_vis_list(env->store, &env->ctx, &q, &page));
        CHECK_INT(page.count, 10);
        CHECK_OK(sk_store_vis_count(env->store, &env->ctx, &q, &counts));
        CHECK_INT(counts.total, RUNS);
    }
    for (int i = 0; i < SQ_LIST_READERS - 1; i++) {
        CHECK(!holds[i].over);
        atomic_store(&holds[i].open, true);
        while (!holds[i].over)
            sk_fiber_sleep(1);
    }
}

/* Else lists that overlap without end would keep the log from starting over. */
static void lists_take_turns_while_the_log_is_long(struct env *env)
{
    struct hold first = {.env = env}, second = {.env = env, .after = &first};
    struct sk_vis_query q = {.ns = 1, .page_size = 10};
    struct sk_vis_page page;
    CHECK_OK(env_open(env));
    struct sq_store *store = (struct sq_store *)env->store;
    atomic_store(&store->turns_until_ms, INT64_MAX);
    sk_fiber_spawn(hold_fiber, &first);
    while (!atomic_load(&first.started))
        sk_fiber_sleep(1);
    sk_fiber_spawn(hold_fiber, &second);
    for (int i = 0; i < 100; i++) // time to do it wrong
        sk_fiber_yield();
    atomic_store(&first.open, true);
    atomic_store(&second.open, true);
    while (!first.over || !second.over)
        sk_fiber_sleep(1);
    CHECK_OK(env_commit(env, 1, 1));
    while (atomic_load(&store->turns_until_ms)) // the writer sees that it is short
        sk_fiber_sleep(1);
    CHECK_OK(sk_store_vis_list(env->store, &env->ctx, &q, &page));
}

#define TEST(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        env_run(name);                    \
    }
TEST(right_index)
TEST(fewest_win)
TEST(orders)
TEST(slow_lists_hold_up_no_other)
TEST(lists_take_turns_while_the_log_is_long)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_index), cmocka_unit_test(test_fewest_win),
        cmocka_unit_test(test_orders), cmocka_unit_test(test_slow_lists_hold_up_no_other),
        cmocka_unit_test(test_lists_take_turns_while_the_log_is_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
