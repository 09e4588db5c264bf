/* Formats: newer files are refused, older ones upgraded beside a copy, every released one opens. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "env.h"
#include "sample.h"
#include "store/sqlite/sqlite_internal.h"

static sqlite3 *tool(const char *path)
{
    sqlite3 *db;
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    return db;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        SK_PANIC("%s: %s", sql, sqlite3_errmsg(db));
}

static int64_t query_int(const char *path, const char *sql)
{
    sqlite3 *db = tool(path);
    sqlite3_stmt *stmt;
    CHECK(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(stmt) == SQLITE_ROW);
    int64_t i = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return i;
}

static void says_who_made_it(struct env *env)
{
    CHECK_OK(env_open(env));
    env_close(env);
    CHECK_INT(query_int(env->path, "PRAGMA user_version"), SQ_FORMAT);
    CHECK_INT(query_int(env->path, "SELECT count(*) FROM format WHERE binary_version = '0.0-test'"),
              SQ_FORMAT);
}

static void refuses_a_newer_format(struct env *env)
{
    CHECK_OK(env_open(env));
    CHECK_OK(env_commit(env, 1, 1));
    env_close(env);
    sqlite3 *db = tool(env->path);
    run_sql(db, "INSERT INTO format VALUES (77, '9.9.9', 0); PRAGMA user_version = 77");
    sqlite3_close(db);
    CHECK_ERR(env_open(env), SK_FAILED_PRECONDITION);
    const char *says = env->ctx.err.message;
    CHECK(strstr(says, "format 77") && strstr(says, "9.9.9") && strstr(says, "0.0-test"));
    env_error(env);
    env->store = NULL;
}

/* A header that says what no binary ever wrote. */
static void refuses_a_format_below_the_first(struct env *env)
{
    CHECK_OK(env_open(env));
    env_close(env);
    sqlite3 *db = tool(env->path);
    run_sql(db, "PRAGMA user_version = -1");
    sqlite3_close(db);
    CHECK_ERR(env_open(env), SK_DATA_LOSS);
    CHECK_SAYS(env, "format -1");
    env->store = NULL;
}

/* ---- an upgrade to a format that does not exist yet ---- */

static bool add_column(sqlite3 *db)
{
    return sqlite3_exec(db, "ALTER TABLE meta ADD COLUMN note TEXT", NULL, NULL, NULL) == SQLITE_OK;
}

static bool breaks(sqlite3 *db)
{
    return add_column(db) && sqlite3_exec(db, "nonsense", NULL, NULL, NULL) == SQLITE_OK;
}

static bool upgrade(struct env *env, bool (*step)(sqlite3 *), struct sq_error *error)
{
    struct sq_migration migrations[SQ_FORMAT + 1];
    memcpy(migrations, sq_migrations, sizeof(sq_migrations));
    migrations[SQ_FORMAT] = (struct sq_migration){SQ_FORMAT + 1, step};
    struct sq_migrate_options o = {.path = env->path,
                                   .binary_version = "1.2.3",
                                   .migrations = migrations,
                                   .count = SQ_FORMAT + 1,
                                   .now_ms = 5};
    sqlite3 *db = tool(env->path);
    bool ok = sq_migrate(db, &o, error);
    sqlite3_close(db);
    return ok;
}

static void upgrades_beside_a_copy(struct env *env)
{
    struct sq_error error = {0};
    char copy[128];
    snprintf(copy, sizeof(copy), "%s.format-%d", env->path, SQ_FORMAT);
    CHECK_OK(env_open(env));
    CHECK_OK(env_commit(env, 1, 1));
    env_close(env);

    CHECK(!upgrade(env, breaks, &error)); // a failed upgrade leaves the file as it was
    sq_error_clear(&error);
    CHECK_INT(query_int(env->path, "PRAGMA user_version"), SQ_FORMAT);
    CHECK_OK(env_open(env));
    CHECK_INT(env_version(env, 1), 1);
    env_close(env);

    CHECK(upgrade(env, add_column, &error));
    CHECK_INT(query_int(env->path, "PRAGMA user_version"), SQ_FORMAT + 1);
    CHECK_INT(query_int(env->path, "SELECT count(*) FROM format WHERE binary_version = '1.2.3'"),
              1);
    CHECK_ERR(env_open(env), SK_FAILED_PRECONDITION); // this binary is the older one now
    CHECK_SAYS(env, "1.2.3");
    CHECK(rename(copy, env->path) == 0); // and the copy is the way back
    CHECK_OK(env_open(env));
    CHECK_INT(env_version(env, 1), 1);
}

