/*
 * The life of one activity inside a run.
 *
 *                    dispatch            mark_started
 *   backoff --------------------> ready ------------> started --+--> completed, failed,
 *      ^                            |                    |      |    timed out, cancelled
 *      +------- retry_or_end -------+--------------------+------+
 *
 * Attempts, heartbeats and backoffs are side records; history hears of an activity twice: when it
 * is scheduled and, with its last attempt, when it ends. A task row exists exactly while it is
 * ready. The start is durable before a worker sees the task, so that an attempt runs at most once.
 */
#include "engine/engine_internal.h"

#define RETRY_FAILURE_BYTES 4096 /* of a failure kept between attempts */

/* What says which row it is, and whose share of the queue it takes. */
static struct sk_task_row row_of(const struct txn *t, const EN(Activity) *a)
{
    struct sk_task_row row = {
        .queue = {t->x->flow->ns, SK_TASK_ACTIVITY, sk_str_of(a->task_queue)},
        .pass = a->task_pass,
        .seq = a->task_seq,
    };
    priority_to_row(a->priority, &row);
    if (a->task_priority)
        row.priority = a->task_priority;
    return row;
}

void activity_dispatch(struct txn *t, EN(Activity) *a, bool announce)
{
    a->stamp = ++t->x->s->stamp_next;
    a->task_seq = sk_matching_seq(t->e->matching);
    a->task_pass = a->task_priority = 0;
    struct sk_task_row row = row_of(t, a);
    row.run = exec_key(t->x);
    row.scheduled_id = a->scheduled_id;
    row.attempt = a->attempt;
    row.stamp = a->stamp;
    row.created_ms = txn_now_ms(t);
    if (a->schedule_to_start_ms > 0)
        row.expires_ms = a->scheduled_ns / MS_NS + a->schedule_to_start_ms;
    a->task_priority = row.priority;
    if (announce)
        a->task_pass = row.pass = sk_matching_place(t->e->matching, &row);
    txn_op(t, SK_OP_TASK_PUT)->task = row;
    if (announce)
        txn_announce(t, &row);
}

static struct sk_task_row delete_row(struct txn *t, EN(Activity) *a)
{
    struct sk_task_row row = row_of(t, a);
    txn_op(t, SK_OP_TASK_DELETE)->task = row;
    a->task_seq = a->task_pass = 0;
    return row;
}

void activity_drop_task(struct txn *t, EN(Activity) *a)
{
    if (a->task_seq == 0)
        return;
    struct sk_task_row row = delete_row(t, a);
    sk_matching_unplace(t->e->matching, &row);
}

void activity_mark_started(struct txn *t, EN(Activity) *a, struct item *item, const char *identity)
{
    if (a->task_seq != 0)
        delete_row(t, a);
    a->started_ns = t->now_ns;
    a->identity = exec_str(t->x, identity);
    a->request_id = exec_str(t->x, txn_uuid(t));
    if (a->stamp == 0)
        a->stamp = ++t->x->s->stamp_next;
    item_touch(item);
}

/* ---- deadlines ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t heartbeat_due_ms(const EN(Activity) *a)
{
    int64_t last = a->started_ns / MS_NS;
    if (a->heartbeat_at_ms > last)
        last = a->heartbeat_at_ms;
    return last + a->heartbeat_ms;
}

int64_t activity_due_ms(const EN(Activity) *a)
{
    int64_t due = a->expires_ms;
    if (a->started_ns == 0 && a->paused)
        return due;
    if (a->retry_due_ms)
        return sooner(due, a->retry_due_ms);
    if (a->started_ns == 0) {
        if (a->schedule_to_start_ms > 0)
            due = sooner(due, a->scheduled_ns / MS_NS + a->schedule_to_start_ms);
        return due;
    }
    if (a->start_to_close_ms > 0)
        due = sooner(due, a->started_ns / MS_NS + a->start_to_close_ms);
    if (a->heartbeat_ms > 0)
        due = sooner(due, heartbeat_due_ms(a));
    return due;
}

/* No worker took it in time. Where both deadlines are the same moment, as they are when only the
 * later one was given, this is the one that Temporal names. */
