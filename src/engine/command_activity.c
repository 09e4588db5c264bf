/* Commands about activities: schedule one, with its timeouts completed; ask for its cancellation.
 */
#include "engine/command_internal.h"

#include <string.h>

static int64_t least(int64_t a, int64_t b)
{
    return b > 0 && (a == 0 || b < a) ? b : a;
}

/* Fill in what was left out: from schedule-to-close, or from the run's timeout. */
static bool activity_timeouts(struct runner *r,
                              const CMDMSG(ScheduleActivityTaskCommandAttributes) *c,
                              HIST(ActivityTaskScheduledEventAttributes) *a)
{
    struct sk_arena *arena = r->t->ctx->arena;
    int64_t run = r->t->x->s->run_timeout_ms;
    int64_t to_close = sk_dur_ms(c->schedule_to_close_timeout);
    int64_t to_start = sk_dur_ms(c->schedule_to_start_timeout);
    int64_t close = sk_dur_ms(c->start_to_close_timeout);
    int64_t heartbeat = sk_dur_ms(c->heartbeat_timeout);
    if (to_close > 0) {
        to_start = least(to_start, to_close);
        close = least(close, to_close);
    } else if (close > 0) {
        to_close = run;
        if (to_start == 0)
            to_start = run;
    } else {
        return VERDICT(r, BAD_SCHEDULE_ACTIVITY_ATTRIBUTES,
                       "a valid StartToClose or ScheduleToCloseTimeout is not set on "
                       "ScheduleActivityTaskCommand. ActivityId=%s ActivityType=%s",
                       c->activity_id, c->activity_type ? c->activity_type->name : "");
    }
    if (run > 0) {
        to_close = least(to_close, run);
        to_start = least(to_start, run);
        close = least(close, run);
    }
    if (heartbeat > close)
        heartbeat = close;
    a->schedule_to_close_timeout = sk_dur(arena, to_close);
    a->schedule_to_start_timeout = sk_dur(arena, to_start);
    a->start_to_close_timeout = sk_dur(arena, close);
    a->heartbeat_timeout = sk_dur(arena, heartbeat);
    return true;
}

/* The first of its timeouts that is negative, by name; NULL: none is. */
static const char *negative_timeout(const CMDMSG(ScheduleActivityTaskCommandAttributes) *c)
{
    return command_bad_duration(c->schedule_to_close_timeout)   ? "ScheduleToCloseTimeout"
           : command_bad_duration(c->schedule_to_start_timeout) ? "ScheduleToStartTimeout"
           : command_bad_duration(c->start_to_close_timeout)    ? "StartToCloseTimeout"
           : command_bad_duration(c->heartbeat_timeout)         ? "HeartbeatTimeout"
                                                                : NULL;
}

static bool check_activity_names(struct runner *r,
                                 const CMDMSG(ScheduleActivityTaskCommandAttributes) *c)
{
    const int cause = CAUSE(BAD_SCHEDULE_ACTIVITY_ATTRIBUTES);
    /* Unlike a child's, an activity's queue is not the workflow's by default. */
    const char *fault = !c->task_queue                      ? "taskQueue is not set"
                        : !sk_text_set(c->task_queue->name) ? "missing task queue name"
                                                            : command_queue_fault(r, c->task_queue);
    if (fault)
        return command_verdict(r, cause, fault);
    if (!sk_text_set(c->activity_id))
        return command_verdict(r, cause, "activityId is not set");
    if (!c->activity_type || !sk_text_set(c->activity_type->name))
        return command_verdict(r, cause, "activityType is not set");
    const char *name = c->activity_type->name;
    bool long_id = command_too_long(r, c->activity_id);
    if (long_id || command_too_long(r, name))
        return VERDICT(r, BAD_SCHEDULE_ACTIVITY_ATTRIBUTES,
                       "%s exceeds length limit. Length=%zu Limit=%lld",
                       long_id ? "activityId" : "activityType",
                       strlen(long_id ? c->activity_id : name),
                       (long long)command_limits(r)->id_length_max);
    return true;
}

