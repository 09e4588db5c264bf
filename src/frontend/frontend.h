/*
 * The frontend: every method of WorkflowService and OperatorService. A handler validates the
 * request with Temporal's texts, finds the namespace, calls engine, matching, visibility or
 * namespaces, and fills the reply. Methods that are not built yet are in the table too and answer
 * UNIMPLEMENTED by name.
 */
#ifndef SK_FRONTEND_FRONTEND_H
#define SK_FRONTEND_FRONTEND_H

#include <stddef.h>
#include <stdint.h>
#include "base/ctx.h"

struct sk_call;
struct sk_engine;
struct sk_figures;
struct sk_frontend;
struct sk_limits;
struct sk_matching;
struct sk_method;
struct sk_namespaces;
struct sk_store;

struct sk_frontend_options { /* everything borrowed until sk_frontend_free */
    struct sk_engine *engine;
    struct sk_matching *matching;
    struct sk_namespaces *namespaces;
    struct sk_store *store;
    struct sk_figures *figures; /* what is remembered about lately */
    const struct sk_limits *limits;
    const char *cluster_name;    /* "active" when NULL, as Temporal's dev server */
    const char *cluster_id;      /* a uuid that stays with the store */
    const char *version;         /* Skald's own */
    const char *visibility_name; /* what GetClusterInfo calls the visibility store; NULL: the
                                    store's name */
};

/* Makes the method table. Nothing runs yet. From a fiber on loop 0. */
struct sk_frontend *sk_frontend_new(const struct sk_frontend_options *options);
/* From a fiber once the server is up: goes on with removing the runs of deleted namespaces. */
void sk_frontend_start(struct sk_frontend *frontend);
/* Push streams say goodbye, new ones are refused. From a fiber on loop 0; waits a moment. */
void sk_frontend_drain(struct sk_frontend *frontend);
/* Ends background work and waits for push streams to be closed; from a fiber, before the engine
 * closes. Waits. */
void sk_frontend_stop(struct sk_frontend *frontend);
void sk_frontend_free(struct sk_frontend *frontend);

/* The table for sk_rpc_listen; lives as long as the frontend. */
const struct sk_method *sk_frontend_methods(struct sk_frontend *frontend, size_t *ret_count);

/* For the hook that every call passes: whether this client's version is served and it wants this
 * server's (client_version.h). */
sk_err sk_frontend_check_client(const struct sk_call *call, struct sk_ctx *ctx) SK_MUST_USE;

/* The Temporal release whose behaviour clients may expect; GetSystemInfo reports it. */
#define SK_TEMPORAL_SERVER_VERSION "1.31.2"

#endif
