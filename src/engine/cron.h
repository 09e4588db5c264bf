/*
 * Cron schedules as Temporal reads them: five fields (minute hour day-of-month month day-of-week;
 * lists, ranges, steps, names, "?"), an optional prefix CRON_TZ=Zone or TZ=Zone, the words @yearly
 * @annually @monthly @weekly @daily @midnight @hourly, and "@every <Go duration>".
 *
 * Pure functions: no clock, no state but a cache of time zones read from /usr/share/zoneinfo (or
 * $ZONEINFO); any thread.
 */
#ifndef SK_ENGINE_CRON_H
#define SK_ENGINE_CRON_H

#include <stdint.h>
#include "base/ctx.h"

/* An empty or NULL schedule is fine (none). INVALID_ARGUMENT "Invalid CronSchedule." with what is
 * wrong and where. */
sk_err sk_cron_validate(struct sk_ctx *ctx, const char *schedule) SK_MUST_USE;

/* The first moment strictly after after_wall_ms (whole seconds count) at which the schedule fires:
 * milliseconds since 1970. 0 when it never fires again, is empty or is not valid. */
int64_t sk_cron_next_ms(const char *schedule, int64_t after_wall_ms);

/* When the run after a close is due, as Temporal counts it: the first firing at or after close_ms
 * in the chain of firings that begins at start_ms, which is when the closing run began to execute
 * (after its own backoff); with @every these are start_ms + n * interval. A start later than the
 * close is itself the answer. 0 as above. */
int64_t sk_cron_next_run_ms(const char *schedule, int64_t start_ms, int64_t close_ms);

#endif
