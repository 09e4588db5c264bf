/*
 * Moments as text. The calendar arithmetic counts in eras of 400 years, in which it repeats exactly
 * (146,097 days), with years that begin in March so that the leap day comes last; no table and no
 * loop.
 *
 * Thread: any; no state. The C library's functions are not used: they depend on the locale and on
 * the process's one time zone.
 */
#include "base/timestamp.h"

#include <ctype.h>
#include <stdio.h>

#define NS 1000000000

int64_t sk_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void sk_civil_from_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    *ret_day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

/* Exactly `digits` digits with a value of min to max. */
static bool take(struct sk_str *s, int digits, int min, int max, int *ret)
{
    int value = 0;
    if (s->n < (size_t)digits)
        return false;
    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)s->p[i]))
            return false;
        value = value * 10 + (s->p[i] - '0');
    }
    s->p += digits;
    s->n -= (size_t)digits;
    *ret = value;
    return value >= min && value <= max;
}

static bool take_char(struct sk_str *s, char c)
{
    if (!s->n || *s->p != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

static bool take_fraction(struct sk_str *s, int64_t *ret_ns)
{
    int64_t ns = 0, unit = NS / 10;
    *ret_ns = 0;
    if (!take_char(s, '.'))
        return true;
    if (!s->n || !isdigit((unsigned char)*s->p))
        return false;
    for (; s->n && isdigit((unsigned char)*s->p); s->p++, s->n--, unit /= 10)
        ns += (*s->p - '0') * unit;
    *ret_ns = ns;
    return true;
}

static bool take_zone(struct sk_str *s, int *ret_s)
{
    int hour, minute;
    *ret_s = 0;
    if (take_char(s, 'Z'))
        return true;
    bool west = take_char(s, '-');
    if (!west && !take_char(s, '+'))
        return false;
    if (!take(s, 2, 0, 23, &hour) || !take_char(s, ':') || !take(s, 2, 0, 59, &minute))
        return false;
    *ret_s = (hour * 60 + minute) * (west ? -60 : 60);
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool sk_timestamp_parse(struct sk_str text, int64_t *ret_ns)
{
    struct sk_str s = text;
    int year, month, day, hour, minute, second, zone;
    int64_t fraction, ns;
    if (!take(&s, 4, 0, 9999, &year) || !take_char(&s, '-') || !take(&s, 2, 1, 12, &month) ||
        !take_char(&s, '-') || !take(&s, 2, 1, days_in(year, month), &day) || !take_char(&s, 'T') ||
        !take(&s, 2, 0, 23, &hour) || !take_char(&s, ':') || !take(&s, 2, 0, 59, &minute) ||
        !take_char(&s, ':') || !take(&s, 2, 0, 59, &second) || !take_fraction(&s, &fraction) ||
        !take_zone(&s, &zone) || s.n)
        return false;
    int64_t at =
        sk_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
    if (__builtin_mul_overflow(at, NS, &ns) || __builtin_add_overflow(ns, fraction, &ns))
        return false;
    *ret_ns = ns;
    return true;
}

size_t sk_timestamp_format(int64_t ns, char ret[static SK_TIMESTAMP_TEXT])
{
    int64_t at = ns / NS, fraction = ns % NS, year;
    int month, day;
    if (fraction < 0) {
        fraction += NS;
        at--;
    }
    int64_t days = (at >= 0 ? at : at - 86399) / 86400;
    int of_day = (int)(at - days * 86400);
    sk_civil_from_days(days, &year, &month, &day);
    int n = snprintf(ret, SK_TIMESTAMP_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%09d", (int)year, month,
                     day, of_day / 3600, of_day / 60 % 60, of_day % 60, (int)fraction);
    while (ret[n - 1] == '0')
        n--;
    if (ret[n - 1] == '.')
        n--;
    ret[n++] = 'Z';
    ret[n] = '\0';
    return (size_t)n;
}
