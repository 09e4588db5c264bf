/*
 * Search attributes. A value travels as a payload: JSON with metadata encoding "json/plain" and
 * type "Keyword", "Int" ...; only the namespace's own type of the name counts, the metadata is for
 * readers.
 *
 * Rules, all Temporal's: null, "nothing" and an empty list mean "no value" and remove one that was
 * set; a list of one stands for its element in types that are not lists; a KeywordList is a list
 * always. Names are checked before counts, counts before values, values before sizes, so that the
 * error is the one a Temporal user knows.
 *
 * JSON is decoded by jansson. It recurses with the nesting, so values are first scanned: neither
 * objects nor lists in lists can be an attribute, and text with more of them never reaches it.
 *
 * Thread: any; no state. Results live in the arena. Failure: INVALID_ARGUMENT.
 */
#include "visibility/search_attributes.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timestamp.h"
#include "wire/text.h"
#include "wire/wire.h"

#define KEYS_DEFAULT 100
#define VALUE_SIZE_DEFAULT 2048
#define TOTAL_SIZE_DEFAULT 40960
#define NAME_BYTES_MAX 255
#define DIVISION "TemporalNamespaceDivision"

typedef Temporal__Api__Common__V1__SearchAttributes__IndexedFieldsEntry entry_pb;
typedef Temporal__Api__Common__V1__Payload__MetadataEntry metadata_pb;

/* ---- types and names ---- */

static const char *const type_names[] = {"Unspecified", "Text", "Keyword",  "Int",
                                         "Double",      "Bool", "Datetime", "KeywordList"};
static const char *const enum_names[] = {"UNSPECIFIED", "TEXT", "KEYWORD",  "INT",
                                         "DOUBLE",      "BOOL", "DATETIME", "KEYWORD_LIST"};

const char *sk_sa_type_name(enum sk_sa_type type)
{
    int i = (int)type;
    return type_names[i >= 1 && i <= 7 ? i : 0];
}

enum sk_sa_type sk_sa_type_parse(struct sk_str name)
{
    struct sk_str prefix = SK_STR("INDEXED_VALUE_TYPE_");
    bool long_form = sk_str_starts(name, prefix);
    if (long_form) {
        name.p += prefix.n;
        name.n -= prefix.n;
    }
    for (int i = 1; i <= 7; i++)
        if (sk_str_eq(name, sk_str_of(long_form ? enum_names[i] : type_names[i])))
            return (enum sk_sa_type)i;
    return (enum sk_sa_type)0;
}

static const struct sk_sa_system system_columns[] = {
    {"CloseTime", SK_SA_DATETIME},
    {"ExecutionDuration", SK_SA_INT},
    {"ExecutionStatus", SK_SA_KEYWORD},
    {"ExecutionTime", SK_SA_DATETIME},
    {"HistoryLength", SK_SA_INT},
    {"HistorySizeBytes", SK_SA_INT},
    {"ParentRunId", SK_SA_KEYWORD},
    {"ParentWorkflowId", SK_SA_KEYWORD},
    {"RootRunId", SK_SA_KEYWORD},
    {"RootWorkflowId", SK_SA_KEYWORD},
    {"RunId", SK_SA_KEYWORD},
    {"StartTime", SK_SA_DATETIME},
    {"StateTransitionCount", SK_SA_INT},
    {"TaskQueue", SK_SA_KEYWORD},
    {"WorkflowId", SK_SA_KEYWORD},
    {"WorkflowType", SK_SA_KEYWORD},
    {NULL, (enum sk_sa_type)0},
};

const struct sk_sa_system *sk_sa_system_columns(void)
{
    return system_columns;
}

static bool is_system_column(struct sk_str name)
{
    for (const struct sk_sa_system *c = system_columns; c->name; c++)
        if (sk_str_eq(name, sk_str_of(c->name)))
            return true;
    return false;
}

enum sk_sa_access sk_sa_access(const struct sk_namespace *ns, struct sk_str name)
{
    if (is_system_column(name))
        return SK_SA_SYSTEM;
    const struct sk_search_attribute *attribute = sk_namespace_attribute(ns, name);
    if (!attribute)
        return SK_SA_UNKNOWN;
    if (!attribute->system)
        return SK_SA_CUSTOM;
    return attribute->settable ? SK_SA_WRITABLE : SK_SA_INTERNAL;
}

