/*
 * The order of a list, as a text: a column's name as filters write it, then perhaps asc or desc.
 * Names that are not plain words stand in backticks. One column: what has equal values is in the
 * list's own order, so that a second one is seldom missed.
 *
 * Refused are columns without an order that a store could keep: Text and KeywordList, which hold
 * many words, and RunId, whose order says nothing that StartTime does not say better.
 *
 * Thread: any. Memory: the arena. Failure: INVALID_ARGUMENT "invalid order_by ...".
 */
#include "visibility/filter_internal.h"
#include "visibility/search_attributes.h"
#include "visibility/visibility.h"

#define ORDER_BYTES_MAX 300

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct sk_str trim(struct sk_str s)
{
    while (s.n && blank(s.p[0]))
        s = (struct sk_str){s.p + 1, s.n - 1};
    while (s.n && blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Takes the last word off if it is that one. */
static bool take_word(struct sk_str *s, struct sk_str word)
{
    if (s->n <= word.n || !blank(s->p[s->n - word.n - 1]) ||
        !sk_str_ieq((struct sk_str){s->p + s->n - word.n, word.n}, word))
        return false;
    *s = trim((struct sk_str){s->p, s->n - word.n});
    return true;
}

/* The column's name; false: this is none. */
static bool take_name(struct sk_str s, struct sk_str *ret)
{
    bool quoted = s.n > 2 && s.p[0] == '`' && s.p[s.n - 1] == '`';
    *ret = quoted ? (struct sk_str){s.p + 1, s.n - 2} : s;
    for (size_t i = 0; i < ret->n; i++)
        if (ret->p[i] == '`' || (!quoted && (blank(ret->p[i]) || ret->p[i] == ',')))
            return false;
    return ret->n > 0;
}

static sk_err no_order(struct sk_ctx *ctx, struct sk_str text, const struct sk_vis_field *field)
{
    if (field->column == SK_VIS_RUN_ID)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "invalid order_by \"" SK_STR_FMT "\": run ids have no order that says "
                       "anything, StartTime has",
                       SK_STR_ARG(text));
    return sk_fail(ctx, SK_INVALID_ARGUMENT,
                   "invalid order_by \"" SK_STR_FMT "\": a column of type %s has no order, one of "
                   "type Keyword, Int, Double, Bool or Datetime has",
                   SK_STR_ARG(text), sk_sa_type_name(field->sa_type));
}

sk_err sk_vis_parse_order(struct sk_ctx *ctx, const struct sk_namespace *ns, const char *order_by,
                          struct sk_vis_order *ret)
{
    struct sk_str text = trim(sk_str_of(order_by ? order_by : "")), rest = text, name;
    struct sk_vis_order order = {.by_field = text.n > 0};
    if (text.n > ORDER_BYTES_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "invalid order_by: length %zu exceeds limit %d",
                       text.n, ORDER_BYTES_MAX);
    if (order.by_field) {
        order.descending = take_word(&rest, SK_STR("desc"));
        if (!order.descending)
            (void)take_word(&rest, SK_STR("asc"));
        if (!take_name(rest, &name))
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "invalid order_by \"" SK_STR_FMT "\": expected one column's name, then "
                           "perhaps asc or desc",
                           SK_STR_ARG(text));
        if (!sk_filter_find(ns, name, ctx->arena, &order.field))
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "invalid order_by \"" SK_STR_FMT "\": unknown search attribute",
                           SK_STR_ARG(text));
        if (sk_vis_field_class(&order.field) == SK_VIS_LIST || order.field.column == SK_VIS_RUN_ID)
            return no_order(ctx, text, &order.field);
    }
    *ret = order;
    return SK_OK;
}
