/*
 * Options: the parser of flags, environment and file over the table in options.def.
 *
 * Owns: the table and the values of one invocation (struct sk_options, in the context's arena).
 * Invariants: (1) a value is checked against its type when it is set, whoever set it, so readers
 * never fail; (2) a source never overrides a stronger one; (3) an unknown name is never ignored.
 * Thread: the main thread, before the loops run. Failure: INVALID_ARGUMENT with one sentence that
 * names the flag, variable or file and line, and what would be right.
 */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>
#include "base/assert.h"
#include "cli/options_internal.h"

#define FILE_MAX (1024 * 1024) /* bytes of a configuration file */
#define NAME_SIZE 64
#define ITEMS_MAX 1000 /* values of one list */

static const struct sk_option table[SK_OPT_COUNT] = {
#define START SK_CMD_START
#define DEV SK_CMD_DEV
#define DEMO SK_CMD_DEMO
#define BENCH SK_CMD_BENCH
#define HEALTH SK_CMD_HEALTH
#define CLIENT SK_CMD_CLIENT
#define COMPAT SK_CMD_COMPAT
#define SK_OPTION(id, name, letter, type, commands, def, arg, help) \
    {name, letter, SK_OPTION_##type, commands, def, arg, help},
#include "cli/options.def"
#undef SK_OPTION
#undef START
#undef DEV
#undef DEMO
#undef BENCH
#undef HEALTH
#undef CLIENT
#undef COMPAT
};

struct value {
    const char **items; /* NULL-ended; never NULL once parsed */
    size_t count;
    int64_t number;
    double real;
    enum sk_option_source source;
};

struct sk_options {
    enum sk_option_command command;
    bool help;
    struct value values[SK_OPT_COUNT];
};

const struct sk_option *sk_option_get(enum sk_option_id id)
{
    SK_ASSERT(id < SK_OPT_COUNT);
    return &table[id];
}

const struct sk_option *sk_option_find(enum sk_option_command command, struct sk_str name)
{
    for (int i = 0; i < SK_OPT_COUNT; i++)
        if ((table[i].commands & command) && sk_str_eq(sk_str_of(table[i].name), name))
            return &table[i];
    return NULL;
}

static const struct sk_option *find_letter(enum sk_option_command command, char letter)
{
    for (int i = 0; i < SK_OPT_COUNT; i++)
        if ((table[i].commands & command) && table[i].letter == letter)
            return &table[i];
    return NULL;
}

void sk_option_env_name(const struct sk_option *option, char *ret, size_t size)
{
    snprintf(ret, size, "SKALD_%s", option->name);
    for (char *p = ret; *p; p++)
        *p = *p == '-' ? '_' : (*p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p);
}

void sk_option_key(const struct sk_option *option, char *ret, size_t size)
{
    snprintf(ret, size, "%s", option->name);
    for (char *p = ret; *p; p++)
        if (*p == '-')
            *p = '_';
}

/* The known name nearest to a wrong one, or NULL when none is near enough to be meant. */
static const struct sk_option *nearest(enum sk_option_command command, struct sk_str name,
                                       void (*spell)(const struct sk_option *, char *, size_t))
{
    const struct sk_option *best = NULL;
    int best_distance = 2 + (int)name.n / 4;
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        char known[NAME_SIZE];
        if (!(table[i].commands & command) || (table[i].commands & SK_CMD_COMPAT))
            continue;
        spell(&table[i], known, sizeof(known));
        int distance = sk_edit_distance(name, sk_str_of(known));
        if (distance < best_distance) {
            best = &table[i];
            best_distance = distance;
        }
    }
    return best;
}

static void spell_flag(const struct sk_option *option, char *ret, size_t size)
{
    snprintf(ret, size, "%s", option->name);
}

/* "; did you mean X?" or nothing, in the arena. */
static const char *suggestion(struct sk_ctx *ctx, enum sk_option_command command,
                              struct sk_str name, const char *prefix,
                              void (*spell)(const struct sk_option *, char *, size_t))
{
    char known[NAME_SIZE];
    const struct sk_option *option = nearest(command, name, spell);
    if (!option)
        return "";
    spell(option, known, sizeof(known));
    return sk_arena_printf(ctx->arena, "; did you mean %s%s?", prefix, known);
}

