/*
 * The method table of all services. methods.def names every method; the built ones have a handler
 * in one of the other files, the others share one that answers UNIMPLEMENTED by name, so that a
 * client learns what is missing rather than that the service is unknown.
 *
 * Owns the table, which lives as long as the server that serves it.
 * Thread: any; the table never changes after sk_frontend_new.
 */
#include "frontend/frontend.h"

#include "base/buf.h"
#include "frontend/client_version.h"
#include "frontend/frontend_internal.h"
#include "live/live.h"
#include "skald/api/v1/service.pb-c.h"
#include "temporal/api/operatorservice/v1/service.pb-c.h"
#include "temporal/api/workflowservice/v1/service.pb-c.h"

#define GOODBYE_MS 500 // for the last line of push streams
#define SERVICE_WORKFLOW "temporal.api.workflowservice.v1.WorkflowService"
#define SERVICE_OPERATOR "temporal.api.operatorservice.v1.OperatorService"
#define SERVICE_SKALD "skald.api.v1.SkaldService"
#define TYPE_WORKFLOW(name) temporal__api__workflowservice__v1__##name##__descriptor
#define TYPE_OPERATOR(name) temporal__api__operatorservice__v1__##name##__descriptor
#define TYPE_SKALD(name) skald__api__v1__##name##__descriptor

/* A method not built yet. Its namespace is still checked first, as with any other: whoever asks for
 * one that is not there is better served by hearing so. */
static sk_err later(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    const ProtobufCMessage *message = request;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "namespace");
    if (field && field->type == PROTOBUF_C_TYPE_STRING &&
        field->label != PROTOBUF_C_LABEL_REPEATED) {
        const char *name = *(char *const *)((const char *)request + field->offset);
        const struct sk_namespace *ns;
        sk_err err =
            sk_blank(name) ? SK_OK : sk_frontend_namespace(sk_frontend_of(call), ctx, name, &ns);
        if (err != SK_OK)
            return err;
    }
    return sk_fail(ctx, SK_UNIMPLEMENTED, "%s is not implemented by this server yet",
                   sk_call_method(call)->name);
}

static const struct sk_method table[] = {
#define SK_METHOD_BUILT(service_, Name, snake, flags_) \
    {.service = SERVICE_##service_,                    \
     .name = #Name,                                    \
     .request = &TYPE_##service_(snake##_request),     \
     .response = &TYPE_##service_(snake##_response),   \
     .handler = sk_frontend_##snake,                   \
     .flags = (flags_)},
#define UNBUILT(service_, Name, snake, flags_)       \
    {.service = SERVICE_##service_,                  \
     .name = #Name,                                  \
     .request = &TYPE_##service_(snake##_request),   \
     .response = &TYPE_##service_(snake##_response), \
     .handler = later,                               \
     .flags = SK_METHOD_UNBUILT | (flags_)},
#define SK_METHOD_LATER(service_, Name, snake) UNBUILT(service_, Name, snake, 0)
#define SK_METHOD_LATER_WORKER(service_, Name, snake) \
    UNBUILT(service_, Name, snake, SK_METHOD_WORKER)
#include "frontend/methods.def"
#undef SK_METHOD_BUILT
#undef SK_METHOD_LATER
#undef SK_METHOD_LATER_WORKER
    {.service = SERVICE_SKALD,
     .name = "Stream",
     .request = &skald__api__v1__stream_request__descriptor,
     .response = &skald__api__v1__stream_event__descriptor,
     .stream = sk_frontend_stream,
     .flags = SK_METHOD_READ_ONLY},
};

struct sk_frontend *sk_frontend_new(const struct sk_frontend_options *options)
{
    struct sk_frontend *frontend = sk_mem_zalloc(sizeof *frontend);
    frontend->o = *options;
    if (!frontend->o.cluster_name)
        frontend->o.cluster_name = "active";
    if (!frontend->o.visibility_name && options->store)
        frontend->o.visibility_name = sk_store_name(options->store);
    frontend->method_count = sizeof table / sizeof *table;
    frontend->methods = sk_mem_alloc(sizeof table);
    memcpy(frontend->methods, table, sizeof table);
    for (size_t i = 0; i < frontend->method_count; i++)
        frontend->methods[i].owner = frontend;
    frontend->removal = sk_frontend_removal_new(frontend);
    frontend->rates = sk_frontend_rates_new();
    if (options->store) // else the table alone is wanted
        frontend->live = sk_frontend_live_new(frontend);
    return frontend;
}

void sk_frontend_start(struct sk_frontend *frontend)
{
    sk_frontend_removal_wake(frontend->removal);
}

void sk_frontend_stop(struct sk_frontend *frontend)
{
    sk_frontend_removal_stop(frontend->removal);
    sk_live_stop(frontend->live);
}

void sk_frontend_drain(struct sk_frontend *frontend)
{
    sk_live_drain(frontend->live, GOODBYE_MS);
}

void sk_frontend_free(struct sk_frontend *frontend)
{
    if (!frontend)
        return;
    sk_frontend_removal_free(frontend->removal);
    sk_frontend_rates_free(frontend->rates);
    sk_live_free(frontend->live);
    sk_mem_free(frontend->methods);
    sk_mem_free(frontend);
}

const struct sk_method *sk_frontend_methods(struct sk_frontend *frontend, size_t *ret_count)
{
    *ret_count = frontend->method_count;
    return frontend->methods;
}

sk_err sk_frontend_check_client(const struct sk_call *call, struct sk_ctx *ctx)
{
    return sk_client_version_check(ctx, sk_call_header(call, "client-name"),
                                   sk_call_header(call, "client-version"),
                                   sk_call_header(call, "supported-server-versions"));
}
