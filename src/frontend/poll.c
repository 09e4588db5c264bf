/*
 * PollWorkflowTaskQueue, PollActivityTaskQueue and PollNexusTaskQueue: the worker's long polls. Of
 * Nexus there are no tasks yet, so those polls end empty: workers poll for them whether they serve
 * any or not, and take an error for a broken server.
 *
 * A poll is validated and parked: what stays is one struct poll_call with the packed request (the
 * engine wants it when a task comes; most polls end without). Its ways:
 *
 *   parked --task--> resumed: engine start --OK--> answered
 *     |                          |--SK_STALE--> parked again for the rest of the time
 *     |                          '--error--> task given back, error answered
 *     |--time is up, drain--> resumed: empty answer
 *     '--client gone--> cancelled; on_end frees, giving back a task that crossed
 *
 * An activity's start is durable, so a poller that died before its answer is looked for twice:
 * before the start (the task goes back untouched) and after it (the same attempt is un-started).
 *
 * Time: a poll ends empty after matching.longPollExpirationInterval less up to a sixth (so that
 * pollers that came together do not come back together), and in any case a second before the
 * client's own deadline, so that the client sees an empty answer and not an error.
 *
 * Thread: the loop of the call. poll_call belongs to the call while it runs, to matching while
 * parked; it is freed by whoever ends it.
 */
#include "frontend/frontend_internal.h"

#include <math.h>
#include <string.h>
#include "base/assert.h"
#include "base/buf.h"
#include "base/metric.h"
#include "figures/figures.h"
#include "figures/workers.h"

#define MARGIN_MS 1000
#define SHORTEST_DEADLINE_MS 2000
#define JITTER_SHARE 6
#define SHORTEST_JITTERED_MS 10000
#define BUILD_ID_MAX 255 /* limit.workerBuildIdSize */

struct poll_call {
    struct sk_poll poll;
    struct sk_call *call; /* NULL: the client is gone */
    struct sk_frontend *frontend;
    const struct sk_namespace *ns;
    enum sk_poll_end end;
    int64_t begin_ms;     /* monotonic; for poll_latency */
    bool started;         /* it is answered with a task */
    struct sk_task *task; /* owned from on_end until given to matching or the engine */
    size_t request_size;
    char bytes[]; /* the packed request, then the strings that poll points to */
};

/* What both kinds of poll say about themselves. */
struct poll_facts {
    const API_TASKQUEUE(TaskQueue) * queue;
    const char *identity, *worker_key;
    const API_COMMON(WorkerVersionCapabilities) * capabilities;
    const Temporal__Api__Deployment__V1__WorkerDeploymentOptions *deployment;
    double rate_limit;
    enum sk_task_kind kind;
};

/* ---- validation ---- */

static sk_err check_versioning(struct sk_ctx *ctx, const struct poll_facts *facts)
{
    bool use = facts->capabilities && facts->capabilities->use_versioning;
    const char *build_id = facts->capabilities ? facts->capabilities->build_id : NULL;
    bool sticky =
        facts->queue &&
        facts->queue->kind == TEMPORAL__API__ENUMS__V1__TASK_QUEUE_KIND__TASK_QUEUE_KIND_STICKY;
    if (sticky && sk_blank(facts->queue->normal_name) && (use || facts->deployment))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "NormalName must be set on sticky queue when UseVersioning is true or "
                       "DeploymentOptions are set.");
    if (use && sk_blank(build_id))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "WorkerVersionStamp must be present if UseVersioning is true.");
    if (build_id && strlen(build_id) > BUILD_ID_MAX)
        return sk_fail(
            ctx, SK_INVALID_ARGUMENT,
            "Build ID exceeds configured limit.workerBuildIdSize, use a shorter build ID.");
    const Temporal__Api__Deployment__V1__WorkerDeploymentOptions *d = facts->deployment;
    if (!d ||
        d->worker_versioning_mode !=
            TEMPORAL__API__ENUMS__V1__WORKER_VERSIONING_MODE__WORKER_VERSIONING_MODE_VERSIONED)
        return SK_OK;
    if (sk_blank(d->deployment_name) || sk_blank(d->build_id))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Deployment name and build id must be set together.");
    return SK_OK;
}

static sk_err check_time(struct sk_ctx *ctx)
{
    if (ctx->deadline_mono_ms && ctx->deadline_mono_ms - sk_now_mono_ms() < SHORTEST_DEADLINE_MS)
        return sk_fail(ctx, SK_FAILED_PRECONDITION, "Context timeout is too short.");
    return SK_OK;
}

