/* Search attributes: what users may set, what becomes of it, what they are told. */
#include "fixture.h"

typedef Temporal__Api__Common__V1__SearchAttributes__IndexedFieldsEntry entry_pb;
typedef Temporal__Api__Common__V1__Payload__MetadataEntry metadata_pb;

static struct sk_ctx ctx;

static int setup(void **state)
{
    (void)state;
    ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sk_arena_free(ctx.arena);
    return 0;
}

static ProtobufCBinaryData bytes(const char *s)
{
    return (ProtobufCBinaryData){strlen(s), (uint8_t *)sk_arena_strdup(ctx.arena, s)};
}

static sk_payload_pb *payload(const char *encoding, const char *data)
{
    sk_payload_pb *p = SK_NEW(ctx.arena, sk_payload_pb);
    temporal__api__common__v1__payload__init(p);
    p->metadata = SK_NEW(ctx.arena, metadata_pb *);
    p->metadata[0] = SK_NEW(ctx.arena, metadata_pb);
    temporal__api__common__v1__payload__metadata_entry__init(p->metadata[0]);
    p->metadata[0]->key = sk_arena_strdup(ctx.arena, "encoding");
    p->metadata[0]->value = bytes(encoding);
    p->n_metadata = 1;
    p->data = bytes(data);
    return p;
}

static sk_search_attributes_pb *set_of(size_t count, ...)
{
    sk_search_attributes_pb *set = SK_NEW(ctx.arena, sk_search_attributes_pb);
    temporal__api__common__v1__search_attributes__init(set);
    set->indexed_fields = SK_NEW_N(ctx.arena, entry_pb *, count);
    va_list args;
    va_start(args, count);
    for (size_t i = 0; i < count; i++) {
        entry_pb *entry = SK_NEW(ctx.arena, entry_pb);
        temporal__api__common__v1__search_attributes__indexed_fields_entry__init(entry);
        entry->key = sk_arena_strdup(ctx.arena, va_arg(args, const char *));
        entry->value = payload("json/plain", va_arg(args, const char *));
        set->indexed_fields[set->n_indexed_fields++] = entry;
    }
    va_end(args);
    return set;
}

static const char *error_of(const sk_search_attributes_pb *set)
{
    sk_ctx_clear(&ctx);
    sk_err err = sk_sa_validate(&ctx, fixture_namespace(), set, NULL);
    if (err == SK_OK)
        return NULL;
    assert_int_equal(err, SK_INVALID_ARGUMENT);
    return ctx.err.message;
}

static struct sk_sa_value *only_value(const char *name, const char *json)
{
    struct sk_sa_value *values;
    size_t n;
    assert_null(error_of(set_of(1, name, json)));
    assert_int_equal(sk_sa_values(&ctx, fixture_namespace(), set_of(1, name, json), &values, &n),
                     SK_OK);
    assert_true(n <= 1);
    return n ? values : NULL;
}

static void values_of_each_type(void **state)
{
    (void)state;
    struct sk_sa_value *v = only_value("MyKeyword", "\"a\\u00fc\"");
    assert_int_equal(v->type, SK_SA_KEYWORD);
    assert_int_equal(v->slot, 9);
    assert_true(sk_str_eq(v->s, SK_STR("a\xc3\xbc")));
    assert_true(sk_str_eq(only_value("MyText", "\"t\"")->s, SK_STR("t")));
    assert_int_equal(only_value("MyInt", "-12")->i, -12);
    assert_true(only_value("MyDouble", "1.5")->d == 1.5);
    assert_true(only_value("MyDouble", "3")->d == 3.0);
    assert_int_equal(only_value("MyBool", "true")->i, 1);
    assert_int_equal(only_value("MyTime", "\"1970-01-01T00:00:01.000000002Z\"")->i, 1000000002);
    v = only_value("MyList", "[\"a\",\"b\"]");
    assert_int_equal(v->list_count, 2);
    assert_true(sk_str_eq(v->list[1], SK_STR("b")));
    // a list of one stands for its element
    assert_true(sk_str_eq(only_value("MyKeyword", "[\"x\"]")->s, SK_STR("x")));
}

static void nothing_is_no_value(void **state)
{
    (void)state;
    assert_null(only_value("MyKeyword", "null"));
    assert_null(only_value("MyKeyword", "[]"));
    assert_null(only_value("MyList", " [ ] "));
    assert_true(sk_sa_payload_is_null(payload("binary/null", "")));
    assert_true(sk_sa_payload_is_null(payload("json/plain", " null ")));
    assert_true(sk_sa_payload_is_null(NULL));
    assert_false(sk_sa_payload_is_null(payload("json/plain", "\"\"")));
    assert_null(error_of(NULL));
}

