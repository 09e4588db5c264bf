/*
 * Commands: `skald <path> [flags]`. The table of all of them stands in src/main/main.c, on top of
 * everything, since commands come from several folders; what works on any such table is here.
 */
#ifndef SK_CLI_COMMAND_H
#define SK_CLI_COMMAND_H

#include "base/ctx.h"
#include "cli/options.h"

struct sk_command {
    const char *path;     /* "server start" */
    const char *summary;  /* one line */
    const char *about;    /* what else --help says, or "" */
    const char *examples; /* lines of "command  # what it does", or "" */
    unsigned options;     /* bit of enum sk_option_command; 0: takes no flags */
    /* Does the work and returns the exit code; on failure fills ctx->err, which is then printed. */
    int (*run)(struct sk_ctx *ctx, struct sk_options *options);
};

#define SK_EXIT_OK 0
#define SK_EXIT_FAILED 1
#define SK_EXIT_USAGE 2

/* commands end with a NULL path. */
const struct sk_command *sk_command_find(const struct sk_command *commands, int argc,
                                         const char *const *argv, int *ret_words);
/* argc and argv without the program's name. Prints help and errors; returns the exit code. */
int sk_command_main(const struct sk_command *commands, int argc, const char *const *argv,
                    const char *const *env);

/* `skald --help`, `skald server start --help`, docs/configuration.md. */
void sk_help_program(const struct sk_command *commands, struct sk_buf *out);
void sk_help_command(const struct sk_command *command, struct sk_buf *out);
void sk_help_docs(const struct sk_command *commands, struct sk_buf *out);

/* Colours for the stream fd: "auto|always|never" of --color, NO_COLOR, a terminal. */
bool sk_term_color(const char *choice, int fd);

/* ---- commands of this folder ---- */
int sk_cmd_version(struct sk_ctx *ctx, struct sk_options *options);
int sk_cmd_licenses(struct sk_ctx *ctx, struct sk_options *options);
int sk_cmd_demo(struct sk_ctx *ctx, struct sk_options *options);
int sk_cmd_bench(struct sk_ctx *ctx, struct sk_options *options);
int sk_cmd_health(struct sk_ctx *ctx, struct sk_options *options);

#endif
