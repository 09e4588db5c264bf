/*
 * Deadlines: when a run must go on by itself, by the checker's own arithmetic. It knows them from
 * the events and, for what no event tells (attempts of activities, later attempts of workflow
 * tasks), from what the commits store.
 *
 *   7  every deadline that a run carries comes true when it must: its row names the earliest one,
 *      since a scan finds no other; nothing times out, fires, begins or is deleted before its
 *      moment; and while commits succeed none has passed for longer than LATE_MS
 *
 * A workflow task that was handed out has a deadline that no row knows before the next commit on
 * its run: `held` is what its worker was told. It goes with the process, as the start does.
 */
#include "sim.h"

#include "wire/wire.h"

#define ATTR(event, member) ((event)->member##_event_attributes)
#define LATE_MS 5000
#define LOOK_EVERY_MS 2500

static void earlier(struct sim_due *due, int64_t ms, const char *what)
{
    if (ms && (!due->ms || ms < due->ms))
        *due = (struct sim_due){ms, what};
}

static int64_t ms_of(const API_TIMESTAMP *time)
{
    return sk_ts_ns(time) / 1000000;
}

/* ---- activities ---- */

/* The deadline of this kind that the activity's present attempt has; 0: none. */
static int64_t attempt_due(const struct sim_item *item, int timeout_type)
{
    const struct sim_attempt *a = &item->attempt;
    int64_t beat_ms = a->beat_ms > a->started_ms ? a->beat_ms : a->started_ms;
    bool waits = !a->started_ms && !a->retry_ms && !a->paused;
    switch (timeout_type) {
    case TIMEOUT(SCHEDULE_TO_CLOSE):
        return item->to_close_ms ? item->scheduled_ms + item->to_close_ms : 0;
    case TIMEOUT(SCHEDULE_TO_START):
        return item->to_start_ms && waits ? a->scheduled_ms + item->to_start_ms : 0;
    case TIMEOUT(START_TO_CLOSE):
        return item->start_to_close_ms && a->started_ms ? a->started_ms + item->start_to_close_ms
                                                        : 0;
    case TIMEOUT(HEARTBEAT):
        return item->heartbeat_ms && a->started_ms ? beat_ms + item->heartbeat_ms : 0;
    default:
        return 0;
    }
}

static void activity_dues(const struct sim_item *item, struct sim_due *due)
{
    const struct sim_attempt *a = &item->attempt;
    earlier(due, attempt_due(item, TIMEOUT(SCHEDULE_TO_CLOSE)), "an activity, schedule to close");
    earlier(due, attempt_due(item, TIMEOUT(SCHEDULE_TO_START)), "an activity, schedule to start");
    earlier(due, attempt_due(item, TIMEOUT(START_TO_CLOSE)), "an activity, start to close");
    earlier(due, attempt_due(item, TIMEOUT(HEARTBEAT)), "an activity's heartbeat");
    if (!a->paused)
        earlier(due, a->retry_ms, "an activity's next attempt");
}

/* An attempt ended so at that moment: if by a timeout, then it was time. */
static void check_attempt_end(const struct sim_run *run, const struct sim_item *item,
                              const FAILURE *failure, int64_t at_ms)
{
    if (!failure || failure->failure_info_case !=
                        TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_TIMEOUT_FAILURE_INFO)
        return;
    int type = (int)failure->timeout_failure_info->timeout_type;
    struct sim_due due = {0};
    earlier(&due, attempt_due(item, type), "its own");
    if (type == (int)TIMEOUT(SCHEDULE_TO_CLOSE)) { // or no time is left for another attempt
        earlier(&due, attempt_due(item, TIMEOUT(START_TO_CLOSE)), "start to close");
        earlier(&due, attempt_due(item, TIMEOUT(HEARTBEAT)), "heartbeat");
    }
    SIM_CHECK(due.ms && at_ms >= due.ms, "activity %lld of %s times out (%d) %lld ms early",
              (long long)item->id, run->run_id, type, (long long)(due.ms - at_ms));
}

void sim_due_attempt(struct sim_run *run, const EN(Activity) *r)
{
    struct sim_item *item = sk_imap_get(run->items[SK_PART_ACTIVITY], r->scheduled_id);
    struct sim_attempt now = {
        .number = r->attempt,
        .scheduled_ms = r->scheduled_ns / 1000000,
        .started_ms = r->started_ns / 1000000,
        .beat_ms = r->heartbeat_at_ms,
        .retry_ms = r->retry_due_ms,
        .paused = r->paused,
    };
    if (!item)
        return; // check.c says so
    const struct sim_attempt *before = &item->attempt;
    if (now.number == before->number + 1)
        check_attempt_end(run, item, r->last_failure, r->last_attempt_complete_ms);
    bool dispatched = before->retry_ms && !now.retry_ms && now.number == before->number;
    SIM_CHECK(!sim->quiet || !dispatched || now.scheduled_ms >= before->retry_ms,
              "attempt %d of activity %lld in %s begins %lld ms early", now.number,
              (long long)item->id, run->run_id, (long long)(before->retry_ms - now.scheduled_ms));
    item->attempt = now;
}

