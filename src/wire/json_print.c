/*
 * Messages to proto3 JSON, written straight into a buffer.
 *
 * One function walks any message by its descriptor; the types with a form of their own stand in one
 * table. Messages of Any are decoded with the types of this binary; one of an unknown type is shown
 * with its bytes in base64.
 *
 * Any thread; no state. Cannot fail.
 */
#include "wire/json_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"

static void print_message(struct json_printer *pr, const ProtobufCMessage *message);
static void print_members(struct json_printer *pr, const ProtobufCMessage *message, bool *first);

void json_newline(struct json_printer *pr)
{
    if (!(pr->flags & SK_WIRE_JSON_PRETTY))
        return;
    char *p = sk_buf_reserve(pr->out, (size_t)pr->level * 2 + 1);
    memset(p + 1, ' ', (size_t)pr->level * 2);
    *p = '\n';
    pr->out->n += (size_t)pr->level * 2 + 1;
}

void json_open(struct json_printer *pr, const char *bracket)
{
    sk_buf_str(pr->out, bracket);
    pr->level++;
}

/* Before each element. */
void json_element(struct json_printer *pr, bool *first)
{
    if (!*first)
        sk_buf_str(pr->out, ",");
    *first = false;
    json_newline(pr);
}

void json_close(struct json_printer *pr, const char *bracket, bool empty)
{
    pr->level--;
    if (!empty)
        json_newline(pr);
    sk_buf_str(pr->out, bracket);
}

void json_name_end(struct json_printer *pr)
{
    sk_buf_str(pr->out, pr->flags & SK_WIRE_JSON_PRETTY ? ": " : ":");
}

// ---- strings ----

void sk_wire_json_quote(struct sk_buf *out, struct sk_str text)
{
    size_t from = 0;
    sk_buf_append(out, "\"", 1);
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        sk_buf_append(out, text.p + from, i - from);
        from = i + 1;
        if (c == '\n')
            sk_buf_str(out, "\\n");
        else if (c == '\t')
            sk_buf_str(out, "\\t");
        else if (c == '\r')
            sk_buf_str(out, "\\r");
        else if (c >= 0x20)
            sk_buf_printf(out, "\\%c", c);
        else
            sk_buf_printf(out, "\\u%04x", c);
    }
    if (text.n > from)
        sk_buf_append(out, text.p + from, text.n - from);
    sk_buf_append(out, "\"", 1);
}

void sk_wire_json_camel(struct sk_buf *out, const char *name, size_t n)
{
    bool upper = false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        if (c == '_') {
            upper = true;
            continue;
        }
        if (upper && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        upper = false;
        sk_buf_append(out, &c, 1);
    }
}

// ---- numbers ----

void json_print_real(struct sk_buf *out, double v, bool single)
{
    char text[40];
    if (isnan(v)) {
        sk_buf_str(out, "\"NaN\"");
        return;
    }
    if (isinf(v)) {
        sk_buf_str(out, v < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        return;
    }
    // the shortest text that reads back as the same number
    for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        double back = strtod(text, NULL);
        if (single ? (float)back == (float)v : back == v)
            break;
    }
    sk_buf_str(out, text);
}

static void print_enum(struct sk_buf *out, const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
    if (known)
        sk_wire_json_quote(out, sk_str_of(known->name));
    else
        sk_buf_printf(out, "%d", value);
}

static void print_number(struct sk_buf *out, const ProtobufCFieldDescriptor *field,
                         const void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        sk_buf_printf(out, "\"%" PRId64 "\"", *(const int64_t *)slot);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        sk_buf_printf(out, "\"%" PRIu64 "\"", *(const uint64_t *)slot);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        sk_buf_printf(out, "%" PRIu32, *(const uint32_t *)slot);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        json_print_real(out, *(const double *)slot, false);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        json_print_real(out, (double)*(const float *)slot, true);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        sk_buf_str(out, *(const protobuf_c_boolean *)slot ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        print_enum(out, field->descriptor, *(const int *)slot);
        break;
    default:
        sk_buf_printf(out, "%" PRId32, *(const int32_t *)slot);
        break;
    }
}

// ---- types with a form of their own ----

static void print_timestamp(struct json_printer *pr, const ProtobufCMessage *message)
{
    const Google__Protobuf__Timestamp *t = (const void *)message;
    char text[SK_WIRE_TIME_TEXT];
    sk_wire_time_format(t->seconds, t->nanos, text);
    sk_buf_printf(pr->out, "\"%s\"", text);
}