static bool check_activity(struct runner *r, const CMDMSG(ScheduleActivityTaskCommandAttributes) *c)
{
    const int cause = CAUSE(BAD_SCHEDULE_ACTIVITY_ATTRIBUTES);
    if (!check_activity_names(r, c))
        return false;
    const char *negative = negative_timeout(c);
    if (negative)
        return VERDICT(r, BAD_SCHEDULE_ACTIVITY_ATTRIBUTES, "invalid %s: negative duration",
                       negative);
    const char *fault = sk_priority_fault(r->t->ctx->arena, c->priority);
    if (fault)
        return VERDICT(r, BAD_SCHEDULE_ACTIVITY_ATTRIBUTES, "invalid priorities: %s", fault);
    return command_check_policy(r, c->retry_policy, cause) &&
           command_fits(r, c->input, command_limits(r)->blob_size_error, cause,
                        "ScheduleActivityTaskCommandAttributes.Input exceeds size limit.");
}

bool command_schedule_activity(struct runner *r)
{
    const CMDMSG(ScheduleActivityTaskCommandAttributes) *c =
        r->command->schedule_activity_task_command_attributes;
    struct txn *t = r->t;
    if (!check_activity(r, c))
        return false;
    if ((int64_t)t->x->items[SK_PART_ACTIVITY].n >= command_limits(r)->pending_activities)
        return VERDICT(r, PENDING_ACTIVITIES_LIMIT_EXCEEDED,
                       "the number of pending activities, %zu, has reached the per-workflow limit "
                       "of %lld",
                       t->x->items[SK_PART_ACTIVITY].n,
                       (long long)command_limits(r)->pending_activities);
    if (exec_activity_by_name(t->x, c->activity_id, NULL))
        return VERDICT(r, SCHEDULE_ACTIVITY_DUPLICATE_ID,
                       "invalid history builder state for action: "
                       "add-activitytask-scheduled-event, ActivityID: %s",
                       c->activity_id);
    HIST(HistoryEvent) *event = command_event(r, EVENT(ACTIVITY_TASK_SCHEDULED));
    HIST(ActivityTaskScheduledEventAttributes) *a = event->activity_task_scheduled_event_attributes;
    if (!activity_timeouts(r, c, a))
        return false;
    a->activity_id = c->activity_id;
    a->activity_type = c->activity_type;
    a->task_queue = sk_queue_msg(t->ctx->arena, c->task_queue->name, NULL);
    a->header = c->header;
    a->input = c->input;
    a->workflow_task_completed_event_id = t->completed_id;
    a->retry_policy = retry_full_policy(t->ctx->arena, c->retry_policy);
    a->use_workflow_build_id = c->use_workflow_build_id;
    a->priority = priority_inherit(t->ctx->arena, c->priority, t->x->s->priority);
    txn_add(t, event);
    if (c->request_eager_execution && command_limits(r)->eager_activities)
        r->ret->eager[r->ret->eager_count++] = event->event_id; // dispatched at the end
    else
        activity_dispatch(t, exec_activity(t->x, event->event_id, NULL), true);
    return true;
}

bool command_cancel_activity(struct runner *r)
{
    struct txn *t = r->t;
    int64_t id = r->command->request_cancel_activity_task_command_attributes->scheduled_event_id;
    if (id <= 0)
        return VERDICT(r, BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES,
                       "ScheduledEventId is not set on RequestCancelActivityTaskCommand.");
    EN(Activity) *a = exec_activity(t->x, id, NULL);
    /* One that ended while the task ran may be cancelled still: the worker has not seen its end. */
    if (a ? a->cancel_requested : !txn_buffers_end(t, id))
        return VERDICT(r, BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES,
                       "invalid history builder state for action: "
                       "add-activitytask-cancel-requested-event, ScheduledEventID: %lld",
                       (long long)id);
    HIST(HistoryEvent) *event = command_event(r, EVENT(ACTIVITY_TASK_CANCEL_REQUESTED));
    event->activity_task_cancel_requested_event_attributes->scheduled_event_id = id;
    event->activity_task_cancel_requested_event_attributes->workflow_task_completed_event_id =
        t->completed_id;
    txn_add(t, event);
    if (a && a->started_ns == 0) { // nobody works on it: it is cancelled here and now
        for (size_t i = 0; i < r->ret->eager_count; i++)
            if (r->ret->eager[i] == id)
                r->ret->eager[i] = 0;
        activity_cancel(t, a, NULL, r->request->identity);
        r->ret->new_task = true;
    }
    return true;
}