sk_err sk_sa_check_new_name(struct sk_ctx *ctx, const char *name)
{
    static const char *const reserved[] = {"NamespaceId",       "MemoEncoding",    "Memo",
                                           "VisibilityTaskKey", "BinaryChecksums", "BuildIds",
                                           "BatcherUser",       "BatcherNamespace"};
    struct sk_str s = sk_str_of(name);
    if (s.n == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Search attribute name is not set on request.");
    if (s.n > NAME_BYTES_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Search attribute name length %zu exceeds limit %d.", s.n, NAME_BYTES_MAX);
    bool is_reserved = is_system_column(s) || sk_str_starts(s, SK_STR("Temporal"));
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        is_reserved = is_reserved || sk_str_eq(s, sk_str_of(reserved[i]));
    if (is_reserved)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Search attribute %s is reserved by system.",
                       name);
    if (memchr(s.p, '`', s.n))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Search attribute name %s must not contain a backtick.", name);
    return SK_OK;
}

/* ---- payloads ---- */

/* NULL when the payload has none of that key. */
static const metadata_pb *find_metadata(const sk_payload_pb *payload, const char *key)
{
    for (size_t i = 0; payload && i < payload->n_metadata; i++)
        if (strcmp(payload->metadata[i]->key, key) == 0)
            return payload->metadata[i];
    return NULL;
}

static struct sk_str metadata(const sk_payload_pb *payload, const char *key)
{
    const metadata_pb *entry = find_metadata(payload, key);
    return entry ? (struct sk_str){(const char *)entry->value.data, entry->value.len}
                 : (struct sk_str){NULL, 0};
}

static struct sk_str trim(struct sk_str s)
{
    while (s.n && isspace((unsigned char)*s.p))
        s.p++, s.n--;
    while (s.n && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    return s;
}

static struct sk_str data_of(const sk_payload_pb *payload)
{
    return (struct sk_str){(const char *)payload->data.data, payload->data.len};
}

static bool empty_list(struct sk_str s)
{
    if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return false;
    return trim((struct sk_str){s.p + 1, s.n - 2}).n == 0;
}

bool sk_sa_payload_is_null(const sk_payload_pb *payload)
{
    if (!payload || sk_str_eq(metadata(payload, "encoding"), SK_STR("binary/null")))
        return true;
    struct sk_str s = trim(data_of(payload));
    return s.n == 0 || sk_str_eq(s, SK_STR("null")) || empty_list(s);
}

/* A scalar or a flat list: what jansson may see. */
static bool flat(struct sk_str s)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        if (quoted) {
            if (s.p[i] == '\\')
                i++;
            else if (s.p[i] == '"')
                quoted = false;
            continue;
        }
        if (s.p[i] == '"')
            quoted = true;
        else if (s.p[i] == '{' || (s.p[i] == '[' && ++depth > 1))
            return false;
    }
    return true;
}

/* ---- decoding ---- */

static struct sk_str json_str(struct sk_arena *arena, const json_t *value)
{
    size_t n = json_string_length(value);
    return (struct sk_str){sk_arena_memdup(arena, json_string_value(value), n), n};
}

/* One scalar as a value of that type; false when it is not one. */
static bool decode_scalar(struct sk_arena *arena, const json_t *json, struct sk_sa_value *value)
{
    struct sk_str s = {json_string_value(json), json_string_length(json)};
    switch (value->type) {
    case SK_SA_TEXT:
    case SK_SA_KEYWORD:
        if (!json_is_string(json))
            return false;
        value->s = json_str(arena, json);
        return true;
    case SK_SA_INT:
        value->i = json_integer_value(json);
        return json_is_integer(json);
    case SK_SA_DOUBLE:
        value->d = json_number_value(json);
        return json_is_number(json) && isfinite(value->d);
    case SK_SA_BOOL:
        value->i = json_is_true(json);
        return json_is_boolean(json);
    case SK_SA_DATETIME:
        return json_is_string(json) && sk_timestamp_parse(s, &value->i);
    case SK_SA_KEYWORD_LIST:
        break;
    }
    return false;
}

