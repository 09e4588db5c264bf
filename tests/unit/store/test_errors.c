/* What goes wrong with a disk or a file, and that nothing acknowledged is lost. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "env.h"

static void full_disk(struct env *env)
{
    CHECK_OK(env_open(env));
    CHECK_OK(env_commit(env, 1, 1));
    atomic_store(&faults.write, SQLITE_FULL);
    CHECK_ERR(env_commit(env, 1, 2), SK_UNAVAILABLE);
    CHECK_SAYS(env, "no space left");
    CHECK_ERR(env_commit(env, 2, 1), SK_UNAVAILABLE);
    CHECK_SAYS(env, env->path);
    CHECK_INT(env_version(env, 1), 1); // reads go on
    atomic_store(&faults.write, 0);
    CHECK_OK(env_commit(env, 1, 2)); // and commits, once there is space
    env_close(env);
    CHECK_OK(env_open(env));
    CHECK_INT(env_version(env, 1), 2);
    CHECK_INT(env_version(env, 2), 0);
}

/* A limit that is reached in the middle of a group hits the transition that reaches it. */
static void file_limit(struct env *env)
{
    CHECK_OK(env_open(env));
    env_close(env);
    static const char *const pragmas[] = {"max_page_count=600", NULL};
    env->pragmas = pragmas;
    CHECK_OK(env_open(env));
    CHECK_OK(env_commit(env, 1, 1));
    struct sk_run_key run = env_run_key(env, 2);
    struct sk_op op = {.kind = SK_OP_EXEC_PUT};
    op.run = run;
    op.exec.version = 1;
    op.exec.state = (struct sk_str){sk_arena_zalloc(env->arena, 4 << 20), 4 << 20};
    struct sk_txn txn = {.slot = sk_slot_of(1, run.workflow_id), .ops = &op, .op_count = 1};
    CHECK_OK(sk_store_lease(env->store, &env->ctx, txn.slot, &txn.epoch));
    CHECK_ERR(sk_store_commit(env->store, &env->ctx, &txn), SK_UNAVAILABLE);
    CHECK_SAYS(env, "no space left");
    CHECK_OK(env_commit(env, 1, 2));
    CHECK_INT(env_version(env, 2), 0);
    CHECK_INT(env_version(env, 1), 2);
}

static void failed_sync(struct env *env)
{
    struct sk_vis_query all = {.ns = 1, .page_size = 10};
    struct sk_vis_counts counts;
    struct sk_vis_page page;
    CHECK_OK(env_open(env));
    CHECK_OK(env_commit(env, 1, 1));
    int syncs = atomic_load(&faults.syncs);
    atomic_store(&faults.sync, SQLITE_IOERR_FSYNC);
    CHECK_ERR(env_commit(env, 2, 1), SK_COMMIT_UNKNOWN);
    CHECK_SAYS(env, "I/O error");
    CHECK_INT(atomic_load(&faults.syncs), syncs + 1); // never a second one
    atomic_store(&faults.sync, 0);
    int64_t version = env_version(env, 2);
    CHECK(version == 0 || version == 1);
    CHECK_OK(env_commit(env, 2, version + 1)); // goes on from what is there
    CHECK_OK(env_commit(env, 1, 2));
    CHECK_OK(sk_store_vis_count(env->store, &env->ctx, &all, &counts));
    CHECK_OK(sk_store_vis_list(env->store, &env->ctx, &all, &page));
    CHECK_INT(counts.total, page.count);
    env_close(env);
    CHECK_OK(env_open(env));
    CHECK_INT(env_version(env, 2), version + 1);
    CHECK_INT(env_version(env, 1), 2);
}

static void failed_write(struct env *env)
{
    CHECK_OK(env_open(env));
    CHECK_OK(env_commit(env, 1, 1));
    atomic_store(&faults.write, SQLITE_IOERR_WRITE);
    CHECK_ERR(env_commit(env, 1, 2), SK_COMMIT_UNKNOWN);
    CHECK_SAYS(env, "I/O error");
    CHECK(env_commit(env, 1, 2) != SK_OK);
    atomic_store(&faults.write, 0);
    CHECK_INT(env_version(env, 1), 1);
    CHECK_OK(env_commit(env, 1, 2));
    CHECK_INT(env_version(env, 1), 2);
}

