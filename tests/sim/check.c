/*
 * The checker: reads every committed transaction, knows nothing of the engine, and keeps its own
 * idea of each run from the events alone. It stops the simulation at the first transaction that
 * breaks a rule of design.md section 5:
 *
 *   1  event ids contiguous, nothing after the close event
 *   2  the stored state agrees with the fold: next event id, status, pending items, workflow task
 *   3  at most one open run a workflow id; a run opens together with the pointer
 *   5  an activity ends once, a timer fires or is cancelled once, a child closes once; a completed
 *      activity was started
 *   6  the visibility row agrees with the status at the end of each transaction
 *   7  deadlines: due.c
 *
 * Task rows are mirrored, for the check at the end that none is left behind. Named things (signals,
 * results, completions) are counted as they appear in histories.
 */
#include "sim.h"

#include <stdio.h>
#include "wire/wire.h"

#define ATTR(event, member) ((event)->member##_event_attributes)

/* ---- runs and deeds ---- */

struct sim_run *sim_run_find(const char *run_id)
{
    return sk_map_get(sim->runs, sk_str_of(run_id));
}

bool sim_run_open(const struct sim_run *run)
{
    return run->status == STATUS(RUNNING) && !run->deleted;
}

static struct sim_run *run_of(const struct sk_run_key *key)
{
    char text[SK_UUID_TEXT];
    sk_uuid_format(key->run_id, text);
    struct sim_run *run = sim_run_find(text);
    if (run)
        return run;
    run = sk_mem_zalloc(sizeof *run);
    run->workflow_id = sk_mem_strndup(key->workflow_id.p, key->workflow_id.n);
    run->uuid = key->run_id;
    memcpy(run->run_id, text, sizeof text);
    for (int i = 1; i < SIM_ITEM_KINDS; i++) {
        run->items[i] = sk_imap_new();
        run->parts[i] = sk_imap_new();
    }
    run->next = sim->first;
    sim->first = run;
    sk_map_put(sim->runs, sk_str_of(text), run);
    return run;
}

struct sim_deed *sim_deed_of(const char *name)
{
    struct sim_deed *deed = sk_map_get(sim->deeds, sk_str_of(name));
    if (!deed) {
        deed = sk_mem_zalloc(sizeof *deed);
        sk_map_put(sim->deeds, sk_str_of(name), deed);
    }
    return deed;
}

static void saw(const char *name)
{
    if (sk_text_set(name))
        sim_deed_of(name)->seen++;
}

/* A client's signal: one that was sent again may have found the next run the second time, but one
 * run takes one request once. What another workflow sends comes once in all. */
static void saw_signal(const struct sim_run *run, struct sk_arena *arena, const char *name)
{
    saw(name);
    sim_say("      %s", name);
    if (!strncmp(name, "signal", 6)) {
        sim_deed_of(name)->repeats = true;
        saw(sk_arena_printf(arena, "%s in %s", name, run->run_id));
    }
}

int sim_open_runs(void)
{
    int count = 0;
    for (struct sim_run *run = sim->first; run; run = run->next)
        count += sim_run_open(run);
    return count;
}

/* ---- events ---- */

static struct sim_item *item_of(struct sim_run *run, enum sk_part_kind kind, int64_t id)
{
    return sk_imap_get(run->items[kind], id);
}

static void item_begin(struct sim_run *run, enum sk_part_kind kind, int64_t id)
{
    struct sim_item *item = sk_mem_zalloc(sizeof *item);
    item->id = id;
    SIM_CHECK(!sk_imap_put(run->items[kind], id, item), "item %lld of kind %d begins twice",
              (long long)id, kind);
}

static void item_start(struct sim_run *run, enum sk_part_kind kind, int64_t id)
{
    struct sim_item *item = item_of(run, kind, id);
    SIM_CHECK(item && !item->started, "item %lld of kind %d starts twice or unknown in %s",
              (long long)id, kind, run->run_id);
    item->started = true;
}

