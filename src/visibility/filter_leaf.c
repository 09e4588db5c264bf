/*
 * One comparison to a typed leaf.
 *
 * A name is looked for as a custom attribute of the namespace, as a system column, as a predefined
 * attribute, then with the prefix "Temporal" added, then with it removed; ScheduleId means
 * WorkflowId unless the namespace has an attribute of that name.
 *
 * Stores see one kind of literal a type: strings for keywords and text, integers for Int, Bool,
 * Datetime (nanoseconds), ExecutionStatus (the enum's number) and ExecutionDuration (nanoseconds),
 * doubles for Double. A fraction compared with an integer column is rounded to the integers that
 * satisfy it, so that no store needs to mix the two.
 *
 * NOT is pushed down to the leaves here and in filter.c: with SQL's rule that nothing compares with
 * a missing value, the negation of a leaf is the leaf with the opposite operator.
 *
 * Thread: any. Memory: the arena. Failure: INVALID_ARGUMENT with the position.
 */
#include <math.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/duration.h"
#include "base/timestamp.h"
#include "visibility/filter_internal.h"
#include "visibility/search_attributes.h"

/* ---- names ---- */

static const struct {
    const char *name;
    enum sk_vis_column column;
    enum sk_sa_type type;
} columns[] = {
    {"WorkflowId", SK_VIS_WORKFLOW_ID, SK_SA_KEYWORD},
    {"RunId", SK_VIS_RUN_ID, SK_SA_KEYWORD},
    {"WorkflowType", SK_VIS_WORKFLOW_TYPE, SK_SA_KEYWORD},
    {"ExecutionStatus", SK_VIS_STATUS, SK_SA_KEYWORD},
    {"TaskQueue", SK_VIS_TASK_QUEUE, SK_SA_KEYWORD},
    {"ParentWorkflowId", SK_VIS_PARENT_WORKFLOW_ID, SK_SA_KEYWORD},
    {"ParentRunId", SK_VIS_PARENT_RUN_ID, SK_SA_KEYWORD},
    {"RootWorkflowId", SK_VIS_ROOT_WORKFLOW_ID, SK_SA_KEYWORD},
    {"RootRunId", SK_VIS_ROOT_RUN_ID, SK_SA_KEYWORD},
    {"StartTime", SK_VIS_START_TIME, SK_SA_DATETIME},
    {"ExecutionTime", SK_VIS_EXECUTION_TIME, SK_SA_DATETIME},
    {"CloseTime", SK_VIS_CLOSE_TIME, SK_SA_DATETIME},
    {"HistoryLength", SK_VIS_HISTORY_LENGTH, SK_SA_INT},
    {"HistorySizeBytes", SK_VIS_HISTORY_SIZE, SK_SA_INT},
    {"ExecutionDuration", SK_VIS_DURATION, SK_SA_INT},
    {"StateTransitionCount", SK_VIS_STATE_TRANSITIONS, SK_SA_INT},
    {"TemporalNamespaceDivision", SK_VIS_DIVISION, SK_SA_KEYWORD},
};

static bool find_column(struct sk_str name, struct sk_vis_field *ret)
{
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (sk_str_eq(name, sk_str_of(columns[i].name))) {
            *ret = (struct sk_vis_field){columns[i].column, columns[i].type, 0};
            return true;
        }
    return false;
}

/* A custom attribute, a column or a predefined attribute of exactly that name. */
static bool find_exact(const struct sk_namespace *ns, struct sk_str name, struct sk_vis_field *ret)
{
    if (find_column(name, ret))
        return true;
    const struct sk_search_attribute *attribute = sk_namespace_attribute(ns, name);
    if (!attribute)
        return false;
    *ret = (struct sk_vis_field){SK_VIS_SEARCH_ATTRIBUTE, attribute->type, attribute->slot};
    return true;
}

