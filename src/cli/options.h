/*
 * Options: flags, environment and configuration file under the same names, all from the table
 * options.def. Flags win over the environment, that over the file, that over the default. A name
 * nobody knows is an error that names the nearest known one.
 *
 * Used before the loops start, on the main thread. Everything lives in the arena of the context.
 */
#ifndef SK_CLI_OPTIONS_H
#define SK_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/ctx.h"

enum sk_option_id {
#define SK_OPTION(id, name, letter, type, commands, def, arg, help) SK_OPT_##id,
#include "cli/options.def"
#undef SK_OPTION
    SK_OPT_COUNT
};

enum sk_option_type {
    SK_OPTION_TEXT,
    SK_OPTION_LIST,     /* may be given more than once */
    SK_OPTION_FLAG,     /* true or false; a bare flag means true */
    SK_OPTION_COUNT,    /* 0 or more */
    SK_OPTION_PORT,     /* 0..65535 */
    SK_OPTION_REAL,     /* 0 or more */
    SK_OPTION_SIZE,     /* bytes: 4096, 64KiB, 2MB */
    SK_OPTION_DURATION, /* 500ms, 5s, 1m30s, 1h; number() gives milliseconds */
    SK_OPTION_CHOICE,   /* one of the words in arg, split by | */
};

enum sk_option_command { /* bits: who takes an option */
                         SK_CMD_START = 1,
                         SK_CMD_DEV = 2,
                         SK_CMD_DEMO = 4,
                         SK_CMD_BENCH = 8,
                         SK_CMD_HEALTH = 16,
                         SK_CMD_COMPAT = 32, /* taken and not used */
                         SK_CMD_CLIENT = SK_CMD_DEMO | SK_CMD_BENCH | SK_CMD_HEALTH,
};

struct sk_option {
    const char *name;
    char letter; /* 0: none */
    enum sk_option_type type;
    unsigned commands; /* bits of enum sk_option_command */
    const char *def, *arg, *help;
};

enum sk_option_source { SK_FROM_DEFAULT, SK_FROM_FILE, SK_FROM_ENV, SK_FROM_FLAG };

struct sk_options;

const struct sk_option *sk_option_get(enum sk_option_id id);

/* argv: what follows the command's name. env: NULL-ended NAME=VALUE, or NULL to read none.
 * INVALID_ARGUMENT names what is wrong and what would be right. */
sk_err sk_options_parse(struct sk_ctx *ctx, enum sk_option_command command, int argc,
                        const char *const *argv, const char *const *env,
                        struct sk_options **ret) SK_MUST_USE;
/* Fill what flags and environment left open from YAML text; origin names it in errors. */
sk_err sk_options_yaml(struct sk_ctx *ctx, struct sk_options *options, struct sk_str yaml,
                       const char *origin) SK_MUST_USE;
/* The same from a file. missing_ok: no such file is not an error. */
sk_err sk_options_file(struct sk_ctx *ctx, struct sk_options *options, const char *path,
                       bool missing_ok) SK_MUST_USE;

enum sk_option_command sk_options_command(const struct sk_options *options);
bool sk_options_help_wanted(const struct sk_options *options);
bool sk_options_given(const struct sk_options *options, enum sk_option_id id); /* not the default */
enum sk_option_source sk_options_source(const struct sk_options *options, enum sk_option_id id);
/* Borrowed from the arena. Asking with the wrong type is a bug of the caller (assert). */
const char *sk_options_text(const struct sk_options *options, enum sk_option_id id);
int64_t sk_options_number(const struct sk_options *options, enum sk_option_id id);
double sk_options_real(const struct sk_options *options, enum sk_option_id id);
bool sk_options_flag(const struct sk_options *options, enum sk_option_id id);
/* NULL-ended; count may be NULL */
const char *const *sk_options_list(const struct sk_options *options, enum sk_option_id id,
                                   size_t *ret_count);

/* The option by name that the command takes, or NULL. */
const struct sk_option *sk_option_find(enum sk_option_command command, struct sk_str name);
/* SKALD_DATA_DIR and data_dir from data-dir; ret has room for 64 bytes. */
void sk_option_env_name(const struct sk_option *option, char *ret, size_t size);
void sk_option_key(const struct sk_option *option, char *ret, size_t size);

/* ---- values (cli/values.c) ---- */
bool sk_value_duration(const char *text, int64_t *ret_ms);
bool sk_value_size(const char *text, int64_t *ret_bytes);
bool sk_value_count(const char *text, int64_t max, int64_t *ret);
bool sk_value_real(const char *text, double *ret);

/* A whole file of at most max bytes. INVALID_ARGUMENT; *reterr_missing tells that there is none. */
sk_err sk_cli_read_file(struct sk_ctx *ctx, const char *path, size_t max, struct sk_str *ret,
                        bool *reterr_missing) SK_MUST_USE;

/* ---- output (cli/help.c) ---- */
/* Set by a flag, the environment or a file, one key a line, as YAML that can be read back. */
void sk_options_print(const struct sk_options *options, struct sk_buf *out);

#endif
