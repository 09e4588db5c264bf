/*
 * `skald bench`: puts load on any server that speaks Temporal's API and measures from outside.
 *
 * Closed loop: --concurrency fibers start a workflow each, wait for its end, and start the next.
 * Open loop (--rate): starts fall due at fixed moments whatever the server does, and latency
 * counts from that moment, so that a stalled server cannot hide behind a waiting client. A workflow
 * ends when the server has answered the completion of its last workflow task: it is durable then.
 * In mode timers that is the task that starts the timer; in mode pollers nothing runs but polls.
 *
 * Counting begins after --warmup (not with --workflows, where all are counted) and ends with the
 * last workflow or with --duration; the server's CPU time is taken over the same stretch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/bench_internal.h"
#include "cli/command.h"

#define ARENA_MAX (64u * 1024 * 1024)
#define RUN_ARENA_MAX (16u * 1024 * 1024)
#define START_TIMEOUT_MS 30000
#define FINISH_MS 30000 /* how long the last workflows may take after the end of the load */
#define END_MS 5000     /* how long fibers may take to end when connections close */
#define ERROR_PAUSE_MS 20
#define FIBERS_MAX 20000 /* starts under way in an open loop, and pollers */
#define WORKFLOW_TYPE "SkaldBench"

sk_err sk_bench_call(struct sk_bench *b, struct sk_rpc_client *client, struct sk_ctx *ctx,
                     enum sk_cli_call call, const ProtobufCMessage *request, int64_t timeout_ms,
                     ProtobufCMessage **ret)
{
    int64_t begin = sk_cli_now_us();
    sk_err err = sk_cli_call(client, ctx, call, request, timeout_ms, ret);
    if (!b->counting)
        return err;
    if (!err) {
        sk_histogram_add(&b->calls[call], sk_cli_now_us() - begin);
        return SK_OK;
    }
    if (!b->stopping || call == SK_CLI_START) {
        b->errors[call]++;
        if (!b->first_error)
            b->first_error =
                sk_arena_printf(b->arena, "%s: %s: %s", sk_cli_call_name(call), sk_err_name(err),
                                ctx->err.message ? ctx->err.message : "");
    }
    return err;
}

struct sk_rpc_client *sk_bench_client(struct sk_bench *b)
{
    return b->clients[b->next_client++ % b->client_count];
}

void sk_bench_fiber_ended(struct sk_bench *b)
{
    b->fibers--;
    sk_waitq_wake_all(&b->changed);
}

/* ---- runs ---- */

static struct sk_bench_run *open_run(struct sk_bench *b, int64_t due_us)
{
    struct sk_bench_run *run = sk_mem_zalloc(sizeof(*run));
    run->number = b->next_number++;
    run->due_us = due_us;
    sk_imap_put(b->open, run->number, run);
    return run;
}

static void close_run(struct sk_bench *b, struct sk_bench_run *run)
{
    sk_imap_remove(b->open, run->number);
    sk_mem_free(run);
    sk_waitq_wake_all(&b->changed);
}

struct sk_bench_run *sk_bench_run_of(struct sk_bench *b, const char *workflow_id)
{
    const char *dash = strrchr(workflow_id, '-');
    int64_t number;
    if (!dash || !sk_value_count(dash + 1, INT32_MAX, &number))
        return NULL;
    return sk_imap_get(b->open, number);
}

void sk_bench_finish(struct sk_bench *b, const char *workflow_id)
{
    struct sk_bench_run *run = sk_bench_run_of(b, workflow_id);
    if (!run || run->done)
        return;
    run->done = true;
    if (b->counting) {
        int64_t now = sk_cli_now_us();
        sk_histogram_add(&b->total, now - run->due_us);
        b->done++;
        b->end_us = now;
    }
    if (run->waiter)
        sk_fiber_wake(run->waiter);
    else
        close_run(b, run);
}

