/* Sticky queues and direct queries. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct sk_queue_key normal(void)
{
    return queue_key(SK_TASK_WORKFLOW, "normal");
}

static struct sk_queue_key sticky(void)
{
    return queue_key(SK_TASK_WORKFLOW, "sticky");
}

static void sticky_poll(struct sk_matching *m, struct test_poll *p, int64_t timeout_ms)
{
    *p = (struct test_poll){.poll = {.rate_limit = -1, .sticky = true, .worker_key = "worker-1"}};
    poll_start(m, p, sticky(), timeout_ms);
}

static void body_dead_from_the_start(void)
{
    struct sk_matching *m = matching_new(0);
    add(m, row_of(sticky(), 3, 1, "normal"));
    struct test_poll p = {.poll = {.rate_limit = -1}};
    poll_start(m, &p, normal(), 1000);
    struct sk_task *task = poll_wait(&p);
    CHECK(task && !task->sticky && sk_str_eq(task->row.queue.name, SK_STR("sticky")));
    sk_matching_return(m, task); // back to the queue that it was dispatched on
    CHECK_EQ(poll_one(m, normal(), 1000), 1);
    CHECK_EQ(test_store.count, 0);
    sk_matching_free(m);
}

static void body_alive(void)
{
    struct sk_matching *m = matching_new(0);
    struct test_poll p;
    struct sk_queue_key key = sticky();
    CHECK(!sk_matching_sticky_alive(m, &key));
    sticky_poll(m, &p, 60000);
    sk_fiber_sleep(20000); // parked, so alive
    CHECK(sk_matching_sticky_alive(m, &key));
    add(m, row_of(sticky(), 3, 1, "normal"));
    struct sk_task *task = poll_wait(&p);
    CHECK(task && task->sticky);
    sk_matching_done(m, task);
    sk_fiber_sleep(9000);
    CHECK(sk_matching_sticky_alive(m, &key));
    sk_fiber_sleep(2000);
    CHECK(!sk_matching_sticky_alive(m, &key));
    sk_matching_free(m);
}

static void body_worker_dies_with_tasks(void)
{
    struct sk_matching *m = matching_new(4);
    struct test_poll p;
    sticky_poll(m, &p, 10);
    CHECK(!poll_wait(&p));
    for (int i = 1; i <= 30; i++) // more than its head holds
        add(m, row_of(sticky(), 3, i, "normal"));
    CHECK_EQ(poll_one(m, normal(), 5000), 0); // still the worker's
    for (int i = 1; i <= 30; i++) {
        struct test_poll n = {.poll = {.rate_limit = -1}};
        poll_start(m, &n, normal(), 6000);
        struct sk_task *task = poll_wait(&n);
        CHECK(task && !task->sticky);
        rows_delete(&test_store, &task->row);
        sk_matching_done(m, task);
    }
    CHECK_EQ(test_store.count, 0);
    sk_matching_free(m);
}

static void body_good_bye(void)
{
    struct sk_matching *m = matching_new(0);
    struct test_poll s, other, mine;
    int64_t begin_ms = sk_now_mono_ms();
    sticky_poll(m, &s, 60000);
    mine = (struct test_poll){.poll = {.rate_limit = -1, .worker_key = "worker-1"}};
    other = (struct test_poll){.poll = {.rate_limit = -1, .worker_key = "worker-2"}};
    poll_start(m, &mine, queue_key(SK_TASK_ACTIVITY, "a"), 60000);
    poll_start(m, &other, queue_key(SK_TASK_ACTIVITY, "a"), 60000);
    sk_fiber_sleep(10);
    sk_matching_worker_gone(m, 1, "sticky", "worker-1");
    CHECK(!poll_wait(&s));
    CHECK(!poll_wait(&mine));
    CHECK(sk_now_mono_ms() - begin_ms < 1000);
    CHECK(!other.over);
    struct sk_queue_key key = sticky();
    CHECK(!sk_matching_sticky_alive(m, &key));
    add(m, row_of(sticky(), 3, 1, "normal"));
    CHECK_EQ(poll_one(m, normal(), 100), 1);
    sk_matching_drain(m);
    CHECK(!poll_wait(&other));
    sk_matching_free(m);
}

/* A worker's last polls and its good-bye are sent by several threads, and may come in any order. */
static void body_poll_after_good_bye(void)
{
    struct sk_matching *m = matching_new(0);
    sk_matching_worker_gone(m, 1, "sticky", "worker-1");
    sk_fiber_sleep(10);
    struct test_poll late[] = {{.poll = {.rate_limit = -1, .worker_key = "worker-1"}},
                               {.poll = {.rate_limit = -1, .worker_key = "worker-1"}},
                               {.poll = {.rate_limit = -1, .worker_key = "worker-2"}},
                               {.poll = {.rate_limit = -1}}};
    int64_t begin_ms = sk_now_mono_ms();
    poll_start(m, &late[0], queue_key(SK_TASK_ACTIVITY, "a"), 60000);
    poll_start(m, &late[1], normal(), 60000);
    CHECK(!poll_wait(&late[0]) && !poll_wait(&late[1]));
    CHECK(sk_now_mono_ms() - begin_ms < 1000);
    struct sk_queue_key elsewhere = normal();
    elsewhere.ns = 2;
    struct test_poll same_key = {.poll = {.rate_limit = -1, .worker_key = "worker-1"}};
    poll_start(m, &same_key, elsewhere, 60000);
    poll_start(m, &late[2], normal(), 60000);
    poll_start(m, &late[3], normal(), 60000);
    sk_fiber_sleep(10);
    CHECK(!same_key.over && !late[2].over && !late[3].over);
    sk_matching_drain(m);
    CHECK(!poll_wait(&same_key) && !poll_wait(&late[2]) && !poll_wait(&late[3]));
    sk_matching_free(m);
}

