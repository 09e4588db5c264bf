/*
 * Removing what a deleted namespace leaves behind. One fiber, started when something was deleted
 * and at boot, walks the deleted namespaces: it lists a page of runs, deletes each through the
 * engine (which ends an open one first), and begins again until the list is empty; then the record
 * itself is forgotten. A crash at any point only means that the next boot goes on.
 *
 * A request that was under way when the namespace was deleted may still write a run: the record is
 * only forgotten when the list has been empty for GRACE_MS.
 *
 * A run that cannot be deleted now (the engine or the store says so) is tried again after a pause;
 * an empty list is the only end.
 *
 * Thread: the fiber lives on the loop that first woke it; `wanted` and `running` are atomic, since
 * any loop may wake it. Failure: logged, then tried again.
 */
#include "frontend/frontend_internal.h"

#include <stdatomic.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "rt/rt.h"
#include "store/vis_query.h"
#include "wire/text.h"

#define PAGE 100
#define PAUSE_MS 1000
#define IDLE_CHECK_MS 20
#define GRACE_MS 1000
#define ARENA_BYTES (16 << 20)

struct sk_frontend_removal {
    struct sk_frontend *frontend;
    atomic_bool wanted;  /* look (again) */
    atomic_bool running; /* a fiber is at work */
    atomic_bool stopping;
    struct sk_imap *empty_since; /* namespace id -> monotonic ms; the fiber's own */
};

struct sk_frontend_removal *sk_frontend_removal_new(struct sk_frontend *frontend)
{
    struct sk_frontend_removal *removal = sk_mem_zalloc(sizeof *removal);
    removal->frontend = frontend;
    removal->empty_since = sk_imap_new();
    return removal;
}

static sk_err delete_run(struct sk_frontend *frontend, struct sk_ctx *ctx,
                         const struct sk_namespace *ns, const struct sk_run_key *run)
{
    char run_id[SK_UUID_TEXT];
    API_COMMON(WorkflowExecution) execution;
    WS(DeleteWorkflowExecutionRequest) request;
    WS(DeleteWorkflowExecutionResponse) response;
    temporal__api__common__v1__workflow_execution__init(&execution);
    temporal__api__workflowservice__v1__delete_workflow_execution_request__init(&request);
    temporal__api__workflowservice__v1__delete_workflow_execution_response__init(&response);
    sk_uuid_format(run->run_id, run_id);
    execution.workflow_id = sk_arena_strndup(ctx->arena, run->workflow_id.p, run->workflow_id.n);
    execution.run_id = run_id;
    request.namespace_ = sk_wire_text(ns->name);
    request.workflow_execution = &execution;
    sk_err err = sk_engine_delete_run(frontend->o.engine, ctx, ns, &request, &response);
    if (err == SK_NOT_FOUND) { // already on its way
        sk_ctx_clear(ctx);
        return SK_OK;
    }
    return err;
}

/* One page. *ret_left: whether there may be more. */
static sk_err remove_page(struct sk_frontend_removal *removal, struct sk_ctx *ctx,
                          const struct sk_namespace *ns, bool *ret_left)
{
    struct sk_frontend *frontend = removal->frontend;
    struct sk_vis_query query = {.ns = ns->id, .all_divisions = true, .page_size = PAGE};
    struct sk_vis_page page = {0};
    sk_err err = sk_store_vis_list(frontend->o.store, ctx, &query, &page);
    for (size_t i = 0; i < page.count && err == SK_OK && !atomic_load(&removal->stopping); i++)
        err = delete_run(frontend, ctx, ns, &page.rows[i].run);
    *ret_left = page.count > 0;
    return err;
}

/* Empty for long enough? Counts from the first time this is asked since it was not. */
static bool settled(struct sk_frontend_removal *removal, sk_ns_id id, bool empty)
{
    intptr_t now = (intptr_t)sk_now_mono_ms() + 1; // never 0
    void *since = sk_imap_get(removal->empty_since, id);
    if (!empty || (since && now - (intptr_t)since >= GRACE_MS)) {
        sk_imap_remove(removal->empty_since, id);
        return empty;
    }
    if (!since)
        sk_imap_put(removal->empty_since, id, (void *)now);
    return false;
}

/* One round over all deleted namespaces. *ret_left: something is still there. */
static sk_err remove_round(struct sk_frontend_removal *removal, struct sk_ctx *ctx, bool *ret_left)
{
    struct sk_namespaces *namespaces = removal->frontend->o.namespaces;
    const struct sk_namespace **deleted;
    size_t n = sk_namespaces_deleted(namespaces, ctx->arena, &deleted);
    *ret_left = false;
    for (size_t i = 0; i < n && !atomic_load(&removal->stopping); i++) {
        bool left = false;
        sk_err err = remove_page(removal, ctx, deleted[i], &left);
        bool done = err == SK_OK && settled(removal, deleted[i]->id, !left);
        if (done)
            err = sk_frontend_remove_views(removal->frontend, ctx, deleted[i]);
        if (done && err == SK_OK)
            err = sk_namespaces_forget(namespaces, ctx, deleted[i]);
        *ret_left = *ret_left || !done || err != SK_OK;
        if (err != SK_OK)
            return err;
    }
    return SK_OK;
}

static void work(void *arg)
{
    struct sk_frontend_removal *removal = arg;
    bool left = true;
    while (!atomic_load(&removal->stopping) && (atomic_exchange(&removal->wanted, false) || left)) {
        struct sk_ctx ctx = {.arena = sk_arena_new(ARENA_BYTES)};
        sk_err err = remove_round(removal, &ctx, &left);
        if (err != SK_OK)
            SK_LOG(WARN, "frontend", "removing a deleted namespace failed, will try again",
                   SK_KV("error", ctx.err.message));
        sk_arena_free(ctx.arena);
        if (left && !atomic_load(&removal->stopping))
            sk_fiber_sleep(err == SK_OK ? IDLE_CHECK_MS : PAUSE_MS);
    }
    atomic_store(&removal->running, false);
    if (atomic_load(&removal->wanted)) // woken between the last look and here
        sk_frontend_removal_wake(removal);
}

void sk_frontend_removal_wake(struct sk_frontend_removal *removal)
{
    atomic_store(&removal->wanted, true);
    if (!atomic_load(&removal->stopping) && !atomic_exchange(&removal->running, true))
        sk_fiber_spawn(work, removal);
}

void sk_frontend_removal_stop(struct sk_frontend_removal *removal)
{
    atomic_store(&removal->stopping, true);
    while (atomic_load(&removal->running))
        sk_fiber_sleep(IDLE_CHECK_MS);
}

void sk_frontend_removal_free(struct sk_frontend_removal *removal)
{
    if (!removal)
        return;
    sk_imap_free(removal->empty_since);
    sk_mem_free(removal);
}
