/*
 * Borrowed slices of bytes. A struct sk_str never owns; whoever made it says how long it lives.
 */
#ifndef SK_BASE_STR_H
#define SK_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sk_str {
    const char *p;
    size_t n;
};

#define SK_STR(lit) ((struct sk_str){"" lit "", sizeof(lit) - 1})
#define SK_STR_FMT "%.*s"
#define SK_STR_ARG(s) (int)(s).n, (s).p

static inline struct sk_str sk_str_of(const char *cstr)
{
    return (struct sk_str){cstr, cstr ? strlen(cstr) : 0};
}

static inline bool sk_str_eq(struct sk_str a, struct sk_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int sk_str_cmp(struct sk_str a, struct sk_str b);
bool sk_str_starts(struct sk_str s, struct sk_str prefix);
bool sk_str_ieq(struct sk_str a, struct sk_str b); /* ASCII case-insensitive */
uint64_t sk_hash(const void *bytes, size_t n,
                 uint64_t seed); /* fast, not for hostile input alone */
/* 0 equal, 1 one letter off (inserted, left out, changed or swapped), ...; of the first 64 bytes */
int sk_edit_distance(struct sk_str a, struct sk_str b);
/* What stands before the next separator, without the blanks around it; the rest stays in *list. */
struct sk_str sk_str_take(struct sk_str *list, char separator);
bool sk_str_lists(struct sk_str list, struct sk_str item); /* is it in "a, b,c"? */
/* how many bytes from the beginning are well-formed UTF-8 */
size_t sk_utf8_prefix(const void *bytes, size_t n);
/* true when all are */
bool sk_utf8_valid(const void *bytes, size_t n);

#endif
