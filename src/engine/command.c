/*
 * Commands: what a workflow asks for when its task completes. Each handler checks the command's
 * attributes, emits its event, and starts what follows from it. A bad command fails the whole task
 * (a verdict): the transition is abandoned by the caller, so handlers need not undo anything.
 */
#include "engine/command_internal.h"

#include <ctype.h>
#include <string.h>
#include "engine/cron.h"
#include "visibility/search_attributes.h"
#include "wire/wire.h"

#define RESERVED_QUEUE_PREFIX "/_sys/"

bool command_verdict(struct runner *r, int cause, const char *text)
{
    r->ret->verdict = (struct verdict){cause, false, text};
    return false;
}

const char *verdict_text(struct sk_arena *arena, const struct verdict *v)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &temporal__api__enums__v1__workflow_task_failed_cause__descriptor, v->cause);
    const char *from = value ? value->name + strlen("WORKFLOW_TASK_FAILED_CAUSE_") : "UNSPECIFIED";
    char *name = sk_arena_strdup(arena, from);
    size_t n = 0;
    for (const char *p = from; *p; p++) // BAD_SIGNAL -> BadSignal
        if (*p != '_')
            name[n++] = p == from || p[-1] == '_' ? *p : (char)tolower((unsigned char)*p);
    name[n] = '\0';
    return v->text ? sk_arena_printf(arena, "%s: %s", name, v->text) : name;
}

size_t payloads_size(const COMMON(Payloads) *payloads)
{
    return payloads ? protobuf_c_message_get_packed_size(&payloads->base) : 0;
}

/* Too large to keep: the task fails and the run ends. */
bool command_fits(struct runner *r, const void *message, int64_t limit, int cause, const char *text)
{
    if (!message ||
        (int64_t)protobuf_c_message_get_packed_size((const ProtobufCMessage *)message) <= limit)
        return true;
    r->ret->verdict = (struct verdict){cause, true, text};
    return false;
}

const struct sk_limits *command_limits(const struct runner *r)
{
    return r->t->e->limits;
}

bool command_too_long(const struct runner *r, const char *id)
{
    return (int64_t)strlen(id) > command_limits(r)->id_length_max;
}

const char *command_queue_fault(struct runner *r,
                                const Temporal__Api__Taskqueue__V1__TaskQueue *queue)
{
    if (queue && command_too_long(r, queue->name))
        return sk_arena_printf(r->t->ctx->arena,
                               "taskQueue length exceeds limit (%zu bytes, at most %lld)",
                               strlen(queue->name), (long long)command_limits(r)->id_length_max);
    if (queue && strncmp(queue->name, RESERVED_QUEUE_PREFIX, strlen(RESERVED_QUEUE_PREFIX)) == 0)
        return "task queue name cannot start with reserved prefix " RESERVED_QUEUE_PREFIX;
    return NULL;
}

HIST(HistoryEvent) *command_event(struct runner *r, int type)
{
    HIST(HistoryEvent) *event = txn_event(r->t, type);
    event->user_metadata = r->command->user_metadata;
    event->n_event_group_markers = r->command->n_event_group_markers;
    event->event_group_markers = r->command->event_group_markers;
    return event;
}

bool command_bad_duration(const API_DURATION *d)
{
    return d && (d->seconds < 0 || d->nanos < 0);
}

bool command_check_policy(struct runner *r, const COMMON(RetryPolicy) *p, int cause)
{
    const char *text = NULL;
    if (!p)
        return true;
    if (command_bad_duration(p->initial_interval))
        text = "invalid InitialInterval set on retry policy: negative duration";
    else if (p->backoff_coefficient != 0 && p->backoff_coefficient < 1)
        text = "BackoffCoefficient cannot be less than 1 on retry policy.";
    else if (command_bad_duration(p->maximum_interval))
        text = "invalid MaximumInterval set on retry policy: negative duration";
    else if (sk_dur_ms(p->maximum_interval) > 0 &&
             sk_dur_ms(p->maximum_interval) < sk_dur_ms(p->initial_interval))
        text = "MaximumInterval cannot be less than InitialInterval on retry policy.";
    else if (p->maximum_attempts < 0)
        text = "MaximumAttempts cannot be negative on retry policy.";
    return text ? command_verdict(r, cause, text) : true;
}

