/*
 * What happens when an assertion fails: one message with file and line, the stack, abort. Goes
 * straight to standard error with write(2); neither the log nor the heap can be trusted here.
 * Any thread; async-signal-safe but for vsnprintf.
 */
#include "base/assert.h"

#include <execinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PANIC_TEXT = 1024, PANIC_FRAMES = 64 };

static size_t clamp_length(int n, size_t room)
{
    if (n < 0)
        return 0;
    return (size_t)n < room ? (size_t)n : room - 1;
}

_Noreturn void sk_panic(const char *file, int line, const char *fmt, ...)
{
    char text[PANIC_TEXT];
    size_t n =
        clamp_length(snprintf(text, sizeof(text), "panic: %s:%d: ", file, line), sizeof(text));
    va_list args;

    va_start(args, fmt);
    n += clamp_length(vsnprintf(text + n, sizeof(text) - n, fmt, args), sizeof(text) - n);
    va_end(args);
    text[n++] = '\n'; // takes the place of the NUL

    void *frames[PANIC_FRAMES];
    if (write(STDERR_FILENO, text, n) >= 0)
        backtrace_symbols_fd(frames, backtrace(frames, PANIC_FRAMES), STDERR_FILENO);
    abort();
}
