/* Only the filter files of src/visibility may include this. */
/*
 * The filter language in three steps: text to tokens (filter_lex.c), tokens to a tree (filter.c),
 * and one comparison to a typed leaf (filter_leaf.c).
 */
#ifndef SK_VISIBILITY_FILTER_INTERNAL_H
#define SK_VISIBILITY_FILTER_INTERNAL_H

#include <stdbool.h>
#include "base/ctx.h"
#include "store/namespaces.h"
#include "store/vis_query.h"

enum sk_filter_token_kind {
    SK_TOKEN_END,
    SK_TOKEN_NAME,   /* a bare word or `quoted`: text is the name */
    SK_TOKEN_STRING, /* text is the unescaped content */
    SK_TOKEN_INT,    /* i */
    SK_TOKEN_FLOAT,  /* d */
    SK_TOKEN_SYMBOL, /* op or punctuation: text */
};

struct sk_filter_token {
    enum sk_filter_token_kind kind;
    struct sk_str text;
    bool quoted; /* a name in backticks: never a keyword */
    int64_t i;
    double d;
    size_t at;            /* position of the first byte, from 1 */
    struct sk_str source; /* as it stands in the filter */
};

struct sk_filter_lexer {
    struct sk_ctx *ctx;
    struct sk_str text; /* the whole filter */
    size_t next;        /* offset of the next byte */
};

/* The next token; INVALID_ARGUMENT on a byte that starts none, an open quote, a bad number. */
sk_err sk_filter_lex(struct sk_filter_lexer *lexer, struct sk_filter_token *ret) SK_MUST_USE;

/* "invalid query: ... at position N, near \"...\"" */
sk_err sk_filter_fail(struct sk_ctx *ctx, const struct sk_filter_token *token, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define sk_filter_fail(...) SK_FAILS_WITH(SK_INVALID_ARGUMENT, (sk_filter_fail)(__VA_ARGS__))

/* A column as the filter names it. */
struct sk_filter_column {
    struct sk_filter_token token;
    struct sk_vis_field field; /* sa_type is set for all columns */
};
/* By any of the names that a filter may use; false: unknown. */
bool sk_filter_find(const struct sk_namespace *ns, struct sk_str name, struct sk_arena *arena,
                    struct sk_vis_field *ret);
sk_err sk_filter_resolve(struct sk_ctx *ctx, const struct sk_namespace *ns,
                         const struct sk_filter_token *name,
                         struct sk_filter_column *ret) SK_MUST_USE;
/* A leaf from a column, an operator and literals, with types and operators checked. op_token says
 * where the operator stands, for errors. */
sk_err sk_filter_leaf(struct sk_ctx *ctx, const struct sk_filter_column *column, enum sk_vis_op op,
                      const struct sk_filter_token *op_token,
                      const struct sk_filter_token *literals, size_t literal_count,
                      struct sk_vis_node **ret) SK_MUST_USE;
/* The leaf that holds when the given one does not and the value is there; in place. */
void sk_filter_negate(struct sk_vis_node *leaf);

#endif
