/*
 * Failures that the server makes or shortens. A failure that is too large to keep is replaced by
 * one of the server's, whose cause is the original cut down to a size that is certainly fine:
 * details and attributes go, texts are cut at a character boundary, causes are kept while room is
 * left.
 *
 * Thread: any; no state.
 */
#include "frontend/failures.h"

#include "base/str.h"
#include "wire/text.h"

#define DEPTH_MAX 20
#define FIELD_OVERHEAD 4
#define APPLICATION_OVERHEAD 8

#define INFO(kind) TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_##kind##_FAILURE_INFO

static sk_failure_pb *new_failure(struct sk_arena *arena)
{
    sk_failure_pb *failure = sk_arena_alloc(arena, sizeof *failure);
    temporal__api__failure__v1__failure__init(failure);
    return failure;
}

static void set_server(struct sk_arena *arena, sk_failure_pb *failure, bool non_retryable)
{
    Temporal__Api__Failure__V1__ServerFailureInfo *info = sk_arena_alloc(arena, sizeof *info);
    temporal__api__failure__v1__server_failure_info__init(info);
    info->non_retryable = non_retryable;
    failure->failure_info_case = INFO(SERVER);
    failure->server_failure_info = info;
}

sk_failure_pb *sk_failure_of_server(struct sk_arena *arena, const char *message)
{
    sk_failure_pb *failure = new_failure(arena);
    failure->message = (ProtobufCBinaryData){strlen(message), (uint8_t *)sk_wire_text(message)};
    set_server(arena, failure, true);
    return failure;
}

/* Takes what it uses from *room. */
static size_t take(const char *s, size_t n, size_t *room)
{
    if (n > *room) {
        n = *room;
        while (n && ((unsigned char)s[n] & 0xC0) == 0x80)
            n--;
    }
    size_t used = n ? n + FIELD_OVERHEAD : 0;
    *room -= used < *room ? used : *room;
    return n;
}

static char *cut_text(struct sk_arena *arena, const char *s, size_t *room)
{
    return sk_arena_strndup(arena, s, take(s, strlen(s), room));
}

static ProtobufCBinaryData cut_bytes(ProtobufCBinaryData b, size_t *room)
{
    return (ProtobufCBinaryData){take((const char *)b.data, b.len, room), b.data};
}

static void cut_info(struct sk_arena *arena, const sk_failure_pb *from, sk_failure_pb *to,
                     size_t *room)
{
    if (from->failure_info_case == INFO(SERVER)) {
        set_server(arena, to, from->server_failure_info->non_retryable);
        *room -= *room < FIELD_OVERHEAD ? *room : FIELD_OVERHEAD;
    }
    if (from->failure_info_case != INFO(APPLICATION))
        return;
    Temporal__Api__Failure__V1__ApplicationFailureInfo *info = sk_arena_alloc(arena, sizeof *info);
    temporal__api__failure__v1__application_failure_info__init(info);
    info->non_retryable = from->application_failure_info->non_retryable;
    info->type = cut_text(arena, from->application_failure_info->type, room);
    *room -= *room < APPLICATION_OVERHEAD ? *room : APPLICATION_OVERHEAD;
    to->failure_info_case = INFO(APPLICATION);
    to->application_failure_info = info;
}

sk_failure_pb *sk_failure_truncate(struct sk_arena *arena, const sk_failure_pb *failure,
                                   size_t max_bytes)
{
    sk_failure_pb *first = NULL, **link = &first;
    size_t room = max_bytes;
    for (int depth = 0; failure && depth <= DEPTH_MAX; failure = failure->cause, depth++) {
        if (depth && room <= FIELD_OVERHEAD)
            break;
        room -= depth ? FIELD_OVERHEAD : 0;
        sk_failure_pb *copy = new_failure(arena);
        cut_info(arena, failure, copy, &room);
        copy->source = cut_text(arena, failure->source, &room);
        copy->message = cut_bytes(failure->message, &room);
        copy->stack_trace = cut_bytes(failure->stack_trace, &room);
        *link = copy;
        link = &copy->cause;
    }
    return first;
}
