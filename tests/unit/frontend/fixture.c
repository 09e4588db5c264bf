#include "fixture.h"

#include <string.h>

#include "rt/rt.h"

struct engine_call last;
struct fixture fx;

/* ---- the stand-in engine ---- */

static sk_err remember(struct sk_ctx *ctx, const char *name, const struct sk_namespace *ns,
                       const void *request)
{
    last.name = name;
    last.ns = ns->id;
    last.count++;
    last.request = sk_wire_pack(fx.ctx.arena, request);
    return last.answer == SK_OK ? SK_OK : sk_fail(ctx, last.answer, "the engine says no");
}

#define STAND_IN(name, Method)                                                                  \
    sk_err sk_engine_##name(struct sk_engine *engine, struct sk_ctx *ctx,                       \
                            const struct sk_namespace *ns, const WS(Method##Request) * request, \
                            WS(Method##Response) * response)                                    \
    {                                                                                           \
        return remember(ctx, #name, ns, request);                                               \
    }
STAND_IN(start, StartWorkflowExecution)
STAND_IN(signal_with_start, SignalWithStartWorkflowExecution)
STAND_IN(signal, SignalWorkflowExecution)
STAND_IN(request_cancel, RequestCancelWorkflowExecution)
STAND_IN(terminate, TerminateWorkflowExecution)
STAND_IN(delete_run, DeleteWorkflowExecution)
STAND_IN(describe, DescribeWorkflowExecution)
STAND_IN(history_reverse, GetWorkflowExecutionHistoryReverse)
STAND_IN(query, QueryWorkflow)
STAND_IN(query_completed, RespondQueryTaskCompleted)
STAND_IN(reset_sticky, ResetStickyTaskQueue)
STAND_IN(wft_completed, RespondWorkflowTaskCompleted)
STAND_IN(wft_failed, RespondWorkflowTaskFailed)
STAND_IN(activity_heartbeat, RecordActivityTaskHeartbeat)
STAND_IN(activity_heartbeat_by_id, RecordActivityTaskHeartbeatById)
STAND_IN(activity_completed, RespondActivityTaskCompleted)
STAND_IN(activity_completed_by_id, RespondActivityTaskCompletedById)
STAND_IN(activity_failed, RespondActivityTaskFailed)
STAND_IN(activity_failed_by_id, RespondActivityTaskFailedById)
STAND_IN(activity_canceled, RespondActivityTaskCanceled)
STAND_IN(activity_canceled_by_id, RespondActivityTaskCanceledById)

sk_err sk_engine_wft_start(struct sk_engine *engine, struct sk_ctx *ctx,
                           const struct sk_namespace *ns, const struct sk_task *task,
                           const WS(PollWorkflowTaskQueueRequest) * poll,
                           WS(PollWorkflowTaskQueueResponse) * response)
{
    return remember(ctx, "wft_start", ns, poll);
}

sk_err sk_engine_activity_start(struct sk_engine *engine, struct sk_ctx *ctx,
                                const struct sk_namespace *ns, const struct sk_task *task,
                                const WS(PollActivityTaskQueueRequest) * poll,
                                WS(PollActivityTaskQueueResponse) * response)
{
    return remember(ctx, "activity_start", ns, poll);
}

sk_err sk_engine_activity_unstart(struct sk_engine *engine, struct sk_ctx *ctx,
                                  const struct sk_namespace *ns, const struct sk_task *task)
{
    return SK_OK;
}

sk_err sk_engine_history(struct sk_engine *engine, struct sk_ctx *ctx,
                         const struct sk_namespace *ns,
                         const WS(GetWorkflowExecutionHistoryRequest) * request,
                         WS(GetWorkflowExecutionHistoryResponse) * response,
                         struct sk_watch *ret_watch, bool *ret_wait)
{
    *ret_wait = false;
    return remember(ctx, "history", ns, request);
}

void sk_engine_watch(struct sk_engine *engine, struct sk_watch *watch) {}
void sk_engine_unwatch(struct sk_engine *engine, struct sk_watch *watch) {}

/* ---- the server ---- */

static void set_limits(struct sk_limits *l)
{
    *l = (struct sk_limits){
        .blob_size_error = 10000,
        .blob_size_warn = 1000,
        .memo_size_error = 5000,
        .memo_size_warn = 1000,
        .id_length_max = 1000,
        .long_poll_ms = 20000,
        .task_long_poll_ms = 60000,
        .retention_min_ms = 3600000,
        .search_attribute_keys = 100,
        .search_attribute_value = 2048,
        .search_attribute_total = 40960,
        .user_metadata_summary = 400,
        .user_metadata_details = 20000,
        .history_page_max = 256,
        .list_page_max = 1000,
        .eager_start = true,
    };
}

static void serve(void (*body)(void))
{
    struct sk_matching *matching =
        sk_matching_new(&(struct sk_matching_options){.store = fx.store});
    const struct sk_namespace *ns;
    CHECK(sk_namespaces_open(&fx.ctx, fx.store, &fx.namespaces) == SK_OK);
    CHECK(sk_namespaces_put(fx.namespaces, &fx.ctx,
                            &(struct sk_namespace){.name = "default", .retention_ms = 86400000},
                            &ns) == SK_OK);
    CHECK(sk_matching_open(matching, &fx.ctx) == SK_OK);
    fx.frontend = sk_frontend_new(&(struct sk_frontend_options){
        .matching = matching,
        .namespaces = fx.namespaces,
        .store = fx.store,
        .limits = &fx.limits,
        .cluster_id = "0190f5e0-0000-7000-8000-000000000000",
        .version = "0.1.0",
    });
    size_t n;
    int error = 0;
    struct sk_rpc_server *server;
    const struct sk_method *methods = sk_frontend_methods(fx.frontend, &n);
    CHECK(sk_rpc_listen(&(struct sk_rpc_server_options){.ip = "127.0.0.1"}, methods, n, &server,
                        &error) == SK_OK);
    CHECK(sk_rpc_connect(&fx.ctx,
                         &(struct sk_rpc_client_options){.host = "127.0.0.1",
                                                         .port = sk_rpc_port(server)},
                         &fx.client) == SK_OK);
    sk_frontend_start(fx.frontend);
    body();
    sk_rpc_client_close(fx.client);
    sk_matching_drain(matching);
    sk_rpc_drain(server, 5000);
    sk_frontend_stop(fx.frontend);
    sk_frontend_free(fx.frontend);
    sk_matching_free(matching);
    sk_namespaces_close(fx.namespaces);
}

struct run {
    void (*body)(void);
    struct sk_rt *rt;
};

static void on_fiber(void *arg)
{
    struct run *run = arg;
    fx = (struct fixture){.ctx = {.arena = sk_arena_new(0)}};
    last = (struct engine_call){.answer = SK_OK};
    set_limits(&fx.limits);
    CHECK(sk_memory_store_open(&fx.ctx, &fx.store) == SK_OK);
    serve(run->body);
    sk_store_close(fx.store);
    sk_arena_free(fx.ctx.arena);
    sk_rt_stop(run->rt);
}

void run_frontend(void (*body)(void))
{
    struct sk_rt *rt = sk_rt_new(&(struct sk_rt_options){.loop_count = 1});
    struct run run = {body, rt};
    sk_rt_run(rt, on_fiber, &run);
    sk_rt_free(rt);
}

/* ---- calls ---- */

sk_err call(char service, const char *method, const void *request,
            const ProtobufCMessageDescriptor *response_type, void *ret_response)
{
    const char *name = service == 'w' ? "temporal.api.workflowservice.v1.WorkflowService"
                                      : "temporal.api.operatorservice.v1.OperatorService";
    ProtobufCMessage *reply = NULL;
    sk_ctx_clear(&fx.ctx);
    last.name = NULL;
    sk_err err =
        sk_rpc_call(fx.client, &fx.ctx, name, method, request, response_type, 10000, &reply);
    if (err == SK_OK && ret_response)
        memcpy(ret_response, &reply, sizeof(void *));
    return err;
}

void *engine_request(const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message;
    CHECK(last.name);
    CHECK(sk_wire_decode(&fx.ctx, type, last.request, &message) == SK_OK);
    return message;
}

void check_str(const char *file, int line, const char *got, const char *expected)
{
    if (!got || strcmp(got, expected) != 0)
        sk_panic(file, line, "\n  got      %s\n  expected %s", got ? got : "(nothing)", expected);
}

char *long_text(size_t n)
{
    char *s = sk_arena_alloc(fx.ctx.arena, n + 1);
    memset(s, 'x', n);
    s[n] = '\0';
    return s;
}

API_COMMON(Payloads) * payloads_of(size_t bytes)
{
    API_COMMON(Payloads) *payloads = sk_arena_alloc(fx.ctx.arena, sizeof *payloads);
    API_COMMON(Payload) *payload = sk_arena_alloc(fx.ctx.arena, sizeof *payload);
    temporal__api__common__v1__payloads__init(payloads);
    temporal__api__common__v1__payload__init(payload);
    payload->data = (ProtobufCBinaryData){bytes, (uint8_t *)long_text(bytes)};
    payloads->payloads = SK_NEW(fx.ctx.arena, API_COMMON(Payload) *);
    payloads->payloads[0] = payload;
    payloads->n_payloads = 1;
    return payloads;
}

Google__Protobuf__Duration *duration_of(int64_t seconds)
{
    Google__Protobuf__Duration *d = sk_arena_alloc(fx.ctx.arena, sizeof *d);
    google__protobuf__duration__init(d);
    d->seconds = seconds;
    return d;
}
