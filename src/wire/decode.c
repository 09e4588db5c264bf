/*
 * Decoding: from bytes to protobuf-c structs, checked on the way, in one pass.
 *
 * protobuf-c's own unpack is not used. It takes 940 bytes of stack a level of nesting without an
 * end to it (a hundred levels overflow a fiber's 64 KB, a 34 KB message that nests 10,000 deep
 * overflows a thread's 8 MB), lets bad UTF-8 pass, and cuts strings at a NUL. A scan before it
 * would walk every byte twice and still leave the stack. This walk fills the same structs from the
 * same descriptors, so that all other functions of the library work on its results.
 *
 * Invariants
 *   INV-1  No byte at or after `end` of the innermost level is read.
 *   INV-2  Recursion is bounded by depth_max levels.
 *   INV-3  Memory taken for a peer's message is bounded by memory_max, however small the elements
 * on the wire are. Our own records hold parts of such messages, which alone may exceed it. INV-4 An
 * array of n elements has room for the smallest power of two >= n.
 *
 * Protobuf's rules that show here: a field that is there twice takes the last value, a message
 * that is there twice is merged, numbers may come packed or not, unknown fields are kept.
 * Stricter than the rules: a known field of another wire type, and groups, are refused.
 *
 * Any thread. Results live in the arena. Fails with INVALID_ARGUMENT and the field's path; bytes of
 * our own that do not parse are DATA_LOSS.
 */
#include "wire/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include "api_types.h"
#include "base/assert.h"
#include "wire/wire_internal.h"

/* Our own records wrap what peers sent a few levels deeper. */
#define OWN_DEPTH_MAX (SK_WIRE_DEPTH_MAX + 33)
#define MEMORY_BASE (1 << 20)
#define MEMORY_FACTOR 24

struct decoder {
    struct sk_ctx *ctx;
    bool own; /* bytes we wrote: text is not checked again */
    int depth, depth_max;
    size_t memory, memory_max; /* a peer's */
};

/* One message under way. */
struct level {
    struct sk_wire_path path; // first: a level is a path
    ProtobufCMessage *message;
    const uint8_t *p, *end;
    unsigned next; /* index of the field that probably comes next */
};

static sk_err fail(struct decoder *d, const struct level *level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold, noinline));

static sk_err fail(struct decoder *d, const struct level *level, const char *fmt, ...)
{
    char what[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return sk_fail(d->ctx, d->own ? SK_DATA_LOSS : SK_INVALID_ARGUMENT, "%s: %s",
                   sk_wire_path_text(d->ctx->arena, &level->path), what);
}

/* NULL when the message would take too much memory; the caller fails with too_large. */
static void *take(struct decoder *d, size_t size)
{
    d->memory += size;
    if (!d->own && d->memory > d->memory_max) // ours is part of what was within bounds as a whole
        return NULL;
    return sk_arena_alloc_try(d->ctx->arena, size);
}

static sk_err too_large(struct decoder *d, const struct level *level)
{
    return fail(d, level, "the message takes more than %zu bytes of memory", d->memory_max);
}

// ---- the wire ----

static inline bool read_varint(struct level *level, uint64_t *ret)
{
    const uint8_t *p = level->p;
    if (p < level->end && *p < 0x80) {
        *ret = *p;
        level->p = p + 1;
        return true;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; p < level->end && shift < 70; shift += 7, p++) {
        value |= (uint64_t)(*p & 0x7f) << (shift & 63);
        if (*p < 0x80) {
            level->p = p + 1;
            *ret = value;
            return true;
        }
    }
    return false;
}

/* Read a length that fits what is left. */
static inline bool read_length(struct level *level, size_t *ret)
{
    uint64_t n;
    if (!read_varint(level, &n) || n > (uint64_t)(level->end - level->p))
        return false;
    *ret = (size_t)n;
    return true;
}

static ProtobufCWireType wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

// ---- values ----

/* A number of any type, from the wire into the struct. */
static bool read_number(struct level *level, ProtobufCType type, void *slot)
{
    uint64_t v;
    switch (wire_type_of(type)) {
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        if (level->end - level->p < 4)
            return false;
        memcpy(slot, level->p, 4); // little-endian hosts only, see the assert in wire.c
        level->p += 4;
        return true;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        if (level->end - level->p < 8)
            return false;
        memcpy(slot, level->p, 8);
        level->p += 8;
        return true;
    default:
        break;
    }
    if (!read_varint(level, &v))
        return false;
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        *(uint64_t *)slot = v;
        break;
    case PROTOBUF_C_TYPE_SINT64:
        *(uint64_t *)slot = (v >> 1) ^ (0 - (v & 1));
        break;
    case PROTOBUF_C_TYPE_SINT32:
        *(uint32_t *)slot = ((uint32_t)v >> 1) ^ (0 - ((uint32_t)v & 1));
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)slot = v != 0;
        break;
    default: // int32, uint32, enum: the low half
        *(uint32_t *)slot = (uint32_t)v;
        break;
    }
    return true;
}

