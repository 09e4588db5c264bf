/*
 * What the store costs: one-activity workflows as the engine commits them (5 commits, 21 row
 * operations each), many at once, on a SQLite file. Prints workflows a second, commits a group and
 * the CPU time of each thread a workflow.
 *
 *   store-bench PATH|memory [workflows] [in flight] [state bytes] [search attributes]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "rt/rt.h"
#include "store/vis_query.h"

struct bench {
    struct sk_rt *rt;
    const char *path;
    int workflows, in_flight, state_bytes, attributes;
    struct sk_store *store;
    struct sk_ctx ctx;
    struct sk_waitq ended;
    int next, running;
    int64_t seq;
    int64_t epochs[SK_SLOT_COUNT];
    struct sk_str filler;
};

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sk_str bytes(struct bench *b, size_t n)
{
    return (struct sk_str){b->filler.p, n};
}

struct flow {
    struct bench *b;
    struct sk_ctx ctx;
    struct sk_run_key run;
    char id[64];
    int64_t version, events, seq, start_ns;
    struct sk_op ops[8];
    size_t count;
};

static struct sk_op *op(struct flow *w, enum sk_op_kind kind)
{
    struct sk_op *o = &w->ops[w->count++];
    *o = (struct sk_op){.kind = kind};
    o->run = w->run;
    return o;
}

static void exec(struct flow *w)
{
    struct sk_op *o = op(w, SK_OP_EXEC_PUT);
    o->exec.version = ++w->version;
    o->exec.wake_ms = 1700000000000 + w->version * 1000;
    o->exec.state = bytes(w->b, (size_t)w->b->state_bytes);
}

static void history(struct flow *w, int events, size_t size)
{
    struct sk_op *o = op(w, SK_OP_HISTORY_APPEND);
    o->history.first_event_id = w->events + 1;
    o->history.last_event_id = w->events += events;
    o->history.events = bytes(w->b, size);
}

static void task(struct flow *w, enum sk_op_kind kind, enum sk_task_kind queue_kind)
{
    struct sk_op *o = op(w, kind);
    if (kind == SK_OP_TASK_PUT)
        w->seq = w->b->seq++;
    o->task = (struct sk_task_row){.queue = {1, queue_kind, SK_STR("bench-queue")},
                                   .priority = 3,
                                   .seq = w->seq,
                                   .run = w->run,
                                   .attempt = 1,
                                   .scheduled_id = w->events,
                                   .created_ms = 1700000000000};
}

static void part(struct flow *w, enum sk_op_kind kind)
{
    struct sk_op *o = op(w, kind);
    o->part.kind = SK_PART_ACTIVITY;
    o->part.id = 5;
    o->part.body = bytes(w->b, 150);
}

static void vis(struct flow *w, int status)
{
    static const struct sk_str tags[] = {{"red", 3}, {"green", 5}};
    static const struct sk_sa_value values[] = {
        {.type = SK_SA_KEYWORD, .slot = 1, .s = {"customer-77", 11}},
        {.type = SK_SA_INT, .slot = 1, .i = 42},
        {.type = SK_SA_KEYWORD_LIST, .slot = 1, .list = tags, .list_count = 2},
        {.type = SK_SA_TEXT, .slot = 1, .s = {"a few words of text", 19}},
    };
    struct sk_op *o = op(w, SK_OP_VIS_PUT);
    o->vis = (struct sk_vis_row){.run = w->run,
                                 .type = SK_STR("OrderWorkflow"),
                                 .task_queue = SK_STR("bench-queue"),
                                 .status = status,
                                 .start_ns = w->start_ns,
                                 .execution_ns = w->start_ns,
                                 .close_ns = status == 1 ? 0 : sk_now_wall_ns(),
                                 .history_length = w->events,
                                 .history_size = 900,
                                 .state_transitions = w->version,
                                 .root_workflow_id = w->run.workflow_id,
                                 .root_run_id = SK_STR("0190a1b2-0000-7000-8000-000000000000")};
    o->vis.values = values;
    o->vis.value_count = (size_t)w->b->attributes;
}

static void commit(struct flow *w)
{
    uint32_t slot = sk_slot_of(1, w->run.workflow_id);
    struct sk_txn txn = {
        .slot = slot, .epoch = w->b->epochs[slot], .ops = w->ops, .op_count = w->count};
    sk_err err = sk_store_commit(w->b->store, &w->ctx, &txn);
    if (err != SK_OK)
        SK_PANIC("commit: %s", w->ctx.err.message);
    w->count = 0;
}

static void run_flow(struct flow *w)
{
    uint64_t random = sk_random_u64(sk_rt_random());
    snprintf(w->id, sizeof(w->id), "order-%016llx", (unsigned long long)random);
    w->run =
        (struct sk_run_key){1, sk_str_of(w->id), sk_uuid_new(sk_rt_random(), sk_now_wall_ms())};
    w->start_ns = sk_now_wall_ns();
    w->version = w->events = 0;
    exec(w); // started, first workflow task
    op(w, SK_OP_CURRENT_PUT);
    history(w, 2, 300);
    task(w, SK_OP_TASK_PUT, SK_TASK_WORKFLOW);
    vis(w, 1);
    commit(w);
    exec(w); // workflow task completed, activity scheduled
    history(w, 3, 350);
    task(w, SK_OP_TASK_DELETE, SK_TASK_WORKFLOW);
    task(w, SK_OP_TASK_PUT, SK_TASK_ACTIVITY);
    part(w, SK_OP_PART_PUT);
    commit(w);
    exec(w); // activity started
    part(w, SK_OP_PART_PUT);
    task(w, SK_OP_TASK_DELETE, SK_TASK_ACTIVITY);
    commit(w);
    exec(w); // activity completed, second workflow task
    history(w, 3, 300);
    part(w, SK_OP_PART_DELETE);
    task(w, SK_OP_TASK_PUT, SK_TASK_WORKFLOW);
    commit(w);
    exec(w); // completed
    history(w, 3, 250);
    task(w, SK_OP_TASK_DELETE, SK_TASK_WORKFLOW);
    vis(w, 2);
    commit(w);
}

static void flow_fiber(void *arg)
{
    struct bench *b = arg;
    struct flow w = {.b = b, .ctx = {.arena = sk_arena_new(0)}};
    while (b->next < b->workflows) {
        b->next++;
        run_flow(&w);
    }
    sk_arena_free(w.ctx.arena);
    if (--b->running == 0)
        sk_waitq_wake_all(&b->ended);
}

/* CPU seconds of the process's threads, by name. */
static void print_threads(int workflows)
{
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[320], line[512] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%s/stat", e->d_name);
        FILE *f = fopen(path, "r");
        if (!f || !fgets(line, sizeof(line), f) || !strchr(line, ')')) {
            if (f)
                fclose(f);
            continue;
        }
        fclose(f);
        char *name = strchr(line, '(') + 1, *rest = strchr(line, ')');
        unsigned long user = 0, system = 0;
        *rest = '\0';
        if (sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                   &system) == 2)
            printf("  %-12s %6.1f us/workflow (user %.1f, system %.1f)\n", name,
                   (double)(user + system) * 1e4 / workflows, (double)user * 1e4 / workflows,
                   (double)system * 1e4 / workflows);
    }
    if (dir)
        closedir(dir);
}

