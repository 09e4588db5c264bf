/*
 * SK_ASSERT stays on in release and aborts: process state is broken. SK_DASSERT is for expensive
 * checks in debug, simulator and fuzz builds. Never on bytes from a peer, store errors or time.
 * A broken invariant inside one execution is not an assert: see sk_exec quarantine in engine.
 */
#ifndef SK_BASE_ASSERT_H
#define SK_BASE_ASSERT_H

_Noreturn void sk_panic(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define SK_PANIC(...) sk_panic(__FILE__, __LINE__, __VA_ARGS__)
#define SK_ASSERT(cond) \
    ((cond) ? (void)0 : sk_panic(__FILE__, __LINE__, "assertion failed: %s", #cond))
#ifdef SK_DEBUG
#define SK_DASSERT(cond) SK_ASSERT(cond)
#else
#define SK_DASSERT(cond) ((void)sizeof(cond))
#endif

#endif