static bool is_choice(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (const char *p = choices; n > 0 && p;) {
        const char *bar = strchr(p, '|');
        size_t len = bar ? (size_t)(bar - p) : strlen(p);
        if (len == n && memcmp(p, text, n) == 0)
            return true;
        p = bar ? bar + 1 : NULL;
    }
    return false;
}

static bool parse_flag(const char *text, int64_t *ret)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no",
                                                                                "off", "0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *ret = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

/* What a type wants, for errors. */
static const char *wanted(const struct sk_option *option)
{
    switch (option->type) {
    case SK_OPTION_FLAG:
        return "true or false";
    case SK_OPTION_COUNT:
        return "a whole number, 0 or more";
    case SK_OPTION_PORT:
        return "a port, 0 to 65535";
    case SK_OPTION_REAL:
        return "a number, 0 or more";
    case SK_OPTION_SIZE:
        return "a size such as 4096, 64KiB or 2MB";
    case SK_OPTION_DURATION:
        return "a time such as 500ms, 5s or 1m30s";
    case SK_OPTION_CHOICE:
        return option->arg;
    case SK_OPTION_TEXT:
    case SK_OPTION_LIST:
        break;
    }
    return "text";
}

static bool parse_value(const struct sk_option *option, const char *text, struct value *v)
{
    switch (option->type) {
    case SK_OPTION_TEXT:
    case SK_OPTION_LIST:
        return true;
    case SK_OPTION_FLAG:
        return parse_flag(text, &v->number);
    case SK_OPTION_COUNT:
        return sk_value_count(text, INT32_MAX, &v->number);
    case SK_OPTION_PORT:
        return sk_value_count(text, 65535, &v->number);
    case SK_OPTION_REAL:
        return sk_value_real(text, &v->real);
    case SK_OPTION_SIZE:
        return sk_value_size(text, &v->number);
    case SK_OPTION_DURATION:
        return sk_value_duration(text, &v->number);
    case SK_OPTION_CHOICE:
        return is_choice(option->arg, text);
    }
    return false;
}

static void append_item(struct sk_ctx *ctx, struct value *v, const char *text)
{
    const char **items = SK_NEW_N(ctx->arena, const char *, v->count + 2);
    for (size_t i = 0; i < v->count; i++)
        items[i] = v->items[i];
    items[v->count++] = text;
    v->items = items;
}

sk_err sk_options_set(struct sk_ctx *ctx, struct sk_options *o, const struct sk_option *option,
                      enum sk_option_source source, const char *text, const char *origin)
{
    struct value *v = &o->values[option - table];
    if (v->source > source)
        return SK_OK;
    if (!sk_utf8_valid(text, strlen(text)))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s: the value is not UTF-8", origin);
    if (!parse_value(option, text, v))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s: \"%s\" is not %s%s", origin, text,
                       option->type == SK_OPTION_CHOICE ? "one of " : "", wanted(option));
    if (v->source != source || option->type != SK_OPTION_LIST)
        v->count = 0;
    if (v->count >= ITEMS_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s: more than %d values", origin, ITEMS_MAX);
    v->source = source;
    append_item(ctx, v, sk_arena_strdup(ctx->arena, text));
    return SK_OK;
}

static void set_defaults(struct sk_ctx *ctx, struct sk_options *o)
{
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        struct value *v = &o->values[i];
        bool ok = true;
        v->items = SK_NEW_N(ctx->arena, const char *, 1);
        if (table[i].type == SK_OPTION_LIST && table[i].def[0] == '\0')
            continue;
        ok = parse_value(&table[i], table[i].def, v);
        SK_ASSERT(ok); // the table's own default
        append_item(ctx, v, table[i].def);
    }
}

/* ---- flags ---- */

