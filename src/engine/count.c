/*
 * What transitions did, as metrics with Temporal's names: workflows and activities by how they
 * ended, workflow tasks that failed. Events are noted while a transition gathers them and counted
 * when its commit returned, so that what was refused is never counted. Loop threads; no state but
 * the transition's own counts.
 */
#include "base/metric.h"
#include "engine/engine_internal.h"

static const struct {
    int event;
    enum sk_metric metric;
    bool closes; /* the run; its duration is observed too */
} counted[] = {
    {EVENT(WORKFLOW_EXECUTION_COMPLETED), SK_METRIC_WORKFLOW_SUCCESS, true},
    {EVENT(WORKFLOW_EXECUTION_FAILED), SK_METRIC_WORKFLOW_FAILED, true},
    {EVENT(WORKFLOW_EXECUTION_CANCELED), SK_METRIC_WORKFLOW_CANCEL, true},
    {EVENT(WORKFLOW_EXECUTION_TERMINATED), SK_METRIC_WORKFLOW_TERMINATE, true},
    {EVENT(WORKFLOW_EXECUTION_TIMED_OUT), SK_METRIC_WORKFLOW_TIMEOUT, true},
    {EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW), SK_METRIC_WORKFLOW_CONTINUED_AS_NEW, true},
    {EVENT(WORKFLOW_TASK_FAILED), SK_METRIC_FAILED_WORKFLOW_TASKS, false},
    {EVENT(ACTIVITY_TASK_COMPLETED), SK_METRIC_ACTIVITY_SUCCESS, false},
    {EVENT(ACTIVITY_TASK_FAILED), SK_METRIC_ACTIVITY_FAIL, false},
    {EVENT(ACTIVITY_TASK_TIMED_OUT), SK_METRIC_ACTIVITY_TIMEOUT, false},
};
#define COUNTED (sizeof(counted) / sizeof(counted[0]))
static_assert(COUNTED <= COUNTED_EVENTS, "struct txn has a count for each");

void count_note(struct txn *t, int event_type)
{
    for (size_t i = 0; i < COUNTED; i++)
        if (counted[i].event == event_type)
            t->counts[i]++;
}

void count_commit(const struct txn *t)
{
    const char *ns = t->ns ? t->ns->name : "";
    for (size_t i = 0; i < COUNTED; i++) {
        if (t->counts[i] == 0)
            continue;
        sk_metric_add(sk_metric_series(counted[i].metric, ns), t->counts[i]);
        if (counted[i].closes)
            sk_metric_observe(sk_metric_series(SK_METRIC_WORKFLOW_SCHEDULE_TO_CLOSE_LATENCY, ns),
                              (t->now_ns - t->x->s->start_ns) / 1000);
    }
}