static bool start_is_late(const EN(Activity) *a, int64_t now)
{
    if (a->started_ns != 0 || a->paused || a->retry_due_ms || a->schedule_to_start_ms == 0)
        return false;
    int64_t due = a->scheduled_ns / MS_NS + a->schedule_to_start_ms;
    return due <= now && (a->expires_ms == 0 || due <= a->expires_ms);
}

bool activity_check(struct txn *t, EN(Activity) *a, struct item *item)
{
    int64_t now = txn_now_ms(t);
    if (start_is_late(a, now)) {
        activity_time_out(t, a, item, TIMEOUT(SCHEDULE_TO_START));
        return true;
    }
    if (a->expires_ms && a->expires_ms <= now) {
        activity_time_out(t, a, item, TIMEOUT(SCHEDULE_TO_CLOSE));
        return true;
    }
    if (a->started_ns == 0 && a->paused)
        return false;
    if (a->retry_due_ms) {
        if (a->retry_due_ms > now)
            return false;
        a->retry_due_ms = 0;
        a->scheduled_ns = t->now_ns;
        activity_dispatch(t, a, true);
        item_touch(item);
        return true;
    }
    if (a->started_ns == 0)
        return false;
    if (a->heartbeat_ms > 0 && heartbeat_due_ms(a) <= now) {
        activity_time_out(t, a, item, TIMEOUT(HEARTBEAT));
        return true;
    }
    if (a->start_to_close_ms > 0 && a->started_ns / MS_NS + a->start_to_close_ms <= now) {
        activity_time_out(t, a, item, TIMEOUT(START_TO_CLOSE));
        return true;
    }
    return false;
}

/* ---- ends ---- */

void activity_start_event(struct txn *t, EN(Activity) *a)
{
    if (a->started_ns == 0 || a->started_event_id != 0)
        return;
    HIST(HistoryEvent) *event = txn_event(t, EVENT(ACTIVITY_TASK_STARTED));
    event->event_time = sk_ts(t->ctx->arena, a->started_ns);
    HIST(ActivityTaskStartedEventAttributes) *s = event->activity_task_started_event_attributes;
    s->scheduled_event_id = a->scheduled_id;
    s->identity = a->identity;
    s->request_id = a->request_id;
    s->attempt = a->attempt;
    s->last_failure = a->last_failure;
    txn_add(t, event);
}

/* A failure that is kept between attempts is cut down when it is large. */
static FAILURE *bounded_failure(struct exec *x, const FAILURE *failure)
{
    if (!failure)
        return NULL;
    if (protobuf_c_message_get_packed_size(&failure->base) <= RETRY_FAILURE_BYTES)
        return EXEC_DUP(x, failure);
    FAILURE *cut = sk_failure_new(x->arena, "", failure->source);
    size_t n = failure->message.len < RETRY_FAILURE_BYTES / 2 ? failure->message.len
                                                              : RETRY_FAILURE_BYTES / 2;
    while (n > 0 && n < failure->message.len && (failure->message.data[n] & 0xc0) == 0x80)
        n--; // not inside a character
    cut->message = (ProtobufCBinaryData){n, sk_arena_memdup(x->arena, failure->message.data, n)};
    cut->failure_info_case = TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_SERVER_FAILURE_INFO;
    cut->server_failure_info = MSG_NEW(x->arena, Temporal__Api__Failure__V1__ServerFailureInfo,
                                       temporal__api__failure__v1__server_failure_info);
    return cut;
}

/* A deadline of the whole activity: no attempt failed, so the failure is not called final. */
static bool passed_deadline(const FAILURE *failure)
{
    if (!failure || failure->failure_info_case !=
                        TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_TIMEOUT_FAILURE_INFO)
        return false;
    int type = (int)failure->timeout_failure_info->timeout_type;
    return type == (int)TIMEOUT(SCHEDULE_TO_START) || type == (int)TIMEOUT(SCHEDULE_TO_CLOSE);
}

