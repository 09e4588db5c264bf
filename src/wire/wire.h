/*
 * What guards and uses generated protobuf messages. Bytes are decoded here, checked on the way, and
 * never by protobuf-c itself, which recurses without limit and accepts bad UTF-8. All results live
 * in the arena and point at nothing outside it. Any thread; no state.
 */
#ifndef SK_WIRE_WIRE_H
#define SK_WIRE_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include "base/arena.h"
#include "base/ctx.h"
#include "base/err.h"
#include "base/str.h"

/* Levels of a message of a peer. Other readers stop at 100, and what is handed on is wrapped a few
 * levels deeper than it came: a failure that its sender could write, its receivers can read. */
#define SK_WIRE_DEPTH_MAX 95

/* Check and decode a peer's bytes. INVALID_ARGUMENT names the field's path and what is wrong. */
sk_err sk_wire_decode(struct sk_ctx *ctx, const ProtobufCMessageDescriptor *type,
                      struct sk_str bytes, ProtobufCMessage **ret) SK_MUST_USE;
/* Decode bytes we wrote ourselves (store records): text is not checked again; DATA_LOSS when they
 * do not parse. */
sk_err sk_wire_decode_own(struct sk_ctx *ctx, const ProtobufCMessageDescriptor *type,
                          struct sk_str bytes, ProtobufCMessage **ret) SK_MUST_USE;
/* Pack into the arena. */
struct sk_str sk_wire_pack(struct sk_arena *arena, const ProtobufCMessage *message);
size_t sk_wire_size(const ProtobufCMessage *message);

/* Make message carry `bytes` as its length-delimited field `field` when packed, though the struct
 * member stays NULL: raw stored bytes are sent without decoding. bytes are borrowed. */
void sk_wire_splice(struct sk_arena *arena, ProtobufCMessage *message, unsigned field,
                    struct sk_str bytes);

/* Serialized History messages (repeated HistoryEvent events = 1). */
/* The slice of history that holds events first..last (inclusive, by event id). Events out of
 * order or unreadable: DATA_LOSS. An empty slice when none is in range. */
sk_err sk_wire_history_cut(struct sk_ctx *ctx, struct sk_str history, int64_t first, int64_t last,
                           struct sk_str *ret) SK_MUST_USE;
/* First and last event id, 0 and 0 of an empty history; checks that ids are contiguous. */
sk_err sk_wire_history_range(struct sk_ctx *ctx, struct sk_str history, int64_t *ret_first,
                             int64_t *ret_last) SK_MUST_USE;
/* Append one event to a History being built: tag, length, event. Returns bytes added. */
struct sk_buf;
size_t sk_wire_history_append(struct sk_buf *history, const ProtobufCMessage *event);

/* The serialized FileDescriptorSet of all messages, with the API's true types. */
struct sk_str sk_wire_descriptors(void);
/* Take the next FileDescriptorProto's bytes from such a set; false at its end. */
bool sk_wire_next_file(struct sk_str *set, struct sk_str *ret);
/* The protobuf-c descriptor of a message by its full name, or NULL. */
const ProtobufCMessageDescriptor *sk_wire_type(const char *full_name);

#endif
