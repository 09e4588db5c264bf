/* Buffers grow; slices compare; the hash is stable; UTF-8 is checked as the standard says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"

static void a_buffer_grows_and_keeps_its_bytes(void **state)
{
    (void)state;
    struct sk_buf buf = SK_BUF_INIT;

    for (int i = 0; i < 1000; i++)
        sk_buf_printf(&buf, "%d,", i);
    assert_memory_equal(buf.p, "0,1,2,", 6);
    assert_memory_equal(buf.p + buf.n - 4, "999,", 4);
    size_t n = buf.n;
    sk_buf_str(&buf, "end");
    sk_buf_append(&buf, NULL, 0);
    assert_int_equal(buf.n, n + 3);
    char *memory = buf.p;
    sk_buf_clear(&buf);
    assert_ptr_equal(buf.p, memory);
    assert_int_equal(sk_buf_view(&buf).n, 0);
    sk_buf_fini(&buf);
    assert_null(buf.p);
    sk_buf_fini(NULL);
}

static void printf_into_an_exactly_full_buffer(void **state)
{
    (void)state;
    for (size_t fill = 120; fill <= 136; fill++) {
        struct sk_buf buf = SK_BUF_INIT;
        while (buf.n < fill)
            sk_buf_append(&buf, "x", 1);
        sk_buf_printf(&buf, "%s", "12345678");
        assert_int_equal(buf.n, fill + 8);
        assert_memory_equal(buf.p + fill, "12345678", 8);
        sk_buf_fini(&buf);
    }
}

static void heap_copies(void **state)
{
    (void)state;
    char *a = sk_mem_strdup("text"), *b = sk_mem_strndup("text", 2), *c = sk_mem_zalloc(0);

    assert_string_equal(a, "text");
    assert_string_equal(b, "te");
    assert_null(sk_mem_strdup(NULL));
    sk_mem_free(a);
    sk_mem_free(b);
    sk_mem_free(c);
}

static void slices(void **state)
{
    (void)state;
    assert_true(sk_str_eq(SK_STR("abc"), sk_str_of("abc")));
    assert_true(sk_str_eq(sk_str_of(NULL), SK_STR("")));
    assert_false(sk_str_eq(SK_STR("abc"), SK_STR("abd")));
    assert_true(sk_str_cmp(SK_STR("ab"), SK_STR("abc")) < 0);
    assert_true(sk_str_cmp(SK_STR("b"), SK_STR("abc")) > 0);
    assert_true(sk_str_cmp(SK_STR("\xff"), SK_STR("a")) > 0);
    assert_int_equal(sk_str_cmp(SK_STR(""), sk_str_of(NULL)), 0);
    assert_true(sk_str_starts(SK_STR("abc"), SK_STR("ab")));
    assert_true(sk_str_starts(SK_STR("abc"), SK_STR("")));
    assert_false(sk_str_starts(SK_STR("ab"), SK_STR("abc")));
    assert_true(sk_str_ieq(SK_STR("Content-Type"), SK_STR("content-tYPE")));
    assert_false(sk_str_ieq(SK_STR("a["), SK_STR("a{")));
}

static void the_hash_depends_on_bytes_and_seed_alone(void **state)
{
    (void)state;
    char one[64] = "workflow-1", two[64] = "workflow-1";

    assert_true(sk_hash(one, 10, 1) == sk_hash(two, 10, 1));
    assert_true(sk_hash(one, 10, 1) != sk_hash(one, 10, 2));
    assert_true(sk_hash(one, 10, 1) != sk_hash(one, 9, 1));
    assert_true(sk_hash(NULL, 0, 1) == sk_hash("", 0, 1));
    // Slots of executions are stored: the function must never change.
    assert_true(sk_hash("workflow-1", 10, 0) == UINT64_C(0xA1DBEB44031E69CB));
}

static bool valid(const char *s)
{
    // An exact copy on the heap, so that a read past the end is found.
    size_t n = strlen(s);
    char *copy = sk_mem_alloc(n);
    memcpy(copy, s, n);
    bool result = sk_utf8_valid(copy, n);
    sk_mem_free(copy);
    return result;
}

static void utf8(void **state)
{
    (void)state;
    assert_true(valid(""));
    assert_true(valid("plain ascii, longer than eight bytes"));
    assert_true(valid("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 mixed"));
    assert_true(valid("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"));
    assert_true(sk_utf8_valid("a\0b", 3));
    assert_false(valid("\x80"));
    assert_false(valid("12345678\xff"));
    assert_false(valid("\xc0\xaf"));         // overlong
    assert_false(valid("\xe0\x80\xaf"));     // overlong
    assert_false(valid("\xf0\x80\x80\xaf")); // overlong
    assert_false(valid("\xed\xa0\x80"));     // surrogate
    assert_false(valid("\xf4\x90\x80\x80")); // past U+10FFFF
    assert_false(valid("\xf5\x80\x80\x80"));
    assert_false(valid("\xc3"));
    assert_false(valid("\xe2\x82"));
    assert_false(valid("\xf0\x9f\x98"));
    assert_false(valid("1234567\xe2\x82x"));
}

static void lists_by_separators(void **state)
{
    (void)state;
    struct sk_str rest = SK_STR(" a ;\tb,, c");
    assert_true(sk_str_eq(sk_str_take(&rest, ';'), SK_STR("a")));
    assert_true(sk_str_eq(sk_str_take(&rest, ','), SK_STR("b")));
    assert_true(sk_str_eq(sk_str_take(&rest, ','), SK_STR("")));
    assert_true(sk_str_eq(sk_str_take(&rest, ','), SK_STR("c")));
    assert_int_equal(rest.n, 0);
    assert_int_equal(sk_str_take(&rest, ',').n, 0);
    assert_true(sk_str_lists(SK_STR("encoded, gzip"), SK_STR("gzip")));
    assert_true(sk_str_lists(SK_STR("gzip,encoded"), SK_STR("gzip")));
    assert_false(sk_str_lists(SK_STR("gzipped,x-gzip,GZIP"), SK_STR("gzip")));
    assert_false(sk_str_lists(sk_str_of(NULL), SK_STR("gzip")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_grows_and_keeps_its_bytes),
        cmocka_unit_test(printf_into_an_exactly_full_buffer),
        cmocka_unit_test(heap_copies),
        cmocka_unit_test(slices),
        cmocka_unit_test(lists_by_separators),
        cmocka_unit_test(the_hash_depends_on_bytes_and_seed_alone),
        cmocka_unit_test(utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