static sk_err check_poll(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *ns_name,
                         const struct poll_facts *facts, const struct sk_namespace **ret_ns)
{
    sk_err err = sk_frontend_namespace(frontend, ctx, ns_name, ret_ns);
    if (!err)
        err = check_time(ctx);
    if (!err)
        err = sk_frontend_check_id(frontend, ctx, "Identity", facts->identity);
    if (!err)
        err = check_versioning(ctx, facts);
    if (!err)
        err = sk_frontend_check_task_queue(frontend, ctx, facts->queue);
    return err;
}

static int64_t poll_until(const struct sk_limits *limits, const struct sk_ctx *ctx)
{
    int64_t interval_ms = limits->task_long_poll_ms;
    int64_t jitter_ms = interval_ms / JITTER_SHARE;
    if (interval_ms - jitter_ms < SHORTEST_JITTERED_MS)
        jitter_ms = interval_ms - SHORTEST_JITTERED_MS;
    if (jitter_ms > 0)
        interval_ms -= (int64_t)sk_random_below(sk_rt_random(), (uint64_t)jitter_ms);
    int64_t until_ms = sk_now_mono_ms() + interval_ms;
    int64_t bound_ms = ctx->deadline_mono_ms - MARGIN_MS;
    return ctx->deadline_mono_ms && bound_ms < until_ms ? bound_ms : until_ms;
}

/* ---- the record ---- */

static const char *keep(char **at, const char *s)
{
    if (sk_blank(s))
        return NULL;
    size_t size = strlen(s) + 1;
    char *to = memcpy(*at, s, size);
    *at += size;
    return to;
}

static size_t room(const char *s)
{
    return s ? strlen(s) + 1 : 1;
}

static struct poll_call *poll_call_new(const ProtobufCMessage *request,
                                       const struct poll_facts *facts)
{
    const char *build_id = facts->deployment     ? facts->deployment->build_id
                           : facts->capabilities ? facts->capabilities->build_id
                                                 : NULL;
    const char *deployment = facts->deployment ? facts->deployment->deployment_name : NULL;
    size_t packed = protobuf_c_message_get_packed_size(request);
    size_t text = room(facts->queue->name) + room(facts->identity) + room(facts->worker_key) +
                  room(build_id) + room(deployment);
    struct poll_call *pc = sk_mem_alloc(sizeof *pc + packed + text);
    *pc = (struct poll_call){.request_size = packed};
    protobuf_c_message_pack(request, (uint8_t *)pc->bytes);
    char *at = pc->bytes + packed;
    pc->poll = (struct sk_poll){
        .queue = {.kind = facts->kind, .name = sk_str_of(keep(&at, facts->queue->name))},
        .identity = keep(&at, facts->identity),
        .worker_key = keep(&at, facts->worker_key),
        .build_id = keep(&at, build_id),
        .deployment = keep(&at, deployment),
        .rate_limit = facts->rate_limit,
        .sticky =
            facts->queue->kind == TEMPORAL__API__ENUMS__V1__TASK_QUEUE_KIND__TASK_QUEUE_KIND_STICKY,
        .home_loop = sk_rt_loop_index(),
    };
    return pc;
}

/* For the list of workers: it waits, it waits no more. */
static struct sk_worker_poll worker_of(const struct poll_call *pc)
{
    return (struct sk_worker_poll){
        .ns = pc->ns->id,
        .kind = (int)pc->poll.queue.kind,
        .sticky = pc->poll.sticky,
        .queue = pc->poll.queue.name,
        .identity = pc->poll.identity,
        .instance_key = pc->poll.worker_key,
        .build_id = pc->poll.build_id,
        .deployment = pc->poll.deployment,
    };
}

static void note_began(const struct poll_call *pc, const struct sk_call *call,
                       const struct sk_ctx *ctx)
{
    if (pc->poll.queue.kind == SK_TASK_NEXUS)
        return; // says nothing of what the worker can do here
    struct sk_worker_poll worker = worker_of(pc);
    worker.sdk_name = ctx->client_name;
    worker.sdk_version = ctx->client_version;
    worker.peer = sk_call_peer(call);
    sk_workers_poll_began(pc->frontend->o.figures->workers, &worker);
}

