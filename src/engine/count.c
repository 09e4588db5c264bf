/*
 * What transitions did: as metrics with Temporal's names (workflows and activities by how they
 * ended, workflow tasks that failed), as figures over time by type, and as failures, those of
 * attempts that are tried again included. All of it is noted while a transition decides and told
 * when its commit returned, so that what was refused is never counted. Loop threads; no state but
 * the transition's own counts.
 */
#include "base/metric.h"
#include "engine/engine_internal.h"
#include "figures/figures.h"
#include "wire/failure.h"

static const struct {
    int event;
    enum sk_metric metric;
    bool closes;                  /* the run; its duration is observed too */
    enum sk_server_figure figure; /* SK_SERVER_FIGURES: told otherwise */
} counted[] = {
    {EVENT(WORKFLOW_EXECUTION_COMPLETED), SK_METRIC_WORKFLOW_SUCCESS, true,
     SK_SERVER_WORKFLOWS_COMPLETED},
    {EVENT(WORKFLOW_EXECUTION_FAILED), SK_METRIC_WORKFLOW_FAILED, true, SK_SERVER_WORKFLOWS_FAILED},
    {EVENT(WORKFLOW_EXECUTION_CANCELED), SK_METRIC_WORKFLOW_CANCEL, true,
     SK_SERVER_WORKFLOWS_CANCELED},
    {EVENT(WORKFLOW_EXECUTION_TERMINATED), SK_METRIC_WORKFLOW_TERMINATE, true,
     SK_SERVER_WORKFLOWS_TERMINATED},
    {EVENT(WORKFLOW_EXECUTION_TIMED_OUT), SK_METRIC_WORKFLOW_TIMEOUT, true,
     SK_SERVER_WORKFLOWS_TIMED_OUT},
    {EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW), SK_METRIC_WORKFLOW_CONTINUED_AS_NEW, true,
     SK_SERVER_WORKFLOWS_CONTINUED},
    {EVENT(WORKFLOW_TASK_FAILED), SK_METRIC_FAILED_WORKFLOW_TASKS, false, SK_SERVER_FIGURES},
    {EVENT(ACTIVITY_TASK_COMPLETED), SK_METRIC_ACTIVITY_SUCCESS, false, SK_SERVER_FIGURES},
    {EVENT(ACTIVITY_TASK_FAILED), SK_METRIC_ACTIVITY_FAIL, false, SK_SERVER_FIGURES},
    {EVENT(ACTIVITY_TASK_TIMED_OUT), SK_METRIC_ACTIVITY_TIMEOUT, false, SK_SERVER_FIGURES},
};
#define COUNTED (sizeof(counted) / sizeof(counted[0]))
static_assert(COUNTED <= COUNTED_EVENTS, "struct txn has a count for each");

void count_note(struct txn *t, int event_type)
{
    for (size_t i = 0; i < COUNTED; i++)
        if (counted[i].event == event_type)
            t->counts[i]++;
}

/* ---- deeds ---- */

static struct deed *add(struct txn *t, int source)
{
    struct deed *deed = SK_NEW(t->ctx->arena, struct deed);
    deed->next = t->deeds;
    deed->source = source;
    deed->us = -1;
    t->deeds = deed;
    return deed;
}

static bool is_timeout(const FAILURE *failure)
{
    return failure && failure->failure_info_case ==
                          TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_TIMEOUT_FAILURE_INFO;
}

void count_attempt(struct txn *t, const EN(Activity) *a, bool retried, const FAILURE *failure)
{
    if (!t->e->figures)
        return;
    struct deed *deed = add(t, SK_FAILURE_OF_ACTIVITY);
    deed->end = !failure ? DEED_COMPLETED : retried ? DEED_RETRIED : DEED_FAILED;
    deed->type = a->type;
    deed->queue = a->task_queue;
    deed->failure = failure;
    deed->attempt = a->attempt;
    if (a->started_ns) {
        deed->us = t->now_ns > a->started_ns ? (t->now_ns - a->started_ns) / 1000 : 0;
        deed->lost_identity = is_timeout(failure) ? a->identity : NULL;
    }
}

void count_task_failed(struct txn *t, const char *error, const FAILURE *failure, bool timed_out)
{
    const EN(ExecutionState) *s = t->x->s;
    if (!t->e->figures)
        return;
    struct deed *deed = add(t, SK_FAILURE_OF_WORKFLOW_TASK);
    deed->end = DEED_RETRIED;
    deed->queue = s->task_queue;
    deed->error = error;
    deed->failure = failure;
    deed->attempt = s->wft->attempt;
    deed->lost_identity = timed_out ? s->wft->identity : NULL;
}

