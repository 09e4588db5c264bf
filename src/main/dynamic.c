/*
 * Limits by Temporal's dynamic-config names. A name is matched without regard to case, as Temporal
 * does; the value is JSON. One table (dynamic.def) ties names to the fields of struct sk_limits.
 * A known name with a wrong value is an error; an unknown name is the caller's to report.
 */
#include <jansson.h>
#include <string.h>
#include "main/config.h"

enum kind { BYTES, COUNT, DURATION, SWITCH };

struct setting {
    const char *name;
    enum kind kind;
    size_t offset; /* in struct sk_limits: bool for SWITCH, else int64_t */
    int64_t least;
};

static const struct setting settings[] = {
#define SK_DYNAMIC(name, kind, field, least) {name, kind, offsetof(struct sk_limits, field), least},
#include "main/dynamic.def"
#undef SK_DYNAMIC
};
#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

static const struct setting *find(struct sk_str name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (sk_str_ieq(sk_str_of(settings[i].name), name))
            return &settings[i];
    return NULL;
}

static bool read_duration(const json_t *json, int64_t *ret)
{
    if (json_is_string(json))
        return sk_value_duration(json_string_value(json), ret) ||
               (sk_value_count(json_string_value(json), INT32_MAX, ret) && (*ret *= 1000, true));
    double seconds = json_number_value(json);
    if (!json_is_number(json) || seconds < 0 || seconds > INT32_MAX)
        return false;
    *ret = (int64_t)(seconds * 1000);
    return true;
}

static bool read_number(const json_t *json, int64_t *ret)
{
    if (json_is_integer(json))
        *ret = json_integer_value(json);
    else if (json_is_real(json) && json_real_value(json) >= 0 && json_real_value(json) < 9e15)
        *ret = (int64_t)json_real_value(json);
    else
        return false;
    return true;
}

static sk_err store_value(struct sk_ctx *ctx, struct sk_limits *limits, const struct setting *s,
                          const json_t *json)
{
    static const char *const wants[] = {"a number of bytes", "a number",
                                        "a time such as \"5s\" or a number of seconds",
                                        "true or false"};
    int64_t value = 0;
    char *field = (char *)limits + s->offset;
    bool ok = s->kind == SWITCH     ? json_is_boolean(json)
              : s->kind == DURATION ? read_duration(json, &value)
                                    : read_number(json, &value);
    if (!ok)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "dynamic-config value %s wants %s", s->name,
                       wants[s->kind]);
    if (s->kind == SWITCH) {
        *(bool *)field = json_is_true(json);
        return SK_OK;
    }
    if (value < s->least)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "dynamic-config value %s is %lld, below its least value %lld", s->name,
                       (long long)value, (long long)s->least);
    memcpy(field, &value, sizeof(value));
    return SK_OK;
}

sk_err sk_dynamic_set(struct sk_ctx *ctx, struct sk_limits *limits, const char *key_json,
                      bool *ret_known)
{
    const char *equals = strchr(key_json, '=');
    json_error_t problem;
    if (!equals || equals == key_json)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--dynamic-config-value: \"%s\" is not KEY=JSON",
                       key_json);
    json_t *json = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &problem);
    if (!json)
        return sk_fail(
            ctx, SK_INVALID_ARGUMENT,
            "--dynamic-config-value: the value of %.*s is not JSON (a text needs quotes): %s",
            (int)(equals - key_json), key_json, problem.text);
    const struct setting *s = find((struct sk_str){key_json, (size_t)(equals - key_json)});
    sk_err err = s ? store_value(ctx, limits, s, json) : SK_OK;
    json_decref(json);
    *ret_known = s != NULL;
    return err;
}

static void docs_value(struct sk_buf *out, const struct setting *s, const struct sk_limits *limits)
{
    const char *field = (const char *)limits + s->offset;
    int64_t value = 0;
    if (s->kind == SWITCH) {
        sk_buf_str(out, *(const bool *)field ? "true" : "false");
        return;
    }
    memcpy(&value, field, sizeof(value));
    if (s->kind == DURATION && value % 1000 == 0)
        sk_buf_printf(out, "\"%llds\"", (long long)value / 1000);
    else
        sk_buf_printf(out, s->kind == DURATION ? "\"%lldms\"" : "%lld", (long long)value);
}

void sk_dynamic_docs(struct sk_buf *out)
{
    static const char *const kinds[] = {"bytes", "count", "time", "switch"};
    struct sk_limits limits;
    sk_limits_default(&limits);
    sk_buf_str(out, "\n## Limits\n\n"
                    "`--dynamic-config-value KEY=JSON` sets a limit by the name it has in "
                    "Temporal's dynamic config. These\n"
                    "names mean something here; others are accepted and named once in the log.\n\n"
                    "| name | kind | default |\n|---|---|---|\n");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        sk_buf_printf(out, "| `%s` | %s | `", settings[i].name, kinds[settings[i].kind]);
        docs_value(out, &settings[i], &limits);
        sk_buf_str(out, "` |\n");
    }
}
