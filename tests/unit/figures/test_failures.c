/* Failure groups: what is one group, what a group shows, its bounds; several loops add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "figures/failures.h"
#include "fixture.h"

static struct sk_failures *failures;

static struct sk_failure_note note_of(const char *message, const char *run_id)
{
    return (struct sk_failure_note){.ns = 1,
                                    .source = SK_FAILURE_OF_ACTIVITY,
                                    .workflow_type = "Order",
                                    .activity_type = "Charge",
                                    .error_type = "CardError",
                                    .task_queue = "orders",
                                    .message = sk_str_of(message),
                                    .workflow_id = SK_STR("order-1"),
                                    .run_id = run_id,
                                    .attempt = 1};
}

static struct sk_failure_list list(uint32_t ns)
{
    struct sk_failure_list all;
    sk_failures_list(failures, &ctx, ns, &all);
    return all;
}

static void on_other_loop(void *arg)
{
    struct sk_failure_note note = note_of("card 4 declined", "r4");
    note.retrying = true;
    note.attempt = 3;
    sk_failures_note(failures, &note);
}

static void body_groups(void)
{
    failures = sk_failures_new(2);
    struct sk_failure_note note = note_of("card 1 declined", "r1");
    sk_failures_note(failures, &note);
    sk_fiber_sleep(1000);
    note = note_of("card 2 declined", "r2");
    note.retrying = true;
    sk_failures_note(failures, &note);
    sk_failures_note(failures, &note); // the same run again: one sample
    note = note_of("card 1 declined", "r1");
    sk_failures_note(failures, &note);
    sk_fiber_sleep(1);
    note = note_of("card 2 declined", "r2");
    note.retrying = true;
    sk_failures_note(failures, &note);
    sk_fiber_sleep(1000);
    sk_rt_call(1, on_other_loop, NULL);
    note = note_of("no such card", "r1"); // another message
    sk_failures_note(failures, &note);
    note.activity_type = "Refund"; // another activity
    sk_failures_note(failures, &note);
    note.ns = 2;
    sk_failures_note(failures, &note);
    struct sk_failure_list all = list(1);
    CHECK(all.count == 3 && !all.truncated);
    const struct sk_failure_group *g = NULL;
    for (size_t i = 0; i < all.count; i++)
        if (strcmp(all.groups[i].folded, "card <n> declined") == 0)
            g = &all.groups[i];
    CHECK(g && g->count == 6 && g->retrying == 4);
    CHECK(g->last_ms - g->first_ms == 2001);
    CHECK(strcmp(g->message, "card 4 declined") == 0);
    CHECK(g->sample_count == 3);
    CHECK(strcmp(g->samples[0].run_id, "r4") == 0 && g->samples[0].attempt == 3);
    CHECK(strcmp(g->samples[1].run_id, "r2") == 0 && strcmp(g->samples[2].run_id, "r1") == 0);
    CHECK(list(2).count == 1 && list(3).count == 0);
    sk_failures_free(failures);
}

static void body_bounds(void)
{
    char text[64], run[16];
    failures = sk_failures_new(2);
    for (int i = 0; i < SK_FAILURE_GROUPS + 100; i++) {
        snprintf(text, sizeof text, "error %c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676);
        struct sk_failure_note note = note_of(text, "r");
        sk_failures_note(failures, &note);
        sk_fiber_sleep(1);
    }
    struct sk_failure_list all = list(1);
    CHECK(all.count == SK_FAILURE_GROUPS && all.truncated);
    CHECK(strcmp(all.groups[0].message, text) == 0); // the latest is first
    for (int i = 0; i < 20; i++) {
        snprintf(run, sizeof run, "run-%d", i);
        struct sk_failure_note note = note_of("one", run);
        sk_failures_note(failures, &note);
    }
    all = list(1);
    CHECK(all.groups[0].sample_count == SK_FAILURE_SAMPLES);
    CHECK(strcmp(all.groups[0].samples[0].run_id, "run-19") == 0);
    CHECK(strcmp(all.groups[0].samples[4].run_id, "run-15") == 0);
    sk_failures_free(failures);
}

static void test_groups(void **state)
{
    run_body(body_groups);
}

static void test_bounds(void **state)
{
    run_body(body_bounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
