/*
 * Lists and counts: the store's rows as the API shows them.
 *
 * Thread: fibers of any loop, since the store waits; rows anywhere. Memory: the arena.
 */
#include "visibility/visibility.h"

#include "temporal/api/common/v1/message.pb-c.h"
#include "visibility/search_attributes.h"
#include "wire/text.h"
#include "wire/wire.h"

#define PAGE_SIZE_DEFAULT 100

typedef Temporal__Api__Common__V1__WorkflowExecution execution_pb;
typedef Temporal__Api__Workflowservice__V1__CountWorkflowExecutionsResponse__AggregationGroup
    group_pb;

/* ---- one row ---- */

static Google__Protobuf__Timestamp *timestamp(struct sk_arena *arena, int64_t ns)
{
    if (ns == 0)
        return NULL;
    Google__Protobuf__Timestamp *t = sk_arena_alloc(arena, sizeof *t);
    google__protobuf__timestamp__init(t);
    t->seconds = ns / 1000000000;
    t->nanos = (int32_t)(ns % 1000000000);
    if (t->nanos < 0) {
        t->nanos += 1000000000;
        t->seconds--;
    }
    return t;
}

static Google__Protobuf__Duration *duration(struct sk_arena *arena, int64_t ns)
{
    Google__Protobuf__Duration *d = sk_arena_alloc(arena, sizeof *d);
    google__protobuf__duration__init(d);
    d->seconds = ns / 1000000000;
    d->nanos = (int32_t)(ns % 1000000000);
    return d;
}

static char *text(struct sk_arena *arena, struct sk_str s)
{
    return s.n ? sk_arena_strndup(arena, s.p, s.n) : sk_wire_text("");
}

static execution_pb *execution(struct sk_arena *arena, struct sk_str workflow_id,
                               struct sk_str run_id)
{
    execution_pb *e = sk_arena_alloc(arena, sizeof *e);
    temporal__api__common__v1__workflow_execution__init(e);
    e->workflow_id = text(arena, workflow_id);
    e->run_id = text(arena, run_id);
    return e;
}

/* Attributes as stored, with the types that the namespace gives them now. */
static sk_search_attributes_pb *attributes(struct sk_arena *arena, const struct sk_namespace *ns,
                                           struct sk_str stored)
{
    struct sk_ctx ctx = {.arena = arena};
    ProtobufCMessage *message;
    if (stored.n == 0 ||
        sk_wire_decode_own(&ctx, &temporal__api__common__v1__search_attributes__descriptor, stored,
                           &message) != SK_OK)
        return NULL;
    return sk_sa_listed(arena, ns, (const sk_search_attributes_pb *)message);
}

sk_execution_info_pb *sk_vis_info(struct sk_arena *arena, const struct sk_namespace *ns,
                                  const struct sk_vis_row *row)
{
    char run_id[SK_UUID_TEXT];
    sk_execution_info_pb *info = sk_arena_alloc(arena, sizeof *info);
    temporal__api__workflow__v1__workflow_execution_info__init(info);
    sk_uuid_format(row->run.run_id, run_id);
    info->execution = execution(arena, row->run.workflow_id, sk_str_of(run_id));
    info->type = sk_arena_alloc(arena, sizeof *info->type);
    temporal__api__common__v1__workflow_type__init(info->type);
    info->type->name = text(arena, row->type);
    info->start_time = timestamp(arena, row->start_ns);
    info->execution_time = timestamp(arena, row->execution_ns);
    info->status = (Temporal__Api__Enums__V1__WorkflowExecutionStatus)row->status;
    info->task_queue = text(arena, row->task_queue);
    if (row->close_ns) {
        info->close_time = timestamp(arena, row->close_ns);
        info->execution_duration = duration(arena, row->close_ns - row->execution_ns);
        info->history_length = row->history_length;
        info->history_size_bytes = row->history_size;
        info->state_transition_count = row->state_transitions;
    }
    if (row->parent_workflow_id.n)
        info->parent_execution = execution(arena, row->parent_workflow_id, row->parent_run_id);
    if (row->root_workflow_id.n)
        info->root_execution = execution(arena, row->root_workflow_id, row->root_run_id);
    /* Both are always there, as SDKs expect. */
    sk_wire_splice(arena, &info->base, 10, row->memo);
    info->search_attributes = attributes(arena, ns, row->search_attributes);
    if (!info->search_attributes) {
        info->search_attributes = sk_arena_alloc(arena, sizeof *info->search_attributes);
        temporal__api__common__v1__search_attributes__init(info->search_attributes);
    }
    return info;
}

/* ---- list ---- */

