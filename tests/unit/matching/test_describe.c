/* Rate limits, pollers, backlog figures. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct sk_queue_key q(void)
{
    return queue_key(SK_TASK_ACTIVITY, "q");
}

static bool about(double a, double b)
{
    return a > b - 0.5 && a < b + 0.5;
}

/* Poll for span_ms with the given limit; how many tasks came. */
static int drink(struct sk_matching *m, double limit, int64_t span_ms)
{
    int count = 0;
    int64_t end_ms = sk_now_mono_ms() + span_ms;
    while (sk_now_mono_ms() < end_ms) {
        struct test_poll p = {.poll = {.rate_limit = limit, .identity = "drinker"}};
        poll_start(m, &p, q(), end_ms - sk_now_mono_ms());
        struct sk_task *task = poll_wait(&p);
        if (task) {
            count++;
            sk_matching_done(m, task);
        }
    }
    return count;
}

static void body_rate_limit(void)
{
    struct sk_matching *m = matching_new(2000);
    for (int i = 1; i <= 1000; i++)
        add(m, row_of(q(), 3, i, NULL));
    int count = drink(m, 10, 10000); // one second's worth in advance
    CHECK(count >= 105 && count <= 112);
    CHECK_EQ(drink(m, 0, 10000), 0);
    count = drink(m, 0.5, 10000);
    CHECK(count >= 4 && count <= 6);
    count = drink(m, 100, 1000);
    CHECK(count >= 90 && count <= 202);
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_queue_info info;
    struct sk_queue_key key = q();
    CHECK_EQ(sk_matching_describe(m, &ctx, &key, &info), SK_OK);
    CHECK(info.rate_limit == 100);
    sk_arena_free(ctx.arena);
    sk_matching_free(m);
}

static void body_describe(void)
{
    struct sk_matching *m = matching_new(16);
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_queue_info info;
    struct sk_queue_key key = q();
    CHECK_EQ(sk_matching_describe(m, &ctx, &key, &info), SK_OK);
    CHECK(!info.poller_count && !info.backlog_count && info.rate_limit < 0);
    struct test_poll p = {
        .poll = {.rate_limit = 5, .identity = "one", .build_id = "b1", .deployment = "d"}};
    poll_start(m, &p, key, 10);
    poll_wait(&p);
    sk_fiber_sleep(100);
    p = (struct test_poll){.poll = {.rate_limit = -1, .identity = "two"}};
    poll_start(m, &p, key, 10);
    poll_wait(&p);
    for (int i = 1; i <= 60; i++)
        add(m, row_of(key, 3, i, NULL));
    sk_fiber_sleep(3000);
    CHECK_EQ(sk_matching_describe(m, &ctx, &key, &info), SK_OK);
    CHECK_EQ(info.poller_count, 2);
    CHECK(!strcmp(info.pollers[0].identity, "two") && !strcmp(info.pollers[1].identity, "one"));
    CHECK(!strcmp(info.pollers[1].build_id, "b1") && info.pollers[1].rate_limit == 5 &&
          info.rate_limit == 5);
    CHECK(sk_now_wall_ms() - info.pollers[1].last_access_ms < 4000);
    CHECK_EQ(info.backlog_count, 60);
    CHECK(info.backlog_age_ms >= 3000 && info.backlog_age_ms < 3100);
    CHECK(about(info.add_rate, 2) && info.dispatch_rate == 0);
    CHECK_EQ(info.ack_level, 0);
    sk_fiber_sleep(40000);
    CHECK_EQ(sk_matching_describe(m, &ctx, &key, &info), SK_OK);
    CHECK(info.add_rate == 0);
    CHECK_EQ(info.poller_count, 2);
    sk_fiber_sleep(300000);
    CHECK_EQ(sk_matching_describe(m, &ctx, &key, &info), SK_OK);
    CHECK_EQ(info.poller_count, 0);
    CHECK_EQ(info.backlog_count, 60);
    sk_arena_free(ctx.arena);
    sk_matching_free(m);
}

static void body_many_identities(void)
{
    struct sk_matching *m = matching_new(16);
    for (int i = 0; i < SK_MQ_POLLERS_MAX + 50; i++) {
        char identity[20];
        snprintf(identity, sizeof identity, "worker %d", i);
        struct test_poll p = {.poll = {.rate_limit = -1, .identity = identity}};
        poll_start(m, &p, q(), 0);
        poll_wait(&p);
    }
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_queue_info info;
    struct sk_queue_key key = q();
    CHECK_EQ(sk_matching_describe(m, &ctx, &key, &info), SK_OK);
    CHECK_EQ(info.poller_count, SK_MQ_POLLERS_MAX);
    CHECK(!strcmp(info.pollers[0].identity, "worker 1049"));
    sk_arena_free(ctx.arena);
    sk_matching_free(m);
}

#define BOTH(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run_simulated(1, 1, body_##name); \
        run_simulated(3, 2, body_##name); \
    }
BOTH(rate_limit)
BOTH(describe)
BOTH(many_identities)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_limit),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_many_identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
