/*
 * The limit that workers set on an activity queue (max_tasks_per_second): a bucket of tokens that
 * holds one second's worth, at least one. The latest value given by any worker counts; 0 stops
 * dispatch. Times are the loop's monotonic milliseconds.
 */
#include <math.h>
#include "matching/matching_internal.h"

void sk_mlimit_init(struct sk_mlimit *limit)
{
    *limit = (struct sk_mlimit){.per_second = -1};
}

static double burst_of(const struct sk_mlimit *limit)
{
    return limit->per_second <= 0 ? 0 : fmax(1, ceil(limit->per_second));
}

static void refill(struct sk_mlimit *limit, int64_t now_ms)
{
    double gained = (double)(now_ms - limit->at_ms) * limit->per_second / 1000;
    limit->tokens = fmin(burst_of(limit), limit->tokens + fmax(0, gained));
    limit->at_ms = now_ms;
}

void sk_mlimit_set(struct sk_mlimit *limit, double per_second, int64_t now_ms)
{
    if (per_second == limit->per_second)
        return;
    bool first = limit->per_second < 0;
    if (!first)
        refill(limit, now_ms);
    limit->per_second = per_second;
    limit->at_ms = now_ms;
    limit->tokens = first ? burst_of(limit) : fmin(limit->tokens, burst_of(limit));
}

bool sk_mlimit_take(struct sk_mlimit *limit, int64_t now_ms)
{
    if (limit->per_second < 0)
        return true;
    refill(limit, now_ms);
    if (limit->tokens < 1)
        return false;
    limit->tokens -= 1;
    return true;
}

int64_t sk_mlimit_due(const struct sk_mlimit *limit, int64_t now_ms)
{
    if (limit->per_second < 0 || limit->tokens >= 1)
        return now_ms;
    if (limit->per_second == 0)
        return INT64_MAX;
    double wait_ms = ceil((1 - limit->tokens) * 1000 / limit->per_second);
    return wait_ms > 1e12 ? INT64_MAX : limit->at_ms + (int64_t)wait_ms;
}
