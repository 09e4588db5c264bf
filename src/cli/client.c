/*
 * The client side that demo, bench and health share. No state of its own: connections are rpc's,
 * messages are the arena's.
 */
#include "cli/client.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/assert.h"
#include "base/log.h"
#include "cli/command.h"
#include "rt/rt.h"

#define SERVICE "temporal.api.workflowservice.v1.WorkflowService"
#define PORT_DEFAULT 7233
#define WS_FN(name) temporal__api__workflowservice__v1__##name
#define COMMAND_TYPE(name) TEMPORAL__API__ENUMS__V1__COMMAND_TYPE__COMMAND_TYPE_##name
#define COMMAND_CASE(name) TEMPORAL__API__COMMAND__V1__COMMAND__ATTRIBUTES_##name

static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *response;
} calls[SK_CLI_CALL_COUNT] = {
#define X(id, name, response) {name, &WS_FN(response##__descriptor)},
    SK_CLI_CALLS(X)
#undef X
};

const char *sk_cli_call_name(enum sk_cli_call call)
{
    SK_ASSERT(call < SK_CLI_CALL_COUNT);
    return calls[call].name;
}

sk_err sk_cli_address(struct sk_ctx *ctx, const char *flag, const char *text, const char **ret_host,
                      int *ret_port)
{
    const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
    bool v6 = text[0] == '[' && bracket;
    int64_t port = PORT_DEFAULT;
    if (colon && bracket && colon < bracket)
        colon = NULL;
    size_t n = colon ? (size_t)(colon - text) : strlen(text);
    if (colon && (!sk_value_count(colon + 1, 65535, &port) || port == 0))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--%s: \"%s\" has no port after the colon", flag,
                       text);
    if (v6 && (bracket + 1 != text + n))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--%s: \"%s\" is not HOST:PORT", flag, text);
    if (n == 0 || (!v6 && memchr(text, ':', n)))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--%s: \"%s\" is not HOST:PORT", flag, text);
    *ret_host = sk_arena_strndup(ctx->arena, text + v6, n - 2 * (size_t)v6);
    *ret_port = (int)port;
    return SK_OK;
}

static const char *given(const struct sk_options *options, enum sk_option_id id)
{
    const char *text = sk_options_text(options, id);
    return *text ? text : NULL;
}

sk_err sk_cli_connect(struct sk_ctx *ctx, const struct sk_options *options, bool gzip,
                      struct sk_rpc_client **ret)
{
    struct sk_tls_options tls = {
        .cert_file = given(options, SK_OPT_CLIENT_TLS_CERT),
        .key_file = given(options, SK_OPT_CLIENT_TLS_KEY),
        .client_ca_file = given(options, SK_OPT_CLIENT_TLS_CA),
    };
    bool use_tls =
        sk_options_flag(options, SK_OPT_CLIENT_TLS) || tls.cert_file || tls.client_ca_file;
    struct sk_rpc_client_options o = {
        .tls = use_tls ? &tls : NULL,
        .gzip = gzip,
        .client_name = "skald-cli",
        .client_version = SK_VERSION,
    };
    const char *address = sk_options_text(options, SK_OPT_ADDRESS);
    sk_err err = sk_cli_address(ctx, "address", address, &o.host, &o.port);
    if (err)
        return err;
    if ((err = sk_rpc_connect(ctx, &o, ret))) {
        const char *why = ctx->err.message;
        sk_ctx_clear(ctx);
        return sk_fail(ctx, err, "no connection to %s: %s", address,
                       why ? why : sk_err_meaning(err));
    }
    return SK_OK;
}

sk_err sk_cli_call(struct sk_rpc_client *client, struct sk_ctx *ctx, enum sk_cli_call call,
                   const ProtobufCMessage *request, int64_t timeout_ms, ProtobufCMessage **ret)
{
    SK_ASSERT(call < SK_CLI_CALL_COUNT);
    return sk_rpc_call(client, ctx, SERVICE, calls[call].name, request, calls[call].response,
                       timeout_ms, ret);
}

/* ---- a runtime for one command ---- */

struct run {
    struct sk_rt *rt;
    struct sk_ctx *ctx;
    const struct sk_options *options;
    int (*fn)(struct sk_ctx *ctx, const struct sk_options *options);
    int code;
};