bool sk_filter_find(const struct sk_namespace *ns, struct sk_str s, struct sk_arena *arena,
                    struct sk_vis_field *ret)
{
    struct sk_str prefix = SK_STR("Temporal");
    if (find_exact(ns, s, ret))
        return true;
    if (sk_str_eq(s, SK_STR("ScheduleId")) && find_column(SK_STR("WorkflowId"), ret))
        return true;
    char *longer = sk_arena_alloc(arena, prefix.n + s.n);
    memcpy(longer, prefix.p, prefix.n);
    memcpy(longer + prefix.n, s.p, s.n);
    if (find_exact(ns, (struct sk_str){longer, prefix.n + s.n}, ret))
        return true;
    return sk_str_starts(s, prefix) &&
           find_exact(ns, (struct sk_str){s.p + prefix.n, s.n - prefix.n}, ret);
}

sk_err sk_filter_resolve(struct sk_ctx *ctx, const struct sk_namespace *ns,
                         const struct sk_filter_token *name, struct sk_filter_column *ret)
{
    ret->token = *name;
    if (sk_filter_find(ns, name->text, ctx->arena, &ret->field))
        return SK_OK;
    return sk_filter_fail(ctx, name, "invalid search attribute: " SK_STR_FMT,
                          SK_STR_ARG(name->text));
}

/* ---- operators ---- */

#define BIT(op) (1U << SK_VIS_##op)
#define OPS_EQUAL (BIT(EQ) | BIT(NE))
#define OPS_IN (BIT(IN) | BIT(NOT_IN))
#define OPS_ORDER (BIT(LT) | BIT(LE) | BIT(GT) | BIT(GE))
#define OPS_BETWEEN (BIT(BETWEEN) | BIT(NOT_BETWEEN))
#define OPS_STARTS (BIT(STARTS) | BIT(NOT_STARTS))
#define OPS_NULL (BIT(NULL) | BIT(NOT_NULL))

static unsigned allowed_ops(const struct sk_vis_field *field)
{
    if (field->column == SK_VIS_STATUS) // a number to the store: its order means nothing
        return OPS_EQUAL | OPS_IN | OPS_NULL;
    switch (field->sa_type) {
    case SK_SA_KEYWORD:
        return OPS_EQUAL | OPS_IN | OPS_ORDER | OPS_BETWEEN | OPS_STARTS | OPS_NULL;
    case SK_SA_KEYWORD_LIST:
        return OPS_EQUAL | OPS_IN | OPS_NULL;
    case SK_SA_TEXT:
        return OPS_EQUAL | OPS_NULL;
    case SK_SA_INT:
    case SK_SA_DOUBLE:
    case SK_SA_DATETIME:
        return OPS_EQUAL | OPS_IN | OPS_ORDER | OPS_BETWEEN | OPS_NULL;
    case SK_SA_BOOL:
        return OPS_EQUAL | OPS_IN | OPS_ORDER | OPS_NULL;
    }
    return 0;
}

static const char *const op_names[] = {
    [SK_VIS_EQ] = "=",
    [SK_VIS_NE] = "!=",
    [SK_VIS_LT] = "<",
    [SK_VIS_LE] = "<=",
    [SK_VIS_GT] = ">",
    [SK_VIS_GE] = ">=",
    [SK_VIS_IN] = "IN",
    [SK_VIS_NOT_IN] = "NOT IN",
    [SK_VIS_BETWEEN] = "BETWEEN",
    [SK_VIS_NOT_BETWEEN] = "NOT BETWEEN",
    [SK_VIS_STARTS] = "STARTS_WITH",
    [SK_VIS_NOT_STARTS] = "NOT STARTS_WITH",
    [SK_VIS_NULL] = "IS NULL",
    [SK_VIS_NOT_NULL] = "IS NOT NULL",
};

static sk_err check_op(struct sk_ctx *ctx, const struct sk_filter_column *column, enum sk_vis_op op,
                       const struct sk_filter_token *op_token)
{
    char list[160];
    size_t used = 0;
    unsigned allowed = allowed_ops(&column->field);
    if (allowed & 1U << op)
        return SK_OK;
    for (int i = 0; i <= SK_VIS_NOT_NULL; i++)
        if (allowed & 1U << i)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     op_names[i]);
    return sk_filter_fail(ctx, op_token,
                          "operator %s is not supported for search attribute " SK_STR_FMT
                          " of type %s, expected one of %s",
                          op_names[op], SK_STR_ARG(column->token.text),
                          sk_sa_type_name(column->field.sa_type), list);
}

