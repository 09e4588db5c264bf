/*
 * The model workflow. It keeps nothing between tasks: it reads the whole history, counts what is
 * pending, and draws what to do next from the simulation's randomness: so it is no deterministic
 * program, and need not be, since the server does not replay.
 *
 * It ends by itself: the more workflow tasks it has had the likelier it closes, and when nothing is
 * pending that would wake it, it starts a timer or closes.
 */
#include "sim.h"

#include <stdio.h>

#define PENDING_MAX 64

struct pending {
    int64_t ids[PENDING_MAX];
    const char *names[PENDING_MAX];
    size_t count;
};

/* What the history says so far. */
struct tale {
    struct pending activities, timers, children;
    size_t external; /* cancels and signals on their way */
    size_t tasks;    /* workflow tasks completed */
    size_t signals;
    bool cancel_requested;
};

static void pend(struct pending *p, int64_t id, const char *name)
{
    if (p->count == PENDING_MAX)
        return;
    p->ids[p->count] = id;
    p->names[p->count++] = name;
}

static void unpend(struct pending *p, int64_t id)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->ids[i] == id) {
            p->count--;
            p->ids[i] = p->ids[p->count];
            p->names[i] = p->names[p->count];
            return;
        }
}

#define ATTR(event, member) ((event)->member##_event_attributes)
#define UNPEND(list, TYPE, member, field)            \
    case EVENT(TYPE):                                \
        unpend(&tale->list, ATTR(e, member)->field); \
        break

static void read_event(struct tale *tale, const HIST(HistoryEvent) *e)
{
    switch ((int)e->event_type) {
    case EVENT(WORKFLOW_TASK_COMPLETED):
        tale->tasks++;
        break;
    case EVENT(WORKFLOW_EXECUTION_SIGNALED):
        tale->signals++;
        break;
    case EVENT(WORKFLOW_EXECUTION_CANCEL_REQUESTED):
        tale->cancel_requested = true;
        break;
    case EVENT(ACTIVITY_TASK_SCHEDULED):
        pend(&tale->activities, e->event_id, ATTR(e, activity_task_scheduled)->activity_id);
        break;
    case EVENT(TIMER_STARTED):
        pend(&tale->timers, e->event_id, ATTR(e, timer_started)->timer_id);
        break;
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_INITIATED):
        pend(&tale->children, e->event_id,
             ATTR(e, start_child_workflow_execution_initiated)->workflow_id);
        break;
        UNPEND(activities, ACTIVITY_TASK_COMPLETED, activity_task_completed, scheduled_event_id);
        UNPEND(activities, ACTIVITY_TASK_FAILED, activity_task_failed, scheduled_event_id);
        UNPEND(activities, ACTIVITY_TASK_TIMED_OUT, activity_task_timed_out, scheduled_event_id);
        UNPEND(activities, ACTIVITY_TASK_CANCELED, activity_task_canceled, scheduled_event_id);
        UNPEND(timers, TIMER_FIRED, timer_fired, started_event_id);
        UNPEND(timers, TIMER_CANCELED, timer_canceled, started_event_id);
        UNPEND(children, START_CHILD_WORKFLOW_EXECUTION_FAILED,
               start_child_workflow_execution_failed, initiated_event_id);
        UNPEND(children, CHILD_WORKFLOW_EXECUTION_COMPLETED, child_workflow_execution_completed,
               initiated_event_id);
        UNPEND(children, CHILD_WORKFLOW_EXECUTION_FAILED, child_workflow_execution_failed,
               initiated_event_id);
        UNPEND(children, CHILD_WORKFLOW_EXECUTION_CANCELED, child_workflow_execution_canceled,
               initiated_event_id);
        UNPEND(children, CHILD_WORKFLOW_EXECUTION_TIMED_OUT, child_workflow_execution_timed_out,
               initiated_event_id);
        UNPEND(children, CHILD_WORKFLOW_EXECUTION_TERMINATED, child_workflow_execution_terminated,
               initiated_event_id);
    default:
        break;
    }
}

/* ---- commands ---- */

