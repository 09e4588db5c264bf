/*
 * The versioning override of a start. This server has no worker deployments yet, so a run cannot be
 * pinned to one: Temporal's answer to a version that no worker has is the right one for all. To
 * follow the newest version is what every run does here, so that is accepted, kept and shown.
 *
 * An override comes in today's form or one of two older ones; histories have today's.
 */
#include "frontend/frontend_internal.h"

#include <string.h>

typedef Temporal__Api__Workflow__V1__VersioningOverride override_pb;

#define FORM(name) TEMPORAL__API__WORKFLOW__V1__VERSIONING_OVERRIDE__OVERRIDE_##name
#define BEHAVIOR(name) TEMPORAL__API__ENUMS__V1__VERSIONING_BEHAVIOR__VERSIONING_BEHAVIOR_##name

static sk_err not_there(struct sk_ctx *ctx, const char *deployment, const char *build,
                        const char *queue)
{
    return sk_fail(ctx, SK_FAILED_PRECONDITION,
                   "Pinned version '%s:%s' is not present in task queue '%s' of type 'Workflow'",
                   deployment, build, queue);
}

static sk_err check_pinned(struct sk_ctx *ctx,
                           const Temporal__Api__Workflow__V1__VersioningOverride__PinnedOverride *p,
                           const char *queue)
{
    if (!p->version)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "must provide version if override is pinned.");
    if (p->behavior == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "must specify pinned override behavior if override is pinned.");
    return not_there(ctx, p->version->deployment_name, p->version->build_id, queue);
}

/* The older forms: a behavior, and for a pinned run a deployment or "deployment.build". */
static sk_err check_old(struct sk_ctx *ctx, const override_pb *o, const char *queue)
{
    const char *dot = strchr(o->pinned_version, '.');
    switch ((int)o->behavior) {
    case BEHAVIOR(AUTO_UPGRADE):
        if (o->deployment || !sk_blank(o->pinned_version))
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "only provide %s if behavior is 'PINNED'",
                           o->deployment ? "deployment" : "pinned version");
        return SK_OK;
    case BEHAVIOR(PINNED):
        if (o->deployment)
            return not_there(ctx, o->deployment->series_name, o->deployment->build_id, queue);
        if (sk_blank(o->pinned_version))
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "must provide deployment (deprecated) or pinned version if behavior is "
                           "'PINNED'");
        if (!dot || dot == o->pinned_version)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "invalid version string \"%s\", expected format is "
                           "\"<deployment_name>.<build_id>\"",
                           o->pinned_version);
        return not_there(
            ctx, sk_arena_strndup(ctx->arena, o->pinned_version, (size_t)(dot - o->pinned_version)),
            dot + 1, queue);
    case BEHAVIOR(UNSPECIFIED):
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "override behavior is required");
    default:
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "override behavior %d not recognized",
                       (int)o->behavior);
    }
}

static sk_err check(struct sk_ctx *ctx, const override_pb *o, const char *queue)
{
    switch ((int)o->override_case) {
    case FORM(AUTO_UPGRADE):
        return o->auto_upgrade ? SK_OK : check_old(ctx, o, queue);
    case FORM(PINNED):
        return check_pinned(ctx, o->pinned, queue);
    case FORM(ONE_TIME):
        if (!o->one_time->target_deployment_version)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "must provide target deployment version if override is one-time.");
        return not_there(ctx, o->one_time->target_deployment_version->deployment_name,
                         o->one_time->target_deployment_version->build_id, queue);
    default:
        return check_old(ctx, o, queue);
    }
}

sk_err sk_frontend_versioning(struct sk_ctx *ctx, const char *queue, override_pb **override)
{
    if (!*override)
        return SK_OK;
    sk_err err = check(ctx, *override, queue);
    if (err != SK_OK)
        return err;
    override_pb *today = SK_NEW(ctx->arena, override_pb);
    temporal__api__workflow__v1__versioning_override__init(today);
    today->override_case = FORM(AUTO_UPGRADE);
    today->auto_upgrade = true;
    *override = today;
    return SK_OK;
}
