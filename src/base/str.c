/*
 * Slices of bytes: order, prefix, hash, UTF-8. Pure functions, any thread.
 *
 * The hash is XXH3, compiled in from its header so that short keys cost no call into a library.
 * UTF-8 is checked eight ASCII bytes at a time, and otherwise byte by byte against the table of
 * the Unicode standard (table 3-7): no overlong forms, no surrogates, nothing past U+10FFFF.
 */
#include "base/str.h"

#undef malloc // base/banned.h: the header below has an allocator that nobody calls
#define XXH_INLINE_ALL
#include <xxhash.h>

int sk_str_cmp(struct sk_str a, struct sk_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

bool sk_str_starts(struct sk_str s, struct sk_str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static unsigned char ascii_lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

bool sk_str_ieq(struct sk_str a, struct sk_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    return true;
}

uint64_t sk_hash(const void *bytes, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n, seed);
}

static bool is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Length of the well-formed multi-byte sequence at p, 0 when it is none. */
static size_t utf8_sequence(const unsigned char *p, size_t room)
{
    unsigned char lead = p[0];

    if (lead >= 0xC2 && lead <= 0xDF)
        return room >= 2 && is_tail(p[1]) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        unsigned char low = lead == 0xE0 ? 0xA0 : 0x80;  // no overlong forms
        unsigned char high = lead == 0xED ? 0x9F : 0xBF; // no surrogates
        return room >= 3 && p[1] >= low && p[1] <= high && is_tail(p[2]) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        unsigned char low = lead == 0xF0 ? 0x90 : 0x80;
        unsigned char high = lead == 0xF4 ? 0x8F : 0xBF; // nothing past U+10FFFF
        return room >= 4 && p[1] >= low && p[1] <= high && is_tail(p[2]) && is_tail(p[3]) ? 4 : 0;
    }
    return 0;
}

bool sk_utf8_valid(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    size_t i = 0;

    while (i < n) {
        uint64_t eight;
        if (n - i >= sizeof(eight)) {
            memcpy(&eight, p + i, sizeof(eight));
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof(eight);
                continue;
            }
        }
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        size_t length = utf8_sequence(p + i, n - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}