static void item_end(struct sim_run *run, enum sk_part_kind kind, int64_t id, bool must_be_started)
{
    struct sim_item *item = sk_imap_remove(run->items[kind], id);
    SIM_CHECK(item, "item %lld of kind %d ends twice or unknown in %s", (long long)id, kind,
              run->run_id);
    SIM_CHECK(item->started || !must_be_started, "item %lld of kind %d ends before its start in %s",
              (long long)id, kind, run->run_id);
    sk_mem_free(item);
}

static void wft_end(struct sim_run *run, int64_t scheduled, int64_t started)
{
    SIM_CHECK(run->wft_scheduled == scheduled, "workflow task %lld ends, %lld was scheduled in %s",
              (long long)scheduled, (long long)run->wft_scheduled, run->run_id);
    SIM_CHECK(!started || run->wft_started == started,
              "workflow task started at %lld, not %lld in %s", (long long)run->wft_started,
              (long long)started, run->run_id);
    run->wft_scheduled = run->wft_started = 0;
}

static bool check_wft_event(struct sim_run *run, const HIST(HistoryEvent) *e)
{
    switch ((int)e->event_type) {
    case EVENT(WORKFLOW_TASK_SCHEDULED):
        SIM_CHECK(!run->wft_scheduled, "two workflow tasks at once in %s", run->run_id);
        run->wft_scheduled = e->event_id;
        return true;
    case EVENT(WORKFLOW_TASK_STARTED):
        SIM_CHECK(run->wft_scheduled == ATTR(e, workflow_task_started)->scheduled_event_id &&
                      !run->wft_started,
                  "workflow task started without being scheduled in %s", run->run_id);
        run->wft_started = e->event_id;
        return true;
    case EVENT(WORKFLOW_TASK_COMPLETED):
        wft_end(run, ATTR(e, workflow_task_completed)->scheduled_event_id,
                ATTR(e, workflow_task_completed)->started_event_id);
        saw(ATTR(e, workflow_task_completed)->identity);
        return true;
    case EVENT(WORKFLOW_TASK_FAILED):
        wft_end(run, ATTR(e, workflow_task_failed)->scheduled_event_id,
                ATTR(e, workflow_task_failed)->started_event_id);
        return true;
    case EVENT(WORKFLOW_TASK_TIMED_OUT):
        wft_end(run, ATTR(e, workflow_task_timed_out)->scheduled_event_id,
                ATTR(e, workflow_task_timed_out)->started_event_id);
        return true;
    default:
        return false;
    }
}

static bool check_activity_event(struct sim_run *run, struct sk_arena *arena,
                                 const HIST(HistoryEvent) *e)
{
    switch ((int)e->event_type) {
    case EVENT(ACTIVITY_TASK_SCHEDULED):
        item_begin(run, SK_PART_ACTIVITY, e->event_id);
        sim_due_begin(item_of(run, SK_PART_ACTIVITY, e->event_id), e);
        return true;
    case EVENT(ACTIVITY_TASK_STARTED):
        item_start(run, SK_PART_ACTIVITY, ATTR(e, activity_task_started)->scheduled_event_id);
        return true;
    case EVENT(ACTIVITY_TASK_COMPLETED):
        item_end(run, SK_PART_ACTIVITY, ATTR(e, activity_task_completed)->scheduled_event_id, true);
        saw(sim_text(arena, ATTR(e, activity_task_completed)->result));
        return true;
    case EVENT(ACTIVITY_TASK_FAILED):
        item_end(run, SK_PART_ACTIVITY, ATTR(e, activity_task_failed)->scheduled_event_id, true);
        return true;
    case EVENT(ACTIVITY_TASK_TIMED_OUT):
        item_end(run, SK_PART_ACTIVITY, ATTR(e, activity_task_timed_out)->scheduled_event_id,
                 false);
        return true;
    case EVENT(ACTIVITY_TASK_CANCELED):
        item_end(run, SK_PART_ACTIVITY, ATTR(e, activity_task_canceled)->scheduled_event_id, false);
        return true;
    case EVENT(TIMER_STARTED):
        item_begin(run, SK_PART_TIMER, e->event_id);
        sim_due_begin(item_of(run, SK_PART_TIMER, e->event_id), e);
        return true;
    case EVENT(TIMER_FIRED):
        item_end(run, SK_PART_TIMER, ATTR(e, timer_fired)->started_event_id, false);
        return true;
    case EVENT(TIMER_CANCELED):
        item_end(run, SK_PART_TIMER, ATTR(e, timer_canceled)->started_event_id, false);
        return true;
    default:
        return false;
    }
}

