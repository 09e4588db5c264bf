/* Namespaces, their search attributes, and what the server says about itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fixture.h"
#include "rt/rt.h"

typedef WS(DescribeNamespaceResponse) described_pb;

static sk_err register_namespace(const char *name, int64_t retention_s)
{
    REQUEST(r, RegisterNamespaceRequest, register_namespace_request);
    r.namespace_ = TEXT(name);
    r.description = TEXT("about it");
    if (retention_s)
        r.workflow_execution_retention_period = duration_of(retention_s);
    return call('w', "RegisterNamespace", &r, RESPONSE(register_namespace_response), NULL);
}

static sk_err describe(const char *name, described_pb **ret)
{
    REQUEST(r, DescribeNamespaceRequest, describe_namespace_request);
    r.namespace_ = TEXT(name);
    return call('w', "DescribeNamespace", &r, RESPONSE(describe_namespace_response), ret);
}

static void check_register_and_describe(void)
{
    described_pb *d;
    CHECK(register_namespace("", 86400) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Namespace not set on request.");
    CHECK(register_namespace("n", 0) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message,
              "A valid retention period is not set on request. (at least 3600 seconds)");
    CHECK(register_namespace("n", 3599) == SK_INVALID_ARGUMENT);
    CHECK(register_namespace("n", -1) == SK_INVALID_ARGUMENT);
    CHECK(describe("n", &d) == SK_NOT_FOUND);
    CHECK_STR(fx.ctx.err.detail_type, "temporal.api.errordetails.v1.NamespaceNotFoundFailure");
    CHECK(register_namespace("n", 3600) == SK_OK);
    CHECK(register_namespace("n", 3600) == SK_ALREADY_EXISTS);
    CHECK_STR(fx.ctx.err.detail_type, "temporal.api.errordetails.v1.NamespaceAlreadyExistsFailure");
    CHECK(describe("n", &d) == SK_OK);
    CHECK_STR(d->namespace_info->name, "n");
    CHECK_STR(d->namespace_info->description, "about it");
    CHECK((int)d->namespace_info->state == SK_NS_REGISTERED);
    CHECK(d->namespace_info->capabilities->eager_workflow_start);
    CHECK(d->namespace_info->capabilities->worker_heartbeats);
    CHECK(d->namespace_info->limits->blob_size_limit_error == 10000);
    CHECK(d->config->workflow_execution_retention_ttl->seconds == 3600);
    CHECK_STR(d->replication_config->active_cluster_name, "active");
    REQUEST(by_id, DescribeNamespaceRequest, describe_namespace_request);
    by_id.id = d->namespace_info->id;
    CHECK(call('w', "DescribeNamespace", &by_id, RESPONSE(describe_namespace_response), NULL) ==
          SK_INVALID_ARGUMENT);
    by_id.namespace_ = TEXT("");
    CHECK(call('w', "DescribeNamespace", &by_id, RESPONSE(describe_namespace_response), &d) ==
          SK_OK);
    CHECK_STR(d->namespace_info->name, "n");
}

/* Where the machine stands still for half a second one more is served. */
static int calls_until_refused(void)
{
    described_pb *d;
    int served = 0;
    while (describe("busy", &d) == SK_OK)
        CHECK(served++ < 1000);
    CHECK(fx.ctx.err.code == SK_RESOURCE_EXHAUSTED);
    return served;
}

/* Two seconds' worth at once, then no more than the limit; each namespace has its own. */
static void check_rate(void)
{
    described_pb *d;
    CHECK(register_namespace("busy", 86400) == SK_OK);
    CHECK(register_namespace("quiet", 86400) == SK_OK);
    fx.limits.namespace_rps = 2;
    CHECK(calls_until_refused() >= 4);
    CHECK_STR(fx.ctx.err.message,
              "namespace rate limit exceeded (frontend.namespaceRPS allows busy 2 calls a second)");
    CHECK_STR(fx.ctx.err.detail_type, "temporal.api.errordetails.v1.ResourceExhaustedFailure");
    CHECK(describe("quiet", &d) == SK_OK);
    CHECK(describe("nobody", &d) == SK_NOT_FOUND);
    while (describe("busy", &d) != SK_OK) // half a second later there is one
        sk_fiber_sleep(10);
    (void)calls_until_refused();
    fx.limits.namespace_rps = 0;
    for (int i = 0; i < 20; i++)
        CHECK(describe("busy", &d) == SK_OK);
}

