/* How many different people used the UI today, on virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metric.h"
#include "rt/rt.h"
#include "web/web_internal.h"

#define HOUR_MS ((int64_t)3600 * 1000)

static int64_t today(void)
{
    sk_web_refresh_metrics();
    return sk_metric_read(sk_metric_series(SK_METRIC_UI_OPERATORS, ""));
}

static void on_fiber(void *arg)
{
    assert_int_equal(today(), 0);
    web_note_operator("ada");
    web_note_operator("bob");
    web_note_operator("ada");
    assert_int_equal(today(), 2);
    sk_fiber_sleep(HOUR_MS);
    assert_int_equal(today(), 2);
    sk_fiber_sleep(HOUR_MS); // past midnight, and nobody has done anything yet
    assert_int_equal(today(), 0);
    web_note_operator("ada");
    assert_int_equal(today(), 1);
    sk_rt_stop(arg);
}

static void operators_are_those_of_the_day(void **state)
{
    const int64_t midnight_ms = 1700000000000 / (24 * HOUR_MS) * 24 * HOUR_MS;
    struct sk_rt *rt =
        sk_rt_new(&(struct sk_rt_options){.loop_count = 1,
                                          .simulated = true,
                                          .seed = 1,
                                          .start_wall_ms = midnight_ms - 3 * HOUR_MS / 2});
    sk_rt_run(rt, on_fiber, rt);
    sk_rt_free(rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(operators_are_those_of_the_day)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
