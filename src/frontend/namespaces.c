/*
 * Namespaces: register, describe, list, update, deprecate, delete.
 *
 * A change reads the newest record, changes a copy and puts it; when somebody else was faster it
 * starts again. Deleting frees the name at once and answers; the runs are removed in the background
 * (namespace_removal.c).
 *
 * Thread: the request's fiber on any loop. Failure: INVALID_ARGUMENT, NOT_FOUND and ALREADY_EXISTS
 * with Temporal's texts and details.
 */
#include "frontend/frontend_internal.h"

#include "visibility/search_attributes.h"
#include "wire/text.h"

#define NS(name) Temporal__Api__Namespace__V1__##name
#define REPLICATION(name) Temporal__Api__Replication__V1__##name
#define TRIES_MAX 10
#define PAGE_SIZE_DEFAULT 100
#define DATA_ENTRIES_MAX 100
#define TEXT_BYTES_MAX 4000

typedef Temporal__Api__Enums__V1__NamespaceState state_pb;
typedef Temporal__Api__Enums__V1__ArchivalState archival_pb;

/* ---- the reply ---- */

static NS(NamespaceInfo) *
    info_of(struct sk_frontend *frontend, struct sk_arena *arena, const struct sk_namespace *ns)
{
    NS(NamespaceInfo) *info = sk_arena_alloc(arena, sizeof *info);
    temporal__api__namespace__v1__namespace_info__init(info);
    info->name = sk_wire_text(ns->name);
    info->id = sk_wire_text(ns->uuid);
    info->state = (state_pb)ns->state;
    info->description = sk_wire_text(ns->description);
    info->owner_email = sk_wire_text(ns->owner_email);
    info->data = SK_NEW_N(arena, NS(NamespaceInfo__DataEntry) *, ns->data_count + 1);
    for (size_t i = 0; i < ns->data_count; i++) {
        NS(NamespaceInfo__DataEntry) *entry = sk_arena_alloc(arena, sizeof *entry);
        temporal__api__namespace__v1__namespace_info__data_entry__init(entry);
        entry->key = sk_wire_text(ns->data[i].key);
        entry->value = sk_wire_text(ns->data[i].value);
        info->data[info->n_data++] = entry;
    }
    NS(NamespaceInfo__Capabilities) *can = sk_arena_alloc(arena, sizeof *can);
    temporal__api__namespace__v1__namespace_info__capabilities__init(can);
    can->eager_workflow_start = frontend->o.limits->eager_start;
    can->reported_problems_search_attribute = true;
    can->worker_poll_complete_on_shutdown = frontend->o.limits->polls_end_on_shutdown;
    can->worker_heartbeats = true;
    info->capabilities = can;
    NS(NamespaceInfo__Limits) *limits = sk_arena_alloc(arena, sizeof *limits);
    temporal__api__namespace__v1__namespace_info__limits__init(limits);
    limits->blob_size_limit_error = frontend->o.limits->blob_size_error;
    limits->memo_size_limit_error = frontend->o.limits->memo_size_error;
    info->limits = limits;
    return info;
}

static NS(NamespaceConfig) * config_of(struct sk_ctx *ctx, const struct sk_namespace *ns)
{
    NS(NamespaceConfig) *config = sk_arena_alloc(ctx->arena, sizeof *config);
    temporal__api__namespace__v1__namespace_config__init(config);
    config->workflow_execution_retention_ttl = sk_frontend_duration(ctx, ns->retention_ms);
    config->history_archival_state = (archival_pb)ns->history_archival_state;
    config->history_archival_uri = sk_wire_text(ns->history_archival_uri);
    config->visibility_archival_state = (archival_pb)ns->visibility_archival_state;
    config->visibility_archival_uri = sk_wire_text(ns->visibility_archival_uri);
    config->bad_binaries = sk_arena_alloc(ctx->arena, sizeof *config->bad_binaries);
    temporal__api__namespace__v1__bad_binaries__init(config->bad_binaries);
    config->custom_search_attribute_aliases =
        SK_NEW_N(ctx->arena, NS(NamespaceConfig__CustomSearchAttributeAliasesEntry) *,
                 ns->attribute_count + 1);
    for (size_t i = 0; i < ns->attribute_count; i++) {
        const struct sk_search_attribute *a = &ns->attributes[i];
        if (a->system)
            continue;
        NS(NamespaceConfig__CustomSearchAttributeAliasesEntry) *entry =
            sk_arena_alloc(ctx->arena, sizeof *entry);
        temporal__api__namespace__v1__namespace_config__custom_search_attribute_aliases_entry__init(
            entry);
        entry->key = sk_arena_printf(ctx->arena, "%s%02d", sk_sa_type_name(a->type), a->slot);
        entry->value = sk_wire_text(a->name);
        config->custom_search_attribute_aliases[config->n_custom_search_attribute_aliases++] =
            entry;
    }
    return config;
}

