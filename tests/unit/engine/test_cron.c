/* Cron schedules: when each fires, in which zone, and what a wrong one is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/timestamp.h"
#include "engine/cron.h"
#include "engine/timezone.h"

static int64_t ms(const char *text)
{
    int64_t ns;
    assert_true(sk_timestamp_parse(sk_str_of(text), &ns));
    return ns / 1000000;
}

static void expect(const char *schedule, const char *after, const char *next)
{
    char text[SK_TIMESTAMP_TEXT] = "never";
    int64_t got = sk_cron_next_ms(schedule, ms(after));
    if (got)
        sk_timestamp_format(got * 1000000, text);
    if (strcmp(text, next) != 0)
        fail_msg("%s after %s: %s, expected %s", schedule, after, text, next);
}

static void fields(void **state)
{
    (void)state;
    const char *now = "2026-11-23T05:31:13.5Z"; // a Monday
    expect("* * * * *", now, "2026-11-23T05:32:00Z");
    expect("0 * * * *", now, "2026-11-23T06:00:00Z");
    expect("31 5 * * *", now, "2026-11-24T05:31:00Z");
    expect("32 5 * * *", now, "2026-11-23T05:32:00Z");
    expect("*/15 * * * *", now, "2026-11-23T05:45:00Z");
    expect("5/20 * * * *", now, "2026-11-23T05:45:00Z");
    expect("0 9-17/4 * * *", now, "2026-11-23T09:00:00Z");
    expect("0 0 1 * *", now, "2026-12-01T00:00:00Z");
    expect("0 0 31 * *", now, "2026-12-31T00:00:00Z");
    expect("0 0 * * sun", now, "2026-11-29T00:00:00Z");
    expect("0 0 * * MON-FRI", now, "2026-11-24T00:00:00Z");
    expect("0 0 * feb *", now, "2027-02-01T00:00:00Z");
    expect("0 0 29 2 *", now, "2028-02-29T00:00:00Z");
    expect("0,30 1,2 * * ?", now, "2026-11-24T01:00:00Z");
    // both day fields restricted (a step is): either fires; one open: both must
    expect("0 0 13 * fri", now, "2026-11-27T00:00:00Z");
    expect("0 0 */2 * fri", now, "2026-11-25T00:00:00Z");
    expect("0 0 13 * *", now, "2026-12-13T00:00:00Z");
    expect("0 0 30 2 *", now, "never");
}

static void words_and_intervals(void **state)
{
    (void)state;
    const char *now = "2026-11-23T05:31:13.5Z";
    expect("@yearly", now, "2027-01-01T00:00:00Z");
    expect("@annually", now, "2027-01-01T00:00:00Z");
    expect("@monthly", now, "2026-12-01T00:00:00Z");
    expect("@weekly", now, "2026-11-29T00:00:00Z");
    expect("@daily", now, "2026-11-24T00:00:00Z");
    expect("@midnight", now, "2026-11-24T00:00:00Z");
    expect("@hourly", now, "2026-11-23T06:00:00Z");
    expect("@every 1h30m", now, "2026-11-23T07:01:13Z");
    expect("@every 10ms", now, "2026-11-23T05:31:14Z");
    expect("@every 1.9s", now, "2026-11-23T05:31:14Z");
}