static void wrong_values_and_names(void **state)
{
    (void)state;
    assert_string_equal(error_of(set_of(1, "Nope", "1")),
                        "Namespace ns has no mapping defined for search attribute Nope");
    assert_string_equal(error_of(set_of(1, "WorkflowId", "\"a\"")),
                        "WorkflowId attribute can't be set in SearchAttributes");
    assert_string_equal(error_of(set_of(1, "TemporalWorkerDeployment", "\"a\"")),
                        "TemporalWorkerDeployment attribute can't be set in SearchAttributes");
    assert_null(error_of(set_of(1, "TemporalScheduledById", "\"a\"")));
    assert_string_equal(error_of(set_of(1, "MyInt", "\"abc\"")),
                        "invalid value for search attribute MyInt of type Int: abc");
    assert_string_equal(error_of(set_of(1, "MyKeyword", "123")),
                        "invalid value for search attribute MyKeyword of type Keyword: 123");
    assert_string_equal(error_of(set_of(1, "MyKeyword", "[\"a\",\"b\"]")),
                        "invalid value for search attribute MyKeyword of type Keyword: "
                        "[\"a\",\"b\"]");
    assert_non_null(error_of(set_of(1, "MyList", "\"a\"")));
    assert_non_null(error_of(set_of(1, "MyInt", "1.5")));
    assert_non_null(error_of(set_of(1, "MyInt", "99999999999999999999")));
    assert_non_null(error_of(set_of(1, "MyBool", "1")));
    assert_non_null(error_of(set_of(1, "MyTime", "\"yesterday\"")));
    assert_non_null(error_of(set_of(1, "MyKeyword", "{\"a\":1}")));
    assert_non_null(error_of(set_of(1, "MyList", "[[\"a\"]]")));
    assert_non_null(error_of(set_of(1, "MyKeyword", "\"open")));
    sk_search_attributes_pb *set = set_of(1, "MyKeyword", "\"a\"");
    set->indexed_fields[0]->value = payload("binary/plain", "a");
    assert_string_equal(error_of(set), "invalid value for search attribute MyKeyword of type "
                                       "Keyword: value with encoding <binary/plain>");
}

static void nested_json_never_recurses(void **state)
{
    (void)state;
    char *deep = sk_arena_alloc(ctx.arena, 100001);
    memset(deep, '[', 100000);
    deep[100000] = '\0';
    assert_non_null(error_of(set_of(1, "MyList", deep)));
}

static void counts_and_sizes(void **state)
{
    (void)state;
    struct sk_sa_limits limits = {.keys = 1, .value_size = 5, .total_size = 60};
    assert_int_equal(sk_sa_validate(&ctx, fixture_namespace(),
                                    set_of(2, "MyInt", "1", "MyBool", "true"), &limits),
                     SK_INVALID_ARGUMENT);
    assert_string_equal(ctx.err.message, "number of search attributes 2 exceeds limit 1");
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_sa_validate(&ctx, fixture_namespace(), set_of(1, "MyKeyword", "\"abcd\""),
                                    &limits),
                     SK_INVALID_ARGUMENT);
    assert_string_equal(ctx.err.message,
                        "search attribute MyKeyword value size 6 exceeds size limit 5");
    sk_ctx_clear(&ctx);
    limits.keys = 5;
    assert_int_equal(sk_sa_validate(&ctx, fixture_namespace(),
                                    set_of(3, "MyInt", "1", "MyBool", "true", "MyDouble", "1"),
                                    &limits),
                     SK_INVALID_ARGUMENT);
    assert_non_null(strstr(ctx.err.message, "total size of search attributes "));
}