/* One look at eight bytes a step: plain ASCII without NUL, which nearly all strings are. */
static inline bool plain_ascii(const uint8_t *p, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t eight;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&eight, p, 8);
        if (((eight - ones) | eight) & highs)
            return false;
    }
    for (; n > 0; p++, n--)
        if (*p == 0 || *p >= 0x80)
            return false;
    return true;
}

static sk_err read_string(struct decoder *d, struct level *level, char **slot)
{
    size_t n;
    if (!read_length(level, &n))
        return fail(d, level, "the bytes end inside the field");
    if (!d->own && !plain_ascii(level->p, n)) {
        if (memchr(level->p, 0, n))
            return fail(d, level, "holds the character U+0000");
        if (!sk_utf8_valid(level->p, n))
            return fail(d, level, "is not valid UTF-8");
    }
    char *copy = take(d, n + 1);
    if (!copy)
        return too_large(d, level);
    memcpy(copy, level->p, n);
    copy[n] = 0;
    level->p += n;
    *slot = copy;
    return SK_OK;
}

static sk_err read_bytes(struct decoder *d, struct level *level, ProtobufCBinaryData *slot)
{
    size_t n;
    if (!read_length(level, &n))
        return fail(d, level, "the bytes end inside the field");
    if (!d->own && sk_wire_is_text(level->path.type, level->path.field->id) &&
        !sk_utf8_valid(level->p, n))
        return fail(d, level, "is not valid UTF-8");
    slot->data = NULL;
    slot->len = n;
    if (n == 0)
        return SK_OK;
    slot->data = take(d, n);
    if (!slot->data)
        return too_large(d, level);
    memcpy(slot->data, level->p, n);
    level->p += n;
    return SK_OK;
}

static sk_err read_fields(struct decoder *d, struct level *level);

static sk_err read_message(struct decoder *d, struct level *level, ProtobufCMessage **slot)
{
    size_t n;
    if (!read_length(level, &n))
        return fail(d, level, "the bytes end inside the field");
    if (d->depth >= d->depth_max)
        return fail(d, level, "messages nest deeper than %d", d->depth_max);
    const ProtobufCMessageDescriptor *type = level->path.field->descriptor;
    ProtobufCMessage *message = *slot;
    if (!message) {
        message = take(d, type->sizeof_message);
        if (!message)
            return too_large(d, level);
        type->message_init(message);
        *slot = message;
    }
    struct level child = {
        .path = {.up = &level->path, .type = type},
        .message = message,
        .p = level->p,
        .end = level->p + n,
    };
    level->p += n;
    d->depth++;
    sk_err err = read_fields(d, &child);
    d->depth--;
    return err;
}

