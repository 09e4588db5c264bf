/*
 * Visibility: lists and counts of runs by a filter text (temporal-api.md section 5). The text is
 * parsed here into the tree of store/vis_query.h, with names resolved against the namespace and
 * types and operators checked; the store answers; rows become WorkflowExecutionInfo.
 *
 * Functions that ask the store wait and run on a fiber; parsing alone runs anywhere. All results
 * live in ctx->arena.
 */
#ifndef SK_VISIBILITY_VISIBILITY_H
#define SK_VISIBILITY_VISIBILITY_H

#include "base/ctx.h"
#include "store/namespaces.h"
#include "store/store.h"
#include "store/vis_query.h"
#include "temporal/api/workflow/v1/message.pb-c.h"
#include "temporal/api/workflowservice/v1/request_response.pb-c.h"

typedef Temporal__Api__Workflow__V1__WorkflowExecutionInfo sk_execution_info_pb;
typedef Temporal__Api__Workflowservice__V1__CountWorkflowExecutionsResponse sk_count_response_pb;

#define SK_VIS_FILTER_BYTES_MAX 65536 /* text of one filter */
#define SK_VIS_FILTER_DEPTH_MAX 32    /* nested parentheses and NOTs */
#define SK_VIS_FILTER_TERMS_MAX 1000  /* comparisons, and values of all IN lists */

enum sk_vis_purpose { SK_VIS_FOR_LIST, SK_VIS_FOR_COUNT };

/* Parse a filter ("" or NULL = all runs) into *ret: ns, filter, all_divisions, group, group_by.
 * INVALID_ARGUMENT "invalid query: ... at position N ..." (positions are bytes from 1). */
sk_err sk_vis_parse(struct sk_ctx *ctx, const struct sk_namespace *ns, const char *text,
                    enum sk_vis_purpose purpose, struct sk_vis_query *ret) SK_MUST_USE;

/* "" or NULL = the list's own order; else a column's name as in filters, then perhaps asc or desc.
 * INVALID_ARGUMENT "invalid order_by ..." for what has no order (vis_query.h). */
sk_err sk_vis_parse_order(struct sk_ctx *ctx, const struct sk_namespace *ns, const char *order_by,
                          struct sk_vis_order *ret) SK_MUST_USE;

/* Page tokens: opaque bytes to clients, checked on the way in (INVALID_ARGUMENT). A token belongs
 * to the namespace, filter and order it was made for. Empty token: from the start. */
sk_err sk_vis_token_read(struct sk_ctx *ctx, struct sk_str token, const char *filter,
                         struct sk_vis_query *query) SK_MUST_USE;
struct sk_str sk_vis_token_write(struct sk_arena *arena, const struct sk_vis_query *query,
                                 const char *filter, const struct sk_vis_row *last);

/* One page. */
struct sk_vis_list {
    sk_execution_info_pb **executions;
    size_t count;
    struct sk_str next_page_token; /* empty: the last page */
};
/* The query is made by sk_vis_parse, and perhaps narrowed since (old list methods) or put in an
 * order; filter is the text that the token is bound to. */
sk_err sk_vis_list_query(struct sk_ctx *ctx, struct sk_store *store, const struct sk_namespace *ns,
                         struct sk_vis_query *query, const char *filter, size_t page_size,
                         struct sk_str page_token, struct sk_vis_list *ret) SK_MUST_USE;

/* Fills count and groups. */
sk_err sk_vis_count_runs(struct sk_ctx *ctx, struct sk_store *store, const struct sk_namespace *ns,
                         const char *filter, sk_count_response_pb *response) SK_MUST_USE;

/* "Running", "Completed" ...: a status as filters write it. */
const char *sk_vis_status_name(int64_t status);
/* One row as the API shows it, memo and search attributes (with types) included. */
sk_execution_info_pb *sk_vis_info(struct sk_arena *arena, const struct sk_namespace *ns,
                                  const struct sk_vis_row *row);

/* Nodes for filters made by code rather than text; all in the arena. */
const struct sk_vis_node *sk_vis_and(struct sk_arena *arena, const struct sk_vis_node *left,
                                     const struct sk_vis_node *right); /* NULL side: the other */
const struct sk_vis_node *sk_vis_string(struct sk_arena *arena, enum sk_vis_column column,
                                        enum sk_vis_op op, struct sk_str value);
const struct sk_vis_node *sk_vis_number(struct sk_arena *arena, enum sk_vis_column column,
                                        enum sk_vis_op op, int64_t value);

#endif
