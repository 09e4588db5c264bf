/* Tokens of text: the same everywhere, whatever bytes come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buf.h"
#include "store/text.h"

static void expect(const char *text, size_t n, const char *want)
{
    struct sk_arena *arena = sk_arena_new(0);
    struct sk_str *tokens;
    struct sk_buf joined = SK_BUF_INIT;
    size_t count = sk_text_tokens(arena, (struct sk_str){text, n}, &tokens);
    for (size_t i = 0; i < count; i++)
        sk_buf_printf(&joined, "%s" SK_STR_FMT, i ? "|" : "", SK_STR_ARG(tokens[i]));
    sk_buf_append(&joined, "", 1);
    assert_string_equal(joined.p, want);
    sk_buf_fini(&joined);
    sk_arena_free(arena);
}
#define EXPECT(text, want) expect(text, sizeof(text) - 1, want)

static void words_folded_sorted_once(void **state)
{
    (void)state;
    EXPECT("", "");
    EXPECT(" \t.,;!", "");
    EXPECT("one", "one");
    EXPECT("The quick, the QUICK fox's 2nd-hand", "2nd|fox|hand|quick|s|the");
}

static void beyond_ascii(void **state)
{
    (void)state;
    EXPECT("\xc3\x89T\xc3\x89 \xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"); // É
    EXPECT("\xce\x91\xce\x92 \xd0\x96\xd0\x81",
           "\xce\xb1\xce\xb2|\xd0\xb6\xd1\x91");    // Greek, Cyrillic
    EXPECT("\xc4\x80\xc5\xbd", "\xc4\x81\xc5\xbe"); // Latin A
    EXPECT("\xe6\xbc\xa2\xe5\xad\x97\xe3\x80\x82x", "x|\xe6\xbc\xa2\xe5\xad\x97"); // ideographs
    EXPECT("a\xe2\x80\x94"
           "b\xc2\xa0"
           "c\xc3\x97"
           "d",
           "a|b|c|d"); // dash, no-break space, times
    EXPECT("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
}

static void malformed_bytes_are_kept(void **state)
{
    (void)state;
    EXPECT("a\xff\xfe z", "a\xff\xfe|z");
    EXPECT("\xc3", "\xc3");
    EXPECT("\xe2\x80", "\xe2\x80");
    EXPECT("x\xf0\x9f", "x\xf0\x9f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_folded_sorted_once),
        cmocka_unit_test(beyond_ascii),
        cmocka_unit_test(malformed_bytes_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
