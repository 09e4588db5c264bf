/*
 * Workers: threads that may block, each with a queue of jobs. Submitting takes a lock for a few
 * instructions and makes a system call only when the thread sleeps; the thread takes as many jobs
 * as its batch holds, so that jobs gather while it works (group commit needs no timer).
 *
 * Simulated: no thread. The first job of an idle worker starts a timer of zero to three virtual
 * milliseconds on the submitting loop; when it ends, a batch runs right there, and the timer
 * starts again while jobs are left. So batches form and jobs of two workers overtake each other,
 * all from the seed.
 *
 * Jobs are the submitters'; a job handed to fn is the worker's no more.
 */
#include "rt/rt.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/buf.h"
#include "rt/rt_internal.h"

enum { SIM_DELAY_MS = 4 };

struct sk_worker {
    struct sk_rt *rt;
    sk_worker_fn fn;
    void *owner;
    struct sk_job **batch; // room for batch_max; the worker's thread alone
    int batch_max;
    bool simulated;
    char name[16]; // as the system bounds it

    pthread_mutex_t lock; // guards first, last, stop, asleep
    pthread_cond_t wanted;
    pthread_t thread;
    struct sk_job *first, *last;
    bool stop;
    bool asleep; // waits for work and nobody has woken it yet

    struct sk_timer delay; // simulated
};

/* With the lock held, if there is one. */
static int take_batch(struct sk_worker *worker)
{
    int count = 0;

    while (worker->first && count < worker->batch_max) {
        struct sk_job *job = worker->first;
        worker->first = job->next;
        job->next = NULL;
        worker->batch[count++] = job;
    }
    if (!worker->first)
        worker->last = NULL;
    return count;
}

static void *worker_main(void *arg)
{
    struct sk_worker *worker = arg;

    pthread_setname_np(pthread_self(), worker->name);
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        int count = take_batch(worker);
        if (count == 0 && worker->stop)
            break;
        if (count == 0) {
            worker->asleep = true;
            pthread_cond_wait(&worker->wanted, &worker->lock);
            continue;
        }
        pthread_mutex_unlock(&worker->lock);
        worker->fn(worker->owner, worker->batch, count);
        pthread_mutex_lock(&worker->lock);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static void start_delay(struct sk_worker *worker)
{
    int64_t delay = (int64_t)sk_random_below(sk_rt_random(), SIM_DELAY_MS);
    sk_timer_start(&worker->delay, sk_now_mono_ms() + delay);
}

static void on_delay(struct sk_timer *timer)
{
    struct sk_worker *worker = SK_CONTAINER(timer, struct sk_worker, delay);
    int count = take_batch(worker);

    if (worker->first)
        start_delay(worker);
    if (count > 0)
        worker->fn(worker->owner, worker->batch, count);
}

struct sk_worker *sk_worker_new(struct sk_rt *rt, const char *name, sk_worker_fn fn, void *owner,
                                int batch_max)
{
    struct sk_worker *worker = sk_mem_zalloc(sizeof(*worker));

    SK_ASSERT(batch_max >= 1);
    worker->rt = rt;
    worker->fn = fn;
    worker->owner = owner;
    worker->batch = sk_mem_alloc((size_t)batch_max * sizeof(struct sk_job *));
    worker->batch_max = batch_max;
    worker->simulated = rt->simulated;
    snprintf(worker->name, sizeof(worker->name), "%s", name);
    sk_timer_init(&worker->delay, on_delay);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wanted, NULL);
    if (!worker->simulated)
        worker->thread = sk_thread_start(worker_main, worker);
    return worker;
}

void sk_worker_submit(struct sk_worker *worker, struct sk_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&worker->lock);
    if (worker->last)
        worker->last->next = job;
    else
        worker->first = job;
    worker->last = job;
    bool wake = worker->asleep;
    worker->asleep = false;
    pthread_mutex_unlock(&worker->lock);
    if (wake) {
        sk_rt_count_wakeup(worker->rt);
        pthread_cond_signal(&worker->wanted);
    }
    if (worker->simulated && !sk_timer_running(&worker->delay))
        start_delay(worker);
}

void sk_worker_free(struct sk_worker *worker)
{
    int count;

    if (!worker)
        return;
    if (worker->simulated) {
        sk_timer_stop(&worker->delay);
        while ((count = take_batch(worker)) > 0)
            worker->fn(worker->owner, worker->batch, count);
    } else {
        pthread_mutex_lock(&worker->lock);
        worker->stop = true;
        pthread_mutex_unlock(&worker->lock);
        pthread_cond_signal(&worker->wanted);
        pthread_join(worker->thread, NULL);
    }
    pthread_cond_destroy(&worker->wanted);
    pthread_mutex_destroy(&worker->lock);
    sk_mem_free(worker->batch);
    sk_mem_free(worker);
}
