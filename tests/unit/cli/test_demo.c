/* The demo's stories, played from histories without a server; addresses and payloads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "cli/client.h"
#include "cli/demo_internal.h"
#include "cli/process.h"

#define EVENT(name) TEMPORAL__API__ENUMS__V1__EVENT_TYPE__EVENT_TYPE_##name
#define COMMAND(name) TEMPORAL__API__ENUMS__V1__COMMAND_TYPE__COMMAND_TYPE_##name
#define EVENTS_MAX 32

static struct sk_ctx ctx;
static API_HISTORY(History) history;
static API_HISTORY(HistoryEvent) * events[EVENTS_MAX];

static int setup(void **state)
{
    ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    temporal__api__history__v1__history__init(&history);
    history.events = events;
    return 0;
}

static int teardown(void **state)
{
    sk_arena_free(ctx.arena);
    return 0;
}

static API_HISTORY(HistoryEvent) * add(int type)
{
    API_HISTORY(HistoryEvent) *e =
        API_NEW(ctx.arena, API_HISTORY(HistoryEvent), temporal__api__history__v1__history_event_);
    e->event_type = (Temporal__Api__Enums__V1__EventType)type;
    events[history.n_events++] = e;
    return e;
}

static void start(const char *story)
{
    API_HISTORY(HistoryEvent) *e = add(EVENT(WORKFLOW_EXECUTION_STARTED));
    e->workflow_execution_started_event_attributes =
        API_NEW(ctx.arena, API_HISTORY(WorkflowExecutionStartedEventAttributes),
                temporal__api__history__v1__workflow_execution_started_event_attributes_);
    e->workflow_execution_started_event_attributes->input = sk_demo_input(ctx.arena, "o-1", story);
}

/* The one command that follows, or 0. */
static API_COMMAND(Command) * next(void)
{
    size_t n;
    API_COMMAND(Command) **commands = sk_demo_decide(ctx.arena, &history, "o-1", &n);
    assert_true(n <= 1);
    return n ? commands[0] : NULL;
}

static void expect_activity(const char *type)
{
    API_COMMAND(Command) *c = next();
    assert_non_null(c);
    assert_int_equal(c->command_type, COMMAND(SCHEDULE_ACTIVITY_TASK));
    assert_string_equal(c->schedule_activity_task_command_attributes->activity_type->name, type);
    add(EVENT(ACTIVITY_TASK_SCHEDULED));
    assert_null(next()); // it waits
    add(EVENT(ACTIVITY_TASK_STARTED));
}

static void expect(int type)
{
    API_COMMAND(Command) *c = next();
    assert_non_null(c);
    assert_int_equal(c->command_type, type);
}

static void an_order_is_shipped(void **state)
{
    static const char *const steps[] = {"ReserveStock", "ChargeCard", "ShipOrder"};
    start("shipped");
    for (int i = 0; i < 3; i++) {
        expect_activity(steps[i]);
        add(EVENT(ACTIVITY_TASK_COMPLETED));
    }
    expect(COMMAND(COMPLETE_WORKFLOW_EXECUTION));
}

static void a_declined_card_puts_the_stock_back(void **state)
{
    start("card-declined");
    expect_activity("ReserveStock");
    add(EVENT(ACTIVITY_TASK_COMPLETED));
    expect_activity("ChargeCard");
    add(EVENT(ACTIVITY_TASK_FAILED));
    expect_activity("ReleaseStock");
    add(EVENT(ACTIVITY_TASK_COMPLETED));
    expect(COMMAND(FAIL_WORKFLOW_EXECUTION));
}

