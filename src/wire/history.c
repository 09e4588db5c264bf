/*
 * Serialized History messages, cut and measured without decoding the events.
 *
 * A History is nothing but `repeated HistoryEvent events = 1`: tag, length, event, again and again.
 * Each event starts, as every writer of protobuf does it, with its event_id (field 1, varint);
 * where it does not, its top-level tags are walked until it is found. The bytes are ours (a
 * store's), so whatever does not parse is DATA_LOSS.
 *
 * Invariant: what is returned are whole events, in ascending order of their ids.
 * Any thread; no state.
 */
#include "wire/wire.h"

struct walk {
    const uint8_t *p, *end;
};

static bool read_varint(struct walk *w, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; w->p < w->end && shift < 70; shift += 7) {
        uint8_t byte = *w->p++;
        value |= (uint64_t)(byte & 0x7f) << (shift & 63);
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool read_length(struct walk *w, size_t *ret)
{
    uint64_t n;
    if (!read_varint(w, &n) || n > (uint64_t)(w->end - w->p))
        return false;
    *ret = (size_t)n;
    return true;
}

static bool skip_value(struct walk *w, unsigned wire)
{
    uint64_t ignored;
    size_t n = wire == 1 ? 8 : 4;
    if (wire == 0)
        return read_varint(w, &ignored);
    if (wire == 2 ? !read_length(w, &n) : wire != 1 && wire != 5)
        return false;
    if (n > (size_t)(w->end - w->p))
        return false;
    w->p += n;
    return true;
}

static bool find_event_id(struct walk event, int64_t *ret)
{
    uint64_t key, id;
    while (event.p < event.end) {
        if (!read_varint(&event, &key))
            return false;
        if (key == 1 << 3) {
            if (!read_varint(&event, &id))
                return false;
            *ret = (int64_t)id;
            return true;
        }
        if (!skip_value(&event, key & 7))
            return false;
    }
    return false;
}

/* Step to the next event. false when the bytes are no event; the end is the caller's to check. */
static bool next_event(struct walk *w, int64_t *ret_id)
{
    uint64_t key;
    size_t n;
    if (!read_varint(w, &key) || key != (1 << 3 | 2) || !read_length(w, &n))
        return false;
    struct walk event = {w->p, w->p + n};
    w->p += n;
    return find_event_id(event, ret_id);
}

static struct walk start_of(struct sk_str history)
{
    const uint8_t *p = (const uint8_t *)(history.p ? history.p : "");
    return (struct walk){p, p + history.n};
}

static sk_err damaged(struct sk_ctx *ctx, struct sk_str history, const struct walk *w)
{
    return sk_fail(ctx, SK_DATA_LOSS, "a history batch of %zu bytes is not readable near byte %zu",
                   history.n, (size_t)(w->p - (const uint8_t *)history.p));
}

sk_err sk_wire_history_cut(struct sk_ctx *ctx, struct sk_str history, int64_t first, int64_t last,
                           struct sk_str *ret)
{
    struct walk w = start_of(history);
    const uint8_t *from = NULL, *to = NULL;
    int64_t previous = 0;
    while (w.p < w.end) {
        const uint8_t *start = w.p;
        int64_t id;
        if (!next_event(&w, &id) || id < 1)
            return damaged(ctx, history, &w);
        if (id <= previous)
            return sk_fail(ctx, SK_DATA_LOSS, "history event %lld follows event %lld",
                           (long long)id, (long long)previous);
        previous = id;
        if (id < first || id > last)
            continue;
        from = from ? from : start;
        to = w.p;
    }
    *ret = from ? (struct sk_str){(const char *)from, (size_t)(to - from)}
                : (struct sk_str){history.p, 0};
    return SK_OK;
}

sk_err sk_wire_history_range(struct sk_ctx *ctx, struct sk_str history, int64_t *ret_first,
                             int64_t *ret_last)
{
    struct walk w = start_of(history);
    int64_t first = 0, last = 0, id;
    while (w.p < w.end) {
        if (!next_event(&w, &id) || id < 1)
            return damaged(ctx, history, &w);
        if (first == 0)
            first = id;
        else if (id != last + 1)
            return sk_fail(ctx, SK_DATA_LOSS, "history event %lld follows event %lld",
                           (long long)id, (long long)last);
        last = id;
    }
    *ret_first = first;
    *ret_last = last;
    return SK_OK;
}
