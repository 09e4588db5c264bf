/*
 * Figures over time: of the server, and of the busiest SK_RINGS_SUBJECTS task queues and types. A
 * point every ten seconds for an hour and every minute for a day, in rings of fixed size.
 *
 * Noting is cheap (a look-up for a subject, an addition for the server), takes place on the calling
 * loop and does nothing without rings (NULL). Every ten seconds a fiber on loop 0 adds up.
 */
#ifndef SK_FIGURES_RINGS_H
#define SK_FIGURES_RINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/ctx.h"

#define SK_RINGS_SUBJECTS 1000
#define SK_RINGS_STEP_MS 10000
#define SK_RINGS_MINUTE_MS 60000

/* The numbers are skald.api.v1.FigureKind. */
enum sk_figure_kind {
    SK_FIGURE_SERVER = 1,
    SK_FIGURE_WORKFLOW_QUEUE = 2,
    SK_FIGURE_ACTIVITY_QUEUE = 3,
    SK_FIGURE_WORKFLOW_TYPE = 4,
    SK_FIGURE_ACTIVITY_TYPE = 5,
};

/* What is counted of a subject: three numbers, by kind. */
enum {
    SK_QUEUE_ADDED = 0,
    SK_QUEUE_DISPATCHED = 1, /* with the time that the task waited */
    SK_QUEUE_BACKLOG = 2,    /* a level, asked for at each step */
    SK_TYPE_STARTED = 0,     /* workflow types */
    SK_TYPE_COMPLETED = 1,   /* with the run's duration */
    SK_TYPE_FAILED = 2,
    SK_ACTIVITY_COMPLETED = 0, /* activity types; with the attempt's duration */
    SK_ACTIVITY_FAILED = 1,
    SK_ACTIVITY_RETRIED = 2,
    SK_FIGURE_NUMBERS = 3,
};

enum sk_server_figure {
    SK_SERVER_REQUESTS,
    SK_SERVER_ERRORS,
    SK_SERVER_WORKFLOWS_STARTED,
    SK_SERVER_WORKFLOWS_COMPLETED,
    SK_SERVER_WORKFLOWS_FAILED,
    SK_SERVER_WORKFLOWS_TIMED_OUT,
    SK_SERVER_WORKFLOWS_CANCELED,
    SK_SERVER_WORKFLOWS_TERMINATED,
    SK_SERVER_WORKFLOWS_CONTINUED,
    SK_SERVER_ACTIVITIES_COMPLETED,
    SK_SERVER_ACTIVITIES_FAILED,
    SK_SERVER_ACTIVITY_RETRIES,
    SK_SERVER_WORKFLOW_TASKS_FAILED,
    SK_SERVER_COUNTED, /* those above are noted, those below are asked for at each step */
    SK_SERVER_COMMITS = SK_SERVER_COUNTED,
    SK_SERVER_CPU_MS,
    SK_SERVER_BACKLOG,
    SK_SERVER_MEMORY_KIB,
    SK_SERVER_FIGURES,
};
enum sk_server_time { SK_SERVER_REQUEST_TIME, SK_SERVER_SCHEDULE_TO_START, SK_SERVER_TIMES };

struct sk_rings;

/* What the rings ask at each step, in a fiber on loop 0. */
struct sk_rings_source {
    /* totals since the start (commits, CPU), and levels */
    void (*server)(void *owner, uint64_t *ret_commits, uint64_t *ret_cpu_ms, uint64_t *ret_bytes);
    /* tasks that wait in a queue now */
    int64_t (*backlog)(void *owner, struct sk_ctx *ctx, enum sk_figure_kind kind, uint32_t ns,
                       struct sk_str name);
    void *owner;
};

/* From loop 0. */
struct sk_rings *sk_rings_new(int loop_count);
/* Begin to step; source is borrowed until sk_rings_stop. */
void sk_rings_start(struct sk_rings *rings, const struct sk_rings_source *source);
/* From a fiber on loop 0; waits for a step under way. */
void sk_rings_stop(struct sk_rings *rings);
void sk_rings_free(struct sk_rings *rings); /* NULL is fine */

/* ---- noting ---- */
/* us < 0: no time. */
void sk_rings_note(struct sk_rings *rings, enum sk_figure_kind kind, uint32_t ns,
                   struct sk_str name, int number, int64_t us);
void sk_rings_note_server(struct sk_rings *rings, enum sk_server_figure figure);
void sk_rings_note_time(struct sk_rings *rings, enum sk_server_time which, int64_t us);

/* ---- reading; from a fiber, results in ctx->arena ---- */
struct sk_ring_series {
    const char *name, *unit;
    double *values; /* NAN: not known */
};
#define SK_RING_SERIES_MAX 24
struct sk_ring_points {
    int64_t first_ms, step_ms, since_ms; /* wall */
    size_t count;
    struct sk_ring_series series[SK_RING_SERIES_MAX];
    size_t series_count;
};
/* Whole steps that end after since_ms. A subject that is not known has no points. */
void sk_rings_read(struct sk_rings *rings, struct sk_ctx *ctx, enum sk_figure_kind kind,
                   uint32_t ns, struct sk_str name, bool minutes, int64_t since_ms,
                   struct sk_ring_points *ret);

struct sk_ring_sum {
    uint32_t ns;
    struct sk_str name;
    int64_t numbers[SK_FIGURE_NUMBERS]; /* over the window; of a backlog: now */
    int64_t backlog_change;
    double p50_us, p95_us; /* of the medians of the steps, weighted; NAN: nothing observed */
    int64_t since_ms;
};
/* The busiest of a kind over the last window_ms, busiest first; ns 0: of all namespaces. */
size_t sk_rings_busiest(struct sk_rings *rings, struct sk_ctx *ctx, enum sk_figure_kind kind,
                        uint32_t ns, int64_t window_ms, size_t max, struct sk_ring_sum **ret);
/* No figures from before this moment. */
int64_t sk_rings_since_ms(const struct sk_rings *rings);

#endif
