/* The pure parts: budgets and token buckets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/budget.h"
#include "net/flood.h"

static void budget_bounds_the_account(void **state)
{
    (void)state;
    struct sk_budget budget;
    sk_budget_init(&budget, 100000);
    assert_true(sk_budget_take(&budget, 60000));
    assert_true(sk_budget_take(&budget, 40000));
    assert_false(sk_budget_take(&budget, 1));
    sk_budget_give(&budget, 50000);
    assert_true(sk_budget_take(&budget, 50000));
    sk_budget_fini(&budget);
    assert_int_equal(sk_budget_process_used(), 0);
}

static void budget_bounds_the_process(void **state)
{
    (void)state;
    struct sk_budget a, b;
    sk_budget_set_process_limit(1 << 20);
    sk_budget_init(&a, 10 << 20);
    sk_budget_init(&b, 10 << 20);
    assert_true(sk_budget_take(&a, 700000));
    assert_false(sk_budget_take(&b, 700000));
    assert_int_equal(b.used, 0);
    sk_budget_give(&a, 700000);
    assert_true(sk_budget_process_used() <= 2 * 64 * 1024); // what it keeps in hand
    assert_true(sk_budget_take(&b, 700000));
    sk_budget_fini(&a);
    sk_budget_fini(&b);
    assert_int_equal(sk_budget_process_used(), 0);
    sk_budget_set_process_limit((size_t)256 << 20);
}

static void flood_refills_with_time(void **state)
{
    (void)state;
    struct sk_flood flood;
    sk_flood_init(&flood, 1000);
    int taken = 0;
    while (sk_flood_take(&flood, SK_FLOOD_SETTINGS, 1000))
        taken++;
    assert_int_equal(taken, 100);
    assert_true(sk_flood_take(&flood, SK_FLOOD_PING, 1000)); // each kind has its own
    assert_false(sk_flood_take(&flood, SK_FLOOD_SETTINGS, 1500));
    assert_true(sk_flood_take(&flood, SK_FLOOD_SETTINGS, 2000));
    assert_false(sk_flood_take(&flood, SK_FLOOD_SETTINGS, 2000));
    for (taken = 0; sk_flood_take(&flood, SK_FLOOD_SETTINGS, INT64_MAX / 4); taken++)
        assert_true(taken < 100); // never above the burst
    sk_flood_earn(&flood, SK_FLOOD_SETTINGS, 1000000);
    for (taken = 0; sk_flood_take(&flood, SK_FLOOD_SETTINGS, INT64_MAX / 4); taken++)
        assert_true(taken < 100);
    assert_int_equal(taken, 100);
}

static void a_worker_may_cancel_all_its_polls(void **state)
{
    (void)state;
    struct sk_flood flood;
    sk_flood_init(&flood, 0);
    for (int i = 0; i < 16384; i++)
        assert_true(sk_flood_take(&flood, SK_FLOOD_RESET, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget_bounds_the_account),
        cmocka_unit_test(budget_bounds_the_process),
        cmocka_unit_test(flood_refills_with_time),
        cmocka_unit_test(a_worker_may_cancel_all_its_polls),
    };
    return cmocka_run_group_tests_name("net limits", tests, NULL, NULL);
}
