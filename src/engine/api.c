/*
 * Making and reading Temporal's messages. Pure functions over an arena; any thread. The table from
 * event type to attributes message is derived from the descriptors once: the oneof member of
 * EVENT_TYPE_FOO_BAR is foo_bar_event_attributes, so that no list has to be kept by hand.
 */
#include "engine/api.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "base/assert.h"
#include "wire/wire.h"

#define EVENT_TYPE_MAX 128
#define CENTURY_MS (100LL * 365 * 86400 * 1000)

static const ProtobufCFieldDescriptor *attribute_fields[EVENT_TYPE_MAX];
static pthread_once_t attributes_once = PTHREAD_ONCE_INIT;

static void load_attribute_fields(void)
{
    const ProtobufCEnumDescriptor *types = &temporal__api__enums__v1__event_type__descriptor;
    const ProtobufCMessageDescriptor *event =
        &temporal__api__history__v1__history_event__descriptor;
    const size_t prefix = strlen("EVENT_TYPE_");
    for (unsigned i = 0; i < types->n_values; i++) {
        char name[160];
        int n = snprintf(name, sizeof name, "%s_event_attributes", types->values[i].name + prefix);
        SK_ASSERT(n > 0 && (size_t)n < sizeof name);
        for (char *p = name; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        int value = types->values[i].value;
        if (value > 0 && value < EVENT_TYPE_MAX)
            attribute_fields[value] = protobuf_c_message_descriptor_get_field_by_name(event, name);
    }
}

void *sk_msg_new(struct sk_arena *arena, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = sk_arena_alloc(arena, type->sizeof_message);
    type->message_init(message);
    return message;
}

void *sk_msg_dup(struct sk_arena *arena, const void *message)
{
    if (!message)
        return NULL;
    const ProtobufCMessage *base = message;
    struct sk_ctx ctx = {.arena = arena};
    ProtobufCMessage *copy = NULL;
    sk_err err = sk_wire_decode_own(&ctx, base->descriptor, sk_wire_pack(arena, base), &copy);
    SK_ASSERT(err == SK_OK); // what we packed ourselves parses
    return copy;
}

API_DURATION *sk_dur(struct sk_arena *arena, int64_t ms)
{
    API_DURATION *duration = MSG_NEW(arena, API_DURATION, google__protobuf__duration);
    duration->seconds = ms / 1000;
    duration->nanos = (int32_t)(ms % 1000) * 1000000;
    return duration;
}

int64_t sk_dur_ms(const API_DURATION *duration)
{
    if (!duration)
        return 0;
    if (duration->seconds >= CENTURY_MS / 1000)
        return CENTURY_MS;
    if (duration->seconds < 0 || duration->nanos < 0)
        return 0;
    /* Part of a millisecond counts as one, so that nothing fires early. */
    return duration->seconds * 1000 + ((int64_t)duration->nanos + 999999) / 1000000;
}

API_DURATION *sk_dur_capped(struct sk_arena *arena, const API_DURATION *duration)
{
    bool fits =
        !duration || (duration->seconds < CENTURY_MS / 1000 && duration->nanos < 1000000000);
    return fits ? (API_DURATION *)(uintptr_t)duration : sk_dur(arena, sk_dur_ms(duration));
}

API_TIMESTAMP *sk_ts(struct sk_arena *arena, int64_t ns)
{
    if (ns == 0)
        return NULL;
    API_TIMESTAMP *timestamp = MSG_NEW(arena, API_TIMESTAMP, google__protobuf__timestamp);
    timestamp->seconds = ns / 1000000000;
    timestamp->nanos = (int32_t)(ns % 1000000000);
    return timestamp;
}

int64_t sk_ts_ns(const API_TIMESTAMP *timestamp)
{
    return timestamp ? timestamp->seconds * 1000000000 + timestamp->nanos : 0;
}

COMMON(WorkflowExecution) *sk_execution_msg(struct sk_arena *arena, const char *workflow_id,
                                            const char *run_id)
{
    COMMON(WorkflowExecution) *m = COMMON_NEW(arena, WorkflowExecution, workflow_execution);
    m->workflow_id = sk_arena_strdup(arena, workflow_id);
    m->run_id = sk_arena_strdup(arena, run_id ? run_id : "");
    return m;
}

COMMON(WorkflowType) *sk_type_msg(struct sk_arena *arena, const char *name)
{
    COMMON(WorkflowType) *m = COMMON_NEW(arena, WorkflowType, workflow_type);
    m->name = sk_arena_strdup(arena, name);
    return m;
}

Temporal__Api__Taskqueue__V1__TaskQueue *sk_queue_msg(struct sk_arena *arena, const char *name,
                                                      const char *normal_name)
{
    Temporal__Api__Taskqueue__V1__TaskQueue *m = MSG_NEW(
        arena, Temporal__Api__Taskqueue__V1__TaskQueue, temporal__api__taskqueue__v1__task_queue);
    m->name = sk_arena_strdup(arena, name);
    m->kind = normal_name ? QUEUE_KIND(STICKY) : QUEUE_KIND(NORMAL);
    if (normal_name)
        m->normal_name = sk_arena_strdup(arena, normal_name);
    return m;
}

ProtobufCBinaryData sk_bin(struct sk_arena *arena, const char *text)
{
    size_t n = text ? strlen(text) : 0;
    return (ProtobufCBinaryData){n, sk_arena_memdup(arena, text ? text : "", n)};
}

FAILURE *sk_failure_new(struct sk_arena *arena, const char *message, const char *source)
{
    FAILURE *failure = MSG_NEW(arena, FAILURE, temporal__api__failure__v1__failure);
    failure->message = sk_bin(arena, message);
    failure->source = sk_arena_strdup(arena, source);
    return failure;
}

FAILURE *sk_failure_timeout(struct sk_arena *arena, const char *message, int timeout_type)
{
    FAILURE *failure = sk_failure_new(arena, message, "Server");
    failure->failure_info_case =
        TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_TIMEOUT_FAILURE_INFO;
    failure->timeout_failure_info = MSG_NEW(arena, Temporal__Api__Failure__V1__TimeoutFailureInfo,
                                            temporal__api__failure__v1__timeout_failure_info);
    failure->timeout_failure_info->timeout_type =
        (Temporal__Api__Enums__V1__TimeoutType)timeout_type;
    return failure;
}

HIST(HistoryEvent) *sk_event_new(struct sk_arena *arena, int type, int64_t now_ns)
{
    pthread_once(&attributes_once, load_attribute_fields);
    SK_ASSERT(type > 0 && type < EVENT_TYPE_MAX && attribute_fields[type]);
    const ProtobufCFieldDescriptor *field = attribute_fields[type];
    HIST(HistoryEvent) *event =
        MSG_NEW(arena, HIST(HistoryEvent), temporal__api__history__v1__history_event);
    event->event_type = (Temporal__Api__Enums__V1__EventType)type;
    event->event_time = sk_ts(arena, now_ns);
    event->attributes_case = (Temporal__Api__History__V1__HistoryEvent__AttributesCase)field->id;
    event->workflow_execution_started_event_attributes = // all members share their storage
        sk_msg_new(arena, (const ProtobufCMessageDescriptor *)field->descriptor);
    return event;
}

ProtobufCMessage *sk_event_attributes(const HIST(HistoryEvent) *event)
{
    return (ProtobufCMessage *)event->workflow_execution_started_event_attributes;
}

const char *sk_event_name(int type)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &temporal__api__enums__v1__event_type__descriptor, type);
    return value ? value->name + strlen("EVENT_TYPE_") : "UNKNOWN";
}
