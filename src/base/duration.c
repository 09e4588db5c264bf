/*
 * Durations as people write them. One pass, no allocation, integers only: a fraction is kept as a
 * numerator and a power of ten, so that "0.1s" is exactly 100,000,000 ns. Digits of a fraction
 * beyond what 64 bits hold are dropped, as they are below a nanosecond for every unit but hours and
 * days, and there they would only be rounding noise.
 *
 * Thread: any; no state.
 */
#include "base/duration.h"

#include <stddef.h>

struct unit {
    const char *name;
    int64_t ns;
};

static const struct unit units[] = {
    // two letters first, so that "ms" is not read as "m"
    {"ns", 1},           {"us", 1000},         {"\xc2\xb5s", 1000},
    {"\xce\xbcs", 1000}, {"ms", 1000000},      {"s", 1000000000},
    {"m", 60000000000},  {"h", 3600000000000}, {"d", 86400000000000},
};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static const struct unit *take_unit(struct sk_str *s, bool days)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct sk_str name = sk_str_of(units[i].name);
        if (s->n < name.n || memcmp(s->p, name.p, name.n) != 0)
            continue;
        if (name.p[0] == 'd' && !days)
            continue;
        s->p += name.n;
        s->n -= name.n;
        return &units[i];
    }
    return NULL;
}

/* Digits before the point; false on overflow. */
static bool take_whole(struct sk_str *s, int64_t *ret, bool *ret_any)
{
    int64_t value = 0;
    *ret_any = false;
    for (; s->n && digit(*s->p); s->p++, s->n--) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *s->p - '0', &value))
            return false;
        *ret_any = true;
    }
    *ret = value;
    return true;
}

struct fraction {
    int64_t numerator, scale; /* value = numerator / scale */
    bool any;
};

static struct fraction take_fraction(struct sk_str *s)
{
    struct fraction f = {0, 1, false};
    if (!s->n || *s->p != '.')
        return f;
    s->p++;
    s->n--;
    for (; s->n && digit(*s->p); s->p++, s->n--) {
        f.any = true;
        if (f.scale >= 1000000000000)
            continue;
        f.numerator = f.numerator * 10 + (*s->p - '0');
        f.scale *= 10;
    }
    return f;
}

/* One number with its unit, added to *sum. */
static bool take_term(struct sk_str *s, bool days, int64_t *sum)
{
    int64_t whole;
    bool any;
    if (!take_whole(s, &whole, &any))
        return false;
    struct fraction f = take_fraction(s);
    if (!any && !f.any)
        return false;
    const struct unit *unit = take_unit(s, days);
    int64_t ns;
    if (!unit || __builtin_mul_overflow(whole, unit->ns, &ns))
        return false;
    __int128 part = (__int128)f.numerator * unit->ns / f.scale;
    return !__builtin_add_overflow(ns, (int64_t)part, &ns) &&
           !__builtin_add_overflow(*sum, ns, sum);
}

bool sk_duration_parse(struct sk_str text, bool days, int64_t *ret_ns)
{
    struct sk_str s = text;
    bool negative = false;
    if (s.n && (*s.p == '-' || *s.p == '+')) {
        negative = *s.p == '-';
        s.p++;
        s.n--;
    }
    if (sk_str_eq(s, SK_STR("0"))) {
        *ret_ns = 0;
        return true;
    }
    if (!s.n)
        return false;
    int64_t sum = 0;
    while (s.n)
        if (!take_term(&s, days, &sum))
            return false;
    *ret_ns = negative ? -sum : sum;
    return true;
}
