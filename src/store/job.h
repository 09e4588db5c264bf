/*
 * A fiber's call that a worker thread carries out, for stores: submit, sleep, be woken. Embedded
 * on the fiber's stack. Finished jobs go home with one message a loop, however many they are.
 */
#ifndef SK_STORE_JOB_H
#define SK_STORE_JOB_H

#include "base/list.h"
#include "rt/rt.h"

struct sk_store_job {
    struct sk_job job;         /* the worker's handle: SK_STORE_JOB gets back from it */
    struct sk_store_job *next; /* in the list of finished jobs of one loop */
    struct sk_fiber *fiber;
    int loop;
    bool done; /* the loop's */
};
#define SK_STORE_JOB(ptr) SK_CONTAINER(ptr, struct sk_store_job, job)

/* From a fiber. Returns when the job was finished by sk_store_jobs_finish. */
void sk_store_job_call(struct sk_worker *worker, struct sk_store_job *job);
/* From the worker. The jobs are gone once this was called. */
void sk_store_jobs_finish(struct sk_rt *rt, struct sk_job **jobs, int count);

#endif
