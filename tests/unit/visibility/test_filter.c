/* The list filter: what each text becomes, and what each wrong text is told. */
#include "fixture.h"

#include <stdio.h>

static const char *const ops[] = {"=",      "!=",         "<",      "<=",       ">",
                                  ">=",     "IN",         "NOT IN", "BETWEEN",  "NOT BETWEEN",
                                  "STARTS", "NOT STARTS", "NULL",   "NOT NULL", "AND",
                                  "OR",     "NOT"};
static const char *const columns[] = {
    "",          "WorkflowId", "RunId",     "WorkflowType", "Status",      "TaskQueue",
    "ParentWf",  "ParentRun",  "RootWf",    "RootRun",      "StartTime",   "ExecutionTime",
    "CloseTime", "HistoryLen", "HistorySz", "Duration",     "Transitions", "Division"};

static void show(struct sk_buf *out, const struct sk_vis_node *node)
{
    if (node->op >= SK_VIS_AND) {
        sk_buf_str(out, "(");
        show(out, node->left);
        sk_buf_printf(out, " %s ", ops[node->op]);
        show(out, node->right);
        sk_buf_str(out, ")");
        return;
    }
    if (node->field.column == SK_VIS_SEARCH_ATTRIBUTE)
        sk_buf_printf(out, "%s%d", sk_sa_type_name(node->field.sa_type), node->field.slot);
    else
        sk_buf_str(out, columns[node->field.column]);
    sk_buf_printf(out, " %s", ops[node->op]);
    for (size_t i = 0; i < node->value_count; i++) {
        const struct sk_vis_literal *v = &node->values[i];
        if (v->type == SK_LIT_STRING)
            sk_buf_printf(out, " '" SK_STR_FMT "'", SK_STR_ARG(v->s));
        else if (v->type == SK_LIT_INT)
            sk_buf_printf(out, " %lld", (long long)v->i);
        else
            sk_buf_printf(out, " %g", v->d);
    }
}

static const char *parse_for(const char *text, enum sk_vis_purpose purpose, struct sk_arena *arena,
                             struct sk_vis_query *query)
{
    struct sk_ctx ctx = {.arena = arena};
    sk_err err = sk_vis_parse(&ctx, fixture_namespace(), text, purpose, query);
    if (err != SK_OK) {
        assert_int_equal(err, SK_INVALID_ARGUMENT);
        return ctx.err.message;
    }
    struct sk_buf out = SK_BUF_INIT;
    if (query->filter)
        show(&out, query->filter);
    if (query->group)
        sk_buf_printf(&out, " group by %s", columns[query->group_by.column]);
    const char *copy = sk_arena_strndup(arena, out.p ? out.p : "", out.n);
    sk_buf_fini(&out);
    return copy;
}

struct example {
    const char *text, *becomes;
};

static void run(const struct example *examples, size_t count, enum sk_vis_purpose purpose)
{
    for (size_t i = 0; i < count; i++) {
        struct sk_arena *arena = sk_arena_new(0);
        struct sk_vis_query query;
        const char *got = parse_for(examples[i].text, purpose, arena, &query);
        if (strcmp(got, examples[i].becomes) != 0)
            fail_msg("%s\n  gave     %s\n  expected %s", examples[i].text, got,
                     examples[i].becomes);
        sk_arena_free(arena);
    }
}
#define RUN(examples, purpose) run(examples, sizeof(examples) / sizeof *(examples), purpose)

