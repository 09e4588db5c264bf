/*
 * A query on one row in memory: does its filter match, and where does the row stand in the order.
 * As the contract words it: three-valued, so that a condition on a missing value and its negation
 * both do not match. The model against which the SQL stores are tested, and what tells the push
 * stream whether a row that was just written belongs to a list.
 *
 * Any thread; no state.
 */
#include "store/vis_query.h"

#include <math.h>

#include "base/assert.h"
#include "store/text.h"

/* ---- values ---- */

static const struct sk_sa_value *attribute(const struct sk_vis_row *row,
                                           const struct sk_vis_field *field)
{
    for (size_t i = 0; i < row->value_count; i++)
        if (row->values[i].type == field->sa_type && row->values[i].slot == field->slot)
            return &row->values[i];
    return NULL;
}

static bool set_int(struct sk_vis_literal *ret, int64_t i)
{
    *ret = (struct sk_vis_literal){.type = SK_LIT_INT, .i = i};
    return true;
}

static bool set_str(struct sk_vis_literal *ret, struct sk_str s)
{
    *ret = (struct sk_vis_literal){.type = SK_LIT_STRING, .s = s};
    return true;
}

static bool set_attribute(const struct sk_sa_value *v, struct sk_vis_literal *ret)
{
    if (!v || (v->type == SK_SA_DOUBLE && isnan(v->d)))
        return false;
    if (v->type == SK_SA_KEYWORD)
        return set_str(ret, v->s);
    if (v->type != SK_SA_DOUBLE)
        return set_int(ret, v->i);
    *ret = (struct sk_vis_literal){.type = SK_LIT_DOUBLE, .d = v->d};
    return true;
}

static bool set_run_id(const struct sk_vis_row *row, struct sk_arena *scratch,
                       struct sk_vis_literal *ret)
{
    char *text = sk_arena_alloc(scratch, SK_UUID_TEXT);
    sk_uuid_format(row->run.run_id, text);
    return set_str(ret, sk_str_of(text));
}

bool sk_vis_value(const struct sk_vis_field *field, const struct sk_vis_row *row,
                  struct sk_arena *scratch, struct sk_vis_literal *ret)
{
    switch (field->column) {
    case SK_VIS_SEARCH_ATTRIBUTE:
        return set_attribute(attribute(row, field), ret);
    case SK_VIS_WORKFLOW_ID:
        return set_str(ret, row->run.workflow_id);
    case SK_VIS_RUN_ID:
        return set_run_id(row, scratch, ret);
    case SK_VIS_WORKFLOW_TYPE:
        return set_str(ret, row->type);
    case SK_VIS_STATUS:
        return set_int(ret, row->status);
    case SK_VIS_TASK_QUEUE:
        return set_str(ret, row->task_queue);
    case SK_VIS_PARENT_WORKFLOW_ID:
        return row->parent_workflow_id.n && set_str(ret, row->parent_workflow_id);
    case SK_VIS_PARENT_RUN_ID:
        return row->parent_run_id.n && set_str(ret, row->parent_run_id);
    case SK_VIS_ROOT_WORKFLOW_ID:
        return row->root_workflow_id.n && set_str(ret, row->root_workflow_id);
    case SK_VIS_ROOT_RUN_ID:
        return row->root_run_id.n && set_str(ret, row->root_run_id);
    case SK_VIS_START_TIME:
        return set_int(ret, row->start_ns);
    case SK_VIS_EXECUTION_TIME:
        return set_int(ret, row->execution_ns);
    case SK_VIS_CLOSE_TIME:
        return row->close_ns && set_int(ret, row->close_ns);
    case SK_VIS_HISTORY_LENGTH:
        return set_int(ret, row->history_length);
    case SK_VIS_HISTORY_SIZE:
        return set_int(ret, row->history_size);
    case SK_VIS_DURATION:
        return row->close_ns && set_int(ret, row->close_ns - row->execution_ns);
    case SK_VIS_STATE_TRANSITIONS:
        return set_int(ret, row->state_transitions);
    case SK_VIS_DIVISION:
        return row->division.n && set_str(ret, row->division);
    }
    SK_PANIC("unknown column %d", (int)field->column);
}

