/*
 * Saved views: named lists of workflows, one meta record of the store each (kind "view:<namespace's
 * number>", key the name, value the SavedView without its etag). The store versions each record, so
 * two changes of one view at once cannot both win: the etag is the record's version together with
 * when the view was made, since a name that was deleted and made anew starts at version 1 again.
 *
 * A rename writes the new name first, which refuses a name that is taken, and then removes the old
 * one. A crash between the two leaves both; the user sees two views and deletes one.
 *
 * Thread: the request's fiber on any loop. Failure: INVALID_ARGUMENT for fields past their limits,
 * NOT_FOUND, ALREADY_EXISTS, ABORTED for a stale etag, RESOURCE_EXHAUSTED past VIEWS_MAX.
 */
#include "frontend/frontend_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/log.h"
#include "skald/api/v1/view.pb-c.h"
#include "wire/text.h"

#define VIEWS_MAX 500 /* a namespace */
#define NAME_BYTES_MAX 200
#define DESCRIPTION_BYTES_MAX 1000
#define SORT_BYTES_MAX 200
#define COLUMN_BYTES_MAX 200
#define COLUMNS_MAX 100
#define QUERY_BYTES_MAX 65536

typedef SKAPI(SavedView) view_pb;

static struct sk_str kind_of(struct sk_ctx *ctx, const struct sk_namespace *ns)
{
    return sk_str_of(sk_arena_printf(ctx->arena, "view:%" PRIu32, ns->id));
}

/* ---- checks ---- */

static sk_err check_text(struct sk_ctx *ctx, const char *what, const char *value, size_t max)
{
    size_t n = strlen(value);
    if (n <= max)
        return SK_OK;
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "view.%s has %zu bytes, at most %zu", what, n, max);
}

static sk_err check_name(struct sk_ctx *ctx, const char *name)
{
    if (sk_blank(name))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "view.name is not set on request.");
    return check_text(ctx, "name", name, NAME_BYTES_MAX);
}

static sk_err check_view(struct sk_ctx *ctx, const view_pb *view)
{
    if (!view)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "view is not set on request.");
    sk_err err = check_name(ctx, view->name);
    if (err == SK_OK)
        err = check_text(ctx, "query", view->query, QUERY_BYTES_MAX);
    if (err == SK_OK)
        err = check_text(ctx, "sort", view->sort, SORT_BYTES_MAX);
    if (err == SK_OK)
        err = check_text(ctx, "description", view->description, DESCRIPTION_BYTES_MAX);
    if (err == SK_OK && view->n_columns > COLUMNS_MAX)
        err = sk_fail(ctx, SK_INVALID_ARGUMENT, "view.columns has %zu entries, at most %d",
                      view->n_columns, COLUMNS_MAX);
    for (size_t i = 0; i < view->n_columns && err == SK_OK; i++)
        err = check_text(ctx, "columns", view->columns[i], COLUMN_BYTES_MAX);
    return err;
}

/* ---- records ---- */

static char *etag_of(struct sk_ctx *ctx, const view_pb *view, int64_t version)
{
    const Google__Protobuf__Timestamp *made = view->create_time;
    int64_t ms = made ? made->seconds * 1000 + made->nanos / 1000000 : 0;
    return sk_arena_printf(ctx->arena, "%" PRIx64 "-%" PRId64, (uint64_t)ms, version);
}

static sk_err unpack(struct sk_ctx *ctx, const struct sk_meta_row *row, view_pb **ret)
{
    ProtobufCMessage *message;
    sk_err err =
        sk_wire_decode_own(ctx, &skald__api__v1__saved_view__descriptor, row->value, &message);
    if (err != SK_OK)
        return err;
    *ret = (view_pb *)message;
    (*ret)->etag = etag_of(ctx, *ret, row->version);
    return SK_OK;
}