/* ---- events ---- */

void sim_due_begin(struct sim_item *item, const HIST(HistoryEvent) *e)
{
    int64_t at_ms = ms_of(e->event_time);
    if (e->event_type == EVENT(TIMER_STARTED)) { // due in whole milliseconds
        item->due_ms = (sk_ts_ns(e->event_time) + 999999) / 1000000 +
                       sk_dur_ms(ATTR(e, timer_started)->start_to_fire_timeout);
        return;
    }
    const HIST(ActivityTaskScheduledEventAttributes) *a = ATTR(e, activity_task_scheduled);
    item->scheduled_ms = at_ms;
    item->to_close_ms = sk_dur_ms(a->schedule_to_close_timeout);
    item->to_start_ms = sk_dur_ms(a->schedule_to_start_timeout);
    item->start_to_close_ms = sk_dur_ms(a->start_to_close_timeout);
    item->heartbeat_ms = sk_dur_ms(a->heartbeat_timeout);
    item->attempt = (struct sim_attempt){.number = 1, .scheduled_ms = at_ms};
}

static void begin_run(struct sim_run *run, const HIST(HistoryEvent) *e)
{
    const HIST(WorkflowExecutionStartedEventAttributes) *a = ATTR(e, workflow_execution_started);
    int64_t run_ms = sk_dur_ms(a->workflow_run_timeout);
    run->begin_ms = ms_of(e->event_time) + sk_dur_ms(a->first_workflow_task_backoff);
    run->task_timeout_ms = sk_dur_ms(a->workflow_task_timeout);
    earlier(&run->end, run_ms ? run->begin_ms + run_ms : 0, "its run timeout");
    earlier(&run->end, ms_of(a->workflow_execution_expiration_time), "its execution timeout");
}

static void check_task_timeout(const struct sim_run *run, const HIST(HistoryEvent) *e)
{
    bool started = (int)ATTR(e, workflow_task_timed_out)->timeout_type == TIMEOUT(START_TO_CLOSE);
    int64_t due = started ? run->task.started_ms + run->task.timeout_ms : run->task.sticky_ms;
    SIM_CHECK(due && ms_of(e->event_time) >= due, "a workflow task of %s times out %lld ms early",
              run->run_id, (long long)(due - ms_of(e->event_time)));
}

void sim_due_event(struct sim_run *run, const HIST(HistoryEvent) *e)
{
    int64_t at_ms = ms_of(e->event_time);
    const struct sim_item *item;
    run->last_ms = at_ms;
    switch ((int)e->event_type) {
    case EVENT(WORKFLOW_EXECUTION_STARTED):
        begin_run(run, e);
        break;
    case EVENT(WORKFLOW_TASK_SCHEDULED):
        SIM_CHECK(run->had_task || at_ms >= run->begin_ms, "%s begins %lld ms early", run->run_id,
                  (long long)(run->begin_ms - at_ms));
        run->had_task = true;
        run->task = (struct sim_task){
            .attempt = ATTR(e, workflow_task_scheduled)->attempt,
            .timeout_ms = sk_dur_ms(ATTR(e, workflow_task_scheduled)->start_to_close_timeout),
            .sticky_ms = run->task.sticky_ms,
        };
        break;
    case EVENT(WORKFLOW_TASK_STARTED):
        run->task.started_ms = at_ms;
        break;
    case EVENT(WORKFLOW_TASK_TIMED_OUT):
        check_task_timeout(run, e);
        break;
    case EVENT(TIMER_FIRED):
        item = sk_imap_get(run->items[SK_PART_TIMER], ATTR(e, timer_fired)->started_event_id);
        SIM_CHECK(!item || at_ms >= item->due_ms, "timer %lld of %s fires %lld ms early",
                  (long long)item->id, run->run_id, (long long)(item->due_ms - at_ms));
        break;
    case EVENT(ACTIVITY_TASK_TIMED_OUT):
        item = sk_imap_get(run->items[SK_PART_ACTIVITY],
                           ATTR(e, activity_task_timed_out)->scheduled_event_id);
        if (item)
            check_attempt_end(run, item, ATTR(e, activity_task_timed_out)->failure, at_ms);
        break;
    case EVENT(WORKFLOW_EXECUTION_TIMED_OUT):
        SIM_CHECK(run->end.ms && at_ms >= run->end.ms, "%s times out %lld ms early", run->run_id,
                  (long long)(run->end.ms - at_ms));
        break;
    default:
        break;
    }
}

/* ---- after a commit ---- */

