/*
 * Values as people write them in options: durations, sizes, counts; and how far apart two names
 * are, for "did you mean". Pure functions, any thread.
 *
 * Every parser takes the whole text or nothing, and refuses what would overflow.
 */
#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool sk_value_count(const char *text, int64_t max, int64_t *ret)
{
    int64_t value = 0;
    if (*text == '\0')
        return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        int digit = *p - '0';
        if (value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

bool sk_value_real(const char *text, double *ret)
{
    char *end;
    if (!((*text >= '0' && *text <= '9') || *text == '.'))
        return false;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || *end != '\0' || !isfinite(value) || value < 0)
        return false;
    *ret = value;
    return true;
}

/* One unit's multiplier; the longest match goes first. */
struct unit {
    const char *name;
    double factor;
};

static const struct unit time_units[] = {
    {"ms", 1},    {"us", 0.001},  {"ns", 0.000001}, {"s", 1000},
    {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

static const struct unit size_units[] = {
    {"", 1},          {"B", 1},          {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824},
    {"kB", 1000},     {"KB", 1000},      {"MB", 1e6},   {"GB", 1e9},      {"K", 1024},
    {"M", 1048576.0}, {"G", 1073741824},
};

/* "1m30s": numbers each followed by a unit. */
bool sk_value_duration(const char *text, int64_t *ret_ms)
{
    double total = 0;
    const char *p = text;
    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return true;
    }
    do {
        char *end;
        if (!(*p >= '0' && *p <= '9'))
            return false;
        double value = strtod(p, &end);
        const struct unit *unit = NULL;
        for (size_t i = 0; i < sizeof(time_units) / sizeof(time_units[0]) && !unit; i++)
            if (strncmp(end, time_units[i].name, strlen(time_units[i].name)) == 0)
                unit = &time_units[i];
        if (!unit)
            return false;
        total += value * unit->factor;
        p = end + strlen(unit->name);
    } while (*p);
    if (!isfinite(total) || total > 1e15)
        return false;
    *ret_ms = (int64_t)total;
    return true;
}

bool sk_value_size(const char *text, int64_t *ret_bytes)
{
    char *end;
    if (!(*text >= '0' && *text <= '9'))
        return false;
    double value = strtod(text, &end);
    for (size_t i = 0; i < sizeof(size_units) / sizeof(size_units[0]); i++) {
        if (strcmp(end, size_units[i].name) != 0)
            continue;
        value *= size_units[i].factor;
        if (!isfinite(value) || value > 1e15)
            return false;
        *ret_bytes = (int64_t)value;
        return true;
    }
    return false;
}