void sk_filter_negate(struct sk_vis_node *leaf)
{
    static const enum sk_vis_op opposite[] = {
        [SK_VIS_EQ] = SK_VIS_NE,
        [SK_VIS_NE] = SK_VIS_EQ,
        [SK_VIS_LT] = SK_VIS_GE,
        [SK_VIS_LE] = SK_VIS_GT,
        [SK_VIS_GT] = SK_VIS_LE,
        [SK_VIS_GE] = SK_VIS_LT,
        [SK_VIS_IN] = SK_VIS_NOT_IN,
        [SK_VIS_NOT_IN] = SK_VIS_IN,
        [SK_VIS_BETWEEN] = SK_VIS_NOT_BETWEEN,
        [SK_VIS_NOT_BETWEEN] = SK_VIS_BETWEEN,
        [SK_VIS_STARTS] = SK_VIS_NOT_STARTS,
        [SK_VIS_NOT_STARTS] = SK_VIS_STARTS,
        [SK_VIS_NULL] = SK_VIS_NOT_NULL,
        [SK_VIS_NOT_NULL] = SK_VIS_NULL,
    };
    SK_ASSERT(leaf->op <= SK_VIS_NOT_NULL);
    leaf->op = opposite[leaf->op];
}

/* ---- literals ---- */

static sk_err wrong_type(struct sk_ctx *ctx, const struct sk_filter_column *column,
                         const struct sk_filter_token *token, const char *expected)
{
    return sk_filter_fail(ctx, token,
                          "invalid value type for search attribute " SK_STR_FMT
                          " of type %s, expected %s",
                          SK_STR_ARG(column->token.text), sk_sa_type_name(column->field.sa_type),
                          expected);
}

/* TRUE and FALSE are names to the lexer. */
static bool bool_literal(const struct sk_filter_token *token, int64_t *ret)
{
    if (token->kind != SK_TOKEN_NAME || token->quoted)
        return false;
    *ret = sk_str_ieq(token->text, SK_STR("true"));
    return *ret || sk_str_ieq(token->text, SK_STR("false"));
}

static sk_err status_literal(struct sk_ctx *ctx, const struct sk_filter_token *token,
                             struct sk_vis_literal *ret)
{
    static const char *const names[][2] = {
        {"Unspecified", "UNSPECIFIED"},
        {"Running", "RUNNING"},
        {"Completed", "COMPLETED"},
        {"Failed", "FAILED"},
        {"Canceled", "CANCELED"},
        {"Terminated", "TERMINATED"},
        {"ContinuedAsNew", "CONTINUED_AS_NEW"},
        {"TimedOut", "TIMED_OUT"},
        {"Paused", "PAUSED"},
    };
    int64_t count = sizeof names / sizeof *names;
    struct sk_str s = token->text, prefix = SK_STR("WORKFLOW_EXECUTION_STATUS_");
    ret->type = SK_LIT_INT;
    if (token->kind == SK_TOKEN_INT && token->i >= 0 && token->i < count) {
        ret->i = token->i;
        return SK_OK;
    }
    bool long_form = token->kind == SK_TOKEN_STRING && sk_str_starts(s, prefix);
    if (long_form)
        s = (struct sk_str){s.p + prefix.n, s.n - prefix.n};
    for (int64_t i = 0; token->kind == SK_TOKEN_STRING && i < count; i++)
        if (sk_str_eq(s, sk_str_of(names[i][long_form]))) {
            ret->i = i;
            return SK_OK;
        }
    return sk_filter_fail(ctx, token,
                          "invalid ExecutionStatus value, expected one of 'Running', 'Completed', "
                          "'Failed', 'Canceled', 'Terminated', 'ContinuedAsNew', 'TimedOut', "
                          "'Paused'");
}

/* hh:mm:ss, hours without bound, minutes and seconds below 60 */
static bool clock_duration(struct sk_str s, int64_t *ret_ns)
{
    int64_t part[3] = {0, 0, 0};
    int n = 0, digits = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ':') {
            if (!digits || ++n > 2)
                return false;
            digits = 0;
        } else if (s.p[i] >= '0' && s.p[i] <= '9' && ++digits <= (n ? 2 : 6)) {
            part[n] = part[n] * 10 + (s.p[i] - '0');
        } else {
            return false;
        }
    }
    if (n != 2 || !digits || part[1] > 59 || part[2] > 59)
        return false;
    *ret_ns = (part[0] * 3600 + part[1] * 60 + part[2]) * 1000000000;
    return true;
}

