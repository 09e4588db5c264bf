/* Flags, environment and file: precedence, types, and the errors people will read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "cli/options.h"

static struct sk_ctx ctx;

static int setup(void **state)
{
    ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    return 0;
}

static int teardown(void **state)
{
    sk_arena_free(ctx.arena);
    return 0;
}

static sk_err parse_with(enum sk_option_command command, const char *const *argv,
                         const char *const *env, struct sk_options **ret)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return sk_options_parse(&ctx, command, argc, argv, env, ret);
}
#define ARGV(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static struct sk_options *parse(enum sk_option_command command, const char *const *argv,
                                const char *const *env)
{
    struct sk_options *o = NULL;
    sk_err err = parse_with(command, argv, env, &o);
    if (err)
        print_error("%s\n", ctx.err.message);
    assert_int_equal(err, SK_OK);
    return o;
}

static void refuse(enum sk_option_command command, const char *const *argv, const char *const *env,
                   const char *message)
{
    struct sk_options *o;
    sk_ctx_clear(&ctx);
    assert_int_equal(parse_with(command, argv, env, &o), SK_INVALID_ARGUMENT);
    assert_string_equal(ctx.err.message, message);
}

static sk_err yaml(struct sk_options *o, const char *text)
{
    sk_ctx_clear(&ctx);
    return sk_options_yaml(&ctx, o, sk_str_of(text), "skald.yaml");
}

static void refuse_yaml(const char *text, const char *message)
{
    struct sk_options *o = parse(SK_CMD_START, ARGV(), NULL);
    assert_int_equal(yaml(o, text), SK_INVALID_ARGUMENT);
    assert_string_equal(ctx.err.message, message);
}

static void defaults_hold_when_nothing_is_given(void **state)
{
    struct sk_options *o = parse(SK_CMD_START, ARGV(), NULL);
    assert_string_equal(sk_options_text(o, SK_OPT_IP), "127.0.0.1");
    assert_int_equal(sk_options_number(o, SK_OPT_PORT), 7233);
    assert_int_equal(sk_options_number(o, SK_OPT_CACHE_SIZE), 48 * 1024 * 1024);
    assert_false(sk_options_flag(o, SK_OPT_ALLOW_UNAUTHENTICATED));
    assert_false(sk_options_given(o, SK_OPT_PORT));
    size_t n;
    assert_null(sk_options_list(o, SK_OPT_NAMESPACE, &n)[0]);
    assert_int_equal(n, 0);
}

static void flags_in_every_spelling(void **state)
{
    struct sk_options *o = parse(SK_CMD_DEV,
                                 ARGV("--port=7300", "--ip", "0.0.0.0", "-n", "a", "-n=b", "-nc",
                                      "--headless", "-fdev.db", "--log-level", "never"),
                                 NULL);
    size_t n;
    assert_int_equal(sk_options_number(o, SK_OPT_PORT), 7300);
    assert_string_equal(sk_options_text(o, SK_OPT_IP), "0.0.0.0");
    assert_string_equal(sk_options_list(o, SK_OPT_NAMESPACE, &n)[1], "b");
    assert_string_equal(sk_options_list(o, SK_OPT_NAMESPACE, &n)[2], "c");
    assert_int_equal(n, 3);
    assert_true(sk_options_flag(o, SK_OPT_HEADLESS));
    assert_string_equal(sk_options_text(o, SK_OPT_DB_FILENAME), "dev.db");
    assert_string_equal(sk_options_text(o, SK_OPT_DEV_LOG_LEVEL), "never");
    o = parse(SK_CMD_DEV, ARGV("--headless=false", "-p", "0"), NULL);
    assert_false(sk_options_flag(o, SK_OPT_HEADLESS));
    assert_int_equal(sk_options_number(o, SK_OPT_PORT), 0);
}

/* What SDKs pass to a dev server they launch, word for word. */
static void the_flags_sdks_launch_with(void **state)
{
    struct sk_options *o =
        parse(SK_CMD_DEV,
              ARGV("--port", "40123", "--namespace", "default", "--ip", "127.0.0.1", "--log-format",
                   "pretty", "--log-level", "warn", "--dynamic-config-value",
                   "system.enableActivityEagerExecution=true", "--search-attribute",
                   "CustomIntField=Int", "--headless"),
              NULL);
    assert_string_equal(sk_options_list(o, SK_OPT_SEARCH_ATTRIBUTE, NULL)[0], "CustomIntField=Int");
    parse(SK_CMD_DEV,
          ARGV("--color", "never", "--output", "json", "-o=json", "--ui-codec-endpoint", "http://x",
               "--ui-public-path=/x", "--ui-asset-path", "y", "--env", "e", "--time-format", "iso",
               "--command-timeout", "0", "--log-config", "--sqlite-pragma", "journal_mode=wal",
               "--db-filename", "f", "--http-port", "7243", "--metrics-port", "0", "--ui-port",
               "0"),
          NULL);
}