#define COMMAND_NEW(d, TYPE, Attributes, snake) \
    command_new(arena, d, COMMAND(TYPE),        \
                &temporal__api__command__v1__##snake##_command_attributes__descriptor, #snake)

static void *command_new(struct sk_arena *arena, struct sim_decision *d, int type,
                         const ProtobufCMessageDescriptor *attributes, const char *name)
{
    CMDMSG(Command) *c = MSG_NEW(arena, CMDMSG(Command), temporal__api__command__v1__command);
    char field_name[160];
    snprintf(field_name, sizeof field_name, "%s_command_attributes", name);
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
        &temporal__api__command__v1__command__descriptor, field_name);
    SK_ASSERT(field && d->count < sizeof d->commands / sizeof d->commands[0]);
    c->command_type = (Temporal__Api__Enums__V1__CommandType)type;
    c->attributes_case = (Temporal__Api__Command__V1__Command__AttributesCase)field->id;
    c->schedule_activity_task_command_attributes = sk_msg_new(arena, attributes); // members overlap
    d->commands[d->count++] = c;
    return c->schedule_activity_task_command_attributes;
}

static COMMON(RetryPolicy) *retry_policy(struct sk_arena *arena)
{
    COMMON(RetryPolicy) *policy = COMMON_NEW(arena, RetryPolicy, retry_policy);
    int64_t initial_ms = sim_span(100, 2000);
    policy->initial_interval = sk_dur(arena, initial_ms);
    policy->backoff_coefficient = 2;
    policy->maximum_interval = sk_dur(arena, initial_ms + 3000);
    policy->maximum_attempts = (int32_t)sim_between(1, 4);
    return policy;
}

/* Often none, or some of its fields. */
Temporal__Api__Common__V1__Priority *sim_priority(struct sk_arena *arena)
{
    static const float weights[] = {0, 0.001f, 0.5f, 1, 3, 1000};
    if (sim_chance(60))
        return NULL;
    COMMON(Priority) *p = COMMON_NEW(arena, Priority, priority);
    p->priority_key = (int32_t)sim_between(0, 5);
    if (sim_chance(70))
        p->fairness_key = sk_arena_printf(arena, "tenant-%d", (int)sim_below(5));
    else if (sim_chance(30))
        p->fairness_key = sim_name(arena, "tenant");
    p->fairness_weight = weights[sim_below(sizeof weights / sizeof weights[0])];
    return p;
}

static void schedule_activity(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(ScheduleActivityTaskCommandAttributes) *a =
        COMMAND_NEW(d, SCHEDULE_ACTIVITY_TASK, ScheduleActivityTask, schedule_activity_task);
    a->activity_id = sim_name(arena, "a");
    a->activity_type = COMMON_NEW(arena, ActivityType, activity_type);
    a->activity_type->name = sk_arena_strdup(arena, "act");
    a->task_queue = sk_queue_msg(arena, SIM_QUEUE, NULL);
    a->input = sim_payloads(arena, "in");
    a->start_to_close_timeout = sk_dur(arena, sim_span(500, 10000));
    a->schedule_to_close_timeout = sk_dur(arena, sim_span(2000, 40000));
    a->schedule_to_start_timeout = sk_dur(arena, sim_span(1000, 30000));
    if (sim_chance(40))
        a->heartbeat_timeout = sk_dur(arena, sim_span(300, 3000));
    if (sim_chance(70))
        a->retry_policy = retry_policy(arena);
    a->request_eager_execution = sim_chance(30);
    a->priority = sim_priority(arena);
}

static void start_timer(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(StartTimerCommandAttributes) *a = COMMAND_NEW(d, START_TIMER, StartTimer, start_timer);
    a->timer_id = sim_name(arena, "t");
    a->start_to_fire_timeout = sk_dur(arena, sim_chance(10) ? 1 : sim_span(50, 20000));
}

static void start_child(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(StartChildWorkflowExecutionCommandAttributes) *a =
        COMMAND_NEW(d, START_CHILD_WORKFLOW_EXECUTION, StartChildWorkflowExecution,
                    start_child_workflow_execution);
    a->workflow_id = sim_chance(20) // perhaps taken
                         ? sk_arena_printf(arena, "wf-%d", (int)sim_below(SIM_IDS))
                         : sim_name(arena, "child");
    a->workflow_type = sk_type_msg(arena, "flow");
    a->task_queue = sk_queue_msg(arena, SIM_QUEUE, NULL);
    a->input = sim_payloads(arena, "in");
    if (sim_chance(40))
        a->workflow_run_timeout = sk_dur(arena, sim_span(2000, 60000));
    a->parent_close_policy = (Temporal__Api__Enums__V1__ParentClosePolicy)sim_between(0, 3);
    if (sim_chance(15))
        a->retry_policy = retry_policy(arena);
    a->priority = sim_priority(arena);
}

static void cancel_external(struct sk_arena *arena, struct sim_decision *d, const char *workflow_id)
{
    CMDMSG(RequestCancelExternalWorkflowExecutionCommandAttributes) *a =
        COMMAND_NEW(d, REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION,
                    RequestCancelExternalWorkflowExecution,
                    request_cancel_external_workflow_execution);
    a->workflow_id = sk_arena_strdup(arena, workflow_id);
}

