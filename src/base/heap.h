/* Intrusive binary min-heap ordered by a 64-bit key; used for timers. Not thread-safe. */
#ifndef SK_BASE_HEAP_H
#define SK_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct sk_heap_node {
    int64_t key;
    uint64_t order; /* ties: insertion order, so that runs are repeatable */
    size_t index;   /* 1-based position; 0 = not in a heap */
};

struct sk_heap {
    struct sk_heap_node **nodes;
    size_t count, capacity;
    uint64_t next_order;
};

void sk_heap_init(struct sk_heap *heap);
void sk_heap_fini(struct sk_heap *heap);
void sk_heap_push(struct sk_heap *heap, struct sk_heap_node *node, int64_t key);
void sk_heap_remove(struct sk_heap *heap, struct sk_heap_node *node); /* not in it: no effect */
struct sk_heap_node *sk_heap_peek(const struct sk_heap *heap);        /* NULL when empty */
struct sk_heap_node *sk_heap_pop(struct sk_heap *heap);

#endif
