/*
 * A binary heap in an array whose nodes know their place, so that any of them can be removed in
 * O(log n). Equal keys come out in the order they went in. The array is the heap's; the nodes are
 * the callers', embedded in their structs. One thread.
 *
 * INV-1: nodes[i]->index == i + 1.  INV-2: a parent comes before its children (before()).
 */
#include "base/heap.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/buf.h"

enum { HEAP_FIRST = 16 };

void sk_heap_init(struct sk_heap *heap)
{
    *heap = (struct sk_heap){0};
}

void sk_heap_fini(struct sk_heap *heap)
{
    if (!heap)
        return;
    for (size_t i = 0; i < heap->count; i++)
        heap->nodes[i]->index = 0;
    sk_mem_free(heap->nodes);
    sk_heap_init(heap);
}

static bool before(const struct sk_heap_node *a, const struct sk_heap_node *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void place(struct sk_heap *heap, size_t at, struct sk_heap_node *node)
{
    heap->nodes[at] = node;
    node->index = at + 1;
}

/* node wants to stand at `at` or nearer the root. */
static void sift_up(struct sk_heap *heap, size_t at, struct sk_heap_node *node)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!before(node, heap->nodes[parent]))
            break;
        place(heap, at, heap->nodes[parent]);
        at = parent;
    }
    place(heap, at, node);
}

/* node wants to stand at `at` or nearer the leaves. */
static void sift_down(struct sk_heap *heap, size_t at, struct sk_heap_node *node)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && before(heap->nodes[child + 1], heap->nodes[child]))
            child++;
        if (!before(heap->nodes[child], node))
            break;
        place(heap, at, heap->nodes[child]);
        at = child;
    }
    place(heap, at, node);
}

void sk_heap_push(struct sk_heap *heap, struct sk_heap_node *node, int64_t key)
{
    SK_ASSERT(node->index == 0);
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity ? heap->capacity * 2 : HEAP_FIRST;
        heap->nodes = sk_mem_realloc(heap->nodes, heap->capacity * sizeof(struct sk_heap_node *));
    }
    node->key = key;
    node->order = heap->next_order++;
    sift_up(heap, heap->count++, node);
}

void sk_heap_remove(struct sk_heap *heap, struct sk_heap_node *node)
{
    if (node->index == 0)
        return;
    size_t at = node->index - 1;
    SK_ASSERT(at < heap->count && heap->nodes[at] == node);
    struct sk_heap_node *last = heap->nodes[--heap->count];
    node->index = 0;
    if (last == node)
        return;
    if (at > 0 && before(last, heap->nodes[(at - 1) / 2]))
        sift_up(heap, at, last);
    else
        sift_down(heap, at, last);
}

struct sk_heap_node *sk_heap_peek(const struct sk_heap *heap)
{
    return heap->count ? heap->nodes[0] : NULL;
}

struct sk_heap_node *sk_heap_pop(struct sk_heap *heap)
{
    struct sk_heap_node *first = sk_heap_peek(heap);
    if (first)
        sk_heap_remove(heap, first);
    return first;
}