static sk_err start_workflow(struct sk_bench *b, struct sk_ctx *ctx, const struct sk_bench_run *run)
{
    struct sk_arena *arena = ctx->arena;
    API_WS(StartWorkflowExecutionRequest) *r =
        API_NEW(arena, API_WS(StartWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__start_workflow_execution_request_);
    ProtobufCMessage *reply;
    r->namespace_ = sk_arena_strdup(arena, b->ns);
    r->workflow_id = sk_arena_printf(arena, "%s-%lld", b->prefix, (long long)run->number);
    r->workflow_type =
        API_NEW(arena, API_COMMON(WorkflowType), temporal__api__common__v1__workflow_type_);
    r->workflow_type->name = sk_arena_strdup(arena, WORKFLOW_TYPE);
    r->task_queue = sk_cli_queue(arena, b->queue, NULL);
    r->identity = sk_arena_strdup(arena, b->identity);
    r->request_id = sk_cli_uuid(arena);
    r->input = sk_cli_payloads(arena, "binary/plain", b->payload, (size_t)b->payload_size);
    b->starts += b->counting;
    return sk_bench_call(b, sk_bench_client(b), ctx, SK_CLI_START, &r->base, START_TIMEOUT_MS,
                         &reply);
}

static bool more_to_start(const struct sk_bench *b)
{
    return !b->stopping && (b->workflows == 0 || b->next_number < b->workflows);
}

/* ---- closed loop ---- */

static void client_fiber(void *arg)
{
    struct sk_bench *b = arg;
    struct sk_ctx ctx = {.arena = sk_arena_new(RUN_ARENA_MAX)};
    while (more_to_start(b)) {
        struct sk_bench_run *run = open_run(b, sk_cli_now_us());
        run->waiter = sk_fiber_current();
        if (start_workflow(b, &ctx, run) == SK_OK)
            while (!run->done)
                sk_fiber_suspend();
        else
            sk_fiber_sleep(ERROR_PAUSE_MS);
        close_run(b, run);
        sk_ctx_clear(&ctx);
        sk_arena_clear(ctx.arena);
    }
    sk_arena_free(ctx.arena);
    sk_bench_fiber_ended(b);
}

/* ---- open loop ---- */

struct due_start {
    struct sk_bench *bench;
    struct sk_bench_run *run;
};

static void start_fiber(void *arg)
{
    struct due_start *due = arg;
    struct sk_bench *b = due->bench;
    struct sk_ctx ctx = {.arena = sk_arena_new(RUN_ARENA_MAX)};
    int64_t number = due->run->number;
    if (start_workflow(b, &ctx, due->run)) {
        struct sk_bench_run *run = sk_imap_get(b->open, number); // it may have ended all the same
        if (run)
            close_run(b, run);
    }
    sk_arena_free(ctx.arena);
    sk_mem_free(due);
    sk_bench_fiber_ended(b);
}

static void pacer_fiber(void *arg)
{
    struct sk_bench *b = arg;
    int64_t begin = sk_cli_now_us();
    for (int64_t i = 0; more_to_start(b); i++) {
        int64_t due_us = begin + (int64_t)((double)i * 1e6 / b->rate);
        // A server that has stopped answering must not fill our memory; the wait is in the latency.
        while (!b->stopping && (sk_cli_now_us() < due_us || b->fibers > FIBERS_MAX))
            sk_fiber_sleep(1);
        if (b->stopping)
            break;
        struct due_start *due = sk_mem_alloc(sizeof(*due));
        *due = (struct due_start){b, open_run(b, due_us)};
        b->fibers++;
        sk_fiber_spawn(start_fiber, due);
    }
    sk_bench_fiber_ended(b);
}

/* ---- the whole ---- */

static void take_use(struct sk_bench *b, struct sk_process_use *server, struct sk_process_use *self)
{
    if (b->server_pid)
        b->server_known = sk_process_use(b->server_pid, server);
    sk_process_use(getpid(), self);
}

static void begin_counting(struct sk_bench *b)
{
    b->counting = true;
    b->begin_us = b->end_us = sk_cli_now_us();
    take_use(b, &b->server_begin, &b->self_begin);
}

static void end_counting(struct sk_bench *b)
{
    if (b->workflows == 0 || b->mode == SK_BENCH_POLLERS)
        b->end_us = sk_cli_now_us();
    take_use(b, &b->server_end, &b->self_end);
    b->counting = false;
}

static void start_clients(struct sk_bench *b)
{
    int64_t n = b->rate > 0 ? 1 : b->concurrency;
    if (b->mode == SK_BENCH_POLLERS)
        return;
    if (b->workflows > 0 && n > b->workflows)
        n = b->workflows;
    b->fibers += n;
    for (int64_t i = 0; i < n; i++)
        sk_fiber_spawn(b->rate > 0 ? pacer_fiber : client_fiber, b);
}

/* Until all runs have ended or no time is left. */
static void wait_for_runs(struct sk_bench *b, int64_t deadline_ms)
{
    while (sk_imap_count(b->open) > 0 || (!b->stopping && more_to_start(b)))
        if (!sk_waitq_wait(&b->changed, deadline_ms) && deadline_ms)
            return;
}

static void run_load(struct sk_bench *b)
{
    if (b->workflows > 0 || b->mode == SK_BENCH_POLLERS) {
        begin_counting(b);
        start_clients(b);
    } else {
        start_clients(b);
        sk_fiber_sleep(b->warmup_ms);
        begin_counting(b);
    }
    if (b->workflows > 0 && b->mode != SK_BENCH_POLLERS) {
        wait_for_runs(b, 0);
        end_counting(b);
        b->stopping = true;
        return;
    }
    sk_fiber_sleep(b->duration_ms);
    end_counting(b);
    b->stopping = true;
    wait_for_runs(b, sk_now_mono_ms() + FINISH_MS);
}

static void close_connections(struct sk_bench *b)
{
    for (int64_t i = 0; i < b->client_count; i++)
        sk_rpc_client_close(b->clients[i]);
    int64_t deadline = sk_now_mono_ms() + END_MS;
    while (b->fibers > 0)
        if (!sk_waitq_wait(&b->changed, deadline))
            return;
}

static sk_err connect_all(struct sk_bench *b, struct sk_ctx *ctx)
{
    b->clients = SK_NEW_N(b->arena, struct sk_rpc_client *, b->connections);
    for (int64_t i = 0; i < b->connections; i++) {
        sk_err err = sk_cli_connect(ctx, b->options, b->gzip, &b->clients[i]);
        if (err)
            return err;
        b->client_count++;
    }
    return SK_OK;
}

static enum sk_bench_mode mode_of(const char *text)
{
    return strcmp(text, "pollers") == 0  ? SK_BENCH_POLLERS
           : strcmp(text, "timers") == 0 ? SK_BENCH_TIMERS
                                         : SK_BENCH_WORKFLOWS;
}

static sk_err read_options(struct sk_bench *b, struct sk_ctx *ctx, const struct sk_options *o)
{
    b->options = o;
    b->mode = mode_of(sk_options_text(o, SK_OPT_BENCH_MODE));
    b->ns = sk_options_text(o, SK_OPT_CLIENT_NAMESPACE);
    b->workflows = sk_options_number(o, SK_OPT_BENCH_WORKFLOWS);
    b->duration_ms = sk_options_number(o, SK_OPT_BENCH_DURATION);
    b->warmup_ms = sk_options_number(o, SK_OPT_BENCH_WARMUP);
    b->activities = sk_options_number(o, SK_OPT_BENCH_ACTIVITIES);
    b->parallel = sk_options_flag(o, SK_OPT_BENCH_PARALLEL);
    b->concurrency = sk_options_number(o, SK_OPT_BENCH_CONCURRENCY);
    b->rate = sk_options_real(o, SK_OPT_BENCH_RATE);
    b->pollers = sk_options_number(o, SK_OPT_BENCH_POLLERS);
    b->connections = sk_options_number(o, SK_OPT_BENCH_CONNECTIONS);
    b->payload_size = sk_options_number(o, SK_OPT_BENCH_PAYLOAD);
    b->sticky = sk_options_flag(o, SK_OPT_BENCH_STICKY) && b->mode == SK_BENCH_WORKFLOWS;
    b->gzip = sk_options_flag(o, SK_OPT_BENCH_GZIP);
    b->server_pid = sk_options_number(o, SK_OPT_BENCH_PID);
    if (b->connections == 0 || b->pollers == 0 || b->concurrency == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "--connections, --pollers and --concurrency must be at least 1");
    if (b->payload_size > 2 * 1024 * 1024)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--payload-size: a payload has at most 2 MiB");
    if (b->server_pid && !sk_process_use(b->server_pid, &b->server_before))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--server-pid: there is no process %lld",
                       (long long)b->server_pid);
    return SK_OK;
}