void count_run_failed(struct txn *t, const FAILURE *failure)
{
    const EN(ExecutionState) *s = t->x->s;
    if (!t->e->figures)
        return;
    struct deed *deed = add(t, SK_FAILURE_OF_WORKFLOW);
    deed->end = DEED_FAILED;
    deed->queue = s->task_queue;
    deed->error = failure ? NULL : "TimeoutError: workflow";
    deed->failure = failure;
    deed->attempt = s->attempt;
}

static void tell_failure(const struct txn *t, const struct deed *deed)
{
    const FAILURE *root = sk_failure_root(deed->failure);
    struct sk_failure_note note = {
        .ns = t->x->flow->ns,
        .source = (enum sk_failure_source)deed->source,
        .workflow_type = t->x->s->workflow_type,
        .activity_type = deed->type,
        .error_type = deed->error ? deed->error : sk_failure_kind(t->ctx->arena, root),
        .task_queue = deed->queue,
        .message = sk_failure_text(root),
        .workflow_id = t->x->flow->workflow_id,
        .run_id = t->x->run_text,
        .attempt = deed->attempt,
        .retrying = deed->end == DEED_RETRIED,
    };
    sk_failures_note(sk_figures_failures(t->e->figures), &note);
    if (deed->lost_identity)
        sk_workers_lost(sk_figures_workers(t->e->figures), note.ns, deed->lost_identity);
}

static void tell_attempt(const struct txn *t, const struct deed *deed)
{
    static const struct {
        int number;
        enum sk_server_figure figure;
    } of[] = {
        [DEED_COMPLETED] = {SK_ACTIVITY_COMPLETED, SK_SERVER_ACTIVITIES_COMPLETED},
        [DEED_RETRIED] = {SK_ACTIVITY_RETRIED, SK_SERVER_ACTIVITY_RETRIES},
        [DEED_FAILED] = {SK_ACTIVITY_FAILED, SK_SERVER_ACTIVITIES_FAILED},
    };
    struct sk_rings *rings = sk_figures_rings(t->e->figures);
    sk_rings_note(rings, SK_FIGURE_ACTIVITY_TYPE, t->x->flow->ns, sk_str_of(deed->type),
                  of[deed->end].number, deed->end == DEED_COMPLETED ? deed->us : -1);
    sk_rings_note_server(rings, of[deed->end].figure);
}

static void tell_deeds(const struct txn *t)
{
    for (const struct deed *deed = t->deeds; deed; deed = deed->next) {
        if (deed->source == SK_FAILURE_OF_ACTIVITY)
            tell_attempt(t, deed);
        else if (deed->source == SK_FAILURE_OF_WORKFLOW_TASK)
            sk_rings_note_server(sk_figures_rings(t->e->figures), SK_SERVER_WORKFLOW_TASKS_FAILED);
        if (deed->end != DEED_COMPLETED)
            tell_failure(t, deed);
    }
}

/* ---- the commit returned ---- */

static void tell_run(const struct txn *t, int number, enum sk_server_figure figure, int64_t us)
{
    struct sk_rings *rings = sk_figures_rings(t->e->figures);
    sk_rings_note_server(rings, figure);
    if (number >= 0)
        sk_rings_note(rings, SK_FIGURE_WORKFLOW_TYPE, t->x->flow->ns,
                      sk_str_of(t->x->s->workflow_type), number, us);
}

static void tell_closed(const struct txn *t, enum sk_server_figure figure)
{
    bool failed = figure == SK_SERVER_WORKFLOWS_FAILED || figure == SK_SERVER_WORKFLOWS_TIMED_OUT;
    if (figure == SK_SERVER_WORKFLOWS_COMPLETED)
        tell_run(t, SK_TYPE_COMPLETED, figure, (t->now_ns - t->x->s->start_ns) / 1000);
    else
        tell_run(t, failed ? SK_TYPE_FAILED : -1, figure, -1);
}

void count_commit(const struct txn *t)
{
    const char *ns = t->ns ? t->ns->name : "";
    for (size_t i = 0; i < COUNTED; i++) {
        if (t->counts[i] == 0)
            continue;
        sk_metric_add(sk_metric_series(counted[i].metric, ns), t->counts[i]);
        if (!counted[i].closes)
            continue;
        sk_metric_observe(sk_metric_series(SK_METRIC_WORKFLOW_SCHEDULE_TO_CLOSE_LATENCY, ns),
                          (t->now_ns - t->x->s->start_ns) / 1000);
        tell_closed(t, counted[i].figure);
    }
    if (t->batch_first == 1) // a run begins
        tell_run(t, SK_TYPE_STARTED, SK_SERVER_WORKFLOWS_STARTED, -1);
    tell_deeds(t);
}