/* What a parent is told about its child is how the child ended. */
static void check_child_end(const COMMON(WorkflowExecution) *child, int status)
{
    const struct sim_run *run = sim_run_find(child->run_id);
    SIM_CHECK(run && run->status == status, "child %s of %s has status %d, its parent is told %d",
              child->run_id, child->workflow_id, run ? run->status : 0, status);
}

static bool check_child_event(struct sim_run *run, const HIST(HistoryEvent) *e)
{
    switch ((int)e->event_type) {
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_INITIATED):
        item_begin(run, SK_PART_CHILD, e->event_id);
        return true;
    case EVENT(START_CHILD_WORKFLOW_EXECUTION_FAILED):
        item_end(run, SK_PART_CHILD,
                 ATTR(e, start_child_workflow_execution_failed)->initiated_event_id, false);
        return true;
    case EVENT(CHILD_WORKFLOW_EXECUTION_STARTED):
        item_start(run, SK_PART_CHILD,
                   ATTR(e, child_workflow_execution_started)->initiated_event_id);
        return true;
    case EVENT(CHILD_WORKFLOW_EXECUTION_COMPLETED):
        item_end(run, SK_PART_CHILD,
                 ATTR(e, child_workflow_execution_completed)->initiated_event_id, true);
        check_child_end(ATTR(e, child_workflow_execution_completed)->workflow_execution,
                        STATUS(COMPLETED));
        return true;
    case EVENT(CHILD_WORKFLOW_EXECUTION_FAILED):
        item_end(run, SK_PART_CHILD, ATTR(e, child_workflow_execution_failed)->initiated_event_id,
                 true);
        check_child_end(ATTR(e, child_workflow_execution_failed)->workflow_execution,
                        STATUS(FAILED));
        return true;
    case EVENT(CHILD_WORKFLOW_EXECUTION_CANCELED):
        item_end(run, SK_PART_CHILD, ATTR(e, child_workflow_execution_canceled)->initiated_event_id,
                 true);
        check_child_end(ATTR(e, child_workflow_execution_canceled)->workflow_execution,
                        STATUS(CANCELED));
        return true;
    case EVENT(CHILD_WORKFLOW_EXECUTION_TIMED_OUT):
        item_end(run, SK_PART_CHILD,
                 ATTR(e, child_workflow_execution_timed_out)->initiated_event_id, true);
        check_child_end(ATTR(e, child_workflow_execution_timed_out)->workflow_execution,
                        STATUS(TIMED_OUT));
        return true;
    case EVENT(CHILD_WORKFLOW_EXECUTION_TERMINATED):
        item_end(run, SK_PART_CHILD,
                 ATTR(e, child_workflow_execution_terminated)->initiated_event_id, true);
        check_child_end(ATTR(e, child_workflow_execution_terminated)->workflow_execution,
                        STATUS(TERMINATED));
        return true;
    default:
        return false;
    }
}

