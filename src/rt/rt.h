/*
 * The runtime: loop threads, fibers, mailboxes, timers, time and randomness, real or simulated.
 *
 * A loop runs fibers and callbacks, one at a time, to their next wait; nothing on a loop may
 * block. Loops share nothing: they talk by sk_rt_post and sk_rt_call. In a simulated runtime all
 * loops take turns in one thread on a virtual clock, and everything below behaves the same, from
 * a seed.
 *
 * Unless said otherwise a function belongs to the calling loop's thread.
 */
#ifndef SK_RT_RT_H
#define SK_RT_RT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/heap.h"
#include "base/list.h"
#include "base/random.h"

struct sk_rt;

struct sk_rt_options {
    int loop_count;        /* >= 1 */
    bool simulated;        /* one thread, virtual clock */
    uint64_t seed;         /* simulated only */
    int64_t start_wall_ms; /* simulated only: the clock's first value */
};

struct sk_rt *sk_rt_new(const struct sk_rt_options *options);
/* Real: starts the loop threads and runs loop 0 on the caller until sk_rt_stop. Simulated: runs
 * everything until sk_rt_stop, or until nothing is left to do (returns then). main_fn(arg), if
 * given, is the first fiber on loop 0. */
void sk_rt_run(struct sk_rt *rt, void (*main_fn)(void *), void *arg);
void sk_rt_stop(struct sk_rt *rt); /* any thread; sk_rt_run returns soon after */
void sk_rt_free(struct sk_rt *rt);
int sk_rt_loop_count(const struct sk_rt *rt);
struct sk_rt *sk_rt_current(void); /* the runtime of the calling loop thread */
int sk_rt_loop_index(void);        /* of the calling loop, or -1 off the loops */
bool sk_rt_simulated(void);

/* ---- time and randomness (of the calling loop) ---- */
int64_t sk_now_mono_ms(void); /* monotonic; one reading a loop turn */
int64_t sk_now_mono_us(void); /* the same clock read afresh, to measure how long something took */
int64_t sk_now_wall_ms(void); /* since 1970 */
int64_t sk_now_wall_ns(void); /* since 1970; strictly increasing within a loop */
struct sk_random *sk_rt_random(void);
/* simulated only: jump the wall clock */
void sk_sim_jump_wall(struct sk_rt *rt, int64_t delta_ms);

/* ---- fibers ---- */
struct sk_fiber;
/* Start fn(arg) on this loop; it first runs after the caller yields or returns to the loop. */
void sk_fiber_spawn(void (*fn)(void *), void *arg);
struct sk_fiber *sk_fiber_current(void); /* NULL when in a plain callback */
void sk_fiber_suspend(void);             /* until sk_fiber_wake; a wake before the suspend counts */
void sk_fiber_wake(struct sk_fiber *fiber);               /* on the fiber's own loop */
void sk_fiber_wake_from_anywhere(struct sk_fiber *fiber); /* any thread */
void sk_fiber_yield(void);                                /* let others run */
void sk_fiber_sleep(int64_t ms);
/* Run fn(arg) now, on the loop's own stack: for what recurses deeper than a fiber's stack is made
 * for. fn is a plain callback: it does not wait. From a plain callback: a plain call. */
void sk_fiber_outside(void (*fn)(void *), void *arg);

/* A lock that fibers of one loop wait for in order. */
struct sk_mutex {
    struct sk_fiber *holder;
    struct sk_list waiters;
};
void sk_mutex_init(struct sk_mutex *mutex);
void sk_mutex_lock(struct sk_mutex *mutex);
void sk_mutex_unlock(struct sk_mutex *mutex);

/* Fibers of one loop waiting for something to happen. */
struct sk_waitq {
    struct sk_list waiters;
};
void sk_waitq_init(struct sk_waitq *queue);
/* false on timeout; deadline_mono_ms 0 = wait for ever */
bool sk_waitq_wait(struct sk_waitq *queue, int64_t deadline_mono_ms);
void sk_waitq_wake_all(struct sk_waitq *queue);
void sk_waitq_wake_one(struct sk_waitq *queue);

/* ---- between loops ---- */
/* Run fn(arg) as a fiber on loop; wait for its end. Same loop: a plain call. From a fiber only. */
void sk_rt_call(int loop, void (*fn)(void *), void *arg);
/* Run fn(arg) as a plain callback on loop, soon, in order of posting; any thread may post. Same
 * loop: it still runs later, never inside the call. */
void sk_rt_post(struct sk_rt *rt, int loop, void (*fn)(void *), void *arg);

/* ---- timers: embedded, of one loop ---- */
struct sk_timer {
    struct sk_heap_node node;
    void (*fn)(struct sk_timer *);
};
void sk_timer_init(struct sk_timer *timer, void (*fn)(struct sk_timer *));
void sk_timer_start(struct sk_timer *timer, int64_t due_mono_ms); /* re-arms a running one */
void sk_timer_stop(struct sk_timer *timer);
bool sk_timer_running(const struct sk_timer *timer);

/* ---- threads that may block (databases, helpers) ---- */
/* A thread with a queue of jobs. In a simulated runtime run(job) is called on the loop instead,
 * after a random virtual delay. batch_max > 1: fn gets up to that many jobs at once (group
 * commit); it is called again as soon as it returns and jobs wait. */
struct sk_worker;
struct sk_job {
    struct sk_job *next; /* the worker's */
};
typedef void (*sk_worker_fn)(void *owner, struct sk_job **jobs, int count);
struct sk_worker *sk_worker_new(struct sk_rt *rt, const char *name, sk_worker_fn fn, void *owner,
                                int batch_max);
/* Several threads that take from one queue, each with an owner of its own: a job waits only while
 * all of them are busy. Simulated it is one, the first. */
struct sk_worker *sk_worker_new_team(struct sk_rt *rt, const char *name, sk_worker_fn fn,
                                     void *const *owners, int count, int batch_max);
void sk_worker_submit(struct sk_worker *worker, struct sk_job *job); /* any thread */
void sk_worker_free(struct sk_worker *worker); /* finishes queued jobs, joins */

/* Turns over 20 ms since start, for the watchdog's metric. */
uint64_t sk_rt_stalls(const struct sk_rt *rt);
/* How often one thread woke another that slept, since start: what crossing threads costs. */
uint64_t sk_rt_wakeups(const struct sk_rt *rt);

#endif
