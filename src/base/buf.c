/*
 * The heap and the growable buffer. All heap memory of the server comes through here, and a
 * machine without memory ends the process: sizes are bounded before they get this far. A buffer
 * doubles, so appending is linear over its life. Buffers belong to one thread at a time.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

#undef malloc // base/banned.h: this file is where they may be called
#undef calloc
#undef realloc
#undef strdup
#undef strndup

enum { BUF_FIRST = 128 };

void *sk_mem_alloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p)
        SK_PANIC("out of memory: %zu bytes", n);
    return p;
}

void *sk_mem_zalloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        SK_PANIC("out of memory: %zu bytes", n);
    return p;
}

void *sk_mem_realloc(void *p, size_t n)
{
    p = realloc(p, n ? n : 1);
    if (!p)
        SK_PANIC("out of memory: %zu bytes", n);
    return p;
}

char *sk_mem_strdup(const char *s)
{
    return s ? sk_mem_strndup(s, strlen(s)) : NULL;
}

char *sk_mem_strndup(const char *s, size_t n)
{
    n = strnlen(s, n);
    char *copy = sk_mem_alloc(n + 1);
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

void sk_mem_free(void *p)
{
    free(p);
}

void sk_buf_fini(struct sk_buf *buf)
{
    if (!buf)
        return;
    free(buf->p);
    *buf = SK_BUF_INIT;
}

void sk_buf_clear(struct sk_buf *buf)
{
    buf->n = 0;
}

char *sk_buf_reserve(struct sk_buf *buf, size_t more)
{
    SK_ASSERT(more <= SIZE_MAX / 2 - buf->n);
    if (buf->capacity - buf->n < more) {
        size_t capacity = buf->capacity ? buf->capacity * 2 : BUF_FIRST;
        if (capacity < buf->n + more)
            capacity = buf->n + more;
        buf->p = sk_mem_realloc(buf->p, capacity);
        buf->capacity = capacity;
    }
    return buf->p + buf->n;
}

void sk_buf_append(struct sk_buf *buf, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    memcpy(sk_buf_reserve(buf, n), bytes, n);
    buf->n += n;
}

void sk_buf_str(struct sk_buf *buf, const char *cstr)
{
    sk_buf_append(buf, cstr, strlen(cstr));
}

void sk_buf_printf(struct sk_buf *buf, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    size_t room = buf->capacity - buf->n;
    int n = vsnprintf(room ? buf->p + buf->n : NULL, room, fmt, args);
    va_end(args);
    SK_ASSERT(n >= 0);
    if ((size_t)n >= room) { // vsnprintf wants room for its NUL too
        sk_buf_reserve(buf, (size_t)n + 1);
        vsnprintf(buf->p + buf->n, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    buf->n += (size_t)n;
}
