/*
 * Folding of failure messages: "order 17 of \"bob\" not found (req 9f86d081-...)" becomes
 * "order <n> of \"<...>\" not found (req <uuid>)", so that what differs only in ids is one group.
 *
 * One pass, no allocation, no backtracking but for a quote without an end. Not clever on purpose: a
 * rule that an operator can guess beats one that is right more often.
 *
 * Thread: any; no state.
 */
#include "figures/failures.h"

#define QUOTED_MAX 200 /* a quote that ends later is an apostrophe */
#define HEX_MIN 8
#define UUID_BYTES 36

struct writer {
    char *p;
    size_t n, max;
    bool full;
};

static void put(struct writer *w, const char *s, size_t n)
{
    if (w->full || w->n + n > w->max) {
        w->full = true;
        return;
    }
    memcpy(w->p + w->n, s, n);
    w->n += n;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
    return is_digit(c) || is_letter(c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t uuid_length(struct sk_str s)
{
    if (s.n < UUID_BYTES || (s.n > UUID_BYTES && is_word(s.p[UUID_BYTES])))
        return 0;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
            return 0;
    }
    return UUID_BYTES;
}

/* 0x1f, or eight hex digits and more of which one at least is a digit and one a letter: a run of
 * digits alone is a number, one of letters alone a word. */
static size_t hex_length(struct sk_str s)
{
    size_t from = s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X') ? 2 : 0, n = from;
    bool digit = false, letter = false;
    for (; n < s.n && is_hex(s.p[n]); n++) {
        digit |= is_digit(s.p[n]);
        letter |= is_letter(s.p[n]);
    }
    if (n < s.n && is_word(s.p[n]))
        return 0;
    return from ? (n > from ? n : 0) : (n >= HEX_MIN && digit && letter ? n : 0);
}

static size_t number_length(struct sk_str s)
{
    size_t n = 0;
    while (n < s.n &&
           (is_digit(s.p[n]) || (n && (s.p[n] == '.' || s.p[n] == ',' || s.p[n] == ':') &&
                                 n + 1 < s.n && is_digit(s.p[n + 1]))))
        n++;
    return n;
}

/* A text in quotes, both included. */
static size_t quoted_length(struct sk_str s)
{
    for (size_t n = 1; n < s.n && n < QUOTED_MAX; n++)
        if (s.p[n] == s.p[0] && (n + 1 == s.n || !is_word(s.p[n + 1])))
            return n + 1;
    return 0;
}

static size_t space_length(struct sk_str s)
{
    size_t n = 0;
    while (n < s.n && (unsigned char)s.p[n] <= ' ')
        n++;
    return n;
}

/* How much of the beginning is folded, and into what; 0: nothing. */
static size_t fold_one(struct sk_str s, char before, const char **ret)
{
    size_t n;
    bool begins = !is_word(before);
    if ((n = space_length(s)) > 0) {
        *ret = " ";
    } else if (begins && (s.p[0] == '"' || s.p[0] == '\'' || s.p[0] == '`') &&
               (n = quoted_length(s)) > 0) {
        *ret = "\"<...>\"";
    } else if (begins && (n = uuid_length(s)) > 0) {
        *ret = "<uuid>";
    } else if (begins && (n = hex_length(s)) > 0) {
        *ret = "<hex>";
    } else if ((n = number_length(s)) > 0) {
        *ret = "<n>";
    }
    return n;
}

size_t sk_failure_fold(struct sk_str message, char *ret, size_t max)
{
    struct writer w = {.p = ret, .max = max};
    char before = ' ';
    while (message.n && !w.full) {
        const char *into = NULL;
        size_t n = fold_one(message, before, &into);
        if (n) {
            put(&w, into, strlen(into));
        } else {
            n = 1;
            while (n < message.n && ((unsigned char)message.p[n] & 0xC0) == 0x80)
                n++; // a whole character
            put(&w, message.p, n);
        }
        before = message.p[n - 1];
        message.p += n;
        message.n -= n;
    }
    while (w.n && w.p[w.n - 1] == ' ')
        w.n--;
    return w.n;
}
