/*
 * Arenas. An arena is a chain of chunks; allocation bumps a pointer in the newest one. The arena
 * itself sits at the start of its first chunk, so a request that fits there costs one chunk and
 * no heap call at all.
 *
 * Chunks come in six sizes, each twice the one before (2 KB to 64 KB), and a freed chunk goes to a
 * pool of the freeing thread, bounded in bytes. Larger ones come from the heap. Chunks double as an
 * arena grows, to 1 MB, so that a large one has few of them, which the C library gets and gives
 * back as whole pages: in small ones its memory would stay with the process.
 *
 * INV-1: free..end of the newest chunk is unused and 16-byte aligned.
 * INV-2: used (bytes given out, rounded up) never passes limit.
 *
 * Under AddressSanitizer each allocation is a chunk of its own, so that an overrun or a use after
 * clear is caught at the byte. Not thread-safe; an arena may move between threads, its chunks then
 * end in the pool of the thread that frees it.
 */
#include "base/arena.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/buf.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_CHECKED 1
#endif
#endif
#ifndef ARENA_CHECKED
#define ARENA_CHECKED 0
#endif

#define ALIGN_UP(n) (((n) + 15) & ~(size_t)15)

enum {
    CHUNK_SMALLEST = 2048,
    CHUNK_CLASSES = 6,
    CHUNK_LARGEST = CHUNK_SMALLEST << (CHUNK_CLASSES - 1),
    CHUNK_GROWN = 1024 * 1024,   // no larger ones but for one large piece
    POOL_BYTES_MAX = 512 * 1024, // a thread keeps at most this much for later
};

struct chunk {
    struct chunk *next; // older one of the arena, or next one of the pool
    size_t size;        // whole chunk, header included
};

struct sk_arena {
    struct chunk *newest;
    char *free, *end; // unused part of the newest chunk
    size_t used;      // bytes given out, rounded up
    size_t held;      // bytes of all chunks; the next one is about as large
    size_t limit;     // most that used may reach; SIZE_MAX when unlimited
};

#define CHUNK_HEADER ALIGN_UP(sizeof(struct chunk))
#define FIRST_HEADER (CHUNK_HEADER + ALIGN_UP(sizeof(struct sk_arena)))

/* ---- the pool of a thread ---- */

struct pool {
    struct chunk *free[CHUNK_CLASSES];
    size_t bytes;
    bool registered; // with pool_key, so that the thread's end empties it
};

static _Thread_local struct pool thread_pool;
static pthread_key_t pool_key;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void pool_drain(void *arg)
{
    struct pool *pool = arg;

    for (int i = 0; i < CHUNK_CLASSES; i++) {
        while (pool->free[i]) {
            struct chunk *chunk = pool->free[i];
            pool->free[i] = chunk->next;
            sk_mem_free(chunk);
        }
    }
    pool->bytes = 0;
    pool->registered = false;
}

static void pool_key_make(void)
{
    SK_ASSERT(pthread_key_create(&pool_key, pool_drain) == 0);
}

/* The smallest class that holds size bytes, CHUNK_CLASSES when none does. */
static int class_of(size_t size)
{
    int class = 0;
    while (class < CHUNK_CLASSES && size > ((size_t)CHUNK_SMALLEST << class))
        class ++;
    return class;
}

static struct chunk *chunk_get(size_t size)
{
    int class = ARENA_CHECKED ? CHUNK_CLASSES : class_of(size);
    struct chunk *chunk;

    if (class < CHUNK_CLASSES) {
        size = (size_t)CHUNK_SMALLEST << class;
        chunk = thread_pool.free[class];
        if (chunk) {
            thread_pool.free[class] = chunk->next;
            thread_pool.bytes -= size;
            return chunk;
        }
    }
    chunk = sk_mem_alloc(size);
    chunk->size = size;
    return chunk;
}

static void chunk_put(struct chunk *chunk)
{
    struct pool *pool = &thread_pool;

    if (ARENA_CHECKED || chunk->size > CHUNK_LARGEST ||
        pool->bytes + chunk->size > POOL_BYTES_MAX) {
        sk_mem_free(chunk);
        return;
    }
    if (!pool->registered) {
        pthread_once(&pool_once, pool_key_make);
        pthread_setspecific(pool_key, pool);
        pool->registered = true;
    }
    int class = class_of(chunk->size);
    chunk->next = pool->free[class];
    pool->free[class] = chunk;
    pool->bytes += chunk->size;
}

/* ---- arenas ---- */