static bool decode_list(struct sk_arena *arena, const json_t *json, struct sk_sa_value *value)
{
    size_t n = json_array_size(json);
    struct sk_str *list = SK_NEW_N(arena, struct sk_str, n + 1);
    if (!json_is_array(json))
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(json, i);
        if (json_is_null(item))
            list[i] = SK_STR("");
        else if (json_is_string(item))
            list[i] = json_str(arena, item);
        else
            return false;
    }
    value->list = list;
    value->list_count = n;
    return true;
}

enum decoded { DECODED_VALUE, DECODED_NOTHING, DECODED_WRONG };

/* value->type is given. */
static enum decoded decode(struct sk_arena *arena, const sk_payload_pb *payload,
                           struct sk_sa_value *value)
{
    if (!payload || sk_str_eq(metadata(payload, "encoding"), SK_STR("binary/null")))
        return DECODED_NOTHING;
    struct sk_str s = data_of(payload);
    if (!sk_str_eq(metadata(payload, "encoding"), SK_STR("json/plain")) || !flat(s))
        return DECODED_WRONG;
    size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    if (value->type == SK_SA_DOUBLE)
        flags |= JSON_DECODE_INT_AS_REAL;
    json_t *json = json_loadb(s.p, s.n, flags, NULL);
    if (!json)
        return DECODED_WRONG;
    enum decoded result = DECODED_NOTHING;
    if (json_is_null(json) || (json_is_array(json) && json_array_size(json) == 0))
        result = DECODED_NOTHING;
    else if (value->type == SK_SA_KEYWORD_LIST)
        result = decode_list(arena, json, value) ? DECODED_VALUE : DECODED_WRONG;
    else if (json_is_array(json) && json_array_size(json) == 1)
        result =
            decode_scalar(arena, json_array_get(json, 0), value) ? DECODED_VALUE : DECODED_WRONG;
    else
        result = decode_scalar(arena, json, value) ? DECODED_VALUE : DECODED_WRONG;
    json_decref(json);
    return result;
}

/* How an error shows a value that is not of its attribute's type: a string without its quotes,
 * other JSON as it came, shortened. */
static const char *show(struct sk_arena *arena, const sk_payload_pb *payload)
{
    struct sk_str s = trim(data_of(payload));
    size_t max = 100;
    if (!sk_str_eq(metadata(payload, "encoding"), SK_STR("json/plain")))
        return sk_arena_printf(arena, "value with encoding <" SK_STR_FMT ">",
                               SK_STR_ARG(metadata(payload, "encoding")));
    if (!sk_utf8_valid(s.p, s.n))
        return "value that is not UTF-8";
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') {
        s.p++;
        s.n -= 2;
    }
    if (s.n <= max)
        return sk_arena_strndup(arena, s.p, s.n);
    while (max && ((unsigned char)s.p[max] & 0xC0) == 0x80)
        max--;
    return sk_arena_printf(arena, "%.*s...", (int)max, s.p);
}

static sk_err wrong_value(struct sk_ctx *ctx, const entry_pb *entry, enum sk_sa_type type)
{
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "invalid value for search attribute %s of type %s: %s",
                   entry->key, sk_sa_type_name(type), show(ctx->arena, entry->value));
}

/* ---- validation ---- */

static sk_err check_names(struct sk_ctx *ctx, const struct sk_namespace *ns,
                          const sk_search_attributes_pb *attributes)
{
    for (size_t i = 0; i < attributes->n_indexed_fields; i++) {
        const char *key = attributes->indexed_fields[i]->key;
        if (sk_sa_access(ns, sk_str_of(key)) == SK_SA_UNKNOWN)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "Namespace %s has no mapping defined for search attribute %s", ns->name,
                           key);
    }
    return SK_OK;
}

static sk_err check_entry(struct sk_ctx *ctx, const struct sk_namespace *ns, const entry_pb *entry)
{
    struct sk_str key = sk_str_of(entry->key);
    enum sk_sa_access access = sk_sa_access(ns, key);
    if (access == SK_SA_SYSTEM || access == SK_SA_INTERNAL)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s attribute can't be set in SearchAttributes",
                       entry->key);
    const struct sk_search_attribute *attribute = sk_namespace_attribute(ns, key);
    struct sk_sa_value value = {.type = attribute->type};
    if (decode(ctx->arena, entry->value, &value) == DECODED_WRONG)
        return wrong_value(ctx, entry, attribute->type);
    return SK_OK;
}

