/* Only for src/cli/bench*.c. */
/*
 * The load generator: one loop, many fibers. Client fibers start workflows and wait for their end,
 * worker fibers poll and answer; both go through the same few connections. Everything here belongs
 * to that loop.
 */
#ifndef SK_CLI_BENCH_INTERNAL_H
#define SK_CLI_BENCH_INTERNAL_H

#include "base/map.h"
#include "cli/client.h"
#include "cli/histogram.h"
#include "cli/process.h"
#include "rt/rt.h"

enum sk_bench_mode { SK_BENCH_WORKFLOWS, SK_BENCH_POLLERS, SK_BENCH_TIMERS };

struct sk_bench {
    /* what is asked for */
    const struct sk_options *options;
    enum sk_bench_mode mode;
    const char *ns;
    int64_t workflows, duration_ms, warmup_ms, activities, concurrency, pollers, connections;
    int64_t payload_size, server_pid;
    double rate;
    bool parallel, sticky, gzip;
    /* names, all with one fresh prefix */
    const char *prefix, *queue, *sticky_queue, *identity;
    char *payload; /* payload_size bytes of padding */
    /* what runs */
    struct sk_arena *arena; /* of the whole bench */
    struct sk_rpc_client **clients;
    int64_t client_count, next_client;
    struct sk_imap *open; /* number -> struct sk_bench_run */
    int64_t next_number, fibers;
    bool stopping;           /* start no more; pollers end at their next turn */
    bool counting;           /* between warm-up and the end */
    struct sk_waitq changed; /* a run ended, a fiber ended */
    /* what happened while counting */
    int64_t done, starts, begin_us, end_us;
    struct sk_histogram total, calls[SK_CLI_CALL_COUNT];
    int64_t errors[SK_CLI_CALL_COUNT];
    const char *first_error; /* of any call, with its method */
    struct sk_process_use server_before, server_begin, server_end, self_begin, self_end;
    bool server_known;
};

struct sk_bench_run {
    int64_t number;
    int64_t due_us; /* when its start was due */
    bool done;
    int64_t seen;            /* parallel: completed activities are counted up to this event */
    int64_t completed;       /* so many */
    struct sk_fiber *waiter; /* closed loop: who goes on when it is done */
};

/* A call that is measured; errors are counted and answered with the error. */
sk_err sk_bench_call(struct sk_bench *bench, struct sk_rpc_client *client, struct sk_ctx *ctx,
                     enum sk_cli_call call, const ProtobufCMessage *request, int64_t timeout_ms,
                     ProtobufCMessage **ret) SK_MUST_USE;
struct sk_rpc_client *sk_bench_client(struct sk_bench *bench); /* the next one in turn */
struct sk_bench_run *sk_bench_run_of(struct sk_bench *bench, const char *workflow_id); /* or NULL */
/* The run with this workflow id has come to its end. */
void sk_bench_finish(struct sk_bench *bench, const char *workflow_id);
void sk_bench_fiber_ended(struct sk_bench *bench);

/* bench_worker.c: spawn the polling fibers. */
void sk_bench_workers_start(struct sk_bench *bench);
/* bench_report.c */
void sk_bench_report(const struct sk_bench *bench, bool json);

#endif
