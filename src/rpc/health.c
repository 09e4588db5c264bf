/*
 * grpc.health.v1.Health: Check for the server as a whole ("") and each of its services. Watch is
 * not there: clients of Temporal's API never call it, and gRPC tells them UNIMPLEMENTED.
 */
#include "rpc/rpc_internal.h"

#include <grpc/health/v1/health.pb-c.h>

static sk_err on_check(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                       void *response)
{
    struct sk_rpc_server *server = sk_call_owner(call);
    const Grpc__Health__V1__HealthCheckRequest *in = request;
    Grpc__Health__V1__HealthCheckResponse *out = response;
    struct sk_str name = sk_str_of(in->service);
    if (name.n > 0 && !sk_map_get(server->services, name))
        return sk_fail(ctx, SK_NOT_FOUND, "unknown service %.256s", in->service);
    out->status = atomic_load(&server->draining)
                      ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
                      : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    return SK_OK;
}

size_t rpc_health_methods(struct rpc_entry *ret, struct sk_rpc_server *server)
{
    ret[0] =
        (struct rpc_entry){.method = {
                               .service = "grpc.health.v1.Health",
                               .name = "Check",
                               .request = &grpc__health__v1__health_check_request__descriptor,
                               .response = &grpc__health__v1__health_check_response__descriptor,
                               .handler = on_check,
                               .flags = SK_METHOD_READ_ONLY,
                               .owner = server,
                           }};
    return 1;
}