static void every_operator_on_every_type(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"", ""},
        {"  \n ", ""},
        // Keyword
        {"MyKeyword = 'a'", "Keyword9 = 'a'"},
        {"MyKeyword != \"a\"", "Keyword9 != 'a'"},
        {"MyKeyword <> 'a'", "Keyword9 != 'a'"},
        {"MyKeyword < 'a'", "Keyword9 < 'a'"},
        {"MyKeyword <= 'a'", "Keyword9 <= 'a'"},
        {"MyKeyword > 'a'", "Keyword9 > 'a'"},
        {"MyKeyword >= 'a'", "Keyword9 >= 'a'"},
        {"MyKeyword in ('a', 'b')", "Keyword9 IN 'a' 'b'"},
        {"MyKeyword NOT IN ('a')", "Keyword9 NOT IN 'a'"},
        {"MyKeyword BETWEEN 'a' AND 'b'", "Keyword9 BETWEEN 'a' 'b'"},
        {"MyKeyword NOT BETWEEN 'a' AND 'b'", "Keyword9 NOT BETWEEN 'a' 'b'"},
        {"MyKeyword STARTS_WITH 'a'", "Keyword9 STARTS 'a'"},
        {"MyKeyword NOT starts_with 'a'", "Keyword9 NOT STARTS 'a'"},
        {"MyKeyword IS NULL", "Keyword9 NULL"},
        {"MyKeyword is not null", "Keyword9 NOT NULL"},
        // KeywordList, Text
        {"MyList = 'a'", "KeywordList9 = 'a'"},
        {"MyList != 'a'", "KeywordList9 != 'a'"},
        {"MyList IN ('a','b')", "KeywordList9 IN 'a' 'b'"},
        {"MyList NOT IN ('a','b')", "KeywordList9 NOT IN 'a' 'b'"},
        {"MyList IS NULL", "KeywordList9 NULL"},
        {"MyText = 'two words'", "Text3 = 'two words'"},
        {"MyText != 'x'", "Text3 != 'x'"},
        {"MyText IS NOT NULL", "Text3 NOT NULL"},
        // numbers
        {"MyInt = -5", "Int3 = -5"},
        {"MyInt IN (1,2,3)", "Int3 IN 1 2 3"},
        {"MyInt between 1 and 2", "Int3 BETWEEN 1 2"},
        {"MyDouble > 1", "Double3 > 1"},
        {"MyDouble = 1.5e3", "Double3 = 1500"},
        {"MyDouble = .5", "Double3 = 0.5"},
        {"MyDouble NOT BETWEEN -1 AND 1.5", "Double3 NOT BETWEEN -1 1.5"},
        {"MyBool = true", "Bool3 = 1"},
        {"MyBool != FALSE", "Bool3 != 0"},
        {"MyBool IS NULL", "Bool3 NULL"},
        // times
        {"MyTime > '2020-01-02T03:04:05.5Z'", "Datetime3 > 1577934245500000000"},
        {"MyTime = '2020-01-02T04:04:05.5+01:00'", "Datetime3 = 1577934245500000000"},
        {"MyTime = 123", "Datetime3 = 123"},
        {"StartTime BETWEEN '1970-01-01T00:00:01Z' AND '1970-01-01T00:00:02Z'",
         "StartTime BETWEEN 1000000000 2000000000"},
    };
    RUN(examples, SK_VIS_FOR_LIST);
}

static void fractions_against_integers(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"MyInt < 1.5", "Int3 < 2"},
        {"MyInt <= 1.5", "Int3 <= 1"},
        {"MyInt > 1.5", "Int3 > 1"},
        {"MyInt >= 1.5", "Int3 >= 2"},
        {"MyInt > -1.5", "Int3 > -2"},
        {"MyInt = 2.0", "Int3 = 2"},
        {"MyInt = 1.5", "Int3 BETWEEN 1 0"},
        {"MyInt != 1.5", "Int3 NOT BETWEEN 1 0"},
        {"MyInt IN (1, 1.5, 2.0)", "Int3 IN 1 2"},
        {"MyInt IN (1.5)", "Int3 BETWEEN 1 0"},
        {"MyInt BETWEEN 1.5 AND 3.5", "Int3 BETWEEN 2 3"},
        {"MyInt < 99999999999999999999", "Int3 < 9223372036854775807"},
    };
    RUN(examples, SK_VIS_FOR_LIST);
}