static int64_t limit_or(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

static sk_err check_sizes(struct sk_ctx *ctx, const sk_search_attributes_pb *attributes,
                          int64_t value_max, int64_t total_max)
{
    for (size_t i = 0; i < attributes->n_indexed_fields; i++) {
        const entry_pb *entry = attributes->indexed_fields[i];
        size_t size = entry->value ? entry->value->data.len : 0;
        if (size > (size_t)value_max)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "search attribute %s value size %zu exceeds size limit %lld", entry->key,
                           size, (long long)value_max);
    }
    size_t total = sk_wire_size(&attributes->base);
    if (total > (size_t)total_max)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "total size of search attributes %zu exceeds size limit %lld", total,
                       (long long)total_max);
    return SK_OK;
}

sk_err sk_sa_validate(struct sk_ctx *ctx, const struct sk_namespace *ns,
                      const sk_search_attributes_pb *attributes, const struct sk_sa_limits *limits)
{
    if (!attributes || attributes->n_indexed_fields == 0)
        return SK_OK;
    struct sk_sa_limits given = limits ? *limits : (struct sk_sa_limits){0, 0, 0};
    int64_t keys = limit_or(given.keys, KEYS_DEFAULT);
    sk_err err = check_names(ctx, ns, attributes);
    if (err != SK_OK)
        return err;
    if (attributes->n_indexed_fields > (size_t)keys)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "number of search attributes %zu exceeds limit %lld",
                       attributes->n_indexed_fields, (long long)keys);
    for (size_t i = 0; i < attributes->n_indexed_fields && err == SK_OK; i++)
        err = check_entry(ctx, ns, attributes->indexed_fields[i]);
    if (err != SK_OK)
        return err;
    return check_sizes(ctx, attributes, limit_or(given.value_size, VALUE_SIZE_DEFAULT),
                       limit_or(given.total_size, TOTAL_SIZE_DEFAULT));
}

/* ---- values for the row ---- */

/* A name may come twice on the wire: the last one counts, as in any protobuf map. */
static struct sk_sa_value *place(struct sk_sa_value *values, size_t *count,
                                 const struct sk_search_attribute *attribute)
{
    for (size_t i = 0; i < *count; i++)
        if (values[i].type == attribute->type && values[i].slot == attribute->slot)
            return &values[i];
    return &values[(*count)++];
}

sk_err sk_sa_values(struct sk_ctx *ctx, const struct sk_namespace *ns,
                    const sk_search_attributes_pb *attributes, struct sk_sa_value **ret,
                    size_t *ret_count)
{
    size_t n = attributes ? attributes->n_indexed_fields : 0, count = 0;
    struct sk_sa_value *values = SK_NEW_N(ctx->arena, struct sk_sa_value, n + 1);
    for (size_t i = 0; i < n; i++) {
        const entry_pb *entry = attributes->indexed_fields[i];
        const struct sk_search_attribute *attribute =
            sk_namespace_attribute(ns, sk_str_of(entry->key));
        if (!attribute || attribute->slot <= 0)
            continue;
        struct sk_sa_value value = {.type = attribute->type, .slot = attribute->slot};
        enum decoded decoded = decode(ctx->arena, entry->value, &value);
        if (decoded == DECODED_WRONG)
            return wrong_value(ctx, entry, attribute->type);
        if (decoded == DECODED_VALUE)
            *place(values, &count, attribute) = value;
    }
    *ret = values;
    *ret_count = count;
    return SK_OK;
}

struct sk_str sk_sa_division(struct sk_ctx *ctx, const sk_search_attributes_pb *attributes)
{
    struct sk_str division = {"", 0};
    for (size_t i = 0; attributes && i < attributes->n_indexed_fields; i++) {
        const entry_pb *entry = attributes->indexed_fields[i];
        struct sk_sa_value value = {.type = SK_SA_KEYWORD};
        if (strcmp(entry->key, DIVISION) == 0 &&
            decode(ctx->arena, entry->value, &value) == DECODED_VALUE)
            division = value.s;
    }
    return division;
}

