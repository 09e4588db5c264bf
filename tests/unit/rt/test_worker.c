/* Workers: order, batches, waiting fibers, freeing with jobs queued; threads and simulated. */
#include "fixture.h"

#include <stdatomic.h>
#include <unistd.h>

struct add_job {
    struct sk_job job;
    int number;
    struct sk_fiber *fiber; // NULL: nobody waits
    atomic_bool done;
};

struct adder {
    int next; // jobs must come in order
    int calls;
    int largest_batch;
    atomic_bool *gate; // waits for it, so that jobs gather
};

static void add_batch(void *owner, struct sk_job **jobs, int count)
{
    struct adder *adder = owner;

    CHECK(count >= 1);
    adder->calls++;
    adder->largest_batch = count > adder->largest_batch ? count : adder->largest_batch;
    while (adder->gate && !atomic_load(adder->gate))
        usleep(100);
    for (int i = 0; i < count; i++) {
        struct add_job *job = SK_CONTAINER(jobs[i], struct add_job, job);
        CHECK(job->number == adder->next++);
        struct sk_fiber *fiber = job->fiber;
        atomic_store(&job->done, true); // the job may be gone from here on
        if (fiber)
            sk_fiber_wake_from_anywhere(fiber);
    }
}

static void one_by_one_main(void *arg)
{
    struct adder adder = {0};
    struct sk_worker *worker = sk_worker_new(sk_rt_current(), "adder", add_batch, &adder, 8);

    (void)arg;
    for (int i = 0; i < 200; i++) {
        struct add_job job = {.number = i, .fiber = sk_fiber_current()};
        sk_worker_submit(worker, &job.job);
        while (!atomic_load(&job.done))
            sk_fiber_suspend();
    }
    sk_worker_free(worker);
    CHECK(adder.next == 200 && adder.calls == 200);
}

static void a_fiber_waits_for_its_job(void **state)
{
    (void)state;
    run_on_loops(1, one_by_one_main, NULL);
    run_simulated(1, 1, one_by_one_main, NULL);
}

static void batch_main(void *arg)
{
    atomic_bool gate = false;
    struct adder adder = {.gate = sk_rt_simulated() ? NULL : &gate};
    struct sk_worker *worker = sk_worker_new(sk_rt_current(), "adder", add_batch, &adder, 16);
    struct add_job jobs[100];

    (void)arg;
    for (int i = 0; i < 100; i++) {
        jobs[i] = (struct add_job){.number = i};
        sk_worker_submit(worker, &jobs[i].job);
    }
    atomic_store(&gate, true);
    for (int i = 0; i < 100; i++)
        while (!atomic_load(&jobs[i].done))
            sk_fiber_sleep(1);
    CHECK(adder.largest_batch == 16);
    CHECK(adder.calls >= 7 && adder.calls <= 8); // the first took what was there by then
    sk_worker_free(worker);
}

static void jobs_gather_into_batches(void **state)
{
    (void)state;
    run_on_loops(1, batch_main, NULL);
    run_simulated(1, 1, batch_main, NULL);
}

static void free_main(void *arg)
{
    struct adder adder = {0};
    struct sk_worker *worker =
        sk_worker_new(sk_rt_current(), "a-name-longer-than-the-system-takes", add_batch, &adder, 1);
    struct add_job jobs[20];

    (void)arg;
    for (int i = 0; i < 20; i++) {
        jobs[i] = (struct add_job){.number = i};
        sk_worker_submit(worker, &jobs[i].job);
    }
    sk_worker_free(worker);
    sk_worker_free(NULL);
    CHECK(adder.next == 20 && adder.largest_batch == 1);
}

static void freeing_finishes_what_is_queued(void **state)
{
    (void)state;
    run_on_loops(1, free_main, NULL);
    run_simulated(1, 1, free_main, NULL);
}

/* ---- a team ---- */

enum { TEAM = 3 };

struct member { /* owner of one of a team's threads */
    atomic_bool *gate;
    int jobs;
};

/* A job with number -1 holds its thread until the gate opens. */
static void hold_or_count(void *owner, struct sk_job **jobs, int count)
{
    struct member *member = owner;

    CHECK(count == 1);
    struct add_job *job = SK_CONTAINER(jobs[0], struct add_job, job);
    while (job->number < 0 && !atomic_load(member->gate))
        usleep(100);
    member->jobs++;
    atomic_store(&job->done, true);
}

static void team_main(void *arg)
{
    atomic_bool gate = sk_rt_simulated(); // one thread there, which nothing may hold
    struct member members[TEAM] = {{&gate, 0}, {&gate, 0}, {&gate, 0}};
    void *owners[TEAM] = {&members[0], &members[1], &members[2]};
    struct sk_worker *team =
        sk_worker_new_team(sk_rt_current(), "team", hold_or_count, owners, TEAM, 1);
    struct add_job holding[TEAM - 1], quick[100];
    int sum = 0;

    (void)arg;
    for (int i = 0; i < TEAM - 1; i++) {
        holding[i] = (struct add_job){.number = -1};
        sk_worker_submit(team, &holding[i].job);
    }
    for (int i = 0; i < 100; i++) { // alone, so that threads sleep, and then in a crowd
        quick[i] = (struct add_job){.number = i};
        sk_worker_submit(team, &quick[i].job);
        while (i < 50 && !atomic_load(&quick[i].done))
            sk_fiber_sleep(1);
    }
    for (int i = 50; i < 100; i++)
        while (!atomic_load(&quick[i].done))
            sk_fiber_sleep(1);
    for (int i = 0; i < TEAM - 1; i++)
        CHECK(sk_rt_simulated() || !atomic_load(&holding[i].done));
    atomic_store(&gate, true);
    sk_worker_free(team);
    for (int i = 0; i < TEAM; i++)
        sum += members[i].jobs;
    CHECK(sum == 100 + TEAM - 1);
}

static void a_team_waits_for_nobody_while_one_is_free(void **state)
{
    (void)state;
    run_on_loops(1, team_main, NULL);
    run_simulated(1, 1, team_main, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fiber_waits_for_its_job),
        cmocka_unit_test(jobs_gather_into_batches),
        cmocka_unit_test(freeing_finishes_what_is_queued),
        cmocka_unit_test(a_team_waits_for_nobody_while_one_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
