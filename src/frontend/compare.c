/*
 * Two runs side by side. A history becomes a list of steps (an activity from its scheduling to its
 * end, a timer, a child, a signal ...), and the k-th step of a kind and name in one run is paired
 * with the k-th in the other. So a run that took another way shows where, and one that merely
 * finished its parallel activities in another order shows nothing. Event ids play no part: they
 * differ as soon as a workflow task more was needed. Timers are paired by their order alone, since
 * SDKs number them.
 *
 * Which event opens, goes on with or ends which step stands in one table, with the names of the
 * fields that matter; they are read by the messages' descriptors.
 *
 * Inputs and results are compared as bytes. A codec that encrypts with a fresh nonce makes equal
 * ones differ; only who can decode can tell.
 *
 * Thread: any; no state. Failure: none; past SK_COMPARE_STEPS_MAX steps a run is cut.
 */
#include "frontend/compare.h"

#include "base/buf.h"
#include "wire/failure.h"
#include "wire/text.h"
#include "wire/wire.h"

#define EVENT(name) TEMPORAL__API__ENUMS__V1__EVENT_TYPE__EVENT_TYPE_##name
#define MATCH(name) SKALD__API__V1__STEP_MATCH__STEP_MATCH_##name
#define SEED 0x736b636f6d706172ULL
#define DETAIL_BYTES_MAX 500

typedef Temporal__Api__History__V1__HistoryEvent event_pb;
typedef Skald__Api__V1__ComparedStep step_pb;
typedef Skald__Api__V1__StepSide side_pb;

/* ---- what events mean ---- */

enum role { OPENS, GOES_ON, ENDS, IS_ALL };

static const struct rule {
    int event;
    enum role role;
    const char *kind;
    const char *outcome;
    const char *name;   /* field, "a.b" for one of a member; of what opens */
    const char *refers; /* field with the id of what opened it; NULL: the run itself */
    const char *input, *result;
} rules[] = {
    {EVENT(WORKFLOW_EXECUTION_STARTED), OPENS, "workflow", "Pending", "workflow_type.name", NULL,
     "input", NULL},
    {EVENT(WORKFLOW_EXECUTION_COMPLETED), ENDS, NULL, "Completed", NULL, NULL, NULL, "result"},
    {EVENT(WORKFLOW_EXECUTION_FAILED), ENDS, NULL, "Failed", NULL, NULL, NULL, NULL},
    {EVENT(WORKFLOW_EXECUTION_TIMED_OUT), ENDS, NULL, "TimedOut", NULL, NULL, NULL, NULL},
    {EVENT(WORKFLOW_EXECUTION_CANCELED), ENDS, NULL, "Canceled", NULL, NULL, NULL, "details"},
    {EVENT(WORKFLOW_EXECUTION_TERMINATED), ENDS, NULL, "Terminated", NULL, NULL, NULL, "details"},
    {EVENT(WORKFLOW_EXECUTION_CONTINUED_AS_NEW), ENDS, NULL, "ContinuedAsNew", NULL, NULL, NULL,
     "input"},
    {EVENT(ACTIVITY_TASK_SCHEDULED), OPENS, "activity", "Pending", "activity_type.name", NULL,
     "input", NULL},
    {EVENT(ACTIVITY_TASK_STARTED), GOES_ON, NULL, "Pending", NULL, "scheduled_event_id", NULL,
     NULL},
    {EVENT(ACTIVITY_TASK_COMPLETED), ENDS, NULL, "Completed", NULL, "scheduled_event_id", NULL,
     "result"},
    {EVENT(ACTIVITY_TASK_FAILED), ENDS, NULL, "Failed", NULL, "scheduled_event_id", NULL, NULL},
    {EVENT(ACTIVITY_TASK_TIMED_OUT), ENDS, NULL, "TimedOut", NULL, "scheduled_event_id", NULL,
     NULL},
    {EVENT(ACTIVITY_TASK_CANCELED), ENDS, NULL, "Canceled", NULL, "scheduled_event_id", NULL,
     "details"},
    {EVENT(TIMER_STARTED), OPENS, "timer", "Pending", "timer_id", NULL, NULL, NULL},
    {EVENT(TIMER_FIRED), ENDS, NULL, "Completed", NULL, "started_event_id", NULL, NULL},
    {EVENT(TIMER_CANCELED), ENDS, NULL, "Canceled", NULL, "started_event_id", NULL, NULL},
    {EVENT(START_CHILD_WORKFLOW_EXECUTION_INITIATED), OPENS, "child", "Pending",
     "workflow_type.name", NULL, "input", NULL},
    {EVENT(START_CHILD_WORKFLOW_EXECUTION_FAILED), ENDS, NULL, "Failed", NULL, "initiated_event_id",
     NULL, NULL},
    {EVENT(CHILD_WORKFLOW_EXECUTION_COMPLETED), ENDS, NULL, "Completed", NULL, "initiated_event_id",
     NULL, "result"},
    {EVENT(CHILD_WORKFLOW_EXECUTION_FAILED), ENDS, NULL, "Failed", NULL, "initiated_event_id", NULL,
     NULL},
    {EVENT(CHILD_WORKFLOW_EXECUTION_CANCELED), ENDS, NULL, "Canceled", NULL, "initiated_event_id",
     NULL, "details"},
    {EVENT(CHILD_WORKFLOW_EXECUTION_TIMED_OUT), ENDS, NULL, "TimedOut", NULL, "initiated_event_id",
     NULL, NULL},
    {EVENT(CHILD_WORKFLOW_EXECUTION_TERMINATED), ENDS, NULL, "Terminated", NULL,
     "initiated_event_id", NULL, NULL},
    {EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED), OPENS, "external_signal", "Pending",
     "signal_name", NULL, "input", NULL},
    {EVENT(SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED), ENDS, NULL, "Failed", NULL,
     "initiated_event_id", NULL, NULL},
    {EVENT(EXTERNAL_WORKFLOW_EXECUTION_SIGNALED), ENDS, NULL, "Completed", NULL,
     "initiated_event_id", NULL, NULL},
    {EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED), OPENS, "external_cancel",
     "Pending", "workflow_execution.workflow_id", NULL, NULL, NULL},
    {EVENT(REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED), ENDS, NULL, "Failed", NULL,
     "initiated_event_id", NULL, NULL},
    {EVENT(EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED), ENDS, NULL, "Completed", NULL,
     "initiated_event_id", NULL, NULL},
    {EVENT(WORKFLOW_EXECUTION_SIGNALED), IS_ALL, "signal", "Done", "signal_name", NULL, "input",
     NULL},
    {EVENT(WORKFLOW_EXECUTION_CANCEL_REQUESTED), IS_ALL, "cancel", "Done", NULL, NULL, NULL, NULL},
    {EVENT(MARKER_RECORDED), IS_ALL, "marker", "Done", "marker_name", NULL, NULL, NULL},
    {EVENT(WORKFLOW_EXECUTION_OPTIONS_UPDATED), IS_ALL, "options", "Done", NULL, NULL, NULL, NULL},
};

