/* Arenas: alignment, growth, limits, clearing, and moving between threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

static void pieces_are_aligned_and_disjoint(void **state)
{
    (void)state;
    struct sk_arena *arena = sk_arena_new(0);
    unsigned char *pieces[2000];
    size_t total = 0;

    for (size_t i = 0; i < 2000; i++) {
        size_t n = i * 7 % 400;
        pieces[i] = sk_arena_alloc(arena, n);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i & 0xFF), n);
        total += n;
    }
    for (size_t i = 0; i < 2000; i++)
        for (size_t at = 0; at < i * 7 % 400; at++)
            assert_int_equal(pieces[i][at], i & 0xFF);
    assert_true(sk_arena_used(arena) >= total);
    sk_arena_free(arena);
}

static void a_large_piece_leaves_the_small_ones_their_chunk(void **state)
{
    (void)state;
    struct sk_arena *arena = sk_arena_new(0);
    char *small = sk_arena_strdup(arena, "small");
    char *large = sk_arena_zalloc(arena, 5 * 1024 * 1024);
    char *after = sk_arena_strdup(arena, "after");

    assert_int_equal(large[5 * 1024 * 1024 - 1], 0);
    assert_string_equal(small, "small");
    assert_string_equal(after, "after");
    sk_arena_free(arena);
}

static void the_limit_holds_to_the_byte(void **state)
{
    (void)state;
    struct sk_arena *arena = sk_arena_new(100 * 1024);

    assert_non_null(sk_arena_alloc_try(arena, 64 * 1024));
    assert_null(sk_arena_alloc_try(arena, 64 * 1024));
    assert_non_null(sk_arena_alloc_try(arena, 36 * 1024));
    assert_null(sk_arena_alloc_try(arena, 1));
    assert_null(sk_arena_alloc_try(arena, SIZE_MAX));
    assert_int_equal(sk_arena_used(arena), 100 * 1024);
    sk_arena_clear(arena);
    assert_int_equal(sk_arena_used(arena), 0);
    assert_non_null(sk_arena_alloc_try(arena, 64 * 1024));
    sk_arena_free(arena);
}

static void clearing_reuses(void **state)
{
    (void)state;
    struct sk_arena *arena = sk_arena_new(0);

    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 500; i++)
            memset(sk_arena_alloc(arena, 100), round, 100);
        sk_arena_clear(arena);
    }
    sk_arena_free(arena);
    sk_arena_free(NULL);
}

static void text_helpers(void **state)
{
    (void)state;
    struct sk_arena *arena = sk_arena_new(0);
    char big[2000];

    assert_null(sk_arena_strdup(arena, NULL));
    assert_string_equal(sk_arena_strndup(arena, "abcdef", 3), "abc");
    assert_string_equal(sk_arena_strndup(arena, "ab", 10), "ab");
    assert_string_equal(sk_arena_printf(arena, "%s-%d", "x", 7), "x-7");
    memset(big, 'b', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    assert_string_equal(sk_arena_printf(arena, "%s", big), big);
    assert_memory_equal(sk_arena_memdup(arena, "\0\1\2", 3), "\0\1\2", 3);
    assert_non_null(sk_arena_memdup(arena, NULL, 0));
    sk_arena_free(arena);
}

static void *free_elsewhere(void *arg)
{
    sk_arena_free(arg);
    sk_arena_free(sk_arena_new(0)); // from this thread's pool, which its end empties
    return NULL;
}

static void an_arena_may_end_on_another_thread(void **state)
{
    (void)state;
    struct sk_arena *arena = sk_arena_new(0);
    pthread_t thread;

    for (int i = 0; i < 1000; i++)
        sk_arena_alloc(arena, 100);
    assert_int_equal(pthread_create(&thread, NULL, free_elsewhere, arena), 0);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_disjoint),
        cmocka_unit_test(a_large_piece_leaves_the_small_ones_their_chunk),
        cmocka_unit_test(the_limit_holds_to_the_byte),
        cmocka_unit_test(clearing_reuses),
        cmocka_unit_test(text_helpers),
        cmocka_unit_test(an_arena_may_end_on_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
