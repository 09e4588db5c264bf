/* Values as people write them, and how far apart two names are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "cli/options.h"

static void durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"0", 0},        {"500ms", 500}, {"5s", 5000},      {"1m30s", 90000},
        {"1h", 3600000}, {"1.5s", 1500}, {"2d", 172800000},
    };
    static const char *const bad[] = {
        "", "5", "s", "5 s", "-1s", "5sx", "1e400s", "99999999999999999999h", "5s "};
    int64_t ms;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(sk_value_duration(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(sk_value_duration(bad[i], &ms));
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {
        {"0", 0},  {"4096", 4096}, {"64KiB", 65536}, {"2MB", 2000000}, {"1.5GiB", 1610612736},
        {"7B", 7}, {"1K", 1024},
    };
    static const char *const bad[] = {"", "KiB", "-1", "4 KiB", "4kib", "1e300", "4KiBx"};
    int64_t bytes;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(sk_value_size(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(sk_value_size(bad[i], &bytes));
}

static void counts_stop_at_their_bound(void **state)
{
    int64_t n;
    assert_true(sk_value_count("65535", 65535, &n));
    assert_int_equal(n, 65535);
    assert_false(sk_value_count("65536", 65535, &n));
    assert_false(sk_value_count("99999999999999999999999", INT32_MAX, &n));
    assert_false(sk_value_count("", 10, &n));
    assert_false(sk_value_count("+1", 10, &n));
    assert_false(sk_value_count("1 ", 10, &n));
}

static void reals(void **state)
{
    double x;
    assert_true(sk_value_real("2.5", &x));
    assert_true(x > 2.49 && x < 2.51);
    assert_false(sk_value_real("-1", &x));
    assert_false(sk_value_real("inf", &x));
    assert_false(sk_value_real("1e999", &x));
    assert_false(sk_value_real("2x", &x));
}

static int distance(const char *a, const char *b)
{
    return sk_edit_distance(sk_str_of(a), sk_str_of(b));
}

static void edit_distance(void **state)
{
    assert_int_equal(distance("", ""), 0);
    assert_int_equal(distance("port", "port"), 0);
    assert_int_equal(distance("prot", "port"), 1); // swapped
    assert_int_equal(distance("por", "port"), 1);
    assert_int_equal(distance("ports", "port"), 1);
    assert_int_equal(distance("part", "port"), 1);
    assert_int_equal(distance("", "port"), 4);
    assert_int_equal(distance("abcdef", "ghijkl"), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(counts_stop_at_their_bound),
        cmocka_unit_test(reals),
        cmocka_unit_test(edit_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
