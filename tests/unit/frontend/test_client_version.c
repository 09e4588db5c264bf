/* Which clients are served, by name, version and the server versions they want. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "frontend/client_version.h"

static sk_err check(const char *name, const char *version, const char *wants, const char **message)
{
    static char text[400];
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    sk_err err = sk_client_version_check(&ctx, name, version, wants);
    size_t n = ctx.err.message ? strlen(ctx.err.message) : 0;
    memcpy(text, n ? ctx.err.message : "", n + 1);
    *message = text;
    sk_arena_free(ctx.arena);
    return err;
}

static void served(void **state)
{
    (void)state;
    static const char *const examples[][3] = {
        {NULL, NULL, NULL},
        {"temporal-go", "1.36.0", ">=1.0.0 <2.0.0"},
        {"temporal-go", "1.36.0", NULL},
        {"temporal-go", "2.0.0-rc.1", NULL}, // before its release
        {"temporal-typescript", "1.11.1+build", ">= 1.0.0 < 2.0.0"},
        {"temporal-ui", "2.30.0", ""},
        {"temporal-python", "99", NULL}, // not in the table
        {"temporal-go", "", NULL},
        {"", "nonsense", NULL},
        {NULL, NULL, ">3.0.0 || >=1.31.0 <1.32.0"},
        {NULL, NULL, "!=1.0.0"},
        {NULL, NULL, "1.31.2"},
    };
    const char *message;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        if (check(examples[i][0], examples[i][1], examples[i][2], &message) != SK_OK)
            fail_msg("example %zu: %s", i, message);
}

static void refused(void **state)
{
    (void)state;
    const char *message;
    assert_int_equal(check("temporal-go", "2.0.0", NULL, &message), SK_FAILED_PRECONDITION);
    assert_string_equal(message,
                        "Client version 2.0.0 is not supported. Client must be temporal-go "
                        "version <2.0.0.");
    assert_int_equal(check(NULL, NULL, ">=2.0.0", &message), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(message, "Server version 1."));
    assert_int_equal(check(NULL, NULL, "<1.0.0 || >2.0.0", &message), SK_FAILED_PRECONDITION);
    static const char *const bad_versions[] = {"1", "1.2", "1.2.3.4", "a.b.c", "1.2.3-", "1.2.-3"};
    for (size_t i = 0; i < sizeof bad_versions / sizeof *bad_versions; i++)
        assert_int_equal(check("temporal-go", bad_versions[i], NULL, &message),
                         SK_INVALID_ARGUMENT);
    static const char *const bad_ranges[] = {
        ">=", "x", "||", ">1.0.0 ||", "> 1.0.0 | <2.0.0", "<<1.0.0", " ", ">=1.0"};
    for (size_t i = 0; i < sizeof bad_ranges / sizeof *bad_ranges; i++)
        if (check(NULL, NULL, bad_ranges[i], &message) != SK_INVALID_ARGUMENT)
            fail_msg("\"%s\" was taken", bad_ranges[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(served), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