static inline sk_err read_value(struct decoder *d, struct level *level, void *slot)
{
    switch (level->path.field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return read_string(d, level, slot);
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(d, level, slot);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_message(d, level, slot);
    default:
        if (!read_number(level, level->path.field->type, slot))
            return fail(d, level, "is not a whole number on the wire");
        return SK_OK;
    }
}

// ---- repeated fields ----

static size_t room_for(size_t n)
{
    size_t room = n ? 1 : 0;
    while (room < n)
        room *= 2;
    return room;
}

/* Make room for `more` elements after the n that are there (INV-4). */
static bool grow(struct decoder *d, void **array, size_t n, size_t more, size_t element_size)
{
    if (room_for(n) >= n + more)
        return true;
    void *bigger = take(d, room_for(n + more) * element_size);
    if (!bigger)
        return false;
    if (n > 0)
        memcpy(bigger, *array, n * element_size);
    *array = bigger;
    return true;
}

static sk_err read_element(struct decoder *d, struct level *level)
{
    const ProtobufCFieldDescriptor *field = level->path.field;
    size_t *count = SK_WIRE_AT(size_t, level->message, field->quantifier_offset);
    void **array = SK_WIRE_AT(void *, level->message, field->offset);
    size_t size = sk_wire_element_size(field->type);
    level->path.index = *count;
    if (!grow(d, array, *count, 1, size))
        return too_large(d, level);
    void *slot = (char *)*array + *count * size;
    memset(slot, 0, size);
    sk_err err = read_value(d, level, slot);
    if (!err)
        ++*count;
    return err;
}

static sk_err read_packed(struct decoder *d, struct level *level)
{
    const ProtobufCFieldDescriptor *field = level->path.field;
    size_t *count = SK_WIRE_AT(size_t, level->message, field->quantifier_offset);
    void **array = SK_WIRE_AT(void *, level->message, field->offset);
    size_t size = sk_wire_element_size(field->type), n, more = 0;
    if (!read_length(level, &n))
        return fail(d, level, "the bytes end inside the field");
    struct level run = {.path = level->path, .p = level->p, .end = level->p + n};
    if (wire_type_of(field->type) == PROTOBUF_C_WIRE_TYPE_VARINT) {
        for (size_t i = 0; i < n; i++)
            more += run.p[i] < 0x80;
    } else {
        more = n / size;
    }
    if (!grow(d, array, *count, more, size))
        return too_large(d, level);
    for (size_t i = 0; i < more; i++, ++*count)
        if (!read_number(&run, field->type, (char *)*array + *count * size))
            return fail(d, level, "holds a number of more than ten bytes");
    if (run.p != run.end)
        return fail(d, level, "ends inside a number");
    level->p += n;
    return SK_OK;
}

// ---- fields ----

