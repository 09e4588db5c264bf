/*
 * The context's error: set once, at the place that knows most; whoever adds to it later is too
 * late and is told the first code again. Texts live in the context's arena.
 */
#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

enum { MESSAGE_MAX = 1024 }; // longer than any text of ours; names in it are bounded by limits

/* Messages end in fields that are UTF-8, and hold what others named: bytes that came with a header,
 * names that a precision in the format cut within a character. */
static void make_utf8(char *text, size_t n)
{
    for (size_t at = 0; (at += sk_utf8_prefix(text + at, n - at)) < n;)
        text[at++] = '?';
}

sk_err(sk_fail)(struct sk_ctx *ctx, sk_err code, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list args;

    SK_ASSERT(code != SK_OK);
    if (ctx->err.code != SK_OK)
        return ctx->err.code;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    SK_ASSERT(n >= 0);
    make_utf8(text, n < MESSAGE_MAX ? (size_t)n : MESSAGE_MAX - 1);
    ctx->err.code = code;
    ctx->err.message = sk_arena_strdup(ctx->arena, text);
    return code;
}

void sk_fail_detail(struct sk_ctx *ctx, const char *type, const void *bytes, size_t size)
{
    SK_ASSERT(ctx->err.code != SK_OK);
    if (ctx->err.detail_type)
        return;
    ctx->err.detail_type = type;
    ctx->err.detail = bytes;
    ctx->err.detail_size = size;
}

void sk_ctx_clear(struct sk_ctx *ctx)
{
    ctx->err = (struct sk_errinfo){.code = SK_OK};
}
