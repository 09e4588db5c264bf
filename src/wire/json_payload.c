/*
 * Temporal's short forms of payloads in JSON, as its HTTP API has them.
 *
 *   binary/null                       null
 *   json/plain                        the value itself, its numbers as they are written
 *   json/protobuf with messageType    the object, with "_protoMessageType" in it
 *   Payloads                          a list of these, if every one has such a form
 *
 * A payload of another encoding, with more metadata, or whose bytes are not what its encoding says,
 * stands in the long form; so does one that would not be read back as what it is. (Temporal's
 * server fails the whole answer where an encoding is none of the three: then an encrypted workflow
 * could not be looked at.)
 *
 * INV-1: what was printed short is read back to a payload of the same meaning.
 * Any thread; no state. Recurses as deep as the JSON does, at most SK_WIRE_DEPTH_MAX.
 */
#include "wire/json_internal.h"

#include <inttypes.h>
#include "temporal/api/common/v1/message.pb-c.h"

typedef Temporal__Api__Common__V1__Payload Payload;
typedef Temporal__Api__Common__V1__Payloads Payloads;
typedef Temporal__Api__Common__V1__Payload__MetadataEntry Entry;

#define PAYLOAD temporal__api__common__v1__payload__descriptor
#define PAYLOADS temporal__api__common__v1__payloads__descriptor
#define TYPE_MEMBER "_protoMessageType"
#define NESTING_MAX (SK_WIRE_DEPTH_MAX / 2) // room for what stands around it
#define LOAD_FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

bool json_is_payload(const ProtobufCMessageDescriptor *type)
{
    return type == &PAYLOAD || type == &PAYLOADS;
}

// ---- out ----

/* The value of a key of the metadata; p NULL: absent. */
static struct sk_str metadata(const Payload *payload, const char *key)
{
    for (size_t i = 0; i < payload->n_metadata; i++)
        if (strcmp(payload->metadata[i]->key, key) == 0)
            return (struct sk_str){(const char *)payload->metadata[i]->value.data,
                                   payload->metadata[i]->value.len};
    return (struct sk_str){NULL, 0};
}

/* Whether all members of an object are base64, as a payload's metadata is. */
static bool is_metadata(struct sk_arena *arena, const json_t *json)
{
    const char *key;
    json_t *member, *tree = (json_t *)(uintptr_t)json;
    struct sk_str ignored;
    json_object_foreach(tree, key, member)
    {
        struct sk_str text = {json_string_value(member), json_string_length(member)};
        if (!text.p || !sk_wire_base64_read(arena, text, &ignored))
            return false;
    }
    return json_object_get(json, "encoding") != NULL;
}

/* Whether an object is a payload in its long form. */
static bool is_long(struct sk_arena *arena, const json_t *json)
{
    const char *key;
    json_t *member, *tree = (json_t *)(uintptr_t)json;
    const json_t *data = json_object_get(json, "data");
    struct sk_str text = {json_string_value(data), json_string_length(data)}, ignored;
    json_object_foreach(tree, key, member)
    {
        if (!json_field_of(&PAYLOAD, key))
            return false;
    }
    return is_metadata(arena, json_object_get(json, "metadata")) &&
           (!data || (text.p && sk_wire_base64_read(arena, text, &ignored)));
}

/* Whether bytes are JSON that may stand for the payload. */
static bool may_stand(struct sk_str bytes, bool object)
{
    struct json_tree tree;
    if (json_nesting(bytes) > NESTING_MAX)
        return false;
    const json_t *json = json_tree_load(&tree, bytes, LOAD_FLAGS);
    struct sk_arena *arena = sk_arena_new(0);
    bool fine = json && !json_is_null(json) && !is_long(arena, json) &&
                !json_object_get(json, TYPE_MEMBER) && (!object || json_is_object(json));
    sk_arena_free(arena);
    json_tree_free(&tree);
    return fine;
}

/* From a quote to past the one that ends the string. */
static size_t string_end(struct sk_str json, size_t at)
{
    for (at++; at < json.n && json.p[at] != '"'; at++)
        at += json.p[at] == '\\';
    return at + 1;
}