/* The workflow task as it is stored now. An attempt after the second follows one without events. */
static void take_task(struct sim_run *run, const EN(WorkflowTask) *wft)
{
    const struct sim_task *before = &run->task;
    int64_t due = before->started_ms ? before->started_ms + before->timeout_ms : run->held.ms;
    bool timed_out = wft && before->attempt > 1 && wft->attempt == before->attempt + 1;
    SIM_CHECK(!sim->quiet || !timed_out || sk_now_wall_ms() >= due,
              "attempt %d of a workflow task of %s times out %lld ms early", before->attempt,
              run->run_id, (long long)(due - sk_now_wall_ms()));
    run->held = (struct sim_due){0};
    run->task = (struct sim_task){0};
    if (!wft)
        return;
    SIM_CHECK(wft->timeout_ms >= run->task_timeout_ms, "%s: a workflow task has %lld ms, not %lld",
              run->run_id, (long long)wft->timeout_ms, (long long)run->task_timeout_ms);
    run->task = (struct sim_task){
        .attempt = wft->attempt,
        .timeout_ms = wft->timeout_ms,
        .started_ms = wft->started_ns / 1000000,
        .sticky_ms = wft->schedule_to_start_due_ms,
    };
}

static void item_dues(const struct sim_run *run, const EN(ExecutionState) *s, struct sim_due *due)
{
    size_t cursor = 0;
    int64_t id;
    void *value;
    for (size_t i = 0; i < s->n_activities; i++)
        activity_dues(sk_imap_get(run->items[SK_PART_ACTIVITY], s->activities[i]->scheduled_id),
                      due);
    while (sk_imap_next(run->parts[SK_PART_ACTIVITY], &cursor, &id, &value))
        activity_dues(sk_imap_get(run->items[SK_PART_ACTIVITY], id), due);
    cursor = 0;
    for (size_t i = 0; i < s->n_timers; i++) {
        const struct sim_item *item =
            sk_imap_get(run->items[SK_PART_TIMER], s->timers[i]->started_id);
        earlier(due, item->due_ms, "a timer");
    }
    while (sk_imap_next(run->parts[SK_PART_TIMER], &cursor, &id, &value)) {
        const struct sim_item *item = sk_imap_get(run->items[SK_PART_TIMER], id);
        earlier(due, item->due_ms, "a timer");
    }
}

void sim_due_state(struct sim_run *run, const EN(ExecutionState) *s, int64_t stored_ms)
{
    struct sim_due due = {0};
    take_task(run, s->wft);
    if (!sim_run_open(run)) {
        earlier(&due, run->last_ms + sim->ns->retention_ms, "its deletion");
    } else {
        for (size_t i = 0; i < s->n_activities; i++)
            sim_due_attempt(run, s->activities[i]);
        due = run->end;
        if (!run->had_task && !s->first_task_pending)
            earlier(&due, run->begin_ms, "its first task");
        item_dues(run, s, &due);
    }
    run->rest = due;
    if (run->task.started_ms)
        earlier(&due, run->task.started_ms + run->task.timeout_ms, "a started workflow task");
    else
        earlier(&due, run->task.sticky_ms, "a workflow task on a sticky queue");
    run->due = due;
    SIM_CHECK(stored_ms == due.ms, "%s waits for %s at %lld, its row says %lld", run->run_id,
              due.what ? due.what : "nothing", (long long)due.ms, (long long)stored_ms);
}

void sim_due_held(const WS(PollWorkflowTaskQueueResponse) *task, int life)
{
    if (task->query)
        return;
    struct sim_run *run = sim_run_find(task->workflow_execution->run_id);
    SIM_CHECK(run, "a task of %s, which is not in the store", task->workflow_execution->run_id);
    if (!run->task.timeout_ms || run->task.started_ms || run->task.attempt != task->attempt)
        return; // a commit came in between
    run->held =
        (struct sim_due){ms_of(task->started_time) + run->task.timeout_ms, "a task in memory"};
    run->held_mono_ms = sk_now_mono_ms() + run->task.timeout_ms;
    run->held_life = life;
}

/* ---- looking ---- */

static void check_late(const struct sim_run *run)
{
    int64_t now_ms = sk_now_wall_ms();
    const struct sim_due *due = &run->due;
    if (run->held.ms && run->held_life == sim->lives) {
        due = &run->rest;
        SIM_CHECK(now_ms <= run->held.ms + LATE_MS ||
                      sk_now_mono_ms() <= run->held_mono_ms + LATE_MS,
                  "%s: the deadline of a task that is started in memory passed %lld ms ago",
                  run->run_id, (long long)(now_ms - run->held.ms));
    }
    SIM_CHECK(!due->ms || now_ms <= due->ms + LATE_MS, "%s: %s was due %lld ms ago", run->run_id,
              due->what, (long long)(now_ms - due->ms));
}

void sim_due_look(void *arg)
{
    (void)arg;
    while (!sim->over) {
        sk_fiber_sleep(LOOK_EVERY_MS);
        if (!sim->up || sim->faults || sk_now_mono_ms() < sim->calm_ms + LATE_MS)
            continue;
        for (const struct sim_run *run = sim->first; run; run = run->next)
            if (!run->deleted)
                check_late(run);
    }
    sim->fibers--;
}
