/*
 * Tokens of text. Own code rather than a store's analyser, so that a filter gives the same answer
 * on every store, in the model and in the simulator. Case folding covers ASCII, Latin-1, Latin
 * Extended-A, Greek and Cyrillic; accents are kept. Bytes that are not UTF-8 are taken as they
 * are. Pure; any thread.
 */
#include "store/text.h"

#include <stdlib.h>

/* Decode one code point; returns its length (1 and the byte itself when malformed). */
static size_t decode(const unsigned char *p, size_t n, uint32_t *ret)
{
    size_t len = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    *ret = p[0] & mask[len];
    if (len > n || p[0] >= 0xf8 || (p[0] & 0xc0) == 0x80)
        len = 1;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            len = 1;
        else
            *ret = *ret << 6 | (p[i] & 0x3f);
    }
    if (len == 1)
        *ret = p[0];
    return len;
}

static size_t encode(uint32_t c, char *p)
{
    if (c < 0x80) {
        p[0] = (char)c;
        return 1;
    }
    p[0] = (char)(0xc0 | c >> 6); // folding only ever writes two-byte characters
    p[1] = (char)(0x80 | (c & 0x3f));
    return 2;
}

static uint32_t fold(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c + 32;
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
        (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    if ((c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14a && c <= 0x177))
        return c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
        return c + (c & 1);
    return c;
}

static bool is_token(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c < 0xc0) // Latin-1 signs; ordinals and micro are letters
        return c == 0xaa || c == 0xb5 || c == 0xba;
    return c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c <= 0x206f) && !(c >= 0x3000 && c <= 0x3003);
}

static int compare(const void *a, const void *b)
{
    return sk_str_cmp(*(const struct sk_str *)a, *(const struct sk_str *)b);
}

static size_t sort_unique(struct sk_str *tokens, size_t n)
{
    if (n == 0)
        return 0;
    qsort(tokens, n, sizeof(*tokens), compare);
    size_t kept = 1;
    for (size_t i = 1; i < n; i++)
        if (!sk_str_eq(tokens[i], tokens[kept - 1]))
            tokens[kept++] = tokens[i];
    return kept;
}

size_t sk_text_tokens(struct sk_arena *arena, struct sk_str text, struct sk_str **ret)
{
    char *folded = sk_arena_alloc(arena, text.n + 1); // folding never lengthens
    struct sk_str *tokens = SK_NEW_N(arena, struct sk_str, text.n / 2 + 1);
    size_t count = 0, out = 0, start = 0;
    for (size_t i = 0; i < text.n;) {
        uint32_t c;
        size_t len = decode((const unsigned char *)text.p + i, text.n - i, &c);
        bool malformed = len == 1 && c >= 0x80;
        if (malformed || is_token(c)) {
            uint32_t low = malformed ? c : fold(c);
            if (low != c) {
                out += encode(low, folded + out);
            } else {
                memcpy(folded + out, text.p + i, len);
                out += len;
            }
        } else if (out > start) {
            tokens[count++] = (struct sk_str){folded + start, out - start};
            start = out;
        }
        i += len;
    }
    if (out > start)
        tokens[count++] = (struct sk_str){folded + start, out - start};
    *ret = tokens;
    return sort_unique(tokens, count);
}
