/*
 * Time zones. localtime_r knows one zone a process, through an environment variable; so the few
 * facts a schedule needs (the offset at a moment) are read from the TZif files of tzdata (RFC 8536)
 * here: the table of transitions, and the POSIX rule at the file's end for moments after the last
 * transition.
 *
 * Zones are read once and kept for ever in a list that only grows at its head, so that any thread
 * may walk it without a lock; two threads that read the same zone at once keep both, which is
 * harmless. At most ZONES_MAX are kept: past that a name is refused (there are about 600).
 *
 * Bytes of a file are bounded and checked like a peer's; a name is only letters, digits and
 * "_+-/", and never leads out of the folder.
 */
#include "engine/timezone.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"
#define NAME_MAX_BYTES 64
#define FILE_MAX_BYTES 65536
#define ZONES_MAX 1024

/* The day and time of year at which a rule changes. */
struct rule_date {
    char kind; /* 'M' month.week.day, 'J' day 1..365 without 29 February, '0' day 0..365 */
    int month, week, day;
    int32_t time_s; /* local time of the change */
};

struct rule {
    bool present, dst;
    int32_t standard_s, dst_s; /* offsets */
    struct rule_date start, end;
};

struct sk_timezone {
    struct sk_timezone *next;
    char name[NAME_MAX_BYTES + 1];
    size_t count;
    int64_t *times;   /* UTC seconds, ascending */
    int32_t *offsets; /* offsets[i] holds from times[i] on */
    int32_t first_s;  /* before times[0] */
    struct rule rule; /* after the last */
};

static _Atomic(struct sk_timezone *) zones;
static atomic_int zone_count;
static struct sk_timezone utc_zone = {.name = "UTC"};

static bool leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* ---- the POSIX rule, e.g. CET-1CEST,M3.5.0,M10.5.0/3 ---- */

