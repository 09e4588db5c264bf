/* Routes: made from the descriptors, matched on the path as it came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "frontend/frontend.h"
#include "rt/rt.h"
#include "web/routes.h"

struct fixture {
    struct sk_rt *rt;
    struct sk_web_routes *routes;
    struct sk_arena *arena;
    struct sk_web_match match;
    void (*body)(struct fixture *fx);
};

static void run(void *arg)
{
    struct fixture *fx = arg;
    struct sk_frontend_options options = {.version = "test"};
    struct sk_frontend *frontend = sk_frontend_new(&options);
    struct sk_rpc_server_options rpc_options = {.ip = "127.0.0.1"};
    struct sk_rpc_server *rpc;
    size_t count;
    int error;
    const struct sk_method *methods = sk_frontend_methods(frontend, &count);
    assert_int_equal(sk_rpc_listen(&rpc_options, methods, count, &rpc, &error), SK_OK);
    fx->routes = sk_web_routes_new(rpc);
    fx->arena = sk_arena_new(0);
    fx->body(fx);
    sk_arena_free(fx->arena);
    sk_web_routes_free(fx->routes);
    sk_rpc_drain(rpc, 100);
    sk_rpc_server_free(rpc);
    sk_frontend_free(frontend);
    sk_rt_stop(fx->rt);
}

static void with_routes(void (*body)(struct fixture *fx))
{
    struct sk_rt_options options = {.loop_count = 1};
    struct fixture fx = {.rt = sk_rt_new(&options), .body = body};
    sk_rt_run(fx.rt, run, &fx);
    sk_rt_free(fx.rt);
}

/* The method that a path leads to; NULL: none. */
static const char *leads_to(struct fixture *fx, enum sk_web_verb verb, const char *path)
{
    sk_web_routes_match(fx->routes, fx->arena, verb, sk_str_of(path), &fx->match);
    return fx->match.route ? fx->match.route->method->name : "";
}

static void has(struct fixture *fx, int index, const char *name, const char *value)
{
    assert_true(index < fx->match.route->variable_count);
    assert_string_equal(fx->match.route->variables[index], name);
    assert_true(sk_str_eq(fx->match.values[index], sk_str_of(value)));
}

static void annotated(struct fixture *fx)
{
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/api/v1/namespaces"), "ListNamespaces");
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/cluster/namespaces"), "ListNamespaces");
    assert_string_equal(leads_to(fx, SK_WEB_POST, "/api/v1/namespaces"), "RegisterNamespace");
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/cluster"), "GetClusterInfo");
    assert_string_equal(leads_to(fx, SK_WEB_POST, "/namespaces/n/workflows/w"),
                        "StartWorkflowExecution");
    assert_string_equal(fx->match.route->body, "*");
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/namespaces/n/workflows/w/history"),
                        "GetWorkflowExecutionHistory");
    assert_string_equal(fx->match.route->body, "");
    has(fx, 0, "namespace", "n");
    has(fx, 1, "execution.workflow_id", "w");
    // an additional binding
    assert_string_equal(leads_to(fx, SK_WEB_POST,
                                 "/api/v1/namespaces/n/workflows/w/activities/a/complete"),
                        "RespondActivityTaskCompletedById");
    // a literal goes before a variable, though both would do
    assert_string_equal(leads_to(fx, SK_WEB_POST, "/namespaces/n/workers/heartbeat"),
                        "RecordWorkerHeartbeat");
}

static void annotated_routes_are_found(void **state)
{
    (void)state;
    with_routes(annotated);
}

static void encoded(struct fixture *fx)
{
    assert_string_equal(leads_to(fx, SK_WEB_GET,
                                 "/namespaces/n/workflows/a%2Fb%20%23%25%3F%C3%A9/history"),
                        "GetWorkflowExecutionHistory");
    has(fx, 1, "execution.workflow_id", "a/b #%?\xc3\xa9");
    // a whole route within an id
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/namespaces/n/workflows/w%2Fhistory"),
                        "DescribeWorkflowExecution");
    has(fx, 1, "execution.workflow_id", "w/history");
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/namespaces/n/workflows/%2F"),
                        "DescribeWorkflowExecution");
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/n%61mespaces/n/workflows"),
                        "ListWorkflowExecutions");
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/namespaces/n/workflows/.."),
                        "DescribeWorkflowExecution"); // an id like any other
    // not UTF-8, half an escape, U+0000
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/namespaces/n/workflows/%ff"), "");
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/namespaces/n/workflows/%2"), "");
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/namespaces/n/workflows/%00"), "");
}

static void segments_are_parted_before_decoding(void **state)
{
    (void)state;
    with_routes(encoded);
}

static void absent(struct fixture *fx)
{
    static const char *const paths[] = {"",
                                        "/",
                                        "x",
                                        "/api",
                                        "/api/v1",
                                        "/api/v1/namespaces/",
                                        "//namespaces",
                                        "/namespaces//workflows",
                                        "/namespaces/n/workflows/",
                                        "/namespaces/n/workflows/w/x",
                                        "/api/v2/namespaces",
                                        "/api/v1/rpc/Nothing",
                                        "/api/v1/rpc/Check",
                                        "/api/v1/grpc.health.v1.Health/Check"};
    char deep[2 * 100 + 1];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (*leads_to(fx, SK_WEB_GET, paths[i]) || fx->match.allowed)
            fail_msg("%s leads to %s", paths[i], fx->match.route->method->name);
    }
    for (size_t i = 0; i < sizeof deep - 1; i++)
        deep[i] = i % 2 ? 'n' : '/';
    deep[sizeof deep - 1] = '\0';
    assert_string_equal(leads_to(fx, SK_WEB_GET, deep), "");
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    with_routes(absent);
}

static void verbs(struct fixture *fx)
{
    assert_string_equal(leads_to(fx, SK_WEB_DELETE, "/api/v1/namespaces"), "");
    assert_int_equal(fx->match.allowed, 1u << SK_WEB_GET | 1u << SK_WEB_POST);
    assert_string_equal(leads_to(fx, SK_WEB_GET, "/api/v1/rpc/DeleteWorkflowExecution"), "");
    assert_int_equal(fx->match.allowed, 1u << SK_WEB_POST);
}

static void other_verbs_are_known(void **state)
{
    (void)state;
    with_routes(verbs);
}

/* Every method has a way in, but those that only workers call; and each route leads to its own. */
static void all(struct fixture *fx)
{
    int annotated_count = 0, own = 0, left_out = 0;
    const struct sk_web_route *route = sk_web_routes_first(fx->routes);
    for (; route; route = route->next) {
        assert_string_equal(leads_to(fx, route->verb, route->pattern), route->method->name);
        assert_ptr_equal(fx->match.route, route);
        annotated_count += route->kind == SK_WEB_ANNOTATED;
        own += route->kind == SK_WEB_RPC && !route->annotated;
        left_out += route->kind == SK_WEB_LEFT_OUT;
        assert_false(route->kind == SK_WEB_LEFT_OUT && route->annotated);
        for (int i = 0; i < route->variable_count; i++) // "{x}" stands for itself here
            assert_int_equal(fx->match.values[i].n, strlen(route->variables[i]) + 2);
    }
    assert_true(annotated_count > 200);
    assert_true(own > 10 && left_out >= 6);
}

static void every_method_has_its_routes(void **state)
{
    (void)state;
    with_routes(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(annotated_routes_are_found),
        cmocka_unit_test(segments_are_parted_before_decoding),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(other_verbs_are_known),
        cmocka_unit_test(every_method_has_its_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
