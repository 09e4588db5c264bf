/*
 * Lists and counts of runs: List, Scan and Count by a filter text, Skald's own list in any order,
 * the old ListOpen and ListClosed by fixed filters, ListArchived (archival is not configured: an
 * error that says so).
 *
 * Thread: the request's fiber on any loop; the store waits. Failure: INVALID_ARGUMENT with
 * Temporal's texts, DEADLINE_EXCEEDED when a filter takes too long.
 */
#include "visibility/visibility.h"

#include "frontend/frontend_internal.h"
#include "skald/api/v1/workflow.pb-c.h"

#define STATUS_RUNNING 1

static size_t page_size(struct sk_frontend *frontend, int32_t asked)
{
    int64_t max = frontend->o.limits->list_page_max;
    return (size_t)(asked > 0 && asked < max ? asked : max);
}

static struct sk_str token_of(ProtobufCBinaryData token)
{
    return (struct sk_str){(const char *)token.data, token.len};
}

static ProtobufCBinaryData binary(struct sk_str s)
{
    union {
        const char *in;
        uint8_t *out;
    } u = {s.p};
    return (ProtobufCBinaryData){s.n, u.out};
}

/* ---- by filter text ---- */

/* What the requests of List and Scan have in common; Skald's own list has an order besides. */
struct page {
    const char *ns, *query;
    int32_t size;
    ProtobufCBinaryData token;
    const char *order_by;
};

static sk_err list_page(struct sk_call *call, struct sk_ctx *ctx, const struct page *page,
                        struct sk_vis_list *ret)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const struct sk_namespace *ns;
    struct sk_vis_query query;
    sk_err err = sk_frontend_namespace(frontend, ctx, page->ns, &ns);
    if (err == SK_OK)
        err = sk_vis_parse(ctx, ns, page->query, SK_VIS_FOR_LIST, &query);
    if (err == SK_OK)
        err = sk_vis_parse_order(ctx, ns, page->order_by, &query.order);
    if (err != SK_OK)
        return err;
    return sk_vis_list_query(ctx, frontend->o.store, ns, &query, page->query,
                             page_size(frontend, page->size), token_of(page->token), ret);
}

sk_err sk_frontend_list_workflow_executions(struct sk_call *call, struct sk_ctx *ctx,
                                            const void *request, void *response)
{
    const WS(ListWorkflowExecutionsRequest) *r = request;
    WS(ListWorkflowExecutionsResponse) *reply = response;
    const struct page page = {r->namespace_, r->query, r->page_size, r->next_page_token, NULL};
    struct sk_vis_list list = {0};
    sk_err err = list_page(call, ctx, &page, &list);
    reply->executions = list.executions;
    reply->n_executions = list.count;
    reply->next_page_token = binary(list.next_page_token);
    return err;
}

sk_err sk_frontend_scan_workflow_executions(struct sk_call *call, struct sk_ctx *ctx,
                                            const void *request, void *response)
{
    const WS(ScanWorkflowExecutionsRequest) *r = request;
    WS(ScanWorkflowExecutionsResponse) *reply = response;
    const struct page page = {r->namespace_, r->query, r->page_size, r->next_page_token, NULL};
    struct sk_vis_list list = {0};
    sk_err err = list_page(call, ctx, &page, &list);
    reply->executions = list.executions;
    reply->n_executions = list.count;
    reply->next_page_token = binary(list.next_page_token);
    return err;
}

sk_err sk_frontend_count_workflow_executions(struct sk_call *call, struct sk_ctx *ctx,
                                             const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(CountWorkflowExecutionsRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    return err == SK_OK ? sk_vis_count_runs(ctx, frontend->o.store, ns, r->query, response) : err;
}

sk_err sk_frontend_list_archived_workflow_executions(struct sk_call *call, struct sk_ctx *ctx,
                                                     const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(ListArchivedWorkflowExecutionsRequest) *r = request;
    int64_t max = frontend->o.limits->list_page_max;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err != SK_OK)
        return err;
    if (r->page_size > max)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "PageSize is larger than allowed %lld.",
                       (long long)max);
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "Cluster is not configured for visibility archival.");
}

/* Skald's own: the same in an order of one's choice. */
sk_err sk_frontend_list_workflows(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                  void *response)
{
    const SKAPI(ListWorkflowsRequest) *r = request;
    SKAPI(ListWorkflowsResponse) *reply = response;
    const struct page page = {r->namespace_, r->query, r->page_size, r->next_page_token,
                              r->order_by};
    struct sk_vis_list list = {0};
    sk_err err = list_page(call, ctx, &page, &list);
    reply->executions = list.executions;
    reply->n_executions = list.count;
    reply->next_page_token = binary(list.next_page_token);
    return err;
}

/* ---- by fixed filters ---- */

/* What the two old requests have in common. */
struct old_list {
    const char *namespace_;
    int32_t page_size;
    ProtobufCBinaryData token;
    const Temporal__Api__Filter__V1__StartTimeFilter *times;
    enum sk_vis_op status_op; /* against status */
    int64_t status;
    const char *workflow_id, *type; /* NULL: any */
};

