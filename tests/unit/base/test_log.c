/* Log lines: form, escaping and bounds in both formats, and no interleaving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

static int pipe_fds[2];

static int setup(void **state)
{
    (void)state;
    return pipe(pipe_fds);
}

static int teardown(void **state)
{
    (void)state;
    close(pipe_fds[0]);
    sk_log_init(SK_LOG_INFO, SK_LOG_AUTO, 2);
    return 0;
}

/* All that was written; closes the writing end. The result is NUL-terminated and the caller's. */
static char *written(void)
{
    struct sk_buf buf = SK_BUF_INIT;
    ssize_t n;

    close(pipe_fds[1]);
    while ((n = read(pipe_fds[0], sk_buf_reserve(&buf, 4096), 4096)) > 0)
        buf.n += (size_t)n;
    sk_buf_append(&buf, "", 1);
    return buf.p;
}

static void text_lines(void **state)
{
    (void)state;
    sk_log_init(SK_LOG_INFO, SK_LOG_TEXT, pipe_fds[1]);
    SK_LOG(DEBUG, "test", "not shown");
    SK_LOG(WARN, "store", "slow commit", SK_KV("id", "a-b"), SK_KI("ms", -5), SK_KV("none", NULL),
           SK_KV("odd", "a \"b\"\n\xff\xc3\xa4"));
    char *text = written();
    assert_string_equal(text + 24, " warn  store: slow commit id=a-b ms=-5 none=\"\" "
                                   "odd=\"a \\\"b\\\"\\u000a\\ufffd\xc3\xa4\"\n");
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[23], 'Z');
    sk_mem_free(text);
}

static void json_lines(void **state)
{
    (void)state;
    sk_log_init(SK_LOG_DEBUG, SK_LOG_AUTO, pipe_fds[1]); // no terminal: JSON
    SK_LOG(DEBUG, "x", "hello \"you\"", SK_KV("k", "v"), SK_KI("n", 7));
    char *text = written();
    assert_memory_equal(text, "{\"time\":\"2", 10);
    assert_string_equal(
        strstr(text, ",\"level\""),
        ",\"level\":\"debug\",\"component\":\"x\",\"message\":\"hello \\\"you\\\"\","
        "\"k\":\"v\",\"n\":7}\n");
    sk_mem_free(text);
}

static void a_long_line_loses_whole_keys_only(void **state)
{
    (void)state;
    char big[3000];

    memset(big, 'y', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    sk_log_init(SK_LOG_INFO, SK_LOG_JSON, pipe_fds[1]);
    SK_LOG(ERROR, "x", "m", SK_KV("a", big), SK_KV("b", big), SK_KV("c", big), SK_KV("d", big),
           SK_KV("e", big));
    char *text = written();
    size_t n = strlen(text);
    assert_true(n < 4096);
    assert_string_equal(text + n - 4, "y\"}\n");
    assert_non_null(strstr(text, "\"b\":\"y"));
    assert_null(strstr(text, "\"e\":"));
    sk_mem_free(text);
}

static void *log_many(void *arg)
{
    for (int i = 0; i < 200; i++)
        SK_LOG(INFO, "thread", "line", SK_KV("who", arg), SK_KI("i", i));
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t a, b;
    int lines = 0;

    sk_log_init(SK_LOG_INFO, SK_LOG_TEXT, pipe_fds[1]);
    pthread_create(&a, NULL, log_many, (char *)"aaaaaaaa");
    pthread_create(&b, NULL, log_many, (char *)"bbbbbbbb");
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    char *text = written();
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        assert_non_null(strstr(line, " info  thread: line who="));
        assert_true(strstr(line, "aaaaaaaa i=") || strstr(line, "bbbbbbbb i="));
        lines++;
    }
    assert_int_equal(lines, 400);
    sk_mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(json_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_line_loses_whole_keys_only, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_of_threads_do_not_mix, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
