/* A disk that fails at its nth operation, once and some times more, for one n after another: what
 * was acknowledged is there, what was refused is not, and the counters agree with the rows; at once
 * and after a restart. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "env.h"

enum { RUNS = 6, ROUNDS = 200, OPERATIONS = 60, RESTART_EVERY = 19, BIG = 200 << 10 };

struct writer {
    struct env *env;
    struct sk_run_key run;
    int *left;
    int64_t version; // that it has for certain
    sk_err err;      // of the commit of the next one
};

static char big[BIG];

static uint32_t slot_of(const struct writer *w)
{
    return sk_slot_of(w->run.ns, w->run.workflow_id);
}

static void commit(void *arg)
{
    struct writer *w = arg;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_op ops[3] = {
        {.kind = SK_OP_EXEC_PUT}, {.kind = SK_OP_HISTORY_APPEND}, {.kind = SK_OP_VIS_PUT}};
    ops[0].run = ops[1].run = w->run;
    ops[0].exec.version = w->version + 1;
    ops[0].exec.state = (struct sk_str){big, slot_of(w) % 2 ? BIG : 100};
    ops[1].history.first_event_id = ops[1].history.last_event_id = w->version + 1;
    ops[1].history.events = SK_STR("events");
    ops[2].vis = (struct sk_vis_row){.run = w->run,
                                     .type = SK_STR("T"),
                                     .task_queue = SK_STR("q"),
                                     .status = 1 + (int)(w->version % 3),
                                     .start_ns = 7};
    struct sk_txn txn = {
        .slot = slot_of(w), .epoch = w->env->epochs[slot_of(w)], .ops = ops, .op_count = 3};
    w->err = sk_store_commit(w->env->store, &ctx, &txn);
    sk_arena_free(ctx.arena);
    --*w->left;
}

static void open_all(struct env *env, struct writer *writers)
{
    CHECK_OK(env_open(env));
    for (int i = 0; i < RUNS; i++) {
        int64_t *epoch = &env->epochs[slot_of(&writers[i])];
        CHECK_OK(sk_store_lease(env->store, &env->ctx, slot_of(&writers[i]), epoch));
    }
}

static void check_all(struct env *env, struct writer *writers)
{
    struct sk_vis_query all = {.ns = 1, .page_size = RUNS + 1};
    struct sk_vis_counts counts;
    struct sk_vis_page page;
    for (int i = 0; i < RUNS; i++) {
        struct writer *w = &writers[i];
        int64_t version = env_version(env, i), next = w->version + 1;
        CHECK(w->err == SK_OK || w->err == SK_UNAVAILABLE || w->err == SK_COMMIT_UNKNOWN);
        CHECK(version == (w->err == SK_OK ? next : w->version) ||
              (w->err == SK_COMMIT_UNKNOWN && version == next));
        w->version = version;
        w->err = SK_UNAVAILABLE; // from here on it stays so
    }
    CHECK_OK(sk_store_vis_count(env->store, &env->ctx, &all, &counts));
    CHECK_OK(sk_store_vis_list(env->store, &env->ctx, &all, &page));
    CHECK_INT(counts.total, page.count);
}

static void fail_each(struct env *env, int write_code)
{
    struct writer writers[RUNS];
    int hits = 0, left;
    faults_install();
    for (int i = 0; i < RUNS; i++)
        writers[i] = (struct writer){.env = env, .run = env_run_key(env, i), .left = &left};
    open_all(env, writers);
    atomic_store(&faults.nth_write, write_code);
    for (int round = 0; round < ROUNDS; round++) {
        left = RUNS;
        atomic_store(&faults.nth, 1 + round % OPERATIONS);
        atomic_store(&faults.nth_count, 1 + round / OPERATIONS);
        for (int i = 0; i < RUNS; i++)
            sk_fiber_spawn(commit, &writers[i]);
        while (left > 0)
            sk_fiber_sleep(0);
        atomic_store(&faults.nth_count, 0);
        hits += atomic_load(&faults.nth) <= 0;
        check_all(env, writers);
        if (round % RESTART_EVERY == 0) {
            env_close(env);
            open_all(env, writers);
            check_all(env, writers);
        }
    }
    CHECK(hits > ROUNDS / 10);
}

static void broken_disk(struct env *env)
{
    fail_each(env, SQLITE_IOERR_WRITE);
}

static void full_disk(struct env *env)
{
    fail_each(env, SQLITE_FULL);
}

static void test_broken_disk(void **state)
{
    (void)state;
    env_run(broken_disk);
}

static void test_full_disk(void **state)
{
    (void)state;
    env_run(full_disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_disk),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