static void print_duration(struct json_printer *pr, const ProtobufCMessage *message)
{
    const Google__Protobuf__Duration *d = (const void *)message;
    int32_t nanos = d->nanos < 0 ? -d->nanos : d->nanos;
    const char *sign = d->seconds < 0 || d->nanos < 0 ? "-" : "";
    uint64_t seconds = d->seconds < 0 ? 0 - (uint64_t)d->seconds : (uint64_t)d->seconds;
    sk_buf_printf(pr->out, "\"%s%" PRIu64, sign, seconds);
    if (nanos % 1000 != 0)
        sk_buf_printf(pr->out, ".%09" PRId32, nanos);
    else if (nanos % 1000000 != 0)
        sk_buf_printf(pr->out, ".%06" PRId32, nanos / 1000);
    else if (nanos != 0)
        sk_buf_printf(pr->out, ".%03" PRId32, nanos / 1000000);
    sk_buf_str(pr->out, "s\"");
}

static void print_field_mask(struct json_printer *pr, const ProtobufCMessage *message)
{
    const Google__Protobuf__FieldMask *mask = (const void *)message;
    struct sk_buf text = SK_BUF_INIT;
    for (size_t i = 0; i < mask->n_paths; i++) {
        if (i > 0)
            sk_buf_str(&text, ",");
        sk_wire_json_camel(&text, mask->paths[i], strlen(mask->paths[i]));
    }
    sk_wire_json_quote(pr->out, sk_buf_view(&text));
    sk_buf_fini(&text);
}

static void print_value(struct json_printer *pr, const ProtobufCMessage *message);

static void print_list(struct json_printer *pr, const ProtobufCMessage *message)
{
    const Google__Protobuf__ListValue *list = (const void *)message;
    bool first = true;
    json_open(pr, "[");
    for (size_t i = 0; i < list->n_values; i++) {
        json_element(pr, &first);
        print_value(pr, &list->values[i]->base);
    }
    json_close(pr, "]", first);
}

static void print_struct(struct json_printer *pr, const ProtobufCMessage *message)
{
    const Google__Protobuf__Struct *object = (const void *)message;
    bool first = true;
    json_open(pr, "{");
    for (size_t i = 0; i < object->n_fields; i++) {
        json_element(pr, &first);
        sk_wire_json_quote(pr->out, sk_str_of(object->fields[i]->key));
        json_name_end(pr);
        if (object->fields[i]->value)
            print_value(pr, &object->fields[i]->value->base);
        else
            sk_buf_str(pr->out, "null");
    }
    json_close(pr, "}", first);
}

static void print_value(struct json_printer *pr, const ProtobufCMessage *message)
{
    const Google__Protobuf__Value *value = (const void *)message;
    switch (value->kind_case) {
    case GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE:
        json_print_real(pr->out, value->number_value, false);
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE:
        sk_wire_json_quote(pr->out, sk_str_of(value->string_value));
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE:
        sk_buf_str(pr->out, value->bool_value ? "true" : "false");
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE:
        print_struct(pr, &value->struct_value->base);
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE:
        print_list(pr, &value->list_value->base);
        break;
    default:
        sk_buf_str(pr->out, "null");
        break;
    }
}

static void print_any(struct json_printer *pr, const ProtobufCMessage *message);
static void print_wrapper(struct json_printer *pr, const ProtobufCMessage *message);

static const struct special {
    const ProtobufCMessageDescriptor *type;
    void (*print)(struct json_printer *pr, const ProtobufCMessage *message);
} specials[] = {
    {&google__protobuf__timestamp__descriptor, print_timestamp},
    {&google__protobuf__duration__descriptor, print_duration},
    {&google__protobuf__any__descriptor, print_any},
    {&google__protobuf__field_mask__descriptor, print_field_mask},
    {&google__protobuf__struct__descriptor, print_struct},
    {&google__protobuf__value__descriptor, print_value},
    {&google__protobuf__list_value__descriptor, print_list},
    {&google__protobuf__bool_value__descriptor, print_wrapper},
    {&google__protobuf__int32_value__descriptor, print_wrapper},
    {&google__protobuf__int64_value__descriptor, print_wrapper},
    {&google__protobuf__uint32_value__descriptor, print_wrapper},
    {&google__protobuf__uint64_value__descriptor, print_wrapper},
    {&google__protobuf__float_value__descriptor, print_wrapper},
    {&google__protobuf__double_value__descriptor, print_wrapper},
    {&google__protobuf__string_value__descriptor, print_wrapper},
    {&google__protobuf__bytes_value__descriptor, print_wrapper},
};

