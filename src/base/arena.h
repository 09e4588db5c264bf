/*
 * Arena: memory with one lifetime. Allocation is a pointer bump; freeing the arena frees all.
 * Under AddressSanitizer each allocation is a malloc of its own, so that overruns are caught.
 * Not thread-safe; may be handed from thread to thread.
 */
#ifndef SK_BASE_ARENA_H
#define SK_BASE_ARENA_H

#include <stddef.h>
#include "base/str.h"

struct sk_arena;

/* limit: bytes it may grow to (0 = unlimited). Chunks come from a per-thread pool. */
struct sk_arena *sk_arena_new(size_t limit);
void sk_arena_free(struct sk_arena *arena); /* NULL is fine */
void sk_arena_clear(struct sk_arena *arena);

/* 16-byte aligned, not zeroed. Aborts when the machine is out of memory or the limit is passed;
 * callers bound sizes first. _try returns NULL at the limit instead. */
void *sk_arena_alloc(struct sk_arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));
void *sk_arena_alloc_try(struct sk_arena *arena, size_t size);
void *sk_arena_zalloc(struct sk_arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));
char *sk_arena_strdup(struct sk_arena *arena, const char *s); /* NULL gives NULL */
char *sk_arena_strndup(struct sk_arena *arena, const char *s, size_t n);
void *sk_arena_memdup(struct sk_arena *arena, const void *p, size_t n);
char *sk_arena_printf(struct sk_arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
size_t sk_arena_used(const struct sk_arena *arena);
size_t sk_arena_held(const struct sk_arena *arena); /* memory taken, unused room included */

/* Typed helpers. */
#define SK_NEW(arena, type) ((type *)sk_arena_zalloc((arena), sizeof(type)))
#define SK_NEW_N(arena, type, n) ((type *)sk_arena_zalloc((arena), sizeof(type) * (size_t)(n)))

#endif