static void timers_and_children(void **state)
{
    start("second-thoughts");
    expect(COMMAND(START_TIMER));
    add(EVENT(TIMER_STARTED));
    assert_null(next());
    add(EVENT(TIMER_FIRED));
    expect_activity("ChargeCard");
    history.n_events = 0;
    start("gift");
    expect_activity("ReserveStock");
    add(EVENT(ACTIVITY_TASK_COMPLETED));
    API_COMMAND(Command) *c = next();
    assert_int_equal(c->command_type, COMMAND(START_CHILD_WORKFLOW_EXECUTION));
    assert_string_equal(c->start_child_workflow_execution_command_attributes->workflow_id,
                        "o-1-gift-wrap");
    add(EVENT(START_CHILD_WORKFLOW_EXECUTION_INITIATED));
    add(EVENT(CHILD_WORKFLOW_EXECUTION_STARTED));
    assert_null(next());
    add(EVENT(CHILD_WORKFLOW_EXECUTION_COMPLETED));
    expect_activity("ShipOrder");
}

static void a_signal_counts_whenever_it_came(void **state)
{
    start("approval");
    assert_null(next());
    add(EVENT(WORKFLOW_EXECUTION_SIGNALED));
    expect_activity("ChargeCard");
    add(EVENT(ACTIVITY_TASK_COMPLETED));
    expect_activity("ShipOrder");
    history.n_events = 0;
    start("pick-up");
    add(EVENT(WORKFLOW_EXECUTION_SIGNALED)); // before the step that waits for it
    expect_activity("ReserveStock");
    add(EVENT(ACTIVITY_TASK_COMPLETED));
    expect(COMMAND(COMPLETE_WORKFLOW_EXECUTION));
}

static void cancellation_ends_it(void **state)
{
    start("changed-mind");
    expect_activity("ReserveStock");
    add(EVENT(WORKFLOW_EXECUTION_CANCEL_REQUESTED));
    expect(COMMAND(CANCEL_WORKFLOW_EXECUTION));
}

static void an_unknown_story_fails(void **state)
{
    start("bogus");
    expect(COMMAND(FAIL_WORKFLOW_EXECUTION));
    history.n_events = 0;
    assert_int_equal(next()->command_type, COMMAND(FAIL_WORKFLOW_EXECUTION));
}

static void addresses(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
    } good[] = {
        {"localhost:1", "localhost", 1},
        {"127.0.0.1", "127.0.0.1", 7233},
        {"[::1]:9", "::1", 9},
        {"[::1]", "::1", 7233},
    };
    static const char *const bad[] = {"",    ":1",  "a:",   "a:0",     "a:65536",
                                      "a:x", "::1", "[::1", "[::1]x:1"};
    const char *host;
    int port;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(sk_cli_address(&ctx, "address", good[i].text, &host, &port), SK_OK);
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        sk_ctx_clear(&ctx);
        assert_int_equal(sk_cli_address(&ctx, "address", bad[i], &host, &port),
                         SK_INVALID_ARGUMENT);
    }
}

static void payloads_without_bytes_are_empty(void **state)
{
    API_COMMON(Payloads) none;
    temporal__api__common__v1__payloads__init(&none);
    assert_int_equal(sk_cli_payload_bytes(NULL).n, 0);
    assert_int_equal(sk_cli_payload_bytes(&none).n, 0);
    assert_int_equal(sk_cli_payload_bytes(sk_cli_payloads(ctx.arena, "binary/plain", "", 0)).n, 0);
    assert_int_equal(sk_cli_payload_bytes(sk_cli_payloads(ctx.arena, "binary/plain", "abc", 3)).n,
                     3);
}

static void this_process_uses_something(void **state)
{
    struct sk_process_use use;
    assert_true(sk_process_use(getpid(), &use));
    assert_true(use.rss_bytes > 100000 && use.peak_bytes >= use.rss_bytes && use.cpu_us >= 0);
    assert_false(sk_process_use(INT32_MAX, &use));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_order_is_shipped),
        TEST(a_declined_card_puts_the_stock_back),
        TEST(timers_and_children),
        TEST(a_signal_counts_whenever_it_came),
        TEST(cancellation_ends_it),
        TEST(an_unknown_story_fails),
        TEST(addresses),
        TEST(payloads_without_bytes_are_empty),
        TEST(this_process_uses_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