static void columns_status_and_durations(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"WorkflowId='a' and RunId='b' and WorkflowType='c' and TaskQueue='d'",
         "((WorkflowId = 'a' AND RunId = 'b') AND (WorkflowType = 'c' AND TaskQueue = 'd'))"},
        {"ParentWorkflowId='a' or ParentRunId='b'", "(ParentWf = 'a' OR ParentRun = 'b')"},
        {"RootWorkflowId='a' or RootRunId='b'", "(RootWf = 'a' OR RootRun = 'b')"},
        {"HistoryLength > 10 AND HistorySizeBytes > 20 AND StateTransitionCount > 30",
         "((HistoryLen > 10 AND HistorySz > 20) AND Transitions > 30)"},
        {"ExecutionStatus = 'Running'", "Status = 1"},
        {"ExecutionStatus = 'TimedOut'", "Status = 7"},
        {"ExecutionStatus = 'WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW'", "Status = 6"},
        {"ExecutionStatus = 2", "Status = 2"},
        {"ExecutionStatus IN ('Failed','Canceled',\"Terminated\")", "Status IN 3 4 5"},
        {"ExecutionStatus != 'Paused'", "Status != 8"},
        {"ExecutionDuration > 1000", "Duration > 1000"},
        {"ExecutionDuration > '1h30m'", "Duration > 5400000000000"},
        {"ExecutionDuration > '2d'", "Duration > 172800000000000"},
        {"ExecutionDuration = '00:01:02'", "Duration = 62000000000"},
        {"ExecutionDuration = '123456'", "Duration = 123456"},
        {"ExecutionDuration IS NULL", "Duration NULL"},
        {"CloseTime IS NULL", "CloseTime NULL"},
        // names: backticks, the prefix added and removed, schedules
        {"`odd name` = 'x'", "Keyword10 = 'x'"},
        {"`WorkflowId` = 'x'", "WorkflowId = 'x'"},
        {"ChangeVersion = 'x'", "KeywordList3 = 'x'"},
        {"TemporalChangeVersion = 'x'", "KeywordList3 = 'x'"},
        {"TemporalBuildIds = 'x'", "KeywordList2 = 'x'"},
        {"ScheduleId = 'x'", "WorkflowId = 'x'"},
        {"TemporalWorkflowId = 'x'", "WorkflowId = 'x'"},
        {"TemporalScheduledStartTime > 5", "Datetime1 > 5"},
        {"TemporalSchedulePaused = false", "Bool1 = 0"},
    };
    RUN(examples, SK_VIS_FOR_LIST);
}

static void precedence_and_negation(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"MyInt=1 OR MyInt=2 AND MyInt=3", "(Int3 = 1 OR (Int3 = 2 AND Int3 = 3))"},
        {"(MyInt=1 OR MyInt=2) AND MyInt=3", "((Int3 = 1 OR Int3 = 2) AND Int3 = 3)"},
        {"NOT MyInt=1 AND MyInt=2", "(Int3 != 1 AND Int3 = 2)"},
        {"NOT (MyInt=1 AND MyInt<2)", "(Int3 != 1 OR Int3 >= 2)"},
        {"NOT (MyInt<=1 OR MyInt>2)", "(Int3 > 1 AND Int3 <= 2)"},
        {"NOT NOT MyInt=1", "Int3 = 1"},
        {"NOT (NOT (MyInt=1 OR MyKeyword STARTS_WITH 'a'))", "(Int3 = 1 OR Keyword9 STARTS 'a')"},
        {"NOT MyInt IN (1)", "Int3 NOT IN 1"},
        {"NOT MyInt BETWEEN 1 AND 2 AND MyInt IS NULL", "(Int3 NOT BETWEEN 1 2 AND Int3 NULL)"},
        {"NOT MyInt IS NULL", "Int3 NOT NULL"},
        {"NOT MyInt = 1.5", "Int3 NOT BETWEEN 1 0"},
        {"((MyInt=1))", "Int3 = 1"},
    };
    RUN(examples, SK_VIS_FOR_LIST);
}

static void strings_and_escapes(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"MyKeyword='it''s'", "Keyword9 = 'it's'"},
        {"MyKeyword='it\\'s'", "Keyword9 = 'it's'"},
        {"MyKeyword=\"say \"\"hi\"\"\"", "Keyword9 = 'say \"hi\"'"},
        {"MyKeyword='a\\\\b\\n'", "Keyword9 = 'a\\b\n'"},
        {"MyKeyword='\xc3\xbc'", "Keyword9 = '\xc3\xbc'"},
        {"MyKeyword=''", "Keyword9 = ''"},
    };
    RUN(examples, SK_VIS_FOR_LIST);
}