static bool take_char(struct sk_str *s, char c)
{
    if (!s->n || *s->p != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

static bool take_number(struct sk_str *s, int max, int *ret)
{
    int value = 0, digits = 0;
    for (; s->n && isdigit((unsigned char)*s->p) && digits < 4; digits++, s->p++, s->n--)
        value = value * 10 + (*s->p - '0');
    *ret = value;
    return digits > 0 && value <= max;
}

/* "CET" or "<+0330>" */
static bool take_name(struct sk_str *s)
{
    bool quoted = take_char(s, '<');
    size_t n = 0;
    for (; s->n && (quoted ? *s->p != '>' : isalpha((unsigned char)*s->p) != 0); s->p++, s->n--)
        n++;
    return n > 0 && (!quoted || take_char(s, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct sk_str *s, int32_t *ret)
{
    bool negative = take_char(s, '-');
    if (!negative)
        (void)take_char(s, '+');
    int h, m = 0, sec = 0;
    if (!take_number(s, 167, &h))
        return false;
    if (take_char(s, ':') && !take_number(s, 59, &m))
        return false;
    if (take_char(s, ':') && !take_number(s, 59, &sec))
        return false;
    int32_t value = h * 3600 + m * 60 + sec;
    *ret = negative ? -value : value;
    return true;
}

static bool take_date(struct sk_str *s, struct rule_date *ret)
{
    ret->time_s = 7200;
    if (take_char(s, 'M')) {
        ret->kind = 'M';
        if (!take_number(s, 12, &ret->month) || !take_char(s, '.') ||
            !take_number(s, 5, &ret->week) || !take_char(s, '.') || !take_number(s, 6, &ret->day))
            return false;
        if (ret->month < 1 || ret->week < 1)
            return false;
    } else {
        ret->kind = take_char(s, 'J') ? 'J' : '0';
        if (!take_number(s, 365, &ret->day))
            return false;
    }
    return !take_char(s, '/') || take_time(s, &ret->time_s);
}

static bool parse_rule(struct sk_str s, struct rule *ret)
{
    int32_t west;
    *ret = (struct rule){0};
    if (!take_name(&s) || !take_time(&s, &west))
        return false;
    ret->present = true;
    ret->standard_s = -west;
    if (!s.n)
        return true;
    if (!take_name(&s))
        return false;
    ret->dst = true;
    ret->dst_s = ret->standard_s + 3600;
    if (s.n && *s.p != ',') {
        if (!take_time(&s, &west))
            return false;
        ret->dst_s = -west;
    }
    return take_char(&s, ',') && take_date(&s, &ret->start) && take_char(&s, ',') &&
           take_date(&s, &ret->end) && !s.n;
}

/* Local seconds since 1970 of the change in that year. */
static int64_t date_in_year(const struct rule_date *date, int64_t year)
{
    int64_t day;
    if (date->kind == 'M') {
        int64_t first = sk_days_from_civil(year, date->month, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);
        day = first + (date->day - weekday + 7) % 7 + 7 * (date->week - 1);
        int64_t after = date->month == 12 ? sk_days_from_civil(year + 1, 1, 1)
                                          : sk_days_from_civil(year, date->month + 1, 1);
        if (day >= after)
            day -= 7;
    } else {
        day = sk_days_from_civil(year, 1, 1) + date->day;
        if (date->kind == 'J')
            day -= 1 - (leap(year) && date->day >= 60);
    }
    return day * 86400 + date->time_s;
}

static int32_t rule_offset(const struct rule *rule, int64_t utc_s)
{
    if (!rule->dst)
        return rule->standard_s;
    int64_t year;
    int month, day;
    int64_t local = utc_s + rule->standard_s;
    sk_civil_from_days((local >= 0 ? local : local - 86399) / 86400, &year, &month, &day);
    int64_t start = date_in_year(&rule->start, year) - rule->standard_s;
    int64_t end = date_in_year(&rule->end, year) - rule->dst_s;
    bool dst = start < end ? utc_s >= start && utc_s < end : utc_s >= start || utc_s < end;
    return dst ? rule->dst_s : rule->standard_s;
}

/* ---- the file ---- */

struct header {
    char version;
    uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t be32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool take_header(struct sk_str *s, struct header *ret)
{
    if (s->n < 44 || memcmp(s->p, "TZif", 4) != 0)
        return false;
    const char *p = s->p + 20;
    *ret = (struct header){s->p[4],      be32(p),      be32(p + 4), be32(p + 8),
                           be32(p + 12), be32(p + 16), be32(p + 20)};
    s->p += 44;
    s->n -= 44;
    // each count is bounded by the file, so that no sum below overflows
    return ret->isut <= FILE_MAX_BYTES && ret->isstd <= FILE_MAX_BYTES &&
           ret->leap <= FILE_MAX_BYTES && ret->time <= FILE_MAX_BYTES && ret->type >= 1 &&
           ret->type <= 256 && ret->chars <= FILE_MAX_BYTES;
}

static size_t body_size(const struct header *h, size_t time_size)
{
    return h->time * time_size + h->time + h->type * 6u + h->chars + h->leap * (time_size + 4) +
           h->isstd + h->isut;
}

static bool take_body(struct sk_str *s, const struct header *h, struct sk_timezone *zone)
{
    size_t size = body_size(h, 8);
    if (size > s->n)
        return false;
    const char *times = s->p, *indexes = times + h->time * 8u, *types = indexes + h->time;
    zone->count = h->time;
    zone->times = sk_mem_alloc((h->time + 1u) * sizeof *zone->times);
    zone->offsets = sk_mem_alloc((h->time + 1u) * sizeof *zone->offsets);
    zone->first_s = (int32_t)be32(types);
    for (size_t i = 0; i < h->time; i++) {
        size_t index = (unsigned char)indexes[i];
        zone->times[i] = (int64_t)((uint64_t)be32(times + i * 8) << 32 | be32(times + i * 8 + 4));
        if (index >= h->type || (i && zone->times[i] < zone->times[i - 1]))
            return false;
        zone->offsets[i] = (int32_t)be32(types + index * 6);
    }
    s->p += size;
    s->n -= size;
    return true;
}

static bool read_zone(struct sk_str s, struct sk_timezone *zone)
{
    struct header h;
    if (!take_header(&s, &h) || h.version < '2')
        return false;
    size_t skip = body_size(&h, 4);
    if (skip > s.n)
        return false;
    s.p += skip;
    s.n -= skip;
    if (!take_header(&s, &h) || !take_body(&s, &h, zone))
        return false;
    if (!take_char(&s, '\n'))
        return true;
    const char *end = s.n ? memchr(s.p, '\n', s.n) : NULL;
    if (!end || end == s.p)
        return true;
    return parse_rule((struct sk_str){s.p, (size_t)(end - s.p)}, &zone->rule);
}

struct sk_timezone *sk_timezone_parse(struct sk_str file)
{
    struct sk_timezone *zone = sk_mem_zalloc(sizeof *zone);
    if (read_zone(file, zone))
        return zone;
    sk_timezone_free(zone);
    return NULL;
}

void sk_timezone_free(struct sk_timezone *zone)
{
    if (!zone)
        return;
    sk_mem_free(zone->times);
    sk_mem_free(zone->offsets);
    sk_mem_free(zone);
}

int32_t sk_timezone_offset(const struct sk_timezone *zone, int64_t utc_s)
{
    if (zone->count == 0 || utc_s >= zone->times[zone->count - 1]) {
        if (zone->rule.present)
            return rule_offset(&zone->rule, utc_s);
        return zone->count ? zone->offsets[zone->count - 1] : zone->first_s;
    }
    if (utc_s < zone->times[0])
        return zone->first_s;
    size_t low = 0, high = zone->count - 1; // times[low] <= utc_s < times[high]
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return zone->offsets[low];
}

/* ---- by name ---- */

static bool name_fine(struct sk_str name)
{
    if (name.n > NAME_MAX_BYTES || !isalpha((unsigned char)name.p[0]))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]) && !strchr("_+-/", name.p[i]))
            return false;
    return true;
}

static struct sk_timezone *load(struct sk_str name)
{
    char path[sizeof ZONE_FOLDER + NAME_MAX_BYTES];
    snprintf(path, sizeof path, ZONE_FOLDER SK_STR_FMT, SK_STR_ARG(name));
    FILE *file = fopen(path, "rbe");
    if (!file)
        return NULL;
    char *bytes = sk_mem_alloc(FILE_MAX_BYTES);
    size_t n = fread(bytes, 1, FILE_MAX_BYTES, file);
    (void)fclose(file);
    struct sk_timezone *zone = sk_timezone_parse((struct sk_str){bytes, n});
    sk_mem_free(bytes);
    if (zone)
        memcpy(zone->name, name.p, name.n);
    return zone;
}

const struct sk_timezone *sk_timezone_find(struct sk_str name)
{
    if (name.n == 0 || sk_str_eq(name, SK_STR("UTC")) || sk_str_eq(name, SK_STR("Local")))
        return &utc_zone;
    if (!name_fine(name))
        return NULL;
    for (struct sk_timezone *z = atomic_load(&zones); z; z = z->next)
        if (sk_str_eq(sk_str_of(z->name), name))
            return z;
    if (atomic_load(&zone_count) >= ZONES_MAX)
        return NULL;
    struct sk_timezone *zone = load(name);
    if (!zone)
        return NULL;
    atomic_fetch_add(&zone_count, 1);
    zone->next = atomic_load(&zones);
    while (!atomic_compare_exchange_weak(&zones, &zone->next, zone))
        ;
    return zone;
}
