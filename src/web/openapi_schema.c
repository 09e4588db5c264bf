/*
 * Schemas of messages and enums, as proto3 JSON has them, from protobuf-c's descriptors.
 *
 * Types are queued when something refers to them and written once each, so recursive ones
 * (Failure.cause) end.
 *
 * Thread: any; no state of its own.
 */
#include "web/openapi_internal.h"

#include "wire/json.h"

/* Types with a form of their own, and their schema. */
static const struct {
    const char *name, *schema;
} own_forms[] = {
    {"google.protobuf.Timestamp", "{\"type\":\"string\",\"format\":\"date-time\"}"},
    {"google.protobuf.Duration",
     "{\"type\":\"string\",\"pattern\":\"^-?[0-9]+(\\\\.[0-9]{1,9})?s$\",\"examples\":[\"1.5s\"]}"},
    {"google.protobuf.FieldMask", "{\"type\":\"string\",\"examples\":[\"a,b.c\"]}"},
    {"google.protobuf.Any", "{\"type\":\"object\",\"properties\":{\"@type\":{\"type\":\"string\"}},"
                            "\"additionalProperties\":true}"},
    {"google.protobuf.Struct", "{\"type\":\"object\",\"additionalProperties\":true}"},
    {"google.protobuf.Value", "{}"},
    {"google.protobuf.ListValue", "{\"type\":\"array\",\"items\":{}}"},
    {"google.protobuf.BoolValue", "{\"type\":\"boolean\"}"},
    {"google.protobuf.Int32Value", "{\"type\":\"integer\",\"format\":\"int32\"}"},
    {"google.protobuf.UInt32Value", "{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":0}"},
    {"google.protobuf.Int64Value", "{\"type\":\"string\",\"format\":\"int64\"}"},
    {"google.protobuf.UInt64Value", "{\"type\":\"string\",\"format\":\"uint64\"}"},
    {"google.protobuf.FloatValue", "{\"type\":[\"number\",\"string\"],\"format\":\"float\"}"},
    {"google.protobuf.DoubleValue", "{\"type\":[\"number\",\"string\"],\"format\":\"double\"}"},
    {"google.protobuf.StringValue", "{\"type\":\"string\"}"},
    {"google.protobuf.BytesValue", "{\"type\":\"string\",\"contentEncoding\":\"base64\"}"},
};

#define PAYLOAD "temporal.api.common.v1.Payload"
#define PAYLOADS "temporal.api.common.v1.Payloads"

static const char payload_schema[] =
    "{\"description\":\"Any JSON value (shorthand), or metadata and data.\",\"anyOf\":[{"
    "\"type\":\"object\",\"properties\":{\"metadata\":{\"type\":\"object\","
    "\"additionalProperties\":"
    "{\"type\":\"string\",\"contentEncoding\":\"base64\"}},\"data\":{\"type\":\"string\","
    "\"contentEncoding\":\"base64\"}},\"required\":[\"metadata\"]},{}]}";
static const char payloads_schema[] =
    "{\"description\":\"A list of values (shorthand), or an object with the list of payloads.\","
    "\"anyOf\":[{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/" PAYLOAD "\"}},{"
    "\"type\":\"object\",\"properties\":{\"payloads\":{\"type\":\"array\",\"items\":{\"$ref\":"
    "\"#/components/schemas/" PAYLOAD "\"}}}}]}";

static const char *own_form(const ProtobufCMessageDescriptor *type)
{
    if (strncmp(type->name, "google.protobuf.", 16) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof own_forms / sizeof *own_forms; i++)
        if (strcmp(own_forms[i].name, type->name) == 0)
            return own_forms[i].schema;
    return NULL;
}

bool openapi_has_own_form(const ProtobufCMessageDescriptor *type)
{
    return own_form(type) != NULL;
}

void openapi_types_init(struct openapi_types *types)
{
    types->known = sk_map_new();
    types->queue = SK_BUF_INIT;
}

void openapi_types_fini(struct openapi_types *types)
{
    sk_map_free(types->known);
    sk_buf_fini(&types->queue);
}

static void want(struct openapi_types *types, const char *name, struct openapi_type type)
{
    if (!sk_map_put(types->known, sk_str_of(name), types))
        sk_buf_append(&types->queue, &type, sizeof type);
}

