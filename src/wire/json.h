/*
 * proto3 JSON: messages to text and back, by walking descriptors. Field names in lowerCamelCase
 * (the .proto names are read too), enums by their full names (Temporal's short forms, "Running" for
 * WORKFLOW_EXECUTION_STATUS_RUNNING, are read too), 64-bit numbers as strings, bytes as base64,
 * Timestamp, Duration, FieldMask, Any, Struct and the wrappers in their own forms. Fields that are
 * not set are left out. Unknown fields are not shown.
 *
 * Any thread; no state. Both recurse, at most SK_WIRE_DEPTH_MAX levels for what was parsed.
 */
#ifndef SK_WIRE_JSON_H
#define SK_WIRE_JSON_H

#include <protobuf-c/protobuf-c.h>
#include "base/buf.h"
#include "base/ctx.h"
#include "base/str.h"
#include "wire/wire.h"

enum sk_wire_json_flags {
    SK_WIRE_JSON_PRETTY = 1,   /* two spaces a level, one member a line */
    SK_WIRE_JSON_DEFAULTS = 2, /* also numbers, strings, bools and enums that are zero */
    /* Payloads as Temporal's HTTP API has them: a Payload of JSON is that JSON, Payloads a list of
     * them. Those without such a form stand in the long one, and both are read. */
    SK_WIRE_JSON_SHORTHAND = 4,
};

/* Append the message as JSON. No newline at the end. What sk_wire_splice put there is shown, too.
 */
void sk_wire_json_print(struct sk_buf *out, const ProtobufCMessage *message, unsigned flags);
/* Append text as a JSON string, quotes included. */
void sk_wire_json_quote(struct sk_buf *out, struct sk_str text);

/* Parse JSON into a message of this type, all in ctx->arena; of the flags, SHORTHAND counts.
 * INVALID_ARGUMENT names the field's path, or line and column where the text is no JSON. Members
 * that the type does not have are an error. */
sk_err sk_wire_json_parse(struct sk_ctx *ctx, const ProtobufCMessageDescriptor *type,
                          struct sk_str text, unsigned flags, ProtobufCMessage **ret) SK_MUST_USE;
/* Set a field from text, as of a URL: path is dotted ("execution.workflowId", either kind of name),
 * messages on the way are made. A repeated field gets one more element. Times, durations and the
 * like are in their JSON form, bytes in base64, enums by name or number. INVALID_ARGUMENT names the
 * field. All in ctx->arena. */
sk_err sk_wire_json_set(struct sk_ctx *ctx, ProtobufCMessage *message, struct sk_str path,
                        struct sk_str text) SK_MUST_USE;

/* Append a field's name as JSON has it: "workflow_id" as "workflowId". */
void sk_wire_json_camel(struct sk_buf *out, const char *name, size_t n);
/* Whether a repeated field is a map: an object in JSON. */
bool sk_wire_json_is_map(const ProtobufCFieldDescriptor *field);
/* Whether a field that is bytes in C is a string in JSON: free text. */
bool sk_wire_json_is_text(const ProtobufCMessageDescriptor *type,
                          const ProtobufCFieldDescriptor *field);

/* Base64 with padding; reading takes the URL alphabet and missing padding too. */
void sk_wire_base64_append(struct sk_buf *out, struct sk_str bytes);
/* Bytes in the arena; false when text is no base64. */
bool sk_wire_base64_read(struct sk_arena *arena, struct sk_str text, struct sk_str *ret);

/* RFC 3339 in UTC, nanoseconds in groups of three as needed: "2024-01-02T03:04:05.060Z". */
#define SK_WIRE_TIME_TEXT 40
void sk_wire_time_format(int64_t seconds, int32_t nanos, char ret[static SK_WIRE_TIME_TEXT]);
/* Takes any offset. false when the text is no time of the years 1 to 9999. */
bool sk_wire_time_parse(struct sk_str text, int64_t *ret_seconds, int32_t *ret_nanos);

#endif