static REPLICATION(NamespaceReplicationConfig) *
    replication_of(struct sk_frontend *frontend, struct sk_arena *arena)
{
    REPLICATION(NamespaceReplicationConfig) *config = sk_arena_alloc(arena, sizeof *config);
    REPLICATION(ClusterReplicationConfig) *cluster = sk_arena_alloc(arena, sizeof *cluster);
    temporal__api__replication__v1__namespace_replication_config__init(config);
    temporal__api__replication__v1__cluster_replication_config__init(cluster);
    cluster->cluster_name = sk_wire_text(frontend->o.cluster_name);
    config->active_cluster_name = sk_wire_text(frontend->o.cluster_name);
    config->clusters = SK_NEW(arena, REPLICATION(ClusterReplicationConfig) *);
    config->clusters[0] = cluster;
    config->n_clusters = 1;
    config->state = TEMPORAL__API__ENUMS__V1__REPLICATION_STATE__REPLICATION_STATE_NORMAL;
    return config;
}

static void describe(struct sk_frontend *frontend, struct sk_ctx *ctx,
                     const struct sk_namespace *ns, WS(DescribeNamespaceResponse) * reply)
{
    reply->namespace_info = info_of(frontend, ctx->arena, ns);
    reply->config = config_of(ctx, ns);
    reply->replication_config = replication_of(frontend, ctx->arena);
}

/* ---- reading ---- */

sk_err sk_frontend_describe_namespace(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                      void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(DescribeNamespaceRequest) *r = request;
    const struct sk_namespace *ns;
    if (!sk_blank(r->namespace_) && !sk_blank(r->id))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Only one of namespace name or Id should be set on request.");
    if (!sk_blank(r->id)) {
        ns = sk_namespaces_by_uuid(frontend->o.namespaces, r->id);
        if (!ns)
            return sk_fail_namespace_not_found(ctx, r->id);
    } else {
        sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
        if (err != SK_OK)
            return err;
    }
    describe(frontend, ctx, ns, response);
    return SK_OK;
}

sk_err sk_frontend_list_namespaces(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                   void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(ListNamespacesRequest) *r = request;
    WS(ListNamespacesResponse) *reply = response;
    const struct sk_namespace **all;
    size_t n = sk_namespaces_list(frontend->o.namespaces, ctx->arena, &all), i = 0;
    size_t max = r->page_size > 0 ? (size_t)r->page_size : PAGE_SIZE_DEFAULT;
    struct sk_str after = {(const char *)r->next_page_token.data, r->next_page_token.len};
    while (after.n && i < n && sk_str_cmp(sk_str_of(all[i]->name), after) <= 0)
        i++;
    size_t count = n - i < max ? n - i : max;
    reply->namespaces = SK_NEW_N(ctx->arena, WS(DescribeNamespaceResponse) *, count + 1);
    for (; reply->n_namespaces < count; i++) {
        WS(DescribeNamespaceResponse) *one = sk_arena_alloc(ctx->arena, sizeof *one);
        temporal__api__workflowservice__v1__describe_namespace_response__init(one);
        describe(frontend, ctx, all[i], one);
        reply->namespaces[reply->n_namespaces++] = one;
    }
    if (i < n && count)
        reply->next_page_token = (ProtobufCBinaryData){strlen(all[i - 1]->name),
                                                       (uint8_t *)sk_wire_text(all[i - 1]->name)};
    return SK_OK;
}

/* ---- registering ---- */

static sk_err check_retention(struct sk_frontend *frontend, struct sk_ctx *ctx,
                              const Google__Protobuf__Duration *retention)
{
    int64_t min = frontend->o.limits->retention_min_ms;
    bool negative = retention && (retention->seconds < 0 || retention->nanos < 0);
    if (retention && !negative && sk_frontend_duration_ms(retention) >= min)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT,
                   "A valid retention period is not set on request. (at least %lld seconds)",
                   (long long)(min / 1000));
}

static sk_err check_text(struct sk_ctx *ctx, const char *what, const char *value)
{
    if (strlen(value) <= TEXT_BYTES_MAX)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s length exceeds limit. (%zu bytes, at most %d)",
                   what, strlen(value), TEXT_BYTES_MAX);
}

