/* Cutting and measuring serialized histories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "temporal/api/history/v1/message.pb-c.h"
#include "wire/wire.h"

struct fixture {
    struct sk_ctx ctx;
    struct sk_buf history;
    size_t at[12]; /* where event i starts; at[11]: the end */
};

/* Events 1..10 of growing size. */
static int setup(void **state)
{
    struct fixture *f = sk_mem_zalloc(sizeof(*f));
    f->ctx.arena = sk_arena_new(0);
    Temporal__Api__History__V1__HistoryEvent event =
        TEMPORAL__API__HISTORY__V1__HISTORY_EVENT__INIT;
    Temporal__Api__History__V1__MarkerRecordedEventAttributes marker =
        TEMPORAL__API__HISTORY__V1__MARKER_RECORDED_EVENT_ATTRIBUTES__INIT;
    char name[2001];
    memset(name, 'x', sizeof(name));
    for (int i = 1; i <= 10; i++) {
        name[i * 200] = 0;
        marker.marker_name = name;
        event.event_id = i;
        event.task_id = i * 1000;
        event.attributes_case =
            TEMPORAL__API__HISTORY__V1__HISTORY_EVENT__ATTRIBUTES_MARKER_RECORDED_EVENT_ATTRIBUTES;
        event.marker_recorded_event_attributes = &marker;
        f->at[i] = f->history.n;
        assert_true(sk_wire_history_append(&f->history, &event.base) > (size_t)i * 200);
        name[i * 200] = 'x';
    }
    f->at[11] = f->history.n;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sk_buf_fini(&f->history);
    sk_arena_free(f->ctx.arena);
    sk_mem_free(f);
    return 0;
}

static void cuts_at_event_boundaries(void **state)
{
    struct fixture *f = *state;
    struct sk_str cut;
    for (int first = 1; first <= 10; first++) {
        for (int last = first; last <= 10; last++) {
            assert_int_equal(
                sk_wire_history_cut(&f->ctx, sk_buf_view(&f->history), first, last, &cut), SK_OK);
            assert_ptr_equal(cut.p, f->history.p + f->at[first]);
            assert_int_equal(cut.n, f->at[last + 1] - f->at[first]);
        }
    }
    assert_int_equal(sk_wire_history_cut(&f->ctx, sk_buf_view(&f->history), 11, 20, &cut), SK_OK);
    assert_int_equal(cut.n, 0);
    assert_int_equal(
        sk_wire_history_cut(&f->ctx, sk_buf_view(&f->history), INT64_MIN, INT64_MAX, &cut), SK_OK);
    assert_int_equal(cut.n, f->history.n);
}

static void range_says_first_and_last(void **state)
{
    struct fixture *f = *state;
    int64_t first, last;
    struct sk_str cut;
    assert_int_equal(sk_wire_history_cut(&f->ctx, sk_buf_view(&f->history), 4, 7, &cut), SK_OK);
    assert_int_equal(sk_wire_history_range(&f->ctx, cut, &first, &last), SK_OK);
    assert_int_equal(first, 4);
    assert_int_equal(last, 7);
    assert_int_equal(sk_wire_history_range(&f->ctx, (struct sk_str){"", 0}, &first, &last), SK_OK);
    assert_int_equal(first, 0);
    assert_int_equal(last, 0);
}

static void gaps_and_wrong_order_are_data_loss(void **state)
{
    struct fixture *f = *state;
    int64_t first, last;
    struct sk_str cut;
    struct sk_buf other = SK_BUF_INIT;
    sk_buf_append(&other, f->history.p + f->at[2], f->at[3] - f->at[2]);
    sk_buf_append(&other, f->history.p + f->at[4], f->at[5] - f->at[4]);
    assert_int_equal(sk_wire_history_range(&f->ctx, sk_buf_view(&other), &first, &last),
                     SK_DATA_LOSS);
    sk_buf_append(&other, f->history.p + f->at[3], f->at[4] - f->at[3]);
    sk_ctx_clear(&f->ctx);
    assert_int_equal(sk_wire_history_cut(&f->ctx, sk_buf_view(&other), 1, 9, &cut), SK_DATA_LOSS);
    assert_non_null(strstr(f->ctx.err.message, "event 3 follows event 4"));
    sk_buf_fini(&other);
}

static void torn_bytes_are_data_loss(void **state)
{
    struct fixture *f = *state;
    struct sk_str cut;
    for (size_t n = 1; n < f->at[3]; n++) {
        if (n == f->at[2])
            continue; // whole events
        char *exact = sk_mem_alloc(n);
        memcpy(exact, f->history.p, n);
        sk_ctx_clear(&f->ctx);
        assert_int_equal(sk_wire_history_cut(&f->ctx, (struct sk_str){exact, n}, 1, 10, &cut),
                         SK_DATA_LOSS);
        sk_mem_free(exact);
    }
}

static void event_id_is_found_wherever_it_stands(void **state)
{
    struct fixture *f = *state;
    int64_t first, last;
    // event_type 1, task_id 2, fixed fields unknown, then event_id 9
    struct sk_str odd = SK_STR("\x0a\x12\x18\x01\x28\x02\x7d"
                               "abcd"
                               "\x79"
                               "12345678"
                               "");
    struct sk_buf buf = SK_BUF_INIT;
    sk_buf_append(&buf, odd.p, odd.n);
    sk_buf_append(&buf, "\x08\x09", 2);
    buf.p[1] = (char)(buf.n - 2);
    assert_int_equal(sk_wire_history_range(&f->ctx, sk_buf_view(&buf), &first, &last), SK_OK);
    assert_int_equal(first, 9);
    sk_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cuts_at_event_boundaries, setup, teardown),
        cmocka_unit_test_setup_teardown(range_says_first_and_last, setup, teardown),
        cmocka_unit_test_setup_teardown(gaps_and_wrong_order_are_data_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(torn_bytes_are_data_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(event_id_is_found_wherever_it_stands, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
