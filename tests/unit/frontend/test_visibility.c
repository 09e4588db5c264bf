/* Lists and counts end to end: rows in the store, filters and pages through gRPC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "skald/api/v1/workflow.pb-c.h"
#include "temporal/api/workflow/v1/message.pb-c.h"
#include "visibility/search_attributes.h"

#define SECOND INT64_C(1000000000)

static const struct sk_namespace *ns;

/* A run "w<i>" of type A or B; even ones are closed. */
static void add_row(int i)
{
    char id[16];
    snprintf(id, sizeof id, "w%d", i);
    struct sk_sa_value value = {.type = SK_SA_INT, .slot = 3, .i = i};
    API_COMMON(SearchAttributes) attributes;
    API_COMMON(SearchAttributes__IndexedFieldsEntry) entry, *entries[] = {&entry};
    API_COMMON(Memo) memo;
    API_COMMON(Memo__FieldsEntry) field, *fields[] = {&field};
    temporal__api__common__v1__search_attributes__init(&attributes);
    temporal__api__common__v1__search_attributes__indexed_fields_entry__init(&entry);
    temporal__api__common__v1__memo__init(&memo);
    temporal__api__common__v1__memo__fields_entry__init(&field);
    entry.key = TEXT("MyInt");
    entry.value = sk_sa_encode(fx.ctx.arena, &value);
    attributes.indexed_fields = entries;
    attributes.n_indexed_fields = 1;
    field.key = TEXT("note");
    field.value = entry.value;
    memo.fields = fields;
    memo.n_fields = 1;
    struct sk_op op = {.kind = SK_OP_VIS_PUT};
    op.vis = (struct sk_vis_row){
        .run = {.ns = ns->id, .workflow_id = sk_str_of(id)},
        .type = i % 3 ? SK_STR("A") : SK_STR("B"),
        .task_queue = SK_STR("q"),
        .status = i % 2 ? 1 : 2,
        .start_ns = i * SECOND,
        .execution_ns = i * SECOND,
        .close_ns = i % 2 ? 0 : (100 + i) * SECOND,
        .history_length = 10 + i,
        .memo = sk_wire_pack(fx.ctx.arena, &memo.base),
        .search_attributes = sk_wire_pack(fx.ctx.arena, &attributes.base),
        .values = &value,
        .value_count = 1,
    };
    op.vis.run.run_id.b[15] = (uint8_t)(i + 1);
    if (i == 7) // one that shows neither
        op.vis.memo = op.vis.search_attributes = (struct sk_str){"", 0};
    struct sk_txn txn = {.slot = sk_slot_of(ns->id, sk_str_of(id)), .ops = &op, .op_count = 1};
    CHECK(sk_store_lease(fx.store, &fx.ctx, txn.slot, &txn.epoch) == SK_OK);
    CHECK(sk_store_commit(fx.store, &fx.ctx, &txn) == SK_OK);
}

static void add_rows(int count)
{
    struct sk_namespace changed = *sk_namespaces_by_name(fx.namespaces, "default");
    struct sk_search_attribute list[64];
    memcpy(list, changed.attributes, changed.attribute_count * sizeof *list);
    list[changed.attribute_count++] =
        (struct sk_search_attribute){.name = "MyInt", .type = SK_SA_INT};
    changed.attributes = list;
    CHECK(sk_namespaces_put(fx.namespaces, &fx.ctx, &changed, &ns) == SK_OK);
    for (int i = 0; i < count; i++)
        add_row(i);
}

typedef WS(ListWorkflowExecutionsResponse) page_pb;

static page_pb *list(const char *filter, int32_t size, ProtobufCBinaryData token)
{
    REQUEST(r, ListWorkflowExecutionsRequest, list_workflow_executions_request);
    page_pb *page;
    r.query = TEXT(filter);
    r.page_size = size;
    r.next_page_token = token;
    sk_err err =
        call('w', "ListWorkflowExecutions", &r, RESPONSE(list_workflow_executions_response), &page);
    if (err != SK_OK)
        SK_PANIC("%s: %s", filter, fx.ctx.err.message);
    return page;
}

