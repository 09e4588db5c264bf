/*
 * The worker of the load generator: fibers that poll, answer and poll again. A workflow of N
 * activities keeps no state here: each activity's input starts with its step's number, its result
 * is its input, and a workflow task looks for the newest result in the events it was given. That
 * works the same with sticky queues (new events only) and without (all of them). With --parallel
 * results come in any order, so they are counted in the run, by event id.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/bench_internal.h"

#define ARENA_MAX (32u * 1024 * 1024)
#define POLL_TIMEOUT_MS 70000
#define RESPOND_TIMEOUT_MS 30000
#define ERROR_PAUSE_MS 50
#define STICKY_TIMEOUT_MS 5000
#define TIMER_MS (3600 * (int64_t)1000)
#define IDLE_QUEUES 100 /* that mode pollers spreads its polls over */
#define STEP_ROOM 24
#define EVENT_ACTIVITY_COMPLETED \
    TEMPORAL__API__ENUMS__V1__EVENT_TYPE__EVENT_TYPE_ACTIVITY_TASK_COMPLETED

struct poller {
    struct sk_bench *bench;
    struct sk_rpc_client *client;
    struct sk_ctx ctx;
    const char *queue, *normal_queue; /* normal_queue set: queue is sticky */
    void (*turn)(struct poller *poller);
};

/* ---- workflow tasks ---- */

/* The step that comes next: one after the newest activity that completed, else 0. */
static int64_t next_step(const API_HISTORY(History) * history)
{
    for (size_t i = history ? history->n_events : 0; i-- > 0;) {
        const API_HISTORY(HistoryEvent) *event = history->events[i];
        if (event->event_type != EVENT_ACTIVITY_COMPLETED ||
            !event->activity_task_completed_event_attributes)
            continue;
        struct sk_str result =
            sk_cli_payload_bytes(event->activity_task_completed_event_attributes->result);
        int64_t step = 0;
        for (size_t k = 0;
             k < result.n && result.p[k] >= '0' && result.p[k] <= '9' && step < INT32_MAX; k++)
            step = step * 10 + (result.p[k] - '0');
        return step + 1;
    }
    return 0;
}

/* "17" and padding up to the payload size asked for. */
static API_COMMON(Payloads) * step_payload(struct sk_bench *b, struct sk_arena *arena, int64_t step)
{
    char *text = sk_arena_alloc(arena, (size_t)b->payload_size + STEP_ROOM);
    int n = snprintf(text, STEP_ROOM, "%lld", (long long)step);
    size_t size = (size_t)n > (size_t)b->payload_size ? (size_t)n : (size_t)b->payload_size;
    memset(text + n, ' ', size - (size_t)n);
    return sk_cli_payloads(arena, "binary/plain", text, size);
}

static API_COMMAND(Command) * activity(struct sk_bench *b, struct sk_arena *arena, int64_t step)
{
    return sk_cli_command_activity(arena, sk_arena_printf(arena, "%lld", (long long)step),
                                   "SkaldBenchStep", b->queue, step_payload(b, arena, step));
}

static API_COMMAND(Command) * complete(struct sk_bench *b, struct sk_arena *arena)
{
    return sk_cli_command_complete(arena, sk_cli_payloads(arena, "binary/plain", b->payload,
                                                          (size_t)b->payload_size));
}

/* Activities that have completed so far; a task may repeat events that were counted. */
static int64_t completed(struct sk_bench_run *run, const API_HISTORY(History) * history)
{
    for (size_t i = 0; history && i < history->n_events; i++) {
        const API_HISTORY(HistoryEvent) *event = history->events[i];
        if (event->event_id <= run->seen)
            continue;
        run->seen = event->event_id;
        run->completed += event->event_type == EVENT_ACTIVITY_COMPLETED;
    }
    return run->completed;
}

