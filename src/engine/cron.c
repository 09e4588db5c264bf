/*
 * Cron schedules. A schedule is either five sets of numbers, each a bit mask, in a time zone, or a
 * constant interval. The next firing is found by walking forward in absolute time: a day, an hour
 * or a minute at a time, whatever does not match, looking at the local clock of each stop. So a
 * local time that a clock change skips does not fire that day, and one that it repeats fires twice;
 * both as Temporal's schedules do.
 *
 * Rules of the five fields: "*" and "?" are everything; a-b is a range, x/n a step from x on,
 * commas join; months and weekdays have three-letter names; Sunday is 0 only. When both day fields
 * are restricted a day that matches either fires; otherwise both must match.
 *
 * The walk gives up five years ahead (30 February): at most some 2,000 days, and within a matching
 * day 24 hours and 60 minutes, so a hostile schedule costs microseconds.
 *
 * Thread: any. Failure: INVALID_ARGUMENT with the field and what was expected.
 */
#include "engine/cron.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/duration.h"
#include "base/str.h"
#include "engine/timezone.h"

#define SPEC_BYTES_MAX 1000
#define STAR_BIT (UINT64_C(1) << 63)
#define YEARS_AHEAD 5
#define REASON_BYTES 160

struct spec {
    const struct sk_timezone *zone;
    int64_t every_s; /* > 0: a constant interval, the rest is unused */
    uint64_t minute, hour, day, month, weekday;
};

struct field {
    const char *what;
    int min, max;
    const char *names; /* three letters each, the first is min; or NULL */
};

static const struct field fields[5] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of month", 1, 31, NULL},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of week", 0, 6, "sunmontuewedthufrisat"},
};

/* Why a schedule is wrong. */
struct reason {
    char text[REASON_BYTES];
};

static bool wrong(struct reason *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct reason *why, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, args);
    va_end(args);
    return false;
}

