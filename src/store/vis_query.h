/*
 * What visibility asks of a store: a filter as a tree, an order, a page. Built by src/visibility
 * from the filter text; a store turns it into its own query (SQL stores: bound parameters only).
 *
 * The list's own order is: open runs first, then by close time, then by start time, newest first,
 * then by run id. An order by a field comes before it: equal values, and the runs without one,
 * which stand last either way, are in the list's own order.
 */
#ifndef SK_STORE_VIS_QUERY_H
#define SK_STORE_VIS_QUERY_H

#include "store/store.h"

enum sk_vis_column {
    SK_VIS_SEARCH_ATTRIBUTE, /* field.sa_type, field.slot */
    SK_VIS_WORKFLOW_ID,
    SK_VIS_RUN_ID,
    SK_VIS_WORKFLOW_TYPE,
    SK_VIS_STATUS,
    SK_VIS_TASK_QUEUE,
    SK_VIS_PARENT_WORKFLOW_ID,
    SK_VIS_PARENT_RUN_ID,
    SK_VIS_ROOT_WORKFLOW_ID,
    SK_VIS_ROOT_RUN_ID,
    SK_VIS_START_TIME,
    SK_VIS_EXECUTION_TIME,
    SK_VIS_CLOSE_TIME, /* ns */
    SK_VIS_HISTORY_LENGTH,
    SK_VIS_HISTORY_SIZE,
    SK_VIS_DURATION /* ns, NULL while open */,
    SK_VIS_STATE_TRANSITIONS,
    SK_VIS_DIVISION,
};
enum sk_vis_op { /* leaves */
                 SK_VIS_EQ,
                 SK_VIS_NE,
                 SK_VIS_LT,
                 SK_VIS_LE,
                 SK_VIS_GT,
                 SK_VIS_GE,
                 SK_VIS_IN,
                 SK_VIS_NOT_IN,
                 SK_VIS_BETWEEN,
                 SK_VIS_NOT_BETWEEN,
                 SK_VIS_STARTS,
                 SK_VIS_NOT_STARTS,
                 SK_VIS_NULL,
                 SK_VIS_NOT_NULL,
                 /* inner nodes */
                 SK_VIS_AND,
                 SK_VIS_OR,
                 SK_VIS_NOT,
};
struct sk_vis_literal {
    enum { SK_LIT_STRING, SK_LIT_INT, SK_LIT_DOUBLE } type; /* bool and time are INT */
    struct sk_str s;
    int64_t i;
    double d;
};
struct sk_vis_field {
    enum sk_vis_column column;
    enum sk_sa_type sa_type;
    int slot;
    const char *name; /* as the user wrote it, for messages; may be NULL */
};
struct sk_vis_node {
    enum sk_vis_op op;
    struct sk_vis_field field;
    const struct sk_vis_literal *values;
    size_t value_count;
    const struct sk_vis_node *left, *right; /* inner nodes; NOT has left only */
};
/* Semantics of NE, NOT_IN, NOT_BETWEEN, NOT_STARTS on a missing value: true for NE, NOT_IN and
 * NOT_STARTS as Temporal's SQL stores do not match NULL, so: false. KEYWORD_LIST: EQ/IN = member,
 * NE/NOT_IN = not member. TEXT: EQ = any token of the literal is a token of the value, case-blind.
 */
/* A field's order: strings by their bytes, ExecutionStatus by the enum's numbers. What is final
 * only when a run closes (ExecutionDuration, HistoryLength, HistorySizeBytes, StateTransitionCount)
 * is missing while it is open. Text and lists have no order, and a RunId none of its own. */
struct sk_vis_order {
    bool by_field; /* false: the list's own order alone */
    bool descending;
    struct sk_vis_field field;
};
/* Where a row stands in an order. */
struct sk_vis_place {
    bool missing; /* the order's field has no value */
    struct sk_vis_literal value;
    int64_t close_ns, start_ns; /* close 0 = open */
    struct sk_uuid run_id;
};
struct sk_vis_query {
    sk_ns_id ns;
    const struct sk_vis_node *filter; /* NULL = all */
    bool all_divisions;               /* false: only rows with an empty division */
    struct sk_vis_order order;        /* lists only */
    size_t page_size;
    bool has_cursor; /* continue strictly after this place */
    struct sk_vis_place after;
    bool group; /* count only */
    struct sk_vis_field group_by;
    int64_t budget_ms; /* give up with DEADLINE_EXCEEDED after this long; 0 = 10 s */
};
struct sk_vis_page {
    struct sk_vis_row *rows; /* of values only the one that the order is by */
    size_t count;
    bool more;
};
struct sk_vis_count {
    bool null;
    struct sk_vis_literal value;
    int64_t count;
};
struct sk_vis_counts {
    int64_t total;
    struct sk_vis_count *groups; /* ordered by value, a missing value first */
    size_t group_count;
};

/* ---- a query on one row (vis_match.c) ---- */
/* The row's values must be filled. scratch takes what is made on the way. */
bool sk_vis_row_matches(const struct sk_vis_query *query, const struct sk_vis_row *row,
                        struct sk_arena *scratch);
/* A row's place in the order; strings are borrowed from the row. */
struct sk_vis_place sk_vis_place_of(const struct sk_vis_order *order, const struct sk_vis_row *row);
/* < 0: a comes first. */
int sk_vis_place_compare(const struct sk_vis_order *order, const struct sk_vis_place *a,
                         const struct sk_vis_place *b);
/* A scalar column's value; false: missing. scratch is needed for RunId only. */
bool sk_vis_value(const struct sk_vis_field *field, const struct sk_vis_row *row,
                  struct sk_arena *scratch, struct sk_vis_literal *ret);
int sk_vis_literal_compare(const struct sk_vis_literal *a, const struct sk_vis_literal *b);

/* ---- shared by the stores ---- */
#define SK_VIS_NESTING_MAX 20 /* groups in groups; a chain of one operator is one group */
#define SK_VIS_DEPTH_MAX 200  /* right turns in the filter's tree; left-deep chains are free */
#define SK_VIS_LEAVES_MAX 500
#define SK_VIS_VALUES_MAX 8000 /* literals in one filter */
#define SK_VIS_BUDGET_MS 10000 /* when budget_ms is 0 */
enum sk_vis_class { SK_VIS_STRING, SK_VIS_NUMBER, SK_VIS_LIST /* keyword list or text */ };
enum sk_vis_class sk_vis_field_class(const struct sk_vis_field *field);
/* field->name, or the column's own name ("WorkflowId", "Keyword03"). */
const char *sk_vis_field_name(const struct sk_vis_field *field, char buffer[static 32]);
/* The field that is missing where the order's value is; false: each run has one. */
bool sk_vis_order_missing(const struct sk_vis_order *order, struct sk_vis_field *ret);
/* INVALID_ARGUMENT when the query breaks the rules above (counts of values, types, bounds): a
 * store that goes on may rely on them. */
sk_err sk_vis_query_check(struct sk_ctx *ctx, const struct sk_vis_query *query) SK_MUST_USE;

#endif