/* All activities in the first task, the end in the task that brings the last result. */
static bool decide_parallel(struct sk_bench *b, struct sk_arena *arena,
                            const API_WS(PollWorkflowTaskQueueResponse) * task,
                            API_WS(RespondWorkflowTaskCompletedRequest) * r)
{
    struct sk_bench_run *run = sk_bench_run_of(b, task->workflow_execution->workflow_id);
    if (!run)
        return false;
    bool last = completed(run, task->history) >= b->activities;
    if (last) {
        r->commands[r->n_commands++] = complete(b, arena);
    } else if (task->previous_started_event_id == 0) {
        for (int64_t i = 0; i < b->activities; i++)
            r->commands[r->n_commands++] = activity(b, arena, i);
    }
    return last;
}

/* The commands that answer the task. True: its workflow ends with them, as far as we count. */
static bool decide(struct sk_bench *b, struct sk_arena *arena,
                   const API_WS(PollWorkflowTaskQueueResponse) * task,
                   API_WS(RespondWorkflowTaskCompletedRequest) * r)
{
    r->commands = SK_NEW_N(arena, API_COMMAND(Command) *, b->parallel ? b->activities + 1 : 1);
    if (b->mode == SK_BENCH_TIMERS) {
        r->commands[r->n_commands++] = sk_cli_command_timer(arena, "1", TIMER_MS);
        return true;
    }
    if (b->parallel)
        return decide_parallel(b, arena, task, r);
    int64_t step = next_step(task->history);
    r->commands[r->n_commands++] =
        step < b->activities ? activity(b, arena, step) : complete(b, arena);
    return step >= b->activities;
}

static void answer_workflow_task(struct poller *p,
                                 const API_WS(PollWorkflowTaskQueueResponse) * task)
{
    struct sk_bench *b = p->bench;
    struct sk_arena *arena = p->ctx.arena;
    API_WS(RespondWorkflowTaskCompletedRequest) *r =
        API_NEW(arena, API_WS(RespondWorkflowTaskCompletedRequest),
                temporal__api__workflowservice__v1__respond_workflow_task_completed_request_);
    ProtobufCMessage *reply;
    r->task_token = task->task_token;
    r->namespace_ = sk_arena_strdup(arena, b->ns);
    r->identity = sk_arena_strdup(arena, b->identity);
    bool last = decide(b, arena, task, r);
    if (b->sticky) {
        r->sticky_attributes = API_NEW(arena, API_TASKQUEUE(StickyExecutionAttributes),
                                       temporal__api__taskqueue__v1__sticky_execution_attributes_);
        r->sticky_attributes->worker_task_queue = sk_cli_queue(arena, b->sticky_queue, b->queue);
        r->sticky_attributes->schedule_to_start_timeout = sk_cli_duration(arena, STICKY_TIMEOUT_MS);
    }
    sk_err err = sk_bench_call(b, p->client, &p->ctx, SK_CLI_RESPOND_WORKFLOW, &r->base,
                               RESPOND_TIMEOUT_MS, &reply);
    if (!err && last)
        sk_bench_finish(b, task->workflow_execution ? task->workflow_execution->workflow_id : "");
}

static void workflow_turn(struct poller *p)
{
    struct sk_arena *arena = p->ctx.arena;
    API_WS(PollWorkflowTaskQueueRequest) *r =
        API_NEW(arena, API_WS(PollWorkflowTaskQueueRequest),
                temporal__api__workflowservice__v1__poll_workflow_task_queue_request_);
    ProtobufCMessage *reply;
    r->namespace_ = sk_arena_strdup(arena, p->bench->ns);
    r->identity = sk_arena_strdup(arena, p->bench->identity);
    r->task_queue = sk_cli_queue(arena, p->queue, p->normal_queue);
    if (sk_bench_call(p->bench, p->client, &p->ctx, SK_CLI_POLL_WORKFLOW, &r->base, POLL_TIMEOUT_MS,
                      &reply)) {
        sk_fiber_sleep(ERROR_PAUSE_MS);
        return;
    }
    const API_WS(PollWorkflowTaskQueueResponse) *task = (const void *)reply;
    if (task->task_token.len > 0)
        answer_workflow_task(p, task);
}