static sk_err unknown_flag(struct sk_ctx *ctx, const struct sk_options *o, const char *arg)
{
    struct sk_str name = sk_str_of(arg + strspn(arg, "-"));
    const char *equals = memchr(name.p, '=', name.n);
    if (equals)
        name.n = (size_t)(equals - name.p);
    return sk_fail(ctx, SK_INVALID_ARGUMENT, "unknown flag %s%s", arg,
                   suggestion(ctx, o->command, name, "--", spell_flag));
}

/* Split "--name=value", "-n=value", "-nvalue"; *ret_value NULL when the value is not attached. */
static const struct sk_option *split_flag(const struct sk_options *o, const char *arg,
                                          const char **ret_value)
{
    *ret_value = NULL;
    if (arg[1] != '-') {
        const struct sk_option *option = arg[1] ? find_letter(o->command, arg[1]) : NULL;
        if (option && arg[2])
            *ret_value = arg + (arg[2] == '=' ? 3 : 2);
        return option;
    }
    const char *equals = strchr(arg, '=');
    struct sk_str name = {arg + 2, equals ? (size_t)(equals - arg - 2) : strlen(arg + 2)};
    if (equals)
        *ret_value = equals + 1;
    return sk_option_find(o->command, name);
}

static sk_err parse_flags(struct sk_ctx *ctx, struct sk_options *o, int argc,
                          const char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i], *value;
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            o->help = true;
            continue;
        }
        if (arg[0] != '-' || arg[1] == '\0')
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "unexpected argument \"%s\"", arg);
        const struct sk_option *option = split_flag(o, arg, &value);
        if (!option)
            return unknown_flag(ctx, o, arg);
        if (!value && option->type == SK_OPTION_FLAG)
            value = "true";
        if (!value && i + 1 >= argc)
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "--%s wants a value (%s)", option->name,
                           option->arg);
        if (!value)
            value = argv[++i];
        const char *origin = sk_arena_printf(ctx->arena, "--%s", option->name);
        sk_err err = sk_options_set(ctx, o, option, SK_FROM_FLAG, value, origin);
        if (err)
            return err;
    }
    return SK_OK;
}

/* ---- environment ---- */

static const struct sk_option *find_spelled(enum sk_option_command command, struct sk_str name,
                                            void (*spell)(const struct sk_option *, char *, size_t))
{
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        char known[NAME_SIZE];
        if (!(table[i].commands & command))
            continue;
        spell(&table[i], known, sizeof(known));
        if (sk_str_eq(sk_str_of(known), name))
            return &table[i];
    }
    return NULL;
}

/* Lists are split at commas. */
static sk_err set_env(struct sk_ctx *ctx, struct sk_options *o, const struct sk_option *option,
                      const char *name, const char *text)
{
    if (option->type != SK_OPTION_LIST)
        return sk_options_set(ctx, o, option, SK_FROM_ENV, text, name);
    while (*text) {
        size_t n = strcspn(text, ",");
        const char *item = sk_arena_strndup(ctx->arena, text, n);
        sk_err err = n ? sk_options_set(ctx, o, option, SK_FROM_ENV, item, name) : SK_OK;
        if (err)
            return err;
        text += n + (text[n] == ',');
    }
    return SK_OK;
}

/* The client commands see SKALD_ variables of the server too and pass over them. */
static bool is_known_elsewhere(struct sk_str name)
{
    return find_spelled(SK_CMD_START | SK_CMD_CLIENT, name, sk_option_env_name) != NULL;
}

static sk_err parse_env(struct sk_ctx *ctx, struct sk_options *o, const char *const *env)
{
    for (; env && *env; env++) {
        const char *equals = strchr(*env, '=');
        if (!equals || strncmp(*env, "SKALD_", 6) != 0)
            continue;
        struct sk_str name = {*env, (size_t)(equals - *env)};
        const struct sk_option *option = find_spelled(o->command, name, sk_option_env_name);
        if (!option && is_known_elsewhere(name))
            continue;
        const char *copy = sk_arena_strndup(ctx->arena, name.p, name.n);
        if (!option)
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "unknown environment variable %s%s", copy,
                           suggestion(ctx, o->command, name, "", sk_option_env_name));
        sk_err err = set_env(ctx, o, option, copy, equals + 1);
        if (err)
            return err;
    }
    return SK_OK;
}