static const struct rule *rule_of(const event_pb *event)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].event == (int)event->event_type)
            return &rules[i];
    return NULL;
}

/* ---- fields by name ---- */

static const void *field(const ProtobufCMessage *m, const char *name, ProtobufCType type)
{
    const ProtobufCFieldDescriptor *f =
        m && name ? protobuf_c_message_descriptor_get_field_by_name(m->descriptor, name) : NULL;
    if (!f || f->type != type || f->label == PROTOBUF_C_LABEL_REPEATED)
        return NULL;
    return (const char *)m + f->offset;
}

static const ProtobufCMessage *message_field(const ProtobufCMessage *m, const char *name)
{
    const ProtobufCMessage *value = NULL;
    const void *at = field(m, name, PROTOBUF_C_TYPE_MESSAGE);
    if (at)
        memcpy(&value, at, sizeof value);
    return value;
}

static int64_t int_field(const ProtobufCMessage *m, const char *name)
{
    int64_t value = 0;
    const void *at = field(m, name, PROTOBUF_C_TYPE_INT64);
    if (at)
        memcpy(&value, at, sizeof value);
    return value;
}

static const char *text_field(const ProtobufCMessage *m, const char *path)
{
    char member[64];
    const char *dot = path ? strchr(path, '.') : NULL, *value = NULL;
    if (dot) {
        size_t n = (size_t)(dot - path) < sizeof member ? (size_t)(dot - path) : 0;
        memcpy(member, path, n);
        member[n] = '\0';
        m = message_field(m, member);
        path = dot + 1;
    }
    const void *at = field(m, path, PROTOBUF_C_TYPE_STRING);
    if (at)
        memcpy(&value, at, sizeof value);
    return value ? value : "";
}

/* The attributes of whatever kind: all members of the union are pointers to messages. */
static const ProtobufCMessage *attributes_of(const event_pb *event)
{
    return event->attributes_case ? (const void *)event->workflow_execution_started_event_attributes
                                  : NULL;
}

static uint64_t hash_of(const ProtobufCMessage *m)
{
    if (!m)
        return 0;
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_str bytes = sk_wire_pack(arena, m);
    uint64_t h = sk_hash(bytes.p, bytes.n, SEED) | 1;
    sk_arena_free(arena);
    return h;
}