static sk_err read_view(struct sk_frontend *frontend, struct sk_ctx *ctx,
                        const struct sk_namespace *ns, const char *name,
                        struct sk_meta_row *ret_row, view_pb **ret)
{
    sk_err err =
        sk_store_meta_get(frontend->o.store, ctx, kind_of(ctx, ns), sk_str_of(name), ret_row);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        return sk_fail(ctx, SK_NOT_FOUND, "saved view \"%s\" not found", name);
    }
    return err == SK_OK ? unpack(ctx, ret_row, ret) : err;
}

static sk_err stale(struct sk_ctx *ctx, const char *name)
{
    sk_ctx_clear(ctx);
    return sk_fail(ctx, SK_ABORTED,
                   "saved view \"%s\" was changed by somebody else meanwhile; read it again", name);
}

static sk_err check_etag(struct sk_ctx *ctx, const view_pb *view, const char *etag)
{
    return sk_blank(etag) || strcmp(etag, view->etag) == 0 ? SK_OK : stale(ctx, view->name);
}

/* version 1: it must be new. CONDITION when the store holds another. */
static sk_err write_view(struct sk_frontend *frontend, struct sk_ctx *ctx,
                         const struct sk_namespace *ns, view_pb *view, int64_t version)
{
    view->etag = sk_wire_text("");
    struct sk_meta_row row = {.kind = kind_of(ctx, ns),
                              .key = sk_str_of(view->name),
                              .value = sk_wire_pack(ctx->arena, &view->base),
                              .version = version};
    sk_err err = sk_store_meta_put(frontend->o.store, ctx, &row);
    view->etag = etag_of(ctx, view, version);
    return err;
}

static sk_err remove_row(struct sk_frontend *frontend, struct sk_ctx *ctx,
                         const struct sk_meta_row *row, const char *name)
{
    sk_err err = sk_store_meta_delete(frontend->o.store, ctx, row);
    return err == SK_CONDITION || err == SK_NOT_FOUND ? stale(ctx, name) : err;
}

/* ---- list ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(view_pb *const *)a)->name, (*(view_pb *const *)b)->name);
}

sk_err sk_frontend_list_saved_views(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                    void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(ListSavedViewsRequest) *r = request;
    SKAPI(ListSavedViewsResponse) *to = response;
    const struct sk_namespace *ns;
    struct sk_meta_row *rows;
    size_t count = 0;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = sk_store_meta_list(frontend->o.store, ctx, kind_of(ctx, ns), &rows, &count);
    if (err != SK_OK)
        return err;
    to->views = SK_NEW_N(ctx->arena, view_pb *, count);
    for (size_t i = 0; i < count && err == SK_OK; i++)
        err = unpack(ctx, &rows[i], &to->views[to->n_views++]);
    if (err == SK_OK && count)
        qsort(to->views, count, sizeof *to->views, by_name);
    return err;
}

/* ---- changes ---- */

static sk_err check_room(struct sk_frontend *frontend, struct sk_ctx *ctx,
                         const struct sk_namespace *ns)
{
    struct sk_meta_row *rows;
    size_t count = 0;
    sk_err err = sk_store_meta_list(frontend->o.store, ctx, kind_of(ctx, ns), &rows, &count);
    if (err == SK_OK && count >= VIEWS_MAX)
        err = sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                      "namespace %s has %zu saved views, at most %d: delete one first", ns->name,
                      count, VIEWS_MAX);
    return err;
}

/* What is not the caller's to set. */
static void stamp(struct sk_ctx *ctx, view_pb *view, const view_pb *before, const char *identity)
{
    view->update_time = sk_frontend_timestamp(ctx, sk_now_wall_ms());
    view->create_time = before ? before->create_time : view->update_time;
    view->updated_by = sk_wire_text(identity);
    if (before)
        view->owner = before->owner;
    else if (sk_blank(view->owner))
        view->owner = sk_wire_text(identity);
}

static sk_err taken(struct sk_ctx *ctx, const char *name)
{
    sk_ctx_clear(ctx);
    return sk_fail(ctx, SK_ALREADY_EXISTS, "saved view \"%s\" exists already", name);
}

