/*
 * Workers, known by the calls they make: who polls which queues, how many tasks each has in hand,
 * what it failed last. Bounded: SK_WORKERS_MAX workers, the latest ones; SK_WORKER_QUEUES_MAX
 * queues each.
 *
 * Notes are taken on the calling loop and merged when somebody asks. A NULL registry takes none.
 */
#ifndef SK_FIGURES_WORKERS_H
#define SK_FIGURES_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/ctx.h"

#define SK_WORKERS_MAX 4000
#define SK_WORKER_QUEUES_MAX 16
#define SK_WORKER_ERROR_BYTES 500
#define SK_WORKER_HEARTBEAT_BYTES 8192

struct sk_workers;
struct sk_workers *sk_workers_new(int loop_count);
void sk_workers_free(struct sk_workers *workers); /* NULL is fine */

/* A poll, by whom it is; strings are borrowed and may be NULL. Without an identity nothing is
 * noted. */
struct sk_worker_poll {
    uint32_t ns;
    int kind; /* enum sk_task_kind */
    bool sticky;
    struct sk_str queue;
    const char *identity, *instance_key, *build_id, *deployment;
    const char *sdk_name, *sdk_version, *peer; /* of the call; when it begins */
};
void sk_workers_poll_began(struct sk_workers *workers, const struct sk_worker_poll *poll);
/* tasks: how many it got. */
void sk_workers_poll_ended(struct sk_workers *workers, const struct sk_worker_poll *poll,
                           int tasks);
/* Tasks that it got without a poll (with the answer to another call). */
void sk_workers_took(struct sk_workers *workers, uint32_t ns, const char *identity, int tasks);
/* It answered a task; failure NULL: with success. */
struct sk_worker_failure {
    struct sk_str message; /* cut to SK_WORKER_ERROR_BYTES */
    const char *type;      /* kind of failure; may be NULL */
};
void sk_workers_answered(struct sk_workers *workers, uint32_t ns, const char *identity,
                         const struct sk_worker_failure *failure);
/* What it says about itself, packed; more than SK_WORKER_HEARTBEAT_BYTES are not kept. */
void sk_workers_heartbeat(struct sk_workers *workers, uint32_t ns, const char *identity,
                          struct sk_str heartbeat);
/* A task of it timed out: it has it no more. */
void sk_workers_lost(struct sk_workers *workers, uint32_t ns, const char *identity);

/* ---- what is known; from a fiber, results in ctx->arena ---- */
struct sk_worker_queue {
    struct sk_str name;
    int kind;
    bool sticky;
    int64_t last_poll_ms; /* wall */
    int waiting;
    int64_t taken;
};
struct sk_worker {
    const char *identity, *instance_key, *build_id, *deployment; /* "" when unknown */
    const char *sdk_name, *sdk_version, *peer;
    int64_t first_seen_ms, last_poll_ms; /* wall */
    int waiting;
    int64_t taken, answered, failed, lost;
    struct sk_worker_queue *queues; /* latest first */
    size_t queue_count;
    int64_t error_ms; /* 0: none */
    const char *error_message, *error_type;
    int64_t heartbeat_ms; /* wall; 0: none came */
    struct sk_str heartbeat;
};
/* All of a namespace, ordered by identity. */
struct sk_worker_list {
    struct sk_worker *workers;
    size_t count;
    bool truncated; /* some were forgotten for lack of room */
};
void sk_workers_list(struct sk_workers *workers, struct sk_ctx *ctx, uint32_t ns,
                     struct sk_worker_list *ret);
int64_t sk_workers_since_ms(const struct sk_workers *workers);

#endif
