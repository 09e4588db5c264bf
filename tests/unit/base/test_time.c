/* Durations and moments as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/duration.h"
#include "base/timestamp.h"

static void durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"0", 0},
        {"1ns", 1},
        {"1us", 1000},
        {"1\xc2\xb5s", 1000},
        {"2ms", 2000000},
        {"1.5s", 1500000000},
        {"-2h", -7200000000000},
        {"+1m", 60000000000},
        {"1h30m", 5400000000000},
        {".5s", 500000000},
        {"1d", 86400000000000},
        {"1d12h", 129600000000000},
        {"0.1s", 100000000},
    };
    static const char *const bad[] = {"",   "-",   "1",  "s",           "1x",   ".s",
                                      "1.", "1 s", "s1", "9999999999h", "1h-1m"};
    int64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(sk_duration_parse(sk_str_of(good[i].text), true, &ns));
        assert_int_equal(ns, good[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(sk_duration_parse(sk_str_of(bad[i]), true, &ns));
    assert_false(sk_duration_parse(SK_STR("1d"), false, &ns));
}

static void moments_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2020-02-29T12:34:56.789Z", 1582979696789000000},
        {"1969-12-31T23:59:59.5Z", -500000000},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    };
    static const char *const bad[] = {
        "",
        "2020-01-01",
        "2020-01-01T00:00:00",
        "2020-13-01T00:00:00Z",
        "2021-02-29T00:00:00Z",
        "2020-01-01T24:00:00Z",
        "2020-01-01T00:00:60Z",
        "2020-01-01 00:00:00Z",
        "2020-01-01T00:00:00.Z",
        "2020-01-01T00:00:00Zx",
        "2020-01-01T00:00:00+0100",
        "2262-04-11T23:47:16.854775808Z",
        "0001-01-01T00:00:00Z",
    };
    char text[SK_TIMESTAMP_TEXT];
    int64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(sk_timestamp_parse(sk_str_of(good[i].text), &ns));
        assert_int_equal(ns, good[i].ns);
        sk_timestamp_format(ns, text);
        assert_string_equal(text, good[i].text);
    }
    assert_true(sk_timestamp_parse(SK_STR("1970-01-01T01:00:00+01:00"), &ns));
    assert_int_equal(ns, 0);
    assert_true(sk_timestamp_parse(SK_STR("1969-12-31T20:30:00-03:30"), &ns));
    assert_int_equal(ns, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(sk_timestamp_parse(sk_str_of(bad[i]), &ns));
    sk_timestamp_format(INT64_MIN, text);
    assert_string_equal(text, "1677-09-21T00:12:43.145224192Z");
}

static void dates_go_round(void **state)
{
    (void)state;
    for (int64_t days = -800000; days < 800000; days += 37) {
        int64_t year;
        int month, day;
        sk_civil_from_days(days, &year, &month, &day);
        assert_true(month >= 1 && month <= 12 && day >= 1 && day <= 31);
        assert_int_equal(sk_days_from_civil(year, month, day), days);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(moments_are_read_and_written),
        cmocka_unit_test(dates_go_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
