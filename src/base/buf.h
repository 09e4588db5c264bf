/* A growable byte buffer that owns its memory. Aborts on out-of-memory; callers bound the size. */
#ifndef SK_BASE_BUF_H
#define SK_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include "base/str.h"

struct sk_buf {
    char *p;
    size_t n, capacity;
};

#define SK_BUF_INIT ((struct sk_buf){NULL, 0, 0})
void sk_buf_fini(struct sk_buf *buf);
void sk_buf_clear(struct sk_buf *buf);                 /* keeps the memory */
char *sk_buf_reserve(struct sk_buf *buf, size_t more); /* room for more bytes at buf->p + buf->n */
void sk_buf_append(struct sk_buf *buf, const void *bytes, size_t n);
void sk_buf_str(struct sk_buf *buf, const char *cstr);
void sk_buf_printf(struct sk_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline struct sk_str sk_buf_view(const struct sk_buf *buf)
{
    return (struct sk_str){buf->p, buf->n};
}

/* malloc and friends that abort when memory is gone; the only way to the heap outside base. */
void *sk_mem_alloc(size_t n) __attribute__((malloc, alloc_size(1)));
void *sk_mem_zalloc(size_t n) __attribute__((malloc, alloc_size(1)));
void *sk_mem_realloc(void *p, size_t n);
char *sk_mem_strdup(const char *s);
char *sk_mem_strndup(const char *s, size_t n);
void sk_mem_free(void *p);

#endif
