/* Why nothing runs on a task queue: each reason from what matching says, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "frontend/idle.h"

#define REASON(name) SKALD__API__V1__IDLE_REASON__IDLE_REASON_##name
#define NOW_MS 1000000

static const struct sk_queue_info nothing = {.rate_limit = -1};

static void test_reasons(void **state)
{
    struct sk_queue_info waits = {.rate_limit = -1, .waiting_polls = 2, .last_poll_ms = NOW_MS};
    struct sk_queue_info gone = {.rate_limit = -1, .last_poll_ms = NOW_MS - 61000};
    struct sk_queue_info busy = {
        .rate_limit = -1, .last_poll_ms = NOW_MS - 1000, .poller_count = 1, .backlog_count = 3};
    struct sk_queue_info backlog = {.rate_limit = -1, .backlog_count = 3};
    struct sk_queue_info limited = {.rate_limit = 5,
                                    .waiting_polls = 1,
                                    .last_poll_ms = NOW_MS,
                                    .backlog_count = 3,
                                    .rate_limiting = true};
    assert_int_equal(sk_idle_reason(&nothing, &nothing, NOW_MS), REASON(NEVER_USED));
    assert_int_equal(sk_idle_reason(&backlog, &nothing, NOW_MS), REASON(NO_POLLERS));
    assert_int_equal(sk_idle_reason(&nothing, &backlog, NOW_MS), REASON(NO_POLLERS));
    assert_int_equal(sk_idle_reason(&backlog, &waits, NOW_MS), REASON(OTHER_TYPE_ONLY));
    assert_int_equal(sk_idle_reason(&nothing, &gone, NOW_MS), REASON(NO_POLLERS));
    assert_int_equal(sk_idle_reason(&gone, &waits, NOW_MS), REASON(POLLERS_GONE));
    assert_int_equal(sk_idle_reason(&busy, &nothing, NOW_MS), REASON(POLLERS_BUSY));
    assert_int_equal(sk_idle_reason(&limited, &nothing, NOW_MS), REASON(RATE_LIMITED));
    assert_int_equal(sk_idle_reason(&waits, &nothing, NOW_MS), REASON(NOTHING_TO_DO));
    waits.dispatch_rate = 1;
    assert_int_equal(sk_idle_reason(&waits, &nothing, NOW_MS), REASON(UNSPECIFIED));
    busy.backlog_count = 0;
    assert_int_equal(sk_idle_reason(&busy, &nothing, NOW_MS), REASON(UNSPECIFIED));
}

static void test_sentences(void **state)
{
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_queue_info info = {
        .rate_limit = 5, .backlog_count = 7, .last_poll_ms = NOW_MS - 90000};
    for (int reason = 0; reason <= REASON(NEVER_USED); reason++) {
        const char *text = sk_idle_explain(arena, (Skald__Api__V1__IdleReason)reason, "orders",
                                           SK_TASK_ACTIVITY, &info, &nothing, NOW_MS);
        if (reason == REASON(UNSPECIFIED))
            assert_string_equal(text, "");
        else
            assert_non_null(strstr(text, "\"orders\""));
    }
    assert_string_equal(sk_idle_explain(arena, REASON(POLLERS_GONE), "orders", SK_TASK_ACTIVITY,
                                        &info, &nothing, NOW_MS),
                        "\"orders\" was last polled for activity tasks 90 s ago; 7 wait. Its "
                        "workers stopped or lost their connection.");
    sk_arena_free(arena);
}

static void test_similar(void **state)
{
    const char *const names[] = {"Orders", "billing", "ordres", "ordres", "order", "shipping"};
    struct sk_queue_key all[6];
    const char *found[5];
    for (int i = 0; i < 6; i++)
        all[i] = (struct sk_queue_key){1, i == 3 ? SK_TASK_ACTIVITY : SK_TASK_WORKFLOW,
                                       sk_str_of(names[i])};
    assert_int_equal(sk_idle_similar("orders", all, 6, 5, found), 3);
    assert_string_equal(found[0], "Orders"); // case alone
    assert_string_equal(found[1], "ordres"); // once, though both types have it
    assert_string_equal(found[2], "order");
    assert_int_equal(sk_idle_similar("orders", all, 6, 1, found), 1);
    assert_int_equal(sk_idle_similar("payments", all, 6, 5, found), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_similar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
