/* Durations as people write them: "1h30m", "300ms", "1.5s", "-2h", and with days "7d12h". */
#ifndef SK_BASE_DURATION_H
#define SK_BASE_DURATION_H

#include "base/str.h"
#include <stdbool.h>
#include <stdint.h>

/* Go's syntax: an optional sign, then one or more decimal numbers, each with a unit of ns, us (or
 * µs), ms, s, m, h, and d when days is true; "0" alone is fine. false when text is anything else or
 * does not fit in 64 bits of nanoseconds. */
bool sk_duration_parse(struct sk_str text, bool days, int64_t *ret_ns);

#endif