static int64_t time_of(const event_pb *event)
{
    const Google__Protobuf__Timestamp *t = event->event_time;
    return t ? t->seconds * 1000000000 + t->nanos : 0;
}

/* ---- steps ---- */

void sk_compare_run_init(struct sk_compare_run *run, struct sk_arena *arena)
{
    *run = (struct sk_compare_run){.arena = arena, .by_event = sk_imap_new(), .workflow_type = ""};
}

void sk_compare_run_fini(struct sk_compare_run *run)
{
    sk_imap_free(run->by_event);
}

static struct sk_compare_step *add(struct sk_compare_run *run, const struct rule *rule,
                                   const event_pb *event)
{
    if (run->count == SK_COMPARE_STEPS_MAX) {
        run->truncated = true;
        return NULL;
    }
    if (run->count == run->capacity) {
        run->capacity = run->capacity ? run->capacity * 2 : 64;
        struct sk_compare_step *grown = SK_NEW_N(run->arena, struct sk_compare_step, run->capacity);
        if (run->count)
            memcpy(grown, run->steps, run->count * sizeof *grown);
        run->steps = grown;
    }
    const ProtobufCMessage *a = attributes_of(event);
    struct sk_compare_step *step = &run->steps[run->count++];
    *step = (struct sk_compare_step){
        .kind = rule->kind,
        .name = sk_arena_strdup(run->arena, text_field(a, rule->name)),
        .outcome = rule->outcome,
        .first_event_id = event->event_id,
        .last_event_id = event->event_id,
        .start_ns = time_of(event),
        .end_ns = rule->role == IS_ALL ? time_of(event) : 0,
        .input = hash_of(message_field(a, rule->input)),
        .detail = "",
        .twin = SIZE_MAX,
    };
    sk_imap_put(run->by_event, event->event_id, (void *)(uintptr_t)run->count);
    return step;
}

static struct sk_compare_step *opened(struct sk_compare_run *run, const struct rule *rule,
                                      const ProtobufCMessage *a)
{
    int64_t id = rule->refers ? int_field(a, rule->refers) : 1;
    size_t at = (size_t)(uintptr_t)sk_imap_get(run->by_event, id);
    return at ? &run->steps[at - 1] : NULL;
}