/* ---- timers ---- */

static bool run_start_timer(struct runner *r)
{
    const CMDMSG(StartTimerCommandAttributes) *c = r->command->start_timer_command_attributes;
    if (!sk_text_set(c->timer_id))
        return VERDICT(r, BAD_START_TIMER_ATTRIBUTES, "TimerId is not set on StartTimerCommand.");
    if (command_too_long(r, c->timer_id))
        return VERDICT(r, BAD_START_TIMER_ATTRIBUTES,
                       "TimerId on StartTimerCommand exceeds length limit. TimerId=%s Length=%zu "
                       "Limit=%lld",
                       c->timer_id, strlen(c->timer_id),
                       (long long)command_limits(r)->id_length_max);
    if (command_bad_duration(c->start_to_fire_timeout))
        return VERDICT(r, BAD_START_TIMER_ATTRIBUTES,
                       "An invalid StartToFireTimeout is set on StartTimerCommand: negative "
                       "duration. TimerId=%s",
                       c->timer_id);
    if (exec_timer_by_name(r->t->x, c->timer_id))
        return VERDICT(r, START_TIMER_DUPLICATE_ID,
                       "invalid history builder state for action: add-timer-started-event, "
                       "TimerID: %s",
                       c->timer_id);
    HIST(HistoryEvent) *event = command_event(r, EVENT(TIMER_STARTED));
    HIST(TimerStartedEventAttributes) *a = event->timer_started_event_attributes;
    a->timer_id = c->timer_id;
    a->start_to_fire_timeout = c->start_to_fire_timeout
                                   ? sk_dur_capped(r->t->ctx->arena, c->start_to_fire_timeout)
                                   : sk_dur(r->t->ctx->arena, 0);
    a->workflow_task_completed_event_id = r->t->completed_id;
    txn_add(r->t, event);
    return true;
}

/* A timer that fired while the task ran waits in the buffer: take it out, it is as if it had not.
 * Returns its started event id, or 0. */
static int64_t unbuffer_timer(struct txn *t, const char *timer_id)
{
    EN(ExecutionState) *s = t->x->s;
    struct sk_ctx scratch = {.arena = t->ctx->arena};
    for (size_t i = 0; i < s->n_buffered; i++) {
        ProtobufCMessage *m;
        struct sk_str bytes = {(const char *)s->buffered[i].data, s->buffered[i].len};
        if (sk_wire_decode_own(&scratch, &temporal__api__history__v1__history_event__descriptor,
                               bytes, &m) != SK_OK)
            continue;
        const HIST(HistoryEvent) *event = (const HIST(HistoryEvent) *)m;
        if ((int)event->event_type != (int)EVENT(TIMER_FIRED) ||
            strcmp(event->timer_fired_event_attributes->timer_id, timer_id) != 0)
            continue;
        s->buffered_bytes -= (int64_t)bytes.n;
        memmove(s->buffered + i, s->buffered + i + 1,
                (s->n_buffered - i - 1) * sizeof *s->buffered);
        s->n_buffered--;
        return event->timer_fired_event_attributes->started_event_id;
    }
    return 0;
}

