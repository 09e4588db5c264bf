/*
 * Calls that failed, in the log: what was asked of which namespace, workflow and run, by whom, and
 * what was answered. What is the server's own fault is a warning; what a caller did wrong is for
 * debugging only, since callers do it all day. Payloads are never logged, only ids.
 *
 * The ids are found by the names of the request's fields, so every method is served by this one
 * function. On the call's loop.
 */
#include <string.h>
#include "base/metric.h"
#include "figures/figures.h"
#include "main/server.h"

struct ids {
    const char *namespace_, *workflow_id, *run_id, *request_id;
};

/* The text of a string field, or NULL when the message has none of that name or it is empty. */
static const char *text_field(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    const char *text = NULL;
    if (!field || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
        field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
        return NULL;
    memcpy(&text, (const char *)message + field->offset, sizeof(text));
    return text && *text ? text : NULL;
}

static const ProtobufCMessage *message_field(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    const ProtobufCMessage *value = NULL;
    if (field && !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
        field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED)
        memcpy(&value, (const char *)message + field->offset, sizeof(value));
    return value;
}

static struct ids ids_of(const struct sk_call *call, const ProtobufCMessage *request)
{
    struct ids ids = {.request_id = sk_call_header(call, "x-request-id")};
    if (!request)
        return ids;
    const ProtobufCMessage *run = message_field(request, "workflow_execution");
    if (!run)
        run = message_field(request, "execution");
    ids.namespace_ = text_field(request, "namespace");
    ids.workflow_id = text_field(run ? run : request, "workflow_id");
    ids.run_id = text_field(run ? run : request, "run_id");
    if (!ids.request_id)
        ids.request_id = text_field(request, "request_id");
    return ids;
}

/* Temporal counts these among service_errors: not what a caller did wrong. */
static bool is_server_fault(sk_err err)
{
    switch (sk_err_grpc(err)) {
    case 2:  // UNKNOWN
    case 13: // INTERNAL
    case 14: // UNAVAILABLE
    case 15: // DATA_LOSS
        return true;
    default:
        return false;
    }
}

/* For the figures over time; how long a poll or a stream waited says nothing. */
static void note_figures(const struct sk_server *server, const struct sk_method *method, sk_err err,
                         int64_t latency_us)
{
    struct sk_rings *rings = sk_figures_rings(server->figures);
    sk_rings_note_server(rings, SK_SERVER_REQUESTS);
    if (is_server_fault(err))
        sk_rings_note_server(rings, SK_SERVER_ERRORS);
    if (method && !(method->flags & SK_METHOD_LONG_POLL) && !method->stream)
        sk_rings_note_time(rings, SK_SERVER_REQUEST_TIME, latency_us);
}

void sk_server_observe(void *server, const struct sk_method *method, const char *ns_name,
                       sk_err err, int64_t latency_us)
{
    const char *name = method ? method->name : "unknown";
    const char *ns = ns_name ? ns_name : "";
    sk_metric_add(sk_metric_series(SK_METRIC_SERVICE_REQUESTS, name, ns), 1);
    sk_metric_observe(sk_metric_series(SK_METRIC_SERVICE_LATENCY, name, ns), latency_us);
    note_figures(server, method, err, latency_us);
    if (err == SK_OK)
        return;
    sk_metric_add(sk_metric_series(SK_METRIC_SERVICE_ERROR_WITH_TYPE, name, ns, sk_err_name(err)),
                  1);
    if (is_server_fault(err))
        sk_metric_add(sk_metric_series(SK_METRIC_SERVICE_ERRORS, name, ns), 1);
}

void sk_server_log_failed(void *server, const struct sk_call *call, const struct sk_ctx *ctx,
                          const void *request, sk_err err)
{
    enum sk_log_level level = is_server_fault(err) ? SK_LOG_WARN : SK_LOG_DEBUG;
    if (level < sk_log_threshold)
        return;
    struct ids ids = ids_of(call, request);
    const struct sk_method *method = sk_call_method(call);
    const struct sk_log_kv all[] = {
        SK_KV("method", method->name),         SK_KV("error", sk_err_name(err)),
        SK_KV("reason", ctx->err.message),     SK_KV("namespace", ids.namespace_),
        SK_KV("workflow_id", ids.workflow_id), SK_KV("run_id", ids.run_id),
        SK_KV("request_id", ids.request_id),   SK_KV("peer", sk_call_peer(call)),
        SK_KV("principal", ctx->principal),    SK_KV("client", ctx->client_name),
    };
    struct sk_log_kv given[sizeof(all) / sizeof(all[0]) + 1] = {{0}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (*all[i].str)
            given[n++] = all[i];
    sk_log_write(level, "frontend", "call failed", given);
}
