/* Maps against a plain model, iteration under removal; the heap's order; lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"

enum { KEYS = 700 };

static struct sk_str key_of(char room[16], uint64_t key)
{
    return (struct sk_str){room, (size_t)snprintf(room, 16, "key-%llu", (unsigned long long)key)};
}

static void a_map_behaves_like_an_array(void **state)
{
    (void)state;
    struct sk_random *random = sk_random_new_seeded(11);
    struct sk_map *map = sk_map_new();
    struct sk_imap *imap = sk_imap_new();
    void *model[KEYS] = {0};
    size_t count = 0;
    char room[16];

    for (uint64_t i = 1; i < 60000; i++) {
        uint64_t key = sk_random_below(random, i < 40000 ? KEYS : 20);
        int64_t number = (int64_t)key * 1000003 - 17;
        void *value = (void *)(uintptr_t)i;
        if (sk_random_below(random, 2) == 0) {
            assert_ptr_equal(sk_map_put(map, key_of(room, key), value), model[key]);
            assert_ptr_equal(sk_imap_put(imap, number, value), model[key]);
            count += model[key] == NULL;
            model[key] = value;
        } else {
            assert_ptr_equal(sk_map_remove(map, key_of(room, key)), model[key]);
            assert_ptr_equal(sk_imap_remove(imap, number), model[key]);
            count -= model[key] != NULL;
            model[key] = NULL;
        }
        assert_int_equal(sk_map_count(map), count);
        assert_int_equal(sk_imap_count(imap), count);
    }
    for (uint64_t key = 0; key < KEYS; key++) {
        assert_ptr_equal(sk_map_get(map, key_of(room, key)), model[key]);
        assert_ptr_equal(sk_imap_get(imap, (int64_t)key * 1000003 - 17), model[key]);
    }
    sk_map_free(map);
    sk_imap_free(imap);
    sk_random_free(random);
}

static void iteration_may_remove_and_keeps_the_order_of_insertion(void **state)
{
    (void)state;
    struct sk_imap *map = sk_imap_new();
    size_t cursor = 0;
    int64_t key, expected = 0;
    void *value;

    for (int64_t i = 0; i < 1000; i++)
        sk_imap_put(map, i, map);
    while (sk_imap_next(map, &cursor, &key, &value)) {
        assert_int_equal(key, expected++);
        assert_ptr_equal(value, map);
        if (key % 2 == 0)
            sk_imap_remove(map, key);
    }
    assert_int_equal(expected, 1000);
    assert_int_equal(sk_imap_count(map), 500);
    for (cursor = 0, expected = 1; sk_imap_next(map, &cursor, &key, NULL); expected += 2)
        assert_int_equal(key, expected);
    sk_imap_free(map);
}

static void keys_are_bytes_and_copied(void **state)
{
    (void)state;
    struct sk_map *map = sk_map_new();
    char key[] = {'a', 0, 'b'};
    struct sk_str out;
    size_t cursor = 0;

    assert_null(sk_map_get(map, SK_STR("none")));
    assert_null(sk_map_remove(map, SK_STR("none")));
    sk_map_put(map, (struct sk_str){key, 3}, (char *)"three");
    sk_map_put(map, (struct sk_str){key, 1}, (char *)"one");
    sk_map_put(map, SK_STR(""), (char *)"empty");
    key[2] = 'c';
    assert_null(sk_map_get(map, (struct sk_str){key, 3}));
    assert_string_equal(sk_map_get(map, SK_STR("a")), "one");
    assert_string_equal(sk_map_get(map, sk_str_of(NULL)), "empty");
    assert_true(sk_map_next(map, &cursor, &out, NULL));
    assert_memory_equal(out.p, "a\0b", 3);
    assert_true(sk_map_bytes(map) > 4);
    sk_map_free(map);
    sk_map_free(NULL);
}

static void a_map_that_empties_gives_its_memory_back(void **state)
{
    (void)state;
    struct sk_map *map = sk_map_new();
    char room[16];

    for (uint64_t i = 0; i < 10000; i++)
        sk_map_put(map, key_of(room, i), map);
    size_t full = sk_map_bytes(map);
    for (uint64_t i = 0; i < 10000; i++)
        sk_map_remove(map, key_of(room, i));
    for (uint64_t i = 0; i < 20000; i++) { // a queue's pattern: few at a time
        sk_map_put(map, key_of(room, i), map);
        sk_map_remove(map, key_of(room, i));
    }
    assert_true(sk_map_bytes(map) < full / 10);
    sk_map_free(map);
}

static void a_heap_sorts_and_keeps_ties_in_order(void **state)
{
    (void)state;
    struct sk_random *random = sk_random_new_seeded(3);
    struct sk_heap heap;
    static struct sk_heap_node nodes[2000];

    sk_heap_init(&heap);
    assert_null(sk_heap_pop(&heap));
    for (int i = 0; i < 2000; i++)
        sk_heap_push(&heap, &nodes[i], (int64_t)sk_random_below(random, 50) - 25);
    for (int i = 0; i < 2000; i += 3)
        sk_heap_remove(&heap, &nodes[i]);
    sk_heap_remove(&heap, &nodes[0]); // not in it: no effect
    const struct sk_heap_node *last = NULL, *node;
    int count = 0;
    while ((node = sk_heap_pop(&heap))) {
        assert_int_equal(node->index, 0);
        if (last)
            assert_true(last->key < node->key || (last->key == node->key && last < node));
        last = node;
        count++;
    }
    assert_int_equal(count, 2000 - 667);
    sk_heap_push(&heap, &nodes[5], 1);
    sk_heap_fini(&heap);
    assert_int_equal(nodes[5].index, 0);
    sk_random_free(random);
}

static void lists(void **state)
{
    (void)state;
    struct sk_list head, nodes[4];
    size_t seen = 0;

    sk_list_init(&head);
    assert_true(sk_list_empty(&head));
    assert_null(sk_list_pop_front(&head));
    for (int i = 1; i < 4; i++)
        sk_list_push_back(&head, &nodes[i]);
    sk_list_push_front(&head, &nodes[0]);
    SK_LIST_EACH (it, &head) {
        assert_ptr_equal(it, &nodes[seen++]);
        sk_list_remove(it);
    }
    assert_int_equal(seen, 4);
    assert_true(sk_list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_behaves_like_an_array),
        cmocka_unit_test(iteration_may_remove_and_keeps_the_order_of_insertion),
        cmocka_unit_test(keys_are_bytes_and_copied),
        cmocka_unit_test(a_map_that_empties_gives_its_memory_back),
        cmocka_unit_test(a_heap_sorts_and_keeps_ties_in_order),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