static bool check_external_event(struct sim_run *run, struct sk_arena *arena,
                                 const HIST(HistoryEvent) *e)
{
    switch ((int)e->event_type) {
    case EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED):
        item_begin(run, SK_PART_CANCEL, e->event_id);
        return true;
    case EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED):
        item_end(run, SK_PART_CANCEL,
                 ATTR(e, request_cancel_external_workflow_execution_failed)->initiated_event_id,
                 false);
        return true;
    case EVENT(EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED):
        item_end(run, SK_PART_CANCEL,
                 ATTR(e, external_workflow_execution_cancel_requested)->initiated_event_id, false);
        return true;
    case EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED):
        item_begin(run, SK_PART_SIGNAL, e->event_id);
        return true;
    case EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED):
        item_end(run, SK_PART_SIGNAL,
                 ATTR(e, signal_external_workflow_execution_failed)->initiated_event_id, false);
        return true;
    case EVENT(EXTERNAL_WORKFLOW_EXECUTION_SIGNALED):
        item_end(run, SK_PART_SIGNAL,
                 ATTR(e, external_workflow_execution_signaled)->initiated_event_id, false);
        return true;
    case EVENT(WORKFLOW_EXECUTION_SIGNALED):
        saw_signal(run, arena, ATTR(e, workflow_execution_signaled)->signal_name);
        return true;
    default:
        return false;
    }
}

static int close_status(int type)
{
    switch (type) {
    case EVENT(WORKFLOW_EXECUTION_COMPLETED):
        return STATUS(COMPLETED);
    case EVENT(WORKFLOW_EXECUTION_FAILED):
        return STATUS(FAILED);
    case EVENT(WORKFLOW_EXECUTION_TIMED_OUT):
        return STATUS(TIMED_OUT);
    case EVENT(WORKFLOW_EXECUTION_CANCELED):
        return STATUS(CANCELED);
    case EVENT(WORKFLOW_EXECUTION_TERMINATED):
        return STATUS(TERMINATED);
    case EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW):
        return STATUS(CONTINUED_AS_NEW);
    default:
        return 0;
    }
}

static void check_event(struct sim_run *run, struct sk_arena *arena, const HIST(HistoryEvent) *e)
{
    SIM_CHECK(e->event_id == run->last_event_id + 1, "event %lld after %lld in %s",
              (long long)e->event_id, (long long)run->last_event_id, run->run_id);
    run->last_event_id = e->event_id;
    SIM_CHECK((e->event_id == 1) == (e->event_type == EVENT(WORKFLOW_EXECUTION_STARTED)),
              "event %lld of %s is a %s", (long long)e->event_id, run->run_id,
              sk_event_name((int)e->event_type));
    sim_say("    %s %s %lld %s", run->workflow_id, run->run_id + 24, (long long)e->event_id,
            sk_event_name((int)e->event_type));
    sim_due_event(run, e);
    if (e->event_id == 1) {
        run->status = STATUS(RUNNING);
        run->cron = sk_text_set(ATTR(e, workflow_execution_started)->cron_schedule);
        return;
    }
    SIM_CHECK(sim_run_open(run), "event %s after the end of %s", sk_event_name((int)e->event_type),
              run->run_id);
    if (check_wft_event(run, e) || check_activity_event(run, arena, e) ||
        check_child_event(run, e) || check_external_event(run, arena, e))
        return;
    int status = close_status((int)e->event_type);
    if (status)
        run->status = status;
}

static void check_history(struct sk_arena *arena, const struct sk_op *op)
{
    struct sk_ctx ctx = {.arena = arena};
    struct sim_run *run = run_of(&op->run);
    ProtobufCMessage *message;
    sk_err err = sk_wire_decode(&ctx, &temporal__api__history__v1__history__descriptor,
                                op->history.events, &message);
    SIM_CHECK(!err, "a history batch of %s does not parse: %s", run->run_id, ctx.err.message);
    const HIST(History) *history = (const HIST(History) *)message;
    SIM_CHECK(history->n_events, "an empty history batch in %s", run->run_id);
    SIM_CHECK(op->history.first_event_id == run->last_event_id + 1,
              "batch begins at %lld after %lld in %s", (long long)op->history.first_event_id,
              (long long)run->last_event_id, run->run_id);
    for (size_t i = 0; i < history->n_events; i++)
        check_event(run, arena, history->events[i]);
    sk_buf_append(&run->history, op->history.events.p, op->history.events.n);
    SIM_CHECK(op->history.last_event_id == run->last_event_id,
              "batch ends at %lld, says %lld in %s", (long long)run->last_event_id,
              (long long)op->history.last_event_id, run->run_id);
}