static const struct special *special_of(const ProtobufCMessageDescriptor *type)
{
    if (strncmp(type->name, "google.protobuf.", 16) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
        if (specials[i].type == type)
            return &specials[i];
    return NULL;
}

static void print_any_content(struct json_printer *pr, const Google__Protobuf__Any *any)
{
    const char *slash = strrchr(any->type_url, '/');
    const ProtobufCMessageDescriptor *type = sk_wire_type(slash ? slash + 1 : any->type_url);
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_str bytes = {(const char *)any->value.data, any->value.len};
    ProtobufCMessage *content;
    bool first = false;
    // what cannot be read, or nests on and on through Any, is shown as it is
    if (type && pr->level < SK_WIRE_DEPTH_MAX &&
        sk_wire_decode(&ctx, type, bytes, &content) == SK_OK) {
        const struct special *special = special_of(type);
        if (special) {
            json_element(pr, &first);
            sk_buf_str(pr->out, "\"value\"");
            json_name_end(pr);
            special->print(pr, content);
        } else {
            print_members(pr, content, &first);
        }
    } else {
        json_element(pr, &first);
        sk_buf_str(pr->out, "\"value\"");
        json_name_end(pr);
        sk_buf_str(pr->out, "\"");
        sk_wire_base64_append(pr->out, bytes);
        sk_buf_str(pr->out, "\"");
    }
    sk_arena_free(ctx.arena);
}

static void print_any(struct json_printer *pr, const ProtobufCMessage *message)
{
    const Google__Protobuf__Any *any = (const void *)message;
    bool first = true;
    json_open(pr, "{");
    if (any->type_url[0]) {
        json_element(pr, &first);
        sk_buf_str(pr->out, "\"@type\"");
        json_name_end(pr);
        sk_wire_json_quote(pr->out, sk_str_of(any->type_url));
        print_any_content(pr, any);
    }
    json_close(pr, "}", first);
}

// ---- fields ----

static void print_bytes(struct json_printer *pr, const ProtobufCMessage *message,
                        const ProtobufCFieldDescriptor *field, const ProtobufCBinaryData *data)
{
    struct sk_str bytes = {(const char *)data->data, data->len};
    if (sk_wire_is_text(message->descriptor, field->id)) {
        sk_wire_json_quote(pr->out, bytes);
        return;
    }
    sk_buf_str(pr->out, "\"");
    sk_wire_base64_append(pr->out, bytes);
    sk_buf_str(pr->out, "\"");
}

static void print_slot(struct json_printer *pr, const ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field, const void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        sk_wire_json_quote(pr->out, sk_str_of(*(char *const *)slot));
        break;
    case PROTOBUF_C_TYPE_BYTES:
        print_bytes(pr, message, field, slot);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (*(ProtobufCMessage *const *)slot)
            print_message(pr, *(ProtobufCMessage *const *)slot);
        else
            sk_buf_str(pr->out, "{}");
        break;
    default:
        print_number(pr->out, field, slot);
        break;
    }
}

static void print_wrapper(struct json_printer *pr, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[0];
    print_slot(pr, message, field, SK_WIRE_AT_CONST(void, message, field->offset));
}

bool sk_wire_json_is_text(const ProtobufCMessageDescriptor *type,
                          const ProtobufCFieldDescriptor *field)
{
    return sk_wire_is_text(type, field->id);
}

/* A map's entry type is named after the field: it ends in Entry and has key and value. */
bool sk_wire_json_is_map(const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    const ProtobufCMessageDescriptor *type = field->descriptor;
    size_t n = strlen(type->short_name);
    return type->n_fields == 2 && n > 5 && strcmp(type->short_name + n - 5, "Entry") == 0 &&
           strcmp(type->fields[0].name, "key") == 0 && strcmp(type->fields[1].name, "value") == 0;
}

static void print_map(struct json_printer *pr, size_t n, ProtobufCMessage *const *entries)
{
    bool first = true;
    json_open(pr, "{");
    for (size_t i = 0; i < n; i++) {
        const ProtobufCFieldDescriptor *fields = entries[i]->descriptor->fields;
        const void *key = SK_WIRE_AT_CONST(void, entries[i], fields[0].offset);
        size_t before;
        json_element(pr, &first);
        before = pr->out->n;
        print_slot(pr, entries[i], &fields[0], key);
        if (pr->out->p[before] != '"') { // keys are strings, whatever the key's type
            struct sk_buf text = SK_BUF_INIT;
            sk_buf_append(&text, pr->out->p + before, pr->out->n - before);
            pr->out->n = before;
            sk_wire_json_quote(pr->out, sk_buf_view(&text));
            sk_buf_fini(&text);
        }
        json_name_end(pr);
        print_slot(pr, entries[i], &fields[1],
                   SK_WIRE_AT_CONST(void, entries[i], fields[1].offset));
    }
    json_close(pr, "}", first);
}

