/*
 * The scalar forms of proto3 JSON that take more than a printf: base64 and RFC 3339 times.
 *
 * Dates are computed with the proleptic Gregorian calendar (days from 1970-03-01 in eras of 400
 * years), not with the C library, whose functions consult time zones. Any thread; no state.
 */
#include "wire/json.h"

#include <stdio.h>

// ---- base64 ----

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void sk_wire_base64_append(struct sk_buf *out, struct sk_str bytes)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    char *to = sk_buf_reserve(out, (bytes.n + 2) / 3 * 4 + 1);
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t v = (uint32_t)p[i] << 16;
        v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        v |= left > 2 ? p[i + 2] : 0;
        *to++ = base64_digits[v >> 18];
        *to++ = base64_digits[v >> 12 & 63];
        *to++ = left > 1 ? base64_digits[v >> 6 & 63] : '=';
        *to++ = left > 2 ? base64_digits[v & 63] : '=';
    }
    out->n = (size_t)(to - out->p);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool sk_wire_base64_read(struct sk_arena *arena, struct sk_str text, struct sk_str *ret)
{
    size_t n = text.n, written = 0;
    for (int i = 0; i < 2 && n > 0 && text.p[n - 1] == '='; i++)
        n--;
    if (n % 4 == 1 || (n != text.n && text.n % 4 != 0))
        return false;
    uint8_t *bytes = sk_arena_alloc(arena, n / 4 * 3 + 3);
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = base64_value(text.p[i]);
        if (digit < 0)
            return false;
        v = v << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            bytes[written++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
    }
    *ret = (struct sk_str){(const char *)bytes, written};
    return true;
}

// ---- times ----

/* Days since 1970-01-01 of a date. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void date_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t d = days - era * 146097;
    int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
    int64_t day_of_year = d - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
    *ret_month = (int)(m < 10 ? m + 3 : m - 9);
    *ret_year = y + era * 400 + (*ret_month <= 2);
}

void sk_wire_time_format(int64_t seconds, int32_t nanos, char ret[static SK_WIRE_TIME_TEXT])
{
    int64_t days = seconds / 86400, rest = seconds % 86400, year;
    int month, day;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    date_of(days, &year, &month, &day);
    int n = snprintf(ret, SK_WIRE_TIME_TEXT, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)year,
                     month, day, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
    char *p = ret + n;
    size_t left = SK_WIRE_TIME_TEXT - (size_t)n;
    if (nanos == 0)
        snprintf(p, left, "Z");
    else if (nanos % 1000000 == 0)
        snprintf(p, left, ".%03dZ", nanos / 1000000);
    else if (nanos % 1000 == 0)
        snprintf(p, left, ".%06dZ", nanos / 1000);
    else
        snprintf(p, left, ".%09dZ", nanos);
}

/* Exactly `digits` decimal digits. */
static bool read_digits(struct sk_str *text, int digits, int *ret)
{
    int value = 0;
    if (text->n < (size_t)digits)
        return false;
    for (int i = 0; i < digits; i++) {
        if (text->p[i] < '0' || text->p[i] > '9')
            return false;
        value = value * 10 + (text->p[i] - '0');
    }
    text->p += digits;
    text->n -= (size_t)digits;
    *ret = value;
    return true;
}

static bool read_char(struct sk_str *text, const char *any_of)
{
    if (text->n == 0 || !text->p[0] || !strchr(any_of, text->p[0]))
        return false;
    text->p++;
    text->n--;
    return true;
}

static bool read_fraction(struct sk_str *text, int32_t *ret_nanos)
{
    int32_t nanos = 0, unit = 100000000;
    size_t digits = 0;
    while (text->n > 0 && text->p[0] >= '0' && text->p[0] <= '9') {
        if (++digits > 9)
            return false;
        nanos += unit * (text->p[0] - '0');
        unit /= 10;
        text->p++;
        text->n--;
    }
    *ret_nanos = nanos;
    return digits > 0;
}

static bool read_offset(struct sk_str *text, int *ret_seconds)
{
    int hours, minutes;
    *ret_seconds = 0;
    if (read_char(text, "Zz"))
        return text->n == 0;
    int sign = text->n > 0 && text->p[0] == '-' ? -1 : 1;
    if (!read_char(text, "+-") || !read_digits(text, 2, &hours) || !read_char(text, ":") ||
        !read_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return text->n == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool sk_wire_time_parse(struct sk_str text, int64_t *ret_seconds, int32_t *ret_nanos)
{
    int year, month, day, hour, minute, second, offset;
    int32_t nanos = 0;
    if (!read_digits(&text, 4, &year) || !read_char(&text, "-") || !read_digits(&text, 2, &month) ||
        !read_char(&text, "-") || !read_digits(&text, 2, &day) || !read_char(&text, "Tt ") ||
        !read_digits(&text, 2, &hour) || !read_char(&text, ":") ||
        !read_digits(&text, 2, &minute) || !read_char(&text, ":") ||
        !read_digits(&text, 2, &second))
        return false;
    if (read_char(&text, ".") && !read_fraction(&text, &nanos))
        return false;
    if (!read_offset(&text, &offset) || year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59)
        return false;
    *ret_seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    *ret_nanos = nanos;
    return true;
}
