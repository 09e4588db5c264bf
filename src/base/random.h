/*
 * Randomness and ids, injected: the real source is the kernel's (getrandom, buffered), the
 * simulated one a seeded generator. Each loop has one; not thread-safe.
 */
#ifndef SK_BASE_RANDOM_H
#define SK_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct sk_random;
struct sk_random *sk_random_new_system(void);
struct sk_random *sk_random_new_seeded(uint64_t seed);
void sk_random_free(struct sk_random *random);
uint64_t sk_random_u64(struct sk_random *random);
uint64_t sk_random_below(struct sk_random *random, uint64_t bound); /* 0 <= x < bound; bound > 0 */
void sk_random_bytes(struct sk_random *random, void *ret, size_t n);

#define SK_UUID_SIZE 16
#define SK_UUID_TEXT 37 /* with the NUL */
struct sk_uuid {
    uint8_t b[SK_UUID_SIZE];
};
/* Version 7: the first 48 bits are wall_ms, so that new runs lie together in the store's trees. */
struct sk_uuid sk_uuid_new(struct sk_random *random, int64_t wall_ms);
void sk_uuid_format(struct sk_uuid id, char ret[static SK_UUID_TEXT]);
/* 0 on success; -1 when text is not 8-4-4-4-12 hex digits */
int sk_uuid_parse(const char *text, struct sk_uuid *ret);

#endif