static bool run_cancel_timer(struct runner *r)
{
    const CMDMSG(CancelTimerCommandAttributes) *c = r->command->cancel_timer_command_attributes;
    if (!sk_text_set(c->timer_id))
        return VERDICT(r, BAD_CANCEL_TIMER_ATTRIBUTES, "TimerId is not set on CancelTimerCommand.");
    const EN(Timer) *timer = exec_timer_by_name(r->t->x, c->timer_id);
    int64_t started = timer ? timer->started_id : unbuffer_timer(r->t, c->timer_id);
    if (started == 0)
        return VERDICT(r, BAD_CANCEL_TIMER_ATTRIBUTES,
                       "invalid history builder state for action: add-timer-canceled-event, "
                       "TimerID: %s",
                       c->timer_id);
    r->unseen = r->unseen && r->t->x->s->n_buffered > 0;
    HIST(HistoryEvent) *event = command_event(r, EVENT(TIMER_CANCELED));
    HIST(TimerCanceledEventAttributes) *a = event->timer_canceled_event_attributes;
    a->timer_id = c->timer_id;
    a->started_event_id = started;
    a->workflow_task_completed_event_id = r->t->completed_id;
    a->identity = r->request->identity;
    txn_add(r->t, event);
    return true;
}

/* ---- closing ---- */

/* A close command while something is buffered: the worker has to see that first. */
static bool may_close(struct runner *r)
{
    if (r->unseen) {
        r->ret->verdict = (struct verdict){CAUSE(UNHANDLED_COMMAND), false, NULL};
        return false;
    }
    return true;
}

static bool run_complete(struct runner *r)
{
    const CMDMSG(CompleteWorkflowExecutionCommandAttributes) *c =
        r->command->complete_workflow_execution_command_attributes;
    if (!may_close(r) ||
        /* Temporal names the activity's cause here; clients compare the text. */
        !command_fits(r, c->result, command_limits(r)->blob_size_error,
                      CAUSE(BAD_SCHEDULE_ACTIVITY_ATTRIBUTES),
                      "CompleteWorkflowExecutionCommandAttributes.Result exceeds size limit."))
        return false;
    close_completed(r->t, c->result, r->command->user_metadata);
    return true;
}

static bool run_fail(struct runner *r)
{
    const CMDMSG(FailWorkflowExecutionCommandAttributes) *c =
        r->command->fail_workflow_execution_command_attributes;
    if (!may_close(r))
        return false;
    if (!c->failure)
        return VERDICT(r, BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES,
                       "Failure is not set on FailWorkflowExecutionCommand.");
    if (!command_fits(r, c->failure, command_limits(r)->blob_size_error,
                      CAUSE(BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES),
                      "FailWorkflowExecutionCommandAttributes.Failure exceeds size limit."))
        return false;
    close_failed(r->t, c->failure, r->command->user_metadata);
    return true;
}

static bool run_cancel(struct runner *r)
{
    if (!may_close(r))
        return false;
    close_canceled(r->t, r->command->cancel_workflow_execution_command_attributes->details,
                   r->command->user_metadata);
    return true;
}

static struct sk_sa_limits sa_limits(const struct runner *r)
{
    return (struct sk_sa_limits){command_limits(r)->search_attribute_keys,
                                 command_limits(r)->search_attribute_value,
                                 command_limits(r)->search_attribute_total};
}

bool command_check_attributes(struct runner *r, const COMMON(SearchAttributes) *attributes)
{
    struct sk_sa_limits l = sa_limits(r);
    struct sk_ctx scratch = {.arena = r->t->ctx->arena};
    if (sk_sa_validate(&scratch, r->t->ns, attributes, &l) == SK_OK)
        return true;
    return command_verdict(r, CAUSE(BAD_SEARCH_ATTRIBUTES), scratch.err.message);
}

