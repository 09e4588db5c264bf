/*
 * The tokens between pages. A token holds where the last row stood in the order, so a list stays
 * stable while rows come and go: nothing is shown twice unless it moved, nothing is skipped. It is
 * bound to the namespace, the filter and the order by a hash; a token that is not ours, or ours for
 * another list, is refused.
 *
 *   1  version: 1 the list's own order, 2 an order by a field
 *   4  namespace
 *   8  hash of the filter, and of the order
 *   8  close time, 8 start time, 16 run id
 *   of version 2 then the value: 1 byte of kind, and its 8 bytes or those of the string
 *
 * Integers are little-endian.
 *
 * Thread: any. Memory: the arena. Failure: INVALID_ARGUMENT.
 */
#include "visibility/visibility.h"

#define PLAIN 1
#define BY_FIELD 2
#define PLAIN_BYTES (1 + 4 + 8 + 8 + 8 + SK_UUID_SIZE)
#define SEED 0x736b766973746f6bULL

enum value_kind { VALUE_MISSING, VALUE_STRING, VALUE_INT, VALUE_DOUBLE };

static void put_u64(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

static uint64_t get_u64(const unsigned char *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static uint64_t list_hash(const char *filter, const struct sk_vis_order *order)
{
    struct sk_str s = sk_str_of(filter ? filter : "");
    uint64_t hash = sk_hash(s.p, s.n, SEED);
    if (!order->by_field)
        return hash;
    const int64_t parts[] = {order->field.column, order->field.sa_type, order->field.slot,
                             order->descending};
    return sk_hash(parts, sizeof parts, hash);
}

/* ---- the value ---- */

static enum value_kind kind_of(const struct sk_vis_place *place)
{
    static const enum value_kind kinds[] = {
        [SK_LIT_STRING] = VALUE_STRING, [SK_LIT_INT] = VALUE_INT, [SK_LIT_DOUBLE] = VALUE_DOUBLE};
    return place->missing ? VALUE_MISSING : kinds[place->value.type];
}

static size_t value_size(const struct sk_vis_place *place)
{
    enum value_kind kind = kind_of(place);
    return kind == VALUE_MISSING ? 1 : 1 + (kind == VALUE_STRING ? place->value.s.n : 8);
}

static void put_value(unsigned char *p, const struct sk_vis_place *place)
{
    enum value_kind kind = kind_of(place);
    uint64_t bits = (uint64_t)place->value.i;
    p[0] = (unsigned char)kind;
    if (kind == VALUE_DOUBLE)
        memcpy(&bits, &place->value.d, sizeof bits);
    if (kind == VALUE_STRING && place->value.s.n)
        memcpy(p + 1, place->value.s.p, place->value.s.n);
    else if (kind == VALUE_INT || kind == VALUE_DOUBLE)
        put_u64(p + 1, bits);
}

/* What kind an order's values are. */
static enum value_kind wanted_kind(const struct sk_vis_order *order)
{
    if (sk_vis_field_class(&order->field) == SK_VIS_STRING)
        return VALUE_STRING;
    bool real =
        order->field.column == SK_VIS_SEARCH_ATTRIBUTE && order->field.sa_type == SK_SA_DOUBLE;
    return real ? VALUE_DOUBLE : VALUE_INT;
}

/* n bytes at p; false: not what the order's values look like. */
static bool get_value(const unsigned char *p, size_t n, const struct sk_vis_order *order,
                      struct sk_vis_place *place)
{
    place->missing = n == 1 && p[0] == VALUE_MISSING;
    if (place->missing)
        return true;
    if (n == 0 || p[0] != (unsigned char)wanted_kind(order) || (p[0] != VALUE_STRING && n != 9))
        return false;
    if (p[0] == VALUE_STRING) {
        place->value =
            (struct sk_vis_literal){.type = SK_LIT_STRING, .s = {(const char *)p + 1, n - 1}};
        return true;
    }
    uint64_t bits = get_u64(p + 1);
    place->value = (struct sk_vis_literal){.type = SK_LIT_INT, .i = (int64_t)bits};
    if (p[0] == VALUE_DOUBLE) {
        place->value.type = SK_LIT_DOUBLE;
        memcpy(&place->value.d, &bits, sizeof bits);
    }
    return true;
}

/* ---- the token ---- */

struct sk_str sk_vis_token_write(struct sk_arena *arena, const struct sk_vis_query *query,
                                 const char *filter, const struct sk_vis_row *last)
{
    struct sk_vis_place place = sk_vis_place_of(&query->order, last);
    bool by_field = query->order.by_field;
    size_t size = PLAIN_BYTES + (by_field ? value_size(&place) : 0);
    unsigned char *p = sk_arena_alloc(arena, size);
    p[0] = by_field ? BY_FIELD : PLAIN;
    for (int i = 0; i < 4; i++)
        p[1 + i] = (unsigned char)(query->ns >> 8 * i);
    put_u64(p + 5, list_hash(filter, &query->order));
    put_u64(p + 13, (uint64_t)place.close_ns);
    put_u64(p + 21, (uint64_t)place.start_ns);
    memcpy(p + 29, place.run_id.b, SK_UUID_SIZE);
    if (by_field)
        put_value(p + PLAIN_BYTES, &place);
    return (struct sk_str){(const char *)p, size};
}

static sk_err refuse(struct sk_ctx *ctx, struct sk_str token)
{
    return sk_fail(ctx, SK_INVALID_ARGUMENT,
                   "Invalid NextPageToken: %zu bytes that no list of this server returned",
                   token.n);
}

sk_err sk_vis_token_read(struct sk_ctx *ctx, struct sk_str token, const char *filter,
                         struct sk_vis_query *query)
{
    const unsigned char *p = (const unsigned char *)token.p;
    struct sk_vis_place place = {.missing = false};
    query->has_cursor = false;
    if (token.n == 0)
        return SK_OK;
    if (token.n < PLAIN_BYTES || p[0] < PLAIN || p[0] > BY_FIELD ||
        (p[0] == PLAIN && token.n != PLAIN_BYTES))
        return refuse(ctx, token);
    uint32_t ns =
        (uint32_t)p[1] | (uint32_t)p[2] << 8 | (uint32_t)p[3] << 16 | (uint32_t)p[4] << 24;
    if (ns != query->ns || get_u64(p + 5) != list_hash(filter, &query->order) ||
        (p[0] == BY_FIELD) != query->order.by_field)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Invalid NextPageToken: it belongs to another namespace, query or order");
    if (query->order.by_field &&
        !get_value(p + PLAIN_BYTES, token.n - PLAIN_BYTES, &query->order, &place))
        return refuse(ctx, token);
    place.close_ns = (int64_t)get_u64(p + 13);
    place.start_ns = (int64_t)get_u64(p + 21);
    memcpy(place.run_id.b, p + 29, SK_UUID_SIZE);
    if (place.close_ns < 0 || place.start_ns == INT64_MIN) // stores turn their order around
        return refuse(ctx, token);
    query->has_cursor = true;
    query->after = place;
    return SK_OK;
}