static void make_names(struct sk_bench *b)
{
    char *id = sk_cli_uuid(b->arena);
    b->prefix = sk_arena_printf(b->arena, "bench-%s", id + 24); // its last, random part
    b->queue = b->prefix;
    b->sticky_queue = sk_arena_printf(b->arena, "%s-sticky", b->prefix);
    b->identity = sk_cli_identity(b->arena, "skald-bench");
    b->payload = sk_arena_zalloc(b->arena, (size_t)b->payload_size + 1);
    memset(b->payload, ' ', (size_t)b->payload_size);
}

static int bench(struct sk_ctx *ctx, const struct sk_options *options)
{
    struct sk_bench *b = sk_mem_zalloc(sizeof(*b));
    b->arena = sk_arena_new(ARENA_MAX);
    sk_waitq_init(&b->changed);
    sk_err err = read_options(b, ctx, options);
    if (!err) {
        b->open = sk_imap_new();
        make_names(b);
        err = connect_all(b, ctx);
    }
    if (!err) {
        sk_bench_workers_start(b);
        run_load(b);
        sk_bench_report(b, sk_options_flag(options, SK_OPT_BENCH_JSON));
    }
    b->stopping = true;
    close_connections(b);
    if (b->fibers > 0) // fibers that still wait hold pointers into all this, so it stays
        return err ? SK_EXIT_FAILED : SK_EXIT_OK;
    sk_imap_free(b->open);
    sk_arena_free(b->arena);
    sk_mem_free(b);
    return err ? SK_EXIT_FAILED : SK_EXIT_OK;
}

int sk_cmd_bench(struct sk_ctx *ctx, struct sk_options *options)
{
    return sk_cli_run(ctx, options, bench);
}