static bool integer_text(struct sk_str s, int64_t *ret)
{
    bool negative = s.n && *s.p == '-';
    size_t i = negative;
    int64_t value = 0;
    for (; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, s.p[i] - '0', &value))
            return false;
    *ret = negative ? -value : value;
    return s.n > (size_t)negative;
}

static sk_err duration_literal(struct sk_ctx *ctx, const struct sk_filter_column *column,
                               const struct sk_filter_token *token, struct sk_vis_literal *ret)
{
    ret->type = SK_LIT_INT;
    if (token->kind == SK_TOKEN_INT) {
        ret->i = token->i;
        return SK_OK;
    }
    if (token->kind == SK_TOKEN_STRING &&
        (integer_text(token->text, &ret->i) || sk_duration_parse(token->text, true, &ret->i) ||
         clock_duration(token->text, &ret->i)))
        return SK_OK;
    return wrong_type(ctx, column, token,
                      "nanoseconds, a duration such as '1h30m' or '2d', or 'hh:mm:ss'");
}

static sk_err datetime_literal(struct sk_ctx *ctx, const struct sk_filter_column *column,
                               const struct sk_filter_token *token, struct sk_vis_literal *ret)
{
    ret->type = SK_LIT_INT;
    if (token->kind == SK_TOKEN_INT) {
        ret->i = token->i;
        return SK_OK;
    }
    if (token->kind != SK_TOKEN_STRING)
        return wrong_type(ctx, column, token,
                          "a time such as '2006-01-02T15:04:05Z' or nanoseconds since 1970");
    if (sk_timestamp_parse(token->text, &ret->i))
        return SK_OK;
    return sk_filter_fail(ctx, token,
                          "unable to parse datetime, expected RFC 3339 such as "
                          "'2006-01-02T15:04:05.999Z'");
}

static sk_err number_literal(struct sk_ctx *ctx, const struct sk_filter_column *column,
                             const struct sk_filter_token *token, struct sk_vis_literal *ret)
{
    if (token->kind != SK_TOKEN_INT && token->kind != SK_TOKEN_FLOAT)
        return wrong_type(ctx, column, token, "a number");
    bool integer = token->kind == SK_TOKEN_INT;
    if (column->field.sa_type == SK_SA_INT && integer) {
        ret->type = SK_LIT_INT;
        ret->i = token->i;
        return SK_OK;
    }
    ret->type = SK_LIT_DOUBLE;
    ret->d = integer ? (double)token->i : token->d;
    return SK_OK;
}

static sk_err literal(struct sk_ctx *ctx, const struct sk_filter_column *column,
                      const struct sk_filter_token *token, struct sk_vis_literal *ret)
{
    if (token->kind == SK_TOKEN_NAME && !token->quoted && sk_str_ieq(token->text, SK_STR("null")))
        return sk_filter_fail(ctx, token, "NULL is not a value, expected IS NULL or IS NOT NULL");
    if (token->kind == SK_TOKEN_NAME && !(column->field.sa_type == SK_SA_BOOL) &&
        !bool_literal(token, &ret->i))
        return sk_filter_fail(ctx, token,
                              "operation is not supported: column name on the right side of "
                              "comparison expression (did you forget to quote \"" SK_STR_FMT "\"?)",
                              SK_STR_ARG(token->text));
    if (column->field.column == SK_VIS_STATUS)
        return status_literal(ctx, token, ret);
    if (column->field.column == SK_VIS_DURATION)
        return duration_literal(ctx, column, token, ret);
    switch (column->field.sa_type) {
    case SK_SA_INT:
    case SK_SA_DOUBLE:
        return number_literal(ctx, column, token, ret);
    case SK_SA_DATETIME:
        return datetime_literal(ctx, column, token, ret);
    case SK_SA_BOOL:
        ret->type = SK_LIT_INT;
        return bool_literal(token, &ret->i) ? SK_OK
                                            : wrong_type(ctx, column, token, "true or false");
    case SK_SA_KEYWORD:
    case SK_SA_KEYWORD_LIST:
    case SK_SA_TEXT:
        break;
    }
    if (token->kind != SK_TOKEN_STRING)
        return wrong_type(ctx, column, token, "a quoted string");
    ret->type = SK_LIT_STRING;
    ret->s = token->text;
    return SK_OK;
}

