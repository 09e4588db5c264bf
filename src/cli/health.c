/*
 * The small commands: is a server there, which version is this, whose code is in it.
 */
#include <stdio.h>
#include "cli/client.h"
#include "cli/command.h"
#include "grpc/health/v1/health.pb-c.h"
#include "rt/rt.h"

static int ask(struct sk_ctx *ctx, const struct sk_options *options)
{
    struct sk_rpc_client *client;
    ProtobufCMessage *reply;
    Grpc__Health__V1__HealthCheckRequest request;
    int64_t timeout = sk_options_number(options, SK_OPT_TIMEOUT);
    grpc__health__v1__health_check_request__init(&request);
    if (sk_cli_connect(ctx, options, false, &client))
        return SK_EXIT_FAILED;
    sk_err err = sk_rpc_call(client, ctx, "grpc.health.v1.Health", "Check", &request.base,
                             &grpc__health__v1__health_check_response__descriptor, timeout, &reply);
    sk_rpc_client_close(client);
    if (err)
        return SK_EXIT_FAILED;
    const Grpc__Health__V1__HealthCheckResponse *answer = (const void *)reply;
    if (answer->status != GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING) {
        (void)!sk_fail(ctx, SK_UNAVAILABLE, "%s is not serving", sk_options_text(options, SK_OPT_ADDRESS));
        return SK_EXIT_FAILED;
    }
    printf("serving\n");
    return SK_EXIT_OK;
}

int sk_cmd_health(struct sk_ctx *ctx, struct sk_options *options)
{
    return sk_cli_run(ctx, options, ask);
}

int sk_cmd_version(struct sk_ctx *ctx, struct sk_options *options)
{
    printf("skald %s\n", SK_VERSION);
    return SK_EXIT_OK;
}
