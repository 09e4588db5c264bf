/* Only the .c files of src/frontend may include this. */
/*
 * Shared by the families of methods: the frontend's struct, the handlers' declarations (made from
 * methods.def) and the checks that many methods need. Checks set Temporal's error texts and return
 * INVALID_ARGUMENT unless said otherwise.
 */
#ifndef SK_FRONTEND_INTERNAL_H
#define SK_FRONTEND_INTERNAL_H

#include "base/ctx.h"
#include "engine/engine.h"
#include "frontend/frontend.h"
#include "matching/matching.h"
#include "rpc/rpc.h"
#include "skald/api/v1/service.pb-c.h"
#include "store/namespaces.h"
#include "store/store.h"
#include "temporal/api/operatorservice/v1/request_response.pb-c.h"
#include "temporal/api/workflowservice/v1/request_response.pb-c.h"
#include "wire/errordetail.h"
#include "wire/wire.h"

#define SKAPI(name) Skald__Api__V1__##name
#define OS(name) Temporal__Api__Operatorservice__V1__##name
#define API_COMMON(name) Temporal__Api__Common__V1__##name
#define API_TASKQUEUE(name) Temporal__Api__Taskqueue__V1__##name

struct sk_frontend_removal; /* namespace_removal.c */

struct sk_frontend {
    struct sk_frontend_options o;
    struct sk_method *methods; /* owned */
    size_t method_count;
    struct sk_frontend_removal *removal; /* owned; the background fiber */
    struct sk_frontend_rates *rates;     /* owned */
    struct sk_live *live;                /* owned */
};

/* rate.c: calls a second by namespace */
struct sk_frontend_rates *sk_frontend_rates_new(void);
void sk_frontend_rates_free(struct sk_frontend_rates *rates);
/* RESOURCE_EXHAUSTED: too many calls. */
sk_err sk_frontend_take_call(struct sk_frontend *frontend, struct sk_ctx *ctx,
                             const struct sk_namespace *ns) SK_MUST_USE;

/* One declaration a built method: sk_frontend_<snake_name>(call, ctx, request, response). */
#define SK_METHOD_BUILT(service, Name, snake, flags)                                          \
    sk_err sk_frontend_##snake(struct sk_call *call, struct sk_ctx *ctx, const void *request, \
                               void *response);
#define SK_METHOD_LATER(service, Name, snake)
#define SK_METHOD_LATER_WORKER(service, Name, snake)
#include "frontend/methods.def"
#undef SK_METHOD_BUILT
#undef SK_METHOD_LATER
#undef SK_METHOD_LATER_WORKER

static inline struct sk_frontend *sk_frontend_of(const struct sk_call *call)
{
    return sk_call_owner(call);
}

/* ---- changing a namespace (namespaces.c) ---- */
/* Changes *ns, a copy whose pointers are borrowed; called again when another change came first. */
typedef sk_err (*sk_frontend_change_fn)(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                        const void *arg, struct sk_namespace *ns);
sk_err sk_frontend_change_namespace(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                    const char *name, sk_frontend_change_fn change, const void *arg,
                                    const struct sk_namespace **ret) SK_MUST_USE;

/* ---- runs of deleted namespaces (namespace_removal.c) ---- */
struct sk_frontend_removal *sk_frontend_removal_new(struct sk_frontend *frontend);
/* Something was deleted: look. Any loop. */
void sk_frontend_removal_wake(struct sk_frontend_removal *removal);
/* From a fiber; waits for the fiber at work. */
void sk_frontend_removal_stop(struct sk_frontend_removal *removal);
void sk_frontend_removal_free(struct sk_frontend_removal *removal);

/* ---- push (stream.c) ---- */
struct sk_live *sk_frontend_live_new(struct sk_frontend *frontend);
sk_err sk_frontend_stream(struct sk_call *call, struct sk_ctx *ctx, const void *request);

/* ---- saved views (views.c) ---- */
/* All of a deleted namespace. */
sk_err sk_frontend_remove_views(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                const struct sk_namespace *ns) SK_MUST_USE;

/* ---- versioning.c ---- */
/* What a start asks for, in today's form; NULL: nothing. */
sk_err sk_frontend_versioning(struct sk_ctx *ctx, const char *queue,
                              Temporal__Api__Workflow__V1__VersioningOverride **override)
    SK_MUST_USE;

/* ---- checks (validate.c) ---- */
static inline bool sk_blank(const char *s)
{
    return !s || !*s;
}

/* The namespace by name: set, not too long, known (NOT_FOUND + NamespaceNotFoundFailure). */
sk_err sk_frontend_namespace(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *name,
                             const struct sk_namespace **ret) SK_MUST_USE;