static void merging_and_presenting(void **state)
{
    (void)state;
    sk_search_attributes_pb *base = set_of(2, "MyInt", "1", "MyBool", "true");
    sk_search_attributes_pb *update = set_of(3, "MyInt", "null", "MyKeyword", "\"x\"", "Gone", "1");
    sk_search_attributes_pb *merged = sk_sa_merge(ctx.arena, base, update);
    assert_int_equal(merged->n_indexed_fields, 3);
    assert_string_equal(merged->indexed_fields[0]->key, "Gone");
    assert_string_equal(merged->indexed_fields[1]->key, "MyBool");
    assert_string_equal(merged->indexed_fields[2]->key, "MyKeyword");
    assert_int_equal(base->n_indexed_fields, 2);
    assert_null(sk_sa_merge(ctx.arena, NULL, set_of(1, "MyInt", "null")));

    sk_search_attributes_pb *shown = sk_sa_present(ctx.arena, fixture_namespace(), merged);
    assert_int_equal(shown->n_indexed_fields, 2);
    const sk_payload_pb *p = shown->indexed_fields[1]->value;
    assert_int_equal(p->n_metadata, 2);
    assert_string_equal(p->metadata[1]->key, "type");
    assert_memory_equal(p->metadata[1]->value.data, "Keyword", 7);

    merged->indexed_fields[2]->value = shown->indexed_fields[1]->value;
    p->metadata[1]->value.data = (uint8_t *)sk_arena_strdup(ctx.arena, "Text");
    p->metadata[1]->value.len = 4;
    shown = sk_sa_present(ctx.arena, fixture_namespace(), merged); // the client said so
    assert_memory_equal(shown->indexed_fields[1]->value->metadata[1]->value.data, "Text", 4);
    shown = sk_sa_listed(ctx.arena, fixture_namespace(), merged);
    assert_memory_equal(shown->indexed_fields[1]->value->metadata[1]->value.data, "Keyword", 7);

    struct sk_str items[] = {SK_STR("category=A cause=B")};
    shown = sk_sa_set_keyword_list(ctx.arena, base, "TemporalReportedProblems", items, 1);
    assert_int_equal(shown->n_indexed_fields, 3);
    p = shown->indexed_fields[2]->value;
    assert_memory_equal(p->data.data, "[\"category=A cause=B\"]", p->data.len);
    shown = sk_sa_set_keyword_list(ctx.arena, shown, "TemporalReportedProblems", NULL, 0);
    assert_int_equal(shown->n_indexed_fields, 2);
    assert_true(sk_str_eq(sk_sa_division(&ctx, set_of(1, "TemporalNamespaceDivision", "\"d\"")),
                          SK_STR("d")));
    assert_int_equal(sk_sa_division(&ctx, base).n, 0);
}

static void encoding_is_decoding_backwards(void **state)
{
    (void)state;
    struct sk_str list[] = {SK_STR("a"), SK_STR("\"b\"")};
    const struct {
        struct sk_sa_value value;
        const char *json;
    } examples[] = {
        {{.type = SK_SA_KEYWORD, .s = SK_STR("k")}, "\"k\""},
        {{.type = SK_SA_INT, .i = -5}, "-5"},
        {{.type = SK_SA_BOOL, .i = 1}, "true"},
        {{.type = SK_SA_DOUBLE, .d = 0.5}, "0.5"},
        {{.type = SK_SA_DATETIME, .i = 1500000000}, "\"1970-01-01T00:00:01.5Z\""},
        {{.type = SK_SA_KEYWORD_LIST, .list = list, .list_count = 2}, "[\"a\",\"\\\"b\\\"\"]"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const sk_payload_pb *p = sk_sa_encode(ctx.arena, &examples[i].value);
        assert_int_equal(p->data.len, strlen(examples[i].json));
        assert_memory_equal(p->data.data, examples[i].json, p->data.len);
    }
}

static void names_and_types(void **state)
{
    (void)state;
    assert_int_equal(sk_sa_type_parse(SK_STR("Keyword")), SK_SA_KEYWORD);
    assert_int_equal(sk_sa_type_parse(SK_STR("INDEXED_VALUE_TYPE_KEYWORD_LIST")),
                     SK_SA_KEYWORD_LIST);
    assert_int_equal(sk_sa_type_parse(SK_STR("keyword")), 0);
    assert_int_equal(sk_sa_check_new_name(&ctx, "Fine-Name.1"), SK_OK);
    assert_int_equal(sk_sa_check_new_name(&ctx, "WorkflowId"), SK_INVALID_ARGUMENT);
    assert_string_equal(ctx.err.message, "Search attribute WorkflowId is reserved by system.");
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_sa_check_new_name(&ctx, "TemporalX"), SK_INVALID_ARGUMENT);
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_sa_check_new_name(&ctx, ""), SK_INVALID_ARGUMENT);
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_sa_access(fixture_namespace(), SK_STR("MyInt")), SK_SA_CUSTOM);
    assert_int_equal(sk_sa_access(fixture_namespace(), SK_STR("StartTime")), SK_SA_SYSTEM);
    assert_int_equal(sk_sa_access(fixture_namespace(), SK_STR("x")), SK_SA_UNKNOWN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_of_each_type),
        TEST(nothing_is_no_value),
        TEST(wrong_values_and_names),
        TEST(nested_json_never_recurses),
        TEST(counts_and_sizes),
        TEST(merging_and_presenting),
        TEST(encoding_is_decoding_backwards),
        TEST(names_and_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