static void main_fiber(void *arg)
{
    struct bench *b = arg;
    struct sk_sqlite_options o = {.path = b->path, .binary_version = "bench"};
    b->ctx.arena = sk_arena_new(0);
    double open_at = now(CLOCK_MONOTONIC);
    bool memory = strcmp(b->path, "memory") == 0;
    if ((memory ? sk_memory_store_open(&b->ctx, &b->store)
                : sk_sqlite_open(&b->ctx, &o, &b->store)) != SK_OK)
        SK_PANIC("%s", b->ctx.err.message);
    for (uint32_t slot = 0; slot < SK_SLOT_COUNT; slot++)
        if (sk_store_lease(b->store, &b->ctx, slot, &b->epochs[slot]) != SK_OK)
            SK_PANIC("%s", b->ctx.err.message);
    double start = now(CLOCK_MONOTONIC);
    sk_waitq_init(&b->ended);
    b->running = b->in_flight;
    for (int i = 0; i < b->in_flight; i++)
        sk_fiber_spawn(flow_fiber, b);
    sk_waitq_wait(&b->ended, 0);
    double took = now(CLOCK_MONOTONIC) - start;
    struct sk_store_stats stats;
    sk_store_stats(b->store, &stats);
    printf("open %.1f ms · %d workflows in %.2f s: %.0f/s · %.1f us/commit · %.0f row operations/s"
           " · %.1f commits a group\n",
           (start - open_at) * 1e3, b->workflows, took, b->workflows / took,
           took * 1e6 / (double)stats.commits, (double)stats.row_ops / took,
           (double)stats.commits / (double)stats.groups);
    print_threads(b->workflows);
    sk_store_close(b->store);
    sk_arena_free(b->ctx.arena);
    sk_rt_stop(b->rt);
}

int main(int argc, char **argv)
{
    struct bench b = {.workflows = 20000, .in_flight = 200, .state_bytes = 400};
    if (argc < 2) {
        fprintf(stderr, "usage: %s PATH [workflows] [in flight] [state bytes] [attributes 0-4]\n",
                argv[0]);
        return 2;
    }
    b.path = argv[1];
    int *const numbers[] = {&b.workflows, &b.in_flight, &b.state_bytes, &b.attributes};
    for (int i = 2; i < argc && i < 6; i++)
        *numbers[i - 2] = (int)strtol(argv[i], NULL, 10);
    char *filler = sk_mem_zalloc(1 << 20);
    for (int i = 0; i < 1 << 20; i++)
        filler[i] = (char)(i * 37);
    b.filler = (struct sk_str){filler, 1 << 20};
    struct sk_rt_options o = {.loop_count = 1};
    b.rt = sk_rt_new(&o);
    sk_rt_run(b.rt, main_fiber, &b);
    sk_rt_free(b.rt);
    sk_mem_free(filler);
    return 0;
}
