/* Only src/figures and its tests may include this. A histogram of microseconds with buckets that
 * grow by an eighth, so that a percentile is within 6 % of the truth, from 1 us to two years. */
#ifndef SK_FIGURES_HISTOGRAM_H
#define SK_FIGURES_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define FIG_BUCKETS 368

struct fig_histogram {
    uint32_t counts[FIG_BUCKETS];
    uint64_t total;
};

static inline unsigned fig_bucket_of(int64_t us)
{
    uint64_t v = us > 0 ? (uint64_t)us : 0;
    if (v < 8)
        return (unsigned)v;
    unsigned e = 63 - (unsigned)__builtin_clzll(v);
    unsigned bucket = (e - 2) * 8 + (unsigned)(v >> (e - 3) & 7);
    return bucket < FIG_BUCKETS ? bucket : FIG_BUCKETS - 1;
}

/* The middle of a bucket. */
static inline double fig_bucket_us(unsigned bucket)
{
    if (bucket < 8)
        return bucket;
    unsigned e = bucket / 8 + 2;
    return ((double)(8 + bucket % 8) + 0.5) * (double)(UINT64_C(1) << (e - 3));
}

static inline void fig_observe(struct fig_histogram *h, int64_t us)
{
    h->counts[fig_bucket_of(us)]++;
    h->total++;
}

static inline void fig_merge(struct fig_histogram *to, const struct fig_histogram *from)
{
    for (size_t i = 0; i < FIG_BUCKETS; i++)
        to->counts[i] += from->counts[i];
    to->total += from->total;
}

/* A percentile as a code that fits into 16 bits: 0 when nothing was observed, else its bucket + 1.
 */
static inline uint16_t fig_percentile(const struct fig_histogram *h, unsigned percent)
{
    uint64_t rank = (h->total * percent + 99) / 100, seen = 0;
    for (unsigned i = 0; i < FIG_BUCKETS && h->total; i++) {
        seen += h->counts[i];
        if (seen >= rank && seen > 0)
            return (uint16_t)(i + 1);
    }
    return 0;
}

#endif
