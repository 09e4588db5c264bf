/* For src/wire only. */
#ifndef SK_WIRE_WIRE_INTERNAL_H
#define SK_WIRE_WIRE_INTERNAL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include "base/ctx.h"

/* Whether a bytes field is a string in the API: text that may hold U+0000 (tools/gen_api.py). */
bool sk_wire_is_text(const ProtobufCMessageDescriptor *type, unsigned field);

/* Where a walk through a message stands, innermost first: for error texts. */
struct sk_wire_path {
    const struct sk_wire_path *up; /* NULL at the root */
    const ProtobufCMessageDescriptor *type;
    const ProtobufCFieldDescriptor *field; /* NULL: the message itself */
    size_t index;                          /* of a repeated field's element */
};
/* "input.payloads[2].data", or the type's name at the root. In the arena. */
const char *sk_wire_path_text(struct sk_arena *arena, const struct sk_wire_path *path)
    __attribute__((nonnull));

/* Bytes of one element in the C struct. */
size_t sk_wire_element_size(ProtobufCType type);

#define SK_WIRE_AT(type, base, offset) ((type *)(void *)((char *)(base) + (offset)))
#define SK_WIRE_AT_CONST(type, base, offset) \
    ((const type *)(const void *)((const char *)(base) + (offset)))

#endif
