/*
 * What the stores share about visibility queries: what a field holds, its name for people, and
 * the check that a filter keeps the rules of vis_query.h. The text of a filter was judged by
 * src/visibility; this check is the second, so that a store never meets a tree it cannot bound.
 * Pure; any thread.
 */
#include "store/vis_query.h"

#include <stdio.h>

static const struct {
    const char *name;
    enum sk_vis_class class;
} columns[] = {
    [SK_VIS_WORKFLOW_ID] = {"WorkflowId", SK_VIS_STRING},
    [SK_VIS_RUN_ID] = {"RunId", SK_VIS_STRING},
    [SK_VIS_WORKFLOW_TYPE] = {"WorkflowType", SK_VIS_STRING},
    [SK_VIS_STATUS] = {"ExecutionStatus", SK_VIS_NUMBER},
    [SK_VIS_TASK_QUEUE] = {"TaskQueue", SK_VIS_STRING},
    [SK_VIS_PARENT_WORKFLOW_ID] = {"ParentWorkflowId", SK_VIS_STRING},
    [SK_VIS_PARENT_RUN_ID] = {"ParentRunId", SK_VIS_STRING},
    [SK_VIS_ROOT_WORKFLOW_ID] = {"RootWorkflowId", SK_VIS_STRING},
    [SK_VIS_ROOT_RUN_ID] = {"RootRunId", SK_VIS_STRING},
    [SK_VIS_START_TIME] = {"StartTime", SK_VIS_NUMBER},
    [SK_VIS_EXECUTION_TIME] = {"ExecutionTime", SK_VIS_NUMBER},
    [SK_VIS_CLOSE_TIME] = {"CloseTime", SK_VIS_NUMBER},
    [SK_VIS_HISTORY_LENGTH] = {"HistoryLength", SK_VIS_NUMBER},
    [SK_VIS_HISTORY_SIZE] = {"HistorySizeBytes", SK_VIS_NUMBER},
    [SK_VIS_DURATION] = {"ExecutionDuration", SK_VIS_NUMBER},
    [SK_VIS_STATE_TRANSITIONS] = {"StateTransitionCount", SK_VIS_NUMBER},
    [SK_VIS_DIVISION] = {"TemporalNamespaceDivision", SK_VIS_STRING},
};

static const struct {
    const char *name;
    enum sk_vis_class class;
    int slots;
} types[] = {
    [SK_SA_TEXT] = {"Text", SK_VIS_LIST, SK_SA_SLOTS_TEXT},
    [SK_SA_KEYWORD] = {"Keyword", SK_VIS_STRING, SK_SA_SLOTS_KEYWORD},
    [SK_SA_INT] = {"Int", SK_VIS_NUMBER, SK_SA_SLOTS_INT},
    [SK_SA_DOUBLE] = {"Double", SK_VIS_NUMBER, SK_SA_SLOTS_DOUBLE},
    [SK_SA_BOOL] = {"Bool", SK_VIS_NUMBER, SK_SA_SLOTS_BOOL},
    [SK_SA_DATETIME] = {"Datetime", SK_VIS_NUMBER, SK_SA_SLOTS_DATETIME},
    [SK_SA_KEYWORD_LIST] = {"KeywordList", SK_VIS_LIST, SK_SA_SLOTS_KEYWORD_LIST},
};

enum sk_vis_class sk_vis_field_class(const struct sk_vis_field *field)
{
    return field->column == SK_VIS_SEARCH_ATTRIBUTE ? types[field->sa_type].class
                                                    : columns[field->column].class;
}

const char *sk_vis_field_name(const struct sk_vis_field *field, char buffer[static 32])
{
    if (field->name)
        return field->name;
    if (field->column != SK_VIS_SEARCH_ATTRIBUTE)
        return columns[field->column].name;
    snprintf(buffer, 32, "%s%02d", types[field->sa_type].name, field->slot);
    return buffer;
}

struct check {
    struct sk_ctx *ctx;
    size_t leaves, values;
};

static sk_err check_field(struct sk_ctx *ctx, const struct sk_vis_field *f)
{
    if (f->column != SK_VIS_SEARCH_ATTRIBUTE)
        return f->column <= SK_VIS_DIVISION
                   ? SK_OK
                   : sk_fail(ctx, SK_INVALID_ARGUMENT, "unknown column %d", (int)f->column);
    if (f->sa_type < SK_SA_TEXT || f->sa_type > SK_SA_KEYWORD_LIST || f->slot < 1 ||
        f->slot > types[f->sa_type].slots)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "no search attribute of type %d in slot %d",
                       (int)f->sa_type, f->slot);
    return SK_OK;
}

/* How many values the operator takes; SIZE_MAX: one or more. */
static size_t value_count(enum sk_vis_op op)
{
    switch (op) {
    case SK_VIS_NULL:
    case SK_VIS_NOT_NULL:
        return 0;
    case SK_VIS_BETWEEN:
    case SK_VIS_NOT_BETWEEN:
        return 2;
    case SK_VIS_IN:
    case SK_VIS_NOT_IN:
        return SIZE_MAX;
    default:
        return 1;
    }
}

