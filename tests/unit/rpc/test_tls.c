/* Calls over TLS: who the handler sees, who is turned away, and gzip on top. */
#include "fixture.h"

#include "../net/pki.h"

static void serve(bool certificate, bool required, bool gzip, void (*body)(struct fixture *fx))
{
    struct sk_tls_options server_tls = {.cert_file = server_id.cert_file,
                                        .key_file = server_id.key_file,
                                        .client_ca_file = ca.cert_file,
                                        .require_client_cert = required};
    struct sk_tls_options client_tls = {.client_ca_file = ca.cert_file};
    if (certificate) {
        client_tls.cert_file = client_id.cert_file;
        client_tls.key_file = client_id.key_file;
    }
    struct sk_rpc_server_options server = {.tls = &server_tls};
    struct sk_rpc_client_options client = {.tls = &client_tls, .host = "localhost", .gzip = gzip};
    fixture_run(1, &server, &client, body);
}

static void call_principal(struct fixture *fx, const char *expected)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_str answer;
    assert_int_equal(fixture_call(fx, &ctx, "Who", SK_STR(""), PATIENCE_MS, &answer), SK_OK);
    assert_int_equal(answer.n, strlen(expected));
    assert_memory_equal(answer.p, expected, answer.n);
    char *big = sk_arena_zalloc(ctx.arena, 1 << 20);
    assert_int_equal(
        fixture_call(fx, &ctx, "Echo", (struct sk_str){big, 1 << 20}, PATIENCE_MS, &answer), SK_OK);
    assert_int_equal(answer.n, 1 << 20);
    sk_arena_free(ctx.arena);
}

static void is_client(struct fixture *fx)
{
    call_principal(fx, "CN=client");
}

static void is_nobody(struct fixture *fx)
{
    call_principal(fx, "");
}

static void is_refused(struct fixture *fx)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    assert_int_equal(fixture_call(fx, &ctx, "Who", SK_STR(""), PATIENCE_MS, NULL), SK_UNAVAILABLE);
    assert_int_equal(fx->handled, 0);
    sk_arena_free(ctx.arena);
}

static void test_certificate(void **state)
{
    (void)state;
    serve(true, true, false, is_client);
    serve(true, false, true, is_client);
}

static void test_no_certificate(void **state)
{
    (void)state;
    serve(false, false, false, is_nobody);
    serve(false, true, false, is_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_no_certificate),
    };
    return cmocka_run_group_tests_name("rpc tls", tests, pki_set_up, pki_tear_down);
}
