/*
 * An ordered table of bytes to bytes: a sorted array of blocks, found by bisection. Inserting in
 * the middle moves pointers, which is cheap enough for a model; being obviously right comes first.
 * Not thread-safe.
 */
#include "store/memory/memory_internal.h"

#include "base/assert.h"

static struct sm_entry *entry_new(struct sk_str key, struct sk_str value)
{
    struct sm_entry *entry = sk_mem_alloc(sizeof(*entry) + key.n + value.n + 1);
    char *p = (char *)(entry + 1);
    if (key.n)
        memcpy(p, key.p, key.n);
    if (value.n)
        memcpy(p + key.n, value.p, value.n);
    *entry = (struct sm_entry){{p, key.n}, {p + key.n, value.n}};
    return entry;
}

size_t sm_table_seek(const struct sm_table *table, struct sk_str key)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sk_str_cmp(table->entries[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool found(const struct sm_table *table, size_t at, struct sk_str key)
{
    return at < table->count && sk_str_eq(table->entries[at]->key, key);
}

const struct sm_entry *sm_table_get(const struct sm_table *table, struct sk_str key)
{
    size_t at = sm_table_seek(table, key);
    return found(table, at, key) ? table->entries[at] : NULL;
}

static void insert(struct sm_table *table, size_t at, struct sm_entry *entry)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 16;
        table->entries =
            sk_mem_realloc(table->entries, table->capacity * sizeof(struct sm_entry *));
    }
    memmove(table->entries + at + 1, table->entries + at,
            (table->count - at) * sizeof(struct sm_entry *));
    table->entries[at] = entry;
    table->count++;
}

static struct sm_entry *take(struct sm_table *table, size_t at)
{
    struct sm_entry *entry = table->entries[at];
    table->count--;
    memmove(table->entries + at, table->entries + at + 1,
            (table->count - at) * sizeof(struct sm_entry *));
    return entry;
}

struct sm_entry *sm_table_swap(struct sm_table *table, struct sk_str key,
                               const struct sk_str *value)
{
    size_t at = sm_table_seek(table, key);
    struct sm_entry *fresh = value ? entry_new(key, *value) : NULL;
    if (!found(table, at, key)) {
        if (fresh)
            insert(table, at, fresh);
        return NULL;
    }
    if (!fresh)
        return take(table, at);
    struct sm_entry *old = table->entries[at];
    table->entries[at] = fresh;
    return old;
}

void sm_table_restore(struct sm_table *table, struct sk_str key, struct sm_entry *entry)
{
    size_t at = sm_table_seek(table, key);
    if (found(table, at, key))
        sk_mem_free(take(table, at));
    if (entry)
        insert(table, at, entry);
}

void sm_table_fini(struct sm_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        sk_mem_free(table->entries[i]);
    sk_mem_free(table->entries);
    *table = (struct sm_table){0};
}