/* ---- state against fold ---- */

/* The history may still hold what has ended with a buffered event: at most `buffered` more. */
static void check_items(const struct sim_run *run, enum sk_part_kind kind, const int64_t *inlined,
                        size_t count, size_t buffered)
{
    for (size_t i = 0; i < count; i++) {
        SIM_CHECK(item_of((struct sim_run *)(uintptr_t)run, kind, inlined[i]),
                  "%s holds item %lld of kind %d that its history has not", run->run_id,
                  (long long)inlined[i], kind);
        SIM_CHECK(!sk_imap_get(run->parts[kind], inlined[i]),
                  "item %lld of kind %d is in twice in %s", (long long)inlined[i], kind,
                  run->run_id);
    }
    size_t cursor = 0;
    int64_t id;
    void *value;
    while (sk_imap_next(run->parts[kind], &cursor, &id, &value))
        SIM_CHECK(sk_imap_get(run->items[kind], id),
                  "%s has part %lld of kind %d that its history has not", run->run_id,
                  (long long)id, kind);
    size_t held = count + sk_imap_count(run->parts[kind]);
    SIM_CHECK(held <= sk_imap_count(run->items[kind]) &&
                  sk_imap_count(run->items[kind]) - held <= buffered,
              "%s holds %zu and %zu items of kind %d, its history %zu", run->run_id, count,
              sk_imap_count(run->parts[kind]), kind, sk_imap_count(run->items[kind]));
}