static void no_upgrade_without_a_copy(struct env *env)
{
    struct sq_error error = {0};
    char copy[128];
    snprintf(copy, sizeof(copy), "%s.format-%d.partial/x", env->path, SQ_FORMAT);
    CHECK_OK(env_open(env));
    env_close(env);
    *strrchr(copy, '/') = '\0';
    CHECK(mkdir(copy, 0700) == 0); // a folder in the copy's place
    CHECK(!upgrade(env, add_column, &error));
    CHECK(error.err == SK_UNAVAILABLE && strstr(error.message, "could not be"));
    sq_error_clear(&error);
    CHECK_INT(query_int(env->path, "PRAGMA user_version"), SQ_FORMAT);
    rmdir(copy);
}

/* A copy that did not fit is not left there: the disk is full enough. */
static void leaves_no_partial_copy(struct env *env)
{
    struct sq_error error = {0};
    struct rlimit before, less;
    char partial[128];
    snprintf(partial, sizeof(partial), "%s.format-%d.partial", env->path, SQ_FORMAT);
    CHECK_OK(env_open(env));
    env_close(env);
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    less = (struct rlimit){.rlim_cur = 65536, .rlim_max = before.rlim_max}; // less than the file
    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &less) == 0);
    bool ok = upgrade(env, add_column, &error);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(!ok && error.err == SK_UNAVAILABLE && strstr(error.message, "could not be written"));
    sq_error_clear(&error);
    CHECK(access(partial, F_OK) != 0);
    CHECK_INT(query_int(env->path, "PRAGMA user_version"), SQ_FORMAT);
}

/* ---- files of released formats ---- */

static void opens_released(struct env *env, int format)
{
    const char *root = getenv("SKALD_SOURCE");
    struct sk_buf file = SK_BUF_INIT;
    char name[512];
    snprintf(name, sizeof(name), "%s/tests/fixtures/store/format-%d.sqlite", root ? root : ".",
             format);
    env_read(name, &file);
    env_write(env->path, file.p, file.n);
    sk_buf_fini(&file);
    CHECK_OK(env_open(env));
    sample_verify(env);
}

/* Its task, which had no pass, lies before those that come now. */
static void opens_format_1(struct env *env)
{
    opens_released(env, 1);
    struct sk_queue_key queue = {3, SK_TASK_ACTIVITY, SK_STR("queue")};
    struct sk_task_range range = {.queue = &queue, .limit = 9};
    struct sk_task_row *tasks;
    size_t n;
    CHECK_OK(sk_store_tasks_read(env->store, &env->ctx, &range, &tasks, &n));
    CHECK_INT(n, 1);
    CHECK_INT(tasks[0].pass, 0);
    sample_continue(env);
}

static void opens_format_2(struct env *env)
{
    opens_released(env, 2);
    sample_verify_2(env);
    sample_continue_2(env);
    sample_continue(env);
}

/* What the sample writes is what it verifies, with the format of today. */
static void sample_of_today(struct env *env)
{
    CHECK_OK(env_open(env));
    sample_write(env);
    sample_write_2(env);
    env_close(env);
    CHECK_OK(env_open(env));
    sample_verify(env);
    sample_verify_2(env);
    sample_continue_2(env);
    sample_continue(env);
}

#define TEST(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        env_run(name);                    \
    }
TEST(says_who_made_it)
TEST(refuses_a_newer_format)
TEST(refuses_a_format_below_the_first)
TEST(upgrades_beside_a_copy)
TEST(no_upgrade_without_a_copy)
TEST(leaves_no_partial_copy)
TEST(opens_format_1)
TEST(opens_format_2)
TEST(sample_of_today)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_says_who_made_it),
        cmocka_unit_test(test_refuses_a_newer_format),
        cmocka_unit_test(test_refuses_a_format_below_the_first),
        cmocka_unit_test(test_upgrades_beside_a_copy),
        cmocka_unit_test(test_no_upgrade_without_a_copy),
        cmocka_unit_test(test_leaves_no_partial_copy),
        cmocka_unit_test(test_sample_of_today),
        cmocka_unit_test(test_opens_format_1),
        cmocka_unit_test(test_opens_format_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
