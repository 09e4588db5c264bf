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

static struct sk_str trim(struct sk_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

struct sk_str sk_str_take(struct sk_str *list, char separator)
{
    const char *end = list->n > 0 ? memchr(list->p, separator, list->n) : NULL;
    struct sk_str one = {list->p, end ? (size_t)(end - list->p) : list->n};
    list->p += one.n + (end ? 1 : 0);
    list->n -= one.n + (end ? 1 : 0);
    return trim(one);
}

bool sk_str_lists(struct sk_str list, struct sk_str item)
{
    while (list.n > 0)
        if (sk_str_eq(sk_str_take(&list, ','), item))
            return true;
    return false;
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

size_t sk_utf8_prefix(const void *bytes, size_t n)
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
            break;
        i += length;
    }
    return i;
}

bool sk_utf8_valid(const void *bytes, size_t n)
{
    return sk_utf8_prefix(bytes, n) == n;
}

#define NAME_MAX_LENGTH 64 // what is longer is compared by its beginning

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: three rows of the table are enough. */
int sk_edit_distance(struct sk_str a, struct sk_str b)
{
    int rows[3][NAME_MAX_LENGTH + 1];
    if (a.n > NAME_MAX_LENGTH)
        a.n = NAME_MAX_LENGTH;
    if (b.n > NAME_MAX_LENGTH)
        b.n = NAME_MAX_LENGTH;
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= a.n; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= b.n; j++) {
            int cost = a.p[i - 1] == b.p[j - 1] ? 0 : 1;
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[a.n % 3][b.n];
}
