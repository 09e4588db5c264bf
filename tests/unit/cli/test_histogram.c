/* The histogram against values that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "cli/histogram.h"

static struct sk_histogram h; /* too large for the stack of a test */

static void empty_has_zeros(void **state)
{
    sk_histogram_clear(&h);
    assert_int_equal(sk_histogram_at(&h, 0.5), 0);
    assert_int_equal(h.count, 0);
}

static void small_values_are_exact(void **state)
{
    sk_histogram_clear(&h);
    for (int i = 1; i <= 100; i++)
        sk_histogram_add(&h, i);
    assert_int_equal(sk_histogram_at(&h, 0.5), 50);
    assert_int_equal(sk_histogram_at(&h, 0.99), 99);
    assert_int_equal(sk_histogram_at(&h, 1.0), 100);
    assert_int_equal(h.min, 1);
    assert_int_equal(h.max, 100);
}

static void large_values_are_near(void **state)
{
    for (int64_t value = 100; value < INT64_C(1) << 38; value = value * 3 + 7) {
        sk_histogram_clear(&h);
        sk_histogram_add(&h, value);
        sk_histogram_add(&h, INT64_C(1) << 39);
        int64_t got = sk_histogram_at(&h, 0.5);
        assert_true(got >= value && got - value <= value / SK_HISTOGRAM_SUB + 1);
    }
}

static void beyond_the_range_counts_in_the_last_bucket(void **state)
{
    sk_histogram_clear(&h);
    sk_histogram_add(&h, INT64_MAX / 2);
    sk_histogram_add(&h, -5);
    assert_int_equal(h.count, 2);
    assert_int_equal(h.min, 0);
    assert_int_equal(sk_histogram_at(&h, 0.5), 0);
    assert_true(sk_histogram_at(&h, 1.0) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_has_zeros),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(large_values_are_near),
        cmocka_unit_test(beyond_the_range_counts_in_the_last_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