sk_err sk_vis_list_query(struct sk_ctx *ctx, struct sk_store *store, const struct sk_namespace *ns,
                         struct sk_vis_query *query, const char *filter, size_t page_size,
                         struct sk_str page_token, struct sk_vis_list *ret)
{
    struct sk_vis_page page = {0};
    query->page_size = page_size ? page_size : PAGE_SIZE_DEFAULT;
    sk_err err = sk_vis_token_read(ctx, page_token, filter, query);
    if (err == SK_OK)
        err = sk_store_vis_list(store, ctx, query, &page);
    if (err != SK_OK)
        return err;
    *ret = (struct sk_vis_list){
        .executions = SK_NEW_N(ctx->arena, sk_execution_info_pb *, page.count + 1),
        .count = page.count,
        .next_page_token = {"", 0},
    };
    for (size_t i = 0; i < page.count; i++)
        ret->executions[i] = sk_vis_info(ctx->arena, ns, &page.rows[i]);
    if (page.more && page.count)
        ret->next_page_token =
            sk_vis_token_write(ctx->arena, query, filter, &page.rows[page.count - 1]);
    return SK_OK;
}

/* ---- count ---- */

const char *sk_vis_status_name(int64_t status)
{
    static const char *const names[] = {"Unspecified",    "Running",  "Completed",
                                        "Failed",         "Canceled", "Terminated",
                                        "ContinuedAsNew", "TimedOut", "Paused"};
    return status >= 0 && status < (int64_t)(sizeof names / sizeof *names) ? names[status]
                                                                           : names[0];
}

static group_pb *group_of(struct sk_arena *arena, const struct sk_vis_query *query,
                          const struct sk_vis_count *count)
{
    struct sk_sa_value value = {.type = SK_SA_KEYWORD, .s = count->value.s};
    group_pb *group = sk_arena_alloc(arena, sizeof *group);
    temporal__api__workflowservice__v1__count_workflow_executions_response__aggregation_group__init(
        group);
    if (query->group_by.column == SK_VIS_STATUS)
        value.s = sk_str_of(sk_vis_status_name(count->value.i));
    else if (count->null)
        value.s = SK_STR("");
    group->group_values = SK_NEW(arena, sk_payload_pb *);
    group->group_values[0] = sk_sa_encode(arena, &value);
    group->n_group_values = 1;
    group->count = count->count;
    return group;
}

sk_err sk_vis_count_runs(struct sk_ctx *ctx, struct sk_store *store, const struct sk_namespace *ns,
                         const char *filter, sk_count_response_pb *response)
{
    struct sk_vis_query query;
    struct sk_vis_counts counts = {0};
    sk_err err = sk_vis_parse(ctx, ns, filter, SK_VIS_FOR_COUNT, &query);
    if (err == SK_OK)
        err = sk_store_vis_count(store, ctx, &query, &counts);
    if (err != SK_OK)
        return err;
    response->count = counts.total;
    response->groups = SK_NEW_N(ctx->arena, group_pb *, counts.group_count + 1);
    for (size_t i = 0; i < counts.group_count; i++)
        response->groups[i] = group_of(ctx->arena, &query, &counts.groups[i]);
    response->n_groups = counts.group_count;
    return SK_OK;
}

/* ---- nodes made by code ---- */

const struct sk_vis_node *sk_vis_and(struct sk_arena *arena, const struct sk_vis_node *left,
                                     const struct sk_vis_node *right)
{
    if (!left || !right)
        return left ? left : right;
    struct sk_vis_node *node = SK_NEW(arena, struct sk_vis_node);
    node->op = SK_VIS_AND;
    node->left = left;
    node->right = right;
    return node;
}

static const struct sk_vis_node *leaf(struct sk_arena *arena, enum sk_vis_column column,
                                      enum sk_sa_type type, enum sk_vis_op op,
                                      struct sk_vis_literal value)
{
    struct sk_vis_node *node = SK_NEW(arena, struct sk_vis_node);
    struct sk_vis_literal *values = SK_NEW(arena, struct sk_vis_literal);
    *values = value;
    node->op = op;
    node->field = (struct sk_vis_field){column, type, 0};
    node->values = values;
    node->value_count = 1;
    return node;
}

const struct sk_vis_node *sk_vis_string(struct sk_arena *arena, enum sk_vis_column column,
                                        enum sk_vis_op op, struct sk_str value)
{
    return leaf(arena, column, SK_SA_KEYWORD, op,
                (struct sk_vis_literal){.type = SK_LIT_STRING, .s = value});
}

const struct sk_vis_node *sk_vis_number(struct sk_arena *arena, enum sk_vis_column column,
                                        enum sk_vis_op op, int64_t value)
{
    return leaf(arena, column, SK_SA_INT, op,
                (struct sk_vis_literal){.type = SK_LIT_INT, .i = value});
}
