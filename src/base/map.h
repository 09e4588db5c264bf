/*
 * Hash maps from bytes to pointers. Open addressing; keys are copied into the map; values are
 * the caller's. The hash is seeded per process, so that hostile keys cannot aim. Not thread-safe.
 * sk_imap is the same from int64_t keys.
 */
#ifndef SK_BASE_MAP_H
#define SK_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/str.h"

struct sk_map;
struct sk_map *sk_map_new(void);
void sk_map_free(struct sk_map *map); /* values are not touched; NULL is fine */
void *sk_map_get(const struct sk_map *map, struct sk_str key);        /* NULL: absent */
void *sk_map_put(struct sk_map *map, struct sk_str key, void *value); /* returns the old value */
void *sk_map_remove(struct sk_map *map, struct sk_str key);           /* returns the old value */
size_t sk_map_count(const struct sk_map *map);
size_t sk_map_bytes(const struct sk_map *map); /* memory held, for metrics */
/* Iterate: *cursor starts at 0; false at the end. Order is arbitrary but stable while unchanged;
 * the entry just returned may be removed. */
bool sk_map_next(const struct sk_map *map, size_t *cursor, struct sk_str *ret_key,
                 void **ret_value);

struct sk_imap;
struct sk_imap *sk_imap_new(void);
void sk_imap_free(struct sk_imap *map);
void *sk_imap_get(const struct sk_imap *map, int64_t key);
void *sk_imap_put(struct sk_imap *map, int64_t key, void *value);
void *sk_imap_remove(struct sk_imap *map, int64_t key);
size_t sk_imap_count(const struct sk_imap *map);
bool sk_imap_next(const struct sk_imap *map, size_t *cursor, int64_t *ret_key, void **ret_value);

#endif