/* A checkpoint that cannot be made keeps the log; nothing is lost and a later one succeeds. */
static void failed_checkpoint(struct env *env)
{
    CHECK_OK(env_open(env));
    atomic_store(&faults.data_sync, SQLITE_IOERR_FSYNC);
    for (int i = 0; i < 200; i++)
        CHECK_OK(env_commit(env, i, 1));
    env_close(env);
    atomic_store(&faults.data_sync, 0);
    CHECK_OK(env_open(env));
    for (int i = 0; i < 200; i++)
        CHECK_INT(env_version(env, i), 1);
}

static void read_only(struct env *env)
{
    CHECK_OK(env_open(env));
    env_close(env);
    atomic_store(&faults.read_only, true);
    CHECK_ERR(env_open(env), SK_UNAVAILABLE);
    CHECK_SAYS(env, "is read-only");
    atomic_store(&faults.read_only, false);
    CHECK_OK(env_open(env));
    env_close(env);
    if (geteuid() == 0)
        return; // the superuser may write what is read-only
    CHECK(chmod(env->path, 0400) == 0);
    CHECK_ERR(env_open(env), SK_UNAVAILABLE);
    CHECK_SAYS(env, "is read-only");
    CHECK(chmod(env->path, 0600) == 0);
}

static void used_by_another(struct env *env)
{
    struct sk_store *first;
    char pid[32];
    CHECK_OK(env_open(env));
    first = env->store;
    CHECK_ERR(env_open(env), SK_UNAVAILABLE);
    snprintf(pid, sizeof(pid), "pid %ld", (long)getpid());
    CHECK_SAYS(env, pid);
    env->store = first;
}

/* Under another name, too. */
static void linked(struct env *env)
{
    char target[96];
    CHECK_OK(env_open(env));
    struct sk_store *first = env->store;
    snprintf(target, sizeof(target), "%s", env->path);
    snprintf(env->path, sizeof(env->path), "%s/link", env->dir);
    CHECK(symlink(target, env->path) == 0);
    CHECK_ERR(env_open(env), SK_UNAVAILABLE);
    CHECK_SAYS(env, "is in use by another process");
    env->store = first;
    struct stat st;
    CHECK(stat(target, &st) == 0 && (st.st_mode & 0777) == 0600);
}