static sk_err end_poll(struct poll_call *pc, sk_err err)
{
    if (pc->poll.queue.kind != SK_TASK_NEXUS) {
        struct sk_worker_poll worker = worker_of(pc);
        sk_workers_poll_ended(pc->frontend->o.figures->workers, &worker, pc->started);
    }
    sk_mem_free(pc);
    return err;
}

/* ---- parked ---- */

static sk_err on_resumed(struct sk_call *call, struct sk_ctx *ctx, void *arg, void *response);

static void on_end(struct sk_poll *poll, enum sk_poll_end end, struct sk_task *task)
{
    struct poll_call *pc = SK_CONTAINER(poll, struct poll_call, poll);
    pc->end = end;
    pc->task = task;
    if (pc->call) {
        sk_call_resume(pc->call, on_resumed, pc);
        return;
    }
    if (task)
        sk_matching_return(pc->frontend->o.matching, task);
    (void)end_poll(pc, SK_OK);
}

static void on_gone(void *arg)
{
    struct poll_call *pc = arg;
    pc->call = NULL;
    sk_matching_cancel(pc->frontend->o.matching, &pc->poll);
}

static sk_err park(struct poll_call *pc, struct sk_call *call)
{
    pc->call = call;
    pc->task = NULL;
    pc->poll.on_end = on_end;
    sk_call_park(call, on_gone, pc);
    sk_matching_poll(pc->frontend->o.matching, &pc->poll);
    return SK_PARKED;
}

/* ---- numbers ---- */

/* Sticky queues have names of their own, one a worker, so they are counted together. */
static void count_poll(const struct poll_call *pc, bool success, int64_t scheduled_ms)
{
    const struct sk_poll *poll = &pc->poll;
    char name[256] = "__sticky__";
    static const char *const kinds[] = {[SK_TASK_WORKFLOW] = "Workflow",
                                        [SK_TASK_ACTIVITY] = "Activity",
                                        [SK_TASK_NEXUS] = "Nexus"};
    const char *kind = kinds[poll->queue.kind];
    if (!poll->sticky) {
        size_t n = poll->queue.name.n < sizeof(name) ? poll->queue.name.n : sizeof(name) - 1;
        memcpy(name, poll->queue.name.p, n);
        name[n] = '\0';
    }
    enum sk_metric ended = success ? SK_METRIC_POLL_SUCCESS : SK_METRIC_POLL_TIMEOUTS;
    sk_metric_add(sk_metric_series(ended, pc->ns->name, name, kind), 1);
    sk_metric_observe(sk_metric_series(SK_METRIC_POLL_LATENCY, pc->ns->name, name, kind),
                      (sk_now_mono_ms() - pc->begin_ms) * 1000);
    if (success)
        sk_metric_observe(sk_metric_series(SK_METRIC_TASK_SCHEDULE_TO_START_LATENCY, pc->ns->name,
                                           name, kind),
                          (sk_now_wall_ms() - scheduled_ms) * 1000);
}

/* ---- a task came ---- */

static sk_err start_workflow_task(struct poll_call *pc, struct sk_ctx *ctx, struct sk_str bytes,
                                  void *response)
{
    ProtobufCMessage *request;
    sk_err err = sk_wire_decode_own(
        ctx, &temporal__api__workflowservice__v1__poll_workflow_task_queue_request__descriptor,
        bytes, &request);
    if (err)
        return err;
    return sk_engine_wft_start(pc->frontend->o.engine, ctx, pc->ns, pc->task,
                               (const WS(PollWorkflowTaskQueueRequest) *)request, response);
}

static sk_err start_activity(struct poll_call *pc, struct sk_ctx *ctx, struct sk_str bytes,
                             void *response)
{
    ProtobufCMessage *request;
    sk_err err = sk_wire_decode_own(
        ctx, &temporal__api__workflowservice__v1__poll_activity_task_queue_request__descriptor,
        bytes, &request);
    if (err)
        return err;
    err = sk_engine_activity_start(pc->frontend->o.engine, ctx, pc->ns, pc->task,
                                   (const WS(PollActivityTaskQueueRequest) *)request, response);
    if (err || sk_call_alive(pc->call))
        return err;
    // Its row is gone and a new one comes with the commit; if that fails the attempt times out.
    (void)!sk_engine_activity_unstart(pc->frontend->o.engine, ctx, pc->ns, pc->task);
    sk_ctx_clear(ctx);
    sk_matching_done(pc->frontend->o.matching, pc->task);
    pc->task = NULL;
    return sk_fail(ctx, SK_CANCELLED, "the poller is gone");
}

