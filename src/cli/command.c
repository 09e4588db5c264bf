/*
 * Running a command: finds it by the words of the command line, parses its flags, runs it, and
 * prints what went wrong as one sentence. Exit codes: 0 done, 1 failed, 2 used wrongly.
 */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_MAX (64u * 1024 * 1024) /* options and what a command keeps */

/* How many leading words of argv spell path; 0 when they do not. */
static int matches(const char *path, int argc, const char *const *argv)
{
    int words = 0;
    while (*path) {
        size_t n = strcspn(path, " ");
        if (words >= argc || strlen(argv[words]) != n || memcmp(argv[words], path, n) != 0)
            return 0;
        words++;
        path += n;
        path += *path == ' ';
    }
    return words;
}

const struct sk_command *sk_command_find(const struct sk_command *commands, int argc,
                                         const char *const *argv, int *ret_words)
{
    for (const struct sk_command *c = commands; c->path; c++)
        if ((*ret_words = matches(c->path, argc, argv)) > 0)
            return c;
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static void print(struct sk_buf *text, FILE *to)
{
    fwrite(text->p, 1, text->n, to);
    fflush(to);
    sk_buf_fini(text);
}

/* The command whose path is nearest to what was typed. */
static const struct sk_command *nearest(const struct sk_command *commands, int argc,
                                        const char *const *argv)
{
    const struct sk_command *best = NULL;
    struct sk_buf typed = SK_BUF_INIT;
    int best_distance = 4;
    for (int i = 0; i < argc && i < 2 && argv[i][0] != '-'; i++)
        sk_buf_printf(&typed, "%s%s", i ? " " : "", argv[i]);
    for (const struct sk_command *c = commands; c->path; c++) {
        int distance = sk_edit_distance(sk_buf_view(&typed), sk_str_of(c->path));
        if (distance < best_distance) {
            best = c;
            best_distance = distance;
        }
    }
    sk_buf_fini(&typed);
    return best;
}

/* "skald server" alone: what there is below it. */
static bool print_group(const struct sk_command *commands, const char *word)
{
    size_t n = strlen(word);
    bool any = false;
    for (const struct sk_command *c = commands; c->path; c++) {
        if (strncmp(c->path, word, n) != 0 || c->path[n] != ' ')
            continue;
        if (!any)
            printf("Usage: skald %s COMMAND [flags]\n\nCommands:\n", word);
        printf("  %-18s %s\n", c->path, c->summary);
        any = true;
    }
    return any;
}

static int no_such_command(const struct sk_command *commands, int argc, const char *const *argv)
{
    struct sk_buf text = SK_BUF_INIT;
    if (argc == 0 || is_help(argv[0])) {
        sk_help_program(commands, &text);
        print(&text, argc == 0 ? stderr : stdout);
        return argc == 0 ? SK_EXIT_USAGE : SK_EXIT_OK;
    }
    if (argc == 1 || is_help(argv[1]))
        if (print_group(commands, argv[0]))
            return argc == 1 ? SK_EXIT_USAGE : SK_EXIT_OK;
    const struct sk_command *near = nearest(commands, argc, argv);
    fprintf(stderr, "skald: unknown command \"%s\"", argv[0]);
    if (near)
        fprintf(stderr, "; did you mean \"skald %s\"?", near->path);
    fprintf(stderr, "\nskald --help lists the commands.\n");
    return SK_EXIT_USAGE;
}

static int usage_error(struct sk_ctx *ctx, const struct sk_command *command)
{
    fprintf(stderr, "skald: %s\nskald %s --help lists what it takes.\n", ctx->err.message,
            command->path);
    return SK_EXIT_USAGE;
}

static int run_command(struct sk_ctx *ctx, const struct sk_command *command, int argc,
                       const char *const *argv, const char *const *env)
{
    struct sk_options *options = NULL;
    struct sk_buf text = SK_BUF_INIT;
    if (sk_options_parse(ctx, command->options, argc, argv, command->options ? env : NULL,
                         &options))
        return usage_error(ctx, command);
    if (sk_options_help_wanted(options)) {
        sk_help_command(command, &text);
        print(&text, stdout);
        return SK_EXIT_OK;
    }
    int code = command->run(ctx, options);
    fflush(stdout);
    if (code != SK_EXIT_OK && ctx->err.code != SK_OK)
        fprintf(stderr, "skald: %s\n", ctx->err.message);
    return code;
}

int sk_command_main(const struct sk_command *commands, int argc, const char *const *argv,
                    const char *const *env)
{
    static const char *const version[] = {"version"};
    int words;
    if (argc == 1 && (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "-v") == 0))
        argv = version;
    const struct sk_command *command = sk_command_find(commands, argc, argv, &words);
    if (!command)
        return no_such_command(commands, argc, argv);
    struct sk_arena *arena = sk_arena_new(ARENA_MAX);
    struct sk_ctx ctx = {.arena = arena};
    int code = run_command(&ctx, command, argc - words, argv + words, env);
    sk_arena_free(arena);
    return code;
}

bool sk_term_color(const char *choice, int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (strcmp(choice, "always") == 0)
        return true;
    if (strcmp(choice, "never") == 0 || (no_color && *no_color))
        return false;
    return isatty(fd) && term && strcmp(term, "dumb") != 0;
}