static void run_fiber(void *arg)
{
    struct run *run = arg;
    run->code = run->fn(run->ctx, run->options);
    sk_rt_stop(run->rt);
}

int sk_cli_run(struct sk_ctx *ctx, const struct sk_options *options,
               int (*fn)(struct sk_ctx *ctx, const struct sk_options *options))
{
    struct sk_rt_options rt_options = {.loop_count = 1};
    struct run run = {.ctx = ctx, .options = options, .fn = fn, .code = SK_EXIT_FAILED};
    sk_log_init(SK_LOG_ERROR, SK_LOG_AUTO, STDERR_FILENO); // a busy machine is not news here
    run.rt = sk_rt_new(&rt_options);
    sk_rt_run(run.rt, run_fiber, &run);
    sk_rt_free(run.rt);
    return run.code;
}

char *sk_cli_identity(struct sk_arena *arena, const char *what)
{
    char host[256];
    if (gethostname(host, sizeof(host)))
        host[0] = '\0';
    host[sizeof(host) - 1] = '\0';
    return sk_arena_printf(arena, "%s@%s:%ld", what, host, (long)getpid());
}

char *sk_cli_uuid(struct sk_arena *arena)
{
    char text[SK_UUID_TEXT];
    sk_uuid_format(sk_uuid_new(sk_rt_random(), sk_now_wall_ms()), text);
    return sk_arena_strdup(arena, text);
}

int64_t sk_cli_now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * (int64_t)1000000 + ts.tv_nsec / 1000;
}

/* ---- builders ---- */

/* The API's structs have char pointers where const ones are meant. */
static char *text_of(struct sk_arena *arena, const char *text)
{
    return sk_arena_strdup(arena, text);
}

API_TASKQUEUE(TaskQueue) *
    sk_cli_queue(struct sk_arena *arena, const char *name, const char *normal_name)
{
    API_TASKQUEUE(TaskQueue) *queue =
        API_NEW(arena, API_TASKQUEUE(TaskQueue), temporal__api__taskqueue__v1__task_queue_);
    queue->name = text_of(arena, name);
    queue->kind = normal_name ? TEMPORAL__API__ENUMS__V1__TASK_QUEUE_KIND__TASK_QUEUE_KIND_STICKY
                              : TEMPORAL__API__ENUMS__V1__TASK_QUEUE_KIND__TASK_QUEUE_KIND_NORMAL;
    if (normal_name)
        queue->normal_name = text_of(arena, normal_name);
    return queue;
}

API_COMMON(Payloads) *
    sk_cli_payloads(struct sk_arena *arena, const char *encoding, const void *data, size_t n)
{
    API_COMMON(Payloads) *all =
        API_NEW(arena, API_COMMON(Payloads), temporal__api__common__v1__payloads_);
    API_COMMON(Payload) *one =
        API_NEW(arena, API_COMMON(Payload), temporal__api__common__v1__payload_);
    API_COMMON(Payload__MetadataEntry) *entry =
        API_NEW(arena, API_COMMON(Payload__MetadataEntry),
                temporal__api__common__v1__payload__metadata_entry_);
    char *value = text_of(arena, encoding);
    entry->key = text_of(arena, "encoding");
    entry->value = (ProtobufCBinaryData){strlen(value), (uint8_t *)value};
    one->metadata = SK_NEW(arena, API_COMMON(Payload__MetadataEntry) *);
    one->metadata[0] = entry;
    one->n_metadata = 1;
    one->data = (ProtobufCBinaryData){n, n ? sk_arena_memdup(arena, data, n) : NULL};
    all->payloads = SK_NEW(arena, API_COMMON(Payload) *);
    all->payloads[0] = one;
    all->n_payloads = 1;
    return all;
}

API_COMMON(WorkflowExecution) *
    sk_cli_execution(struct sk_arena *arena, const char *workflow_id, const char *run_id)
{
    API_COMMON(WorkflowExecution) *e = API_NEW(arena, API_COMMON(WorkflowExecution),
                                               temporal__api__common__v1__workflow_execution_);
    e->workflow_id = text_of(arena, workflow_id);
    if (run_id)
        e->run_id = text_of(arena, run_id);
    return e;
}

Google__Protobuf__Duration *sk_cli_duration(struct sk_arena *arena, int64_t ms)
{
    Google__Protobuf__Duration *d =
        API_NEW(arena, Google__Protobuf__Duration, google__protobuf__duration_);
    d->seconds = ms / 1000;
    d->nanos = (int32_t)(ms % 1000) * 1000000;
    return d;
}

