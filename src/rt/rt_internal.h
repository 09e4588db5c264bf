/*
 * What the files of rt share; nobody else includes this.
 *
 * Everything that runs on a loop is a struct sk_item: a fiber to resume, a posted callback, the
 * two halves of a call. A loop has one queue of items that are ready and one mailbox of items
 * that other threads sent.
 */
#ifndef SK_RT_RT_INTERNAL_H
#define SK_RT_RT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <uv.h>

#include "rt/fiber.h"
#include "rt/rt.h"

struct sk_item {
    struct sk_item *next;
    void (*run)(struct sk_item *item); // in a plain callback of the loop
};

struct sk_queue {
    struct sk_item *first, *last;
};

enum sk_fiber_state {
    SK_FIBER_IDLE,  // waits in the pool for something to do
    SK_FIBER_READY, // in the loop's queue
    SK_FIBER_RUNNING,
    SK_FIBER_SUSPENDED, // until sk_fiber_wake
    SK_FIBER_PARKED,    // until sk_fiber_unpark: waits for something of rt itself
};

struct sk_fiber {
    struct sk_item ready;    // place in the loop's queue
    struct sk_item remote;   // a wake from another thread, in the mailbox
    atomic_bool remote_sent; // `remote` is in the mailbox
    struct sk_loop *loop;
    enum sk_fiber_state state;
    bool wake_pending; // woken while it was not suspended
    bool ended;        // its function has returned
    void (*fn)(void *);
    void *arg;
    void *outside_arg;          // of loop->outside
    struct sk_context context;  // has no stack while in the pool of bare fibers
    struct sk_fiber *next_idle; // in a pool
    struct sk_list all;         // of the loop
};

struct sk_loop {
    struct sk_rt *rt;
    int index;
    pthread_t thread; // not loop 0's

    // Of the loop's thread alone.
    struct sk_queue ready;
    struct sk_heap timers;     // struct sk_timer by due time
    struct sk_fiber *current;  // NULL in a plain callback
    void (*outside)(void *);   // what the current fiber wants run on the thread's own stack
    struct sk_context context; // of the thread's own stack
    struct sk_list fibers;     // all of them
    struct sk_fiber *idle;     // with a stack
    struct sk_fiber *bare;     // without
    int idle_count;
    struct sk_item *free_posts; // spare memory of sk_rt_post
    int free_post_count;
    struct sk_random *random;
    int64_t mono_ns, wall_ns; // read at the beginning of the turn
    int64_t last_wall_ns;     // what sk_now_wall_ns returned last
    uintptr_t running;        // the function called last, for the watchdog
    int64_t warned_ms;        // when the watchdog spoke last
    char *read_buffer;        // of all its streams, made by the first

    // libuv's; unused in a simulated runtime.
    uv_loop_t uv;
    uv_poll_t wake; // of wake_fd, an eventfd
    int wake_fd;
    uv_timer_t alarm; // ends the poll at the first timer
    int64_t alarm_ms; // what it is set to; 0 = not set
    bool polling;     // in libuv's poll; the turn has not begun

    // Any thread's.
    _Atomic(struct sk_item *) mailbox; // newest first
    atomic_bool sleeping;              // polls or is about to: a sender must wake it
    _Atomic uint64_t stalls;
    atomic_int stream_count; // accepted and not closed, to spread new ones
};

struct sk_rt {
    bool simulated;
    atomic_bool stop;
    _Atomic uint64_t wakeups; // of a thread by another; each costs a system call anyway
    int loop_count;
    struct sk_loop *loops;

    // Simulated only.
    struct sk_random *random; // who goes next
    int64_t sim_mono_ns;
    int64_t sim_wall_offset_ns; // wall = mono + offset
};

static inline void sk_rt_count_wakeup(struct sk_rt *rt)
{
    atomic_fetch_add_explicit(&rt->wakeups, 1, memory_order_relaxed);
}

extern _Thread_local struct sk_loop *sk_loop_here; // NULL off the loops

void sk_loop_init(struct sk_loop *loop, struct sk_rt *rt, int index, struct sk_random *random);
void sk_loop_fini(struct sk_loop *loop);
/* Put an item at the end of the calling loop's queue. */
void sk_loop_push(struct sk_loop *loop, struct sk_item *item);
/* The same from any thread. */
void sk_loop_send(struct sk_loop *loop, struct sk_item *item);
void sk_loop_wake(struct sk_loop *loop); /* ends its poll; any thread */
/* Take what came by mailbox; false when the mailbox was empty. */
bool sk_loop_collect(struct sk_loop *loop);
bool sk_loop_run_item(struct sk_loop *loop); /* the first one; false when there is none */
void sk_loop_run_timers(struct sk_loop *loop);
/* Due time of the first timer in ms, INT64_MAX without one. */
int64_t sk_loop_next_due(const struct sk_loop *loop);
/* Real loops: run until sk_rt_stop. */
void sk_loop_run(struct sk_loop *loop);
/* A callback of libuv begins: what it does belongs to a turn with a fresh clock. */
void sk_loop_begin_turn(struct sk_loop *loop);

void sk_loop_read_clocks(struct sk_loop *loop);
int64_t sk_coarse_ms(void); // cheap, monotonic, ticks every few milliseconds

void sk_fibers_fini(struct sk_loop *loop);
/* A fiber for fn(arg), not in the queue yet. */
struct sk_fiber *sk_fiber_make(struct sk_loop *loop, void (*fn)(void *), void *arg);
void sk_fiber_resume(struct sk_item *ready); /* an item's run */
/* Wait inside rt; unlike sk_fiber_suspend it swallows no wake meant for somebody else. */
void sk_fiber_park(void);
void sk_fiber_unpark(struct sk_fiber *fiber); /* on its own loop */

/* A thread with all signals blocked. */
pthread_t sk_thread_start(void *(*main_fn)(void *), void *arg);

void sk_sim_run(struct sk_rt *rt);

/* A stream around a socket (taken over, also when this fails) or, with fd -1, for connecting.
 * *reterr_status is libuv's. NULL on failure. */
struct sk_stream *sk_stream_new(struct sk_loop *loop, int fd, int *reterr_status);
uv_tcp_t *sk_stream_tcp(struct sk_stream *stream);
/* Connected: learn the peer's name and so on. */
void sk_stream_connected(struct sk_stream *stream);

/* For a loop that ends with handles still open: each module's memory around a handle goes when
 * this was called for it, and its owner hears nothing. */
void sk_stream_forget(uv_handle_t *handle);
void sk_listener_forget(uv_handle_t *handle);
void sk_signal_forget(uv_handle_t *handle);

#endif