static const char *ids_of(const page_pb *page)
{
    char text[400] = "";
    size_t n = 0;
    for (size_t i = 0; i < page->n_executions; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s ",
                              page->executions[i]->execution->workflow_id);
    return sk_arena_strdup(fx.ctx.arena, text);
}

static void check_lists(void)
{
    add_rows(8);
    ProtobufCBinaryData none = {0, NULL};
    // open runs first, newest start first; then by close
    CHECK_STR(ids_of(list("", 0, none)), "w7 w5 w3 w1 w6 w4 w2 w0 ");
    CHECK_STR(ids_of(list("ExecutionStatus = 'Completed'", 0, none)), "w6 w4 w2 w0 ");
    CHECK_STR(ids_of(list("WorkflowType = 'B' OR MyInt > 6", 0, none)), "w7 w3 w6 w0 ");
    CHECK_STR(ids_of(list("NOT (MyInt IN (1,2,3)) AND CloseTime IS NULL", 0, none)), "w7 w5 ");
    CHECK_STR(
        ids_of(list("WorkflowId STARTS_WITH 'w' AND StartTime < '1970-01-01T00:00:02Z'", 0, none)),
        "w1 w0 ");
    CHECK_STR(ids_of(list("ExecutionDuration >= '1m40s'", 0, none)), "w6 w4 w2 w0 ");
    page_pb *page = list("", 3, none);
    CHECK_STR(ids_of(page), "w7 w5 w3 ");
    add_row(9); // rows that come do not shift the pages
    page = list("", 3, page->next_page_token);
    CHECK_STR(ids_of(page), "w1 w6 w4 ");
    page = list("", 3, page->next_page_token);
    CHECK_STR(ids_of(page), "w2 w0 ");
    CHECK(page->next_page_token.len == 0);
    const Temporal__Api__Workflow__V1__WorkflowExecutionInfo *info =
        list("WorkflowId = 'w6'", 0, none)->executions[0];
    CHECK_STR(info->execution->run_id, "00000000-0000-0000-0000-000000000007");
    CHECK_STR(info->type->name, "B");
    CHECK_STR(info->task_queue, "q");
    CHECK((int)info->status == 2 && info->start_time->seconds == 6);
    CHECK(info->close_time->seconds == 106 && info->execution_duration->seconds == 100);
    CHECK(info->history_length == 16);
    CHECK(info->memo->n_fields == 1);
    CHECK_STR(info->memo->fields[0]->key, "note");
    CHECK_STR(info->search_attributes->indexed_fields[0]->key, "MyInt");
    CHECK_STR(info->search_attributes->indexed_fields[0]->value->metadata[1]->key, "type");
    info = list("WorkflowId = 'w7'", 0, none)->executions[0];
    CHECK(info->memo && info->memo->n_fields == 0); // there, and empty
    CHECK(info->search_attributes && info->search_attributes->n_indexed_fields == 0);
}

/* Skald's own list, two rows a page. */
static const char *ordered(const char *filter, const char *order_by)
{
    char text[400] = "";
    size_t n = 0;
    Skald__Api__V1__ListWorkflowsRequest r;
    Skald__Api__V1__ListWorkflowsResponse *page;
    skald__api__v1__list_workflows_request__init(&r);
    r.namespace_ = TEXT("default");
    r.query = TEXT(filter);
    r.order_by = TEXT(order_by);
    r.page_size = 2;
    do {
        sk_err err = call('s', "ListWorkflows", &r,
                          &skald__api__v1__list_workflows_response__descriptor, &page);
        if (err != SK_OK)
            return fx.ctx.err.message;
        CHECK(page->n_executions > 0 && page->n_executions <= 2);
        for (size_t i = 0; i < page->n_executions; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s ",
                                  page->executions[i]->execution->workflow_id);
        r.next_page_token = page->next_page_token;
    } while (r.next_page_token.len);
    return sk_arena_strdup(fx.ctx.arena, text);
}

