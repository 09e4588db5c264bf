/* The registry of workers: what is noted on several loops adds up, and it stays within its bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "figures/workers.h"
#include "rt/rt.h"

#define CHECK(cond) ((cond) ? (void)0 : sk_panic(__FILE__, __LINE__, "check failed: %s", #cond))

static struct sk_workers *workers;
static struct sk_ctx ctx;

static struct sk_worker_poll poll_of(const char *identity, const char *queue, int kind)
{
    return (struct sk_worker_poll){
        .ns = 1, .kind = kind, .queue = sk_str_of(queue), .identity = identity};
}

static struct sk_worker_list list(uint32_t ns)
{
    struct sk_worker_list all;
    sk_workers_list(workers, &ctx, ns, &all);
    return all;
}

static void on_other_loop(void *arg)
{
    struct sk_worker_poll p = poll_of("w1", "q", 2);
    p.sdk_name = "temporal-go";
    p.sdk_version = "1.40.0";
    p.peer = "127.0.0.1:9";
    sk_workers_poll_began(workers, &p);
    sk_workers_answered(workers, 1, "w1", NULL); // it took that one elsewhere
}

static void body_adds_up(void)
{
    struct sk_worker_poll p = poll_of("w1", "q", 1);
    sk_workers_poll_began(workers, &p);
    CHECK(list(1).workers[0].waiting == 1);
    sk_workers_poll_ended(workers, &p, 1);
    sk_workers_took(workers, 1, "w1", 2);
    sk_rt_call(1, on_other_loop, NULL);
    sk_workers_lost(workers, 1, "w1");
    struct sk_worker_failure failure = {.message = SK_STR("no \xc3\xa9"), .type = "ValueError"};
    sk_workers_answered(workers, 1, "w1", &failure);
    sk_workers_answered(workers, 1, "somebody who never polled", NULL);
    struct sk_worker_poll other = poll_of("a", "q", 1);
    sk_workers_poll_began(workers, &other);
    other.identity = "";
    sk_workers_poll_began(workers, &other); // nothing to keep it under
    struct sk_worker_list all = list(1);
    CHECK(all.count == 2 && !all.truncated);
    CHECK(strcmp(all.workers[0].identity, "a") == 0);
    const struct sk_worker *w = &all.workers[1];
    CHECK(strcmp(w->identity, "w1") == 0);
    CHECK(w->waiting == 1 && w->taken == 3 && w->answered == 2 && w->lost == 1 && w->failed == 1);
    CHECK(strcmp(w->sdk_name, "temporal-go") == 0 && strcmp(w->peer, "127.0.0.1:9") == 0);
    CHECK(strcmp(w->error_message, "no \xc3\xa9") == 0 && strcmp(w->error_type, "ValueError") == 0);
    CHECK(w->queue_count == 2); // workflow and activity tasks of one name
    CHECK(list(2).count == 0);
}

static void body_bounds(void)
{
    char name[32];
    struct sk_worker_poll p = poll_of("waits", "q", 1);
    sk_workers_poll_began(workers, &p);
    p = poll_of("many", "", 1);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "q%d", i);
        p.queue = sk_str_of(name);
        sk_workers_poll_began(workers, &p);
        sk_workers_poll_ended(workers, &p, 0);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "w%d", i);
        p = poll_of(name, "q", 1);
        sk_workers_poll_began(workers, &p);
        sk_workers_poll_ended(workers, &p, 0);
    }
    struct sk_worker_list all = list(1);
    CHECK(all.truncated && all.count == SK_WORKERS_MAX / 2); // two loops, all on one of them
    CHECK(strcmp(all.workers[all.count - 1].identity, "waits") == 0);
    p = poll_of("long", "q", 1);
    sk_workers_poll_began(workers, &p);
    char text[SK_WORKER_ERROR_BYTES + 2];
    memset(text, 'x', sizeof text);
    memcpy(text + SK_WORKER_ERROR_BYTES - 1, "\xc3\xa9", 2); // lies across the limit
    struct sk_worker_failure failure = {.message = {text, SK_WORKER_ERROR_BYTES + 1}};
    sk_workers_answered(workers, 1, "long", &failure);
    all = list(1);
    CHECK(strcmp(all.workers[0].identity, "long") == 0);
    CHECK(strlen(all.workers[0].error_message) == SK_WORKER_ERROR_BYTES - 1);
}

static void body_queues_are_bounded(void)
{
    char name[32];
    struct sk_worker_poll p = poll_of("many", "", 1);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "q%d", i);
        p.queue = sk_str_of(name);
        sk_workers_poll_began(workers, &p);
        sk_workers_poll_ended(workers, &p, 1);
        sk_fiber_sleep(1000);
    }
    struct sk_worker_list all = list(1);
    CHECK(all.count == 1 && all.workers[0].queue_count == SK_WORKER_QUEUES_MAX);
    CHECK(sk_str_eq(all.workers[0].queues[0].name, SK_STR("q39"))); // latest first
    CHECK(all.workers[0].taken == 40 && all.workers[0].waiting == 0);
}

struct run {
    void (*body)(void);
    struct sk_rt *rt;
};

static void on_fiber(void *arg)
{
    struct run *run = arg;
    ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    workers = sk_workers_new(2);
    run->body();
    sk_workers_free(workers);
    sk_arena_free(ctx.arena);
    sk_rt_stop(run->rt);
}

static void run_body(void (*body)(void))
{
    struct sk_rt *rt = sk_rt_new(&(struct sk_rt_options){
        .loop_count = 2, .simulated = true, .seed = 1, .start_wall_ms = 1700000000000});
    struct run run = {body, rt};
    sk_rt_run(rt, on_fiber, &run);
    sk_rt_free(rt);
}

static void test_adds_up(void **state)
{
    run_body(body_adds_up);
}

static void test_bounds(void **state)
{
    run_body(body_bounds);
}

static void test_queues_are_bounded(void **state)
{
    run_body(body_queues_are_bounded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds_up),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_queues_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