/* ---- making payloads ---- */

static ProtobufCBinaryData binary(struct sk_str s)
{
    union {
        const char *in;
        uint8_t *out;
    } u = {s.p};
    return (ProtobufCBinaryData){s.n, u.out};
}

static metadata_pb *metadata_entry(struct sk_arena *arena, const char *key, struct sk_str value)
{
    metadata_pb *entry = sk_arena_alloc(arena, sizeof *entry);
    temporal__api__common__v1__payload__metadata_entry__init(entry);
    entry->key = sk_wire_text(key);
    entry->value = binary(value);
    return entry;
}

static sk_payload_pb *json_payload(struct sk_arena *arena, struct sk_str json, enum sk_sa_type type)
{
    sk_payload_pb *payload = sk_arena_alloc(arena, sizeof *payload);
    temporal__api__common__v1__payload__init(payload);
    payload->metadata = SK_NEW_N(arena, metadata_pb *, 2);
    payload->metadata[0] = metadata_entry(arena, "encoding", SK_STR("json/plain"));
    payload->metadata[1] = metadata_entry(arena, "type", sk_str_of(sk_sa_type_name(type)));
    payload->n_metadata = 2;
    payload->data = binary(json);
    return payload;
}

static json_t *json_of(const struct sk_sa_value *value)
{
    char text[SK_TIMESTAMP_TEXT];
    json_t *list = NULL;
    switch (value->type) {
    case SK_SA_TEXT:
    case SK_SA_KEYWORD:
        return json_stringn(value->s.p ? value->s.p : "", value->s.n);
    case SK_SA_INT:
        return json_integer(value->i);
    case SK_SA_DOUBLE:
        return json_real(value->d);
    case SK_SA_BOOL:
        return json_boolean(value->i != 0);
    case SK_SA_DATETIME:
        sk_timestamp_format(value->i, text);
        return json_string(text);
    case SK_SA_KEYWORD_LIST:
        list = json_array();
        for (size_t i = 0; i < value->list_count; i++)
            json_array_append_new(list, json_stringn(value->list[i].p, value->list[i].n));
        return list;
    }
    return NULL;
}

sk_payload_pb *sk_sa_encode(struct sk_arena *arena, const struct sk_sa_value *value)
{
    json_t *json = json_of(value);
    char *text = json ? json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    struct sk_str copy = sk_str_of(sk_arena_strdup(arena, text ? text : "null"));
    free(text);
    json_decref(json);
    return json_payload(arena, copy, value->type);
}

/* ---- whole sets ---- */

static sk_search_attributes_pb *new_set(struct sk_arena *arena, size_t capacity)
{
    sk_search_attributes_pb *set = sk_arena_alloc(arena, sizeof *set);
    temporal__api__common__v1__search_attributes__init(set);
    set->indexed_fields = SK_NEW_N(arena, entry_pb *, capacity + 1);
    return set;
}

static void put(struct sk_arena *arena, sk_search_attributes_pb *set, const char *key,
                sk_payload_pb *value)
{
    size_t at = 0; // sorted by name, so that histories and rows are repeatable
    while (at < set->n_indexed_fields && strcmp(set->indexed_fields[at]->key, key) < 0)
        at++;
    if (at < set->n_indexed_fields && strcmp(set->indexed_fields[at]->key, key) == 0) {
        set->indexed_fields[at]->value = value;
        return;
    }
    entry_pb *entry = sk_arena_alloc(arena, sizeof *entry);
    temporal__api__common__v1__search_attributes__indexed_fields_entry__init(entry);
    entry->key = sk_wire_text(key);
    entry->value = value;
    memmove(&set->indexed_fields[at + 1], &set->indexed_fields[at],
            (set->n_indexed_fields - at) * sizeof *set->indexed_fields);
    set->indexed_fields[at] = entry;
    set->n_indexed_fields++;
}

static void put_all(struct sk_arena *arena, sk_search_attributes_pb *set,
                    const sk_search_attributes_pb *from)
{
    for (size_t i = 0; from && i < from->n_indexed_fields; i++)
        put(arena, set, from->indexed_fields[i]->key, from->indexed_fields[i]->value);
}

