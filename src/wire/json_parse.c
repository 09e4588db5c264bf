/*
 * proto3 JSON to messages: jansson makes a tree of the text, this walks the tree by the type's
 * descriptor and fills a protobuf-c struct in the arena.
 *
 * jansson's parser recurses, so the nesting of the text is counted before it sees it; its tree's
 * memory is bounded by json_tree.c.
 *
 * Invariants
 *   INV-1  The tree is freed on every path; nothing of it is pointed at afterwards. Nothing waits
 *          while there is one (json_tree.c).
 *   INV-2  No string of a message holds U+0000 (text fields, which are bytes in C, may).
 *   INV-3  Memory taken is bounded by memory_max, as in decode.c.
 *   INV-4  A field is filled once at most.
 *
 * Any thread; no state. Fails with INVALID_ARGUMENT and the field's path.
 */
#include "wire/json_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/assert.h"
#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"

#define MEMORY_BASE ((size_t)1 << 20)
#define MEMORY_FACTOR 24 /* bytes of memory a byte of text */
#define FIELDS_MAX 256   /* of a message type; the largest of Temporal's has some 50 */

sk_err json_fail(const struct json_place *at, const char *fmt, ...)
{
    char what[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return sk_fail(at->ctx, SK_INVALID_ARGUMENT, "%s: %s",
                   sk_wire_path_text(at->ctx->arena, &at->path), what);
}

static sk_err parse_message(struct json_place *at, const json_t *json, ProtobufCMessage *message);

ProtobufCMessage *json_message_new(struct json_place *at, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = sk_arena_alloc(at->ctx->arena, type->sizeof_message);
    type->message_init(message);
    return message;
}

sk_err json_check_memory(const struct json_place *at)
{
    if (at->memory_max == 0 || sk_arena_used(at->ctx->arena) <= at->memory_max)
        return SK_OK;
    return json_fail(at, "the message takes too much memory: too many small elements");
}

// ---- numbers ----

/* A whole number, given as one, as a real without a fraction, or as a string of one. */
static bool read_whole(const json_t *json, bool is_unsigned, uint64_t *ret)
{
    char *end;
    if (json_is_integer(json)) {
        json_int_t v = json_integer_value(json);
        *ret = (uint64_t)v;
        return !is_unsigned || v >= 0;
    }
    if (json_is_real(json)) {
        double v = json_real_value(json);
        *ret = (uint64_t)(int64_t)(fabs(v) < 9e15 ? v : 0);
        return fabs(v) < 9e15 && v == floor(v) && (!is_unsigned || v >= 0);
    }
    const char *text = json_string_value(json);
    if (!text || !(text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) ||
        (is_unsigned && text[0] == '-'))
        return false;
    errno = 0;
    *ret = is_unsigned ? (uint64_t)strtoull(text, &end, 10) : (uint64_t)strtoll(text, &end, 10);
    return errno == 0 && *end == 0 && strlen(text) == json_string_length(json);
}

static bool read_real(const json_t *json, double *ret)
{
    if (json_is_number(json)) {
        *ret = json_number_value(json);
        return true;
    }
    const char *text = json_string_value(json);
    if (!text)
        return false;
    if (strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0 ||
        strcmp(text, "-Infinity") == 0) {
        *ret = text[0] == 'N' ? (double)NAN : text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (!(text[0] == '-' || (text[0] >= '0' && text[0] <= '9')))
        return false;
    char *end;
    *ret = strtod(text, &end);
    return *end == 0 && strlen(text) == json_string_length(json);
}

/* "Running" names WORKFLOW_EXECUTION_STATUS_RUNNING: letters are compared, case and _ are not. */
static bool short_name_is(const char *full, size_t prefix, const char *text)
{
    const char *p = full + prefix;
    while (*text) {
        while (*p == '_')
            p++;
        char c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
        if (*p++ != c)
            return false;
        text++;
    }
    return *p == 0;
}

/* Length of what all names of an enum start with, up to and with an underscore. */
static size_t common_prefix(const ProtobufCEnumDescriptor *type)
{
    size_t n = strlen(type->values[0].name);
    for (unsigned i = 1; i < type->n_values; i++) {
        size_t same = 0;
        while (same < n && type->values[i].name[same] == type->values[0].name[same])
            same++;
        n = same;
    }
    while (n > 0 && type->values[0].name[n - 1] != '_')
        n--;
    return n;
}

static bool read_bool(const char *text, protobuf_c_boolean *ret)
{
    *ret = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *ret || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static sk_err parse_enum(struct json_place *at, const json_t *json, int *ret)
{
    const ProtobufCEnumDescriptor *type = at->path.field->descriptor;
    const char *text = json_string_value(json);
    uint64_t number;
    if ((json_is_integer(json) || at->from_text) && read_whole(json, false, &number) &&
        (int64_t)number == (int32_t)(int64_t)number) {
        *ret = (int)number;
        return SK_OK;
    }
    if (!text)
        return json_fail(at, "must be the name of a %s", type->short_name);
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(type, text);
    size_t prefix = value ? 0 : common_prefix(type);
    for (unsigned i = 0; i < type->n_values && !value; i++)
        if (short_name_is(type->values[i].name, prefix, text))
            value = &type->values[i];
    if (!value)
        return json_fail(at, "'%.60s' is no %s", text, type->short_name);
    *ret = value->value;
    return SK_OK;
}

static sk_err parse_number(struct json_place *at, const json_t *json, void *slot)
{
    uint64_t v = 0;
    double real;
    switch (at->path.field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        if (!read_whole(json, false, &v))
            return json_fail(at, "must be a whole number of 64 bits");
        *(uint64_t *)slot = v;
        return SK_OK;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        if (!read_whole(json, true, &v))
            return json_fail(at, "must be a whole number from 0 of 64 bits");
        *(uint64_t *)slot = v;
        return SK_OK;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        if (!read_whole(json, true, &v) || v > UINT32_MAX)
            return json_fail(at, "must be a whole number from 0 to %" PRIu32, UINT32_MAX);
        *(uint32_t *)slot = (uint32_t)v;
        return SK_OK;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FLOAT:
        if (!read_real(json, &real))
            return json_fail(at, "must be a number");
        if (at->path.field->type == PROTOBUF_C_TYPE_FLOAT)
            *(float *)slot = (float)real;
        else
            *(double *)slot = real;
        return SK_OK;
    case PROTOBUF_C_TYPE_BOOL:
        if (at->from_text && read_bool(json_string_value(json), slot))
            return SK_OK;
        if (!json_is_boolean(json))
            return json_fail(at, "must be true or false");
        *(protobuf_c_boolean *)slot = json_is_true(json);
        return SK_OK;
    case PROTOBUF_C_TYPE_ENUM:
        return parse_enum(at, json, slot);
    default:
        if (!read_whole(json, false, &v) || (int64_t)v != (int32_t)(int64_t)v)
            return json_fail(at, "must be a whole number of 32 bits");
        *(int32_t *)slot = (int32_t)(int64_t)v;
        return SK_OK;
    }
}

// ---- strings and bytes ----

static sk_err parse_string(struct json_place *at, const json_t *json, char **slot)
{
    if (!json_is_string(json))
        return json_fail(at, "must be a string");
    if (memchr(json_string_value(json), 0, json_string_length(json)))
        return json_fail(at, "holds the character U+0000");
    *slot = sk_arena_strndup(at->ctx->arena, json_string_value(json), json_string_length(json));
    return SK_OK;
}

static sk_err parse_bytes(struct json_place *at, const json_t *json, ProtobufCBinaryData *slot)
{
    struct sk_str text = {json_string_value(json), json_string_length(json)}, bytes;
    if (!text.p)
        return json_fail(at, "must be a string");
    if (sk_wire_is_text(at->path.type, at->path.field->id))
        bytes = (struct sk_str){sk_arena_memdup(at->ctx->arena, text.p, text.n), text.n};
    else if (!sk_wire_base64_read(at->ctx->arena, text, &bytes))
        return json_fail(at, "is not base64");
    slot->data = (uint8_t *)(uintptr_t)bytes.p;
    slot->len = bytes.n;
    return SK_OK;
}

// ---- types with a form of their own ----

static sk_err parse_timestamp(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    Google__Protobuf__Timestamp *t = (void *)message;
    struct sk_str text = {json_string_value(json), json_string_length(json)};
    if (!text.p || !sk_wire_time_parse(text, &t->seconds, &t->nanos))
        return json_fail(at, "must be a time such as 2024-01-02T03:04:05Z");
    return SK_OK;
}

static sk_err parse_duration(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    Google__Protobuf__Duration *d = (void *)message;
    const char *text = json_string_value(json), *p = text;
    int64_t seconds = 0, limit = INT64_C(315576000000);
    int32_t nanos = 0, unit = 100000000;
    bool negative = p && *p == '-', digits = false;
    p = negative ? p + 1 : p;
    for (; p && *p >= '0' && *p <= '9' && seconds <= limit; p++, digits = true)
        seconds = seconds * 10 + (*p - '0');
    if (p && *p == '.')
        for (p++; *p >= '0' && *p <= '9' && unit > 0; p++, unit /= 10)
            nanos += unit * (*p - '0');
    if (!digits || strcmp(p, "s") != 0 || seconds > limit)
        return json_fail(at, "must be a duration in seconds such as 1.5s");
    d->seconds = negative ? -seconds : seconds;
    d->nanos = negative ? -nanos : nanos;
    return SK_OK;
}

/* "workflowExecutionTimeout" as "workflow_execution_timeout" */
static char *snake(struct sk_arena *arena, const char *p, size_t n)
{
    char *text = sk_arena_alloc(arena, n * 2 + 1), *to = text;
    for (size_t i = 0; i < n; i++) {
        bool upper = p[i] >= 'A' && p[i] <= 'Z';
        if (upper)
            *to++ = '_';
        *to++ = upper ? (char)(p[i] - 'A' + 'a') : p[i];
    }
    *to = 0;
    return text;
}

static sk_err parse_field_mask(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    Google__Protobuf__FieldMask *mask = (void *)message;
    const char *p = json_string_value(json);
    if (!p)
        return json_fail(at, "must be a string of paths with commas between");
    size_t count = *p ? 1 : 0;
    for (const char *c = p; *c; c++)
        count += *c == ',';
    mask->paths = SK_NEW_N(at->ctx->arena, char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t n = strcspn(p, ",");
        mask->paths[mask->n_paths++] = snake(at->ctx->arena, p, n);
        p += n + 1;
    }
    return SK_OK;
}

static sk_err parse_value(struct json_place *at, const json_t *json, ProtobufCMessage *message);

static sk_err parse_list(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    Google__Protobuf__ListValue *list = (void *)message;
    if (!json_is_array(json))
        return json_fail(at, "must be a list");
    size_t n = json_array_size(json);
    list->values = SK_NEW_N(at->ctx->arena, Google__Protobuf__Value *, n + 1);
    for (size_t i = 0; i < n; i++) {
        ProtobufCMessage *value = json_message_new(at, &google__protobuf__value__descriptor);
        list->values[list->n_values++] = (void *)value;
        sk_err err = parse_value(at, json_array_get(json, i), value);
        if (err)
            return err;
    }
    return SK_OK;
}

static sk_err parse_struct(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    Google__Protobuf__Struct *object = (void *)message;
    if (!json_is_object(json))
        return json_fail(at, "must be an object");
    object->fields = SK_NEW_N(at->ctx->arena, Google__Protobuf__Struct__FieldsEntry *,
                              json_object_size(json) + 1);
    json_t *tree = (json_t *)(uintptr_t)json; // jansson's iterators take no const
    const char *key;
    json_t *member;
    json_object_foreach(tree, key, member)
    {
        Google__Protobuf__Struct__FieldsEntry *entry =
            (void *)json_message_new(at, &google__protobuf__struct__fields_entry__descriptor);
        entry->key = sk_arena_strdup(at->ctx->arena, key);
        entry->value = (void *)json_message_new(at, &google__protobuf__value__descriptor);
        object->fields[object->n_fields++] = entry;
        sk_err err = parse_value(at, member, &entry->value->base);
        if (err)
            return err;
    }
    return SK_OK;
}

static sk_err parse_value(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    Google__Protobuf__Value *value = (void *)message;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE;
        value->struct_value = (void *)json_message_new(at, &google__protobuf__struct__descriptor);
        return parse_struct(at, json, &value->struct_value->base);
    case JSON_ARRAY:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
        value->list_value = (void *)json_message_new(at, &google__protobuf__list_value__descriptor);
        return parse_list(at, json, &value->list_value->base);
    case JSON_STRING:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
        return parse_string(at, json, &value->string_value);
    case JSON_INTEGER:
    case JSON_REAL:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
        value->number_value = json_number_value(json);
        return SK_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE;
        value->bool_value = json_is_true(json);
        return SK_OK;
    default:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
        return SK_OK;
    }
}

static sk_err parse_any(struct json_place *at, const json_t *json, ProtobufCMessage *message);

static sk_err parse_wrapper(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    struct json_place inner = {.path = {.up = &at->path, .type = message->descriptor},
                               .ctx = at->ctx,
                               .flags = at->flags,
                               .from_text = at->from_text,
                               .memory_max = at->memory_max};
    inner.path.field = &message->descriptor->fields[0];
    return json_parse_slot(&inner, json, SK_WIRE_AT(void, message, inner.path.field->offset));
}

typedef sk_err (*parse_fn)(struct json_place *at, const json_t *json, ProtobufCMessage *message);

static const struct {
    const ProtobufCMessageDescriptor *type;
    parse_fn parse;
} specials[] = {
    {&google__protobuf__timestamp__descriptor, parse_timestamp},
    {&google__protobuf__duration__descriptor, parse_duration},
    {&google__protobuf__any__descriptor, parse_any},
    {&google__protobuf__field_mask__descriptor, parse_field_mask},
    {&google__protobuf__struct__descriptor, parse_struct},
    {&google__protobuf__value__descriptor, parse_value},
    {&google__protobuf__list_value__descriptor, parse_list},
    {&google__protobuf__bool_value__descriptor, parse_wrapper},
    {&google__protobuf__int32_value__descriptor, parse_wrapper},
    {&google__protobuf__int64_value__descriptor, parse_wrapper},
    {&google__protobuf__uint32_value__descriptor, parse_wrapper},
    {&google__protobuf__uint64_value__descriptor, parse_wrapper},
    {&google__protobuf__float_value__descriptor, parse_wrapper},
    {&google__protobuf__double_value__descriptor, parse_wrapper},
    {&google__protobuf__string_value__descriptor, parse_wrapper},
    {&google__protobuf__bytes_value__descriptor, parse_wrapper},
};

static parse_fn special_of(const ProtobufCMessageDescriptor *type)
{
    if (strncmp(type->name, "google.protobuf.", 16) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
        if (specials[i].type == type)
            return specials[i].parse;
    return NULL;
}

bool json_has_own_form(const ProtobufCMessageDescriptor *type)
{
    return special_of(type) != NULL;
}

// ---- fields ----

sk_err json_parse_slot(struct json_place *at, const json_t *json, void *slot)
{
    sk_err err = json_check_memory(at);
    if (err)
        return err;
    switch (at->path.field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return parse_string(at, json, slot);
    case PROTOBUF_C_TYPE_BYTES:
        return parse_bytes(at, json, slot);
    case PROTOBUF_C_TYPE_MESSAGE: {
        ProtobufCMessage *message = json_message_new(at, at->path.field->descriptor);
        *(ProtobufCMessage **)slot = message;
        return parse_message(at, json, message);
    }
    default:
        return parse_number(at, json, slot);
    }
}

static void *repeated_new(struct json_place *at, ProtobufCMessage *message, size_t n)
{
    const ProtobufCFieldDescriptor *field = at->path.field;
    void *array = sk_arena_zalloc(at->ctx->arena, (n + 1) * sk_wire_element_size(field->type));
    *SK_WIRE_AT(void *, message, field->offset) = array;
    return array;
}

/* The key of a map, which JSON has as a string always. */
static sk_err parse_key(struct json_place *at, const char *key, void *slot)
{
    json_t *json = NULL;
    if (at->path.field->type == PROTOBUF_C_TYPE_BOOL)
        json = strcmp(key, "true") == 0    ? json_true()
               : strcmp(key, "false") == 0 ? json_false()
                                           : NULL;
    if (!json)
        json = json_string(key);
    sk_err err = json_parse_slot(at, json, slot);
    json_decref(json);
    return err;
}

static sk_err parse_map(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = at->path.field;
    const ProtobufCMessageDescriptor *type = field->descriptor;
    size_t *count = SK_WIRE_AT(size_t, message, field->quantifier_offset);
    ProtobufCMessage **entries = repeated_new(at, message, json_object_size(json));
    json_t *tree = (json_t *)(uintptr_t)json, *member;
    const char *key;
    json_object_foreach(tree, key, member)
    {
        at->path.index = *count;
        struct json_place inner = {.path = {.up = &at->path, .type = type},
                                   .ctx = at->ctx,
                                   .flags = at->flags,
                                   .from_text = at->from_text,
                                   .memory_max = at->memory_max};
        ProtobufCMessage *entry = json_message_new(at, type);
        entries[(*count)++] = entry;
        inner.path.field = &type->fields[0];
        sk_err err = parse_key(&inner, key, SK_WIRE_AT(void, entry, type->fields[0].offset));
        inner.path.field = &type->fields[1];
        if (!err)
            err = json_parse_slot(&inner, member, SK_WIRE_AT(void, entry, type->fields[1].offset));
        if (err)
            return err;
    }
    return SK_OK;
}

static sk_err parse_repeated(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = at->path.field;
    if (sk_wire_json_is_map(field))
        return json_is_object(json) ? parse_map(at, json, message)
                                    : json_fail(at, "must be an object");
    if (!json_is_array(json))
        return json_fail(at, "must be a list");
    size_t n = json_array_size(json), size = sk_wire_element_size(field->type);
    size_t *count = SK_WIRE_AT(size_t, message, field->quantifier_offset);
    char *array = repeated_new(at, message, n);
    for (; *count < n; ++*count) {
        at->path.index = *count;
        sk_err err = json_parse_slot(at, json_array_get(json, *count), array + *count * size);
        if (err)
            return err;
    }
    return SK_OK;
}

/* Both workflowId and workflow_id name the field workflow_id. */
static bool is_name_of(const char *name, const char *field)
{
    if (strcmp(name, field) == 0)
        return true;
    bool upper = false;
    for (; *field; field++) {
        if (*field == '_') {
            upper = true;
            continue;
        }
        char c = upper && *field >= 'a' && *field <= 'z' ? (char)(*field - 'a' + 'A') : *field;
        upper = false;
        if (*name++ != c)
            return false;
    }
    return *name == 0;
}

const ProtobufCFieldDescriptor *json_field_of(const ProtobufCMessageDescriptor *type,
                                              const char *name)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (is_name_of(name, type->fields[i].name))
            return &type->fields[i];
    return NULL;
}

/* The members of an object that were met. jansson refuses a name that is there twice, but a field
 * has two names: filled twice, a list would lose count of its elements. */
struct seen {
    uint64_t bits[FIELDS_MAX / 64];
};

static bool is_second(struct seen *seen, const ProtobufCMessageDescriptor *type,
                      const ProtobufCFieldDescriptor *field)
{
    size_t i = (size_t)(field - type->fields);
    SK_ASSERT(i < FIELDS_MAX);
    bool before = seen->bits[i / 64] >> (i % 64) & 1;
    seen->bits[i / 64] |= (uint64_t)1 << (i % 64);
    return before;
}

static sk_err parse_member(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = at->path.field;
    bool takes_null = field->descriptor == &google__protobuf__value__descriptor;
    if (json_is_null(json) && !takes_null)
        return SK_OK; // as if it were not there
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return parse_repeated(at, json, message);
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t *chosen = SK_WIRE_AT(uint32_t, message, field->quantifier_offset);
        if (*chosen != 0)
            return json_fail(at, "excludes another member that is there too");
        *chosen = field->id;
    } else if (field->quantifier_offset) {
        *SK_WIRE_AT(protobuf_c_boolean, message, field->quantifier_offset) = true;
    }
    return json_parse_slot(at, json, SK_WIRE_AT(void, message, field->offset));
}

sk_err json_parse_members(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    struct json_place inner = {.path = {.up = &at->path, .type = message->descriptor},
                               .ctx = at->ctx,
                               .flags = at->flags,
                               .from_text = at->from_text,
                               .memory_max = at->memory_max};
    if (!json_is_object(json))
        return json_fail(at, "must be an object");
    json_t *tree = (json_t *)(uintptr_t)json, *member;
    const char *key;
    struct seen seen = {{0}};
    json_object_foreach(tree, key, member)
    {
        inner.path.index = 0;
        inner.path.field = json_field_of(message->descriptor, key);
        if (!inner.path.field && strcmp(key, "@type") == 0)
            continue; // of an Any
        if (!inner.path.field)
            return json_fail(&inner, "%s has no member '%.60s'", message->descriptor->short_name,
                             key);
        if (is_second(&seen, message->descriptor, inner.path.field))
            return json_fail(&inner, "is there twice, by both of its names");
        sk_err err = parse_member(&inner, member, message);
        if (err)
            return err;
    }
    return SK_OK;
}

static sk_err parse_message(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    if ((at->flags & SK_WIRE_JSON_SHORTHAND) && json_is_payload(message->descriptor))
        return json_parse_payload(at, json, message);
    parse_fn special = special_of(message->descriptor);
    return special ? special(at, json, message) : json_parse_members(at, json, message);
}

static sk_err parse_any(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    Google__Protobuf__Any *any = (void *)message;
    const char *url = json_string_value(json_object_get(json, "@type"));
    if (!url && json_is_object(json) && json_object_size(json) == 0)
        return SK_OK;
    const char *slash = url ? strrchr(url, '/') : NULL;
    const ProtobufCMessageDescriptor *type = url ? sk_wire_type(slash ? slash + 1 : url) : NULL;
    if (!type)
        return json_fail(at, "@type must name a known message, not '%.60s'", url ? url : "");
    ProtobufCMessage *content = json_message_new(at, type);
    parse_fn special = special_of(type);
    const json_t *value = json_object_get(json, "value");
    if (special && !value)
        return json_fail(at, "has no value");
    sk_err err = special ? special(at, value, content) : json_parse_members(at, json, content);
    if (err)
        return err;
    struct sk_str bytes = sk_wire_pack(at->ctx->arena, content);
    any->type_url = sk_arena_strdup(at->ctx->arena, url);
    any->value = (ProtobufCBinaryData){bytes.n, (uint8_t *)(uintptr_t)bytes.p};
    return SK_OK;
}

/* Brackets outside strings, at their deepest. */
int json_nesting(struct sk_str text)
{
    int depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
    }
    return deepest;
}

sk_err sk_wire_json_parse(struct sk_ctx *ctx, const ProtobufCMessageDescriptor *type,
                          struct sk_str text, unsigned flags, ProtobufCMessage **ret)
{
    struct json_place root = {.path = {.type = type}, .ctx = ctx, .flags = flags};
    root.memory_max = sk_arena_used(ctx->arena) + MEMORY_BASE + MEMORY_FACTOR * text.n;
    struct json_tree tree;
    sk_err err;
    if (json_nesting(text) > SK_WIRE_DEPTH_MAX)
        return json_fail(&root, "the JSON nests deeper than %d", SK_WIRE_DEPTH_MAX);
    const json_t *json =
        json_tree_load(&tree, text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL);
    ProtobufCMessage *message = json_message_new(&root, type);
    if (json)
        err = parse_message(&root, json, message);
    else if (tree.full)
        err = json_fail(&root, "the JSON takes too much memory: too many small elements");
    else
        err = json_fail(&root, "no JSON: %.100s (line %d, column %d)", tree.error.text,
                        tree.error.line, tree.error.column);
    json_tree_free(&tree);
    if (!err)
        *ret = message;
    return err;
}
