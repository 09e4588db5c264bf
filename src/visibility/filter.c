/*
 * The filter language: tokens to a tree, by recursive descent.
 *
 *   query   := [or] [ORDER BY ...] [GROUP BY name]
 *   or      := and { OR and }
 *   and     := not { AND not }
 *   not     := NOT not | "(" or ")" | term
 *   term    := name ( cmp value | [NOT] IN "(" value { "," value } ")" | [NOT] BETWEEN value AND
 *              value | [NOT] STARTS_WITH value | IS [NOT] NULL )
 *
 * What a hostile filter could blow up is bounded: its bytes, its terms and values, and how deeply
 * parentheses and NOTs nest. Chains of AND and OR are folded into balanced trees, so that whoever
 * walks the tree recurses with the logarithm of their length.
 *
 * NOT never reaches the tree: it is pushed down while parsing (De Morgan), `negate` says whether an
 * odd number of NOTs stands outside.
 *
 * Thread: any. Memory: the arena. Failure: INVALID_ARGUMENT "invalid query: ...", with the position
 * and what was expected.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "visibility/filter_internal.h"
#include "visibility/visibility.h"

struct parser {
    struct sk_ctx *ctx;
    const struct sk_namespace *ns;
    struct sk_filter_lexer lexer;
    struct sk_filter_token token; /* the next one */
    int depth;
    int terms; /* comparisons and values so far */
    bool division_seen;
};

static sk_err parse_or(struct parser *p, bool negate, const struct sk_vis_node **ret);

/* ---- tokens ---- */

static sk_err advance(struct parser *p)
{
    return sk_filter_lex(&p->lexer, &p->token);
}

static bool at_word(const struct parser *p, const char *word)
{
    return p->token.kind == SK_TOKEN_NAME && !p->token.quoted &&
           sk_str_ieq(p->token.text, sk_str_of(word));
}

static bool at_symbol(const struct parser *p, const char *symbol)
{
    return p->token.kind == SK_TOKEN_SYMBOL && sk_str_eq(p->token.text, sk_str_of(symbol));
}

static sk_err expect_symbol(struct parser *p, const char *symbol)
{
    if (!at_symbol(p, symbol))
        return sk_filter_fail(p->ctx, &p->token, "syntax error, expected %s", symbol);
    return advance(p);
}

static sk_err expect_word(struct parser *p, const char *word)
{
    if (!at_word(p, word))
        return sk_filter_fail(p->ctx, &p->token, "syntax error, expected %s", word);
    return advance(p);
}

