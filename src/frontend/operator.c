/*
 * OperatorService's search attributes: add, remove, list; and the old GetSearchAttributes.
 *
 * Thread: the request's fiber on any loop. Failure: INVALID_ARGUMENT, ALREADY_EXISTS and NOT_FOUND
 * with Temporal's texts.
 */
#include "frontend/frontend_internal.h"

#include "visibility/search_attributes.h"
#include "wire/text.h"

typedef Temporal__Api__Enums__V1__IndexedValueType type_pb;

/* ---- add ---- */

static sk_err check_new(struct sk_ctx *ctx, const char *name, type_pb type)
{
    sk_err err = sk_sa_check_new_name(ctx, name);
    if (err != SK_OK)
        return err;
    if ((int)type < (int)SK_SA_TEXT || (int)type > (int)SK_SA_KEYWORD_LIST)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Unknown search attribute type: %d.", (int)type);
    return SK_OK;
}

static sk_err apply_add(struct sk_frontend *frontend, struct sk_ctx *ctx, const void *arg,
                        struct sk_namespace *ns)
{
    const OS(AddSearchAttributesRequest) *r = arg;
    struct sk_search_attribute *all = SK_NEW_N(ctx->arena, struct sk_search_attribute,
                                               ns->attribute_count + r->n_search_attributes);
    memcpy(all, ns->attributes, ns->attribute_count * sizeof *all);
    ns->attributes = all;
    for (size_t i = 0; i < r->n_search_attributes; i++) {
        const char *name = r->search_attributes[i]->key;
        enum sk_sa_type type = (enum sk_sa_type)r->search_attributes[i]->value;
        const struct sk_search_attribute *old = sk_namespace_attribute(ns, sk_str_of(name));
        if (old && old->type != type)
            return sk_fail(ctx, SK_ALREADY_EXISTS,
                           "Search attribute %s already exists. (with type %s)", name,
                           sk_sa_type_name(old->type));
        if (!old)
            all[ns->attribute_count++] =
                (struct sk_search_attribute){.name = name, .type = type, .settable = true};
    }
    return SK_OK;
}

sk_err sk_frontend_add_search_attributes(struct sk_call *call, struct sk_ctx *ctx,
                                         const void *request, void *response)
{
    const OS(AddSearchAttributesRequest) *r = request;
    const struct sk_namespace *ns;
    sk_err err = SK_OK;
    if (r->n_search_attributes == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "SearchAttributes are not set on request.");
    for (size_t i = 0; i < r->n_search_attributes && err == SK_OK; i++)
        err = check_new(ctx, r->search_attributes[i]->key, r->search_attributes[i]->value);
    if (err != SK_OK)
        return err;
    return sk_frontend_change_namespace(sk_frontend_of(call), ctx, r->namespace_, apply_add, r,
                                        &ns);
}

/* ---- remove ---- */

static sk_err remove_one(struct sk_ctx *ctx, const char *name, struct sk_namespace *ns)
{
    switch (sk_sa_access(ns, sk_str_of(name))) {
    case SK_SA_CUSTOM:
        break;
    case SK_SA_UNKNOWN:
        return sk_fail(ctx, SK_NOT_FOUND, "Search attribute %s doesn't exist.", name);
    case SK_SA_WRITABLE:
    case SK_SA_INTERNAL:
    case SK_SA_SYSTEM:
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Unable to remove non-custom search attributes: %s.", name);
    }
    size_t kept = 0;
    for (size_t i = 0; i < ns->attribute_count; i++)
        if (strcmp(ns->attributes[i].name, name) != 0)
            ns->attributes[kept++] = ns->attributes[i];
    ns->attribute_count = kept;
    return SK_OK;
}

static sk_err apply_remove(struct sk_frontend *frontend, struct sk_ctx *ctx, const void *arg,
                           struct sk_namespace *ns)
{
    const OS(RemoveSearchAttributesRequest) *r = arg;
    sk_err err = SK_OK;
    ns->attributes =
        sk_arena_memdup(ctx->arena, ns->attributes, ns->attribute_count * sizeof *ns->attributes);
    for (size_t i = 0; i < r->n_search_attributes && err == SK_OK; i++)
        err = remove_one(ctx, r->search_attributes[i], ns);
    return err;
}

sk_err sk_frontend_remove_search_attributes(struct sk_call *call, struct sk_ctx *ctx,
                                            const void *request, void *response)
{
    const OS(RemoveSearchAttributesRequest) *r = request;
    const struct sk_namespace *ns;
    if (r->n_search_attributes == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "SearchAttributes are not set on request.");
    return sk_frontend_change_namespace(sk_frontend_of(call), ctx, r->namespace_, apply_remove, r,
                                        &ns);
}

