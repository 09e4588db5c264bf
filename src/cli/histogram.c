/* See histogram.h. Bucket b holds values with the same leading SUB_BITS + 1 bits. */
#include "cli/histogram.h"

#include <string.h>

static unsigned bucket_of(uint64_t value)
{
    if (value < 2 * SK_HISTOGRAM_SUB)
        return (unsigned)value; // the first two doublings are exact
    unsigned top = 63 - (unsigned)__builtin_clzll(value);
    unsigned shift = top - SK_HISTOGRAM_SUB_BITS;
    unsigned bucket = shift * SK_HISTOGRAM_SUB + (unsigned)(value >> shift);
    return bucket < SK_HISTOGRAM_BUCKETS ? bucket : SK_HISTOGRAM_BUCKETS - 1;
}

/* The largest value of a bucket. */
static int64_t bucket_top(unsigned bucket)
{
    if (bucket < 2 * SK_HISTOGRAM_SUB)
        return bucket;
    unsigned shift = bucket / SK_HISTOGRAM_SUB - 1;
    uint64_t part = bucket % SK_HISTOGRAM_SUB + SK_HISTOGRAM_SUB;
    return (int64_t)(((part + 1) << shift) - 1);
}

void sk_histogram_clear(struct sk_histogram *h)
{
    memset(h, 0, sizeof(*h));
}

void sk_histogram_add(struct sk_histogram *h, int64_t value)
{
    if (value < 0)
        value = 0;
    h->counts[bucket_of((uint64_t)value)]++;
    if (h->count == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->count++;
    h->sum += value;
}

int64_t sk_histogram_at(const struct sk_histogram *h, double q)
{
    uint64_t want = (uint64_t)(q * (double)h->count + 0.999999), seen = 0;
    if (h->count == 0)
        return 0;
    if (want == 0)
        return h->min;
    for (unsigned b = 0; b < SK_HISTOGRAM_BUCKETS; b++) {
        seen += h->counts[b];
        if (seen >= want) {
            int64_t top = bucket_top(b);
            return top > h->max ? h->max : top;
        }
    }
    return h->max;
}
