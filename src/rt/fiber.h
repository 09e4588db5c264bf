/*
 * The machine's side of fibers: stacks, and switching from one to another. No scheduling here.
 * Only rt (and the C SDK) includes this; everybody else uses the fibers of rt.h.
 *
 * A context belongs to one thread for life. Sanitizers are told of every switch.
 */
#ifndef SK_RT_FIBER_H
#define SK_RT_FIBER_H

#include <stddef.h>

struct sk_context {
    void *sp;          // where it stopped, while it is switched away
    char *stack;       // lowest usable byte; NULL for a thread's own stack (but under ASan)
    size_t stack_size; // usable bytes
    void *fake_stack;  // AddressSanitizer's
    void *tsan_fiber;  // ThreadSanitizer's
    void (*entry)(void *);
    void *arg;
};

/* The calling thread's own stack becomes a context that can be switched away from and back to. */
void sk_context_init_thread(struct sk_context *context);
/* Maps a stack with a guard page below; *context stays where it is. entry(arg) runs at the first
 * switch and never returns. Aborts when no memory can be mapped. */
void sk_context_init(struct sk_context *context, void (*entry)(void *), void *arg);
void sk_context_fini(struct sk_context *context); /* unmaps; not while it runs */
/* Stop here, go on there; returns when somebody switches back to `from`. */
void sk_context_switch(struct sk_context *from, struct sk_context *to);

#endif
