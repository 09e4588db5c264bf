/* Only src/engine and its tests. Time zones by IANA name, from the machine's tzdata. */
#ifndef SK_ENGINE_TIMEZONE_H
#define SK_ENGINE_TIMEZONE_H

#include <stdint.h>
#include "base/str.h"
#include "base/timestamp.h"

struct sk_timezone;

/* NULL when the name is not known or its file cannot be read. "", "UTC" and "Local" are UTC: a
 * server has no place. The zone lives as long as the process. Any thread. Reads a small file the
 * first time. */
const struct sk_timezone *sk_timezone_find(struct sk_str name);
/* Seconds to add to UTC at that moment. */
int32_t sk_timezone_offset(const struct sk_timezone *zone, int64_t utc_s);

/* For tests: a zone from the bytes of a TZif file; NULL when they are not one. Free with
 * sk_timezone_free. */
struct sk_timezone *sk_timezone_parse(struct sk_str file);
void sk_timezone_free(struct sk_timezone *zone);

#endif