static void print_repeated(struct json_printer *pr, const ProtobufCMessage *message,
                           const ProtobufCFieldDescriptor *field)
{
    size_t n = *SK_WIRE_AT_CONST(size_t, message, field->quantifier_offset);
    const char *array = *SK_WIRE_AT_CONST(char *, message, field->offset);
    size_t size = sk_wire_element_size(field->type);
    bool first = true;
    if (sk_wire_json_is_map(field)) {
        print_map(pr, n, (ProtobufCMessage *const *)(const void *)array);
        return;
    }
    json_open(pr, "[");
    for (size_t i = 0; i < n; i++) {
        json_element(pr, &first);
        print_slot(pr, message, field, array + i * size);
    }
    json_close(pr, "]", first);
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                   bool defaults)
{
    const void *slot = SK_WIRE_AT_CONST(void, message, field->offset);
    static const uint64_t zero = 0;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *SK_WIRE_AT_CONST(size_t, message, field->quantifier_offset) > 0;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *SK_WIRE_AT_CONST(uint32_t, message, field->quantifier_offset) == field->id;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(ProtobufCMessage *const *)slot != NULL;
    if (defaults)
        return true;
    if (field->quantifier_offset)
        return *SK_WIRE_AT_CONST(protobuf_c_boolean, message, field->quantifier_offset);
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return *(char *const *)slot && **(char *const *)slot;
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)slot)->len > 0;
    return memcmp(slot, &zero, sk_wire_element_size(field->type)) != 0;
}

static void print_name(struct json_printer *pr, const ProtobufCFieldDescriptor *field, bool *first)
{
    json_element(pr, first);
    sk_buf_str(pr->out, "\"");
    sk_wire_json_camel(pr->out, field->name, strlen(field->name));
    sk_buf_str(pr->out, "\"");
    json_name_end(pr);
}

/* A field that sk_wire_splice put there as bytes. */
static void print_spliced(struct json_printer *pr, const ProtobufCMessage *message,
                          const ProtobufCFieldDescriptor *field, bool *first)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_buf bytes = SK_BUF_INIT; // those of one field merge
    ProtobufCMessage *content;
    bool any = false;
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *part = &message->unknown_fields[i];
        size_t skip = 0;
        if (part->tag != field->id || part->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            continue;
        while (skip < part->len && part->data[skip] & 0x80) // the length
            skip++;
        any = true;
        if (skip + 1 < part->len)
            sk_buf_append(&bytes, part->data + skip + 1, part->len - skip - 1);
    }
    if (any &&
        sk_wire_decode_own(&ctx, field->descriptor, sk_buf_view(&bytes), &content) == SK_OK) {
        print_name(pr, field, first);
        print_message(pr, content);
    }
    sk_buf_fini(&bytes);
    sk_arena_free(ctx.arena);
}

static void print_members(struct json_printer *pr, const ProtobufCMessage *message, bool *first)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (!is_set(message, field, pr->flags & SK_WIRE_JSON_DEFAULTS)) {
            if (message->n_unknown_fields > 0 && field->type == PROTOBUF_C_TYPE_MESSAGE &&
                field->label != PROTOBUF_C_LABEL_REPEATED)
                print_spliced(pr, message, field, first);
            continue;
        }
        print_name(pr, field, first);
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            print_repeated(pr, message, field);
        else
            print_slot(pr, message, field, SK_WIRE_AT_CONST(void, message, field->offset));
    }
}

static void print_message(struct json_printer *pr, const ProtobufCMessage *message)
{
    const struct special *special = special_of(message->descriptor);
    bool first = true;
    if ((pr->flags & SK_WIRE_JSON_SHORTHAND) && json_is_payload(message->descriptor)) {
        struct json_printer plain = {pr->out, pr->flags & ~(unsigned)SK_WIRE_JSON_SHORTHAND,
                                     pr->level};
        if (!json_print_payload(pr, message))
            print_message(&plain, message);
        return;
    }
    if (special) {
        special->print(pr, message);
        return;
    }
    json_open(pr, "{");
    print_members(pr, message, &first);
    json_close(pr, "}", first);
}

void sk_wire_json_print(struct sk_buf *out, const ProtobufCMessage *message, unsigned flags)
{
    struct json_printer pr = {.out = out, .flags = flags};
    print_message(&pr, message);
}