sk_err sk_options_parse(struct sk_ctx *ctx, enum sk_option_command command, int argc,
                        const char *const *argv, const char *const *env, struct sk_options **ret)
{
    struct sk_options *o = SK_NEW(ctx->arena, struct sk_options);
    o->command = command;
    set_defaults(ctx, o);
    sk_err err = parse_flags(ctx, o, argc, argv);
    if (!err && !o->help && command != SK_CMD_DEV)
        err = parse_env(ctx, o, env);
    if (!err)
        *ret = o;
    return err;
}

/* ---- file ---- */

sk_err sk_options_set_key(struct sk_ctx *ctx, struct sk_options *o, struct sk_str key,
                          const char *text, bool in_list, const char *origin)
{
    const struct sk_option *option = find_spelled(o->command, key, sk_option_key);
    if (option == &table[SK_OPT_CONFIG])
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "%s: \"config\" names this file and cannot stand in it", origin);
    if (!option)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s: unknown key \"" SK_STR_FMT "\"%s", origin,
                       SK_STR_ARG(key), suggestion(ctx, o->command, key, "", sk_option_key));
    if (in_list && option->type != SK_OPTION_LIST)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "%s: \"" SK_STR_FMT "\" takes one value, not a list", origin,
                       SK_STR_ARG(key));
    if (!text) // an empty list
        return SK_OK;
    const char *where = sk_arena_printf(ctx->arena, "%s: " SK_STR_FMT, origin, SK_STR_ARG(key));
    return sk_options_set(ctx, o, option, SK_FROM_FILE, text, where);
}

sk_err sk_options_file(struct sk_ctx *ctx, struct sk_options *o, const char *path, bool missing_ok)
{
    struct sk_str text;
    bool missing = false;
    sk_err err = sk_cli_read_file(ctx, path, FILE_MAX, &text, &missing);
    if (err && missing && missing_ok) {
        sk_ctx_clear(ctx);
        return SK_OK;
    }
    return err ? err : sk_options_yaml(ctx, o, text, path);
}

/* ---- reading ---- */

static const struct value *value_of(const struct sk_options *o, enum sk_option_id id)
{
    SK_ASSERT(id < SK_OPT_COUNT);
    return &o->values[id];
}

enum sk_option_command sk_options_command(const struct sk_options *o)
{
    return o->command;
}

bool sk_options_help_wanted(const struct sk_options *o)
{
    return o->help;
}

bool sk_options_given(const struct sk_options *o, enum sk_option_id id)
{
    return value_of(o, id)->source != SK_FROM_DEFAULT;
}

enum sk_option_source sk_options_source(const struct sk_options *o, enum sk_option_id id)
{
    return value_of(o, id)->source;
}

const char *sk_options_text(const struct sk_options *o, enum sk_option_id id)
{
    SK_ASSERT(table[id].type != SK_OPTION_LIST);
    return value_of(o, id)->items[0];
}

int64_t sk_options_number(const struct sk_options *o, enum sk_option_id id)
{
    enum sk_option_type type = table[id].type;
    SK_ASSERT(type == SK_OPTION_COUNT || type == SK_OPTION_PORT || type == SK_OPTION_SIZE ||
              type == SK_OPTION_DURATION);
    return value_of(o, id)->number;
}

double sk_options_real(const struct sk_options *o, enum sk_option_id id)
{
    SK_ASSERT(table[id].type == SK_OPTION_REAL);
    return value_of(o, id)->real;
}

bool sk_options_flag(const struct sk_options *o, enum sk_option_id id)
{
    SK_ASSERT(table[id].type == SK_OPTION_FLAG);
    return value_of(o, id)->number != 0;
}

const char *const *sk_options_list(const struct sk_options *o, enum sk_option_id id,
                                   size_t *ret_count)
{
    SK_ASSERT(table[id].type == SK_OPTION_LIST);
    if (ret_count)
        *ret_count = value_of(o, id)->count;
    return (const char *const *)value_of(o, id)->items;
}
