/*
 * A loop: one thread that runs items (fibers to resume, callbacks) in the order they came.
 *
 * A turn: read the clock once; take the mailbox; run the timers that are due; run items until
 * none is left or it has been a while (TURN_ITEMS_MAX, TURN_MS_MAX); then let libuv poll the
 * sockets, without waiting when items are left. What sockets cause runs inside that poll and
 * queues more items.
 *
 * The mailbox is a list that senders push to with one compare-and-swap and the loop takes whole.
 * A sender wakes the loop (a write to its eventfd) only when the loop sleeps, and of several
 * senders only the first does. (uv_async would do, but its receiver spins until the sender's
 * write has returned, which showed in profiles.) Why no wake is lost: the loop sets `sleeping` and
 * then looks at the mailbox, a sender pushes and then looks at `sleeping`, all sequentially
 * consistent, so at least one of them sees the other.
 *
 * INV-1: items run in order: of one sender to one loop, and of a loop to itself.
 * INV-2: nothing runs inside the call that caused it (but sk_rt_call to the same loop).
 *
 * The watchdog: a turn of more than STALL_MS is counted; if one item alone took that long, its
 * function is named in the log. The time of an item comes from the coarse clock, which costs
 * little and ticks every few milliseconds.
 */
#include "rt/rt_internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/log.h"

enum {
    TURN_ITEMS_MAX = 1024, // then, or after this time, sockets get a look
    TURN_MS_MAX = 10,
    STALL_MS = 20,
    WARN_EVERY_MS = 1000, // a machine too slow for us need not fill the log
    FREE_POSTS_MAX = 256,
};

_Thread_local struct sk_loop *sk_loop_here;

/* ---- items ---- */

void sk_loop_push(struct sk_loop *loop, struct sk_item *item)
{
    item->next = NULL;
    if (loop->ready.last)
        loop->ready.last->next = item;
    else
        loop->ready.first = item;
    loop->ready.last = item;
}

void sk_loop_wake(struct sk_loop *loop)
{
    uint64_t one = 1;
    ssize_t n = write(loop->wake_fd, &one, sizeof(one));
    SK_ASSERT(n == sizeof(one) || errno == EAGAIN); // EAGAIN: more wakes than it counts
    sk_rt_count_wakeup(loop->rt);
}

void sk_loop_send(struct sk_loop *loop, struct sk_item *item)
{
    if (loop == sk_loop_here) {
        sk_loop_push(loop, item);
        return;
    }
    item->next = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&loop->mailbox, &item->next, item)) {
        // item->next is the newest now
    }
    if (!loop->rt->simulated && atomic_load(&loop->sleeping) &&
        atomic_exchange(&loop->sleeping, false))
        sk_loop_wake(loop);
}

bool sk_loop_collect(struct sk_loop *loop)
{
    if (!atomic_load_explicit(&loop->mailbox, memory_order_relaxed))
        return false;
    struct sk_item *item = atomic_exchange_explicit(&loop->mailbox, NULL, memory_order_acquire);
    struct sk_item *oldest = NULL;

    while (item) {
        struct sk_item *older = item->next;
        item->next = oldest;
        oldest = item;
        item = older;
    }
    while (oldest) {
        struct sk_item *next = oldest->next;
        sk_loop_push(loop, oldest);
        oldest = next;
    }
    return true;
}

bool sk_loop_run_item(struct sk_loop *loop)
{
    struct sk_item *item = loop->ready.first;

    if (!item)
        return false;
    loop->ready.first = item->next;
    if (!item->next)
        loop->ready.last = NULL;
    item->run(item);
    return true;
}

/* ---- posts and calls ---- */

struct post {
    struct sk_item item;
    void (*fn)(void *);
    void *arg;
};

static void on_post(struct sk_item *item)
{
    struct sk_loop *loop = sk_loop_here;
    struct post *post = SK_CONTAINER(item, struct post, item);
    void (*fn)(void *) = post->fn;
    void *arg = post->arg;

    if (loop->free_post_count < FREE_POSTS_MAX) {
        item->next = loop->free_posts;
        loop->free_posts = item;
        loop->free_post_count++;
    } else {
        sk_mem_free(post);
    }
    loop->running = (uintptr_t)fn;
    fn(arg);
}

