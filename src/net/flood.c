/*
 * Token buckets against floods of cheap frames (CVE-2019-9511 to 9518, CVE-2023-44487).
 *
 * Figures: what official gRPC libraries do at their busiest, times a good margin.
 *  - RESET: a worker's shutdown cancels all its polls at once, so the burst lies above the number
 *    of streams a connection may have; a reset costs us about as much as an unanswered call.
 *  - PING: grpc-go and netty measure bandwidth with a ping per batch of data they receive, so each
 *    answer earns one; bare keepalive needs one in 10 s.
 *  - WINDOW: receivers credit streams and connection as they read; each DATA frame earns twenty,
 *    each stream two (the proportion Envoy uses).
 *  - PRIORITY: legal, useless to us, and at most a few a stream.
 * Frames of unknown types are skipped by nghttp2 unseen and cost what their bytes cost.
 * Pure arithmetic; the caller brings the time.
 */
#include "net/flood.h"

static const struct {
    const char *name;
    int64_t burst, per_second;
} kinds[SK_FLOOD_KINDS] = {
    [SK_FLOOD_SETTINGS] = {"SETTINGS", 100, 1},        [SK_FLOOD_PING] = {"PING", 1000, 20},
    [SK_FLOOD_RESET] = {"RST_STREAM", 20000, 200},     [SK_FLOOD_PRIORITY] = {"PRIORITY", 1000, 10},
    [SK_FLOOD_WINDOW] = {"WINDOW_UPDATE", 10000, 100}, [SK_FLOOD_EMPTY] = {"empty DATA", 100, 10},
};

void sk_flood_init(struct sk_flood *flood, int64_t now_ms)
{
    flood->refilled_ms = now_ms;
    for (int i = 0; i < SK_FLOOD_KINDS; i++)
        flood->tokens[i] = kinds[i].burst * 1000;
}

static void refill(struct sk_flood *flood, int64_t now_ms)
{
    int64_t passed_ms = now_ms - flood->refilled_ms;
    if (passed_ms <= 0)
        return;
    if (passed_ms > 3600 * 1000) // enough to fill every bucket; keeps the product small
        passed_ms = 3600 * 1000;
    flood->refilled_ms = now_ms;
    for (int i = 0; i < SK_FLOOD_KINDS; i++) {
        int64_t tokens = flood->tokens[i] + passed_ms * kinds[i].per_second;
        flood->tokens[i] = tokens < kinds[i].burst * 1000 ? tokens : kinds[i].burst * 1000;
    }
}

bool sk_flood_take(struct sk_flood *flood, enum sk_flood_kind kind, int64_t now_ms)
{
    refill(flood, now_ms);
    if (flood->tokens[kind] < 1000)
        return false;
    flood->tokens[kind] -= 1000;
    return true;
}

void sk_flood_earn(struct sk_flood *flood, enum sk_flood_kind kind, int64_t count)
{
    int64_t tokens = flood->tokens[kind] + count * 1000;
    flood->tokens[kind] = tokens < kinds[kind].burst * 1000 ? tokens : kinds[kind].burst * 1000;
}

const char *sk_flood_name(enum sk_flood_kind kind)
{
    return kinds[kind].name;
}
