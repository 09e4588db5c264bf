/*
 * What the server says about itself: GetSystemInfo, GetClusterInfo, ListClusters.
 *
 * Clients decide by the version and the capabilities which calls they make, so the version named is
 * the Temporal release whose behaviour this server follows, and a capability is only true when it
 * is built. Skald's own version stands where people look: in the version info's notes.
 *
 * Thread: any loop; nothing waits.
 */
#include "frontend/frontend_internal.h"

#include "frontend/client_version.h"
#include "wire/text.h"

#define VERSION(name) Temporal__Api__Version__V1__##name

sk_err sk_frontend_get_system_info(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                   void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(GetSystemInfoResponse) *reply = response;
    reply->server_version = sk_wire_text(SK_TEMPORAL_SERVER_VERSION);
    WS(GetSystemInfoResponse__Capabilities) *can = sk_arena_alloc(ctx->arena, sizeof *can);
    temporal__api__workflowservice__v1__get_system_info_response__capabilities__init(can);
    can->signal_and_query_header = true;
    can->internal_error_differentiation = true;
    can->activity_failure_include_heartbeat = true;
    can->encoded_failure_attributes = true;
    can->build_id_based_versioning = true;
    can->upsert_memo = true;
    can->eager_workflow_start = frontend->o.limits->eager_start;
    can->sdk_metadata = true;
    can->count_group_by_execution_status = true;
    reply->capabilities = can;
    return SK_OK;
}

static void add_supported_client(struct sk_arena *arena, WS(GetClusterInfoResponse) * reply,
                                 const char *name, const char *versions)
{
    WS(GetClusterInfoResponse__SupportedClientsEntry) *entry = sk_arena_alloc(arena, sizeof *entry);
    temporal__api__workflowservice__v1__get_cluster_info_response__supported_clients_entry__init(
        entry);
    entry->key = sk_wire_text(name);
    entry->value = sk_wire_text(versions);
    reply->supported_clients[reply->n_supported_clients++] = entry;
}

static VERSION(VersionInfo) * version_info(struct sk_frontend *frontend, struct sk_arena *arena)
{
    VERSION(VersionInfo) *info = sk_arena_alloc(arena, sizeof *info);
    VERSION(ReleaseInfo) *current = sk_arena_alloc(arena, sizeof *current);
    temporal__api__version__v1__version_info__init(info);
    temporal__api__version__v1__release_info__init(current);
    current->version = sk_wire_text(SK_TEMPORAL_SERVER_VERSION);
    current->notes =
        sk_arena_printf(arena, "Skald %s, compatible with Temporal %s",
                        frontend->o.version ? frontend->o.version : "", SK_TEMPORAL_SERVER_VERSION);
    info->current = current;
    return info;
}

sk_err sk_frontend_get_cluster_info(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                    void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(GetClusterInfoResponse) *reply = response;
    size_t n = 0;
    while (sk_supported_clients()[n].name)
        n++;
    reply->supported_clients =
        SK_NEW_N(ctx->arena, WS(GetClusterInfoResponse__SupportedClientsEntry) *, n);
    for (const struct sk_supported_client *c = sk_supported_clients(); c->name; c++)
        add_supported_client(ctx->arena, reply, c->name, c->versions);
    reply->server_version = sk_wire_text(SK_TEMPORAL_SERVER_VERSION);
    reply->cluster_id = sk_wire_text(frontend->o.cluster_id);
    reply->cluster_name = sk_wire_text(frontend->o.cluster_name);
    reply->version_info = version_info(frontend, ctx->arena);
    reply->history_shard_count = SK_SLOT_COUNT;
    reply->persistence_store = sk_wire_text(sk_store_name(frontend->o.store));
    reply->visibility_store = sk_wire_text(frontend->o.visibility_name);
    reply->initial_failover_version = 1;
    reply->failover_version_increment = 10;
    return SK_OK;
}

sk_err sk_frontend_list_clusters(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                 void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    OS(ListClustersResponse) *reply = response;
    OS(ClusterMetadata) *cluster = sk_arena_alloc(ctx->arena, sizeof *cluster);
    temporal__api__operatorservice__v1__cluster_metadata__init(cluster);
    cluster->cluster_name = sk_wire_text(frontend->o.cluster_name);
    cluster->cluster_id = sk_wire_text(frontend->o.cluster_id);
    cluster->history_shard_count = SK_SLOT_COUNT;
    cluster->initial_failover_version = 1;
    cluster->is_connection_enabled = true;
    reply->clusters = SK_NEW(ctx->arena, OS(ClusterMetadata) *);
    reply->clusters[0] = cluster;
    reply->n_clusters = 1;
    return SK_OK;
}