static void locked_by_a_tool(struct env *env)
{
    static const char *const pragmas[] = {"busy_timeout=20", NULL};
    sqlite3 *tool;
    env->pragmas = pragmas;
    CHECK_OK(env_open(env));
    CHECK(sqlite3_open(env->path, &tool) == SQLITE_OK);
    CHECK(sqlite3_exec(tool, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    CHECK_ERR(env_commit(env, 1, 1), SK_UNAVAILABLE);
    CHECK_SAYS(env, "locked by another process");
    CHECK(sqlite3_exec(tool, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(tool);
    CHECK_OK(env_commit(env, 1, 1));
}

static void not_ours(struct env *env)
{
    sqlite3 *tool;
    struct sk_buf garbage = SK_BUF_INIT;
    for (int i = 0; i < 5000; i++)
        sk_buf_printf(&garbage, "%d nonsense ", i);
    env_write(env->path, garbage.p, garbage.n);
    sk_buf_fini(&garbage);
    CHECK_ERR(env_open(env), SK_DATA_LOSS);
    CHECK_SAYS(env, "not a SQLite database");
    CHECK(unlink(env->path) == 0);
    CHECK(sqlite3_open(env->path, &tool) == SQLITE_OK);
    CHECK(sqlite3_exec(tool, "CREATE TABLE notes (text)", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(tool);
    struct sk_buf before = SK_BUF_INIT, after = SK_BUF_INIT;
    env_read(env->path, &before);
    CHECK_ERR(env_open(env), SK_FAILED_PRECONDITION);
    CHECK_SAYS(env, "another program");
    env_read(env->path, &after); // not even its journal's mode is changed
    CHECK(sk_str_eq(sk_buf_view(&before), sk_buf_view(&after)));
    sk_buf_fini(&before);
    sk_buf_fini(&after);
}

static void damaged(struct env *env)
{
    struct sk_buf file = SK_BUF_INIT;
    CHECK_OK(env_open(env));
    for (int i = 0; i < 300; i++)
        CHECK_OK(env_commit(env, i, 1));
    env_close(env);
    env_read(env->path, &file);
    for (size_t i = 12 * 4096; i < file.n; i++) // all but the schema's pages
        file.p[i] = (char)(i * 7);
    env_write(env->path, file.p, file.n);
    sk_buf_fini(&file);
    sk_err err = env_open(env);
    if (err == SK_OK) {
        struct sk_run_key run = env_run_key(env, 7);
        struct sk_exec_row row;
        struct sk_queue_key *queues;
        size_t n;
        err = sk_store_exec_get(env->store, &env->ctx, &run, &row);
        if (err != SK_DATA_LOSS) {
            sk_ctx_clear(&env->ctx);
            err = sk_store_queues_read(env->store, &env->ctx, &queues, &n);
        }
    } else {
        env->store = NULL;
    }
    CHECK_ERR(err, SK_DATA_LOSS);
    CHECK_SAYS(env, "is damaged");
}

static void no_folder(struct env *env)
{
    snprintf(env->path, sizeof(env->path), "%s/none/store", env->dir);
    CHECK_ERR(env_open(env), SK_UNAVAILABLE);
    CHECK_SAYS(env, "the folder must exist");
    snprintf(env->path, sizeof(env->path), ":memory:");
    CHECK_ERR(env_open(env), SK_INVALID_ARGUMENT);
}

/* A query that runs past its budget names the condition that no index serves. */
static void slow_query(struct env *env)
{
    struct sk_vis_literal value = {.type = SK_LIT_STRING, .s = SK_STR("none")};
    struct sk_vis_node node = {.op = SK_VIS_EQ,
                               .values = &value,
                               .value_count = 1,
                               .field = {.column = SK_VIS_TASK_QUEUE, .name = "TaskQueue"}};
    struct sk_vis_query q = {.ns = 1, .page_size = 10, .filter = &node, .budget_ms = 1};
    struct sk_vis_page page;
    CHECK_OK(env_open(env));
    enum { RUNS = 20000, AT_ONCE = 500 };
    struct sk_op *ops = SK_NEW_N(env->arena, struct sk_op, AT_ONCE);
    struct sk_txn txn = {.slot = 1, .ops = ops, .op_count = AT_ONCE};
    CHECK_OK(sk_store_lease(env->store, &env->ctx, 1, &txn.epoch));
    for (int i = 0; i < RUNS; i += AT_ONCE) {
        for (int k = 0; k < AT_ONCE; k++)
            ops[k] = (struct sk_op){.kind = SK_OP_VIS_PUT,
                                    .vis = {.run = env_run_key(env, i + k),
                                            .type = SK_STR("T"),
                                            .task_queue = SK_STR("q"),
                                            .status = 1,
                                            .start_ns = i + k}};
        CHECK_OK(sk_store_commit(env->store, &env->ctx, &txn));
    }
    sk_err err = SK_OK;
    for (int i = 0; i < 50 && err == SK_OK; i++)
        err = sk_store_vis_list(env->store, &env->ctx, &q, &page);
    CHECK_ERR(err, SK_DEADLINE_EXCEEDED);
    CHECK_SAYS(env, "TaskQueue");
    q.budget_ms = 0;
    CHECK_OK(sk_store_vis_list(env->store, &env->ctx, &q, &page)); // the reader is as it was
    CHECK_INT(page.count, 0);
}

#define TEST(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        env_run(name);                    \
    }
TEST(full_disk)
TEST(file_limit)
TEST(failed_sync)
TEST(failed_write)
TEST(failed_checkpoint)
TEST(read_only)
TEST(used_by_another)
TEST(linked)
TEST(locked_by_a_tool)
TEST(not_ours)
TEST(damaged)
TEST(no_folder)
TEST(slow_query)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_disk),         cmocka_unit_test(test_file_limit),
        cmocka_unit_test(test_failed_sync),       cmocka_unit_test(test_failed_write),
        cmocka_unit_test(test_failed_checkpoint), cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_used_by_another),   cmocka_unit_test(test_linked),
        cmocka_unit_test(test_locked_by_a_tool),  cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_damaged),           cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_slow_query),
    };
    faults_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