/* Begin the next attempt's backoff, or say why there is none. */
static bool retry(struct txn *t, EN(Activity) *a, struct item *item, const FAILURE *failure,
                  int *ret_state)
{
    if (a->cancel_requested) {
        *ret_state = RETRY_STATE(CANCEL_REQUESTED);
        return false;
    }
    if (passed_deadline(failure)) {
        *ret_state = RETRY_STATE(TIMEOUT);
        return false;
    }
    int64_t now = txn_now_ms(t);
    if (a->reset) { // counted anew, whatever the policy would say of this attempt
        a->attempt = 1;
        if (a->reset_heartbeat)
            a->heartbeat = NULL;
        a->reset = a->reset_heartbeat = false;
    }
    int64_t backoff =
        retry_backoff_ms(a->retry_policy, a->attempt, now, a->expires_ms, failure, ret_state);
    if (backoff < 0)
        return false;
    count_attempt(t, a, true, failure);
    activity_drop_task(t, a);
    a->attempt++;
    a->retry_due_ms = now + (backoff > 0 ? backoff : 1);
    a->retry_interval_ms = backoff;
    a->last_failure = bounded_failure(t->x, failure);
    a->last_identity = a->identity;
    a->last_attempt_complete_ms = now;
    a->started_ns = 0;
    a->heartbeat_at_ms = 0;
    a->request_id = exec_str(t->x, "");
    a->stamp = ++t->x->s->stamp_next; // answers of the attempt before are refused from now on
    item_touch(item);
    return true;
}

void activity_complete(struct txn *t, EN(Activity) *a, const COMMON(Payloads) *result,
                       const char *identity)
{
    count_attempt(t, a, false, NULL);
    activity_drop_task(t, a);
    activity_start_event(t, a);
    HIST(HistoryEvent) *event = txn_event(t, EVENT(ACTIVITY_TASK_COMPLETED));
    HIST(ActivityTaskCompletedEventAttributes) *c = event->activity_task_completed_event_attributes;
    c->result = (COMMON(Payloads) *)(uintptr_t)result;
    c->scheduled_event_id = a->scheduled_id;
    c->started_event_id = a->started_event_id;
    c->identity = sk_arena_strdup(t->ctx->arena, identity);
    txn_add(t, event);
    wft_schedule_if_idle(t);
}

void activity_fail(struct txn *t, EN(Activity) *a, struct item *item, const FAILURE *failure,
                   const char *identity, int cause)
{
    int state;
    if (retry(t, a, item, failure, &state))
        return;
    count_attempt(t, a, false, failure);
    activity_drop_task(t, a);
    activity_start_event(t, a);
    HIST(HistoryEvent) *event = txn_event(t, EVENT(ACTIVITY_TASK_FAILED));
    HIST(ActivityTaskFailedEventAttributes) *f = event->activity_task_failed_event_attributes;
    f->failure = (FAILURE *)(uintptr_t)failure;
    f->scheduled_event_id = a->scheduled_id;
    f->started_event_id = a->started_event_id;
    f->identity = sk_arena_strdup(t->ctx->arena, identity);
    f->retry_state = (Temporal__Api__Enums__V1__RetryState)state;
    f->cause = (Temporal__Api__Enums__V1__ActivityTaskFailedCause)cause;
    txn_add(t, event);
    wft_schedule_if_idle(t);
}

void activity_cancel(struct txn *t, EN(Activity) *a, const COMMON(Payloads) *details,
                     const char *identity)
{
    activity_drop_task(t, a);
    activity_start_event(t, a);
    HIST(HistoryEvent) *event = txn_event(t, EVENT(ACTIVITY_TASK_CANCELED));
    HIST(ActivityTaskCanceledEventAttributes) *c = event->activity_task_canceled_event_attributes;
    c->details = (COMMON(Payloads) *)(uintptr_t)details;
    c->latest_cancel_requested_event_id = a->cancel_requested_id;
    c->scheduled_event_id = a->scheduled_id;
    c->started_event_id = a->started_event_id;
    c->identity = sk_arena_strdup(t->ctx->arena, identity);
    txn_add(t, event);
}