static void signal_external(struct sk_arena *arena, struct sim_decision *d, const char *workflow_id)
{
    CMDMSG(SignalExternalWorkflowExecutionCommandAttributes) *a =
        COMMAND_NEW(d, SIGNAL_EXTERNAL_WORKFLOW_EXECUTION, SignalExternalWorkflowExecution,
                    signal_external_workflow_execution);
    a->execution = sk_execution_msg(arena, workflow_id, "");
    a->signal_name = sim_name(arena, "external");
    a->input = sim_payloads(arena, "in");
}

static void record_marker(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(RecordMarkerCommandAttributes) *a =
        COMMAND_NEW(d, RECORD_MARKER, RecordMarker, record_marker);
    a->marker_name = sk_arena_strdup(arena, "marker");
}

static void modify_memo(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(ModifyWorkflowPropertiesCommandAttributes) *a = COMMAND_NEW(
        d, MODIFY_WORKFLOW_PROPERTIES, ModifyWorkflowProperties, modify_workflow_properties);
    COMMON(Memo) *memo = COMMON_NEW(arena, Memo, memo);
    COMMON(Memo__FieldsEntry) *entry = COMMON_NEW(arena, Memo__FieldsEntry, memo__fields_entry);
    entry->key = sk_arena_strdup(arena, "note");
    entry->value = sim_payloads(arena, "changed")->payloads[0];
    memo->n_fields = 1;
    memo->fields = SK_NEW_N(arena, COMMON(Memo__FieldsEntry) *, 1);
    memo->fields[0] = entry;
    a->upserted_memo = memo;
}

static void upsert_attributes(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(UpsertWorkflowSearchAttributesCommandAttributes) *a =
        COMMAND_NEW(d, UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, UpsertWorkflowSearchAttributes,
                    upsert_workflow_search_attributes);
    COMMON(SearchAttributes) *sa = COMMON_NEW(arena, SearchAttributes, search_attributes);
    COMMON(SearchAttributes__IndexedFieldsEntry) *entry = COMMON_NEW(
        arena, SearchAttributes__IndexedFieldsEntry, search_attributes__indexed_fields_entry);
    entry->key = sk_arena_strdup(arena, "BuildIds"); // predefined, a list of keywords
    entry->value = sim_payloads(arena, "[\"one\",\"two\"]")->payloads[0];
    entry->value->data = sk_bin(arena, "[\"one\",\"two\"]");
    sa->n_indexed_fields = 1;
    sa->indexed_fields = SK_NEW_N(arena, COMMON(SearchAttributes__IndexedFieldsEntry) *, 1);
    sa->indexed_fields[0] = entry;
    a->search_attributes = sa;
}

/* ---- endings ---- */

static void complete(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(CompleteWorkflowExecutionCommandAttributes) *a = COMMAND_NEW(
        d, COMPLETE_WORKFLOW_EXECUTION, CompleteWorkflowExecution, complete_workflow_execution);
    a->result = sim_payloads(arena, "done");
}

static void fail(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(FailWorkflowExecutionCommandAttributes) *a =
        COMMAND_NEW(d, FAIL_WORKFLOW_EXECUTION, FailWorkflowExecution, fail_workflow_execution);
    a->failure = sk_failure_new(arena, "it failed", "Sim");
}

static void continue_as_new(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(ContinueAsNewWorkflowExecutionCommandAttributes) *a =
        COMMAND_NEW(d, CONTINUE_AS_NEW_WORKFLOW_EXECUTION, ContinueAsNewWorkflowExecution,
                    continue_as_new_workflow_execution);
    a->workflow_type = sk_type_msg(arena, "flow");
    a->task_queue = sk_queue_msg(arena, SIM_QUEUE, NULL);
    a->input = sim_payloads(arena, "again");
    if (sim_chance(20))
        a->backoff_start_interval = sk_dur(arena, sim_span(10, 2000));
}

static void cancel_self(struct sk_arena *arena, struct sim_decision *d)
{
    (void)COMMAND_NEW(d, CANCEL_WORKFLOW_EXECUTION, CancelWorkflowExecution,
                      cancel_workflow_execution);
    (void)arena;
}

