/*
 * What people read about commands and options: `--help`, the effective configuration, and the
 * reference page docs/configuration.md. All of it is made from the table of options and the table
 * of commands, so that nothing can be out of date. Pure text building; any thread.
 */
#include <stdio.h>
#include <string.h>
#include "cli/command.h"

#define HELP_COLUMN 30 /* where texts start in --help */
#define HELP_WIDTH 92
#define SPELL_SIZE 64

/* Text wrapped at words; the first line starts where the cursor is, at column. */
static void wrapped(struct sk_buf *out, const char *text, int column)
{
    int room = HELP_WIDTH - column, used = 0;
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (used > 0 && used + 1 + n > room) {
            sk_buf_printf(out, "\n%*s", column, "");
            used = 0;
        }
        sk_buf_printf(out, "%s%.*s", used > 0 ? " " : "", n, text);
        used += n + (used > 0);
        text += n;
        text += strspn(text, " ");
    }
    sk_buf_str(out, "\n");
}

/* " One of a, b, c." from "a|b|c" */
static void append_choices(struct sk_buf *text, const char *choices)
{
    sk_buf_str(text, " One of ");
    for (const char *p = choices; *p; p++)
        sk_buf_append(text, *p == '|' ? ", " : p, *p == '|' ? 2 : 1);
    sk_buf_str(text, ".");
}

static void option_help(struct sk_buf *out, const struct sk_option *option)
{
    char left[SPELL_SIZE * 2];
    char letter[8] = "    ";
    bool flag = option->type == SK_OPTION_FLAG, choice = option->type == SK_OPTION_CHOICE;
    if (option->letter)
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    snprintf(left, sizeof(left), "  %s--%s%s%s", letter, option->name, flag ? "" : " ",
             choice ? "WORD" : option->arg);
    sk_buf_printf(out, "%-*s", HELP_COLUMN, left);
    if (strlen(left) >= HELP_COLUMN)
        sk_buf_printf(out, "\n%*s", HELP_COLUMN, "");
    struct sk_buf text = SK_BUF_INIT;
    sk_buf_str(&text, option->help);
    if (choice)
        append_choices(&text, option->arg);
    if (option->type == SK_OPTION_LIST)
        sk_buf_str(&text, " May be given more than once.");
    if (*option->def && strcmp(option->def, "0") != 0 && strcmp(option->def, "false") != 0)
        sk_buf_printf(&text, " (default %s)", option->def);
    sk_buf_append(&text, "", 1);
    wrapped(out, text.p, HELP_COLUMN);
    sk_buf_fini(&text);
}

static void compat_help(struct sk_buf *out, unsigned command)
{
    struct sk_buf text = SK_BUF_INIT;
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        const struct sk_option *option = sk_option_get(i);
        if ((option->commands & command) && (option->commands & SK_CMD_COMPAT))
            sk_buf_printf(&text, "%s--%s", text.n ? ", " : "", option->name);
    }
    if (text.n > 0) {
        sk_buf_append(&text, "", 1);
        sk_buf_str(out, "\nAccepted and without effect:\n  ");
        wrapped(out, text.p, 2);
    }
    sk_buf_fini(&text);
}

void sk_help_command(const struct sk_command *command, struct sk_buf *out)
{
    sk_buf_printf(out, "%s\n\nUsage: skald %s%s\n", command->summary, command->path,
                  command->options ? " [flags]" : "");
    if (*command->about)
        sk_buf_printf(out, "\n%s\n", command->about);
    if (*command->examples)
        sk_buf_printf(out, "\nExamples:\n%s", command->examples);
    if (!command->options)
        return;
    sk_buf_str(out, "\nFlags:\n");
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        const struct sk_option *option = sk_option_get(i);
        if ((option->commands & command->options) && !(option->commands & SK_CMD_COMPAT))
            option_help(out, option);
    }
    sk_buf_printf(out, "%-*s%s\n", HELP_COLUMN, "  -h, --help", "This text.");
    compat_help(out, command->options);
    if (command->options & (SK_CMD_START | SK_CMD_CLIENT))
        sk_buf_printf(
            out, "\nEach flag is also an environment variable: --some-flag is SKALD_SOME_FLAG%s.\n",
            command->options & SK_CMD_START ? ", and\na key of the configuration file: some_flag"
                                            : "");
}

void sk_help_program(const struct sk_command *commands, struct sk_buf *out)
{
    sk_buf_str(out, "Skald runs durable workflows and speaks Temporal's API.\n\n"
                    "Usage: skald COMMAND [flags]\n\nCommands:\n");
    for (const struct sk_command *c = commands; c->path; c++)
        sk_buf_printf(out, "  %-18s %s\n", c->path, c->summary);
    sk_buf_str(
        out, "\nTo start:\n"
             "  skald server start-dev     # a server on 127.0.0.1:7233 that forgets all at exit\n"
             "  skald demo                 # some workflows to look at, no SDK needed\n\n"
             "skald COMMAND --help tells more.\n"
             "Not affiliated with Temporal Technologies.\n");
}

/* ---- effective configuration ---- */

/* The code point at p, which is UTF-8 that was checked, and its length. */
static uint32_t code_point(const char *p, int *ret_n)
{
    const unsigned char *b = (const unsigned char *)p;
    int n = b[0] < 0x80 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    uint32_t c = n == 1 ? b[0] : b[0] & (0xffu >> (n + 1));
    for (int i = 1; i < n; i++)
        c = c << 6 | (b[i] & 0x3f);
    *ret_n = n;
    return c;
}