static void group_by(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"GROUP BY ExecutionStatus", " group by Status"},
        {"MyInt = 1 group by ExecutionStatus", "Int3 = 1 group by Status"},
        {"group by `TemporalNamespaceDivision`", " group by Division"},
        {"GROUP BY MyInt",
         "invalid query: operation is not supported: 'GROUP BY' clause is only supported for "
         "ExecutionStatus and TemporalNamespaceDivision at position 10, near \"MyInt\""},
        {"GROUP BY ExecutionStatus, MyInt", "invalid query: operation is not supported: 'GROUP BY' "
                                            "clause supports only a single field "
                                            "at position 25, near \",\""},
        {"GROUP ExecutionStatus",
         "invalid query: syntax error, expected BY at position 7, near \"ExecutionStatus\""},
    };
    RUN(examples, SK_VIS_FOR_COUNT);
}

static void errors_name_the_place(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"Nope = 1", "invalid query: invalid search attribute: Nope at position 1, near \"Nope\""},
        {"MyInt == 1",
         "invalid query: syntax error, expected a quoted string, a number, true or false at "
         "position 8, near \"=\""},
        {"MyInt = ",
         "invalid query: syntax error, expected a quoted string, a number, true or false at "
         "position 9 (the end)"},
        {"MyInt", "invalid query: syntax error, expected an operator (=, !=, <, <=, >, >=, IN, "
                  "BETWEEN, STARTS_WITH, IS) at position 6 (the end)"},
        {"MyInt NOT 5",
         "invalid query: syntax error, expected IN, BETWEEN or STARTS_WITH at position 11, near "
         "\"5\""},
        {"(MyInt = 1", "invalid query: syntax error, expected AND, OR or ) for the ( at position 1 "
                       "at position 11 (the end)"},
        {"MyInt = 1)", "invalid query: syntax error, expected AND, OR or the end at position 10, "
                       "near \")\""},
        {"MyInt = 1 MyInt = 2",
         "invalid query: syntax error, expected AND, OR or the end at position 11, near \"MyInt\""},
        {"MyInt IN (1", "invalid query: syntax error, expected , or ) at position 12 (the end)"},
        {"MyInt IN 1", "invalid query: syntax error, expected ( at position 10, near \"1\""},
        {"MyInt BETWEEN 1", "invalid query: syntax error, expected AND at position 16 (the end)"},
        {"MyInt IS 5",
         "invalid query: syntax error, expected NULL or NOT NULL at position 10, near \"5\""},
    };
    RUN(examples, SK_VIS_FOR_LIST);
}

