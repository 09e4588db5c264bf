/* What is folded in failure messages, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "figures/failures.h"

static void folds(const char *message, const char *expected)
{
    char text[SK_FAILURE_FOLDED_BYTES + 1];
    size_t n = sk_failure_fold(sk_str_of(message), text, SK_FAILURE_FOLDED_BYTES);
    text[n] = '\0';
    assert_string_equal(text, expected);
}

static void test_folding(void **state)
{
    folds("", "");
    folds("plain words stay, even can't and o'clock", "plain words stay, even can't and o'clock");
    folds("order 17 of 1,200.50 at 10:15:00", "order <n> of <n> at <n>");
    folds("order17 item_3", "order<n> item_<n>");
    folds("user \"bob's\" not found", "user \"<...>\" not found");
    folds("key 'a b' or `c`", "key \"<...>\" or \"<...>\"");
    folds("9f86d081-884c-4d63-a1b2-0123456789ab gone", "<uuid> gone");
    folds("x=9f86d081-884c-4d63-a1b2-0123456789abc", "x=<hex>-<n>c-<n>d<n>-a<n>b<n>-<hex>");
    folds("at 0x7ffdeadbeef, hash 9f86d081884c", "at <hex>, hash <hex>");
    folds("deadbeef decade 12345678", "deadbeef decade <n>");
    folds("two\n\tlines   and blanks  ", "two lines and blanks");
    folds("an open \"quote stays", "an open \"quote stays");
    folds("caf\xc3\xa9 7", "caf\xc3\xa9 <n>");
    folds("v1.2.3.", "v<n>.");
}

static void test_length(void **state)
{
    char message[1000], text[SK_FAILURE_FOLDED_BYTES];
    memset(message, 'x', sizeof message);
    struct sk_str long_one = {message, sizeof message};
    assert_int_equal(sk_failure_fold(long_one, text, sizeof text), sizeof text);
    // nothing is cut within a character, nor a fold within its mark
    memcpy(message + sizeof text - 1, "\xc3\xa9", 2);
    assert_int_equal(sk_failure_fold(long_one, text, sizeof text), sizeof text - 1);
    message[sizeof text - 1] = ' ';
    message[sizeof text - 2] = '7';
    assert_int_equal(sk_failure_fold(long_one, text, sizeof text), sizeof text - 2);
    const char zeros[] = {'a', 0, 'b'}; // a message may hold U+0000
    assert_int_equal(sk_failure_fold((struct sk_str){zeros, 3}, text, sizeof text), 3);
    assert_memory_equal(text, "a b", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
