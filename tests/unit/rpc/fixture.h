/*
 * A server and a client over loopback, in one runtime, for the tests of this folder. The service
 * is test.Echo: its messages are Temporal's Payload (bytes) and a few behaviours chosen by the
 * request's data.
 */
#ifndef TEST_RPC_FIXTURE_H
#define TEST_RPC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <temporal/api/common/v1/message.pb-c.h>
#include "../patience.h"
#include "rpc/rpc.h"
#include "rt/rt.h"

typedef Temporal__Api__Common__V1__Payload Payload;

#define ECHO "test.Echo"

struct fixture {
    struct sk_rpc_server *server;
    struct sk_rpc_client *client;
    int port;
    /* what the server saw */
    int handled, observed, gone, refused, started;
    sk_err last_observed;
    const char *last_ns_name;
    char last_header[128];
    struct sk_call *parked[20000];
    int parked_count;
    struct sk_waitq parked_more;
};

/* Run body in a fiber on a runtime of loop_count loops with a server and, with_client, a client.
 * options: NULL, or what differs from cleartext on a free port. */
void fixture_run(int loop_count, const struct sk_rpc_server_options *options,
                 const struct sk_rpc_client_options *client, void (*body)(struct fixture *fx));
/* One call with data as the payload's; the answer's data into *ret (in ctx->arena). */
sk_err fixture_call(struct fixture *fx, struct sk_ctx *ctx, const char *method, struct sk_str data,
                    int64_t timeout_ms, struct sk_str *ret);
/* Wait until so many calls are parked. */
void fixture_wait_parked(struct fixture *fx, int count);
void fixture_resume_all(struct fixture *fx);

#endif