/* ---- parsing ---- */

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static struct sk_str trim(struct sk_str s)
{
    while (s.n && space(*s.p))
        s.p++, s.n--;
    while (s.n && space(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* The part before c; *s becomes what follows it. true when there was a c. */
static bool cut(struct sk_str *s, char c, struct sk_str *ret)
{
    const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
    ret->p = s->p;
    ret->n = at ? (size_t)(at - s->p) : s->n;
    size_t used = ret->n + (at != NULL);
    s->p += used;
    s->n -= used;
    return at != NULL;
}

static bool number(const struct field *f, struct sk_str s, bool name_allowed, int *ret,
                   struct reason *why)
{
    if (name_allowed && f->names && s.n == 3)
        for (int i = 0; f->names[i * 3]; i++)
            if (sk_str_ieq(s, (struct sk_str){f->names + i * 3, 3})) {
                *ret = f->min + i;
                return true;
            }
    int value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!isdigit((unsigned char)s.p[i]) || value > 100000)
            return wrong(why, "%s: expected a number, found \"%.*s\"", f->what,
                         s.n < 40 ? (int)s.n : 40, s.p);
        value = value * 10 + (s.p[i] - '0');
    }
    if (s.n == 0)
        return wrong(why, "%s: a number is missing", f->what);
    *ret = value;
    return true;
}

struct range {
    int low, high, step;
    bool star;
};

static bool bounds(const struct field *f, struct sk_str s, struct range *r, bool *ret_single,
                   struct reason *why)
{
    struct sk_str low, high;
    bool two = cut(&s, '-', &low);
    *ret_single = !two;
    if (sk_str_eq(low, SK_STR("*")) || sk_str_eq(low, SK_STR("?"))) {
        *r = (struct range){f->min, f->max, 1, true};
        return true;
    }
    if (!number(f, low, true, &r->low, why))
        return false;
    r->high = r->low;
    if (!two)
        return true;
    if (cut(&s, '-', &high))
        return wrong(why, "%s: too many hyphens", f->what);
    return number(f, high, true, &r->high, why);
}

static bool range_bits(const struct field *f, struct sk_str s, uint64_t *bits, struct reason *why)
{
    struct sk_str main_part, step;
    struct range r = {0, 0, 1, false};
    bool single;
    bool stepped = cut(&s, '/', &main_part);
    if (!bounds(f, main_part, &r, &single, why))
        return false;
    if (stepped) {
        if (cut(&s, '/', &step))
            return wrong(why, "%s: too many slashes", f->what);
        if (!number(f, step, false, &r.step, why))
            return false;
        if (single)
            r.high = f->max;
        if (r.step > 1)
            r.star = false;
    }
    if (r.low < f->min || r.high > f->max)
        return wrong(why, "%s: %d is out of range %d to %d", f->what,
                     r.low < f->min ? r.low : r.high, f->min, f->max);
    if (r.low > r.high)
        return wrong(why, "%s: range %d-%d runs backwards", f->what, r.low, r.high);
    if (r.step == 0)
        return wrong(why, "%s: step of zero", f->what);
    for (int i = r.low; i <= r.high; i += r.step)
        *bits |= UINT64_C(1) << i;
    if (r.star)
        *bits |= STAR_BIT;
    return true;
}

static bool field_bits(const struct field *f, struct sk_str s, uint64_t *ret, struct reason *why)
{
    *ret = 0;
    while (s.n) {
        struct sk_str part;
        cut(&s, ',', &part);
        if (part.n && !range_bits(f, part, ret, why))
            return false;
    }
    return *ret != 0 || wrong(why, "%s: empty", f->what);
}

static bool parse_fields(struct sk_str s, struct spec *ret, struct reason *why)
{
    uint64_t *const to[5] = {&ret->minute, &ret->hour, &ret->day, &ret->month, &ret->weekday};
    int count = 0;
    for (s = trim(s); s.n; s = trim(s)) {
        struct sk_str part = {s.p, 0};
        while (part.n < s.n && !space(s.p[part.n]))
            part.n++;
        s.p += part.n;
        s.n -= part.n;
        if (count < 5 && !field_bits(&fields[count], part, to[count], why))
            return false;
        count++;
    }
    return count == 5 ||
           wrong(why, "expected 5 fields (minute hour day month weekday), found %d", count);
}

static bool parse_word(struct sk_str s, struct spec *ret, struct reason *why)
{
    static const struct {
        const char *word, *spec;
    } words[] = {
        {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
        {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
        {"@hourly", "0 * * * *"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sk_str_eq(s, sk_str_of(words[i].word)))
            return parse_fields(sk_str_of(words[i].spec), ret, why);
    if (!sk_str_starts(s, SK_STR("@every ")))
        return wrong(why, "unknown word; expected @every, @hourly, @daily, @weekly, @monthly or "
                          "@yearly");
    int64_t ns;
    if (!sk_duration_parse((struct sk_str){s.p + 7, s.n - 7}, false, &ns))
        return wrong(why, "@every: expected a duration such as 1h30m");
    ret->every_s = ns < 1000000000 ? 1 : ns / 1000000000;
    return true;
}

static bool parse(const char *schedule, struct spec *ret, struct reason *why)
{
    *ret = (struct spec){.zone = sk_timezone_find(SK_STR(""))};
    struct sk_str s = sk_str_of(schedule);
    if (s.n > SPEC_BYTES_MAX)
        return wrong(why, "longer than %d bytes", SPEC_BYTES_MAX);
    if (sk_str_starts(s, SK_STR("TZ=")) || sk_str_starts(s, SK_STR("CRON_TZ="))) {
        struct sk_str before, name;
        cut(&s, '=', &before);
        cut(&s, ' ', &name);
        ret->zone = sk_timezone_find(name);
        if (!ret->zone)
            return wrong(why, "unknown time zone \"%.*s\"", name.n > 64 ? 64 : (int)name.n, name.p);
        s = trim(s);
    }
    if (s.n && *s.p == '@')
        return parse_word(s, ret, why);
    return parse_fields(s, ret, why);
}

/* ---- the next firing ---- */

struct local {
    int64_t days; /* since 1970 */
    int hour, minute, second;
};

static struct local local_of(const struct sk_timezone *zone, int64_t utc_s)
{
    int64_t s = utc_s + sk_timezone_offset(zone, utc_s);
    int64_t days = (s >= 0 ? s : s - 86399) / 86400;
    int of_day = (int)(s - days * 86400);
    return (struct local){days, of_day / 3600, of_day / 60 % 60, of_day % 60};
}

static bool has(uint64_t bits, int i)
{
    return (bits & UINT64_C(1) << i) != 0;
}

static bool day_matches(const struct spec *spec, int64_t days)
{
    int64_t year;
    int month, day;
    sk_civil_from_days(days, &year, &month, &day);
    if (!has(spec->month, month))
        return false;
    bool by_day = has(spec->day, day), by_weekday = has(spec->weekday, (int)((days % 7 + 11) % 7));
    if ((spec->day | spec->weekday) & STAR_BIT)
        return by_day && by_weekday;
    return by_day || by_weekday;
}

/* The first moment of the local day after the one at t, also where a clock change makes a day
 * longer or shorter. */
static int64_t next_day(const struct spec *spec, int64_t t, struct local at)
{
    int64_t next = t + 86400 - (at.hour * 3600 + at.minute * 60 + at.second);
    struct local there = local_of(spec->zone, next);
    if (there.days <= at.days) // a long day: its last hour
        return next;
    int64_t back = next - (there.hour * 3600 + there.minute * 60);
    return local_of(spec->zone, back).days == there.days ? back : next;
}

static int64_t next_firing(const struct spec *spec, int64_t after_s)
{
    int64_t t = after_s + 1;
    struct local at = local_of(spec->zone, t);
    int64_t last_day = at.days + YEARS_AHEAD * 366;
    if (at.second)
        t += 60 - at.second;
    for (;;) {
        at = local_of(spec->zone, t);
        if (at.days > last_day)
            return 0;
        if (!day_matches(spec, at.days))
            t = next_day(spec, t, at);
        else if (!has(spec->hour, at.hour))
            t += 3600 - (at.minute * 60 + at.second);
        else if (!has(spec->minute, at.minute))
            t += 60 - at.second;
        else
            return t;
    }
}

static int64_t floor_s(int64_t ms)
{
    return (ms >= 0 ? ms : ms - 999) / 1000;
}

int64_t sk_cron_next_ms(const char *schedule, int64_t after_wall_ms)
{
    struct spec spec;
    struct reason why;
    if (!schedule || !*schedule || !parse(schedule, &spec, &why))
        return 0;
    if (spec.every_s > 0)
        return (floor_s(after_wall_ms) + spec.every_s) * 1000;
    return next_firing(&spec, floor_s(after_wall_ms)) * 1000;
}

int64_t sk_cron_next_run_ms(const char *schedule, int64_t start_ms, int64_t close_ms)
{
    struct spec spec;
    struct reason why;
    if (!schedule || !*schedule || !parse(schedule, &spec, &why))
        return 0;
    if (close_ms < start_ms)
        return start_ms;
    int64_t start = floor_s(start_ms), close = floor_s(close_ms - 1) + 1; // rounded up
    if (spec.every_s > 0) {
        int64_t n = (close - start + spec.every_s - 1) / spec.every_s;
        return (start + (n > 1 ? n : 1) * spec.every_s) * 1000;
    }
    return next_firing(&spec, start > close - 1 ? start : close - 1) * 1000;
}

sk_err sk_cron_validate(struct sk_ctx *ctx, const char *schedule)
{
    struct spec spec;
    struct reason why;
    if (!schedule || !*schedule)
        return SK_OK;
    if (!parse(schedule, &spec, &why))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "invalid CronSchedule. (%s)", why.text);
    // any start will do: what has no firing in five years has none
    if (spec.every_s == 0 && next_firing(&spec, 1704067200) == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "invalid CronSchedule, no time can be found to satisfy the schedule");
    return SK_OK;
}