/* ---- list ---- */

typedef OS(ListSearchAttributesResponse__CustomAttributesEntry) custom_pb;
typedef OS(ListSearchAttributesResponse__SystemAttributesEntry) system_pb;
typedef OS(ListSearchAttributesResponse__StorageSchemaEntry) schema_pb;

static size_t column_count(void)
{
    size_t n = 0;
    for (const struct sk_sa_system *c = sk_sa_system_columns(); c->name; c++)
        n++;
    return n;
}

static void add_custom(struct sk_arena *arena, OS(ListSearchAttributesResponse) * reply,
                       const struct sk_search_attribute *a)
{
    custom_pb *entry = sk_arena_alloc(arena, sizeof *entry);
    schema_pb *schema = sk_arena_alloc(arena, sizeof *schema);
    temporal__api__operatorservice__v1__list_search_attributes_response__custom_attributes_entry__init(
        entry);
    temporal__api__operatorservice__v1__list_search_attributes_response__storage_schema_entry__init(
        schema);
    entry->key = schema->key = sk_wire_text(a->name);
    entry->value = (type_pb)a->type;
    schema->value = sk_arena_printf(arena, "%s%02d", sk_sa_type_name(a->type), a->slot);
    reply->custom_attributes[reply->n_custom_attributes++] = entry;
    reply->storage_schema[reply->n_storage_schema++] = schema;
}

static void add_system(struct sk_arena *arena, OS(ListSearchAttributesResponse) * reply,
                       const char *name, enum sk_sa_type type)
{
    system_pb *entry = sk_arena_alloc(arena, sizeof *entry);
    temporal__api__operatorservice__v1__list_search_attributes_response__system_attributes_entry__init(
        entry);
    entry->key = sk_wire_text(name);
    entry->value = (type_pb)type;
    reply->system_attributes[reply->n_system_attributes++] = entry;
}

sk_err sk_frontend_list_search_attributes(struct sk_call *call, struct sk_ctx *ctx,
                                          const void *request, void *response)
{
    const OS(ListSearchAttributesRequest) *r = request;
    OS(ListSearchAttributesResponse) *reply = response;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(sk_frontend_of(call), ctx, r->namespace_, &ns);
    if (err != SK_OK)
        return err;
    reply->custom_attributes = SK_NEW_N(ctx->arena, custom_pb *, ns->attribute_count + 1);
    reply->storage_schema = SK_NEW_N(ctx->arena, schema_pb *, ns->attribute_count + 1);
    reply->system_attributes =
        SK_NEW_N(ctx->arena, system_pb *, ns->attribute_count + column_count() + 1);
    for (const struct sk_sa_system *c = sk_sa_system_columns(); c->name; c++)
        add_system(ctx->arena, reply, c->name, c->type);
    for (size_t i = 0; i < ns->attribute_count; i++) {
        const struct sk_search_attribute *a = &ns->attributes[i];
        if (a->system)
            add_system(ctx->arena, reply, a->name, a->type);
        else
            add_custom(ctx->arena, reply, a);
    }
    return SK_OK;
}

/* ---- the old form: one map of everything, of no namespace ---- */

typedef WS(GetSearchAttributesResponse__KeysEntry) key_pb;

static void add_key(struct sk_arena *arena, WS(GetSearchAttributesResponse) * reply,
                    const char *name, enum sk_sa_type type)
{
    for (size_t i = 0; i < reply->n_keys; i++)
        if (strcmp(reply->keys[i]->key, name) == 0)
            return;
    key_pb *entry = sk_arena_alloc(arena, sizeof *entry);
    temporal__api__workflowservice__v1__get_search_attributes_response__keys_entry__init(entry);
    entry->key = sk_wire_text(name);
    entry->value = (type_pb)type;
    reply->keys[reply->n_keys++] = entry;
}

sk_err sk_frontend_get_search_attributes(struct sk_call *call, struct sk_ctx *ctx,
                                         const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(GetSearchAttributesResponse) *reply = response;
    const struct sk_namespace **all;
    size_t n = sk_namespaces_list(frontend->o.namespaces, ctx->arena, &all), max = column_count();
    for (size_t i = 0; i < n; i++)
        max += all[i]->attribute_count;
    reply->keys = SK_NEW_N(ctx->arena, key_pb *, max + 1);
    for (const struct sk_sa_system *c = sk_sa_system_columns(); c->name; c++)
        add_key(ctx->arena, reply, c->name, c->type);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < all[i]->attribute_count; k++)
            add_key(ctx->arena, reply, all[i]->attributes[k].name, all[i]->attributes[k].type);
    return SK_OK;
}
