/*
 * Fields set from text: the variables of a URL's path and query (google.api.http). The path is
 * walked by the type's descriptor, messages on the way are made, and the value is read as JSON's
 * string would be, with two liberties that text needs: true and false, and enums by number.
 *
 * Any thread; no state. Fails with INVALID_ARGUMENT and the field's path.
 */
#include "wire/json_internal.h"

#include <stdio.h>

#define STEPS_MAX 16
#define NAME_MAX_BYTES 100

/* The next name of a dotted path, into name. */
static bool take_name(struct sk_str *path, char name[static NAME_MAX_BYTES])
{
    const char *dot = memchr(path->p, '.', path->n);
    size_t n = dot ? (size_t)(dot - path->p) : path->n;
    if (n == 0 || n >= NAME_MAX_BYTES || memchr(path->p, '\0', n))
        return false;
    memcpy(name, path->p, n);
    name[n] = '\0';
    path->p += n + (dot ? 1 : 0);
    path->n -= n + (dot ? 1 : 0);
    return !dot || path->n > 0;
}

static bool is_message(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED;
}

/* Mark a field as there: the case of its oneof, or its has_. */
static sk_err choose(struct json_place *at, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = at->path.field;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t *chosen = SK_WIRE_AT(uint32_t, message, field->quantifier_offset);
        if (*chosen != 0 && *chosen != field->id)
            return json_fail(at, "excludes another field that is there too");
        if (*chosen == 0 && field->type == PROTOBUF_C_TYPE_MESSAGE)
            *SK_WIRE_AT(ProtobufCMessage *, message, field->offset) = NULL;
        *chosen = field->id;
    } else if (field->quantifier_offset) {
        *SK_WIRE_AT(protobuf_c_boolean, message, field->quantifier_offset) = true;
    }
    return SK_OK;
}

/* A repeated field gets room for one more; the array is copied, for queries are short. */
static void *append(struct json_place *at, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = at->path.field;
    size_t size = sk_wire_element_size(field->type);
    size_t *count = SK_WIRE_AT(size_t, message, field->quantifier_offset);
    char **array = SK_WIRE_AT(char *, message, field->offset);
    char *grown = sk_arena_zalloc(at->ctx->arena, (*count + 1) * size);
    if (*count > 0)
        memcpy(grown, *array, *count * size);
    *array = grown;
    at->path.index = *count;
    return grown + (*count)++ * size;
}

static sk_err set_value(struct json_place *at, ProtobufCMessage *message, struct sk_str text)
{
    const ProtobufCFieldDescriptor *field = at->path.field;
    bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && !json_has_own_form(field->descriptor))
        return json_fail(at, "is a message: name a field of it");
    json_t *value = json_stringn(text.p ? text.p : "", text.n);
    if (!value)
        return json_fail(at, "is no UTF-8");
    sk_err err = repeated ? SK_OK : choose(at, message);
    if (!err)
        err = json_parse_slot(
            at, value, repeated ? append(at, message) : SK_WIRE_AT(void, message, field->offset));
    json_decref(value);
    return err;
}

sk_err sk_wire_json_set(struct sk_ctx *ctx, ProtobufCMessage *message, struct sk_str path,
                        struct sk_str text)
{
    struct json_place steps[STEPS_MAX];
    char name[NAME_MAX_BYTES];
    for (int i = 0; i < STEPS_MAX; i++) {
        struct json_place *at = &steps[i];
        *at =
            (struct json_place){.path = {.type = message->descriptor}, .ctx = ctx, .from_text = 1};
        at->path.up = i > 0 ? &steps[i - 1].path : NULL;
        if (!take_name(&path, name))
            return json_fail(at, "the name of a field is empty or too long");
        at->path.field = json_field_of(message->descriptor, name);
        if (!at->path.field)
            return json_fail(at, "%s has no field '%s'", message->descriptor->short_name, name);
        if (path.n == 0)
            return set_value(at, message, text);
        if (!is_message(at->path.field) || json_has_own_form(at->path.field->descriptor))
            return json_fail(at, "has no fields to name");
        sk_err err = choose(at, message);
        if (err)
            return err;
        ProtobufCMessage **slot = SK_WIRE_AT(ProtobufCMessage *, message, at->path.field->offset);
        if (!*slot)
            *slot = json_message_new(at, at->path.field->descriptor);
        message = *slot;
    }
    return json_fail(&steps[STEPS_MAX - 1], "names more than %d fields", STEPS_MAX);
}