static sk_err check_registration(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                 const WS(RegisterNamespaceRequest) * r)
{
    if (sk_blank(r->namespace_))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Namespace not set on request.");
    sk_err err = sk_frontend_check_id(frontend, ctx, "Namespace", r->namespace_);
    if (err == SK_OK && r->is_global_namespace)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Cannot register global namespace when not enabled");
    if (err == SK_OK)
        err = check_retention(frontend, ctx, r->workflow_execution_retention_period);
    if (err == SK_OK)
        err = check_text(ctx, "Description", r->description);
    if (err == SK_OK)
        err = check_text(ctx, "OwnerEmail", r->owner_email);
    if (err == SK_OK && r->n_data > DATA_ENTRIES_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Data has %zu entries, at most %d", r->n_data,
                       DATA_ENTRIES_MAX);
    return err;
}

static int archival_or_disabled(archival_pb state)
{
    int disabled = (int)TEMPORAL__API__ENUMS__V1__ARCHIVAL_STATE__ARCHIVAL_STATE_DISABLED;
    return (int)state == 0 ? disabled : (int)state;
}

static sk_err refuse_archival(struct sk_ctx *ctx, archival_pb history, archival_pb visibility)
{
    archival_pb enabled = TEMPORAL__API__ENUMS__V1__ARCHIVAL_STATE__ARCHIVAL_STATE_ENABLED;
    if (history != enabled && visibility != enabled)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "Cluster is not configured for archival.");
}

static sk_err already_exists(struct sk_ctx *ctx, const char *name)
{
    sk_ctx_clear(ctx);
    return sk_fail_namespace_already_exists(ctx, "Namespace \"%s\" already exists", name);
}

sk_err sk_frontend_register_namespace(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                      void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(RegisterNamespaceRequest) *r = request;
    const struct sk_namespace *made;
    sk_err err = check_registration(frontend, ctx, r);
    if (err == SK_OK)
        err = refuse_archival(ctx, r->history_archival_state, r->visibility_archival_state);
    if (err != SK_OK)
        return err;
    struct sk_namespace ns = {
        .name = r->namespace_,
        .state = SK_NS_REGISTERED,
        .description = r->description,
        .owner_email = r->owner_email,
        .retention_ms = sk_frontend_duration_ms(r->workflow_execution_retention_period),
        .history_archival_state = archival_or_disabled(r->history_archival_state),
        .visibility_archival_state = archival_or_disabled(r->visibility_archival_state),
    };
    ns.data = sk_arena_zalloc(ctx->arena, (r->n_data + 1) * sizeof *ns.data);
    for (size_t i = 0; i < r->n_data; i++) {
        ns.data[i].key = r->data[i]->key;
        ns.data[i].value = r->data[i]->value;
    }
    ns.data_count = r->n_data;
    err = sk_namespaces_put(frontend->o.namespaces, ctx, &ns, &made);
    return err == SK_ALREADY_EXISTS ? already_exists(ctx, r->namespace_) : err;
}

/* ---- changing ---- */

/* Given entries laid over those that are there. */
static sk_err merge_data(struct sk_ctx *ctx, const NS(UpdateNamespaceInfo) * update,
                         struct sk_namespace *ns)
{
    struct sk_namespace old = *ns;
    size_t n = old.data_count;
    ns->data = sk_arena_zalloc(ctx->arena, (n + update->n_data + 1) * sizeof *ns->data);
    for (size_t i = 0; i < n; i++)
        ns->data[i] = old.data[i];
    for (size_t i = 0; i < update->n_data; i++) {
        size_t at = 0;
        while (at < n && strcmp(ns->data[at].key, update->data[i]->key) != 0)
            at++;
        n += at == n;
        ns->data[at].key = update->data[i]->key;
        ns->data[at].value = update->data[i]->value;
    }
    ns->data_count = n;
    if (n > DATA_ENTRIES_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Data has %zu entries, at most %d", n,
                       DATA_ENTRIES_MAX);
    return SK_OK;
}

static sk_err update_info(struct sk_ctx *ctx, const NS(UpdateNamespaceInfo) * update,
                          struct sk_namespace *ns)
{
    sk_err err = check_text(ctx, "Description", update->description);
    if (err == SK_OK)
        err = check_text(ctx, "OwnerEmail", update->owner_email);
    if (err != SK_OK)
        return err;
    if (!sk_blank(update->description))
        ns->description = update->description;
    if (!sk_blank(update->owner_email))
        ns->owner_email = update->owner_email;
    if ((int)update->state != 0 && (int)update->state != (int)ns->state) {
        if (ns->state != SK_NS_REGISTERED || (int)update->state != (int)SK_NS_DEPRECATED)
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "Invalid namespace state update.");
        ns->state = SK_NS_DEPRECATED;
    }
    return merge_data(ctx, update, ns);
}

