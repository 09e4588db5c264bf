/* Task queues that nobody used for longer than matching remembers, on virtual time: listed for a
 * day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/assert.h"
#include "figures/figures.h"
#include "frontend/frontend_internal.h"
#include "rt/rt.h"

#define CHECK(cond) ((cond) ? (void)0 : sk_panic(__FILE__, __LINE__, "check failed: %s", #cond))
#define REASON(name) SKALD__API__V1__IDLE_REASON__IDLE_REASON_##name

static void on_server(void *owner, uint64_t *ret_commits, uint64_t *ret_cpu_ms, uint64_t *ret_bytes)
{
    *ret_commits = *ret_cpu_ms = *ret_bytes = 0;
}

static int64_t on_backlog(void *owner, struct sk_ctx *ctx, enum sk_figure_kind kind, uint32_t ns,
                          struct sk_str name)
{
    return 0;
}

static const struct sk_rings_source source = {on_server, on_backlog, NULL};

struct world {
    struct sk_rt *rt;
    struct sk_ctx ctx;
    struct sk_frontend *frontend;
    const struct sk_namespace *ns;
};

static SKAPI(ListTaskQueuesResponse) list(struct world *w)
{
    SKAPI(ListTaskQueuesRequest) request;
    SKAPI(ListTaskQueuesResponse) response;
    skald__api__v1__list_task_queues_request__init(&request);
    skald__api__v1__list_task_queues_response__init(&response);
    CHECK(sk_frontend_fill_task_queues(w->frontend, &w->ctx, w->ns, &request, &response) == SK_OK);
    return response;
}

static void check(struct world *w)
{
    struct sk_figures *figures = w->frontend->o.figures;
    CHECK(list(w).n_task_queues == 0);
    sk_rings_note(figures->rings, SK_FIGURE_ACTIVITY_QUEUE, w->ns->id, SK_STR("old"),
                  SK_QUEUE_ADDED, -1);
    sk_rings_note(figures->rings, SK_FIGURE_ACTIVITY_QUEUE, w->ns->id + 1, SK_STR("other's"),
                  SK_QUEUE_ADDED, -1);
    sk_fiber_sleep(2 * SK_RINGS_MINUTE_MS);
    SKAPI(ListTaskQueuesResponse) all = list(w);
    CHECK(all.n_task_queues == 1 && strcmp(all.task_queues[0]->name, "old") == 0);
    CHECK((int)all.task_queues[0]->type ==
          TEMPORAL__API__ENUMS__V1__TASK_QUEUE_TYPE__TASK_QUEUE_TYPE_ACTIVITY);
    CHECK(all.task_queues[0]->idle_reason == REASON(NO_POLLERS)); // and not "never used"
    sk_fiber_sleep((int64_t)25 * 60 * SK_RINGS_MINUTE_MS);
    CHECK(list(w).n_task_queues == 0);
}

static void run(void *arg)
{
    struct world *w = arg;
    struct sk_store *store;
    struct sk_namespaces *namespaces;
    struct sk_limits limits;
    w->ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    sk_limits_default(&limits);
    CHECK(sk_memory_store_open(&w->ctx, &store) == SK_OK);
    CHECK(sk_namespaces_open(&w->ctx, store, &namespaces) == SK_OK);
    CHECK(sk_namespaces_put(namespaces, &w->ctx,
                            &(struct sk_namespace){.name = "default", .retention_ms = 86400000},
                            &w->ns) == SK_OK);
    struct sk_matching *matching = sk_matching_new(&(struct sk_matching_options){.store = store});
    CHECK(sk_matching_open(matching, &w->ctx) == SK_OK);
    struct sk_figures *figures = sk_figures_new(2);
    sk_rings_start(figures->rings, &source);
    w->frontend = sk_frontend_new(&(struct sk_frontend_options){.matching = matching,
                                                                .namespaces = namespaces,
                                                                .store = store,
                                                                .figures = figures,
                                                                .limits = &limits,
                                                                .version = "0.1"});
    check(w);
    sk_rings_stop(figures->rings);
    sk_frontend_stop(w->frontend);
    sk_frontend_free(w->frontend);
    sk_matching_free(matching);
    sk_figures_free(figures);
    sk_namespaces_close(namespaces);
    sk_store_close(store);
    sk_arena_free(w->ctx.arena);
    sk_rt_stop(w->rt);
}

static void test_known_for_a_day(void **state)
{
    struct world w = {
        .rt = sk_rt_new(&(struct sk_rt_options){
            .loop_count = 2, .simulated = true, .seed = 1, .start_wall_ms = 1700000000000})};
    sk_rt_run(w.rt, run, &w);
    sk_rt_free(w.rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_for_a_day)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