static sk_err start(struct poll_call *pc, struct sk_ctx *ctx, void *response)
{
    struct sk_matching *matching = pc->frontend->o.matching;
    if (!sk_call_alive(pc->call)) {
        sk_matching_return(matching, pc->task);
        return sk_fail(ctx, SK_CANCELLED, "the poller is gone");
    }
    struct sk_str bytes = {pc->bytes, pc->request_size};
    sk_err err = pc->poll.queue.kind == SK_TASK_WORKFLOW
                     ? start_workflow_task(pc, ctx, bytes, response)
                     : start_activity(pc, ctx, bytes, response);
    if (!pc->task)
        return err;
    if (err && err != SK_STALE)
        sk_matching_return(matching, pc->task);
    else
        sk_matching_done(matching, pc->task);
    return err;
}

static sk_err on_resumed(struct sk_call *call, struct sk_ctx *ctx, void *arg, void *response)
{
    struct poll_call *pc = arg;
    if (pc->end == SK_POLL_EMPTY) {
        count_poll(pc, false, 0);
        return end_poll(pc, SK_OK);
    }
    int64_t scheduled_ms = pc->task->row.created_ms; // start gives the task away
    bool query = pc->task->query != NULL;            // its answer names no worker
    sk_err err = start(pc, ctx, response);
    pc->started = !err && !query;
    if (!err)
        count_poll(pc, true, scheduled_ms);
    if (err != SK_STALE)
        return end_poll(pc, err);
    sk_ctx_clear(ctx);
    if (!sk_call_alive(call))
        return end_poll(pc, sk_fail(ctx, SK_CANCELLED, "the poller is gone"));
    return park(pc, call);
}

/* ---- the methods ---- */

static sk_err begin(struct sk_call *call, struct sk_ctx *ctx, const char *ns_name,
                    const ProtobufCMessage *request, const struct poll_facts *facts)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const struct sk_namespace *ns;
    sk_err err = check_poll(frontend, ctx, ns_name, facts, &ns);
    if (err)
        return err;
    struct poll_call *pc = poll_call_new(request, facts);
    pc->frontend = frontend;
    pc->ns = ns;
    pc->begin_ms = sk_now_mono_ms();
    pc->poll.queue.ns = ns->id;
    pc->poll.deadline_mono_ms = poll_until(frontend->o.limits, ctx);
    note_began(pc, call, ctx);
    return park(pc, call);
}

sk_err sk_frontend_poll_workflow_task_queue(struct sk_call *call, struct sk_ctx *ctx,
                                            const void *request, void *response)
{
    const WS(PollWorkflowTaskQueueRequest) *r = request;
    (void)response;
    struct poll_facts facts = {
        .queue = r->task_queue,
        .identity = r->identity,
        .worker_key = r->worker_instance_key,
        .capabilities = r->worker_version_capabilities,
        .deployment = r->deployment_options,
        .rate_limit = -1,
        .kind = SK_TASK_WORKFLOW,
    };
    return begin(call, ctx, r->namespace_, &r->base, &facts);
}

sk_err sk_frontend_poll_activity_task_queue(struct sk_call *call, struct sk_ctx *ctx,
                                            const void *request, void *response)
{
    const WS(PollActivityTaskQueueRequest) *r = request;
    (void)response;
    const Google__Protobuf__DoubleValue *rate =
        r->task_queue_metadata ? r->task_queue_metadata->max_tasks_per_second : NULL;
    struct poll_facts facts = {
        .queue = r->task_queue,
        .identity = r->identity,
        .worker_key = r->worker_instance_key,
        .capabilities = r->worker_version_capabilities,
        .deployment = r->deployment_options,
        .rate_limit = rate && isfinite(rate->value) ? rate->value : -1,
        .kind = SK_TASK_ACTIVITY,
    };
    return begin(call, ctx, r->namespace_, &r->base, &facts);
}

sk_err sk_frontend_poll_nexus_task_queue(struct sk_call *call, struct sk_ctx *ctx,
                                         const void *request, void *response)
{
    const WS(PollNexusTaskQueueRequest) *r = request;
    (void)response;
    struct poll_facts facts = {
        .queue = r->task_queue,
        .identity = r->identity,
        .worker_key = r->worker_instance_key,
        .capabilities = r->worker_version_capabilities,
        .deployment = r->deployment_options,
        .rate_limit = -1,
        .kind = SK_TASK_NEXUS,
    };
    return begin(call, ctx, r->namespace_, &r->base, &facts);
}