static sk_err update_config(struct sk_frontend *frontend, struct sk_ctx *ctx,
                            const NS(NamespaceConfig) * update, struct sk_namespace *ns)
{
    sk_err err =
        refuse_archival(ctx, update->history_archival_state, update->visibility_archival_state);
    if (err != SK_OK)
        return err;
    if (update->bad_binaries && update->bad_binaries->n_binaries)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "bad binaries are not supported by this server");
    if (update->n_custom_search_attribute_aliases)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "search attributes are named by AddSearchAttributes, not by "
                       "custom_search_attribute_aliases");
    if (!update->workflow_execution_retention_ttl)
        return SK_OK;
    err = check_retention(frontend, ctx, update->workflow_execution_retention_ttl);
    if (err == SK_OK)
        ns->retention_ms = sk_frontend_duration_ms(update->workflow_execution_retention_ttl);
    return err;
}

sk_err sk_frontend_change_namespace(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                    const char *name, sk_frontend_change_fn change, const void *arg,
                                    const struct sk_namespace **ret)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        const struct sk_namespace *ns;
        sk_err err = sk_frontend_namespace(frontend, ctx, name, &ns);
        if (err != SK_OK)
            return err;
        struct sk_namespace changed = *ns;
        err = change(frontend, ctx, arg, &changed);
        if (err == SK_OK)
            err = sk_namespaces_put(frontend->o.namespaces, ctx, &changed, ret);
        if (err != SK_ABORTED)
            return err;
        sk_ctx_clear(ctx);
    }
    return sk_fail(ctx, SK_ABORTED, "namespace %s is being changed by others, try again", name);
}

static sk_err apply_update(struct sk_frontend *frontend, struct sk_ctx *ctx, const void *arg,
                           struct sk_namespace *ns)
{
    const WS(UpdateNamespaceRequest) *r = arg;
    sk_err err = SK_OK;
    if (r->promote_namespace)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Cannot promote namespace to global when global namespaces are not enabled");
    if (r->update_info)
        err = update_info(ctx, r->update_info, ns);
    if (err == SK_OK && r->config)
        err = update_config(frontend, ctx, r->config, ns);
    return err;
}

sk_err sk_frontend_update_namespace(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                    void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const WS(UpdateNamespaceRequest) *r = request;
    WS(UpdateNamespaceResponse) *reply = response;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_change_namespace(frontend, ctx, r->namespace_, apply_update, r, &ns);
    if (err != SK_OK)
        return err;
    reply->namespace_info = info_of(frontend, ctx->arena, ns);
    reply->config = config_of(ctx, ns);
    reply->replication_config = replication_of(frontend, ctx->arena);
    return SK_OK;
}

static sk_err apply_deprecate(struct sk_frontend *frontend, struct sk_ctx *ctx, const void *arg,
                              struct sk_namespace *ns)
{
    ns->state = SK_NS_DEPRECATED;
    return SK_OK;
}

sk_err sk_frontend_deprecate_namespace(struct sk_call *call, struct sk_ctx *ctx,
                                       const void *request, void *response)
{
    const WS(DeprecateNamespaceRequest) *r = request;
    const struct sk_namespace *ns;
    return sk_frontend_change_namespace(sk_frontend_of(call), ctx, r->namespace_, apply_deprecate,
                                        NULL, &ns);
}

/* ---- deleting ---- */

static sk_err apply_delete(struct sk_frontend *frontend, struct sk_ctx *ctx, const void *arg,
                           struct sk_namespace *ns)
{
    ns->state = SK_NS_DELETED;
    ns->name =
        sk_arena_printf(ctx->arena, "%s-deleted-%.5s", ns->name, ns->uuid + strlen(ns->uuid) - 5);
    return SK_OK;
}

sk_err sk_frontend_delete_namespace(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                    void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const OS(DeleteNamespaceRequest) *r = request;
    OS(DeleteNamespaceResponse) *reply = response;
    const struct sk_namespace *ns;
    const char *name = r->namespace_;
    if (!sk_blank(r->namespace_) && !sk_blank(r->namespace_id))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Only one of namespace name or Id should be set on request.");
    if (!sk_blank(r->namespace_id)) {
        ns = sk_namespaces_by_uuid(frontend->o.namespaces, r->namespace_id);
        if (!ns)
            return sk_fail_namespace_not_found(ctx, r->namespace_id);
        name = ns->name;
    }
    sk_err err = sk_frontend_change_namespace(frontend, ctx, name, apply_delete, NULL, &ns);
    if (err != SK_OK)
        return err;
    reply->deleted_namespace = sk_wire_text(ns->name);
    sk_frontend_removal_wake(frontend->removal);
    return SK_OK;
}
