/* Moments as text (RFC 3339, the form of Go's time.RFC3339Nano) and the calendar behind them. */
#ifndef SK_BASE_TIMESTAMP_H
#define SK_BASE_TIMESTAMP_H

#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "2026-11-23T05:31:13.123456789+01:00", "...Z"; false when it is anything else or outside what
 * nanoseconds since 1970 can hold (years 1677 to 2262). */
bool sk_timestamp_parse(struct sk_str text, int64_t *ret_ns);

#define SK_TIMESTAMP_TEXT 40
/* In UTC, without trailing zeros of the fraction. Returns its length. */
size_t sk_timestamp_format(int64_t ns, char ret[static SK_TIMESTAMP_TEXT]);

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. */
int64_t sk_days_from_civil(int64_t year, int month, int day);
void sk_civil_from_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);

#endif
