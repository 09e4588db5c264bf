/*
 * Limits on frames that cost the sender nothing: one token bucket a kind of frame. Useful traffic
 * earns tokens, for honest peers send such frames in step with it.
 */
#ifndef SK_NET_FLOOD_H
#define SK_NET_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

enum sk_flood_kind {
    SK_FLOOD_SETTINGS,
    SK_FLOOD_PING,
    SK_FLOOD_RESET,
    SK_FLOOD_PRIORITY,
    SK_FLOOD_WINDOW,
    SK_FLOOD_EMPTY, /* DATA without bytes that does not end its stream */
    SK_FLOOD_KINDS
};

struct sk_flood {
    int64_t refilled_ms;
    int64_t tokens[SK_FLOOD_KINDS]; /* thousandths */
};

void sk_flood_init(struct sk_flood *flood, int64_t now_ms);
/* false: the kind's bucket is empty; the connection should end */
bool sk_flood_take(struct sk_flood *flood, enum sk_flood_kind kind, int64_t now_ms);
void sk_flood_earn(struct sk_flood *flood, enum sk_flood_kind kind, int64_t count);
const char *sk_flood_name(enum sk_flood_kind kind);

#endif
