#include "env.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct start {
    struct env *env;
    void (*body)(struct env *);
};

static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    char name[512];
    for (struct dirent *e; dir && (e = readdir(dir));) {
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        unlink(name);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static void main_fiber(void *arg)
{
    struct start *start = arg;
    struct env *env = start->env;
    env->arena = env->ctx.arena = sk_arena_new(0);
    start->body(env);
    if (env->store)
        env_close(env);
    sk_arena_free(env->arena);
    sk_rt_stop(env->rt);
}

void env_run(void (*body)(struct env *env))
{
    struct env *env = sk_mem_zalloc(sizeof(*env));
    struct start start = {env, body};
    struct sk_rt_options o = {.loop_count = 1};
    snprintf(env->dir, sizeof(env->dir), "/tmp/skald-store-XXXXXX");
    SK_ASSERT(mkdtemp(env->dir));
    snprintf(env->path, sizeof(env->path), "%s/store", env->dir);
    env->rt = sk_rt_new(&o);
    sk_rt_run(env->rt, main_fiber, &start);
    sk_rt_free(env->rt);
    remove_folder(env->dir);
    sk_mem_free(env);
}

sk_err env_open(struct env *env)
{
    struct sk_sqlite_options o = {
        .path = env->path, .pragmas = env->pragmas, .binary_version = "0.0-test"};
    memset(env->epochs, 0, sizeof(env->epochs));
    return sk_sqlite_open(&env->ctx, &o, &env->store);
}

void env_close(struct env *env)
{
    sk_store_close(env->store);
    env->store = NULL;
}

const char *env_error(struct env *env)
{
    const char *message = env->ctx.err.message;
    sk_ctx_clear(&env->ctx);
    return message ? message : "";
}

void env_read(const char *path, struct sk_buf *ret)
{
    char chunk[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    SK_ASSERT(fd >= 0);
    for (ssize_t n; (n = read(fd, chunk, sizeof(chunk))) > 0;)
        sk_buf_append(ret, chunk, (size_t)n);
    close(fd);
}

void env_write(const char *path, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    SK_ASSERT(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

void env_check_int(int64_t a, int64_t b, const char *what, const char *file, int line)
{
    if (a != b)
        sk_panic(file, line, "%s is %lld, not %lld", what, (long long)a, (long long)b);
}

void env_check_err(struct env *env, sk_err a, sk_err b, const char *what, const char *file,
                   int line)
{
    if (a != b)
        sk_panic(file, line, "%s: %s (%s), not %s", what, sk_err_name(a),
                 env->ctx.err.message ? env->ctx.err.message : "", sk_err_name(b));
    if (a == SK_OK)
        sk_ctx_clear(&env->ctx);
}

void env_check_says(struct env *env, const char *text, const char *file, int line)
{
    const char *message = env_error(env);
    if (!strstr(message, text))
        sk_panic(file, line, "the error says \"%s\", not \"%s\"", message, text);
}

struct sk_run_key env_run_key(struct env *env, int n)
{
    struct sk_run_key run = {.ns = 1};
    run.workflow_id = sk_str_of(sk_arena_printf(env->arena, "w%d", n));
    run.run_id =
        (struct sk_uuid){{0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0x70}};
    return run;
}

sk_err env_commit(struct env *env, int n, int64_t version)
{
    struct sk_run_key run = env_run_key(env, n);
    uint32_t slot = sk_slot_of(run.ns, run.workflow_id);
    if (!env->epochs[slot])
        SK_ASSERT(sk_store_lease(env->store, &env->ctx, slot, &env->epochs[slot]) == SK_OK);
    struct sk_op ops[4] = {{.kind = SK_OP_EXEC_PUT},
                           {.kind = SK_OP_HISTORY_APPEND},
                           {.kind = SK_OP_TASK_PUT},
                           {.kind = SK_OP_VIS_PUT}};
    ops[0].run = ops[1].run = run;
    ops[0].exec.version = version;
    ops[0].exec.state = SK_STR("state");
    ops[1].history.first_event_id = ops[1].history.last_event_id = version;
    ops[1].history.events = SK_STR("events");
    ops[2].task = (struct sk_task_row){
        .queue = {1, SK_TASK_WORKFLOW, SK_STR("q")}, .priority = 3, .seq = n, .run = run};
    ops[3].vis = (struct sk_vis_row){
        .run = run, .type = SK_STR("T"), .task_queue = SK_STR("q"), .status = 1, .start_ns = n};
    struct sk_txn txn = {.slot = slot, .epoch = env->epochs[slot], .ops = ops, .op_count = 4};
    sk_ctx_clear(&env->ctx);
    return sk_store_commit(env->store, &env->ctx, &txn);
}

int64_t env_version(struct env *env, int n)
{
    struct sk_run_key run = env_run_key(env, n);
    struct sk_exec_row row;
    sk_err err = sk_store_exec_get(env->store, &env->ctx, &run, &row);
    SK_ASSERT(err == SK_OK || err == SK_NOT_FOUND);
    sk_ctx_clear(&env->ctx);
    return err == SK_OK ? row.version : 0;
}