static bool run_continue_as_new(struct runner *r)
{
    const CMDMSG(ContinueAsNewWorkflowExecutionCommandAttributes) *c =
        r->command->continue_as_new_workflow_execution_command_attributes;
    const int cause = CAUSE(BAD_CONTINUE_AS_NEW_ATTRIBUTES);
    if (!may_close(r))
        return false;
    if (c->workflow_type && command_too_long(r, c->workflow_type->name))
        return VERDICT(r, BAD_CONTINUE_AS_NEW_ATTRIBUTES,
                       "WorkflowType on ContinueAsNewWorkflowExecutionCommand exceeds length "
                       "limit. WorkflowType=%s Length=%zu Limit=%lld",
                       c->workflow_type->name, strlen(c->workflow_type->name),
                       (long long)command_limits(r)->id_length_max);
    const char *fault = command_queue_fault(r, c->task_queue);
    if (fault)
        return VERDICT(r, BAD_CONTINUE_AS_NEW_ATTRIBUTES,
                       "error validating ContinueAsNewWorkflowExecutionCommand TaskQueue: %s",
                       fault);
    if (command_bad_duration(c->workflow_run_timeout) ||
        command_bad_duration(c->workflow_task_timeout) ||
        command_bad_duration(c->backoff_start_interval))
        return command_verdict(r, cause,
                               "a timeout on ContinueAsNewWorkflowExecutionCommand is negative.");
    struct sk_ctx scratch = {.arena = r->t->ctx->arena};
    if (sk_cron_validate(&scratch, c->cron_schedule) != SK_OK)
        return command_verdict(r, cause, scratch.err.message);
    if (!command_check_policy(r, c->retry_policy, cause) ||
        !command_check_attributes(r, c->search_attributes) ||
        !command_fits(
            r, c->input, command_limits(r)->blob_size_error, cause,
            "ContinueAsNewWorkflowExecutionCommandAttributes. Input exceeds size limit.") ||
        !command_fits(r, c->memo, command_limits(r)->memo_size_error, cause,
                      "ContinueAsNewWorkflowExecutionCommandAttributes. Memo exceeds size limit."))
        return false;
    close_continued(r->t, c, r->command->user_metadata);
    return true;
}

/* ---- markers and properties ---- */

static bool run_marker(struct runner *r)
{
    const CMDMSG(RecordMarkerCommandAttributes) *c = r->command->record_marker_command_attributes;
    const int cause = CAUSE(BAD_RECORD_MARKER_ATTRIBUTES);
    struct sk_arena *arena = r->t->ctx->arena;
    if (!sk_text_set(c->marker_name))
        return command_verdict(r, cause, "MarkerName is not set on RecordMarkerCommand.");
    if (command_too_long(r, c->marker_name))
        return VERDICT(r, BAD_RECORD_MARKER_ATTRIBUTES,
                       "MarkerName on RecordMarkerCommand exceeds length limit. MarkerName=%s "
                       "Length=%zu Limit=%lld",
                       c->marker_name, strlen(c->marker_name),
                       (long long)command_limits(r)->id_length_max);
    size_t size = 0;
    for (size_t i = 0; i < c->n_details; i++)
        size += payloads_size(c->details[i]->value);
    if ((int64_t)size > command_limits(r)->blob_size_error) {
        r->ret->verdict = (struct verdict){
            cause, true, "RecordMarkerCommandAttributes.Details exceeds size limit."};
        return false;
    }
    HIST(HistoryEvent) *event = command_event(r, EVENT(MARKER_RECORDED));
    HIST(MarkerRecordedEventAttributes) *a = event->marker_recorded_event_attributes;
    a->marker_name = c->marker_name;
    a->n_details = c->n_details;
    a->details =
        SK_NEW_N(arena, HIST(MarkerRecordedEventAttributes__DetailsEntry) *, c->n_details + 1);
    for (size_t i = 0; i < c->n_details; i++) {
        a->details[i] =
            MSG_NEW(arena, HIST(MarkerRecordedEventAttributes__DetailsEntry),
                    temporal__api__history__v1__marker_recorded_event_attributes__details_entry);
        a->details[i]->key = c->details[i]->key;
        a->details[i]->value = c->details[i]->value;
    }
    a->workflow_task_completed_event_id = r->t->completed_id;
    a->header = c->header;
    a->failure = c->failure;
    txn_add(r->t, event);
    return true;
}

