/*
 * A histogram of times that keeps three digits or so whatever their size: buckets double, and
 * each doubling is cut into equal parts, so a value is off by less than 1/SUB. Fixed memory, one
 * thread.
 */
#ifndef SK_CLI_HISTOGRAM_H
#define SK_CLI_HISTOGRAM_H

#include <stdint.h>

#define SK_HISTOGRAM_SUB_BITS 6 /* 64 parts a doubling: off by at most 1.6 % */
#define SK_HISTOGRAM_SUB (1 << SK_HISTOGRAM_SUB_BITS)
#define SK_HISTOGRAM_DOUBLINGS 34 /* up to 2^39 us, six days */
#define SK_HISTOGRAM_BUCKETS (SK_HISTOGRAM_DOUBLINGS * SK_HISTOGRAM_SUB)

struct sk_histogram {
    uint64_t counts[SK_HISTOGRAM_BUCKETS];
    uint64_t count;
    int64_t sum, max, min;
};

void sk_histogram_clear(struct sk_histogram *histogram);
void sk_histogram_add(struct sk_histogram *histogram, int64_t value); /* below 0 counts as 0 */
/* The value that q (0..1) of all values do not pass; 0 when there is none. */
int64_t sk_histogram_at(const struct sk_histogram *histogram, double q);

#endif