void sk_rt_post(struct sk_rt *rt, int loop, void (*fn)(void *), void *arg)
{
    struct sk_loop *here = sk_loop_here;
    struct sk_item *item = here ? here->free_posts : NULL;
    struct post *post;

    SK_ASSERT(loop >= 0 && loop < rt->loop_count);
    if (item) {
        here->free_posts = item->next;
        here->free_post_count--;
        post = SK_CONTAINER(item, struct post, item);
    } else {
        post = sk_mem_alloc(sizeof(*post));
    }
    *post = (struct post){.item.run = on_post, .fn = fn, .arg = arg};
    sk_loop_send(&rt->loops[loop], &post->item);
}

/* Lives on the caller's stack and travels to the other loop and back. */
struct call {
    struct sk_item item;
    void (*fn)(void *);
    void *arg;
    struct sk_fiber *caller;
};

static void on_call_returned(struct sk_item *item)
{
    sk_fiber_unpark(SK_CONTAINER(item, struct call, item)->caller);
}

static void call_main(void *arg)
{
    struct call *call = arg;

    call->fn(call->arg);
    call->item.run = on_call_returned;
    sk_loop_send(call->caller->loop, &call->item);
}

static void on_call(struct sk_item *item)
{
    struct call *call = SK_CONTAINER(item, struct call, item);
    sk_fiber_resume(&sk_fiber_make(sk_loop_here, call_main, call)->ready);
}

void sk_rt_call(int loop, void (*fn)(void *), void *arg)
{
    struct sk_loop *here = sk_loop_here;

    SK_ASSERT(here && here->current && loop >= 0 && loop < here->rt->loop_count);
    if (loop == here->index) {
        fn(arg);
        return;
    }
    struct call call = {.item.run = on_call, .fn = fn, .arg = arg, .caller = here->current};
    // Nothing can come back before the fiber is parked: it would run on this very thread.
    sk_loop_send(&here->rt->loops[loop], &call.item);
    sk_fiber_park();
}

/* ---- making and ending ---- */

static void on_wake(uv_poll_t *wake, int status, int events)
{
    uint64_t count;

    (void)status;
    (void)events;
    // It ended the poll: the mailbox is taken at the beginning of the turn.
    ssize_t n = read(SK_CONTAINER(wake, struct sk_loop, wake)->wake_fd, &count, sizeof(count));
    SK_ASSERT(n == sizeof(count) || errno == EAGAIN);
}

static void on_alarm(uv_timer_t *alarm)
{
    struct sk_loop *loop = SK_CONTAINER(alarm, struct sk_loop, alarm);

    // The timers run at the beginning of the turn; should none be due by our reading of the clock,
    // the alarm is set once more. It may also ring before the poll, which then must not wait.
    loop->alarm_ms = 0;
    uv_stop(&loop->uv);
}

void sk_loop_init(struct sk_loop *loop, struct sk_rt *rt, int index, struct sk_random *random)
{
    loop->rt = rt;
    loop->index = index;
    loop->random = random;
    sk_heap_init(&loop->timers);
    sk_list_init(&loop->fibers);
    sk_loop_read_clocks(loop);
    if (rt->simulated)
        return;
    SK_ASSERT(uv_loop_init(&loop->uv) == 0);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    SK_ASSERT(loop->wake_fd >= 0);
    SK_ASSERT(uv_poll_init(&loop->uv, &loop->wake, loop->wake_fd) == 0);
    SK_ASSERT(uv_poll_start(&loop->wake, UV_READABLE, on_wake) == 0);
    SK_ASSERT(uv_timer_init(&loop->uv, &loop->alarm) == 0);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    static const uv_close_cb forget[UV_HANDLE_TYPE_MAX] = {
        [UV_TCP] = sk_stream_forget,
        [UV_POLL] = sk_listener_forget,
        [UV_SIGNAL] = sk_signal_forget,
    };

    uv_close_cb on_close = forget[uv_handle_get_type(handle)];
    if (handle == (uv_handle_t *)&((struct sk_loop *)arg)->wake)
        on_close = NULL; // a uv_poll that is no listener's
    if (!uv_is_closing(handle))
        uv_close(handle, on_close);
}

/* Forgets what was queued and will never run; of that only posts are on the heap. */
static void drop_items(struct sk_loop *loop)
{
    struct sk_item *item;

    sk_loop_collect(loop);
    while ((item = loop->ready.first)) {
        loop->ready.first = item->next;
        if (item->run == on_post)
            sk_mem_free(SK_CONTAINER(item, struct post, item));
    }
    loop->ready.last = NULL;
}