sk_err sk_frontend_create_saved_view(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                     void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(CreateSavedViewRequest) *r = request;
    SKAPI(CreateSavedViewResponse) *to = response;
    const struct sk_namespace *ns;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = check_view(ctx, r->view);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r->identity);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "view.owner", r->view->owner);
    if (err == SK_OK)
        err = check_room(frontend, ctx, ns);
    if (err != SK_OK)
        return err;
    to->view = sk_arena_memdup(ctx->arena, r->view, sizeof *r->view);
    stamp(ctx, to->view, NULL, r->identity);
    err = write_view(frontend, ctx, ns, to->view, 1);
    return err == SK_CONDITION ? taken(ctx, to->view->name) : err;
}

/* Under another name: the new record, then the end of the old one. */
static sk_err rename_view(struct sk_frontend *frontend, struct sk_ctx *ctx,
                          const struct sk_namespace *ns, const struct sk_meta_row *old,
                          const char *old_name, view_pb *view)
{
    sk_err err = write_view(frontend, ctx, ns, view, 1);
    if (err == SK_CONDITION)
        return taken(ctx, view->name);
    if (err != SK_OK)
        return err;
    err = remove_row(frontend, ctx, old, old_name);
    if (err != SK_ABORTED)
        return err;
    // Somebody changed the old one in between: theirs stays, and ours was never there.
    struct sk_ctx undo = {.arena = ctx->arena};
    struct sk_meta_row row = {.kind = kind_of(ctx, ns), .key = sk_str_of(view->name), .version = 1};
    if (sk_store_meta_delete(frontend->o.store, &undo, &row) != SK_OK)
        SK_LOG(WARN, "frontend", "a renamed view that was refused is still there",
               SK_KV("name", view->name));
    return err;
}

sk_err sk_frontend_update_saved_view(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                     void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(UpdateSavedViewRequest) *r = request;
    SKAPI(UpdateSavedViewResponse) *to = response;
    const struct sk_namespace *ns;
    struct sk_meta_row row;
    view_pb *before;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = check_name(ctx, r->name);
    if (err == SK_OK)
        err = check_view(ctx, r->view);
    if (err == SK_OK)
        err = sk_frontend_check_id(frontend, ctx, "Identity", r->identity);
    if (err == SK_OK)
        err = read_view(frontend, ctx, ns, r->name, &row, &before);
    if (err == SK_OK)
        err = check_etag(ctx, before, r->view->etag);
    if (err != SK_OK)
        return err;
    to->view = sk_arena_memdup(ctx->arena, r->view, sizeof *r->view);
    stamp(ctx, to->view, before, r->identity);
    if (strcmp(r->name, to->view->name) != 0)
        return rename_view(frontend, ctx, ns, &row, r->name, to->view);
    err = write_view(frontend, ctx, ns, to->view, row.version + 1);
    return err == SK_CONDITION ? stale(ctx, r->name) : err;
}

sk_err sk_frontend_delete_saved_view(struct sk_call *call, struct sk_ctx *ctx, const void *request,
                                     void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    const SKAPI(DeleteSavedViewRequest) *r = request;
    const struct sk_namespace *ns;
    struct sk_meta_row row;
    view_pb *view;
    (void)response;
    sk_err err = sk_frontend_namespace(frontend, ctx, r->namespace_, &ns);
    if (err == SK_OK)
        err = check_name(ctx, r->name);
    if (err == SK_OK)
        err = read_view(frontend, ctx, ns, r->name, &row, &view);
    if (err == SK_OK)
        err = check_etag(ctx, view, r->etag);
    return err == SK_OK ? remove_row(frontend, ctx, &row, r->name) : err;
}

/* ---- with their namespace ---- */

sk_err sk_frontend_remove_views(struct sk_frontend *frontend, struct sk_ctx *ctx,
                                const struct sk_namespace *ns)
{
    struct sk_meta_row *rows;
    size_t count = 0;
    sk_err err = sk_store_meta_list(frontend->o.store, ctx, kind_of(ctx, ns), &rows, &count);
    for (size_t i = 0; i < count && err == SK_OK; i++)
        err = sk_store_meta_delete(frontend->o.store, ctx, &rows[i]);
    return err;
}