static int64_t ns_of(const Google__Protobuf__Timestamp *t)
{
    int64_t ns;
    if (!t)
        return 0;
    if (__builtin_mul_overflow(t->seconds, 1000000000, &ns) ||
        __builtin_add_overflow(ns, (int64_t)t->nanos, &ns))
        return t->seconds < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

static sk_err filter_of(struct sk_ctx *ctx, const struct old_list *l,
                        const struct sk_vis_node **ret)
{
    struct sk_arena *arena = ctx->arena;
    int64_t from = l->times ? ns_of(l->times->earliest_time) : 0;
    int64_t to = l->times ? ns_of(l->times->latest_time) : 0;
    const struct sk_vis_node *filter = sk_vis_number(arena, SK_VIS_STATUS, l->status_op, l->status);
    if (from && to && from > to)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "EarliestTime in StartTimeFilter should not be larger than LatestTime.");
    if (from)
        filter =
            sk_vis_and(arena, filter, sk_vis_number(arena, SK_VIS_START_TIME, SK_VIS_GE, from));
    if (to)
        filter = sk_vis_and(arena, filter, sk_vis_number(arena, SK_VIS_START_TIME, SK_VIS_LE, to));
    if (l->workflow_id)
        filter = sk_vis_and(arena, filter,
                            sk_vis_string(arena, SK_VIS_WORKFLOW_ID, SK_VIS_EQ,
                                          sk_str_of(l->workflow_id)));
    if (l->type)
        filter =
            sk_vis_and(arena, filter,
                       sk_vis_string(arena, SK_VIS_WORKFLOW_TYPE, SK_VIS_EQ, sk_str_of(l->type)));
    *ret = filter;
    return SK_OK;
}

static sk_err list_old(struct sk_frontend *frontend, struct sk_ctx *ctx, const struct old_list *l,
                       struct sk_vis_list *ret)
{
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, l->namespace_, &ns);
    if (err != SK_OK)
        return err;
    struct sk_vis_query query = {.ns = ns->id};
    err = filter_of(ctx, l, &query.filter);
    if (err != SK_OK)
        return err;
    // the token is bound to the same filters, written as a text
    const char *text =
        sk_arena_printf(ctx->arena, "old:%d:%lld:%lld:%lld:%s:%s", (int)l->status_op,
                        (long long)l->status,
                        (long long)(l->times ? ns_of(l->times->earliest_time) : 0),
                        (long long)(l->times ? ns_of(l->times->latest_time) : 0),
                        l->workflow_id ? l->workflow_id : "", l->type ? l->type : "");
    return sk_vis_list_query(ctx, frontend->o.store, ns, &query, text,
                             page_size(frontend, l->page_size), token_of(l->token), ret);
}

sk_err sk_frontend_list_open_workflow_executions(struct sk_call *call, struct sk_ctx *ctx,
                                                 const void *request, void *response)
{
    const WS(ListOpenWorkflowExecutionsRequest) *r = request;
    WS(ListOpenWorkflowExecutionsResponse) *reply = response;
    struct sk_vis_list list;
    struct old_list l = {r->namespace_,
                         r->maximum_page_size,
                         r->next_page_token,
                         r->start_time_filter,
                         SK_VIS_EQ,
                         STATUS_RUNNING,
                         NULL,
                         NULL};
    switch (r->filters_case) {
    case TEMPORAL__API__WORKFLOWSERVICE__V1__LIST_OPEN_WORKFLOW_EXECUTIONS_REQUEST__FILTERS_EXECUTION_FILTER:
        l.workflow_id = r->execution_filter->workflow_id;
        break;
    case TEMPORAL__API__WORKFLOWSERVICE__V1__LIST_OPEN_WORKFLOW_EXECUTIONS_REQUEST__FILTERS_TYPE_FILTER:
        l.type = r->type_filter->name;
        break;
    default:
        break;
    }
    sk_err err = list_old(sk_frontend_of(call), ctx, &l, &list);
    if (err != SK_OK)
        return err;
    reply->executions = list.executions;
    reply->n_executions = list.count;
    reply->next_page_token = binary(list.next_page_token);
    return SK_OK;
}

sk_err sk_frontend_list_closed_workflow_executions(struct sk_call *call, struct sk_ctx *ctx,
                                                   const void *request, void *response)
{
    const WS(ListClosedWorkflowExecutionsRequest) *r = request;
    WS(ListClosedWorkflowExecutionsResponse) *reply = response;
    struct sk_vis_list list;
    struct old_list l = {r->namespace_,
                         r->maximum_page_size,
                         r->next_page_token,
                         r->start_time_filter,
                         SK_VIS_NE,
                         STATUS_RUNNING,
                         NULL,
                         NULL};
    switch (r->filters_case) {
    case TEMPORAL__API__WORKFLOWSERVICE__V1__LIST_CLOSED_WORKFLOW_EXECUTIONS_REQUEST__FILTERS_EXECUTION_FILTER:
        l.workflow_id = r->execution_filter->workflow_id;
        break;
    case TEMPORAL__API__WORKFLOWSERVICE__V1__LIST_CLOSED_WORKFLOW_EXECUTIONS_REQUEST__FILTERS_TYPE_FILTER:
        l.type = r->type_filter->name;
        break;
    case TEMPORAL__API__WORKFLOWSERVICE__V1__LIST_CLOSED_WORKFLOW_EXECUTIONS_REQUEST__FILTERS_STATUS_FILTER:
        l.status_op = SK_VIS_EQ;
        l.status = (int64_t)r->status_filter->status;
        if (l.status == 0 || l.status == STATUS_RUNNING)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "StatusFilter must be specified and must be not Running.");
        break;
    default:
        break;
    }
    sk_err err = list_old(sk_frontend_of(call), ctx, &l, &list);
    if (err != SK_OK)
        return err;
    reply->executions = list.executions;
    reply->n_executions = list.count;
    reply->next_page_token = binary(list.next_page_token);
    return SK_OK;
}