/* Senders write fields in ascending order, so the field after the last one is looked at first. */
static inline const ProtobufCFieldDescriptor *find_field(struct level *level, unsigned id)
{
    const ProtobufCMessageDescriptor *type = level->path.type;
    unsigned low = 0, high = type->n_fields, at = level->next;
    for (unsigned i = 0; i < 2 && at < high; i++, at++) {
        if (type->fields[at].id == id) {
            level->next = at;
            return &type->fields[at];
        }
    }
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (type->fields[middle].id == id) {
            level->next = middle;
            return &type->fields[middle];
        }
        if (type->fields[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Switch a oneof to this field; what another member left in the shared place is forgotten. */
static void choose(struct level *level, const ProtobufCFieldDescriptor *field, void *slot)
{
    uint32_t *chosen = SK_WIRE_AT(uint32_t, level->message, field->quantifier_offset);
    if (*chosen == field->id)
        return;
    *chosen = field->id;
    memset(slot, 0, sk_wire_element_size(field->type));
}

static sk_err read_field(struct decoder *d, struct level *level, unsigned wire)
{
    const ProtobufCFieldDescriptor *field = level->path.field;
    ProtobufCWireType expected = wire_type_of(field->type);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        if (wire == expected)
            return read_element(d, level);
        if (wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            return read_packed(d, level);
    }
    if (wire != expected)
        return fail(d, level, "has wire type %u, must be %u", wire, (unsigned)expected);
    void *slot = SK_WIRE_AT(void, level->message, field->offset);
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        choose(level, field, slot);
    else if (field->quantifier_offset)
        *SK_WIRE_AT(protobuf_c_boolean, level->message, field->quantifier_offset) = true;
    return read_value(d, level, slot);
}

/* Step over a value of an unknown field. */
static bool skip_value(struct level *level, unsigned wire)
{
    uint64_t ignored;
    size_t n;
    switch (wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return read_varint(level, &ignored);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_length(level, &n))
            return false;
        break;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        n = 8;
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        n = 4;
        break;
    default: // groups, and what no protobuf ever had
        return false;
    }
    if (n > (size_t)(level->end - level->p))
        return false;
    level->p += n;
    return true;
}

static sk_err keep_unknown(struct decoder *d, struct level *level, unsigned id, unsigned wire)
{
    ProtobufCMessage *message = level->message;
    void *array = message->unknown_fields;
    const uint8_t *start = level->p;
    if (!skip_value(level, wire))
        return fail(d, level, "unknown field %u is malformed (wire type %u)", id, wire);
    size_t n = (size_t)(level->p - start);
    uint8_t *copy = take(d, n ? n : 1);
    if (!copy || !grow(d, &array, message->n_unknown_fields, 1, sizeof(*message->unknown_fields)))
        return too_large(d, level);
    memcpy(copy, start, n);
    message->unknown_fields = array;
    message->unknown_fields[message->n_unknown_fields++] =
        (ProtobufCMessageUnknownField){id, (ProtobufCWireType)wire, n, copy};
    return SK_OK;
}

static sk_err read_fields(struct decoder *d, struct level *level)
{
    while (level->p < level->end) {
        uint64_t key;
        level->path.field = NULL;
        if (!read_varint(level, &key) || key > UINT32_MAX || key < 8)
            return fail(d, level, "a field's tag is malformed");
        unsigned id = (unsigned)(key >> 3), wire = key & 7;
        level->path.field = find_field(level, id);
        level->path.index = 0;
        sk_err err =
            level->path.field ? read_field(d, level, wire) : keep_unknown(d, level, id, wire);
        if (err)
            return err;
    }
    return SK_OK;
}

static sk_err decode(struct decoder *d, const ProtobufCMessageDescriptor *type, struct sk_str bytes,
                     ProtobufCMessage **ret)
{
    const uint8_t *p = (const uint8_t *)(bytes.p ? bytes.p : "");
    struct level root = {.path = {.type = type}, .p = p, .end = p + bytes.n};
    d->depth = 1;
    d->memory_max = MEMORY_BASE + MEMORY_FACTOR * bytes.n;
    root.message = take(d, type->sizeof_message);
    if (!root.message)
        return too_large(d, &root);
    type->message_init(root.message);
    sk_err err = read_fields(d, &root);
    if (!err)
        *ret = root.message;
    return err;
}

sk_err sk_wire_decode(struct sk_ctx *ctx, const ProtobufCMessageDescriptor *type,
                      struct sk_str bytes, ProtobufCMessage **ret)
{
    struct decoder d = {.ctx = ctx, .depth_max = SK_WIRE_DEPTH_MAX};
    return decode(&d, type, bytes, ret);
}

sk_err sk_wire_decode_own(struct sk_ctx *ctx, const ProtobufCMessageDescriptor *type,
                          struct sk_str bytes, ProtobufCMessage **ret)
{
    struct decoder d = {.ctx = ctx, .own = true, .depth_max = OWN_DEPTH_MAX};
    return decode(&d, type, bytes, ret);
}