static bool op_fits(enum sk_vis_op op, const struct sk_vis_field *f)
{
    enum sk_vis_class class = sk_vis_field_class(f);
    bool text = f->column == SK_VIS_SEARCH_ATTRIBUTE && f->sa_type == SK_SA_TEXT;
    switch (op) {
    case SK_VIS_EQ:
    case SK_VIS_NE:
    case SK_VIS_NULL:
    case SK_VIS_NOT_NULL:
        return true;
    case SK_VIS_IN:
    case SK_VIS_NOT_IN:
        return !text;
    case SK_VIS_STARTS:
    case SK_VIS_NOT_STARTS:
        return class == SK_VIS_STRING;
    default:
        return class != SK_VIS_LIST;
    }
}

static sk_err check_leaf(struct check *c, const struct sk_vis_node *node)
{
    char buffer[32];
    sk_err err = check_field(c->ctx, &node->field);
    if (err != SK_OK)
        return err;
    const char *name = sk_vis_field_name(&node->field, buffer);
    size_t want = value_count(node->op);
    if (!op_fits(node->op, &node->field))
        return sk_fail(c->ctx, SK_INVALID_ARGUMENT, "%s does not have this operator", name);
    if (want == SIZE_MAX ? node->value_count == 0 : node->value_count != want)
        return sk_fail(c->ctx, SK_INVALID_ARGUMENT, "%s is compared with %zu values", name,
                       node->value_count);
    bool string = sk_vis_field_class(&node->field) != SK_VIS_NUMBER;
    for (size_t i = 0; i < node->value_count; i++)
        if ((node->values[i].type == SK_LIT_STRING) != string)
            return sk_fail(c->ctx, SK_INVALID_ARGUMENT, "%s is compared with a %s", name,
                           string ? "number" : "string");
    c->leaves++;
    c->values += node->value_count;
    if (c->leaves > SK_VIS_LEAVES_MAX || c->values > SK_VIS_VALUES_MAX)
        return sk_fail(c->ctx, SK_INVALID_ARGUMENT,
                       "the filter has more than %d conditions or %d values", SK_VIS_LEAVES_MAX,
                       SK_VIS_VALUES_MAX);
    return SK_OK;
}

static bool opens_group(const struct sk_vis_node *parent, const struct sk_vis_node *child)
{
    return child->op >= SK_VIS_AND && (child->op != parent->op || child->op == SK_VIS_NOT);
}

/* Down the left spine in a loop, since parsers build chains that way; recursion to the right. */
static sk_err check_node(struct check *c, const struct sk_vis_node *node, int depth, int nesting)
{
    while (node->op >= SK_VIS_AND) {
        if (depth > SK_VIS_DEPTH_MAX || nesting > SK_VIS_NESTING_MAX)
            return sk_fail(c->ctx, SK_INVALID_ARGUMENT,
                           "the filter has more than %d groups in groups", SK_VIS_NESTING_MAX);
        if (node->op != SK_VIS_NOT) {
            sk_err err =
                check_node(c, node->right, depth + 1, nesting + opens_group(node, node->right));
            if (err != SK_OK)
                return err;
        }
        nesting += opens_group(node, node->left);
        node = node->left;
    }
    return check_leaf(c, node);
}

/* ---- the order ---- */

bool sk_vis_order_missing(const struct sk_vis_order *order, struct sk_vis_field *ret)
{
    *ret = order->field;
    switch (order->field.column) {
    case SK_VIS_CLOSE_TIME:
    case SK_VIS_DURATION:
    case SK_VIS_HISTORY_LENGTH:
    case SK_VIS_HISTORY_SIZE:
    case SK_VIS_STATE_TRANSITIONS:
        *ret = (struct sk_vis_field){.column = SK_VIS_CLOSE_TIME};
        return true;
    case SK_VIS_SEARCH_ATTRIBUTE:
    case SK_VIS_PARENT_WORKFLOW_ID:
    case SK_VIS_PARENT_RUN_ID:
    case SK_VIS_ROOT_WORKFLOW_ID:
    case SK_VIS_ROOT_RUN_ID:
    case SK_VIS_DIVISION:
        return true;
    default:
        return false;
    }
}

static sk_err check_order(struct sk_ctx *ctx, const struct sk_vis_query *query)
{
    char buffer[32];
    const struct sk_vis_field *field = &query->order.field;
    sk_err err = check_field(ctx, field);
    if (err != SK_OK)
        return err;
    enum sk_vis_class class = sk_vis_field_class(field);
    if (class == SK_VIS_LIST || field->column == SK_VIS_RUN_ID)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "a list has no order by %s",
                       sk_vis_field_name(field, buffer));
    bool string = query->after.value.type == SK_LIT_STRING;
    if (query->has_cursor && !query->after.missing && string != (class == SK_VIS_STRING))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "a list by %s goes on after a %s",
                       sk_vis_field_name(field, buffer), string ? "string" : "number");
    return SK_OK;
}

sk_err sk_vis_query_check(struct sk_ctx *ctx, const struct sk_vis_query *query)
{
    struct check c = {.ctx = ctx};
    sk_err err = query->filter ? check_node(&c, query->filter, 1, 1) : SK_OK;
    if (err == SK_OK && query->order.by_field)
        err = check_order(ctx, query);
    if (err != SK_OK || !query->group)
        return err;
    err = check_field(ctx, &query->group_by);
    if (err == SK_OK && sk_vis_field_class(&query->group_by) == SK_VIS_LIST)
        err = sk_fail(ctx, SK_INVALID_ARGUMENT, "a count cannot be grouped by lists or text");
    return err;
}