/* An integer against a double, exactly. */
static int compare_int_double(int64_t i, double d)
{
    if (d >= 9223372036854775808.0)
        return -1;
    if (d < -9223372036854775808.0)
        return 1;
    int64_t whole = (int64_t)d;
    if (i != whole)
        return i < whole ? -1 : 1;
    double rest = d - (double)whole;
    return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

int sk_vis_literal_compare(const struct sk_vis_literal *a, const struct sk_vis_literal *b)
{
    if (a->type == SK_LIT_STRING)
        return sk_str_cmp(a->s, b->s);
    if (a->type == SK_LIT_INT && b->type == SK_LIT_INT)
        return a->i < b->i ? -1 : a->i > b->i;
    if (a->type == SK_LIT_INT)
        return compare_int_double(a->i, b->d);
    if (b->type == SK_LIT_INT)
        return -compare_int_double(b->i, a->d);
    return a->d < b->d ? -1 : a->d > b->d;
}

/* ---- leaves ---- */

static bool one_of(const struct sk_vis_literal *value, const struct sk_vis_node *leaf)
{
    for (size_t i = 0; i < leaf->value_count; i++)
        if (sk_vis_literal_compare(value, &leaf->values[i]) == 0)
            return true;
    return false;
}

static bool scalar(const struct sk_vis_node *leaf, const struct sk_vis_literal *value)
{
    const struct sk_vis_literal *v = leaf->values;
    switch (leaf->op) {
    case SK_VIS_EQ:
        return sk_vis_literal_compare(value, v) == 0;
    case SK_VIS_NE:
        return sk_vis_literal_compare(value, v) != 0;
    case SK_VIS_LT:
        return sk_vis_literal_compare(value, v) < 0;
    case SK_VIS_LE:
        return sk_vis_literal_compare(value, v) <= 0;
    case SK_VIS_GT:
        return sk_vis_literal_compare(value, v) > 0;
    case SK_VIS_GE:
        return sk_vis_literal_compare(value, v) >= 0;
    case SK_VIS_IN:
        return one_of(value, leaf);
    case SK_VIS_NOT_IN:
        return !one_of(value, leaf);
    case SK_VIS_BETWEEN:
        return sk_vis_literal_compare(value, &v[0]) >= 0 &&
               sk_vis_literal_compare(value, &v[1]) <= 0;
    case SK_VIS_NOT_BETWEEN:
        return sk_vis_literal_compare(value, &v[0]) < 0 || sk_vis_literal_compare(value, &v[1]) > 0;
    case SK_VIS_STARTS:
        return sk_str_starts(value->s, v[0].s);
    case SK_VIS_NOT_STARTS:
        return !sk_str_starts(value->s, v[0].s);
    default:
        SK_PANIC("not a leaf: %d", (int)leaf->op);
    }
}

static bool contains(const struct sk_str *list, size_t count, struct sk_str s)
{
    for (size_t i = 0; i < count; i++)
        if (sk_str_eq(list[i], s))
            return true;
    return false;
}

static bool list_matches(const struct sk_vis_node *leaf, const struct sk_sa_value *value,
                         struct sk_arena *scratch)
{
    if (value->type == SK_SA_KEYWORD_LIST) {
        for (size_t i = 0; i < leaf->value_count; i++)
            if (contains(value->list, value->list_count, leaf->values[i].s))
                return true;
        return false;
    }
    struct sk_str *have, *want;
    size_t have_count = sk_text_tokens(scratch, value->s, &have);
    size_t want_count = sk_text_tokens(scratch, leaf->values[0].s, &want);
    for (size_t i = 0; i < want_count; i++)
        if (contains(have, have_count, want[i]))
            return true;
    return false;
}

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

static enum truth truth(bool b)
{
    return b ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth leaf_truth(const struct sk_vis_node *leaf, const struct sk_vis_row *row,
                             struct sk_arena *scratch)
{
    struct sk_vis_literal value;
    const struct sk_sa_value *list = NULL;
    bool is_list = sk_vis_field_class(&leaf->field) == SK_VIS_LIST;
    bool present;
    if (is_list) {
        list = attribute(row, &leaf->field);
        present = list && (list->type == SK_SA_TEXT || list->list_count);
    } else {
        present = sk_vis_value(&leaf->field, row, scratch, &value);
    }
    if (leaf->op == SK_VIS_NULL || leaf->op == SK_VIS_NOT_NULL)
        return truth(present == (leaf->op == SK_VIS_NOT_NULL));
    if (!present)
        return TRUTH_UNKNOWN;
    if (!is_list)
        return truth(scalar(leaf, &value));
    bool negate = leaf->op == SK_VIS_NE || leaf->op == SK_VIS_NOT_IN;
    return truth(list_matches(leaf, list, scratch) != negate);
}

/* ---- the tree ---- */

static enum truth filter_truth(const struct sk_vis_node *node, const struct sk_vis_row *row,
                               struct sk_arena *scratch)
{
    if (node->op < SK_VIS_AND)
        return leaf_truth(node, row, scratch);
    enum truth left = filter_truth(node->left, row, scratch);
    if (node->op == SK_VIS_NOT)
        return left == TRUTH_UNKNOWN ? left : truth(left == TRUTH_FALSE);
    enum truth right = filter_truth(node->right, row, scratch);
    enum truth decisive = node->op == SK_VIS_AND ? TRUTH_FALSE : TRUTH_TRUE;
    if (left == decisive || right == decisive)
        return decisive;
    return left == TRUTH_UNKNOWN || right == TRUTH_UNKNOWN ? TRUTH_UNKNOWN
                                                           : truth(decisive == TRUTH_FALSE);
}

bool sk_vis_row_matches(const struct sk_vis_query *query, const struct sk_vis_row *row,
                        struct sk_arena *scratch)
{
    return row->run.ns == query->ns && (query->all_divisions || row->division.n == 0) &&
           (!query->filter || filter_truth(query->filter, row, scratch) == TRUTH_TRUE);
}

/* ---- the order ---- */

static int newest_first(int64_t a, int64_t b)
{
    return a > b ? -1 : a < b;
}

struct sk_vis_place sk_vis_place_of(const struct sk_vis_order *order, const struct sk_vis_row *row)
{
    struct sk_vis_place place = {
        .close_ns = row->close_ns, .start_ns = row->start_ns, .run_id = row->run.run_id};
    struct sk_vis_field missing;
    struct sk_vis_literal other;
    if (order->by_field)
        place.missing =
            !sk_vis_value(&order->field, row, NULL, &place.value) ||
            (sk_vis_order_missing(order, &missing) && !sk_vis_value(&missing, row, NULL, &other));
    return place;
}

int sk_vis_place_compare(const struct sk_vis_order *order, const struct sk_vis_place *a,
                         const struct sk_vis_place *b)
{
    int c = a->missing - b->missing;
    if (c == 0 && order->by_field && !a->missing)
        c = order->descending ? sk_vis_literal_compare(&b->value, &a->value)
                              : sk_vis_literal_compare(&a->value, &b->value);
    if (c == 0)
        c = newest_first(a->close_ns ? a->close_ns : INT64_MAX,
                         b->close_ns ? b->close_ns : INT64_MAX);
    c = c ? c : newest_first(a->start_ns, b->start_ns);
    return c ? c : memcmp(&a->run_id, &b->run_id, sizeof a->run_id);
}