static void go_on(struct sk_compare_run *run, const struct rule *rule, const event_pb *event)
{
    const ProtobufCMessage *a = attributes_of(event);
    struct sk_compare_step *step = opened(run, rule, a);
    if (!step)
        return;
    step->last_event_id = event->event_id;
    if ((int)event->event_type == (int)EVENT(ACTIVITY_TASK_STARTED))
        step->attempt = event->activity_task_started_event_attributes->attempt;
    if (rule->role != ENDS)
        return;
    const Temporal__Api__Failure__V1__Failure *failure =
        (const void *)message_field(a, "failure"); // of those that have one
    step->outcome = rule->outcome;
    step->end_ns = time_of(event);
    step->result = hash_of(message_field(a, rule->result));
    if (!failure)
        return;
    struct sk_str text = sk_failure_text(sk_failure_root(failure));
    step->failure = sk_hash(text.p, text.n, SEED) | 1; // stack traces differ for no reason
    size_t n = text.n < DETAIL_BYTES_MAX ? text.n : DETAIL_BYTES_MAX;
    while (n && n < text.n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    step->detail = sk_arena_strndup(run->arena, text.p, n);
}

void sk_compare_event(struct sk_compare_run *run, const event_pb *event)
{
    const struct rule *rule = rule_of(event);
    run->events++;
    if (!rule)
        return;
    if (rule->role == GOES_ON || rule->role == ENDS) {
        go_on(run, rule, event);
        return;
    }
    struct sk_compare_step *step = add(run, rule, event);
    if (step && event->event_id == 1)
        run->workflow_type = step->name;
}

/* ---- pairing ---- */

/* Kind, name and how many of them came before. */
static struct sk_str key_of(struct sk_buf *key, struct sk_map *seen,
                            const struct sk_compare_step *s)
{
    sk_buf_clear(key);
    sk_buf_str(key, s->kind);
    sk_buf_append(key, "", 1);
    if (strcmp(s->kind, "timer") != 0)
        sk_buf_str(key, s->name);
    uintptr_t before = (uintptr_t)sk_map_get(seen, sk_buf_view(key));
    sk_map_put(seen, sk_buf_view(key), (void *)(before + 1));
    sk_buf_append(key, "", 1);
    sk_buf_append(key, &before, sizeof before);
    return sk_buf_view(key);
}

static void pair(struct sk_compare_run *left, struct sk_compare_run *right)
{
    struct sk_map *seen_left = sk_map_new(), *seen_right = sk_map_new(), *at = sk_map_new();
    struct sk_buf key = SK_BUF_INIT;
    for (size_t i = 0; i < left->count; i++)
        sk_map_put(at, key_of(&key, seen_left, &left->steps[i]), (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < right->count; i++) {
        size_t twin = (size_t)(uintptr_t)sk_map_get(at, key_of(&key, seen_right, &right->steps[i]));
        if (!twin)
            continue;
        right->steps[i].twin = twin - 1;
        left->steps[twin - 1].twin = i;
    }
    sk_buf_fini(&key);
    sk_map_free(seen_left);
    sk_map_free(seen_right);
    sk_map_free(at);
}

/* ---- the answer ---- */

static Google__Protobuf__Timestamp *timestamp(struct sk_arena *arena, int64_t ns)
{
    Google__Protobuf__Timestamp *t = SK_NEW(arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(t);
    t->seconds = ns / 1000000000;
    t->nanos = (int32_t)(ns % 1000000000);
    return t;
}

static side_pb *side_of(struct sk_arena *arena, const struct sk_compare_step *s)
{
    side_pb *side = SK_NEW(arena, side_pb);
    skald__api__v1__step_side__init(side);
    side->first_event_id = s->first_event_id;
    side->last_event_id = s->last_event_id;
    side->outcome = sk_wire_text(s->outcome);
    side->start_time = timestamp(arena, s->start_ns);
    side->attempt = s->attempt;
    side->detail = sk_wire_text(s->detail);
    if (s->end_ns) {
        int64_t took = s->end_ns > s->start_ns ? s->end_ns - s->start_ns : 0;
        side->duration = SK_NEW(arena, Google__Protobuf__Duration);
        google__protobuf__duration__init(side->duration);
        side->duration->seconds = took / 1000000000;
        side->duration->nanos = (int32_t)(took % 1000000000);
    }
    return side;
}

static void differ(struct sk_arena *arena, const struct sk_compare_step *l,
                   const struct sk_compare_step *r, step_pb *to)
{
    const struct {
        bool differs;
        const char *name;
    } all[] = {
        {strcmp(l->outcome, r->outcome) != 0, "outcome"},
        {l->input != r->input, "input"},
        {l->result != r->result, "result"},
        {l->failure != r->failure, "failure"},
        {l->attempt != r->attempt, "attempts"},
    };
    to->differences = SK_NEW_N(arena, char *, sizeof(all) / sizeof(all[0]));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].differs)
            to->differences[to->n_differences++] = sk_wire_text(all[i].name);
}

static void emit(struct sk_arena *arena, const struct sk_compare_step *l,
                 const struct sk_compare_step *r, Skald__Api__V1__CompareRunsResponse *ret)
{
    step_pb *step = SK_NEW(arena, step_pb);
    skald__api__v1__compared_step__init(step);
    step->kind = sk_wire_text(l ? l->kind : r->kind);
    step->name = sk_wire_text(l ? l->name : r->name);
    step->left = l ? side_of(arena, l) : NULL;
    step->right = r ? side_of(arena, r) : NULL;
    if (l && r)
        differ(arena, l, r, step);
    step->match = !r                    ? MATCH(LEFT_ONLY)
                  : !l                  ? MATCH(RIGHT_ONLY)
                  : step->n_differences ? MATCH(DIFFERENT)
                                        : MATCH(SAME);
    if (step->match != MATCH(SAME) && ret->first_difference < 0)
        ret->first_difference = (int32_t)ret->n_steps;
    ret->steps[ret->n_steps++] = step;
}

void sk_compare_runs(struct sk_compare_run *left, struct sk_compare_run *right,
                     Skald__Api__V1__CompareRunsResponse *ret)
{
    struct sk_arena *arena = left->arena;
    size_t next = 0; // of the right run
    pair(left, right);
    ret->first_difference = -1;
    ret->truncated = left->truncated || right->truncated;
    ret->steps = SK_NEW_N(arena, step_pb *, left->count + right->count);
    for (size_t i = 0; i < left->count; i++) {
        size_t twin = left->steps[i].twin;
        for (; twin != SIZE_MAX && next < twin; next++) // what the right run did before
            if (right->steps[next].twin == SIZE_MAX)
                emit(arena, NULL, &right->steps[next], ret);
        emit(arena, &left->steps[i], twin == SIZE_MAX ? NULL : &right->steps[twin], ret);
    }
    for (; next < right->count; next++)
        if (right->steps[next].twin == SIZE_MAX)
            emit(arena, NULL, &right->steps[next], ret);
}
