/* Finding commands, help, and the reference page, over a small table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "cli/command.h"

static int ran;

static int run_ok(struct sk_ctx *ctx, struct sk_options *options)
{
    ran++;
    return SK_EXIT_OK;
}

static int run_failing(struct sk_ctx *ctx, struct sk_options *options)
{
    (void)!sk_fail(ctx, SK_UNAVAILABLE, "as asked");
    return SK_EXIT_FAILED;
}

static const struct sk_command table[] = {
    {"server start", "Run a server.", "About it.", "  skald server start\n", SK_CMD_START, run_ok},
    {"server start-dev", "Run one for development.", "", "", SK_CMD_DEV, run_ok},
    {"config print", "Show.", "", "", SK_CMD_START, run_ok},
    {"fail", "Fail.", "", "", 0, run_failing},
    {NULL, NULL, NULL, NULL, 0, NULL},
};

#define RUN(...) run((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
static int run(const char *const *argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return sk_command_main(table, argc, argv, NULL);
}

static void commands_are_found_by_their_words(void **state)
{
    ran = 0;
    assert_int_equal(RUN("server", "start"), SK_EXIT_OK);
    assert_int_equal(RUN("server", "start-dev", "--headless"), SK_EXIT_OK);
    assert_int_equal(ran, 2);
    assert_int_equal(RUN("fail"), SK_EXIT_FAILED);
}

static void wrong_use_runs_nothing(void **state)
{
    ran = 0;
    assert_int_equal(RUN(), SK_EXIT_USAGE);
    assert_int_equal(RUN("server"), SK_EXIT_USAGE);
    assert_int_equal(RUN("serve", "start"), SK_EXIT_USAGE);
    assert_int_equal(RUN("bogus"), SK_EXIT_USAGE);
    assert_int_equal(RUN("server", "start", "--bogus"), SK_EXIT_USAGE);
    assert_int_equal(RUN("fail", "--port", "1"), SK_EXIT_USAGE);
    assert_int_equal(ran, 0);
}

static void help_runs_nothing(void **state)
{
    ran = 0;
    assert_int_equal(RUN("--help"), SK_EXIT_OK);
    assert_int_equal(RUN("help"), SK_EXIT_OK);
    assert_int_equal(RUN("server", "--help"), SK_EXIT_OK);
    assert_int_equal(RUN("server", "start", "--help"), SK_EXIT_OK);
    assert_int_equal(ran, 0);
}

static void help_names_every_flag_of_the_command_and_no_other(void **state)
{
    struct sk_buf out = SK_BUF_INIT;
    sk_help_command(&table[0], &out);
    sk_buf_append(&out, "", 1);
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        const struct sk_option *option = sk_option_get((enum sk_option_id)i);
        char flag[64];
        snprintf(flag, sizeof(flag), " --%s", option->name);
        bool whole = false;
        for (const char *at = strstr(out.p, flag); at && !whole; at = strstr(at + 1, flag))
            whole = at[strlen(flag)] == ' ' || at[strlen(flag)] == '\n';
        if (option->commands & SK_CMD_START)
            assert_true(whole);
    }
    assert_null(strstr(out.p, "--db-filename"));
    for (const char *line = out.p; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        assert_true(strcspn(line, "\n") <= 100);
    sk_buf_fini(&out);
}

static void the_page_has_a_section_a_command(void **state)
{
    struct sk_buf out = SK_BUF_INIT;
    sk_help_docs(table, &out);
    sk_buf_append(&out, "", 1);
    assert_non_null(strstr(out.p, "## skald server start\n"));
    assert_non_null(strstr(out.p, "## skald server start-dev\n"));
    assert_non_null(strstr(out.p, "| `--data-dir PATH` | `SKALD_DATA_DIR` | `data_dir` |"));
    assert_non_null(strstr(out.p, "| `--log-level debug\\|info"));
    sk_buf_fini(&out);
}

static void colours_follow_the_choice(void **state)
{
    unsetenv("NO_COLOR");
    assert_true(sk_term_color("always", 1));
    assert_false(sk_term_color("never", 1));
    setenv("NO_COLOR", "1", 1);
    assert_false(sk_term_color("auto", 1));
    assert_true(sk_term_color("always", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_found_by_their_words),
        cmocka_unit_test(wrong_use_runs_nothing),
        cmocka_unit_test(help_runs_nothing),
        cmocka_unit_test(help_names_every_flag_of_the_command_and_no_other),
        cmocka_unit_test(the_page_has_a_section_a_command),
        cmocka_unit_test(colours_follow_the_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
