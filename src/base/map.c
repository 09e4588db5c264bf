/*
 * Hash maps. Entries stand in one dense array in the order of their insertion; a second array of
 * 32-bit numbers, at most half full, is probed linearly by hash and says where an entry stands.
 * So iteration walks the dense array: it is fast, and its order depends on what was put and
 * removed alone, never on the seed or on addresses, which keeps simulated runs repeatable.
 *
 * A removed entry stays in its place, marked dead, until the dense array is full; then the live
 * ones move together into a table of the right size (which may be smaller). So a removal never
 * moves anything, and iteration may remove what it was just given.
 *
 * Both kinds of map are skins over one table: a key is bytes (copied) or a number.
 *
 * INV-1: slots hold 0 (free) or 1 + an entry's position; slot_count >= 2 * capacity.
 * INV-2: live <= used <= capacity; entries from `used` on are garbage.
 *
 * One thread. The seed is drawn once a process, before any map exists.
 */
#include "base/map.h"

#include <pthread.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/buf.h"

enum { TABLE_FIRST = 8 };

#define KEY_DEAD UINT32_MAX         // the entry was removed
#define KEY_NUMBER (UINT32_MAX - 1) // the key is a number, not bytes

struct key {
    uint32_t n; // bytes, or KEY_NUMBER
    union {
        const char *bytes;
        int64_t number;
    };
};

struct entry {
    uint32_t hash;
    uint32_t n; // as in struct key, or KEY_DEAD
    union {
        char *bytes; // owned
        int64_t number;
    };
    void *value;
};

struct table {
    struct entry *entries;
    uint32_t *slots;
    size_t used, live, capacity;
    size_t slot_count; // a power of two, or 0 while nothing was ever put
    size_t key_bytes;  // of the live entries
};

/* ---- hashing ---- */

static uint64_t map_seed;
static pthread_once_t map_seed_once = PTHREAD_ONCE_INIT;

static void map_seed_draw(void)
{
    SK_ASSERT(getrandom(&map_seed, sizeof(map_seed), 0) == sizeof(map_seed));
}

static uint32_t hash_bytes(const void *bytes, size_t n)
{
    return (uint32_t)sk_hash(bytes, n, map_seed);
}

static uint32_t hash_number(int64_t number)
{
    uint64_t x = ((uint64_t)number ^ map_seed) * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(x >> 32);
}

/* ---- the table ---- */

static bool entry_is(const struct entry *entry, uint32_t hash, const struct key *key)
{
    if (entry->hash != hash || entry->n != key->n)
        return false;
    if (key->n == KEY_NUMBER)
        return entry->number == key->number;
    return memcmp(entry->bytes, key->bytes, key->n) == 0;
}

static struct entry *table_find(const struct table *table, uint32_t hash, const struct key *key)
{
    if (table->live == 0)
        return NULL;
    size_t mask = table->slot_count - 1;
    for (size_t at = hash & mask; table->slots[at] != 0; at = (at + 1) & mask) {
        struct entry *entry = &table->entries[table->slots[at] - 1];
        if (entry_is(entry, hash, key))
            return entry;
    }
    return NULL;
}

static void table_index(struct table *table, size_t position)
{
    size_t mask = table->slot_count - 1;
    size_t at = table->entries[position].hash & mask;

    while (table->slots[at] != 0)
        at = (at + 1) & mask;
    table->slots[at] = (uint32_t)position + 1;
}

/* Moves the live entries together and makes room for as many again. */
static void table_rebuild(struct table *table)
{
    size_t capacity = TABLE_FIRST;
    while (capacity < table->live + table->live / 2 + 1)
        capacity *= 2;
    SK_ASSERT(capacity < UINT32_MAX / 4);

    size_t live = 0;
    for (size_t i = 0; i < table->used; i++)
        if (table->entries[i].n != KEY_DEAD)
            table->entries[live++] = table->entries[i];
    table->used = live;
    table->entries = sk_mem_realloc(table->entries, capacity * sizeof(struct entry));
    table->capacity = capacity;
    table->slot_count = capacity * 2;
    sk_mem_free(table->slots);
    table->slots = sk_mem_zalloc(table->slot_count * sizeof(uint32_t));
    for (size_t i = 0; i < table->used; i++)
        table_index(table, i);
}

static void *table_put(struct table *table, uint32_t hash, const struct key *key, void *value)
{
    struct entry *entry = table_find(table, hash, key);
    if (entry) {
        void *old = entry->value;
        entry->value = value;
        return old;
    }
    if (table->used == table->capacity)
        table_rebuild(table);
    entry = &table->entries[table->used];
    *entry = (struct entry){.hash = hash, .n = key->n, .value = value};
    if (key->n == KEY_NUMBER) {
        entry->number = key->number;
    } else {
        entry->bytes = sk_mem_alloc(key->n);
        if (key->n > 0)
            memcpy(entry->bytes, key->bytes, key->n);
        table->key_bytes += key->n;
    }
    table_index(table, table->used);
    table->used++;
    table->live++;
    return NULL;
}