static void wrong_types_and_values(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"MyInt = 'a'", "invalid query: invalid value type for search attribute MyInt of type Int, "
                        "expected a number at position 9, near \"'a'\""},
        {"MyKeyword = 5",
         "invalid query: invalid value type for search attribute MyKeyword of type Keyword, "
         "expected a quoted string at position 13, near \"5\""},
        {"MyKeyword = abc",
         "invalid query: operation is not supported: column name on the right side of comparison "
         "expression (did you forget to quote \"abc\"?) at position 13, near \"abc\""},
        {"MyBool = 'x'", "invalid query: invalid value type for search attribute MyBool of type "
                         "Bool, expected true or false at position 10, near \"'x'\""},
        {"MyBool BETWEEN true AND false",
         "invalid query: operator BETWEEN is not supported for search attribute MyBool of type "
         "Bool, expected one of =, !=, <, <=, >, >=, IN, NOT IN, IS NULL, IS NOT NULL at position "
         "8, near \"BETWEEN\""},
        {"MyText STARTS_WITH 'a'",
         "invalid query: operator STARTS_WITH is not supported for search attribute MyText of type "
         "Text, expected one of =, !=, IS NULL, IS NOT NULL at position 8, near \"STARTS_WITH\""},
        {"MyList > 'a'",
         "invalid query: operator > is not supported for search attribute MyList of type "
         "KeywordList, expected one of =, !=, IN, NOT IN, IS NULL, IS NOT NULL at position 8, near "
         "\">\""},
        {"MyInt = NULL", "invalid query: NULL is not a value, expected IS NULL or IS NOT NULL at "
                         "position 9, near \"NULL\""},
        {"MyTime = '2020'", "invalid query: unable to parse datetime, expected RFC 3339 such as "
                            "'2006-01-02T15:04:05.999Z' at position 10, near \"'2020'\""},
        {"ExecutionStatus = 'running'",
         "invalid query: invalid ExecutionStatus value, expected one of 'Running', 'Completed', "
         "'Failed', 'Canceled', 'Terminated', 'ContinuedAsNew', 'TimedOut', 'Paused' at position "
         "19, near \"'running'\""},
        {"ExecutionDuration = 'soon'",
         "invalid query: invalid value type for search attribute ExecutionDuration of type Int, "
         "expected nanoseconds, a duration such as '1h30m' or '2d', or 'hh:mm:ss' at position 21, "
         "near \"'soon'\""},
        {"MyKeyword = 'abc", "invalid query: quote ' is not closed at position 13, near \"'abc\""},
        {"MyKeyword ; 'abc'", "invalid query: unexpected character at position 11, near \";\""},
        {"MyInt = 5x", "invalid query: a number runs into a name (forgot the quotes?) at position "
                       "9, near \"5\""},
        {"MyKeyword LIKE 'a%'", "invalid query: operation is not supported: LIKE, expected "
                                "STARTS_WITH or = at position 11, near \"LIKE\""},
        {"f(MyInt) = 1", "invalid query: operation is not supported: function expression at "
                         "position 1, near \"f\""},
        {"MyInt = f(1)",
         "invalid query: operation is not supported: nested func at position 9, near \"f\""},
        {"1 = MyInt",
         "invalid query: syntax error, expected the name of a search attribute, NOT or "
         "( at position 1, near \"1\""},
        {"ORDER BY StartTime",
         "invalid query: operation is not supported: 'ORDER BY' clause (open runs come first, then "
         "the newest) at position 1, near \"ORDER\""},
        {"MyInt = 1 LIMIT 5", "invalid query: operation is not supported: 'LIMIT' clause (the "
                              "request has a page size) at position 11, near \"LIMIT\""},
        {"GROUP BY ExecutionStatus", "invalid query: operation is not supported: 'GROUP BY' clause "
                                     "outside of a count at position 1, near \"GROUP\""},
    };
    RUN(examples, SK_VIS_FOR_LIST);
}

static void only_a_named_division_shows_divisions(void **state)
{
    (void)state;
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_vis_query query;
    parse_for("MyInt = 1", SK_VIS_FOR_LIST, arena, &query);
    assert_false(query.all_divisions);
    assert_int_equal(query.ns, 7);
    parse_for("MyInt = 1 AND NOT (NamespaceDivision = 'TemporalScheduler')", SK_VIS_FOR_LIST, arena,
              &query);
    assert_true(query.all_divisions);
    parse_for("GROUP BY TemporalNamespaceDivision", SK_VIS_FOR_COUNT, arena, &query);
    assert_true(query.all_divisions);
    sk_arena_free(arena);
}

static size_t depth_of(const struct sk_vis_node *node)
{
    if (node->op < SK_VIS_AND)
        return 1;
    size_t left = depth_of(node->left), right = depth_of(node->right);
    return 1 + (left > right ? left : right);
}