static bool is_keyword(const struct parser *p)
{
    static const char *const words[] = {"and",   "or",     "not",        "in",    "between",
                                        "is",    "null",   "order",      "group", "by",
                                        "limit", "having", "starts_with"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (at_word(p, words[i]))
            return true;
    return false;
}

/* ---- one comparison ---- */

static sk_err take_literal(struct parser *p, struct sk_filter_token *ret)
{
    if (++p->terms > SK_VIS_FILTER_TERMS_MAX)
        return sk_filter_fail(p->ctx, &p->token, "more than %d terms", SK_VIS_FILTER_TERMS_MAX);
    if (p->token.kind == SK_TOKEN_END || p->token.kind == SK_TOKEN_SYMBOL ||
        (is_keyword(p) && !at_word(p, "null")))
        return sk_filter_fail(p->ctx, &p->token,
                              "syntax error, expected a quoted string, a number, true or false");
    *ret = p->token;
    sk_err err = advance(p);
    if (err == SK_OK && ret->kind == SK_TOKEN_NAME && at_symbol(p, "("))
        return sk_filter_fail(p->ctx, ret, "operation is not supported: nested func");
    return err;
}

/* "(" value { "," value } ")" */
static sk_err take_list(struct parser *p, struct sk_filter_token **ret, size_t *ret_count)
{
    size_t count = 0, room = 8;
    struct sk_filter_token *list = SK_NEW_N(p->ctx->arena, struct sk_filter_token, room);
    sk_err err = expect_symbol(p, "(");
    while (err == SK_OK) {
        if (count == room) {
            struct sk_filter_token *larger =
                SK_NEW_N(p->ctx->arena, struct sk_filter_token, room * 2);
            memcpy(larger, list, count * sizeof *list);
            list = larger;
            room *= 2;
        }
        err = take_literal(p, &list[count++]);
        if (err == SK_OK && !at_symbol(p, ","))
            break;
        if (err == SK_OK)
            err = advance(p);
    }
    if (err == SK_OK && !at_symbol(p, ")"))
        return sk_filter_fail(p->ctx, &p->token, "syntax error, expected , or )");
    *ret = list;
    *ret_count = count;
    return err == SK_OK ? advance(p) : err;
}

struct comparison {
    enum sk_vis_op op;
    struct sk_filter_token op_token;
    struct sk_filter_token *values;
    size_t value_count;
};

static sk_err take_values(struct parser *p, struct comparison *c, size_t n)
{
    c->values = SK_NEW_N(p->ctx->arena, struct sk_filter_token, n);
    c->value_count = n;
    sk_err err = take_literal(p, &c->values[0]);
    if (err == SK_OK && n == 2)
        err = expect_word(p, "AND");
    if (err == SK_OK && n == 2)
        err = take_literal(p, &c->values[1]);
    return err;
}

static sk_err take_is(struct parser *p, struct comparison *c)
{
    sk_err err = advance(p);
    c->op = SK_VIS_NULL;
    if (err == SK_OK && at_word(p, "not")) {
        c->op = SK_VIS_NOT_NULL;
        err = advance(p);
    }
    if (err != SK_OK)
        return err;
    if (!at_word(p, "null"))
        return sk_filter_fail(p->ctx, &p->token, "syntax error, expected %s",
                              c->op == SK_VIS_NULL ? "NULL or NOT NULL" : "NULL");
    return advance(p);
}

/* IN, BETWEEN, STARTS_WITH, each perhaps after NOT. */
static sk_err take_word_operator(struct parser *p, struct comparison *c)
{
    sk_err err = SK_OK;
    bool negated = at_word(p, "not");
    if (negated)
        err = advance(p);
    if (err != SK_OK)
        return err;
    bool in = at_word(p, "in"), between = at_word(p, "between"), starts = at_word(p, "starts_with");
    if (!in && !between && !starts)
        return sk_filter_fail(p->ctx, &p->token,
                              negated ? "syntax error, expected IN, BETWEEN or STARTS_WITH"
                                      : "syntax error, expected an operator (=, !=, <, <=, >, >=, "
                                        "IN, BETWEEN, STARTS_WITH, IS)");
    if (in)
        c->op = negated ? SK_VIS_NOT_IN : SK_VIS_IN;
    else if (between)
        c->op = negated ? SK_VIS_NOT_BETWEEN : SK_VIS_BETWEEN;
    else
        c->op = negated ? SK_VIS_NOT_STARTS : SK_VIS_STARTS;
    err = advance(p);
    if (err != SK_OK)
        return err;
    return in ? take_list(p, &c->values, &c->value_count) : take_values(p, c, between ? 2 : 1);
}

static bool symbol_operator(const struct parser *p, enum sk_vis_op *ret)
{
    static const struct {
        const char *symbol;
        enum sk_vis_op op;
    } table[] = {{"=", SK_VIS_EQ},  {"!=", SK_VIS_NE}, {"<>", SK_VIS_NE}, {"<", SK_VIS_LT},
                 {"<=", SK_VIS_LE}, {">", SK_VIS_GT},  {">=", SK_VIS_GE}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (at_symbol(p, table[i].symbol)) {
            *ret = table[i].op;
            return true;
        }
    return false;
}

static sk_err take_comparison(struct parser *p, struct comparison *c)
{
    c->op_token = p->token;
    if (at_word(p, "is"))
        return take_is(p, c);
    if (at_word(p, "like"))
        return sk_filter_fail(p->ctx, &p->token,
                              "operation is not supported: LIKE, expected STARTS_WITH or =");
    if (!symbol_operator(p, &c->op))
        return take_word_operator(p, c);
    sk_err err = advance(p);
    return err == SK_OK ? take_values(p, c, 1) : err;
}

static sk_err parse_term(struct parser *p, bool negate, const struct sk_vis_node **ret)
{
    struct sk_filter_token name = p->token;
    struct sk_filter_column column;
    struct comparison c = {0};
    if (name.kind != SK_TOKEN_NAME || is_keyword(p))
        return sk_filter_fail(p->ctx, &name,
                              "syntax error, expected the name of a search attribute, NOT or (");
    if (++p->terms > SK_VIS_FILTER_TERMS_MAX)
        return sk_filter_fail(p->ctx, &name, "more than %d terms", SK_VIS_FILTER_TERMS_MAX);
    sk_err err = advance(p);
    if (err == SK_OK && at_symbol(p, "("))
        return sk_filter_fail(p->ctx, &name, "operation is not supported: function expression");
    if (err == SK_OK)
        err = sk_filter_resolve(p->ctx, p->ns, &name, &column);
    if (err == SK_OK)
        err = take_comparison(p, &c);
    struct sk_vis_node *leaf;
    if (err == SK_OK)
        err = sk_filter_leaf(p->ctx, &column, c.op, &c.op_token, c.values, c.value_count, &leaf);
    if (err != SK_OK)
        return err;
    p->division_seen = p->division_seen || column.field.column == SK_VIS_DIVISION;
    if (negate)
        sk_filter_negate(leaf);
    *ret = leaf;
    return SK_OK;
}

/* ---- and, or, not ---- */

static sk_err parse_nested(struct parser *p, bool negate, const struct sk_vis_node **ret)
{
    struct sk_filter_token open = p->token;
    sk_err err = advance(p);
    if (err == SK_OK)
        err = parse_or(p, negate, ret);
    if (err == SK_OK && !at_symbol(p, ")"))
        return sk_filter_fail(p->ctx, &p->token,
                              "syntax error, expected AND, OR or ) for the ( at position %zu",
                              open.at);
    return err == SK_OK ? advance(p) : err;
}

static sk_err parse_not(struct parser *p, bool negate, const struct sk_vis_node **ret)
{
    sk_err err = SK_OK;
    while (err == SK_OK && at_word(p, "not")) { // a loop: NOT NOT NOT ... costs no stack
        negate = !negate;
        err = advance(p);
    }
    if (err != SK_OK)
        return err;
    if (!at_symbol(p, "("))
        return parse_term(p, negate, ret);
    if (p->depth >= SK_VIS_FILTER_DEPTH_MAX)
        return sk_filter_fail(p->ctx, &p->token, "parentheses are nested deeper than %d",
                              SK_VIS_FILTER_DEPTH_MAX);
    p->depth++;
    err = parse_nested(p, negate, ret);
    p->depth--;
    return err;
}

/* Operands of one chain. Lives in the heap while it grows, so that chains of chains do not waste
 * the arena. */
struct chain {
    const struct sk_vis_node **nodes;
    size_t count, room;
};

static void chain_add(struct chain *chain, const struct sk_vis_node *node)
{
    if (chain->count == chain->room) {
        chain->room = chain->room ? chain->room * 2 : 8;
        chain->nodes = sk_mem_realloc(chain->nodes, chain->room * sizeof(*chain->nodes));
    }
    chain->nodes[chain->count++] = node;
}

/* Folds neighbours pairwise until one is left: depth log2(count). */
static const struct sk_vis_node *chain_fold(struct chain *chain, struct sk_arena *arena,
                                            enum sk_vis_op op)
{
    while (chain->count > 1) {
        size_t out = 0;
        for (size_t i = 0; i < chain->count; i += 2) {
            if (i + 1 == chain->count) {
                chain->nodes[out++] = chain->nodes[i];
                break;
            }
            struct sk_vis_node *node = SK_NEW(arena, struct sk_vis_node);
            node->op = op;
            node->left = chain->nodes[i];
            node->right = chain->nodes[i + 1];
            chain->nodes[out++] = node;
        }
        chain->count = out;
    }
    const struct sk_vis_node *root = chain->nodes[0];
    sk_mem_free(chain->nodes);
    return root;
}

static sk_err parse_chain(struct parser *p, bool negate, bool is_or, const struct sk_vis_node **ret)
{
    struct chain chain = {0};
    const struct sk_vis_node *node;
    sk_err err;
    for (;;) {
        err = is_or ? parse_chain(p, negate, false, &node) : parse_not(p, negate, &node);
        if (err != SK_OK)
            break;
        chain_add(&chain, node);
        if (!at_word(p, is_or ? "or" : "and"))
            break;
        err = advance(p);
        if (err != SK_OK)
            break;
    }
    if (err != SK_OK) {
        sk_mem_free(chain.nodes);
        return err;
    }
    *ret = chain_fold(&chain, p->ctx->arena, is_or != negate ? SK_VIS_OR : SK_VIS_AND);
    return SK_OK;
}

static sk_err parse_or(struct parser *p, bool negate, const struct sk_vis_node **ret)
{
    return parse_chain(p, negate, true, ret);
}

/* ---- the whole ---- */

static sk_err parse_group_by(struct parser *p, enum sk_vis_purpose purpose,
                             struct sk_vis_query *query)
{
    struct sk_filter_token group = p->token;
    struct sk_filter_column column;
    if (purpose != SK_VIS_FOR_COUNT)
        return sk_filter_fail(p->ctx, &group,
                              "operation is not supported: 'GROUP BY' clause outside of a count");
    sk_err err = advance(p);
    if (err == SK_OK)
        err = expect_word(p, "BY");
    if (err != SK_OK)
        return err;
    struct sk_filter_token name = p->token;
    if (name.kind != SK_TOKEN_NAME)
        return sk_filter_fail(p->ctx, &name,
                              "syntax error, expected the name of a search attribute");
    err = sk_filter_resolve(p->ctx, p->ns, &name, &column);
    if (err != SK_OK)
        return err;
    if (column.field.column != SK_VIS_STATUS && column.field.column != SK_VIS_DIVISION)
        return sk_filter_fail(p->ctx, &name,
                              "operation is not supported: 'GROUP BY' clause is only supported for "
                              "ExecutionStatus and TemporalNamespaceDivision");
    p->division_seen = p->division_seen || column.field.column == SK_VIS_DIVISION;
    query->group = true;
    query->group_by = column.field;
    err = advance(p);
    if (err == SK_OK && at_symbol(p, ","))
        return sk_filter_fail(p->ctx, &p->token,
                              "operation is not supported: 'GROUP BY' clause supports only a "
                              "single field");
    return err;
}

static sk_err parse_query(struct parser *p, enum sk_vis_purpose purpose, struct sk_vis_query *query)
{
    sk_err err = advance(p);
    if (err == SK_OK && p->token.kind != SK_TOKEN_END && !at_word(p, "order") &&
        !at_word(p, "group") && !at_word(p, "limit"))
        err = parse_or(p, false, &query->filter);
    if (err == SK_OK && at_word(p, "order"))
        return sk_filter_fail(p->ctx, &p->token,
                              "operation is not supported: 'ORDER BY' clause (open runs come "
                              "first, then the newest)");
    if (err == SK_OK && at_word(p, "group"))
        err = parse_group_by(p, purpose, query);
    if (err == SK_OK && at_word(p, "limit"))
        return sk_filter_fail(p->ctx, &p->token,
                              "operation is not supported: 'LIMIT' clause (the request has a page "
                              "size)");
    if (err == SK_OK && p->token.kind != SK_TOKEN_END)
        return sk_filter_fail(p->ctx, &p->token, "syntax error, expected AND, OR or the end");
    query->all_divisions = p->division_seen;
    return err;
}

sk_err sk_vis_parse(struct sk_ctx *ctx, const struct sk_namespace *ns, const char *text,
                    enum sk_vis_purpose purpose, struct sk_vis_query *ret)
{
    struct sk_vis_query query = {.ns = ns->id};
    struct parser p = {.ctx = ctx, .ns = ns, .lexer = {ctx, sk_str_of(text ? text : ""), 0}};
    if (p.lexer.text.n > SK_VIS_FILTER_BYTES_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "invalid query: length %zu exceeds limit %d",
                       p.lexer.text.n, SK_VIS_FILTER_BYTES_MAX);
    sk_err err = parse_query(&p, purpose, &query);
    if (err == SK_OK)
        *ret = query;
    return err;
}