static size_t skip_blanks(struct sk_str json, size_t at)
{
    while (at < json.n && strchr(" \t\r\n", json.p[at]))
        at++;
    return at;
}

/* Bytes that are JSON, spaced as the printer's flags say. member: the first of the object that they
 * are, or NULL. */
static void print_raw(struct json_printer *pr, struct sk_str json, const char *member)
{
    for (size_t at = skip_blanks(json, 0); at < json.n;) {
        char c = json.p[at];
        size_t end = c == '"' ? string_end(json, at) : at + 1;
        size_t next = skip_blanks(json, end);
        bool opens = c == '{' || c == '[', empty = opens && strchr("}]", json.p[next]);
        if (c == '}' || c == ']')
            json_close(pr, c == '}' ? "}" : "]", false);
        else if (c == ':')
            json_name_end(pr);
        else
            sk_buf_append(pr->out, json.p + at, end - at);
        if (opens && !member && empty) {
            sk_buf_append(pr->out, json.p + next, 1);
            next = skip_blanks(json, next + 1);
        } else if (opens) {
            pr->level++;
            json_newline(pr);
        }
        if (opens && member) {
            sk_buf_str(pr->out, member);
            sk_buf_str(pr->out, empty ? "" : ",");
        }
        if (c == ',' || (opens && member && !empty))
            json_newline(pr);
        member = NULL;
        at = next;
    }
}

static void print_protobuf(struct json_printer *pr, struct sk_str data, struct sk_str type)
{
    struct sk_buf member = SK_BUF_INIT;
    struct json_printer to = {.out = &member, .flags = pr->flags};
    sk_buf_str(&member, "\"" TYPE_MEMBER "\"");
    json_name_end(&to);
    sk_wire_json_quote(&member, type);
    sk_buf_append(&member, "", 1);
    print_raw(pr, data, member.p);
    sk_buf_fini(&member);
}

static bool print_one(struct json_printer *pr, const Payload *payload)
{
    struct sk_str encoding = metadata(payload, "encoding");
    struct sk_str type = metadata(payload, "messageType");
    struct sk_str data = {(const char *)payload->data.data, payload->data.len};
    if (payload->base.n_unknown_fields > 0 || payload->n_external_payloads > 0)
        return false;
    if (sk_str_eq(encoding, SK_STR("binary/null")) && payload->n_metadata == 1 && data.n == 0) {
        sk_buf_str(pr->out, "null");
    } else if (sk_str_eq(encoding, SK_STR("json/plain")) && payload->n_metadata == 1 &&
               may_stand(data, false)) {
        print_raw(pr, data, NULL);
    } else if (sk_str_eq(encoding, SK_STR("json/protobuf")) && payload->n_metadata == 2 &&
               type.n > 0 && sk_utf8_valid(type.p, type.n) && may_stand(data, true)) {
        print_protobuf(pr, data, type);
    } else {
        return false;
    }
    return true;
}

/* All short or all long: {"payloads": [...]}. */
static bool print_list(struct json_printer *pr, const Payloads *payloads)
{
    size_t from = pr->out->n;
    int level = pr->level;
    bool first = true, fine = payloads->base.n_unknown_fields == 0;
    json_open(pr, "[");
    for (size_t i = 0; i < payloads->n_payloads && fine; i++) {
        json_element(pr, &first);
        fine = print_one(pr, payloads->payloads[i]);
    }
    json_close(pr, "]", first);
    if (!fine) {
        pr->out->n = from;
        pr->level = level;
    }
    return fine;
}

bool json_print_payload(struct json_printer *pr, const ProtobufCMessage *message)
{
    return message->descriptor == &PAYLOAD ? print_one(pr, (const void *)message)
                                           : print_list(pr, (const void *)message);
}

// ---- in ----

static void write_json(struct sk_buf *out, const json_t *json);

static void write_object(struct sk_buf *out, const json_t *json, const char *except)
{
    const char *key, *comma = "";
    json_t *member, *tree = (json_t *)(uintptr_t)json;
    sk_buf_str(out, "{");
    json_object_foreach(tree, key, member)
    {
        if (except && strcmp(key, except) == 0)
            continue;
        sk_buf_str(out, comma);
        sk_wire_json_quote(out, sk_str_of(key));
        sk_buf_str(out, ":");
        write_json(out, member);
        comma = ",";
    }
    sk_buf_str(out, "}");
}