/* An id: at most limits->id_length_max bytes, else "<what> length exceeds limit. (...)". Empty is
 * fine; sk_frontend_check_id_set also wants it present: "<what> is not set on request." */
sk_err sk_frontend_check_id(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *what,
                            const char *value) SK_MUST_USE;
sk_err sk_frontend_check_id_set(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *what,
                                const char *value) SK_MUST_USE;
/* Workflow id present and short enough, run id empty or a uuid. */
sk_err sk_frontend_check_execution(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                   const API_COMMON(WorkflowExecution) * execution) SK_MUST_USE;
sk_err sk_frontend_check_run_id(struct sk_ctx *ctx, const char *run_id) SK_MUST_USE;
/* A task queue of a request: set, short enough, not a reserved name ("/_sys/"). A sticky queue
 * carries its normal name. */
sk_err sk_frontend_check_task_queue(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                    const API_TASKQUEUE(TaskQueue) * queue) SK_MUST_USE;
/* Not negative, one sign; NULL is fine. The error is "<text> cause: negative duration". */
sk_err sk_frontend_check_duration(struct sk_ctx *ctx, const char *text,
                                  const Google__Protobuf__Duration *duration) SK_MUST_USE;
/* Milliseconds, rounded up, capped at 100 years; 0 for NULL. */
int64_t sk_frontend_duration_ms(const Google__Protobuf__Duration *duration);
Google__Protobuf__Duration *sk_frontend_duration(struct sk_ctx *ctx, int64_t ms);
/* A blob against limit.blobSize.error: "Blob data size exceeds limit." what: the field's name. */
sk_err sk_frontend_check_blob(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *what,
                              const ProtobufCMessage *blob) SK_MUST_USE;
sk_err sk_frontend_check_memo(struct sk_frontend *frontend, struct sk_ctx *ctx,
                              const API_COMMON(Memo) * memo) SK_MUST_USE;
sk_err sk_frontend_check_user_metadata(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                       const Temporal__Api__Sdk__V1__UserMetadata *metadata)
    SK_MUST_USE;
sk_err sk_frontend_check_links(struct sk_ctx *ctx, API_COMMON(Link) *const *links,
                               size_t count) SK_MUST_USE;
sk_err sk_frontend_check_priority(struct sk_ctx *ctx,
                                  const API_COMMON(Priority) * priority) SK_MUST_USE;
sk_err sk_frontend_check_search_attributes(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                           const struct sk_namespace *ns,
                                           const API_COMMON(SearchAttributes) *
                                               attributes) SK_MUST_USE;
/* What a task is about: the namespace, and a token. What is in it is the engine's to check. */
sk_err sk_frontend_check_task(struct sk_frontend *frontend, struct sk_ctx *ctx, const char *name,
                              ProtobufCBinaryData token,
                              const struct sk_namespace **ret) SK_MUST_USE;
Google__Protobuf__Timestamp *sk_frontend_timestamp(struct sk_ctx *ctx, int64_t wall_ms);
/* NULL, or a policy with Temporal's defaults in its empty fields, checked. */
sk_err sk_frontend_retry_policy(struct sk_ctx *ctx, API_COMMON(RetryPolicy) * policy,
                                API_COMMON(RetryPolicy) * *ret) SK_MUST_USE;
/* limits in the form search_attributes.h wants them */
struct sk_sa_limits;
void sk_frontend_sa_limits(struct sk_frontend *frontend, struct sk_sa_limits *ret);

/* For the list of workers: a worker answered a task (failure NULL: with success) and may have got
 * others with the answer (worker.c). */
void sk_frontend_answered(struct sk_frontend *frontend, struct sk_ctx *ctx,
                          const struct sk_namespace *ns, const char *identity,
                          const Temporal__Api__Failure__V1__Failure *failure);

/* ListTaskQueues; also for those who subscribe to it (queues.c). */
sk_err sk_frontend_fill_task_queues(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                    const struct sk_namespace *ns,
                                    const SKAPI(ListTaskQueuesRequest) * r,
                                    SKAPI(ListTaskQueuesResponse) * to) SK_MUST_USE;

/* GetFigures; also for those who subscribe to it (figures.c). *ret_last_ms: end of the last point.
 */
sk_err sk_frontend_fill_figures(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                const SKAPI(FiguresTopic) * topic, int64_t since_ms,
                                SKAPI(GetFiguresResponse) * response,
                                int64_t *ret_last_ms) SK_MUST_USE;

/* A fresh uuid, as text in the arena (request ids, ids of namespaces). */
char *sk_frontend_uuid(struct sk_ctx *ctx);

#endif
