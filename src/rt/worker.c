/*
 * Workers: threads that may block, each with a queue of jobs. Submitting takes a lock for a few
 * instructions and makes a system call only when a thread sleeps; the thread takes as many jobs as
 * its batch holds, so that jobs gather while it works (group commit needs no timer). A team is
 * several threads on one queue.
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

struct member {
    struct sk_worker *worker;
    void *owner;
    struct sk_job **batch; // room for batch_max; the member's thread alone
    pthread_t thread;
};

struct sk_worker {
    struct sk_rt *rt;
    sk_worker_fn fn;
    struct member *members;
    int member_count;
    int batch_max;
    bool simulated;
    char name[16]; // as the system bounds it

    pthread_mutex_t lock; // guards first, last, stop, asleep, woken
    pthread_cond_t wanted;
    struct sk_job *first, *last;
    bool stop;
    int asleep; // threads that wait for work,
    int woken;  // and how many of them were told that there is some

    struct sk_timer delay; // simulated
};

/* With the lock held, if there is one. */
static int take_batch(struct member *member)
{
    struct sk_worker *worker = member->worker;
    int count = 0;

    while (worker->first && count < worker->batch_max) {
        struct sk_job *job = worker->first;
        worker->first = job->next;
        job->next = NULL;
        member->batch[count++] = job;
    }
    if (!worker->first)
        worker->last = NULL;
    return count;
}

static void *member_main(void *arg)
{
    struct member *member = arg;
    struct sk_worker *worker = member->worker;

    pthread_setname_np(pthread_self(), worker->name);
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        int count = take_batch(member);
        if (count == 0 && worker->stop)
            break;
        if (count == 0) {
            worker->asleep++;
            pthread_cond_wait(&worker->wanted, &worker->lock);
            worker->asleep--;
            worker->woken -= worker->woken > 0; // none if it woke by itself
            continue;
        }
        pthread_mutex_unlock(&worker->lock);
        worker->fn(member->owner, member->batch, count);
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
    struct member *member = &worker->members[0];
    int count = take_batch(member);

    if (worker->first)
        start_delay(worker);
    if (count > 0)
        worker->fn(member->owner, member->batch, count);
}

struct sk_worker *sk_worker_new_team(struct sk_rt *rt, const char *name, sk_worker_fn fn,
                                     void *const *owners, int count, int batch_max)
{
    struct sk_worker *worker = sk_mem_zalloc(sizeof(*worker));

    SK_ASSERT(count >= 1 && batch_max >= 1);
    worker->rt = rt;
    worker->fn = fn;
    worker->members = sk_mem_zalloc((size_t)count * sizeof(*worker->members));
    worker->member_count = count;
    worker->batch_max = batch_max;
    worker->simulated = rt->simulated;
    snprintf(worker->name, sizeof(worker->name), "%s", name);
    sk_timer_init(&worker->delay, on_delay);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wanted, NULL);
    for (int i = 0; i < count; i++) {
        struct member *member = &worker->members[i];
        member->worker = worker;
        member->owner = owners[i];
        member->batch = sk_mem_alloc((size_t)batch_max * sizeof(struct sk_job *));
        if (!worker->simulated)
            member->thread = sk_thread_start(member_main, member);
    }
    return worker;
}

struct sk_worker *sk_worker_new(struct sk_rt *rt, const char *name, sk_worker_fn fn, void *owner,
                                int batch_max)
{
    return sk_worker_new_team(rt, name, fn, &owner, 1, batch_max);
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
    bool wake = worker->asleep > worker->woken;
    worker->woken += wake;
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
        while ((count = take_batch(&worker->members[0])) > 0)
            worker->fn(worker->members[0].owner, worker->members[0].batch, count);
    } else {
        pthread_mutex_lock(&worker->lock);
        worker->stop = true;
        pthread_mutex_unlock(&worker->lock);
        pthread_cond_broadcast(&worker->wanted);
        for (int i = 0; i < worker->member_count; i++)
            pthread_join(worker->members[i].thread, NULL);
    }
    pthread_cond_destroy(&worker->wanted);
    pthread_mutex_destroy(&worker->lock);
    for (int i = 0; i < worker->member_count; i++)
        sk_mem_free(worker->members[i].batch);
    sk_mem_free(worker->members);
    sk_mem_free(worker);
}
