/*
 * The frontend behind real gRPC on loopback, with namespaces and visibility on the store in memory
 * and a stand-in for the engine that only remembers what it was called with.
 *
 * Bodies run in a fiber, where cmocka's asserts would jump off the stack: CHECK aborts instead.
 */
#ifndef TEST_FRONTEND_FIXTURE_H
#define TEST_FRONTEND_FIXTURE_H

#include "base/assert.h"
#include "frontend/frontend_internal.h"
#include "rpc/rpc.h"

#define CHECK(cond) ((cond) ? (void)0 : sk_panic(__FILE__, __LINE__, "check failed: %s", #cond))
#define CHECK_STR(got, expected) check_str(__FILE__, __LINE__, (got), (expected))
void check_str(const char *file, int line, const char *got, const char *expected);

/* What the stand-in engine was last called with. */
struct engine_call {
    const char *name;      /* "start", "signal" ...; NULL: not called */
    struct sk_str request; /* packed, in fx.ctx.arena */
    sk_ns_id ns;
    int count;
    sk_err answer; /* what it returns; SK_OK unless a test sets it */
};
extern struct engine_call last;

struct fixture {
    struct sk_ctx ctx; /* of the body: results of calls live here */
    struct sk_limits limits;
    struct sk_store *store;
    struct sk_namespaces *namespaces;
    struct sk_figures *figures;
    struct sk_frontend *frontend;
    struct sk_rpc_client *client;
    int port;
};
extern struct fixture fx;

/* The engine of this test: stand_in.c, or the real one. */
struct sk_engine *fixture_engine_open(struct sk_matching *matching);
void fixture_engine_close(struct sk_engine *engine);

/* Run body with a server that has a namespace "default". */
void run_frontend(void (*body)(void));
void run_frontend_on(int loops, void (*body)(void));

/* One call; the error's text in fx.ctx.err. service: 'w', 'o' or 's' (Skald's). */
sk_err call(char service, const char *method, const void *request,
            const ProtobufCMessageDescriptor *response_type, void *ret_response);
/* The request as the engine saw it. */
void *engine_request(const ProtobufCMessageDescriptor *type);

/* A request of WorkflowService or OperatorService with its namespace set. */
#define REQUEST(var, Type, snake)                              \
    WS(Type) var;                                              \
    temporal__api__workflowservice__v1__##snake##__init(&var); \
    var.namespace_ = (char *)(uintptr_t) "default"
#define OREQUEST(var, Type, snake) \
    OS(Type) var;                  \
    temporal__api__operatorservice__v1__##snake##__init(&var)
#define TEXT(s) ((char *)(uintptr_t)(s))
#define RESPONSE(snake) &temporal__api__workflowservice__v1__##snake##__descriptor
#define ORESPONSE(snake) &temporal__api__operatorservice__v1__##snake##__descriptor

/* "xxxx..." of n bytes, in the arena */
char *long_text(size_t n);
API_COMMON(Payloads) * payloads_of(size_t bytes);
Google__Protobuf__Duration *duration_of(int64_t seconds);

#endif
