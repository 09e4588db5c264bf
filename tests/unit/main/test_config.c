/* From options to a configuration: what is refused, and what follows from what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "main/config.h"

static struct sk_ctx ctx;
static char folder[] = "/tmp/skald-test-XXXXXX";

static int make_folder(void **state)
{
    unsetenv("STATE_DIRECTORY");
    unsetenv("XDG_DATA_HOME");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

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

static const char *path(const char *name)
{
    return sk_arena_printf(ctx.arena, "%s/%s", folder, name);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static sk_err read_config(enum sk_option_command command, const char *const *argv,
                          struct sk_config *ret)
{
    struct sk_options *options;
    int argc = 0;
    while (argv[argc])
        argc++;
    sk_ctx_clear(&ctx);
    sk_err err = sk_options_parse(&ctx, command, argc, argv, NULL, &options);
    return err ? err : sk_config_read(&ctx, options, ret);
}
#define ARGV(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define START(...) start(ARGV(__VA_ARGS__))
#define DEV(...) dev(ARGV(__VA_ARGS__))
#define REFUSE(message, ...) refuse(SK_CMD_START, ARGV(__VA_ARGS__), message)

static struct sk_config start(const char *const *argv)
{
    struct sk_config c;
    if (read_config(SK_CMD_START, argv, &c))
        fail_msg("%s", ctx.err.message);
    return c;
}

static struct sk_config dev(const char *const *argv)
{
    struct sk_config c;
    if (read_config(SK_CMD_DEV, argv, &c))
        fail_msg("%s", ctx.err.message);
    return c;
}

static void refuse(enum sk_option_command command, const char *const *argv, const char *message)
{
    struct sk_config c;
    assert_int_equal(read_config(command, argv, &c), SK_INVALID_ARGUMENT);
    if (!strstr(ctx.err.message, message))
        fail_msg("\"%s\" does not say \"%s\"", ctx.err.message, message);
}

static void loopback(void **state)
{
    static const char *const yes[] = {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"};
    static const char *const no[] = {
        "0.0.0.0", "10.0.0.1", "::", "fe80::1", "::ffff:10.0.0.1", "x"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        assert_true(sk_ip_is_loopback(yes[i]));
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        assert_false(sk_ip_is_loopback(no[i]));
}

static void defaults_are_safe(void **state)
{
    struct sk_config c = START("--data-dir", "/x");
    assert_string_equal(c.ip, "127.0.0.1");
    assert_string_equal(c.ui_ip, "127.0.0.1");
    assert_int_equal(c.port, 7233);
    assert_int_equal(c.ui_port, 8233);
    assert_false(c.tls_on);
    assert_null(c.open_warning);
    assert_string_equal(c.store_path, "/x/skald.db");
    assert_string_equal(c.lock_path, "/x/skald.lock");
    assert_true(c.loops >= 1);
    assert_null(c.ignored_keys);
}

static void who_may_call_from_outside(void **state)
{
    write_file("pem", "");
    REFUSE("--ip 0.0.0.0 is not a loopback address", "--store=memory:", "--ip", "0.0.0.0");
    REFUSE("--ip 0.0.0.0 is not a loopback address", "--store=memory:", "--ip", "0.0.0.0",
           "--tls-cert", path("pem"), "--tls-key", path("pem"));
    REFUSE("--ui-ip 0.0.0.0 is not", "--store=memory:", "--ui-ip", "0.0.0.0");
    struct sk_config c = START("--store=memory:", "--ip", "0.0.0.0", "--allow-unauthenticated");
    assert_string_equal(c.ui_ip, "0.0.0.0");
    assert_non_null(strstr(c.open_warning, "every workflow"));
    c = START("--store=memory:", "--ip", "0.0.0.0", "--tls-cert", path("pem"), "--tls-key",
              path("pem"), "--tls-client-ca", path("pem"));
    assert_string_equal(c.ui_ip, "127.0.0.1");
    assert_true(c.tls.require_client_cert);
    assert_null(c.open_warning);
    c = START("--store=memory:", "--ui-ip", "0.0.0.0", "--allow-unauthenticated");
    assert_non_null(strstr(c.open_warning, "read and change"));
    c = START("--store=memory:", "--ui-ip", "0.0.0.0", "--allow-unauthenticated", "--read-only-ui");
    assert_null(strstr(c.open_warning, "change"));
    assert_non_null(DEV("--ip", "0.0.0.0").open_warning);
}

static void the_web_ui(void **state)
{
    struct sk_config c = START("--store=memory:");
    assert_string_equal(c.ui_base_path, "/");
    assert_false(c.read_only_ui || c.headless);
    assert_null(c.ui_codec_endpoint);
    c = START("--store=memory:", "--ui-base-path", "/x/y.z", "--headless", "--ui-codec-endpoint",
              "https://codec.example:81/{namespace}", "--ui-cors-origin", "https://a.example",
              "--ui-cors-origin", "http://[::1]:3000");
    assert_string_equal(c.ui_base_path, "/x/y.z/");
    assert_true(c.headless);
    assert_string_equal(c.ui_cors_origins[1], "http://[::1]:3000");
    c = DEV("--ui-public-path", "/t");
    assert_string_equal(c.ui_base_path, "/t/");
    REFUSE("is not a path", "--store=memory:", "--ui-base-path", "x");
    REFUSE("is not a path", "--store=memory:", "--ui-base-path", "/a/../b");
    REFUSE("is not a path", "--store=memory:", "--ui-base-path", "/a\"b");
    REFUSE("is not a path", "--store=memory:", "--ui-base-path", "//evil.example/");
    REFUSE("is not an http:// or", "--store=memory:", "--ui-codec-endpoint", "ftp://x");
    REFUSE("is not an http:// or", "--store=memory:", "--ui-codec-endpoint", "https://x;y");
    REFUSE("is not an origin", "--store=memory:", "--ui-cors-origin", "https://a.example/");
    REFUSE("is not an origin", "--store=memory:", "--ui-cors-origin", "*");
}

static void tls_needs_its_halves(void **state)
{
    write_file("pem", "");
    REFUSE("--tls-key is missing", "--tls-cert", path("pem"));
    REFUSE("--tls-cert is missing", "--tls-key", path("pem"));
    REFUSE("--tls-client-ca needs", "--tls-client-ca", path("pem"));
    REFUSE("--tls-cert: cannot read", "--tls-cert", path("none"), "--tls-key", path("pem"));
}

static void addresses_are_numbers(void **state)
{
    assert_string_equal(START("--store=memory:", "--ip", "localhost").ip, "127.0.0.1");
    assert_string_equal(START("--store=memory:", "--ip", "::1").ip, "::1");
    REFUSE("--ip: \"example.org\" is not an IP address", "--ip", "example.org");
    REFUSE("--ui-ip: \"\x20\" is not an IP address", "--ui-ip", " ");
}

static void stores(void **state)
{
    assert_int_equal(START("--store", "memory:").store, SK_STORE_MEMORY);
    assert_string_equal(START("--store", "sqlite:a.db").store_path, "a.db");
    assert_string_equal(START("--store", "sqlite:///a/b.db").store_path, "/a/b.db");
    assert_null(START("--store", "sqlite:a.db").data_dir);
    REFUSE("no store of this build", "--store", "sqlite:");
    REFUSE("no store of this build", "--store", "postgres://u:secret@h/d");
    assert_null(strstr(ctx.err.message, "secret"));
    write_file("url", "sqlite:/from/file.db \r\n\n");
    assert_string_equal(START("--store-file", path("url")).store_path, "/from/file.db");
    REFUSE("cannot both be given", "--store-file", path("url"), "--store", "memory:");
    write_file("url", "\n");
    REFUSE("is empty", "--store-file", path("url"));
    REFUSE("No such file", "--store-file", path("none"));
}

static void the_data_directory(void **state)
{
    setenv("STATE_DIRECTORY", "/state/a:/state/b", 1);
    setenv("XDG_DATA_HOME", "/xdg", 1);
    assert_string_equal(START("--data-dir", "/given").data_dir, "/given");
    assert_string_equal(START().data_dir, "/state/a");
    unsetenv("STATE_DIRECTORY");
    assert_string_equal(START().data_dir, "/xdg/skald");
    setenv("XDG_DATA_HOME", "relative", 1); // the specification says: ignore it
    setenv("HOME", "/home/x", 1);
    assert_string_equal(START().data_dir, "/home/x/.local/share/skald");
    setenv("HOME", "relative", 1);
    REFUSE("no place for data", "--port", "1");
    setenv("HOME", "/home/x", 1);
    unsetenv("XDG_DATA_HOME");
}

static void directories_are_made_and_locked(void **state)
{
    struct stat st;
    int first = -1, second = -1;
    assert_int_equal(sk_data_dir_make(&ctx, path("a/b/c")), SK_OK);
    assert_int_equal(stat(path("a/b/c"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(chmod(path("a/b/c"), 0755), 0);
    assert_int_equal(sk_data_dir_make(&ctx, path("a/b/c")), SK_OK);
    assert_int_equal(stat(path("a/b/c"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    write_file("file", "");
    assert_int_equal(sk_data_dir_make(&ctx, path("file")), SK_INVALID_ARGUMENT);
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_data_dir_make(&ctx, path("file/below")), SK_INVALID_ARGUMENT);
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_lock_take(&ctx, path("lock"), &first), SK_OK);
    assert_int_equal(sk_lock_take(&ctx, path("lock"), &second), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(ctx.err.message, "another skald"));
    sk_lock_release(first);
    sk_ctx_clear(&ctx);
    assert_int_equal(sk_lock_take(&ctx, path("lock"), &second), SK_OK);
    sk_lock_release(second);
    sk_lock_release(-1);
    assert_int_equal(sk_lock_take(&ctx, path("none/lock"), &second), SK_INVALID_ARGUMENT);
}

static void start_dev(void **state)
{
    struct sk_config c = DEV();
    assert_int_equal(c.store, SK_STORE_MEMORY);
    assert_int_equal(c.ui_port, 8233);
    assert_false(c.ui_port_free);
    assert_int_equal(c.log_level, SK_LOG_WARN);
    assert_int_equal(c.retention_ms, 24 * 3600 * 1000);
    c = DEV("--port", "7300", "--headless");
    assert_int_equal(c.ui_port, 8300);
    assert_true(c.ui_port_free);
    assert_int_equal(DEV("--port", "65000").ui_port, 65535);
    assert_int_equal(DEV("--port", "0").ui_port, 0);
    assert_int_equal(DEV("--ui-port", "9").ui_port, 9);
    assert_string_equal(DEV("-f", "x.db").store_path, "x.db");
    refuse(SK_CMD_DEV, ARGV("--ui-port", "x"), "--ui-port: \"x\" is not a port");
    refuse(SK_CMD_DEV, ARGV("--search-attribute", "A=B"), "\"B\" is no type");
    refuse(SK_CMD_DEV, ARGV("--search-attribute", "A"), "NAME=VALUE");
    refuse(SK_CMD_DEV, ARGV("--sqlite-pragma", "=x"), "NAME=VALUE");
    refuse(SK_CMD_DEV, ARGV("--namespace", ""), "1 to 1000 bytes");
    assert_int_equal(DEV("--log-level", "never").log_level, SK_LOG_NONE);
    assert_int_equal(DEV("--log-format", "pretty").log_format, SK_LOG_TEXT);
}

static void limits_by_temporals_names(void **state)
{
    struct sk_config c =
        START("--store=memory:", "--dynamic-config-value", "limit.blobSize.error=10240",
              "--dynamic-config-value", "LIMIT.blobsize.WARN=2048.0", "--dynamic-config-value",
              "history.longPollExpirationInterval=\"5s\"", "--dynamic-config-value",
              "matching.longPollExpirationInterval=7", "--dynamic-config-value",
              "history.workflowTaskHeartbeatTimeout=\"90\"", "--dynamic-config-value",
              "system.enableActivityEagerExecution=false", "--dynamic-config-value", "a.b=1",
              "--dynamic-config-value", "c.d=[1,{}]");
    assert_int_equal(c.limits.blob_size_error, 10240);
    assert_int_equal(c.limits.blob_size_warn, 2048);
    assert_int_equal(c.limits.long_poll_ms, 5000);
    assert_int_equal(c.limits.task_long_poll_ms, 7000);
    assert_int_equal(c.limits.wft_heartbeat_ms, 90000);
    assert_false(c.limits.eager_activities);
    assert_string_equal(c.ignored_keys, "a.b, c.d");
    REFUSE("is not KEY=JSON", "--store=memory:", "--dynamic-config-value", "=1");
    REFUSE("is not JSON", "--store=memory:", "--dynamic-config-value", "a=b");
    REFUSE("wants a time", "--store=memory:", "--dynamic-config-value",
           "history.longPollExpirationInterval=-1");
    REFUSE("below its least value", "--store=memory:", "--dynamic-config-value",
           "limit.maxIDLength=0");
    REFUSE("--loops: 65 is more than 64", "--store=memory:", "--loops", "65");
}

static void limits_are_explained(void **state)
{
    struct sk_buf out = SK_BUF_INIT;
    sk_dynamic_docs(&out);
    sk_buf_append(&out, "", 1);
    assert_non_null(strstr(out.p, "| `limit.blobSize.error` | bytes | `2097152` |"));
    assert_non_null(strstr(out.p, "| `history.longPollExpirationInterval` | time | `\"20s\"` |"));
    assert_non_null(strstr(out.p, "| `system.enableEagerWorkflowStart` | switch | `"));
    sk_buf_fini(&out);
}

static void a_file_completes_the_rest(void **state)
{
    write_file("skald.yaml", "store: \"memory:\"\nport: 7300\nloops: 3\n");
    struct sk_config c = START("--config", path("skald.yaml"), "--port", "7400");
    assert_int_equal(c.port, 7400);
    assert_int_equal(c.loops, 3);
    assert_string_equal(c.config_file, path("skald.yaml"));
    REFUSE("No such file", "--config", path("none.yaml"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loopback),
        TEST(defaults_are_safe),
        TEST(who_may_call_from_outside),
        TEST(the_web_ui),
        TEST(tls_needs_its_halves),
        TEST(addresses_are_numbers),
        TEST(stores),
        TEST(the_data_directory),
        TEST(directories_are_made_and_locked),
        TEST(start_dev),
        TEST(limits_by_temporals_names),
        TEST(limits_are_explained),
        TEST(a_file_completes_the_rest),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
