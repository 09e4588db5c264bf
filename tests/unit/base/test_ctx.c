/* Errors and their table; randomness and ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/ctx.h"
#include "base/random.h"

static void the_table_names_every_error(void **state)
{
    (void)state;
    assert_string_equal(sk_err_name(SK_NOT_FOUND), "NOT_FOUND");
    assert_int_equal(SK_NOT_FOUND, 5);
    assert_int_equal(sk_err_grpc(SK_COMMIT_UNKNOWN), SK_UNAVAILABLE);
    for (int i = 0; i < SK_ERR_COUNT; i++) {
        assert_true(strlen(sk_err_meaning((sk_err)i)) > 0);
        assert_true(sk_err_grpc((sk_err)i) <= 16);
        assert_true(i > 16 || sk_err_grpc((sk_err)i) == i);
    }
    assert_string_equal(sk_err_name((sk_err)9999), "UNKNOWN");
    assert_string_equal(sk_err_name((sk_err)-1), "UNKNOWN");
}

static void the_first_failure_wins(void **state)
{
    (void)state;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};

    assert_int_equal(sk_fail(&ctx, SK_NOT_FOUND, "no %s", "run"), SK_NOT_FOUND);
    sk_fail_detail(&ctx, "a.B", "xy", 2);
    assert_int_equal(sk_fail(&ctx, SK_INTERNAL, "later"), SK_NOT_FOUND);
    sk_fail_detail(&ctx, "c.D", "z", 1);
    assert_string_equal(ctx.err.message, "no run");
    assert_string_equal(ctx.err.detail_type, "a.B");
    assert_int_equal(ctx.err.detail_size, 2);
    sk_ctx_clear(&ctx);
    assert_int_equal(ctx.err.code, SK_OK);
    assert_null(ctx.err.detail_type);
    assert_int_equal(sk_fail(&ctx, SK_ABORTED, "new"), SK_ABORTED);
    sk_arena_free(ctx.arena);
}

static const char *message_of(struct sk_ctx *ctx, const char *format, const char *name)
{
    char before[1100];
    sk_ctx_clear(ctx);
    memset(before, 'x', sizeof before);
    before[sizeof before - 1] = '\0';
    if (strcmp(format, "%.4s") == 0)
        (void)sk_fail(ctx, SK_NOT_FOUND, "no '%.4s'", name);
    else
        (void)sk_fail(ctx, SK_NOT_FOUND, "%.*s%s", 1023 - 2, before, name);
    return ctx->err.message;
}

/* What others named may be cut within a character, or be no text at all. */
static void messages_are_utf8(void **state)
{
    (void)state;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};

    assert_string_equal(message_of(&ctx, "%.4s", "\xc3\xa9\xc3\xa9\xc3\xa9"),
                        "no '\xc3\xa9\xc3\xa9'");
    assert_string_equal(message_of(&ctx, "%.4s", "a\xc3\xa9\xe2\x82\xac"), "no 'a\xc3\xa9?'");
    assert_string_equal(message_of(&ctx, "%.4s", "\xff\xfe\xc3z"), "no '???z'");
    const char *cut = message_of(&ctx, "long", "\xe2\x82\xac");
    assert_int_equal(strlen(cut), 1023);
    assert_string_equal(cut + 1020, "x??");
    sk_arena_free(ctx.arena);
}

static void a_seed_repeats_and_the_system_does_not(void **state)
{
    (void)state;
    struct sk_random *a = sk_random_new_seeded(1), *b = sk_random_new_seeded(1);
    struct sk_random *c = sk_random_new_seeded(2), *d = sk_random_new_system();
    unsigned char bytes[3000] = {0}, more[3000] = {0};

    for (int i = 0; i < 100; i++)
        assert_true(sk_random_u64(a) == sk_random_u64(b));
    assert_true(sk_random_u64(a) != sk_random_u64(c));
    assert_true(sk_random_u64(d) != sk_random_u64(d));
    sk_random_bytes(d, bytes, sizeof(bytes));
    sk_random_bytes(d, more, sizeof(more));
    assert_true(memcmp(bytes, more, 16) != 0);
    sk_random_bytes(a, bytes, 13);
    sk_random_free(a);
    sk_random_free(b);
    sk_random_free(c);
    sk_random_free(d);
    sk_random_free(NULL);
}

static void below_stays_below_and_reaches_all(void **state)
{
    (void)state;
    struct sk_random *random = sk_random_new_seeded(7);
    int seen[6] = {0};

    for (int i = 0; i < 6000; i++) {
        uint64_t x = sk_random_below(random, 6);
        assert_true(x < 6);
        seen[x]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(seen[i], 800, 1200);
    assert_int_equal(sk_random_below(random, 1), 0);
    assert_true(sk_random_below(random, UINT64_MAX) < UINT64_MAX);
    sk_random_free(random);
}

static void ids(void **state)
{
    (void)state;
    struct sk_random *random = sk_random_new_seeded(7);
    char text[SK_UUID_TEXT], later[SK_UUID_TEXT];
    struct sk_uuid id = sk_uuid_new(random, 1700000000000), back;

    sk_uuid_format(id, text);
    assert_int_equal(strlen(text), 36);
    assert_memory_equal(text, "018bcfe5-6800-7", 15); // 1700000000000 in hex, version 7
    assert_non_null(strchr("89ab", text[19]));
    assert_int_equal(sk_uuid_parse(text, &back), 0);
    assert_memory_equal(id.b, back.b, SK_UUID_SIZE);
    for (char *p = text; *p; p++)
        *p = (char)toupper(*p);
    assert_int_equal(sk_uuid_parse(text, &back), 0);
    assert_memory_equal(id.b, back.b, SK_UUID_SIZE);
    sk_uuid_format(id, text);
    sk_uuid_format(sk_uuid_new(random, 1700000000001), later);
    assert_true(strcmp(text, later) < 0);
    sk_random_free(random);
}

static void what_is_no_id_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "-",
        "018bcfe5",
        "018bcfe5-6800-7000-8000-00000000000",
        "x18bcfe5-6800-7000-8000-000000000000",
        "018bcfe5-6800-7000-8000-0000000000000",
        "018bcfe56800-7000-8000-0000000000000",
        "018bcfe5_6800-7000-8000-000000000000",
        "018bcfe5-6800-7000-8000-00000000000g",
    };
    struct sk_uuid id = {{42}};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(sk_uuid_parse(bad[i], &id), -1);
    assert_int_equal(id.b[0], 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_names_every_error),
        cmocka_unit_test(the_first_failure_wins),
        cmocka_unit_test(messages_are_utf8),
        cmocka_unit_test(a_seed_repeats_and_the_system_does_not),
        cmocka_unit_test(below_stays_below_and_reaches_all),
        cmocka_unit_test(ids),
        cmocka_unit_test(what_is_no_id_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
