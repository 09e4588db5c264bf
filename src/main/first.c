/*
 * What a store must hold before anybody calls: the cluster's id and the namespaces named at start.
 * All of it is made once and found again later; two servers on one store would agree, since every
 * write is conditional and a lost race reads the winner's record.
 */
#include <string.h>
#include "main/server.h"
#include "store/namespaces.h"
#include "visibility/search_attributes.h"

sk_err sk_first_cluster_id(struct sk_ctx *ctx, struct sk_store *store, const char **ret)
{
    struct sk_meta_row row = {.kind = SK_STR("server"), .key = SK_STR("cluster_id"), .version = 1};
    struct sk_meta_row found;
    sk_err err = sk_store_meta_get(store, ctx, row.kind, row.key, &found);
    if (err == SK_NOT_FOUND) {
        char text[SK_UUID_TEXT];
        sk_ctx_clear(ctx);
        sk_uuid_format(sk_uuid_new(sk_rt_random(), sk_now_wall_ms()), text);
        row.value = sk_str_of(sk_arena_strdup(ctx->arena, text));
        found = row;
        err = sk_store_meta_put(store, ctx, &row);
        if (err == SK_CONDITION) { // another process was first
            sk_ctx_clear(ctx);
            err = sk_store_meta_get(store, ctx, row.kind, row.key, &found);
        }
    }
    if (!err)
        *ret = sk_arena_strndup(ctx->arena, found.value.p, found.value.n);
    return err;
}

static sk_err make_namespace(struct sk_ctx *ctx, struct sk_namespaces *namespaces, const char *name,
                             int64_t retention_ms, const struct sk_namespace **ret)
{
    *ret = sk_namespaces_by_name(namespaces, name);
    if (*ret)
        return SK_OK;
    struct sk_namespace record = {
        .name = name,
        .state = SK_NS_REGISTERED,
        .description = "",
        .owner_email = "",
        .retention_ms = retention_ms,
        .history_archival_state = 1, // disabled
        .visibility_archival_state = 1,
        .history_archival_uri = "",
        .visibility_archival_uri = "",
    };
    sk_err err = sk_namespaces_put(namespaces, ctx, &record, ret);
    if (err == SK_ALREADY_EXISTS) {
        sk_ctx_clear(ctx);
        *ret = sk_namespaces_by_name(namespaces, name);
        err = *ret ? SK_OK : sk_fail(ctx, SK_UNAVAILABLE, "namespace %s came and went", name);
    }
    return err;
}

static int type_of(const char *text)
{
    for (int t = SK_SA_TEXT; t <= SK_SA_KEYWORD_LIST; t++)
        if (sk_str_ieq(sk_str_of(sk_sa_type_name((enum sk_sa_type)t)), sk_str_of(text)))
            return t;
    return 0;
}

/* record with NAME=TYPE added; unchanged when it has it already. Columns are given by namespaces.
 */
static sk_err add_attribute(struct sk_ctx *ctx, struct sk_namespace *record, const char *pair)
{
    const char *equals = strchr(pair, '=');
    const char *name = sk_arena_strndup(ctx->arena, pair, (size_t)(equals - pair));
    enum sk_sa_type type = (enum sk_sa_type)type_of(equals + 1);
    const struct sk_search_attribute *there = sk_namespace_attribute(record, sk_str_of(name));
    if (there && there->type == type)
        return SK_OK;
    if (there)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "--search-attribute %s: namespace %s has it with type %s", pair,
                       record->name, sk_sa_type_name(there->type));
    sk_err err = sk_sa_check_new_name(ctx, name);
    if (err)
        return err;
    struct sk_search_attribute *all =
        SK_NEW_N(ctx->arena, struct sk_search_attribute, record->attribute_count + 1);
    if (record->attribute_count > 0)
        memcpy(all, record->attributes, record->attribute_count * sizeof(*all));
    all[record->attribute_count] = (struct sk_search_attribute){.name = name, .type = type};
    record->attributes = all;
    record->attribute_count++;
    return SK_OK;
}

static sk_err add_attributes(struct sk_ctx *ctx, struct sk_namespaces *namespaces,
                             const struct sk_namespace *ns, const char *const *pairs)
{
    struct sk_namespace record = *ns;
    for (; *pairs; pairs++) {
        sk_err err = add_attribute(ctx, &record, *pairs);
        if (err)
            return err;
    }
    if (record.attribute_count == ns->attribute_count)
        return SK_OK;
    return sk_namespaces_put(namespaces, ctx, &record, &ns);
}

sk_err sk_first_namespaces(struct sk_ctx *ctx, struct sk_namespaces *namespaces,
                           const struct sk_config *config)
{
    static const char *const standard[] = {"default", NULL};
    const char *const *const lists[] = {standard, config->namespaces};
    for (int i = 0; i < 2; i++) {
        for (const char *const *name = lists[i]; *name; name++) {
            const struct sk_namespace *ns = NULL;
            sk_err err = make_namespace(ctx, namespaces, *name, config->retention_ms, &ns);
            if (!err && config->search_attributes)
                err = add_attributes(ctx, namespaces, ns, config->search_attributes);
            if (err)
                return err;
        }
    }
    return SK_OK;
}