static void the_environment_gives_way_to_flags(void **state)
{
    const char *const env[] = {"SKALD_PORT=7400", "SKALD_NAMESPACE=a,,b", "HOME=/x",
                               "SKALD_ALLOW_UNAUTHENTICATED=yes", NULL};
    struct sk_options *o = parse(SK_CMD_START, ARGV(), env);
    size_t n;
    assert_int_equal(sk_options_number(o, SK_OPT_PORT), 7400);
    assert_int_equal(sk_options_source(o, SK_OPT_PORT), SK_FROM_ENV);
    assert_true(sk_options_flag(o, SK_OPT_ALLOW_UNAUTHENTICATED));
    assert_string_equal(sk_options_list(o, SK_OPT_NAMESPACE, &n)[1], "b");
    assert_int_equal(n, 2);
    o = parse(SK_CMD_START, ARGV("--port", "7500", "--namespace", "c"), env);
    assert_int_equal(sk_options_number(o, SK_OPT_PORT), 7500);
    assert_string_equal(sk_options_list(o, SK_OPT_NAMESPACE, &n)[0], "c");
    assert_int_equal(n, 1);
    // start-dev listens to its flags alone
    o = parse(SK_CMD_DEV, ARGV(), env);
    assert_int_equal(sk_options_number(o, SK_OPT_PORT), 7233);
}

static void the_file_gives_way_to_both(void **state)
{
    const char *const env[] = {"SKALD_UI_PORT=1", NULL};
    struct sk_options *o = parse(SK_CMD_START, ARGV("--port", "2"), env);
    assert_int_equal(yaml(o, "# comment\nport: 3\nui_port: 3\nip: \"::1\"\nnamespace: [a, "
                             "b]\nallow_unauthenticated: true\n"
                             "public_host:\n  - x.example\n"),
                     SK_OK);
    size_t n;
    assert_int_equal(sk_options_number(o, SK_OPT_PORT), 2);
    assert_int_equal(sk_options_number(o, SK_OPT_UI_PORT), 1);
    assert_string_equal(sk_options_text(o, SK_OPT_IP), "::1");
    assert_true(sk_options_flag(o, SK_OPT_ALLOW_UNAUTHENTICATED));
    assert_string_equal(sk_options_list(o, SK_OPT_NAMESPACE, &n)[1], "b");
    assert_int_equal(n, 2);
    assert_int_equal(sk_options_source(o, SK_OPT_PUBLIC_HOST), SK_FROM_FILE);
}

static void empty_files_are_fine(void **state)
{
    struct sk_options *o = parse(SK_CMD_START, ARGV(), NULL);
    assert_int_equal(yaml(o, ""), SK_OK);
    assert_int_equal(yaml(o, "# nothing\n"), SK_OK);
    assert_int_equal(yaml(o, "---\n"), SK_OK);
    assert_int_equal(yaml(o, "namespace: []\n"), SK_OK);
}

static void unknown_names_are_errors_that_name_the_nearest(void **state)
{
    refuse(SK_CMD_START, ARGV("--prot", "1"), NULL, "unknown flag --prot; did you mean --port?");
    refuse(SK_CMD_START, ARGV("--data_dir=x"), NULL,
           "unknown flag --data_dir=x; did you mean --data-dir?");
    refuse(SK_CMD_START, ARGV("--db-filename"), NULL, "unknown flag --db-filename");
    refuse(SK_CMD_DEV, ARGV("-x"), NULL, "unknown flag -x");
    refuse(SK_CMD_START, ARGV(), ARGV("SKALD_STOER=x"),
           "unknown environment variable SKALD_STOER; did you mean SKALD_STORE?");
    refuse_yaml("prot: 1\n", "skald.yaml:1: unknown key \"prot\"; did you mean port?");
}

static void wrong_values_name_flag_and_wish(void **state)
{
    refuse(SK_CMD_START, ARGV("--port", "x"), NULL, "--port: \"x\" is not a port, 0 to 65535");
    refuse(SK_CMD_START, ARGV("--port", "65536"), NULL,
           "--port: \"65536\" is not a port, 0 to 65535");
    refuse(SK_CMD_START, ARGV("--log-level=loud"), NULL,
           "--log-level: \"loud\" is not one of debug|info|warn|error|never");
    refuse(SK_CMD_START, ARGV("--allow-unauthenticated=maybe"), NULL,
           "--allow-unauthenticated: \"maybe\" is not true or false");
    refuse(SK_CMD_START, ARGV("--cache-size", "64 MiB"), NULL,
           "--cache-size: \"64 MiB\" is not a size such as 4096, 64KiB or 2MB");
    refuse(SK_CMD_START, ARGV("--shutdown-timeout", "5"), NULL,
           "--shutdown-timeout: \"5\" is not a time such as 500ms, 5s or 1m30s");
    refuse(SK_CMD_START, ARGV("--ip"), NULL, "--ip wants a value (ADDRESS)");
    refuse(SK_CMD_START, ARGV("serve"), NULL, "unexpected argument \"serve\"");
    refuse(SK_CMD_START, ARGV("--ip", "\xff"), NULL, "--ip: the value is not UTF-8");
    refuse(SK_CMD_START, ARGV(), ARGV("SKALD_PORT=x"),
           "SKALD_PORT: \"x\" is not a port, 0 to 65535");
}