static void hostile_filters_are_bounded(void **state)
{
    (void)state;
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_vis_query query;
    struct sk_buf text = SK_BUF_INIT;
    // a long chain is a shallow tree
    for (int i = 0; i < 400; i++)
        sk_buf_printf(&text, "%sMyInt = %d", i ? " OR " : "", i);
    sk_buf_append(&text, "", 1);
    parse_for(text.p, SK_VIS_FOR_LIST, arena, &query);
    assert_true(depth_of(query.filter) <= 10);
    // too many terms
    sk_buf_clear(&text);
    sk_buf_str(&text, "MyInt IN (1");
    for (int i = 0; i < 1200; i++)
        sk_buf_str(&text, ",1");
    sk_buf_append(&text, ")", 2);
    assert_non_null(strstr(parse_for(text.p, SK_VIS_FOR_LIST, arena, &query),
                           "invalid query: more than 1000 terms at position"));
    // too deep
    sk_buf_clear(&text);
    for (int i = 0; i < 20000; i++)
        sk_buf_str(&text, "(");
    sk_buf_append(&text, "", 1);
    assert_string_equal(parse_for(text.p, SK_VIS_FOR_LIST, arena, &query),
                        "invalid query: parentheses are nested deeper than 32 at position 33, near "
                        "\"(\"");
    // many NOTs are a loop
    sk_buf_clear(&text);
    for (int i = 0; i < 10001; i++)
        sk_buf_str(&text, "NOT ");
    sk_buf_append(&text, "MyInt = 1", 10);
    assert_string_equal(parse_for(text.p, SK_VIS_FOR_LIST, arena, &query), "Int3 != 1");
    // too long
    sk_buf_clear(&text);
    for (int i = 0; i < 70000; i++)
        sk_buf_str(&text, " ");
    sk_buf_append(&text, "", 1);
    assert_string_equal(parse_for(text.p, SK_VIS_FOR_LIST, arena, &query),
                        "invalid query: length 70000 exceeds limit 65536");
    sk_buf_fini(&text);
    sk_arena_free(arena);
}

static void tokens_belong_to_their_list(void **state)
{
    (void)state;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_vis_query query = {.ns = 7}, other = {.ns = 8};
    struct sk_vis_row row = {.close_ns = 5, .start_ns = -6};
    memset(row.run.run_id.b, 0xab, SK_UUID_SIZE);
    struct sk_str token = sk_vis_token_write(ctx.arena, &query, "a = 1", &row);
    assert_int_equal(sk_vis_token_read(&ctx, token, "a = 1", &query), SK_OK);
    assert_true(query.has_cursor);
    assert_int_equal(query.after.close_ns, 5);
    assert_int_equal(query.after.start_ns, -6);
    assert_memory_equal(query.after.run_id.b, row.run.run_id.b, SK_UUID_SIZE);
    assert_int_equal(sk_vis_token_read(&ctx, token, "a = 2", &query), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(ctx.err.message, "another namespace, query or order"));
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_vis_token_read(&ctx, token, "a = 1", &other), SK_INVALID_ARGUMENT);
    sk_ctx_clear(&ctx);
    for (int i = 0; i < 2; i++) { // times that no run has, and whose order cannot be turned around
        char *forged = sk_arena_memdup(ctx.arena, token.p, token.n);
        memcpy(forged + (i ? 13 : 21), "\0\0\0\0\0\0\0\x80", 8);
        struct sk_str bad = {forged, token.n};
        assert_int_equal(sk_vis_token_read(&ctx, bad, "a = 1", &query), SK_INVALID_ARGUMENT);
        sk_ctx_clear(&ctx);
    }
    assert_int_equal(sk_vis_token_read(&ctx, SK_STR("junk"), "a = 1", &query), SK_INVALID_ARGUMENT);
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_vis_token_read(&ctx, SK_STR(""), "a = 1", &query), SK_OK);
    assert_false(query.has_cursor);
    sk_arena_free(ctx.arena);
}

static const char *order_for(const char *text, struct sk_arena *arena, struct sk_vis_order *ret)
{
    struct sk_ctx ctx = {.arena = arena};
    return sk_vis_parse_order(&ctx, fixture_namespace(), text, ret) ? ctx.err.message : "";
}