static void close_somehow(struct sk_arena *arena, const struct tale *tale, struct sim_decision *d)
{
    uint64_t draw = sim_below(100);
    d->closes = true;
    if (sim->finishing)
        complete(arena, d);
    else if (tale->cancel_requested && draw < 60)
        cancel_self(arena, d);
    else if (draw < 15)
        continue_as_new(arena, d);
    else if (draw < 30)
        fail(arena, d);
    else
        complete(arena, d);
}

/* ---- the decision ---- */

static void cancel_something(struct sk_arena *arena, struct tale *tale, struct sim_decision *d)
{
    if (tale->activities.count && sim_chance(50)) {
        CMDMSG(RequestCancelActivityTaskCommandAttributes) *a =
            COMMAND_NEW(d, REQUEST_CANCEL_ACTIVITY_TASK, RequestCancelActivityTask,
                        request_cancel_activity_task);
        a->scheduled_event_id = tale->activities.ids[sim_below(tale->activities.count)];
    } else if (tale->timers.count) {
        CMDMSG(CancelTimerCommandAttributes) *a =
            COMMAND_NEW(d, CANCEL_TIMER, CancelTimer, cancel_timer);
        uint64_t i = sim_below(tale->timers.count);
        a->timer_id = sk_arena_strdup(arena, tale->timers.names[i]);
        unpend(&tale->timers, tale->timers.ids[i]);
    }
}

static const char *somebody(struct sk_arena *arena, const struct tale *tale, const char *self)
{
    if (tale->children.count && sim_chance(50))
        return tale->children.names[sim_below(tale->children.count)];
    if (sim_chance(10))
        return self;
    return sk_arena_printf(arena, "wf-%d", (int)sim_below(SIM_IDS + 1)); // the last does not exist
}

static void do_something(struct sk_arena *arena, struct tale *tale, const char *self,
                         struct sim_decision *d)
{
    uint64_t draw = sim_below(100);
    if (tale->activities.count && sim_chance(12))
        cancel_something(arena, tale, d);
    else if (draw < 32)
        schedule_activity(arena, d);
    else if (draw < 52)
        start_timer(arena, d);
    else if (draw < 64)
        start_child(arena, d);
    else if (draw < 74)
        cancel_something(arena, tale, d);
    else if (draw < 81)
        signal_external(arena, d, somebody(arena, tale, self));
    else if (draw < 86)
        cancel_external(arena, d, somebody(arena, tale, self));
    else if (draw < 91)
        record_marker(arena, d);
    else if (draw < 96)
        modify_memo(arena, d);
    else
        upsert_attributes(arena, d);
}

/* A command that the server must refuse, failing the task. */
static void do_nonsense(struct sk_arena *arena, struct sim_decision *d)
{
    CMDMSG(CancelTimerCommandAttributes) *a =
        COMMAND_NEW(d, CANCEL_TIMER, CancelTimer, cancel_timer);
    a->timer_id = sim_name(arena, "no-such-timer");
}

/* A wide workflow: hundreds of activities and children whose ends come all at once. */
static void fan_out(struct sk_arena *arena, struct sim_decision *d)
{
    for (uint64_t n = sim_below(sim->width); n > 0; n--)
        schedule_activity(arena, d);
    for (uint64_t n = sim_below(sim->width / 4); n > 0; n--)
        start_child(arena, d);
}

/* Some command's outcome will wake the workflow. */
static bool brings_back(const struct sim_decision *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->commands[i]->command_type == COMMAND(SCHEDULE_ACTIVITY_TASK) ||
            d->commands[i]->command_type == COMMAND(START_CHILD_WORKFLOW_EXECUTION))
            return true;
    return false;
}

void sim_decide(struct sk_arena *arena, const HIST(History) *history, const char *workflow_id,
                struct sim_decision *ret)
{
    struct tale tale = {0};
    *ret = (struct sim_decision){0};
    for (size_t i = 0; i < history->n_events; i++)
        read_event(&tale, history->events[i]);
    bool child = !strncmp(workflow_id, "child", 5);
    if (sim->finishing || sim_below(14) < tale.tasks + (child ? 4 : 0)) {
        close_somehow(arena, &tale, ret);
        return;
    }
    if (sim->width && !child && tale.tasks == 0 && sim_chance(50))
        fan_out(arena, ret);
    if (sim_wild() && sim_chance(2))
        do_nonsense(arena, ret);
    for (uint64_t n = sim_below(sim_chance(8) ? 12 : 4); n > 0;
         n--) // sometimes more than fit into a row
        do_something(arena, &tale, workflow_id, ret);
    bool waits =
        tale.activities.count || tale.timers.count || tale.children.count || brings_back(ret);
    if (!waits || sim_chance(10))
        start_timer(arena, ret);
}