/* ---- activity tasks ---- */

static void activity_turn(struct poller *p)
{
    struct sk_bench *b = p->bench;
    struct sk_arena *arena = p->ctx.arena;
    API_WS(PollActivityTaskQueueRequest) *r =
        API_NEW(arena, API_WS(PollActivityTaskQueueRequest),
                temporal__api__workflowservice__v1__poll_activity_task_queue_request_);
    ProtobufCMessage *reply;
    r->namespace_ = sk_arena_strdup(arena, b->ns);
    r->identity = sk_arena_strdup(arena, b->identity);
    r->task_queue = sk_cli_queue(arena, p->queue, NULL);
    if (sk_bench_call(b, p->client, &p->ctx, SK_CLI_POLL_ACTIVITY, &r->base, POLL_TIMEOUT_MS,
                      &reply)) {
        sk_fiber_sleep(ERROR_PAUSE_MS);
        return;
    }
    const API_WS(PollActivityTaskQueueResponse) *task = (const void *)reply;
    if (task->task_token.len == 0)
        return;
    API_WS(RespondActivityTaskCompletedRequest) *answer =
        API_NEW(arena, API_WS(RespondActivityTaskCompletedRequest),
                temporal__api__workflowservice__v1__respond_activity_task_completed_request_);
    answer->task_token = task->task_token;
    answer->namespace_ = sk_arena_strdup(arena, b->ns);
    answer->identity = sk_arena_strdup(arena, b->identity);
    answer->result = task->input;
    // A lost answer is retried by the server's timeout; the error is counted by the call.
    sk_err err = sk_bench_call(b, p->client, &p->ctx, SK_CLI_RESPOND_ACTIVITY, &answer->base,
                               RESPOND_TIMEOUT_MS, &reply);
    (void)err;
}

/* ---- fibers ---- */

static void poll_fiber(void *arg)
{
    struct poller *p = arg;
    struct sk_bench *b = p->bench;
    p->ctx.arena = sk_arena_new(ARENA_MAX);
    // Runs under way still need their tasks when no more are started.
    while (!b->stopping || sk_imap_count(b->open) > 0) {
        p->turn(p);
        sk_ctx_clear(&p->ctx);
        sk_arena_clear(p->ctx.arena);
    }
    sk_arena_free(p->ctx.arena);
    sk_mem_free(p);
    sk_bench_fiber_ended(b);
}

static void spawn(struct sk_bench *b, const char *queue, const char *normal_queue,
                  void (*turn)(struct poller *))
{
    struct poller *p = sk_mem_zalloc(sizeof(*p));
    p->bench = b;
    p->client = sk_bench_client(b);
    p->queue = queue;
    p->normal_queue = normal_queue;
    p->turn = turn;
    b->fibers++;
    sk_fiber_spawn(poll_fiber, p);
}

static void start_idle(struct sk_bench *b)
{
    const char *queues[IDLE_QUEUES];
    for (int i = 0; i < IDLE_QUEUES; i++)
        queues[i] = sk_arena_printf(b->arena, "%s-%d", b->queue, i);
    for (int64_t i = 0; i < b->pollers; i++)
        spawn(b, queues[i / 2 % IDLE_QUEUES], NULL, i % 2 ? activity_turn : workflow_turn);
}

void sk_bench_workers_start(struct sk_bench *b)
{
    if (b->mode == SK_BENCH_POLLERS) {
        start_idle(b);
        return;
    }
    for (int64_t i = 0; i < b->pollers; i++) {
        bool sticky = b->sticky && i % 2;
        spawn(b, sticky ? b->sticky_queue : b->queue, sticky ? b->queue : NULL, workflow_turn);
        if (b->mode == SK_BENCH_WORKFLOWS)
            spawn(b, b->queue, NULL, activity_turn);
    }
}
