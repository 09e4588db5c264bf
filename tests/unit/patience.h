/*
 * Waiting, in tests that run on real loops. A machine may stand still for seconds (a slow disk, a
 * CPU given to others), so such a test waits long, and for a condition only: that something came
 * soon, or did not come for a while, proves nothing.
 */
#ifndef TEST_PATIENCE_H
#define TEST_PATIENCE_H

#include "base/assert.h"
#include "rt/rt.h"

enum { PATIENCE_MS = 120000 };

/* From a fiber. */
#define WAIT_UNTIL(cond)                                          \
    do {                                                          \
        int64_t patience_end_ms = sk_now_mono_ms() + PATIENCE_MS; \
        while (!(cond)) {                                         \
            if (sk_now_mono_ms() > patience_end_ms)               \
                SK_PANIC("waited in vain for: %s", #cond);        \
            sk_fiber_sleep(1);                                    \
        }                                                         \
    } while (0)

#endif
