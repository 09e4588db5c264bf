#include "fixture.h"

#include <string.h>

#include "../patience.h"
#include "figures/figures.h"
#include "rt/rt.h"

struct engine_call last;
struct fixture fx;

/* ---- the server ---- */

static void set_limits(struct sk_limits *l)
{
    *l = (struct sk_limits){
        .blob_size_error = 10000,
        .blob_size_warn = 1000,
        .memo_size_error = 5000,

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
    struct sk_engine *engine;
    struct sk_matching *matching =
        sk_matching_new(&(struct sk_matching_options){.store = fx.store});
    const struct sk_namespace *ns;
    CHECK(sk_namespaces_open(&fx.ctx, fx.store, &fx.namespaces) == SK_OK);
    CHECK(sk_namespaces_put(fx.namespaces, &fx.ctx,
                            &(struct sk_namespace){.name = "default", .retention_ms = 86400000},
                            &ns) == SK_OK);
    CHECK(sk_matching_open(matching, &fx.ctx) == SK_OK);
    fx.figures = sk_figures_new(sk_rt_loop_count(sk_rt_current()));
    engine = fixture_engine_open(matching);
    fx.frontend = sk_frontend_new(&(struct sk_frontend_options){
        .engine = engine,
        .matching = matching,
        .namespaces = fx.namespaces,
        .store = fx.store,
        .figures = fx.figures,
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
    fx.port = sk_rpc_port(server);
    CHECK(sk_rpc_connect(&fx.ctx,
                         &(struct sk_rpc_client_options){.host = "127.0.0.1",
                                                         .port = sk_rpc_port(server)},
                         &fx.client) == SK_OK);
    sk_frontend_start(fx.frontend);
    body();
    sk_rpc_client_close(fx.client);
    sk_matching_drain(matching);
    sk_rpc_drain(server, 5000);
    sk_rpc_server_free(server);
    sk_frontend_stop(fx.frontend);
    fixture_engine_close(engine);
    sk_frontend_free(fx.frontend);
    sk_matching_free(matching);
    sk_figures_free(fx.figures);
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
    run_frontend_on(1, body);
}

void run_frontend_on(int loops, void (*body)(void))
{
    struct sk_rt *rt = sk_rt_new(&(struct sk_rt_options){.loop_count = loops});
    struct run run = {body, rt};
    sk_rt_run(rt, on_fiber, &run);
    sk_rt_free(rt);
}

/* ---- calls ---- */

sk_err call(char service, const char *method, const void *request,
            const ProtobufCMessageDescriptor *response_type, void *ret_response)
{
    const char *name = service == 'w'   ? "temporal.api.workflowservice.v1.WorkflowService"
                       : service == 's' ? "skald.api.v1.SkaldService"
                                        : "temporal.api.operatorservice.v1.OperatorService";
    ProtobufCMessage *reply = NULL;
    sk_ctx_clear(&fx.ctx);
    last.name = NULL;
    sk_err err =
        sk_rpc_call(fx.client, &fx.ctx, name, method, request, response_type, PATIENCE_MS, &reply);
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