static void zones(void **state)
{
    (void)state;
    if (!sk_timezone_find(SK_STR("Europe/Berlin")))
        skip(); // no tzdata on this machine
    expect("CRON_TZ=Europe/Berlin 0 9 * * *", "2026-11-23T05:31:13Z", "2026-11-23T08:00:00Z");
    expect("TZ=Europe/Berlin 0 9 * * *", "2026-07-01T00:00:00Z", "2026-07-01T07:00:00Z");
    expect("CRON_TZ=America/New_York 30 17 * * *", "2026-11-23T23:00:00Z", "2026-11-24T22:30:00Z");
    expect("CRON_TZ=Asia/Kolkata 0 0 * * *", "2026-11-23T00:00:00Z", "2026-11-23T18:30:00Z");
    expect("CRON_TZ=UTC 0 9 * * *", "2026-11-23T05:31:13Z", "2026-11-23T09:00:00Z");
    expect("CRON_TZ=Europe/Berlin @daily", "2026-11-23T05:31:13Z", "2026-11-23T23:00:00Z");
    // 29 March 2026: 02:00 to 03:00 does not exist in Berlin
    expect("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z");
    expect("CRON_TZ=Europe/Berlin 0 0 * * *", "2026-03-29T00:00:00Z", "2026-03-29T22:00:00Z");
    // 25 October 2026: 02:30 comes twice
    expect("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
    expect("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z");
    expect("CRON_TZ=Europe/Berlin 0 0 * * *", "2026-10-25T00:00:00Z", "2026-10-25T23:00:00Z");
    // far beyond the table of transitions, by the rule at the file's end
    expect("CRON_TZ=Europe/Berlin 0 9 * * *", "2060-07-01T00:00:00Z", "2060-07-01T07:00:00Z");
    expect("CRON_TZ=Australia/Sydney 0 9 * * *", "2060-01-01T00:00:00Z", "2060-01-01T22:00:00Z");
}

static void the_next_run(void **state)
{
    (void)state;
    int64_t start = ms("2026-11-23T05:00:00.2Z");
    // the chain begins at the start of the closing run; what its run slept through is skipped
    assert_int_equal(sk_cron_next_run_ms("@every 10m", start, ms("2026-11-23T05:03:00Z")),
                     ms("2026-11-23T05:10:00Z"));
    assert_int_equal(sk_cron_next_run_ms("@every 10m", start, ms("2026-11-23T05:25:00Z")),
                     ms("2026-11-23T05:30:00Z"));
    assert_int_equal(sk_cron_next_run_ms("@every 10m", start, ms("2026-11-23T05:30:00Z")),
                     ms("2026-11-23T05:30:00Z"));
    assert_int_equal(sk_cron_next_run_ms("0 * * * *", start, ms("2026-11-23T05:25:00Z")),
                     ms("2026-11-23T06:00:00Z"));
    assert_int_equal(sk_cron_next_run_ms("0 * * * *", start, ms("2026-11-23T06:00:00Z")),
                     ms("2026-11-23T06:00:00Z"));
    assert_int_equal(sk_cron_next_run_ms("0 * * * *", start, ms("2026-11-23T06:00:00.001Z")),
                     ms("2026-11-23T07:00:00Z"));
    assert_int_equal(sk_cron_next_run_ms("0 * * * *", start, ms("2026-11-23T04:00:00Z")), start);
    assert_int_equal(sk_cron_next_run_ms("", start, start), 0);
    assert_int_equal(sk_cron_next_run_ms("nonsense", start, start), 0);
}

static void wrong_schedules(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"* * * *", "expected 5 fields"},
        {"* * * * * *", "expected 5 fields"},
        {"60 * * * *", "minute: 60 is out of range 0 to 59"},
        {"* 24 * * *", "hour: 24 is out of range"},
        {"* * 0 * *", "day of month: 0 is out of range"},
        {"* * * 13 *", "month: 13 is out of range"},
        {"* * * * 7", "day of week: 7 is out of range"},
        {"5-1 * * * *", "runs backwards"},
        {"*/0 * * * *", "step of zero"},
        {"1-2-3 * * * *", "too many hyphens"},
        {"*/2/3 * * * *", "too many slashes"},
        {"a * * * *", "expected a number"},
        {", * * * *", "minute: empty"},
        {"- * * * *", "a number is missing"},
        {"* * * xyz *", "expected a number"},
        {"99999999999999999999 * * * *", "expected a number"},
        {"@sometimes", "unknown word"},
        {"@every", "unknown word"},
        {"@every soon", "expected a duration"},
        {"CRON_TZ=Nowhere/Here * * * * *", "unknown time zone"},
        {"CRON_TZ=../../etc/passwd * * * * *", "unknown time zone"},
        {"CRON_TZ=Europe/Berlin", "expected 5 fields"},
        {"0 0 30 2 *", "no time can be found to satisfy the schedule"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sk_ctx ctx = {.arena = sk_arena_new(0)};
        if (sk_cron_validate(&ctx, bad[i][0]) != SK_INVALID_ARGUMENT)
            fail_msg("%s was taken", bad[i][0]);
        if (!strstr(ctx.err.message, bad[i][1]) || !strstr(ctx.err.message, "invalid CronSchedule"))
            fail_msg("%s: %s", bad[i][0], ctx.err.message);
        sk_arena_free(ctx.arena);
    }
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    assert_int_equal(sk_cron_validate(&ctx, ""), SK_OK);
    assert_int_equal(sk_cron_validate(&ctx, NULL), SK_OK);
    assert_int_equal(sk_cron_validate(&ctx, "0 0 29 2 *"), SK_OK);
    sk_arena_free(ctx.arena);
}

/* A file with one transition (to +1 h at 100) and a footer. */
static struct sk_timezone *zone_with(const char *footer)
{
    static const char one[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0"
                              "\0\0\0\0\0\0"
                              "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\0"
                              "\0\0\0\0\0\0\0\144"
                              "\1"
                              "\0\0\0\0\0\0"
                              "\0\0\016\020\0\0";
    char file[512];
    size_t n = sizeof one - 1, f = strlen(footer);
    memcpy(file, one, n);
    memcpy(file + n, footer, f);
    return sk_timezone_parse((struct sk_str){file, n + f});
}

static void zone_files(void **state)
{
    (void)state;
    struct sk_timezone *zone = zone_with("\n\n");
    assert_non_null(zone);
    assert_int_equal(sk_timezone_offset(zone, 99), 0);
    assert_int_equal(sk_timezone_offset(zone, 100), 3600);
    assert_int_equal(sk_timezone_offset(zone, INT64_C(4000000000)), 3600);
    sk_timezone_free(zone);
    zone = zone_with("\n<-03>3\n");
    assert_int_equal(sk_timezone_offset(zone, 1000), -10800);
    sk_timezone_free(zone);
    zone = zone_with("\nEST5EDT,M3.2.0,M11.1.0\n");
    assert_int_equal(sk_timezone_offset(zone, ms("2050-01-01T00:00:00Z") / 1000), -18000);
    assert_int_equal(sk_timezone_offset(zone, ms("2050-07-01T00:00:00Z") / 1000), -14400);
    assert_int_equal(sk_timezone_offset(zone, ms("2050-03-13T06:59:59Z") / 1000), -18000);
    assert_int_equal(sk_timezone_offset(zone, ms("2050-03-13T07:00:00Z") / 1000), -14400);
    sk_timezone_free(zone);
    zone = zone_with("\nA-1B,J60/0,364/25:30\n");
    assert_int_equal(sk_timezone_offset(zone, ms("2051-06-01T00:00:00Z") / 1000), 7200);
    sk_timezone_free(zone);
    assert_null(zone_with("\nnonsense!\n"));
    assert_null(zone_with("\nA1B,M13.1.0,M1.1.0\n"));
    assert_null(sk_timezone_parse(SK_STR("TZif2")));
    assert_null(sk_timezone_parse(SK_STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),          cmocka_unit_test(words_and_intervals),
        cmocka_unit_test(zones),           cmocka_unit_test(the_next_run),
        cmocka_unit_test(wrong_schedules), cmocka_unit_test(zone_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