static void orders(void **state)
{
    (void)state;
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_vis_order order;
    assert_string_equal(order_for(" ", arena, &order), "");
    assert_false(order.by_field);
    assert_string_equal(order_for(" StartTime  DESC ", arena, &order), "");
    assert_true(order.by_field && order.descending);
    assert_int_equal(order.field.column, SK_VIS_START_TIME);
    assert_string_equal(order_for("WorkflowId asc", arena, &order), "");
    assert_false(order.descending);
    assert_int_equal(order.field.column, SK_VIS_WORKFLOW_ID);
    assert_string_equal(order_for("`odd name` desc", arena, &order), "");
    assert_int_equal(order.field.column, SK_VIS_SEARCH_ATTRIBUTE);
    assert_int_equal(order.field.sa_type, SK_SA_KEYWORD);
    static const struct {
        const char *text, *message;
    } wrong[] = {
        {"desc", "invalid order_by \"desc\": unknown search attribute"},
        {"Nothing desc", "invalid order_by \"Nothing desc\": unknown search attribute"},
        {"StartTime, WorkflowId", "invalid order_by \"StartTime, WorkflowId\": expected one "
                                  "column's name, then perhaps asc or desc"},
        {"StartTime down", "invalid order_by \"StartTime down\": expected one column's name, then "
                           "perhaps asc or desc"},
        {"``", "invalid order_by \"``\": expected one column's name, then perhaps asc or desc"},
        {"MyText", "invalid order_by \"MyText\": a column of type Text has no "
                   "order, one of type Keyword, Int, Double, Bool or Datetime has"},
        {"RunId desc", "invalid order_by \"RunId desc\": run ids have no order that says anything, "
                       "StartTime has"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_string_equal(order_for(wrong[i].text, arena, &order), wrong[i].message);
    char longest[400];
    memset(longest, 'x', sizeof longest);
    longest[399] = '\0';
    assert_string_equal(order_for(longest, arena, &order),
                        "invalid order_by: length 399 exceeds limit 300");
    sk_arena_free(arena);
}

/* A token in an order by a field holds the value, whatever it is; another order refuses it. */
static void tokens_of_orders(void **state)
{
    (void)state;
    static const struct sk_sa_value values[] = {
        {.type = SK_SA_KEYWORD, .slot = 1, .s = {"a\0b", 3}},
        {.type = SK_SA_KEYWORD, .slot = 1, .s = {"", 0}},
        {.type = SK_SA_INT, .slot = 1, .i = INT64_MIN},
        {.type = SK_SA_DOUBLE, .slot = 1, .d = -0.25},
    };
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    for (size_t i = 0; i < 8; i++) { // with the value, and without
        const struct sk_sa_value *v = &values[i % 4];
        struct sk_vis_row row = {.start_ns = 9, .values = v, .value_count = i < 4};
        struct sk_vis_query query = {
            .ns = 7, .order = {true, i & 1, {SK_VIS_SEARCH_ATTRIBUTE, v->type, v->slot, NULL}}};
        struct sk_vis_place want = sk_vis_place_of(&query.order, &row);
        struct sk_str token = sk_vis_token_write(ctx.arena, &query, "", &row);
        assert_int_equal(sk_vis_token_read(&ctx, token, "", &query), SK_OK);
        assert_true(query.has_cursor);
        assert_int_equal(query.after.missing, i >= 4);
        assert_int_equal(sk_vis_place_compare(&query.order, &query.after, &want), 0);
        struct sk_str cut = {token.p, token.n - 1};
        sk_err err = sk_vis_token_read(&ctx, cut, "", &query);
        assert_true(err == SK_INVALID_ARGUMENT || i == 0); // a keyword may be shorter
        query.order.descending = !query.order.descending;
        assert_int_equal(sk_vis_token_read(&ctx, token, "", &query), SK_INVALID_ARGUMENT);
        query.order.by_field = false;
        assert_int_equal(sk_vis_token_read(&ctx, token, "", &query), SK_INVALID_ARGUMENT);
        sk_ctx_clear(&ctx);
    }
    sk_arena_free(ctx.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_on_every_type),
        cmocka_unit_test(fractions_against_integers),
        cmocka_unit_test(columns_status_and_durations),
        cmocka_unit_test(precedence_and_negation),
        cmocka_unit_test(strings_and_escapes),
        cmocka_unit_test(group_by),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(wrong_types_and_values),
        cmocka_unit_test(only_a_named_division_shows_divisions),
        cmocka_unit_test(hostile_filters_are_bounded),
        cmocka_unit_test(tokens_belong_to_their_list),
        cmocka_unit_test(tokens_of_orders),
        cmocka_unit_test(orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