struct sk_arena *sk_arena_new(size_t limit)
{
    struct chunk *chunk = chunk_get(ARENA_CHECKED ? FIRST_HEADER : CHUNK_SMALLEST);
    struct sk_arena *arena = (struct sk_arena *)(void *)((char *)chunk + CHUNK_HEADER);

    chunk->next = NULL;
    *arena = (struct sk_arena){
        .newest = chunk,
        .free = (char *)chunk + FIRST_HEADER,
        .end = (char *)chunk + chunk->size,
        .held = chunk->size,
        .limit = limit ? limit : SIZE_MAX,
    };
    return arena;
}

/* Gives back every chunk but the first, which holds the arena itself. */
static struct chunk *drop_later_chunks(struct sk_arena *arena)
{
    struct chunk *first = (struct chunk *)(void *)((char *)arena - CHUNK_HEADER);

    for (struct chunk *chunk = arena->newest; chunk;) {
        struct chunk *older = chunk->next;
        if (chunk != first)
            chunk_put(chunk);
        chunk = older;
    }
    return first;
}

void sk_arena_free(struct sk_arena *arena)
{
    if (arena)
        chunk_put(drop_later_chunks(arena));
}

void sk_arena_clear(struct sk_arena *arena)
{
    struct chunk *first = drop_later_chunks(arena);

    first->next = NULL;
    arena->newest = first;
    arena->free = (char *)first + FIRST_HEADER;
    arena->end = (char *)first + first->size;
    arena->used = 0;
    arena->held = first->size;
}

/* A new chunk with room for size bytes, already rounded up. */
static void *alloc_chunk(struct sk_arena *arena, size_t size)
{
    size_t want = CHUNK_HEADER + size;
    if (!ARENA_CHECKED && want < CHUNK_GROWN && want < arena->held)
        want = arena->held < CHUNK_GROWN ? arena->held : CHUNK_GROWN;

    struct chunk *chunk = chunk_get(want);
    char *p = (char *)chunk + CHUNK_HEADER;
    size_t rest = chunk->size - CHUNK_HEADER - size;
    arena->held += chunk->size;
    if (rest < (size_t)(arena->end - arena->free)) {
        // Made for one large piece: goes behind the newest, whose rest is the longer one.
        chunk->next = arena->newest->next;
        arena->newest->next = chunk;
        return p;
    }
    chunk->next = arena->newest;
    arena->newest = chunk;
    arena->free = p + size;
    arena->end = arena->free + rest;
    return p;
}

void *sk_arena_alloc_try(struct sk_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t rounded = size ? ALIGN_UP(size) : 16;
    if (rounded > arena->limit - arena->used)
        return NULL;
    arena->used += rounded;
    if (ARENA_CHECKED)
        return alloc_chunk(arena, size); // to the byte, for the red zone
    if (rounded > (size_t)(arena->end - arena->free))
        return alloc_chunk(arena, rounded);
    void *p = arena->free;
    arena->free += rounded;
    return p;
}

void *sk_arena_alloc(struct sk_arena *arena, size_t size)
{
    void *p = sk_arena_alloc_try(arena, size);
    if (!p)
        SK_PANIC("arena: %zu bytes more would pass its limit of %zu", size, arena->limit);
    return p;
}

void *sk_arena_zalloc(struct sk_arena *arena, size_t size)
{
    return memset(sk_arena_alloc(arena, size), 0, size);
}

char *sk_arena_strdup(struct sk_arena *arena, const char *s)
{
    return s ? sk_arena_memdup(arena, s, strlen(s) + 1) : NULL;
}

char *sk_arena_strndup(struct sk_arena *arena, const char *s, size_t n)
{
    n = strnlen(s, n);
    char *copy = sk_arena_alloc(arena, n + 1);
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

void *sk_arena_memdup(struct sk_arena *arena, const void *p, size_t n)
{
    void *copy = sk_arena_alloc(arena, n);
    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

char *sk_arena_printf(struct sk_arena *arena, const char *fmt, ...)
{
    char small[256]; // most texts fit, and are then formatted once
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    SK_ASSERT(n >= 0);
    char *text = sk_arena_alloc(arena, (size_t)n + 1);
    if ((size_t)n < sizeof(small))
        memcpy(text, small, (size_t)n + 1);
    else
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

size_t sk_arena_used(const struct sk_arena *arena)
{
    return arena->used;
}

size_t sk_arena_held(const struct sk_arena *arena)
{
    return arena->held;
}