static sk_search_attributes_pb *without_nulls(sk_search_attributes_pb *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->n_indexed_fields; i++)
        if (!sk_sa_payload_is_null(set->indexed_fields[i]->value))
            set->indexed_fields[kept++] = set->indexed_fields[i];
    set->n_indexed_fields = kept;
    return kept ? set : NULL;
}

static size_t size_of(const sk_search_attributes_pb *set)
{
    return set ? set->n_indexed_fields : 0;
}

sk_search_attributes_pb *sk_sa_merge(struct sk_arena *arena, const sk_search_attributes_pb *base,
                                     const sk_search_attributes_pb *update)
{
    sk_search_attributes_pb *set = new_set(arena, size_of(base) + size_of(update));
    put_all(arena, set, base);
    put_all(arena, set, update);
    return without_nulls(set);
}

static sk_search_attributes_pb *with_value(struct sk_arena *arena,
                                           const sk_search_attributes_pb *base, const char *name,
                                           const struct sk_sa_value *value)
{
    sk_search_attributes_pb *set = new_set(arena, size_of(base) + 1);
    put_all(arena, set, base);
    put(arena, set, name, sk_sa_encode(arena, value));
    return without_nulls(set);
}

sk_search_attributes_pb *sk_sa_set_keyword_list(struct sk_arena *arena,
                                                const sk_search_attributes_pb *base,
                                                const char *name, const struct sk_str *items,
                                                size_t count)
{
    struct sk_sa_value value = {.type = SK_SA_KEYWORD_LIST, .list = items, .list_count = count};
    return with_value(arena, base, name, &value);
}

sk_search_attributes_pb *sk_sa_set_keyword(struct sk_arena *arena,
                                           const sk_search_attributes_pb *base, const char *name,
                                           struct sk_str text)
{
    struct sk_sa_value value = {.type = SK_SA_KEYWORD, .s = text};
    return with_value(arena, base, name, &value);
}

/* The payload with metadata "type" set; the same one when it is there already. */
static sk_payload_pb *typed(struct sk_arena *arena, sk_payload_pb *payload, enum sk_sa_type type)
{
    struct sk_str name = sk_str_of(sk_sa_type_name(type));
    if (!payload || sk_str_eq(metadata(payload, "type"), name))
        return payload;
    sk_payload_pb *copy = sk_arena_memdup(arena, payload, sizeof *payload);
    copy->metadata = SK_NEW_N(arena, metadata_pb *, payload->n_metadata + 1);
    copy->n_metadata = 0;
    for (size_t i = 0; i < payload->n_metadata; i++)
        if (strcmp(payload->metadata[i]->key, "type") != 0)
            copy->metadata[copy->n_metadata++] = payload->metadata[i];
    copy->metadata[copy->n_metadata++] = metadata_entry(arena, "type", name);
    return copy;
}

static sk_search_attributes_pb *present(struct sk_arena *arena, const struct sk_namespace *ns,
                                        const sk_search_attributes_pb *attributes, bool keep_type)
{
    if (!attributes)
        return NULL;
    sk_search_attributes_pb *set = new_set(arena, attributes->n_indexed_fields);
    for (size_t i = 0; i < attributes->n_indexed_fields; i++) {
        entry_pb *entry = attributes->indexed_fields[i];
        const struct sk_search_attribute *attribute =
            sk_namespace_attribute(ns, sk_str_of(entry->key));
        if (!attribute)
            continue;
        bool keep = keep_type && find_metadata(entry->value, "type");
        put(arena, set, entry->key,
            keep ? entry->value : typed(arena, entry->value, attribute->type));
    }
    return set->n_indexed_fields ? set : NULL;
}

sk_search_attributes_pb *sk_sa_present(struct sk_arena *arena, const struct sk_namespace *ns,
                                       const sk_search_attributes_pb *attributes)
{
    return present(arena, ns, attributes, true);
}

sk_search_attributes_pb *sk_sa_listed(struct sk_arena *arena, const struct sk_namespace *ns,
                                      const sk_search_attributes_pb *attributes)
{
    return present(arena, ns, attributes, false);
}