static void check_update(void)
{
    REQUEST(r, UpdateNamespaceRequest, update_namespace_request);
    Temporal__Api__Namespace__V1__UpdateNamespaceInfo info;
    Temporal__Api__Namespace__V1__NamespaceConfig config;
    Temporal__Api__Namespace__V1__UpdateNamespaceInfo__DataEntry entry, *entries[] = {&entry};
    WS(UpdateNamespaceResponse) *u;
    temporal__api__namespace__v1__update_namespace_info__init(&info);
    temporal__api__namespace__v1__namespace_config__init(&config);
    temporal__api__namespace__v1__update_namespace_info__data_entry__init(&entry);
    entry.key = TEXT("k");
    entry.value = TEXT("v");
    info.data = entries;
    info.n_data = 1;
    info.owner_email = TEXT("o@x");
    r.update_info = &info;
    r.config = &config;
    config.workflow_execution_retention_ttl = duration_of(7200);
    for (int i = 0; i < 2; i++) {
        CHECK(call('w', "UpdateNamespace", &r, RESPONSE(update_namespace_response), &u) == SK_OK);
        CHECK_STR(u->namespace_info->owner_email, "o@x");
        CHECK(u->namespace_info->n_data == 1);
        CHECK(u->config->workflow_execution_retention_ttl->seconds == 7200);
    }
    config.workflow_execution_retention_ttl = duration_of(5);
    CHECK(call('w', "UpdateNamespace", &r, RESPONSE(update_namespace_response), &u) ==
          SK_INVALID_ARGUMENT);
    r.config = NULL;
    info.state = TEMPORAL__API__ENUMS__V1__NAMESPACE_STATE__NAMESPACE_STATE_DELETED;
    CHECK(call('w', "UpdateNamespace", &r, RESPONSE(update_namespace_response), &u) ==
          SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Invalid namespace state update.");
    r.namespace_ = TEXT("nope");
    CHECK(call('w', "UpdateNamespace", &r, RESPONSE(update_namespace_response), &u) ==
          SK_NOT_FOUND);
}

static void check_pages(void)
{
    CHECK(register_namespace("a", 3600) == SK_OK);
    CHECK(register_namespace("b", 3600) == SK_OK);
    WS(ListNamespacesRequest) r;
    WS(ListNamespacesResponse) *page;
    temporal__api__workflowservice__v1__list_namespaces_request__init(&r);
    r.page_size = 2;
    CHECK(call('w', "ListNamespaces", &r, RESPONSE(list_namespaces_response), &page) == SK_OK);
    CHECK(page->n_namespaces == 2);
    CHECK_STR(page->namespaces[0]->namespace_info->name, "a");
    CHECK_STR(page->namespaces[1]->namespace_info->name, "b");
    r.next_page_token = page->next_page_token;
    CHECK(r.next_page_token.len > 0);
    CHECK(call('w', "ListNamespaces", &r, RESPONSE(list_namespaces_response), &page) == SK_OK);
    CHECK(page->n_namespaces == 1 && page->next_page_token.len == 0);
    CHECK_STR(page->namespaces[0]->namespace_info->name, "default");
}

static sk_err add_attribute(const char *name, int type)
{
    OREQUEST(r, AddSearchAttributesRequest, add_search_attributes_request);
    OS(AddSearchAttributesRequest__SearchAttributesEntry) entry, *entries[] = {&entry};
    temporal__api__operatorservice__v1__add_search_attributes_request__search_attributes_entry__init(
        &entry);
    entry.key = TEXT(name);
    entry.value = (Temporal__Api__Enums__V1__IndexedValueType)type;
    r.namespace_ = TEXT("default");
    r.search_attributes = entries;
    r.n_search_attributes = 1;
    return call('o', "AddSearchAttributes", &r, ORESPONSE(add_search_attributes_response), NULL);
}

static sk_err remove_attribute(const char *name)
{
    OREQUEST(r, RemoveSearchAttributesRequest, remove_search_attributes_request);
    char *names[] = {TEXT(name)};
    r.namespace_ = TEXT("default");
    r.search_attributes = names;
    r.n_search_attributes = 1;
    return call('o', "RemoveSearchAttributes", &r, ORESPONSE(remove_search_attributes_response),
                NULL);
}

static OS(ListSearchAttributesResponse) * list_attributes(void)
{
    OREQUEST(r, ListSearchAttributesRequest, list_search_attributes_request);
    OS(ListSearchAttributesResponse) * list;
    r.namespace_ = TEXT("default");
    CHECK(call('o', "ListSearchAttributes", &r, ORESPONSE(list_search_attributes_response),
               &list) == SK_OK);
    return list;
}

static void check_search_attributes(void)
{
    CHECK(add_attribute("MyKeyword", SK_SA_KEYWORD) == SK_OK);
    CHECK(add_attribute("MyKeyword", SK_SA_KEYWORD) == SK_OK); // again is fine
    CHECK(add_attribute("MyKeyword", SK_SA_INT) == SK_ALREADY_EXISTS);
    CHECK_STR(fx.ctx.err.message, "Search attribute MyKeyword already exists. (with type Keyword)");
    CHECK(add_attribute("StartTime", SK_SA_DATETIME) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Search attribute StartTime is reserved by system.");
    CHECK(add_attribute("TemporalAnything", SK_SA_INT) == SK_INVALID_ARGUMENT);
    CHECK(add_attribute("X", 0) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Unknown search attribute type: 0.");
    OS(ListSearchAttributesResponse) *list = list_attributes();
    CHECK(list->n_custom_attributes == 1 && list->n_storage_schema == 1);
    CHECK_STR(list->custom_attributes[0]->key, "MyKeyword");
    CHECK((int)list->custom_attributes[0]->value == SK_SA_KEYWORD);
    CHECK_STR(list->storage_schema[0]->value, "Keyword09");
    CHECK(list->n_system_attributes == 33);
    CHECK(remove_attribute("Nope") == SK_NOT_FOUND);
    CHECK_STR(fx.ctx.err.message, "Search attribute Nope doesn't exist.");
    CHECK(remove_attribute("WorkflowId") == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "Unable to remove non-custom search attributes: WorkflowId.");
    CHECK(remove_attribute("MyKeyword") == SK_OK);
    CHECK(list_attributes()->n_custom_attributes == 0);
    WS(GetSearchAttributesRequest) r;
    WS(GetSearchAttributesResponse) *all;
    temporal__api__workflowservice__v1__get_search_attributes_request__init(&r);
    CHECK(call('w', "GetSearchAttributes", &r, RESPONSE(get_search_attributes_response), &all) ==
          SK_OK);
    CHECK(all->n_keys == 33);
}

static void check_delete(void)
{
    described_pb *d;
    CHECK(register_namespace("n", 3600) == SK_OK);
    OREQUEST(r, DeleteNamespaceRequest, delete_namespace_request);
    OS(DeleteNamespaceResponse) * gone;
    r.namespace_ = TEXT("n");
    CHECK(call('o', "DeleteNamespace", &r, ORESPONSE(delete_namespace_response), &gone) == SK_OK);
    CHECK(strncmp(gone->deleted_namespace, "n-deleted-", 10) == 0);
    CHECK(describe("n", &d) == SK_NOT_FOUND);
    CHECK(register_namespace("n", 3600) == SK_OK);
    // nothing was in it: the record goes soon
    const struct sk_namespace **left;
    while (sk_namespaces_deleted(fx.namespaces, fx.ctx.arena, &left))
        sk_fiber_sleep(5);
    r.namespace_ = TEXT("");
    r.namespace_id = TEXT("0190f5e0-0000-7000-8000-00000000ffff");
    CHECK(call('o', "DeleteNamespace", &r, ORESPONSE(delete_namespace_response), &gone) ==
          SK_NOT_FOUND);
}

static void check_server(void)
{
    WS(GetSystemInfoRequest) r;
    WS(GetSystemInfoResponse) *info;
    temporal__api__workflowservice__v1__get_system_info_request__init(&r);
    CHECK(call('w', "GetSystemInfo", &r, RESPONSE(get_system_info_response), &info) == SK_OK);
    CHECK_STR(info->server_version, SK_TEMPORAL_SERVER_VERSION);
    CHECK(info->capabilities->sdk_metadata && info->capabilities->upsert_memo);
    CHECK(!info->capabilities->supports_schedules && !info->capabilities->nexus);
    WS(GetClusterInfoRequest) cr;
    WS(GetClusterInfoResponse) *cluster;
    temporal__api__workflowservice__v1__get_cluster_info_request__init(&cr);
    CHECK(call('w', "GetClusterInfo", &cr, RESPONSE(get_cluster_info_response), &cluster) == SK_OK);
    CHECK_STR(cluster->cluster_name, "active");
    CHECK_STR(cluster->persistence_store, "memory");
    CHECK(cluster->history_shard_count == SK_SLOT_COUNT && cluster->n_supported_clients == 7);
    CHECK(strstr(cluster->version_info->current->notes, "Skald 0.1.0"));
    OREQUEST(lr, ListClustersRequest, list_clusters_request);
    OS(ListClustersResponse) * clusters;
    CHECK(call('o', "ListClusters", &lr, ORESPONSE(list_clusters_response), &clusters) == SK_OK);
    CHECK(clusters->n_clusters == 1);
}

#define TEST(name)                  \
    static void name(void **state)  \
    {                               \
        (void)state;                \
        run_frontend(check_##name); \
    }
TEST(register_and_describe)
TEST(update)
TEST(pages)
TEST(search_attributes)
TEST(delete)
TEST(server)
TEST(rate)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(register_and_describe),
        cmocka_unit_test(update),
        cmocka_unit_test(pages),
        cmocka_unit_test(search_attributes),
        cmocka_unit_test(delete),
        cmocka_unit_test(server),
        cmocka_unit_test(rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