static void files_that_are_wrong_name_the_line(void **state)
{
    refuse_yaml("port: 1\nport: 2\n", "skald.yaml:2: key \"port\" is there twice");
    refuse_yaml("\nport: x\n", "skald.yaml:2: port: \"x\" is not a port, 0 to 65535");
    refuse_yaml("port: [1]\n", "skald.yaml:1: \"port\" takes one value, not a list");
    refuse_yaml("ip:\n  a: b\n", "skald.yaml:2: \"ip\" takes a value or a list of values");
    refuse_yaml("- a\n", "skald.yaml:1: the file must hold lines of the form key: value");
    refuse_yaml("namespace: [[a]]\n", "skald.yaml:1: a list may hold plain values only");
    refuse_yaml("config: x\n", "skald.yaml:1: \"config\" names this file and cannot stand in it");
    refuse_yaml("ip: \"a\\0b\"\n", "skald.yaml:1: a value holds a NUL byte");
    refuse_yaml("ip: a\n---\nip: b\n", "skald.yaml:2: the file must hold one document");
    refuse_yaml("bogus_bogus: []\n", "skald.yaml:1: unknown key \"bogus_bogus\"");
}

static void broken_yaml_is_refused(void **state)
{
    struct sk_options *o = parse(SK_CMD_START, ARGV(), NULL);
    static const char *const bad[] = {"ip: \"x\n", "ip: [a\n", "{",           "ip: *x\n",
                                      "a: b: c\n", "\xff\xff", "? [a]\n: b\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(yaml(o, bad[i]), SK_INVALID_ARGUMENT);
}

static void files_are_read_and_bounded(void **state)
{
    char path[] = "/tmp/skald-test-XXXXXX";
    struct sk_options *o = parse(SK_CMD_START, ARGV(), NULL);
    struct sk_str text;
    bool missing;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "port: 99\n", 9), 9);
    assert_int_equal(sk_options_file(&ctx, o, path, false), SK_OK);
    assert_int_equal(sk_options_number(o, SK_OPT_PORT), 99);
    assert_int_equal(sk_cli_read_file(&ctx, path, 5, &text, &missing), SK_INVALID_ARGUMENT);
    close(fd);
    unlink(path);
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_options_file(&ctx, o, path, true), SK_OK);
    assert_int_equal(sk_options_file(&ctx, o, path, false), SK_INVALID_ARGUMENT);
}

static void help_stops_the_rest(void **state)
{
    assert_true(sk_options_help_wanted(parse(SK_CMD_START, ARGV("--help"), NULL)));
    assert_true(sk_options_help_wanted(parse(SK_CMD_START, ARGV("-h"), ARGV("SKALD_BOGUS=1"))));
}

static void what_is_printed_can_be_read_back(void **state)
{
    struct sk_options *o = parse(SK_CMD_START,
                                 ARGV("--port", "1", "--data-dir", "a \"b\"\\\n", "--namespace",
                                      "x, y", "--namespace=z"),
                                 NULL);
    struct sk_options *again = parse(SK_CMD_START, ARGV(), NULL);
    struct sk_buf out = SK_BUF_INIT, out2 = SK_BUF_INIT;
    sk_options_print(o, &out);
    assert_int_equal(sk_options_yaml(&ctx, again, sk_buf_view(&out), "printed"), SK_OK);
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        const struct sk_option *option = sk_option_get((enum sk_option_id)i);
        if (!(option->commands & SK_CMD_START) || option->type == SK_OPTION_LIST)
            continue;
        assert_string_equal(sk_options_text(o, (enum sk_option_id)i),
                            sk_options_text(again, (enum sk_option_id)i));
    }
    assert_string_equal(sk_options_list(again, SK_OPT_NAMESPACE, NULL)[0], "x, y");
    sk_buf_fini(&out);
    sk_buf_fini(&out2);
}

/* The table itself: names unique for each command, every option explained. */
static void the_table_is_sound(void **state)
{
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        const struct sk_option *a = sk_option_get((enum sk_option_id)i);
        assert_true((a->commands & SK_CMD_COMPAT) || *a->help);
        for (int j = 0; j < i; j++) {
            const struct sk_option *b = sk_option_get((enum sk_option_id)j);
            if (!(a->commands & b->commands & ~(unsigned)SK_CMD_COMPAT))
                continue;
            assert_string_not_equal(a->name, b->name);
            assert_true(a->letter == 0 || a->letter != b->letter);
        }
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_hold_when_nothing_is_given),
        TEST(flags_in_every_spelling),
        TEST(the_flags_sdks_launch_with),
        TEST(the_environment_gives_way_to_flags),
        TEST(the_file_gives_way_to_both),
        TEST(empty_files_are_fine),
        TEST(unknown_names_are_errors_that_name_the_nearest),
        TEST(wrong_values_name_flag_and_wish),
        TEST(files_that_are_wrong_name_the_line),
        TEST(broken_yaml_is_refused),
        TEST(files_are_read_and_bounded),
        TEST(help_stops_the_rest),
        TEST(what_is_printed_can_be_read_back),
        TEST(the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