static void *table_remove(struct table *table, uint32_t hash, const struct key *key)
{
    struct entry *entry = table_find(table, hash, key);
    if (!entry)
        return NULL;
    if (key->n != KEY_NUMBER) {
        table->key_bytes -= entry->n;
        sk_mem_free(entry->bytes);
        entry->bytes = NULL;
    }
    void *old = entry->value;
    entry->n = KEY_DEAD;
    entry->value = NULL;
    table->live--;
    return old;
}

static const struct entry *table_next(const struct table *table, size_t *cursor)
{
    while (*cursor < table->used) {
        const struct entry *entry = &table->entries[(*cursor)++];
        if (entry->n != KEY_DEAD)
            return entry;
    }
    return NULL;
}

static void table_fini(struct table *table)
{
    for (size_t i = 0; i < table->used; i++)
        if (table->entries[i].n < KEY_NUMBER)
            sk_mem_free(table->entries[i].bytes);
    sk_mem_free(table->entries);
    sk_mem_free(table->slots);
}

/* ---- keys of bytes ---- */

struct sk_map {
    struct table table;
};

static struct key bytes_key(struct sk_str key)
{
    SK_ASSERT(key.n < KEY_NUMBER);
    return (struct key){.n = (uint32_t)key.n, .bytes = key.n ? key.p : ""};
}

struct sk_map *sk_map_new(void)
{
    pthread_once(&map_seed_once, map_seed_draw);
    return sk_mem_zalloc(sizeof(struct sk_map));
}

void sk_map_free(struct sk_map *map)
{
    if (!map)
        return;
    table_fini(&map->table);
    sk_mem_free(map);
}

void *sk_map_get(const struct sk_map *map, struct sk_str key)
{
    struct key k = bytes_key(key);
    const struct entry *entry = table_find(&map->table, hash_bytes(k.bytes, k.n), &k);
    return entry ? entry->value : NULL;
}

void *sk_map_put(struct sk_map *map, struct sk_str key, void *value)
{
    struct key k = bytes_key(key);
    return table_put(&map->table, hash_bytes(k.bytes, k.n), &k, value);
}

void *sk_map_remove(struct sk_map *map, struct sk_str key)
{
    struct key k = bytes_key(key);
    return table_remove(&map->table, hash_bytes(k.bytes, k.n), &k);
}

size_t sk_map_count(const struct sk_map *map)
{
    return map->table.live;
}

size_t sk_map_bytes(const struct sk_map *map)
{
    return sizeof(*map) + map->table.capacity * sizeof(struct entry) +
           map->table.slot_count * sizeof(uint32_t) + map->table.key_bytes;
}

bool sk_map_next(const struct sk_map *map, size_t *cursor, struct sk_str *ret_key, void **ret_value)
{
    const struct entry *entry = table_next(&map->table, cursor);
    if (!entry)
        return false;
    if (ret_key)
        *ret_key = (struct sk_str){entry->bytes, entry->n};
    if (ret_value)
        *ret_value = entry->value;
    return true;
}

/* ---- keys that are numbers ---- */

struct sk_imap {
    struct table table;
};

static struct key number_key(int64_t key)
{
    return (struct key){.n = KEY_NUMBER, .number = key};
}

struct sk_imap *sk_imap_new(void)
{
    pthread_once(&map_seed_once, map_seed_draw);
    return sk_mem_zalloc(sizeof(struct sk_imap));
}

void sk_imap_free(struct sk_imap *map)
{
    if (!map)
        return;
    table_fini(&map->table);
    sk_mem_free(map);
}

void *sk_imap_get(const struct sk_imap *map, int64_t key)
{
    struct key k = number_key(key);
    const struct entry *entry = table_find(&map->table, hash_number(key), &k);
    return entry ? entry->value : NULL;
}

void *sk_imap_put(struct sk_imap *map, int64_t key, void *value)
{
    struct key k = number_key(key);
    return table_put(&map->table, hash_number(key), &k, value);
}

void *sk_imap_remove(struct sk_imap *map, int64_t key)
{
    struct key k = number_key(key);
    return table_remove(&map->table, hash_number(key), &k);
}

size_t sk_imap_count(const struct sk_imap *map)
{
    return map->table.live;
}

bool sk_imap_next(const struct sk_imap *map, size_t *cursor, int64_t *ret_key, void **ret_value)
{
    const struct entry *entry = table_next(&map->table, cursor);
    if (!entry)
        return false;
    if (ret_key)
        *ret_key = entry->number;
    if (ret_value)
        *ret_value = entry->value;
    return true;
}
