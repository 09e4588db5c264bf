/*
 * The small things around messages: packing into an arena, splicing stored bytes, finding types,
 * and the facts about fields that several files of this folder need.
 *
 * Packing is protobuf-c's own: it takes some 200 bytes of stack a level, and what is packed here
 * was either decoded within the depth limit or built by us.
 *
 * Any thread; no state. Packing cannot fail: the arena aborts when memory is gone, and whoever
 * builds an answer bounds its size.
 */
#include "wire/wire.h"

#include <assert.h>
#include <stdio.h>
#include "api_types.h"
#include "base/assert.h"
#include "base/buf.h"
#include "wire/wire_internal.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "fixed-size numbers are copied as they are");
static_assert(sizeof(protobuf_c_boolean) == 4, "a bool's place in a struct");

struct sk_str sk_wire_pack(struct sk_arena *arena, const ProtobufCMessage *message)
{
    size_t n = protobuf_c_message_get_packed_size(message);
    char *bytes = sk_arena_alloc(arena, n ? n : 1);
    size_t written = protobuf_c_message_pack(message, (uint8_t *)bytes);
    SK_ASSERT(written == n);
    return (struct sk_str){bytes, n};
}

size_t sk_wire_size(const ProtobufCMessage *message)
{
    return protobuf_c_message_get_packed_size(message);
}

static size_t put_varint(uint8_t *p, uint64_t value)
{
    size_t n = 0;
    for (; value > 0x7f; value >>= 7)
        p[n++] = (uint8_t)(value | 0x80);
    p[n++] = (uint8_t)value;
    return n;
}

void sk_wire_splice(struct sk_arena *arena, ProtobufCMessage *message, unsigned field,
                    struct sk_str bytes)
{
    unsigned count = message->n_unknown_fields;
    ProtobufCMessageUnknownField *fields = SK_NEW_N(arena, ProtobufCMessageUnknownField, count + 1);
    uint8_t *data = sk_arena_alloc(arena, bytes.n + 10);
    size_t n = put_varint(data, bytes.n);
    if (bytes.n > 0)
        memcpy(data + n, bytes.p, bytes.n);
    if (count > 0)
        memcpy(fields, message->unknown_fields, count * sizeof(*fields));
    fields[count] = (ProtobufCMessageUnknownField){field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                                   n + bytes.n, data};
    message->unknown_fields = fields;
    message->n_unknown_fields = count + 1;
}

size_t sk_wire_history_append(struct sk_buf *history, const ProtobufCMessage *event)
{
    size_t size = protobuf_c_message_get_packed_size(event);
    uint8_t *p = (uint8_t *)sk_buf_reserve(history, size + 11);
    size_t n = 0;
    p[n++] = 1 << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED; // History.events
    n += put_varint(p + n, size);
    n += protobuf_c_message_pack(event, p + n);
    history->n += n;
    return n;
}

struct sk_str sk_wire_descriptors(void)
{
    return (struct sk_str){(const char *)sk_api_descriptors,
                           (size_t)(sk_api_descriptors_end - sk_api_descriptors)};
}

static bool read_varint(struct sk_str *in, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && in->n > 0; shift += 7) {
        unsigned char c = (unsigned char)*in->p;
        in->p++;
        in->n--;
        value |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

/* Field 1, the files, is the only one that the set has. */
bool sk_wire_next_file(struct sk_str *set, struct sk_str *ret)
{
    uint64_t tag = 0, size = 0;
    if (!read_varint(set, &tag) || tag != (1 << 3 | 2) || !read_varint(set, &size) || size > set->n)
        return false;
    *ret = (struct sk_str){set->p, (size_t)size};
    set->p += size;
    set->n -= (size_t)size;
    return true;
}

const ProtobufCMessageDescriptor *sk_wire_type(const char *full_name)
{
    unsigned low = 0, high = sk_api_type_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = strcmp(full_name, sk_api_types[middle]->name);
        if (order == 0)
            return sk_api_types[middle];
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool sk_wire_is_text(const ProtobufCMessageDescriptor *type, unsigned field)
{
    for (unsigned i = 0; i < sk_api_text_field_count; i++)
        if (sk_api_text_fields[i].type == type && sk_api_text_fields[i].field == field)
            return true;
    return false;
}

size_t sk_wire_element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

/* Paths longer than this keep their end: the field that is wrong. */
#define PATH_TEXT_MAX 300

const char *sk_wire_path_text(struct sk_arena *arena, const struct sk_wire_path *path)
{
    char text[PATH_TEXT_MAX];
    size_t at = sizeof(text) - 1; // filled from the end
    const struct sk_wire_path *root = path;
    text[at] = 0;
    for (const struct sk_wire_path *p = path; p; root = p, p = p->up) {
        char part[160];
        if (!p->field)
            continue;
        const char *dot = text[at] ? "." : "";
        int n = p->field->label == PROTOBUF_C_LABEL_REPEATED
                    ? snprintf(part, sizeof(part), "%s[%zu]%s", p->field->name, p->index, dot)
                    : snprintf(part, sizeof(part), "%s%s", p->field->name, dot);
        if (n < 0 || (size_t)n >= sizeof(part) || (size_t)n + 3 > at)
            return sk_arena_printf(arena, "...%s", text + at);
        at -= (size_t)n;
        memcpy(text + at, part, (size_t)n);
    }
    return text[at] ? sk_arena_strdup(arena, text + at) : root->type->short_name;
}