API_FAILURE(Failure) *
    sk_cli_failure(struct sk_arena *arena, const char *message, const char *type, bool retryable)
{
    API_FAILURE(Failure) *f =
        API_NEW(arena, API_FAILURE(Failure), temporal__api__failure__v1__failure_);
    char *text = text_of(arena, message);
    f->message = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
    f->source = text_of(arena, "skald-demo");
    f->failure_info_case =
        TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO;
    f->application_failure_info = API_NEW(arena, API_FAILURE(ApplicationFailureInfo),
                                          temporal__api__failure__v1__application_failure_info_);
    f->application_failure_info->type = text_of(arena, type);
    f->application_failure_info->non_retryable = !retryable;
    return f;
}

API_COMMAND(Command) * sk_cli_command_new(struct sk_arena *arena,
                                          Temporal__Api__Enums__V1__CommandType type,
                                          API_COMMAND(Command__AttributesCase) attributes)
{
    API_COMMAND(Command) *c =
        API_NEW(arena, API_COMMAND(Command), temporal__api__command__v1__command_);
    c->command_type = type;
    c->attributes_case = attributes;
    return c;
}

API_COMMAND(Command) * sk_cli_command_activity(struct sk_arena *arena, const char *id,
                                               const char *type, const char *queue,
                                               API_COMMON(Payloads) * input)
{
    API_COMMAND(Command) *c =
        sk_cli_command_new(arena, COMMAND_TYPE(SCHEDULE_ACTIVITY_TASK),
                           COMMAND_CASE(SCHEDULE_ACTIVITY_TASK_COMMAND_ATTRIBUTES));
    API_COMMAND(ScheduleActivityTaskCommandAttributes) *a =
        API_NEW(arena, API_COMMAND(ScheduleActivityTaskCommandAttributes),
                temporal__api__command__v1__schedule_activity_task_command_attributes_);
    a->activity_id = text_of(arena, id);
    a->activity_type =
        API_NEW(arena, API_COMMON(ActivityType), temporal__api__common__v1__activity_type_);
    a->activity_type->name = text_of(arena, type);
    a->task_queue = sk_cli_queue(arena, queue, NULL);
    a->input = input;
    a->start_to_close_timeout = sk_cli_duration(arena, 30000);
    c->schedule_activity_task_command_attributes = a;
    return c;
}

API_COMMAND(Command) * sk_cli_command_timer(struct sk_arena *arena, const char *id, int64_t ms)
{
    API_COMMAND(Command) *c = sk_cli_command_new(arena, COMMAND_TYPE(START_TIMER),
                                                 COMMAND_CASE(START_TIMER_COMMAND_ATTRIBUTES));
    API_COMMAND(StartTimerCommandAttributes) *a =
        API_NEW(arena, API_COMMAND(StartTimerCommandAttributes),
                temporal__api__command__v1__start_timer_command_attributes_);
    a->timer_id = text_of(arena, id);
    a->start_to_fire_timeout = sk_cli_duration(arena, ms);
    c->start_timer_command_attributes = a;
    return c;
}

API_COMMAND(Command) *
    sk_cli_command_complete(struct sk_arena *arena, API_COMMON(Payloads) * result)
{
    API_COMMAND(Command) *c =
        sk_cli_command_new(arena, COMMAND_TYPE(COMPLETE_WORKFLOW_EXECUTION),
                           COMMAND_CASE(COMPLETE_WORKFLOW_EXECUTION_COMMAND_ATTRIBUTES));
    API_COMMAND(CompleteWorkflowExecutionCommandAttributes) *a =
        API_NEW(arena, API_COMMAND(CompleteWorkflowExecutionCommandAttributes),
                temporal__api__command__v1__complete_workflow_execution_command_attributes_);
    a->result = result;
    c->complete_workflow_execution_command_attributes = a;
    return c;
}

struct sk_str sk_cli_payload_bytes(const API_COMMON(Payloads) * payloads)
{
    if (!payloads || payloads->n_payloads == 0)
        return (struct sk_str){"", 0};
    const ProtobufCBinaryData *data = &payloads->payloads[0]->data;
    return (struct sk_str){data->len ? (const char *)data->data : "", data->len};
}