static bool run_upsert_attributes(struct runner *r)
{
    const COMMON(SearchAttributes) *given =
        r->command->upsert_workflow_search_attributes_command_attributes->search_attributes;
    if (!given)
        return VERDICT(r, BAD_SEARCH_ATTRIBUTES,
                       "SearchAttributes is not set on UpsertWorkflowSearchAttributesCommand.");
    if (given->n_indexed_fields == 0)
        return VERDICT(r, BAD_SEARCH_ATTRIBUTES,
                       "IndexedFields is not set on UpsertWorkflowSearchAttributesCommand.");
    if (!command_check_attributes(r, given))
        return false;
    HIST(HistoryEvent) *event = command_event(r, EVENT(UPSERT_WORKFLOW_SEARCH_ATTRIBUTES));
    HIST(UpsertWorkflowSearchAttributesEventAttributes) *a =
        event->upsert_workflow_search_attributes_event_attributes;
    a->workflow_task_completed_event_id = r->t->completed_id;
    a->search_attributes = sk_sa_present(r->t->ctx->arena, r->t->ns, given);
    txn_add(r->t, event);
    r->t->visible = true;
    return true;
}

static bool run_modify_properties(struct runner *r)
{
    const COMMON(Memo) *given =
        r->command->modify_workflow_properties_command_attributes->upserted_memo;
    const int cause = CAUSE(BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES);
    if (!given)
        return command_verdict(r, cause,
                               "UpsertedMemo is not set on ModifyWorkflowPropertiesCommand.");
    if (given->n_fields == 0)
        return command_verdict(
            r, cause, "UpsertedMemo.Fields is not set on ModifyWorkflowPropertiesCommand.");
    if (!command_fits(r, given, command_limits(r)->memo_size_error, cause,
                      "ModifyWorkflowPropertiesCommandAttributes exceeds size limit."))
        return false;
    HIST(HistoryEvent) *event = command_event(r, EVENT(WORKFLOW_PROPERTIES_MODIFIED));
    HIST(WorkflowPropertiesModifiedEventAttributes) *a =
        event->workflow_properties_modified_event_attributes;
    a->workflow_task_completed_event_id = r->t->completed_id;
    a->upserted_memo = (COMMON(Memo) *)(uintptr_t)given;
    txn_add(r->t, event);
    r->t->visible = true;
    return true;
}

/* ---- not in this version ---- */

static bool run_protocol_message(struct runner *r)
{
    return VERDICT(r, BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE,
                   "this server does not take workflow updates yet");
}

static bool run_nexus(struct runner *r)
{
    return VERDICT(r, FEATURE_DISABLED, "this server has no Nexus operations yet");
}

