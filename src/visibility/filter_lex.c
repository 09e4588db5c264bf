/*
 * Text to tokens. Strings stand in single or double quotes, with MySQL's backslash escapes and
 * doubled quotes; names may stand in backticks; numbers are decimal with an optional sign, which
 * belongs to the number, since the language has no arithmetic.
 *
 * Thread: any. Memory: the arena, for unescaped strings only. Failure: INVALID_ARGUMENT with the
 * position (in bytes, from 1) and the text there.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "visibility/filter_internal.h"

#define NEAR_BYTES 40
#define NUMBER_BYTES_MAX 400

/* The token's own text, cut at a character boundary. */
static const char *near_text(struct sk_ctx *ctx, const struct sk_filter_token *token)
{
    size_t n = token->source.n;
    if (n <= NEAR_BYTES)
        return sk_arena_strndup(ctx->arena, token->source.p, n);
    n = NEAR_BYTES;
    while (n && ((unsigned char)token->source.p[n] & 0xC0) == 0x80)
        n--;
    return sk_arena_printf(ctx->arena, "%.*s...", (int)n, token->source.p);
}

sk_err(sk_filter_fail)(struct sk_ctx *ctx, const struct sk_filter_token *token, const char *fmt,
                       ...)
{
    char reason[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    if (n >= (int)sizeof reason) { // names and values are the user's: cut at a character boundary
        size_t end = sizeof reason - 4;
        while (end && ((unsigned char)reason[end] & 0xC0) == 0x80)
            end--;
        memcpy(reason + end, "...", 4);
    }
    if (token->kind == SK_TOKEN_END)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "invalid query: %s at position %zu (the end)",
                       reason, token->at);
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "invalid query: %s at position %zu, near \"%s\"",
                   reason, token->at, near_text(ctx, token));
}

static bool name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == '@' || (unsigned char)c >= 0x80;
}

static bool name_part(char c)
{
    return name_start(c) || isdigit((unsigned char)c) || c == '$' || c == '.';
}

static char peek(const struct sk_filter_lexer *lexer, size_t ahead)
{
    size_t at = lexer->next + ahead;
    return at < lexer->text.n ? lexer->text.p[at] : '\0';
}

static void finish(struct sk_filter_lexer *lexer, struct sk_filter_token *token, size_t n)
{
    token->source = (struct sk_str){lexer->text.p + lexer->next, n};
    lexer->next += n;
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'b':
        return '\b';
    case '0':
        return '\0';
    case 'Z':
        return 26;
    default:
        return c;
    }
}

/* A quoted string or name. The quote itself is doubled inside; only strings have escapes. */
static sk_err lex_quoted(struct sk_filter_lexer *lexer, struct sk_filter_token *token, char quote)
{
    size_t left = lexer->text.n - lexer->next, in = 1, out = 0;
    const char *p = lexer->text.p + lexer->next;
    char *to = sk_arena_alloc(lexer->ctx->arena, left);
    for (; in < left; in++) {
        char c = p[in];
        if (c == quote && in + 1 < left && p[in + 1] == quote)
            in++;
        else if (c == quote)
            break;
        else if (c == '\\' && quote != '`' && in + 1 < left)
            c = unescape(p[++in]);
        to[out++] = c;
    }
    bool closed = in < left;
    finish(lexer, token, closed ? in + 1 : left);
    token->kind = quote == '`' ? SK_TOKEN_NAME : SK_TOKEN_STRING;
    if (!closed)
        return sk_filter_fail(lexer->ctx, token, "quote %c is not closed", quote);
    token->text = (struct sk_str){to, out};
    token->quoted = quote == '`';
    if (quote == '`' && out == 0)
        return sk_filter_fail(lexer->ctx, token, "empty name");
    return SK_OK;
}

/* Length of the number at the start of s, 0 when there is none. */
static size_t number_length(const char *s, size_t n, bool *ret_float)
{
    size_t i = 0, digits = 0;
    *ret_float = false;
    if (i < n && (s[i] == '-' || s[i] == '+'))
        i++;
    for (; i < n && isdigit((unsigned char)s[i]); i++)
        digits++;
    if (i < n && s[i] == '.') {
        *ret_float = true;
        for (i++; i < n && isdigit((unsigned char)s[i]); i++)
            digits++;
    }
    if (!digits)
        return 0;
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        size_t e = i + 1;
        if (e < n && (s[e] == '-' || s[e] == '+'))
            e++;
        if (e < n && isdigit((unsigned char)s[e])) {
            *ret_float = true;
            while (e < n && isdigit((unsigned char)s[e]))
                e++;
            i = e;
        }
    }
    return i;
}

static sk_err lex_number(struct sk_filter_lexer *lexer, struct sk_filter_token *token, size_t n,
                         bool is_float)
{
    char text[NUMBER_BYTES_MAX + 1];
    finish(lexer, token, n);
    token->kind = SK_TOKEN_INT;
    if (name_part(peek(lexer, 0)))
        return sk_filter_fail(lexer->ctx, token, "a number runs into a name (forgot the quotes?)");
    if (n > NUMBER_BYTES_MAX)
        return sk_filter_fail(lexer->ctx, token, "number is longer than %d digits",
                              NUMBER_BYTES_MAX);
    memcpy(text, token->source.p, n);
    text[n] = '\0';
    errno = 0;
    token->i = is_float ? 0 : strtoll(text, NULL, 10);
    if (!is_float && errno == 0)
        return SK_OK;
    token->kind = SK_TOKEN_FLOAT; // also an integer beyond 64 bits
    token->d = strtod(text, NULL);
    return SK_OK;
}

static sk_err lex_symbol(struct sk_filter_lexer *lexer, struct sk_filter_token *token)
{
    static const char *const symbols[] = {"<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ","};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        size_t n = strlen(symbols[i]);
        if (lexer->text.n - lexer->next < n ||
            memcmp(lexer->text.p + lexer->next, symbols[i], n) != 0)
            continue;
        finish(lexer, token, n);
        token->kind = SK_TOKEN_SYMBOL;
        token->text = sk_str_of(symbols[i]);
        return SK_OK;
    }
    finish(lexer, token, 1);
    token->kind = SK_TOKEN_SYMBOL;
    return sk_filter_fail(lexer->ctx, token, "unexpected character");
}

sk_err sk_filter_lex(struct sk_filter_lexer *lexer, struct sk_filter_token *ret)
{
    bool is_float;
    while (lexer->next < lexer->text.n && isspace((unsigned char)peek(lexer, 0)))
        lexer->next++;
    *ret = (struct sk_filter_token){.at = lexer->next + 1};
    if (lexer->next >= lexer->text.n)
        return SK_OK;
    char c = peek(lexer, 0);
    if (c == '\'' || c == '"' || c == '`')
        return lex_quoted(lexer, ret, c);
    size_t n = number_length(lexer->text.p + lexer->next, lexer->text.n - lexer->next, &is_float);
    if (n)
        return lex_number(lexer, ret, n, is_float);
    if (!name_start(c))
        return lex_symbol(lexer, ret);
    for (n = 1; name_part(peek(lexer, n)); n++)
        ;
    finish(lexer, ret, n);
    ret->kind = SK_TOKEN_NAME;
    ret->text = ret->source;
    return SK_OK;
}
