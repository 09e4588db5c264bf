/*
 * Signals: callbacks on loop 0. Threads that rt starts block all signals, so the system delivers
 * them to the main thread. A handler stays for the life of the runtime.
 */
#include "base/assert.h"
#include "base/buf.h"
#include "rt/rt_internal.h"
#include "rt/stream.h"

struct handler {
    uv_signal_t signal;
    int signum;
    void (*on_signal)(void *owner, int signum);
    void *owner;
};

static void on_uv_signal(uv_signal_t *signal, int signum)
{
    struct handler *handler = signal->data;

    sk_loop_begin_turn(sk_loop_here);
    handler->on_signal(handler->owner, signum);
}

static void start_handler(void *arg)
{
    struct handler *handler = arg;

    handler->signal.data = handler;
    SK_ASSERT(uv_signal_init(&sk_loop_here->uv, &handler->signal) == 0);
    SK_ASSERT(uv_signal_start(&handler->signal, on_uv_signal, handler->signum) == 0);
}

void sk_on_signal(int signum, void (*on_signal)(void *owner, int signum), void *owner)
{
    SK_ASSERT(sk_loop_here);
    if (sk_rt_simulated())
        return; // no process, no signals
    struct handler *handler = sk_mem_zalloc(sizeof(*handler));
    handler->signum = signum;
    handler->on_signal = on_signal;
    handler->owner = owner;
    if (sk_rt_loop_index() == 0)
        start_handler(handler);
    else
        sk_rt_post(sk_rt_current(), 0, start_handler, handler);
}

void sk_signal_forget(uv_handle_t *handle)
{
    sk_mem_free(handle->data);
}