/* What YAML takes as it is between quotes; the rest must be escaped or would be read otherwise. */
static bool is_plain(uint32_t c)
{
    if (c == '"' || c == '\\' || c == 0x2028 || c == 0x2029 || c == 0xfeff)
        return false;
    return (c >= 0x20 && c < 0x7f) || (c >= 0xa0 && c < 0xd800) || (c >= 0xe000 && c < 0xfffe) ||
           c >= 0x10000;
}

static void yaml_value(struct sk_buf *out, const struct sk_option *option, const char *text)
{
    if (option->type != SK_OPTION_TEXT && option->type != SK_OPTION_LIST) {
        sk_buf_str(out, text);
        return;
    }
    sk_buf_str(out, "\"");
    for (int n; *text; text += n) {
        uint32_t c = code_point(text, &n);
        if (is_plain(c))
            sk_buf_append(out, text, (size_t)n);
        else
            sk_buf_printf(out, "\\u%04x", c); // what is not plain has four digits
    }
    sk_buf_str(out, "\"");
}

static void yaml_line(struct sk_buf *out, const struct sk_options *options, enum sk_option_id id)
{
    static const char *const sources[] = {"default", "file", "environment", "flag"};
    const struct sk_option *option = sk_option_get(id);
    char key[SPELL_SIZE];
    sk_option_key(option, key, sizeof(key));
    sk_buf_printf(out, "%s: ", key);
    if (option->type == SK_OPTION_LIST) {
        size_t n;
        const char *const *items = sk_options_list(options, id, &n);
        sk_buf_str(out, "[");
        for (size_t i = 0; i < n; i++) {
            sk_buf_str(out, i ? ", " : "");
            yaml_value(out, option, items[i]);
        }
        sk_buf_str(out, "]");
    } else {
        yaml_value(out, option, sk_options_text(options, id));
    }
    sk_buf_printf(out, " # %s\n", sources[sk_options_source(options, id)]);
}

void sk_options_print(const struct sk_options *options, struct sk_buf *out)
{
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        const struct sk_option *option = sk_option_get(i);
        if ((option->commands & sk_options_command(options)) && i != SK_OPT_CONFIG)
            yaml_line(out, options, i);
    }
}

/* ---- the reference page ---- */

/* Table cells must not end at a bar. */
static void cell(struct sk_buf *out, const char *text)
{
    for (const char *p = text; *p; p++)
        sk_buf_printf(out, "%s%c", *p == '|' ? "\\" : "", *p);
}

static void docs_row(struct sk_buf *out, const struct sk_option *option, unsigned command)
{
    char env[SPELL_SIZE], key[SPELL_SIZE];
    bool file = command == SK_CMD_START && option != sk_option_get(SK_OPT_CONFIG);
    sk_option_env_name(option, env, sizeof(env));
    sk_option_key(option, key, sizeof(key));
    sk_buf_printf(out, "| `--%s", option->name);
    if (*option->arg) {
        sk_buf_str(out, " ");
        cell(out, option->arg);
    }
    sk_buf_str(out, "`");
    if (option->letter)
        sk_buf_printf(out, " `-%c`", option->letter);
    if (command != SK_CMD_DEV)
        sk_buf_printf(out, " | `%s`", env);
    if (command == SK_CMD_START)
        sk_buf_printf(out, file ? " | `%s`" : " | %s", file ? key : "");
    sk_buf_printf(out, *option->def ? " | `%s` | " : " | %s| ", option->def);
    cell(out, option->help);
    if (option->type == SK_OPTION_LIST)
        sk_buf_str(out, command == SK_CMD_START ? " A list (commas in the variable)."
                                                : " May be repeated.");
    sk_buf_str(out, " |\n");
}

static void docs_command(struct sk_buf *out, const struct sk_command *command)
{
    sk_buf_printf(out, "\n## skald %s\n\n%s\n", command->path, command->summary);
    if (*command->about)
        sk_buf_printf(out, "\n%s\n", command->about);
    if (*command->examples)
        sk_buf_printf(out, "\n```\n%s```\n", command->examples);
    if (!command->options)
        return;
    bool start = command->options == SK_CMD_START, dev = command->options == SK_CMD_DEV;
    sk_buf_printf(out, "\n| flag |%s%s default | meaning |\n|---|%s%s---|---|\n",
                  dev ? "" : " variable |", start ? " key |" : "", dev ? "" : "---|",
                  start ? "---|" : "");
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        const struct sk_option *option = sk_option_get(i);
        if ((option->commands & command->options) && !(option->commands & SK_CMD_COMPAT))
            docs_row(out, option, command->options);
    }
    compat_help(out, command->options);
}

void sk_help_docs(const struct sk_command *commands, struct sk_buf *out)
{
    sk_buf_str(out,
               "<!-- Made by `skald config docs` from src/cli/options.def; do not edit. -->\n"
               "# Configuration\n\n"
               "Every option of `skald server start` has one name in three spellings: the flag "
               "`--data-dir`, the\n"
               "environment variable `SKALD_DATA_DIR` and the key `data_dir` of the configuration "
               "file. A flag\n"
               "wins over the environment, that over the file, that over the default. The file is "
               "YAML: one\n"
               "`key: value` a line, lists as `[a, b]`. It is the one that `--config` names, else\n"
               "`/etc/skald/skald.yaml` if it is there. A name nobody knows, a value of the wrong "
               "type and a key\n"
               "that is there twice are errors, which name the nearest known name.\n\n"
               "`skald config check` reads the configuration as `server start` would and says what "
               "is wrong with\n"
               "it; `skald config print` shows every value and where it came from.\n\n"
               "Sizes are bytes or end in `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB`; times end in "
               "`ms`, `s`, `m`,\n"
               "`h`, `d` and may be put together (`1m30s`).\n");
    for (const struct sk_command *c = commands; c->path; c++)
        if (strncmp(c->path, "config", 6) != 0)
            docs_command(out, c);
}