static void check_orders(void)
{
    add_rows(8);
    CHECK_STR(ordered("", ""), "w7 w5 w3 w1 w6 w4 w2 w0 ");
    CHECK_STR(ordered("", "StartTime"), "w0 w1 w2 w3 w4 w5 w6 w7 ");
    CHECK_STR(ordered("", "StartTime desc"), "w7 w6 w5 w4 w3 w2 w1 w0 ");
    CHECK_STR(ordered("", "HistoryLength desc"), "w6 w4 w2 w0 w7 w5 w3 w1 ");
    CHECK_STR(ordered("MyInt > 2", "`MyInt` desc"), "w7 w6 w5 w4 w3 ");
    CHECK_STR(ordered("ExecutionStatus = 'Completed'", "WorkflowType"), "w4 w2 w6 w0 ");
    CHECK_STR(ordered("", "RunId"), "invalid order_by \"RunId\": run ids have no order that says "
                                    "anything, StartTime has");
    CHECK_STR(ordered("Nope = 1", "StartTime"),
              "invalid query: invalid search attribute: Nope at position 1, near \"Nope\"");
}

static void check_errors(void)
{
    REQUEST(r, ListWorkflowExecutionsRequest, list_workflow_executions_request);
    const ProtobufCMessageDescriptor *reply = RESPONSE(list_workflow_executions_response);
    r.query = TEXT("Nope = 1");
    CHECK(call('w', "ListWorkflowExecutions", &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message,
              "invalid query: invalid search attribute: Nope at position 1, near \"Nope\"");
    // as deep as a filter may nest, in a fiber's small stack, up to an error at the bottom
    r.query = TEXT("((((((((((((((((((((((((((((((((MyNope = 'a'))))))))))))))))))))))))))))))))");
    CHECK(call('w', "ListWorkflowExecutions", &r, reply, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message,
              "invalid query: invalid search attribute: MyNope at position 33, near \"MyNope\"");
    r.query = TEXT("");
    r.next_page_token = (ProtobufCBinaryData){4, (uint8_t *)TEXT("junk")};
    CHECK(call('w', "ListWorkflowExecutions", &r, reply, NULL) == SK_INVALID_ARGUMENT);
    REQUEST(a, ListArchivedWorkflowExecutionsRequest, list_archived_workflow_executions_request);
    CHECK(call('w', "ListArchivedWorkflowExecutions", &a,
               RESPONSE(list_archived_workflow_executions_response), NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Cluster is not configured for visibility archival.");
}

static void check_counts(void)
{
    add_rows(8);
    REQUEST(r, CountWorkflowExecutionsRequest, count_workflow_executions_request);
    WS(CountWorkflowExecutionsResponse) *count;
    const ProtobufCMessageDescriptor *reply = RESPONSE(count_workflow_executions_response);
    CHECK(call('w', "CountWorkflowExecutions", &r, reply, &count) == SK_OK);
    CHECK(count->count == 8 && count->n_groups == 0);
    r.query = TEXT("MyInt < 3");
    CHECK(call('w', "CountWorkflowExecutions", &r, reply, &count) == SK_OK);
    CHECK(count->count == 3);
    r.query = TEXT("MyInt < 3 GROUP BY ExecutionStatus");
    CHECK(call('w', "CountWorkflowExecutions", &r, reply, &count) == SK_OK);
    CHECK(count->count == 3 && count->n_groups == 2);
    for (size_t i = 0; i < 2; i++) {
        const ProtobufCBinaryData data = count->groups[i]->group_values[0]->data;
        bool running = data.len == 9 && memcmp(data.data, "\"Running\"", 9) == 0;
        CHECK(running || (data.len == 11 && memcmp(data.data, "\"Completed\"", 11) == 0));
        CHECK(count->groups[i]->count == (running ? 1 : 2));
    }
}

static void check_old_lists(void)
{
    add_rows(8);
    REQUEST(open, ListOpenWorkflowExecutionsRequest, list_open_workflow_executions_request);
    WS(ListOpenWorkflowExecutionsResponse) *opened;
    Temporal__Api__Filter__V1__StartTimeFilter times;
    Google__Protobuf__Timestamp from, to;
    Temporal__Api__Filter__V1__WorkflowTypeFilter type;
    temporal__api__filter__v1__start_time_filter__init(&times);
    temporal__api__filter__v1__workflow_type_filter__init(&type);
    google__protobuf__timestamp__init(&from);
    google__protobuf__timestamp__init(&to);
    CHECK(call('w', "ListOpenWorkflowExecutions", &open,
               RESPONSE(list_open_workflow_executions_response), &opened) == SK_OK);
    CHECK(opened->n_executions == 4);
    from.seconds = 2;
    to.seconds = 5;
    times.earliest_time = &from;
    times.latest_time = &to;
    type.name = TEXT("A");
    open.start_time_filter = &times;
    open.filters_case =
        TEMPORAL__API__WORKFLOWSERVICE__V1__LIST_OPEN_WORKFLOW_EXECUTIONS_REQUEST__FILTERS_TYPE_FILTER;
    open.type_filter = &type;
    CHECK(call('w', "ListOpenWorkflowExecutions", &open,
               RESPONSE(list_open_workflow_executions_response), &opened) == SK_OK);
    CHECK(opened->n_executions == 1);
    CHECK_STR(opened->executions[0]->execution->workflow_id, "w5");
    to.seconds = 1;
    CHECK(call('w', "ListOpenWorkflowExecutions", &open,
               RESPONSE(list_open_workflow_executions_response), NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message,
              "EarliestTime in StartTimeFilter should not be larger than LatestTime.");
    REQUEST(closed, ListClosedWorkflowExecutionsRequest, list_closed_workflow_executions_request);
    WS(ListClosedWorkflowExecutionsResponse) *ended;
    closed.maximum_page_size = 3;
    CHECK(call('w', "ListClosedWorkflowExecutions", &closed,
               RESPONSE(list_closed_workflow_executions_response), &ended) == SK_OK);
    CHECK(ended->n_executions == 3);
    closed.next_page_token = ended->next_page_token;
    CHECK(call('w', "ListClosedWorkflowExecutions", &closed,
               RESPONSE(list_closed_workflow_executions_response), &ended) == SK_OK);
    CHECK(ended->n_executions == 1);
    Temporal__Api__Filter__V1__StatusFilter status;
    temporal__api__filter__v1__status_filter__init(&status);
    closed.filters_case =
        TEMPORAL__API__WORKFLOWSERVICE__V1__LIST_CLOSED_WORKFLOW_EXECUTIONS_REQUEST__FILTERS_STATUS_FILTER;
    closed.status_filter = &status;
    CHECK(call('w', "ListClosedWorkflowExecutions", &closed,
               RESPONSE(list_closed_workflow_executions_response), NULL) == SK_INVALID_ARGUMENT);
    REQUEST(scan, ScanWorkflowExecutionsRequest, scan_workflow_executions_request);
    WS(ScanWorkflowExecutionsResponse) *scanned;
    CHECK(call('w', "ScanWorkflowExecutions", &scan, RESPONSE(scan_workflow_executions_response),
               &scanned) == SK_OK);
    CHECK(scanned->n_executions == 8);
}

#define TEST(name)                  \
    static void name(void **state)  \
    {                               \
        (void)state;                \
        run_frontend(check_##name); \
    }
TEST(lists)
TEST(orders)
TEST(errors)
TEST(counts)
TEST(old_lists)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),  cmocka_unit_test(orders),    cmocka_unit_test(errors),
        cmocka_unit_test(counts), cmocka_unit_test(old_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