void sk_loop_fini(struct sk_loop *loop)
{
    struct sk_item *item;

    sk_loop_here = loop; // for the last callbacks of streams that are closing
    drop_items(loop);
    if (!loop->rt->simulated) {
        uv_walk(&loop->uv, close_handle, loop);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        SK_ASSERT(uv_loop_close(&loop->uv) == 0);
        close(loop->wake_fd);
        drop_items(loop);
    }
    while ((item = loop->free_posts)) {
        loop->free_posts = item->next;
        sk_mem_free(SK_CONTAINER(item, struct post, item));
    }
    sk_fibers_fini(loop);
    loop->timers.count = 0; // what is left is embedded in memory that may be gone
    sk_heap_fini(&loop->timers);
    sk_random_free(loop->random);
    sk_mem_free(loop->read_buffer);
    sk_loop_here = NULL;
}

/* ---- the turn ---- */

/* Names what ran last: a symbol, or file+offset as addr2line takes it. */
static void log_culprit(const struct sk_loop *loop, int64_t ms)
{
    char name[128];
    Dl_info info;

    if (!dladdr((void *)loop->running, &info))
        snprintf(name, sizeof(name), "unknown");
    else if (info.dli_sname)
        snprintf(name, sizeof(name), "%s", info.dli_sname);
    else
        snprintf(name, sizeof(name), "%s+0x%zx", info.dli_fname,
                 (size_t)(loop->running - (uintptr_t)info.dli_fbase));
    SK_LOG(WARN, "rt", "a loop was held up", SK_KV("function", name), SK_KI("ms", ms),
           SK_KI("loop", loop->index));
}

void sk_loop_begin_turn(struct sk_loop *loop)
{
    if (!loop->polling)
        return;
    loop->polling = false;
    atomic_store_explicit(&loop->sleeping, false, memory_order_relaxed);
    sk_loop_read_clocks(loop);
}

/* Names what ran since *since, if that was long. */
static void watch(struct sk_loop *loop, int64_t *since_ms)
{
    int64_t now = sk_coarse_ms();

    if (now - *since_ms > STALL_MS && now - loop->warned_ms > WARN_EVERY_MS) {
        loop->warned_ms = now;
        log_culprit(loop, now - *since_ms);
    }
    *since_ms = now;
}

static void run_items(struct sk_loop *loop)
{
    int64_t begin_ms = loop->mono_ns / 1000000, since_ms = begin_ms;

    watch(loop, &since_ms); // callbacks of sockets and timers
    for (int i = 0; i < TURN_ITEMS_MAX && since_ms - begin_ms < TURN_MS_MAX; i++) {
        if (sk_loop_run_item(loop))
            watch(loop, &since_ms);
        else if (!sk_loop_collect(loop))
            break;
    }
}

/* Sets libuv's timer so that the poll ends when the first of ours is due; false if it is. */
static bool set_alarm(struct sk_loop *loop)
{
    int64_t due = sk_loop_next_due(loop);

    if (due <= loop->mono_ns / 1000000)
        return false;
    if (due == loop->alarm_ms)
        return true;
    if (due == INT64_MAX) {
        loop->alarm_ms = due;
        uv_timer_stop(&loop->alarm);
        return true;
    }
    uv_update_time(&loop->uv); // the same clock as ours, and this turn may have taken a while
    int64_t now = (int64_t)uv_now(&loop->uv);
    if (due <= now)
        return false;
    loop->alarm_ms = due;
    uv_timer_start(&loop->alarm, on_alarm, (uint64_t)(due - now), 0);
    return true;
}

/* May the thread sleep in the poll? From here to the end of the poll senders wake it. */
static bool may_sleep(struct sk_loop *loop)
{
    if (loop->ready.first || !set_alarm(loop))
        return false;
    atomic_store(&loop->sleeping, true);
    if (!atomic_load(&loop->mailbox) && !atomic_load(&loop->rt->stop))
        return true;
    atomic_store_explicit(&loop->sleeping, false, memory_order_relaxed);
    return false;
}

void sk_loop_run(struct sk_loop *loop)
{
    sk_loop_here = loop;
    sk_context_init_thread(&loop->context);
    loop->polling = true; // so that the first turn begins with a fresh clock
    while (!atomic_load_explicit(&loop->rt->stop, memory_order_relaxed)) {
        sk_loop_begin_turn(loop);
        sk_loop_collect(loop);
        sk_loop_run_timers(loop);
        run_items(loop);
        if (sk_now_mono_us() - loop->mono_ns / 1000 > STALL_MS * 1000)
            atomic_fetch_add_explicit(&loop->stalls, 1, memory_order_relaxed);
        bool sleep = may_sleep(loop);
        loop->polling = true;
        uv_run(&loop->uv, sleep ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    }
    sk_loop_here = NULL;
}
