/*
 * kill -9 in the midst of grouped commits: whatever was acknowledged is there afterwards, whole;
 * what was not is there whole or not at all.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "env.h"

enum { FIBERS = 40, ROUNDS = 6 };

struct note { /* what the child tells before it would answer a client */
    int32_t run, version;
};

/* ---- the child: commits until it is killed ---- */

static struct env *child_env;
static int child_out, next_run;

static void child_fiber(void *arg)
{
    (void)arg;
    struct env env = *child_env; // its own context and epochs' copy
    env.arena = env.ctx.arena = sk_arena_new(0);
    int run = next_run++;
    for (int64_t version = env_version(&env, run) + 1;; version++) {
        if (env_commit(&env, run, version) != SK_OK)
            SK_PANIC("%s", env.ctx.err.message);
        struct note note = {run, (int32_t)version};
        if (write(child_out, &note, sizeof(note)) != sizeof(note))
            _exit(3);
    }
}

static void child_main(void *arg)
{
    child_env = arg;
    child_env->arena = child_env->ctx.arena = sk_arena_new(0);
    if (env_open(child_env) != SK_OK)
        SK_PANIC("%s", child_env->ctx.err.message);
    for (uint32_t slot = 0; slot < SK_SLOT_COUNT; slot++)
        if (sk_store_lease(child_env->store, &child_env->ctx, slot, &child_env->epochs[slot]) !=
            SK_OK)
            _exit(4);
    for (int i = 0; i < FIBERS; i++)
        sk_fiber_spawn(child_fiber, NULL);
}

static pid_t start_child(const char *path, int *ret_in)
{
    int fds[2];
    if (pipe(fds) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct env *env = sk_mem_zalloc(sizeof(*env));
        struct sk_rt_options o = {.loop_count = 1};
        close(fds[0]);
        child_out = fds[1];
        next_run = 0;
        snprintf(env->path, sizeof(env->path), "%s", path);
        env->rt = sk_rt_new(&o);
        sk_rt_run(env->rt, child_main, env);
        _exit(5);
    }
    close(fds[1]);
    *ret_in = fds[0];
    return pid;
}

/* ---- the parent ---- */

static int64_t acknowledged[FIBERS];
static char file[96];

static int read_notes(int in, int at_least)
{
    struct note notes[64];
    int seen = 0;
    for (;;) {
        struct pollfd p = {in, POLLIN, 0};
        if (seen >= at_least && poll(&p, 1, 0) == 0)
            return seen;
        ssize_t n = read(in, notes, sizeof(notes));
        if (n <= 0)
            return seen;
        assert_int_equal(n % (ssize_t)sizeof(notes[0]), 0);
        for (size_t i = 0; i < (size_t)n / sizeof(notes[0]); i++, seen++)
            if (notes[i].version > acknowledged[notes[i].run])
                acknowledged[notes[i].run] = notes[i].version;
    }
}

static void verify(struct env *env)
{
    struct sk_vis_query all = {.ns = 1, .page_size = FIBERS + 1};
    struct sk_vis_counts counts;
    struct sk_history_batch *batches;
    int64_t runs = 0;
    size_t n;
    snprintf(env->path, sizeof(env->path), "%s", file);
    CHECK_OK(env_open(env));
    for (int i = 0; i < FIBERS; i++) {
        struct sk_run_key run = env_run_key(env, i);
        int64_t version = env_version(env, i);
        CHECK(version >= acknowledged[i]);
        runs += version > 0;
        CHECK_OK(sk_store_history_read(env->store, &env->ctx, &run, 1, INT64_MAX, 1 << 30, false,
                                       &batches, &n));
        CHECK_INT(n, version); // each transition whole: as many batches as versions
    }
    CHECK_OK(sk_store_vis_count(env->store, &env->ctx, &all, &counts));
    CHECK_INT(counts.total, runs);
    struct sk_vis_page page;
    CHECK_OK(sk_store_vis_list(env->store, &env->ctx, &all, &page));
    CHECK_INT(page.count, runs);
}

static void acknowledged_survives_kill(void **state)
{
    char dir[] = "/tmp/skald-crash-XXXXXX", name[128];
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/store", dir);
    for (int round = 0; round < ROUNDS; round++) {
        int in = -1, status;
        pid_t pid = start_child(file, &in);
        assert_true(pid > 0);
        assert_true(read_notes(in, 150 + 137 * round) > 0); // other moments each round
        kill(pid, SIGKILL);
        read_notes(in, 1 << 30); // what it said before it died
        close(in);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        env_run(verify);
    }
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", file, suffixes[i]);
        unlink(name);
    }
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(acknowledged_survives_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