#define ATTRIBUTES(x) TEMPORAL__API__COMMAND__V1__COMMAND__ATTRIBUTES_##x##_COMMAND_ATTRIBUTES
static const struct command_kind {
    bool (*run)(struct runner *r);
    int attributes; /* which member of the oneof it must carry */
    bool closes;
} kinds[] = {
    [COMMAND(SCHEDULE_ACTIVITY_TASK)] = {command_schedule_activity,
                                         ATTRIBUTES(SCHEDULE_ACTIVITY_TASK), false},
    [COMMAND(REQUEST_CANCEL_ACTIVITY_TASK)] = {command_cancel_activity,
                                               ATTRIBUTES(REQUEST_CANCEL_ACTIVITY_TASK), false},
    [COMMAND(START_TIMER)] = {run_start_timer, ATTRIBUTES(START_TIMER), false},
    [COMMAND(COMPLETE_WORKFLOW_EXECUTION)] = {run_complete, ATTRIBUTES(COMPLETE_WORKFLOW_EXECUTION),
                                              true},
    [COMMAND(FAIL_WORKFLOW_EXECUTION)] = {run_fail, ATTRIBUTES(FAIL_WORKFLOW_EXECUTION), true},
    [COMMAND(CANCEL_TIMER)] = {run_cancel_timer, ATTRIBUTES(CANCEL_TIMER), false},
    [COMMAND(CANCEL_WORKFLOW_EXECUTION)] = {run_cancel, ATTRIBUTES(CANCEL_WORKFLOW_EXECUTION),
                                            true},
    [COMMAND(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION)] =
        {command_cancel_external, ATTRIBUTES(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION), false},
    [COMMAND(RECORD_MARKER)] = {run_marker, ATTRIBUTES(RECORD_MARKER), false},
    [COMMAND(CONTINUE_AS_NEW_WORKFLOW_EXECUTION)] = {run_continue_as_new,
                                                     ATTRIBUTES(CONTINUE_AS_NEW_WORKFLOW_EXECUTION),
                                                     true},
    [COMMAND(START_CHILD_WORKFLOW_EXECUTION)] = {command_start_child,
                                                 ATTRIBUTES(START_CHILD_WORKFLOW_EXECUTION), false},
    [COMMAND(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION)] = {command_signal_external,
                                                     ATTRIBUTES(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION),
                                                     false},
    [COMMAND(UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)] = {run_upsert_attributes,
                                                    ATTRIBUTES(UPSERT_WORKFLOW_SEARCH_ATTRIBUTES),
                                                    false},
    [COMMAND(PROTOCOL_MESSAGE)] = {run_protocol_message, ATTRIBUTES(PROTOCOL_MESSAGE), false},
    [COMMAND(MODIFY_WORKFLOW_PROPERTIES)] = {run_modify_properties,
                                             ATTRIBUTES(MODIFY_WORKFLOW_PROPERTIES), false},
    [COMMAND(SCHEDULE_NEXUS_OPERATION)] = {run_nexus, ATTRIBUTES(SCHEDULE_NEXUS_OPERATION), false},
    [COMMAND(REQUEST_CANCEL_NEXUS_OPERATION)] = {run_nexus,
                                                 ATTRIBUTES(REQUEST_CANCEL_NEXUS_OPERATION), false},
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

static const struct command_kind *kind_of(const CMDMSG(Command) *command)
{
    size_t type = (size_t)command->command_type;
    return type < KIND_COUNT && kinds[type].run ? &kinds[type] : NULL;
}

/* What makes the whole request wrong rather than the task fail. */
static sk_err check_sequence(struct sk_ctx *ctx, const WS(RespondWorkflowTaskCompletedRequest) *r)
{
    for (size_t i = 0; i < r->n_commands; i++) {
        const struct command_kind *kind = kind_of(r->commands[i]);
        if (!kind)
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "unknown command type: %d",
                           (int)r->commands[i]->command_type);
        if ((int)r->commands[i]->attributes_case != kind->attributes)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "commands[%zu] of type %d carries attributes of another type (%d)", i,
                           (int)r->commands[i]->command_type, (int)r->commands[i]->attributes_case);
        if (kind->closes && i + 1 < r->n_commands)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "invalid command sequence: command %zu of %zu closes the workflow and "
                           "must be the last command",
                           i + 1, r->n_commands);
    }
    return SK_OK;
}

sk_err commands_run(struct txn *t, const WS(RespondWorkflowTaskCompletedRequest) *request,
                    struct command_results *ret)
{
    sk_err err = check_sequence(t->ctx, request);
    if (err != SK_OK)
        return err;
    memset(ret, 0, sizeof *ret);
    ret->eager = SK_NEW_N(t->ctx->arena, int64_t, request->n_commands + 1);
    struct runner r = {.t = t, .request = request, .ret = ret, .unseen = t->x->s->n_buffered > 0};
    t->holding = true;
    for (size_t i = 0; i < request->n_commands; i++) {
        r.command = request->commands[i];
        if (!kind_of(r.command)->run(&r))
            break; // a verdict
    }
    t->holding = false;
    return SK_OK;
}
