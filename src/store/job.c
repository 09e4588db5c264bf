/*
 * The way of a store call to a worker thread and back. The job is on the sleeping fiber's stack;
 * the worker owns it, the caller's arena included, from submit to finish. Finishing posts one
 * message a loop with the list of its jobs: a group commit of a hundred transitions wakes each
 * loop once.
 */
#include "store/job.h"

#include "base/assert.h"

#define LOOPS_MAX 256

static void on_finished(void *arg)
{
    for (struct sk_store_job *job = arg, *next; job; job = next) {
        next = job->next; // the job is gone once its fiber runs
        job->done = true;
        sk_fiber_wake(job->fiber);
    }
}

void sk_store_job_call(struct sk_worker *worker, struct sk_store_job *job)
{
    job->fiber = sk_fiber_current();
    job->loop = sk_rt_loop_index();
    job->done = false;
    SK_ASSERT(job->fiber && job->loop >= 0 && job->loop < LOOPS_MAX);
    sk_worker_submit(worker, &job->job);
    while (!job->done)
        sk_fiber_suspend();
}

void sk_store_jobs_finish(struct sk_rt *rt, struct sk_job **jobs, int count)
{
    struct sk_store_job *lists[LOOPS_MAX] = {0};
    int loops = sk_rt_loop_count(rt);
    SK_ASSERT(loops <= LOOPS_MAX);
    for (int i = count; i-- > 0;) { // backwards, so that each list is in order of submission
        struct sk_store_job *job = SK_STORE_JOB(jobs[i]);
        job->next = lists[job->loop];
        lists[job->loop] = job;
    }
    for (int loop = 0; loop < loops; loop++)
        if (lists[loop])
            sk_rt_post(rt, loop, on_finished, lists[loop]);
}
