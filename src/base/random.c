/*
 * Randomness. The system source reads the kernel's generator a page at a time, so that an id does
 * not cost a system call; the seeded one is xoshiro256** started by splitmix64, good for
 * simulation and for nothing that must stay secret. Each loop has its own; not thread-safe.
 *
 * An id of version 7 is 48 bits of wall time in milliseconds, 4 bits of version, 12 random bits,
 * 2 bits of variant and 62 random bits (RFC 9562).
 */
#include "base/random.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/buf.h"

enum { POOL_BYTES = 1024 };

struct sk_random {
    bool seeded;
    uint64_t state[4];        // seeded: xoshiro256**
    uint8_t pool[POOL_BYTES]; // system: bytes of the kernel's
    size_t pool_used;
};

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t xoshiro(uint64_t s[static 4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

struct sk_random *sk_random_new_system(void)
{
    struct sk_random *random = sk_mem_zalloc(sizeof(*random));
    random->pool_used = POOL_BYTES;
    return random;
}

struct sk_random *sk_random_new_seeded(uint64_t seed)
{
    struct sk_random *random = sk_mem_zalloc(sizeof(*random));
    random->seeded = true;
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix64(&seed);
    return random;
}

void sk_random_free(struct sk_random *random)
{
    if (random)
        explicit_bzero(random, sizeof(*random));
    sk_mem_free(random);
}

static void kernel_bytes(uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0) {
            SK_ASSERT(errno == EINTR);
            continue;
        }
        p += got;
        n -= (size_t)got;
    }
}

/* Hands out bytes of the pool once each, and forgets them. */
static void pool_bytes(struct sk_random *random, void *ret, size_t n)
{
    if (POOL_BYTES - random->pool_used < n) {
        kernel_bytes(random->pool, POOL_BYTES);
        random->pool_used = 0;
    }
    uint8_t *from = random->pool + random->pool_used;
    memcpy(ret, from, n);
    memset(from, 0, n);
    random->pool_used += n;
}

uint64_t sk_random_u64(struct sk_random *random)
{
    uint64_t x;

    if (random->seeded)
        return xoshiro(random->state);
    pool_bytes(random, &x, sizeof(x));
    return x;
}

uint64_t sk_random_below(struct sk_random *random, uint64_t bound)
{
    SK_ASSERT(bound > 0);
    // The top part of a 128-bit product is uniform once the few low parts that would favour some
    // results are thrown away (Lemire, "Fast random integer generation in an interval").
    uint64_t unfair = (0 - bound) % bound;
    for (;;) {
        unsigned __int128 product = (unsigned __int128)sk_random_u64(random) * bound;
        if ((uint64_t)product >= unfair)
            return (uint64_t)(product >> 64);
    }
}

void sk_random_bytes(struct sk_random *random, void *ret, size_t n)
{
    uint8_t *p = ret;

    if (!random->seeded && n > POOL_BYTES) {
        kernel_bytes(p, n);
        return;
    }
    if (!random->seeded) {
        pool_bytes(random, p, n);
        return;
    }
    while (n > 0) {
        uint64_t x = xoshiro(random->state);
        size_t part = n < sizeof(x) ? n : sizeof(x);
        memcpy(p, &x, part);
        p += part;
        n -= part;
    }
}

struct sk_uuid sk_uuid_new(struct sk_random *random, int64_t wall_ms)
{
    struct sk_uuid id;
    uint64_t ms = (uint64_t)wall_ms;

    sk_random_bytes(random, id.b + 6, SK_UUID_SIZE - 6);
    for (int i = 0; i < 6; i++)
        id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    id.b[6] = (uint8_t)((id.b[6] & 0x0F) | 0x70);
    id.b[8] = (uint8_t)((id.b[8] & 0x3F) | 0x80);
    return id;
}

static bool dash_before(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void sk_uuid_format(struct sk_uuid id, char ret[static SK_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < SK_UUID_SIZE; i++) {
        if (dash_before(i))
            *ret++ = '-';
        *ret++ = digits[id.b[i] >> 4];
        *ret++ = digits[id.b[i] & 0x0F];
    }
    *ret = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int sk_uuid_parse(const char *text, struct sk_uuid *ret)
{
    struct sk_uuid id;

    for (int i = 0; i < SK_UUID_SIZE; i++) {
        if (dash_before(i) && *text++ != '-')
            return -1;
        int high = hex_value(text[0]);
        int low = high < 0 ? -1 : hex_value(text[1]); // never past the NUL
        if (low < 0)
            return -1;
        id.b[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (*text != '\0')
        return -1;
    *ret = id;
    return 0;
}