void openapi_want(struct openapi_types *types, const ProtobufCMessageDescriptor *type)
{
    want(types, type->name, (struct openapi_type){.message = type});
}

static const char *scalar(const ProtobufCMessageDescriptor *type,
                          const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return "{\"type\":\"string\",\"format\":\"int64\"}";
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return "{\"type\":\"string\",\"format\":\"uint64\"}";
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return "{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":0}";
    case PROTOBUF_C_TYPE_DOUBLE:
        return "{\"type\":[\"number\",\"string\"],\"format\":\"double\"}"; // "NaN"
    case PROTOBUF_C_TYPE_FLOAT:
        return "{\"type\":[\"number\",\"string\"],\"format\":\"float\"}";
    case PROTOBUF_C_TYPE_BOOL:
        return "{\"type\":\"boolean\"}";
    case PROTOBUF_C_TYPE_STRING:
        return "{\"type\":\"string\"}";
    case PROTOBUF_C_TYPE_BYTES:
        return sk_wire_json_is_text(type, field)
                   ? "{\"type\":\"string\"}"
                   : "{\"type\":\"string\",\"contentEncoding\":\"base64\"}";
    default:
        return "{\"type\":\"integer\",\"format\":\"int32\"}";
    }
}

static void one(struct openapi_types *types, struct sk_buf *out,
                const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessageDescriptor *message = field->descriptor;
        if (own_form(message)) {
            sk_buf_str(out, own_form(message));
            return;
        }
        openapi_want(types, message);
        sk_buf_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}", message->name);
    } else if (field->type == PROTOBUF_C_TYPE_ENUM) {
        const ProtobufCEnumDescriptor *enumeration = field->descriptor;
        want(types, enumeration->name, (struct openapi_type){.enumeration = enumeration});
        sk_buf_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}", enumeration->name);
    } else {
        sk_buf_str(out, scalar(type, field));
    }
}

void openapi_field(struct openapi_types *types, struct sk_buf *out,
                   const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        one(types, out, type, field);
    } else if (sk_wire_json_is_map(field)) {
        const ProtobufCMessageDescriptor *entry = field->descriptor;
        sk_buf_str(out, "{\"type\":\"object\",\"additionalProperties\":");
        one(types, out, entry, &entry->fields[1]);
        sk_buf_str(out, "}");
    } else {
        sk_buf_str(out, "{\"type\":\"array\",\"items\":");
        one(types, out, type, field);
        sk_buf_str(out, "}");
    }
}

static void write_message(struct openapi_types *types, struct sk_buf *out,
                          const ProtobufCMessageDescriptor *type)
{
    if (strcmp(type->name, PAYLOAD) == 0 || strcmp(type->name, PAYLOADS) == 0) {
        openapi_want(types, sk_wire_type(PAYLOAD));
        sk_buf_str(out, strcmp(type->name, PAYLOAD) == 0 ? payload_schema : payloads_schema);
        return;
    }
    sk_buf_str(out, "{\"type\":\"object\",\"properties\":{");
    for (unsigned i = 0; i < type->n_fields; i++) {
        sk_buf_str(out, i > 0 ? ",\"" : "\"");
        sk_wire_json_camel(out, type->fields[i].name, strlen(type->fields[i].name));
        sk_buf_str(out, "\":");
        openapi_field(types, out, type, &type->fields[i]);
    }
    sk_buf_str(out, "}}");
}

static void write_enum(struct sk_buf *out, const ProtobufCEnumDescriptor *type)
{
    sk_buf_str(out, "{\"type\":\"string\",\"enum\":[");
    for (unsigned i = 0; i < type->n_values; i++)
        sk_buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", type->values[i].name);
    sk_buf_str(out, "]}");
}

void openapi_schemas(struct openapi_types *types, struct sk_buf *out)
{
    struct openapi_type type;
    for (size_t at = 0; at < types->queue.n; at += sizeof type) { // grows meanwhile
        memcpy(&type, types->queue.p + at, sizeof type);
        sk_buf_printf(out, "%s\"%s\":", at > 0 ? "," : "",
                      type.message ? type.message->name : type.enumeration->name);
        if (type.message)
            write_message(types, out, type.message);
        else
            write_enum(out, type.enumeration);
    }
}