#define CHECK_ITEMS(kind, list, field)                            \
    do {                                                          \
        int64_t *ids = SK_NEW_N(arena, int64_t, s->n_##list + 1); \
        for (size_t i = 0; i < s->n_##list; i++)                  \
            ids[i] = s->list[i]->field;                           \
        check_items(run, kind, ids, s->n_##list, s->n_buffered);  \
    } while (0)

static void check_state(struct sk_arena *arena, const struct sk_op *op)
{
    struct sk_ctx ctx = {.arena = arena};
    struct sim_run *run = run_of(&op->run);
    ProtobufCMessage *message;
    sk_err err = sk_wire_decode_own(&ctx, &skald__engine__v1__execution_state__descriptor,
                                    op->exec.state, &message);
    SIM_CHECK(!err, "the state of %s does not parse", run->run_id);
    const EN(ExecutionState) *s = (const EN(ExecutionState) *)message;
    SIM_CHECK(op->exec.version == run->version, "version %lld after %lld of %s",
              (long long)op->exec.version, (long long)run->version - 1, run->run_id);
    SIM_CHECK(s->next_event_id == run->last_event_id + 1, "%s: next event id %lld after event %lld",
              run->run_id, (long long)s->next_event_id, (long long)run->last_event_id);
    SIM_CHECK(s->status == run->status, "%s: status %d, its history says %d", run->run_id,
              s->status, run->status);
    if (!sim_run_open(run)) {
        sim_due_state(run, s, op->exec.wake_ms);
        return;
    }
    CHECK_ITEMS(SK_PART_ACTIVITY, activities, scheduled_id);
    CHECK_ITEMS(SK_PART_TIMER, timers, started_id);
    CHECK_ITEMS(SK_PART_CHILD, children, initiated_id);
    CHECK_ITEMS(SK_PART_CANCEL, cancels, initiated_id);
    CHECK_ITEMS(SK_PART_SIGNAL, signals, initiated_id);
    if (run->wft_scheduled)
        SIM_CHECK(s->wft && s->wft->scheduled_id == run->wft_scheduled &&
                      s->wft->started_id == run->wft_started,
                  "%s: workflow task %lld/%lld, its history says %lld/%lld", run->run_id,
                  s->wft ? (long long)s->wft->scheduled_id : 0,
                  s->wft ? (long long)s->wft->started_id : 0, (long long)run->wft_scheduled,
                  (long long)run->wft_started);
    SIM_CHECK(!s->n_buffered || s->wft, "%s: buffered events without a workflow task", run->run_id);
    SIM_CHECK(!s->quarantined, "%s was quarantined", run->run_id);
    sim_due_state(run, s, op->exec.wake_ms);
}

/* ---- rows ---- */

static void mirror_row(struct sk_arena *arena, const struct sk_task_row *row, bool put)
{
    char *key =
        sk_arena_printf(arena, "%d/%d/%lld/%lld/" SK_STR_FMT, row->queue.kind, row->priority,
                        (long long)row->pass, (long long)row->seq, SK_STR_ARG(row->queue.name));
    char *run = sk_map_get(sim->rows, sk_str_of(key));
    if (put) {
        char text[SK_UUID_TEXT];
        sk_uuid_format(row->run.run_id, text);
        SIM_CHECK(!run, "task row %s is written twice", key);
        SIM_CHECK(row->priority >= 1 && row->priority <= 5, "task row %s has a strange priority",
                  key);
        SIM_CHECK(row->pass == 0 || !row->fallback_queue.n, "sticky task row %s has a pass", key);
        sk_map_put(sim->rows, sk_str_of(key), sk_mem_strdup(text));
    } else if (run) {
        sk_map_remove(sim->rows, sk_str_of(key));
        sk_mem_free(run);
    }
}

static void mirror_attempt(struct sk_arena *arena, const struct sk_op *op)
{
    struct sk_ctx ctx = {.arena = arena};
    ProtobufCMessage *record;
    sk_err err =
        sk_wire_decode_own(&ctx, &skald__engine__v1__activity__descriptor, op->part.body, &record);
    SIM_CHECK(!err, "an activity's record does not parse: %s", ctx.err.message);
    sim_due_attempt(run_of(&op->run), (const EN(Activity) *)record);
}

static void mirror_part(struct sk_arena *arena, const struct sk_op *op, bool put)
{
    if (op->part.kind < 1 || (int)op->part.kind >= SIM_ITEM_KINDS)
        return;
    if (put && op->part.kind == SK_PART_ACTIVITY)
        mirror_attempt(arena, op);
    struct sk_imap *parts = run_of(&op->run)->parts[op->part.kind];
    struct sk_buf *body = sk_imap_remove(parts, op->part.id);
    if (body)
        sk_buf_fini(body);
    sk_mem_free(body);
    if (!put)
        return;
    body = sk_mem_zalloc(sizeof *body);
    sk_buf_append(body, op->part.body.p, op->part.body.n);
    sk_imap_put(parts, op->part.id, body);
}

static void take_op(struct sk_arena *arena, const struct sk_op *op)
{
    switch (op->kind) {
    case SK_OP_HISTORY_APPEND:
        check_history(arena, op);
        break;
    case SK_OP_EXEC_PUT: {
        struct sim_run *run = run_of(&op->run);
        SIM_CHECK(op->exec.version == run->version + 1, "version %lld after %lld of %s",
                  (long long)op->exec.version, (long long)run->version, run->run_id);
        run->version = op->exec.version;
        break;
    }
    case SK_OP_PART_PUT:
    case SK_OP_PART_DELETE:
        mirror_part(arena, op, op->kind == SK_OP_PART_PUT);
        break;
    case SK_OP_TASK_PUT:
    case SK_OP_TASK_DELETE:
        mirror_row(arena, &op->task, op->kind == SK_OP_TASK_PUT);
        break;
    case SK_OP_VIS_PUT:
        run_of(&op->vis.run)->vis_status = op->vis.status;
        break;
    case SK_OP_EXEC_DELETE: {
        struct sim_run *run = run_of(&op->run);
        // An open one: a child that never was, since its parent has ended.
        SIM_CHECK(!sim->quiet || sim_run_open(run) || sk_now_wall_ms() >= run->due.ms,
                  "%s is deleted %lld ms early", run->run_id,
                  (long long)(run->due.ms - sk_now_wall_ms()));
        run->deleted = true;
        break;
    }
    case SK_OP_HISTORY_DELETE:
    case SK_OP_CURRENT_PUT:
    case SK_OP_CURRENT_DELETE:
    case SK_OP_VIS_DELETE:
    case SK_OP_OUTBOX_PUT:
    case SK_OP_OUTBOX_DELETE:
    case SK_OP_INBOX_PUT:
    case SK_OP_INBOX_DELETE:
        break;
    }
}

/* ---- after a transaction ---- */

static void check_one_open(const struct sim_run *run)
{
    for (struct sim_run *other = sim->first; other; other = other->next)
        SIM_CHECK(other == run || !sim_run_open(other) ||
                      strcmp(other->workflow_id, run->workflow_id) != 0,
                  "%s has two open runs: %s and %s", run->workflow_id, run->run_id, other->run_id);
}

void sim_check_commit(const struct sk_txn *txn)
{
    struct sk_arena *arena = sk_arena_new(0);
    for (size_t i = 0; i < txn->op_count; i++)
        take_op(arena, &txn->ops[i]);
    for (size_t i = 0; i < txn->op_count; i++) {
        if (txn->ops[i].kind != SK_OP_EXEC_PUT)
            continue;
        struct sim_run *run = run_of(&txn->ops[i].run);
        check_state(arena, &txn->ops[i]);
        if (sim_below(4) == 0 || !sim_run_open(run))
            sim_check_fold(run, txn->ops[i].exec.state);
        sim_say("    %s %s version %lld wakes in %lld ms", run->workflow_id, run->run_id + 24,
                (long long)run->version,
                txn->ops[i].exec.wake_ms ? (long long)(txn->ops[i].exec.wake_ms - sk_now_wall_ms())
                                         : -1);
        SIM_CHECK(run->vis_status == run->status, "%s shows status %d and has %d", run->run_id,
                  run->vis_status, run->status);
        if (sim_run_open(run))
            check_one_open(run);
    }
    sk_arena_free(arena);
}

/* ---- the end ---- */

static void free_items(struct sk_imap *items)
{
    size_t cursor = 0;
    int64_t id;
    void *value;
    while (sk_imap_next(items, &cursor, &id, &value))
        sk_mem_free(value);
    sk_imap_free(items);
}

static void free_parts(struct sk_imap *parts)
{
    size_t cursor = 0;
    int64_t id;
    void *value;
    while (sk_imap_next(parts, &cursor, &id, &value))
        sk_buf_fini(value);
    free_items(parts);
}

static void free_values(struct sk_map *map)
{
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    while (sk_map_next(map, &cursor, &key, &value))
        sk_mem_free(value);
    sk_map_free(map);
}

void sim_check_free(void)
{
    while (sim->first) {
        struct sim_run *run = sim->first;
        sim->first = run->next;
        for (int i = 1; i < SIM_ITEM_KINDS; i++) {
            free_items(run->items[i]);
            free_parts(run->parts[i]);
        }
        sk_buf_fini(&run->history);
        sk_mem_free(run->workflow_id);
        sk_mem_free(run);
    }
    sk_map_free(sim->runs);
    free_values(sim->deeds);
    free_values(sim->rows);
}
