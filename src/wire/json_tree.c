/*
 * jansson's trees, in an arena. A tree takes far more memory than its text (an empty object is two
 * bytes and 200 bytes), in many small pieces, so each has a bound, and all of it goes back at once.
 *
 * jansson knows one allocator for the process. It is set once, and asks a variable of the thread
 * whether a tree is being worked with: then memory comes from that tree's arena and is not given
 * back piece by piece; else from the heap, as it would be without us, for the other users of
 * jansson.
 *
 * INV-1  Between json_tree_load and json_tree_free the thread does nothing else: no other fiber
 *        runs, no second tree is begun.
 *
 * Any thread. Fails where the text is no JSON or the bound is met; the tree says which.
 */
#include "wire/json_internal.h"

#include <pthread.h>
#include "base/assert.h"

#define ROOM_BASE ((size_t)16 << 20)
#define ROOM_FACTOR 32 /* bytes of memory a byte of text; objects of small numbers take some 20 */

static _Thread_local struct json_tree *current;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *take(size_t size)
{
    if (!current)
        return sk_mem_alloc(size);
    void *memory = sk_arena_alloc_try(current->arena, size);
    current->full = current->full || !memory;
    return memory;
}

static void give(void *memory)
{
    if (!current)
        sk_mem_free(memory);
}

static void set_functions(void)
{
    json_set_alloc_funcs(take, give);
}

const json_t *json_tree_load(struct json_tree *tree, struct sk_str text, size_t flags)
{
    pthread_once(&once, set_functions);
    SK_ASSERT(!current);
    *tree = (struct json_tree){.arena = sk_arena_new(ROOM_BASE + ROOM_FACTOR * text.n)};
    current = tree;
    tree->root = json_loadb(text.p ? text.p : "", text.n, flags, &tree->error);
    return tree->root;
}

void json_tree_free(struct json_tree *tree)
{
    SK_ASSERT(current == tree);
    current = NULL;
    sk_arena_free(tree->arena);
}