static void write_json(struct sk_buf *out, const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        write_object(out, json, NULL);
        break;
    case JSON_ARRAY:
        sk_buf_str(out, "[");
        for (size_t i = 0; i < json_array_size(json); i++) {
            sk_buf_str(out, i > 0 ? "," : "");
            write_json(out, json_array_get(json, i));
        }
        sk_buf_str(out, "]");
        break;
    case JSON_STRING:
        sk_wire_json_quote(out, (struct sk_str){json_string_value(json), json_string_length(json)});
        break;
    case JSON_INTEGER:
        sk_buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        break;
    case JSON_REAL:
        json_print_real(out, json_real_value(json), false);
        break;
    case JSON_TRUE:
        sk_buf_str(out, "true");
        break;
    case JSON_FALSE:
        sk_buf_str(out, "false");
        break;
    case JSON_NULL:
        sk_buf_str(out, "null");
        break;
    }
}

static void add_metadata(struct json_place *at, Payload *payload, const char *key, const char *text)
{
    Entry *entry = SK_NEW(at->ctx->arena, Entry);
    temporal__api__common__v1__payload__metadata_entry__init(entry);
    entry->key = (char *)(uintptr_t)key;
    entry->value.len = strlen(text);
    entry->value.data = sk_arena_memdup(at->ctx->arena, text, strlen(text));
    payload->metadata[payload->n_metadata++] = entry;
}

static sk_err parse_one(struct json_place *at, const json_t *json, Payload *payload)
{
    const json_t *type = json_object_get(json, TYPE_MEMBER);
    struct sk_buf data = SK_BUF_INIT;
    sk_err err = json_check_memory(at);
    if (err)
        return err;
    if (json_is_object(json) && is_long(at->ctx->arena, json))
        return json_parse_members(at, json, &payload->base);
    if (type && !json_is_string(type))
        return json_fail(at, TYPE_MEMBER " must be a string");
    payload->metadata = SK_NEW_N(at->ctx->arena, Entry *, 2);
    if (json_is_null(json)) {
        add_metadata(at, payload, "encoding", "binary/null");
        return SK_OK;
    }
    add_metadata(at, payload, "encoding", type ? "json/protobuf" : "json/plain");
    if (type) {
        add_metadata(at, payload, "messageType", json_string_value(type));
        write_object(&data, json, TYPE_MEMBER);
    } else {
        write_json(&data, json);
    }
    payload->data.len = data.n;
    payload->data.data = sk_arena_memdup(at->ctx->arena, data.p, data.n);
    sk_buf_fini(&data);
    return SK_OK;
}

static sk_err parse_list(struct json_place *at, const json_t *json, Payloads *payloads)
{
    struct json_place inner = *at;
    size_t n = json_array_size(json);
    if (json_is_object(json)) { // the long form
        inner.flags &= ~(unsigned)SK_WIRE_JSON_SHORTHAND;
        return json_parse_members(&inner, json, &payloads->base);
    }
    if (!json_is_array(json) && !json_is_null(json))
        return json_fail(at, "must be a list of values");
    inner.path = (struct sk_wire_path){
        .up = &at->path, .type = &PAYLOADS, .field = json_field_of(&PAYLOADS, "payloads")};
    payloads->payloads = SK_NEW_N(at->ctx->arena, Payload *, n + 1);
    for (size_t i = 0; i < n; i++) {
        inner.path.index = i;
        Payload *payload = (void *)json_message_new(&inner, &PAYLOAD);
        payloads->payloads[payloads->n_payloads++] = payload;
        sk_err err = parse_one(&inner, json_array_get(json, i), payload);
        if (err)
            return err;
    }
    return SK_OK;
}

sk_err json_parse_payload(struct json_place *at, const json_t *json, ProtobufCMessage *message)
{
    return message->descriptor == &PAYLOAD ? parse_one(at, json, (void *)message)
                                           : parse_list(at, json, (void *)message);
}
