/*
 * The query part of a URL: name=value pairs, percent-encoded. Pure functions.
 */
#include "web/web_internal.h"

static bool next_raw(struct sk_str *query, struct sk_str *ret_name, struct sk_str *ret_value)
{
    while (query->n > 0) {
        const char *amp = memchr(query->p, '&', query->n);
        struct sk_str pair = {query->p, amp ? (size_t)(amp - query->p) : query->n};
        query->p += pair.n + (amp ? 1 : 0);
        query->n -= pair.n + (amp ? 1 : 0);
        if (pair.n == 0)
            continue; // "a=1&&b=2"
        const char *equals = memchr(pair.p, '=', pair.n);
        *ret_name = (struct sk_str){pair.p, equals ? (size_t)(equals - pair.p) : pair.n};
        *ret_value = equals ? (struct sk_str){equals + 1, pair.n - ret_name->n - 1} : SK_STR("");
        return true;
    }
    return false;
}

static bool decode(struct sk_arena *arena, struct sk_str text, struct sk_str *ret)
{
    char *spaced = sk_arena_strndup(arena, text.p, text.n);
    for (size_t i = 0; i < text.n; i++)
        if (spaced[i] == '+')
            spaced[i] = ' ';
    return sk_http_percent_decode(arena, (struct sk_str){spaced, text.n}, ret);
}

bool web_query_next(struct sk_ctx *ctx, struct sk_str *query, struct web_pair *ret)
{
    struct sk_str name, value;
    if (!next_raw(query, &name, &value))
        return false;
    if (decode(ctx->arena, name, &ret->name) && decode(ctx->arena, value, &ret->value))
        return true;
    (void)sk_fail(ctx, SK_INVALID_ARGUMENT, "the query parameter %.*s is not percent-encoded UTF-8",
                  (int)(name.n < 100 ? name.n : 100), name.p);
    return false;
}

bool web_query_has(struct sk_str query, struct sk_str name)
{
    struct sk_str one, value;
    while (next_raw(&query, &one, &value))
        if (sk_str_eq(one, name))
            return true;
    return false;
}