static const char *timeout_text(int type)
{
    switch (type) {
    case TIMEOUT(START_TO_CLOSE):
        return "activity StartToClose timeout";
    case TIMEOUT(SCHEDULE_TO_START):
        return "activity ScheduleToStart timeout";
    case TIMEOUT(SCHEDULE_TO_CLOSE):
        return "activity ScheduleToClose timeout";
    default:
        return "activity Heartbeat timeout";
    }
}

void activity_time_out(struct txn *t, EN(Activity) *a, struct item *item, int timeout_type)
{
    struct sk_arena *arena = t->ctx->arena;
    FAILURE *failure = sk_failure_timeout(arena, timeout_text(timeout_type), timeout_type);
    int state;
    if (retry(t, a, item, failure, &state))
        return;
    count_attempt(t, a, false, failure);
    if (state == (int)RETRY_STATE(TIMEOUT) && timeout_type != (int)TIMEOUT(SCHEDULE_TO_START))
        failure = sk_failure_timeout(arena,
                                     "Not enough time to schedule next retry before activity "
                                     "ScheduleToClose timeout, giving up retrying",
                                     TIMEOUT(SCHEDULE_TO_CLOSE));
    /* The end alone has them: a timeout that is the cause of a later one has none. */
    failure->timeout_failure_info->last_heartbeat_details = a->heartbeat;
    failure->cause = a->last_failure;
    activity_drop_task(t, a);
    activity_start_event(t, a);
    HIST(HistoryEvent) *event = txn_event(t, EVENT(ACTIVITY_TASK_TIMED_OUT));
    HIST(ActivityTaskTimedOutEventAttributes) *o = event->activity_task_timed_out_event_attributes;
    o->failure = failure;
    o->scheduled_event_id = a->scheduled_id;
    o->started_event_id = a->started_event_id;
    o->retry_state = (Temporal__Api__Enums__V1__RetryState)state;
    txn_add(t, event);
    wft_schedule_if_idle(t);
}

/* ---- the answer to a poll ---- */

void activity_respond(struct exec *x, struct sk_ctx *ctx, const struct sk_namespace *ns,
                      const EN(Activity) *a,
                      const HIST(ActivityTaskScheduledEventAttributes) *scheduled,
                      WS(PollActivityTaskQueueResponse) *ret)
{
    struct sk_arena *arena = ctx->arena;
    EN(TaskToken) token = task_token_new(x, arena, SK_TASK_ACTIVITY);
    token.scheduled_id = a->scheduled_id;
    token.attempt = a->attempt;
    token.stamp = a->stamp;
    token.started_ns = a->started_ns;
    token.activity_id = a->activity_id;
    ret->task_token = token_seal(exec_engine(x), arena, &token.base);
    ret->workflow_namespace = sk_arena_strdup(arena, ns->name);
    ret->workflow_type = sk_type_msg(arena, x->s->workflow_type);
    ret->workflow_execution = sk_execution_msg(arena, token.workflow_id, x->run_text);
    ret->activity_type = scheduled->activity_type;
    ret->activity_id = scheduled->activity_id;
    ret->header = scheduled->header;
    ret->input = scheduled->input;
    ret->heartbeat_details = sk_msg_dup(arena, a->heartbeat);
    ret->scheduled_time = sk_ts(arena, a->first_scheduled_ns);
    ret->current_attempt_scheduled_time = sk_ts(arena, a->scheduled_ns);
    ret->started_time = sk_ts(arena, a->started_ns);
    ret->attempt = a->attempt;
    ret->schedule_to_close_timeout = sk_dur(arena, a->schedule_to_close_ms);
    ret->start_to_close_timeout = sk_dur(arena, a->start_to_close_ms);
    ret->heartbeat_timeout = sk_dur(arena, a->heartbeat_ms);
    ret->retry_policy = sk_msg_dup(arena, a->retry_policy);
    ret->priority = sk_msg_dup(arena, a->priority);
}