/* ---- queries ---- */

static int a_query;
static struct {
    struct sk_matching *m;
    int64_t timeout_ms;
    bool over;
    sk_err err;
    char message[100];
} asked;

static void asker(void *arg)
{
    (void)arg;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_run_key run = {.ns = 1, .workflow_id = SK_STR("asked")};
    struct sk_queue_key key = normal();
    asked.err = sk_matching_offer_query(asked.m, &ctx, &key, &run, &a_query,
                                        sk_now_mono_ms() + asked.timeout_ms);
    snprintf(asked.message, sizeof asked.message, "%s", asked.err ? ctx.err.message : "");
    asked.over = true;
    sk_arena_free(ctx.arena);
}

static void ask(struct sk_matching *m, int64_t timeout_ms)
{
    asked.m = m;
    asked.over = false;
    asked.timeout_ms = timeout_ms;
    sk_fiber_spawn(asker, NULL);
    sk_fiber_sleep(5);
}

static sk_err answer(void)
{
    while (!asked.over)
        sk_fiber_sleep(1);
    return asked.err;
}

/* Clients that call a queue sticky which is not: its tasks have nowhere else to go. */
static void body_normal_queue_called_sticky(void)
{
    struct sk_matching *m = matching_new(4);
    struct test_poll p = {.poll = {.rate_limit = -1, .sticky = true}};
    for (int i = 1; i <= 10; i++)
        add(m, row_of(normal(), 3, i, NULL));
    sk_matching_worker_gone(m, 0, "normal", NULL); // of the namespace of queue_key
    sk_matching_worker_gone(m, normal().ns, "normal", "worker-1");
    sk_fiber_sleep(20000);
    poll_start(m, &p, normal(), 1000);
    struct sk_task *task = poll_wait(&p);
    CHECK(task && !task->sticky);
    rows_delete(&test_store, &task->row);
    sk_matching_done(m, task);
    sk_fiber_sleep(20000);                     // nobody polls any more
    add(m, row_of(normal(), 3, 11, "normal")); // a sticky queue that is its own normal queue
    sk_fiber_sleep(20000);
    int reads = test_store.reads;
    sk_fiber_sleep(20000);
    CHECK_EQ(test_store.reads, reads); // and it is not read over and over
    for (int i = 2; i <= 11; i++)
        CHECK_EQ(poll_one(m, normal(), 1000), i);
    sk_matching_free(m);
}

static void body_query(void)
{
    struct sk_matching *m = matching_new(0);
    add(m, row_of(normal(), 1, 1, NULL));
    ask(m, 10000);
    CHECK(!asked.over);
    struct test_poll p = {.poll = {.rate_limit = -1}};
    poll_start(m, &p, normal(), 1000);
    struct sk_task *task = poll_wait(&p);
    CHECK(task && task->query == &a_query); // before any task of the history
    CHECK(sk_str_eq(task->row.run.workflow_id, SK_STR("asked")));
    CHECK_EQ(answer(), SK_OK);
    sk_matching_return(m, task);
    poll_start(m, &p, normal(), 1000);
    task = poll_wait(&p);
    CHECK(task && task->query == &a_query);
    sk_matching_return(m, task);
    sk_fiber_sleep(11000); // nobody is interested any more
    CHECK_EQ(poll_one(m, normal(), 1000), 1);
    sk_matching_free(m);
}

static void body_query_without_worker(void)
{
    struct sk_matching *m = matching_new(0);
    int64_t begin_ms = sk_now_mono_ms();
    ask(m, 10000);
    CHECK_EQ(answer(), SK_FAILED_PRECONDITION);
    CHECK(!strcmp(asked.message, "no poller seen for task queue recently, worker may be down"));
    CHECK(sk_now_mono_ms() - begin_ms < 9500);
    CHECK_EQ(poll_one(m, normal(), 10), 0);
    ask(m, 10000); // somebody was there just now
    CHECK_EQ(answer(), SK_DEADLINE_EXCEEDED);
    ask(m, 30000);
    sk_matching_drain(m);
    CHECK_EQ(answer(), SK_UNAVAILABLE);
    sk_matching_free(m);
}

static void body_query_window_is_a_setting(void)
{
    struct sk_matching *m = sk_matching_new(
        &(struct sk_matching_options){.store = &test_store.store, .no_poller_ms = 2000});
    CHECK_EQ(poll_one(m, normal(), 10), 0);
    ask(m, 10000);
    CHECK_EQ(answer(), SK_FAILED_PRECONDITION); // nobody for nine seconds
    sk_matching_free(m);
}

#define BOTH(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run_simulated(1, 1, body_##name); \
        run_simulated(3, 2, body_##name); \
    }
BOTH(dead_from_the_start)
BOTH(alive)
BOTH(worker_dies_with_tasks)
BOTH(good_bye)
BOTH(poll_after_good_bye)
BOTH(normal_queue_called_sticky)
BOTH(query)
BOTH(query_without_worker)
BOTH(query_window_is_a_setting)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_from_the_start),
        cmocka_unit_test(test_alive),
        cmocka_unit_test(test_worker_dies_with_tasks),
        cmocka_unit_test(test_good_bye),
        cmocka_unit_test(test_poll_after_good_bye),
        cmocka_unit_test(test_normal_queue_called_sticky),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_query_without_worker),
        cmocka_unit_test(test_query_window_is_a_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