/* ---- fractions against integer columns ---- */

static int64_t saturate(double d)
{
    if (isnan(d))
        return 0;
    if (d >= 9223372036854775807.0)
        return INT64_MAX;
    return d <= -9223372036854775808.0 ? INT64_MIN : (int64_t)d;
}

static void set_int(struct sk_vis_literal *value, double d)
{
    *value = (struct sk_vis_literal){.type = SK_LIT_INT, .i = saturate(d)};
}

/* A leaf that holds for no value, yet negates to one that holds for every value: 1 <= x <= 0. */
static void never(struct sk_ctx *ctx, struct sk_vis_node *leaf, bool negated)
{
    struct sk_vis_literal *values = SK_NEW_N(ctx->arena, struct sk_vis_literal, 2);
    set_int(&values[0], 1.0);
    set_int(&values[1], 0.0);
    leaf->op = negated ? SK_VIS_NOT_BETWEEN : SK_VIS_BETWEEN;
    leaf->values = values;
    leaf->value_count = 2;
}

static size_t keep_integers(struct sk_vis_literal *values, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i].type == SK_LIT_DOUBLE && values[i].d != floor(values[i].d))
            continue;
        if (values[i].type == SK_LIT_DOUBLE)
            set_int(&values[i], values[i].d);
        values[kept++] = values[i];
    }
    return kept;
}

/* values: the leaf's own, writable. */
static void round_fractions(struct sk_ctx *ctx, struct sk_vis_node *leaf,
                            struct sk_vis_literal *values)
{
    bool fraction = false, negated = leaf->op == SK_VIS_NE || leaf->op == SK_VIS_NOT_IN;
    for (size_t i = 0; i < leaf->value_count; i++)
        fraction = fraction || values[i].type == SK_LIT_DOUBLE;
    if (!fraction)
        return;
    if (leaf->op == SK_VIS_BETWEEN || leaf->op == SK_VIS_NOT_BETWEEN) {
        if (values[0].type == SK_LIT_DOUBLE)
            set_int(&values[0], ceil(values[0].d));
        if (values[1].type == SK_LIT_DOUBLE)
            set_int(&values[1], floor(values[1].d));
        return;
    }
    if (leaf->op == SK_VIS_LE || leaf->op == SK_VIS_GT) {
        set_int(&values[0], floor(values[0].d)); // x > 1.5 is x > 1
        return;
    }
    if (leaf->op == SK_VIS_LT || leaf->op == SK_VIS_GE) {
        set_int(&values[0], ceil(values[0].d)); // x < 1.5 is x < 2
        return;
    }
    leaf->value_count = keep_integers(values, leaf->value_count);
    if (leaf->value_count == 0)
        never(ctx, leaf, negated);
}

sk_err sk_filter_leaf(struct sk_ctx *ctx, const struct sk_filter_column *column, enum sk_vis_op op,
                      const struct sk_filter_token *op_token,
                      const struct sk_filter_token *literals, size_t literal_count,
                      struct sk_vis_node **ret)
{
    sk_err err = check_op(ctx, column, op, op_token);
    if (err != SK_OK)
        return err;
    struct sk_vis_literal *values = SK_NEW_N(ctx->arena, struct sk_vis_literal, literal_count + 1);
    for (size_t i = 0; i < literal_count; i++) {
        err = literal(ctx, column, &literals[i], &values[i]);
        if (err != SK_OK)
            return err;
    }
    struct sk_vis_node *leaf = SK_NEW(ctx->arena, struct sk_vis_node);
    leaf->op = op;
    leaf->field = column->field;
    leaf->values = values;
    leaf->value_count = literal_count;
    if (column->field.sa_type == SK_SA_INT)
        round_fractions(ctx, leaf, values);
    *ret = leaf;
    return SK_OK;
}
